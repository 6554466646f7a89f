package control_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// callbacks are the URLs the ERP has registered, by event.
func callbacks(e *fake.ERP) map[string]string {
	urls := map[string]string{}
	for _, h := range e.Webhooks() {
		urls[h.Event] = h.CallbackURL
	}
	return urls
}

// ledger is what the ERP was made to do, e.g. "create wh_1".
func ledger(e *fake.ERP) []string {
	var lines []string
	for _, entry := range e.Ledger() {
		lines = append(lines, string(entry.Op)+" "+entry.ID)
	}
	return lines
}

func TestDeploymentRegistersWhereItsFlowsCanBeCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("one", tutorial(), w.erpConfig())
	want := map[string]string{"customer.updated": urls["Customers"], "inventory.updated": urls["Inventory"]}
	if diff := cmp.Diff(want, callbacks(w.erp)); diff != "" {
		t.Errorf("registered (-want +got):\n%s", diff)
	}
	in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "one"))
	if in.State != ipaas.InstanceActive || in.Generation != 1 || in.Version != 1 {
		t.Errorf("the instance is %s in generation %d of version %d", in.State, in.Generation, in.Version)
	}
	ex := w.succeeded(w.accepted(urls["Customers"], `{"id": 1.50}`))
	if ex.Generation != 1 || ex.Version != 1 || ex.CustomerID != "cust-one" {
		t.Errorf("the event ran as %+v", ex)
	}
	if diff := cmp.Diff([]string{`{"id":1.50}`}, w.probe.notes()); diff != "" {
		t.Errorf("reached the action (-want +got):\n%s", diff)
	}
}

func TestEveryTriggerKindSeesEveryURLAndEveryURLWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	show := note("Show", ref("trigger.results.webhookUrls"))
	def := ipaas.Definition{DisplayName: "URLs", Flows: []ipaas.Flow{
		hookFlow("On Event", show), syncFlow("On Request", show), deployFlow("On Deploy", show), removeFlow("On Remove", show),
	}}
	urls := w.deployed("urls", def, nil)
	if len(urls) != 4 {
		t.Fatalf("the answer has URLs %v", urls)
	}
	w.succeeded(w.accepted(urls["On Event"], `{}`))
	w.succeeded(w.accepted(urls["On Deploy"], `{}`))
	w.succeeded(w.accepted(urls["On Remove"], `{}`))
	if status, body := w.call("POST", urls["On Request"], "", ""); status != 200 || !strings.Contains(body, urls["On Remove"]) {
		t.Errorf("the synchronous flow answered %d %s", status, body)
	}
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "urls", plain))
	notes := w.probe.notes()
	if len(notes) != 6 { // the deployment, three events, the request, the removal
		t.Fatalf("%d runs, want 6: %v", len(notes), notes)
	}
	want := fmt.Sprintf(`{"On Event":%q,"On Request":%q,"On Deploy":%q,"On Remove":%q}`,
		urls["On Event"], urls["On Request"], urls["On Deploy"], urls["On Remove"])
	for i, got := range notes {
		if got != want {
			t.Errorf("run %d saw %s, want %s", i, got, want)
		}
	}
}

func TestRedeploymentCreatesNothingAnewAndKeepsURLs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("again", tutorial(), w.erpConfig())
	for range 5 {
		result := w.deploy("again")
		if diff := cmp.Diff(urls, urlsOf(result)); diff != "" {
			t.Fatalf("URLs (-first +now):\n%s", diff)
		}
		for _, c := range result.Deployment.Changes {
			if c.Kind != ipaas.ChangeKept {
				t.Errorf("a redeployment changed %+v", c)
			}
		}
		if len(result.Deployment.Changes) != 2 {
			t.Errorf("a redeployment tells of %d registrations, want 2", len(result.Deployment.Changes))
		}
	}
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
}

func TestFlowThatRemovesWhatThereWasRegistersAllAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	sweep := step("Remove the Old One", "acme-erp.deleteWebhook", inputs{"connection": cfg("ERP"), "webhookId": lit("wh_1")})
	sweep.OnError = &ipaas.ErrorHandling{Effect: ipaas.ErrorIgnore} // there is none when the first deployment looks
	def.Flows[2].Steps = append([]ipaas.Step{sweep}, def.Flows[2].Steps...)
	w.deployed("swept", def, w.erpConfig())
	w.deploy("swept")
	w.wantLedger("create wh_1", "create wh_2", "delete wh_1", "create wh_3", "create wh_4", "delete wh_2")
}

