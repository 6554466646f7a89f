package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const (
	selectComponentHead = `SELECT kind, version FROM components WHERE id = $1`
	selectBuiltinIDs    = `SELECT id FROM components WHERE kind = 'BUILTIN' ORDER BY id`
	selectBuiltin       = `
SELECT c.kind, c.version, v.document FROM components c JOIN component_versions v ON v.component_id = c.id AND v.version = c.version
WHERE c.id = $1`
	insertComponent = `
INSERT INTO components (id, kind, version, display_name, create_time, update_time) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO NOTHING`
	insertComponentVersion = `INSERT INTO component_versions (component_id, version, document, update_time) VALUES ($1, $2, $3, $4)`
	updateComponent        = `UPDATE components SET version = $2, display_name = $3, update_time = $4 WHERE id = $1`
	deleteComponent        = `DELETE FROM components WHERE id = $1`
	deleteVersions         = `DELETE FROM component_versions WHERE component_id = $1`
)

// SyncBuiltinComponents makes the built-in components of the catalogue be exactly these.
func (db *DB) SyncBuiltinComponents(ctx context.Context, components []ipaas.Component, now time.Time) (skipped []string, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		skipped = nil
		gone, err := builtinIDs(ctx, tx)
		if err != nil {
			return err
		}
		for _, c := range components {
			delete(gone, c.ID)
			taken, err := syncBuiltin(ctx, tx, c, now)
			if err != nil {
				return err
			}
			if taken {
				skipped = append(skipped, c.ID)
			}
		}
		for id := range gone {
			if err := tx.do(ctx, deleteComponent, id); err != nil {
				return err
			}
		}
		return nil
	})
	return skipped, err
}

func builtinIDs(ctx context.Context, q querier) (map[string]bool, error) {
	ids := map[string]bool{}
	err := q.rows(ctx, selectBuiltinIDs, nil, func(scan scanner) error {
		var id string
		err := scan(&id)
		ids[id] = true
		return err
	})
	return ids, err
}

// syncBuiltin writes a built-in component if it is new or differs. It reports whether a declarative one has its id.
func syncBuiltin(ctx context.Context, tx *tx, c ipaas.Component, now time.Time) (taken bool, err error) {
	c.Kind, c.CreateTime, c.UpdateTime = ipaas.ComponentBuiltin, time.Time{}, time.Time{}
	fresh, err := asJSON(&c).Value()
	if err != nil {
		return false, err
	}
	var (
		kind    ipaas.ComponentKind
		version int
		before  string
	)
	switch err := tx.row(ctx, selectBuiltin, []any{c.ID}, &kind, &version, &before); {
	case errors.Is(err, sql.ErrNoRows):
		if err := tx.do(ctx, insertComponent, c.ID, c.Kind, c.Version, c.DisplayName, micros(now), micros(now)); err != nil {
			return false, err
		}
		return false, tx.do(ctx, insertComponentVersion, c.ID, c.Version, fresh, micros(now))
	case err != nil:
		return false, err
	case kind != ipaas.ComponentBuiltin:
		return true, nil
	case version == c.Version && before == fresh:
		return false, nil
	}
	if err := tx.do(ctx, deleteVersions, c.ID); err != nil {
		return false, err
	}
	if err := tx.do(ctx, updateComponent, c.ID, c.Version, c.DisplayName, micros(now)); err != nil {
		return false, err
	}
	return false, tx.do(ctx, insertComponentVersion, c.ID, c.Version, fresh, micros(now))
}

// CreateComponent adds a declarative component and its version.
func (db *DB) CreateComponent(ctx context.Context, c ipaas.Component, w storage.Write) error {
	return db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, insertComponent, c.ID, ipaas.ComponentDeclarative, c.Version, c.DisplayName,
			micros(c.CreateTime), micros(c.UpdateTime))
		if err != nil {
			return err
		}
		if n == 0 {
			return ipaas.Taken("component", c.ID)
		}
		return putComponentVersion(ctx, tx, c)
	})
}

func putComponentVersion(ctx context.Context, tx *tx, c ipaas.Component) error {
	update := c.UpdateTime
	c.Kind, c.CreateTime, c.UpdateTime = ipaas.ComponentDeclarative, time.Time{}, time.Time{} // these are columns
	return tx.do(ctx, insertComponentVersion, c.ID, c.Version, asJSON(&c), micros(update))
}

// UpdateComponent adds a version.
func (db *DB) UpdateComponent(ctx context.Context, c ipaas.Component, base int, w storage.Write) error {
	return db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		latest, err := checkDeclarative(ctx, tx, c.ID, base)
		if err != nil {
			return err
		}
		if c.Version != latest+1 {
			return ipaas.Stale("component", c.ID)
		}
		if err := tx.do(ctx, updateComponent, c.ID, c.Version, c.DisplayName, micros(c.UpdateTime)); err != nil {
			return err
		}
		return putComponentVersion(ctx, tx, c)
	})
}

