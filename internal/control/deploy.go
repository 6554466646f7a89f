package control

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/state"
	"github.com/headrace/headrace/internal/storage"
)

// DeployResult is what a deployment came to, or, where only a plan was asked for, what it would do.
type DeployResult struct {
	Instance   ipaas.Instance
	Deployment *ipaas.Deployment
	Executions []ipaas.Execution
	URLs       []FlowURL // of every flow, in the order of the flows
	Plan       *DeployPlan
}

// FlowURL is a flow's display name and its webhook URL.
type FlowURL struct{ DisplayName, URL string }

// DeployInstance brings an instance to a version and its config, as a transaction: it ends with everything in place, or with
// everything as it was before. Losing the caller does not tear it; the same request id joins it again.
func (p *Plane) DeployInstance(ctx context.Context, id string, version int, m Mutation) (DeployResult, error) {
	return p.deploy(ctx, id, m, func(in ipaas.Instance) (*candidate, error) { return p.prepare(ctx, in, version) })
}

// deploy deploys what prepare makes of the instance.
func (p *Plane) deploy(ctx context.Context, id string, m Mutation, prepare func(ipaas.Instance) (*candidate, error)) (DeployResult, error) {
	if m.RequestID != "" && !m.ValidateOnly {
		if result, known, err := p.joinDeployment(ctx, id, m); known || err != nil {
			return result, err
		}
	}
	if m.ValidateOnly {
		return p.planDeployment(ctx, id, m, prepare)
	}
	var c *candidate
	err := patiently(m, func() error {
		in, err := p.standardAt(ctx, id, m.Base)
		if err != nil {
			return err
		}
		if c, err = prepare(in); err != nil {
			return err
		}
		c.deployment.RequestID, c.deployment.RequestHash = m.RequestID, m.RequestHash
		return p.begin(ctx, c, in.Revision)
	})
	if m.RequestID != "" && ipaas.ReasonOf(err) == ipaas.ReasonDeploymentRunning {
		// The same request came twice at once, and the other one was quicker.
		if result, known, joinErr := p.joinDeployment(ctx, id, m); known || joinErr != nil {
			return result, joinErr
		}
	}
	if err != nil {
		return DeployResult{}, err
	}
	p.background.Go(func() { p.carryOut(c) })
	return c.wait(ctx)
}

// prepare checks everything that can be checked before anything is done.
func (p *Plane) prepare(ctx context.Context, in ipaas.Instance, asked int) (*candidate, error) {
	version, err := p.versionToDeploy(ctx, in, asked)
	if err != nil {
		return nil, err
	}
	program, components, err := p.versionProgram(ctx, in.IntegrationID, version)
	if err != nil {
		return nil, err
	}
	if problems := program.Problems(); len(problems) > 0 {
		return nil, draftHasProblems(in.IntegrationID, "deployed", problems)
	}
	s, err := p.configs.Settings(in.UID, program, in.Config)
	if err != nil {
		return nil, err
	}
	if len(s.Problems) > 0 {
		return nil, configIncomplete(in, s.Problems)
	}
	number, err := p.nextGeneration(ctx, in)
	if err != nil {
		return nil, err
	}
	now := p.now()
	timeout := program.Definition().Deploy.Timeout
	if timeout == 0 {
		timeout = ipaas.DefaultDeployTimeout
	}
	c := newCandidate(ipaas.Deployment{
		ID: ipaas.NewID("dep"), InstanceID: in.ID, State: ipaas.DeploymentRunning, CreateTime: now, Deadline: now.Add(timeout),
		Candidate: ipaas.Generation{
			InstanceID: in.ID, Number: number, Version: version, DefinitionHash: program.Hash(),
			ComponentVersions: components, ConfigRevision: in.Config.Revision,
		},
	}, in, program, s)
	if _, err := p.takeover(ctx, c, now); err != nil {
		return nil, err // what cannot begin is known before anything is done
	}
	return c, nil
}

