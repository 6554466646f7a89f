package storage

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// Schedules keeps when flows of instances run by themselves. CommitDeployment sets them; an instance that is undeployed or deleted has none.
type Schedules interface {
	// ListSchedules returns the schedules of an instance, by flow id.
	ListSchedules(ctx context.Context, instanceID string) ([]ipaas.FlowSchedule, error)
	// DueSchedules returns at most limit schedules whose next time is not later than now, those that wait longest first, and the next
	// moment after now at which there will be some, zero for none. Those of paused instances wait.
	DueSchedules(ctx context.Context, now time.Time, limit int) (due []ipaas.FlowSchedule, next time.Time, err error)
	// FireSchedule moves the next time of a schedule from that in s to next, zero for never, worked out now, and adds ex as QUEUED. It does
	// nothing, and says so, if the schedule has another spec or next time by then, is gone, or its instance is paused: whoever moved it has
	// added the execution. With Singleton nothing is added, and it says so, while an execution that the schedule has started, or a try
	// of one, has not ended. Exhausted TOO_MANY_QUEUED at the bound of the admission.
	FireSchedule(ctx context.Context, s ipaas.FlowSchedule, next time.Time, ex ipaas.Execution, a Admission) (added bool, err error)
	// MisledSchedules returns the schedules whose next time was worked out after now: the clock was set back since.
	MisledSchedules(ctx context.Context, now time.Time) ([]ipaas.FlowSchedule, error)
	// ResetSchedule moves the next time of a schedule from that in s to next, worked out now. It does nothing if it is another one by then.
	ResetSchedule(ctx context.Context, s ipaas.FlowSchedule, next, now time.Time) error
}
