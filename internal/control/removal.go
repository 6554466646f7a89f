package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// RemovalResult is what undeploying, deleting or resetting came to.
type RemovalResult struct {
	Instance   ipaas.Instance
	Executions []ipaas.Execution    // of the instance-remove flows
	Remaining  []ipaas.Registration // what could not be removed in other systems
}

// UndeployInstance runs the instance-remove flows and removes what deployments registered. The instance and its config stay.
func (p *Plane) UndeployInstance(ctx context.Context, id string, m Mutation) (RemovalResult, error) {
	return p.remove(ctx, id, ipaas.InstanceUndeployed, m)
}

// DeleteInstance does what UndeployInstance does, and then deletes the instance.
func (p *Plane) DeleteInstance(ctx context.Context, id string, m Mutation) (RemovalResult, error) {
	return p.remove(ctx, id, ipaas.InstanceDeleting, m)
}

// ResetTestInstance runs the draft's instance-remove flows and removes what tests registered and kept. Config values stay.
func (p *Plane) ResetTestInstance(ctx context.Context, integrationID string, m Mutation) (RemovalResult, error) {
	if _, err := p.store.GetIntegrationHead(ctx, integrationID); err != nil {
		return RemovalResult{}, err
	}
	return p.remove(ctx, ipaas.TestInstanceID(integrationID), ipaas.InstanceActive, m)
}

// remove takes an instance out of service. It always succeeds here: what other systems refuse is listed and kept.
func (p *Plane) remove(ctx context.Context, id string, state ipaas.InstanceState, m Mutation) (RemovalResult, error) {
	result, err := p.removeOrJoin(ctx, id, state, m)
	if err != nil {
		return result, err
	}
	result.Remaining, err = p.revealedRegistrations(ctx, id, result.Remaining)
	return result, err
}

func (p *Plane) removeOrJoin(ctx context.Context, id string, state ipaas.InstanceState, m Mutation) (RemovalResult, error) {
	if m.RequestID == "" || m.ValidateOnly {
		return p.removeOnce(ctx, id, state, m)
	}
	return joining(ctx, p, &p.removals, "removal", m, func(ctx context.Context) (RemovalResult, error) {
		if result, known, err := recall[RemovalResult](ctx, p, whole(m)); known || err != nil {
			return result, err
		}
		return p.removeOnce(ctx, id, state, m)
	})
}

// whole is the mutation under which the whole answer of a removal is remembered. Under its own one there is, from the beginning on, as
// much as is known of a removal that a crash has cut.
func whole(m Mutation) Mutation {
	m.Method += "/whole"
	return m
}

func (p *Plane) removeOnce(ctx context.Context, id string, state ipaas.InstanceState, m Mutation) (RemovalResult, error) {
	leave, err := p.testing.Take(ctx, id) // no matter to other instances than those of tests
	if err != nil {
		return RemovalResult{}, err
	}
	var carrying bool // the turn lasts until the removal has ended, whoever is still listening
	defer func() {
		if !carrying {
			leave()
		}
	}()
	return once(ctx, p, m, func(write func(RemovalResult) (storage.Write, error)) (RemovalResult, error) {
		var before, begun ipaas.Instance
		err := p.afterDeployment(ctx, id, state, &m, func() (err error) {
			if before, err = p.removable(ctx, id, state, m.Base); err != nil {
				return err
			}
			now := p.now()
			w, err := write(RemovalResult{Instance: removed(before, state, now)})
			if err != nil {
				return err
			}
			begun, err = p.store.BeginRemoval(ctx, id, state, before.Revision, now, w)
			if m.ValidateOnly && state == ipaas.InstanceDeleting && ipaas.ReasonOf(err) == ipaas.ReasonDeploymentRunning {
				begun, err = removed(before, state, now), nil // the deletion itself would end the deployment first
			}
			return err
		})
		if err != nil || m.ValidateOnly {
			return RemovalResult{Instance: begun}, err
		}
		done := make(chan struct{})
		var result RemovalResult
		carrying = true
		p.background.Go(func() {
			defer leave()
			defer close(done)
			if result, err = p.carryOutRemoval(before, begun); err != nil {
				err = p.insistOnRemoval(begun, err)
			}
		})
		select {
		case <-done:
		case <-ctx.Done():
			return RemovalResult{}, fmt.Errorf("the removal of instance %s goes on without you: %w", id, ctx.Err())
		}
		if err != nil || m.RequestID == "" {
			return result, err
		}
		return once(ctx, p, whole(m), func(write func(RemovalResult) (storage.Write, error)) (RemovalResult, error) {
			w, err := write(result)
			if err != nil {
				return result, err
			}
			// What is done is done: the same request is then answered with what was known at its beginning.
			if err := p.store.SaveReceipt(ctx, *w.Receipt); errors.Is(err, ipaas.Unavailable) {
				p.logger.Warn("remember the answer of a removal", "instance", id, "error", err)
				return result, nil
			} else if err != nil {
				return result, err
			}
			return result, nil
		})
	})
}

