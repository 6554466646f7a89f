package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const selectUnfinished = `SELECT id FROM deployments WHERE instance_uid = $1 AND state IN ('RUNNING', 'ROLLING_BACK')`

// checkNoDeployment refuses while a deployment of an instance has not ended.
func checkNoDeployment(ctx context.Context, q querier, uid, instanceID string) error {
	var id string
	err := q.row(ctx, selectUnfinished, []any{uid}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return &ipaas.Error{
		Kind: ipaas.Conflict, Reason: ipaas.ReasonDeploymentRunning,
		Message: fmt.Sprintf("deployment %q of instance %q has not ended: wait for it", id, instanceID),
		Meta:    map[string]string{"instance_id": instanceID, "deployment_id": id},
	}
}

const (
	selectLastGeneration = `SELECT last_generation FROM instances WHERE uid = $1`
	selectConfigRevision = `SELECT revision FROM configs WHERE instance_uid = $1 AND revision = $2`
	selectDeploymentID   = `SELECT id FROM deployments WHERE id = $1`
	insertDeployment     = `
INSERT INTO deployments (id, instance_uid, instance_id, state, number, version, definition_hash, component_versions, config_revision,
	execution_ids, error, changes, request_id, request_hash, source_deployment_id, deadline, create_time, end_time)
VALUES ($1, $2, $3, 'RUNNING', $4, $5, $6, $7, $8, $9, '', '', $10, $11, $12, $13, $14, 0)`
	beginDeployment = `
UPDATE instances SET deployment_id = $2, last_generation = (SELECT number FROM deployments WHERE id = $2), state = CASE WHEN kind = 'STANDARD' AND generation = 0 THEN 'DEPLOYING' ELSE state END,
	revision = revision + 1, update_time = $3 WHERE uid = $1`
)

// BeginDeployment adds a RUNNING deployment and the hooks of flows that have none.
func (db *DB) BeginDeployment(
	ctx context.Context, d ipaas.Deployment, hooks []ipaas.Webhook, base int64,
) (in ipaas.Instance, current []ipaas.Webhook, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		if in, err = getInstance(ctx, tx, d.InstanceID); err != nil {
			return err
		}
		// Before the revision: a deployment that runs has moved it, and that one runs is what the caller wants to know.
		if err := checkNoDeployment(ctx, tx, in.UID, in.ID); err != nil {
			return err
		}
		if err := checkRevision("instance", in.ID, in.Revision, base); err != nil {
			return err
		}
		if in.State == ipaas.InstanceDeleting {
			return beingDeleted(in.ID)
		}
		if err := putDeployment(ctx, tx, in.UID, &d); err != nil {
			return err
		}
		if err := addWebhooks(ctx, tx, in.UID, hooks); err != nil {
			return err
		}
		if err := tx.do(ctx, beginDeployment, in.UID, d.ID, micros(d.CreateTime)); err != nil {
			return err
		}
		if in, err = getInstance(ctx, tx, in.ID); err != nil {
			return err
		}
		current, err = currentWebhooks(ctx, tx, in.UID)
		return err
	})
	if err != nil {
		return ipaas.Instance{}, nil, err
	}
	return in, current, nil
}

func putDeployment(ctx context.Context, tx *tx, uid string, d *ipaas.Deployment) error {
	taken, err := exists(ctx, tx, selectDeploymentID, d.ID)
	if err != nil {
		return err
	}
	if taken {
		return ipaas.Taken("deployment", d.ID)
	}
	g := d.Candidate
	if err := mustExist(ctx, tx, "definition", g.DefinitionHash, selectDefinition); err != nil {
		return err
	}
	if g.ConfigRevision != 0 {
		known, err := exists(ctx, tx, selectConfigRevision, uid, g.ConfigRevision)
		if err != nil {
			return err
		}
		if !known {
			return ipaas.Absent("config revision", fmt.Sprintf("%s/%d", d.InstanceID, g.ConfigRevision))
		}
	}
	var last int
	if err := tx.row(ctx, selectLastGeneration, []any{uid}, &last); err != nil {
		return err
	}
	return tx.do(ctx, insertDeployment, d.ID, uid, d.InstanceID, max(g.Number, last+1), g.Version, g.DefinitionHash, asJSON(g.ComponentVersions),
		g.ConfigRevision, asJSON(d.ExecutionIDs), d.RequestID, d.RequestHash, d.SourceID, micros(d.Deadline), micros(d.CreateTime))
}

