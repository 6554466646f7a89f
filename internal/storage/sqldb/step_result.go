package sqldb

import (
	"context"
	"database/sql"
	"errors"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const (
	stepColumns = `sequence, path, step_id, display_name, action, state, inputs, result, exact, redacted, error, ignored, tries, branch,
	start_time, end_time, stand_in`
	selectStep = `SELECT ` + stepColumns + ` FROM step_results WHERE execution_seq = $1 AND path = $2`
	insertStep = `
INSERT INTO step_results (execution_seq, ` + stepColumns + `)
VALUES ($1, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM step_results WHERE execution_seq = $1),
	$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`
	beginAgain = `
UPDATE step_results SET step_id = $3, display_name = $4, action = $5, inputs = $6, redacted = $7, start_time = $8, stand_in = $9
WHERE execution_seq = $1 AND path = $2`
)

// BeginStep records that a step began.
func (db *DB) BeginStep(ctx context.Context, attempt int, s ipaas.StepResult) (recorded ipaas.StepResult, done bool, err error) {
	err = db.writeMuch(ctx, sizeOfStep(&s), func(ctx context.Context, tx *tx) error {
		seq, err := runningExecution(ctx, tx, s.ExecutionID, attempt)
		if err != nil {
			return err
		}
		recorded, err = getStep(ctx, tx, seq, s.ExecutionID, s.Path)
		switch {
		case err == nil && recorded.State != ipaas.StepRunning:
			done = true
			return nil
		case err == nil:
			err = tx.do(ctx, beginAgain, seq, s.Path, s.StepID, s.DisplayName, s.Action, s.Inputs, flag(s.Redacted), micros(s.StartTime),
				flag(s.StandIn))
		case errors.Is(err, sql.ErrNoRows):
			err = tx.do(ctx, insertStep, seq, s.Path, s.StepID, s.DisplayName, s.Action, ipaas.StepRunning, s.Inputs, s.Result, s.Exact,
				flag(s.Redacted), s.Error, flag(s.Ignored), s.Tries, s.Branch, micros(s.StartTime), int64(0), flag(s.StandIn))
		}
		if err != nil {
			return err
		}
		done = false
		recorded, err = getStep(ctx, tx, seq, s.ExecutionID, s.Path)
		return err
	})
	if err != nil {
		return ipaas.StepResult{}, false, err
	}
	return recorded, done, nil
}

// keepStep adds a step, or records of one that did not end how it stands.
const keepStep = insertStep + `
ON CONFLICT (execution_seq, path) DO UPDATE SET step_id = excluded.step_id, display_name = excluded.display_name, action = excluded.action,
	state = excluded.state, inputs = excluded.inputs, result = excluded.result, exact = excluded.exact, redacted = excluded.redacted,
	error = excluded.error, ignored = excluded.ignored, tries = excluded.tries, branch = excluded.branch, start_time = excluded.start_time,
	end_time = excluded.end_time, stand_in = excluded.stand_in
WHERE step_results.state = 'RUNNING'`

// RecordProgress records what has happened in an execution.
func (db *DB) RecordProgress(ctx context.Context, executionID string, attempt int, p storage.Progress) error {
	return db.writeMuch(ctx, sizeOfSteps(p.Steps), func(ctx context.Context, tx *tx) error {
		seq, err := runningExecution(ctx, tx, executionID, attempt)
		if err != nil {
			return err
		}
		return putProgress(ctx, tx, seq, p)
	})
}

func putProgress(ctx context.Context, tx *tx, seq int64, all ...storage.Progress) error {
	for _, p := range all {
		for i := range p.Steps {
			s := &p.Steps[i]
			n, err := tx.exec(ctx, keepStep, seq, s.Path, s.StepID, s.DisplayName, s.Action, s.State, s.Inputs, s.Result, s.Exact,
				flag(s.Redacted), s.Error, flag(s.Ignored), s.Tries, s.Branch, micros(s.StartTime), micros(s.EndTime), flag(s.StandIn))
			if err != nil {
				return err
			}
			if n == 0 {
				return moved("step", s.Path, "recorded as ended", string(ipaas.StepRunning))
			}
		}
		if err := putLogs(ctx, tx, seq, p.Logs); err != nil {
			return err
		}
	}
	return nil
}

func getStep(ctx context.Context, q querier, seq int64, executionID, path string) (ipaas.StepResult, error) {
	s, err := scanStep(func(dest ...any) error { return q.row(ctx, selectStep, []any{seq, path}, dest...) })
	s.ExecutionID = executionID
	return s, err
}

func scanStep(scan scanner) (s ipaas.StepResult, err error) {
	err = scan(&s.Sequence, &s.Path, &s.StepID, &s.DisplayName, &s.Action, &s.State, &s.Inputs, &s.Result, &s.Exact, &s.Redacted,
		&s.Error, &s.Ignored, &s.Tries, &s.Branch, intoTime(&s.StartTime), intoTime(&s.EndTime), &s.StandIn)
	return s, err
}

const (
	completeStep = `
UPDATE step_results SET state = $3, inputs = $4, result = $5, exact = $6, redacted = $7, error = $8, branch = $9, end_time = $10,
	ignored = $11, tries = $12
WHERE execution_seq = $1 AND path = $2`
	selectLastLog = `SELECT COALESCE(MAX(sequence), 0) FROM logs WHERE execution_seq = $1`
	insertLog     = `
INSERT INTO logs (execution_seq, sequence, severity, message, step_path, create_time) VALUES ($1, $2, $3, $4, $5, $6)`
)

// CompleteStep records how a step ended, the lines it logged, what became of its registration, and what happened before.
func (db *DB) CompleteStep(
	ctx context.Context, attempt int, given ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration, effects ...storage.StepEffects,
) error {
	for _, e := range effects {
		for i := range e.Starts {
			if err := db.waiting.admit(ctx, db, e.Starts[i].Execution.CustomerID, given.EndTime, e.Starts[i].Admission.MaxQueued); err != nil {
				return err
			}
		}
	}
	return db.writeMuch(ctx, sizeOfStep(&given)+db.sizeOfEffects(ctx, effects), func(ctx context.Context, tx *tx) error {
		s := given
		seq, err := runningExecution(ctx, tx, s.ExecutionID, attempt)
		if err != nil {
			return err
		}
		for _, e := range effects {
			if err := putProgress(ctx, tx, seq, e.Before); err != nil {
				return err
			}
		}
		if err := underWay(ctx, tx, seq, s.Path); err != nil {
			return err
		}
		for _, e := range effects {
			if err := completeState(ctx, tx, &s, e.State); err != nil {
				return err
			}
		}
		err = tx.do(ctx, completeStep, seq, s.Path, s.State, s.Inputs, s.Result, s.Exact, flag(s.Redacted), s.Error, s.Branch, micros(s.EndTime),
			flag(s.Ignored), s.Tries)
		if err != nil {
			return err
		}
		if err := putLogs(ctx, tx, seq, logs); err != nil {
			return err
		}
		for _, e := range effects {
			if err := invokeAll(ctx, tx, seq, e.Starts); err != nil {
				return err
			}
		}
		if created == nil {
			return nil
		}
		now := created.UpdateTime
		if now.IsZero() {
			now = s.EndTime
		}
		return completeRegistration(ctx, tx, created, now)
	})
}

// underWay refuses a step that did not begin, or has ended.
func underWay(ctx context.Context, tx *tx, seq int64, path string) error {
	was, err := getStep(ctx, tx, seq, "", path)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ipaas.Absent("step", path)
	case err != nil:
		return err
	case was.State != ipaas.StepRunning:
		return moved("step", path, string(was.State), string(ipaas.StepRunning))
	}
	return nil
}

