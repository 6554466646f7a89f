package control

import (
	"context"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

// handshake lets a deployment under way answer a handshake; nil if it is none. A refusal does not count here: what serves is asked
// next, and where only the candidate has the flow, the candidate once more.
func (p *Plane) handshake(ctx context.Context, c *candidate, r *request) *ipaas.Response {
	j := c.job()
	flow, err := p.flowOf(ctx, j, r)
	if err != nil || flow == nil {
		return nil
	}
	reception, err := p.letIn(ctx, j, flow, r)
	if err != nil {
		return nil
	}
	return reception.Answer
}

func (c *candidate) job() *job {
	g := c.deployment.Candidate
	return &job{
		instance: c.instance, program: c.program, settings: c.settings, urls: c.urls,
		execution: ipaas.Execution{
			InstanceID: c.instance.ID, CustomerID: c.instance.CustomerID, IntegrationID: c.instance.IntegrationID,
			Version: g.Version, DefinitionHash: g.DefinitionHash, Generation: g.Number, ConfigRevision: g.ConfigRevision,
		},
	}
}

// acceptByCandidate takes what is for a flow that only the deployment under way has: a synchronous request runs at once, an event is
// held until the deployment ends.
func (p *Plane) acceptByCandidate(ctx context.Context, c *candidate, r *request) (Reply, error) {
	j := c.job()
	flow, err := p.flowOf(ctx, j, r)
	if err != nil {
		return Reply{}, err
	}
	reception, err := p.letIn(ctx, j, flow, r)
	if err != nil {
		return Reply{}, err
	}
	if r.prefs.synchronous(flow) || hop(r.payload) > 0 && r.prefs.Wait > 0 && flow.Ordering == nil {
		return p.runSynchronously(ctx, j, flow, r, reception)
	}
	return p.enqueueUnbound(ctx, j, flow, r, reception)
}

// holdForDeployment keeps an event for an instance whose deployment failed or is not in this process; the next one releases it. It is
// received as the flow was to receive it that could not be deployed.
func (p *Plane) holdForDeployment(ctx context.Context, in ipaas.Instance, r *request) (Reply, error) {
	j, err := p.triedJob(ctx, in)
	if err != nil {
		return Reply{}, err
	}
	flow, err := p.flowOf(ctx, j, r)
	if err != nil {
		return Reply{}, err
	}
	if flow == nil {
		return Reply{}, unknownFlow()
	}
	reception, err := p.letIn(ctx, j, flow, r)
	if err != nil {
		return Reply{}, err
	}
	if reception.Answer != nil {
		return Reply{Response: *reception.Answer}, nil
	}
	return p.enqueueUnbound(ctx, j, flow, r, reception)
}

// enqueueUnbound keeps an event that belongs to no generation until it first starts.
func (p *Plane) enqueueUnbound(ctx context.Context, j *job, flow *ipaas.Flow, r *request, reception component.Reception) (Reply, error) {
	ex := p.newEvent(j, flow, r)
	a, err := p.admission(ctx, j, flow, &ex, false)
	if err != nil {
		return Reply{}, err
	}
	ex.Generation, ex.DefinitionHash, ex.Version, ex.ConfigRevision = 0, "", 0, 0
	return p.enqueue(ctx, ex, a, reception)
}

// triedJob makes ready what the newest deployment of an instance was to serve.
func (p *Plane) triedJob(ctx context.Context, in ipaas.Instance) (*job, error) {
	page, err := p.store.ListDeployments(ctx, in.ID, lastOnly)
	if err != nil {
		return nil, err
	}
	if len(page.Items) == 0 {
		return nil, unknownHook()
	}
	c := &candidate{instance: in, deployment: page.Items[0]}
	if c.program, err = p.generationProgram(ctx, c.deployment.Candidate); err != nil {
		return nil, err
	}
	cfg, err := p.store.GetConfig(ctx, in.ID, c.deployment.Candidate.ConfigRevision)
	if err != nil {
		return nil, err
	}
	if c.settings, err = p.configs.Settings(in.UID, c.program, cfg); err != nil {
		return nil, err
	}
	c.urls, err = p.access.URLs(ctx, in.ID)
	return c.job(), err
}
