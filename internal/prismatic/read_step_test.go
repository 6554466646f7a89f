package prismatic_test

import (
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// TestReadSteps reads steps and their inputs.
func TestReadSteps(t *testing.T) {
	t.Parallel()
	inputs := func(d *ipaas.Definition) any { return d.Flows[0].Steps[0].Inputs }
	input := func(d *ipaas.Definition) any { return d.Flows[0].Steps[0].Inputs["x"] }
	items := func(items ...ipaas.Input) ipaas.Input { return ipaas.Input{Kind: ipaas.InputComplex, Items: items} }
	named := func(name string, in ipaas.Input) ipaas.Input { in.Name = name; return in }
	reads(t, []readCase{
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
	})
}
