package control

import (
	"context"
	"fmt"
	"sync"
)

// joined are works under way that have a request id, by caller and id: the same request waits for the same answer, so that what
// changes other systems is done once.
type joined[T any] struct {
	mu    sync.Mutex
	byKey map[string]*work[T]
}

type work[T any] struct {
	requestHash string
	done        chan struct{}
	result      T
	err         error
}

// join returns the work of a mutation, and whether the caller is the one to carry it out.
func (j *joined[T]) join(m Mutation) (w *work[T], first bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if w = j.byKey[m.key()]; w != nil {
		return w, false
	}
	if j.byKey == nil {
		j.byKey = map[string]*work[T]{}
	}
	w = &work[T]{requestHash: m.RequestHash, done: make(chan struct{})}
	j.byKey[m.key()] = w
	return w, true
}

func (j *joined[T]) end(m Mutation, w *work[T]) {
	j.mu.Lock()
	delete(j.byKey, m.key())
	j.mu.Unlock()
	close(w.done)
}

// joining does what a caller asked for, or waits for it if the same request is being carried out. Losing its caller does not tear it;
// the same request id joins it again. what names it in words.
func joining[T any](
	ctx context.Context, p *Plane, j *joined[T], what string, m Mutation, do func(context.Context) (T, error),
) (answer T, err error) {
	w, first := j.join(m)
	if w.requestHash != m.RequestHash {
		return answer, requestIDReused(m.RequestID)
	}
	if first {
		own := context.WithoutCancel(ctx)
		p.background.Go(func() {
			defer j.end(m, w)
			w.result, w.err = do(own)
		})
	}
	select {
	case <-w.done:
		return w.result, w.err
	case <-ctx.Done():
		return answer, fmt.Errorf("the %s of request %q goes on without you: %w", what, m.RequestID, ctx.Err())
	}
}
