package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// customerCmd holds the commands about customers.
type customerCmd struct {
	Create customerCreateCmd `cmd:"" help:"Create a customer."`
	List   customerListCmd   `cmd:"" default:"withargs" help:"List customers."`
	Get    customerGetCmd    `cmd:"" help:"Show one customer."`
	Set    customerSetCmd    `cmd:"" help:"Change how many executions of a customer run side by side."`
	Delete customerDeleteCmd `cmd:"" help:"Delete a customer that has no instances."`
}

type customerCreateCmd struct {
	ID             string   `arg:"" optional:"" help:"The id: lower-case letters, digits and hyphens. Default: made from the name."`
	Name           string   `help:"The name people see. Default: the id." placeholder:"NAME"`
	ExternalID     string   `help:"The customer's id in your own system." placeholder:"ID"`
	Description    string   `help:"Notes for people." placeholder:"TEXT"`
	Label          []string `sep:"none" help:"Label to find it by. May be given several times." placeholder:"NAME=VALUE"`
	MaxConcurrency int32    `help:"How many executions of all its instances run side by side. 0: no limit." placeholder:"N"`
	DryRun         bool     `help:"Check everything and change nothing."`
}

// Run carries out the command.
func (c *customerCreateCmd) Run(ctx context.Context, a *app) error {
	labels, err := entries("--label", c.Label)
	if err != nil {
		return err
	}
	if c.ID == "" && c.Name == "" {
		return usage("a customer needs an id or a --name")
	}
	res, err := a.client.Customers.CreateCustomer(ctx, &headracev1.CreateCustomerRequest{
		Customer: &headracev1.Customer{
			Id: c.ID, DisplayName: orElse(c.Name, c.ID), ExternalId: c.ExternalID, Description: c.Description, Labels: labels,
			MaxConcurrency: c.MaxConcurrency,
		},
		ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res.GetCustomer(), func() { a.did("customer", orElse(res.GetCustomer().GetId(), c.ID), "created", c.DryRun) })
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

type customerListCmd struct {
	listFlags
}

// Run carries out the command.
func (c *customerListCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllCustomers(ctx, &headracev1.ListCustomersRequest{
		PageSize: c.pageSize(), Filter: c.Filter, OrderBy: c.OrderBy,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListCustomersResponse{Customers: found}, func() { a.customers(found) })
}

func (p *printer) customers(all []*headracev1.Customer) {
	var rows [][]cell
	for _, c := range all {
		rows = append(rows, []cell{text(c.GetId()), text(c.GetDisplayName()), orNone(c.GetExternalId()), p.ago(c.GetCreateTime())})
	}
	p.list("no customers", []string{"ID", "NAME", "EXTERNAL ID", "CREATED"}, rows)
}

type customerGetCmd struct {
	ID string `arg:"" help:"The customer's id."`
}

// Run carries out the command.
func (c *customerGetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Customers.GetCustomer(ctx, &headracev1.GetCustomerRequest{CustomerId: c.ID})
	if err != nil {
		return err
	}
	customer := res.GetCustomer()
	return a.show(customer, func() {
		a.line("%s  %s", a.the(clean(customer.GetId()), bold), clean(customer.GetDisplayName()))
		a.fields(
			text("external id"), text(customer.GetExternalId()), text("about"), text(customer.GetDescription()),
			text("labels"), text(labels(customer.GetLabels())),
			text("side by side"), text(limit(customer.GetMaxConcurrency())), text("created"), text(moment(customer.GetCreateTime())),
		)
	})
}

// labels are shown as they are given.
func labels(all map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, name+"="+all[name])
	}
	return strings.Join(out, " ")
}

// limit shows how many may run; nothing where there is no limit.
func limit(n int32) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("at most %d", n)
}

type customerSetCmd struct {
	ID             string `arg:"" help:"The customer's id."`
	MaxConcurrency int32  `required:"" help:"How many executions of all its instances run side by side. 0: no limit." placeholder:"N"`
	DryRun         bool   `help:"Check everything and change nothing."`
}

// Run carries out the command.
func (c *customerSetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Customers.UpdateCustomer(ctx, &headracev1.UpdateCustomerRequest{
		CustomerId: c.ID, Customer: &headracev1.Customer{MaxConcurrency: c.MaxConcurrency},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"max_concurrency"}}, ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res.GetCustomer(), func() { a.did("customer", c.ID, "changed", c.DryRun) })
}

type customerDeleteCmd struct {
	ID     string `arg:"" help:"The customer's id."`
	DryRun bool   `help:"Check whether it could be deleted, and change nothing."`
}

// Run carries out the command.
func (c *customerDeleteCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Customers.DeleteCustomer(ctx, &headracev1.DeleteCustomerRequest{CustomerId: c.ID, ValidateOnly: c.DryRun})
	if err != nil {
		return err
	}
	return a.show(res, func() { a.did("customer", c.ID, "deleted", c.DryRun) })
}
