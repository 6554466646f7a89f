package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const (
	selectBefore = `SELECT seq, instance_uid, state, lane_seq, in_lane, blocking FROM executions WHERE id = $1`
	supersede    = `UPDATE executions SET superseded_by = $2, in_lane = CASE $3 WHEN 1 THEN 0 ELSE in_lane END,
	blocking = CASE $3 WHEN 1 THEN 0 ELSE blocking END WHERE seq = $1`
)

// before is the execution that a retry or a replay comes after.
type before struct {
	seq, laneSeq     int64
	uid              string
	state            ipaas.ExecutionState
	inLane, blocking bool
}

func getBefore(ctx context.Context, q querier, id string) (b before, err error) {
	err = q.row(ctx, selectBefore, []any{id}, &b.seq, &b.uid, &b.state, &b.laneSeq, &b.inLane, &b.blocking)
	if errors.Is(err, sql.ErrNoRows) {
		return b, ipaas.Absent("execution", id)
	}
	return b, err
}

// follow adds an execution after another one, with its payload, and in its place if it takes that over. It returns its row.
func (b *before) follow(ctx context.Context, tx *tx, ex *ipaas.Execution, paused, takesPlace bool) (int64, error) {
	at := place{uid: b.uid, paused: paused}
	if takesPlace {
		at.laneSeq = b.laneSeq
	}
	if err := tx.do(ctx, supersede, b.seq, ex.ID, flag(takesPlace)); err != nil {
		return 0, err
	}
	seq, err := putExecution(ctx, tx, ex, at)
	if err != nil {
		return 0, err
	}
	n, err := tx.exec(ctx, copyPayload, seq, b.seq)
	if err == nil && n == 0 {
		err = &ipaas.Error{
			Kind: ipaas.Precondition, Reason: ipaas.ReasonPayloadExpired,
			Message: fmt.Sprintf("the payload of execution %q is not kept any more, so that it cannot run again: have its sender send it again", ex.ReplayOf),
			Meta:    map[string]string{"resource": "execution", "id": ex.ReplayOf},
		}
	}
	return seq, err
}

// RetryExecution finishes an execution and adds its next try.
func (db *DB) RetryExecution(ctx context.Context, ex, next ipaas.Execution, before ...storage.Progress) (added bool, err error) {
	err = db.writeMuch(ctx, sizeOfEnd(&ex, before)+sizeOfPayload(&next.Payload), func(ctx context.Context, tx *tx) error {
		seq, end, err := finish(ctx, tx, ex, before)
		if err != nil {
			return err
		}
		if added, err = addTry(ctx, tx, ex.ID, next, end); err != nil || added || !end.inLane {
			return err
		}
		return settleLane(ctx, tx, seq, ex.State)
	})
	return added && err == nil, err
}

func addTry(ctx context.Context, tx *tx, id string, next ipaas.Execution, end finished) (bool, error) {
	if end.canceling {
		return false, nil
	}
	b, err := getBefore(ctx, tx, id)
	if err != nil {
		return false, err
	}
	s, err := getScene(ctx, tx, selectSceneByUID, b.uid, next.InstanceID)
	switch {
	case errors.Is(err, ipaas.NotFound) || err == nil && removed(s.state):
		return false, nil
	case err != nil:
		return false, err
	}
	if newer, err := newerEvent(ctx, tx, &b, &next); err != nil || newer != "" {
		if err == nil {
			err = tx.do(ctx, supersede, b.seq, newer, flag(false))
		}
		return false, err
	}
	next.State, next.Attempts, next.RetryOf = ipaas.ExecutionQueued, 0, id
	_, err = b.follow(ctx, tx, &next, s.paused, b.inLane)
	return err == nil, err
}

const (
	selectOlderRetries = `
SELECT seq, id, crashes FROM executions WHERE instance_uid = $1 AND flow_id = $2 AND request_key = $3 AND request_key <> ''
	AND state = 'QUEUED' AND retry_of <> '' ORDER BY seq`
	selectNewerEvent = `
SELECT id FROM executions WHERE instance_uid = $1 AND flow_id = $2 AND request_key = $3 AND request_key <> '' AND seq > $4
	AND retry_of = '' AND replay_of = '' ORDER BY seq DESC LIMIT 1`
)

