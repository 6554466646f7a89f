package ipaas

import (
	"slices"
	"time"
)

// Execution is one run of one flow of one instance.
type Execution struct {
	ID              string
	InstanceID      string
	CustomerID      string
	IntegrationID   string
	Version         int    // 0: the draft
	DefinitionHash  string // set when it first starts
	FlowID          string
	FlowDisplayName string
	DeploymentID    string
	Generation      int   // set when it first starts; 0: none, as in tests
	ConfigRevision  int64 // set when it first starts
	State           ExecutionState
	Held            bool // queued, but must wait: for the instance to be resumed or deployed
	Invoke          InvokeType
	Test            bool
	Endpoint        bool // it came in at a URL that several flows share
	Inline          bool // someone waits for its answer: it runs at once, and is not taken over after a crash
	Attempts        int  // how often it was started; the number of the one that runs is what it holds its lease by
	Crashes         int  // attempts that ended with their server
	Canceling       bool // it runs, and was told to stop

	OriginID     string    // the first of the line of retries and replays it stands in; its own id if it is the first
	RetryOf      string    // the try before it
	ReplayOf     string    // the execution it is a replay of
	SupersededBy string    // the newest retry or replay of it
	Try          int       // counted from 1 in a line of retries
	WakeTime     time.Time // a retry does not start before
	RequestKey   string    // hash of what tells that a newer event takes the place of its retries; empty: nothing does

	InvokedBy    string    // the execution whose step started it
	RootID       string    // the first of the line of executions that started each other; its own id if it is the first
	Depth        int       // how many cross-flow calls lie between that and it
	ScheduleTime time.Time // the time it is the run for, of one that the clock started

	FlowKeyID      string // the id of the key that let the request in; empty: none was asked for
	PreprocessedBy string // the execution of the flow that looked at the request first, and sent it here
	RoutedTo       string // of such an execution: where the request went

	Lane        string        // the order it keeps among the executions of its flow; empty: none
	OrderingKey string        // what its lane was made from, as it is shown
	OnFailure   FailureEffect // what its failure does to its lane
	Blocked     bool          // queued behind another one of its lane
	Blocking    bool          // it has failed, and its lane waits until it is replayed or canceled

	Payload        Payload
	PayloadExpired bool // payload, results and logs were cleared away, since it ended long ago
	Error          *ExecutionError
	Result         string // redacted, in the storage form of values
	Response       *Response
	CreateTime     time.Time
	StartTime      time.Time
	EndTime        time.Time
	LeaseTime      time.Time // a running execution whose lease has ended is taken over
}

// ExecutionState is where an execution is.
type ExecutionState string

// The states of an execution.
const (
	ExecutionQueued     ExecutionState = "QUEUED"
	ExecutionRunning    ExecutionState = "RUNNING"
	ExecutionSucceeded  ExecutionState = "SUCCEEDED"
	ExecutionFailed     ExecutionState = "FAILED"
	ExecutionCanceled   ExecutionState = "CANCELED"
	ExecutionDeadLetter ExecutionState = "DEAD_LETTER"
)

// Ended reports whether the execution is over.
func (s ExecutionState) Ended() bool { return s != ExecutionQueued && s != ExecutionRunning }

// InvokeType tells what started an execution.
type InvokeType string

// The invoke types.
const (
	InvokeWebhook        InvokeType = "WEBHOOK"
	InvokeTest           InvokeType = "TEST"
	InvokeInstanceDeploy InvokeType = "INSTANCE_DEPLOY"
	InvokeInstanceRemove InvokeType = "INSTANCE_REMOVE"
	InvokeCrossFlow      InvokeType = "CROSS_FLOW" // a step of another flow, or of its own
	InvokeRecursive      InvokeType = "RECURSIVE"  // the execution before it of a recursive flow, or a deployment that began one
	InvokeSchedule       InvokeType = "SCHEDULE"
)

// EventTypes are the invoke types of events: what stands in the queue, is tried again, and can be replayed.
var EventTypes = []InvokeType{InvokeWebhook, InvokeCrossFlow, InvokeRecursive, InvokeSchedule}

// Event reports whether an execution was started by an event.
func (t InvokeType) Event() bool { return slices.Contains(EventTypes, t) }

// The bounds of executions that start each other.
const (
	MaxInvocationDepth = 100     // cross-flow calls in a line
	MaxInvocations     = 100     // that one step starts
	MaxInvocationData  = 6 << 20 // bytes that one is given

	QuickRecursions = 1000        // of a recursive flow that follow each other at once; those behind them wait
	RecursionDelay  = time.Second // so long, so that a line without an end does little harm
)

