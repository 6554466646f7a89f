package compat_test

import (
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/headrace/headrace/internal/sandbox"
)

// scripts runs the code of steps for all tests.
var scripts *sandbox.Pool

func TestMain(m *testing.M) {
	sandbox.Main()
	var err error
	if scripts, err = sandbox.New(sandbox.Options{}, slog.New(slog.DiscardHandler)); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		scripts.Close()
		os.Exit(code)
	}))
}
