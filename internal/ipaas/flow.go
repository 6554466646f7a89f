package ipaas

import "time"

// Flow is one sequence of steps and the trigger that starts it.
type Flow struct {
	ID          string       `json:"id"`
	UID         string       `json:"uid"`
	StableKey   string       `json:"stable_key,omitempty"` // what it is known by where definitions come from
	DisplayName string       `json:"display_name"`
	Description string       `json:"description,omitempty"`
	Trigger     Trigger      `json:"trigger"`
	Steps       []Step       `json:"steps,omitempty"`
	Synchronous bool         `json:"synchronous,omitempty"`
	Security    FlowSecurity `json:"security,omitempty"`
	TestPayload *TestPayload `json:"test_payload,omitempty"`

	Concurrency      int           `json:"concurrency,omitempty"` // executions of an instance that run side by side; 0: no limit
	Ordering         *Ordering     `json:"ordering,omitempty"`
	Retry            *Retry        `json:"retry,omitempty"`
	DeduplicationKey *Input        `json:"deduplication_key,omitempty"` // of a trigger's results: events with the same are one
	Timeout          time.Duration `json:"timeout,omitempty"`           // of one execution; 0: the server's

	CreateTime time.Time `json:"create_time"`
	UpdateTime time.Time `json:"update_time"`
}

// Ordering says which executions of a flow wait for each other.
type Ordering struct {
	Scope     OrderingScope `json:"scope"`
	Key       *Input        `json:"key,omitempty"` // of a trigger's results, for OrderByKey
	OnFailure FailureEffect `json:"on_failure,omitempty"`
}

// OrderingScope says how far an order reaches.
type OrderingScope string

// The scopes of an order, each within one instance.
const (
	OrderByFlow OrderingScope = "FLOW" // all executions of the flow
	OrderByKey  OrderingScope = "KEY"  // those with the same key; one without a key waits for none
)

// FailureEffect says what a failure does to the executions behind it. The zero value means FailureContinue.
type FailureEffect string

// What a failure does.
const (
	FailureContinue FailureEffect = "CONTINUE" // the next one runs
	FailureBlock    FailureEffect = "BLOCK"    // they wait until it is replayed well, or canceled
)

// Retry says when an execution that failed is tried again.
type Retry struct {
	MaxAttempts int           `json:"max_attempts"` // tries after the first
	Delay       time.Duration `json:"delay,omitempty"`
	Multiplier  int           `json:"multiplier,omitempty"`  // of the delay, from try to try; 0: DefaultRetryMultiplier
	MaxDelay    time.Duration `json:"max_delay,omitempty"`   // 0: MaxRetryDelay
	RequestKey  *Input        `json:"request_key,omitempty"` // of a trigger's results: a newer event with the same ends the retries of an older one
}

// The bounds of what a flow asks for.
const (
	DefaultRetryMultiplier = 2
	DefaultRetryDelay      = 10 * time.Second
	MaxRetryAttempts       = 10
	MaxRetryMultiplier     = 10
	MaxRetryDelay          = 24 * time.Hour
	MaxFlowTimeout         = 15 * time.Minute
	MaxConcurrency         = 1000
	MaxStepAttempts        = 10
	MaxStepDelay           = 5 * time.Minute
)

// DelayBefore returns how long to wait before a try, which are counted from 2 when they are retries.
func (r *Retry) DelayBefore(try int) time.Duration {
	delay, most, by := r.Delay, r.MaxDelay, r.Multiplier
	if delay == 0 {
		delay = DefaultRetryDelay
	}
	if most == 0 {
		most = MaxRetryDelay
	}
	if by == 0 {
		by = DefaultRetryMultiplier
	}
	grown := delay
	for range try - 2 {
		if grown *= time.Duration(by); grown > most {
			break
		}
	}
	return min(grown, most)
}

// Trigger is what starts a flow.
type Trigger struct {
	DisplayName string           `json:"display_name"`
	Description string           `json:"description,omitempty"`
	Type        string           `json:"type"` // component.trigger
	Inputs      map[string]Input `json:"inputs,omitempty"`
	Schedule    *Schedule        `json:"schedule,omitempty"` // of a schedule trigger
}

// The trigger types the plane itself acts on.
const (
	TriggerWebhook        = "webhook-triggers.webhook"
	TriggerInstanceDeploy = "management-triggers.instanceDeploy"
	TriggerInstanceRemove = "management-triggers.instanceRemove"
	TriggerRecursive      = "recursive-flow.recursiveTrigger"
)

