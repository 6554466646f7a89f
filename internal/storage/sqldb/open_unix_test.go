//go:build unix

package sqldb

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpenStoreIsLocked starts this test again in a process of its own, which finds the lock that tells SQLite of an open store. Without it
// an older SQLite (before 3.51), such as the command line of many systems, takes itself for the only program there, and on leaving removes
// the log to which the store goes on writing.
func TestOpenStoreIsLocked(t *testing.T) {
	t.Parallel()
	if path := os.Getenv("HEADRACE_TEST_LOCKED"); path != "" {
		findLock(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "headrace.db")
	open(t, path)
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenStoreIsLocked$", "-test.v")
	other.Env = append(os.Environ(), "HEADRACE_TEST_LOCKED="+path)
	out, err := other.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("the other process: %v\n%s", err, out)
	}
}

// findLock looks for a lock on the bytes of a file that SQLite has for those who use it.
func findLock(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: 1<<30 + 2, Len: 510}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_GETLK, &lock); err != nil {
		t.Fatal(err)
	}
	if lock.Type != syscall.F_RDLCK || int(lock.Pid) != os.Getppid() {
		t.Errorf("the lock is %+v, want one of process %d to share", lock, os.Getppid())
	}
}
