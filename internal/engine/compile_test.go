package engine_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
)

var update = flag.Bool("update", false, "rewrite the problems in testdata")

// problemFile is a definition with all its problems, in their order.
type problemFile struct {
	About      string            `json:"about"`
	Definition ipaas.Definition  `json:"definition"`
	Problems   []ipaas.Violation `json:"problems"`
}

func TestProblems(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/problems/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files of problems: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var file problemFile
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			if err := d.Decode(&file); err != nil {
				t.Fatal(err)
			}
			got := engine.Compile(&file.Definition, file.Definition.Hash(), registry()).Problems()
			if *update {
				rewrite(t, path, text, got)
				return
			}
			if diff := cmp.Diff(file.Problems, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// rewrite puts other problems at the end of a file and leaves the rest as it is.
func rewrite(t *testing.T, path string, text []byte, problems []ipaas.Violation) {
	t.Helper()
	head, _, found := bytes.Cut(text, []byte("\n\"problems\": "))
	if !found {
		t.Fatal("the file has no problems to rewrite")
	}
	var b bytes.Buffer
	b.Write(head)
	b.WriteString("\n\"problems\": [")
	for i, p := range problems {
		if i > 0 {
			b.WriteByte(',')
		}
		var line bytes.Buffer
		e := json.NewEncoder(&line)
		e.SetEscapeHTML(false)
		if err := e.Encode(p); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n")
		b.Write(bytes.TrimSpace(line.Bytes()))
	}
	b.WriteString("\n]\n}\n")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestProblemsOfAnythingAreNoPanic(t *testing.T) {
	t.Parallel()
	// A definition that nobody validated: names are missing and taken twice, inputs do not parse, steps nest in what cannot hold them.
	step := ipaas.Step{Inputs: map[string]ipaas.Input{"": {}, "a": {Kind: ipaas.InputReference, Text: "x"}, "b": {Kind: ipaas.InputReference}}}
	outer := ipaas.Step{Steps: []ipaas.Step{step, step}, Branches: []ipaas.Branch{{Steps: []ipaas.Step{step}}, {}}}
	def := &ipaas.Definition{
		Flows:           []ipaas.Flow{{}, {Steps: []ipaas.Step{step, outer, outer}}},
		ConfigVariables: []ipaas.ConfigVariable{{}, {Type: ipaas.ConfigConnection, Default: "{"}},
		ConfigPages:     []ipaas.ConfigPage{{Elements: []ipaas.ConfigElement{{}}}},
	}
	p := engine.Compile(def, "", registry())
	if len(p.Problems()) == 0 {
		t.Error("it has no problems")
	}
}

// TestReferencesInLiteralConditions: a reference in a condition that is one literal would be compared as the text it is.
func TestReferencesInLiteralConditions(t *testing.T) {
	t.Parallel()
	fork := func(in ipaas.Input) ipaas.Step {
		return ipaas.Step{
			ID: "fork", DisplayName: "Fork", Action: "branch.byConditions", Inputs: map[string]ipaas.Input{"conditions": in},
			Branches: []ipaas.Branch{{Name: "Go"}, {Name: "Else"}},
		}
	}
	literal := func(left string) ipaas.Input {
		return ipaas.Input{Kind: ipaas.InputValue, Text: `[{"key":"Go","value":["and",["equal","` + left + `",4]]}]`}
	}
	for name, in := range map[string]ipaas.Input{
		"a text":          literal("{{name}} costs $4"),
		"term by term":    {Kind: ipaas.InputComplex, Items: []ipaas.Input{{Name: "Go", Kind: ipaas.InputComplex, Items: []ipaas.Input{ipaas.Literal("equal"), ipaas.Literal("{{$x}}"), ipaas.Literal("4")}}}},
		"a whole of text": {Kind: ipaas.InputJSON, Text: `[]`},
	} {
		if problems := compileAnyway(fork(in)).Problems(); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
	for _, text := range []string{"{{$trigger.results.body.data}}", "{{#Limit}}"} {
		problems := compileAnyway(fork(literal(text))).Problems()
		if len(problems) != 1 || problems[0].Field != "flows[0].steps[0].inputs.conditions" || problems[0].Reason != ipaas.ReasonMisplaced ||
			!strings.Contains(problems[0].Description, `"`+text+`"`) {
			t.Errorf("%s: %v", text, problems)
		}
	}
}

func TestProblemsOfThousandsOfNames(t *testing.T) {
	t.Parallel()
	steps := make([]ipaas.Step, 1000)
	for i := range steps {
		name := strings.Repeat("x", 90) + strings.Repeat("y", i%10)
		steps[i] = ipaas.Step{DisplayName: name, Action: "tools.echo", Inputs: map[string]ipaas.Input{"value": {Kind: ipaas.InputReference, Text: name + "z.results"}}}
	}
	p := engine.Compile(&ipaas.Definition{Flows: []ipaas.Flow{{Trigger: ipaas.Trigger{Type: ipaas.TriggerWebhook}, Steps: steps}}}, "", registry())
	if got := len(p.Problems()); got != 1000 {
		t.Errorf("%d problems, want 1000", got)
	}
}

func TestProgramTellsOfItsFlows(t *testing.T) {
	t.Parallel()
	def := tutorial()
	p := engine.Compile(def, "hash", registry())
	if problems := p.Problems(); len(problems) > 0 {
		t.Fatalf("problems = %v", problems)
	}
	if p.Hash() != "hash" || p.Definition() != def {
		t.Error("the program has forgotten what it was made of")
	}
	if f := p.Flow("initialization"); f == nil || f.DisplayName != "Initialization" {
		t.Errorf("flow = %v", f)
	}
	if f := p.Flow("none"); f != nil {
		t.Errorf("unknown flow = %v", f)
	}
	var hooks []string
	for _, f := range p.FlowsByTrigger(ipaas.TriggerWebhook) {
		hooks = append(hooks, f.ID)
	}
	if diff := cmp.Diff([]string{"sync-customer-data", "initialization"}, hooks); diff != "" {
		t.Errorf("webhook flows (-want +got):\n%s", diff)
	}
	if got := p.Trigger("events"); got == nil || got.Key != "event" {
		t.Errorf("trigger = %v", got)
	}
	if got := p.Trigger("none"); got != nil {
		t.Errorf("trigger of an unknown flow = %v", got)
	}
	if diff := cmp.Diff([]string{"create-customer-webhook", "create-each"}, p.Creations("initialization")); diff != "" {
		t.Errorf("creations (-want +got):\n%s", diff)
	}
	if got := p.Creations("none"); got != nil {
		t.Errorf("of an unknown flow = %v", got)
	}
	comp, kind := p.ConnectionType("acme-erp.apiKey")
	if comp == nil || kind == nil || kind.Key != "apiKey" {
		t.Errorf("connection type = %v of %v", kind, comp)
	}
	if comp, kind := p.ConnectionType("nobody.apiKey"); comp != nil || kind != nil {
		t.Errorf("unknown connection type = %v of %v", kind, comp)
	}
}

func TestTriggerInputs(t *testing.T) {
	t.Parallel()
	p := engine.Compile(tutorial(), "", registry())
	in, wrong := p.TriggerInputs("events", map[string]any{"secret": "s3cret"})
	if len(wrong) > 0 || in.Text("secret") != "s3cret" || !in.Bool("strict") {
		t.Errorf("inputs = %v, %v", in, wrong)
	}
	_, wrong = p.TriggerInputs("events", nil)
	want := []ipaas.Violation{{Field: "flows[2].trigger.inputs.secret", Reason: ipaas.ReasonRequired, Description: "has no value, and it is required"}}
	if diff := cmp.Diff(want, wrong); diff != "" {
		t.Errorf("without config (-want +got):\n%s", diff)
	}
	if _, wrong := p.TriggerInputs("none", nil); len(wrong) != 1 || wrong[0].Reason != ipaas.ReasonUnknownTrigger {
		t.Errorf("of an unknown flow = %v", wrong)
	}
}

func TestQuietIsWhatOnlyComputes(t *testing.T) {
	t.Parallel()
	c := &component.Component{ID: "c", Actions: []component.Action{
		{Action: ipaas.Action{Key: "computes", Effect: ipaas.EffectPure}},
		{Action: ipaas.Action{Key: "lasts", Effect: ipaas.EffectPure}, Lasts: true},
		{Action: ipaas.Action{Key: "starts", Effect: ipaas.EffectPure}, StartsFlow: "flow"},
		{Action: ipaas.Action{Key: "creates", Effect: ipaas.EffectPure, Undo: &ipaas.Undo{Action: "removes"}}},
		{Action: ipaas.Action{Key: "removes", Effect: ipaas.EffectPure}, Removes: func(component.Inputs) (string, error) { return "", nil }},
		{Action: ipaas.Action{Key: "reads", Effect: ipaas.EffectRead}},
		{Action: ipaas.Action{Key: "says-nothing"}},
	}}
	var steps []ipaas.Step
	for i := range c.Actions {
		steps = append(steps, step(c.Actions[i].Key, "c."+c.Actions[i].Key))
	}
	steps = append(steps, step("unknown", "c.unknown"))
	def := definition(ipaas.Flow{DisplayName: "Flow", Steps: steps})
	var quiet []string
	for _, s := range engine.Compile(def, "", component.NewRegistry(c)).Steps("flow") {
		if s.Quiet {
			quiet = append(quiet, s.Action)
		}
	}
	if diff := cmp.Diff([]string{"c.computes"}, quiet); diff != "" {
		t.Errorf("quiet (-want +got):\n%s", diff)
	}
}
