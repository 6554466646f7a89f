package control_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// configured is a definition with variables of every kind, on pages.
func configured() ipaas.Definition {
	return ipaas.Definition{
		DisplayName: "Configured",
		Flows: []ipaas.Flow{syncFlow("Show",
			note("Secret", cfg("Token")), note("Number", cfg("Limit")), note("JSON", cfg("Mapping")), note("List", cfg("Tags")),
			step("Connection", "probe.reveal", inputs{"connection": cfg("ERP")}),
		)},
		ConfigVariables: []ipaas.ConfigVariable{
			erpVariable(),
			{DisplayName: "Token", Secret: true, Required: true},
			{DisplayName: "Limit", Type: ipaas.ConfigNumber, Default: `10`},
			{DisplayName: "Color", Type: ipaas.ConfigPicklist, Choices: []string{"red", "blue"}},
			{DisplayName: "Mapping", Type: ipaas.ConfigJSON},
			{DisplayName: "Tags", Collection: ipaas.CollectionList},
			{DisplayName: "Day", Type: ipaas.ConfigDate},
		},
		ConfigPages: []ipaas.ConfigPage{
			{Title: "Connect", Tagline: "First", Elements: []ipaas.ConfigElement{{Heading: "Your ERP"}, {ConfigVariable: "ERP"}, {ConfigVariable: "Token"}}},
			{Title: "Details", Elements: []ipaas.ConfigElement{{ConfigVariable: "Limit"}, {ConfigVariable: "Color"}}},
		},
	}
}

func TestExactValuesReachTheActionAndSecretsStayThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	values := w.erpConfig()
	values["Token"], values["Limit"], values["Mapping"], values["Tags"] = `"t0ken-very-secret"`, `1.50`, `{"b":2.0,"a":[null]}`, `["x","y"]`
	urls := w.deployed("exact", configured(), values)
	status, body := w.call("POST", urls["Show"], "", "")
	if status != 200 || body != erpKey {
		t.Errorf("answered %d %s, want the exact result of the flow", status, body)
	}
	want := []string{`"t0ken-very-secret"`, `1.50`, `{"b":2.0,"a":[null]}`, `["x","y"]`}
	if diff := cmp.Diff(want, w.probe.notes()); diff != "" {
		t.Errorf("reached the action (-want +got):\n%s", diff)
	}
	ex := w.executions("instance_id", "exact")[0]
	view := must[control.ExecutionView](t)(w.ShowExecution(t.Context(), ex, true))
	for _, s := range view.Steps {
		if strings.Contains(s.Inputs+s.Result, "very-secret") || strings.Contains(s.Inputs+s.Result, erpKey) {
			t.Errorf("step %s shows a secret: %s %s", s.Path, s.Inputs, s.Result)
		}
	}
	if s := view.Steps[1]; s.Result != `"[redacted]"` || !s.Redacted || s.Exact == "" {
		t.Errorf("the step that saw the secret is %+v", s)
	}
	if view.Execution.Result != `"[redacted]"` {
		t.Errorf("the result is %s", view.Execution.Result)
	}
}

func TestFailuresSpeakWithoutSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := configured()
	def.Flows = []ipaas.Flow{syncFlow("Show",
		step("Log", "log.writeLog", inputs{"message": tmpl("using {{#Token}}")}),
		step("Break", "probe.fail", inputs{"value": tmpl("token {{#Token}} at {{$trigger.results.invokeUrl}}")}),
	)}
	values := w.erpConfig()
	values["Token"] = `"t0ken-very-secret"`
	urls := w.deployed("fails", def, values)
	status, body := w.call("POST", urls["Show"], "", "")
	if status != 400 || strings.Contains(body, "very-secret") || !strings.Contains(body, "token [redacted] at ") {
		t.Errorf("answered %d %s", status, body)
	}
	ex := w.executions("instance_id", "fails")[0]
	view := must[control.ExecutionView](t)(w.ShowExecution(t.Context(), ex, true))
	if len(view.Logs) != 1 || view.Logs[0].Message != "using [redacted]" {
		t.Errorf("logs: %+v", view.Logs)
	}
	if view.Execution.Error == nil || strings.Contains(view.Execution.Error.Message, "very-secret") {
		t.Errorf("error: %+v", view.Execution.Error)
	}
	// Who may see the execution may see the URL.
	if got := view.Steps[2].Error; got != "token [redacted] at "+urls["Show"] {
		t.Errorf("the step's error is %q", got)
	}
}

func TestWizardShowsPagesWithValuesAndWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("conf", configured())
	w.instance("wiz", "conf", map[string]string{"Token": `"secret-token"`, "Color": `"red"`})
	wizard := must[control.Wizard](t)(w.ConfigWizard(t.Context(), "wiz", 0))
	type shown struct {
		Page, Element, JSON, Source, Problems string
		Set                                   bool
	}
	var got []shown
	for _, page := range wizard.Pages {
		for _, e := range page.Elements {
			if e.Variable == nil {
				got = append(got, shown{Page: page.ID, Element: "# " + e.Heading})
				continue
			}
			var problems []string
			for _, v := range e.Variable.Problems {
				problems = append(problems, v.Field)
			}
			got = append(got, shown{
				Page: page.ID, Element: e.Variable.Variable.DisplayName, JSON: e.Variable.Value.JSON, Source: string(e.Variable.Value.Source),
				Set: e.Variable.Value.SecretSet, Problems: strings.Join(problems, " "),
			})
		}
	}
	want := []shown{
		{Page: "connect", Element: "# Your ERP"},
		{Page: "connect", Element: "ERP", Problems: "configValues.erp.baseUrl configValues.erp.apiKey"},
		{Page: "connect", Element: "Token", Source: "INSTANCE", Set: true},
		{Page: "details", Element: "Limit", JSON: "10", Source: "DEFAULT"},
		{Page: "details", Element: "Color", JSON: `"red"`, Source: "INSTANCE"},
		{Page: "other--settings", Element: "Mapping"},
		{Page: "other--settings", Element: "Tags"},
		{Page: "other--settings", Element: "Day"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wizard (-want +got):\n%s", diff)
	}
	if wizard.Complete || wizard.Pages[0].Complete || !wizard.Pages[1].Complete || wizard.Pages[0].Tagline != "First" {
		t.Errorf("complete: %t; pages %+v", wizard.Complete, wizard.Pages)
	}

	page := must[control.WizardPage](t)(w.UpdateConfigWizardPage(t.Context(), "wiz", "connect", 0, change(w.erpConfig()).Values, plain))
	if !page.Complete {
		t.Errorf("the page is %+v", page)
	}
	if wizard = must[control.Wizard](t)(w.ConfigWizard(t.Context(), "wiz", 1)); !wizard.Complete {
		t.Errorf("the wizard is not complete")
	}
}

func TestWizardRefusesWhatDoesNotBelongToThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("conf", configured())
	w.instance("wiz", "conf", nil)
	tests := []struct {
		page   string
		values map[string]string
		field  string
		reason ipaas.Reason
	}{
		{"details", map[string]string{"Token": `"x"`}, "values.Token", ipaas.ReasonMisplaced},
		{"details", map[string]string{"Nothing": `"x"`}, "configValues.Nothing", ipaas.ReasonUnknownConfigVariable},
		{"details", map[string]string{"Color": `"green"`}, "configValues.Color", ipaas.ReasonNotAChoice},
		{"other--settings", map[string]string{"Day": `"31.12.2026"`}, "configValues.Day", ipaas.ReasonWrongType},
	}
	before := w.dump()
	for _, tt := range tests {
		_, err := w.UpdateConfigWizardPage(t.Context(), "wiz", tt.page, 0, change(tt.values).Values, plain)
		if e := refused(t, err, ipaas.ReasonInvalidArgument); len(e.Violations) != 1 || e.Violations[0].Field != tt.field || e.Violations[0].Reason != tt.reason {
			t.Errorf("%v on %s: %+v", tt.values, tt.page, e.Violations)
		}
	}
	_, err := w.UpdateConfigWizardPage(t.Context(), "wiz", "nothing", 0, nil, plain)
	refused(t, err, ipaas.ReasonNotFound)
	_, err = w.ConfigWizard(t.Context(), "nobody", 0)
	refused(t, err, ipaas.ReasonNotFound)
	_, err = w.ConfigWizard(t.Context(), "wiz", 9)
	refused(t, err, ipaas.ReasonNotFound)
	if after := w.dump(); after != before {
		t.Errorf("refusals changed what is stored:\n%s", cmp.Diff(before, after))
	}
}

