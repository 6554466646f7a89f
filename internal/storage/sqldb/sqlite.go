package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/headrace/headrace/internal/storage/sqldb/pagesum"
)

// oldestSQLite is the first version without the race that damages a file when its log begins anew.
const oldestSQLite = "3.51.3"

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

// Options says which file a store is in. Path and Logger must be set.
type Options struct {
	Path    string
	Logger  *slog.Logger
	Keys    Keys  // checked before anything is written; nil: not checked
	Ballast int64 // bytes set aside for when the disk is full; 0: none

	// Ephemeral tells that the file is gone with the process: nothing waits until it is on the disk.
	Ephemeral bool

	pace pace // for tests; the zero value of each means its default
}

// pace is how patient a store is.
type pace struct {
	queue time.Duration  // for a place in the writer's queue
	tend  time.Duration  // between two looks at the files
	ticks chan time.Time // each makes it look at the files, too
	read  time.Duration  // for a statement that reads
	log   int64          // bytes of the log that raise the alarm
}

func (p pace) withDefaults() pace {
	p.queue, p.tend, p.read, p.log = cmp.Or(p.queue, patience), cmp.Or(p.tend, tendEvery), cmp.Or(p.read, readLimit), cmp.Or(p.log, walAlarm)
	return p
}

// readLimit is how long a statement that reads may take: while it runs, the log cannot be emptied.
const readLimit = 5 * time.Second

// OpenSQLite opens the store in a file without a ballast and without a look at keys.
func OpenSQLite(ctx context.Context, path string, logger *slog.Logger) (*DB, error) {
	return Open(ctx, Options{Path: path, Logger: logger})
}

// Open opens the store in a file, which is created if it is not there, and brings its schema up to date. A file that is refused is
// left as it is. Errors: *LibraryError, *InUseError, *FormatError, *SchemaError, *KeyError, *UnfinishedError, and *DiskError for
// what the operating system says.
func Open(ctx context.Context, o Options) (*DB, error) {
	db, err := openLocked(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", blameDisk(o.Path, err))
	}
	return db, nil
}

func openLocked(ctx context.Context, o Options) (_ *DB, err error) {
	if o.Path, err = realPath(o.Path); err != nil {
		return nil, err
	}
	lock, err := acquireLock(o.Path)
	if err != nil {
		return nil, err
	}
	db, err := openSQLite(ctx, o, lock)
	if classify(err) == troubleFull && newDisk(o.Path, o.Ballast, o.Logger).throwOff() {
		db, err = openSQLite(ctx, o, lock)
	}
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	return db, nil
}

// blameDisk tells trouble with the disk from what the store itself finds wrong with a file.
func blameDisk(path string, err error) error {
	var system syscall.Errno
	if kind := classify(err); kind == troubleFull || kind == troubleDisk || errors.As(err, &system) {
		return &DiskError{Path: path, Err: err}
	}
	return err
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

func openSQLite(ctx context.Context, o Options, lock *fileLock) (_ *DB, err error) {
	if present(o.Path + restoring) {
		return nil, &UnfinishedError{Path: o.Path}
	}
	if err := prepareFile(o.Path, o.Logger); err != nil {
		return nil, err
	}
	// Looking comes first and changes nothing: a file that is refused stays as it was.
	if err := checkLog(o.Path); err != nil {
		return nil, err
	}
	if lock.abandoned {
		if err := sealAnew(ctx, o.Path, o.Logger); err != nil {
			return nil, err
		}
	}
	if err := inspect(ctx, o); err != nil {
		return nil, err
	}
	if sums, err := hasSums(o.Path); err != nil {
		return nil, err
	} else if !sums {
		o.Logger.Warn("the store was begun by a build that kept no checksums of pages: flipped bits are not seen", "path", o.Path)
	}
	db := &DB{path: o.Path, lock: lock, failure: failure{path: o.Path, done: make(chan struct{})}, disk: newDisk(o.Path, o.Ballast, o.Logger)}
	if err := db.makePools(o); err != nil { // both before either connects: see hasSums
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.readers.Close(), db.writers.Close())
		}
	}()
	conn, err := openWriter(ctx, db.writers, o)
	if err != nil {
		return nil, err
	}
	if err := db.readers.PingContext(ctx); err != nil {
		return nil, errors.Join(opening(o.Path, err), conn.Close())
	}
	db.work(conn, o)
	return db, nil
}

