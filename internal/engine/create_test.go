package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// shop is a system whose orders can be found and updated. What it is asked the test sees, and what goes wrong it says.
type shop struct {
	orders []string // names; the id of an order is "id-" and its name
	asked  []string
	keys   map[string][]string // idempotency keys by action
	wrong  map[string][]error  // by action: what the next calls fail with; nil: not
	late   bool                // a creation whose answer is lost has been made all the same
	mute   bool                // what is answered to a creation is of no use
}

var (
	errLost    = &component.Failure{Message: "no answer", Unknown: true}
	errRefused = &component.Failure{Message: "refused", Status: 403}
	errExists  = &component.Failure{Message: "there already", Status: 409}
	errGone    = &component.Failure{Message: "not there", Status: 404}
)

func (s *shop) component() *component.Component {
	named := []ipaas.InputField{{Key: "name", Required: true}, {Key: "secret", Secret: true}}
	byID := append([]ipaas.InputField{{Key: "id", Required: true}}, named...)
	return &component.Component{ID: "shop", Actions: []component.Action{
		{
			Action: ipaas.Action{
				Key: "create", Inputs: named, Undo: &ipaas.Undo{Action: "delete", Inputs: map[string]string{"id": "{{$result.id}}", "name": "{{$result.name}}"}},
				Find: &ipaas.Find{Action: "list", Match: ipaas.Match{Item: "{{$item.name}}", Equals: "{{$inputs.name}}"}},
				Update: &ipaas.Update{
					Action: "update", Inputs: map[string]string{"id": "{{$result.id}}", "name": "{{$inputs.name}}"}, Result: "{{$updated}}",
				},
			},
			Perform: s.perform("create"),
		},
		{Action: ipaas.Action{Key: "list", Effect: ipaas.EffectRead}, Perform: s.perform("list")},
		{Action: ipaas.Action{Key: "update", Inputs: byID}, Perform: s.perform("update")},
		{Action: ipaas.Action{Key: "delete", Inputs: byID}, Perform: s.perform("delete")},
	}}
}

func order(id, name string) *value.Object {
	return value.Obj(value.Field{Key: "id", Value: id}, value.Field{Key: "name", Value: name})
}

func (s *shop) perform(action string) func(context.Context, component.Call) (component.Result, error) {
	return func(_ context.Context, call component.Call) (component.Result, error) {
		name := call.Inputs.Text("name")
		s.asked = append(s.asked, strings.TrimSpace(action+" "+name))
		s.keys[action] = append(s.keys[action], call.IdempotencyKey)
		var err error
		if list := s.wrong[action]; len(list) > 0 {
			err, s.wrong[action] = list[0], list[1:]
		}
		if err != nil && (!errors.Is(err, errLost) || !s.late) {
			return component.Result{}, err
		}
		switch action {
		case "create":
			s.orders = append(s.orders, name)
			if s.mute {
				return component.Result{Data: "<html>Please sign in</html>"}, err
			}
		case "delete":
			s.orders = slices.DeleteFunc(s.orders, func(o string) bool { return o == name })
		case "list":
			list := []any{}
			for i, o := range s.orders {
				list = append(list, order(fmt.Sprintf("id-%d", i+1), o))
			}
			return component.Result{Data: list}, err
		}
		return component.Result{Data: order("id-"+action, name)}, err
	}
}

