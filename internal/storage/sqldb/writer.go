package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/fault"
)

// A step is one atomic change. Its context carries what the caller's carries, but does not end: a step that has begun is not torn.
type step func(ctx context.Context, tx *tx) error

// The bounds of the writer.
const (
	maxGroup = 256             // steps in one transaction
	maxBytes = 1 << 20         // written by one transaction, after which no further step is begun in it
	large    = 64 << 10        // bytes from which on a step stands in line with the large ones
	maxQueue = 1024            // steps that wait in each line; more wait outside
	patience = 5 * time.Second // how long one waits outside before it is refused
)

// writer is the only one that writes. It takes steps that wait, at most maxGroup, and makes one transaction of them, so that they share
// one sync of the disk; each caller is answered after the commit. Every step has a savepoint of its own: one that fails takes nothing of
// its neighbours with it.
//
// A transaction takes as long as its bytes take to be written, and whoever comes meanwhile waits for its end. So the bytes of one are
// bounded, and what writes much stands in a line of its own: the two lines take turns, a transaction each, as long as somebody waits in
// both. A small step waits for one transaction with a large step or two, however many of these wait, and large ones get every other
// transaction, however many small ones come. Within a line the first comes first. Steps that one caller makes one after another keep their
// order in any case, since a caller waits for its answer. Those of callers that do not wait for each other keep one where they say so, as
// events of a flow do that run in the order in which they came: these stand in one line, whichever the first of them stands in.
//
// The other way would be a line for each customer, and turns by how much each has written of late. It would be fairer among those that
// write much, but the writer would have to be told whose each step is, and one customer's small steps would wait behind its own large
// ones, as those of an integration that all share would behind everybody's. That a step is large is known before it is made, and it is
// all that makes others wait.
type writer struct {
	conn    *sql.Conn
	tx      *tx
	small   line
	large   line
	quit    chan struct{} // closed when nothing more is handed over
	stopped chan struct{}
	failure *failure
	explain func(error) error
	commit  func(ctx context.Context) error // ends a transaction

	disk     *disk
	tender   *tender
	every    time.Duration    // between two calls of the tender
	ticks    <-chan time.Time // call it, too
	patience time.Duration

	orders orders

	mu     sync.RWMutex // held for reading while a job is handed over, for writing while the writer is closed
	closed bool
}

// newWriter returns a writer that works once its loop runs.
func newWriter(conn *sql.Conn, failure *failure, explain func(error) error) *writer {
	w := &writer{
		conn: conn, tx: &tx{runner: newRunner(conn.PrepareContext)},
		small: line{queue: make(chan *job, maxQueue)}, large: line{queue: make(chan *job, maxQueue)},
		quit: make(chan struct{}), stopped: make(chan struct{}), failure: failure, explain: explain, every: tendEvery, patience: patience,
	}
	w.commit = func(ctx context.Context) error {
		fault.Point("writer-commit")
		err := w.tx.do(ctx, `COMMIT`)
		fault.Point("writer-committed")
		return err
	}
	return w
}

// want is what a step asks for beside being done.
type want struct {
	dry      bool // leave no trace
	reclaims bool // it makes room, so it is let through while the disk is full
	bytes    int  // how much it writes, as far as that is known and matters

	// order names what it keeps an order with: it stands behind those of the same order that came before it. Empty: with nothing.
	order string
}

// do hands a step to the writer and waits for its answer.
func (w *writer) do(ctx context.Context, step step, want want) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.failure.get(); err != nil {
		return errFailed(err)
	}
	if err := w.disk.room(want.reclaims); err != nil {
		return err
	}
	j := &job{ctx: ctx, step: step, want: want, settled: make(chan struct{})}
	in := w.orders.join(want.order, w.line(want))
	defer w.orders.leave(want.order)
	if err := w.enqueue(j, in); err != nil {
		return err
	}
	// Not for the context: once the step is queued only the writer knows whether it happened.
	<-j.settled
	return j.err
}

// line returns where a step stands that keeps no order.
func (w *writer) line(want want) *line {
	if want.bytes >= large {
		return &w.large
	}
	return &w.small
}

func (w *writer) enqueue(j *job, in *line) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed()
	}
	select {
	case in.queue <- j:
		return nil
	default:
	}
	late := time.NewTimer(w.patience)
	defer late.Stop()
	select {
	case in.queue <- j:
		return nil
	case <-j.ctx.Done():
		return errBusy(j.ctx.Err())
	case <-late.C:
		return errBusy(errQueueFull)
	}
}

var errQueueFull = errors.New("the queue of the writer stayed full")

// close refuses further steps and waits until those that wait are done.
func (w *writer) close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.quit)
	}
	w.mu.Unlock()
	<-w.stopped
}

// waiting is how many steps wait to be taken.
func (w *writer) waiting() int { return len(w.small.queue) + len(w.large.queue) }

func (w *writer) loop() {
	defer close(w.stopped)
	group := make([]*job, 0, maxGroup)
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	idle, looked := false, false
	for turn, other := &w.small, &w.large; ; {
		first, from, open := w.next(turn, other, looked, tick.C)
		if !open {
			return
		}
		if looked = first == nil; looked {
			w.tend(idle)
			idle = true
			continue
		}
		if from == turn {
			turn, other = other, turn
		}
		idle = false
		group = from.gather(append(group[:0], first))
		from.putBack(w.settle(group))
		clear(group)
	}
}

