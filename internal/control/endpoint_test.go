package control_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

func refAt(path string) *ipaas.Input {
	in := ref(path)
	return &in
}

// perInstance is an integration whose flows share a URL in each instance.
func perInstance(preprocess string, flows ...ipaas.Flow) ipaas.Definition {
	d := ipaas.Definition{DisplayName: "Crossroads", Flows: flows, Endpoint: &ipaas.Endpoint{
		Type: ipaas.EndpointPerInstance, PreprocessFlow: preprocess, FlowName: refAt("payload.headers.X-Flow"),
	}}
	if preprocess != "" {
		d.Endpoint.FlowName = refAt("onExecution.results.flow")
	}
	return d
}

// shared is an integration whose instances share a URL.
func shared(preprocess string, flows ...ipaas.Flow) ipaas.Definition {
	d := perInstance(preprocess, flows...)
	d.Endpoint.Type, d.Endpoint.CustomerID = ipaas.EndpointShared, refAt("payload.body.data.account")
	if preprocess != "" {
		d.Endpoint.CustomerID = refAt("onExecution.results.account")
	}
	return d
}

// looker is a flow that looks at requests first: its result is their body.
func looker(steps ...ipaas.Step) ipaas.Flow {
	return hookFlow("Look", append(steps, step("Body", "probe.note", inputs{"value": ref("trigger.results.body.data")}))...)
}

