package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

const (
	selectNextSequence = `SELECT COALESCE(MAX(sequence), 0) + 1 FROM registrations WHERE instance_uid = $1`
	insertRegistration = `
INSERT INTO registrations (id, instance_uid, instance_id, flow_id, step_id, key, action, component_id, component_version, deployment_id,
	execution_id, generation, config_revision, config_variable, target, inputs_hash, inputs_sealed, result_sealed, remote_id, state,
	error, adopted, changed_by_deployment, before_image, sequence, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)
ON CONFLICT (id) DO NOTHING`
	insertUse = `INSERT INTO deployment_registrations (deployment_id, registration_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`
)

// BeginRegistration adds an INTENT.
func (db *DB) BeginRegistration(ctx context.Context, r ipaas.Registration) (ipaas.Registration, error) {
	r.State, r.CreateTime, r.UpdateTime = ipaas.RegistrationIntent, stored(r.CreateTime), stored(r.UpdateTime)
	err := db.write(ctx, func(ctx context.Context, tx *tx) error {
		uid, err := liveUID(ctx, tx, r.InstanceID)
		if err != nil {
			return err
		}
		if r.DeploymentID != "" {
			if _, _, err := deploymentInState(ctx, tx, r.DeploymentID, ipaas.DeploymentRunning); err != nil {
				return err
			}
		}
		if err := tx.row(ctx, selectNextSequence, []any{uid}, &r.Sequence); err != nil {
			return err
		}
		n, err := tx.exec(ctx, insertRegistration, r.ID, uid, r.InstanceID, r.FlowID, r.StepID, r.Key, r.Action, componentOf(r.Action),
			r.ComponentVersion, r.DeploymentID, r.ExecutionID, r.Generation, r.ConfigRevision, r.ConfigVariable, r.Target, r.InputsHash,
			r.InputsSealed, r.ResultSealed, r.RemoteID, r.State, r.Error, flag(r.Adopted), r.ChangedBy, r.BeforeImage, r.Sequence, micros(r.CreateTime),
			micros(r.UpdateTime))
		if err != nil {
			return err
		}
		if n == 0 {
			return ipaas.Taken("registration", r.ID)
		}
		if r.DeploymentID == "" {
			return nil
		}
		return tx.do(ctx, insertUse, r.DeploymentID, r.ID)
	})
	if err != nil {
		return ipaas.Registration{}, err
	}
	return r, nil
}

const (
	selectRegistrationState = `SELECT state FROM registrations WHERE id = $1`
	takeOverChange          = `UPDATE registrations SET changed_by_deployment = $2 WHERE id = $1 AND before_image <> ''`
)

// UseRegistration marks a CREATED registration as used by a deployment.
func (db *DB) UseRegistration(ctx context.Context, id, deploymentID string) error {
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		state, err := registrationState(ctx, tx, id)
		if err != nil {
			return err
		}
		if state != ipaas.RegistrationCreated {
			return moved("registration", id, string(state), string(ipaas.RegistrationCreated))
		}
		if err := mustExist(ctx, tx, "deployment", deploymentID, selectDeploymentID); err != nil {
			return err
		}
		if err := tx.do(ctx, takeOverChange, id, deploymentID); err != nil {
			return err
		}
		return tx.do(ctx, insertUse, deploymentID, id)
	})
}

const (
	selectRegistration = `SELECT ` + registrationColumns + ` FROM registrations WHERE id = $1`
	beginChange        = `
UPDATE registrations SET before_image = CASE before_image WHEN '' THEN $3 ELSE before_image END, changed_by_deployment = $2,
	inputs_hash = '', sequence = (SELECT MAX(o.sequence) + 1 FROM registrations o WHERE o.instance_uid = registrations.instance_uid), update_time = $4
WHERE id = $1`
)

// BeginUpdate records that a deployment is about to update a CREATED registration.
func (db *DB) BeginUpdate(ctx context.Context, id, deploymentID, beforeImage string, now time.Time) (r ipaas.Registration, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		state, err := registrationState(ctx, tx, id)
		if err != nil {
			return err
		}
		if state != ipaas.RegistrationCreated {
			return moved("registration", id, string(state), string(ipaas.RegistrationCreated))
		}
		if _, _, err := deploymentInState(ctx, tx, deploymentID, ipaas.DeploymentRunning); err != nil {
			return err
		}
		if err := tx.do(ctx, beginChange, id, deploymentID, beforeImage, micros(now)); err != nil {
			return err
		}
		if err := tx.do(ctx, insertUse, deploymentID, id); err != nil {
			return err
		}
		r, err = scanRegistration(func(dest ...any) error { return tx.row(ctx, selectRegistration, []any{id}, dest...) })
		return err
	})
	return r, err
}

