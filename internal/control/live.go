package control

import (
	"context"
	"errors"
	"sync"
)

// errCanceled is the cause with which a run is cut that somebody canceled.
var errCanceled = errors.New("the execution was canceled")

// live are the attempts at executions that this process carries out. What is among them is not taken over from it, whatever the clock
// says about its lease, and can be cut.
type live struct {
	mu   sync.Mutex
	cuts map[attempt]context.CancelCauseFunc
}

type attempt struct {
	executionID string
	number      int
}

// enter returns a context that ends when the attempt is cut. An attempt that is among the live ones already stays with the context
// it has.
func (l *live) enter(ctx context.Context, executionID string, number int) (_ context.Context, leave func()) {
	a := attempt{executionID, number}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cuts[a] != nil {
		return ctx, func() {}
	}
	ctx, cut := context.WithCancelCause(ctx)
	if l.cuts == nil {
		l.cuts = map[attempt]context.CancelCauseFunc{}
	}
	l.cuts[a] = cut
	return ctx, func() {
		l.mu.Lock()
		delete(l.cuts, a)
		l.mu.Unlock()
		cut(nil)
	}
}

// cut ends the attempts at an execution, if there are any.
func (l *live) cut(executionID string, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a, cut := range l.cuts {
		if a.executionID == executionID {
			cut(cause)
		}
	}
}

// ids returns the executions that are carried out.
func (l *live) ids() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make([]string, 0, len(l.cuts))
	for a := range l.cuts {
		ids = append(ids, a.executionID)
	}
	return ids
}
