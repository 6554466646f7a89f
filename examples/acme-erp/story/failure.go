package story

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/examples/acme-erp/fake"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// failAndRecover publishes a version that needs other webhooks, and lets the ERP fail on the second of them.
func (p *play) failAndRecover(ctx context.Context) error {
	version, suffix, err := p.publishNext(ctx)
	if err != nil {
		return err
	}
	p.tell.Say("Version %d is published: Acme ERP shall call …%s from now on, so both webhooks must be changed. "+
		"Instances stay on their version until someone deploys another.", version, suffix)
	if err := p.erp.failFrom(ctx, events[inventoryFlow], http.StatusInternalServerError); err != nil {
		return err
	}
	p.tell.Say("Smith Rockets is deployed to version %d. And Acme ERP has a bad day: it changes the first webhook, and fails on the second.", version)
	if err := p.failTwice(ctx, version, suffix); err != nil {
		return err
	}
	c := customer("C-10", "Marvin the Martian")
	if err := p.hears(ctx, p.erp, c, p.sandbox, p.smith); err != nil {
		return err
	}
	p.showArrivals(c, p.smith)
	p.tell.Check("The generation that served before serves on: the next customer arrived as if nothing had happened")
	return p.recover(ctx, version, suffix)
}

// failTwice deploys once by gRPC and once by REST.
func (p *play) failTwice(ctx context.Context, version int32, suffix string) error {
	_, err := p.api.Deploy(ctx, p.smith.id, client.DeployOptions{Version: version})
	info, err := p.expectInitFailed(ctx, err, suffix)
	if err != nil {
		return err
	}
	p.tell.Show("The error", nil,
		[]string{"code", codes.FailedPrecondition.String()},
		[]string{"reason", info.reason},
		[]string{"flow", info.flow},
		[]string{"step", info.step},
		[]string{"execution", info.execution},
	)
	p.tell.Say("%s.", info.message)
	p.tell.Check("The error names flow, step and execution")
	p.tell.Check("The webhook that was changed was changed back: at Acme ERP all is as it was")

	var res headracev1.DeployInstanceResponse
	err = p.rest.do(ctx, http.MethodPost, "/v1/instances/"+p.smith.id+":deploy", &headracev1.DeployInstanceRequest{Version: version}, &res)
	if _, err := p.expectInitFailed(ctx, err, suffix); err != nil {
		return fmt.Errorf("by REST: %w", err)
	}
	p.tell.Check("Tried again, by REST: the same error, and again nothing is left behind")
	return nil
}

// refusal is what the error of a failed deployment tells.
type refusal struct {
	reason, flow, step, execution, message string
}

// expectInitFailed checks the error of a deployment whose initialization failed, and that everything is as it was before.
func (p *play) expectInitFailed(ctx context.Context, failed error, suffix string) (refusal, error) {
	if err := expectRefusal("the deployment", failed, codes.FailedPrecondition, "INIT_FLOW_FAILED"); err != nil {
		return refusal{}, err
	}
	p.note(p.smith.id, initialization, byDeploy, headracev1.Execution_STATE_FAILED)
	meta := client.ErrorInfo(failed).GetMetadata()
	info := refusal{
		reason: client.ReasonOf(failed), flow: meta["flow_id"], step: meta["step_id"], execution: meta["execution_id"],
		message: client.Message(failed),
	}
	ex, err := p.api.Executions.GetExecution(ctx, &headracev1.GetExecutionRequest{ExecutionId: info.execution})
	if err != nil {
		return info, err
	}
	d, err := p.api.Deployments.GetDeployment(ctx, &headracev1.GetDeploymentRequest{InstanceId: p.smith.id, DeploymentId: meta["deployment_id"]})
	if err != nil {
		return info, err
	}
	in, err := p.api.Instances.GetInstance(ctx, &headracev1.GetInstanceRequest{InstanceId: p.smith.id})
	if err != nil {
		return info, err
	}
	var changes []string
	for _, c := range d.GetDeployment().GetChanges() {
		changes = append(changes, c.GetKind().String())
	}
	// What was given the new version's customer URL has its old one again.
	url := p.smith.urls[customerFlow] + suffix
	return info, errors.Join(
		expect("the flow in the error", info.flow, p.flowID(initialization)),
		expect("the step in the error", info.step, p.lastStep(initialization)),
		expect("the state of the execution in the error", ex.GetExecution().GetState(), headracev1.Execution_STATE_FAILED),
		expect("the step that failed in it", ex.GetExecution().GetError().GetStepId(), info.step),
		expect("the state of the deployment", d.GetDeployment().GetState(), headracev1.Deployment_STATE_FAILED),
		expectSame("changes of registrations", changes, []string{
			headracev1.RegistrationChange_KIND_UPDATED.String(), headracev1.RegistrationChange_KIND_KEPT.String(),
			headracev1.RegistrationChange_KIND_RESTORED.String(),
		}),
		expect("the state of the instance", in.GetInstance().GetState(), headracev1.Instance_STATE_ACTIVE),
		expect("the version of the instance", in.GetInstance().GetVersion(), 1),
		expect("the generation that serves", in.GetInstance().GetGeneration(), 2),
		p.erp.expectNews(ctx, entryLine(fake.Update, events[customerFlow], url), entryLine(fake.Update, events[customerFlow], p.smith.urls[customerFlow])),
		p.erp.expectWebhooks(ctx, p.sandbox, p.smith),
		p.expectExecutions(ctx),
		p.expectRecords(ctx),
	)
}

// lastStep is the id of a flow's last step.
func (p *play) lastStep(flow string) string {
	for _, f := range p.integration.GetFlows() {
		if steps := f.GetSteps(); f.GetDisplayName() == flow && len(steps) > 0 {
			return steps[len(steps)-1].GetId()
		}
	}
	return ""
}

// recover heals the ERP and deploys once more.
func (p *play) recover(ctx context.Context, version int32, suffix string) error {
	p.tell.Say("Acme ERP is well again.")
	if err := p.erp.heal(ctx); err != nil {
		return err
	}
	res, err := p.api.Deploy(ctx, p.smith.id, client.DeployOptions{Version: version})
	if err != nil {
		return err
	}
	p.noteSuccess(p.smith.id, initialization, byDeploy)
	p.smith.suffix = suffix
	updated := headracev1.RegistrationChange_KIND_UPDATED
	if err := errors.Join(
		p.expectDeployed(res, p.smith, version, res.GetDeployment().GetGeneration(), updated, updated),
		p.erp.expectNews(ctx, entriesOf(fake.Update, p.smith)...),
		p.erp.expectWebhooks(ctx, p.sandbox, p.smith),
		p.otherERP.expectNews(ctx),
		p.otherERP.expectWebhooks(ctx, p.jones),
	); err != nil {
		return err
	}
	p.showChanges(res.GetDeployment())
	if err := p.showWebhooks(ctx, p.erp); err != nil {
		return err
	}
	p.tell.Check("Deployed: both webhooks are the same ones, and call other URLs. Jones Anvils stayed on version 1")
	c := item("SKU-42", 16)
	if err := p.hears(ctx, p.erp, c, p.sandbox, p.smith); err != nil {
		return err
	}
	other, err := p.api.Instances.GetInstance(ctx, &headracev1.GetInstanceRequest{InstanceId: p.jones.id})
	if err != nil {
		return err
	}
	return expect("the version of "+p.jones.name, other.GetInstance().GetVersion(), 1)
}
