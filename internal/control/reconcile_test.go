package control_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// with publishes the tutorial over a component and creates an instance of it.
func (w *world) with(c ipaas.Component, def ipaas.Definition) {
	w.t.Helper()
	must[ipaas.Component](w.t)(w.CreateComponent(w.t.Context(), c, plain))
	w.publish("acme", def)
	w.instance("one", "acme", w.erpConfig())
}

// next publishes another version and deploys it.
func (w *world) next(def ipaas.Definition) (control.DeployResult, error) {
	w.t.Helper()
	version := w.publish("acme", def)
	return w.DeployInstance(w.t.Context(), "one", version, plain)
}

func TestWhatAnotherInstanceOfTheCustomerHasIsNobodysLostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	careless := acmeFinding() // finds every webhook of an event, whoever it calls
	careless.Actions[0].Find.Match = ipaas.Match{Item: "{{$item.event}}", Equals: "{{$inputs.event}}"}
	w.with(careless, tutorial())
	w.deploy("one")
	must[ipaas.Instance](t)(w.CreateInstance(t.Context(), ipaas.Instance{
		ID: "two", DisplayName: "Two", CustomerID: "cust-one", IntegrationID: "acme",
	}, change(w.erpConfig()), plain))
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.HangUpAfterCommit})
	w.deploy("two")
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "two", plain))
	w.wantLedger("create wh_1", "create wh_2", "create wh_3", "update wh_3", "create wh_4", "delete wh_4", "delete wh_3")
}

// events is what the ERP calls about, in the order of the webhooks.
func (w *world) events() []string {
	events := []string{}
	for _, hook := range w.erp.Webhooks() {
		events = append(events, hook.Event)
	}
	return events
}

func (w *world) wantLedger(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, ledger(w.erp)); diff != "" {
		w.t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
}

func kinds(d *ipaas.Deployment) []ipaas.ChangeKind {
	var all []ipaas.ChangeKind
	for _, c := range d.Changes {
		all = append(all, c.Kind)
	}
	return all
}

// states is what the ledger knows of its rows, in their order.
func (w *world) states() []ipaas.RegistrationState {
	w.t.Helper()
	var all []ipaas.RegistrationState
	for _, r := range must[[]ipaas.Registration](w.t)(w.store.ListRegistrations(w.t.Context(), "one")) {
		all = append(all, r.State)
	}
	return all
}

// finding is the component that can look for what it creates, and not update it.
func finding() ipaas.Component {
	c := acmeFinding()
	c.Actions[0].Update = nil
	return c
}

// withSecret is the component whose webhooks have a secret.
func withSecret(c ipaas.Component) ipaas.Component {
	for _, i := range []int{0, len(c.Actions) - 1} {
		a := &c.Actions[i]
		a.Inputs = append(a.Inputs, ipaas.InputField{Key: "secret", Secret: true})
		a.Request.Body = strings.TrimSuffix(a.Request.Body, "}") + `,"secret":"{{$inputs.secret}}"}`
		if a.Update != nil {
			a.Update.Inputs["secret"] = "{{$inputs.secret}}"
		}
	}
	return c
}

func TestLostAnswerIsMadeUpFor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		failure fake.Failure
		want    []string
		changes []ipaas.ChangeKind
	}{
		{"created", fake.Failure{Mode: fake.HangUpAfterCommit}, []string{"create wh_1", "create wh_2"}, []ipaas.ChangeKind{ipaas.ChangeAdopted, ipaas.ChangeCreated}},
		{"not created", fake.Failure{Mode: fake.HangUp}, []string{"create wh_1", "create wh_2"}, []ipaas.ChangeKind{ipaas.ChangeCreated, ipaas.ChangeCreated}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.with(finding(), tutorial())
			tt.failure.Route = "POST /api/webhooks"
			w.erp.Fail(tt.failure)
			result := w.deploy("one")
			if diff := cmp.Diff(tt.changes, kinds(result.Deployment)); diff != "" {
				t.Errorf("the deployment tells (-want +got):\n%s", diff)
			}
			w.deploy("one")
			w.wantLedger(tt.want...)
			must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
			if len(w.erp.Webhooks()) != 0 {
				t.Errorf("left: %v", w.events())
			}
		})
	}
}

