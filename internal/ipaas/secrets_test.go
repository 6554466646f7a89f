package ipaas_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
)

// declared knows one connection type and one action.
type declared struct{}

func (declared) SecretOfConnection(connectionType, key string) (secret, known bool) {
	return key == "open" || key == "pinNumber", connectionType == "acme.key" && key != "unknownToken"
}

func (declared) SecretOfAction(action, key string) bool {
	return action == "hash.hmac" && key == "secret"
}

func TestRemoveSecrets(t *testing.T) {
	t.Parallel()
	literal := ipaas.Literal("hush")
	variable := ipaas.Input{Kind: ipaas.InputConfigVariable, Text: "Secret"}
	pem := ipaas.Literal("-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIE", 20) + "\n-----END RSA PRIVATE KEY-----")
	named := func(name string, in ipaas.Input) ipaas.Input {
		in.Name = name
		return ipaas.Input{Kind: ipaas.InputComplex, Items: []ipaas.Input{in}}
	}
	tmpl := func(text string) ipaas.Input { return ipaas.Input{Kind: ipaas.InputTemplate, Text: text} }
	step := func(inputs map[string]ipaas.Input) ipaas.Step { return ipaas.Step{Action: "hash.hmac", Inputs: inputs} }
	d := ipaas.Definition{
		ConfigVariables: []ipaas.ConfigVariable{
			{DisplayName: "Secret", Secret: true, Default: `"hush"`},
			{DisplayName: "Open", Default: `"password"`},
			{Type: ipaas.ConfigConnection, ConnectionType: "acme.key", Default: `{"open":"hush","token":"declared open","unknownToken":"hush","base":"https://a:hush@b"}`},
			{Type: ipaas.ConfigConnection, ConnectionType: "x.y", Default: `{"clientSecret":"hush","API Key":"hush","tokenUrl":"https://b","empty_password":"","user":"ada"}`},
			{Type: ipaas.ConfigConnection, ConnectionType: "x.y", Default: `{"pass":"hush"}`},
		},
		Flows: []ipaas.Flow{{
			Trigger: ipaas.Trigger{Type: "hash.hmac", Inputs: map[string]ipaas.Input{"secret": literal, "header": literal}},
			Steps: []ipaas.Step{{
				Branches: []ipaas.Branch{{Steps: []ipaas.Step{step(map[string]ipaas.Input{"secret": literal, "text": literal})}}},
				Steps: []ipaas.Step{
					step(map[string]ipaas.Input{"secret": variable}), step(map[string]ipaas.Input{"secret": tmpl("a{{#Secret}}")}),
					step(map[string]ipaas.Input{"secret": tmpl("hush")}), step(map[string]ipaas.Input{"secret": ipaas.Literal("")}),
					step(map[string]ipaas.Input{"text": pem}), step(map[string]ipaas.Input{"text": ipaas.Literal("-----BEGIN PRIVATE KEY-----")}),
					step(map[string]ipaas.Input{"headers": named("authorization", literal)}), step(map[string]ipaas.Input{"headers": named("Authorization", variable)}),
					step(map[string]ipaas.Input{"headers": named("Authorization", tmpl("Bearer {{#Secret}}"))}), step(map[string]ipaas.Input{"headers": named("X-Other", literal)}),
				},
			}},
		}},
	}
	before := d.Hash()
	changed := d
	var got []string
	for _, v := range changed.RemoveSecrets(declared{}) {
		got = append(got, v.Field)
		if v.Description == "" || strings.Contains(v.Description, "hush") {
			t.Errorf("%s: %q", v.Field, v.Description)
		}
	}
	const in = "flows[0].steps[0]"
	want := []string{
		"configVariables[0].defaultValue", "configVariables[2].defaultValue.open", "configVariables[2].defaultValue.unknownToken", "configVariables[2].defaultValue.base",
		"configVariables[3].defaultValue.clientSecret", "configVariables[3].defaultValue.API Key", "configVariables[4].defaultValue.pass",
		"flows[0].trigger.inputs.secret", in + ".branches[0].steps[0].inputs.secret", in + ".steps[2].inputs.secret", in + ".steps[4].inputs.text", in + ".steps[6].inputs.headers",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	var defaults []string
	for _, v := range changed.ConfigVariables {
		defaults = append(defaults, v.Default)
	}
	if diff := cmp.Diff([]string{"", `"password"`, `{"token":"declared open"}`, `{"tokenUrl":"https://b","empty_password":"","user":"ada"}`, ""}, defaults); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if again := changed.RemoveSecrets(declared{}); len(again) > 0 {
		t.Errorf("something was left: %v", again)
	}
	if d.Hash() != before {
		t.Error("the definition before was changed")
	}
}
