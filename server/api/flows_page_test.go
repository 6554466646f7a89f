package api_test

import (
	"os"
	"strings"
	"testing"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// TestFlowsPage publishes the definition of the page about flows as it stands there.
func TestFlowsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/flows.md")
	must(t, err)
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	definition, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatal("the page has no definition")
	}
	call := newWorld(t).overGRPC
	in := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: definition}).GetIntegration()
	for _, p := range in.GetProblems() {
		t.Errorf("%s: %s", p.GetField(), p.GetDescription())
	}
	ok[*pb.PublishIntegrationResponse](t, call, &pb.PublishIntegrationRequest{IntegrationId: in.GetId()})
}
