package control_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// sameness tells whether what is to be created is there already.
type sameness func(there, asked fake.Webhook) bool

func sameURL(there, asked fake.Webhook) bool { return there.CallbackURL == asked.CallbackURL }

func sameEvent(there, asked fake.Webhook) bool { return there.Event == asked.Event }

// upserting is an ERP that makes of the webhook that is there what is asked for, and answers with its id.
type upserting struct {
	*fake.ERP
	same sameness
}

func (u upserting) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var asked fake.Webhook
	if err = errors.Join(err, json.Unmarshal(body, &asked)); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	for _, there := range u.Webhooks() {
		if u.same(there, asked) {
			r = r.Clone(r.Context())
			r.Method, r.URL.Path = http.MethodPatch, "/api/webhooks/"+there.ID
			break
		}
	}
	u.ERP.ServeHTTP(rw, r)
}

// upsert has the ERP take what is the same for what was asked for.
func (w *world) upsert(same sameness) { w.upserts.Store(&same) }

func breaking() ipaas.Step { return step("Break", "probe.fail", inputs{"value": lit("no")}) }

func TestWhatWasCreatedAnewOverTheOldOneIsNotRemovedWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameURL)
	w.with(acme(), tutorial())
	w.deploy("one")
	result := must[control.DeployResult](t)(w.next(changed()))
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_2")
	want := []ipaas.ChangeKind{ipaas.ChangeCreated, ipaas.ChangeCreated, ipaas.ChangeHandedOver, ipaas.ChangeHandedOver}
	if diff := cmp.Diff(want, kinds(result.Deployment)); diff != "" {
		t.Errorf("the deployment tells (-want +got):\n%s", diff)
	}
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_2", "delete wh_2", "delete wh_1")
}

func TestWhatIsRegisteredAnewAfterASweepIsNotRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameURL)
	def := tutorial()
	sweep := step("Remove Another", "acme-erp.deleteWebhook", inputs{"connection": cfg("ERP"), "webhookId": lit("wh_99")})
	sweep.OnError = &ipaas.ErrorHandling{Effect: ipaas.ErrorIgnore}
	def.Flows[2].Steps = append([]ipaas.Step{sweep}, def.Flows[2].Steps...)
	w.with(acmeFinding(), def)
	w.deploy("one")
	w.deploy("one")
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_2")
	_, err := w.next(func() ipaas.Definition {
		def.Flows[2].Steps = append(def.Flows[2].Steps, breaking())
		return def
	}())
	refused(t, err, ipaas.ReasonInitFlowFailed)
	// With the same inputs there is nothing to be given back.
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_2", "update wh_1", "update wh_2")
}

func TestRollbackGivesBackWhatWasCreatedAnewOverWhatServes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameURL)
	w.with(acmeFinding(), tutorial())
	w.deploy("one")
	before := callbacks(w.erp)
	_, err := w.next(changed(breaking()))
	refused(t, err, ipaas.ReasonInitFlowFailed)
	if diff := cmp.Diff(before, callbacks(w.erp)); diff != "" {
		t.Errorf("the ERP calls about (-want +got):\n%s", diff)
	}
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_2", "update wh_2", "update wh_1")
	want := []ipaas.ChangeKind{
		ipaas.ChangeUpdated, ipaas.ChangeCreated, ipaas.ChangeHandedOver, ipaas.ChangeRestored, ipaas.ChangeRestored,
	}
	if diff := cmp.Diff(want, kinds(w.lastDeployment())); diff != "" {
		t.Errorf("the deployment tells (-want +got):\n%s", diff)
	}
	w.deploy("one") // and it is known to be as it was
	if n := len(w.erp.Ledger()); n != 6 {
		t.Errorf("the ERP was made to do %v", ledger(w.erp))
	}
}

func (w *world) lastDeployment() *ipaas.Deployment {
	w.t.Helper()
	return &must[storage.Page[ipaas.Deployment]](w.t)(w.store.ListDeployments(w.t.Context(), "one", storage.Query{Size: 1})).Items[0]
}