// checkDeclarative returns the latest version of a component that may be changed by a caller who has seen base.
func checkDeclarative(ctx context.Context, q querier, id string, base int) (latest int, err error) {
	var kind ipaas.ComponentKind
	err = q.row(ctx, selectComponentHead, []any{id}, &kind, &latest)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ipaas.Absent("component", id)
	}
	if err != nil {
		return 0, err
	}
	if kind == ipaas.ComponentBuiltin {
		return 0, &ipaas.Error{
			Kind: ipaas.Precondition, Reason: ipaas.ReasonReadOnly,
			Message: fmt.Sprintf("component %q is built in and cannot be changed: create one of your own under another id", id),
			Meta:    map[string]string{"resource": "component", "id": id},
		}
	}
	return latest, checkRevision("component", id, int64(latest), int64(base))
}

const (
	selectDraftWith = `
SELECT i.id FROM definition_components d JOIN integrations i ON i.draft_hash = d.hash WHERE d.component_id = $1 ORDER BY i.id LIMIT 1`
	selectVersionWith = `
SELECT v.integration_id FROM definition_components d JOIN integration_versions v ON v.definition_hash = d.hash
WHERE d.component_id = $1 ORDER BY v.integration_id LIMIT 1`
	selectRegistrationWith = `
SELECT id FROM registrations WHERE component_id = $1 AND state NOT IN ('REMOVED', 'ABANDONED', 'FORGIVEN') ORDER BY id LIMIT 1`
)

// DeleteComponent forgets a declarative component that nothing uses.
func (db *DB) DeleteComponent(ctx context.Context, id string, base int, w storage.Write) error {
	return db.discard(ctx, w, func(ctx context.Context, tx *tx) error {
		if _, err := checkDeclarative(ctx, tx, id, base); err != nil {
			return err
		}
		for _, use := range []struct{ by, text string }{
			{"the draft of integration", selectDraftWith},
			{"a version of integration", selectVersionWith},
			{"registration", selectRegistrationWith},
		} {
			if err := checkUnused(ctx, tx, "component", id, use.by, use.text, id); err != nil {
				return err
			}
		}
		return tx.do(ctx, deleteComponent, id)
	})
}

const (
	componentColumns       = `v.document, c.create_time, v.update_time`
	selectLatestComponent  = `SELECT ` + componentColumns + ` FROM ` + componentTables + ` AND v.version = c.version WHERE c.id = $1`
	selectComponentVersion = `SELECT ` + componentColumns + ` FROM ` + componentTables + ` WHERE c.id = $1 AND v.version = $2`
	componentTables        = `components c JOIN component_versions v ON v.component_id = c.id`
)

// GetComponent returns a version of a component; 0 is the latest.
func (db *DB) GetComponent(ctx context.Context, id string, version int) (c ipaas.Component, err error) {
	statement, args := selectLatestComponent, []any{id}
	if version != 0 {
		statement, args = selectComponentVersion, []any{id, version}
	}
	err = db.view(func(q querier) error {
		c, err = scanComponent(func(dest ...any) error { return q.row(ctx, statement, args, dest...) })
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		if version != 0 {
			id += " version " + strconv.Itoa(version)
		}
		return ipaas.Component{}, ipaas.Absent("component", id)
	}
	return c, err
}

const selectComponentDocument = `SELECT document FROM component_versions WHERE component_id = $1 AND version = $2`

// DeclarativeComponents returns those of the components with these ids that are declarative.
func (db *DB) DeclarativeComponents(ctx context.Context, ids []string) (found []storage.ComponentHead, err error) {
	err = db.view(func(q querier) error {
		for _, id := range ids {
			head, kind := storage.ComponentHead{ID: id}, ipaas.ComponentKind("")
			err := q.row(ctx, selectComponentHead, []any{id}, &kind, &head.Version)
			if errors.Is(err, sql.ErrNoRows) || err == nil && kind != ipaas.ComponentDeclarative {
				continue
			}
			if err != nil {
				return err
			}
			var known struct {
				UID string `json:"uid"`
			}
			err = q.row(ctx, selectComponentDocument, []any{id, head.Version}, intoJSON(&known))
			if errors.Is(err, sql.ErrNoRows) {
				continue // it was deleted in this moment
			}
			if err != nil {
				return err
			}
			head.UID = known.UID
			found = append(found, head)
		}
		return nil
	})
	return found, err
}

func scanComponent(scan scanner) (c ipaas.Component, err error) {
	var create, update time.Time
	err = scan(intoJSON(&c), intoTime(&create), intoTime(&update))
	c.CreateTime, c.UpdateTime = create, update
	return c, err
}

var components = list[ipaas.Component]{
	name: "components", columns: componentColumns, from: componentTables + ` AND v.version = c.version WHERE 1 = 1`,
	key: field{"c.id", text}, order: storage.Order{Field: "id"}, scan: scanComponent,
	fields: map[string]field{
		"id": {"c.id", text}, "display_name": {"c.display_name", text}, "kind": {"c.kind", text},
		"create_time": {"c.create_time", moment}, "update_time": {"c.update_time", moment},
	},
}

// ListComponents lists the latest versions.
func (db *DB) ListComponents(ctx context.Context, q storage.Query) (storage.Page[ipaas.Component], error) {
	return components.page(ctx, db, q)
}