// endOlderRetries ends the retries that an event which was added takes the place of.
func endOlderRetries(ctx context.Context, tx *tx, uid string, ex *ipaas.Execution) error {
	if ex.RequestKey == "" {
		return nil
	}
	var older []lost
	err := tx.rows(ctx, selectOlderRetries, []any{uid, ex.FlowID, ex.RequestKey}, func(scan scanner) error {
		var l lost
		err := scan(&l.seq, &l.id, &l.crashes)
		older = append(older, l)
		return err
	})
	if err != nil {
		return err
	}
	cause := &ipaas.ExecutionError{
		Reason: ipaas.ExecutionSuperseded, Message: fmt.Sprintf("execution %s, a newer event with the same request key, has taken its place", ex.ID),
	}
	for i := range older {
		if err := tx.do(ctx, supersede, older[i].seq, ex.ID, flag(false)); err != nil {
			return err
		}
		if err := older[i].end(ctx, tx, ipaas.ExecutionCanceled, cause, ex.CreateTime); err != nil {
			return err
		}
	}
	return nil
}

// newerEvent returns an event with the same request key that came after an execution; "": there is none.
func newerEvent(ctx context.Context, q querier, b *before, next *ipaas.Execution) (id string, err error) {
	if next.RequestKey == "" {
		return "", nil
	}
	err = q.row(ctx, selectNewerEvent, []any{b.uid, next.FlowID, next.RequestKey, b.seq}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// ReplayExecution adds an execution that runs another one once more.
func (db *DB) ReplayExecution(
	ctx context.Context, ex ipaas.Execution, steps []ipaas.StepResult, a storage.Admission, w storage.Write, state ...storage.StateChange,
) (out ipaas.Execution, err error) {
	if err := db.waiting.admit(ctx, db, ex.CustomerID, ex.CreateTime, a.MaxQueued); err != nil {
		return ipaas.Execution{}, err
	}
	ex.State, ex.Attempts = ipaas.ExecutionQueued, 0
	bytes := sizeOfPayload(&ex.Payload) + sizeOfSteps(steps) + db.sizeOfState(ctx, state)
	err = db.changeMuch(ctx, bytes, w, func(ctx context.Context, tx *tx) error {
		if out, err = replay(ctx, tx, ex, steps, a); err != nil {
			return err
		}
		return changeState(ctx, tx, state, nil, ex.CreateTime)
	})
	if err != nil {
		return ipaas.Execution{}, err
	}
	return out, nil
}

func replay(ctx context.Context, tx *tx, ex ipaas.Execution, steps []ipaas.StepResult, a storage.Admission) (ipaas.Execution, error) {
	b, err := getBefore(ctx, tx, ex.ReplayOf)
	if err != nil {
		return ex, err
	}
	if !b.state.Ended() {
		return ex, &ipaas.Error{
			Kind: ipaas.Precondition, Reason: ipaas.ReasonExecutionRunning,
			Message: fmt.Sprintf("execution %q is %s: wait for its end, or cancel it", ex.ReplayOf, b.state),
			Meta:    map[string]string{"resource": "execution", "id": ex.ReplayOf, "state": string(b.state)},
		}
	}
	s, err := getScene(ctx, tx, selectSceneByUID, b.uid, ex.InstanceID)
	if errors.Is(err, ipaas.NotFound) {
		return ex, instanceRemoved(ex.InstanceID)
	}
	if err != nil {
		return ex, err
	}
	a.ServingHasFlow = ex.DefinitionHash != "" // it brings its own
	if ex.Held, err = s.admit(ctx, tx, &ex, a); err != nil {
		return ex, err
	}
	seq, err := b.follow(ctx, tx, &ex, s.paused, b.blocking)
	if err != nil {
		return ex, err
	}
	for i := range steps {
		r := &steps[i]
		err := tx.do(ctx, insertStep, seq, r.Path, r.StepID, r.DisplayName, r.Action, r.State, r.Inputs, r.Result, r.Exact,
			flag(r.Redacted), r.Error, flag(r.Ignored), r.Tries, r.Branch, micros(r.StartTime), micros(r.EndTime), flag(r.StandIn))
		if err != nil {
			return ex, err
		}
	}
	return scanWithPayload(func(dest ...any) error { return tx.row(ctx, selectExecutionBySeq, []any{seq}, dest...) })
}
