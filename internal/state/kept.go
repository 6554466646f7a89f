package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/value"
)

// Run is an execution whose steps keep something.
type Run struct {
	ExecutionID string
	Instance    ipaas.Instance
	FlowID      string
	Deployment  string    // the deployment it is part of; empty: of none
	Pending     string    // the deployment whose flow has started it, which ran then: what it keeps waits for that, too
	Redact      Redaction // takes out the secrets that it knows
}

// Kept is what flows keep, as the steps of one execution see it. What flows of a deployment change, and what these have started, waits for
// its commit: they see it, and nobody else does.
type Kept struct {
	keeper      *Keeper
	run         Run
	integration string          // its uid; empty: not looked up yet
	waiting     []waitingChange // as far as they were read
	committed   bool            // the deployment that started the execution has succeeded since
}

// Of returns what flows keep, as the steps of an execution see it.
func (k *Keeper) Of(run Run) *Kept { return &Kept{keeper: k, run: run} }

// statePage is how many entries are read at a time.
const statePage = 500

// Get implements component.State.
func (k *Kept) Get(ctx context.Context, scope ipaas.StateScope, key string) (any, bool, error) {
	if err := component.CheckStateKey(key); err != nil {
		return nil, false, err
	}
	place, err := k.place(ctx, scope)
	if err != nil {
		return nil, false, err
	}
	return k.get(ctx, place, key)
}

func (k *Kept) get(ctx context.Context, place ipaas.StatePlace, key string) (any, bool, error) {
	changes, err := k.waitingFor(ctx, place)
	if err != nil {
		return nil, false, err
	}
	var v any
	e, err := k.keeper.store.GetState(ctx, place, key)
	there := err == nil
	switch {
	case there:
		if v, err = k.keeper.open(place, key, e.Sealed); err != nil {
			return nil, false, err
		}
	case !errors.Is(err, ipaas.NotFound):
		return nil, false, err
	}
	if again, err := k.overtaken(ctx, place.Scope); err != nil {
		return nil, false, err
	} else if again {
		return k.get(ctx, place, key)
	}
	for _, c := range changes {
		switch {
		case c.Operation == ipaas.StateClear:
			v, there = nil, false
		case c.Key == key:
			if v, there, err = c.Apply(v, there); err != nil {
				return nil, false, &refusedState{err} // others have changed what is there
			}
		}
	}
	return v, there, nil
}

// Keys implements component.State.
func (k *Kept) Keys(ctx context.Context, scope ipaas.StateScope) ([]string, error) {
	place, err := k.place(ctx, scope)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for after, more := "", true; more; {
		page, err := k.keeper.store.ListStateKeys(ctx, place, after, statePage)
		if err != nil {
			return nil, err
		}
		for _, key := range page {
			keys[key], after = true, key
		}
		more = len(page) == statePage
	}
	changes, err := k.waitingFor(ctx, place)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		switch {
		case c.Operation == ipaas.StateClear:
			clear(keys)
		case c.Keeps(keys[c.Key]):
			keys[c.Key] = true
		default:
			delete(keys, c.Key)
		}
	}
	return slices.Sorted(maps.Keys(keys)), nil
}

// All implements component.State.
func (k *Kept) All(ctx context.Context, scope ipaas.StateScope) (*value.Object, error) {
	place, err := k.place(ctx, scope)
	if err != nil {
		return nil, err
	}
	return k.all(ctx, place)
}

func (k *Kept) all(ctx context.Context, place ipaas.StatePlace) (*value.Object, error) {
	changes, err := k.waitingFor(ctx, place)
	if err != nil {
		return nil, err
	}
	all := map[string]any{}
	for after := ""; ; {
		page, err := k.keeper.store.ListState(ctx, place, after, statePage)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if all[e.Key], err = k.keeper.open(place, e.Key, e.Sealed); err != nil {
				return nil, err
			}
			after = e.Key
		}
		if len(page) < statePage {
			break
		}
	}
	if again, err := k.overtaken(ctx, place.Scope); err != nil {
		return nil, err
	} else if again {
		return k.all(ctx, place)
	}
	for _, c := range changes {
		if c.Operation == ipaas.StateClear {
			clear(all)
			continue
		}
		v, there := all[c.Key]
		v, there, err := c.Apply(v, there)
		if err != nil {
			return nil, err
		}
		if all[c.Key] = v; !there {
			delete(all, c.Key)
		}
	}
	o := value.Obj()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		o.Set(key, all[key])
	}
	return o, nil
}

// place returns where the flow of this execution keeps what is of a scope.
func (k *Kept) place(ctx context.Context, scope ipaas.StateScope) (ipaas.StatePlace, error) {
	place := ipaas.StatePlace{Scope: scope, Owner: k.run.Instance.UID}
	switch scope {
	case ipaas.StateExecution:
		place.Owner = k.run.ExecutionID
	case ipaas.StateFlow:
		place.FlowID = k.run.FlowID
	case ipaas.StateInstance:
	case ipaas.StateIntegration:
		if k.integration == "" {
			var err error
			if k.integration, err = k.keeper.Owner(ctx, k.run.Instance); err != nil {
				return place, err
			}
		}
		place.Owner = k.integration
	default:
		return place, fmt.Errorf("there is no scope %q of state", scope)
	}
	return place, nil
}

