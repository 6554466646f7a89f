package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/value"
)

// Memory is what the values of all runs of a server may take together, so that what one customer's flows make does not end the server
// for all.
//
// Each run has a little that nobody else can take. Beyond that a customer's runs may hold as much as is left for others: one customer
// alone comes to half of it, two that want all there is to a third each, and there is always as much left for the next one. No run that
// holds something waits for memory, so nothing can wait for ever: a step that would take more than there is fails, and may be tried again.
//
// What waits before it begins stands in a line of its customer. The lines take turns: the first of a line gets what is given back as soon
// as it is enough. One that needs little does not wait behind another customer's that needs much.
type Memory struct {
	size int

	mu    sync.Mutex
	used  int
	by    map[string]int        // of what is used, by customer; those who use nothing are not in it
	lines map[string][]*waiting // by customer; none is empty
	turns []string              // the customers who have a line, whose turn was last at the end
}

// waiting is a run, or what comes before one, that waits for so many bytes.
type waiting struct {
	bytes int
	given chan struct{} // closed when they are taken for it
}

// ownMemory is what every run may hold without asking. It is not counted.
const ownMemory = 8 << 20

// NewMemory returns a budget of so many bytes.
func NewMemory(size int) *Memory {
	return &Memory{size: size, by: map[string]int{}, lines: map[string][]*waiting{}}
}

// take takes n bytes for a customer; fewer than 0 are given back. Where there is not as much, it takes it all the same if it must, and
// else reports false and takes nothing.
func (m *Memory) take(customer string, n int, must bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n > 0 && !must && !m.fits(customer, n) {
		return false
	}
	m.add(customer, n)
	if n < 0 {
		m.serve()
	}
	return true
}

func (m *Memory) fits(customer string, n int) bool { return m.by[customer]+n <= m.size-m.used-n }

func (m *Memory) add(customer string, n int) {
	m.used += n
	if m.by[customer] += n; m.by[customer] == 0 {
		delete(m.by, customer)
	}
}

// serve gives what waits as much as it waits for, as far as there is so much.
func (m *Memory) serve() {
	for i := 0; i < len(m.turns); {
		customer := m.turns[i]
		first := m.lines[customer][0]
		if !m.fits(customer, first.bytes) {
			i++
			continue
		}
		m.add(customer, first.bytes)
		close(first.given)
		m.turns = append(slices.Delete(m.turns, i, i+1), customer)
		m.leave(customer, first)
	}
}

// leave takes out of a line what waits there. It reports false if it does not stand there any more.
func (m *Memory) leave(customer string, w *waiting) bool {
	i := slices.Index(m.lines[customer], w)
	if i < 0 {
		return false
	}
	if m.lines[customer] = slices.Delete(m.lines[customer], i, i+1); len(m.lines[customer]) == 0 {
		delete(m.lines, customer)
		i := slices.Index(m.turns, customer)
		m.turns = slices.Delete(m.turns, i, i+1)
	}
	return true
}

// Reserve takes n bytes for a customer, for what is going to be made outside of a run or before it begins. Where there is not as much for
// it now, or others of the customer wait, it takes nothing and returns false. What alone comes to more than one customer may have is let
// through when nothing else of its customer's is there.
func (m *Memory) Reserve(customer string, n int) (release func(), there bool) {
	n = min(n, m.size/2)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.lines[customer]) > 0 || !m.fits(customer, n) {
		return nil, false
	}
	m.add(customer, n)
	return m.release(customer, n), true
}