const (
	insertGeneration = `
INSERT INTO generations (instance_uid, number, deployment_id, version, definition_hash, component_versions, config_revision, create_time)
SELECT instance_uid, number, id, version, definition_hash, component_versions, $3, $2 FROM deployments WHERE id = $1`
	serveGeneration = `
UPDATE instances SET state = 'ACTIVE', leaving = 0, version = $2, generation = $3, serving_config = $4, deploy_time = $5,
	revision = revision + 1, update_time = $5 WHERE uid = $1`
	endDeployment   = `UPDATE deployments SET state = $2, end_time = $3 WHERE id = $1`
	supersedeUnused = `
UPDATE registrations SET state = 'REMOVE_PENDING', update_time = $3
WHERE instance_uid = $1 AND deployment_id NOT IN ('', $2) AND state IN ('INTENT', 'CREATED')
	AND id NOT IN (SELECT registration_id FROM deployment_registrations WHERE deployment_id = $2)
RETURNING ` + registrationColumns
	forgetBefore = `UPDATE registrations SET before_image = '' WHERE changed_by_deployment = $1 AND changed_by_deployment <> ''`
)

// CommitDeployment switches the instance to the candidate.
func (db *DB) CommitDeployment(
	ctx context.Context, id string, now time.Time, t storage.Takeover,
) (superseded []ipaas.Registration, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		uid, d, err := deploymentInState(ctx, tx, id, ipaas.DeploymentRunning)
		if err != nil {
			return err
		}
		g := d.Candidate
		if d.SourceID != "" {
			if g.ConfigRevision, err = restoreConfig(ctx, tx, uid, g.ConfigRevision); err != nil {
				return err
			}
		}
		if err := tx.do(ctx, insertGeneration, id, micros(now), g.ConfigRevision); err != nil {
			return err
		}
		if err := tx.do(ctx, serveGeneration, uid, g.Version, g.Number, g.ConfigRevision, micros(now)); err != nil {
			return err
		}
		in, err := getInstance(ctx, tx, d.InstanceID)
		if err != nil {
			return err
		}
		if !in.Paused {
			if err := release(ctx, tx, uid); err != nil {
				return err
			}
		}
		if err := tx.do(ctx, keepInvoked, id, g.Number, g.ConfigRevision); err != nil {
			return err
		}
		if err := beginAll(ctx, tx, &in, t); err != nil {
			return err
		}
		if superseded, err = lastFirst(ctx, tx, supersedeUnused, uid, id, micros(now)); err != nil {
			return err
		}
		if err := tx.do(ctx, forgetBefore, id); err != nil {
			return err
		}
		if err := settleState(ctx, tx, id, t.State, now); err != nil {
			return err
		}
		return tx.do(ctx, endDeployment, id, ipaas.DeploymentSucceeded, micros(now))
	})
	return superseded, err
}

// beginAll begins what begins with a generation.
func beginAll(ctx context.Context, tx *tx, in *ipaas.Instance, t storage.Takeover) error {
	if err := setSchedules(ctx, tx, in, t.Schedules); err != nil {
		return err
	}
	for _, ex := range t.Executions {
		ex.State, ex.CustomerID, ex.IntegrationID = ipaas.ExecutionQueued, in.CustomerID, in.IntegrationID
		if _, err := putEvent(ctx, tx, &ex, place{uid: in.UID, paused: in.Paused}, storage.Admission{}); err != nil {
			return err
		}
	}
	return nil
}

const (
	selectCurrentConfig = `SELECT config_revision FROM instances WHERE uid = $1`
	selectOldConfig     = `SELECT document FROM configs WHERE instance_uid = $1 AND revision = $2`
	insertOldConfig     = `INSERT INTO configs (instance_uid, revision, document) VALUES ($1, $2, $3)`
	useConfig           = `UPDATE instances SET config_revision = $2 WHERE uid = $1`
)

