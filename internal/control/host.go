package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/value"
)

// host is what the engine works through: it records what happens in one execution, without secrets, and keeps the ledger.
type host struct {
	plane   *Plane
	job     *job
	mask    *secret.Mask
	begun   map[string]ipaas.StepResult // rows of steps under way, by path
	intents map[string]ipaas.Registration
	used    map[string]bool      // registrations that this run created or kept
	created []ipaas.Registration // in order, for undoing what a failed test of a deploy flow created
	starts  map[string]*starting // what steps under way start, by path
	outcome engine.Outcome       // exact; what is stored of it is without secrets
	retried bool                 // it failed, and is tried again
}

func newHost(p *Plane, j *job) *host {
	return &host{
		plane: p, job: j, mask: p.mask(j.urls), begun: map[string]ipaas.StepResult{}, intents: map[string]ipaas.Registration{},
		used: map[string]bool{}, starts: map[string]*starting{},
	}
}

// trigger records what started the execution.
func (h *host) trigger(ctx context.Context, results *value.Object) error {
	flow, _ := h.job.program.Definition().Flow(h.job.execution.FlowID)
	step := ipaas.StepResult{
		ExecutionID: h.job.execution.ID, Path: ipaas.TriggerStepID, StepID: ipaas.TriggerStepID,
		DisplayName: flow.Trigger.DisplayName, Action: flow.Trigger.Type, State: ipaas.StepRunning,
		Inputs: "{}", StartTime: h.plane.now(),
	}
	row, done, err := h.plane.store.BeginStep(ctx, h.job.execution.Attempts, step)
	if err != nil || done {
		return err
	}
	row.Result, row.Redacted, _ = h.storedText(withoutURLs(results))
	row.State, row.EndTime = ipaas.StepSucceeded, h.plane.now()
	return h.complete(ctx, row, nil, nil, nil)
}

// Begin implements engine.Host.
func (h *host) Begin(ctx context.Context, step engine.Step) (*engine.Done, error) {
	if h.job.halted != nil {
		if err := h.job.halted(); err != nil {
			return nil, err
		}
	}
	inputs, redacted, _ := h.storedText(shownInputs(step.Inputs))
	row, done, err := h.plane.store.BeginStep(ctx, h.job.execution.Attempts, ipaas.StepResult{
		ExecutionID: h.job.execution.ID, Path: step.Path, StepID: step.ID, DisplayName: step.DisplayName, Action: step.Action,
		State: ipaas.StepRunning, Inputs: inputs, Redacted: redacted, StartTime: h.plane.now(),
	})
	if err != nil {
		return nil, err
	}
	h.begun[step.Path] = row
	h.plane.tails.notify(h.job.execution.ID)
	if !done && row.Exact == "" {
		return nil, nil
	}
	return h.recall(row, done)
}

// exact is what resuming needs of a step and what redaction may have changed in its row.
type exact struct {
	Result string          `json:"result,omitempty"`
	Items  string          `json:"items,omitempty"`
	Stop   *ipaas.Response `json:"stop,omitempty"`
	Break  bool            `json:"break,omitempty"`

	Cause    *ipaas.ExecutionError `json:"cause,omitempty"`
	Canceled bool                  `json:"canceled,omitempty"`
}

// recall turns the row of a step that an earlier attempt recorded into what the engine goes on with.
func (h *host) recall(row ipaas.StepResult, completed bool) (*engine.Done, error) {
	d := &engine.Done{
		Error: row.Error, Branch: row.Branch, Decided: !completed, Start: row.StartTime, End: row.EndTime,
	}
	kept := exact{Result: row.Result}
	if row.Exact != "" {
		text, err := h.plane.keys.Open(row.Exact, stepPlace(row))
		if err != nil {
			return nil, fmt.Errorf("open the exact result of step %s: %w", row.Path, err)
		}
		if err := json.Unmarshal(text, &kept); err != nil {
			return nil, fmt.Errorf("read the exact result of step %s: %w", row.Path, err)
		}
	}
	d.Stop, d.Break, d.Cause, d.Canceled = kept.Stop, kept.Break, kept.Cause, kept.Canceled
	if kept.Items != "" {
		items, err := value.Decode([]byte(kept.Items))
		if err != nil {
			return nil, fmt.Errorf("read the items of step %s: %w", row.Path, err)
		}
		d.Items, _ = items.([]any)
	}
	if kept.Result != "" {
		result, err := value.Decode([]byte(kept.Result))
		if err != nil {
			return nil, fmt.Errorf("read the result of step %s: %w", row.Path, err)
		}
		d.Result = result
	}
	return d, nil
}

// Decide implements engine.Host.
func (h *host) Decide(ctx context.Context, step engine.Step, done engine.Done) error {
	row := h.begun[step.Path]
	sealed, err := h.seal(row, exact{Items: string(value.Encode(done.Items))})
	if err != nil {
		return err
	}
	row.Exact, row.Branch = sealed, done.Branch
	h.begun[step.Path] = row
	return h.complete(ctx, row, h.storedLogs(done.Logs), nil, nil)
}

// Call implements engine.Host.
func (h *host) Call(ctx context.Context, step engine.Step, action *component.Action, call component.Call) (component.Result, error) {
	call.Client, call.Patient = h.plane.client, h.job.deployment != ""
	fault.Point("step-begun")
	result, err := action.Perform(ctx, call)
	fault.Point("step-called")
	delete(h.starts, step.Path) // of a call before
	if err == nil && len(result.Invocations) > 0 {
		err = h.prepareStarts(ctx, step, action, &result, call.Log)
	}
	return result, err
}

