package control_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// announcing is the tutorial with a deploy flow that notes the source it is deployed with.
func announcing() ipaas.Definition {
	def := tutorial()
	def.Flows = append(def.Flows, deployFlow("Announce", note("Note", cfg("Source"))))
	return def
}

// moved is an instance that was deployed with version 1 and source "acme", then with version 2, which has one webhook less, and source "new".
func moved(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.deployed("moved", announcing(), w.erpConfig())
	def := announcing()
	def.Flows[2].Steps = def.Flows[2].Steps[:1]
	w.publish("int-moved", def)
	w.configure("moved", map[string]string{"Source": `"new"`})
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "moved", 2, plain))
	return w
}

func (w *world) get(id string) ipaas.Instance {
	w.t.Helper()
	return must[ipaas.Instance](w.t)(w.store.GetInstance(w.t.Context(), id))
}

func (w *world) rollback(id string) control.DeployResult {
	w.t.Helper()
	return must[control.DeployResult](w.t)(w.RollbackInstance(w.t.Context(), id, "", plain))
}

func TestRollbackDeploysTheVersionAndConfigOfTheDeploymentBefore(t *testing.T) {
	t.Parallel()
	w := moved(t)
	before := w.get("moved")
	w.configure("moved", map[string]string{"Source": `"never deployed"`})
	edited := w.get("moved").Config
	result := w.rollback("moved")
	if d := result.Deployment; d.Candidate.Version != 1 || d.Candidate.Number != 3 || d.SourceID == "" || d.State != ipaas.DeploymentSucceeded {
		t.Errorf("the deployment is %+v", d)
	}
	in := w.get("moved")
	if in.Version != 1 || in.Generation != 3 || in.NeedsDeploy() || in.ServingConfig != edited.Revision+1 {
		t.Errorf("the instance is %+v", in)
	}
	first := must[ipaas.Config](t)(w.store.GetConfig(t.Context(), "moved", 1))
	if diff := cmp.Diff(first.Values, in.Config.Values); diff != "" {
		t.Errorf("config (-as it was +as it is):\n%s", diff)
	}
	for _, kept := range []ipaas.Config{before.Config, edited} {
		if diff := cmp.Diff(kept, must[ipaas.Config](t)(w.store.GetConfig(t.Context(), "moved", kept.Revision))); diff != "" {
			t.Errorf("revision %d (-before +after):\n%s", kept.Revision, diff)
		}
	}
	if diff := cmp.Diff([]string{`"acme"`, `"new"`, `"acme"`}, w.probe.notes()); diff != "" {
		t.Errorf("the deploy flow saw (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2", "delete wh_2", "create wh_3"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
	w.rollback("moved") // undoes the rollback
	if in := w.get("moved"); in.Version != 2 {
		t.Errorf("rolled back twice it is on version %d", in.Version)
	}
}

func TestRollbackThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	w := moved(t)
	w.configure("moved", map[string]string{"Source": `"never deployed"`})
	before := w.get("moved")
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Status: 400, Times: -1})
	_, err := w.RollbackInstance(t.Context(), "moved", "", plain)
	refused(t, err, ipaas.ReasonInitFlowFailed)
	after := w.get("moved")
	if after.Version != 2 || after.Generation != before.Generation || after.ServingConfig != before.ServingConfig {
		t.Errorf("the instance is %+v", after)
	}
	if diff := cmp.Diff(before.Config, after.Config); diff != "" {
		t.Errorf("config (-before +after):\n%s", diff)
	}
}

func TestRollbackIsPlannedAndJoined(t *testing.T) {
	t.Parallel()
	w := moved(t)
	plan := must[control.DeployResult](t)(w.RollbackInstance(t.Context(), "moved", "", control.Mutation{ValidateOnly: true})).Plan
	if plan == nil || plan.Version != 1 || plan.Generation != 3 {
		t.Fatalf("plan %+v", plan)
	}
	if diff := cmp.Diff([]string{"source"}, plan.ChangedVariableIDs); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	m := as("RollbackInstance", "r", "h")
	first := must[control.DeployResult](t)(w.RollbackInstance(t.Context(), "moved", "", m))
	again := must[control.DeployResult](t)(w.RollbackInstance(t.Context(), "moved", "", m))
	if first.Deployment.ID != again.Deployment.ID {
		t.Errorf("the same request made %s and %s", first.Deployment.ID, again.Deployment.ID)
	}
	_, err := w.DeployInstance(t.Context(), "moved", 0, as("DeployInstance", "r", "h"))
	refused(t, err, ipaas.ReasonRequestIDReused)
}

func TestNothingToRollBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("int", tutorial())
	w.instance("new", "int", nil)
	_, err := w.RollbackInstance(t.Context(), "new", "", plain)
	refused(t, err, ipaas.ReasonNothingToRollBack)
	_, err = w.RollbackInstance(t.Context(), "new", "dep-nothing", plain)
	refused(t, err, ipaas.ReasonNotFound)

	w.configure("new", w.erpConfig())
	w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Status: 400})
	_, err = w.DeployInstance(t.Context(), "new", 0, plain)
	failed := refused(t, err, ipaas.ReasonInitFlowFailed).Meta["deployment_id"]
	w.deploy("new")
	_, err = w.RollbackInstance(t.Context(), "new", "", plain)
	refused(t, err, ipaas.ReasonNothingToRollBack)
	_, err = w.RollbackInstance(t.Context(), "new", failed, plain)
	refused(t, err, ipaas.ReasonNothingToRollBack)
}

func TestRollbackBringsBackAnUndeployedInstance(t *testing.T) {
	t.Parallel()
	w := moved(t)
	last := w.get("moved").DeploymentID
	must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "moved", plain))
	_, err := w.RollbackInstance(t.Context(), "moved", "", plain)
	refused(t, err, ipaas.ReasonNothingToRollBack)
	must[control.DeployResult](t)(w.RollbackInstance(t.Context(), "moved", last, plain))
	if in := w.get("moved"); in.State != ipaas.InstanceActive || in.Version != 2 {
		t.Errorf("the instance is %+v", in)
	}
}
