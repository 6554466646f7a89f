//go:build faults

package faults_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/examples/acme-erp/fake"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// erp is a customer's Acme ERP, in which deployments register webhooks.
type erp struct {
	*fake.ERP

	server   *httptest.Server
	key, url string // url may be that of what stands between
}

func newERP(t *testing.T) *erp {
	t.Helper()
	e := &erp{key: rand.Text()}
	e.ERP = fake.NewERP(e.key)
	e.server = httptest.NewServer(e.ERP)
	e.url = e.server.URL
	t.Cleanup(func() {
		e.Close()
		e.server.Close()
	})
	return e
}

// creates counts the webhooks that were ever created.
func (e *erp) creates() (n int) {
	for _, entry := range e.Ledger() {
		if entry.Op == fake.Create {
			n++
		}
	}
	return n
}

// describeAcme brings the tutorial's component and integration to the server, and publishes a version. Without lookup the component
// cannot find again what it created.
func (s *server) describeAcme(t *testing.T, lookup bool) {
	t.Helper()
	ctx := within(t, time.Minute)
	var fields map[string]any
	if err := yaml.Unmarshal(example(t, "component.yaml"), &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "kind")
	definition, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	var component headracev1.Component
	if err := protojson.Unmarshal(definition, &component); err != nil {
		t.Fatal(err)
	}
	for _, action := range component.GetActions() {
		if !lookup {
			action.Find, action.Update = nil, nil
		}
	}
	if _, err := s.api.ApplyComponent(ctx, &component); err != nil {
		t.Fatal(err)
	}
	if _, err := s.api.ImportIntegration(ctx, "", string(example(t, "integration.yaml"))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.api.Integrations.PublishIntegration(ctx, &headracev1.PublishIntegrationRequest{IntegrationId: "acme-erp"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.api.Customers.CreateCustomer(ctx, &headracev1.CreateCustomerRequest{Customer: &headracev1.Customer{Id: "smith", DisplayName: "Smith"}}); err != nil {
		t.Fatal(err)
	}
}

func example(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "acme-erp", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// createAcme creates an instance of the tutorial's integration, complete and not deployed.
func (s *server) createAcme(t *testing.T, id string, e *erp) {
	t.Helper()
	_, err := s.api.Instances.CreateInstance(within(t, time.Minute), &headracev1.CreateInstanceRequest{Instance: &headracev1.Instance{
		Id: id, DisplayName: id, CustomerId: "smith", IntegrationId: "acme-erp", ConfigValues: acmeValues(t, e),
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func acmeValues(t *testing.T, e *erp) map[string]*headracev1.ConfigValue {
	t.Helper()
	connection, err := structpb.NewValue(map[string]any{"baseUrl": e.url, "apiKey": e.key})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*headracev1.ConfigValue{
		"acme-erp-connection": {Kind: &headracev1.ConfigValue_Value{Value: connection}},
		"progix-url":          text("http://127.0.0.1:1"), "progix-token": text("unused"),
	}
}

func (s *server) instance(t *testing.T, id string) *headracev1.Instance {
	t.Helper()
	res, err := s.api.Instances.GetInstance(within(t, time.Minute), &headracev1.GetInstanceRequest{InstanceId: id})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetInstance()
}

func (s *server) deploy(t *testing.T, id string) *headracev1.Instance {
	t.Helper()
	res, err := s.api.Deploy(within(t, 2*time.Minute), id, client.DeployOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetInstance()
}
