package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// errCut is how a recorder's process dies.
var errCut = errors.New("cut")

// recorder is a host that remembers in memory. A second run of the same execution is given what the first recorded.
type recorder struct {
	mu      sync.Mutex
	done    map[string]engine.Done
	kept    map[string]any // results of objects that are there already, by key
	journal []string       // every call, in order
	calls   []component.Call
	steps   map[string]engine.Step
	intents []engine.Creation
	decide  func(engine.Creation) engine.Decision // nil: what is kept is kept, all else is created

	// cut, if set, says before or after which call, counted from 1, the process dies.
	called    func()                          // nil: nobody wants to know
	completed func(engine.Step, *engine.Done) // changes how a step ended; nil: nobody does

	cut       int
	cutAfter  bool
	interrupt context.CancelCauseFunc // how it dies in Call, whose error is the action's own
	count     int
}

func newRecorder() *recorder {
	return &recorder{done: map[string]engine.Done{}, kept: map[string]any{}, steps: map[string]engine.Step{}}
}

// at counts a call and dies if it is its turn.
func (h *recorder) at(after bool) error {
	if !after {
		h.count++
	}
	if h.cut > 0 && h.count == h.cut && after == h.cutAfter {
		return errCut
	}
	return nil
}

func (h *recorder) note(format string, args ...any) {
	h.journal = append(h.journal, fmt.Sprintf(format, args...))
}

func (h *recorder) Begin(ctx context.Context, step engine.Step) (*engine.Done, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := errors.Join(ctx.Err(), h.at(false)); err != nil {
		return nil, err
	}
	h.note("begin %s", step.Path)
	h.steps[step.Path] = step
	if err := h.at(true); err != nil {
		return nil, err
	}
	if done, ok := h.done[step.Path]; ok {
		return &done, nil
	}
	return nil, nil
}

func (h *recorder) Decide(ctx context.Context, step engine.Step, done engine.Done) error {
	return h.keep(ctx, "decide", step, done)
}

func (h *recorder) Complete(ctx context.Context, step engine.Step, done engine.Done) (engine.Done, error) {
	if h.completed != nil {
		h.completed(step, &done)
	}
	return done, h.keep(ctx, "complete", step, done)
}

func (h *recorder) Tried(ctx context.Context, step engine.Step, done engine.Done) error {
	kept := engine.Done{Decided: true, Tries: done.Tries, Logs: done.Logs}
	return h.keep(ctx, "tried", step, kept)
}

func (h *recorder) keep(ctx context.Context, verb string, step engine.Step, done engine.Done) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := errors.Join(ctx.Err(), h.at(false)); err != nil {
		return err
	}
	h.note("%s %s", verb, step.Path)
	// What a loop logged while deciding, and the tries before, was recorded then.
	done.Logs = append(h.done[step.Path].Logs, done.Logs...)
	h.done[step.Path] = done
	return h.at(true)
}

func (h *recorder) Intent(ctx context.Context, creation engine.Creation) (engine.Decision, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := errors.Join(ctx.Err(), h.at(false)); err != nil {
		return engine.Decision{}, err
	}
	h.note("intent %s", creation.Key)
	h.intents = append(h.intents, creation)
	if err := h.at(true); err != nil {
		return engine.Decision{}, err
	}
	if h.decide != nil {
		return h.decide(creation), nil
	}
	if result, ok := h.kept[creation.Key]; ok {
		return engine.Decision{ID: "kept", Kept: true, Result: result}, nil
	}
	return engine.Decision{ID: "reg-" + creation.Key}, nil
}

func (h *recorder) Call(ctx context.Context, step engine.Step, action *component.Action, call component.Call) (component.Result, error) {
	h.mu.Lock()
	cut := h.at(false)
	h.note("call %s", step.Path)
	h.calls = append(h.calls, call)
	if h.called != nil {
		h.called()
	}
	h.mu.Unlock()
	if cut != nil {
		h.interrupt(engine.ErrInterrupted)
		return component.Result{}, ctx.Err()
	}
	result, err := action.Perform(ctx, call)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at(true) != nil {
		h.interrupt(engine.ErrInterrupted)
		return component.Result{}, ctx.Err()
	}
	return result, err
}

func (h *recorder) Remove(_ context.Context, step engine.Step, key string) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note("remove %s %s", step.Path, key)
	if key == "refused" {
		return nil, errors.New("it is refused")
	}
	return "removed", nil
}

