package control_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

func scheduled(name string, s ipaas.Schedule, steps ...ipaas.Step) ipaas.Flow {
	return ipaas.Flow{DisplayName: name, Steps: steps, Trigger: ipaas.Trigger{Type: ipaas.TriggerSchedule, Schedule: &s}}
}

// inBubble runs a test on a world of its own in a bubble in which hours pass in no time.
func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bareWorld(t, t.TempDir())
		w.hooks = &httptest.Server{URL: "http://headrace.invalid"}
		w.start()
		test(t, w)
	})
}

// time is what the plane's clock says.
func (w *world) time() time.Time {
	return time.Now().Add(time.Duration(w.ahead.Load() + w.moved.Load()))
}

// tick lets time pass, and the plane see every time of a schedule on the way.
func (w *world) tick(d time.Duration) {
	w.t.Helper()
	for end := w.ahead.Load() + int64(d); ; {
		now := w.time()
		_, next, err := w.store.DueSchedules(w.t.Context(), now, 1)
		if err != nil {
			w.t.Fatal(err)
		}
		left := time.Duration(end - w.ahead.Load())
		if next.IsZero() || next.Sub(now) > left {
			w.ahead.Add(int64(left))
			time.Sleep(3 * time.Second)
			return
		}
		w.ahead.Add(int64(next.Sub(now)))
		time.Sleep(3 * time.Second)
	}
}

// runs returns the times that the executions of a flow are for, the oldest first.
func (w *world) runs(flowID string) []time.Time {
	w.t.Helper()
	var times []time.Time
	for _, ex := range w.executions("flow_id", flowID) {
		if ex.Invoke == ipaas.InvokeSchedule {
			times = append(times, ex.ScheduleTime)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// wantRuns checks how often a flow was started by the clock, and that no time was taken twice.
func (w *world) wantRuns(what, flowID string, want int) []time.Time {
	w.t.Helper()
	times := w.runs(flowID)
	if len(times) != want {
		w.t.Errorf("%s: it ran for %v, want %d times", what, times, want)
	}
	if one := slices.CompactFunc(slices.Clone(times), time.Time.Equal); len(one) != len(times) {
		w.t.Errorf("%s: a time ran twice: %v", what, times)
	}
	return times
}

func (w *world) flowOf(instanceID, flowID string) control.InstanceFlow {
	w.t.Helper()
	in := must[ipaas.Instance](w.t)(w.store.GetInstance(w.t.Context(), instanceID))
	view := must[control.InstanceView](w.t)(w.DescribeInstance(w.t.Context(), in, true))
	for _, f := range view.Flows {
		if f.FlowID == flowID {
			return f
		}
	}
	w.t.Fatalf("instance %s has no flow %s", instanceID, flowID)
	return control.InstanceFlow{}
}

func TestAFlowRunsByItsSchedule(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) { // begins at midnight of 2000-01-01
		w.deployed("daily", ipaas.Definition{DisplayName: "Daily", Flows: []ipaas.Flow{
			scheduled("Daily", ipaas.Schedule{Cron: "30 8 * * *", TimeZone: "Europe/Berlin"}, note("Note", ref("trigger.results"))),
			scheduled("Often", ipaas.Schedule{Every: 5 * time.Hour}, note("Note", lit("often"))),
			scheduled("Called", ipaas.Schedule{Cron: "0 0 1 1 *"}, note("Note", lit("called"))),
		}}, nil)
		deployed := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "daily")).DeployTime
		first := time.Date(2000, 1, 1, 7, 30, 0, 0, time.UTC)
		f := w.flowOf("daily", "daily")
		if f.Schedule != "CRON_TZ=Europe/Berlin 30 8 * * *" || !f.NextRunTime.Equal(first) {
			t.Errorf("it is shown as %+v", f)
		}
		w.tick(26 * time.Hour)
		if times := w.wantRuns("after a day", "daily", 1); len(times) > 0 && !times[0].Equal(first) {
			t.Errorf("it ran for %v, want %v", times[0], first)
		}
		times := w.wantRuns("after a day", "often", 5)
		for i, at := range times {
			if want := deployed.Add(time.Duration(i+1) * 5 * time.Hour); at.Sub(want).Abs() > time.Second {
				t.Errorf("interval %d is for %v, want %v", i+1, at, want)
			}
		}
		w.wantRuns("after a day", "called", 0)
		var seen string
		for _, n := range w.probe.notes() {
			if strings.Contains(n, "scheduledFor") {
				seen = n
			}
		}
		for _, want := range []string{`"scheduledFor":"2000-01-01T07:30:00.000Z"`, `"body":{"data":null}`, `"startedAt":"2000-01-01T07:30:0`} {
			if !strings.Contains(seen, want) {
				t.Errorf("the flow saw %s, want %s in it", seen, want)
			}
		}
		if f := w.flowOf("daily", "daily"); !f.NextRunTime.Equal(first.Add(24 * time.Hour)) {
			t.Errorf("next it runs at %v", f.NextRunTime)
		}
	})
}

