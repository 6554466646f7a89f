package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// Run runs a flow to its end. The outcome tells how it ended, a failed step included. An error only says that the run stopped where it
// stood: the host refused to record, or the context was canceled with ErrInterrupted. Then the run can be resumed by another Run with
// the same execution id, whose host gives back from Begin what was recorded.
//
// A flow that had to end for the end of its time, a deadline of ctx, FAILED; one whose ctx was canceled is CANCELED.
// An action that panics fails its step; the panic's words are shown, its stack is not kept.
func (e *Engine) Run(ctx context.Context, run Run, host Host) (Outcome, error) {
	f := run.Program.byID[run.FlowID]
	if f == nil {
		return Outcome{State: ipaas.ExecutionFailed, Error: &ipaas.ExecutionError{
			Reason: ipaas.ExecutionStepFailed, Message: fmt.Sprintf("the definition has no flow %q", run.FlowID),
		}}, nil
	}
	account := newAccount(e.Memory, run.Customer)
	defer account.close()
	r := &runner{
		run: run, host: host, flow: f, scope: newScope(run, f), account: account,
		cursor: run.Cursor, now: e.Now, timeout: e.StepTimeout, maxSteps: e.MaxSteps, lookAgain: e.LookAgain,
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.timeout == 0 {
		r.timeout = DefaultStepTimeout
	}
	if r.maxSteps == 0 {
		r.maxSteps = DefaultMaxSteps
	}
	r.scope.hold(account)
	if run.Release != nil {
		run.Release() // it is counted now
	}
	left, err := r.steps(ctx, f.steps, "")
	if err != nil {
		return Outcome{}, err
	}
	if left != over {
		r.outcome = Outcome{State: ipaas.ExecutionSucceeded}
	}
	if r.outcome.State == ipaas.ExecutionSucceeded {
		r.outcome.Result = r.last
	}
	return r.outcome, nil
}

// runner runs one flow once.
type runner struct {
	run      Run
	host     Host
	flow     *flow
	scope    *scope
	account  *account
	now      func() time.Time
	timeout  time.Duration
	maxSteps int

	lookAgain []time.Duration

	taken   int     // steps begun
	cursor  any     // where a recursive flow stands
	last    any     // the result of the last step that ran
	result  *hold   // of the result of a step that has not ended yet; nil: there is none
	outcome Outcome // once the run is over
}

// how a step, or a list of them, left things.
type how int

const (
	goOn      how = iota
	breakLoop     // the innermost loop ends
	over          // the run ends; outcome says how
)

// steps runs steps one after another. prefix is the path of the loop rounds they stand in, e.g. "sync-items[3].".
func (r *runner) steps(ctx context.Context, steps []*step, prefix string) (how, error) {
	for _, s := range steps {
		left, err := r.step(ctx, s, prefix)
		if err != nil || left != goOn {
			return left, err
		}
		for _, seen := range s.lastToSee {
			r.scope.drop(seen.key)
		}
	}
	return goOn, nil
}

func (r *runner) step(ctx context.Context, s *step, prefix string) (how, error) {
	at := s.at(prefix + s.def.ID)
	at.StandIn = s.standsIn(r.run.StandIns, at)
	if left, err := r.admit(ctx, at); err != nil || left == over {
		return left, err
	}
	start := r.now()
	wrong := r.prepare(s, &at)
	recorded, err := r.host.Begin(context.WithoutCancel(ctx), at)
	if err != nil {
		return over, fmt.Errorf("begin step %s: %w", at.Path, err)
	}
	if recorded != nil && !recorded.Decided {
		return r.settle(ctx, s, at, *recorded, prefix)
	}
	var done Done
	switch {
	case wrong != "":
		done = Done{Error: wrong}
	case s.loops():
		done, err = r.loop(ctx, s, at, recorded, start)
	default:
		done, err = r.tries(ctx, s, at, recorded, func() (Done, error) { return r.perform(ctx, s, at) })
	}
	if err != nil {
		return over, err
	}
	done.Start, done.End = start, r.now()
	done.Ignored = at.Ignores && ignorable(done)
	if done, err = r.host.Complete(context.WithoutCancel(ctx), at, done); err != nil {
		return over, fmt.Errorf("complete step %s: %w", at.Path, err)
	}
	return r.settle(ctx, s, at, done, prefix)
}

func effect(action *component.Action) ipaas.Effect {
	if action == nil || action.Effect == "" {
		return ipaas.EffectWrite
	}
	return action.Effect
}

// quiet reports whether an action only computes. What waits or runs code is to be seen while it is under way.
func quiet(action *component.Action) bool {
	return effect(action) == ipaas.EffectPure && !action.Lasts && action.StartsFlow == "" &&
		action.Undo == nil && action.Delegate == nil && action.Removes == nil
}

// admit decides whether one more step may begin.
func (r *runner) admit(ctx context.Context, at Step) (how, error) {
	if ctx.Err() != nil {
		if err := interrupted(ctx); err != nil {
			return over, err
		}
		r.end(at, ended(ctx, nil))
		return over, nil
	}
	if r.taken++; r.taken > r.maxSteps {
		r.end(at, Done{Error: fmt.Sprintf("was to be the %dth step of the run, and a run may take %d: split the work over several executions", r.taken, r.maxSteps)})
		return over, nil
	}
	return goOn, nil
}

// interrupted returns the cause if the run is to stop where it stands.
func interrupted(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, ErrInterrupted) {
		return cause
	}
	return nil
}

