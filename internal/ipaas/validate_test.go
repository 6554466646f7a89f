package ipaas_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
)

func reference(text string) ipaas.Input {
	return ipaas.Input{Kind: ipaas.InputReference, Text: text}
}

func template(text string) ipaas.Input {
	return ipaas.Input{Kind: ipaas.InputTemplate, Text: text}
}

func complexInput(items ...ipaas.Input) ipaas.Input {
	return ipaas.Input{Kind: ipaas.InputComplex, Items: items}
}

func withName(name string, in ipaas.Input) ipaas.Input {
	in.Name = name
	return in
}

// sound is a definition that uses all there is and has nothing wrong.
func sound() ipaas.Definition {
	return ipaas.Definition{
		DisplayName: "Acme ERP",
		Labels:      map[string]string{"team": "erp"},
		Flows: []ipaas.Flow{
			{
				DisplayName: "Sync Customer Data",
				Trigger:     ipaas.Trigger{Inputs: map[string]ipaas.Input{"statusCode": ipaas.Literal(nil)}},
				Steps: []ipaas.Step{
					{
						DisplayName: "For Each", Action: "loop.loopOverItems",
						Inputs: map[string]ipaas.Input{"items": reference("trigger.results.body.data")},
						Steps: []ipaas.Step{{
							DisplayName: "Check", Action: "branch.branchOnValue",
							Branches: []ipaas.Branch{{Name: "Big", Steps: []ipaas.Step{{DisplayName: "Post"}}}, {Name: "Else"}},
						}},
					},
					{
						DisplayName: "Send", Action: "http.httpPost",
						Inputs: map[string]ipaas.Input{
							"url":     template("{{#Endpoint}}/customers"),
							"headers": complexInput(withName("X-A", ipaas.Literal("a")), withName("X-B", template("{{$trigger.results.executionId}}"))),
							"data":    {Kind: ipaas.InputJSON, Text: `{"a": 1.50}`},
							"auth":    {Kind: ipaas.InputConfigVariable, Text: "Acme"},
						},
					},
				},
				TestPayload: &ipaas.TestPayload{
					Kind: ipaas.BodyJSON, Text: `{"id": 1}`, Method: "POST", ContentType: "application/json",
					Headers: map[string]string{"X-Signature": "a\tb"},
				},
			},
			{DisplayName: "Sync Inventory Data"},
		},
		ConfigVariables: []ipaas.ConfigVariable{
			{DisplayName: "Endpoint", Default: `"https://example.com"`},
			{DisplayName: "Acme", Type: ipaas.ConfigConnection, ConnectionType: "acme-erp.apiKey"},
			{DisplayName: "Region", Type: ipaas.ConfigPicklist, Choices: []string{"EU", "US"}},
			{DisplayName: "Key", Secret: true, Collection: ipaas.CollectionKeyValueList},
		},
		ConfigPages: []ipaas.ConfigPage{{Title: "Start", Elements: []ipaas.ConfigElement{{Heading: "Hello"}, {ConfigVariable: "Endpoint"}}}},
		Deploy:      ipaas.DeploySettings{Policy: ipaas.Keep, Timeout: time.Minute},
	}
}

func nested(depth int) []ipaas.Step {
	if depth == 0 {
		return nil
	}
	return []ipaas.Step{{DisplayName: fmt.Sprint("Loop ", depth), Steps: nested(depth - 1)}}
}

func nestedInput(depth int) ipaas.Input {
	if depth == 0 {
		return ipaas.Literal(nil)
	}
	return complexInput(nestedInput(depth - 1))
}