func TestCreationWhoseAnswersAreLostIsCalledTwiceAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(finding(), tutorial())
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.HangUp, Times: -1})
	_, err := w.DeployInstance(t.Context(), "one", 0, plain)
	refused(t, err, ipaas.ReasonInitFlowFailed)
	if struck := w.erp.Failures()[0].Struck; struck != 2 {
		t.Errorf("it was called %d times, want 2", struck)
	}
	if diff := cmp.Diff([]ipaas.RegistrationState{ipaas.RegistrationAbandoned}, w.states()); diff != "" {
		t.Errorf("the ledger has (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeLookedForNowIsLookedForLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(finding(), tutorial())
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.HangUpAfterCommit})
	w.erp.Fail(fake.Failure{Route: "GET /api/webhooks", Times: -1})
	_, err := w.DeployInstance(t.Context(), "one", 0, plain)
	refused(t, err, ipaas.ReasonInitFlowFailed)
	if diff := cmp.Diff([]ipaas.RegistrationState{ipaas.RegistrationRemoveFailed}, w.states()); diff != "" {
		t.Errorf("the ledger has (-want +got):\n%s", diff)
	}
	w.erp.Heal()
	result := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
	if len(result.Remaining) != 0 {
		t.Errorf("remaining: %+v", result.Remaining)
	}
	w.wantLedger("create wh_1", "delete wh_1")
}

func TestUnconfirmedIsSettledByAComponentThatCanLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acme(), tutorial())
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.HangUpAfterCommit})
	_, err := w.DeployInstance(t.Context(), "one", 0, plain)
	refused(t, err, ipaas.ReasonInitFlowFailed)
	result := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
	if len(result.Remaining) != 1 || result.Remaining[0].State != ipaas.RegistrationUnconfirmed {
		t.Errorf("remaining: %+v", result.Remaining)
	}
	must[ipaas.Component](t)(w.UpdateComponent(t.Context(), "acme-erp", plain, false, func(c *ipaas.Component) error {
		c.Actions = finding().Actions
		return nil
	}))
	result = must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
	if len(result.Remaining) != 0 {
		t.Errorf("remaining: %+v", result.Remaining)
	}
	w.wantLedger("create wh_1", "delete wh_1")
}

func TestWhatServesIsNotTakenForWhatWasCreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := finding()
	c.Actions[0].Find.Match = ipaas.Match{Item: "{{$item.callbackUrl}}", Equals: "{{$inputs.callbackUrl}}"}
	w.with(c, tutorial())
	w.deploy("one")
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.HangUpAfterCommit})
	def := tutorial()
	def.Flows[2].Steps[0] = register("Customer Webhook", "customer.created", "Customers")
	must[control.DeployResult](t)(w.next(def))
	w.wantLedger("create wh_1", "create wh_2", "create wh_3", "delete wh_1")
}

func TestWhatHasTheSameIDInAnotherSystemIsNotTakenForAnotherObject(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t) // two ERPs, each of which numbers its webhooks from 1
	w.with(finding(), tutorial())
	w.deploy("one")
	w.configure("one", map[string]string{"ERP": `{"baseUrl":"` + other.erpURL + `","apiKey":"` + erpKey + `"}`})
	other.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.HangUpAfterCommit})
	w.deploy("one")
	other.wantLedger("create wh_1", "create wh_2")
	w.wantLedger("create wh_1", "create wh_2", "delete wh_2", "delete wh_1")
}

func TestChangedInputsUpdateWhatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acmeFinding(), tutorial())
	urls := urlsOf(w.deploy("one"))
	def := tutorial()
	def.Flows[2].Steps[0] = register("Customer Webhook", "customer.created", "Inventory")
	result := must[control.DeployResult](t)(w.next(def))
	if diff := cmp.Diff([]ipaas.ChangeKind{ipaas.ChangeKept, ipaas.ChangeUpdated}, kinds(result.Deployment)); diff != "" {
		t.Errorf("the deployment tells (-want +got):\n%s", diff)
	}
	w.wantLedger("create wh_1", "create wh_2", "update wh_1")
	if hook := w.erp.Webhooks()[0]; hook.Event != "customer.created" || hook.CallbackURL != urls["Inventory"] {
		t.Errorf("the ERP has %+v", hook)
	}
	w.deploy("one") // it is what was recorded
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "one", 1, plain))
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_1", "delete wh_1", "delete wh_2")
}

// failing is a version that gives a webhook another event and then fails.
func failing() ipaas.Definition {
	def := tutorial()
	def.Flows[2].Steps = []ipaas.Step{
		register("Customer Webhook", "customer.created", "Customers"), register("Inventory Webhook", "inventory.created", "Inventory"),
		register("Orders", "order.updated", "Customers"), step("Break", "probe.fail", inputs{"value": lit("no")}),
	}
	return def
}

