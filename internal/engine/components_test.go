package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func perform(f func(in component.Inputs) (any, error)) func(context.Context, component.Call) (component.Result, error) {
	return func(_ context.Context, call component.Call) (component.Result, error) {
		data, err := f(call.Inputs)
		return component.Result{Data: data}, err
	}
}

// flaky returns an action that goes well after as many failures as it is told.
func flaky() func(context.Context, component.Call) (component.Result, error) {
	failed := 0
	return perform(func(in component.Inputs) (any, error) {
		most, err := in.Int("failures")
		if err != nil {
			return nil, err
		}
		if failed++; failed <= most {
			return nil, errors.New("not yet")
		}
		return "well", nil
	})
}

// registry returns small components that do what the names of their actions say.
func registry() component.Registry {
	return component.NewRegistry(acme(), tools(), branching(), looping(), triggers(), starting())
}

// acme stands for a system in which webhooks are created.
func acme() *component.Component {
	return &component.Component{
		ID: "acme-erp",
		ConnectionTypes: []ipaas.ConnectionType{
			{Key: "apiKey", Inputs: []ipaas.InputField{
				{Key: "baseUrl", Required: true}, {Key: "key", Required: true, Secret: true}, {Key: "retries", Type: ipaas.FieldNumber},
			}},
			{Key: "basic"},
		},
		Actions: []component.Action{
			{
				Action: ipaas.Action{
					Key: "createWebhook", Undo: &ipaas.Undo{Action: "deleteWebhook"},
					Inputs: []ipaas.InputField{
						{Key: "connection", Type: ipaas.FieldConnection, Required: true, ConnectionTypes: []string{"apiKey"}},
						{Key: "url", Required: true},
						{Key: "topic", Choices: []string{"customers", "inventory"}, Default: `"customers"`},
						{Key: "note"},
					},
				},
				Perform: func(_ context.Context, call component.Call) (component.Result, error) {
					url := call.Inputs.Text("url")
					switch {
					case strings.Contains(url, "refused"):
						return component.Result{}, &component.Failure{Message: "acme refused the webhook: give another URL", Status: 422}
					case strings.Contains(url, "lost"):
						return component.Result{}, &component.Failure{Message: "acme did not answer", Unknown: true}
					case strings.Contains(url, "panic"):
						panic("boom")
					}
					call.Log(ipaas.SeverityInfo, "created "+url)
					return component.Result{Data: value.Obj(value.Field{Key: "id", Value: "wh-" + call.Inputs.Text("topic")})}, nil
				},
			},
			{
				Action:  ipaas.Action{Key: "deleteWebhook"},
				Perform: perform(func(component.Inputs) (any, error) { return nil, nil }),
			},
			{
				Action: ipaas.Action{
					Key: "createUser", Undo: &ipaas.Undo{Action: "deleteWebhook"},
					Inputs: []ipaas.InputField{{Key: "anyConnection", Type: ipaas.FieldConnection}, {Key: "tenant"}},
				},
				Target:  func(in component.Inputs) string { return in.Text("tenant") },
				Perform: perform(func(component.Inputs) (any, error) { return "user", nil }),
			},
		},
		Triggers: []component.Trigger{{TriggerType: ipaas.TriggerType{
			Key: "event", Inputs: []ipaas.InputField{{Key: "secret", Required: true}, {Key: "strict", Type: ipaas.FieldBoolean}},
		}}},
	}
}

