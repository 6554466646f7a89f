package control_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// parting is the tutorial with a remove flow that notes the source it runs with.
func parting() ipaas.Definition {
	def := tutorial()
	def.Flows = append(def.Flows, removeFlow("Parting", note("Note", cfg("Source"))))
	return def
}

func TestUndeployRunsTheRemoveFlowsOnWhatServesAndRemovesInReverse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("leave", parting(), w.erpConfig())
	w.configure("leave", map[string]string{"Source": `"never deployed"`})
	result := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "leave", plain))
	if result.Instance.State != ipaas.InstanceUndeployed || result.Instance.Generation != 0 || result.Instance.Version != 1 {
		t.Errorf("the instance is %+v", result.Instance)
	}
	if diff := cmp.Diff([]string{`"acme"`}, w.probe.notes()); diff != "" {
		t.Errorf("the remove flow saw (-want +got):\n%s", diff)
	}
	if len(result.Executions) != 1 || result.Executions[0].Invoke != ipaas.InvokeInstanceRemove || result.Executions[0].State != ipaas.ExecutionSucceeded {
		t.Errorf("executions: %+v", result.Executions)
	}
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2", "delete wh_2", "delete wh_1"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
	if _, err := w.receive(urls["Customers"], `{}`); !errors.Is(err, ipaas.Gone) {
		t.Errorf("its hook says %v", err)
	}
	if err := w.LookupWebhook(t.Context(), tokenOf(urls["Customers"])); !errors.Is(err, ipaas.Gone) {
		t.Errorf("a look at its hook says %v", err)
	}

	again := urlsOf(w.deploy("leave"))
	if diff := cmp.Diff(urls, again); diff != "" {
		t.Errorf("URLs after another deployment (-before +after):\n%s", diff)
	}
	w.succeeded(w.accepted(urls["Customers"], `{}`))
}

func TestFailingRemoveFlowStopsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.Flows = append(def.Flows, removeFlow("Bad", step("Break", "probe.fail", inputs{"value": lit("no")})), removeFlow("Good", note("Note", lit("bye"))))
	w.deployed("stuck", def, w.erpConfig())
	result := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "stuck", plain))
	if len(result.Executions) != 2 || result.Executions[0].State != ipaas.ExecutionFailed || result.Executions[1].State != ipaas.ExecutionSucceeded {
		t.Errorf("executions: %+v", result.Executions)
	}
	if len(w.erp.Webhooks()) != 0 {
		t.Errorf("left: %v", w.erp.Webhooks())
	}
}

func TestRemovalSucceedsWhenTheOtherSystemIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("down", tutorial(), w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Status: 503, Times: -1})
	result := must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "down", plain))
	var remote []string
	for _, r := range result.Remaining {
		remote = append(remote, r.RemoteID)
		if r.State != ipaas.RegistrationRemoveFailed || r.Error == "" {
			t.Errorf("remaining: %+v", r)
		}
	}
	if diff := cmp.Diff([]string{"wh_2", "wh_1"}, remote); diff != "" {
		t.Errorf("remaining (-want +got):\n%s", diff)
	}
	if _, err := w.store.GetInstance(t.Context(), "down"); !errors.Is(err, ipaas.NotFound) {
		t.Errorf("the instance is still there: %v", err)
	}
	if _, err := w.receive(urls["Customers"], `{}`); !errors.Is(err, ipaas.Gone) {
		t.Errorf("its hook says %v", err)
	}
}

func TestRemovalCancelsWhatWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("queue", tutorial(), w.erpConfig())
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "queue", ipaas.PauseHold, plain))
	id := w.accepted(urls["Customers"], `{}`)
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "queue", plain))
	if ex := w.ended(id); ex.State != ipaas.ExecutionCanceled {
		t.Errorf("the held event is %s", ex.State)
	}
	if len(w.probe.notes()) != 0 {
		t.Errorf("it ran: %v", w.probe.notes())
	}
}

func TestDeletingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("twice", parting(), w.erpConfig())
	m := as("DeleteInstance", "r-1", "h")
	first := must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "twice", m))
	again := must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "twice", m))
	if diff := cmp.Diff(first.Instance, again.Instance); diff != "" {
		t.Errorf("the same request shows another instance (-first +again):\n%s", diff)
	}
	_, err := w.DeleteInstance(t.Context(), "twice", plain)
	refused(t, err, ipaas.ReasonNotFound)
	_, err = w.DeleteInstance(t.Context(), "twice", as("DeleteInstance", "r-1", "other"))
	refused(t, err, ipaas.ReasonRequestIDReused)
	if len(first.Executions) != 1 {
		t.Errorf("executions: %+v", first.Executions)
	}
}

func TestSameRequestToRemoveGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("same", parting(), w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Status: 403, Times: 1})
	m := as("UndeployInstance", "r-1", "h")
	first := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "same", m))
	if len(first.Executions) != 1 || len(first.Remaining) != 1 {
		t.Fatalf("%d executions, %d remaining", len(first.Executions), len(first.Remaining))
	}
	again := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "same", m))
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("answers (-first +again):\n%s", diff)
	}
	w.restart()
	again = must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "same", m))
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("answers (-first +after a restart):\n%s", diff)
	}
}

func TestNewInstanceOfADeletedOnesIDIsIndependent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.deployed("phoenix", tutorial(), w.erpConfig())
	w.succeeded(w.accepted(old["Customers"], `{}`))
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Status: 403, Times: -1})
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "phoenix", plain))
	w.erp.Heal()

	in := must[ipaas.Instance](t)(w.CreateInstance(t.Context(), ipaas.Instance{
		ID: "phoenix", DisplayName: "New", CustomerID: "cust-phoenix", IntegrationID: "int-phoenix",
	}, config.Change{}, plain))
	_, err := w.DeployInstance(t.Context(), "phoenix", 0, plain)
	refused(t, err, ipaas.ReasonConfigIncomplete)
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	if len(view.Registrations) != 0 {
		t.Errorf("it has registrations of the old one: %+v", view.Registrations)
	}
	for _, f := range view.Flows {
		if f.URL == old[f.DisplayName] {
			t.Errorf("flow %s has the URL of the old one", f.DisplayName)
		}
	}
	w.configure("phoenix", w.erpConfig())
	urls := urlsOf(w.deploy("phoenix"))
	if len(w.erp.Webhooks()) != 4 {
		t.Errorf("the ERP has %d webhooks: want two of the old one and two of the new one", len(w.erp.Webhooks()))
	}
	if _, err := w.receive(old["Customers"], `{}`); !errors.Is(err, ipaas.Gone) {
		t.Errorf("the old hook says %v", err)
	}
	w.succeeded(w.accepted(urls["Customers"], `{}`))
}

func TestWhatADeletedInstanceBeganDoesNotTouchTheNextOneOfItsID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ensuring()
	wait := step("Wait", "probe.wait", inputs{"value": lit("gate")})
	def.Flows = append(def.Flows,
		hookFlow("Clean", wait, step("All", "registration.remove", inputs{"all": lit(true)})),
		hookFlow("Create", wait, step("Extra", "acme-erp.createWebhook", inputs{
			"connection": cfg("ERP"), "event": lit("customer.updated"), "callbackUrl": lit("http://127.0.0.1/extra"),
		})))
	w.with(acmeFinding(), def)
	urls := urlsOf(w.deploy("one"))
	for _, flow := range []string{"Clean", "Create"} {
		w.accepted(urls[flow], `{}`)
		<-w.probe.gate("gate").reached
	}
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "one", plain))
	must[ipaas.Instance](t)(w.CreateInstance(t.Context(), ipaas.Instance{
		ID: "one", DisplayName: "The next", CustomerID: "cust-one", IntegrationID: "acme",
	}, change(w.erpConfig()), plain))
	w.deploy("one")
	kill := w.crashCopy()
	w.probe.gate("gate").pass()
	w.stop() // when what was begun has come to its end
	w.wantLedger("create wh_1", "create wh_2", "delete wh_2", "delete wh_1", "create wh_3", "create wh_4")
	kill.start()
	kill.probe.gate("gate").pass()
	kill.eventually("nothing is open", func() bool {
		open := &storage.Filter{Field: "state", Operator: storage.NotEqual, Value: string(ipaas.ExecutionCanceled)}
		webhooks := &storage.Filter{Field: "invoke_type", Operator: storage.Equal, Value: string(ipaas.InvokeWebhook)}
		both := &storage.Filter{Join: storage.And, Filters: []*storage.Filter{open, webhooks}}
		return len(must[storage.Page[ipaas.Execution]](t)(kill.store.ListExecutions(t.Context(), storage.Query{Size: 10, Filter: both})).Items) == 0
	})
	w.wantLedger("create wh_1", "create wh_2", "delete wh_2", "delete wh_1", "create wh_3", "create wh_4")
}

