package engine

import (
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// scope gives expressions the trigger's results, what the steps so far have done, and the config values.
type scope struct {
	program *Program
	config  map[string]any
	flow    *flow          // nil: in the inputs of a trigger, where there are no steps
	trigger *value.Object  // what the trigger's key stands for
	steps   map[string]any // what the keys of steps stand for
	sizes   map[string]int // of the results of steps, by their keys
	held    int            // the sum of the sizes
	account *account       // of the run; nil: nothing runs
	holds   map[string]*hold
}

func newScope(run Run, f *flow) *scope {
	return &scope{
		program: run.Program, config: run.Config, flow: f,
		trigger: value.Obj(value.Field{Key: "results", Value: foldHeaders(run.Trigger)}),
		steps:   make(map[string]any, len(f.all)), sizes: make(map[string]int, len(f.all)),
	}
}

// hold has the run hold what it begins with, and from now on the results of its steps.
func (s *scope) hold(a *account) {
	s.account, s.holds = a, make(map[string]*hold, len(s.flow.all))
	a.hold().note(s.trigger) // to the end of the run
}

// Step implements expr.Scope.
func (s *scope) Step(key string) (any, bool) {
	if s.flow == nil {
		return nil, false
	}
	if key == ipaas.TriggerStepID || key == s.flow.key {
		return s.trigger, true
	}
	v, ok := s.steps[key]
	return v, ok
}

// ConfigVariable implements expr.Scope.
func (s *scope) ConfigVariable(name string) (any, bool) {
	id, known := s.program.variables[name]
	return s.config[id], known
}

// finished makes the result of a step visible.
func (s *scope) finished(st *step, result any) {
	s.drop(st.key)
	s.steps[st.key] = value.Obj(value.Field{Key: "results", Value: result})
	s.sizes[st.key] = value.Size(result, maxResult)
	s.held += s.sizes[st.key]
	s.holds[st.key] = s.account.hold()
	s.holds[st.key].note(result)
}

func (s *scope) drop(key string) {
	s.held -= s.sizes[key]
	s.holds[key].release()
	delete(s.holds, key)
	delete(s.sizes, key)
	delete(s.steps, key)
}

// failed makes the error of a step visible that the flow goes on after.
func (s *scope) failed(st *step, message string) {
	s.steps[st.key] = value.Obj(value.Field{Key: "error", Value: message})
	s.forget(st.body)
}

// round makes the variables of a loop visible to its steps, and what they did in the round before invisible.
func (s *scope) round(loop *step, item any, index int) {
	s.steps[loop.key] = value.Obj(
		value.Field{Key: "currentItem", Value: item}, value.Field{Key: "index", Value: value.FromInt(int64(index))},
	)
	s.forget(loop.body)
}

func (s *scope) forget(steps []*step) {
	for _, st := range steps {
		s.drop(st.key)
		s.forget(st.body)
		for _, branch := range st.branches {
			s.forget(branch)
		}
	}
}

// foldHeaders returns the trigger's results with headers that are found whatever the case of their names. The results themselves
// belong to the caller and stay as they are.
func foldHeaders(results *value.Object) *value.Object {
	out := value.Obj()
	for key, v := range results.All() {
		if headers, ok := v.(*value.Object); ok && key == "headers" {
			folded := value.Obj()
			for name, text := range headers.All() {
				folded.Set(name, text)
			}
			folded.FoldKeys = true
			v = folded
		}
		out.Set(key, v)
	}
	return out
}

// Trigger implements component.Surroundings.
func (s *scope) Trigger() *value.Object {
	results, _ := s.trigger.Get("results")
	o, _ := results.(*value.Object)
	return o
}

// Results implements component.Surroundings.
func (s *scope) Results() *value.Object {
	o := value.Obj(value.Field{Key: s.flow.key, Value: s.trigger})
	for _, st := range s.flow.all {
		if v, ok := s.steps[st.key]; ok {
			o.Set(st.key, v)
		}
	}
	return o
}

// Config implements component.Surroundings.
func (s *scope) Config() *value.Object {
	o := value.Obj()
	for i := range s.program.def.ConfigVariables {
		v := &s.program.def.ConfigVariables[i]
		switch val := s.config[v.ID].(type) {
		case *component.Connection:
			o.Set(v.DisplayName, value.Obj(value.Field{Key: "key", Value: val.Type}, value.Field{Key: "fields", Value: val.Inputs}))
		default:
			o.Set(v.DisplayName, val)
		}
	}
	return o
}