// restoreConfig makes an earlier config the current one, as a revision of its own, and returns that.
func restoreConfig(ctx context.Context, tx *tx, uid string, revision int64) (int64, error) {
	var current int64
	if err := tx.row(ctx, selectCurrentConfig, []any{uid}, &current); err != nil || current == revision {
		return current, err
	}
	var document string // empty where nothing was ever set
	if err := tx.row(ctx, selectOldConfig, []any{uid, revision}, &document); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	if err := tx.do(ctx, insertOldConfig, uid, current+1, document); err != nil {
		return 0, err
	}
	return current + 1, tx.do(ctx, useConfig, uid, current+1)
}

// lastFirst runs a statement that returns registrations and sorts them so that they can be undone one after another.
func lastFirst(ctx context.Context, tx *tx, text string, args ...any) ([]ipaas.Registration, error) {
	found, err := scanRegistrations(ctx, tx, text, args...)
	sortLastFirst(found)
	return found, err
}

func sortLastFirst(rows []ipaas.Registration) {
	slices.SortFunc(rows, func(a, b ipaas.Registration) int { return int(b.Sequence - a.Sequence) })
}

const (
	rollBack    = `UPDATE deployments SET state = 'ROLLING_BACK', error = $2 WHERE id = $1`
	dropCreated = `
UPDATE registrations SET state = 'REMOVE_PENDING', update_time = $2 WHERE deployment_id = $1 AND state IN ('INTENT', 'CREATED')
RETURNING ` + registrationColumns
	// What the flows have started registers on its own account, but does not outlive what it was started for.
	dropOfInvoked = `
UPDATE registrations SET state = 'REMOVE_PENDING', update_time = $2 WHERE state IN ('INTENT', 'CREATED') AND deployment_id = ''
	AND execution_id IN (SELECT id FROM executions WHERE deployment_id = $1 AND deployment_id <> '')
RETURNING ` + registrationColumns
	selectOfInvoked = `SELECT ` + registrationColumns + ` FROM registrations WHERE state = 'REMOVE_PENDING' AND deployment_id = ''
	AND execution_id IN (SELECT id FROM executions WHERE deployment_id = $1 AND deployment_id <> '')`
	selectChanged = `SELECT ` + registrationColumns + ` FROM registrations 
WHERE changed_by_deployment = $1 AND changed_by_deployment <> '' AND state = 'CREATED' AND before_image <> ''`
)

// BeginRollback moves a RUNNING deployment to ROLLING_BACK.
func (db *DB) BeginRollback(
	ctx context.Context, id string, cause ipaas.DeploymentError, keep bool, now time.Time,
) (created []ipaas.Registration, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		created = nil
		if _, _, err := deploymentInState(ctx, tx, id, ipaas.DeploymentRunning); err != nil {
			return err
		}
		if err := tx.do(ctx, rollBack, id, asJSON(&cause)); err != nil {
			return err
		}
		if err := tx.do(ctx, deleteChanges, id); err != nil {
			return err
		}
		if err := endInvoked(ctx, tx, id, now); err != nil {
			return err
		}
		if keep {
			return tx.do(ctx, forgetBefore, id)
		}
		if created, err = scanRegistrations(ctx, tx, dropCreated, id, micros(now)); err != nil {
			return err
		}
		invoked, err := scanRegistrations(ctx, tx, dropOfInvoked, id, micros(now))
		if err != nil {
			return err
		}
		changed, err := scanRegistrations(ctx, tx, selectChanged, id)
		created = append(append(created, invoked...), changed...)
		sortLastFirst(created)
		return err
	})
	return created, err
}

