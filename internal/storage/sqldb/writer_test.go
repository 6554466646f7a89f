package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/leaktest"
	"github.com/headrace/headrace/internal/storage"
)

// put returns a step that leaves a receipt.
func put(key string) step {
	return func(ctx context.Context, tx *tx) error {
		return putReceipt(ctx, tx, &storage.Receipt{Key: key, RequestHash: "h", ExpireTime: time.Unix(1<<32, 0)})
	}
}

func has(t *testing.T, db *DB, key string) bool {
	t.Helper()
	_, err := db.GetReceipt(t.Context(), key, time.Unix(0, 0))
	if err != nil && !errors.Is(err, ipaas.NotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// together makes the writer do the steps in one group, and returns what each caller was answered.
// While a step of its own keeps the writer busy, the others queue up behind it in their order.
func together(t *testing.T, db *DB, steps ...step) []error {
	t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		err := db.write(t.Context(), func(context.Context, *tx) error {
			close(entered)
			<-leave
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-entered
	answers := make([]error, len(steps))
	for i, s := range steps {
		all.Go(func() { answers[i] = db.write(t.Context(), s) })
		waitFor(t, func() bool { return db.writer.waiting() == i+1 })
	}
	close(leave)
	all.Wait()
	return answers
}

// inVain is how long is waited for what will not come: only a test that fails takes so long.
const inVain = 2 * time.Minute

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(inVain); !done(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not come to pass within %s", inVain)
		}
	}
}

func TestWriterDoesManyStepsInOneTransaction(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	var commits atomic.Int32
	commit := db.writer.commit
	db.writer.commit = func(ctx context.Context) error {
		commits.Add(1)
		return commit(ctx)
	}
	var steps []step
	for n := range 64 {
		steps = append(steps, put(fmt.Sprint(n)))
	}
	for n, err := range together(t, db, steps...) {
		if err != nil {
			t.Errorf("step %d: %v", n, err)
		}
		if !has(t, db, fmt.Sprint(n)) {
			t.Errorf("step %d was acknowledged and is not there", n)
		}
	}
	if n := commits.Load(); n != 2 {
		t.Errorf("%d transactions were committed, want 2: the first step's and the group's", n)
	}
}

func TestWriterAnswersAfterTheCommit(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	commit := db.writer.commit
	var committed atomic.Bool
	db.writer.commit = func(ctx context.Context) error {
		err := commit(ctx)
		committed.Store(true)
		return err
	}
	if err := db.write(t.Context(), put("a")); err != nil || !committed.Load() {
		t.Errorf("answered %v, committed %v", err, committed.Load())
	}
}

func TestWriterOfManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	const callers, each = 64, 20
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for n := range each {
				key := fmt.Sprintf("%d-%d", c, n)
				failing := n%5 == 4
				err := db.write(t.Context(), func(ctx context.Context, tx *tx) error {
					if err := put(key)(ctx, tx); err != nil {
						return err
					}
					if failing {
						return errOdd
					}
					return nil
				})
				if failing != errors.Is(err, errOdd) || !failing && err != nil {
					t.Errorf("%s: answered %v", key, err)
				}
				if has(t, db, key) == failing {
					t.Errorf("%s: failing is %v and it is there: %v", key, failing, !failing)
				}
			}
		})
	}
	all.Wait()
}

var errOdd = errors.New("odd")

func TestWriterLetsAStepFailAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		bad  step
		want func(error) bool
	}{
		{
			"with_an_error", func(ctx context.Context, tx *tx) error { return errors.Join(put("bad")(ctx, tx), errOdd) },
			func(err error) bool { return errors.Is(err, errOdd) },
		},
		{"with_a_panic", func(ctx context.Context, tx *tx) error {
			if err := put("bad")(ctx, tx); err != nil {
				return err
			}
			panic("odd")
		}, func(err error) bool {
			var p *panicError
			return errors.As(err, &p) && p.value == "odd" && strings.Contains(p.Error(), "writer_test.go")
		}},
		{"with_a_panic_amid_rows", func(ctx context.Context, tx *tx) error {
			if err := put("bad")(ctx, tx); err != nil {
				return err
			}
			return tx.rows(ctx, `SELECT key FROM receipts`, nil, func(scanner) error { panic("odd") })
		}, func(err error) bool { return errors.As(err, new(*panicError)) }},
		{"with_a_broken_rule", func(ctx context.Context, tx *tx) error {
			if err := put("bad")(ctx, tx); err != nil {
				return err
			}
			return tx.do(ctx, `INSERT INTO receipts (key, request_hash, answer, expire_time) VALUES ('bad', '', '', 0)`)
		}, func(err error) bool { return classify(err) == troubleBroken }},
		{"with_a_statement_that_is_none", func(ctx context.Context, tx *tx) error {
			return errors.Join(put("bad")(ctx, tx), tx.do(ctx, `NONSENSE`))
		}, func(err error) bool { return err != nil }},
		{"by_ending_the_transaction", func(ctx context.Context, tx *tx) error {
			return errors.Join(put("bad")(ctx, tx), tx.do(ctx, `ROLLBACK`))
		}, func(err error) bool { return err != nil }},
		{"by_ending_the_transaction_with_an_error", func(ctx context.Context, tx *tx) error {
			return errors.Join(put("bad")(ctx, tx), tx.do(ctx, `ROLLBACK`), errOdd)
		}, func(err error) bool { return errors.Is(err, errOdd) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			answers := together(t, db, put("before"), tt.bad, put("after"))
			if answers[0] != nil || answers[2] != nil || !tt.want(answers[1]) {
				t.Errorf("the callers were answered %v", answers)
			}
			for key, want := range map[string]bool{"before": true, "bad": false, "after": true} {
				if has(t, db, key) != want {
					t.Errorf("%s is there: %v, want %v", key, !want, want)
				}
			}
			if err := db.Err(); err != nil {
				t.Errorf("the store has failed: %v", err)
			}
			if err := db.write(t.Context(), tt.bad); !tt.want(err) || has(t, db, "bad") {
				t.Errorf("alone it was answered %v", err)
			}
		})
	}
}

