package component

import "github.com/headrace/headrace/internal/value"

// Surroundings is what a run has come to when a step begins. Few actions need more than their inputs: those that run code do.
type Surroundings interface {
	// Trigger returns the trigger's results, URLs included.
	Trigger() *value.Object
	// Results returns, by key as in references, what the steps so far have come to: an object with results, or with error for a step
	// whose failure was ignored, and currentItem and index of the loops around the step. The trigger is among them.
	Results() *value.Object
	// Config returns the resolved config values by display name. Connections are objects with their inputs as fields.
	Config() *value.Object
}