// waits reports whether a change of a scope waits for the commit of the deployment.
func (k *Kept) waits(scope ipaas.StateScope) bool {
	return k.deployment() != "" && scope != ipaas.StateExecution
}

// deployment is the one whose commit changes wait for; empty: for none.
func (k *Kept) deployment() string {
	if k.committed {
		return ""
	}
	return cmp.Or(k.run.Deployment, k.run.Pending)
}

// overtaken reports whether the deployment that has started the execution has succeeded, so that what was read is to be read again: what
// waited is carried out. What one started that is undone keeps nothing.
func (k *Kept) overtaken(ctx context.Context, scope ipaas.StateScope) (bool, error) {
	if k.run.Pending == "" || !k.waits(scope) {
		return false, nil
	}
	d, err := k.keeper.store.GetDeployment(ctx, k.run.Instance.ID, k.run.Pending)
	switch {
	case err != nil:
		return false, err
	case d.State == ipaas.DeploymentRunning:
		return false, nil
	case d.State == ipaas.DeploymentSucceeded:
		k.committed, k.waiting = true, nil
		return true, nil
	default:
		return false, &refusedState{fmt.Errorf("deployment %s failed, and what its flows have started keeps nothing", d.ID)}
	}
}

// waitingFor returns the changes of a place that wait for the commit of the deployment.
func (k *Kept) waitingFor(ctx context.Context, place ipaas.StatePlace) ([]waitingChange, error) {
	if !k.waits(place.Scope) {
		return nil, nil
	}
	more, err := k.keeper.waitingChanges(ctx, k.deployment(), k.lastWaiting())
	if err != nil {
		return nil, err
	}
	k.waiting = append(k.waiting, more...)
	var of []waitingChange
	for _, c := range k.waiting {
		if c.place == place {
			of = append(of, c)
		}
	}
	return of, nil
}

// lastWaiting is the sequence of the last change that is known to wait.
func (k *Kept) lastWaiting() int64 {
	if n := len(k.waiting); n > 0 {
		return k.waiting[n-1].sequence
	}
	return 0
}

// Outcome is what became of the changes of one step.
type Outcome struct {
	Changes []storage.StateChange // as they are stored with the end of the step
	Result  *any                  // the value that is the step's result, known when they are stored; nil: none is

	waiting []waitingChange // those of them that wait
}

// Changed makes of what a step changes what is stored with it. completes is told the value that is to be the step's result.
func (k *Kept) Changed(
	ctx context.Context, changes []component.StateChange, completes func(step *ipaas.StepResult, v any) error,
) (*Outcome, error) {
	out := &Outcome{}
	for _, c := range changes {
		place, err := k.place(ctx, c.Scope)
		if err != nil {
			return nil, err
		}
		if _, secret := k.run.Redact(c.Key); secret {
			return nil, &refusedState{errors.New("a key that holds a secret or the URL of a flow would be read by everybody: give another")}
		}
		stored := k.keeper.Change(place, c.Key, k.run.ExecutionID, []component.StateChange{c}, k.run.Redact)
		if c.AsResult {
			stored.Next, stored.Value = k.completing(stored.Next, place, c, completes, out), nil
		}
		if k.waits(c.Scope) {
			w := waitingChange{place: place, StateChange: c, executionID: k.run.ExecutionID}
			if err := k.wait(ctx, w, &stored, out); err != nil {
				return nil, err
			}
		}
		out.Changes = append(out.Changes, stored)
	}
	return out, nil
}

// completing makes the value that a key has after a change the step's result.
func (k *Kept) completing(
	next func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error), place ipaas.StatePlace, c component.StateChange,
	completes func(step *ipaas.StepResult, v any) error, out *Outcome,
) func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) {
	return func(current *storage.StateValue, step *ipaas.StepResult) (*storage.StateValue, error) {
		after, err := next(current, step)
		if err != nil {
			return nil, err
		}
		var v any
		if after != nil {
			if v, err = k.keeper.open(place, c.Key, after.Sealed); err != nil {
				return nil, err
			}
		}
		out.Result = &v
		return after, completes(step, v)
	}
}

// wait lets a change wait for the commit of the deployment, if it could be carried out now. Whether it still has to is known for certain
// only when it is stored.
func (k *Kept) wait(ctx context.Context, w waitingChange, stored *storage.StateChange, out *Outcome) error {
	if w.Operation != ipaas.StateClear {
		v, there, err := k.get(ctx, w.place, w.Key)
		if err != nil || !k.waits(w.place.Scope) {
			return err
		}
		for _, earlier := range out.waiting { // of the same step
			switch {
			case earlier.place != w.place:
			case earlier.Operation == ipaas.StateClear:
				v, there = nil, false
			case earlier.Key == w.Key:
				if v, there, err = earlier.Apply(v, there); err != nil {
					return &refusedState{err}
				}
			}
		}
		after, _, err := Apply(w.Key, Value{Exact: v}, there, []component.StateChange{w.StateChange}, nil)
		if err != nil {
			return err
		}
		if w.AsResult {
			out.Result = &after.Exact
			stored.Sequence = k.lastWaiting() + int64(len(out.waiting)) + 1 // two that count at once get two numbers
		}
	}
	sealed, err := k.keeper.sealChange(k.deployment(), w)
	if err != nil {
		return err
	}
	out.waiting = append(out.waiting, w)
	stored.Sealed = sealed
	return nil
}
