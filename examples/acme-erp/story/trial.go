package story

import (
	"context"
	"errors"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// sandboxSource is the Source Name of the test instance, so that what tests send can be told from what customers send.
const sandboxSource = "sandbox"

// tryFlow gives the test instance its config and tests the first flow alone.
func (p *play) tryFlow(ctx context.Context) error {
	p.tell.Say("Every integration has a test instance, always on the draft, with config and webhook URLs of its own. " +
		"The developer enters a sandbox's keys.")
	if err := p.configureSandbox(ctx); err != nil {
		return err
	}
	p.tell.Check("The API shows the keys as set, and never again as what they are")

	p.tell.Say("Now only %q is tested, with the payload saved beside the flow.", customerFlow)
	res, err := p.api.Flows.TestFlow(ctx, &headracev1.TestFlowRequest{IntegrationId: p.integration.GetId(), FlowId: p.flowID(customerFlow)})
	if err != nil {
		return err
	}
	p.noteSuccess(p.sandbox.id, customerFlow, byTest)
	p.showSteps(res.GetExecution())
	shown, err := protojson.Marshal(res)
	if err != nil {
		return err
	}
	want := customer(p.savedCustomer())
	if err := errors.Join(
		expectSuccess(res.GetExecution()),
		expectHidden("the result of the test", string(shown), p.secrets()...),
		p.expectAtProgix(ctx, want, p.sandbox),
		p.expectExecutions(ctx),
		p.erp.expectNews(ctx),
	); err != nil {
		return err
	}
	p.showArrivals(want, p.sandbox)
	p.tell.Check("One execution, of this flow. No other flow ran, and Acme ERP noticed nothing")
	return nil
}

// savedCustomer is what the flow's saved test payload is about.
func (p *play) savedCustomer() (id, name string) {
	for _, f := range p.integration.GetFlows() {
		if f.GetDisplayName() == customerFlow {
			data := f.GetTestPayload().GetJson().GetStructValue().GetFields()["data"].GetStructValue().GetFields()
			return data["id"].GetStringValue(), data["name"].GetStringValue()
		}
	}
	return "", ""
}

func (p *play) configureSandbox(ctx context.Context) error {
	read, err := p.api.TestInstances.GetTestInstance(ctx, &headracev1.GetTestInstanceRequest{IntegrationId: p.integration.GetId()})
	if err != nil {
		return err
	}
	in := read.GetTestInstance()
	p.sandbox = &subscriber{name: "test instance", id: in.GetId(), urls: urlsOf(in), source: sandboxSource}
	if err := p.expectURLs("the test instance", p.sandbox.urls); err != nil {
		return err
	}
	values, err := p.settings(p.world.ERP, sandboxSource)
	if err != nil {
		return err
	}
	path := "/v1/integrations/" + p.integration.GetId() + "/test-instance"
	var stored headracev1.Instance
	if err := p.rest.do(ctx, http.MethodPatch, path, &headracev1.Instance{ConfigValues: values}, &stored); err != nil {
		return err
	}
	shown, err := p.rest.text(ctx, path)
	if err != nil {
		return err
	}
	connection := stored.GetConfigValues()[p.variable(connectionVariable).GetId()]
	token := stored.GetConfigValues()[p.variable(tokenVariable).GetId()]
	return errors.Join(
		expect("the kind of the test instance", stored.GetKind(), headracev1.Instance_KIND_TEST),
		expect("the shown base URL of the connection", connection.GetValue().GetStructValue().GetFields()["baseUrl"].GetStringValue(), p.world.ERP.URL),
		expectList("secret inputs of the connection that are set", connection.GetSecretInputsSet(), []string{"apiKey"}),
		expect("whether the token is shown as set", token.GetSecretSet(), true),
		expectHidden("the test instance", shown, p.secrets()...),
	)
}

// tryInitialization tests the instance-deploy flow, twice.
func (p *play) tryInitialization(ctx context.Context) error {
	p.tell.Say("%q runs when an instance is deployed. Its trigger knows the webhook URLs of all flows of the instance; "+
		"it has Acme ERP call them. Acme ERP is careful: before it registers a URL, it calls it with a challenge.", initialization)
	if err := p.testInitialization(ctx); err != nil {
		return err
	}
	if err := p.erp.expectNews(ctx, registered(p.sandbox)...); err != nil {
		return err
	}
	if err := p.showWebhooks(ctx, p.erp); err != nil {
		return err
	}
	p.tell.Check("Two webhooks at Acme ERP, and they point at the test instance")

	p.tell.Say("A developer tests more than once.")
	if err := p.testInitialization(ctx); err != nil {
		return err
	}
	if err := p.erp.expectNews(ctx); err != nil {
		return err
	}
	p.tell.Check("Tested again: nothing was registered twice")
	return nil
}

func (p *play) testInitialization(ctx context.Context) error {
	var res headracev1.TestFlowResponse
	path := "/v1/integrations/" + p.integration.GetId() + "/flows/" + p.flowID(initialization) + ":test"
	if err := p.rest.do(ctx, http.MethodPost, path, &headracev1.TestFlowRequest{}, &res); err != nil {
		return err
	}
	p.noteSuccess(p.sandbox.id, initialization, byTest)
	return errors.Join(
		expectSuccess(res.GetExecution()),
		p.erp.expectWebhooks(ctx, p.sandbox),
		p.expectExecutions(ctx),
		p.expectRecords(ctx),
	)
}
