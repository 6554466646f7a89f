package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	swept   map[string]bool      // components of which an action has removed something
	created []ipaas.Registration // in order, for undoing what a failed test of a deploy flow created
	state   *kept
	tried   map[string]bool      // steps, by path, of which a try failed
	starts  map[string]*starting // what steps under way start, by path
	outcome engine.Outcome       // exact; what is stored of it is without secrets
	retried bool                 // it failed, and is tried again
}

func newHost(p *Plane, j *job) *host {
	h := &host{
		plane: p, job: j, mask: p.mask(j.urls), begun: map[string]ipaas.StepResult{}, intents: map[string]ipaas.Registration{},
		used: map[string]bool{}, swept: map[string]bool{}, tried: map[string]bool{}, starts: map[string]*starting{},
	}
	h.state = &kept{host: h}
	return h
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
	row.State, row.Tries, row.EndTime = ipaas.StepSucceeded, 1, h.plane.now()
	return h.complete(ctx, row, nil, nil)
}

// Begin implements engine.Host.
func (h *host) Begin(ctx context.Context, step engine.Step) (*engine.Done, error) {
	if h.job.halted != nil {
		if err := h.job.halted(); err != nil {
			return nil, err
		}
	}
	inputs, redacted, _ := h.storedText(recordedInputs(step.Inputs))
	row, done, err := h.plane.store.BeginStep(ctx, h.job.execution.Attempts, ipaas.StepResult{
		ExecutionID: h.job.execution.ID, Path: step.Path, StepID: step.ID, DisplayName: step.DisplayName, Action: step.Action,
		State: ipaas.StepRunning, Inputs: inputs, Redacted: redacted, StandIn: step.StandIn, StartTime: h.plane.now(),
	})
	if err != nil {
		return nil, err
	}
	h.begun[step.Path] = row
	if id, key, _ := strings.Cut(step.Action, "."); removing.MatchString(key) {
		h.swept[id] = true
	}
	h.plane.tails.notify(h.job.execution.ID)
	if !done && row.Tries > 0 {
		h.tried[step.Path] = true
	} else if !done && row.Exact == "" {
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
	Error    string                `json:"error,omitempty"` // of a failure that is ignored: the steps behind it see it
	State    []changeText          `json:"state,omitempty"` // of scope EXECUTION
}

// recall turns the row of a step that an earlier attempt recorded into what the engine goes on with.
func (h *host) recall(row ipaas.StepResult, completed bool) (*engine.Done, error) {
	d := &engine.Done{
		Error: row.Error, Ignored: row.Ignored, Tries: row.Tries, Branch: row.Branch, Decided: !completed, Start: row.StartTime, End: row.EndTime,
	}
	kept, err := h.plane.openExact(row)
	if err != nil {
		return nil, err
	}
	d.Error = cmp.Or(kept.Error, d.Error)
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

// openExact returns what a row holds of its step under seal, or else in clear.
func (p *Plane) openExact(row ipaas.StepResult) (exact, error) {
	kept := exact{Result: row.Result}
	if row.Exact == "" {
		return kept, nil
	}
	text, err := p.keys.Open(row.Exact, stepPlace(row))
	if err != nil {
		return kept, fmt.Errorf("open the exact result of step %s of execution %s: %w", row.Path, row.ExecutionID, err)
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		return kept, fmt.Errorf("read the exact result of step %s of execution %s: %w", row.Path, row.ExecutionID, err)
	}
	return kept, nil
}

// Decide implements engine.Host.
func (h *host) Decide(ctx context.Context, step engine.Step, done engine.Done) error {
	row := h.begun[step.Path]
	sealed, err := h.seal(row, exact{Items: string(value.Encode(done.Items))})
	if err != nil {
		return err
	}
	row.Exact, row.Branch, row.Tries = sealed, done.Branch, done.Tries
	h.begun[step.Path] = row
	return h.complete(ctx, row, h.storedLogs(done.Logs), nil)
}

// Call implements engine.Host.
func (h *host) Call(ctx context.Context, step engine.Step, action *component.Action, call component.Call) (component.Result, error) {
	call.Client, call.Patient = h.plane.client.Through(h.job.tape, step.Path), h.job.deployment != ""
	call.Scripts = h.plane.scriptsOf(h.job.instance)
	fault.Point("step-begun")
	result, err := action.Perform(ctx, call)
	fault.Point("step-called")
	delete(h.starts, step.Path) // of a call before
	if err == nil && len(result.Invocations) > 0 {
		err = h.prepareStarts(ctx, step, action, &result, call.Log)
	}
	return result, err
}

// Tried implements engine.Host.
func (h *host) Tried(ctx context.Context, step engine.Step, done engine.Done) error {
	row := h.begun[step.Path]
	row.Tries, row.Error = done.Tries, h.storedMessage(done.Error)
	h.begun[step.Path], h.tried[step.Path] = row, true
	registration, err := h.settled(done)
	if err != nil {
		return err
	}
	return h.complete(ctx, row, h.storedLogs(done.Logs), registration)
}

// Complete implements engine.Host.
func (h *host) Complete(ctx context.Context, step engine.Step, done engine.Done) (engine.Done, error) {
	starts := h.starts[step.Path]
	made, err := h.end(ctx, step, done, starts)
	for {
		var before *storage.AlreadyStarted
		if errors.As(err, &before) {
			if err := starts.leaveOut(before, &done); err != nil {
				return made, fmt.Errorf("complete step %s: %w", step.Path, err)
			}
		} else if !errors.Is(err, storage.ErrOvertaken) {
			break
		}
		made, err = h.end(ctx, step, done, starts)
	}
	if len(done.State) > 0 && isRefusal(err) || starts != nil && refusesStart(err) {
		// Whether what it keeps and starts is taken is known only now: the step has failed.
		made, err = h.end(ctx, step, engine.Done{
			Error: err.Error(), Ignored: step.Ignores, Tries: done.Tries, Logs: done.Logs, Start: done.Start, End: done.End,
		}, nil)
	}
	if err == nil {
		delete(h.begun, step.Path)
		delete(h.starts, step.Path)
	}
	return made, err
}

// end records how a step ended.
func (h *host) end(ctx context.Context, step engine.Step, done engine.Done, starts *starting) (engine.Done, error) {
	row := h.begun[step.Path]
	row.State, row.Error, row.Branch, row.EndTime = ipaas.StepSucceeded, "", done.Branch, h.plane.now()
	row.Ignored, row.Tries = done.Ignored, done.Tries
	if done.Error != "" {
		row.State, row.Error = ipaas.StepFailed, h.storedMessage(done.Error)
	}
	state, err := h.state.changed(ctx, done.State, func(row *ipaas.StepResult, v any) error {
		completed := done
		completed.Result = v
		return h.fill(row, completed)
	})
	if err != nil {
		return done, err
	}
	if state.result != nil {
		done.Result = *state.result
	}
	if err := h.fill(&row, done); err != nil {
		return done, err
	}
	registration, err := h.settled(done)
	if err != nil {
		return done, err
	}
	effects := storage.StepEffects{State: state.changes}
	if done.Error == "" {
		effects.Starts = starts.all()
	}
	if err := h.complete(ctx, row, h.storedLogs(done.Logs), registration, effects); err != nil {
		return done, err
	}
	if len(effects.Starts) > 0 {
		h.plane.wake()
	}
	if state.result != nil {
		done.Result = *state.result
	}
	return done, nil
}

// fill puts the result of a step into its row, without secrets, and under seal what a resume needs beside that.
func (h *host) fill(row *ipaas.StepResult, done engine.Done) error {
	result, redacted, altered := h.storedText(done.Result)
	row.Result, row.Redacted, row.Exact = result, row.Redacted || redacted, ""
	e := exact{Stop: done.Stop, Break: done.Break, Cause: done.Cause, Canceled: done.Canceled, State: executionChanges(done)}
	if done.Ignored && row.Error != done.Error {
		e.Error = done.Error
	}
	if !altered && e.Stop == nil && !e.Break && e.Cause == nil && !e.Canceled && e.Error == "" && e.State == nil {
		return nil
	}
	e.Result = string(value.Encode(done.Result))
	sealed, err := h.seal(*row, e)
	row.Exact = sealed
	return err
}

func (h *host) complete(
	ctx context.Context, row ipaas.StepResult, logs []ipaas.Log, registration *ipaas.Registration, effects ...storage.StepEffects,
) error {
	// What has happened must be remembered even if time is up.
	err := h.plane.store.CompleteStep(context.WithoutCancel(ctx), h.job.execution.Attempts, row, logs, registration, effects...)
	fault.Point("step-completed")
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
	stored := &ipaas.Response{Status: r.Status, Body: []byte(h.storedMessage(string(r.Body)))}
	for _, header := range r.Headers {
		stored.Headers = append(stored.Headers, ipaas.NamedText{Name: header.Name, Text: h.storedMessage(header.Text)})
	}
	return stored
}

// storedText returns a value as it is stored: without secrets and tokens. redacted tells that a secret was taken out, altered that what
// is stored is not what it was.
func (h *host) storedText(v any) (text string, redacted, altered bool) {
	clean, redacted := h.job.settings.redact(v)
	clean, ofKeys := h.job.keys.redactor.Value(clean)
	hidden, masked := h.mask.HideValue(clean)
	redacted = redacted || ofKeys
	return string(value.Encode(hidden)), redacted, redacted || masked
}

// redact takes secrets and tokens out of a value.
func (h *host) redact(v any) (any, bool) { return withoutSecrets(h.job.settings, h.mask, v) }

func withoutSecrets(s *settings, mask *secret.Mask, v any) (any, bool) {
	clean, changed := s.redact(v)
	hidden, masked := mask.HideValue(clean)
	return hidden, changed || masked
}

func (h *host) storedMessage(text string) string {
	return h.mask.Hide(h.job.keys.redactor.Text(h.job.settings.redactor.Text(text)))
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

// maxRecordedInput is how large an input is recorded, as value.Size has it. A loop over a large payload may give the payload to each of
// its rounds: nobody needs it in the history a thousand times.
const maxRecordedInput = 256 << 10

// recordedInputs makes resolved inputs a value in which what is large is only named.
func recordedInputs(inputs component.Inputs) *value.Object {
	o := shownInputs(inputs)
	for _, key := range o.Keys() {
		v, _ := o.Get(key)
		if value.Size(v, maxRecordedInput) > maxRecordedInput {
			o.Set(key, fmt.Sprintf("[left out: %s of more than %d KiB]", value.Kind(v), maxRecordedInput>>10))
		}
	}
	return o
}

// shownInputs makes resolved inputs a value, to be shown, and to undo with: a connection is its config variable, by which it is found again.
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
			o.Set(key, shownInput(v))
		}
	}
	return o
}

// shownInput is an input of an action that declares none: what it is given may hold connections.
func shownInput(v any) any {
	switch v := v.(type) {
	case *component.Connection:
		return object("configVariable", v.ConfigVariable, "type", v.Type)
	case []any:
		if !slices.ContainsFunc(v, holdsConnection) {
			return v
		}
		shown := make([]any, len(v))
		for i := range v {
			shown[i] = shownInput(v[i])
		}
		return shown
	case *value.Object:
		if !holdsConnection(v) {
			return v
		}
		shown := value.Obj()
		for key, item := range v.All() {
			shown.Set(key, shownInput(item))
		}
		return shown
	default:
		return v
	}
}

func holdsConnection(v any) bool {
	switch v := v.(type) {
	case *component.Connection:
		return true
	case []any:
		return slices.ContainsFunc(v, holdsConnection)
	case *value.Object:
		for _, item := range v.All() {
			if holdsConnection(item) {
				return true
			}
		}
	}
	return false
}

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
