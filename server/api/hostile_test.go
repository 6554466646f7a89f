package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// A client that puts an id into a path without escaping it must not be led to another resource.
func TestPathsThatAreNotPlainLeadNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ok[*pb.CreateIntegrationResponse](t, w.overGRPC, &pb.CreateIntegrationRequest{Integration: &pb.Integration{Id: "kept", DisplayName: "Kept"}})
	for _, path := range []string{
		"/v1/integrations/kept/flows/..", "/v1/integrations/kept/flows/../", "/v1/integrations/./kept", "/v1//integrations/kept",
		"//v1/integrations/kept", "/v1/customers/../integrations/kept",
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
