package state

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/value"
)

// waitingChange is a change that waits for the commit of a deployment.
type waitingChange struct {
	place    ipaas.StatePlace
	sequence int64
	component.StateChange
	executionID string
}

// Recorded is the form on disk, under seal, of a change that waits or was recorded with its step.
type Recorded struct {
	Operation ipaas.StateOperation `json:"operation"`
	Key       string               `json:"key,omitempty"`
	Value     string               `json:"value,omitempty"`
}

func record(c component.StateChange) Recorded {
	r := Recorded{Operation: c.Operation, Key: c.Key}
	if c.Value != nil {
		r.Value = string(value.Encode(c.Value))
	}
	return r
}

func (r Recorded) change(scope ipaas.StateScope) (component.StateChange, error) {
	c := component.StateChange{Scope: scope, Operation: r.Operation, Key: r.Key}
	if r.Value == "" {
		return c, nil
	}
	var err error
	if c.Value, err = value.Decode([]byte(r.Value)); err != nil {
		err = fmt.Errorf("read a change of state: %w", err)
	}
	return c, err
}

func changeSealPlace(deploymentID string, place ipaas.StatePlace) string {
	return strings.Join([]string{"state-change", deploymentID, string(place.Scope), place.Owner, place.FlowID}, "|")
}

func (k *Keeper) sealChange(deploymentID string, w waitingChange) (string, error) {
	text, err := json.Marshal(record(w.StateChange))
	if err != nil {
		return "", fmt.Errorf("keep a change of state: %w", err)
	}
	return k.keys.Seal(text, changeSealPlace(deploymentID, w.place)), nil
}

// waitingChanges returns the changes that wait for the commit of a deployment, in order, those after a sequence.
func (k *Keeper) waitingChanges(ctx context.Context, deploymentID string, after int64) ([]waitingChange, error) {
	rows, err := k.store.ListStateChanges(ctx, deploymentID, after)
	if err != nil {
		return nil, err
	}
	return k.openChanges(deploymentID, rows)
}

func (k *Keeper) openChanges(deploymentID string, rows []storage.StateChange) ([]waitingChange, error) {
	waiting := make([]waitingChange, len(rows))
	for i, row := range rows {
		text, err := k.keys.Open(row.Sealed, changeSealPlace(deploymentID, row.Place))
		if err != nil {
			return nil, fmt.Errorf("open a change of state of deployment %s: %w", deploymentID, err)
		}
		var r Recorded
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("read a change of state of deployment %s: %w", deploymentID, err)
		}
		waiting[i] = waitingChange{place: row.Place, sequence: row.Sequence, executionID: row.ExecutionID}
		if waiting[i].StateChange, err = r.change(row.Place.Scope); err != nil {
			return nil, err
		}
	}
	return waiting, nil
}

// Committed makes of the changes that wait for the commit of a deployment what is carried out with it: on what is there by then, not
// on what the deployment saw, so that nothing is lost of what others count and collect meanwhile.
func (k *Keeper) Committed(deploymentID string, rows []storage.StateChange, redact Redaction) ([]storage.StateChange, error) {
	waiting, err := k.openChanges(deploymentID, rows)
	if err != nil {
		return nil, err
	}
	return k.folded(waiting, redact), nil
}

// folded makes one change of all operations on the same key, so that each value is opened and sealed once.
func (k *Keeper) folded(waiting []waitingChange, redact Redaction) []storage.StateChange {
	type key struct {
		place ipaas.StatePlace
		name  string
	}
	operations, last := map[key][]component.StateChange{}, map[key]string{}
	var order []key
	for _, w := range waiting {
		at := key{w.place, w.Key}
		if w.Operation == ipaas.StateClear {
			order = slices.DeleteFunc(order, func(other key) bool { return other.place == w.place })
			for other := range operations {
				if other.place == w.place {
					delete(operations, other)
				}
			}
		}
		if _, known := operations[at]; !known {
			order = append(order, at)
		}
		operations[at], last[at] = append(operations[at], w.StateChange), w.executionID
	}
	var changes []storage.StateChange
	for _, at := range order {
		changes = append(changes, k.Change(at.place, at.name, last[at], operations[at], redact))
	}
	return changes
}

// OfExecution returns those changes of a step that a replay which takes the step over has to make again: of scope EXECUTION.
func OfExecution(changes []component.StateChange) []Recorded {
	var own []Recorded
	for _, c := range changes {
		if c.Scope == ipaas.StateExecution {
			own = append(own, record(c))
		}
	}
	return own
}

// Replayed returns what the steps that a replay takes over kept of scope EXECUTION, as changes of the replay.
func (k *Keeper) Replayed(executionID string, recorded []Recorded) ([]storage.StateChange, error) {
	place := ipaas.StatePlace{Scope: ipaas.StateExecution, Owner: executionID}
	all := make([]waitingChange, len(recorded))
	for i, r := range recorded {
		c, err := r.change(ipaas.StateExecution)
		if err != nil {
			return nil, err
		}
		all[i] = waitingChange{place: place, StateChange: c, executionID: executionID}
	}
	return k.folded(all, nil), nil // nobody is shown it
}
