package control_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// diary is a store that notes each of its writes by which steps of executions are recorded.
type diary struct {
	storage.Store

	mu     sync.Mutex
	writes []string
}

// note notes a write with the paths of the steps that it records. Behind those that have not ended stands an ellipsis.
func (d *diary) note(what string, before ...storage.Progress) {
	for _, p := range before {
		for i := range p.Steps {
			what += " " + p.Steps[i].Path
			if p.Steps[i].State == ipaas.StepRunning {
				what += "…"
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes = append(d.writes, what)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.writes)
}

func (d *diary) BeginStep(ctx context.Context, attempt int, s ipaas.StepResult) (ipaas.StepResult, bool, error) {
	recorded, done, err := d.Store.BeginStep(ctx, attempt, s)
	d.note(fmt.Sprintf("begin %s: done %v", s.Path, done))
	return recorded, done, err
}

func (d *diary) RecordProgress(ctx context.Context, executionID string, attempt int, p storage.Progress) error {
	d.note("record", p)
	return d.Store.RecordProgress(ctx, executionID, attempt, p)
}

func (d *diary) CompleteStep(ctx context.Context, attempt int, s ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration, effects ...storage.StepEffects) error {
	what := "complete " + s.Path
	for _, e := range effects {
		if len(e.Before.Steps) > 0 {
			what += " behind"
		}
		d.note(what, e.Before)
	}
	return d.Store.CompleteStep(ctx, attempt, s, logs, created, effects...)
}

func (d *diary) FinishExecution(ctx context.Context, ex ipaas.Execution, before ...storage.Progress) error {
	d.note("finish", before...)
	return d.Store.FinishExecution(ctx, ex, before...)
}

func (d *diary) RetryExecution(ctx context.Context, ex, next ipaas.Execution, before ...storage.Progress) (bool, error) {
	d.note("retry", before...)
	return d.Store.RetryExecution(ctx, ex, next, before...)
}

// watched is a world of which each write of steps is noted.
func watched(t testing.TB, limits ...control.Limits) (*world, *diary) {
	t.Helper()
	w, d := newWorld(t, limits...), &diary{}
	w.stop()
	w.wrap = func(s storage.Store) storage.Store {
		d.Store = s
		return d
	}
	w.start()
	return w, d
}

// compute is a step that only computes.
func compute(name string) ipaas.Step {
	return step(name, "text-manipulation.upperCase", inputs{"text": lit(name)})
}

// wrong is a step that only computes, and fails.
func wrong(name string) ipaas.Step {
	return step(name, "math.evaluate", inputs{"expression": lit("1 / 0")})
}

func twice(name string, body ...ipaas.Step) ipaas.Step {
	each := step(name, "loop.loopNTimes", inputs{"iterationCount": num("2")})
	each.Steps = body
	return each
}

func TestStepsThatOnlyComputeAreRecordedWithWhatComesNext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		steps []ipaas.Step
		want  []string
	}{
		{"only_computing", []ipaas.Step{compute("A"), compute("B")}, []string{"finish trigger a b"}},
		{"before_a_write", []ipaas.Step{compute("A"), compute("B"), note("Post", ref("b.results")), compute("C")}, []string{
			"record trigger a b post…", "complete post", "finish c",
		}},
		{"in_a_loop", []ipaas.Step{twice("Each", compute("A")), compute("B")}, []string{"finish trigger each each[0].a each[1].a b"}},
		{"with_writes_in_a_loop", []ipaas.Step{twice("Each", compute("A"), note("Post", ref("each.index"))), compute("B")}, []string{
			"record trigger each… each[0].a each[0].post…", "complete each[0].post",
			"record each[1].a each[1].post…", "complete each[1].post", "finish each b",
		}},
		{"failing", []ipaas.Step{compute("A"), wrong("B")}, []string{"finish trigger a b"}},
		{"failing_and_ignored", []ipaas.Step{ignored(wrong("A")), compute("B")}, []string{"finish trigger a b"}},
		{"failing_and_tried_again", []ipaas.Step{compute("A"), retried(wrong("B"), 1)}, []string{
			"complete b behind trigger a b…", "finish b",
		}},
		{"keeping_something", []ipaas.Step{
			compute("A"), step("B", "process-data.deDuplicate", inputs{"dataInput": {Kind: ipaas.InputJSON, Text: "[1,1]"}}), compute("C"),
		}, []string{"complete b behind trigger a b…", "finish c"}},
		{"before_a_wait", []ipaas.Step{compute("A"), step("Rest", "sleep.sleep", inputs{"ms": num("1")}), compute("B")}, []string{
			"record trigger a rest…", "complete rest", "finish b",
		}},
		{"before_a_read", []ipaas.Step{compute("A"), keep("Get", "getInstanceValue", key("n")), compute("B")}, []string{
			"record trigger a get…", "complete get", "finish b",
		}},
		{"that_stops", []ipaas.Step{compute("A"), step("Stop", "stop-execution.stopExecution", nil), compute("B")}, []string{"finish trigger a stop"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, d := watched(t)
			urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{hookFlow("On Event", tt.steps...)}}, nil)
			ex := w.ended(w.accepted(urls["On Event"], `{}`))
			if diff := cmp.Diff(tt.want, d.read()); diff != "" {
				t.Errorf("what was written (-want +got):\n%s", diff)
			}
			for i, s := range w.steps(ex.ID) {
				if s.State == ipaas.StepRunning || s.EndTime.IsZero() || s.Sequence != int64(i+1) {
					t.Errorf("step %s with sequence %d is %s", s.Path, s.Sequence, s.State)
				}
			}
		})
	}
}

