package storagetest

import (
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// after returns an execution that comes after another one.
func (w *world) after(old ipaas.Execution) ipaas.Execution {
	ex := w.event(old.InstanceID, old.FlowID)
	ex.OriginID, ex.Lane, ex.OrderingKey, ex.OnFailure, ex.Payload = old.OriginID, old.Lane, old.OrderingKey, old.OnFailure, ipaas.Payload{}
	return ex
}

func (w *world) replayed(old ipaas.Execution) ipaas.Execution {
	w.t.Helper()
	ex := w.after(old)
	ex.ReplayOf = old.ID
	return got(w.s.ReplayExecution(w.t.Context(), ex, nil, storage.Admission{MaxHeld: 10}, no))(w.t)
}

// retried ends an execution badly and has it tried again at 500.
func (w *world) retried(old ipaas.Execution) (next ipaas.Execution, added bool) {
	w.t.Helper()
	next = w.after(old)
	next.Try, next.WakeTime = old.Try+1, at(500)
	old.State, old.EndTime = ipaas.ExecutionFailed, at(w.next())
	old.Error = &ipaas.ExecutionError{Reason: ipaas.ExecutionStepFailed, Message: "no"}
	return next, got(w.s.RetryExecution(w.t.Context(), old, next))(w.t)
}

var retrySentences = []sentence{
	{"what_stands_behind_one_that_was_held_for_too_long_goes_on", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one := w.ordered("i", "a", "")
		w.wantClaimed("at first", one)
		w.conclude(w.execution(one.ID), ipaas.ExecutionFailed)
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no))(t)
		held := w.ordered("i", "a", "")
		w.deploy("i", definition("ERP", "items")) // a version without the flow
		got(s.ResumeInstance(t.Context(), "i", 0, start, no))(t)
		again := w.after(one)
		bound := w.execution(one.ID)
		again.ReplayOf, again.Generation, again.DefinitionHash, again.Version = one.ID, bound.Generation, bound.DefinitionHash, bound.Version
		replay := got(s.ReplayExecution(t.Context(), again, nil, storage.Admission{MaxHeld: 10}, no))(t)
		w.wantNothingToClaim()
		got(s.Expire(t.Context(), at(w.next()), replay.CreateTime))(t)
		if ex := w.execution(held.ID); ex.State != ipaas.ExecutionDeadLetter {
			t.Errorf("what was held is %+v", ex)
		}
		w.wantClaimed("then", replay)
	}},
	{"a_retry_waits_for_its_time_and_has_the_payload_of_the_try_before", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		first := w.accept("i", "orders")
		next, added := w.retried(w.claim())
		if !added {
			t.Fatal("it was not added")
		}
		want := next
		want.RetryOf, want.OriginID, want.Payload = first.ID, first.ID, first.Payload
		same(t, "the retry", want, w.execution(next.ID))
		if old := w.execution(first.ID); old.State != ipaas.ExecutionFailed || old.SupersededBy != next.ID {
			t.Errorf("the first try is %+v", old)
		}
		same(t, "by retry_of", []string{next.ID}, executionIDs(t, s, storage.Query{Size: 9, Filter: compare("retry_of", storage.Equal, first.ID)}))
		same(t, "by origin_id", []string{next.ID}, executionIDs(t, s, storage.Query{Size: 9, Filter: compare("origin_id", storage.Equal, first.ID)}))
		same(t, "superseded", []string{first.ID}, executionIDs(t, s, storage.Query{Size: 9, Filter: compare("superseded", storage.Equal, true)}))
		same(t, "no retries", []string{first.ID}, executionIDs(t, s, storage.Query{Size: 9, Filter: compare("retry_of", storage.Equal, "")}))
		if wake := got(s.NextWake(t.Context()))(t); !wake.Equal(at(500)) {
			t.Errorf("the next wakes at %v", wake)
		}
		w.wantNothingToClaim()
		if none := got(s.ClaimExecutions(t.Context(), at(499), never, 9, storage.Workers{}))(t); len(none) > 0 {
			t.Error("it starts too early")
		}
		if ex := w.claimAt(at(500), never); ex.ID != next.ID || ex.Try != 2 {
			t.Errorf("claimed %+v", ex)
		}
		if wake := got(s.NextWake(t.Context()))(t); !wake.IsZero() {
			t.Errorf("nothing is asleep, and the next wakes at %v", wake)
		}
	}},
	{"what_sleeps_by_a_clock_that_was_set_back_is_woken_by_recovery", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		next, _ := w.retried(w.claim())
		got(s.RecoverExecutions(t.Context(), next.CreateTime, storage.Recovery{}))(t)
		if none := got(s.ClaimExecutions(t.Context(), next.CreateTime, never, 9, storage.Workers{}))(t); len(none) > 0 {
			t.Error("it is woken though the clock was not set back")
		}
		back := next.CreateTime.AddDate(-10, 0, 0)
		got(s.RecoverExecutions(t.Context(), back, storage.Recovery{}))(t)
		if ex := w.claimAt(back, never); ex.ID != next.ID {
			t.Errorf("claimed %s, want the retry", ex.ID)
		}
	}},
	{"a_retry_keeps_the_place_in_its_lane", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.ordered("i", "a", ipaas.FailureBlock)
		second := w.ordered("i", "a", ipaas.FailureBlock)
		next, _ := w.retried(w.claim())
		if none := got(s.ClaimExecutions(t.Context(), at(400), never, 9, storage.Workers{}))(t); len(none) > 0 || w.execution(second.ID).Blocked {
			t.Errorf("claimed %v before the retry", none)
		}
		ex := w.claimAt(at(501), never)
		if ex.ID != next.ID {
			t.Errorf("claimed %s, want the retry", ex.ID)
		}
		w.conclude(ex, ipaas.ExecutionSucceeded)
		w.wantClaimed("after the retry", second)
	}},
	{"a_retry_that_is_canceled_lets_the_next_of_its_lane_run", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.ordered("i", "a", "")
		second := w.ordered("i", "a", "")
		next, _ := w.retried(w.claim())
		if ex := got(s.CancelExecution(t.Context(), next.ID, at(60), no))(t); ex.State != ipaas.ExecutionCanceled || !ex.EndTime.Equal(at(60)) {
			t.Errorf("it is %+v", ex)
		}
		w.wantClaimed("then", second)
		if none := got(s.ClaimExecutions(t.Context(), at(600), never, 9, storage.Workers{}))(t); len(none) > 0 {
			t.Error("a canceled retry runs")
		}
	}},
	{"a_retry_wakes_in_a_paused_instance_and_runs_when_that_is_resumed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		next, _ := w.retried(w.claim())
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, at(100), no))(t)
		if none := got(s.ClaimExecutions(t.Context(), at(501), never, 9, storage.Workers{}))(t); len(none) > 0 {
			t.Error("it runs while its instance is paused")
		}
		got(s.ResumeInstance(t.Context(), "i", 0, at(600), no))(t)
		w.wantClaimed("resumed", next)
	}},
	{"resuming_does_not_wake", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		w.retried(w.claim())
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, at(100), no))(t)
		got(s.ResumeInstance(t.Context(), "i", 0, at(110), no))(t)
		w.wantNothingToClaim()
	}},
	{"nothing_is_retried_that_was_told_to_stop_or_whose_instance_is_gone", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.ordered("i", "a", "")
		second := w.ordered("i", "a", "")
		ex := w.claim()
		got(s.CancelExecution(t.Context(), ex.ID, at(50), no))(t)
		next, added := w.retried(ex)
		_, err := s.GetExecution(t.Context(), next.ID)
		wantKind(t, err, ipaas.NotFound, "")
		if added || w.execution(ex.ID).State != ipaas.ExecutionFailed {
			t.Error("one that was told to stop is retried")
		}
		w.wantClaimed("then", second)
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, at(60), no))(t)
		if _, added := w.retried(w.execution(second.ID)); added {
			t.Error("it is retried though its instance is undeployed")
		}
	}},
	{"retrying_is_for_the_running_attempt", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		ex := w.claim()
		next := w.after(ex)
		ex.State, ex.Attempts = ipaas.ExecutionFailed, 7
		_, err := s.RetryExecution(t.Context(), ex, next)
		wantKind(t, err, ipaas.Conflict, "")
		_, err = s.GetExecution(t.Context(), next.ID)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_replay_runs_on_what_serves_with_the_payload_of_before", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		first := w.accept("i", "orders")
		early := w.after(first)
		early.ReplayOf = first.ID
		_, err := s.ReplayExecution(t.Context(), early, nil, admission, no)
		wantKind(t, err, ipaas.Precondition, ipaas.ReasonExecutionRunning)
		w.conclude(w.claim(), ipaas.ExecutionSucceeded)
		w.deploy("i", definition("Second", "orders"))
		again := w.replayed(first)
		if old := w.execution(first.ID); old.SupersededBy != again.ID || old.State != ipaas.ExecutionSucceeded {
			t.Errorf("the first is %+v", old)
		}
		ex := w.claim()
		if ex.ID != again.ID || ex.ReplayOf != first.ID || ex.OriginID != first.ID || ex.Generation != 2 {
			t.Errorf("claimed %+v", ex)
		}
		same(t, "payload", first.Payload, ex.Payload)
		same(t, "by replay_of", []string{again.ID}, executionIDs(t, s, storage.Query{Size: 9, Filter: compare("replay_of", storage.Equal, first.ID)}))
		unknown := w.after(first)
		unknown.ReplayOf = "nothing"
		_, err = s.ReplayExecution(t.Context(), unknown, nil, admission, no)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_replay_from_a_step_has_what_the_steps_before_did", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		old := w.claim()
		w.conclude(old, ipaas.ExecutionFailed)
		w.deploy("i", definition("Second", "orders"))
		ex := w.after(old)
		ex.ReplayOf, ex.Generation, ex.Version, ex.DefinitionHash, ex.ConfigRevision = old.ID, old.Generation, old.Version, old.DefinitionHash, old.ConfigRevision
		step := ipaas.StepResult{
			ExecutionID: ex.ID, Sequence: 1, Path: "post", StepID: "post", DisplayName: "Post", Action: "acme.post", State: ipaas.StepSucceeded,
			Inputs: `{}`, Result: `1`, Exact: "sealed", Redacted: true, Branch: "b", StartTime: at(1), EndTime: at(2),
		}
		got(s.ReplayExecution(t.Context(), ex, []ipaas.StepResult{step}, admission, no))(t)
		claimed := w.claim()
		if claimed.ID != ex.ID || claimed.Generation != old.Generation || claimed.DefinitionHash != old.DefinitionHash {
			t.Errorf("claimed %+v", claimed)
		}
		recorded, done, err := s.BeginStep(t.Context(), 1, ipaas.StepResult{ExecutionID: ex.ID, Path: "post"})
		check(t, err)
		if !done {
			t.Error("the step is run again")
		}
		same(t, "step", step, recorded)
	}},
	{"a_replay_is_admitted_like_an_event", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		first := w.accept("i", "orders")
		w.conclude(w.claim(), ipaas.ExecutionFailed)
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no))(t)
		if again := w.replayed(first); !again.Held {
			t.Error("it is not held in a paused instance")
		}
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseRefuse, 0, start, no))(t)
		ex := w.after(first)
		ex.ReplayOf = first.ID
		_, err := s.ReplayExecution(t.Context(), ex, nil, admission, no)
		wantKind(t, err, ipaas.Unavailable, ipaas.ReasonInstancePaused)
		w.delete("i")
		w.active("i") // another one
		_, err = s.ReplayExecution(t.Context(), ex, nil, admission, no)
		wantKind(t, err, ipaas.Gone, ipaas.ReasonInstanceRemoved)
	}},
	{"what_waits_is_canceled_at_once_and_what_runs_is_told_to_stop", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		queued := w.accept("i", "orders")
		ex := got(s.CancelExecution(t.Context(), queued.ID, at(50), no))(t)
		if ex.State != ipaas.ExecutionCanceled || !ex.EndTime.Equal(at(50)) || ex.Canceling {
			t.Errorf("it is %+v", ex)
		}
		w.wantNothingToClaim()
		w.accept("i", "orders")
		ex = w.claim()
		if told := got(s.CancelExecution(t.Context(), ex.ID, at(60), no))(t); told.State != ipaas.ExecutionRunning || !told.Canceling {
			t.Errorf("it is %+v", told)
		}
		got(s.CancelExecution(t.Context(), ex.ID, at(61), no))(t) // once more changes nothing
		check(t, s.ReleaseExecution(t.Context(), ex.ID, 1, at(70)))
		if ex := w.execution(ex.ID); ex.State != ipaas.ExecutionCanceled || !ex.EndTime.Equal(at(70)) {
			t.Errorf("given back, it is %+v", ex)
		}
		_, err := s.CancelExecution(t.Context(), ex.ID, at(80), no)
		wantKind(t, err, ipaas.Precondition, ipaas.ReasonExecutionEnded)
		_, err = s.CancelExecution(t.Context(), "nothing", at(80), no)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"held_ones_are_canceled_and_stay_so", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no))(t)
		held := w.accept("i", "orders")
		got(s.CancelExecution(t.Context(), held.ID, at(50), no))(t)
		got(s.ResumeInstance(t.Context(), "i", 0, start, no))(t)
		w.wantNothingToClaim()
		if n := got(s.Expire(t.Context(), at(1000), at(1000)))(t); n != 0 {
			t.Errorf("%d expired", n)
		}
	}},
	{"a_part_of_a_running_deployment_is_not_canceled_alone", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		d := w.begin("i", definition("ERP", "orders"))
		ex := w.event("i", "orders")
		ex.DeploymentID, ex.Inline, ex.LeaseTime = d.ID, true, never
		check(t, s.StartExecution(t.Context(), ex))
		_, err := s.CancelExecution(t.Context(), ex.ID, at(50), no)
		wantKind(t, err, ipaas.Precondition, ipaas.ReasonPartOfDeployment)
		if w.execution(ex.ID).Canceling {
			t.Error("it was told to stop")
		}
		w.fail(d.ID)
		got(s.CancelExecution(t.Context(), ex.ID, at(60), no))(t)
	}},
	{"a_crash_is_counted_and_a_release_is_not", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		id := w.accept("i", "orders").ID
		late := never.AddDate(1, 0, 0)
		for attempt := 1; attempt <= 5; attempt++ {
			w.claim()
			check(t, s.ReleaseExecution(t.Context(), id, attempt, at(5)))
			wantKind(t, s.ReleaseExecution(t.Context(), id, attempt, at(5)), ipaas.Conflict, "")
		}
		for crash := 1; crash <= 2; crash++ {
			w.claim()
			same(t, "recovered", storage.Recovered{Requeued: 1}, got(s.RecoverExecutions(t.Context(), late, storage.Recovery{MaxCrashes: 3}))(t))
			if ex := w.execution(id); ex.Crashes != crash || ex.State != ipaas.ExecutionQueued {
				t.Errorf("after crash %d it is %+v", crash, ex)
			}
		}
		w.claim()
		same(t, "recovered", storage.Recovered{DeadLettered: 1}, got(s.RecoverExecutions(t.Context(), late, storage.Recovery{MaxCrashes: 3}))(t))
		ex := w.execution(id)
		if ex.State != ipaas.ExecutionDeadLetter || ex.Error.Reason != ipaas.ExecutionCrashed || ex.Crashes != 3 || ex.Attempts != 8 || !ex.EndTime.Equal(late) {
			t.Errorf("it is %+v", ex)
		}
		w.wantNothingToClaim()
	}},
	{"recovery_of_all_minds_no_lease", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		id := w.accept("i", "orders").ID
		w.claim()
		same(t, "recovered", storage.Recovered{}, got(s.RecoverExecutions(t.Context(), at(100), storage.Recovery{MaxCrashes: 1}))(t))
		same(t, "recovered of all", storage.Recovered{DeadLettered: 1},
			got(s.RecoverExecutions(t.Context(), at(100), storage.Recovery{MaxCrashes: 1, All: true}))(t))
		if ex := w.execution(id); !ex.EndTime.Equal(at(100)) {
			t.Errorf("it ended at %v", ex.EndTime)
		}
	}},
	{"recovery_leaves_alone_what_it_is_told_to_run", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		mine := w.claim()
		w.accept("i", "orders")
		lost := w.claim()
		same(t, "recovered", storage.Recovered{Requeued: 1},
			got(s.RecoverExecutions(t.Context(), never.AddDate(1, 0, 0), storage.Recovery{Except: []string{mine.ID}}))(t))
		if w.execution(mine.ID).State != ipaas.ExecutionRunning || w.execution(lost.ID).State != ipaas.ExecutionQueued {
			t.Errorf("the two are %s and %s", w.execution(mine.ID).State, w.execution(lost.ID).State)
		}
	}},
}