// The inputs of TriggerRecursive.
const (
	InputRunOnDeploy   = "runOnDeploy"   // whether every deployment starts the flow
	InputDefaultCursor = "defaultCursor" // where an execution begins that was not started by the one before
)

// TriggerStepID is the step id and path of a trigger among step results; no step may take it.
const TriggerStepID = "trigger"

// Step runs one action of a component.
type Step struct {
	ID          string           `json:"id"`
	StableKey   string           `json:"stable_key,omitempty"`
	DisplayName string           `json:"display_name"`
	Description string           `json:"description,omitempty"`
	Action      string           `json:"action"` // component.action
	Inputs      map[string]Input `json:"inputs,omitempty"`
	Branches    []Branch         `json:"branches,omitempty"`
	Steps       []Step           `json:"steps,omitempty"` // the body of a loop
	OnError     *ErrorHandling   `json:"on_error,omitempty"`
}

// ErrorEffect says what becomes of an execution when a step fails. The zero value means ErrorFail.
type ErrorEffect string

// The effects of a step's failure.
const (
	ErrorFail   ErrorEffect = "FAIL"   // the execution fails
	ErrorIgnore ErrorEffect = "IGNORE" // the flow goes on; the step's key has error in place of results
	ErrorRetry  ErrorEffect = "RETRY"  // the step is tried again
)

// ErrorHandling says what happens when a step fails.
type ErrorHandling struct {
	Effect ErrorEffect `json:"effect"`
	// For RETRY: how often it is tried again, how long after the failure, by how much the wait grows from try to try, and whether the
	// flow goes on, as for IGNORE, when the last try has failed, too.
	MaxAttempts int           `json:"max_attempts,omitempty"`
	Delay       time.Duration `json:"delay,omitempty"`
	Multiplier  int           `json:"multiplier,omitempty"` // 0: 1, the wait stays the same
	IgnoreFinal bool          `json:"ignore_final,omitempty"`
}

// Ignores reports whether the flow goes on when the step has failed for good.
func (h *ErrorHandling) Ignores() bool {
	return h != nil && (h.Effect == ErrorIgnore || h.Effect == ErrorRetry && h.IgnoreFinal)
}

// Retries returns how often a step that failed is tried again.
func (h *ErrorHandling) Retries() int {
	if h == nil || h.Effect != ErrorRetry {
		return 0
	}
	return h.MaxAttempts
}

// DelayBefore returns how long to wait before a try, which are counted from 2 when they are retries.
func (h *ErrorHandling) DelayBefore(try int) time.Duration {
	grown := h.Delay
	for range try - 2 {
		if grown *= time.Duration(max(h.Multiplier, 1)); grown > MaxStepDelay {
			break
		}
	}
	return min(grown, MaxStepDelay)
}

// Branch is one of several ways a flow can take.
type Branch struct {
	Name  string `json:"name"`
	Steps []Step `json:"steps,omitempty"`
}

// ElseBranch is the name of the branch that is taken when no condition holds.
const ElseBranch = "Else"

// FlowSecurity says which requests at a flow's URL are let in. The zero value means SecurityCustomerOptional.
type FlowSecurity string

// The securities of a flow.
const (
	SecurityUnsecured        FlowSecurity = "UNSECURED"         // all, keys are not looked at
	SecurityCustomerOptional FlowSecurity = "CUSTOMER_OPTIONAL" // all, until the flow of the instance has a key; then those with one
	SecurityCustomerRequired FlowSecurity = "CUSTOMER_REQUIRED" // those with a key of the instance's flow
	SecurityOrganization     FlowSecurity = "ORGANIZATION"      // those with a key of the integration's flow
)

// TestPayload is what a test sends to a flow's trigger in place of a webhook.
type TestPayload struct {
	Kind        BodyKind          `json:"kind,omitempty"`
	Text        string            `json:"text,omitempty"` // the body of kinds text and json
	Binary      []byte            `json:"binary,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	ContentType string            `json:"content_type,omitempty"`
	Method      string            `json:"method,omitempty"`
	Query       map[string]string `json:"query,omitempty"`
	Path        string            `json:"path,omitempty"`
}

// BodyKind tells how the body of a test payload was given.
type BodyKind string

// The kinds of bodies. The zero value means an empty body.
const (
	BodyText   BodyKind = "text"
	BodyJSON   BodyKind = "json"
	BodyBinary BodyKind = "binary"
)
