// Package component says what a connector is: actions that steps run and triggers that start flows, each with the inputs it
// declares. The registry is a value. Shipped components are in builtin, those described as data in declarative.
// It must not know flows, storage or any wire.
package component

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
)

// Component is a connector that can be run.
type Component struct {
	ID              string
	DisplayName     string
	Description     string
	Version         int // 0: built-in
	ConnectionTypes []ipaas.ConnectionType
	Actions         []Action
	Triggers        []Trigger
}

// Sweeps reports whether an action removes what others have created, as far as can be told: it sends DELETE, or another one's creation is
// undone with it.
func (c *Component) Sweeps(key string) bool {
	return slices.ContainsFunc(c.Actions, func(a Action) bool {
		return a.Undo != nil && a.Undo.Action == key || a.Key == key && a.Request != nil && a.Request.Method == http.MethodDelete
	})
}

// Action is one thing a component can do. Exactly one of Perform, Items, Delegate and Removes is set.
type Action struct {
	ipaas.Action // what it declares

	// Perform does it. An error fails the step; its text is shown to people, so it names the thing, the trouble and the way out.
	Perform func(ctx context.Context, call Call) (Result, error)
	// Items gives what a loop goes over; the engine runs the step's inner steps once for each.
	Items func(ctx context.Context, call Call) ([]any, error)
	// LooksAround tells that it is given the surroundings of its step beside the inputs. The results of all steps are kept for it.
	LooksAround bool
	// Breaks tells that it ends the innermost loop, so that a definition with it outside a loop can be refused.
	Breaks bool
	// Stops tells that it may end the execution well before its last step.
	Stops bool
	// BranchNames returns the names of branches the inputs may choose, for checking a definition; nil: cannot be told before it runs.
	BranchNames func(inputs map[string]ipaas.Input) []string
	// Target tells, for an action with undo, where the object lives: connection address and account. An object whose target
	// changed is created anew. Default: the connection's inputs that are not secret.
	Target func(in Inputs) string
	// Delegate names, for an action that has another one create something, that action and its inputs. It is run in place of Perform,
	// and what it creates is its own in every respect but the key.
	Delegate func(in Inputs, registry Registry) (Delegation, error)
	// CheckDelegate refuses a step whose Delegate is certain to fail. typeOf gives the connection type of a config variable.
	CheckDelegate func(inputs map[string]ipaas.Input, typeOf func(variable string) string, registry Registry) error
	// Lasts tells of one whose effect is PURE that it waits, or runs code: it is shown as under way before it begins. Other pure actions
	// are given no Client and no Scripts, and may be run once more unseen.
	Lasts bool
	// StartsFlow is the key of the input that names the flow which the action starts, so that a definition without it can be refused.
	StartsFlow string
	// SetsCursor tells that its result is the cursor of a recursive flow from here on.
	SetsCursor bool
	// Removes names, for an action that removes what is registered, the key it is registered under; "" is everything of the instance.
	// The host removes it, in place of Perform.
	Removes func(in Inputs) (key string, err error)
}

// Delegation is the action that another one runs in its place.
type Delegation struct {
	Component *Component
	Action    *Action // declares an undo
	Inputs    Inputs
	Key       string // what the object is known by; "": by the step
}

// Call is one run of an action: what it is asked, where in a run of a flow it stands, and what it may use. Everything beside the inputs
// comes from the engine and its host; an action that is tried alone needs no more of it than it reads.
type Call struct {
	Inputs         Inputs
	IdempotencyKey string // equal for every attempt of the same step; sent by actions that write over HTTP

	// Where it stands.
	StepID       string       // the step's; empty outside of a flow
	Surroundings Surroundings // what the run has come to; nil outside of a flow, and for an action that does not look around
	Cursor       any          // where a recursive flow stands
	Now          time.Time    // when the step began, by the engine's clock; an action that needs the time takes it from here
	Hop          int          // how many of our own hooks led here
	// Patient tells that it is worth to wait for another system that says it is busy: a deployment that fails is undone whole.
	Patient bool

	// What it may use.
	Client  *outbound.Client // the only way out
	State   State            // what flows keep; nil where nothing is kept
	Scripts Scripts          // runs code; nil: the server runs none
	Log     func(severity ipaas.Severity, message string)
}

// Result is what an action did.
type Result struct {
	Data any // the step's result: a value (see package value)

	Branch string          // the branch to take, for an action that chooses one; must be one of the step's, else none runs
	Stop   *ipaas.Response // ends the execution well, with this answer for a synchronous caller
	Break  bool            // ends the innermost loop

	State       []StateChange // carried out in order, in the transaction that completes the step
	Invocations []Invocation  // executions that this one starts, in the transaction that completes the step
}

// Trigger is one way to start a flow.
type Trigger struct {
	ipaas.TriggerType // what it declares

	// Receive looks at what came in before a flow runs: it answers handshakes, refuses what is not genuine, and shapes the answer
	// that an asynchronous caller gets at once. It must be quick and must not call out.
	Receive func(ctx context.Context, request Request) (Reception, error)
}

// Request is what came in at a flow's URL, with the trigger's resolved inputs.
type Request struct {
	Payload ipaas.Payload
	Inputs  Inputs
}

// Reception is what Receive decided.
type Reception struct {
	// Answer, if set, is sent at once and no flow runs: a handshake.
	Answer *ipaas.Response
	// Acknowledge, if set, is what an asynchronous caller is answered once the event is on disk, in place of 200 and the
	// execution's id. The header Headrace-Execution-Id is added to it.
	Acknowledge *ipaas.Response
}

// Refuse is an error by which Receive refuses a request with a status: 401 for a bad signature, 400 for one that is malformed.
type Refuse struct {
	Status  int
	Message string
}

func (r *Refuse) Error() string { return r.Message }

// HTTPStatus returns the status to refuse with.
func (r *Refuse) HTTPStatus() int { return r.Status }

// NewRefuse returns a refusal with the status's own words before the message.
func NewRefuse(status int, message string) *Refuse {
	return &Refuse{Status: status, Message: http.StatusText(status) + ": " + message}
}

// Describe returns what the catalogue shows of a built-in component.
func (c *Component) Describe() ipaas.Component {
	d := ipaas.Component{
		ID: c.ID, UID: c.ID, DisplayName: c.DisplayName, Description: c.Description,
		Kind: ipaas.ComponentBuiltin, Version: max(c.Version, 1), ConnectionTypes: c.ConnectionTypes,
	}
	for _, a := range c.Actions {
		d.Actions = append(d.Actions, a.Action)
	}
	for _, t := range c.Triggers {
		d.Triggers = append(d.Triggers, t.TriggerType)
	}
	return d
}

// Action returns the action with a key, or nil.
func (c *Component) Action(key string) *Action {
	for i := range c.Actions {
		if c.Actions[i].Key == key {
			return &c.Actions[i]
		}
	}
	return nil
}

// Trigger returns the trigger with a key, or nil.
func (c *Component) Trigger(key string) *Trigger {
	for i := range c.Triggers {
		if c.Triggers[i].Key == key {
			return &c.Triggers[i]
		}
	}
	return nil
}

// ConnectionType returns the connection type with a key, or nil.
func (c *Component) ConnectionType(key string) *ipaas.ConnectionType {
	for i := range c.ConnectionTypes {
		if c.ConnectionTypes[i].Key == key {
			return &c.ConnectionTypes[i]
		}
	}
	return nil
}
