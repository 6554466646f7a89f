package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// StandIns is what a test supplies in place of what actions do: of those that there are not, and of those that it does not want run.
type StandIns interface {
	// Has reports whether there is something for a step. The path of a step that no run has come to is empty. StandIn of the step tells
	// that its action is unknown.
	Has(step Step) bool
	// Next returns it. Each call is one call of the step's action.
	Next(step Step) StandIn
}

// StandIn is what one call of an action comes to.
type StandIn struct {
	Result any
	Branch string // of an action that chooses one
	Error  string // not empty: the step fails with it
}

// unknown reports whether a step's action is one that there is not.
func (s *step) unknown() bool { return s.action == nil && s.def.Action != "" }

// Structural reports whether an action decides which steps run: a branch, a loop, its end, or the end of the flow. Nothing stands in for
// one, or a test would not test the flow.
func Structural(action *component.Action) bool {
	return action != nil && (action.Branches || action.Items != nil || action.Breaks || action.Stops)
}

// standsIn reports whether something stands in for a step's action.
func (s *step) standsIn(given StandIns, at Step) bool {
	at.StandIn = s.unknown()
	return at.StandIn || given != nil && s.def.Action != "" && !Structural(s.action) && given.Has(at)
}

// at is a step of the definition at a place in a run.
func (s *step) at(path string) Step {
	return Step{
		Path: path, ID: s.def.ID, Key: s.key, DisplayName: s.def.DisplayName, Action: s.def.Action,
		Effect: effect(s.action), Quiet: quiet(s.action), Ignores: s.def.OnError.Ignores(),
	}
}

// standIn is what a step comes to whose action is not run.
func (r *runner) standIn(s *step, at Step) Done {
	given := r.run.StandIns
	if given == nil || !given.Has(at) {
		return Done{Error: fmt.Sprintf("%s. In a test, supply what is to stand in for it: a result for the action %s or for this step, or a default result",
			s.missing(), at.Action)}
	}
	next := given.Next(at)
	if next.Error != "" {
		return Done{Error: next.Error}
	}
	data, err := value.FromGo(next.Result)
	if err != nil {
		return Done{Error: fmt.Sprintf("what stands in for %s is no value: %v", at.Action, err)}
	}
	if next.Branch != "" && !s.hasBranch(next.Branch) {
		return Done{Error: fmt.Sprintf("what stands in for %s chooses the branch %q, and the step has %s", at.Action, next.Branch, s.branchNames())}
	}
	if !s.loops() {
		return Done{Result: data, Branch: choose(s, next.Branch)}
	}
	items, ok := data.([]any)
	if !ok {
		return Done{Error: fmt.Sprintf("what stands in for %s is %s: the step has inner steps, give the list of what they run for", at.Action, value.Kind(data))}
	}
	return Done{Decided: true, Items: items}
}

// missing says why a step with an unknown action cannot run.
func (s *step) missing() string {
	if s.broken != "" {
		return s.broken
	}
	return fmt.Sprintf("runs %s, which there is not", s.def.Action)
}

func (s *step) hasBranch(name string) bool {
	for i := range s.def.Branches {
		if s.def.Branches[i].Name == name {
			return true
		}
	}
	return false
}

func (s *step) branchNames() string {
	if len(s.def.Branches) == 0 {
		return "no branches"
	}
	names := make([]string, len(s.def.Branches))
	for i := range s.def.Branches {
		names[i] = s.def.Branches[i].Name
	}
	return strings.Join(names, ", ")
}

// prepareStandIn evaluates the inputs of a step whose action is not run, so that they can be shown. Nothing is declared of those of an
// unknown action; of a known one what is missing does not matter, since nobody asks for it.
func (r *runner) prepareStandIn(s *step, at *Step) []ipaas.Violation {
	if s.action == nil {
		values, large := s.inputs.evaluate(r.scope)
		at.Inputs = values
		return large
	}
	in, wrong := s.inputs.resolve(s.action.Inputs, r.scope)
	at.Inputs = in
	return withoutMissing(wrong)
}

func withoutMissing(wrong []ipaas.Violation) []ipaas.Violation {
	return slices.DeleteFunc(wrong, func(w ipaas.Violation) bool { return w.Reason == ipaas.ReasonRequired })
}

// Obstacles returns what keeps one flow from being tested: its own problems, but neither those of other flows nor those that what
// stands in makes up for. given may be nil.
func (p *Program) Obstacles(flowID string, given StandIns) []ipaas.Violation {
	f := p.byID[flowID]
	if f == nil {
		return nil
	}
	passed := map[string]bool{f.path + ".trigger.type": f.def.Trigger.Type != ""}
	var passedBelow []string
	for _, s := range f.all {
		if s.unknown() {
			passed[s.path+".action"] = true
		}
		if s.standsIn(given, s.at("")) {
			passedBelow = append(passedBelow, s.path+".inputs.")
		}
	}
	if f.trigger == nil {
		passedBelow = append(passedBelow, f.path+".trigger.inputs.")
	}
	variables := p.Needs(flowID, given)
	var left []ipaas.Violation
	for _, problem := range p.problems {
		if passed[problem.Field] || hasPrefix(problem.Field, passedBelow) {
			continue
		}
		if strings.HasPrefix(problem.Field, f.path+".") || p.ofVariable(problem, variables) {
			left = append(left, problem)
		}
	}
	return left
}

func hasPrefix(field string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(field, prefix) {
			return true
		}
	}
	return false
}

// ofVariable reports whether a problem is one of some config variables. That of a connection whose type is unknown is none: it stands
// for itself in a test.
func (p *Program) ofVariable(problem ipaas.Violation, ids map[string]bool) bool {
	for i := range p.def.ConfigVariables {
		if ids[p.def.ConfigVariables[i].ID] && strings.HasPrefix(problem.Field, fmt.Sprintf("configVariables[%d].", i)) {
			return problem.Reason != ipaas.ReasonUnknownConnectionType
		}
	}
	return false
}

// Needs returns the ids of the config variables that a flow names, but for what only steps name whose actions are not run.
func (p *Program) Needs(flowID string, given StandIns) map[string]bool {
	ids := map[string]bool{}
	f := p.byID[flowID]
	if f == nil {
		return ids
	}
	note := func(in inputs) {
		for _, node := range in {
			if node == nil {
				continue
			}
			expr.Walk(node, func(_ string, n expr.Node) {
				if v, ok := n.(*expr.ConfigVariableNode); ok {
					ids[p.variables[v.Name]] = true
				}
			})
		}
	}
	if f.trigger != nil {
		note(f.inputs)
	}
	for _, s := range f.all {
		if !s.standsIn(given, s.at("")) {
			note(s.inputs)
		}
	}
	return ids
}

// Steps returns the steps of a flow, nested ones, too, in the order of the definition. Their paths are empty: no run has come to them.
func (p *Program) Steps(flowID string) []Step {
	f := p.byID[flowID]
	if f == nil {
		return nil
	}
	steps := make([]Step, len(f.all))
	for i, s := range f.all {
		steps[i] = s.at("")
		steps[i].StandIn = s.unknown()
	}
	return steps
}

// Action returns an action as the definition names it, or nil.
func (p *Program) Action(name string) *component.Action {
	_, action := p.registry.Action(name)
	return action
}
