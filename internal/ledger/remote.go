package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// remote is a remote object with what it takes to work on it: the inputs of its creation, its connection among them.
type remote struct {
	inputs component.Inputs
	do     component.Do
}

// withCredentials works on a remote object with the config it was created with, and again with the current one where that has other
// credentials of the same system and the old ones are refused. Of what the other system says no secret is in the error.
func (l *Ledger) withCredentials(
	ctx context.Context, in ipaas.Instance, row ipaas.Registration, c *component.Component, action *component.Action, work func(*remote) error,
) error {
	try := func() error {
		o, redact, err := l.remote(ctx, in, row, c, action)
		if err != nil {
			return err
		}
		if err = work(o); err == nil {
			return nil
		}
		var failure *component.Failure
		if errors.Is(err, errStopped) {
			return err
		}
		if errors.As(err, &failure) {
			return &component.Failure{Message: redact(failure.Message), Status: failure.Status, Unknown: failure.Unknown}
		}
		return errors.New(redact(err.Error()))
	}
	err := try()
	var failure *component.Failure
	if !errors.As(err, &failure) || failure.Status != 401 && failure.Status != 403 || !l.newCredentials(ctx, in, row, c) {
		return err
	}
	row.ConfigRevision = in.Config.Revision
	return try()
}

// remote makes ready to work on a remote object: what its creation was given, and the connection as it was then.
func (l *Ledger) remote(
	ctx context.Context, in ipaas.Instance, row ipaas.Registration, c *component.Component, action *component.Action,
) (*remote, func(string) string, error) {
	given, err := l.givenInputs(row)
	if err != nil {
		return nil, nil, err
	}
	o := &remote{inputs: given}
	s, settingsErr := l.settingsAt(ctx, in, row, c)
	redact := func(string) string {
		return "it failed; what it said is not shown, since its secrets are not known any more"
	}
	if settingsErr == nil {
		redact = s.Redactor.Text
	}
	for _, f := range action.Inputs {
		if f.Type != ipaas.FieldConnection {
			continue
		}
		delete(o.inputs, f.Key)
		if row.ConfigVariable == "" {
			continue
		}
		if settingsErr != nil {
			return nil, nil, settingsErr
		}
		connection := s.Connection(row.ConfigVariable)
		if connection == nil {
			return nil, nil, fmt.Errorf("the connection %q, with which it was created, has no valid value any more", row.ConfigVariable)
		}
		o.inputs[f.Key] = connection
	}
	o.do = func(a *component.Action, inputs component.Inputs) (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()
		result, err := a.Perform(ctx, component.Call{
			Inputs: inputs, Client: l.client, IdempotencyKey: undoKey(row, a, inputs), Log: func(ipaas.Severity, string) {}, Now: l.now(),
		})
		if err != nil {
			return nil, err
		}
		return value.FromGo(result.Data)
	}
	return o, redact, nil
}

// givenInputs returns the inputs of the creation of a remote object as they are kept: without connections.
func (l *Ledger) givenInputs(row ipaas.Registration) (component.Inputs, error) {
	given, err := l.open(row, "inputs", row.InputsSealed)
	if err != nil {
		return nil, err
	}
	inputs := component.Inputs{}
	if given, ok := given.(*value.Object); ok {
		for k, v := range given.All() {
			inputs[k] = v
		}
	}
	return inputs, nil
}

// undoTimeout bounds the removal of one remote object.
const undoTimeout = 30 * time.Second

// undoKey is equal for every try to undo the same thing by the same call, and for no other.
func undoKey(row ipaas.Registration, a *component.Action, inputs component.Inputs) string {
	sum := sha256.Sum256(value.Canonical(inputs.Object()))
	return fmt.Sprintf("undo-%s-%d-%s-%x", row.ID, row.Sequence, a.Key, sum[:8])
}

// gone reports whether the other system said that a thing is not there.
func gone(err error) bool {
	var failure *component.Failure
	return errors.As(err, &failure) && failure.Gone()
}

// newCredentials reports whether an instance has by now other credentials of the very system in which an object was created.
func (l *Ledger) newCredentials(ctx context.Context, in ipaas.Instance, row ipaas.Registration, c *component.Component) bool {
	if row.ConfigVariable == "" || in.Config.Revision == row.ConfigRevision {
		return false
	}
	connectionAt := func(revision int64) *component.Connection {
		row.ConfigRevision = revision
		s, err := l.settingsAt(ctx, in, row, c)
		if err != nil {
			return nil // then there are none to be had
		}
		return s.Connection(row.ConfigVariable)
	}
	was, is := connectionAt(row.ConfigRevision), connectionAt(in.Config.Revision)
	return was != nil && is != nil && value.Equal(was.Public, is.Public)
}

// settingsAt returns the config values as they were when a registration was created.
func (l *Ledger) settingsAt(ctx context.Context, in ipaas.Instance, row ipaas.Registration, c *component.Component) (*config.Settings, error) {
	ex, err := l.store.GetExecution(ctx, row.ExecutionID)
	if err != nil {
		return nil, fmt.Errorf("the execution that created it: %w", err)
	}
	def, err := l.store.GetDefinition(ctx, ex.DefinitionHash)
	if err != nil {
		return nil, fmt.Errorf("the definition that created it: %w", err)
	}
	program, _, err := l.catalogue.Program(ctx, &def, ex.DefinitionHash, map[string]int{c.ID: row.ComponentVersion})
	if err != nil {
		return nil, err
	}
	cfg, err := l.store.GetDebtorConfig(ctx, row.ID, row.ConfigRevision)
	if err != nil {
		return nil, fmt.Errorf("config revision %d: %w", row.ConfigRevision, err)
	}
	return l.configs.Settings(in.UID, program, cfg)
}

// creator returns the action that created an object, which declares an undo, as a version of its component has it.
func (l *Ledger) creator(ctx context.Context, name string, version int) (*component.Component, *component.Action, error) {
	id, key, _ := strings.Cut(name, ".")
	c, err := l.catalogue.Component(ctx, id, version)
	if err != nil {
		return nil, nil, fmt.Errorf("the component of %s, which created it: %w", name, err)
	}
	action := c.Action(key)
	if action == nil || action.Undo == nil {
		return nil, nil, fmt.Errorf("action %s declares no undo", name)
	}
	return c, action, nil
}
