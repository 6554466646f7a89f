package control_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// probe is a component by which a test sees what reaches an action, and holds it up.
type probe struct {
	mu    sync.Mutex
	seen  []string // values of probe.note, as JSON, in order
	gates map[string]*gate
	fails map[string]int      // how often probe.flaky still fails, by its value
	keys  map[string][]string // the idempotency keys that came to probe.flaky
	sends map[string][]string // those that came to probe.send, with what was sent, by what it is
}

// gate is a place where steps wait.
type gate struct {
	reached chan struct{} // one message for each step that comes
	open    chan struct{} // closed: all pass
	once    sync.Once
}

func (g *gate) pass() { g.once.Do(func() { close(g.open) }) }

func newProbe() *probe {
	return &probe{gates: map[string]*gate{}, fails: map[string]int{}, keys: map[string][]string{}, sends: map[string][]string{}}
}

// fail makes probe.flaky fail so many times for a value.
func (p *probe) fail(value string, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails[value] = times
}

// sent returns the idempotency keys that came to probe.flaky with a value.
func (p *probe) sent(value string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.keys[value]...)
}

// flaky fails as often as it was told.
func (p *probe) flaky(_ context.Context, call component.Call) (component.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := call.Inputs.Text("value")
	p.keys[name] = append(p.keys[name], call.IdempotencyKey)
	if p.fails[name] > 0 {
		p.fails[name]--
		return component.Result{}, errors.New("not yet")
	}
	return component.Result{Data: name}, nil
}

// send keeps what came under which key. Its value is a text: what it is that is sent, =, and what is sent.
func (p *probe) send(_ context.Context, call component.Call) (component.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what, sent, _ := strings.Cut(call.Inputs.Text("value"), "=")
	p.sends[what] = append(p.sends[what], call.IdempotencyKey+" "+sent)
	return component.Result{Data: sent}, nil
}

// sentTo returns all that probe.send was sent, by what it is.
func (p *probe) sentTo() map[string][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.sends)
}

func (p *probe) wait(ctx context.Context, call component.Call) (component.Result, error) {
	g := p.gate(call.Inputs.Text("value"))
	g.reached <- struct{}{}
	select {
	case <-g.open:
		return component.Result{Data: "waited"}, nil
	case <-ctx.Done():
		return component.Result{}, ctx.Err()
	}
}

// gate returns the gate of a name.
func (p *probe) gate(name string) *gate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gates[name] == nil {
		p.gates[name] = &gate{reached: make(chan struct{}, 1000), open: make(chan struct{})}
	}
	return p.gates[name]
}

// hold makes a gate that all passed one where steps wait again.
func (p *probe) hold(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.gates, name)
}

func (p *probe) notes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.seen...)
}

func (p *probe) component() *component.Component {
	action := func(key string, perform func(ctx context.Context, call component.Call) (component.Result, error)) component.Action {
		return component.Action{
			Action: ipaas.Action{Key: key, Inputs: []ipaas.InputField{
				{Key: "connection", Type: ipaas.FieldConnection}, {Key: "value", Type: ipaas.FieldData},
			}},
			Perform: perform,
		}
	}
	think := action("think", p.wait)
	think.Effect = ipaas.EffectPure
	faulty := action("faulty", func(context.Context, component.Call) (component.Result, error) { return component.Result{}, nil })
	faulty.Undo = &ipaas.Undo{}
	faulty.Target = func(component.Inputs) string { panic("a fault of our own") }
	return &component.Component{
		ID: "probe", DisplayName: "Probe",
		Actions: []component.Action{
			action("flaky", p.flaky),
			action("send", p.send),
			think,  // as wait, and says that it only computes
			faulty, // breaks the engine, not the action
			// note keeps its value and gives it back.
			action("note", func(_ context.Context, call component.Call) (component.Result, error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.seen = append(p.seen, string(value.JSON(call.Inputs.Value("value"))))
				return component.Result{Data: call.Inputs.Value("value")}, nil
			}),
			// wait waits at the gate its value names.
			action("wait", p.wait),
			// fail fails with its value as words.
			action("fail", func(_ context.Context, call component.Call) (component.Result, error) {
				return component.Result{}, errors.New(call.Inputs.Text("value"))
			}),
			// reveal gives what a connection keeps secret.
			action("reveal", func(_ context.Context, call component.Call) (component.Result, error) {
				key, _ := call.Inputs.Connection("connection").Inputs.Get("apiKey")
				return component.Result{Data: key}, nil
			}),
		},
	}
}
