package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/state"
	"github.com/headrace/headrace/internal/storage"
)

// ReplayOptions say how an execution is replayed. The zero value means: from the start, on what serves now, with the keys of before.
type ReplayOptions struct {
	FromStep   string // the path of the step to begin with; what the steps before it did is taken over
	FromFailed bool   // begin with the step that failed
	FreshKeys  bool   // steps send idempotency keys that were never sent before
}

// ReplayExecution runs an execution that has ended once more, as a new one.
func (p *Plane) ReplayExecution(ctx context.Context, id string, o ReplayOptions, m Mutation) (ipaas.Execution, error) {
	var made ipaas.Execution
	newID, err := once(ctx, p, m, func(write func(string) (storage.Write, error)) (string, error) {
		ex, steps, err := p.prepareReplay(ctx, id, o)
		if err != nil {
			return "", err
		}
		w, err := write(ex.ID)
		if err != nil {
			return "", err
		}
		made, err = p.replay(ctx, ex, steps, w)
		return made.ID, err
	})
	if err != nil || made.ID != "" {
		return made, err
	}
	return p.store.GetExecution(ctx, newID)
}

func (p *Plane) replay(ctx context.Context, ex ipaas.Execution, steps []ipaas.StepResult, w storage.Write) (ipaas.Execution, error) {
	kept, err := p.replayedState(ex.ID, steps)
	if err != nil {
		return ex, err
	}
	ex, err = p.store.ReplayExecution(ctx, ex, steps, storage.Admission{MaxHeld: p.limits.MaxHeld, MaxQueued: p.limits.MaxQueued}, w, kept...)
	if err == nil && !w.DryRun {
		p.wake()
	}
	return ex, err
}

// replayedState returns what the steps that a replay takes over kept for themselves, as changes of the replay.
func (p *Plane) replayedState(executionID string, steps []ipaas.StepResult) ([]storage.StateChange, error) {
	var recorded []state.Recorded
	for i := range steps {
		kept, err := p.openExact(steps[i])
		if err != nil {
			return nil, err
		}
		recorded = append(recorded, kept.State...)
	}
	return p.states.Replayed(executionID, recorded)
}

// prepareReplay makes an execution that replays another one, with the step results it takes over.
func (p *Plane) prepareReplay(ctx context.Context, id string, o ReplayOptions) (ipaas.Execution, []ipaas.StepResult, error) {
	old, err := p.store.GetExecution(ctx, id)
	if err != nil {
		return old, nil, err
	}
	if old.Test || !old.Invoke.Event() {
		return old, nil, &ipaas.Error{
			Kind: ipaas.Precondition, Reason: ipaas.ReasonNotReplayable,
			Message: fmt.Sprintf("execution %q was no event of a customer's instance: test the flow, deploy or remove the instance again instead", id),
			Meta:    map[string]string{"resource": "execution", "id": id},
		}
	}
	ex := again(old, p.now())
	ex.ReplayOf = old.ID
	if o.FreshKeys {
		ex.OriginID = ex.ID
	}
	from := o.FromStep
	if o.FromFailed && from == "" && old.Error != nil {
		from, _, _ = strings.Cut(old.Error.StepPath, "[") // a step in a loop: from the loop
	}
	if from == "" || from == ipaas.TriggerStepID {
		return ex, nil, nil
	}
	steps, err := p.stepsBefore(ctx, old, from)
	if err != nil {
		return old, nil, err
	}
	ex.Generation, ex.DefinitionHash, ex.Version, ex.ConfigRevision = old.Generation, old.DefinitionHash, old.Version, old.ConfigRevision
	for i := range steps {
		if err := p.reseal(&steps[i], ex.ID); err != nil {
			return old, nil, err
		}
	}
	return ex, steps, nil
}

// stepsBefore returns what an execution recorded before it came to a step.
func (p *Plane) stepsBefore(ctx context.Context, old ipaas.Execution, from string) ([]ipaas.StepResult, error) {
	const page = 500
	if strings.Contains(from, "[") {
		loop, _, _ := strings.Cut(from, "[")
		return nil, wrongStep(ipaas.ReasonMisplaced, fmt.Sprintf("step %q stands in a loop, whose rounds are run together: replay from the loop, %q", from, loop))
	}
	var steps []ipaas.StepResult
	for after := int64(0); ; {
		rows, err := p.store.ListStepResults(ctx, old.ID, after, page)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row.Path == from {
				return steps, nil
			}
			after = row.Sequence
			if row.State == ipaas.StepSucceeded || row.Ignored {
				steps = append(steps, row)
			}
		}
		if len(rows) < page {
			break
		}
	}
	if old.Attempts > 0 && len(steps) == 0 {
		return nil, &ipaas.Error{
			Kind: ipaas.Precondition, Reason: ipaas.ReasonPayloadExpired,
			Message: fmt.Sprintf("the step results of execution %q are not kept any more: replay it from the start", old.ID),
			Meta:    map[string]string{"resource": "execution", "id": old.ID},
		}
	}
	return nil, wrongStep(ipaas.ReasonUnknownStep, fmt.Sprintf("execution %q did not come to a step %q: give the path of one of its step results", old.ID, from))
}

