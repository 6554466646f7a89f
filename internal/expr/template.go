package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/value"
)

// TemplateNode stands for a text with values in it.
type TemplateNode struct {
	Text  string // as written
	parts []Node // literals are texts
}

// ParseTemplate reads a text in which `{{$stepKey.path}}` stands for a reference and `{{#Config Variable}}` for a config variable.
// Every other double brace is text, for it may be of another language. What opens a block there looks like a config variable: it is told
// by what closes it.
func ParseTemplate(text string) (*TemplateNode, error) {
	t := &TemplateNode{Text: text}
	rest := text
	blocks := blockEnds(text)
	for {
		open := nextOpening(rest)
		if open < 0 {
			break
		}
		if open > 0 {
			t.parts = append(t.parts, Literal(rest[:open]))
		}
		part, n, err := placeholder(rest[open:])
		if err != nil {
			at := utf8.RuneCountInString(text[:len(text)-len(rest)+open]) + 1
			return nil, fmt.Errorf("in the braces at character %d: %w", at, err)
		}
		after := rest[open+n:]
		if v, ok := part.(*ConfigVariableNode); ok && blocks[blockName(v.Name)] > len(text)-len(after) {
			v.Block = rest[open : open+n]
		}
		t.parts = append(t.parts, part)
		rest = after
	}
	if rest != "" {
		t.parts = append(t.parts, Literal(rest))
	}
	return t, nil
}

// Tmpl is ParseTemplate as an expression.
func Tmpl(text string) (Node, error) {
	n, err := ParseTemplate(text)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// nextOpening returns where the next braces open that are more than text, or -1.
func nextOpening(text string) int {
	for at := 0; ; {
		i := strings.Index(text[at:], "{{")
		if i < 0 {
			return -1
		}
		at += i
		if rest := text[at+2:]; rest != "" && (rest[0] == '$' || rest[0] == '#') {
			return at
		}
		at++
	}
}

// placeholder reads the braces that a text begins with, and returns how long they are.
func placeholder(text string) (Node, int, error) {
	end := closing(text)
	if end < 0 {
		return nil, 0, errors.New("they are not closed: end them with }}")
	}
	if text[2] == '$' {
		n, err := Ref(text[3:end])
		if err != nil {
			return nil, 0, fmt.Errorf("the reference is malformed: %w", err)
		}
		return n, end + 2, nil
	}
	name := strings.TrimSpace(text[3:end])
	if name == "" {
		return nil, 0, errors.New("the name of the config variable is empty: give one, as in {{#API Key}}")
	}
	return ConfigVariable(name), end + 2, nil
}

// blockEnds returns where blocks of other template languages are closed for the last time, as in {{/if}}, by their names.
func blockEnds(text string) map[string]int {
	ends := map[string]int{}
	for at := 0; ; {
		i := strings.Index(text[at:], "{{")
		if i < 0 {
			return ends
		}
		at += i + len("{{")
		within := text[at:min(len(text), at+maxBlockName)]
		end := max(0, strings.Index(within, "}}"))
		if name, closes := strings.CutPrefix(strings.TrimLeft(within[:end], "~"), "/"); closes && name != "" {
			ends[strings.Trim(name, " ~")] = at
		}
	}
}

// maxBlockName is how far braces that close a block are read.
const maxBlockName = 100

// blockName is by what a block is closed that opens with some words.
func blockName(words string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(words, ">* "), " ")
	return strings.TrimRight(name, "~")
}

// closing returns where the braces that a text begins with are closed, or -1. Braces in a quoted key do not count; others that open
// before tell that these were forgotten.
func closing(text string) int {
	for i := 3; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "}}"):
			return i
		case strings.HasPrefix(text[i:], "{{"):
			return -1
		case text[2] == '$' && (strings.HasPrefix(text[i:], `["`) || strings.HasPrefix(text[i:], `['`)):
			_, n, _ := unquote(text[i+1:])
			i += n
		}
	}
	return -1
}

// Single returns the one reference or config variable that is all of the template, whose type the template keeps; or nil.
func (n *TemplateNode) Single() Node {
	if len(n.parts) != 1 {
		return nil
	}
	if _, ok := n.parts[0].(*LiteralNode); ok {
		return nil
	}
	return n.parts[0]
}

// Parts returns the literal texts, references and config variables of the template in their order.
func (n *TemplateNode) Parts() []Node { return n.parts }

func (n *TemplateNode) eval(e *evaluation) any {
	if single := n.Single(); single != nil {
		return single.eval(e)
	}
	var b strings.Builder
	for _, part := range n.parts {
		if e.over {
			return nil
		}
		v := part.eval(e)
		if !isValue(v) {
			continue // a connection is no text; checking the definition refuses it
		}
		text := value.Text(v)
		if len(text) > e.left {
			e.over = true
			return nil
		}
		e.left -= len(text)
		b.WriteString(text)
	}
	return b.String()
}

func (n *TemplateNode) walk(path string, visit func(path string, n Node)) {
	visit(path, n)
	for _, part := range n.parts {
		if _, ok := part.(*LiteralNode); !ok {
			part.walk(path, visit)
		}
	}
}

func isValue(v any) bool {
	switch v.(type) {
	case nil, bool, string, value.Number, []any, *value.Object, value.Bytes:
		return true
	default:
		return false
	}
}
