package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// nasty is a text in which it is not easy to see where things end.
const nasty = `# head
é: 'it''s ü' # of the first
"b": "a \" b # no comment"
plain: don't [stop] {here}
flow: {a: it's, 'b}': "]", c: [1, '#', x#y], # of c
  d: {e: []}, f: }
literal: |
  one

    two
# between
folded: >-
  one
  two

list:
  # of the first
  - x # of x
  - {y: 1}
  -
    z: |
      last
    # after z
nested:
- - 1
  - - 2
    - three four # four
# foot
end: "
  over
  lines" # quoted
`

// TestSplicedIsOnlyWhatIsReplaced replaces each node of some texts, one at a time, and finds all others as they were, comments included.
func TestSplicedIsOnlyWhatIsReplaced(t *testing.T) {
	t.Parallel()
	texts := []string{nasty, strings.ReplaceAll(nasty, "\n", "\r\n"), `{"a": [1, {"b": "c"}], "d": {}}`}
	for _, file := range []string{"acme-erp.test.yaml", "integration.yaml", "component.yaml"} {
		text, err := os.ReadFile("../../examples/acme-erp/" + file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	instead := []*yaml.Node{
		scalar("!!str", "a, b: {c} # d"), scalar("!!str", "two\nlines"), scalar("!!str", "5"), scalar("!!null", "null"),
		{Kind: yaml.SequenceNode, Tag: "!!seq"},
		{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{scalar("!!int", "1"), {
			Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{scalar("!!str", "key"), scalar("!!str", "text"), scalar("!!str", "é"), scalar("!!str", "a\nb")},
		}}},
	}
	done := 0
	for _, text := range texts {
		for i := 1; i < count(t, text); i++ { // the first is the whole
			for j, with := range instead {
				if j%5 != i%5 && len(text) > len(nasty)*2 {
					continue // each by one of them is enough
				}
				if replaceOne(t, []byte(text), i, with) {
					done++
				}
			}
		}
	}
	if done < 800 {
		t.Errorf("%d nodes were replaced: the test tests little", done)
	}
}

// values are the nodes that may be replaced, and whether each stands in brackets: all but keys.
func values(n *yaml.Node, flow bool, visit func(n *yaml.Node, flow bool)) {
	visit(n, flow)
	for i, item := range n.Content {
		if n.Kind == yaml.SequenceNode || i%2 == 1 {
			values(item, flow || n.Style&yaml.FlowStyle != 0, visit)
		}
	}
}

func parsed(t *testing.T, text []byte) *yaml.Node {
	t.Helper()
	root, err := parseYAML(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return root
}

func count(t *testing.T, text string) (n int) {
	t.Helper()
	values(parsed(t, []byte(text)), false, func(*yaml.Node, bool) { n++ })
	return n
}

// replaceOne replaces the nth node and reports whether that can be done.
func replaceOne(t *testing.T, text []byte, nth int, with *yaml.Node) bool {
	t.Helper()
	root := parsed(t, text)
	var s splice
	n := 0
	values(root, false, func(node *yaml.Node, flow bool) {
		if n == nth {
			s = splice{old: node, with: with, inFlow: flow}
		}
		n++
	})
	at := newYAMLText(text)
	if _, err := at.end(s.old); err != nil {
		if s.old.Kind == yaml.ScalarNode && s.old.Style != 0 {
			t.Errorf("line %d: %v", s.old.Line, err)
		}
		return false
	}
	out, err := spliced(text, []splice{s})
	if err != nil {
		t.Fatal(err)
	}
	before, err := at.begin(s.old)
	if err != nil {
		t.Fatal(err)
	}
	behind := len(text)
	if end, err := at.end(s.old); err == nil && !s.block() {
		behind = end
	}
	if !bytes.HasPrefix(out, bytes.TrimRight(text[:before], " \r\n")) || !bytes.HasSuffix(out, text[behind:]) {
		t.Errorf("line %d: more than the node was replaced:\n%s", s.old.Line, out)
	}
	*s.old = *deepCopy(with)
	want, err := yamlToJSON(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := yamlToJSON(parsed(t, out))
	if err != nil || !bytes.Equal(want, got) {
		t.Errorf("line %d: %v, want %s\ngot %s\nof\n%s", s.old.Line, err, want, got, out)
	}
	return true
}

// FuzzSpliced replaces nodes of any text. What comes out may be another text than it should: that is checked before it is written.
func FuzzSpliced(f *testing.F) {
	f.Add(nasty)
	f.Add("a: [x, 'y', \"z\"] # c")
	f.Add("\ufeff- |+\n\n a\n- >1\n  b\n- ? x\n  : y")
	f.Fuzz(func(t *testing.T, text string) {
		root, err := parseYAML([]byte(text))
		if err != nil || root == nil || len(text) > 1<<12 {
			t.Skip()
		}
		values(root, false, func(n *yaml.Node, flow bool) {
			for _, with := range []*yaml.Node{scalar("!!int", "1"), {Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{scalar("!!str", "a: b")}}} {
				if out, err := spliced([]byte(text), []splice{{old: n, with: with, inFlow: flow}}); err == nil && len(out) == 0 {
					t.Errorf("nothing is left of %q", text)
				}
			}
		})
	})
}
