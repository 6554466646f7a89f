//go:build faults

package faults_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// The program as it ships, and the one in which faults strike.
var plainServer, faultyServer string

func TestMain(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "headrace-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left there is no harm
	plainServer, faultyServer = filepath.Join(dir, "headrace-server"), filepath.Join(dir, "headrace-server-faults")
	for binary, tags := range map[string]string{plainServer: "", faultyServer: "faults"} {
		build := exec.Command("go", "build", "-tags", tags, "-o", binary, "..")
		if os.Getenv("HEADRACE_RACE") != "" { // slower, and every process tells of its races
			build.Args = slices.Insert(build.Args, 2, "-race")
		}
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the server: %v\n%s", err, out)
			return 1
		}
	}
	code := m.Run()
	if err := results.write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
