package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// instanceCmd holds the commands about instances.
type instanceCmd struct {
	Create      instanceCreateCmd      `cmd:"" help:"Create an instance of an integration for a customer."`
	List        instanceListCmd        `cmd:"" default:"withargs" help:"List instances."`
	Get         instanceGetCmd         `cmd:"" help:"Show one instance with its webhook URLs and config."`
	Set         instanceSetCmd         `cmd:"" help:"Change an instance's config values; they take effect with the next deployment."`
	Wizard      instanceWizardCmd      `cmd:"" help:"Show the configuration wizard: what to enter, what is missing or wrong."`
	Deploy      instanceDeployCmd      `cmd:"" help:"Deploy an instance: run its instance-deploy flows and switch over."`
	Rollback    instanceRollbackCmd    `cmd:"" help:"Deploy what an earlier deployment deployed: its version and its config."`
	Deployments instanceDeploymentsCmd `cmd:"" help:"List the deployments of an instance, newest first."`
	Undeploy    instanceUndeployCmd    `cmd:"" help:"Remove what deployments registered elsewhere; the instance and its config stay."`
	Pause       instancePauseCmd       `cmd:"" help:"Stop running flows for webhooks."`
	Resume      instanceResumeCmd      `cmd:"" help:"End a pause."`
	Rotate      instanceRotateCmd      `cmd:"" help:"Give flows new webhook URLs; the old ones work for a while."`
	Delete      instanceDeleteCmd      `cmd:"" help:"Remove what deployments registered elsewhere, and delete the instance."`
}

type instanceCreateCmd struct {
	ID             string   `arg:"" optional:"" help:"The id: lower-case letters, digits and hyphens. Default: made from the name."`
	Customer       string   `required:"" help:"The customer it is for." placeholder:"ID"`
	Integration    string   `required:"" help:"The integration it is an instance of." placeholder:"ID"`
	Name           string   `help:"The name people see. Default: the id." placeholder:"NAME"`
	Description    string   `help:"Notes for people." placeholder:"TEXT"`
	Label          []string `sep:"none" help:"Label to find it by. May be given several times." placeholder:"NAME=VALUE"`
	MaxConcurrency int32    `help:"How many of its executions run side by side. 0: no limit." placeholder:"N"`
	DryRun         bool     `help:"Check everything and change nothing."`
	configFlags
}

