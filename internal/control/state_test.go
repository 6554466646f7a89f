package control_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/value"
)

// keep is a step of the component persist-data.
func keep(name, action string, in inputs) ipaas.Step { return step(name, "persist-data."+action, in) }

func key(k string) inputs { return inputs{"keyInput": lit(k)} }

func keyed(k string, v ipaas.Input) inputs { return inputs{"keyInput": lit(k), "valueInput": v} }

// answer runs a synchronous flow and returns what it gave.
func (w *world) answer(hook, json string) string {
	w.t.Helper()
	reply, err := w.receive(hook, json)
	if err != nil || reply.Response.Status != 200 {
		w.t.Fatalf("event %s: %v, answered %d %s", json, err, reply.Response.Status, reply.Response.Body)
	}
	return string(reply.Response.Body)
}

func TestNothingIsLostOfWhatExecutionsCountAndCollectAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hooks := w.deployed("count", ipaas.Definition{DisplayName: "Count", Flows: []ipaas.Flow{
		hookFlow("Count",
			keep("Number", "incrementInstanceValue", key("n")),
			keep("Collect", "appendCrossFlowValueToList", keyed("list", ref("trigger.results.body.data"))),
			keep("Members", "addIntegrationValueToSet", keyed("set", lit("same"))),
			note("Note", ref("number.results")),
		),
		syncFlow("Read", keep("List", "getCrossFlowValue", key("list")), keep("Set", "getIntegrationValue", key("set")), note("Both", tmpl("{{$list.results}} {{$set.results}}"))),
	}}, nil)
	const events = 60
	var all sync.WaitGroup
	ids := make([]string, events)
	for i := range events {
		all.Go(func() { ids[i] = w.accepted(hooks["Count"], strconv.Itoa(i)) })
	}
	all.Wait()
	for _, id := range ids {
		w.succeeded(id)
	}
	var numbers []int
	for _, n := range w.probe.notes() {
		i, err := strconv.Atoi(n)
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, i)
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != i+1 {
			t.Fatalf("each execution is to get a number of its own, but they got %v", numbers)
		}
	}
	text, set, _ := strings.Cut(w.answer(hooks["Read"], `{}`), " ")
	if list, err := value.Parse([]byte(text)); err != nil || len(list.([]any)) != events {
		t.Errorf("the list is %s (%v), want %d items", text, err, events)
	}
	if set != `["same"]` {
		t.Errorf("the set is %s", set)
	}
}

func TestEachScopeIsSharedByThoseItIsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	count := func(name string) ipaas.Flow {
		return syncFlow(name,
			keep("E", "incrementExecutionValue", key("n")), keep("F", "incrementInstanceValue", key("n")),
			keep("I", "incrementCrossFlowValue", key("n")), keep("All", "incrementIntegrationValue", key("n")),
			note("Note", tmpl("{{$e.results}} {{$f.results}} {{$i.results}} {{$all.results}}")))
	}
	def := ipaas.Definition{DisplayName: "Scopes", Flows: []ipaas.Flow{count("A"), count("B")}}
	first := w.deployed("first", def, nil)
	w.instance("second", "int-first", nil)
	second := urlsOf(w.deploy("second"))
	for i, tt := range []struct{ hook, want string }{
		{first["A"], `1 1 1 1`}, {first["A"], `1 2 2 2`}, {first["B"], `1 1 3 3`}, {second["A"], `1 1 1 4`}, {first["A"], `1 3 4 5`},
	} {
		if got := w.answer(tt.hook, `{}`); got != tt.want {
			t.Errorf("call %d gives %s, want %s", i+1, got, tt.want)
		}
	}
	for i, want := range []string{`"1 1 1 1"`, `"1 2 2 2"`} { // nothing of customers' instances
		if got := w.test("int-first", "a", nil).Execution.Result; got != want {
			t.Errorf("test %d gives %s, want %s", i+1, got, want)
		}
	}
	must[control.RemovalResult](t)(w.ResetTestInstance(t.Context(), "int-first", plain))
	if got, want := w.test("int-first", "a", nil).Execution.Result, `"1 1 1 1"`; got != want {
		t.Errorf("after a reset it gives %s, want %s", got, want)
	}
	if got, want := w.answer(first["A"], `{}`), `1 4 5 6`; got != want {
		t.Errorf("and the other %s, want %s", got, want)
	}
}

