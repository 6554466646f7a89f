package prismatic

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func (w *writer) steps(at string, steps []ipaas.Step) []any {
	out := make([]any, len(steps))
	for i := range steps {
		out[i] = w.step(item(at, i), &steps[i])
	}
	return out
}

func (w *writer) step(at string, s *ipaas.Step) *value.Object {
	o := newObj()
	o.Set("action", action(s.Action))
	if len(s.Branches) > 0 {
		branches := make([]any, len(s.Branches))
		for i, b := range s.Branches {
			branches[i] = value.Obj(value.Field{Key: "name", Value: b.Name},
				value.Field{Key: "steps", Value: w.steps(item(at+".branches", i)+".steps", b.Steps)})
		}
		o.Set("branches", branches)
	}
	o.Set("description", s.Description)
	if h := s.OnError; h != nil {
		o.Set("errorConfig", w.errorHandling(at+".onError", h))
	}
	o.Set("inputs", w.inputs(at, s.Inputs))
	o.Set("name", s.DisplayName)
	o.some("stableKey", s.StableKey)
	if len(s.Steps) > 0 || strings.HasPrefix(s.Action, "loop.loop") {
		o.Set("steps", w.steps(at+".steps", s.Steps))
	}
	return o.Object
}

func (w *writer) errorHandling(at string, h *ipaas.ErrorHandling) *value.Object {
	o := newObj()
	effects := map[string]ipaas.ErrorEffect{"fail": ipaas.ErrorFail, "ignore": ipaas.ErrorIgnore, "retry": ipaas.ErrorRetry}
	effect := h.Effect
	if effect == "" {
		effect = ipaas.ErrorFail
	}
	if effect == ipaas.ErrorRetry {
		seconds, exact := units(h.Delay, time.Second)
		if !exact {
			w.notes.add(at+".delay", Changed, "a delay is in seconds: %s is %d", h.Delay, seconds)
		}
		o.Set("delaySeconds", count(w.most(at+".delay", "seconds", seconds, mostStepSeconds)))
	}
	o.Set("errorHandlerType", wordFor(effects, effect))
	if effect == ipaas.ErrorRetry {
		o.Set("ignoreFinalError", h.IgnoreFinal)
		o.Set("maxAttempts", count(w.most(at+".maxAttempts", "tries", h.MaxAttempts, mostStepTries)))
		o.Set("usesExponentialBackoff", w.grows(at, h.Multiplier))
	}
	return o.Object
}

func (w *writer) inputs(at string, inputs map[string]ipaas.Input) *value.Object {
	o := value.Obj()
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		// Names of branches are plain, those of all other lists are expressions.
		plain := key == "conditions" || key == "branchValueMappings"
		o.Set(key, w.input(at+".inputs."+key, inputs[key], plain))
	}
	return o
}

// input writes an expression.
func (w *writer) input(at string, in ipaas.Input, plainNames bool) *value.Object {
	switch in.Kind {
	case ipaas.InputConfigVariable:
		return expression("configVar", w.variableName(in.Text))
	case ipaas.InputReference:
		return expression("reference", in.Text)
	case ipaas.InputTemplate:
		return expression("template", w.template(in.Text))
	case ipaas.InputComplex:
		return expression("complex", w.items(at, in.Items, plainNames, plainNames && isNamed(in)))
	default:
		v, err := value.Parse([]byte(in.Text))
		if err != nil {
			w.notes.add(at, Dropped, "it is no JSON: %v", err) // Validate refuses it
		}
		switch v.(type) {
		case []any, *value.Object:
			w.notes.add(at, Changed, "a literal is a text there, or a number or a boolean: this one is written as it is")
		}
		return expression("value", v)
	}
}

// items writes the items of a list. A condition begins with its operator, which is bare, as are the conditions behind and and or; what is
// behind all other operators are terms.
func (w *writer) items(at string, list []ipaas.Input, plainNames, condition bool) []any {
	items := make([]any, len(list))
	terms := false
	for i, one := range list {
		if operator, ok := literal(one).(string); ok && condition && i == 0 && !isNamed(one) {
			items[i] = operator
			terms = operator != "and" && operator != "or"
			continue
		}
		if terms && !isNamed(one) {
			items[i] = w.input(at, one, false)
			continue
		}
		items[i] = w.item(at, one, plainNames)
	}
	return items
}

func isNamed(in ipaas.Input) bool { return in.Name != "" || in.NameFrom != nil }

// literal returns what a literal stands for, nil for everything else.
func literal(in ipaas.Input) any {
	if in.Kind != ipaas.InputValue && in.Kind != ipaas.InputJSON {
		return nil
	}
	v, err := value.Parse([]byte(in.Text))
	if err != nil {
		return nil // Validate refuses it
	}
	return v
}

// item writes an item of a list. A list in a list is bare, as conditions have it.
func (w *writer) item(at string, in ipaas.Input, plainNames bool) any {
	if in.Kind == ipaas.InputComplex && !isNamed(in) {
		return w.items(at, in.Items, plainNames, plainNames)
	}
	out := newObj()
	switch {
	case in.NameFrom != nil:
		out.Set("name", w.input(at, *in.NameFrom, false))
	case in.Name != "" && plainNames:
		out.Set("name", in.Name)
	case in.Name != "":
		out.Set("name", expression("value", in.Name))
	}
	for key, v := range w.input(at, in, plainNames).All() {
		out.Set(key, v)
	}
	return out.Object
}

// template writes a template, in which config variables may be named by their ids.
func (w *writer) template(text string) string {
	t, err := expr.ParseTemplate(text)
	if err != nil {
		return text
	}
	for _, part := range t.Parts() {
		if v, ok := part.(*expr.ConfigVariableNode); ok {
			if name := w.variableName(v.Name); strings.TrimSpace(name) != v.Name {
				text = strings.ReplaceAll(text, "{{#"+v.Name+"}}", "{{#"+name+"}}")
			}
		}
	}
	return text
}