// work starts the writer.
func (db *DB) work(conn *sql.Conn, o Options) {
	p := o.pace.withDefaults()
	db.reads = newRunner(db.readers.PrepareContext)
	db.reads.turns, db.reads.limit = make(chan struct{}, db.readers.Stats().MaxOpenConnections), p.read
	if o.Ballast > 0 {
		if err := db.disk.lay(0); err != nil {
			db.disk.isFull(err)
		}
	}
	w := newWriter(conn, &db.failure, db.describe)
	w.disk, w.every, w.ticks, w.patience = db.disk, p.tend, p.ticks, p.queue
	w.tender = &tender{
		conn: conn, disk: db.disk, file: o.Path, log: o.Path + "-wal", alarm: p.log, logger: o.Logger, busy: func() bool { return w.small.waiting() || w.large.waiting() },
	}
	db.writer = w
	go w.loop()
}

// makePools makes the pool of the connection that writes and that of those that read, which cannot write at all, not even when they are the
// last to go. None connects yet.
func (db *DB) makePools(o Options) (err error) {
	if db.writers, err = openPool(o.Path, writerSettings.of(o), nil, 1); err != nil {
		return err
	}
	if db.readers, err = openPool(o.Path, readerSettings, url.Values{"mode": {"ro"}}, runtime.GOMAXPROCS(0)); err != nil {
		return errors.Join(err, db.writers.Close())
	}
	return nil
}

// openWriter brings the schema up to date and returns the one connection that writes.
func openWriter(ctx context.Context, pool *sql.DB, o Options) (*sql.Conn, error) {
	if _, err := pool.ExecContext(ctx, markAsOurs); err != nil {
		return nil, opening(o.Path, err)
	}
	if err := migrate(ctx, pool, o.Path, o.Logger); err != nil {
		return nil, opening(o.Path, err)
	}
	restored, err := takeOver(ctx, pool, o.Keys)
	if err != nil {
		return nil, opening(o.Path, err)
	}
	if restored != "" {
		o.Logger.Warn("the store was restored from a backup: what happened since it was made is not known here", "path", o.Path, "backup", restored)
	}
	conn, err := pool.Conn(ctx)
	return conn, opening(o.Path, err)
}

// opening tells a damaged file from other trouble.
func opening(path string, err error) error {
	if err != nil && classify(err) == troubleCorrupt {
		return &FormatError{Path: path, Err: explained(err)}
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
	if err == nil && info.Size() == 0 {
		if _, err = file.Write(pagesum.FirstPage(applicationID)); err != nil {
			err = errors.Join(err, file.Truncate(0)) // half a page would be refused for ever
		}
	}
	return errors.Join(err, file.Close())
}

// settings are pragmas of a connection. The driver runs them in alphabetical order, busy_timeout first.
type settings []string

var (
	writerSettings = settings{
		"busy_timeout(5000)",
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
		"query_only(ON)",
		"temp_store(MEMORY)",
	}
)

// of returns the settings as they are for a store that is opened with some options.
func (s settings) of(o Options) settings {
	if !o.Ephemeral {
		return s
	}
	s = slices.Clone(s)
	s[slices.Index(s, "synchronous(FULL)")] = "synchronous(OFF)"
	return s
}

func openPool(path string, s settings, parameters url.Values, size int) (*sql.DB, error) {
	parameters = maps.Clone(parameters)
	if parameters == nil {
		parameters = url.Values{}
	}
	parameters["_pragma"] = tampered(s)
	name, err := storeURL(path, parameters)
	if err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size) // a connection keeps its prepared statements
	return pool, nil
}

// storeURL is fileURL for the file of a store: pages that have room for sums are written and read with them.
func storeURL(path string, parameters url.Values) (string, error) {
	sums, err := hasSums(path)
	if err != nil || !sums {
		return fileURL(path, parameters), err
	}
	return summedURL(path, parameters)
}

// summedURL is fileURL for a file whose pages have sums, or are to have them.
func summedURL(path string, parameters url.Values) (string, error) {
	vfs, err := pagesum.VFS()
	parameters = maps.Clone(parameters)
	if parameters == nil {
		parameters = url.Values{}
	}
	parameters.Set("vfs", vfs)
	return fileURL(path, parameters), err
}

// hasSums reports whether the pages of a file have room for sums. Those of no file have none.
//
// It must not look at a file that this process has open: closing a file lets go of all the locks that its process has on it (POSIX wants it
// so). Another program with an SQLite before 3.51 would then take itself for the only one, and on leaving remove the log to which the store
// goes on writing.
func hasSums(path string) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	head := make([]byte, pagesum.PageSize)
	n, err := io.ReadFull(file, head)
	return pagesum.Room(head[:n]), errors.Join(unlessEnd(err), file.Close())
}

// fileURL names a file so that SQLite takes nothing in its path for a parameter.
func fileURL(path string, parameters url.Values) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/… becomes file:///C:/…
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: parameters.Encode()}).String()
}
