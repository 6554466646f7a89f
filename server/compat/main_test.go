package compat_test

import (
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/headrace/headrace/internal/leaktest"
	"github.com/headrace/headrace/internal/sandbox"
)

// scripts runs the code of steps for all tests.
var scripts *sandbox.Pool

func TestMain(m *testing.M) {
	sandbox.Main()
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	var err error
	if scripts, err = sandbox.New(sandbox.Options{}, slog.New(slog.DiscardHandler)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	scripts.Close()
	if code != 0 {
		return code
	}
	if err := leaktest.Await(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
