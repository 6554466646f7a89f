// Package storage is the written contract of what the product remembers. It holds no code that stores anything: storage/sqldb
// does, and storage/storagetest has a test for each sentence written here.
// It must not know what decisions are made with what it keeps, nor how anything reaches a wire.
package storage

import (
	"context"
	"time"
)

// Store remembers. Every method is one atomic step: it happened whole and is on disk, or it did not happen. Methods are named
// after what happened in the business; no transaction leaves the package.
//
// In every method: an unknown id is ipaas.NotFound, a taken one ipaas.Exists, a base revision that is not the stored one
// ipaas.Conflict with reason STALE_ETAG (base 0 fits always). A context that has ended before the step began is refused with the
// context's error; one that ends later does not tear the step. What is returned is a copy: changing it changes nothing stored.
// Times are kept to the microsecond, in UTC; those inside definitions as they were written, since they are part of the hash.
// A revision is counted up by one with every change of its row, whatever the caller's copy says. A store that is closed, full, too
// busy or has failed says Unavailable, with one of the reasons SHUTTING_DOWN, STORAGE_FULL, STORAGE_BUSY and STORAGE_FAILED.
type Store interface {
	Components
	Integrations
	Customers
	Instances
	FlowKeys
	Deployments
	Registrations
	CleanupDebts
	Upgrades
	Executions
	States
	Schedules
	Retention

	// GetReceipt returns the answer that was recorded under a key, with the hash of the request it answered.
	// An expired receipt is NotFound.
	GetReceipt(ctx context.Context, key string, now time.Time) (Receipt, error)
	// SaveReceipt records an answer that was made without a change of its own, e.g. that of a test run. A taken key is Conflict with
	// reason REQUEST_ID_REUSED.
	SaveReceipt(ctx context.Context, r Receipt) error
	// Ping reports whether the store can be read and written.
	Ping(ctx context.Context) error
	// Close waits for steps under way and lets go of the file. Later calls fail.
	Close() error
}

// Write goes with every change that a caller asked for.
type Write struct {
	// DryRun makes the step fail exactly when the real one would, and otherwise leave no trace.
	DryRun bool
	// Receipt is recorded in the same step. A taken key is Conflict with reason REQUEST_ID_REUSED, before anything else is looked at,
	// and nothing else happens. A key is taken until Expire has deleted its receipt.
	Receipt *Receipt
}

// Receipt is the memory of an answered request, so that the same request gets the same answer.
type Receipt struct {
	Key         string // caller, method and request id
	RequestHash string
	Answer      []byte
	ExpireTime  time.Time
}
