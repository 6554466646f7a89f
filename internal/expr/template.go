package expr

import (
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/value"
)

// TemplateNode stands for a text with values in it.
type TemplateNode struct {
	Text  string // as written
	parts []Node // literals are texts
}

// ParseTemplate reads a text in which `{{$stepKey.path}}` stands for a reference and `{{#Config Variable}}` for a config variable.
// Every other double brace is text.
func ParseTemplate(text string) (*TemplateNode, error) {
	t := &TemplateNode{Text: text}
	rest := text
	for {
		open := nextOpening(rest)
		if open < 0 {
			break
		}
		if open > 0 {
			t.parts = append(t.parts, Literal(rest[:open]))
		}
		at := len(text) - len(rest) + open + 1
		end := strings.Index(rest[open:], "}}")
		if end < 0 {
			return nil, fmt.Errorf("the braces opened at character %d are not closed: end them with }}", at)
		}
		part, err := parsePlaceholder(rest[open+2 : open+end])
		if err != nil {
			return nil, fmt.Errorf("%w, in the braces at character %d", err, at)
		}
		t.parts = append(t.parts, part)
		rest = rest[open+end+2:]
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

func nextOpening(text string) int {
	ref, config := strings.Index(text, "{{$"), strings.Index(text, "{{#")
	if ref < 0 || config >= 0 && config < ref {
		return config
	}
	return ref
}

// parsePlaceholder reads what stands between the braces.
func parsePlaceholder(text string) (Node, error) {
	name := strings.TrimSpace(text[1:])
	if text[0] == '$' {
		return Ref(name)
	}
	if name == "" {
		return nil, fmt.Errorf("the name of the config variable is empty")
	}
	return ConfigVariable(name), nil
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

func (n *TemplateNode) eval(scope Scope) any {
	if single := n.Single(); single != nil {
		return single.eval(scope)
	}
	var b strings.Builder
	for _, part := range n.parts {
		v := part.eval(scope)
		if !isValue(v) {
			continue // a connection is no text; checking the definition refuses it
		}
		b.WriteString(value.Text(v))
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
