package control

import (
	"context"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/state"
	"github.com/headrace/headrace/internal/storage"
)

// StateEntryView is what flows keep under a key, as it is shown: without the secrets of the instance's config.
type StateEntryView struct {
	ipaas.StateEntry
	Value    any
	Redacted bool
}

// ListStateEntries lists what flows of an instance keep beyond their executions, without the values: of scopes FLOW and INSTANCE what is its
// own, of scope INTEGRATION what it shares with the other instances.
func (p *Plane) ListStateEntries(ctx context.Context, instanceID string, q storage.Query) (storage.Page[ipaas.StateEntry], error) {
	_, owners, err := p.stateOwners(ctx, instanceID)
	if err != nil {
		return storage.Page[ipaas.StateEntry]{}, err
	}
	return p.store.ListStateEntries(ctx, [2]string(owners), q)
}

// GetStateEntry returns what is kept under a key, with its value.
func (p *Plane) GetStateEntry(ctx context.Context, instanceID, id string) (StateEntryView, error) {
	in, owners, err := p.stateOwners(ctx, instanceID)
	if err != nil {
		return StateEntryView{}, err
	}
	e, err := p.store.GetStateEntry(ctx, id, owners)
	if err != nil {
		return StateEntryView{}, err
	}
	s, err := p.stateShown(ctx, in)
	if err != nil {
		return StateEntryView{}, err
	}
	return s.view(e)
}

// StateTarget names a key of an instance's state, or with an empty key all of a scope.
type StateTarget struct {
	Scope  ipaas.StateScope
	FlowID string // of scope FLOW
	Key    string
}

// SetStateEntry sets a key, as a flow would. With a base it refuses one that is not as the caller has seen it.
func (p *Plane) SetStateEntry(ctx context.Context, instanceID string, t StateTarget, v any, m Mutation) (StateEntryView, error) {
	in, _, err := p.stateOwners(ctx, instanceID)
	if err != nil {
		return StateEntryView{}, err
	}
	place, err := p.statePlace(ctx, in, t)
	if err != nil {
		return StateEntryView{}, err
	}
	set := component.StateChange{Scope: t.Scope, Operation: ipaas.StateSet, Key: t.Key, Value: v}
	if err := set.Check(); err != nil {
		return StateEntryView{}, wrongState("key", ipaas.ReasonMalformed, err.Error())
	}
	applied, _, err := state.Apply(t.Key, state.Value{}, false, []component.StateChange{set}, nil)
	if err != nil {
		return StateEntryView{}, wrongState("value", ipaas.ReasonTooLarge, err.Error())
	}
	id := ipaas.NewStateEntry(place, t.Key).ID
	_, err = once(ctx, p, m, func(write func(string) (storage.Write, error)) (string, error) {
		w, err := write(id)
		if err != nil {
			return "", err
		}
		return id, p.store.ChangeState(ctx, []storage.StateChange{p.states.Change(place, t.Key, "", []component.StateChange{set}, nil)}, m.Base, p.now(), w)
	})
	if err != nil {
		return StateEntryView{}, err
	}
	if m.ValidateOnly {
		s, err := p.stateShown(ctx, in)
		if err != nil {
			return StateEntryView{}, err
		}
		would := ipaas.NewStateEntry(place, t.Key)
		stored := p.states.Seal(place, t.Key, applied)
		would.Sealed, would.Size = stored.Sealed, stored.Size
		return s.view(would)
	}
	return p.GetStateEntry(ctx, instanceID, id)
}

// StateEntryID returns the id of a key, whether it is set or not.
func (p *Plane) StateEntryID(ctx context.Context, instanceID string, t StateTarget) (string, error) {
	in, _, err := p.stateOwners(ctx, instanceID)
	if err != nil {
		return "", err
	}
	place, err := p.statePlace(ctx, in, t)
	return ipaas.NewStateEntry(place, t.Key).ID, err
}

// DeleteStateEntry removes a key.
func (p *Plane) DeleteStateEntry(ctx context.Context, instanceID, id string, m Mutation) error {
	_, owners, err := p.stateOwners(ctx, instanceID)
	if err != nil {
		return err
	}
	_, err = once(ctx, p, m, func(write func(string) (storage.Write, error)) (string, error) {
		e, err := p.store.GetStateEntry(ctx, id, owners)
		if err != nil {
			return "", err
		}
		w, err := write(id)
		if err != nil {
			return "", err
		}
		gone := component.StateChange{Scope: e.Place.Scope, Operation: ipaas.StateRemove, Key: e.Key}
		return id, p.store.ChangeState(ctx, []storage.StateChange{p.states.Change(e.Place, e.Key, "", []component.StateChange{gone}, nil)}, m.Base, p.now(), w)
	})
	return err
}

