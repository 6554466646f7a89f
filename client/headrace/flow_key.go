package main

import (
	"context"
	"strings"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// flowKeyCmd holds the commands about the keys of flows.
type flowKeyCmd struct {
	Create flowKeyCreateCmd `cmd:"" help:"Add a key to a flow, and print it."`
	List   flowKeyListCmd   `cmd:"" help:"List the keys of a flow."`
	Delete flowKeyDeleteCmd `cmd:"" help:"Delete a key: its holders are refused from then on."`
}

// flowFlags say whose flow is meant.
type flowFlags struct {
	Flow        string `arg:"" help:"The flow, by id or display name."`
	Instance    string `help:"The instance whose flow it is; a test instance is INTEGRATION--test." placeholder:"ID" xor:"owner" required:""`
	Integration string `help:"The integration whose flow it is, in all instances." placeholder:"ID" xor:"owner" required:""`
}

// flowID finds the flow by the name people see.
func (f flowFlags) flowID(ctx context.Context, a *app) (string, error) {
	if f.Integration != "" || idPattern.MatchString(f.Flow) {
		return a.flowID(ctx, f.Integration, f.Flow)
	}
	integration, test := strings.CutSuffix(f.Instance, "--test")
	if test {
		return a.flowID(ctx, integration, f.Flow)
	}
	res, err := a.client.Instances.GetInstance(ctx, &headracev1.GetInstanceRequest{InstanceId: f.Instance, View: headracev1.View_VIEW_BASIC})
	if err != nil {
		return "", err
	}
	var known []string
	for _, flow := range res.GetInstance().GetFlows() {
		if flow.GetDisplayName() == f.Flow {
			return flow.GetFlowId(), nil
		}
		known = append(known, flow.GetFlowId())
	}
	return "", usage("instance %s has no flow %q: it has %s", f.Instance, f.Flow, strings.Join(known, ", "))
}

type flowKeyCreateCmd struct {
	flowFlags
	ID      string `help:"The key's id. Default: made from the name." placeholder:"ID"`
	Name    string `help:"The name people see, such as who has the key. Default: the id." placeholder:"NAME"`
	KeyFile string `help:"File with the key, - reads the input. Default: one is made." placeholder:"FILE"`
	DryRun  bool   `help:"Check everything and change nothing."`
}

// Run carries out the command.
func (c *flowKeyCreateCmd) Run(ctx context.Context, a *app) error {
	key := &headracev1.FlowKey{Id: c.ID, DisplayName: c.Name}
	if c.KeyFile != "" {
		text, err := a.readFile(c.KeyFile)
		if err != nil {
			return err
		}
		key.Key = strings.TrimRight(string(text), "\r\n")
	}
	flowID, err := c.flowID(ctx, a)
	if err != nil {
		return err
	}
	res, err := a.client.FlowKeys.CreateFlowKey(ctx, &headracev1.CreateFlowKeyRequest{
		InstanceId: c.Instance, IntegrationId: c.Integration, FlowId: flowID, FlowKey: key, ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res.GetFlowKey(), func() {
		a.did("flow key", res.GetFlowKey().GetId(), "created", c.DryRun)
		if !c.DryRun && c.KeyFile == "" {
			a.line("  %s", a.the(clean(res.GetFlowKey().GetKey()), cyan))
		}
	})
}

type flowKeyListCmd struct {
	flowFlags
	Show bool `help:"Print the keys themselves, too."`
	listFlags
}

// Run carries out the command.
func (c *flowKeyListCmd) Run(ctx context.Context, a *app) error {
	flowID, err := c.flowID(ctx, a)
	if err != nil {
		return err
	}
	view := headracev1.View_VIEW_BASIC
	if c.Show {
		view = headracev1.View_VIEW_FULL
	}
	found, err := take(a.client.AllFlowKeys(ctx, &headracev1.ListFlowKeysRequest{
		InstanceId: c.Instance, IntegrationId: c.Integration, FlowId: flowID, PageSize: c.pageSize(), Filter: c.Filter, OrderBy: c.OrderBy, View: view,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListFlowKeysResponse{FlowKeys: found}, func() { a.flowKeys(found) })
}

func (p *printer) flowKeys(all []*headracev1.FlowKey) {
	var rows [][]cell
	for _, k := range all {
		key := cell{k.GetKey(), cyan}
		if key.text == "" {
			key = cell{"…" + k.GetLastFour(), dim}
		}
		rows = append(rows, []cell{text(k.GetId()), text(k.GetDisplayName()), key, p.ago(k.GetCreateTime())})
	}
	p.list("no flow keys", []string{"ID", "NAME", "KEY", "CREATED"}, rows)
}

type flowKeyDeleteCmd struct {
	flowFlags
	ID     []string `arg:"" help:"The keys' ids."`
	DryRun bool     `help:"Check everything and change nothing."`
}

// Run carries out the command.
func (c *flowKeyDeleteCmd) Run(ctx context.Context, a *app) error {
	flowID, err := c.flowID(ctx, a)
	if err != nil {
		return err
	}
	for _, id := range c.ID {
		res, err := a.client.FlowKeys.DeleteFlowKey(ctx, &headracev1.DeleteFlowKeyRequest{
			InstanceId: c.Instance, IntegrationId: c.Integration, FlowId: flowID, FlowKeyId: id, ValidateOnly: c.DryRun,
		})
		if err != nil {
			return err
		}
		if err := a.show(res, func() { a.did("flow key", id, "deleted", c.DryRun) }); err != nil {
			return err
		}
	}
	return nil
}