// endpointOf returns the URL that the flows of an instance share.
func (w *world) endpointOf(id string) string {
	w.t.Helper()
	in, err := w.store.GetInstance(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return must[control.InstanceView](w.t)(w.DescribeInstance(w.t.Context(), in, true)).EndpointURL
}

// sendTo hands an event for a flow to an endpoint, with more headers if any are given.
func (w *world) sendTo(hook, flow, json string, headers ...ipaas.NamedText) (control.Reply, error) {
	payload := jsonPayload(json)
	payload.Headers = append([]ipaas.NamedText{{Name: "x-flow", Text: flow}}, headers...)
	return w.ReceiveWebhook(w.t.Context(), tokenOf(hook), payload, control.Preferences{})
}

// customerOf gives the customer of an instance an external id.
func (w *world) customerOf(instance, externalID string) {
	w.t.Helper()
	must[ipaas.Customer](w.t)(w.UpdateCustomer(w.t.Context(), "cust-"+instance, plain, false, func(c *ipaas.Customer) error {
		c.ExternalID = externalID
		return nil
	}))
}

// all returns all executions, oldest first.
func (w *world) all() []ipaas.Execution {
	w.t.Helper()
	page, err := w.store.ListExecutions(w.t.Context(), storage.Query{Size: 1000, OrderBy: []storage.Order{{Field: "create_time"}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Items
}

func TestFlowsOfAnInstanceShareAURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := hookFlow("Asked", note("Note", lit("asked")))
	asked.Security = ipaas.SecurityCustomerRequired
	deduplicated := hookFlow("Once", note("Note", lit("once")))
	deduplicated.DeduplicationKey = refAt("trigger.results.body.data.id")
	def := perInstance("",
		hookFlow("Sync Orders", note("Note", ref("trigger.results.invokeUrl"))), syncFlow("Answer", note("Note", lit("an answer"))), asked, deduplicated,
		deployFlow("Init", note("Note", ref("trigger.results.endpointUrl"))),
	)
	urls := w.deployed("one", def, nil)
	endpoint := w.endpointOf("one")
	if endpoint == "" || slices.Contains([]string{urls["Sync Orders"], urls["Answer"]}, endpoint) {
		t.Fatalf("the endpoint is %q", endpoint)
	}
	if got := w.probe.notes(); len(got) != 1 || got[0] != `"`+endpoint+`"` {
		t.Errorf("the deployment saw %v", got)
	}
	for _, name := range []string{"Sync Orders", "sync-orders"} {
		ex := w.succeeded(must[control.Reply](t)(w.sendTo(endpoint, name, `{}`)).ExecutionID)
		if ex.FlowID != "sync-orders" || !ex.Endpoint || ex.PreprocessedBy != "" {
			t.Errorf("%s: %+v", name, ex)
		}
	}
	if got := w.probe.notes()[1:]; got[0] != `"`+endpoint+`"` || got[1] != got[0] {
		t.Errorf("the flow was called at %v, want %s", got, endpoint)
	}
	// As if the flow's own URL had been called.
	if reply := must[control.Reply](t)(w.sendTo(endpoint, "Answer", `{}`)); string(reply.Response.Body) != `"an answer"` && string(reply.Response.Body) != "an answer" {
		t.Errorf("answered %d %s", reply.Response.Status, reply.Response.Body)
	}
	challenge := ipaas.Payload{Method: "GET", Query: []ipaas.NamedText{{Name: "challenge", Text: "x"}}, Headers: []ipaas.NamedText{{Name: "X-Flow", Text: "Sync Orders"}}}
	if reply := must[control.Reply](t)(w.ReceiveWebhook(t.Context(), tokenOf(endpoint), challenge, control.Preferences{})); string(reply.Response.Body) != "x" {
		t.Errorf("a handshake is answered %s", reply.Response.Body)
	}
	first, second := must[control.Reply](t)(w.sendTo(endpoint, "Once", `{"id":7}`)), must[control.Reply](t)(w.sendTo(endpoint, "Once", `{"id":7}`))
	if first.ExecutionID != second.ExecutionID {
		t.Error("an event that came twice was taken twice")
	}
	_, err := w.sendTo(endpoint, "Asked", `{}`)
	refused(t, err, ipaas.ReasonAPIKeyRequired)
	key := w.key("one", "", "asked")
	reply := must[control.Reply](t)(w.sendTo(endpoint, "Asked", `{}`, ipaas.NamedText{Name: "Api-Key", Text: key}))
	if ex := w.succeeded(reply.ExecutionID); ex.Payload.Headers[1].Text != "[redacted]" || ex.Payload.KeyHash != "" {
		t.Errorf("stored with %+v", ex.Payload)
	}
	before := len(w.all())
	for _, name := range []string{"", "No Such Flow", strings.Repeat("x", 10_000), "*", "asked\x00"} {
		_, err := w.sendTo(endpoint, name, `{}`)
		if e := refused(t, err, ipaas.ReasonNotRouted); e.Kind != ipaas.NotFound || len(e.Message) > 1000 {
			t.Errorf("%.20q: %v", name, e)
		}
	}
	_, err = w.sendTo(endpoint, "Answer", `{"no": JSON`)
	refused(t, err, ipaas.ReasonMalformedPayload)
	if len(w.all()) != before || !strings.Contains(w.logs.String(), "a request at an endpoint was for nobody") {
		t.Error("a request for nobody was recorded, or nobody was told")
	}

	// Rotated like the others.
	must[ipaas.Instance](t)(w.RotateWebhookToken(t.Context(), "one", "", true, 0, plain))
	if fresh := w.endpointOf("one"); fresh == endpoint {
		t.Error("the endpoint is the same after it was rotated")
	} else if again := urlsOf(w.deploy("one")); again["Answer"] != urls["Answer"] {
		t.Error("the URLs of flows were rotated with the endpoint")
	} else {
		w.succeeded(must[control.Reply](t)(w.sendTo(fresh, "Sync Orders", `{}`)).ExecutionID)
		endpoint, _ = fresh, w.store
	}
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "one", ipaas.PauseRefuse, plain))
	_, err = w.sendTo(endpoint, "Sync Orders", `{}`)
	refused(t, err, ipaas.ReasonInstancePaused)
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
	_, err = w.sendTo(endpoint, "Sync Orders", `{}`)
	refused(t, err, ipaas.ReasonInstanceRemoved)
}

func TestEndpointDuringADeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	waiting := deployFlow("Init", step("Wait", "probe.wait", inputs{"value": lit("second")}))
	w.deployed("one", perInstance("", hookFlow("Old", note("Note", lit("old"))), hookFlow("Both", note("Note", lit("both before")))), nil)
	endpoint := w.endpointOf("one")
	w.publish("int-one", perInstance("", hookFlow("Both", note("Note", lit("both after"))), hookFlow("New", note("Note", lit("new"))), syncFlow("Now", note("Note", lit("now"))), waiting))
	done := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "one", 2, plain)
		done <- err
	}()
	<-w.probe.gate("second").reached
	w.succeeded(must[control.Reply](t)(w.sendTo(endpoint, "Old", `{}`)).ExecutionID)
	w.succeeded(must[control.Reply](t)(w.sendTo(endpoint, "Both", `{}`)).ExecutionID)
	held := must[control.Reply](t)(w.sendTo(endpoint, "New", `{}`))
	if ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), held.ExecutionID)); !ex.Held {
		t.Errorf("what only the candidate has is %+v", ex)
	}
	if reply := must[control.Reply](t)(w.sendTo(endpoint, "Now", `{}`)); !strings.Contains(string(reply.Response.Body), "now") {
		t.Errorf("answered %s", reply.Response.Body)
	}
	_, err := w.sendTo(endpoint, "Nowhere", `{}`)
	refused(t, err, ipaas.ReasonNotRouted)
	w.probe.gate("second").pass()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.succeeded(held.ExecutionID)
	w.succeeded(must[control.Reply](t)(w.sendTo(endpoint, "Both", `{}`)).ExecutionID)
	_, err = w.sendTo(endpoint, "Old", `{}`)
	refused(t, err, ipaas.ReasonNotRouted)
	if diff := cmp.Diff([]string{`"old"`, `"both before"`, `"now"`, `"new"`, `"both after"`}, w.probe.notes()); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
}

func TestFlowLooksAtRequestsFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := hookFlow("Asked", note("Note", lit("asked")))
	asked.Security = ipaas.SecurityCustomerRequired
	def := perInstance("Look", looker(), hookFlow("Orders", note("Note", ref("trigger.results.body.data.n"))), syncFlow("Sync", note("Note", lit("sync"))), asked)
	w.deployed("one", def, nil)
	endpoint := w.endpointOf("one")
	reply := must[control.Reply](t)(w.receive(endpoint, `{"flow":"Orders","n":7}`))
	first := w.succeeded(reply.ExecutionID)
	if reply.Response.Status != 200 || first.FlowID != "look" || first.RoutedTo == "" {
		t.Fatalf("answered %+v, looked at by %+v", reply, first)
	}
	routed := w.succeeded(first.RoutedTo)
	if routed.FlowID != "orders" || routed.PreprocessedBy != first.ID || !routed.Endpoint || string(routed.Payload.Body) != `{"flow":"Orders","n":7}` ||
		routed.Generation != 1 || routed.Invoke != ipaas.InvokeWebhook {
		t.Errorf("routed: %+v", routed)
	}
	if got := w.probe.notes(); got[1] != "7" {
		t.Errorf("the flow saw %v", got)
	}
	// A synchronous flow runs, too; the caller has its answer already.
	w.succeeded(w.succeeded(must[control.Reply](t)(w.receive(endpoint, `{"flow":"sync"}`)).ExecutionID).RoutedTo)

	for _, tt := range []struct{ body, why string }{
		{`{"flow":"Nowhere"}`, `no flow "Nowhere"`},
		{`{}`, "names no flow"},
		{`{"flow":"Look"}`, `no flow "Look"`}, // the one that looks is no destination
		{`{"flow":"Asked"}`, "Api-Key"},
		{`null`, "names no flow"},
	} {
		ex := w.ended(must[control.Reply](t)(w.receive(endpoint, tt.body)).ExecutionID)
		if ex.State != ipaas.ExecutionFailed || ex.Error.Reason != ipaas.ExecutionNotRouted || !strings.Contains(ex.Error.Message, tt.why) || ex.RoutedTo != "" {
			t.Errorf("%s: %s %+v", tt.body, ex.State, ex.Error)
		}
	}
	// The key is asked for where the request goes, and not stored on the way.
	key := w.key("one", "", "asked")
	reply = must[control.Reply](t)(w.sendWith(endpoint, key, `{"flow":"Asked"}`))
	looked := w.succeeded(reply.ExecutionID)
	if routed := w.succeeded(looked.RoutedTo); looked.FlowKeyID != "" || routed.FlowKeyID != "key" {
		t.Errorf("let in by key %q where it was looked at, and by %q where it was for", looked.FlowKeyID, routed.FlowKeyID)
	}
	_, err := w.sendWith(endpoint, key+"x", `{"flow":"Asked"}`)
	if err != nil {
		t.Errorf("refused before the flow is known: %v", err)
	}
	for _, leak := range w.leaks(map[string]string{"key": key}) {
		t.Error(leak)
	}
	// A replay looks again, and sends the request on again.
	replay := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), first.ID, control.ReplayOptions{}, plain))
	if again := w.succeeded(w.succeeded(replay.ID).RoutedTo); again.ID == routed.ID || again.FlowID != "orders" {
		t.Errorf("replayed: %+v", again)
	}
	// At its own URL, and in a test, the flow runs and sends nothing on.
	own := urlsOf(w.deploy("one"))["Look"]
	if ex := w.succeeded(w.accepted(own, `{"flow":"Orders"}`)); ex.RoutedTo != "" || ex.Endpoint {
		t.Errorf("at its own URL: %+v", ex)
	}
	test := must[control.TestResult](t)(w.TestFlow(t.Context(), "int-one", "look", &ipaas.TestPayload{Kind: ipaas.BodyJSON, Text: `{"flow":"Orders"}`}, false, plain))
	if test.Execution.RoutedTo != "" {
		t.Errorf("the test: %+v", test.Execution)
	}
}

