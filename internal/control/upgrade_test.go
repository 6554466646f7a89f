package control_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// fleet is an integration whose version 1 is deployed as instances i-1 to i-n, and whose version 2 registers a webhook in the ERP after
// the steps given.
func fleet(t *testing.T, n int, first ...ipaas.Step) *world {
	t.Helper()
	w := newWorld(t)
	def := tutorial()
	steps := def.Flows[2].Steps
	def.Flows[2].Steps = []ipaas.Step{note("Note", lit("version 1"))}
	w.publish("fleet", def)
	for i := range n {
		id := fmt.Sprintf("i-%d", i+1)
		w.instance(id, "fleet", w.erpConfig())
		w.deploy(id)
	}
	def.Flows[2].Steps = slices.Concat(first, steps[:1])
	w.publish("fleet", def)
	return w
}

// wrongKey gives an instance a key that the ERP does not admit.
func (w *world) wrongKey(id string) {
	w.configure(id, map[string]string{"ERP": `{"baseUrl":"` + w.erpURL + `","apiKey":"wrong"}`})
}

func (w *world) upgrade(u ipaas.Upgrade) ipaas.Upgrade {
	w.t.Helper()
	u.IntegrationID = "fleet"
	u, _, err := w.CreateUpgrade(w.t.Context(), u, nil, plain)
	return must[ipaas.Upgrade](w.t)(u, err)
}

// upgraded waits for the end of an upgrade.
func (w *world) upgraded(id string) ipaas.Upgrade {
	w.t.Helper()
	var u ipaas.Upgrade
	w.eventually("upgrade "+id+" ends", func() bool {
		u = must[ipaas.Upgrade](w.t)(w.store.GetUpgrade(w.t.Context(), id))
		return u.State.Ended()
	})
	return u
}

func (w *world) results(id string) []ipaas.UpgradeResult {
	w.t.Helper()
	return must[storage.Page[ipaas.UpgradeResult]](w.t)(w.store.ListUpgradeResults(w.t.Context(), id, storage.Query{Size: 100})).Items
}

// told are the results of an upgrade in words: the instance, its state, why.
func (w *world) told(id string) []string {
	w.t.Helper()
	var lines []string
	for _, r := range w.results(id) {
		line := r.InstanceID + " " + string(r.State)
		if r.Reason != "" {
			line += " " + string(r.Reason)
		}
		if r.Canary {
			line += " canary"
		}
		lines = append(lines, line)
	}
	return lines
}

// deployments counts the deployments that were begun of an instance.
func (w *world) deployments(id string) int {
	w.t.Helper()
	return len(must[storage.Page[ipaas.Deployment]](w.t)(w.store.ListDeployments(w.t.Context(), id, storage.Query{Size: 100})).Items)
}

