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

const insertExecution = `
INSERT INTO executions (id, instance_uid, instance_id, customer_id, integration_id, version, definition_hash, flow_id, flow_display_name,
	deployment_id, generation, config_revision, state, held, ready, inline, invoke, test, attempts, error, result, response,
	create_time, start_time, end_time, lease_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, '', '', '', $20, $21, 0, $22)
ON CONFLICT (id) DO NOTHING RETURNING seq`

const insertPayload = `INSERT INTO execution_payloads (execution_seq, document, body) VALUES ($1, $2, $3)`

// putExecution adds an execution with its payload.
func putExecution(ctx context.Context, tx *tx, uid string, ex *ipaas.Execution, ready bool) error {
	var seq int64
	err := tx.row(ctx, insertExecution, []any{
		ex.ID, uid, ex.InstanceID, ex.CustomerID, ex.IntegrationID, ex.Version, ex.DefinitionHash, ex.FlowID, ex.FlowDisplayName,
		ex.DeploymentID, ex.Generation, ex.ConfigRevision, ex.State, flag(ex.Held), flag(ready), flag(ex.Inline), ex.Invoke, flag(ex.Test),
		ex.Attempts, micros(ex.CreateTime), micros(ex.StartTime), micros(ex.LeaseTime),
	}, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Taken("execution", ex.ID)
	}
	if err != nil {
		return err
	}
	body := ex.Payload.Body
	if body == nil {
		body = []byte{}
	}
	head := ex.Payload
	head.Body = nil
	return tx.do(ctx, insertPayload, seq, asJSON(&head), body)
}

// scene is what accepting an execution has to know of its instance.
type scene struct {
	uid, customerID, integrationID string
	state                          ipaas.InstanceState
	paused                         bool
	mode                           ipaas.PauseMode
}

const selectScene = `
SELECT uid, customer_id, integration_id, state, paused, pause_mode FROM instances WHERE id = $1
ORDER BY CASE state WHEN 'DELETED' THEN 1 ELSE 0 END, update_time DESC, uid DESC LIMIT 1`

// AcceptExecution adds a QUEUED execution for a webhook.
func (db *DB) AcceptExecution(ctx context.Context, ex ipaas.Execution, servingHasFlow bool, maxHeld int) (ipaas.Execution, error) {
	ex.State, ex.Inline, ex.Attempts, ex.Error, ex.Result, ex.Response = ipaas.ExecutionQueued, false, 0, nil, "", nil
	ex.CreateTime, ex.StartTime, ex.EndTime, ex.LeaseTime = stored(ex.CreateTime), time.Time{}, time.Time{}, time.Time{}
	err := db.write(ctx, func(ctx context.Context, tx *tx) error {
		var s scene
		err := tx.row(ctx, selectScene, []any{ex.InstanceID}, &s.uid, &s.customerID, &s.integrationID, &s.state, &s.paused, &s.mode)
		if errors.Is(err, sql.ErrNoRows) {
			return ipaas.Absent("instance", ex.InstanceID)
		}
		if err != nil {
			return err
		}
		ex.CustomerID, ex.IntegrationID = s.customerID, s.integrationID
		if ex.Held, err = s.admit(ctx, tx, &ex, servingHasFlow, maxHeld); err != nil {
			return err
		}
		return putExecution(ctx, tx, s.uid, &ex, !ex.Held && !s.paused)
	})
	if err != nil {
		return ipaas.Execution{}, err
	}
	return ex, nil
}

// admit refuses an execution, or tells whether it has to be held.
func (s *scene) admit(ctx context.Context, q querier, ex *ipaas.Execution, servingHasFlow bool, maxHeld int) (held bool, err error) {
	switch {
	case removed(s.state):
		return false, &ipaas.Error{
			Kind: ipaas.Gone, Reason: ipaas.ReasonInstanceRemoved,
			Message: fmt.Sprintf("instance %q was removed: stop sending to it", ex.InstanceID),
			Meta:    map[string]string{"resource": "instance", "id": ex.InstanceID},
		}
	case s.state == ipaas.InstanceCreated:
		return false, ipaas.Absent("deployed instance", ex.InstanceID)
	case s.paused && s.mode == ipaas.PauseRefuse:
		return false, &ipaas.Error{
			Kind: ipaas.Unavailable, Reason: ipaas.ReasonInstancePaused,
			Message: fmt.Sprintf("instance %q is paused and takes nothing: try again later", ex.InstanceID),
			Meta:    map[string]string{"resource": "instance", "id": ex.InstanceID},
		}
	}
	held = s.paused || s.state != ipaas.InstanceActive
	if !servingHasFlow && s.state == ipaas.InstanceActive {
		foreign, err := s.awaitsCandidate(ctx, q, ex.FlowID)
		if err != nil {
			return false, err
		}
		held = held || foreign
	}
	if held {
		err = s.checkHeld(ctx, q, ex.InstanceID, maxHeld)
	}
	return held, err
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

const updateExecutionIDs = `UPDATE deployments SET execution_ids = $2 WHERE id = $1`

// StartExecution adds an execution that runs at once.
func (db *DB) StartExecution(ctx context.Context, ex ipaas.Execution) error {
	ex.State, ex.Held, ex.Attempts = ipaas.ExecutionRunning, false, 1
	if ex.StartTime.IsZero() {
		ex.StartTime = ex.CreateTime
	}
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		uid, err := liveUID(ctx, tx, ex.InstanceID)
		if err != nil {
			return err
		}
		if err := putExecution(ctx, tx, uid, &ex, false); err != nil || ex.DeploymentID == "" {
			return err
		}
		d, err := scanDeployment(func(dest ...any) error { return tx.row(ctx, selectDeployment, []any{uid, ex.DeploymentID}, dest...) })
		if errors.Is(err, sql.ErrNoRows) {
			return ipaas.Absent("deployment", ex.DeploymentID)
		}
		if err != nil {
			return err
		}
		return tx.do(ctx, updateExecutionIDs, ex.DeploymentID, asJSON(append(d.ExecutionIDs, ex.ID)))
	})
}