func TestFlowThatLooksFirstMayFailTryAgainAndAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flaky := looker(step("Flaky", "probe.flaky", inputs{"value": lit("f")}))
	flaky.Retry = &ipaas.Retry{MaxAttempts: 1, Delay: 1}
	w.probe.fail("f", 1)
	w.deployed("one", perInstance("Look", flaky, hookFlow("Orders", note("Note", lit("orders")))), nil)
	id := w.accepted(w.endpointOf("one"), `{"flow":"Orders"}`)
	if ex := w.ended(id); ex.State != ipaas.ExecutionFailed || ex.RoutedTo != "" {
		t.Errorf("the first try is %s, routed to %q", ex.State, ex.RoutedTo)
	}
	var retry ipaas.Execution
	w.eventually("it is tried again", func() bool {
		for _, ex := range w.all() {
			if ex.RetryOf == id && ex.State.Ended() {
				retry = ex
			}
		}
		return retry.ID != ""
	})
	w.succeeded(retry.RoutedTo)

	answers := looker()
	answers.Synchronous = true
	w.deployed("two", perInstance("Look", answers, hookFlow("Orders", note("Note", lit("orders")))), nil)
	reply := must[control.Reply](t)(w.receive(w.endpointOf("two"), `{"flow":"Orders"}`))
	if string(reply.Response.Body) != `{"flow":"Orders"}` {
		t.Errorf("answered %d %s", reply.Response.Status, reply.Response.Body)
	}
	w.succeeded(w.ended(reply.ExecutionID).RoutedTo)
	reply = must[control.Reply](t)(w.receive(w.endpointOf("two"), `{"flow":"None"}`))
	if reply.Response.Status != 400 || !strings.Contains(string(reply.Response.Body), "None") ||
		!strings.Contains(string(reply.Response.Body), `"reason":"NOT_ROUTED"`) {
		t.Errorf("a request for nobody is answered %d %s", reply.Response.Status, reply.Response.Body)
	}
}

