package ipaas

import (
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/value"
)

// Schedule says when a flow with a schedule trigger runs by itself. Exactly one of Cron, Every and ConfigVariable is set.
type Schedule struct {
	Cron           string        `json:"cron,omitempty"`            // five fields
	Every          time.Duration `json:"every,omitempty"`           // counted from the deployment that began it
	ConfigVariable string        `json:"config_variable,omitempty"` // one of type SCHEDULE, by display name or id
	TimeZone       string        `json:"time_zone,omitempty"`       // of cron expressions without one of their own, e.g. Europe/Berlin; empty: UTC
	Singleton      bool          `json:"singleton,omitempty"`       // a time is skipped while the execution of an earlier one is not over
}

// FlowSchedule is when a flow of an instance runs by itself: a Schedule with what its config variable says.
type FlowSchedule struct {
	InstanceID string
	FlowID     string
	Spec       string // as ParseTimetable reads it
	Singleton  bool
	NextTime   time.Time // zero: never
	SetTime    time.Time // when NextTime was worked out
}

// TriggerSchedule starts a flow by the clock.
const TriggerSchedule = "schedule-triggers.schedule"

// MayRunByClock reports whether a flow with a trigger may have a schedule: one with TriggerSchedule, or with the trigger of a connector, as
// those have that look for changes. What starts the flows of the other components is never the clock.
func MayRunByClock(triggerType string) bool {
	component, _, _ := strings.Cut(triggerType, ".")
	return !slices.Contains([]string{"webhook-triggers", "management-triggers", "cross-flow", "recursive-flow", "http", "hash"}, component)
}

// MinScheduleInterval is the shortest time between two runs by the clock.
const MinScheduleInterval = time.Minute

// MaxScheduleInterval is the longest interval of a schedule.
const MaxScheduleInterval = 366 * 24 * time.Hour

// schedule checks when a trigger starts its flow. Whether its config variable exists is a question to the whole definition.
func (c *checker) schedule(path string, t *Trigger) {
	s := t.Schedule
	if s == nil {
		return // such a flow runs when its URL is called
	}
	if !MayRunByClock(t.Type) {
		c.add(path, ReasonMisplaced, "a flow with the trigger %s has no schedule: remove it, or give the flow the trigger %s", t.Type, TriggerSchedule)
	}
	given := 0
	for _, is := range []bool{s.Cron != "", s.Every != 0, s.ConfigVariable != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		c.add(path, ReasonMalformed, "a schedule has %d of cron, every and configVariable: give one", given)
	}
	if s.Cron != "" {
		if err := CheckCron(s.Cron); err != nil {
			c.add(path+".cron", ReasonMalformed, "%q is no cron expression: %v", value.Shorten(s.Cron), err)
		}
	}
	if s.Every != 0 && (s.Every < MinScheduleInterval || s.Every > MaxScheduleInterval) {
		c.add(path+".every", ReasonMalformed, "an interval of %s cannot be: give one from %s to %s", s.Every, MinScheduleInterval, MaxScheduleInterval)
	}
	if s.TimeZone != "" {
		if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
			c.add(path+".timeZone", ReasonMalformed, "%q is no time zone: give one such as Europe/Berlin", value.Shorten(s.TimeZone))
		}
	}
}
