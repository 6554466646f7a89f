package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const failRemoval = `
UPDATE registrations SET state = $2, error = $3, tries = $4, fail_time = $5, last_try_time = $6, next_try_time = $7, update_time = $8
WHERE id = $1 AND state NOT IN ('FORGIVEN', 'REMOVED', 'ABANDONED')`

// FailRemoval records that a registration could not be removed.
func (db *DB) FailRemoval(ctx context.Context, r ipaas.Registration) error {
	return db.reclaim(ctx, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, failRemoval, r.ID, r.State, r.Error, r.Tries, micros(r.FailTime), micros(r.LastTryTime),
			micros(r.NextTryTime), micros(r.UpdateTime))
		if err == nil && n == 0 {
			_, err = registrationState(ctx, tx, r.ID) // what was decided meanwhile stands
		}
		return err
	})
}

const postponeRemoval = `UPDATE registrations SET next_try_time = $2 WHERE id = $1 AND next_try_time > 0`

// PostponeRemovals moves the next try of debts that are due.
func (db *DB) PostponeRemovals(ctx context.Context, ids []string, next time.Time) error {
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		for _, id := range ids {
			if err := tx.do(ctx, postponeRemoval, id, micros(next)); err != nil {
				return err
			}
		}
		return nil
	})
}

const recoverRemovals = `
UPDATE registrations SET state = 'REMOVE_FAILED', error = $2, next_try_time = $1, update_time = $1,
	fail_time = CASE fail_time WHEN 0 THEN $1 ELSE fail_time END
WHERE state IN ('REMOVE_FAILED', 'UNCONFIRMED', 'REMOVE_PENDING', 'FORGIVEN') AND state = 'REMOVE_PENDING'
	AND update_time < $3 AND deployment_id NOT IN (SELECT id FROM deployments WHERE state IN ('RUNNING', 'ROLLING_BACK'))
	AND instance_uid NOT IN (SELECT uid FROM instances WHERE state = 'DELETING')
	AND instance_uid NOT IN (SELECT uid FROM instances WHERE leaving > 0)`

// RecoverRemovals makes registrations that nobody is removing any more debts that are due.
func (db *DB) RecoverRemovals(ctx context.Context, before, now time.Time) (found int, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, recoverRemovals, micros(now), "whoever was to remove it is gone", micros(before))
		found = int(n)
		return err
	})
	return found, err
}

const (
	selectDueRemovals = `
SELECT ` + registrationColumns + ` FROM registrations
WHERE next_try_time > 0 AND next_try_time <= $1 AND state IN ('REMOVE_FAILED', 'UNCONFIRMED', 'REMOVE_PENDING')
ORDER BY next_try_time, last_try_time LIMIT $2`
	selectNextRemoval = `SELECT COALESCE(MIN(next_try_time), 0) FROM registrations WHERE next_try_time > 0 AND next_try_time > $1`
)

// DueRemovals returns what is to be removed by now, and when there is more.
func (db *DB) DueRemovals(ctx context.Context, now time.Time, limit int) (due []ipaas.Registration, next time.Time, err error) {
	err = db.view(func(q querier) error {
		if due, err = scanRegistrations(ctx, q, selectDueRemovals, micros(now), limit); err != nil {
			return err
		}
		return q.row(ctx, selectNextRemoval, []any{micros(now)}, intoTime(&next))
	})
	return due, next, err
}

const (
	// A forgiven debt remembers what it was.
	debtReason = `CASE CASE r.state WHEN 'FORGIVEN' THEN r.forgiven_from ELSE r.state END
	WHEN 'UNCONFIRMED' THEN 'UNCONFIRMED' ELSE 'REMOVE_FAILED' END`
	debtState  = `CASE r.state WHEN 'FORGIVEN' THEN 'FORGIVEN' ELSE 'OWED' END`
	debtTables = `registrations r JOIN instances i ON i.uid = r.instance_uid
WHERE r.state IN ('REMOVE_FAILED', 'UNCONFIRMED', 'REMOVE_PENDING', 'FORGIVEN') AND (r.state <> 'REMOVE_PENDING' OR r.next_try_time > 0)`
	debtColumns = `r.id, r.instance_id, r.flow_id, r.step_id, r.key, r.action, r.component_version, r.deployment_id, r.execution_id,
	r.generation, r.config_revision, r.config_variable, r.target, r.inputs_hash, r.inputs_sealed, r.result_sealed, r.remote_id, r.state,
	r.error, r.adopted, r.changed_by_deployment, r.before_image, r.sequence, r.tries, r.fail_time, r.last_try_time, r.next_try_time,
	r.create_time, r.update_time,
	i.state = 'DELETED', i.customer_id, i.integration_id, ` + debtReason + `, r.forgive_comment, r.forgiven_by, r.forgive_time`
	selectDebt = `SELECT ` + debtColumns + ` FROM ` + debtTables + ` AND r.id = $1`
	forgive    = `
UPDATE registrations SET forgiven_from = CASE state WHEN 'FORGIVEN' THEN forgiven_from ELSE state END, state = 'FORGIVEN',
	forgive_comment = $2, forgiven_by = $3, forgive_time = $4, next_try_time = 0, update_time = $4 WHERE id = $1`
)

