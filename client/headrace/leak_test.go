package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/headrace/headrace/internal/sandbox"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) {
	sandbox.Main()
	goleak.VerifyTestMain(m)
}
