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
