package storagetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

var scheduleSentences = []sentence{
	{"an_instance_has_the_schedules_of_its_last_deployment", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.scheduled("i", schedule("items", 1000), schedule("orders", 2000))
		same(t, "schedules", []ipaas.FlowSchedule{schedule("items", 1000), schedule("orders", 2000)}, w.schedules("i"))
		same(t, "of another", nil, w.schedulesOf("i2"))
		changed := schedule("items", 5000)
		changed.Spec = "@every 2h0m0s"
		kept := schedule("orders", 9000)
		kept.Singleton, kept.SetTime = true, at(77)
		w.scheduled("i", changed, kept)
		kept.NextTime, kept.SetTime = at(2000), start
		same(t, "after a change", []ipaas.FlowSchedule{changed, kept}, w.schedules("i"))
		w.deploy("i", definition("ERP", "orders", "items"))
		same(t, "without", nil, w.schedules("i"))
		_, err := s.ListSchedules(t.Context(), "nothing")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"an_instance_that_goes_has_no_schedules", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		for _, id := range []string{"undeployed", "deleted"} {
			w.active(id)
			w.scheduled(id, schedule("orders", 10))
		}
		got(s.BeginRemoval(t.Context(), "undeployed", ipaas.InstanceUndeployed, 0, start, no))(t)
		same(t, "schedules", nil, w.schedules("undeployed"))
		w.delete("deleted")
		due, next, err := s.DueSchedules(t.Context(), at(100), 9)
		check(t, err)
		if len(due) > 0 || !next.IsZero() {
			t.Errorf("due are %+v, and the next is at %v", due, next)
		}
	}},
	{"due_are_those_whose_time_has_come", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.active("j")
		w.scheduled("i", schedule("items", 1000), schedule("orders", 3000))
		never := schedule("items", 0)
		never.NextTime = time.Time{}
		w.scheduled("j", never, schedule("orders", 2000))
		for _, c := range []struct {
			now, limit int
			want       []string
			next       time.Time
		}{
			{999, 9, nil, at(1000)},
			{1000, 9, []string{"i/items"}, at(2000)},
			{4000, 9, []string{"i/items", "j/orders", "i/orders"}, time.Time{}},
			{4000, 1, []string{"i/items"}, time.Time{}},
		} {
			due, next, err := s.DueSchedules(t.Context(), at(c.now), c.limit)
			check(t, err)
			same(t, fmt.Sprintf("due at %d", c.now), c.want, ids(due, func(s ipaas.FlowSchedule) string { return s.InstanceID + "/" + s.FlowID }))
			if !next.Equal(c.next) {
				t.Errorf("at %d the next is at %v, want %v", c.now, next, c.next)
			}
		}
	}},
	{"those_of_a_paused_instance_wait", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.scheduled("i", schedule("orders", 1000))
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no))(t)
		w.wantDue(2000)
		if w.fires(schedule("orders", 1000), 3000) {
			t.Error("it fires")
		}
		w.scheduled("i", schedule("orders", 1000)) // a deployment leaves it paused
		w.wantDue(2000)
		got(s.ResumeInstance(t.Context(), "i", 0, start, no))(t)
		w.wantDue(2000, "i/orders")
	}},
	{"a_time_fires_once", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		seen := schedule("orders", 1000)
		w.scheduled("i", seen)
		ex := w.scheduledRun(seen)
		if !got(s.FireSchedule(t.Context(), seen, at(2000), ex, admission))(t) {
			t.Fatal("it did not fire")
		}
		want := ex
		want.InstanceID = "i"
		same(t, "the execution", want, w.execution(ex.ID))
		if w.fires(seen, 2000) {
			t.Error("the same time fires twice")
		}
		moved := seen
		moved.NextTime, moved.SetTime = at(2000), ex.CreateTime
		same(t, "after that", []ipaas.FlowSchedule{moved}, w.schedules("i"))
		w.wantClaimed("then", ex)
		other := moved
		other.Spec = "@every 5h0m0s"
		if w.fires(other, 3000) {
			t.Error("it fires by a spec it has no more")
		}
		last := w.scheduledRun(moved)
		if !got(s.FireSchedule(t.Context(), moved, time.Time{}, last, admission))(t) {
			t.Error("it does not fire for the last time")
		}
		w.wantDue(1 << 30)
		w.delete("i")
		if w.fires(moved, 4000) {
			t.Error("it fires for an instance that is gone")
		}
	}},
	{"a_singleton_skips_while_one_is_not_over", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one := schedule("orders", 1000)
		one.Singleton = true
		w.scheduled("i", one)
		w.accept("i", "orders") // what others start is not asked for
		w.conclude(w.claim(), ipaas.ExecutionSucceeded)
		fire := func(at2 int) bool {
			t.Helper()
			now := w.schedules("i")[0]
			return w.fires(now, at2)
		}
		if !fire(2000) {
			t.Fatal("it did not fire")
		}
		if fire(3000) {
			t.Error("it fires while one waits")
		}
		if next := w.schedules("i")[0].NextTime; !next.Equal(at(3000)) {
			t.Errorf("the next time is %v", next)
		}
		running := w.claim()
		if fire(4000) {
			t.Error("it fires while one runs")
		}
		retry := w.after(running)
		retry.Invoke, retry.Try, retry.WakeTime = ipaas.InvokeSchedule, 2, at(500)
		running.State, running.EndTime = ipaas.ExecutionFailed, at(w.next())
		got(s.RetryExecution(t.Context(), running, retry))(t)
		if fire(5000) {
			t.Error("it fires while one is to be tried again")
		}
		w.conclude(w.claimAt(at(501), never), ipaas.ExecutionFailed)
		if !fire(6000) {
			t.Error("it does not fire after that")
		}
	}},
	{"a_full_queue_leaves_the_time", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		seen := schedule("orders", 1000)
		w.scheduled("i", seen)
		w.accept("i", "orders")
		_, err := s.FireSchedule(t.Context(), seen, at(2000), w.scheduledRun(seen), storage.Admission{MaxQueued: 1})
		wantKind(t, err, ipaas.Exhausted, ipaas.ReasonTooManyQueued)
		w.wantDue(1000, "i/orders")
	}},
	{"schedules_of_a_clock_that_was_set_back_are_found", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		early, late := schedule("items", 1000), schedule("orders", 9000)
		late.SetTime = at(8000)
		w.scheduled("i", early, late)
		same(t, "misled", []ipaas.FlowSchedule{late}, got(s.MisledSchedules(t.Context(), at(7999)))(t))
		same(t, "later", nil, got(s.MisledSchedules(t.Context(), at(8000)))(t))
		check(t, s.ResetSchedule(t.Context(), late, at(4000), at(3000)))
		check(t, s.ResetSchedule(t.Context(), late, at(5000), at(3000))) // it is another one by then
		late.NextTime, late.SetTime = at(4000), at(3000)
		same(t, "reset", []ipaas.FlowSchedule{early, late}, w.schedules("i"))
		late.InstanceID = "nothing"
		check(t, s.ResetSchedule(t.Context(), late, at(4000), at(3000)))
	}},
	{"what_begins_with_a_deployment_is_queued_with_it", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		d := w.begin("i", definition("ERP", "orders"))
		ex := w.event("i", "orders")
		ex.Invoke, ex.CustomerID, ex.Payload = ipaas.InvokeRecursive, "", ipaas.Payload{}
		got(s.CommitDeployment(t.Context(), d.ID, at(900), storage.Takeover{Executions: []ipaas.Execution{ex}}))(t)
		claimed := w.claim()
		if claimed.ID != ex.ID || claimed.Generation != d.Candidate.Number || claimed.CustomerID != "progix" {
			t.Errorf("claimed %+v", claimed)
		}
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseRefuse, 0, start, no))(t)
		d = w.begin("i", definition("ERP", "orders"))
		ex.ID = "exe-second"
		got(s.CommitDeployment(t.Context(), d.ID, at(901), storage.Takeover{Executions: []ipaas.Execution{ex}}))(t)
		w.wantNothingToClaim()
		got(s.ResumeInstance(t.Context(), "i", 0, start, no))(t)
		w.wantClaimed("when it is resumed", ex)
	}},
}

