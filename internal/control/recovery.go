package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// leftovers is what a stopped server left half done.
type leftovers struct {
	deployments []ipaas.Deployment
	deletions   []ipaas.Instance
	undeploys   []ipaas.Instance // with the generation that served
}

// anyLease is later than every lease ends.
const anyLease = 100 * 365 * 24 * time.Hour

// takeStock finds what a stopped server left, before this one begins anything: executions that were running, which can go on at once,
// and deployments and deletions that did not end. The store belongs to one process at a time, so at this moment nothing that is marked
// as running runs, whatever its lease says.
func (p *Plane) takeStock(ctx context.Context) (err error) {
	if _, err := p.recoverExecutions(ctx, p.now().Add(anyLease)); err != nil {
		return err
	}
	if owed, err := p.store.RecoverRemovals(ctx, p.now()); err != nil {
		return fmt.Errorf("recover removals: %w", err)
	} else if owed > 0 {
		p.logger.Info("what a stopped server did not remove is tried again", "registrations", owed)
	}
	if p.left.deployments, err = p.store.UnfinishedDeployments(ctx); err != nil {
		return fmt.Errorf("find unfinished deployments: %w", err)
	}
	if p.left.undeploys, err = p.store.UnfinishedUndeployments(ctx); err != nil {
		return fmt.Errorf("find unfinished undeployments: %w", err)
	}
	if p.left.deletions, err = p.unfinishedDeletions(ctx); err != nil {
		return fmt.Errorf("find unfinished deletions: %w", err)
	}
	return nil
}

// recoverExecutions deals with executions whose lease had ended at a moment. Those that this process runs are none of them, however far
// the clock was moved. It returns whether some are to be run again.
func (p *Plane) recoverExecutions(ctx context.Context, at time.Time) (again bool, err error) {
	done, err := p.store.RecoverExecutions(ctx, at, storage.Recovery{MaxCrashes: p.limits.MaxCrashes, Except: p.live.ids()})
	if err != nil {
		return false, fmt.Errorf("recover executions: %w", err)
	}
	if done != (storage.Recovered{}) {
		p.logger.Info("executions that nobody ran any more recovered",
			"requeued", done.Requeued, "failed", done.Failed, "dead_lettered", done.DeadLettered, "canceled", done.Canceled)
	}
	return done != (storage.Recovered{}), nil
}

func (p *Plane) unfinishedDeletions(ctx context.Context) ([]ipaas.Instance, error) {
	query := storage.Query{Size: 100, Filter: &storage.Filter{
		Field: "state", Operator: storage.Equal, Value: string(ipaas.InstanceDeleting),
	}}
	var left []ipaas.Instance
	for {
		page, err := p.store.ListInstances(ctx, query)
		if err != nil {
			return nil, err
		}
		left = append(left, page.Items...)
		if page.Next == "" {
			return left, nil
		}
		query.After = page.Next
	}
}

// takeOver rolls back the deployments and goes on with the deletions that a stopped server left.
func (p *Plane) takeOver(ctx context.Context) {
	for _, d := range p.left.deployments {
		if err := p.recoverDeployment(ctx, d); err != nil {
			p.logger.Error("recover a deployment", "instance", d.InstanceID, "deployment", d.ID, "error", err)
		}
	}
	for _, in := range slices.Concat(p.left.undeploys, p.left.deletions) {
		if _, err := p.carryOutRemoval(in, in); err != nil {
			p.logger.Error("go on with a removal", "instance", in.ID, "error", err)
		}
	}
	p.left = leftovers{}
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