func TestWrongValuesAreRefusedAllAtOnceWithTheirPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("conf", configured())
	w.instance("wrong", "conf", nil)
	_, err := w.UpdateInstance(t.Context(), "wrong", change(map[string]string{
		"Limit": `"many"`, "Color": `7`, "Tags": `"one"`, "Nothing": `1`, "Mapping": `{`,
		"ERP": `{"baseUrl":7,"color":"red"}`,
	}), plain, func(*ipaas.Instance) error { return nil })
	var got []string
	for _, v := range refused(t, err, ipaas.ReasonInvalidArgument).Violations {
		got = append(got, v.Field+" "+string(v.Reason))
	}
	want := []string{
		"configValues.Color WRONG_TYPE", "configValues.ERP.color UNKNOWN_INPUT", "configValues.Limit WRONG_TYPE",
		"configValues.Mapping MALFORMED", "configValues.Nothing UNKNOWN_CONFIG_VARIABLE", "configValues.Tags WRONG_TYPE",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestSecretInputsOfAConnectionAreKeptWhenNotSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := configured()
	values := w.erpConfig()
	values["Token"] = `"t"`
	w.deployed("keep", def, values)
	in := w.configure("keep", map[string]string{"ERP": `{"baseUrl":"` + w.erpURL + `/"}`})
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	erp := view.Config["erp"]
	if !erp.SecretSet || !cmp.Equal(erp.SecretInputsSet, []string{"apiKey"}) || strings.Contains(erp.JSON, erpKey) || erp.JSON != `{"baseUrl":"`+w.erpURL+`/"}` {
		t.Errorf("the connection shows as %+v", erp)
	}
	if !in.NeedsDeploy() {
		t.Error("it does not say that it has to be deployed")
	}
	urls := urlsOf(w.deploy("keep"))
	if status, body := w.call("POST", urls["Show"], "", ""); status != 200 || body != erpKey {
		t.Errorf("answered %d %s", status, body)
	}
	in = w.configure("keep", map[string]string{"ERP": ""}) // back to nothing
	if view = must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true)); view.Config["erp"].Source != config.SourceNone {
		t.Errorf("the connection shows as %+v", view.Config["erp"])
	}
}

func TestSettingTheSameValuesAgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	values := w.erpConfig()
	values["Token"], values["Limit"] = `"t"`, `3`
	w.deployed("same", configured(), values)
	if in := w.configure("same", values); in.NeedsDeploy() || in.Config.Revision != 1 {
		t.Errorf("the same values made revision %d", in.Config.Revision)
	}
	plan := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "same", 0, control.Mutation{ValidateOnly: true})).Plan
	if len(plan.ChangedVariableIDs) != 0 {
		t.Errorf("the plan says that these changed: %v", plan.ChangedVariableIDs)
	}
	if in := w.configure("same", map[string]string{"Token": `"u"`}); !in.NeedsDeploy() {
		t.Error("another secret changed nothing")
	}
}

func TestReplacingAllValuesForgetsTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("conf", configured())
	w.instance("all", "conf", map[string]string{"Token": `"t"`, "Color": `"red"`, "Limit": `3`})
	c := change(map[string]string{"Limit": `4`})
	c.ReplaceAll = true
	in := must[ipaas.Instance](t)(w.UpdateInstance(t.Context(), "all", c, plain, func(*ipaas.Instance) error { return nil }))
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	if view.Config["token"].SecretSet || view.Config["color"].JSON != "" || view.Config["limit"].JSON != "4" {
		t.Errorf("config: %+v", view.Config)
	}
	in = w.configure("all", map[string]string{"limit": `null`}) // by id, and to no value at all
	view = must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	if view.Config["limit"].JSON != "null" || view.Config["limit"].Source != config.SourceInstance {
		t.Errorf("limit: %+v", view.Config["limit"])
	}
}

func TestWhatANewerVersionNeedsCanBeSetAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	values := w.erpConfig()
	w.deployed("ahead", tutorial(), values)
	def := tutorial()
	def.ConfigVariables = append(def.ConfigVariables, ipaas.ConfigVariable{DisplayName: "Region", Required: true})
	w.publish("int-ahead", def)
	_, err := w.DeployInstance(t.Context(), "ahead", 2, plain)
	refused(t, err, ipaas.ReasonConfigIncomplete)
	w.configure("ahead", map[string]string{"Region": `"eu"`})
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "ahead", 2, plain))
}

func TestStoredViewHidesResults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("basic", echo(), nil)
	w.call("POST", urls["Raw"], "text/plain", "hello")
	page := must[storage.Page[ipaas.Execution]](t)(w.store.ListExecutions(t.Context(), storage.Query{Size: 1}))
	view := must[control.ExecutionView](t)(w.ShowExecution(t.Context(), page.Items[0], false))
	if view.Execution.Result != "" || view.Steps != nil {
		t.Errorf("the basic view is %+v", view)
	}
	in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "basic"))
	if shown := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, false)); shown.Flows[0].URL != "" || shown.Config != nil {
		t.Errorf("the basic view is %+v", shown)
	}
}