// next waits for a step, and returns it with the line that it stood in: the one whose turn it is, if anybody stands there. It returns none
// when it is time to look at the files, which steps that wait do not put off, unless they were looked at just now: looking may take longer
// than it is until the next time. open is false when no more will come.
func (w *writer) next(turn, other *line, looked bool, tick <-chan time.Time) (first *job, from *line, open bool) {
	if !looked {
		select {
		case <-tick:
			return nil, nil, true
		case <-w.ticks:
			return nil, nil, true
		default:
		}
	}
	for _, l := range []*line{turn, other} {
		if j := l.take(); j != nil {
			return j, l, true
		}
	}
	select {
	case j := <-turn.queue:
		return j, turn, true
	case j := <-other.queue:
		return j, other, true
	case <-tick:
		return nil, nil, true
	case <-w.ticks:
		return nil, nil, true
	case <-w.quit:
		return nil, nil, w.waiting() > 0
	}
}

// tend keeps the files small, unless the store has failed: then nobody touches them.
func (w *writer) tend(idle bool) {
	if w.failure.get() != nil {
		return
	}
	if err := w.tender.tend(context.Background(), idle); err != nil {
		w.failure.set(err)
	}
}

// settle does the steps of a group and answers their callers. It returns those that found no room.
func (w *writer) settle(group []*job) (left []*job) {
	if len(group) > 1 {
		if done, settled := w.together(group); settled {
			answer(group[:done])
			return group[done:]
		}
	}
	// There is only one, or the transaction vanished before anything was on disk: each gets one of its own, and only the step
	// that breaks it suffers.
	for _, j := range group {
		w.alone(j)
		answer([]*job{j})
	}
	return nil
}

func answer(group []*job) {
	for _, j := range group {
		close(j.settled)
	}
}

// together does a group in one transaction, or as many of it as have room. settled is false when the transaction has vanished: then
// nothing has happened. Otherwise so many jobs, from the first on, have their answers.
func (w *writer) together(group []*job) (done int, settled bool) {
	ctx := context.Background()
	if err := w.begin(ctx); err != nil {
		return all(group, err)
	}
	for ; done < len(group) && w.tx.written < maxBytes; done++ {
		if intact := w.member(group[done]); !intact {
			w.rollback(ctx)
			if err := w.failure.get(); err != nil {
				return all(group, errFailed(err))
			}
			return 0, false
		}
	}
	err := w.commit(ctx)
	if err == nil {
		return done, true
	}
	if !nothingDurable(err) {
		return all(group, w.fail(err))
	}
	w.rollback(ctx)
	return 0, false
}

// all answers a whole group with an error.
func all(group []*job, err error) (done int, settled bool) {
	for _, j := range group {
		j.err = err
	}
	return len(group), true
}

// member does one step of a transaction under a savepoint. It returns false when the transaction is not whole any more.
func (w *writer) member(j *job) (intact bool) {
	if j.err = j.ctx.Err(); j.err != nil {
		return true
	}
	ctx := context.WithoutCancel(j.ctx)
	if err := w.tx.do(ctx, `SAVEPOINT step`); err != nil {
		return false
	}
	j.err = w.explain(w.run(ctx, j.step))
	if w.failure.get() != nil {
		return false
	}
	if j.err != nil || j.want.dry {
		if err := w.tx.do(ctx, `ROLLBACK TO step`); err != nil {
			return false // SQLite has rolled back the whole, and the savepoint with it
		}
	}
	return w.tx.do(ctx, `RELEASE step`) == nil
}

// alone does one step in a transaction of its own.
func (w *writer) alone(j *job) {
	if j.err = j.ctx.Err(); j.err != nil {
		return
	}
	ctx := context.WithoutCancel(j.ctx)
	if j.err = w.begin(ctx); j.err != nil {
		return
	}
	j.err = w.explain(w.run(ctx, j.step))
	if j.err != nil || j.want.dry {
		w.rollback(ctx)
		return
	}
	err := w.commit(ctx)
	switch {
	case err == nil:
	case nothingDurable(err):
		w.rollback(ctx)
		j.err = w.explain(err)
	default:
		j.err = w.fail(err)
	}
}

func (w *writer) begin(ctx context.Context) error {
	if err := w.failure.get(); err != nil {
		return errFailed(err)
	}
	w.tx.written = 0
	return w.explain(w.tx.do(ctx, `BEGIN IMMEDIATE`))
}

// rollback ends a transaction that may be gone already.
func (w *writer) rollback(ctx context.Context) {
	if err := w.tx.do(ctx, `ROLLBACK`); err != nil && classify(err) != troubleStatement {
		w.failure.set(err)
	}
}

// fail stops the store: whether the transaction is on disk can only be told by reading the disk afresh.
func (w *writer) fail(err error) error {
	w.failure.set(err)
	return errFailed(err)
}

// run runs a step; a panic becomes its error.
func (w *writer) run(ctx context.Context, step step) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: debug.Stack()}
		}
	}()
	return step(ctx, w.tx)
}
