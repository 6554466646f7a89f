package control_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// invoke is a step that starts a flow with data.
func invoke(name string, flow, data ipaas.Input) ipaas.Step {
	return step(name, "cross-flow.invokeFlow", inputs{"flowName": flow, "data": data})
}

func crossFlow(name string, steps ...ipaas.Step) ipaas.Flow {
	return ipaas.Flow{DisplayName: name, Steps: steps, Trigger: ipaas.Trigger{Type: "cross-flow.crossFlow"}}
}

func recursiveFlow(name string, in inputs, steps ...ipaas.Step) ipaas.Flow {
	return ipaas.Flow{DisplayName: name, Steps: steps, Trigger: ipaas.Trigger{Type: ipaas.TriggerRecursive, Inputs: in}}
}

// startedBy waits for the one execution that another one started, and for its end.
func (w *world) startedBy(id string) ipaas.Execution {
	w.t.Helper()
	return w.ended(w.onlyNext(id).ID)
}

// failedWith waits for the end of an execution, which must fail with words.
func (w *world) failedWith(id string, words ...string) {
	w.t.Helper()
	ex := w.ended(id)
	for _, s := range words {
		if ex.State != ipaas.ExecutionFailed || ex.Error == nil || !strings.Contains(ex.Error.Message, s) {
			w.t.Errorf("execution %s is %s: %+v, want an error with %q", id, ex.State, ex.Error, s)
		}
	}
}

func TestAFlowStartsAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := ipaas.ConfigVariable{DisplayName: "Key", Secret: true}
	urls := w.deployed("cross", ipaas.Definition{DisplayName: "Cross", ConfigVariables: []ipaas.ConfigVariable{secret}, Flows: []ipaas.Flow{
		hookFlow("First", invoke("Start", ref("trigger.results.body.data.flow"), tmpl(`{{#Key}} for {{$trigger.results.body.data.n}}`)), note("Note", ref("start.results.executionId"))),
		crossFlow("Second", note("Note", ref("trigger.results"))),
	}}, map[string]string{"Key": `"canary-given-secret"`})
	for _, name := range []string{"Second", "second"} {
		id := w.accepted(urls["First"], fmt.Sprintf(`{"flow":%q,"n":7}`, name))
		second := w.startedBy(id)
		if second.State != ipaas.ExecutionSucceeded || second.FlowID != "second" || second.Invoke != ipaas.InvokeCrossFlow || second.RootID != id || second.Depth != 1 ||
			second.CustomerID != "cust-cross" || second.Generation != 1 {
			t.Errorf("the second is %+v", second)
		}
		w.succeeded(id)
		results := w.steps(id)
		if want := fmt.Sprintf(`{"executionId":%q}`, second.ID); results[1].Result != want {
			t.Errorf("the step gave %s, want %s", results[1].Result, want)
		}
	}
	notes := strings.Join(w.probe.notes(), "\n")
	for _, want := range []string{`"body":{"data":"canary-given-secret for 7"}`, `"headers":{}`, `"rawBody":{"data":null}`, `"method":""`, `"invokeUrl":""`} {
		if !strings.Contains(notes, want) {
			t.Errorf("the second flow saw %s, want %s in it", notes, want)
		}
	}
	if dump := w.dump(); strings.Contains(dump, "canary-given-secret") {
		t.Error("the secret that was passed on is stored in clear")
	}
	w.failedWith(w.accepted(urls["First"], `{"flow":"Secnd"}`), `there is no flow "Secnd" to start: did you mean "Second"?`)
	w.failedWith(w.accepted(urls["First"], `{"flow":""}`), `flowName`)
}

