package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

var today = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(today.Add(-d)) }

// golden compares what was printed with a file, which is read in review like code.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func printerTo(w *bytes.Buffer, format string, paint paint) *printer {
	return &printer{w: w, format: format, paint: paint, now: func() time.Time { return today }}
}

func anExecution() *headracev1.Execution {
	step := func(path, name, action string, took time.Duration, result string) *headracev1.StepResult {
		return &headracev1.StepResult{
			ExecutionId: "exe-1", Path: path, DisplayName: name, Action: action, State: headracev1.StepResult_STATE_SUCCEEDED,
			ResultJson: result, Duration: durationpb.New(took),
		}
	}
	failed := step("sync-items[1].post-item", "Post Item", "http.httpPost", 1500*time.Millisecond, "null")
	failed.State, failed.Error = headracev1.StepResult_STATE_FAILED, "POST http://progix.test: answered 500"
	branch := step("choose", "Choose", "branch.branchOnValue", time.Millisecond, `{"branch":"New"}`)
	branch.Branch = "New"
	running := &headracev1.StepResult{Path: "last", Action: "log.writeLogMessage", State: headracev1.StepResult_STATE_RUNNING}
	file := step("download", "Download", "http.httpGet", 2*time.Millisecond, `"`+strings.Repeat("QUJD", 20)+`"`)
	file.ContentType = "application/pdf"
	return &headracev1.Execution{
		Id: "exe-1", InstanceId: "smith-acme", CustomerId: "smith", IntegrationId: "acme-erp", Version: 2, FlowId: "sync-customer-data",
		FlowDisplayName: "Sync Customer Data", Generation: 3, State: headracev1.Execution_STATE_FAILED,
		InvokeType: headracev1.Execution_INVOKE_TYPE_WEBHOOK, Attempts: 1, Try: 2, RetryOf: "exe-0", OrderingKey: "A-1", Blocking: true,
		Error: &headracev1.ExecutionError{
			Reason: "STEP_FAILED", Message: `step "Post Item" failed`, StepId: "post-item", StepPath: "sync-items[1].post-item",
		},
		StepResults: []*headracev1.StepResult{
			step("trigger", "Trigger", "webhook-triggers.webhook", 0, `{"headers":{},"body":{"data":{"id":"C-1"}},"webhookUrls":{}}`),
			branch, file,
			step("sync-items", "Sync Items", "loop.loopOverItems", 70*time.Second, `[]`),
			step("sync-items[0].post-item", "Post Item", "http.httpPost", 12*time.Millisecond, `{"ok":true,"name":"Zoë `+strings.Repeat("x", 300)+`"}`),
			failed, running,
		},
		Logs: []*headracev1.Log{
			{Severity: headracev1.Log_SEVERITY_WARN, Message: "slow\x1b[31m answer", CreateTime: before(time.Minute), StepPath: "sync-items[0].post-item"},
		},
		CreateTime: before(time.Minute), Duration: durationpb.New(72 * time.Second),
	}
}

