package story

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// configure creates a customer with an instance and goes through the wizard.
func (p *play) configure(ctx context.Context) error {
	p.tell.Say("Smith Rockets is a customer of Progix, and runs Acme ERP. It gets an instance of the integration.")
	var err error
	if p.smithID, p.smith, err = p.welcome(ctx, "Smith Rockets"); err != nil {
		return err
	}
	if err := p.refuseIncomplete(ctx); err != nil {
		return err
	}
	p.tell.Check("Nothing is deployed before the config is complete: the error lists every missing value at once")

	p.tell.Say("The wizard is data: Progix can show it in its own product, in its own colours.")
	values, err := p.settings(p.world.ERP, "")
	if err != nil {
		return err
	}
	wizard, err := p.fillIn(ctx, p.smith, values)
	if err != nil {
		return err
	}
	p.showWizard(wizard)
	p.smith.source = p.defaultSource()
	p.tell.Check("Page by page, until the wizard says that it is complete. Secrets are shown as set")
	return p.plan(ctx)
}

// welcome creates a customer and an instance for it, one by REST, the other by gRPC.
func (p *play) welcome(ctx context.Context, name string) (customerID string, s *subscriber, err error) {
	var c headracev1.Customer
	if err := p.rest.do(ctx, http.MethodPost, "/v1/customers", &headracev1.Customer{DisplayName: name}, &c); err != nil {
		return "", nil, err
	}
	created, err := p.api.Instances.CreateInstance(ctx, &headracev1.CreateInstanceRequest{Instance: &headracev1.Instance{
		DisplayName: name + " ERP", CustomerId: c.GetId(), IntegrationId: p.integration.GetId(),
	}})
	if err != nil {
		return "", nil, err
	}
	in := created.GetInstance()
	// Ids are made from names, unless they are chosen.
	slug := strings.ReplaceAll(strings.ToLower(name), " ", "-")
	return c.GetId(), &subscriber{name: name, id: in.GetId(), urls: urlsOf(in)}, errors.Join(
		expect("the id of the customer", c.GetId(), slug),
		expect("the id of the instance", in.GetId(), slug+"-erp"),
		expect("the state of the instance", in.GetState(), headracev1.Instance_STATE_CREATED),
		p.expectURLs("the instance", urlsOf(in)),
	)
}

// refuseIncomplete tries to deploy before the config is complete.
func (p *play) refuseIncomplete(ctx context.Context) error {
	_, err := p.api.Deploy(ctx, p.smith.id, client.DeployOptions{ValidateOnly: true})
	if err := expectRefusal("deploying without config", err, codes.FailedPrecondition, "CONFIG_INCOMPLETE"); err != nil {
		return err
	}
	var want, found []string
	for _, v := range p.integration.GetConfigVariables() {
		if v.GetRequired() {
			want = append(want, "configValues."+v.GetId())
		}
	}
	for _, v := range client.Violations(err) {
		// A connection is missing input by input.
		parts := strings.SplitN(v.Field, ".", 3)
		if field := strings.Join(parts[:min(2, len(parts))], "."); !slices.Contains(found, field) {
			found = append(found, field)
		}
	}
	return expectSame("config variables without a value", found, want)
}

// fillIn sets the values that are on each page of the wizard, page by page, and returns the wizard as it is then.
func (p *play) fillIn(ctx context.Context, s *subscriber, values map[string]*headracev1.ConfigValue) (*headracev1.ConfigWizard, error) {
	read, err := p.api.Instances.GetConfigWizard(ctx, &headracev1.GetConfigWizardRequest{InstanceId: s.id})
	if err != nil {
		return nil, err
	}
	wizard := read.GetConfigWizard()
	if err := expect("whether the wizard is complete before it is filled in", wizard.GetComplete(), false); err != nil {
		return nil, err
	}
	for _, page := range wizard.GetPages() {
		if err := p.fillInPage(ctx, s, page, values); err != nil {
			return nil, fmt.Errorf("page %q: %w", page.GetTitle(), err)
		}
	}
	path := "/v1/instances/" + s.id + "/config-wizard"
	var after headracev1.ConfigWizard
	if err := p.rest.do(ctx, http.MethodGet, path, nil, &after); err != nil {
		return nil, err
	}
	shown, err := p.rest.text(ctx, path)
	if err != nil {
		return nil, err
	}
	return &after, errors.Join(
		expect("whether the wizard is complete", after.GetComplete(), true),
		expectHidden("the wizard", shown, p.secrets()...),
	)
}