func TestFlowsThatDoNotExistAreProblems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in, _, err := w.ImportIntegration(t.Context(), "cross", ipaas.Definition{DisplayName: "Cross", Flows: []ipaas.Flow{
		hookFlow("First", invoke("Start", lit("Secnd"), lit(1)), step("Start Old", "cross-flow.triggerFlow", inputs{"flowName": lit("second")})),
		crossFlow("Second", note("Note", lit(1))),
	}}, plain)
	if err != nil {
		t.Fatal(err)
	}
	problems := must[[]ipaas.Violation](t)(w.Problems(t.Context(), &in.Draft))
	want := []ipaas.Violation{{
		Field: "flows[0].steps[0].inputs.flowName", Reason: ipaas.ReasonUnknownFlow, Description: `there is no flow "Secnd" to start: did you mean "Second"?`,
	}}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestFlowsThatStartEachOtherInACircleEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("circle", ipaas.Definition{DisplayName: "Circle", Flows: []ipaas.Flow{
		hookFlow("Tick", invoke("Start", lit("Tock"), lit(1))), crossFlow("Tock", invoke("Start", lit("Tick"), lit(1))),
	}}, nil)
	id := w.accepted(urls["Tick"], `{}`)
	var failed []ipaas.Execution
	w.eventually("the line ends", func() bool {
		failed = w.executions("state", string(ipaas.ExecutionFailed))
		return len(failed) > 0
	})
	if ex := failed[0]; len(failed) != 1 || ex.Depth != ipaas.MaxInvocationDepth || ex.RootID != id {
		t.Errorf("%d failed: %+v", len(failed), failed)
	}
	w.failedWith(failed[0].ID, "would stand 101 calls behind execution "+id, "find out whether flows start each other in a circle")
}

func TestARecursiveFlowGoesOnAtItsCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("pages", ipaas.Definition{DisplayName: "Pages", Flows: []ipaas.Flow{
		recursiveFlow("Pages", inputs{"defaultCursor": lit("a")},
			step("Cursor", "recursive-flow.getCursor", nil), note("Note", ref("cursor.results")),
			step("Set", "recursive-flow.setCursor", inputs{"cursor": tmpl("{{$cursor.results}}a")}),
			step("Set Cursor", "recursive-flow.getCursor", nil), note("Note Set", ref("setCursor.results")),
			step("Next", "recursive-flow.invokeRecursive", nil), step("Once More", "recursive-flow.invokeRecursive", nil),
			step("Wait", "probe.wait", inputs{"value": ref("cursor.results")}),
		),
	}}, nil)
	id := w.accepted(urls["Pages"], `{}`)
	line := []string{id}
	for n := range 4 {
		cursor := strings.Repeat("a", n+1)
		<-w.probe.gate(cursor).reached
		if n == 3 {
			must[ipaas.Execution](t)(w.CancelExecution(t.Context(), w.onlyNext(line[n]).ID, plain))
		} else {
			w.probe.gate(cursor).pass()
			line = append(line, w.onlyNext(line[n]).ID)
		}
	}
	must[ipaas.Execution](t)(w.CancelExecution(t.Context(), line[3], plain))
	seen := map[string]int{} // the fifth may have begun before it was canceled
	for _, n := range w.probe.notes() {
		if len(n) <= len(`"aaaa"`) {
			seen[n]++
		}
	}
	if diff := cmp.Diff(map[string]int{`"a"`: 1, `"aa"`: 2, `"aaa"`: 2, `"aaaa"`: 2}, seen); diff != "" {
		t.Errorf("cursors, as they were got and set (-want +got):\n%s", diff)
	}
	third := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), line[2]))
	if third.Invoke != ipaas.InvokeRecursive || third.InvokedBy != line[1] || third.RootID != id || third.Depth != 0 {
		t.Errorf("the third is %+v", third)
	}
	steps := w.steps(line[2])
	if !strings.Contains(steps[0].Result, `"body":{"data":{"cursor":"aaa"}}`) {
		t.Errorf("its trigger gave %s", steps[0].Result)
	}
	if steps[6].Result != steps[7].Result || !strings.Contains(steps[6].Result, line[3]) {
		t.Errorf("it was invoked as %s, and once more as %s; want %s", steps[6].Result, steps[7].Result, line[3])
	}
}

func TestALongRecursionSlowsDown(t *testing.T) {
	t.Parallel()
	for round, want := range map[int]time.Duration{0: 0, 1: 0, 999: 0, 1000: time.Second, 1_000_000: time.Second} {
		if got := control.RecursionDelay(round); got != want {
			t.Errorf("after %d the next waits %v, want %v", round, got, want)
		}
	}
}

