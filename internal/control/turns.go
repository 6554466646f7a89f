package control

import (
	"context"
	"sync"
)

// turns lets one after another do what may not be done side by side, by key. The zero turns are ready to use.
type turns struct {
	mu    sync.Mutex
	byKey map[string]chan struct{} // full while it is someone's turn
}

// take waits for a turn, which lasts until done is called.
func (t *turns) take(ctx context.Context, key string) (done func(), err error) {
	t.mu.Lock()
	turn := t.byKey[key]
	if turn == nil {
		if t.byKey == nil {
			t.byKey = map[string]chan struct{}{}
		}
		turn = make(chan struct{}, 1)
		t.byKey[key] = turn
	}
	t.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