// schedule returns that of a flow of instance "i".
func schedule(flow string, next int) ipaas.FlowSchedule {
	return ipaas.FlowSchedule{InstanceID: "i", FlowID: flow, Spec: "@every 1h0m0s", NextTime: at(next), SetTime: start}
}

// scheduled deploys an instance with schedules.
func (w *world) scheduled(instanceID string, all ...ipaas.FlowSchedule) {
	w.t.Helper()
	d := w.begin(instanceID, definition("ERP", "orders", "items"))
	_, err := w.s.CommitDeployment(w.t.Context(), d.ID, at(w.next()), storage.Takeover{Schedules: all})
	check(w.t, err)
}

func (w *world) schedules(instanceID string) []ipaas.FlowSchedule {
	w.t.Helper()
	return got(w.s.ListSchedules(w.t.Context(), instanceID))(w.t)
}

// schedulesOf is schedules for a new instance.
func (w *world) schedulesOf(instanceID string) []ipaas.FlowSchedule {
	w.t.Helper()
	w.instance(instanceID)
	return w.schedules(instanceID)
}

func (w *world) scheduledRun(s ipaas.FlowSchedule) ipaas.Execution {
	ex := w.event(s.InstanceID, s.FlowID)
	ex.Invoke, ex.ScheduleTime, ex.Payload = ipaas.InvokeSchedule, s.NextTime, ipaas.Payload{}
	return ex
}

// fires reports whether a schedule as it was seen fires and gets a next time.
func (w *world) fires(s ipaas.FlowSchedule, next int) bool {
	w.t.Helper()
	return got(w.s.FireSchedule(w.t.Context(), s, at(next), w.scheduledRun(s), admission))(w.t)
}

func (w *world) wantDue(now int, want ...string) {
	w.t.Helper()
	due, _, err := w.s.DueSchedules(w.t.Context(), at(now), 99)
	check(w.t, err)
	same(w.t, "due", want, ids(due, func(s ipaas.FlowSchedule) string { return s.InstanceID + "/" + s.FlowID }))
}
