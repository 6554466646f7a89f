package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

type instanceDeployCmd struct {
	ID        string `arg:"" help:"The instance's id."`
	Version   int32  `help:"The version to move to. Default: the one it is on, or the newest at its first deployment." placeholder:"N"`
	Plan      bool   `help:"Show what would happen, and change nothing."`
	RequestID string `help:"Join the deployment begun under this id." placeholder:"ID"`
}

// Run carries out the command.
func (c *instanceDeployCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Deploy(ctx, c.ID, deployOptions(c))
	if err != nil {
		return err
	}
	return a.show(res, func() {
		if c.Plan {
			a.plan(c.ID, res.GetPlan())
			return
		}
		a.deployed(res)
	})
}

func deployOptions(c *instanceDeployCmd) client.DeployOptions {
	return client.DeployOptions{Version: c.Version, RequestID: c.RequestID, ValidateOnly: c.Plan}
}

type instanceRollbackCmd struct {
	ID        string `arg:"" help:"The instance's id."`
	To        string `help:"The deployment to go back to. Default: the one before that which serves." placeholder:"DEPLOYMENT"`
	Plan      bool   `help:"Show what would happen, and change nothing."`
	RequestID string `help:"Join the rollback begun under this id." placeholder:"ID"`
}

// Run carries out the command.
func (c *instanceRollbackCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Rollback(ctx, c.ID, client.RollbackOptions{DeploymentID: c.To, RequestID: c.RequestID, ValidateOnly: c.Plan})
	if err != nil {
		return err
	}
	return a.show(res, func() {
		if c.Plan {
			a.plan(c.ID, res.GetPlan())
			return
		}
		a.deployed(&headracev1.DeployInstanceResponse{
			Instance: res.GetInstance(), Deployment: res.GetDeployment(), Executions: res.GetExecutions(), WebhookUrls: res.GetWebhookUrls(),
		})
	})
}

type instanceDeploymentsCmd struct {
	ID string `arg:"" help:"The instance's id."`
	listFlags
}

// Run carries out the command.
func (c *instanceDeploymentsCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllDeployments(ctx, &headracev1.ListDeploymentsRequest{
		InstanceId: c.ID, PageSize: c.pageSize(), Filter: c.Filter, OrderBy: c.OrderBy,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListDeploymentsResponse{Deployments: found}, func() { a.deployments(found) })
}

type instanceUndeployCmd struct {
	ID     string `arg:"" help:"The instance's id."`
	DryRun bool   `help:"Check whether it could be undeployed, and change nothing."`
}

// Run carries out the command.
func (c *instanceUndeployCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Instances.UndeployInstance(ctx, &headracev1.UndeployInstanceRequest{InstanceId: c.ID, ValidateOnly: c.DryRun})
	if err != nil {
		return err
	}
	return a.show(res, func() {
		a.did("instance", c.ID, "undeployed", c.DryRun)
		a.removed(res.GetExecutions(), res.GetRemainingRegistrations())
	})
}

// removed tells how removing went: the flows that ran, and what is left behind in other systems.
func (p *printer) removed(executions []*headracev1.Execution, remaining []*headracev1.Registration) {
	for _, ex := range executions {
		p.brief(ex)
	}
	p.registrations("Could not be removed", remaining)
}

// deployed tells what a deployment did: which generation serves, the URLs, the flows that ran, what changed elsewhere.
func (p *printer) deployed(res *headracev1.DeployInstanceResponse) {
	in, d := res.GetInstance(), res.GetDeployment()
	done := "deployed"
	if d.GetSourceDeploymentId() != "" {
		done = "rolled back"
	}
	p.line("instance %s %s  version %d, generation %d  %s", p.the(clean(in.GetId()), bold), p.the(done, green),
		d.GetVersion(), d.GetGeneration(), p.the(clean(d.GetId()), dim))
	if note := standing(in); note != "" {
		p.line("  %s", p.the(note, yellow))
	}
	p.urls(res.GetWebhookUrls(), in.GetEndpointUrl())
	if len(res.GetExecutions()) > 0 {
		p.heading("Ran")
		for _, ex := range res.GetExecutions() {
			p.brief(ex)
		}
	}
	p.changes(d.GetChanges())
}

// changes tells what a deployment did in other systems.
func (p *printer) changes(all []*headracev1.RegistrationChange) {
	if len(all) == 0 {
		return
	}
	p.heading("In other systems")
	var rows [][]cell
	for _, change := range all {
		rows = append(rows, append([]cell{changeCell(change.GetKind())}, registrationCells(change.GetRegistration())...))
	}
	p.table("  ", nil, rows)
}

func changeCell(kind headracev1.RegistrationChange_Kind) cell {
	switch kind {
	case headracev1.RegistrationChange_KIND_CREATED:
		return cell{"+ created", green}
	case headracev1.RegistrationChange_KIND_ADOPTED:
		return cell{"+ adopted", green}
	case headracev1.RegistrationChange_KIND_UPDATED:
		return cell{"~ updated", green}
	case headracev1.RegistrationChange_KIND_RESTORED:
		return cell{"~ restored", yellow}
	case headracev1.RegistrationChange_KIND_RESTORE_FAILED:
		return cell{"! not restored", red}
	case headracev1.RegistrationChange_KIND_UNCONFIRMED:
		return cell{"? unconfirmed", red}
	case headracev1.RegistrationChange_KIND_KEPT:
		return cell{"= kept", dim}
	case headracev1.RegistrationChange_KIND_UNDONE:
		return cell{"- undone", yellow}
	case headracev1.RegistrationChange_KIND_OBSOLETE_REMOVED:
		return cell{"- removed", yellow}
	case headracev1.RegistrationChange_KIND_HANDED_OVER:
		return cell{"= handed over", dim}
	case headracev1.RegistrationChange_KIND_REMOVE_FAILED:
		return cell{"! not removed", red}
	}
	return text(strings.ToLower(word(kind, "KIND_")))
}

// plan tells what a deployment would do.
func (p *printer) plan(id string, plan *headracev1.DeployPlan) {
	p.line("instance %s would get version %d as generation %d", p.the(clean(id), bold), plan.GetVersion(), plan.GetGeneration())
	p.fields(
		text("would run"), text(orElse(strings.Join(plan.GetFlowIds(), ", "), "no flow")),
		text("config changed"), text(orElse(strings.Join(plan.GetChangedConfigVariableIds(), ", "), "nothing")),
		text("may create"), text(strings.Join(plan.GetPossibleCreations(), ", ")),
	)
	p.urls(plan.GetWebhookUrls(), "")
	p.registrations("Would be removed from other systems", plan.GetObsoleteRegistrations())
}

func (p *printer) deployments(all []*headracev1.Deployment) {
	var rows [][]cell
	for _, d := range all {
		note := cell{"", dim}
		if source := d.GetSourceDeploymentId(); source != "" {
			note.text = "rolls back to " + source
		}
		if e := d.GetError(); e != nil {
			note = cell{excerpt(fmt.Sprintf("%s %s", e.GetReason(), e.GetMessage()), 80), red}
		}
		rows = append(rows, []cell{
			text(d.GetId()), state(d.GetState()), number(d.GetVersion()), number(d.GetGeneration()), p.ago(d.GetCreateTime()), note,
		})
	}
	p.list("no deployments", []string{"ID", "STATE", "VERSION", "GENERATION", "BEGUN", "NOTE"}, rows)
}