func TestChangedInputsMakeANewObjectAndRemoveTheOldOneAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("change", tutorial(), w.erpConfig())
	def := tutorial()
	def.Flows[2].Steps[0] = register("Customer Webhook", "customer.created", "Customers")
	w.publish("int-change", def)
	result := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "change", 2, plain))
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2", "create wh_3", "delete wh_1"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
	var kinds []ipaas.ChangeKind
	for _, c := range result.Deployment.Changes {
		kinds = append(kinds, c.Kind)
	}
	if diff := cmp.Diff([]ipaas.ChangeKind{ipaas.ChangeKept, ipaas.ChangeCreated, ipaas.ChangeObsoleteRemoved}, kinds); diff != "" {
		t.Errorf("the deployment tells (-want +got):\n%s", diff)
	}
}

func TestMovedTargetIsRegisteredAnewAndRemovedWithTheOldConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("move", tutorial(), w.erpConfig())
	other := newWorld(t) // another ERP
	w.configure("move", map[string]string{"ERP": `{"baseUrl":"` + other.erpURL + `","apiKey":"` + erpKey + `"}`})
	w.deploy("move")
	if len(w.erp.Webhooks()) != 0 || len(other.erp.Webhooks()) != 2 {
		t.Errorf("%d registrations at the old ERP and %d at the new one, want 0 and 2", len(w.erp.Webhooks()), len(other.erp.Webhooks()))
	}
}

func TestWhatAVersionNoLongerRegistersIsRemoved(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*ipaas.Definition)
		want []string
	}{
		{"step", func(d *ipaas.Definition) { d.Flows[2].Steps = d.Flows[2].Steps[:1] }, []string{"create wh_1", "create wh_2", "delete wh_2"}},
		{"flow", func(d *ipaas.Definition) { d.Flows = d.Flows[:2] }, []string{"create wh_1", "create wh_2", "delete wh_2", "delete wh_1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.deployed("less", tutorial(), w.erpConfig())
			def := tutorial()
			tt.edit(&def)
			w.publish("int-less", def)
			plan := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "less", 2, control.Mutation{ValidateOnly: true}))
			if want := len(tt.want) - 2; len(plan.Plan.Obsolete) != want {
				t.Errorf("the plan lists %d obsolete registrations, want %d", len(plan.Plan.Obsolete), want)
			}
			must[control.DeployResult](t)(w.DeployInstance(t.Context(), "less", 2, plain))
			if diff := cmp.Diff(tt.want, ledger(w.erp)); diff != "" {
				t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailedFirstDeploymentLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.Flows[2].Steps = append(def.Flows[2].Steps, step("Break", "probe.fail", inputs{"value": lit("no such luck")}))
	w.publish("acme", def)
	w.instance("fail", "acme", w.erpConfig())
	_, err := w.DeployInstance(t.Context(), "fail", 0, plain)
	e := refused(t, err, ipaas.ReasonInitFlowFailed)
	if e.Kind != ipaas.Precondition || e.Meta["instance_id"] != "fail" || e.Meta["flow_id"] != "initialization" || e.Meta["step_id"] != "break" {
		t.Errorf("the error is %s with %v", e.Kind, e.Meta)
	}
	if !strings.Contains(e.Message, `"Initialization"`) || !strings.Contains(e.Message, "no such luck") {
		t.Errorf("the error says %q", e.Message)
	}
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2", "delete wh_2", "delete wh_1"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
	in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "fail"))
	if in.State != ipaas.InstanceDeployFailed || in.Version != 0 {
		t.Errorf("the instance is %s on version %d", in.State, in.Version)
	}
	d := must[ipaas.Deployment](t)(w.store.GetDeployment(t.Context(), "fail", e.Meta["deployment_id"]))
	if d.State != ipaas.DeploymentFailed || d.Error == nil || d.Error.ExecutionID != e.Meta["execution_id"] {
		t.Errorf("the deployment is %+v", d)
	}
	if ex := w.ended(e.Meta["execution_id"]); ex.State != ipaas.ExecutionFailed || ex.DeploymentID != d.ID {
		t.Errorf("its execution is %s of deployment %s", ex.State, ex.DeploymentID)
	}
}

