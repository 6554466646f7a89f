package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// A client that puts an id into a path without escaping it must not be led to another resource.
func TestPathsThatAreNotPlainLeadNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ok[*pb.CreateIntegrationResponse](t, w.overGRPC, &pb.CreateIntegrationRequest{Integration: &pb.Integration{Id: "kept", DisplayName: "Kept"}})
	for _, path := range []string{
		"/v1/integrations/kept/flows/..", "/v1/integrations/kept/flows/../", "/v1/integrations/./kept", "/v1//integrations/kept",
		"//v1/integrations/kept", "/v1/customers/../integrations/kept", "/v1",
	} {
		for _, verb := range []string{http.MethodDelete, http.MethodGet} {
			resp, text := w.do(t, verb, path, nil, nil)
			if info := infoOf(statusFrom(t, text)); resp.StatusCode != 404 || info.GetReason() != "NOT_FOUND" {
				t.Errorf("%s %s: %d %s", verb, path, resp.StatusCode, text)
			}
		}
	}
	ok[*pb.GetIntegrationResponse](t, w.overGRPC, &pb.GetIntegrationRequest{IntegrationId: "kept"})
}

func TestAnErrorAboutBrokenTextIsWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resp, text := w.do(t, http.MethodGet, "/v1/customers?%ff=1", nil, nil)
	st := statusFrom(t, text)
	if resp.StatusCode != 400 || infoOf(st).GetReason() != "INVALID_ARGUMENT" {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if diff := cmp.Diff([]string{"\uFFFD UNKNOWN_FIELD"}, fieldsOf(st)); diff != "" {
		t.Error(diff)
	}
}

func TestAnInstanceThatIsOnlyValidatedIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ok[*pb.CreateIntegrationResponse](t, w.overGRPC, &pb.CreateIntegrationRequest{Integration: &pb.Integration{Id: "i", DisplayName: "I"}})
	ok[*pb.PublishIntegrationResponse](t, w.overGRPC, &pb.PublishIntegrationRequest{IntegrationId: "i"})
	ok[*pb.CreateCustomerResponse](t, w.overGRPC, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "c", DisplayName: "C"}})
	create := &pb.CreateInstanceRequest{
		Instance:     &pb.Instance{Id: "n", DisplayName: "N", CustomerId: "c", IntegrationId: "i"},
		ValidateOnly: true,
	}
	shown := ok[*pb.CreateInstanceResponse](t, w.overGRPC, create).GetInstance()
	if shown.GetId() != "n" || len(shown.GetFlows()) != 1 || shown.GetFlows()[0].GetWebhookUrl() != "" {
		t.Errorf("shown: %v", shown)
	}

	// The same request is answered again, even if its instance has gone meanwhile.
	create.ValidateOnly, create.RequestId = false, "r-1"
	made := ok[*pb.CreateInstanceResponse](t, w.overGRPC, create).GetInstance()
	if url := made.GetFlows()[0].GetWebhookUrl(); !strings.Contains(url, "/hooks/") {
		t.Errorf("url %q", url)
	}
	ok[*pb.DeleteInstanceResponse](t, w.overGRPC, &pb.DeleteInstanceRequest{InstanceId: "n"})
	again := ok[*pb.CreateInstanceResponse](t, w.overGRPC, create).GetInstance()
	if again.GetUid() != made.GetUid() {
		t.Errorf("uid %q, want %q", again.GetUid(), made.GetUid())
	}
}

