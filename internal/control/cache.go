package control

import "sync"

// cache keeps things that never change, found by what they are made of. The zero cache is ready to use.
type cache[V any] struct {
	mu   sync.RWMutex
	kept map[string]V
}

// mostKept bounds a cache; a full one is begun afresh.
const mostKept = 2000

func (c *cache[V]) get(key string) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.kept[key]
	return v, ok
}

func (c *cache[V]) put(key string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= mostKept {
		c.kept = make(map[string]V)
	}
	c.kept[key] = v
}
