package control_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

func TestPlanTellsTheTruthAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", tutorial())
	values := w.erpConfig()
	values["Source"] = `"one"`
	in := w.instance("plan", "acme", values)
	before := w.dump()
	first := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "plan", 0, control.Mutation{ValidateOnly: true}))
	if after := w.dump(); after != before {
		t.Errorf("the plan changed what is stored:\n%s", cmp.Diff(before, after))
	}
	want := &control.DeployPlan{
		Version: 1, Generation: 1, FlowIDs: []string{"initialization"}, URLs: first.URLs, ChangedVariableIDs: []string{"erp", "source"},
		PossibleCreations: []string{"initialization/customer-webhook", "initialization/inventory-webhook"},
	}
	if diff := cmp.Diff(want, first.Plan); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	done := w.deploy("plan")
	if diff := cmp.Diff(first.URLs, done.URLs); diff != "" {
		t.Errorf("URLs (-plan +deployment):\n%s", diff)
	}

	w.configure("plan", map[string]string{"Source": `"two"`})
	def := tutorial()
	def.Flows[2].Steps = def.Flows[2].Steps[1:]
	def.Flows = append(def.Flows, hookFlow("Orders", note("Note", lit("x"))))
	w.publish("acme", def)
	second := must[control.DeployResult](t)(w.DeployInstance(t.Context(), "plan", 2, control.Mutation{ValidateOnly: true})).Plan
	if second.Version != 2 || second.Generation != 2 || !slices.Equal(second.ChangedVariableIDs, []string{"source"}) {
		t.Errorf("the second plan is %+v", second)
	}
	if len(second.Obsolete) != 1 || second.Obsolete[0].StepID != "customer-webhook" {
		t.Errorf("obsolete: %+v", second.Obsolete)
	}
	if last := second.URLs[len(second.URLs)-1]; last.DisplayName != "Orders" || last.URL != "" {
		t.Errorf("a flow that is new has %+v", last)
	}
	_, err := w.DeployInstance(t.Context(), "plan", 2, control.Mutation{ValidateOnly: true, Base: in.Revision})
	refused(t, err, ipaas.ReasonStaleEtag)
	_, err = w.DeployInstance(t.Context(), "plan", 9, control.Mutation{ValidateOnly: true})
	refused(t, err, ipaas.ReasonNotFound)
}

func TestPlanIsRefusedWhileADeploymentRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", gated("gate"))
	w.instance("plan", "acme", w.erpConfig())
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "plan", 0, plain)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	_, err := w.DeployInstance(t.Context(), "plan", 0, control.Mutation{ValidateOnly: true})
	refused(t, err, ipaas.ReasonDeploymentRunning)
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
