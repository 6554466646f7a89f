package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const (
	selectCustomerID    = `SELECT id FROM customers WHERE id = $1`
	selectIntegrationID = `SELECT id FROM integrations WHERE id = $1`
)

// CreateInstance adds an instance, its first config revision and its hooks.
func (db *DB) CreateInstance(ctx context.Context, in ipaas.Instance, hooks []ipaas.Webhook, w storage.Write) error {
	return db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		if in.Kind != ipaas.InstanceTest {
			if err := mustExist(ctx, tx, "customer", in.CustomerID, selectCustomerID); err != nil {
				return err
			}
		}
		if err := mustExist(ctx, tx, "integration", in.IntegrationID, selectIntegrationID); err != nil {
			return err
		}
		if err := putInstance(ctx, tx, &in); err != nil {
			return err
		}
		return addWebhooks(ctx, tx, in.UID, hooks)
	})
}

func mustExist(ctx context.Context, q querier, noun, id, text string) error {
	found, err := exists(ctx, q, text, id)
	if err == nil && !found {
		return ipaas.Absent(noun, id)
	}
	return err
}

const insertInstance = `
INSERT INTO instances (uid, id, kind, display_name, description, customer_id, integration_id, version, state, paused, pause_mode,
	config_revision, generation, last_generation, serving_config, deployment_id, labels, revision, create_time, update_time, deploy_time,
	max_concurrency)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, '', $13, $14, $15, $16, 0, $17)
ON CONFLICT DO NOTHING`

// putInstance adds an instance that was never deployed, with its config.
func putInstance(ctx context.Context, tx *tx, in *ipaas.Instance) error {
	n, err := tx.exec(ctx, insertInstance, in.UID, in.ID, in.Kind, in.DisplayName, in.Description, in.CustomerID, in.IntegrationID,
		in.Version, in.State, flag(in.Paused), in.PauseMode, in.Config.Revision, asJSON(in.Labels), max(in.Revision, 1),
		micros(in.CreateTime), micros(in.UpdateTime), in.MaxConcurrency)
	if err != nil {
		return err
	}
	if n == 0 {
		return ipaas.Taken("instance", in.ID)
	}
	return putConfig(ctx, tx, in.UID, in.Config)
}

const insertConfig = `INSERT INTO configs (instance_uid, revision, document) VALUES ($1, $2, $3)`

func putConfig(ctx context.Context, tx *tx, uid string, c ipaas.Config) error {
	if c.Revision == 0 {
		return nil
	}
	return tx.do(ctx, insertConfig, uid, c.Revision, asJSON(c.Values))
}

const updateInstance = `
UPDATE instances SET display_name = $2, description = $3, labels = $4, config_revision = $5, max_concurrency = $6, revision = revision + 1,
	update_time = $7 WHERE uid = $1`

// UpdateInstance replaces names, labels and config.
func (db *DB) UpdateInstance(ctx context.Context, in ipaas.Instance, base int64, w storage.Write) error {
	return db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		was, err := instanceToChange(ctx, tx, in.ID, base)
		if err != nil {
			return err
		}
		if err := nextConfig(ctx, tx, was, in.Config); err != nil {
			return err
		}
		return tx.do(ctx, updateInstance, was.UID, in.DisplayName, in.Description, asJSON(in.Labels), in.Config.Revision,
			in.MaxConcurrency, micros(in.UpdateTime))
	})
}

// nextConfig adds a config if its revision is a new one. The stored revision may come again only with the same values: otherwise
// someone else has taken the number meanwhile.
func nextConfig(ctx context.Context, tx *tx, was ipaas.Instance, c ipaas.Config) error {
	switch {
	case c.Revision > was.Config.Revision:
		return putConfig(ctx, tx, was.UID, c)
	case c.Revision < was.Config.Revision:
		return ipaas.Stale("instance", was.ID)
	}
	is, err := json.Marshal(was.Config.Values)
	if err != nil {
		return err
	}
	should, err := json.Marshal(c.Values)
	if err != nil {
		return err
	}
	if string(is) != string(should) && len(was.Config.Values)+len(c.Values) > 0 {
		return ipaas.Stale("instance", was.ID)
	}
	return nil
}

// instanceToChange returns an instance that is no tombstone, for a caller who has seen base.
func instanceToChange(ctx context.Context, q querier, id string, base int64) (ipaas.Instance, error) {
	in, err := getInstance(ctx, q, id)
	if err != nil {
		return in, err
	}
	return in, checkRevision("instance", id, in.Revision, base)
}

