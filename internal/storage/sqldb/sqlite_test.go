package sqldb

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/storage/storagetest"
)

func open(t testing.TB, path string) *DB {
	t.Helper()
	db, err := OpenSQLite(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func fresh(t testing.TB) *DB {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "headrace.db"))
}

func TestSQLiteKeepsTheContract(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) storage.Store { return fresh(t) })
}
