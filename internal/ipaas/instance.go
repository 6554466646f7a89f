package ipaas

import "time"

// Instance is an integration as one customer has it, or the one instance on which an integration's draft is tested.
type Instance struct {
	ID             string
	UID            string
	Kind           InstanceKind
	DisplayName    string
	Description    string
	CustomerID     string // empty for a test instance
	IntegrationID  string
	Version        int // what it is pinned to; 0: never deployed, or a test instance
	State          InstanceState
	Paused         bool
	PauseMode      PauseMode
	Config         Config // what the next deployment will use
	Generation     int    // number of the serving generation; 0: none
	ServingConfig  int64  // revision of the config the serving generation uses
	DeploymentID   string // the deployment that runs, or else the last one
	Labels         map[string]string
	MaxConcurrency int // executions that run side by side; 0: no limit
	Revision       int64
	CreateTime     time.Time
	UpdateTime     time.Time
	DeployTime     time.Time // of the serving generation
}

// NeedsDeploy reports whether config values have changed since the serving generation was made.
func (in *Instance) NeedsDeploy() bool {
	return in.Generation > 0 && in.Config.Revision != in.ServingConfig
}

// InstanceKind tells what an instance is for.
type InstanceKind string

// The kinds of instances.
const (
	InstanceStandard InstanceKind = "STANDARD"
	InstanceTest     InstanceKind = "TEST"
)

// InstanceState is where an instance is in its life.
type InstanceState string

// The states of an instance. It stays Active while a further deployment runs or has failed.
const (
	InstanceCreated      InstanceState = "CREATED"
	InstanceDeploying    InstanceState = "DEPLOYING"
	InstanceActive       InstanceState = "ACTIVE"
	InstanceDeployFailed InstanceState = "DEPLOY_FAILED"
	InstanceUndeployed   InstanceState = "UNDEPLOYED"
	InstanceDeleting     InstanceState = "DELETING"
	InstanceDeleted      InstanceState = "DELETED" // a tombstone: unlisted, its hooks are gone
)

// PauseMode tells what a paused instance does with webhooks.
type PauseMode string

// The pause modes.
const (
	PauseHold   PauseMode = "HOLD"
	PauseRefuse PauseMode = "REFUSE"
)

// Config is the values an instance sets, kept sparsely: what is not here has its default. A stored revision never changes.
type Config struct {
	Revision int64 // 0: nothing was ever set
	Values   map[string]ConfigValue
}

// ConfigValue is one value as it is kept: in clear as JSON text, or sealed if the config variable is a secret. A connection
// keeps its inputs one by one. The JSON of this type is the format on disk.
type ConfigValue struct {
	JSON   string                 `json:"json,omitempty"`   // JSON text of a value that is no secret
	Typed  bool                   `json:"typed,omitempty"`  // it was written as JSON text and is shown so
	Sealed string                 `json:"sealed,omitempty"` // of a secret
	Inputs map[string]ConfigValue `json:"inputs,omitempty"` // of a connection
}

// Webhook is the URL of one flow of one instance, known by the hash of its token.
type Webhook struct {
	TokenHash   string
	TokenSealed string // the token, since the API must show the URL again
	InstanceID  string
	FlowID      string
	Current     bool      // false: replaced by a newer one and on its way out
	ExpireTime  time.Time // zero: never
	CreateTime  time.Time
}

// Generation is what a successful deployment made: all that an execution needs to know to run as it did on that day.
type Generation struct {
	InstanceID        string
	Number            int // counted from 1 in each instance
	DeploymentID      string
	Version           int
	DefinitionHash    string
	ComponentVersions map[string]int
	ConfigRevision    int64
	CreateTime        time.Time
}
