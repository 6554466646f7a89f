// Package storage is the written contract of what the product remembers. It holds no code that stores anything: storage/sqldb
// does, and storage/storagetest has a test for each sentence written here.
// It must not know what decisions are made with what it keeps, nor how anything reaches a wire.
package storage

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// Store remembers. Every method is one atomic step: it happened whole and is on disk, or it did not happen. Methods are named
// after what happened in the business; no transaction leaves the package.
//
// In every method: an unknown id is ipaas.NotFound, a taken one ipaas.Exists, a base revision that is not the stored one
// ipaas.Conflict with reason STALE_ETAG (base 0 fits always). A context that has ended before the step began is refused with the
// context's error; one that ends later does not tear the step. What is returned is a copy: changing it changes nothing stored.
// Times are kept to the microsecond, in UTC; those inside definitions as they were written, since they are part of the hash.
// A revision is counted up by one with every change of its row, whatever the caller's copy says. A store that is closed, full, too
// busy or has failed says Unavailable, with one of the reasons SHUTTING_DOWN, STORAGE_FULL, STORAGE_BUSY and STORAGE_FAILED.
type Store interface {
	Components
	Integrations
	Customers
	Instances
	Deployments
	Registrations
	CleanupDebts
	Upgrades
	Executions
	Retention

	// GetReceipt returns the answer that was recorded under a key, with the hash of the request it answered.
	// An expired receipt is NotFound.
	GetReceipt(ctx context.Context, key string, now time.Time) (Receipt, error)
	// SaveReceipt records an answer that was made without a change of its own, e.g. that of a test run. A taken key is Conflict with
	// reason REQUEST_ID_REUSED.
	SaveReceipt(ctx context.Context, r Receipt) error
	// Ping reports whether the store can be read and written.
	Ping(ctx context.Context) error
	// Close waits for steps under way and lets go of the file. Later calls fail.
	Close() error
}

// Write goes with every change that a caller asked for.
type Write struct {
	// DryRun makes the step fail exactly when the real one would, and otherwise leave no trace.
	DryRun bool
	// Receipt is recorded in the same step. A taken key is Conflict with reason REQUEST_ID_REUSED, before anything else is looked at,
	// and nothing else happens. A key is taken until Expire has deleted its receipt.
	Receipt *Receipt
}

// Receipt is the memory of an answered request, so that the same request gets the same answer.
type Receipt struct {
	Key         string // caller, method and request id
	RequestHash string
	Answer      []byte
	ExpireTime  time.Time
}

// Admission is what accepting an execution depends on.
type Admission struct {
	// ServingHasFlow tells what the caller saw of the serving generation; if it did not have the flow, the one that serves by now is asked.
	ServingHasFlow bool
	// MaxHeld is the most executions of the instance that may be held.
	MaxHeld int
	// MaxQueued is the most executions of the customer that may wait, counted now and then rather than each time; 0: no limit.
	MaxQueued int
	// Deduplication, if set, is how the event is known again.
	Deduplication *Deduplication
}

// Deduplication is how an event is known again when it is sent a second time.
type Deduplication struct {
	KeyHash    string
	BodyHash   string
	ExpireTime time.Time // from then on the key is free
}

// Recovery says how to deal with executions that nobody seems to run.
type Recovery struct {
	MaxCrashes int      // with so many crashes an execution is given up; 0: never
	Except     []string // executions that the caller knows to run
}

// Recovered is how many executions recovery brought to a state.
type Recovered struct {
	Requeued, Failed, DeadLettered, Canceled int
}

