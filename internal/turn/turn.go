// Package turn lets one after another do what may not be done side by side. It must not know what that is.
package turn

import (
	"context"
	"sync"
)

// ByKey gives turns: those with the same key come one after another, in no order. The zero ByKey is ready to use.
type ByKey struct {
	mu    sync.Mutex
	byKey map[string]*turn
}

type turn struct {
	taken chan struct{} // full while it is someone's turn
	users int           // who has it or waits for it; without any it is forgotten
}

// Take waits for a turn, which lasts until done is called.
func (t *ByKey) Take(ctx context.Context, key string) (done func(), err error) {
	turn := t.join(key)
	select {
	case turn.taken <- struct{}{}:
		return func() {
			<-turn.taken
			t.leave(key, turn)
		}, nil
	case <-ctx.Done():
		t.leave(key, turn)
		return nil, ctx.Err()
	}
}

func (t *ByKey) join(key string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byKey == nil {
		t.byKey = map[string]*turn{}
	}
	u := t.byKey[key]
	if u == nil {
		u = &turn{taken: make(chan struct{}, 1)}
		t.byKey[key] = u
	}
	u.users++
	return u
}

func (t *ByKey) leave(key string, u *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u.users--; u.users == 0 {
		delete(t.byKey, key)
	}
}
