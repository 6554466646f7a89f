// Package rehearsal puts something in place of the world when a flow is tested: results in place of what actions do, and recorded answers
// in place of other systems. It must not know how the test runs, nor what becomes of it.
package rehearsal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// Rehearsal is what a test is given in place of the world. The zero value is nothing: the flow runs as it would.
type Rehearsal struct {
	Results   []ipaas.CannedResult // in place of what actions do
	Default   string               // JSON; what stands in for unknown actions that have no result of their own; "": nothing
	Exchanges []ipaas.Exchange     // that requests are answered from; with some the test is offline
	Offline   bool                 // no request leaves
	Record    bool                 // the requests made are returned with their answers
}

// Isolated reports whether no request leaves.
func (r *Rehearsal) Isolated() bool { return r.Offline || len(r.Exchanges) > 0 }

// Supplies reports whether something is to stand in for actions.
func (r *Rehearsal) Supplies() bool { return len(r.Results) > 0 || r.Default != "" }

// StandIns is what a rehearsal supplies for the actions of one run. Of results for a path, a step and an action the first of these
// counts; those for the same are given call by call, and the last of them for all further calls.
type StandIns struct {
	given    map[string]bool // a rehearsal's own results, by what they are for
	fallback *engine.StandIn

	mu    sync.Mutex
	queue map[string][]engine.StandIn
}

// What a result is for, as a key of StandIns.
func forPath(path string) string   { return "path " + path }
func forStep(id string) string     { return "step " + id }
func forAction(name string) string { return "action " + name }

// Has implements engine.StandIns.
func (s *StandIns) Has(at engine.Step) bool {
	return s.find(at) != "" || at.StandIn && s.fallback != nil
}

func (s *StandIns) find(at engine.Step) string {
	for _, key := range []string{forPath(at.Path), forStep(at.ID), forAction(at.Action)} {
		if s.given[key] {
			return key
		}
	}
	return ""
}

// Next implements engine.StandIns.
func (s *StandIns) Next(at engine.Step) engine.StandIn {
	key := s.find(at)
	if key == "" {
		return *s.fallback
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.queue[key][0]
	if len(s.queue[key]) > 1 {
		s.queue[key] = s.queue[key][1:]
	}
	return next
}

// StandIns returns what a rehearsal supplies for a flow, or all that is wrong with it.
func (r *Rehearsal) StandIns(program *engine.Program, flowID string) (*StandIns, []ipaas.Violation) {
	s := &StandIns{given: map[string]bool{}, queue: map[string][]engine.StandIn{}}
	var wrong []ipaas.Violation
	if r.Default != "" {
		v, err := value.Parse([]byte(r.Default))
		if err != nil {
			wrong = append(wrong, ipaas.Violation{Field: "defaultResult", Reason: ipaas.ReasonMalformed, Description: "is not JSON: " + err.Error()})
		}
		s.fallback = &engine.StandIn{Result: v}
	}
	steps := program.Steps(flowID)
	for i := range r.Results {
		given := &r.Results[i]
		key, bad := place(program, steps, given)
		next := engine.StandIn{Branch: given.Branch, Error: given.Error}
		if given.Result != "" {
			var err error
			if next.Result, err = value.Parse([]byte(given.Result)); err != nil {
				bad = append(bad, ipaas.Violation{Field: "result", Reason: ipaas.ReasonMalformed, Description: "is not JSON: " + err.Error()})
			}
		}
		if given.Error != "" && (given.Result != "" || given.Branch != "") {
			bad = append(bad, ipaas.Violation{Field: "error", Reason: ipaas.ReasonMisplaced, Description: "stands beside a result: a step that fails has none, give one of them"})
		}
		for _, b := range bad {
			b.Field = fmt.Sprintf("stepResults[%d].%s", i, b.Field)
			wrong = append(wrong, b)
		}
		s.given[key] = true
		s.queue[key] = append(s.queue[key], next)
	}
	return s, wrong
}

var stepPath = regexp.MustCompile(`^(?:[a-z0-9-]+(?:\[[0-9]+\])?\.)*([a-z0-9-]+)$`)

// place returns what a canned result is for.
func place(program *engine.Program, steps []engine.Step, given *ipaas.CannedResult) (string, []ipaas.Violation) {
	switch {
	case (given.Action == "") == (given.Step == ""):
		return "", []ipaas.Violation{{Field: "step", Reason: ipaas.ReasonRequired, Description: "is not told, or more than one thing is: give a step or an action that this is the result of"}}
	case given.Action != "":
		if !slices.ContainsFunc(steps, func(s engine.Step) bool { return s.Action == given.Action }) {
			return "", unknownTarget("action", ipaas.ReasonUnknownAction, fmt.Sprintf("%q is an action that no step of the flow runs", given.Action), given.Action,
				names(steps, func(s engine.Step) []string { return []string{s.Action} }))
		}
		return forAction(given.Action), structural(program, "action", given.Action)
	}
	i := findStep(steps, given.Step)
	if i < 0 {
		return "", unknownTarget("step", ipaas.ReasonUnknownStep, fmt.Sprintf("%q is neither the id, the key, the name nor the path of a step of the flow", given.Step), given.Step,
			names(steps, func(s engine.Step) []string { return []string{s.ID, s.DisplayName} }))
	}
	key := forStep(steps[i].ID)
	if strings.ContainsAny(given.Step, "[") && given.Step != steps[i].DisplayName {
		key = forPath(given.Step)
	}
	return key, structural(program, "step", steps[i].Action)
}

func names(steps []engine.Step, of func(engine.Step) []string) []string {
	var out []string
	for _, s := range steps {
		for _, name := range of(s) {
			if name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// findStep returns the place of a step by its id, its name, its key or its path with loop rounds; -1 if there is none.
func findStep(steps []engine.Step, name string) int {
	for _, same := range []func(engine.Step) bool{
		func(s engine.Step) bool { return s.ID == name },
		func(s engine.Step) bool { return s.DisplayName == name },
		func(s engine.Step) bool { return s.Key == name },
	} {
		if i := slices.IndexFunc(steps, same); i >= 0 {
			return i
		}
	}
	found := stepPath.FindStringSubmatch(name)
	if found == nil {
		return -1
	}
	return slices.IndexFunc(steps, func(s engine.Step) bool { return s.ID == found[1] })
}

func unknownTarget(field string, reason ipaas.Reason, what, name string, known []string) []ipaas.Violation {
	wayOut := "it has no steps"
	if meant := ipaas.Nearest(name, known); meant != "" {
		wayOut = fmt.Sprintf("did you mean %q?", meant)
	} else if len(known) > 0 {
		const most = 20
		wayOut = "there are " + strings.Join(known[:min(len(known), most)], ", ")
	}
	return []ipaas.Violation{{Field: field, Reason: reason, Description: what + ": " + wayOut}}
}

func structural(program *engine.Program, field, action string) []ipaas.Violation {
	if !engine.Structural(program.Action(action)) {
		return nil
	}
	return []ipaas.Violation{{
		Field: field, Reason: ipaas.ReasonMisplaced,
		Description: fmt.Sprintf("runs %s, which decides which steps run, and nothing stands in for that: give results for the steps it decides by", action),
	}}
}
