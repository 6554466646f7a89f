package main

import (
	"context"
	"encoding/json"
	"strings"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// stateCmd holds the commands about what flows keep beyond their executions.
type stateCmd struct {
	List   stateListCmd   `cmd:"" default:"withargs" help:"List the keys that the flows of an instance keep."`
	Get    stateGetCmd    `cmd:"" help:"Show one key with its value."`
	Set    stateSetCmd    `cmd:"" help:"Set a key to a value."`
	Delete stateDeleteCmd `cmd:"" help:"Remove keys."`
	Clear  stateClearCmd  `cmd:"" help:"Remove every key of a scope."`
}

type stateListCmd struct {
	Instance string `arg:"" help:"The instance's id."`
	Scope    string `help:"Only those of this scope: flow, instance or integration." placeholder:"SCOPE" enum:",flow,instance,integration" default:""`
	Flow     string `help:"Only those of this flow." placeholder:"ID"`
	listFlags
}

// Run carries out the command.
func (c *stateListCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllStateEntries(ctx, &headracev1.ListStateEntriesRequest{
		InstanceId: c.Instance, PageSize: c.pageSize(), OrderBy: c.OrderBy,
		Filter: allOf(equals("scope", strings.ToUpper(c.Scope)), equals("flow_id", c.Flow), c.Filter),
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListStateEntriesResponse{StateEntries: found}, func() { a.stateEntries(found) })
}

func (p *printer) stateEntries(all []*headracev1.StateEntry) {
	var rows [][]cell
	for _, e := range all {
		rows = append(rows, []cell{
			text(e.GetId()), stateScope(e), {e.GetKey(), cyan}, number(e.GetSize()), text(moment(e.GetUpdateTime())), text(e.GetExecutionId()),
		})
	}
	p.list("nothing is kept", []string{"ID", "SCOPE", "KEY", "BYTES", "CHANGED", "BY"}, rows)
}

func stateScope(e *headracev1.StateEntry) cell {
	scope := word(e.GetScope(), "SCOPE_")
	if e.GetFlowId() != "" {
		scope += " " + e.GetFlowId()
	}
	return text(scope)
}

type stateGetCmd struct {
	Instance string `arg:"" help:"The instance's id."`
	ID       string `arg:"" help:"The entry's id, as the list shows it."`
}

// Run carries out the command.
func (c *stateGetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.State.GetStateEntry(ctx, &headracev1.GetStateEntryRequest{InstanceId: c.Instance, StateEntryId: c.ID})
	if err != nil {
		return err
	}
	return a.show(res.GetStateEntry(), func() { a.stateEntry(res.GetStateEntry()) })
}

func (p *printer) stateEntry(e *headracev1.StateEntry) {
	p.line("%s  %s", p.the(clean(e.GetKey()), bold), p.the(stateScope(e).text, dim))
	p.fields(
		text("id"), text(e.GetId()), text("bytes"), number(e.GetSize()), text("set"), text(moment(e.GetCreateTime())),
		text("changed"), text(moment(e.GetUpdateTime())), text("by"), text(e.GetExecutionId()),
	)
	p.line("%s", clean(e.GetValueJson()))
}

type stateSetCmd struct {
	Instance string `arg:"" help:"The instance's id."`
	Key      string `arg:"" help:"The key."`
	Value    string `arg:"" help:"The value: a text, or with --json any JSON."`
	Scope    string `help:"The scope: ${enum}." enum:"flow,instance,integration" default:"instance"`
	Flow     string `help:"The flow, for the scope flow." placeholder:"ID"`
	JSON     bool   `name:"json" help:"The value is JSON."`
	DryRun   bool   `help:"Only check whether it could be set."`
}

// Run carries out the command.
func (c *stateSetCmd) Run(ctx context.Context, a *app) error {
	value := c.Value
	if !c.JSON {
		quoted, err := json.Marshal(c.Value)
		if err != nil {
			return err
		}
		value = string(quoted)
	}
	res, err := a.client.State.SetStateEntry(ctx, &headracev1.SetStateEntryRequest{
		InstanceId: c.Instance, Scope: scopeOf(c.Scope), FlowId: c.Flow, Key: c.Key,
		Kind: &headracev1.SetStateEntryRequest_ValueJson{ValueJson: value}, ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res.GetStateEntry(), func() { a.did("state entry", c.Key, "set", c.DryRun) })
}

func scopeOf(name string) headracev1.StateEntry_Scope {
	return headracev1.StateEntry_Scope(headracev1.StateEntry_Scope_value["SCOPE_"+strings.ToUpper(name)])
}

type stateDeleteCmd struct {
	Instance string   `arg:"" help:"The instance's id."`
	ID       []string `arg:"" help:"The entries' ids, as the list shows them."`
	DryRun   bool     `help:"Only check whether they could be removed."`
}

// Run carries out the command.
func (c *stateDeleteCmd) Run(ctx context.Context, a *app) error {
	for _, id := range c.ID {
		res, err := a.client.State.DeleteStateEntry(ctx, &headracev1.DeleteStateEntryRequest{InstanceId: c.Instance, StateEntryId: id, ValidateOnly: c.DryRun})
		if err != nil {
			return err
		}
		if err := a.show(res, func() { a.did("state entry", id, "deleted", c.DryRun) }); err != nil {
			return err
		}
	}
	return nil
}

type stateClearCmd struct {
	Instance string `arg:"" help:"The instance's id."`
	Scope    string `help:"The scope: ${enum}. Integration is what all instances share." enum:"flow,instance,integration" required:""`
	Flow     string `help:"The flow, for the scope flow." placeholder:"ID"`
	DryRun   bool   `help:"Only check whether it could be cleared."`
}

// Run carries out the command.
func (c *stateClearCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.State.ClearState(ctx, &headracev1.ClearStateRequest{
		InstanceId: c.Instance, Scope: scopeOf(c.Scope), FlowId: c.Flow, ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res, func() { a.did("state of", c.Instance, "cleared", c.DryRun) })
}
