// Package assembly puts Headrace together: the way out, the plane and the API, with the components that are shipped. The server puts
// listeners before it; Offline has a whole Headrace in this process for as long as somebody tests flows with it.
// It must not decide anything.
package assembly

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/server/api"
)

// Parts is what a Headrace is put together from. All but Scripts, Limits, AllowPrivate, AllowLoopback, OwnPorts and Offline must be set.
type Parts struct {
	Store     storage.Store
	Keys      *secret.Keyring
	Builtins  []*component.Component
	Scripts   component.Scripts // runs the code of steps; nil: none is run
	PublicURL *url.URL          // where hooks can be reached
	Logger    *slog.Logger
	Limits    control.Limits
	Version   string

	AllowPrivate  []netip.Prefix // private address ranges that flows may call
	AllowLoopback bool           // flows may call this machine
	OwnPorts      []uint16       // that the program itself listens on
	Offline       bool           // no request leaves, whoever makes it
}

// Assembly is a Headrace without its store and its listeners.
type Assembly struct {
	Client *outbound.Client
	Plane  *control.Plane
	API    *api.API
}

// Assemble puts a Headrace together. The plane's work does not begin before its Run is called.
func Assemble(ctx context.Context, p Parts) (*Assembly, error) {
	client, err := outbound.New(outbound.Options{
		Version: p.Version, AllowPrivate: p.AllowPrivate, AllowLoopback: p.AllowLoopback, OwnPorts: p.OwnPorts,
		SelfHooksURL: p.PublicURL.JoinPath("hooks").String() + "/",
	})
	if err != nil {
		return nil, fmt.Errorf("outbound client: %w", err)
	}
	if p.Offline {
		client = client.Through(outbound.NewTape(outbound.TapeOptions{Offline: true}), "")
	}
	pageTokenKey, err := p.Keys.Derive("page-tokens")
	if err != nil {
		return nil, fmt.Errorf("derive the key of page tokens: %w", err)
	}
	plane, err := control.New(ctx, control.Options{
		Store: p.Store, Keys: p.Keys, Builtins: p.Builtins, Client: client, Scripts: p.Scripts, PublicURL: p.PublicURL, Logger: p.Logger, Limits: p.Limits,
	})
	if err != nil {
		return nil, err
	}
	return &Assembly{
		Client: client, Plane: plane,
		API: api.New(api.Options{Plane: plane, Store: p.Store, Logger: p.Logger, PageTokenKey: pageTokenKey, Version: p.Version}),
	}, nil
}
