package control

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
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

// changeText is the form on disk, under seal, of a change that waits or was recorded with its step.
type changeText struct {
	Operation ipaas.StateOperation `json:"operation"`
	Key       string               `json:"key,omitempty"`
	Value     string               `json:"value,omitempty"`
}

func textOfChange(c component.StateChange) changeText {
	t := changeText{Operation: c.Operation, Key: c.Key}
	if c.Value != nil {
		t.Value = string(value.Encode(c.Value))
	}
	return t
}

func (t changeText) change(scope ipaas.StateScope) (component.StateChange, error) {
	c := component.StateChange{Scope: scope, Operation: t.Operation, Key: t.Key}
	if t.Value == "" {
		return c, nil
	}
	var err error
	if c.Value, err = value.Decode([]byte(t.Value)); err != nil {
		err = fmt.Errorf("read a change of state: %w", err)
	}
	return c, err
}

func changeSealPlace(deploymentID string, place ipaas.StatePlace) string {
	return strings.Join([]string{"state-change", deploymentID, string(place.Scope), place.Owner, place.FlowID}, "|")
}

func (p *Plane) sealChange(deploymentID string, w waitingChange) (string, error) {
	text, err := json.Marshal(textOfChange(w.StateChange))
	if err != nil {
		return "", fmt.Errorf("keep a change of state: %w", err)
	}
	return p.keys.Seal(text, changeSealPlace(deploymentID, w.place)), nil
}

// waitingChanges returns the changes that wait for the commit of a deployment, in order, those after a sequence.
func (p *Plane) waitingChanges(ctx context.Context, deploymentID string, after int64) ([]waitingChange, error) {
	rows, err := p.store.ListStateChanges(ctx, deploymentID, after)
	if err != nil {
		return nil, err
	}
	return p.openChanges(deploymentID, rows)
}

func (p *Plane) openChanges(deploymentID string, rows []storage.StateChange) ([]waitingChange, error) {
	waiting := make([]waitingChange, len(rows))
	for i, row := range rows {
		text, err := p.keys.Open(row.Sealed, changeSealPlace(deploymentID, row.Place))
		if err != nil {
			return nil, fmt.Errorf("open a change of state of deployment %s: %w", deploymentID, err)
		}
		var t changeText
		if err := json.Unmarshal(text, &t); err != nil {
			return nil, fmt.Errorf("read a change of state of deployment %s: %w", deploymentID, err)
		}
		waiting[i] = waitingChange{place: row.Place, sequence: row.Sequence, executionID: row.ExecutionID}
		if waiting[i].StateChange, err = t.change(row.Place.Scope); err != nil {
			return nil, err
		}
	}
	return waiting, nil
}

// committedState makes of the changes that wait for the commit of a deployment what is carried out with it: on what is there by then, not
// on what the deployment saw, so that nothing is lost of what others count and collect meanwhile.
func (p *Plane) committedState(c *candidate, rows []storage.StateChange) ([]storage.StateChange, error) {
	waiting, err := p.openChanges(c.deployment.ID, rows)
	if err != nil {
		return nil, err
	}
	mask := access.Mask(c.urls)
	return p.foldedState(waiting, func(v any) (any, bool) { return withoutSecrets(c.settings, mask, v) }), nil
}

// foldedState makes one change of all operations on the same key, so that each value is opened and sealed once.
func (p *Plane) foldedState(waiting []waitingChange, redact redaction) []storage.StateChange {
	type key struct {
		place ipaas.StatePlace
		name  string
	}
	operations, last := map[key][]component.StateChange{}, map[key]string{}
	var order []key
	for _, w := range waiting {
		at := key{w.place, w.Key}
		if w.Operation == ipaas.StateClear {
			order = slices.DeleteFunc(order, func(k key) bool { return k.place == w.place })
			for k := range operations {
				if k.place == w.place {
					delete(operations, k)
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
		changes = append(changes, p.stateChange(at.place, at.name, last[at], operations[at], redact))
	}
	return changes
}

// replayedState returns what the steps that a replay takes over kept of scope EXECUTION, as changes of the replay.
func (p *Plane) replayedState(executionID string, steps []ipaas.StepResult) ([]storage.StateChange, error) {
	place := ipaas.StatePlace{Scope: ipaas.StateExecution, Owner: executionID}
	var all []waitingChange
	for i := range steps {
		kept, err := p.openExact(steps[i])
		if err != nil {
			return nil, err
		}
		for _, t := range kept.State {
			c, err := t.change(ipaas.StateExecution)
			if err != nil {
				return nil, err
			}
			all = append(all, waitingChange{place: place, StateChange: c, executionID: executionID})
		}
	}
	return p.foldedState(all, nil), nil // nobody is shown it
}

// executionChanges returns those changes of a step that a replay which takes the step over has to make again.
func executionChanges(done engine.Done) []changeText {
	var texts []changeText
	for _, c := range done.State {
		if c.Scope == ipaas.StateExecution {
			texts = append(texts, textOfChange(c))
		}
	}
	return texts
}