func TestWriterLeavesNoTraceOfADryRun(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	if err := db.writer.do(t.Context(), put("alone"), want{dry: true}); err != nil {
		t.Error(err)
	}
	answers := together(t, db, put("before"), func(context.Context, *tx) error { return nil })
	if answers[0] != nil || answers[1] != nil {
		t.Error(answers)
	}
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			if err := db.writer.do(t.Context(), put(fmt.Sprint(n)), want{dry: n%2 == 0}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for n := range 20 {
		if has(t, db, fmt.Sprint(n)) != (n%2 == 1) {
			t.Errorf("%d is there: %v", n, n%2 == 0)
		}
	}
	if has(t, db, "alone") {
		t.Error("a dry run on its own left a trace")
	}
}

func TestWriterKeepsACallersOrder(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	var order []int // only the writer appends
	var steps []step
	for n := range 100 {
		steps = append(steps, func(context.Context, *tx) error {
			order = append(order, n)
			return nil
		})
	}
	together(t, db, steps...)
	for n, got := range order {
		if n != got {
			t.Fatalf("steps were done in the order %v", order)
		}
	}
}

func TestWriterShowsAStepWhatTheOnesBeforeItWrote(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	answers := together(t, db, put("a"), put("a"), put("b"))
	if answers[0] != nil || ipaas.ReasonOf(answers[1]) != ipaas.ReasonRequestIDReused || answers[2] != nil {
		t.Errorf("the callers were answered %v", answers)
	}
}

func TestWriterRefusesAnEndedContextAndDoesNotTearWhatHasBegun(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.write(ended, put("a")); !errors.Is(err, context.Canceled) || has(t, db, "a") {
		t.Errorf("answered %v", err)
	}
	under, cancel := context.WithCancel(t.Context())
	err := db.write(under, func(ctx context.Context, tx *tx) error {
		cancel()
		if ctx.Err() != nil {
			t.Error("the step's context has ended with the caller's")
		}
		return put("b")(ctx, tx)
	})
	if err != nil || !has(t, db, "b") {
		t.Errorf("a caller who left tore the step: %v", err)
	}
}

func TestWriterDropsAStepWhoseCallerLeftWhileItWaited(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for _, others := range []int{0, 1} { // alone in its transaction, and not
		ctx, cancel := context.WithCancel(t.Context())
		entered, leave := make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			_ = db.write(t.Context(), func(context.Context, *tx) error {
				close(entered)
				<-leave
				return nil
			})
		})
		<-entered
		all.Go(func() {
			if err := db.write(ctx, put("a")); !errors.Is(err, context.Canceled) {
				t.Errorf("answered %v", err)
			}
		})
		for n := range others {
			all.Go(func() {
				if err := db.write(t.Context(), put(fmt.Sprint("other", n))); err != nil {
					t.Error(err)
				}
			})
		}
		waitFor(t, func() bool { return db.writer.waiting() == 1+others })
		cancel()
		close(leave)
		all.Wait()
		if has(t, db, "a") {
			t.Error("it was done nevertheless")
		}
	}
}

