package sqldb

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/storage/sqldb/pagesum"
)

const frameSize = frameHeaderSize + pagesum.PageSize

// ends returns where the transactions of a log end.
func ends(log []byte) (offsets []int) {
	for at := logHeaderSize; at+frameSize <= len(log); at += frameSize {
		if binary.BigEndian.Uint32(log[at+4:]) != 0 {
			offsets = append(offsets, at+frameSize)
		}
	}
	return offsets
}

// opens opens a copy of the specimen, without some and with another log.
func (g *specimen) opens(t *testing.T, log []byte, without ...string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "headrace.db")
	g.put(t, path, append(without, "-wal")...)
	if log != nil {
		if err := os.WriteFile(path+"-wal", log, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := OpenSQLite(t.Context(), path, quiet)
	if err != nil {
		return err
	}
	return db.Close()
}

func TestALogThatLostTransactionsIsRefused(t *testing.T) {
	t.Parallel()
	g := newSpecimen(t)
	log := g.files["-wal"]
	offsets := ends(log)
	last, before := offsets[len(offsets)-2], offsets[len(offsets)-3]
	flipped := func(at int) []byte {
		b := bytes.Clone(log)
		b[at] ^= 4
		return b
	}
	for name, damaged := range map[string]struct {
		log     []byte
		without string
	}{
		"cut":                               {log: log[:last]},
		"cut within a frame":                {log: log[:len(log)-1]},
		"gone":                              {},
		"empty":                             {log: []byte{}},
		"flipped in the last":               {log: flipped(len(log) - 1)},
		"flipped in the last but one":       {log: flipped(last - 1)},
		"flipped in the header":             {log: flipped(17)},
		"zeroed header":                     {log: append(make([]byte, logHeaderSize), log[logHeaderSize:]...), without: "-shm"},
		"flipped before, machine was off":   {log: flipped(before), without: "-shm"},
		"flipped salt, machine was off":     {log: flipped(logHeaderSize + 8), without: "-shm"},
		"flipped in the header, was off":    {log: flipped(25), without: "-shm"},
		"flipped in the first, machine off": {log: flipped(logHeaderSize + frameHeaderSize), without: "-shm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := g.opens(t, damaged.log, damaged.without)
			if format := new(FormatError); !errors.As(err, &format) || !strings.Contains(err.Error(), "-wal is damaged") {
				t.Errorf("answered %v", err)
			}
		})
	}
}

// TestACrashIsNoDamage cuts the log where a power cut could: anywhere in the transaction that was just being written.
func TestACrashIsNoDamage(t *testing.T) {
	t.Parallel()
	g := newSpecimen(t)
	log := g.files["-wal"]
	offsets := ends(log)
	last := offsets[len(offsets)-2]
	torn := bytes.Clone(log)
	clear(torn[last+frameSize/2 : last+frameSize])
	for name, crashed := range map[string][]byte{
		"whole": log, "no frame": log[:logHeaderSize], "no header": {}, "half a header": log[:20], "no log": nil, "zeros": make([]byte, 3*frameSize),
		"at a frame": log[:last+frameSize], "in a frame": log[:last+100], "torn": torn, "before the last": log[:last],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := g.opens(t, crashed, "-shm"); err != nil {
				t.Error(err)
			}
		})
	}
	if err := g.opens(t, log); err != nil {
		t.Errorf("with the index: %v", err)
	}
}

func TestAFileThatLostPagesIsRefused(t *testing.T) {
	t.Parallel()
	g := newSpecimen(t)
	path := filepath.Join(t.TempDir(), "headrace.db")
	g.put(t, path)
	if err := os.Truncate(path, int64(len(g.files[""])-pagesum.PageSize)); err != nil {
		t.Fatal(err)
	}
	_, err := OpenSQLite(t.Context(), path, quiet)
	if format := new(FormatError); !errors.As(err, &format) || !strings.Contains(err.Error(), "ends before page") {
		t.Errorf("answered %v", err)
	}
}

// TestALookAfterACrashIsNoDamage opens what a crash left with a program that knows nothing of sums.
func TestALookAfterACrashIsNoDamage(t *testing.T) {
	t.Parallel()
	g := newSpecimen(t)
	path := filepath.Join(t.TempDir(), "headrace.db")
	g.put(t, path)
	pool, err := sql.Open("sqlite", fileURL(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	var n int
	err = pool.QueryRowContext(t.Context(), `SELECT count(*) FROM executions`).Scan(&n)
	if err := errors.Join(err, pool.Close()); err != nil || n != instancesInAll {
		t.Fatalf("%d executions (%v)", n, err)
	}
	looked, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for range 2 {
		db, err := OpenSQLite(t.Context(), path, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		answers, err := ask(t.Context(), db)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g.answers, answers); diff != "" {
			t.Errorf("answers (-want +got):\n%.2000s", diff)
		}
	}
	if strings.Count(log.String(), "another program") != 1 {
		t.Errorf("nobody was told, or twice: %s", log.String())
	}
	// After an orderly end the same file is refused: there is nothing that explains pages without sums.
	if err := os.WriteFile(path, looked, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := OpenSQLite(t.Context(), path, quiet)
	if err == nil {
		_, err = ask(t.Context(), db)
		defer db.Close()
	}
	if err == nil {
		t.Error("pages without sums were read")
	}
}

func TestAnOlderFileIsReadWithoutSums(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	pool, err := sql.Open("sqlite", fileURL(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.ExecContext(t.Context(), `PRAGMA application_id = 0x48647263; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL`)
	if err := errors.Join(err, pool.Close()); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b"} {
		var log bytes.Buffer
		db, err := OpenSQLite(t.Context(), path, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.write(t.Context(), put(key)), db.Close()); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "no checksums") {
			t.Errorf("nobody was told: %s", log.String())
		}
	}
}
