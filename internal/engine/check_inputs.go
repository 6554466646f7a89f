package engine

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// place is the inputs of a step or a trigger, and what is declared of them.
type place struct {
	flow      *flow
	step      *step // nil: the trigger
	event     bool  // a key of the flow's events, which sees the trigger's results
	path      string
	component *component.Component
	fields    []ipaas.InputField
	known     bool // the fields are: the action or trigger is known
	given     map[string]ipaas.Input
	nodes     inputs
}

func (c *check) inputs(p place) {
	keys := slices.Collect(maps.Keys(p.given))
	for i := range p.fields {
		if _, ok := p.given[p.fields[i].Key]; !ok {
			keys = append(keys, p.fields[i].Key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		at := p.path + ".inputs." + key
		in, given := p.given[key]
		field := ipaas.Field(p.fields, key)
		if !given {
			if field.Required && field.Default == "" {
				c.missing(at, p, key)
			}
			continue
		}
		if p.known && field == nil {
			c.unknownInput(at, p, key)
		}
		c.input(at, p, field, in, p.nodes[key])
	}
}

func (c *check) missing(at string, p place, key string) {
	c.add(at, ipaas.ReasonRequired, "%s needs a value for %q: give one", p.what(), key)
}

// what names who has the inputs.
func (p place) what() string {
	if p.step == nil {
		return fmt.Sprintf("trigger %s", p.flow.def.Trigger.Type)
	}
	return fmt.Sprintf("action %s of step %q", p.step.def.Action, p.step.def.DisplayName)
}

func (c *check) unknownInput(at string, p place, key string) {
	var keys []string
	for i := range p.fields {
		keys = append(keys, p.fields[i].Key)
	}
	c.add(at, ipaas.ReasonUnknownInput, "%s has no input %q: %s", p.what(), key, c.wayOut(key, keys, "remove it"))
}

func (c *check) input(at string, p place, field *ipaas.InputField, in ipaas.Input, node expr.Node) {
	if node == nil {
		_, err := in.Parse()
		c.add(at, ipaas.ReasonMalformed, "the input is malformed: %v", err)
		p.breaks(fmt.Sprintf("has a malformed input %s: %v", strings.TrimPrefix(at, p.path+".inputs."), err))
		return
	}
	constant := true
	inTemplate := map[expr.Node]bool{}
	expr.Walk(node, func(path string, n expr.Node) {
		switch n := n.(type) {
		case *expr.TemplateNode:
			for _, part := range n.Parts() {
				inTemplate[part] = true
			}
		case *expr.ReferenceNode:
			constant = false
			c.reference(at+path, p, n)
		case *expr.ConfigVariableNode:
			constant = false
			c.variable(at+path, p, field, n, inTemplate[n], takes(field, node, n))
		}
	})
	if field == nil {
		return
	}
	if constant {
		c.constant(at, p, field, node)
		c.literalCondition(at, p, field, in)
		return
	}
	if _, whole := node.(*expr.ConfigVariableNode); field.Type == ipaas.FieldConnection && field.Collection == "" && !whole {
		c.add(at, ipaas.ReasonWrongType, "input %q of %s is a connection: give a config variable of type CONNECTION", field.Key, p.what())
	}
}

// breaks notes that the step cannot run even if somebody tries.
func (p place) breaks(why string) {
	if p.step != nil && p.step.broken == "" {
		p.step.broken = why
	}
}

// takes reports whether a config variable stands where a field can take a connection: it is the input, or an item of a list of them.
func takes(field *ipaas.InputField, input, variable expr.Node) bool {
	if field == nil || field.Type != ipaas.FieldConnection {
		return false
	}
	if input == variable {
		return true
	}
	list, ok := input.(*expr.ListNode)
	return ok && field.Collection == ipaas.CollectionList && slices.ContainsFunc(list.Items, func(item expr.Item) bool { return item.Value == variable })
}

// constant checks an input that is known before anything runs by the rules that will hold then.
func (c *check) constant(at string, p place, field *ipaas.InputField, node expr.Node) {
	_, wrong := component.Resolve([]ipaas.InputField{*field}, map[string]any{field.Key: expr.Eval(node, &scope{program: c.program})})
	for _, w := range wrong {
		if w.Reason == ipaas.ReasonRequired {
			c.missing(at, p, field.Key)
			continue
		}
		c.add(at, w.Reason, "%s", sentence(fmt.Sprintf("input %q of %s", field.Key, p.what()), w.Description))
	}
}

// meantReference is a text that refers to something where texts are templates.
var meantReference = regexp.MustCompile(`\{\{[$#][^{}]+\}\}`)

// literalCondition refuses a reference in conditions that are one literal, whose branch would never be taken.
func (c *check) literalCondition(at string, p place, field *ipaas.InputField, in ipaas.Input) {
	if field.Type != ipaas.FieldConditions || in.Kind != ipaas.InputValue && in.Kind != ipaas.InputJSON {
		return
	}
	if found := meantReference.FindString(in.Text); found != "" {
		c.add(at, ipaas.ReasonMisplaced, "input %q of %s is a literal, in which %q refers to nothing: give the conditions as complex, term by term", field.Key, p.what(), found)
	}
}

// variable checks the use of a config variable. field is the input it stands in, nil where that is unknown.
func (c *check) variable(at string, p place, field *ipaas.InputField, n *expr.ConfigVariableNode, inTemplate, takes bool) {
	v, _ := c.program.def.ConfigVariable(n.Name)
	if v == nil && n.Block != "" {
		return // it is text
	}
	if v == nil {
		c.unknownVariable(at, "the input names", n.Name)
		return
	}
	isConnection := v.Type == ipaas.ConfigConnection
	switch {
	case isConnection && p.event:
		c.add(at, ipaas.ReasonWrongType, "config variable %q is a connection, which tells no events apart: give a reference to the trigger's results", v.DisplayName)
	case isConnection && inTemplate:
		c.add(at, ipaas.ReasonWrongType, "config variable %q is a connection, and a connection is no text: take it out of the template, and give it to an input of type CONNECTION", v.DisplayName)
		p.breaks(fmt.Sprintf("has the connection %q in a template: take it out", v.DisplayName))
	case isConnection && field != nil && !takes:
		c.add(at, ipaas.ReasonWrongType, "config variable %q is a connection, which input %q of %s does not take: give it to an input of type CONNECTION", v.DisplayName, field.Key, p.what())
		p.breaks(fmt.Sprintf("has the connection %q in input %q, which takes none: take it out", v.DisplayName, field.Key))
	case isConnection && takes && !accepts(field, p.component, v.ConnectionType):
		c.add(at, ipaas.ReasonWrongType, "config variable %q is a connection of type %s, but input %q of %s takes %s: give another config variable",
			v.DisplayName, v.ConnectionType, field.Key, p.what(), strings.Join(field.ConnectionTypes, " or "))
	case !isConnection && takes:
		c.add(at, ipaas.ReasonWrongType, "config variable %q is of type %s: give input %q of %s one of type CONNECTION", v.DisplayName, v.Type, field.Key, p.what())
	}
}

// accepts reports whether a field takes a type of connection: any, or those it names, by key or with the component's id.
func accepts(field *ipaas.InputField, comp *component.Component, connectionType string) bool {
	if len(field.ConnectionTypes) == 0 {
		return true
	}
	return slices.ContainsFunc(field.ConnectionTypes, func(t string) bool {
		return t == connectionType || comp != nil && comp.ID+"."+t == connectionType
	})
}

// reference checks that a reference names something that is there when its step runs.
func (c *check) reference(at string, p place, ref *expr.ReferenceNode) {
	isTrigger := ref.Key == ipaas.TriggerStepID || ref.Key == p.flow.key
	if p.event && !isTrigger {
		c.add(at, ipaas.ReasonMisplaced, "%q refers to a step, but when an event's keys are looked at none has run: refer to the trigger's results", ref.Text)
		return
	}
	if p.step == nil && !p.event {
		c.add(at, ipaas.ReasonMisplaced, "%q refers to a result, but when a trigger looks at its inputs nothing has run: give a value or a config variable", ref.Text)
		return
	}
	if isTrigger {
		c.triggerReference(at, p, ref)
		return
	}
	target := p.flow.byKey[ref.Key]
	if target == nil {
		c.unknownStep(at, p, ref)
		return
	}
	c.stepReference(at, p.step, target, ref)
}

func (c *check) unknownStep(at string, p place, ref *expr.ReferenceNode) {
	keys := []string{ipaas.TriggerStepID}
	for _, s := range p.flow.all {
		if s.order < p.step.order && s.key != "" {
			keys = append(keys, s.key)
		}
	}
	name := ref.Key
	if key := expr.Key(name); slices.Contains(keys, key) {
		name = key // the display name or the id of a step, where its key belongs
	}
	c.add(at, ipaas.ReasonUnknownStep, "%q refers to the key %q, which no step of the flow has: %s", ref.Text, ref.Key, c.wayOut(name, keys, "add the step, or refer to another"))
}

// offers of what a key stands for, as the first segment of a path after it.
const (
	results     = "results"
	currentItem = "currentItem"
	loopIndex   = "index"
	failure     = "error" // of a step that failed, and whose failure is ignored
)

func (c *check) triggerReference(at string, p place, ref *expr.ReferenceNode) {
	path := ref.Path()
	if len(path) == 0 {
		return
	}
	if path[0] != results {
		c.add(at, ipaas.ReasonUnknownField, "%q refers to %q of the trigger, which has results only: write %s.results.…", ref.Text, path[0], ref.Key)
		return
	}
	if len(path) > 2 && path[1] == "webhookUrls" {
		c.webhookURL(at, p, ref)
	}
}

// webhookURL checks that a reference to a flow's webhook URL names a flow: a flow that was renamed would silently have none.
func (c *check) webhookURL(at string, p place, ref *expr.ReferenceNode) {
	urls := value.Obj()
	var names []string
	for _, f := range c.program.flows {
		names = append(names, f.def.DisplayName)
		urls.Set(f.def.DisplayName, true)
		urls.Set(f.def.ID, true)
	}
	trigger := value.Obj(value.Field{Key: "webhookUrls", Value: urls})
	s := newScope(Run{Program: c.program, Trigger: trigger}, p.flow)
	if expr.Eval(ref, s) != nil {
		return
	}
	name := strings.Join(ref.Path()[2:], ".")
	c.add(at, ipaas.ReasonUnknownField, "%q refers to the webhook URL of flow %q, and there is no such flow: %s", ref.Text, name, c.wayOut(name, names, "add it"))
}

func (c *check) stepReference(at string, s, target *step, ref *expr.ReferenceNode) {
	first := ""
	if path := ref.Path(); len(path) > 0 {
		first = path[0]
	}
	inside := isInside(s, target) && target.loops()
	isVariable := target.loops() && (first == currentItem || first == loopIndex)
	switch {
	case target == s:
		c.add(at, ipaas.ReasonLaterStep, "%q refers to the step itself, which has not run yet: refer to an earlier one", ref.Text)
	case isVariable && inside, first == "" && inside:
	case isVariable:
		c.add(at, ipaas.ReasonMisplaced, "%q refers to a variable of loop %q, which only the steps in the loop have: use its results", ref.Text, target.def.DisplayName)
	case inside && first == results:
		c.add(at, ipaas.ReasonLaterStep, "%q refers to the results of loop %q, which has not ended while its steps run: use %s.currentItem", ref.Text, target.def.DisplayName, ref.Key)
	case first == failure && !inside:
		c.order(at, s, target, ref)
	case first != "" && first != results:
		c.add(at, ipaas.ReasonUnknownField, "%q refers to %q of step %q, which has %s: write %s.results.…", ref.Text, first, target.def.DisplayName, offers(target), ref.Key)
	default:
		c.order(at, s, target, ref)
	}
}

func offers(target *step) string {
	if target.loops() {
		return "results and error, and in the loop currentItem and index"
	}
	return "results and error only"
}

// order checks that a step's results are there when another step runs. A step in another branch may be named: it did not run, and its
// results are nothing.
func (c *check) order(at string, s, target *step, ref *expr.ReferenceNode) {
	if loop := enclosingLoop(target); loop != nil && !isInside(s, loop) {
		for outer := enclosingLoop(loop); outer != nil && !isInside(s, outer); outer = enclosingLoop(loop) {
			loop = outer
		}
		c.add(at, ipaas.ReasonMisplaced, "%q refers to step %q, which runs anew in every round of loop %q: outside of it, use %s.results, the list of what the rounds gave",
			ref.Text, target.def.DisplayName, loop.def.DisplayName, loop.key)
		return
	}
	if target.order > s.order && !otherBranch(s, target) {
		c.add(at, ipaas.ReasonLaterStep, "%q refers to step %q, which runs later: move it before, or refer to an earlier one", ref.Text, target.def.DisplayName)
	}
}

// isInside reports whether s stands in outer, at whatever depth.
func isInside(s, outer *step) bool {
	for p := s.parent; p != nil; p = p.parent {
		if p == outer {
			return true
		}
	}
	return false
}

// otherBranch reports whether two steps stand in different branches of one step.
func otherBranch(a, b *step) bool {
	for x := a; x.parent != nil; x = x.parent {
		for y := b; y.parent != nil; y = y.parent {
			if x.parent == y.parent {
				return x.branch != y.branch
			}
		}
	}
	return false
}
