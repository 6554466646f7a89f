package declarative_test

import (
	"testing"

	"github.com/headrace/headrace/internal/leaktest"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) { leaktest.Main(m) }