// onlyNext returns the one execution that another one started.
func (w *world) onlyNext(id string) ipaas.Execution {
	w.t.Helper()
	var found []ipaas.Execution
	w.eventually("execution "+id+" has started the next", func() bool {
		found = w.executions("invoked_by", id)
		return len(found) > 0
	})
	if len(found) != 1 {
		w.t.Fatalf("execution %s has started %d", id, len(found))
	}
	return found[0]
}

func TestARecursiveFlowBeginsWithADeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("begin", ipaas.Definition{DisplayName: "Begin", Flows: []ipaas.Flow{
		recursiveFlow("Runs", inputs{"runOnDeploy": lit("true"), "defaultCursor": num("0")}, step("Cursor", "recursive-flow.getCursor", nil), note("Note", ref("cursor.results"))),
		recursiveFlow("Waits", inputs{"defaultCursor": num("0")}, note("Note", lit("no"))),
	}}, nil)
	runs := func(n int) []ipaas.Execution {
		var found []ipaas.Execution
		w.eventually(fmt.Sprintf("%d executions have ended", n), func() bool {
			found = w.executions("instance_id", "begin")
			return len(found) == n && !slices.ContainsFunc(found, func(ex ipaas.Execution) bool { return !ex.State.Ended() })
		})
		return found
	}
	if ex := runs(1)[0]; ex.State != ipaas.ExecutionSucceeded || ex.Invoke != ipaas.InvokeRecursive || ex.InvokedBy != "" || ex.Generation != 1 {
		t.Errorf("it is %+v", ex)
	}
	w.deploy("begin")
	runs(2)
	if diff := cmp.Diff([]string{"0", "0"}, w.probe.notes()); diff != "" {
		t.Errorf("cursors (-want +got):\n%s", diff)
	}
}

// TestATestStartsNoOtherFlow has one flow run, while a request at a test URL is an event like any.
func TestATestStartsNoOtherFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("cross", ipaas.Definition{DisplayName: "Cross", Flows: []ipaas.Flow{
		hookFlow("First", invoke("Start", lit("Second"), ref("trigger.results.body.data")), note("Note", ref("start.results.executionId"))),
		crossFlow("Second", note("Note", ref("trigger.results.body.data"))),
	}}, nil)
	tested := w.test("cross", "first", &ipaas.TestPayload{Kind: ipaas.BodyJSON, Text: `{"n":1}`}).Execution
	if tested.State != ipaas.ExecutionSucceeded {
		t.Fatalf("the test is %+v", tested.Error)
	}
	if n := len(w.executions("integration_id", "cross")); n != 1 {
		t.Errorf("there are %d executions, want the test alone", n)
	}
	if diff := cmp.Diff([]string{`""`}, w.probe.notes()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	lines := must[[]ipaas.Log](t)(w.Logs(t.Context(), tested.ID, 0, 9))
	if len(lines) != 1 || !strings.Contains(lines[0].Message, `flow "Second" would be started here`) {
		t.Errorf("it logged %+v", lines)
	}
	in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), ipaas.TestInstanceID("cross")))
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	id := w.accepted(view.Flows[0].URL, `{"n":2}`)
	if second := w.startedBy(id); second.State != ipaas.ExecutionSucceeded || !second.Test || second.DefinitionHash == "" {
		t.Errorf("what a test URL started is %+v", second)
	}
}

// filling is an integration whose deployment starts a flow that only it brings.
func filling(end ...ipaas.Step) ipaas.Definition {
	return ipaas.Definition{DisplayName: "Fill", Flows: []ipaas.Flow{
		deployFlow("Init", append([]ipaas.Step{
			invoke("Fill One", lit("Fill"), lit("one")), invoke("Fill Two", lit("Fill"), lit("two")), step("Hold", "probe.wait", inputs{"value": lit("init")}),
		}, end...)...),
		crossFlow("Fill", note("Note", ref("trigger.results.body.data")), step("Wait", "probe.wait", inputs{"value": ref("trigger.results.body.data")})),
	}}
}

