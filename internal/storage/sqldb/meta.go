package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// What the store keeps about itself, by key.
const (
	metaCleanStop = "clean_stop" // set while no server has the file open and the last one closed it
	metaKeyCheck  = "key_check"  // tells whether the key file is the one that sealed what is stored
	metaRestored  = "restored"   // from which backup the file was restored; until the next start
)

const (
	selectMeta  = `SELECT value FROM meta WHERE key = $1`
	upsertMeta  = `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`
	insertMeta  = `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`
	deleteMeta  = `DELETE FROM meta WHERE key = $1`
	selectTable = `SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1`
)

// Keys tells whether the key file is the one that was in use when the file was made.
type Keys interface {
	// Check returns a value that Verify knows again.
	Check() string
	Verify(check string) error
}

// database is what statements run on before there is a store: a pool or one connection.
type database interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// getMeta returns what is kept under a key, or nothing. A file of an older version keeps nothing.
func getMeta(ctx context.Context, db database, key string) (value string, err error) {
	for _, q := range []struct{ text, arg string }{{selectTable, "meta"}, {selectMeta, key}} {
		err := db.QueryRowContext(ctx, q.text, q.arg).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
	}
	return value, nil
}

// checkKeys refuses keys that cannot open what is sealed in the file. It only reads.
func checkKeys(ctx context.Context, db database, path string, keys Keys) error {
	check, err := getMeta(ctx, db, metaKeyCheck)
	if err != nil || check == "" || keys == nil {
		return opening(path, err)
	}
	if err := keys.Verify(check); err != nil {
		return &KeyError{Path: path, Err: err}
	}
	return nil
}

// takeOver notes that the file is in use from here on: until it is closed in order it counts as left in haste.
func takeOver(ctx context.Context, db database, keys Keys) (restored string, err error) {
	if restored, err = getMeta(ctx, db, metaRestored); err != nil {
		return "", err
	}
	for _, key := range []string{metaCleanStop, metaRestored} {
		if _, err := db.ExecContext(ctx, deleteMeta, key); err != nil {
			return "", fmt.Errorf("take over the file: %w", err)
		}
	}
	if keys != nil {
		_, err = db.ExecContext(ctx, insertMeta, metaKeyCheck, keys.Check())
	}
	return restored, err
}

// handBack notes that the file is closed in order.
func handBack(ctx context.Context, db database) error {
	_, err := db.ExecContext(ctx, upsertMeta, metaCleanStop, "1")
	return err
}
