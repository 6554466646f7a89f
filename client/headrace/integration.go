package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// integrationCmd holds the commands about integrations.
type integrationCmd struct {
	List     integrationListCmd     `cmd:"" default:"withargs" help:"List integrations."`
	Get      integrationGetCmd      `cmd:"" help:"Show one integration's draft: flows, config variables, problems."`
	Versions integrationVersionsCmd `cmd:"" help:"List the published versions of an integration."`
	Publish  integrationPublishCmd  `cmd:"" help:"Make an immutable version of the draft."`
	Rotate   integrationRotateCmd   `cmd:"" help:"Replace the URL that all instances share; the old one works for a while."`
	Delete   integrationDeleteCmd   `cmd:"" help:"Delete an integration that has no instances."`
}

type integrationListCmd struct {
	listFlags
}

// Run carries out the command.
func (c *integrationListCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllIntegrations(ctx, &headracev1.ListIntegrationsRequest{
		PageSize: c.pageSize(), Filter: c.Filter, OrderBy: c.OrderBy,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListIntegrationsResponse{Integrations: found}, func() { a.integrations(found) })
}

func (p *printer) integrations(all []*headracev1.Integration) {
	var rows [][]cell
	for _, in := range all {
		rows = append(rows, []cell{
			text(in.GetId()), text(in.GetDisplayName()), orNone(in.GetCategory()), number(in.GetLatestVersion()), draft(in),
			p.ago(in.GetUpdateTime()),
		})
	}
	p.list("no integrations", []string{"ID", "NAME", "CATEGORY", "VERSION", "DRAFT", "CHANGED"}, rows)
}

// draft tells how the draft stands to the newest version.
func draft(in *headracev1.Integration) cell {
	switch {
	case len(in.GetProblems()) > 0:
		return cell{plural(len(in.GetProblems()), "problem"), yellow}
	case in.GetLatestVersion() == 0:
		return cell{"not published", yellow}
	case in.GetUnpublishedChanges():
		return cell{"unpublished changes", yellow}
	}
	return cell{"published", dim}
}

type integrationGetCmd struct {
	ID string `arg:"" help:"The integration's id."`
}

// Run carries out the command.
func (c *integrationGetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Integrations.GetIntegration(ctx, &headracev1.GetIntegrationRequest{IntegrationId: c.ID})
	if err != nil {
		return err
	}
	return a.show(res.GetIntegration(), func() { a.integration(res.GetIntegration()) })
}

func (p *printer) integration(in *headracev1.Integration) {
	p.line("%s  %s", p.the(clean(in.GetId()), bold), clean(in.GetDisplayName()))
	p.fields(
		text("about"), text(in.GetDescription()), text("category"), text(in.GetCategory()),
		text("version"), number(in.GetLatestVersion()), text("draft"), draft(in), text("changed"), text(moment(in.GetUpdateTime())),
		text("endpoint"), cell{in.GetEndpointUrl(), cyan},
	)
	p.problems("  ", "", in.GetProblems())
	p.heading("Flows")
	p.flows(in.GetFlows())
	if len(in.GetConfigVariables()) > 0 {
		p.heading("Config variables")
		p.configVariables(in.GetConfigVariables())
	}
}

func (p *printer) flows(flows []*headracev1.Flow) {
	var rows [][]cell
	for _, f := range flows {
		rows = append(rows, []cell{
			{f.GetId(), cyan}, text(f.GetDisplayName()), {f.GetTrigger().GetType(), dim}, text(plural(len(f.GetSteps()), "step")), {howItRuns(f), dim},
		})
	}
	p.table("  ", nil, rows)
}

// howItRuns tells in a few words what is set of how a flow's executions run.
func howItRuns(f *headracev1.Flow) string {
	words := []string{"asynchronous"}
	if f.GetSynchronous() {
		words[0] = "synchronous"
	}
	if n := f.GetConcurrency(); n > 0 {
		words = append(words, fmt.Sprintf("%d side by side", n))
	}
	switch f.GetOrdering().GetScope() {
	case headracev1.Ordering_SCOPE_FLOW:
		words = append(words, "in order")
	case headracev1.Ordering_SCOPE_KEY:
		words = append(words, "in order by key")
	default:
	}
	if f.GetOrdering().GetOnFailure() == headracev1.Ordering_FAILURE_EFFECT_BLOCK {
		words = append(words, "a failure blocks")
	}
	if f.GetDeduplicationKey() != nil {
		words = append(words, "deduplicated")
	}
	if n := f.GetRetry().GetMaxAttempts(); n > 0 {
		words = append(words, fmt.Sprintf("tried %d times", n+1))
	}
	if t := took(f.GetTimeout()); t != "" {
		words = append(words, "within "+t)
	}
	return strings.Join(words, ", ")
}

func (p *printer) configVariables(variables []*headracev1.ConfigVariable) {
	var rows [][]cell
	for _, v := range variables {
		kind := word(v.GetType(), "TYPE_")
		if kind == "-" {
			kind = "STRING"
		}
		if v.GetConnectionType() != "" {
			kind += " " + v.GetConnectionType()
		}
		more := demands(v.GetRequired(), v.GetSecret())
		rows = append(rows, []cell{{v.GetId(), cyan}, text(v.GetDisplayName()), {kind, dim}, {more, yellow}})
	}
	p.table("  ", nil, rows)
}

type integrationVersionsCmd struct {
	ID string `arg:"" help:"The integration's id."`
	listFlags
}

// Run carries out the command.
func (c *integrationVersionsCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllVersions(ctx, &headracev1.ListIntegrationVersionsRequest{
		IntegrationId: c.ID, PageSize: c.pageSize(), Filter: c.Filter, OrderBy: c.OrderBy,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListIntegrationVersionsResponse{IntegrationVersions: found}, func() {
		var rows [][]cell
		for _, v := range found {
			rows = append(rows, []cell{number(v.GetVersion()), shortHash(v.GetDefinitionHash()), a.ago(v.GetCreateTime()), text(v.GetComment())})
		}
		a.list("no versions: publish the draft", []string{"VERSION", "DEFINITION", "PUBLISHED", "COMMENT"}, rows)
	})
}

// shortHash is the beginning of a hash: enough to tell two apart.
func shortHash(hash string) cell { return cell{hash[:min(12, len(hash))], dim} }

type integrationPublishCmd struct {
	ID      string `arg:"" help:"The integration's id."`
	Comment string `short:"m" help:"What changed, for people." placeholder:"TEXT"`
	DryRun  bool   `help:"Check whether it could be published, and change nothing."`
}

// Run carries out the command.
func (c *integrationPublishCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Integrations.PublishIntegration(ctx, &headracev1.PublishIntegrationRequest{
		IntegrationId: c.ID, Comment: c.Comment, ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res.GetVersion(), func() {
		verb := "published"
		if v := res.GetVersion().GetVersion(); v > 0 {
			verb = fmt.Sprintf("published as version %d", v)
		}
		a.did("integration", c.ID, verb, c.DryRun)
	})
}

type integrationRotateCmd struct {
	ID      string         `arg:"" help:"The integration's id."`
	Overlap *time.Duration `help:"How long the old URL goes on working. Default: 24h." placeholder:"DURATION"`
	DryRun  bool           `help:"Check everything and change nothing."`
}

// Run carries out the command.
func (c *integrationRotateCmd) Run(ctx context.Context, a *app) error {
	req := &headracev1.RotateEndpointTokenRequest{IntegrationId: c.ID, ValidateOnly: c.DryRun}
	if c.Overlap != nil {
		req.Overlap = durationpb.New(*c.Overlap)
	}
	res, err := a.client.Integrations.RotateEndpointToken(ctx, req)
	if err != nil {
		return err
	}
	return a.show(res.GetIntegration(), func() {
		a.did("endpoint of integration", c.ID, "rotated", c.DryRun)
		if url := res.GetIntegration().GetEndpointUrl(); !c.DryRun && url != "" {
			a.line("  %s", a.the(clean(url), cyan))
		}
	})
}

type integrationDeleteCmd struct {
	ID     string `arg:"" help:"The integration's id."`
	DryRun bool   `help:"Check whether it could be deleted, and change nothing."`
}

// Run carries out the command.
func (c *integrationDeleteCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Integrations.DeleteIntegration(ctx, &headracev1.DeleteIntegrationRequest{IntegrationId: c.ID, ValidateOnly: c.DryRun})
	if err != nil {
		return err
	}
	return a.show(res, func() { a.did("integration", c.ID, "deleted", c.DryRun) })
}
