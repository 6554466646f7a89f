package ipaas

import "time"

// CleanupDebt is a registration whose remote object should be gone and is not, or may be there unknown to anybody.
type CleanupDebt struct {
	Registration
	InstanceDeleted bool // the instance is a tombstone
	CustomerID      string
	IntegrationID   string
	Reason          DebtReason
	Comment         string // why it was forgiven
	ForgivenBy      string
	ForgiveTime     time.Time
}

// DebtState is where a debt is.
type DebtState string

// The states of a debt.
const (
	DebtOwed     DebtState = "OWED"
	DebtSettled  DebtState = "SETTLED"
	DebtForgiven DebtState = "FORGIVEN"
)

// Standing returns where the debt is, as its registration says.
func (d *CleanupDebt) Standing() DebtState {
	switch d.State {
	case RegistrationRemoved, RegistrationAbandoned:
		return DebtSettled
	case RegistrationForgiven:
		return DebtForgiven
	default:
		return DebtOwed
	}
}

// DebtReason tells what kind of debt it is.
type DebtReason string

// The kinds of debts.
const (
	DebtRemoveFailed DebtReason = "REMOVE_FAILED" // it exists, and removing it failed
	DebtUnconfirmed  DebtReason = "UNCONFIRMED"   // whether it exists is not known
)
