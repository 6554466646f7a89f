package sqldb

import (
	"context"
	"errors"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const (
	selectScheduled = `SELECT flow_id FROM schedules WHERE instance_uid = $1`
	deleteSchedule  = `DELETE FROM schedules WHERE instance_uid = $1 AND flow_id = $2`
	deleteSchedules = `DELETE FROM schedules WHERE instance_uid = $1`
	pauseSchedules  = `UPDATE schedules SET paused = $2 WHERE instance_uid = $1`
	// One that is as it was keeps its next time: a deployment neither puts it off nor lets it run twice.
	upsertSchedule = `
INSERT INTO schedules (instance_uid, flow_id, spec, singleton, paused, next_time, set_time) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (instance_uid, flow_id) DO UPDATE SET singleton = excluded.singleton, paused = excluded.paused,
	next_time = CASE WHEN schedules.spec = excluded.spec THEN schedules.next_time ELSE excluded.next_time END,
	set_time = CASE WHEN schedules.spec = excluded.spec THEN schedules.set_time ELSE excluded.set_time END, spec = excluded.spec`
)

// setSchedules makes the schedules of an instance be exactly these.
func setSchedules(ctx context.Context, tx *tx, in *ipaas.Instance, all []ipaas.FlowSchedule) error {
	old := map[string]bool{}
	err := tx.rows(ctx, selectScheduled, []any{in.UID}, func(scan scanner) error {
		var flowID string
		err := scan(&flowID)
		old[flowID] = true
		return err
	})
	if err != nil {
		return err
	}
	for i := range all {
		s := &all[i]
		delete(old, s.FlowID)
		err := tx.do(ctx, upsertSchedule, in.UID, s.FlowID, s.Spec, flag(s.Singleton), flag(in.Paused), micros(s.NextTime), micros(s.SetTime))
		if err != nil {
			return err
		}
	}
	for flowID := range old {
		if err := tx.do(ctx, deleteSchedule, in.UID, flowID); err != nil {
			return err
		}
	}
	return nil
}

const (
	selectSchedules = `
SELECT i.id, s.flow_id, s.spec, s.singleton, s.next_time, s.set_time FROM schedules s JOIN instances i ON i.uid = s.instance_uid`
	selectSchedulesOf  = selectSchedules + ` WHERE s.instance_uid = $1 ORDER BY s.flow_id`
	selectDueSchedules = selectSchedules + ` WHERE s.paused = 0 AND s.next_time > 0 AND s.next_time <= $1 ORDER BY s.next_time LIMIT $2`
	selectNextSchedule = `SELECT COALESCE(MIN(next_time), 0) FROM schedules WHERE paused = 0 AND next_time > 0 AND next_time > $1`
	selectMisled       = selectSchedules + ` WHERE s.set_time > $1`
)

func scanSchedule(scan scanner) (s ipaas.FlowSchedule, err error) {
	err = scan(&s.InstanceID, &s.FlowID, &s.Spec, &s.Singleton, intoTime(&s.NextTime), intoTime(&s.SetTime))
	return s, err
}

func scanSchedules(ctx context.Context, q querier, text string, args ...any) (found []ipaas.FlowSchedule, err error) {
	err = q.rows(ctx, text, args, func(scan scanner) error {
		s, err := scanSchedule(scan)
		found = append(found, s)
		return err
	})
	return found, err
}

// ListSchedules returns the schedules of an instance.
func (db *DB) ListSchedules(ctx context.Context, instanceID string) (found []ipaas.FlowSchedule, err error) {
	err = db.view(func(q querier) error {
		uid, err := liveUID(ctx, q, instanceID)
		if err != nil {
			return err
		}
		found, err = scanSchedules(ctx, q, selectSchedulesOf, uid)
		return err
	})
	return found, err
}

// DueSchedules returns schedules whose next time has come, and when the next one's does.
func (db *DB) DueSchedules(ctx context.Context, now time.Time, limit int) (due []ipaas.FlowSchedule, next time.Time, err error) {
	err = db.view(func(q querier) error {
		if due, err = scanSchedules(ctx, q, selectDueSchedules, micros(now), limit); err != nil {
			return err
		}
		return q.row(ctx, selectNextSchedule, []any{micros(now)}, intoTime(&next))
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return due, next, nil
}

// MisledSchedules returns schedules that were set by a clock that was set back since.
func (db *DB) MisledSchedules(ctx context.Context, now time.Time) (found []ipaas.FlowSchedule, err error) {
	err = db.view(func(q querier) error {
		found, err = scanSchedules(ctx, q, selectMisled, micros(now))
		return err
	})
	return found, err
}

const (
	moveSchedule = `
UPDATE schedules SET next_time = $4, set_time = $5 WHERE instance_uid = $1 AND flow_id = $2 AND next_time = $3 AND spec = $6 AND paused = 0`
	resetSchedule      = `UPDATE schedules SET next_time = $4, set_time = $5 WHERE instance_uid = $1 AND flow_id = $2 AND next_time = $3 AND spec = $6`
	selectScheduledRun = `
SELECT 1 FROM executions WHERE instance_uid = $1 AND flow_id = $2 AND invoke = 'SCHEDULE' AND state IN ('QUEUED', 'RUNNING') LIMIT 1`
)

// FireSchedule takes a time of a schedule and adds its execution, both or neither.
func (db *DB) FireSchedule(
	ctx context.Context, s ipaas.FlowSchedule, next time.Time, ex ipaas.Execution, a storage.Admission,
) (added bool, err error) {
	if err := db.waiting.admit(ctx, db, ex.CustomerID, ex.CreateTime, a.MaxQueued); err != nil {
		return false, err
	}
	err = db.writeMuch(ctx, sizeOfPayload(&ex.Payload), func(ctx context.Context, tx *tx) error {
		added = false
		of, err := getScene(ctx, tx, selectScene, s.InstanceID, s.InstanceID)
		if errors.Is(err, ipaas.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := tx.exec(ctx, moveSchedule, of.uid, s.FlowID, micros(s.NextTime), micros(next), micros(ex.CreateTime), s.Spec)
		if err != nil || n == 0 {
			return err
		}
		if s.Singleton {
			running, err := exists(ctx, tx, selectScheduledRun, of.uid, s.FlowID)
			if err != nil || running {
				return err
			}
		}
		ex := ex
		ex.CreateTime, ex.OriginID, ex.RootID, ex.Try = stored(ex.CreateTime), ex.ID, ex.ID, 1
		ex.State, ex.Held, ex.Inline, ex.Attempts = ipaas.ExecutionQueued, false, false, 0
		ex.InstanceID, ex.CustomerID, ex.IntegrationID = s.InstanceID, of.customerID, of.integrationID
		if a.Deduplication != nil {
			_, known, err := firstOf(ctx, tx, of.uid, &ex, a.Deduplication)
			if err != nil || known {
				return err
			}
		}
		added = true
		_, err = putEvent(ctx, tx, &ex, place{uid: of.uid}, a)
		return err
	})
	return added && err == nil, err
}

// ResetSchedule moves the next time of a schedule.
func (db *DB) ResetSchedule(ctx context.Context, s ipaas.FlowSchedule, next, now time.Time) error {
	return db.write(ctx, func(ctx context.Context, tx *tx) error {
		uid, err := liveUID(ctx, tx, s.InstanceID)
		if errors.Is(err, ipaas.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.do(ctx, resetSchedule, uid, s.FlowID, micros(s.NextTime), micros(next), micros(now), s.Spec)
	})
}
