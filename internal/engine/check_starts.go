package engine

import (
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// startedFlow checks that a step which starts a flow names one, as far as the name is known before it runs.
func (c *check) startedFlow(s *step) {
	if s.action.StartsFlow == "" {
		return
	}
	node := s.inputs[s.action.StartsFlow]
	if node == nil || !isConstant(node) {
		return
	}
	name := value.Text(expr.Eval(node, &scope{program: c.program}))
	if name == "" || c.program.def.FlowByName(name) != nil {
		return
	}
	c.add(s.path+".inputs."+s.action.StartsFlow, ipaas.ReasonUnknownFlow, "%s", c.unknownFlow(name))
}

func isConstant(node expr.Node) bool {
	constant := true
	expr.Walk(node, func(_ string, n expr.Node) {
		switch n.(type) {
		case *expr.ReferenceNode, *expr.ConfigVariableNode:
			constant = false
		}
	})
	return constant
}

// UnknownFlow is the error of who wants to start a flow that a definition does not have.
func UnknownFlow(def *ipaas.Definition, name string) error {
	return errors.New((&check{program: &Program{def: def}}).unknownFlow(name))
}

func (c *check) unknownFlow(name string) string {
	var names []string
	for i := range c.program.def.Flows {
		names = append(names, c.program.def.Flows[i].DisplayName)
	}
	if shown := []rune(name); len(shown) > mostOfName {
		name = string(shown[:mostOfName]) + "…"
	}
	return fmt.Sprintf("there is no flow %q to start: %s", name, c.wayOut(name, names, "add it"))
}

// mostOfName is the most characters that are shown of a name that nothing has.
const mostOfName = 100

// schedules checks that what flows run by can be told. What is written in a schedule itself is checked with the rest of its shape.
func (c *check) schedules() {
	for _, f := range c.program.flows {
		s := f.def.Trigger.Schedule
		if s == nil || s.ConfigVariable == "" {
			continue
		}
		at := f.path + ".trigger.schedule.configVariable"
		v, _ := c.program.def.ConfigVariable(s.ConfigVariable)
		switch {
		case v == nil:
			c.unknownVariable(at, "the schedule names", s.ConfigVariable)
		case v.Type != ipaas.ConfigSchedule || v.Collection != "":
			c.add(at, ipaas.ReasonWrongType, "config variable %q is of type %s: give one of type %s with a single value", v.DisplayName, v.Type, ipaas.ConfigSchedule)
		}
	}
}

// Schedule returns when a flow runs by itself with some config, as a text that ipaas.ParseTimetable reads; "": never.
func (p *Program) Schedule(flowID string, config map[string]any) (spec string, singleton bool) {
	f := p.Flow(flowID)
	if f == nil || f.Trigger.Schedule == nil {
		return "", false
	}
	s := f.Trigger.Schedule
	expression := ""
	if v, _ := p.def.ConfigVariable(s.ConfigVariable); v != nil {
		expression, _ = config[v.ID].(string)
	}
	return s.Spec(expression), s.Singleton
}
