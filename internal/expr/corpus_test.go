package expr_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/headrace/headrace/internal/expr"
)

// corpus is a folder of real definitions beside the module. It is no part of it.
const corpus = "../../../shared/compat/prismatic"

// found is the expressions of a definition and the keys that its steps can be referred to by.
type found struct {
	references, templates []string
	keys                  map[string]bool
}

// TestRealDefinitionsParse reads every reference and template of real definitions, and resolves their step keys.
func TestRealDefinitionsParse(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(corpus, "*.y*ml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(corpus); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not there: the real definitions are not checked", corpus)
	}
	if len(names) == 0 {
		t.Fatalf("%s holds no definitions", corpus)
	}
	references, templates := 0, 0
	for _, name := range names {
		f := readDefinition(t, name)
		references += len(f.references)
		templates += len(f.templates)
		for _, text := range f.references {
			n, err := expr.ParseReference(text)
			if err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(name), text, err)
				continue
			}
			checkKey(t, name, f, n)
		}
		for _, text := range f.templates {
			checkTemplate(t, name, f, text)
		}
	}
	if references == 0 || templates == 0 {
		t.Errorf("%d references and %d templates were found: the search is broken", references, templates)
	}
	t.Logf("%d definitions, %d references, %d templates", len(names), references, templates)
}

var placeholders = regexp.MustCompile(`\{\{[$#]`)

func checkTemplate(t *testing.T, name string, f found, text string) {
	t.Helper()
	n, err := expr.ParseTemplate(text)
	if err != nil {
		t.Errorf("%s: %s: %v", filepath.Base(name), text, err)
		return
	}
	named := 0
	for _, part := range n.Parts() {
		switch part := part.(type) {
		case *expr.ReferenceNode:
			named++
			checkKey(t, name, f, part)
		case *expr.ConfigVariableNode:
			named++
		}
	}
	if want := len(placeholders.FindAllString(text, -1)); named != want {
		t.Errorf("%s: %d of %d placeholders found in %s", filepath.Base(name), named, want, text)
	}
}

// checkKey refuses a key that no step's name makes. `trigger` always names the trigger.
func checkKey(t *testing.T, name string, f found, n *expr.ReferenceNode) {
	t.Helper()
	if n.Key != "trigger" && !f.keys[n.Key] {
		t.Errorf("%s: %s: no step makes the key %q", filepath.Base(name), n.Text, n.Key)
	}
}

func readDefinition(t *testing.T, name string) found {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := yaml.Unmarshal(data, &document); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	f := found{keys: map[string]bool{}}
	f.search(document)
	return f
}

func (f *found) search(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			f.search(item)
		}
	case map[string]any:
		kind, _ := v["type"].(string)
		text, isText := v["value"].(string)
		switch {
		case isText && kind == "reference" && !strings.HasPrefix(text, "payload"):
			f.references = append(f.references, text)
		case isText && kind == "template":
			f.templates = append(f.templates, text)
		}
		if name, ok := v["name"].(string); ok && v["action"] != nil {
			f.keys[expr.Key(name)] = true
		}
		if trigger, ok := v["trigger"].(map[string]any); ok { // of the older layouts
			if name, ok := trigger["name"].(string); ok {
				f.keys[expr.Key(name)] = true
			}
		}
		for _, item := range v {
			f.search(item)
		}
	}
}