// Components keeps the catalogue.
type Components interface {
	// SyncBuiltinComponents makes the built-in components of the catalogue be exactly these. One whose id a declarative component
	// has is left out, and its id returned. Of a built-in component there is one version only; one that is unchanged keeps its times.
	SyncBuiltinComponents(ctx context.Context, components []ipaas.Component, now time.Time) (skipped []string, err error)
	// CreateComponent adds a declarative component and its version.
	CreateComponent(ctx context.Context, c ipaas.Component, w Write) error
	// UpdateComponent adds the version c.Version, which must follow the stored latest one, else Conflict; base is the latest
	// version the caller saw, 0 for any. Earlier versions stay readable. Precondition READ_ONLY for a built-in one, here and below.
	UpdateComponent(ctx context.Context, c ipaas.Component, base int, w Write) error
	// DeleteComponent forgets a declarative component with all versions. Precondition IN_USE while a draft or a version of an
	// integration names it in a trigger, step or config variable, or a registration that is neither removed, abandoned nor forgiven was
	// made with it.
	DeleteComponent(ctx context.Context, id string, base int, w Write) error
	// GetComponent returns a version of a component; 0 is the latest.
	GetComponent(ctx context.Context, id string, version int) (ipaas.Component, error)
	// ListComponents lists the latest versions. Fields: id, display_name, kind, create_time, update_time. Default order: id.
	ListComponents(ctx context.Context, q Query) (Page[ipaas.Component], error)
}

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
	// instances that are not deleted; Precondition IN_USE, too, while a registration of its test instance is neither removed, abandoned nor forgiven;
	// Conflict DEPLOYMENT_RUNNING while its test instance is deployed. Executions stay; those that wait are CANCELED.
	DeleteIntegration(ctx context.Context, id string, base int64, w Write) error
	// GetIntegration returns an integration with its draft.
	GetIntegration(ctx context.Context, id string) (ipaas.Integration, error)
	// ListIntegrations lists integrations with their drafts. Fields: id, display_name, category, create_time, update_time.
	// Default order: id.
	ListIntegrations(ctx context.Context, q Query) (Page[ipaas.Integration], error)
	// GetIntegrationVersion returns one version.
	GetIntegrationVersion(ctx context.Context, integrationID string, version int) (ipaas.IntegrationVersion, error)
	// ListIntegrationVersions lists the versions of one integration. Fields: version, create_time. Default order: version desc.
	ListIntegrationVersions(ctx context.Context, integrationID string, q Query) (Page[ipaas.IntegrationVersion], error)
	// GetDefinition returns the definition with a hash. One that a draft, version, generation or execution points at is kept.
	GetDefinition(ctx context.Context, hash string) (ipaas.Definition, error)
	// SaveDefinition keeps a definition that no draft or version may point at any more, and returns its hash. Saving it twice is fine.
	SaveDefinition(ctx context.Context, d ipaas.Definition) (string, error)
}

// Customers keeps customers.
type Customers interface {
	CreateCustomer(ctx context.Context, c ipaas.Customer, w Write) error
	// UpdateCustomer replaces the customer whose stored revision is base by c.
	UpdateCustomer(ctx context.Context, c ipaas.Customer, base int64, w Write) error
	// DeleteCustomer forgets a customer. Precondition IN_USE while it has instances that are not deleted.
	DeleteCustomer(ctx context.Context, id string, base int64, w Write) error
	GetCustomer(ctx context.Context, id string) (ipaas.Customer, error)
	// ListCustomers lists customers. Fields: id, display_name, external_id, create_time, update_time. Default order: id.
	ListCustomers(ctx context.Context, q Query) (Page[ipaas.Customer], error)
}

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
	// BeginRemoval moves an instance to state, UNDEPLOYED or DELETING: from here on its hooks are gone, queued and held executions
	// that have not started are CANCELED, what blocks a lane gives way, and all its registrations are REMOVE_PENDING, but those removed, abandoned, forgiven or unconfirmed. Conflict
	// DEPLOYMENT_RUNNING while a deployment runs. No generation serves an UNDEPLOYED instance: its Generation is 0. A DELETING one
	// still tells which served, for its remove flows, and is not undeployed any more: Precondition INSTANCE_DELETING.
	// For a test instance state is not looked at and only its registrations change.
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
	// ListWebhooks returns the current hooks of an instance.
	ListWebhooks(ctx context.Context, instanceID string) ([]ipaas.Webhook, error)
	// LookupWebhook returns the hook with a token's hash and its instance, tombstones included. An unknown or expired hook, or one
	// of an instance that was forgotten, is NotFound.
	LookupWebhook(ctx context.Context, tokenHash string, now time.Time) (ipaas.Webhook, ipaas.Instance, error)
}

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
	// becomes the instance's, as its next revision unless it is the current one, and the generation has that revision. Conflict if the
	// deployment is not RUNNING.
	CommitDeployment(ctx context.Context, id string, now time.Time) ([]ipaas.Registration, error)
	// BeginRollback moves a RUNNING deployment to ROLLING_BACK and makes its registrations that are INTENT or CREATED REMOVE_PENDING,
	// last created first in the answer, among them the CREATED ones that it updated, to be restored; with keep they stay as they are,
	// what the updated ones were before is forgotten, and none is returned. Registrations it only used are not touched. Conflict if the
	// deployment is not RUNNING.
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

