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
	runs map[attempt]liveRun

	// beginning is held for reading from before an attempt is stored as RUNNING until it is among the runs.
	beginning sync.RWMutex
}

type liveRun struct {
	ctx  context.Context //nolint:containedctx // it is the run's own, which its parts are cut by
	cut  context.CancelCauseFunc
	gone chan struct{} // closed when it is over, and its end recorded
}

type attempt struct {
	executionID string
	number      int
}

// enter returns a context that ends when the attempt is cut. One that is among the live ones already is cut with them.
func (l *live) enter(ctx context.Context, executionID string, number int) (_ context.Context, leave func()) {
	a := attempt{executionID, number}
	ctx, cut := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if run, there := l.runs[a]; there {
		stop := context.AfterFunc(run.ctx, func() { cut(context.Cause(run.ctx)) })
		return ctx, func() {
			stop()
			cut(nil)
		}
	}
	if l.runs == nil {
		l.runs = map[attempt]liveRun{}
	}
	run := liveRun{ctx, cut, make(chan struct{})}
	l.runs[a] = run
	return ctx, func() {
		l.mu.Lock()
		delete(l.runs, a)
		l.mu.Unlock()
		cut(nil)
		close(run.gone)
	}
}

// cut ends the attempts at an execution that is stored as RUNNING, if there are any. It does not wait for them: what it returns is closed
// when they are over.
func (l *live) cut(executionID string, cause error) (gone []<-chan struct{}) {
	l.beginning.Lock() // what is being claimed is let come among the runs first
	defer l.beginning.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for a, run := range l.runs {
		if a.executionID == executionID {
			run.cut(cause)
			gone = append(gone, run.gone)
		}
	}
	return gone
}

// ids returns the executions that are carried out.
func (l *live) ids() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make([]string, 0, len(l.runs))
	for a := range l.runs {
		ids = append(ids, a.executionID)
	}
	return ids
}
