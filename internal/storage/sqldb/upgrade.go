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

const (
	selectUnfinishedUpgrade = `SELECT id FROM upgrades WHERE integration_id = $1 AND state IN ('PENDING', 'CANARY', 'RUNNING')`
	selectVersionNumber     = `SELECT version FROM integration_versions WHERE integration_id = $1 AND version = $2`
	insertUpgrade           = `
INSERT INTO upgrades (id, integration_id, version, filter, canary_count, max_failures, parallelism, include_up_to_date, state, message,
	total, revision, create_time, update_time, end_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'PENDING', '', 0, 1, $9, $9, 0) ON CONFLICT (id) DO NOTHING`
	insertUpgradeResults = `
INSERT INTO upgrade_results (upgrade_id, sequence, instance_id, instance_uid, customer_id, from_version, state, canary, attempts,
	deployment_id, reason, message, problems, start_time, end_time)
SELECT $1, ROW_NUMBER() OVER (ORDER BY i.id), i.id, i.uid, i.customer_id, i.version, 'PENDING', 0, 0, '', '', '', '', 0, 0
FROM instances i WHERE i.kind = 'STANDARD' AND i.state <> 'DELETED' AND i.integration_id = $2`
	countUpgradeResults = `UPDATE upgrades SET total = $2 WHERE id = $1`
)

// CreateUpgrade adds an upgrade and decides which instances it is about.
func (db *DB) CreateUpgrade(ctx context.Context, u ipaas.Upgrade, filter *storage.Filter, w storage.Write) (out ipaas.Upgrade, err error) {
	err = db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		if err := mustExist(ctx, tx, "integration", u.IntegrationID, selectIntegrationID); err != nil {
			return err
		}
		known, err := exists(ctx, tx, selectVersionNumber, u.IntegrationID, u.Version)
		if err != nil {
			return err
		}
		if !known {
			return ipaas.Absent("version", fmt.Sprintf("%s/%d", u.IntegrationID, u.Version))
		}
		if err := checkNoUpgrade(ctx, tx, u.IntegrationID); err != nil {
			return err
		}
		n, err := tx.exec(ctx, insertUpgrade, u.ID, u.IntegrationID, u.Version, u.Filter, u.CanaryCount, u.MaxFailures, u.Parallelism,
			flag(u.IncludeUpToDate), micros(u.CreateTime))
		if err != nil {
			return err
		}
		if n == 0 {
			return ipaas.Taken("upgrade", u.ID)
		}
		if err := chooseInstances(ctx, tx, u, filter); err != nil {
			return err
		}
		out, err = getUpgrade(ctx, tx, u.ID)
		return err
	})
	return out, err
}

