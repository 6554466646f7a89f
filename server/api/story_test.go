package api_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

const greeter = `
id: greeter
displayName: Greeter
flows:
  - displayName: Greet
    synchronous: true
    trigger: {type: webhook-triggers.webhook}
    steps:
      - displayName: Write
        action: log.writeLog
        inputs:
          message: {template: '{{#Greeting}}, {{$trigger.results.body.data.name}}'}
  - displayName: Initialize
    trigger: {type: management-triggers.instanceDeploy}
    steps:
      - displayName: Write
        action: log.writeLog
        inputs:
          message: {reference: trigger.results.webhookUrls.Greet}
configVariables:
  - {displayName: Greeting, type: TYPE_STRING, required: true}
  - {displayName: Api Key, type: TYPE_STRING, secret: true}
  - {displayName: Ratio, type: TYPE_NUMBER, defaultValueJson: '1.00'}
`

// TestGreeterFromDraftToInstance tells the whole life of an integration over both faces.
func TestGreeterFromDraftToInstance(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		in := importAndEdit(t, call)
		tryDraft(t, call, in)
		publish(t, call)
		instance := configure(t, call)
		deploy(t, call, instance)
		remove(t, call)
	})
}

func importAndEdit(t *testing.T, call face) *pb.Integration {
	t.Helper()
	dry := ok[*pb.ValidateIntegrationResponse](t, call, &pb.ValidateIntegrationRequest{Definition: "displayName: [\n"})
	if dry.GetValid() || len(dry.GetProblems()) != 1 || dry.GetProblems()[0].GetReason() != "MALFORMED" {
		t.Errorf("a malformed definition: %v", dry)
	}
	if dry := ok[*pb.ValidateIntegrationResponse](t, call, &pb.ValidateIntegrationRequest{Definition: greeter}); !dry.GetValid() {
		t.Errorf("the definition: %v", dry)
	}
	first := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: greeter})
	if in := first.GetIntegration(); !first.GetCreated() || in.GetId() != "greeter" || len(in.GetFlows()) != 2 || len(in.GetProblems()) != 0 {
		t.Fatalf("imported: %v", first)
	}
	exported := ok[*pb.ExportIntegrationResponse](t, call, &pb.ExportIntegrationRequest{IntegrationId: "greeter"}).GetDefinition()
	second := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: exported, Etag: first.GetIntegration().GetEtag()})
	again := ok[*pb.ExportIntegrationResponse](t, call, &pb.ExportIntegrationRequest{IntegrationId: "greeter"}).GetDefinition()
	if diff := cmp.Diff(exported, again); second.GetCreated() || diff != "" {
		t.Errorf("imported again, created %v:\n%s", second.GetCreated(), diff)
	}
	if a, b := first.GetIntegration().GetFlows()[0].GetUid(), second.GetIntegration().GetFlows()[0].GetUid(); a != b {
		t.Errorf("the flow lost its identity: %s, %s", a, b)
	}
	refused(t, call, &pb.ImportIntegrationRequest{Definition: "displayName: X\nuid: y\nflows: 7\n"}, codes.InvalidArgument, "INVALID_ARGUMENT",
		"uid READ_ONLY", "flows WRONG_TYPE")
	refused(t, call, &pb.ImportIntegrationRequest{Definition: "id: other\ndisplayName: X\n", IntegrationId: "greeter"}, codes.InvalidArgument, "INVALID_ARGUMENT",
		"id IMMUTABLE")

	flow := ok[*pb.CreateFlowResponse](t, call, &pb.CreateFlowRequest{IntegrationId: "greeter", Flow: &pb.Flow{DisplayName: "Extra", Position: proto.Int32(0)}}).GetFlow()
	if flow.GetId() != "extra" || flow.GetPosition() != 0 || flow.GetIntegrationId() != "greeter" || flow.GetTrigger().GetType() != "webhook-triggers.webhook" {
		t.Errorf("added: %v", flow)
	}
	flow = ok[*pb.UpdateFlowResponse](t, call, &pb.UpdateFlowRequest{
		IntegrationId: "greeter", FlowId: "extra", Flow: &pb.Flow{DisplayName: "Extra!", Position: proto.Int32(2), Etag: flow.GetEtag()},
	}).GetFlow()
	if flow.GetId() != "extra" || flow.GetPosition() != 2 || flow.GetDisplayName() != "Extra!" {
		t.Errorf("moved: %v", flow)
	}
	list := ok[*pb.ListFlowsResponse](t, call, &pb.ListFlowsRequest{IntegrationId: "greeter", Filter: "position > 0", OrderBy: "position desc", PageSize: 1})
	if len(list.GetFlows()) != 1 || list.GetFlows()[0].GetId() != "extra" || list.GetNextPageToken() == "" {
		t.Errorf("flows: %v", list)
	}
	ok[*pb.DeleteFlowResponse](t, call, &pb.DeleteFlowRequest{IntegrationId: "greeter", FlowId: "extra"})
	refused(t, call, &pb.GetFlowRequest{IntegrationId: "greeter", FlowId: "extra"}, codes.NotFound, "NOT_FOUND")
	variables(t, call)
	return ok[*pb.GetIntegrationResponse](t, call, &pb.GetIntegrationRequest{IntegrationId: "greeter"}).GetIntegration()
}

