package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// admission is one that forbids nothing.
var admission = storage.Admission{ServingHasFlow: true, MaxHeld: 1000}

// ordered accepts an event that stands in a lane.
func (w *world) ordered(instanceID, lane string, effect ipaas.FailureEffect) ipaas.Execution {
	w.t.Helper()
	ex := w.event(instanceID, "orders")
	ex.Lane, ex.OrderingKey, ex.OnFailure = lane, "key of "+lane, effect
	return got(w.s.AcceptExecution(w.t.Context(), ex, admission))(w.t)
}

// conclude ends a running execution in a state.
func (w *world) conclude(ex ipaas.Execution, state ipaas.ExecutionState) {
	w.t.Helper()
	ex.State, ex.EndTime = state, at(w.next())
	check(w.t, w.s.FinishExecution(w.t.Context(), ex))
}

func (w *world) wantClaimed(what string, want ...ipaas.Execution) {
	w.t.Helper()
	same(w.t, what, ids(want, func(ex ipaas.Execution) string { return ex.ID }), w.claimed(10))
}

var laneSentences = []sentence{
	{"of_a_lane_one_runs_at_a_time_in_the_order_they_came", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two, three := w.ordered("i", "a", ""), w.ordered("i", "a", ""), w.ordered("i", "a", "")
		other, free := w.ordered("i", "b", ""), w.accept("i", "orders")
		w.wantClaimed("at first", one, other, free)
		if ex := w.execution(two.ID); ex.Lane != "a" || ex.OrderingKey != "key of a" || ex.Blocked || ex.Blocking {
			t.Errorf("the second is %+v", ex)
		}
		w.conclude(w.execution(one.ID), ipaas.ExecutionSucceeded)
		w.wantClaimed("after the first", two)
		w.conclude(w.execution(two.ID), ipaas.ExecutionFailed)
		w.wantClaimed("after a failure", three)
	}},
	{"lanes_of_other_flows_and_instances_are_apart", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.active("j")
		one, two := w.ordered("i", "a", ""), w.ordered("j", "a", "")
		ex := w.event("i", "items")
		ex.Lane = "a"
		three := got(s.AcceptExecution(t.Context(), ex, admission))(t)
		if n := len(w.claimed(10)); n != 3 {
			t.Errorf("%d of %s, %s and %s run, want 3", n, one.ID, two.ID, three.ID)
		}
	}},
	{"a_lane_goes_on_whatever_ends_its_first", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two, three, four := w.ordered("i", "a", ""), w.ordered("i", "a", ""), w.ordered("i", "a", ""), w.ordered("i", "a", "")
		got(s.CancelExecution(t.Context(), one.ID, at(100), no))(t)
		w.wantClaimed("after a cancellation", two)
		got(s.CancelExecution(t.Context(), two.ID, at(101), no))(t)
		w.wantNothingToClaim()
		got(s.RecoverExecutions(t.Context(), never.AddDate(1, 0, 0), storage.Recovery{}))(t)
		w.wantClaimed("after the recovery of one that was told to stop", three)
		got(s.RecoverExecutions(t.Context(), never.AddDate(1, 0, 0), storage.Recovery{MaxCrashes: 1}))(t)
		w.wantClaimed("after a dead letter", four)
	}},
	{"one_that_is_given_back_stays_the_first_of_its_lane", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two := w.ordered("i", "a", ""), w.ordered("i", "a", "")
		w.wantClaimed("at first", one)
		check(t, s.ReleaseExecution(t.Context(), one.ID, 1, at(50)))
		w.wantClaimed("after it was released", one)
		got(s.RecoverExecutions(t.Context(), never.AddDate(1, 0, 0), storage.Recovery{}))(t)
		w.wantClaimed("after a crash", one)
		w.conclude(w.execution(one.ID), ipaas.ExecutionSucceeded)
		w.wantClaimed("after its end", two)
	}},
	{"what_was_held_keeps_its_order", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one := w.ordered("i", "a", "")
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no))(t)
		two, three := w.ordered("i", "a", ""), w.ordered("i", "a", "")
		w.wantNothingToClaim()
		got(s.ResumeInstance(t.Context(), "i", 0, start, no))(t)
		for _, want := range []ipaas.Execution{one, two, three} {
			w.wantClaimed("next", want)
			w.conclude(w.execution(want.ID), ipaas.ExecutionSucceeded)
		}
	}},
	{"a_paused_instance_goes_on_with_the_next_when_it_is_resumed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two := w.ordered("i", "a", ""), w.ordered("i", "a", "")
		w.wantClaimed("at first", one)
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no))(t)
		w.conclude(w.execution(one.ID), ipaas.ExecutionSucceeded)
		w.wantNothingToClaim()
		got(s.ResumeInstance(t.Context(), "i", 0, start, no))(t)
		w.wantClaimed("resumed", two)
	}},
	{"a_failure_that_blocks_holds_up_its_lane_until_it_is_canceled", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two := w.ordered("i", "a", ipaas.FailureBlock), w.ordered("i", "a", ipaas.FailureBlock)
		w.wantClaimed("at first", one)
		if w.execution(two.ID).Blocked {
			t.Error("one that waits for its turn is blocked")
		}
		w.conclude(w.execution(one.ID), ipaas.ExecutionFailed)
		w.wantNothingToClaim()
		if !w.execution(one.ID).Blocking || !w.execution(two.ID).Blocked {
			t.Errorf("the first is %+v, the second %+v", w.execution(one.ID), w.execution(two.ID))
		}
		same(t, "list", []string{one.ID}, executionIDs(t, s, storage.Query{Size: 9, Filter: compare("blocking", storage.Equal, true)}))
		ex := got(s.CancelExecution(t.Context(), one.ID, at(100), no))(t)
		if ex.State != ipaas.ExecutionFailed || ex.Blocking {
			t.Errorf("canceled, it is %+v", ex)
		}
		_, err := s.CancelExecution(t.Context(), one.ID, at(100), no)
		wantKind(t, err, ipaas.Precondition, ipaas.ReasonExecutionEnded)
		w.wantClaimed("then", two)
		got(s.RecoverExecutions(t.Context(), never.AddDate(1, 0, 0), storage.Recovery{MaxCrashes: 1}))(t)
		if !w.execution(two.ID).Blocking {
			t.Error("one that crashed does not block")
		}
	}},
	{"what_blocks_gives_way_when_its_instance_is_undeployed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two := w.ordered("i", "a", ipaas.FailureBlock), w.ordered("i", "a", ipaas.FailureBlock)
		w.wantClaimed("at first", one)
		w.conclude(w.execution(one.ID), ipaas.ExecutionFailed)
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, at(w.next()), no))(t)
		if ex := w.execution(one.ID); ex.Blocking || ex.State != ipaas.ExecutionFailed {
			t.Errorf("the first is %+v", ex)
		}
		if ex := w.execution(two.ID); ex.State != ipaas.ExecutionCanceled {
			t.Errorf("the second is %+v", ex)
		}
		w.deploy("i", definition("ERP", "orders", "items"))
		w.wantClaimed("deployed again", w.ordered("i", "a", ipaas.FailureBlock))
	}},
	{"what_is_canceled_does_not_block", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two := w.ordered("i", "a", ipaas.FailureBlock), w.ordered("i", "a", ipaas.FailureBlock)
		w.wantClaimed("at first", one)
		w.conclude(w.execution(one.ID), ipaas.ExecutionCanceled)
		w.wantClaimed("then", two)
	}},
	{"a_replay_takes_the_place_of_what_blocks", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two := w.ordered("i", "a", ipaas.FailureBlock), w.ordered("i", "a", ipaas.FailureBlock)
		w.wantClaimed("at first", one)
		w.conclude(w.execution(one.ID), ipaas.ExecutionFailed)
		again := w.replayed(one)
		if w.execution(one.ID).Blocking || w.execution(two.ID).Blocked {
			t.Error("the lane is still blocked by the first")
		}
		w.wantClaimed("the replay", again)
		w.conclude(w.execution(again.ID), ipaas.ExecutionFailed)
		w.wantNothingToClaim()
		again = w.replayed(again)
		w.wantClaimed("the second replay", again)
		w.conclude(w.execution(again.ID), ipaas.ExecutionSucceeded)
		w.wantClaimed("then", two)
	}},
	{"another_replay_stands_at_the_end_of_its_lane", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two := w.ordered("i", "a", ""), w.ordered("i", "a", "")
		w.wantClaimed("at first", one)
		w.conclude(w.execution(one.ID), ipaas.ExecutionFailed)
		again := w.replayed(one)
		w.wantClaimed("then", two)
		w.conclude(w.execution(two.ID), ipaas.ExecutionSucceeded)
		w.wantClaimed("at last", again)
	}},
	{"what_blocks_is_never_cleared_away", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two := w.ordered("i", "a", ipaas.FailureBlock), w.ordered("i", "a", ipaas.FailureBlock)
		w.wantClaimed("at first", one)
		w.conclude(w.execution(one.ID), ipaas.ExecutionFailed)
		for _, expire := range []func(ctx context.Context, endedBefore time.Time) (int, error){s.ExpirePayloads, s.ExpireExecutions} {
			if n := got(expire(t.Context(), never))(t); n != 0 {
				t.Errorf("%d were cleared away", n)
			}
		}
		got(s.CancelExecution(t.Context(), one.ID, at(100), no))(t)
		if n := got(s.ExpirePayloads(t.Context(), never))(t); n != 1 {
			t.Errorf("%d were emptied, want 1", n)
		}
		ex := w.after(one)
		ex.ReplayOf = one.ID
		_, err := s.ReplayExecution(t.Context(), ex, nil, admission, no)
		wantKind(t, err, ipaas.Precondition, ipaas.ReasonPayloadExpired)
		w.wantClaimed("then", two)
	}},
	{"undeploying_empties_lanes", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one := w.ordered("i", "a", "")
		w.ordered("i", "a", "")
		w.wantClaimed("at first", one)
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, at(50), no))(t)
		w.conclude(w.execution(one.ID), ipaas.ExecutionSucceeded)
		w.deploy("i", definition("ERP", "orders"))
		w.wantClaimed("afterwards", w.ordered("i", "a", ""))
	}},
}