func TestARetryIsAddedWithWhatTheTryBeforeComputed(t *testing.T) {
	t.Parallel()
	w, d := watched(t)
	flow := hookFlow("On Event", compute("A"), wrong("B"))
	flow.Retry = &ipaas.Retry{MaxAttempts: 1, Delay: time.Millisecond}
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{flow}}, nil)
	first := w.ended(w.accepted(urls["On Event"], `{}`))
	w.ended(first.SupersededBy)
	if diff := cmp.Diff([]string{"retry trigger a b", "finish trigger a b"}, d.read()); diff != "" {
		t.Errorf("what was written (-want +got):\n%s", diff)
	}
}

func TestAReplayFromAStepWritesNothingOfWhatItTakesOver(t *testing.T) {
	t.Parallel()
	w, d := watched(t)
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{
		hookFlow("On Event", compute("A"), twice("Each", compute("B")), compute("C"), compute("D")),
	}}, nil)
	old := w.succeeded(w.accepted(urls["On Event"], `{}`))
	ex := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), old.ID, control.ReplayOptions{FromStep: "c"}, plain))
	w.succeeded(ex.ID)
	want := []string{
		"finish trigger a each each[0].b each[1].b c d",
		"begin c: done false", "finish c d",
	}
	if diff := cmp.Diff(want, d.read()); diff != "" {
		t.Errorf("what was written (-want +got):\n%s", diff)
	}
}

func TestMuchThatIsComputedIsRecordedInParts(t *testing.T) {
	t.Parallel()
	const rounds, most = 700, 256
	w, d := watched(t)
	each := step("Each", "loop.loopNTimes", inputs{"iterationCount": num(fmt.Sprint(rounds))})
	each.Steps = []ipaas.Step{compute("A")}
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{hookFlow("On Event", each)}}, nil)
	ex := w.succeeded(w.accepted(urls["On Event"], `{}`))
	// The step that is under way then is recorded once more when it has ended, and so is the loop.
	var sizes []int
	for _, what := range d.read() {
		sizes = append(sizes, len(strings.Fields(what))-1)
	}
	if diff := cmp.Diff([]int{most, most, rounds + 2 - 2*most + 3}, sizes); diff != "" {
		t.Errorf("so many steps were recorded together (-want +got):\n%s", diff)
	}
	steps := w.steps(ex.ID)
	for i, s := range steps[min(2, len(steps)):] {
		if s.Path != fmt.Sprintf("each[%d].a", i) || s.State != ipaas.StepSucceeded {
			t.Fatalf("step %d is %s, %s", i, s.Path, s.State)
		}
	}
	if len(steps) != rounds+2 {
		t.Errorf("there are %d steps, want %d", len(steps), rounds+2)
	}
}

