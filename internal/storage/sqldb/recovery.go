package sqldb

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const (
	requeueExecution = `UPDATE executions SET state = 'QUEUED', lease_time = 0, crashes = $2 WHERE seq = $1`
	endExecution     = `UPDATE executions SET state = $2, error = $3, end_time = $4, lease_time = 0, held = 0, ready = 0, asleep = 0, crashes = $5 WHERE seq = $1`
)

// lost is an execution that nobody runs any more.
type lost struct {
	seq       int64
	id        string
	crashes   int
	inline    bool
	canceling bool
}

// requeue gives an execution back to be claimed again.
func (l *lost) requeue(ctx context.Context, tx *tx) error {
	if err := tx.do(ctx, requeueExecution, l.seq, l.crashes); err != nil {
		return err
	}
	return tx.do(ctx, makeReady, l.seq)
}

// end ends an execution that did not end by itself.
func (l *lost) end(ctx context.Context, tx *tx, state ipaas.ExecutionState, cause *ipaas.ExecutionError, now time.Time) error {
	if err := tx.do(ctx, endExecution, l.seq, state, asJSON(cause), micros(now), l.crashes); err != nil {
		return err
	}
	return settleLane(ctx, tx, l.seq, state)
}

const selectLost = `SELECT seq, id, crashes, inline, canceling FROM executions WHERE seq = $1`

// ReleaseExecution gives a RUNNING execution back that was interrupted in good order.
func (db *DB) ReleaseExecution(ctx context.Context, id string, attempt int, now time.Time) error {
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		seq, err := runningExecution(ctx, tx, id, attempt)
		if err != nil {
			return err
		}
		var l lost
		if err := tx.row(ctx, selectLost, []any{seq}, &l.seq, &l.id, &l.crashes, &l.inline, &l.canceling); err != nil {
			return err
		}
		if l.canceling {
			return l.end(ctx, tx, ipaas.ExecutionCanceled, nil, now)
		}
		return l.requeue(ctx, tx)
	})
}

const selectLapsed = `
SELECT seq, id, crashes, inline, canceling FROM executions WHERE state = 'RUNNING' AND lease_time < $1
	AND (inline = 0 OR NOT EXISTS (SELECT 1 FROM deployments d WHERE d.id = executions.deployment_id AND d.state = 'RUNNING'))
ORDER BY lease_time, seq`

// wakeMisled lets executions go on that sleep by a clock that was set back since.
const wakeMisled = `UPDATE executions SET wake_time = $1 WHERE asleep = 1 AND wake_time > $1 AND create_time > $1`

// RecoverExecutions deals with executions whose lease has ended.
func (db *DB) RecoverExecutions(ctx context.Context, now time.Time, r storage.Recovery) (done storage.Recovered, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		done = storage.Recovered{}
		if err := tx.do(ctx, wakeMisled, micros(now)); err != nil {
			return err
		}
		var lapsed []lost
		until := micros(now)
		if r.All {
			until = math.MaxInt64
		}
		err := tx.rows(ctx, selectLapsed, []any{until}, func(scan scanner) error {
			var l lost
			err := scan(&l.seq, &l.id, &l.crashes, &l.inline, &l.canceling)
			if !slices.Contains(r.Except, l.id) {
				lapsed = append(lapsed, l)
			}
			return err
		})
		if err != nil {
			return err
		}
		for i := range lapsed {
			if err := lapsed[i].recover(ctx, tx, now, r.MaxCrashes, &done); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return storage.Recovered{}, err
	}
	return done, nil
}

// recover decides what becomes of an execution that was left running.
func (l *lost) recover(ctx context.Context, tx *tx, now time.Time, maxCrashes int, done *storage.Recovered) error {
	if l.canceling {
		done.Canceled++
		return l.end(ctx, tx, ipaas.ExecutionCanceled, nil, now)
	}
	if l.inline {
		done.Failed++
		return l.end(ctx, tx, ipaas.ExecutionFailed, &ipaas.ExecutionError{
			Reason: ipaas.ExecutionInterrupted, Message: "the server stopped while it ran, and whoever waited for it is gone",
		}, now)
	}
	l.crashes++
	if maxCrashes > 0 && l.crashes >= maxCrashes {
		done.DeadLettered++
		return l.end(ctx, tx, ipaas.ExecutionDeadLetter, &ipaas.ExecutionError{
			Reason: ipaas.ExecutionCrashed, Message: "the server ended each time it ran, and it is not tried again by itself: find out why, then replay it",
		}, now)
	}
	done.Requeued++
	return l.requeue(ctx, tx)
}
