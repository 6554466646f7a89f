package sqldb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openFiles returns the files in a folder that this process has open.
func openFiles(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		// One that is gone by now was another test's.
		if name, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(name, folder) {
			names = append(names, name)
		}
	}
	return names
}

func TestAClosedStoreHasNoFileOpen(t *testing.T) {
	t.Parallel()
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "headrace.db")
	for _, key := range []string{"a", "b", "c"} {
		db := open(t, path)
		if err := db.write(t.Context(), put(key)); err != nil {
			t.Fatal(err)
		}
		if !has(t, db, key) {
			t.Errorf("%s is not there", key)
		}
		if len(openFiles(t, folder)) == 0 {
			t.Error("an open store has no file open: the test looks at the wrong place")
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if left := openFiles(t, folder); len(left) > 0 {
			t.Errorf("still open: %v", left)
		}
	}
	// One that is refused leaves none either.
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database\n", 400)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSQLite(t.Context(), path, quiet); err == nil {
		t.Fatal("it was opened")
	}
	if left := openFiles(t, folder); len(left) > 0 {
		t.Errorf("still open after a refusal: %v", left)
	}
}
