package catalogue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// FitForeign makes a definition that was written elsewhere fit the components that are known here, in their latest versions. Secrets come
// out of it, and inputs that those components do not have. What was taken out is returned, and what was put in another way: words that are
// a choice but for upper and lower case, and the types of the connections in guessed, by display name, of which the definition does not say
// what they are.
func (c *Catalogue) FitForeign(ctx context.Context, def *ipaas.Definition, guessed []string) (removed, changed []ipaas.Violation, err error) {
	registry, err := c.latest(ctx, def)
	if err != nil {
		return nil, nil, err
	}
	given := make([]bool, len(def.ConfigVariables))
	for i := range def.ConfigVariables {
		given[i] = def.ConfigVariables[i].Default != ""
	}
	f := &fitting{registry: registry, removed: def.RemoveSecrets(secretFields{registry})}
	for i := range def.Flows {
		flow, path := &def.Flows[i], fmt.Sprintf("flows[%d]", i)
		if _, t := registry.Trigger(flow.Trigger.Type); t != nil {
			flow.Trigger.Inputs = f.inputs(path+".trigger", flow.Trigger.Type, t.Inputs, flow.Trigger.Inputs)
		}
		f.steps(path+".steps", flow.Steps, 1)
	}
	for i := range def.ConfigVariables {
		v, path := &def.ConfigVariables[i], fmt.Sprintf("configVariables[%d]", i)
		f.connection(path, v)
		if slices.Contains(guessed, v.DisplayName) {
			f.guess(path, v)
		}
		if given[i] && v.Default == "" {
			v.Required = true // nothing is left of what it began with
		}
	}
	return f.removed, f.changed, nil
}

// RemoveSecrets takes out of a definition what is a secret by the components it uses, in their latest versions, or looks like one.
func (c *Catalogue) RemoveSecrets(ctx context.Context, def *ipaas.Definition) ([]ipaas.Violation, error) {
	registry, err := c.latest(ctx, def)
	if err != nil {
		return nil, err
	}
	return def.RemoveSecrets(secretFields{registry}), nil
}

// latest returns the components that a definition uses in their latest versions, as far as they are known.
func (c *Catalogue) latest(ctx context.Context, def *ipaas.Definition) (component.Registry, error) {
	used, err := c.declarative(ctx, usedComponents(def), nil)
	registry := c.builtins
	for _, u := range used {
		registry = registry.With(u.Component)
	}
	return registry, err
}

// fitting takes inputs out that nobody has.
type fitting struct {
	registry component.Registry
	removed  []ipaas.Violation
	changed  []ipaas.Violation
}

func (f *fitting) steps(path string, steps []ipaas.Step, depth int) {
	if depth > ipaas.MaxStepDepth {
		return // Validate refuses them
	}
	for i := range steps {
		s, at := &steps[i], fmt.Sprintf("%s[%d]", path, i)
		if _, a := f.registry.Action(s.Action); a != nil {
			s.Inputs = f.inputs(at, s.Action, a.Inputs, s.Inputs)
		}
		for j := range s.Branches {
			f.steps(fmt.Sprintf("%s.branches[%d].steps", at, j), s.Branches[j].Steps, depth+1)
		}
		f.steps(at+".steps", s.Steps, depth+1)
	}
}

func (f *fitting) inputs(path, of string, fields []ipaas.InputField, given map[string]ipaas.Input) map[string]ipaas.Input {
	for i := range fields {
		f.choice(path+".inputs."+fields[i].Key, &fields[i], given)
	}
	var kept map[string]ipaas.Input
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if ipaas.Field(fields, key) != nil {
			continue
		}
		if kept == nil {
			kept = maps.Clone(given)
		}
		delete(kept, key)
		f.add(path+".inputs."+key, of, key)
	}
	if kept == nil {
		return given
	}
	return kept
}

func (f *fitting) add(path, of, key string) {
	f.removed = append(f.removed, ipaas.Violation{
		Field: path, Reason: ipaas.ReasonUnknownInput, Description: fmt.Sprintf("%s has no input %q here", of, key),
	})
}

// choice spells a word as the choices of its field do.
func (f *fitting) choice(path string, field *ipaas.InputField, given map[string]ipaas.Input) {
	in := given[field.Key]
	if len(field.Choices) == 0 || in.Kind != ipaas.InputValue {
		return
	}
	v, err := value.Parse([]byte(in.Text))
	word, ok := v.(string)
	if err != nil || !ok || slices.Contains(field.Choices, word) {
		return
	}
	for _, choice := range field.Choices {
		if strings.EqualFold(choice, word) {
			in.Text = string(value.JSON(choice))
			given[field.Key] = in
			f.changed = append(f.changed, ipaas.Violation{Field: path, Reason: ipaas.ReasonNotAChoice, Description: fmt.Sprintf("%q is spelled %q here", word, choice)})
			return
		}
	}
}

// guess gives a connection, of which nobody said how it signs in, the first type that its component has.
func (f *fitting) guess(path string, v *ipaas.ConfigVariable) {
	id, key, _ := strings.Cut(v.ConnectionType, ".")
	comp := f.registry.Component(id)
	if comp == nil || len(comp.ConnectionTypes) == 0 || slices.ContainsFunc(comp.ConnectionTypes, func(t ipaas.ConnectionType) bool { return t.Key == key }) {
		return
	}
	v.ConnectionType = id + "." + comp.ConnectionTypes[0].Key
	f.changed = append(f.changed, ipaas.Violation{
		Field: path + ".connectionType", Reason: ipaas.ReasonUnknownConnectionType,
		Description: fmt.Sprintf("%s has no connection type %q: %s is taken; change it if that is not how it signs in", id, key, v.ConnectionType),
	})
}

func (f *fitting) connection(path string, v *ipaas.ConfigVariable) {
	given, _ := v.DefaultValue()
	inputs, ok := given.(*value.Object)
	kind := secretFields{f.registry}.connectionType(v.ConnectionType)
	if v.Type != ipaas.ConfigConnection || !ok || kind == nil {
		return
	}
	kept := value.Obj()
	for key, one := range inputs.All() {
		if ipaas.Field(kind.Inputs, key) == nil {
			f.add(path+"."+v.DefaultField()+"."+key, v.ConnectionType, key)
			continue
		}
		kept.Set(key, one)
	}
	switch {
	case kept.Len() == 0:
		v.Default = ""
	case kept.Len() < inputs.Len():
		v.Default = string(value.JSON(kept))
	}
}