func variables(t *testing.T, call face) {
	t.Helper()
	v := ok[*pb.CreateConfigVariableResponse](t, call, &pb.CreateConfigVariableRequest{IntegrationId: "greeter", ConfigVariable: &pb.ConfigVariable{
		DisplayName: "Mood", Type: pb.ConfigVariable_TYPE_PICKLIST, Choices: []string{"good", "bad"},
		Default: &pb.ConfigVariable_DefaultValue{DefaultValue: structpb.NewStringValue("good")},
	}}).GetConfigVariable()
	if v.GetId() != "mood" || v.GetDefaultValue().GetStringValue() != "good" {
		t.Errorf("added: %v", v)
	}
	v = ok[*pb.UpdateConfigVariableResponse](t, call, &pb.UpdateConfigVariableRequest{
		IntegrationId: "greeter", ConfigVariableId: "mood", ConfigVariable: &pb.ConfigVariable{Description: "how it is"},
	}).GetConfigVariable()
	if v.GetDescription() != "how it is" || len(v.GetChoices()) != 2 {
		t.Errorf("changed: %v", v)
	}
	list := ok[*pb.ListConfigVariablesResponse](t, call, &pb.ListConfigVariablesRequest{IntegrationId: "greeter", Filter: `type = "PICKLIST" OR secret`})
	if len(list.GetConfigVariables()) != 2 {
		t.Errorf("config variables: %v", list)
	}
	ok[*pb.DeleteConfigVariableResponse](t, call, &pb.DeleteConfigVariableRequest{IntegrationId: "greeter", ConfigVariableId: "mood", Etag: v.GetEtag()})
	refused(t, call, &pb.GetConfigVariableRequest{IntegrationId: "greeter", ConfigVariableId: "mood"}, codes.NotFound, "NOT_FOUND")
}

