package storage

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// Deployments keeps deployments and the generations they make.
type Deployments interface {
	// BeginDeployment adds a RUNNING deployment and the hooks of flows that have none. An instance that no generation serves
	// becomes DEPLOYING, unless it is a test instance. Conflict DEPLOYMENT_RUNNING, with Meta deployment_id, if another one of the
	// instance has not ended; only then Conflict STALE_ETAG if the instance's revision is not base. Precondition INSTANCE_DELETING for
	// one that is being deleted. The candidate's definition and config revision must be stored. Its number is the one given, or the
	// next one if an earlier deployment had that or a higher one. It returns the instance and all its current hooks.
	BeginDeployment(ctx context.Context, d ipaas.Deployment, hooks []ipaas.Webhook, base int64) (ipaas.Instance, []ipaas.Webhook, error)
	// CommitDeployment switches the instance to the candidate in one step: state ACTIVE, the generation is added and serves, the
	// version is pinned, held executions of flows that it has are released (unless the instance is paused), registrations of earlier
	// deployments that are INTENT or CREATED and that this deployment did not use become REMOVE_PENDING. It returns those, last created
	// first. What registrations were before this deployment updated them is forgotten. With a source deployment the candidate's config
	// becomes the instance's, as its next revision unless it is the current one, and the generation has that revision. Executions that
	// those of the deployment have started and that have not ended are of the new generation. The changes of state that t makes of those
	// that waited for this are carried out; if one is refused, nothing happens.
	// From then on the instance has the schedules of t and no others; one whose spec is that of before keeps its next time. The
	// executions of t are added as QUEUED; they wait while the instance is paused. Conflict if the deployment is not RUNNING.
	CommitDeployment(ctx context.Context, id string, now time.Time, t Takeover) ([]ipaas.Registration, error)
	// BeginRollback moves a RUNNING deployment to ROLLING_BACK and makes its registrations that are INTENT or CREATED REMOVE_PENDING,
	// last created first in the answer, among them the CREATED ones that it updated, to be restored; with keep they stay as they are,
	// what the updated ones were before is forgotten, and none is returned. Registrations it only used are not touched. Changes of state
	// that waited for its commit are gone. Executions that those of the deployment have started do not go on: QUEUED ones are CANCELED with
	// reason ROLLED_BACK, RUNNING ones marked as Canceling; what they created goes with the rest. Conflict if the deployment is not RUNNING.
	BeginRollback(ctx context.Context, id string, cause ipaas.DeploymentError, keep bool, now time.Time) ([]ipaas.Registration, error)
	// RollbackLeft returns what a deployment has still to undo, last created first: its registrations that are REMOVE_PENDING, and the
	// CREATED ones that it updated. Conflict if the deployment is not ROLLING_BACK.
	RollbackLeft(ctx context.Context, id string) ([]ipaas.Registration, error)
	// ResumeDeployment counts that a RUNNING deployment is carried on after the server had stopped. Conflict if it is not RUNNING.
	ResumeDeployment(ctx context.Context, id string) (ipaas.Deployment, error)
	// FinishRollback moves a deployment from ROLLING_BACK to FAILED, else Conflict; an instance that no generation serves becomes
	// DEPLOY_FAILED, unless it is a test instance.
	FinishRollback(ctx context.Context, id string, now time.Time) error
	// RecordChanges keeps what a deployment did in other systems.
	RecordChanges(ctx context.Context, id string, changes []ipaas.RegistrationChange) error
	// GetDeployment returns one deployment of an instance.
	GetDeployment(ctx context.Context, instanceID, id string) (ipaas.Deployment, error)
	// FindDeployment returns the newest deployment of an instance that a request id stands for.
	FindDeployment(ctx context.Context, instanceID, requestID string) (ipaas.Deployment, error)
	// ListDeployments lists the deployments of an instance. Fields: state, version, create_time. Default order: create_time desc.
	ListDeployments(ctx context.Context, instanceID string, q Query) (Page[ipaas.Deployment], error)
	// UnfinishedDeployments returns every deployment that has not ended, oldest first.
	UnfinishedDeployments(ctx context.Context) ([]ipaas.Deployment, error)
	// GetGeneration returns one generation of an instance.
	GetGeneration(ctx context.Context, instanceID string, number int) (ipaas.Generation, error)
}

// Takeover is what begins with a deployment that succeeds.
type Takeover struct {
	Schedules  []ipaas.FlowSchedule
	Executions []ipaas.Execution
	// State makes of the changes of state that waited what is carried out; nil: nothing. It must be quick and depend on nothing else, since
	// it may be asked more than once. Its error is returned as it is.
	State func(waiting []StateChange) ([]StateChange, error)
}
