package storagetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// line is a line of a step.
func line(path string) ipaas.Log {
	return ipaas.Log{Severity: ipaas.SeverityInfo, Message: "of " + path, StepPath: path, CreateTime: at(3)}
}

// progress is a loop that is under way, and a step in it that has ended and logged.
func progress(execution string) storage.Progress {
	loop := step(execution, "loop")
	loop.Exact, loop.Tries = "items", 2
	inner := ended(step(execution, "loop[0].post"))
	inner.Error, inner.Ignored, inner.Tries = "no", true, 3
	return storage.Progress{Steps: []ipaas.StepResult{loop, inner}, Logs: []ipaas.Log{line("loop"), line(inner.Path)}}
}

// wantProgress checks what is recorded of an execution.
func (w *world) wantProgress(execution string, steps []ipaas.StepResult, logs []ipaas.Log) {
	w.t.Helper()
	want := append([]ipaas.StepResult{}, steps...)
	for i := range want {
		want[i].Sequence = int64(i + 1)
	}
	lines := append([]ipaas.Log{}, logs...)
	for i := range lines {
		lines[i].ExecutionID, lines[i].Sequence = execution, int64(i+1)
	}
	same(w.t, "steps", want, got(w.s.ListStepResults(w.t.Context(), execution, 0, 100))(w.t))
	same(w.t, "lines", lines, got(w.s.ListLogs(w.t.Context(), execution, 0, 100))(w.t))
}

// carriers are the methods that record progress, alone or with something of their own.
var carriers = map[string]func(w *world, ex ipaas.Execution, p storage.Progress) error{
	"RecordProgress": func(w *world, ex ipaas.Execution, p storage.Progress) error {
		return w.s.RecordProgress(w.t.Context(), ex.ID, ex.Attempts, p)
	},
	"CompleteStep": func(w *world, ex ipaas.Execution, p storage.Progress) error {
		return w.s.CompleteStep(w.t.Context(), ex.Attempts, ended(step(ex.ID, "last")), nil, nil, storage.StepEffects{Before: p})
	},
	"FinishExecution": func(w *world, ex ipaas.Execution, p storage.Progress) error {
		ex.State, ex.EndTime = ipaas.ExecutionSucceeded, at(90)
		return w.s.FinishExecution(w.t.Context(), ex, p)
	},
	"RetryExecution": func(w *world, ex ipaas.Execution, p storage.Progress) error {
		next := w.after(ex)
		next.Try, next.WakeTime = 2, at(500)
		ex.State, ex.EndTime = ipaas.ExecutionFailed, at(90)
		_, err := w.s.RetryExecution(w.t.Context(), ex, next, p)
		return err
	},
	"RouteExecution": func(w *world, ex ipaas.Execution, p storage.Progress) error {
		ex.State, ex.EndTime = ipaas.ExecutionSucceeded, at(90)
		_, err := w.s.RouteExecution(w.t.Context(), ex, w.event(ex.InstanceID, "items"), storage.Admission{ServingHasFlow: true, MaxHeld: 10}, p)
		return err
	},
}

// carried is the progress with which a method is called: the step that CompleteStep completes has begun with it.
func carried(name, execution string) (given storage.Progress, steps []ipaas.StepResult) {
	given = progress(execution)
	steps = append(steps, given.Steps...)
	if name == "CompleteStep" {
		last := step(execution, "last")
		given.Steps = append(given.Steps, last)
		steps = append(steps, ended(last))
	}
	return given, steps
}