func tryDraft(t *testing.T, call face, in *pb.Integration) {
	t.Helper()
	test := ok[*pb.GetTestInstanceResponse](t, call, &pb.GetTestInstanceRequest{IntegrationId: "greeter"}).GetTestInstance()
	if test.GetKind() != pb.Instance_KIND_TEST || len(test.GetFlows()) != 2 || !strings.HasPrefix(test.GetFlows()[0].GetWebhookUrl(), "https://hooks.example.com/hooks/") {
		t.Errorf("test instance: %v", test)
	}
	// Read, changed and sent back whole.
	test.ConfigValues["greeting"] = &pb.ConfigValue{Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue("Hello")}}
	test.ConfigValues["api-key"] = &pb.ConfigValue{Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue("s3cret-key")}}
	test = ok[*pb.UpdateTestInstanceResponse](t, call, &pb.UpdateTestInstanceRequest{IntegrationId: "greeter", TestInstance: test}).GetTestInstance()
	if v := test.GetConfigValues(); v["greeting"].GetValue().GetStringValue() != "Hello" || !v["api-key"].GetSecretSet() || v["api-key"].GetKind() != nil ||
		v["ratio"].GetJson() != "1.00" || v["ratio"].GetSource() != pb.ConfigValue_SOURCE_DEFAULT {
		t.Errorf("config values: %v", v)
	}
	refused(t, call, &pb.UpdateTestInstanceRequest{IntegrationId: "greeter", TestInstance: &pb.Instance{DisplayName: "Mine"}},
		codes.InvalidArgument, "INVALID_ARGUMENT", "displayName READ_ONLY")
	result := ok[*pb.TestFlowResponse](t, call, &pb.TestFlowRequest{IntegrationId: "greeter", FlowId: "greet", Payload: &pb.TestPayload{
		Body: &pb.TestPayload_Json{Json: jsonValue(t, `{"name":"Ada"}`)},
	}})
	ex := result.GetExecution()
	if ex.GetState() != pb.Execution_STATE_SUCCEEDED || len(ex.GetStepResults()) != 2 || len(ex.GetLogs()) != 1 || ex.GetLogs()[0].GetMessage() != "Hello, Ada" {
		t.Fatalf("execution: %v", ex)
	}
	checkExecution(t, call, ex, in.GetId())
	reset := ok[*pb.ResetTestInstanceResponse](t, call, &pb.ResetTestInstanceRequest{IntegrationId: "greeter"})
	if reset.GetTestInstance().GetId() != test.GetId() {
		t.Errorf("reset: %v", reset)
	}
}

func checkExecution(t *testing.T, call face, ex *pb.Execution, integrationID string) {
	t.Helper()
	got := ok[*pb.GetExecutionResponse](t, call, &pb.GetExecutionRequest{ExecutionId: ex.GetId()}).GetExecution()
	if diff := cmp.Diff(ex, got, protocmp.Transform()); diff != "" {
		t.Errorf("read again:\n%s", diff)
	}
	basic := ok[*pb.GetExecutionResponse](t, call, &pb.GetExecutionRequest{ExecutionId: ex.GetId(), View: pb.View_VIEW_BASIC}).GetExecution()
	if len(basic.GetStepResults()) != 0 || basic.GetResultJson() != "" || basic.GetState() != ex.GetState() {
		t.Errorf("basic: %v", basic)
	}
	list := ok[*pb.ListExecutionsResponse](t, call, &pb.ListExecutionsRequest{Filter: `integration_id = "` + integrationID + `" AND test AND invoke_type = "TEST"`})
	if len(list.GetExecutions()) != 1 || list.GetExecutions()[0].GetId() != ex.GetId() {
		t.Errorf("executions: %v", list)
	}
	var paths []string
	steps := &pb.ListStepResultsRequest{ExecutionId: ex.GetId(), PageSize: 1}
	for {
		page := ok[*pb.ListStepResultsResponse](t, call, steps)
		for _, s := range page.GetStepResults() {
			paths = append(paths, s.GetPath())
		}
		if steps.PageToken = page.GetNextPageToken(); steps.GetPageToken() == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"trigger", "write"}, paths); diff != "" {
		t.Errorf("step results:\n%s", diff)
	}
	logs := ok[*pb.ListLogsResponse](t, call, &pb.ListLogsRequest{ExecutionId: ex.GetId()})
	if len(logs.GetLogs()) != 1 || logs.GetLogs()[0].GetSequence() != 1 || logs.GetNextPageToken() != "" {
		t.Errorf("logs: %v", logs)
	}
	refused(t, call, &pb.GetExecutionRequest{ExecutionId: "exe-none"}, codes.NotFound, "NOT_FOUND")
}

