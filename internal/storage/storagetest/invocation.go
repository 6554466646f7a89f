package storagetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// invocation returns an execution that a step could start.
func (w *world) invocation(instanceID, flow string) storage.Invocation {
	ex := w.event(instanceID, flow)
	ex.Invoke = ipaas.InvokeCrossFlow
	ex.Payload = ipaas.Payload{Invocation: "sealed"}
	return storage.Invocation{Execution: ex}
}

func (w *world) recursion(instanceID string) storage.Invocation {
	i := w.invocation(instanceID, "orders")
	i.Execution.Invoke = ipaas.InvokeRecursive
	return i
}

// complete begins and completes a step of a running execution, which starts others.
func (w *world) complete(ex ipaas.Execution, path string, starts ...storage.Invocation) error {
	w.t.Helper()
	r, _, err := w.s.BeginStep(w.t.Context(), ex.Attempts, step(ex.ID, path))
	check(w.t, err)
	return w.s.CompleteStep(w.t.Context(), ex.Attempts, ended(r), nil, nil, storage.StepEffects{Starts: starts})
}

// claimedFrom accepts an event and claims it.
func (w *world) claimedFrom(instanceID string) ipaas.Execution {
	w.t.Helper()
	w.accept(instanceID, "orders")
	return w.claim()
}

func (w *world) wantSteps(executionID string, want ...ipaas.StepState) {
	w.t.Helper()
	var states []ipaas.StepState
	for _, r := range got(w.s.ListStepResults(w.t.Context(), executionID, 0, 99))(w.t) {
		states = append(states, r.State)
	}
	same(w.t, "steps", want, states)
}