func TestADeploymentStartsFlowsOfItsCandidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("fill", filling())
	w.instance("fill", "fill", nil)
	done := make(chan control.DeployResult, 1)
	go func() {
		result, err := w.DeployInstance(t.Context(), "fill", 0, plain)
		if err != nil {
			t.Error(err)
		}
		done <- result
	}()
	<-w.probe.gate("init").reached
	<-w.probe.gate("one").reached // while the deployment goes on
	w.probe.gate("one").pass()
	w.probe.gate("init").pass()
	result := <-done
	<-w.probe.gate("two").reached
	w.probe.gate("two").pass()
	if len(result.Executions) != 1 || result.Deployment.State != ipaas.DeploymentSucceeded {
		t.Fatalf("the deployment is %+v", result.Deployment)
	}
	for _, ex := range w.executions("invoked_by", result.Executions[0].ID) {
		if ex := w.succeeded(ex.ID); ex.DeploymentID != result.Deployment.ID || ex.Attempts != 1 {
			t.Errorf("it started %+v", ex)
		}
	}
}

func TestWhatADeploymentStartedDoesNotOutliveIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{Workers: 1})
	w.publish("fill", filling(step("Fail", "probe.fail", inputs{"value": lit("no")})))
	w.instance("fill", "fill", nil)
	failed := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "fill", 0, plain)
		failed <- err
	}()
	<-w.probe.gate("init").reached
	<-w.probe.gate("one").reached // the other one waits for the worker
	w.probe.gate("init").pass()
	refused(t, <-failed, ipaas.ReasonInitFlowFailed)
	states := map[ipaas.ExecutionState]int{}
	for _, ex := range w.executions("flow_id", "fill") {
		states[w.ended(ex.ID).State]++
	}
	if diff := cmp.Diff(map[ipaas.ExecutionState]int{ipaas.ExecutionCanceled: 2}, states); diff != "" {
		t.Errorf("what it started (-want +got):\n%s", diff)
	}
}

// holding is a store that holds up the end of a step.
type holding struct {
	storage.Store
	path             string
	reached, release chan struct{}
}

func (s *holding) CompleteStep(ctx context.Context, attempt int, r ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration, effects ...storage.StepEffects) error {
	if r.Path == s.path {
		close(s.reached)
		<-s.release
	}
	return s.Store.CompleteStep(ctx, attempt, r, logs, created, effects...)
}

func TestADeploymentIsUndoneWhenWhatItStartedHasEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("fill", ipaas.Definition{DisplayName: "Fill", Flows: []ipaas.Flow{
		deployFlow("Init", invoke("Fill One", lit("Fill"), lit("one")), step("Hold", "probe.wait", inputs{"value": lit("init")}),
			step("Fail", "probe.fail", inputs{"value": lit("no")})),
		crossFlow("Fill", note("Last", lit("last"))),
	}})
	w.instance("fill", "fill", nil)
	w.stop()
	held := &holding{path: "last", reached: make(chan struct{}), release: make(chan struct{})}
	w.wrap = func(s storage.Store) storage.Store {
		held.Store = s
		return held
	}
	w.start()
	failed := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "fill", 0, as("DeployInstance", "fails", "h"))
		failed <- err
	}()
	<-held.reached
	w.probe.gate("init").pass()
	w.eventually("the rollback begins", func() bool {
		return must[ipaas.Deployment](t)(w.store.FindDeployment(t.Context(), "fill", "fails")).State != ipaas.DeploymentRunning
	})
	select {
	case err := <-failed:
		t.Errorf("what it started goes on, and it has ended with %v", err)
		failed <- err
	case <-time.After(100 * time.Millisecond):
	}
	close(held.release)
	refused(t, <-failed, ipaas.ReasonInitFlowFailed)
	fill, d := w.ended(w.executions("flow_id", "fill")[0].ID), must[ipaas.Deployment](t)(w.store.FindDeployment(t.Context(), "fill", "fails"))
	if fill.EndTime.After(d.EndTime) {
		t.Errorf("the deployment ended at %v, and what it started at %v", d.EndTime, fill.EndTime)
	}
}

