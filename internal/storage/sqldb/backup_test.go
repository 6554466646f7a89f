package sqldb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sound checks that a file is whole and returns how many rows a noun has in it.
func sound(t *testing.T, path string) Report {
	t.Helper()
	report, err := Verify(t.Context(), path)
	if err != nil || len(report.Findings) > 0 {
		t.Fatalf("%s: %v, findings %q", path, err, report.Findings)
	}
	return report
}

// TestBackupWhileOthersWrite: the copy is one picture, and holds all that was acknowledged before it was begun.
func TestBackupWhileOthersWrite(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, out := filepath.Join(folder, "headrace.db"), filepath.Join(folder, "copy.db")
	db := open(t, path)
	if err := db.write(t.Context(), receipt("large", 8<<20)); err != nil { // so that it takes a while
		t.Fatal(err)
	}
	var acked [4]atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for c := range acked {
		all.Go(func() {
			for n := int64(1); ctx.Err() == nil; n++ {
				if err := db.write(t.Context(), put(fmt.Sprintf("%d-%d", c, n))); err != nil {
					t.Error(err)
					return
				}
				acked[c].Store(n)
			}
		})
	}
	waitFor(t, func() bool { return acked[0].Load() > 10 })
	var before, during [len(acked)]int64
	for c := range acked {
		before[c] = acked[c].Load()
	}
	size, err := Backup(t.Context(), path, out)
	if err != nil {
		t.Fatal(err)
	}
	for c := range acked {
		during[c] = acked[c].Load() - before[c]
	}
	stop()
	all.Wait()
	if during[0]+during[1]+during[2]+during[3] == 0 {
		t.Error("nobody could write while the copy was made")
	}
	if info, err := os.Stat(out); err != nil || info.Size() != size || info.Mode().Perm() != 0o600 || present(out+".partial") {
		t.Errorf("the copy is %v (%v)", info, err)
	}
	sound(t, out)
	copied := open(t, out)
	for c, last := range before {
		for n := int64(1); n <= last; n++ {
			if !has(t, copied, fmt.Sprintf("%d-%d", c, n)) {
				t.Fatalf("%d-%d was acknowledged before and is not in the copy", c, n)
			}
		}
	}
}

func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, out := filepath.Join(folder, "headrace.db"), filepath.Join(folder, "copy.db")
	if _, err := Backup(t.Context(), path, out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	open(t, path)
	if err := os.WriteFile(out, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), path, out); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("over a file: %v", err)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "precious" {
		t.Errorf("the file is %q now (%v)", text, err)
	}
	half := filepath.Join(folder, "half.db")
	if err := os.WriteFile(half+partly, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), path, half); err == nil || !strings.Contains(err.Error(), half+partly) || present(half) {
		t.Errorf("beside half a backup: %v", err)
	}
	var trouble *DiskError
	if _, err := Backup(t.Context(), path, filepath.Join(folder, "no", "copy.db")); !errors.As(err, &trouble) {
		t.Errorf("into a folder that is not there: %v", err)
	}
	var format *FormatError
	if _, err := Backup(t.Context(), out, filepath.Join(folder, "other.db")); !errors.As(err, &format) {
		t.Errorf("of what is no store: %v", err)
	}
}

func TestVerifyTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "headrace.db")
	golden(t, "0001.sql", path)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if counts := sound(t, path).Counts; !cmp.Equal(counts[0], Count{"integrations", 1}) || !cmp.Equal(counts[5], Count{"executions", 4}) {
		t.Errorf("counted %v", counts)
	}
	before := digest(t, path)
	sound(t, path)
	if digest(t, path) != before || present(path+"-wal") {
		t.Error("verifying changed the file")
	}
	pool, err := openPool(path, settings{"journal_mode(DELETE)", "foreign_keys(OFF)"}, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`UPDATE definitions SET document = '{"displayName":"Other"}' WHERE hash = (SELECT MIN(hash) FROM definitions)`,
		`UPDATE definitions SET document = '{' WHERE hash = (SELECT MAX(hash) FROM definitions)`,
		`UPDATE webhooks SET instance_uid = 'nobody' WHERE current = 0`,
	} {
		if _, err := pool.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := Verify(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"has the content of", "cannot be read", "1 rows of webhooks point at rows of instances"} {
		if !strings.Contains(strings.Join(report.Findings, "\n"), want) {
			t.Errorf("findings are %q, want one that says %q", report.Findings, want)
		}
	}
	var format *FormatError
	if err := report.Err(path); !errors.As(err, &format) || !strings.Contains(err.Error(), "and 2 more") {
		t.Errorf("as an error: %v", err)
	}
	damage(t, path)
	if report, err := Verify(t.Context(), path); err == nil && len(report.Findings) < 4 {
		t.Errorf("with a damaged page, too: %q", report.Findings)
	}
}