var invocationSentences = []sentence{
	{"what_a_step_starts_is_added_with_its_end_and_knows_its_line", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		first := w.claimedFrom("i")
		second, third := w.invocation("i", "items"), w.recursion("i")
		second.Execution.CustomerID, second.Execution.IntegrationID = "somebody", "else"
		check(t, w.complete(first, "one", second, third))
		want := second.Execution
		want.CustomerID, want.IntegrationID, want.InvokedBy, want.RootID, want.Depth = "progix", "erp", first.ID, first.ID, 1
		same(t, "the second", want, w.execution(want.ID))
		if ex := w.execution(third.Execution.ID); ex.InvokedBy != first.ID || ex.RootID != first.ID || ex.Depth != 0 {
			t.Errorf("the third is %+v", ex)
		}
		claimed := got(s.ClaimExecutions(t.Context(), at(900), never, 9, storage.Workers{}))(t)
		for _, ex := range claimed {
			if ex.ID == second.Execution.ID {
				if ex.Generation != 1 || ex.DefinitionHash == "" {
					t.Errorf("it is not bound to what serves: %+v", ex)
				}
				fourth := w.invocation("i", "orders")
				check(t, w.complete(ex, "two", fourth))
				if ex := w.execution(fourth.Execution.ID); ex.InvokedBy != second.Execution.ID || ex.RootID != first.ID || ex.Depth != 2 {
					t.Errorf("the fourth is %+v", ex)
				}
			}
		}
		by := func(field, id string) int {
			return len(executionIDs(t, s, storage.Query{Size: 9, Filter: compare(field, storage.Equal, id)}))
		}
		if n, all := by("invoked_by", first.ID), by("root_id", first.ID); n != 2 || all != 3 {
			t.Errorf("%d invoked by the first, %d of its line; want 2 and 3", n, all)
		}
	}},
	{"a_step_starts_all_or_is_not_recorded", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		by := w.claimedFrom("i")
		taken := w.invocation("i", "items")
		taken.Execution.ID = by.ID
		wantKind(t, w.complete(by, "one", w.invocation("i", "items"), taken), ipaas.Exists, "")
		w.wantSteps(by.ID, ipaas.StepRunning)
		w.wantNothingToClaim()
	}},
	{"what_a_step_starts_waits_while_its_instance_is_paused", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		for _, mode := range []ipaas.PauseMode{ipaas.PauseHold, ipaas.PauseRefuse} {
			id := "i-" + strings.ToLower(string(mode))
			w.active(id)
			by := w.claimedFrom(id)
			got(s.PauseInstance(t.Context(), id, mode, 0, start, no))(t)
			next := w.invocation(id, "items")
			check(t, w.complete(by, "one", next))
			w.wantNothingToClaim()
			if ex := w.execution(next.Execution.ID); ex.Held {
				t.Error("it is held, and would be given up")
			}
			got(s.ResumeInstance(t.Context(), id, 0, start, no))(t)
			w.wantClaimed("when it is resumed", next.Execution)
		}
	}},
	{"what_a_step_starts_may_sleep", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		by := w.claimedFrom("i")
		next := w.invocation("i", "items")
		next.Execution.WakeTime = at(500)
		check(t, w.complete(by, "one", next))
		w.wantNothingToClaim()
		if wake := got(s.NextWake(t.Context()))(t); !wake.Equal(at(500)) {
			t.Errorf("the next wakes at %v", wake)
		}
		if ex := w.claimAt(at(500), never); ex.ID != next.Execution.ID {
			t.Errorf("claimed %+v", ex)
		}
	}},
	{"what_a_test_instance_starts_runs_on_what_started_it", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		hash := got(s.SaveDefinition(t.Context(), definition("Draft", "orders")))(t)
		by := w.event(ipaas.TestInstanceID("erp"), "orders")
		by.CustomerID, by.Test, by.DefinitionHash = "", true, hash
		check(t, s.StartExecution(t.Context(), by))
		by.Attempts = 1
		next := w.invocation(by.InstanceID, "orders")
		next.Admission.MaxQueued = 2
		check(t, w.complete(by, "one", next))
		if ex := w.execution(next.Execution.ID); !ex.Test || ex.DefinitionHash != hash || ex.CustomerID != "" {
			t.Errorf("it is %+v", ex)
		}
		more := w.invocation(by.InstanceID, "orders")
		more.Admission.MaxQueued = 1
		wantKind(t, w.complete(by, "two", more), ipaas.Exhausted, ipaas.ReasonTooManyQueued)
	}},
	{"what_a_deployment_starts_runs_on_its_candidate", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no))(t)
		d, by := w.deploying("i")
		next, deeper := w.invocation("i", "coming"), w.invocation("i", "coming")
		check(t, w.complete(by, "one", next))
		claimed := w.claimAt(at(900), never)
		if claimed.ID != next.Execution.ID || claimed.Generation != 0 || claimed.DefinitionHash != d.Candidate.DefinitionHash || claimed.DeploymentID != d.ID {
			t.Errorf("claimed %+v", claimed)
		}
		check(t, w.complete(claimed, "two", deeper))
		got(s.CommitDeployment(t.Context(), d.ID, at(901), storage.Takeover{}))(t)
		for _, id := range []string{next.Execution.ID, deeper.Execution.ID} {
			if ex := w.execution(id); ex.Generation != d.Candidate.Number {
				t.Errorf("after the commit %s is of generation %d, want %d", id, ex.Generation, d.Candidate.Number)
			}
		}
		last := w.invocation("i", "coming")
		check(t, w.complete(claimed, "three", last))
		if ex := w.execution(last.Execution.ID); ex.DeploymentID != "" || ex.DefinitionHash != "" {
			t.Errorf("what is started after the commit is %+v", ex)
		}
	}},
	{"what_a_deployment_started_ends_with_it", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		d, by := w.deploying("i")
		runs, waits := w.invocation("i", "coming"), w.invocation("i", "coming")
		check(t, w.complete(by, "one", runs))
		running := w.claimAt(at(900), never)
		check(t, w.complete(by, "two", waits))
		r := w.intent("i", "")
		r.ExecutionID = running.ID
		r.ID, r.Key = "reg-invoked", "invoked"
		r = got(s.BeginRegistration(t.Context(), r))(t)
		dropped := got(s.BeginRollback(t.Context(), d.ID, ipaas.DeploymentError{Reason: ipaas.ReasonInitFlowFailed}, false, at(901)))(t)
		same(t, "dropped", []string{r.ID}, ids(dropped, func(r ipaas.Registration) string { return r.ID }))
		same(t, "left", []string{r.ID}, ids(got(s.RollbackLeft(t.Context(), d.ID))(t), func(r ipaas.Registration) string { return r.ID }))
		if ex := w.execution(waits.Execution.ID); ex.State != ipaas.ExecutionCanceled || ex.Error == nil || ex.Error.Reason != ipaas.ExecutionRolledBack {
			t.Errorf("what waited is %+v", ex)
		}
		if ex := w.execution(running.ID); ex.State != ipaas.ExecutionRunning || !ex.Canceling {
			t.Errorf("what runs is %+v", ex)
		}
		if ex := w.execution(by.ID); ex.Canceling {
			t.Error("the deployment's own execution was told to stop")
		}
		wantKind(t, w.complete(running, "more", w.invocation("i", "coming")), ipaas.Gone, ipaas.ReasonInstanceRemoved)
	}},
	{"what_a_deployment_started_is_recovered_and_canceled_by_itself", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		_, by := w.deploying("i")
		next := w.invocation("i", "coming")
		check(t, w.complete(by, "one", next))
		w.claimAt(at(900), at(901))
		done := got(s.RecoverExecutions(t.Context(), at(902), storage.Recovery{}))(t)
		same(t, "recovered", storage.Recovered{Requeued: 1}, done)
		w.claimAt(at(903), never)
		if ex := got(s.CancelExecution(t.Context(), next.Execution.ID, at(904), no))(t); !ex.Canceling {
			t.Errorf("it is %+v", ex)
		}
	}},
	{"nothing_is_started_in_an_instance_that_goes", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		for n, state := range []ipaas.InstanceState{ipaas.InstanceUndeployed, ipaas.InstanceDeleting} {
			id := fmt.Sprintf("i%d", n)
			w.active(id)
			by := w.claimedFrom(id)
			check(t, w.complete(by, "one", w.invocation(id, "items")))
			got(s.BeginRemoval(t.Context(), id, state, 0, at(900), no))(t)
			w.wantNothingToClaim() // what waited is canceled
			wantKind(t, w.complete(by, "two", w.invocation(id, "items")), ipaas.Gone, ipaas.ReasonInstanceRemoved)
		}
	}},
	{"the_bound_of_the_queue_holds_for_what_steps_start", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		by := w.claimedFrom("i")
		bounded := func() storage.Invocation {
			i := w.invocation("i", "items")
			i.Admission.MaxQueued = 2
			return i
		}
		check(t, w.complete(by, "one", bounded(), bounded()))
		wantKind(t, w.complete(by, "two", bounded()), ipaas.Exhausted, ipaas.ReasonTooManyQueued)
		w.wantSteps(by.ID, ipaas.StepSucceeded, ipaas.StepRunning)
	}},
	{"what_was_started_before_is_named", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		by := w.claimedFrom("i")
		keyed := func(body string) storage.Invocation {
			i := w.invocation("i", "items")
			i.Admission.Deduplication = &storage.Deduplication{KeyHash: "key", BodyHash: body, ExpireTime: never}
			return i
		}
		first, again := keyed("a"), keyed("a")
		check(t, w.complete(by, "one", first))
		w.wantStarted(w.complete(by, "two", again), again, first)
		wantKind(t, w.complete(by, "two", keyed("b")), ipaas.Conflict, ipaas.ReasonDeduplicationKeyReused)

		next, more := w.recursion("i"), w.recursion("i")
		check(t, w.complete(by, "three", next))
		w.wantStarted(w.complete(by, "four", more), more, next)
		retry, added := w.retried(w.execution(by.ID))
		if !added {
			t.Fatal("there is no retry")
		}
		for _, ex := range got(s.ClaimExecutions(t.Context(), at(501), never, 9, storage.Workers{}))(t) {
			if ex.ID == retry.ID {
				w.wantStarted(w.complete(ex, "one", more), more, next)
			}
		}
	}},
	{"what_is_started_keeps_the_order_of_its_lane", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		by := w.claimedFrom("i")
		one, two := w.invocation("i", "items"), w.invocation("i", "items")
		one.Execution.Lane, two.Execution.Lane = "a", "a"
		check(t, w.complete(by, "one", one, two))
		w.wantClaimed("at first", one.Execution)
	}},
}

