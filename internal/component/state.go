package component

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// State reads what flows keep. It sees what steps of this execution have changed before, and what others have. Reading a value and
// setting another one that was made of it is two steps: who wants it to be one uses an operation of StateChange.
type State interface {
	// Get returns the value of a key, and whether there is one.
	Get(ctx context.Context, scope ipaas.StateScope, key string) (any, bool, error)
	// All returns every key of a scope with its value, sorted by key.
	All(ctx context.Context, scope ipaas.StateScope) (*value.Object, error)
}

// StateChange is one operation on what flows keep.
type StateChange struct {
	Scope     ipaas.StateScope
	Operation ipaas.StateOperation
	Key       string
	Value     any  // of SET and INCREMENT; a list for APPEND, TAKE_OUT and ADD_TO_SET
	AsResult  bool // the step's result is the value that the key has then; at most one change of a step has it set
}
