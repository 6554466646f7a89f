package control_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// TestLargeBodiesTakeTurnsInMemory sends bodies that take twenty times their length once they are read, more at once than there is memory
// for. What was acknowledged waits, what comes meanwhile is refused before it is, and what is small goes through.
func TestLargeBodiesTakeTurnsInMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{RunMemory: 16 << 20, Workers: 4})
	def := ipaas.Definition{DisplayName: "Large", Flows: []ipaas.Flow{
		hookFlow("Async", step("Wait", "probe.wait", inputs{"value": lit("async")})),
		syncFlow("Sync", step("Note", "probe.note", inputs{"value": lit("ran")})),
	}}
	urls := w.deployed("smith", def, nil)
	many := "[" + strings.Repeat("0,", 1<<18) + "0]"
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "smith", "", plain))
	var ids []string
	for range 3 {
		ids = append(ids, w.accepted(urls["Async"], many))
	}
	must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), "smith", plain))

	gate := w.probe.gate("async")
	<-gate.reached
	select {
	case <-gate.reached:
		t.Error("two run at once, and there is memory for one")
	case <-time.After(time.Second):
	}
	for _, flow := range []string{"Sync", "Async"} {
		_, err := w.receive(urls[flow], many)
		if e := refused(t, err, ipaas.ReasonMemoryBusy); e.Kind != ipaas.Unavailable || e.RetryAfter == 0 {
			t.Errorf("a further one for the flow %s gets %+v", flow, e)
		}
	}
	if reply := must[control.Reply](t)(w.receive(urls["Sync"], `{}`)); reply.Response.Status != 200 {
		t.Errorf("a small one gets %d %s", reply.Response.Status, reply.Response.Body)
	}

	gate.pass()
	for _, id := range ids {
		w.succeeded(id)
	}
	w.eventually("all was given back", func() bool { // just after the end of the last was stored
		reply, err := w.receive(urls["Sync"], many)
		return err == nil && reply.Response.Status == 200
	})
	for range 2 { // and is each time
		if reply := must[control.Reply](t)(w.receive(urls["Sync"], many)); reply.Response.Status != 200 {
			t.Errorf("one that comes later gets %d %s", reply.Response.Status, reply.Response.Body)
		}
	}
}

// TestTextsAreNotTakenForLists sends a text that looks like a list and takes no more than its length.
func TestTextsAreNotTakenForLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{RunMemory: 64 << 20})
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Large", Flows: []ipaas.Flow{
		hookFlow("Async", step("Wait", "probe.wait", inputs{"value": lit("async")})),
	}}, nil)
	text := `{"text": "` + strings.Repeat(`\"[,:\\`, 1<<18) + `"}`
	ids := []string{w.accepted(urls["Async"], text), w.accepted(urls["Async"], text)}
	gate := w.probe.gate("async")
	<-gate.reached
	<-gate.reached
	gate.pass()
	for _, id := range ids {
		w.succeeded(id)
	}
}

// keen is a store that tells when bodies that it gave to those who claimed are held no more.
type keen struct {
	storage.Store
	taken, freed atomic.Int64
}

func (s *keen) ClaimExecutions(ctx context.Context, now, lease time.Time, most int, w storage.Workers) ([]ipaas.Execution, error) {
	claimed, err := s.Store.ClaimExecutions(ctx, now, lease, most, w)
	for i := range claimed {
		if body := claimed[i].Payload.Body; len(body) > 1<<20 {
			s.taken.Add(1)
			runtime.AddCleanup(&body[0], func(freed *atomic.Int64) { freed.Add(1) }, &s.freed)
		}
	}
	return claimed, err
}

// TestWhatWaitsForRoomHoldsNothing lets a customer send more large bodies than there are workers, and memory for one: neither what else the
// customer has, nor what another one has, waits for a worker, and no body is held before there is room for it.
func TestWhatWaitsForRoomHoldsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{RunMemory: 64 << 20, Workers: 2})
	hold := func(name string) ipaas.Flow {
		return hookFlow(name, step("Wait", "probe.wait", inputs{"value": lit(name)}))
	}
	smith := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{hold("Large"), hold("Small")}}, nil)
	jones := w.deployed("jones", ipaas.Definition{DisplayName: "Jones", Flows: []ipaas.Flow{hold("Other")}}, nil)
	w.stop()
	s := &keen{}
	w.wrap = func(inner storage.Store) storage.Store {
		s.Store = inner
		return s
	}
	w.start()
	many := "[" + strings.Repeat("0,", 1<<20) + "0]"
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "smith", "", plain))
	var ids []string
	for range 6 {
		ids = append(ids, w.accepted(smith["Large"], many))
	}
	must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), "smith", plain))
	w.reach("Large", 1)
	w.eventually("of the large ones one runs and holds its body, and the others hold none", func() bool {
		runtime.GC()
		return s.taken.Load() >= 2 && s.freed.Load() >= s.taken.Load()-1
	})
	if n := s.taken.Load(); n > 2 {
		t.Errorf("%d large ones were taken, and there is room for one", n)
	}
	ids = append(ids, w.accepted(smith["Small"], `{}`))
	w.reach("Small", 1)
	for range 2 {
		ids = append(ids, w.accepted(jones["Other"], `{}`))
		w.reach("Other", 1)
	}
	for _, gate := range []string{"Large", "Small", "Other"} {
		w.probe.gate(gate).pass()
	}
	for _, id := range ids {
		w.succeeded(id)
	}
}