func TestWhatTakesLongIsRecordedMeanwhile(t *testing.T) {
	t.Parallel()
	w, d := watched(t, control.Limits{Unrecorded: time.Nanosecond})
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{hookFlow("On Event", compute("A"), compute("B"))}}, nil)
	w.succeeded(w.accepted(urls["On Event"], `{}`))
	if diff := cmp.Diff([]string{"record trigger", "record a", "record b", "finish"}, d.read()); diff != "" {
		t.Errorf("what was written (-want +got):\n%s", diff)
	}
}

func TestALargeResultIsNotHeldBack(t *testing.T) {
	t.Parallel()
	w, d := watched(t)
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{
		hookFlow("On Event", step("A", "text-manipulation.upperCase", inputs{"text": ref("trigger.results.body.data.text")}), compute("B")),
	}}, nil)
	w.succeeded(w.accepted(urls["On Event"], `{"text":"`+strings.Repeat("x", 1<<20)+`"}`))
	if diff := cmp.Diff([]string{"record trigger", "record a", "finish b"}, d.read()); diff != "" {
		t.Errorf("what was written (-want +got):\n%s", diff)
	}
}

// thinking runs a flow up to a step that computes for as long as the gate is closed: nothing of it is recorded then.
func thinking(t *testing.T) (w *world, g *gate, id string) {
	t.Helper()
	w = newWorld(t)
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{hookFlow(
		"On Event", step("Id", "uuid.generateUUID", inputs{"version": lit("v7")}), step("Think", "probe.think", inputs{"value": lit("gate")}), note("Note", ref("id.results")),
	)}}, nil)
	g = w.probe.gate("gate")
	id = w.accepted(urls["On Event"], `{}`)
	<-g.reached
	if steps := w.steps(id); len(steps) > 0 {
		t.Errorf("recorded is %+v", steps)
	}
	return w, g, id
}

func TestAStopInGoodOrderRecordsWhatWasComputed(t *testing.T) {
	t.Parallel()
	w, g, id := thinking(t)
	w.restart()
	<-g.reached
	before := w.steps(id)
	if len(before) != 3 || before[1].State != ipaas.StepSucceeded || before[2].State != ipaas.StepRunning {
		t.Fatalf("recorded is %+v", before)
	}
	g.pass()
	w.succeeded(id)
	if diff := cmp.Diff(before[1], w.stepOf(id, "id")); diff != "" {
		t.Errorf("it was computed again (-want +got):\n%s", diff)
	}
	if notes := w.probe.notes(); !slices.Equal(notes, []string{before[1].Result}) {
		t.Errorf("noted was %v, want %s", notes, before[1].Result)
	}
}

func TestTheNextAttemptWritesNothingOfWhatIsRecorded(t *testing.T) {
	t.Parallel()
	w, d := watched(t)
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{hookFlow(
		"On Event", compute("A"), twice("Each", compute("B"), step("Think", "probe.think", inputs{"value": lit("gate")})), compute("C"),
	)}}, nil)
	g := w.probe.gate("gate")
	id := w.accepted(urls["On Event"], `{}`)
	<-g.reached
	w.restart()
	<-g.reached
	g.pass()
	w.succeeded(id)
	want := []string{
		"record trigger a each… each[0].b each[0].think…",
		"begin each: done false", "begin each[0].think: done false", "finish each[0].think each[1].b each[1].think each c",
	}
	if diff := cmp.Diff(want, d.read()); diff != "" {
		t.Errorf("what was written (-want +got):\n%s", diff)
	}
}

func TestWhatWasComputedBeforeACrashIsComputedAgain(t *testing.T) {
	t.Parallel()
	w, g, id := thinking(t)
	twin := w.crashCopy()
	twin.probe = w.probe
	twin.start()
	<-g.reached
	g.pass()
	twin.succeeded(id)
	var paths []string
	for _, s := range twin.steps(id) {
		paths = append(paths, s.Path+" "+string(s.State))
	}
	if diff := cmp.Diff([]string{"trigger SUCCEEDED", "id SUCCEEDED", "think SUCCEEDED", "note SUCCEEDED"}, paths); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	w.succeeded(id) // before its store goes
}