// Run carries out the command.
func (c *instanceCreateCmd) Run(ctx context.Context, a *app) error {
	labels, err := entries("--label", c.Label)
	if err != nil {
		return err
	}
	config, err := c.read(a)
	if err != nil {
		return err
	}
	values, err := config.over(nil)
	if err != nil {
		return err
	}
	res, err := a.client.Instances.CreateInstance(ctx, &headracev1.CreateInstanceRequest{
		Instance: &headracev1.Instance{
			Id: c.ID, DisplayName: orElse(c.Name, c.ID), Description: c.Description, CustomerId: c.Customer,
			IntegrationId: c.Integration, Labels: labels, ConfigValues: values,
			MaxConcurrency: c.MaxConcurrency,
		},
		ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res.GetInstance(), func() {
		a.did("instance", orElse(res.GetInstance().GetId(), c.ID), "created", c.DryRun)
	})
}

type instanceListCmd struct {
	Customer    string `help:"Only those of this customer." placeholder:"ID"`
	Integration string `help:"Only those of this integration." placeholder:"ID"`
	State       string `help:"Only those in this state, e.g. ACTIVE." placeholder:"STATE"`
	listFlags
}

// Run carries out the command.
func (c *instanceListCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllInstances(ctx, &headracev1.ListInstancesRequest{
		PageSize: c.pageSize(),
		Filter: allOf(
			equals("customer_id", c.Customer), equals("integration_id", c.Integration), equals("state", stateWord(c.State)), c.Filter,
		),
		OrderBy: c.OrderBy,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListInstancesResponse{Instances: found}, func() { a.instances(found) })
}

func (p *printer) instances(all []*headracev1.Instance) {
	var rows [][]cell
	for _, in := range all {
		rows = append(rows, []cell{
			text(in.GetId()), instanceState(in), text(in.GetCustomerId()), text(in.GetIntegrationId()), number(in.GetVersion()),
			{standing(in), yellow},
			p.ago(in.GetUpdateTime()),
		})
	}
	p.list("no instances", []string{"ID", "STATE", "CUSTOMER", "INTEGRATION", "VERSION", "", "CHANGED"}, rows)
}

// instanceState is not green before the instance serves.
func instanceState(in *headracev1.Instance) cell {
	s := state(in.GetState())
	if in.GetState() == headracev1.Instance_STATE_CREATED {
		s.style = dim
	}
	return s
}

// standing is what to know about an instance beside its state.
func standing(in *headracev1.Instance) string {
	switch {
	case in.GetPaused() && in.GetPauseMode() == headracev1.Instance_PAUSE_MODE_REFUSE:
		return "paused, refusing"
	case in.GetPaused():
		return "paused"
	case in.GetNeedsDeploy():
		return "config changed, not deployed"
	}
	return ""
}

type instanceGetCmd struct {
	ID string `arg:"" help:"The instance's id."`
}

// Run carries out the command.
func (c *instanceGetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Instances.GetInstance(ctx, &headracev1.GetInstanceRequest{InstanceId: c.ID})
	if err != nil {
		return err
	}
	return a.show(res.GetInstance(), func() { a.instance(res.GetInstance()) })
}

func (p *printer) instance(in *headracev1.Instance) {
	s := instanceState(in)
	p.line("%s  %s  %s", p.the(clean(in.GetId()), bold), clean(in.GetDisplayName()), p.the(s.text, s.style))
	p.fields(
		text("about"), text(in.GetDescription()), text("customer"), text(in.GetCustomerId()),
		text("integration"), text(in.GetIntegrationId()), text("version"), number(in.GetVersion()),
		text("generation"), number(in.GetGeneration()), text("note"), cell{standing(in), yellow},
		text("labels"), text(labels(in.GetLabels())), text("deployed"), text(moment(in.GetDeployTime())),
		text("deployment"), text(in.GetLastDeploymentId()), text("endpoint"), cell{in.GetEndpointUrl(), cyan}, text("side by side"), text(limit(in.GetMaxConcurrency())),
	)
	if len(in.GetFlows()) > 0 {
		p.heading("Flows")
		var rows [][]cell
		for _, f := range in.GetFlows() {
			rows = append(rows, []cell{
				text(f.GetDisplayName()), {f.GetTriggerType(), dim}, {f.GetWebhookUrl(), cyan}, keysOf(f), text(runsNext(f)),
			})
		}
		p.table("  ", nil, rows)
	}
	if len(in.GetConfigValues()) > 0 {
		p.heading("Config")
		p.configValues(in.GetConfigValues())
	}
	p.registrations("Registered in other systems", in.GetRegistrations())
}

// keysOf tells what a flow asks of its callers, with nothing for nothing.
func keysOf(f *headracev1.InstanceFlow) cell {
	switch n := f.GetKeyCount(); {
	case f.GetLocked():
		return cell{"locked: it needs a flow key", red}
	case f.GetSecurity() == headracev1.Flow_SECURITY_UNSECURED, n == 0:
		return cell{}
	case n == 1:
		return cell{"1 key", dim}
	default:
		return cell{fmt.Sprintf("%d keys", n), dim}
	}
}

// runsNext tells when a flow runs by itself.
func runsNext(f *headracev1.InstanceFlow) string {
	switch {
	case f.GetSchedule() == "":
		return ""
	case f.GetNextRunTime() == nil:
		return f.GetSchedule()
	}
	return f.GetSchedule() + ", next " + moment(f.GetNextRunTime())
}

// registrations lists remote objects, with nothing for none.
func (p *printer) registrations(title string, all []*headracev1.Registration) {
	if len(all) == 0 {
		return
	}
	p.heading(title)
	var rows [][]cell
	for _, r := range all {
		rows = append(rows, append([]cell{state(r.GetState())}, registrationCells(r)...))
	}
	p.table("  ", nil, rows)
}

func registrationCells(r *headracev1.Registration) []cell {
	return []cell{
		text(r.GetAction()),
		{r.GetRemoteId(), cyan},
		{r.GetFlowId() + "/" + orElse(r.GetKey(), r.GetStepId()), dim},
		{excerpt(r.GetError(), 80), red},
	}
}

type instanceSetCmd struct {
	ID             string `arg:"" help:"The instance's id."`
	MaxConcurrency *int32 `help:"How many of its executions run side by side. 0: no limit. Takes effect at once." placeholder:"N"`
	DryRun         bool   `help:"Check everything and change nothing."`
	configFlags
}

// Run carries out the command.
func (c *instanceSetCmd) Run(ctx context.Context, a *app) error {
	update := &headracev1.Instance{}
	if c.MaxConcurrency == nil || c.given() {
		var err error
		if update, err = c.update(ctx, a, func() (*headracev1.Instance, error) {
			res, err := a.client.Instances.GetInstance(ctx, &headracev1.GetInstanceRequest{InstanceId: c.ID})
			return res.GetInstance(), err
		}); err != nil {
			return err
		}
	}
	mask := maskOf(update.GetConfigValues())
	if c.MaxConcurrency != nil {
		update.MaxConcurrency = *c.MaxConcurrency
		mask.Paths = append(mask.Paths, "max_concurrency")
	}
	res, err := a.client.Instances.UpdateInstance(ctx, &headracev1.UpdateInstanceRequest{
		InstanceId: c.ID, Instance: update, UpdateMask: mask, ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res.GetInstance(), func() { a.configSet("instance", c.ID, res.GetInstance(), c.DryRun) })
}

func (p *printer) configSet(noun, id string, in *headracev1.Instance, dryRun bool) {
	p.did(noun, id, "configured", dryRun)
	p.configValues(in.GetConfigValues())
	if in.GetNeedsDeploy() && in.GetGeneration() > 0 {
		p.line("  %s", p.the("takes effect with the next deployment", yellow))
	}
}

type instancePauseCmd struct {
	ID     string `arg:"" help:"The instance's id."`
	Refuse bool   `help:"Answer all webhooks 503 instead of holding the asynchronous ones."`
}

// Run carries out the command.
func (c *instancePauseCmd) Run(ctx context.Context, a *app) error {
	mode := headracev1.Instance_PAUSE_MODE_HOLD
	if c.Refuse {
		mode = headracev1.Instance_PAUSE_MODE_REFUSE
	}
	res, err := a.client.Instances.PauseInstance(ctx, &headracev1.PauseInstanceRequest{InstanceId: c.ID, Mode: mode})
	if err != nil {
		return err
	}
	return a.show(res.GetInstance(), func() { a.did("instance", c.ID, orElse(standing(res.GetInstance()), "paused"), false) })
}

type instanceResumeCmd struct {
	ID string `arg:"" help:"The instance's id."`
}

// Run carries out the command.
func (c *instanceResumeCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Instances.ResumeInstance(ctx, &headracev1.ResumeInstanceRequest{InstanceId: c.ID})
	if err != nil {
		return err
	}
	return a.show(res.GetInstance(), func() { a.did("instance", c.ID, "resumed", false) })
}

type instanceRotateCmd struct {
	ID       string         `arg:"" help:"The instance's id."`
	Flow     string         `help:"The flow to give a new URL. Default: all flows." placeholder:"ID"`
	Endpoint bool           `help:"Replace the URL that the flows share instead, and no flow's."`
	Overlap  *time.Duration `help:"How long the old URLs go on working. Default: 24h." placeholder:"DURATION"`
}

// Run carries out the command.
func (c *instanceRotateCmd) Run(ctx context.Context, a *app) error {
	req := &headracev1.RotateWebhookTokenRequest{InstanceId: c.ID, FlowId: c.Flow, Endpoint: c.Endpoint}
	if c.Overlap != nil {
		req.Overlap = durationpb.New(*c.Overlap)
	}
	res, err := a.client.Instances.RotateWebhookToken(ctx, req)
	if err != nil {
		return err
	}
	return a.show(res.GetInstance(), func() { a.instance(res.GetInstance()) })
}

type instanceDeleteCmd struct {
	ID     string `arg:"" help:"The instance's id."`
	DryRun bool   `help:"Check whether it could be deleted, and change nothing."`
}

// Run carries out the command.
func (c *instanceDeleteCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Instances.DeleteInstance(ctx, &headracev1.DeleteInstanceRequest{InstanceId: c.ID, ValidateOnly: c.DryRun})
	if err != nil {
		return err
	}
	return a.show(res, func() {
		a.did("instance", c.ID, "deleted", c.DryRun)
		a.removed(res.GetExecutions(), res.GetRemainingRegistrations())
	})
}

// urls prints webhook URLs by flow, and the one that several share, if any.
func (p *printer) urls(byFlow map[string]string, endpoint string) {
	var rows [][]cell
	for _, flow := range slices.Sorted(maps.Keys(byFlow)) {
		url := cell{byFlow[flow], cyan}
		if url.text == "" {
			url = cell{"given when it is deployed", dim}
		}
		rows = append(rows, []cell{text(flow), url})
	}
	if endpoint != "" {
		rows = append(rows, []cell{{"shared", dim}, {endpoint, cyan}})
	}
	if len(rows) > 0 {
		p.heading("Webhook URLs")
		p.table("  ", nil, rows)
	}
}

// brief prints an execution in one line, and what went wrong in it.
func (p *printer) brief(ex *headracev1.Execution) {
	s := state(ex.GetState())
	p.line("  %s  %s  %s  %s", clean(ex.GetFlowDisplayName()), p.the(s.text, s.style), took(ex.GetDuration()), p.the(ex.GetId(), dim))
	if failed := ex.GetError(); failed != nil {
		p.line("    %s", p.the(clean(fmt.Sprintf("%s %s", failed.GetReason(), failed.GetMessage())), red))
	}
}