// afterDeployment begins a removal. A deletion ends the deployment that runs, before its next step, and waits until it is undone;
// undeploying is refused meanwhile.
func (p *Plane) afterDeployment(ctx context.Context, id string, state ipaas.InstanceState, m *Mutation, begin func() error) error {
	for {
		err := patiently(*m, begin)
		if state != ipaas.InstanceDeleting || ipaas.ReasonOf(err) != ipaas.ReasonDeploymentRunning {
			return err
		}
		c := p.deploys.await(id)
		if c == nil {
			return err // it is being rolled back after a restart
		}
		c.stop()
		p.logger.Info("a deployment is ended, since its instance is deleted", "instance", id, "deployment", c.deployment.ID)
		select {
		case <-c.done:
			m.Base = 0 // what the caller saw was seen; that the deployment's end changes the revision is our doing
		case <-ctx.Done():
			return fmt.Errorf("the deployment of instance %s is being ended, and its deletion was not begun: %w", id, ctx.Err())
		}
	}
}

// removable returns an instance that may be brought to a state of removal.
func (p *Plane) removable(ctx context.Context, id string, state ipaas.InstanceState, base int64) (ipaas.Instance, error) {
	in, err := p.instanceAt(ctx, id, base)
	if err != nil || in.Kind == ipaas.InstanceTest && state == ipaas.InstanceActive || in.State == ipaas.InstanceDeleting && state == ipaas.InstanceDeleting {
		return in, err
	}
	return p.standardAt(ctx, id, base)
}

// removed is what the store makes of an instance at the beginning of its removal.
func removed(in ipaas.Instance, state ipaas.InstanceState, now time.Time) ipaas.Instance {
	if in.Kind == ipaas.InstanceTest {
		return in // only its registrations change
	}
	in.State, in.Revision, in.UpdateTime = state, in.Revision+1, now
	if state == ipaas.InstanceUndeployed {
		in.Generation, in.ServingConfig, in.DeployTime = 0, 0, time.Time{}
	}
	return in
}

// carryOutRemoval runs the remove flows on what served before, then removes what remains.
func (p *Plane) carryOutRemoval(before, begun ipaas.Instance) (RemovalResult, error) {
	ctx := context.WithoutCancel(p.stop)
	bounded, cancel := context.WithTimeout(ctx, p.limits.Removal)
	defer cancel()
	fault.Point("removal-begun")
	result := RemovalResult{Instance: begun}
	executions, err := p.runRemoveFlows(bounded, before)
	if err != nil {
		// Removal goes on: what the flows did not do, undoing what is registered does.
		p.logger.Error("the instance-remove flows could not run", "instance", before.ID, "error", err)
	}
	result.Executions = executions
	pending, err := p.store.ListRegistrations(ctx, before.ID, ipaas.RegistrationRemovePending)
	if err != nil {
		return result, err
	}
	rows, _, err := p.ledger.UndoAll(bounded, before, pending) // what there is no time left for is tried again later
	if err != nil {
		return result, err
	}
	for _, r := range rows {
		if r.State != ipaas.RegistrationRemoved && r.State != ipaas.RegistrationAbandoned {
			result.Remaining = append(result.Remaining, r)
		}
	}
	fault.Point("removal-finish")
	if err := p.finishRemoval(ctx, begun); err != nil {
		return result, err
	}
	p.logger.Info("instance removed", "instance", before.ID, "state", begun.State, "remaining", len(result.Remaining))
	return result, nil
}

