package control_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// remote is the world outside: it holds objects that flows create, and does what steps ask of it once for each idempotency key.
type remote struct {
	mu      sync.Mutex
	random  *rand.Rand
	moody   bool // it sometimes fails, before or after it did what it was asked
	objects map[string]remoteObject
	effects map[string]map[string]int // by what was asked, then by idempotency key
	log     []string                  // what was done, in order
	made    int
}

type remoteObject struct{ instance, name string }

func newRemote(seed uint64) *remote {
	return &remote{random: rand.New(rand.NewPCG(seed, 99)), objects: map[string]remoteObject{}, effects: map[string]map[string]int{}}
}

// perform does something, unless the process that asks is dead, and fails as its mood is. What was done before a failure is done.
func (r *remote) perform(ctx context.Context, asks *faults, what func() any) (component.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if asks.isDead() || ctx.Err() != nil {
		return component.Result{}, errors.Join(ctx.Err(), errDead())
	}
	mood := 100
	if r.moody {
		mood = r.random.IntN(100)
	}
	switch {
	case mood < 3:
		return component.Result{}, &component.Failure{Message: "the remote system refuses", Status: 500}
	case mood < 6:
		what()
		return component.Result{}, &component.Failure{Message: "the remote system went away", Unknown: true}
	case mood < 8:
		what()
		return component.Result{}, &component.Failure{Message: "the remote system answers nonsense", Status: 502, Unknown: true}
	default:
		return component.Result{Data: what()}, nil
	}
}

// component is the connector to the world as a process has it that may die.
func (r *remote) component(asks *faults) *component.Component {
	text := func(key string) ipaas.InputField { return ipaas.InputField{Key: key} }
	return &component.Component{
		ID: "remote", DisplayName: "Remote",
		Actions: []component.Action{
			{
				Action: ipaas.Action{
					Key: "create", Effect: ipaas.EffectWrite, Inputs: []ipaas.InputField{text("instance"), text("name"), text("size")},
					Undo: &ipaas.Undo{Action: "delete", Inputs: map[string]string{"id": "{{$result.id}}"}},
				},
				Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
					return r.perform(ctx, asks, func() any { return r.create(call.Inputs.Text("instance"), call.Inputs.Text("name")) })
				},
			},
			{
				Action: ipaas.Action{Key: "delete", Effect: ipaas.EffectWrite, Inputs: []ipaas.InputField{text("id")}},
				Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
					return r.perform(ctx, asks, func() any {
						delete(r.objects, call.Inputs.Text("id"))
						return nil
					})
				},
			},
			{
				Action: ipaas.Action{
					Key: "do", Effect: ipaas.EffectWrite,
					Inputs: []ipaas.InputField{text("what"), {Key: "event", Type: ipaas.FieldData}},
				},
				Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
					what := call.Inputs.Text("what") + " of " + string(value.JSON(call.Inputs.Value("event")))
					return r.perform(ctx, asks, func() any { return r.effect(what, call.IdempotencyKey) })
				},
			},
			{
				Action: ipaas.Action{Key: "fail"},
				Perform: func(context.Context, component.Call) (component.Result, error) {
					return component.Result{}, component.Failf("as it should")
				},
			},
		},
	}
}

func (r *remote) create(instance, name string) any {
	r.made++
	id := fmt.Sprintf("object-%d", r.made)
	r.objects[id] = remoteObject{instance, name}
	return value.Obj(value.Field{Key: "id", Value: id})
}

func (r *remote) effect(what, key string) any {
	if r.effects[what] == nil {
		r.effects[what] = map[string]int{}
	}
	r.effects[what][key]++
	r.log = append(r.log, what)
	return what
}
