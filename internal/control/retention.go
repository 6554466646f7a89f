package control

import (
	"context"
	"errors"
	"time"
)

const (
	// retainEvery is how often history that has had its time is looked for.
	retainEvery = 10 * time.Minute
	// keepGenerations is how many generations of an instance can be gone back to; keepConfigs is the same for its config.
	keepGenerations = 10
	keepConfigs     = 10
	// keepUnused is how long a definition may be without anything that points at it: who has just saved it is about to.
	keepUnused = 24 * time.Hour
)

// Retain clears away history that has had its time, until ctx ends.
func (p *Plane) Retain(ctx context.Context) {
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, err := p.ClearHistory(ctx)
		if err != nil && ctx.Err() == nil {
			p.logger.Error("clear away history", "error", err)
		}
		if n > 0 {
			p.logger.Info("history cleared away", "rows", n)
		}
	}
}

// ClearHistory clears away what has had its time and returns how many rows that were: first what was sent and what steps made of it,
// then what points at other things, at last what nothing points at any more. Work that has not ended, what the ledger refers to and
// the last generations of each instance never have had their time.
func (p *Plane) ClearHistory(ctx context.Context) (int, error) {
	now := p.clock.atLeast()
	history := now.Add(-p.limits.KeepExecutions)
	payloads := now.Add(-min(p.limits.KeepPayloads, p.limits.KeepExecutions))
	var (
		total int
		errs  []error
	)
	for _, expire := range []func() (int, error){
		func() (int, error) { return p.store.ExpirePayloads(ctx, payloads) },
		func() (int, error) { return p.store.ExpireExecutions(ctx, history) },
		func() (int, error) { return p.store.ExpireGenerations(ctx, keepGenerations) },
		func() (int, error) { return p.store.ExpireDeployments(ctx, history) },
		func() (int, error) { return p.store.ExpireUpgrades(ctx, history) },
		func() (int, error) { return p.store.ExpireTombstones(ctx, payloads) },
		func() (int, error) { return p.store.ExpireConfigs(ctx, keepConfigs) },
		func() (int, error) { return p.store.ExpireDefinitions(ctx, now, now.Add(-keepUnused)) },
	} {
		n, err := expire()
		total += n
		errs = append(errs, err)
	}
	return total, errors.Join(errs...)
}