func scanDebt(scan scanner) (d ipaas.CleanupDebt, err error) {
	d.Registration, err = scanRegistration(func(dest ...any) error {
		return scan(append(dest, &d.InstanceDeleted, &d.CustomerID, &d.IntegrationID, &d.Reason, &d.Comment, &d.ForgivenBy,
			intoTime(&d.ForgiveTime))...)
	})
	return d, err
}

// ForgiveCleanupDebt writes a debt off.
func (db *DB) ForgiveCleanupDebt(
	ctx context.Context, id, comment, by string, base int64, now time.Time, w storage.Write,
) (d ipaas.CleanupDebt, err error) {
	err = db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		if d, err = getDebt(ctx, tx, id); err != nil {
			return err
		}
		if err := checkRevision("cleanup debt", id, micros(d.UpdateTime), base); err != nil {
			return err
		}
		if err := tx.do(ctx, forgive, id, comment, by, micros(now)); err != nil {
			return err
		}
		d, err = getDebt(ctx, tx, id)
		return err
	})
	return d, err
}

// GetCleanupDebt returns a debt.
func (db *DB) GetCleanupDebt(ctx context.Context, id string) (d ipaas.CleanupDebt, err error) {
	err = db.view(func(q querier) error {
		d, err = getDebt(ctx, q, id)
		return err
	})
	return d, err
}

func getDebt(ctx context.Context, q querier, id string) (ipaas.CleanupDebt, error) {
	d, err := scanDebt(func(dest ...any) error { return q.row(ctx, selectDebt, []any{id}, dest...) })
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.CleanupDebt{}, ipaas.Absent("cleanup debt", id)
	}
	return d, err
}

var debts = list[ipaas.CleanupDebt]{
	name: "cleanup debts", columns: debtColumns, from: debtTables,
	key: field{"r.id", text}, order: storage.Order{Field: "create_time"}, scan: scanDebt,
	fields: map[string]field{
		"instance_id": {"r.instance_id", text}, "customer_id": {"i.customer_id", text}, "integration_id": {"i.integration_id", text},
		"reason": {debtReason, text}, "state": {debtState, text}, "create_time": {"r.create_time", moment},
		"next_try_time": {"r.next_try_time", moment},
	},
}

// ListCleanupDebts lists debts, owed and forgiven.
func (db *DB) ListCleanupDebts(ctx context.Context, q storage.Query) (storage.Page[ipaas.CleanupDebt], error) {
	return debts.page(ctx, db, q)
}

const (
	selectDebtor = `SELECT ` + instanceColumns + ` FROM ` + instanceTables + `
JOIN registrations r ON r.instance_uid = i.uid WHERE r.id = $1`
	selectDebtorUID = `SELECT instance_uid FROM registrations WHERE id = $1`
)

// GetDebtor returns the instance of a registration, tombstones included.
func (db *DB) GetDebtor(ctx context.Context, registrationID string) (in ipaas.Instance, hooks []ipaas.Webhook, err error) {
	err = db.view(func(q querier) error {
		in, err = scanInstance(func(dest ...any) error { return q.row(ctx, selectDebtor, []any{registrationID}, dest...) })
		if err != nil {
			return err
		}
		hooks, err = currentWebhooks(ctx, q, in.UID)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Instance{}, nil, ipaas.Absent("registration", registrationID)
	}
	return in, hooks, err
}

// GetDebtorConfig returns one revision of the config of the instance of a registration.
func (db *DB) GetDebtorConfig(ctx context.Context, registrationID string, revision int64) (c ipaas.Config, err error) {
	c.Revision = revision
	err = db.view(func(q querier) error {
		var uid string
		err := q.row(ctx, selectDebtorUID, []any{registrationID}, &uid)
		if errors.Is(err, sql.ErrNoRows) {
			return ipaas.Absent("registration", registrationID)
		}
		if err != nil || revision == 0 {
			return err
		}
		err = q.row(ctx, selectConfig, []any{uid, revision}, intoJSON(&c.Values))
		if errors.Is(err, sql.ErrNoRows) {
			return ipaas.Absent("config revision", fmt.Sprintf("%s/%d", registrationID, revision))
		}
		return err
	})
	if err != nil {
		return ipaas.Config{}, err
	}
	return c, nil
}
