//go:build faults

package faults_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/fault"
)

// TestPowerCut cuts the power while events come in, again and again (T2). A kill alone does not show whether a commit was synced: the
// system keeps what a dead process has written. Here strace watches what is written and synced, and after the kill whatever was not
// synced is taken out of the file, or half of it.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	needStrace(t)
	cuts, events := size(t, "T2.cuts", 3, 200), size(t, "T2.events", 300, 1000)
	got := powerCuts(t, cuts, events, "")
	got.check(t)
	normal := powerCuts(t, 1, events, fault.SyncNormal)
	if len(normal.lost) == 0 {
		t.Errorf("with synchronous=NORMAL nothing was lost either: the cut does not cut: %s", normal)
	}
	results.add(t, result{
		Target: "T2", Goal: "a power cut loses nothing that was acknowledged",
		Size: fmt.Sprintf("%d cuts, %d events each", cuts, events), Figure: fmt.Sprintf("%d acked, %d lost", got.acked, len(got.lost)),
		Control: fmt.Sprintf("synchronous=NORMAL: %d acked, %d lost", normal.acked, len(normal.lost)),
	})
}

// needStrace skips a test where no process may be traced.
func needStrace(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("strace", "-f", "-q", "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("skipped: strace cannot trace here: %v %s", err, out)
	}
}

// powerCuts returns what is left of the acknowledged events after so many cuts on one data directory.
func powerCuts(t *testing.T, cuts, events int, broken string) verdict {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 2))
	to, s := newSink(t), newServer(t)
	s.start(breakage{})
	hook := s.deployRelay(t, "smith", to.URL+"/smith")
	if _, code := s.terminate(time.Minute); code != 0 {
		t.Fatalf("the server ended with %d", code)
	}
	wal := filepath.Join(s.dir, "headrace.db-wal")
	sending := newSenders(t, hook, 0)
	for range cuts {
		trace := filepath.Join(t.TempDir(), "trace")
		base := length(t, wal)
		s.wrapper = []string{"strace", "-f", "-q", "-y", "-s", "0", "-e", "trace=pwrite64,fsync,fdatasync,ftruncate", "-e", "signal=none", "-o", trace}
		s.start(breakage{broken: broken})
		sending.stop = make(chan struct{})
		target := sending.ackedSoFar() + events
		sending.run(16)
		until(t, 2*time.Minute, "events to be acknowledged", func() bool { return sending.ackedSoFar() >= target })
		s.kill()
		sending.halt()
		cutPower(t, wal, readTrace(t, trace, base), chance, broken == "")
	}
	s.wrapper = nil
	s.start(breakage{})
	got := sending.present(t, s)
	s.settled(t, time.Minute)
	s.kill()
	return got
}

func length(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// disk is what a trace tells of SQLite's log: how far it was written since it last began anew, and how far that was synced. It begins
// anew only after everything in it was brought into the database file, and that was synced: the trace is checked for it.
type disk struct {
	written, synced int64
	unsyncedPages   bool // the database file was written and not synced since
}

// cutPower takes out of the log what the disk did not hold yet: all of it, all but a beginning, or all but a beginning with a hole. With
// more than one transaction behind the hole the server would see it, so there is none in the control. What was in memory only, the
// index of the log, is gone.
func cutPower(t *testing.T, wal string, d disk, chance *rand.Rand, holes bool) {
	t.Helper()
	if err := os.Remove(strings.TrimSuffix(wal, "-wal") + "-shm"); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	end := d.synced
	unsynced := d.written - d.synced
	t.Logf("cut: %d bytes were synced, %d were not", d.synced, unsynced)
	if unsynced > 0 && chance.IntN(2) == 1 {
		end += chance.Int64N(unsynced)
	}
	if err := os.Truncate(wal, end); err != nil {
		t.Fatal(err)
	}
	const sector = 512
	if !holes || end-d.synced <= sector || chance.IntN(2) == 0 {
		return
	}
	file, err := os.OpenFile(wal, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt(make([]byte, sector), d.synced+chance.Int64N(end-d.synced-sector)); err != nil {
		t.Fatal(err)
	}
}

var (
	traced  = regexp.MustCompile(`^(\d+) +(pwrite64|fsync|fdatasync|ftruncate)\(\d+<([^>]*)>(?:, ""\.\.\., (\d+), (\d+))?.*?(= (-?\d+)|<unfinished \.\.\.>)`)
	resumed = regexp.MustCompile(`^(\d+) +<\.\.\. (pwrite64|fsync|fdatasync) resumed>.*= (-?\d+)`)
)

// readTrace reads what strace saw; base is how long the log was before.
func readTrace(t *testing.T, path string, base int64) disk {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d := disk{written: base, synced: base}
	calls, pending := 0, map[string]func(){} // by thread: what a call does when it ends
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if m := resumed.FindStringSubmatch(lines.Text()); m != nil {
			if done := pending[m[1]]; done != nil && !strings.HasPrefix(m[3], "-") {
				done()
			}
			delete(pending, m[1])
			continue
		}
		m := traced.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		calls++
		done := d.call(t, m[2], filepath.Base(m[3]), m[4], m[5])
		switch {
		case done == nil:
		case m[7] == "":
			pending[m[1]] = done
		case !strings.HasPrefix(m[7], "-"):
			done()
		}
	}
	if calls == 0 {
		t.Fatal("the trace shows no call: nothing can be told from it")
	}
	return d
}

// call returns what a call does to the disk when it ends; nil if nothing.
func (d *disk) call(t *testing.T, name, file, count, offset string) func() {
	t.Helper()
	database, log := file == "headrace.db", file == "headrace.db-wal"
	switch {
	case database && name == "pwrite64":
		return func() { d.unsyncedPages = true }
	case database:
		return func() { d.unsyncedPages = false }
	case log && name == "pwrite64":
		n, countErr := strconv.ParseInt(count, 10, 64)
		at, offsetErr := strconv.ParseInt(offset, 10, 64)
		if countErr != nil || offsetErr != nil {
			t.Fatalf("strace wrote a count %q and an offset %q", count, offset)
		}
		return func() {
			if at == 0 {
				if d.unsyncedPages {
					t.Error("the log began anew before the database file was synced")
				}
				d.written, d.synced = 0, 0
			}
			d.written = max(d.written, at+n)
		}
	case log && name == "ftruncate":
		return func() { d.written, d.synced = 0, 0 }
	case log:
		end := d.written // what is written while a sync is under way may be in it, or not
		return func() { d.synced = max(d.synced, min(end, d.written)) }
	default:
		return nil
	}
}