const restoreRegistration = `
UPDATE registrations SET component_version = $2, execution_id = $3, config_revision = $4, inputs_hash = $5, inputs_sealed = $6, result_sealed = $7,
	remote_id = $8, error = '', before_image = '', update_time = $9 WHERE id = $1`

// RestoreRegistration makes a registration what it was before an update.
func (db *DB) RestoreRegistration(ctx context.Context, r ipaas.Registration, now time.Time) error {
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, restoreRegistration, r.ID, r.ComponentVersion, r.ExecutionID, r.ConfigRevision, r.InputsHash, r.InputsSealed,
			r.ResultSealed, r.RemoteID, micros(now))
		if err == nil && n == 0 {
			return ipaas.Absent("registration", r.ID)
		}
		return err
	})
}

func registrationState(ctx context.Context, q querier, id string) (state ipaas.RegistrationState, err error) {
	err = q.row(ctx, selectRegistrationState, []any{id}, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ipaas.Absent("registration", id)
	}
	return state, err
}

const (
	registrationColumns = `id, instance_id, flow_id, step_id, key, action, component_version, deployment_id, execution_id, generation,
	config_revision, config_variable, target, inputs_hash, inputs_sealed, result_sealed, remote_id, state, error, adopted,
	changed_by_deployment, before_image, sequence, tries, fail_time, last_try_time, next_try_time, create_time, update_time`
	selectByKey = `
SELECT ` + registrationColumns + ` FROM registrations
WHERE instance_uid = $1 AND flow_id = $2 AND key = $3 AND state = 'CREATED' ORDER BY sequence DESC LIMIT 1`
	selectRegistrations     = `SELECT ` + registrationColumns + ` FROM registrations WHERE instance_uid = $1 ORDER BY sequence`
	selectUsedRegistrations = `
SELECT ` + registrationColumns + ` FROM registrations
WHERE id IN (SELECT registration_id FROM deployment_registrations WHERE deployment_id = $1) ORDER BY sequence`
)

func scanRegistration(scan scanner) (r ipaas.Registration, err error) {
	err = scan(&r.ID, &r.InstanceID, &r.FlowID, &r.StepID, &r.Key, &r.Action, &r.ComponentVersion, &r.DeploymentID, &r.ExecutionID,
		&r.Generation, &r.ConfigRevision, &r.ConfigVariable, &r.Target, &r.InputsHash, &r.InputsSealed, &r.ResultSealed, &r.RemoteID,
		&r.State, &r.Error, &r.Adopted, &r.ChangedBy, &r.BeforeImage, &r.Sequence, &r.Tries, intoTime(&r.FailTime), intoTime(&r.LastTryTime),
		intoTime(&r.NextTryTime), intoTime(&r.CreateTime), intoTime(&r.UpdateTime))
	return r, err
}

func scanRegistrations(ctx context.Context, q querier, text string, args ...any) (found []ipaas.Registration, err error) {
	err = q.rows(ctx, text, args, func(scan scanner) error {
		r, err := scanRegistration(scan)
		found = append(found, r)
		return err
	})
	return found, err
}

// FindRegistration returns the newest CREATED registration of a flow under a key.
func (db *DB) FindRegistration(ctx context.Context, instanceID, flowID, key string) (r ipaas.Registration, err error) {
	err = db.view(func(q querier) error {
		uid, err := anyUID(ctx, q, instanceID)
		if err != nil {
			return err
		}
		r, err = scanRegistration(func(dest ...any) error { return q.row(ctx, selectByKey, []any{uid, flowID, key}, dest...) })
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Registration{}, ipaas.Absent("registration", key)
	}
	return r, err
}

const settleRegistration = `
UPDATE registrations SET state = $2, error = $3, next_try_time = 0, update_time = $4 WHERE id = $1`

// SettleRegistration moves a registration to a state.
func (db *DB) SettleRegistration(ctx context.Context, id string, state ipaas.RegistrationState, message string, now time.Time) error {
	return db.reclaim(ctx, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, settleRegistration, id, state, message, micros(now))
		if err == nil && n == 0 {
			return ipaas.Absent("registration", id)
		}
		return err
	})
}

// ListRegistrations returns the registrations of an instance in the states given, or all.
func (db *DB) ListRegistrations(ctx context.Context, instanceID string, states ...ipaas.RegistrationState) (found []ipaas.Registration, err error) {
	err = db.view(func(q querier) error {
		uid, err := anyUID(ctx, q, instanceID)
		if err != nil {
			return err
		}
		found, err = scanRegistrations(ctx, q, selectRegistrations, uid)
		return err
	})
	if len(states) > 0 {
		found = slices.DeleteFunc(found, func(r ipaas.Registration) bool { return !slices.Contains(states, r.State) })
	}
	return found, err
}