// TestCrashBetweenLookingAndGoingOnLosesNothing: what is on disk while the flow looks leads to the same, after a crash as without one.
func TestCrashBetweenLookingAndGoingOnLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("one", perInstance("Look",
		looker(step("Wait", "probe.wait", inputs{"value": lit("looking")})), hookFlow("Orders", step("Stay", "probe.wait", inputs{"value": lit("going on")}))), nil)
	id := w.accepted(w.endpointOf("one"), `{"flow":"Orders"}`)
	<-w.probe.gate("looking").reached
	during := w.crashCopy()
	w.probe.gate("looking").pass()
	<-w.probe.gate("going on").reached
	after := w.crashCopy()
	w.probe.gate("going on").pass()
	for name, twin := range map[string]*world{"without a crash": w, "crashed while it looked": during, "crashed after it looked": after} {
		if twin != w {
			twin.start()
			twin.probe.gate("looking").pass()
			twin.probe.gate("going on").pass()
		}
		if routed := twin.succeeded(twin.succeeded(id).RoutedTo); routed.FlowID != "orders" {
			t.Errorf("%s: routed to %+v", name, routed)
		}
		if n := len(twin.all()); n != 2 {
			t.Errorf("%s: there are %d executions", name, n)
		}
	}
}

func TestInstancesShareAURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := shared("", hookFlow("Orders", note("Note", ref("trigger.results.customer.externalId"))))
	w.deployed("one", def, nil)
	w.customerOf("one", "acct-1")
	w.instance("two", "int-one", nil)
	w.customerOf("two", "2")
	w.instance("other", "int-one", nil) // never deployed
	w.customerOf("other", "acct-3")
	endpoint := w.endpointOf("one")
	if endpoint == "" || endpoint != must[string](t)(w.EndpointURL(t.Context(), "int-one")) {
		t.Fatalf("the endpoint is %q", endpoint)
	}
	to := func(account string) (control.Reply, error) {
		return w.sendTo(endpoint, "Orders", `{"account":`+account+`}`)
	}
	_, err := to("2")
	refused(t, err, ipaas.ReasonNotRouted)
	w.deploy("two")
	if w.endpointOf("two") != endpoint {
		t.Error("the instances have different endpoints")
	}
	for account, instance := range map[string]string{`"acct-1"`: "one", `2`: "two"} {
		if ex := w.succeeded(must[control.Reply](t)(to(account)).ExecutionID); ex.InstanceID != instance || ex.CustomerID != "cust-"+instance || !ex.Endpoint {
			t.Errorf("%s: %+v", account, ex)
		}
	}
	for _, account := range []string{`"acct-3"`, `"nobody"`, `""`, `null`, `"acct*"`, `"*"`, `{"$ne":""}`, `["acct-1"]`, `"` + strings.Repeat("x", 100_000) + `"`} {
		_, err := to(account)
		if e := refused(t, err, ipaas.ReasonNotRouted); e.Kind != ipaas.NotFound || len(e.Message) > 1000 {
			t.Errorf("%.20s: %v", account, e)
		}
	}
	// Several: nobody guesses.
	must[ipaas.Instance](t)(w.CreateInstance(t.Context(), ipaas.Instance{ID: "second", DisplayName: "Second", CustomerID: "cust-one", IntegrationID: "int-one"}, config.Change{}, plain))
	w.succeeded(must[control.Reply](t)(to(`"acct-1"`)).ExecutionID)
	w.deploy("second")
	_, err = to(`"acct-1"`)
	if e := refused(t, err, ipaas.ReasonNotRouted); !errors.Is(err, ipaas.Conflict) || !strings.Contains(e.Message, "several") {
		t.Errorf("several: %v", err)
	}
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "second", plain))
	w.succeeded(must[control.Reply](t)(to(`"acct-1"`)).ExecutionID)

	// Rotated for all at once, with an overlap or without.
	must[ipaas.Integration](t)(w.RotateEndpointToken(t.Context(), "int-one", 0, plain))
	fresh := w.endpointOf("two")
	if fresh == endpoint || fresh != w.endpointOf("one") {
		t.Errorf("rotated from %s to %s", endpoint, fresh)
	}
	_, err = to(`"acct-1"`)
	refused(t, err, ipaas.ReasonNotFound)
	// The test instance has one of its own, on which the draft is tested whoever the request is for.
	test := w.endpointOf(ipaas.TestInstanceID("int-one"))
	if test == fresh || test == "" {
		t.Errorf("the test endpoint is %q", test)
	}
	if ex := w.succeeded(must[control.Reply](t)(w.sendTo(test, "Orders", `{"account":"acct-1"}`)).ExecutionID); !ex.Test || ex.InstanceID != ipaas.TestInstanceID("int-one") {
		t.Errorf("at the test endpoint: %+v", ex)
	}
	// A version without it lets the URL go; those whose instance has not moved yet keep what they have.
	w.publish("int-one", ipaas.Definition{DisplayName: "Plain", Flows: def.Flows})
	_, err = w.sendTo(fresh, "Orders", `{"account":"acct-1"}`)
	refused(t, err, ipaas.ReasonInstanceRemoved)
}

