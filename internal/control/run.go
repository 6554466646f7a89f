package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/trigger"
)

// job is an execution with all it takes to run it.
type job struct {
	execution  ipaas.Execution
	instance   ipaas.Instance
	program    *engine.Program
	settings   *config.Settings
	urls       map[string]string // by flow id
	keys       *access.Keys      // read when it runs
	deployment string            // the deployment it is part of; it reconciles the registrations
	pending    string            // the deployment whose flow has started it, which ran then: what it keeps waits for that, too
	reconcile  bool              // registrations are kept over runs: a deployment, or a test of an instance-deploy flow
	deadline   time.Time         // by the steady clock; earlier than the execution's own time limit; zero: none
	standIns   engine.StandIns   // of a test; nil: there are none
	supplied   bool              // the test supplied what stands in for actions
	offline    bool              // no request leaves, and the ledger of registrations is not touched
	tape       *outbound.Tape    // of a test that is offline or recorded; nil: none
	given      *trigger.Gift     // what another execution has started it with; nil: none has, or it does not run yet
	worker     bool              // it has one of the workers
	release    func()            // lets go of the room for what it begins with; nil: it has none yet
	halted     func() error      // tells before each step whether the run is to stop there; nil: never
	leave      func()            // ends that it is among the live ones since it was stored; nil: it is not yet
}

// run runs a RUNNING execution to its end and records it. The error says that it stopped where it stood: the server stops, someone else
// has the execution now, or the store fails. Losing the caller does not stop it; ctx ends only with the server.
func (p *Plane) run(ctx context.Context, j *job) (ipaas.Execution, *host, error) {
	j.execution.OriginID, j.execution.Try = cmp.Or(j.execution.OriginID, j.execution.ID), max(j.execution.Try, 1)
	j.execution.RootID = cmp.Or(j.execution.RootID, j.execution.ID)
	if j.leave != nil {
		defer j.leave()
	}
	if j.release != nil {
		defer j.release() // also of a run that does not come to its flow
	}
	ctx, leave := p.live.enter(ctx, j.execution.ID, j.execution.Attempts)
	defer leave()
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	// Counted from here on and not to a moment: the clock may be moved.
	ctx, cancel := context.WithTimeout(ctx, p.timeLeft(j))
	defer cancel()
	stopLease := p.holdLease(ctx, interrupt, j.execution.ID, j.execution.Attempts)
	defer stopLease()

	if err := p.readKeys(ctx, j); err != nil {
		return j.execution, newHost(p, j), fmt.Errorf("execution %s: %w", j.execution.ID, p.stopped(err))
	}
	h := newHost(p, j)
	defer h.close()
	outcome, err := p.runInRoom(ctx, j, h)
	if err != nil {
		_ = h.record(context.WithoutCancel(ctx)) // so that it is not done again; if it cannot be recorded, it is
		return j.execution, h, fmt.Errorf("execution %s: %w", j.execution.ID, p.stopped(err))
	}
	ex := h.finished(outcome)
	fault.Point("execution-finish")
	if ex, h.retried, err = p.record(context.WithoutCancel(ctx), h, ex, outcome.Result); err != nil {
		return j.execution, h, fmt.Errorf("finish execution %s: %w", ex.ID, err)
	}
	fault.Point("execution-finished")
	p.tails.notify(ex.ID)
	p.wake() // it made room: for the next of its lane, or under a limit
	p.logger.Info("execution ended", "execution", ex.ID, "instance", ex.InstanceID, "flow", ex.FlowID, "state", ex.State,
		"duration", ex.EndTime.Sub(ex.StartTime))
	return ex, h, nil
}

// start stores the execution of a job as RUNNING, which the caller then runs. From then on it can be cut. What the store makes of it may
// be another one, which came before.
func (p *Plane) start(j *job, store func() (ipaas.Execution, error)) error {
	p.live.beginning.RLock()
	defer p.live.beginning.RUnlock()
	asked := j.execution.ID
	ex, err := store()
	if err != nil {
		return err
	}
	if j.execution = ex; ex.ID == asked {
		_, j.leave = p.live.enter(p.stop, ex.ID, ex.Attempts)
	}
	return nil
}

