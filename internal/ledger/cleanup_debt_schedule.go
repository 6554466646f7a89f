package ledger

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

// debtRetry is how long what could not be removed waits until it is tried again by itself: a minute, then twice as long each time.
var debtRetry = ipaas.Retry{Delay: time.Minute, MaxDelay: 6 * time.Hour}

// retriedFor is how long after its first failure it is tried again by itself; then only by hand.
const retriedFor = 24 * time.Hour

// retryTime returns when a debt is tried again by itself, zero for never.
func retryTime(row ipaas.Registration, now time.Time) time.Time {
	// What cannot be looked for cannot be removed: another try would say so again.
	if row.State == ipaas.RegistrationUnconfirmed || !row.FailTime.IsZero() && now.Sub(row.FailTime) >= retriedFor {
		return time.Time{}
	}
	return now.Add(component.Spread(debtRetry.DelayBefore(row.Tries + 1))).Truncate(time.Microsecond) // as it is stored
}

// lookEvery is how often is looked for what is due without its time having come: a clock that jumps, and a system that becomes free, are
// noticed then.
const lookEvery = time.Second

// PayDebts retries what could not be removed, each when its time has come, until ctx ends, and waits for the tries under way.
func (l *Ledger) PayDebts(ctx context.Context) {
	var tries sync.WaitGroup
	defer tries.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		next, err := l.payDue(ctx, &tries)
		if err != nil && ctx.Err() == nil {
			l.logger.Error("look for what could not be removed", "error", err)
		}
		wait := lookEvery
		if !next.IsZero() {
			wait = max(0, min(wait, next.Sub(l.now())))
		}
		timer.Reset(wait)
	}
}

// dueAtOnce bounds how much is looked at before looking again.
const dueAtOnce = 500

// payDue begins to retry what is due and returns when there is more. Systems do not wait for each other.
func (l *Ledger) payDue(ctx context.Context, tries *sync.WaitGroup) (next time.Time, err error) {
	due, next, err := l.store.DueRemovals(ctx, l.now(), dueAtOnce)
	if err != nil {
		return next, err
	}
	byTarget := map[string][]ipaas.Registration{}
	for _, row := range due {
		byTarget[row.Target] = append(byTarget[row.Target], row)
	}
	for target, rows := range byTarget {
		if !l.paying.begin(target) {
			continue
		}
		tries.Go(func() {
			defer l.paying.end(target)
			if err := l.payIn(ctx, rows); err != nil && ctx.Err() == nil {
				l.logger.Error("retry what could not be removed", "error", err)
			}
		})
	}
	return next, nil
}

// payIn retries debts in one system. If it does not answer, the rest of them waits as long as the first.
func (l *Ledger) payIn(ctx context.Context, rows []ipaas.Registration) error {
	for i, row := range rows {
		begin := l.now()
		after, err := l.payOne(ctx, row.ID)
		if err != nil {
			return err // where the server stops they stay due
		}
		if after.NextTryTime.IsZero() || l.now().Sub(begin) < silentAfter {
			continue
		}
		var rest []string
		for _, row := range rows[i+1:] {
			rest = append(rest, row.ID)
		}
		return l.store.PostponeRemovals(context.WithoutCancel(ctx), rest, after.NextTryTime)
	}
	return nil
}

// payOne retries one debt, unless somebody else has dealt with it meanwhile.
func (l *Ledger) payOne(ctx context.Context, id string) (after ipaas.Registration, err error) {
	leave, err := l.retrying.Take(ctx, id)
	if err != nil {
		return after, err
	}
	defer leave()
	debt, err := l.store.GetCleanupDebt(ctx, id) // refused when the server stops
	if errors.Is(err, ipaas.NotFound) {
		return after, nil
	}
	if err != nil || debt.NextTryTime.IsZero() || debt.NextTryTime.After(l.now()) {
		return after, err
	}
	err = l.removeOne(ctx, &debt.Registration)
	if err == nil && debt.Standing() == ipaas.DebtSettled {
		l.logger.Info("a cleanup debt is settled", "registration", id, "instance", debt.InstanceID, "tries", debt.Tries)
	}
	return debt.Registration, err
}

// retriedAtOnce is in how many systems debts are retried side by side.
const retriedAtOnce = 4

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
