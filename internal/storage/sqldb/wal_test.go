package sqldb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// paced opens a store that is in a hurry.
func paced(t *testing.T, p pace, logs *lockedBuffer) *DB {
	t.Helper()
	db, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "headrace.db"), Logger: logger(logs), pace: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// untended opens a store whose files nobody looks after: what is written stays in the log, however long the test takes to look there.
func untended(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Options{Path: path, Logger: quiet, pace: pace{tend: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func logger(logs *lockedBuffer) *slog.Logger {
	if logs == nil {
		return quiet
	}
	return slog.New(slog.NewTextHandler(logs, nil))
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) count(words string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), words)
}

// reader is a connection of somebody else that looks at the file as it is now, and goes on looking at that.
func reader(t *testing.T, path string) (stop func()) {
	t.Helper()
	pool, err := sql.Open("sqlite", fileURL(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(1)
	var n int
	_, err = pool.ExecContext(t.Context(), `BEGIN`)
	if err := errors.Join(err, pool.QueryRowContext(t.Context(), `SELECT count(*) FROM receipts`).Scan(&n)); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// receipt is a step that takes room.
func receipt(key string, size int) step {
	return func(ctx context.Context, tx *tx) error {
		return putReceipt(ctx, tx, &storage.Receipt{Key: key, Answer: bytes.Repeat([]byte{'x'}, size), ExpireTime: time.Unix(100, 0)})
	}
}

func logSize(t *testing.T, db *DB) int64 {
	t.Helper()
	info, err := os.Stat(db.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestStepsAndTheTenderTakeTurns has the one wait for the other: the files are to be looked at again as soon as that was done.
func TestStepsAndTheTenderTakeTurns(t *testing.T) {
	t.Parallel()
	ticks := make(chan time.Time)
	db := paced(t, pace{tend: time.Nanosecond, ticks: ticks}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 4 { // somebody waits always
		all.Go(func() {
			for ctx.Err() == nil {
				if err := db.write(t.Context(), func(context.Context, *tx) error { return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 30 {
		select {
		case ticks <- time.Time{}:
		case <-time.After(inVain):
			t.Fatal("the files are not looked at while somebody writes")
		}
	}
	for n := range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), inVain)
		if err := db.write(ctx, receipt(fmt.Sprint(n), 10)); err != nil {
			t.Fatalf("while the files are looked at: answered %v", err)
		}
		cancel()
	}
	cancel()
	all.Wait()
}

func TestStuckReader(t *testing.T) {
	t.Parallel()
	const alarm = 1 << 20
	var logs lockedBuffer
	db := paced(t, pace{tend: 5 * time.Millisecond, log: alarm}, &logs)
	stop := reader(t, db.path)
	for n := range 40 {
		if err := db.write(t.Context(), receipt(fmt.Sprint(n), 100_000)); err != nil {
			t.Fatalf("while a reader is stuck: answered %v", err)
		}
	}
	waitFor(t, func() bool { return logs.count("the log of the store has grown") > 0 })
	if size := logSize(t, db); size <= alarm {
		t.Errorf("the log has %d bytes: the reader was not in the way", size)
	}
	stop()
	waitFor(t, func() bool { return logSize(t, db) == 0 })
	if n := logs.count("the log of the store has grown"); n != 1 {
		t.Errorf("it was said %d times, want once", n)
	}
}

func TestLogIsEmptiedWhenNobodyWrites(t *testing.T) {
	t.Parallel()
	db := paced(t, pace{tend: 5 * time.Millisecond}, nil)
	if err := db.write(t.Context(), put("a")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return logSize(t, db) == 0 })
	if !has(t, db, "a") {
		t.Error("what was written is gone")
	}
}

func TestRoomIsGivenBackWhenNobodyWrites(t *testing.T) {
	t.Parallel()
	db := paced(t, pace{tend: 5 * time.Millisecond}, nil)
	const large = 20 << 20
	if err := db.write(t.Context(), receipt("large", large)); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(db.path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	waitFor(t, func() bool { return size() > large })
	if n, err := db.Expire(t.Context(), time.Unix(200, 0), time.Unix(0, 0)); n != 1 || err != nil {
		t.Fatalf("cleared %d rows: %v", n, err)
	}
	waitFor(t, func() bool { return size() < large/2 })
}

func TestReadThatTakesTooLong(t *testing.T) {
	t.Parallel()
	db := paced(t, pace{read: 20 * time.Millisecond}, nil)
	endless := func(ctx context.Context, rows bool) error {
		const text = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT `
		return db.view(func(q querier) error {
			if rows {
				return q.rows(ctx, text+`i FROM n`, nil, func(scan scanner) error {
					var i int64
					return scan(&i)
				})
			}
			var i int64
			return q.row(ctx, text+`count(*) FROM n`, nil, &i)
		})
	}
	for _, rows := range []bool{false, true} {
		err := endless(t.Context(), rows)
		if !errors.Is(err, ipaas.Unavailable) || ipaas.ReasonOf(err) != ipaas.ReasonStorageBusy {
			t.Errorf("answered %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := endless(ctx, true); !errors.Is(err, context.DeadlineExceeded) || ipaas.ReasonOf(err) == ipaas.ReasonStorageBusy {
		t.Errorf("with a deadline of the caller's own: answered %v", err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestReadsWaitForTheirTurn: only the time that a statement takes itself counts, not the time it waits for others.
// In the bubble time passes while they wait, and hardly any while they read: SQLite waits for its locks by the same clock.
func TestReadsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit = time.Hour
		db := paced(t, pace{read: limit, tend: 24 * time.Hour}, nil)
		for range cap(db.reads.turns) {
			db.reads.turns <- struct{}{}
		}
		answered := make(chan error, 1)
		go func() {
			_, err := db.GetReceipt(t.Context(), "a", time.Unix(0, 0))
			answered <- err
		}()
		ctx, cancel := context.WithTimeout(t.Context(), limit+limit/5)
		defer cancel()
		if _, err := db.GetReceipt(ctx, "a", time.Unix(0, 0)); !errors.Is(err, context.DeadlineExceeded) || ipaas.ReasonOf(err) == ipaas.ReasonStorageBusy {
			t.Errorf("with a deadline of its own: answered %v", err)
		}
		for range cap(db.reads.turns) {
			<-db.reads.turns
		}
		if err := <-answered; !errors.Is(err, ipaas.NotFound) {
			t.Errorf("after the limit: answered %v", err)
		}
	})
}

func TestWriterRefusesWhatFindsNoPlaceInItsQueue(t *testing.T) {
	t.Parallel()
	db := paced(t, pace{queue: time.Millisecond}, nil)
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = db.write(t.Context(), func(context.Context, *tx) error {
			close(entered)
			<-leave
			return nil
		})
	})
	<-entered
	for n := range maxQueue {
		all.Go(func() {
			if err := db.write(t.Context(), put(fmt.Sprint(n))); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(t, func() bool { return db.writer.waiting() == maxQueue })
	err := db.write(t.Context(), put("late"))
	var e *ipaas.Error
	if !errors.As(err, &e) || e.Kind != ipaas.Unavailable || e.Reason != ipaas.ReasonStorageBusy || e.RetryAfter == 0 {
		t.Errorf("answered %v", err)
	}
	close(leave)
	all.Wait()
	if has(t, db, "late") {
		t.Error("it was done nevertheless")
	}
}