// deploying begins a deployment that brings the flow "coming", with an execution of it that runs.
func (w *world) deploying(instanceID string) (ipaas.Deployment, ipaas.Execution) {
	w.t.Helper()
	d := w.begin(instanceID, definition("Next", "orders", "items", "coming"))
	by := w.event(instanceID, "orders")
	by.Invoke, by.DeploymentID, by.Inline, by.LeaseTime, by.DefinitionHash = ipaas.InvokeInstanceDeploy, d.ID, true, never, d.Candidate.DefinitionHash
	check(w.t, w.s.StartExecution(w.t.Context(), by))
	by.Attempts = 1
	return d, by
}

func (w *world) wantStarted(err error, i, first storage.Invocation) {
	w.t.Helper()
	var before *storage.AlreadyStarted
	if !errors.As(err, &before) || before.ID != i.Execution.ID || before.First != first.Execution.ID {
		w.t.Errorf("got %v, want that %s was started as %s", err, i.Execution.ID, first.Execution.ID)
	}
}

// keyed accepts an event with a request key.
func (w *world) keyed(key string) ipaas.Execution {
	w.t.Helper()
	ex := w.event("i", "orders")
	ex.RequestKey = key
	return got(w.s.AcceptExecution(w.t.Context(), ex, admission))(w.t)
}