// ClearState removes every key of a scope.
func (p *Plane) ClearState(ctx context.Context, instanceID string, t StateTarget, m Mutation) error {
	in, _, err := p.stateOwners(ctx, instanceID)
	if err != nil {
		return err
	}
	place, err := p.statePlace(ctx, in, t)
	if err != nil {
		return err
	}
	_, err = once(ctx, p, m, func(write func(string) (storage.Write, error)) (string, error) {
		w, err := write("cleared")
		if err != nil {
			return "", err
		}
		return "cleared", p.store.ChangeState(ctx, []storage.StateChange{p.states.Change(place, "", "", nil, nil)}, 0, p.now(), w)
	})
	return err
}

func wrongState(field string, reason ipaas.Reason, description string) error {
	return ipaas.InvalidArgument("the state entry is not valid", ipaas.Violation{Field: field, Reason: reason, Description: description})
}

// stateOwners returns an instance with those who own what its flows keep.
func (p *Plane) stateOwners(ctx context.Context, instanceID string) (ipaas.Instance, []string, error) {
	in, err := p.store.GetInstance(ctx, instanceID)
	if err != nil {
		return in, nil, err
	}
	shared, err := p.states.Owner(ctx, in)
	return in, []string{in.UID, shared}, err
}

// statePlace returns where an instance keeps what a target names.
func (p *Plane) statePlace(ctx context.Context, in ipaas.Instance, t StateTarget) (ipaas.StatePlace, error) {
	place := ipaas.StatePlace{Scope: t.Scope, Owner: in.UID}
	switch t.Scope {
	case ipaas.StateFlow:
		if t.FlowID == "" {
			return place, wrongState("flow_id", ipaas.ReasonRequired, "scope FLOW is that of one flow: give its id")
		}
		program, _, err := p.stateProgram(ctx, in)
		if err != nil {
			return place, err
		}
		if program.Flow(t.FlowID) == nil {
			return place, absentPart("flow", t.FlowID, in.IntegrationID)
		}
		place.FlowID = t.FlowID
		return place, nil
	case ipaas.StateInstance, ipaas.StateIntegration:
		if t.FlowID != "" {
			return place, wrongState("flow_id", ipaas.ReasonMisplaced, "only scope FLOW is that of one flow: leave it out")
		}
		if t.Scope == ipaas.StateInstance {
			return place, nil
		}
		var err error
		place.Owner, err = p.states.Owner(ctx, in)
		return place, err
	default:
		return place, wrongState("scope", ipaas.ReasonMalformed, "give FLOW, INSTANCE or INTEGRATION: what an execution keeps is its own")
	}
}

// stateShown shows what an instance keeps.
type stateShown struct {
	states    *state.Keeper
	redactors []*secret.Redactor
	mask      *secret.Mask
}

// stateShown makes ready what takes secrets out of what an instance keeps: those of the config that serves, and of one that was set since.
func (p *Plane) stateShown(ctx context.Context, in ipaas.Instance) (*stateShown, error) {
	program, cfg, err := p.stateProgram(ctx, in)
	if err != nil {
		return nil, err
	}
	urls, err := p.access.URLs(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s := &stateShown{states: p.states, mask: access.Mask(urls)}
	for _, c := range []ipaas.Config{cfg, in.Config} {
		opened, err := p.configs.Settings(in.UID, program, c)
		if err != nil {
			return nil, err
		}
		s.redactors = append(s.redactors, opened.Redactor)
	}
	return s, nil
}

func (s *stateShown) view(e ipaas.StateEntry) (StateEntryView, error) {
	kept, err := s.states.Open(e.Place, e.Key, e.Sealed)
	if err != nil {
		return StateEntryView{}, err
	}
	view, v := StateEntryView{StateEntry: e, Redacted: kept.Hides}, kept.Exact
	if kept.Hides {
		v = kept.Shown
	}
	for _, r := range s.redactors {
		var redacted bool
		v, redacted = r.Value(v)
		view.Redacted = view.Redacted || redacted
	}
	view.Value, _ = s.mask.HideValue(v)
	return view, nil
}

// stateProgram returns what an instance runs, with its config: what serves, or else the draft.
func (p *Plane) stateProgram(ctx context.Context, in ipaas.Instance) (*engine.Program, ipaas.Config, error) {
	if in.Generation == 0 {
		program, err := p.draftProgram(ctx, in.IntegrationID)
		return program, in.Config, err
	}
	g, err := p.store.GetGeneration(ctx, in.ID, in.Generation)
	if err != nil {
		return nil, ipaas.Config{}, err
	}
	program, err := p.generationProgram(ctx, g)
	if err != nil {
		return nil, ipaas.Config{}, err
	}
	cfg, err := p.store.GetConfig(ctx, in.ID, g.ConfigRevision)
	return program, cfg, err
}