// TestAStepThatWasCutKeepsOnce kills the plane after the step and resumes: what it kept is there once, and its result is the same.
func TestAStepThatWasCutKeepsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.deployed("cut", ipaas.Definition{DisplayName: "Cut", Flows: []ipaas.Flow{hookFlow("Cut",
		keep("Own", "appendExecutionValueToList", keyed("own", lit("x"))),
		keep("Count", "incrementInstanceValue", key("n")),
		step("Wait", "probe.wait", inputs{"value": lit("gate")}),
		keep("Again", "incrementInstanceValue", key("n")),
		keep("List", "getExecutionValue", key("own")),
		note("Note", tmpl("{{$count.results}} {{$again.results}} {{$list.results}}")),
	)}}, nil)["Cut"]
	id := w.accepted(hook, `{}`)
	<-w.probe.gate("gate").reached
	twin := w.crashCopy()
	w.probe.gate("gate").pass()
	w.succeeded(id)
	twin.start()
	twin.probe.gate("gate").pass()
	if ex := twin.succeeded(id); ex.Attempts != 2 {
		t.Errorf("it took %d attempts", ex.Attempts)
	}
	for name, w := range map[string]*world{"whole": w, "resumed": twin} {
		if diff := cmp.Diff([]string{`"1 2 [\"x\"]"`}, w.probe.notes()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReplayFromAStepTakesOverWhatTheExecutionKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.deployed("replay", ipaas.Definition{DisplayName: "Replay", Flows: []ipaas.Flow{hookFlow("Replay",
		keep("One", "appendExecutionValueToList", keyed("list", lit("a"))),
		keep("Count", "incrementExecutionValue", key("n")),
		keep("Flow", "incrementInstanceValue", key("n")),
		step("Flaky", "probe.flaky", inputs{"value": lit("x")}),
		keep("Two", "appendExecutionValueToList", keyed("list", lit("b"))),
		keep("List", "getExecutionValue", key("list")),
		keep("Number", "getExecutionValue", key("n")),
		keep("All", "getInstanceValue", key("n")),
		note("Note", tmpl("{{$list.results}} {{$number.results}} {{$all.results}}")),
	)}}, nil)["Replay"]
	w.probe.fail("x", 2)
	old := w.ended(w.accepted(hook, `{}`))
	for _, o := range []control.ReplayOptions{{FromFailed: true}, {FromStep: "flaky"}, {}} {
		ex := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), old.ID, o, plain))
		w.ended(ex.ID)
	}
	want := []string{`"[\"a\",\"b\"] 1 1"`, `"[\"a\",\"b\"] 1 2"`} // from the beginning everything is done anew
	if diff := cmp.Diff(want, w.probe.notes()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestSecretsThatAreKeptDoNotLieInClear(t *testing.T) {
	t.Parallel()
	const secret = "canary-kept-secret-51c0"
	w := newWorld(t)
	def := ipaas.Definition{
		DisplayName: "Secrets", ConfigVariables: []ipaas.ConfigVariable{{DisplayName: "Token", Secret: true}},
		Flows: []ipaas.Flow{
			syncFlow("Save",
				keep("Save", "saveCrossFlowValue", keyed("token", tmpl("Bearer {{#Token}}"))),
				keep("Append", "appendIntegrationValueToList", keyed("tokens", cfg("Token"))),
				keep("Url", "saveIntegrationValue", keyed("url", ref("trigger.results.webhookUrls.Save"))),
				keep("Own", "saveExecutionValue", keyed("token", cfg("Token"))), note("Say", lit("done"))),
			syncFlow("Read", keep("Get", "getCrossFlowValue", key("token")), step("Note", "probe.note", inputs{"value": ref("get.results")})),
			syncFlow("Key", keep("Save", "saveCrossFlowValue", inputs{"keyInput": cfg("Token"), "valueInput": lit("x")})),
			deployFlow("Init", keep("Save", "saveCrossFlowValue", keyed("init", cfg("Token")))),
		},
	}
	first := w.deployed("first", def, map[string]string{"Token": `"` + secret + `"`})
	w.instance("second", "int-first", map[string]string{"Token": `"other-secret-77aa"`})
	second := urlsOf(w.deploy("second"))
	w.answer(first["Save"], `{}`)
	w.answer(second["Save"], `{}`)
	w.answer(first["Read"], `{}`)
	if diff := cmp.Diff([]string{`"done"`, `"done"`, `"Bearer ` + secret + `"`}, w.probe.notes()); diff != "" {
		t.Errorf("a flow gets what was kept exactly (-want +got):\n%s", diff)
	}
	reply, err := w.receive(first["Key"], `{}`)
	if err != nil || reply.Response.Status == 200 || !strings.Contains(string(reply.Response.Body), "give another") {
		t.Errorf("a secret as a key: %v, answered %d %s", err, reply.Response.Status, reply.Response.Body)
	}
	shown := map[string]string{}
	for _, instance := range []string{"first", "second"} { // each is shown what they share without the secrets of the other
		page := must[storage.Page[ipaas.StateEntry]](t)(w.ListStateEntries(t.Context(), instance, storage.Query{Size: 10}))
		for _, item := range page.Items {
			e := must[control.StateEntryView](t)(w.GetStateEntry(t.Context(), instance, item.ID))
			shown[instance+" "+e.Key] = fmt.Sprintf("%s %t", value.Encode(e.Value), e.Redacted)
		}
	}
	want := map[string]string{
		"first init": `"[redacted]" true`, "second init": `"[redacted]" true`, "first token": `"Bearer [redacted]" true`, "second token": `"Bearer [redacted]" true`,
		"first tokens": `["[redacted]","[redacted]"] true`, "second tokens": `["[redacted]","[redacted]"] true`,
		"first url": shown["first url"], "second url": shown["first url"],
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	dump := w.dump()
	for _, s := range []string{secret, "other-secret-77aa", tokenOf(second["Save"])} {
		if strings.Contains(dump, s) || strings.Contains(fmt.Sprint(shown), s) || strings.Contains(w.logs.String(), s) {
			t.Errorf("%s lies in clear", s)
		}
	}
}

// keepingDeploy is an integration whose deploy flows keep things, the second what the first has kept; between them it waits at a gate.
func keepingDeploy(last ipaas.Step) ipaas.Definition {
	return ipaas.Definition{DisplayName: "Keeping", Flows: []ipaas.Flow{
		syncFlow("Count", keep("Count", "incrementCrossFlowValue", key("n"))),
		syncFlow("Read", keep("Read", "getCrossFlowValue", key("topic"))),
		deployFlow("First", keep("Topic", "saveCrossFlowValue", keyed("topic", lit("topic-1"))), keep("Ten", "incrementCrossFlowValue", inputs{"keyInput": lit("n"), "amountInput": num("10")})),
		deployFlow("Second",
			keep("Read", "getCrossFlowValue", key("topic")), keep("Keys", "listCrossFlowKeys", nil),
			keep("Before", "saveInstanceValue", keyed("before", lit("x"))), keep("Clear", "removeInstanceState", nil), keep("Own", "saveInstanceValue", keyed("own", lit("x"))),
			keep("Gone", "saveCrossFlowValue", keyed("gone", lit("x"))), keep("Remove", "removeCrossFlowValue", key("gone")),
			keep("Instance Keys", "listInstanceKeys", nil), keep("Keys Then", "listCrossFlowKeys", nil),
			note("Note", tmpl("{{$read.results}} {{$keys.results}} {{$instanceKeys.results}} {{$keysThen.results}}")),
			step("Wait", "probe.wait", inputs{"value": lit("gate")}), keep("One", "incrementCrossFlowValue", key("n")), last),
		removeFlow("Remove", keep("Read", "getCrossFlowValue", key("topic")), note("Note", ref("read.results"))),
	}}
}

func TestWhatADeploymentKeepsWaitsForItsCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.probe.gate("gate").pass()
	hooks := w.deployed("keep", keepingDeploy(note("Last", lit("end"))), nil)
	if got := w.answer(hooks["Read"], `{}`); got != `topic-1` {
		t.Errorf("after the deployment others see %s", got)
	}
	if got := w.answer(hooks["Count"], `{}`); got != `12` {
		t.Errorf("counted on it is %s, want 12", got)
	}
	// Another deployment, held up before its last step.
	def := keepingDeploy(note("Last", lit("end")))
	def.Flows[3].Steps[10].Inputs["value"] = lit("held")
	def.Flows[2].Steps[0].Inputs["valueInput"] = lit("topic-2")
	w.publish("int-keep", def)
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "keep", 2, plain)
		ended <- err
	}()
	<-w.probe.gate("held").reached
	if got := w.answer(hooks["Read"], `{}`); got != `topic-1` {
		t.Errorf("while it runs others see %s", got)
	}
	if got := w.answer(hooks["Count"], `{}`); got != `13` {
		t.Errorf("while it runs others count on to %s, want 13", got)
	}
	w.probe.gate("held").pass()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := w.answer(hooks["Read"], `{}`); got != `topic-2` {
		t.Errorf("after it others see %s", got)
	}
	if got := w.answer(hooks["Count"], `{}`); got != `25` { // 13, its 11, and one
		t.Errorf("after it the count goes on with %s, want 25", got)
	}
	want := []string{`"topic-1 [\"n\",\"topic\"] [\"own\"] [\"n\",\"topic\"]"`, `"end"`, `"topic-2 [\"n\",\"topic\"] [\"own\"] [\"n\",\"topic\"]"`, `"end"`}
	if diff := cmp.Diff(want, w.probe.notes()); diff != "" {
		t.Errorf("its flows saw (-want +got):\n%s", diff)
	}
	if rows := w.dumped("state_changes"); len(rows) != 0 {
		t.Errorf("left: %v", rows)
	}
}

func TestWhatAFailedDeploymentKeptIsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.probe.gate("gate").pass()
	w.publish("int-keep", keepingDeploy(step("Fail", "probe.fail", inputs{"value": lit("no")})))
	w.instance("keep", "int-keep", nil)
	_, err := w.DeployInstance(t.Context(), "keep", 0, plain)
	refused(t, err, ipaas.ReasonInitFlowFailed)
	for _, table := range []string{"state_changes", "state_entries", "state_totals"} {
		if rows := w.dumped(table); len(rows) != 0 {
			t.Errorf("left in %s: %v", table, rows)
		}
	}
	w.publish("int-keep", keepingDeploy(note("Last", lit("end"))))
	if got := w.answer(urlsOf(w.deploy("keep"))["Count"], `{}`); got != `12` {
		t.Errorf("the next one counts to %s, want 12", got)
	}
}

// TestWhatADeploymentCannotKeepRollsItBack: while it ran, another flow made of a number a text, before its last step or after it.
func TestWhatADeploymentCannotKeepRollsItBack(t *testing.T) {
	t.Parallel()
	for _, gate := range []string{"gate", "late"} {
		t.Run(gate, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			def := keepingDeploy(step("Last", "probe.wait", inputs{"value": lit("late")}))
			def.Flows = append(def.Flows, syncFlow("Spoil", keep("Spoil", "saveCrossFlowValue", keyed("n", lit("no number")))))
			w.probe.gate("gate").pass()
			w.probe.gate("late").pass()
			hooks := w.deployed("keep", def, nil)
			w.probe.hold(gate)
			ended := make(chan error, 1)
			go func() {
				_, err := w.DeployInstance(t.Context(), "keep", 0, plain)
				ended <- err
			}()
			<-w.probe.gate(gate).reached
			w.answer(hooks["Spoil"], `{}`)
			w.probe.gate(gate).pass()
			if e := refused(t, <-ended, ipaas.ReasonInitFlowFailed); !strings.Contains(e.Message, "cannot be counted up") {
				t.Errorf("it says %q", e.Message)
			}
			if rows := w.dumped("state_changes"); len(rows) != 0 {
				t.Errorf("left: %v", rows)
			}
			if got := w.answer(hooks["Read"], `{}`); got != `topic-1` {
				t.Errorf("what was before is %s", got)
			}
		})
	}
}

func TestWhatADeploymentKeepsOutlivesACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("int-keep", keepingDeploy(note("Last", lit("end"))))
	w.instance("keep", "int-keep", nil)
	m := as("DeployInstance", "r-1", "h")
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "keep", 0, m)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	twin := w.crashCopy()
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	twin.start()
	twin.probe.gate("gate").pass()
	result := must[control.DeployResult](t)(twin.DeployInstance(t.Context(), "keep", 0, m))
	if got := twin.answer(urlsOf(result)["Count"], `{}`); got != `12` {
		t.Errorf("it counts on to %s, want 12", got)
	}
}

// spreading is an integration whose deployment starts a flow that counts, before its end and after it.
func spreading(end ...ipaas.Step) ipaas.Definition {
	return ipaas.Definition{DisplayName: "Spreading", Flows: []ipaas.Flow{
		syncFlow("Read", keep("Read", "getCrossFlowValue", key("n")), note("Note", ref("read.results"))),
		deployFlow("Init", append([]ipaas.Step{
			keep("Ten", "incrementCrossFlowValue", inputs{"keyInput": lit("n"), "amountInput": num("10")}),
			invoke("Start", lit("Fill"), lit("x")), step("Hold", "probe.wait", inputs{"value": lit("init")}),
		}, end...)...),
		crossFlow("Fill",
			keep("One", "incrementCrossFlowValue", key("n")), keep("Seen", "getCrossFlowValue", key("n")), keep("Keys", "listCrossFlowKeys", nil),
			note("Note", tmpl("{{$one.results}} {{$seen.results}} {{$keys.results}}")), step("Wait", "probe.wait", inputs{"value": lit("fill")}),
			keep("More", "incrementCrossFlowValue", key("n")), note("Note More", ref("more.results"))),
	}}
}