func TestFlowLooksAtRequestsForAllInstances(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := shared("Look",
		looker(note("Who", ref("trigger.results.customer")), note("URLs", ref("trigger.results.webhookUrls"))),
		hookFlow("Orders", note("Note", tmpl("{{#Greeting}} {{$trigger.results.customer.externalId}}"))),
	)
	def.ConfigVariables = []ipaas.ConfigVariable{{DisplayName: "Greeting", Required: true}}
	w.deployed("one", def, map[string]string{"Greeting": `"Hello"`})
	w.customerOf("one", "acct-1")
	endpoint := w.endpointOf("one")
	reply := must[control.Reply](t)(w.receive(endpoint, `{"flow":"Orders","account":"acct-1"}`))
	first := w.succeeded(reply.ExecutionID)
	if first.CustomerID != "" || first.InstanceID != ipaas.TestInstanceID("int-one") || first.Version != 1 || first.Test {
		t.Errorf("looked at by %+v", first)
	}
	routed := w.succeeded(first.RoutedTo)
	if routed.InstanceID != "one" || routed.CustomerID != "cust-one" || routed.PreprocessedBy != first.ID || routed.Generation != 1 {
		t.Errorf("routed: %+v", routed)
	}
	notes := w.probe.notes()
	if notes[0] != `{"id":"","externalId":"","name":""}` || strings.Contains(notes[1], "/hooks/") || notes[3] != `"Hello acct-1"` {
		t.Errorf("the flows saw %v", notes)
	}
	for body, why := range map[string]string{
		`{"flow":"Orders","account":"nobody"}`: `no customer "nobody"`, `{"flow":"None","account":"acct-1"}`: `no flow "None"`, `{"flow":"Orders"}`: "names no customer",
	} {
		ex := w.ended(must[control.Reply](t)(w.receive(endpoint, body)).ExecutionID)
		if ex.Error == nil || ex.Error.Reason != ipaas.ExecutionNotRouted || !strings.Contains(ex.Error.Message, why) {
			t.Errorf("%s: %+v", body, ex.Error)
		}
	}
	// What is shown of it, what is replayed, and what a restart takes up again, is the same.
	view := must[control.ExecutionView](t)(w.ShowExecution(t.Context(), first, true))
	if len(view.Steps) != 4 || !strings.Contains(view.Steps[0].Result, endpoint) {
		t.Errorf("shown: %+v", view.Steps)
	}
	replay := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), first.ID, control.ReplayOptions{}, plain))
	w.succeeded(w.succeeded(replay.ID).RoutedTo)
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "one", ipaas.PauseHold, plain))
	held := w.succeeded(w.succeeded(w.accepted(endpoint, `{"flow":"Orders","account":"acct-1"}`)).ID)
	if ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), held.RoutedTo)); !ex.Held {
		t.Errorf("for a paused instance: %+v", ex)
	}
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "one", ipaas.PauseRefuse, plain))
	if ex := w.ended(w.accepted(endpoint, `{"flow":"Orders","account":"acct-1"}`)); ex.Error == nil || ex.Error.Reason != ipaas.ExecutionNotRouted {
		t.Errorf("for an instance that refuses: %+v", ex.Error)
	}
	must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), "one", plain))
	w.succeeded(held.RoutedTo)
	w.restart()
	w.succeeded(w.succeeded(w.accepted(endpoint, `{"flow":"Orders","account":"acct-1"}`)).RoutedTo)
}

