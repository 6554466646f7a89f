//go:build faults

package faults_test

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// relay is an integration whose flow sends each event on to the sink.
const relay = `
id: relay
displayName: Relay
configVariables:
  - {displayName: URL, required: true}
flows:
  - displayName: Relay
    steps:
      - displayName: Send
        action: http.httpPost
        inputs:
          url: {configVariable: URL}
          data: {reference: trigger.results.body.data}
`

// deduplicated is the relay with a key by which an event that comes twice is known.
const deduplicated = relay + `
    deduplicationKey: {reference: trigger.results.headers.X-Event-Id}
`

// deployRelay deploys an instance of the relay for a customer, and returns its webhook URL. It may be called again for another one.
func (s *server) deployRelay(t *testing.T, customer, to string) string {
	t.Helper()
	return s.deployRelayAs(t, relay, customer, to)
}

func (s *server) deployRelayAs(t *testing.T, definition, customer, to string) string {
	t.Helper()
	s.createRelay(t, definition, customer, to)
	res, err := s.api.Deploy(within(t, time.Minute), customer, client.DeployOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s.hook(t, res.GetInstance(), 0)
}

// hook returns the URL of a flow of an instance.
func (s *server) hook(t *testing.T, in *headracev1.Instance, flow int) string {
	t.Helper()
	hook, err := url.Parse(in.GetFlows()[flow].GetWebhookUrl())
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + s.httpAddr + hook.Path
}

// createRelay creates an instance for a customer of its own, of an integration with the id relay.
func (s *server) createRelay(t *testing.T, definition, customer, to string) {
	t.Helper()
	ctx := within(t, time.Minute)
	if _, err := s.api.Integrations.GetIntegration(ctx, &headracev1.GetIntegrationRequest{IntegrationId: "relay"}); err != nil {
		if _, err := s.api.ImportIntegration(ctx, "", definition); err != nil {
			t.Fatal(err)
		}
		if _, err := s.api.Integrations.PublishIntegration(ctx, &headracev1.PublishIntegrationRequest{IntegrationId: "relay"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.api.Customers.CreateCustomer(ctx, &headracev1.CreateCustomerRequest{Customer: &headracev1.Customer{Id: customer, DisplayName: customer}}); err != nil {
		t.Fatal(err)
	}
	_, err := s.api.Instances.CreateInstance(ctx, &headracev1.CreateInstanceRequest{Instance: &headracev1.Instance{
		Id: customer, DisplayName: customer, CustomerId: customer, IntegrationId: "relay", ConfigValues: map[string]*headracev1.ConfigValue{"url": text(to)},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func text(s string) *headracev1.ConfigValue {
	return &headracev1.ConfigValue{Kind: &headracev1.ConfigValue_Json{Json: strconv.Quote(s)}}
}

// settled waits until no execution waits or runs.
func (s *server) settled(t *testing.T, patience time.Duration) {
	t.Helper()
	until(t, patience, "the last execution to end", func() bool {
		res, err := s.api.Executions.ListExecutions(within(t, 10*time.Second), &headracev1.ListExecutionsRequest{
			PageSize: 1, Filter: `state = "QUEUED" OR state = "RUNNING"`,
		})
		if err != nil {
			t.Fatal(err)
		}
		return len(res.GetExecutions()) == 0
	})
}

// mustSucceed fails the test for executions that ended otherwise: nothing here gives a flow a reason to fail.
func (s *server) mustSucceed(t *testing.T) {
	t.Helper()
	shown := 0
	for ex, err := range s.api.AllExecutions(within(t, time.Minute), &headracev1.ListExecutionsRequest{
		PageSize: 100, Filter: `state != "SUCCEEDED"`,
	}) {
		if err != nil {
			t.Fatal(err)
		}
		if shown++; shown <= 10 {
			t.Errorf("execution %s ended %s: %v", ex.GetId(), ex.GetState(), ex.GetError())
		}
	}
}

// executionIDs lists every execution the server knows.
func (s *server) executionIDs(t *testing.T) (ids []string) {
	t.Helper()
	for ex, err := range s.api.AllExecutions(within(t, 5*time.Minute), &headracev1.ListExecutionsRequest{PageSize: 1000}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, ex.GetId())
	}
	return ids
}