func TestRollbackTellsWhatItCouldNotGiveBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameURL)
	w.with(acme(), tutorial())
	w.deploy("one")
	_, err := w.next(changed(breaking()))
	e := refused(t, err, ipaas.ReasonInitFlowFailed)
	if left := strings.Count(e.Meta["left_registration_ids"], "reg-"); left != 2 {
		t.Errorf("the error names %d registrations: %v", left, e.Meta)
	}
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_2")
	want := []ipaas.ChangeKind{
		ipaas.ChangeCreated, ipaas.ChangeCreated, ipaas.ChangeHandedOver, ipaas.ChangeHandedOver,
		ipaas.ChangeRestoreFailed, ipaas.ChangeRestoreFailed,
	}
	if diff := cmp.Diff(want, kinds(w.lastDeployment())); diff != "" {
		t.Errorf("the deployment tells (-want +got):\n%s", diff)
	}
	for _, r := range must[[]ipaas.Registration](t)(w.store.ListRegistrations(t.Context(), "one", ipaas.RegistrationCreated)) {
		if !strings.Contains(r.Error, "could not be restored") || !strings.Contains(r.Error, "declares no update") {
			t.Errorf("registration %s says %q", r.RemoteID, r.Error)
		}
	}
	must[control.DeployResult](t)(w.next(tutorial())) // the next deployment sees to it
	if diff := cmp.Diff([]string{"customer.updated", "inventory.updated"}, w.events()); diff != "" {
		t.Errorf("then the ERP calls about (-want +got):\n%s", diff)
	}
}

func TestRollbackGivesBackWhatALostCallHasChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameURL)
	w.with(acmeFinding(), tutorial())
	w.deploy("one")
	before := callbacks(w.erp)
	w.erp.Fail(fake.Failure{Route: "PATCH /api/webhooks/wh_2", Mode: fake.HangUpAfterCommit, Times: 2})
	_, err := w.next(changed())
	refused(t, err, ipaas.ReasonInitFlowFailed)
	if diff := cmp.Diff(before, callbacks(w.erp)); diff != "" {
		t.Errorf("the ERP calls about (-want +got):\n%s", diff)
	}
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_2", "update wh_2", "update wh_2", "update wh_1")
}

func TestDebtIsNotCollectedFromWhatLivesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameURL)
	w.with(acme(), tutorial())
	w.deploy("one")
	w.noDeletes()
	def := tutorial()
	def.Flows[2].Steps = def.Flows[2].Steps[:1]
	must[control.DeployResult](t)(w.next(def))
	debts := w.debts()
	if len(debts) != 1 {
		t.Fatalf("debts: %+v", debts)
	}
	w.erp.Heal()
	must[control.DeployResult](t)(w.next(tutorial()))
	retried := must[control.RetryResult](t)(w.RetryCleanupDebt(t.Context(), debts[0].ID, plain))
	if !retried.Removed {
		t.Errorf("the debt is still owed: %+v", retried.Debt)
	}
	w.wantLedger("create wh_1", "create wh_2", "update wh_2")
}

func TestTestIsATransactionOverWhatIsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameURL)
	w.drafted("acme", tutorial(), w.erpConfig())
	w.test("acme", "initialization", nil)
	w.drafted("acme", changed(), nil)
	w.test("acme", "initialization", nil)
	w.drafted("acme", tutorial(), nil)
	w.drafted("acme", changed(breaking()), nil)
	w.test("acme", "initialization", nil)
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_2")
	must[control.RemovalResult](t)(w.ResetTestInstance(t.Context(), "acme", plain))
	if left := w.erp.Webhooks(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestWhatInstancesOfACustomerShareGoesWithTheLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameEvent)
	w.with(acmeFinding(), tutorial())
	w.deploy("one")
	before := callbacks(w.erp)
	must[ipaas.Instance](t)(w.CreateInstance(t.Context(), ipaas.Instance{
		ID: "two", DisplayName: "Two", CustomerID: "cust-one", IntegrationID: "acme",
	}, change(w.erpConfig()), plain))
	w.deploy("two")
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "two", plain))
	if diff := cmp.Diff(before, callbacks(w.erp)); diff != "" {
		t.Errorf("the ERP calls (-want +got):\n%s", diff)
	}
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "one", plain))
	if left := w.erp.Webhooks(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestTestTakesNothingFromWhatServesInTheSameAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameEvent)
	w.with(acmeFinding(), tutorial())
	w.deploy("one")
	before := callbacks(w.erp)
	w.configure(ipaas.TestInstanceID("acme"), w.erpConfig())
	w.test("acme", "initialization", nil)
	must[control.RemovalResult](t)(w.ResetTestInstance(t.Context(), "acme", plain))
	if diff := cmp.Diff(before, callbacks(w.erp)); diff != "" {
		t.Errorf("the ERP calls (-want +got):\n%s", diff)
	}
}