func TestACanceledRunRecordsWhatItComputed(t *testing.T) {
	t.Parallel()
	w, _, id := thinking(t)
	must[ipaas.Execution](t)(w.CancelExecution(t.Context(), id, plain))
	if ex := w.ended(id); ex.State != ipaas.ExecutionCanceled {
		t.Errorf("it ended %s", ex.State)
	}
	steps := w.steps(id)
	if len(steps) != 3 || steps[1].State != ipaas.StepSucceeded || steps[2].State != ipaas.StepFailed || steps[2].Error != "the run was canceled" {
		t.Errorf("recorded is %+v", steps)
	}
}

// amnesiac is a store that forgets what was computed before a step.
type amnesiac struct{ storage.Store }

func (s amnesiac) RecordProgress(ctx context.Context, executionID string, attempt int, p storage.Progress) error {
	p.Steps = p.Steps[len(p.Steps)-1:]
	return s.Store.RecordProgress(ctx, executionID, attempt, p)
}

func (s amnesiac) CompleteStep(ctx context.Context, attempt int, r ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration, effects ...storage.StepEffects) error {
	for i := range effects {
		if steps := effects[i].Before.Steps; len(steps) > 0 {
			effects[i].Before.Steps = steps[len(steps)-1:]
		}
	}
	return s.Store.CompleteStep(ctx, attempt, r, logs, created, effects...)
}

// oblivious is a store that does not say what comes next of what is recorded.
type oblivious struct{ storage.Store }

func (s oblivious) ListStepResults(ctx context.Context, executionID string, after int64, limit int) ([]ipaas.StepResult, error) {
	if limit == 1 {
		return nil, nil
	}
	return s.Store.ListStepResults(ctx, executionID, after, limit)
}

// endless is a store that forgets how steps ended that did more than compute.
type endless struct{ storage.Store }

func (s endless) CompleteStep(ctx context.Context, attempt int, r ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration, effects ...storage.StepEffects) error {
	return nil
}

// TestARecordWithAGapEndsTheExecution lets a store forget steps, and the plane go on with what is left.
func TestARecordWithAGapEndsTheExecution(t *testing.T) {
	t.Parallel()
	think := step("Think", "probe.wait", inputs{"value": lit("gate")})
	for _, tt := range []struct {
		name    string
		forgets func(storage.Store) storage.Store
		steps   []ipaas.Step
		says    string
	}{
		{
			"what_was_computed",
			func(s storage.Store) storage.Store { return amnesiac{s} },
			[]ipaas.Step{compute("A"), think},
			`of step "trigger" the end is missing, and step "think"`,
		},
		{
			"before_what_has_ended",
			func(s storage.Store) storage.Store { return amnesiac{s} },
			[]ipaas.Step{compute("A"), note("Post", lit("1")), think},
			`of step "trigger" the end is missing, and step "post"`,
		},
		{
			"how_a_step_ended",
			func(s storage.Store) storage.Store { return endless{s} },
			[]ipaas.Step{compute("A"), note("Post", lit("1")), think},
			`of step "post" the end is missing, and step "think"`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{hookFlow("On Event", tt.steps...)}}, nil)
			w.stop()
			w.wrap = tt.forgets
			w.start()
			id := w.accepted(urls["On Event"], `{}`)
			<-w.probe.gate("gate").reached
			before := w.probe.notes()
			w.stop()
			w.wrap = nil
			w.start()
			ex := w.ended(id)
			if ex.State != ipaas.ExecutionFailed || ex.Error.Reason != ipaas.ExecutionFault || !strings.Contains(ex.Error.Message, tt.says) ||
				!strings.Contains(ex.Error.Message, "replay it") {
				t.Errorf("it is %s in attempt %d: %+v", ex.State, ex.Attempts, ex.Error)
			}
			if after := w.probe.notes(); len(after) != len(before) {
				t.Errorf("before %v was noted, and in the end %v", before, after)
			}
			w.probe.gate("gate").pass()
			again := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), id, control.ReplayOptions{}, plain))
			w.succeeded(again.ID)
		})
	}
}