func anInstance() *headracev1.Instance {
	return &headracev1.Instance{
		Id: "smith-acme", DisplayName: "Smith's Acme", CustomerId: "smith", IntegrationId: "acme-erp", EndpointUrl: "http://127.0.0.1:8080/hooks/shared", Version: 2, Generation: 3,
		State: headracev1.Instance_STATE_ACTIVE, Kind: headracev1.Instance_KIND_STANDARD, NeedsDeploy: true,
		Labels: map[string]string{"plan": "gold", "area": "eu"}, DeployTime: before(time.Hour), UpdateTime: before(50 * time.Hour),
		LastDeploymentId: "dep-7",
		Flows: []*headracev1.InstanceFlow{
			{FlowId: "sync", DisplayName: "Sync Customer Data", TriggerType: "webhook-triggers.webhook", WebhookUrl: "http://127.0.0.1:8080/hooks/aaa"},
			{FlowId: "init", DisplayName: "Initialization", TriggerType: "management-triggers.instanceDeploy", WebhookUrl: "http://127.0.0.1:8080/hooks/bbb"},
		},
		ConfigValues: map[string]*headracev1.ConfigValue{
			"erp": {
				Kind: &headracev1.ConfigValue_Json{Json: `{"baseUrl": "http://erp"}`}, Source: headracev1.ConfigValue_SOURCE_INSTANCE,
				SecretSet: true, SecretInputsSet: []string{"apiKey"},
			},
			"token":  {SecretSet: true, Source: headracev1.ConfigValue_SOURCE_INSTANCE},
			"source": {Kind: &headracev1.ConfigValue_Value{Value: structpb.NewStringValue("acme")}, Source: headracev1.ConfigValue_SOURCE_DEFAULT},
			"empty":  {},
		},
		Registrations: []*headracev1.Registration{aRegistration("wh_1", headracev1.Registration_STATE_CREATED)},
	}
}

