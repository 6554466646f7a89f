package compat_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// levels are what a definition goes through; docs/compatibility.md explains them.
var levels = []struct {
	name string
	run  func(t *testing.T, d *document) string // what it came to; it fails t if that is not good
}{
	{"L0", imported},
	{"L1", roundTrip},
	{"L2", resolved},
	{"L3", runsForReal},
	{"L4", runsWithStandIns},
	{"L5", deploys},
	{"L6", upgrades},
}

// TestCorpus takes every definition of the folder through all levels.
func TestCorpus(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	table := map[string][]string{}
	all := documents(t)
	t.Cleanup(func() {
		var out strings.Builder
		w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprint(w, "file")
		for _, l := range levels {
			_, _ = fmt.Fprint(w, "\t"+l.name)
		}
		for _, d := range all {
			_, _ = fmt.Fprint(w, "\n"+d.name+"\t"+strings.Join(table[d.name], "\t"))
		}
		_ = w.Flush()
		t.Log("\n" + out.String())
	})
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			cells := make([]string, len(levels))
			for i, l := range levels {
				t.Run(l.name, func(t *testing.T) {
					cells[i] = "FAILED"
					said := l.run(t, &d)
					if !t.Failed() {
						cells[i] = said
					}
				})
			}
			mu.Lock()
			defer mu.Unlock()
			table[d.name] = cells
		})
	}
}

// imported is level 0: the definition is imported and checked as it is.
func imported(t *testing.T, d *document) string {
	b := newBench(t)
	checked, err := b.client.Integrations.ValidateIntegration(t.Context(), &headracev1.ValidateIntegrationRequest{Definition: d.text})
	if err != nil {
		t.Fatal(everything(err))
	}
	res, err := b.imports(integrationID, d.text)
	if err != nil {
		t.Fatal(everything(err))
	}
	if res.GetFormat() != headracev1.DefinitionFormat_DEFINITION_FORMAT_V7 {
		t.Errorf("it was taken for %s", res.GetFormat())
	}
	if a, b := len(checked.GetNotes()), len(res.GetNotes()); a != b {
		t.Errorf("validate says %d notes, and import %d", a, b)
	}
	for _, n := range res.GetNotes() {
		if n.GetField() == "" || n.GetDescription() == "" || n.GetLine() == 0 {
			t.Errorf("a note does not say where and what: %v", n)
		}
	}
	if flows := res.GetIntegration().GetFlows(); len(flows) != len(d.flows) {
		t.Errorf("%d flows came of %d", len(flows), len(d.flows))
	} else {
		for i, f := range flows {
			want, got := 0, 0
			each(d.flows[i].steps, func(docStep) { want++ })
			count(f.GetSteps(), &got)
			if f.GetDisplayName() != d.flows[i].name || got != want {
				t.Errorf("flow %q has %d steps, the file has %q with %d", f.GetDisplayName(), got, d.flows[i].name, want)
			}
		}
	}
	return plural(len(res.GetNotes()), "note")
}

