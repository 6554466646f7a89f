package control_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// ensure is a step that has the ERP call a flow, whoever registered that.
func ensure(name, event, flow string, more inputs) ipaas.Step {
	in := inputs{
		"connection": cfg("ERP"), "callbackUrl": ref("trigger.results.webhookUrls." + flow),
		"inputs": {Kind: ipaas.InputComplex, Items: []ipaas.Input{named("event", lit(event))}},
	}
	for key, v := range more {
		in[key] = v
	}
	return step(name, "registration.ensure", in)
}

func named(name string, in ipaas.Input) ipaas.Input {
	in.Name = name
	return in
}

// ensuring is the tutorial by registration.ensure.
func ensuring() ipaas.Definition {
	def := tutorial()
	def.Flows[2].Steps = []ipaas.Step{
		ensure("Customer Webhook", "customer.updated", "Customers", inputs{"key": lit("customers")}),
		ensure("Inventory Webhook", "inventory.updated", "Inventory", inputs{"action": lit("createWebhook")}),
	}
	return def
}

func TestEnsureRegistersOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acmeFinding(), ensuring())
	urls := urlsOf(w.deploy("one"))
	want := map[string]string{"customer.updated": urls["Customers"], "inventory.updated": urls["Inventory"]}
	if diff := cmp.Diff(want, callbacks(w.erp)); diff != "" {
		t.Errorf("registered (-want +got):\n%s", diff)
	}
	w.deploy("one")
	w.wantLedger("create wh_1", "create wh_2")
	rows := must[[]ipaas.Registration](t)(w.store.ListRegistrations(t.Context(), "one"))
	if len(rows) != 2 || rows[0].Key != "customers" || rows[1].Key != "inventory-webhook" || rows[0].Action != "acme-erp.createWebhook" ||
		rows[0].ComponentVersion != 1 || rows[0].StepID != "customer-webhook" {
		t.Errorf("the ledger has %+v", rows)
	}

	renamed := ensuring()
	renamed.Flows[2].Steps[0] = ensure("Other Name", "customer.updated", "Customers", inputs{"key": lit("customers")})
	result := must[control.DeployResult](t)(w.next(renamed))
	if diff := cmp.Diff([]ipaas.ChangeKind{ipaas.ChangeKept, ipaas.ChangeKept}, kinds(result.Deployment)); diff != "" {
		t.Errorf("under another name (-want +got):\n%s", diff)
	}
}

func TestEnsureAdoptsWhatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acmeFinding(), ensuring())
	w.planted()
	w.erp.Heal() // this ERP takes duplicates: adopting is not forced upon us
	result := w.deploy("one")
	w.wantLedger("create wh_1", "update wh_1", "create wh_2")
	if diff := cmp.Diff([]ipaas.ChangeKind{ipaas.ChangeAdopted, ipaas.ChangeCreated}, kinds(result.Deployment)); diff != "" {
		t.Errorf("the deployment tells (-want +got):\n%s", diff)
	}
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
	if len(w.erp.Webhooks()) != 0 {
		t.Errorf("left: %v", w.events())
	}
}

func TestEnsureLeavesOneOfMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acmeFinding(), ensuring())
	w.planted()
	w.erp.Plant(w.erp.Webhooks()[0])
	w.erp.Plant(fake.Webhook{Event: "customer.updated", CallbackURL: "https://elsewhere.example/hook"})
	w.erp.Heal()
	w.deploy("one")
	w.wantLedger("create wh_1", "create wh_2", "create wh_3", "delete wh_2", "update wh_1", "create wh_4")
}

func TestRemoveInARemoveFlowIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ensuring()
	def.Flows = append(def.Flows, removeFlow("Goodbye",
		step("Customers", "registration.remove", inputs{"key": lit("customers")}), note("Note", ref("customers.results"))))
	w.with(acmeFinding(), def)
	w.deploy("one")
	result := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
	if len(result.Remaining) != 0 {
		t.Errorf("remaining: %+v", result.Remaining)
	}
	w.wantLedger("create wh_1", "create wh_2", "delete wh_1", "delete wh_2")
	if diff := cmp.Diff([]string{`{"removed":1,"remaining":0}`}, w.probe.notes()); diff != "" {
		t.Errorf("the step gave (-want +got):\n%s", diff)
	}
}

func TestRemoveTellsWhatRemains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ensuring()
	def.Flows = append(def.Flows, syncFlow("Clean", step("All", "registration.remove", inputs{"all": lit(true)})))
	w.with(acmeFinding(), def)
	urls := urlsOf(w.deploy("one"))
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/wh_1", Status: 403})
	if status, body := w.call("POST", urls["Clean"], "", ""); status != 200 || body != `{"removed":1,"remaining":1}` {
		t.Errorf("answered %d %s", status, body)
	}
	if status, body := w.call("POST", urls["Clean"], "", ""); status != 200 || body != `{"removed":1,"remaining":0}` {
		t.Errorf("then answered %d %s", status, body)
	}
	w.deploy("one") // what was removed is registered again
	w.wantLedger("create wh_1", "create wh_2", "delete wh_2", "delete wh_1", "create wh_3", "create wh_4")
}

func TestRemoveIsRefusedInADeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ensuring()
	w.with(acmeFinding(), def)
	w.deploy("one")
	def.Flows[2].Steps = append([]ipaas.Step{step("All", "registration.remove", inputs{"all": lit(true)})}, def.Flows[2].Steps...)
	_, err := w.next(def)
	if e := refused(t, err, ipaas.ReasonInitFlowFailed); !strings.Contains(e.Message, "nothing is removed by an instance-deploy flow") {
		t.Errorf("the error says %q", e.Message)
	}
	w.wantLedger("create wh_1", "create wh_2")
}

func TestEnsureIsCheckedWithItsDefinition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must[ipaas.Component](t)(w.CreateComponent(t.Context(), acmeFinding(), plain))
	def := ensuring()
	def.Flows[2].Steps[1].Inputs["action"] = lit("deleteWebhook")
	problems := must[[]ipaas.Violation](t)(w.ValidateDefinition(t.Context(), def))
	if len(problems) != 1 || problems[0].Reason != ipaas.ReasonUnknownAction || problems[0].Field != "flows[2].steps[1].inputs.action" {
		t.Errorf("problems: %+v", problems)
	}
}
