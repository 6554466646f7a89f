package storage

import "maps"

// Workers says how many executions a server runs side by side that were claimed, and whose run now. It is counted by who runs them, and not
// from what is stored: an attempt that has lost its lease keeps a worker until it notices, and one that was left to its lease keeps none.
//
// One customer alone has all of them, Size many. Whoever comes while they are busy does not wait for them: the first execution of a customer
// may run while fewer than 4 × Size do, its second while fewer than 3 × Size do, its third while fewer than 2 × Size do; from the fourth on
// it waits for one that is free. So flows that hang hold up their own customer, and it takes about as many customers as twice Size whose
// flows all hang to hold up another one.
//
// Two other ways were weighed. A share that nobody may exceed leaves workers idle where one customer is alone, and a few customers whose
// flows hang take their shares and with them all there is. Steps that wait (for a time, for another system) could give their worker back:
// then nothing would bound how many runs wait, each with what it holds in memory, so that these would need a bound, and customers a share in
// that. Here the bound stays one number, and costs what it says only where many customers want to run at once.
type Workers struct {
	Size int            // 0: no bound
	Busy map[string]int // executions that run, by customer; those that are no customer's under ""
	// Waiting is how many wait for memory before they begin. They keep no worker, and nothing more is taken of their flow meanwhile: it
	// would wait, too.
	Waiting map[Group]int
}

// Group is the executions of one flow of one instance.
type Group struct{ InstanceUID, FlowID string }

// firsts is how many executions of each customer do not have to wait until a worker is free.
const firsts = 3

// Free reports whether one more execution of a customer may run.
func (w Workers) Free(customerID string) bool {
	if w.Size == 0 {
		return true
	}
	own, all := w.Busy[customerID], 0
	for _, n := range w.Busy {
		all += n
	}
	return own < w.Size && all < w.Size*(1+max(firsts-own, 0))
}

// With returns the workers with one more execution of a customer that runs.
func (w Workers) With(customerID string) Workers {
	w.Busy = maps.Clone(w.Busy)
	if w.Busy == nil {
		w.Busy = map[string]int{}
	}
	w.Busy[customerID]++
	return w
}
