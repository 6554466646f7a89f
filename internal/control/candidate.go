package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// candidate is a deployment that is being made: what will serve if it succeeds.
type candidate struct {
	deployment ipaas.Deployment
	instance   ipaas.Instance
	program    *engine.Program
	settings   *config.Settings
	urls       map[string]string
	done       chan struct{}    // closed when the deployment has ended
	takeover   storage.Takeover // what begins if it succeeds
	result     DeployResult
	err        error

	stopped chan struct{} // closed to end the deployment before its next step
	stop    func()
	until   time.Time // when it has to end, by the steady clock
}

func newCandidate(d ipaas.Deployment, in ipaas.Instance, program *engine.Program, s *config.Settings) *candidate {
	c := &candidate{deployment: d, instance: in, program: program, settings: s, done: make(chan struct{}), stopped: make(chan struct{})}
	c.stop = sync.OnceFunc(func() { close(c.stopped) })
	return c
}

// errDeployCanceled is the error with which a deployment stops before a step.
var errDeployCanceled = errors.New("the instance is being deleted")

// halted returns an error once the deployment is to stop.
func (c *candidate) halted() error {
	select {
	case <-c.stopped:
		return errDeployCanceled
	default:
		return nil
	}
}

// joins are the deployments under way in this process, by instance: callers with the same request id wait for the same answer, and
// hooks of flows that only a candidate has are received by it.
type joins struct {
	mu         sync.Mutex
	byInstance map[string]*candidate

	// beginning is held for reading from before a deployment is stored until it stands in byInstance.
	beginning sync.RWMutex
}

func newJoins() *joins { return &joins{byInstance: map[string]*candidate{}} }

func (j *joins) get(instanceID string) *candidate {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.byInstance[instanceID]
}

// await is get for a deployment that is known to be stored: it may be about to be put.
func (j *joins) await(instanceID string) *candidate {
	j.beginning.Lock()
	defer j.beginning.Unlock()
	return j.get(instanceID)
}

func (j *joins) put(c *candidate) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.byInstance[c.deployment.InstanceID] = c
}

func (j *joins) remove(c *candidate) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.byInstance[c.deployment.InstanceID] == c {
		delete(j.byInstance, c.deployment.InstanceID)
	}
}

// wait returns the result of a deployment, or the caller's own end.
func (c *candidate) wait(ctx context.Context) (DeployResult, error) {
	select {
	case <-c.done:
		return c.result, c.err
	case <-ctx.Done():
		return DeployResult{}, fmt.Errorf("deployment %s of instance %s goes on without you: %w", c.deployment.ID, c.deployment.InstanceID, ctx.Err())
	}
}

// joinDeployment gives the answer of the deployment that a request id stands for, waiting for it if it still runs.
func (p *Plane) joinDeployment(ctx context.Context, instanceID string, m Mutation) (DeployResult, bool, error) {
	d, err := p.store.FindDeployment(ctx, instanceID, m.RequestID)
	if errors.Is(err, ipaas.NotFound) {
		return DeployResult{}, false, nil
	}
	if err != nil {
		return DeployResult{}, false, err
	}
	if p.clock.atLeast().Sub(d.CreateTime) > p.limits.RequestIDs {
		return DeployResult{}, false, nil
	}
	if d.RequestHash != m.RequestHash {
		return DeployResult{}, false, requestIDReused(m.RequestID)
	}
	c := p.deploys.get(instanceID)
	if c == nil && !d.State.Ended() {
		c = p.deploys.await(instanceID)
	}
	if c != nil && c.deployment.ID == d.ID {
		result, err := c.wait(ctx)
		return result, true, err
	}
	if !d.State.Ended() {
		if d, err = p.store.GetDeployment(ctx, instanceID, d.ID); err != nil {
			return DeployResult{}, false, err
		}
	}
	result, err := p.pastResult(ctx, d)
	return result, true, err
}

// pastResult makes the answer of a deployment that ended before.
func (p *Plane) pastResult(ctx context.Context, d ipaas.Deployment) (DeployResult, error) {
	switch {
	case d.State == ipaas.DeploymentFailed && d.Error != nil:
		return DeployResult{}, p.deploymentError(ctx, d.InstanceID, d.ID, *d.Error)
	case !d.State.Ended():
		return DeployResult{}, deploymentRunning(d)
	}
	in, err := p.store.GetInstance(ctx, d.InstanceID)
	if err != nil {
		return DeployResult{}, err
	}
	program, err := p.generationProgram(ctx, d.Candidate)
	if err != nil {
		return DeployResult{}, err
	}
	urls, err := p.access.URLs(ctx, d.InstanceID)
	if err != nil {
		return DeployResult{}, err
	}
	result := DeployResult{Instance: in, Deployment: &d, URLs: flowURLs(program.Definition(), urls)}
	for _, id := range d.ExecutionIDs {
		ex, err := p.store.GetExecution(ctx, id)
		if err != nil {
			return DeployResult{}, err
		}
		result.Executions = append(result.Executions, ex)
	}
	return result, nil
}
