package control_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// sluggish is a store that gives nothing to run until an execution is read, and what is read only once it has run.
type sluggish struct {
	storage.Store
	read atomic.Bool
	ran  func(executionID string)
}

func (s *sluggish) ClaimExecutions(ctx context.Context, now, lease time.Time, most int, w storage.Workers) ([]ipaas.Execution, error) {
	if !s.read.Load() {
		return nil, nil
	}
	return s.Store.ClaimExecutions(ctx, now, lease, most, w)
}

func (s *sluggish) GetExecution(ctx context.Context, id string) (ipaas.Execution, error) {
	ex, err := s.Store.GetExecution(ctx, id)
	if s.read.CompareAndSwap(false, true) {
		s.ran(id)
	}
	return ex, err
}

// TestStepsAreShownOfAnExecutionThatBeginsMeanwhile reads the steps of one that is bound to a definition in the middle of that.
func TestStepsAreShownOfAnExecutionThatBeginsMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Quick", Flows: []ipaas.Flow{hookFlow("Quick", note("Note", lit("it ran")))}}
	hook := w.deployed("quick", def, nil)["Quick"]
	w.stop()
	s := &sluggish{ran: func(id string) {
		w.eventually("it has run", func() bool {
			return must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)).State == ipaas.ExecutionSucceeded
		})
	}}
	w.wrap = func(inner storage.Store) storage.Store {
		s.Store = inner
		return s
	}
	w.start()
	id := w.accepted(hook, `{}`)
	if _, _, err := w.StepResults(t.Context(), id, 0, 10); err != nil {
		t.Error(err)
	}
}