func TestDeploymentsSwitchSchedules(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		when := ipaas.ConfigVariable{DisplayName: "When", Type: ipaas.ConfigSchedule}
		def := ipaas.Definition{DisplayName: "When", ConfigVariables: []ipaas.ConfigVariable{when}, Flows: []ipaas.Flow{
			scheduled("Mine", ipaas.Schedule{ConfigVariable: "When", TimeZone: "Europe/Berlin"}, note("Note", lit("mine"))),
			scheduled("Fixed", ipaas.Schedule{Every: 10 * time.Hour}, note("Note", lit("fixed"))),
		}}
		w.deployed("when", def, nil)
		if f := w.flowOf("when", "mine"); f.Schedule != "" || !f.NextRunTime.IsZero() {
			t.Errorf("without a value it is shown as %+v", f)
		}
		fixed := w.flowOf("when", "fixed").NextRunTime
		w.tick(time.Hour)
		w.configure("when", map[string]string{"When": `"0 6 * * *"`})
		if f := w.flowOf("when", "mine"); f.Schedule != "" {
			t.Errorf("before it is deployed it is shown as %+v", f)
		}
		w.deploy("when")
		if f := w.flowOf("when", "mine"); !f.NextRunTime.Equal(time.Date(2000, 1, 1, 5, 0, 0, 0, time.UTC)) {
			t.Errorf("it is shown as %+v", f)
		}
		if next := w.flowOf("when", "fixed").NextRunTime; !next.Equal(fixed) {
			t.Errorf("a deployment has moved an interval from %v to %v", fixed, next)
		}
		w.tick(25 * time.Hour)
		w.wantRuns("of the config", "mine", 1)
		w.wantRuns("as ever", "fixed", 2)
		w.configure("when", map[string]string{"When": `"every 90m"`})
		deployed := w.deploy("when")
		if f := w.flowOf("when", "mine"); f.Schedule != "@every 1h30m0s" || !f.NextRunTime.Equal(deployed.Deployment.EndTime.Add(90*time.Minute)) {
			t.Errorf("with an interval it is shown as %+v", f)
		}
		def.Flows = def.Flows[:1]
		w.publish("int-when", def)
		must[control.DeployResult](t)(w.DeployInstance(t.Context(), "when", 2, plain))
		must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "when", plain))
		w.tick(48 * time.Hour)
		w.wantRuns("once it is undeployed", "mine", 1)
		w.wantRuns("once it is gone", "fixed", 2)
	})
}

func TestMissedTimesAreMadeUpForOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.deployed("missed", ipaas.Definition{DisplayName: "Missed", Flows: []ipaas.Flow{
			scheduled("Hourly", ipaas.Schedule{Cron: "0 * * * *"}, note("Note", lit("ran"))),
			scheduled("Every", ipaas.Schedule{Every: time.Hour}, note("Note", lit("ran"))),
		}}, nil)
		step := w.flowOf("missed", "every").NextRunTime.Sub(time.Unix(0, 0)) % time.Hour
		w.stop()
		w.ahead.Add(int64(10*time.Hour + 30*time.Minute))
		w.start()
		time.Sleep(5 * time.Second)
		w.wantRuns("after a stop", "hourly", 1)
		w.wantRuns("after a stop", "every", 1)
		w.tick(time.Hour)
		w.wantRuns("an hour later", "hourly", 2)
		w.wantRuns("an hour later", "every", 2)
		must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "missed", ipaas.PauseRefuse, plain))
		if f := w.flowOf("missed", "hourly"); f.Schedule == "" || !f.NextRunTime.IsZero() {
			t.Errorf("paused it is shown as %+v", f)
		}
		w.tick(5 * time.Hour)
		w.wantRuns("while it is paused", "hourly", 2)
		must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), "missed", plain))
		time.Sleep(5 * time.Second)
		w.wantRuns("when it is resumed", "hourly", 3)
		w.wantRuns("when it is resumed", "every", 3)
		if next := w.flowOf("missed", "every").NextRunTime.Sub(time.Unix(0, 0)) % time.Hour; next != step {
			t.Errorf("the interval has lost its step: %v, want %v", next, step)
		}
	})
}

func TestASingletonWaitsForItself(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.deployed("single", ipaas.Definition{DisplayName: "Single", Flows: []ipaas.Flow{
			scheduled("Single", ipaas.Schedule{Every: time.Hour, Singleton: true}, step("Wait", "probe.wait", inputs{"value": lit("gate")})),
		}}, nil)
		w.tick(time.Hour + time.Minute)
		<-w.probe.gate("gate").reached
		w.tick(2 * time.Hour)
		w.wantRuns("while the first goes on", "single", 1)
		w.probe.gate("gate").pass()
		w.succeeded(w.executions("flow_id", "single")[0].ID)
		w.tick(time.Hour)
		w.wantRuns("once it has ended", "single", 2)
	})
}

func TestATestOfAScheduledFlowRunsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("daily", ipaas.Definition{DisplayName: "Daily", Flows: []ipaas.Flow{
		scheduled("Daily", ipaas.Schedule{Cron: "0 0 1 1 *"}, note("Note", ref("trigger.results.body"))),
	}}, nil)
	if ex := w.test("daily", "daily", nil).Execution; ex.State != ipaas.ExecutionSucceeded || ex.Invoke != ipaas.InvokeTest {
		t.Errorf("the test is %+v", ex)
	}
	if diff := cmp.Diff([]string{`{"data":null}`}, w.probe.notes()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFullQueuePutsATimeOff(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.stop()
		w.limits.MaxQueued, w.limits.Workers = 1, 1
		w.start()
		urls := w.deployed("full", ipaas.Definition{DisplayName: "Full", Flows: []ipaas.Flow{
			scheduled("Hourly", ipaas.Schedule{Cron: "0 * * * *"}, note("Note", lit("ran"))),
			hookFlow("Hook", step("Wait", "probe.wait", inputs{"value": lit("gate")})),
		}}, nil)
		w.tick(59 * time.Minute)
		w.accepted(urls["Hook"], `{}`)
		<-w.probe.gate("gate").reached
		w.accepted(urls["Hook"], `{}`)
		w.tick(5 * time.Minute)
		w.wantRuns("while the queue is full", "hourly", 0)
		w.probe.gate("gate").pass()
		time.Sleep(20 * time.Second)
		w.wantRuns("when there is room", "hourly", 1)
	})
}

