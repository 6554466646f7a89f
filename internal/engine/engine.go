// Package engine runs one flow to its end and reports what happened.
// It knows neither storage nor transport: what it needs comes in a Run, and it works through the Host it is given.
package engine

import (
	"context"
	"errors"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// Run is all that running a flow takes.
type Run struct {
	Program     *Program
	FlowID      string
	ExecutionID string          // the origin execution: idempotency keys are made from it, so that a replay sends the same ones
	Trigger     *value.Object   // the trigger's results, URLs included
	Config      map[string]any  // resolved values by config variable id; connections are *component.Connection
	Hop         int             // how many of our own hooks led here
	Cursor      any             // where a recursive flow begins
	Customer    string          // whose share of the memory it draws on
	Release     func()          // lets go of what was reserved for what the run begins with; nil: nothing was
	State       component.State // what flows keep; nil: nothing is kept
	StandIns    StandIns        // of a test; nil: there are none
}

// Outcome is how a flow ended. A step that fails is an outcome, not an error.
type Outcome struct {
	State    ipaas.ExecutionState // SUCCEEDED, FAILED or CANCELED
	Error    *ipaas.ExecutionError
	Result   any             // of a run that succeeded: the result of the last step that ran
	Response *ipaas.Response // set by a step that stopped the flow with an answer of its own
	Passing  bool            // of a run that failed: what made it fail may be over later
}

// Host is what the engine works through. Its errors, except those of Call and Remove, say that the host refused to record: the lease is
// lost, the disk is full. The engine then stops at once, causes no more effects and returns the error.
//
// All but these two are given a context that does not end when the run's does: how a canceled step ended is recorded, too.
type Host interface {
	// Begin announces that a step is about to run. If an earlier attempt completed it, what it recorded is returned and the step
	// is not run again; if it only decided something, or some of its tries failed, that comes back in Done with Decided set, and the
	// step goes on from there. That a Quiet step begins need not be durable, nor how it ended, until something begins that is not
	// Quiet, or the run ends.
	Begin(ctx context.Context, step Step) (*Done, error)
	// Decide records what a step decided before its inner steps run: the items of a loop, and what it logged so far. Resuming
	// re-decides nothing.
	Decide(ctx context.Context, step Step, done Done) error
	// Intent announces, durably, that a step is about to create a remote object, and decides what becomes of it: it is there already
	// and kept, it is to be updated, or it is to be created. It may be called again for the same step, with Anew set, where an object
	// that was to be updated turns out to be gone.
	Intent(ctx context.Context, creation Creation) (Decision, error)
	// Call runs the action of a step. The ordinary host gives the call its client and calls action.Perform. The error is the
	// action's: it fails the step. A panic is caught.
	// What the result starts is the host's to keep, until the step is completed well.
	Call(ctx context.Context, step Step, action *component.Action, call component.Call) (component.Result, error)
	// Remove removes what the run's instance has registered under a key, or everything for "", and returns what became of it. The error
	// fails the step, as Call's does.
	Remove(ctx context.Context, step Step, key string) (any, error)
	// Tried records that a try of a step failed after which another one follows: how many there were, what it logged and what became of
	// what it was to create. An attempt that finds the step begun later is given the number back.
	Tried(ctx context.Context, step Step, done Done) error
	// Complete records in one step how a step ended, what it logged, created and started, and what it changed of what flows keep. It returns
	// how the step ended after all: a change or a start may be refused, which fails it, and either may make its result.
	Complete(ctx context.Context, step Step, done Done) (Done, error)
}

// ErrInterrupted is the cause to cancel a run's context with when the server stops or has lost the run: nothing more is recorded, so
// that the run can be resumed where it stood. Canceled with any other cause, a run is over.
var ErrInterrupted = errors.New("the run was interrupted")

// Step is a step at its place in a run.
type Step struct {
	Path        string // step id and the loop rounds around it, e.g. sync-items[3].post-item; branches leave no trace
	ID          string
	Key         string // by which references name it
	DisplayName string
	Action      string           // component.action
	Effect      ipaas.Effect     // progress must be durable before it reads or writes
	Quiet       bool             // it only computes: run once more, nobody could tell
	Inputs      component.Inputs // resolved
	Ignores     bool             // the flow goes on if it fails
	StandIn     bool             // its action is not run: there is none, or a test supplies what it comes to
}

// Done is how a step ended, or, with Decided set, what it decided.
type Done struct {
	Result   any
	Error    string // empty: it ended well
	Ignored  bool   // it failed, and the flow goes on
	Tries    int    // how often it was tried, by all attempts
	Branch   string
	Items    []any // of a loop; nil: it has not decided them
	Decided  bool
	Stop     *ipaas.Response
	Break    bool
	Logs     []ipaas.Log
	State    []component.StateChange
	Creation *Creation // what it created, or tried to; nil for a kept object, and where there is nothing to undo
	Unknown  bool      // it failed, and what it tried to create may exist
	Passing  bool      // it failed for what may be over later

	// Cause is why the run fails with this step, where that is not the step's own failure: an inner step's, for a loop, or the end of
	// the run's time. Canceled tells that the step was cut short since the run was canceled. A host that resumes gives them back.
	Cause    *ipaas.ExecutionError
	Canceled bool

	Start time.Time
	End   time.Time
}

// Creation is a remote object that a step is about to create: its action declares an undo.
type Creation struct {
	ID               string // given by the host in the Decision
	Step             Step
	FlowID           string
	Component        *component.Component
	Action           *component.Action
	Key              string // the step's path, step id and loop rounds, or what the step says: identifies the object within instance and flow
	Target           string // digest of connection, address and account
	InputsHash       string
	ConfigVariableID string // of the connection
	Ensure           bool   // one that is there already, whoever created it, is adopted
	Anew             bool   // what was to be updated is gone

	Updated bool // how it came out: it was there and was updated, or was to be
	Adopted bool // how it came out: it was found in the other system
}

// Decision is what the host made of an intent. With neither Kept nor Update the object is to be created.
type Decision struct {
	ID     string // of the ledger row
	Kept   bool   // the object is as it should be: the step is not run, and Result is its result
	Update bool   // the object is there with other inputs: Result is what is recorded of it
	Result any    // of a kept object, or one to update
	// Doubtful tells that an earlier attempt may have created the object: it is looked for before it is created.
	Doubtful bool
	// Taken reports whether an object that was found, by its remote id, is known as another one than this. Nil: none is.
	Taken func(remoteID string) (bool, error)
}

// Engine runs flows.
type Engine struct {
	// Now is the clock.
	Now func() time.Time
	// StepTimeout bounds one step. 0: DefaultStepTimeout.
	StepTimeout time.Duration
	// LookAgain is how long is waited between looks for an object that a call may have created whose answer was lost: the other system
	// may still be at it. Empty: one look.
	LookAgain []time.Duration
	// Memory is what all runs draw on for what they hold. Nil: there is no bound.
	Memory *Memory
	// MaxSteps bounds how many steps one run may take, loop rounds included. 0: DefaultMaxSteps.
	MaxSteps int
}

// The bounds of a run where nothing else is said.
const (
	DefaultStepTimeout = 5 * time.Minute
	DefaultMaxSteps    = 100_000
)

// The bounds of what steps give, as value.Size has it. A result is held as long as a step may come that sees it.
const (
	maxResult  = 32 << 20
	maxResults = 256 << 20
)
