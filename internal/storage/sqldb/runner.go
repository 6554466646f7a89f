package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"
)

// querier reads. Within a step it sees what the step has written so far.
type querier interface {
	// row scans the first row, or returns sql.ErrNoRows.
	row(ctx context.Context, text string, args []any, dest ...any) error
	// rows calls each for every row.
	rows(ctx context.Context, text string, args []any, each func(scan scanner) error) error
}

// scanner copies the columns of a row.
type scanner func(dest ...any) error

// runner runs statements, each prepared once. They live as long as the connections they were prepared on.
type runner struct {
	prepare  func(ctx context.Context, text string) (*sql.Stmt, error)
	prepared *sync.Map     // text to prepared
	first    *sync.Mutex   // held while a statement is prepared
	turns    chan struct{} // one for each connection; nil: there is nobody to share with
	limit    time.Duration // how long a statement may take with all its rows, once it has its turn
}

type prepared struct{ *sql.Stmt }

func newRunner(prepare func(ctx context.Context, text string) (*sql.Stmt, error)) runner {
	return runner{prepare: prepare, prepared: new(sync.Map), first: new(sync.Mutex)}
}

func (r runner) statement(ctx context.Context, text string) (prepared, error) {
	if s, ok := r.prepared.Load(text); ok {
		return s.(prepared), nil
	}
	r.first.Lock()
	defer r.first.Unlock()
	if s, ok := r.prepared.Load(text); ok {
		return s.(prepared), nil
	}
	// The statement outlives the call that happens to need it first.
	s, err := r.prepare(context.WithoutCancel(ctx), text)
	if err != nil {
		return prepared{}, err
	}
	r.prepared.Store(text, prepared{s})
	return prepared{s}, nil
}

// close lets go of the statements. A connection that is closed before its statements stays open, with its hold on the file.
func (r runner) close() error {
	var errs []error
	r.prepared.Range(func(_, s any) bool {
		errs = append(errs, s.(prepared).Close())
		return true
	})
	r.prepared.Clear()
	return errors.Join(errs...)
}

func (r runner) row(ctx context.Context, text string, args []any, dest ...any) error {
	s, err := r.statement(ctx, text)
	if err != nil {
		return err
	}
	return r.bounded(ctx, func(ctx context.Context) error { return s.QueryRowContext(ctx, args...).Scan(dest...) })
}

func (r runner) rows(ctx context.Context, text string, args []any, each func(scan scanner) error) error {
	s, err := r.statement(ctx, text)
	if err != nil {
		return err
	}
	return r.bounded(ctx, func(ctx context.Context) error {
		rows, err := s.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		return eachRow(rows, each)
	})
}

// bounded waits for its turn, and ends what takes too long from then on.
func (r runner) bounded(ctx context.Context, query func(ctx context.Context) error) error {
	if r.turns == nil {
		return query(ctx)
	}
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return ctx.Err()
	}
	slow := errSlow(r.limit)
	ctx, cancel := context.WithTimeoutCause(ctx, r.limit, slow)
	defer cancel()
	err := query(ctx)
	if err != nil && context.Cause(ctx) == slow { //nolint:errorlint // the very one, not one like it
		return slow
	}
	return err
}

func eachRow(rows *sql.Rows, each func(scan scanner) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// tx is what a step works with.
type tx struct {
	runner
	written int // bytes that the transaction was given so far
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(ctx context.Context, text string, args ...any) (int64, error) {
	s, err := t.statement(ctx, text)
	if err != nil {
		return 0, err
	}
	return t.run(ctx, s.Stmt, args)
}

// once is exec for a statement that is not kept: there is no end to the conditions callers think of.
func (t *tx) once(ctx context.Context, text string, args ...any) (int64, error) {
	s, err := t.prepare(ctx, text)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	return t.run(ctx, s, args)
}

func (t *tx) run(ctx context.Context, s *sql.Stmt, args []any) (int64, error) {
	if err := t.count(args); err != nil {
		return 0, err
	}
	result, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row is runner.row for a statement that may write as well.
func (t *tx) row(ctx context.Context, text string, args []any, dest ...any) error {
	if err := t.count(args); err != nil {
		return err
	}
	return t.runner.row(ctx, text, args, dest...)
}

// count adds up what a statement is given to write.
func (t *tx) count(args []any) error {
	for i, arg := range args {
		if d, ok := arg.(document); ok {
			v, err := d.Value()
			if err != nil {
				return err
			}
			args[i], arg = v, v
		}
		switch v := arg.(type) {
		case string:
			t.written += len(v)
		case []byte:
			t.written += len(v)
		}
	}
	return nil
}

// do runs a statement whose count does not matter.
func (t *tx) do(ctx context.Context, text string, args ...any) error {
	_, err := t.exec(ctx, text, args...)
	return err
}

// exists reports whether a query finds anything.
func exists(ctx context.Context, q querier, text string, args ...any) (bool, error) {
	found := false
	err := q.rows(ctx, text, args, func(scanner) error {
		found = true
		return nil
	})
	return found, err
}
