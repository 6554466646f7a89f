package storage

import (
	"context"
	"errors"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// States keeps what flows keep beyond a step: by place and key, under seal. What is kept in a place is bounded: at most
// ipaas.MaxStateKeys keys, and ipaas.MaxStateSize bytes of keys and values together. It goes with its owner: that of an execution with
// its payload, that of an instance when its deletion is finished, that of an integration with it.
type States interface {
	// GetState returns the entry of a key.
	GetState(ctx context.Context, place ipaas.StatePlace, key string) (ipaas.StateEntry, error)
	// ListState returns at most limit entries of a place with a key above after, by key.
	ListState(ctx context.Context, place ipaas.StatePlace, after string, limit int) ([]ipaas.StateEntry, error)
	// ListStateKeys returns at most limit keys of a place above after, in order.
	ListStateKeys(ctx context.Context, place ipaas.StatePlace, after string, limit int) ([]string, error)
	// ListStateChanges returns the changes that wait for the commit of a deployment with a sequence above after, in the order in which they
	// were made, numbered from 1.
	ListStateChanges(ctx context.Context, deploymentID string, after int64) ([]StateChange, error)
	// GetStateEntry returns the entry with an id, if one of the owners has it.
	GetStateEntry(ctx context.Context, id string, owners []string) (ipaas.StateEntry, error)
	// ListStateEntries lists entries of two owners, without their values. Fields: scope, flow_id, key, size, create_time, update_time.
	// Default order: key.
	ListStateEntries(ctx context.Context, owners [2]string, q Query) (Page[ipaas.StateEntry], error)
	// ChangeState carries out changes that a person asked for. With a base it is Conflict STALE_ETAG if that is not the revision of the
	// entry of the first change, and NotFound if there is none.
	ChangeState(ctx context.Context, changes []StateChange, base int64, now time.Time, w Write) error
	// ForgetState deletes all that an owner keeps.
	ForgetState(ctx context.Context, owner string) error
}

// StateChange is a change of one key, or of a whole place. Changes are carried out in order, in the transaction of the method that they
// are given to, each on what is there then: two that come at once are one after the other, and none is lost. If one is refused, nothing of
// the method happens. A key that grows a place beyond its bounds is Exhausted with reason STATE_FULL; a place whose owner is deleted is
// Gone INSTANCE_REMOVED.
type StateChange struct {
	Place       ipaas.StatePlace
	Key         string // empty: nothing is kept in the place from here on; Value and Next are nil
	ExecutionID string // that makes it; empty: a person
	// Value is what the key is to have, whatever it has: Next is not asked then, and nothing is read that may be large.
	Value *StateValue
	// Next returns what the key is to have, nil for nothing, given what it has, nil if it has nothing. It must be quick and depend on
	// nothing else, since it may be asked more than once. step is the step that is completed with the change, which Next may complete
	// with what it finds; nil elsewhere. Its error refuses the change, and is returned as it is.
	Next func(current *StateValue, step *ipaas.StepResult) (next *StateValue, err error)
	// Adds is about how many bytes Next adds to what the key has. What is stored does not depend on it, only who waits for whom.
	Adds int
	// Sealed is the change as it waits for the commit of the execution's deployment, while that is RUNNING. Once it has SUCCEEDED, the change
	// is carried out like any; of one that is undone it is Gone INSTANCE_REMOVED. At most so many bytes as a place may hold wait for one
	// deployment, Exhausted STATE_FULL beyond.
	Sealed string
	// Sequence is that of one that waits. Given with a change it is ErrOvertaken if the change would wait with another one.
	Sequence int64
}

// ErrOvertaken is the error of a step whose change of state waits behind others than it knew.
var ErrOvertaken = errors.New("another change of state was made meanwhile")

// StateValue is the value of a key.
type StateValue struct {
	Sealed string
	Size   int // of the value itself, as JSON
}
