package component

// Invocation is an execution that a step starts: of another flow of the same instance, or of its own flow once more. It is queued with
// the step's completion or not at all, and knows who started it.
type Invocation struct {
	// Flow is the display name or id of the flow; "" is the step's own.
	Flow string
	// Data is what its trigger gives as body.data.
	Data any
	// Cursor is where a recursive flow goes on; nil: it begins anew.
	Cursor any
	// Recursive tells that it is the next of a recursive flow: an execution, with all that tries it again, has one such at most.
	Recursive bool
	// AsResult tells that the step's result is {executionId}, the id of the execution; at most one of a step has it set. In a test no
	// other execution is started, and the id is empty.
	AsResult bool
}
