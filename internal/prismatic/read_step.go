package prismatic

import (
	"strings"
	"time"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// steps reads a list of steps from an index on; those before are read already. native is the path of the list in our words.
func (r *reader) steps(at, native string, list []any, from, depth int) []ipaas.Step {
	if depth > ipaas.MaxStepDepth && len(list) > from {
		r.wrong(at, ipaas.ReasonTooDeep, "the steps nest deeper than %d levels: flatten them, or move some to a flow of their own", ipaas.MaxStepDepth)
		return nil
	}
	if len(list) == from {
		return nil
	}
	if len(list)-from > ipaas.MaxSteps {
		r.wrong(at, ipaas.ReasonTooLarge, "there are %d steps in the flow: keep at most %d", len(list)-from, ipaas.MaxSteps)
		return nil
	}
	steps := make([]ipaas.Step, 0, len(list)-from)
	for i := from; i < len(list); i++ {
		o := r.object(item(at, i), list[i])
		steps = append(steps, r.step(o, item(native, i-from), depth))
	}
	return steps
}

func (r *reader) step(o *object, native string, depth int) ipaas.Step {
	r.places[native] = o.at
	s := ipaas.Step{DisplayName: o.name("name"), Description: o.text("description"), StableKey: o.text("stableKey")}
	if o.yes("isTrigger") {
		r.wrong(o.path("isTrigger"), ipaas.ReasonMisplaced, "only the first step of a flow is its trigger: move it there")
	}
	before := len(r.found)
	if s.Action = r.action(o); s.Action == "" && len(r.found) == before {
		r.wrong(o.path("action"), ipaas.ReasonRequired, "the step has no action: name its component and key")
	}
	s.Inputs = r.inputs(o, native, s.Action)
	s.Inputs = r.credential(o, s.Inputs, s.Action)
	s.OnError = r.errorHandling(o)
	for i, v := range o.list("branches") {
		b := r.object(item(o.path("branches"), i), v)
		at := item(native+".branches", i)
		r.places[at] = b.at
		branch := ipaas.Branch{Name: b.name("name")}
		branch.Steps = r.steps(b.path("steps"), at+".steps", b.list("steps"), 0, depth+1)
		b.rest()
		s.Branches = append(s.Branches, branch)
	}
	s.Steps = r.steps(o.path("steps"), native+".steps", o.list("steps"), 0, depth+1)
	if !isNothing(o.take("schedule")) {
		r.notes.add(o.path("schedule"), Dropped, "only triggers have schedules")
	}
	o.rest()
	return s
}

// action reads component and key of an action, "" where there is none.
func (r *reader) action(o *object) string {
	if text, ok := o.fields.Get("action"); ok {
		if text, ok := text.(string); ok && text != "" {
			r.wrong(o.path("action"), ipaas.ReasonWrongType, "is a text: give an object with key and component")
			o.skip("action")
			return ""
		}
	}
	in := o.object("action")
	if isNothing(in.fields) {
		return ""
	}
	defer in.rest()
	return r.qualified(in, "action")
}

// qualified reads the component and the key of an action or a connection, "" where one of them is missing.
func (r *reader) qualified(in *object, what string) string {
	key := in.text("key")
	component := in.text("componentKey") // of the layouts before version 7
	at := in.path("componentKey")
	if in.has("component") {
		component, at = r.component(in), in.path("component")
	}
	if component == "" || key == "" {
		r.wrong(in.at, ipaas.ReasonRequired, "the %s lacks its component or its key: give both", what)
		return ""
	}
	if now, ok := renamed[component]; ok {
		r.notes.add(at, Changed, "the component %s is %s here", component, now)
		component = now
	}
	return component + "." + key
}

// component reads the key of a component. Which version of it counts is decided when a version of the integration is published.
func (r *reader) component(o *object) string {
	if text, ok := o.fields.Get("component"); ok {
		if text, ok := text.(string); ok {
			o.skip("component")
			return text
		}
	}
	in := o.object("component")
	key := in.text("key")
	if version := in.text("version"); version != "" && version != "LATEST" {
		r.notes.add(in.path("version"), Dropped, "components are taken in their latest version, and pinned when a version is published")
	}
	in.drop("signature", "components are taken in their latest version, and pinned when a version is published")
	if in.has("isPublic") && !in.yes("isPublic") {
		r.notes.add(in.path("isPublic"), Dropped, "components of one's own and of others are not told apart")
	}
	in.rest()
	return key
}

// credential reads what layouts before version 7 have beside the inputs to sign in with: it is an input like every other.
func (r *reader) credential(o *object, inputs map[string]ipaas.Input, action string) map[string]ipaas.Input {
	name := o.text("credential")
	if name == "" {
		return inputs
	}
	const key = "connection"
	if _, taken := inputs[key]; taken || inputs == nil && action == "" {
		r.notes.add(o.path("credential"), Dropped, "there is an input %q already", key)
		return inputs
	}
	r.notes.add(o.path("credential"), Changed, "it is the input %q", key)
	r.uses(name, action)
	if inputs == nil {
		inputs = map[string]ipaas.Input{}
	}
	inputs[key] = ipaas.Input{Kind: ipaas.InputConfigVariable, Text: name}
	return inputs
}

// uses remembers which component takes a config variable first.
func (r *reader) uses(variable, action string) {
	if _, known := r.users[variable]; known || variable == "" {
		return
	}
	if component, _, ok := strings.Cut(action, "."); ok {
		r.users[variable] = component
	}
}

// errorHandling reads what happens when the step fails, nil where the execution does, too.
func (r *reader) errorHandling(o *object) *ipaas.ErrorHandling {
	in := o.object("errorConfig")
	if isNothing(in.fields) {
		return nil
	}
	effect := word(in, "errorHandlerType", map[string]ipaas.ErrorEffect{
		"": ipaas.ErrorFail, "fail": ipaas.ErrorFail, "ignore": ipaas.ErrorIgnore, "retry": ipaas.ErrorRetry,
	})
	h := &ipaas.ErrorHandling{
		Effect: effect, MaxAttempts: in.atMost("maxAttempts", mostStepTries), Delay: in.span("delaySeconds", time.Second, mostStepSeconds), IgnoreFinal: in.yes("ignoreFinalError"),
	}
	if in.yes("usesExponentialBackoff") {
		h.Multiplier = ipaas.DefaultRetryMultiplier
	}
	in.rest()
	if effect == ipaas.ErrorRetry {
		return h
	}
	if h.MaxAttempts != 0 || h.IgnoreFinal {
		r.notes.add(in.at, Dropped, "only a step that is tried again has tries and a delay")
	}
	if effect == ipaas.ErrorFail {
		return nil
	}
	return &ipaas.ErrorHandling{Effect: effect}
}

// inputs reads the inputs of a step or a trigger. native is the path of the step in our words.
func (r *reader) inputs(o *object, native, action string) map[string]ipaas.Input {
	in := o.object("inputs")
	var inputs map[string]ipaas.Input
	for key, v := range in.fields.All() {
		at := in.path(key)
		given, ok := r.input(at, v, action)
		if !ok {
			continue
		}
		if o, ok := v.(*value.Object); ok && isExpression(o) {
			if name, _ := o.Get("name"); !isNothing(name) {
				r.notes.add(keyed(at, "name"), Dropped, "only items of a list have names")
			}
		}
		if inputs == nil {
			inputs = make(map[string]ipaas.Input, in.fields.Len())
		}
		inputs[key] = given
		if at != in.at+"."+key {
			r.places[native+".inputs."+key] = at
		}
	}
	return inputs
}

// expressionKinds are what an input can be in the file.
var expressionKinds = map[string]ipaas.InputKind{
	"value": ipaas.InputValue, "reference": ipaas.InputReference, "configVar": ipaas.InputConfigVariable,
	"template": ipaas.InputTemplate, "complex": ipaas.InputComplex,
}

// input reads an expression. ok is false where it says nothing, as forms leave what was not filled in.
func (r *reader) input(at string, v any, action string) (in ipaas.Input, ok bool) {
	fields, isObject := v.(*value.Object)
	switch {
	case v == nil:
		return in, false
	case !isObject || !isExpression(fields):
		// Somebody wrote the value itself.
		r.notes.add(at, Assumed, "it has no type: it is taken for a value")
		return ipaas.Literal(v), true
	}
	return r.expression(r.object(at, fields), action)
}

func isExpression(fields *value.Object) bool {
	if fields.Len() == 0 {
		return true
	}
	_, typed := fields.Get("type")
	_, valued := fields.Get("value")
	return typed || valued
}

func (r *reader) expression(o *object, action string) (in ipaas.Input, ok bool) {
	if o.fields.Len() == 0 {
		return in, false
	}
	o.skip("name") // the list's that the expression stands in
	o.drop("meta", "who sees the input in a form is not kept")
	defer o.rest()
	in.Kind = ipaas.InputValue
	if kind, _ := o.fields.Get("type"); !isNothing(kind) {
		before := len(r.found)
		if in.Kind = word(o, "type", expressionKinds); len(r.found) > before {
			o.skip("value")
			return in, false
		}
	} else {
		o.skip("type")
		r.notes.add(o.at, Assumed, "it has no type: it is taken for a value")
	}
	switch in.Kind {
	case ipaas.InputValue:
		v := o.take("value")
		return ipaas.Literal(v), v != nil
	case ipaas.InputComplex:
		in.Items = r.items(o.path("value"), o.list("value"), action)
		return in, true
	}
	in.Text = o.text("value")
	switch in.Kind {
	case ipaas.InputTemplate:
		r.blocks(o.path("value"), in.Text)
	case ipaas.InputConfigVariable:
		in.Text = r.variableName(in.Text)
		r.uses(in.Text, action)
	default: // spaces behind it may be part of the name of a flow
		in.Text = strings.TrimLeft(strings.TrimRight(in.Text, "\t\r\n"), " \t\r\n")
	}
	if in.Text == "" && in.Kind == ipaas.InputTemplate {
		return ipaas.Literal(""), true
	}
	return in, in.Text != ""
}

// variableName returns the name that a config variable is called by: spaces around it are part of it only if they are where it is declared.
func (r *reader) variableName(text string) string {
	trimmed := strings.TrimSpace(text)
	found := trimmed
	for _, v := range r.def.ConfigVariables {
		switch {
		case v.DisplayName == text:
			return text
		case trimmed != "" && strings.TrimSpace(v.DisplayName) == trimmed:
			found = v.DisplayName
		}
	}
	return found
}

// blocks notes what looks like a config variable in a template, and is not: a block of another template language.
func (r *reader) blocks(at, text string) {
	t, err := expr.ParseTemplate(text)
	if err != nil {
		return // a problem of the draft
	}
	for _, part := range t.Parts() {
		if v, ok := part.(*expr.ConfigVariableNode); ok && v.Block != "" {
			if known, _ := r.def.ConfigVariable(v.Name); known == nil {
				r.notes.add(at, Assumed, "%s is text for another system: it is closed like a block, and there is no such config variable", value.Shorten(v.Block))
			}
		}
	}
}

// items reads the items of a list. In conditions those are operators, terms and further lists, bare or not.
func (r *reader) items(at string, list []any, action string) []ipaas.Input {
	read := make([]ipaas.Input, len(list))
	names := make([]naming, len(list))
	named := false
	for i, v := range list {
		read[i], names[i] = r.item(item(at, i), v, action)
		named = named || read[i].Name != "" || read[i].NameFrom != nil
	}
	items := make([]ipaas.Input, 0, len(list))
	for i, one := range read {
		if names[i] == blankForm || names[i] == blankText && named { // a row that was not filled in
			if one.Kind == ipaas.InputValue && (one.Text == `""` || one.Text == "null") {
				r.notes.add(item(at, i), Dropped, "it has neither a name nor a value")
				continue
			}
			if named {
				empty := ipaas.Literal("")
				one.NameFrom = &empty
			}
		}
		items = append(items, one)
	}
	if len(items) == 0 {
		return nil
	}
	return items
}

// naming is how an item of a list is named.
type naming int

const (
	plain     naming = iota // with a name, or without one
	blankText               // with an empty text, as terms of conditions are, too
	blankForm               // with an empty expression, as in rows of a form
)

// item reads an item of a list.
func (r *reader) item(at string, v any, action string) (ipaas.Input, naming) {
	switch v := v.(type) {
	case []any: // a list in conditions
		return ipaas.Input{Kind: ipaas.InputComplex, Items: r.items(at, v, action)}, plain
	case *value.Object:
		if !isExpression(v) {
			return ipaas.Literal(v), plain
		}
	default: // an operator in conditions
		return ipaas.Literal(v), plain
	}
	o := r.object(at, v)
	in, ok := r.expression(o, action)
	if !ok {
		in = ipaas.Literal(nil) // it keeps its place
	}
	switch name, said := o.fields.Get("name"); name := name.(type) {
	case nil:
		if said {
			return in, blankText
		}
	case *value.Object:
		from, ok := r.input(o.path("name"), name, action)
		text, isText := literalText(from)
		switch {
		case !ok || isText && text == "":
			return in, blankForm
		case isText:
			in.Name = text
		default:
			in.NameFrom = &from
		}
	case []any:
		r.wrong(o.path("name"), ipaas.ReasonWrongType, "is a list: give a text")
	default:
		if in.Name = value.Text(name); in.Name == "" {
			return in, blankText
		}
	}
	return in, plain
}

// literalText returns the text of a literal that is one.
func literalText(in ipaas.Input) (string, bool) {
	switch v := literal(in).(type) {
	case string, value.Number, bool:
		return value.Text(v), true
	default:
		return "", false
	}
}
