package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"modernc.org/sqlite"
)

// How a copy is made so that a server that is at work on the same file hardly feels it. It is synced as it grows, since a sync of all
// of it at the end would have everybody's next sync wait for it.
const (
	backupPages = 128 // are copied and synced at once
	backupRest  = 2   // times as long as a portion took it rests before the next one
)

// partly is the ending of a copy that is not whole yet.
const partly = ".partial"

// Backup copies the file of a store to out, which must not be there, and returns the size of the copy. A server may be at work on the
// file: the copy holds all that was acknowledged before the call, and nothing that was only half done. out appears when it is whole
// and on the disk.
func Backup(ctx context.Context, path, out string) (size int64, err error) {
	return backUp(ctx, path, out, backupRest)
}

func backUp(ctx context.Context, path, out string, rest int) (size int64, err error) {
	if present(out) {
		return 0, alreadyThere(out)
	}
	if _, err := os.Stat(path); err != nil {
		return 0, fmt.Errorf("there is no store to back up: %w", err)
	}
	partial := out + partly
	file, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return 0, fmt.Errorf("%s is there: another backup is writing it, or one was cut short; in that case delete it", partial)
	}
	if err != nil {
		return 0, fmt.Errorf("back up %s: %w", path, blameDisk(out, err))
	}
	defer func() {
		err = errors.Join(err, file.Close())
		_ = os.Remove(partial) // it has its name by now, or is of no use
	}()
	if err := copyPages(ctx, path, partial, file.Sync, rest); err != nil {
		return 0, fmt.Errorf("back up %s: %w", path, blameDisk(out, opening(path, err)))
	}
	info, err := file.Stat()
	if err := errors.Join(err, file.Sync()); err != nil {
		return 0, &DiskError{Path: out, Err: err}
	}
	return info.Size(), publish(partial, out)
}

// publish gives a whole file its name, unless something has it by now.
func publish(partial, out string) error {
	if err := os.Link(partial, out); err != nil {
		if errors.Is(err, fs.ErrExist) || present(out) {
			return alreadyThere(out)
		}
		if err := os.Rename(partial, out); err != nil { // not every file system has links
			return &DiskError{Path: out, Err: err}
		}
	}
	return syncFolder(out)
}

func alreadyThere(out string) error {
	return fmt.Errorf("%s is there already: name another file, a backup replaces none", out)
}

// syncFolder makes sure that a file's name is on the disk.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there, and names are written through
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return &DiskError{Path: path, Err: err}
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return &DiskError{Path: path, Err: err}
	}
	return nil
}

func present(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// copyPages copies one consistent picture of a store that others may be writing to.
func copyPages(ctx context.Context, from, to string, sync func() error, rest int) (err error) {
	target, err := backupURL(from, to) // before it is opened: see hasSums
	if err != nil {
		return err
	}
	conn, done, err := openToRead(ctx, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := inspectSchema(ctx, conn, from); err != nil {
		return err
	}
	// The transaction holds the picture while the portions are copied: without it each change would make the copy begin anew.
	if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
		return err
	}
	if _, err := schemaVersion(ctx, conn); err != nil {
		return err
	}
	return conn.Raw(func(driver any) error {
		source, ok := driver.(interface {
			NewBackup(target string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the driver makes no backups")
		}
		b, err := source.NewBackup(target)
		if err != nil {
			return err
		}
		return errors.Join(copyPortions(ctx, b, sync, rest), b.Finish())
	})
}

// backupURL names a new file whose pages have sums if those of the store do. It is synced by who copies.
func backupURL(from, to string) (string, error) {
	parameters := url.Values{"_pragma": {"synchronous(OFF)"}}
	if sums, err := hasSums(from); err != nil || !sums {
		return fileURL(to, parameters), err
	}
	return summedURL(to, parameters)
}

func copyPortions(ctx context.Context, b *sqlite.Backup, sync func() error, rest int) error {
	for {
		began := time.Now()
		more, err := b.Step(backupPages)
		if err != nil || !more {
			return err
		}
		if err := sync(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(rest) * time.Since(began)):
		}
	}
}

// openToRead opens a file that may be in use, so that nothing is written to it.
func openToRead(ctx context.Context, path string) (conn *sql.Conn, done func() error, err error) {
	conn, done, err = readOnly(ctx, path, false)
	if kind := classify(err); (kind == troubleDisk || kind == troubleFull) && !present(path+"-wal") {
		return readOnly(ctx, path, true) // a reader cannot leave word beside the file that it reads: so nobody can be at work on it
	}
	return conn, done, err
}

// openAtRest opens a file that nobody is at work on. Nothing appears beside it.
func openAtRest(ctx context.Context, path string) (conn *sql.Conn, done func() error, err error) {
	return readOnly(ctx, path, !present(path+"-wal"))
}

// readOnly opens a file; one that is immutable is read as it stands.
func readOnly(ctx context.Context, path string, immutable bool) (conn *sql.Conn, done func() error, err error) {
	parameters := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(ON)"}}
	if immutable {
		parameters.Set("immutable", "1")
	}
	name, err := storeURL(path, parameters)
	if err != nil {
		return nil, nil, err
	}
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, nil, err
	}
	if conn, err = pool.Conn(ctx); err != nil {
		return nil, nil, errors.Join(err, pool.Close())
	}
	done = func() error { return errors.Join(conn.Close(), pool.Close()) }
	if _, err := schemaVersion(ctx, conn); err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return conn, done, nil
}