func TestACrossFlowCallIsAnEventOfItsFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := ref("trigger.results.body.data.key")
	second := crossFlow("Second", step("Flaky", "probe.flaky", inputs{"value": key}))
	second.DeduplicationKey = &key
	second.Retry = &ipaas.Retry{MaxAttempts: 1, Delay: time.Millisecond}
	second.Ordering = &ipaas.Ordering{Scope: ipaas.OrderByKey, Key: &key}
	urls := w.deployed("event", ipaas.Definition{DisplayName: "Event", Flows: []ipaas.Flow{
		hookFlow("First", invoke("Start", lit("Second"), ref("trigger.results.body.data")), invoke("Again", lit("Second"), ref("trigger.results.body.data")),
			note("Note", ref("start.results.executionId")), note("Note Again", ref("again.results.executionId"))),
		second,
	}}, nil)
	w.probe.fail("k", 1)
	id := w.accepted(urls["First"], `{"key":"k"}`)
	w.succeeded(id)
	notes := w.probe.notes()
	if len(notes) != 2 || notes[0] != notes[1] {
		t.Errorf("the same event was started as %v", notes)
	}
	var all []ipaas.Execution
	w.eventually("it was tried again", func() bool {
		all = w.executions("flow_id", "second")
		return len(all) == 2 && !slices.ContainsFunc(all, func(ex ipaas.Execution) bool { return !ex.State.Ended() })
	})
	if all[0].RetryOf != all[1].ID || all[0].InvokedBy != id || all[0].State != ipaas.ExecutionSucceeded || all[0].OrderingKey != "k" {
		t.Errorf("the retry is %+v", all[0])
	}
	again := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), all[0].ID, control.ReplayOptions{}, plain))
	w.succeeded(again.ID)
	w.failedWith(w.accepted(urls["First"], `{"key":"k","other":true}`), "the deduplication key of this event was that of another one")
}

func TestAFullQueueFailsTheStepThatStartsMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{MaxQueued: 2, Workers: 1})
	urls := w.deployed("full", ipaas.Definition{DisplayName: "Full", Flows: []ipaas.Flow{
		hookFlow("First", invoke("One", lit("Second"), lit(1)), invoke("Two", lit("Second"), lit(2)), invoke("Three", lit("Second"), lit(3))),
		crossFlow("Second", note("Note", lit("ran"))),
	}}, nil)
	id := w.accepted(urls["First"], `{}`)
	w.failedWith(id, `step "Three"`, "executions that wait, and no more are taken")
	if n := len(w.executions("invoked_by", id)); n != 2 {
		t.Errorf("it started %d, want 2", n)
	}
}

// stops is a store whose plane dies at one of the moments at which executions and their steps are written.
type stops struct {
	cutStore
}

func (s *stops) ClaimExecutions(ctx context.Context, now, lease time.Time, most int, w storage.Workers) (claimed []ipaas.Execution, err error) {
	select {
	case <-s.cut.dead:
		return nil, errCut
	default:
	}
	// One by one: how many are claimed together is chance, and so would be the number of moments.
	if claimed, err = s.Store.ClaimExecutions(ctx, now, lease, min(most, 1), w); err == nil && len(claimed) > 0 {
		err = s.cut.pass("after ClaimExecutions")
	}
	return claimed, err
}

func (s *stops) ReleaseExecution(ctx context.Context, id string, attempt int, now time.Time) error {
	select {
	case <-s.cut.dead:
		return errCut
	default:
		return s.Store.ReleaseExecution(ctx, id, attempt, now)
	}
}

func (s *stops) FireSchedule(ctx context.Context, f ipaas.FlowSchedule, next time.Time, ex ipaas.Execution, a storage.Admission) (added bool, err error) {
	err = s.cut.around("FireSchedule", func() (err error) {
		added, err = s.Store.FireSchedule(ctx, f, next, ex, a)
		return err
	})
	return added, err
}

