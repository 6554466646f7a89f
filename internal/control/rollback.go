package control

import (
	"context"
	"fmt"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// RollbackInstance deploys the version and the config of an earlier deployment again, as any deployment is made. Without an id it is the
// one before that whose generation serves.
func (p *Plane) RollbackInstance(ctx context.Context, id, deploymentID string, m Mutation) (DeployResult, error) {
	// A deployment is joined by its request, and what asks for a deployment must not join a rollback.
	m.RequestHash = "rollback " + m.RequestHash
	return p.deploy(ctx, id, m, func(in ipaas.Instance) (*candidate, error) {
		source, err := p.rollbackSource(ctx, in, deploymentID)
		if err != nil {
			return nil, err
		}
		if in.Config, err = p.store.GetConfig(ctx, in.ID, source.Candidate.ConfigRevision); err != nil {
			return nil, err
		}
		c, err := p.prepare(ctx, in, source.Candidate.Version)
		if err != nil {
			return nil, err
		}
		c.deployment.SourceID = source.ID
		return c, nil
	})
}

// rollbackSource returns the deployment to go back to.
func (p *Plane) rollbackSource(ctx context.Context, in ipaas.Instance, deploymentID string) (ipaas.Deployment, error) {
	if deploymentID == "" {
		return p.deploymentBefore(ctx, in)
	}
	d, err := p.store.GetDeployment(ctx, in.ID, deploymentID)
	if err == nil && d.State != ipaas.DeploymentSucceeded {
		err = nothingToRollBack(in.ID, fmt.Sprintf("deployment %q did not succeed: name one that did", deploymentID))
	}
	return d, err
}

// deploymentBefore returns the deployment of the generation before the one that serves.
func (p *Plane) deploymentBefore(ctx context.Context, in ipaas.Instance) (ipaas.Deployment, error) {
	if in.Generation == 0 {
		return ipaas.Deployment{}, nothingToRollBack(in.ID, "nothing of it serves: deploy it, or name a deployment to go back to")
	}
	query := storage.Query{Size: 10, Filter: &storage.Filter{
		Field: "state", Operator: storage.Equal, Value: string(ipaas.DeploymentSucceeded),
	}}
	for {
		page, err := p.store.ListDeployments(ctx, in.ID, query)
		if err != nil {
			return ipaas.Deployment{}, err
		}
		for _, d := range page.Items {
			if d.Candidate.Number < in.Generation {
				return d, nil
			}
		}
		if page.Next == "" {
			return ipaas.Deployment{}, nothingToRollBack(in.ID, "the deployment that serves is its first: there is none before it")
		}
		query.After = page.Next
	}
}

func nothingToRollBack(instanceID, why string) error {
	return &ipaas.Error{
		Kind: ipaas.Precondition, Reason: ipaas.ReasonNothingToRollBack,
		Message: fmt.Sprintf("instance %q cannot be rolled back: %s", instanceID, why),
		Meta:    map[string]string{"instance_id": instanceID},
	}
}
