//go:build faults

package faults_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the reader that is stuck
)

// TestStuckReader lets another process's read transaction stand while events come in (T13). SQLite's log cannot be brought into the
// database file past what a reader still needs, so it grows; when the reader has gone it is small again, and empty when nothing comes in.
func TestStuckReader(t *testing.T) {
	t.Parallel()
	const most = 64 << 20
	to, s := newSink(t), newServer(t)
	s.start(breakage{})
	sending := newSenders(t, s.deployRelay(t, "smith", to.URL+"/smith"), 0)
	padding := strings.Repeat("x", 256<<10)
	sending.body = func(n int) string { return fmt.Sprintf(`"%d %s"`, n, padding) }
	to.block()
	wal := filepath.Join(s.dir, "headrace.db-wal")

	letGo := s.readForEver(t)
	sending.run(8)
	until(t, 2*time.Minute, "the log to grow", func() bool { return length(t, wal) > most+most/4 })
	acked := sending.ackedSoFar()
	until(t, time.Minute, "more events to be acknowledged", func() bool { return sending.ackedSoFar() > acked+20 })
	pinned := length(t, wal)
	letGo()
	shrunk := until(t, time.Minute, "the log to be small while events come in", func() bool { return length(t, wal) <= most })
	sending.halt()
	emptied := until(t, time.Minute, "the log to be empty", func() bool { return length(t, wal) == 0 })
	if shrunk+emptied > 10*time.Second {
		t.Errorf("after the reader had gone it took %s until the log was at most 64 MiB, and %s more until it was empty: want 10 s", shrunk, emptied)
	}
	s.kill()
	results.add(t, result{
		Target: "T13", Goal: "a stuck reader stops nobody, and when it has gone the log is at most 64 MiB, and empty when idle, in ≤ 10 s",
		Size:    "1 reader of another process, 256 KiB events",
		Figure:  fmt.Sprintf("%d MiB while it read, events still taken; at most 64 MiB %s after it had gone, empty %s after the last event", pinned>>20, rounded(shrunk), rounded(emptied)),
		Control: fmt.Sprintf("while the reader is there the log does not shrink: %d MiB", pinned>>20),
	})
}

// readForEver begins to read the server's database from this process, and returns what ends it.
func (s *server) readForEver(t *testing.T) (letGo func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "headrace.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(t.Context(), `SELECT count(*) FROM instances`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
