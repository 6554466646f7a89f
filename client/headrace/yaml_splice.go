package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// A splice puts one node in the place of another that was read from a text.
type splice struct {
	old, with *yaml.Node
	inFlow    bool // old stands in an object or a list in braces or brackets
}

// spliced returns a text with some of its nodes replaced. All else is as it was, to the byte: comments, blank lines, quotes. The nodes
// must not overlap.
func spliced(source []byte, splices []splice) ([]byte, error) {
	t := newYAMLText(source)
	type cut struct {
		from, to int
		text     string
	}
	var cuts []cut
	for _, s := range splices {
		from, err := t.begin(s.old)
		if err != nil {
			return nil, err
		}
		to, err := t.end(s.old)
		if err != nil {
			return nil, err
		}
		text, err := s.text()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", s.old.Line, err)
		}
		switch {
		case s.block():
			text = strings.ReplaceAll(text, "\n", t.lineBreak(s.old.Line))
			to += len(commentAfter(source[to:])) // it is in the text of the last item, if that stays
		case s.old.Kind != yaml.ScalarNode && s.old.Style&yaml.FlowStyle == 0:
			from, text = t.besideKey(from), " "+text
		}
		cuts = append(cuts, cut{from, to, text})
	}
	slices.SortFunc(cuts, func(a, b cut) int { return b.from - a.from }) // from behind, so that the places before stay what they are
	out := bytes.Clone(source)
	for _, c := range cuts {
		out = slices.Replace(out, c.from, c.to, []byte(c.text)...)
	}
	return out, nil
}

// block reports whether what comes in is written over several lines: what was there is, and neither is empty or a single value.
func (s splice) block() bool {
	return !s.inFlow && s.old.Kind != yaml.ScalarNode && s.old.Style&yaml.FlowStyle == 0 && s.with.Kind != yaml.ScalarNode && len(s.with.Content) > 0
}

func (s splice) text() (string, error) {
	with := deepCopy(s.with)
	if !s.block() {
		// In a list, so that what means something between brackets is put in quotes.
		text, err := yaml.Dump(&yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{inline(with)}}, yaml.WithLineWidth(-1))
		return strings.TrimSuffix(strings.TrimPrefix(string(text), "["), "]\n"), err
	}
	// What stands above and below stays where it is.
	for first := with; ; first = first.Content[0] {
		first.HeadComment = ""
		if len(first.Content) == 0 {
			break
		}
	}
	for last := with; ; last = last.Content[len(last.Content)-1] {
		last.FootComment = ""
		if len(last.Content) == 0 {
			break
		}
	}
	text, err := yaml.Dump(with, yaml.WithLineWidth(-1), yaml.WithIndent(2))
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i := range lines {
		if i > 0 && lines[i] != "" {
			lines[i] = strings.Repeat(" ", s.old.Column-1) + lines[i]
		}
	}
	return strings.Join(lines, "\n"), err
}

func deepCopy(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = make([]*yaml.Node, len(n.Content))
	for i := range n.Content {
		out.Content[i] = deepCopy(n.Content[i])
	}
	return &out
}

// inline makes a node one that is written on one line.
func inline(n *yaml.Node) *yaml.Node {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	if n.Kind == yaml.ScalarNode {
		n.Style &^= yaml.LiteralStyle | yaml.FoldedStyle
	} else {
		n.Style = yaml.FlowStyle
	}
	for _, item := range n.Content {
		inline(item)
	}
	return n
}

// yamlText is a text whose nodes' places are looked for. A node knows where it begins, and not where it ends.
type yamlText struct {
	source []byte
	lines  []int // where each begins
}

func newYAMLText(source []byte) *yamlText {
	t := &yamlText{source: source, lines: []int{0}}
	for i, c := range source {
		if c == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	return t
}

// begin returns where a node begins. Its column counts characters. YAML has more line breaks than are known here: a place that they
// move is an error or a wrong one, and what is written there is found to say something else.
func (t *yamlText) begin(n *yaml.Node) (int, error) {
	if n.Line > len(t.lines) {
		return 0, fmt.Errorf("line %d: cannot be found: write line breaks as line feeds", n.Line)
	}
	at := t.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(t.source[at:])
		at += size
	}
	if at == len(t.source) {
		return 0, fmt.Errorf("line %d: nothing is written there", n.Line)
	}
	return at, nil
}

