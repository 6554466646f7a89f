package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const insertIntegration = `
INSERT INTO integrations (id, uid, draft_hash, display_name, category, latest_version, published_hash, revision, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, 0, '', $6, $7, $8) ON CONFLICT (id) DO NOTHING`

// CreateIntegration adds an integration with its draft, and its test instance.
func (db *DB) CreateIntegration(ctx context.Context, in ipaas.Integration, test ipaas.Instance, w storage.Write) error {
	draft := newDocument(&in.Draft)
	return db.changeMuch(ctx, len(draft.text), w, func(ctx context.Context, tx *tx) error {
		if err := putDefinition(ctx, tx, draft); err != nil {
			return err
		}
		n, err := tx.exec(ctx, insertIntegration, in.ID, in.UID, draft.hash, in.Draft.DisplayName, in.Draft.Category,
			max(in.Revision, 1), micros(in.CreateTime), micros(in.UpdateTime))
		if err != nil {
			return err
		}
		if n == 0 {
			return ipaas.Taken("integration", in.ID)
		}
		test.Kind, test.IntegrationID = ipaas.InstanceTest, in.ID
		return putInstance(ctx, tx, &test)
	})
}

const updateIntegration = `
UPDATE integrations SET draft_hash = $2, display_name = $3, category = $4, revision = revision + 1, update_time = $5 WHERE id = $1`

// UpdateIntegration replaces the draft.
func (db *DB) UpdateIntegration(ctx context.Context, in ipaas.Integration, base int64, w storage.Write) error {
	draft := newDocument(&in.Draft)
	return db.changeMuch(ctx, len(draft.text), w, func(ctx context.Context, tx *tx) error {
		if _, err := checkIntegration(ctx, tx, in.ID, base); err != nil {
			return err
		}
		return replaceDraft(ctx, tx, &in, draft)
	})
}

func replaceDraft(ctx context.Context, tx *tx, in *ipaas.Integration, draft *definitionDocument) error {
	if err := putDefinition(ctx, tx, draft); err != nil {
		return err
	}
	return tx.do(ctx, updateIntegration, in.ID, draft.hash, in.Draft.DisplayName, in.Draft.Category, micros(in.UpdateTime))
}

const (
	insertIntegrationVersion = `
INSERT INTO integration_versions (integration_id, version, comment, definition_hash, component_versions, create_time)
VALUES ($1, $2, $3, $4, $5, $6)`
	updateLatestVersion = `UPDATE integrations SET latest_version = $2, published_hash = $3 WHERE id = $1`
)

// PublishIntegration replaces the draft and adds a version.
func (db *DB) PublishIntegration(ctx context.Context, in ipaas.Integration, base int64, v ipaas.IntegrationVersion, w storage.Write) error {
	draft, published := newDocument(&in.Draft), newDocument(&v.Definition)
	return db.changeMuch(ctx, len(draft.text)+len(published.text), w, func(ctx context.Context, tx *tx) error {
		latest, err := checkIntegration(ctx, tx, in.ID, base)
		if err != nil {
			return err
		}
		if v.Version != latest+1 {
			return ipaas.Stale("integration", in.ID)
		}
		if err := replaceDraft(ctx, tx, &in, draft); err != nil {
			return err
		}
		if err := putDefinition(ctx, tx, published); err != nil {
			return err
		}
		err = tx.do(ctx, insertIntegrationVersion, in.ID, v.Version, v.Comment, published.hash, asJSON(v.ComponentVersions), micros(v.CreateTime))
		if err != nil {
			return err
		}
		return tx.do(ctx, updateLatestVersion, in.ID, v.Version, published.hash)
	})
}

const selectIntegrationHead = `SELECT revision, latest_version FROM integrations WHERE id = $1`

func checkIntegration(ctx context.Context, q querier, id string, base int64) (latest int, err error) {
	var revision int64
	err = q.row(ctx, selectIntegrationHead, []any{id}, &revision, &latest)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ipaas.Absent("integration", id)
	}
	if err != nil {
		return 0, err
	}
	return latest, checkRevision("integration", id, revision, base)
}

