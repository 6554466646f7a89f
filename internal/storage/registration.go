package storage

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// Registrations keeps the ledger of remote objects.
type Registrations interface {
	// BeginRegistration adds an INTENT and sets its sequence, the next of its instance. With a deployment it is marked as used by it;
	// Conflict if that is not RUNNING.
	BeginRegistration(ctx context.Context, r ipaas.Registration) (ipaas.Registration, error)
	// UseRegistration marks a CREATED registration as used by a deployment. Conflict if it is not CREATED. One that has a
	// before image, since an earlier deployment could not restore it, is from then on one that this deployment changes.
	UseRegistration(ctx context.Context, id, deploymentID string) error
	// BeginUpdate records that a RUNNING deployment is about to update a CREATED registration, else Conflict: it is marked as used by it
	// and as changed by it, keeps beforeImage until the deployment has ended, has no inputs hash, since from here on nobody knows what
	// the other system has, and is the last in the order of its instance. One that has a before image already keeps that.
	BeginUpdate(ctx context.Context, id, deploymentID, beforeImage string, now time.Time) (ipaas.Registration, error)
	// RestoreRegistration makes a registration what it was before an update: its inputs, result and remote id, and the component version,
	// execution and config revision they are of. It has no before image and no error any more.
	RestoreRegistration(ctx context.Context, r ipaas.Registration, now time.Time) error
	// FindRegistration returns the newest CREATED registration of a flow under a key.
	FindRegistration(ctx context.Context, instanceID, flowID, key string) (ipaas.Registration, error)
	// SettleRegistration moves a registration to a state, with the error of a failed removal. It is not tried again by itself.
	SettleRegistration(ctx context.Context, id string, state ipaas.RegistrationState, message string, now time.Time) error
	// ListRegistrations returns the registrations of an instance in the states given, or all, in the order of their sequence.
	ListRegistrations(ctx context.Context, instanceID string, states ...ipaas.RegistrationState) ([]ipaas.Registration, error)
	// ListRivals returns the registrations of the same customer, action and target as one, but itself, whose remote object may exist: all
	// but those removed, abandoned and forgiven, of all its instances, tombstones included. NotFound for an unknown one.
	ListRivals(ctx context.Context, registrationID string) ([]ipaas.Registration, error)
	// ListTwins returns the registrations of the same component as one, but itself, that may stand for an object with a remote id: the
	// CREATED ones that have it, empty or not, and those that are INTENT and may come to have it. They are of all instances of the customer,
	// and of those for tests; one for a test has twins everywhere. Oldest first. NotFound for an unknown one.
	ListTwins(ctx context.Context, registrationID, remoteID string) ([]ipaas.Registration, error)
	// UsedRegistrations returns the registrations a deployment used, in the order of their sequence.
	UsedRegistrations(ctx context.Context, deploymentID string) ([]ipaas.Registration, error)
}