var progressSentences = []sentence{
	{"what_happened_is_recorded_in_order_and_whole", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		for name, carry := range carriers {
			ex := w.running("i")
			given, steps := carried(name, ex.ID)
			check(t, carry(w, ex, given))
			w.wantProgress(ex.ID, steps, given.Logs)
		}
	}},
	{"a_step_that_did_not_end_goes_on_in_its_place", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		first := progress(ex.ID)
		check(t, s.RecordProgress(t.Context(), ex.ID, 1, first))
		loop := ended(first.Steps[0])
		loop.StepID, loop.DisplayName, loop.Action, loop.Inputs, loop.StandIn = "other", "Other", "acme.other", `{"a":2}`, false
		loop.StartTime, loop.State, loop.Error, loop.Ignored, loop.Tries = at(4), ipaas.StepFailed, "no", true, 5
		second := storage.Progress{Steps: []ipaas.StepResult{ended(step(ex.ID, "loop[1].post")), loop}, Logs: []ipaas.Log{line("loop[1].post")}}
		check(t, s.RecordProgress(t.Context(), ex.ID, 1, second))
		w.wantProgress(ex.ID, []ipaas.StepResult{loop, first.Steps[1], second.Steps[0]}, append(first.Logs, second.Logs...))
		begun := w.begun(ex.ID, "after")
		begun.Sequence = 0
		check(t, s.RecordProgress(t.Context(), ex.ID, 1, storage.Progress{Steps: []ipaas.StepResult{ended(begun)}}))
		w.wantProgress(ex.ID, []ipaas.StepResult{loop, first.Steps[1], second.Steps[0], ended(begun)}, append(first.Logs, second.Logs...))
	}},
	{"an_attempt_that_begins_finds_what_happened", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		ex := w.claimAt(at(10), at(20))
		p := progress(ex.ID)
		check(t, s.RecordProgress(t.Context(), ex.ID, 1, p))
		got(s.RecoverExecutions(t.Context(), at(30), storage.Recovery{}))(t)
		w.claim()
		for i, want := range p.Steps {
			r, done, err := s.BeginStep(t.Context(), 2, step(ex.ID, want.Path))
			check(t, err)
			want.Sequence = int64(i + 1)
			same(t, "recorded", want, r)
			if done != (want.State != ipaas.StepRunning) {
				t.Errorf("step %s is done: %v", want.Path, done)
			}
		}
	}},
	{"of_a_step_that_had_ended_nothing_is_recorded_nor_of_what_came_with_it", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		for name, carry := range carriers {
			ex := w.running("i")
			first := ended(w.begun(ex.ID, "first"))
			check(t, s.CompleteStep(t.Context(), 1, first, nil, nil))
			given, _ := carried(name, ex.ID)
			given.Steps = append(given.Steps, first)
			if err := carry(w, ex, given); !isKind(err, ipaas.Conflict) {
				t.Errorf("%s says %v, want Conflict", name, err)
			}
			w.wantProgress(ex.ID, []ipaas.StepResult{first}, nil)
			if state := w.execution(ex.ID).State; state != ipaas.ExecutionRunning {
				t.Errorf("after %s the execution is %s", name, state)
			}
		}
	}},
	{"an_attempt_that_was_superseded_records_nothing_of_what_happened", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		for name, carry := range carriers {
			w.accept("i", "orders")
			ex := w.claimAt(at(10), at(20))
			given, _ := carried(name, ex.ID)
			got(s.RecoverExecutions(t.Context(), at(30), storage.Recovery{}))(t)
			for _, when := range []string{"queued", "running again", "ended"} {
				if err := carry(w, ex, given); !isKind(err, ipaas.Conflict) {
					t.Errorf("%s, %s: %v, want Conflict", name, when, err)
				}
				switch when {
				case "queued":
					same(t, "claimed", ex.ID, w.claim().ID)
				case "running again":
					now := w.execution(ex.ID)
					now.State, now.EndTime = ipaas.ExecutionSucceeded, at(95)
					check(t, s.FinishExecution(t.Context(), now))
				}
			}
			w.wantProgress(ex.ID, nil, nil)
		}
	}},
	{"what_is_refused_takes_what_happened_before_with_it", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.active("i"))
		ex := w.running("i")
		given, steps := carried("CompleteStep", ex.ID)
		refusing := storage.StateChange{Place: place, Key: "b", Next: func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) {
			return nil, errRefused
		}}
		last := ended(step(ex.ID, "last"))
		err := s.CompleteStep(t.Context(), 1, last, nil, nil, storage.StepEffects{Before: given, State: []storage.StateChange{refusing}})
		if !errors.Is(err, errRefused) {
			t.Errorf("it says %v", err)
		}
		w.wantProgress(ex.ID, nil, nil)
		check(t, s.CompleteStep(t.Context(), 1, last, []ipaas.Log{line("last")}, nil, storage.StepEffects{Before: given}))
		w.wantProgress(ex.ID, steps, append(given.Logs, line("last")))
	}},
	{"progress_of_nothing_is_refused", func(t *testing.T, s storage.Store) {
		wantKind(t, s.RecordProgress(t.Context(), "nothing", 1, progress("nothing")), ipaas.NotFound, "")
	}},
	{"much_that_happened_comes_back_in_order", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		var all storage.Progress
		for n := range 50 {
			r := ended(step(ex.ID, fmt.Sprintf("loop[%d].post", n)))
			all.Steps, all.Logs = append(all.Steps, r), append(all.Logs, line(r.Path))
		}
		half := storage.Progress{Steps: all.Steps[:20], Logs: all.Logs[:20]}
		check(t, s.RecordProgress(t.Context(), ex.ID, 1, half))
		ex.State, ex.EndTime = ipaas.ExecutionSucceeded, at(90)
		check(t, s.FinishExecution(t.Context(), ex, storage.Progress{Steps: all.Steps[20:30], Logs: all.Logs[20:30]}, storage.Progress{Steps: all.Steps[30:], Logs: all.Logs[30:]}))
		w.wantProgress(ex.ID, all.Steps, all.Logs)
	}},
}
