package control

import (
	"context"
	"fmt"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// Imported tells what an import did.
type Imported struct {
	Created bool
	Losses  []ipaas.Loss
}

// losses tells what goes when one draft takes the place of another: flows with their URLs, config variables with the values that
// instances hold, and what the new draft does not say. Both are normalised, so that what has the same id is the same.
func (p *Plane) losses(ctx context.Context, id string, before, after *ipaas.Definition) ([]ipaas.Loss, error) {
	lost := lostFlows(before, after)
	lost = append(lost, lostVariables(before, after)...)
	if len(lost) > 0 {
		if err := p.countInstances(ctx, id, lost); err != nil {
			return nil, err
		}
	}
	for i := range lost {
		lost[i].Description = describeLoss(lost[i])
	}
	return append(lost, lostSettings(before, after)...), nil
}

func lostFlows(before, after *ipaas.Definition) []ipaas.Loss {
	var lost []ipaas.Loss
	for _, f := range before.Flows {
		if now, _ := after.Flow(f.ID); now == nil {
			lost = append(lost, ipaas.Loss{Kind: ipaas.LossFlow, ID: f.ID, DisplayName: f.DisplayName})
		}
	}
	return lost
}

func lostVariables(before, after *ipaas.Definition) []ipaas.Loss {
	kept := make(map[string]*ipaas.ConfigVariable, len(after.ConfigVariables))
	for i := range after.ConfigVariables {
		kept[after.ConfigVariables[i].ID] = &after.ConfigVariables[i]
	}
	var lost []ipaas.Loss
	for _, v := range before.ConfigVariables {
		now := kept[v.ID]
		switch {
		case now == nil:
			lost = append(lost, ipaas.Loss{Kind: ipaas.LossConfigVariable, ID: v.ID, DisplayName: v.DisplayName})
		case now.Type != v.Type || now.Collection != v.Collection || now.ConnectionType != v.ConnectionType || now.Secret != v.Secret:
			lost = append(lost, ipaas.Loss{Kind: ipaas.LossConfigType, ID: v.ID, DisplayName: now.DisplayName})
		}
	}
	return lost
}

// lostSettings are what the layouts of others have no place for.
func lostSettings(before, after *ipaas.Definition) []ipaas.Loss {
	var lost []ipaas.Loss
	add := func(id, name, format string, args ...any) {
		lost = append(lost, ipaas.Loss{Kind: ipaas.LossSetting, ID: id, DisplayName: name, Description: fmt.Sprintf(format, args...)})
	}
	if before.Deploy != (ipaas.DeploySettings{}) && after.Deploy == (ipaas.DeploySettings{}) {
		add("", "", "the deploy settings of the draft are gone: set them again")
	}
	for _, f := range before.Flows {
		now, _ := after.Flow(f.ID)
		if now == nil {
			continue
		}
		if f.TestPayload != nil && now.TestPayload == nil {
			add(f.ID, f.DisplayName, "the test payload of flow %q is gone: set it again", f.DisplayName)
		}
		if f.Timeout != 0 && now.Timeout == 0 {
			add(f.ID, f.DisplayName, "the timeout of flow %q is gone: set it again", f.DisplayName)
		}
	}
	return lost
}

// countInstances counts how many instances have what is lost: a deployed one has URLs, any may hold values.
func (p *Plane) countInstances(ctx context.Context, id string, lost []ipaas.Loss) error {
	query := storage.Query{Size: 500, Filter: &storage.Filter{Field: "integration_id", Operator: storage.Equal, Value: id}}
	for {
		page, err := p.store.ListInstances(ctx, query)
		if err != nil {
			return fmt.Errorf("instances of integration %s: %w", id, err)
		}
		for _, in := range page.Items {
			for i := range lost {
				has := in.Generation > 0
				if lost[i].Kind != ipaas.LossFlow {
					_, has = in.Config.Values[lost[i].ID]
				}
				if has {
					lost[i].Instances++
				}
			}
		}
		if page.Next == "" {
			return nil
		}
		query.After = page.Next
	}
}

func describeLoss(l ipaas.Loss) string {
	switch l.Kind {
	case ipaas.LossFlow:
		return fmt.Sprintf("flow %q is gone: deployed instances (%d) lose its URL when they are moved to a version without it", l.DisplayName, l.Instances)
	case ipaas.LossConfigVariable:
		return fmt.Sprintf("config variable %q is gone: instances that hold a value (%d) lose it in a version without it", l.DisplayName, l.Instances)
	default:
		return fmt.Sprintf("config variable %q is of another type: instances that hold a value (%d) may need a new one for a version with it", l.DisplayName, l.Instances)
	}
}
