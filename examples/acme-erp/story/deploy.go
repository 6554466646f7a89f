package story

import (
	"context"
	"errors"
	"net/http"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// deploy deploys the first instance, and asks for the same deployment once more.
func (p *play) deploy(ctx context.Context) error {
	p.tell.Say("DeployInstance is one call. It answers when the initialization has run: the URLs are resolved, " +
		"Acme ERP has challenged them and got its echo, and both webhooks stand.")
	const requestID = "deploy-smith-rockets-1"
	res, err := p.api.Deploy(ctx, p.smith.id, client.DeployOptions{RequestID: requestID})
	if err != nil {
		return err
	}
	p.noteSuccess(p.smith.id, initialization, byDeploy)
	if err := p.expectDeployed(res, p.smith, 1, 1, headracev1.RegistrationChange_KIND_CREATED, headracev1.RegistrationChange_KIND_CREATED); err != nil {
		return err
	}
	p.showURLs(res.GetWebhookUrls())
	p.showSteps(res.GetExecutions()[0])
	if err := errors.Join(
		p.erp.expectNews(ctx, registered(p.smith)...),
		p.erp.expectWebhooks(ctx, p.sandbox, p.smith),
		p.expectExecutions(ctx),
		p.expectRecords(ctx),
	); err != nil {
		return err
	}
	if err := p.showWebhooks(ctx, p.erp); err != nil {
		return err
	}
	p.tell.Check("The two URLs of Smith Rockets stand beside the two of the test instance")

	again, err := p.api.Deploy(ctx, p.smith.id, client.DeployOptions{RequestID: requestID})
	if err != nil {
		return err
	}
	if err := errors.Join(
		expect("the deployment that the same request id gives", again.GetDeployment().GetId(), res.GetDeployment().GetId()),
		p.erp.expectNews(ctx),
		p.expectExecutions(ctx),
	); err != nil {
		return err
	}
	p.tell.Check("Asked again under the same request id: the same answer, and nothing done twice")
	return nil
}

// expectDeployed checks the answer of a deployment that succeeded: URLs, state, and what became of the registrations.
func (p *play) expectDeployed(
	res *headracev1.DeployInstanceResponse, s *subscriber, version, generation int32, changes ...headracev1.RegistrationChange_Kind,
) error {
	var found, want []string
	for _, c := range res.GetDeployment().GetChanges() {
		found = append(found, c.GetKind().String())
	}
	for _, kind := range changes {
		want = append(want, kind.String())
	}
	errs := []error{
		expectSameURLs("the answer", res.GetWebhookUrls(), s.urls),
		expectSameURLs("the instance", urlsOf(res.GetInstance()), s.urls),
		expect("the state of the deployment", res.GetDeployment().GetState(), headracev1.Deployment_STATE_SUCCEEDED),
		expect("the state of the instance", res.GetInstance().GetState(), headracev1.Instance_STATE_ACTIVE),
		expect("the version of the instance", res.GetInstance().GetVersion(), version),
		expect("the generation of the instance", res.GetInstance().GetGeneration(), generation),
		expect("whether it needs to be deployed", res.GetInstance().GetNeedsDeploy(), false),
		expect("the number of executions in the answer", len(res.GetExecutions()), 1),
		expectSame("changes of registrations", found, want),
	}
	for _, ex := range res.GetExecutions() {
		errs = append(errs, expectSuccess(ex), expect("the flow that ran", ex.GetFlowDisplayName(), initialization))
	}
	return errors.Join(errs...)
}

// reconfigure changes a config value, which takes effect with the next deployment.
func (p *play) reconfigure(ctx context.Context) error {
	const name = "Smith Rockets' ERP"
	p.tell.Say("Smith Rockets wants its records marked %q instead of %q.", name, p.smith.source)
	path := "/v1/instances/" + p.smith.id
	var changed headracev1.Instance
	if err := p.rest.do(ctx, http.MethodPatch, path, &headracev1.Instance{
		ConfigValues: map[string]*headracev1.ConfigValue{p.variable(sourceVariable).GetId(): text(name)},
	}, &changed); err != nil {
		return err
	}
	if err := expect("whether the instance needs to be deployed", changed.GetNeedsDeploy(), true); err != nil {
		return err
	}
	before := customer("C-8", "Aunt Agatha")
	if err := p.hears(ctx, p.erp, before, p.sandbox, p.smith); err != nil {
		return err
	}
	p.showArrivals(before, p.smith)
	p.tell.Check("Saved, but not deployed: what serves is a generation, and that does not change under way")

	var res headracev1.DeployInstanceResponse
	if err := p.rest.do(ctx, http.MethodPost, path+":deploy", &headracev1.DeployInstanceRequest{}, &res); err != nil {
		return err
	}
	p.noteSuccess(p.smith.id, initialization, byDeploy)
	if err := errors.Join(
		p.expectDeployed(&res, p.smith, 1, 2, headracev1.RegistrationChange_KIND_KEPT, headracev1.RegistrationChange_KIND_KEPT),
		p.erp.expectNews(ctx),
		p.erp.expectWebhooks(ctx, p.sandbox, p.smith),
	); err != nil {
		return err
	}
	p.showChanges(res.GetDeployment())
	p.tell.Check("Redeployed: the URLs are the same, both webhooks were kept, and Acme ERP was not bothered")

	p.smith.source = name
	after := customer("C-8", "Aunt Agatha the Great")
	if err := p.hears(ctx, p.erp, after, p.sandbox, p.smith); err != nil {
		return err
	}
	p.showArrivals(after, p.smith)
	p.tell.Check("The next record carries the new name")
	return nil
}
