package control

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// changed is an integration and the part of its draft that a call was about.
type changed struct {
	Integration ipaas.Integration
	PartID      string
}

// CreateFlow adds a flow to the draft, at a position or at the end.
func (p *Plane) CreateFlow(ctx context.Context, integrationID string, f ipaas.Flow, position *int, m Mutation) (ipaas.Integration, string, error) {
	out, err := p.changePart(ctx, integrationID, m, func(draft *ipaas.Definition) (func() string, error) {
		if f.ID != "" {
			if _, i := draft.Flow(f.ID); i >= 0 {
				return nil, ipaas.Taken("flow", f.ID)
			}
		}
		at := len(draft.Flows)
		if position != nil {
			at = min(*position, at)
		}
		draft.Flows = slices.Insert(draft.Flows, at, f)
		return func() string { return draft.Flows[at].ID }, nil
	})
	return out.Integration, out.PartID, err
}

// UpdateFlow changes a flow of the draft and may move it to another position.
func (p *Plane) UpdateFlow(
	ctx context.Context, integrationID, flowID string, position *int, m Mutation, apply func(*ipaas.Flow) error,
) (ipaas.Integration, error) {
	out, err := p.changePart(ctx, integrationID, m, func(draft *ipaas.Definition) (func() string, error) {
		f, at := draft.Flow(flowID)
		if f == nil {
			return nil, absentPart("flow", flowID, integrationID)
		}
		if err := apply(f); err != nil {
			return nil, err
		}
		if position != nil {
			moved := *f
			draft.Flows = slices.Delete(draft.Flows, at, at+1)
			draft.Flows = slices.Insert(draft.Flows, min(*position, len(draft.Flows)), moved)
		}
		return func() string { return flowID }, nil
	})
	return out.Integration, err
}

// DeleteFlow removes a flow from the draft.
func (p *Plane) DeleteFlow(ctx context.Context, integrationID, flowID string, m Mutation) error {
	_, err := p.changePart(ctx, integrationID, m, func(draft *ipaas.Definition) (func() string, error) {
		_, at := draft.Flow(flowID)
		if at < 0 {
			return nil, absentPart("flow", flowID, integrationID)
		}
		if len(draft.Flows) == 1 {
			return nil, &ipaas.Error{
				Kind: ipaas.Precondition, Reason: ipaas.ReasonLastFlow,
				Message: fmt.Sprintf("flow %q is the only one of integration %q: an integration has at least one flow", flowID, integrationID),
			}
		}
		draft.Flows = slices.Delete(draft.Flows, at, at+1)
		return func() string { return flowID }, nil
	})
	return err
}

// CreateConfigVariable adds a config variable to the draft.
func (p *Plane) CreateConfigVariable(
	ctx context.Context, integrationID string, v ipaas.ConfigVariable, m Mutation,
) (ipaas.Integration, string, error) {
	out, err := p.changePart(ctx, integrationID, m, func(draft *ipaas.Definition) (func() string, error) {
		for i := range draft.ConfigVariables {
			if v.ID != "" && draft.ConfigVariables[i].ID == v.ID {
				return nil, ipaas.Taken("config variable", v.ID)
			}
		}
		draft.ConfigVariables = append(draft.ConfigVariables, v)
		at := len(draft.ConfigVariables) - 1
		return func() string { return draft.ConfigVariables[at].ID }, nil
	})
	return out.Integration, out.PartID, err
}

// UpdateConfigVariable changes a config variable of the draft.
func (p *Plane) UpdateConfigVariable(
	ctx context.Context, integrationID, variableID string, m Mutation, apply func(*ipaas.ConfigVariable) error,
) (ipaas.Integration, error) {
	out, err := p.changePart(ctx, integrationID, m, func(draft *ipaas.Definition) (func() string, error) {
		at := variableIndex(draft, variableID)
		if at < 0 {
			return nil, absentPart("config variable", variableID, integrationID)
		}
		return func() string { return variableID }, apply(&draft.ConfigVariables[at])
	})
	return out.Integration, err
}

// DeleteConfigVariable removes a config variable from the draft and from its pages.
func (p *Plane) DeleteConfigVariable(ctx context.Context, integrationID, variableID string, m Mutation) error {
	_, err := p.changePart(ctx, integrationID, m, func(draft *ipaas.Definition) (func() string, error) {
		at := variableIndex(draft, variableID)
		if at < 0 {
			return nil, absentPart("config variable", variableID, integrationID)
		}
		name := draft.ConfigVariables[at].DisplayName
		for i := range draft.ConfigPages {
			page := &draft.ConfigPages[i]
			page.Elements = slices.DeleteFunc(page.Elements, func(e ipaas.ConfigElement) bool {
				return e.ConfigVariable == variableID || e.ConfigVariable == name
			})
		}
		draft.ConfigVariables = slices.Delete(draft.ConfigVariables, at, at+1)
		return func() string { return variableID }, nil
	})
	return err
}

// changePart changes one part of the draft; apply returns how to name it once the draft is normalised.
func (p *Plane) changePart(
	ctx context.Context, integrationID string, m Mutation, apply func(*ipaas.Definition) (func() string, error),
) (changed, error) {
	return once(ctx, p, m, func(write func(changed) (storage.Write, error)) (changed, error) {
		name := func() string { return "" }
		in, err := p.changeDraft(ctx, integrationID, m, func(draft *ipaas.Definition) (err error) {
			name, err = apply(draft)
			return err
		}, func(in ipaas.Integration) (storage.Write, error) {
			return write(changed{Integration: in, PartID: name()})
		})
		if err != nil {
			return changed{}, err
		}
		return changed{Integration: in, PartID: name()}, nil
	})
}

func variableIndex(draft *ipaas.Definition, id string) int {
	return slices.IndexFunc(draft.ConfigVariables, func(v ipaas.ConfigVariable) bool { return v.ID == id })
}

func absentPart(noun, id, integrationID string) error {
	err := ipaas.Absent(noun, id)
	err.Message = fmt.Sprintf("integration %q has no %s %q in its draft", integrationID, noun, id)
	err.Meta["integration_id"] = integrationID
	return err
}

// cloneDefinition returns a copy that shares nothing with d.
func cloneDefinition(d *ipaas.Definition) (*ipaas.Definition, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("copy a definition: %w", err)
	}
	var c ipaas.Definition
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("copy a definition: %w", err)
	}
	return &c, nil
}
