package control_test

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
)

// TestLargeResultsAreShownInParts runs a loop over a large payload that each round is given, and gives back: neither the history nor
// an answer holds it as often.
func TestLargeResultsAreShownInParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	each := step("Each", "loop.loopOverItems", inputs{"items": {Kind: ipaas.InputJSON, Text: "[1,2,3,4,5]"}})
	each.Steps = []ipaas.Step{
		step("Again", "text-manipulation.upperCase", inputs{"text": ref("trigger.results.body.data.text")}),
		step("Small", "text-manipulation.upperCase", inputs{"text": lit("a")}),
	}
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Large", Flows: []ipaas.Flow{hookFlow("On Text", each)}}, nil)
	ex := w.succeeded(w.accepted(urls["On Text"], `{"text": "`+strings.Repeat("x", 4<<20)+`"}`))

	var all []ipaas.StepResult
	pages := 0
	for more, after := true, int64(0); more; pages++ {
		steps, further, err := w.StepResults(t.Context(), ex.ID, after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, s := range steps {
			size += len(s.Inputs) + len(s.Result)
			after = s.Sequence
		}
		if size > 16<<20+5<<20 {
			t.Errorf("a page of %d bytes, want no more than 16 MiB and the step beyond", size)
		}
		all, more = append(all, steps...), further
	}
	if len(all) != 12 || pages < 2 {
		t.Errorf("%d steps on %d pages, want 12 on several", len(all), pages)
	}
	for _, s := range all {
		if s.StepID == "again" && (s.Inputs != `{"text":"[left out: a text of more than 256 KiB]"}` || len(s.Result) < 4<<20) {
			t.Errorf("step %s has the inputs %.100s and a result of %d bytes", s.Path, s.Inputs, len(s.Result))
		}
	}
	view, err := w.ShowExecution(t.Context(), ex, true)
	if err != nil || len(view.Steps) >= 12 || len(view.Steps) == 0 {
		t.Errorf("a full view of %d steps, %v, want the first ones only", len(view.Steps), err)
	}
}
