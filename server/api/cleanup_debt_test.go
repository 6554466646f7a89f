package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// remote is a system in which deployments register webhooks.
type remote struct {
	url     string
	created atomic.Int64
	deleted atomic.Int64
	stuck   atomic.Bool // it refuses to delete
	broken  atomic.Bool // it refuses to create
}

func newRemote(t *testing.T) *remote {
	t.Helper()
	r := &remote{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.Method == http.MethodPost && !r.broken.Load():
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"id":"wh-%d"}`, r.created.Add(1)) // the caller may have gone
		case req.Method == http.MethodDelete && !r.stuck.Load():
			r.deleted.Add(1)
			w.WriteHeader(http.StatusNoContent)
		default:
			http.Error(w, "not now", http.StatusConflict)
		}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// registrar is an integration whose deployment registers one webhook in a remote system, for a topic of the config.
func (r *remote) registrar(t *testing.T, call face) {
	t.Helper()
	connection := &pb.InputField{Key: "connection", DisplayName: "Connection", Type: pb.InputField_TYPE_CONNECTION, ConnectionTypes: []string{"api"}, Required: true}
	ok[*pb.CreateComponentResponse](t, call, &pb.CreateComponentRequest{Component: &pb.Component{
		Id: "remote", DisplayName: "Remote",
		ConnectionTypes: []*pb.ConnectionType{{Key: "api", DisplayName: "API", Inputs: []*pb.InputField{{Key: "baseUrl", DisplayName: "Base URL", Required: true}}}},
		Actions: []*pb.Action{
			{
				Key: "create", DisplayName: "Create", Effect: pb.Action_EFFECT_WRITE,
				Inputs:  []*pb.InputField{connection, {Key: "topic", DisplayName: "Topic", Required: true}},
				Request: &pb.HttpRequest{Method: "POST", Url: "{{$connection.baseUrl}}/hooks", Body: structpb.NewStringValue("{{$inputs.topic}}")},
				Undo:    &pb.Undo{Action: "delete", Inputs: map[string]string{"id": "{{$result.id}}"}},
			},
			{
				Key: "delete", DisplayName: "Delete", Effect: pb.Action_EFFECT_WRITE,
				Inputs:  []*pb.InputField{connection, {Key: "id", DisplayName: "Id", Required: true}},
				Request: &pb.HttpRequest{Method: "DELETE", Url: "{{$connection.baseUrl}}/hooks/{{$inputs.id}}"},
			},
		},
	}})
	r.publish(t, call)
}

// publish makes a version of the integration.
func (r *remote) publish(t *testing.T, call face, extra ...string) {
	t.Helper()
	ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: `
id: registrar
displayName: Registrar
flows:
  - displayName: Events
    trigger: {type: webhook-triggers.webhook}
    steps: [{displayName: Write, action: log.writeLog, inputs: {message: {value: hello}}}]
  - displayName: Initialize
    trigger: {type: management-triggers.instanceDeploy}
    steps:
      - displayName: Register
        action: remote.create
        inputs:
          connection: {configVariable: Remote}
          topic: {configVariable: Topic}
configVariables:
  - {displayName: Remote, type: TYPE_CONNECTION, connectionType: remote.api, required: true}
  - {displayName: Topic, type: TYPE_STRING, required: true}
` + strings.Join(extra, "\n")})
	ok[*pb.PublishIntegrationResponse](t, call, &pb.PublishIntegrationRequest{IntegrationId: "registrar"})
}

// instance creates an instance that can be deployed.
func (r *remote) instance(t *testing.T, call face, id string) {
	t.Helper()
	ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "of-" + id, DisplayName: "Customer of " + id}})
	ok[*pb.CreateInstanceResponse](t, call, &pb.CreateInstanceRequest{Instance: &pb.Instance{
		Id: id, DisplayName: id, CustomerId: "of-" + id, IntegrationId: "registrar",
		ConfigValues: map[string]*pb.ConfigValue{"remote": {Kind: &pb.ConfigValue_Json{Json: `{"baseUrl":"` + r.url + `"}`}}, "topic": textValue("first")},
	}})
}

func (r *remote) topic(t *testing.T, call face, id, topic string) {
	t.Helper()
	ok[*pb.UpdateInstanceResponse](t, call, &pb.UpdateInstanceRequest{
		InstanceId: id, Instance: &pb.Instance{ConfigValues: map[string]*pb.ConfigValue{"topic": textValue(topic)}},
	})
}

func textValue(s string) *pb.ConfigValue {
	return &pb.ConfigValue{Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue(s)}}
}

// TestCleanupDebts tells the life of two debts over both faces.
func TestCleanupDebts(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		r := newRemote(t)
		r.registrar(t, call)
		for _, id := range []string{"first", "second"} {
			r.instance(t, call, id)
			ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: id})
		}
		r.stuck.Store(true)
		for _, id := range []string{"first", "second"} {
			gone := ok[*pb.DeleteInstanceResponse](t, call, &pb.DeleteInstanceRequest{InstanceId: id})
			if len(gone.GetRemainingRegistrations()) != 1 {
				t.Errorf("remaining: %v", gone)
			}
		}
		list := ok[*pb.ListCleanupDebtsResponse](t, call, &pb.ListCleanupDebtsRequest{Filter: `customer_id = "of-first" AND reason = "REMOVE_FAILED"`})
		if len(list.GetCleanupDebts()) != 1 {
			t.Fatalf("debts: %v", list)
		}
		debt := list.GetCleanupDebts()[0]
		if debt.GetState() != pb.CleanupDebt_STATE_OWED || debt.GetRemoteId() != "wh-1" || !debt.GetInstanceDeleted() || debt.GetInstanceId() != "first" ||
			debt.GetTries() != 1 || debt.GetNextTryTime() == nil || debt.GetEtag() == "" || debt.GetAction() != "remote.create" || debt.GetFlowId() != "initialize" {
			t.Errorf("debt: %v", debt)
		}
		got := ok[*pb.GetCleanupDebtResponse](t, call, &pb.GetCleanupDebtRequest{CleanupDebtId: debt.GetId()}).GetCleanupDebt()
		if got.GetEtag() != debt.GetEtag() {
			t.Errorf("got %v, listed %v", got, debt)
		}
		still := ok[*pb.RetryCleanupDebtResponse](t, call, &pb.RetryCleanupDebtRequest{CleanupDebtId: debt.GetId(), Etag: debt.GetEtag()})
		if still.GetRemoved() || still.GetCleanupDebt().GetTries() != 2 || still.GetCleanupDebt().GetError() == "" {
			t.Errorf("refused: %v", still)
		}
		refused(t, call, &pb.RetryCleanupDebtRequest{CleanupDebtId: debt.GetId(), Etag: debt.GetEtag()}, codes.Aborted, "STALE_ETAG")
		r.stuck.Store(false)
		settled := ok[*pb.RetryCleanupDebtResponse](t, call, &pb.RetryCleanupDebtRequest{CleanupDebtId: debt.GetId(), RequestId: "r"})
		if !settled.GetRemoved() || settled.GetCleanupDebt().GetState() != pb.CleanupDebt_STATE_SETTLED || r.deleted.Load() != 1 {
			t.Errorf("settled: %v", settled)
		}
		ok[*pb.RetryCleanupDebtResponse](t, call, &pb.RetryCleanupDebtRequest{CleanupDebtId: debt.GetId(), RequestId: "r"})
		refused(t, call, &pb.GetCleanupDebtRequest{CleanupDebtId: debt.GetId()}, codes.NotFound, "NOT_FOUND")
		forgive(t, call)
	})
}

func forgive(t *testing.T, call face) {
	t.Helper()
	list := ok[*pb.ListCleanupDebtsResponse](t, call, &pb.ListCleanupDebtsRequest{OrderBy: "next_try_time desc"})
	if len(list.GetCleanupDebts()) != 1 {
		t.Fatalf("debts: %v", list)
	}
	id := list.GetCleanupDebts()[0].GetId()
	ok[*pb.ForgiveCleanupDebtResponse](t, call, &pb.ForgiveCleanupDebtRequest{CleanupDebtId: id, ValidateOnly: true})
	forgiven := ok[*pb.ForgiveCleanupDebtResponse](t, call, &pb.ForgiveCleanupDebtRequest{CleanupDebtId: id, Comment: "by hand"}).GetCleanupDebt()
	if forgiven.GetState() != pb.CleanupDebt_STATE_FORGIVEN || forgiven.GetComment() != "by hand" || forgiven.GetForgiveTime() == nil || forgiven.GetNextTryTime() != nil {
		t.Errorf("forgiven: %v", forgiven)
	}
	if list := ok[*pb.ListCleanupDebtsResponse](t, call, &pb.ListCleanupDebtsRequest{}); len(list.GetCleanupDebts()) != 0 {
		t.Errorf("still listed: %v", list)
	}
	if list := ok[*pb.ListCleanupDebtsResponse](t, call, &pb.ListCleanupDebtsRequest{ShowForgiven: true}); len(list.GetCleanupDebts()) != 1 {
		t.Errorf("forgiven ones: %v", list)
	}
	refused(t, call, &pb.ForgiveCleanupDebtRequest{CleanupDebtId: "nothing"}, codes.NotFound, "NOT_FOUND")
}
