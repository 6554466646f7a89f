package storagetest

import (
	"fmt"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// step returns a step that can be begun.
func step(execution, path string) ipaas.StepResult {
	return ipaas.StepResult{
		ExecutionID: execution, Path: path, StepID: "post", DisplayName: "Post", Action: "acme.post", State: ipaas.StepRunning,
		Inputs: `{"a":1}`, StartTime: start, StandIn: true,
	}
}

// ended returns a step that ended well.
func ended(s ipaas.StepResult) ipaas.StepResult {
	s.State, s.Result, s.Exact, s.Redacted, s.Branch, s.EndTime = ipaas.StepSucceeded, `{"b":2}`, "sealed", true, "Then", at(9)
	return s
}

// begun begins a step of a running execution.
func (w *world) begun(execution, path string) ipaas.StepResult {
	w.t.Helper()
	s, done, err := w.s.BeginStep(w.t.Context(), 1, step(execution, path))
	check(w.t, err)
	if done {
		w.t.Errorf("step %s is done before it began", path)
	}
	return s
}

var stepSentences = []sentence{
	{"steps_come_back_in_the_order_they_began", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		var want []ipaas.StepResult
		for n := range 3 {
			r := w.begun(ex.ID, fmt.Sprintf("loop[%d].post", n))
			expected := step(ex.ID, r.Path)
			expected.Sequence = int64(n + 1)
			same(t, "begun", expected, r)
			want = append(want, r)
		}
		want[1] = ended(want[1])
		check(t, s.CompleteStep(t.Context(), 1, want[1], nil, nil))
		same(t, "steps", want, got(s.ListStepResults(t.Context(), ex.ID, 0, 10))(t))
		same(t, "after the first, one only", want[1:2], got(s.ListStepResults(t.Context(), ex.ID, 1, 1))(t))
		_, err := s.ListStepResults(t.Context(), "nothing", 0, 10)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_step_that_ended_is_returned_as_it_is", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		ex := w.claimAt(at(10), at(20))
		well, badly := ended(w.begun(ex.ID, "a")), ended(w.begun(ex.ID, "b"))
		badly.State, badly.Error = ipaas.StepFailed, "no"
		check(t, s.CompleteStep(t.Context(), 1, well, nil, nil))
		check(t, s.CompleteStep(t.Context(), 1, badly, nil, nil))
		_, err := s.RecoverExecutions(t.Context(), at(30), storage.Recovery{})
		check(t, err)
		w.claim()
		for _, want := range []ipaas.StepResult{well, badly} {
			other := step(ex.ID, want.Path)
			other.Inputs = "changed"
			r, done, err := s.BeginStep(t.Context(), 2, other)
			check(t, err)
			if !done {
				t.Errorf("step %s is not done", want.Path)
			}
			same(t, "recorded", want, r)
		}
		same(t, "steps", []ipaas.StepResult{well, badly}, got(s.ListStepResults(t.Context(), ex.ID, 0, 10))(t))
	}},
	{"a_step_that_did_not_end_is_begun_again_with_what_it_decided", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		ex := w.claimAt(at(10), at(20))
		want := w.begun(ex.ID, "loop")
		want.Exact, want.Branch = "items", "Then"
		check(t, s.CompleteStep(t.Context(), 1, want, nil, nil)) // RUNNING still: it only decided
		_, err := s.RecoverExecutions(t.Context(), at(30), storage.Recovery{})
		check(t, err)
		w.claim()
		again := step(ex.ID, "loop")
		again.StartTime, again.Inputs = at(40), "changed"
		r, done, err := s.BeginStep(t.Context(), 2, again)
		check(t, err)
		if done {
			t.Error("a step that only decided is done")
		}
		want.StartTime, want.Inputs = at(40), "changed"
		same(t, "recorded", want, r)
		same(t, "steps", []ipaas.StepResult{want}, got(s.ListStepResults(t.Context(), ex.ID, 0, 10))(t))
	}},
	{"only_the_running_attempt_records", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		ex := w.claimAt(at(10), at(20))
		r := ended(w.begun(ex.ID, "a"))
		_, err := s.RecoverExecutions(t.Context(), at(30), storage.Recovery{})
		check(t, err)
		for _, when := range []string{"queued", "running again"} {
			_, _, err := s.BeginStep(t.Context(), 1, step(ex.ID, "b"))
			if !isKind(err, ipaas.Conflict) {
				t.Errorf("%s: begin gives %v, want Conflict", when, err)
			}
			if err := s.CompleteStep(t.Context(), 1, r, nil, nil); !isKind(err, ipaas.Conflict) {
				t.Errorf("%s: complete gives %v, want Conflict", when, err)
			}
			if when == "queued" {
				w.claim()
			}
		}
		_, _, err = s.BeginStep(t.Context(), 1, step("nothing", "b"))
		wantKind(t, err, ipaas.NotFound, "")
		wantKind(t, s.CompleteStep(t.Context(), 1, step("nothing", "b"), nil, nil), ipaas.NotFound, "")
	}},
	{"a_step_is_completed_once_and_only_after_it_began", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		wantKind(t, s.CompleteStep(t.Context(), 1, ended(step(ex.ID, "a")), nil, nil), ipaas.NotFound, "")
		r := ended(w.begun(ex.ID, "a"))
		check(t, s.CompleteStep(t.Context(), 1, r, nil, nil))
		wantKind(t, s.CompleteStep(t.Context(), 1, r, nil, nil), ipaas.Conflict, "")
	}},
	{"lines_are_numbered_from_1_on_through_all_steps", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		var want []ipaas.Log
		for _, path := range []string{"a", "b"} {
			r := ended(w.begun(ex.ID, path))
			var lines []ipaas.Log
			for n := range 2 {
				lines = append(lines, ipaas.Log{Severity: ipaas.SeverityInfo, Message: fmt.Sprint(path, n), StepPath: path, CreateTime: at(n)})
			}
			check(t, s.CompleteStep(t.Context(), 1, r, lines, nil))
			for _, l := range lines {
				l.ExecutionID, l.Sequence = ex.ID, int64(len(want)+1)
				want = append(want, l)
			}
		}
		same(t, "lines", want, got(s.ListLogs(t.Context(), ex.ID, 0, 10))(t))
		same(t, "two after the first", want[1:3], got(s.ListLogs(t.Context(), ex.ID, 1, 2))(t))
		_, err := s.ListLogs(t.Context(), "nothing", 0, 10)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"completing_a_step_completes_its_registration", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		r := ended(w.begun(ex.ID, "a"))
		want := w.intent("i", "")
		want.State, want.RemoteID, want.ResultSealed, want.Error, want.UpdateTime = ipaas.RegistrationCreated, "42", "result", "", at(60)
		check(t, s.CompleteStep(t.Context(), 1, r, nil, &want))
		same(t, "registration", want, w.registration("i", want.ID))
		other := ended(w.begun(ex.ID, "other"))
		want.Adopted, want.ChangedBy, want.BeforeImage, want.InputsHash, want.InputsSealed = true, "dep", "before", "hash-2", "inputs-2"
		want.ComponentVersion, want.ExecutionID, want.ConfigRevision = 2, ex.ID, 2
		check(t, s.CompleteStep(t.Context(), 1, other, nil, &want))
		same(t, "registration of an update", want, w.registration("i", want.ID))
		b := ended(w.begun(ex.ID, "b"))
		wantKind(t, s.CompleteStep(t.Context(), 1, b, nil, &ipaas.Registration{ID: "nothing"}), ipaas.NotFound, "")
		steps := got(s.ListStepResults(t.Context(), ex.ID, 2, 10))(t)
		if len(steps) != 1 || steps[0].State != ipaas.StepRunning {
			t.Errorf("the step was recorded without its registration: %+v", steps)
		}
	}},
	{"an_object_whose_removal_began_meanwhile_is_still_to_be_removed", func(t *testing.T, s storage.Store) {
		for _, tt := range []struct {
			name   string
			before func(w *world, id string) // what happens while the call is under way
			after  ipaas.RegistrationState
			want   ipaas.RegistrationState
		}{
			{"pending", func(w *world, id string) { w.settle(id, ipaas.RegistrationRemovePending) }, ipaas.RegistrationCreated, ipaas.RegistrationRemovePending},
			{"removed", func(w *world, id string) { w.settle(id, ipaas.RegistrationRemoved) }, ipaas.RegistrationCreated, ipaas.RegistrationRemovePending},
			{"failed", func(w *world, id string) { w.settle(id, ipaas.RegistrationRemoveFailed) }, ipaas.RegistrationCreated, ipaas.RegistrationRemovePending},
			{"unknown", func(w *world, id string) { w.settle(id, ipaas.RegistrationRemovePending) }, ipaas.RegistrationIntent, ipaas.RegistrationRemovePending},
			{"sure", func(w *world, id string) { w.settle(id, ipaas.RegistrationRemovePending) }, ipaas.RegistrationAbandoned, ipaas.RegistrationAbandoned},
			{"doubt", func(w *world, id string) { w.settle(id, ipaas.RegistrationRemovePending) }, ipaas.RegistrationUnconfirmed, ipaas.RegistrationUnconfirmed},
			{"nothing", func(*world, string) {}, ipaas.RegistrationCreated, ipaas.RegistrationCreated},
		} {
			id := "i-" + tt.name
			var w *world
			if tt.name == "pending" {
				w = newWorld(t, s)
			} else {
				w = &world{t: t, s: s, n: 1000 * len(id) * int(tt.name[0])}
			}
			w.active(id)
			ex := w.running(id)
			r := ended(w.begun(ex.ID, "a"))
			reg := w.intent(id, "")
			tt.before(w, reg.ID)
			reg.State, reg.RemoteID = tt.after, "42"
			check(t, s.CompleteStep(t.Context(), 1, r, nil, &reg))
			now := w.registration(id, reg.ID)
			if now.State != tt.want || now.RemoteID != "42" {
				t.Errorf("%s: registration is %s with remote id %q, want %s", tt.name, now.State, now.RemoteID, tt.want)
			}
		}
	}},
	{"an_object_of_an_instance_that_was_removed_is_to_be_removed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, start, no))(t)
		r := ended(w.begun(ex.ID, "a"))
		reg := w.intent("i", "")
		reg.State = ipaas.RegistrationCreated
		check(t, s.CompleteStep(t.Context(), 1, r, nil, &reg))
		w.wantState("i", reg.ID, ipaas.RegistrationRemovePending)
	}},
}

func (w *world) settle(id string, state ipaas.RegistrationState) {
	w.t.Helper()
	check(w.t, w.s.SettleRegistration(w.t.Context(), id, state, "", start))
}
