package control

import (
	"context"
	"errors"
	"slices"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/ledger"
	"github.com/headrace/headrace/internal/value"
)

// Intent implements engine.Host. It goes on with what an earlier attempt announced. In a deployment an object that is there already, in
// the same place with the same inputs, is kept; one with other inputs is updated, if that can be done, or else created anew.
func (h *host) Intent(ctx context.Context, c engine.Creation) (engine.Decision, error) {
	if h.job.offline {
		return engine.Decision{ID: ipaas.NewID("reg")}, nil // nothing is there that would have to be removed
	}
	if err := h.checkInstance(ctx); err != nil {
		return engine.Decision{}, err
	}
	if c.Anew {
		if err := h.forgetGone(ctx, c); err != nil {
			return engine.Decision{}, err
		}
		return h.announce(ctx, c)
	}
	if h.job.execution.Attempts > 1 || h.tried[c.Step.Path] {
		decision, torn, err := h.earlierIntent(ctx, c)
		if err != nil || torn {
			return decision, err
		}
	}
	if h.job.reconcile {
		decision, there, err := h.reconcile(ctx, c)
		if err != nil || there {
			return decision, err
		}
	}
	return h.announce(ctx, c)
}

// checkInstance refuses to touch the ledger when the instance is deleted, and its id perhaps another one's.
func (h *host) checkInstance(ctx context.Context) error {
	in, err := h.plane.store.GetInstance(ctx, h.job.instance.ID)
	if err == nil && in.UID != h.job.instance.UID {
		err = ipaas.Absent("instance", h.job.instance.ID)
	}
	return err
}

// announce commits the intent to create an object, before the call that does.
func (h *host) announce(ctx context.Context, c engine.Creation) (engine.Decision, error) {
	if err := h.beginCreating(ctx, c); err != nil {
		return engine.Decision{}, err
	}
	ex := h.job.execution
	row := ipaas.Registration{
		ID: ipaas.NewID("reg"), InstanceID: ex.InstanceID, FlowID: ex.FlowID, StepID: c.Step.ID, Key: c.Key, Action: c.Step.Action,
		ComponentVersion: c.Component.Version, DeploymentID: h.job.deployment, ExecutionID: ex.ID, Generation: ex.Generation,
		ConfigRevision: ex.ConfigRevision, ConfigVariable: c.ConfigVariableID, Target: c.Target, InputsHash: c.InputsHash,
		State: ipaas.RegistrationIntent, CreateTime: h.plane.now(), UpdateTime: h.plane.now(),
	}
	row.InputsSealed = h.plane.ledger.SealInputs(row.ID, shownInputs(c.Step.Inputs))
	row, err := h.plane.store.BeginRegistration(ctx, row)
	if err != nil {
		return engine.Decision{}, err
	}
	fault.Point("intent-recorded")
	return h.remember(ctx, row, engine.Decision{}), nil
}

// beginCreating waits until nothing is removed where a step is about to create or to update something, and keeps it so until the step's
// end, or its try's, is recorded.
func (h *host) beginCreating(ctx context.Context, c engine.Creation) error {
	if h.creating[c.Step.Path] != nil {
		return nil
	}
	leave, err := h.plane.ledger.Creating(ctx, h.job.instance, c.Step.Action, c.Target)
	if err == nil {
		h.creating[c.Step.Path] = leave
	}
	return err
}

// endCreating lets what waits for a step's creation go on.
func (h *host) endCreating(path string) {
	if leave := h.creating[path]; leave != nil {
		delete(h.creating, path)
		leave()
	}
}

// remember remembers the row of a decision until its step has ended.
func (h *host) remember(ctx context.Context, row ipaas.Registration, d engine.Decision) engine.Decision {
	h.intents[row.ID] = row
	h.used[row.ID] = true
	d.ID, d.Taken = row.ID, h.plane.ledger.Taken(ctx, row)
	return d
}