func manySteps(n int) []ipaas.Step {
	steps := make([]ipaas.Step, n)
	for i := range steps {
		steps[i].DisplayName = fmt.Sprint("Step ", i)
	}
	return steps
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(d *ipaas.Definition)
		want   []string // path and reason of each violation
	}{
		{name: "sound", change: func(*ipaas.Definition) {}},
		{
			name:   "names missing",
			change: func(d *ipaas.Definition) { d.DisplayName, d.Flows[0].Steps[1].DisplayName = " ", "" },
			want:   []string{"displayName REQUIRED", "flows[0].steps[1].displayName REQUIRED"},
		},
		{
			name:   "names with line breaks or too long",
			change: func(d *ipaas.Definition) { d.DisplayName, d.Flows[1].DisplayName = "a\nb", strings.Repeat("ä", 201) },
			want:   []string{"displayName MALFORMED", "flows[1].displayName TOO_LARGE"},
		},
		{
			name: "how a flow runs",
			change: func(d *ipaas.Definition) {
				key := reference("trigger.results.body.data.id")
				f := &d.Flows[0]
				f.Concurrency, f.Timeout, f.DeduplicationKey = 1000, 15*time.Minute, &key
				f.Ordering = &ipaas.Ordering{Scope: ipaas.OrderByKey, Key: &key, OnFailure: ipaas.FailureBlock}
				f.Retry = &ipaas.Retry{MaxAttempts: 10, Delay: time.Second, Multiplier: 10, MaxDelay: 24 * time.Hour}
			},
		},
		{
			name: "how a flow cannot run",
			change: func(d *ipaas.Definition) {
				wrong := reference("")
				f := &d.Flows[0]
				f.Concurrency, f.Timeout, f.DeduplicationKey, f.Synchronous = 1001, 16*time.Minute, &wrong, true
				f.Ordering = &ipaas.Ordering{Scope: "ROUND", OnFailure: "EXPLODE"}
				f.Retry = &ipaas.Retry{MaxAttempts: 11, Delay: 25 * time.Hour, Multiplier: 11, MaxDelay: -1}
				d.Flows[1].Ordering = &ipaas.Ordering{Scope: ipaas.OrderByKey}
				d.Flows[1].Concurrency = -1
			},
			want: []string{
				"flows[0].concurrency MALFORMED", "flows[0].timeout MALFORMED", "flows[0].deduplicationKey MALFORMED",
				"flows[0].ordering MISPLACED", "flows[0].ordering.scope NOT_A_CHOICE", "flows[0].ordering.onFailure NOT_A_CHOICE",
				"flows[0].retry MISPLACED", "flows[0].retry.maxAttempts MALFORMED", "flows[0].retry.multiplier MALFORMED",
				"flows[0].retry.delay MALFORMED", "flows[0].retry.maxDelay MALFORMED",
				"flows[1].concurrency MALFORMED", "flows[1].ordering.key REQUIRED",
			},
		},
		{
			name: "a key for the order of a whole flow",
			change: func(d *ipaas.Definition) {
				key := reference("trigger.results.body.data.id")
				d.Flows[0].Ordering = &ipaas.Ordering{Scope: ipaas.OrderByFlow, Key: &key}
			},
			want: []string{"flows[0].ordering.key MISPLACED"},
		},
		{
			name:   "no flows",
			change: func(d *ipaas.Definition) { d.Flows = []ipaas.Flow{} },
			want:   []string{"flows REQUIRED"},
		},
		{
			name: "flows with one name or one id",
			change: func(d *ipaas.Definition) {
				d.Flows = append(d.Flows, ipaas.Flow{ID: "x", DisplayName: "Sync Inventory Data"}, ipaas.Flow{ID: "x", DisplayName: "X"})
			},
			want: []string{"flows[2].displayName DUPLICATE", "flows[3].id DUPLICATE"},
		},
		{
			name: "too many flows and steps in all",
			change: func(d *ipaas.Definition) {
				for i := range 101 {
					d.Flows = append(d.Flows, ipaas.Flow{DisplayName: fmt.Sprint("Flow ", i), Steps: manySteps(100)})
				}
			},
			want: []string{"flows TOO_LARGE", "flows TOO_LARGE"},
		},
		{
			name:   "too many steps in a flow",
			change: func(d *ipaas.Definition) { d.Flows[1].Steps = manySteps(1001) },
			want:   []string{"flows[1].steps TOO_LARGE"},
		},
		{
			name:   "steps nest as deep as they may",
			change: func(d *ipaas.Definition) { d.Flows[1].Steps = nested(16) },
		},
		{
			name:   "steps nest too deep",
			change: func(d *ipaas.Definition) { d.Flows[1].Steps = nested(30) },
			want:   []string{"flows[1]" + strings.Repeat(".steps[0]", 16) + ".steps TOO_DEEP"},
		},
		{
			name: "ids malformed",
			change: func(d *ipaas.Definition) {
				d.Flows[0].ID, d.Flows[0].Steps[1].ID = "Sync", "a--b"
				d.ConfigVariables[0].ID, d.ConfigPages[0].ID = "-", "x_y"
			},
			want: []string{
				"flows[0].id MALFORMED", "flows[0].steps[1].id MALFORMED", "configVariables[0].id MALFORMED", "configPages[0].id MALFORMED",
			},
		},
		{
			name: "step names, ids and keys that collide, at whatever depth",
			change: func(d *ipaas.Definition) {
				d.Flows[0].Steps = append(d.Flows[0].Steps,
					ipaas.Step{DisplayName: "Post"}, ipaas.Step{ID: "x", DisplayName: "post!"}, ipaas.Step{ID: "x", DisplayName: "Other"},
					ipaas.Step{DisplayName: "TRIGGER"}, ipaas.Step{ID: "trigger", DisplayName: "Y"}, ipaas.Step{DisplayName: "★"})
			},
			want: []string{
				"flows[0].steps[2].displayName DUPLICATE", "flows[0].steps[3].displayName DUPLICATE", "flows[0].steps[4].id DUPLICATE",
				"flows[0].steps[5].displayName DUPLICATE", "flows[0].steps[6].id DUPLICATE", "flows[0].steps[7].displayName MALFORMED",
			},
		},
		{
			name: "a step with the key of the trigger's own name",
			change: func(d *ipaas.Definition) {
				d.Flows[0].Trigger.DisplayName = "Receive Data"
				d.Flows[0].Steps[0].DisplayName = "receive data"
				d.Flows[0].Steps[1].DisplayName = "Trigger"
				d.Flows[1].Trigger.DisplayName = "..."
			},
			want: []string{
				"flows[0].steps[0].displayName DUPLICATE", "flows[0].steps[1].displayName DUPLICATE", "flows[1].trigger.displayName MALFORMED",
			},
		},
		{
			name: "actions, triggers and connection types that are no names",
			change: func(d *ipaas.Definition) {
				d.Flows[0].Trigger.Type, d.Flows[0].Steps[1].Action = "webhook", "http.http Post"
				d.ConfigVariables[1].ConnectionType = "acme"
			},
			want: []string{"flows[0].trigger.type MALFORMED", "flows[0].steps[1].action MALFORMED", "configVariables[1].connectionType MALFORMED"},
		},
		{
			name:   "an action that nobody has chosen yet",
			change: func(d *ipaas.Definition) { d.Flows[0].Steps[1].Action = "" },
		},
		{
			name: "branches with one name, or none",
			change: func(d *ipaas.Definition) {
				d.Flows[0].Steps[0].Steps[0].Branches = []ipaas.Branch{{Name: "A"}, {Name: "A"}, {}}
			},
			want: []string{"flows[0].steps[0].steps[0].branches[1].name DUPLICATE", "flows[0].steps[0].steps[0].branches[2].name REQUIRED"},
		},
		{
			name: "inputs that do not parse",
			change: func(d *ipaas.Definition) {
				d.Flows[0].Trigger.Inputs["statusCode"] = ipaas.Input{}
				in := d.Flows[0].Steps[0].Steps[0].Branches[0].Steps
				in[0].Inputs = map[string]ipaas.Input{
					"": ipaas.Literal(nil), "a": reference("a..b"), "b": template("x{{$}}"), "c": {Kind: ipaas.InputJSON, Text: "{"},
					"d": complexInput(ipaas.Literal(1), complexInput(reference(""))),
					"e": complexInput(withName("x", ipaas.Literal(nil)), ipaas.Literal(nil)),
					"f": complexInput(ipaas.Input{Kind: ipaas.InputValue, Text: "1", NameFrom: &ipaas.Input{Kind: ipaas.InputReference, Text: "[0]"}}),
					"g": nestedInput(16), "h": nestedInput(17), "i": {Kind: ipaas.InputConfigVariable},
					"j": {Kind: ipaas.InputJSON, Text: strings.Repeat("[", 100) + strings.Repeat("]", 100)},
				}
			},
			want: []string{
				"flows[0].trigger.inputs.statusCode MALFORMED",
				"flows[0].steps[0].steps[0].branches[0].steps[0].inputs. REQUIRED",
				"flows[0].steps[0].steps[0].branches[0].steps[0].inputs.a MALFORMED",
				"flows[0].steps[0].steps[0].branches[0].steps[0].inputs.b MALFORMED",
				"flows[0].steps[0].steps[0].branches[0].steps[0].inputs.c MALFORMED",
				"flows[0].steps[0].steps[0].branches[0].steps[0].inputs.d.complex.items[1].complex.items[0] MALFORMED",
				"flows[0].steps[0].steps[0].branches[0].steps[0].inputs.e MALFORMED",
				"flows[0].steps[0].steps[0].branches[0].steps[0].inputs.f.complex.items[0].nameFrom MALFORMED",
				"flows[0].steps[0].steps[0].branches[0].steps[0].inputs.h" + strings.Repeat(".complex.items[0]", 17) + " TOO_DEEP",
				"flows[0].steps[0].steps[0].branches[0].steps[0].inputs.i REQUIRED",
				"flows[0].steps[0].steps[0].branches[0].steps[0].inputs.j TOO_DEEP",
			},
		},
		{
			name: "test payloads that could not be sent",
			change: func(d *ipaas.Definition) {
				d.Flows[0].TestPayload = &ipaas.TestPayload{
					Kind: ipaas.BodyJSON, Text: "{", ContentType: "a\r\nb", Method: "GET /", Path: "a\nb",
					Headers: map[string]string{"X-A": "a\r\nX-B: b", "a b": "c"},
				}
				d.Flows[1].TestPayload = &ipaas.TestPayload{Kind: "xml"}
			},
			want: []string{
				"flows[0].testPayload.json MALFORMED", "flows[0].testPayload.headers.X-A MALFORMED", "flows[0].testPayload.headers.a b MALFORMED",
				"flows[0].testPayload.contentType MALFORMED", "flows[0].testPayload.method MALFORMED", "flows[0].testPayload.path MALFORMED",
				"flows[1].testPayload NOT_A_CHOICE",
			},
		},
		{
			name: "config variables with one name, or with another's id for a name",
			change: func(d *ipaas.Definition) {
				d.ConfigVariables = append(d.ConfigVariables,
					ipaas.ConfigVariable{DisplayName: "Acme"}, ipaas.ConfigVariable{ID: "x", DisplayName: "endpoint"}, ipaas.ConfigVariable{ID: "x", DisplayName: "Key 2"},
					ipaas.ConfigVariable{DisplayName: "own-id"}, ipaas.ConfigVariable{ID: "y", DisplayName: "x"})
			},
			want: []string{"configVariables[4].displayName DUPLICATE", "configVariables[6].id DUPLICATE", "configVariables[8].displayName DUPLICATE"},
		},
		{
			name: "config variables that contradict themselves",
			change: func(d *ipaas.Definition) {
				d.ConfigVariables = []ipaas.ConfigVariable{
					{DisplayName: "A", Default: "{"},
					{DisplayName: "B", Default: "{", DefaultJSON: true},
					{DisplayName: "C", Default: "1", Secret: true},
					{DisplayName: "D", Type: ipaas.ConfigPicklist},
					{DisplayName: "E", Type: ipaas.ConfigPicklist, Choices: []string{"a", "", "a"}},
					{DisplayName: "F", Choices: []string{"a"}, ConnectionType: "a.b"},
					{DisplayName: "G", Type: ipaas.ConfigConnection, Collection: ipaas.CollectionList},
					{DisplayName: "H", Type: "X", Collection: "Y"},
				}
			},
			want: []string{
				"configVariables[0].defaultValue MALFORMED", "configVariables[1].defaultValueJson MALFORMED", "configVariables[2].defaultValue MISPLACED",
				"configVariables[3].choices REQUIRED", "configVariables[4].choices[1] REQUIRED", "configVariables[4].choices[2] DUPLICATE",
				"configVariables[5].choices MISPLACED", "configVariables[5].connectionType MISPLACED",
				"configVariables[6].connectionType REQUIRED", "configVariables[6].collection MISPLACED",
				"configVariables[7].type NOT_A_CHOICE", "configVariables[7].collection NOT_A_CHOICE",
			},
		},
		{
			name: "pages",
			change: func(d *ipaas.Definition) {
				d.ConfigPages = []ipaas.ConfigPage{
					{ID: "a", Title: "A", Elements: []ipaas.ConfigElement{{}, {Heading: "x", ConfigVariable: "y"}}},
					{ID: "a"},
				}
			},
			want: []string{
				"configPages[0].elements[0] REQUIRED", "configPages[0].elements[1] REQUIRED", "configPages[1].id DUPLICATE", "configPages[1].title REQUIRED",
			},
		},
		{
			name: "labels",
			change: func(d *ipaas.Definition) {
				d.Labels = map[string]string{"": "a", "a\n": "b", strings.Repeat("k", 64): "", "long": strings.Repeat("v", 256)}
			},
			want: []string{"labels. REQUIRED", "labels.a\n MALFORMED", "labels." + strings.Repeat("k", 64) + " TOO_LARGE", "labels.long TOO_LARGE"},
		},
		{
			name:   "deploy settings",
			change: func(d *ipaas.Definition) { d.Deploy = ipaas.DeploySettings{Policy: "X", Timeout: time.Hour} },
			want:   []string{"deploySettings.failurePolicy NOT_A_CHOICE", "deploySettings.timeout MALFORMED"},
		},
		{
			name:   "too short a timeout",
			change: func(d *ipaas.Definition) { d.Deploy.Timeout = time.Millisecond },
			want:   []string{"deploySettings.timeout MALFORMED"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := sound()
			tt.change(&d)
			// What malformed ids do is seen before normalising, which would not touch them anyway.
			d.Normalize(nil, monday)
			if tt.name == "no flows" {
				d.Flows = nil
			}
			var got []string
			for _, v := range d.Validate() {
				got = append(got, v.Field+" "+string(v.Reason))
				if v.Description == "" || !strings.Contains(v.Description, ":") {
					t.Errorf("%s: the description %q names no way out", v.Field, v.Description)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateNamesTheTrouble(t *testing.T) {
	t.Parallel()
	d := sound()
	d.Flows = append(d.Flows, ipaas.Flow{DisplayName: "Sync Inventory Data"})
	d.Normalize(nil, monday)
	want := []ipaas.Violation{{
		Field: "flows[2].displayName", Reason: ipaas.ReasonDuplicate,
		Description: `the display name "Sync Inventory Data" is that of flows[1] already: choose another`,
	}}
	if diff := cmp.Diff(want, d.Validate()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}
