package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// decide asks a loop for its items, which are held from then on.
func (r *runner) decide(ctx context.Context, s *step, at Step, held *hold) (Done, error) {
	if at.StandIn {
		return r.standIn(s, at), nil
	}
	room := r.account.hold()
	defer room.release()
	if err := room.addInputs(at.Inputs); err != nil {
		return Done{Error: err.Error(), Passing: passing(err)}, nil
	}
	log := &logbook{path: at.Path, now: r.now}
	var items []any
	err := r.guard(ctx, s, func(ctx context.Context) error {
		given, err := s.action.Items(ctx, r.call(s, at, log))
		if err != nil {
			return err
		}
		items = make([]any, len(given))
		for i := range given {
			if items[i], err = value.FromGo(given[i]); err != nil {
				return fmt.Errorf("action %s gave an item %d that is no value: %w", at.Action, i, err)
			}
		}
		if err := held.add(items); err != nil {
			return fmt.Errorf("action %s gave items that cannot be taken: %w", at.Action, err)
		}
		return nil
	})
	done := Done{Decided: true, Items: items}
	if err != nil {
		if done, err = r.failed(ctx, err); err != nil {
			return Done{}, err
		}
	}
	done.Logs = log.close()
	return done, nil
}

// perform runs the action of a step, or takes what stands in for it.
func (r *runner) perform(ctx context.Context, s *step, at Step) (Done, error) {
	if at.StandIn {
		return r.standIn(s, at), nil
	}
	room := r.account.hold()
	defer room.release()
	if err := room.addInputs(at.Inputs); err != nil {
		return Done{Error: err.Error(), Passing: passing(err)}, nil
	}
	if s.action.Undo != nil || s.action.Delegate != nil {
		return r.create(ctx, s, at)
	}
	if s.action.Removes != nil {
		return r.remove(ctx, s, at)
	}
	log := &logbook{path: at.Path, now: r.now}
	var result component.Result
	err := r.guard(ctx, s, func(ctx context.Context) (err error) {
		result, err = r.host.Call(ctx, at, s.action, r.call(s, at, log))
		return err
	})
	var done Done
	if err == nil {
		done, err = r.performed(s, at, result)
	}
	if err != nil {
		if done, err = r.failed(ctx, err); err != nil {
			return Done{}, err
		}
		done.Unknown = false // there is nothing that it tried to create
	}
	done.Logs = log.close()
	return done, nil
}

// remove has the host remove what is registered.
func (r *runner) remove(ctx context.Context, s *step, at Step) (Done, error) {
	key, err := s.action.Removes(at.Inputs)
	if err != nil {
		return Done{Error: err.Error()}, nil //nolint:nilerr // it fails the step
	}
	var result component.Result
	err = r.guard(ctx, s, func(ctx context.Context) (err error) {
		result.Data, err = r.host.Remove(ctx, at, key)
		return err
	})
	var done Done
	if err == nil {
		done, err = r.performed(s, at, result)
	}
	if err != nil {
		if done, err = r.failed(ctx, err); err != nil {
			return Done{}, err
		}
		done.Unknown = false
	}
	return done, nil
}

func (r *runner) call(s *step, at Step, log *logbook) component.Call {
	call := component.Call{
		Inputs: at.Inputs, Hop: r.run.Hop, Log: log.write, Now: r.now(), State: r.run.State, StepID: at.ID, Cursor: r.cursor,
		IdempotencyKey: idempotencyKey(r.run.ExecutionID, at.Path, canonical(at.Inputs)),
	}
	if s.action.LooksAround {
		call.Surroundings = r.scope
	}
	return call
}

