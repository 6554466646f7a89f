package ipaas

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

// MaxStateKey bounds the bytes of a key.
const MaxStateKey = 1024
