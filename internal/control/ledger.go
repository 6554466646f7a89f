package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// undoTimeout bounds the removal of one remote object.
const undoTimeout = 30 * time.Second

// undoAll removes remote objects, the last created first, and records what became of each. It goes on after a failure, which stays
// visible as REMOVE_FAILED. It returns the registrations as they are now.
func (p *Plane) undoAll(ctx context.Context, in ipaas.Instance, rows []ipaas.Registration) ([]ipaas.Registration, error) {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b ipaas.Registration) int { return int(b.Sequence - a.Sequence) })
	if len(rows) == 0 {
		return rows, nil
	}
	urls, err := p.shownURLs(context.WithoutCancel(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	remover := remover{plane: p, instance: in, mask: p.mask(urls)}
	var failed error
	for i := range rows {
		failed = errors.Join(failed, remover.remove(ctx, &rows[i]))
	}
	return rows, failed
}

// undo removes one remote object by the action that its creation declared, with the component and the config it was created with.
func (p *Plane) undo(ctx context.Context, in ipaas.Instance, row ipaas.Registration) error {
	if row.ResultSealed == "" {
		return fmt.Errorf("it is not known whether %s created it: look in the other system, and remove it there if it exists", row.Action)
	}
	id, key, _ := strings.Cut(row.Action, ".")
	c, err := p.catalogue.component(ctx, id, row.ComponentVersion)
	if err != nil {
		return fmt.Errorf("component %s version %d, which created it: %w", id, row.ComponentVersion, err)
	}
	action := c.Action(key)
	if action == nil || action.Undo == nil {
		return fmt.Errorf("action %s declares no undo", row.Action)
	}
	undo := c.Action(action.Undo.Action)
	if undo == nil {
		return fmt.Errorf("component %s has no action %s to undo with", id, action.Undo.Action)
	}
	status, err := p.performUndo(ctx, in, row, c, action, undo)
	if status != 401 && status != 403 || !p.newCredentials(ctx, in, row, c) {
		return err
	}
	row.ConfigRevision = in.Config.Revision
	_, err = p.performUndo(ctx, in, row, c, action, undo)
	return err
}

// performUndo calls the action that removes a remote object. It returns the status with which the other system refused, if it did.
func (p *Plane) performUndo(
	ctx context.Context, in ipaas.Instance, row ipaas.Registration, c *component.Component, action, undo *component.Action,
) (status int, err error) {
	inputs, redact, err := p.undoInputs(ctx, in, row, c, action, undo)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	_, err = undo.Perform(ctx, component.Call{
		Inputs: inputs, Client: p.client, IdempotencyKey: "undo-" + row.ID, Log: func(ipaas.Severity, string) {},
	})
	var failure *component.Failure
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &failure):
		return 0, errors.New(redact(err.Error()))
	case failure.Gone():
		return 0, nil // it is not there: that is what was wanted
	default:
		return failure.Status, errors.New(redact(err.Error()))
	}
}

// newCredentials reports whether an instance has by now other credentials of the very system in which an object was created.
func (p *Plane) newCredentials(ctx context.Context, in ipaas.Instance, row ipaas.Registration, c *component.Component) bool {
	if row.ConfigVariable == "" || in.Config.Revision == row.ConfigRevision {
		return false
	}
	connectionAt := func(revision int64) *component.Connection {
		row.ConfigRevision = revision
		s, err := p.settingsAt(ctx, in, row, c)
		if err != nil {
			return nil // then there are none to be had
		}
		connection, _ := s.values[row.ConfigVariable].(*component.Connection)
		return connection
	}
	was, is := connectionAt(row.ConfigRevision), connectionAt(in.Config.Revision)
	return was != nil && is != nil && value.Equal(was.Public, is.Public)
}

// undoInputs makes the inputs of an undo from what the creation was given and gave, and the connection as it was then.
func (p *Plane) undoInputs(
	ctx context.Context, in ipaas.Instance, row ipaas.Registration, c *component.Component, action, undo *component.Action,
) (component.Inputs, func(string) string, error) {
	result, err := p.openRegistered(row, "result", row.ResultSealed)
	if err != nil {
		return nil, nil, err
	}
	given, err := p.openRegistered(row, "inputs", row.InputsSealed)
	if err != nil {
		return nil, nil, err
	}
	created := component.Inputs{}
	if o, ok := given.(*value.Object); ok {
		for k, v := range o.All() {
			created[k] = v
		}
	}
	raw, err := component.UndoInputs(action, result, created)
	if err != nil {
		return nil, nil, fmt.Errorf("make the inputs of %s: %w", undo.Key, err)
	}
	s, settingsErr := p.settingsAt(ctx, in, row, c)
	redact := func(string) string {
		return "it failed; what it said is not shown, since its secrets are not known any more"
	}
	if settingsErr == nil {
		redact = s.redactor.Text
	}
	for _, f := range undo.Inputs {
		if f.Type != ipaas.FieldConnection || row.ConfigVariable == "" {
			continue
		}
		if settingsErr != nil {
			return nil, nil, settingsErr
		}
		connection, ok := s.values[row.ConfigVariable].(*component.Connection)
		if !ok {
			return nil, nil, fmt.Errorf("the connection %q, with which it was created, has no valid value any more", row.ConfigVariable)
		}
		raw[f.Key] = connection
	}
	inputs, wrong := component.Resolve(undo.Inputs, raw)
	if len(wrong) > 0 {
		return nil, nil, ipaas.InvalidArgument("the inputs of "+undo.Key+" are not valid", wrong...)
	}
	return inputs, redact, nil
}

func (p *Plane) openRegistered(row ipaas.Registration, field, sealed string) (any, error) {
	text, err := p.keys.Open(sealed, registrationPlace(row.ID, field))
	if err != nil {
		return nil, fmt.Errorf("open the %s of registration %s: %w", field, row.ID, err)
	}
	return value.Decode(text)
}

// settingsAt returns the config values as they were when a registration was created.
func (p *Plane) settingsAt(ctx context.Context, in ipaas.Instance, row ipaas.Registration, c *component.Component) (*settings, error) {
	ex, err := p.store.GetExecution(ctx, row.ExecutionID)
	if err != nil {
		return nil, fmt.Errorf("the execution that created it: %w", err)
	}
	def, err := p.store.GetDefinition(ctx, ex.DefinitionHash)
	if err != nil {
		return nil, fmt.Errorf("the definition that created it: %w", err)
	}
	program, _, err := p.catalogue.program(ctx, &def, ex.DefinitionHash, map[string]int{c.ID: row.ComponentVersion})
	if err != nil {
		return nil, err
	}
	cfg, err := p.store.GetDebtorConfig(ctx, row.ID, row.ConfigRevision)
	if err != nil {
		return nil, fmt.Errorf("config revision %d: %w", row.ConfigRevision, err)
	}
	return p.settings(in.UID, program, cfg)
}
