package component

import (
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/value"
)

// Roots is the scope of a template that knows no steps, only a few names: `inputs`, `connection`, `response`, `result`.
type Roots map[string]any

// Step returns what a name stands for.
func (r Roots) Step(key string) (any, bool) {
	v, ok := r[key]
	return v, ok
}

// ConfigVariable returns nothing: these templates know no config variables.
func (r Roots) ConfigVariable(string) (any, bool) { return nil, false }

// Object returns the inputs as one value. Connections are left out: they are no values, and what they hold is not to be seen.
func (in Inputs) Object() *value.Object {
	o := value.Obj()
	for _, key := range slices.Sorted(maps.Keys(in)) {
		switch v := in[key].(type) {
		case *Connection:
		case []Pair:
			o.Set(key, PairsObject(v))
		default:
			o.Set(key, v)
		}
	}
	return o
}