// A flow that changes other systems runs once for a request id, however often it is asked for at once, and a secret in its answer is not
// shown to who tests it nor kept.
func TestTheSameTestRunsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const canary = "canary-in-an-answer-81f3"
	input := &pb.Input{Kind: &pb.Input_ConfigVariable{ConfigVariable: "Token"}}
	ok[*pb.CreateIntegrationResponse](t, w.overGRPC, &pb.CreateIntegrationRequest{Integration: &pb.Integration{
		Id: "i", DisplayName: "I",
		ConfigVariables: []*pb.ConfigVariable{{DisplayName: "Token", Secret: true}},
		Flows: []*pb.Flow{{DisplayName: "Tell", Synchronous: true, Steps: []*pb.Step{{
			DisplayName: "Stop", Action: "stop-execution.stopExecution", Inputs: map[string]*pb.Input{"jsonBody": input},
		}}}},
	}})
	ok[*pb.UpdateTestInstanceResponse](t, w.overGRPC, &pb.UpdateTestInstanceRequest{IntegrationId: "i", TestInstance: &pb.Instance{
		ConfigValues: map[string]*pb.ConfigValue{"token": {Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue(canary)}}},
	}})
	const callers = 16
	answers := make(chan *pb.TestFlowResponse, callers)
	for range callers {
		go func() {
			resp, _ := w.overGRPC(t, &pb.TestFlowRequest{IntegrationId: "i", FlowId: "tell", RequestId: "once"})
			answer, _ := resp.(*pb.TestFlowResponse)
			answers <- answer
		}()
	}
	for range callers {
		answer := <-answers
		if body := answer.GetResponse().GetBody(); !strings.Contains(body, "[redacted]") {
			t.Errorf("answered %q", body)
		}
	}
	ran := ok[*pb.ListExecutionsResponse](t, w.overGRPC, &pb.ListExecutionsRequest{}).GetExecutions()
	if len(ran) != 1 {
		t.Errorf("%d executions", len(ran))
	}
	other := &pb.TestFlowRequest{IntegrationId: "i", FlowId: "tell", RequestId: "once", SavePayload: true}
	refused(t, w.overGRPC, other, codes.InvalidArgument, "REQUEST_ID_REUSED")
}

// Who sends no etag is not told that his etag is stale, however many others change the same thing.
func TestManyChangesAtOnceAllHappen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ok[*pb.CreateIntegrationResponse](t, w.overGRPC, &pb.CreateIntegrationRequest{Integration: &pb.Integration{Id: "i", DisplayName: "I"}})
	const callers = 40
	codesSeen := make(chan codes.Code, callers)
	for i := range callers {
		go func() {
			_, st := w.overGRPC(t, &pb.CreateConfigVariableRequest{
				IntegrationId: "i", ConfigVariable: &pb.ConfigVariable{DisplayName: fmt.Sprintf("V%d", i)},
			})
			codesSeen <- st.Code()
		}()
	}
	for range callers {
		if code := <-codesSeen; code != codes.OK {
			t.Errorf("code %v", code)
		}
	}
	in := ok[*pb.GetIntegrationResponse](t, w.overGRPC, &pb.GetIntegrationRequest{IntegrationId: "i"}).GetIntegration()
	if n := len(in.GetConfigVariables()); n != callers {
		t.Errorf("%d config variables", n)
	}
}

func TestNamesOfOneLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"a\nb", "a\x00b", "   ", "\x7f"} {
		reason := "MALFORMED"
		if strings.TrimSpace(name) == "" {
			reason = "REQUIRED"
		}
		refused(t, w.overGRPC, &pb.CreateCustomerRequest{Customer: &pb.Customer{DisplayName: name}},
			codes.InvalidArgument, "INVALID_ARGUMENT", "displayName "+reason)
		refused(t, w.overGRPC, &pb.CreateInstanceRequest{Instance: &pb.Instance{DisplayName: name}},
			codes.InvalidArgument, "INVALID_ARGUMENT", "displayName "+reason, "customerId REQUIRED", "integrationId REQUIRED")
	}
	refused(t, w.overGRPC, &pb.CreateCustomerRequest{Customer: &pb.Customer{DisplayName: "A", Labels: map[string]string{"a": "b\r\nc"}}},
		codes.InvalidArgument, "INVALID_ARGUMENT", "labels.a MALFORMED")
}

func TestEveryViolationHasAPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, test := range []struct{ verb, path, body, want string }{
		{http.MethodPost, "/v1/customers", `[]`, "body WRONG_TYPE"},
		{http.MethodPost, "/v1/customers", `null`, "body WRONG_TYPE"},
		{http.MethodGet, "/v1/customers?pageSize=1e3", ``, "pageSize WRONG_TYPE"},
		{http.MethodGet, "/v1/customers?pageSize=1.0", ``, "pageSize WRONG_TYPE"},
	} {
		resp, text := w.do(t, test.verb, test.path, []byte(test.body), nil)
		if diff := cmp.Diff([]string{test.want}, fieldsOf(statusFrom(t, text))); resp.StatusCode != 400 || diff != "" {
			t.Errorf("%s %s %s: %d %s", test.verb, test.path, test.body, resp.StatusCode, diff)
		}
	}
}

// A value has the same limit whether it is sent as it is or as a text that holds JSON.
func TestValuesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	big := func(n int) *structpb.Value { return structpb.NewStringValue(strings.Repeat("x", n)) }
	refused(t, w.overGRPC, &pb.CreateIntegrationRequest{Integration: &pb.Integration{
		DisplayName:     "I",
		ConfigVariables: []*pb.ConfigVariable{{DisplayName: "V", Default: &pb.ConfigVariable_DefaultValue{DefaultValue: big(256 << 10)}}},
		Flows: []*pb.Flow{{
			DisplayName: "F", TestPayload: &pb.TestPayload{Body: &pb.TestPayload_Json{Json: big(1 << 20)}},
			Steps: []*pb.Step{{DisplayName: "S", Action: "log.writeLog", Inputs: map[string]*pb.Input{"message": {Kind: &pb.Input_Value{Value: big(1 << 20)}}}}},
		}},
	}}, codes.InvalidArgument, "INVALID_ARGUMENT", "flows[0].steps[0].inputs.message.value TOO_LARGE", "flows[0].testPayload.json TOO_LARGE",
		"configVariables[0].defaultValue TOO_LARGE")
}

func TestBelowARangeIsNotTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused(t, w.overGRPC, &pb.ListCustomersRequest{PageSize: -1}, codes.InvalidArgument, "INVALID_ARGUMENT", "pageSize MALFORMED")
	refused(t, w.overGRPC, &pb.RotateWebhookTokenRequest{InstanceId: "a", Overlap: durationpb.New(-1)},
		codes.InvalidArgument, "INVALID_ARGUMENT", "overlap MALFORMED")
	refused(t, w.overGRPC, &pb.GetCustomerRequest{CustomerId: strings.Repeat("x", 101)}, codes.InvalidArgument, "INVALID_ARGUMENT", "customerId TOO_LARGE")
}

// An answer does not send back all that was sent.
func TestErrorsAreShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("1", 1<<20)
	for name, body := range map[string]string{
		"a number":   `{"displayName":` + long + `}`,
		"a float":    `{"displayName":"A","labels":{"a":` + long + `}}`,
		"a key":      `{"displayName":"A","labels":{"` + long + `":3}}`,
		"a field":    `{"` + long + `":3}`,
		"a text":     `{"displayName":"` + long + `"}`,
		"an id":      `{"displayName":"A","id":"` + long + `"}`,
		"an escaped": `{"displayName":"A","labels":{"` + strings.Repeat(`\u00e9`, 1<<17) + `":3}}`,
	} {
		resp, text := w.do(t, http.MethodPost, "/v1/customers", []byte(body), nil)
		if resp.StatusCode != 400 || len(text) > 20_000 || len(fieldsOf(statusFrom(t, text))) == 0 {
			t.Errorf("%s: %d, %d bytes", name, resp.StatusCode, len(text))
		}
	}
	st := refused(t, w.overGRPC, &pb.CreateCustomerRequest{Customer: &pb.Customer{DisplayName: "A", Labels: map[string]string{long: ""}}},
		codes.InvalidArgument, "INVALID_ARGUMENT", "labels."+long[:1000-len("labels.")]+"… TOO_LARGE")
	if len(st.Message()) > 5000 {
		t.Errorf("a message of %d bytes", len(st.Message()))
	}
}
