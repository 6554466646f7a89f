package control_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// leaks returns where a secret is found, in clear or in an encoding, in the files of a world and in its log.
func (w *world) leaks(secrets map[string]string) []string {
	w.t.Helper()
	places := map[string][]byte{"log": []byte(w.logs.String())}
	files, err := os.ReadDir(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() == "keys" {
			continue
		}
		if places[f.Name()], err = os.ReadFile(filepath.Join(w.dir, f.Name())); err != nil {
			w.t.Fatal(err)
		}
	}
	var found []string
	for name, secret := range secrets {
		for place, data := range places {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret))} {
				if at := bytes.Index(data, []byte(form)); at >= 0 {
					found = append(found, name+" in "+place+": ..."+strings.ToValidUTF8(string(data[max(0, at-120):min(len(data), at+len(form)+40)]), "?"))
				}
			}
		}
	}
	return found
}

// babbler is a system that tells in its answers whatever it was asked, secrets included.
func babbler(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body) // what came is all there is to tell
		rw.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodDelete {
			rw.WriteHeader(http.StatusForbidden)
		}
		_, _ = rw.Write([]byte(`{"id":"obj-1","key":"` + r.Header.Get("X-Api-Key") + `","path":"` + r.URL.RequestURI() + `","body":` + orNull(body.String()) + `}`))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func orNull(text string) string {
	if text == "" {
		return "null"
	}
	return text
}

// nosy is a component whose objects are known by their callback URL, which is told in the URL of their removal.
func nosy() ipaas.Component {
	c := acme()
	c.ID, c.DisplayName = "nosy", "Nosy"
	c.Actions[0].Undo = &ipaas.Undo{
		Action: "deleteWebhook", Inputs: map[string]string{"webhookId": "{{$inputs.callbackUrl}}"}, RemoteID: "{{$inputs.callbackUrl}}",
	}
	return c
}

func TestSecretsAndTokensAreNowhereOnDiskNorInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must[ipaas.Component](t)(w.CreateComponent(t.Context(), nosy(), plain))
	secrets := map[string]string{
		"config secret": "canary-config-9a1c", "connection secret": "canary-connection-5b2d", "ERP key": erpKey, "second config secret": "canary-config-2-77e0",
	}
	tell := tmpl("{{#Token}} {{$trigger.results.webhookUrls.Async}} {{$trigger.results.invokeUrl}}")
	def := ipaas.Definition{
		DisplayName: "Leaky",
		ConfigVariables: []ipaas.ConfigVariable{
			erpVariable(),
			{DisplayName: "Token", Secret: true},
			{DisplayName: "Nosy", Type: ipaas.ConfigConnection, ConnectionType: "nosy.apiKey"},
		},
		Flows: []ipaas.Flow{
			hookFlow("Async", step("Log", "log.writeLog", inputs{"message": tell}), note("Note", tell),
				step("Reveal", "probe.reveal", inputs{"connection": cfg("ERP")})),
			syncFlow("Sync", note("Note", tell)),
			syncFlow("Stop", step("Stop", "stop-execution.stopExecution", inputs{"jsonBody": tell})),
			syncFlow("Fail", step("Break", "probe.fail", inputs{"value": tell})),
			syncFlow("Babble", step("List", "nosy.listWebhooks", inputs{"connection": cfg("Nosy")})),
			deployFlow("Init", note("Note", tell), register("Customer Webhook", "customer.updated", "Async"),
				step("Nosy", "nosy.createWebhook", inputs{
					"connection": cfg("Nosy"), "event": tmpl("{{#Token}}"), "callbackUrl": ref("trigger.results.webhookUrls.Async"),
				}),
				step("Maybe", "branch.branchOnValue", inputs{"inputValue": cfg("Token"), "branchValueMappings": {Kind: ipaas.InputComplex, Items: []ipaas.Input{
					{Name: "Break", Kind: ipaas.InputValue, Text: `"` + secrets["second config secret"] + `"`},
				}}}),
			),
			removeFlow("Remove", note("Note", tell)),
		},
	}
	// The branch's mapping would itself be a secret in a definition, which is nobody's secret: take it out again.
	def.Flows[5].Steps = def.Flows[5].Steps[:3]
	values := w.erpConfig()
	values["Token"] = `"` + secrets["config secret"] + `"`
	values["Nosy"] = `{"baseUrl":"` + babbler(t) + `","apiKey":"` + secrets["connection secret"] + `"}`

	w.publish("leaky", def)
	w.configure(ipaas.TestInstanceID("leaky"), values)
	for _, flow := range []string{"async", "sync", "stop", "fail", "babble", "init"} {
		must[control.TestResult](t)(w.TestFlow(t.Context(), "leaky", flow, nil, false, as("TestFlow", "t-"+flow, "h")))
	}
	w.instance("one", "leaky", values)
	urls := urlsOf(must[control.DeployResult](t)(w.DeployInstance(t.Context(), "one", 0, as("DeployInstance", "d-1", "h"))))
	w.succeeded(w.accepted(urls["Async"], `{}`))
	for _, flow := range []string{"Sync", "Stop", "Fail", "Babble"} {
		status, body := w.call("POST", urls[flow], "", "")
		if flow != "Fail" && flow != "Babble" && !strings.Contains(body, secrets["config secret"]) {
			t.Errorf("%s answered %d %s: the caller is to get what the flow made", flow, status, body)
		}
	}
	// A failing deployment with another secret, and the undoing of what it did, which the babbler refuses and talks about.
	w.configure("one", map[string]string{"Token": `"` + secrets["second config secret"] + `"`})
	failing := def
	failing.Flows = append([]ipaas.Flow{}, def.Flows...)
	failing.Flows[5].Steps = append(append([]ipaas.Step{}, def.Flows[5].Steps...), step("Break", "probe.fail", inputs{"value": tell}))
	w.publish("leaky", failing)
	_, err := w.DeployInstance(t.Context(), "one", 2, as("DeployInstance", "d-2", "h"))
	refused(t, err, ipaas.ReasonInitFlowFailed)
	must[ipaas.Instance](t)(w.RotateWebhookToken(t.Context(), "one", "sync", false, 0, as("RotateWebhookToken", "ro-1", "h")))
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", as("UndeployInstance", "u-1", "h")))
	must[control.RemovalResult](t)(w.ResetTestInstance(t.Context(), "leaky", as("ResetTestInstance", "re-1", "h")))

	for id, instance := range map[string]string{"live": "one", "test": ipaas.TestInstanceID("leaky")} {
		in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), instance))
		view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
		for _, f := range view.Flows {
			secrets[id+" token of "+f.FlowID] = tokenOf(f.URL)
		}
	}
	for name, url := range urls {
		secrets["first token of "+name] = tokenOf(url)
	}
	for _, leak := range w.leaks(secrets) {
		t.Error(leak)
	}
	// The scanner finds what is there.
	w.configure("one", map[string]string{"Nosy": `{"baseUrl":"http://planted-canary-3f.example","apiKey":"x"}`})
	if len(w.leaks(map[string]string{"planted": "planted-canary-3f"})) == 0 {
		t.Error("the scanner does not find what was planted")
	}
}
