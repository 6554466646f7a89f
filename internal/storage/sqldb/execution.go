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

const insertExecution = `
INSERT INTO executions (id, instance_uid, instance_id, customer_id, integration_id, version, definition_hash, flow_id, flow_display_name,
	deployment_id, generation, config_revision, state, held, ready, inline, invoke, test, attempts, error, result, response,
	create_time, start_time, end_time, lease_time, origin_id, retry_of, replay_of, try, wake_time, asleep,
	lane, lane_seq, in_lane, on_failure, ordering_key, flow_key_id, endpoint, preprocessed_by, invoked_by, root_id, depth, schedule_time, request_key)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, '', '', '', $20, $21, 0, $22,
	$23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41)
ON CONFLICT (id) DO NOTHING RETURNING seq`

// place is where an execution that is added stands.
type place struct {
	uid     string // of its instance
	paused  bool   // the instance is
	laneSeq int64  // its place in its lane; 0: at the end
}

// putExecution adds an execution without its payload.
func putExecution(ctx context.Context, tx *tx, ex *ipaas.Execution, at place) (seq int64, err error) {
	origin := ex.OriginID
	if origin == ex.ID {
		origin = "" // so that the index holds only those that have another one
	}
	root := ex.RootID
	if root == ex.ID {
		root = ""
	}
	asleep := !ex.WakeTime.IsZero()
	inLane := ex.Lane != ""
	ready := ex.State == ipaas.ExecutionQueued && !ex.Held && !at.paused && !asleep && !inLane
	err = tx.row(ctx, insertExecution, []any{
		ex.ID, at.uid, ex.InstanceID, ex.CustomerID, ex.IntegrationID, ex.Version, ex.DefinitionHash, ex.FlowID, ex.FlowDisplayName,
		ex.DeploymentID, ex.Generation, ex.ConfigRevision, ex.State, flag(ex.Held), flag(ready), flag(ex.Inline), ex.Invoke, flag(ex.Test),
		ex.Attempts, micros(ex.CreateTime), micros(ex.StartTime), micros(ex.LeaseTime), origin, ex.RetryOf, ex.ReplayOf, max(ex.Try, 1),
		micros(ex.WakeTime), flag(asleep), ex.Lane, at.laneSeq, flag(inLane), ex.OnFailure, ex.OrderingKey, ex.FlowKeyID,
		flag(ex.Endpoint), ex.PreprocessedBy,
		ex.InvokedBy, root, ex.Depth, micros(ex.ScheduleTime), ex.RequestKey,
	}, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ipaas.Taken("execution", ex.ID)
	}
	if err == nil && inLane {
		err = enterLane(ctx, tx, seq, at.laneSeq == 0)
	}
	return seq, err
}

const (
	insertPayload = `INSERT INTO execution_payloads (execution_seq, document, body) VALUES ($1, $2, $3)`
	copyPayload   = `
INSERT INTO execution_payloads (execution_seq, document, body)
SELECT $1, document, body FROM execution_payloads WHERE execution_seq = $2 AND document <> ''`
)

func putPayload(ctx context.Context, tx *tx, seq int64, p ipaas.Payload) error {
	body := p.Body
	if body == nil {
		body = []byte{}
	}
	p.Body = nil
	return tx.do(ctx, insertPayload, seq, asJSON(&p), body)
}

const updateExecutionIDs = `UPDATE deployments SET execution_ids = $2 WHERE id = $1`

