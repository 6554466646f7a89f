package control_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/rehearsal"
)

// foreign is an integration of components that there are not, beside flows that have other troubles.
func foreign() ipaas.Definition {
	hub := ipaas.ConfigVariable{DisplayName: "Hub", Type: ipaas.ConfigConnection, ConnectionType: "hubSpot.oauth2", Required: true}
	loop := step("Each Company", "loop.loopOverItems", inputs{"items": ref("listCompanies.results")})
	loop.Steps = []ipaas.Step{step("Post Company", "hubSpot.post_company", inputs{
		"company": ref("eachCompany.currentItem"), "hub": cfg("Hub"), "label": tmpl("no {{$eachCompany.index}}"),
	})}
	sort := step("Sort", "openai.classifyAndBranch", inputs{"text": lit("x")})
	sort.Branches = []ipaas.Branch{
		{Name: "Good", Steps: []ipaas.Step{note("Note Good", lit("good"))}}, {Name: "Else", Steps: []ipaas.Step{note("Note Else", lit("else"))}},
	}
	odd := note("Odd", lit("x"))
	odd.Inputs["odd"] = lit("y")
	return ipaas.Definition{
		DisplayName: "Foreign", ConfigVariables: []ipaas.ConfigVariable{hub, {DisplayName: "Unset", Required: true}},
		Flows: []ipaas.Flow{
			{
				DisplayName: "Companies", Trigger: ipaas.Trigger{Type: "hubSpot.event", Inputs: inputs{"secret": cfg("Unset")}},
				Steps: []ipaas.Step{step("List Companies", "hubSpot.listCompanies", inputs{"hub": cfg("Hub"), "unset": cfg("Unset")}), loop},
			},
			hookFlow("Sorting", sort),
			hookFlow("Broken", odd),
			hookFlow("Unset", note("Note", cfg("Unset"))),
		},
	}
}

func canned(step, result string) ipaas.CannedResult {
	return ipaas.CannedResult{Step: step, Result: result}
}

// rehearse runs a flow with something in place of the world.
func (w *world) rehearse(integrationID, flowID string, r rehearsal.Rehearsal) control.TestResult {
	w.t.Helper()
	return must[control.TestResult](w.t)(w.RehearseFlow(w.t.Context(), integrationID, flowID, nil, false, r, plain))
}

// stepsOf is what the steps of an execution did, in short.
func (w *world) stepsOf(ex *ipaas.Execution) []string {
	w.t.Helper()
	var out []string
	for _, s := range w.steps(ex.ID) {
		if s.StepID != ipaas.TriggerStepID {
			out = append(out, fmt.Sprintf("%s %t %s → %s%s", s.Path, s.StandIn, s.Inputs, s.Result, s.Error))
		}
	}
	return out
}

func TestUnknownActionsAreStoodInFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("foreign", foreign(), nil)
	result := w.rehearse("foreign", "companies", rehearsal.Rehearsal{Results: []ipaas.CannedResult{
		{Action: "hubSpot.listCompanies", Result: `[{"id":1.50},{"id":2},{"id":3},{"id":4}]`},
		{Action: "hubSpot.post_company", Result: `"first"`},
		{Action: "hubSpot.post_company", Result: `"others"`},
		canned("each-company[1].post-company", `{"of":"the path"}`),
	}})
	if ex := result.Execution; ex.State != ipaas.ExecutionSucceeded || ex.Result != `["first",{"of":"the path"},"others","others"]` {
		t.Fatalf("the execution is %+v", ex)
	}
	hub := `{"configVariable":"hub","type":"hubSpot.oauth2"}`
	want := []string{
		`list-companies true {"hub":` + hub + `} → [{"id":1.50},{"id":2},{"id":3},{"id":4}]`,
		`each-company false {"items":[{"id":1.50},{"id":2},{"id":3},{"id":4}]} → ["first",{"of":"the path"},"others","others"]`,
	}
	for i, result := range []string{`"first"`, `{"of":"the path"}`, `"others"`, `"others"`} {
		id := []string{"1.50", "2", "3", "4"}[i]
		want = append(want, fmt.Sprintf(`each-company[%d].post-company true {"company":{"id":%s},"hub":%s,"label":"no %d"} → %s`, i, id, hub, i, result))
	}
	if diff := cmp.Diff(want, w.stepsOf(result.Execution)); diff != "" {
		t.Errorf("the steps (-want +got):\n%s", diff)
	}
}