// Registrations keeps the ledger of remote objects.
type Registrations interface {
	// BeginRegistration adds an INTENT and sets its sequence, the next of its instance. With a deployment it is marked as used by it;
	// Conflict if that is not RUNNING.
	BeginRegistration(ctx context.Context, r ipaas.Registration) (ipaas.Registration, error)
	// UseRegistration marks a CREATED registration as used by a deployment. Conflict if it is not CREATED. One that has a
	// before image, since an earlier deployment could not restore it, is from then on one that this deployment changes.
	UseRegistration(ctx context.Context, id, deploymentID string) error
	// BeginUpdate records that a RUNNING deployment is about to update a CREATED registration, else Conflict: it is marked as used by it
	// and as changed by it, keeps beforeImage until the deployment has ended, has no inputs hash, since from here on nobody knows what
	// the other system has, and is the last in the order of its instance. One that has a before image already keeps that.
	BeginUpdate(ctx context.Context, id, deploymentID, beforeImage string, now time.Time) (ipaas.Registration, error)
	// RestoreRegistration makes a registration what it was before an update: its inputs, result and remote id, and the component version,
	// execution and config revision they are of. It has no before image and no error any more.
	RestoreRegistration(ctx context.Context, r ipaas.Registration, now time.Time) error
	// FindRegistration returns the newest CREATED registration of a flow under a key.
	FindRegistration(ctx context.Context, instanceID, flowID, key string) (ipaas.Registration, error)
	// SettleRegistration moves a registration to a state, with the error of a failed removal. It is not tried again by itself.
	SettleRegistration(ctx context.Context, id string, state ipaas.RegistrationState, message string, now time.Time) error
	// ListRegistrations returns the registrations of an instance in the states given, or all, in the order of their sequence.
	ListRegistrations(ctx context.Context, instanceID string, states ...ipaas.RegistrationState) ([]ipaas.Registration, error)
	// ListRivals returns the registrations of the same customer, action and target as one, but itself, whose remote object may exist: all
	// but those removed, abandoned and forgiven, of all its instances, tombstones included. NotFound for an unknown one.
	ListRivals(ctx context.Context, registrationID string) ([]ipaas.Registration, error)
	// UsedRegistrations returns the registrations a deployment used, in the order of their sequence.
	UsedRegistrations(ctx context.Context, deploymentID string) ([]ipaas.Registration, error)
}

