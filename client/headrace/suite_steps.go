package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// flowSteps are the steps of a flow, those inside others among them, in the order of the definition.
type flowSteps []*headracev1.Step

// steps returns the steps of a flow of the draft.
func (s *stage) steps(ctx context.Context, flowID string) (flowSteps, error) {
	res, err := s.client.Flows.GetFlow(ctx, &headracev1.GetFlowRequest{IntegrationId: s.integration, FlowId: flowID})
	if err != nil {
		return nil, err
	}
	return allSteps(res.GetFlow().GetSteps()), nil
}

func allSteps(steps []*headracev1.Step) flowSteps {
	var out flowSteps
	for _, step := range steps {
		out = append(out, step)
		out = append(out, allSteps(step.GetSteps())...)
		for _, b := range step.GetBranches() {
			out = append(out, allSteps(b.GetSteps())...)
		}
	}
	return out
}

// rounds is the rounds of loops in the path of a step.
var rounds = regexp.MustCompile(`\[\d+\]`)

// has reports whether a name is the id or the display name of a step, or a path that ends with a step.
func (all flowSteps) has(name string) bool {
	path := strings.Split(rounds.ReplaceAllString(name, ""), ".")
	for _, step := range all {
		if name == step.GetId() || name == step.GetDisplayName() || path[len(path)-1] == step.GetId() {
			return true
		}
	}
	return false
}

// knows refuses what is expected of a step that there is not: it would be said not to have run, and that could be what was expected.
func (all flowSteps) knows(flow string, e *expectation) error {
	var wrong []string
	check := func(where, name string) {
		if name == "" || all.has(name) {
			return
		}
		var names []string
		for _, step := range all {
			names = append(names, step.GetDisplayName())
		}
		has := "it has none"
		if len(names) > 0 {
			has = "it has " + strings.Join(names, ", ")
		}
		wrong = append(wrong, fmt.Sprintf("expect.%s: flow %s has no step %q: %s", where, flow, name, has))
	}
	for i := range e.steps {
		check(join("steps", e.steps[i].name), e.steps[i].name)
	}
	for i, name := range e.order {
		check(fmt.Sprintf("order[%d]", i), name)
	}
	for i := range e.requests {
		check(fmt.Sprintf("requests[%d].step", i), e.requests[i].step)
	}
	for i := range e.some {
		check(fmt.Sprintf("requestsInclude[%d].step", i), e.some[i].step)
	}
	for i := range e.logs {
		check(fmt.Sprintf("logs[%d].step", i), e.logs[i].step)
	}
	if len(wrong) > 0 {
		return usage("%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// about returns those of a file's results that are about the flow: others are for other flows of the file.
func (all flowSteps) about(shared []*headracev1.CannedResult) []*headracev1.CannedResult {
	var out []*headracev1.CannedResult
	for _, r := range shared {
		if r.GetAction() != "" && all.runs(r.GetAction()) || r.GetStep() != "" && all.has(r.GetStep()) {
			out = append(out, r)
		}
	}
	return out
}

func (all flowSteps) runs(action string) bool {
	for _, step := range all {
		if step.GetAction() == action {
			return true
		}
	}
	return false
}
