package state

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

// A Redaction takes secrets and tokens out of a value, and tells whether there were some.
type Redaction func(v any) (clean any, changed bool)

// Change makes of operations on one key, or of one that clears a place, a change for the store. redact is that of who makes it.
func (k *Keeper) Change(
	place ipaas.StatePlace, key, executionID string, operations []component.StateChange, redact Redaction,
) storage.StateChange {
	change := storage.StateChange{Place: place, Key: key, ExecutionID: executionID}
	if key == "" {
		return change
	}
	if len(operations) > 0 && operations[0].Operation == ipaas.StateSet {
		// It does not depend on what is there: it is done here, so that nobody waits for it while it is stored.
		v, there, err := Apply(key, Value{}, false, operations, redact)
		if err == nil && there {
			change.Value = k.Seal(place, key, v)
		}
		next := change.Value
		change.Next = func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) { return next, err }
		return change
	}
	for _, c := range operations {
		change.Adds += len(value.Encode(c.Value))
	}
	change.Next = func(current *storage.StateValue, _ *ipaas.StepResult) (*storage.StateValue, error) {
		var v Value
		if current != nil {
			var err error
			if v, err = k.Open(place, key, current.Sealed); err != nil {
				return nil, err
			}
		}
		v, there, err := Apply(key, v, current != nil, operations, redact)
		if err != nil || !there {
			return nil, err
		}
		return k.Seal(place, key, v), nil
	}
	return change
}

// Value is the value of a key. Where it holds secrets there is another one to be shown: what is kept for an integration holds those
// of many instances, and each writer knows only its own.
type Value struct {
	Exact any
	Hides bool // there are secrets in it
	Shown any  // where it hides something
}

// Apply carries operations out, on what is shown of the value as on the value itself. It returns the value after them, and whether there is
// one then. The error is one of those that Refused knows.
func Apply(key string, v Value, there bool, operations []component.StateChange, redact Redaction) (Value, bool, error) {
	for _, c := range operations {
		next, keep, err := c.Apply(v.Exact, there)
		if err != nil {
			return v, false, &refusedState{err}
		}
		clean, changed := c.Value, false
		if redact != nil {
			clean, changed = redact(c.Value)
		}
		if c.Operation == ipaas.StateSet {
			v.Hides = false // of what there was nothing is left
		}
		if v.Hides || changed {
			before := v.Exact
			if v.Hides {
				before = v.Shown
			}
			c.Value = clean
			if v.Shown, _, err = c.Apply(before, there); err != nil {
				v.Shown = secret.Redacted // the operation cannot be carried out on what may be shown
			}
			v.Hides = true
		}
		if v.Exact, there = next, keep; !keep {
			v = Value{}
		}
	}
	if !there {
		return v, false, nil
	}
	if _, err := value.FromGo(v.Exact); err != nil { // a list nests one level deeper than what is put into it
		return v, false, &refusedState{fmt.Errorf("key %q would hold what is no value: %w", key, err)}
	}
	if size := len(value.Encode(v.Exact)); size > ipaas.MaxStateValue {
		return v, false, &refusedState{fmt.Errorf(
			"key %q would hold %d bytes, and a value may have %d: keep less, or spread it over several keys", key, size, ipaas.MaxStateValue,
		)}
	}
	return v, true, nil
}

// Seal seals a value, and on a line of its own what is shown of it.
func (k *Keeper) Seal(place ipaas.StatePlace, key string, v Value) *storage.StateValue {
	text := value.Encode(v.Exact)
	size := len(text)
	if v.Hides {
		text = append(append(text, '\n'), value.Encode(v.Shown)...)
	}
	return &storage.StateValue{Sealed: k.keys.Seal(text, sealPlace(place, key)), Size: size}
}

// Open opens the value of a key.
func (k *Keeper) Open(place ipaas.StatePlace, key, sealed string) (v Value, err error) {
	text, err := k.keys.Open(sealed, sealPlace(place, key))
	if err != nil {
		return v, fmt.Errorf("open what is kept of scope %s: %w", place.Scope, err)
	}
	text, shown, hides := bytes.Cut(text, []byte("\n")) // which no encoded value holds
	if v.Exact, err = value.Decode(text); err != nil || !hides {
		return v, err
	}
	v.Hides = true
	v.Shown, err = value.Decode(shown)
	return v, err
}

func (k *Keeper) open(place ipaas.StatePlace, key, sealed string) (any, error) {
	v, err := k.Open(place, key, sealed)
	return v.Exact, err
}

func sealPlace(place ipaas.StatePlace, key string) string {
	return strings.Join([]string{"state", string(place.Scope), place.Owner, place.FlowID, key}, "|")
}
