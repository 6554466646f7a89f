package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/headrace/headrace/internal/sandbox"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) {
	sandbox.Main()
	if len(os.Args) > 2 && os.Args[1] == "as the program" {
		os.Args = os.Args[1:]
		main()
	}
	goleak.VerifyTestMain(m)
}
