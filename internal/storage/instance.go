package storage

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// Instances keeps instances, their config and their hooks. A DELETED instance is a tombstone: only LookupWebhook, the
// registrations, and executions still know it; every other method says NotFound. Where those go by an id, it means the instance
// that has it now, else the tombstone that had it last.
type Instances interface {
	// CreateInstance adds an instance, its first config revision and its hooks. NotFound for an unknown customer or integration.
	// The id of a tombstone is free: the tombstone's own rows stay apart under its uid.
	CreateInstance(ctx context.Context, in ipaas.Instance, hooks []ipaas.Webhook, w Write) error
	// UpdateInstance replaces names, labels and config of the instance whose stored revision is base; state, pause, version and
	// generation stay as stored. Config of a higher revision number is added; earlier revisions stay readable. Config of the stored
	// number with other values, or of a lower number, is Conflict STALE_ETAG: someone else was quicker.
	UpdateInstance(ctx context.Context, in ipaas.Instance, base int64, w Write) error
	// GetInstance returns an instance, standard or test.
	GetInstance(ctx context.Context, id string) (ipaas.Instance, error)
	// ListInstances lists standard instances. Fields: id, display_name, customer_id, integration_id, version, state, paused,
	// create_time, update_time. Default order: id.
	ListInstances(ctx context.Context, q Query) (Page[ipaas.Instance], error)
	// GetConfig returns one revision of an instance's config. Revision 0 is empty.
	GetConfig(ctx context.Context, instanceID string, revision int64) (ipaas.Config, error)
	// PauseInstance pauses, or changes the mode of a pause. Pausing again in the same mode changes nothing.
	PauseInstance(ctx context.Context, id string, mode ipaas.PauseMode, base int64, now time.Time, w Write) (ipaas.Instance, error)
	// ResumeInstance ends a pause and releases what is held of flows that the serving generation has. Resuming one that is not paused
	// changes nothing.
	ResumeInstance(ctx context.Context, id string, base int64, now time.Time, w Write) (ipaas.Instance, error)
	// BeginRemoval moves an instance to state, UNDEPLOYED or DELETING: from here on its hooks are gone, queued and held executions that have
	// not started are CANCELED, what blocks a lane gives way, it has no schedules, and all its registrations are REMOVE_PENDING, but those
	// removed, abandoned, forgiven or unconfirmed. Conflict DEPLOYMENT_RUNNING while a deployment runs. No generation serves an UNDEPLOYED
	// instance: its Generation is 0. A DELETING one still tells which served, for its remove flows, and is not undeployed any more:
	// Precondition INSTANCE_DELETING. For a test instance state is not looked at and only its registrations change.
	BeginRemoval(ctx context.Context, id string, state ipaas.InstanceState, base int64, now time.Time, w Write) (ipaas.Instance, error)
	// FinishUndeployment records that an instance was undeployed to the end: the remove flows of the generation that served have run.
	FinishUndeployment(ctx context.Context, id string) error
	// UnfinishedUndeployments returns the instances whose undeployment was begun and neither ended nor was followed by a deployment that
	// succeeded; their Generation is the one that served before.
	UnfinishedUndeployments(ctx context.Context) ([]ipaas.Instance, error)
	// FinishDeletion makes a DELETING instance a tombstone. Doing it twice is fine; Conflict for one that is not DELETING.
	FinishDeletion(ctx context.Context, id string, now time.Time) error

	// AddWebhooks adds hooks of flows that have no current one; a flow that has one keeps it and the given one is dropped.
	// It returns all current hooks of the instance.
	AddWebhooks(ctx context.Context, instanceID string, hooks []ipaas.Webhook) ([]ipaas.Webhook, error)
	// RotateWebhooks makes the hooks the current ones of their flows; those they replace expire at the given time.
	RotateWebhooks(ctx context.Context, instanceID string, hooks []ipaas.Webhook, expire time.Time, base int64, now time.Time, w Write) (ipaas.Instance, error)
	// ListWebhooks returns the current hooks of an instance. The one that all instances of an integration share, which is its test
	// instance's for the flow ipaas.SharedEndpoint, is among those of each, here and wherever current hooks are returned.
	ListWebhooks(ctx context.Context, instanceID string) ([]ipaas.Webhook, error)
	// LookupWebhook returns the hook with a token's hash, with the keys of its flow, and its instance, tombstones included. An unknown or
	// expired hook, or one of an instance that was forgotten, is NotFound.
	LookupWebhook(ctx context.Context, tokenHash string, now time.Time) (ipaas.Webhook, ipaas.Instance, error)
}
