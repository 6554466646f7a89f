package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/catalogue"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
)

// UndoAll undoes what is left in other systems, the last created first, and records what became of each: what is REMOVE_PENDING is
// removed, what is CREATED and was updated is restored. It goes on after a failure, which stays visible. It returns the registrations
// as they are now, and others that were given back what these had made of them.
func (l *Ledger) UndoAll(
	ctx context.Context, in ipaas.Instance, rows []ipaas.Registration,
) (undone, givenBack []ipaas.Registration, err error) {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b ipaas.Registration) int { return cmp.Compare(b.Sequence, a.Sequence) })
	if len(rows) == 0 {
		return rows, nil, nil
	}
	urls, err := l.access.ShownURLs(context.WithoutCancel(ctx), in.ID)
	if err != nil {
		return nil, nil, err
	}
	remover := remover{ledger: l, instance: in, mask: access.Mask(urls)}
	var failed error
	for i := range rows {
		if rows[i].State == ipaas.RegistrationCreated && rows[i].BeforeImage != "" {
			rows[i], err = l.restoreRegistration(context.WithoutCancel(ctx), in, rows[i], remover.mask)
		} else {
			err = remover.remove(ctx, &rows[i])
		}
		failed = errors.Join(failed, err)
	}
	return rows, remover.restored, failed
}

// silentAfter is how long a failed try may take before the system it was made in counts as one that does not answer: the rest of what is
// to be removed there waits, so that it holds up nobody.
const silentAfter = 5 * time.Second

// remover removes remote objects of one instance one after another, and records what became of each.
type remover struct {
	ledger   *Ledger
	instance ipaas.Instance // may be a tombstone
	mask     *secret.Mask
	waits    map[string]string    // why nothing is tried any more, by target
	restored []ipaas.Registration // that were given back what those removed had made of them
}

// remove removes one remote object. What cannot be removed is a debt from then on; the error only says that nothing could be recorded.
func (r *remover) remove(ctx context.Context, row *ipaas.Registration) error {
	l := r.ledger
	leave, why := r.begin(ctx, row)
	if why != "" {
		now := l.now()
		row.State, row.Error, row.NextTryTime = ipaas.RegistrationRemoveFailed, "not tried yet: "+why, retryTime(*row, now)
		return l.owe(ctx, row, now)
	}
	defer leave()
	begin := l.now()
	fault.Point("undo-begin")
	state, told, err := r.undo(context.WithoutCancel(ctx), *row)
	fault.Point("undo-called")
	if errors.Is(err, errStopped) {
		return nil // the next start goes on with it
	}
	now := l.now()
	row.State = state
	if err == nil {
		row.Error, row.NextTryTime, row.UpdateTime = told, time.Time{}, now
		err = l.store.SettleRegistration(context.WithoutCancel(ctx), row.ID, row.State, row.Error, row.UpdateTime)
		fault.Point("undo-settled")
		return unrecorded(*row, err)
	}
	if now.Sub(begin) >= silentAfter {
		r.rest(row.Target, "the other system does not answer")
	}
	row.Error = ipaas.Cut(r.mask.Hide(l.access.WithoutKeysOf(ctx, r.instance, err.Error())), ipaas.MaxLogMessage)
	row.Tries, row.LastTryTime = row.Tries+1, now
	row.NextTryTime = retryTime(*row, now)
	l.logger.Warn("a remote object could not be removed", "instance", r.instance.ID, "registration", row.ID, "remote_id", row.RemoteID,
		"tries", row.Tries, "error", row.Error)
	return l.owe(ctx, row, now)
}

// removeWithin is how long a removal waits for creations. One of them may wait for something itself, which might be the removal.
const removeWithin = 10 * time.Second

// begin waits until nothing is created where an object is to be removed. It returns why it is not to be tried now; "": it is.
func (r *remover) begin(ctx context.Context, row *ipaas.Registration) (leave func(), why string) {
	if why := r.waits[row.Target]; why != "" {
		return nil, why
	}
	if ctx.Err() != nil {
		return nil, "the other system does not answer"
	}
	waiting, cancel := context.WithTimeout(ctx, removeWithin)
	defer cancel()
	leave, err := r.ledger.sites.remove(waiting, siteOf(r.instance, row.Action, row.Target))
	if err != nil {
		why = "steps that are creating objects there take long"
		r.rest(row.Target, why)
	}
	return leave, why
}

// rest leaves what else is to be removed in a system for later.
func (r *remover) rest(target, why string) {
	if r.waits == nil {
		r.waits = map[string]string{}
	}
	r.waits[target] = why
}

// owe records a debt.
func (l *Ledger) owe(ctx context.Context, row *ipaas.Registration, now time.Time) error {
	row.UpdateTime = now
	if row.FailTime.IsZero() {
		row.FailTime = now
	}
	return unrecorded(*row, l.store.FailRemoval(context.WithoutCancel(ctx), *row))
}

// unrecorded says of an error of the store what it would not keep.
func unrecorded(row ipaas.Registration, err error) error {
	if err != nil {
		return fmt.Errorf("record what became of registration %s: %w", row.ID, err)
	}
	return nil
}

