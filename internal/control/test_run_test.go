package control_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// drafted imports a definition and configures its test instance.
func (w *world) drafted(id string, def ipaas.Definition, values map[string]string) {
	w.t.Helper()
	if _, err := w.store.GetComponent(w.t.Context(), "acme-erp", 0); err != nil {
		must[ipaas.Component](w.t)(w.CreateComponent(w.t.Context(), acme(), plain))
	}
	if _, _, err := w.ImportIntegration(w.t.Context(), id, def, plain); err != nil {
		w.t.Fatal(err)
	}
	if values != nil {
		w.configure(ipaas.TestInstanceID(id), values)
	}
}

// test runs a flow of a draft, which must come to an execution.
func (w *world) test(integrationID, flowID string, payload *ipaas.TestPayload) control.TestResult {
	w.t.Helper()
	result := must[control.TestResult](w.t)(w.TestFlow(w.t.Context(), integrationID, flowID, payload, false, plain))
	if result.Execution == nil {
		w.t.Fatalf("the test of %s came to no execution", flowID)
	}
	return result
}

func (w *world) executions(field string, value any) []ipaas.Execution {
	w.t.Helper()
	return must[storage.Page[ipaas.Execution]](w.t)(w.store.ListExecutions(w.t.Context(), storage.Query{
		Size: 100, Filter: &storage.Filter{Field: field, Operator: storage.Equal, Value: value},
	})).Items
}

func TestOneFlowOfTheDraftIsTestedAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), w.erpConfig())
	result := w.test("acme", "customers", &ipaas.TestPayload{Kind: ipaas.BodyJSON, Text: `{"id":1}`})
	ex := result.Execution
	if ex.State != ipaas.ExecutionSucceeded || ex.FlowID != "customers" || !ex.Test || ex.Version != 0 || ex.Invoke != ipaas.InvokeTest {
		t.Errorf("the execution is %+v", ex)
	}
	if diff := cmp.Diff([]string{`{"id":1}`}, w.probe.notes()); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
	if all := w.executions("integration_id", "acme"); len(all) != 1 {
		t.Errorf("%d executions, want 1", len(all))
	}
	if len(w.erp.Ledger()) != 0 {
		t.Errorf("the ERP was made to do %v", ledger(w.erp))
	}
	if result.Response == nil || result.Response.Status != 200 || !strings.Contains(string(result.Response.Body), ex.ID) {
		t.Errorf("a caller would be answered %+v", result.Response)
	}
	steps := must[[]ipaas.StepResult](t)(w.StepResults(t.Context(), ex.ID, 0, 100))
	if len(steps) != 2 || steps[0].StepID != ipaas.TriggerStepID || steps[1].StepID != "note" || steps[1].Result != `{"id":1}` || steps[1].EndTime.IsZero() {
		t.Errorf("steps: %+v", steps)
	}
}

func TestPayloadThatIsSavedServesLaterTests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), w.erpConfig())
	payload := &ipaas.TestPayload{Kind: ipaas.BodyJSON, Text: `{"saved":true}`, Headers: map[string]string{"X-A": "b"}}
	must[control.TestResult](t)(w.TestFlow(t.Context(), "acme", "customers", payload, true, plain))
	ex := w.test("acme", "customers", nil).Execution
	if string(ex.Payload.Body) != `{"saved":true}` || ex.Payload.ContentType != "application/json" || ex.Payload.Method != "POST" {
		t.Errorf("the payload is %+v", ex.Payload)
	}
	w.test("acme", "customers", &ipaas.TestPayload{Kind: ipaas.BodyText, Text: "other", ContentType: "text/csv"})
	w.test("acme", "customers", nil)
	w.test("acme", "customers", &ipaas.TestPayload{Kind: ipaas.BodyBinary, Binary: []byte{0xff}, Method: "PUT"})
	want := []string{`{"saved":true}`, `{"saved":true}`, `"other"`, `{"saved":true}`}
	if diff := cmp.Diff(want, w.probe.notes()[:4]); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
	w.test("acme", "inventory", nil)
	if got := w.probe.notes()[5]; got != "null" {
		t.Errorf("a flow without a saved payload saw %s", got)
	}
	_, err := w.TestFlow(t.Context(), "acme", "customers", &ipaas.TestPayload{Kind: ipaas.BodyJSON, Text: `{`}, false, plain)
	refused(t, err, ipaas.ReasonMalformedPayload)
}

