package sqldb

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// What a step writes is estimated before it is made, so that the writer knows in which line it stands. Only what can be large counts.

func sizeOfPayload(p *ipaas.Payload) int { return len(p.Body) }

func sizeOfStep(s *ipaas.StepResult) int {
	return len(s.Inputs) + len(s.Result) + len(s.Exact) + len(s.Error)
}

func sizeOfSteps(steps []ipaas.StepResult) (bytes int) {
	for i := range steps {
		bytes += sizeOfStep(&steps[i])
	}
	return bytes
}

// sizeOfEnd is what the end of an execution takes, with what happened before.
func sizeOfEnd(ex *ipaas.Execution, before []storage.Progress) int {
	bytes := len(ex.Result)
	for i := range before {
		bytes += sizeOfSteps(before[i].Steps)
	}
	if ex.Response != nil {
		bytes += len(ex.Response.Body)
	}
	return bytes
}

const selectStateSize = `SELECT size FROM state_entries WHERE owner = $1 AND scope = $2 AND flow_id = $3 AND key = $4`

// sizeOfState is what changes write. One that goes by what is there is taken to write as much again.
func (db *DB) sizeOfState(ctx context.Context, changes []storage.StateChange) (bytes int) {
	for i := range changes {
		c := &changes[i]
		switch {
		case c.Sealed != "":
			bytes += len(c.Sealed)
		case c.Value != nil:
			bytes += len(c.Value.Sealed)
		case c.Next != nil:
			var size int
			err := db.view(func(q querier) error {
				return q.row(ctx, selectStateSize, []any{c.Place.Owner, c.Place.Scope, c.Place.FlowID, c.Key}, &size)
			})
			if err == nil { // whatever is wrong, the step will meet it
				bytes += size
			}
			bytes += c.Adds
		}
	}
	return bytes
}

func (db *DB) sizeOfEffects(ctx context.Context, effects []storage.StepEffects) (bytes int) {
	for i := range effects {
		bytes += sizeOfSteps(effects[i].Before.Steps) + db.sizeOfState(ctx, effects[i].State)
		for j := range effects[i].Starts {
			bytes += sizeOfPayload(&effects[i].Starts[j].Execution.Payload)
		}
	}
	return bytes
}
