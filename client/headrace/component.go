package main

import (
	"context"
	"fmt"
	"iter"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// componentCmd holds the commands about components.
type componentCmd struct {
	List   componentListCmd   `cmd:"" default:"withargs" help:"List components, built-in and declarative."`
	Get    componentGetCmd    `cmd:"" help:"Show one component with its actions and their inputs."`
	Delete componentDeleteCmd `cmd:"" help:"Delete a declarative component that nothing uses."`
}

type componentListCmd struct {
	listFlags
}

// Run carries out the command.
func (c *componentListCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllComponents(ctx, &headracev1.ListComponentsRequest{
		PageSize: c.pageSize(), Filter: c.Filter, OrderBy: c.OrderBy,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListComponentsResponse{Components: found}, func() { a.components(found) })
}

// take collects the first items of a walk, all for a limit of 0.
func take[Item any](items iter.Seq2[Item, error], limit int) ([]Item, error) {
	var out []Item
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		out = append(out, item)
		if len(out) == limit {
			break
		}
	}
	return out, nil
}

func (p *printer) components(all []*headracev1.Component) {
	var rows [][]cell
	for _, c := range all {
		version := number(c.GetVersion())
		if c.GetKind() == headracev1.Component_KIND_BUILTIN {
			version = number(0)
		}
		rows = append(rows, []cell{
			text(c.GetId()), text(c.GetDisplayName()), text(word(c.GetKind(), "KIND_")), version, p.ago(c.GetUpdateTime()),
		})
	}
	p.list("no components", []string{"ID", "NAME", "KIND", "VERSION", "CHANGED"}, rows)
}

type componentGetCmd struct {
	ID      string `arg:"" help:"The component's id."`
	Version int32  `help:"The version. Default: the newest." placeholder:"N"`
}

// Run carries out the command.
func (c *componentGetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Components.GetComponent(ctx, &headracev1.GetComponentRequest{ComponentId: c.ID, Version: c.Version})
	if err != nil {
		return err
	}
	return a.show(res.GetComponent(), func() { a.component(res.GetComponent()) })
}

func (p *printer) component(c *headracev1.Component) {
	p.line("%s  %s", p.the(clean(c.GetId()), bold), clean(c.GetDisplayName()))
	p.fields(
		text("kind"), text(word(c.GetKind(), "KIND_")), text("version"), text(fmt.Sprint(c.GetVersion())),
		text("about"), text(c.GetDescription()), text("changed"), text(moment(c.GetUpdateTime())),
	)
	for _, t := range c.GetConnectionTypes() {
		p.heading("Connection " + clean(t.GetKey()))
		p.inputs(t.GetInputs())
	}
	for _, t := range c.GetTriggers() {
		p.heading("Trigger " + clean(t.GetKey()))
		p.inputs(t.GetInputs())
		p.fields(text("result"), text(t.GetOutput()))
	}
	for _, action := range c.GetActions() {
		title := "Action " + clean(action.GetKey())
		if undo := action.GetUndo().GetAction(); undo != "" {
			title += ", undone by " + clean(undo)
		}
		if find := action.GetFind().GetAction(); find != "" {
			title += ", found by " + clean(find)
		}
		if update := action.GetUpdate().GetAction(); update != "" {
			title += ", updated by " + clean(update)
		}
		p.heading(title)
		p.inputs(action.GetInputs())
		p.fields(text("result"), text(action.GetOutput()))
	}
}

func (p *printer) inputs(inputs []*headracev1.InputField) {
	var rows [][]cell
	for _, in := range inputs {
		kind := word(in.GetType(), "TYPE_")
		if kind == "-" {
			kind = "STRING"
		}
		more := demands(in.GetRequired(), in.GetSecret())
		rows = append(rows, []cell{{in.GetKey(), cyan}, {kind, dim}, {more, yellow}, text(in.GetDescription())})
	}
	p.table("  ", nil, rows)
}

// demands are what an input or a config variable asks of its value.
func demands(required, secret bool) string {
	switch {
	case required && secret:
		return "required, secret"
	case required:
		return "required"
	case secret:
		return "secret"
	}
	return ""
}

type componentDeleteCmd struct {
	ID     string `arg:"" help:"The component's id."`
	DryRun bool   `help:"Check whether it could be deleted, and change nothing."`
}

// Run carries out the command.
func (c *componentDeleteCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Components.DeleteComponent(ctx, &headracev1.DeleteComponentRequest{ComponentId: c.ID, ValidateOnly: c.DryRun})
	if err != nil {
		return err
	}
	return a.show(res, func() { a.did("component", c.ID, "deleted", c.DryRun) })
}

// did tells what became of a thing.
func (p *printer) did(noun, id, verb string, dryRun bool) {
	if dryRun {
		verb = "could be " + verb
	}
	p.line("%s %s %s", noun, clean(id), p.the(verb, green))
}
