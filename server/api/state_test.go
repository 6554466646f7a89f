package api_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// keeping is an integration whose one flow keeps things, fails, and tries.
const keeping = `
id: keeping
displayName: Keeping
flows:
  - displayName: Keep
    trigger: {type: webhook-triggers.webhook}
    steps:
      - {displayName: Count, action: persist-data.incrementInstanceValue, inputs: {keyInput: {value: "n"}}}
      - {displayName: Save, action: persist-data.saveCrossFlowValue, inputs: {keyInput: {value: last}, valueInput: {reference: trigger.results.body.data}}}
      - {displayName: All, action: persist-data.addIntegrationValueToSet, inputs: {keyInput: {value: all}, valueInput: {value: x}}}
      - displayName: Wrong
        action: persist-data.incrementCrossFlowValue
        inputs: {keyInput: {value: last}}
        onError: {effect: EFFECT_IGNORE}
      - displayName: Again
        action: http.httpGet
        inputs: {url: {value: "ftp://nowhere"}}
        onError: {effect: EFFECT_RETRY, maxAttempts: 2, ignoreFinal: true}
      - {displayName: Say, action: log.writeLog, inputs: {message: {template: "{{$wrong.error}}"}}}
`

// TestState tells over both faces how what flows keep is looked at and mended, and how ignored failures and tries are shown.
func TestState(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: keeping})
		const of = "keeping--test"
		run := func() *pb.Execution {
			return ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{
				IntegrationId: "keeping", FlowId: "keep", Payload: &pb.TestPayload{Body: &pb.TestPayload_Text{Text: `{"id":1.50}`}, ContentType: "application/json"},
			}).GetExecution()
		}
		ex := run()
		if ex.GetState() != pb.Execution_STATE_SUCCEEDED {
			t.Fatalf("it ended %v", ex.GetError())
		}
		steps := map[string]*pb.StepResult{}
		for _, s := range ok[*pb.ListStepResultsResponse](t, call, &pb.ListStepResultsRequest{ExecutionId: ex.GetId()}).GetStepResults() {
			steps[s.GetStepId()] = s
		}
		if s := steps["wrong"]; s.GetState() != pb.StepResult_STATE_FAILED || !s.GetIgnored() || s.GetTries() != 1 || !strings.Contains(s.GetError(), "cannot be counted up") {
			t.Errorf("the ignored step: %v", s)
		}
		if s := steps["again"]; s.GetState() != pb.StepResult_STATE_FAILED || !s.GetIgnored() || s.GetTries() != 3 {
			t.Errorf("the step that was tried again: %v", s)
		}
		if s := steps["count"]; s.GetIgnored() || s.GetTries() != 1 || s.GetResultJson() != "1" {
			t.Errorf("the step that went well: %v", s)
		}

		list := ok[*pb.ListStateEntriesResponse](t, call, &pb.ListStateEntriesRequest{InstanceId: of, PageSize: 2})
		rest := ok[*pb.ListStateEntriesResponse](t, call, &pb.ListStateEntriesRequest{InstanceId: of, PageSize: 2, PageToken: list.GetNextPageToken()})
		var all []string
		for _, e := range append(list.GetStateEntries(), rest.GetStateEntries()...) {
			all = append(all, fmt.Sprint(e.GetKey(), " ", e.GetScope(), " ", e.GetFlowId(), " ", e.GetSize(), " ", e.GetValueJson()))
			if e.GetExecutionId() != ex.GetId() || e.GetEtag() == "" || e.GetInstanceId() != of || e.GetUpdateTime() == nil {
				t.Errorf("entry: %v", e)
			}
		}
		if got, want := strings.Join(all, "; "), "all SCOPE_INTEGRATION  5 ; last SCOPE_INSTANCE  11 ; n SCOPE_FLOW keep 1 "; got != want {
			t.Errorf("listed: %s, want %s", got, want)
		}
		flows := ok[*pb.ListStateEntriesResponse](t, call, &pb.ListStateEntriesRequest{InstanceId: of, Filter: `scope = "FLOW"`}).GetStateEntries()
		if len(flows) != 1 {
			t.Fatalf("of scope FLOW: %v", flows)
		}
		last := list.GetStateEntries()[1]
		got := ok[*pb.GetStateEntryResponse](t, call, &pb.GetStateEntryRequest{InstanceId: of, StateEntryId: last.GetId()}).GetStateEntry()
		if got.GetValueJson() != `{"id":1.50}` || got.GetValue().GetStructValue().GetFields()["id"].GetNumberValue() != 1.5 || got.GetEtag() != last.GetEtag() || got.GetRedacted() {
			t.Errorf("got: %v", got)
		}
		mend(t, call, of, flows[0])
		if s := run(); s.GetStepResults()[1].GetResultJson() != "42" {
			t.Errorf("the flow counts on to %v", s.GetStepResults()[1])
		}
		clearing := &pb.ClearStateRequest{InstanceId: of, Scope: pb.StateEntry_SCOPE_FLOW, FlowId: "keep", ValidateOnly: true}
		ok[*pb.ClearStateResponse](t, call, clearing)
		clearing.ValidateOnly, clearing.RequestId = false, "r"
		ok[*pb.ClearStateResponse](t, call, clearing)
		ok[*pb.ClearStateResponse](t, call, clearing)
		refused(t, call, &pb.GetStateEntryRequest{InstanceId: of, StateEntryId: flows[0].GetId()}, codes.NotFound, "NOT_FOUND")
		ok[*pb.DeleteStateEntryResponse](t, call, &pb.DeleteStateEntryRequest{InstanceId: of, StateEntryId: last.GetId(), ValidateOnly: true})
		refused(t, call, &pb.DeleteStateEntryRequest{InstanceId: of, StateEntryId: last.GetId(), Etag: last.GetEtag()}, codes.Aborted, "STALE_ETAG")
		remove := &pb.DeleteStateEntryRequest{InstanceId: of, StateEntryId: last.GetId(), RequestId: "r"}
		ok[*pb.DeleteStateEntryResponse](t, call, remove)
		ok[*pb.DeleteStateEntryResponse](t, call, remove)
		remove.RequestId = ""
		refused(t, call, remove, codes.NotFound, "NOT_FOUND")
		if left := ok[*pb.ListStateEntriesResponse](t, call, &pb.ListStateEntriesRequest{InstanceId: of}).GetStateEntries(); len(left) != 1 {
			t.Errorf("left: %v", left)
		}
	})
}