const (
	instanceColumns = `i.uid, i.id, i.kind, i.display_name, i.description, i.customer_id, i.integration_id, i.version, i.state,
	i.paused, i.pause_mode, i.config_revision, COALESCE(c.document, ''), i.generation, i.serving_config, i.deployment_id, i.labels,
	i.revision, i.create_time, i.update_time, i.deploy_time, i.max_concurrency`
	instanceTables = `instances i LEFT JOIN configs c ON c.instance_uid = i.uid AND c.revision = i.config_revision`
	selectInstance = `SELECT ` + instanceColumns + ` FROM ` + instanceTables + ` WHERE i.id = $1 AND i.state <> 'DELETED'`
)

// GetInstance returns an instance.
func (db *DB) GetInstance(ctx context.Context, id string) (in ipaas.Instance, err error) {
	err = db.view(func(q querier) error {
		in, err = getInstance(ctx, q, id)
		return err
	})
	return in, err
}

// getInstance returns an instance that is no tombstone.
func getInstance(ctx context.Context, q querier, id string) (ipaas.Instance, error) {
	in, err := scanInstance(func(dest ...any) error { return q.row(ctx, selectInstance, []any{id}, dest...) })
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Instance{}, ipaas.Absent("instance", id)
	}
	return in, err
}

func scanInstance(scan scanner) (in ipaas.Instance, err error) {
	err = scan(&in.UID, &in.ID, &in.Kind, &in.DisplayName, &in.Description, &in.CustomerID, &in.IntegrationID, &in.Version, &in.State,
		&in.Paused, &in.PauseMode, &in.Config.Revision, intoJSON(&in.Config.Values), &in.Generation, &in.ServingConfig, &in.DeploymentID,
		intoJSON(&in.Labels), &in.Revision, intoTime(&in.CreateTime), intoTime(&in.UpdateTime), intoTime(&in.DeployTime),
		&in.MaxConcurrency)
	return in, err
}

const selectLiveUID = `SELECT uid FROM instances WHERE id = $1 AND state <> 'DELETED'`

// liveUID returns the uid of an instance that is no tombstone.
func liveUID(ctx context.Context, q querier, id string) (uid string, err error) {
	err = q.row(ctx, selectLiveUID, []any{id}, &uid)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ipaas.Absent("instance", id)
	}
	return uid, err
}

// An id is first of all that of the instance that has it now; without one it is that of the tombstone that had it last.
const selectAnyUID = `
SELECT uid FROM instances WHERE id = $1 ORDER BY CASE state WHEN 'DELETED' THEN 1 ELSE 0 END, update_time DESC, uid DESC LIMIT 1`

// anyUID returns the uid of an instance, tombstones included.
func anyUID(ctx context.Context, q querier, id string) (uid string, err error) {
	err = q.row(ctx, selectAnyUID, []any{id}, &uid)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ipaas.Absent("instance", id)
	}
	return uid, err
}

var instances = list[ipaas.Instance]{
	name: "instances", columns: instanceColumns, from: instanceTables + ` WHERE i.kind = 'STANDARD' AND i.state <> 'DELETED'`,
	key: field{"i.id", text}, order: storage.Order{Field: "id"}, scan: scanInstance,
	fields: map[string]field{
		"id": {"i.id", text}, "display_name": {"i.display_name", text}, "customer_id": {"i.customer_id", text},
		"integration_id": {"i.integration_id", text}, "version": {"i.version", number}, "state": {"i.state", text},
		"paused": {"i.paused", boolean}, "create_time": {"i.create_time", moment}, "update_time": {"i.update_time", moment},
	},
}

// ListInstances lists standard instances.
func (db *DB) ListInstances(ctx context.Context, q storage.Query) (storage.Page[ipaas.Instance], error) {
	return instances.page(ctx, db, q)
}

const selectConfig = `SELECT document FROM configs WHERE instance_uid = $1 AND revision = $2`

