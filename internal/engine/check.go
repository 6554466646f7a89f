package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// check finds all that is unresolved in a program.
type check struct {
	program     *Program
	problems    []ipaas.Violation
	suggestions int
}

func (c *check) add(path string, reason ipaas.Reason, format string, args ...any) {
	c.problems = append(c.problems, ipaas.Violation{Field: path, Reason: reason, Description: fmt.Sprintf(format, args...)})
}

func (c *check) flow(f *flow) {
	c.trigger(f)
	c.keys(f)
	c.steps(f, f.steps)
}

func (c *check) trigger(f *flow) {
	at, name := f.path+".trigger.type", f.def.Trigger.Type
	p := place{flow: f, path: f.path + ".trigger", given: f.def.Trigger.Inputs, nodes: f.inputs}
	comp, trigger := c.program.registry.Trigger(name)
	switch {
	case name == "":
		c.add(at, ipaas.ReasonRequired, "the flow has no trigger: choose one, e.g. %s", ipaas.TriggerWebhook)
	case comp == nil:
		c.unknownComponent(at, ipaas.ReasonUnknownComponent, "trigger", name)
	case trigger == nil:
		var keys []string
		for i := range comp.Triggers {
			keys = append(keys, comp.Triggers[i].Key)
		}
		_, key := cut(name)
		c.add(at, ipaas.ReasonUnknownTrigger, "component %s has no trigger %q: %s", comp.ID, key, c.wayOut(key, keys, "choose one of another component"))
	default:
		p.component, p.fields, p.known = comp, trigger.Inputs, true
	}
	c.inputs(p)
}

// keys checks what events of a flow are told apart by. Nothing but the trigger has run when they are looked at.
func (c *check) keys(f *flow) {
	given := eventKeys(f.def)
	for _, key := range slices.Sorted(maps.Keys(given)) {
		p := place{flow: f, path: f.path, given: given, nodes: f.keys, event: true}
		c.input(f.path+"."+key, p, nil, given[key], f.keys[key])
	}
}

func (c *check) unknownComponent(at string, reason ipaas.Reason, what, name string) {
	id, _ := cut(name)
	var ids []string
	for _, comp := range c.program.registry.All() {
		ids = append(ids, comp.ID)
	}
	wayOut := "create it, or choose another"
	if meant := ipaas.Nearest(id, ids); meant != "" {
		wayOut = fmt.Sprintf("did you mean %q?", meant)
	}
	c.add(at, reason, "there is no component %q for the %s %q: %s", id, what, name, wayOut)
}

func (c *check) steps(f *flow, steps []*step) {
	for _, s := range steps {
		c.action(s)
		p := place{flow: f, step: s, path: s.path, given: s.def.Inputs, nodes: s.inputs, component: s.component}
		if s.action != nil {
			p.fields, p.known = s.action.Inputs, true
		}
		c.inputs(p)
		c.structure(s)
		for _, branch := range s.branches {
			c.steps(f, branch)
		}
		c.steps(f, s.body)
	}
}

func (c *check) action(s *step) {
	at, name := s.path+".action", s.def.Action
	switch {
	case name == "":
		c.add(at, ipaas.ReasonRequired, "step %q has no action: choose one, e.g. http.httpPost", s.def.DisplayName)
		s.broken = "has no action: choose one"
	case s.component == nil:
		c.unknownComponent(at, ipaas.ReasonUnknownComponent, "action", name)
		s.broken = fmt.Sprintf("runs %s, and there is no such component: create it, or choose another", name)
	case s.action == nil:
		var keys []string
		for i := range s.component.Actions {
			keys = append(keys, s.component.Actions[i].Key)
		}
		_, key := cut(name)
		c.add(at, ipaas.ReasonUnknownAction, "component %s has no action %q: %s", s.component.ID, key, c.wayOut(key, keys, "choose one of another component"))
		s.broken = fmt.Sprintf("runs %s, and its component has no such action: choose another", name)
	}
}

// structure checks what stands inside a step and where the step stands.
func (c *check) structure(s *step) {
	if s.action == nil {
		return
	}
	if len(s.branches) > 0 && !s.action.Branches {
		c.add(s.path+".branches", ipaas.ReasonMisplaced, "step %q has branches, but %s chooses none: remove them, or use an action that branches", s.def.DisplayName, s.def.Action)
	}
	if len(s.body) > 0 && !s.loops() {
		c.add(s.path+".steps", ipaas.ReasonMisplaced, "step %q has inner steps, but %s does not loop: move them out, or use an action that loops", s.def.DisplayName, s.def.Action)
	}
	if s.action.Breaks && enclosingLoop(s) == nil {
		c.add(s.path+".action", ipaas.ReasonMisplaced, "step %q ends a loop, but stands in none: move it into one, or remove it", s.def.DisplayName)
	}
	c.delegate(s)
	c.startedFlow(s)
	if s.action.BranchNames == nil {
		return
	}
	for _, name := range s.action.BranchNames(s.def.Inputs) {
		has := func(b ipaas.Branch) bool { return b.Name == name }
		if name != ipaas.ElseBranch && !slices.ContainsFunc(s.def.Branches, has) {
			c.add(s.path+".branches", ipaas.ReasonRequired, "step %q may choose the branch %q, but has none of that name: add it, or rename what chooses it", s.def.DisplayName, name)
		}
	}
}

