package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// CreateIntegration adds an integration with its draft and its test instance.
func (p *Plane) CreateIntegration(ctx context.Context, id string, def ipaas.Definition, m Mutation) (ipaas.Integration, error) {
	return once(ctx, p, m, func(write func(ipaas.Integration) (storage.Write, error)) (ipaas.Integration, error) {
		return p.createIntegration(ctx, id, def, write)
	})
}

func (p *Plane) createIntegration(
	ctx context.Context, id string, def ipaas.Definition, write func(ipaas.Integration) (storage.Write, error),
) (ipaas.Integration, error) {
	now := p.now()
	chosen := id != ""
	if !chosen {
		id = ipaas.Slug(def.DisplayName, "integration")
	}
	in := ipaas.Integration{ID: id, UID: ipaas.NewUID(), Draft: def, Revision: 1, CreateTime: now, UpdateTime: now}
	in.Draft.Normalize(nil, now)
	if err := checkDraft(in.ID, &in.Draft); err != nil {
		return in, err
	}
	for {
		w, err := write(in)
		if err != nil {
			return in, err
		}
		err = p.store.CreateIntegration(ctx, in, testInstance(in, now), w)
		if chosen || !errors.Is(err, ipaas.Exists) {
			return in, err
		}
		in.ID = ipaas.RandomID(def.DisplayName, "integration")
	}
}

// testInstance is the instance on which the draft of an integration is tested. It is always ACTIVE.
func testInstance(in ipaas.Integration, now time.Time) ipaas.Instance {
	return ipaas.Instance{
		ID: ipaas.TestInstanceID(in.ID), UID: ipaas.NewUID(), Kind: ipaas.InstanceTest, DisplayName: "Test",
		IntegrationID: in.ID, State: ipaas.InstanceActive, Revision: 1, CreateTime: now, UpdateTime: now,
	}
}

// UpdateIntegration changes the draft.
func (p *Plane) UpdateIntegration(
	ctx context.Context, id string, m Mutation, allowMissing bool, apply func(*ipaas.Definition) error,
) (ipaas.Integration, error) {
	if allowMissing {
		if _, err := p.store.GetIntegration(ctx, id); errors.Is(err, ipaas.NotFound) {
			var def ipaas.Definition
			if err := apply(&def); err != nil {
				return ipaas.Integration{}, err
			}
			return p.CreateIntegration(ctx, id, def, m)
		}
	}
	return once(ctx, p, m, func(write func(ipaas.Integration) (storage.Write, error)) (ipaas.Integration, error) {
		return p.changeDraft(ctx, id, m, apply, write)
	})
}

// changeDraft reads the draft, changes it, checks it and stores it, as one change.
func (p *Plane) changeDraft(
	ctx context.Context, id string, m Mutation, apply func(*ipaas.Definition) error, write func(ipaas.Integration) (storage.Write, error),
) (in ipaas.Integration, err error) {
	err = patiently(m, func() error {
		if in, err = p.store.GetIntegration(ctx, id); err != nil {
			return err
		}
		if m.Base != 0 && in.Revision != m.Base {
			return ipaas.Stale("integration", id)
		}
		before, err := cloneDefinition(&in.Draft)
		if err != nil {
			return err
		}
		if err := apply(&in.Draft); err != nil {
			return err
		}
		now, base := p.now(), in.Revision
		in.Draft.Normalize(before, now)
		if err := checkDraft(id, &in.Draft); err != nil {
			return err
		}
		in.Revision, in.UpdateTime = base+1, now
		w, err := write(in)
		if err != nil {
			return err
		}
		return p.store.UpdateIntegration(ctx, in, base, w)
	})
	return in, err
}

// ImportIntegration makes a definition the whole draft of an integration, which is created if there is none.
func (p *Plane) ImportIntegration(ctx context.Context, id string, def ipaas.Definition, m Mutation) (ipaas.Integration, Imported, error) {
	type imported struct {
		Integration ipaas.Integration
		Imported
	}
	if id == "" {
		id = ipaas.Slug(def.DisplayName, "integration")
	}
	out, err := once(ctx, p, m, func(write func(imported) (storage.Write, error)) (imported, error) {
		_, err := p.store.GetIntegration(ctx, id)
		if errors.Is(err, ipaas.NotFound) {
			in, err := p.createIntegration(ctx, id, def, func(in ipaas.Integration) (storage.Write, error) {
				return write(imported{in, Imported{Created: true}})
			})
			return imported{in, Imported{Created: true}}, err
		}
		if err != nil {
			return imported{}, err
		}
		var before ipaas.Definition
		var done Imported
		in, err := p.changeDraft(ctx, id, m, func(draft *ipaas.Definition) error {
			fresh, err := cloneDefinition(&def) // normalising fills in what is left out, anew in each try
			if err != nil {
				return err
			}
			before, *draft = *draft, *fresh
			return nil
		}, func(in ipaas.Integration) (storage.Write, error) {
			var err error
			if done.Losses, err = p.losses(ctx, id, &before, &in.Draft); err != nil {
				return storage.Write{}, err
			}
			return write(imported{in, done})
		})
		return imported{in, done}, err
	})
	return out.Integration, out.Imported, err
}

