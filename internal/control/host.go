package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/state"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/trigger"
	"github.com/headrace/headrace/internal/value"
)

// host is what the engine works through: it records what happens in one execution, without secrets, and keeps the ledger.
type host struct {
	plane    *Plane
	job      *job
	mask     *secret.Mask
	begun    map[string]ipaas.StepResult // rows of steps under way, by path
	intents  map[string]ipaas.Registration
	creating map[string]func()    // ends what keeps removals away from creations under way, by path
	used     map[string]bool      // registrations that this run created or kept
	ran      map[string]bool      // actions of steps that began
	created  []ipaas.Registration // in order, for undoing what a failed test of a deploy flow created
	state    *state.Kept
	tried    map[string]bool      // steps, by path, of which a try failed
	starts   map[string]*starting // what steps under way start, by path
	outcome  engine.Outcome       // exact; what is stored of it is without secrets
	retried  bool                 // it failed, and is tried again
	history  history

	checkpoint checkpoint
}

func newHost(p *Plane, j *job) *host {
	h := &host{
		plane: p, job: j, mask: access.Mask(j.urls), begun: map[string]ipaas.StepResult{}, intents: map[string]ipaas.Registration{},
		creating: map[string]func(){}, used: map[string]bool{}, ran: map[string]bool{}, tried: map[string]bool{}, starts: map[string]*starting{},
		history: history{most: p.limits.MaxHistory},
	}
	h.state = p.states.Of(state.Run{
		ExecutionID: j.execution.ID, Instance: j.instance, FlowID: j.execution.FlowID, Deployment: j.deployment, Pending: j.pending, Redact: h.redact,
	})
	h.checkpoint.fresh = j.execution.Attempts == 1 && j.execution.ReplayOf == "" // a replay may begin with what another one recorded
	return h
}

// close lets go of what a run held that stopped where it stood.
func (h *host) close() {
	for path := range h.creating {
		h.endCreating(path)
	}
}

// trigger records what started the execution.
func (h *host) trigger(ctx context.Context, results *value.Object) error {
	flow, _ := h.job.program.Definition().Flow(h.job.execution.FlowID)
	step := ipaas.StepResult{
		ExecutionID: h.job.execution.ID, Path: ipaas.TriggerStepID, StepID: ipaas.TriggerStepID,
		DisplayName: flow.Trigger.DisplayName, Action: flow.Trigger.Type, State: ipaas.StepRunning,
		Inputs: "{}", StartTime: h.plane.now(),
	}
	row, done, err := h.begin(ctx, true, step)
	h.history.begun(row)
	if err != nil || done {
		return err
	}
	row.Result, row.Redacted, _ = h.storedText(trigger.WithoutURLs(results))
	row.State, row.Tries, row.EndTime = ipaas.StepSucceeded, 1, h.plane.now()
	return h.complete(ctx, true, row, nil, nil, storage.StepEffects{})
}

// Begin implements engine.Host.
func (h *host) Begin(ctx context.Context, step engine.Step) (*engine.Done, error) {
	if h.job.halted != nil {
		if err := h.job.halted(); err != nil {
			return nil, err
		}
	}
	inputs, redacted, _ := h.storedText(recordedInputs(step.Inputs))
	row, done, err := h.begin(ctx, step.Quiet, ipaas.StepResult{
		ExecutionID: h.job.execution.ID, Path: step.Path, StepID: step.ID, DisplayName: step.DisplayName, Action: step.Action,
		State: ipaas.StepRunning, Inputs: inputs, Redacted: redacted, StandIn: step.StandIn, StartTime: h.plane.now(),
	})
	if err != nil {
		return nil, err
	}
	h.history.begun(row)
	h.ran[step.Action] = true
	if done {
		return h.recall(row, true)
	}
	h.begun[step.Path] = row
	if row.Tries > 0 {
		h.tried[step.Path] = true
	} else if row.Exact == "" {
		return nil, nil
	}
	return h.recall(row, false)
}

// Decide implements engine.Host.
func (h *host) Decide(ctx context.Context, step engine.Step, done engine.Done) error {
	row := h.begun[step.Path]
	sealed, err := h.seal(row, exact{Items: string(value.Encode(done.Items))})
	if err != nil {
		return err
	}
	row.Exact, row.Branch, row.Tries = sealed, done.Branch, done.Tries
	h.begun[step.Path] = row
	return h.complete(ctx, step.Quiet, row, h.storedLogs(done.Logs), nil, storage.StepEffects{})
}

// Call implements engine.Host.
func (h *host) Call(ctx context.Context, step engine.Step, action *component.Action, call component.Call) (component.Result, error) {
	if !step.Quiet { // one that said that it only computes, and does not, fails
		call.Client, call.Patient = h.plane.client.Through(h.job.tape, step.Path), h.job.deployment != ""
		call.Scripts = h.plane.scriptsOf(h.job.instance)
	}
	fault.Point("step-begun")
	result, err := action.Perform(ctx, call)
	fault.Point("step-called")
	delete(h.starts, step.Path) // of a call before
	if err == nil && len(result.Invocations) > 0 {
		err = h.prepareStarts(ctx, step, action, &result, call.Log)
	}
	return result, err
}

