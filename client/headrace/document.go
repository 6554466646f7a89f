package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// The kinds of documents that can be applied, in the order they are: integrations use components.
const (
	kindComponent   = "Component"
	kindIntegration = "Integration"
)

// document is one YAML document of a file.
type document struct {
	file  source
	where string     // file and, where a file has several, line
	kind  string     // kindComponent or kindIntegration
	text  string     // without its kind, on the lines of the file it stands on
	root  *yaml.Node // the same as a tree
}

// readFile reads a file, or the input for "-".
func (a *app) readFile(name string) ([]byte, error) {
	const most = 16 << 20
	source := a.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usage("%v", err)
		}
		defer file.Close()
		source = file
	}
	text, err := io.ReadAll(io.LimitReader(source, most+1))
	if err != nil {
		return nil, usage("%v", err) // it says what was read
	}
	if len(text) > most {
		return nil, usage("%s is larger than %d MiB: nothing that can be sent is", name, most>>20)
	}
	return text, nil
}

// readText reads a file as readFile does, which must be text.
func (a *app) readText(name string) ([]byte, error) {
	text, err := a.readFile(name)
	if err == nil && !utf8.Valid(text) {
		return nil, usage("%s is no text: it holds bytes that are no UTF-8", name)
	}
	return text, err
}

// documentsOf splits a file into its documents and reads their kinds. Documents that hold nothing are left out.
func documentsOf(name, text string) ([]document, error) {
	var out []document
	if name == "-" {
		name = "the input"
	}
	parts := split(text)
	for _, part := range parts {
		where := name
		if len(parts) > 1 {
			where = fmt.Sprintf("%s, document at line %d", name, part.line)
		}
		root, err := parseYAML([]byte(part.text))
		if err != nil {
			return nil, usage("%s is not YAML: %v", name, err)
		}
		if root == nil {
			continue
		}
		doc, err := documentOf(where, part.text, root)
		if err != nil {
			return nil, err
		}
		doc.file = source(name)
		out = append(out, doc)
	}
	return out, nil
}

// mistakes says of an error which document it is about, and of what is wrong in it where that stands.
func (d *document) mistakes(err error) error {
	said := d.file.mistakes(err)
	var at *located
	if errors.As(said, &at) && len(at.lines) == 0 {
		at.where = d.where
	}
	return said
}

// foreign reports whether a document looks like a definition of Prismatic, whatever its layout.
func foreign(root *yaml.Node) bool {
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch root.Content[i].Value {
		case "definitionVersion", "requiredConfigVars", "name":
			return true
		}
	}
	return false
}

func documentOf(where, text string, root *yaml.Node) (document, error) {
	const say = `say "kind: Component" or "kind: Integration"`
	if root.Kind != yaml.MappingNode {
		return document{}, usage("%s does not describe anything: write an object, and %s", where, say)
	}
	at := -1
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "kind" {
			if at >= 0 {
				return document{}, usage("%s has two kinds: leave one", where)
			}
			at = i
		}
	}
	if at < 0 {
		if foreign(root) {
			return document{}, usage("%s has no kind: %s; a definition of Prismatic is read by \"headrace import\"", where, say)
		}
		return document{}, usage("%s has no kind: %s", where, say)
	}
	doc := document{where: where}
	switch given := resolved(root.Content[at+1]).Value; given {
	case kindComponent, "KIND_DECLARATIVE": // as the API says it: what was read can be applied
		doc.kind = kindComponent
	case kindIntegration:
		doc.kind = kindIntegration
	default:
		return document{}, usage("%s has the kind %q: %s", where, given, say)
	}
	var err error
	doc.text, doc.root, err = withoutKind(text, root, at)
	return doc, err
}

// A part is the text of one document, moved down to the lines it has in its file so that errors name those.
type part struct {
	line int // the first one, counted from 1
	text string
}

// marker begins or ends a document. YAML allows it nowhere else at the start of a line, not even in a block of text.
var marker = regexp.MustCompile(`^(---|\.\.\.)([ \t\r\n]|$)`)

// split cuts a file at its document markers.
func split(text string) []part {
	text = strings.TrimPrefix(text, "\ufeff")
	var parts []part
	var now strings.Builder
	begun := 1
	end := func() {
		if strings.TrimSpace(now.String()) != "" {
			parts = append(parts, part{line: begun, text: now.String()})
		}
		now.Reset()
	}
	for i, line := range strings.SplitAfter(text, "\n") {
		if marker.MatchString(line) {
			end()
			begun = i + 1
			line = "   " + line[3:]
		}
		now.WriteString(line)
	}
	end()
	for i := range parts {
		parts[i].text = strings.Repeat("\n", parts[i].line-1) + parts[i].text
	}
	return parts
}

// kindEntry is a kind as nearly everybody writes it.
var kindEntry = regexp.MustCompile(`^(?:kind|"kind"|'kind')[ \t]*:[ \t]+(?:\w+|"\w+"|'\w+')`)

// withoutKind takes the entry at an index out of a document, and nothing else: the server refuses fields it does not know. The text
// is cut where that leaves everything as it was written, which is proved by reading the result; else the tree is written anew.
func withoutKind(text string, root *yaml.Node, at int) (string, *yaml.Node, error) {
	want := *root
	want.Content = slices.Delete(slices.Clone(root.Content), at, at+2)
	key := root.Content[at]
	lines := strings.SplitAfter(text, "\n")
	if line, from := key.Line-1, key.Column-1; line < len(lines) && from <= len(lines[line]) {
		entry := kindEntry.FindString(lines[line][from:])
		lines[line] = lines[line][:from] + lines[line][from+len(entry):]
		cut := strings.Join(lines, "")
		if got, err := parseYAML([]byte(cut)); err == nil && entry != "" && sameTree(got, &want) {
			return cut, got, nil
		}
	}
	return writtenAnew(&want, key.Line)
}

// writtenAnew writes a tree as YAML. Writing changes the tree, so what was written is held against one of its own.
func writtenAnew(want *yaml.Node, line int) (string, *yaml.Node, error) {
	before := *want
	before.Content = cloned(want.Content, 0)
	sayNull(want, 0)
	anew, err := yaml.Dump(want, yaml.WithLineWidth(-1))
	if err != nil {
		return "", nil, fmt.Errorf("leave out the kind: %w", err)
	}
	got, err := parseYAML(anew)
	if err != nil || !sameTree(got, &before) {
		return "", nil, usage("line %d: the kind cannot be told from the rest: write it on a line of its own", line)
	}
	return string(anew), got, nil
}

func cloned(nodes []*yaml.Node, depth int) []*yaml.Node {
	var out []*yaml.Node
	for _, n := range nodes {
		c := *n
		if depth < maxDepth {
			c.Content = cloned(n.Content, depth+1)
		}
		out = append(out, &c)
	}
	return out
}

// sayNull writes down values that were left out: the encoder would take them for empty texts.
func sayNull(n *yaml.Node, depth int) {
	if n.Kind == yaml.ScalarNode && n.Value == "" && n.ShortTag() == "!!null" {
		n.Value = "null"
	}
	for _, item := range n.Content {
		if depth < maxDepth {
			sayNull(item, depth+1)
		}
	}
}

// sameTree reports whether two trees say the same. Where they do not stand in the same place is no difference.
func sameTree(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	null := a.ShortTag() == "!!null" // written or left out
	return a.Kind == b.Kind && a.ShortTag() == b.ShortTag() && (a.Value == b.Value || null) && a.Anchor == b.Anchor &&
		slices.EqualFunc(a.Content, b.Content, sameTree)
}
