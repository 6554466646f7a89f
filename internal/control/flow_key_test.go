package control_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// secured returns a flow with a security that shows its trigger's results.
func secured(name string, security ipaas.FlowSecurity, steps ...ipaas.Step) ipaas.Flow {
	f := hookFlow(name, append([]ipaas.Step{note("Note", ref("trigger.results"))}, steps...)...)
	f.Security = security
	return f
}

// key adds a key to a flow of an instance, or of an integration where the instance's id is empty, and returns its text.
func (w *world) key(instanceID, integrationID, flowID string) string {
	w.t.Helper()
	k := must[ipaas.FlowKey](w.t)(w.CreateFlowKey(w.t.Context(), ipaas.FlowKey{InstanceID: instanceID, IntegrationID: integrationID, FlowID: flowID}, "", plain))
	text, err := w.FlowKeyText(k)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// sendWith hands a JSON event with a key to the hook of a URL.
func (w *world) sendWith(hook, key, json string) (control.Reply, error) {
	payload := jsonPayload(json)
	if key != "" {
		payload.Headers = []ipaas.NamedText{{Name: "aPI-kEY", Text: key}, {Name: "X-Other", Text: "stays"}}
	}
	return w.ReceiveWebhook(w.t.Context(), tokenOf(hook), payload, control.Preferences{})
}

func (w *world) allExecutions() int {
	w.t.Helper()
	page, err := w.store.ListExecutions(w.t.Context(), storage.Query{Size: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(page.Items)
}

func TestFlowLetsInWhoHasOneOfItsKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Secured", Flows: []ipaas.Flow{
		secured("Open", ipaas.SecurityUnsecured), secured("Optional", ""),
		secured("Required", ipaas.SecurityCustomerRequired), secured("Organization", ipaas.SecurityOrganization),
	}}
	urls := w.deployed("one", def, nil)
	w.instance("two", "int-one", nil)
	others := urlsOf(w.deploy("two"))
	in := func(hook, key, by string) {
		t.Helper()
		reply, err := w.sendWith(hook, key, `{}`)
		if err != nil || reply.Response.Status != 200 {
			t.Errorf("refused: %v %+v", err, reply.Response)
			return
		}
		if ex := w.succeeded(reply.ExecutionID); ex.FlowKeyID != by {
			t.Errorf("let in by key %q, want %q", ex.FlowKeyID, by)
		}
	}
	out := func(hook, key string) {
		t.Helper()
		before := w.allExecutions()
		_, err := w.sendWith(hook, key, `{"this is": no JSON`)
		e := refused(t, err, ipaas.ReasonAPIKeyRequired)
		if !errors.Is(err, ipaas.Unauthenticated) || !strings.Contains(e.Message, "Api-Key") || key != "" && strings.Contains(e.Message, key) {
			t.Errorf("refused with %v", err)
		}
		var keys []string
		if key != "" {
			keys = append(keys, key)
		}
		refused(t, w.LookupWebhook(t.Context(), tokenOf(hook), keys...), ipaas.ReasonAPIKeyRequired)
		if w.allExecutions() != before {
			t.Error("what was refused is recorded")
		}
	}
	// A flow that asks for a key and has none refuses all; handshakes, too.
	in(urls["Open"], "", "")
	in(urls["Optional"], "", "")
	out(urls["Required"], "")
	out(urls["Organization"], "")
	_, err := w.ReceiveWebhook(t.Context(), tokenOf(urls["Required"]), ipaas.Payload{Method: "GET", Query: []ipaas.NamedText{{Name: "challenge", Text: "x"}}}, control.Preferences{})
	refused(t, err, ipaas.ReasonAPIKeyRequired)

	optional, required, organization := w.key("one", "", "optional"), w.key("one", "", "required"), w.key("", "int-one", "organization")
	in(urls["Open"], optional, "")
	in(urls["Optional"], optional, "key")
	in(urls["Required"], required, "key")
	in(urls["Organization"], organization, "key")
	in(others["Organization"], organization, "key")
	in(others["Optional"], "", "")
	for _, wrong := range []string{"", required, organization, strings.ToUpper(optional), optional + "x", "nonsense"} {
		out(urls["Optional"], wrong)
	}
	out(urls["Required"], optional)
	out(urls["Organization"], required)
	out(others["Required"], required) // another customer's
	reply, err := w.ReceiveWebhook(t.Context(), tokenOf(urls["Required"]), ipaas.Payload{
		Method: "GET", Query: []ipaas.NamedText{{Name: "challenge", Text: "x"}}, Headers: []ipaas.NamedText{{Name: "Api-Key", Text: required}},
	}, control.Preferences{})
	if err != nil || string(reply.Response.Body) != "x" {
		t.Errorf("a handshake with a key is answered %v %s", err, reply.Response.Body)
	}

	// Rotation: two keys count at once, at an old URL as at a new one; a deleted one does not count any more.
	const second = "the-second-of-two-keys"
	must[ipaas.FlowKey](t)(w.CreateFlowKey(t.Context(), ipaas.FlowKey{ID: "second", InstanceID: "one", FlowID: "required"}, second, plain))
	in(urls["Required"], required, "key")
	in(urls["Required"], second, "second")
	must[ipaas.Instance](t)(w.RotateWebhookToken(t.Context(), "one", "required", false, time.Hour, plain))
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "one")), true))
	fresh := ""
	for _, f := range view.Flows {
		if f.FlowID == "required" {
			fresh = f.URL
			if f.Keys != 2 || f.Locked || f.Security != ipaas.SecurityCustomerRequired {
				t.Errorf("the flow is shown as %+v", f)
			}
		}
	}
	out(fresh, "")
	in(fresh, second, "second")
	if err := w.DeleteFlowKey(t.Context(), ipaas.FlowKey{ID: "key", InstanceID: "one", FlowID: "required"}, plain); err != nil {
		t.Fatal(err)
	}
	for _, hook := range []string{urls["Required"], fresh} {
		out(hook, required)
		in(hook, second, "second")
	}
	// A paused instance tells those without a key no more than one that runs.
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "one", ipaas.PauseRefuse, plain))
	out(fresh, "")
	_, err = w.sendWith(fresh, second, `{}`)
	refused(t, err, ipaas.ReasonInstancePaused)
	// A removed one is gone for all.
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
	_, err = w.sendWith(fresh, "", `{}`)
	refused(t, err, ipaas.ReasonInstanceRemoved)
}

