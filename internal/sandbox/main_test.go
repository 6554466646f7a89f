package sandbox_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/headrace/headrace/internal/sandbox"
)

// The test is the program whose processes run the scripts. Every goroutine of a pool ends with it.
func TestMain(m *testing.M) {
	sandbox.Main()
	goleak.VerifyTestMain(m)
}