// CleanupDebts keeps what became of registrations that should be gone: those that are REMOVE_FAILED, UNCONFIRMED, or REMOVE_PENDING with
// a next try, are debts, of tombstones, too; those that were forgiven are remembered.
type CleanupDebts interface {
	// FailRemoval records that a registration could not be removed: its state, REMOVE_FAILED or UNCONFIRMED, the error, the tries, and the
	// times of the first failure, the last and the next try and the update, as they are in r. Without a next try there is none by itself.
	// What was settled or forgiven while the try was under way stays so.
	FailRemoval(ctx context.Context, r ipaas.Registration) error
	// PostponeRemovals moves the next try of debts that are due; those that are no debts any more are passed over.
	PostponeRemovals(ctx context.Context, ids []string, next time.Time) error
	// RecoverRemovals makes registrations that are REMOVE_PENDING since before a moment, of no deployment that is RUNNING or ROLLING_BACK and
	// no instance that is DELETING or whose undeployment has not ended, REMOVE_FAILED and due at once: whoever was to remove them is gone.
	// It returns how many.
	RecoverRemovals(ctx context.Context, before, now time.Time) (int, error)
	// DueRemovals returns at most limit registrations that are owed and whose next try is not later than now, those that wait longest first,
	// and the next moment after now at which there will be some, zero for none.
	DueRemovals(ctx context.Context, now time.Time, limit int) (due []ipaas.Registration, next time.Time, err error)
	// ForgiveCleanupDebt makes a debt FORGIVEN, with who and why; base is the update time the caller saw in microseconds, 0 for any.
	// Forgiving it again changes who and why. NotFound for what is no debt.
	ForgiveCleanupDebt(ctx context.Context, id, comment, by string, base int64, now time.Time, w Write) (ipaas.CleanupDebt, error)
	// GetCleanupDebt returns a debt, owed or forgiven. NotFound for a registration that is none.
	GetCleanupDebt(ctx context.Context, id string) (ipaas.CleanupDebt, error)
	// ListCleanupDebts lists debts, owed and forgiven. Fields: instance_id, customer_id, integration_id, reason, state, create_time,
	// next_try_time. Default order: create_time.
	ListCleanupDebts(ctx context.Context, q Query) (Page[ipaas.CleanupDebt], error)
	// GetDebtor returns the instance of a registration, with its config, and its current hooks. A tombstone is returned, too.
	GetDebtor(ctx context.Context, registrationID string) (ipaas.Instance, []ipaas.Webhook, error)
	// GetDebtorConfig returns one revision of the config of the instance of a registration. A tombstone still has them. Revision 0 is empty.
	GetDebtorConfig(ctx context.Context, registrationID string, revision int64) (ipaas.Config, error)
}

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

