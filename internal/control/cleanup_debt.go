package control

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
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
	result.Debt, err = p.ledger.Reveal(ctx, result.Debt)
	return result, err
}

func (p *Plane) retryOrJoin(ctx context.Context, id string, m Mutation) (RetryResult, error) {
	if m.ValidateOnly {
		debt, err := p.ledger.Debt(ctx, id, m.Base)
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

func (p *Plane) retry(ctx context.Context, id string, base int64) (RetryResult, error) {
	debt, err := p.ledger.Retry(ctx, id, base)
	return RetryResult{Debt: debt, Removed: err == nil && debt.Standing() == ipaas.DebtSettled}, err
}

// ForgiveCleanupDebt writes off what is owed: it is not tried again.
func (p *Plane) ForgiveCleanupDebt(ctx context.Context, id, comment string, m Mutation) (ipaas.CleanupDebt, error) {
	debt, err := once(ctx, p, m, func(write func(ipaas.CleanupDebt) (storage.Write, error)) (ipaas.CleanupDebt, error) {
		var debt ipaas.CleanupDebt
		err := patiently(m, func() error {
			before, err := p.ledger.Debt(ctx, id, m.Base)
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
	return p.ledger.Reveal(ctx, debt)
}

// GetCleanupDebt returns a debt with the URLs in it.
func (p *Plane) GetCleanupDebt(ctx context.Context, id string) (ipaas.CleanupDebt, error) {
	debt, err := p.store.GetCleanupDebt(ctx, id)
	if err != nil {
		return debt, err
	}
	return p.ledger.Reveal(ctx, debt)
}

// ListCleanupDebts lists debts with the URLs in them.
func (p *Plane) ListCleanupDebts(ctx context.Context, q storage.Query) (storage.Page[ipaas.CleanupDebt], error) {
	page, err := p.store.ListCleanupDebts(ctx, q)
	for i := range page.Items {
		if page.Items[i], err = p.ledger.Reveal(ctx, page.Items[i]); err != nil {
			return page, err
		}
	}
	return page, err
}