// readKeys reads the keys with which the flows of the instance are called.
func (p *Plane) readKeys(ctx context.Context, j *job) (err error) {
	j.keys = &access.Keys{}
	in := j.instance
	if j.execution.Unowned() {
		in.ID = "" // the integration's alone
	}
	keys, err := p.access.Keys(ctx, in, j.program.Definition())
	if err == nil {
		j.keys = keys
	}
	return err
}

// timeLeft returns how long a run may take: as long as the flow and the server allow, and not beyond the job's own deadline.
func (p *Plane) timeLeft(j *job) time.Duration {
	most := p.limits.ExecutionTimeout
	if flow := j.program.Flow(j.execution.FlowID); flow != nil && flow.Timeout > 0 {
		most = min(most, flow.Timeout)
	}
	if !j.deadline.IsZero() {
		most = min(most, j.deadline.Sub(p.clock.steady()))
	}
	return most
}

// record records the end of a run, and with it what is not recorded yet, the next try if there is to be one, or where the request goes
// that it looked at. It returns the execution as it ended.
func (p *Plane) record(ctx context.Context, h *host, ex ipaas.Execution, result any) (_ ipaas.Execution, retried bool, err error) {
	if ex.State == ipaas.ExecutionSucceeded && looksFirst(h.job.program, &ex) {
		ex, err = p.route(ctx, h, ex, result)
		return ex, false, err
	}
	next := p.nextTry(h.job, ex)
	if next == nil {
		return ex, false, p.store.FinishExecution(ctx, ex, h.checkpoint.progress)
	}
	retried, err = p.store.RetryExecution(ctx, ex, *next, h.checkpoint.progress)
	return ex, retried, err
}

// nextTry returns how an execution that failed is tried again; nil: it is not.
func (p *Plane) nextTry(j *job, ex ipaas.Execution) *ipaas.Execution {
	flow := j.program.Flow(ex.FlowID)
	if flow == nil || flow.Retry == nil || ex.Inline || !ex.Invoke.Event() || ex.Error == nil || ex.Try > flow.Retry.MaxAttempts {
		return nil
	}
	if ex.Error.Reason != ipaas.ExecutionStepFailed && ex.Error.Reason != ipaas.ExecutionTimeout {
		return nil
	}
	next := again(ex, p.now())
	next.Try = ex.Try + 1
	if ex.Generation == 0 && ex.DeploymentID != "" { // a deployment that runs has started it, and it runs on what that brings
		next.DeploymentID, next.Version, next.DefinitionHash, next.ConfigRevision = ex.DeploymentID, ex.Version, ex.DefinitionHash, ex.ConfigRevision
	}
	next.WakeTime = next.CreateTime.Add(component.Spread(flow.Retry.DelayBefore(next.Try)))
	return &next
}

