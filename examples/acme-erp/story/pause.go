package story

import (
	"context"
	"errors"
	"net/http"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// pause holds an event until the instance is resumed.
func (p *play) pause(ctx context.Context) error {
	p.tell.Say("Smith Rockets closes its books. Its instance is paused; Acme ERP knows nothing of that.")
	paused, err := p.api.Instances.PauseInstance(ctx, &headracev1.PauseInstanceRequest{InstanceId: p.smith.id})
	if err != nil {
		return err
	}
	if err := expect("whether the instance is paused", paused.GetInstance().GetPaused(), true); err != nil {
		return err
	}
	c := customer("C-11", "Daffy Duck")
	ids, err := p.post(ctx, p.erp, c, p.sandbox, p.smith)
	if err != nil {
		return err
	}
	if err := p.ranFor(ctx, p.sandbox, c.flow, ids[0]); err != nil {
		return err
	}
	held, err := p.api.Executions.GetExecution(ctx, &headracev1.GetExecutionRequest{ExecutionId: ids[1]})
	if err != nil {
		return err
	}
	if err := errors.Join(
		expect("the state of the held execution", held.GetExecution().GetState(), headracev1.Execution_STATE_QUEUED),
		p.expectAtProgix(ctx, c, p.sandbox),
	); err != nil {
		return err
	}
	p.tell.Check("Acme ERP was answered 200, and the event is safe on disk: held, not lost, not run")

	var resumed headracev1.Instance
	if err := p.rest.do(ctx, http.MethodPost, "/v1/instances/"+p.smith.id+":resume", &headracev1.ResumeInstanceRequest{}, &resumed); err != nil {
		return err
	}
	if err := p.ranFor(ctx, p.smith, c.flow, ids[1]); err != nil {
		return err
	}
	if err := errors.Join(
		expect("whether the instance is paused", resumed.GetPaused(), false),
		p.expectAtProgix(ctx, c, p.smith),
		p.expectExecutions(ctx),
	); err != nil {
		return err
	}
	p.showArrivals(c, p.smith)
	p.tell.Check("Resumed: it ran, once")
	return nil
}
