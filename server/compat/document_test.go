package compat_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// folder is where the definitions are. HEADRACE_COMPAT names another one.
func folder() string {
	if named := os.Getenv("HEADRACE_COMPAT"); named != "" {
		return named
	}
	return filepath.FromSlash("../../../shared/compat/prismatic")
}

// document is a definition as the oracle sees it: what runs, in the order of the file. It shares nothing with the import.
type document struct {
	name   string // of the file
	text   string
	root   map[string]any
	flows  []docFlow
	worlds map[string]*world // by flow; nil: those of worlds.yaml
}

type docFlow struct {
	name    string
	trigger string // component.key; empty: the file does not say
	steps   []docStep
}

type docStep struct {
	name      string
	component string
	key       string
	inputs    map[string]any
	ignores   bool // an error
	branches  []docBranch
	steps     []docStep
	inner     bool // it has inner steps, be there none
}

type docBranch struct {
	name  string
	steps []docStep
}

// documents reads every definition of the folder.
func documents(t *testing.T) []document {
	t.Helper()
	dir := folder()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Skipf("the definitions are not there (%v): put some into a folder, and name it in HEADRACE_COMPAT", err)
	}
	var out []document
	for _, entry := range entries {
		if kind := filepath.Ext(entry.Name()); entry.IsDir() || kind != ".yml" && kind != ".yaml" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		d, err := readDocument(entry.Name(), string(text))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	if len(out) == 0 {
		t.Fatalf("no definition is in %s", dir)
	}
	return out
}

func readDocument(name, text string) (document, error) {
	d := document{name: name, text: text}
	if err := yaml.Unmarshal([]byte(text), &d.root); err != nil {
		return d, fmt.Errorf("%s: %w", name, err)
	}
	flows := listOf(d.root["flows"])
	if flows == nil { // there is one, which stands at the top
		flows = []any{map[string]any{"name": "Flow 1", "trigger": d.root["trigger"], "steps": d.root["steps"]}}
	}
	for _, one := range flows {
		fields := mapOf(one)
		f := docFlow{name: textOf(fields["name"])}
		steps := listOf(fields["steps"])
		if len(steps) > 0 && textOf(mapOf(steps[0])["isTrigger"]) == "true" {
			trigger := readStep(mapOf(steps[0]))
			f.trigger, steps = trigger.action(), steps[1:]
		}
		f.steps = readSteps(steps)
		d.flows = append(d.flows, f)
	}
	return d, nil
}

func readSteps(list []any) []docStep {
	var out []docStep
	for _, one := range list {
		out = append(out, readStep(mapOf(one)))
	}
	return out
}

func readStep(fields map[string]any) docStep {
	action := mapOf(fields["action"])
	s := docStep{name: textOf(fields["name"]), key: textOf(action["key"]), component: textOf(action["componentKey"])}
	switch of := action["component"].(type) {
	case string:
		s.component = of
	case map[string]any:
		s.component = textOf(of["key"])
	}
	s.inputs = mapOf(fields["inputs"])
	handling := mapOf(fields["errorConfig"])
	kind := strings.ToLower(textOf(handling["errorHandlerType"]))
	s.ignores = kind == "ignore" || kind == "retry" && textOf(handling["ignoreFinalError"]) == "true"
	for _, one := range listOf(fields["branches"]) {
		b := mapOf(one)
		s.branches = append(s.branches, docBranch{textOf(b["name"]), readSteps(listOf(b["steps"]))})
	}
	_, s.inner = fields["steps"]
	s.steps = readSteps(listOf(fields["steps"]))
	return s
}

func (s docStep) action() string {
	if s.component == "" && s.key == "" {
		return ""
	}
	return s.component + "." + s.key
}

// each calls a function with every step, those inside of steps, too.
func each(steps []docStep, do func(docStep)) {
	for _, s := range steps {
		do(s)
		for _, b := range s.branches {
			each(b.steps, do)
		}
		each(s.steps, do)
	}
}

// actions are those of a flow.
func (f docFlow) actions() []string {
	var out []string
	each(f.steps, func(s docStep) {
		if a := s.action(); !slices.Contains(out, a) {
			out = append(out, a)
		}
	})
	return out
}

func mapOf(v any) map[string]any { m, _ := v.(map[string]any); return m }

func listOf(v any) []any { l, _ := v.([]any); return l }

func textOf(v any) string {
	if v == nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprint(v))
}