// Complete implements engine.Host.
func (h *host) Complete(ctx context.Context, step engine.Step, done engine.Done) error {
	row, starts := h.begun[step.Path], h.starts[step.Path]
	if done.Error != "" {
		starts = nil
	}
	result, redacted, altered := h.storedText(done.Result)
	row.Result, row.Redacted = result, row.Redacted || redacted
	row.State, row.Branch, row.EndTime = ipaas.StepSucceeded, done.Branch, h.plane.now()
	if done.Error != "" {
		row.State, row.Error = ipaas.StepFailed, h.storedMessage(done.Error)
	}
	if altered || done.Stop != nil || done.Break || done.Cause != nil || done.Canceled {
		sealed, err := h.seal(row, exact{
			Result: string(value.Encode(done.Result)), Stop: done.Stop, Break: done.Break, Cause: done.Cause, Canceled: done.Canceled,
		})
		if err != nil {
			return err
		}
		row.Exact = sealed
	} else {
		row.Exact = ""
	}
	registration, err := h.settled(done)
	if err != nil {
		return err
	}
	if err := h.complete(ctx, row, h.storedLogs(done.Logs), registration, starts); err != nil {
		return err
	}
	delete(h.begun, step.Path)
	delete(h.starts, step.Path)
	return nil
}

func (h *host) complete(
	ctx context.Context, row ipaas.StepResult, logs []ipaas.Log, registration *ipaas.Registration, starts *starting,
) error {
	// What has happened must be remembered even if time is up.
	err := h.plane.store.CompleteStep(context.WithoutCancel(ctx), h.job.execution.Attempts, row, logs, registration, starts.all()...)
	fault.Point("step-completed")
	var before *storage.AlreadyStarted
	switch {
	case starts == nil:
	case errors.As(err, &before):
		amended, amendErr := h.amend(&row, starts, before)
		if amendErr != nil {
			return amendErr
		}
		if err := h.complete(ctx, row, logs, registration, starts); err != nil || amended == nil {
			return err
		}
		return amended
	case refusal(err):
		return &engine.Refused{Err: err}
	case err == nil:
		h.plane.wake()
	}
	h.plane.tails.notify(h.job.execution.ID)
	return err
}

// finished turns an outcome into the execution as it is recorded.
func (h *host) finished(outcome engine.Outcome) ipaas.Execution {
	ex := h.job.execution
	ex.State, ex.EndTime, ex.LeaseTime = outcome.State, h.plane.now(), time.Time{}
	ex.Result, _, _ = h.storedText(outcome.Result)
	if outcome.Error != nil {
		e := *outcome.Error
		e.Message = h.storedMessage(e.Message)
		ex.Error = &e
	}
	ex.Response = h.storedResponse(outcome.Response)
	h.outcome = outcome
	return ex
}

func (h *host) storedResponse(r *ipaas.Response) *ipaas.Response {
	if r == nil {
		return nil
	}
	stored := &ipaas.Response{Status: r.Status, Body: []byte(h.storedMessage(string(h.job.settings.redactor.Bytes(r.Body))))}
	for _, header := range r.Headers {
		stored.Headers = append(stored.Headers, ipaas.NamedText{Name: header.Name, Text: h.storedMessage(header.Text)})
	}
	return stored
}

// storedText returns a value as it is stored: without secrets and tokens. redacted tells that a secret was taken out, altered that what
// is stored is not what it was.
func (h *host) storedText(v any) (text string, redacted, altered bool) {
	clean, redacted := h.job.settings.redact(v)
	hidden, masked := h.mask.HideValue(clean)
	return string(value.Encode(hidden)), redacted, redacted || masked
}

func (h *host) storedMessage(text string) string {
	return h.mask.Hide(h.job.settings.redactor.Text(text))
}

func (h *host) storedLogs(logs []ipaas.Log) []ipaas.Log {
	for i := range logs {
		logs[i].ExecutionID = h.job.execution.ID
		logs[i].Message = cut(h.storedMessage(logs[i].Message), ipaas.MaxLogMessage)
	}
	return logs
}

func (h *host) seal(row ipaas.StepResult, e exact) (string, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("keep the exact result of step %s: %w", row.Path, err)
	}
	return h.plane.keys.Seal(text, stepPlace(row)), nil
}

// shownInputs makes resolved inputs a value: a connection is shown by its config variable.
func shownInputs(inputs component.Inputs) *value.Object {
	o := value.Obj()
	for _, key := range sortedKeys(inputs) {
		switch v := inputs[key].(type) {
		case nil:
		case *component.Connection:
			o.Set(key, object("configVariable", v.ConfigVariable, "type", v.Type))
		case []component.Pair:
			o.Set(key, pairsObject(v))
		default:
			o.Set(key, v)
		}
	}
	return o
}

// inputsObject makes resolved inputs a value for undoing: the connection is found again by its config variable.
func inputsObject(inputs component.Inputs) *value.Object { return shownInputs(inputs) }

func stepPlace(row ipaas.StepResult) string {
	return strings.Join([]string{"step", row.ExecutionID, row.Path}, "|")
}

func registrationPlace(id, field string) string {
	return strings.Join([]string{"registration", id, field}, "|")
}

func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}