// Tried implements engine.Host.
func (h *host) Tried(ctx context.Context, step engine.Step, done engine.Done) error {
	defer h.endCreating(step.Path)
	row := h.begun[step.Path]
	row.Tries, row.Error = done.Tries, h.storedMessage(done.Error)
	h.begun[step.Path], h.tried[step.Path] = row, true
	registration, err := h.settled(done)
	if err != nil {
		return err
	}
	return h.complete(ctx, false, row, h.storedLogs(done.Logs), registration, storage.StepEffects{}) // the wait for the next try is seen
}

// Complete implements engine.Host.
func (h *host) Complete(ctx context.Context, step engine.Step, done engine.Done) (engine.Done, error) {
	defer h.endCreating(step.Path)
	starts := h.starts[step.Path]
	made, err := h.end(ctx, step, done, starts)
	for {
		var before *storage.AlreadyStarted
		if errors.As(err, &before) {
			if err := starts.leaveOut(before, &done); err != nil {
				return made, fmt.Errorf("complete step %s: %w", step.Path, err)
			}
		} else if !errors.Is(err, storage.ErrOvertaken) {
			break
		}
		made, err = h.end(ctx, step, done, starts)
	}
	if len(done.State) > 0 && state.Refused(err) || starts != nil && refusesStart(err) {
		// Whether what it keeps and starts is taken is known only now: the step has failed.
		made, err = h.end(ctx, step, engine.Done{
			Error: err.Error(), Ignored: step.Ignores, Tries: done.Tries, Logs: done.Logs, Start: done.Start, End: done.End,
		}, nil)
	}
	if err == nil {
		delete(h.begun, step.Path)
		delete(h.starts, step.Path)
	}
	return made, err
}

// end records how a step ended.
func (h *host) end(ctx context.Context, step engine.Step, done engine.Done, starts *starting) (engine.Done, error) {
	row := h.begun[step.Path]
	row.State, row.Error, row.Branch, row.EndTime = ipaas.StepSucceeded, "", done.Branch, h.plane.now()
	row.Ignored, row.Tries = done.Ignored, done.Tries
	if done.Error != "" {
		row.State, row.Error = ipaas.StepFailed, h.storedMessage(done.Error)
	}
	kept, err := h.state.Changed(ctx, done.State, func(row *ipaas.StepResult, v any) error {
		completed := done
		completed.Result = v
		return h.fill(row, completed)
	})
	if err != nil {
		return done, err
	}
	if kept.Result != nil {
		done.Result = *kept.Result
	}
	if err := h.fill(&row, done); err != nil {
		return done, err
	}
	registration, err := h.settled(done)
	if err != nil {
		return done, err
	}
	effects, logs := storage.StepEffects{State: kept.Changes}, h.storedLogs(done.Logs)
	if !h.history.takes(row, done, logs) {
		done, effects.State, logs, kept.Result = h.history.full(done), nil, nil, nil
		row.State, row.Error, row.Branch, row.Ignored = ipaas.StepFailed, done.Error, "", false
		if err := h.fill(&row, done); err != nil {
			return done, err
		}
	}
	if done.Error == "" {
		effects.Starts = starts.all()
	}
	if err := h.complete(ctx, step.Quiet, row, logs, registration, effects); err != nil {
		return done, err
	}
	if len(effects.Starts) > 0 {
		h.plane.wake()
	}
	if kept.Result != nil {
		done.Result = *kept.Result
	}
	return done, nil
}

// complete records how a step stands that has done something, with all that is not recorded yet. Of one that is quiet, and has no effect
// after all, that can wait.
func (h *host) complete(
	ctx context.Context, quiet bool, row ipaas.StepResult, logs []ipaas.Log, registration *ipaas.Registration, effects storage.StepEffects,
) error {
	ctx = context.WithoutCancel(ctx) // what has happened must be remembered even if time is up
	defer fault.Point("step-completed")
	if quiet && h.checkpoint.fresh && registration == nil && len(effects.State)+len(effects.Starts) == 0 {
		h.history.done(row, logs)
		return h.note(ctx, true, row, logs)
	}
	effects.Before = h.checkpoint.progress
	if err := h.plane.store.CompleteStep(ctx, h.job.execution.Attempts, row, logs, registration, effects); err != nil {
		return err
	}
	h.history.done(row, logs)
	h.checkpoint.forget()
	h.plane.tails.notify(h.job.execution.ID)
	return nil
}

// finished turns an outcome into the execution as it is recorded.
func (h *host) finished(outcome engine.Outcome) ipaas.Execution {
	ex := h.job.execution
	ex.State, ex.EndTime, ex.LeaseTime = outcome.State, h.plane.now(), time.Time{}
	ex.Result, _, _ = h.storedText(outcome.Result)
	if outcome.Error != nil {
		e := *outcome.Error
		e.Message = h.storedMessage(e.Message)
		ex.Error = &e
	}
	ex.Response = h.storedResponse(outcome.Response)
	h.outcome = outcome
	return ex
}
