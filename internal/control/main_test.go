package control_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/headrace/headrace/internal/sandbox"
)

// Every goroutine of a plane ends with it.
func TestMain(m *testing.M) {
	sandbox.Main()
	goleak.VerifyTestMain(m)
}
