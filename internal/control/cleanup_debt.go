package control

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
)

// RetryResult is what a try to remove a remote object came to.
type RetryResult struct {
	Debt    ipaas.CleanupDebt
	Removed bool
}

// RetryCleanupDebt tries now to remove what is owed. Losing the caller does not stop it.
func (p *Plane) RetryCleanupDebt(ctx context.Context, id string, m Mutation) (RetryResult, error) {
	result, err := p.retryOrJoin(ctx, id, m)
	if err != nil {
		return result, err
	}
	result.Debt, err = p.revealedDebt(ctx, result.Debt)
	return result, err
}

func (p *Plane) retryOrJoin(ctx context.Context, id string, m Mutation) (RetryResult, error) {
	if m.ValidateOnly {
		debt, err := p.debtAt(ctx, id, m.Base)
		return RetryResult{Debt: debt}, err
	}
	if m.RequestID == "" {
		return p.retry(context.WithoutCancel(ctx), id, m.Base)
	}
	return joining(ctx, p, &p.retries, "try", m, func(ctx context.Context) (RetryResult, error) {
		return once(ctx, p, m, func(write func(RetryResult) (storage.Write, error)) (RetryResult, error) {
			result, err := p.retry(ctx, id, m.Base)
			if err != nil {
				return result, err
			}
			w, err := write(result)
			if err != nil {
				return result, err
			}
			return result, p.store.SaveReceipt(ctx, *w.Receipt)
		})
	})
}

// debtAt returns a debt if it is as the caller has seen it; base 0 fits always.
func (p *Plane) debtAt(ctx context.Context, id string, base int64) (ipaas.CleanupDebt, error) {
	debt, err := p.store.GetCleanupDebt(ctx, id)
	if err == nil && base != 0 && debt.UpdateTime.UnixMicro() != base {
		err = ipaas.Stale("cleanup debt", id)
	}
	return debt, err
}

// retry tries to remove what is owed, one try of the same debt at a time.
func (p *Plane) retry(ctx context.Context, id string, base int64) (RetryResult, error) {
	leave, err := p.retrying.take(ctx, id)
	if err != nil {
		return RetryResult{}, err
	}
	defer leave()
	debt, err := p.debtAt(ctx, id, base)
	if err != nil {
		return RetryResult{}, err
	}
	if err := p.removeOne(ctx, &debt.Registration); err != nil {
		return RetryResult{}, err
	}
	return RetryResult{Debt: debt, Removed: debt.Standing() == ipaas.DebtSettled}, nil
}

// removeOne removes the remote object of one registration, whose instance may be deleted by now.
func (p *Plane) removeOne(ctx context.Context, row *ipaas.Registration) error {
	in, mask, err := p.debtor(ctx, row.ID)
	if err != nil {
		return err
	}
	one := remover{plane: p, instance: in, mask: mask}
	return one.remove(ctx, row)
}

// debtor returns the instance of a registration, tombstones included, and what masks the tokens of its URLs.
func (p *Plane) debtor(ctx context.Context, registrationID string) (ipaas.Instance, *secret.Mask, error) {
	in, hooks, err := p.store.GetDebtor(ctx, registrationID)
	if err != nil {
		return in, nil, err
	}
	urls, err := p.access.Open(hooks)
	return in, access.Mask(urls), err
}

// ForgiveCleanupDebt writes off what is owed: it is not tried again.
func (p *Plane) ForgiveCleanupDebt(ctx context.Context, id, comment string, m Mutation) (ipaas.CleanupDebt, error) {
	debt, err := once(ctx, p, m, func(write func(ipaas.CleanupDebt) (storage.Write, error)) (ipaas.CleanupDebt, error) {
		var debt ipaas.CleanupDebt
		err := patiently(m, func() error {
			before, err := p.debtAt(ctx, id, m.Base)
			if err != nil {
				return err
			}
			now := p.now()
			after := before
			after.State, after.Comment, after.ForgivenBy = ipaas.RegistrationForgiven, comment, m.Caller
			after.NextTryTime, after.ForgiveTime, after.UpdateTime = time.Time{}, now, now
			w, err := write(after)
			if err != nil {
				return err
			}
			debt, err = p.store.ForgiveCleanupDebt(ctx, id, comment, m.Caller, before.UpdateTime.UnixMicro(), now, w)
			return err
		})
		return debt, err
	})
	if err != nil {
		return debt, err
	}
	return p.revealedDebt(ctx, debt)
}

// GetCleanupDebt returns a debt with the URLs in it.
func (p *Plane) GetCleanupDebt(ctx context.Context, id string) (ipaas.CleanupDebt, error) {
	debt, err := p.store.GetCleanupDebt(ctx, id)
	if err != nil {
		return debt, err
	}
	return p.revealedDebt(ctx, debt)
}

// ListCleanupDebts lists debts with the URLs in them.
func (p *Plane) ListCleanupDebts(ctx context.Context, q storage.Query) (storage.Page[ipaas.CleanupDebt], error) {
	page, err := p.store.ListCleanupDebts(ctx, q)
	for i := range page.Items {
		if page.Items[i], err = p.revealedDebt(ctx, page.Items[i]); err != nil {
			return page, err
		}
	}
	return page, err
}

// revealedDebt is a debt with the URLs in it.
func (p *Plane) revealedDebt(ctx context.Context, debt ipaas.CleanupDebt) (ipaas.CleanupDebt, error) {
	if !access.Masked(debt.RemoteID + debt.Error) {
		return debt, nil // as most do: there is nothing to look up
	}
	_, mask, err := p.debtor(ctx, debt.ID)
	if err != nil {
		return debt, err
	}
	debt.RemoteID, debt.Error = mask.Reveal(debt.RemoteID), mask.Reveal(debt.Error)
	return debt, nil
}
