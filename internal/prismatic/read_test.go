package prismatic_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/prismatic"
)

// flow is a definition with one flow: what the flow says beside its steps, and its steps behind the trigger.
func flow(more, steps string) string {
	return "definitionVersion: 7\nname: A\nflows:\n  - name: F\n" + indent(4, more) +
		"    steps:\n      - {name: Hook, isTrigger: true, action: {key: webhook, component: {key: webhook-triggers}}}\n" + indent(6, steps)
}

// step is a flow with one step that logs: what the step says beside its name and action.
func step(more string) string {
	return flow("", "- name: S\n  action: {key: writeLog, component: {key: log}}\n"+indent(2, more))
}

// variable is a definition with one config variable.
func variable(more string) string {
	return "definitionVersion: 7\nname: A\nflows: [{name: F}]\nrequiredConfigVars:\n  - key: V\n" + indent(4, more)
}

func indent(by int, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Repeat(" ", by) + strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}

func told(read *prismatic.Reading) []string {
	var out []string
	for _, v := range read.Violations {
		out = append(out, fmt.Sprintf("%s %s", v.Reason, v.Field))
	}
	d := read.Definition
	d.Normalize(nil, time.Now())
	if len(out) == 0 {
		for _, v := range read.InFile(d.Validate()) {
			out = append(out, fmt.Sprintf("%s %s", v.Reason, v.Field))
		}
	}
	for _, n := range read.Notes {
		out = append(out, fmt.Sprintf("%s %s", n.Kind, n.Path))
	}
	return out
}

// readCase is a definition as somebody wrote it. want is the part of what is read that get takes; told is every violation and note, in no
// order.
type readCase struct {
	name, text string
	get        func(d *ipaas.Definition) any
	want       any
	told       []string
}

// reads reads what files say, rightly and sloppily, and writes it and reads it again where nothing is wrong with it.
func reads(t *testing.T, cases []readCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := parse(t, tt.text)
			read := prismatic.Read(v)
			if diff := cmp.Diff(slices.Sorted(slices.Values(tt.told)), slices.Sorted(slices.Values(told(prismatic.Read(v))))); diff != "" {
				t.Errorf("violations and notes (-want +got):\n%s\n%v\n%v", diff, read.Violations, read.Notes)
			}
			if diff := cmp.Diff(tt.want, tt.get(&read.Definition)); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			if len(read.Violations) == 0 {
				checkRoundTrip(t, read.Definition, true)
			}
		})
	}
}

// hook is the trigger of flow, noFlow what is told of variable, whose flow has none.
var (
	hook   = ipaas.Trigger{DisplayName: "Hook", Type: ipaas.TriggerWebhook}
	noFlow = []string{"ASSUMED flows[0]"}
)

func firstFlow(d *ipaas.Definition) any { return d.Flows[0] }

func firstVariable(d *ipaas.Definition) any { return d.ConfigVariables[0] }

func reference(text string) *ipaas.Input { return &ipaas.Input{Kind: ipaas.InputReference, Text: text} }

