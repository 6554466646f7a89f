package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// applyCmd makes what files describe. All files are read before anything is sent; components go first, since integrations use them.
type applyCmd struct {
	Path   []string `arg:"" optional:"" help:"YAML or JSON files with components and integrations, each with its kind; - reads the input."`
	File   []string `short:"f" name:"file" sep:"none" placeholder:"FILE" help:"A file, as an argument names it. May be given several times."`
	DryRun bool     `help:"Check everything, show what would change, and change nothing."`
}

// applied tells what became of one document.
type applied struct {
	Kind     string           `json:"kind"`
	ID       string           `json:"id"`
	Action   string           `json:"action"` // created, updated
	DryRun   bool             `json:"dryRun"`
	Version  int32            `json:"version,omitempty"`
	Problems []appliedProblem `json:"problems"`
	Notes    []appliedNote    `json:"notes,omitempty"`    // what could not be taken over as it is
	Warnings []string         `json:"warnings,omitempty"` // what instances would lose

	// Of a dry run over an integration that is there: in what its draft would change.
	diff *headracev1.DiffIntegrationVersionsResponse
	from source
}

// MarshalJSON adds the differences in the words of the API.
func (o applied) MarshalJSON() ([]byte, error) {
	type plain applied
	out := struct {
		plain
		Diff json.RawMessage `json:"diff,omitempty"`
	}{plain: plain(o)}
	if o.diff != nil {
		var err error
		if out.Diff, err = protojson.Marshal(o.diff); err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}

type appliedNote struct {
	Field       string `json:"field"`
	Kind        string `json:"kind"`
	Description string `json:"description"`
	Line        int32  `json:"line,omitempty"`
}

type appliedProblem struct {
	Field       string `json:"field"`
	Reason      string `json:"reason"`
	Description string `json:"description"`
}

// Run carries out the command.
func (c *applyCmd) Run(ctx context.Context, a *app) error {
	docs, err := c.documents(a)
	if err != nil {
		return err
	}
	components := make([]*headracev1.Component, len(docs))
	for i, doc := range docs {
		if doc.kind != kindComponent {
			continue
		}
		components[i] = &headracev1.Component{}
		if err := decode(doc.where, doc.root, components[i]); err != nil {
			return err
		}
		if components[i].GetId() == "" {
			return usage("%s has no id: applying needs one to find the component by", doc.where)
		}
	}
	done := []applied{}
	for i, doc := range docs {
		var one applied
		if doc.kind == kindComponent {
			one, err = c.component(ctx, a, components[i])
		} else {
			one, err = c.integration(ctx, a, doc.text)
		}
		if err != nil {
			err = doc.mistakes(err)
			break
		}
		one.from = doc.file
		done = append(done, one)
		if a.format == "table" {
			a.applied(one)
		}
	}
	if a.format == "table" {
		return err
	}
	text, jsonErr := json.Marshal(map[string]any{"applied": done})
	if jsonErr == nil {
		jsonErr = a.document(text)
	}
	if err != nil {
		return err
	}
	return jsonErr
}

func (c *applyCmd) documents(a *app) ([]document, error) {
	var out []document
	names := slices.Concat(c.File, c.Path)
	if len(names) == 0 {
		return nil, usage("nothing to apply: name a file, or - for the input")
	}
	for _, name := range names {
		text, err := a.readText(name)
		if err != nil {
			return nil, err
		}
		docs, err := documentsOf(name, string(text))
		if err != nil {
			return nil, err
		}
		if len(docs) == 0 {
			return nil, usage("%s holds nothing to apply", name)
		}
		out = append(out, docs...)
	}
	slices.SortStableFunc(out, func(a, b document) int { return order(a.kind) - order(b.kind) })
	return out, nil
}

func order(kind string) int {
	if kind == kindComponent {
		return 0
	}
	return 1
}

func (c *applyCmd) component(ctx context.Context, a *app, component *headracev1.Component) (applied, error) {
	out := applied{Kind: kindComponent, ID: component.GetId(), Action: "updated", DryRun: c.DryRun, Problems: []appliedProblem{}}
	before, err := a.client.Components.GetComponent(ctx, &headracev1.GetComponentRequest{ComponentId: component.GetId()})
	if status.Code(err) != codes.NotFound && err != nil {
		return out, err
	}
	if err != nil {
		out.Action = "created"
	}
	var after *headracev1.Component
	if c.DryRun {
		var res *headracev1.UpdateComponentResponse
		res, err = a.client.Components.UpdateComponent(ctx, &headracev1.UpdateComponentRequest{
			ComponentId: component.GetId(), Component: component, AllowMissing: true, ValidateOnly: true,
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"*"}},
		})
		after = res.GetComponent()
	} else {
		after, err = a.client.ApplyComponent(ctx, component)
	}
	if err != nil {
		return out, err
	}
	out.Version = after.GetVersion()
	if out.Action == "updated" && out.Version == before.GetComponent().GetVersion() {
		out.Action = "unchanged"
	}
	return out, nil
}