func TestUpgradeMovesEveryInstanceOnce(t *testing.T) {
	t.Parallel()
	w := fleet(t, 6)
	id := w.upgrade(ipaas.Upgrade{CanaryCount: 2, Parallelism: 3}).ID
	w.instance("i-0", "fleet", w.erpConfig()) // comes too late
	u := w.upgraded(id)
	if u.State != ipaas.UpgradeSucceeded || u.Total != 6 || u.Succeeded != 6 || u.Remaining() != 0 || u.Version != 2 || u.EndTime.IsZero() {
		t.Errorf("the upgrade is %+v", u)
	}
	want := []string{"i-1 SUCCEEDED canary", "i-2 SUCCEEDED canary", "i-3 SUCCEEDED", "i-4 SUCCEEDED", "i-5 SUCCEEDED", "i-6 SUCCEEDED"}
	if diff := cmp.Diff(want, w.told(id)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	results := w.results(id)
	for i, r := range results {
		if in := w.get(r.InstanceID); in.Version != 2 || in.DeploymentID != r.DeploymentID || r.FromVersion != 1 || w.deployments(r.InstanceID) != 2 {
			t.Errorf("%+v of %+v", r, in)
		}
		if i > 0 && i <= 2 && r.StartTime.Before(results[i-1].EndTime) {
			t.Errorf("%s was begun before canary %s ended", r.InstanceID, results[i-1].InstanceID)
		}
	}
}

func TestUpgradeStopsAtAFailedCanaryAndGoesOnWhenResumed(t *testing.T) {
	t.Parallel()
	w := fleet(t, 4)
	w.wrongKey("i-1")
	id := w.upgrade(ipaas.Upgrade{CanaryCount: 1, MaxFailures: 10, Parallelism: 4}).ID
	u := w.upgraded(id)
	if u.State != ipaas.UpgradeStopped || u.Failed != 1 || u.Remaining() != 3 || u.Message == "" {
		t.Errorf("the upgrade is %+v", u)
	}
	want := []string{"i-1 FAILED INIT_FLOW_FAILED canary", "i-2 PENDING", "i-3 PENDING", "i-4 PENDING"}
	if diff := cmp.Diff(want, w.told(id)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if r := w.results(id)[0]; r.DeploymentID == "" || r.Message == "" || w.get("i-1").Version != 1 {
		t.Errorf("the canary is on version %d: %+v", w.get("i-1").Version, r)
	}

	w.configure("i-1", w.erpConfig())
	must[ipaas.Upgrade](t)(w.ResumeUpgrade(t.Context(), id, plain))
	if u := w.upgraded(id); u.State != ipaas.UpgradeSucceeded || u.Succeeded != 4 || u.Failed != 0 {
		t.Errorf("resumed it is %+v", u)
	}
}

func TestUpgradeStopsWhenMoreFailThanMay(t *testing.T) {
	t.Parallel()
	w := fleet(t, 6)
	for _, id := range []string{"i-2", "i-3", "i-5"} {
		w.wrongKey(id)
	}
	id := w.upgrade(ipaas.Upgrade{MaxFailures: 1, Parallelism: 1}).ID
	if u := w.upgraded(id); u.State != ipaas.UpgradeStopped || u.Succeeded != 1 || u.Failed != 2 || u.Remaining() != 3 {
		t.Errorf("the upgrade is %+v", u)
	}
	id = w.upgrade(ipaas.Upgrade{MaxFailures: 3, Parallelism: 2, IncludeUpToDate: true}).ID
	if u := w.upgraded(id); u.State != ipaas.UpgradeSucceeded || u.Succeeded != 3 || u.Failed != 3 || u.Skipped != 0 {
		t.Errorf("the second upgrade is %+v", u)
	}
}

func TestUpgradeTellsWhyItPassesOverAnInstance(t *testing.T) {
	t.Parallel()
	w := fleet(t, 5)
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "i-1", 2, plain))
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "i-2", ipaas.PauseHold, plain))
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "i-3", plain))
	w.configure("i-4", map[string]string{"ERP": ""})
	want := []string{
		"i-1 SKIPPED UP_TO_DATE", "i-2 SKIPPED INSTANCE_PAUSED", "i-3 SKIPPED NOT_DEPLOYED", "i-4 FAILED CONFIG_INCOMPLETE", "i-5 ",
	}
	planned, plan, err := w.CreateUpgrade(t.Context(), ipaas.Upgrade{IntegrationID: "fleet"}, nil, control.Mutation{ValidateOnly: true})
	if err != nil || planned.Total != 5 || planned.Skipped != 3 || planned.Failed != 1 {
		t.Errorf("planned %+v: %v", planned, err)
	}
	for i, r := range plan {
		line := r.InstanceID + " " + string(r.State)
		if r.Reason != "" {
			line += " " + string(r.Reason)
		}
		if expect := want[i]; line != expect && line != expect+"PENDING" {
			t.Errorf("planned %q, want %q", line, expect)
		}
	}
	if _, err := w.store.GetUpgrade(t.Context(), planned.ID); ipaas.ReasonOf(err) != ipaas.ReasonNotFound {
		t.Errorf("the plan was stored: %v", err)
	}

	id := w.upgrade(ipaas.Upgrade{MaxFailures: 1}).ID
	w.upgraded(id)
	want[4] += "SUCCEEDED"
	if diff := cmp.Diff(want, w.told(id)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if problems := w.results(id)[3].Problems; len(problems) != 2 || problems[0].Field != "configValues.erp.baseUrl" {
		t.Errorf("problems: %+v", problems)
	}
}