// TestAMovedClockRunsSchedules: a jump ahead makes up for what it skips by one run; after one back no time runs twice, and what runs by
// the clock goes by it again within a day.
func TestAMovedClockRunsSchedules(t *testing.T) {
	everyJump(t, func(t *testing.T, w *world, jump func()) {
		w.deployed("moved", ipaas.Definition{DisplayName: "Moved", Flows: []ipaas.Flow{
			scheduled("Every", ipaas.Schedule{Every: 10 * time.Minute}, note("Note", lit("ran"))),
			scheduled("Hourly", ipaas.Schedule{Cron: "0 * * * *"}, note("Note", lit("ran"))),
		}}, nil)
		w.tick(61 * time.Minute)
		every, hourly := len(w.wantRuns("before", "every", 6)), len(w.wantRuns("before", "hourly", 1))
		jump()
		time.Sleep(2 * time.Minute)
		if more := len(w.runs("every")) - every; more > 1 {
			t.Errorf("just after the jump %d runs of the interval", more)
		}
		if more := len(w.runs("hourly")) - hourly; more > 1 {
			t.Errorf("just after the jump %d hourly runs", more)
		}
		every, hourly = len(w.runs("every")), len(w.runs("hourly"))
		w.tick(3 * time.Hour)
		if more := len(w.runs("every")) - every; more < 16 || more > 18 {
			t.Errorf("in three hours after the jump %d runs of the interval", more)
		}
		if more := len(w.runs("hourly")) - hourly; more < 2 || more > 3 {
			t.Errorf("in three hours after the jump %d hourly runs", more)
		}
		w.wantRuns("in the end", "every", len(w.runs("every")))
	})
}

// TestKilledAtAnyMomentATimeRunsOnce kills the plane at each moment around a time: another one that takes over starts the flow for it
// once, and goes on with the next.
func TestKilledAtAnyMomentATimeRunsOnce(t *testing.T) {
	t.Parallel()
	killedAtEach(t, func(w *world) {
		w.deployed("killed", ipaas.Definition{DisplayName: "Killed", Flows: []ipaas.Flow{
			scheduled("Hourly", ipaas.Schedule{Every: time.Hour}, note("Note", lit("ran")), note("More", lit("more"))),
		}}, nil)
		w.stop() // the time comes for the plane that is to die
		w.ahead.Add(int64(time.Hour + time.Second))
	}, func(*world) {}, func(t *testing.T, w *world) {
		w.eventually("the run has ended", func() bool {
			all := w.executions("flow_id", "hourly")
			return len(all) > 0 && !slices.ContainsFunc(all, func(ex ipaas.Execution) bool { return !ex.State.Ended() })
		})
		w.wantRuns("after the first hour", "hourly", 1)
		if next := w.flowOf("killed", "hourly").NextRunTime; next.Before(time.Now().Add(time.Hour)) {
			t.Errorf("the next is at %v", next)
		}
	})
}

// TestTwoClocksTakeATimeOnce lets many take the same times of one store at once.
func TestTwoClocksTakeATimeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("twice", ipaas.Definition{DisplayName: "Twice", Flows: []ipaas.Flow{
		scheduled("Hourly", ipaas.Schedule{Every: time.Hour}, note("Note", lit("ran"))),
	}}, nil)
	s := must[[]ipaas.FlowSchedule](t)(w.store.ListSchedules(t.Context(), "twice"))[0]
	const takers = 8
	added := make(chan bool, takers)
	for range takers {
		go func() {
			now := time.Now()
			ok, err := w.store.FireSchedule(t.Context(), s, s.NextTime.Add(time.Hour), ipaas.Execution{
				ID: ipaas.NewID("exe"), FlowID: "hourly", Invoke: ipaas.InvokeSchedule, ScheduleTime: s.NextTime, CreateTime: now,
			}, storage.Admission{})
			if err != nil {
				t.Error(err)
			}
			added <- ok
		}()
	}
	n := 0
	for range takers {
		if <-added {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d took the time", n)
	}
	w.wantRuns(fmt.Sprintf("of %d", takers), "hourly", 1)
}
