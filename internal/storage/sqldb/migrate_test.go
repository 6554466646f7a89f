package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"modernc.org/sqlite"
)

// golden makes a file as an earlier version left it, out of testdata.
func golden(t *testing.T, name, path string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	pool, err := openPool(path, settings{"auto_vacuum(INCREMENTAL)", "journal_mode(WAL)"}, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, statement := range []string{markAsOurs, string(text)} {
		if _, err := pool.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// rows returns every row of every table that holds what the product remembers, by table and column.
func rows(t *testing.T, path string) map[string][]string {
	t.Helper()
	pool, err := sql.Open("sqlite", fileURL(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	found, columns := map[string][]string{}, map[string][]string{}
	each(t, pool, `SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'goose_db_version' ORDER BY 1, p.cid`, func(scan scanner) error {
		var table, column string
		err := scan(&table, &column)
		columns[table] = append(columns[table], column)
		return err
	})
	for table, names := range columns {
		for _, name := range names {
			each(t, pool, `SELECT quote(`+name+`) FROM `+table+` ORDER BY rowid`, func(scan scanner) error {
				var v string
				err := scan(&v)
				found[table+"."+name] = append(found[table+"."+name], v)
				return err
			})
		}
	}
	return found
}

func each(t *testing.T, pool *sql.DB, query string, row func(scan scanner) error) {
	t.Helper()
	found, err := pool.QueryContext(t.Context(), query)
	if err == nil {
		err = eachRow(found, row)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sameRows checks that all that was in a file is in it still; there may be new tables and columns.
func sameRows(t *testing.T, want, got map[string][]string) {
	t.Helper()
	for column, values := range want {
		if diff := cmp.Diff(values, got[column]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", column, diff)
		}
	}
}

func version(t *testing.T, path string) int64 {
	t.Helper()
	report, err := Verify(t.Context(), path)
	if err != nil || len(report.Findings) > 0 {
		t.Fatalf("%s: %v %q", path, err, report.Findings)
	}
	return report.Schema
}

// TestUpgradeKeepsEveryRow brings files of all earlier versions up to date.
func TestUpgradeKeepsEveryRow(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/0*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of earlier versions: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "headrace.db")
			golden(t, filepath.Base(file), path)
			before := rows(t, path)
			for column, values := range before {
				if len(values) == 0 {
					t.Errorf("%s has no row: the file proves nothing of it", column)
				}
			}
			had := version(t, path)
			db := open(t, path)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			sameRows(t, before, rows(t, path))
			now := version(t, path)
			if newest, err := newestSchema(); err != nil || now != newest || had >= now {
				t.Errorf("the schema went from version %d to %d, want %d (%v)", had, now, newest, err)
			}
			backup := beforeUpgrade(path, now)
			if got := version(t, backup); got != had {
				t.Errorf("the copy has version %d, want %d", got, had)
			}
			sameRows(t, before, rows(t, backup))
		})
	}
}

// TestUpgradeKilledAnywhere kills a process at many moments of an upgrade. What it leaves has the old or the new schema and all
// rows, and the next start goes on.
func TestUpgradeKilledAnywhere(t *testing.T) {
	if path := os.Getenv("HEADRACE_TEST_UPGRADE"); path != "" {
		upgradeAndDie(t, path)
		return
	}
	t.Parallel()
	folder := t.TempDir()
	original := filepath.Join(folder, "original.db")
	golden(t, "0001.sql", original)
	before := rows(t, original)

	out, err := upgradeProcess(t, filepath.Join(folder, "whole.db"), 0).CombinedOutput()
	_, count, ok := strings.Cut(string(out), "moments ")
	count, _, _ = strings.Cut(count, "\n")
	moments, bad := strconv.Atoi(count)
	if err != nil || !ok || bad != nil || moments < 50 {
		t.Fatalf("the upgrade that was not killed: %v, %v\n%s", err, bad, out)
	}
	const kills = 12
	left := map[int64]int{}
	for n := range kills {
		path := filepath.Join(folder, fmt.Sprintf("killed-%d.db", n))
		if out, err := upgradeProcess(t, path, 1+n*(moments-1)/(kills-1)).CombinedOutput(); err == nil {
			t.Fatalf("it was not killed:\n%s", out)
		}
		had := version(t, path)
		left[had]++
		sameRows(t, before, rows(t, path))
		if had > 1 {
			goal, err := newestSchema()
			if err != nil {
				t.Fatal(err)
			}
			sameRows(t, before, rows(t, beforeUpgrade(path, goal)))
		}
		db := open(t, path)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		sameRows(t, before, rows(t, path))
		newest := version(t, path)
		if got := version(t, beforeUpgrade(path, newest)); got != 1 {
			t.Errorf("the copy made before has version %d, want 1", got)
		}
	}
	if left[1] == 0 || len(left) < 2 {
		t.Errorf("by version, kills have left %v: want some of the old and some of the new", left)
	}
}

// upgradeProcess is this test again in a process of its own, which kills itself at a moment of the upgrade, or, at moment 0, counts them.
func upgradeProcess(t *testing.T, path string, moment int) *exec.Cmd {
	t.Helper()
	golden(t, "0001.sql", path)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestUpgradeKilledAnywhere$", "-test.v")
	cmd.Env = append(os.Environ(), "HEADRACE_TEST_UPGRADE="+path, fmt.Sprintf("HEADRACE_TEST_MOMENT=%d", moment))
	return cmd
}

// upgradeAndDie opens a file. Every time SQLite asks whether it may do something is a moment.
func upgradeAndDie(t *testing.T, path string) {
	t.Helper()
	die, err := strconv.ParseInt(os.Getenv("HEADRACE_TEST_MOMENT"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	var moment atomic.Int64
	sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, _ string) error {
		watched, ok := conn.(sqlite.AuthorizerRegisterer)
		if !ok {
			return fmt.Errorf("%T asks nobody", conn)
		}
		return watched.RegisterAuthorizer(func(sqlite.AuthorizerActionCode, string, string, string, string) sqlite.AuthorizerReturnCode {
			if moment.Add(1) == die {
				if self, err := os.FindProcess(os.Getpid()); err == nil {
					_ = self.Kill()
				}
				select {}
			}
			return sqlite.AuthorizerOK
		})
	})
	db, err := OpenSQLite(context.WithoutCancel(t.Context()), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("moments", moment.Load())
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestUpgradeKeepsTheLastTwoCopies counts the copies that upgrades make.
func TestUpgradeKeepsTheLastTwoCopies(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	golden(t, "0001.sql", path)
	for _, n := range []string{"1", "02", "x"} {
		if err := os.WriteFile(path+".before-v"+n, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for to := int64(10); to <= 12; to++ {
		if err := backUpBefore(t.Context(), path, 1, to, quiet); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(path + ".before-v*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(left)
	if want := []string{beforeUpgrade(path, 11), beforeUpgrade(path, 12), path + ".before-vx"}; !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}