// StartExecution adds an execution that runs at once.
func (db *DB) StartExecution(ctx context.Context, ex ipaas.Execution) error {
	ex.State, ex.Held, ex.Attempts, ex.Lane = ipaas.ExecutionRunning, false, 1, ""
	if ex.StartTime.IsZero() {
		ex.StartTime = ex.CreateTime
	}
	return db.writeMuch(ctx, sizeOfPayload(&ex.Payload), func(ctx context.Context, tx *tx) error {
		uid, err := liveUID(ctx, tx, ex.InstanceID)
		if err != nil {
			return err
		}
		seq, err := putExecution(ctx, tx, &ex, place{uid: uid})
		if err != nil {
			return err
		}
		if err := putPayload(ctx, tx, seq, ex.Payload); err != nil || ex.DeploymentID == "" {
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

const resumeExecution = `UPDATE executions SET attempts = attempts + 1, lease_time = $2 WHERE id = $1 AND state = 'RUNNING'`

// ResumeExecution begins the next attempt of a RUNNING execution.
func (db *DB) ResumeExecution(ctx context.Context, id string, lease time.Time) (ex ipaas.Execution, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, resumeExecution, id, micros(lease))
		if err != nil {
			return err
		}
		ex, err = scanWithPayload(func(dest ...any) error { return tx.row(ctx, selectExecution, []any{id}, dest...) })
		if errors.Is(err, sql.ErrNoRows) {
			return ipaas.Absent("execution", id)
		}
		if err == nil && n == 0 {
			return moved("execution", id, string(ex.State), string(ipaas.ExecutionRunning))
		}
		return err
	})
	if err != nil {
		return ipaas.Execution{}, err
	}
	return ex, nil
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
WHERE seq = $1 AND attempts = $2 AND state = 'RUNNING' RETURNING in_lane, canceling`

// FinishExecution moves a RUNNING execution to a final state.
func (db *DB) FinishExecution(ctx context.Context, ex ipaas.Execution, before ...storage.Progress) error {
	return db.writeMuch(ctx, sizeOfEnd(&ex, before), func(ctx context.Context, tx *tx) error {
		seq, end, err := finish(ctx, tx, ex, before)
		if err != nil || !end.inLane {
			return err
		}
		return settleLane(ctx, tx, seq, ex.State)
	})
}

const routeExecution = `UPDATE executions SET routed_to = $2 WHERE seq = $1`

// RouteExecution finishes an execution that looked at a request, and accepts the one that the request becomes.
func (db *DB) RouteExecution(
	ctx context.Context, ex, next ipaas.Execution, a storage.Admission, before ...storage.Progress,
) (out ipaas.Execution, err error) {
	if err := db.waiting.admit(ctx, db, next.CustomerID, next.CreateTime, a.MaxQueued); err != nil {
		return ipaas.Execution{}, err
	}
	next = accepted(next)
	next.PreprocessedBy = ex.ID
	err = db.writeInOrder(ctx, sizeOfEnd(&ex, before)+sizeOfPayload(&next.Payload), &next, func(ctx context.Context, tx *tx) error {
		seq, end, err := finish(ctx, tx, ex, before)
		if err != nil {
			return err
		}
		out = ipaas.Execution{}
		if !end.canceling {
			if out, err = accept(ctx, tx, next, a); err != nil {
				return err
			}
			if err := tx.do(ctx, routeExecution, seq, out.ID); err != nil {
				return err
			}
		}
		if !end.inLane {
			return nil
		}
		return settleLane(ctx, tx, seq, ex.State)
	})
	if err != nil {
		return ipaas.Execution{}, err
	}
	return out, nil
}

// finished is what matters of an execution when it ends.
type finished struct{ inLane, canceling bool }

func finish(ctx context.Context, tx *tx, ex ipaas.Execution, before []storage.Progress) (seq int64, end finished, err error) {
	if !ex.State.Ended() {
		return 0, end, fmt.Errorf("finish execution %s: %s is no final state", ex.ID, ex.State)
	}
	if seq, err = runningExecution(ctx, tx, ex.ID, ex.Attempts); err != nil {
		return 0, end, err
	}
	if err := putProgress(ctx, tx, seq, before...); err != nil {
		return 0, end, err
	}
	err = tx.row(ctx, finishExecution,
		[]any{seq, ex.Attempts, ex.State, asJSON(ex.Error), ex.Result, asJSON(ex.Response), micros(ex.EndTime)}, &end.inLane, &end.canceling)
	return seq, end, err
}

const (
	executionColumns = `e.id, e.instance_id, e.customer_id, e.integration_id, e.version, e.definition_hash, e.flow_id, e.flow_display_name,
	e.deployment_id, e.generation, e.config_revision, e.state, e.held, e.invoke, e.test, e.inline, e.attempts, e.error, e.result, e.response,
	e.create_time, e.start_time, e.end_time, e.lease_time, e.crashes, e.canceling,
	CASE e.origin_id WHEN '' THEN e.id ELSE e.origin_id END, e.retry_of, e.replay_of, e.superseded_by, e.try, e.wake_time,
	e.lane, e.ordering_key, e.on_failure, ` + isBlocked + `, e.blocking, e.payload_expired,
	e.flow_key_id, e.endpoint, e.preprocessed_by, e.routed_to,
	e.invoked_by, CASE e.root_id WHEN '' THEN e.id ELSE e.root_id END, e.depth, e.schedule_time, e.request_key`
	// The head of a lane tells whether those behind it wait for their turn or for what becomes of a failure.
	isBlocked = `CASE WHEN e.lane <> '' AND e.state = 'QUEUED' AND e.ready = 0 AND (
		SELECT h.blocking FROM executions h WHERE h.instance_uid = e.instance_uid AND h.flow_id = e.flow_id AND h.lane = e.lane
			AND h.in_lane = 1 ORDER BY h.lane_seq LIMIT 1) = 1 THEN 1 ELSE 0 END`
	selectWithPayload    = `SELECT ` + executionColumns + `, p.document, p.body FROM executions e JOIN execution_payloads p ON p.execution_seq = e.seq`
	selectExecutionBySeq = selectWithPayload + ` WHERE e.seq = $1`
	selectExecution      = selectWithPayload + ` WHERE e.id = $1`
)

func scanExecution(scan scanner) (ex ipaas.Execution, err error) {
	err = scan(&ex.ID, &ex.InstanceID, &ex.CustomerID, &ex.IntegrationID, &ex.Version, &ex.DefinitionHash, &ex.FlowID, &ex.FlowDisplayName,
		&ex.DeploymentID, &ex.Generation, &ex.ConfigRevision, &ex.State, &ex.Held, &ex.Invoke, &ex.Test, &ex.Inline, &ex.Attempts, intoJSON(&ex.Error),
		&ex.Result, intoJSON(&ex.Response), intoTime(&ex.CreateTime), intoTime(&ex.StartTime), intoTime(&ex.EndTime), intoTime(&ex.LeaseTime),
		&ex.Crashes, &ex.Canceling, &ex.OriginID, &ex.RetryOf, &ex.ReplayOf, &ex.SupersededBy, &ex.Try, intoTime(&ex.WakeTime),
		&ex.Lane, &ex.OrderingKey, &ex.OnFailure, &ex.Blocked, &ex.Blocking, &ex.PayloadExpired,
		&ex.FlowKeyID, &ex.Endpoint, &ex.PreprocessedBy, &ex.RoutedTo,
		&ex.InvokedBy, &ex.RootID, &ex.Depth, intoTime(&ex.ScheduleTime), &ex.RequestKey)
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
		ex, err = getExecution(ctx, q, id)
		return err
	})
	return ex, err
}

func getExecution(ctx context.Context, q querier, id string) (ipaas.Execution, error) {
	ex, err := scanWithPayload(func(dest ...any) error { return q.row(ctx, selectExecution, []any{id}, dest...) })
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
		"integration_id": {"e.integration_id", text}, "flow_id": {"e.flow_id", text},
		"deployment_id": {"e.deployment_id", text}, "state": {"e.state", text},
		"invoke_type": {"e.invoke", text}, "test": {"e.test", boolean},
		"origin_id": {"e.origin_id", sparse}, "retry_of": {"e.retry_of", sparse},
		"replay_of":  {"e.replay_of", sparse},
		"invoked_by": {"e.invoked_by", sparse}, "root_id": {"e.root_id", sparse},
		"superseded": {"(CASE e.superseded_by WHEN '' THEN 0 ELSE 1 END)", boolean},
		"blocking":   {"e.blocking", boolean}, "create_time": {"e.create_time", moment},
	},
}

// ListExecutions lists executions without their payloads.
func (db *DB) ListExecutions(ctx context.Context, q storage.Query) (storage.Page[ipaas.Execution], error) {
	return executions.page(ctx, db, q)
}