// delegate checks what a step has another action do.
func (c *check) delegate(s *step) {
	if s.action.CheckDelegate == nil {
		return
	}
	typeOf := func(name string) string {
		v, _ := c.program.def.ConfigVariable(name)
		if v == nil {
			return ""
		}
		if comp, _ := c.program.ConnectionType(v.ConnectionType); comp == nil {
			return ""
		}
		return v.ConnectionType
	}
	if err := s.action.CheckDelegate(s.def.Inputs, typeOf, c.program.registry); err != nil {
		c.add(s.path+".inputs.action", ipaas.ReasonUnknownAction, "step %q: %v", s.def.DisplayName, err)
	}
}

func enclosingLoop(s *step) *step {
	for ; s.parent != nil; s = s.parent {
		if s.branch == inBody {
			return s.parent
		}
	}
	return nil
}

func (c *check) configVariables() {
	for i := range c.program.def.ConfigVariables {
		v, path := &c.program.def.ConfigVariables[i], fmt.Sprintf("configVariables[%d]", i)
		kind := c.connectionType(path, v)
		if v.Default == "" {
			continue
		}
		at := path + "." + v.DefaultField()
		d, err := value.Parse([]byte(v.Default))
		if err != nil {
			c.add(at, ipaas.ReasonMalformed, "the default of config variable %q is not JSON: %v", v.DisplayName, err)
			continue
		}
		for _, wrong := range v.Check(d) {
			c.add(at+wrong.Field, wrong.Reason, "the default of %s", wrong.Description)
		}
		if o, ok := d.(*value.Object); ok && kind != nil {
			c.connectionDefault(at, v, kind, o)
		}
	}
}

// connectionType returns the connection type of a config variable that has a known one.
func (c *check) connectionType(path string, v *ipaas.ConfigVariable) *ipaas.ConnectionType {
	if v.Type != ipaas.ConfigConnection || v.ConnectionType == "" {
		return nil
	}
	comp, kind := c.program.ConnectionType(v.ConnectionType)
	if kind != nil {
		return kind
	}
	if comp == nil {
		c.unknownComponent(path+".connectionType", ipaas.ReasonUnknownConnectionType, "connection type", v.ConnectionType)
		return nil
	}
	var keys []string
	for i := range comp.ConnectionTypes {
		keys = append(keys, comp.ConnectionTypes[i].Key)
	}
	_, key := cut(v.ConnectionType)
	c.add(path+".connectionType", ipaas.ReasonUnknownConnectionType, "component %s has no connection type %q: %s",
		comp.ID, key, c.wayOut(key, keys, "choose one of another component"))
	return nil
}

// connectionDefault checks a default of a connection, which may give some of its inputs, but no secret ones: a definition is
// read by everybody.
func (c *check) connectionDefault(at string, v *ipaas.ConfigVariable, kind *ipaas.ConnectionType, d *value.Object) {
	var keys []string
	for i := range kind.Inputs {
		keys = append(keys, kind.Inputs[i].Key)
	}
	for key, item := range d.All() {
		field := ipaas.Field(kind.Inputs, key)
		if field == nil {
			c.add(at+"."+key, ipaas.ReasonUnknownInput, "connection type %s of config variable %q has no input %q: %s",
				v.ConnectionType, v.DisplayName, key, c.wayOut(key, keys, "remove it"))
			continue
		}
		if field.Secret {
			c.add(at+"."+key, ipaas.ReasonMisplaced, "input %q of config variable %q is a secret, and a secret has no default: remove it, and set it in each instance", key, v.DisplayName)
			continue
		}
		optional := *field
		optional.Required = false
		_, wrong := component.Resolve([]ipaas.InputField{optional}, map[string]any{key: item})
		for _, w := range wrong {
			c.add(at+"."+key, w.Reason, "the default of input %q of config variable %q %s", key, v.DisplayName, w.Description)
		}
	}
}

func (c *check) configPages() {
	for i := range c.program.def.ConfigPages {
		for j, e := range c.program.def.ConfigPages[i].Elements {
			if e.ConfigVariable == "" {
				continue
			}
			if v, _ := c.program.def.ConfigVariable(e.ConfigVariable); v == nil {
				c.unknownVariable(fmt.Sprintf("configPages[%d].elements[%d].configVariable", i, j), "the page shows", e.ConfigVariable)
			}
		}
	}
}

func (c *check) unknownVariable(at, who, name string) {
	var names []string
	for i := range c.program.def.ConfigVariables {
		names = append(names, c.program.def.ConfigVariables[i].DisplayName)
	}
	c.add(at, ipaas.ReasonUnknownConfigVariable, "%s the config variable %q, which does not exist: %s", who, name, c.wayOut(name, names, "add it"))
}

// sentence makes one of what a rule says about something: it goes on where "x" ends.
func sentence(what, rest string) string { return what + " " + strings.TrimSpace(rest) }
