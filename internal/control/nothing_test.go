package control_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
)

// TestLoopOverNothingHasNoRounds gives a loop what systems send that have no list to send.
func TestLoopOverNothingHasNoRounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	each := step("Each", "loop.loopOverItems", inputs{"items": ref("trigger.results.body.data.lines")})
	each.Steps = []ipaas.Step{note("Round", ref("each.currentItem"))}
	hook := w.deployed("nothing", ipaas.Definition{DisplayName: "Nothing", Flows: []ipaas.Flow{
		hookFlow("Nothing", each, note("After", ref("each.results"))),
	}}, nil)["Nothing"]
	for payload, want := range map[string]struct {
		notes  []string
		warned bool
		fails  string
	}{
		`{}`:                         {[]string{`[]`}, true, ""},
		`{"lines": null}`:            {[]string{`[]`}, true, ""},
		`{"lines": ""}`:              {[]string{`[]`}, true, ""},
		`{"lines": []}`:              {[]string{`[]`}, false, ""},
		`{"lines": "[1]"}`:           {[]string{`1`, `[1]`}, false, ""},
		`{"lines": {"a": {"b": 2}}}`: {[]string{`{"key":"a","value":{"b":2}}`, `[{"key":"a","value":{"b":2}}]`}, false, ""},
		`{"lines": "a,b"}`:           {nil, false, `input "items" is a text that is not JSON: give a list`},
		`{"lines": 3}`:               {nil, false, `input "items" is a number: give a list`},
	} {
		before := len(w.probe.notes())
		ex := w.ended(w.accepted(hook, payload))
		if diff := cmp.Diff(append([]string{}, want.notes...), w.probe.notes()[before:]); diff != "" {
			t.Errorf("%s: seen (-want +got):\n%s", payload, diff)
		}
		if want.fails != "" && (ex.Error == nil || !strings.Contains(ex.Error.Message, want.fails)) || want.fails == "" && ex.State != ipaas.ExecutionSucceeded {
			t.Errorf("%s: it ends %s, %+v", payload, ex.State, ex.Error)
		}
		warned := false
		for _, l := range must[[]ipaas.Log](t)(w.Logs(t.Context(), ex.ID, 0, 100)) {
			warned = warned || l.Severity == ipaas.SeverityWarn && strings.Contains(l.Message, `input "items" is nothing: the loop has no rounds`)
		}
		if warned != want.warned {
			t.Errorf("%s: that there are no rounds is said: %v, want %v", payload, warned, want.warned)
		}
	}
}
