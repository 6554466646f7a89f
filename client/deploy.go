package client

import (
	"context"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// DeployOptions are what a deployment may be told.
type DeployOptions struct {
	// Version is the version to move to. 0: the one the instance is pinned to, or the newest at its first deployment.
	Version int32
	// RequestID joins a deployment that runs, or has run, under the same id. Empty: a new one, so that a call repeated because
	// its answer got lost joins its own deployment.
	RequestID string
	// ValidateOnly returns the plan and changes nothing.
	ValidateOnly bool
	// ETag, if set, must be the instance's.
	ETag string
}

// RollbackOptions are what a rollback may be told.
type RollbackOptions struct {
	// DeploymentID is the deployment to go back to. Empty: the one before that whose generation serves.
	DeploymentID string
	// RequestID joins a rollback that runs, or has run, under the same id. Empty: a new one.
	RequestID string
	// ValidateOnly returns the plan and changes nothing.
	ValidateOnly bool
	// ETag, if set, must be the instance's.
	ETag string
}

// Rollback deploys the version and the config of an earlier deployment again, and waits as Deploy does.
func (c *Client) Rollback(ctx context.Context, instanceID string, opts RollbackOptions) (*headracev1.RollbackInstanceResponse, error) {
	return c.Instances.RollbackInstance(ctx, &headracev1.RollbackInstanceRequest{
		InstanceId:   instanceID,
		DeploymentId: opts.DeploymentID,
		Etag:         opts.ETag,
		RequestId:    opts.RequestID,
		ValidateOnly: opts.ValidateOnly,
	})
}

// Deploy deploys an instance and waits until its instance-deploy flows are through. A flow that fails makes the whole deployment
// fail, with reason INIT_FLOW_FAILED; then everything is as it was before.
//
// The deployment does not depend on the caller: after ctx has ended it goes on, and can be joined again by its request id.
func (c *Client) Deploy(ctx context.Context, instanceID string, opts DeployOptions) (*headracev1.DeployInstanceResponse, error) {
	return c.Instances.DeployInstance(ctx, &headracev1.DeployInstanceRequest{
		InstanceId:   instanceID,
		Version:      opts.Version,
		Etag:         opts.ETag,
		RequestId:    opts.RequestID,
		ValidateOnly: opts.ValidateOnly,
	})
}