// refusing is a store that is too busy to record, as often as it is told, what came of removals and upgrades.
type refusing struct {
	storage.Store
	times atomic.Int32
}

func (s *refusing) refuse() error {
	if s.times.Add(-1) < 0 {
		return nil
	}
	return &ipaas.Error{Kind: ipaas.Unavailable, Reason: ipaas.ReasonStorageBusy, Message: "too busy"}
}

func (s *refusing) SettleRegistration(ctx context.Context, id string, state ipaas.RegistrationState, message string, now time.Time) error {
	if err := s.refuse(); err != nil {
		return err
	}
	return s.Store.SettleRegistration(ctx, id, state, message, now)
}

func (s *refusing) SaveUpgradeResult(ctx context.Context, r ipaas.UpgradeResult) error {
	if err := s.refuse(); err != nil {
		return err
	}
	return s.Store.SaveUpgradeResult(ctx, r)
}

func (s *refusing) SaveReceipt(ctx context.Context, r storage.Receipt) error {
	if err := s.refuse(); err != nil {
		return err
	}
	return s.Store.SaveReceipt(ctx, r)
}

// refuse puts a store that may refuse between the plane and the real one.
func (w *world) refuse() *refusing {
	r := &refusing{}
	w.wrap = func(s storage.Store) storage.Store {
		r.Store = s
		return r
	}
	w.restart()
	return r
}

func TestRemovalThatTheStoreDidNotRecordGoesOnWithoutARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := w.refuse()
	w.publish("acme", tutorial())
	for id, remove := range map[string]func(string) error{
		"undeployed": func(id string) error { _, err := w.UndeployInstance(t.Context(), id, plain); return err },
		"deleted":    func(id string) error { _, err := w.DeleteInstance(t.Context(), id, plain); return err },
	} {
		w.instance(id, "acme", w.erpConfig())
		w.deploy(id)
		store.times.Store(2)
		e := refused(t, remove(id), ipaas.ReasonStorageBusy)
		if !strings.Contains(e.Message, "goes on by itself") {
			t.Errorf("%s: who asked for it is told %q", id, e.Message)
		}
		w.eventually(id+" to the end", func() bool {
			for _, in := range must[[]ipaas.Instance](t)(w.store.UnfinishedUndeployments(t.Context())) {
				if in.ID == id {
					return false
				}
			}
			in, err := w.store.GetInstance(t.Context(), id)
			return len(w.erp.Webhooks()) == 0 && (id == "undeployed" && in.State == ipaas.InstanceUndeployed || errors.Is(err, ipaas.NotFound))
		})
		if owed := w.debts(); len(owed) > 0 {
			t.Errorf("%s: owed is %v", id, owed)
		}
	}
}

func TestRemovalIsDoneEvenIfItsAnswerCannotBeRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := w.refuse()
	w.deployed("one", ipaas.Definition{DisplayName: "Empty", Flows: []ipaas.Flow{hookFlow("Hook", note("Note", lit("x")))}}, nil)
	store.times.Store(1)
	m := as("DeleteInstance", "r", "h")
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "one", m))
	again := must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "one", m))
	if again.Instance.ID != "one" {
		t.Errorf("the same request is answered %+v", again)
	}
}