func publish(t *testing.T, call face) {
	t.Helper()
	v := ok[*pb.PublishIntegrationResponse](t, call, &pb.PublishIntegrationRequest{IntegrationId: "greeter", Comment: "first"}).GetVersion()
	if v.GetVersion() != 1 || v.GetComment() != "first" || len(v.GetFlows()) != 2 || v.GetDefinitionHash() == "" {
		t.Errorf("version: %v", v)
	}
	got := ok[*pb.GetIntegrationVersionResponse](t, call, &pb.GetIntegrationVersionRequest{IntegrationId: "greeter", Version: 1}).GetIntegrationVersion()
	if diff := cmp.Diff(v, got, protocmp.Transform()); diff != "" {
		t.Errorf("read again:\n%s", diff)
	}
	list := ok[*pb.ListIntegrationVersionsResponse](t, call, &pb.ListIntegrationVersionsRequest{IntegrationId: "greeter", Filter: "version <= 1"})
	if len(list.GetIntegrationVersions()) != 1 || len(list.GetIntegrationVersions()[0].GetFlows()) != 0 {
		t.Errorf("versions: %v", list)
	}
	in := ok[*pb.ListIntegrationsResponse](t, call, &pb.ListIntegrationsRequest{}).GetIntegrations()[0]
	if in.GetLatestVersion() != 1 || in.GetUnpublishedChanges() || len(in.GetFlows()) != 0 {
		t.Errorf("integration: %v", in)
	}
	text := ok[*pb.ExportIntegrationResponse](t, call, &pb.ExportIntegrationRequest{IntegrationId: "greeter", Version: 1}).GetDefinition()
	if !strings.Contains(text, "displayName: Greeter") || strings.Contains(text, "uid") {
		t.Errorf("exported:\n%s", text)
	}
}

func configure(t *testing.T, call face) *pb.Instance {
	t.Helper()
	ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "smith", DisplayName: "Smith"}})
	refused(t, call, &pb.CreateInstanceRequest{Instance: &pb.Instance{Id: "greeter--test", DisplayName: "X", CustomerId: "smith", IntegrationId: "greeter"}},
		codes.InvalidArgument, "INVALID_ARGUMENT", "id MALFORMED")
	in := ok[*pb.CreateInstanceResponse](t, call, &pb.CreateInstanceRequest{Instance: &pb.Instance{
		Id: "smith-greeter", DisplayName: "Smith's", CustomerId: "smith", IntegrationId: "greeter", Labels: map[string]string{"a": "b"},
		ConfigValues: map[string]*pb.ConfigValue{"ratio": {Kind: &pb.ConfigValue_Json{Json: "2.50"}}},
	}}).GetInstance()
	if in.GetState() != pb.Instance_STATE_CREATED || in.GetConfigValues()["ratio"].GetJson() != "2.50" {
		t.Errorf("instance: %v", in)
	}
	refused(t, call, &pb.UpdateInstanceRequest{InstanceId: "smith-greeter", Instance: &pb.Instance{CustomerId: "jones", IntegrationId: "greeter"}},
		codes.InvalidArgument, "INVALID_ARGUMENT", "customerId IMMUTABLE")
	refusal := refused(t, call, &pb.DeployInstanceRequest{InstanceId: "smith-greeter"}, codes.FailedPrecondition, "CONFIG_INCOMPLETE", "configValues.greeting REQUIRED")
	if n := len(refusal.Details()); n != 3 {
		t.Errorf("details %v", refusal.Details())
	}
	wizard := ok[*pb.GetConfigWizardResponse](t, call, &pb.GetConfigWizardRequest{InstanceId: "smith-greeter"}).GetConfigWizard()
	if wizard.GetComplete() || len(wizard.GetPages()) != 1 || len(wizard.GetPages()[0].GetElements()) != 3 || wizard.GetEtag() != in.GetEtag() {
		t.Fatalf("wizard: %v", wizard)
	}
	page := ok[*pb.UpdateConfigWizardPageResponse](t, call, &pb.UpdateConfigWizardPageRequest{
		InstanceId: "smith-greeter", PageId: wizard.GetPages()[0].GetId(), Etag: wizard.GetEtag(),
		Values: map[string]*pb.ConfigValue{"greeting": {Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue("Hi")}}},
	}).GetPage()
	if !page.GetComplete() {
		t.Errorf("page: %v", page)
	}
	return ok[*pb.UpdateInstanceResponse](t, call, &pb.UpdateInstanceRequest{
		InstanceId: "smith-greeter", Instance: &pb.Instance{DisplayName: "Smith's Greeter", ConfigValues: map[string]*pb.ConfigValue{}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name", "config_values.ratio"}},
	}).GetInstance()
}

