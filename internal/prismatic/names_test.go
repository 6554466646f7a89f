package prismatic_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/prismatic"
)

// TestReadTellsStepsApart reads flows whose steps have names that make the same key, or none. Where nothing in the flow says the key, they
// get other names; else nobody knows which step is meant, and the second one is refused.
func TestReadTellsStepsApart(t *testing.T) {
	t.Parallel()
	say := func(name, more string) string {
		return "- {name: '" + name + "', action: {key: writeLog, component: {key: log}}" + more + "}\n"
	}
	refers := func(kind, text string) string {
		return ", inputs: {message: {type: " + kind + ", value: '" + text + "'}}"
	}
	tests := []struct {
		name, steps string
		want        []string // the trigger, then the steps
		told        []string
	}{
		{"apart", say("Say", "") + say("Say 2", ""), []string{"Hook", "Say", "Say 2"}, nil},
		{"the same name", say("Say", "") + say("Say", "") + say("Say", ""), []string{"Hook", "Say", "Say 2", "Say 3"}, []string{"CHANGED flows[0].steps[2].name", "CHANGED flows[0].steps[3].name"}},
		{"a number that is taken", say("Say", "") + say("Say 2", "") + say("Say", ""), []string{"Hook", "Say", "Say 2", "Say 3"}, []string{"CHANGED flows[0].steps[3].name"}},
		{"the same key", say("Say It", "") + say("say-IT", ""), []string{"Hook", "Say It", "say-IT 2"}, []string{"CHANGED flows[0].steps[2].name"}},
		{"the key of the trigger", say("hook", ""), []string{"Hook", "hook 2"}, []string{"CHANGED flows[0].steps[1].name"}},
		{"the word for the trigger", say("Trigger", ""), []string{"Hook", "Trigger 2"}, []string{"CHANGED flows[0].steps[1].name"}},
		{"neither letters nor digits", say("🚀", "") + say("🚀", "") + say("--", ""), []string{"Hook", "🚀 2", "🚀 3", "-- 4"}, []string{"CHANGED flows[0].steps[1].name", "CHANGED flows[0].steps[2].name", "CHANGED flows[0].steps[3].name"}},
		{"in branches and loops", "- {name: Loop, action: {key: loopNTimes, component: {key: loop}}, steps: [{name: Say, action: {key: a, component: {key: b}}}]}\n" +
			"- {name: B, action: {key: branchOnValue, component: {key: branch}}, branches: [{name: X, steps: [{name: Say, action: {key: a, component: {key: b}}}]}]}\n", []string{"Hook", "Loop", "Say", "B", "Say 2"}, []string{"CHANGED flows[0].steps[2].branches[0].steps[0].name"}},
		{"a reference", say("Say", "") + say("Say", refers("reference", "say.results")), []string{"Hook", "Say", "Say"}, []string{"DUPLICATE flows[0].steps[2].name"}},
		{"a template", say("Say", "") + say("Say", refers("template", "a {{$say.results}}")), []string{"Hook", "Say", "Say"}, []string{"DUPLICATE flows[0].steps[2].name"}},
		{"a name of an item", say("Say", "") + say("Say", ", inputs: {x: {type: complex, value: [{name: {type: reference, value: say.results}, type: value, value: a}]}}"), []string{"Hook", "Say", "Say"}, []string{"DUPLICATE flows[0].steps[2].name"}},
		{"code", say("Say", "") + say("Say", "") + "- {name: Run, action: {key: runCode, component: {key: code}}, inputs: {code: {type: value, value: 'module.exports = async (c, { say }) => ({ data: say })'}}}\n", []string{"Hook", "Say", "Say", "Run"}, []string{"DUPLICATE flows[0].steps[2].name"}},
		{"code with another word that begins so", say("Say", "") + say("Say", "") + "- {name: Run, action: {key: runCode, component: {key: code}}, inputs: {code: {type: value, value: \"module.exports = async (c, s) => ({ data: s['sayIt'] })\"}}}\n", []string{"Hook", "Say", "Say 2", "Run"}, []string{"CHANGED flows[0].steps[2].name"}},
		{"code on a line of its own", say("Say", "") + say("Say", "") + "- {name: Run, action: {key: runCode, component: {key: code}}, inputs: {code: {type: value, value: \"module.exports = async (c, {\\nsay }) => 1\"}}}\n", []string{"Hook", "Say", "Say", "Run"}, []string{"DUPLICATE flows[0].steps[2].name"}},
		{"text that is no code", say("Say", refers("value", "say")) + say("Say", ""), []string{"Hook", "Say", "Say 2"}, []string{"CHANGED flows[0].steps[2].name"}},
		{"another key that begins so", say("Say", "") + say("Say", refers("reference", "sayIt.results")), []string{"Hook", "Say", "Say 2"}, []string{"CHANGED flows[0].steps[2].name"}},
		{"references to the trigger by its word", say("Trigger", refers("reference", "trigger.results")), []string{"Hook", "Trigger"}, []string{"DUPLICATE flows[0].steps[1].name"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			read := prismatic.Read(parse(t, flow("", tt.steps)))
			f := read.Definition.Flows[0]
			got := append([]string{f.Trigger.DisplayName}, names(f.Steps)...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.told, told(read)); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

func names(steps []ipaas.Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.DisplayName)
		for _, b := range s.Branches {
			out = append(out, names(b.Steps)...)
		}
		out = append(out, names(s.Steps)...)
	}
	return out
}
