package control_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

func TestStoppingTheServerRollsADeploymentBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", gated("gate"))
	w.instance("stopped", "acme", w.erpConfig())
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "stopped", 0, plain)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	w.stop()
	if e := refused(t, <-ended, ipaas.ReasonDeployInterrupted); !strings.Contains(e.Message, "the server is shutting down") {
		t.Errorf("the error says %q", e.Message)
	}
	if len(w.erp.Webhooks()) != 0 {
		t.Errorf("%d registrations are left", len(w.erp.Webhooks()))
	}
	w.start()
	if in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "stopped")); in.State != ipaas.InstanceDeployFailed {
		t.Errorf("the instance is %s", in.State)
	}
}

func TestDeploymentLeftByACrashIsCarriedOnAtTheNextStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", gated("gate"))
	w.instance("crash", "acme", w.erpConfig())
	m := as("DeployInstance", "r-1", "h")
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "crash", 0, m)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	twin := w.crashCopy()
	twin.start()
	joined := make(chan control.DeployResult, 1)
	go func() {
		result, err := twin.DeployInstance(t.Context(), "crash", 0, m)
		if err != nil {
			t.Error(err)
		}
		joined <- result
	}()
	<-twin.probe.gate("gate").reached
	twin.probe.gate("gate").pass()
	result := <-joined
	if d := result.Deployment; d == nil || d.State != ipaas.DeploymentSucceeded || d.Resumes != 1 || len(d.ExecutionIDs) != 1 {
		t.Errorf("the deployment is %+v", d)
	}
	if ex := twin.succeeded(result.Executions[0].ID); ex.Attempts != 2 {
		t.Errorf("its execution took %d attempts", ex.Attempts)
	}
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestDeploymentLeftByASecondCrashIsRolledBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", gated("gate"))
	w.instance("crash", "acme", w.erpConfig())
	m := as("DeployInstance", "r-1", "h")
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "crash", 0, m)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	twin := w.crashCopy()
	twin.start()
	<-twin.probe.gate("gate").reached
	third := twin.crashCopy()
	third.start()
	d := third.deployment("crash", "r-1")
	if d.State != ipaas.DeploymentFailed || d.Error.Reason != ipaas.ReasonDeployInterrupted {
		t.Errorf("the deployment is %s: %+v", d.State, d.Error)
	}
	if diff := cmp.Diff([]string{"create wh_1", "create wh_2", "delete wh_2", "delete wh_1"}, ledger(w.erp)); diff != "" {
		t.Errorf("the ERP was made to do (-want +got):\n%s", diff)
	}
	_, err := third.DeployInstance(t.Context(), "crash", 0, m)
	refused(t, err, ipaas.ReasonDeployInterrupted)
	in := must[ipaas.Instance](t)(third.store.GetInstance(t.Context(), "crash"))
	if in.State != ipaas.InstanceDeployFailed {
		t.Errorf("the instance is %s", in.State)
	}
	if ex := third.ended(d.ExecutionIDs[0]); ex.State != ipaas.ExecutionFailed || ex.Error.Reason != ipaas.ExecutionInterrupted {
		t.Errorf("its execution is %s: %+v", ex.State, ex.Error)
	}
	twin.probe.gate("gate").pass()
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestDeploymentLeftPastItsDeadlineIsRolledBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", gated("gate"))
	w.instance("crash", "acme", w.erpConfig())
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "crash", 0, as("DeployInstance", "r-1", "h"))
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	twin := w.crashCopy()
	twin.ahead.Store(int64(ipaas.DefaultDeployTimeout))
	twin.start()
	if d := twin.deployment("crash", "r-1"); d.State != ipaas.DeploymentFailed || d.Resumes != 0 {
		t.Errorf("the deployment is %s, resumed %d times", d.State, d.Resumes)
	}
	if len(w.erp.Webhooks()) != 0 {
		t.Errorf("left: %v", w.erp.Webhooks())
	}
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// deployment waits for the end of the deployment that a request id stands for.
func (w *world) deployment(instanceID, requestID string) (d ipaas.Deployment) {
	w.t.Helper()
	w.eventually("the deployment has ended", func() bool {
		var err error
		d, err = w.store.FindDeployment(w.t.Context(), instanceID, requestID)
		return err == nil && d.State.Ended()
	})
	return d
}