// GetConfig returns one revision of an instance's config.
func (db *DB) GetConfig(ctx context.Context, instanceID string, revision int64) (c ipaas.Config, err error) {
	c.Revision = revision
	err = db.view(func(q querier) error {
		uid, err := liveUID(ctx, q, instanceID)
		if err != nil || revision == 0 {
			return err
		}
		return q.row(ctx, selectConfig, []any{uid, revision}, intoJSON(&c.Values))
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = ipaas.Absent("config revision", fmt.Sprintf("%s/%d", instanceID, revision))
	}
	if err != nil {
		return ipaas.Config{}, err
	}
	return c, nil
}

const (
	pauseInstance  = `UPDATE instances SET paused = 1, pause_mode = $2, revision = revision + 1, update_time = $3 WHERE uid = $1`
	resumeInstance = `UPDATE instances SET paused = 0, pause_mode = '', revision = revision + 1, update_time = $2 WHERE uid = $1`
	stopClaims     = `UPDATE executions SET ready = 0 WHERE instance_uid = $1 AND state = 'QUEUED' AND ready = 1`
	allowClaims    = `UPDATE executions SET ready = 1 WHERE instance_uid = $1 AND held = 0 AND ready = 0 AND ` + mayRun
	releaseHeld    = `
UPDATE executions SET held = 0 WHERE instance_uid = $1 AND state = 'QUEUED' AND held = 1 AND flow_id IN (
	SELECT f.flow_id FROM instances i JOIN generations g ON g.instance_uid = i.uid AND g.number = i.generation
	JOIN definition_flows f ON f.hash = g.definition_hash WHERE i.uid = $1)`
)

// release lets those executions of an instance run that its serving generation can run.
func release(ctx context.Context, tx *tx, uid string) error {
	if err := tx.do(ctx, releaseHeld, uid); err != nil {
		return err
	}
	return tx.do(ctx, allowClaims, uid)
}

// PauseInstance pauses, or changes the mode of a pause.
func (db *DB) PauseInstance(
	ctx context.Context, id string, mode ipaas.PauseMode, base int64, now time.Time, w storage.Write,
) (in ipaas.Instance, err error) {
	err = db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		if in, err = instanceToChange(ctx, tx, id, base); err != nil || in.Paused && in.PauseMode == mode {
			return err
		}
		if err := tx.do(ctx, pauseInstance, in.UID, mode, micros(now)); err != nil {
			return err
		}
		if err := tx.do(ctx, stopClaims, in.UID); err != nil {
			return err
		}
		if err := tx.do(ctx, pauseSchedules, in.UID, flag(true)); err != nil {
			return err
		}
		in, err = getInstance(ctx, tx, id)
		return err
	})
	return in, err
}

// ResumeInstance ends a pause.
func (db *DB) ResumeInstance(ctx context.Context, id string, base int64, now time.Time, w storage.Write) (in ipaas.Instance, err error) {
	err = db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		if in, err = instanceToChange(ctx, tx, id, base); err != nil || !in.Paused {
			return err
		}
		if err := tx.do(ctx, resumeInstance, in.UID, micros(now)); err != nil {
			return err
		}
		if err := release(ctx, tx, in.UID); err != nil {
			return err
		}
		if err := tx.do(ctx, pauseSchedules, in.UID, flag(false)); err != nil {
			return err
		}
		in, err = getInstance(ctx, tx, id)
		return err
	})
	return in, err
}

const (
	removeInstance = `
UPDATE instances SET state = $2, leaving = CASE WHEN $2 = 'UNDEPLOYED' AND generation > 0 THEN generation ELSE leaving END,
	generation = CASE $2 WHEN 'DELETING' THEN generation ELSE 0 END,
	serving_config = CASE $2 WHEN 'DELETING' THEN serving_config ELSE 0 END,
	deploy_time = CASE $2 WHEN 'DELETING' THEN deploy_time ELSE 0 END, revision = revision + 1, update_time = $3 WHERE uid = $1`
	cancelQueued = `
UPDATE executions SET state = 'CANCELED', held = 0, ready = 0, asleep = 0, in_lane = 0, end_time = CASE $2 WHEN 0 THEN create_time ELSE $2 END
WHERE instance_uid = $1 AND state = 'QUEUED' AND attempts = 0`
	dissolveLanes       = `UPDATE executions SET in_lane = 0, blocking = 0 WHERE instance_uid = $1 AND in_lane = 1 AND blocking = 1`
	removeRegistrations = `
UPDATE registrations SET state = 'REMOVE_PENDING', next_try_time = 0, update_time = $2
WHERE instance_uid = $1 AND state IN ('INTENT', 'CREATED', 'REMOVE_FAILED', 'UNCONFIRMED')`
)

