package prismatic_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/prismatic"
	"github.com/headrace/headrace/internal/value"
)

// TestWriteNotesWhatHasNoPlace writes a definition that has all that only we have. Each thing is noted once, with its path in our words.
func TestWriteNotesWhatHasNoPlace(t *testing.T) {
	t.Parallel()
	d := ipaas.Definition{
		DisplayName: "A", Labels: map[string]string{"team": "erp", "x": ""}, Deploy: ipaas.DeploySettings{Policy: ipaas.Keep, Timeout: time.Minute},
		ConfigVariables: []ipaas.ConfigVariable{
			{ID: "s", DisplayName: "S", Secret: true, Required: true},
			{ID: "t", DisplayName: "T", Type: ipaas.ConfigText, Default: `"x"`, Required: true},
			{ID: "n", DisplayName: "N", Type: ipaas.ConfigNumber, Default: `5`},
			{ID: "o", DisplayName: "O", Type: ipaas.ConfigString},
			{ID: "e", DisplayName: "E", Type: ipaas.ConfigSchedule, Default: `"every 15m"`},
			{ID: "h", DisplayName: "H", Type: ipaas.ConfigSchedule, Default: `"every 7m"`},
		},
		Flows: []ipaas.Flow{
			{
				ID: "f", DisplayName: "F", Timeout: time.Minute, TestPayload: &ipaas.TestPayload{},
				Trigger:  ipaas.Trigger{DisplayName: "Clock", Type: ipaas.TriggerSchedule, Schedule: &ipaas.Schedule{Every: 7 * time.Minute}},
				Ordering: &ipaas.Ordering{Scope: ipaas.OrderByKey, Key: &ipaas.Input{Kind: ipaas.InputReference, Text: "trigger.results.id"}, OnFailure: ipaas.FailureBlock},
				Retry:    &ipaas.Retry{MaxAttempts: 1, Delay: 90 * time.Second, Multiplier: 3, MaxDelay: time.Hour},
				Steps: []ipaas.Step{{
					DisplayName: "S", Action: "a.b", OnError: &ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, Delay: time.Millisecond, Multiplier: 5},
					Inputs: map[string]ipaas.Input{"x": {Kind: ipaas.InputReference, Text: "trigger.results"}},
				}},
			},
			{DisplayName: "G", Trigger: ipaas.Trigger{DisplayName: "Trigger", Type: ipaas.TriggerSchedule, Schedule: &ipaas.Schedule{Every: 2 * time.Hour}}},
			{
				DisplayName: "H", Trigger: ipaas.Trigger{DisplayName: "Trigger", Type: ipaas.TriggerWebhook},
				Ordering: &ipaas.Ordering{Scope: ipaas.OrderByKey, Key: &ipaas.Input{Kind: ipaas.InputReference, Text: "trigger.results.id"}, OnFailure: ipaas.FailureBlock},
			},
		},
	}
	_, notes := prismatic.Write(d)
	var got []string
	for _, n := range notes {
		got = append(got, string(n.Kind)+" "+n.Path)
	}
	want := []string{
		"DROPPED flows[0].ordering", "CHANGED flows[0].retry.delay", "CHANGED flows[0].retry.multiplier",
		"DROPPED flows[0].retry.maxDelay", "DROPPED flows[0].trigger.schedule.every", "CHANGED flows[0].steps[0].onError.delay",
		"CHANGED flows[0].steps[0].onError.multiplier", "DROPPED flows[0].testPayload", "DROPPED flows[0].timeout", "ASSUMED flows[0]",
		"CHANGED flows[1].trigger.schedule.every", "DROPPED flows[2].ordering.key", "DROPPED flows[2].ordering.onFailure", "DROPPED labels.team", "DROPPED configVariables[0].secret", "CHANGED configVariables[1].type",
		"DROPPED configVariables[1].required", "CHANGED configVariables[2].defaultValue", "DROPPED configVariables[3].required",
		"CHANGED configVariables[4].defaultValue", "DROPPED configVariables[5].defaultValue",
		"DROPPED deploySettings.failurePolicy", "DROPPED deploySettings.timeout",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// TestWriteUsesNames writes names where a definition of ours may have ids, and conditions as forms have them.
func TestWriteUsesNames(t *testing.T) {
	t.Parallel()
	d := ipaas.Definition{
		DisplayName: "A", ConfigVariables: []ipaas.ConfigVariable{{ID: "base-url", DisplayName: "Base URL", Required: true}},
		ConfigPages: []ipaas.ConfigPage{{Title: "P", Elements: []ipaas.ConfigElement{{ConfigVariable: "base-url"}, {Heading: "a < b"}}}},
		Endpoint: &ipaas.Endpoint{
			Type: ipaas.EndpointPerInstance, PreprocessFlow: "first-flow", FlowName: &ipaas.Input{Kind: ipaas.InputReference, Text: "payload.headers.x-flow"},
		},
		Flows: []ipaas.Flow{{
			ID: "first-flow", DisplayName: "First Flow", Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerWebhook},
			Steps: []ipaas.Step{{DisplayName: "S", Action: "branch.branchOnExpression", Inputs: map[string]ipaas.Input{
				"a": {Kind: ipaas.InputConfigVariable, Text: "base-url"}, "b": {Kind: ipaas.InputTemplate, Text: "{{#base-url}}/{{#Base URL}}/{{$t.results}}"},
				"c": {Kind: ipaas.InputJSON, Text: `{"n": 1.0}`},
				"conditions": {Kind: ipaas.InputComplex, Items: []ipaas.Input{{
					Name: "B", Kind: ipaas.InputComplex, Items: []ipaas.Input{ipaas.Literal("and"), {Kind: ipaas.InputComplex, Items: []ipaas.Input{
						ipaas.Literal("equal"), ipaas.Literal("x"), {Kind: ipaas.InputReference, Text: "t.results"},
					}}},
				}}},
				"headers": {Kind: ipaas.InputComplex, Items: []ipaas.Input{{Name: "N", Kind: ipaas.InputValue, Text: `"v"`}}},
			}}},
		}},
	}
	written, notes := prismatic.Write(d)
	if len(notes) != 1 || notes[0].Path != "flows[0].steps[0].inputs.c" || notes[0].Kind != prismatic.Changed {
		t.Errorf("notes: %v", notes)
	}
	const want = `{"category":"","configPages":[{"elements":[{"type":"configVar","value":"Base URL"},{"type":"htmlElement","value":"a &lt; b"}],"name":"P","tagline":""}],` +
		`"definitionVersion":7,"description":"","documentation":"","endpointType":"instance_specific","flowNameField":{"type":"reference","value":"payload.headers.x-flow"},` +
		`"flows":[{"description":"","isSynchronous":false,"name":"First Flow","steps":[` +
		`{"action":{"component":{"isPublic":true,"key":"webhook-triggers","version":"LATEST"},"key":"webhook"},"description":"","inputs":{},"isTrigger":true,"name":"T"},` +
		`{"action":{"component":{"isPublic":true,"key":"branch","version":"LATEST"},"key":"branchOnExpression"},"description":"","inputs":{` +
		`"a":{"type":"configVar","value":"Base URL"},"b":{"type":"template","value":"{{#Base URL}}/{{#Base URL}}/{{$t.results}}"},"c":{"type":"value","value":{"n":1.0}},` +
		`"conditions":{"type":"complex","value":[{"name":"B","type":"complex","value":["and",["equal",{"type":"value","value":"x"},{"type":"reference","value":"t.results"}]]}]},` +
		`"headers":{"type":"complex","value":[{"name":{"type":"value","value":"N"},"type":"value","value":"v"}]}},"name":"S"}]}],"name":"A","preprocessFlowName":"First Flow",` +
		`"requiredConfigVars":[{"dataType":"string","defaultValue":"","key":"Base URL","orgOnly":false}]}`
	if diff := cmp.Diff(want, string(value.JSON(written))); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

// TestWriteSharedConnections writes a connection that was shared where it comes from as one again: with its key, and without a type,
// which is not said of such a connection there.
func TestWriteSharedConnections(t *testing.T) {
	t.Parallel()
	d := ipaas.Definition{DisplayName: "A", ConfigVariables: []ipaas.ConfigVariable{
		{DisplayName: "C", Type: ipaas.ConfigConnection, ConnectionType: "acme.acme-api-key", SharedConnection: "acme-api-key", OrgOnly: true, Required: true},
		{DisplayName: "D", Type: ipaas.ConfigConnection, ConnectionType: "acme.basic", SharedConnection: "d", StableKey: "k", Description: "x", Default: `{"host":"h"}`},
	}}
	written, notes := prismatic.Write(d)
	variables, _ := written.Get("requiredConfigVars")
	const want = `[{"dataType":"connection","key":"C","meta":{"visibleToCustomerDeployer":false},"useScopedConfigVar":"acme-api-key"},` +
		`{"dataType":"connection","description":"x","key":"D","stableKey":"k","useScopedConfigVar":"d"}]`
	if diff := cmp.Diff(want, string(value.JSON(variables))); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if len(notes) != 3 || notes[1].Path != "configVariables[1].defaultValue" || notes[0].Path != "configVariables[0].connectionType" || notes[0].Kind != prismatic.Assumed {
		t.Errorf("notes: %v", notes)
	}
}

// TestWriteTellsWhatCallsTheTriggerByOurWord finds the word in whatever of a flow may refer to its trigger.
func TestWriteTellsWhatCallsTheTriggerByOurWord(t *testing.T) {
	t.Parallel()
	reference := func(text string) ipaas.Input { return ipaas.Input{Kind: ipaas.InputReference, Text: text} }
	template := func(text string) ipaas.Input { return ipaas.Input{Kind: ipaas.InputTemplate, Text: text} }
	list := func(items ...ipaas.Input) ipaas.Input { return ipaas.Input{Kind: ipaas.InputComplex, Items: items} }
	ours, theirs := reference("trigger.results.id"), reference("hook.results.id")
	step := func(in ipaas.Input) ipaas.Flow {
		return ipaas.Flow{Steps: []ipaas.Step{{DisplayName: "S", Action: "a.b", Inputs: map[string]ipaas.Input{"x": in}}}}
	}
	for name, tt := range map[string]struct {
		flow ipaas.Flow
		told bool
	}{
		"nothing":             {ipaas.Flow{}, false},
		"an input":            {step(ours), true},
		"its own name":        {step(theirs), false},
		"all of the trigger":  {step(reference("trigger")), true},
		"another one's name":  {step(reference("triggers.results.id")), false},
		"a template":          {step(template("no. {{$trigger.results.id}}")), true},
		"a spaced template":   {step(template("no. {{$ trigger.results.id }}")), true},
		"a text":              {step(template("{{ $trigger.results.id }}")), false},
		"a list in a list":    {step(list(list(theirs, ours))), true},
		"the name of an item": {step(list(ipaas.Input{Kind: ipaas.InputValue, Text: `"x"`, NameFrom: &ours})), true},
		"a step in a branch": {ipaas.Flow{Steps: []ipaas.Step{{DisplayName: "B", Action: "branch.branchOnValue", Branches: []ipaas.Branch{
			{Name: "one", Steps: step(ours).Steps},
		}}}}, true},
		"the deduplication key": {ipaas.Flow{DeduplicationKey: &ours}, true},
		"the request key":       {ipaas.Flow{Retry: &ipaas.Retry{MaxAttempts: 1, Delay: time.Minute, RequestKey: &ours}}, true},
		"its own name as a key": {ipaas.Flow{DeduplicationKey: &theirs}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := tt.flow
			f.DisplayName, f.Trigger = "F", ipaas.Trigger{DisplayName: "Hook", Type: ipaas.TriggerWebhook}
			_, notes := prismatic.Write(ipaas.Definition{DisplayName: "A", Flows: []ipaas.Flow{f}})
			told := slices.ContainsFunc(notes, func(n prismatic.Note) bool { return n.Path == "flows[0]" && n.Kind == prismatic.Assumed })
			if told != tt.told {
				t.Errorf("told: %t, want %t; notes: %v", told, tt.told, notes)
			}
		})
	}
}
