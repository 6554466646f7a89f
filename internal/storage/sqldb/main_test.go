package sqldb

import (
	"testing"

	"go.uber.org/goleak"
)

// Every goroutine of a store ends with it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
