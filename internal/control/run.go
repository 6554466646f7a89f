package control

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
)

// job is an execution with all it takes to run it.
type job struct {
	execution  ipaas.Execution
	instance   ipaas.Instance
	program    *engine.Program
	settings   *settings
	urls       map[string]string // by flow id
	deployment string            // the deployment it is part of; it reconciles the registrations
	reconcile  bool              // registrations are kept over runs: a deployment, or a test of an instance-deploy flow
	deadline   time.Time         // earlier than the execution's own time limit; zero: none
}

// run runs a RUNNING execution to its end and records it. The error says that it stopped where it stood: the server stops, someone else
// has the execution now, or the store fails. Losing the caller does not stop it; ctx ends only with the server.
func (p *Plane) run(ctx context.Context, j *job) (ipaas.Execution, *host, error) {
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	ctx, cancel := context.WithDeadline(ctx, deadlineOr(p.now(), p.limits.ExecutionTimeout, j.deadline))
	defer cancel()
	stopLease := p.holdLease(ctx, interrupt, j.execution)
	defer stopLease()

	h := newHost(p, j)
	outcome, err := p.runFlow(ctx, j, h)
	if err != nil {
		return j.execution, h, fmt.Errorf("execution %s: %w", j.execution.ID, p.stopped(err))
	}
	ex := h.finished(outcome)
	fault.Point("execution-finish")
	if err := p.store.FinishExecution(context.WithoutCancel(ctx), ex); err != nil {
		return j.execution, h, fmt.Errorf("finish execution %s: %w", ex.ID, err)
	}
	fault.Point("execution-finished")
	p.tails.notify(ex.ID)
	p.logger.Info("execution ended", "execution", ex.ID, "instance", ex.InstanceID, "flow", ex.FlowID, "state", ex.State,
		"duration", ex.EndTime.Sub(ex.StartTime))
	return ex, h, nil
}

// ended is how a run came out.
type ended struct {
	ex  ipaas.Execution
	h   *host
	err error
}

// runAlone runs a RUNNING execution beside the caller, who may wait for its end or go. then, if any, belongs to the run.
func (p *Plane) runAlone(j *job, then func(*ended)) <-chan ended {
	done := make(chan ended, 1)
	p.background.Go(func() {
		var e ended
		e.ex, e.h, e.err = p.run(p.stop, j)
		if then != nil {
			then(&e)
		}
		done <- e
	})
	return done
}

// runFlow records the trigger and runs the steps.
func (p *Plane) runFlow(ctx context.Context, j *job, h *host) (engine.Outcome, error) {
	results, err := p.triggerResults(ctx, j.execution, j.instance, j.program.Definition(), j.urls)
	if err != nil {
		var e *ipaas.Error
		if errors.As(err, &e) && e.Kind == ipaas.Invalid {
			return engine.Outcome{State: ipaas.ExecutionFailed, Error: &ipaas.ExecutionError{
				Reason: ipaas.ExecutionTriggerFailed, Message: e.Message, StepID: ipaas.TriggerStepID, StepPath: ipaas.TriggerStepID,
			}}, nil
		}
		return engine.Outcome{}, err
	}
	if err := h.trigger(ctx, results); err != nil {
		return engine.Outcome{}, err
	}
	return p.engine.Run(ctx, engine.Run{
		Program: j.program, FlowID: j.execution.FlowID, ExecutionID: j.execution.ID,
		Trigger: results, Config: j.settings.values, Hop: hop(j.execution.Payload),
	}, h)
}

// holdLease extends the lease of an execution while it runs. When it is lost, the run stops where it stands.
func (p *Plane) holdLease(ctx context.Context, interrupt context.CancelCauseFunc, ex ipaas.Execution) (stop func()) {
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(p.limits.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			err := p.store.ExtendLease(context.WithoutCancel(ctx), ex.ID, ex.Attempts, p.now().Add(p.limits.Lease))
			if errors.Is(err, ipaas.Conflict) || errors.Is(err, ipaas.NotFound) {
				interrupt(engine.ErrInterrupted)
				return
			}
			if err != nil {
				p.logger.Error("extend the lease of an execution", "execution", ex.ID, "error", err)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// hop returns how many of our own hooks led to a payload.
func hop(payload ipaas.Payload) int {
	for _, h := range payload.Headers {
		if h.Name == outbound.HopHeader {
			n, err := strconv.Atoi(h.Text)
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}
