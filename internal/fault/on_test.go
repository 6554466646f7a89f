//go:build faults

package fault

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parse("accept-committed=kill@3; writer-commit=pause:20ms;writer-commit=panic@9;")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]strike{
		"accept-committed": {{what: "kill", nth: 3}},
		"writer-commit":    {{what: "pause", wait: 20 * time.Millisecond}, {what: "panic", nth: 9}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(strike{})); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	for _, text := range []string{"nowhere=kill", "writer-commit=explode", "writer-commit=kill@0", "writer-commit=pause:soon", "writer-commit"} {
		if p, err := parse(text); err == nil {
			t.Errorf("%q was taken for the plan %v", text, p)
		}
	}
}