// ended says how a step ended that ran, or was about to, when the run's context was done. err is what the action made of it.
func ended(ctx context.Context, err error) Done {
	what, done := "the run was canceled", Done{Canceled: true}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		what, done = "the run took longer than it may", Done{Cause: &ipaas.ExecutionError{Reason: ipaas.ExecutionTimeout}}
	}
	done.Error = what
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		done.Error += ": " + err.Error()
	}
	return done
}

// NotBegun is how a run ends whose context was done before it began, and what kept it until then. The error tells that it was interrupted.
func NotBegun(ctx context.Context, why string) (Outcome, error) {
	if err := interrupted(ctx); err != nil {
		return Outcome{}, err
	}
	done := ended(ctx, nil)
	if done.Canceled {
		return Outcome{State: ipaas.ExecutionCanceled}, nil
	}
	done.Cause.Message = done.Error + ", and had not begun: " + why
	return Outcome{State: ipaas.ExecutionFailed, Error: done.Cause}, nil
}

// prepare evaluates the inputs of a step. It returns what keeps the step from running, or "".
func (r *runner) prepare(s *step, at *Step) string {
	var wrong []ipaas.Violation
	switch {
	case at.StandIn:
		wrong = r.prepareStandIn(s, at)
	case s.action == nil || s.broken != "":
		return s.broken
	default:
		at.Inputs, wrong = s.inputs.resolve(s.action.Inputs, r.scope)
		if s.loops() {
			wrong = withoutMissing(wrong) // that it is given was checked; what it goes over may be nothing now
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	said := make([]string, len(wrong))
	for i, w := range wrong {
		said[i] = sentence(w.Field, w.Description)
	}
	return strings.Join(said, "; ")
}

// settle draws the consequences of how a step ended, now or in an earlier attempt.
func (r *runner) settle(ctx context.Context, s *step, at Step, done Done, prefix string) (how, error) {
	r.result.release() // what has become of it is held in its place
	r.result = nil
	if done.Ignored {
		r.scope.failed(s, done.Error)
		r.last, r.outcome = nil, Outcome{} // what a step of a loop made of it is over, too
		return goOn, nil
	}
	if done.Error != "" {
		r.end(at, done)
		return over, nil
	}
	r.scope.finished(s, done.Result)
	r.last = done.Result
	if s.action != nil && s.action.SetsCursor {
		r.cursor = done.Result
	}
	if done.Stop != nil {
		r.outcome = Outcome{State: ipaas.ExecutionSucceeded, Response: done.Stop}
		return over, nil
	}
	if done.Break {
		return breakLoop, nil
	}
	for i := range s.def.Branches {
		if done.Branch != "" && s.def.Branches[i].Name == done.Branch {
			return r.steps(ctx, s.branches[i], prefix)
		}
	}
	return goOn, nil
}

// end makes the outcome of a step that did not end well. What a loop's inner step already made of it stays.
func (r *runner) end(at Step, done Done) {
	if done.Canceled {
		r.outcome = Outcome{State: ipaas.ExecutionCanceled}
		return
	}
	e := ipaas.ExecutionError{Reason: ipaas.ExecutionStepFailed}
	if done.Cause != nil {
		e = *done.Cause
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("step %q (%s): %s", at.DisplayName, cmp.Or(at.Action, "no action"), done.Error)
		e.StepID, e.StepPath = at.ID, at.Path
	}
	r.outcome = Outcome{State: ipaas.ExecutionFailed, Error: &e, Passing: r.outcome.Passing || done.Passing}
}

// loop runs the inner steps of a step once for each of its items, which are those decided in an earlier attempt, if there are.
func (r *runner) loop(ctx context.Context, s *step, at Step, recorded *Done, start time.Time) (Done, error) {
	var items []any
	tries := 0
	if recorded != nil {
		items, tries = recorded.Items, recorded.Tries
	}
	held, rounds := r.account.hold(), r.account.hold()
	defer held.release()
	defer rounds.release()
	if items == nil {
		decided, err := r.tries(ctx, s, at, recorded, func() (Done, error) { return r.decide(ctx, s, at, held) })
		if err != nil || decided.Error != "" {
			return decided, err
		}
		tries = decided.Tries
		decided.Start, decided.End = start, r.now()
		if err := r.host.Decide(context.WithoutCancel(ctx), at, decided); err != nil {
			return Done{}, fmt.Errorf("decide step %s: %w", at.Path, err)
		}
		items = decided.Items
	} else {
		held.note(items)
	}
	given, size := []any{}, 0
	for i, item := range items {
		r.scope.round(s, item, i)
		r.last = nil
		left, err := r.steps(ctx, s.body, fmt.Sprintf("%s[%d].", at.Path, i))
		if err != nil {
			return Done{}, err
		}
		if left == over {
			done := r.overInside(i)
			done.Tries = tries
			return done, nil
		}
		if left == breakLoop {
			break // the round did not get to its last step: it gives nothing
		}
		given = append(given, r.last)
		if err := rounds.add(r.last); err != nil {
			r.scope.forget(s.body)
			return Done{Error: fmt.Sprintf("what round %d gave cannot be kept: %v", i, err), Passing: passing(err), Tries: tries}, nil
		}
		if size += value.Size(r.last, maxResult); size > maxResult {
			r.scope.forget(s.body)
			return Done{Error: fmt.Sprintf("what its rounds gave is larger than %d MiB by round %d: let the last step of a round give less", maxResult>>20, i), Tries: tries}, nil
		}
	}
	r.scope.forget(s.body)
	// A list nests one level deeper than what is in it.
	if _, err := value.FromGo(given); err != nil {
		return Done{Error: fmt.Sprintf("what its rounds gave is no value: %v", err), Tries: tries}, nil
	}
	return Done{Result: given, Tries: tries}, nil
}

// overInside says how a loop ended in whose round the run was over.
func (r *runner) overInside(round int) Done {
	switch r.outcome.State {
	case ipaas.ExecutionSucceeded:
		return Done{Result: r.last, Stop: r.outcome.Response}
	case ipaas.ExecutionCanceled:
		return Done{Error: fmt.Sprintf("round %d: the run was canceled", round), Canceled: true}
	default:
		return Done{Error: fmt.Sprintf("round %d: %s", round, r.outcome.Error.Message), Cause: r.outcome.Error}
	}
}