// retriedKeyed is retried for an execution with a request key.
func (w *world) retriedKeyed(old ipaas.Execution) (next ipaas.Execution, added bool) {
	w.t.Helper()
	next = w.after(old)
	next.RequestKey, next.Try, next.WakeTime = old.RequestKey, old.Try+1, at(500)
	old.State, old.EndTime = ipaas.ExecutionFailed, at(w.next())
	return next, got(w.s.RetryExecution(w.t.Context(), old, next))(w.t)
}

var requestKeySentences = []sentence{
	{"a_newer_event_ends_the_retries_of_an_older_one", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.keyed("a")
		retry, _ := w.retriedKeyed(w.claim())
		w.keyed("b")
		if ex := w.execution(retry.ID); ex.State != ipaas.ExecutionQueued {
			t.Errorf("an event with another key made it %s", ex.State)
		}
		newer := w.keyed("a")
		ex := w.execution(retry.ID)
		if ex.State != ipaas.ExecutionCanceled || ex.SupersededBy != newer.ID || ex.Error == nil || ex.Error.Reason != ipaas.ExecutionSuperseded {
			t.Errorf("the retry is %+v", ex)
		}
		if wake := got(s.NextWake(t.Context()))(t); !wake.IsZero() {
			t.Errorf("something sleeps until %v", wake)
		}
	}},
	{"so_does_one_that_a_step_or_the_clock_starts", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		by := w.claimedFrom("i")
		w.keyed("a")
		retry, _ := w.retriedKeyed(w.claim())
		i := w.invocation("i", "orders")
		i.Execution.RequestKey = "a"
		check(t, w.complete(by, "one", i))
		if ex := w.execution(retry.ID); ex.SupersededBy != i.Execution.ID {
			t.Errorf("the retry is %+v", ex)
		}
	}},
	{"the_lane_of_a_retry_that_is_ended_goes_on", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.event("i", "orders")
		ex.RequestKey, ex.Lane = "a", "lane"
		got(s.AcceptExecution(t.Context(), ex, admission))(t)
		behind := w.ordered("i", "lane", "")
		w.retriedKeyed(w.claim())
		newer := w.keyed("a")
		w.wantClaimed("then", behind, newer)
	}},
	{"nothing_is_retried_whose_newer_event_has_come", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.keyed("a")
		old := w.claim()
		newer := w.keyed("a")
		if _, added := w.retriedKeyed(old); added {
			t.Error("it is tried again")
		}
		if ex := w.execution(old.ID); ex.State != ipaas.ExecutionFailed || ex.SupersededBy != newer.ID {
			t.Errorf("the older one is %+v", ex)
		}
		if _, added := w.retriedKeyed(w.claim()); !added {
			t.Error("the newer one is not tried again")
		}
	}},
	{"a_replay_is_no_newer_event", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		first := w.keyed("a")
		w.conclude(w.claim(), ipaas.ExecutionSucceeded)
		w.keyed("a")
		second := w.claim()
		again := w.after(first)
		again.RequestKey, again.ReplayOf = "a", first.ID
		got(s.ReplayExecution(t.Context(), again, nil, admission, no))(t)
		if _, added := w.retriedKeyed(second); !added {
			t.Error("a replay of an older event keeps it from being tried again")
		}
	}},
}
