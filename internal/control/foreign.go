package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// FitForeign makes a definition that was written elsewhere fit the components that are known here, in their latest versions. Secrets come
// out of it, and inputs that those components do not have: all of a trigger and of a connection's default, and of an action those that
// hold nothing. Others of an action may be what a flow is about, so that they stay and are problems of the draft. What was taken out
// is returned.
func (p *Plane) FitForeign(ctx context.Context, def *ipaas.Definition) ([]ipaas.Violation, error) {
	registry, err := p.catalogue.latest(ctx, def)
	if err != nil {
		return nil, err
	}
	f := &fitting{registry: registry, removed: def.RemoveSecrets(secretFields{registry})}
	for i := range def.Flows {
		flow, path := &def.Flows[i], fmt.Sprintf("flows[%d]", i)
		if _, t := registry.Trigger(flow.Trigger.Type); t != nil {
			flow.Trigger.Inputs = f.inputs(path+".trigger", flow.Trigger.Type, t.Inputs, flow.Trigger.Inputs, func(ipaas.Input) bool { return true })
		}
		f.steps(path+".steps", flow.Steps, 1)
	}
	for i := range def.ConfigVariables {
		f.connection(fmt.Sprintf("configVariables[%d]", i), &def.ConfigVariables[i])
	}
	return f.removed, nil
}

// RemoveSecrets takes out of a definition what is a secret by the components it uses, in their latest versions, or looks like one.
func (p *Plane) RemoveSecrets(ctx context.Context, def *ipaas.Definition) ([]ipaas.Violation, error) {
	registry, err := p.catalogue.latest(ctx, def)
	if err != nil {
		return nil, err
	}
	return def.RemoveSecrets(secretFields{registry}), nil
}

// latest returns the components that a definition uses in their latest versions, as far as they are known.
func (c *catalogue) latest(ctx context.Context, def *ipaas.Definition) (component.Registry, error) {
	registry := c.builtins
	for _, id := range usedComponents(def) {
		found, err := c.component(ctx, id, latestVersion)
		if errors.Is(err, ipaas.NotFound) {
			continue
		}
		if err != nil {
			return registry, fmt.Errorf("component %s: %w", id, err)
		}
		registry = registry.With(found)
	}
	return registry, nil
}

// fitting takes inputs out that nobody has.
type fitting struct {
	registry component.Registry
	removed  []ipaas.Violation
}

func (f *fitting) steps(path string, steps []ipaas.Step, depth int) {
	if depth > ipaas.MaxStepDepth {
		return // Validate refuses them
	}
	for i := range steps {
		s, at := &steps[i], fmt.Sprintf("%s[%d]", path, i)
		if _, a := f.registry.Action(s.Action); a != nil {
			s.Inputs = f.inputs(at, s.Action, a.Inputs, s.Inputs, holdsNothing)
		}
		for j := range s.Branches {
			f.steps(fmt.Sprintf("%s.branches[%d].steps", at, j), s.Branches[j].Steps, depth+1)
		}
		f.steps(at+".steps", s.Steps, depth+1)
	}
}

func (f *fitting) inputs(path, of string, fields []ipaas.InputField, given map[string]ipaas.Input, idle func(ipaas.Input) bool) map[string]ipaas.Input {
	var kept map[string]ipaas.Input
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if ipaas.Field(fields, key) != nil || !idle(given[key]) {
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

// holdsNothing reports whether an input is what a form leaves where nothing was filled in.
func holdsNothing(in ipaas.Input) bool {
	switch in.Kind {
	case ipaas.InputValue, ipaas.InputJSON:
		return in.Text == `""` || in.Text == "null" || in.Text == "[]" || in.Text == "{}"
	case ipaas.InputComplex:
		return len(in.Items) == 0
	default:
		return false
	}
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