func putLogs(ctx context.Context, tx *tx, seq int64, logs []ipaas.Log) error {
	if len(logs) == 0 {
		return nil
	}
	var last int64
	if err := tx.row(ctx, selectLastLog, []any{seq}, &last); err != nil {
		return err
	}
	for i := range logs {
		l := &logs[i]
		last++
		if err := tx.do(ctx, insertLog, seq, last, l.Severity, l.Message, l.StepPath, micros(l.CreateTime)); err != nil {
			return err
		}
	}
	return nil
}

const (
	selectExecutionSeq = `SELECT seq FROM executions WHERE id = $1`
	selectSteps        = `
SELECT ` + stepColumns + ` FROM step_results WHERE execution_seq = $1 AND sequence > $2 ORDER BY sequence LIMIT $3`
	selectLogs = `
SELECT sequence, severity, message, step_path, create_time FROM logs WHERE execution_seq = $1 AND sequence > $2 ORDER BY sequence LIMIT $3`
)

// ListStepResults returns step results of an execution in order.
func (db *DB) ListStepResults(ctx context.Context, executionID string, after int64, limit int) (found []ipaas.StepResult, err error) {
	err = db.belowExecution(ctx, selectSteps, executionID, after, limit, func(scan scanner) error {
		s, err := scanStep(scan)
		s.ExecutionID = executionID
		found = append(found, s)
		return err
	})
	return found, err
}

// ListLogs returns lines of an execution in order.
func (db *DB) ListLogs(ctx context.Context, executionID string, after int64, limit int) (found []ipaas.Log, err error) {
	err = db.belowExecution(ctx, selectLogs, executionID, after, limit, func(scan scanner) error {
		l := ipaas.Log{ExecutionID: executionID}
		err := scan(&l.Sequence, &l.Severity, &l.Message, &l.StepPath, intoTime(&l.CreateTime))
		found = append(found, l)
		return err
	})
	return found, err
}

func (db *DB) belowExecution(ctx context.Context, text, executionID string, after int64, limit int, each func(scan scanner) error) error {
	return db.view(func(q querier) error {
		var seq int64
		err := q.row(ctx, selectExecutionSeq, []any{executionID}, &seq)
		if errors.Is(err, sql.ErrNoRows) {
			return ipaas.Absent("execution", executionID)
		}
		if err != nil {
			return err
		}
		return q.rows(ctx, text, []any{seq, after, limit}, each)
	})
}