func deploy(t *testing.T, call face, in *pb.Instance) {
	t.Helper()
	if v := in.GetConfigValues(); in.GetDisplayName() != "Smith's Greeter" || v["greeting"].GetValue().GetStringValue() != "Hi" || v["ratio"].GetJson() != "1.00" {
		t.Errorf("instance: %v", in)
	}
	plan := ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: in.GetId(), ValidateOnly: true})
	if plan.GetDeployment() != nil || plan.GetPlan().GetVersion() != 1 || len(plan.GetPlan().GetFlowIds()) != 1 {
		t.Errorf("plan: %v", plan)
	}
	refused(t, call, &pb.DeployInstanceRequest{InstanceId: in.GetId(), Etag: "AAAA"}, codes.Aborted, "STALE_ETAG")
	req := &pb.DeployInstanceRequest{InstanceId: in.GetId(), Etag: in.GetEtag(), RequestId: "deploy-1"}
	done := ok[*pb.DeployInstanceResponse](t, call, req)
	if done.GetInstance().GetState() != pb.Instance_STATE_ACTIVE || done.GetDeployment().GetState() != pb.Deployment_STATE_SUCCEEDED ||
		len(done.GetExecutions()) != 1 || len(done.GetWebhookUrls()) != 2 {
		t.Fatalf("deployed: %v", done)
	}
	if got := done.GetExecutions()[0].GetLogs()[0].GetMessage(); got != done.GetWebhookUrls()["Greet"] {
		t.Errorf("the flow saw %q, the answer says %q", got, done.GetWebhookUrls()["Greet"])
	}
	again := ok[*pb.DeployInstanceResponse](t, call, req)
	if again.GetDeployment().GetId() != done.GetDeployment().GetId() {
		t.Errorf("the same request deployed twice: %v", again)
	}
	got := ok[*pb.GetDeploymentResponse](t, call, &pb.GetDeploymentRequest{InstanceId: in.GetId(), DeploymentId: done.GetDeployment().GetId()}).GetDeployment()
	if diff := cmp.Diff(done.GetDeployment(), got, protocmp.Transform()); diff != "" {
		t.Errorf("deployment read again:\n%s", diff)
	}
	list := ok[*pb.ListDeploymentsResponse](t, call, &pb.ListDeploymentsRequest{InstanceId: in.GetId(), Filter: "state = SUCCEEDED"})
	if len(list.GetDeployments()) != 1 {
		t.Errorf("deployments: %v", list)
	}
	instances := ok[*pb.ListInstancesResponse](t, call, &pb.ListInstancesRequest{Filter: `customer_id = "smith" AND state = "ACTIVE"`})
	if len(instances.GetInstances()) != 1 || instances.GetInstances()[0].GetFlows()[0].GetWebhookUrl() != "" {
		t.Errorf("instances: %v", instances)
	}
	whole := ok[*pb.ListInstancesResponse](t, call, &pb.ListInstancesRequest{View: pb.View_VIEW_FULL})
	if whole.GetInstances()[0].GetFlows()[0].GetWebhookUrl() == "" {
		t.Errorf("instances in full: %v", whole)
	}
}

