package prismatic_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/headrace/headrace/internal/value"
)

// corpus are real definitions, which stand beside the project and are no part of it.
const corpus = "../../../shared/compat/prismatic"

// files are the texts of the real definitions by name.
func files(t testing.TB) map[string]string {
	t.Helper()
	texts := filesOrNone(t)
	if len(texts) == 0 {
		t.Skipf("no real definitions in %s", corpus)
	}
	return texts
}

func filesOrNone(t testing.TB) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(corpus, "*.y*ml"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(path)] = string(text)
	}
	return texts
}

// parse reads YAML as a value. How the server does it, bounded and with lines, is tested in server/api.
func parse(t testing.TB, text string) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	return valueOf(t, &n)
}

func valueOf(t testing.TB, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.DocumentNode:
		return valueOf(t, n.Content[0])
	case yaml.MappingNode:
		o := value.Obj()
		for i := 0; i+1 < len(n.Content); i += 2 {
			o.Set(n.Content[i].Value, valueOf(t, n.Content[i+1]))
		}
		return o
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, valueOf(t, item))
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if number, ok := value.ParseNumber(n.Value); ok {
			return number
		}
	}
	return n.Value
}
