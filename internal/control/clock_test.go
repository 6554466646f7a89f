package control_test

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
)

// jumps are how far a clock may be moved while the server runs.
var jumps = map[string]time.Duration{
	"an_hour_ahead": time.Hour, "an_hour_back": -time.Hour, "ten_years_ahead": 10 * 365 * 24 * time.Hour, "ten_years_back": -10 * 365 * 24 * time.Hour,
}

// everyJump runs a test for each jump on a world of its own, in a bubble in which hours pass in no time.
func everyJump(t *testing.T, test func(t *testing.T, w *world, jump func())) {
	t.Helper()
	t.Parallel()
	for name, distance := range jumps {
		if underRace && name != "an_hour_back" && name != "ten_years_ahead" {
			continue // the others differ in how far they go, not in how goroutines meet
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := bareWorld(t, t.TempDir())
				w.hooks = &httptest.Server{URL: "http://headrace.invalid"} // nothing is called over a network
				w.start()
				test(t, w, func() { w.moved.Add(int64(distance)) })
			})
		})
	}
}

// pass lets time pass, and the worker see it. So much of it really passes in the bubble that what is done once a minute is done; more
// would only take time: each second takes a look at the store.
func (w *world) pass(d time.Duration) {
	const really = 70 * time.Second
	w.ahead.Add(int64(d - really))
	time.Sleep(really)
}

func TestAMovedClockRunsNothingTwice(t *testing.T) {
	everyJump(t, func(t *testing.T, w *world, jump func()) {
		def := ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}
		urls := w.deployed("slow", def, nil)
		time.Sleep(3 * time.Second) // so that leases are not extended at the moments at which they are looked at
		id := w.accepted(urls["Slow"], `{}`)
		gate := w.probe.gate("gate")
		<-gate.reached
		time.Sleep(57*time.Second - 100*time.Millisecond) // just before one
		jump()
		time.Sleep(2 * time.Minute)
		if again := len(gate.reached); again > 0 {
			t.Errorf("it ran %d times more", again)
		}
		gate.pass()
		if ex := w.succeeded(id); ex.Attempts != 1 {
			t.Errorf("it took %d attempts", ex.Attempts)
		}
	})
}

// TestAMovedClockWakesWhatSleeps has a try that fails, and waits for the next one.
func TestAMovedClockWakesWhatSleeps(t *testing.T) {
	everyJump(t, func(t *testing.T, w *world, jump func()) {
		flow := hookFlow("Failing", note("Note", lit("tried")), step("Fail", "probe.fail", inputs{"value": lit("no")}))
		flow.Retry = &ipaas.Retry{MaxAttempts: 3, Delay: 20 * time.Minute}
		urls := w.deployed("failing", ipaas.Definition{DisplayName: "Failing", Flows: []ipaas.Flow{flow}}, nil)
		w.ended(w.accepted(urls["Failing"], `{}`))
		jump()
		w.pass(26 * time.Minute) // with what chance adds
		tried := len(w.probe.notes())
		if tried < 2 {
			t.Fatal("it sleeps on")
		}
		// From here on it goes by the clock as it is now.
		time.Sleep(2 * time.Minute)
		if more := len(w.probe.notes()) - tried; more > 1 {
			t.Errorf("%d more tries in two minutes", more)
		}
		w.pass(54 * time.Minute)
		w.pass(110 * time.Minute)
		if tried := len(w.probe.notes()); tried != 4 {
			t.Errorf("it was tried %d times, want 4", tried)
		}
	})
}

func TestAMovedClockLosesNothingThatIsHeld(t *testing.T) {
	everyJump(t, func(t *testing.T, w *world, jump func()) {
		def := ipaas.Definition{DisplayName: "Notes", Flows: []ipaas.Flow{hookFlow("Notes", note("Note", ref("trigger.results.body.data.n")))}}
		urls := w.deployed("held", def, nil)
		must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "held", ipaas.PauseHold, plain))
		before := w.accepted(urls["Notes"], `{"n":1}`)
		jump()
		after := w.accepted(urls["Notes"], `{"n":2}`)
		w.pass(23 * time.Hour)
		must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), "held", plain))
		w.succeeded(before)
		w.succeeded(after)
	})
}

func TestHeldEventsAreGivenUpInTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bareWorld(t, t.TempDir())
		w.hooks = &httptest.Server{URL: "http://headrace.invalid"}
		w.start()
		urls := w.deployed("held", ipaas.Definition{DisplayName: "Notes", Flows: []ipaas.Flow{hookFlow("Notes", note("Note", lit("n")))}}, nil)
		must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "held", ipaas.PauseHold, plain))
		id := w.accepted(urls["Notes"], `{}`)
		w.moved.Store(int64(10 * 365 * 24 * time.Hour))
		w.pass(24*time.Hour + time.Minute)
		if ex := w.ended(id); ex.State != ipaas.ExecutionDeadLetter {
			t.Errorf("it is %s", ex.State)
		}
	})
}

func TestAMovedClockForgetsNoAnswer(t *testing.T) {
	everyJump(t, func(t *testing.T, w *world, jump func()) {
		create := func() (ipaas.Customer, error) {
			return w.CreateCustomer(t.Context(), ipaas.Customer{ID: "smith", DisplayName: "Smith"}, as("CreateCustomer", "request", "hash"))
		}
		first := must[ipaas.Customer](t)(create())
		jump()
		w.pass(23 * time.Hour)
		if diff := cmp.Diff(first, must[ipaas.Customer](t)(create())); diff != "" {
			t.Errorf("the answer changed (-want +got):\n%s", diff)
		}
	})
}

func TestAMovedClockKeepsRotatedHooks(t *testing.T) {
	everyJump(t, func(t *testing.T, w *world, jump func()) {
		def := ipaas.Definition{DisplayName: "Notes", Flows: []ipaas.Flow{hookFlow("Notes", note("Note", lit("n")))}}
		old := w.deployed("rotated", def, nil)["Notes"]
		must[ipaas.Instance](t)(w.RotateWebhookToken(t.Context(), "rotated", "", false, 24*time.Hour, plain))
		jump()
		w.pass(23 * time.Hour)
		w.succeeded(w.accepted(old, `{}`))
	})
}

func TestAClockThatJumpsAheadEndsNoHistory(t *testing.T) {
	everyJump(t, func(t *testing.T, w *world, jump func()) {
		def := ipaas.Definition{DisplayName: "Notes", Flows: []ipaas.Flow{hookFlow("Notes", note("Note", lit("n")))}}
		urls := w.deployed("history", def, nil)
		id := w.accepted(urls["Notes"], `{"kept":true}`)
		was := w.succeeded(id)
		jump()
		w.pass(24 * time.Hour)
		must[int](t)(w.ClearHistory(t.Context()))
		if diff := cmp.Diff(was, must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id))); diff != "" {
			t.Errorf("the execution changed (-want +got):\n%s", diff)
		}
	})
}

func TestAMovedClockEndsNoDeployment(t *testing.T) {
	everyJump(t, func(t *testing.T, w *world, jump func()) {
		w.publish("slow", ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{
			deployFlow("Begin", step("Wait", "probe.wait", inputs{"value": lit("gate")}), note("Note", lit("done"))),
			deployFlow("And", note("Note", lit("more"))),
		}})
		w.instance("slow", "slow", nil)
		done := make(chan error, 1)
		go func() {
			_, err := w.DeployInstance(t.Context(), "slow", 0, plain)
			done <- err
		}()
		gate := w.probe.gate("gate")
		<-gate.reached
		jump()
		time.Sleep(time.Minute)
		gate.pass()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestADeploymentEndsInItsTimeWhateverTheClockSays(t *testing.T) {
	everyJump(t, func(t *testing.T, w *world, jump func()) {
		w.publish("slow", ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{
			deployFlow("Begin", step("Wait", "probe.wait", inputs{"value": lit("gate")})),
		}})
		w.instance("slow", "slow", nil)
		jump()
		done := make(chan error, 1)
		begun := time.Now()
		go func() {
			_, err := w.DeployInstance(t.Context(), "slow", 0, plain)
			done <- err
		}()
		<-w.probe.gate("gate").reached
		err := <-done
		if took := time.Since(begun); ipaas.ReasonOf(err) != ipaas.ReasonDeployTimeout || took > 3*time.Minute {
			t.Errorf("after %v: %v", took, err)
		}
	})
}