const (
	selectReady = `SELECT seq FROM executions WHERE ready = 1 LIMIT 1`
	selectHead  = `
SELECT e.seq, e.attempts, COALESCE(g.number, 0), COALESCE(g.version, 0), COALESCE(g.definition_hash, ''), COALESCE(g.config_revision, 0)
FROM executions e LEFT JOIN instances i ON i.uid = e.instance_uid
LEFT JOIN generations g ON g.instance_uid = i.uid AND g.number = i.generation
WHERE e.ready = 1 ORDER BY e.seq LIMIT 1`
	claimExecution = `
UPDATE executions SET state = 'RUNNING', ready = 0, attempts = attempts + 1, lease_time = $3,
	start_time = CASE start_time WHEN 0 THEN $4 ELSE start_time END
WHERE seq = $1 AND attempts = $2 AND state = 'QUEUED' AND ready = 1`
	bindExecution = `UPDATE executions SET generation = $2, version = $3, definition_hash = $4, config_revision = $5 WHERE seq = $1`
)

// ClaimExecution takes the oldest execution that may run.
func (db *DB) ClaimExecution(ctx context.Context, now, lease time.Time) (ex ipaas.Execution, err error) {
	// Workers ask all the time: that there is nothing to take is found out without the writer.
	var seq int64
	err = db.view(func(q querier) error { return q.row(ctx, selectReady, nil, &seq) })
	if err == nil {
		err = db.write(ctx, func(ctx context.Context, tx *tx) error {
			ex, err = claim(ctx, tx, now, lease)
			return err
		})
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Execution{}, ipaas.Absent("execution", "")
	}
	return ex, err
}

func claim(ctx context.Context, tx *tx, now, lease time.Time) (ex ipaas.Execution, err error) {
	var (
		seq      int64
		attempts int
		g        ipaas.Generation
	)
	if err := tx.row(ctx, selectHead, nil, &seq, &attempts, &g.Number, &g.Version, &g.DefinitionHash, &g.ConfigRevision); err != nil {
		return ex, err
	}
	n, err := tx.exec(ctx, claimExecution, seq, attempts, micros(lease), micros(now))
	if err != nil {
		return ex, err
	}
	if n == 0 {
		return ex, sql.ErrNoRows // someone else was quicker
	}
	if attempts == 0 && g.Number > 0 {
		if err := tx.do(ctx, bindExecution, seq, g.Number, g.Version, g.DefinitionHash, g.ConfigRevision); err != nil {
			return ex, err
		}
	}
	return scanWithPayload(func(dest ...any) error { return tx.row(ctx, selectExecutionBySeq, []any{seq}, dest...) })
}

const extendLease = `UPDATE executions SET lease_time = $3 WHERE seq = $1 AND attempts = $2 AND state = 'RUNNING'`

// ExtendLease moves the lease of a RUNNING execution.
func (db *DB) ExtendLease(ctx context.Context, id string, attempt int, lease time.Time) error {
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		seq, err := runningExecution(ctx, tx, id, attempt)
		if err != nil {
			return err
		}
		return tx.do(ctx, extendLease, seq, attempt, micros(lease))
	})
}

const selectExecutionHead = `SELECT seq, state, attempts FROM executions WHERE id = $1`

// runningExecution returns the row of an execution that runs in an attempt. Whoever has lost it learns so here.
func runningExecution(ctx context.Context, q querier, id string, attempt int) (seq int64, err error) {
	var (
		state    ipaas.ExecutionState
		attempts int
	)
	err = q.row(ctx, selectExecutionHead, []any{id}, &seq, &state, &attempts)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, ipaas.Absent("execution", id)
	case err != nil:
		return 0, err
	case state != ipaas.ExecutionRunning || attempts != attempt:
		return 0, moved("execution", id, fmt.Sprintf("%s in attempt %d", state, attempts), fmt.Sprintf("RUNNING in attempt %d", attempt))
	default:
		return seq, nil
	}
}

const finishExecution = `
UPDATE executions SET state = $3, error = $4, result = $5, response = $6, end_time = $7, lease_time = 0
WHERE seq = $1 AND attempts = $2 AND state = 'RUNNING'`