// TestARefusalSaysWhatCame tells apart who sent no key, one that is wrong, and several.
func TestARefusalSaysWhatCame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("one", ipaas.Definition{DisplayName: "Secured", Flows: []ipaas.Flow{secured("Required", ipaas.SecurityCustomerRequired)}}, nil)
	key := w.key("one", "", "required")
	for _, tt := range []struct {
		name string
		sent []string
		want string
	}{
		{"none", nil, "none came"},
		{"a wrong one", []string{"a-key-that-is-wrong"}, "is none that this flow lets in"},
		{"one that is too short to be one", []string{"nonsense"}, "is none that this flow lets in"},
		{"several", []string{key, key}, "2 came"},
	} {
		payload := ipaas.Payload{Method: "POST"}
		for _, text := range tt.sent {
			payload.Headers = append(payload.Headers, ipaas.NamedText{Name: "api-key", Text: text})
		}
		_, err := w.ReceiveWebhook(t.Context(), tokenOf(urls["Required"]), payload, control.Preferences{})
		for _, err := range []error{err, w.LookupWebhook(t.Context(), tokenOf(urls["Required"]), tt.sent...)} {
			if e := refused(t, err, ipaas.ReasonAPIKeyRequired); !strings.Contains(e.Message, tt.want) {
				t.Errorf("%s: refused with %q", tt.name, e.Message)
			}
		}
	}
}