func aRegistration(remote string, state headracev1.Registration_State) *headracev1.Registration {
	return &headracev1.Registration{
		FlowId: "init", StepId: "create", Key: "create", Action: "acme-erp.createWebhook", RemoteId: remote, State: state,
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	stuck := aRegistration("wh_2", headracev1.Registration_STATE_REMOVE_FAILED)
	stuck.Error = "DELETE http://erp: answered 503"
	paused := &headracev1.Instance{
		Id: "jones", State: headracev1.Instance_STATE_CREATED, CustomerId: "jones", IntegrationId: "acme-erp",
		Paused: true, PauseMode: headracev1.Instance_PAUSE_MODE_REFUSE, UpdateTime: before(5 * time.Second),
	}
	integration := &headracev1.Integration{
		Id: "acme-erp", DisplayName: "Acme ERP", Category: "ERP", LatestVersion: 2, EndpointUrl: "http://127.0.0.1:8080/hooks/shared", UnpublishedChanges: true, UpdateTime: before(3 * time.Hour),
		Flows: []*headracev1.Flow{
			{Id: "sync", DisplayName: "Sync Customer Data", Trigger: &headracev1.Trigger{Type: "webhook-triggers.webhook"}, Synchronous: true, Steps: []*headracev1.Step{{}}},
			{
				Id: "orders", DisplayName: "Orders", Concurrency: 2, DeduplicationKey: &headracev1.Input{}, Timeout: durationpb.New(time.Minute),
				Ordering: &headracev1.Ordering{Scope: headracev1.Ordering_SCOPE_KEY, OnFailure: headracev1.Ordering_FAILURE_EFFECT_BLOCK},
				Retry:    &headracev1.Retry{MaxAttempts: 3},
			},
		},
		ConfigVariables: []*headracev1.ConfigVariable{
			{Id: "erp", DisplayName: "ERP", Type: headracev1.ConfigVariable_TYPE_CONNECTION, ConnectionType: "acme-erp.apiKey", Required: true},
			{Id: "token", DisplayName: "Token", Secret: true},
		},
	}
	broken := proto.CloneOf(integration)
	broken.Problems = []*headracev1.Problem{{Field: "flows[0].steps[0].action", Reason: "UNKNOWN_ACTION", Description: "there is no such action"}}
	deployed := &headracev1.DeployInstanceResponse{
		Instance:    anInstance(),
		Deployment:  &headracev1.Deployment{Id: "dep-7", Version: 2, Generation: 3, Changes: changes(stuck)},
		Executions:  []*headracev1.Execution{anExecution()},
		WebhookUrls: map[string]string{"Sync Customer Data": "http://127.0.0.1:8080/hooks/aaa", "Initialization": "http://127.0.0.1:8080/hooks/bbb"},
	}
	wizard := &headracev1.ConfigWizard{InstanceId: "smith-acme", Pages: []*headracev1.ConfigWizardPage{{
		Title: "Connect", Tagline: "where your data is", Elements: []*headracev1.ConfigWizardElement{
			{Kind: &headracev1.ConfigWizardElement_Heading{Heading: "Your ERP"}},
			{Kind: &headracev1.ConfigWizardElement_Variable{Variable: &headracev1.ConfigWizardVariable{
				ConfigVariable: integration.GetConfigVariables()[0], Value: anInstance().GetConfigValues()["erp"],
				Problems: []*headracev1.Problem{{Field: "configValues.erp.baseUrl", Description: "is no URL"}, {Description: "is old"}},
			}}},
		},
	}}}
	component := &headracev1.Component{
		Id: "acme-erp", DisplayName: "Acme ERP", Kind: headracev1.Component_KIND_DECLARATIVE, Version: 4,
		ConnectionTypes: []*headracev1.ConnectionType{{Key: "apiKey", Inputs: []*headracev1.InputField{{Key: "apiKey", Required: true, Secret: true, Description: "The key."}}}},
		Triggers:        []*headracev1.TriggerType{{Key: "webhook"}},
		Actions: []*headracev1.Action{{
			Key: "createWebhook", Output: "What the ERP answers: `id` and `url`.", Undo: &headracev1.Undo{Action: "deleteWebhook"}, Find: &headracev1.Find{Action: "listWebhooks"}, Update: &headracev1.Update{Action: "updateWebhook"},
			Inputs: []*headracev1.InputField{{Key: "event", Type: headracev1.InputField_TYPE_TEXT}},
		}},
	}
	builtin := &headracev1.Component{Id: "http", DisplayName: "HTTP", Kind: headracev1.Component_KIND_BUILTIN, Version: 1}

	tests := []struct {
		name  string
		print func(p *printer)
	}{
		{"execution", func(p *printer) {
			p.execution(anExecution())
			p.response(&headracev1.WebhookResponse{Status: 200, Body: `{"executionId":"exe-1"}`})
			p.response(&headracev1.WebhookResponse{Status: 200, BodyBytes: []byte{1, 2}})
			p.response(nil)
		}},
		{"execution_failed_before_a_step", func(p *printer) {
			p.execution(&headracev1.Execution{
				Id: "exe-2", FlowDisplayName: "Sync", IntegrationId: "acme-erp", Test: true, State: headracev1.Execution_STATE_DEAD_LETTER,
				Error: &headracev1.ExecutionError{Reason: "TIMEOUT", Message: "ran too long"},
			})
		}},
		{"tail", func(p *printer) {
			ex := anExecution()
			for _, step := range ex.GetStepResults() {
				p.stepEvent(step)
			}
			p.log(ex.GetLogs()[0])
			p.executionEvent(ex)
		}},
		{"executions", func(p *printer) {
			p.executions([]*headracev1.Execution{anExecution(), {Id: "exe-2", Test: true, IntegrationId: "acme-erp", State: headracev1.Execution_STATE_QUEUED}})
		}},
		{"instance", func(p *printer) { p.instance(anInstance()) }},
		{"instances", func(p *printer) { p.instances([]*headracev1.Instance{anInstance(), paused}) }},
		{"deployed", func(p *printer) { p.deployed(deployed) }},
		{"plan", func(p *printer) {
			p.plan("smith-acme", &headracev1.DeployPlan{
				Version: 3, Generation: 4, FlowIds: []string{"init"}, WebhookUrls: map[string]string{"New Flow": "", "Sync": "http://127.0.0.1:8080/hooks/aaa"},
				ChangedConfigVariableIds: []string{"token"}, PossibleCreations: []string{"init/create"},
				ObsoleteRegistrations: []*headracev1.Registration{aRegistration("wh_1", headracev1.Registration_STATE_CREATED)},
			})
		}},
		{"deployments", func(p *printer) {
			p.deployments([]*headracev1.Deployment{
				{Id: "dep-2", State: headracev1.Deployment_STATE_FAILED, Version: 1, Error: &headracev1.DeploymentError{Reason: "INIT_FLOW_FAILED", Message: "no"}, CreateTime: before(time.Minute)},
			})
		}},
		{"removed", func(p *printer) { p.removed([]*headracev1.Execution{anExecution()}, []*headracev1.Registration{stuck}) }},
		{"wizard", func(p *printer) { p.wizard(wizard) }},
		{"component", func(p *printer) { p.component(component) }},
		{"components", func(p *printer) { p.components([]*headracev1.Component{component, builtin}) }},
		{"integration", func(p *printer) { p.integration(broken) }},
		{"integrations", func(p *printer) { p.integrations([]*headracev1.Integration{integration, broken, {Id: "new"}}) }},
		{"customers", func(p *printer) {
			p.customers([]*headracev1.Customer{{Id: "smith", DisplayName: "Smith\nRockets \u202e"}})
		}},
		{"nothing", func(p *printer) { p.customers(nil) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var plain, coloured bytes.Buffer
			tt.print(printerTo(&plain, "table", false))
			golden(t, tt.name+".txt", plain.String())
			tt.print(printerTo(&coloured, "table", true))
			if got := uncoloured(coloured.String()); got != plain.String() {
				t.Errorf("colours change more than the colour:\n%s", cmp.Diff(plain.String(), got))
			}
		})
	}
}

// uncoloured takes out the colours a printer sets.
func uncoloured(s string) string {
	for {
		at := strings.Index(s, "\x1b[")
		if at < 0 {
			return s
		}
		end := strings.IndexByte(s[at:], 'm')
		s = s[:at] + s[at+end+1:]
	}
}

func changes(stuck *headracev1.Registration) []*headracev1.RegistrationChange {
	var out []*headracev1.RegistrationChange
	for kind := headracev1.RegistrationChange_KIND_CREATED; kind <= headracev1.RegistrationChange_KIND_UNCONFIRMED; kind++ {
		if kind == headracev1.RegistrationChange_KIND_REMOVE_FAILED {
			continue
		}
		out = append(out, &headracev1.RegistrationChange{Kind: kind, Registration: aRegistration("wh_1", headracev1.Registration_STATE_CREATED)})
	}
	return append(out, &headracev1.RegistrationChange{Kind: headracev1.RegistrationChange_KIND_REMOVE_FAILED, Registration: stuck})
}

func TestFormats(t *testing.T) {
	t.Parallel()
	list := &headracev1.ListInstancesResponse{Instances: []*headracev1.Instance{anInstance()}}
	for _, format := range []string{"json", "yaml"} {
		var out bytes.Buffer
		if err := printerTo(&out, format, true).show(list, func() { t.Error("printed for people") }); err != nil {
			t.Fatal(err)
		}
		golden(t, "instances."+format, out.String())
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	ex := &headracev1.Execution{Id: "exe-1"}
	for _, format := range []string{"json", "yaml"} {
		var out bytes.Buffer
		p := printerTo(&out, format, false)
		for _, message := range []proto.Message{
			eventMessage(ex, nil, nil), eventMessage(nil, &headracev1.StepResult{Path: "trigger"}, nil), eventMessage(nil, nil, &headracev1.Log{Message: "hi"}),
		} {
			if err := p.event(message); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, "events."+format, out.String())
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	p := printerTo(nil, "table", false)
	for d, want := range map[time.Duration]string{
		0: "0 s ago", 59 * time.Second: "59 s ago", time.Minute: "1 min ago", time.Hour: "1 h ago", 47 * time.Hour: "47 h ago",
		72 * time.Hour: "3 d ago", -time.Hour: "2026-01-31 13:00:00",
	} {
		if got := p.ago(before(d)).text; got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := p.ago(nil).text; got != "-" {
		t.Errorf("never: %q", got)
	}
}