// checkNoUpgrade refuses while an upgrade of an integration has not ended.
func checkNoUpgrade(ctx context.Context, q querier, integrationID string) error {
	var id string
	err := q.row(ctx, selectUnfinishedUpgrade, []any{integrationID}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return &ipaas.Error{
		Kind: ipaas.Conflict, Reason: ipaas.ReasonUpgradeRunning,
		Message: fmt.Sprintf("upgrade %q of integration %q has not ended: wait for it, or cancel it", id, integrationID),
		Meta:    map[string]string{"integration_id": integrationID, "upgrade_id": id},
	}
}

// chooseInstances adds the results of the instances that fit a filter. Everything in the statement's text is a constant of this package.
func chooseInstances(ctx context.Context, tx *tx, u ipaas.Upgrade, filter *storage.Filter) error {
	c := &condition{fields: instances.fields, args: []any{u.ID, u.IntegrationID}}
	c.text.WriteString(insertUpgradeResults)
	if filter != nil {
		c.text.WriteString(" AND ")
		c.add(filter, 0)
	}
	if len(c.wrong) > 0 {
		return ipaas.InvalidArgument("instances cannot be chosen like that", c.wrong...)
	}
	n, err := tx.once(ctx, c.text.String(), c.args...)
	if err != nil {
		return err
	}
	return tx.do(ctx, countUpgradeResults, u.ID, n)
}

const (
	upgradeColumns = `u.id, u.integration_id, u.version, u.filter, u.canary_count, u.max_failures, u.parallelism, u.include_up_to_date,
	u.state, u.message, u.total,
	(SELECT COUNT(*) FROM upgrade_results r WHERE r.upgrade_id = u.id AND r.state = 'SUCCEEDED'),
	(SELECT COUNT(*) FROM upgrade_results r WHERE r.upgrade_id = u.id AND r.state = 'FAILED'),
	(SELECT COUNT(*) FROM upgrade_results r WHERE r.upgrade_id = u.id AND r.state = 'SKIPPED'),
	u.revision, u.create_time, u.update_time, u.end_time`
	selectUpgrade            = `SELECT ` + upgradeColumns + ` FROM upgrades u WHERE u.id = $1`
	selectUnfinishedUpgrades = `
SELECT ` + upgradeColumns + ` FROM upgrades u WHERE u.state IN ('PENDING', 'CANARY', 'RUNNING') ORDER BY u.create_time, u.id`
)

func scanUpgrade(scan scanner) (u ipaas.Upgrade, err error) {
	err = scan(&u.ID, &u.IntegrationID, &u.Version, &u.Filter, &u.CanaryCount, &u.MaxFailures, &u.Parallelism, &u.IncludeUpToDate,
		&u.State, &u.Message, &u.Total, &u.Succeeded, &u.Failed, &u.Skipped, &u.Revision, intoTime(&u.CreateTime),
		intoTime(&u.UpdateTime), intoTime(&u.EndTime))
	return u, err
}

// GetUpgrade returns an upgrade.
func (db *DB) GetUpgrade(ctx context.Context, id string) (u ipaas.Upgrade, err error) {
	err = db.view(func(q querier) error {
		u, err = getUpgrade(ctx, q, id)
		return err
	})
	return u, err
}

func getUpgrade(ctx context.Context, q querier, id string) (ipaas.Upgrade, error) {
	u, err := scanUpgrade(func(dest ...any) error { return q.row(ctx, selectUpgrade, []any{id}, dest...) })
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Upgrade{}, ipaas.Absent("upgrade", id)
	}
	return u, err
}

var upgrades = list[ipaas.Upgrade]{
	name: "upgrades", columns: upgradeColumns, from: `upgrades u WHERE 1 = 1`,
	key: field{"u.id", text}, order: storage.Order{Field: "create_time", Desc: true}, scan: scanUpgrade,
	fields: map[string]field{
		"integration_id": {"u.integration_id", text}, "version": {"u.version", number}, "state": {"u.state", text},
		"create_time": {"u.create_time", moment},
	},
}

// ListUpgrades lists upgrades.
func (db *DB) ListUpgrades(ctx context.Context, q storage.Query) (storage.Page[ipaas.Upgrade], error) {
	return upgrades.page(ctx, db, q)
}

// UnfinishedUpgrades returns every upgrade that has not ended.
func (db *DB) UnfinishedUpgrades(ctx context.Context) (found []ipaas.Upgrade, err error) {
	err = db.view(func(q querier) error {
		return q.rows(ctx, selectUnfinishedUpgrades, nil, func(scan scanner) error {
			u, err := scanUpgrade(scan)
			found = append(found, u)
			return err
		})
	})
	return found, err
}

const (
	moveUpgrade = `
UPDATE upgrades SET state = $2, message = $3, revision = revision + 1, update_time = $4,
	end_time = CASE WHEN $2 IN ('SUCCEEDED', 'STOPPED', 'CANCELED') THEN $4 ELSE 0 END WHERE id = $1`
	retryFailedResults = `
UPDATE upgrade_results SET state = 'PENDING', reason = '', message = '', problems = '', end_time = 0
WHERE upgrade_id = $1 AND state = 'FAILED'`
)

// MoveUpgrade moves an upgrade that has not ended to a state.
func (db *DB) MoveUpgrade(
	ctx context.Context, id string, to ipaas.UpgradeState, message string, base int64, now time.Time, w storage.Write,
) (u ipaas.Upgrade, err error) {
	err = db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		if u, err = upgradeToChange(ctx, tx, id, base); err != nil || u.State.Ended() || u.State == to {
			return err
		}
		if err := tx.do(ctx, moveUpgrade, id, to, message, micros(now)); err != nil {
			return err
		}
		u, err = getUpgrade(ctx, tx, id)
		return err
	})
	return u, err
}

func upgradeToChange(ctx context.Context, q querier, id string, base int64) (ipaas.Upgrade, error) {
	u, err := getUpgrade(ctx, q, id)
	if err != nil {
		return u, err
	}
	return u, checkRevision("upgrade", id, u.Revision, base)
}