// RollbackLeft returns what a deployment that is ROLLING_BACK has still to remove or to restore.
func (db *DB) RollbackLeft(ctx context.Context, id string) (left []ipaas.Registration, err error) {
	err = db.view(func(q querier) error {
		if _, _, err := deploymentInState(ctx, q, id, ipaas.DeploymentRollingBack); err != nil {
			return err
		}
		if left, err = scanRegistrations(ctx, q, selectStillCreated, id); err != nil {
			return err
		}
		invoked, err := scanRegistrations(ctx, q, selectOfInvoked, id)
		if err != nil {
			return err
		}
		changed, err := scanRegistrations(ctx, q, selectChanged, id)
		left = append(append(left, invoked...), changed...)
		sortLastFirst(left)
		return err
	})
	return left, err
}

const (
	selectStillCreated = `SELECT ` + registrationColumns + ` FROM registrations WHERE deployment_id = $1 AND state = 'REMOVE_PENDING'`
	resumeDeployment   = `UPDATE deployments SET resumes = resumes + 1 WHERE id = $1`
)

// ResumeDeployment counts that a RUNNING deployment is carried on.
func (db *DB) ResumeDeployment(ctx context.Context, id string) (d ipaas.Deployment, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		if _, _, err := deploymentInState(ctx, tx, id, ipaas.DeploymentRunning); err != nil {
			return err
		}
		if err := tx.do(ctx, resumeDeployment, id); err != nil {
			return err
		}
		_, d, err = deploymentInState(ctx, tx, id, ipaas.DeploymentRunning)
		return err
	})
	return d, err
}

const giveUpInstance = `
UPDATE instances SET state = CASE WHEN kind = 'STANDARD' AND generation = 0 THEN 'DEPLOY_FAILED' ELSE state END,
	revision = revision + 1, update_time = $2 WHERE uid = $1`

// FinishRollback moves a deployment from ROLLING_BACK to FAILED.
func (db *DB) FinishRollback(ctx context.Context, id string, now time.Time) error {
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		uid, _, err := deploymentInState(ctx, tx, id, ipaas.DeploymentRollingBack)
		if err != nil {
			return err
		}
		if err := tx.do(ctx, giveUpInstance, uid, micros(now)); err != nil {
			return err
		}
		return tx.do(ctx, endDeployment, id, ipaas.DeploymentFailed, micros(now))
	})
}

// deploymentInState returns a deployment and the uid of its instance, if it is in a state.
func deploymentInState(ctx context.Context, q querier, id string, state ipaas.DeploymentState) (uid string, d ipaas.Deployment, err error) {
	d, err = scanDeployment(func(dest ...any) error {
		return q.row(ctx, selectDeploymentAndUID, []any{id}, append(dest, &uid)...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", d, ipaas.Absent("deployment", id)
	}
	if err == nil && d.State != state {
		return "", d, moved("deployment", id, string(d.State), string(state))
	}
	return uid, d, err
}

const updateChanges = `UPDATE deployments SET changes = $2 WHERE id = $1`

// RecordChanges keeps what a deployment did in other systems.
func (db *DB) RecordChanges(ctx context.Context, id string, changes []ipaas.RegistrationChange) error {
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, updateChanges, id, asJSON(changes))
		if err == nil && n == 0 {
			return ipaas.Absent("deployment", id)
		}
		return err
	})
}

const (
	deploymentColumns = `d.id, d.instance_id, d.state, d.number, d.version, d.definition_hash, d.component_versions, d.config_revision,
	d.execution_ids, d.error, d.changes, d.request_id, d.request_hash, d.resumes, d.source_deployment_id, d.deadline, d.create_time,
	d.end_time`
	selectDeploymentAndUID = `SELECT ` + deploymentColumns + `, d.instance_uid FROM deployments d WHERE d.id = $1`
	selectDeployment       = `SELECT ` + deploymentColumns + ` FROM deployments d WHERE d.instance_uid = $1 AND d.id = $2`
	selectByRequest        = `
SELECT ` + deploymentColumns + ` FROM deployments d WHERE d.instance_uid = $1 AND d.request_id = $2 AND d.request_id <> ''
ORDER BY d.create_time DESC, d.id DESC LIMIT 1`
	selectAllUnfinished = `
SELECT ` + deploymentColumns + ` FROM deployments d WHERE d.state IN ('RUNNING', 'ROLLING_BACK') ORDER BY d.create_time, d.id`
)

