package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
)

// test is a Go test that runs an action.
type test struct{ name, file string }

// readTests returns, by action, the tests that were seen to run it, with the files they stand in.
func readTests(root string) (map[string][]test, error) {
	text, err := os.ReadFile(filepath.Join(root, actionTests))
	if err != nil {
		return nil, err
	}
	files, err := testFiles(filepath.Join(root, builtinTests))
	if err != nil {
		return nil, err
	}
	tests := map[string][]test{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		for _, name := range words[min(1, len(words)):] {
			function, _, _ := strings.Cut(name, "/")
			if files[function] == "" {
				return nil, fmt.Errorf("%s names the test %s, which is in no file there: go test ./%s -update", actionTests, function, builtinTests)
			}
			tests[words[0]] = append(tests[words[0]], test{name: name, file: files[function]})
		}
	}
	return tests, nil
}

var testFunction = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]*|Fuzz[A-Za-z0-9_]*)\(`)

// testFiles tells where each test function stands.
func testFiles(dir string) (map[string]string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, m := range testFunction.FindAllSubmatch(text, -1) {
			files[string(m[1])] = filepath.Base(name)
		}
	}
	return files, nil
}

const actionsIntro = written + `# Where actions come from, and which test runs them

Every built-in action of [components.md](components.md), with its origin:

- *seen*: public definitions of Prismatic use it, in so many steps of 31 current files and of 44 older versions of them. It takes the
  inputs that those steps give.
- *reference*: the reference of Prismatic's components describes it under this key. It has the inputs whose keys the reference tells; its
  other inputs are ours.
- *Headrace*: it is ours alone.

The tests are those of [internal/component/builtin](../internal/component/builtin). Nobody keeps this list by hand: each test notes which
actions it runs, and the package's tests fail where no test runs an action, or others than shown here do.

`

func renderActions(components []*component.Component, tests map[string][]test) (string, error) {
	var rows, without strings.Builder
	counts := map[string]int{}
	known := map[string]bool{}
	for _, c := range components {
		for i := range c.Actions {
			name := c.ID + "." + c.Actions[i].Key
			known[name] = true
			if len(tests[name]) == 0 {
				fmt.Fprintf(&without, " %s", name)
			}
			kind, origin := originOf(c.ID, c.Actions[i].Key)
			counts[kind]++
			fmt.Fprintf(&rows, "| `%s` | %s | %s |\n", name, origin, links(tests[name]))
		}
	}
	if without.Len() > 0 {
		return "", fmt.Errorf("no test runs%s: go test ./%s -update says what is wrong", without.String(), builtinTests)
	}
	var b strings.Builder
	b.WriteString(actionsIntro)
	fmt.Fprintf(&b, "There are %d actions: %d seen, %d more of the reference, %d of Headrace.\n\n", len(known), counts["seen"], counts["reference"], counts["headrace"])
	b.WriteString("| action | origin | tests |\n|---|---|---|\n")
	b.WriteString(rows.String())
	renderMissing(&b, known)
	return b.String(), nil
}

// originOf tells where an action comes from.
func originOf(id, key string) (kind, words string) {
	if u, ok := seen[id+"."+key]; ok {
		return "seen", seenIn(u.current, u.older)
	}
	if slices.Contains(strings.Fields(referenced[id]), strings.ToLower(key)) {
		return "reference", "reference"
	}
	return "headrace", "Headrace"
}

// seenIn says in how many steps an action was seen: 3 current, 1 older.
func seenIn(current, older int) string {
	var in []string
	if current > 0 {
		in = append(in, fmt.Sprintf("%d current", current))
	}
	if older > 0 {
		in = append(in, fmt.Sprintf("%d older", older))
	}
	return "seen: " + strings.Join(in, ", ")
}

func links(tests []test) string {
	parts := make([]string, len(tests))
	for i, t := range tests {
		parts[i] = fmt.Sprintf("[%s](../%s/%s)", t.name, builtinTests, t.file)
	}
	return strings.Join(parts, ", ")
}

// renderMissing tells what public definitions use and is not there under that name, what became of it, or that it is not there; and
// what the reference describes, and is not there.
func renderMissing(b *strings.Builder, known map[string]bool) {
	var moved, missing, unseen []string
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		now := renamed[name]
		switch {
		case known[name]:
		case known[now]:
			moved = append(moved, fmt.Sprintf("- `%s` is `%s` now.\n", name, now))
		default:
			missing = append(missing, fmt.Sprintf("- `%s`\n", name))
		}
	}
	small := map[string]bool{}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(known)), slices.Collect(maps.Keys(seen))) {
		small[strings.ToLower(name)] = true
	}
	for _, id := range slices.Sorted(maps.Keys(referenced)) {
		for _, key := range strings.Fields(referenced[id]) {
			if small[id+"."+key] {
				continue
			}
			name, why := leftOut(id + "." + key)
			unseen = append(unseen, fmt.Sprintf("- `%s`: %s.\n", name, why))
		}
	}
	if len(moved) > 0 {
		b.WriteString("\n## Old names\n\nActions that older definitions name otherwise:\n\n" + strings.Join(moved, ""))
	}
	if len(missing) > 0 {
		b.WriteString("\n## Not there\n\nActions that public definitions use, as of the platform itself, and that no built-in component has:\n\n" + strings.Join(missing, ""))
	}
	if len(unseen) > 0 {
		b.WriteString("\n## Of the reference, not there\n\nNo definition is known to use these:\n\n" + strings.Join(unseen, ""))
	}
}

// leftOut returns an action that is not there by its proper name, and why it is not.
func leftOut(small string) (name, why string) {
	for name, why := range left {
		if strings.EqualFold(name, small) {
			return name, why
		}
	}
	return small, "it is not written yet"
}
