package ipaas

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"
)

// StateScope says who shares what a flow keeps beyond a step, and for how long.
type StateScope string

// The scopes of state.
const (
	StateExecution   StateScope = "EXECUTION"   // the steps of one execution; gone with its payload
	StateFlow        StateScope = "FLOW"        // the executions of one flow of one instance
	StateInstance    StateScope = "INSTANCE"    // all flows of one instance
	StateIntegration StateScope = "INTEGRATION" // all instances of one integration
)

// StateOperation is what is done to the value of a key. It is carried out in the transaction that completes the step: exactly once,
// on what is there then.
type StateOperation string

// The operations on state.
const (
	StateSet       StateOperation = "SET"        // the value is Value
	StateRemove    StateOperation = "REMOVE"     // the key is gone
	StateIncrement StateOperation = "INCREMENT"  // Value, a number, is added to the number there is, or to 0
	StateAppend    StateOperation = "APPEND"     // Values, a list, goes on at the end of the list there is, or of an empty one
	StateTakeOut   StateOperation = "TAKE_OUT"   // every item of the list that equals one of Values is taken out
	StateAddToSet  StateOperation = "ADD_TO_SET" // as APPEND, without the items that are there already
	StateClear     StateOperation = "CLEAR"      // every key of the scope is gone; Key is empty
)

// The bounds of what is kept in one place: a scope of one execution, flow, instance or integration.
const (
	MaxStateKey   = 1024     // bytes of a key
	MaxStateValue = 1 << 20  // bytes of a value, as JSON
	MaxStateKeys  = 10_000   // keys
	MaxStateSize  = 64 << 20 // bytes of all keys and values
)

// StatePlace is where state is kept.
type StatePlace struct {
	Scope  StateScope
	Owner  string // the execution's id, the uid of the instance or the integration; a test instance has its own INTEGRATION, under its uid
	FlowID string // of scope FLOW
}

// StateEntry is one key of a place with its value.
type StateEntry struct {
	ID          string // made from place and key: the same key has the same id, whenever it is set
	Place       StatePlace
	Key         string
	Sealed      string // the value
	Size        int    // bytes of the value, as JSON
	Revision    int64
	ExecutionID string // that changed it last; empty: a person
	CreateTime  time.Time
	UpdateTime  time.Time
}

// NewStateEntry returns an entry of a place, with its id.
func NewStateEntry(place StatePlace, key string) StateEntry {
	var parts strings.Builder
	for _, part := range []string{string(place.Scope), place.Owner, place.FlowID, key} {
		fmt.Fprintf(&parts, "%d:%s", len(part), part) // no other parts give the same
	}
	sum := sha256.Sum256([]byte(parts.String()))
	id := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15])
	return StateEntry{ID: "ste-" + strings.ToLower(id), Place: place, Key: key}
}
