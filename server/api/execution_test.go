package api_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

const picky = `
id: picky
displayName: Picky
flows:
  - displayName: Pick
    concurrency: 2
    timeout: 60s
    ordering: {scope: SCOPE_KEY, key: {reference: trigger.results.body.data.order}, onFailure: FAILURE_EFFECT_BLOCK}
    retry: {maxAttempts: 1, delay: 3600s, multiplier: 3, maxDelay: 7200s}
    deduplicationKey: {reference: trigger.results.headers.X-Event-Id}
    steps:
      - displayName: Number
        action: loop.loopNTimes
        inputs:
          iterationCount: {reference: trigger.results.body.data.times}
        steps:
          - {displayName: Log, action: log.writeLog, inputs: {message: {value: round}}}
`

// event sends an event to the one flow of an instance.
func (w *world) event(t *testing.T, url, id, body string) string {
	t.Helper()
	reply, err := w.plane.ReceiveWebhook(t.Context(), url[strings.LastIndexByte(url, '/')+1:], ipaas.Payload{
		Method: "POST", ContentType: "application/json", Body: []byte(body), Headers: []ipaas.NamedText{{Name: "X-Event-Id", Text: id}},
	}, control.Preferences{})
	must(t, err)
	return reply.ExecutionID
}

// inVain is how long is waited for what will not come: only a test that fails takes so long.
const inVain = 2 * time.Minute

// await reads an execution until it is in a state.
func await(t *testing.T, call face, id string, state pb.Execution_State) *pb.Execution {
	t.Helper()
	for deadline := time.Now().Add(inVain); ; {
		ex := ok[*pb.GetExecutionResponse](t, call, &pb.GetExecutionRequest{ExecutionId: id}).GetExecution()
		if ex.GetState() == state {
			return ex
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until execution %s is %s: %v", id, state, ex)
		}
		time.Sleep(5 * time.Millisecond) // between looks
	}
}

// TestExecutionsAreCanceledAndReplayed tells over both faces what becomes of events of a flow that keeps an order and tries again.
func TestExecutionsAreCanceledAndReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, call := range map[string]face{"grpc": w.overGRPC, "rest": w.overREST} {
		t.Run(name, func(t *testing.T) { w.tellOfExecutions(t, call, name) })
	}
}

