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
	maxQueue = 1024            // steps that wait; more wait outside
	patience = 5 * time.Second // how long one waits outside before it is refused
)

// writer is the only one that writes. It takes the steps that wait, at most maxGroup, and makes one transaction of them, so that
// they share one sync of the disk; each caller is answered after the commit. Every step has a savepoint of its own: one that
// fails takes nothing of its neighbours with it.
type writer struct {
	conn    *sql.Conn
	tx      *tx
	queue   chan *job
	stopped chan struct{}
	failure *failure
	explain func(error) error
	commit  func(ctx context.Context) error // ends a transaction

	disk     *disk
	tender   *tender
	every    time.Duration    // between two calls of the tender
	ticks    <-chan time.Time // call it, too
	patience time.Duration

	mu     sync.RWMutex // held for reading while a job is handed over, for writing while the queue is closed
	closed bool
}

// job is a step with the caller that waits for it.
type job struct {
	ctx     context.Context //nolint:containedctx // the caller waits with it, on the other side of a channel
	step    step
	dry     bool // leave no trace
	err     error
	settled chan struct{}
}

// newWriter returns a writer that works once its loop runs.
func newWriter(conn *sql.Conn, failure *failure, explain func(error) error) *writer {
	w := &writer{
		conn: conn, tx: &tx{newRunner(conn.PrepareContext)},
		queue: make(chan *job, maxQueue), stopped: make(chan struct{}), failure: failure, explain: explain,
		every: tendEvery, patience: patience,
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
	j := &job{ctx: ctx, step: step, dry: want.dry, settled: make(chan struct{})}
	if err := w.enqueue(j); err != nil {
		return err
	}
	// Not for the context: once the step is queued only the writer knows whether it happened.
	<-j.settled
	return j.err
}

func (w *writer) enqueue(j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed()
	}
	select {
	case w.queue <- j:
		return nil
	default:
	}
	late := time.NewTimer(w.patience)
	defer late.Stop()
	select {
	case w.queue <- j:
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
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.stopped
}

func (w *writer) loop() {
	defer close(w.stopped)
	group := make([]*job, 0, maxGroup)
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	idle := false
	for {
		select {
		case first, open := <-w.queue:
			if !open {
				return
			}
			idle = false
			group = w.drain(append(group[:0], first))
			w.settle(group)
			clear(group)
		case <-tick.C:
			w.tend(idle)
			idle = true
		case <-w.ticks:
			w.tend(idle)
			idle = true
		}
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

// drain adds what waits already. It does not wait for more: while a transaction is on its way to the disk the next group gathers.
func (w *writer) drain(group []*job) []*job {
	for len(group) < maxGroup {
		select {
		case j, open := <-w.queue:
			if !open {
				return group
			}
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

// settle does the steps of a group and answers their callers.
func (w *writer) settle(group []*job) {
	if len(group) > 1 && w.together(group) {
		answer(group)
		return
	}
	// There is only one, or the transaction vanished before anything was on disk: each gets one of its own, and only the step
	// that breaks it suffers.
	for _, j := range group {
		w.alone(j)
		answer([]*job{j})
	}
}

func answer(group []*job) {
	for _, j := range group {
		close(j.settled)
	}
}

// together does a group in one transaction. It returns false when the transaction has vanished: then nothing has happened.
// Otherwise every job has its answer.
func (w *writer) together(group []*job) (settled bool) {
	ctx := context.Background()
	if err := w.begin(ctx); err != nil {
		return all(group, err)
	}
	for _, j := range group {
		if intact := w.member(j); !intact {
			w.rollback(ctx)
			if err := w.failure.get(); err != nil {
				return all(group, errFailed(err))
			}
			return false
		}
	}
	err := w.commit(ctx)
	if err == nil {
		return true
	}
	if !nothingDurable(err) {
		return all(group, w.fail(err))
	}
	w.rollback(ctx)
	return false
}

// all answers a whole group with an error.
func all(group []*job, err error) bool {
	for _, j := range group {
		j.err = err
	}
	return true
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
	if j.err != nil || j.dry {
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
	if j.err != nil || j.dry {
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
