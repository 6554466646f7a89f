// Package expr holds references and templates. They are parsed once into a tree and evaluated against a scope; nothing is ever
// substituted in text, and data is never parsed as an expression.
// It must not know what steps, config variables or secrets are: a scope gives it their values.
package expr

import (
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/value"
)

// Scope gives the values that an expression names.
type Scope interface {
	// Step returns what a step key stands for, an object with `results` for a step, `currentItem` and `index` for a loop.
	Step(key string) (any, bool)
	// ConfigVariable returns the value of a config variable. It may be something other than a value: a connection.
	ConfigVariable(name string) (any, bool)
}

// Node is an expression.
type Node interface {
	// eval returns what the expression stands for. It is total: what is absent is nil.
	eval(scope Scope) any
	// walk visits the node and those below it with their paths.
	walk(path string, visit func(path string, n Node))
}

// Eval returns what an expression stands for. What it refers to and is not there is nil.
func Eval(n Node, scope Scope) any { return n.eval(scope) }

// Walk visits an expression and all that are part of it, each with its path, e.g. `.complex.items[2]`; the expression itself has
// the path "".
func Walk(n Node, visit func(path string, n Node)) { n.walk("", visit) }

// LiteralNode is a value that stands for itself.
type LiteralNode struct{ Value any }

// Literal returns an expression that stands for v.
func Literal(v any) Node { return &LiteralNode{Value: v} }

func (n *LiteralNode) eval(Scope) any                                    { return n.Value }
func (n *LiteralNode) walk(path string, visit func(path string, n Node)) { visit(path, n) }

// ConfigVariableNode stands for the value of a config variable.
type ConfigVariableNode struct{ Name string }

// ConfigVariable returns an expression that stands for the value of a config variable.
func ConfigVariable(name string) Node { return &ConfigVariableNode{Name: name} }

func (n *ConfigVariableNode) eval(scope Scope) any {
	v, _ := scope.ConfigVariable(n.Name)
	return v
}

func (n *ConfigVariableNode) walk(path string, visit func(path string, n Node)) { visit(path, n) }

// Item is an item of a list, with an optional name.
type Item struct {
	Name  Node // nil: none
	Value Node
}

// ListNode stands for a list of values, or of named values.
type ListNode struct {
	Items []Item
	named bool
}

// List returns an expression that stands for a list: of values if no item has a name, of objects {key, value} if all have.
func List(items []Item) (Node, error) {
	named := 0
	for _, item := range items {
		if item.Value == nil {
			return nil, errors.New("an item has no value")
		}
		if item.Name != nil {
			named++
		}
	}
	if named != 0 && named != len(items) {
		return nil, fmt.Errorf("%d of %d items have a name: give all a name for a key/value list, or none for a list", named, len(items))
	}
	return &ListNode{Items: items, named: named > 0}, nil
}

func (n *ListNode) eval(scope Scope) any {
	list := make([]any, len(n.Items))
	for i, item := range n.Items {
		v := item.Value.eval(scope)
		if n.named {
			v = value.Obj(value.Field{Key: "key", Value: item.Name.eval(scope)}, value.Field{Key: "value", Value: v})
		}
		list[i] = v
	}
	return list
}

func (n *ListNode) walk(path string, visit func(path string, n Node)) {
	visit(path, n)
	for i, item := range n.Items {
		at := fmt.Sprintf("%s.complex.items[%d]", path, i)
		if item.Name != nil {
			item.Name.walk(at+".nameFrom", visit)
		}
		item.Value.walk(at, visit)
	}
}

// Named reports whether the items have names.
func (n *ListNode) Named() bool { return n.named }
