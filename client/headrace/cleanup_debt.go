package main

import (
	"context"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// cleanupDebtCmd holds the commands about what other systems did not let go of.
type cleanupDebtCmd struct {
	List    cleanupDebtListCmd    `cmd:"" default:"withargs" help:"List what should be gone from other systems and is not."`
	Get     cleanupDebtGetCmd     `cmd:"" help:"Show one debt."`
	Retry   cleanupDebtRetryCmd   `cmd:"" help:"Try again now to remove the object."`
	Forgive cleanupDebtForgiveCmd `cmd:"" help:"Write a debt off: someone removed the object by hand, or it does not matter."`
}

type cleanupDebtListCmd struct {
	Instance    string `help:"Only those of this instance." placeholder:"ID"`
	Customer    string `help:"Only those of this customer." placeholder:"ID"`
	Integration string `help:"Only those of this integration." placeholder:"ID"`
	Forgiven    bool   `help:"Show forgiven debts, too."`
	listFlags
}

// Run carries out the command.
func (c *cleanupDebtListCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllCleanupDebts(ctx, &headracev1.ListCleanupDebtsRequest{
		PageSize: c.pageSize(),
		Filter: allOf(
			equals("instance_id", c.Instance), equals("customer_id", c.Customer), equals("integration_id", c.Integration), c.Filter,
		),
		OrderBy: c.OrderBy, ShowForgiven: c.Forgiven,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListCleanupDebtsResponse{CleanupDebts: found}, func() { a.cleanupDebts(found) })
}

func (p *printer) cleanupDebts(all []*headracev1.CleanupDebt) {
	var rows [][]cell
	for _, d := range all {
		rows = append(rows, []cell{
			text(d.GetId()), debtReason(d), debtor(d), text(d.GetAction()),
			{d.GetRemoteId(), cyan},
			number(d.GetTries()), p.nextTry(d),
			{excerpt(d.GetError(), 60), red},
		})
	}
	p.list("no cleanup debts", []string{"ID", "REASON", "INSTANCE", "CREATED BY", "OBJECT", "TRIES", "NEXT TRY", "ERROR"}, rows)
}

func debtReason(d *headracev1.CleanupDebt) cell {
	if d.GetState() == headracev1.CleanupDebt_STATE_FORGIVEN {
		return cell{"FORGIVEN", dim}
	}
	return cell{word(d.GetReason(), "REASON_"), red}
}

func debtor(d *headracev1.CleanupDebt) cell {
	if d.GetInstanceDeleted() {
		return cell{d.GetInstanceId() + " (deleted)", dim}
	}
	return text(d.GetInstanceId())
}

// nextTry tells when a debt is tried again, which is ahead where all other moments are behind.
func (p *printer) nextTry(d *headracev1.CleanupDebt) cell {
	switch {
	case d.GetState() != headracev1.CleanupDebt_STATE_OWED:
		return cell{"-", dim}
	case d.GetNextTryTime() == nil:
		return cell{"by hand", dim}
	}
	return p.until(d.GetNextTryTime())
}

type cleanupDebtGetCmd struct {
	ID string `arg:"" help:"The debt's id."`
}

// Run carries out the command.
func (c *cleanupDebtGetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.CleanupDebts.GetCleanupDebt(ctx, &headracev1.GetCleanupDebtRequest{CleanupDebtId: c.ID})
	if err != nil {
		return err
	}
	return a.show(res.GetCleanupDebt(), func() { a.cleanupDebt(res.GetCleanupDebt()) })
}

func (p *printer) cleanupDebt(d *headracev1.CleanupDebt) {
	reason := debtReason(d)
	p.line("%s  %s", p.the(clean(d.GetId()), bold), p.the(reason.text, reason.style))
	p.fields(
		text("object"), cell{d.GetRemoteId(), cyan}, text("created by"), text(d.GetAction()), text("flow"), text(d.GetFlowId()+"/"+d.GetStepId()),
		text("instance"), debtor(d), text("customer"), text(d.GetCustomerId()), text("integration"), text(d.GetIntegrationId()),
		text("deployment"), text(d.GetDeploymentId()), text("execution"), text(d.GetExecutionId()), text("error"), cell{d.GetError(), red},
		text("tries"), number(d.GetTries()), text("last try"), text(moment(d.GetLastTryTime())), text("next try"), p.nextTry(d),
		text("forgiven"), text(moment(d.GetForgiveTime())), text("by"), text(d.GetForgivenBy()), text("comment"), text(d.GetComment()),
	)
}

type cleanupDebtRetryCmd struct {
	ID []string `arg:"" help:"The debts' ids."`
}

// Run carries out the command.
func (c *cleanupDebtRetryCmd) Run(ctx context.Context, a *app) error {
	var left *debtLeft
	for _, id := range c.ID {
		res, err := a.client.CleanupDebts.RetryCleanupDebt(ctx, &headracev1.RetryCleanupDebtRequest{CleanupDebtId: id})
		if err != nil {
			return err
		}
		err = a.show(res, func() {
			if res.GetRemoved() {
				a.did("cleanup debt", id, "settled", false)
				return
			}
			a.cleanupDebt(res.GetCleanupDebt())
		})
		if err != nil {
			return err
		}
		if !res.GetRemoved() {
			left = &debtLeft{id: id}
		}
	}
	if left != nil {
		return left
	}
	return nil
}

// debtLeft says that an object could not be removed.
type debtLeft struct{ id string }

func (e *debtLeft) Error() string { return "the object is still there: cleanup debt " + e.id }

type cleanupDebtForgiveCmd struct {
	ID      []string `arg:"" help:"The debts' ids."`
	Comment string   `help:"Why, for those who come later." placeholder:"TEXT"`
}

// Run carries out the command.
func (c *cleanupDebtForgiveCmd) Run(ctx context.Context, a *app) error {
	for _, id := range c.ID {
		res, err := a.client.CleanupDebts.ForgiveCleanupDebt(ctx, &headracev1.ForgiveCleanupDebtRequest{CleanupDebtId: id, Comment: c.Comment})
		if err != nil {
			return err
		}
		if err := a.show(res.GetCleanupDebt(), func() { a.did("cleanup debt", id, "forgiven", false) }); err != nil {
			return err
		}
	}
	return nil
}