func TestCanceledUpgradeBeginsNothingMore(t *testing.T) {
	t.Parallel()
	w := fleet(t, 3, step("Wait", "probe.wait", inputs{"value": lit("gate")}))
	id := w.upgrade(ipaas.Upgrade{Parallelism: 1}).ID
	<-w.probe.gate("gate").reached
	_, _, err := w.CreateUpgrade(t.Context(), ipaas.Upgrade{IntegrationID: "fleet"}, nil, plain)
	refused(t, err, ipaas.ReasonUpgradeRunning)
	must[ipaas.Upgrade](t)(w.CancelUpgrade(t.Context(), id, plain))
	w.probe.gate("gate").pass()
	w.eventually("the one under way ends", func() bool { return w.results(id)[0].State == ipaas.UpgradeResultSucceeded })
	want := []string{"i-1 SUCCEEDED", "i-2 PENDING", "i-3 PENDING"}
	if diff := cmp.Diff(want, w.told(id)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	must[ipaas.Upgrade](t)(w.ResumeUpgrade(t.Context(), id, plain))
	if u := w.upgraded(id); u.State != ipaas.UpgradeSucceeded || u.Succeeded != 3 {
		t.Errorf("resumed it is %+v", u)
	}
}

func TestUpgradeGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	w := fleet(t, 5, step("Wait", "probe.wait", inputs{"value": lit("gate")}))
	id := w.upgrade(ipaas.Upgrade{CanaryCount: 0, Parallelism: 2}).ID
	for range 2 {
		<-w.probe.gate("gate").reached
	}
	kill := w.crashCopy()
	w.stop() // in good order: what is under way is rolled back
	for name, again := range map[string]*world{"restart": w, "crash": kill} {
		again.start()
		again.probe.gate("gate").pass()
		if u := again.upgraded(id); u.State != ipaas.UpgradeSucceeded || u.Succeeded != 5 || u.Failed != 0 {
			t.Errorf("%s: the upgrade is %+v: %v", name, u, again.told(id))
		}
		for _, r := range again.results(id) {
			succeeded := 0
			for _, d := range must[storage.Page[ipaas.Deployment]](t)(again.store.ListDeployments(t.Context(), r.InstanceID, storage.Query{Size: 100})).Items {
				if d.Candidate.Version == 2 && d.State == ipaas.DeploymentSucceeded {
					succeeded++
				}
			}
			if succeeded != 1 || again.get(r.InstanceID).Version != 2 {
				t.Errorf("%s: %s was moved %d times", name, r.InstanceID, succeeded)
			}
		}
	}
}

func TestUpgradeWaitsForAStoreThatIsBusy(t *testing.T) {
	t.Parallel()
	w := fleet(t, 3)
	store := w.refuse()
	store.times.Store(2)
	id := w.upgrade(ipaas.Upgrade{CanaryCount: 1, Parallelism: 1}).ID
	if u := w.upgraded(id); u.State != ipaas.UpgradeSucceeded || u.Succeeded != 3 {
		t.Errorf("it is %+v: %v", u, w.told(id))
	}
}

func TestUpgradeOfSomeInstances(t *testing.T) {
	t.Parallel()
	w := fleet(t, 3)
	filter := &storage.Filter{Field: "customer_id", Operator: storage.NotEqual, Value: "cust-i-2"}
	m := as("CreateUpgrade", "r", "h")
	u, _, err := w.CreateUpgrade(t.Context(), ipaas.Upgrade{IntegrationID: "fleet", Version: 1, IncludeUpToDate: true}, filter, m)
	again, _, againErr := w.CreateUpgrade(t.Context(), ipaas.Upgrade{IntegrationID: "fleet", Version: 1, IncludeUpToDate: true}, filter, m)
	if err != nil || againErr != nil || u.ID != again.ID || u.Total != 2 {
		t.Fatalf("the same request began %+v and %+v: %v %v", u, again, err, againErr)
	}
	w.upgraded(u.ID)
	moved := func(r ipaas.UpgradeResult) string { return r.InstanceID }
	var ids []string
	for _, r := range w.results(u.ID) {
		ids = append(ids, moved(r))
	}
	if !slices.Equal(ids, []string{"i-1", "i-3"}) {
		t.Errorf("moved %v", ids)
	}
	_, _, err = w.CreateUpgrade(t.Context(), ipaas.Upgrade{IntegrationID: "fleet", Version: 9}, nil, plain)
	refused(t, err, ipaas.ReasonNotFound)
	_, _, err = w.CreateUpgrade(t.Context(), ipaas.Upgrade{IntegrationID: "nothing", Version: 1}, nil, plain)
	refused(t, err, ipaas.ReasonNotFound)
}
