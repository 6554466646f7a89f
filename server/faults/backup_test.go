//go:build faults

package faults_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBackup makes a backup while 500 events come in per second (T22): they hardly notice, and the restored copy holds every event that
// was acknowledged before the backup began.
func TestBackup(t *testing.T) {
	megabytes, seconds := size(t, "T22.megabytes", 100, 10_000), size(t, "T22.seconds", 3, 60)
	to, s := newSink(t), newServer(t)
	s.start(breakage{})
	hook := s.deployRelay(t, "smith", to.URL+"/smith")
	to.block()
	s.grow(t, hook, int64(megabytes)<<20)

	alone := newSenders(t, hook, 1_000_000)
	alone.pace(500)
	time.Sleep(time.Duration(seconds) * time.Second)
	alone.halt()

	during := newSenders(t, hook, 2_000_000)
	during.pace(500)
	copied := filepath.Join(t.TempDir(), "headrace.backup")
	began := time.Now()
	s.command(t, "backup", "--data-dir", s.dir, copied)
	took := time.Since(began)
	torn := s.copyByHand(t, during)
	during.halt()
	s.kill()

	began = time.Now()
	missing := s.restored(t, copied, alone)
	restored := time.Since(began)
	if missing > 0 {
		t.Errorf("in the restored backup %d events are missing that were acknowledged before it began", missing)
	}
	base, under := quantile(alone.latency, 0.99), quantile(during.latency, 0.99)
	results.add(t, result{
		Target: "T22", Goal: "a backup under 500 events/s: p99 ≤ 2 ×, nothing acknowledged before is missing, restored ≤ 60 s per GB",
		Size: fmt.Sprintf("%d MB", length(t, copied)>>20),
		Figure: fmt.Sprintf("p99 %s alone, %s during the %s of the backup (%.1f ×); verified, restored and started in %s; %d of %d missing",
			rounded(base), rounded(under), rounded(took), under.Seconds()/base.Seconds(), rounded(restored), missing, len(alone.acked)),
		Control: "the file copied by cp: " + torn,
	})
}

// copyByHand copies the database file of a server at work, as cp would, and tells what becomes of it. What is in SQLite's log is not in
// the file, so it takes a few copies at most until one is found that lacks what was acknowledged before.
func (s *server) copyByHand(t *testing.T, sending *senders) (found string) {
	t.Helper()
	for range 10 {
		before, raw := sending.snapshot(), filepath.Join(t.TempDir(), "raw.db")
		duplicate(t, filepath.Join(s.dir, "headrace.db"), raw)
		if out, err := exec.Command(s.binary, "verify", raw).CombinedOutput(); err != nil {
			first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
			return "refused by verify: " + first
		}
		if missing := s.restored(t, raw, before); missing > 0 {
			return fmt.Sprintf("%d of %d missing", missing, len(before.acked))
		}
	}
	t.Error("no copy of the file alone lacked anything: the look for what is missing is blind")
	return "nothing missing"
}

// grow fills the database.
func (s *server) grow(t *testing.T, hook string, bytes int64) {
	t.Helper()
	filling := newSenders(t, hook, 0)
	padding := strings.Repeat("x", 512<<10)
	filling.body = func(n int) string { return fmt.Sprintf(`"%d %s"`, n, padding) }
	filling.run(4)
	until(t, time.Hour, "the database to grow", func() bool {
		return length(t, filepath.Join(s.dir, "headrace.db"))+length(t, filepath.Join(s.dir, "headrace.db-wal")) > bytes
	})
	filling.halt()
}

// command runs a subcommand of the program.
func (s *server) command(t *testing.T, words ...string) {
	t.Helper()
	if out, err := exec.Command(s.binary, words...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", words, err, out)
	}
}

// restored makes a server of a backup and returns how many acknowledged events it does not know.
func (s *server) restored(t *testing.T, backup string, sent *senders) (missing int) {
	t.Helper()
	other := newServer(t)
	other.command(t, "restore", "--data-dir", other.dir, backup)
	duplicate(t, filepath.Join(s.dir, "headrace.keys"), filepath.Join(other.dir, "headrace.keys"))
	other.start(breakage{})
	defer other.kill()
	return len(sent.present(t, other).lost)
}

func duplicate(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
