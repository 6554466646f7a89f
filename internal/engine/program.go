package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// Program is a definition made ready to run with the components it uses. It never changes and may be used by many at once.
type Program struct {
	def       *ipaas.Definition
	hash      string
	registry  component.Registry
	flows     []*flow
	byID      map[string]*flow
	variables map[string]string // ids of config variables by all they may be called
	endpoint  *endpoint
	problems  []ipaas.Violation
}

// flow is a flow made ready to run.
type flow struct {
	def     *ipaas.Flow
	path    string             // in the definition, e.g. flows[2]
	key     string             // of the trigger's display name
	trigger *component.Trigger // nil: unknown
	inputs  inputs             // of the trigger
	keys    inputs             // of its events, by where they stand in the definition
	steps   []*step
	all     []*step // nested ones, too, in the order of the document
	byKey   map[string]*step
}

// step is a step made ready to run.
type step struct {
	def       *ipaas.Step
	path      string // in the definition, e.g. flows[2].steps[0]
	key       string
	order     int   // place in the document
	parent    *step // the step it stands in; nil: the flow itself
	branch    int   // which of the parent's branches; inBody: its loop
	component *component.Component
	action    *component.Action // nil: unknown
	inputs    inputs
	branches  [][]*step
	body      []*step
	broken    string // why it cannot run; empty: it can

	lastToSee []*step // no step after it sees the results of these
}

// inBody is the branch of steps that stand in the body of a loop.
const inBody = -1

// loops reports whether a step runs its inner steps once for each of some items. What an action does that there is not, is told by what
// stands in the step.
func (s *step) loops() bool {
	return s.action != nil && s.action.Items != nil || s.unknown() && len(s.body) > 0
}

// inputs is the parsed inputs of a step or a trigger, by key.
type inputs map[string]expr.Node

// resolve evaluates the inputs and checks them against what is declared.
func (in inputs) resolve(fields []ipaas.InputField, scope expr.Scope) (component.Inputs, []ipaas.Violation) {
	values, large := in.evaluate(scope)
	if len(large) > 0 {
		return nil, large
	}
	return component.Resolve(fields, values)
}

// evaluate evaluates the inputs as they are given.
func (in inputs) evaluate(scope expr.Scope) (map[string]any, []ipaas.Violation) {
	values := make(map[string]any, len(in))
	var large []ipaas.Violation
	left := maxInputs
	for _, key := range slices.Sorted(maps.Keys(in)) {
		node := in[key]
		if node == nil {
			continue
		}
		v, err := expr.EvalWithin(node, scope, maxInput)
		if err != nil {
			large = append(large, ipaas.Violation{
				Field: "inputs." + key, Reason: ipaas.ReasonTooLarge,
				Description: fmt.Sprintf("would be a text of more than %d bytes: take less into its templates", maxInput),
			})
			continue
		}
		if left -= value.Size(v, left); left < 0 {
			return nil, append(large, ipaas.Violation{
				Field: "inputs." + key, Reason: ipaas.ReasonTooLarge,
				Description: fmt.Sprintf("would make the inputs larger than %d MiB together: give less", maxInputs>>20),
			})
		}
		values[key] = v
	}
	return values, large
}

// The bounds of inputs. maxInput is of the text that the templates of one input make: a short template can repeat a large payload many
// times. maxInputs is of all inputs of a step as value.Size has it: lists and objects can do the same, and a few steps that put what the
// one before gave twice into theirs make gigabytes.
const (
	maxInput  = 32 << 20
	maxInputs = 64 << 20
)

// Definition returns what the program was made of. It must not be changed.
func (p *Program) Definition() *ipaas.Definition { return p.def }

// Hash returns the hash of the definition.
func (p *Program) Hash() string { return p.hash }

// Problems returns all that is unresolved and must be mended before the definition can run, in the order of the document.
func (p *Program) Problems() []ipaas.Violation { return slices.Clone(p.problems) }

