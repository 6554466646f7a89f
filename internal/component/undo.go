package component

import (
	"fmt"
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/value"
)

// DefaultRemoteID is the template of a remote object's id where an undo gives none.
const DefaultRemoteID = "{{$result.id}}"

// UndoInputs returns the inputs for the action that removes what action created: its undo's templates over `$result` and `$inputs`. The
// connection is not among them: whoever undoes passes on the one that created the object. An error says that the result does not tell what
// to remove.
func UndoInputs(action *Action, result any, inputs Inputs) (map[string]any, error) {
	if action.Undo == nil {
		return nil, fmt.Errorf("action %q declares no undo", action.Key)
	}
	scope := Roots{"result": result, "inputs": inputs.Object()}
	out := make(map[string]any, len(action.Undo.Inputs))
	for _, key := range slices.Sorted(maps.Keys(action.Undo.Inputs)) {
		text := action.Undo.Inputs[key]
		node, err := expr.Tmpl(text)
		if err != nil {
			return nil, fmt.Errorf("undo of action %q: input %q: %w", action.Key, key, err)
		}
		v := expr.Eval(node, scope)
		if (v == nil || v == "") && names(node, "result") {
			return nil, fmt.Errorf("undo of action %q: input %q: %s gives nothing: the result does not tell what to remove; correct the template, or what the action takes for its result",
				action.Key, key, text)
		}
		out[key] = v
	}
	return out, nil
}

// RemoteID returns the id of the object that an action with undo created, for people to find it by; "" if the result has none.
func RemoteID(action *Action, result any, inputs Inputs) string {
	if action.Undo == nil {
		return ""
	}
	text := action.Undo.RemoteID
	if text == "" {
		text = DefaultRemoteID
	}
	node, err := expr.Tmpl(text)
	if err != nil {
		return "" // refused when the component was checked
	}
	return value.Text(expr.Eval(node, Roots{"result": result, "inputs": inputs.Object()}))
}

// names reports whether an expression refers to something below a root.
func names(node expr.Node, root string) bool {
	found := false
	expr.Walk(node, func(_ string, n expr.Node) {
		if ref, ok := n.(*expr.ReferenceNode); ok && ref.Key == root {
			found = true
		}
	})
	return found
}
