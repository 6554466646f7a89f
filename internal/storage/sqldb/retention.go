package sqldb

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// The bounds of one step, so that nobody waits long behind what is cleared away.
const (
	expireBatch = 500 // rows
	expireFor   = 20 * time.Millisecond
)

// key is how a row that has had its time is found again.
type key [2]any

// sweep clears away what a query finds, in steps that are short in rows and in time. The query is asked beside the writer, with the
// number of rows wanted as its last argument; wipe does away with one row, or, when it is large, with a part of it.
func (db *DB) sweep(ctx context.Context, query string, args []any, wipe func(ctx context.Context, tx *tx, k key) (whole bool, err error)) (total int, err error) {
	for {
		var found []key
		err := db.view(func(q querier) error {
			return q.rows(ctx, query, append(args[:len(args):len(args)], expireBatch), func(scan scanner) error {
				var k key
				err := scan(&k[0], &k[1])
				found = append(found, k)
				return err
			})
		})
		if err != nil || len(found) == 0 {
			return total, err
		}
		for len(found) > 0 {
			var cleared, looked int
			err := db.reclaim(ctx, func(ctx context.Context, tx *tx) (err error) {
				cleared, looked, err = clearSome(ctx, tx, found, wipe)
				return err
			})
			if err != nil {
				return total, err
			}
			total += cleared
			found = found[looked:]
		}
	}
}

// clearSome works off keys for a short while. looked is how many of them need no further look.
func clearSome(
	ctx context.Context, tx *tx, keys []key, wipe func(ctx context.Context, tx *tx, k key) (whole bool, err error),
) (cleared, looked int, err error) {
	for end := time.Now().Add(expireFor); looked < len(keys) && (looked == 0 || time.Now().Before(end)); {
		whole, err := wipe(ctx, tx, keys[looked])
		if err != nil {
			return 0, 0, err
		}
		if !whole {
			return cleared, looked, nil
		}
		cleared++
		looked++
	}
	return cleared, looked, nil
}

// statement is a clearing that is done with one statement over the key.
func statement(text string, more ...any) func(ctx context.Context, tx *tx, k key) (bool, error) {
	return func(ctx context.Context, tx *tx, k key) (bool, error) {
		return true, tx.do(ctx, text, append([]any{k[0], k[1]}, more...)...)
	}
}

const (
	deleteReceipts = `
DELETE FROM receipts WHERE key IN (SELECT key FROM receipts WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2)`
	deleteRotated = `
DELETE FROM webhooks WHERE token_hash IN (
	SELECT token_hash FROM webhooks WHERE current = 0 AND expire_time > 0 AND expire_time <= $1 ORDER BY expire_time LIMIT $2)`
	expireHeld = `
UPDATE executions SET state = 'DEAD_LETTER', held = 0, in_lane = 0, error = $3, end_time = $4
WHERE seq IN (SELECT seq FROM executions WHERE held = 1 AND create_time < $1 ORDER BY create_time LIMIT $2)
RETURNING instance_uid, flow_id, lane`
)

// Expire deletes receipts and rotated webhooks whose time has come, and gives up executions that were held for too long.
func (db *DB) Expire(ctx context.Context, now, heldBefore time.Time) (int, error) {
	expired := asJSON(&ipaas.ExecutionError{
		Reason: ipaas.ExecutionExpired, Message: "it was held for too long: the instance was neither resumed nor deployed in time",
	})
	total := 0
	for _, batch := range []func(ctx context.Context, tx *tx) (int64, error){
		func(ctx context.Context, tx *tx) (int64, error) {
			return tx.exec(ctx, deleteReceipts, micros(now), expireBatch)
		},
		func(ctx context.Context, tx *tx) (int64, error) {
			return tx.exec(ctx, deleteDeduplications, micros(now), expireBatch)
		},
		func(ctx context.Context, tx *tx) (int64, error) {
			return tx.exec(ctx, deleteRotated, micros(now), expireBatch)
		},
		func(ctx context.Context, tx *tx) (int64, error) {
			return giveUpHeld(ctx, tx, expireHeld, micros(heldBefore), expireBatch, expired, micros(now))
		},
	} {
		for {
			var n int64
			err := db.reclaim(ctx, func(ctx context.Context, tx *tx) (err error) {
				n, err = batch(ctx, tx)
				return err
			})
			if err != nil {
				return total, err
			}
			total += int(n)
			if n < expireBatch {
				break
			}
		}
	}
	return total, nil
}