func TestCreationsComeToBeOnce(t *testing.T) {
	t.Parallel()
	doubtful := func(engine.Creation) engine.Decision { return engine.Decision{ID: "reg", Doubtful: true} }
	update := func(c engine.Creation) engine.Decision {
		if c.Anew {
			return engine.Decision{ID: "another"}
		}
		return engine.Decision{ID: "reg", Update: true, Result: order("id-9", "old")}
	}
	taken := func(engine.Creation) engine.Decision {
		return engine.Decision{ID: "reg", Taken: func(id string) (bool, error) { return id == "id-1", nil }}
	}
	tests := []struct {
		name    string
		shop    shop
		secret  string
		without string // what the action does not declare
		decide  func(engine.Creation) engine.Decision
		asked   []string
		result  string // or the error
		unknown bool
		adopted bool
	}{
		{name: "created", asked: []string{"create x"}, result: "id-create"},
		{name: "refused", shop: shop{wrong: map[string][]error{"create": {errRefused}}}, asked: []string{"create x"}, result: "refused"},
		{
			name: "lost and made", shop: shop{late: true, wrong: map[string][]error{"create": {errLost}}},
			asked: []string{"create x", "list", "update x"}, result: "id-update", adopted: true,
		},
		{
			name: "lost and not made", shop: shop{wrong: map[string][]error{"create": {errLost}}},
			asked: []string{"create x", "list", "list", "list", "create x"}, result: "id-create",
		},
		{
			name: "lost twice", shop: shop{wrong: map[string][]error{"create": {errLost, errLost}}},
			asked:  []string{"create x", "list", "list", "list", "create x", "list", "list", "list"},
			result: "no answer", unknown: true,
		},
		{
			name: "lost, and the list fails", shop: shop{late: true, wrong: map[string][]error{"create": {errLost}, "list": {errRefused, errRefused, errRefused}}},
			asked: []string{"create x", "list", "list", "list"}, unknown: true,
			result: "whether it was created is not known, since it could not be looked for: refused",
		},
		{
			name: "lost, and no find", shop: shop{late: true, wrong: map[string][]error{"create": {errLost}}}, without: "find",
			asked: []string{"create x"}, unknown: true,
			result: "no answer; what shop.create was to create may exist, and cannot be looked up: look in the other system",
		},
		{
			name: "answered in no useful way", shop: shop{mute: true},
			asked: []string{"create x", "list", "update x"}, result: "id-update", adopted: true,
		},
		{
			name: "answered in no useful way, and no find", shop: shop{mute: true}, without: "find", asked: []string{"create x"}, unknown: true,
			result: `shop.create was answered, but not as it should be: undo of action "create": input "id": {{$result.id}} gives nothing: ` +
				"the result does not tell what to remove; correct the template, or what the action takes for its result; " +
				"what shop.create was to create may exist, and cannot be looked up: look in the other system",
		},
		{name: "made by an earlier attempt", shop: shop{orders: []string{"x"}}, decide: doubtful, asked: []string{"list", "update x"}, result: "id-update", adopted: true},
		{name: "not made by an earlier attempt", decide: doubtful, asked: []string{"list", "list", "list", "create x"}, result: "id-create"},
		{
			name: "an earlier attempt, and no find", decide: doubtful, without: "find", unknown: true,
			result: "an earlier attempt was cut off while it called shop.create; what shop.create was to create may exist, and cannot be looked up: look in the other system",
		},
		{
			name: "there already", shop: shop{orders: []string{"x"}, wrong: map[string][]error{"create": {errExists}}},
			asked: []string{"create x", "list", "update x"}, result: "id-update", adopted: true,
		},
		{
			name: "there already, for another registration", shop: shop{orders: []string{"x"}, wrong: map[string][]error{"create": {errExists}}}, decide: taken,
			asked: []string{"create x", "list"}, result: "there already",
		},
		{
			name: "there already, and no update", shop: shop{orders: []string{"x"}, wrong: map[string][]error{"create": {errExists}}}, without: "update",
			asked: []string{"create x", "list"}, result: "id-1", adopted: true,
		},
		{
			name: "there already, with another secret", shop: shop{orders: []string{"x"}, wrong: map[string][]error{"create": {errExists}}}, without: "update", secret: "s3cret",
			asked: []string{"create x", "list", "delete x", "create x"}, result: "id-create",
		},
		{
			name: "there already, and its secret cannot be set", unknown: true,
			shop:  shop{orders: []string{"x"}, wrong: map[string][]error{"create": {errExists}, "update": {errRefused}}},
			asked: []string{"create x", "list", "update x"}, result: "it is there already, and could not be updated: refused",
		},
		{
			name: "there twice", shop: shop{orders: []string{"x", "y", "x"}}, decide: doubtful,
			asked: []string{"list", "delete x", "update x"}, result: "id-update", adopted: true,
		},
		{name: "updated", decide: update, asked: []string{"update x"}, result: "id-update"},
		{name: "update refused", decide: update, shop: shop{wrong: map[string][]error{"update": {errRefused}}}, asked: []string{"update x"}, result: "refused"},
		{name: "update lost", decide: update, shop: shop{wrong: map[string][]error{"update": {errLost}}}, asked: []string{"update x"}, result: "no answer", unknown: true},
		{name: "update of what is gone", decide: update, shop: shop{wrong: map[string][]error{"update": {errGone}}}, asked: []string{"update x", "create x"}, result: "id-create"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &tt.shop
			s.keys = map[string][]string{}
			c := s.component()
			switch tt.without {
			case "find":
				c.Actions[0].Find = nil
			case "update":
				c.Actions[0].Update = nil
			}
			def := definition(ipaas.Flow{DisplayName: "Flow", Trigger: ipaas.Trigger{DisplayName: "On Hook"}, Steps: []ipaas.Step{
				step("Create", "shop.create", "name", "x", "secret", tt.secret),
			}})
			h := newRecorder()
			h.decide = tt.decide
			e := newEngine()
			e.LookAgain = []time.Duration{time.Millisecond, time.Millisecond}
			if _, err := e.Run(t.Context(), runOf(engine.Compile(def, def.Hash(), registry().With(c))), h); err != nil {
				t.Fatal(err)
			}
			done := h.done["create"]
			got := done.Error
			if o, ok := done.Result.(*value.Object); ok && got == "" {
				id, _ := o.Get("id")
				got = value.Text(id)
			}
			if got != tt.result || done.Unknown != tt.unknown || done.Creation == nil || done.Creation.Adopted != tt.adopted {
				t.Errorf("it came to %q, unknown %v, creation %+v", got, done.Unknown, done.Creation)
			}
			if diff := cmp.Diff(tt.asked, s.asked); diff != "" {
				t.Errorf("the shop was asked (-want +got):\n%s", diff)
			}
			if keys := s.keys["create"]; len(keys) == 2 && (keys[0] == keys[1]) == slices.Contains(s.asked, "delete x") {
				t.Errorf("the creations have the idempotency keys %v", keys)
			}
		})
	}
}

func TestRemovingIsTheHosts(t *testing.T) {
	t.Parallel()
	c := &component.Component{ID: "clean", Actions: []component.Action{{
		Action:  ipaas.Action{Key: "up", Inputs: []ipaas.InputField{{Key: "key"}}},
		Removes: func(in component.Inputs) (string, error) { return in.Text("key"), nil },
	}}}
	def := definition(ipaas.Flow{DisplayName: "Flow", Trigger: ipaas.Trigger{DisplayName: "On Hook"}, Steps: []ipaas.Step{
		step("One", "clean.up", "key", "hook"), step("Two", "clean.up", "key", "refused"),
	}})
	h := newRecorder()
	out, err := newEngine().Run(t.Context(), runOf(engine.Compile(def, def.Hash(), registry().With(c))), h)
	if err != nil || out.State != ipaas.ExecutionFailed {
		t.Errorf("it is %+v, %v", out, err)
	}
	if diff := cmp.Diff([]string{`one: result "removed"`, `two: result null, error "it is refused"`}, h.record()); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}