func TestUnknownActionWithoutAResultFailsAndSaysWhatToSupply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("foreign", foreign(), nil)
	ex := w.test("foreign", "companies", nil).Execution
	if ex.State != ipaas.ExecutionFailed || !strings.Contains(ex.Error.Message, "hubSpot.listCompanies") || !strings.Contains(ex.Error.Message, "supply") {
		t.Errorf("the execution is %+v", ex.Error)
	}
	if rows := w.stepsOf(ex); len(rows) != 1 || !strings.HasPrefix(rows[0], `list-companies true {"hub":{"configVariable":"hub"`) {
		t.Errorf("the steps are %v", rows)
	}
	ex = w.rehearse("foreign", "companies", rehearsal.Rehearsal{Default: `[7]`}).Execution
	if ex.State != ipaas.ExecutionSucceeded || ex.Result != `[[7]]` {
		t.Errorf("with a default result it is %+v", ex)
	}
	ex = w.rehearse("foreign", "companies", rehearsal.Rehearsal{Default: `[7]`, Results: []ipaas.CannedResult{{Step: "postCompany", Error: "hub is down"}}}).Execution
	if ex.State != ipaas.ExecutionFailed || !strings.Contains(ex.Error.Message, "hub is down") || ex.Error.StepPath != "each-company[0].post-company" {
		t.Errorf("with an error it is %+v", ex.Error)
	}
}

func TestStandInsBranchAndLoop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := foreign()
	each := step("Each Page", "hubSpot.eachPage", inputs{})
	each.Steps = []ipaas.Step{note("Note Page", ref("eachPage.currentItem"))}
	def.Flows = append(def.Flows, hookFlow("Pages", each))
	w.drafted("foreign", def, nil)
	tests := []struct {
		name, flow string
		given      ipaas.CannedResult
		ran        []string
		fails      string
	}{
		{"the branch that is chosen", "sorting", ipaas.CannedResult{Step: "Sort", Branch: "Good", Result: `{"class":"Good"}`}, []string{`"good"`}, ""},
		{"none is chosen", "sorting", ipaas.CannedResult{Action: "openai.classifyAndBranch"}, []string{`"else"`}, ""},
		{"a branch that there is not", "sorting", ipaas.CannedResult{Step: "sort", Branch: "Bad"}, nil, `"Bad", and the step has Good, Else`},
		{"rounds", "pages", canned("Each Page", `["a",{"b":1}]`), []string{`"a"`, `{"b":1}`}, ""},
		{"no list", "pages", canned("Each Page", `{"b":1}`), nil, "give the list"},
	}
	for _, test := range tests {
		before := len(w.probe.notes())
		ex := w.rehearse("foreign", test.flow, rehearsal.Rehearsal{Results: []ipaas.CannedResult{test.given}}).Execution
		if diff := cmp.Diff(append([]string{}, test.ran...), w.probe.notes()[before:]); diff != "" {
			t.Errorf("%s: ran (-want +got):\n%s", test.name, diff)
		}
		if failed := ex.State == ipaas.ExecutionFailed; failed != (test.fails != "") || failed && !strings.Contains(ex.Error.Message, test.fails) {
			t.Errorf("%s: it ended %s %+v", test.name, ex.State, ex.Error)
		}
	}
}

func TestKnownActionsAreStoodInForWhereTheTestWantsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), nil) // without the connection, which nothing that is run needs
	r := rehearsal.Rehearsal{Results: []ipaas.CannedResult{{Action: "acme-erp.createWebhook", Result: `{"id":"wh_9"}`}}}
	result := w.rehearse("acme", "initialization", r)
	if ex := result.Execution; ex.State != ipaas.ExecutionSucceeded || ex.Result != `{"id":"wh_9"}` {
		t.Fatalf("the execution is %+v", ex)
	}
	if len(w.erp.Ledger()) != 0 {
		t.Errorf("the ERP was made to do %v", ledger(w.erp))
	}
	rows := must[[]ipaas.Registration](t)(w.store.ListRegistrations(t.Context(), ipaas.TestInstanceID("acme")))
	if len(rows) != 0 {
		t.Errorf("registered: %+v", rows)
	}
	in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), ipaas.TestInstanceID("acme")))
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	if got := w.stepsOf(result.Execution)[0]; !strings.Contains(got, view.Flows[0].URL) || !strings.Contains(got, `"configVariable":"erp"`) {
		t.Errorf("the first step is shown as %s", got)
	}
	// What real tests have registered stays: a step that is stood in for did not say that it wants it no more.
	w.configure(in.ID, w.erpConfig())
	w.test("acme", "initialization", nil)
	w.rehearse("acme", "initialization", r)
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
}

func TestWhatStandsInIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("foreign", foreign(), nil)
	_, err := w.RehearseFlow(t.Context(), "foreign", "companies", nil, false, rehearsal.Rehearsal{Default: "{", Results: []ipaas.CannedResult{
		{},
		{Action: "hubSpot.listCompanies", Step: "List Companies"},
		{Action: "hubSpot.listCompany"},
		{Step: "Post Companies"},
		{Step: "each-company[0].list"},
		{Step: "Each Company", Result: "[]"},
		{Step: "Post Company", Result: "{"},
		{Step: "Post Company", Result: "1", Error: "x"},
	}}, plain)
	e := refused(t, err, ipaas.ReasonInvalidArgument)
	var got []string
	for _, v := range e.Violations {
		got = append(got, fmt.Sprintf("%s %s", v.Field, v.Reason))
	}
	want := []string{
		"defaultResult MALFORMED", "stepResults[0].step REQUIRED", "stepResults[1].step REQUIRED", "stepResults[2].action UNKNOWN_ACTION",
		"stepResults[3].step UNKNOWN_STEP", "stepResults[4].step UNKNOWN_STEP", "stepResults[5].step MISPLACED", "stepResults[6].result MALFORMED",
		"stepResults[7].error MISPLACED",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
	if !strings.Contains(e.Violations[3].Description, `did you mean "hubSpot.listCompanies"?`) {
		t.Errorf("the way out is %q", e.Violations[3].Description)
	}
}

func TestATestNeedsOnlyWhatItsFlowNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("foreign", foreign(), nil)
	_, err := w.TestFlow(t.Context(), "foreign", "broken", nil, false, plain)
	if e := refused(t, err, ipaas.ReasonDraftHasProblems); len(e.Violations) != 1 || e.Violations[0].Field != "flows[2].steps[0].inputs.odd" {
		t.Errorf("violations: %+v", e.Violations)
	}
	_, err = w.TestFlow(t.Context(), "foreign", "unset", nil, false, plain)
	if e := refused(t, err, ipaas.ReasonConfigIncomplete); len(e.Violations) != 1 || e.Violations[0].Field != "configValues.unset" {
		t.Errorf("violations: %+v", e.Violations)
	}
	result := w.rehearse("foreign", "unset", rehearsal.Rehearsal{Results: []ipaas.CannedResult{canned("Note", `"in its place"`)}})
	if result.Execution.Result != `"in its place"` {
		t.Errorf("the execution is %+v", result.Execution)
	}
	// It cannot be published or deployed, and the error names all that is unknown.
	_, err = w.PublishIntegration(t.Context(), "foreign", "", plain)
	e := refused(t, err, ipaas.ReasonDraftHasProblems)
	all := fmt.Sprint(e.Violations)
	for _, name := range []string{"hubSpot.listCompanies", "hubSpot.post_company", "openai.classifyAndBranch", "hubSpot.event", "hubSpot.oauth2"} {
		if !strings.Contains(all, name) {
			t.Errorf("the error does not name %s: %s", name, all)
		}
	}
}

