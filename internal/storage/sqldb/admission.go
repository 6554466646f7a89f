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

// scene is what accepting an execution has to know of its instance.
type scene struct {
	uid, customerID, integrationID string
	state                          ipaas.InstanceState
	paused                         bool
	mode                           ipaas.PauseMode
}

const (
	sceneColumns = `uid, customer_id, integration_id, state, paused, pause_mode`
	selectScene  = `
SELECT ` + sceneColumns + ` FROM instances WHERE id = $1
ORDER BY CASE state WHEN 'DELETED' THEN 1 ELSE 0 END, update_time DESC, uid DESC LIMIT 1`
	selectSceneByUID = `SELECT ` + sceneColumns + ` FROM instances WHERE uid = $1`
)

func getScene(ctx context.Context, q querier, text, key, instanceID string) (s scene, err error) {
	err = q.row(ctx, text, []any{key}, &s.uid, &s.customerID, &s.integrationID, &s.state, &s.paused, &s.mode)
	if errors.Is(err, sql.ErrNoRows) {
		return s, ipaas.Absent("instance", instanceID)
	}
	return s, err
}

// AcceptExecution adds an execution for a webhook.
func (db *DB) AcceptExecution(ctx context.Context, ex ipaas.Execution, a storage.Admission) (out ipaas.Execution, err error) {
	if !ex.Inline {
		if err := db.waiting.admit(ctx, db, ex.CustomerID, ex.CreateTime, a.MaxQueued); err != nil {
			return ipaas.Execution{}, err
		}
	}
	ex = accepted(ex)
	err = db.writeInOrder(ctx, sizeOfPayload(&ex.Payload), &ex, func(ctx context.Context, tx *tx) error {
		out, err = accept(ctx, tx, ex, a)
		return err
	})
	if err != nil {
		return ipaas.Execution{}, err
	}
	return out, nil
}

// accepted returns an execution as it is when it was accepted.
func accepted(ex ipaas.Execution) ipaas.Execution {
	ex.Error, ex.Result, ex.Response, ex.EndTime, ex.RoutedTo = nil, "", nil, time.Time{}, ""
	ex.CreateTime, ex.OriginID, ex.RootID, ex.Try = stored(ex.CreateTime), ex.ID, ex.ID, 1
	if ex.Inline {
		ex.State, ex.Attempts, ex.StartTime, ex.LeaseTime = ipaas.ExecutionRunning, 1, stored(ex.StartTime), stored(ex.LeaseTime)
	} else {
		ex.State, ex.Attempts, ex.StartTime, ex.LeaseTime = ipaas.ExecutionQueued, 0, time.Time{}, time.Time{}
	}
	return ex
}

func accept(ctx context.Context, tx *tx, ex ipaas.Execution, a storage.Admission) (ipaas.Execution, error) {
	s, err := getScene(ctx, tx, selectScene, ex.InstanceID, ex.InstanceID)
	if err != nil {
		return ex, err
	}
	if a.Deduplication != nil {
		first, known, err := firstOf(ctx, tx, s.uid, &ex, a.Deduplication)
		if err != nil || known {
			return first, err
		}
	}
	ex.CustomerID, ex.IntegrationID = s.customerID, s.integrationID
	if ex.Held, err = s.admit(ctx, tx, &ex, a); err != nil {
		return ex, err
	}
	if ex.Inline {
		if err := checkRunning(ctx, tx, s.uid, &ex); err != nil {
			return ex, err
		}
	}
	seq, err := putEvent(ctx, tx, &ex, place{uid: s.uid, paused: s.paused}, a)
	if err == nil && ex.Lane != "" {
		return scanWithPayload(func(dest ...any) error { return tx.row(ctx, selectExecutionBySeq, []any{seq}, dest...) })
	}
	return ex, err
}

// putEvent adds an event with its payload, and remembers what it is known again by.
func putEvent(ctx context.Context, tx *tx, ex *ipaas.Execution, at place, a storage.Admission) (seq int64, err error) {
	if seq, err = putExecution(ctx, tx, ex, at); err != nil {
		return 0, err
	}
	if err := putPayload(ctx, tx, seq, ex.Payload); err != nil {
		return 0, err
	}
	if d := a.Deduplication; d != nil {
		if err := tx.do(ctx, insertDeduplication, at.uid, ex.FlowID, d.KeyHash, d.BodyHash, ex.ID, micros(d.ExpireTime)); err != nil {
			return 0, err
		}
	}
	return seq, endOlderRetries(ctx, tx, at.uid, ex)
}

const (
	selectDeduplication = `
SELECT body_hash, execution_id FROM deduplications WHERE instance_uid = $1 AND flow_id = $2 AND key_hash = $3 AND expire_time > $4`
	insertDeduplication = `
INSERT INTO deduplications (instance_uid, flow_id, key_hash, body_hash, execution_id, expire_time) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (instance_uid, flow_id, key_hash) DO UPDATE
SET body_hash = excluded.body_hash, execution_id = excluded.execution_id, expire_time = excluded.expire_time`
	deleteDeduplications = `
DELETE FROM deduplications WHERE (instance_uid, flow_id, key_hash) IN (
	SELECT instance_uid, flow_id, key_hash FROM deduplications WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2)`
)

