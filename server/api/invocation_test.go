package api_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

const starting = `
id: starting
displayName: Starting
configVariables:
  - {displayName: When, type: TYPE_SCHEDULE}
flows:
  - displayName: First
    steps:
      - displayName: Start
        action: cross-flow.invokeFlow
        inputs: {flowName: {value: Second}, data: {reference: trigger.results.body.data}}
  - displayName: Second
    trigger: {type: cross-flow.crossFlow}
    steps:
      - {displayName: Log, action: log.writeLog, inputs: {message: {reference: trigger.results.body.data.n}}}
  - displayName: Daily
    trigger: {type: schedule-triggers.schedule, schedule: {configVariable: When, timeZone: Europe/Berlin, singleton: true}}
    steps:
      - {displayName: Log, action: log.writeLog, inputs: {message: {reference: trigger.results.scheduledFor}}}
  - displayName: Pages
    trigger: {type: recursive-flow.recursiveTrigger, inputs: {runOnDeploy: {value: "true"}, defaultCursor: {value: "0"}}}
    steps:
      - {displayName: Cursor, action: recursive-flow.getCursor}
`

// TestExecutionsTellWhoStartedThem tells over both faces what flows start each other, and when they run by themselves.
func TestExecutionsTellWhoStartedThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, call := range map[string]face{"grpc": w.overGRPC, "rest": w.overREST} {
		t.Run(name, func(t *testing.T) { w.tellOfStarts(t, call, name) })
	}
}

func (w *world) tellOfStarts(t *testing.T, call face, name string) {
	t.Helper()
	in := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: strings.Replace(starting, "id: starting", "id: starting-"+name, 1)}).GetIntegration()
	ok[*pb.PublishIntegrationResponse](t, call, &pb.PublishIntegrationRequest{IntegrationId: in.GetId()})
	ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "s-" + name, DisplayName: "S"}})
	when := map[string]*pb.ConfigValue{"when": {Kind: &pb.ConfigValue_Json{Json: `"0 6 * * *"`}}}
	instance := "s-" + name
	ok[*pb.CreateInstanceResponse](t, call, &pb.CreateInstanceRequest{Instance: &pb.Instance{
		Id: instance, DisplayName: "S", CustomerId: "s-" + name, IntegrationId: in.GetId(), ConfigValues: when,
	}})
	begun := time.Now()
	deployed := ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: instance}).GetInstance()
	daily := deployed.GetFlows()[2]
	if next := daily.GetNextRunTime().AsTime(); daily.GetSchedule() != "CRON_TZ=Europe/Berlin 0 6 * * *" || !next.After(begun) || next.After(time.Now().Add(25*time.Hour)) || next.Minute() != 0 {
		t.Errorf("the flow is shown as %v", daily)
	}
	if first := deployed.GetFlows()[0]; first.GetSchedule() != "" || first.GetNextRunTime() != nil {
		t.Errorf("a flow without a schedule is shown as %v", first)
	}
	if basic := ok[*pb.GetInstanceResponse](t, call, &pb.GetInstanceRequest{InstanceId: instance, View: pb.View_VIEW_BASIC}).GetInstance().GetFlows()[2]; basic.GetSchedule() != "" {
		t.Errorf("a basic view shows %v", basic)
	}
	ok[*pb.PauseInstanceResponse](t, call, &pb.PauseInstanceRequest{InstanceId: instance})
	if paused := ok[*pb.GetInstanceResponse](t, call, &pb.GetInstanceRequest{InstanceId: instance}).GetInstance().GetFlows()[2]; paused.GetNextRunTime() != nil {
		t.Errorf("a flow of a paused instance is shown as %v", paused)
	}
	ok[*pb.ResumeInstanceResponse](t, call, &pb.ResumeInstanceRequest{InstanceId: instance})

	first := w.event(t, deployed.GetFlows()[0].GetWebhookUrl(), "", `{"n":1}`)
	await(t, call, first, pb.Execution_STATE_SUCCEEDED)
	list := func(filter string) []*pb.Execution {
		return ok[*pb.ListExecutionsResponse](t, call, &pb.ListExecutionsRequest{Filter: filter}).GetExecutions()
	}
	started := list(`invoked_by = "` + first + `"`)
	if len(started) != 1 {
		t.Fatalf("it started %v", started)
	}
	second := await(t, call, started[0].GetId(), pb.Execution_STATE_SUCCEEDED)
	if second.GetInvokeType() != pb.Execution_INVOKE_TYPE_CROSS_FLOW || second.GetInvokedBy() != first || second.GetRootId() != first || second.GetDepth() != 1 {
		t.Errorf("the second is %v", second)
	}
	if line := list(`root_id = "` + first + `"`); len(line) != 1 {
		t.Errorf("of the line are %v", line)
	}
	recursive := list(`invoke_type = "RECURSIVE" AND instance_id = "` + instance + `"`)
	if len(recursive) != 1 || recursive[0].GetInvokedBy() != "" || recursive[0].GetRootId() != recursive[0].GetId() {
		t.Errorf("the deployment began %v", recursive)
	}
	tested := ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{IntegrationId: in.GetId(), FlowId: "daily"}).GetExecution()
	if tested.GetState() != pb.Execution_STATE_SUCCEEDED || tested.GetScheduleTime() != nil {
		t.Errorf("the test is %v", tested)
	}
	refused(t, call, &pb.UpdateInstanceRequest{InstanceId: instance, Instance: &pb.Instance{ConfigValues: map[string]*pb.ConfigValue{
		"when": {Kind: &pb.ConfigValue_Json{Json: `"@often"`}},
	}}}, codes.InvalidArgument, "INVALID_ARGUMENT", "configValues.when WRONG_TYPE")
}