func tools() *component.Component {
	return &component.Component{ID: "tools", Actions: []component.Action{
		{
			Action: ipaas.Action{Key: "echo", Effect: ipaas.EffectPure, Inputs: []ipaas.InputField{
				{Key: "value", Type: ipaas.FieldData},
				{Key: "list", Type: ipaas.FieldData, Collection: ipaas.CollectionList},
				{Key: "pairs", Collection: ipaas.CollectionKeyValueList},
				{Key: "text"},
				{Key: "number", Type: ipaas.FieldNumber},
			}},
			Perform: perform(func(in component.Inputs) (any, error) {
				for _, key := range []string{"value", "list", "text", "number"} {
					if in[key] != nil {
						return in[key], nil
					}
				}
				if in["pairs"] != nil {
					o := value.Obj()
					for _, pair := range in.Pairs("pairs") {
						o.Set(pair.Key, pair.Value)
					}
					return o, nil
				}
				return nil, nil
			}),
		},
		{
			Action: ipaas.Action{Key: "need", Inputs: []ipaas.InputField{
				{Key: "number", Type: ipaas.FieldNumber, Required: true}, {Key: "text", Required: true},
			}},
			Perform: perform(func(in component.Inputs) (any, error) { return in["number"], nil }),
		},
		{
			Action:  ipaas.Action{Key: "fail", Inputs: []ipaas.InputField{{Key: "message"}}},
			Perform: perform(func(in component.Inputs) (any, error) { return nil, errors.New(in.Text("message")) }),
		},
		{
			Action:  ipaas.Action{Key: "flaky", Inputs: []ipaas.InputField{{Key: "failures", Type: ipaas.FieldNumber}}},
			Perform: flaky(),
		},
		{
			Action:  ipaas.Action{Key: "length", Inputs: []ipaas.InputField{{Key: "value", Type: ipaas.FieldData}}},
			Perform: perform(func(in component.Inputs) (any, error) { return len(value.Text(in["value"])), nil }),
		},
		{
			Action: ipaas.Action{Key: "around", Effect: ipaas.EffectPure}, LooksAround: true,
			Perform: func(_ context.Context, call component.Call) (component.Result, error) {
				seen := value.Obj()
				for key, v := range call.Surroundings.Results().All() {
					if key != "onHook" {
						seen.Set(key, value.Shorten(string(value.JSON(v))))
					}
				}
				return component.Result{Data: seen}, nil
			},
		},
		{
			Action:  ipaas.Action{Key: "panic"},
			Perform: perform(func(in component.Inputs) (any, error) { return []any{}[len(in)], nil }),
		},
		{
			Action:  ipaas.Action{Key: "odd"},
			Perform: perform(func(component.Inputs) (any, error) { return struct{}{}, nil }),
		},
		{
			Action: ipaas.Action{Key: "stop", Inputs: []ipaas.InputField{{Key: "body"}}},
			Perform: func(_ context.Context, call component.Call) (component.Result, error) {
				body := call.Inputs.Text("body")
				return component.Result{Data: body, Stop: &ipaas.Response{Status: 202, Body: []byte(body)}}, nil
			},
		},
		{
			Action: ipaas.Action{Key: "wait"},
			Perform: func(ctx context.Context, _ component.Call) (component.Result, error) {
				<-ctx.Done()
				return component.Result{}, fmt.Errorf("waiting: %w", ctx.Err())
			},
		},
		{
			Action:  ipaas.Action{Key: "many", Inputs: []ipaas.InputField{{Key: "connections", Type: ipaas.FieldConnection, Collection: ipaas.CollectionList}}},
			Perform: perform(func(in component.Inputs) (any, error) { return value.FromInt(int64(len(in.List("connections")))), nil }),
		},
	}}
}

func branching() *component.Component {
	return &component.Component{ID: "branch", Actions: []component.Action{{
		Action: ipaas.Action{Key: "onValue", Effect: ipaas.EffectPure, Branches: true, Inputs: []ipaas.InputField{{Key: "value"}, {Key: "names", Collection: ipaas.CollectionList}}},
		BranchNames: func(inputs map[string]ipaas.Input) []string {
			var names []string
			for _, item := range inputs["names"].Items {
				if v, err := value.Parse([]byte(item.Text)); err == nil {
					names = append(names, value.Text(v))
				}
			}
			return names
		},
		Perform: func(_ context.Context, call component.Call) (component.Result, error) {
			name := call.Inputs.Text("value")
			return component.Result{Data: name, Branch: name}, nil
		},
	}, {
		Action: ipaas.Action{Key: "byConditions", Effect: ipaas.EffectPure, Branches: true, Inputs: []ipaas.InputField{{Key: "conditions", Type: ipaas.FieldConditions}}},
	}}}
}

func looping() *component.Component {
	return &component.Component{ID: "loop", Actions: []component.Action{
		{
			Action: ipaas.Action{
				Key: "overItems", Effect: ipaas.EffectPure, Loops: true,
				Inputs: []ipaas.InputField{{Key: "items", Type: ipaas.FieldData, Collection: ipaas.CollectionList, Required: true}},
			},
			Items: func(_ context.Context, call component.Call) ([]any, error) {
				items := call.Inputs.List("items")
				call.Log(ipaas.SeverityDebug, fmt.Sprint(len(items), " items"))
				if len(items) == 1 && items[0] == "panic" {
					panic("no items")
				}
				if len(items) == 1 && items[0] == "fail" {
					return nil, errors.New("the items cannot be had")
				}
				return items, nil
			},
		},
		{
			Action: ipaas.Action{Key: "breakLoop", Effect: ipaas.EffectPure},
			Breaks: true,
			Perform: func(context.Context, component.Call) (component.Result, error) {
				return component.Result{Break: true}, nil
			},
		},
		{
			Action: ipaas.Action{Key: "secretBreak", Effect: ipaas.EffectPure},
			Perform: func(context.Context, component.Call) (component.Result, error) {
				return component.Result{Break: true}, nil
			},
		},
	}}
}

func triggers() *component.Component {
	return &component.Component{ID: "webhook-triggers", Triggers: []component.Trigger{{TriggerType: ipaas.TriggerType{
		Key: "webhook", Inputs: []ipaas.InputField{{Key: "statusCode", Type: ipaas.FieldNumber}},
	}}}}
}
