package control_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/value"
)

func TestEverythingIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("stay", tutorial(), w.erpConfig())
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "stay", "", plain))
	held := w.accepted(urls["Customers"], `{"held":true}`)
	before := w.dump()
	w.restart()
	if after := w.dump(); after != before {
		t.Errorf("a restart changed what is stored:\n%s", cmp.Diff(before, after))
	}
	in := must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), "stay", plain))
	w.succeeded(held)
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	for _, f := range view.Flows {
		if f.URL != urls[f.DisplayName] {
			t.Errorf("flow %s has URL %s, had %s", f.DisplayName, f.URL, urls[f.DisplayName])
		}
	}
	w.deploy("stay")
	if len(w.erp.Ledger()) != 2 {
		t.Errorf("the ERP was made to do %v", ledger(w.erp))
	}
}

// stepwise is a flow with a loop, of which the step in the second round waits.
func stepwise() ipaas.Definition {
	loop := step("Rounds", "loop.loopOverItems", inputs{"items": ref("trigger.results.body.data.items")})
	loop.Steps = []ipaas.Step{
		note("Before", ref("rounds.currentItem")),
		step("Wait", "probe.wait", inputs{"value": ref("rounds.currentItem")}),
		note("After", tmpl("{{$rounds.currentItem}} {{#Token}}")),
	}
	return ipaas.Definition{
		DisplayName:     "Stepwise",
		ConfigVariables: []ipaas.ConfigVariable{{DisplayName: "Token", Secret: true}},
		Flows: []ipaas.Flow{hookFlow("Steps",
			note("Secret", cfg("Token")), loop, note("Result", ref("rounds.results")), note("Exact", ref("secret.results")),
		)},
	}
}

func TestInterruptedExecutionGoesOnAfterItsLastStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("resume", stepwise(), map[string]string{"Token": `"hush-hush"`})
	w.probe.gate("a").pass()
	id := w.accepted(urls["Steps"], `{"items":["a","b"]}`)
	<-w.probe.gate("b").reached
	first := []string{`"hush-hush"`, `"a"`, `"a hush-hush"`, `"b"`}
	if diff := cmp.Diff(first, w.probe.notes()); diff != "" {
		t.Fatalf("before (-want +got):\n%s", diff)
	}
	kill := w.crashCopy()
	w.stop() // in good order: the run is interrupted, and nothing is recorded of the step it was in
	for name, again := range map[string]*world{"restart": w, "crash": kill} {
		again.start()
		<-again.probe.gate("b").reached
		again.probe.gate("b").pass()
		ex := again.succeeded(id)
		if ex.Attempts != 2 {
			t.Errorf("%s: %d attempts", name, ex.Attempts)
		}
		rest := []string{`"b hush-hush"`, `["a hush-hush","b hush-hush"]`, `"hush-hush"`}
		want := rest
		if again == w {
			want = slices.Concat(first, rest)
		}
		if diff := cmp.Diff(want, again.probe.notes()); diff != "" {
			t.Errorf("%s: ran (-want +got):\n%s", name, diff)
		}
		steps := must[[]ipaas.StepResult](t)(again.StepResults(t.Context(), id, 0, 100))
		if len(steps) != 11 { // the trigger, four steps, three in each of two rounds
			t.Errorf("%s: %d steps", name, len(steps))
		}
	}
}

func TestInlineExecutionLeftByACrashIsFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{syncFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}
	urls := w.deployed("inline", def, nil)
	ended := make(chan error, 1)
	go func() {
		_, err := w.receive(urls["Slow"], `{}`)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	twin := w.crashCopy()
	twin.start()
	ex := twin.ended(twin.executions("instance_id", "inline")[0].ID)
	if ex.State != ipaas.ExecutionFailed || ex.Error.Reason != ipaas.ExecutionInterrupted {
		t.Errorf("it is %s: %+v", ex.State, ex.Error)
	}
	if late := time.Until(ex.EndTime); late > time.Minute {
		t.Errorf("it ended %v from now", late)
	}
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLeaseIsHeldAsLongAsItTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{Lease: 60 * time.Millisecond})
	def := ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}
	urls := w.deployed("lease", def, nil)
	id := w.accepted(urls["Slow"], `{}`)
	<-w.probe.gate("gate").reached
	first := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)).LeaseTime
	w.eventually("the lease was extended", func() bool {
		return must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)).LeaseTime.After(first.Add(60 * time.Millisecond))
	})
	w.probe.gate("gate").pass()
	if ex := w.succeeded(id); ex.Attempts != 1 {
		t.Errorf("it took %d attempts", ex.Attempts)
	}
}

func TestLostLeaseStopsARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{Lease: 60 * time.Millisecond})
	def := ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}
	urls := w.deployed("lost", def, nil)
	id := w.accepted(urls["Slow"], `{}`)
	<-w.probe.gate("gate").reached
	// Someone else takes the execution over, as when this machine had slept.
	if _, err := w.store.RecoverExecutions(t.Context(), time.Now().Add(time.Hour), storage.Recovery{}); err != nil {
		t.Fatal(err)
	}
	<-w.probe.gate("gate").reached // the worker takes it again
	w.probe.gate("gate").pass()
	if ex := w.succeeded(id); ex.Attempts != 2 {
		t.Errorf("it took %d attempts", ex.Attempts)
	}
}

func TestExecutionThatTakesTooLongFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{ExecutionTimeout: 100 * time.Millisecond})
	def := ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}
	urls := w.deployed("limit", def, nil)
	if ex := w.ended(w.accepted(urls["Slow"], `{}`)); ex.State != ipaas.ExecutionFailed || ex.Error.Reason != ipaas.ExecutionTimeout {
		t.Errorf("it is %s: %+v", ex.State, ex.Error)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	w.stop()
	if err := w.Ready(t.Context()); !errors.Is(err, ipaas.Unavailable) {
		t.Errorf("after the stop: %v", err)
	}
}

// line is a tail event in short.
func line(e control.TailEvent) string {
	switch {
	case e.Execution != nil:
		return "execution " + string(e.Execution.State)
	case e.Step != nil:
		return "step " + e.Step.Path + " " + string(e.Step.State)
	default:
		return "log " + e.Log.Message
	}
}

func TestTailTellsEverythingOnceAndInOrderAndEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	loop := step("Rounds", "loop.loopNTimes", inputs{"iterationCount": num("250")})
	loop.Steps = []ipaas.Step{step("Log", "log.writeLog", inputs{"message": tmpl("round {{$rounds.index}}")})}
	def := ipaas.Definition{DisplayName: "Tail", Flows: []ipaas.Flow{hookFlow("Tail", step("Wait", "probe.wait", inputs{"value": lit("gate")}), loop)}}
	urls := w.deployed("tail", def, nil)
	id := w.accepted(urls["Tail"], `{}`)
	<-w.probe.gate("gate").reached
	var live []string
	pass := func() { w.probe.gate("gate").pass() }
	err := w.Tail(t.Context(), id, func(e control.TailEvent) error {
		live = append(live, line(e))
		if line(e) == "step wait RUNNING" {
			pass()
		}
		if len(live)%50 == 0 {
			time.Sleep(20 * time.Millisecond) // a slow listener
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if live[0] != "execution RUNNING" || live[1] != "step trigger SUCCEEDED" || live[len(live)-1] != "execution SUCCEEDED" {
		t.Errorf("it begins %v and ends %v", live[:3], live[len(live)-3:])
	}
	seen := map[string]int{}
	round := 0
	for _, l := range live {
		seen[l]++
		if strings.HasPrefix(l, "log ") {
			if l != fmt.Sprintf("log round %d", round) {
				t.Fatalf("line %d is %q", round, l)
			}
			round++
		}
	}
	if round != 250 {
		t.Errorf("%d lines, want 250", round)
	}
	for i := range 250 {
		if n := seen[fmt.Sprintf("step rounds[%d].log SUCCEEDED", i)]; n != 1 {
			t.Errorf("round %d was told %d times", i, n)
		}
	}
	for l, n := range seen {
		if n != 1 {
			t.Errorf("%q was told %d times", l, n)
		}
	}

	var after []string
	if err := w.Tail(t.Context(), id, func(e control.TailEvent) error {
		after = append(after, line(e))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := 1 + 1 + 1 + 250 + 250 + 1; len(after) != want || after[len(after)-1] != "execution SUCCEEDED" { // trigger, wait, loop, rounds, lines, the end
		t.Errorf("a tail after the end tells %d events, want %d", len(after), want)
	}
}

func TestTailEndsWithItsListenerAndWithTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}
	urls := w.deployed("ends", def, nil)
	id := w.accepted(urls["Slow"], `{}`)
	<-w.probe.gate("gate").reached
	ctx, cancel := context.WithCancel(t.Context())
	if err := w.Tail(ctx, id, func(control.TailEvent) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a listener that leaves gets %v", err)
	}
	own := errors.New("own")
	if err := w.Tail(t.Context(), id, func(control.TailEvent) error { return own }); !errors.Is(err, own) {
		t.Errorf("a listener that fails gets %v", err)
	}
	if err := w.Tail(t.Context(), "nothing", nil); !errors.Is(err, ipaas.NotFound) {
		t.Errorf("an unknown execution gives %v", err)
	}
	listening := make(chan struct{}, 10)
	ended := make(chan error, 1)
	go func() {
		ended <- w.Tail(t.Context(), id, func(control.TailEvent) error {
			listening <- struct{}{}
			return nil
		})
	}()
	<-listening
	w.stop()
	if err := <-ended; !errors.Is(err, ipaas.Unavailable) {
		t.Errorf("when the server stops it gets %v", err)
	}
}

func TestTailShowsURLs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "URL", Flows: []ipaas.Flow{hookFlow("URL",
		step("Log", "log.writeLog", inputs{"message": tmpl("at {{$trigger.results.invokeUrl}}")}), note("Note", ref("trigger.results.invokeUrl")))}}
	urls := w.deployed("shown", def, nil)
	id := w.accepted(urls["URL"], `{}`)
	w.succeeded(id)
	var logs, results []string
	var result string
	if err := w.Tail(t.Context(), id, func(e control.TailEvent) error {
		switch {
		case e.Log != nil:
			logs = append(logs, e.Log.Message)
		case e.Step != nil:
			results = append(results, e.Step.Result)
		case e.Execution != nil:
			result = e.Execution.Result
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	quoted := string(value.JSON(urls["URL"]))
	if len(logs) != 1 || logs[0] != "at "+urls["URL"] || results[len(results)-1] != quoted || result != quoted {
		t.Errorf("the tail tells %q, %q and %q", logs, results[1:], result)
	}
}
