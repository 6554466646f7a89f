package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// What the writer does between groups to keep the files small.
const (
	tendEvery     = time.Second
	walAlarm      = 64 << 20 // bytes of the log; SQLite itself empties it at a quarter of that, unless a reader is in the way
	vacuumRounds  = 16       // at most, one after another
	keepFreePages = 1024     // stay in the file for what is written next
)

// tender keeps the log and the file small. It works on the writer's connection, between groups.
type tender struct {
	conn    *sql.Conn
	disk    *disk
	log     string // the log's path
	alarm   int64
	logger  *slog.Logger
	alarmed bool
	busy    func() bool // whether a step waits
}

// tend is called about every second. idle tells that nothing was written since the last time.
func (t *tender) tend(ctx context.Context, idle bool) error {
	t.disk.look()
	size := t.logSize()
	if size <= t.alarm {
		t.alarmed = false
	}
	if size > t.alarm || idle && size > 0 {
		if err := t.truncateLog(ctx, size); err != nil {
			return err
		}
	}
	if !idle {
		return nil
	}
	return t.giveBack(ctx)
}

func (t *tender) logSize() int64 {
	info, err := os.Stat(t.log)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.logger.Warn("look at the log of the store", "error", err)
		}
		return 0
	}
	return info.Size()
}

// truncateLog brings the log into the file and empties it. A reader that is in the way is not waited for: the next time may do.
func (t *tender) truncateLog(ctx context.Context, size int64) error {
	if _, err := t.conn.ExecContext(ctx, `PRAGMA busy_timeout = 50`); err != nil {
		return err
	}
	var blocked, frames, moved int64
	err := t.conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&blocked, &frames, &moved)
	if _, again := t.conn.ExecContext(ctx, `PRAGMA busy_timeout = 5000`); again != nil {
		return errors.Join(err, again)
	}
	if err != nil && classify(err) != troubleBusy && classify(err) != troubleFull {
		return err
	}
	if size > t.alarm && !t.alarmed {
		t.alarmed = true
		t.logger.Warn("the log of the store has grown: a reader keeps it from being brought into the file, or more is written than the disk takes",
			"path", t.log, "bytes", size, "blocked", blocked != 0 || err != nil)
	}
	return nil
}

// giveBack returns room that deletions have left to the file system, a little at a time and only while nobody waits.
func (t *tender) giveBack(ctx context.Context) error {
	for range vacuumRounds {
		var free int
		if err := t.conn.QueryRowContext(ctx, `PRAGMA freelist_count`).Scan(&free); err != nil {
			return err
		}
		if free <= keepFreePages || t.busy() {
			return nil
		}
		if _, err := t.conn.ExecContext(ctx, `PRAGMA incremental_vacuum(256)`); err != nil {
			if kind := classify(err); kind == troubleBusy || kind == troubleFull {
				return nil // it can wait
			}
			return err
		}
	}
	return nil
}
