package story

import (
	"context"
	"errors"
	"net/http"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// publish makes version 1 of the draft.
func (p *play) publish(ctx context.Context) error {
	p.tell.Say("Customers get versions, not drafts. A version never changes.")
	var v headracev1.IntegrationVersion
	if err := p.rest.do(ctx, http.MethodPost, "/v1/integrations/"+p.integration.GetId()+":publish",
		&headracev1.PublishIntegrationRequest{Comment: "Customers and inventory"}, &v); err != nil {
		return err
	}
	read, err := p.api.Integrations.GetIntegration(ctx, &headracev1.GetIntegrationRequest{IntegrationId: p.integration.GetId()})
	if err != nil {
		return err
	}
	if err := errors.Join(
		expect("the published version", v.GetVersion(), 1),
		expect("the latest version", read.GetIntegration().GetLatestVersion(), 1),
		expect("whether the draft differs from it", read.GetIntegration().GetUnpublishedChanges(), false),
	); err != nil {
		return err
	}
	p.tell.Check("Version %d of %q is out: %q", v.GetVersion(), v.GetDisplayName(), v.GetComment())
	return nil
}

// publishNext changes the draft so that the initialization registers other URLs, and publishes it. It returns what is added to
// the URLs.
func (p *play) publishNext(ctx context.Context) (version int32, suffix string, err error) {
	suffix = "/v2"
	read, err := p.api.Flows.GetFlow(ctx, &headracev1.GetFlowRequest{IntegrationId: p.integration.GetId(), FlowId: p.flowID(initialization)})
	if err != nil {
		return 0, "", err
	}
	flow := read.GetFlow()
	for _, step := range flow.GetSteps() {
		reference := step.GetInputs()["callbackUrl"].GetReference()
		if reference == "" {
			return 0, "", errors.New("expected every step of the initialization to have a reference as its input callbackUrl")
		}
		step.Inputs["callbackUrl"] = &headracev1.Input{Kind: &headracev1.Input_Template{Template: "{{$" + reference + "}}" + suffix}}
	}
	var stored headracev1.Flow
	path := "/v1/integrations/" + p.integration.GetId() + "/flows/" + flow.GetId()
	if err := p.rest.do(ctx, http.MethodPatch, path, &headracev1.Flow{Steps: flow.GetSteps(), Etag: flow.GetEtag()}, &stored); err != nil {
		return 0, "", err
	}
	published, err := p.api.Integrations.PublishIntegration(ctx, &headracev1.PublishIntegrationRequest{
		IntegrationId: p.integration.GetId(), Comment: "Acme ERP calls " + suffix, Etag: stored.GetEtag(),
	})
	if err != nil {
		return 0, "", err
	}
	version = published.GetVersion().GetVersion()
	return version, suffix, expect("the published version", version, 2)
}