func (c *applyCmd) integration(ctx context.Context, a *app, definition string) (applied, error) {
	out := applied{Kind: kindIntegration, Action: "updated", DryRun: c.DryRun, Problems: []appliedProblem{}}
	res, err := a.client.Integrations.ImportIntegration(ctx, &headracev1.ImportIntegrationRequest{
		Definition: definition, ValidateOnly: c.DryRun,
	})
	if err != nil {
		return out, err
	}
	out.ID = res.GetIntegration().GetId()
	switch {
	case res.GetCreated():
		out.Action = "created"
	case c.DryRun:
		if out.diff, err = a.client.Versions.DiffIntegrationVersions(ctx, &headracev1.DiffIntegrationVersionsRequest{
			IntegrationId: out.ID, From: &headracev1.DiffSide{Side: &headracev1.DiffSide_Draft{Draft: true}},
			To: &headracev1.DiffSide{Side: &headracev1.DiffSide_Definition{Definition: definition}},
		}); err != nil {
			return out, err
		}
		if len(out.diff.GetDifferences()) == 0 {
			out.Action = "unchanged"
		}
	}
	for _, p := range res.GetIntegration().GetProblems() {
		out.Problems = append(out.Problems, appliedProblem{Field: p.GetField(), Reason: p.GetReason(), Description: p.GetDescription()})
	}
	for _, n := range res.GetNotes() {
		out.Notes = append(out.Notes, appliedNote{Field: n.GetField(), Kind: n.GetKind().String(), Description: n.GetDescription(), Line: n.GetLine()})
	}
	for _, w := range res.GetWarnings() {
		out.Warnings = append(out.Warnings, w.GetDescription())
	}
	return out, nil
}

func (p *printer) applied(one applied) {
	what := map[string]string{kindComponent: "component", kindIntegration: "integration"}[one.Kind] + " " + clean(one.ID)
	done := one.Action
	if one.DryRun && one.Action != "unchanged" {
		done = "would be " + one.Action
	}
	if one.Version > 0 && one.Action != "unchanged" {
		done += fmt.Sprintf(" (version %d)", one.Version)
	}
	p.line("%s %s", what, p.the(done, green))
	for _, warning := range one.Warnings {
		p.warning(warning)
	}
	var notes []*headracev1.DefinitionNote
	for _, n := range one.Notes {
		notes = append(notes, &headracev1.DefinitionNote{
			Field: n.Field, Kind: headracev1.DefinitionNote_Kind(headracev1.DefinitionNote_Kind_value[n.Kind]), Description: n.Description, Line: n.Line,
		})
	}
	p.notes(p.w, one.from, notes)
	var problems []*headracev1.Problem
	for _, one := range one.Problems {
		problems = append(problems, &headracev1.Problem{Field: one.Field, Reason: one.Reason, Description: one.Description})
	}
	p.problems("  ", one.from, problems)
	if one.diff != nil && one.Action != "unchanged" {
		p.differences("  ", one.diff)
	}
}

// problems lists what is wrong with a draft, and where in the file it was made from, if it was.
func (p *printer) problems(indent string, from source, problems []*headracev1.Problem) {
	if len(problems) == 0 {
		return
	}
	p.line("%s%s", indent, p.the(plural(len(problems), "problem")+" to mend before it can be published:", yellow))
	for _, one := range problems {
		line, description := lineOf(one.GetDescription())
		p.line("%s  %s%s %s", indent, from.at(line), p.the(clean(one.GetField())+":", bold), clean(description))
	}
}
