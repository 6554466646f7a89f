package api_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

const keyed = `
id: keyed
displayName: Keyed
flows:
  - displayName: Required
    security: SECURITY_CUSTOMER_REQUIRED
  - displayName: Shared
    security: SECURITY_ORGANIZATION
`

// TestFlowKeys creates, lists and deletes keys of an instance's flow, of a test instance's and of an integration's.
func TestFlowKeys(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: keyed})
		ok[*pb.PublishIntegrationResponse](t, call, &pb.PublishIntegrationRequest{IntegrationId: "keyed"})
		ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "c", DisplayName: "C"}})
		ok[*pb.CreateInstanceResponse](t, call, &pb.CreateInstanceRequest{Instance: &pb.Instance{
			Id: "one", DisplayName: "One", CustomerId: "c", IntegrationId: "keyed",
		}})
		plan := ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: "one", ValidateOnly: true}).GetPlan()
		if got := strings.Join(plan.GetLockedFlowIds(), " "); got != "required shared" {
			t.Errorf("locked: %s", got)
		}
		create := &pb.CreateFlowKeyRequest{InstanceId: "one", FlowId: "required", FlowKey: &pb.FlowKey{DisplayName: "The ERP"}, RequestId: "r-1"}
		made := ok[*pb.CreateFlowKeyResponse](t, call, create).GetFlowKey()
		if made.GetId() != "the-erp" || len(made.GetKey()) != 36 || !strings.HasSuffix(made.GetKey(), made.GetLastFour()) || made.GetInstanceId() != "one" ||
			made.GetFlowId() != "required" || made.GetCreateTime() == nil {
			t.Errorf("made: %v", made)
		}
		if again := ok[*pb.CreateFlowKeyResponse](t, call, create).GetFlowKey(); again.GetKey() != made.GetKey() {
			t.Errorf("the same request made another key: %v", again)
		}
		const brought = "a-key-of-the-caller"
		ok[*pb.CreateFlowKeyResponse](t, call, &pb.CreateFlowKeyRequest{InstanceId: "one", FlowId: "required", FlowKey: &pb.FlowKey{Id: "brought", Key: brought}})
		refused(t, call, &pb.CreateFlowKeyRequest{InstanceId: "one", FlowId: "required", FlowKey: &pb.FlowKey{Key: brought}}, codes.AlreadyExists, "ALREADY_EXISTS")
		refused(t, call, &pb.CreateFlowKeyRequest{InstanceId: "one", FlowId: "required", FlowKey: &pb.FlowKey{Id: "Not An Id", Key: strings.Repeat("x", 300)}},
			codes.InvalidArgument, "INVALID_ARGUMENT", "id MALFORMED", "key TOO_LARGE")
		refused(t, call, &pb.CreateFlowKeyRequest{InstanceId: "one", FlowId: "required", FlowKey: &pb.FlowKey{Key: "short"}},
			codes.InvalidArgument, "INVALID_ARGUMENT", "key MALFORMED")
		refused(t, call, &pb.CreateFlowKeyRequest{InstanceId: "one", FlowId: "none", FlowKey: &pb.FlowKey{DisplayName: "X"}}, codes.NotFound, "NOT_FOUND")
		refused(t, call, &pb.ListFlowKeysRequest{InstanceId: "one", IntegrationId: "keyed", FlowId: "required"},
			codes.InvalidArgument, "INVALID_ARGUMENT", "integrationId MISPLACED")

		shared := ok[*pb.CreateFlowKeyResponse](t, call, &pb.CreateFlowKeyRequest{IntegrationId: "keyed", FlowId: "shared", FlowKey: &pb.FlowKey{DisplayName: "All"}}).GetFlowKey()
		ok[*pb.CreateFlowKeyResponse](t, call, &pb.CreateFlowKeyRequest{InstanceId: "keyed--test", FlowId: "required", FlowKey: &pb.FlowKey{}})

		list := ok[*pb.ListFlowKeysResponse](t, call, &pb.ListFlowKeysRequest{InstanceId: "one", FlowId: "required", PageSize: 1})
		if keys := list.GetFlowKeys(); len(keys) != 1 || keys[0].GetId() != "the-erp" || keys[0].GetKey() != "" || keys[0].GetLastFour() != made.GetLastFour() || list.GetNextPageToken() == "" {
			t.Errorf("listed: %v", list)
		}
		whole := ok[*pb.ListFlowKeysResponse](t, call, &pb.ListFlowKeysRequest{
			InstanceId: "one", FlowId: "required", View: pb.View_VIEW_FULL, Filter: `id = "brought"`,
		}).GetFlowKeys()
		if len(whole) != 1 || whole[0].GetKey() != brought || whole[0].GetDisplayName() != "brought" {
			t.Errorf("listed in full: %v", whole)
		}
		if got := ok[*pb.GetFlowKeyResponse](t, call, &pb.GetFlowKeyRequest{IntegrationId: "keyed", FlowId: "shared", FlowKeyId: "all"}).GetFlowKey(); got.GetKey() != "" || got.GetIntegrationId() != "keyed" {
			t.Errorf("got: %v", got)
		}
		if got := ok[*pb.GetFlowKeyResponse](t, call, &pb.GetFlowKeyRequest{IntegrationId: "keyed", FlowId: "shared", FlowKeyId: "all", View: pb.View_VIEW_FULL}).GetFlowKey(); got.GetKey() != shared.GetKey() {
			t.Errorf("got in full: %v", got)
		}
		refused(t, call, &pb.GetFlowKeyRequest{IntegrationId: "keyed", FlowId: "required", FlowKeyId: "all"}, codes.NotFound, "NOT_FOUND")

		in := ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: "one"}).GetInstance()
		if f := in.GetFlows()[0]; f.GetSecurity() != pb.Flow_SECURITY_CUSTOMER_REQUIRED || f.GetKeyCount() != 2 || f.GetLocked() {
			t.Errorf("the flow is %v", f)
		}
		ok[*pb.DeleteFlowKeyResponse](t, call, &pb.DeleteFlowKeyRequest{IntegrationId: "keyed", FlowId: "shared", FlowKeyId: "all"})
		refused(t, call, &pb.DeleteFlowKeyRequest{IntegrationId: "keyed", FlowId: "shared", FlowKeyId: "all"}, codes.NotFound, "NOT_FOUND")
		if f := ok[*pb.GetInstanceResponse](t, call, &pb.GetInstanceRequest{InstanceId: "one"}).GetInstance().GetFlows()[1]; !f.GetLocked() || f.GetKeyCount() != 0 {
			t.Errorf("the flow without keys is %v", f)
		}
		// No key is in what is exported.
		text := ok[*pb.ExportIntegrationResponse](t, call, &pb.ExportIntegrationRequest{IntegrationId: "keyed"}).GetDefinition()
		if slices.ContainsFunc([]string{brought, made.GetKey(), shared.GetKey()}, func(key string) bool { return strings.Contains(text, key) }) {
			t.Errorf("a key is exported: %s", text)
		}
	})
}

