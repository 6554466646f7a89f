package control_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
)

// TestLogicOfAFlow runs the built-in actions that decide and reckon where they belong: in a flow, with references between them.
func TestLogicOfAFlow(t *testing.T) {
	t.Parallel()
	list := func(items ...ipaas.Input) ipaas.Input { return ipaas.Input{Kind: ipaas.InputComplex, Items: items} }
	branch := step("Choose", "branch.branchOnValue", inputs{
		"inputValue": ref("trigger.results.body.data.kind"),
		"branchValueMappings": list(
			ipaas.Input{Kind: ipaas.InputValue, Text: `"order"`, Name: "Order"}, ipaas.Input{Kind: ipaas.InputConfigVariable, Text: "Kind", Name: "Bill"},
		),
	})
	branch.Branches = []ipaas.Branch{
		{Name: "Order", Steps: []ipaas.Step{step("Sum", "math.add", inputs{"numbers": list(ref("trigger.results.body.data.net"), lit("0.2"))})}},
		{Name: "Bill", Steps: []ipaas.Step{step("Part", "text-manipulation.split", inputs{"text": lit("a/b"), "separator": lit("/")})}},
		{Name: "Else", Steps: []ipaas.Step{step("Nothing", "sleep.sleep", inputs{"ms": lit("1")})}},
	}
	rounds := step("Rounds", "loop.loopOverCollection", inputs{"collection": ref("chunks.results")})
	rounds.Steps = []ipaas.Step{note("Round", ref("rounds.currentItem"))}
	def := ipaas.Definition{
		DisplayName: "Logic", ConfigVariables: []ipaas.ConfigVariable{{DisplayName: "Kind", Default: `"bill"`}},
		Flows: []ipaas.Flow{hookFlow("Main",
			branch,
			step("Executed", "branch.selectExecutedStepResult", inputs{"stepResults": list(ref("sum.results"), ref("part.results"), ref("nothing.results"))}),
			note("Result", ref("executed.results")),
			step("Chunks", "collection-tools.chunks", inputs{"listInput": lit("[1,2,3]"), "numberInput": lit("2")}),
			rounds,
		)},
	}
	w := newWorld(t)
	w.drafted("logic", def, map[string]string{})
	for _, payload := range []string{`{"kind":"order","net":0.1}`, `{"kind":"bill"}`, `{"kind":"none"}`} {
		if ex := w.test("logic", "main", &ipaas.TestPayload{Kind: ipaas.BodyJSON, Text: payload}).Execution; ex.State != ipaas.ExecutionSucceeded {
			t.Fatalf("with %s it is %s: %+v", payload, ex.State, ex.Error)
		}
	}
	want := []string{`0.3`, `[1,2]`, `[3]`, `["a","b"]`, `[1,2]`, `[3]`, `null`, `[1,2]`, `[3]`}
	if diff := cmp.Diff(want, w.probe.notes()); diff != "" {
		t.Errorf("the flow noted (-want +got):\n%s", diff)
	}
}
