//go:build faults

package faults_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/fault"
)

// TestDiskFull fills the disk while events come in (T11): what was acknowledged is there, the rest is refused with 503, and when there
// is room again the server goes on without a restart.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	rounds := size(t, "T11.rounds", 1, 100)
	var got filled
	for range rounds {
		one := fillDisk(t, breakage{})
		one.verdict.check(t)
		got.add(one)
	}
	if got.refused == 0 || got.others > 0 || got.noRetryAfter > 0 {
		t.Errorf("of the events that were not taken %d were refused with 503, %d otherwise, %d without Retry-After: want 503 with it, always", got.refused, got.others, got.noRetryAfter)
	}
	if got.recovery > 25*time.Second {
		t.Errorf("with room again it took %s until an event was taken", got.recovery)
	}
	careless := fillDisk(t, breakage{broken: fault.IgnoreFull})
	if len(careless.verdict.lost) == 0 {
		t.Errorf("with the error ignored nothing was lost either: the disk was not full: %s", careless.verdict)
	}
	results.add(t, result{
		Target: "T11", Goal: "disk full: nothing acknowledged is lost, the rest refused with 503, goes on ≤ 5 s after there is room",
		Size: fmt.Sprintf("%d × a full tmpfs", rounds),
		Figure: fmt.Sprintf("%d acked, %d lost; %d refused, all with 503; taken again %s after there was room, without a restart",
			got.verdict.acked, len(got.verdict.lost), got.refused, rounded(got.recovery)),
		Control: fmt.Sprintf("the error ignored: %d acked, %d lost", careless.verdict.acked, len(careless.verdict.lost)),
	})
}

type filled struct {
	verdict      verdict
	refused      int // with 503
	others       int // with anything else
	noRetryAfter int
	recovery     time.Duration // from room on the disk to the next event that was taken
}

func (f *filled) add(o filled) {
	f.verdict.acked += o.verdict.acked
	f.verdict.lost = append(f.verdict.lost, o.verdict.lost...)
	f.refused, f.others, f.noRetryAfter = f.refused+o.refused, f.others+o.others, f.noRetryAfter+o.noRetryAfter
	f.recovery = max(f.recovery, o.recovery)
}

// fillDisk runs a server in a small file system, fills it with events, makes room, and looks what is there at the end.
func fillDisk(t *testing.T, b breakage) (got filled) {
	t.Helper()
	to, s := newSink(t), newServer(t, "--ballast", "1048576")
	s.dir = smallDisk(t, 24<<20)
	s.start(b)
	hook := s.deployRelay(t, "smith", to.URL+"/smith")
	sending := newSenders(t, hook, 0)
	padding := strings.Repeat("x", 8<<10)
	sending.body = func(n int) string { return fmt.Sprintf(`"%d %s"`, n, padding) }
	filler := filepath.Join(s.dir, "filler")
	fill(t, filler, 6<<20)
	sending.run(8)
	if b.broken == "" {
		until(t, time.Minute, "the disk to be full", func() bool { return sending.answers(http.StatusServiceUnavailable) > 50 })
	} else {
		until(t, time.Minute, "the disk to be full", func() bool { return room(t, s.dir) < 64<<10 }) // nobody tells
		acked := sending.ackedSoFar()
		until(t, time.Minute, "more events to be acknowledged", func() bool { return sending.ackedSoFar() > acked+200 })
	}
	sending.halt()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	got.recovery = until(t, time.Minute, "an event to be taken again", func() bool {
		before := sending.ackedSoFar()
		sending.send(int(sending.next.Add(1)) - 1)
		return sending.ackedSoFar() > before
	})
	// Another life looks at the disk: what is not there was only in memory.
	s.kill()
	s.start(breakage{})
	got.verdict = sending.present(t, s)
	got.noRetryAfter = sending.noRetryAfter
	for status, times := range sending.statuses {
		switch status {
		case http.StatusOK:
		case http.StatusServiceUnavailable:
			got.refused += times
		default:
			got.others += times
		}
	}
	s.kill()
	return got
}

// smallDisk mounts a file system of its own for a data directory. Where that is not permitted the test is skipped.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", bytes)); err != nil {
		t.Skipf("skipped: no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// room is how many bytes are free where a directory is.
func room(t *testing.T, dir string) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

func fill(t *testing.T, path string, bytes int) {
	t.Helper()
	if err := os.WriteFile(path, make([]byte, bytes), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSyncFails lets a sync of the log fail (F38): the server stops rather than trust a disk it knows nothing of, and nothing that was
// acknowledged is lost.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	needStrace(t)
	to, s := newSink(t), newServer(t)
	s.start(breakage{})
	hook := s.deployRelay(t, "smith", to.URL+"/smith")
	if _, code := s.terminate(time.Minute); code != 0 {
		t.Fatalf("the server ended with %d", code)
	}
	s.wrapper = []string{
		"strace", "-f", "-q", "-o", "/dev/null", "-e", "signal=none", "-P", filepath.Join(s.dir, "headrace.db-wal"),
		"-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=30",
	}
	s.start(breakage{})
	sending := newSenders(t, hook, 0)
	sending.run(16)
	code := s.ended(time.Minute)
	sending.halt()
	if code == 0 || code == -1 {
		t.Errorf("after a sync that failed the server ended with %d, want an exit code that says so", code)
	}
	s.wrapper = nil
	s.start(breakage{})
	present := sending.present(t, s)
	present.check(t)
	s.settled(t, time.Minute)
	if present.acked == 0 {
		t.Error("nothing was acknowledged before the sync failed: nothing can be told")
	}
	results.add(t, result{
		Target: "F38", Goal: "a failed sync stops the server, and nothing acknowledged is lost", Size: "1 failed sync",
		Figure: fmt.Sprintf("exit code %d; %d acked, %d lost", code, present.acked, len(present.lost)),
	})
}

// TestSecondProcess starts a second server on the same data (F42): it gives way, and the first goes on.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start(breakage{})
	second := newServer(t)
	second.dir = s.dir
	second.launch(breakage{})
	said := second.process.stderr
	if code := second.ended(time.Minute); code != 75 || !strings.Contains(said.String(), fmt.Sprintf("process %d", s.pid())) {
		t.Errorf("the second server ended with %d and said %q, want 75 and the first one's process", code, said)
	}
	if !s.ready() {
		t.Error("the first server is not ready any more")
	}
	results.add(t, result{Target: "F42", Goal: "a second server on the same data gives way", Size: "2 servers", Figure: "exit code 75, the first is ready"})
}
