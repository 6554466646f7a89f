package api_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// rehearsed is an integration with an action that there is not, and one that calls another system.
const rehearsed = `
id: r
displayName: Rehearsed
configVariables:
  - {displayName: Hub, type: TYPE_CONNECTION, connectionType: hubSpot.oauth2, required: true}
  - {displayName: Address, required: true}
  - {displayName: Token, secret: true, required: true}
flows:
  - displayName: Far
    steps:
      - {displayName: Make, action: hubSpot.createWebhook, inputs: {hub: {configVariable: Hub}, url: {reference: trigger.results.webhookUrls.Call}}}
  - displayName: Call
    steps:
      - displayName: Post
        action: http.httpPost
        inputs:
          url: {template: '{{#Address}}/things?key={{#Token}}'}
          data: {reference: trigger.results.body.data}
`

func cannedAction(action string, result any) *pb.CannedResult {
	v, err := structpb.NewValue(result)
	if err != nil {
		panic(err)
	}
	return &pb.CannedResult{Target: &pb.CannedResult_Action{Action: action}, Result: v}
}

func TestRehearsal(t *testing.T) {
	t.Parallel()
	const canary = "canary-in-a-test-52c8"
	eachFace(t, func(t *testing.T, call face) {
		far := newRemote(t)
		ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: rehearsed})

		failed := ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{IntegrationId: "r", FlowId: "far"}).GetExecution()
		if failed.GetState() != pb.Execution_STATE_FAILED || !strings.Contains(failed.GetError().GetMessage(), "hubSpot.createWebhook") {
			t.Errorf("without a result it came to %v", failed)
		}
		well := ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{
			IntegrationId: "r", FlowId: "far", StepResults: []*pb.CannedResult{cannedAction("hubSpot.createWebhook", map[string]any{"id": 1.5})},
		}).GetExecution()
		step := well.GetStepResults()[1]
		if well.GetResultJson() != `{"id":1.5}` || !step.GetStandIn() || well.GetStepResults()[0].GetStandIn() ||
			!strings.Contains(step.GetInputsJson(), `"hub":{"configVariable":"hub","type":"hubSpot.oauth2"},"url":"https://hooks.example.com/hooks/`) {
			t.Errorf("with a result it came to %v", well)
		}
		exact := ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{
			IntegrationId: "r", FlowId: "far",
			StepResults: []*pb.CannedResult{{Target: &pb.CannedResult_Step{Step: "make"}, ResultJson: `{"z":1.50,"a":12345678901234567890}`}},
		}).GetExecution()
		if exact.GetResultJson() != `{"z":1.50,"a":12345678901234567890}` {
			t.Errorf("an exact result came to %s", exact.GetResultJson())
		}
		other := ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{IntegrationId: "r", FlowId: "far", DefaultResult: structpb.NewNullValue()}).GetExecution()
		if other.GetState() != pb.Execution_STATE_SUCCEEDED || other.GetResultJson() != "null" {
			t.Errorf("a default result of null came to %v", other)
		}

		// What is recorded is without secrets, and answers again when the other system is gone.
		missing := refused(t, call, &pb.TestFlowRequest{IntegrationId: "r", FlowId: "call", Record: true}, codes.FailedPrecondition, "CONFIG_INCOMPLETE",
			"configValues.address REQUIRED", "configValues.token REQUIRED")
		if says := `the test instance of integration "r" cannot run`; !strings.Contains(missing.Message(), says) || !strings.HasSuffix(missing.Message(), ": set the fields named") {
			t.Errorf("it says %q", missing.Message())
		}
		ok[*pb.UpdateTestInstanceResponse](t, call, &pb.UpdateTestInstanceRequest{IntegrationId: "r", TestInstance: &pb.Instance{ConfigValues: map[string]*pb.ConfigValue{
			"Address": {Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue(far.url)}},
			"Token":   {Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue(canary)}},
		}}})
		payload := &pb.TestPayload{Body: &pb.TestPayload_Text{Text: "it is " + canary}, ContentType: "text/plain"}
		recorded := ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{IntegrationId: "r", FlowId: "call", Payload: payload, Record: true}).GetExchanges()
		if len(recorded) != 1 || strings.Contains(recorded[0].String(), canary) || recorded[0].GetStepPath() != "post" ||
			recorded[0].GetRequest().GetUrl() != far.url+"/things?key=[redacted]" || recorded[0].GetRequest().GetText() != "it is [redacted]" ||
			recorded[0].GetResponse().GetText() != `{"id":"wh-1"}` || recorded[0].GetResponse().GetHeaders()["Content-Type"] != "application/json" {
			t.Fatalf("recorded %v", recorded)
		}
		again := ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{IntegrationId: "r", FlowId: "call", Payload: payload, Exchanges: recorded, Record: true})
		if again.GetExecution().GetResultJson() != `{"id":"wh-1"}` || len(again.GetExchanges()) != 1 || far.created.Load() != 1 {
			t.Errorf("offline it came to %v after %d requests", again, far.created.Load())
		}
		alone := ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{IntegrationId: "r", FlowId: "call", Offline: true})
		if said := alone.GetExecution().GetError().GetMessage(); !strings.Contains(said, "offline") || strings.Contains(said, canary) || len(alone.GetExchanges()) > 0 {
			t.Errorf("without exchanges it came to %v", alone)
		}
		answer := structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"by": structpb.NewStringValue("hand")}})
		written := ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{IntegrationId: "r", FlowId: "call", Exchanges: []*pb.Exchange{{
			Request:  &pb.ExchangeRequest{Method: "post", Url: far.url + "/things?key=" + canary},
			Response: &pb.ExchangeResponse{Body: &pb.ExchangeResponse_Json{Json: answer}},
		}}})
		if written.GetExecution().GetResultJson() != `{"by":"hand"}` {
			t.Errorf("by hand it came to %v", written)
		}
	})
}

