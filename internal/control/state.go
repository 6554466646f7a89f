package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/value"
)

// kept is what flows keep, as the steps of one execution see it. What flows of a deployment change, and what these have started, waits for
// its commit: they see it, and nobody else does.
type kept struct {
	host        *host
	integration string          // its uid; empty: not looked up yet
	waiting     []waitingChange // as far as they were read
	committed   bool            // the deployment that started the execution has succeeded since
}

// waitingChange is a change that waits for the commit of a deployment.
type waitingChange struct {
	place    ipaas.StatePlace
	sequence int64
	component.StateChange
	executionID string
}

// statePage is how many entries are read at a time.
const statePage = 500

// Get implements component.State.
func (k *kept) Get(ctx context.Context, scope ipaas.StateScope, key string) (any, bool, error) {
	if err := component.CheckStateKey(key); err != nil {
		return nil, false, err
	}
	place, err := k.place(ctx, scope)
	if err != nil {
		return nil, false, err
	}
	return k.get(ctx, place, key)
}

func (k *kept) get(ctx context.Context, place ipaas.StatePlace, key string) (any, bool, error) {
	changes, err := k.waitingFor(ctx, place)
	if err != nil {
		return nil, false, err
	}
	var v any
	e, err := k.host.plane.store.GetState(ctx, place, key)
	there := err == nil
	switch {
	case there:
		if v, err = k.host.plane.openState(place, key, e.Sealed); err != nil {
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
func (k *kept) Keys(ctx context.Context, scope ipaas.StateScope) ([]string, error) {
	place, err := k.place(ctx, scope)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for after, more := "", true; more; {
		page, err := k.host.plane.store.ListStateKeys(ctx, place, after, statePage)
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
func (k *kept) All(ctx context.Context, scope ipaas.StateScope) (*value.Object, error) {
	place, err := k.place(ctx, scope)
	if err != nil {
		return nil, err
	}
	return k.all(ctx, place)
}

func (k *kept) all(ctx context.Context, place ipaas.StatePlace) (*value.Object, error) {
	changes, err := k.waitingFor(ctx, place)
	if err != nil {
		return nil, err
	}
	all := map[string]any{}
	for after := ""; ; {
		page, err := k.host.plane.store.ListState(ctx, place, after, statePage)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if all[e.Key], err = k.host.plane.openState(place, e.Key, e.Sealed); err != nil {
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
	for _, key := range sortedKeys(all) {
		o.Set(key, all[key])
	}
	return o, nil
}

// place returns where the flow of this execution keeps what is of a scope.
func (k *kept) place(ctx context.Context, scope ipaas.StateScope) (ipaas.StatePlace, error) {
	j := k.host.job
	place := ipaas.StatePlace{Scope: scope, Owner: j.instance.UID}
	switch scope {
	case ipaas.StateExecution:
		place.Owner = j.execution.ID
	case ipaas.StateFlow:
		place.FlowID = j.execution.FlowID
	case ipaas.StateInstance:
	case ipaas.StateIntegration:
		if k.integration == "" {
			var err error
			if k.integration, err = k.host.plane.integrationOwner(ctx, j.instance); err != nil {
				return place, err
			}
		}
		place.Owner = k.integration
	default:
		return place, fmt.Errorf("there is no scope %q of state", scope)
	}
	return place, nil
}

// integrationOwner returns who owns the state of scope INTEGRATION of an instance. Tests must not change what customers' instances share,
// so a test instance has its own.
func (p *Plane) integrationOwner(ctx context.Context, in ipaas.Instance) (string, error) {
	if in.Kind == ipaas.InstanceTest {
		return in.UID, nil
	}
	integration, err := p.store.GetIntegrationHead(ctx, in.IntegrationID)
	return integration.UID, err
}

// waits reports whether a change of a scope waits for the commit of the deployment.
func (k *kept) waits(scope ipaas.StateScope) bool {
	return k.deployment() != "" && scope != ipaas.StateExecution
}

// deployment is the one whose commit changes wait for; empty: for none.
func (k *kept) deployment() string {
	if k.committed {
		return ""
	}
	return cmp.Or(k.host.job.deployment, k.host.job.pending)
}

// overtaken reports whether the deployment that has started the execution has succeeded, so that what was read is to be read again: what
// waited is carried out. What one started that is undone keeps nothing.
func (k *kept) overtaken(ctx context.Context, scope ipaas.StateScope) (bool, error) {
	if k.host.job.pending == "" || !k.waits(scope) {
		return false, nil
	}
	d, err := k.host.plane.store.GetDeployment(ctx, k.host.job.instance.ID, k.host.job.pending)
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
func (k *kept) waitingFor(ctx context.Context, place ipaas.StatePlace) ([]waitingChange, error) {
	if !k.waits(place.Scope) {
		return nil, nil
	}
	more, err := k.host.plane.waitingChanges(ctx, k.deployment(), k.lastWaiting())
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
func (k *kept) lastWaiting() int64 {
	if n := len(k.waiting); n > 0 {
		return k.waiting[n-1].sequence
	}
	return 0
}

// refusedState says that what a step wants to keep is not kept. It fails the step.
type refusedState struct{ err error }

func (r *refusedState) Error() string { return r.err.Error() }
func (r *refusedState) Unwrap() error { return r.err }

// isRefusal reports whether an error is about the state that was to be changed, and not about who changes it.
func isRefusal(err error) bool {
	var r *refusedState
	reason := ipaas.ReasonOf(err)
	return errors.As(err, &r) || reason == ipaas.ReasonStateFull || reason == ipaas.ReasonInstanceRemoved
}

// outcome is what became of the changes of one step.
type stateOutcome struct {
	changes []storage.StateChange
	waiting []waitingChange // those of them that wait
	result  *any            // the value that is the step's result; nil: none is
}

// changed makes of what a step changes what is stored with it. completes is told the value that is to be the step's result.
func (k *kept) changed(
	ctx context.Context, changes []component.StateChange, completes func(step *ipaas.StepResult, v any) error,
) (*stateOutcome, error) {
	out := &stateOutcome{}
	for _, c := range changes {
		place, err := k.place(ctx, c.Scope)
		if err != nil {
			return nil, err
		}
		if _, secret := k.host.redact(c.Key); secret {
			return nil, &refusedState{errors.New("a key that holds a secret or the URL of a flow would be read by everybody: give another")}
		}
		stored := k.host.plane.stateChange(place, c.Key, k.host.job.execution.ID, []component.StateChange{c}, k.host.redact)
		if c.AsResult {
			stored.Next, stored.Value = k.completing(stored.Next, place, c, completes, out), nil
		}
		if k.waits(c.Scope) {
			w := waitingChange{place: place, StateChange: c, executionID: k.host.job.execution.ID}
			if err := k.wait(ctx, w, &stored, out); err != nil {
				return nil, err
			}
		}
		out.changes = append(out.changes, stored)
	}
	return out, nil
}

// completing makes the value that a key has after a change the step's result.
func (k *kept) completing(
	next func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error), place ipaas.StatePlace, c component.StateChange,
	completes func(step *ipaas.StepResult, v any) error, out *stateOutcome,
) func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) {
	return func(current *storage.StateValue, step *ipaas.StepResult) (*storage.StateValue, error) {
		after, err := next(current, step)
		if err != nil {
			return nil, err
		}
		var v any
		if after != nil {
			if v, err = k.host.plane.openState(place, c.Key, after.Sealed); err != nil {
				return nil, err
			}
		}
		out.result = &v
		return after, completes(step, v)
	}
}

// wait lets a change wait for the commit of the deployment, if it could be carried out now. Whether it still has to is known for certain
// only when it is stored.
func (k *kept) wait(ctx context.Context, w waitingChange, stored *storage.StateChange, out *stateOutcome) error {
	p := k.host.plane
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
		after, _, err := applyState(w.Key, keptValue{exact: v}, there, []component.StateChange{w.StateChange}, nil)
		if err != nil {
			return err
		}
		if w.AsResult {
			out.result = &after.exact
			stored.Sequence = k.lastWaiting() + int64(len(out.waiting)) + 1 // two that count at once get two numbers
		}
	}
	sealed, err := p.sealChange(k.deployment(), w)
	if err != nil {
		return err
	}
	out.waiting = append(out.waiting, w)
	stored.Sealed = sealed
	return nil
}

// A redaction takes secrets and tokens out of a value, and tells whether there were some.
type redaction func(v any) (clean any, changed bool)

// stateChange makes of operations on one key, or of one that clears a place, a change for the store. redact is that of who makes it.
func (p *Plane) stateChange(
	place ipaas.StatePlace, key, executionID string, operations []component.StateChange, redact redaction,
) storage.StateChange {
	change := storage.StateChange{Place: place, Key: key, ExecutionID: executionID}
	if key == "" {
		return change
	}
	if len(operations) > 0 && operations[0].Operation == ipaas.StateSet {
		// It does not depend on what is there: it is done here, so that nobody waits for it while it is stored.
		v, there, err := applyState(key, keptValue{}, false, operations, redact)
		if err == nil && there {
			change.Value = p.sealKept(place, key, v)
		}
		next := change.Value
		change.Next = func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) { return next, err }
		return change
	}
	for _, c := range operations {
		change.Adds += len(value.Encode(c.Value))
	}
	change.Next = func(current *storage.StateValue, _ *ipaas.StepResult) (*storage.StateValue, error) {
		var v keptValue
		if current != nil {
			var err error
			if v, err = p.openKept(place, key, current.Sealed); err != nil {
				return nil, err
			}
		}
		v, there, err := applyState(key, v, current != nil, operations, redact)
		if err != nil || !there {
			return nil, err
		}
		return p.sealKept(place, key, v), nil
	}
	return change
}

// keptValue is the value of a key. Where it holds secrets there is another one to be shown: what is kept for an integration holds those
// of many instances, and each writer knows only its own.
type keptValue struct {
	exact any
	hides bool
	shown any // where it hides something
}

// applyState carries operations out, on what is shown of the value as on the value itself.
func applyState(key string, v keptValue, there bool, operations []component.StateChange, redact redaction) (keptValue, bool, error) {
	for _, c := range operations {
		next, keep, err := c.Apply(v.exact, there)
		if err != nil {
			return v, false, &refusedState{err}
		}
		clean, changed := c.Value, false
		if redact != nil {
			clean, changed = redact(c.Value)
		}
		if c.Operation == ipaas.StateSet {
			v.hides = false // of what there was nothing is left
		}
		if v.hides || changed {
			before := v.exact
			if v.hides {
				before = v.shown
			}
			c.Value = clean
			if v.shown, _, err = c.Apply(before, there); err != nil {
				v.shown = redacted // the operation cannot be carried out on what may be shown
			}
			v.hides = true
		}
		if v.exact, there = next, keep; !keep {
			v = keptValue{}
		}
	}
	if !there {
		return v, false, nil
	}
	if _, err := value.FromGo(v.exact); err != nil { // a list nests one level deeper than what is put into it
		return v, false, &refusedState{fmt.Errorf("key %q would hold what is no value: %w", key, err)}
	}
	if size := len(value.Encode(v.exact)); size > ipaas.MaxStateValue {
		return v, false, &refusedState{fmt.Errorf(
			"key %q would hold %d bytes, and a value may have %d: keep less, or spread it over several keys", key, size, ipaas.MaxStateValue,
		)}
	}
	return v, true, nil
}

// sealKept seals a value, and on a line of its own what is shown of it.
func (p *Plane) sealKept(place ipaas.StatePlace, key string, v keptValue) *storage.StateValue {
	text := value.Encode(v.exact)
	size := len(text)
	if v.hides {
		text = append(append(text, '\n'), value.Encode(v.shown)...)
	}
	return &storage.StateValue{Sealed: p.keys.Seal(text, stateSealPlace(place, key)), Size: size}
}

func (p *Plane) openKept(place ipaas.StatePlace, key, sealed string) (v keptValue, err error) {
	text, err := p.keys.Open(sealed, stateSealPlace(place, key))
	if err != nil {
		return v, fmt.Errorf("open what is kept of scope %s: %w", place.Scope, err)
	}
	text, shown, hides := bytes.Cut(text, []byte("\n")) // which no encoded value holds
	if v.exact, err = value.Decode(text); err != nil || !hides {
		return v, err
	}
	v.hides = true
	v.shown, err = value.Decode(shown)
	return v, err
}

func (p *Plane) openState(place ipaas.StatePlace, key, sealed string) (any, error) {
	v, err := p.openKept(place, key, sealed)
	return v.exact, err
}

func stateSealPlace(place ipaas.StatePlace, key string) string {
	return strings.Join([]string{"state", string(place.Scope), place.Owner, place.FlowID, key}, "|")
}

// changeText is the form on disk, under seal, of a change that waits or was recorded with its step.
type changeText struct {
	Operation ipaas.StateOperation `json:"operation"`
	Key       string               `json:"key,omitempty"`
	Value     string               `json:"value,omitempty"`
}

func textOfChange(c component.StateChange) changeText {
	t := changeText{Operation: c.Operation, Key: c.Key}
	if c.Value != nil {
		t.Value = string(value.Encode(c.Value))
	}
	return t
}

func (t changeText) change(scope ipaas.StateScope) (component.StateChange, error) {
	c := component.StateChange{Scope: scope, Operation: t.Operation, Key: t.Key}
	if t.Value == "" {
		return c, nil
	}
	var err error
	if c.Value, err = value.Decode([]byte(t.Value)); err != nil {
		err = fmt.Errorf("read a change of state: %w", err)
	}
	return c, err
}

func changeSealPlace(deploymentID string, place ipaas.StatePlace) string {
	return strings.Join([]string{"state-change", deploymentID, string(place.Scope), place.Owner, place.FlowID}, "|")
}

func (p *Plane) sealChange(deploymentID string, w waitingChange) (string, error) {
	text, err := json.Marshal(textOfChange(w.StateChange))
	if err != nil {
		return "", fmt.Errorf("keep a change of state: %w", err)
	}
	return p.keys.Seal(text, changeSealPlace(deploymentID, w.place)), nil
}

// waitingChanges returns the changes that wait for the commit of a deployment, in order, those after a sequence.
func (p *Plane) waitingChanges(ctx context.Context, deploymentID string, after int64) ([]waitingChange, error) {
	rows, err := p.store.ListStateChanges(ctx, deploymentID, after)
	if err != nil {
		return nil, err
	}
	return p.openChanges(deploymentID, rows)
}

func (p *Plane) openChanges(deploymentID string, rows []storage.StateChange) ([]waitingChange, error) {
	waiting := make([]waitingChange, len(rows))
	for i, row := range rows {
		text, err := p.keys.Open(row.Sealed, changeSealPlace(deploymentID, row.Place))
		if err != nil {
			return nil, fmt.Errorf("open a change of state of deployment %s: %w", deploymentID, err)
		}
		var t changeText
		if err := json.Unmarshal(text, &t); err != nil {
			return nil, fmt.Errorf("read a change of state of deployment %s: %w", deploymentID, err)
		}
		waiting[i] = waitingChange{place: row.Place, sequence: row.Sequence, executionID: row.ExecutionID}
		if waiting[i].StateChange, err = t.change(row.Place.Scope); err != nil {
			return nil, err
		}
	}
	return waiting, nil
}

// committedState makes of the changes that wait for the commit of a deployment what is carried out with it: on what is there by then, not
// on what the deployment saw, so that nothing is lost of what others count and collect meanwhile.
func (p *Plane) committedState(c *candidate, rows []storage.StateChange) ([]storage.StateChange, error) {
	waiting, err := p.openChanges(c.deployment.ID, rows)
	if err != nil {
		return nil, err
	}
	mask := p.mask(c.urls)
	return p.foldedState(waiting, func(v any) (any, bool) { return withoutSecrets(c.settings, mask, v) }), nil
}

// foldedState makes one change of all operations on the same key, so that each value is opened and sealed once.
func (p *Plane) foldedState(waiting []waitingChange, redact redaction) []storage.StateChange {
	type key struct {
		place ipaas.StatePlace
		name  string
	}
	operations, last := map[key][]component.StateChange{}, map[key]string{}
	var order []key
	for _, w := range waiting {
		at := key{w.place, w.Key}
		if w.Operation == ipaas.StateClear {
			order = slices.DeleteFunc(order, func(k key) bool { return k.place == w.place })
			for k := range operations {
				if k.place == w.place {
					delete(operations, k)
				}
			}
		}
		if _, known := operations[at]; !known {
			order = append(order, at)
		}
		operations[at], last[at] = append(operations[at], w.StateChange), w.executionID
	}
	var changes []storage.StateChange
	for _, at := range order {
		changes = append(changes, p.stateChange(at.place, at.name, last[at], operations[at], redact))
	}
	return changes
}

// replayedState returns what the steps that a replay takes over kept of scope EXECUTION, as changes of the replay.
func (p *Plane) replayedState(executionID string, steps []ipaas.StepResult) ([]storage.StateChange, error) {
	place := ipaas.StatePlace{Scope: ipaas.StateExecution, Owner: executionID}
	var all []waitingChange
	for i := range steps {
		kept, err := p.openExact(steps[i])
		if err != nil {
			return nil, err
		}
		for _, t := range kept.State {
			c, err := t.change(ipaas.StateExecution)
			if err != nil {
				return nil, err
			}
			all = append(all, waitingChange{place: place, StateChange: c, executionID: executionID})
		}
	}
	return p.foldedState(all, nil), nil // nobody is shown it
}

// executionChanges returns those changes of a step that a replay which takes the step over has to make again.
func executionChanges(done engine.Done) []changeText {
	var texts []changeText
	for _, c := range done.State {
		if c.Scope == ipaas.StateExecution {
			texts = append(texts, textOfChange(c))
		}
	}
	return texts
}