const (
	selectIntegrationUse = `
SELECT id FROM instances WHERE integration_id = $1 AND kind = 'STANDARD' AND state <> 'DELETED' ORDER BY id LIMIT 1`
	selectTestRegistration = `
SELECT r.id FROM registrations r JOIN instances i ON i.uid = r.instance_uid
WHERE i.integration_id = $1 AND i.kind = 'TEST' AND r.state NOT IN ('REMOVED', 'ABANDONED', 'FORGIVEN') ORDER BY r.id LIMIT 1`
	selectTestInstance = `SELECT uid, id FROM instances WHERE integration_id = $1 AND kind = 'TEST'`
	deleteInstance     = `DELETE FROM instances WHERE uid = $1`
	deleteIntegration  = `DELETE FROM integrations WHERE id = $1`
)

// DeleteIntegration forgets an integration with its versions and its test instance.
func (db *DB) DeleteIntegration(ctx context.Context, id string, base int64, w storage.Write) error {
	return db.discard(ctx, w, func(ctx context.Context, tx *tx) error {
		if _, err := checkIntegration(ctx, tx, id, base); err != nil {
			return err
		}
		if err := checkUnused(ctx, tx, "integration", id, "instance", selectIntegrationUse, id); err != nil {
			return err
		}
		if err := checkUnused(ctx, tx, "integration", id, "registration", selectTestRegistration, id); err != nil {
			return err
		}
		if err := forgetTestInstance(ctx, tx, id); err != nil {
			return err
		}
		uid, err := integrationUID(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := forgetState(ctx, tx, uid); err != nil {
			return err
		}
		if err := tx.do(ctx, deleteKeysOfOwner, uid); err != nil {
			return err
		}
		return tx.do(ctx, deleteIntegration, id)
	})
}

// forgetTestInstance deletes the test instance with all but its executions, which are history.
func forgetTestInstance(ctx context.Context, tx *tx, integrationID string) error {
	var uid, id string
	err := tx.row(ctx, selectTestInstance, []any{integrationID}, &uid, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("integration %s has no test instance", integrationID)
	}
	if err != nil {
		return err
	}
	if err := checkNoDeployment(ctx, tx, uid, id); err != nil {
		return err
	}
	if err := tx.do(ctx, cancelQueued, uid, int64(0)); err != nil {
		return err
	}
	if err := forgetState(ctx, tx, uid); err != nil {
		return err
	}
	if err := tx.do(ctx, deleteKeysOfOwner, uid); err != nil {
		return err
	}
	return tx.do(ctx, deleteInstance, uid)
}

const (
	integrationColumns = `i.id, i.uid, d.document, i.latest_version, i.published_hash, i.revision, i.create_time, i.update_time`
	integrationTables  = `integrations i JOIN definitions d ON d.hash = i.draft_hash`
	selectIntegration  = `SELECT ` + integrationColumns + ` FROM ` + integrationTables + ` WHERE i.id = $1`
)

// GetIntegration returns an integration with its draft.
func (db *DB) GetIntegration(ctx context.Context, id string) (in ipaas.Integration, err error) {
	err = db.view(func(q querier) error {
		in, err = scanIntegration(func(dest ...any) error { return q.row(ctx, selectIntegration, []any{id}, dest...) })
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Integration{}, ipaas.Absent("integration", id)
	}
	return in, err
}

const selectWithoutDraft = `SELECT uid, latest_version FROM integrations WHERE id = $1`

// GetIntegrationHead returns what can be told of an integration without its draft.
func (db *DB) GetIntegrationHead(ctx context.Context, id string) (h storage.IntegrationHead, err error) {
	err = db.view(func(q querier) error { return q.row(ctx, selectWithoutDraft, []any{id}, &h.UID, &h.LatestVersion) })
	if errors.Is(err, sql.ErrNoRows) {
		return storage.IntegrationHead{}, ipaas.Absent("integration", id)
	}
	return h, err
}

func scanIntegration(scan scanner) (in ipaas.Integration, err error) {
	err = scan(&in.ID, &in.UID, intoJSON(&in.Draft), &in.LatestVersion, &in.PublishedHash, &in.Revision,
		intoTime(&in.CreateTime), intoTime(&in.UpdateTime))
	return in, err
}

var integrations = list[ipaas.Integration]{
	name: "integrations", columns: integrationColumns, from: integrationTables + ` WHERE 1 = 1`,
	key: field{"i.id", text}, order: storage.Order{Field: "id"}, scan: scanIntegration,
	fields: map[string]field{
		"id": {"i.id", text}, "display_name": {"i.display_name", text}, "category": {"i.category", text},
		"create_time": {"i.create_time", moment}, "update_time": {"i.update_time", moment},
	},
}

// ListIntegrations lists integrations with their drafts.
func (db *DB) ListIntegrations(ctx context.Context, q storage.Query) (storage.Page[ipaas.Integration], error) {
	return integrations.page(ctx, db, q)
}

const (
	versionColumns = `v.integration_id, v.version, v.comment, d.document, v.component_versions, v.create_time`
	versionTables  = `integration_versions v JOIN definitions d ON d.hash = v.definition_hash`
	selectVersion  = `SELECT ` + versionColumns + ` FROM ` + versionTables + ` WHERE v.integration_id = $1 AND v.version = $2`
)

// GetIntegrationVersion returns one version.
func (db *DB) GetIntegrationVersion(ctx context.Context, integrationID string, version int) (v ipaas.IntegrationVersion, err error) {
	err = db.view(func(q querier) error {
		v, err = scanVersion(func(dest ...any) error { return q.row(ctx, selectVersion, []any{integrationID, version}, dest...) })
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.IntegrationVersion{}, noVersion(integrationID, version)
	}
	return v, err
}

func noVersion(integrationID string, version int) error {
	return ipaas.Absent("version", fmt.Sprintf("%s/%d", integrationID, version))
}

const selectVersionHead = `SELECT definition_hash, component_versions FROM integration_versions WHERE integration_id = $1 AND version = $2`

// GetVersionHead returns what a version points at, without its definition.
func (db *DB) GetVersionHead(ctx context.Context, integrationID string, version int) (h storage.VersionHead, err error) {
	err = db.view(func(q querier) error {
		return q.row(ctx, selectVersionHead, []any{integrationID, version}, &h.DefinitionHash, intoJSON(&h.ComponentVersions))
	})
	if errors.Is(err, sql.ErrNoRows) {
		return storage.VersionHead{}, noVersion(integrationID, version)
	}
	return h, err
}

func scanVersion(scan scanner) (v ipaas.IntegrationVersion, err error) {
	err = scan(&v.IntegrationID, &v.Version, &v.Comment, intoJSON(&v.Definition), intoJSON(&v.ComponentVersions), intoTime(&v.CreateTime))
	return v, err
}

var integrationVersions = list[ipaas.IntegrationVersion]{
	name: "versions", columns: versionColumns, from: versionTables + ` WHERE v.integration_id = $1`,
	key: field{"v.version", number}, order: storage.Order{Field: "version", Desc: true}, scan: scanVersion,
	fields: map[string]field{"version": {"v.version", number}, "create_time": {"v.create_time", moment}},
}

// ListIntegrationVersions lists the versions of one integration.
func (db *DB) ListIntegrationVersions(ctx context.Context, integrationID string, q storage.Query) (storage.Page[ipaas.IntegrationVersion], error) {
	err := db.view(func(q querier) error {
		_, err := checkIntegration(ctx, q, integrationID, 0)
		return err
	})
	if err != nil {
		return storage.Page[ipaas.IntegrationVersion]{}, err
	}
	return integrationVersions.page(ctx, db, q, integrationID)
}
