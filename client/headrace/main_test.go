package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"nothing but flags", nil, "expected one of"},
		{"a verb without its noun", []string{"deploy", "smith"}, "did you mean headrace instance deploy?"},
		{"a verb of another noun", []string{"instance", "tail", "exe-1"}, "did you mean headrace execution tail?"},
		{"the URL of the server", []string{"--server", "http://127.0.0.1:8080", "customer"}, "is a URL: give HOST:PORT"},
		{"no port of the server", []string{"--server", "localhost", "customer"}, "has no port: give HOST:PORT"},
		{"a URL of no server", []string{"--server", "dns://", "customer"}, "names no host"},
		{"unknown command", []string{"fly"}, "unexpected argument fly"},
		{"unknown flag", []string{"instances", "--fly"}, "unknown flag --fly"},
		{"missing argument", []string{"instances", "deploy"}, `expected "<id>"; see headrace instance deploy --help`},
		{"a flow's name in place of its id", []string{"execution", "list", "--flow", "Sync It"}, "shows the ids"},
		{"unknown format", []string{"instances", "-o", "xml"}, "--output"},
		{"less than none", []string{"instances", "list", "--limit=-1"}, "--limit is -1"},
		{"TLS and not", []string{"--tls", "--insecure", "instances"}, "give one of them"},
		{"token in plain text", []string{"--server", "erp.example.com:1", "--token", "t0k3n", "instances"}, "plain text"},
		{"no authorities", []string{"--ca", "/nowhere.pem", "instances"}, "/nowhere.pem"},
		{"no file", []string{"apply", "-f", "/nowhere.yaml"}, "/nowhere.yaml"},
		{"nothing to set", []string{"instance", "set", "smith"}, "nothing to set"},
		{"no value", []string{"instance", "set", "smith", "--set", "token"}, "--set wants NAME=VALUE"},
		{"set twice", []string{"instance", "set", "smith", "--set", "a=1", "--set", "a=2"}, "names a twice"},
		{"no JSON", []string{"instance", "set", "smith", "--set-json", "a={s3cret"}, "--set-json a"},
		{"no input", []string{"instance", "set", "smith", "--set-connection", "erp=1"}, "VARIABLE.INPUT=VALUE"},
		{"no payload to save", []string{"flow", "test", "acme", "sync", "--save"}, "--payload FILE"},
		{"customer without a name", []string{"customer", "create"}, "needs an id or a --name"},
		{"nobody's flow", []string{"flow-key", "list", "sync"}, "--instance"},
		{"two owners of a flow", []string{"flow-key", "list", "sync", "--instance", "smith", "--integration", "acme"}, "--integration"},
		{"unknown shell", []string{"completion", "fish"}, "bash"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{}
			code, stdout, stderr := headrace(t, p, "", tt.args...)
			if code != exitUsage || !strings.Contains(stderr, tt.want) || stdout != "" {
				t.Errorf("code %d, printed %q and %q, want 2 and an error with %q", code, stdout, stderr, tt.want)
			}
			if strings.Contains(stderr, "s3cret") || strings.Contains(stderr, "t0k3n") {
				t.Errorf("the error shows a secret: %s", stderr)
			}
			if len(p.requests) > 0 {
				t.Errorf("something was sent: %v", p.requests)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := headrace(t, &peer{}, "", "instance", "deploy", "--help")
	if code != exitOK || stderr != "" || !strings.Contains(stdout, "--plan") {
		t.Errorf("code %d, printed %q and %q", code, stdout, stderr)
	}
}

func TestHelpIsWhatNothingGets(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	code := run(t.Context(), nil, streams{out: &out, err: &errs})
	if code != exitUsage || out.Len() > 0 || !strings.Contains(errs.String(), "Customers and instances:") {
		t.Errorf("code %d, printed %q and %q, want 2 and the commands", code, out.String(), errs.String())
	}
	_, stdout, _ := headrace(t, &peer{}, "", "flow", "--help")
	if !strings.Contains(stdout, "\nCommands:\n  flow list ") {
		t.Errorf("printed %q, want the commands of the noun, without groups", stdout)
	}
}

// TestNouns holds the rule of the grammar: a noun is singular, and known by its plural.
func TestNouns(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&grammar{})
	if err != nil {
		t.Fatal(err)
	}
	for _, noun := range parser.Model.Children {
		if len(noun.Children) > 0 && !slices.Equal(noun.Aliases, []string{noun.Name + "s"}) {
			t.Errorf("%s is known as %v", noun.Name, noun.Aliases)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	st, err := status.New(codes.FailedPrecondition, "config is incomplete").WithDetails(
		&errdetails.ErrorInfo{Reason: "CONFIG_INCOMPLETE", Domain: "headrace", Metadata: map[string]string{"instance_id": "smith"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "configValues.url", Description: "has no value"}, {Description: "and one more"},
		}})
	if err != nil {
		t.Fatal(err)
	}
	untested, err := status.New(codes.FailedPrecondition, "it cannot run").WithDetails(
		&errdetails.ErrorInfo{Reason: "CONFIG_INCOMPLETE", Domain: "headrace", Metadata: map[string]string{"integration_id": "acme"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "configValues.erp.apiKey", Reason: "REQUIRED", Description: "has no value"},
			{Field: "configValues.hosts[2]", Reason: "WRONG_TYPE", Description: "is 5"},
			{Field: "configValues.erp.host", Reason: "REQUIRED", Description: "has no value"},
			{Field: "configValues.hosts[3]", Reason: "WRONG_TYPE", Description: "is 6"},
		}})
	if err != nil {
		t.Fatal(err)
	}
	one, err := status.New(codes.InvalidArgument, "flowz: is no field").WithDetails(
		&errdetails.ErrorInfo{Reason: "INVALID_ARGUMENT", Domain: "headrace"},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "flowz", Description: "is no field"}}})
	if err != nil {
		t.Fatal(err)
	}
	init, err := status.New(codes.FailedPrecondition, "it was not deployed").WithDetails(&errdetails.ErrorInfo{
		Reason: "INIT_FLOW_FAILED", Domain: "headrace", Metadata: map[string]string{"execution_id": "exe-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		answer error
		code   int
		want   string
	}{
		{
			"a deployment that failed", init.Err(), exitRefused,
			"error: it was not deployed\n  see its steps: headrace execution get exe-1\n  INIT_FLOW_FAILED · execution_id exe-1 · request req-1\n",
		},
		{
			"all that is wrong", st.Err(), exitRefused,
			"error: config is incomplete\n  configValues.url: has no value\n  and one more\n" +
				"  set them: headrace instance set smith --set url=…\n  CONFIG_INCOMPLETE · instance_id smith · request req-1\n",
		},
		{
			"what is missing for a test", untested.Err(), exitRefused,
			"error: it cannot run\n  configValues.erp.apiKey: has no value\n  configValues.hosts[2]: is 5\n  configValues.erp.host: has no value\n" +
				"  configValues.hosts[3]: is 6\n  set them: headrace test-instance set acme --set-connection erp.apiKey=… --set-json hosts=… --set-connection erp.host=…\n",
		},
		{"what the message has said", one.Err(), exitRefused, "error: flowz: is no field\n  INVALID_ARGUMENT · request req-1\n"},
		{"too late", status.Error(codes.DeadlineExceeded, "x"), exitRefused, "error: no answer came in time: allow more with --timeout"},
		{"what would move the cursor", status.Error(codes.Internal, "a\x1b[2Jb\nc"), exitRefused, "error: a\ufffd[2Jb c\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{answers: map[string]any{"DeployInstance": tt.answer}}
			code, stdout, stderr := headrace(t, p, "", "instance", "deploy", "smith")
			if code != tt.code || !strings.HasPrefix(stderr, tt.want) || stdout != "" {
				t.Errorf("code %d, printed %q and %q, want %d and %q", code, stdout, stderr, tt.code, tt.want)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"--server", target, "instances"}, streams{out: &out, err: &errs})
	if code != exitUnreachable || !strings.Contains(errs.String(), "no server answered at "+target) {
		t.Errorf("code %d, printed %q, want 3 and the address", code, errs.String())
	}
}

// TestWrongServer calls servers that are there and speak something else.
func TestWrongServer(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	quiet := log.New(io.Discard, "", 0)
	https := httptest.NewUnstartedServer(http.NotFoundHandler())
	https.Config.ErrorLog = quiet
	https.StartTLS()
	t.Cleanup(https.Close)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.EnableHTTP2, secure.Config.ErrorLog = true, quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	tests := []struct {
		name, url string
		flags     []string
		want      string
	}{
		{"REST", web.URL, nil, "speaks HTTP and no gRPC"},
		{"no TLS", web.URL, []string{"--tls"}, "speaks no TLS: leave --tls"},
		{"REST by TLS", https.URL, []string{"--tls"}, "speaks HTTP and no gRPC"},
		{"TLS of an unknown authority", secure.URL, []string{"--tls"}, "is not trusted: name the file of its authority with --ca"},
		{"TLS", secure.URL, nil, "does it want --tls?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, address, _ := strings.Cut(tt.url, "://")
			var out, errs bytes.Buffer
			code := run(t.Context(), append([]string{"customer", "--server", address}, tt.flags...), streams{out: &out, err: &errs})
			if code != exitUnreachable || !strings.Contains(errs.String(), tt.want) {
				t.Errorf("code %d, printed %q, want 3 and %q", code, errs.String(), tt.want)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"--server", "127.0.0.1:1", "instances"}, streams{out: &out, err: &errs}); code != exitRefused {
		t.Errorf("code %d, printed %q, want 1", code, errs.String())
	}
}

func TestFlowTest(t *testing.T) {
	t.Parallel()
	ok := &headracev1.TestFlowResponse{Execution: &headracev1.Execution{
		Id: "exe-1", FlowDisplayName: "Sync", Test: true, IntegrationId: "acme", State: headracev1.Execution_STATE_SUCCEEDED,
	}, Response: &headracev1.WebhookResponse{Status: 200, Body: "fine"}}
	failed := proto.CloneOf(ok)
	failed.Execution.State = headracev1.Execution_STATE_FAILED
	flows := &headracev1.ListFlowsResponse{Flows: []*headracev1.Flow{{Id: "sync", DisplayName: "Sync It"}}}
	text := func(body, kind string) *headracev1.TestPayload {
		return &headracev1.TestPayload{Body: &headracev1.TestPayload_Text{Text: body}, ContentType: kind}
	}
	tests := []struct {
		name   string
		input  string
		flags  []string
		answer proto.Message
		code   int
		want   *headracev1.TestFlowRequest
	}{
		{"the saved payload", "", []string{"sync"}, ok, exitOK, &headracev1.TestFlowRequest{}},
		{"by display name", "", []string{"Sync It"}, ok, exitOK, &headracev1.TestFlowRequest{}},
		{"a failing flow", "", []string{"sync"}, failed, exitRefused, &headracev1.TestFlowRequest{}},
		{"JSON as it is", "{\"a\": 1.0}\n", []string{"sync", "--payload", "-", "--save"}, ok, exitOK, &headracev1.TestFlowRequest{Payload: text("{\"a\": 1.0}\n", "application/json"), SavePayload: true}},
		{"text", "hello", []string{"sync", "--payload", "-"}, ok, exitOK, &headracev1.TestFlowRequest{Payload: text("hello", "text/plain; charset=utf-8")}},
		{"a type of its own", "<a/>", []string{"sync", "--payload", "-", "--content-type", "application/soap+xml"}, ok, exitOK, &headracev1.TestFlowRequest{Payload: text("<a/>", "application/soap+xml")}},
		{"bytes", "\xff\x00", []string{"sync", "--payload", "-"}, ok, exitOK, &headracev1.TestFlowRequest{Payload: &headracev1.TestPayload{Body: &headracev1.TestPayload_Binary{Binary: []byte{255, 0}}, ContentType: "application/octet-stream"}}},
		{
			"the rest of a request", "",
			[]string{"sync", "-H", "X-A=1", "-H", "X-B=a=b", "--query", "q=1", "--method", "PUT", "--path", "a/b", "--dry-run"},
			&headracev1.TestFlowResponse{}, exitOK,
			&headracev1.TestFlowRequest{
				Payload:      &headracev1.TestPayload{Headers: map[string]string{"X-A": "1", "X-B": "a=b"}, Query: map[string]string{"q": "1"}, Method: "PUT", Path: "a/b"},
				ValidateOnly: true,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{answers: map[string]any{"TestFlow": tt.answer, "ListFlows": flows}}
			code, stdout, stderr := headrace(t, p, tt.input, append([]string{"flow", "test", "acme"}, tt.flags...)...)
			if code != tt.code {
				t.Errorf("code %d, want %d, printed %q and %q", code, tt.code, stdout, stderr)
			}
			tt.want.IntegrationId, tt.want.FlowId = "acme", "sync"
			asked := p.asked()
			if diff := cmp.Diff(proto.Message(tt.want), asked[len(asked)-1], protocmp.Transform()); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
	p := &peer{answers: map[string]any{"ListFlows": flows}}
	if code, _, stderr := headrace(t, p, "", "flow", "test", "acme", "Sink It"); code != exitUsage || !strings.Contains(stderr, "it has sync") {
		t.Errorf("an unknown flow: code %d, printed %q", code, stderr)
	}
}

func TestContentTypeByName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.json": "application/json", "a.XML": "application/xml", "a.csv": "text/csv; charset=utf-8",
		"a.txt": "text/plain; charset=utf-8", "a.html": "text/html; charset=utf-8", "a": "application/json",
	} {
		if got := contentType(name, []byte("1")); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestListsAsk(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args   []string
		method string
		page   proto.Message
		want   proto.Message
	}{
		{
			[]string{"execution", "list", "--instance", "smith", "--state", "dead-letter", "--filter", `a OR b`},
			"ListExecutions", &headracev1.ListExecutionsResponse{},
			&headracev1.ListExecutionsRequest{PageSize: 50, Filter: `(instance_id = "smith") AND (state = "DEAD_LETTER") AND (a OR b)`},
		},
		{
			[]string{"execution", "list", "--invoked-by", "exe-1"},
			"ListExecutions", &headracev1.ListExecutionsResponse{},
			&headracev1.ListExecutionsRequest{PageSize: 50, Filter: `invoked_by = "exe-1"`},
		},
		{[]string{"execution"}, "ListExecutions", &headracev1.ListExecutionsResponse{}, &headracev1.ListExecutionsRequest{PageSize: 50}},
		{
			[]string{"instances", "--customer", `s"m\ith`, "--order-by", "id desc"},
			"ListInstances", &headracev1.ListInstancesResponse{},
			&headracev1.ListInstancesRequest{PageSize: 1000, Filter: `customer_id = "s\"m\\ith"`, OrderBy: "id desc"},
		},
		{[]string{"instance", "deployments", "smith"}, "ListDeployments", &headracev1.ListDeploymentsResponse{}, &headracev1.ListDeploymentsRequest{InstanceId: "smith", PageSize: 1000}},
		{[]string{"integration", "list", "--limit", "5"}, "ListIntegrations", &headracev1.ListIntegrationsResponse{}, &headracev1.ListIntegrationsRequest{PageSize: 5}},
		{
			[]string{"integration", "versions", "acme"},
			"ListIntegrationVersions",
			&headracev1.ListIntegrationVersionsResponse{IntegrationVersions: []*headracev1.IntegrationVersion{{Version: 1, DefinitionHash: "0123456789abcdef"}}},
			&headracev1.ListIntegrationVersionsRequest{IntegrationId: "acme", PageSize: 1000},
		},
		{[]string{"flows", "list", "acme"}, "ListFlows", &headracev1.ListFlowsResponse{}, &headracev1.ListFlowsRequest{IntegrationId: "acme", PageSize: 1000}},
		{
			[]string{"cleanup-debt", "list", "--customer", "smith", "--forgiven"},
			"ListCleanupDebts", &headracev1.ListCleanupDebtsResponse{},
			&headracev1.ListCleanupDebtsRequest{PageSize: 1000, Filter: `customer_id = "smith"`, ShowForgiven: true},
		},
		{
			[]string{"upgrades", "--integration", "acme", "--state", "stopped"},
			"ListUpgrades", &headracev1.ListUpgradesResponse{},
			&headracev1.ListUpgradesRequest{PageSize: 1000, Filter: `(integration_id = "acme") AND (state = "STOPPED")`},
		},
		{
			[]string{"state", "list", "smith", "--scope", "flow", "--flow", "sync"},
			"ListStateEntries", &headracev1.ListStateEntriesResponse{},
			&headracev1.ListStateEntriesRequest{InstanceId: "smith", PageSize: 1000, Filter: `(scope = "FLOW") AND (flow_id = "sync")`},
		},
		{
			[]string{"flow-keys", "list", "sync", "--instance", "smith", "--show"},
			"ListFlowKeys",
			&headracev1.ListFlowKeysResponse{FlowKeys: []*headracev1.FlowKey{{Id: "erp", LastFour: "1234"}}},
			&headracev1.ListFlowKeysRequest{InstanceId: "smith", FlowId: "sync", PageSize: 1000, View: headracev1.View_VIEW_FULL},
		},
		{[]string{"component"}, "ListComponents", &headracev1.ListComponentsResponse{}, &headracev1.ListComponentsRequest{PageSize: 1000}},
		{[]string{"customer"}, "ListCustomers", &headracev1.ListCustomersResponse{}, &headracev1.ListCustomersRequest{PageSize: 1000}},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			p := &peer{answers: map[string]any{tt.method: tt.page}}
			if code, _, stderr := headrace(t, p, "", tt.args...); code != exitOK {
				t.Fatalf("code %d: %s", code, stderr)
			}
			if diff := cmp.Diff([]proto.Message{tt.want}, p.asked(), protocmp.Transform()); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	page := &headracev1.ListCustomersResponse{Customers: []*headracev1.Customer{{Id: "a"}, {Id: "b"}, {Id: "c"}}, NextPageToken: "2"}
	p := &peer{answers: map[string]any{"ListCustomers": page}}
	code, stdout, stderr := headrace(t, p, "", "customer", "list", "--limit", "2", "-o", "json")
	var got headracev1Customers
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitOK || len(got.Customers) != 2 || len(p.requests) != 1 {
		t.Errorf("code %d, %d pages, %v, printed %q and %q, want two customers of one page", code, len(p.requests), err, stdout, stderr)
	}
}

type headracev1Customers struct {
	Customers []struct {
		ID string `json:"id"`
	} `json:"customers"`
}

func TestCommandsAsk(t *testing.T) {
	t.Parallel()
	instance := &headracev1.Instance{Id: "smith", Paused: true}
	tests := []struct {
		args   []string
		answer proto.Message
		want   proto.Message
		prints string
	}{
		{[]string{"component", "get", "erp", "--version", "2"}, &headracev1.GetComponentResponse{Component: &headracev1.Component{Id: "erp"}}, &headracev1.GetComponentRequest{ComponentId: "erp", Version: 2}, "erp"},
		{[]string{"component", "delete", "erp"}, &headracev1.DeleteComponentResponse{}, &headracev1.DeleteComponentRequest{ComponentId: "erp"}, "component erp deleted"},
		{[]string{"integration", "get", "acme"}, &headracev1.GetIntegrationResponse{Integration: &headracev1.Integration{Id: "acme"}}, &headracev1.GetIntegrationRequest{IntegrationId: "acme"}, "acme"},
		{[]string{"integration", "publish", "acme", "-m", "why"}, &headracev1.PublishIntegrationResponse{Version: &headracev1.IntegrationVersion{Version: 3}}, &headracev1.PublishIntegrationRequest{IntegrationId: "acme", Comment: "why"}, "integration acme published as version 3"},
		{[]string{"integration", "delete", "acme", "--dry-run"}, &headracev1.DeleteIntegrationResponse{}, &headracev1.DeleteIntegrationRequest{IntegrationId: "acme", ValidateOnly: true}, "integration acme could be deleted"},
		{[]string{"customer", "create", "smith", "--external-id", "7"}, &headracev1.CreateCustomerResponse{Customer: &headracev1.Customer{Id: "smith"}}, &headracev1.CreateCustomerRequest{Customer: &headracev1.Customer{Id: "smith", DisplayName: "smith", ExternalId: "7"}}, "customer smith created"},
		{[]string{"customer", "get", "smith"}, &headracev1.GetCustomerResponse{Customer: &headracev1.Customer{Id: "smith", Labels: map[string]string{"b": "2", "a": "1"}}}, &headracev1.GetCustomerRequest{CustomerId: "smith"}, "a=1 b=2"},
		{[]string{"customer", "delete", "smith"}, &headracev1.DeleteCustomerResponse{}, &headracev1.DeleteCustomerRequest{CustomerId: "smith"}, "customer smith deleted"},
		{[]string{"instance", "get", "smith"}, &headracev1.GetInstanceResponse{Instance: instance}, &headracev1.GetInstanceRequest{InstanceId: "smith"}, "smith"},
		{[]string{"instance", "wizard", "smith"}, &headracev1.GetConfigWizardResponse{ConfigWizard: &headracev1.ConfigWizard{InstanceId: "smith", Complete: true}}, &headracev1.GetConfigWizardRequest{InstanceId: "smith"}, "smith  complete"},
		{[]string{"instance", "deploy", "smith", "--version", "2"}, &headracev1.DeployInstanceResponse{Instance: instance}, &headracev1.DeployInstanceRequest{InstanceId: "smith", Version: 2}, "instance smith deployed"},
		{[]string{"instance", "deploy", "smith", "--plan"}, &headracev1.DeployInstanceResponse{Plan: &headracev1.DeployPlan{Version: 2}}, &headracev1.DeployInstanceRequest{InstanceId: "smith", ValidateOnly: true}, "would get version 2"},
		{[]string{"instance", "rollback", "smith", "--to", "dep-1"}, &headracev1.RollbackInstanceResponse{Instance: instance, Deployment: &headracev1.Deployment{SourceDeploymentId: "dep-1"}}, &headracev1.RollbackInstanceRequest{InstanceId: "smith", DeploymentId: "dep-1"}, "instance smith rolled back"},
		{[]string{"instance", "rollback", "smith", "--plan"}, &headracev1.RollbackInstanceResponse{Plan: &headracev1.DeployPlan{Version: 1}}, &headracev1.RollbackInstanceRequest{InstanceId: "smith", ValidateOnly: true}, "would get version 1"},
		{[]string{"cleanup-debt", "get", "reg-1"}, &headracev1.GetCleanupDebtResponse{CleanupDebt: &headracev1.CleanupDebt{Id: "reg-1", RemoteId: "wh_1"}}, &headracev1.GetCleanupDebtRequest{CleanupDebtId: "reg-1"}, "wh_1"},
		{[]string{"cleanup-debt", "retry", "reg-1"}, &headracev1.RetryCleanupDebtResponse{Removed: true}, &headracev1.RetryCleanupDebtRequest{CleanupDebtId: "reg-1"}, "cleanup debt reg-1 settled"},
		{[]string{"cleanup-debt", "forgive", "reg-1", "--comment", "by hand"}, &headracev1.ForgiveCleanupDebtResponse{}, &headracev1.ForgiveCleanupDebtRequest{CleanupDebtId: "reg-1", Comment: "by hand"}, "cleanup debt reg-1 forgiven"},
		{[]string{"state", "get", "smith", "ste-1"}, &headracev1.GetStateEntryResponse{StateEntry: &headracev1.StateEntry{Id: "ste-1", Key: "last", ValueJson: `{"a":1}`}}, &headracev1.GetStateEntryRequest{InstanceId: "smith", StateEntryId: "ste-1"}, `{"a":1}`},
		{[]string{"state", "set", "smith", "last", "2026", "--scope", "flow", "--flow", "sync"}, &headracev1.SetStateEntryResponse{}, &headracev1.SetStateEntryRequest{InstanceId: "smith", Scope: headracev1.StateEntry_SCOPE_FLOW, FlowId: "sync", Key: "last", Kind: &headracev1.SetStateEntryRequest_ValueJson{ValueJson: `"2026"`}}, "state entry last set"},
		{[]string{"state", "set", "smith", "last", "[1.50]", "--json", "--dry-run"}, &headracev1.SetStateEntryResponse{}, &headracev1.SetStateEntryRequest{InstanceId: "smith", Scope: headracev1.StateEntry_SCOPE_INSTANCE, Key: "last", Kind: &headracev1.SetStateEntryRequest_ValueJson{ValueJson: `[1.50]`}, ValidateOnly: true}, "state entry last could be set"},
		{[]string{"state", "delete", "smith", "ste-1"}, &headracev1.DeleteStateEntryResponse{}, &headracev1.DeleteStateEntryRequest{InstanceId: "smith", StateEntryId: "ste-1"}, "state entry ste-1 deleted"},
		{[]string{"state", "clear", "smith", "--scope", "integration"}, &headracev1.ClearStateResponse{}, &headracev1.ClearStateRequest{InstanceId: "smith", Scope: headracev1.StateEntry_SCOPE_INTEGRATION}, "state of smith cleared"},
		{[]string{"upgrade", "start", "acme", "--plan"}, &headracev1.CreateUpgradeResponse{Upgrade: &headracev1.Upgrade{IntegrationId: "acme", Version: 2, Total: 1, Failed: 1, Plan: []*headracev1.UpgradeResult{{InstanceId: "smith", State: headracev1.UpgradeResult_STATE_FAILED, Reason: "CONFIG_INCOMPLETE"}}}}, &headracev1.CreateUpgradeRequest{Upgrade: &headracev1.Upgrade{IntegrationId: "acme", CanaryCount: proto.Int32(1), Parallelism: 4}, ValidateOnly: true}, "FAILED  smith    CONFIG_INCOMPLETE"},
		{[]string{"upgrade", "start", "acme", "--detach", "--canary", "0", "--filter", "paused"}, &headracev1.CreateUpgradeResponse{Upgrade: &headracev1.Upgrade{Id: "upg-1", IntegrationId: "acme", Version: 2, Total: 3}}, &headracev1.CreateUpgradeRequest{Upgrade: &headracev1.Upgrade{IntegrationId: "acme", CanaryCount: proto.Int32(0), Parallelism: 4, Filter: "paused"}}, "upgrade upg-1 moves 3 instances of acme to version 2"},
		{[]string{"upgrade", "cancel", "upg-1"}, &headracev1.CancelUpgradeResponse{Upgrade: &headracev1.Upgrade{State: headracev1.Upgrade_STATE_CANCELED}}, &headracev1.CancelUpgradeRequest{UpgradeId: "upg-1"}, "upgrade upg-1 canceled"},
		{[]string{"upgrade", "resume", "upg-1", "--detach"}, &headracev1.ResumeUpgradeResponse{}, &headracev1.ResumeUpgradeRequest{UpgradeId: "upg-1"}, "upgrade upg-1 resumed"},
		{[]string{"instance", "undeploy", "smith"}, &headracev1.UndeployInstanceResponse{}, &headracev1.UndeployInstanceRequest{InstanceId: "smith"}, "instance smith undeployed"},
		{[]string{"instance", "pause", "smith"}, &headracev1.PauseInstanceResponse{Instance: instance}, &headracev1.PauseInstanceRequest{InstanceId: "smith", Mode: headracev1.Instance_PAUSE_MODE_HOLD}, "instance smith paused"},
		{[]string{"instance", "pause", "smith", "--refuse"}, &headracev1.PauseInstanceResponse{}, &headracev1.PauseInstanceRequest{InstanceId: "smith", Mode: headracev1.Instance_PAUSE_MODE_REFUSE}, "instance smith paused"},
		{[]string{"instance", "resume", "smith"}, &headracev1.ResumeInstanceResponse{}, &headracev1.ResumeInstanceRequest{InstanceId: "smith"}, "instance smith resumed"},
		{[]string{"instance", "rotate", "smith", "--flow", "sync"}, &headracev1.RotateWebhookTokenResponse{Instance: instance}, &headracev1.RotateWebhookTokenRequest{InstanceId: "smith", FlowId: "sync"}, "smith"},
		{[]string{"instance", "rotate", "smith", "--endpoint"}, &headracev1.RotateWebhookTokenResponse{Instance: instance}, &headracev1.RotateWebhookTokenRequest{InstanceId: "smith", Endpoint: true}, "smith"},
		{[]string{"integration", "rotate", "acme", "--overlap", "1h"}, &headracev1.RotateEndpointTokenResponse{Integration: &headracev1.Integration{EndpointUrl: "https://h/hooks/x"}}, &headracev1.RotateEndpointTokenRequest{IntegrationId: "acme", Overlap: durationpb.New(time.Hour)}, "https://h/hooks/x"},
		{[]string{"flow-key", "create", "sync", "--instance", "smith", "--name", "The ERP"}, &headracev1.CreateFlowKeyResponse{FlowKey: &headracev1.FlowKey{Id: "the-erp", Key: "hrk_x"}}, &headracev1.CreateFlowKeyRequest{InstanceId: "smith", FlowId: "sync", FlowKey: &headracev1.FlowKey{DisplayName: "The ERP"}}, "hrk_x"},
		{[]string{"flow-key", "delete", "sync", "the-erp", "--integration", "acme"}, &headracev1.DeleteFlowKeyResponse{}, &headracev1.DeleteFlowKeyRequest{IntegrationId: "acme", FlowId: "sync", FlowKeyId: "the-erp"}, "flow key the-erp deleted"},
		{[]string{"instance", "delete", "smith"}, &headracev1.DeleteInstanceResponse{RemainingRegistrations: []*headracev1.Registration{{RemoteId: "wh_1"}}}, &headracev1.DeleteInstanceRequest{InstanceId: "smith"}, "wh_1"},
		{[]string{"test-instance", "get", "acme"}, &headracev1.GetTestInstanceResponse{TestInstance: instance}, &headracev1.GetTestInstanceRequest{IntegrationId: "acme"}, "smith"},
		{[]string{"test-instance", "reset", "acme"}, &headracev1.ResetTestInstanceResponse{}, &headracev1.ResetTestInstanceRequest{IntegrationId: "acme"}, "test instance of acme reset"},
		{[]string{"execution", "cancel", "exe-1"}, &headracev1.CancelExecutionResponse{Execution: &headracev1.Execution{State: headracev1.Execution_STATE_CANCELED}}, &headracev1.CancelExecutionRequest{ExecutionId: "exe-1"}, "execution exe-1 canceled"},
		{[]string{"execution", "cancel", "exe-1", "--dry-run"}, &headracev1.CancelExecutionResponse{}, &headracev1.CancelExecutionRequest{ExecutionId: "exe-1", ValidateOnly: true}, "execution exe-1 could be canceled"},
		{[]string{"execution", "replay", "exe-1", "--from-step", "post", "--fresh-keys"}, &headracev1.ReplayExecutionResponse{Execution: &headracev1.Execution{Id: "exe-2"}}, &headracev1.ReplayExecutionRequest{ExecutionId: "exe-1", FromStep: "post", FreshKeys: true}, "as exe-2"},
		{[]string{"execution", "replay", "--filter", "x", "--from-failed"}, &headracev1.ReplayExecutionsResponse{Count: 2, ExecutionIds: []string{"exe-8", "exe-9"}, More: true}, &headracev1.ReplayExecutionsRequest{Filter: "x", Max: 100, FromFailed: true}, "there are more"},
		{[]string{"customer", "set", "smith", "--max-concurrency", "4"}, &headracev1.UpdateCustomerResponse{}, &headracev1.UpdateCustomerRequest{CustomerId: "smith", Customer: &headracev1.Customer{MaxConcurrency: 4}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"max_concurrency"}}}, "customer smith changed"},
		{[]string{"instance", "set", "smith", "--max-concurrency", "0"}, &headracev1.UpdateInstanceResponse{}, &headracev1.UpdateInstanceRequest{InstanceId: "smith", Instance: &headracev1.Instance{}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"max_concurrency"}}}, "instance smith configured"},
		{[]string{"export", "acme", "--version", "2"}, &headracev1.ExportIntegrationResponse{Definition: "id: acme\n"}, &headracev1.ExportIntegrationRequest{IntegrationId: "acme", Version: 2}, "kind: Integration\nid: acme\n"},
		{[]string{"export", "acme", "-o", "json"}, &headracev1.ExportIntegrationResponse{Definition: "id: acme\n"}, &headracev1.ExportIntegrationRequest{IntegrationId: "acme"}, "{\n  \"kind\": \"Integration\",\n  \"id\": \"acme\"\n}\n"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			method := strings.TrimSuffix(string(tt.want.ProtoReflect().Descriptor().Name()), "Request")
			p := &peer{answers: map[string]any{method: tt.answer}}
			code, stdout, stderr := headrace(t, p, "", tt.args...)
			if code != exitOK || !strings.Contains(stdout, tt.prints) {
				t.Errorf("code %d, printed %q and %q, want %q", code, stdout, stderr, tt.prints)
			}
			if diff := cmp.Diff([]proto.Message{tt.want}, p.asked(), protocmp.Transform()); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnExecutionIsShownWithWhoStartedItAndWhatItStarted(t *testing.T) {
	t.Parallel()
	at := timestamppb.New(time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC))
	p := &peer{answers: map[string]any{
		"GetExecution":   &headracev1.GetExecutionResponse{Execution: &headracev1.Execution{Id: "exe-1", InvokedBy: "exe-0", ScheduleTime: at}},
		"ListExecutions": &headracev1.ListExecutionsResponse{Executions: []*headracev1.Execution{{Id: "exe-2", FlowDisplayName: "Next"}}},
	}}
	code, stdout, stderr := headrace(t, p, "", "execution", "get", "exe-1")
	for _, want := range []string{"exe-1", "started by exe-0", "for 2026-01-02", "Started", "exe-2", "Next"} {
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("code %d, printed %q and %q, want %q", code, stdout, stderr, want)
		}
	}
	want := []proto.Message{
		&headracev1.GetExecutionRequest{ExecutionId: "exe-1"},
		&headracev1.ListExecutionsRequest{PageSize: 50, Filter: `invoked_by = "exe-1"`, OrderBy: "create_time"},
	}
	if diff := cmp.Diff(want, p.asked(), protocmp.Transform()); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if code, stdout, _ := headrace(t, p, "", "execution", "get", "exe-1", "-o", "json"); code != exitOK || strings.Contains(stdout, "exe-2") {
		t.Errorf("code %d, printed %q to a program", code, stdout)
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	p := &peer{answers: map[string]any{"RotateWebhookToken": &headracev1.RotateWebhookTokenResponse{}}}
	if code, _, stderr := headrace(t, p, "", "instance", "rotate", "smith", "--overlap", "0s"); code != exitOK {
		t.Fatalf("code %d: %s", code, stderr)
	}
	if overlap := p.requests[0].(*headracev1.RotateWebhookTokenRequest).GetOverlap(); overlap == nil || overlap.AsDuration() != 0 {
		t.Errorf("overlap %v, want none, which is not the default", overlap)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	events := []proto.Message{
		&headracev1.TailExecutionResponse{Event: &headracev1.TailExecutionResponse_StepResult{StepResult: &headracev1.StepResult{Path: "trigger", State: headracev1.StepResult_STATE_SUCCEEDED}}},
		&headracev1.TailExecutionResponse{Event: &headracev1.TailExecutionResponse_Log{Log: &headracev1.Log{Message: "hello"}}},
		&headracev1.TailExecutionResponse{Event: &headracev1.TailExecutionResponse_Execution{Execution: &headracev1.Execution{Id: "exe-1", FlowDisplayName: "Sync", State: headracev1.Execution_STATE_FAILED}}},
	}
	p := &peer{answers: map[string]any{"TailExecution": events}}
	code, stdout, stderr := headrace(t, p, "", "execution", "tail", "exe-1")
	if code != exitOK || !strings.Contains(stdout, "✓ trigger") || !strings.Contains(stdout, "hello") || !strings.Contains(stdout, "Sync  FAILED") {
		t.Errorf("code %d, printed %q and %q", code, stdout, stderr)
	}
	code, stdout, _ = headrace(t, p, "", "execution", "tail", "exe-1", "-o", "json")
	if lines := strings.Split(strings.TrimSpace(stdout), "\n"); code != exitOK || len(lines) != 3 || !json.Valid([]byte(lines[2])) {
		t.Errorf("code %d, printed %q, want three lines of JSON", code, stdout)
	}
	p.answers["TailExecution"] = events[:1]
	if code, _, stderr := headrace(t, p, "", "execution", "tail", "exe-1"); code != exitRefused || !strings.Contains(stderr, "ended before") {
		t.Errorf("a stream that is cut: code %d, printed %q", code, stderr)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"table": "headrace ", "json": "\n  \"version\": ", "yaml": "\nversion: "} {
		if code, stdout, stderr := headrace(t, &peer{}, "", "version", "-o", format); code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("%s: code %d, printed %q and %q, want %q", format, code, stdout, stderr, want)
		}
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash on this machine")
	}
	_, script, _ := headrace(t, &peer{}, "", "completion", "bash")
	tests := []struct{ words, want string }{
		{"headrace inst", "instance"},
		{"headrace instances dep", "deploy deployments"},
		{"headrace -o json instance set smith --set-c", "--set-connection"},
	}
	for _, tt := range tests {
		words := strings.Fields(tt.words)
		ask := script + "\nCOMP_WORDS=(" + tt.words + "); COMP_CWORD=" + string(rune('0'+len(words)-1)) + "; _headrace; echo \"${COMPREPLY[*]}\""
		out, err := exec.CommandContext(t.Context(), bash, "-c", ask).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.words, got, err, tt.want)
		}
	}
	_, zsh, _ := headrace(t, &peer{}, "", "completion", "zsh")
	if !strings.HasPrefix(zsh, "autoload") || !strings.HasSuffix(zsh, script) {
		t.Errorf("zsh gets %q", zsh)
	}
}

func TestBulkReplayGoesOnUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	left := int32(3)
	p := &peer{answers: map[string]any{"ReplayExecutions": func() proto.Message {
		left--
		return &headracev1.ReplayExecutionsResponse{Count: 2, More: left > 0}
	}}}
	code, stdout, stderr := headrace(t, p, "", "execution", "replay", "--filter", "x", "--all", "--max", "2")
	if code != exitOK || len(p.requests) != 3 || !strings.Contains(stdout, "executions 6 replayed") {
		t.Errorf("code %d, %d requests, printed %q and %q", code, len(p.requests), stdout, stderr)
	}
	for _, args := range [][]string{nil, {"exe-1", "--filter", "x"}, {"--filter", "x", "--from-step", "a"}, {"exe-1", "--all"}, {"exe-1", "--max", "0"}} {
		if code, _, _ := headrace(t, &peer{}, "", append([]string{"execution", "replay"}, args...)...); code != exitUsage {
			t.Errorf("%v: code %d", args, code)
		}
	}
}
