package client

import (
	"context"
	"errors"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// listing is the request for one page of a list.
type listing interface {
	proto.Message
	GetPageToken() string
}

// listed is one page of a list.
type listed interface {
	GetNextPageToken() string
}

// pages walks over all items of a list, asking for a page when the one before is used up. It begins at the request's page token
// and ends after an error. It can be walked over again: that asks anew.
func pages[Req listing, Resp listed, Item any](
	ctx context.Context, req Req, list func(context.Context, Req, ...grpc.CallOption) (Resp, error), items func(Resp) []Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var none Item
		next := req
		if !req.ProtoReflect().IsValid() { // nil asks for everything
			next, _ = req.ProtoReflect().New().Interface().(Req)
		}
		for {
			page, err := list(ctx, next)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items(page) {
				if !yield(item, nil) {
					return
				}
			}
			token := page.GetNextPageToken()
			if token == "" {
				return
			}
			if token == next.GetPageToken() {
				yield(none, errors.New("the server answered a page that asks for itself as the next one"))
				return
			}
			next = withText(next, "page_token", token)
		}
	}
}

// AllComponents walks over the components a request asks for; nil asks for all.
func (c *Client) AllComponents(ctx context.Context, req *headracev1.ListComponentsRequest) iter.Seq2[*headracev1.Component, error] {
	return pages(ctx, req, c.Components.ListComponents, (*headracev1.ListComponentsResponse).GetComponents)
}

// AllIntegrations walks over the integrations a request asks for; nil asks for all.
func (c *Client) AllIntegrations(ctx context.Context, req *headracev1.ListIntegrationsRequest) iter.Seq2[*headracev1.Integration, error] {
	return pages(ctx, req, c.Integrations.ListIntegrations, (*headracev1.ListIntegrationsResponse).GetIntegrations)
}

// AllFlows walks over the flows of an integration's draft.
func (c *Client) AllFlows(ctx context.Context, req *headracev1.ListFlowsRequest) iter.Seq2[*headracev1.Flow, error] {
	return pages(ctx, req, c.Flows.ListFlows, (*headracev1.ListFlowsResponse).GetFlows)
}

// AllConfigVariables walks over the config variables of an integration's draft.
func (c *Client) AllConfigVariables(
	ctx context.Context, req *headracev1.ListConfigVariablesRequest,
) iter.Seq2[*headracev1.ConfigVariable, error] {
	return pages(ctx, req, c.ConfigVariables.ListConfigVariables, (*headracev1.ListConfigVariablesResponse).GetConfigVariables)
}

// AllVersions walks over the published versions of an integration.
func (c *Client) AllVersions(
	ctx context.Context, req *headracev1.ListIntegrationVersionsRequest,
) iter.Seq2[*headracev1.IntegrationVersion, error] {
	return pages(ctx, req, c.Versions.ListIntegrationVersions, (*headracev1.ListIntegrationVersionsResponse).GetIntegrationVersions)
}

// AllCustomers walks over the customers a request asks for; nil asks for all.
func (c *Client) AllCustomers(ctx context.Context, req *headracev1.ListCustomersRequest) iter.Seq2[*headracev1.Customer, error] {
	return pages(ctx, req, c.Customers.ListCustomers, (*headracev1.ListCustomersResponse).GetCustomers)
}

// AllInstances walks over the instances a request asks for; nil asks for all.
func (c *Client) AllInstances(ctx context.Context, req *headracev1.ListInstancesRequest) iter.Seq2[*headracev1.Instance, error] {
	return pages(ctx, req, c.Instances.ListInstances, (*headracev1.ListInstancesResponse).GetInstances)
}

// AllFlowKeys walks over the keys of a flow of an instance or of an integration.
func (c *Client) AllFlowKeys(ctx context.Context, req *headracev1.ListFlowKeysRequest) iter.Seq2[*headracev1.FlowKey, error] {
	return pages(ctx, req, c.FlowKeys.ListFlowKeys, (*headracev1.ListFlowKeysResponse).GetFlowKeys)
}

// AllDeployments walks over the deployments of an instance.
func (c *Client) AllDeployments(ctx context.Context, req *headracev1.ListDeploymentsRequest) iter.Seq2[*headracev1.Deployment, error] {
	return pages(ctx, req, c.Deployments.ListDeployments, (*headracev1.ListDeploymentsResponse).GetDeployments)
}

// AllCleanupDebts walks over the debts a request asks for; nil asks for all that are owed.
func (c *Client) AllCleanupDebts(ctx context.Context, req *headracev1.ListCleanupDebtsRequest) iter.Seq2[*headracev1.CleanupDebt, error] {
	return pages(ctx, req, c.CleanupDebts.ListCleanupDebts, (*headracev1.ListCleanupDebtsResponse).GetCleanupDebts)
}

// AllStateEntries walks over what the flows of an instance keep.
func (c *Client) AllStateEntries(ctx context.Context, req *headracev1.ListStateEntriesRequest) iter.Seq2[*headracev1.StateEntry, error] {
	return pages(ctx, req, c.State.ListStateEntries, (*headracev1.ListStateEntriesResponse).GetStateEntries)
}

// AllUpgrades walks over the upgrades a request asks for; nil asks for all.
func (c *Client) AllUpgrades(ctx context.Context, req *headracev1.ListUpgradesRequest) iter.Seq2[*headracev1.Upgrade, error] {
	return pages(ctx, req, c.Upgrades.ListUpgrades, (*headracev1.ListUpgradesResponse).GetUpgrades)
}

// AllUpgradeResults walks over what became of the instances of an upgrade.
func (c *Client) AllUpgradeResults(
	ctx context.Context, req *headracev1.ListUpgradeResultsRequest,
) iter.Seq2[*headracev1.UpgradeResult, error] {
	return pages(ctx, req, c.Upgrades.ListUpgradeResults, (*headracev1.ListUpgradeResultsResponse).GetUpgradeResults)
}

// AllExecutions walks over the executions a request asks for; nil asks for all.
func (c *Client) AllExecutions(ctx context.Context, req *headracev1.ListExecutionsRequest) iter.Seq2[*headracev1.Execution, error] {
	return pages(ctx, req, c.Executions.ListExecutions, (*headracev1.ListExecutionsResponse).GetExecutions)
}

// AllStepResults walks over the step results of an execution in the order the steps began.
func (c *Client) AllStepResults(ctx context.Context, req *headracev1.ListStepResultsRequest) iter.Seq2[*headracev1.StepResult, error] {
	return pages(ctx, req, c.Executions.ListStepResults, (*headracev1.ListStepResultsResponse).GetStepResults)
}

// AllLogs walks over the log lines of an execution.
func (c *Client) AllLogs(ctx context.Context, req *headracev1.ListLogsRequest) iter.Seq2[*headracev1.Log, error] {
	return pages(ctx, req, c.Executions.ListLogs, (*headracev1.ListLogsResponse).GetLogs)
}