// Await takes n bytes as Reserve does, and waits for its turn and until there is as much. The error is that of ctx, which ended before.
func (m *Memory) Await(ctx context.Context, customer string, n int) (release func(), err error) {
	n = min(n, m.size/2)
	w := &waiting{bytes: n, given: make(chan struct{})}
	m.mu.Lock()
	if len(m.lines[customer]) == 0 {
		m.turns = append(m.turns, customer)
	}
	m.lines[customer] = append(m.lines[customer], w)
	m.serve()
	m.mu.Unlock()
	select {
	case <-w.given:
		return m.release(customer, n), nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.leave(customer, w) { // it was given in the same moment
		m.add(customer, -n)
	}
	m.serve()
	return nil, ctx.Err()
}

func (m *Memory) release(customer string, n int) func() {
	return sync.OnceFunc(func() { m.take(customer, -n, true) })
}

// account is what one run holds of the memory. It belongs to the goroutine of the run.
type account struct {
	memory   *Memory // nil: there is no bound
	customer string
	held     int
	long     map[value.TextMemory]int // how often each long text is held
}

func newAccount(m *Memory, customer string) *account {
	return &account{memory: m, customer: customer, long: map[value.TextMemory]int{}}
}

// grow changes what the run holds by n bytes.
func (a *account) grow(n int, must bool) error {
	if a.memory == nil {
		a.held += n
		return nil
	}
	asked := max(a.held+n-ownMemory, 0) - max(a.held-ownMemory, 0)
	if asked != 0 && !a.memory.take(a.customer, asked, must) {
		return a.refusal(n)
	}
	a.held += n
	return nil
}

func (a *account) refusal(n int) error {
	if most := a.memory.size / 2; a.held+n-ownMemory > most {
		return &memoryError{message: fmt.Sprintf("the run would hold more than %s in memory, which is what one customer's runs may take: "+
			"take less at once, split the work over several executions, or start the server with more --run-memory", megabytes(most))}
	}
	return &memoryError{passing: true, message: fmt.Sprintf("it takes %s of memory, and what the server has for runs (--run-memory, %s) is in use, "+
		"the most of it by runs of this customer or of many: let it be tried again later, take less at once, or run fewer of them side by side",
		megabytes(n), megabytes(a.memory.size))}
}

func megabytes(n int) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }

// memoryError says that there is no memory for a value.
type memoryError struct {
	message string
	passing bool // there may be later
}

func (e *memoryError) Error() string { return e.message }

// passing reports whether a step failed for want of memory that there may be later.
func passing(err error) bool {
	var e *memoryError
	return errors.As(err, &e) && e.passing
}

// hold is the memory of some values that a run holds. The zero value with an account holds nothing.
type hold struct {
	account *account
	bytes   int // besides long texts
	long    []value.TextMemory
}

func (a *account) hold() *hold { return &hold{account: a} }

// add holds a value, too. Where there is no memory for it, it returns an error, and the value is not held.
func (h *hold) add(v any) error { return h.take(v, false) }

// addInputs holds the inputs of a step while it runs: the texts in them, and room for what is made of the rest, though that is in
// results already. What an action gives is seldom larger than what it is given, and there before anybody can ask for it.
func (h *hold) addInputs(in component.Inputs) error {
	for _, key := range slices.Sorted(maps.Keys(in)) {
		var err error
		if pairs, ok := in[key].([]component.Pair); ok {
			for i := 0; i < len(pairs) && err == nil; i++ {
				err = h.add(pairs[i].Value)
			}
		} else {
			err = h.add(in[key])
		}
		if err != nil {
			return fmt.Errorf("its input %q cannot be taken: %w", key, err)
		}
	}
	return nil
}

// note holds a value that is there, whether or not there is memory for it.
func (h *hold) note(v any) { _ = h.take(v, true) } // it must, and does not fail

func (h *hold) take(v any, must bool) error {
	before, grown := len(h.long), 0
	bytes := value.Memory(v, func(t value.TextMemory) {
		if h.account.long[t]++; h.account.long[t] == 1 {
			grown += t.Size()
		}
		h.long = append(h.long, t)
	})
	if err := h.account.grow(bytes+grown, must); err != nil {
		h.drop(before)
		return err
	}
	h.bytes += bytes
	return nil
}

// drop lets go of the long texts from one on, and returns how much is free for it.
func (h *hold) drop(from int) (freed int) {
	for _, t := range h.long[from:] {
		if h.account.long[t]--; h.account.long[t] == 0 {
			delete(h.account.long, t)
			freed += t.Size()
		}
	}
	h.long = h.long[:from]
	return freed
}

// release lets go of all that is held. A hold that holds nothing, or is none, has nothing to let go of.
func (h *hold) release() {
	if h == nil {
		return
	}
	_ = h.account.grow(-h.bytes-h.drop(0), true)
	h.bytes = 0
}

// close gives back all that a run still holds.
func (a *account) close() { _ = a.grow(-a.held, true) }