func count(steps []*headracev1.Step, n *int) {
	for _, s := range steps {
		*n++
		count(s.GetSteps(), n)
		for _, b := range s.GetBranches() {
			count(b.GetSteps(), n)
		}
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// roundTrip is level 1: an export in either format imports as the same definition.
func roundTrip(t *testing.T, d *document) string {
	b := newBench(t)
	if _, err := b.imports(integrationID, d.text); err != nil {
		t.Fatal(everything(err))
	}
	first := b.native(integrationID)
	for _, format := range []headracev1.DefinitionFormat{headracev1.DefinitionFormat_DEFINITION_FORMAT_NATIVE, headracev1.DefinitionFormat_DEFINITION_FORMAT_V7} {
		text, err := b.exports(integrationID, format)
		if err != nil {
			t.Fatal(everything(err))
		}
		id := strings.ToLower("again-" + format.String()[len("DEFINITION_FORMAT_"):])
		if _, err := b.imports(id, withoutID(text)); err != nil {
			t.Fatalf("the export as %s is refused: %s\n%s", format, everything(err), text)
		}
		if diff := cmp.Diff(first, b.native(id)); diff != "" {
			t.Errorf("the export as %s is another definition (-first +again):\n%s", format, diff)
		}
		if again, err := b.exports(id, format); err != nil || withoutID(again) != withoutID(text) {
			t.Errorf("a second export as %s differs: %v\n%s", format, err, cmp.Diff(text, again))
		}
	}
	return "equal"
}

// native is the definition of a draft without its id.
func (b *bench) native(id string) map[string]any {
	text, err := b.exports(id, headracev1.DefinitionFormat_DEFINITION_FORMAT_NATIVE)
	if err != nil {
		b.t.Fatal(everything(err))
	}
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		b.t.Fatal(err)
	}
	delete(out, "id")
	return out
}

func withoutID(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "id: ") }), "\n")
}

// ofReferences are the reasons of problems with what refers to something.
var ofReferences = []string{"UNKNOWN_STEP", "UNKNOWN_FIELD", "LATER_STEP", "MISPLACED", "UNKNOWN_CONFIG_VARIABLE", "MALFORMED", "UNKNOWN_FLOW"}

// ofUnknowns are the reasons of problems with components that there are not.
var ofUnknowns = []string{"UNKNOWN_ACTION", "UNKNOWN_TRIGGER", "UNKNOWN_CONNECTION_TYPE", "UNKNOWN_COMPONENT"}

// resolved is level 2: every reference names something that is there. Of other problems only those of unknown components may be left;
// what else a file itself does wrong is told.
func resolved(t *testing.T, d *document) string {
	b := newBench(t)
	res, err := b.imports(integrationID, d.text)
	if err != nil {
		t.Fatal(everything(err))
	}
	others := 0
	for _, p := range res.GetIntegration().GetProblems() {
		switch {
		case slices.Contains(ofReferences, p.GetReason()):
			t.Errorf("%s %s: %s", p.GetReason(), p.GetField(), p.GetDescription())
		case !slices.Contains(ofUnknowns, p.GetReason()):
			others++
			t.Logf("%s %s: %s", p.GetReason(), p.GetField(), p.GetDescription())
		}
	}
	if others > 0 {
		return "all, " + plural(others, "problem")
	}
	return "all"
}

// runsForReal is level 3: flows of known actions alone run as they are, their steps in the order the file says.
func runsForReal(t *testing.T, d *document) string {
	known := newBench(t).catalogue()
	ran := 0
	for _, f := range d.flows {
		if !knowsAll(known, f) {
			continue
		}
		ran++
		t.Run(f.name, func(t *testing.T) {
			w := worldOf(t, d, f.name)
			ex, err := run(t, d, f.name, w, false)
			if err != nil && w.Fails != "" && strings.Contains(everything(err), w.Fails) {
				return
			}
			if err != nil {
				t.Fatal(everything(err))
			}
			checkRun(t, f, ex, w.Fails)
		})
	}
	return plural(ran, "flow")
}

func knowsAll(known map[string]bool, f docFlow) bool {
	if f.trigger != "" && !known[f.trigger] {
		return false
	}
	return !slices.ContainsFunc(f.actions(), func(a string) bool { return !known[a] })
}

// runsWithStandIns is level 4: every flow runs to its end, with what stands in for unknown actions, which are told with their inputs.
func runsWithStandIns(t *testing.T, d *document) string {
	known := newBench(t).catalogue()
	calls := 0
	for _, f := range d.flows {
		t.Run(f.name, func(t *testing.T) {
			ex, err := run(t, d, f.name, worldOf(t, d, f.name), true)
			if err != nil {
				t.Fatal(everything(err))
			}
			checkRun(t, f, ex, "")
			for _, s := range ex.GetStepResults() {
				if s.GetStepId() == "trigger" || known[s.GetAction()] {
					continue
				}
				calls++
				if !s.GetStandIn() || s.GetInputsJson() == "" {
					t.Errorf("%s is not told as a stand-in with its inputs: %v", s.GetPath(), s)
				}
			}
		})
	}
	return plural(len(d.flows), "flow") + ", " + plural(calls, "call")
}

