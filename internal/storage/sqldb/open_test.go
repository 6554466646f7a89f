package sqldb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
)

var quiet = slog.New(slog.DiscardHandler)

func TestOpenPreparesTheFile(t *testing.T) {
	t.Parallel()
	// Nothing in a path is taken for a parameter.
	path := filepath.Join(t.TempDir(), "a b?mode=ro&c#d%20.db")
	db := open(t, path)
	if err := db.write(t.Context(), put("a")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + name)
		if err != nil {
			t.Error(err)
			continue
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("the file %q has mode %v", info.Name(), mode)
		}
	}
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "auto_vacuum": "2", "wal_autocheckpoint": "4000", "busy_timeout": "5000",
	} {
		var got string
		if err := db.writer.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", pragma, got, err, want)
		}
	}
	if _, err := db.readers.ExecContext(t.Context(), `DELETE FROM receipts`); err == nil {
		t.Error("a reader writes")
	}
}

func TestOpenKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	for n := range 3 {
		db := open(t, path)
		if n > 0 && !has(t, db, "a") {
			t.Error("what was written is gone")
		}
		if n == 0 {
			if err := db.write(t.Context(), put("a")); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenTakesTheFileFromOthers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o644)); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	var log bytes.Buffer
	db, err := OpenSQLite(t.Context(), path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v (%v)", info.Mode(), err)
	}
	if !strings.Contains(log.String(), "could be read by others") {
		t.Errorf("nobody was told: %s", log.String())
	}
}

func TestOpenRefusesAFileThatIsNoDatabase(t *testing.T) {
	t.Parallel()
	header := append([]byte("SQLite format 3\x00"), bytes.Repeat([]byte{0xff}, 5000)...)
	foreign := foreignDatabase(t)
	for name, content := range map[string][]byte{
		"text": []byte(strings.Repeat("not a database\n", 400)), "short": []byte("x"), "damaged": header, "foreign": foreign,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "headrace.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := OpenSQLite(t.Context(), path, quiet)
			var format *FormatError
			if !errors.As(err, &format) || format.Path != path {
				t.Fatalf("error is %v", err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(content, after) {
				t.Errorf("the file was changed (%v)", err)
			}
			if _, again := OpenSQLite(t.Context(), path, quiet); !errors.As(again, &format) {
				t.Errorf("the second time the error is %v: the lock was kept", again)
			}
		})
	}
}

// foreignDatabase is a database of something else.
func foreignDatabase(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign.db")
	pool, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.ExecContext(t.Context(), `CREATE TABLE customers (id TEXT)`); err != nil {
		t.Fatal(err)
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestOpenRefusesANewerSchemaAndLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	newest, err := newestSchema()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "headrace.db")
	db := open(t, path)
	err = db.write(t.Context(), func(ctx context.Context, tx *tx) error {
		return tx.do(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, 1)`)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenSQLite(t.Context(), path, quiet)
	var schema *SchemaError
	if !errors.As(err, &schema) || schema.Have != 9000 || schema.Known != newest {
		t.Fatalf("error is %v", err)
	}
	for _, number := range []string{"9000", strconv.FormatInt(newest, 10)} {
		if !strings.Contains(err.Error(), number) {
			t.Errorf("%q does not name version %s", err, number)
		}
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
}

func TestOpenRefusesASecondOpenerByAnyName(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, link := filepath.Join(folder, "headrace.db"), filepath.Join(folder, "link.db")
	db := open(t, path)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		_, err := OpenSQLite(t.Context(), name, quiet)
		var used *InUseError
		if !errors.As(err, &used) || used.PID != os.Getpid() {
			t.Errorf("error is %v, want one that names process %d", err, os.Getpid())
		}
	}
	if err := db.write(t.Context(), put("a")); err != nil {
		t.Errorf("the first was disturbed: %v", err)
	}
}

// TestOpenRefusesASecondProcess starts this test again in a process of its own, which finds the file in use.
func TestOpenRefusesASecondProcess(t *testing.T) {
	t.Parallel()
	if path := os.Getenv("HEADRACE_TEST_SECOND"); path != "" {
		_, err := OpenSQLite(t.Context(), path, quiet)
		var used *InUseError
		if !errors.As(err, &used) || used.PID != os.Getppid() {
			t.Errorf("error is %v, want one that names process %d", err, os.Getppid())
		}
		return
	}
	path := filepath.Join(t.TempDir(), "headrace.db")
	open(t, path)
	second := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenRefusesASecondProcess$", "-test.v")
	second.Env = append(os.Environ(), "HEADRACE_TEST_SECOND="+path)
	out, err := second.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("the second process: %v\n%s", err, out)
	}
}

func TestOpenSaysWhatTheSystemSays(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if _, err := OpenSQLite(t.Context(), filepath.Join(folder, "no", "headrace.db"), quiet); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
	if _, err := OpenSQLite(t.Context(), folder, quiet); err == nil {
		t.Error("a folder was opened")
	}
}

func TestLibraryIsNotOneThatDamagesFiles(t *testing.T) {
	t.Parallel()
	for version, fits := range map[string]bool{
		"3.51.2": false, "3.51.3": true, "3.51.10": true, "3.9.99": false, "3.54.1": true, "4.0.0": true, "2.99.99": false,
	} {
		err := checkLibrary(version)
		if library := new(LibraryError); fits != (err == nil) || !fits && (!errors.As(err, &library) || library.Have != version) {
			t.Errorf("%s: %v", version, err)
		}
	}
	for _, nonsense := range []string{"", "3.51", "3.x.1"} {
		if err := checkLibrary(nonsense); err == nil {
			t.Errorf("%q was taken for a version", nonsense)
		}
	}
}

func TestDamageFoundLaterStopsTheStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	db := open(t, path)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := OpenSQLite(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	damage(t, path)
	_, err = db.GetCustomer(t.Context(), "a")
	if !errors.Is(err, ipaas.Unavailable) || ipaas.ReasonOf(err) != ipaas.ReasonStorageFailed || db.Err() == nil {
		t.Errorf("answered %v, the store has failed with %v", err, db.Err())
	}
}

// damage overwrites the page that holds the customers.
func damage(t *testing.T, path string) {
	t.Helper()
	pool, err := sql.Open("sqlite", fileURL(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	var root, size int64
	err = pool.QueryRowContext(t.Context(),
		`SELECT (SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_customers_1'), page_size FROM pragma_page_size`).Scan(&root, &size)
	if err := errors.Join(err, pool.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt(bytes.Repeat([]byte{0xee}, int(size)), (root-1)*size)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}
