package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const selectReceipt = `SELECT key, request_hash, answer, expire_time FROM receipts WHERE key = $1 AND expire_time > $2`

// GetReceipt returns the answer that was recorded under a key.
func (db *DB) GetReceipt(ctx context.Context, key string, now time.Time) (storage.Receipt, error) {
	var r storage.Receipt
	err := db.view(func(q querier) error {
		return q.row(ctx, selectReceipt, []any{key, micros(now)}, &r.Key, &r.RequestHash, &r.Answer, intoTime(&r.ExpireTime))
	})
	if errors.Is(err, sql.ErrNoRows) {
		return storage.Receipt{}, ipaas.Absent("receipt", key)
	}
	return r, err
}

const insertReceipt = `INSERT INTO receipts (key, request_hash, answer, expire_time) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO NOTHING`

// putReceipt comes before everything else in a step: of two equal requests the later one is to learn that it was answered, not
// that its id is taken.
func putReceipt(ctx context.Context, tx *tx, r *storage.Receipt) error {
	answer := r.Answer
	if answer == nil {
		answer = []byte{}
	}
	n, err := tx.exec(ctx, insertReceipt, r.Key, r.RequestHash, answer, micros(r.ExpireTime))
	if err != nil {
		return err
	}
	if n == 0 {
		return &ipaas.Error{
			Kind: ipaas.Conflict, Reason: ipaas.ReasonRequestIDReused,
			Message: fmt.Sprintf("request %q was answered already", r.Key),
		}
	}
	return nil
}

// SaveReceipt records an answer that was made without a change of its own.
func (db *DB) SaveReceipt(ctx context.Context, r storage.Receipt) error {
	return db.write(ctx, func(ctx context.Context, tx *tx) error { return putReceipt(ctx, tx, &r) })
}

// expireBatch bounds how long one step of Expire keeps others from writing.
const expireBatch = 500

const (
	deleteReceipts = `
DELETE FROM receipts WHERE key IN (SELECT key FROM receipts WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2)`
	deleteRotated = `
DELETE FROM webhooks WHERE token_hash IN (
	SELECT token_hash FROM webhooks WHERE current = 0 AND expire_time > 0 AND expire_time <= $1 ORDER BY expire_time LIMIT $2)`
	expireHeld = `
UPDATE executions SET state = 'DEAD_LETTER', held = 0, error = $3, end_time = $4
WHERE seq IN (SELECT seq FROM executions WHERE held = 1 AND create_time < $1 ORDER BY create_time LIMIT $2)`
)

// Expire deletes receipts and rotated webhooks whose time has come, and gives up executions that were held for too long.
func (db *DB) Expire(ctx context.Context, now, heldBefore time.Time) (int, error) {
	expired := asJSON(&ipaas.ExecutionError{
		Reason: ipaas.ExecutionExpired, Message: "it was held for too long: the instance was neither resumed nor deployed in time",
	})
	total := 0
	for _, batch := range []func(ctx context.Context, tx *tx) (int64, error){
		func(ctx context.Context, tx *tx) (int64, error) {
			return tx.exec(ctx, deleteReceipts, micros(now), expireBatch)
		},
		func(ctx context.Context, tx *tx) (int64, error) {
			return tx.exec(ctx, deleteRotated, micros(now), expireBatch)
		},
		func(ctx context.Context, tx *tx) (int64, error) {
			return tx.exec(ctx, expireHeld, micros(heldBefore), expireBatch, expired, micros(now))
		},
	} {
		for {
			var n int64
			err := db.write(ctx, func(ctx context.Context, tx *tx) (err error) {
				n, err = batch(ctx, tx)
				return err
			})
			if err != nil {
				return total, err
			}
			total += int(n)
			if n < expireBatch {
				break
			}
		}
	}
	return total, nil
}