func TestWhatADeploymentHasStartedKeepsNothingBeforeItsCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("int-spread", spreading())
	w.publish("int-spread", spreading(step("Fail", "probe.fail", inputs{"value": lit("no")})))
	w.instance("spread", "int-spread", nil)
	deploy := func(version int) <-chan error {
		w.probe.hold("init")
		w.probe.hold("fill")
		ended := make(chan error, 1)
		go func() {
			_, err := w.DeployInstance(t.Context(), "spread", version, plain)
			ended <- err
		}()
		<-w.probe.gate("init").reached
		<-w.probe.gate("fill").reached
		return ended
	}
	kept := func(when, want string) {
		t.Helper()
		if got := w.answer(must[map[string]string](t)(w.hookURLs("spread"))["read"], `{}`); got != want {
			t.Errorf("%s others see %s, want %s", when, got, want)
		}
	}
	ended := deploy(1)
	if rows := w.dumped("state_entries"); len(rows) != 0 {
		t.Errorf("while the first deployment runs there is %v", rows)
	}
	w.probe.gate("init").pass()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	kept("after the commit", `11`)
	w.probe.gate("fill").pass() // of an execution that runs across the commit
	w.succeeded(w.executions("flow_id", "fill")[0].ID)
	kept("and what it keeps then at once:", `12`)
	ended = deploy(2)
	kept("while the second runs", `12`)
	w.probe.gate("init").pass()
	refused(t, <-ended, ipaas.ReasonInitFlowFailed)
	if ex := w.ended(w.executions("flow_id", "fill")[0].ID); ex.State != ipaas.ExecutionCanceled {
		t.Errorf("what it started is %s", ex.State)
	}
	kept("after the rollback", `12`)
	ended = deploy(1)
	w.probe.gate("init").pass()
	w.probe.gate("fill").pass()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	w.succeeded(w.executions("flow_id", "fill")[0].ID)
	kept("after the third", `24`)
	want := []string{`"11 11 [\"n\"]"`, `11`, `12`, `12`, `"23 23 [\"n\"]"`, `12`, `12`, `"23 23 [\"n\"]"`, `24`, `24`}
	if diff := cmp.Diff(want, w.probe.notes()); diff != "" {
		t.Errorf("they saw (-want +got):\n%s", diff)
	}
	if rows := w.dumped("state_changes"); len(rows) != 0 {
		t.Errorf("left: %v", rows)
	}
}