// earlierIntent finds what an earlier attempt or try of this execution announced and did not record the end of. In a deployment, or where the
// object can be looked for, it is gone on with. Elsewhere it is left as UNCONFIRMED, and the step is run again as every step is.
func (h *host) earlierIntent(ctx context.Context, c engine.Creation) (engine.Decision, bool, error) {
	rows, err := h.plane.store.ListRegistrations(ctx, h.job.execution.InstanceID, ipaas.RegistrationIntent)
	if err != nil {
		return engine.Decision{}, false, err
	}
	for _, row := range rows {
		if row.ExecutionID != h.job.execution.ID || row.Key != c.Key || row.Action != c.Step.Action {
			continue
		}
		if c.Action.Find != nil || h.job.deployment != "" {
			if err := h.beginCreating(ctx, c); err != nil {
				return engine.Decision{}, false, err
			}
			return h.remember(ctx, row, engine.Decision{Doubtful: true}), true, nil
		}
		const cutOff = "the server stopped while it was being created: it may exist, and cannot be looked up"
		if err := h.plane.store.SettleRegistration(ctx, row.ID, ipaas.RegistrationUnconfirmed, cutOff, h.plane.now()); err != nil {
			return engine.Decision{}, false, err
		}
	}
	return engine.Decision{}, false, nil
}

// reconcile looks for the object that an earlier deployment created, and keeps or updates it. Flows from elsewhere begin by removing all
// that the last deployment left: whoever did that wants everything created anew, and nothing kept that is gone.
func (h *host) reconcile(ctx context.Context, c engine.Creation) (engine.Decision, bool, error) {
	old, err := h.plane.store.FindRegistration(ctx, h.job.execution.InstanceID, h.job.execution.FlowID, c.Key)
	if errors.Is(err, ipaas.NotFound) {
		return engine.Decision{}, false, nil
	}
	if err != nil {
		return engine.Decision{}, false, err
	}
	changed := old.InputsHash != c.InputsHash
	if old.Target != c.Target || old.Action != c.Step.Action || changed && (c.Action.Update == nil || h.job.deployment == "") {
		return engine.Decision{}, false, nil
	}
	if h.swept(c.Component) {
		return engine.Decision{}, false, nil
	}
	result, err := h.plane.ledger.OpenResult(old)
	if err != nil {
		return engine.Decision{}, false, err
	}
	if changed {
		if err := h.beginCreating(ctx, c); err != nil {
			return engine.Decision{}, false, err
		}
		decision, err := h.beginUpdate(ctx, old, result)
		return decision, err == nil, err
	}
	if h.job.deployment != "" {
		if err := h.plane.store.UseRegistration(ctx, old.ID, h.job.deployment); err != nil {
			return engine.Decision{}, false, err
		}
	}
	h.used[old.ID] = true
	return engine.Decision{ID: old.ID, Kept: true, Result: result}, true, nil
}

// swept reports whether the run has taken a step that removes things by a component, and so perhaps what was created by it before.
func (h *host) swept(c *component.Component) bool {
	return slices.ContainsFunc(c.Actions, func(a component.Action) bool { return h.ran[c.ID+"."+a.Key] && c.Sweeps(a.Key) })
}

// beginUpdate commits what an object was before, before the call that changes it.
func (h *host) beginUpdate(ctx context.Context, old ipaas.Registration, result any) (engine.Decision, error) {
	image, err := ledger.ImageOf(old)
	if err != nil {
		return engine.Decision{}, err
	}
	row, err := h.plane.store.BeginUpdate(ctx, old.ID, h.job.deployment, image, h.plane.now())
	if err != nil {
		return engine.Decision{}, err
	}
	fault.Point("update-recorded")
	return h.remember(ctx, row, engine.Decision{Update: true, Result: result}), nil
}

// forgetGone records that an object that was to be updated is not there any more.
func (h *host) forgetGone(ctx context.Context, c engine.Creation) error {
	delete(h.intents, c.ID)
	return h.plane.store.SettleRegistration(ctx, c.ID, ipaas.RegistrationRemoved, "", h.plane.now())
}

