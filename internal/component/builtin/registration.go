package builtin

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// registration does with the registrations of other components what a step that creates one cannot: it takes over what is there
// already, whoever created it, and it removes. A step that runs the creating action itself knows only what Headrace has created.
func registration() *component.Component {
	return &component.Component{
		ID: "registration", DisplayName: "Registration",
		Description: "See to it that something exists once in another system, e.g. a webhook, or that it does not.",
		Actions:     []component.Action{ensure(), removeRegistration()},
	}
}

func ensure() component.Action {
	return component.Action{
		Action: ipaas.Action{
			Key: "ensure", DisplayName: "Ensure", Effect: ipaas.EffectWrite,
			Description: "Has an object exist as the inputs say, by the action of the connection's component that creates such objects. One that this step has created before is kept, " +
				"or updated. One that is there already, exactly for the same callback URL by the component's `find`, is adopted: its secret is set again by the component's `update`, or it is replaced. " +
				"Else it is created. Where nothing can be there that Headrace has not created, a step with the creating action itself does the same.",
			Output: "What the creating action gives; of an object that is kept or adopted, what is known of it.",
			Inputs: []ipaas.InputField{
				{
					Key: "connection", DisplayName: "Connection", Type: ipaas.FieldConnection, Required: true,
					Description: "How to sign in to the other system. Its component says how such objects are created, found, updated and removed.",
				},
				{
					Key: "action", DisplayName: "Action", Example: "createWebhook",
					Description: "The key of the action that creates the object; it declares an `undo`. May be left out where the component has one such action only.",
				},
				{
					Key: "inputs", DisplayName: "Inputs", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList,
					Description: "The inputs of that action, by key. The connection is passed on by itself.",
				},
				{
					Key: "callbackUrl", DisplayName: "Callback URL",
					Description: "The URL that the other system is to call: the input `callbackUrl` of the action, or else the one by which the object is found.",
				},
				{
					Key: "key", DisplayName: "Key", Example: "customer-webhook",
					Description: "What the object is known by within the flow, and removed by. It outlives a rename of the step. Default: the step and its place in loops.",
				},
			},
		},
		Delegate: delegate, CheckDelegate: checkDelegate,
	}
}

func removeRegistration() component.Action {
	return component.Action{
		Action: ipaas.Action{
			Key: "remove", DisplayName: "Remove", Effect: ipaas.EffectWrite,
			Description: "Removes what flows of the instance have registered in other systems. What is not there any more counts as removed; what the other system refuses stays listed and is " +
				"tried again. For instance-remove flows that want an order of their own; what remains after them is removed in any case. Not for instance-deploy flows: what they do not ensure " +
				"again is removed when the deployment has succeeded.",
			Output: "An object with the numbers `removed` and `remaining`.",
			Inputs: []ipaas.InputField{
				{Key: "key", DisplayName: "Key", Description: "The key under which it was registered: that of `ensure`, or the id of the step.", Example: "customer-webhook"},
				{Key: "all", DisplayName: "All", Type: ipaas.FieldBoolean, Description: "Whether to remove all that the instance has registered. Then there is no key."},
			},
		},
		Removes: removes,
	}
}

func removes(in component.Inputs) (string, error) {
	key := in.Text("key")
	switch {
	case key == "" && !in.Bool("all"):
		return "", errors.New(`neither "key" nor "all" is set: say what to remove`)
	case key != "" && in.Bool("all"):
		return "", errors.New(`both "key" and "all" are set: keep one of them`)
	}
	return key, nil
}