// undo removes one remote object by the action that its creation declared, with the component and the config it was created with. Where
// the creation's result is not known the object is looked for first. An object that another registration stands for, too, stays: told
// says so.
func (r *remover) undo(ctx context.Context, row ipaas.Registration) (_ ipaas.RegistrationState, told string, err error) {
	l := r.ledger
	if row.ResultSealed == "" {
		state, err := r.undoUnknown(ctx, row)
		return state, "", err
	}
	c, action, err := l.creator(ctx, row.Action, row.ComponentVersion)
	if err != nil {
		return ipaas.RegistrationRemoveFailed, "", err
	}
	o, err := l.identityOf(ctx, row)
	if err != nil {
		return ipaas.RegistrationRemoveFailed, "", err
	}
	twin, err := r.twin(ctx, row, row.RemoteID, o)
	if err != nil {
		return ipaas.RegistrationRemoveFailed, "", err
	}
	if twin != nil {
		if err := r.giveBack(ctx, row, *twin); err != nil {
			return ipaas.RegistrationRemoveFailed, "", err
		}
		return ipaas.RegistrationRemoved, handedOver(twin), nil
	}
	err = l.withCredentials(ctx, r.instance, row, c, action, func(at *remote) error {
		return component.Undo(c, action, at.inputs, o.result, at.do)
	})
	if err != nil && !gone(err) {
		return ipaas.RegistrationRemoveFailed, "", err
	}
	return ipaas.RegistrationRemoved, "", nil // or it is not there: that is what was wanted
}

// undoUnknown looks for what a creation whose result is not known may have created, and removes it. What cannot be looked for is
// UNCONFIRMED, until a newer version of its component can. What it finds may be another registration's, and as the creation made it.
func (r *remover) undoUnknown(ctx context.Context, row ipaas.Registration) (ipaas.RegistrationState, error) {
	l := r.ledger
	c, action, err := l.creator(ctx, row.Action, row.ComponentVersion)
	if err == nil && action.Find == nil {
		c, action, err = l.creator(ctx, row.Action, catalogue.Latest)
	}
	if err != nil {
		return ipaas.RegistrationRemoveFailed, err
	}
	if action.Find == nil {
		return ipaas.RegistrationUnconfirmed, fmt.Errorf(
			"%s may have created it, and declares no find to look for it: look in the other system, and remove it there if it exists", row.Action)
	}
	state := ipaas.RegistrationAbandoned
	err = l.withCredentials(ctx, r.instance, row, c, action, func(o *remote) error {
		found, others, err := l.lookFor(ctx, row, c, action, o)
		for _, result := range found {
			if err := component.Undo(c, action, o.inputs, result, o.do); err != nil && !gone(err) {
				return err
			}
			state = ipaas.RegistrationRemoved
		}
		for _, result := range others {
			id := identity{action, o.inputs, result}
			twin, err := r.twin(ctx, row, r.mask.Hide(component.RemoteID(action, result, o.inputs)), id)
			if err != nil {
				return err
			}
			if twin == nil {
				continue
			}
			if err := r.giveBack(ctx, row, *twin); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		return ipaas.RegistrationRemoveFailed, err
	}
	return state, nil
}

// lookFor returns what a creation has created, and no other registration has, and what is as it would have created it, and is others'. It
// looks again where there is nothing yet: a call that was cut off may go on at the other end.
func (l *Ledger) lookFor(
	ctx context.Context, row ipaas.Registration, c *component.Component, action *component.Action, o *remote,
) (free, others []any, err error) {
	taken := l.Taken(ctx, row)
	for i := 0; ; i++ {
		found, err := component.Find(c, action, o.inputs, o.do)
		if err != nil {
			return nil, nil, err
		}
		others = nil
		for _, result := range found {
			other, err := taken(component.RemoteID(action, result, o.inputs))
			if err != nil {
				return nil, nil, err
			}
			if other {
				others = append(others, result)
			} else {
				free = append(free, result)
			}
		}
		if len(free) > 0 || i == len(l.lookAgain) {
			return free, others, nil
		}
		select {
		case <-time.After(l.lookAgain[i]):
		case <-l.stop.Done():
			return nil, nil, errStopped
		}
	}
}

// Taken returns what tells whether a remote id is that of another registration of the customer, whose object may exist. Only ids of the
// same kind of object in the same system are compared: others may well be equal by chance, as may those of other customers' accounts.
func (l *Ledger) Taken(ctx context.Context, row ipaas.Registration) func(remoteID string) (bool, error) {
	return func(remoteID string) (bool, error) {
		if remoteID == "" {
			return false, nil
		}
		rivals, err := l.store.ListRivals(ctx, row.ID)
		if err != nil {
			return false, err
		}
		urls, err := l.access.ShownURLs(ctx, row.InstanceID)
		if err != nil {
			return false, err
		}
		stored := access.Mask(urls).Hide(remoteID)
		return slices.ContainsFunc(rivals, func(r ipaas.Registration) bool { return r.RemoteID == stored }), nil
	}
}