// ValidateDefinition lists everything that keeps a definition from being imported, published and tested.
func (p *Plane) ValidateDefinition(ctx context.Context, def ipaas.Definition) ([]ipaas.Violation, error) {
	def.Normalize(nil, p.now())
	wrong := def.Validate()
	problems, err := p.Problems(ctx, &def)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, v := range wrong {
		seen[v.Field] = true
	}
	for _, v := range problems {
		if !seen[v.Field] { // what is malformed is not unresolved as well
			wrong = append(wrong, v)
		}
	}
	return wrong, nil
}

// Problems lists what is unresolved in a definition.
func (p *Plane) Problems(ctx context.Context, def *ipaas.Definition) ([]ipaas.Violation, error) {
	program, _, err := p.catalogue.Program(ctx, def, def.Hash(), nil)
	if err != nil {
		return nil, err
	}
	return program.Problems(), nil
}

// DeleteIntegration forgets an integration with its versions and its test instance, after removing what tests registered.
func (p *Plane) DeleteIntegration(ctx context.Context, id string, m Mutation) error {
	inTheWay, err := p.onlyTestsInTheWay(ctx, id, m)
	if err != nil {
		return err
	}
	if inTheWay && m.ValidateOnly {
		return nil // the real call removes what tests registered first
	}
	if inTheWay {
		if _, err := p.ResetTestInstance(ctx, id, Mutation{Caller: m.Caller, Method: m.Method}); err != nil {
			return err
		}
	}
	_, err = once(ctx, p, m, func(write func(struct{}) (storage.Write, error)) (struct{}, error) {
		w, err := write(struct{}{})
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, p.store.DeleteIntegration(ctx, id, m.Base, w)
	})
	return err
}

// onlyTestsInTheWay reports whether what tests registered, and nothing else, keeps an integration from being deleted. A deletion that
// is refused for another reason must not touch what tests registered.
func (p *Plane) onlyTestsInTheWay(ctx context.Context, id string, m Mutation) (bool, error) {
	err := p.store.DeleteIntegration(ctx, id, m.Base, storage.Write{DryRun: true})
	if ipaas.ReasonOf(err) != ipaas.ReasonInUse {
		return false, nil // the deletion itself says what is wrong, or remembers that it was done
	}
	instances, err := p.store.ListInstances(ctx, storage.Query{Size: 1, Filter: &storage.Filter{
		Field: "integration_id", Operator: storage.Equal, Value: id,
	}})
	if err != nil || len(instances.Items) > 0 {
		return false, err
	}
	open, err := p.store.ListRegistrations(ctx, ipaas.TestInstanceID(id), openStates...)
	return len(open) > 0, err
}

// PublishIntegration makes an immutable version of the draft.
func (p *Plane) PublishIntegration(ctx context.Context, id, comment string, m Mutation) (ipaas.IntegrationVersion, error) {
	return once(ctx, p, m, func(write func(ipaas.IntegrationVersion) (storage.Write, error)) (v ipaas.IntegrationVersion, err error) {
		err = patiently(m, func() error {
			in, err := p.store.GetIntegration(ctx, id)
			if err != nil {
				return err
			}
			if m.Base != 0 && in.Revision != m.Base {
				return ipaas.Stale("integration", id)
			}
			program, versions, err := p.catalogue.Program(ctx, &in.Draft, in.Draft.Hash(), nil)
			if err != nil {
				return err
			}
			if problems := program.Problems(); len(problems) > 0 {
				return draftHasProblems(id, "published", problems)
			}
			now, base := p.now(), in.Revision
			v = ipaas.IntegrationVersion{
				IntegrationID: id, Version: in.LatestVersion + 1, Comment: comment, Definition: in.Draft,
				ComponentVersions: versions, CreateTime: now,
			}
			in.LatestVersion, in.PublishedHash, in.Revision, in.UpdateTime = v.Version, in.Draft.Hash(), base+1, now
			w, err := write(v)
			if err != nil {
				return err
			}
			return p.store.PublishIntegration(ctx, in, base, v, w)
		})
		return v, err
	})
}

func checkDraft(id string, def *ipaas.Definition) error {
	wrong := def.Validate()
	if !ipaas.ValidID(id) {
		wrong = append(wrong, ipaas.Violation{
			Field: "id", Reason: ipaas.ReasonMalformed,
			Description: "must be lower-case letters, digits and single hyphens, at most 63 characters",
		})
	}
	if len(wrong) > 0 {
		return ipaas.InvalidArgument(fmt.Sprintf("integration %q is not well formed", id), wrong...)
	}
	return nil
}

func draftHasProblems(id, verb string, problems []ipaas.Violation) error {
	return &ipaas.Error{
		Kind: ipaas.Precondition, Reason: ipaas.ReasonDraftHasProblems,
		Message:    fmt.Sprintf("integration %q cannot be %s until its problems are mended", id, verb),
		Meta:       map[string]string{"integration_id": id},
		Violations: problems,
	}
}
