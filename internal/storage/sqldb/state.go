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
	stateColumns = `s.id, s.scope, s.owner, s.flow_id, s.key, s.sealed, s.size, s.revision, s.execution_id, s.create_time, s.update_time`
	selectState  = `
SELECT ` + stateColumns + ` FROM state_entries s WHERE s.owner = $1 AND s.scope = $2 AND s.flow_id = $3 AND s.key = $4`
	selectStates = `
SELECT ` + stateColumns + ` FROM state_entries s WHERE s.owner = $1 AND s.scope = $2 AND s.flow_id = $3 AND s.key > $4 ORDER BY s.key LIMIT $5`
	selectStateKeys = `
SELECT s.key FROM state_entries s WHERE s.owner = $1 AND s.scope = $2 AND s.flow_id = $3 AND s.key > $4 ORDER BY s.key LIMIT $5`
	selectStateEntry = `SELECT ` + stateColumns + ` FROM state_entries s WHERE s.id = $1`
)

func scanState(scan scanner) (e ipaas.StateEntry, err error) {
	err = scan(&e.ID, &e.Place.Scope, &e.Place.Owner, &e.Place.FlowID, &e.Key, &e.Sealed, &e.Size, &e.Revision, &e.ExecutionID,
		intoTime(&e.CreateTime), intoTime(&e.UpdateTime))
	return e, err
}

