package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/trigger"
	"github.com/headrace/headrace/internal/value"
)

// ExecutionView is an execution with what happened in it.
type ExecutionView struct {
	Execution ipaas.Execution
	Steps     []ipaas.StepResult
	Logs      []ipaas.Log
}

// mostShown bounds the steps and lines in one view of an execution; lists page through the rest.
const mostShown = 1000

// ShowExecution shows an execution with the URLs in it; a full view also has its steps and log lines.
func (p *Plane) ShowExecution(ctx context.Context, ex ipaas.Execution, full bool) (ExecutionView, error) {
	view := ExecutionView{Execution: ex}
	if !full {
		view.Execution.Result, view.Execution.Response = "", nil
		return view, nil
	}
	urls, err := p.access.ShownURLs(ctx, ex.InstanceID)
	if err != nil {
		return view, err
	}
	mask := access.Mask(urls)
	view.Execution = revealedExecution(ex, mask)
	if view.Steps, _, err = p.StepResults(ctx, ex.ID, 0, mostShown); err != nil {
		return view, err
	}
	view.Logs, err = p.Logs(ctx, ex.ID, 0, mostShown)
	return view, err
}

// revealedExecution is a stored execution with the URLs in it.
func revealedExecution(ex ipaas.Execution, mask *secret.Mask) ipaas.Execution {
	ex.Result = mask.Reveal(ex.Result)
	if ex.Error != nil {
		shown := *ex.Error
		shown.Message = mask.Reveal(shown.Message)
		ex.Error = &shown
	}
	if ex.Response != nil {
		ex.Response = revealed(ex.Response, mask)
	}
	return ex
}

// revealed is a stored answer with the URLs in it.
func revealed(stored *ipaas.Response, mask *secret.Mask) *ipaas.Response {
	shown := *stored
	shown.Body = []byte(mask.Reveal(string(stored.Body)))
	shown.Headers = make([]ipaas.NamedText, len(stored.Headers))
	for i, h := range stored.Headers {
		shown.Headers[i] = ipaas.NamedText{Name: h.Name, Text: mask.Reveal(h.Text)}
	}
	return &shown
}

// maxShownBytes is how much inputs and results of steps are shown at once: a run may have recorded many gigabytes. The step that goes
// beyond it is the last one shown.
const maxShownBytes = 16 << 20

// StepResults returns step results with the URLs in them, at most limit of them, and whether there are more.
func (p *Plane) StepResults(ctx context.Context, executionID string, after int64, limit int) (shown []ipaas.StepResult, more bool, err error) {
	steps, more, err := p.someSteps(ctx, executionID, after, limit)
	if err != nil {
		return nil, false, err
	}
	ex, err := p.store.GetExecution(ctx, executionID) // after its steps: it is bound to a definition before they are recorded
	if err != nil {
		return nil, false, err
	}
	urls, err := p.access.ShownURLs(ctx, ex.InstanceID)
	if err != nil {
		return nil, false, err
	}
	mask := access.Mask(urls)
	for i := range steps {
		s := &steps[i]
		if s.Path == ipaas.TriggerStepID && s.Result != "" {
			if s.Result, err = p.triggerShown(ctx, ex, s.Result, urls); err != nil {
				return nil, false, err
			}
		}
		s.Inputs, s.Result, s.Error = mask.Reveal(s.Inputs), mask.Reveal(s.Result), mask.Reveal(s.Error)
	}
	return steps, more, nil
}

// someSteps reads step results, a few at a time, until there is enough of them.
func (p *Plane) someSteps(ctx context.Context, executionID string, after int64, limit int) (steps []ipaas.StepResult, more bool, err error) {
	const few = 16
	for size := 0; ; {
		rows, err := p.store.ListStepResults(ctx, executionID, after, few)
		if err != nil {
			return nil, false, err
		}
		for _, row := range rows {
			if len(steps) == limit || size > maxShownBytes {
				return steps, true, nil
			}
			after, size = row.Sequence, size+len(row.Inputs)+len(row.Result)
			steps = append(steps, row)
		}
		if len(rows) < few {
			return steps, false, nil
		}
	}
}

// Logs returns log lines with the URLs in them.
func (p *Plane) Logs(ctx context.Context, executionID string, after int64, limit int) ([]ipaas.Log, error) {
	ex, err := p.store.GetExecution(ctx, executionID)
	if err != nil {
		return nil, err
	}
	urls, err := p.access.ShownURLs(ctx, ex.InstanceID)
	if err != nil {
		return nil, err
	}
	mask := access.Mask(urls)
	lines, err := p.store.ListLogs(ctx, executionID, after, limit)
	for i := range lines {
		lines[i].Message = mask.Reveal(lines[i].Message)
	}
	return lines, err
}

// triggerShown adds to a trigger's stored results what is computed when they are read.
func (p *Plane) triggerShown(ctx context.Context, ex ipaas.Execution, stored string, urls map[string]string) (string, error) {
	v, err := value.Decode([]byte(stored))
	if err != nil {
		return "", fmt.Errorf("read the trigger's results of execution %s: %w", ex.ID, err)
	}
	results, ok := v.(*value.Object)
	if !ok {
		return stored, nil
	}
	def, err := p.store.GetDefinition(ctx, ex.DefinitionHash)
	if err != nil {
		return "", err
	}
	if ex.Unowned() {
		urls = map[string]string{ipaas.SharedEndpoint: urls[ipaas.SharedEndpoint]}
	}
	keys, err := p.shownKeys(ctx, ex, &def)
	if err != nil {
		return "", err
	}
	return string(value.Encode(trigger.WithURLs(results, ex, &def, urls, keys))), nil
}

// shownKeys returns, in place of the keys that runs see, that there are some. A deleted instance has none any more.
func (p *Plane) shownKeys(ctx context.Context, ex ipaas.Execution, def *ipaas.Definition) (map[string][]string, error) {
	in, err := p.store.GetInstance(ctx, ex.InstanceID)
	if errors.Is(err, ipaas.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if ex.Unowned() {
		in.ID = ""
	}
	keys, err := p.access.Keys(ctx, in, def)
	if errors.Is(err, ipaas.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return keys.Hidden(), nil
}
