//go:build unix

package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns what this process has used of the processors.
func cpuTime() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// closeOnExec has no process get a file that this program was started with, as dir lists them: only what Go opens is closed by itself
// when a process is started.
func closeOnExec(dir string) error {
	files, err := os.ReadDir(dir)
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
