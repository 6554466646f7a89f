package assembly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"google.golang.org/grpc"

	"github.com/headrace/headrace/internal/component/builtin"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage/sqldb"
)

// offlineURL is where the hooks of an Offline would be. The name is one that is never given to anybody.
var offlineURL = url.URL{Scheme: "https", Host: "headrace.invalid"}

// Offline is a whole Headrace in this process, on a database of its own that is gone with it. It listens nowhere and no request leaves
// it. It runs what is asked for, and nothing by itself: no schedule, no queue, no retry.
type Offline struct {
	conn  grpc.ClientConnInterface
	whole *Assembly
	store *sqldb.DB
	dir   string
}

// OpenOffline makes an Offline. It must be closed.
func OpenOffline(ctx context.Context) (_ *Offline, err error) {
	o := &Offline{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("a Headrace in this process: %w", err), o.Close())
		}
	}()
	if o.dir, err = os.MkdirTemp("", "headrace-offline-"); err != nil {
		return nil, err
	}
	keys, err := secret.OpenKeyFile(filepath.Join(o.dir, "headrace.keys"))
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.DiscardHandler)
	if o.store, err = sqldb.Open(ctx, sqldb.Options{Path: filepath.Join(o.dir, "headrace.db"), Logger: logger, Keys: keys, Ephemeral: true}); err != nil {
		return nil, err
	}
	o.whole, err = Assemble(ctx, Parts{
		Store: o.store, Keys: keys, Builtins: builtin.All(), PublicURL: &offlineURL, Logger: logger, Version: "offline", Offline: true,
	})
	if err != nil {
		return nil, err
	}
	o.conn = o.whole.API.Channel()
	return o, nil
}

// Conn returns what the generated clients call it through.
func (o *Offline) Conn() grpc.ClientConnInterface { return o.conn }

// Close stops what runs and removes the database.
func (o *Offline) Close() error {
	var errs []error
	if o.whole != nil {
		o.whole.Plane.Close()
		o.whole.Client.CloseIdleConnections()
	}
	if o.store != nil {
		errs = append(errs, o.store.Close())
	}
	if o.dir != "" {
		errs = append(errs, os.RemoveAll(o.dir))
	}
	return errors.Join(errs...)
}
