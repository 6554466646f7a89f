package engine_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
)

// starting has the actions that flows start each other with.
func starting() *component.Component {
	return &component.Component{ID: "starting", Actions: []component.Action{
		{
			Action: ipaas.Action{Key: "cursor"},
			Perform: func(_ context.Context, call component.Call) (component.Result, error) {
				return component.Result{Data: call.Cursor}, nil
			},
		},
		{
			Action:     ipaas.Action{Key: "setCursor", Inputs: []ipaas.InputField{{Key: "value", Type: ipaas.FieldData}}},
			Perform:    perform(func(in component.Inputs) (any, error) { return in["value"], nil }),
			SetsCursor: true,
		},
		{
			Action:     ipaas.Action{Key: "start", Inputs: []ipaas.InputField{{Key: "flow"}}},
			Perform:    perform(func(in component.Inputs) (any, error) { return in["flow"], nil }),
			StartsFlow: "flow",
		},
	}}
}

// picky is a recorder that completes a step otherwise than it ended: what the step starts was refused, or started before.
type picky struct {
	*recorder
	path    string
	instead engine.Done
}

func (h *picky) Complete(ctx context.Context, step engine.Step, done engine.Done) (engine.Done, error) {
	if step.Path == h.path {
		done = h.instead
	}
	return h.recorder.Complete(ctx, step, done)
}

func TestAStepEndsAsItWasRecorded(t *testing.T) {
	t.Parallel()
	p := compile(t, step("One", "tools.echo", "value", "a"), step("Two", "tools.echo", "value", ref("one.results")))
	h := &picky{recorder: newRecorder(), path: "one", instead: engine.Done{Error: "the queue is full"}}
	out, err := newEngine().Run(t.Context(), runOf(p), h)
	if err != nil || out.State != ipaas.ExecutionFailed || out.Error == nil || out.Error.Message != `step "One" (tools.echo): the queue is full` || out.Error.StepPath != "one" {
		t.Errorf("the run ended with %+v %+v, %v", out, out.Error, err)
	}
	h = &picky{recorder: newRecorder(), path: "one", instead: engine.Done{Result: "b"}}
	if out, err = newEngine().Run(t.Context(), runOf(p), h); err != nil || out.Result != "b" {
		t.Errorf("the run ended with %+v, %v", out, err)
	}
}

// TestTheCursorIsWhatWasSetLast cuts a run after each call: what resumes it has the cursor of before.
func TestTheCursorIsWhatWasSetLast(t *testing.T) {
	t.Parallel()
	p := compile(t,
		step("First", "starting.cursor"), step("Set", "starting.setCursor", "value", "page 2"), step("Second", "starting.cursor"),
		step("Set Again", "starting.setCursor", "value", "page 3"), step("Third", "starting.cursor"),
	)
	run := runOf(p)
	run.Cursor = "page 1"
	results := func(h *recorder) []any {
		return []any{h.done["first"].Result, h.done["second"].Result, h.done["third"].Result}
	}
	whole := newRecorder()
	if _, err := newEngine().Run(t.Context(), run, whole); err != nil {
		t.Fatal(err)
	}
	want := []any{"page 1", "page 2", "page 3"}
	if diff := cmp.Diff(want, results(whole)); diff != "" {
		t.Errorf("cursors (-want +got):\n%s", diff)
	}
	for cut := range whole.count {
		h := newRecorder()
		h.cut, h.cutAfter = cut+1, true
		ctx, interrupt := context.WithCancelCause(t.Context())
		h.interrupt = interrupt
		_, _ = newEngine().Run(ctx, run, h)
		interrupt(nil)
		h.cut = 0
		if _, err := newEngine().Run(t.Context(), run, h); err != nil {
			t.Fatal(err)
		}
		if got := results(h); !slices.Equal(got, want) {
			t.Errorf("cut after call %d: cursors %v", cut+1, got)
		}
	}
}

func TestStartsAndSchedulesAreChecked(t *testing.T) {
	t.Parallel()
	schedule := func(variable string) *ipaas.Schedule { return &ipaas.Schedule{ConfigVariable: variable} }
	flow := func(name string, s *ipaas.Schedule, steps ...ipaas.Step) ipaas.Flow {
		return ipaas.Flow{DisplayName: name, Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerSchedule, Schedule: s}, Steps: steps}
	}
	def := definition(
		flow("A", schedule("When"), step("One", "starting.start", "flow", "Secnd"), step("Two", "starting.start", "flow", "Second"),
			step("Three", "starting.start", "flow", "second"), step("Four", "starting.start", "flow", ref("one.results")), step("Five", "starting.start", "flow", tmpl("x{{$one.results}}"))),
		flow("Second", schedule("Base URL")), flow("Third", schedule("Whenn")),
	)
	def.ConfigVariables = append(def.ConfigVariables, ipaas.ConfigVariable{ID: "when", DisplayName: "When", Type: ipaas.ConfigSchedule})
	var found []string
	for _, v := range engine.Compile(def, def.Hash(), registry()).Problems() {
		if v.Reason != ipaas.ReasonUnknownTrigger && v.Reason != ipaas.ReasonUnknownComponent {
			found = append(found, v.Field+" "+string(v.Reason)+": "+v.Description)
		}
	}
	want := []string{
		`flows[0].steps[0].inputs.flow UNKNOWN_FLOW: there is no flow "Secnd" to start: did you mean "Second"?`,
		`flows[1].trigger.schedule.configVariable WRONG_TYPE: config variable "Base URL" is of type STRING: give one of type SCHEDULE with a single value`,
		`flows[2].trigger.schedule.configVariable UNKNOWN_CONFIG_VARIABLE: the schedule names the config variable "Whenn", which does not exist: did you mean "When"?`,
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
