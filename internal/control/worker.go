package control

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
)

// pollEvery is how often the worker looks for work without being told; it heals what a lost nudge would leave.
const pollEvery = time.Second

// expireEvery is how often what has had its time is cleared away.
const expireEvery = time.Minute

// Run works until ctx ends: it finishes what a stopped server left, runs accepted executions, and clears away what has had its time.
// Then it waits for the work under way, which is told to stop.
func (p *Plane) Run(ctx context.Context) error {
	defer p.Close()
	p.background.Go(func() { p.takeOver(p.stop) }) // other systems may be slow: what is accepted does not wait for it
	p.background.Go(func() { p.ledger.PayDebts(ctx) })
	p.background.Go(func() { p.keepTime(ctx) })
	p.background.Go(func() { p.resumeUpgrades(p.stop) })
	poll, expire := time.NewTicker(pollEvery), time.NewTicker(expireEvery)
	defer poll.Stop()
	defer expire.Stop()
	due := time.NewTimer(pollEvery)
	defer due.Stop()
	for {
		p.claimAll(ctx)
		p.sleep(ctx, due)
		select {
		case <-ctx.Done():
			return nil
		case <-p.nudge:
		case <-due.C:
		case <-poll.C:
		case <-expire.C:
			p.expire(ctx)
		}
	}
}

// Close tells the work under way to stop, and waits for it. Who called Run need not.
func (p *Plane) Close() {
	p.cancel(errShutdown)
	p.background.Wait()
}

func (p *Plane) expire(ctx context.Context) {
	over, now := p.clock.atLeast(), p.now()
	if _, err := p.store.Expire(ctx, over, over.Add(-p.limits.HeldFor)); err != nil && ctx.Err() == nil {
		p.logger.Error("clear away what has had its time", "error", err)
	}
	// Longer than any removal that goes on.
	if err := p.recoverRemovals(ctx, now.Add(-3*p.limits.Removal)); err != nil && ctx.Err() == nil {
		p.logger.Error("look for removals that nobody carries out", "error", err)
	}
	if again, err := p.recoverExecutions(ctx, now, false); err != nil && ctx.Err() == nil {
		p.logger.Error("look for executions that nobody runs", "error", err)
	} else if again {
		p.wake()
	}
}

// wake tells the worker that there may be something to claim.
func (p *Plane) wake() {
	select {
	case p.nudge <- struct{}{}:
	default:
	}
}

// claimAll runs what is queued, as far as there are workers. One that becomes free wakes it.
func (p *Plane) claimAll(ctx context.Context) {
	for ctx.Err() == nil {
		claimed, err := p.claim(ctx, p.limits.Workers)
		if err != nil && ctx.Err() == nil {
			p.logger.Error("claim executions", "error", err)
		}
		for _, c := range claimed {
			p.background.Go(func() {
				defer func() {
					p.workers.giveBack(c.customerID)
					p.wake()
				}()
				defer c.leave()
				if err := p.runClaimed(c.ctx, c.execution); err != nil {
					p.logger.Error("run an execution", "execution", c.id, "error", err)
				}
			})
		}
		if len(claimed) < p.limits.Workers {
			return
		}
	}
}

// claimed is an execution that the worker has taken. It is among the live ones.
type claimed struct {
	id, customerID string
	execution      *ipaas.Execution // of which the run takes the payload along
	ctx            context.Context  //nolint:containedctx // it is handed on to the run at once
	leave          func()
}

// claim takes executions that are queued. From when they are stored as RUNNING they can be cut.
func (p *Plane) claim(ctx context.Context, most int) ([]claimed, error) {
	p.live.beginning.RLock()
	defer p.live.beginning.RUnlock()
	now := p.now()
	taken, err := p.store.ClaimExecutions(ctx, now, now.Add(p.limits.Lease), most, p.workers.now())
	all := make([]claimed, len(taken))
	for i := range taken {
		ex := taken[i] // alone: those that end first are not held by those that end last
		all[i] = claimed{id: ex.ID, customerID: ex.CustomerID, execution: &ex}
		all[i].ctx, all[i].leave = p.live.enter(p.stop, ex.ID, ex.Attempts)
		p.workers.take(ex.CustomerID)
	}
	return all, err
}

// sleep sets a timer to when the next execution wakes that is asleep. The poll heals what a clock that was moved makes of it.
func (p *Plane) sleep(ctx context.Context, timer *time.Timer) {
	timer.Stop()
	next, err := p.store.NextWake(ctx)
	switch {
	case err != nil && ctx.Err() == nil:
		p.logger.Error("find out when the next execution wakes", "error", err)
	case err == nil && !next.IsZero():
		timer.Reset(max(next.Sub(p.now()), 0))
	}
}

// runClaimed runs an execution that the worker has taken.
func (p *Plane) runClaimed(ctx context.Context, ex *ipaas.Execution) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p.logger.Error("a fault in running an execution", "execution", ex.ID, "fault", v, "stack", string(debug.Stack()))
			err = p.giveUp(ctx, *ex, ipaas.ExecutionFault, faultMessage)
		}
		if err != nil {
			err = p.giveBack(ctx, *ex, err)
		}
	}()
	fault.Point("execution-claimed")
	return p.runPrepared(ctx, ex)
}

