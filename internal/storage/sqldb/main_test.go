package sqldb

import (
	"testing"

	"github.com/headrace/headrace/internal/leaktest"
)

// Every goroutine of a store ends with it.
func TestMain(m *testing.M) { leaktest.Main(m) }