func TestWriterSaysSoWhenItsQueueStaysFull(t *testing.T) {
	t.Parallel()
	db := paced(t, pace{queue: time.Hour}, nil)
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = db.write(t.Context(), func(context.Context, *tx) error {
			close(entered)
			<-leave
			return nil
		})
	})
	<-entered
	for n := range maxQueue {
		all.Go(func() {
			if err := db.write(t.Context(), put(fmt.Sprint(n))); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(t, func() bool { return db.writer.waiting() == maxQueue })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := db.write(ctx, put("late"))
	if !errors.Is(err, ipaas.Unavailable) || ipaas.ReasonOf(err) != ipaas.ReasonStorageBusy || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("answered %v", err)
	}
	close(leave)
	all.Wait()
	if has(t, db, "late") {
		t.Error("it was done nevertheless")
	}
}

func TestCloseDrainsAndLeavesNothingBehind(t *testing.T) {
	// Not parallel: it counts goroutines.
	before := goleak.IgnoreCurrent()
	path := filepath.Join(t.TempDir(), "headrace.db")
	db := open(t, path)
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = db.write(t.Context(), func(context.Context, *tx) error {
			close(entered)
			<-leave
			return nil
		})
	})
	<-entered
	for n := range 300 {
		all.Go(func() {
			if err := db.write(t.Context(), put(fmt.Sprint(n))); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(t, func() bool { return db.writer.waiting() == 300 })
	all.Go(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	waitFor(t, func() bool {
		db.mu.RLock()
		defer db.mu.RUnlock()
		return db.closed
	})
	close(leave)
	all.Wait()
	if err := db.write(t.Context(), put("late")); !errors.Is(err, ipaas.Unavailable) {
		t.Errorf("after closing: answered %v", err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if err := leaktest.Await(before); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"-wal", "-shm"} {
		if present(path + name) {
			t.Errorf("%s is left: a connection is open still", name)
		}
	}
	again := open(t, path)
	for n := range 300 {
		if !has(t, again, fmt.Sprint(n)) {
			t.Errorf("%d was acknowledged and is not there", n)
		}
	}
}

func TestWriterStopsWhenNobodyKnowsWhetherACommitIsOnDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	db := open(t, path)
	unclear := errors.New("the disk did not answer")
	commit := db.writer.commit
	first := true
	db.writer.commit = func(ctx context.Context) error {
		if err := commit(ctx); err != nil || first {
			first = false
			return err
		}
		return unclear
	}
	for n, err := range together(t, db, put("a"), put("b")) {
		if ipaas.ReasonOf(err) != ipaas.ReasonStorageFailed {
			t.Errorf("step %d was answered %v", n, err)
		}
	}
	select {
	case <-db.Done():
	default:
		t.Fatal("the store goes on")
	}
	if !errors.Is(db.Err(), unclear) {
		t.Errorf("it ended with %v", db.Err())
	}
	for name, err := range map[string]error{"write": db.write(t.Context(), put("c")), "ping": db.Ping(t.Context())} {
		if !errors.Is(err, ipaas.Unavailable) || ipaas.ReasonOf(err) != ipaas.ReasonStorageFailed || !errors.Is(err, unclear) {
			t.Errorf("%s: answered %v", name, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if again := open(t, path); has(t, again, "c") {
		t.Error("it wrote after it had failed")
	}
}

func TestWriterDoesAGroupSinglyWhenItsCommitFailsBeforeAnythingIsDurable(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	commit := db.writer.commit
	var commits atomic.Int32
	db.writer.commit = func(ctx context.Context) error {
		if commits.Add(1) == 2 { // the group's
			return db.writer.tx.do(ctx, `NONSENSE`)
		}
		return commit(ctx)
	}
	for n, err := range together(t, db, put("a"), put("b"), put("c")) {
		if err != nil {
			t.Errorf("step %d: %v", n, err)
		}
	}
	if n := commits.Load(); n != 5 {
		t.Errorf("%d commits were tried, want 5: the first step's, the group's and three single ones", n)
	}
	for _, key := range []string{"a", "b", "c"} {
		if !has(t, db, key) {
			t.Errorf("%s was acknowledged and is not there", key)
		}
	}
}

func TestWriterAnswersThatTheDiskIsFullAndGoesOnWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	var pages int
	if err := db.writer.conn.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(pages int) {
		t.Helper()
		if _, err := db.writer.conn.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 5)
	big := func(key string) step {
		return func(ctx context.Context, tx *tx) error {
			return putReceipt(ctx, tx, &storage.Receipt{Key: key, Answer: make([]byte, 100_000), ExpireTime: time.Unix(1<<32, 0)})
		}
	}
	answers := together(t, db, put("small"), big("big"), put("other"))
	if answers[0] != nil || answers[2] != nil {
		t.Errorf("the neighbours were answered %v and %v", answers[0], answers[2])
	}
	if err := answers[1]; !errors.Is(err, ipaas.Unavailable) || ipaas.ReasonOf(err) != ipaas.ReasonStorageFull {
		t.Errorf("answered %v", err)
	}
	if db.Err() != nil || has(t, db, "big") || !has(t, db, "small") || !has(t, db, "other") {
		t.Errorf("it is not as it was answered (%v)", db.Err())
	}
	limit(pages + 1000)
	if err := db.write(t.Context(), big("big")); err != nil || !has(t, db, "big") {
		t.Errorf("with room again: answered %v", err)
	}
}

func TestWriterSaysSoWhileAnotherConnectionWrites(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	db := open(t, path)
	if _, err := db.writer.conn.ExecContext(t.Context(), `PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", fileURL(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	if err := db.write(t.Context(), put("a")); !errors.Is(err, ipaas.Unavailable) || ipaas.ReasonOf(err) != ipaas.ReasonStorageBusy {
		t.Errorf("answered %v", err)
	}
	if _, err := other.ExecContext(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if err := db.write(t.Context(), put("a")); err != nil {
		t.Errorf("afterwards: answered %v", err)
	}
}
