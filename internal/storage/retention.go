package storage

import (
	"context"
	"time"
)

// Retention clears away what has had its time. Its methods go in small steps, each of them whole, between which others are served,
// and return how many rows they cleared. They do their work while the disk is full, too. No method touches an execution that has not
// ended or is Blocking, nor one that made a registration that is neither removed, abandoned nor forgiven.
type Retention interface {
	// Expire deletes receipts, deduplication keys and rotated webhooks whose time has come, and moves executions that were held since before
	// heldBefore to DEAD_LETTER with reason EXPIRED. What stood behind them in their lanes goes on.
	Expire(ctx context.Context, now, heldBefore time.Time) (int, error)
	// ExpirePayloads empties executions that ended before a time: payload, result, response, step results, logs and the state of scope
	// EXECUTION are gone, all else stays, and PayloadExpired is true from then on.
	ExpirePayloads(ctx context.Context, endedBefore time.Time) (int, error)
	// ExpireExecutions forgets executions whose payload has expired and that ended before a time.
	ExpireExecutions(ctx context.Context, endedBefore time.Time) (int, error)
	// ExpireGenerations forgets generations of each instance beyond the newest so many, but for the one that serves and those that an
	// execution or a registration that is neither removed, abandoned nor forgiven points at.
	ExpireGenerations(ctx context.Context, keep int) (int, error)
	// ExpireDeployments forgets deployments that ended before a time, but for the last one of each instance and those that a generation,
	// an execution or a registration that is neither removed, abandoned nor forgiven points at.
	ExpireDeployments(ctx context.Context, endedBefore time.Time) (int, error)
	// ExpireUpgrades forgets upgrades that ended before a time, with their results.
	ExpireUpgrades(ctx context.Context, endedBefore time.Time) (int, error)
	// ExpireTombstones forgets instances that were deleted before a time, with all that is theirs but executions, once all their
	// registrations are removed, abandoned or forgiven. Their hooks are unknown from then on.
	ExpireTombstones(ctx context.Context, deletedBefore time.Time) (int, error)
	// ExpireDefinitions forgets definitions that no draft, version, generation, deployment or execution without a generation points
	// at, if a call before unusedBefore has seen that, too, and nobody has saved them again since.
	ExpireDefinitions(ctx context.Context, now, unusedBefore time.Time) (int, error)
	// ExpireConfigs forgets config revisions of each instance beyond the newest so many, but for the serving one and those that a
	// generation, a deployment, an execution or a registration that is neither removed, abandoned nor forgiven points at.
	ExpireConfigs(ctx context.Context, keep int) (int, error)
}
