//go:build unix && !linux

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lockIn takes from this process what no script needs, and returns what holds it from then on. Memory is the engine's to count here:
// these systems have no limit that Go can live with.
func lockIn(int64) ([]string, error) {
	for _, l := range []struct {
		resource int
		most     uint64
	}{
		{unix.RLIMIT_CPU, uint64(hardCPU.Seconds())},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, 16},
	} {
		var both unix.Rlimit // its numbers are signed on some systems
		set(&both.Cur, l.most)
		set(&both.Max, l.most)
		if err := unix.Setrlimit(l.resource, &both); err != nil {
			return nil, fmt.Errorf("limit what scripts may use: %w", err)
		}
	}
	return []string{"rlimits", "no system call filter: this system has none that is supported"}, nil
}

func set[T int64 | uint64](bound *T, n uint64) { *bound = T(n) }

func dataSize() int64 { return 0 }

func cpuTime() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// closeInherited has no process get a file that this program was started with: only what Go opens is closed by itself when a process is
// started.
func closeInherited() error {
	files, err := os.ReadDir("/dev/fd")
	if err != nil {
		return fmt.Errorf("keep open files from processes for scripts: %w", err)
	}
	for _, f := range files {
		if fd, err := strconv.Atoi(f.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

func launch(cmd *exec.Cmd) error { return cmd.Start() }

func bind() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func program() (string, error) { return os.Executable() }
