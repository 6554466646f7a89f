package sqldb

import (
	"context"
	"database/sql"
	"errors"

	"github.com/headrace/headrace/internal/ipaas"
)

// mayRun is the condition that a row of executions may be claimed. Nobody can end the pause of an instance that is being deleted.
const mayRun = `executions.state = 'QUEUED' AND executions.held = 0 AND executions.asleep = 0
	AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.uid = executions.instance_uid AND i.paused = 1
		AND i.state NOT IN ('DELETING', 'DELETED'))
	AND (executions.in_lane = 0 OR NOT EXISTS (
		SELECT 1 FROM executions b WHERE b.instance_uid = executions.instance_uid AND b.flow_id = executions.flow_id
			AND b.lane = executions.lane AND b.in_lane = 1 AND b.lane_seq < executions.lane_seq))`

const (
	takeLastPlace = `UPDATE executions SET lane_seq = seq WHERE seq = $1`
	makeReady     = `UPDATE executions SET ready = CASE WHEN ` + mayRun + ` THEN 1 ELSE 0 END WHERE seq = $1`
)

// enterLane makes an execution that was added stand in its lane.
func enterLane(ctx context.Context, tx *tx, seq int64, last bool) error {
	if last {
		// Rows are numbered as they come, so that the number of one is a place behind all others.
		if err := tx.do(ctx, takeLastPlace, seq); err != nil {
			return err
		}
	}
	return tx.do(ctx, makeReady, seq)
}

const (
	selectPlace = `SELECT instance_uid, flow_id, lane, on_failure FROM executions WHERE seq = $1 AND in_lane = 1`
	leavePlace  = `UPDATE executions SET in_lane = 0, blocking = 0 WHERE seq = $1`
	blockLane   = `UPDATE executions SET blocking = 1 WHERE seq = $1`
	promoteNext = `
UPDATE executions SET ready = 1 WHERE seq = (
	SELECT seq FROM executions WHERE instance_uid = $1 AND flow_id = $2 AND lane = $3 AND in_lane = 1 ORDER BY lane_seq LIMIT 1)
	AND ` + mayRun
)

// settleLane draws the consequences of an execution's end for those behind it.
func settleLane(ctx context.Context, tx *tx, seq int64, state ipaas.ExecutionState) error {
	var uid, flowID, lane string
	var effect ipaas.FailureEffect
	err := tx.row(ctx, selectPlace, []any{seq}, &uid, &flowID, &lane, &effect)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if effect == ipaas.FailureBlock && (state == ipaas.ExecutionFailed || state == ipaas.ExecutionDeadLetter) {
		return tx.do(ctx, blockLane, seq)
	}
	if err := tx.do(ctx, leavePlace, seq); err != nil {
		return err
	}
	return tx.do(ctx, promoteNext, uid, flowID, lane)
}
