package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// tries runs what a step does until it goes well or has been tried as often as it may be. recorded is what an earlier attempt of the run
// left: its tries that failed count, the one that it was cut in does not.
//
// Of a loop only what gives its items is tried again: the steps in it have an error handling of their own.
func (r *runner) tries(ctx context.Context, s *step, at Step, recorded *Done, try func() (Done, error)) (Done, error) {
	n := 1
	if recorded != nil {
		n += recorded.Tries
	}
	for ; ; n++ {
		done, err := try()
		if err != nil {
			return Done{}, err
		}
		done.Tries = n
		if n > s.def.OnError.Retries() || !retryable(done) {
			return done, nil
		}
		if err := r.host.Tried(context.WithoutCancel(ctx), at, done); err != nil {
			return Done{}, fmt.Errorf("record a try of step %s: %w", at.Path, err)
		}
		// Spread, since a system that is down fails many runs at once.
		wait := component.Spread(s.def.OnError.DelayBefore(n + 1))
		if component.Pause(ctx, wait) {
			continue
		}
		return notTriedAgain(ctx, done, wait)
	}
}

// notTriedAgain says how a step ended that was to be tried again when the run was over, or would have been by the end of the wait. What the
// last try logged and created is recorded. The error tells that the run was interrupted: nothing is recorded.
func notTriedAgain(ctx context.Context, last Done, wait time.Duration) (Done, error) {
	failed := Done{Passing: last.Passing}
	if ctx.Err() != nil {
		if cause := interrupted(ctx); cause != nil {
			return Done{}, cause
		}
		failed = ended(ctx, errors.New(last.Error))
	} else {
		failed.Error = last.Error + fmt.Sprintf("; it was not tried again, since the wait of %s would last longer than the run may", wait)
	}
	failed.Tries = last.Tries
	return failed, nil
}

// retryable reports whether a step that ended so may be tried again. Where it may have created something that cannot be looked for, it
// is not: there would be two.
func retryable(done Done) bool {
	if !ignorable(done) || done.Cause != nil {
		return false
	}
	c := done.Creation
	return c == nil || !done.Unknown || c.Updated || c.Action.Find != nil
}

// ignorable reports whether a step failed in a way that its error handling is about: not by the end of the run, or of its time.
func ignorable(done Done) bool {
	return done.Error != "" && !done.Canceled && (done.Cause == nil || done.Cause.Reason == ipaas.ExecutionStepFailed)
}

// stateChanges makes of what an action wants to keep what is recorded, and refuses what cannot be.
func stateChanges(changes []component.StateChange) ([]component.StateChange, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	if len(changes) > component.MaxStateChanges {
		return nil, fmt.Errorf("it changes %d keys at once, and a step may change %d", len(changes), component.MaxStateChanges)
	}
	out, results := make([]component.StateChange, len(changes)), 0
	for i, c := range changes {
		var err error
		if c.Value, err = value.FromGo(c.Value); err != nil {
			return nil, fmt.Errorf("the value of key %q is none: %w", c.Key, err)
		}
		if err := c.Check(); err != nil {
			return nil, err
		}
		if c.AsResult {
			results++
		}
		out[i] = c
	}
	if results > 1 {
		return nil, errors.New("more than one key is to be the step's result")
	}
	return out, nil
}