// TestRead reads what all of a definition is made of: its layouts, and what stands at the top.
func TestRead(t *testing.T) {
	t.Parallel()
	reads(t, []readCase{
		{
			"what cannot be read", "definitionVersion: 9\nname: [A]\nflows: {a: b}\nsteps: [{}]\nrequiredConfigVars: 3\nconfigPages: [1]\nlabels: [[]]\nendpointType: none\n",
			func(*ipaas.Definition) any { return nil }, nil,
			[]string{
				"NOT_A_CHOICE definitionVersion", "WRONG_TYPE name", "WRONG_TYPE requiredConfigVars", "MISPLACED steps", "WRONG_TYPE flows", "WRONG_TYPE configPages[0]",
				"NOT_A_CHOICE endpointType", "ASSUMED configPages[0]",
			},
		},
		{
			"steps that cannot be read", flow("", "- 1\n- {name: B, isTrigger: true, action: a.b}\n- {name: C, action: {key: x}}\n- {name: D, branches: [1], steps: x}\n"),
			func(*ipaas.Definition) any { return nil }, nil,
			[]string{
				"WRONG_TYPE flows[0].steps[1]", "REQUIRED flows[0].steps[1].action", "MISPLACED flows[0].steps[2].isTrigger", "WRONG_TYPE flows[0].steps[2].action",
				"REQUIRED flows[0].steps[3].action", "REQUIRED flows[0].steps[4].action",
				"WRONG_TYPE flows[0].steps[4].branches[0]", "WRONG_TYPE flows[0].steps[4].steps",
			},
		},
		{
			"a trigger with steps of its own", "name: A\nflows: [{name: F, steps: [{name: T, isTrigger: true, branches: [{name: B}], schedule: {value: x}}]}]\n",
			func(*ipaas.Definition) any { return nil }, nil,
			[]string{"MALFORMED flows[0].steps[0].schedule.value", "MISPLACED flows[0].steps[0].branches", "ASSUMED flows[0].steps[0]"},
		},
		{
			"schedules that are none", "name: A\nflows:\n  - {name: F, steps: [{name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, schedule: {value: TZ=0}}]}\n" +
				"  - {name: G, steps: [{name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, schedule: {value: 0 0 8 * * *}}]}\n",
			func(*ipaas.Definition) any { return nil }, nil,
			[]string{"ASSUMED flows[0].steps[0]", "ASSUMED flows[1].steps[0]", "MALFORMED flows[0].steps[0].schedule.value", "MALFORMED flows[1].steps[0].schedule.value"},
		},
		{
			"names that are taken, too long or missing", "name: A\nrequiredConfigVars: [{key: V, dataType: string}, {key: V, dataType: string}]\nflows: [{name: F, trigger: {name: T}, steps: [" +
				"{name: S, action: {key: a, component: {key: x}}}, {name: S, action: {key: a, component: {key: x}}, inputs: {i: {type: reference, value: s.results}}}, {action: {key: a, component: {key: x}}}]}, {name: " +
				strings.Repeat("n", 201) + ", trigger: {name: T}}]\n",
			func(*ipaas.Definition) any { return nil }, nil,
			[]string{
				"DUPLICATE flows[0].steps[1].name", "REQUIRED flows[0].steps[2].name", "TOO_LARGE flows[1].name", "DUPLICATE requiredConfigVars[1].key",
				"ASSUMED flows[0].trigger", "ASSUMED flows[1].trigger",
			},
		},
		{
			"more than may be asked for", flow("retryConfig: {maxAttempts: 1, delayMinutes: 90}\nqueueConfig: {concurrencyLimit: 99}\n",
				"- {name: S, action: {key: a, component: {key: x}}, errorConfig: {errorHandlerType: retry, maxAttempts: 9, delaySeconds: 300}}\n"),
			firstFlow,
			ipaas.Flow{
				DisplayName: "F", Trigger: hook, Concurrency: 15, Retry: &ipaas.Retry{MaxAttempts: 1, Delay: time.Hour, Multiplier: 1},
				Steps: []ipaas.Step{{DisplayName: "S", Action: "x.a", OnError: &ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 5, Delay: time.Minute}}},
			},
			[]string{
				"CHANGED flows[0].retryConfig.delayMinutes", "CHANGED flows[0].queueConfig.concurrencyLimit",
				"CHANGED flows[0].steps[1].errorConfig.maxAttempts", "CHANGED flows[0].steps[1].errorConfig.delaySeconds",
			},
		},
		{
			"an order by the clock", "name: A\nflows:\n  - name: F\n    queueConfig: {usesFifoQueue: true}\n    steps:\n" +
				"      - {name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, schedule: {value: 0 8 * * *}}\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerSchedule, Schedule: &ipaas.Schedule{Cron: "0 8 * * *"}}},
			[]string{"DROPPED flows[0].queueConfig.usesFifoQueue"},
		},
		{
			"a schedule by an interval", variable("dataType: schedule\ndefaultValue: '@every 2h'\ntimeZone: Europe/Berlin\n"),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigSchedule, Default: `"CRON_TZ=Europe/Berlin 0 */2 * * *"`},
			append(noFlow, "CHANGED requiredConfigVars[0].defaultValue"),
		},
		{
			"a shared connection with inputs", variable("dataType: connection\nuseScopedConfigVar: k\ninputs: {a: {type: value, value: x}}\n"),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigConnection, ConnectionType: "shared.k", SharedConnection: "k", Required: true},
			append(noFlow, "DROPPED requiredConfigVars[0].inputs", "ASSUMED requiredConfigVars[0].useScopedConfigVar"),
		},
		{
			"an old layout without a trigger", "name: A\nsteps: [{name: S, action: {key: a, componentKey: x}}]\n",
			firstFlow,
			ipaas.Flow{DisplayName: "Flow 1", Trigger: ipaas.Trigger{Type: ipaas.TriggerWebhook}, Steps: []ipaas.Step{{DisplayName: "S", Action: "x.a"}}},
			[]string{"ASSUMED steps", "ASSUMED steps"},
		},
		{
			"headings with spaces", "name: A\nflows: [{name: F}]\nrequiredConfigVars: [{key: V, dataType: string, defaultValue: d, header: ' '}, {key: W, dataType: string, defaultValue: d, header: '  a  b'}]\n",
			func(d *ipaas.Definition) any { return d.ConfigPages[0].Elements },
			[]ipaas.ConfigElement{{ConfigVariable: "V"}, {Heading: "a b"}, {ConfigVariable: "W"}},
			append(noFlow, "CHANGED requiredConfigVars"),
		},
		{
			"a trigger in other words", "name: A\nflows: [{name: F, steps: [{name: T, isTrigger: yes, action: {key: poll, component: {key: x}}}]}, {name: G, steps: [{name: T, isTrigger: 1, action: {key: poll, component: {key: x}}}]}]\n",
			func(d *ipaas.Definition) any { return []string{d.Flows[0].Trigger.Type, d.Flows[1].Trigger.Type} },
			[]string{"x.poll", "x.poll"},
			nil,
		},
		{
			"references in blocks", step("inputs:\n  x:\n    type: reference\n    value: |2\n       hook.results\n  a: {type: reference, value: 'hook.results.webhookUrls.F '}\n"),
			func(d *ipaas.Definition) any {
				return []string{d.Flows[0].Steps[0].Inputs["x"].Text, d.Flows[0].Steps[0].Inputs["a"].Text}
			},
			[]string{"hook.results", "hook.results.webhookUrls.F "},
			nil,
		},
		{
			"names in blocks", "name: |\n  A\nflows:\n  - name: >\n      F\n    trigger: {name: \"T\\r\\n\"}\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerWebhook}},
			[]string{"ASSUMED flows[0].trigger"},
		},
		{
			"what holds nothing", flow("description: {}\nisSynchronous: []\nretryConfig: []\nqueueConfig: ''\n", "- {name: S, action: {key: a, component: {key: x}}, inputs: [], steps: {}, branches: '', errorConfig: []}"),
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: hook, Steps: []ipaas.Step{{DisplayName: "S", Action: "x.a"}}},
			nil,
		},
		{
			"a name with spaces", variable("dataType: string\ndefaultValue: d\n") + "  - {key: ' W ', dataType: string, defaultValue: d}\n" +
				"trigger: null\n",
			func(d *ipaas.Definition) any { return d.ConfigVariables[1].DisplayName }, " W ",
			noFlow,
		},
		{
			"inputs that name variables with spaces", step("inputs:\n  a: {type: configVar, value: ' W '}\n  x: {type: configVar, value: ' V '}\n  c: {type: configVar, value: W}\n") +
				"requiredConfigVars: [{key: V, dataType: string, defaultValue: d}, {key: ' W ', dataType: string, defaultValue: d}]\n",
			func(d *ipaas.Definition) any {
				in := d.Flows[0].Steps[0].Inputs
				return []string{in["a"].Text, in["x"].Text, in["c"].Text}
			},
			[]string{" W ", "V", " W "},
			nil,
		},
		{
			"labels", "name: A\ndefinitionVersion: 7\nflows: [{name: F}]\nlabels: [a, b, a, '']\n",
			func(d *ipaas.Definition) any { return d.Labels },
			map[string]string{"a": "", "b": ""},
			append([]string{"DROPPED labels[2]"}, noFlow...),
		},
		{
			"pages", "name: A\nflows: [{name: F}]\nrequiredConfigVars: [{key: V, dataType: jsonForm}]\nconfigPages:\n  - name: P\n    tagline: T\n    userLevelConfigured: true\n    elements:\n" +
				"      - {type: htmlElement, value: '<h2>Where &amp; <b>how</b></h2>'}\n      - {type: htmlElement, value: a &lt; b}\n      - {type: configVar, value: V}\n" +
				"      - {type: jsonForm, value: V}\n      - {type: jsonForm, value: W}\n      - {type: configVar, value: ''}\n  - elements: []\n",
			func(d *ipaas.Definition) any { return d.ConfigPages },
			[]ipaas.ConfigPage{
				{Title: "P", Tagline: "T", Elements: []ipaas.ConfigElement{{Heading: "Where & how"}, {Heading: "a < b"}, {ConfigVariable: "V"}, {ConfigVariable: "V"}}},
				{Title: "Configuration"},
			},
			append(noFlow, "DROPPED configPages[0].userLevelConfigured", "CHANGED configPages[0].elements[0].value", "CHANGED configPages[0].elements[3].type",
				"DROPPED configPages[0].elements[4]", "ASSUMED configPages[1]"),
		},
		{
			"one URL for all", "name: A\nflows: [{name: F, trigger: {name: T}}, {name: Pre, trigger: {name: T}}]\nendpointType: shared_instance\npreprocessFlowName: Pre\n" +
				"flowNameField: {type: reference, value: onExecution.results.flow}\nexternalCustomerIdField: {type: reference, value: payload.body.data.account}\n",
			func(d *ipaas.Definition) any { return d.Endpoint },
			&ipaas.Endpoint{
				Type: ipaas.EndpointShared, PreprocessFlow: "Pre", FlowName: reference("onExecution.results.flow"), CustomerID: reference("payload.body.data.account"),
			},
			[]string{"ASSUMED flows[0].trigger", "ASSUMED flows[1].trigger"},
		},
		{
			"a URL for each flow asks for nothing", "name: A\nflows: [{name: F, trigger: {name: T}}]\nendpointType: flow_specific\npreprocessFlowName: F\nflowNameField: {type: reference, value: a.b}\n",
			func(d *ipaas.Definition) any { return d.Endpoint }, (*ipaas.Endpoint)(nil),
			[]string{"ASSUMED flows[0].trigger", "DROPPED preprocessFlowName", "DROPPED flowNameField"},
		},
		{
			"one URL for the flows needs to know which", "name: A\nflows: [{name: F, trigger: {name: T}}]\nendpointType: instance_specific\npreprocessFlowName: G\n",
			func(d *ipaas.Definition) any { return d.Endpoint.Type }, ipaas.EndpointPerInstance,
			[]string{"REQUIRED flowNameField", "MALFORMED preprocessFlowName", "ASSUMED flows[0].trigger"},
		},
		{
			"what is kept nowhere", "name: A\nflows: [{name: F}]\ndefaultInstanceProfile: Mine\nisCodeNative: true\nversion: 3\nimportMetadata: {a: 1}\ncomponentVersions: {code: 3}\nisSynchronous: true\n",
			func(*ipaas.Definition) any { return nil }, nil,
			append([]string{"DROPPED isSynchronous"}, append(noFlow, "DROPPED defaultInstanceProfile", "DROPPED isCodeNative", "DROPPED version", "DROPPED importMetadata",
				"DROPPED componentVersions")...),
		},
	})
}

func TestIs(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"definitionVersion: 7": true, "trigger: {}": true, "steps: []": true, "requiredConfigVars: {}": true,
		"flows: [{steps: [{isTrigger: true}]}]": true, "flows: [{steps: [{action: {key: a}}]}]": true, "flows: [{steps: [{action: a.b}]}]": false,
		"displayName: A": false, "flows: []": false, "- a": false, "hello": false, "displayName: A\nflows: [{steps: [{isTrigger: true}]}]": false,
	}
	for text, want := range tests {
		if got := prismatic.Is(parse(t, text)); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
}