func TestRehearsalIsChecked(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: rehearsed})
		both := cannedAction("hubSpot.createWebhook", "x")
		both.ResultJson = "1"
		for _, validateOnly := range []bool{false, true} {
			refused(t, call, &pb.TestFlowRequest{
				IntegrationId: "r", FlowId: "far", StepResults: []*pb.CannedResult{both},
				Exchanges: []*pb.Exchange{{Request: &pb.ExchangeRequest{Url: "https://a.example"}, Response: &pb.ExchangeResponse{Status: 101}}}, ValidateOnly: validateOnly,
			}, codes.InvalidArgument, "INVALID_ARGUMENT", "stepResults[0].resultJson MISPLACED", "exchanges[0].response.status NOT_A_CHOICE")
			refused(t, call, &pb.TestFlowRequest{
				IntegrationId: "r", FlowId: "far", ValidateOnly: validateOnly,
				StepResults: []*pb.CannedResult{{}, cannedAction("http.httpPost", 1), {Target: &pb.CannedResult_Step{Step: "Mak"}, ResultJson: "{"}},
			}, codes.InvalidArgument, "INVALID_ARGUMENT",
				"stepResults[0].step REQUIRED", "stepResults[1].action UNKNOWN_ACTION", "stepResults[2].step UNKNOWN_STEP", "stepResults[2].result MALFORMED")
			refused(t, call, &pb.TestFlowRequest{IntegrationId: "r", FlowId: "far", Exchanges: []*pb.Exchange{{}}, ValidateOnly: validateOnly},
				codes.InvalidArgument, "INVALID_ARGUMENT", "exchanges[0].request REQUIRED")
		}
		// It cannot be published, and the error names what is unknown.
		refused(t, call, &pb.PublishIntegrationRequest{IntegrationId: "r"}, codes.FailedPrecondition, "DRAFT_HAS_PROBLEMS",
			"flows[0].steps[0].action UNKNOWN_COMPONENT", "configVariables[0].connectionType UNKNOWN_CONNECTION_TYPE")
	})
}
