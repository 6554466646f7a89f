package assembly_test

import (
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/internal/leaktest"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
	"github.com/headrace/headrace/server/assembly"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) { leaktest.Main(m) }

const calling = `
id: calling
displayName: Calling
flows:
  - displayName: Call
    steps:
      - displayName: Get
        action: http.httpGet
        inputs: {url: {value: 'https://example.com/'}}
`

func TestOffline(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	o, err := assembly.OpenOffline(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := client.Over(o.Conn())
	if _, err := c.Integrations.ImportIntegration(t.Context(), &headracev1.ImportIntegrationRequest{Definition: calling}); err != nil {
		t.Fatal(err)
	}
	res, err := c.TestFlow(t.Context(), "calling", "call", client.TestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if ex := res.GetExecution(); ex.GetState() != headracev1.Execution_STATE_FAILED || !strings.Contains(ex.GetError().GetMessage(), "offline") {
		t.Errorf("a request was made, or refused for another reason: %v", ex)
	}
	// The same interceptors: what the rules in the protos refuse is refused, with its reason.
	_, err = c.Flows.TestFlow(t.Context(), &headracev1.TestFlowRequest{IntegrationId: "calling"})
	if status.Code(err) != codes.InvalidArgument || client.ReasonOf(err) != "INVALID_ARGUMENT" {
		t.Errorf("a request without a flow is answered %v", err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// Where nothing can be made, nothing is left half made.
func TestOfflineWithoutADirectory(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere/at/all")
	if o, err := assembly.OpenOffline(t.Context(), nil); err == nil || o != nil {
		t.Errorf("opened %v: %v", o, err)
	}
}

// Those of one process begin alike, and share nothing.
func TestOfflinesAreApart(t *testing.T) {
	t.Parallel()
	for range 3 {
		o, err := assembly.OpenOffline(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		c := client.Over(o.Conn())
		res, err := c.Integrations.ListIntegrations(t.Context(), &headracev1.ListIntegrationsRequest{})
		if err != nil || len(res.GetIntegrations()) > 0 {
			t.Errorf("it begins with %v: %v", res, err)
		}
		if _, err := c.Integrations.ImportIntegration(t.Context(), &headracev1.ImportIntegrationRequest{Definition: calling}); err != nil {
			t.Error(err)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkOpenOffline(b *testing.B) {
	for b.Loop() {
		o, err := assembly.OpenOffline(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := o.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
