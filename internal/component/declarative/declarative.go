// Package declarative makes components out of data: actions that are templates of HTTP requests, and triggers that take what their URL is
// sent. Templates are parsed once, when a component is compiled; data is put in its place in a URL, a header or a body and can never become
// another place.
// It must not know where components are kept, nor flows.
package declarative

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// Validate returns all that is wrong with a declarative component, with paths as in the JSON of the API, e.g. actions[1].request.url.
func Validate(c ipaas.Component) []ipaas.Violation {
	_, wrong := build(c)
	return wrong
}

// Compile makes a component that can be run. The error has every violation that Validate finds.
func Compile(c ipaas.Component) (*component.Component, error) {
	compiled, wrong := build(c)
	if len(wrong) > 0 {
		return nil, ipaas.InvalidArgument(fmt.Sprintf("component %q is not well formed", c.ID), wrong...)
	}
	return compiled, nil
}

// build checks and compiles in one go, so that what is checked is what is run. The component is of use if nothing is wrong.
func build(c ipaas.Component) (*component.Component, []ipaas.Violation) {
	b := &builder{component: &c}
	b.head()
	b.connectionTypes()
	out := &component.Component{
		ID: c.ID, DisplayName: c.DisplayName, Description: c.Description, Version: c.Version, ConnectionTypes: c.ConnectionTypes,
	}
	keys := unique{}
	b.atMost("actions", "actions", len(c.Actions), maxActions)
	for i := range c.Actions {
		at := fmt.Sprintf("actions[%d]", i)
		b.key(at+".key", c.Actions[i].Key)
		b.unique(keys, at+".key", c.Actions[i].Key)
		out.Actions = append(out.Actions, b.action(at, c.Actions[i]))
	}
	keys = unique{}
	b.atMost("triggers", "triggers", len(c.Triggers), maxTriggers)
	for i := range c.Triggers {
		out.Triggers = append(out.Triggers, b.trigger(fmt.Sprintf("triggers[%d]", i), keys, c.Triggers[i]))
	}
	return out, b.found
}

// trigger compiles a trigger: it takes every request at the flow's URL. Its inputs say what the other system was told to send.
func (b *builder) trigger(at string, keys unique, declared ipaas.TriggerType) component.Trigger {
	b.key(at+".key", declared.Key)
	b.unique(keys, at+".key", declared.Key)
	b.texts(at, declared.DisplayName, declared.Description)
	b.fields(at+".inputs", declared.Inputs, inAction)
	return component.Trigger{TriggerType: declared, Receive: func(context.Context, component.Request) (component.Reception, error) {
		return component.Reception{}, nil
	}}
}

// action is a compiled action.
type action struct {
	declared   ipaas.Action
	request    request
	result     expr.Node
	connection string // key of the input that has it; "": none
	uses       bool   // whether a template refers to the connection
}

func (b *builder) action(at string, declared ipaas.Action) component.Action {
	b.texts(at, declared.DisplayName, declared.Description)
	b.effect(at, &declared)
	b.fields(at+".inputs", declared.Inputs, inAction)
	a := &action{declared: declared}
	for i := range declared.Inputs {
		if declared.Inputs[i].Type == ipaas.FieldConnection {
			a.connection = declared.Inputs[i].Key
			break
		}
	}
	names := b.names(&declared)
	a.request = b.request(at+".request", declared.Request, names)
	a.request.write = declared.Effect != ipaas.EffectRead && a.request.method != http.MethodGet && a.request.method != http.MethodHead
	a.uses = names.used
	a.result = b.result(at+".result", declared.Result, names)
	b.undo(at+".undo", &declared, names)
	b.findings(at+".find", &declared, names)
	b.update(at+".update", &declared, names)
	declared.Loops, declared.Branches = false, false
	if declared.Effect == "" {
		declared.Effect = ipaas.EffectWrite
	}
	return component.Action{Action: declared, Perform: a.perform}
}

func (b *builder) result(at, text string, names *names) expr.Node {
	if text == "" {
		text = "{{$response.body}}"
	}
	t := b.template(at, text, names.inResult())
	if t == nil {
		return nil
	}
	return t
}

// effect refuses what the durability of steps could not rely on.
func (b *builder) effect(at string, a *ipaas.Action) {
	switch a.Effect {
	case "", ipaas.EffectWrite:
	case ipaas.EffectRead:
		if a.Undo != nil {
			b.add(at+".effect", ipaas.ReasonMisplaced, "the action creates what its undo removes, so it writes: give WRITE, or remove the undo")
		}
	case ipaas.EffectPure:
		b.add(at+".effect", ipaas.ReasonMisplaced, "the action calls another system, so it is not PURE: give READ or WRITE")
	default:
		b.add(at+".effect", ipaas.ReasonNotAChoice, "the effect %q is unknown: give READ or WRITE", value.Shorten(string(a.Effect)))
	}
}

// retry is how calls are repeated without being asked to: only where that cannot do anything twice.
var retry = component.Retry{Most: 2, Delay: 250 * time.Millisecond, Exponential: true, Cautious: true}

// patience is how often a call of a deployment is repeated where the other system asks to come again.
const patience = 6

func (a *action) perform(ctx context.Context, call component.Call) (component.Result, error) {
	scope := component.Roots{"inputs": call.Inputs.Object()}
	if c := call.Inputs.Connection(a.connection); c != nil {
		scope["connection"] = c.Inputs
	} else if a.uses {
		return component.Result{}, component.Failf("input %q has no connection: give it a config variable of type CONNECTION that has a value", a.connection)
	}
	rendered, err := a.request.render(scope)
	if err != nil {
		return component.Result{}, component.Failf("action %q: %w", a.declared.Key, err)
	}
	repeat := retry
	if call.Patient {
		repeat.Busy = patience
	}
	resp, err := component.Send(ctx, call, component.Exchange{
		Request: rendered, Write: a.request.write, Success: a.request.succeeded, Retry: repeat, Secrets: call.Inputs.Secrets(a.declared.Inputs),
	})
	if err != nil {
		return component.Result{}, err
	}
	return component.Result{Data: expr.Eval(a.result, component.Roots{"inputs": scope["inputs"], "response": response(resp)})}, nil
}

func (r *request) succeeded(status int) bool {
	if len(r.success) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(r.success, status)
}