func TestSameIDInAnotherCustomersAccountIsAnotherObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameEvent)
	w.with(acmeFinding(), tutorial())
	w.deploy("one")
	w.changeKey("another-account") // where, for all that is known, other webhooks have the same ids
	w.instance("two", "acme", map[string]string{"ERP": `{"baseUrl":"` + w.erpURL + `","apiKey":"another-account"}`})
	w.deploy("two")
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "two", plain))
	if left := w.erp.Webhooks(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestConnectionUnderAnotherNameIsTheSameAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameURL)
	w.with(acme(), tutorial())
	w.deploy("one")
	def := tutorial()
	def.ConfigVariables[0].DisplayName = "The ERP"
	for i := range def.Flows[2].Steps {
		def.Flows[2].Steps[i].Inputs["connection"] = cfg("The ERP")
	}
	version := w.publish("acme", def)
	w.configure("one", map[string]string{"The ERP": w.erpConfig()["ERP"]})
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "one", version, plain))
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_2")
}

func TestWhatHasNoIDIsKnownByHowItIsUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameURL)
	c := acme()
	c.Actions[0].Undo.RemoteID = "{{$result.nothing}}"
	w.with(c, tutorial())
	w.deploy("one")
	def := tutorial()
	def.Flows[2].Steps[1] = register("Inventory Webhook", "inventory.deleted", "Inventory")
	must[control.DeployResult](t)(w.next(def))
	w.wantLedger("create wh_1", "create wh_2", "update wh_2")
	def.Flows[2].Steps = def.Flows[2].Steps[:1]
	must[control.DeployResult](t)(w.next(def))
	w.wantLedger("create wh_1", "create wh_2", "update wh_2", "delete wh_2")
}

func TestNothingIsRemovedWhileItMayBeCreatedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upsert(sameURL)
	w.with(acme(), tutorial())
	w.deploy("one")
	w.noDeletes()
	def := tutorial()
	def.Flows[2].Steps = def.Flows[2].Steps[:1]
	must[control.DeployResult](t)(w.next(def))
	debt := w.debts()[0]
	w.erp.Heal()
	w.erp.Fail(fake.Failure{Route: "PATCH /api/webhooks/wh_2", Mode: fake.Delay, Delay: time.Hour})
	deployed, retried := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := w.next(tutorial())
		deployed <- err
	}()
	w.eventually("the webhook is being created", func() bool { return w.erp.Failures()[0].Struck == 1 })
	go func() {
		_, err := w.RetryCleanupDebt(t.Context(), debt.ID, plain)
		retried <- err
	}()
	var early error
	select {
	case err := <-retried:
		early = fmt.Errorf("its removal did not wait (%v)", err) //nolint:errorlint // there need be none
		retried <- nil
	case <-time.After(300 * time.Millisecond): // nothing tells that something waits
	}
	w.erp.Heal()
	if err := errors.Join(early, <-deployed, <-retried); err != nil {
		t.Error(err)
	}
	if !slices.Equal([]string{"customer.updated", "inventory.updated"}, w.events()) || len(w.debts()) > 0 {
		t.Errorf("the ERP calls about %v; owed: %+v", w.events(), w.debts())
	}
}