// nextGeneration numbers deployments: one that failed leaves a gap in the numbers of generations. Where the clock was set back, the one
// that serves may be newer than the last.
func (p *Plane) nextGeneration(ctx context.Context, in ipaas.Instance) (int, error) {
	page, err := p.store.ListDeployments(ctx, in.ID, lastOnly)
	if err != nil || len(page.Items) == 0 {
		return in.Generation + 1, err
	}
	return max(page.Items[0].Candidate.Number, in.Generation) + 1, nil
}

// begin records the deployment. From here on the instance's URLs are live: other systems call back while a webhook is being
// registered.
func (p *Plane) begin(ctx context.Context, c *candidate, base int64) error {
	c.deployment.Candidate.DeploymentID = c.deployment.ID
	p.deploys.beginning.RLock()
	defer p.deploys.beginning.RUnlock()
	if err := p.addSharedEndpoint(ctx, c.instance.IntegrationID, c.program.Definition()); err != nil {
		return err
	}
	in, hooks, err := p.store.BeginDeployment(ctx, c.deployment, p.access.NewWebhooks(c.instance, c.program.Definition(), p.now()), base)
	if err != nil {
		return err
	}
	c.instance = in
	fault.Point("deploy-begun")
	if c.urls, err = p.access.URLsOf(hooks); err != nil {
		return err
	}
	p.deploys.put(c)
	return nil
}

// carryOut runs the deployment to its end, whoever is still listening.
func (p *Plane) carryOut(c *candidate) {
	defer close(c.done)
	defer p.deploys.remove(c)
	log := p.logger.With("instance", c.deployment.InstanceID, "deployment", c.deployment.ID)
	log.Info("deployment began", "version", c.deployment.Candidate.Version, "generation", c.deployment.Candidate.Number, "resumes", c.deployment.Resumes)
	c.until = p.clock.steady().Add(c.deployment.Deadline.Sub(p.now()))
	executions, cause, err := p.runDeployFlows(p.stop, c)
	if cause == nil && err == nil {
		// What begins with the new generation is known before the switch, so that the deployment can still be undone.
		c.takeover, err = p.takeover(context.WithoutCancel(p.stop), c, p.now())
	}
	switch {
	case errors.Is(err, errDeployCanceled):
		cause = &ipaas.DeploymentError{Reason: ipaas.ReasonDeployCanceled, Message: err.Error()}
	case err != nil:
		log.Error("deployment could not be recorded", "error", err)
		cause = &ipaas.DeploymentError{Reason: ipaas.ReasonDeployInterrupted, Retryable: true, Message: "the deployment was interrupted: " + interruption(err)}
	}
	c.result.Executions = executions
	ctx := context.WithoutCancel(p.stop)
	if cause == nil {
		c.err = p.commit(ctx, c)
	} else {
		c.err = p.rollback(ctx, c, *cause)
	}
	if c.err != nil {
		p.insistOnEnd(c.deployment, c.err)
		log.Warn("deployment failed", "error", c.err)
	} else {
		log.Info("deployment succeeded")
	}
	p.wake()
}

// interruption says in words for users why recording failed; what the store said is in the log.
func interruption(err error) string {
	if errors.Is(err, errShutdown) {
		return errShutdown.Error()
	}
	return "what happened could not be stored"
}