// TestKeysOfASharedEndpoint: before it is known whose a request is, none but the integration's keys count; then the customer's do.
func TestKeysOfASharedEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := looker()
	first.Security = ipaas.SecurityOrganization
	w.deployed("one", shared("Look", first, hookFlow("Orders", note("Note", lit("orders")))), nil)
	w.customerOf("one", "acct-1")
	endpoint, body := w.endpointOf("one"), `{"flow":"Orders","account":"acct-1"}`
	_, err := w.sendWith(endpoint, "", body)
	refused(t, err, ipaas.ReasonAPIKeyRequired)
	for _, wrong := range []string{w.key("one", "", "look"), w.key(ipaas.TestInstanceID("int-one"), "", "look"), w.key("", "int-one", "orders")} {
		_, err := w.sendWith(endpoint, wrong, body)
		refused(t, err, ipaas.ReasonAPIKeyRequired)
	}
	reply := must[control.Reply](t)(w.sendWith(endpoint, w.key("", "int-one", "look"), body))
	w.succeeded(w.succeeded(reply.ExecutionID).RoutedTo)
	// With a key of its own, the flow that the request is for asks for that one, which the other does not know.
	w.key("one", "", "orders")
	reply = must[control.Reply](t)(w.sendWith(endpoint, w.key("", "int-one", "look"), body))
	if ex := w.ended(reply.ExecutionID); ex.Error == nil || ex.Error.Reason != ipaas.ExecutionNotRouted {
		t.Errorf("it is %+v", ex)
	}
}

func TestEndpointHoldsForAFirstDeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, def := range map[string]ipaas.Definition{
		"own":  perInstance("", hookFlow("Orders", note("Note", lit("orders"))), deployFlow("Init", step("Wait", "probe.flaky", inputs{"value": lit("own")}))),
		"all":  shared("", hookFlow("Orders", note("Note", lit("orders"))), deployFlow("Init", step("Wait", "probe.flaky", inputs{"value": lit("all")}))),
		"look": perInstance("Look", looker(), hookFlow("Orders", note("Note", lit("orders"))), deployFlow("Init", step("Wait", "probe.flaky", inputs{"value": lit("look")}))),
	} {
		w.probe.fail(name, 1)
		w.publish("int-"+name, def)
		w.instance(name, "int-"+name, nil)
		w.customerOf(name, "acct-"+name)
		_, err := w.DeployInstance(t.Context(), name, 0, plain)
		refused(t, err, ipaas.ReasonInitFlowFailed)
		reply := must[control.Reply](t)(w.sendTo(w.endpointOf(name), "Orders", fmt.Sprintf(`{"flow":"Orders","account":"acct-%s"}`, name)))
		if ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), reply.ExecutionID)); !ex.Held {
			t.Errorf("%s: %+v", name, ex)
		}
		w.deploy(name)
		if ex := w.succeeded(reply.ExecutionID); name == "look" {
			w.succeeded(ex.RoutedTo)
		}
	}
}