// giveUpHeld gives up executions that were held, and lets those behind them in their lanes go on.
func giveUpHeld(ctx context.Context, tx *tx, text string, args ...any) (n int64, err error) {
	type lane struct{ uid, flowID, name string }
	behind := map[lane]bool{}
	err = tx.rows(ctx, text, args, func(scan scanner) error {
		var l lane
		err := scan(&l.uid, &l.flowID, &l.name)
		behind[l] = true
		n++
		return err
	})
	if err != nil {
		return 0, err
	}
	for l := range behind {
		if l.name == "" {
			continue
		}
		if err := tx.do(ctx, promoteNext, l.uid, l.flowID, l.name); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// openRegistration is the condition for a ledger row that still stands for something in another system.
const openRegistration = `r.state NOT IN ('REMOVED', 'ABANDONED', 'FORGIVEN')`

const (
	selectEnded = `
SELECT e.seq, e.id FROM executions e WHERE e.payload_expired = $1 AND e.end_time > 0 AND e.end_time < $2 AND e.blocking = 0
	AND NOT EXISTS (SELECT 1 FROM registrations r WHERE r.execution_id = e.id AND ` + openRegistration + `)
ORDER BY e.end_time LIMIT $3`
	deleteSomeLogs = `
DELETE FROM logs WHERE execution_seq = $1 AND sequence IN (SELECT sequence FROM logs WHERE execution_seq = $1 ORDER BY sequence LIMIT $2)`
	deleteSomeSteps = `
DELETE FROM step_results
WHERE execution_seq = $1 AND sequence IN (SELECT sequence FROM step_results WHERE execution_seq = $1 ORDER BY sequence LIMIT $2)`
	deleteSomeState = `
DELETE FROM state_entries WHERE owner = $1 AND id IN (SELECT id FROM state_entries WHERE owner = $1 LIMIT $2)`
	emptyPayload    = `UPDATE execution_payloads SET document = '', body = $2 WHERE execution_seq = $1`
	emptyExecution  = `UPDATE executions SET payload_expired = 1, result = '', response = '' WHERE seq = $1`
	deleteExecution = `DELETE FROM executions WHERE seq = $1`
)

// ExpirePayloads empties executions that ended before a time.
func (db *DB) ExpirePayloads(ctx context.Context, endedBefore time.Time) (int, error) {
	return db.sweep(ctx, selectEnded, []any{flag(false), micros(endedBefore)}, func(ctx context.Context, tx *tx, k key) (bool, error) {
		for _, text := range []string{deleteSomeLogs, deleteSomeSteps} {
			n, err := tx.exec(ctx, text, k[0], expireBatch/2)
			if err != nil || n == expireBatch/2 {
				return false, err
			}
		}
		n, err := tx.exec(ctx, deleteSomeState, k[1], expireBatch/2)
		if err != nil || n == expireBatch/2 {
			return false, err
		}
		if err := tx.do(ctx, deleteTotals, k[1]); err != nil {
			return false, err
		}
		if err := tx.do(ctx, emptyPayload, k[0], []byte{}); err != nil {
			return false, err
		}
		return true, tx.do(ctx, emptyExecution, k[0])
	})
}

// ExpireExecutions forgets executions that are empty and ended before a time.
func (db *DB) ExpireExecutions(ctx context.Context, endedBefore time.Time) (int, error) {
	return db.sweep(ctx, selectEnded, []any{flag(true), micros(endedBefore)}, func(ctx context.Context, tx *tx, k key) (bool, error) {
		return true, tx.do(ctx, deleteExecution, k[0])
	})
}

const (
	selectOldGenerations = `
SELECT g.instance_uid, g.number FROM instances i JOIN generations g ON g.instance_uid = i.uid
WHERE g.number <> i.generation
	AND g.number < (SELECT MIN(n.number) FROM (SELECT number FROM generations WHERE instance_uid = i.uid ORDER BY number DESC LIMIT $1) n)
	AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.instance_uid = g.instance_uid AND e.generation = g.number AND e.generation > 0)
	AND NOT EXISTS (SELECT 1 FROM registrations r WHERE r.instance_uid = g.instance_uid AND r.generation = g.number AND ` + openRegistration + `)
LIMIT $2`
	deleteGeneration     = `DELETE FROM generations WHERE instance_uid = $1 AND number = $2`
	selectOldDeployments = `
SELECT d.id, d.number FROM deployments d WHERE d.end_time > 0 AND d.end_time < $1
	AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.uid = d.instance_uid AND i.deployment_id = d.id)
	AND NOT EXISTS (SELECT 1 FROM generations g WHERE g.instance_uid = d.instance_uid AND g.number = d.number AND g.deployment_id = d.id)
	AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.deployment_id = d.id)
	AND NOT EXISTS (SELECT 1 FROM registrations r WHERE r.deployment_id = d.id AND ` + openRegistration + `)
ORDER BY d.end_time LIMIT $2`
	deleteDeployment = `DELETE FROM deployments WHERE id = $1 AND number = $2`
)

// ExpireGenerations forgets generations beyond the newest of each instance.
func (db *DB) ExpireGenerations(ctx context.Context, keep int) (int, error) {
	return db.sweep(ctx, selectOldGenerations, []any{keep}, statement(deleteGeneration))
}

// ExpireDeployments forgets deployments that ended before a time.
func (db *DB) ExpireDeployments(ctx context.Context, endedBefore time.Time) (int, error) {
	return db.sweep(ctx, selectOldDeployments, []any{micros(endedBefore)}, statement(deleteDeployment))
}

const (
	selectOldUpgrades = `SELECT id, end_time FROM upgrades WHERE end_time > 0 AND end_time < $1 ORDER BY end_time LIMIT $2`
	deleteUpgrade     = `DELETE FROM upgrades WHERE id = $1 AND end_time = $2`
)

// ExpireUpgrades forgets upgrades that ended before a time.
func (db *DB) ExpireUpgrades(ctx context.Context, endedBefore time.Time) (int, error) {
	return db.sweep(ctx, selectOldUpgrades, []any{micros(endedBefore)}, statement(deleteUpgrade))
}

const (
	selectOldTombstones = `
SELECT i.uid, i.id FROM instances i WHERE i.state = 'DELETED' AND i.update_time < $1
	AND NOT EXISTS (SELECT 1 FROM registrations r WHERE r.instance_uid = i.uid AND ` + openRegistration + `)
LIMIT $2`
	deleteTombstone = `DELETE FROM instances WHERE uid = $1 AND id = $2 AND state = 'DELETED'`
)

// ExpireTombstones forgets instances that were deleted before a time.
func (db *DB) ExpireTombstones(ctx context.Context, deletedBefore time.Time) (int, error) {
	return db.sweep(ctx, selectOldTombstones, []any{micros(deletedBefore)}, statement(deleteTombstone))
}

const (
	unusedDefinition = `
	NOT EXISTS (SELECT 1 FROM integrations WHERE draft_hash = d.hash)
	AND NOT EXISTS (SELECT 1 FROM integrations WHERE published_hash = d.hash)
	AND NOT EXISTS (SELECT 1 FROM integration_versions WHERE definition_hash = d.hash)
	AND NOT EXISTS (SELECT 1 FROM generations WHERE definition_hash = d.hash)
	AND NOT EXISTS (SELECT 1 FROM deployments WHERE definition_hash = d.hash)
	AND NOT EXISTS (SELECT 1 FROM executions WHERE definition_hash = d.hash AND generation = 0 AND definition_hash <> '')`
	selectUnused     = `SELECT d.hash, d.unused_since FROM definitions d WHERE d.unused_since = 0 AND ` + unusedDefinition + ` LIMIT $1`
	markUnused       = `UPDATE definitions SET unused_since = $3 WHERE hash = $1 AND unused_since = $2`
	selectUsedAgain  = `SELECT d.hash, d.unused_since FROM definitions d WHERE d.unused_since > 0 AND NOT (` + unusedDefinition + `) LIMIT $1`
	selectLongUnused = `
SELECT d.hash, d.unused_since FROM definitions d WHERE d.unused_since > 0 AND d.unused_since <= $1 AND ` + unusedDefinition + ` LIMIT $2`
	deleteDefinition = `DELETE FROM definitions WHERE hash = $1 AND unused_since = $2`
	useDefinition    = `UPDATE definitions SET unused_since = 0 WHERE hash = $1 AND unused_since > 0`
)

// ExpireDefinitions forgets definitions that have been without use since before a time.
func (db *DB) ExpireDefinitions(ctx context.Context, now, unusedBefore time.Time) (int, error) {
	if _, err := db.sweep(ctx, selectUsedAgain, nil, statement(markUnused, 0)); err != nil {
		return 0, err
	}
	if _, err := db.sweep(ctx, selectUnused, nil, statement(markUnused, micros(now))); err != nil {
		return 0, err
	}
	return db.sweep(ctx, selectLongUnused, []any{micros(unusedBefore)}, statement(deleteDefinition))
}

const (
	selectOldConfigs = `
SELECT c.instance_uid, c.revision FROM instances i JOIN configs c ON c.instance_uid = i.uid
WHERE c.revision <= i.config_revision - $1 AND c.revision <> i.serving_config
	AND NOT EXISTS (SELECT 1 FROM generations g WHERE g.instance_uid = i.uid AND g.config_revision = c.revision)
	AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.instance_uid = i.uid AND d.config_revision = c.revision)
	AND NOT EXISTS (SELECT 1 FROM registrations r WHERE r.instance_uid = i.uid AND r.config_revision = c.revision AND ` + openRegistration + `)
	AND NOT EXISTS (SELECT 1 FROM executions e
		WHERE e.instance_uid = i.uid AND e.config_revision = c.revision AND e.generation = 0 AND e.config_revision > 0)
LIMIT $2`
	deleteConfig = `DELETE FROM configs WHERE instance_uid = $1 AND revision = $2`
)

// ExpireConfigs forgets revisions beyond the newest of each instance that nothing points at.
func (db *DB) ExpireConfigs(ctx context.Context, keep int) (int, error) {
	return db.sweep(ctx, selectOldConfigs, []any{keep}, statement(deleteConfig))
}
