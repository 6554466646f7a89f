// Package expr holds references and templates. They are parsed once into a tree and evaluated against a scope; nothing is ever
// substituted in text, and data is never parsed as an expression.
// It must not know what steps, config variables or secrets are: a scope gives it their values.
package expr

import (
	"errors"
	"math"
)

// Scope gives the values that an expression names.
type Scope interface {
	// Step returns what a step key stands for, an object with `results` for a step, `currentItem` and `index` for a loop.
	Step(key string) (any, bool)
	// ConfigVariable returns the value of a config variable, and whether there is one of the name. The value may be something other than a value: a connection.
	ConfigVariable(name string) (any, bool)
}

// Node is an expression.
type Node interface {
	// eval returns what the expression stands for. It is total: what is absent is nil.
	eval(e *evaluation) any
	// walk visits the node and those below it with their paths.
	walk(path string, visit func(path string, n Node))
}

// evaluation is what nodes share while they are evaluated.
type evaluation struct {
	scope Scope
	left  int  // bytes that templates may still write
	over  bool // they would have written more
}

// ErrTooLarge says that the texts an expression makes are larger than allowed.
var ErrTooLarge = errors.New("the texts made by templates grow too large: take less data into them")

// Eval returns what an expression stands for. What it refers to and is not there is nil, as is no expression at all. What it returns
// shares its parts with the scope and the expression: it is to be read.
func Eval(n Node, scope Scope) any {
	v, _ := EvalWithin(n, scope, math.MaxInt) // no text can be larger
	return v
}

// EvalWithin is Eval where the texts made by templates are bounded, together, to limit bytes; else it returns ErrTooLarge. Lists and
// references need no bound: they share what is there.
func EvalWithin(n Node, scope Scope, limit int) (any, error) {
	if n == nil {
		return nil, nil
	}
	e := evaluation{scope: scope, left: limit}
	v := n.eval(&e)
	if e.over {
		return nil, ErrTooLarge
	}
	return v, nil
}

// Walk visits an expression and all that are part of it, each with its path, e.g. `.complex.items[2]`; the expression itself has
// the path "".
func Walk(n Node, visit func(path string, n Node)) {
	if n != nil {
		n.walk("", visit)
	}
}

// LiteralNode is a value that stands for itself.
type LiteralNode struct{ Value any }

// Literal returns an expression that stands for v.
func Literal(v any) Node { return &LiteralNode{Value: v} }

func (n *LiteralNode) eval(*evaluation) any                              { return n.Value }
func (n *LiteralNode) walk(path string, visit func(path string, n Node)) { visit(path, n) }

// ConfigVariableNode stands for the value of a config variable.
type ConfigVariableNode struct {
	Name string
	// Block is what stands in the template, where that is closed further on as blocks of other template languages are, as in
	// {{#if x}}…{{/if}}. It is text if there is no config variable of the name.
	Block string
}

// ConfigVariable returns an expression that stands for the value of a config variable.
func ConfigVariable(name string) Node { return &ConfigVariableNode{Name: name} }

func (n *ConfigVariableNode) eval(e *evaluation) any {
	v, known := e.scope.ConfigVariable(n.Name)
	if !known && n.Block != "" {
		return n.Block
	}
	return v
}

func (n *ConfigVariableNode) walk(path string, visit func(path string, n Node)) { visit(path, n) }