// firstOf returns the execution that an event was accepted as before.
func firstOf(ctx context.Context, q querier, uid string, ex *ipaas.Execution, d *storage.Deduplication) (first ipaas.Execution, known bool, err error) {
	var bodyHash, id string
	err = q.row(ctx, selectDeduplication, []any{uid, ex.FlowID, d.KeyHash, micros(ex.CreateTime)}, &bodyHash, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return first, false, nil
	}
	if err != nil {
		return first, false, err
	}
	if bodyHash != d.BodyHash {
		return first, false, &ipaas.Error{
			Kind: ipaas.Conflict, Reason: ipaas.ReasonDeduplicationKeyReused,
			Message: fmt.Sprintf("the deduplication key of this event was that of another one with another body, which is execution %s: send a fresh key", id),
			Meta:    map[string]string{"execution_id": id},
		}
	}
	first, err = getExecution(ctx, q, id)
	if errors.Is(err, ipaas.NotFound) {
		// It had its time before its key had.
		return ipaas.Execution{ID: id, FlowID: ex.FlowID, InstanceID: ex.InstanceID, State: ipaas.ExecutionSucceeded}, true, nil
	}
	return first, true, err
}

// admit refuses an execution, or tells whether it has to be held.
func (s *scene) admit(ctx context.Context, q querier, ex *ipaas.Execution, a storage.Admission) (held bool, err error) {
	switch {
	case removed(s.state):
		return false, instanceRemoved(ex.InstanceID)
	case s.state == ipaas.InstanceCreated:
		return false, ipaas.Absent("deployed instance", ex.InstanceID)
	case s.paused && (s.mode == ipaas.PauseRefuse || ex.Inline):
		return false, &ipaas.Error{
			Kind: ipaas.Unavailable, Reason: ipaas.ReasonInstancePaused, RetryAfter: retryWhenPaused,
			Message: fmt.Sprintf("instance %q is paused and takes nothing: try again later", ex.InstanceID),
			Meta:    map[string]string{"resource": "instance", "id": ex.InstanceID},
		}
	}
	held = s.paused || s.state != ipaas.InstanceActive
	if !a.ServingHasFlow && s.state == ipaas.InstanceActive {
		foreign, err := s.awaitsCandidate(ctx, q, ex.FlowID)
		if err != nil {
			return false, err
		}
		held = held || foreign
	}
	if ex.Inline {
		return false, nil // what waits for a candidate is run by it
	}
	if held {
		err = s.checkHeld(ctx, q, ex.InstanceID, a.MaxHeld)
	}
	return held, err
}

// How long a sender should wait before it tries again.
const (
	retryWhenPaused  = time.Minute
	retryWhenRunning = time.Second
	retryWhenQueued  = 10 * time.Second
)

func instanceRemoved(id string) error {
	return &ipaas.Error{
		Kind: ipaas.Gone, Reason: ipaas.ReasonInstanceRemoved,
		Message: fmt.Sprintf("instance %q was removed: stop sending to it", id),
		Meta:    map[string]string{"resource": "instance", "id": id},
	}
}

const (
	selectServingFlow = `
SELECT 1 FROM instances i JOIN generations g ON g.instance_uid = i.uid AND g.number = i.generation
JOIN definition_flows f ON f.hash = g.definition_hash WHERE i.uid = $1 AND f.flow_id = $2`
	selectCandidateFlow = `
SELECT 1 FROM deployments d JOIN definition_flows f ON f.hash = d.definition_hash
WHERE d.instance_uid = $1 AND d.state = 'RUNNING' AND f.flow_id = $2`
)

// awaitsCandidate reports whether only the candidate of the running deployment has a flow. The generation that serves is asked
// again: it may have changed since the caller looked.
func (s *scene) awaitsCandidate(ctx context.Context, q querier, flowID string) (bool, error) {
	served, err := exists(ctx, q, selectServingFlow, s.uid, flowID)
	if err != nil || served {
		return false, err
	}
	coming, err := exists(ctx, q, selectCandidateFlow, s.uid, flowID)
	if err == nil && !coming {
		return false, ipaas.Absent("flow", flowID)
	}
	return coming, err
}

const countHeld = `SELECT COUNT(*) FROM executions WHERE instance_uid = $1 AND held = 1 AND state = 'QUEUED'`

func (s *scene) checkHeld(ctx context.Context, q querier, instanceID string, maxHeld int) error {
	var n int
	if err := q.row(ctx, countHeld, []any{s.uid}, &n); err != nil {
		return err
	}
	if n >= maxHeld {
		return &ipaas.Error{
			Kind: ipaas.Exhausted, Reason: ipaas.ReasonTooManyHeld,
			Message: fmt.Sprintf("instance %q holds %d events and takes no more until it is resumed or deployed", instanceID, n),
			Meta:    map[string]string{"resource": "instance", "id": instanceID, "held": strconv.Itoa(n)},
		}
	}
	return nil
}