func TestFailedRedeploymentLeavesWhatServesAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.Flows[0].Steps = []ipaas.Step{note("Note", cfg("Source"))}
	values := w.erpConfig()
	values["Source"] = `"before"`
	urls := w.deployed("serve", def, values)

	w.configure("serve", map[string]string{"Source": `"after"`})
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Event: "order.updated"})
	def.Flows[2].Steps = []ipaas.Step{register("Customer Webhook", "customer.created", "Customers"), register("Orders", "order.updated", "Customers")}
	w.publish("int-serve", def)
	_, err := w.DeployInstance(t.Context(), "serve", 2, plain)
	refused(t, err, ipaas.ReasonInitFlowFailed)
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2", "create wh_3", "delete wh_3"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
	in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "serve"))
	if in.State != ipaas.InstanceActive || in.Version != 1 || in.Generation != 1 || !in.NeedsDeploy() {
		t.Errorf("the instance is %s on version %d in generation %d", in.State, in.Version, in.Generation)
	}
	ex := w.succeeded(w.accepted(urls["Customers"], `{}`))
	if ex.Generation != 1 || w.probe.notes()[0] != `"before"` {
		t.Errorf("generation %d ran with source %s", ex.Generation, w.probe.notes()[0])
	}

	w.erp.Heal()
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "serve", 2, plain))
	if ex := w.succeeded(w.accepted(urls["Customers"], `{}`)); ex.Generation <= 1 || w.probe.notes()[1] != `"after"` {
		t.Errorf("generation %d ran with source %s", ex.Generation, w.probe.notes()[1])
	}
}

func TestKeepPolicyLeavesWhatAFailedDeploymentCreatedForTheNextOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.Deploy.Policy = ipaas.Keep
	w.publish("acme", def)
	w.instance("keep", "acme", w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Event: "inventory.updated"})
	_, err := w.DeployInstance(t.Context(), "keep", 0, plain)
	refused(t, err, ipaas.ReasonInitFlowFailed)
	if len(w.erp.Webhooks()) != 1 {
		t.Fatalf("%d registrations were kept, want 1", len(w.erp.Webhooks()))
	}
	w.deploy("keep")
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
}

// In the bubble hardly any time passes while the ERP registers, however slow the machine is. The ERP is not in it: where somebody listens
// to a network, or may on a connection that is left open, no time passes at all.
func TestDeploymentThatTakesTooLongIsRolledBack(t *testing.T) {
	erp := fake.NewERP(erpKey)
	server := httptest.NewUnstartedServer(erp)
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	t.Cleanup(server.Close)
	called := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(rw, r.URL.Query().Get("challenge"))
	}))
	t.Cleanup(called.Close)
	inBubble(t, func(t *testing.T, w *world) {
		w.erpURL = server.URL
		def := tutorial()
		def.Deploy.Timeout = 30 * time.Second
		for i := range def.Flows[2].Steps {
			def.Flows[2].Steps[i].Inputs["callbackUrl"] = lit(called.URL)
		}
		def.Flows[2].Steps = append(def.Flows[2].Steps, step("Wait", "probe.wait", inputs{"value": lit("for ever")}))
		w.publish("acme", def)
		w.instance("late", "acme", w.erpConfig())
		_, err := w.DeployInstance(t.Context(), "late", 0, plain)
		e := refused(t, err, ipaas.ReasonDeployTimeout)
		if e.Meta["flow_id"] != "initialization" || e.Meta["step_id"] != "wait" || !strings.Contains(e.Message, "30s") {
			t.Errorf("the error says %q with %v", e.Message, e.Meta)
		}
		if diff := cmp.Diff([]string{"create wh_1", "create wh_2", "delete wh_2", "delete wh_1"}, ledger(erp)); diff != "" {
			t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
		}
	})
}

// gated is a definition whose deployment waits at a gate after it has registered.
func gated(gate string) ipaas.Definition {
	def := tutorial()
	def.Flows[2].Steps = append(def.Flows[2].Steps, step("Wait", "probe.wait", inputs{"value": lit(gate)}))
	return def
}

func TestGenerationsAreNumberedWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("back", tutorial(), w.erpConfig())
	w.moved.Store(int64(-2 * time.Hour))
	for want := 2; want <= 3; want++ {
		r := w.deploy("back")
		if r.Deployment.Candidate.Number != want || r.Executions[0].Generation != want {
			t.Errorf("generation %d was deployed by an execution of generation %d, want %d", r.Deployment.Candidate.Number, r.Executions[0].Generation, want)
		}
	}
}

func TestOneDeploymentAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", gated("gate"))
	w.instance("busy", "acme", w.erpConfig())
	var mu sync.Mutex
	var running, won int
	var wg sync.WaitGroup
	const callers = 32
	losers := make(chan struct{}, callers)
	for range callers {
		wg.Go(func() {
			_, err := w.DeployInstance(t.Context(), "busy", 0, plain)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case ipaas.ReasonOf(err) == ipaas.ReasonDeploymentRunning && errors.Is(err, ipaas.Conflict):
				running++
				losers <- struct{}{}
			default:
				t.Errorf("a caller was answered %v", err)
			}
		})
	}
	for range callers - 1 {
		<-losers // at once: the winner still waits
	}
	w.probe.gate("gate").pass()
	wg.Wait()
	if won != 1 || running != callers-1 {
		t.Errorf("%d won and %d were refused", won, running)
	}
	if len(w.erp.Ledger()) != 2 {
		t.Errorf("the ERP was made to do %v", ledger(w.erp))
	}
}

func TestSameRequestJoinsItsDeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", gated("gate"))
	w.instance("join", "acme", w.erpConfig())
	m := as("DeployInstance", "r-1", "h-1")
	var mu sync.Mutex
	var answers []control.DeployResult
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			result, err := w.DeployInstance(t.Context(), "join", 0, m)
			if err != nil {
				t.Errorf("a caller was answered %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, result)
		})
	}
	<-w.probe.gate("gate").reached
	_, err := w.DeployInstance(t.Context(), "join", 0, as("DeployInstance", "r-1", "another"))
	refused(t, err, ipaas.ReasonRequestIDReused)
	w.probe.gate("gate").pass()
	wg.Wait()
	later := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "join", 0, m))
	w.restart()
	restarted := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "join", 0, m))
	for i, got := range append(answers[1:], later, restarted) {
		if diff := cmp.Diff(answers[0], got); diff != "" {
			t.Errorf("answer %d (-first +this):\n%s", i, diff)
		}
	}
	if len(w.erp.Ledger()) != 2 {
		t.Errorf("the ERP was made to do %v", ledger(w.erp))
	}
}

func TestSameRequestForAFailedDeploymentGetsTheSameError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", tutorial())
	w.instance("twice", "acme", w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks"})
	m := as("DeployInstance", "r-1", "h-1")
	_, first := w.DeployInstance(t.Context(), "twice", 0, m)
	refused(t, first, ipaas.ReasonInitFlowFailed)
	_, second := w.DeployInstance(t.Context(), "twice", 0, m)
	if diff := cmp.Diff(refused(t, first, ipaas.ReasonInitFlowFailed), refused(t, second, ipaas.ReasonInitFlowFailed)); diff != "" {
		t.Errorf("the errors differ:\n%s", diff)
	}
}

func TestLosingTheCallerDoesNotTearADeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", gated("gate"))
	w.instance("alone", "acme", w.erpConfig())
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(ctx, "alone", 0, as("DeployInstance", "r-1", "h"))
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	hangUp()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("the caller was answered %v", err)
	}
	w.probe.gate("gate").pass()
	result := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "alone", 0, as("DeployInstance", "r-1", "h")))
	if result.Instance.State != ipaas.InstanceActive || len(w.erp.Ledger()) != 2 {
		t.Errorf("the instance is %s, the ERP was made to do %v", result.Instance.State, ledger(w.erp))
	}
}

func TestIncompleteConfigIsRefusedWithOneViolationPerVariable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.ConfigVariables = append(def.ConfigVariables,
		ipaas.ConfigVariable{DisplayName: "Region", Required: true}, ipaas.ConfigVariable{DisplayName: "Note"},
		ipaas.ConfigVariable{DisplayName: "Limit", Type: ipaas.ConfigNumber, Required: true, Default: `5`})
	w.publish("acme", def)
	w.instance("bare", "acme", nil)
	for _, m := range []control.Mutation{plain, {ValidateOnly: true}} {
		_, err := w.DeployInstance(t.Context(), "bare", 0, m)
		e := refused(t, err, ipaas.ReasonConfigIncomplete)
		var fields []string
		for _, v := range e.Violations {
			fields = append(fields, v.Field)
		}
		want := []string{"configValues.erp.baseUrl", "configValues.erp.apiKey", "configValues.region"}
		if diff := cmp.Diff(want, fields); diff != "" {
			t.Errorf("violations (-want +got):\n%s", diff)
		}
	}
	if in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "bare")); in.State != ipaas.InstanceCreated {
		t.Errorf("the instance is %s", in.State)
	}
}

func TestUndoOfWhatIsGoneCountsAsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("gone", tutorial(), w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Status: 404, Times: 1})
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Status: 410, Times: 1})
	result := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "gone", plain))
	if len(result.Remaining) != 0 {
		t.Errorf("left: %+v", result.Remaining)
	}
}

func TestRefusedUndoStaysListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("debt", tutorial(), w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Status: 403, Times: -1})
	def := tutorial()
	def.Flows[2].Steps = def.Flows[2].Steps[:1]
	w.publish("int-debt", def)
	result := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "debt", 2, plain))
	changes := must[[]control.RegistrationChangeView](t)(w.DescribeDeployment(t.Context(), *result.Deployment))
	last := changes[len(changes)-1]
	if last.Kind != ipaas.ChangeRemoveFailed || last.Registration.State != ipaas.RegistrationRemoveFailed || last.Registration.RemoteID != "wh_2" {
		t.Errorf("the last change is %+v", last)
	}
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), result.Instance, true))
	if len(view.Registrations) != 2 || !strings.Contains(view.Registrations[1].Error, "403") {
		t.Errorf("registrations: %+v", view.Registrations)
	}
	w.erp.Heal()
	removed := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "debt", plain))
	if len(removed.Remaining) != 0 || len(w.erp.Webhooks()) != 0 {
		t.Errorf("left: %+v and %v", removed.Remaining, w.erp.Webhooks())
	}
}

func TestLostAnswerOfACreationIsToldOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", tutorial())
	w.instance("lost", "acme", w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.HangUpAfterCommit})
	_, err := w.DeployInstance(t.Context(), "lost", 0, plain)
	e := refused(t, err, ipaas.ReasonInitFlowFailed)
	rows := must[[]ipaas.Registration](t)(w.store.ListRegistrations(t.Context(), "lost"))
	if len(rows) != 1 || rows[0].State != ipaas.RegistrationUnconfirmed || !strings.Contains(rows[0].Error, "not known") {
		t.Fatalf("the ledger has %+v", rows)
	}
	if e.Meta["left_registration_ids"] != rows[0].ID || !strings.Contains(e.Message, "cannot be looked up") {
		t.Errorf("the error says %q with %v", e.Message, e.Meta)
	}
	d := must[ipaas.Deployment](t)(w.store.GetDeployment(t.Context(), "lost", e.Meta["deployment_id"]))
	if diff := cmp.Diff([]ipaas.RegistrationChange{{Kind: ipaas.ChangeUnconfirmed, RegistrationID: rows[0].ID}}, d.Changes); diff != "" {
		t.Errorf("the deployment tells (-want +got):\n%s", diff)
	}
}

func TestDeployFlowsRunInOrderUpToTheFirstThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Order", Flows: []ipaas.Flow{
		deployFlow("First", note("Note", lit("first"))), deployFlow("Second", note("Note", lit("second"))),
		deployFlow("Third", step("Break", "probe.fail", inputs{"value": lit("enough")})), deployFlow("Fourth", note("Note", lit("fourth"))),
	}}
	w.publish("order", def)
	w.instance("order", "order", nil)
	_, err := w.DeployInstance(t.Context(), "order", 0, plain)
	e := refused(t, err, ipaas.ReasonInitFlowFailed)
	if e.Meta["flow_id"] != "third" {
		t.Errorf("the error is of flow %s", e.Meta["flow_id"])
	}
	if diff := cmp.Diff([]string{`"first"`, `"second"`}, w.probe.notes()); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
	d := must[ipaas.Deployment](t)(w.store.GetDeployment(t.Context(), "order", e.Meta["deployment_id"]))
	if len(d.ExecutionIDs) != 3 {
		t.Errorf("the deployment has %d executions, want 3", len(d.ExecutionIDs))
	}
}

func TestOnlyAnExplicitVersionMovesAnInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("pinned", tutorial(), w.erpConfig())
	def := tutorial()
	def.Description = "newer"
	w.publish("int-pinned", def)
	if v := w.deploy("pinned").Instance.Version; v != 1 {
		t.Errorf("a redeployment moved it to version %d", v)
	}
	if v := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "pinned", 2, plain)).Instance.Version; v != 2 {
		t.Errorf("it is on version %d", v)
	}
}

func TestTestInstanceAndUnpublishedIntegrationCannotBeDeployed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", tutorial())
	_, err := w.DeployInstance(t.Context(), ipaas.TestInstanceID("acme"), 0, plain)
	refused(t, err, ipaas.ReasonTestInstance)
	_, err = w.DeployInstance(t.Context(), "nobody", 0, plain)
	refused(t, err, ipaas.ReasonNotFound)
	must[ipaas.Integration](t)(w.CreateIntegration(t.Context(), "draft", ipaas.Definition{DisplayName: "Draft"}, plain))
	must[ipaas.Customer](t)(w.CreateCustomer(t.Context(), ipaas.Customer{ID: "c", DisplayName: "C"}, plain))
	_, err = w.CreateInstance(t.Context(), ipaas.Instance{ID: "x", DisplayName: "X", CustomerID: "c", IntegrationID: "draft"}, config.Change{}, plain)
	refused(t, err, ipaas.ReasonNotPublished)
}
