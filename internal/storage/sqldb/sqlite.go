package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// oldestSQLite is the first version without the race that damages a file when its log begins anew.
const oldestSQLite = "3.51.3"

// smallestFile is the least that can be a database: one page of the smallest size.
const smallestFile = 512

// A file is marked as ours by "Hdrc" in its header.
const (
	applicationID = 0x48647263
	markAsOurs    = `PRAGMA application_id = 0x48647263`
)

// How soon a caller may come back.
const (
	retryWhenBusy = time.Second
	retryWhenFull = 30 * time.Second
)

// OpenSQLite opens the store in a file, which is created if it is not there, and brings its schema up to date.
// Its own errors are *LibraryError, *InUseError, *FormatError and *SchemaError; any other is the operating system's.
func OpenSQLite(ctx context.Context, path string, logger *slog.Logger) (*DB, error) {
	path, err := realPath(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := acquireLock(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db, err := openSQLite(ctx, path, logger, lock)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), lock.release())
	}
	return db, nil
}

// realPath follows links, so that two names of one file share one lock.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, filepath.Base(path))
	file, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	return file, err
}

func openSQLite(ctx context.Context, path string, logger *slog.Logger, lock *fileLock) (_ *DB, err error) {
	if err := prepareFile(path, logger); err != nil {
		return nil, err
	}
	// Looking comes first and changes nothing: a file that is refused stays as it was.
	if err := inspect(ctx, path); err != nil {
		return nil, err
	}
	db := &DB{lock: lock, failure: failure{done: make(chan struct{})}}
	if db.writers, err = openPool(path, writerSettings, 1); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.writers.Close())
		}
	}()
	conn, err := openWriter(ctx, db.writers, path, logger)
	if err != nil {
		return nil, err
	}
	if db.readers, err = openPool(path, readerSettings, runtime.GOMAXPROCS(0)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	db.reads = newRunner(db.readers.PrepareContext)
	db.writer = newWriter(conn, &db.failure, db.describe)
	return db, nil
}

// openWriter brings the schema up to date and returns the one connection that writes.
func openWriter(ctx context.Context, pool *sql.DB, path string, logger *slog.Logger) (*sql.Conn, error) {
	if _, err := pool.ExecContext(ctx, markAsOurs); err != nil {
		return nil, opening(path, err)
	}
	if err := migrate(ctx, pool, path, logger); err != nil {
		return nil, opening(path, err)
	}
	conn, err := pool.Conn(ctx)
	return conn, opening(path, err)
}

// opening tells a damaged file from other trouble.
func opening(path string, err error) error {
	if err != nil && classify(err) == troubleCorrupt {
		return &FormatError{Path: path, Err: err}
	}
	return err
}

// prepareFile makes sure that the file is there and that nobody else may read it. SQLite gives its log the same mode.
func prepareFile(path string, logger *slog.Logger) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		logger.Warn("the store could be read by others on this machine; now it cannot", "path", path, "mode", info.Mode().Perm().String())
		err = file.Chmod(0o600)
	}
	return errors.Join(err, file.Close())
}

// settings are pragmas of a connection. The driver runs them in alphabetical order, busy_timeout first.
type settings []string

var (
	writerSettings = settings{
		"busy_timeout(5000)",
		"auto_vacuum(INCREMENTAL)", // counts only while the file is empty, so it must come before journal_mode
		"cache_size(-65536)",
		"foreign_keys(ON)",
		"journal_mode(WAL)",
		"journal_size_limit(67108864)",
		"synchronous(FULL)", // an answered webhook survives a power cut
		"temp_store(MEMORY)",
		"wal_autocheckpoint(4000)",
	}
	readerSettings = settings{
		"busy_timeout(5000)",
		"cache_size(-16384)",
		"mmap_size(268435456)",
		"query_only(ON)",
		"temp_store(MEMORY)",
	}
)

func openPool(path string, s settings, size int) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", fileURL(path, url.Values{"_pragma": tampered(s)}))
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size) // a connection keeps its prepared statements
	return pool, nil
}

// fileURL names a file so that SQLite takes nothing in its path for a parameter.
func fileURL(path string, parameters url.Values) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/… becomes file:///C:/…
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: parameters.Encode()}).String()
}

// inspect refuses a file that must not be opened, without writing to it.
func inspect(ctx context.Context, path string) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	empty := info.Size() == 0
	target := ":memory:" // tells the version of the library, too
	if !empty {
		target = fileURL(path, url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}})
	}
	pool, err := sql.Open("sqlite", target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	pool.SetMaxOpenConns(1)

	var version string
	if err := pool.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return opening(path, err)
	}
	if err := checkLibrary(version); err != nil || empty {
		return err
	}
	if info.Size() < smallestFile {
		return &FormatError{Path: path} // SQLite would take it for an empty one
	}
	return inspectSchema(ctx, pool, path)
}

func inspectSchema(ctx context.Context, pool *sql.DB, path string) error {
	var application, tables int64
	err := pool.QueryRowContext(ctx, `SELECT application_id, (SELECT count(*) FROM sqlite_master) FROM pragma_application_id`).
		Scan(&application, &tables)
	if err != nil {
		return opening(path, err)
	}
	if application != applicationID && (application != 0 || tables > 0) {
		return &FormatError{Path: path}
	}
	return checkSchema(ctx, pool, path)
}

// checkLibrary refuses versions of SQLite that can damage a file.
func checkLibrary(version string) error {
	have, err := parseVersion(version)
	if err != nil {
		return err
	}
	need, err := parseVersion(oldestSQLite)
	if err != nil {
		return err
	}
	for i := range need {
		if have[i] != need[i] {
			if have[i] < need[i] {
				return &LibraryError{Have: version, Need: oldestSQLite}
			}
			return nil
		}
	}
	return nil
}

func parseVersion(version string) (numbers [3]int, err error) {
	parts := strings.Split(version, ".")
	if len(parts) < len(numbers) {
		return numbers, fmt.Errorf("SQLite calls itself %q, which is no version", version)
	}
	for i := range numbers {
		if numbers[i], err = strconv.Atoi(parts[i]); err != nil {
			return numbers, fmt.Errorf("SQLite calls itself %q, which is no version: %w", version, err)
		}
	}
	return numbers, nil
}

// trouble is a kind of error of the driver.
type trouble int

const (
	troubleOther     trouble = iota
	troubleStatement         // the statement makes no sense here, e.g. there is no transaction to end
	troubleBusy              // someone else holds the file
	troubleFull              // no room, or no permission to write
	troubleBroken            // a rule of the schema was broken
	troubleCorrupt           // the file is damaged
)

// classify reads the driver's code, never its words.
func classify(err error) trouble {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return troubleOther
	}
	switch e.Code() & 0xff { // the rest of the code tells more than anybody asks
	case sqlite3.SQLITE_ERROR:
		return troubleStatement
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return troubleBusy
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY:
		return troubleFull
	case sqlite3.SQLITE_CONSTRAINT:
		return troubleBroken
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return troubleCorrupt
	default:
		return troubleOther
	}
}

// nothingDurable reports whether a commit that ended with err certainly left nothing on the disk. An error of the disk itself
// does not: the commit may have been written and only the answer lost.
func nothingDurable(err error) bool {
	switch classify(err) {
	case troubleStatement, troubleBusy, troubleFull, troubleBroken:
		return true
	default:
		return false
	}
}
