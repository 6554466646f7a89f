//go:build faults

package faults_test

import (
	"fmt"
	"testing"
	"time"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// spread is an integration whose first flow hands each event to two others; %s is how.
const spread = `
id: relay
displayName: Spread
configVariables:
  - {displayName: URL, required: true}
flows:
  - displayName: First
    steps:%s
  - displayName: Left
    trigger: {type: cross-flow.crossFlow}
    steps:
      - {displayName: Send, action: http.httpPost, inputs: {url: {template: "{{#URL}}/left"}, data: {reference: trigger.results.body.data}}}
  - displayName: Right
    trigger: {type: cross-flow.crossFlow}
    steps:
      - {displayName: Send, action: http.httpPost, inputs: {url: {template: "{{#URL}}/right"}, data: {reference: trigger.results.body.data}}}
`

const (
	byCrossFlow = `
      - {displayName: One, action: cross-flow.invokeFlow, inputs: {flowName: {value: Left}, data: {reference: trigger.results.body.data}}}
      - {displayName: Two, action: cross-flow.invokeFlow, inputs: {flowName: {value: Right}, data: {reference: trigger.results.body.data}}}`
	byRequest = `
      - {displayName: One, action: http.httpPost, inputs: {url: {reference: trigger.results.webhookUrls.Left}, data: {reference: trigger.results.body.data}}}
      - {displayName: Two, action: http.httpPost, inputs: {url: {reference: trigger.results.webhookUrls.Right}, data: {reference: trigger.results.body.data}}}`
)

// TestStartedFlows kills the server again and again while flows start each other (T31): what is started runs once, and each execution
// tells which one has started it.
func TestStartedFlows(t *testing.T) {
	t.Parallel()
	kills := size(t, "T31.kills", 5, 200)
	points := []string{"step-called", "writer-commit", "step-completed", "execution-claimed", "writer-committed", "execution-finish"}
	b := batter(t, fmt.Sprintf(spread, byCrossFlow), kills, points...)
	left, right := b.sent.judge(b.to, "smith/left"), b.sent.judge(b.to, "smith/right")
	left.check(t)
	right.check(t)
	started := b.lineage(t)
	by := batter(t, fmt.Sprintf(spread, byRequest), 2, "step-called")
	twice := len(by.sent.judge(by.to, "smith/left").duplicated) + len(by.sent.judge(by.to, "smith/right").duplicated)
	if twice == 0 {
		t.Error("flows that are started by requests at their URLs ran once, too: the check is blind")
	}
	results.add(t, result{
		Target: "T31", Goal: "what flows start runs once, killed wherever, and tells what has started it", Size: fmt.Sprintf("%d events, %d kills", left.acked, kills),
		Figure:  fmt.Sprintf("%d started, %d lost, %d twice", started, len(left.lost)+len(right.lost), len(left.duplicated)+len(right.duplicated)),
		Control: fmt.Sprintf("started by requests at their URLs: %d twice", twice),
	})
}

// lineage checks that each event has started both flows once, and returns how many were started.
func (b battered) lineage(t *testing.T) (started int) {
	t.Helper()
	first, children := map[string]bool{}, map[string]map[string]int{}
	for ex, err := range b.api.AllExecutions(within(t, time.Minute), &headracev1.ListExecutionsRequest{PageSize: 1000}) {
		if err != nil {
			t.Fatal(err)
		}
		by := ex.GetInvokedBy()
		if by == "" {
			first[ex.GetId()] = true
			continue
		}
		started++
		if children[by] == nil {
			children[by] = map[string]int{}
		}
		children[by][ex.GetFlowId()]++
		if ex.GetInvokeType() != headracev1.Execution_INVOKE_TYPE_CROSS_FLOW || ex.GetRootId() != by || ex.GetDepth() != 1 {
			t.Errorf("execution %s is %s, %d deep below %s, and was started by %s", ex.GetId(), ex.GetInvokeType(), ex.GetDepth(), ex.GetRootId(), by)
		}
	}
	if len(children) != len(first) {
		t.Errorf("%d executions have started others, and %d were to", len(children), len(first))
	}
	for by, flows := range children {
		if !first[by] || flows["left"] != 1 || flows["right"] != 1 {
			t.Errorf("execution %s (an event's: %t) has started %v", by, first[by], flows)
		}
	}
	return started
}
