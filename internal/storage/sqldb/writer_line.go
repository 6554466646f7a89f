package sqldb

import (
	"context"
	"slices"
	"sync"
)

// line is where steps wait. Only the writer takes from it.
type line struct {
	queue chan *job
	back  []*job // those that had been taken, and found no room in their transaction
}

// take returns the next that waits, or nil.
func (l *line) take() *job {
	if len(l.back) > 0 {
		j := l.back[0]
		l.back = l.back[1:]
		return j
	}
	select {
	case j := <-l.queue:
		return j
	default:
		return nil
	}
}

// waiting reports whether anybody stands in line.
func (l *line) waiting() bool { return len(l.back) > 0 || len(l.queue) > 0 }

// putBack makes jobs the next ones again.
func (l *line) putBack(jobs []*job) {
	if len(jobs) > 0 {
		l.back = append(slices.Clone(jobs), l.back...)
	}
}

// orders knows where those stand that keep an order: all of the same one in the same line, small or large, since the lines overtake each
// other.
type orders struct {
	mu    sync.Mutex
	lines map[string]*ordered
}

// ordered is the line where those of an order stand, with how many these are.
type ordered struct {
	line    *line
	waiting int
}

// join returns the line to stand in for one who keeps an order, which is own if nobody else of it waits.
func (o *orders) join(order string, own *line) *line {
	if order == "" {
		return own
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	at := o.lines[order]
	if at == nil {
		if o.lines == nil {
			o.lines = map[string]*ordered{}
		}
		at = &ordered{line: own}
		o.lines[order] = at
	}
	at.waiting++
	return at.line
}

// leave tells that one who has joined waits no more.
func (o *orders) leave(order string) {
	if order == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lines[order].waiting--; o.lines[order].waiting == 0 {
		delete(o.lines, order)
	}
}

// job is a step with the caller that waits for it.
type job struct {
	ctx     context.Context //nolint:containedctx // the caller waits with it, on the other side of a channel
	step    step
	want    want
	err     error
	settled chan struct{}
}

// gather adds what waits already. It does not wait for more: while a transaction is on its way to the disk the next group gathers.
func (l *line) gather(group []*job) []*job {
	for bytes := group[0].want.bytes; len(group) < maxGroup && bytes < maxBytes; {
		j := l.take()
		if j == nil {
			break
		}
		group = append(group, j)
		bytes += j.want.bytes
	}
	return group
}
