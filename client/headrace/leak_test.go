package main

import (
	"os"
	"testing"

	"github.com/headrace/headrace/internal/leaktest"
	"github.com/headrace/headrace/internal/sandbox"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) {
	sandbox.Main()
	if len(os.Args) > 2 && os.Args[1] == "as the program" {
		os.Args = os.Args[1:]
		main()
	}
	leaktest.Main(m)
}
