// Package ledger remembers what flows have created in other systems, and undoes it: it keeps the inputs and results that undoing takes
// under seal, removes and restores objects with the component and the config they were made with, and goes on trying where that fails.
// It must not know why something is to go: that a flow ran, a deployment failed or an instance is removed is decided above.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/catalogue"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/turn"
	"github.com/headrace/headrace/internal/value"
)

// Options is what a ledger works with. All must be set.
type Options struct {
	Store     storage.Store
	Keys      *secret.Keyring
	Access    *access.Keeper
	Catalogue *catalogue.Catalogue
	Configs   *config.Keeper
	Client    *outbound.Client
	Logger    *slog.Logger
	Now       func() time.Time // to the microsecond, in UTC: as times are stored
	LookAgain []time.Duration  // how long is waited between looks for an object whose creation's answer was lost
}

// Ledger is what flows have created in other systems.
type Ledger struct {
	store     storage.Store
	keys      *secret.Keyring
	access    *access.Keeper
	catalogue *catalogue.Catalogue
	configs   *config.Keeper
	client    *outbound.Client
	logger    *slog.Logger
	now       func() time.Time
	lookAgain []time.Duration

	sites    sites
	retrying turn.ByKey // by registration: tries to remove what is owed
	paying   payments

	stop context.Context //nolint:containedctx // the life of the server, which no request may end
}

// New returns a ledger, which lets go of what it waits for when stop ends.
func New(stop context.Context, o Options) *Ledger {
	return &Ledger{
		store: o.Store, keys: o.Keys, access: o.Access, catalogue: o.Catalogue, configs: o.Configs, client: o.Client, logger: o.Logger,
		now: o.Now, lookAgain: o.LookAgain, stop: stop,
	}
}

// errStopped is why something is not tried any more: the next start goes on with it.
var errStopped = errors.New("the server is shutting down")

// SealInputs returns the inputs of what a registration stands for as they are kept. They are without connections.
func (l *Ledger) SealInputs(registrationID string, inputs *value.Object) string {
	return l.keys.Seal(value.Encode(inputs), place(registrationID, "inputs"))
}

// SealResult returns the result of what a registration stands for as it is kept.
func (l *Ledger) SealResult(registrationID string, result any) string {
	return l.keys.Seal(value.Encode(result), place(registrationID, "result"))
}

// OpenResult returns the result with which the object of a registration was created or updated.
func (l *Ledger) OpenResult(row ipaas.Registration) (any, error) {
	return l.open(row, "result", row.ResultSealed)
}

// open opens what is kept of a registration under seal.
func (l *Ledger) open(row ipaas.Registration, field, sealed string) (any, error) {
	text, err := l.keys.Open(sealed, place(row.ID, field))
	if err != nil {
		return nil, fmt.Errorf("open the %s of registration %s: %w", field, row.ID, err)
	}
	return value.Decode(text)
}

// place names the place something is sealed for, so that it opens nowhere else.
func place(id, field string) string {
	return strings.Join([]string{"registration", id, field}, "|")
}

// Creating waits until nothing is removed where an instance is about to create or to update something. Nothing is until leave is called.
func (l *Ledger) Creating(ctx context.Context, in ipaas.Instance, action, target string) (leave func(), err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(l.stop, func() { cancel(context.Cause(l.stop)) })()
	return l.sites.create(ctx, siteOf(in, action, target))
}

// Condemn decides that registrations are to be removed: that is done even if the server stops in between.
func (l *Ledger) Condemn(ctx context.Context, rows []ipaas.Registration) error {
	for i := range rows {
		rows[i].State, rows[i].UpdateTime = ipaas.RegistrationRemovePending, l.now()
		if err := l.store.SettleRegistration(ctx, rows[i].ID, rows[i].State, "", rows[i].UpdateTime); err != nil {
			return unrecorded(rows[i], err)
		}
	}
	return nil
}