// TestNothingIsLostOfWhatIsCountedAcrossACommit lets executions count that a deployment has started, while it is committed.
func TestNothingIsLostOfWhatIsCountedAcrossACommit(t *testing.T) {
	t.Parallel()
	const started, each = 12, 4
	w := newWorld(t)
	var items []string
	for i := range started {
		items = append(items, strconv.Itoa(i))
	}
	var counts []ipaas.Step
	for i := range each {
		counts = append(counts, keep("Count "+strconv.Itoa(i), "incrementCrossFlowValue", key("n")), note("Note "+strconv.Itoa(i), ref(fmt.Sprintf("count%d.results", i))))
	}
	hooks := w.deployed("count", ipaas.Definition{DisplayName: "Count", Flows: []ipaas.Flow{
		deployFlow("Init", ipaas.Step{
			DisplayName: "Each", Action: "loop.loopOverItems", Inputs: inputs{"items": lit("[" + strings.Join(items, ",") + "]")},
			Steps: []ipaas.Step{invoke("Start", lit("Fill"), lit("x"))},
		}),
		crossFlow("Fill", counts...),
		syncFlow("Read", keep("Read", "getCrossFlowValue", key("n")), step("Say", "probe.flaky", inputs{"value": ref("read.results")})),
	}}, nil)
	for _, ex := range w.executions("flow_id", "fill") {
		w.succeeded(ex.ID)
	}
	numbers := map[string]int{}
	for _, n := range w.probe.notes() {
		numbers[n]++
	}
	for n := 1; n <= started*each; n++ {
		if got := numbers[strconv.Itoa(n)]; got != 1 {
			t.Errorf("number %d was given %d times", n, got)
		}
	}
	w.answer(hooks["Read"], `{}`)
	e := must[storage.Page[ipaas.StateEntry]](t)(w.ListStateEntries(t.Context(), "count", storage.Query{Size: 10})).Items[0]
	if v := must[control.StateEntryView](t)(w.GetStateEntry(t.Context(), "count", e.ID)); fmt.Sprint(v.Value) != strconv.Itoa(started*each) {
		t.Errorf("the count is %v, want %d", v.Value, started*each)
	}
}

// TestKilledAtAnyMomentADeploymentAndWhatItStartedKeepAllOrNothing kills the plane at each moment of a deployment that starts a flow: what
// the two have counted is there once, or not at all where the deployment is undone or has not begun.
func TestKilledAtAnyMomentADeploymentAndWhatItStartedKeepAllOrNothing(t *testing.T) {
	t.Parallel()
	killedAtEach(t, func(w *world) {
		w.publish("int-spread", spreading(note("End", lit("end"))))
		w.instance("spread", "int-spread", nil)
	}, func(w *world) {
		w.probe.gate("init").pass()
		w.probe.gate("fill").pass()
		_, _ = w.DeployInstance(t.Context(), "spread", 0, plain)
	}, func(t *testing.T, w *world) {
		var d ipaas.Deployment
		w.eventually("the deployment has ended, and what it started", func() bool {
			page := must[storage.Page[ipaas.Deployment]](t)(w.store.ListDeployments(t.Context(), "spread", storage.Query{Size: 1}))
			if len(page.Items) == 0 {
				return true // it had not begun
			}
			d = page.Items[0]
			return (d.State == ipaas.DeploymentSucceeded || d.State == ipaas.DeploymentFailed) &&
				!slices.ContainsFunc(w.executions("flow_id", "fill"), func(ex ipaas.Execution) bool { return !ex.State.Ended() })
		})
		n := ""
		for _, e := range must[storage.Page[ipaas.StateEntry]](t)(w.ListStateEntries(t.Context(), "spread", storage.Query{Size: 10})).Items {
			n += fmt.Sprint(must[control.StateEntryView](t)(w.GetStateEntry(t.Context(), "spread", e.ID)).Value)
		}
		want := map[ipaas.DeploymentState]string{ipaas.DeploymentSucceeded: "12"}[d.State]
		if n != want {
			t.Errorf("the deployment is %s, and the count is %q, want %q", d.State, n, want)
		}
	})
}

