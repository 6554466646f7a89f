package expr_test

import (
	"testing"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/value"
)

// scope gives what stands in its maps.
type scope struct {
	steps  map[string]any
	config map[string]any
}

func (s scope) Step(key string) (any, bool) {
	v, ok := s.steps[key]
	return v, ok
}

func (s scope) ConfigVariable(name string) (any, bool) {
	v, ok := s.config[name]
	return v, ok
}

// connection is what a scope may give that is no value.
type connection struct{ Password string }

// parse reads JSON that a test wrote.
func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// ref returns a reference that a test wrote.
func ref(t testing.TB, text string) expr.Node {
	t.Helper()
	n, err := expr.Ref(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// tmpl returns a template that a test wrote.
func tmpl(t testing.TB, text string) expr.Node {
	t.Helper()
	n, err := expr.Tmpl(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// list returns a list that a test wrote.
func list(t testing.TB, items ...expr.Item) expr.Node {
	t.Helper()
	n, err := expr.List(items)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