// again returns an execution that does the same as another one, which it stands in line with.
func again(ex ipaas.Execution, now time.Time) ipaas.Execution {
	next := ipaas.Execution{
		ID: ipaas.NewID("exe"), InstanceID: ex.InstanceID, CustomerID: ex.CustomerID, IntegrationID: ex.IntegrationID, FlowID: ex.FlowID,
		FlowDisplayName: ex.FlowDisplayName, State: ipaas.ExecutionQueued, Invoke: ex.Invoke, Test: ex.Test, CreateTime: now,
		Endpoint: ex.Endpoint, FlowKeyID: ex.FlowKeyID, PreprocessedBy: ex.PreprocessedBy, OriginID: ex.OriginID, Try: 1, Lane: ex.Lane, OrderingKey: ex.OrderingKey, OnFailure: ex.OnFailure,
		RequestKey: ex.RequestKey, InvokedBy: ex.InvokedBy, RootID: ex.RootID, Depth: ex.Depth, ScheduleTime: ex.ScheduleTime,
	}
	if ex.Unowned() {
		next.Version, next.DefinitionHash = ex.Version, ex.DefinitionHash
	}
	if ex.Test {
		next.DefinitionHash, next.ConfigRevision = ex.DefinitionHash, ex.ConfigRevision // no generation serves a test instance
	}
	return next
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

// faultMessage is what people are told of a fault of the server; the rest is in its log.
const faultMessage = "the server met a fault of its own: its log has more under the execution's id"

// runInRoom runs the flow when there is room for what it begins with, if it comes to that.
func (p *Plane) runInRoom(ctx context.Context, j *job, h *host) (engine.Outcome, error) {
	if j.release == nil {
		release, err := p.awaitRoom(ctx, j)
		if err != nil && ctx.Err() != nil {
			return engine.NotBegun(ctx, "it waited for room in memory (--run-memory), which runs of this customer, or of many, have in use")
		}
		if err != nil {
			return engine.Outcome{}, err
		}
		j.release = release
	}
	defer j.release()
	return p.runFlow(ctx, j, h)
}

// runFlow records the trigger and runs the steps. A fault of our own costs this execution and not the server. One whose record has a gap
// cannot be gone on with, however often it is tried.
func (p *Plane) runFlow(ctx context.Context, j *job, h *host) (outcome engine.Outcome, err error) {
	failed := func(message string) engine.Outcome {
		return engine.Outcome{State: ipaas.ExecutionFailed, Error: &ipaas.ExecutionError{Reason: ipaas.ExecutionFault, Message: message}}
	}
	defer func() {
		if v := recover(); v != nil {
			p.logger.Error("a fault in running an execution", "execution", j.execution.ID, "fault", v, "stack", string(debug.Stack()))
			outcome, err = failed(faultMessage), nil
		}
		var gap *gapError
		if errors.As(err, &gap) {
			p.logger.Error("go on with an execution", "execution", j.execution.ID, "error", gap)
			outcome, err = failed(gap.Error()), nil
		}
	}()
	results, err := p.triggers.Results(ctx, j.execution, j.instance, j.program.Definition(), j.urls, j.keys.Texts)
	if err != nil {
		return refusedByTrigger(err)
	}
	if err := h.trigger(ctx, results); err != nil {
		return engine.Outcome{}, err
	}
	if j.given, err = p.triggers.OpenGift(j.instance, j.execution.Payload); err != nil {
		return engine.Outcome{}, err
	}
	cursor, err := j.cursor()
	if err != nil {
		return refusedByTrigger(err)
	}
	return p.engine.Run(ctx, engine.Run{
		Program: j.program, FlowID: j.execution.FlowID, ExecutionID: j.execution.OriginID,
		Trigger: results, Config: j.settings.Values, Hop: j.hop(), Cursor: cursor, State: h.state, StandIns: j.standIns,
		Customer: tenantOf(j.instance), Release: j.release,
	}, h)
}

// refusedByTrigger is how a run ends whose trigger cannot use what came in. Other errors stop it where it stands.
func refusedByTrigger(err error) (engine.Outcome, error) {
	var e *ipaas.Error
	if errors.As(err, &e) && e.Kind == ipaas.Invalid {
		return engine.Outcome{State: ipaas.ExecutionFailed, Error: &ipaas.ExecutionError{
			Reason: ipaas.ExecutionTriggerFailed, Message: e.Message, StepID: ipaas.TriggerStepID, StepPath: ipaas.TriggerStepID,
		}}, nil
	}
	return engine.Outcome{}, err
}

// hop returns how many of our own hooks led to an execution, those before the one that started it among them.
func (j *job) hop() int {
	if j.given != nil {
		return j.given.Hop
	}
	return hop(j.execution.Payload)
}

// holdLease extends the lease of an execution while it runs. When it is lost, the run stops where it stands.
func (p *Plane) holdLease(ctx context.Context, interrupt context.CancelCauseFunc, executionID string, attempt int) (stop func()) {
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
			err := p.store.ExtendLease(context.WithoutCancel(ctx), executionID, attempt, p.now().Add(p.limits.Lease))
			if errors.Is(err, ipaas.Conflict) || errors.Is(err, ipaas.NotFound) {
				interrupt(engine.ErrInterrupted)
				return
			}
			if err != nil {
				p.logger.Error("extend the lease of an execution", "execution", executionID, "error", err)
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