// Executions keeps executions, their step results and logs.
//
// Executions with a Lane keep an order: of those with the same lane, flow and instance only the first that has not ended may run, the
// others are QUEUED behind it. Their places are given when they are accepted; a retry takes the place of the try before it. One that
// ends FAILED or DEAD_LETTER, unless it was held too long, and whose OnFailure is BLOCK, keeps its place: it is Blocking, and those
// behind it are Blocked until it is replayed, which gives its place to the replay, or canceled. In every method that ends one, the
// next of its lane may run from the same step on.
type Executions interface {
	// AcceptExecution adds a QUEUED execution for a webhook after reading the instance again in the same step. It returns it as
	// stored, with the instance's customer and integration. It is held when the instance is paused with HOLD, when it is DEPLOYING or DEPLOY_FAILED, or when the flow is not one
	// the serving generation has, but is one of the candidate's of the RUNNING deployment.
	// Refused: Gone INSTANCE_REMOVED for an undeployed, deleting or deleted instance, NotFound for one never deployed and for a flow
	// that neither has, Unavailable INSTANCE_PAUSED for one paused with REFUSE, Exhausted TOO_MANY_HELD and TOO_MANY_QUEUED at the
	// bounds of the admission.
	// An Inline one, for which somebody waits, is not queued but RUNNING at once: attempt 1, with its lease. It is refused with
	// INSTANCE_PAUSED while the instance is paused, and with Exhausted TOO_MANY_RUNNING where a limit of what runs is reached.
	// An event whose deduplication key was accepted before, for the same flow of the same instance, adds nothing and asks for nothing
	// of this: the execution that was accepted first is returned, or, if the bodies differ, Conflict DEDUPLICATION_KEY_REUSED.
	AcceptExecution(ctx context.Context, ex ipaas.Execution, a Admission) (ipaas.Execution, error)
	// StartExecution adds an execution that runs at once: RUNNING, attempt 1, with its lease. One of a deployment is added to the
	// executions that the deployment lists.
	StartExecution(ctx context.Context, ex ipaas.Execution) error
	// ClaimExecutions takes at most so many QUEUED executions that may run: not held, asleep, or behind another one of their lane, nor
	// of a paused instance, unless that is deleting: what was begun there comes to its end. What was begun and whose instance is deleted
	// is CANCELED instead, whoever has the id of that instance now. They become RUNNING, with one attempt more and a lease until the given time. Customers take turns, then the
	// flows of their instances, each going on where the call before stopped; of a flow the oldest comes first. Who has reached a limit,
	// of the customer's, the instance's or the flow's executions that run, is passed over. One that starts for the first time is bound
	// to the instance's serving generation, unless it is bound already: its number, version, definition and config.
	ClaimExecutions(ctx context.Context, now, lease time.Time, most int) ([]ipaas.Execution, error)
	// NextWake returns when the next execution wakes that is asleep; zero: none is.
	NextWake(ctx context.Context) (time.Time, error)
	// ExtendLease moves the lease of a RUNNING execution. Conflict if the attempt is not the running one.
	ExtendLease(ctx context.Context, id string, attempt int, lease time.Time) error
	// ReleaseExecution gives a RUNNING execution back that was interrupted in good order: QUEUED, as if its time had not come yet. One
	// that was told to stop is CANCELED. Conflict if the attempt is not the running one.
	ReleaseExecution(ctx context.Context, id string, attempt int, now time.Time) error
	// BeginStep records that a step began; it gets the next sequence. A step of the same path that did not end is begun again: it
	// keeps its sequence and what it decided. If it ended before, well or badly, it is returned as it is with done true, and nothing
	// is changed. Conflict if the execution is not RUNNING in the given attempt; so in CompleteStep, FinishExecution and RetryExecution.
	BeginStep(ctx context.Context, attempt int, s ipaas.StepResult) (recorded ipaas.StepResult, done bool, err error)
	// CompleteStep records in one step how a step ended, the lines it logged, and what became of its registration: created is the
	// row with state, remote id and result filled in, or nil. A step may also be recorded as RUNNING still, with what it decided.
	// NotFound for a step that was not begun, Conflict for one that has ended. What was decided while the call was under way stands: a
	// registration whose removal was begun or done, or whose instance was undeployed or deleted, becomes REMOVE_PENDING and is due to be
	// removed at once, unless it is ABANDONED or UNCONFIRMED.
	CompleteStep(ctx context.Context, attempt int, s ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration) error
	// FinishExecution moves a RUNNING execution to a final state with its error, result and response.
	FinishExecution(ctx context.Context, ex ipaas.Execution) error
	// RetryExecution finishes an execution as FinishExecution does, and adds next to try it again: with the payload and the place in
	// its lane of the one before, the next try of the same origin, asleep until its wake time. It does not add it, and says so, if the
	// execution was told to stop, or its instance is undeployed, being deleted or deleted.
	RetryExecution(ctx context.Context, ex, next ipaas.Execution) (added bool, err error)
	// CancelExecution ends an execution before its end. A QUEUED one is CANCELED. A RUNNING one is marked as Canceling, which whoever
	// runs it carries out, or else recovery. One that is Blocking stays as it ended and gives up its place. Precondition
	// EXECUTION_ENDED for another one that has ended, and PART_OF_DEPLOYMENT for one of a deployment that runs.
	CancelExecution(ctx context.Context, id string, now time.Time, w Write) (ipaas.Execution, error)
	// ReplayExecution adds ex, which runs what ReplayOf names once more, with its payload, after reading the instance again as
	// AcceptExecution does for an event. It stands at the end of its lane, or in the place of one that is Blocking. One with a
	// definition stays bound to what it was bound to, and has the given steps recorded already. Precondition EXECUTION_RUNNING if the
	// one before has not ended, PAYLOAD_EXPIRED if its payload is gone; Gone INSTANCE_REMOVED if its instance is.
	ReplayExecution(ctx context.Context, ex ipaas.Execution, steps []ipaas.StepResult, a Admission, w Write) (ipaas.Execution, error)
	// RecoverExecutions deals with executions that are RUNNING under a lease that ended before now, but not with those it is told to
	// except. One that was told to stop is CANCELED. One that is Inline, run for a waiting caller, is FAILED with reason INTERRUPTED,
	// but not one of a RUNNING deployment, which carries it on or ends it.
	// Of the others a crash is counted: they go back to QUEUED, or with the last crash allowed to DEAD_LETTER with reason CRASHED.
	// One that is asleep and was added after now wakes: the clock was set back since, and could let it sleep for years.
	RecoverExecutions(ctx context.Context, now time.Time, r Recovery) (Recovered, error)
	// ResumeExecution begins the next attempt of a RUNNING execution whose runner is gone: one attempt more, lease until the given time.
	// Conflict if it is not RUNNING.
	ResumeExecution(ctx context.Context, id string, lease time.Time) (ipaas.Execution, error)
	// GetExecution returns an execution with its payload.
	GetExecution(ctx context.Context, id string) (ipaas.Execution, error)
	// ListExecutions lists executions without their payloads. Fields: id, instance_id, customer_id, integration_id, flow_id,
	// deployment_id, state, invoke_type, test, origin_id, retry_of, replay_of, superseded, blocking, create_time. Of those with an
	// origin_id the origin itself is none. Default order: create_time desc.
	ListExecutions(ctx context.Context, q Query) (Page[ipaas.Execution], error)
	// ListStepResults returns at most limit step results of an execution with a sequence above after, in order.
	ListStepResults(ctx context.Context, executionID string, after int64, limit int) ([]ipaas.StepResult, error)
	// ListLogs returns at most limit lines of an execution with a sequence above after, in order. CompleteStep numbers lines from 1.
	ListLogs(ctx context.Context, executionID string, after int64, limit int) ([]ipaas.Log, error)
}

