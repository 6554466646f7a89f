package builtin_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

// systems are components with no, one and two actions that create.
func systems() component.Registry {
	connection := ipaas.InputField{Key: "connection", Type: ipaas.FieldConnection, Required: true}
	undo := &ipaas.Undo{Action: "remove"}
	hook := component.Action{Action: ipaas.Action{
		Key: "hook", Undo: undo, Inputs: []ipaas.InputField{connection, {Key: "event", Required: true}, {Key: "callbackUrl"}},
	}}
	push := component.Action{Action: ipaas.Action{
		Key: "push", Undo: undo, Inputs: []ipaas.InputField{connection, {Key: "address"}},
		Find: &ipaas.Find{Match: ipaas.Match{Equals: "{{$inputs.address}}"}},
	}}
	other := component.Action{Action: ipaas.Action{Key: "other", Undo: undo, Inputs: []ipaas.InputField{connection}}}
	remove := component.Action{Action: ipaas.Action{Key: "remove"}}
	return component.NewRegistry(
		&component.Component{ID: "none", Actions: []component.Action{remove}},
		&component.Component{ID: "one", Actions: []component.Action{hook, remove}},
		&component.Component{ID: "more", Actions: []component.Action{push, other, remove}},
	)
}

func TestEnsureNamesTheActionThatCreates(t *testing.T) {
	t.Parallel()
	ensure := actionNamed(t, "registration.ensure")
	pairs := func(pairs ...component.Pair) []component.Pair { return pairs }
	tests := []struct {
		name, kind string
		inputs     component.Inputs
		want       string // the action
		given      map[string]any
		err        string
	}{
		{"the only one", "one.key", component.Inputs{"inputs": pairs(component.Pair{Key: "event", Value: "a.b"}), "callbackUrl": "https://x"}, "one.hook", map[string]any{"event": "a.b", "callbackUrl": "https://x"}, ""},
		{"a named one", "more.key", component.Inputs{"action": "push", "callbackUrl": "https://x"}, "more.push", map[string]any{"address": "https://x"}, ""},
		{"no callback URL", "more.key", component.Inputs{"action": "other"}, "more.other", map[string]any{}, ""},
		{"nothing that creates", "none.key", component.Inputs{}, "", nil, "component none has no action that declares an undo: what cannot be removed cannot be ensured"},
		{"which one", "more.key", component.Inputs{}, "", nil, `component more creates different things: give "action" one of push, other`},
		{"another one", "more.key", component.Inputs{"action": "remove"}, "", nil, `component more has no action "remove" that declares an undo: give "action" one of push, other`},
		{"unknown component", "gone.key", component.Inputs{}, "", nil, `the connection is of type gone.key, and there is no component "gone"`},
		{"unknown input", "one.key", component.Inputs{"inputs": pairs(component.Pair{Key: "evnt", Value: "x"})}, "", nil, `input "inputs.evnt": action one.hook has no input of that name`},
		{"missing input", "one.key", component.Inputs{}, "", nil, "inputs.event has no value, and it is required"},
		{"callback URL twice", "one.key", component.Inputs{"callbackUrl": "https://x", "inputs": pairs(component.Pair{Key: "callbackUrl", Value: "https://y"})}, "", nil, `inputs "callbackUrl" and "inputs.callbackUrl" are the same: keep one of them`},
		{"callback URL for nothing", "more.key", component.Inputs{"action": "other", "callbackUrl": "https://x"}, "", nil, `input "callbackUrl": which input of action more.other it is cannot be told: give it among "inputs"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			connection := &component.Connection{Type: tt.kind}
			tt.inputs["connection"], tt.inputs["key"] = connection, "k"
			d, err := ensure.Delegate(tt.inputs, systems())
			if err != nil || tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if name := d.Component.ID + "." + d.Action.Key; name != tt.want || d.Key != "k" || d.Inputs.Connection("connection") != connection {
				t.Errorf("it is %s under %q with %v", name, d.Key, d.Inputs)
			}
			for key, v := range tt.given {
				if diff := cmp.Diff(v, d.Inputs[key]); diff != "" {
					t.Errorf("input %s (-want +got):\n%s", key, diff)
				}
			}
		})
	}
	if _, err := ensure.Delegate(component.Inputs{}, systems()); err == nil {
		t.Error("without a connection nothing is wrong")
	}
}

func TestEnsureIsCheckedByWhatIsWritten(t *testing.T) {
	t.Parallel()
	ensure := actionNamed(t, "registration.ensure")
	typeOf := func(variable string) string { return map[string]string{"Shop": "more.key"}[variable] }
	variable := func(name string) ipaas.Input { return ipaas.Input{Kind: ipaas.InputConfigVariable, Text: name} }
	for _, tt := range []struct {
		name   string
		inputs map[string]ipaas.Input
		fine   bool
	}{
		{"right", map[string]ipaas.Input{"connection": variable("Shop"), "action": ipaas.Literal("push")}, true},
		{"wrong", map[string]ipaas.Input{"connection": variable("Shop"), "action": ipaas.Literal("remove")}, false},
		{"none of two", map[string]ipaas.Input{"connection": variable("Shop")}, false},
		{"known when it runs", map[string]ipaas.Input{"connection": variable("Shop"), "action": {Kind: ipaas.InputReference, Text: "a.results"}}, true},
		{"unknown variable", map[string]ipaas.Input{"connection": variable("Nope")}, true}, // told elsewhere
		{"no connection", map[string]ipaas.Input{}, true},                                  // told elsewhere
	} {
		if err := ensure.CheckDelegate(tt.inputs, typeOf, systems()); (err == nil) != tt.fine {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestRemoveSaysWhat(t *testing.T) {
	t.Parallel()
	remove := actionNamed(t, "registration.remove")
	for _, tt := range []struct {
		inputs component.Inputs
		want   string
		fine   bool
	}{
		{component.Inputs{"key": "hook"}, "hook", true},
		{component.Inputs{"all": true}, "", true},
		{component.Inputs{}, "", false},
		{component.Inputs{"key": "hook", "all": true}, "", false},
	} {
		if key, err := remove.Removes(tt.inputs); key != tt.want || (err == nil) != tt.fine {
			t.Errorf("%v: %q, %v", tt.inputs, key, err)
		}
	}
}
