package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// mostDue is how many schedules are looked at in one go.
const mostDue = 100

// postpone is how long a schedule waits whose flow could not be started.
const postpone = 10 * time.Second

// mostBack is how far the clock may be set back before schedules go by it: until then what ran by the clock as it was does not run twice.
const mostBack = 24 * time.Hour

// timekeeper starts flows at their times.
type timekeeper struct {
	*Plane
	postponed map[string]time.Time // schedules that could not be started, by the steady clock
	mended    time.Time            // when schedules of a clock that was set back were looked for, by the steady clock
}

// keepTime starts flows at their times until ctx ends. The poll heals what a clock that was moved makes of a timer.
func (p *Plane) keepTime(ctx context.Context) {
	k := &timekeeper{Plane: p, postponed: map[string]time.Time{}}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(k.round(ctx))
	}
}

// round starts what is due, and returns how long until the next look.
func (k *timekeeper) round(ctx context.Context) time.Duration {
	if steady := k.clock.steady(); steady.Sub(k.mended) >= expireEvery {
		k.mended = steady
		if err := k.mend(ctx); err != nil && ctx.Err() == nil {
			k.logger.Error("mend the schedules after the clock was set back", "error", err)
		}
	}
	now := k.now()
	due, next, err := k.store.DueSchedules(ctx, now, mostDue+len(k.postponed))
	if err != nil {
		if ctx.Err() == nil {
			k.logger.Error("look for flows whose time has come", "error", err)
		}
		return pollEvery
	}
	for key, until := range k.postponed {
		if !until.After(k.clock.steady()) {
			delete(k.postponed, key)
		}
	}
	for _, s := range due {
		key := s.InstanceID + "|" + s.FlowID
		if _, waits := k.postponed[key]; waits || ctx.Err() != nil {
			continue
		}
		if err := k.fire(ctx, s, now); err != nil && ctx.Err() == nil {
			k.postponed[key] = k.clock.steady().Add(postpone)
			k.logger.Warn("start a flow by its schedule", "instance", s.InstanceID, "flow", s.FlowID, "time", s.NextTime, "error", err)
		}
	}
	if next.IsZero() {
		return pollEvery
	}
	return max(min(next.Sub(now), pollEvery), time.Millisecond)
}

// fire starts a flow whose time has come, and sets its next time: both or neither. Times that were missed before are made up for by this.
func (k *timekeeper) fire(ctx context.Context, s ipaas.FlowSchedule, now time.Time) error {
	table, err := ipaas.ParseTimetable(s.Spec)
	if err != nil {
		return fmt.Errorf("read the schedule %q: %w", s.Spec, err)
	}
	in, err := k.store.GetInstance(ctx, s.InstanceID)
	if errors.Is(err, ipaas.NotFound) {
		return nil // it was deleted meanwhile, and its schedules with it
	}
	if err != nil {
		return err
	}
	j, err := k.servingJob(ctx, in)
	if err != nil {
		return err
	}
	if j == nil {
		return errors.New("its config is not valid any more")
	}
	flow := j.program.Flow(s.FlowID)
	if flow == nil {
		return nil // what serves by now has other schedules
	}
	ex := newEvent(now, j.execution, flow, ipaas.Payload{})
	ex.Invoke, ex.ScheduleTime = ipaas.InvokeSchedule, s.NextTime
	a, err := k.admission(ctx, j, flow, &ex, true)
	if err != nil {
		return err
	}
	ex.Generation, ex.DefinitionHash, ex.Version, ex.ConfigRevision = 0, "", 0, 0 // bound when it first starts
	fault.Point("schedule-due")
	added, err := k.store.FireSchedule(ctx, s, following(table, s.NextTime, now), ex, a)
	fault.Point("schedule-fired")
	if added {
		k.wake()
	}
	return err
}

// following returns the first time of a timetable after now. Intervals keep their step however many were missed.
func following(table *ipaas.Timetable, last, now time.Time) time.Time {
	every := table.Every()
	if every == 0 {
		return table.Next(now)
	}
	past := now.Sub(last) // at least 0
	return last.Add(past - past%every + every)
}

// mend brings schedules back to the clock that was set back, by years at worst: they would wait for the time that was to come next.
func (k *timekeeper) mend(ctx context.Context) error {
	now := k.now()
	misled, err := k.store.MisledSchedules(ctx, now)
	if err != nil {
		return err
	}
	for _, s := range misled {
		table, err := ipaas.ParseTimetable(s.Spec)
		if err != nil {
			return fmt.Errorf("read the schedule %q of flow %s of instance %s: %w", s.Spec, s.FlowID, s.InstanceID, err)
		}
		every := table.Every()
		if every > 0 && s.NextTime.Sub(now) <= every || every == 0 && s.SetTime.Sub(now) <= mostBack {
			continue
		}
		if err := k.store.ResetSchedule(ctx, s, table.Next(now), now); err != nil {
			return err
		}
	}
	return nil
}

// takeover is what begins once a deployment has succeeded: the schedules of its flows, and recursive flows that run on deploy.
func (p *Plane) takeover(ctx context.Context, c *candidate, now time.Time) (t storage.Takeover, err error) {
	for i := range c.program.Definition().Flows {
		flow := &c.program.Definition().Flows[i]
		if spec, singleton := c.program.Schedule(flow.ID, c.settings.Values); spec != "" {
			table, err := ipaas.ParseTimetable(spec)
			if err != nil { // values are checked before anything is deployed
				return t, fmt.Errorf("read the schedule %q of flow %s: %w", spec, flow.ID, err)
			}
			t.Schedules = append(t.Schedules, ipaas.FlowSchedule{
				InstanceID: c.instance.ID, FlowID: flow.ID, Spec: spec, Singleton: singleton, NextTime: table.Next(now), SetTime: now,
			})
		}
		if flow.Trigger.Type != ipaas.TriggerRecursive {
			continue
		}
		ex, runs, err := p.firstOfLine(ctx, c, flow, now)
		if err != nil {
			return t, err
		}
		if runs {
			t.Executions = append(t.Executions, ex)
		}
	}
	return t, nil
}

// firstOfLine makes the execution that a recursive flow begins with after a deployment, if it is to run then.
func (p *Plane) firstOfLine(ctx context.Context, c *candidate, flow *ipaas.Flow, now time.Time) (ex ipaas.Execution, runs bool, err error) {
	inputs, wrong := c.program.TriggerInputs(flow.ID, c.settings.Values)
	if len(wrong) > 0 {
		return ex, false, ipaas.InvalidArgument(fmt.Sprintf("the inputs of the trigger of flow %q are not valid", flow.DisplayName), wrong...)
	}
	if !inputs.Bool(ipaas.InputRunOnDeploy) {
		return ex, false, nil
	}
	ex = newEvent(now, ipaas.Execution{InstanceID: c.instance.ID, CustomerID: c.instance.CustomerID, IntegrationID: c.instance.IntegrationID}, flow, ipaas.Payload{})
	ex.Invoke = ipaas.InvokeRecursive
	_, err = p.admission(ctx, c.job(), flow, &ex, true)
	return ex, true, err
}