func remove(t *testing.T, call face) {
	t.Helper()
	const id = "smith-greeter"
	paused := ok[*pb.PauseInstanceResponse](t, call, &pb.PauseInstanceRequest{InstanceId: id}).GetInstance()
	if !paused.GetPaused() || paused.GetPauseMode() != pb.Instance_PAUSE_MODE_HOLD {
		t.Errorf("paused: %v", paused)
	}
	resumed := ok[*pb.ResumeInstanceResponse](t, call, &pb.ResumeInstanceRequest{InstanceId: id, Etag: paused.GetEtag()}).GetInstance()
	if resumed.GetPaused() {
		t.Errorf("resumed: %v", resumed)
	}
	rotated := ok[*pb.RotateWebhookTokenResponse](t, call, &pb.RotateWebhookTokenRequest{InstanceId: id, FlowId: "greet"}).GetInstance()
	if a, b := resumed.GetFlows(), rotated.GetFlows(); a[0].GetWebhookUrl() == b[0].GetWebhookUrl() || a[1].GetWebhookUrl() != b[1].GetWebhookUrl() {
		t.Errorf("rotated from %v to %v", a, b)
	}
	refused(t, call, &pb.DeleteIntegrationRequest{IntegrationId: "greeter"}, codes.FailedPrecondition, "IN_USE")
	undeployed := ok[*pb.UndeployInstanceResponse](t, call, &pb.UndeployInstanceRequest{InstanceId: id})
	if undeployed.GetInstance().GetState() != pb.Instance_STATE_UNDEPLOYED || len(undeployed.GetRemainingRegistrations()) != 0 {
		t.Errorf("undeployed: %v", undeployed)
	}
	ok[*pb.DeleteInstanceResponse](t, call, &pb.DeleteInstanceRequest{InstanceId: id})
	refused(t, call, &pb.GetInstanceRequest{InstanceId: id}, codes.NotFound, "NOT_FOUND")
	ok[*pb.DeleteIntegrationResponse](t, call, &pb.DeleteIntegrationRequest{IntegrationId: "greeter"})
}

func jsonValue(t testing.TB, text string) *structpb.Value {
	t.Helper()
	v := &structpb.Value{}
	must(t, v.UnmarshalJSON([]byte(text)))
	return v
}

func TestComponents(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		c := &pb.Component{Id: "acme-erp", DisplayName: "Acme ERP", Actions: []*pb.Action{{
			Key: "createWebhook", Effect: pb.Action_EFFECT_WRITE, Inputs: []*pb.InputField{{Key: "url", Required: true}, {Key: "connection", Type: pb.InputField_TYPE_CONNECTION, Required: true}},
			Request: &pb.HttpRequest{Method: "POST", Url: "{{$connection.baseUrl}}/webhooks", Body: jsonValue(t, `{"url":"{{$inputs.url}}"}`)},
		}}, ConnectionTypes: []*pb.ConnectionType{{Key: "apiKey", Inputs: []*pb.InputField{{Key: "baseUrl"}, {Key: "apiKey", Secret: true}}}}}
		first := ok[*pb.CreateComponentResponse](t, call, &pb.CreateComponentRequest{Component: c}).GetComponent()
		if first.GetVersion() != 1 || first.GetKind() != pb.Component_KIND_DECLARATIVE || first.GetActions()[0].GetRequest().GetBody().GetStructValue() == nil {
			t.Errorf("created: %v", first)
		}
		second := ok[*pb.UpdateComponentResponse](t, call, &pb.UpdateComponentRequest{
			ComponentId: "acme-erp", Component: &pb.Component{Description: "new", Etag: first.GetEtag()},
		}).GetComponent()
		if second.GetVersion() != 2 || second.GetDescription() != "new" || len(second.GetActions()) != 1 {
			t.Errorf("changed: %v", second)
		}
		refused(t, call, &pb.UpdateComponentRequest{ComponentId: "acme-erp", Component: &pb.Component{Description: "newer", Etag: first.GetEtag()}},
			codes.Aborted, "STALE_ETAG")
		old := ok[*pb.GetComponentResponse](t, call, &pb.GetComponentRequest{ComponentId: "acme-erp", Version: 1}).GetComponent()
		if old.GetDescription() != "" || old.GetVersion() != 1 {
			t.Errorf("version 1: %v", old)
		}
		list := ok[*pb.ListComponentsResponse](t, call, &pb.ListComponentsRequest{Filter: "kind = DECLARATIVE"})
		if len(list.GetComponents()) != 1 || len(list.GetComponents()[0].GetActions()) != 0 {
			t.Errorf("components: %v", list)
		}
		builtins := ok[*pb.ListComponentsResponse](t, call, &pb.ListComponentsRequest{Filter: "kind = BUILTIN", View: pb.View_VIEW_FULL, PageSize: 1000})
		if len(builtins.GetComponents()) < 3 {
			t.Errorf("components: %v", builtins)
		}
		refused(t, call, &pb.DeleteComponentRequest{ComponentId: builtins.GetComponents()[0].GetId()}, codes.FailedPrecondition, "READ_ONLY")
		ok[*pb.DeleteComponentResponse](t, call, &pb.DeleteComponentRequest{ComponentId: "acme-erp", Etag: second.GetEtag()})
	})
}