// killedAtEach plays a story with a plane that dies at each moment in turn, and with another one that takes over. begin makes it happen,
// check tells what must be so in the end.
func killedAtEach(t *testing.T, prepare, begin func(w *world), check func(t *testing.T, w *world)) {
	t.Helper()
	play := func(t *testing.T, at int) []string {
		w := newWorld(t, control.Limits{MaxCrashes: 9})
		prepare(w)
		w.stop()
		cut := newCutter(at)
		w.wrap = func(s storage.Store) storage.Store { return &stops{cutStore{Store: s, cut: cut}} }
		w.start()
		begin(w)
		if at > 0 {
			select {
			case <-cut.dead:
			case <-time.After(20 * time.Second):
				t.Fatal("it did not come to the moment")
			}
			w.stop()
			w.wrap = nil
			w.start()
		}
		check(t, w)
		cut.mu.Lock()
		defer cut.mu.Unlock()
		return slices.Clone(cut.passed)
	}
	moments := play(t, 0)
	if len(moments) < 5 {
		t.Fatalf("there are the moments %v", moments)
	}
	for i := range moments {
		if i%strideOfMoments() != 0 && !strings.HasSuffix(moments[i], "FireSchedule") {
			continue
		}
		t.Run(fmt.Sprintf("%d %s", i+1, moments[i]), func(t *testing.T) {
			t.Parallel()
			play(t, i+1)
		})
	}
}

func TestKilledAtAnyMomentAFlowStartsEachOtherOnce(t *testing.T) {
	t.Parallel()
	def := ipaas.Definition{DisplayName: "Cross", Flows: []ipaas.Flow{
		hookFlow("First", ipaas.Step{
			DisplayName: "Each", Action: "loop.loopOverItems", Inputs: inputs{"items": ref("trigger.results.body.data")},
			Steps: []ipaas.Step{invoke("Start", lit("Second"), ref("each.currentItem"))},
		}),
		crossFlow("Second", note("Note", ref("trigger.results.body.data"))),
	}}
	const items = 2
	killedAtEach(t, func(w *world) { w.deployed("killed", def, nil) }, func(w *world) {
		urls := must[map[string]string](t)(w.hookURLs("killed"))
		_, _ = w.receive(urls["first"], `[1,2]`)
	}, func(t *testing.T, w *world) {
		w.eventually("all has ended", func() bool {
			second := w.executions("flow_id", "second")
			return len(second) >= items && !slices.ContainsFunc(second, func(ex ipaas.Execution) bool { return !ex.State.Ended() }) &&
				w.executions("flow_id", "first")[0].State.Ended()
		})
		if n := len(w.executions("flow_id", "second")); n != items {
			t.Errorf("the second flow was started %d times, want %d", n, items)
		}
	})
}

// hookURLs returns the URLs of an instance by flow id.
func (w *world) hookURLs(id string) (map[string]string, error) {
	in, err := w.store.GetInstance(w.t.Context(), id)
	if err != nil {
		return nil, err
	}
	view, err := w.DescribeInstance(w.t.Context(), in, true)
	urls := map[string]string{}
	for _, f := range view.Flows {
		urls[f.FlowID] = f.URL
	}
	return urls, err
}

func TestANewerEventEndsTheRetriesOfAnOlderOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := ref("trigger.results.body.data.id")
	flow := hookFlow("Flaky", step("Flaky", "probe.flaky", inputs{"value": ref("trigger.results.body.data.id")}))
	flow.Retry = &ipaas.Retry{MaxAttempts: 3, Delay: time.Hour, RequestKey: &key}
	urls := w.deployed("newer", ipaas.Definition{DisplayName: "Newer", Flows: []ipaas.Flow{flow}}, nil)
	w.probe.fail("a", 1)
	older := w.ended(w.accepted(urls["Flaky"], `{"id":"a","v":1}`))
	retry := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), older.SupersededBy))
	w.succeeded(w.accepted(urls["Flaky"], `{"id":"b"}`))
	if ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), retry.ID)); ex.State != ipaas.ExecutionQueued {
		t.Errorf("another key made the retry %s", ex.State)
	}
	newer := w.accepted(urls["Flaky"], `{"id":"a","v":2}`)
	w.succeeded(newer)
	ex := w.ended(retry.ID)
	if ex.State != ipaas.ExecutionCanceled || ex.SupersededBy != newer || ex.Error == nil || ex.Error.Reason != ipaas.ExecutionSuperseded {
		t.Errorf("the retry is %+v", ex)
	}
}