// mend sets the count of a flow.
func mend(t *testing.T, call face, of string, entry *pb.StateEntry) {
	t.Helper()
	set := func() *pb.SetStateEntryRequest {
		return &pb.SetStateEntryRequest{
			InstanceId: of, Scope: pb.StateEntry_SCOPE_FLOW, FlowId: "keep", Key: "n", Kind: &pb.SetStateEntryRequest_ValueJson{ValueJson: `41`},
		}
	}
	checked := set()
	checked.ValidateOnly = true
	if would := ok[*pb.SetStateEntryResponse](t, call, checked).GetStateEntry(); would.GetValueJson() != "41" || would.GetId() != entry.GetId() {
		t.Errorf("it would be %v", would)
	}
	first := set()
	first.Etag, first.RequestId = entry.GetEtag(), "r"
	done := ok[*pb.SetStateEntryResponse](t, call, first).GetStateEntry()
	if done.GetValueJson() != "41" || done.GetId() != entry.GetId() || done.GetExecutionId() != "" || done.GetEtag() == entry.GetEtag() {
		t.Errorf("set: %v", done)
	}
	ok[*pb.SetStateEntryResponse](t, call, first) // answered before
	stale := set()
	stale.Etag = entry.GetEtag()
	refused(t, call, stale, codes.Aborted, "STALE_ETAG")
	typed := set()
	typed.Key, typed.Scope, typed.FlowId = "new", pb.StateEntry_SCOPE_INSTANCE, ""
	typed.Kind = &pb.SetStateEntryRequest_Value{Value: structpb.NewStringValue("x")}
	fresh := ok[*pb.SetStateEntryResponse](t, call, typed).GetStateEntry()
	typed.Etag = entry.GetEtag() // another key's
	refused(t, call, typed, codes.Aborted, "STALE_ETAG")
	ok[*pb.DeleteStateEntryResponse](t, call, &pb.DeleteStateEntryRequest{InstanceId: of, StateEntryId: fresh.GetId(), Etag: fresh.GetEtag()})

	for name, tt := range map[string]struct {
		violation string
		change    func(*pb.SetStateEntryRequest)
	}{
		"no scope":        {"scope MALFORMED", func(r *pb.SetStateEntryRequest) { r.Scope = 0 }},
		"an execution's":  {"scope MALFORMED", func(r *pb.SetStateEntryRequest) { r.Scope, r.FlowId = pb.StateEntry_SCOPE_EXECUTION, "" }},
		"no flow":         {"flowId REQUIRED", func(r *pb.SetStateEntryRequest) { r.FlowId = "" }},
		"a flow too many": {"flowId MISPLACED", func(r *pb.SetStateEntryRequest) { r.Scope = pb.StateEntry_SCOPE_INSTANCE }},
		"no key":          {"key REQUIRED", func(r *pb.SetStateEntryRequest) { r.Key = "" }},
		"a long key":      {"key TOO_LARGE", func(r *pb.SetStateEntryRequest) { r.Key = strings.Repeat("ä", 513) }},
		"no value":        {"value REQUIRED", func(r *pb.SetStateEntryRequest) { r.Kind = nil }},
		"what is no JSON": {"valueJson MALFORMED", func(r *pb.SetStateEntryRequest) { r.Kind = &pb.SetStateEntryRequest_ValueJson{ValueJson: "{"} }},
		"a large value": {"value TOO_LARGE", func(r *pb.SetStateEntryRequest) {
			r.Kind = &pb.SetStateEntryRequest_ValueJson{ValueJson: `"` + strings.Repeat("x", 1<<20) + `"`}
		}},
		"one that is deep": {"valueJson TOO_DEEP", func(r *pb.SetStateEntryRequest) {
			r.Kind = &pb.SetStateEntryRequest_ValueJson{ValueJson: strings.Repeat("[", 1000) + strings.Repeat("]", 1000)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := set()
			tt.change(wrong)
			refused(t, call, wrong, codes.InvalidArgument, "INVALID_ARGUMENT", tt.violation)
		})
	}
	unknown := set()
	unknown.FlowId = "nothing"
	refused(t, call, unknown, codes.NotFound, "NOT_FOUND")
	unknown = set()
	unknown.InstanceId = "nothing"
	refused(t, call, unknown, codes.NotFound, "NOT_FOUND")
	refused(t, call, &pb.ListStateEntriesRequest{InstanceId: "nothing"}, codes.NotFound, "NOT_FOUND")
	refused(t, call, &pb.GetStateEntryRequest{InstanceId: of, StateEntryId: "ste-nothing"}, codes.NotFound, "NOT_FOUND")
	refused(t, call, &pb.ClearStateRequest{InstanceId: of, Scope: pb.StateEntry_SCOPE_FLOW}, codes.InvalidArgument, "INVALID_ARGUMENT", "flowId REQUIRED")
}