// Retention clears away what has had its time. Its methods go in small steps, each of them whole, between which others are served,
// and return how many rows they cleared. They do their work while the disk is full, too. No method touches an execution that has not
// ended or is Blocking, nor one that made a registration that is neither removed, abandoned nor forgiven.
type Retention interface {
	// Expire deletes receipts, deduplication keys and rotated webhooks whose time has come, and moves executions that were held since before
	// heldBefore to DEAD_LETTER with reason EXPIRED.
	Expire(ctx context.Context, now, heldBefore time.Time) (int, error)
	// ExpirePayloads empties executions that ended before a time: payload, result, response, step results and logs are gone, all
	// else stays, and PayloadExpired is true from then on.
	ExpirePayloads(ctx context.Context, endedBefore time.Time) (int, error)
	// ExpireExecutions forgets executions whose payload has expired and that ended before a time.
	ExpireExecutions(ctx context.Context, endedBefore time.Time) (int, error)
	// ExpireGenerations forgets generations of each instance beyond the newest so many, but for the one that serves and those that an
	// execution or a registration that is neither removed, abandoned nor forgiven points at.
	ExpireGenerations(ctx context.Context, keep int) (int, error)
	// ExpireDeployments forgets deployments that ended before a time, but for the last one of each instance and those that a generation,
	// an execution or a registration that is neither removed, abandoned nor forgiven points at.
	ExpireDeployments(ctx context.Context, endedBefore time.Time) (int, error)
	// ExpireUpgrades forgets upgrades that ended before a time, with their results.
	ExpireUpgrades(ctx context.Context, endedBefore time.Time) (int, error)
	// ExpireTombstones forgets instances that were deleted before a time, with all that is theirs but executions, once all their
	// registrations are removed, abandoned or forgiven. Their hooks are unknown from then on.
	ExpireTombstones(ctx context.Context, deletedBefore time.Time) (int, error)
	// ExpireDefinitions forgets definitions that no draft, version, generation, deployment or execution without a generation points
	// at, if a call before unusedBefore has seen that, too, and nobody has saved them again since.
	ExpireDefinitions(ctx context.Context, now, unusedBefore time.Time) (int, error)
	// ExpireConfigs forgets config revisions of each instance beyond the newest so many, but for the serving one and those that a
	// generation, a deployment, an execution or a registration that is neither removed, abandoned nor forgiven points at.
	ExpireConfigs(ctx context.Context, keep int) (int, error)
}
