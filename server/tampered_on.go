//go:build faults

package main

import (
	"context"
	"crypto/rand"
	"os/exec"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/storage"
)

// tampered returns the store with what a fault test wants broken.
func tampered(s storage.Store) storage.Store {
	if fault.Broken(fault.AckBeforeCommit) {
		s = hasty{s}
	}
	if fault.Broken(fault.IgnoreFull) {
		s = careless{s}
	}
	if fault.Broken(fault.NoLedger) {
		s = forgetful{s}
	}
	if fault.Broken(fault.FireApart) {
		s = halfhearted{s}
	}
	if fault.Broken(fault.ForgetComputed) {
		s = amnesiac{s}
	}
	if fault.Broken(fault.KeepAtOnce) {
		s = hurried{s}
	}
	return s
}

// hasty says that an event is on disk before it is.
type hasty struct{ storage.Store }

func (s hasty) AcceptExecution(ctx context.Context, ex ipaas.Execution, a storage.Admission) (ipaas.Execution, error) {
	go s.Store.AcceptExecution(context.WithoutCancel(ctx), ex, a) //nolint:errcheck // that is what is broken here
	return ex, nil
}

// careless takes a full disk for one that has room.
type careless struct{ storage.Store }

func (s careless) AcceptExecution(ctx context.Context, ex ipaas.Execution, a storage.Admission) (ipaas.Execution, error) {
	kept, err := s.Store.AcceptExecution(ctx, ex, a)
	if ipaas.ReasonOf(err) == ipaas.ReasonStorageFull {
		return ex, nil
	}
	return kept, err
}

// forgetful does not find again what deployments have created.
type forgetful struct{ storage.Store }

func (forgetful) FindRegistration(context.Context, string, string, string) (ipaas.Registration, error) {
	return ipaas.Registration{}, ipaas.Absent("registration", "")
}

func (forgetful) ListRegistrations(context.Context, string, ...ipaas.RegistrationState) ([]ipaas.Registration, error) {
	return nil, nil
}

func (s forgetful) CommitDeployment(
	ctx context.Context, id string, now time.Time, t storage.Takeover,
) ([]ipaas.Registration, error) {
	_, err := s.Store.CommitDeployment(ctx, id, now, t)
	return nil, err
}

func (s forgetful) BeginRollback(
	ctx context.Context, id string, cause ipaas.DeploymentError, keep bool, now time.Time,
) ([]ipaas.Registration, error) {
	_, err := s.Store.BeginRollback(ctx, id, cause, keep, now)
	return nil, err
}

func (forgetful) RollbackLeft(context.Context, string) ([]ipaas.Registration, error) { return nil, nil }

func (forgetful) RegistrationsToRemove(context.Context, time.Time, int) ([]ipaas.Registration, error) {
	return nil, nil
}

// halfhearted starts a flow by the clock, and takes its time afterwards.
type halfhearted struct{ storage.Store }

func (s halfhearted) FireSchedule(
	ctx context.Context, f ipaas.FlowSchedule, next time.Time, ex ipaas.Execution, a storage.Admission,
) (bool, error) {
	if _, err := s.AcceptExecution(ctx, ex, a); err != nil {
		return false, err
	}
	return true, s.ResetSchedule(ctx, f, next, ex.CreateTime)
}

// hurried lets no change of state wait.
type hurried struct{ storage.Store }

func (s hurried) CompleteStep(
	ctx context.Context, attempt int, step ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration, effects ...storage.StepEffects,
) error {
	for i := range effects {
		for j := range effects[i].State {
			effects[i].State[j].Sealed, effects[i].State[j].Sequence = "", 0
		}
	}
	return s.Store.CompleteStep(ctx, attempt, step, logs, created, effects...)
}

// amnesiac records of what has happened only the last, and does not show that something is missing.
type amnesiac struct{ storage.Store }

func (s amnesiac) ListStepResults(ctx context.Context, executionID string, after int64, limit int) ([]ipaas.StepResult, error) {
	if limit == 1 {
		return nil, nil
	}
	return s.Store.ListStepResults(ctx, executionID, after, limit)
}

func (s amnesiac) RecordProgress(ctx context.Context, executionID string, attempt int, p storage.Progress) error {
	if n := len(p.Steps); n > 0 {
		p.Steps = p.Steps[n-1:]
	}
	return s.Store.RecordProgress(ctx, executionID, attempt, p)
}

// tamperedScripts returns what runs code with what a fault test wants broken.
func tamperedScripts(s component.Scripts) component.Scripts {
	if fault.Broken(fault.Unbound) {
		return unbound{s}
	}
	return s
}

// unbound has a process beside the code that nothing holds to the server.
type unbound struct{ component.Scripts }

func (s unbound) Run(ctx context.Context, script sandbox.Script) (sandbox.Result, error) {
	process := exec.CommandContext(ctx, "sleep", "60")
	if err := process.Start(); err != nil {
		return sandbox.Result{}, err
	}
	defer process.Wait()         //nolint:errcheck // it was killed
	defer process.Process.Kill() //nolint:errcheck // where the server lives it does not leak
	return s.Scripts.Run(ctx, script)
}

// tamperedComponents returns the components with what a fault test wants broken: without stable idempotency keys.
func tamperedComponents(components []*component.Component) []*component.Component {
	if !fault.Broken(fault.NoKeys) {
		return components
	}
	for _, c := range components {
		for i := range c.Actions {
			action := &c.Actions[i]
			perform := action.Perform
			if perform == nil {
				continue
			}
			action.Perform = func(ctx context.Context, call component.Call) (component.Result, error) {
				call.IdempotencyKey = rand.Text()
				return perform(ctx, call)
			}
		}
	}
	return components
}