func wrongStep(reason ipaas.Reason, description string) error {
	return ipaas.InvalidArgument("the execution cannot be replayed from there",
		ipaas.Violation{Field: "fromStep", Reason: reason, Description: description})
}

// reseal makes a recorded step one of another execution.
func (p *Plane) reseal(row *ipaas.StepResult, executionID string) error {
	was := *row
	row.ExecutionID = executionID
	if was.Exact == "" {
		return nil
	}
	text, err := p.keys.Open(was.Exact, stepPlace(was))
	if err != nil {
		return fmt.Errorf("open the exact result of step %s of execution %s: %w", was.Path, was.ExecutionID, err)
	}
	row.Exact = p.keys.Seal(text, stepPlace(*row))
	return nil
}

// Replayed is what a bulk of replays came to.
type Replayed struct {
	Executions []ipaas.Execution // the new ones; where it was only checked, none
	Count      int               // how many there are, or would be
	Skipped    []Skipped
	More       bool // there are more that fit
}

// Skipped is an execution that could not be replayed, and why.
type Skipped struct {
	ExecutionID string
	Reason      ipaas.Reason
	Message     string
}

// maxSkipped bounds how many executions are looked at in vain.
const maxSkipped = 1000

// ReplayExecutions replays executions that fit a filter, at most so many: those that have ended, of customers' events, which have not
// been retried or replayed already. The oldest comes first.
func (p *Plane) ReplayExecutions(ctx context.Context, filter *storage.Filter, most int, o ReplayOptions, m Mutation) (Replayed, error) {
	if m.RequestID == "" || m.ValidateOnly {
		return p.replayAll(ctx, filter, most, o, m)
	}
	return joining(ctx, p, &p.replays, "replay", m, func(ctx context.Context) (Replayed, error) {
		return once(ctx, p, m, func(write func(Replayed) (storage.Write, error)) (Replayed, error) {
			done, err := p.replayAll(ctx, filter, most, o, m)
			if err != nil {
				return done, err
			}
			w, err := write(done)
			if err != nil {
				return done, err
			}
			return done, p.store.SaveReceipt(ctx, *w.Receipt)
		})
	})
}

func (p *Plane) replayAll(ctx context.Context, filter *storage.Filter, most int, o ReplayOptions, m Mutation) (done Replayed, err error) {
	query := storage.Query{Filter: replayable(filter), OrderBy: []storage.Order{{Field: "create_time"}}, Size: min(most+1, 200)}
	for {
		page, err := p.store.ListExecutions(ctx, query)
		if err != nil {
			return done, err
		}
		for _, old := range page.Items {
			if done.Count == most || len(done.Skipped) == maxSkipped {
				done.More = true
				return done, nil
			}
			if err := p.replayOne(ctx, old, o, m, &done); err != nil {
				return done, err
			}
		}
		if page.Next == "" {
			return done, nil
		}
		query.After = page.Next
	}
}

// replayOne replays one of a bulk. What is wrong with it alone does not stop the others.
func (p *Plane) replayOne(ctx context.Context, old ipaas.Execution, o ReplayOptions, m Mutation, done *Replayed) error {
	ex, steps, err := p.prepareReplay(ctx, old.ID, o)
	if err == nil {
		ex, err = p.replay(ctx, ex, steps, storage.Write{DryRun: m.ValidateOnly})
	}
	var e *ipaas.Error
	if errors.As(err, &e) && e.Kind != ipaas.Unavailable {
		done.Skipped = append(done.Skipped, Skipped{ExecutionID: old.ID, Reason: e.Reason, Message: e.Error()})
		err = nil
	} else if err == nil {
		done.Count++
		if !m.ValidateOnly {
			ex.Payload = ipaas.Payload{}
			done.Executions = append(done.Executions, ex)
		}
	}
	return err
}

// replayable narrows a filter to what can be replayed.
func replayable(filter *storage.Filter) *storage.Filter {
	is := func(field string, v any) *storage.Filter {
		return &storage.Filter{Field: field, Operator: storage.Equal, Value: v}
	}
	ended := &storage.Filter{Join: storage.Or}
	for _, state := range []ipaas.ExecutionState{ipaas.ExecutionSucceeded, ipaas.ExecutionFailed, ipaas.ExecutionCanceled, ipaas.ExecutionDeadLetter} {
		ended.Filters = append(ended.Filters, is("state", string(state)))
	}
	events := &storage.Filter{Join: storage.Or}
	for _, t := range ipaas.EventTypes {
		events.Filters = append(events.Filters, is("invoke_type", string(t)))
	}
	all := []*storage.Filter{ended, is("superseded", false), is("test", false), events}
	if filter != nil {
		all = slices.Insert(all, 0, filter)
	}
	return &storage.Filter{Join: storage.And, Filters: all}
}
