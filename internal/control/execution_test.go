package control_test

import (
	"context"
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

// slow is a flow that waits at a gate.
func slow() ipaas.Definition {
	return ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{
		hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}), note("After", lit("after"))),
	}}
}

func TestCanceledExecutionStopsInTheStepItIsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.deployed("cancel", slow(), nil)["Slow"]
	id := w.accepted(hook, `{}`)
	<-w.probe.gate("gate").reached
	m := as("CancelExecution", "r-1", "h")
	ex := must[ipaas.Execution](t)(w.CancelExecution(t.Context(), id, m))
	if ex.State != ipaas.ExecutionCanceled {
		t.Errorf("it is %s: %+v", ex.State, ex.Error)
	}
	if again := must[ipaas.Execution](t)(w.CancelExecution(t.Context(), id, m)); again.State != ipaas.ExecutionCanceled {
		t.Errorf("the same request is answered %+v", again)
	}
	_, err := w.CancelExecution(t.Context(), id, plain)
	refused(t, err, ipaas.ReasonExecutionEnded)
	steps := w.steps(id)
	if len(steps) != 2 || steps[1].State != ipaas.StepFailed || len(w.probe.notes()) > 0 {
		t.Errorf("steps are %+v", steps)
	}
}

func TestCheckedCancellationChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.deployed("check", slow(), nil)["Slow"]
	id := w.accepted(hook, `{}`)
	<-w.probe.gate("gate").reached
	m := plain
	m.ValidateOnly = true
	must[ipaas.Execution](t)(w.CancelExecution(t.Context(), id, m))
	w.probe.gate("gate").pass()
	w.succeeded(id)
	_, err := w.CancelExecution(t.Context(), id, m)
	refused(t, err, ipaas.ReasonExecutionEnded)
}

func TestCancellationOutlivesACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.deployed("persist", slow(), nil)["Slow"]
	id := w.accepted(hook, `{}`)
	<-w.probe.gate("gate").reached
	must[ipaas.Execution](t)(w.store.CancelExecution(t.Context(), id, time.Now(), storage.Write{})) // and the server dies before it acts
	twin := w.crashCopy()
	twin.start()
	if ex := twin.ended(id); ex.State != ipaas.ExecutionCanceled || ex.Attempts != 1 {
		t.Errorf("it is %s in attempt %d", ex.State, ex.Attempts)
	}
	w.probe.gate("gate").pass()
}

func TestExecutionThatKeepsKillingTheServerIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{MaxCrashes: 3})
	hook := w.deployed("poison", slow(), nil)["Slow"]
	id := w.accepted(hook, `{}`)
	<-w.probe.gate("gate").reached
	twin := w
	for crash := 1; crash <= 3; crash++ {
		before := twin
		twin = twin.crashCopy()
		before.probe.gate("gate").pass()
		twin.start()
		if crash < 3 {
			<-twin.probe.gate("gate").reached
		}
	}
	ex := twin.ended(id)
	if ex.State != ipaas.ExecutionDeadLetter || ex.Error.Reason != ipaas.ExecutionCrashed || ex.Crashes != 3 || ex.Attempts != 3 {
		t.Errorf("it is %s: %+v", ex.State, ex)
	}
	twin.probe.gate("gate").pass()
	twin.succeeded(twin.accepted(hook, `{}`)) // others are not concerned
	again := must[ipaas.Execution](t)(twin.ReplayExecution(t.Context(), id, control.ReplayOptions{}, plain))
	twin.succeeded(again.ID)
}

func TestStopsInGoodOrderAreNoCrashes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{MaxCrashes: 2})
	hook := w.deployed("stops", slow(), nil)["Slow"]
	id := w.accepted(hook, `{}`)
	<-w.probe.gate("gate").reached
	for range 4 {
		w.restart()
		<-w.probe.gate("gate").reached
	}
	w.probe.gate("gate").pass()
	if ex := w.succeeded(id); ex.Attempts != 5 || ex.Crashes != 0 {
		t.Errorf("it is %+v", ex)
	}
}

