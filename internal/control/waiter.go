package control

import (
	"sync"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
)

// waiters are the callers of asynchronous flows that would have the result, if it comes in time. Their event is on disk like any other:
// who waits in vain has its id.
type waiters struct {
	mu sync.Mutex
	by map[string]chan result // by execution id
}

// result is how an execution that somebody waits for has ended, exactly.
type result struct {
	execution ipaas.Execution
	outcome   engine.Outcome
}

// expect returns where the result of an execution will come.
func (w *waiters) expect(executionID string) (results <-chan result, forget func()) {
	ch := make(chan result, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil {
		w.by = map[string]chan result{}
	}
	w.by[executionID] = ch
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.by, executionID)
	}
}

// answer gives a result to who waits for it.
func (w *waiters) answer(ex ipaas.Execution, outcome engine.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch := w.by[ex.ID]; ch != nil {
		delete(w.by, ex.ID)
		ch <- result{ex, outcome}
	}
}
