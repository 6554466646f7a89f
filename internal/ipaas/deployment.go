package ipaas

import "time"

// Deployment is one attempt to bring an instance to a version and its config, as a transaction.
type Deployment struct {
	ID           string
	InstanceID   string
	State        DeploymentState
	Candidate    Generation // what it makes; serves from the commit on
	ExecutionIDs []string
	Error        *DeploymentError
	SourceID     string               // the earlier deployment that a rollback repeats; empty: none
	Changes      []RegistrationChange // what it did in other systems; known when it has ended
	RequestID    string               // to join it by; empty: cannot be joined
	RequestHash  string               // of the request it joins, so that another request with the same id is refused
	Resumes      int                  // how often it was carried on after the server had stopped
	Deadline     time.Time
	CreateTime   time.Time
	EndTime      time.Time
}

// DeploymentState is where a deployment is.
type DeploymentState string

// The states of a deployment.
const (
	DeploymentRunning     DeploymentState = "RUNNING"
	DeploymentRollingBack DeploymentState = "ROLLING_BACK"
	DeploymentSucceeded   DeploymentState = "SUCCEEDED"
	DeploymentFailed      DeploymentState = "FAILED"
)

// Ended reports whether the deployment is over.
func (s DeploymentState) Ended() bool { return s == DeploymentSucceeded || s == DeploymentFailed }

// DeploymentError tells why a deployment failed. The JSON of this type is the format on disk.
type DeploymentError struct {
	Reason      Reason `json:"reason"`
	Message     string `json:"message"`
	FlowID      string `json:"flow_id,omitempty"`
	StepID      string `json:"step_id,omitempty"`
	ExecutionID string `json:"execution_id,omitempty"`
	Retryable   bool   `json:"retryable,omitempty"` // the same deployment may succeed later
}

// Registration is a row of the ledger: a remote object created for an instance. The row is committed as an intent before the
// call that creates the object.
type Registration struct {
	ID               string
	InstanceID       string
	FlowID           string
	StepID           string
	Key              string // identifies it within instance and flow: step id and loop path
	Action           string // component.action that created it
	ComponentVersion int    // 0: built-in
	DeploymentID     string // that created it; empty: a test or an ordinary execution did
	ExecutionID      string
	Generation       int // of the deployment that created it; 0: none
	ConfigRevision   int64
	ConfigVariable   string // id of the connection's config variable, whose credentials undo it
	Target           string // digest of connection, address and account it was created in
	InputsHash       string
	InputsSealed     string // resolved inputs, exact, for undo
	ResultSealed     string // the creating action's result, exact, returned again when it is kept
	RemoteID         string
	State            RegistrationState
	Error            string    // of the last try to remove it
	Adopted          bool      // found in the other system, not created by the call of this row
	ChangedBy        string    // the deployment that updated it last; empty: none did
	BeforeImage      string    // sealed; what it was before that deployment, to be restored; empty: nothing is to be restored
	Sequence         int64     // order of creation and of the last update; undo runs backwards
	Tries            int       // to remove it, that failed
	FailTime         time.Time // of the first of those
	LastTryTime      time.Time
	NextTryTime      time.Time // zero: only by hand
	CreateTime       time.Time
	UpdateTime       time.Time
}

// RegistrationState is what is known of a remote object.
type RegistrationState string

// The states of a registration.
const (
	RegistrationIntent        RegistrationState = "INTENT"         // the call may or may not have been made
	RegistrationCreated       RegistrationState = "CREATED"        //
	RegistrationRemovePending RegistrationState = "REMOVE_PENDING" // decided, not done yet
	RegistrationRemoved       RegistrationState = "REMOVED"        //
	RegistrationRemoveFailed  RegistrationState = "REMOVE_FAILED"  // tried and refused; a debt
	RegistrationAbandoned     RegistrationState = "ABANDONED"      // the creating call certainly did nothing
	RegistrationUnconfirmed   RegistrationState = "UNCONFIRMED"    // it may exist, and cannot be looked up; a debt
	RegistrationForgiven      RegistrationState = "FORGIVEN"       // a debt that was written off
)

// RegistrationChange tells what a deployment did with one registration. The JSON of this type is the format on disk.
type RegistrationChange struct {
	Kind           ChangeKind `json:"kind"`
	RegistrationID string     `json:"registration_id"`
}

// ChangeKind tells what was done with a registration.
type ChangeKind string

// The kinds of changes.
const (
	ChangeCreated         ChangeKind = "CREATED"
	ChangeKept            ChangeKind = "KEPT"
	ChangeAdopted         ChangeKind = "ADOPTED"
	ChangeUpdated         ChangeKind = "UPDATED"
	ChangeRestored        ChangeKind = "RESTORED"
	ChangeRestoreFailed   ChangeKind = "RESTORE_FAILED"
	ChangeUnconfirmed     ChangeKind = "UNCONFIRMED"
	ChangeUndone          ChangeKind = "UNDONE"
	ChangeObsoleteRemoved ChangeKind = "OBSOLETE_REMOVED"
	ChangeRemoveFailed    ChangeKind = "REMOVE_FAILED"
	ChangeHandedOver      ChangeKind = "HANDED_OVER"
)
