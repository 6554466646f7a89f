package component

import (
	"fmt"

	"github.com/headrace/headrace/internal/value"
)

// Inputs is the resolved inputs of a step, a trigger or an undo, by key. The engine has filled in defaults and checked types, so
// an accessor of a declared input only returns the zero value where the step left an optional one out.
type Inputs map[string]any

// Connection is how to sign in to a system: the value of an input of type CONNECTION.
type Connection struct {
	Type           string        // component.connectionType
	ConfigVariable string        // id of the config variable it comes from
	Inputs         *value.Object // what the customer entered, secrets in clear
	Public         *value.Object // the inputs that are not secret
}

// Value returns an input as it is, or nil.
func (in Inputs) Value(key string) any { return in[key] }

// Text returns an input as text: what value.Text makes of it.
func (in Inputs) Text(key string) string { return value.Text(in[key]) }

// Bool returns an input of type BOOLEAN.
func (in Inputs) Bool(key string) bool {
	b, _ := in[key].(bool)
	return b
}

// Int returns an input of type NUMBER as a whole number; the error names the input.
func (in Inputs) Int(key string) (int, error) {
	n, ok := in[key].(value.Number)
	if !ok {
		if in[key] == nil {
			return 0, nil
		}
		return 0, fmt.Errorf("input %q is %s: give a whole number", key, value.Kind(in[key]))
	}
	i, ok := n.Int64()
	if !ok {
		return 0, fmt.Errorf("input %q is %s: give a whole number", key, n)
	}
	return int(i), nil
}

// List returns an input of collection LIST.
func (in Inputs) List(key string) []any {
	list, _ := in[key].([]any)
	return list
}

// Pairs returns an input of collection KEY_VALUE_LIST in its order.
func (in Inputs) Pairs(key string) []Pair {
	pairs, _ := in[key].([]Pair)
	return pairs
}

// Connection returns an input of type CONNECTION, or nil.
func (in Inputs) Connection(key string) *Connection {
	c, _ := in[key].(*Connection)
	return c
}

// Pair is an item of a key/value list.
type Pair struct {
	Key   string
	Value any
}

// PairsObject returns a key/value list as an object. Of pairs with the same key the last one counts.
func PairsObject(pairs []Pair) *value.Object {
	o := value.Obj()
	for _, p := range pairs {
		o.Set(p.Key, p.Value)
	}
	return o
}
