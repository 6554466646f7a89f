package storage

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// Components keeps the catalogue.
type Components interface {
	// SyncBuiltinComponents makes the built-in components of the catalogue be exactly these. One whose id a declarative component
	// has is left out, and its id returned. Of a built-in component there is one version only; one that is unchanged keeps its times.
	SyncBuiltinComponents(ctx context.Context, components []ipaas.Component, now time.Time) (skipped []string, err error)
	// CreateComponent adds a declarative component and its version.
	CreateComponent(ctx context.Context, c ipaas.Component, w Write) error
	// UpdateComponent adds the version c.Version, which must follow the stored latest one, else Conflict; base is the latest
	// version the caller saw, 0 for any. Earlier versions stay readable. Precondition READ_ONLY for a built-in one, here and below.
	UpdateComponent(ctx context.Context, c ipaas.Component, base int, w Write) error
	// DeleteComponent forgets a declarative component with all versions. Precondition IN_USE while a draft or a version of an
	// integration names it in a trigger, step or config variable, or a registration that is neither removed, abandoned nor forgiven was
	// made with it.
	DeleteComponent(ctx context.Context, id string, base int, w Write) error
	// GetComponent returns a version of a component; 0 is the latest.
	GetComponent(ctx context.Context, id string, version int) (ipaas.Component, error)
	// DeclarativeComponents returns those of the components with these ids that are declarative, in the order of the ids.
	DeclarativeComponents(ctx context.Context, ids []string) ([]ComponentHead, error)
	// ListComponents lists the latest versions. Fields: id, display_name, kind, create_time, update_time. Default order: id.
	ListComponents(ctx context.Context, q Query) (Page[ipaas.Component], error)
}

// ComponentHead is what can change of a declarative component: which version is the latest, and whether it is still the same component,
// since one may be deleted and another made under its id. What a version holds never changes.
type ComponentHead struct {
	ID      string
	UID     string
	Version int
}
