package ledger

import (
	"context"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
)

// Debt returns a debt if it is as the caller has seen it; base 0 fits always.
func (l *Ledger) Debt(ctx context.Context, id string, base int64) (ipaas.CleanupDebt, error) {
	debt, err := l.store.GetCleanupDebt(ctx, id)
	if err == nil && base != 0 && debt.UpdateTime.UnixMicro() != base {
		err = ipaas.Stale("cleanup debt", id)
	}
	return debt, err
}

// Retry tries now to remove what is owed, one try of the same debt at a time, and returns how it stands then. The debt has to be as the
// caller has seen it; base 0 fits always.
func (l *Ledger) Retry(ctx context.Context, id string, base int64) (ipaas.CleanupDebt, error) {
	leave, err := l.retrying.Take(ctx, id)
	if err != nil {
		return ipaas.CleanupDebt{}, err
	}
	defer leave()
	debt, err := l.Debt(ctx, id, base)
	if err != nil {
		return ipaas.CleanupDebt{}, err
	}
	if err := l.removeOne(ctx, &debt.Registration); err != nil {
		return ipaas.CleanupDebt{}, err
	}
	return debt, nil
}

// removeOne removes the remote object of one registration, whose instance may be deleted by now.
func (l *Ledger) removeOne(ctx context.Context, row *ipaas.Registration) error {
	in, mask, err := l.debtor(ctx, row.ID)
	if err != nil {
		return err
	}
	one := remover{ledger: l, instance: in, mask: mask}
	return one.remove(ctx, row)
}

// debtor returns the instance of a registration, tombstones included, and what masks the tokens of its URLs.
func (l *Ledger) debtor(ctx context.Context, registrationID string) (ipaas.Instance, *secret.Mask, error) {
	in, hooks, err := l.store.GetDebtor(ctx, registrationID)
	if err != nil {
		return in, nil, err
	}
	urls, err := l.access.URLsOf(hooks)
	return in, access.Mask(urls), err
}

// Reveal returns a debt with the URLs in it.
func (l *Ledger) Reveal(ctx context.Context, debt ipaas.CleanupDebt) (ipaas.CleanupDebt, error) {
	if !access.Masked(debt.RemoteID + debt.Error) {
		return debt, nil // as most do: there is nothing to look up
	}
	_, mask, err := l.debtor(ctx, debt.ID)
	if err != nil {
		return debt, err
	}
	debt.RemoteID, debt.Error = mask.Reveal(debt.RemoteID), mask.Reveal(debt.Error)
	return debt, nil
}
