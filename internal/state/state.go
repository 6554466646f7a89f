// Package state keeps what flows keep beyond their steps: counters, cursors, lists, each under a key of a scope. Values are sealed, and
// what may be shown of them is kept beside them. What flows of a deployment change waits for its commit. It must not know which flow of
// whom may run, nor how steps are recorded.
package state

import (
	"context"
	"errors"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
)

// Keeper opens and changes what flows keep.
type Keeper struct {
	store storage.Store
	keys  *secret.Keyring
}

// NewKeeper returns a keeper of what a store holds, sealed with these keys.
func NewKeeper(store storage.Store, keys *secret.Keyring) *Keeper {
	return &Keeper{store: store, keys: keys}
}

// Owner returns who owns the state of scope INTEGRATION of an instance. Tests must not change what customers' instances share,
// so a test instance has its own.
func (k *Keeper) Owner(ctx context.Context, in ipaas.Instance) (string, error) {
	if in.Kind == ipaas.InstanceTest {
		return in.UID, nil
	}
	integration, err := k.store.GetIntegrationHead(ctx, in.IntegrationID)
	return integration.UID, err
}

// refusedState says that what a step wants to keep is not kept. It fails the step.
type refusedState struct{ err error }

func (r *refusedState) Error() string { return r.err.Error() }
func (r *refusedState) Unwrap() error { return r.err }

// Refused reports whether an error is about the state that was to be changed, and not about who changes it.
func Refused(err error) bool {
	var r *refusedState
	reason := ipaas.ReasonOf(err)
	return errors.As(err, &r) || reason == ipaas.ReasonStateFull || reason == ipaas.ReasonInstanceRemoved
}