func scanDeployment(scan scanner) (d ipaas.Deployment, err error) {
	g := &d.Candidate
	err = scan(&d.ID, &d.InstanceID, &d.State, &g.Number, &g.Version, &g.DefinitionHash, intoJSON(&g.ComponentVersions), &g.ConfigRevision,
		intoJSON(&d.ExecutionIDs), intoJSON(&d.Error), intoJSON(&d.Changes), &d.RequestID, &d.RequestHash, &d.Resumes, &d.SourceID,
		intoTime(&d.Deadline),
		intoTime(&d.CreateTime), intoTime(&d.EndTime))
	g.InstanceID, g.DeploymentID, g.CreateTime = d.InstanceID, d.ID, d.CreateTime
	return d, err
}

// GetDeployment returns one deployment of an instance.
func (db *DB) GetDeployment(ctx context.Context, instanceID, id string) (ipaas.Deployment, error) {
	return db.deployment(ctx, selectDeployment, instanceID, id)
}

// FindDeployment returns the deployment of an instance that a request id stands for.
func (db *DB) FindDeployment(ctx context.Context, instanceID, requestID string) (ipaas.Deployment, error) {
	return db.deployment(ctx, selectByRequest, instanceID, requestID)
}

func (db *DB) deployment(ctx context.Context, text, instanceID, id string) (d ipaas.Deployment, err error) {
	err = db.view(func(q querier) error {
		uid, err := liveUID(ctx, q, instanceID)
		if err != nil {
			return err
		}
		d, err = scanDeployment(func(dest ...any) error { return q.row(ctx, text, []any{uid, id}, dest...) })
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Deployment{}, ipaas.Absent("deployment", id)
	}
	return d, err
}

var deployments = list[ipaas.Deployment]{
	name: "deployments", columns: deploymentColumns, from: `deployments d WHERE d.instance_uid = $1`,
	key: field{"d.id", text}, order: storage.Order{Field: "create_time", Desc: true}, scan: scanDeployment,
	fields: map[string]field{
		"state": {"d.state", text}, "version": {"d.version", number}, "create_time": {"d.create_time", moment},
	},
}

// ListDeployments lists the deployments of an instance.
func (db *DB) ListDeployments(ctx context.Context, instanceID string, q storage.Query) (storage.Page[ipaas.Deployment], error) {
	var uid string
	err := db.view(func(q querier) (err error) {
		uid, err = liveUID(ctx, q, instanceID)
		return err
	})
	if err != nil {
		return storage.Page[ipaas.Deployment]{}, err
	}
	return deployments.page(ctx, db, q, uid)
}

// UnfinishedDeployments returns every deployment that has not ended.
func (db *DB) UnfinishedDeployments(ctx context.Context) (found []ipaas.Deployment, err error) {
	err = db.view(func(q querier) error {
		return q.rows(ctx, selectAllUnfinished, nil, func(scan scanner) error {
			d, err := scanDeployment(scan)
			found = append(found, d)
			return err
		})
	})
	return found, err
}

const selectGeneration = `
SELECT i.id, g.number, g.deployment_id, g.version, g.definition_hash, g.component_versions, g.config_revision, g.create_time
FROM generations g JOIN instances i ON i.uid = g.instance_uid WHERE i.id = $1 AND i.state <> 'DELETED' AND g.number = $2`

// GetGeneration returns one generation of an instance.
func (db *DB) GetGeneration(ctx context.Context, instanceID string, number int) (g ipaas.Generation, err error) {
	err = db.view(func(q querier) error {
		return q.row(ctx, selectGeneration, []any{instanceID, number}, &g.InstanceID, &g.Number, &g.DeploymentID, &g.Version,
			&g.DefinitionHash, intoJSON(&g.ComponentVersions), &g.ConfigRevision, intoTime(&g.CreateTime))
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Generation{}, ipaas.Absent("generation", fmt.Sprintf("%s/%d", instanceID, number))
	}
	return g, err
}
