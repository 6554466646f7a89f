package storagetest

import (
	"sync"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

func executionIDs(t *testing.T, s storage.Store, q storage.Query) []string {
	t.Helper()
	return ids(got(s.ListExecutions(t.Context(), q))(t).Items, func(ex ipaas.Execution) string { return ex.ID })
}

func (w *world) wantNothingToClaim() {
	w.t.Helper()
	if claimed := got(w.s.ClaimExecutions(w.t.Context(), start, never, 10, storage.Workers{}))(w.t); len(claimed) > 0 {
		w.t.Errorf("claimed %+v, want nothing", claimed)
	}
}

var executionSentences = []sentence{
	{"what_is_no_customers_has_a_bound_of_its_own", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		admission := storage.Admission{ServingHasFlow: true, MaxHeld: 1000, MaxQueued: 2}
		nobodys := func() ipaas.Execution {
			ex := w.event("erp--test", "orders")
			ex.CustomerID = ""
			return ex
		}
		for range 2 {
			got(s.AcceptExecution(t.Context(), nobodys(), admission))(t)
		}
		_, err := s.AcceptExecution(t.Context(), nobodys(), admission)
		wantKind(t, err, ipaas.Exhausted, ipaas.ReasonTooManyQueued)
		got(s.AcceptExecution(t.Context(), w.event("i", "orders"), admission))(t)
	}},
	{"a_request_is_routed_with_the_end_of_what_looked_at_it", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		admission := storage.Admission{ServingHasFlow: true, MaxHeld: 1000}
		looking := w.event("i", "orders")
		looking.Endpoint, looking.Payload.KeyHash, looking.FlowKeyID = true, "hash", "erp"
		got(s.AcceptExecution(t.Context(), looking, admission))(t)
		looking = w.claim()
		if !looking.Endpoint || looking.Payload.KeyHash != "hash" || looking.FlowKeyID != "erp" {
			t.Errorf("accepted: %+v", looking)
		}
		looking.State, looking.EndTime, looking.LeaseTime = ipaas.ExecutionSucceeded, at(90), looking.EndTime
		next := w.event("i", "items")
		next.Endpoint = true
		routed := got(s.RouteExecution(t.Context(), looking, next, admission))(t)
		want := next
		want.PreprocessedBy = looking.ID
		same(t, "routed", want, routed)
		same(t, "stored", want, w.execution(next.ID))
		looking.RoutedTo = next.ID
		same(t, "what looked at it", looking, w.execution(looking.ID))
		_, err := s.RouteExecution(t.Context(), looking, w.event("i", "items"), admission)
		wantKind(t, err, ipaas.Conflict, "")
		same(t, "claimed", []string{next.ID}, w.claimed(10))
	}},
	{"a_request_that_is_refused_where_it_is_routed_leaves_what_looked_at_it_running", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		looking := w.claim()
		looking.State, looking.EndTime = ipaas.ExecutionSucceeded, at(90)
		next := w.event("i", "no-such-flow")
		_, err := s.RouteExecution(t.Context(), looking, next, storage.Admission{MaxHeld: 1000})
		wantKind(t, err, ipaas.NotFound, "")
		if ex := w.execution(looking.ID); ex.State != ipaas.ExecutionRunning || ex.RoutedTo != "" {
			t.Errorf("what looked at it is %+v", ex)
		}
		_, err = s.GetExecution(t.Context(), next.ID)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_request_is_not_routed_by_what_was_told_to_stop", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		looking := w.claim()
		got(s.CancelExecution(t.Context(), looking.ID, at(80), no))(t)
		looking.State, looking.EndTime = ipaas.ExecutionSucceeded, at(90)
		next := w.event("i", "items")
		if routed := got(s.RouteExecution(t.Context(), looking, next, storage.Admission{ServingHasFlow: true, MaxHeld: 1000}))(t); routed.ID != "" {
			t.Errorf("routed to %s", routed.ID)
		}
		if ex := w.execution(looking.ID); ex.State != ipaas.ExecutionSucceeded || ex.RoutedTo != "" {
			t.Errorf("what looked at it is %+v", ex)
		}
		_, err := s.GetExecution(t.Context(), next.ID)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_request_that_came_before_is_routed_to_what_it_became_first", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		admission := storage.Admission{
			ServingHasFlow: true, MaxHeld: 1000, Deduplication: &storage.Deduplication{KeyHash: "k", BodyHash: "b", ExpireTime: never},
		}
		first := got(s.AcceptExecution(t.Context(), w.event("i", "items"), admission))(t)
		w.accept("i", "orders")
		var looking ipaas.Execution
		for _, ex := range got(s.ClaimExecutions(t.Context(), at(w.next()), never, 10, storage.Workers{}))(t) {
			if ex.FlowID == "orders" {
				looking = ex
			}
		}
		looking.State, looking.EndTime = ipaas.ExecutionSucceeded, at(90)
		if routed := got(s.RouteExecution(t.Context(), looking, w.event("i", "items"), admission))(t); routed.ID != first.ID {
			t.Errorf("routed to %s, want %s", routed.ID, first.ID)
		}
		if ex := w.execution(looking.ID); ex.RoutedTo != first.ID || ex.State != ipaas.ExecutionSucceeded {
			t.Errorf("what looked at it is %+v", ex)
		}
	}},
	{"an_accepted_execution_is_queued_and_comes_back_with_its_payload", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		want := w.event("i", "orders")
		got1 := got(s.AcceptExecution(t.Context(), want, storage.Admission{ServingHasFlow: true, MaxHeld: 10}))(t)
		same(t, "returned", want, got1)
		same(t, "stored", want, w.execution(want.ID))
		_, err := s.AcceptExecution(t.Context(), want, storage.Admission{ServingHasFlow: true, MaxHeld: 10})
		wantKind(t, err, ipaas.Exists, "")
		_, err = s.GetExecution(t.Context(), "nothing")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"an_execution_without_a_body_has_none", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		want := w.event("i", "orders")
		want.Payload = ipaas.Payload{}
		got(s.AcceptExecution(t.Context(), want, storage.Admission{ServingHasFlow: true, MaxHeld: 10}))(t)
		if ex := w.execution(want.ID); ex.Payload.Body != nil {
			t.Errorf("body is %q", ex.Payload.Body)
		}
	}},
	{"customer_and_integration_are_those_of_the_instance", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.event("i", "orders")
		ex.CustomerID, ex.IntegrationID = "", ""
		if ex := got(s.AcceptExecution(t.Context(), ex, storage.Admission{ServingHasFlow: true, MaxHeld: 10}))(t); ex.CustomerID != "progix" || ex.IntegrationID != "erp" {
			t.Errorf("execution is %+v", ex)
		}
	}},
	{"an_event_for_an_instance_that_cannot_take_it_is_refused", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		accept := func(id string) error {
			_, err := s.AcceptExecution(t.Context(), w.event(id, "orders"), storage.Admission{ServingHasFlow: true, MaxHeld: 10})
			return err
		}
		wantKind(t, accept("nobody"), ipaas.NotFound, "")
		w.instance("never-deployed")
		wantKind(t, accept("never-deployed"), ipaas.NotFound, "")
		w.active("paused")
		got(s.PauseInstance(t.Context(), "paused", ipaas.PauseRefuse, 0, start, no))(t)
		wantKind(t, accept("paused"), ipaas.Unavailable, ipaas.ReasonInstancePaused)
		for _, state := range []ipaas.InstanceState{ipaas.InstanceUndeployed, ipaas.InstanceDeleting} {
			w.active(string(state))
			got(s.BeginRemoval(t.Context(), string(state), state, 0, start, no))(t)
			wantKind(t, accept(string(state)), ipaas.Gone, ipaas.ReasonInstanceRemoved)
		}
		w.active("deleted")
		w.delete("deleted")
		wantKind(t, accept("deleted"), ipaas.Gone, ipaas.ReasonInstanceRemoved)
		same(t, "executions", nil, executionIDs(t, s, storage.Query{Size: 9}))
	}},
	{"an_event_is_held_while_the_instance_is_paused_deploying_or_failed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("paused")
		got(s.PauseInstance(t.Context(), "paused", ipaas.PauseHold, 0, start, no))(t)
		w.instance("deploying")
		w.begin("deploying", definition("ERP", "orders"))
		w.instance("failed")
		w.fail(w.begin("failed", definition("ERP", "orders")).ID)
		for _, id := range []string{"paused", "deploying", "failed"} {
			if ex := w.accept(id, "orders"); !ex.Held || !w.execution(ex.ID).Held {
				t.Errorf("an event for the instance %s is not held", id)
			}
		}
		w.wantNothingToClaim()
	}},
	{"an_event_of_a_flow_that_only_the_candidate_has_is_held", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i") // orders, items
		d := w.begin("i", definition("ERP", "orders", "new"))
		held := got(s.AcceptExecution(t.Context(), w.event("i", "new"), storage.Admission{MaxHeld: 10}))(t)
		if !held.Held {
			t.Error("it is not held")
		}
		if ex := w.accept("i", "items"); ex.Held {
			t.Error("an event of a flow that serves is held")
		}
		_, err := s.AcceptExecution(t.Context(), w.event("i", "unknown"), storage.Admission{MaxHeld: 10})
		wantKind(t, err, ipaas.NotFound, "")
		w.claim()
		w.wantNothingToClaim()
		got(s.CommitDeployment(t.Context(), d.ID, start, storage.Takeover{}))(t)
		if ex := w.claim(); ex.ID != held.ID {
			t.Errorf("claimed %s, want %s", ex.ID, held.ID)
		}
	}},
	{"a_switch_between_looking_and_accepting_is_noticed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.deploy("i", definition("ERP", "orders", "new"))
		ex := got(s.AcceptExecution(t.Context(), w.event("i", "new"), storage.Admission{MaxHeld: 10}))(t) // the caller looked before the deployment
		if ex.Held {
			t.Error("it is held though its flow serves by now")
		}
		d := w.begin("i", definition("ERP", "orders", "newer"))
		w.fail(d.ID)
		_, err := s.AcceptExecution(t.Context(), w.event("i", "newer"), storage.Admission{MaxHeld: 10})
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"what_only_the_candidate_has_stays_held_over_a_pause_and_a_failure", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		d := w.begin("i", definition("ERP", "orders", "new"))
		held := got(s.AcceptExecution(t.Context(), w.event("i", "new"), storage.Admission{MaxHeld: 10}))(t)
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no))(t)
		got(s.ResumeInstance(t.Context(), "i", 0, start, no))(t)
		w.fail(d.ID)
		if !w.execution(held.ID).Held {
			t.Error("it was released though nothing serves its flow")
		}
		w.deploy("i", definition("ERP", "new"))
		if ex := w.claim(); ex.ID != held.ID {
			t.Errorf("claimed %s, want %s", ex.ID, held.ID)
		}
	}},
	{"no_more_are_held_than_allowed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("other")
		w.active("i")
		w.accept("i", "orders") // not held, so it does not count
		for _, id := range []string{"i", "other"} {
			got(s.PauseInstance(t.Context(), id, ipaas.PauseHold, 0, start, no))(t)
		}
		w.accept("other", "orders")
		events := make([]ipaas.Execution, 32)
		for n := range events {
			events[n] = w.event("i", "orders")
		}
		var all sync.WaitGroup
		refused := make([]bool, len(events))
		for n, ex := range events {
			all.Go(func() {
				_, err := s.AcceptExecution(t.Context(), ex, storage.Admission{ServingHasFlow: true, MaxHeld: 5})
				refused[n] = err != nil
				if refused[n] && (!isKind(err, ipaas.Exhausted) || ipaas.ReasonOf(err) != ipaas.ReasonTooManyHeld) {
					t.Errorf("refused with %v", err)
				}
			})
		}
		all.Wait()
		accepted := 0
		for _, no := range refused {
			if !no {
				accepted++
			}
		}
		if accepted != 5 {
			t.Errorf("%d are held, want 5", accepted)
		}
	}},
	{"a_started_execution_runs_at_once", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		want := w.event("i", "orders")
		want.Version, want.DefinitionHash, want.Generation, want.ConfigRevision, want.Test = 1, "hash", 1, 1, true
		want.Inline, want.LeaseTime, want.StartTime = true, at(100), at(50)
		check(t, s.StartExecution(t.Context(), want))
		want.State, want.Attempts = ipaas.ExecutionRunning, 1
		same(t, "execution", want, w.execution(want.ID))
		wantKind(t, s.StartExecution(t.Context(), want), ipaas.Exists, "")
		w.wantNothingToClaim()
		want.InstanceID = "nobody"
		wantKind(t, s.StartExecution(t.Context(), want), ipaas.NotFound, "")
	}},
	{"the_oldest_is_claimed_first_and_bound_to_what_serves", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.deployment("i", definition("ERP", "orders"))
		d.Candidate.Version = 7
		_, _, err := s.BeginDeployment(t.Context(), d, nil, 0)
		check(t, err)
		got(s.CommitDeployment(t.Context(), d.ID, start, storage.Takeover{}))(t)
		first, second := w.accept("i", "orders"), w.accept("i", "orders")
		ex := w.claimAt(at(60), at(90))
		want := first
		want.State, want.Attempts, want.StartTime, want.LeaseTime = ipaas.ExecutionRunning, 1, at(60), at(90)
		want.Generation, want.Version, want.DefinitionHash, want.ConfigRevision = 1, 7, d.Candidate.DefinitionHash, 1
		same(t, "claimed", want, ex)
		same(t, "stored", want, w.execution(first.ID))
		if ex := w.claim(); ex.ID != second.ID {
			t.Errorf("claimed %s, want %s", ex.ID, second.ID)
		}
		w.wantNothingToClaim()
	}},
	{"executions_of_a_paused_instance_are_passed_over", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("paused")
		w.active("i")
		waits, goes := w.accept("paused", "orders"), w.accept("i", "orders")
		got(s.PauseInstance(t.Context(), "paused", ipaas.PauseRefuse, 0, start, no))(t)
		if ex := w.claim(); ex.ID != goes.ID {
			t.Errorf("claimed %s, want %s", ex.ID, goes.ID)
		}
		w.wantNothingToClaim()
		got(s.ResumeInstance(t.Context(), "paused", 0, start, no))(t)
		if ex := w.claim(); ex.ID != waits.ID {
			t.Errorf("claimed %s, want %s", ex.ID, waits.ID)
		}
	}},
	{"each_execution_is_claimed_once", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		const many = 100
		for range many {
			w.accept("i", "orders")
		}
		var mu sync.Mutex
		claimed := map[string]int{}
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				for {
					taken, err := s.ClaimExecutions(t.Context(), start, never, 3, storage.Workers{})
					if err != nil {
						t.Error(err)
						return
					}
					if len(taken) == 0 {
						return
					}
					mu.Lock()
					for _, ex := range taken {
						claimed[ex.ID]++
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(claimed) != many {
			t.Errorf("%d of %d were claimed", len(claimed), many)
		}
		for id, n := range claimed {
			if n != 1 {
				t.Errorf("%s was claimed %d times", id, n)
			}
		}
	}},
	{"a_lease_is_extended_by_the_running_attempt_only", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		ex := w.claim()
		check(t, s.ExtendLease(t.Context(), ex.ID, 1, at(777)))
		if lease := w.execution(ex.ID).LeaseTime; !lease.Equal(at(777)) {
			t.Errorf("lease is %v", lease)
		}
		wantKind(t, s.ExtendLease(t.Context(), ex.ID, 2, never), ipaas.Conflict, "")
		wantKind(t, s.ExtendLease(t.Context(), "nothing", 1, never), ipaas.NotFound, "")
		ex.State, ex.EndTime = ipaas.ExecutionSucceeded, at(800)
		check(t, s.FinishExecution(t.Context(), ex))
		wantKind(t, s.ExtendLease(t.Context(), ex.ID, 1, never), ipaas.Conflict, "")
	}},
	{"an_execution_is_finished_once_by_the_running_attempt", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		want := w.claim()
		want.State, want.EndTime, want.Result = ipaas.ExecutionFailed, at(800), `{"a":1}`
		want.Error = &ipaas.ExecutionError{Reason: ipaas.ExecutionStepFailed, Message: "m", StepID: "s", StepPath: "p"}
		want.Response = &ipaas.Response{Status: 200, Headers: []ipaas.NamedText{{Name: "A", Text: "b"}}, Body: []byte("\x00x")}
		stale := want
		stale.Attempts = 2
		wantKind(t, s.FinishExecution(t.Context(), stale), ipaas.Conflict, "")
		check(t, s.FinishExecution(t.Context(), want))
		stored := w.execution(want.ID)
		stored.LeaseTime = want.LeaseTime
		same(t, "execution", want, stored)
		want.State = ipaas.ExecutionSucceeded
		wantKind(t, s.FinishExecution(t.Context(), want), ipaas.Conflict, "")
		if state := w.execution(want.ID).State; state != ipaas.ExecutionFailed {
			t.Errorf("state is %s", state)
		}
		want.State = ipaas.ExecutionRunning
		if err := s.FinishExecution(t.Context(), want); err == nil {
			t.Error("RUNNING was taken for a final state")
		}
		unknown := ipaas.Execution{ID: "nothing", State: ipaas.ExecutionFailed}
		wantKind(t, s.FinishExecution(t.Context(), unknown), ipaas.NotFound, "")
	}},
	{"after_a_crash_queued_ones_run_again_and_inline_ones_are_failed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		queued := w.claimAt(at(10), at(100))
		alive := w.running("i") // its lease has not ended
		inline := w.event("i", "orders")
		inline.Inline, inline.LeaseTime = true, at(100)
		check(t, s.StartExecution(t.Context(), inline))
		done := got(s.RecoverExecutions(t.Context(), at(100), storage.Recovery{}))(t)
		if done != (storage.Recovered{}) {
			t.Errorf("recovered %+v before their leases had ended", done)
		}
		done = got(s.RecoverExecutions(t.Context(), at(101), storage.Recovery{}))(t)
		if done != (storage.Recovered{Requeued: 1, Failed: 1}) {
			t.Errorf("recovered %+v, want one requeued and one failed", done)
		}
		if ex := w.execution(inline.ID); ex.State != ipaas.ExecutionFailed || ex.Error == nil ||
			ex.Error.Reason != ipaas.ExecutionInterrupted || !ex.EndTime.Equal(at(101)) {
			t.Errorf("the inline execution is %+v", ex)
		}
		if ex := w.execution(alive.ID); ex.State != ipaas.ExecutionRunning {
			t.Errorf("the execution whose lease goes on is %s", ex.State)
		}
		again := w.claim()
		if again.ID != queued.ID || again.Attempts != 2 || !again.StartTime.Equal(at(10)) {
			t.Errorf("claimed %+v, want %s again", again, queued.ID)
		}
		wantKind(t, s.ExtendLease(t.Context(), queued.ID, 1, never), ipaas.Conflict, "")
	}},
	{"the_pause_of_an_instance_that_is_deleted_holds_back_nothing_that_was_begun", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		recovered := func() { got(s.RecoverExecutions(t.Context(), at(101), storage.Recovery{}))(t) }
		deleting := func(id string) func() {
			return func() { got(s.BeginRemoval(t.Context(), id, ipaas.InstanceDeleting, 0, at(w.next()), no))(t) }
		}
		for id, steps := range map[string][]func(){
			"recovered-first": {recovered, deleting("recovered-first")},
			"deleted-first":   {deleting("deleted-first"), recovered},
		} {
			w.active(id)
			w.accept(id, "orders")
			begun := w.claimAt(at(10), at(100))
			got(s.PauseInstance(t.Context(), id, ipaas.PauseHold, 0, at(20), no))(t)
			steps[0]()
			same(t, id+": claimed", []string(nil), w.claimed(1))
			steps[1]()
			same(t, id+": claimed", []string{begun.ID}, w.claimed(1))
		}
	}},
	{"what_was_begun_is_canceled_when_its_instance_is_deleted_whoever_has_its_id", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		for _, id := range []string{"recovered-first", "deleted-first"} {
			w.active(id)
			first, second := w.ordered(id, "a", ipaas.FailureBlock), w.ordered(id, "a", ipaas.FailureBlock)
			begun := w.claimAt(at(10), at(100))
			recovered := func() { got(s.RecoverExecutions(t.Context(), at(101), storage.Recovery{}))(t) }
			if id == "recovered-first" {
				recovered()
			}
			w.delete(id)
			next := instance(id, "the-next-"+id)
			check(t, s.CreateInstance(t.Context(), next, nil, no))
			w.deploy(id, definition("ERP", "orders"))
			if id == "deleted-first" {
				recovered()
			}
			same(t, id+": claimed", []string(nil), w.claimed(9))
			same(t, id+": begun", first.ID, begun.ID)
			if ex := w.execution(begun.ID); ex.State != ipaas.ExecutionCanceled || ex.Error == nil || ex.Attempts != 1 || ex.EndTime.IsZero() {
				t.Errorf("%s: it is %+v", id, ex)
			}
			if ex := w.execution(second.ID); ex.State != ipaas.ExecutionCanceled {
				t.Errorf("%s: the one behind it is %+v", id, ex)
			}
			w.accept(id, "orders")
			if n := len(w.claimed(9)); n != 1 {
				t.Errorf("%s: of the next instance %d executions run, want 1", id, n)
			}
		}
	}},
	{"recovery_never_touches_what_has_ended", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		ex := w.claimAt(at(10), at(20))
		ex.State, ex.EndTime = ipaas.ExecutionSucceeded, at(15)
		check(t, s.FinishExecution(t.Context(), ex))
		done := got(s.RecoverExecutions(t.Context(), at(1000), storage.Recovery{}))(t)
		if done != (storage.Recovered{}) || w.execution(ex.ID).State != ipaas.ExecutionSucceeded {
			t.Errorf("recovered %+v", done)
		}
	}},
	{"recovery_leaves_what_a_running_deployment_carries_on", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		d := w.begin("i", definition("ERP", "orders"))
		ex := w.event("i", "orders")
		ex.Inline, ex.Attempts, ex.DeploymentID, ex.LeaseTime = true, 1, d.ID, at(100)
		check(t, s.StartExecution(t.Context(), ex))
		if done := got(s.RecoverExecutions(t.Context(), at(1000), storage.Recovery{}))(t); done != (storage.Recovered{}) {
			t.Errorf("recovered: %+v", done)
		}
		again := got(s.ResumeExecution(t.Context(), ex.ID, at(2000)))(t)
		if again.Attempts != 2 || !again.LeaseTime.Equal(at(2000)) || again.State != ipaas.ExecutionRunning {
			t.Errorf("it is carried on as %+v", again)
		}
		same(t, "stored", again, w.execution(ex.ID))
		wantKind(t, s.ExtendLease(t.Context(), ex.ID, 1, never), ipaas.Conflict, "")
		got(s.BeginRollback(t.Context(), d.ID, ipaas.DeploymentError{}, false, start))(t)
		if done := got(s.RecoverExecutions(t.Context(), at(3000), storage.Recovery{}))(t); done != (storage.Recovered{Failed: 1}) {
			t.Errorf("of a deployment that is rolled back: %+v", done)
		}
		_, err := s.ResumeExecution(t.Context(), ex.ID, never)
		wantKind(t, err, ipaas.Conflict, "")
		_, err = s.ResumeExecution(t.Context(), "nothing", never)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"an_execution_stays_bound_when_it_runs_again", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		first := w.claimAt(at(10), at(20))
		w.deploy("i", definition("Second", "orders"))
		_, err := s.RecoverExecutions(t.Context(), at(30), storage.Recovery{})
		check(t, err)
		again := w.claim()
		if again.Generation != first.Generation || again.DefinitionHash != first.DefinitionHash {
			t.Errorf("bound to generation %d, then to %d", first.Generation, again.Generation)
		}
	}},
	{"what_runs_again_waits_for_a_pause_to_end", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		w.claimAt(at(10), at(20))
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, at(15), no))(t)
		_, err := s.RecoverExecutions(t.Context(), at(30), storage.Recovery{})
		check(t, err)
		w.wantNothingToClaim()
		got(s.ResumeInstance(t.Context(), "i", 0, at(40), no))(t)
		w.claim()
	}},
	{"executions_are_listed_newest_first_without_payloads", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two := w.accept("i", "orders"), w.accept("i", "items")
		one.Payload, two.Payload = ipaas.Payload{}, ipaas.Payload{}
		page := got(s.ListExecutions(t.Context(), storage.Query{Size: 9}))(t)
		same(t, "list", []ipaas.Execution{two, one}, page.Items)
		same(t, "one flow", []string{one.ID}, executionIDs(t, s, storage.Query{Size: 9, Filter: compare("flow_id", storage.Equal, "orders")}))
	}},
}