func TestDraftThatCannotRunIsNotTested(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken := tutorial()
	broken.Flows[1].Steps[0].Inputs["odd"] = lit("x")
	w.drafted("broken", broken, w.erpConfig())
	_, err := w.TestFlow(t.Context(), "broken", "inventory", nil, false, plain)
	if e := refused(t, err, ipaas.ReasonDraftHasProblems); len(e.Violations) != 1 || e.Violations[0].Field != "flows[1].steps[0].inputs.odd" {
		t.Errorf("violations: %+v", e.Violations)
	}
	_, err = w.PublishIntegration(t.Context(), "broken", "", plain)
	refused(t, err, ipaas.ReasonDraftHasProblems)
	w.drafted("bare", tutorial(), nil)
	_, err = w.TestFlow(t.Context(), "bare", "initialization", nil, false, plain)
	refused(t, err, ipaas.ReasonConfigIncomplete)
	_, err = w.TestFlow(t.Context(), "bare", "nothing", nil, false, plain)
	refused(t, err, ipaas.ReasonNotFound)
	_, err = w.TestFlow(t.Context(), "nothing", "nothing", nil, false, plain)
	refused(t, err, ipaas.ReasonNotFound)
	if all := w.executions("test", true); len(all) != 0 {
		t.Errorf("%d executions were begun", len(all))
	}
}

func TestTestURLsWorkAndShowAWaitingSystemWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), nil)
	in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), ipaas.TestInstanceID("acme")))
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	_, err := w.receive(view.Flows[0].URL, `{}`)
	if e := refused(t, err, ipaas.ReasonDraftHasProblems); e.Kind != ipaas.Unavailable {
		t.Errorf("it is %s", e.Kind)
	}
	w.configure(in.ID, w.erpConfig())
	ex := w.succeeded(w.accepted(view.Flows[0].URL, `{"n":1}`))
	if !ex.Test || ex.DefinitionHash == "" || ex.Invoke != ipaas.InvokeWebhook {
		t.Errorf("the execution is %+v", ex)
	}
	if status, body := w.call("GET", view.Flows[0].URL+"?challenge=abc", "", ""); status != 200 || body != "abc" {
		t.Errorf("a handshake is answered %d %s", status, body)
	}
}

func TestTestsOfADeployFlowReconcileAndResetRemoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", parting(), w.erpConfig())
	for range 2 {
		w.test("acme", "initialization", nil)
	}
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2"}, ledger(w.erp)); diff != "" {
		t.Fatalf("the ERP was made to do (-want +got):\n%s", diff)
	}
	def := parting()
	def.Flows[2].Steps = append(def.Flows[2].Steps[1:], step("Break", "probe.fail", inputs{"value": lit("no")}))
	def.Flows[2].Steps[0] = register("Inventory Webhook", "inventory.gone", "Inventory")
	w.drafted("acme", def, nil)
	if ex := w.test("acme", "initialization", nil).Execution; ex.State != ipaas.ExecutionFailed {
		t.Fatalf("the test ended %s", ex.State)
	}
	want := []string{"create wh_1", "create wh_2", "create wh_3", "delete wh_3"}
	if diff := cmp.Diff(want, ledger(w.erp)); diff != "" {
		t.Fatalf("after a failed test the ERP was made to do (-want +got):\n%s", diff)
	}
	def.Flows[2].Steps = def.Flows[2].Steps[:1]
	w.drafted("acme", def, nil)
	w.test("acme", "initialization", nil)
	want = append(want, "create wh_4", "delete wh_2", "delete wh_1")
	if diff := cmp.Diff(want, ledger(w.erp)); diff != "" {
		t.Fatalf("after a changed one (-want +got):\n%s", diff)
	}
	m := as("ResetTestInstance", "r-1", "h")
	result := must[control.RemovalResult](t)(w.ResetTestInstance(t.Context(), "acme", m))
	if len(w.erp.Webhooks()) != 0 || len(result.Remaining) != 0 || len(result.Executions) != 1 || !result.Executions[0].Test {
		t.Errorf("left %v; %+v", w.erp.Webhooks(), result)
	}
	again := must[control.RemovalResult](t)(w.ResetTestInstance(t.Context(), "acme", m))
	if diff := cmp.Diff(result, again); diff != "" {
		t.Errorf("the same request (-first +again):\n%s", diff)
	}
	in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), ipaas.TestInstanceID("acme")))
	if in.State != ipaas.InstanceActive || in.Config.Revision != 1 {
		t.Errorf("the test instance is %+v", in)
	}
	_, err := w.ResetTestInstance(t.Context(), "nothing", plain)
	refused(t, err, ipaas.ReasonNotFound)
}