// settled fills in what became of the registration of a step that created something, or tried to.
func (h *host) settled(done engine.Done) (*ipaas.Registration, error) {
	c := done.Creation
	if c == nil {
		return nil, nil
	}
	row, ok := h.intents[c.ID]
	if !ok {
		return nil, nil // it was kept
	}
	delete(h.intents, row.ID)
	switch {
	case done.Error == "":
		h.settleMade(&row, c, done.Result)
	case c.Updated && !done.Unknown:
		var err error
		if row, err = ledger.BeforeUpdate(row); err != nil {
			return nil, err
		}
		row.ChangedBy = "" // after all it did not
	case done.Unknown:
		row.Error = "the call was made and its outcome is not known: " + h.storedMessage(done.Error)
		if !c.Updated && (c.Action.Find == nil || done.Ignored) { // nobody will look for it: the flow goes on
			row.State = ipaas.RegistrationUnconfirmed
		}
	default:
		row.State = ipaas.RegistrationAbandoned
	}
	row.UpdateTime = h.plane.now()
	if !c.Updated && row.State != ipaas.RegistrationAbandoned && row.State != ipaas.RegistrationUnconfirmed {
		h.created = append(slices.DeleteFunc(h.created, func(r ipaas.Registration) bool { return r.ID == row.ID }), row)
	}
	return &row, nil
}

// settleMade makes of a row that of an object as this step made it.
func (h *host) settleMade(row *ipaas.Registration, c *engine.Creation, result any) {
	ex := h.job.execution
	row.State, row.Error, row.Adopted = ipaas.RegistrationCreated, "", row.Adopted || c.Adopted
	row.RemoteID = h.storedMessage(component.RemoteID(c.Action, result, c.Step.Inputs))
	row.ResultSealed = h.plane.ledger.SealResult(row.ID, result)
	if c.Updated {
		row.ComponentVersion, row.ExecutionID, row.ConfigRevision = c.Component.Version, ex.ID, ex.ConfigRevision
		row.InputsHash, row.InputsSealed = c.InputsHash, h.plane.ledger.SealInputs(row.ID, shownInputs(c.Step.Inputs))
	}
}

// Remove implements engine.Host. In a deployment nothing is removed before it has succeeded: what it does not register again goes then.
func (h *host) Remove(ctx context.Context, _ engine.Step, key string) (any, error) {
	if h.job.offline {
		return value.ObjOf("removed", value.FromInt(0), "remaining", value.FromInt(0)), nil
	}
	if h.job.deployment != "" {
		return nil, errors.New("nothing is removed by an instance-deploy flow: what it does not register again is removed when the deployment has succeeded")
	}
	if err := h.checkInstance(ctx); err != nil {
		return nil, err
	}
	rows, err := h.plane.store.ListRegistrations(ctx, h.job.execution.InstanceID, ipaas.RegistrationCreated, ipaas.RegistrationRemovePending,
		ipaas.RegistrationRemoveFailed, ipaas.RegistrationUnconfirmed)
	if err != nil {
		return nil, err
	}
	if key != "" {
		rows = slices.DeleteFunc(rows, func(r ipaas.Registration) bool { return r.Key != key })
	}
	if err := h.plane.ledger.Condemn(ctx, rows); err != nil {
		return nil, err
	}
	rows, _, err = h.plane.ledger.UndoAll(ctx, h.job.instance, rows)
	if err != nil {
		return nil, err
	}
	remaining := 0
	for i := range rows {
		if rows[i].State == ipaas.RegistrationRemoveFailed || rows[i].State == ipaas.RegistrationUnconfirmed {
			remaining++
		}
	}
	return value.ObjOf("removed", value.FromInt(int64(len(rows)-remaining)), "remaining", value.FromInt(int64(remaining))), nil
}
