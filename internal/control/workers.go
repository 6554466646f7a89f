package control

import (
	"maps"
	"sync"

	"github.com/headrace/headrace/internal/storage"
)

// workers counts what runs because the worker has claimed it.
type workers struct {
	mu  sync.Mutex
	all storage.Workers
}

func newWorkers(size int) *workers {
	return &workers{all: storage.Workers{Size: size, Busy: map[string]int{}, Waiting: map[storage.Group]int{}}}
}

// now returns how it stands.
func (w *workers) now() storage.Workers {
	w.mu.Lock()
	defer w.mu.Unlock()
	return storage.Workers{Size: w.all.Size, Busy: maps.Clone(w.all.Busy), Waiting: maps.Clone(w.all.Waiting)}
}

// take has one work for a customer, until it is given back.
func (w *workers) take(customerID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all.Busy[customerID]++
}

func (w *workers) giveBack(customerID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	less(w.all.Busy, customerID)
}

// rest gives one back as long as what it worked at waits for memory. It is taken again by goOn, whether or not one is free: what has
// memory is not to wait with it.
func (w *workers) rest(customerID string, g storage.Group) (goOn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	less(w.all.Busy, customerID)
	w.all.Waiting[g]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		less(w.all.Waiting, g)
		w.all.Busy[customerID]++
	}
}

func less[K comparable](count map[K]int, key K) {
	if count[key]--; count[key] == 0 {
		delete(count, key)
	}
}