// TestAKeyNeedsAnOwner is about gRPC alone: the paths of REST always name one.
func TestAKeyNeedsAnOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused(t, w.overGRPC, &pb.ListFlowKeysRequest{FlowId: "required"}, codes.InvalidArgument, "INVALID_ARGUMENT", "instanceId REQUIRED")
}

const crossroads = `
id: crossroads
displayName: Crossroads
endpoint:
  type: TYPE_SHARED
  flowName: {reference: payload.headers.x-flow}
  customerId: {reference: payload.headers.x-account}
flows:
  - displayName: Sync Orders
`

// TestEndpointsAreShownAndRotated over both faces: the URL that all instances share, and the one that the flows of one do.
func TestEndpointsAreShownAndRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, call := range map[string]face{"grpc": w.overGRPC, "rest": w.overREST} {
		t.Run(name, func(t *testing.T) {
			id := "crossroads-" + name
			ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: strings.Replace(crossroads, "id: crossroads", "id: "+id, 1)})
			ok[*pb.PublishIntegrationResponse](t, call, &pb.PublishIntegrationRequest{IntegrationId: id})
			ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "c-" + name, DisplayName: "C", ExternalId: "acct-" + name}})
			ok[*pb.CreateInstanceResponse](t, call, &pb.CreateInstanceRequest{Instance: &pb.Instance{
				Id: "one-" + name, DisplayName: "One", CustomerId: "c-" + name, IntegrationId: id,
			}})
			refused(t, call, &pb.RotateEndpointTokenRequest{IntegrationId: id}, codes.NotFound, "NOT_FOUND")
			in := ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: "one-" + name}).GetInstance()
			shared := ok[*pb.GetIntegrationResponse](t, call, &pb.GetIntegrationRequest{IntegrationId: id}).GetIntegration().GetEndpointUrl()
			if shared == "" || in.GetEndpointUrl() != shared {
				t.Errorf("the instance shows %q, the integration %q", in.GetEndpointUrl(), shared)
			}
			key := ok[*pb.CreateFlowKeyResponse](t, call, &pb.CreateFlowKeyRequest{
				InstanceId: "one-" + name, FlowId: "sync-orders", FlowKey: &pb.FlowKey{Id: "the-erp"},
			}).GetFlowKey().GetKey()
			reply, err := w.plane.ReceiveWebhook(t.Context(), shared[strings.LastIndexByte(shared, '/')+1:], ipaas.Payload{
				Method: "POST", Headers: []ipaas.NamedText{{Name: "X-Flow", Text: "Sync Orders"}, {Name: "X-Account", Text: "acct-" + name}, {Name: "Api-Key", Text: key}},
			}, control.Preferences{})
			must(t, err)
			if ex := await(t, call, reply.ExecutionID, pb.Execution_STATE_SUCCEEDED); !ex.GetEndpoint() || ex.GetInstanceId() != "one-"+name || ex.GetPreprocessedBy() != "" || ex.GetFlowKeyId() != "the-erp" {
				t.Errorf("the execution is %v", ex)
			}
			integration := ok[*pb.RotateEndpointTokenResponse](t, call, &pb.RotateEndpointTokenRequest{IntegrationId: id}).GetIntegration()
			if got := integration.GetEndpointUrl(); got == shared || got == "" {
				t.Errorf("rotated from %q to %q", shared, got)
			}
			refused(t, call, &pb.RotateEndpointTokenRequest{IntegrationId: id, Etag: "nonsense"}, codes.Aborted, "STALE_ETAG")
			refused(t, call, &pb.RotateWebhookTokenRequest{InstanceId: "one-" + name, Endpoint: true}, codes.NotFound, "NOT_FOUND")
			refused(t, call, &pb.RotateWebhookTokenRequest{InstanceId: "one-" + name, Endpoint: true, FlowId: "sync-orders"},
				codes.InvalidArgument, "INVALID_ARGUMENT", "flowId MISPLACED")
			before := in.GetFlows()[0].GetWebhookUrl()
			after := ok[*pb.RotateWebhookTokenResponse](t, call, &pb.RotateWebhookTokenRequest{InstanceId: "one-" + name}).GetInstance()
			if after.GetFlows()[0].GetWebhookUrl() == before || after.GetEndpointUrl() != integration.GetEndpointUrl() {
				t.Errorf("after rotating all of the instance: %v", after)
			}
		})
	}
}
