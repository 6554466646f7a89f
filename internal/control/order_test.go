package control_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// running is hookFlow with settings.
func running(f ipaas.Flow, set func(*ipaas.Flow)) ipaas.Definition {
	set(&f)
	return ipaas.Definition{DisplayName: f.DisplayName, Flows: []ipaas.Flow{f}}
}

func refKey(path string) *ipaas.Input {
	in := ref(path)
	return &in
}

func deduplicated(f *ipaas.Flow) { f.DeduplicationKey = refKey("trigger.results.headers.x-event-id") }

// send hands an event with an id to a hook.
func (w *world) send(hook, id, body string) (control.Reply, error) {
	payload := jsonPayload(body)
	payload.Headers = []ipaas.NamedText{{Name: "X-Event-Id", Text: id}}
	return w.ReceiveWebhook(w.t.Context(), tokenOf(hook), payload, control.Preferences{})
}

func TestEventSentByManyAtOnceRunsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.deployed("many", running(hookFlow("Many", note("Note", ref("trigger.results.body.data"))), deduplicated), nil)["Many"]
	replies := make([]control.Reply, 32)
	var all sync.WaitGroup
	for i := range replies {
		all.Go(func() { replies[i] = must[control.Reply](t)(w.send(hook, "evt-1", `{"n":1}`)) })
	}
	all.Wait()
	id := replies[0].ExecutionID
	for _, r := range replies {
		if diff := cmp.Diff(replies[0], r); diff != "" {
			t.Errorf("two answers to one event:\n%s", diff)
		}
	}
	w.succeeded(id)
	w.restart()
	if again := must[control.Reply](t)(w.send(hook, "evt-1", `{"n":1}`)); again.ExecutionID != id {
		t.Errorf("after a restart the event is execution %s, was %s", again.ExecutionID, id)
	}
	_, err := w.send(hook, "evt-1", `{"n":2}`)
	e := refused(t, err, ipaas.ReasonDeduplicationKeyReused)
	if e.Kind != ipaas.Conflict || e.Meta["execution_id"] != id {
		t.Errorf("another body under the key is refused with %+v", e)
	}
	for range 2 { // without a key each is one of its own
		must[control.Reply](t)(w.send(hook, "", `{}`))
	}
	if n := len(w.executions("instance_id", "many")); n != 3 {
		t.Errorf("there are %d executions, want 3", n)
	}
}

func TestSynchronousRequestThatComesAgainIsAnsweredFromBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := running(syncFlow("Sync", step("Wait", "probe.wait", inputs{"value": lit("gate")}), note("Answer", ref("trigger.results.invokeUrl"))), deduplicated)
	hook := w.deployed("again", def, nil)["Sync"]
	first := make(chan control.Reply, 1)
	go func() { first <- must[control.Reply](t)(w.send(hook, "evt-1", `{}`)) }()
	<-w.probe.gate("gate").reached
	_, err := w.send(hook, "evt-1", `{}`)
	if e := refused(t, err, ipaas.ReasonExecutionRunning); e.Kind != ipaas.Conflict || e.RetryAfter == 0 {
		t.Errorf("while it runs the second is refused with %+v", e)
	}
	w.probe.gate("gate").pass()
	want := <-first
	got := must[control.Reply](t)(w.send(hook, "evt-1", `{}`))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the second answer (-first +second):\n%s", diff)
	}
	if n := len(w.executions("instance_id", "again")); n != 1 {
		t.Errorf("there are %d executions, want 1", n)
	}
}

func TestSynchronousRequestOverALimitIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := running(syncFlow("Sync", step("Wait", "probe.wait", inputs{"value": lit("gate")})), func(f *ipaas.Flow) { f.Concurrency = 1 })
	hook := w.deployed("limit", def, nil)["Sync"]
	ended := make(chan error, 1)
	go func() {
		_, err := w.receive(hook, `{}`)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	_, err := w.receive(hook, `{}`)
	if e := refused(t, err, ipaas.ReasonTooManyRunning); e.Kind != ipaas.Exhausted || e.RetryAfter == 0 {
		t.Errorf("refused with %+v", e)
	}
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := w.receive(hook, `{}`); err != nil {
		t.Errorf("after the end: %v", err)
	}
}

func TestExecutionsOfAKeyRunInTheOrderTheyCame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := running(hookFlow("Ordered",
		step("Wait", "probe.wait", inputs{"value": ref("trigger.results.body.data.gate")}), note("Note", ref("trigger.results.body.data.n"))),
		func(f *ipaas.Flow) {
			f.Ordering = &ipaas.Ordering{Scope: ipaas.OrderByKey, Key: refKey("trigger.results.body.data.order")}
		})
	hook := w.deployed("ordered", def, nil)["Ordered"]
	first := w.accepted(hook, `{"order":"A-1","gate":"shut","n":0}`)
	<-w.probe.gate("shut").reached
	w.probe.gate("open").pass()
	var last string
	want := []string{"100", "101"}
	for n := range 20 {
		last = w.accepted(hook, fmt.Sprintf(`{"order":"A-1","gate":"open","n":%d}`, n+1))
		want = append(want, fmt.Sprint(n))
	}
	want = append(want, "20")
	w.succeeded(w.accepted(hook, `{"order":2,"gate":"open","n":100}`))  // another key does not wait
	w.succeeded(w.accepted(hook, `{"order":"","gate":"open","n":101}`)) // nor does one without
	ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), last))
	if ex.State != ipaas.ExecutionQueued || ex.OrderingKey != "A-1" || ex.Blocked {
		t.Errorf("the last one is %+v", ex)
	}
	w.restart() // the order outlives the server
	<-w.probe.gate("shut").reached
	w.probe.gate("shut").pass()
	w.succeeded(first)
	w.succeeded(last)
	if diff := cmp.Diff(want, w.probe.notes()); diff != "" {
		t.Errorf("they ran in the order (-want +got):\n%s", diff)
	}
}