func TestFailedDeploymentRestoresWhatItUpdated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acmeFinding(), tutorial())
	w.deploy("one")
	_, err := w.next(failing())
	e := refused(t, err, ipaas.ReasonInitFlowFailed)
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_2", "create wh_3", "delete wh_3", "update wh_2", "update wh_1")
	if diff := cmp.Diff([]string{"customer.updated", "inventory.updated"}, w.events()); diff != "" {
		t.Errorf("the ERP calls about (-want +got):\n%s", diff)
	}
	d := must[ipaas.Deployment](t)(w.store.GetDeployment(t.Context(), "one", e.Meta["deployment_id"]))
	want := []ipaas.ChangeKind{
		ipaas.ChangeUpdated, ipaas.ChangeUpdated, ipaas.ChangeCreated, ipaas.ChangeUndone, ipaas.ChangeRestored, ipaas.ChangeRestored,
	}
	if diff := cmp.Diff(want, kinds(&d)); diff != "" {
		t.Errorf("the deployment tells (-want +got):\n%s", diff)
	}
	result := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "one", 1, plain))
	if diff := cmp.Diff([]ipaas.ChangeKind{ipaas.ChangeKept, ipaas.ChangeKept}, kinds(result.Deployment)); diff != "" {
		t.Errorf("what serves is not known as what it is (-want +got):\n%s", diff)
	}
}

func TestUpdateWhoseAnswerIsLostIsRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acmeFinding(), tutorial())
	w.deploy("one")
	w.erp.Fail(fake.Failure{Route: "PATCH /api/webhooks/wh_1", Mode: fake.HangUpAfterCommit})
	_, err := w.next(failing())
	refused(t, err, ipaas.ReasonInitFlowFailed)
	w.wantLedger("create wh_1", "create wh_2", "update wh_1", "update wh_1")
	if diff := cmp.Diff([]string{"customer.updated", "inventory.updated"}, w.events()); diff != "" {
		t.Errorf("the ERP calls about (-want +got):\n%s", diff)
	}
}

func TestUpdateThatIsRefusedLeavesNothingToRestore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acmeFinding(), tutorial())
	w.deploy("one")
	w.erp.Fail(fake.Failure{Route: "PATCH /api/webhooks/wh_1", Status: 403})
	_, err := w.next(failing())
	refused(t, err, ipaas.ReasonInitFlowFailed)
	w.wantLedger("create wh_1", "create wh_2")
	result := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "one", 1, plain))
	if diff := cmp.Diff([]ipaas.ChangeKind{ipaas.ChangeKept, ipaas.ChangeKept}, kinds(result.Deployment)); diff != "" {
		t.Errorf("the next deployment tells (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeRestoredIsToldOfAndMendedByTheNextDeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acmeFinding(), tutorial())
	w.deploy("one")
	w.erp.Fail(fake.Failure{Route: "PATCH /api/webhooks/wh_1", Status: 403, After: 1, Times: -1})
	_, err := w.next(failing())
	e := refused(t, err, ipaas.ReasonInitFlowFailed)
	rows := must[[]ipaas.Registration](t)(w.store.ListRegistrations(t.Context(), "one", ipaas.RegistrationCreated))
	if len(rows) != 2 || !strings.Contains(rows[0].Error, "could not be restored") || e.Meta["left_registration_ids"] != rows[0].ID {
		t.Errorf("the error has %v, the ledger %+v", e.Meta, rows)
	}
	if diff := cmp.Diff([]string{"customer.created", "inventory.updated"}, w.events()); diff != "" {
		t.Errorf("the ERP calls about (-want +got):\n%s", diff)
	}
	w.erp.Heal()
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "one", 1, plain))
	if diff := cmp.Diff([]string{"customer.updated", "inventory.updated"}, w.events()); diff != "" {
		t.Errorf("after the next deployment the ERP calls about (-want +got):\n%s", diff)
	}
	for _, r := range must[[]ipaas.Registration](t)(w.store.ListRegistrations(t.Context(), "one", ipaas.RegistrationCreated)) {
		if r.Error != "" || r.BeforeImage != "" {
			t.Errorf("the ledger has %+v", r)
		}
	}
}

func TestWhatWasToBeUpdatedAndIsGoneIsCreatedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acmeFinding(), tutorial())
	w.deploy("one")
	w.atERP("DELETE /api/webhooks/wh_1", "")
	def := tutorial()
	def.Flows[2].Steps[0] = register("Customer Webhook", "customer.created", "Customers")
	result := must[control.DeployResult](t)(w.next(def))
	w.wantLedger("create wh_1", "create wh_2", "delete wh_1", "create wh_3")
	if diff := cmp.Diff([]ipaas.ChangeKind{ipaas.ChangeKept, ipaas.ChangeCreated}, kinds(result.Deployment)); diff != "" {
		t.Errorf("the deployment tells (-want +got):\n%s", diff)
	}
	want := []ipaas.RegistrationState{ipaas.RegistrationCreated, ipaas.RegistrationRemoved, ipaas.RegistrationCreated}
	if diff := cmp.Diff(want, w.states()); diff != "" {
		t.Errorf("the ledger has (-want +got):\n%s", diff)
	}
}

