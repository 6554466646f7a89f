package control

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
)

// rollback removes what the deployment created, the last first; the serving generation never noticed.
func (p *Plane) rollback(ctx context.Context, c *candidate, cause ipaas.DeploymentError) error {
	keep := c.program.Definition().Deploy.Policy == ipaas.Keep
	created, err := p.store.BeginRollback(ctx, c.deployment.ID, cause, keep, p.now())
	if err != nil {
		return fmt.Errorf("roll back deployment %s: %w", c.deployment.ID, err)
	}
	fault.Point("rollback-begun")
	if err := p.cutInvoked(ctx, c.deployment.ID); err != nil {
		return fmt.Errorf("end what deployment %s has started: %w", c.deployment.ID, err)
	}
	if err := p.finishRollback(ctx, c, created); err != nil {
		return err
	}
	return p.deploymentError(ctx, c.deployment.InstanceID, c.deployment.ID, cause)
}

// finishRollback undoes what is left of a deployment that is being rolled back.
func (p *Plane) finishRollback(ctx context.Context, c *candidate, left []ipaas.Registration) error {
	undone, givenBack, err := p.ledger.UndoAll(ctx, c.instance, left)
	if err != nil {
		return err
	}
	if err := p.recordChanges(ctx, c, slices.Concat(undone, givenBack), ipaas.ChangeUndone); err != nil {
		return err
	}
	if err := p.endExecutions(ctx, c.deployment); err != nil {
		return err
	}
	fault.Point("rollback-finish")
	if err := p.store.FinishRollback(ctx, c.deployment.ID, p.now()); err != nil {
		return fmt.Errorf("finish the rollback of deployment %s: %w", c.deployment.ID, err)
	}
	return nil
}

// endExecutions ends what a deployment that was cut short left running.
func (p *Plane) endExecutions(ctx context.Context, d ipaas.Deployment) error {
	d, err := p.store.GetDeployment(ctx, d.InstanceID, d.ID) // it may have begun more
	if err != nil {
		return err
	}
	for _, id := range d.ExecutionIDs {
		ex, err := p.store.GetExecution(ctx, id)
		if err != nil {
			return err
		}
		if ex.State.Ended() {
			continue
		}
		ex.State, ex.EndTime, ex.LeaseTime = ipaas.ExecutionFailed, p.now(), time.Time{}
		ex.Error = &ipaas.ExecutionError{Reason: ipaas.ExecutionInterrupted, Message: "the deployment it was part of was cut short, and is undone"}
		if err := p.store.FinishExecution(ctx, ex); err != nil {
			return fmt.Errorf("end execution %s: %w", id, err)
		}
		p.tails.notify(id)
	}
	return nil
}

// deploymentError is the error of a deployment that was rolled back. It names what may be left in other systems.
func (p *Plane) deploymentError(ctx context.Context, instanceID, deploymentID string, cause ipaas.DeploymentError) error {
	e := &ipaas.Error{
		Kind: ipaas.Precondition, Reason: cause.Reason,
		Message: fmt.Sprintf("instance %q was not deployed, and is as it was before: %s", instanceID, cause.Message),
		Meta: map[string]string{
			"instance_id": instanceID, "deployment_id": deploymentID, "flow_id": cause.FlowID, "step_id": cause.StepID,
			"execution_id": cause.ExecutionID, "retryable": strconv.FormatBool(cause.Retryable),
		},
	}
	d, err := p.store.GetDeployment(ctx, instanceID, deploymentID)
	if err != nil {
		return err
	}
	var left []string
	for _, c := range d.Changes {
		if c.Kind == ipaas.ChangeUnconfirmed || c.Kind == ipaas.ChangeRemoveFailed || c.Kind == ipaas.ChangeRestoreFailed {
			left = append(left, c.RegistrationID)
		}
	}
	if len(left) > 0 {
		e.Message += "; in other systems something may be left of it: see the deployment's changes"
		e.Meta["left_registration_ids"] = strings.Join(left, ",")
	}
	return e
}