// delegate names the action that creates what ensure is to have exist.
func delegate(in component.Inputs, registry component.Registry) (component.Delegation, error) {
	connection := in.Connection("connection")
	if connection == nil {
		return component.Delegation{}, errors.New(`input "connection" has no connection: give it a config variable of type CONNECTION that has a value`)
	}
	c, action, err := creating(connection.Type, in.Text("action"), registry)
	if err != nil {
		return component.Delegation{}, err
	}
	raw := map[string]any{}
	for _, p := range in.Pairs("inputs") {
		if ipaas.Field(action.Inputs, p.Key) == nil {
			return component.Delegation{}, fmt.Errorf("input %q: action %s.%s has no input of that name", "inputs."+p.Key, c.ID, action.Key)
		}
		raw[p.Key] = p.Value
	}
	if url := in.Text("callbackUrl"); url != "" {
		key := callbackInput(action)
		if key == "" {
			return component.Delegation{}, fmt.Errorf("input \"callbackUrl\": which input of action %s.%s it is cannot be told: give it among \"inputs\"", c.ID, action.Key)
		}
		if _, twice := raw[key]; twice {
			return component.Delegation{}, fmt.Errorf("inputs \"callbackUrl\" and %q are the same: keep one of them", "inputs."+key)
		}
		raw[key] = url
	}
	inputs, err := component.PassOn(action, raw, in)
	if err != nil {
		return component.Delegation{}, sayAll(err)
	}
	return component.Delegation{Component: c, Action: action, Inputs: inputs, Key: in.Text("key")}, nil
}

// sayAll makes of violations one sentence.
func sayAll(err error) error {
	var e *ipaas.Error
	if !errors.As(err, &e) {
		return err
	}
	said := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		said[i] = v.Field + " " + v.Description
	}
	return errors.New(strings.Join(said, "; "))
}

// creating returns the action of a connection's component that creates objects: the one with the key, or else the only one.
func creating(connectionType, key string, registry component.Registry) (*component.Component, *component.Action, error) {
	id, _, _ := strings.Cut(connectionType, ".")
	c := registry.Component(id)
	if c == nil {
		return nil, nil, fmt.Errorf("the connection is of type %s, and there is no component %q", connectionType, id)
	}
	var keys []string
	for i := range c.Actions {
		if c.Actions[i].Undo != nil {
			keys = append(keys, c.Actions[i].Key)
		}
	}
	switch {
	case len(keys) == 0:
		return nil, nil, fmt.Errorf("component %s has no action that declares an undo: what cannot be removed cannot be ensured", c.ID)
	case key == "" && len(keys) > 1:
		return nil, nil, fmt.Errorf("component %s creates different things: give \"action\" one of %s", c.ID, strings.Join(keys, ", "))
	case key == "":
		key = keys[0]
	case !slices.Contains(keys, key):
		return nil, nil, fmt.Errorf("component %s has no action %q that declares an undo: give \"action\" one of %s", c.ID, key, strings.Join(keys, ", "))
	}
	return c, c.Action(key), nil
}

// callbackInput returns the input of an action that is a callback URL: the one of that name, or the only one that objects are found by.
func callbackInput(action *component.Action) string {
	const usual = "callbackUrl"
	if ipaas.Field(action.Inputs, usual) != nil {
		return usual
	}
	if action.Find == nil {
		return ""
	}
	node, err := expr.Tmpl(action.Find.Match.Equals)
	if err != nil {
		return "" // refused when the component was checked
	}
	named := map[string]bool{}
	expr.Walk(node, func(_ string, n expr.Node) {
		if ref, ok := n.(*expr.ReferenceNode); ok && ref.Key == "inputs" && len(ref.Path()) > 0 {
			named[ref.Path()[0]] = true
		}
	})
	if len(named) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(named))[0]
}

// checkDelegate refuses what can be told from a definition: a component that cannot create, or has no such action.
func checkDelegate(inputs map[string]ipaas.Input, typeOf func(variable string) string, registry component.Registry) error {
	connection, action := inputs["connection"], inputs["action"]
	if connection.Kind != ipaas.InputConfigVariable {
		return nil
	}
	kind := typeOf(connection.Text)
	if kind == "" {
		return nil // a problem of the config variable, told there
	}
	key := ""
	if action.Kind != "" {
		if action.Kind != ipaas.InputValue {
			return nil
		}
		v, err := value.Parse([]byte(action.Text))
		if err != nil {
			return nil //nolint:nilerr // told where inputs are checked
		}
		key = value.Text(v)
	}
	_, _, err := creating(kind, key, registry)
	return err
}