func TestUndeployingIsRefusedWhileADeploymentRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", gated("gate"))
	in := w.instance("busy", "acme", w.erpConfig())
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "busy", 0, plain)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	_, err := w.UndeployInstance(t.Context(), "busy", plain)
	refused(t, err, ipaas.ReasonDeploymentRunning)
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	_, err = w.DeleteInstance(t.Context(), "busy", control.Mutation{Base: in.Revision})
	refused(t, err, ipaas.ReasonStaleEtag)
	_, err = w.DeleteInstance(t.Context(), ipaas.TestInstanceID("acme"), plain)
	refused(t, err, ipaas.ReasonTestInstance)
	before := w.dump()
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "busy", control.Mutation{ValidateOnly: true}))
	if after := w.dump(); after != before {
		t.Errorf("checking a deletion changed what is stored:\n%s", cmp.Diff(before, after))
	}
}

func TestDeletionLeftByACrashIsFinishedAtTheNextStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("gone", tutorial(), w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Mode: fake.Delay, Delay: 1 << 40, Times: 1})
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeleteInstance(t.Context(), "gone", plain)
		ended <- err
	}()
	w.eventually("the ERP is asked", func() bool {
		f := w.erp.Failures()
		return len(f) == 1 && f[0].Struck == 1
	})
	twin := w.crashCopy()
	twin.start()
	twin.eventually("the instance is gone", func() bool {
		_, err := twin.store.GetInstance(t.Context(), "gone")
		return errors.Is(err, ipaas.NotFound)
	})
	w.erp.Heal()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(w.erp.Webhooks()) != 0 {
		t.Errorf("left: %v", w.erp.Webhooks())
	}
}

func TestTwoCustomersNeverSeeEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.ConfigVariables = append(def.ConfigVariables, ipaas.ConfigVariable{DisplayName: "Token", Secret: true})
	def.Flows = append(def.Flows, syncFlow("Who", step("Who", "collection-tools.createObject", inputs{"keyValueInput": {
		Kind: ipaas.InputComplex, Items: []ipaas.Input{
			{Name: "customer", Kind: ipaas.InputReference, Text: "trigger.results.customer.id"},
			{Name: "instance", Kind: ipaas.InputReference, Text: "trigger.results.instance.id"},
			{Name: "source", Kind: ipaas.InputConfigVariable, Text: "Source"},
		},
	}})))
	w.publish("shared", def)
	ids := []string{"a", "b"}
	urls := map[string]map[string]string{}
	for _, id := range ids {
		values := w.erpConfig()
		values["Source"], values["Token"] = `"source of `+id+`"`, `"secret of `+id+`"`
		w.instance(id, "shared", values)
		urls[id] = urlsOf(w.deploy(id))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		for _, url := range urls[id] {
			if seen[url] {
				t.Errorf("two flows have the URL %s", url)
			}
			seen[url] = true
		}
		if status, body := w.call("POST", urls[id]["Who"], "", ""); status != 200 ||
			body != `{"customer":"cust-`+id+`","instance":"`+id+`","source":"source of `+id+`"}` {
			t.Errorf("instance %s answered %d %s", id, status, body)
		}
		page := must[storage.Page[ipaas.Execution]](t)(w.store.ListExecutions(t.Context(), storage.Query{
			Size: 100, Filter: &storage.Filter{Field: "instance_id", Operator: storage.Equal, Value: id},
		}))
		if len(page.Items) != 2 || slices.ContainsFunc(page.Items, func(ex ipaas.Execution) bool { return ex.CustomerID != "cust-"+id }) {
			t.Errorf("instance %s has executions %+v", id, page.Items)
		}
	}
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "a", plain))
	if status, _ := w.call("POST", urls["b"]["Who"], "", ""); status != 200 || len(w.erp.Webhooks()) != 2 {
		t.Errorf("after the deletion of one the other answers %d, and %d webhooks are left", status, len(w.erp.Webhooks()))
	}
	_, err := w.DeployInstance(t.Context(), "b", 0, control.Mutation{ValidateOnly: true})
	if err != nil {
		t.Error(err)
	}
}

func TestDeletionEndsTheDeploymentThatRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := gated("gate")
	def.Flows[2].Steps = append(def.Flows[2].Steps, note("After", lit("after")))
	w.publish("acme", def)
	w.instance("gone", "acme", w.erpConfig())
	deployed := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "gone", 0, plain)
		deployed <- err
	}()
	<-w.probe.gate("gate").reached
	_, err := w.UndeployInstance(t.Context(), "gone", plain)
	refused(t, err, ipaas.ReasonDeploymentRunning)
	dry := plain
	dry.ValidateOnly = true
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "gone", dry))
	m := plain
	m.Base = must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "gone")).Revision
	deleted := make(chan error, 1)
	go func() {
		_, err := w.DeleteInstance(t.Context(), "gone", m)
		deleted <- err
	}()
	w.eventually("the deployment is being ended", func() bool { return strings.Contains(w.logs.String(), "a deployment is ended") })
	w.probe.gate("gate").pass()
	if e := refused(t, <-deployed, ipaas.ReasonDeployCanceled); !strings.Contains(e.Message, "is being deleted") {
		t.Errorf("the deployment was told %q", e.Message)
	}
	if err := <-deleted; err != nil {
		t.Fatalf("the deletion was told %v", err)
	}
	if _, err := w.store.GetInstance(t.Context(), "gone"); !errors.Is(err, ipaas.NotFound) {
		t.Errorf("the instance gives %v", err)
	}
	if len(w.erp.Webhooks()) != 0 || len(w.probe.notes()) != 0 {
		t.Errorf("left: %v, and ran: %v", w.erp.Webhooks(), w.probe.notes())
	}
	for _, ex := range w.executions("instance_id", "gone") {
		steps := must[[]ipaas.StepResult](t)(w.store.ListStepResults(t.Context(), ex.ID, 0, 100))
		if last := steps[len(steps)-1]; !ex.State.Ended() || last.Path != "wait" || last.State != ipaas.StepSucceeded {
			t.Errorf("execution of %s is %s, its last step %s is %s", ex.FlowID, ex.State, last.Path, last.State)
		}
	}
}

func TestUndeploymentLeftByACrashGoesOnWithItsRemoveFlows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.Flows = append(def.Flows, removeFlow("Parting", note("Note", lit("bye")), step("Wait", "probe.wait", inputs{"value": lit("gate")})))
	w.deployed("cut", def, w.erpConfig())
	ended := make(chan error, 1)
	go func() {
		_, err := w.UndeployInstance(t.Context(), "cut", plain)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	twin := w.crashCopy()
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	w.stop()
	twin.start()
	<-twin.probe.gate("gate").reached
	twin.probe.gate("gate").pass()
	twin.eventually("nothing is left to do", func() bool {
		left := must[[]ipaas.Instance](t)(twin.store.UnfinishedUndeployments(t.Context()))
		return len(left) == 0 && len(twin.debts()) == 0
	})
	if in := twin.get("cut"); in.State != ipaas.InstanceUndeployed {
		t.Errorf("the instance is %+v", in)
	}
}

func TestRemovalThatTakesTooLongEndsAllTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{Removal: 300 * time.Millisecond})
	def := tutorial()
	def.Flows = append(def.Flows, removeFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")})))
	w.deployed("slow", def, w.erpConfig())
	result := must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "slow", plain))
	if len(result.Remaining) != 2 {
		t.Errorf("remaining: %+v", result.Remaining)
	}
	if _, err := w.store.GetInstance(t.Context(), "slow"); !errors.Is(err, ipaas.NotFound) {
		t.Errorf("the instance is still there: %v", err)
	}
	w.ahead.Add(int64(80 * time.Second))
	w.eventually("nothing is owed", func() bool { return len(w.debts()) == 0 })
	if len(w.erp.Webhooks()) != 0 {
		t.Errorf("left: %v", w.erp.Webhooks())
	}
}
