package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// takeOver deals with what a stopped server left: executions that were running, deployments and deletions that did not end. The store
// belongs to one process at a time, so at the start nothing that is marked as running runs, whatever its lease says.
func (p *Plane) takeOver(ctx context.Context) error {
	requeued, failed, err := p.store.RecoverExecutions(ctx, p.now().Add(p.limits.Lease))
	if err != nil {
		return fmt.Errorf("recover executions: %w", err)
	}
	if requeued+failed > 0 {
		p.logger.Info("executions of a stopped server recovered", "requeued", requeued, "failed", failed)
	}
	if err := p.recoverDeployments(ctx); err != nil {
		p.logger.Error("recover deployments", "error", err)
	}
	if err := p.recoverDeletions(ctx); err != nil {
		p.logger.Error("recover deletions", "error", err)
	}
	return nil
}

// recoverDeletions goes on with deletions that were begun.
func (p *Plane) recoverDeletions(ctx context.Context) error {
	query := storage.Query{Size: 100, Filter: &storage.Filter{
		Field: "state", Operator: storage.Equal, Value: string(ipaas.InstanceDeleting),
	}}
	for {
		page, err := p.store.ListInstances(ctx, query)
		if err != nil {
			return err
		}
		for _, in := range page.Items {
			if _, err := p.carryOutRemoval(in, in); err != nil {
				return fmt.Errorf("delete instance %s: %w", in.ID, err)
			}
		}
		if page.Next == "" {
			return nil
		}
		query.After = page.Next
	}
}

// recoverDeployments rolls back what a stopped server left half done.
func (p *Plane) recoverDeployments(ctx context.Context) error {
	unfinished, err := p.store.UnfinishedDeployments(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, d := range unfinished {
		if p.deploys.get(d.InstanceID) != nil {
			continue // it runs in this process
		}
		failed = errors.Join(failed, p.recoverDeployment(ctx, d))
	}
	return failed
}

func (p *Plane) recoverDeployment(ctx context.Context, d ipaas.Deployment) error {
	in, err := p.store.GetInstance(ctx, d.InstanceID)
	if err != nil {
		return err
	}
	program, err := p.generationProgram(ctx, d.Candidate)
	if err != nil {
		return err
	}
	c := &candidate{deployment: d, instance: in, program: program, done: make(chan struct{})}
	cause := ipaas.DeploymentError{Reason: ipaas.ReasonDeployInterrupted, Message: "the server stopped while the deployment was running: deploy again"}
	if d.State == ipaas.DeploymentRunning {
		err = p.rollback(ctx, c, cause)
	} else {
		err = p.resumeRollback(ctx, c)
	}
	if ipaas.ReasonOf(err) == ipaas.ReasonDeployInterrupted {
		return nil
	}
	return err
}

// resumeRollback goes on with a rollback that was begun: what is still to be removed is removed.
func (p *Plane) resumeRollback(ctx context.Context, c *candidate) error {
	pending, err := p.store.ListRegistrations(ctx, c.deployment.InstanceID, ipaas.RegistrationRemovePending)
	if err != nil {
		return err
	}
	var own []ipaas.Registration
	for _, r := range pending {
		if r.DeploymentID == c.deployment.ID {
			own = append(own, r)
		}
	}
	undone, err := p.undoAll(ctx, c.instance, own)
	if err != nil {
		return err
	}
	if err := p.recordChanges(ctx, c, undone, ipaas.ChangeUndone); err != nil {
		return err
	}
	return p.store.FinishRollback(ctx, c.deployment.ID, p.now())
}