// checkRun checks how a flow ended, and its steps.
func checkRun(t *testing.T, f docFlow, ex *tested, fails string) {
	t.Helper()
	state, want := ex.GetState(), headracev1.Execution_STATE_SUCCEEDED
	if fails != "" {
		want = headracev1.Execution_STATE_FAILED
	}
	if message := ex.GetError().GetMessage(); state != want || !strings.Contains(message, fails) {
		t.Errorf("it ended %s: %s", state, message)
	}
	if err := checkOrder(f, ex.Execution); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		for _, s := range ex.GetStepResults() {
			t.Logf("%s %s %s -> %s%s", s.GetPath(), s.GetState(), s.GetInputsJson(), s.GetResultJson(), s.GetError())
		}
	}
}

// upgrades is level 6: whatever the layout, what is exported is version 7, and what is read of that is not noted again.
func upgrades(t *testing.T, d *document) string {
	b := newBench(t)
	if _, err := b.imports(integrationID, d.text); err != nil {
		t.Fatal(everything(err))
	}
	text, err := b.exports(integrationID, headracev1.DefinitionFormat_DEFINITION_FORMAT_V7)
	if err != nil {
		t.Fatal(everything(err))
	}
	written, err := readDocument(d.name, text)
	if err != nil {
		t.Fatal(err)
	}
	if v := textOf(written.root["definitionVersion"]); v != "7" {
		t.Errorf("the export says version %s", v)
	}
	if diff := cmp.Diff(shape(d.flows), shape(written.flows)); diff != "" {
		t.Errorf("the export has other steps (-file +export):\n%s", diff)
	}
	checked, err := b.client.Integrations.ValidateIntegration(t.Context(), &headracev1.ValidateIntegrationRequest{Definition: text})
	if err != nil {
		t.Fatal(everything(err))
	}
	for _, n := range checked.GetNotes() {
		if n.GetKind() == headracev1.DefinitionNote_KIND_DROPPED {
			t.Errorf("the export holds what is dropped: %v", n)
		}
	}
	from := textOf(d.root["definitionVersion"])
	if from == "" {
		from = "none"
	}
	return "from " + from
}

// shape is the names of steps in their places.
func shape(flows []docFlow) []string {
	var out []string
	for _, f := range flows {
		out = append(out, f.name)
		each(f.steps, func(s docStep) {
			out = append(out, "  "+s.name)
			for _, b := range s.branches {
				out = append(out, "    "+b.name)
			}
		})
	}
	return out
}

// worlds are what flows of certain definitions find around them, by the names of definition and flow.
var worlds = sync.OnceValues(func() ([]*namedWorld, error) {
	content, err := os.ReadFile("testdata/worlds.yaml")
	if err != nil {
		return nil, err
	}
	var out []*namedWorld
	err = yaml.Unmarshal(content, &out)
	return out, err
})

type namedWorld struct {
	Definition string `yaml:"definition"` // empty: whichever
	Flow       string `yaml:"flow"`
	world      `yaml:",inline"`
}

// worldOf is the world of a flow, an empty one where none is written.
func worldOf(t *testing.T, d *document, flow string) *world {
	t.Helper()
	if w := d.worlds[flow]; w != nil {
		return w
	}
	all, err := worlds()
	if err != nil {
		t.Fatal(errors.Join(errors.New("testdata/worlds.yaml"), err))
	}
	for _, w := range all {
		if w.Flow == flow && (w.Definition == "" || w.Definition == textOf(d.root["name"])) {
			return &w.world
		}
	}
	return &world{}
}
