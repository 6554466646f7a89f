package compat_test

import (
	"fmt"
	"strings"
	"testing"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// hook begins a definition with one flow, to which steps are added.
const hook = `definitionVersion: 7
name: Odd
requiredConfigVars:
  - {key: "A: \"b\" 'c' d.e", dataType: string, defaultValue: x}
flows:
  - name: MY FLOW
    steps:
      - {name: Hook, isTrigger: true, action: {key: webhook, component: {key: webhook-triggers}}}
`

func odd(name, action, more string) string {
	component, key, _ := strings.Cut(action, ".")
	return fmt.Sprintf("      - name: %s\n        action: {key: %s, component: {key: %q}}\n%s", name, key, component, more)
}

func says(message string) string {
	return odd("Say", "log.writeLog", "        inputs: {message: "+message+"}\n")
}

// variables is a definition with config variables, to which flows can be added.
func variables(list string) string {
	return "definitionVersion: 7\nname: Odd\nrequiredConfigVars: [" + list + "]\nflows:\n" + triggered("webhook-triggers.webhook", "description: x")
}

// triggered is a flow with a trigger.
func triggered(trigger, more string) string {
	component, key, _ := strings.Cut(trigger, ".")
	return fmt.Sprintf("  - {name: %s, steps: [{name: T, isTrigger: true, action: {key: %s, component: {key: %s}}, %s}]}\n", key, key, component, more)
}

// nested is loops inside of loops.
func nested(depth int) string {
	var b strings.Builder
	at := "      "
	for i := range depth {
		fmt.Fprintf(&b, "%s- name: Loop %d\n%s  action: {key: loopNTimes, component: {key: loop}}\n%s  inputs: {iterationCount: {type: value, value: '1'}}\n%s  steps:\n", at, i, at, at, at)
		at += "    "
	}
	fmt.Fprintf(&b, "%s- name: Innermost\n%s  action: {key: writeLog, component: {key: log}}\n%s  inputs: {message: {type: value, value: x}}\n", at, at, at)
	return b.String()
}

// TestOdd imports what is odd, and what is too much, and looks at what is said of it: it is taken, or refused with a place and a way out.
func TestOdd(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 200)
	tests := []struct {
		name, text string
		refused    string // what a violation says; "": it is taken
		problem    string // what a problem says; "": there is none
	}{
		{"config variable with everything in its name", hook + says(`{type: configVar, value: "A: \"b\" 'c' d.e"}`), "", ""},
		{"and in a template", hook + says(`{type: template, value: "{{#A: \"b\" 'c' d.e}}"}`), "", ""},
		{"braces of others", hook + says(`{type: template, value: "{{ticket.id}} {{dc.foo}} {{ 5"}`), "", ""},
		{"brackets", hook + says(`{type: reference, value: "hook.results.body.data[0].Id"}`), "", ""},
		{"quoted brackets", hook + says(`{type: reference, value: 'hook.results.body.data.[".tag"]'}`), "", ""},
		{"keys of a flow", hook + says(`{type: reference, value: hook.results.webhookApiKeys.MY FLOW.0}`), "", ""},
		{"component with a space", hook + odd("S", "Standard Triggers.other", ""), "malformed", ""},
		{"component with capitals", hook + odd("S", "helloWorldComponent.helloAction", ""), "", "helloWorldComponent"},
		{"a step in no branch", hook + odd("B", "branch.branchOnValue", "        inputs: {inputValue: {type: value, value: a}, branchValueMappings: {type: complex, value: []}}\n        branches: [{name: Else, steps: []}]\n"), "", ""},
		{"branches alike", hook + odd("B", "branch.branchOnValue", "        inputs: {inputValue: {type: value, value: a}}\n        branches: [{name: X, steps: []}, {name: X, steps: []}]\n"), "X", ""},
		{"a long name of a step", hook + odd(long, "log.writeLog", ""), "", ""},
		{"a longer one", hook + odd(long+"n", "log.writeLog", ""), "200", ""},
		{"as deep as may be", hook + nested(15), "", ""},
		{"too deep", hook + nested(17), "deeper than 16", ""},
		{"nothing but names", "name: test\ndescription: x\ntrigger: {name: t}\nsteps: [{name: s, action: {componentKey: componentKey, key: actionKey}}]\n", "", "componentKey"},
		{"labels that are no texts", hook + "labels: [2024, true, 1.50, null]\n", "", ""},
		{"a row without a name", hook + odd("O", "collection-tools.createObject", `        inputs: {keyValueInput: {type: complex, value: [{name: null, type: value, value: ""}, {name: w, type: value, value: x}]}}`+"\n"), "", ""},
		{"variables whose names make each other's ids", variables("{key: API Key, dataType: string, defaultValue: a}, {key: api-key, dataType: string, defaultValue: b}, {key: api key, dataType: string, defaultValue: c}"), "", ""},
		{"a default of several lines", variables(`{key: A, dataType: string, defaultValue: "a\nb\n"}`), "", ""},
		{"a page with more text than a heading holds", variables("") + "configPages: [{name: P, elements: [{type: htmlElement, value: '<p>" + strings.Repeat("ü ", 3000) + "</p>'}, {type: htmlElement, value: <hr/>}]}]\n", "", ""},
		{"visibility that is null", variables("{key: A, dataType: string, orgOnly: null, defaultValue: a, meta: {visibleToCustomerDeployer: null, visibleToOrgDeployer: null}}"), "", ""},
		{"a connection in old words", variables("{key: A, dataType: connection, connection: {key: basic, componentKey: http}}"), "", ""},
		{"Sunday as 7", variables(`{key: A, dataType: schedule, defaultValue: "0 8 * * 5-7"}`) + triggered("schedule-triggers.schedule", `schedule: {type: value, value: "0 8 * * 7"}`), "", ""},
		{"a day 8 of the week", variables("") + triggered("schedule-triggers.schedule", `schedule: {type: value, value: "0 8 * * 1-8"}`), "range", ""},
		{"the URL of a flow with all in its name", strings.ReplaceAll(hook, "MY FLOW", `"Sync v1.2 [beta] (it's \"new\") Inc."`) + says(`{type: reference, value: "hook.results.webhookUrls.Sync v1.2 [beta] (it's \"new\") Inc."}`), "", ""},
		{"brackets elsewhere", hook + says(`{type: reference, value: "hook.results.body.data[beta]"}`), "brackets hold a number", ""},
		{"an endpoint that does not say for which flow", "endpointType: instance_specific\n" + hook, "line 1: a URL for several flows", ""},
		{"a reference to what only another branch has", hook + odd("B", "branch.branchOnValue", "        inputs: {inputValue: {type: value, value: a}, branchValueMappings: {type: complex, value: [{name: X, type: value, value: a}]}}\n"+
			"        branches:\n          - {name: X, steps: [{name: In X, action: {key: getCurrentDateTime, component: {key: datetime}}}]}\n          - {name: Else, steps: []}\n") +
			says(`{type: reference, value: inX.results}`), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			res, err := b.imports(integrationID, tt.text)
			if tt.refused != "" {
				if err == nil || !strings.Contains(everything(err), tt.refused) || !strings.Contains(everything(err), "line ") {
					t.Errorf("it is answered %v, and nothing says %q with its line", err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(everything(err))
			}
			var found []string
			for _, p := range res.GetIntegration().GetProblems() {
				found = append(found, p.GetDescription())
			}
			if said := strings.Join(found, "\n"); tt.problem == "" && said != "" || !strings.Contains(said, tt.problem) {
				t.Errorf("the problems are %q, want one with %q", said, tt.problem)
			}
			first := b.native(integrationID)
			text, err := b.exports(integrationID, headracev1.DefinitionFormat_DEFINITION_FORMAT_V7)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.imports("again", text); err != nil {
				t.Fatalf("the export is refused: %s\n%s", everything(err), text)
			}
			if again := b.native("again"); fmt.Sprint(first) != fmt.Sprint(again) {
				t.Errorf("the export is another definition:\n%v\n%v", first, again)
			}
		})
	}
}