// ResumeUpgrade goes on with an upgrade that was stopped or canceled.
func (db *DB) ResumeUpgrade(ctx context.Context, id string, base int64, now time.Time, w storage.Write) (u ipaas.Upgrade, err error) {
	err = db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		if u, err = upgradeToChange(ctx, tx, id, base); err != nil || u.State != ipaas.UpgradeStopped && u.State != ipaas.UpgradeCanceled {
			return err
		}
		if err := checkNoUpgrade(ctx, tx, u.IntegrationID); err != nil {
			return err
		}
		if err := tx.do(ctx, retryFailedResults, id); err != nil {
			return err
		}
		if err := tx.do(ctx, moveUpgrade, id, ipaas.UpgradePending, "", micros(now)); err != nil {
			return err
		}
		u, err = getUpgrade(ctx, tx, id)
		return err
	})
	return u, err
}

const (
	resultColumns = `upgrade_id, sequence, instance_id, instance_uid, customer_id, from_version, state, canary, attempts, deployment_id,
	reason, message, problems, start_time, end_time`
	beginResult = `
UPDATE upgrade_results SET state = 'RUNNING', canary = $2, attempts = attempts + 1, start_time = $3
WHERE upgrade_id = $1 AND sequence = (SELECT MIN(sequence) FROM upgrade_results WHERE upgrade_id = $1 AND state = 'PENDING')
RETURNING ` + resultColumns
	saveResult = `
UPDATE upgrade_results SET state = $3, deployment_id = $4, reason = $5, message = $6, problems = $7, end_time = $8
WHERE upgrade_id = $1 AND sequence = $2`
)

func scanResult(scan scanner) (r ipaas.UpgradeResult, err error) {
	err = scan(&r.UpgradeID, &r.Sequence, &r.InstanceID, &r.InstanceUID, &r.CustomerID, &r.FromVersion, &r.State, &r.Canary, &r.Attempts,
		&r.DeploymentID, &r.Reason, &r.Message, intoJSON(&r.Problems), intoTime(&r.StartTime), intoTime(&r.EndTime))
	return r, err
}

// BeginUpgradeResult takes the next instance of an upgrade.
func (db *DB) BeginUpgradeResult(ctx context.Context, upgradeID string, canary bool, now time.Time) (r ipaas.UpgradeResult, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		u, err := getUpgrade(ctx, tx, upgradeID)
		if err != nil {
			return err
		}
		if u.State.Ended() {
			return moved("upgrade", upgradeID, string(u.State), string(ipaas.UpgradeRunning))
		}
		r, err = scanResult(func(dest ...any) error {
			return tx.row(ctx, beginResult, []any{upgradeID, flag(canary), micros(now)}, dest...)
		})
		if errors.Is(err, sql.ErrNoRows) {
			return ipaas.Absent("next instance of upgrade", upgradeID)
		}
		return err
	})
	return r, err
}

// SaveUpgradeResult records what became of an instance.
func (db *DB) SaveUpgradeResult(ctx context.Context, r ipaas.UpgradeResult) error {
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, saveResult, r.UpgradeID, r.Sequence, r.State, r.DeploymentID, r.Reason, r.Message, asJSON(r.Problems), micros(r.EndTime))
		if err == nil && n == 0 {
			return ipaas.Absent("upgrade result", fmt.Sprintf("%s/%d", r.UpgradeID, r.Sequence))
		}
		return err
	})
}

var upgradeResults = list[ipaas.UpgradeResult]{
	name: "upgrade results", columns: resultColumns, from: `upgrade_results WHERE upgrade_id = $1`,
	key: field{"sequence", number}, order: storage.Order{Field: "sequence"}, scan: scanResult,
	fields: map[string]field{
		"sequence": {"sequence", number}, "instance_id": {"instance_id", text}, "customer_id": {"customer_id", text},
		"state": {"state", text}, "canary": {"canary", boolean}, "end_time": {"end_time", moment},
	},
}

const selectUpgradeID = `SELECT id FROM upgrades WHERE id = $1`

// ListUpgradeResults lists the results of an upgrade.
func (db *DB) ListUpgradeResults(ctx context.Context, upgradeID string, q storage.Query) (storage.Page[ipaas.UpgradeResult], error) {
	err := db.view(func(q querier) error { return mustExist(ctx, q, "upgrade", upgradeID, selectUpgradeID) })
	if err != nil {
		return storage.Page[ipaas.UpgradeResult]{}, err
	}
	return upgradeResults.page(ctx, db, q, upgradeID)
}
