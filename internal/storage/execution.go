package storage

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// Executions keeps executions, their step results and logs.
//
// Executions with a Lane keep an order: of those with the same lane, flow and instance only the first that has not ended may run, the
// others are QUEUED behind it. Their places are given when they are accepted; a retry takes the place of the try before it. One that
// ends FAILED or DEAD_LETTER, unless it was held too long, and whose OnFailure is BLOCK, keeps its place: it is Blocking, and those
// behind it are Blocked until it is replayed, which gives its place to the replay, or canceled. In every method that ends one, the
// next of its lane may run from the same step on.
type Executions interface {
	// AcceptExecution adds a QUEUED execution for a webhook after reading the instance again in the same step. It returns it as
	// stored, with the instance's customer and integration. It is held when the instance is paused with HOLD, when it is DEPLOYING or
	// DEPLOY_FAILED, or when the flow is not one the serving generation has, but is one of the candidate's of the RUNNING deployment.
	// Refused: Gone INSTANCE_REMOVED for an undeployed, deleting or deleted instance, NotFound for one never deployed and for a flow
	// that neither has, Unavailable INSTANCE_PAUSED for one paused with REFUSE, Exhausted TOO_MANY_HELD and TOO_MANY_QUEUED at the
	// bounds of the admission.
	// An Inline one, for which somebody waits, is not queued but RUNNING at once: attempt 1, with its lease. It is refused with
	// INSTANCE_PAUSED while the instance is paused, and with Exhausted TOO_MANY_RUNNING where a limit of what runs is reached.
	// An event whose deduplication key was accepted before, for the same flow of the same instance, adds nothing and asks for nothing
	// of this: the execution that was accepted first is returned, or, if the bodies differ, Conflict DEDUPLICATION_KEY_REUSED.
	// One with a RequestKey ends the retries of older events of its flow and instance with the same key that have not begun: they are
	// CANCELED with reason SUPERSEDED, and superseded by it. So in every method that adds an event.
	AcceptExecution(ctx context.Context, ex ipaas.Execution, a Admission) (ipaas.Execution, error)
	// StartExecution adds an execution that runs at once: RUNNING, attempt 1, with its lease. One of a deployment is added to the
	// executions that the deployment lists.
	StartExecution(ctx context.Context, ex ipaas.Execution) error
	// ClaimExecutions takes at most so many QUEUED executions that may run: not held, asleep, or behind another one of their lane, nor
	// of a paused instance, unless that is deleting: what was begun there comes to its end. What was begun and whose instance is deleted
	// is CANCELED instead, whoever has the id of that instance now. They become RUNNING, with one attempt more and a lease until the given
	// time. Customers take turns, then the flows of their instances, each going on where the call before stopped; of a flow the oldest comes
	// first. Passed over is who has reached a limit of the customer's, the instance's or the flow's executions that run; a customer for whom
	// no worker is free, with those that are taken counted; and a flow of which some wait for memory. One that starts for the first time is
	// bound to the instance's serving generation, unless it is bound already: its number, version, definition and config.
	ClaimExecutions(ctx context.Context, now, lease time.Time, most int, w Workers) ([]ipaas.Execution, error)
	// NextWake returns when the next execution wakes that is asleep; zero: none is.
	NextWake(ctx context.Context) (time.Time, error)
	// ExtendLease moves the lease of a RUNNING execution. Conflict if the attempt is not the running one.
	ExtendLease(ctx context.Context, id string, attempt int, lease time.Time) error
	// ReleaseExecution gives a RUNNING execution back that was interrupted in good order: QUEUED, as if its time had not come yet. One
	// that was told to stop is CANCELED. Conflict if the attempt is not the running one.
	ReleaseExecution(ctx context.Context, id string, attempt int, now time.Time) error
	// BeginStep records that a step began; it gets the next sequence. A step of the same path that did not end is begun again: it
	// keeps its sequence and what it decided. If it ended before, well or badly, it is returned as it is with done true, and nothing
	// is changed. Conflict if the execution is not RUNNING in the given attempt; so in every method that records something of it.
	BeginStep(ctx context.Context, attempt int, s ipaas.StepResult) (recorded ipaas.StepResult, done bool, err error)
	// RecordProgress records in one step, all of it or nothing, what has happened in an execution: each step as it stands, and lines. A step
	// of a path that is not there is added with the next sequence; one that did not end before keeps its sequence. Conflict for one that did.
	RecordProgress(ctx context.Context, executionID string, attempt int, p Progress) error
	// CompleteStep records in one step how a step ended, the lines it logged, and what became of its registration: created is the
	// row with state, remote id and result filled in, or nil. A step may also be recorded as RUNNING still, with what it decided.
	// NotFound for a step that was not begun, Conflict for one that has ended. What was decided while the call was under way stands: a
	// registration whose removal was begun or done, or whose instance was undeployed or deleted, becomes REMOVE_PENDING and is due to be
	// removed at once, unless it is ABANDONED or UNCONFIRMED. Changes of state are carried out in the same step, or noted down with it.
	// The executions it starts are added as QUEUED, InvokedBy its execution, with the RootID and Depth of its line, which grows by each that
	// is not RECURSIVE; all of them, or nothing is recorded. One with a WakeTime is asleep until then. They wait while the instance is
	// paused, however it is, and are bound as the one that starts them is where that is one of a test instance. One of a RUNNING deployment
	// starts executions of it, which are bound to its candidate, without a generation, and may run at once.
	// Refused: Gone INSTANCE_REMOVED for an undeployed, deleting or deleted instance, and for a deployment that is undone; Exhausted
	// TOO_MANY_QUEUED at the bound of the admission, for a test instance counted by itself; what AcceptExecution refuses for a
	// deduplication key; *AlreadyStarted for one whose deduplication key was accepted before, and for a second RECURSIVE one of the same
	// origin.
	CompleteStep(
		ctx context.Context, attempt int, s ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration, effects ...StepEffects,
	) error
	// FinishExecution moves a RUNNING execution to a final state with its error, result and response. What happened before and is not
	// recorded yet is recorded in the same step as RecordProgress does it, all or nothing; so in RouteExecution, RetryExecution and, from
	// its effects, CompleteStep.
	FinishExecution(ctx context.Context, ex ipaas.Execution, before ...Progress) error
	// RouteExecution finishes an execution as FinishExecution does, and in the same step accepts next, which its request becomes, as
	// AcceptExecution does: it is PreprocessedBy the one before, which is RoutedTo it, or to the one that was accepted first for its
	// deduplication key. If next is refused, nothing is done. Of one that was told to stop, next is not accepted, and what is returned is
	// empty.
	RouteExecution(ctx context.Context, ex, next ipaas.Execution, a Admission, before ...Progress) (ipaas.Execution, error)
	// RetryExecution finishes an execution as FinishExecution does, and adds next to try it again: with the payload and the place in
	// its lane of the one before, the next try of the same origin, asleep until its wake time. It does not add it, and says so, if the
	// execution was told to stop, its instance is undeployed, being deleted or deleted, or a newer event of its flow has the same
	// RequestKey: by that it is superseded.
	RetryExecution(ctx context.Context, ex, next ipaas.Execution, before ...Progress) (added bool, err error)
	// CancelExecution ends an execution before its end. A QUEUED one is CANCELED. A RUNNING one is marked as Canceling, which whoever
	// runs it carries out, or else recovery. One that is Blocking stays as it ended and gives up its place. Precondition
	// EXECUTION_ENDED for another one that has ended, and PART_OF_DEPLOYMENT for an Inline one of a deployment that runs.
	CancelExecution(ctx context.Context, id string, now time.Time, w Write) (ipaas.Execution, error)
	// ReplayExecution adds ex, which runs what ReplayOf names once more, with its payload, after reading the instance again as
	// AcceptExecution does for an event. It stands at the end of its lane, or in the place of one that is Blocking. One with a
	// definition stays bound to what it was bound to, and has the given steps recorded already. Precondition EXECUTION_RUNNING if the
	// one before has not ended, PAYLOAD_EXPIRED if its payload is gone; Gone INSTANCE_REMOVED if its instance is. The given changes of
	// state are carried out with it.
	ReplayExecution(
		ctx context.Context, ex ipaas.Execution, steps []ipaas.StepResult, a Admission, w Write, state ...StateChange,
	) (ipaas.Execution, error)
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
	// deployment_id, state, invoke_type, test, origin_id, retry_of, replay_of, invoked_by, root_id, superseded, blocking, create_time. Of
	// those with an origin_id the origin itself is none, and so with root_id. Default order: create_time desc.
	ListExecutions(ctx context.Context, q Query) (Page[ipaas.Execution], error)
	// ListStepResults returns at most limit step results of an execution with a sequence above after, in order.
	ListStepResults(ctx context.Context, executionID string, after int64, limit int) ([]ipaas.StepResult, error)
	// ListLogs returns at most limit lines of an execution with a sequence above after, in order. They are numbered from 1 as they are
	// recorded.
	ListLogs(ctx context.Context, executionID string, after int64, limit int) ([]ipaas.Log, error)
}

// Progress is what has happened in an execution since something of it was recorded last, in order.
type Progress struct {
	Steps []ipaas.StepResult
	Logs  []ipaas.Log
}

// StepEffects is what a step does beside its result.
type StepEffects struct {
	Before Progress // what happened before the step ended, which may have begun with it
	State  []StateChange
	Starts []Invocation // executions that it starts
}

// Admission is what accepting an execution depends on.
type Admission struct {
	// ServingHasFlow tells what the caller saw of the serving generation; if it did not have the flow, the one that serves by now is asked.
	ServingHasFlow bool
	// MaxHeld is the most executions of the instance that may be held.
	MaxHeld int
	// MaxQueued is the most executions of the customer that may wait, or of all that are no customer's, counted now and then rather than
	// each time; 0: no limit.
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
	All        bool     // whatever their leases say: nobody runs any
}

// Recovered is how many executions recovery brought to a state.
type Recovered struct {
	Requeued, Failed, DeadLettered, Canceled int
}
