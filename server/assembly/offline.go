package assembly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"

	"github.com/headrace/headrace/internal/component"
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

// OpenOffline makes an Offline that has the code of steps run by scripts; nil: it runs none. It must be closed.
func OpenOffline(ctx context.Context, scripts component.Scripts) (_ *Offline, err error) {
	o := &Offline{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("a Headrace in this process: %w", err), o.Close())
		}
	}()
	if o.dir, err = os.MkdirTemp("", "headrace-offline-"); err != nil {
		return nil, err
	}
	if err := empty.writeTo(ctx, o.dir); err != nil {
		return nil, err
	}
	keys, err := o.openData(ctx)
	if err != nil {
		return nil, err
	}
	o.whole, err = Assemble(ctx, Parts{
		Store: o.store, Keys: keys, Builtins: builtin.All(), Scripts: scripts, PublicURL: &offlineURL, Logger: silent, Version: "offline", Offline: true,
	})
	if err != nil {
		return nil, err
	}
	o.conn = o.whole.API.Channel()
	return o, nil
}

// openData opens what is in the directory: the keys and the store.
func (o *Offline) openData(ctx context.Context) (*secret.Keyring, error) {
	keys, err := secret.OpenKeyFile(filepath.Join(o.dir, keyFile))
	if err != nil {
		return nil, err
	}
	o.store, err = sqldb.Open(ctx, sqldb.Options{Path: filepath.Join(o.dir, databaseFile), Logger: silent, Keys: keys, Ephemeral: true})
	return keys, err
}

// silent logs nothing: what goes wrong is answered.
var silent = slog.New(slog.DiscardHandler)

// The files of a data directory.
const (
	databaseFile = "headrace.db"
	keyFile      = "headrace.keys"
)

// empty is a database in which nothing is, kept by the process: making one from nothing takes longer than most tests.
var empty emptyData

type emptyData struct {
	mu    sync.Mutex
	files map[string][]byte // by name; nil: not made yet
}

// writeTo puts the files into a directory.
func (e *emptyData) writeTo(ctx context.Context, dir string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.files == nil {
		return e.make(ctx, dir)
	}
	for name, content := range e.files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// make makes the files in a directory and keeps them.
func (e *emptyData) make(ctx context.Context, dir string) error {
	first := &Offline{dir: dir}
	if _, err := first.openData(ctx); err != nil {
		return err
	}
	if err := first.store.Close(); err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, name := range []string{databaseFile, keyFile} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		files[name] = content
	}
	e.files = files
	return nil
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
