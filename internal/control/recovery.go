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
	resumed   []*candidate       // deployments that are carried on
	rolled    []ipaas.Deployment // deployments that are rolled back
	deletions []ipaas.Instance
	undeploys []ipaas.Instance // with the generation that served
}

// takeStock finds what a stopped server left, before this one begins anything: executions that were running, which can go on at once,
// and deployments and deletions that did not end. The store belongs to one process at a time, so at this moment nothing that is marked
// as running runs, whatever its lease says. It calls no other system: those may be slow, and the start does not wait for them.
func (p *Plane) takeStock(ctx context.Context) (err error) {
	if _, err := p.recoverExecutions(ctx, p.now(), true); err != nil {
		return err
	}
	if err := p.recoverRemovals(ctx, p.now().Add(time.Microsecond)); err != nil {
		return err
	}
	unfinished, err := p.store.UnfinishedDeployments(ctx)
	if err != nil {
		return fmt.Errorf("find unfinished deployments: %w", err)
	}
	for _, d := range unfinished {
		p.takeStockOf(ctx, d)
	}
	if p.left.undeploys, err = p.store.UnfinishedUndeployments(ctx); err != nil {
		return fmt.Errorf("find unfinished undeployments: %w", err)
	}
	if p.left.deletions, err = p.unfinishedDeletions(ctx); err != nil {
		return fmt.Errorf("find unfinished deletions: %w", err)
	}
	return nil
}

// recoverExecutions deals with executions whose lease had ended at a moment, or all, whatever their leases say. Those that this process
// runs are none of them, however far the clock was moved. It returns whether some are to be run again.
func (p *Plane) recoverExecutions(ctx context.Context, at time.Time, all bool) (again bool, err error) {
	done, err := p.store.RecoverExecutions(ctx, at, storage.Recovery{MaxCrashes: p.limits.MaxCrashes, Except: p.live.ids(), All: all})
	if err != nil {
		return false, fmt.Errorf("recover executions: %w", err)
	}
	if done != (storage.Recovered{}) {
		p.logger.Info("executions that nobody ran any more recovered",
			"requeued", done.Requeued, "failed", done.Failed, "dead_lettered", done.DeadLettered, "canceled", done.Canceled)
	}
	return done != (storage.Recovered{}), nil
}

// takeStockOf decides what becomes of a deployment that did not end. One that is carried on can be joined from this moment on.
func (p *Plane) takeStockOf(ctx context.Context, d ipaas.Deployment) {
	if d.State != ipaas.DeploymentRunning || d.Resumes > 0 || !p.now().Before(d.Deadline) {
		p.left.rolled = append(p.left.rolled, d)
		return
	}
	c, err := p.resumable(ctx, d)
	if err != nil {
		p.logger.Error("carry on a deployment", "instance", d.InstanceID, "deployment", d.ID, "error", err)
		p.left.rolled = append(p.left.rolled, d)
		return
	}
	p.deploys.put(c)
	p.left.resumed = append(p.left.resumed, c)
}

// resumable makes the candidate of a deployment again as it was when the deployment was begun.
func (p *Plane) resumable(ctx context.Context, d ipaas.Deployment) (*candidate, error) {
	c, err := p.leftCandidate(ctx, d)
	if err != nil {
		return nil, err
	}
	cfg, err := p.store.GetConfig(ctx, d.InstanceID, d.Candidate.ConfigRevision)
	if err != nil {
		return nil, err
	}
	if c.settings, err = p.configs.Settings(c.instance.UID, c.program, cfg); err != nil {
		return nil, err
	}
	if len(c.settings.Problems) > 0 {
		return nil, configIncomplete(c.instance, c.settings.Problems)
	}
	if c.urls, err = p.access.URLs(ctx, d.InstanceID); err != nil {
		return nil, err
	}
	// From here on it counts as carried on: one that makes the server stop again is not tried for ever.
	c.deployment, err = p.store.ResumeDeployment(ctx, d.ID)
	return c, err
}

// leftCandidate makes of a deployment that did not end as much as it takes to roll it back.
func (p *Plane) leftCandidate(ctx context.Context, d ipaas.Deployment) (*candidate, error) {
	in, err := p.store.GetInstance(ctx, d.InstanceID)
	if err != nil {
		return nil, err
	}
	program, err := p.generationProgram(ctx, d.Candidate)
	if err != nil {
		return nil, err
	}
	return newCandidate(d, in, program, nil), nil
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

// takeOver goes on with what a stopped server left: deployments, deletions, and removals in other systems that were decided. They do
// not wait for each other: each may hang on a system that is slow.
func (p *Plane) takeOver(ctx context.Context) {
	for _, c := range p.left.resumed {
		p.background.Go(func() { p.carryOut(c) })
	}
	for _, d := range p.left.rolled {
		p.background.Go(func() {
			if err := p.rollBackLeft(ctx, d); err != nil {
				p.logger.Error("recover a deployment", "instance", d.InstanceID, "deployment", d.ID, "error", err)
				p.insistOnEnd(d, err)
			}
		})
	}
	for _, in := range slices.Concat(p.left.undeploys, p.left.deletions) {
		p.background.Go(func() {
			if _, err := p.carryOutRemoval(in, in); err != nil {
				p.logger.Error("go on with a removal", "instance", in.ID, "error", err)
				_ = p.insistOnRemoval(in, err) // who asked for it is gone
			}
		})
	}
	p.left = leftovers{}
}

// rollBackLeft rolls back a deployment that is not carried on, or goes on with its rollback.
func (p *Plane) rollBackLeft(ctx context.Context, d ipaas.Deployment) error {
	c, err := p.leftCandidate(ctx, d)
	if err != nil {
		return err
	}
	if d.State == ipaas.DeploymentRunning {
		err = p.rollback(ctx, c, ipaas.DeploymentError{
			Reason: ipaas.ReasonDeployInterrupted, Retryable: true, Message: "the server stopped while the deployment was running: deploy again",
		})
		if ipaas.ReasonOf(err) == ipaas.ReasonDeployInterrupted {
			return nil
		}
		return err
	}
	left, err := p.store.RollbackLeft(ctx, d.ID)
	if err != nil {
		return err
	}
	return p.finishRollback(ctx, c, left)
}

// recoverRemovals makes what was to be removed in other systems since before a moment, and nobody has removed, debts that are due: the
// server stopped in between, or the store failed. Deployments that are rolled back and removals that go on see to their own.
func (p *Plane) recoverRemovals(ctx context.Context, before time.Time) error {
	found, err := p.store.RecoverRemovals(ctx, before, p.now())
	if err != nil {
		return fmt.Errorf("recover removals: %w", err)
	}
	if found > 0 {
		p.logger.Info("what was left to be removed in other systems is tried again", "registrations", found)
	}
	return nil
}
