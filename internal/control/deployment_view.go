package control

import (
	"context"
	"slices"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/ipaas"
)

// RegistrationChangeView is a change with the registration it is about.
type RegistrationChangeView struct {
	Kind         ipaas.ChangeKind
	Registration ipaas.Registration
}

// DescribeDeployment returns what a deployment did in other systems. Registrations that were forgotten are left out.
func (p *Plane) DescribeDeployment(ctx context.Context, d ipaas.Deployment) ([]RegistrationChangeView, error) {
	if len(d.Changes) == 0 {
		return nil, nil
	}
	rows, err := p.store.ListRegistrations(ctx, d.InstanceID)
	if err != nil {
		return nil, err
	}
	if rows, err = p.revealedRegistrations(ctx, d.InstanceID, rows); err != nil {
		return nil, err
	}
	byID := make(map[string]ipaas.Registration, len(rows))
	for _, r := range rows {
		byID[r.ID] = r
	}
	var views []RegistrationChangeView
	for _, c := range d.Changes {
		if r, ok := byID[c.RegistrationID]; ok {
			views = append(views, RegistrationChangeView{Kind: c.Kind, Registration: r})
		}
	}
	return views, nil
}

// openStates are the states of registrations whose remote object may exist.
var openStates = []ipaas.RegistrationState{
	ipaas.RegistrationIntent, ipaas.RegistrationCreated, ipaas.RegistrationRemovePending, ipaas.RegistrationRemoveFailed,
	ipaas.RegistrationUnconfirmed,
}

// revealedRegistrations returns registrations with the URLs in them.
func (p *Plane) revealedRegistrations(ctx context.Context, instanceID string, rows []ipaas.Registration) ([]ipaas.Registration, error) {
	if len(rows) == 0 {
		return rows, nil
	}
	urls, err := p.access.ShownURLs(ctx, instanceID)
	if err != nil {
		return nil, err
	}
	mask := access.Mask(urls)
	shown := slices.Clone(rows)
	for i := range shown {
		shown[i].RemoteID, shown[i].Error = mask.Reveal(shown[i].RemoteID), mask.Reveal(shown[i].Error)
	}
	return shown, nil
}
