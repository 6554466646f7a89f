package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

const root = "../../.."

// TestPagesAreCurrent proves that what is committed is what the components declare now.
func TestPagesAreCurrent(t *testing.T) {
	t.Parallel()
	pages, err := render(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || string(got) != want {
			t.Errorf("%s is stale (%v): run make generate and commit", name, err)
		}
	}
}

func TestEveryActionHasALine(t *testing.T) {
	t.Parallel()
	pages, err := render(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"http.httpGet", "branch.branchOnExpression", "math.add"} {
		if !strings.Contains(pages[actionsPage], "| `"+name+"` | seen: ") {
			t.Errorf("%s is not shown as seen", name)
		}
		if !strings.Contains(pages[componentsPage], "### `"+name+"`: ") {
			t.Errorf("%s is not described", name)
		}
	}
	if !strings.Contains(pages[actionsPage], "| `registration.ensure` | Headrace | [TestEnsure") {
		t.Error("an action of ours is not shown as such")
	}
	if !strings.Contains(pages[componentsPage], "### Connection `http.basic`") || !strings.Contains(pages[componentsPage], "### Trigger `webhook-triggers.webhook`") {
		t.Error("connections or triggers are not described")
	}
}

func TestAnActionWithoutATestIsRefused(t *testing.T) {
	t.Parallel()
	c := &component.Component{ID: "a", Actions: []component.Action{{Action: ipaas.Action{Key: "b"}}, {Action: ipaas.Action{Key: "c"}}}}
	_, err := renderActions([]*component.Component{c}, map[string][]test{"a.b": {{name: "TestB", file: "b_test.go"}}})
	if err == nil || !strings.Contains(err.Error(), "no test runs a.c:") {
		t.Errorf("got %v", err)
	}
}

func TestATestThatIsNowhereIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(builtinTests+"/a_test.go", "package a\n\nfunc TestA(t *testing.T) {}\n\n// func TestB(t *testing.T) {}\n")
	write(actionTests, "a.b TestA/x\n")
	got, err := readTests(dir)
	if err != nil || len(got["a.b"]) != 1 || got["a.b"][0] != (test{name: "TestA/x", file: "a_test.go"}) {
		t.Fatalf("got %v, %v", got, err)
	}
	write(actionTests, "a.b TestA/x TestB\n")
	if _, err := readTests(dir); err == nil || !strings.Contains(err.Error(), "names the test TestB, which is in no file there") {
		t.Errorf("got %v", err)
	}
}

func TestTextsAreNoMarkdown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2 * 3 ** 4":      `2 \* 3 \*\* 4`,
		"<br /> `<b>*_`":  "&lt;br /> `<b>*_`",
		"an open ` tick":  "an open \\` tick",
		"a_b":             `a\_b`,
		"two\nlines":      "two lines",
		"`a` and `b_c` d": "`a` and `b_c` d",
	} {
		if got := prose(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := cell("a|b"); got != `a\|b` {
		t.Errorf("a cell became %q", got)
	}
	if got := code("a`b"); got != "`` a`b ``" {
		t.Errorf("code became %q", got)
	}
}