// end returns where a node ends. What it cannot tell is an error: tags, and texts over several lines without quotes.
func (t *yamlText) end(n *yaml.Node) (int, error) {
	at, err := t.begin(n)
	switch {
	case err != nil:
		return 0, err
	case n.Anchor != "" || n.Style&yaml.TaggedStyle != 0:
	case n.Kind == yaml.AliasNode:
		return at + len("*") + len(n.Value), nil
	case n.Kind != yaml.ScalarNode && n.Style&yaml.FlowStyle != 0:
		end, _, err := t.flowEnd(at)
		return end, err
	case n.Kind != yaml.ScalarNode && len(n.Content) > 0:
		return t.end(n.Content[len(n.Content)-1])
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return t.quoteEnd(at)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return t.blockEnd(n.Line), nil
	case n.Value != "" && bytes.HasPrefix(t.source[at:], []byte(n.Value)):
		return at + len(n.Value), nil
	}
	return 0, fmt.Errorf("line %d: is written in a way that cannot be replaced: put it in quotes, without tags", n.Line)
}

// quoteEnd returns where a text in quotes ends that begins at a place.
func (t *yamlText) quoteEnd(at int) (int, error) {
	quote := t.source[at]
	for i := at + 1; i < len(t.source); i++ {
		switch c := t.source[i]; {
		case c == '\\' && quote == '"':
			i++
		case c == quote && quote == '\'' && bytes.HasPrefix(t.source[i+1:], []byte("'")):
			i++
		case c == quote:
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("a quote at byte %d is not closed", at)
}

// flowEnd returns where the bracket or brace at a place is closed, and whether there is a comment before that.
func (t *yamlText) flowEnd(at int) (end int, commented bool, err error) {
	depth, before := 0, byte(',') // what stands before; a quote within a word is none
	for i := at; i < len(t.source); i++ {
		c := t.source[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			continue
		case c == '#' && bytes.IndexByte([]byte(" \t\n"), t.source[i-1]) >= 0:
			commented = true
			if line := bytes.IndexByte(t.source[i:], '\n'); line >= 0 {
				i += line
			}
			continue
		case (c == '"' || c == '\'') && bytes.IndexByte([]byte("{[,:"), before) >= 0:
			end, err := t.quoteEnd(i)
			if err != nil {
				return 0, false, err
			}
			i = end - 1
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1, commented, nil
			}
		}
		before = c
	}
	return 0, false, fmt.Errorf("a bracket at byte %d is not closed", at)
}

// blockEnd returns where a text ends that begins below a line with | or >: with its last line that is indented as much as its first.
func (t *yamlText) blockEnd(line int) int {
	least := -1
	end := t.lineEnd(line)
	for ; line < len(t.lines); line++ {
		text := t.source[t.lines[line]:t.lineEnd(line+1)]
		indent := len(text) - len(bytes.TrimLeft(text, " "))
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if least < 0 {
			least = indent
		}
		if indent < least || indent == 0 {
			break
		}
		end = t.lines[line] + len(bytes.TrimRight(text, "\r"))
	}
	return end
}

// besideKey returns the place behind the key of what begins at a place on a line of its own, where there is nothing between them.
func (t *yamlText) besideKey(at int) int {
	before := bytes.TrimRight(t.source[:at], " \r\n")
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	if bytes.HasSuffix(line, []byte(":")) && !bytes.Contains(line, []byte("#")) {
		return len(before)
	}
	return at
}

// lineEnd returns where a line, counted from 1, ends.
func (t *yamlText) lineEnd(line int) int {
	if line < len(t.lines) {
		return t.lines[line] - 1
	}
	return len(t.source)
}

// lineBreak returns what ends a line.
func (t *yamlText) lineBreak(line int) string {
	if bytes.HasSuffix(t.source[:t.lineEnd(line)], []byte("\r")) {
		return "\r\n"
	}
	return "\n"
}

// commentAfter returns the comment that goes on to the end of a line, with the space before it.
func commentAfter(rest []byte) []byte {
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	line = bytes.TrimRight(line, "\r")
	if text := bytes.TrimLeft(line, " \t"); len(text) > 0 && len(text) < len(line) && text[0] == '#' {
		return line
	}
	return nil
}
