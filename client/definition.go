package client

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// ApplyComponent makes a declarative component what it says: it creates the component, or gives the one with its id a new
// version. Fields that are not set are emptied.
func (c *Client) ApplyComponent(ctx context.Context, component *headracev1.Component) (*headracev1.Component, error) {
	if component.GetId() == "" {
		return nil, errors.New("component has no id: applying needs one to find the component by")
	}
	res, err := c.Components.UpdateComponent(ctx, &headracev1.UpdateComponentRequest{
		ComponentId:  component.GetId(),
		Component:    component,
		UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"*"}},
		AllowMissing: true,
	})
	return res.GetComponent(), err
}

// ImportIntegration creates an integration from a definition in YAML or JSON, or replaces its whole draft. An empty id leaves it to
// the definition to name the integration. The answer's integration lists the problems that keep the draft from running.
func (c *Client) ImportIntegration(ctx context.Context, id, definition string) (*headracev1.ImportIntegrationResponse, error) {
	return c.Integrations.ImportIntegration(ctx, &headracev1.ImportIntegrationRequest{IntegrationId: id, Definition: definition})
}

// TestOptions are what a test of a flow may be told.
type TestOptions struct {
	// Payload is what the flow's trigger gets. Nil: the payload saved with the flow.
	Payload *headracev1.TestPayload
	// Save keeps the payload as the flow's own.
	Save bool
	// RequestID joins a test that runs, or has run, under the same id. Empty: a new one.
	RequestID string
	// ValidateOnly checks whether the test could run, and runs nothing.
	ValidateOnly bool
	// StepResults stand in for what actions do, and DefaultResult for unknown actions that have no other.
	StepResults   []*headracev1.CannedResult
	DefaultResult *structpb.Value
	// Exchanges are what requests to other systems are answered from. With some, or with Offline, no request leaves.
	Exchanges []*headracev1.Exchange
	Offline   bool
	// Record has the requests that were made returned.
	Record bool
}

// TestFlow runs one flow of an integration's draft on its test instance and returns the finished execution. A flow that fails is no
// error here: the execution's state tells.
func (c *Client) TestFlow(ctx context.Context, integrationID, flowID string, opts TestOptions) (*headracev1.TestFlowResponse, error) {
	return c.Flows.TestFlow(ctx, &headracev1.TestFlowRequest{
		IntegrationId: integrationID,
		FlowId:        flowID,
		Payload:       opts.Payload,
		SavePayload:   opts.Save,
		RequestId:     opts.RequestID,
		ValidateOnly:  opts.ValidateOnly,
		StepResults:   opts.StepResults,
		DefaultResult: opts.DefaultResult,
		Exchanges:     opts.Exchanges,
		Offline:       opts.Offline,
		Record:        opts.Record,
	})
}
