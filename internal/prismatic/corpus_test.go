package prismatic_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/prismatic"
	"github.com/headrace/headrace/internal/value"
)

// TestRealDefinitionsAreRead reads every real definition: none has a violation, neither in its layout nor in what it becomes.
func TestRealDefinitionsAreRead(t *testing.T) {
	t.Parallel()
	for name, text := range files(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := parse(t, text)
			if !prismatic.Is(v) {
				t.Error("is not recognised")
			}
			read := prismatic.Read(v)
			for _, wrong := range read.Violations {
				t.Errorf("%s: %s", wrong.Field, wrong.Description)
			}
			for _, note := range read.Notes {
				t.Logf("%s %s: %s", note.Kind, note.Path, note.Description)
			}
			d := read.Definition
			d.Normalize(nil, time.Now())
			for _, wrong := range read.InFile(d.Validate()) {
				t.Errorf("%s: %s", wrong.Field, wrong.Description)
			}
		})
	}
}

// TestRealDefinitionsRoundTrip writes every real definition in the current layout and reads it again: nothing differs, and what could
// not be taken over the first time is not there to be noted again.
func TestRealDefinitionsRoundTrip(t *testing.T) {
	t.Parallel()
	for name, text := range files(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := prismatic.Read(parse(t, text)).Definition
			checkRoundTrip(t, first, false)
		})
	}
}

func checkRoundTrip(t *testing.T, first ipaas.Definition, loose bool) {
	t.Helper()
	written, _ := prismatic.Write(first)
	if v, _ := written.Get("definitionVersion"); v != value.Number("7") {
		t.Errorf("definitionVersion is %v", v)
	}
	checkGrammar(t, written, loose)
	again := prismatic.Read(written)
	if len(again.Violations) > 0 {
		t.Fatalf("the export cannot be read: %v", again.Violations)
	}
	if diff := cmp.Diff(first, again.Definition); diff != "" {
		t.Errorf("after the round trip (-first +again):\n%s", diff)
	}
	for _, note := range again.Notes {
		// What must be said of every reading, the first of an export included.
		if note.Kind == prismatic.Dropped {
			t.Errorf("the export holds what is not read: %s %s", note.Path, note.Description)
		}
	}
	if twice, _ := prismatic.Write(again.Definition); string(value.JSON(twice)) != string(value.JSON(written)) {
		t.Error("a second export differs from the first")
	}
}
