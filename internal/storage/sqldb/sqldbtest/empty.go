// Package sqldbtest makes stores for the tests of those above them. It must not know what the tests put into them.
package sqldbtest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/headrace/headrace/internal/storage/sqldb"
)

// Empty writes a database in which nothing is to a path, where the test opens it as any other.
func Empty(t testing.TB, path string) {
	t.Helper()
	content, err := empty()
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// empty is made once in a process. Making one takes every migration: for most tests, and above all under the race detector, longer
// than all else.
var empty = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "headrace-empty-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "headrace.db")
	db, err := sqldb.OpenSQLite(context.Background(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
