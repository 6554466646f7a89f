package story

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// secondCustomer brings a customer with an ERP of its own, and proves that neither sees the other.
func (p *play) secondCustomer(ctx context.Context) error {
	p.tell.Say("Jones Anvils is a customer, too, with an Acme ERP of its own. The integration is the same; everything else is not.")
	if err := p.settleJones(ctx); err != nil {
		return err
	}
	if err := p.showWebhooks(ctx, p.otherERP); err != nil {
		return err
	}
	p.tell.Check("Jones Anvils has URLs of its own, at its own ERP")

	theirs, ours := customer("C-1", "Road Runner"), customer("C-9", "Foghorn Leghorn")
	if err := p.hears(ctx, p.otherERP, theirs, p.jones); err != nil {
		return err
	}
	if err := p.hears(ctx, p.erp, ours, p.sandbox, p.smith); err != nil {
		return err
	}
	p.showArrivals(theirs, p.jones)
	p.showArrivals(ours, p.sandbox, p.smith)
	p.tell.Check("What happens at one runs nothing for the other")

	if err := errors.Join(p.expectOwn(ctx, p.smithID, p.smith, p.jones), p.expectOwn(ctx, p.jonesID, p.jones, p.smith)); err != nil {
		return err
	}
	_, err := p.api.Deployments.GetDeployment(ctx, &headracev1.GetDeploymentRequest{
		InstanceId: p.jones.id, DeploymentId: p.lastDeployment(ctx, p.smith),
	})
	if err := expectRefusal("reading one's deployment under the other's instance", err, codes.NotFound, "NOT_FOUND"); err != nil {
		return err
	}
	p.tell.Check("Asked for one, the API shows neither config nor URLs nor executions of the other")
	return nil
}

func (p *play) settleJones(ctx context.Context) (err error) {
	if p.jonesID, p.jones, err = p.welcome(ctx, "Jones Anvils"); err != nil {
		return err
	}
	p.jones.source = "Jones & Sons"
	values, err := p.settings(p.world.OtherERP, p.jones.source)
	if err != nil {
		return err
	}
	if _, err := p.fillIn(ctx, p.jones, values); err != nil {
		return err
	}
	for flow, url := range p.jones.urls {
		if url == p.smith.urls[flow] || url == p.sandbox.urls[flow] {
			return fmt.Errorf("expected a URL of its own for flow %q of %s, found one of another instance: %s", flow, p.jones.name, url)
		}
	}
	res, err := p.api.Deploy(ctx, p.jones.id, client.DeployOptions{})
	if err != nil {
		return err
	}
	p.noteSuccess(p.jones.id, initialization, byDeploy)
	return errors.Join(
		p.expectDeployed(res, p.jones, 1, 1, headracev1.RegistrationChange_KIND_CREATED, headracev1.RegistrationChange_KIND_CREATED),
		p.otherERP.expectNews(ctx, registered(p.jones)...),
		p.otherERP.expectWebhooks(ctx, p.jones),
		p.erp.expectNews(ctx),
		p.expectExecutions(ctx),
	)
}

// expectOwn checks that whatever is listed for a customer is its own, and that its instance shows nothing of the other's.
func (p *play) expectOwn(ctx context.Context, customerID string, own, other *subscriber) error {
	var instances []string
	for in, err := range p.api.AllInstances(ctx, &headracev1.ListInstancesRequest{
		Filter: fmt.Sprintf("customer_id = %q", customerID), View: headracev1.View_VIEW_FULL,
	}) {
		if err != nil {
			return err
		}
		instances = append(instances, in.GetId())
	}
	errs := []error{expectList("instances of "+own.name, instances, []string{own.id})}
	executions, err := p.executions(ctx, fmt.Sprintf("customer_id = %q", customerID))
	if err != nil {
		return err
	}
	errs = append(errs, expect("the number of executions of "+own.name, len(executions), len(p.ran[own.id])))
	for _, ex := range executions {
		errs = append(errs, expect("the instance of an execution of "+own.name, ex.GetInstanceId(), own.id))
	}
	shown, err := p.rest.text(ctx, "/v1/instances/"+own.id)
	if err != nil {
		return err
	}
	foreign := []string{other.id, other.source}
	for _, url := range other.urls {
		foreign = append(foreign, url)
	}
	for _, s := range foreign {
		errs = append(errs, expectTrue(!strings.Contains(shown, s), "nothing of %s in the instance of %s, found %q", other.name, own.name, s))
	}
	return errors.Join(append(errs, expectHidden("the instance of "+own.name, shown, p.secrets()...))...)
}

// lastDeployment is the id of an instance's newest deployment, empty if it cannot be read.
func (p *play) lastDeployment(ctx context.Context, s *subscriber) string {
	res, err := p.api.Instances.GetInstance(ctx, &headracev1.GetInstanceRequest{InstanceId: s.id})
	if err != nil {
		return ""
	}
	return res.GetInstance().GetLastDeploymentId()
}
