package storage

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// CleanupDebts keeps what became of registrations that should be gone: those that are REMOVE_FAILED, UNCONFIRMED, or REMOVE_PENDING with
// a next try, are debts, of tombstones, too; those that were forgiven are remembered.
type CleanupDebts interface {
	// FailRemoval records that a registration could not be removed: its state, REMOVE_FAILED or UNCONFIRMED, the error, the tries, and the
	// times of the first failure, the last and the next try and the update, as they are in r. Without a next try there is none by itself.
	// What was settled or forgiven while the try was under way stays so.
	FailRemoval(ctx context.Context, r ipaas.Registration) error
	// PostponeRemovals moves the next try of debts that are due; those that are no debts any more are passed over.
	PostponeRemovals(ctx context.Context, ids []string, next time.Time) error
	// RecoverRemovals makes registrations that are REMOVE_PENDING since before a moment, of no deployment that is RUNNING or ROLLING_BACK and
	// no instance that is DELETING or whose undeployment has not ended, REMOVE_FAILED and due at once: whoever was to remove them is gone.
	// It returns how many.
	RecoverRemovals(ctx context.Context, before, now time.Time) (int, error)
	// DueRemovals returns at most limit registrations that are owed and whose next try is not later than now, those that wait longest first,
	// and the next moment after now at which there will be some, zero for none.
	DueRemovals(ctx context.Context, now time.Time, limit int) (due []ipaas.Registration, next time.Time, err error)
	// ForgiveCleanupDebt makes a debt FORGIVEN, with who and why; base is the update time the caller saw in microseconds, 0 for any.
	// Forgiving it again changes who and why. NotFound for what is no debt.
	ForgiveCleanupDebt(ctx context.Context, id, comment, by string, base int64, now time.Time, w Write) (ipaas.CleanupDebt, error)
	// GetCleanupDebt returns a debt, owed or forgiven. NotFound for a registration that is none.
	GetCleanupDebt(ctx context.Context, id string) (ipaas.CleanupDebt, error)
	// ListCleanupDebts lists debts, owed and forgiven. Fields: instance_id, customer_id, integration_id, reason, state, create_time,
	// next_try_time. Default order: create_time.
	ListCleanupDebts(ctx context.Context, q Query) (Page[ipaas.CleanupDebt], error)
	// GetDebtor returns the instance of a registration, with its config, and its current hooks. A tombstone is returned, too.
	GetDebtor(ctx context.Context, registrationID string) (ipaas.Instance, []ipaas.Webhook, error)
	// GetDebtorConfig returns one revision of the config of the instance of a registration. A tombstone still has them. Revision 0 is empty.
	GetDebtorConfig(ctx context.Context, registrationID string, revision int64) (ipaas.Config, error)
}
