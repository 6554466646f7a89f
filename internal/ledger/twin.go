package ledger

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// identity is what tells a remote object from others: what created it, and with what result.
type identity struct {
	action *component.Action
	inputs component.Inputs // without connections
	result any
}

// identityOf returns the identity of the object of a registration whose result is known.
func (l *Ledger) identityOf(ctx context.Context, row ipaas.Registration) (o identity, err error) {
	if _, o.action, err = l.creator(ctx, row.Action, row.ComponentVersion); err != nil {
		return o, err
	}
	if o.inputs, err = l.givenInputs(row); err != nil {
		return o, err
	}
	o.result, err = l.OpenResult(row)
	return o, err
}

// is reports whether undoing one removes the other. What undoing is given tells; where versions of a component give it in different ways,
// the remote ids of what the same action has created do.
func (o identity) is(other identity) bool {
	a, errA := component.UndoInputs(o.action, o.result, o.inputs)
	b, errB := component.UndoInputs(other.action, other.result, other.inputs)
	if errA != nil || errB != nil {
		return false // what does not tell what to remove removes nothing
	}
	sameKeys := slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
	if sameKeys && o.action.Undo.Action == other.action.Undo.Action {
		return bytes.Equal(value.Canonical(component.Inputs(a).Object()), value.Canonical(component.Inputs(b).Object()))
	}
	id := component.RemoteID(o.action, o.result, o.inputs)
	return o.action.Key == other.action.Key && id != "" && id == component.RemoteID(other.action, other.result, other.inputs)
}

// twin returns the registration that stands for the same object as one that goes, and stays: another system may answer a creation with
// what is there already. Of several it is the last; nil: there is none. The error tells, too, where it is not known yet.
func (r *remover) twin(ctx context.Context, row ipaas.Registration, remoteID string, o identity) (*ipaas.Registration, error) {
	l := r.ledger
	rows, err := l.store.ListTwins(ctx, row.ID, remoteID)
	if err != nil {
		return nil, err
	}
	for _, other := range slices.Backward(rows) {
		in, _, err := l.debtor(ctx, other.ID)
		if err != nil {
			return nil, err
		}
		near := other.Target == row.Target && in.CustomerID == r.instance.CustomerID
		if other.State == ipaas.RegistrationIntent {
			if !near {
				continue
			}
			if err := r.undecided(ctx, other); err != nil {
				return nil, err
			}
			continue
		}
		theirs, err := l.identityOf(ctx, other)
		if err != nil {
			return nil, err
		}
		if o.is(theirs) && (near || l.sameAccount(ctx, r.instance, row, in, other)) {
			return &other, nil
		}
	}
	return nil, nil
}

// undecided returns an error if what was begun to be created, and is not being created now, may still be: by an execution that a crash has
// torn, or that waits for its next try.
func (r *remover) undecided(ctx context.Context, intent ipaas.Registration) error {
	ex, err := r.ledger.store.GetExecution(ctx, intent.ExecutionID)
	if err != nil || ex.State.Ended() {
		return err
	}
	return fmt.Errorf("execution %s may be about to create it again, as registration %s: it is removed when that is known", ex.ID, intent.ID)
}

// sameAccount reports whether two registrations were made with the very same address and credentials, though the connection was another
// one, or somebody else's: a test's. With others the same id may well be another object.
func (l *Ledger) sameAccount(
	ctx context.Context, in ipaas.Instance, row ipaas.Registration, otherIn ipaas.Instance, other ipaas.Registration,
) bool {
	mine, theirs := l.connectionOf(ctx, in, row), l.connectionOf(ctx, otherIn, other)
	return mine != nil && theirs != nil && value.Equal(mine.Inputs, theirs.Inputs)
}

// connectionOf returns the connection that a registration was made with; nil: it has none, or none any more.
func (l *Ledger) connectionOf(ctx context.Context, in ipaas.Instance, row ipaas.Registration) *component.Connection {
	c, _, err := l.creator(ctx, row.Action, row.ComponentVersion)
	if err != nil || row.ConfigVariable == "" {
		return nil
	}
	s, err := l.settingsAt(ctx, in, row, c)
	if err != nil {
		return nil
	}
	return s.Connection(row.ConfigVariable)
}

// handedOver tells of a registration whose object was not removed.
func handedOver(to *ipaas.Registration) string {
	return fmt.Sprintf("not removed in the other system: registration %s of instance %q stands for the same object", to.ID, to.InstanceID)
}

// giveBack gives an object that was created anew over what is there, by a registration that goes, the inputs of the one that stays. What
// cannot be given back is told, and the next deployment sees to it.
func (r *remover) giveBack(ctx context.Context, row, twin ipaas.Registration) error {
	l := r.ledger
	switch {
	case twin.Action == row.Action && twin.InputsHash == row.InputsHash:
		return nil
	case twin.InstanceID == row.InstanceID && twin.Sequence > row.Sequence:
		return nil // it is as the one that stays has made it
	case twin.BeforeImage != "":
		return nil // a deployment that has not ended is changing it, and sees to it
	}
	in, mask, err := l.debtor(ctx, twin.ID)
	if err != nil {
		return err
	}
	err = l.restore(ctx, in, twin, twin)
	twin.Error, twin.UpdateTime = "", l.now()
	if err != nil {
		twin.InputsHash = "" // it is not as anything says: the next deployment finds that out
		if err := l.store.RestoreRegistration(ctx, twin, twin.UpdateTime); err != nil {
			return unrecorded(twin, err)
		}
		if !gone(err) {
			twin.Error = l.notRestored(ctx, in, twin, mask, err)
		}
	}
	r.restored = append(slices.DeleteFunc(r.restored, func(o ipaas.Registration) bool { return o.ID == twin.ID }), twin)
	return unrecorded(twin, l.store.SettleRegistration(ctx, twin.ID, twin.State, twin.Error, twin.UpdateTime))
}