func TestFaultOfOursCostsOneExecution(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Fault", Flows: []ipaas.Flow{
		hookFlow("Fault", step("Faulty", "probe.faulty", nil)), hookFlow("Sound", note("Note", lit(1))),
	}}
	urls := w.deployed("fault", def, nil)
	ex := w.ended(w.accepted(urls["Fault"], `{}`))
	if ex.State != ipaas.ExecutionFailed || ex.Error.Reason != ipaas.ExecutionFault {
		t.Errorf("it is %s: %+v", ex.State, ex.Error)
	}
	w.succeeded(w.accepted(urls["Sound"], `{}`))
}

func TestClockThatIsMovedTakesNoRunAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.deployed("clock", slow(), nil)["Slow"]
	id := w.accepted(hook, `{}`)
	<-w.probe.gate("gate").reached
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 10 * 365 * 24 * time.Hour} {
		w.ahead.Store(int64(jump))
		w.Expire(t.Context())
		if ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)); ex.State != ipaas.ExecutionRunning || ex.Attempts != 1 {
			t.Errorf("the clock is moved by %s, and it is %s in attempt %d", jump, ex.State, ex.Attempts)
		}
	}
	w.probe.gate("gate").pass()
	if ex := w.succeeded(id); ex.Attempts != 1 || ex.Crashes != 0 {
		t.Errorf("it took %+v", ex)
	}
	w.succeeded(w.accepted(hook, `{}`))
}

// An attempt that slept longer than its lease does not know that another one has taken over (F6): what it does then is refused.
func TestSupersededAttemptChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.deployed("stale", slow(), nil)["Slow"]
	id := w.accepted(hook, `{}`)
	<-w.probe.gate("gate").reached
	must[storage.Recovered](t)(w.store.RecoverExecutions(t.Context(), time.Now().Add(time.Hour), storage.Recovery{MaxCrashes: 3}))
	<-w.probe.gate("gate").reached // the second attempt, beside the first
	w.probe.gate("gate").pass()
	if ex := w.succeeded(id); ex.Attempts != 2 || ex.Crashes != 1 {
		t.Errorf("it is %+v", ex)
	}
	w.eventually("the first attempt has learned that it was superseded", func() bool {
		return strings.Contains(w.logs.String(), "not RUNNING in attempt 1")
	})
	if diff := cmp.Diff([]string{`"after"`}, w.probe.notes()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestReplayFromTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Replay", Flows: []ipaas.Flow{hookFlow("Replay",
		note("Note", ref("trigger.results.body.data.n")), step("Flaky", "probe.flaky", inputs{"value": lit("x")}))}}
	hook := w.deployed("replay", def, nil)["Replay"]
	w.probe.fail("x", 1)
	old := w.ended(w.accepted(hook, `{"n":7}`))
	m := as("ReplayExecution", "r-1", "h")
	ex := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), old.ID, control.ReplayOptions{}, m))
	if same := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), old.ID, control.ReplayOptions{}, m)); same.ID != ex.ID {
		t.Errorf("the same request made %s and %s", ex.ID, same.ID)
	}
	if ex := w.succeeded(ex.ID); ex.ReplayOf != old.ID || ex.OriginID != old.ID {
		t.Errorf("it is %+v", ex)
	}
	fresh := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), ex.ID, control.ReplayOptions{FreshKeys: true}, plain))
	if ex := w.succeeded(fresh.ID); ex.OriginID != fresh.ID {
		t.Errorf("with fresh keys it is of %s", ex.OriginID)
	}
	if keys := w.probe.sent("x"); len(keys) != 3 || keys[0] != keys[1] || keys[0] == keys[2] {
		t.Errorf("the keys are %v", keys)
	}
	if diff := cmp.Diff([]string{"7", "7", "7"}, w.probe.notes()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestReplayFromAStepTakesOverWhatCameBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	loop := step("Rounds", "loop.loopOverItems", inputs{"items": ref("trigger.results.body.data.items")})
	loop.Steps = []ipaas.Step{note("Round", ref("rounds.currentItem"))}
	def := ipaas.Definition{
		DisplayName: "Replay", ConfigVariables: []ipaas.ConfigVariable{{DisplayName: "Token", Secret: true}},
		Flows: []ipaas.Flow{hookFlow("Replay",
			note("Secret", cfg("Token")), loop, step("Flaky", "probe.flaky", inputs{"value": lit("x")}),
			note("Exact", tmpl("{{$secret.results}} {{$rounds.results}}")))},
	}
	hook := w.deployed("step", def, map[string]string{"Token": `"hush-hush"`})["Replay"]
	w.probe.fail("x", 1)
	old := w.ended(w.accepted(hook, `{"items":["a","b"]}`))
	before := w.probe.notes()
	for name, o := range map[string]control.ReplayOptions{"failed": {FromFailed: true}, "named": {FromStep: "flaky"}} {
		ex := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), old.ID, o, plain))
		if ex := w.succeeded(ex.ID); ex.Generation != old.Generation || ex.ReplayOf != old.ID {
			t.Errorf("%s: it is %+v", name, ex)
		}
		steps := w.steps(ex.ID)
		if len(steps) != 7 { // the trigger, four steps, one in each of two rounds
			t.Errorf("%s: %d steps", name, len(steps))
		}
	}
	want := slices.Concat(before, []string{`"hush-hush [\"a\",\"b\"]"`, `"hush-hush [\"a\",\"b\"]"`})
	if diff := cmp.Diff(want, w.probe.notes()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if keys := w.probe.sent("x"); len(slices.Compact(slices.Clone(keys))) != 1 {
		t.Errorf("the keys are %v", keys)
	}
	for from, reason := range map[string]ipaas.Reason{"rounds[1].round": ipaas.ReasonMisplaced, "nowhere": ipaas.ReasonUnknownStep} {
		_, err := w.ReplayExecution(t.Context(), old.ID, control.ReplayOptions{FromStep: from}, plain)
		if v := violationsOf(err); len(v) != 1 || v[0].Reason != reason {
			t.Errorf("from %s: %v", from, err)
		}
	}
}

func TestWhatIsNoEventIsNotReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("tests", tutorial(), w.erpConfig())
	deploy := w.executions("invoke_type", string(ipaas.InvokeInstanceDeploy))[0]
	_, err := w.ReplayExecution(t.Context(), deploy.ID, control.ReplayOptions{}, plain)
	refused(t, err, ipaas.ReasonNotReplayable)
	_, err = w.ReplayExecution(t.Context(), "nothing", control.ReplayOptions{}, plain)
	refused(t, err, ipaas.ReasonNotFound)
}

func TestBulkReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Bulk", Flows: []ipaas.Flow{hookFlow("Bulk", step("Flaky", "probe.flaky", inputs{"value": lit("x")}))}}
	hook := w.deployed("bulk", def, nil)["Bulk"]
	w.probe.fail("x", 5)
	var failed []string
	for range 5 {
		id := w.accepted(hook, `{}`)
		w.ended(id)
		failed = append(failed, id)
	}
	w.succeeded(w.accepted(hook, `{}`))
	filter := &storage.Filter{Field: "state", Operator: storage.Equal, Value: string(ipaas.ExecutionFailed)}
	check := plain
	check.ValidateOnly = true
	if would := must[control.Replayed](t)(w.ReplayExecutions(t.Context(), filter, 100, control.ReplayOptions{}, check)); would.Count != 5 || would.More || len(would.Executions) > 0 {
		t.Errorf("checked, it would be %+v", would)
	}
	m := as("ReplayExecutions", "r-1", "h")
	first := must[control.Replayed](t)(w.ReplayExecutions(t.Context(), filter, 3, control.ReplayOptions{FromFailed: true}, m))
	if first.Count != 3 || !first.More {
		t.Errorf("the first three are %+v", first)
	}
	for i, ex := range first.Executions {
		if ex.ReplayOf != failed[i] {
			t.Errorf("the replay %d is of %s, want %s", i, ex.ReplayOf, failed[i])
		}
		w.succeeded(ex.ID)
	}
	if again := must[control.Replayed](t)(w.ReplayExecutions(t.Context(), filter, 3, control.ReplayOptions{FromFailed: true}, m)); !cmp.Equal(first, again) {
		t.Errorf("the same request is answered (-first +again):\n%s", cmp.Diff(first, again))
	}
	rest := must[control.Replayed](t)(w.ReplayExecutions(t.Context(), filter, 3, control.ReplayOptions{}, plain))
	if rest.Count != 2 || rest.More {
		t.Errorf("the rest is %+v", rest)
	}
	for _, ex := range rest.Executions {
		w.succeeded(ex.ID)
	}
	if none := must[control.Replayed](t)(w.ReplayExecutions(t.Context(), filter, 3, control.ReplayOptions{}, plain)); none.Count != 0 {
		t.Errorf("once more it is %+v", none)
	}
	if n := len(w.probe.sent("x")); n != 11 {
		t.Errorf("the step ran %d times, want 11", n)
	}
}