// line returns what is remembered of a step, as text.
func (h *recorder) line(path string) string {
	d := h.done[path]
	var b strings.Builder
	fmt.Fprintf(&b, "%s: result %s", path, value.Encode(d.Result))
	add := func(ok bool, format string, args ...any) {
		if ok {
			fmt.Fprintf(&b, format, args...)
		}
	}
	add(d.Error != "", ", error %q", d.Error)
	add(d.Branch != "", ", branch %s", d.Branch)
	add(d.Ignored, ", ignored")
	add(d.Tries > 1, ", tries %d", d.Tries)
	for _, c := range d.State {
		add(true, ", %s %s %s %s", c.Scope, c.Operation, c.Key, value.Encode(c.Value))
	}
	add(d.Decided, ", decided %s", value.Encode(d.Items))
	add(d.Stop != nil, ", stop")
	add(d.Break, ", break")
	add(d.Creation != nil, ", created %v", d.Creation != nil && d.Creation.ID != "")
	add(d.Unknown, ", unknown")
	add(d.Canceled, ", canceled")
	add(d.Cause != nil, ", cause %v", d.Cause)
	for _, l := range d.Logs {
		add(true, ", log %s %q", l.Severity, l.Message)
	}
	return b.String()
}

// record returns what is remembered of every step, by path.
func (h *recorder) record() []string {
	var all []string
	for _, path := range slices.Sorted(maps.Keys(h.done)) {
		all = append(all, h.line(path))
	}
	return all
}

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func newEngine() *engine.Engine {
	return &engine.Engine{Now: func() time.Time { return noon }}
}

// compile makes a program of steps in one flow called "flow" that must have no problems.
func compile(t testing.TB, steps ...ipaas.Step) *engine.Program {
	t.Helper()
	p := compileAnyway(steps...)
	if problems := p.Problems(); len(problems) > 0 {
		t.Fatalf("the test's own definition has problems: %v", problems)
	}
	return p
}

func compileAnyway(steps ...ipaas.Step) *engine.Program {
	def := definition(ipaas.Flow{DisplayName: "Flow", Trigger: ipaas.Trigger{DisplayName: "On Hook"}, Steps: steps})
	return engine.Compile(def, def.Hash(), registry())
}

func definition(flows ...ipaas.Flow) *ipaas.Definition {
	def := &ipaas.Definition{
		DisplayName: "Test", Flows: flows,
		ConfigVariables: []ipaas.ConfigVariable{
			{DisplayName: "Acme", Type: ipaas.ConfigConnection, ConnectionType: "acme-erp.apiKey"},
			{DisplayName: " Region "},
			{DisplayName: "Base URL"},
			{DisplayName: "Secret"},
		},
	}
	def.Normalize(nil, noon)
	return def
}

// runOf is a run of the flow "flow" with a config and a payload.
func runOf(p *engine.Program) engine.Run {
	headers := value.Obj(value.Field{Key: "X-Signature", Value: "abc"})
	body, err := value.Parse([]byte(`{"data":{"n":1.50,"lines":["a","b","c"],"groups":[["a","b"],["c"]]}}`))
	if err != nil {
		panic(err)
	}
	urls := value.Obj(value.Field{Key: "Flow", Value: "https://hooks/1"}, value.Field{Key: "Sync v1.2 Data", Value: "https://hooks/2"})
	return engine.Run{
		Program: p, FlowID: "flow", ExecutionID: "exe-1", Hop: 3,
		Trigger: value.Obj(
			value.Field{Key: "headers", Value: headers}, value.Field{Key: "body", Value: body}, value.Field{Key: "webhookUrls", Value: urls},
		),
		Config: map[string]any{
			"base-url": "https://acme", "secret": "s3cret", "region": "eu",
			"acme": &component.Connection{
				Type: "acme-erp.apiKey", ConfigVariable: "acme",
				Inputs: value.Obj(value.Field{Key: "baseUrl", Value: "https://acme"}, value.Field{Key: "key", Value: "k1"}),
				Public: value.Obj(value.Field{Key: "baseUrl", Value: "https://acme"}),
			},
		},
	}
}

func in(kind ipaas.InputKind, text string) ipaas.Input { return ipaas.Input{Kind: kind, Text: text} }
func ref(text string) ipaas.Input                      { return in(ipaas.InputReference, text) }
func tmpl(text string) ipaas.Input                     { return in(ipaas.InputTemplate, text) }
func config(name string) ipaas.Input                   { return in(ipaas.InputConfigVariable, name) }

func list(items ...ipaas.Input) ipaas.Input {
	return ipaas.Input{Kind: ipaas.InputComplex, Items: items}
}

func step(name, action string, inputs ...any) ipaas.Step {
	s := ipaas.Step{DisplayName: name, Action: action, Inputs: map[string]ipaas.Input{}}
	for i := 0; i < len(inputs); i += 2 {
		v, ok := inputs[i+1].(ipaas.Input)
		if !ok {
			v = ipaas.Literal(inputs[i+1])
		}
		s.Inputs[inputs[i].(string)] = v
	}
	return s
}

func loop(name string, items ipaas.Input, steps ...ipaas.Step) ipaas.Step {
	s := step(name, "loop.overItems", "items", items)
	s.Steps = steps
	return s
}

func branch(name string, on ipaas.Input, branches ...ipaas.Branch) ipaas.Step {
	s := step(name, "branch.onValue", "value", on)
	s.Branches = branches
	return s
}

func when(name string, steps ...ipaas.Step) ipaas.Branch {
	return ipaas.Branch{Name: name, Steps: steps}
}