// A declarative component of the same key fills the gap.
func TestAComponentFillsTheGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{
		DisplayName: "Gap",
		ConfigVariables: []ipaas.ConfigVariable{
			{DisplayName: "Hub", Type: ipaas.ConfigConnection, ConnectionType: "hubSpot_eu.o_auth", Required: true},
		},
		Flows: []ipaas.Flow{deployFlow("Initialization", step("Create", "hubSpot_eu.create_webhook", inputs{
			"connection": cfg("Hub"), "event": lit("customer.updated"), "callbackUrl": ref("trigger.results.webhookUrls.Customers"),
		})), hookFlow("Customers", note("Note", lit("x")))},
	}
	if _, _, err := w.ImportIntegration(t.Context(), "gap", def, plain); err != nil {
		t.Fatal(err)
	}
	if ex := w.rehearse("gap", "initialization", rehearsal.Rehearsal{Default: "{}"}).Execution; ex.State != ipaas.ExecutionSucceeded {
		t.Fatalf("the execution is %+v", ex)
	}
	c := acme()
	c.ID, c.ConnectionTypes[0].Key, c.Actions[0].Key = "hubSpot_eu", "o_auth", "create_webhook"
	for i := range c.Actions {
		c.Actions[i].Inputs[0].ConnectionTypes = []string{"o_auth"}
	}
	must[ipaas.Component](t)(w.CreateComponent(t.Context(), c, plain))
	must[ipaas.IntegrationVersion](t)(w.PublishIntegration(t.Context(), "gap", "", plain))
	w.instance("real", "gap", map[string]string{"Hub": w.erpConfig()["ERP"]})
	w.deploy("real")
	if diff := cmp.Diff([]string{"create wh_1"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
}

func TestWhatWasRecordedAnswersOfflineAndElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), w.erpConfig())
	recorded := w.rehearse("acme", "initialization", rehearsal.Rehearsal{Record: true})
	if recorded.Execution.State != ipaas.ExecutionSucceeded || len(recorded.Exchanges) != 2 {
		t.Fatalf("it came to %+v with %d exchanges", recorded.Execution, len(recorded.Exchanges))
	}
	text, err := json.Marshal(recorded.Exchanges)
	if err != nil {
		t.Fatal(err)
	}
	all := string(text)
	for _, e := range recorded.Exchanges {
		all += string(e.Request.Body) + string(e.Response.Body) // which JSON shows in base64
	}
	if strings.Contains(all, erpKey) || strings.Contains(all, "/hooks/") {
		t.Errorf("a secret or a URL of a webhook was recorded: %s", all)
	}
	first := recorded.Exchanges[0]
	if first.StepPath != "customer-webhook" || first.Response == nil || first.Response.Status != 201 ||
		!strings.Contains(string(first.Request.Body), `"callbackUrl":"${webhookUrls.customers}"`) {
		t.Errorf("the first exchange is %+v", first)
	}
	for _, e := range recorded.Exchanges {
		for _, h := range e.Request.Headers {
			if h.Name == "X-Api-Key" && h.Text != "[redacted]" {
				t.Errorf("a header was recorded as %+v", h)
			}
		}
	}
	before := ledger(w.erp)

	// Another server with another key has other URLs; its ERP is not there.
	other := newWorld(t)
	other.drafted("acme", tutorial(), map[string]string{"ERP": `{"baseUrl":"` + w.erpURL + `","apiKey":"quite-another-key"}`})
	again := other.rehearse("acme", "initialization", rehearsal.Rehearsal{Exchanges: recorded.Exchanges, Record: true})
	if again.Execution.State != ipaas.ExecutionSucceeded {
		t.Fatalf("offline it came to %+v", again.Execution.Error)
	}
	for _, e := range append(recorded.Exchanges, again.Exchanges...) { // another execution has other keys
		i := slices.IndexFunc(e.Request.Headers, func(h ipaas.NamedText) bool { return h.Name == "Idempotency-Key" })
		e.Request.Headers[i].Text = ""
	}
	if diff := cmp.Diff(recorded.Exchanges, again.Exchanges); diff != "" {
		t.Errorf("the exchanges differ (-recorded +again):\n%s", diff)
	}
	if diff := cmp.Diff(before, ledger(w.erp)); diff != "" {
		t.Errorf("a request left (-before +after):\n%s", diff)
	}
	rows := must[[]ipaas.Registration](t)(other.store.ListRegistrations(t.Context(), ipaas.TestInstanceID("acme")))
	if len(rows) != 0 {
		t.Errorf("an offline test registered %+v", rows)
	}
	ex := other.rehearse("acme", "initialization", rehearsal.Rehearsal{Exchanges: recorded.Exchanges[:1]}).Execution
	if ex.State != ipaas.ExecutionFailed || ex.Error.StepID != "inventory-webhook" || !strings.Contains(ex.Error.Message, "inventory.updated") {
		t.Errorf("without the second exchange it came to %+v", ex.Error)
	}
	ex = other.rehearse("acme", "initialization", rehearsal.Rehearsal{Offline: true}).Execution
	if ex.State != ipaas.ExecutionFailed || !strings.Contains(ex.Error.Message, "POST "+w.erpURL+"/api/webhooks") {
		t.Errorf("without exchanges it came to %+v", ex.Error)
	}
}

// The same request gets the same exchanges.
func TestExchangesAreRememberedWithTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), w.erpConfig())
	r := rehearsal.Rehearsal{Record: true}
	m := as("TestFlow", "r-1", "h")
	first := must[control.TestResult](t)(w.RehearseFlow(t.Context(), "acme", "initialization", nil, false, r, m))
	again := must[control.TestResult](t)(w.RehearseFlow(t.Context(), "acme", "initialization", nil, false, r, m))
	if diff := cmp.Diff(first, again); diff != "" || len(first.Exchanges) != 2 {
		t.Errorf("%d exchanges; (-first +again):\n%s", len(first.Exchanges), diff)
	}
}
