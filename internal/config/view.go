package config

import (
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// View is a value as it is shown: a secret only as set or not.
type View struct {
	JSON            string
	Typed           bool
	Source          Source
	SecretSet       bool
	SecretInputsSet []string
}

// Source tells where a value comes from.
type Source string

// The sources of values.
const (
	SourceNone     Source = ""
	SourceInstance Source = "INSTANCE"
	SourceDefault  Source = "DEFAULT"
)

// Show returns a value as it is shown: without its secrets.
func Show(v *ipaas.ConfigVariable, stored ipaas.ConfigValue, program *engine.Program) View {
	switch {
	case v.Type == ipaas.ConfigConnection:
		return showConnection(v, stored, program)
	case stored.Sealed != "":
		return View{Source: SourceInstance, SecretSet: true}
	case stored.JSON != "":
		return View{JSON: stored.JSON, Typed: stored.Typed, Source: SourceInstance}
	case v.Default != "":
		return View{JSON: v.Default, Typed: v.DefaultJSON, Source: SourceDefault}
	default:
		return View{}
	}
}

func showConnection(v *ipaas.ConfigVariable, stored ipaas.ConfigValue, program *engine.Program) View {
	view := View{Source: SourceNone}
	shown := value.Obj()
	if d, ok := v.DefaultValue(); ok {
		if o, ok := d.(*value.Object); ok {
			shown, view.Source = o.Clone(), SourceDefault
		}
	}
	_, kind := program.ConnectionType(v.ConnectionType)
	for _, key := range slices.Sorted(maps.Keys(stored.Inputs)) {
		view.Source = SourceInstance
		item := stored.Inputs[key]
		if item.Sealed != "" {
			view.SecretSet = true
			view.SecretInputsSet = append(view.SecretInputsSet, key)
			continue
		}
		if parsed, err := value.Parse([]byte(item.JSON)); err == nil {
			shown.Set(key, parsed)
		}
	}
	if kind != nil {
		for _, f := range kind.Inputs {
			if f.Secret {
				shown.Delete(f.Key) // a default of the variable may not show what the type calls secret
			}
		}
	}
	if view.Source != SourceNone {
		view.JSON = string(value.JSON(shown))
	}
	return view
}
