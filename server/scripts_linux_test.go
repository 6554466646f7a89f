package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestProcessesEndWithTheProgram leaves no process for scripts behind, however the program ends.
func TestProcessesEndWithTheProgram(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"told_to_stop": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := program(t, t.TempDir())
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill() }() // it has ended, unless the test failed
			for scanner := bufio.NewScanner(out); scanner.Scan() && !strings.HasPrefix(strings.TrimSpace(scanner.Text()), "data"); {
				continue
			}
			children := childrenOf(t, cmd.Process.Pid)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil && sig == syscall.SIGTERM {
				t.Errorf("told to stop it ended with %v", err)
			}
			for _, pid := range children {
				if err := endOf(pid); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// childrenOf returns the processes that another one has started, once there are some.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	for range 12_000 { // two minutes, which only a test that fails takes
		lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		if err != nil {
			t.Fatal(err)
		}
		var children []int
		for _, list := range lists {
			text, err := os.ReadFile(list)
			if err != nil {
				continue // the thread has ended
			}
			for _, field := range strings.Fields(string(text)) {
				child, err := strconv.Atoi(field)
				if err != nil {
					t.Fatal(err)
				}
				children = append(children, child)
			}
		}
		if len(children) > 0 {
			return children
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("process %d has started none for scripts", pid)
	return nil
}

// endOf waits for the end of a process.
func endOf(pid int) error {
	for range 12_000 { // two minutes, which only a test that fails takes
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("process %d is still there", pid)
}
