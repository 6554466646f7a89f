package control

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/state"
	"github.com/headrace/headrace/internal/value"
)

// exact is what resuming needs of a step and what redaction may have changed in its row.
type exact struct {
	Result string          `json:"result,omitempty"`
	Items  string          `json:"items,omitempty"`
	Stop   *ipaas.Response `json:"stop,omitempty"`
	Break  bool            `json:"break,omitempty"`

	Cause    *ipaas.ExecutionError `json:"cause,omitempty"`
	Canceled bool                  `json:"canceled,omitempty"`
	Error    string                `json:"error,omitempty"` // of a failure that is ignored: the steps behind it see it
	State    []state.Recorded      `json:"state,omitempty"` // of scope EXECUTION
}

// fill puts the result of a step into its row, without secrets, and under seal what a resume needs beside that.
func (h *host) fill(row *ipaas.StepResult, done engine.Done) error {
	result, redacted, altered := h.storedText(done.Result)
	row.Result, row.Redacted, row.Exact = result, row.Redacted || redacted, ""
	e := exact{Stop: done.Stop, Break: done.Break, Cause: done.Cause, Canceled: done.Canceled, State: state.OfExecution(done.State)}
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

func (h *host) seal(row ipaas.StepResult, e exact) (string, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("keep the exact result of step %s: %w", row.Path, err)
	}
	return h.plane.keys.Seal(text, stepPlace(row)), nil
}

func stepPlace(row ipaas.StepResult) string {
	return strings.Join([]string{"step", row.ExecutionID, row.Path}, "|")
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
	clean, redacted := h.job.settings.Redact(v)
	clean, ofKeys := h.job.keys.Redactor.Value(clean)
	hidden, masked := h.mask.HideValue(clean)
	redacted = redacted || ofKeys
	return string(value.Encode(hidden)), redacted, redacted || masked
}

// redact takes secrets and tokens out of a value.
func (h *host) redact(v any) (any, bool) { return withoutSecrets(h.job.settings, h.mask, v) }

func withoutSecrets(s *config.Settings, mask *secret.Mask, v any) (any, bool) {
	clean, changed := s.Redact(v)
	hidden, masked := mask.HideValue(clean)
	return hidden, changed || masked
}

func (h *host) storedMessage(text string) string {
	return h.mask.Hide(h.job.keys.Redactor.Text(h.job.settings.Redactor.Text(text)))
}

func (h *host) storedLogs(logs []ipaas.Log) []ipaas.Log {
	for i := range logs {
		logs[i].ExecutionID = h.job.execution.ID
		logs[i].Message = ipaas.Cut(h.storedMessage(logs[i].Message), ipaas.MaxLogMessage)
	}
	return logs
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
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		switch v := inputs[key].(type) {
		case nil:
		case *component.Connection:
			o.Set(key, value.ObjOf("configVariable", v.ConfigVariable, "type", v.Type))
		case []component.Pair:
			o.Set(key, component.PairsObject(v))
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
		return value.ObjOf("configVariable", v.ConfigVariable, "type", v.Type)
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
