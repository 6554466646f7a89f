package control

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
)

// recordChanges keeps what the deployment did in other systems.
func (p *Plane) recordChanges(ctx context.Context, c *candidate, undone []ipaas.Registration, kind ipaas.ChangeKind) error {
	used, err := p.store.UsedRegistrations(ctx, c.deployment.ID)
	if err != nil {
		return err
	}
	var changes []ipaas.RegistrationChange
	for i := range used {
		if kind := didTo(&used[i], c.deployment.ID); kind != "" {
			changes = append(changes, ipaas.RegistrationChange{Kind: kind, RegistrationID: used[i].ID})
		}
	}
	for i := range undone {
		if kind := undidTo(&undone[i], kind); kind != "" {
			changes = append(changes, ipaas.RegistrationChange{Kind: kind, RegistrationID: undone[i].ID})
		}
	}
	return p.store.RecordChanges(ctx, c.deployment.ID, changes)
}

// didTo tells what the flows of a deployment did with a registration that it used; "": nothing.
func didTo(r *ipaas.Registration, deploymentID string) ipaas.ChangeKind {
	switch {
	case r.State == ipaas.RegistrationAbandoned, r.State == ipaas.RegistrationRemoved && r.DeploymentID != deploymentID:
		return "" // it was not created, or was found gone
	case r.State == ipaas.RegistrationUnconfirmed && r.DeploymentID == deploymentID:
		return ipaas.ChangeUnconfirmed
	case r.DeploymentID == deploymentID && r.ResultSealed == "":
		return "" // whether it was created only its undoing told
	case r.DeploymentID == deploymentID && r.Adopted:
		return ipaas.ChangeAdopted
	case r.DeploymentID == deploymentID:
		return ipaas.ChangeCreated
	case r.ChangedBy == deploymentID:
		return ipaas.ChangeUpdated
	default:
		return ipaas.ChangeKept
	}
}

// undidTo tells what the end of a deployment did to a registration; "": nothing that the flows did not tell of.
func undidTo(r *ipaas.Registration, undone ipaas.ChangeKind) ipaas.ChangeKind {
	switch r.State {
	case ipaas.RegistrationRemoveFailed:
		return ipaas.ChangeRemoveFailed
	case ipaas.RegistrationCreated:
		if r.Error != "" {
			return ipaas.ChangeRestoreFailed
		}
		return ipaas.ChangeRestored
	case ipaas.RegistrationAbandoned, ipaas.RegistrationUnconfirmed, ipaas.RegistrationRemovePending:
		return ""
	default:
		if r.Error != "" {
			return ipaas.ChangeHandedOver
		}
		return undone
	}
}
