package control_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
)

// TestCodeAndStepsKeepTheSame has code and persist-data see each other's values in all scopes, across steps, executions and flows.
func TestCodeAndStepsKeepTheSame(t *testing.T) {
	t.Parallel()
	w := newCodeWorld(t)
	hooks := w.deployed("both", ipaas.Definition{DisplayName: "Both", Flows: []ipaas.Flow{
		syncFlow("Code Writes",
			codeStep("Write", `module.exports = async (context) => {
				context.crossFlowState.list = [...(context.crossFlowState.list ?? []), context.crossFlowState.n ?? 0];
				context.integrationState.seen = {by: context.instance.id};
				context.executionState.run = 'mine';
				delete context.crossFlowState.gone;
				return {data: null, instanceState: {count: (context.instanceState.count ?? 0) + 1}, crossFlowState: {n: (context.crossFlowState.n ?? 0) + 1}};
			};`),
			keep("Count", "getInstanceValue", key("count")), keep("List", "getCrossFlowValue", key("list")), keep("N", "incrementCrossFlowValue", key("n")),
			keep("Seen", "getIntegrationValue", key("seen")), keep("Run", "getExecutionValue", key("run")), keep("Keys", "listCrossFlowKeys", nil),
			note("Last", tmpl("{{$count.results}} {{$list.results}} {{$n.results}} {{$seen.results}} {{$run.results}} {{$keys.results}}")),
		),
		syncFlow("Steps Write",
			keep("Big", "saveCrossFlowValue", inputs{"keyInput": lit("big"), "valueInput": ref("trigger.results.body.data.big")}),
			keep("Gone", "saveCrossFlowValue", keyed("gone", lit("x"))),
			keep("Item", "appendExecutionValueToList", keyed("items", lit("first"))),
			codeStep("Read", `module.exports = async ({instanceState, crossFlowState, executionState, integrationState}) => {
				crossFlowState.copy = crossFlowState.big;
				crossFlowState.big.more = true;
				executionState.items.push('second');
				return {data: [instanceState, crossFlowState.n, crossFlowState.gone, executionState, integrationState.seen]};
			};`),
			keep("Both", "getCrossFlowValue", key("big")), keep("Copy", "getCrossFlowValue", key("copy")), keep("Items", "getExecutionValue", key("items")),
			note("Last", tmpl("{{$read.results}} {{$both.results}} {{$copy.results}} {{$items.results}}")),
		),
	}}, nil)
	for _, call := range []struct{ flow, in, want string }{
		{"Code Writes", `{}`, `1 [0] 2 {"by":"both"} mine ["list","n"]`},
		{
			"Steps Write", `{"big":{"id":12345678901234567890,"price":1.50}}`,
			`[{},2,"x",{"items":["first","second"]},{"by":"both"}] {"id":12345678901234567890,"price":1.5,"more":true} {"id":12345678901234567890,"price":1.5,"more":true} ["first","second"]`,
		},
		{"Code Writes", `{}`, `2 [0,2] 4 {"by":"both"} mine ["big","copy","list","n"]`}, // and what it removed is gone
	} {
		if diff := cmp.Diff(call.want, w.answer(hooks[call.flow], call.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", call.flow, diff)
		}
	}
}

// TestCodeThatFailsKeepsNothing has code change what is kept and fail, once for good and once ignored.
func TestCodeThatFailsKeepsNothing(t *testing.T) {
	t.Parallel()
	w := newCodeWorld(t)
	const throws = `module.exports = async ({crossFlowState, executionState}) => { crossFlowState.n = 7; executionState.n = 7; delete crossFlowState.kept; throw new Error('no'); };`
	says := codeStep("Say", `module.exports = async ({crossFlowState}) => ({failed: true, error: 'no', crossFlowState: {n: 8}});`)
	large := codeStep("Large", `module.exports = async () => ({crossFlowState: {n: 9, large: 'x'.repeat(1 << 20)}});`) // refused as a whole
	hooks := w.deployed("fails", ipaas.Definition{DisplayName: "Fails", Flows: []ipaas.Flow{
		syncFlow("Begin", keep("Keep", "saveCrossFlowValue", keyed("kept", lit("here")))),
		syncFlow("Fail", codeStep("Throw", throws)),
		syncFlow("Ignore", ignored(codeStep("Throw", throws)), ignored(says), ignored(large), keep("Own", "getExecutionValue", inputs{"keyInput": lit("n"), "defaultValueInput": lit("none")}), keep("Keys", "listCrossFlowKeys", nil),
			keep("Kept", "getCrossFlowValue", key("kept")), note("Last", tmpl("{{$own.results}} {{$keys.results}} {{$kept.results}}; {{$large.error}}"))),
	}}, nil)
	w.answer(hooks["Begin"], `{}`)
	if reply, err := w.receive(hooks["Fail"], `{}`); err != nil || reply.Response.Status == 200 {
		t.Errorf("the flow that fails answers %d (%v)", reply.Response.Status, err)
	}
	got := w.answer(hooks["Ignore"], `{}`)
	if !strings.HasPrefix(got, `none ["kept"] here; `) || !strings.Contains(got, `"large"`) {
		t.Errorf("after failures the flow sees %s", got)
	}
}

// TestCodeSeesWhatADeploymentKeeps has the code of deploy flows see what these have kept, and nobody else before the deployment is done.
func TestCodeSeesWhatADeploymentKeeps(t *testing.T) {
	t.Parallel()
	w := newCodeWorld(t)
	read := codeStep("Read", `return [context.crossFlowState.topic ?? 'none', context.crossFlowState.n ?? 0, context.crossFlowState.byCode ?? 'none'];`)
	def := ipaas.Definition{DisplayName: "Staged", Flows: []ipaas.Flow{
		syncFlow("Read", read),
		deployFlow("First", keep("Topic", "saveCrossFlowValue", keyed("topic", lit("topic-1"))), keep("N", "incrementCrossFlowValue", key("n")),
			codeStep("Code", `module.exports = async ({crossFlowState: s}) => { s.byCode = s.topic + '/' + s.n; return {}; };`)),
		deployFlow("Second", keep("N", "incrementCrossFlowValue", key("n")), read, note("Note", ref("read.results")), step("Wait", "probe.wait", inputs{"value": lit("held")})),
	}}
	w.publish("int-staged", def)
	w.instance("staged", "int-staged", nil)
	w.probe.gate("held").pass()
	hook := urlsOf(w.deploy("staged"))["Read"]
	if got := w.answer(hook, `{}`); got != `["topic-1",2,"topic-1/1"]` {
		t.Errorf("after the deployment others see %s", got)
	}
	def.Flows[1].Steps[0].Inputs["valueInput"] = lit("topic-2")
	def.Flows[2].Steps[3].Inputs["value"] = lit("again")
	w.publish("int-staged", def)
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "staged", 2, plain)
		ended <- err
	}()
	<-w.probe.gate("again").reached
	if got := w.answer(hook, `{}`); got != `["topic-1",2,"topic-1/1"]` {
		t.Errorf("while another one runs others see %s", got)
	}
	w.probe.gate("again").pass()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := w.answer(hook, `{}`); got != `["topic-2",4,"topic-2/3"]` {
		t.Errorf("after it others see %s", got)
	}
	want := []string{`["topic-1",2,"topic-1/1"]`, `["topic-2",4,"topic-2/3"]`}
	if diff := cmp.Diff(want, w.probe.notes()); diff != "" {
		t.Errorf("its flows saw (-want +got):\n%s", diff)
	}
}
