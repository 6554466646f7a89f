package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
)

// Compile makes a definition ready to run. It never fails: whatever keeps the definition from running is among the problems. hash is
// the definition's, and the definition must not change any more.
func Compile(def *ipaas.Definition, hash string, registry component.Registry) *Program {
	p := &Program{
		def: def, hash: hash, registry: registry,
		byID: make(map[string]*flow, len(def.Flows)), variables: make(map[string]string, 2*len(def.ConfigVariables)),
	}
	for i := range slices.Backward(def.ConfigVariables) { // the first of several counts, as in Definition.ConfigVariable
		p.variables[strings.TrimSpace(def.ConfigVariables[i].DisplayName)] = def.ConfigVariables[i].ID
	}
	for i := range def.ConfigVariables {
		p.variables[def.ConfigVariables[i].ID] = def.ConfigVariables[i].ID
	}
	for i := range def.ConfigVariables {
		p.variables[def.ConfigVariables[i].DisplayName] = def.ConfigVariables[i].ID // a display name goes before an id
	}
	c := &check{program: p}
	for i := range def.Flows {
		f := compileFlow(registry, fmt.Sprintf("flows[%d]", i), &def.Flows[i])
		p.flows = append(p.flows, f)
		if p.byID[f.def.ID] == nil {
			p.byID[f.def.ID] = f
		}
	}
	p.endpoint = p.compileEndpoint()
	for _, f := range p.flows {
		c.flow(f)
	}
	c.endpoint()
	c.configVariables()
	c.schedules()
	c.configPages()
	p.problems = c.problems
	return p
}

func compileFlow(registry component.Registry, path string, def *ipaas.Flow) *flow {
	f := &flow{def: def, path: path, key: expr.Key(def.Trigger.DisplayName), inputs: compileInputs(def.Trigger.Inputs), byKey: map[string]*step{}}
	f.keys = compileInputs(eventKeys(def))
	_, f.trigger = registry.Trigger(def.Trigger.Type)
	f.steps = f.compileSteps(registry, path+".steps", def.Steps, nil, inBody)
	f.findLastToSee()
	return f
}

// eventKeys returns the inputs that events of a flow are told apart by, as far as there are any.
func eventKeys(def *ipaas.Flow) map[string]ipaas.Input {
	keys := map[string]ipaas.Input{}
	if def.DeduplicationKey != nil {
		keys[deduplicationKey] = *def.DeduplicationKey
	}
	if def.Ordering != nil && def.Ordering.Key != nil {
		keys[orderingKey] = *def.Ordering.Key
	}
	if def.Retry != nil && def.Retry.RequestKey != nil {
		keys[requestKey] = *def.Retry.RequestKey
	}
	return keys
}

func (f *flow) compileSteps(registry component.Registry, path string, defs []ipaas.Step, parent *step, branch int) []*step {
	steps := make([]*step, len(defs))
	for i := range defs {
		def := &defs[i]
		s := &step{
			def: def, path: fmt.Sprintf("%s[%d]", path, i), key: expr.Key(def.DisplayName), order: len(f.all),
			parent: parent, branch: branch, inputs: compileInputs(def.Inputs),
		}
		s.component, s.action = registry.Action(def.Action)
		f.all = append(f.all, s)
		if f.byKey[s.key] == nil {
			f.byKey[s.key] = s
		}
		for j := range def.Branches {
			at := fmt.Sprintf("%s.branches[%d].steps", s.path, j)
			s.branches = append(s.branches, f.compileSteps(registry, at, def.Branches[j].Steps, s, j))
		}
		s.body = f.compileSteps(registry, s.path+".steps", def.Steps, s, inBody)
		steps[i] = s
	}
	return steps
}

// compileInputs parses inputs. One that does not parse is nil; checking says why.
func compileInputs(defs map[string]ipaas.Input) inputs {
	in := make(inputs, len(defs))
	for key, def := range defs {
		node, err := def.Parse()
		if err != nil {
			node = nil
		}
		in[key] = node
	}
	return in
}

// cut splits component.key.
func cut(name string) (id, key string) {
	id, key, _ = strings.Cut(name, ".")
	return id, key
}