// performed makes of an action's result what is recorded, and refuses what cannot be.
func (r *runner) performed(s *step, at Step, result component.Result) (Done, error) {
	data := result.Data
	err := r.fits(data) // before it is copied
	if err == nil {
		if data, err = value.FromGo(result.Data); err != nil {
			return Done{}, &uncertainError{fmt.Sprintf("action %s gave a result that is no value: %v", at.Action, err), err}
		}
		err = r.fits(data)
	}
	if err != nil {
		return Done{}, &uncertainError{fmt.Sprintf("action %s gave a result that cannot be taken: %v", at.Action, err), err}
	}
	if result.Break && enclosingLoop(s) == nil {
		return Done{}, &uncertainError{fmt.Sprintf("action %s ends a loop, but the step stands in none: move it into one", at.Action), nil}
	}
	changes, err := stateChanges(result.State)
	if err != nil {
		return Done{}, &uncertainError{fmt.Sprintf("action %s keeps what cannot be kept: %v", at.Action, err), err}
	}
	return Done{Result: data, Branch: choose(s, result.Branch), Stop: result.Stop, Break: result.Break, State: changes}, nil
}

// fits refuses a result that is too large, by itself or together with those that the run holds, and holds any other.
func (r *runner) fits(result any) error {
	size := value.Size(result, maxResult)
	switch {
	case size > maxResult:
		return fmt.Errorf("it is larger than %d MiB: take less at once", maxResult>>20)
	case r.scope.held+size > maxResults:
		return fmt.Errorf("the results of the run's steps would be larger than %d MiB together: split the work over several executions", maxResults>>20)
	}
	r.result.release() // of a try before, or of what it is a copy of
	r.result = r.account.hold()
	return r.result.add(result)
}

// choose returns the branch that is taken: the one the action chose if the step has it, else Else if the step has that, else "".
func choose(s *step, chosen string) string {
	otherwise := ""
	for i := range s.def.Branches {
		switch name := s.def.Branches[i].Name; name {
		case chosen:
			return name
		case ipaas.ElseBranch:
			otherwise = name
		}
	}
	return otherwise
}

// uncertainError is an error after which nobody knows whether the action did what it was to do.
type uncertainError struct {
	message string
	err     error // nil: a panic, or a fault found afterwards
}

func (u *uncertainError) Error() string { return u.message }
func (u *uncertainError) Unwrap() error { return u.err }

// errLate is the cause with which a step is cut that takes too long.
var errLate = errors.New("the step took too long")

// guard runs what an action does under the deadline of a step and makes a panic an error.
func (r *runner) guard(ctx context.Context, s *step, do func(ctx context.Context) error) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.timeout, errLate)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = &uncertainError{message: fmt.Sprintf("action %s panicked: %v: this is a fault in the component", s.def.Action, p)}
			return
		}
		if err != nil && errors.Is(context.Cause(ctx), errLate) {
			err = r.late(err)
		}
	}()
	return do(ctx)
}

// late says that a step took too long, and what its action made of it if that is more than the same.
func (r *runner) late(err error) error {
	message := fmt.Sprintf("it did not end within %s", r.timeout)
	if !errors.Is(err, context.DeadlineExceeded) {
		message += ": " + err.Error()
	}
	return &uncertainError{message: message, err: err}
}

// failed says how a step ended whose action failed. The error tells that the run was interrupted: nothing is recorded.
func (r *runner) failed(ctx context.Context, err error) (Done, error) {
	done := Done{Error: cmp.Or(err.Error(), "it failed without a word")} // an empty one would count as well
	if ctx.Err() != nil {
		if cause := interrupted(ctx); cause != nil {
			return Done{}, cause
		}
		done = ended(ctx, err)
	}
	done.Unknown = uncertain(ctx, err)
	var failure *component.Failure
	done.Passing = errors.As(err, &failure) && failure.Passing() || passing(err)
	return done, nil
}

// uncertain reports whether an action that failed may have done something all the same: it says so, or it was cut and cannot say.
func uncertain(ctx context.Context, err error) bool {
	var failure *component.Failure
	if errors.As(err, &failure) {
		return failure.Unknown
	}
	var u *uncertainError
	return ctx.Err() != nil || errors.As(err, &u)
}
