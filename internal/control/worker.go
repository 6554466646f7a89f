package control

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	defer p.background.Wait()
	defer p.cancel(errShutdown)
	p.background.Go(func() { p.takeOver(p.stop) }) // other systems may be slow: what is accepted does not wait for it
	slots := make(chan struct{}, p.limits.Workers)
	poll, expire := time.NewTicker(pollEvery), time.NewTicker(expireEvery)
	defer poll.Stop()
	defer expire.Stop()
	for {
		p.claimAll(ctx, slots)
		select {
		case <-ctx.Done():
			return nil
		case <-p.nudge:
		case <-poll.C:
		case <-expire.C:
			p.expire(ctx)
		}
	}
}

func (p *Plane) expire(ctx context.Context) {
	now := p.now()
	if _, err := p.store.Expire(ctx, now, now.Add(-p.limits.HeldFor)); err != nil && ctx.Err() == nil {
		p.logger.Error("clear away what has had its time", "error", err)
	}
	if requeued, _, err := p.store.RecoverExecutions(ctx, now); err != nil && ctx.Err() == nil {
		p.logger.Error("recover executions", "error", err)
	} else if requeued > 0 {
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

// claimAll runs what is queued, as many at a time as there are slots.
func (p *Plane) claimAll(ctx context.Context, slots chan struct{}) {
	for ctx.Err() == nil {
		select {
		case slots <- struct{}{}:
		default:
			return // a slot that becomes free wakes the worker
		}
		now := p.now()
		ex, err := p.store.ClaimExecution(ctx, now, now.Add(p.limits.Lease))
		if err != nil {
			<-slots
			if !errors.Is(err, ipaas.NotFound) && ctx.Err() == nil {
				p.logger.Error("claim an execution", "error", err)
			}
			return
		}
		p.background.Go(func() {
			defer func() {
				<-slots
				p.wake()
			}()
			if err := p.runClaimed(p.stop, ex); err != nil {
				p.logger.Error("run an execution", "execution", ex.ID, "error", err)
			}
		})
	}
}

// runClaimed runs an execution that the worker has taken.
func (p *Plane) runClaimed(ctx context.Context, ex ipaas.Execution) error {
	fault.Point("execution-claimed")
	p.tails.notify(ex.ID)
	in, err := p.store.GetInstance(ctx, ex.InstanceID)
	if errors.Is(err, ipaas.NotFound) {
		return p.giveUp(ctx, ex, "its instance is gone")
	}
	if err != nil {
		return err // it is not known: the next attempt goes on
	}
	j, err := p.boundJob(ctx, in, ex)
	if err != nil {
		return err
	}
	if len(j.settings.problems) > 0 {
		return p.giveUp(ctx, ex, "its config is not valid any more: "+j.settings.problems[0].Field+" "+j.settings.problems[0].Description)
	}
	flow := j.program.Flow(ex.FlowID)
	if flow == nil {
		return p.giveUp(ctx, ex, fmt.Sprintf("the version that serves now has no flow %q any more", ex.FlowID))
	}
	_, _, err = p.run(ctx, j)
	return err
}

// boundJob makes ready what an execution was bound to when it first started.
func (p *Plane) boundJob(ctx context.Context, in ipaas.Instance, ex ipaas.Execution) (*job, error) {
	j := &job{execution: ex, instance: in}
	var err error
	if ex.Generation > 0 {
		g, err := p.store.GetGeneration(ctx, in.ID, ex.Generation)
		if err != nil {
			return nil, err
		}
		if j.program, err = p.generationProgram(ctx, g); err != nil {
			return nil, err
		}
	} else {
		def, err := p.store.GetDefinition(ctx, ex.DefinitionHash)
		if err != nil {
			return nil, err
		}
		if j.program, _, err = p.catalogue.program(ctx, &def, ex.DefinitionHash, nil); err != nil {
			return nil, err
		}
	}
	cfg, err := p.store.GetConfig(ctx, in.ID, ex.ConfigRevision)
	if err != nil {
		return nil, err
	}
	if j.settings, err = p.settings(in.UID, j.program, cfg); err != nil {
		return nil, err
	}
	j.urls, err = p.urls(ctx, in.ID)
	return j, err
}

// giveUp ends an execution that cannot be run.
func (p *Plane) giveUp(ctx context.Context, ex ipaas.Execution, why string) error {
	ex.State, ex.EndTime = ipaas.ExecutionFailed, p.now()
	ex.Error = &ipaas.ExecutionError{Reason: ipaas.ExecutionTriggerFailed, Message: "the execution could not be started: " + why}
	err := p.store.FinishExecution(context.WithoutCancel(ctx), ex)
	p.tails.notify(ex.ID)
	return err
}

// Ready reports whether the plane can work.
func (p *Plane) Ready(ctx context.Context) error { return p.store.Ping(ctx) }