func TestFlowsSeeTheKeysOfTheirSiblingsAndNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tell := tmpl("{{$trigger.results.webhookApiKeys.Required.0}}")
	failing := secured("Fail", ipaas.SecurityUnsecured, step("Break", "probe.fail", inputs{"value": tell}))
	def := ipaas.Definition{DisplayName: "Secured", Flows: []ipaas.Flow{
		secured("Required", ipaas.SecurityCustomerRequired), secured("Organization", ipaas.SecurityOrganization),
		secured("Optional", "", step("Log", "log.writeLog", inputs{"message": tell})), failing,
		deployFlow("Init", note("Note", ref("trigger.results.webhookApiKeys")), note("First", ref("trigger.results.webhookApiKeys.Required.0"))),
	}}
	def.Flows = append(def.Flows, syncFlow("Sync", note("Note", tell)))
	w.publish("keys", def)
	brought := "brought-by-the-caller-0815"
	w.instance("one", "keys", nil)
	required, organization := w.key("one", "", "required"), w.key("", "keys", "organization")
	must[ipaas.FlowKey](t)(w.CreateFlowKey(t.Context(), ipaas.FlowKey{InstanceID: "one", FlowID: "optional", DisplayName: "Brought"}, brought, as("CreateFlowKey", "k-1", "h")))
	test := w.key(ipaas.TestInstanceID("keys"), "", "required")
	w.key("one", "", "organization") // does not count

	plan := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "one", 0, control.Mutation{ValidateOnly: true}))
	if len(plan.Plan.LockedFlowIDs) != 0 {
		t.Errorf("locked: %v", plan.Plan.LockedFlowIDs)
	}
	result := w.deploy("one")
	want := `{"Required":["` + required + `"],"Organization":["` + organization + `"],"Optional":["` + brought + `"],"Fail":[],"Init":[],"Sync":[]}`
	if got := w.probe.notes(); len(got) != 2 || got[0] != want || got[1] != `"`+required+`"` {
		t.Errorf("the deployment saw %v, want %s", got, want)
	}
	must[control.TestResult](t)(w.TestFlow(t.Context(), "keys", "init", nil, false, plain))
	if got := w.probe.notes(); !strings.Contains(got[2], test) || strings.Contains(got[2], required) {
		t.Errorf("the test saw %s", got[2])
	}

	urls := urlsOf(result)
	run := must[control.Reply](t)(w.sendWith(urls["Optional"], brought, `{"echo":"`+brought+`"}`))
	ex := w.succeeded(run.ExecutionID)
	for _, h := range ex.Payload.Headers {
		if h.Text != map[string]string{"aPI-kEY": "[redacted]", "X-Other": "stays"}[h.Name] {
			t.Errorf("the stored payload has the header %+v", h)
		}
	}
	reply := must[control.Reply](t)(w.sendWith(urls["Fail"], required, `{}`))
	if failed := w.ended(reply.ExecutionID); failed.State != ipaas.ExecutionFailed {
		t.Errorf("it ended %s", failed.State)
	}
	// The caller gets what the flow made, as it made it; what is shown of it is without keys.
	sync := must[control.Reply](t)(w.sendWith(urls["Sync"], "", `{}`))
	if !strings.Contains(string(sync.Response.Body), required) {
		t.Errorf("answered %s", sync.Response.Body)
	}
	for _, id := range []string{ex.ID, reply.ExecutionID, sync.ExecutionID, result.Executions[0].ID} {
		view := must[control.ExecutionView](t)(w.ShowExecution(t.Context(), must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)), true))
		shown := view.Execution.Result
		if view.Execution.Error != nil {
			shown += view.Execution.Error.Message
		}
		for _, s := range view.Steps {
			shown += s.Inputs + s.Result + s.Error
		}
		for _, l := range view.Logs {
			shown += l.Message
		}
		for _, secret := range []string{required, organization} {
			if strings.Contains(shown, secret) {
				t.Errorf("execution %s shows a key: %s", id, shown)
			}
		}
		if !strings.Contains(shown, `"Required":["[redacted]"]`) {
			t.Errorf("execution %s does not show that there is a key: %s", id, shown)
		}
	}
	// The body is the sender's: what stands in it is stored as it came, and so is not looked for here.
	for _, leak := range w.leaks(map[string]string{"required": required, "organization": organization, "test": test}) {
		t.Error(leak)
	}
}

func TestKeysInHeadersAreNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("one", ipaas.Definition{DisplayName: "Open", Flows: []ipaas.Flow{secured("Open", ipaas.SecurityUnsecured), secured("Other", "")}}, nil)
	own, other := w.key("one", "", "open"), w.key("one", "", "other")
	reply := must[control.Reply](t)(w.ReceiveWebhook(t.Context(), tokenOf(urls["Open"]), ipaas.Payload{
		Method: "POST", Query: []ipaas.NamedText{{Name: "key", Text: other}, {Name: "page", Text: "1"}},
		Headers: []ipaas.NamedText{
			{Name: "Api-Key", Text: own}, {Name: "api-key", Text: other}, {Name: "Authorization", Text: "Bearer " + own}, {Name: "Api-Key", Text: "the flow's own"},
		},
	}, control.Preferences{}))
	ex := w.succeeded(reply.ExecutionID)
	var texts []string
	for _, h := range append(ex.Payload.Headers, ex.Payload.Query...) {
		texts = append(texts, h.Text)
	}
	if got := strings.Join(texts, "|"); got != "[redacted]|[redacted]|Bearer [redacted]|the flow's own|[redacted]|1" {
		t.Errorf("stored: %s", got)
	}
	for _, leak := range w.leaks(map[string]string{"own": own, "other": other, "encoded": base64.StdEncoding.EncodeToString([]byte(own))}) {
		t.Error(leak)
	}
}

func TestKeysAreMadeOnceAndWithinBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("keys", ipaas.Definition{DisplayName: "Keys", Flows: []ipaas.Flow{secured("Required", ipaas.SecurityCustomerRequired)}})
	w.instance("one", "keys", nil)
	of := ipaas.FlowKey{InstanceID: "one", FlowID: "required", DisplayName: "The ERP's"}
	create := func(k ipaas.FlowKey, text string, m control.Mutation) (ipaas.FlowKey, error) {
		return w.CreateFlowKey(t.Context(), k, text, m)
	}

	first := must[ipaas.FlowKey](t)(create(of, "", as("CreateFlowKey", "k", "h")))
	again := must[ipaas.FlowKey](t)(create(of, "", as("CreateFlowKey", "k", "h")))
	if first.ID != "the-erp-s" || again.ID != first.ID || again.Hash != first.Hash {
		t.Errorf("first %+v, again %+v", first, again)
	}
	text := must[string](t)(w.FlowKeyText(again))
	if len(text) != 36 || !strings.HasPrefix(text, "hrk_") || !strings.HasSuffix(text, first.LastFour) {
		t.Errorf("the key is %q", text)
	}
	second := must[ipaas.FlowKey](t)(create(of, "", plain))
	if second.ID == first.ID || !strings.HasPrefix(second.ID, "the-erp-s-") {
		t.Errorf("the second is %q", second.ID)
	}
	_, err := create(of, text, plain)
	refused(t, err, ipaas.ReasonAlreadyExists)
	for _, wrong := range []string{"short", "with spaces in the middle", strings.Repeat("x", 201)} {
		_, err := create(of, wrong, plain)
		if e := refused(t, err, ipaas.ReasonInvalidArgument); len(e.Violations) != 1 || strings.Contains(e.Error(), wrong) {
			t.Errorf("refused with %v", err)
		}
	}
	for _, unknown := range []ipaas.FlowKey{{InstanceID: "one", FlowID: "nothing"}, {InstanceID: "nobody", FlowID: "required"}, {IntegrationID: "none", FlowID: "required"}, {IntegrationID: "keys", FlowID: "none"}} {
		if _, err := create(unknown, "", plain); !errors.Is(err, ipaas.NotFound) {
			t.Errorf("%+v: %v", unknown, err)
		}
	}
	must[ipaas.FlowKey](t)(create(of, "", control.Mutation{ValidateOnly: true}))
	if keys := must[[]ipaas.FlowKey](t)(w.ListFlowKeys(t.Context(), of)); len(keys) != 2 {
		t.Errorf("there are %d keys", len(keys))
	}
	for range ipaas.MaxFlowKeys - 2 {
		must[ipaas.FlowKey](t)(create(of, "", plain))
	}
	_, err = create(of, "", plain)
	refused(t, err, ipaas.ReasonTooManyKeys)

	// A flow that asks for keys and has none is locked, and a plan says so.
	w.instance("two", "keys", nil)
	plan := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "two", 0, control.Mutation{ValidateOnly: true}))
	if len(plan.Plan.LockedFlowIDs) != 1 || plan.Plan.LockedFlowIDs[0] != "required" {
		t.Errorf("locked: %v", plan.Plan.LockedFlowIDs)
	}
	// A key for a flow that only the newest version has can be made ahead.
	w.deploy("two")
	w.publish("keys", ipaas.Definition{DisplayName: "Keys", Flows: []ipaas.Flow{secured("Required", ""), secured("Coming", ipaas.SecurityCustomerRequired)}})
	must[ipaas.FlowKey](t)(create(ipaas.FlowKey{InstanceID: "two", FlowID: "coming"}, "", plain))
}

// TestCandidateAsksForItsOwnKeys: while a flow is being deployed for the first time, it lets in whom it will let in then.
func TestCandidateAsksForItsOwnKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Keys", Flows: []ipaas.Flow{
		secured("Required", ipaas.SecurityCustomerRequired), deployFlow("Init", step("Wait", "probe.wait", inputs{"value": lit("gate")})),
	}}
	w.publish("keys", def)
	w.instance("one", "keys", nil)
	key := w.key("one", "", "required")
	done := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "one", 0, plain)
		done <- err
	}()
	<-w.probe.gate("gate").reached
	hooks := must[[]ipaas.Webhook](t)(w.store.ListWebhooks(t.Context(), "one"))
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "one")), true))
	if len(hooks) == 0 {
		t.Fatal("there are no hooks")
	}
	url := view.Flows[0].URL
	_, err := w.sendWith(url, "", `{}`)
	refused(t, err, ipaas.ReasonAPIKeyRequired)
	held := must[control.Reply](t)(w.sendWith(url, key, `{}`))
	challenge := ipaas.Payload{Method: "GET", Query: []ipaas.NamedText{{Name: "challenge", Text: "x"}}}
	_, err = w.ReceiveWebhook(t.Context(), tokenOf(url), challenge, control.Preferences{})
	refused(t, err, ipaas.ReasonAPIKeyRequired)
	challenge.Headers = []ipaas.NamedText{{Name: "Api-Key", Text: key}}
	if reply := must[control.Reply](t)(w.ReceiveWebhook(t.Context(), tokenOf(url), challenge, control.Preferences{})); string(reply.Response.Body) != "x" {
		t.Errorf("the handshake is answered %s", reply.Response.Body)
	}
	w.probe.gate("gate").pass()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.succeeded(held.ExecutionID)
}
