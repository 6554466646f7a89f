package control

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
)

// When what could not be removed is tried again by itself.
const (
	firstRetry   = time.Minute // then twice as long each time
	longestRetry = 6 * time.Hour
	retriedFor   = 24 * time.Hour // after the first failure; then only by hand
)

// silentAfter is how long a failed try may take before the system it was made in counts as one that does not answer: the rest of what is
// to be removed there waits, so that it holds up nobody.
const silentAfter = 5 * time.Second

// retriedAtOnce is in how many systems debts are retried side by side.
const retriedAtOnce = 4

// remover removes remote objects of one instance one after another, and records what became of each.
type remover struct {
	plane    *Plane
	instance ipaas.Instance // may be a tombstone
	mask     *secret.Mask
	silent   map[string]bool // targets that did not answer
}

// remove removes one remote object. What cannot be removed is a debt from then on; the error only says that nothing could be recorded.
func (r *remover) remove(ctx context.Context, row *ipaas.Registration) error {
	p := r.plane
	begin := p.now()
	if r.silent[row.Target] || ctx.Err() != nil {
		row.State, row.Error, row.NextTryTime = ipaas.RegistrationRemoveFailed, "not tried yet: the other system does not answer", retryTime(*row, begin)
		return p.owe(ctx, row, begin)
	}
	fault.Point("undo-begin")
	state, err := p.undo(context.WithoutCancel(ctx), r.instance, *row)
	fault.Point("undo-called")
	if errors.Is(err, errShutdown) {
		return nil // the next start goes on with it
	}
	now := p.now()
	row.State = state
	if err == nil {
		row.Error, row.NextTryTime, row.UpdateTime = "", time.Time{}, now
		err = p.store.SettleRegistration(context.WithoutCancel(ctx), row.ID, row.State, row.Error, row.UpdateTime)
		fault.Point("undo-settled")
		return unrecorded(*row, err)
	}
	if now.Sub(begin) >= silentAfter {
		if r.silent == nil {
			r.silent = map[string]bool{}
		}
		r.silent[row.Target] = true
	}
	row.Error = cut(r.mask.Hide(err.Error()), ipaas.MaxLogMessage)
	row.Tries, row.LastTryTime = row.Tries+1, now
	row.NextTryTime = retryTime(*row, now)
	p.logger.Warn("a remote object could not be removed", "instance", r.instance.ID, "registration", row.ID, "remote_id", row.RemoteID,
		"tries", row.Tries, "error", row.Error)
	return p.owe(ctx, row, now)
}

// owe records a debt.
func (p *Plane) owe(ctx context.Context, row *ipaas.Registration, now time.Time) error {
	row.UpdateTime = now
	if row.FailTime.IsZero() {
		row.FailTime = now
	}
	return unrecorded(*row, p.store.FailRemoval(context.WithoutCancel(ctx), *row))
}

func unrecorded(row ipaas.Registration, err error) error {
	if err != nil {
		return fmt.Errorf("record the removal of registration %s: %w", row.ID, err)
	}
	return nil
}

// retryTime returns when a debt is tried again by itself, zero for never.
func retryTime(row ipaas.Registration, now time.Time) time.Time {
	// What cannot be looked for cannot be removed: another try would say so again.
	if row.State == ipaas.RegistrationUnconfirmed || !row.FailTime.IsZero() && now.Sub(row.FailTime) >= retriedFor {
		return time.Time{}
	}
	wait := firstRetry
	for range row.Tries - 1 {
		if wait *= 2; wait >= longestRetry {
			wait = longestRetry
			break
		}
	}
	// Debts that were made together are not all tried together again.
	spread := wait / 5
	return now.Add(wait - spread + rand.N(2*spread)).Truncate(time.Microsecond) //nolint:gosec // a wait is no secret
}

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
	urls, err := p.hookURLs(hooks)
	return in, p.mask(urls), err
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
	if !strings.Contains(debt.RemoteID+debt.Error, "{"+tokenMask) {
		return debt, nil // as most do: there is nothing to look up
	}
	_, mask, err := p.debtor(ctx, debt.ID)
	if err != nil {
		return debt, err
	}
	debt.RemoteID, debt.Error = mask.Reveal(debt.RemoteID), mask.Reveal(debt.Error)
	return debt, nil
}

// payments are the retries under way in this process, by target.
type payments struct {
	mu   sync.Mutex
	busy map[string]bool
}

// begin reports whether nothing is being retried in a target yet and there is room for another one.
func (y *payments) begin(target string) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.busy[target] || len(y.busy) >= retriedAtOnce {
		return false
	}
	if y.busy == nil {
		y.busy = map[string]bool{}
	}
	y.busy[target] = true
	return true
}

func (y *payments) end(target string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	delete(y.busy, target)
}

// payDebts retries what could not be removed, each when its time has come, until ctx ends.
func (p *Plane) payDebts(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		next, err := p.payDue(ctx)
		if err != nil && ctx.Err() == nil {
			p.logger.Error("look for what could not be removed", "error", err)
		}
		wait := pollEvery // a clock that jumps, and a system that becomes free, are noticed then
		if !next.IsZero() {
			wait = max(0, min(wait, next.Sub(p.now())))
		}
		timer.Reset(wait)
	}
}

// dueAtOnce bounds how much is looked at before looking again.
const dueAtOnce = 500

// payDue begins to retry what is due and returns when there is more. Systems do not wait for each other.
func (p *Plane) payDue(ctx context.Context) (next time.Time, err error) {
	due, next, err := p.store.DueRemovals(ctx, p.now(), dueAtOnce)
	if err != nil {
		return next, err
	}
	byTarget := map[string][]ipaas.Registration{}
	for _, row := range due {
		byTarget[row.Target] = append(byTarget[row.Target], row)
	}
	for target, rows := range byTarget {
		if !p.paying.begin(target) {
			continue
		}
		p.background.Go(func() {
			defer p.paying.end(target)
			if err := p.payIn(ctx, rows); err != nil && ctx.Err() == nil {
				p.logger.Error("retry what could not be removed", "error", err)
			}
		})
	}
	return next, nil
}

// payIn retries debts in one system. If it does not answer, the rest of them waits as long as the first.
func (p *Plane) payIn(ctx context.Context, rows []ipaas.Registration) error {
	for i, row := range rows {
		begin := p.now()
		after, err := p.payOne(ctx, row.ID)
		if err != nil {
			return err // where the server stops they stay due
		}
		if after.NextTryTime.IsZero() || p.now().Sub(begin) < silentAfter {
			continue
		}
		var rest []string
		for _, row := range rows[i+1:] {
			rest = append(rest, row.ID)
		}
		return p.store.PostponeRemovals(context.WithoutCancel(ctx), rest, after.NextTryTime)
	}
	return nil
}

// payOne retries one debt, unless somebody else has dealt with it meanwhile.
func (p *Plane) payOne(ctx context.Context, id string) (after ipaas.Registration, err error) {
	leave, err := p.retrying.take(ctx, id)
	if err != nil {
		return after, err
	}
	defer leave()
	debt, err := p.store.GetCleanupDebt(ctx, id) // refused when the server stops
	if errors.Is(err, ipaas.NotFound) {
		return after, nil
	}
	if err != nil || debt.NextTryTime.IsZero() || debt.NextTryTime.After(p.now()) {
		return after, err
	}
	err = p.removeOne(ctx, &debt.Registration)
	if err == nil && debt.Standing() == ipaas.DebtSettled {
		p.logger.Info("a cleanup debt is settled", "registration", id, "instance", debt.InstanceID, "tries", debt.Tries)
	}
	return debt.Registration, err
}
