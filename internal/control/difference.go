package control

import (
	"context"
	"errors"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// DiffSide is one of the two definitions that are compared: Definition, if set, a published version, or with neither the draft.
type DiffSide struct {
	Version    int
	Definition *ipaas.Definition
}

// DiffResult is in what two definitions of an integration differ.
type DiffResult struct {
	Differences []ipaas.Difference
	// Incomplete is the instances that could not be deployed with the later definition until their config is mended, at most
	// mostIncomplete of them; MoreIncomplete tells that there are more.
	Incomplete     []IncompleteInstance
	MoreIncomplete bool
}

// IncompleteInstance is an instance whose config does not do for a definition.
type IncompleteInstance struct {
	InstanceID string
	CustomerID string
	Version    int // that it is on; 0: never deployed
	Problems   []ipaas.Violation
}

// mostIncomplete bounds the instances that a comparison shows.
const mostIncomplete = 1000

// DiffIntegrationVersions compares two definitions of an integration. An uploaded one is read as if it was imported over the other: its
// elements are those with the same stable keys, ids and names.
func (p *Plane) DiffIntegrationVersions(ctx context.Context, id string, from, to DiffSide) (DiffResult, error) {
	in, err := p.store.GetIntegration(ctx, id)
	if err != nil {
		return DiffResult{}, err
	}
	before, err := p.sideOf(ctx, in, from, &in.Draft)
	if err != nil {
		return DiffResult{}, err
	}
	after, err := p.sideOf(ctx, in, to, before)
	if err != nil {
		return DiffResult{}, err
	}
	result := DiffResult{Differences: ipaas.Diff(before, after)}
	result.Incomplete, result.MoreIncomplete, err = p.incompleteWith(ctx, id, after)
	return result, err
}

// sideOf returns a definition to compare. base is what an uploaded one is read over.
func (p *Plane) sideOf(ctx context.Context, in ipaas.Integration, side DiffSide, base *ipaas.Definition) (*ipaas.Definition, error) {
	switch {
	case side.Definition != nil:
		def, err := cloneDefinition(side.Definition)
		if err != nil {
			return nil, err
		}
		def.Normalize(base, p.now())
		return def, checkDraft(in.ID, def)
	case side.Version > 0:
		v, err := p.store.GetIntegrationVersion(ctx, in.ID, side.Version)
		return &v.Definition, err
	default:
		return &in.Draft, nil
	}
}

// incompleteWith lists the instances of an integration whose config would not do for a definition.
func (p *Plane) incompleteWith(ctx context.Context, id string, def *ipaas.Definition) ([]IncompleteInstance, bool, error) {
	program, _, err := p.catalogue.Program(ctx, def, def.Hash(), nil)
	if err != nil {
		return nil, false, err
	}
	var found []IncompleteInstance
	query := storage.Query{Size: 500, Filter: &storage.Filter{Field: "integration_id", Operator: storage.Equal, Value: id}}
	for {
		page, err := p.store.ListInstances(ctx, query)
		if err != nil {
			return nil, false, err
		}
		for _, in := range page.Items {
			problems, err := p.configProblems(in, program)
			switch {
			case err != nil:
				return nil, false, err
			case len(problems) == 0:
			case len(found) == mostIncomplete:
				return found, true, nil
			default:
				found = append(found, IncompleteInstance{InstanceID: in.ID, CustomerID: in.CustomerID, Version: in.Version, Problems: problems})
			}
		}
		if page.Next == "" {
			return found, false, nil
		}
		query.After = page.Next
	}
}

// configProblems returns what is wrong with an instance's config if it is to serve a program. Nothing of it is kept: a program that is only
// looked at would push out the settings of those that run.
func (p *Plane) configProblems(in ipaas.Instance, program *engine.Program) ([]ipaas.Violation, error) {
	s, err := p.configs.Open(in.UID, program, in.Config)
	if err != nil {
		return nil, errors.Join(errors.New("instance "+in.ID), err)
	}
	return s.Problems, nil
}
