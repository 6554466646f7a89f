package ipaas

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/value"
)

// InputKind is the kind of an input expression.
type InputKind string

// The five kinds of inputs. A literal remembers how it was written, so that it is shown as it was sent.
const (
	InputValue          InputKind = "value"
	InputJSON           InputKind = "json" // a literal, too
	InputConfigVariable InputKind = "config_variable"
	InputReference      InputKind = "reference"
	InputTemplate       InputKind = "template"
	InputComplex        InputKind = "complex"
)

// Input is an expression as a person wrote it.
type Input struct {
	Kind     InputKind `json:"kind"`
	Text     string    `json:"text,omitempty"`  // JSON of a literal, name of a config variable, path of a reference, text of a template
	Items    []Input   `json:"items,omitempty"` // of a complex input
	Name     string    `json:"name,omitempty"`  // of an item of a key/value list
	NameFrom *Input    `json:"name_from,omitempty"`
}

// MaxInputDepth is how deep complex inputs may nest.
const MaxInputDepth = 16

// Literal returns an input that is v itself.
func Literal(v any) Input { return Input{Kind: InputValue, Text: string(value.JSON(v))} }

// Parse turns the input into its tree. The error says what is malformed, without the path of the input itself.
func (in Input) Parse() (expr.Node, error) { return in.parse(0) }

func (in Input) parse(depth int) (expr.Node, error) {
	if depth > MaxInputDepth {
		return nil, fmt.Errorf("nests deeper than %d levels: flatten it", MaxInputDepth)
	}
	switch in.Kind {
	case InputValue, InputJSON:
		v, err := value.Parse([]byte(in.Text))
		if err != nil {
			return nil, err
		}
		return expr.Literal(v), nil
	case InputConfigVariable:
		return expr.ConfigVariable(in.Text), nil
	case InputReference:
		return expr.Ref(in.Text)
	case InputTemplate:
		return expr.Tmpl(in.Text)
	case InputComplex:
		return in.parseItems(depth)
	default:
		return nil, fmt.Errorf("is empty: set one of value, json, config_variable, reference, template, complex")
	}
}

func (in Input) parseItems(depth int) (expr.Node, error) {
	items := make([]expr.Item, len(in.Items))
	for i, item := range in.Items {
		node, err := item.parse(depth + 1)
		if err != nil {
			return nil, fmt.Errorf("items[%d]: %w", i, err)
		}
		items[i].Value = node
		switch {
		case item.NameFrom != nil:
			if items[i].Name, err = item.NameFrom.parse(depth + 1); err != nil {
				return nil, fmt.Errorf("items[%d].name_from: %w", i, err)
			}
		case item.Name != "":
			items[i].Name = expr.Literal(item.Name)
		}
	}
	return expr.List(items)
}

// String returns the input as a text for people, in the words of the API.
func (in Input) String() string {
	text := in.Text
	switch in.Kind {
	case InputConfigVariable:
		text = "configVariable " + in.Text
	case InputReference, InputTemplate:
		text = string(in.Kind) + " " + in.Text
	case InputComplex:
		items := make([]string, len(in.Items))
		for i, item := range in.Items {
			items[i] = item.String()
		}
		text = "[" + strings.Join(items, ", ") + "]"
	default:
		text = cmp.Or(text, "null")
	}
	switch {
	case in.NameFrom != nil:
		return in.NameFrom.String() + ": " + text
	case in.Name != "":
		return in.Name + ": " + text
	default:
		return text
	}
}