func TestFailureThatBlocksHoldsUpItsLaneUntilItIsReplayedWell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := running(hookFlow("Block", step("Flaky", "probe.flaky", inputs{"value": ref("trigger.results.body.data.name")}), note("Note", ref("flaky.results"))),
		func(f *ipaas.Flow) {
			f.Ordering = &ipaas.Ordering{Scope: ipaas.OrderByFlow, OnFailure: ipaas.FailureBlock}
		})
	hook := w.deployed("block", def, nil)["Block"]
	w.probe.fail("first", 1)
	first := w.ended(w.accepted(hook, `{"name":"first"}`))
	second := w.accepted(hook, `{"name":"second"}`)
	if ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), second)); !first.Blocking || !ex.Blocked || ex.State != ipaas.ExecutionQueued {
		t.Fatalf("the first is %+v, the second %+v", first, ex)
	}
	again := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), first.ID, control.ReplayOptions{}, plain))
	w.succeeded(again.ID)
	w.succeeded(second)
	if diff := cmp.Diff([]string{`"first"`, `"second"`}, w.probe.notes()); diff != "" {
		t.Errorf("they ran in the order (-want +got):\n%s", diff)
	}
}

func TestFailedExecutionIsTriedAgainWithTheSameKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := running(hookFlow("Retry", step("Flaky", "probe.flaky", inputs{"value": ref("trigger.results.body.data.name")})),
		func(f *ipaas.Flow) { f.Retry = &ipaas.Retry{MaxAttempts: 2, Delay: 20 * time.Millisecond} })
	hook := w.deployed("retry", def, nil)["Retry"]
	w.probe.fail("heals", 2)
	w.probe.fail("stays", 9)
	for name, want := range map[string][]ipaas.ExecutionState{
		"heals": {ipaas.ExecutionFailed, ipaas.ExecutionFailed, ipaas.ExecutionSucceeded},
		"stays": {ipaas.ExecutionFailed, ipaas.ExecutionFailed, ipaas.ExecutionFailed},
	} {
		origin := w.accepted(hook, fmt.Sprintf(`{"name":%q}`, name))
		id := origin
		var states []ipaas.ExecutionState
		for try := 1; id != ""; try++ {
			ex := w.ended(id)
			states = append(states, ex.State)
			if ex.Try != try || ex.OriginID != origin || ex.Attempts != 1 {
				t.Errorf("%s: try %d is %+v", name, try, ex)
			}
			if try > 1 && ex.StartTime.Before(ex.WakeTime) {
				t.Errorf("%s: try %d started at %v, before %v", name, try, ex.StartTime, ex.WakeTime)
			}
			id = ex.SupersededBy
		}
		if diff := cmp.Diff(want, states); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		keys := w.probe.sent(name)
		if len(keys) != 3 || len(slices.Compact(slices.Clone(keys))) != 1 {
			t.Errorf("%s: the keys are %v", name, keys)
		}
	}
}

func TestFlowWithATimeoutOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := running(hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")})), func(f *ipaas.Flow) { f.Timeout = 50 * time.Millisecond })
	hook := w.deployed("timeout", def, nil)["Slow"]
	ex := w.ended(w.accepted(hook, `{}`))
	if ex.State != ipaas.ExecutionFailed || ex.Error.Reason != ipaas.ExecutionTimeout {
		t.Errorf("it is %s: %+v", ex.State, ex.Error)
	}
}

func TestKeysOfEventsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := running(hookFlow("Keys", note("Note", lit(1))), func(f *ipaas.Flow) {
		f.DeduplicationKey = refKey("note.results.id")
		f.Ordering = &ipaas.Ordering{Scope: ipaas.OrderByKey, Key: &ipaas.Input{Kind: ipaas.InputConfigVariable, Text: "Nothing"}}
	})
	in, _, err := w.ImportIntegration(t.Context(), "keys", def, plain)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.PublishIntegration(t.Context(), in.ID, "", plain)
	got := map[string]ipaas.Reason{}
	for _, v := range violationsOf(err) {
		got[v.Field] = v.Reason
	}
	want := map[string]ipaas.Reason{
		"flows[0].deduplicationKey": ipaas.ReasonMisplaced, "flows[0].ordering.key": ipaas.ReasonUnknownConfigVariable,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestCustomerWithTooManyWaitingIsRefusedAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{Workers: 1, MaxQueued: 3})
	def := running(hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")})), func(*ipaas.Flow) {})
	hook := w.deployed("noisy", def, nil)["Slow"]
	w.accepted(hook, `{}`)
	<-w.probe.gate("gate").reached
	var err error
	for range 4 {
		if _, err = w.receive(hook, `{}`); err != nil {
			break
		}
	}
	if e := refused(t, err, ipaas.ReasonTooManyQueued); !errors.Is(err, ipaas.Exhausted) || e.RetryAfter == 0 {
		t.Errorf("refused with %+v", e)
	}
	w.probe.gate("gate").pass()
}
