package ipaas

import "time"

// Upgrade moves the instances of an integration to a version, some of them first.
type Upgrade struct {
	ID              string
	IntegrationID   string
	Version         int
	Filter          string // as the caller wrote it
	CanaryCount     int    // so many are moved first, one at a time
	MaxFailures     int    // more than these stop it
	Parallelism     int    // so many are moved side by side afterwards
	IncludeUpToDate bool   // instances that are on the version are deployed, too
	State           UpgradeState
	Message         string // why it stopped
	Total           int
	Succeeded       int
	Failed          int
	Skipped         int
	Revision        int64
	CreateTime      time.Time
	UpdateTime      time.Time
	EndTime         time.Time
}

// Remaining is how many instances are still to be moved, or being moved.
func (u *Upgrade) Remaining() int { return u.Total - u.Succeeded - u.Failed - u.Skipped }

// InCanary reports whether not enough instances were moved yet to go on with the others.
func (u *Upgrade) InCanary() bool { return u.Succeeded < u.CanaryCount }

// UpgradeState is where an upgrade is.
type UpgradeState string

// The states of an upgrade.
const (
	UpgradePending   UpgradeState = "PENDING"
	UpgradeCanary    UpgradeState = "CANARY"
	UpgradeRunning   UpgradeState = "RUNNING"
	UpgradeSucceeded UpgradeState = "SUCCEEDED"
	UpgradeStopped   UpgradeState = "STOPPED"
	UpgradeCanceled  UpgradeState = "CANCELED"
)

// Ended reports whether the upgrade is over, unless it is resumed.
func (s UpgradeState) Ended() bool {
	return s == UpgradeSucceeded || s == UpgradeStopped || s == UpgradeCanceled
}

// UpgradeResult is what became of one instance of an upgrade.
type UpgradeResult struct {
	UpgradeID    string
	Sequence     int64 // the order in which instances are moved
	InstanceID   string
	InstanceUID  string // another instance may get the id meanwhile
	CustomerID   string
	FromVersion  int
	State        UpgradeResultState
	Canary       bool
	Attempts     int // counted up when it is begun
	DeploymentID string
	Reason       Reason // why it failed or was skipped
	Message      string
	Problems     []Violation
	StartTime    time.Time
	EndTime      time.Time
}

// UpgradeResultState is where an instance is in an upgrade.
type UpgradeResultState string

// The states of an instance in an upgrade.
const (
	UpgradeResultPending   UpgradeResultState = "PENDING"
	UpgradeResultRunning   UpgradeResultState = "RUNNING"
	UpgradeResultSucceeded UpgradeResultState = "SUCCEEDED"
	UpgradeResultFailed    UpgradeResultState = "FAILED"
	UpgradeResultSkipped   UpgradeResultState = "SKIPPED"
)
