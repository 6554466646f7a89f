package main

import (
	"context"
	"encoding/json"
	"regexp"
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

// keyFlags are where a key is kept.
type keyFlags struct {
	Scope string `help:"The scope: flow, instance or integration. Default: flow with --flow, else instance." enum:",flow,instance,integration" default:"" placeholder:"SCOPE"`
	Flow  string `help:"The flow, for the scope flow." placeholder:"ID"`
}

func (k keyFlags) scope() string {
	if k.Scope == "" && k.Flow != "" {
		return "flow"
	}
	return orElse(k.Scope, "instance")
}

// entryID is what the ids of state entries look like.
var entryID = regexp.MustCompile(`^ste-[a-z0-9]+$`)

// stateEntryID finds an entry by its key, unless the key is the entry's id itself.
func (a *app) stateEntryID(ctx context.Context, instance, key string, at keyFlags) (string, error) {
	if entryID.MatchString(key) {
		return key, nil
	}
	var found []*headracev1.StateEntry
	for e, err := range a.client.AllStateEntries(ctx, &headracev1.ListStateEntriesRequest{
		InstanceId: instance, PageSize: 1000,
		Filter: allOf(equals("scope", strings.ToUpper(at.scope())), equals("flow_id", at.Flow), equals("key", key)),
	}) {
		if err != nil {
			return "", err
		}
		if e.GetKey() == key { // in a filter an asterisk stands for more than itself
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return "", usage("instance %s keeps no key %q in the scope %s: state list shows what it keeps, --scope and --flow say where", instance, key, at.scope())
	case 1:
		return found[0].GetId(), nil
	}
	var flows []string
	for _, e := range found {
		flows = append(flows, e.GetFlowId())
	}
	return "", usage("several flows of instance %s keep a key %q: say which with --flow, one of %s", instance, key, strings.Join(flows, ", "))
}

type stateGetCmd struct {
	Instance string `arg:"" help:"The instance's id."`
	Key      string `arg:"" help:"The key, or the entry's id as the list shows it."`
	keyFlags
}

// Run carries out the command.
func (c *stateGetCmd) Run(ctx context.Context, a *app) error {
	id, err := a.stateEntryID(ctx, c.Instance, c.Key, c.keyFlags)
	if err != nil {
		return err
	}
	res, err := a.client.State.GetStateEntry(ctx, &headracev1.GetStateEntryRequest{InstanceId: c.Instance, StateEntryId: id})
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
	keyFlags
	JSON   bool `name:"json" help:"The value is JSON."`
	DryRun bool `help:"Check whether it could be set, and change nothing."`
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
		InstanceId: c.Instance, Scope: scopeOf(c.scope()), FlowId: c.Flow, Key: c.Key,
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
	Key      []string `arg:"" help:"The keys, or the entries' ids as the list shows them."`
	keyFlags
	DryRun bool `help:"Check whether they could be removed, and change nothing."`
}

// Run carries out the command.
func (c *stateDeleteCmd) Run(ctx context.Context, a *app) error {
	ids := make([]string, len(c.Key)) // all are known before one is removed
	for i, key := range c.Key {
		var err error
		if ids[i], err = a.stateEntryID(ctx, c.Instance, key, c.keyFlags); err != nil {
			return err
		}
	}
	for i, id := range ids {
		res, err := a.client.State.DeleteStateEntry(ctx, &headracev1.DeleteStateEntryRequest{InstanceId: c.Instance, StateEntryId: id, ValidateOnly: c.DryRun})
		if err != nil {
			return err
		}
		if err := a.show(res, func() { a.did("state entry", c.Key[i], "deleted", c.DryRun) }); err != nil {
			return err
		}
	}
	return nil
}

type stateClearCmd struct {
	Instance string `arg:"" help:"The instance's id."`
	Scope    string `help:"The scope: ${enum}. Integration is what all instances share." enum:"flow,instance,integration" required:""`
	Flow     string `help:"The flow, for the scope flow." placeholder:"ID"`
	DryRun   bool   `help:"Check whether it could be cleared, and change nothing."`
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
