package declarative

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// names is what templates of an action may refer to.
type names struct {
	inputs     map[string]bool // true: a value; false: the connection
	connection map[string]bool // inputs of the connection types accepted; nil: not known
	connected  bool            // there is an input of type CONNECTION
	used       bool            // a template refers to the connection
}

// roots says which names a template may begin with.
type roots struct {
	*names
	allowed []string
}

func (n *names) inRequest() roots { return roots{n, []string{"connection", "inputs"}} }
func (n *names) inResult() roots  { return roots{n, []string{"response", "inputs"}} }
func (n *names) inUndo() roots    { return roots{n, []string{"result", "inputs"}} }
func (n *names) inLookup() roots  { return roots{n, []string{"inputs"}} }
func (n *names) inListed() roots  { return roots{n, []string{"result", "inputs"}} }
func (n *names) inItem() roots    { return roots{n, []string{"item", "inputs"}} }
func (n *names) inUpdated() roots { return roots{n, []string{"updated", "result", "inputs"}} }

func (b *builder) names(a *ipaas.Action) *names {
	n := &names{inputs: make(map[string]bool, len(a.Inputs))}
	for i := range a.Inputs {
		f := &a.Inputs[i]
		n.inputs[f.Key] = f.Type != ipaas.FieldConnection
		if f.Type == ipaas.FieldConnection && !n.connected {
			n.connected = true
			n.connection = b.connectionInputs(f.ConnectionTypes)
		}
	}
	return n
}

// connectionInputs returns the inputs of the connection types an action accepts. Without a list any connection is accepted; those
// of the component itself then say what it may have. Nil: nothing is known about it.
func (b *builder) connectionInputs(accepted []string) map[string]bool {
	var known map[string]bool
	for i := range b.component.ConnectionTypes {
		t := &b.component.ConnectionTypes[i]
		if len(accepted) > 0 && !slices.Contains(accepted, t.Key) {
			continue
		}
		if known == nil {
			known = map[string]bool{}
		}
		for j := range t.Inputs {
			known[t.Inputs[j].Key] = true
		}
	}
	return known
}

// template parses a template and checks what it refers to. It returns nil if it is malformed.
func (b *builder) template(at, text string, allowed roots) *expr.TemplateNode {
	t, err := expr.ParseTemplate(text)
	if err != nil {
		b.add(at, ipaas.ReasonMalformed, "the template is malformed: %v", err)
		return nil
	}
	expr.Walk(t, func(_ string, n expr.Node) {
		switch n := n.(type) {
		case *expr.ConfigVariableNode:
			if n.Block != "" {
				return // it is text
			}
			b.add(at, ipaas.ReasonMisplaced, "the template refers to the config variable %q, and a component knows none: declare an input, and give the step's input the config variable",
				value.Shorten(n.Name))
		case *expr.ReferenceNode:
			b.reference(at, n, allowed)
		}
	})
	return t
}

func (b *builder) reference(at string, ref *expr.ReferenceNode, allowed roots) {
	path := ref.Path()
	if !slices.Contains(allowed.allowed, ref.Key) {
		b.add(at, ipaas.ReasonMisplaced, "the template refers to $%s: here it may refer to $%s", value.Shorten(ref.Key), strings.Join(allowed.allowed, " and $"))
		return
	}
	switch ref.Key {
	case "inputs":
		if len(path) > 0 {
			b.inputReference(at, path[0], allowed)
		}
	case "connection":
		b.connectionReference(at, path, allowed)
	case "response":
		if len(path) > 0 && !slices.Contains([]string{"body", "status", "headers"}, path[0]) {
			b.add(at, ipaas.ReasonUnknownField, "a response has no %q: refer to $response.body, $response.status or $response.headers", value.Shorten(path[0]))
		}
	}
}

func (b *builder) inputReference(at, key string, n roots) {
	isValue, known := n.inputs[key]
	switch {
	case !known:
		b.add(at, ipaas.ReasonUnknownInput, "the action has no input %q: declare it, or refer to %s", value.Shorten(key), choices("$inputs.", n.inputs))
	case !isValue:
		b.add(at, ipaas.ReasonMisplaced, "the input %q is a connection: refer to one of its inputs as $connection.key", key)
	}
}

func (b *builder) connectionReference(at string, path []string, n roots) {
	n.used = true
	switch {
	case !n.connected:
		b.add(at, ipaas.ReasonRequired, "the template refers to $connection, and the action has no input of type CONNECTION: declare one")
	case len(path) == 0:
		b.add(at, ipaas.ReasonMisplaced, "the template refers to all of the connection: refer to one of its inputs as $connection.key")
	case n.connection != nil && !n.connection[path[0]]:
		b.add(at, ipaas.ReasonUnknownInput, "the connection has no input %q: declare it in the connection type, or refer to %s", value.Shorten(path[0]), choices("$connection.", n.connection))
	}
}

// choices lists what could have been meant.
func choices(prefix string, known map[string]bool) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if known[key] {
			all = append(all, prefix+value.Shorten(key))
		}
	}
	if len(all) == 0 {
		return "something else, since there is none"
	}
	if len(all) > 10 {
		all = append(all[:10], fmt.Sprintf("one of %d more", len(all)-10))
	}
	return strings.Join(all, ", ")
}
