package control

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/value"
)

// A redaction takes secrets and tokens out of a value, and tells whether there were some.
type redaction func(v any) (clean any, changed bool)

// stateChange makes of operations on one key, or of one that clears a place, a change for the store. redact is that of who makes it.
func (p *Plane) stateChange(
	place ipaas.StatePlace, key, executionID string, operations []component.StateChange, redact redaction,
) storage.StateChange {
	change := storage.StateChange{Place: place, Key: key, ExecutionID: executionID}
	if key == "" {
		return change
	}
	if len(operations) > 0 && operations[0].Operation == ipaas.StateSet {
		// It does not depend on what is there: it is done here, so that nobody waits for it while it is stored.
		v, there, err := applyState(key, keptValue{}, false, operations, redact)
		if err == nil && there {
			change.Value = p.sealKept(place, key, v)
		}
		next := change.Value
		change.Next = func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) { return next, err }
		return change
	}
	for _, c := range operations {
		change.Adds += len(value.Encode(c.Value))
	}
	change.Next = func(current *storage.StateValue, _ *ipaas.StepResult) (*storage.StateValue, error) {
		var v keptValue
		if current != nil {
			var err error
			if v, err = p.openKept(place, key, current.Sealed); err != nil {
				return nil, err
			}
		}
		v, there, err := applyState(key, v, current != nil, operations, redact)
		if err != nil || !there {
			return nil, err
		}
		return p.sealKept(place, key, v), nil
	}
	return change
}

// keptValue is the value of a key. Where it holds secrets there is another one to be shown: what is kept for an integration holds those
// of many instances, and each writer knows only its own.
type keptValue struct {
	exact any
	hides bool
	shown any // where it hides something
}

// applyState carries operations out, on what is shown of the value as on the value itself.
func applyState(key string, v keptValue, there bool, operations []component.StateChange, redact redaction) (keptValue, bool, error) {
	for _, c := range operations {
		next, keep, err := c.Apply(v.exact, there)
		if err != nil {
			return v, false, &refusedState{err}
		}
		clean, changed := c.Value, false
		if redact != nil {
			clean, changed = redact(c.Value)
		}
		if c.Operation == ipaas.StateSet {
			v.hides = false // of what there was nothing is left
		}
		if v.hides || changed {
			before := v.exact
			if v.hides {
				before = v.shown
			}
			c.Value = clean
			if v.shown, _, err = c.Apply(before, there); err != nil {
				v.shown = secret.Redacted // the operation cannot be carried out on what may be shown
			}
			v.hides = true
		}
		if v.exact, there = next, keep; !keep {
			v = keptValue{}
		}
	}
	if !there {
		return v, false, nil
	}
	if _, err := value.FromGo(v.exact); err != nil { // a list nests one level deeper than what is put into it
		return v, false, &refusedState{fmt.Errorf("key %q would hold what is no value: %w", key, err)}
	}
	if size := len(value.Encode(v.exact)); size > ipaas.MaxStateValue {
		return v, false, &refusedState{fmt.Errorf(
			"key %q would hold %d bytes, and a value may have %d: keep less, or spread it over several keys", key, size, ipaas.MaxStateValue,
		)}
	}
	return v, true, nil
}

// sealKept seals a value, and on a line of its own what is shown of it.
func (p *Plane) sealKept(place ipaas.StatePlace, key string, v keptValue) *storage.StateValue {
	text := value.Encode(v.exact)
	size := len(text)
	if v.hides {
		text = append(append(text, '\n'), value.Encode(v.shown)...)
	}
	return &storage.StateValue{Sealed: p.keys.Seal(text, stateSealPlace(place, key)), Size: size}
}

func (p *Plane) openKept(place ipaas.StatePlace, key, sealed string) (v keptValue, err error) {
	text, err := p.keys.Open(sealed, stateSealPlace(place, key))
	if err != nil {
		return v, fmt.Errorf("open what is kept of scope %s: %w", place.Scope, err)
	}
	text, shown, hides := bytes.Cut(text, []byte("\n")) // which no encoded value holds
	if v.exact, err = value.Decode(text); err != nil || !hides {
		return v, err
	}
	v.hides = true
	v.shown, err = value.Decode(shown)
	return v, err
}

func (p *Plane) openState(place ipaas.StatePlace, key, sealed string) (any, error) {
	v, err := p.openKept(place, key, sealed)
	return v.exact, err
}

func stateSealPlace(place ipaas.StatePlace, key string) string {
	return strings.Join([]string{"state", string(place.Scope), place.Owner, place.FlowID, key}, "|")
}
