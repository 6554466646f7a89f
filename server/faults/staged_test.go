//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/internal/fault"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// staged is an integration whose deployment counts, and starts a flow that counts, too; %s is the body of its last request. The sink takes
// numbers, and refuses anything else.
const staged = `
id: relay
displayName: Staged
configVariables:
  - {displayName: URL, required: true}
flows:
  - displayName: Init
    trigger: {type: management-triggers.instanceDeploy}
    steps:
      - {displayName: Count, action: persist-data.incrementCrossFlowValue, inputs: {keyInput: {value: n}, amountInput: {value: "10"}}}
      - {displayName: Start, action: cross-flow.invokeFlow, inputs: {flowName: {value: Fill}, data: {value: "2 fill"}}}
      - {displayName: Send, action: http.httpPost, inputs: {url: {template: "{{#URL}}/init"}, data: {value: "%s"}}}
  - displayName: Fill
    trigger: {type: cross-flow.crossFlow}
    steps:
      - {displayName: Count, action: persist-data.incrementCrossFlowValue, inputs: {keyInput: {value: n}}}
      - {displayName: Send, action: http.httpPost, inputs: {url: {template: "{{#URL}}/fill"}, data: {reference: trigger.results.body.data}}}
`

// TestTornStages kills the server while a deployment runs whose flow keeps something and starts another one (T32): both are there when it
// has succeeded, and nothing of them when it was undone.
func TestTornStages(t *testing.T) {
	t.Parallel()
	wholly := []string{
		"deploy-begun@1", "step-called@2", "step-completed@3", "execution-claimed@1", "execution-finish@1", "deploy-commit@1", "deploy-committed@1",
	}
	undone := []string{"step-called@2", "step-completed@4", "rollback-begun@1", "rollback-finish@1"}
	got := tearStages(t, "1 init", wholly, "")
	got.add(tearStages(t, "no number", undone, ""))
	if got.wrong > 0 || got.survivors > 0 {
		t.Errorf("%s: want none wrong, and no survivor", got)
	}
	hurried := tearStages(t, "no number", undone[:1], fault.KeepAtOnce)
	if hurried.wrong == 0 {
		t.Errorf("where nothing waits for the deployment all was right, too: the check is blind: %s", hurried)
	}
	results.add(t, result{
		Target: "T32", Goal: "what a deployment's flows keep and start is there when it has succeeded, and else nothing is, killed anywhere",
		Size: fmt.Sprintf("%d kills", got.kills), Figure: got.String(), Control: "kept at once: " + hurried.String(),
	})
}

// stages counts how torn deployments ended.
type stages struct {
	kills, whole, undone int
	wrong                int // what is kept is not what it came to
	survivors            int // executions that succeeded after the deployment that started them was undone
}

func (n stages) String() string {
	return fmt.Sprintf("%d kills: %d ended whole, %d undone; %d with a wrong count, %d executions that outlived theirs", n.kills, n.whole, n.undone, n.wrong, n.survivors)
}

func (n *stages) add(o stages) {
	n.kills, n.whole, n.undone = n.kills+o.kills, n.whole+o.whole, n.undone+o.undone
	n.wrong, n.survivors = n.wrong+o.wrong, n.survivors+o.survivors
}

// tearStages deploys an instance for each point at which the server dies of it.
func tearStages(t *testing.T, last string, points []string, broken string) (got stages) {
	t.Helper()
	to, s := newSink(t), newServer(t)
	s.start(breakage{})
	for i := range points {
		s.createRelay(t, fmt.Sprintf(staged, last), fmt.Sprint("i-", i), to.URL)
	}
	s.kill()
	for i, point := range points {
		name, nth, _ := strings.Cut(point, "@")
		id := fmt.Sprint("i-", i)
		s.start(breakage{plan: name + "=kill@" + nth, broken: broken})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var deploying sync.WaitGroup
		deploying.Go(func() { _, _ = s.api.Deploy(ctx, id, client.DeployOptions{}) }) // there is nobody left to answer
		until(t, time.Minute, "the server to die at "+point, s.dead)
		cancel()
		deploying.Wait()
		s.kill()
		s.start(breakage{broken: broken})
		got.kills++
		s.judgeStage(t, id, point, &got)
		s.kill()
	}
	return got
}

// judgeStage waits until a deployment and what it has started have ended, and looks what is there.
func (s *server) judgeStage(t *testing.T, id, point string, got *stages) {
	t.Helper()
	var d *headracev1.Deployment
	until(t, 20*time.Second, "the deployment torn at "+point+" to end", func() bool {
		list, err := s.api.Deployments.ListDeployments(within(t, time.Minute), &headracev1.ListDeploymentsRequest{InstanceId: id, PageSize: 1})
		if err != nil {
			t.Fatal(err)
		}
		d = list.GetDeployments()[0]
		return d.GetState() == headracev1.Deployment_STATE_SUCCEEDED || d.GetState() == headracev1.Deployment_STATE_FAILED
	})
	s.settled(t, time.Minute)
	want := ""
	if d.GetState() == headracev1.Deployment_STATE_SUCCEEDED {
		want = "11"
		got.whole++
	} else {
		got.undone++
	}
	for ex, err := range s.api.AllExecutions(within(t, time.Minute), &headracev1.ListExecutionsRequest{PageSize: 100, Filter: fmt.Sprintf(`instance_id = %q`, id)}) {
		if err != nil {
			t.Fatal(err)
		}
		late := ex.GetEndTime().AsTime().Sub(d.GetEndTime().AsTime())
		if want == "" && late > 0 && (ex.GetState() == headracev1.Execution_STATE_SUCCEEDED || late > time.Minute) {
			t.Logf("%s: execution %s of flow %s is %s, and ended %s after its deployment", point, ex.GetId(), ex.GetFlowId(), ex.GetState(), late)
			got.survivors++
		}
	}
	if n := s.kept(t, id)["n"]; n != want {
		t.Logf("%s: the deployment is %s, and the count is %q", point, d.GetState(), n)
		got.wrong++
	}
}