// GetState returns the entry of a key.
func (db *DB) GetState(ctx context.Context, place ipaas.StatePlace, key string) (e ipaas.StateEntry, err error) {
	err = db.view(func(q querier) error {
		e, err = getState(ctx, q, place, key)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.StateEntry{}, ipaas.Absent("state entry", key)
	}
	return e, err
}

func getState(ctx context.Context, q querier, place ipaas.StatePlace, key string) (ipaas.StateEntry, error) {
	return scanState(func(dest ...any) error {
		return q.row(ctx, selectState, []any{place.Owner, place.Scope, place.FlowID, key}, dest...)
	})
}

// ListState returns entries of a place by key.
func (db *DB) ListState(ctx context.Context, place ipaas.StatePlace, after string, limit int) (found []ipaas.StateEntry, err error) {
	err = db.view(func(q querier) error {
		return q.rows(ctx, selectStates, []any{place.Owner, place.Scope, place.FlowID, after, limit}, func(scan scanner) error {
			e, err := scanState(scan)
			found = append(found, e)
			return err
		})
	})
	return found, err
}

// ListStateKeys returns keys of a place.
func (db *DB) ListStateKeys(ctx context.Context, place ipaas.StatePlace, after string, limit int) (found []string, err error) {
	err = db.view(func(q querier) error {
		return q.rows(ctx, selectStateKeys, []any{place.Owner, place.Scope, place.FlowID, after, limit}, func(scan scanner) error {
			var key string
			err := scan(&key)
			found = append(found, key)
			return err
		})
	})
	return found, err
}

// GetStateEntry returns the entry with an id.
func (db *DB) GetStateEntry(ctx context.Context, id string, owners []string) (e ipaas.StateEntry, err error) {
	err = db.view(func(q querier) error {
		e, err = scanState(func(dest ...any) error { return q.row(ctx, selectStateEntry, []any{id}, dest...) })
		return err
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return ipaas.StateEntry{}, err
	}
	for _, owner := range owners {
		if err == nil && e.Place.Owner == owner {
			return e, nil
		}
	}
	return ipaas.StateEntry{}, ipaas.Absent("state entry", id)
}

var states = list[ipaas.StateEntry]{
	name: "state", columns: `s.id, s.scope, s.owner, s.flow_id, s.key, '', s.size, s.revision, s.execution_id, s.create_time, s.update_time`,
	from: `state_entries s WHERE s.owner IN ($1, $2)`,
	key:  field{"s.id", text}, order: storage.Order{Field: "key"}, scan: scanState,
	fields: map[string]field{
		"scope": {"s.scope", text}, "flow_id": {"s.flow_id", text}, "key": {"s.key", text}, "size": {"s.size", number},
		"create_time": {"s.create_time", moment}, "update_time": {"s.update_time", moment},
	},
}

// ListStateEntries lists entries of two owners, without their values.
func (db *DB) ListStateEntries(ctx context.Context, owners [2]string, q storage.Query) (storage.Page[ipaas.StateEntry], error) {
	return states.page(ctx, db, q, owners[0], owners[1])
}

// ChangeState carries out changes that a person asked for.
func (db *DB) ChangeState(ctx context.Context, changes []storage.StateChange, base int64, now time.Time, w storage.Write) error {
	return db.changeMuch(ctx, db.sizeOfState(ctx, changes), w, func(ctx context.Context, tx *tx) error {
		if base != 0 && len(changes) > 0 {
			c := &changes[0]
			e, err := getState(ctx, tx, c.Place, c.Key)
			if errors.Is(err, sql.ErrNoRows) {
				return ipaas.Absent("state entry", c.Key)
			}
			if err != nil {
				return err
			}
			if err := checkRevision("state entry", e.ID, e.Revision, base); err != nil {
				return err
			}
		}
		return changeState(ctx, tx, changes, nil, now)
	})
}

const (
	selectOwner = `
SELECT uid FROM instances WHERE uid = $1 AND state <> 'DELETED' UNION ALL SELECT uid FROM integrations WHERE uid = $1`
	putState = `
INSERT INTO state_entries (owner, scope, flow_id, key, id, sealed, size, revision, execution_id, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $9)
ON CONFLICT (owner, scope, flow_id, key) DO UPDATE SET sealed = excluded.sealed, size = excluded.size, revision = state_entries.revision + 1,
	execution_id = excluded.execution_id, update_time = excluded.update_time`
	deleteState = `DELETE FROM state_entries WHERE owner = $1 AND scope = $2 AND flow_id = $3 AND key = $4`
	countState  = `
INSERT INTO state_totals (owner, scope, flow_id, entries, bytes) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (owner, scope, flow_id) DO UPDATE SET entries = state_totals.entries + excluded.entries, bytes = state_totals.bytes + excluded.bytes
RETURNING entries, bytes`
	clearStates  = `DELETE FROM state_entries WHERE owner = $1 AND scope = $2 AND flow_id = $3`
	clearTotals  = `DELETE FROM state_totals WHERE owner = $1 AND scope = $2 AND flow_id = $3`
	deleteStates = `DELETE FROM state_entries WHERE owner = $1`
	deleteTotals = `DELETE FROM state_totals WHERE owner = $1`
)

// changeState carries out changes in order. step is the one that they belong to, or nil.
func changeState(ctx context.Context, tx *tx, changes []storage.StateChange, step *ipaas.StepResult, now time.Time) error {
	known := map[string]bool{} // owners that are there
	for i := range changes {
		c := &changes[i]
		if c.Place.Scope != ipaas.StateExecution && !known[c.Place.Owner] {
			there, err := exists(ctx, tx, selectOwner, c.Place.Owner)
			if err != nil {
				return err
			}
			if !there {
				return &ipaas.Error{
					Kind: ipaas.Gone, Reason: ipaas.ReasonInstanceRemoved, Message: "nothing is kept for an instance that is deleted",
				}
			}
			known[c.Place.Owner] = true
		}
		if err := changeKey(ctx, tx, c, step, now); err != nil {
			return err
		}
	}
	return nil
}

func changeKey(ctx context.Context, tx *tx, c *storage.StateChange, step *ipaas.StepResult, now time.Time) error {
	p := c.Place
	if c.Key == "" {
		if err := tx.do(ctx, clearStates, p.Owner, p.Scope, p.FlowID); err != nil {
			return err
		}
		return tx.do(ctx, clearTotals, p.Owner, p.Scope, p.FlowID)
	}
	current, next, err := nextState(ctx, tx, c, step)
	if err != nil {
		return err
	}
	switch {
	case next != nil:
		err = tx.do(ctx, putState, p.Owner, p.Scope, p.FlowID, c.Key, ipaas.NewStateEntry(p, c.Key).ID, next.Sealed, next.Size, c.ExecutionID, micros(now))
	case current != nil:
		err = tx.do(ctx, deleteState, p.Owner, p.Scope, p.FlowID, c.Key)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return countKey(ctx, tx, c, current, next)
}

// nextState returns what a key has, and what it is to have. Where that does not depend on what it has, only its size is read.
func nextState(ctx context.Context, q querier, c *storage.StateChange, step *ipaas.StepResult) (current, next *storage.StateValue, err error) {
	p := c.Place
	if c.Value != nil {
		current = &storage.StateValue{}
		err = q.row(ctx, selectStateSize, []any{p.Owner, p.Scope, p.FlowID, c.Key}, &current.Size)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, c.Value, nil
		}
		return current, c.Value, err
	}
	e, err := getState(ctx, q, p, c.Key)
	switch {
	case err == nil:
		current = &storage.StateValue{Sealed: e.Sealed, Size: e.Size}
	case !errors.Is(err, sql.ErrNoRows):
		return nil, nil, err
	}
	next, err = c.Next(current, step)
	return current, next, err
}

// countKey brings the totals of a place up to date, and refuses what lets it grow beyond its bounds.
func countKey(ctx context.Context, tx *tx, c *storage.StateChange, before, after *storage.StateValue) error {
	weight := func(v *storage.StateValue) (entries, bytes int) {
		if v == nil {
			return 0, 0
		}
		return 1, len(c.Key) + v.Size
	}
	wasEntries, wasBytes := weight(before)
	isEntries, isBytes := weight(after)
	if wasEntries == isEntries && wasBytes == isBytes {
		return nil
	}
	var entries, bytes int
	err := tx.row(ctx, countState,
		[]any{c.Place.Owner, c.Place.Scope, c.Place.FlowID, isEntries - wasEntries, isBytes - wasBytes}, &entries, &bytes)
	if err != nil {
		return err
	}
	if isEntries > wasEntries && entries > ipaas.MaxStateKeys {
		return stateFull(c.Place, fmt.Sprintf("has %d keys already", ipaas.MaxStateKeys))
	}
	if isBytes > wasBytes && bytes > ipaas.MaxStateSize {
		return stateFull(c.Place, fmt.Sprintf("would hold more than %d bytes", ipaas.MaxStateSize))
	}
	return nil
}

func stateFull(place ipaas.StatePlace, what string) error {
	return &ipaas.Error{
		Kind: ipaas.Exhausted, Reason: ipaas.ReasonStateFull,
		Message: fmt.Sprintf("the state of scope %s %s, which is the most: remove keys that are not needed any more", place.Scope, what),
		Meta:    map[string]string{"scope": string(place.Scope)},
	}
}

// ForgetState deletes all that an owner keeps.
func (db *DB) ForgetState(ctx context.Context, owner string) error {
	return db.reclaim(ctx, func(ctx context.Context, tx *tx) error { return forgetState(ctx, tx, owner) })
}

// forgetState deletes all that an owner keeps.
func forgetState(ctx context.Context, tx *tx, owner string) error {
	if err := tx.do(ctx, deleteStates, owner); err != nil {
		return err
	}
	return tx.do(ctx, deleteTotals, owner)
}

const (
	selectDeploymentOf = `
SELECT d.id, d.state FROM executions e JOIN deployments d ON d.id = e.deployment_id WHERE e.id = $1`
	selectLastChange = `SELECT sequence, bytes FROM state_changes WHERE deployment_id = $1 ORDER BY sequence DESC LIMIT 1`
	insertChange     = `
INSERT INTO state_changes (deployment_id, sequence, owner, scope, flow_id, key, execution_id, sealed, bytes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	selectChanges = `
SELECT sequence, scope, owner, flow_id, key, execution_id, sealed FROM state_changes WHERE deployment_id = $1 AND sequence > $2 ORDER BY sequence`
	deleteChanges = `DELETE FROM state_changes WHERE deployment_id = $1`
)

// noteState notes changes down that wait for the commit of a deployment.
func noteState(ctx context.Context, tx *tx, id string, changes []storage.StateChange) error {
	var sequence, bytes int64
	if err := tx.row(ctx, selectLastChange, []any{id}, &sequence, &bytes); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	for i := range changes {
		c := &changes[i]
		if sequence++; c.Sequence != 0 && c.Sequence != sequence {
			return storage.ErrOvertaken
		}
		if bytes += int64(len(c.Key) + len(c.Sealed)); bytes > ipaas.MaxStateSize {
			return stateFull(c.Place, fmt.Sprintf("waits for the deployment with changes of more than %d bytes", ipaas.MaxStateSize))
		}
		err := tx.do(ctx, insertChange, id, sequence, c.Place.Owner, c.Place.Scope, c.Place.FlowID, c.Key, c.ExecutionID, c.Sealed, bytes)
		if err != nil {
			return err
		}
	}
	return nil
}

// ListStateChanges returns the changes that wait for the commit of a deployment.
func (db *DB) ListStateChanges(ctx context.Context, deploymentID string, after int64) (found []storage.StateChange, err error) {
	err = db.view(func(q querier) error {
		found, err = stateChanges(ctx, q, deploymentID, after)
		return err
	})
	return found, err
}

func stateChanges(ctx context.Context, q querier, deploymentID string, after int64) (found []storage.StateChange, err error) {
	err = q.rows(ctx, selectChanges, []any{deploymentID, after}, func(scan scanner) error {
		var c storage.StateChange
		err := scan(&c.Sequence, &c.Place.Scope, &c.Place.Owner, &c.Place.FlowID, &c.Key, &c.ExecutionID, &c.Sealed)
		found = append(found, c)
		return err
	})
	return found, err
}

// settleState carries out what is made of the changes that waited for the commit of a deployment.
func settleState(
	ctx context.Context, tx *tx, deploymentID string, made func([]storage.StateChange) ([]storage.StateChange, error), now time.Time,
) error {
	if made != nil {
		waiting, err := stateChanges(ctx, tx, deploymentID, 0)
		if err != nil {
			return err
		}
		changes, err := made(waiting)
		if err != nil {
			return err
		}
		if err := changeState(ctx, tx, changes, nil, now); err != nil {
			return err
		}
	}
	return tx.do(ctx, deleteChanges, deploymentID)
}

// completeState carries out the changes of a step, or notes them down for its deployment. It may complete the step with what it finds.
func completeState(ctx context.Context, tx *tx, s *ipaas.StepResult, changes []storage.StateChange) error {
	var now, later []storage.StateChange
	for _, c := range changes {
		if c.Sealed != "" {
			later = append(later, c)
		} else {
			now = append(now, c)
		}
	}
	if len(later) == 0 {
		return changeState(ctx, tx, now, s, s.EndTime)
	}
	var id string
	var state ipaas.DeploymentState
	if err := tx.row(ctx, selectDeploymentOf, []any{s.ExecutionID}, &id, &state); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	switch state {
	case ipaas.DeploymentSucceeded:
		return changeState(ctx, tx, changes, s, s.EndTime) // in order: nothing waits any more
	case ipaas.DeploymentRunning:
		if err := noteState(ctx, tx, id, later); err != nil {
			return err
		}
		return changeState(ctx, tx, now, s, s.EndTime)
	default:
		return undoneDeployment(id)
	}
}