func (w *world) tellOfExecutions(t *testing.T, call face, name string) {
	t.Helper()
	in := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: strings.Replace(picky, "id: picky", "id: picky-"+name, 1)}).GetIntegration()
	flow := in.GetFlows()[0]
	if flow.GetConcurrency() != 2 || flow.GetOrdering().GetKey().GetReference() == "" || flow.GetRetry().GetMultiplier() != 3 || flow.GetTimeout().GetSeconds() != 60 {
		t.Errorf("flow: %v", flow)
	}
	refused(t, call, &pb.UpdateFlowRequest{IntegrationId: in.GetId(), FlowId: "pick", Flow: &pb.Flow{Synchronous: true}},
		codes.InvalidArgument, "INVALID_ARGUMENT", "flows[0].ordering MISPLACED", "flows[0].retry MISPLACED")
	ok[*pb.PublishIntegrationResponse](t, call, &pb.PublishIntegrationRequest{IntegrationId: in.GetId()})
	customer := ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "c-" + name, DisplayName: "C", MaxConcurrency: 5}}).GetCustomer()
	ok[*pb.CreateInstanceResponse](t, call, &pb.CreateInstanceRequest{Instance: &pb.Instance{
		Id: "i-" + name, DisplayName: "I", CustomerId: customer.GetId(), IntegrationId: in.GetId(), MaxConcurrency: 4,
	}})
	instance := ok[*pb.UpdateInstanceResponse](t, call, &pb.UpdateInstanceRequest{InstanceId: "i-" + name, Instance: &pb.Instance{MaxConcurrency: 3}}).GetInstance()
	if customer.GetMaxConcurrency() != 5 || instance.GetMaxConcurrency() != 3 {
		t.Errorf("customer %v, instance %v", customer, instance)
	}
	deployed := ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: "i-" + name}).GetInstance()
	url := deployed.GetFlows()[0].GetWebhookUrl()

	first := w.event(t, url, "e1", `{"order":"A","times":"no number"}`)
	if w.event(t, url, "e1", `{"order":"A","times":"no number"}`) != first {
		t.Error("an event that came again is another one")
	}
	second := w.event(t, url, "e2", `{"order":"A","times":1}`)
	failed := await(t, call, first, pb.Execution_STATE_FAILED)
	retry := ok[*pb.GetExecutionResponse](t, call, &pb.GetExecutionRequest{ExecutionId: failed.GetSupersededBy()}).GetExecution()
	if retry.GetState() != pb.Execution_STATE_QUEUED || retry.GetTry() != 2 || retry.GetRetryOf() != first || retry.GetOriginId() != first ||
		retry.GetOrderingKey() != "A" || retry.GetLane() == "" || retry.GetWakeTime().AsTime().Before(time.Now().Add(30*time.Minute)) {
		t.Errorf("retry: %v", retry)
	}
	refused(t, call, &pb.ReplayExecutionRequest{ExecutionId: retry.GetId()}, codes.FailedPrecondition, "EXECUTION_RUNNING")
	canceled := ok[*pb.CancelExecutionResponse](t, call, &pb.CancelExecutionRequest{ExecutionId: retry.GetId(), RequestId: retry.GetId()}).GetExecution()
	if canceled.GetState() != pb.Execution_STATE_CANCELED {
		t.Errorf("canceled: %v", canceled)
	}
	await(t, call, second, pb.Execution_STATE_SUCCEEDED)
	refused(t, call, &pb.CancelExecutionRequest{ExecutionId: second}, codes.FailedPrecondition, "EXECUTION_ENDED")

	again := ok[*pb.ReplayExecutionResponse](t, call, &pb.ReplayExecutionRequest{ExecutionId: second, FromStep: "number", FreshKeys: true}).GetExecution()
	again = await(t, call, again.GetId(), pb.Execution_STATE_SUCCEEDED)
	if again.GetReplayOf() != second || again.GetOriginId() != again.GetId() || len(again.GetStepResults()) != 3 {
		t.Errorf("replay: %v", again)
	}
	refused(t, call, &pb.ReplayExecutionRequest{ExecutionId: second, FromStep: "nowhere"}, codes.InvalidArgument, "INVALID_ARGUMENT", "fromStep UNKNOWN_STEP")
	list := ok[*pb.ListExecutionsResponse](t, call, &pb.ListExecutionsRequest{Filter: `replay_of = "` + second + `" AND NOT superseded AND NOT blocking`})
	if len(list.GetExecutions()) != 1 || !proto.Equal(list.GetExecutions()[0].GetCreateTime(), again.GetCreateTime()) {
		t.Errorf("list: %v", list)
	}
	checkBulk(t, call, "i-"+name)
}

func checkBulk(t *testing.T, call face, instance string) {
	t.Helper()
	filter := `instance_id = "` + instance + `" AND state = "SUCCEEDED"`
	would := ok[*pb.ReplayExecutionsResponse](t, call, &pb.ReplayExecutionsRequest{Filter: filter, ValidateOnly: true})
	if would.GetCount() != 1 || would.GetMore() || len(would.GetExecutionIds()) > 0 {
		t.Errorf("would be replayed: %v", would)
	}
	done := ok[*pb.ReplayExecutionsResponse](t, call, &pb.ReplayExecutionsRequest{Filter: filter, FromFailed: true})
	if done.GetCount() != 1 || len(done.GetExecutionIds()) != 1 {
		t.Fatalf("replayed: %v", done)
	}
	await(t, call, done.GetExecutionIds()[0], pb.Execution_STATE_SUCCEEDED)
	refused(t, call, &pb.ReplayExecutionsRequest{Filter: `nothing = 1`}, codes.InvalidArgument, "INVALID_ARGUMENT", "filter MALFORMED")
	refused(t, call, &pb.ReplayExecutionsRequest{}, codes.InvalidArgument, "INVALID_ARGUMENT", "filter REQUIRED")
}
