package control_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

func handled(s ipaas.Step, h ipaas.ErrorHandling) ipaas.Step {
	s.OnError = &h
	return s
}

func ignored(s ipaas.Step) ipaas.Step {
	return handled(s, ipaas.ErrorHandling{Effect: ipaas.ErrorIgnore})
}

func retried(s ipaas.Step, most int) ipaas.Step {
	return handled(s, ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: most})
}

// stepOf returns the result of one step of an execution.
func (w *world) stepOf(executionID, path string) ipaas.StepResult {
	w.t.Helper()
	for _, s := range w.steps(executionID) {
		if s.Path == path {
			return s
		}
	}
	w.t.Fatalf("execution %s has no step %s", executionID, path)
	return ipaas.StepResult{}
}

func TestAnIgnoredFailureIsRecordedAndSeen(t *testing.T) {
	t.Parallel()
	const secret = "canary-in-an-error-90ab"
	w := newWorld(t)
	hook := w.deployed("ignore", ipaas.Definition{
		DisplayName: "Ignore", ConfigVariables: []ipaas.ConfigVariable{{DisplayName: "Token", Secret: true}},
		Flows: []ipaas.Flow{hookFlow("Ignore",
			ignored(step("Fail", "probe.fail", inputs{"value": tmpl("no entry with {{#Token}}")})),
			step("Wait", "probe.wait", inputs{"value": lit("gate")}),
			note("Note", ref("fail.error")),
		)},
	}, map[string]string{"Token": `"` + secret + `"`})["Ignore"]
	id := w.accepted(hook, `{}`)
	<-w.probe.gate("gate").reached
	twin := w.crashCopy() // it goes on with what is recorded
	w.probe.gate("gate").pass()
	w.succeeded(id)
	twin.start()
	twin.probe.gate("gate").pass()
	twin.succeeded(id)
	for name, w := range map[string]*world{"whole": w, "resumed": twin} {
		if diff := cmp.Diff([]string{`"no entry with ` + secret + `"`}, w.probe.notes()); diff != "" {
			t.Errorf("%s: the error is seen as it is (-want +got):\n%s", name, diff)
		}
		s := w.stepOf(id, "fail")
		if s.State != ipaas.StepFailed || !s.Ignored || s.Tries != 1 || s.Error != "no entry with [redacted]" || s.Result != "null" {
			t.Errorf("%s: the step is %+v", name, s)
		}
		if strings.Contains(w.dump(), secret) {
			t.Errorf("%s: the secret in the error lies in clear", name)
		}
	}
	ex := must[ipaas.Execution](t)(w.ReplayExecution(t.Context(), id, control.ReplayOptions{FromStep: "note"}, plain))
	w.succeeded(ex.ID)
	if notes := w.probe.notes(); len(notes) != 2 || notes[0] != notes[1] {
		t.Errorf("replayed from behind it: %v", notes)
	}
	if s := w.stepOf(ex.ID, "fail"); !s.Ignored || s.Tries != 1 {
		t.Errorf("the replay has it as %+v", s)
	}
}

func TestTriesOfAStepOutliveACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.deployed("tries", ipaas.Definition{DisplayName: "Tries", Flows: []ipaas.Flow{hookFlow("Tries",
		handled(step("Flaky", "probe.flaky", inputs{"value": lit("x")}), ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 3, Delay: time.Minute}),
	)}}, nil)["Tries"]
	w.probe.fail("x", 100)
	id := w.accepted(hook, `{}`)
	w.eventually("the first try has failed", func() bool {
		steps := w.steps(id)
		return len(steps) == 2 && steps[1].Tries == 1
	})
	if s := w.stepOf(id, "flaky"); s.State != ipaas.StepRunning || s.Error != "not yet" {
		t.Errorf("between two tries the step is %+v", s)
	}
	w.stop() // it waits no longer
	w.start()
	w.eventually("the second try has failed", func() bool { return w.stepOf(id, "flaky").Tries == 2 })
	must[ipaas.Execution](t)(w.CancelExecution(t.Context(), id, plain))
	if s := w.stepOf(id, "flaky"); s.State != ipaas.StepFailed || s.Tries != 2 || s.Ignored {
		t.Errorf("canceled the step is %+v", s)
	}
	if keys := w.probe.sent("x"); len(keys) != 2 || keys[0] != keys[1] {
		t.Errorf("the keys are %v", keys)
	}
}

func TestAStepIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.deployed("again", ipaas.Definition{DisplayName: "Again", Flows: []ipaas.Flow{hookFlow("Again",
		retried(step("Flaky", "probe.flaky", inputs{"value": lit("x")}), 3),
	)}}, nil)["Again"]
	for failures, want := range map[int]ipaas.ExecutionState{2: ipaas.ExecutionSucceeded, 4: ipaas.ExecutionFailed} {
		w.probe.fail("x", failures)
		ex := w.ended(w.accepted(hook, `{}`))
		s := w.stepOf(ex.ID, "flaky")
		if ex.State != want || s.Tries != min(failures+1, 4) || (s.Error == "") != (want == ipaas.ExecutionSucceeded) {
			t.Errorf("after %d failures it is %s, and the step %+v", failures, ex.State, s)
		}
	}
}

func TestAnIgnoredFailureFailsNoDeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.Flows[2].Steps[0] = ignored(def.Flows[2].Steps[0])
	w.publish("acme", def)
	w.instance("ignore", "acme", w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Event: "customer.updated", Status: 422})
	w.deploy("ignore")
	if diff := cmp.Diff([]string{"inventory.updated"}, hooked(w)); diff != "" {
		t.Errorf("registered (-want +got):\n%s", diff)
	}
}

func hooked(w *world) []string {
	var events []string
	for _, h := range w.erp.Webhooks() {
		events = append(events, h.Event)
	}
	slices.Sort(events)
	return events
}

// TestCreationsAreTriedAgainWithoutASecondObject: a try that failed leaves the ledger such that the next one begins right.
func TestCreationsAreTriedAgainWithoutASecondObject(t *testing.T) {
	t.Parallel()
	both := []string{"customer.updated", "inventory.updated"}
	for name, tt := range map[string]struct {
		component ipaas.Component
		failure   fake.Failure
		deployed  bool
		hooks     []string
		states    []ipaas.RegistrationState
	}{
		"refused": {
			acme(),
			fake.Failure{Status: 422, Times: 2},
			true, both,
			[]ipaas.RegistrationState{ipaas.RegistrationAbandoned, ipaas.RegistrationAbandoned, ipaas.RegistrationCreated, ipaas.RegistrationCreated},
		},
		"answer lost, and found": {
			acmeFinding(),
			fake.Failure{Mode: fake.HangUpAfterCommit, Times: 1},
			true, both,
			[]ipaas.RegistrationState{ipaas.RegistrationCreated, ipaas.RegistrationCreated},
		},
		"answers lost again and again": {
			acmeFinding(),
			fake.Failure{Mode: fake.HangUp, Times: 3},
			true, both,
			[]ipaas.RegistrationState{ipaas.RegistrationCreated, ipaas.RegistrationCreated},
		},
		"answer lost, and cannot be looked for": {acme(), fake.Failure{Mode: fake.HangUpAfterCommit, Times: 1}, false, []string{"customer.updated"}, nil},
		"refused too often":                     {acme(), fake.Failure{Status: 422, Times: -1}, false, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			must[ipaas.Component](t)(w.CreateComponent(t.Context(), tt.component, plain))
			def := tutorial()
			def.Flows[2].Steps[0] = retried(def.Flows[2].Steps[0], 3)
			w.publish("acme", def)
			w.instance("again", "acme", w.erpConfig())
			tt.failure.Route, tt.failure.Event = "POST /api/webhooks", "customer.updated"
			w.erp.Fail(tt.failure)
			_, err := w.DeployInstance(t.Context(), "again", 0, plain)
			if (err == nil) != tt.deployed {
				t.Errorf("the deployment ends with %v", err)
			}
			if diff := cmp.Diff(tt.hooks, hooked(w)); diff != "" {
				t.Errorf("registered (-want +got):\n%s", diff)
			}
			if tt.states == nil {
				return
			}
			var states []ipaas.RegistrationState
			for _, r := range must[[]ipaas.Registration](t)(w.store.ListRegistrations(t.Context(), "again")) {
				states = append(states, r.State)
			}
			if diff := cmp.Diff(tt.states, states); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAnUpdateIsTriedAgain: the object keeps its row, and a rollback would still know what it was before.
func TestAnUpdateIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must[ipaas.Component](t)(w.CreateComponent(t.Context(), acmeFinding(), plain))
	def := tutorial()
	w.deployed("update", def, w.erpConfig())
	def.Flows[2].Steps[0] = retried(register("Customer Webhook", "customer.created", "Customers"), 3)
	w.publish("int-update", def)
	w.erp.Fail(fake.Failure{Route: "PATCH /api/webhooks/{id}", Status: 422, Times: 2})
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "update", 2, plain))
	if diff := cmp.Diff([]string{"customer.created", "inventory.updated"}, hooked(w)); diff != "" {
		t.Errorf("registered (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2", "update wh_1"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
}

// TestAnIgnoredCreationThatMayExistIsOwed: the flow goes on, so nobody else would ever look for it.
func TestAnIgnoredCreationThatMayExistIsOwed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must[ipaas.Component](t)(w.CreateComponent(t.Context(), acmeFinding(), plain))
	def := tutorial()
	def.Flows[2].Steps[0] = ignored(def.Flows[2].Steps[0])
	w.publish("acme", def)
	w.instance("owed", "acme", w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Event: "customer.updated", Mode: fake.HangUpAfterCommit})
	w.erp.Fail(fake.Failure{Route: "GET /api/webhooks", Status: 500, Times: -1})
	w.deploy("owed")
	if debts := w.debts(); len(debts) != 1 || debts[0].State != ipaas.RegistrationUnconfirmed {
		t.Errorf("owed: %+v", debts)
	}
}
