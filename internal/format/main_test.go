package format

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/leaktest"
	"github.com/headrace/headrace/internal/value"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// wantError fails unless an error has a part, and none if the part is empty.
func wantError(t *testing.T, err error, part string) {
	t.Helper()
	switch {
	case part == "" && err != nil:
		t.Fatal(err)
	case part != "" && (err == nil || !strings.Contains(err.Error(), part)):
		t.Fatalf("got the error %v, want one with %q", err, part)
	}
}

func parsed(t testing.TB, text string) any {
	t.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}