// FinishExecution moves a RUNNING execution to a final state.
func (db *DB) FinishExecution(ctx context.Context, ex ipaas.Execution) error {
	if !ex.State.Ended() {
		return fmt.Errorf("finish execution %s: %s is no final state", ex.ID, ex.State)
	}
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		seq, err := runningExecution(ctx, tx, ex.ID, ex.Attempts)
		if err != nil {
			return err
		}
		return tx.do(ctx, finishExecution, seq, ex.Attempts, ex.State, asJSON(ex.Error), ex.Result, asJSON(ex.Response), micros(ex.EndTime))
	})
}

const (
	requeueExecutions = `
UPDATE executions SET state = 'QUEUED', lease_time = 0,
	ready = CASE WHEN EXISTS (SELECT 1 FROM instances i WHERE i.uid = executions.instance_uid AND i.paused = 1) THEN 0 ELSE 1 END
WHERE state = 'RUNNING' AND lease_time < $1 AND inline = 0`
	failInterrupted = `
UPDATE executions SET state = 'FAILED', error = $2, end_time = $1, lease_time = 0 WHERE state = 'RUNNING' AND lease_time < $1 AND inline = 1`
)

// RecoverExecutions deals with executions whose lease has ended.
func (db *DB) RecoverExecutions(ctx context.Context, now time.Time) (requeued, failed int, err error) {
	interrupted := asJSON(&ipaas.ExecutionError{
		Reason: ipaas.ExecutionInterrupted, Message: "the server stopped while it ran, and whoever waited for it is gone",
	})
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, requeueExecutions, micros(now))
		if err != nil {
			return err
		}
		requeued = int(n)
		n, err = tx.exec(ctx, failInterrupted, micros(now), interrupted)
		failed = int(n)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	return requeued, failed, nil
}

const (
	executionColumns = `e.id, e.instance_id, e.customer_id, e.integration_id, e.version, e.definition_hash, e.flow_id, e.flow_display_name,
	e.deployment_id, e.generation, e.config_revision, e.state, e.held, e.invoke, e.test, e.inline, e.attempts, e.error, e.result, e.response,
	e.create_time, e.start_time, e.end_time, e.lease_time, e.payload_expired`
	selectWithPayload    = `SELECT ` + executionColumns + `, p.document, p.body FROM executions e JOIN execution_payloads p ON p.execution_seq = e.seq`
	selectExecutionBySeq = selectWithPayload + ` WHERE e.seq = $1`
	selectExecution      = selectWithPayload + ` WHERE e.id = $1`
)

func scanExecution(scan scanner) (ex ipaas.Execution, err error) {
	err = scan(&ex.ID, &ex.InstanceID, &ex.CustomerID, &ex.IntegrationID, &ex.Version, &ex.DefinitionHash, &ex.FlowID, &ex.FlowDisplayName,
		&ex.DeploymentID, &ex.Generation, &ex.ConfigRevision, &ex.State, &ex.Held, &ex.Invoke, &ex.Test, &ex.Inline, &ex.Attempts, intoJSON(&ex.Error),
		&ex.Result, intoJSON(&ex.Response), intoTime(&ex.CreateTime), intoTime(&ex.StartTime), intoTime(&ex.EndTime), intoTime(&ex.LeaseTime),
		&ex.PayloadExpired)
	return ex, err
}

func scanWithPayload(scan scanner) (ipaas.Execution, error) {
	var (
		payload ipaas.Payload
		body    []byte
	)
	ex, err := scanExecution(func(dest ...any) error { return scan(append(dest, intoJSON(&payload), &body)...) })
	if len(body) > 0 {
		payload.Body = body
	}
	ex.Payload = payload
	return ex, err
}

// GetExecution returns an execution with its payload.
func (db *DB) GetExecution(ctx context.Context, id string) (ex ipaas.Execution, err error) {
	err = db.view(func(q querier) error {
		ex, err = scanWithPayload(func(dest ...any) error { return q.row(ctx, selectExecution, []any{id}, dest...) })
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Execution{}, ipaas.Absent("execution", id)
	}
	return ex, err
}

var executions = list[ipaas.Execution]{
	name: "executions", columns: executionColumns, from: `executions e WHERE 1 = 1`,
	key: field{"e.id", text}, order: storage.Order{Field: "create_time", Desc: true}, scan: scanExecution,
	fields: map[string]field{
		"id": {"e.id", text}, "instance_id": {"e.instance_id", text}, "customer_id": {"e.customer_id", text},
		"integration_id": {"e.integration_id", text}, "flow_id": {"e.flow_id", text}, "deployment_id": {"e.deployment_id", text},
		"state": {"e.state", text}, "invoke_type": {"e.invoke", text}, "test": {"e.test", boolean}, "create_time": {"e.create_time", moment},
	},
}

// ListExecutions lists executions without their payloads.
func (db *DB) ListExecutions(ctx context.Context, q storage.Query) (storage.Page[ipaas.Execution], error) {
	return executions.page(ctx, db, q)
}