// ExecutionError tells why an execution failed. The JSON of this type is the format on disk.
type ExecutionError struct {
	Reason   ExecutionReason `json:"reason"`
	Message  string          `json:"message"`
	StepID   string          `json:"step_id,omitempty"`
	StepPath string          `json:"step_path,omitempty"`
}

// ExecutionReason names a kind of failure of an execution.
type ExecutionReason string

// The reasons an execution fails.
const (
	ExecutionStepFailed    ExecutionReason = "STEP_FAILED"
	ExecutionTriggerFailed ExecutionReason = "TRIGGER_FAILED" // no step ran: the trigger refused the payload, or the flow cannot be run
	ExecutionTimeout       ExecutionReason = "TIMEOUT"
	ExecutionInterrupted   ExecutionReason = "INTERRUPTED" // the server stopped while it ran and it may not run again
	ExecutionExpired       ExecutionReason = "EXPIRED"     // held too long
	ExecutionCrashed       ExecutionReason = "CRASHED"     // the server ended while it ran, again and again
	ExecutionTooLarge      ExecutionReason = "TOO_LARGE"   // its steps wrote more than an execution may
	ExecutionFault         ExecutionReason = "FAULT"       // the server met a fault of its own
	ExecutionNotRouted     ExecutionReason = "NOT_ROUTED"  // its flow looked at a request first, and the request was for no flow that there is
	ExecutionSuperseded    ExecutionReason = "SUPERSEDED"  // a newer event with the same request key came
	ExecutionRolledBack    ExecutionReason = "ROLLED_BACK" // the deployment that started it was undone
)

// Payload is what came in at a flow's trigger. The JSON of this type is the format on disk.
type Payload struct {
	Method      string      `json:"method,omitempty"`
	Path        string      `json:"path,omitempty"` // what follows the token
	Query       []NamedText `json:"query,omitempty"`
	Headers     []NamedText `json:"headers,omitempty"` // names as received
	ContentType string      `json:"content_type,omitempty"`
	Body        []byte      `json:"body,omitempty"`       // as received, for signatures
	KeyHash     string      `json:"key_hash,omitempty"`   // of the key that it brought, where the flow that asks for it is not known yet
	Invocation  string      `json:"invocation,omitempty"` // sealed: what the execution that started it gave it
}

// Unowned reports whether an execution looks at a request before it is known whose that is: it runs for the integration, without config.
func (ex *Execution) Unowned() bool { return ex.Endpoint && ex.CustomerID == "" && !ex.Test }

// NamedText is a text with a name; names may repeat.
type NamedText struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Response is what the caller of a webhook is answered. The JSON of this type is the format on disk.
type Response struct {
	Status  int         `json:"status"`
	Headers []NamedText `json:"headers,omitempty"`
	Body    []byte      `json:"body,omitempty"`
}

// StepResult is what one step did in one execution.
type StepResult struct {
	ExecutionID string
	Sequence    int64  // order in which the steps began, counted from 1
	Path        string // e.g. sync-items[3].post-item; the trigger's is trigger
	StepID      string
	DisplayName string
	Action      string
	State       StepState
	Inputs      string // redacted, in the storage form of values
	Result      string // redacted, in the storage form of values
	Exact       string // sealed result, where redaction changed something or it holds choices a resume needs
	Redacted    bool
	Error       string
	Ignored     bool // it failed, and the flow went on
	Tries       int  // that have ended
	Branch      string
	StandIn     bool // what a test supplied stood in for the action, which was not run
	StartTime   time.Time
	EndTime     time.Time
}

// StepState is where a step is.
type StepState string

// The states of a step.
const (
	StepRunning   StepState = "RUNNING"
	StepSucceeded StepState = "SUCCEEDED"
	StepFailed    StepState = "FAILED"
)

// Log is one line a flow wrote.
type Log struct {
	ExecutionID string
	Sequence    int64
	Severity    Severity
	Message     string
	StepPath    string
	CreateTime  time.Time
}

// MaxLogMessage is the most characters of a log line; the rest is cut.
const MaxLogMessage = 4096

// Cut returns a text without what goes beyond so many characters.
func Cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// Severity is how much a log line matters.
type Severity string

// The severities.
const (
	SeverityDebug Severity = "DEBUG"
	SeverityInfo  Severity = "INFO"
	SeverityWarn  Severity = "WARN"
	SeverityError Severity = "ERROR"
)
