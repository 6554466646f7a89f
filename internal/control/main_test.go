package control_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Every goroutine of a plane ends with it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