// TestWhatNeverHasRoomEnds lets one wait for room for longer than it may, one until it is canceled, and one until the server stops.
func TestWhatNeverHasRoomEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{RunMemory: 64 << 20})
	many := "[" + strings.Repeat("0,", 1<<20) + "0]"
	ids := map[string]string{}
	for _, name := range []string{"first", "brief", "canceled", "last"} {
		flow := hookFlow("Hold", step("Wait", "probe.wait", inputs{"value": lit(name)}))
		if name == "brief" {
			flow.Timeout = time.Second
		}
		urls := w.deployed(name, ipaas.Definition{DisplayName: name, Flows: []ipaas.Flow{flow}}, nil)
		must[ipaas.Instance](t)(w.PauseInstance(t.Context(), name, "", plain))
		ids[name] = w.accepted(urls["Hold"], many)
	}
	must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), "first", plain))
	w.reach("first", 1)
	for _, name := range []string{"brief", "canceled", "last"} {
		must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), name, plain))
		w.eventually("it is taken", func() bool {
			return must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), ids[name])).State == ipaas.ExecutionRunning
		})
	}
	if ex := w.ended(ids["brief"]); ex.State != ipaas.ExecutionFailed || ex.Error.Reason != ipaas.ExecutionTimeout ||
		!strings.Contains(ex.Error.Message, "--run-memory") {
		t.Errorf("the one whose time is up is %s: %+v", ex.State, ex.Error)
	}
	must[ipaas.Execution](t)(w.CancelExecution(t.Context(), ids["canceled"], plain))
	if ex := w.ended(ids["canceled"]); ex.State != ipaas.ExecutionCanceled {
		t.Errorf("the one that was canceled is %s: %+v", ex.State, ex.Error)
	}
	w.restart()
	w.probe.gate("first").pass()
	w.probe.gate("last").pass()
	for _, name := range []string{"first", "last"} {
		if ex := w.succeeded(ids[name]); ex.Crashes > 0 || string(ex.Payload.Body) != many {
			t.Errorf("%s crashed %d times, and has %d bytes", name, ex.Crashes, len(ex.Payload.Body))
		}
	}
}

// keyless is a store that cannot tell the keys of flows, the first time it is asked after an event was accepted.
type keyless struct {
	storage.Store
	accepted, failed atomic.Bool
}

func (s *keyless) AcceptExecution(ctx context.Context, ex ipaas.Execution, a storage.Admission) (ipaas.Execution, error) {
	s.accepted.Store(true)
	return s.Store.AcceptExecution(ctx, ex, a)
}

func (s *keyless) ListFlowKeys(ctx context.Context, instanceID, integrationID string) ([]ipaas.FlowKey, error) {
	if s.accepted.Load() && s.failed.CompareAndSwap(false, true) {
		return nil, errors.New("the store fails")
	}
	return s.Store.ListFlowKeys(ctx, instanceID, integrationID)
}

// TestARunThatCannotBeginGivesItsRoomBack has the store fail between the room that a request was given and the flow.
func TestARunThatCannotBeginGivesItsRoomBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{RunMemory: 16 << 20})
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Large", Flows: []ipaas.Flow{
		syncFlow("Sync", step("Note", "probe.note", inputs{"value": lit("ran")})),
	}}, nil)
	w.stop()
	s := &keyless{}
	w.wrap = func(inner storage.Store) storage.Store {
		s.Store = inner
		return s
	}
	w.start()
	many := "[" + strings.Repeat("0,", 1<<18) + "0]"
	if reply, err := w.receive(urls["Sync"], many); err == nil && reply.Response.Status == 200 || !s.failed.Load() {
		t.Fatalf("it ran, though the store failed: %v", s.failed.Load())
	}
	w.eventually("its room was given back", func() bool {
		reply, err := w.receive(urls["Sync"], many)
		return err == nil && reply.Response.Status == 200
	})
}
