package storage

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// Upgrades keeps upgrades of many instances at once, with what became of each.
type Upgrades interface {
	// CreateUpgrade adds a PENDING upgrade with a PENDING result for each standard instance of its integration that fits the filter at
	// this moment, nil for all, in the order of their ids. Fields of the filter are those of ListInstances. Conflict UPGRADE_RUNNING, with
	// Meta upgrade_id, while another one of the integration has not ended; NotFound for an unknown integration or version.
	CreateUpgrade(ctx context.Context, u ipaas.Upgrade, filter *Filter, w Write) (ipaas.Upgrade, error)
	// MoveUpgrade moves an upgrade to a state, with words that say why. One that has ended stays as it is.
	MoveUpgrade(ctx context.Context, id string, to ipaas.UpgradeState, message string, base int64, now time.Time, w Write) (ipaas.Upgrade, error)
	// ResumeUpgrade moves a STOPPED or CANCELED upgrade back to PENDING, and its FAILED results with it; one in another state stays as it
	// is. Conflict UPGRADE_RUNNING while another one of the integration has not ended.
	ResumeUpgrade(ctx context.Context, id string, base int64, now time.Time, w Write) (ipaas.Upgrade, error)
	// GetUpgrade returns an upgrade. Its counts are those of its results at this moment; so in every list of upgrades.
	GetUpgrade(ctx context.Context, id string) (ipaas.Upgrade, error)
	// ListUpgrades lists upgrades. Fields: integration_id, version, state, create_time. Default order: create_time desc.
	ListUpgrades(ctx context.Context, q Query) (Page[ipaas.Upgrade], error)
	// UnfinishedUpgrades returns every upgrade that has not ended, oldest first.
	UnfinishedUpgrades(ctx context.Context) ([]ipaas.Upgrade, error)
	// BeginUpgradeResult takes the first PENDING result of an upgrade: RUNNING, one attempt more. NotFound if there is none; Conflict if
	// the upgrade has ended.
	BeginUpgradeResult(ctx context.Context, upgradeID string, canary bool, now time.Time) (ipaas.UpgradeResult, error)
	// SaveUpgradeResult records state, deployment, reason, message, problems and end of a result, whatever became of its upgrade.
	SaveUpgradeResult(ctx context.Context, r ipaas.UpgradeResult) error
	// ListUpgradeResults lists the results of an upgrade. Fields: sequence, instance_id, customer_id, state, canary, end_time. Default
	// order: sequence.
	ListUpgradeResults(ctx context.Context, upgradeID string, q Query) (Page[ipaas.UpgradeResult], error)
}
