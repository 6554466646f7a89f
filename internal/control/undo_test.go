package control_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

func TestRollbackLeftByACrashIsFinishedAtTheNextStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.Flows[2].Steps = append(def.Flows[2].Steps, step("Break", "probe.fail", inputs{"value": lit("no")}))
	w.publish("acme", def)
	w.instance("half", "acme", w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/wh_1", Mode: fake.Delay, Delay: 1 << 40})
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "half", 0, as("DeployInstance", "r-1", "h"))
		ended <- err
	}()
	w.eventually("the rollback has removed one of two", func() bool {
		f := w.erp.Failures()
		return len(f) == 1 && f[0].Struck == 1
	})
	twin := w.crashCopy()
	twin.start()
	var d ipaas.Deployment
	twin.eventually("the deployment has ended", func() bool {
		var err error
		d, err = twin.store.FindDeployment(t.Context(), "half", "r-1")
		return err == nil && d.State.Ended()
	})
	if d.State != ipaas.DeploymentFailed || d.Error.Reason != ipaas.ReasonInitFlowFailed {
		t.Errorf("the deployment is %s: %+v", d.State, d.Error)
	}
	w.erp.Heal()
	refused(t, <-ended, ipaas.ReasonInitFlowFailed)
	if len(w.erp.Webhooks()) != 0 {
		t.Errorf("left: %v", w.erp.Webhooks())
	}
	rows := must[[]ipaas.Registration](t)(twin.store.ListRegistrations(t.Context(), "half"))
	for _, r := range rows {
		if r.State != ipaas.RegistrationRemoved {
			t.Errorf("registration %s is %s: %s", r.RemoteID, r.State, r.Error)
		}
	}
}

func TestUndoUsesTheCurrentCredentialsWhenTheOldOnesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("rotated", tutorial(), w.erpConfig())
	// The ERP's key is changed, and so is the instance's; nothing is registered anew for that.
	w.changeKey("another-key-1c2d")
	w.configure("rotated", map[string]string{"ERP": `{"baseUrl":"` + w.erpURL + `","apiKey":"another-key-1c2d"}`})
	w.deploy("rotated")
	if len(w.erp.Ledger()) != 2 {
		t.Fatalf("the ERP was made to do %v", ledger(w.erp))
	}
	result := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "rotated", plain))
	if len(result.Remaining) != 0 || len(w.erp.Webhooks()) != 0 {
		t.Errorf("left: %+v", result.Remaining)
	}
}

func TestCurrentCredentialsAreNotSentToAnotherSystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("moved", tutorial(), w.erpConfig())
	w.changeKey("another-key-1c2d")
	other := newWorld(t)
	w.configure("moved", map[string]string{"ERP": `{"baseUrl":"` + other.erpURL + `","apiKey":"` + erpKey + `"}`})
	w.deploy("moved")
	if len(w.erp.Webhooks()) != 2 || len(other.erp.Webhooks()) != 2 {
		t.Errorf("%d at the old ERP and %d at the new one, want 2 and 2", len(w.erp.Webhooks()), len(other.erp.Webhooks()))
	}
	rows := must[[]ipaas.Registration](t)(w.store.ListRegistrations(t.Context(), "moved", ipaas.RegistrationRemoveFailed))
	if len(rows) != 2 {
		t.Errorf("%d are listed as not removed", len(rows))
	}
}

func TestWhatFlowsRegisterOutsideADeploymentIsRemovedWithTheInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.Flows = append(def.Flows, syncFlow("More", register("More", "order.updated", "Customers")))
	urls := w.deployed("more", def, w.erpConfig())
	for range 2 {
		if status, body := w.call("POST", urls["More"], "", ""); status != 200 {
			t.Fatalf("answered %d %s", status, body)
		}
	}
	w.deploy("more") // it is none of a deployment's business
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2", "create wh_3", "create wh_4"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "more", plain))
	if len(w.erp.Webhooks()) != 0 {
		t.Errorf("left: %v", w.erp.Webhooks())
	}
}

func TestRegistrationsInALoopAreKeptByTheirRound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.ConfigVariables = append(def.ConfigVariables, ipaas.ConfigVariable{DisplayName: "Events", Collection: ipaas.CollectionList})
	loop := step("Each", "loop.loopOverItems", inputs{"items": cfg("Events")})
	loop.Steps = []ipaas.Step{step("Register", "acme-erp.createWebhook", inputs{
		"connection": cfg("ERP"), "event": ref("each.currentItem"), "callbackUrl": ref("trigger.results.webhookUrls.Customers"),
	})}
	def.Flows[2].Steps = []ipaas.Step{loop}
	values := w.erpConfig()
	values["Events"] = `["a.b","c.d","e.f"]`
	w.deployed("loop", def, values)
	w.configure("loop", map[string]string{"Events": `["a.b","x.y"]`})
	w.deploy("loop")
	want := []string{"create wh_1", "create wh_2", "create wh_3", "create wh_4", "delete wh_3", "delete wh_2"}
	if diff := cmp.Diff(want, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
}

func TestSecretsInsideListsAndObjectsAreRedacted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{
		DisplayName: "Nested",
		ConfigVariables: []ipaas.ConfigVariable{
			{DisplayName: "List", Collection: ipaas.CollectionList, Secret: true},
			{DisplayName: "Pairs", Collection: ipaas.CollectionKeyValueList, Secret: true},
			{DisplayName: "Document", Type: ipaas.ConfigJSON, Secret: true},
		},
		Flows: []ipaas.Flow{syncFlow("Show", note("A", cfg("List")), note("B", cfg("Pairs")), note("C", cfg("Document")))},
	}
	secrets := map[string]string{"item": "canary-item-1", "pair": "canary-pair-2", "deep": "canary-deep-3", "number": "918273645546372819"}
	urls := w.deployed("nested", def, map[string]string{
		"List": `["` + secrets["item"] + `"]`, "Pairs": `{"k":"` + secrets["pair"] + `"}`,
		"Document": `{"a":[{"b":"` + secrets["deep"] + `"},` + secrets["number"] + `,true,null]}`,
	})
	if status, body := w.call("POST", urls["Show"], "", ""); status != 200 || body != `{"a":[{"b":"canary-deep-3"},918273645546372819,true,null]}` {
		t.Errorf("answered %d %s", status, body)
	}
	for _, leak := range w.leaks(secrets) {
		t.Error(leak)
	}
}

func TestFlowThatCallsItsOwnURLIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Circle", Flows: []ipaas.Flow{syncFlow("Circle",
		note("Round", lit("round")), step("Call", "http.httpPost", inputs{"url": ref("trigger.results.invokeUrl"), "data": lit("x")}))}}
	urls := w.deployed("circle", def, nil)
	if status, _ := w.call("POST", urls["Circle"], "", ""); status != 400 {
		t.Errorf("answered %d", status)
	}
	if n := len(w.probe.notes()); n < 2 || n > 10 {
		t.Errorf("it went round %d times", n)
	}
}
