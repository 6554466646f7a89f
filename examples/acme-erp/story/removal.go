package story

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// takeDown deletes the instances and resets the test instance: what the story made at the ERPs goes with them.
func (p *play) takeDown(ctx context.Context) error {
	p.tell.Say("Customers leave, and tests end. Whatever was registered for them is removed where it was registered.")
	if err := p.deleteBoth(ctx); err != nil {
		return err
	}
	if err := p.erp.expectWebhooks(ctx, p.sandbox); err != nil {
		return err
	}
	if err := p.showWebhooks(ctx, p.erp); err != nil {
		return err
	}
	p.tell.Check("Both instances are deleted, and their webhooks with them. Those of the test instance are not theirs, and stay")

	reset, err := p.api.TestInstances.ResetTestInstance(ctx, &headracev1.ResetTestInstanceRequest{IntegrationId: p.integration.GetId()})
	if err != nil {
		return err
	}
	if err := errors.Join(
		expect("the number of registrations that remain after the reset", len(reset.GetRemainingRegistrations()), 0),
		p.erp.expectNews(ctx, removed(p.sandbox)...),
		p.erp.expectWebhooks(ctx),
		p.otherERP.expectWebhooks(ctx),
	); err != nil {
		return err
	}
	if err := p.showWebhooks(ctx, p.erp); err != nil {
		return err
	}
	p.tell.Check("The test instance is reset. Acme ERP's list is empty")
	return p.settleAccounts(ctx)
}

// deleteBoth deletes one instance by gRPC and the other by REST.
func (p *play) deleteBoth(ctx context.Context) error {
	byGRPC, err := p.api.Instances.DeleteInstance(ctx, &headracev1.DeleteInstanceRequest{InstanceId: p.smith.id})
	if err != nil {
		return err
	}
	var byREST headracev1.DeleteInstanceResponse
	if err := p.rest.do(ctx, http.MethodDelete, "/v1/instances/"+p.jones.id, nil, &byREST); err != nil {
		return err
	}
	errs := []error{
		expect("the number of registrations that remain of "+p.smith.name, len(byGRPC.GetRemainingRegistrations()), 0),
		expect("the number of registrations that remain of "+p.jones.name, len(byREST.GetRemainingRegistrations()), 0),
		p.erp.expectNews(ctx, removed(p.smith)...),
		p.otherERP.expectNews(ctx, removed(p.jones)...),
	}
	for _, s := range []*subscriber{p.smith, p.jones} {
		_, err := p.api.Instances.GetInstance(ctx, &headracev1.GetInstanceRequest{InstanceId: s.id})
		errs = append(errs, expectRefusal("reading the deleted instance of "+s.name, err, codes.NotFound, "NOT_FOUND"))
	}
	return errors.Join(errs...)
}

// settleAccounts checks that nothing is left: not at the ERPs, not at the URLs, not at Progix.
func (p *play) settleAccounts(ctx context.Context) error {
	first, err := p.erp.expectBalance(ctx)
	if err != nil {
		return err
	}
	second, err := p.otherERP.expectBalance(ctx)
	if err != nil {
		return err
	}
	p.tell.Check("The books of the ERPs balance: %d webhooks created, %d deleted", first+second, first+second)
	for _, s := range []*subscriber{p.smith, p.jones} {
		for _, flow := range flowNames {
			if err := p.expectGone(ctx, s, flow); err != nil {
				return err
			}
		}
	}
	p.tell.Check("The URLs of the deleted instances answer 410: who still calls them knows that it is over")
	for _, id := range []string{p.smithID, p.jonesID} {
		if _, err := p.api.Customers.DeleteCustomer(ctx, &headracev1.DeleteCustomerRequest{CustomerId: id}); err != nil {
			return fmt.Errorf("delete customer %s, who has no instance any more: %w", id, err)
		}
	}
	return p.expectRecords(ctx)
}

func (p *play) expectGone(ctx context.Context, s *subscriber, flow string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.urls[flow], nil)
	if err != nil {
		return err
	}
	code, _, err := roundTrip(p.http, req)
	if err != nil {
		return err
	}
	return expect(fmt.Sprintf("the status of the URL of flow %q of the deleted instance of %s", flow, s.name), code, http.StatusGone)
}