func (p *play) fillInPage(ctx context.Context, s *subscriber, page *headracev1.ConfigWizardPage, values map[string]*headracev1.ConfigValue) error {
	req := &headracev1.UpdateConfigWizardPageRequest{Values: map[string]*headracev1.ConfigValue{}}
	for _, e := range page.GetElements() {
		id := e.GetVariable().GetConfigVariable().GetId()
		if v, ok := values[id]; ok {
			req.Values[id] = v
		}
	}
	var after headracev1.ConfigWizardPage
	if err := p.rest.do(ctx, http.MethodPatch, "/v1/instances/"+s.id+"/config-wizard/pages/"+page.GetId(), req, &after); err != nil {
		return err
	}
	for _, e := range after.GetElements() {
		if v := e.GetVariable(); len(v.GetProblems()) > 0 {
			return fmt.Errorf("expected no problems with %q, found %v", v.GetConfigVariable().GetDisplayName(), v.GetProblems())
		}
	}
	return expect("whether the page is complete", after.GetComplete(), true)
}

func (p *play) showWizard(w *headracev1.ConfigWizard) {
	rows := [][]string{{"page", "asks for", "value"}}
	for _, page := range w.GetPages() {
		title := page.GetTitle()
		for _, e := range page.GetElements() {
			v := e.GetVariable()
			if v == nil {
				continue
			}
			rows = append(rows, []string{title, v.GetConfigVariable().GetDisplayName(), shownValue(v.GetValue())})
			title = ""
		}
	}
	p.tell.Show("The wizard", rows...)
}

// shownValue is a config value as the API shows it.
func shownValue(v *headracev1.ConfigValue) string {
	var parts []string
	switch value := v.GetValue(); {
	case value.GetStructValue() != nil:
		for key, field := range value.GetStructValue().GetFields() {
			parts = append(parts, key+" "+field.GetStringValue())
		}
		slices.Sort(parts)
	case value != nil:
		parts = append(parts, value.GetStringValue())
	}
	for _, key := range v.GetSecretInputsSet() {
		parts = append(parts, key+" (set)")
	}
	if v.GetSecretSet() && len(v.GetSecretInputsSet()) == 0 {
		parts = append(parts, "(set)")
	}
	if v.GetSource() == headracev1.ConfigValue_SOURCE_DEFAULT {
		return strings.Join(parts, ", ") + " (the default)"
	}
	return strings.Join(parts, ", ")
}

// plan asks what a deployment would do.
func (p *play) plan(ctx context.Context) error {
	p.tell.Say("Before anything is done, one can ask what a deployment would do.")
	res, err := p.api.Deploy(ctx, p.smith.id, client.DeployOptions{ValidateOnly: true})
	if err != nil {
		return err
	}
	plan := res.GetPlan()
	p.showPlan(plan)
	var creations []string
	for _, f := range p.integration.GetFlows() {
		if f.GetDisplayName() == initialization {
			for _, step := range f.GetSteps() {
				creations = append(creations, f.GetId()+"/"+step.GetId())
			}
		}
	}
	if err := errors.Join(
		expect("the planned version", plan.GetVersion(), 1),
		expectList("flows that would run", plan.GetFlowIds(), []string{p.flowID(initialization)}),
		expectList("steps that may create something", plan.GetPossibleCreations(), creations),
		expect("the number of obsolete registrations", len(plan.GetObsoleteRegistrations()), 0),
		expectSameURLs("the plan", plan.GetWebhookUrls(), p.smith.urls),
		expectTrue(res.GetDeployment() == nil, "a plan and no deployment, found deployment %s", res.GetDeployment().GetId()),
		p.erp.expectNews(ctx),
		p.expectExecutions(ctx),
	); err != nil {
		return err
	}
	p.tell.Check("The plan is only a plan: nothing ran, nothing changed at Acme ERP")
	return nil
}

func expectSameURLs(where string, urls, want map[string]string) error {
	var found, wanted []string
	for flow, url := range urls {
		found = append(found, flow+": "+url)
	}
	for flow, url := range want {
		wanted = append(wanted, flow+": "+url)
	}
	return expectSame("webhook URLs in "+where, found, wanted)
}