// finishRemoval records that a removal has come to its end.
func (p *Plane) finishRemoval(ctx context.Context, in ipaas.Instance) error {
	switch in.State {
	case ipaas.InstanceDeleting:
		return p.store.FinishDeletion(ctx, in.ID, p.now())
	case ipaas.InstanceUndeployed:
		err := p.store.FinishUndeployment(ctx, in.ID)
		if errors.Is(err, ipaas.NotFound) {
			return nil // it was deleted meanwhile
		}
		return err
	default:
		return p.store.ForgetState(ctx, in.UID) // of a test instance: its flows begin anew
	}
}

// runRemoveFlows runs the instance-remove flows one after another; one that fails does not stop the others.
func (p *Plane) runRemoveFlows(ctx context.Context, in ipaas.Instance) ([]ipaas.Execution, error) {
	j, err := p.servingJob(ctx, in)
	if err != nil || j == nil {
		return nil, err
	}
	if j.urls, err = p.access.URLs(ctx, in.ID); err != nil {
		return nil, err
	}
	var executions []ipaas.Execution
	for _, flow := range j.program.FlowsByTrigger(ipaas.TriggerInstanceRemove) {
		now := p.now()
		run := *j
		run.execution.ID, run.execution.FlowID, run.execution.FlowDisplayName = ipaas.NewID("exe"), flow.ID, flow.DisplayName
		run.execution.Invoke, run.execution.Inline, run.execution.State, run.execution.Attempts = ipaas.InvokeInstanceRemove, true, ipaas.ExecutionRunning, 1
		run.execution.CreateTime, run.execution.StartTime, run.execution.LeaseTime = now, now, now.Add(p.limits.Lease)
		begin := func() (ipaas.Execution, error) { return run.execution, p.store.StartExecution(ctx, run.execution) }
		if err := p.start(&run, begin); err != nil {
			return executions, err
		}
		ex, _, err := p.run(ctx, &run)
		if err != nil {
			return executions, err
		}
		executions = append(executions, ex)
	}
	return executions, nil
}

// servingJob returns what it takes to run a flow of what an instance serves, but for the URLs: the draft for a test instance, else its
// generation.
// An instance that serves nothing, or a draft or config that cannot run, gives nil.
func (p *Plane) servingJob(ctx context.Context, in ipaas.Instance) (*job, error) {
	j := &job{instance: in, execution: ipaas.Execution{
		InstanceID: in.ID, CustomerID: in.CustomerID, IntegrationID: in.IntegrationID, Test: in.Kind == ipaas.InstanceTest,
	}}
	cfg := in.Config
	if in.Kind == ipaas.InstanceTest {
		program, err := p.draftProgram(ctx, in.IntegrationID)
		if err != nil || len(program.Problems()) > 0 {
			return nil, err
		}
		j.program = program
	} else {
		if in.Generation == 0 {
			return nil, nil
		}
		g, err := p.generation(ctx, in)
		if err != nil {
			return nil, err
		}
		if j.program, err = p.generationProgram(ctx, g); err != nil {
			return nil, err
		}
		if cfg, err = p.store.GetConfig(ctx, in.ID, g.ConfigRevision); err != nil {
			return nil, err
		}
		j.execution.Version, j.execution.Generation = g.Version, g.Number
	}
	var err error
	j.execution.DefinitionHash, j.execution.ConfigRevision = j.program.Hash(), cfg.Revision
	if j.settings, err = p.configs.Settings(in.UID, j.program, cfg); err != nil || len(j.settings.Problems) > 0 {
		return nil, err
	}
	return j, nil
}
