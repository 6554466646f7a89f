//go:build unix && !linux

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

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

func closeInherited() error { return closeOnExec("/dev/fd") }

func launch(cmd *exec.Cmd) error { return cmd.Start() }

func bind() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func program() (string, error) { return os.Executable() }