func TestTestsOfADeployFlowAtOnceLeaveOneSetOfRegistrations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), w.erpConfig())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := w.TestFlow(t.Context(), "acme", "initialization", nil, false, plain); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(w.erp.Webhooks()) != 2 {
		t.Errorf("the ERP has %v", w.erp.Webhooks())
	}
	rows := must[[]ipaas.Registration](t)(w.store.ListRegistrations(t.Context(), ipaas.TestInstanceID("acme"), ipaas.RegistrationCreated))
	if len(rows) != 2 {
		t.Errorf("the ledger has %d objects", len(rows))
	}
}

func TestSameRequestTestsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), w.erpConfig())
	m := as("TestFlow", "r-1", "h")
	var mu sync.Mutex
	var answers []control.TestResult
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			result, err := w.TestFlow(t.Context(), "acme", "customers", nil, false, m)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, result)
		})
	}
	wg.Wait()
	w.restart()
	answers = append(answers, must[control.TestResult](t)(w.TestFlow(t.Context(), "acme", "customers", nil, false, m)))
	for i := range answers {
		if diff := cmp.Diff(answers[0], answers[i]); diff != "" {
			t.Errorf("answer %d (-first +this):\n%s", i, diff)
		}
	}
	if notes := w.probe.notes(); len(notes) != 1 {
		t.Errorf("it ran %d times", len(notes))
	}
	_, err := w.TestFlow(t.Context(), "acme", "inventory", nil, false, as("TestFlow", "r-1", "other"))
	refused(t, err, ipaas.ReasonRequestIDReused)
}

func TestCheckingATestChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), w.erpConfig())
	before := w.dump()
	m := as("TestFlow", "r-1", "h")
	m.ValidateOnly = true
	result := must[control.TestResult](t)(w.TestFlow(t.Context(), "acme", "customers", &ipaas.TestPayload{Kind: ipaas.BodyText, Text: "x"}, true, m))
	if result.Execution != nil {
		t.Errorf("it ran: %+v", result.Execution)
	}
	if after := w.dump(); after != before {
		t.Errorf("it changed what is stored:\n%s", cmp.Diff(before, after))
	}
}

func TestHandshakeInATestRunsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.Flows[1].Trigger.Inputs = inputs{"handshake": lit("meta"), "verifyToken": lit("right")}
	w.drafted("acme", def, w.erpConfig())
	result := must[control.TestResult](t)(w.TestFlow(t.Context(), "acme", "customers", &ipaas.TestPayload{Query: map[string]string{"challenge": "c"}}, false, plain))
	if result.Execution != nil || result.Response == nil || string(result.Response.Body) != "c" {
		t.Errorf("it came to %+v", result)
	}
	_, err := w.TestFlow(t.Context(), "acme", "inventory", &ipaas.TestPayload{
		Query: map[string]string{"hub.mode": "subscribe", "hub.verify_token": "wrong", "hub.challenge": "c"},
	}, false, plain)
	var refuse *component.Refuse
	if !errors.As(err, &refuse) || refuse.HTTPStatus() != 403 {
		t.Errorf("a wrong token gives %v", err)
	}
}

func TestARefusedDeletionOfAnIntegrationTouchesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("erp-one", tutorial(), w.erpConfig())
	w.configure(ipaas.TestInstanceID("int-erp-one"), w.erpConfig())
	w.test("int-erp-one", "initialization", nil)
	before := w.erp.Webhooks()
	refused(t, w.DeleteIntegration(t.Context(), "int-erp-one", plain), ipaas.ReasonInUse)
	if diff := cmp.Diff(before, w.erp.Webhooks()); diff != "" || len(before) != 4 {
		t.Errorf("%d webhooks before; then (-before +after):\n%s", len(before), diff)
	}
}

func TestDeletingAnIntegrationRemovesWhatTestsRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), w.erpConfig())
	w.test("acme", "initialization", nil)
	if err := w.DeleteIntegration(t.Context(), "acme", control.Mutation{Caller: "tester", ValidateOnly: true}); err != nil {
		t.Errorf("checked only, it would be refused: %v", err)
	}
	if len(w.erp.Webhooks()) != 2 {
		t.Errorf("checking left %v", w.erp.Webhooks())
	}
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Status: 403, Times: 1})
	refused(t, w.DeleteIntegration(t.Context(), "acme", plain), ipaas.ReasonInUse)
	m := as("DeleteIntegration", "r-1", "h")
	for range 2 {
		if err := w.DeleteIntegration(t.Context(), "acme", m); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.erp.Webhooks()) != 0 {
		t.Errorf("left: %v", w.erp.Webhooks())
	}
	refused(t, w.DeleteIntegration(t.Context(), "acme", plain), ipaas.ReasonNotFound)
}
