package storage

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
)

// Integrations keeps drafts and versions.
type Integrations interface {
	// CreateIntegration adds an integration with its draft, and its test instance, which has no hooks yet.
	CreateIntegration(ctx context.Context, in ipaas.Integration, test ipaas.Instance, w Write) error
	// UpdateIntegration replaces the draft of the integration whose stored revision is base. What was published stays as stored.
	UpdateIntegration(ctx context.Context, in ipaas.Integration, base int64, w Write) error
	// PublishIntegration replaces the integration as UpdateIntegration does and adds v, whose number must follow the newest one,
	// else Conflict.
	PublishIntegration(ctx context.Context, in ipaas.Integration, base int64, v ipaas.IntegrationVersion, w Write) error
	// DeleteIntegration forgets an integration with its versions and its test instance. Precondition IN_USE while it has standard
	// instances that are not deleted; Precondition IN_USE, too, while a registration of its test instance is neither removed, abandoned nor
	// forgiven; Conflict DEPLOYMENT_RUNNING while its test instance is deployed. Executions stay; those that wait are CANCELED.
	DeleteIntegration(ctx context.Context, id string, base int64, w Write) error
	// GetIntegration returns an integration with its draft.
	GetIntegration(ctx context.Context, id string) (ipaas.Integration, error)
	// GetIntegrationHead returns what can be told of an integration without its draft.
	GetIntegrationHead(ctx context.Context, id string) (IntegrationHead, error)
	// ListIntegrations lists integrations with their drafts. Fields: id, display_name, category, create_time, update_time.
	// Default order: id.
	ListIntegrations(ctx context.Context, q Query) (Page[ipaas.Integration], error)
	// GetIntegrationVersion returns one version.
	GetIntegrationVersion(ctx context.Context, integrationID string, version int) (ipaas.IntegrationVersion, error)
	// GetVersionHead returns what a version points at, without its definition.
	GetVersionHead(ctx context.Context, integrationID string, version int) (VersionHead, error)
	// ListIntegrationVersions lists the versions of one integration. Fields: version, create_time. Default order: version desc.
	ListIntegrationVersions(ctx context.Context, integrationID string, q Query) (Page[ipaas.IntegrationVersion], error)
	// GetDefinition returns the definition with a hash. One that a draft, version, generation or execution points at is kept.
	GetDefinition(ctx context.Context, hash string) (ipaas.Definition, error)
	// SaveDefinition keeps a definition that no draft or version may point at any more, and returns its hash. Saving it twice is fine.
	SaveDefinition(ctx context.Context, d ipaas.Definition) (string, error)
}

// IntegrationHead is an integration without its draft.
type IntegrationHead struct {
	UID           string
	LatestVersion int // 0: there is none
}

// VersionHead is a version without its definition.
type VersionHead struct {
	DefinitionHash    string
	ComponentVersions map[string]int // of declarative components
}
