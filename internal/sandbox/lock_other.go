//go:build !unix

package sandbox

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// lockIn holds this process by what the engine itself counts and refuses.
func lockIn(int64) ([]string, error) {
	return []string{"no rlimits and no system call filter: this system has none that are supported"}, nil
}

func dataSize() int64 { return 0 }

func cpuTime() time.Duration { return 0 }

// closeInherited has nothing to do: this system hands nothing on that is not named.
func closeInherited() error { return nil }

func launch(cmd *exec.Cmd) error { return cmd.Start() }

func bind() *syscall.SysProcAttr { return nil }

func program() (string, error) { return os.Executable() }
