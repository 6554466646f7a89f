// Package sqldb keeps what the product remembers in an SQL database: one body of SQL with $1 placeholders, and a dialect that
// holds what differs, which is SQLite so far. Driver error codes are read here and nowhere above.
// It must not know what decisions are made with what it keeps: it carries out the contract of package storage.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// DB is a store in a database. It is safe for concurrent use.
type DB struct {
	path    string
	readers *sql.DB
	reads   runner
	writers *sql.DB
	writer  *writer
	lock    *fileLock
	disk    *disk

	waiting  waiting
	rotation rotation

	failure failure

	mu     sync.RWMutex
	closed bool
}

var _ storage.Store = (*DB)(nil)

// Done is closed when the store has failed in a way that leaves open what is on disk. It then refuses all work: the process
// should end, and a fresh one look at the disk again. Err tells why.
func (db *DB) Done() <-chan struct{} { return db.failure.done }

// Err returns why the store refuses all work, or nil: a *FormatError when the file was found damaged, else a *DiskError.
func (db *DB) Err() error { return db.failure.get() }

// Ping reports whether the store can be read and written.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	if err := db.view(func(q querier) error { return q.row(ctx, `SELECT 1`, nil, &one) }); err != nil {
		return err
	}
	if err := db.disk.state(); err != nil {
		return err
	}
	return db.write(ctx, func(context.Context, *tx) error { return nil })
}

// Close waits for steps under way and lets go of the file. Later calls fail. Closing again does nothing.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	db.mu.Unlock()

	db.writer.close()
	if db.Err() == nil {
		if err := handBack(context.Background(), db.writer.conn); err != nil && classify(err) != troubleFull {
			db.failure.set(err)
		}
	}
	writer := func() error { return errors.Join(db.writer.tx.close(), db.writer.conn.Close(), db.writers.Close()) }
	readers := func() error { return errors.Join(db.reads.close(), db.readers.Close()) }
	db.lock.abandoned = db.Err() != nil
	if db.Err() != nil {
		// The last connection to go would bring the log into the file and sync it, and what a failed disk says to that cannot be
		// believed. Readers cannot write, so they are the last to go, and the log stays for the next start.
		return errors.Join(writer(), readers(), db.lock.release())
	}
	return errors.Join(readers(), writer(), db.lock.release())
}

// view lets read look at the database. What it runs in one statement is one consistent picture.
func (db *DB) view(read func(q querier) error) error {
	db.mu.RLock()
	closed := db.closed
	db.mu.RUnlock()
	if closed {
		return errClosed()
	}
	if err := db.Err(); err != nil {
		return errFailed(err)
	}
	return db.describe(read(db.reads))
}

// write runs step as one atomic step. It may run more than once before it counts, so it must set all that it hands out anew.
func (db *DB) write(ctx context.Context, step step) error {
	return db.writer.do(ctx, step, want{})
}

// reclaim is write for a step that makes room: it is let through while the disk is full.
func (db *DB) reclaim(ctx context.Context, step step) error {
	return db.writer.do(ctx, step, want{reclaims: true})
}

// writeMuch is write for a step that writes about so many bytes.
func (db *DB) writeMuch(ctx context.Context, bytes int, step step) error {
	return db.writer.do(ctx, step, want{bytes: bytes})
}

// writeInOrder is writeMuch for a step that accepts an execution: those of a lane come in the order in which they were given.
func (db *DB) writeInOrder(ctx context.Context, bytes int, ex *ipaas.Execution, step step) error {
	w := want{bytes: bytes}
	if ex.Lane != "" {
		w.order = ex.InstanceID + "|" + ex.FlowID + "|" + ex.Lane
	}
	return db.writer.do(ctx, step, w)
}

// change is write for a step that a caller asked for: with a receipt and perhaps only for trial.
func (db *DB) change(ctx context.Context, w storage.Write, step step) error {
	return db.changeMuch(ctx, 0, w, step)
}

// changeMuch is change for a step that writes about so many bytes beside its receipt.
func (db *DB) changeMuch(ctx context.Context, bytes int, w storage.Write, step step) error {
	if w.Receipt != nil {
		bytes += len(w.Receipt.Answer)
	}
	return db.writer.do(ctx, withReceipt(w, step), want{dry: w.DryRun, bytes: bytes})
}

// discard is change for a step that makes room: it is let through while the disk is full.
func (db *DB) discard(ctx context.Context, w storage.Write, step step) error {
	return db.writer.do(ctx, withReceipt(w, step), want{dry: w.DryRun, reclaims: true})
}

func withReceipt(w storage.Write, step step) step {
	return func(ctx context.Context, tx *tx) error {
		if w.Receipt != nil {
			if err := putReceipt(ctx, tx, w.Receipt); err != nil {
				return err
			}
		}
		return step(ctx, tx)
	}
}

// describe turns errors of the driver into errors of the house where a caller can do something about them, and stops the store
// when the file is damaged.
func (db *DB) describe(err error) error {
	if err == nil {
		return nil
	}
	if known := new(ipaas.Error); errors.As(err, &known) {
		return err
	}
	switch classify(err) {
	case troubleCorrupt, troubleDisk:
		db.failure.set(err)
		return errFailed(err)
	case troubleFull:
		db.disk.isFull(err)
		return errFull(err)
	case troubleBusy:
		return errBusy(err)
	default:
		return err
	}
}

// failure remembers the first error that ended the store.
type failure struct {
	path string
	done chan struct{}
	mu   sync.Mutex
	err  error
}

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return
	}
	if f.err = opening(f.path, err); f.err == err { //nolint:errorlint // whether it is still the very same
		f.err = &DiskError{Path: f.path, Err: err}
	}
	close(f.done)
}

func (f *failure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
