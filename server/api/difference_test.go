package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

const diffedYAML = `
id: shop
displayName: Shop
configVariables:
  - displayName: Base URL
    required: true
flows:
  - displayName: Orders
    steps:
      - displayName: Note
        action: log.writeLog
        inputs: {message: {value: hello}}
  - displayName: Returns
`

const diffedLaterYAML = `
displayName: Shop
configVariables:
  - displayName: Base URL
    required: true
  - displayName: Account
    required: true
flows:
  - displayName: Orders
    synchronous: true
    steps:
      - displayName: Note
        action: log.writeLog
        inputs: {message: {template: "hello {{#Account}}"}}
      - displayName: More
        action: log.writeLog
        inputs: {message: {value: more}}
`

// TestDiffIntegrationVersions compares versions, the draft and an uploaded definition over both faces.
func TestDiffIntegrationVersions(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: diffedYAML})
		ask := func(from, to *pb.DiffSide) *pb.DiffIntegrationVersionsResponse {
			t.Helper()
			return ok[*pb.DiffIntegrationVersionsResponse](t, call, &pb.DiffIntegrationVersionsRequest{IntegrationId: "shop", From: from, To: to})
		}
		if got := ask(nil, nil); len(got.GetDifferences()) != 0 {
			t.Errorf("an integration that was never published differs from itself: %v", got)
		}
		ok[*pb.PublishIntegrationResponse](t, call, &pb.PublishIntegrationRequest{IntegrationId: "shop"})
		ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "smith", DisplayName: "Smith"}})
		ok[*pb.CreateInstanceResponse](t, call, &pb.CreateInstanceRequest{Instance: &pb.Instance{
			Id: "smith-shop", DisplayName: "Smith's shop", CustomerId: "smith", IntegrationId: "shop",
			ConfigValues: map[string]*pb.ConfigValue{"Base URL": textValue("https://shop.example.com")},
		}})

		uploaded := &pb.DiffSide{Side: &pb.DiffSide_Definition{Definition: diffedLaterYAML}}
		version := &pb.DiffSide{Side: &pb.DiffSide_Version{Version: 1}}
		draft := &pb.DiffSide{Side: &pb.DiffSide_Draft{Draft: true}}
		want := &pb.DiffIntegrationVersionsResponse{
			Differences: []*pb.Difference{
				{
					Kind: pb.Difference_KIND_CHANGED, Element: pb.Difference_ELEMENT_FLOW, FlowId: "orders", Id: "orders", DisplayName: "Orders", Path: "flows[0]",
					Fields: []*pb.FieldDifference{{Field: "synchronous", After: "true"}},
				},
				{
					Kind: pb.Difference_KIND_CHANGED, Element: pb.Difference_ELEMENT_STEP, FlowId: "orders", Id: "note", DisplayName: "Note", Path: "flows[0].steps[0]",
					Fields: []*pb.FieldDifference{{Field: "inputs.message", Before: `"hello"`, After: "template hello {{#Account}}"}},
				},
				{Kind: pb.Difference_KIND_ADDED, Element: pb.Difference_ELEMENT_STEP, FlowId: "orders", Id: "more", DisplayName: "More", Path: "flows[0].steps[1]"},
				{Kind: pb.Difference_KIND_REMOVED, Element: pb.Difference_ELEMENT_FLOW, FlowId: "returns", Id: "returns", DisplayName: "Returns", Path: "flows[1]"},
				{Kind: pb.Difference_KIND_ADDED, Element: pb.Difference_ELEMENT_CONFIG_VARIABLE, Id: "account", DisplayName: "Account", Path: "configVariables[1]"},
			},
			IncompleteInstances: []*pb.IncompleteInstance{{
				InstanceId: "smith-shop", CustomerId: "smith",
				Problems: []*pb.ConfigProblem{{Field: "configValues.account", Reason: "REQUIRED", Description: `"Account" has no value, and it is required`}},
			}},
		}
		for name, got := range map[string]*pb.DiffIntegrationVersionsResponse{
			"version to uploaded": ask(version, uploaded), "newest version to uploaded": ask(nil, uploaded), "draft to uploaded": ask(draft, uploaded),
		} {
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{IntegrationId: "shop", Definition: diffedLaterYAML})
		if diff := cmp.Diff(want, ask(nil, nil), protocmp.Transform()); diff != "" {
			t.Errorf("what an import brings is what was foretold (-want +got):\n%s", diff)
		}
		if back := ask(uploaded, version); len(back.GetDifferences()) != len(want.GetDifferences()) || len(back.GetIncompleteInstances()) != 0 {
			t.Errorf("the way back: %v", back)
		}

		refused(t, call, &pb.DiffIntegrationVersionsRequest{IntegrationId: "nothing"}, codes.NotFound, "NOT_FOUND")
		refused(t, call, &pb.DiffIntegrationVersionsRequest{IntegrationId: "shop", From: &pb.DiffSide{Side: &pb.DiffSide_Version{Version: 9}}}, codes.NotFound, "NOT_FOUND")
		refused(t, call, &pb.DiffIntegrationVersionsRequest{IntegrationId: "shop", To: &pb.DiffSide{}}, codes.InvalidArgument, "INVALID_ARGUMENT", "to REQUIRED")
		refused(t, call, &pb.DiffIntegrationVersionsRequest{
			IntegrationId: "shop", To: &pb.DiffSide{Side: &pb.DiffSide_Definition{Definition: "displayName: Shop\nflow: []\n"}},
		}, codes.InvalidArgument, "INVALID_ARGUMENT", "to.flow UNKNOWN_FIELD")
	})
}