// runDeployFlows runs the instance-deploy flows one after another, up to the first that fails.
func (p *Plane) runDeployFlows(ctx context.Context, c *candidate) ([]ipaas.Execution, *ipaas.DeploymentError, error) {
	var executions []ipaas.Execution
	earlier, err := p.earlierExecutions(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	for _, flow := range c.program.FlowsByTrigger(ipaas.TriggerInstanceDeploy) {
		if err := c.halted(); err != nil {
			return executions, nil, err
		}
		ex, passing, err := p.runDeployFlow(ctx, c, flow, earlier[flow.ID])
		if err != nil {
			return executions, nil, err
		}
		executions = append(executions, ex)
		if ex.State != ipaas.ExecutionSucceeded {
			return executions, deployFailure(c, flow, ex, passing), nil
		}
		if !p.clock.steady().Before(c.until) {
			return executions, deployTimeout(c, flow, ex), nil
		}
	}
	return executions, nil, nil
}

// earlierExecutions returns the executions that a deployment which is carried on had before the server stopped, by flow.
func (p *Plane) earlierExecutions(ctx context.Context, c *candidate) (map[string]*ipaas.Execution, error) {
	earlier := map[string]*ipaas.Execution{}
	for _, id := range c.deployment.ExecutionIDs {
		ex, err := p.store.GetExecution(ctx, id)
		if err != nil {
			return nil, err
		}
		earlier[ex.FlowID] = &ex
	}
	return earlier, nil
}

// runDeployFlow runs a flow of a deployment. One that ran earlier is not run again, and one that was torn goes on after the last step
// that was recorded, as the same execution: its steps send the same idempotency keys. passing tells that what made it fail may be over
// later.
func (p *Plane) runDeployFlow(
	ctx context.Context, c *candidate, flow *ipaas.Flow, earlier *ipaas.Execution,
) (ex ipaas.Execution, passing bool, err error) {
	switch {
	case earlier == nil:
		ex, err = p.startDeployFlow(ctx, c, flow)
	case earlier.State.Ended():
		return *earlier, false, nil
	default:
		ex, err = p.store.ResumeExecution(ctx, earlier.ID, p.now().Add(p.limits.Lease))
	}
	if err != nil {
		return ex, false, p.stopped(err)
	}
	ex, h, err := p.run(ctx, &job{
		execution: ex, instance: c.instance, program: c.program, settings: c.settings, urls: c.urls,
		deployment: c.deployment.ID, reconcile: true, deadline: c.until, halted: c.halted,
	})
	return ex, h.outcome.Passing, err
}

func (p *Plane) startDeployFlow(ctx context.Context, c *candidate, flow *ipaas.Flow) (ipaas.Execution, error) {
	now := p.now()
	g := c.deployment.Candidate
	ex := ipaas.Execution{
		ID: ipaas.NewID("exe"), InstanceID: c.instance.ID, CustomerID: c.instance.CustomerID, IntegrationID: c.instance.IntegrationID,
		Version: g.Version, DefinitionHash: g.DefinitionHash, FlowID: flow.ID, FlowDisplayName: flow.DisplayName,
		DeploymentID: c.deployment.ID, Generation: g.Number, ConfigRevision: g.ConfigRevision, State: ipaas.ExecutionRunning,
		Invoke: ipaas.InvokeInstanceDeploy, Inline: true, Attempts: 1, CreateTime: now, StartTime: now, LeaseTime: now.Add(p.limits.Lease),
	}
	return ex, p.store.StartExecution(ctx, ex)
}

func deployFailure(c *candidate, flow *ipaas.Flow, ex ipaas.Execution, passing bool) *ipaas.DeploymentError {
	if ex.Error != nil && ex.Error.Reason == ipaas.ExecutionTimeout {
		return deployTimeout(c, flow, ex)
	}
	e := &ipaas.DeploymentError{
		Reason: ipaas.ReasonInitFlowFailed, FlowID: flow.ID, ExecutionID: ex.ID,
		Message: fmt.Sprintf("flow %q failed", flow.DisplayName), Retryable: passing,
	}
	if ex.Error != nil {
		e.StepID = ex.Error.StepID
		e.Message += ": " + ex.Error.Message
	}
	return e
}

func deployTimeout(c *candidate, flow *ipaas.Flow, ex ipaas.Execution) *ipaas.DeploymentError {
	e := &ipaas.DeploymentError{
		Reason: ipaas.ReasonDeployTimeout, FlowID: flow.ID, ExecutionID: ex.ID, Retryable: true,
		Message: fmt.Sprintf("the deployment did not end within its %s, in flow %q: give the integration a longer deploy timeout, or make the flow quicker",
			c.deployment.Deadline.Sub(c.deployment.CreateTime), flow.DisplayName),
	}
	if ex.Error != nil {
		e.StepID = ex.Error.StepID
	}
	return e
}

// commit switches to the candidate, and only then removes what the old generation had and the new one has no more.
func (p *Plane) commit(ctx context.Context, c *candidate) error {
	fault.Point("deploy-commit")
	keeps, mask := false, access.Mask(c.urls)
	c.takeover.State = func(waiting []storage.StateChange) ([]storage.StateChange, error) {
		keeps = len(waiting) > 0
		return p.states.Committed(c.deployment.ID, waiting, func(v any) (any, bool) { return withoutSecrets(c.settings, mask, v) })
	}
	superseded, err := p.store.CommitDeployment(ctx, c.deployment.ID, p.now(), c.takeover)
	if keeps && state.Refused(err) {
		return p.rollback(ctx, c, ipaas.DeploymentError{
			Reason: ipaas.ReasonInitFlowFailed, Message: "what its flows keep cannot be kept: " + err.Error(),
		})
	}
	if err != nil {
		return fmt.Errorf("commit deployment %s: %w", c.deployment.ID, err)
	}
	fault.Point("deploy-committed")
	// From here on the deployment has succeeded, whatever becomes of what it superseded.
	undone, givenBack, err := p.ledger.UndoAll(ctx, c.instance, superseded)
	if err == nil {
		err = p.recordChanges(ctx, c, slices.Concat(undone, givenBack), ipaas.ChangeObsoleteRemoved)
	}
	if err != nil {
		p.logger.Error("record what a deployment removed", "deployment", c.deployment.ID, "error", err)
	}
	return p.fillResult(ctx, c)
}

// fillResult reads what the answer shows.
func (p *Plane) fillResult(ctx context.Context, c *candidate) error {
	d, err := p.store.GetDeployment(ctx, c.deployment.InstanceID, c.deployment.ID)
	if err != nil {
		return err
	}
	in, err := p.store.GetInstance(ctx, c.deployment.InstanceID)
	if err != nil {
		return err
	}
	c.result.Instance, c.result.Deployment = in, &d
	c.result.URLs = flowURLs(c.program.Definition(), c.urls)
	return nil
}

func flowURLs(def *ipaas.Definition, urls map[string]string) []FlowURL {
	list := make([]FlowURL, len(def.Flows))
	for i := range def.Flows {
		list[i] = FlowURL{DisplayName: def.Flows[i].DisplayName, URL: urls[def.Flows[i].ID]}
	}
	return list
}

func deploymentRunning(d ipaas.Deployment) error {
	return &ipaas.Error{
		Kind: ipaas.Conflict, Reason: ipaas.ReasonDeploymentRunning,
		Message: fmt.Sprintf("deployment %s of instance %q is running: wait for its end, or join it with its request id", d.ID, d.InstanceID),
		Meta:    map[string]string{"instance_id": d.InstanceID, "deployment_id": d.ID},
	}
}

func configIncomplete(in ipaas.Instance, problems []ipaas.Violation) error {
	whose, meta := fmt.Sprintf("instance %q", in.ID), map[string]string{"instance_id": in.ID}
	if in.Kind == ipaas.InstanceTest {
		whose, meta["integration_id"] = fmt.Sprintf("the test instance of integration %q", in.IntegrationID), in.IntegrationID
	}
	return &ipaas.Error{
		Kind: ipaas.Precondition, Reason: ipaas.ReasonConfigIncomplete, Meta: meta, Violations: problems,
		Message: whose + " cannot run until its config values are complete and valid: set the fields named",
	}
}
