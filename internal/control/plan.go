package control

import (
	"context"
	"slices"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// lastOnly asks for the newest of a list.
var lastOnly = storage.Query{Size: 1}

// planDeployment fails exactly when the deployment would not begin, and else tells what it would do.
func (p *Plane) planDeployment(
	ctx context.Context, id string, m Mutation, prepare func(ipaas.Instance) (*candidate, error),
) (DeployResult, error) {
	in, err := p.standardAt(ctx, id, m.Base)
	if err != nil {
		return DeployResult{}, err
	}
	c, err := prepare(in)
	if err != nil {
		return DeployResult{}, err
	}
	if err := p.refuseSecond(ctx, in); err != nil {
		return DeployResult{}, err
	}
	return p.plan(ctx, in, c)
}

// plan tells what a deployment would do, without doing anything.
func (p *Plane) plan(ctx context.Context, in ipaas.Instance, c *candidate) (DeployResult, error) {
	urls, err := p.access.URLs(ctx, in.ID)
	if err != nil {
		return DeployResult{}, err
	}
	def := c.program.Definition()
	plan := &DeployPlan{
		Version: c.deployment.Candidate.Version, Generation: c.deployment.Candidate.Number, URLs: flowURLs(def, urls),
	}
	keys, err := p.countKeys(ctx, in, def)
	if err != nil {
		return DeployResult{}, err
	}
	for i := range def.Flows {
		if f := &def.Flows[i]; f.Security.Locked(keys[f.ID]) {
			plan.LockedFlowIDs = append(plan.LockedFlowIDs, f.ID)
		}
	}
	creations := map[string]bool{}
	for _, flow := range c.program.FlowsByTrigger(ipaas.TriggerInstanceDeploy) {
		plan.FlowIDs = append(plan.FlowIDs, flow.ID)
		for _, stepID := range c.program.Creations(flow.ID) {
			creations[flow.ID+"/"+stepID] = true
			plan.PossibleCreations = append(plan.PossibleCreations, flow.ID+"/"+stepID)
		}
	}
	if plan.ChangedVariableIDs, err = p.changedVariables(ctx, c.instance, def); err != nil {
		return DeployResult{}, err
	}
	rows, err := p.store.ListRegistrations(ctx, in.ID, ipaas.RegistrationCreated)
	if err != nil {
		return DeployResult{}, err
	}
	for _, r := range rows {
		if r.DeploymentID != "" && !creations[r.FlowID+"/"+r.StepID] {
			plan.Obsolete = append(plan.Obsolete, r)
		}
	}
	if plan.Obsolete, err = p.revealedRegistrations(ctx, in.ID, plan.Obsolete); err != nil {
		return DeployResult{}, err
	}
	return DeployResult{Instance: in, URLs: plan.URLs, Plan: plan}, nil
}

// changedVariables returns the config variables whose values differ from those the serving generation has.
func (p *Plane) changedVariables(ctx context.Context, in ipaas.Instance, def *ipaas.Definition) ([]string, error) {
	serving, err := p.store.GetConfig(ctx, in.ID, in.ServingConfig)
	if err != nil {
		return nil, err
	}
	var changed []string
	for i := range def.ConfigVariables {
		id := def.ConfigVariables[i].ID
		a, was := serving.Values[id]
		b, is := in.Config.Values[id]
		if was != is || !config.Equal(map[string]ipaas.ConfigValue{id: a}, map[string]ipaas.ConfigValue{id: b}) {
			changed = append(changed, id)
		}
	}
	return slices.Clip(changed), nil
}

// DeployPlan is what a deployment would do.
type DeployPlan struct {
	Version, Generation int
	URLs                []FlowURL // a flow that is new in the version has none yet
	FlowIDs             []string  // instance-deploy flows, in their order
	LockedFlowIDs       []string  // flows that will let nobody in, since they ask for a key and there is none
	ChangedVariableIDs  []string
	Obsolete            []ipaas.Registration
	PossibleCreations   []string // flow-id/step-id
}

func (p *Plane) refuseSecond(ctx context.Context, in ipaas.Instance) error {
	page, err := p.store.ListDeployments(ctx, in.ID, lastOnly)
	if err != nil || len(page.Items) == 0 || page.Items[0].State.Ended() {
		return err
	}
	return deploymentRunning(page.Items[0])
}
