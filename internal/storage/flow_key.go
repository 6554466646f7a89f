package storage

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
)

// FlowKeys keeps the keys with which callers are let in at flows' URLs. They belong to a flow of an instance, or of an integration, by
// its id, whether or not any definition has such a flow. They are gone with the instance, even as a tombstone, or the integration.
type FlowKeys interface {
	// CreateFlowKey adds a key. Exists for an id, or a hash, that another key of the flow has; Exhausted TOO_MANY_KEYS if the flow has
	// ipaas.MaxFlowKeys. NotFound for an unknown instance or integration.
	CreateFlowKey(ctx context.Context, k ipaas.FlowKey, w Write) error
	// ListFlowKeys returns the keys of all flows of an instance and of an integration, by flow, those of the instance first, then oldest
	// first. An empty id leaves one of them out.
	ListFlowKeys(ctx context.Context, instanceID, integrationID string) ([]ipaas.FlowKey, error)
	// DeleteFlowKey forgets the key with the ids of k.
	DeleteFlowKey(ctx context.Context, k ipaas.FlowKey, w Write) error
}