// unhurried is a store whose claims take their time to be known to who claimed.
type unhurried struct {
	storage.Store
	claimed chan string
	known   chan struct{}
}

func (s *unhurried) ClaimExecutions(ctx context.Context, now, lease time.Time, most int, w storage.Workers) ([]ipaas.Execution, error) {
	claimed, err := s.Store.ClaimExecutions(ctx, now, lease, most, w)
	if len(claimed) > 0 {
		s.claimed <- claimed[0].ID
		<-s.known
	}
	return claimed, err
}

// unhurried gives a world an unhurried store. It returns the executions that are claimed, which are known once they are released.
func (w *world) unhurried() (claimed <-chan string, release func()) {
	w.stop()
	s := &unhurried{claimed: make(chan string, 1), known: make(chan struct{})}
	w.wrap = func(inner storage.Store) storage.Store {
		s.Store = inner
		return s
	}
	w.start()
	release = sync.OnceFunc(func() { close(s.known) })
	w.t.Cleanup(release)
	return s.claimed, release
}

func TestExecutionIsCanceledThatWasOnlyJustClaimed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Held", Flows: []ipaas.Flow{
		hookFlow("Held", step("Hold", "probe.wait", inputs{"value": lit("never")}), note("Note", lit("it ran"))),
	}}
	hook := w.deployed("just", def, nil)["Held"]
	claimed, release := w.unhurried()
	id := w.accepted(hook, `{}`)
	<-claimed
	canceled := make(chan error, 1)
	go func() {
		_, err := w.CancelExecution(t.Context(), id, plain)
		canceled <- err
	}()
	w.eventually("it is marked", func() bool {
		return must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)).Canceling
	})
	w.eventually("it is looked for to be cut", w.Cutting)
	release()
	if err := <-canceled; err != nil {
		t.Error(err)
	}
	if ex := w.ended(id); ex.State != ipaas.ExecutionCanceled || len(w.probe.notes()) > 0 {
		t.Errorf("it is %s, and did %v", ex.State, w.probe.notes())
	}
}

func TestWhatADeploymentStartedIsCutThoughItWasOnlyJustClaimed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("fill", ipaas.Definition{DisplayName: "Fill", Flows: []ipaas.Flow{
		deployFlow("Init", invoke("Fill One", lit("Fill"), lit("one")), step("Hold", "probe.wait", inputs{"value": lit("init")}),
			step("Fail", "probe.fail", inputs{"value": lit("no")})),
		crossFlow("Fill", step("Hold", "probe.wait", inputs{"value": lit("never")}), note("Note", lit("it ran"))),
	}})
	w.instance("fill", "fill", nil)
	claimed, release := w.unhurried()
	failed := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "fill", 0, plain)
		failed <- err
	}()
	id := <-claimed
	w.probe.gate("init").pass()
	w.eventually("it is marked", func() bool {
		return must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)).Canceling
	})
	w.eventually("it is looked for to be cut", w.Cutting)
	release()
	refused(t, <-failed, ipaas.ReasonInitFlowFailed)
	if ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)); ex.State != ipaas.ExecutionCanceled || len(w.probe.notes()) > 0 {
		t.Errorf("when the deployment has ended it is %s, and did %v", ex.State, w.probe.notes())
	}
}