const selectRivals = `
SELECT ` + registrationColumns + ` FROM registrations
WHERE instance_uid IN (SELECT i.uid FROM instances i WHERE i.customer_id = (
		SELECT o.customer_id FROM registrations r JOIN instances o ON o.uid = r.instance_uid WHERE r.id = $1))
	AND action = (SELECT action FROM registrations WHERE id = $1) AND target = (SELECT target FROM registrations WHERE id = $1)
	AND id <> $1 AND state NOT IN ('REMOVED', 'ABANDONED', 'FORGIVEN') ORDER BY create_time, id`

// ListRivals returns the registrations that stand for objects of the same kind in the same system.
func (db *DB) ListRivals(ctx context.Context, registrationID string) (found []ipaas.Registration, err error) {
	err = db.view(func(q querier) error {
		if err := mustExist(ctx, q, "registration", registrationID, selectRegistrationState); err != nil {
			return err
		}
		found, err = scanRegistrations(ctx, q, selectRivals, registrationID)
		return err
	})
	return found, err
}

// An instance for tests has no customer.
const selectTwins = `
SELECT ` + registrationColumns + ` FROM registrations
WHERE component_id = (SELECT component_id FROM registrations WHERE id = $1) AND state IN ('INTENT', 'CREATED') AND remote_id IN ('', $2)
	AND (state = 'INTENT' OR remote_id = $2) AND id <> $1 AND EXISTS (SELECT 1 FROM registrations r
		JOIN instances mine ON mine.uid = r.instance_uid JOIN instances theirs ON theirs.uid = registrations.instance_uid
		WHERE r.id = $1 AND (theirs.customer_id = mine.customer_id OR theirs.customer_id = '' OR mine.customer_id = ''))
ORDER BY create_time, id`

// ListTwins returns the registrations that may stand for the very object that another one stands for.
func (db *DB) ListTwins(ctx context.Context, registrationID, remoteID string) (found []ipaas.Registration, err error) {
	err = db.view(func(q querier) error {
		if err := mustExist(ctx, q, "registration", registrationID, selectRegistrationState); err != nil {
			return err
		}
		found, err = scanRegistrations(ctx, q, selectTwins, registrationID, remoteID)
		return err
	})
	return found, err
}

// UsedRegistrations returns the registrations a deployment used.
func (db *DB) UsedRegistrations(ctx context.Context, deploymentID string) (found []ipaas.Registration, err error) {
	err = db.view(func(q querier) error {
		if err := mustExist(ctx, q, "deployment", deploymentID, selectDeploymentID); err != nil {
			return err
		}
		found, err = scanRegistrations(ctx, q, selectUsedRegistrations, deploymentID)
		return err
	})
	return found, err
}

const (
	selectRegistrationScene = `
SELECT r.state, i.state, i.kind FROM registrations r JOIN instances i ON i.uid = r.instance_uid WHERE r.id = $1`
	updateCreated = `
UPDATE registrations SET state = $2, remote_id = $3, result_sealed = $4, before_image = $5, error = $6, update_time = $7, adopted = $8,
	component_version = $9, execution_id = $10, config_revision = $11, inputs_hash = $12, inputs_sealed = $13, changed_by_deployment = $14,
	next_try_time = CASE $2 WHEN 'REMOVE_PENDING' THEN $7 ELSE 0 END WHERE id = $1`
)

// completeRegistration records what became of an intent. What was decided while the call was under way stands: an object whose
// removal was begun, or whose instance is gone by now, is one that has to be removed.
func completeRegistration(ctx context.Context, tx *tx, r *ipaas.Registration, now time.Time) error {
	var (
		was  ipaas.RegistrationState
		in   ipaas.InstanceState
		kind ipaas.InstanceKind
	)
	err := tx.row(ctx, selectRegistrationScene, []any{r.ID}, &was, &in, &kind)
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Absent("registration", r.ID)
	}
	if err != nil {
		return err
	}
	state := r.State
	certain := state != ipaas.RegistrationAbandoned && state != ipaas.RegistrationUnconfirmed
	if certain && (removalDecided(was) || kind == ipaas.InstanceStandard && removed(in)) {
		state = ipaas.RegistrationRemovePending
	}
	return tx.do(ctx, updateCreated, r.ID, state, r.RemoteID, r.ResultSealed, r.BeforeImage, r.Error, micros(now), flag(r.Adopted),
		r.ComponentVersion, r.ExecutionID, r.ConfigRevision, r.InputsHash, r.InputsSealed, r.ChangedBy)
}

func removalDecided(s ipaas.RegistrationState) bool {
	return s == ipaas.RegistrationRemovePending || s == ipaas.RegistrationRemoved || s == ipaas.RegistrationRemoveFailed ||
		s == ipaas.RegistrationForgiven
}

func removed(s ipaas.InstanceState) bool {
	return s == ipaas.InstanceUndeployed || s == ipaas.InstanceDeleting || s == ipaas.InstanceDeleted
}
