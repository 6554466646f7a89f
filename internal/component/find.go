package component

import (
	"fmt"
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// The templates of a find where it gives none.
const (
	DefaultItems = "{{$result}}"
	DefaultFound = "{{$item}}"
)

// Do runs another action of the component that an object is of.
type Do func(action *Action, inputs Inputs) (any, error)

// Find looks for the objects that action with these inputs has created, or would have: for each it returns what the creation would
// have given. It reads one page. Among the inputs must be the connection.
func Find(c *Component, action *Action, inputs Inputs, do Do) ([]any, error) {
	find := action.Find
	if find == nil {
		return nil, fmt.Errorf("action %q declares no find", action.Key)
	}
	list := c.Action(find.Action)
	if list == nil {
		return nil, fmt.Errorf("find of action %q: component %s has no action %q", action.Key, c.ID, find.Action)
	}
	given := inputs.Object()
	raw, err := evalAll(find.Inputs, Roots{"inputs": given})
	if err != nil {
		return nil, fmt.Errorf("find of action %q: %w", action.Key, err)
	}
	in, err := PassOn(list, raw, inputs)
	if err != nil {
		return nil, err
	}
	result, err := do(list, in)
	if err != nil {
		return nil, err
	}
	return matching(action, given, result)
}

// matching returns those items of a list that are what action with these inputs creates.
func matching(action *Action, inputs *value.Object, listed any) ([]any, error) {
	find := action.Find
	wanted, err := eval(find.Match.Equals, Roots{"inputs": inputs})
	if err != nil {
		return nil, fmt.Errorf("find of action %q: %w", action.Key, err)
	}
	want := value.Text(wanted)
	if want == "" {
		return nil, fmt.Errorf("find of action %q: %s gives nothing to look for", action.Key, find.Match.Equals)
	}
	given, err := eval(orDefault(find.Items, DefaultItems), Roots{"result": listed, "inputs": inputs})
	if err != nil {
		return nil, fmt.Errorf("find of action %q: %w", action.Key, err)
	}
	items, ok := given.([]any)
	if !ok && given != nil {
		return nil, fmt.Errorf("find of action %q: %s gives %s, not a list", action.Key, orDefault(find.Items, DefaultItems), value.Kind(given))
	}
	var found []any
	for _, item := range items {
		scope := Roots{"item": item, "inputs": inputs}
		has, err := eval(find.Match.Item, scope)
		if err != nil {
			return nil, fmt.Errorf("find of action %q: %w", action.Key, err)
		}
		if value.Text(has) != want {
			continue
		}
		result, err := eval(orDefault(find.Result, DefaultFound), scope)
		if err != nil {
			return nil, fmt.Errorf("find of action %q: %w", action.Key, err)
		}
		found = append(found, result)
	}
	return found, nil
}

// PassOn makes the inputs of another action of the same component: those given, and the connection of the action that they come from.
func PassOn(to *Action, raw map[string]any, from Inputs) (Inputs, error) {
	for i := range to.Inputs {
		if f := &to.Inputs[i]; f.Type == ipaas.FieldConnection {
			if c := from.anyConnection(); c != nil {
				raw[f.Key] = c
			}
		}
	}
	in, wrong := Resolve(to.Inputs, raw)
	if len(wrong) > 0 {
		return nil, ipaas.InvalidArgument("the inputs of "+to.Key+" are not valid", wrong...)
	}
	return in, nil
}

func (in Inputs) anyConnection() *Connection {
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if c, ok := in[key].(*Connection); ok && c != nil {
			return c
		}
	}
	return nil
}

// HoldsSecret reports whether an action is given a secret, apart from those of its connection.
func HoldsSecret(action *Action, inputs Inputs) bool {
	return slices.ContainsFunc(action.Inputs, func(f ipaas.InputField) bool { return f.Secret && value.Text(inputs[f.Key]) != "" })
}

func evalAll(templates map[string]string, scope Roots) (map[string]any, error) {
	out := make(map[string]any, len(templates))
	for _, key := range slices.Sorted(maps.Keys(templates)) {
		v, err := eval(templates[key], scope)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", key, err)
		}
		out[key] = v
	}
	return out, nil
}

func eval(template string, scope Roots) (any, error) {
	node, err := expr.Tmpl(template)
	if err != nil {
		return nil, err
	}
	return expr.Eval(node, scope), nil
}

func orDefault(template, otherwise string) string {
	if template == "" {
		return otherwise
	}
	return template
}