// BeginRemoval begins to undeploy or delete an instance.
func (db *DB) BeginRemoval(
	ctx context.Context, id string, state ipaas.InstanceState, base int64, now time.Time, w storage.Write,
) (in ipaas.Instance, err error) {
	err = db.discard(ctx, w, func(ctx context.Context, tx *tx) error {
		if in, err = instanceToChange(ctx, tx, id, base); err != nil {
			return err
		}
		if err := checkNoDeployment(ctx, tx, in.UID, id); err != nil {
			return err
		}
		if err := tx.do(ctx, removeRegistrations, in.UID, micros(now)); err != nil || in.Kind == ipaas.InstanceTest {
			return err
		}
		if state != ipaas.InstanceUndeployed && state != ipaas.InstanceDeleting {
			return fmt.Errorf("begin removal of %s: %s is no state of removal", id, state)
		}
		if in.State == ipaas.InstanceDeleting && state != ipaas.InstanceDeleting {
			return beingDeleted(id)
		}
		if err := tx.do(ctx, removeInstance, in.UID, state, micros(now)); err != nil {
			return err
		}
		if err := tx.do(ctx, cancelQueued, in.UID, micros(now)); err != nil {
			return err
		}
		if err := tx.do(ctx, dissolveLanes, in.UID); err != nil {
			return err
		}
		if err := tx.do(ctx, deleteSchedules, in.UID); err != nil {
			return err
		}
		if err := tx.do(ctx, allowClaims, in.UID); err != nil { // what was begun, if a pause has kept it
			return err
		}
		in, err = getInstance(ctx, tx, id)
		return err
	})
	return in, err
}

const (
	finishUndeployment  = `UPDATE instances SET leaving = 0 WHERE id = $1 AND state <> 'DELETED'`
	selectUndeployments = `SELECT ` + instanceColumns + `, i.leaving FROM ` + instanceTables + `
WHERE i.leaving > 0 AND i.state NOT IN ('DELETING', 'DELETED') ORDER BY i.leaving, i.id`
)

// FinishUndeployment records that an instance was undeployed to the end.
func (db *DB) FinishUndeployment(ctx context.Context, id string) error {
	return db.reclaim(ctx, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, finishUndeployment, id)
		if err == nil && n == 0 {
			return ipaas.Absent("instance", id)
		}
		return err
	})
}

// UnfinishedUndeployments returns the instances whose undeployment has not ended.
func (db *DB) UnfinishedUndeployments(ctx context.Context) (found []ipaas.Instance, err error) {
	err = db.view(func(q querier) error {
		return q.rows(ctx, selectUndeployments, nil, func(scan scanner) error {
			var leaving int
			in, err := scanInstance(func(dest ...any) error { return scan(append(dest, &leaving)...) })
			in.Generation = leaving
			found = append(found, in)
			return err
		})
	})
	return found, err
}

func beingDeleted(id string) error {
	return &ipaas.Error{
		Kind: ipaas.Precondition, Reason: ipaas.ReasonInstanceDeleting,
		Message: fmt.Sprintf("instance %q is being deleted: create another one", id),
		Meta:    map[string]string{"resource": "instance", "id": id},
	}
}

const (
	finishDeletion  = `UPDATE instances SET state = 'DELETED', generation = 0, serving_config = 0, revision = revision + 1, update_time = $2 WHERE uid = $1`
	selectTombstone = `SELECT uid FROM instances WHERE id = $1 AND state = 'DELETED' LIMIT 1`
)

// FinishDeletion makes a DELETING instance a tombstone.
func (db *DB) FinishDeletion(ctx context.Context, id string, now time.Time) error {
	return db.reclaim(ctx, func(ctx context.Context, tx *tx) error {
		in, err := getInstance(ctx, tx, id)
		if err == nil && in.State == ipaas.InstanceDeleting {
			if err := forgetState(ctx, tx, in.UID); err != nil {
				return err
			}
			if err := tx.do(ctx, deleteKeysOfOwner, in.UID); err != nil {
				return err
			}
			return tx.do(ctx, finishDeletion, in.UID, micros(now))
		}
		if err != nil && !errors.Is(err, ipaas.NotFound) {
			return err
		}
		switch done, lookupErr := exists(ctx, tx, selectTombstone, id); {
		case lookupErr != nil:
			return lookupErr
		case done:
			return nil
		case err != nil:
			return err
		default:
			return moved("instance", id, string(in.State), string(ipaas.InstanceDeleting))
		}
	})
}
