// Package cache keeps what never changes, found by what it is made of, so that it is made once. What can change must not be kept in one:
// nothing is ever taken out by itself, and nobody is asked whether it still holds.
package cache

import "sync"

// Of is a cache of one kind of thing. The zero cache is ready to use, by several at once.
type Of[V any] struct {
	mu   sync.RWMutex
	kept map[string]V
}

// mostKept bounds a cache; a full one is begun afresh.
const mostKept = 2000

// Get returns what is kept under a key, if anything is.
func (c *Of[V]) Get(key string) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.kept[key]
	return v, ok
}

// Put keeps a thing, in the place of what was kept under its key.
func (c *Of[V]) Put(key string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= mostKept {
		c.kept = make(map[string]V)
	}
	c.kept[key] = v
}