func TestRemoveFlowsSeeWhatWasKeptAndDeletionForgetsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.probe.gate("gate").pass()
	hooks := w.deployed("keep", keepingDeploy(note("Last", lit("end"))), nil)
	w.answer(hooks["Count"], `{}`)
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "keep", plain))
	if rows := w.dumped("state_entries"); len(rows) != 3 {
		t.Errorf("undeployed it keeps %v", rows)
	}
	if got := w.answer(urlsOf(w.deploy("keep"))["Count"], `{}`); got != `24` {
		t.Errorf("deployed again it counts on to %s, want 24", got)
	}
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "keep", plain))
	notes := w.probe.notes()
	if got := []string{notes[2], notes[5]}; !slices.Equal(got, []string{`"topic-1"`, `"topic-1"`}) {
		t.Errorf("the remove flows saw %v in %v", got, notes)
	}
	for _, table := range []string{"state_entries", "state_totals"} {
		if rows := w.dumped(table); len(rows) != 0 {
			t.Errorf("deleted it keeps in %s: %v", table, rows)
		}
	}
}

func TestWhatCannotBeKeptFailsTheStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	large := strings.Repeat("x", ipaas.MaxStateValue)
	handled := keep("Handled", "incrementCrossFlowValue", key("text"))
	handled.OnError = &ipaas.ErrorHandling{Effect: ipaas.ErrorIgnore}
	hooks := w.deployed("bounds", ipaas.Definition{DisplayName: "Bounds", Flows: []ipaas.Flow{
		syncFlow("Large", keep("Save", "saveCrossFlowValue", keyed("large", ref("trigger.results.body.data")))),
		syncFlow("Grow", keep("Grow", "appendCrossFlowValueToList", keyed("list", ref("trigger.results.body.data")))),
		syncFlow("Wrong", keep("Text", "saveCrossFlowValue", keyed("text", lit("soon"))), handled, note("Note", ref("handled.error"))),
		syncFlow("All or nothing", keep("Save", "saveCrossFlowValue", inputs{
			"keyInput": lit("small"), "valueInput": lit("x"),
			"dynamicValues": {Kind: ipaas.InputComplex, Items: []ipaas.Input{{Kind: ipaas.InputReference, Text: "trigger.results.body.data", Name: "large"}}},
		})),
	}}, nil)
	failed := func(name, body, says string) {
		t.Helper()
		reply, err := w.receive(hooks[name], body)
		if err != nil || reply.Response.Status == 200 || !strings.Contains(string(reply.Response.Body), says) {
			t.Errorf("%s: %v, answered %d %.300s, want %q", name, err, reply.Response.Status, reply.Response.Body, says)
		}
	}
	failed("Large", `"`+large+`"`, "a value may have 1048576")
	w.answer(hooks["Grow"], `"`+large[:600_000]+`"`)
	failed("Grow", `"`+large[:600_000]+`"`, "a value may have 1048576")
	failed("All or nothing", `"`+large+`"`, "a value may have 1048576")
	if got := w.answer(hooks["Wrong"], `{}`); !strings.Contains(got, "cannot be counted up") {
		t.Errorf("the error that was ignored is %s", got)
	}
	page := must[storage.Page[ipaas.StateEntry]](t)(w.ListStateEntries(t.Context(), "bounds", storage.Query{Size: 10}))
	var keys []string
	for _, e := range page.Items {
		keys = append(keys, e.Key)
	}
	if diff := cmp.Diff([]string{"list", "text"}, keys); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestStateIsMendedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hooks := w.deployed("mend", ipaas.Definition{DisplayName: "Mend", Flows: []ipaas.Flow{
		syncFlow("Count", keep("Count", "incrementInstanceValue", key("n")), keep("All", "incrementIntegrationValue", key("all")), note("Note", ref("count.results"))),
	}}, nil)
	w.answer(hooks["Count"], `{}`)
	flow := control.StateTarget{Scope: ipaas.StateFlow, FlowID: "count", Key: "n"}
	m := as("SetStateEntry", "r-1", "h")
	set := must[control.StateEntryView](t)(w.SetStateEntry(t.Context(), "mend", flow, value.Number("41"), m))
	if set.Revision != 2 || set.ExecutionID != "" || value.Text(set.Value) != "41" {
		t.Errorf("set: %+v", set)
	}
	if got := w.answer(hooks["Count"], `{}`); got != `42` {
		t.Errorf("it goes on with %s, want 42", got)
	}
	must[control.StateEntryView](t)(w.SetStateEntry(t.Context(), "mend", flow, value.Number("41"), m)) // answered before
	got := must[control.StateEntryView](t)(w.GetStateEntry(t.Context(), "mend", set.ID))
	if value.Text(got.Value) != "42" || got.Revision != 3 || got.ExecutionID == "" {
		t.Errorf("get: %+v", got)
	}
	stale := plain
	stale.Base = 2
	_, err := w.SetStateEntry(t.Context(), "mend", flow, "x", stale)
	refused(t, err, ipaas.ReasonStaleEtag)
	refused(t, w.DeleteStateEntry(t.Context(), "mend", set.ID, stale), ipaas.ReasonStaleEtag)
	checked := plain
	checked.ValidateOnly = true
	if would := must[control.StateEntryView](t)(w.SetStateEntry(t.Context(), "mend", flow, "y", checked)); would.Value != "y" {
		t.Errorf("it would be %+v", would)
	}
	if err := errors.Join(w.DeleteStateEntry(t.Context(), "mend", set.ID, checked), w.ClearState(t.Context(), "mend", control.StateTarget{Scope: ipaas.StateIntegration}, checked)); err != nil {
		t.Error(err)
	}
	if page := must[storage.Page[ipaas.StateEntry]](t)(w.ListStateEntries(t.Context(), "mend", storage.Query{Size: 10})); len(page.Items) != 2 {
		t.Errorf("what was only checked has left %+v", page.Items)
	}
	if err := errors.Join(w.DeleteStateEntry(t.Context(), "mend", set.ID, plain), w.ClearState(t.Context(), "mend", control.StateTarget{Scope: ipaas.StateIntegration}, plain)); err != nil {
		t.Error(err)
	}
	refused(t, w.DeleteStateEntry(t.Context(), "mend", set.ID, plain), ipaas.ReasonNotFound)
	if got := w.answer(hooks["Count"], `{}`); got != `1` {
		t.Errorf("it begins anew with %s", got)
	}
	for name, tt := range map[string]struct {
		target control.StateTarget
		value  any
		reason ipaas.Reason
	}{
		"an execution's":    {control.StateTarget{Scope: ipaas.StateExecution, Key: "n"}, "x", ipaas.ReasonInvalidArgument},
		"no flow":           {control.StateTarget{Scope: ipaas.StateFlow, Key: "n"}, "x", ipaas.ReasonInvalidArgument},
		"an unknown flow":   {control.StateTarget{Scope: ipaas.StateFlow, FlowID: "nothing", Key: "n"}, "x", ipaas.ReasonNotFound},
		"a flow too many":   {control.StateTarget{Scope: ipaas.StateInstance, FlowID: "count", Key: "n"}, "x", ipaas.ReasonInvalidArgument},
		"a long key":        {control.StateTarget{Scope: ipaas.StateInstance, Key: strings.Repeat("k", 2000)}, "x", ipaas.ReasonInvalidArgument},
		"a value too large": {control.StateTarget{Scope: ipaas.StateInstance, Key: "n"}, strings.Repeat("x", ipaas.MaxStateValue), ipaas.ReasonInvalidArgument},
	} {
		_, err := w.SetStateEntry(t.Context(), "mend", tt.target, tt.value, plain)
		if ipaas.ReasonOf(err) != tt.reason {
			t.Errorf("%s: %v, want %s", name, err, tt.reason)
		}
	}
	_, err = w.GetStateEntry(t.Context(), "nothing", set.ID)
	refused(t, err, ipaas.ReasonNotFound)
}

// dumped returns the rows of a table.
func (w *world) dumped(table string) []string {
	w.t.Helper()
	_, rest, found := strings.Cut(w.dump(), "\n"+table+"\n")
	if !found {
		w.t.Fatalf("there is no table %s", table)
	}
	var rows []string
	for _, line := range strings.Split(rest, "\n") {
		if !strings.HasPrefix(line, "\t") {
			break
		}
		rows = append(rows, line)
	}
	return rows
}