// Flow returns the flow with an id, or nil. It must not be changed.
func (p *Program) Flow(id string) *ipaas.Flow {
	if f := p.byID[id]; f != nil {
		return f.def
	}
	return nil
}

// FlowsByTrigger returns the flows with a type of trigger, in the order of the definition.
func (p *Program) FlowsByTrigger(triggerType string) []*ipaas.Flow {
	var flows []*ipaas.Flow
	for _, f := range p.flows {
		if f.def.Trigger.Type == triggerType {
			flows = append(flows, f.def)
		}
	}
	return flows
}

// Trigger returns the trigger of a flow, or nil if the flow or the trigger is unknown.
func (p *Program) Trigger(flowID string) *component.Trigger {
	if f := p.byID[flowID]; f != nil {
		return f.trigger
	}
	return nil
}

// TriggerInputs evaluates the inputs of a flow's trigger with nothing but config values, since no step has run yet. config holds
// resolved values by config variable id. What is wrong comes with the path in the definition.
func (p *Program) TriggerInputs(flowID string, config map[string]any) (component.Inputs, []ipaas.Violation) {
	f := p.byID[flowID]
	if f == nil || f.trigger == nil {
		return nil, []ipaas.Violation{{Field: "flows", Reason: ipaas.ReasonUnknownTrigger, Description: "there is no flow " + flowID + " with a known trigger"}}
	}
	in, wrong := f.inputs.resolve(f.trigger.Inputs, &scope{program: p, config: config})
	for i := range wrong {
		wrong[i].Field = f.path + ".trigger." + wrong[i].Field
	}
	return in, wrong
}

// EventKeys is what an event is told from others by; empty: it is not.
type EventKeys struct{ Deduplication, Ordering, Request string }

// The keys of a flow's events, as they stand in a definition.
const (
	deduplicationKey = "deduplicationKey"
	orderingKey      = "ordering.key"
	requestKey       = "retry.requestKey"
)

// EventKeys evaluates the keys of an event with the trigger's results and config values: no step has run yet. What is wrong comes with
// the path in the definition.
func (p *Program) EventKeys(flowID string, trigger *value.Object, config map[string]any) (EventKeys, []ipaas.Violation) {
	f := p.byID[flowID]
	if f == nil {
		return EventKeys{}, nil
	}
	s := newScope(Run{Program: p, Trigger: trigger, Config: config}, f)
	var wrong []ipaas.Violation
	eval := func(key string) string {
		node := f.keys[key]
		if node == nil {
			return ""
		}
		v, err := expr.EvalWithin(node, s, maxInput)
		if err != nil {
			wrong = append(wrong, ipaas.Violation{
				Field: f.path + "." + key, Reason: ipaas.ReasonTooLarge, Description: fmt.Sprintf("would be a text of more than %d bytes", maxInput),
			})
			return ""
		}
		return keyText(v)
	}
	return EventKeys{Deduplication: eval(deduplicationKey), Ordering: eval(orderingKey), Request: eval(requestKey)}, wrong
}

// keyText returns the text by which a value tells events apart.
func keyText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return string(value.Canonical(v))
	}
}

// Creations returns the ids of a flow's steps that create remote objects which can be removed again, in the order of the definition.
func (p *Program) Creations(flowID string) []string {
	f := p.byID[flowID]
	if f == nil {
		return nil
	}
	var ids []string
	for _, s := range f.all {
		if s.action != nil && (s.action.Undo != nil || s.action.Delegate != nil) {
			ids = append(ids, s.def.ID)
		}
	}
	return ids
}

// ConnectionType returns the connection type that a config variable names as component.connectionType, with its component; nil for
// what is unknown.
func (p *Program) ConnectionType(name string) (*component.Component, *ipaas.ConnectionType) {
	id, key := cut(name)
	c := p.registry.Component(id)
	if c == nil {
		return nil, nil
	}
	return c, c.ConnectionType(key)
}