// atERP does something at the ERP behind the plane's back.
func (w *world) atERP(route, body string) {
	w.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.erpURL+path, bytes.NewBufferString(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", erpKey)
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode > 299 {
		w.t.Fatalf("%s: %s", route, resp.Status)
	}
}

// planted registers, by hand, what the deployment is going to register. ERPs that look for duplicates refuse that then.
func (w *world) planted() {
	w.t.Helper()
	plan := must[control.DeployResult](w.t)(w.DeployInstance(w.t.Context(), "one", 0, control.Mutation{ValidateOnly: true}))
	w.erp.Plant(fake.Webhook{Event: "customer.updated", CallbackURL: urlsOf(plan)["Customers"], Secret: "nobody-knows"})
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.RefuseDuplicates, Times: -1})
}

// secretly is the tutorial whose webhooks have a secret.
func secretly() ipaas.Definition {
	def := tutorial()
	def.ConfigVariables = append(def.ConfigVariables, ipaas.ConfigVariable{DisplayName: "Secret", Secret: true, Required: true})
	for i := range def.Flows[2].Steps {
		def.Flows[2].Steps[i].Inputs["secret"] = cfg("Secret")
	}
	return def
}

func TestWhatExistsAlreadyIsAdoptedWithASecretThatIsKnown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		component ipaas.Component
		want      []string
	}{
		{"updated", withSecret(acmeFinding()), []string{"create wh_1", "update wh_1", "create wh_2"}},
		{"replaced", func() ipaas.Component {
			c := withSecret(acmeFinding())
			c.Actions[0].Update = nil
			return c
		}(), []string{"create wh_1", "delete wh_1", "create wh_2", "create wh_3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			must[ipaas.Component](t)(w.CreateComponent(t.Context(), tt.component, plain))
			w.publish("acme", secretly())
			values := w.erpConfig()
			values["Secret"] = `"whsec-well-known"`
			w.instance("one", "acme", values)
			w.planted()
			w.deploy("one")
			w.wantLedger(tt.want...)
			for _, hook := range w.erp.Webhooks() {
				if hook.Secret != "whsec-well-known" {
					t.Errorf("webhook %s has the secret %q", hook.ID, hook.Secret)
				}
			}
			must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
			if len(w.erp.Webhooks()) != 0 {
				t.Errorf("left: %v", w.events())
			}
			for _, leak := range w.leaks(map[string]string{"secret": "whsec-well-known"}) {
				t.Error(leak)
			}
		})
	}
}

func TestDeploymentWaitsForABusySystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(acmeFinding(), tutorial())
	for _, status := range []int{429, 429, 503} {
		w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Event: "customer.updated", Status: status})
	}
	w.deploy("one")
	w.wantLedger("create wh_1", "create wh_2")
}

func TestFailedDeploymentTellsWhetherToTryAgain(t *testing.T) {
	t.Parallel()
	for status, retryable := range map[int]bool{500: true, 403: false} {
		w := newWorld(t)
		w.with(acmeFinding(), tutorial())
		w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Status: status})
		_, err := w.DeployInstance(t.Context(), "one", 0, plain)
		e := refused(t, err, ipaas.ReasonInitFlowFailed)
		d := must[ipaas.Deployment](t)(w.store.GetDeployment(t.Context(), "one", e.Meta["deployment_id"]))
		if e.Meta["retryable"] != fmt.Sprint(retryable) || d.Error.Retryable != retryable {
			t.Errorf("after a %d the error tells %v, the deployment %+v", status, e.Meta, d.Error)
		}
	}
}

func TestWhatAStopKeepsFromBeingLookedForIsLookedForAtTheNextStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(finding(), tutorial())
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.HangUp})
	w.erp.Fail(fake.Failure{Route: "GET /api/webhooks", Mode: fake.Delay, Delay: 1 << 40})
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "one", 0, plain)
		ended <- err
	}()
	w.eventually("it is being looked for", func() bool { return w.erp.Failures()[1].Struck == 1 })
	w.stop()
	refused(t, <-ended, ipaas.ReasonDeployInterrupted)
	w.start()
	w.eventually("it was looked for", func() bool {
		return cmp.Equal([]ipaas.RegistrationState{ipaas.RegistrationAbandoned}, w.states())
	})
	w.erp.Heal()
}

func TestWhatServesIsNotUndoneForWhatMayHaveBeenCreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := finding()
	c.Actions[0].Find.Match = ipaas.Match{Item: "{{$item.callbackUrl}}", Equals: "{{$inputs.callbackUrl}}"}
	w.with(c, tutorial())
	w.deploy("one")
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.HangUpAfterCommit})
	w.erp.Fail(fake.Failure{Route: "GET /api/webhooks", Times: 3})
	def := tutorial()
	def.Flows[2].Steps[0] = register("Customer Webhook", "customer.created", "Customers")
	_, err := w.next(def)
	refused(t, err, ipaas.ReasonInitFlowFailed)
	w.wantLedger("create wh_1", "create wh_2", "create wh_3", "delete wh_3")
}
