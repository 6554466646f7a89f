package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// restoring is the ending of a whole, verified copy that is about to become the file. While it is there no store is opened: a cut
// between the steps of Replace could otherwise make a server begin with half of what was there, or with nothing.
const restoring = ".restoring"

// NotEmptyError says that there is a store where a backup was to be restored.
type NotEmptyError struct{ Path string }

func (e *NotEmptyError) Error() string {
	return e.Path + " holds data: add --force to put the backup in its place; the file is kept aside"
}

// Restore puts a backup in the place of the file of a store, which no server may have open. The backup is verified first. With force
// a file that is there is replaced and kept aside together with its log: where is returned. Executions that the backup shows as
// running are taken up at the next start, as after a crash.
func Restore(ctx context.Context, backup, path string, force bool, now time.Time) (aside string, err error) {
	if path, err = realPath(path); err != nil {
		return "", fmt.Errorf("restore %s: %w", path, blameDisk(path, err))
	}
	lock, err := acquireLock(path)
	if err != nil {
		return "", fmt.Errorf("restore %s: %w", path, blameDisk(path, err))
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	held, err := holdsData(path)
	if err != nil {
		return "", &DiskError{Path: path, Err: err}
	}
	if held && !force {
		return "", &NotEmptyError{Path: path}
	}
	report, err := Verify(ctx, backup)
	if err == nil {
		err = report.Err(backup)
	}
	if err != nil {
		return "", fmt.Errorf("verify the backup: %w", err)
	}
	if err := stage(ctx, backup, path, now); err != nil {
		return "", fmt.Errorf("copy the backup: %w", blameDisk(path, err))
	}
	aside, err = replace(path, now)
	return aside, blameDisk(path, err)
}

func holdsData(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Size() > 0, err
}

// stage makes a copy beside the file that can take its place by being renamed.
func stage(ctx context.Context, backup, path string, now time.Time) error {
	partial := path + restoring + partly
	if err := removeAll(partial, partial+"-wal", partial+"-shm", path+restoring); err != nil {
		return err
	}
	if err := copyFile(backup, partial); err != nil {
		return err
	}
	pool, err := openPool(partial, settings{"journal_mode(DELETE)"}, nil, 1) // so that nothing stays beside it
	if err != nil {
		return err
	}
	err = noteRestored(ctx, pool, fmt.Sprintf("%s at %s", filepath.Base(backup), now.UTC().Format(time.RFC3339)))
	if err := errors.Join(err, pool.Close()); err != nil {
		return err
	}
	if err := os.Rename(partial, path+restoring); err != nil {
		return err
	}
	return syncFolder(path)
}

// noteRestored leaves word for the next start. A backup of a version that keeps nothing about itself is left as it is.
func noteRestored(ctx context.Context, pool *sql.DB, note string) error {
	var name string
	err := pool.QueryRowContext(ctx, selectTable, "meta").Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		_, err = pool.ExecContext(ctx, upsertMeta, metaRestored, note)
	}
	return err
}

// replace keeps the file aside with its log, without which it is not whole, and gives the staged copy its name. From the log that
// stays behind another file would take what is not its own.
func replace(path string, now time.Time) (aside string, err error) {
	if held, err := holdsData(path); err != nil {
		return "", err
	} else if held {
		aside = path + ".replaced-" + now.UTC().Format("20060102T150405.000000Z")
		if err := os.Rename(path, aside); err != nil {
			return "", err
		}
	}
	if aside != "" && present(path+"-wal") {
		if err := os.Rename(path+"-wal", aside+"-wal"); err != nil {
			return "", err
		}
	}
	if err := removeAll(path+"-wal", path+"-shm"); err != nil {
		return "", err
	}
	if err := syncFolder(path); err != nil {
		return "", err
	}
	if err := os.Rename(path+restoring, path); err != nil {
		return "", err
	}
	return aside, syncFolder(path)
}

func removeAll(paths ...string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// copyFile copies a file that nobody writes to, and syncs the copy.
func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		return errors.Join(err, target.Close())
	}
	return errors.Join(target.Sync(), target.Close())
}