func TestVerifyRefusesWhatIsNoStore(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var format *FormatError
	for name, content := range map[string][]byte{"empty": nil, "text": bytes.Repeat([]byte("text "), 1000), "foreign": foreignDatabase(t)} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(t.Context(), path); !errors.As(err, &format) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Verify(t.Context(), filepath.Join(folder, "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

// backedUp makes a store that holds "old" and a backup of it; then "new" is written.
func backedUp(t *testing.T) (path, backup string) {
	t.Helper()
	folder := t.TempDir()
	path, backup = filepath.Join(folder, "headrace.db"), filepath.Join(folder, "backup.db")
	db := untended(t, path)
	if err := db.write(t.Context(), put("old")); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), path, backup); err != nil {
		t.Fatal(err)
	}
	if err := db.write(t.Context(), put("new")); err != nil {
		t.Fatal(err)
	}
	_, err := Restore(t.Context(), backup, path, true, time.Now())
	var used *InUseError
	if !errors.As(err, &used) {
		t.Errorf("while a server is at work: %v", err)
	}
	if !has(t, db, "new") {
		t.Error("the server was disturbed")
	}
	db.failure.set(errors.New("it goes like a crash")) // the log stays
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path, backup
}

func TestRestoreReplacesTheFileAndKeepsItAsideWhole(t *testing.T) {
	t.Parallel()
	path, backup := backedUp(t)
	if !present(path + "-wal") {
		t.Fatal("there is no log that could be left behind")
	}
	var taken *NotEmptyError
	if _, err := Restore(t.Context(), backup, path, false, time.Now()); !errors.As(err, &taken) {
		t.Errorf("without force: %v", err)
	}
	aside, err := Restore(t.Context(), backup, path, true, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"-wal", "-shm", restoring, restoring + ".partial"} {
		if present(path + name) {
			t.Errorf("%s is left", name)
		}
	}
	sound(t, path)
	var logs lockedBuffer
	db, err := Open(t.Context(), Options{Path: path, Logger: logger(&logs)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !has(t, db, "old") || has(t, db, "new") {
		t.Error("the store is not as the backup has it")
	}
	if logs.count("restored from a backup") != 1 {
		t.Error("the start does not tell that it was restored")
	}
	if was := open(t, aside); !has(t, was, "old") || !has(t, was, "new") {
		t.Error("what was kept aside is not whole")
	}
}

func TestRestoreIntoAnEmptyFolder(t *testing.T) {
	t.Parallel()
	_, backup := backedUp(t)
	path := filepath.Join(t.TempDir(), "headrace.db")
	if aside, err := Restore(t.Context(), backup, path, false, time.Now()); err != nil || aside != "" {
		t.Fatalf("kept aside %q: %v", aside, err)
	}
	if db := open(t, path); !has(t, db, "old") {
		t.Error("the store is not as the backup has it")
	}
}

func TestRestoreLooksAtTheBackupFirst(t *testing.T) {
	t.Parallel()
	path, backup := backedUp(t)
	damage(t, backup)
	before := digest(t, path)
	var format *FormatError
	if _, err := Restore(t.Context(), backup, path, true, time.Now()); !errors.As(err, &format) || format.Path != backup {
		t.Errorf("a damaged backup: %v", err)
	}
	if digest(t, path) != before || !present(path+"-wal") {
		t.Error("the file was touched")
	}
	if db := open(t, path); !has(t, db, "new") {
		t.Error("what was there is gone")
	}
}

// TestRestoreCutShort: no store is opened between the steps of a restore, and restoring again goes on.
func TestRestoreCutShort(t *testing.T) {
	t.Parallel()
	path, backup := backedUp(t)
	if err := stage(t.Context(), backup, path, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".replaced-x"); err != nil {
		t.Fatal(err)
	}
	var unfinished *UnfinishedError
	if _, err := OpenSQLite(t.Context(), path, quiet); !errors.As(err, &unfinished) || !strings.Contains(err.Error(), "restore") {
		t.Errorf("opened with %v", err)
	}
	if present(path) {
		t.Error("a new file was begun")
	}
	if _, err := Restore(t.Context(), backup, path, false, time.Now()); err != nil {
		t.Fatal(err)
	}
	if db := open(t, path); !has(t, db, "old") || has(t, db, "new") {
		t.Error("the store is not as the backup has it")
	}
}
