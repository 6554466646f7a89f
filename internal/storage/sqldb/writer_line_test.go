package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// lineUp puts steps in line while the writer is busy: none can begin before all stand there.
func lineUp(t *testing.T, db *DB, wants []want, does func(n int) step) {
	t.Helper()
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
	for n, want := range wants {
		all.Go(func() {
			if err := db.writer.do(t.Context(), does(n), want); err != nil {
				t.Errorf("step %d: %v", n, err)
			}
		})
		waitFor(t, func() bool { return db.writer.waiting() == n+1 })
	}
	close(leave)
	all.Wait()
}

func TestWriterLetsSmallAndLargeStepsTakeTurns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		small, large int
		one          want // the step of the other kind, which comes last
		most         int  // how many may come before it
	}{
		{name: "a_small_one_waits_for_one_large", large: 20, one: want{}, most: 1},
		{name: "a_large_one_waits_for_one_group_of_small_ones", small: 3 * maxGroup, one: want{bytes: large}, most: maxGroup},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			var wants []want
			for range tt.small {
				wants = append(wants, want{})
			}
			for range tt.large {
				wants = append(wants, want{bytes: maxBytes})
			}
			wants = append(wants, tt.one)
			var order []int // only the writer appends
			lineUp(t, db, wants, func(n int) step {
				return func(ctx context.Context, tx *tx) error {
					order = append(order, n)
					return putReceipt(ctx, tx, &storage.Receipt{Key: fmt.Sprint(n), Answer: make([]byte, wants[n].bytes), ExpireTime: time.Unix(1<<32, 0)})
				}
			})
			before := slices.Index(order, len(wants)-1)
			if before > tt.most || len(order) != len(wants) {
				t.Errorf("of %d steps %d came before the one, want at most %d", len(order), before, tt.most)
			}
			if order = slices.Delete(order, before, before+1); !slices.IsSorted(order) {
				t.Errorf("the others were done in the order %v", order)
			}
		})
	}
}

func TestWriterKeepsAnOrderOverLines(t *testing.T) {
	t.Parallel()
	small, big := want{}, want{bytes: maxBytes}
	first, second := want{order: "k"}, want{bytes: maxBytes, order: "k"}
	for name, wants := range map[string][]want{
		"the_small_one_second": append(slices.Repeat([]want{big}, 5), second, first),
		"the_large_one_second": append(slices.Repeat([]want{small}, 2*maxGroup), first, second),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			var order []int
			lineUp(t, db, wants, func(n int) step {
				return func(context.Context, *tx) error {
					order = append(order, n)
					return nil
				}
			})
			if a, b := slices.Index(order, len(wants)-2), slices.Index(order, len(wants)-1); a > b {
				t.Errorf("the first of its order was done as number %d, the second as %d", a, b)
			}
			if n := len(db.writer.orders.lines); n > 0 {
				t.Errorf("%d orders are remembered when nobody waits", n)
			}
		})
	}
}

func TestWriterBoundsTheBytesOfATransaction(t *testing.T) {
	t.Parallel()
	const each = maxBytes/4 + 1
	for name, told := range map[string]int{"that_were_told": each, "that_were_not_told": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := fresh(t)
			var commits atomic.Int32
			commit := db.writer.commit
			db.writer.commit = func(ctx context.Context) error {
				commits.Add(1)
				return commit(ctx)
			}
			var order []int
			lineUp(t, db, slices.Repeat([]want{{bytes: told}}, 12), func(n int) step {
				return func(ctx context.Context, tx *tx) error {
					order = append(order, n)
					return putReceipt(ctx, tx, &storage.Receipt{Key: fmt.Sprint(n), Answer: make([]byte, each), ExpireTime: time.Unix(1<<32, 0)})
				}
			})
			if n := commits.Load(); n != 4 {
				t.Errorf("%d transactions were committed, want 4: the first step's, and three of four steps each", n)
			}
			if !slices.IsSorted(order) || len(order) != 12 {
				t.Errorf("the steps were done in the order %v", order)
			}
			for n := range 12 {
				if !has(t, db, fmt.Sprint(n)) {
					t.Errorf("%d was acknowledged and is not there", n)
				}
			}
		})
	}
}

// TestLargeStepsAreToldToBeLarge looks where steps stand while the writer is busy.
func TestLargeStepsAreToldToBeLarge(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	text, body := strings.Repeat("x", large), make([]byte, large)
	place := ipaas.StatePlace{Scope: ipaas.StateInstance, Owner: "u"}
	steps := map[string]func(ctx context.Context) error{
		"accept": func(ctx context.Context) error {
			_, err := db.AcceptExecution(ctx, ipaas.Execution{ID: "e", Payload: ipaas.Payload{Body: body}}, storage.Admission{})
			return err
		},
		"start": func(ctx context.Context) error {
			return db.StartExecution(ctx, ipaas.Execution{ID: "e", Payload: ipaas.Payload{Body: body}})
		},
		"begin": func(ctx context.Context) error {
			_, _, err := db.BeginStep(ctx, 1, ipaas.StepResult{Inputs: text})
			return err
		},
		"complete": func(ctx context.Context) error {
			return db.CompleteStep(ctx, 1, ipaas.StepResult{Result: text}, nil, nil)
		},
		"keep": func(ctx context.Context) error {
			return db.CompleteStep(ctx, 1, ipaas.StepResult{}, nil, nil, storage.StepEffects{State: []storage.StateChange{
				{Place: place, Key: "k", Value: &storage.StateValue{Sealed: text}},
			}})
		},
		"count": func(ctx context.Context) error {
			return db.ChangeState(ctx, []storage.StateChange{{
				Place: place, Key: "k", Adds: large, Next: func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) { return nil, nil },
			}}, 0, time.Now(), storage.Write{})
		},
		"finish": func(ctx context.Context) error {
			return db.FinishExecution(ctx, ipaas.Execution{State: ipaas.ExecutionSucceeded, Response: &ipaas.Response{Body: body}})
		},
		"receipt": func(ctx context.Context) error {
			return db.CreateCustomer(ctx, ipaas.Customer{ID: "c"}, storage.Write{Receipt: &storage.Receipt{Key: "r", Answer: body}})
		},
		"definition": func(ctx context.Context) error {
			_, err := db.SaveDefinition(ctx, ipaas.Definition{Description: text})
			return err
		},
	}
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
	n := 0
	for name, do := range steps {
		all.Go(func() { _ = do(t.Context()) }) // what becomes of it does not matter
		n++
		waitFor(t, func() bool { return db.writer.waiting() == n })
		if len(db.writer.large.queue) != n {
			t.Errorf("%s stands among the small ones", name)
			n = len(db.writer.large.queue)
			break
		}
	}
	close(leave)
	all.Wait()
}