// computing is a flow that computes what is another thing each time, and sends it.
func computing() ipaas.Flow {
	id := func(name string) ipaas.Step { return step(name, "uuid.generateUUID", inputs{"version": lit("v7")}) }
	send := func(name, text string) ipaas.Step { return step(name, "probe.send", inputs{"value": tmpl(text)}) }
	choose := step("Choose", "branch.branchOnValue", inputs{
		"inputValue": ref("each.index"), "branchValueMappings": {Kind: ipaas.InputComplex, Items: []ipaas.Input{{Name: "First", Kind: ipaas.InputValue, Text: "0"}}},
	})
	choose.Branches = []ipaas.Branch{
		{Name: "First", Steps: []ipaas.Step{send("Send First", "first {{$each.index}}={{$innerId.results}}")}},
		{Name: "Else", Steps: []ipaas.Step{id("Other Id"), send("Send Other", "other {{$each.index}}={{$innerId.results}} {{$otherId.results}}")}},
	}
	return hookFlow("On Event",
		id("Id"), ignored(wrong("Wrong")), step("Fresh", "process-data.deDuplicate", inputs{"dataInput": {Kind: ipaas.InputJSON, Text: "[1,2]"}}),
		twice("Each", id("Inner Id"), choose),
		retried(wrong("Wrong Again"), 1),
	)
}

// TestKilledAtAnyMomentNothingIsSentOfWhatWasForgotten kills at each write, before and after: what was computed may be computed anew, and
// become another thing, only as long as nothing was done with it.
func TestKilledAtAnyMomentNothingIsSentOfWhatWasForgotten(t *testing.T) {
	t.Parallel()
	moments, wrong := playComputing(t, 0, nil)
	if wrong != "" || len(moments) < 14 {
		t.Fatalf("of the moments %v none was cut, and %s", moments, wrong)
	}
	for i := range moments {
		if i%strideOfMoments() != 0 {
			continue
		}
		t.Run(fmt.Sprintf("%d %s", i+1, moments[i]), func(t *testing.T) {
			t.Parallel()
			if _, wrong := playComputing(t, i+1, nil); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

// TestAStoreThatForgetsWhatWasComputedIsSeen shows that the test above can fail: by a store that does not show, either, that something is missing.
func TestAStoreThatForgetsWhatWasComputedIsSeen(t *testing.T) {
	t.Parallel()
	forgets := func(s storage.Store) storage.Store { return oblivious{amnesiac{s}} }
	moments, _ := playComputing(t, 0, forgets)
	at := slices.Index(moments, "before CompleteStep each[0].send-first") + 1
	if _, wrong := playComputing(t, at, forgets); at == 0 || !strings.Contains(wrong, "first 0 was sent as 2 different things") {
		t.Errorf("killed at moment %d of %v, what was computed was forgotten, and only this was wrong: %q", at, moments, wrong)
	}
}

// playComputing runs the flow, lets the plane die at a moment, counted from 1, and another one take over; 0 lets it live. It returns the
// moments that were passed and what is wrong in the end; "": nothing.
func playComputing(t *testing.T, at int, inner func(storage.Store) storage.Store) (moments []string, wrong string) {
	t.Helper()
	w := newWorld(t, control.Limits{MaxCrashes: 9})
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{computing()}}, nil)
	w.stop()
	cut := newCutter(at)
	w.wrap = func(s storage.Store) storage.Store {
		if inner != nil {
			s = inner(s)
		}
		return &stops{cutStore{Store: s, cut: cut}}
	}
	w.start()
	id := w.accepted(urls["On Event"], `{}`)
	if at > 0 {
		<-cut.dead
		w.stop()
		w.wrap = inner
		w.start()
	}
	w.ended(id)
	sent := w.probe.sentTo()
	for _, what := range []string{"first 0", "other 1"} {
		requests := sent[what]
		slices.Sort(requests)
		if n := len(slices.Compact(requests)); n != 1 {
			wrong += fmt.Sprintf("%s was sent as %d different things: %v\n", what, n, sent[what])
		}
	}
	if last := w.stepOf(id, "fresh"); last.Result != "[1,2]" {
		wrong += "what was taken for new is " + last.Result
	}
	cut.mu.Lock()
	defer cut.mu.Unlock()
	return slices.Clone(cut.passed), wrong
}
