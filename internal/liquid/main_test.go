package liquid

import (
	"testing"

	"github.com/headrace/headrace/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
