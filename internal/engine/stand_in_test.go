package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
)

// supplies gives the same for every step whose id it has, and notes the calls.
type supplies struct {
	byID  map[string]engine.StandIn
	calls []string
}

func (s *supplies) Has(step engine.Step) bool {
	_, ok := s.byID[step.ID]
	return ok
}

func (s *supplies) Next(step engine.Step) engine.StandIn {
	s.calls = append(s.calls, step.Path)
	return s.byID[step.ID]
}

// standInDefinition has what is known, unknown and broken.
func standInDefinition() *ipaas.Definition {
	def := definition(
		ipaas.Flow{DisplayName: "Flow", Steps: []ipaas.Step{
			step("Need", "tools.need", "text", config("Base URL")),
			step("Far", "far.away", "connection", config("Acme"), "text", config("Secret"), "of", ref("need.results")),
			loop("Each", ref("far.results"), step("Fail", "tools.fail", "message", ref("each.currentItem"))),
		}},
		ipaas.Flow{DisplayName: "Other", Trigger: ipaas.Trigger{Type: "far.event"}, Steps: []ipaas.Step{step("Odd", "tools.echo", "odd", ref("nothing"))}},
	)
	return def
}

func compiled(def *ipaas.Definition) *engine.Program {
	return engine.Compile(def, def.Hash(), registry())
}

func TestStandIns(t *testing.T) {
	t.Parallel()
	p := compiled(standInDefinition())
	given := &supplies{byID: map[string]engine.StandIn{
		"need": {Result: 7}, "far": {Result: []any{"a", "b"}}, "fail": {Result: "well"}, "each": {Result: "never asked for"},
	}}
	h := newRecorder()
	r := runOf(p)
	r.StandIns = given
	out, err := newEngine().Run(t.Context(), r, h)
	if err != nil || out.State != ipaas.ExecutionSucceeded {
		t.Fatalf("it came to %+v %v", out, err)
	}
	if diff := cmp.Diff([]string{"need", "far", "each[0].fail", "each[1].fail"}, given.calls); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if len(h.calls) != 0 {
		t.Errorf("%d actions were run", len(h.calls))
	}
	if far := h.steps["far"]; !far.StandIn || fmt.Sprint(far.Inputs["of"]) != "7" || far.Inputs.Connection("connection") == nil {
		t.Errorf("the step with an unknown action is %+v", far)
	}
	if h.steps["each"].StandIn {
		t.Errorf("something stood in for a loop")
	}
	// Resuming asks for nothing again.
	before := len(given.calls)
	if out, err = newEngine().Run(t.Context(), r, h); err != nil || out.State != ipaas.ExecutionSucceeded || len(given.calls) != before {
		t.Errorf("resumed, it came to %+v %v after %v", out, err, given.calls[before:])
	}
}

// Where nobody supplies anything, a step with an unknown action fails with its inputs evaluated.
func TestUnknownActionFails(t *testing.T) {
	t.Parallel()
	h := newRecorder()
	def := standInDefinition()
	def.Flows[0].Steps = def.Flows[0].Steps[1:2]
	def.Flows[0].Steps[0].Inputs = map[string]ipaas.Input{"text": config("Base URL")}
	e := failure(t, run(t, h, compiled(def)))
	if e.StepID != "far" || !strings.Contains(e.Message, "far.away") || h.steps["far"].Inputs["text"] == nil {
		t.Errorf("it failed with %+v, after %+v", e, h.steps["far"])
	}
}

func TestObstaclesAndNeeds(t *testing.T) {
	t.Parallel()
	p := compiled(standInDefinition())
	ids := map[string]string{}
	for i := range p.Definition().Flows {
		ids[p.Definition().Flows[i].DisplayName] = p.Definition().Flows[i].ID
	}
	need := engine.StandIns(&supplies{byID: map[string]engine.StandIn{"need": {}}})
	tests := []struct {
		name, flow string
		given      engine.StandIns
		obstacles  []string
		needs      map[string]bool
	}{
		{"its own, but not what is unknown", "Flow", nil, []string{"flows[0].steps[0].inputs.number"}, map[string]bool{"base-url": true}},
		{"but not of what is stood in for", "Flow", need, nil, map[string]bool{}},
		{"another flow's trigger does not matter, its inputs do", "Other", nil, []string{"flows[1].steps[0].inputs.odd"}, map[string]bool{}},
		{"a flow that there is not", "None", nil, nil, map[string]bool{}},
	}
	for _, test := range tests {
		var got []string
		for _, v := range p.Obstacles(ids[test.flow], test.given) {
			if len(got) == 0 || got[len(got)-1] != v.Field {
				got = append(got, v.Field)
			}
		}
		if diff := cmp.Diff(test.obstacles, got); diff != "" {
			t.Errorf("%s: obstacles (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(test.needs, p.Needs(ids[test.flow], test.given)); diff != "" {
			t.Errorf("%s: needs (-want +got):\n%s", test.name, diff)
		}
	}
}