// TestTail follows a finished execution over both faces: what happened comes again, and then the stream ends.
func TestTail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ok[*pb.ImportIntegrationResponse](t, w.overGRPC, &pb.ImportIntegrationRequest{Definition: greeter})
	ok[*pb.UpdateTestInstanceResponse](t, w.overGRPC, &pb.UpdateTestInstanceRequest{IntegrationId: "greeter", TestInstance: &pb.Instance{
		ConfigValues: map[string]*pb.ConfigValue{"greeting": {Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue("Hi")}}},
	}})
	ex := ok[*pb.TestFlowResponse](t, w.overGRPC, &pb.TestFlowRequest{IntegrationId: "greeter", FlowId: "greet"}).GetExecution()
	stream, err := pb.NewExecutionServiceClient(w.conn).TailExecution(t.Context(), &pb.TailExecutionRequest{ExecutionId: ex.GetId()})
	must(t, err)
	events := drain(t, stream)
	if last := events[len(events)-1].GetExecution(); last.GetState() != pb.Execution_STATE_SUCCEEDED || len(events) < 4 {
		t.Errorf("events: %v", events)
	}

	resp, text := w.do(t, http.MethodGet, "/v1/executions/"+ex.GetId()+":tail", nil, nil)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/x-ndjson" || resp.Header.Get("X-Request-Id") == "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	n := 0
	for scanner := bufio.NewScanner(strings.NewReader(string(text))); scanner.Scan(); n++ {
		var line struct{ Result map[string]json.RawMessage }
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil || len(line.Result) != 1 {
			t.Errorf("line %d: %v %s", n, err, scanner.Text())
		}
	}
	if n != len(events) {
		t.Errorf("%d lines for %d events", n, len(events))
	}
	resp, text = w.do(t, http.MethodGet, "/v1/executions/exe-none:tail", nil, nil)
	if st := statusFrom(t, text); resp.StatusCode != http.StatusNotFound || infoOf(st).GetReason() != "NOT_FOUND" {
		t.Errorf("of an unknown execution: %d %s", resp.StatusCode, text)
	}
}

func drain(t *testing.T, stream grpc.ServerStreamingClient[pb.TailExecutionResponse]) []*pb.TailExecutionResponse {
	t.Helper()
	var out []*pb.TailExecutionResponse
	for {
		event, err := stream.Recv()
		if err != nil {
			if len(out) == 0 {
				t.Fatal(err)
			}
			return out
		}
		out = append(out, event)
	}
}
