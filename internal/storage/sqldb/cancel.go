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
	selectToCancel     = `SELECT seq, crashes, state, blocking, inline, deployment_id FROM executions WHERE id = $1`
	markCanceling      = `UPDATE executions SET canceling = 1 WHERE seq = $1 AND state = 'RUNNING'`
	selectUnfinishedBy = `SELECT 1 FROM deployments WHERE id = $1 AND state IN ('RUNNING', 'ROLLING_BACK')`
)

// CancelExecution ends an execution before its end.
func (db *DB) CancelExecution(ctx context.Context, id string, now time.Time, w storage.Write) (ex ipaas.Execution, err error) {
	err = db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		if err := cancelOne(ctx, tx, id, now); err != nil {
			return err
		}
		ex, err = getExecution(ctx, tx, id)
		return err
	})
	return ex, err
}

func cancelOne(ctx context.Context, tx *tx, id string, now time.Time) error {
	var (
		l          lost
		state      ipaas.ExecutionState
		blocking   bool
		deployment string
	)
	err := tx.row(ctx, selectToCancel, []any{id}, &l.seq, &l.crashes, &state, &blocking, &l.inline, &deployment)
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Absent("execution", id)
	}
	if err != nil {
		return err
	}
	switch {
	case state == ipaas.ExecutionQueued:
		return l.end(ctx, tx, ipaas.ExecutionCanceled, nil, now)
	case state == ipaas.ExecutionRunning:
		if l.inline { // what a deployment's flow has started, the deployment does not wait for
			if err := checkNotPart(ctx, tx, id, deployment); err != nil {
				return err
			}
		}
		return tx.do(ctx, markCanceling, l.seq)
	case blocking:
		return settleLane(ctx, tx, l.seq, ipaas.ExecutionCanceled)
	default:
		return &ipaas.Error{
			Kind: ipaas.Precondition, Reason: ipaas.ReasonExecutionEnded,
			Message: fmt.Sprintf("execution %q has ended already: it is %s", id, state),
			Meta:    map[string]string{"resource": "execution", "id": id, "state": string(state)},
		}
	}
}

// checkNotPart refuses for an execution that a deployment waits for.
func checkNotPart(ctx context.Context, q querier, id, deployment string) error {
	running, err := exists(ctx, q, selectUnfinishedBy, deployment)
	if err == nil && running {
		return &ipaas.Error{
			Kind: ipaas.Precondition, Reason: ipaas.ReasonPartOfDeployment,
			Message: fmt.Sprintf("execution %q is a part of deployment %s, which runs, and does not end alone: wait for the deployment's end", id, deployment),
			Meta:    map[string]string{"resource": "execution", "id": id, "deployment_id": deployment},
		}
	}
	return err
}
