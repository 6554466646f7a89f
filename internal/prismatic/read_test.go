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
	"github.com/headrace/headrace/internal/value"
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

// TestReadSaysWhatBecomesOfThings reads what files say, rightly and sloppily. want is the part that get takes; told is every
// violation and note, in no order.
func TestReadSaysWhatBecomesOfThings(t *testing.T) {
	t.Parallel()
	firstFlow := func(d *ipaas.Definition) any { return d.Flows[0] }
	inputs := func(d *ipaas.Definition) any { return d.Flows[0].Steps[0].Inputs }
	input := func(d *ipaas.Definition) any { return d.Flows[0].Steps[0].Inputs["x"] }
	first := func(d *ipaas.Definition) any { return d.ConfigVariables[0] }
	hook := ipaas.Trigger{DisplayName: "Hook", Type: ipaas.TriggerWebhook}
	reference := func(text string) *ipaas.Input { return &ipaas.Input{Kind: ipaas.InputReference, Text: text} }
	items := func(items ...ipaas.Input) ipaas.Input { return ipaas.Input{Kind: ipaas.InputComplex, Items: items} }
	named := func(name string, in ipaas.Input) ipaas.Input { in.Name = name; return in }
	noFlow := []string{"ASSUMED flows[0]"} // variable leaves its flow without a trigger
	tests := []struct {
		name, text string
		get        func(d *ipaas.Definition) any
		want       any
		told       []string
	}{
		// Flows.
		{
			"a flow with everything",
			flow(`description: D
stableKey: k
isSynchronous: "false"
endpointSecurityType: customer_required
retryConfig: {maxAttempts: "3", delayMinutes: 5, usesExponentialBackoff: true, uniqueRequestIdField: {type: reference, value: hook.results.body.data.id}}
queueConfig: {usesFifoQueue: true, concurrencyLimit: 4, dedupeIdField: body.data.id}
`, ""),
			firstFlow,
			ipaas.Flow{
				DisplayName: "F", Description: "D", StableKey: "k", Trigger: hook, Security: ipaas.SecurityCustomerRequired, Concurrency: 4,
				Retry: &ipaas.Retry{
					MaxAttempts: 3, Delay: 5 * time.Minute, Multiplier: 2, RequestKey: reference("hook.results.body.data.id"),
				},
				Ordering: &ipaas.Ordering{Scope: ipaas.OrderByFlow}, DeduplicationKey: reference("trigger.results.body.data.id"),
			},
			[]string{"ASSUMED flows[0].queueConfig.dedupeIdField"},
		},
		{
			"a synchronous flow neither tries again nor keeps an order",
			flow("isSynchronous: true\nretryConfig: {maxAttempts: 3, delayMinutes: 5}\nqueueConfig: {usesFifoQueue: true, singletonExecutions: true}\n", ""),
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: hook, Synchronous: true},
			[]string{"DROPPED flows[0].retryConfig", "DROPPED flows[0].queueConfig.singletonExecutions", "DROPPED flows[0].queueConfig.usesFifoQueue"},
		},
		{
			"what has no place",
			flow(`organizationApiKeys: [hush]
isAgentFlow: true
schemas: {invoke: {type: object}}
supplementalComponents: [{component: {key: x}}]
triggerResolver: {enabled: true, batchSize: 3}
testPayload: "{}"
colour: red
empty: ""
`, ""),
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: hook},
			[]string{
				"DROPPED flows[0].organizationApiKeys", "DROPPED flows[0].isAgentFlow", "DROPPED flows[0].schemas", "DROPPED flows[0].supplementalComponents",
				"DROPPED flows[0].triggerResolver", "DROPPED flows[0].testPayload", "DROPPED flows[0].colour",
			},
		},
		{
			"a retry without attempts, and none without words", flow("retryConfig: {maxAttempts: 0, delayMinutes: 5}\nqueueConfig: {}\n", ""),
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: hook},
			nil,
		},
		// Triggers.
		{
			"a schedule", "name: A\nflows:\n  - name: F\n    steps:\n      - {name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, " +
				"schedule: {type: value, value: '00 00 * * 0', meta: {scheduleType: week, timeZone: Europe/Berlin}}}\n    queueConfig: {singletonExecutions: true}\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{
				DisplayName: "T", Type: ipaas.TriggerSchedule, Schedule: &ipaas.Schedule{Cron: "00 00 * * 0", TimeZone: "Europe/Berlin", Singleton: true},
			}},
			[]string{"DROPPED flows[0].steps[0].schedule.meta.scheduleType"},
		},
		{
			"a trigger that is not marked", "name: A\ndefinitionVersion: 7\nflows: [{name: F, steps: [{name: T, action: {key: instanceDeploy, component: {key: management-triggers}}}]}]\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerInstanceDeploy}},
			[]string{"ASSUMED flows[0].steps[0]"},
		},
		{
			"an empty schedule", "name: A\nflows:\n  - name: F\n    steps:\n      - {name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, " +
				"schedule: {type: value, value: '', meta: {scheduleType: none}}}\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerSchedule}},
			[]string{"ASSUMED flows[0].steps[0]"},
		},
		{
			"a polling trigger", "name: A\nflows:\n  - name: F\n    queueConfig: {singletonExecutions: true}\n    steps:\n      - {name: T, isTrigger: true, action: {key: poll, component: {key: salesforce}}, " +
				"schedule: {type: value, value: '*/5 * * * *'}}\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "T", Type: "salesforce.poll", Schedule: &ipaas.Schedule{Cron: "*/5 * * * *", Singleton: true}}},
			[]string{"CHANGED flows[0].steps[0].schedule"},
		},
		{
			"a webhook with a schedule", "name: A\nflows:\n  - name: F\n    steps:\n      - {name: T, isTrigger: true, action: {key: webhook, component: {key: webhook-triggers}}, " +
				"schedule: {type: value, value: '*/5 * * * *'}}\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerWebhook}},
			[]string{"DROPPED flows[0].steps[0].schedule"},
		},
		{
			"schedules by other words", "name: A\nflows:\n  - {name: F, steps: [{name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, schedule: {value: '@every 15m'}}]}\n" +
				"  - {name: G, steps: [{name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, schedule: {value: '@daily'}}]}\n",
			func(d *ipaas.Definition) any {
				return []*ipaas.Schedule{d.Flows[0].Trigger.Schedule, d.Flows[1].Trigger.Schedule}
			},
			[]*ipaas.Schedule{{Cron: "*/15 * * * *"}, {Cron: "@daily"}},
			[]string{"CHANGED flows[0].steps[0].schedule.value"},
		},
		{
			"a flow of version 4", "definitionVersion: 4\nname: A\nflows:\n  - name: F\n    trigger: {name: Start, action: {componentKey: Standard Triggers, key: trigger}}\n" +
				"    steps: [{name: S, action: {componentKey: reformat, key: jsonToXml}, credential: Key}]\n",
			firstFlow,
			ipaas.Flow{
				DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "Start", Type: ipaas.TriggerWebhook},
				Steps: []ipaas.Step{{
					DisplayName: "S", Action: "change-data-format.jsonToXml",
					Inputs: map[string]ipaas.Input{"connection": {Kind: ipaas.InputConfigVariable, Text: "Key"}},
				}},
			},
			[]string{"CHANGED flows[0].trigger.action", "CHANGED flows[0].steps[0].action.componentKey", "CHANGED flows[0].steps[0].credential"},
		},
		{
			"a layout without flows", "name: A\nisSynchronous: true\ntrigger: {name: T, schedule: null}\nsteps: []\nrequiredConfigVars: {a: 1, b: null}\n",
			func(d *ipaas.Definition) any { return []any{d.Flows[0], d.ConfigVariables} },
			[]any{
				ipaas.Flow{DisplayName: "Flow 1", Synchronous: true, Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerWebhook}},
				[]ipaas.ConfigVariable{
					{DisplayName: "a", Type: ipaas.ConfigString, Default: `"1"`}, {DisplayName: "b", Type: ipaas.ConfigString, Required: true},
				},
			},
			[]string{"ASSUMED steps", "ASSUMED trigger"},
		},
		// Steps.
		{
			"errors of steps", flow("", `- {name: A, action: {key: a, component: {key: x}}, errorConfig: {errorHandlerType: ignore}}
- {name: B, action: {key: a, component: {key: x}}, errorConfig: {errorHandlerType: retry, maxAttempts: 3, delaySeconds: "10", usesExponentialBackoff: true, ignoreFinalError: true}}
- {name: C, action: {key: a, component: {key: x}}, errorConfig: {errorHandlerType: fail, maxAttempts: 3}}
`),
			func(d *ipaas.Definition) any {
				return []any{d.Flows[0].Steps[0].OnError, d.Flows[0].Steps[1].OnError, d.Flows[0].Steps[2].OnError}
			},
			[]any{
				&ipaas.ErrorHandling{Effect: ipaas.ErrorIgnore},
				&ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 3, Delay: 10 * time.Second, Multiplier: 2, IgnoreFinal: true},
				(*ipaas.ErrorHandling)(nil),
			},
			[]string{"DROPPED flows[0].steps[3].errorConfig"},
		},
		{
			"a loop without steps", flow("", "- {name: L, stableKey: l, action: {key: loopOverItems, component: {key: loop, version: 16, isPublic: true}}, steps: [], inputs: null}\n"),
			func(d *ipaas.Definition) any { return d.Flows[0].Steps },
			[]ipaas.Step{{DisplayName: "L", StableKey: "l", Action: "loop.loopOverItems"}},
			[]string{"DROPPED flows[0].steps[1].action.component.version"},
		},
		// Inputs.
		{
			"what forms leave empty", step(`inputs:
  a: {type: value, value: ''}
  b: {type: configVar, value: ''}
  c: {type: reference, value: ''}
  d: {type: complex, value: []}
  e: {type: complex, value: ''}
  f: {type: value, value: null}
  g: null
  h: {type: template, value: ''}
`),
			inputs,
			map[string]ipaas.Input{"a": ipaas.Literal(""), "d": items(), "e": items(), "h": ipaas.Literal("")},
			nil,
		},
		{
			"blocks of other template languages",
			step("inputs: {x: {type: template, value: '{{#if ticket.id}}{{#V}}{{/if}}{{#V}}{{/V}}'}}\n") + "requiredConfigVars: [{key: V, dataType: string, defaultValue: v}]\n",
			inputs,
			map[string]ipaas.Input{"x": {Kind: ipaas.InputTemplate, Text: "{{#if ticket.id}}{{#V}}{{/if}}{{#V}}{{/V}}"}},
			[]string{"ASSUMED flows[0].steps[1].inputs.x.value"},
		},
		{
			"scalars of any kind", step("inputs: {a: {type: value, value: False}, b: {type: value, value: 7}, c: bare, d: {value: x}, e: {type: value, value: {k: [1]}}}\n"),
			inputs,
			map[string]ipaas.Input{
				"a": ipaas.Literal(false), "b": ipaas.Literal(value.Number("7")), "c": ipaas.Literal("bare"), "d": ipaas.Literal("x"),
				"e": {Kind: ipaas.InputValue, Text: `{"k":[1]}`},
			},
			[]string{"ASSUMED flows[0].steps[1].inputs.c", "ASSUMED flows[0].steps[1].inputs.d"},
		},
		{
			"conditions", step("inputs:\n  x:\n    type: complex\n    value:\n      - name: B\n        type: complex\n        value: [and, [isEmpty, {name: '', type: reference, value: hook.results}, " +
				"{name: '', type: reference, value: ''}], [or, [equal, {type: value, value: a}, {type: value, value: 1}]]]\n"),
			input, items(named("B", items(ipaas.Literal("and"),
				items(ipaas.Literal("isEmpty"), *reference("hook.results"), ipaas.Literal(nil)),
				items(ipaas.Literal("or"), items(ipaas.Literal("equal"), ipaas.Literal("a"), ipaas.Literal(value.Number("1"))))))), nil,
		},
		{
			"named values", step(`inputs:
  x:
    type: complex
    value:
      - {name: {type: value, value: Content-Type}, type: value, value: text}
      - {name: plain, type: configVar, value: V}
      - {name: {type: reference, value: hook.results.name}, type: value, value: x}
      - {name: {type: value, value: ''}, type: value, value: ''}
      - {name: {type: value, value: ''}, type: value, value: y}
`),
			input, items(named("Content-Type", ipaas.Literal("text")), named("plain", ipaas.Input{Kind: ipaas.InputConfigVariable, Text: "V"}),
				ipaas.Input{Kind: ipaas.InputValue, Text: `"x"`, NameFrom: reference("hook.results.name")},
				ipaas.Input{Kind: ipaas.InputValue, Text: `"y"`, NameFrom: new(ipaas.Literal(""))}),
			[]string{"DROPPED flows[0].steps[1].inputs.x.value[3]"},
		},
		{
			"named values whose names are empty texts", step(`inputs:
  x:
    type: complex
    value:
      - {name: '', type: value, value: ''}
      - {name: plain, type: value, value: x}
      - {name: '', type: value, value: y}
`),
			input, items(named("plain", ipaas.Literal("x")), ipaas.Input{Kind: ipaas.InputValue, Text: `"y"`, NameFrom: new(ipaas.Literal(""))}),
			[]string{"DROPPED flows[0].steps[1].inputs.x.value[0]"},
		},
		{
			"what is wrong with inputs", step(`inputs:
  a: {type: colour, value: x}
  b: {type: reference, value: [a]}
  c: {type: complex, value: {a: b}}
  d e: {type: reference, value: a..b}
  f: {type: template, value: '{{$a'}
`),
			inputs,
			map[string]ipaas.Input{"c": items(), "d e": *reference("a..b"), "f": {Kind: ipaas.InputTemplate, Text: "{{$a"}},
			[]string{"NOT_A_CHOICE flows[0].steps[1].inputs.a.type", "WRONG_TYPE flows[0].steps[1].inputs.b.value", "WRONG_TYPE flows[0].steps[1].inputs.c.value"},
		},
		{
			"what is wrong with expressions", step("inputs:\n  d e: {type: reference, value: a..b}\n  f: {type: complex, value: [{type: template, value: '{{$a'}]}\n"),
			func(*ipaas.Definition) any { return nil }, nil,
			[]string{`MALFORMED flows[0].steps[1].inputs["d e"]`, "MALFORMED flows[0].steps[1].inputs.f.value[0]"},
		},
		// Structure.
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
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigSchedule, Default: `"CRON_TZ=Europe/Berlin 0 */2 * * *"`},
			append(noFlow, "CHANGED requiredConfigVars[0].defaultValue"),
		},
		{
			"a shared connection with inputs", variable("dataType: connection\nuseScopedConfigVar: k\ninputs: {a: {type: value, value: x}}\n"),
			first,
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
		// Config variables.
		{
			"a picklist", variable("dataType: picklist\npickList: [a, b, a, '', 3]\ndefaultValue: b\norgOnly: true\ndescription: D\nstableKey: v\n"),
			first,
			ipaas.ConfigVariable{
				DisplayName: "V", Description: "D", StableKey: "v", Type: ipaas.ConfigPicklist, Choices: []string{"a", "b", "3"}, Default: `"b"`, OrgOnly: true,
			},
			append(noFlow, "DROPPED requiredConfigVars[0].pickList[2]", "DROPPED requiredConfigVars[0].pickList[3]"),
		},
		{
			"a picklist from a data source", variable("dataType: picklist\ndataSource: {key: d, component: {key: x}}\ninputs: {c: {type: value, value: y}}\n"),
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigString, Required: true},
			append(noFlow, "CHANGED requiredConfigVars[0].dataType", "DROPPED requiredConfigVars[0].dataSource"),
		},
		{
			"lists", variable("dataType: string\ncollectionType: valuelist\ndefaultValue: '[\"a\",\"b\"]'\n"),
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigString, Collection: ipaas.CollectionList, Default: `["a","b"]`},
			noFlow,
		},
		{
			"key/value lists", variable("dataType: string\ncollectionType: keyvaluelist\ndefaultValue: '[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\"a\",\"value\":\"2\"}]'\n"),
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigString, Collection: ipaas.CollectionKeyValueList, Default: `{"a":"2"}`},
			append(noFlow, "DROPPED requiredConfigVars[0].defaultValue[1]"),
		},
		{
			"JSON, whatever it is called", variable("dataType: objectFieldMap\ndefaultValue: '{\"a\": 1.0}'\n"),
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigJSON, Default: `{"a":1.0}`},
			append(noFlow, "CHANGED requiredConfigVars[0].dataType"),
		},
		{
			"numbers and booleans stay texts", variable("dataType: boolean\ndefaultValue: true\n"),
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigBoolean, Default: `"true"`},
			noFlow,
		},
		{
			"a schedule with a time zone", variable("dataType: schedule\ndefaultValue: 0 8 * * *\ntimeZone: Europe/Berlin\nscheduleType: day\n"),
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigSchedule, Default: `"CRON_TZ=Europe/Berlin 0 8 * * *"`},
			append(noFlow, "DROPPED requiredConfigVars[0].scheduleType"),
		},
		{
			"a schedule without a default is not required", variable("dataType: schedule\n"),
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigSchedule},
			noFlow,
		},
		{
			"what customers do not see", variable("dataType: string\nmeta: {visibleToCustomerDeployer: false, isVisibleToOrgDeployer: false, more: 1}\n"),
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigString, Required: true, OrgOnly: true},
			append(noFlow, "CHANGED requiredConfigVars[0].meta.visibleToCustomerDeployer", "DROPPED requiredConfigVars[0].meta.isVisibleToOrgDeployer",
				"DROPPED requiredConfigVars[0].meta.more"),
		},
		{
			"a connection", variable(`dataType: connection
connection: {key: oauth2, component: {key: acme, version: 3, signature: abc}, template: t}
onPremiseConnectionConfig: allowed
collectionType: valuelist
inputs:
  host: {type: value, value: h, meta: {orgOnly: true}}
  port: 80
  none: {type: value, value: ''}
  from: {type: configVar, value: X}
`),
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigConnection, ConnectionType: "acme.oauth2", Default: `{"host":"h","port":80}`},
			append(noFlow, "DROPPED requiredConfigVars[0].collectionType", "DROPPED requiredConfigVars[0].connection.component.version",
				"DROPPED requiredConfigVars[0].connection.component.signature", "DROPPED requiredConfigVars[0].connection.template",
				"DROPPED requiredConfigVars[0].onPremiseConnectionConfig", "DROPPED requiredConfigVars[0].inputs.from", "DROPPED requiredConfigVars[0].inputs"),
		},
		{
			"a shared connection is of the component that takes it",
			step("inputs: {c: {type: configVar, value: V}}\n") + "requiredConfigVars: [{key: V, dataType: connection, useScopedConfigVar: 1 my key}]\n",
			first,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigConnection, ConnectionType: "log.my-key", SharedConnection: "1 my key", Required: true},
			[]string{"ASSUMED requiredConfigVars[0].useScopedConfigVar"},
		},
		{
			"a bare key and no type", "name: A\nflows: [{name: F, trigger: {name: T}}]\nrequiredConfigVars: [a, {key: b}]\n",
			func(d *ipaas.Definition) any { return d.ConfigVariables },
			[]ipaas.ConfigVariable{{DisplayName: "a", Type: ipaas.ConfigString, Required: true}, {DisplayName: "b", Type: ipaas.ConfigString, Required: true}},
			[]string{"ASSUMED requiredConfigVars[1]", "ASSUMED flows[0].trigger"},
		},
		// The rest.
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
	}
	for _, tt := range tests {
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
