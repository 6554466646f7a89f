package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// What the writer does between groups to keep the files small.
const (
	tendEvery      = time.Second
	walAlarm       = 64 << 20 // bytes of the log; SQLite itself brings it into the file long before that, unless a reader is in the way
	autoCheckpoint = 4000     // pages in the log from which on SQLite does so
	vacuumRounds   = 16       // at most, one after another
	keepFreePages  = 1024     // stay in the file for what is written next
)

// tender keeps the log and the file small. It works on the writer's connection, between groups.
type tender struct {
	conn    *sql.Conn
	disk    *disk
	file    string
	log     string // the log's path
	alarm   int64
	logger  *slog.Logger
	alarmed bool
	cramped bool        // the disk is full, and SQLite was told to leave the log alone
	busy    func() bool // whether a step waits
}

// tend is called about every second. idle tells that nothing was written since the last time.
func (t *tender) tend(ctx context.Context, idle bool) error {
	t.disk.look()
	if full := t.disk.state() != nil; full || t.cramped {
		return t.makeRoom(ctx, full)
	}
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
	return t.giveBack(ctx, keepFreePages)
}

// makeRoom is what is done while the disk is full. The log is brought into the file only if that makes the file grow by little:
// half of it on the disk twice would take the room that the ballast has left for deleting. What deletions free is cut off first.
func (t *tender) makeRoom(ctx context.Context, full bool) error {
	pages := autoCheckpoint
	if full {
		pages = 0
	}
	if _, err := t.conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA wal_autocheckpoint = %d`, pages)); err != nil {
		return err
	}
	t.cramped = full
	if err := t.giveBack(ctx, 0); err != nil {
		return err
	}
	growth, err := t.growth(ctx)
	if err != nil || growth > t.disk.size/2 {
		return err
	}
	return t.truncateLog(ctx, 0)
}

// growth is how much longer the file becomes when the log is brought into it.
func (t *tender) growth(ctx context.Context) (bytes int64, err error) {
	err = t.conn.QueryRowContext(ctx, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&bytes)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(t.file)
	if err != nil {
		return 0, err
	}
	return bytes - info.Size(), nil
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
func (t *tender) giveBack(ctx context.Context, keep int) error {
	for range vacuumRounds {
		var free int
		if err := t.conn.QueryRowContext(ctx, `PRAGMA freelist_count`).Scan(&free); err != nil {
			return err
		}
		if free <= keep || t.busy() {
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