// giveBack releases an execution that was cut by the server's stop or by who canceled it, and one that the store would not record:
// neither says anything against it. After other errors it is left to its lease, whose end counts as a crash.
func (p *Plane) giveBack(ctx context.Context, ex ipaas.Execution, cause error) error {
	switch {
	case ctx.Err() != nil:
		cause = nil
	case errors.Is(cause, ipaas.Unavailable):
		wait := time.NewTimer(pollEvery) // the store may need a while
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
	default:
		return cause
	}
	err := p.store.ReleaseExecution(context.WithoutCancel(ctx), ex.ID, ex.Attempts, p.now())
	p.tails.notify(ex.ID) // one that was canceled has ended with that
	return errors.Join(cause, err)
}

// runPrepared makes ready what an execution needs, and runs it.
func (p *Plane) runPrepared(ctx context.Context, ex *ipaas.Execution) error {
	p.tails.notify(ex.ID)
	in, err := p.store.GetInstance(ctx, ex.InstanceID)
	if errors.Is(err, ipaas.NotFound) {
		return p.giveUp(ctx, *ex, ipaas.ExecutionTriggerFailed, "its instance is gone")
	}
	if err != nil {
		return err // it is not known: the next attempt goes on
	}
	j, err := p.boundJob(ctx, in, *ex)
	if err != nil {
		return err
	}
	j.worker = true
	ex.Payload = ipaas.Payload{} // the job has it, and lets go of it while it waits
	if len(j.settings.Problems) > 0 && !ex.Unowned() {
		return p.giveUp(ctx, *ex, ipaas.ExecutionTriggerFailed, "its config is not valid any more: "+j.settings.Problems[0].Field+" "+j.settings.Problems[0].Description)
	}
	flow := j.program.Flow(ex.FlowID)
	if flow == nil {
		return p.giveUp(ctx, *ex, ipaas.ExecutionTriggerFailed, fmt.Sprintf("the version that serves now has no flow %q any more", ex.FlowID))
	}
	ended, h, err := p.run(ctx, j)
	if err == nil && !h.retried {
		p.waiters.answer(ended, h.outcome)
	}
	return err
}

// boundJob makes ready what an execution was bound to when it first started.
func (p *Plane) boundJob(ctx context.Context, in ipaas.Instance, ex ipaas.Execution) (*job, error) {
	j := &job{execution: ex, instance: in}
	if ex.Generation == 0 {
		j.pending = ex.DeploymentID
	}
	var err error
	if j.program, err = p.boundProgram(ctx, in, ex); err != nil {
		return nil, err
	}
	cfg, err := p.store.GetConfig(ctx, in.ID, ex.ConfigRevision)
	if err != nil {
		return nil, err
	}
	if j.settings, err = p.configs.Settings(in.UID, j.program, cfg); err != nil {
		return nil, err
	}
	j.urls, err = p.urlsFor(ctx, in, ex)
	return j, err
}

// boundProgram returns what an execution runs.
func (p *Plane) boundProgram(ctx context.Context, in ipaas.Instance, ex ipaas.Execution) (program *engine.Program, err error) {
	switch {
	case ex.Generation > 0:
		g, err := p.store.GetGeneration(ctx, in.ID, ex.Generation)
		if err != nil {
			return nil, err
		}
		return p.generationProgram(ctx, g)
	case ex.DeploymentID != "":
		// A flow of a deployment has started it: it runs on what that brings.
		d, err := p.store.GetDeployment(ctx, in.ID, ex.DeploymentID)
		if err != nil {
			return nil, err
		}
		return p.generationProgram(ctx, d.Candidate)
	case ex.Unowned():
		program, _, err = p.versionProgram(ctx, ex.IntegrationID, ex.Version)
		return program, err
	}
	def, err := p.store.GetDefinition(ctx, ex.DefinitionHash)
	if err != nil {
		return nil, err
	}
	program, _, err = p.catalogue.Program(ctx, &def, ex.DefinitionHash, nil)
	return program, err
}

// giveUp ends an execution that cannot be run.
func (p *Plane) giveUp(ctx context.Context, ex ipaas.Execution, reason ipaas.ExecutionReason, why string) error {
	ex.State, ex.EndTime = ipaas.ExecutionFailed, p.now()
	ex.Error = &ipaas.ExecutionError{Reason: reason, Message: "the execution could not be started: " + why}
	err := p.store.FinishExecution(context.WithoutCancel(ctx), ex)
	p.tails.notify(ex.ID)
	if err == nil {
		p.waiters.answer(ex, engine.Outcome{State: ex.State, Error: ex.Error})
	}
	return err
}

// Ready reports whether the plane can work.
func (p *Plane) Ready(ctx context.Context) error { return p.store.Ping(ctx) }
