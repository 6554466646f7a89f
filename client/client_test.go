package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// peer is the far end of a connection: it answers what a test tells it to and keeps what it was asked.
type peer struct {
	headracev1.UnimplementedIntegrationServiceServer
	headracev1.UnimplementedInstanceServiceServer
	headracev1.UnimplementedComponentServiceServer
	headracev1.UnimplementedFlowServiceServer
	headracev1.UnimplementedExecutionServiceServer

	list   func(*headracev1.ListIntegrationsRequest) (*headracev1.ListIntegrationsResponse, error)
	deploy func(context.Context, *headracev1.DeployInstanceRequest) (*headracev1.DeployInstanceResponse, error)
	tail   func(grpc.ServerStreamingServer[headracev1.TailExecutionResponse]) error

	mu       sync.Mutex
	headers  []metadata.MD
	requests []any
}

func (p *peer) keep(ctx context.Context, req any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	md, _ := metadata.FromIncomingContext(ctx)
	p.headers = append(p.headers, md)
	p.requests = append(p.requests, req)
}

func (p *peer) ListIntegrations(
	ctx context.Context, req *headracev1.ListIntegrationsRequest,
) (*headracev1.ListIntegrationsResponse, error) {
	p.keep(ctx, req)
	return p.list(req)
}

func (p *peer) DeployInstance(ctx context.Context, req *headracev1.DeployInstanceRequest) (*headracev1.DeployInstanceResponse, error) {
	p.keep(ctx, req)
	return p.deploy(ctx, req)
}

func (p *peer) UpdateComponent(ctx context.Context, req *headracev1.UpdateComponentRequest) (*headracev1.UpdateComponentResponse, error) {
	p.keep(ctx, req)
	return &headracev1.UpdateComponentResponse{Component: req.GetComponent()}, nil
}

func (p *peer) ImportIntegration(ctx context.Context, req *headracev1.ImportIntegrationRequest) (*headracev1.ImportIntegrationResponse, error) {
	p.keep(ctx, req)
	return &headracev1.ImportIntegrationResponse{Created: true}, nil
}

func (p *peer) TestFlow(ctx context.Context, req *headracev1.TestFlowRequest) (*headracev1.TestFlowResponse, error) {
	p.keep(ctx, req)
	return &headracev1.TestFlowResponse{}, nil
}

func (p *peer) TailExecution(req *headracev1.TailExecutionRequest, stream grpc.ServerStreamingServer[headracev1.TailExecutionResponse]) error {
	p.keep(stream.Context(), req)
	return p.tail(stream)
}

// serve starts the peer on a free port and returns its address.
func serve(t *testing.T, p *peer, opts ...grpc.ServerOption) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(opts...)
	headracev1.RegisterIntegrationServiceServer(server, p)
	headracev1.RegisterInstanceServiceServer(server, p)
	headracev1.RegisterComponentServiceServer(server, p)
	headracev1.RegisterFlowServiceServer(server, p)
	headracev1.RegisterExecutionServiceServer(server, p)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		// A test that sends nothing may stop the server before it has begun.
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Errorf("serve: %v", err)
		}
	})
	return listener.Addr().String()
}

func dial(t *testing.T, target string, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := client.Dial(target, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

func refusal(t *testing.T, code codes.Code, message string, info *errdetails.ErrorInfo, fields ...*errdetails.BadRequest_FieldViolation) error {
	t.Helper()
	st, err := status.New(code, message).WithDetails(info, &errdetails.BadRequest{FieldViolations: fields})
	if err != nil {
		t.Fatal(err)
	}
	return st.Err()
}

func TestUnavailableIsRepeated(t *testing.T) {
	t.Parallel()
	p := &peer{}
	p.deploy = func(context.Context, *headracev1.DeployInstanceRequest) (*headracev1.DeployInstanceResponse, error) {
		if p.calls() < 3 {
			return nil, status.Error(codes.Unavailable, "shutting down")
		}
		return &headracev1.DeployInstanceResponse{Deployment: &headracev1.Deployment{Id: "dep_1"}}, nil
	}
	request := client.DeployOptions{Version: 2}
	res, err := dial(t, serve(t, p)).Deploy(t.Context(), "smith", request)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.GetDeployment().GetId(); got != "dep_1" {
		t.Errorf("deployment %q, want dep_1", got)
	}
	ids := map[string]int{}
	for _, req := range p.requests {
		ids[req.(*headracev1.DeployInstanceRequest).GetRequestId()]++
	}
	if len(ids) != 1 || ids[""] > 0 || p.calls() != 3 {
		t.Errorf("request ids of 3 attempts: %v, want one id three times", ids)
	}
}

func TestRepeatingEnds(t *testing.T) {
	t.Parallel()
	p := &peer{}
	p.list = func(*headracev1.ListIntegrationsRequest) (*headracev1.ListIntegrationsResponse, error) {
		return nil, status.Error(codes.Unavailable, "shutting down")
	}
	_, err := dial(t, serve(t, p)).Integrations.ListIntegrations(t.Context(), &headracev1.ListIntegrationsRequest{})
	if status.Code(err) != codes.Unavailable || p.calls() != 4 {
		t.Errorf("%d attempts ended with %v, want 4 and UNAVAILABLE", p.calls(), err)
	}
}

func TestNothingElseIsRepeated(t *testing.T) {
	t.Parallel()
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		if code == codes.Unavailable {
			continue
		}
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			p := &peer{list: func(*headracev1.ListIntegrationsRequest) (*headracev1.ListIntegrationsResponse, error) {
				return nil, status.Error(code, "no")
			}}
			_, err := dial(t, serve(t, p)).Integrations.ListIntegrations(t.Context(), nil)
			if status.Code(err) != code || p.calls() != 1 {
				t.Errorf("%d attempts ended with %v, want 1 and %v", p.calls(), err, code)
			}
		})
	}
}

func (p *peer) calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests)
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	p := &peer{deploy: func(context.Context, *headracev1.DeployInstanceRequest) (*headracev1.DeployInstanceResponse, error) {
		return &headracev1.DeployInstanceResponse{}, nil
	}}
	c := dial(t, serve(t, p))
	mine := &headracev1.DeployInstanceRequest{InstanceId: "smith"}
	for range 2 {
		if _, err := c.Instances.DeployInstance(t.Context(), mine); err != nil {
			t.Fatal(err)
		}
	}
	for _, opts := range []client.DeployOptions{{RequestID: "chosen"}, {ValidateOnly: true}} {
		if _, err := c.Deploy(t.Context(), "smith", opts); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, req := range p.requests {
		got = append(got, req.(*headracev1.DeployInstanceRequest).GetRequestId())
	}
	if got[0] == "" || got[0] == got[1] {
		t.Errorf("two calls had the request ids %q and %q, want two different ones", got[0], got[1])
	}
	if got[2] != "chosen" || got[3] != "" {
		t.Errorf("chosen and validating calls had the request ids %q, want %q and none", got[2:], "chosen")
	}
	if mine.GetRequestId() != "" {
		t.Error("the caller's message was changed")
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	var left time.Duration
	p := &peer{deploy: func(ctx context.Context, _ *headracev1.DeployInstanceRequest) (*headracev1.DeployInstanceResponse, error) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return &headracev1.DeployInstanceResponse{}, nil
	}}
	target := serve(t, p)
	tests := []struct {
		name     string
		opts     []client.Option
		own      time.Duration // the caller's deadline, if any
		from, to time.Duration
	}{
		{"a call that runs flows waits for the longest deployment", nil, 0, 15 * time.Minute, 16 * time.Minute},
		{"an option bounds it", []client.Option{client.WithTimeout(time.Minute)}, 0, 50 * time.Second, time.Minute},
		{"the caller's own deadline stays", []client.Option{client.WithTimeout(time.Minute)}, 10 * time.Second, time.Second, 10 * time.Second},
	}
	for _, tt := range tests {
		ctx := t.Context()
		if tt.own > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, tt.own)
			defer cancel()
		}
		if _, err := dial(t, target, tt.opts...).Deploy(ctx, "smith", client.DeployOptions{}); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if left < tt.from || left > tt.to {
			t.Errorf("%s: %v were left, want %v to %v", tt.name, left, tt.from, tt.to)
		}
	}
}

func TestTokenOverPlainText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		target string
		safe   bool
	}{
		{"127.0.0.1:9090", true},
		{"127.8.8.8:9090", true},
		{"localhost:9090", true},
		{"LocalHost", true},
		{"[::1]:9090", true},
		{"::1", true},
		{"dns:///localhost:9090", true},
		{"dns:localhost:9090", true},
		{"passthrough:///127.0.0.1:9090", true},
		{"unix:/run/headrace.sock", true},
		{"unix:///run/headrace.sock", true},
		{"dns://192.0.2.1/localhost:9090", false},
		{"10.0.0.7:9090", false},
		{"0.0.0.0:9090", false},
		{"headrace.example.com:9090", false},
		{"localhost.example.com:9090", false},
		{"127.0.0.1.example.com:9090", false},
		{"dns:///headrace.example.com:9090", false},
		{"[2001:db8::1]:9090", false},
	}
	for _, tt := range tests {
		const token = "hr-0123456789"
		c, err := client.Dial(tt.target, client.WithToken(token))
		if (err == nil) != tt.safe {
			t.Errorf("%s: %v, want refused: %v", tt.target, err, !tt.safe)
		}
		if err != nil {
			if strings.Contains(err.Error(), token) {
				t.Errorf("%s: the error shows the token: %v", tt.target, err)
			}
			continue
		}
		if err := c.Close(); err != nil {
			t.Errorf("%s: close: %v", tt.target, err)
		}
	}
	for _, allowed := range [][]client.Option{
		{client.WithToken("t"), client.WithInsecure()},
		{client.WithToken("t"), client.WithTLS(nil)},
		{client.WithToken("")},
	} {
		dial(t, "headrace.example.com:9090", allowed...)
	}
}

func TestTokenOfUnsendableCharacters(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"two words", "line\n", "tab\t", "ümlaut"} {
		if _, err := client.Dial("localhost:9090", client.WithToken(token)); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("token %q: %v, want an error that does not show it", token, err)
		}
	}
}

func TestTokenTravels(t *testing.T) {
	t.Parallel()
	p := &peer{list: func(*headracev1.ListIntegrationsRequest) (*headracev1.ListIntegrationsResponse, error) {
		return &headracev1.ListIntegrationsResponse{}, nil
	}}
	if _, err := dial(t, serve(t, p), client.WithToken("hr-1")).Integrations.ListIntegrations(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Bearer hr-1"}, p.headers[0].Get("authorization")); diff != "" {
		t.Errorf("authorization (-want +got):\n%s", diff)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	certificate, file := authority(t)
	p := &peer{list: func(*headracev1.ListIntegrationsRequest) (*headracev1.ListIntegrationsResponse, error) {
		return &headracev1.ListIntegrationsResponse{}, nil
	}}
	target := serve(t, p, grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))

	c := dial(t, target, client.WithCA(file), client.WithToken("hr-1"))
	if _, err := c.Integrations.ListIntegrations(t.Context(), nil); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	_, err := dial(t, target, client.WithTLS(nil)).Integrations.ListIntegrations(t.Context(), nil)
	if !client.Unreachable(err) {
		t.Errorf("with the system's authorities: %v, want unreachable", err)
	}
}

func TestCAFile(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, filepath.Join(t.TempDir(), "absent.pem")} {
		if _, err := client.Dial("localhost:1", client.WithCA(file)); err == nil || !strings.Contains(err.Error(), filepath.Base(file)) {
			t.Errorf("%s: %v, want an error that names it", file, err)
		}
	}
}

// authority makes a certificate for 127.0.0.1 that signs itself, and a file with it.
func authority(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestPages(t *testing.T) {
	t.Parallel()
	pages := map[string]*headracev1.ListIntegrationsResponse{
		"":  {Integrations: named("a", "b"), NextPageToken: "2"},
		"2": {NextPageToken: "3"}, // a filter may leave nothing of a page
		"3": {Integrations: named("c")},
	}
	p := &peer{list: func(req *headracev1.ListIntegrationsRequest) (*headracev1.ListIntegrationsResponse, error) {
		if req.GetFilter() != "x" {
			return nil, status.Errorf(codes.InvalidArgument, "filter %q", req.GetFilter())
		}
		return pages[req.GetPageToken()], nil
	}}
	request := &headracev1.ListIntegrationsRequest{Filter: "x"}
	all := dial(t, serve(t, p)).AllIntegrations(t.Context(), request)
	for round := range 2 {
		var got []string
		for in, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, in.GetId())
		}
		if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
			t.Errorf("round %d (-want +got):\n%s", round, diff)
		}
	}
	if request.GetPageToken() != "" {
		t.Error("the caller's request was changed")
	}
	before := p.calls()
	for _, err := range all {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if got := p.calls() - before; got != 1 {
		t.Errorf("%d pages were asked for to see one item, want 1", got)
	}
}

func TestPagesEndWithAnError(t *testing.T) {
	t.Parallel()
	p := &peer{list: func(req *headracev1.ListIntegrationsRequest) (*headracev1.ListIntegrationsResponse, error) {
		if req.GetPageToken() == "" {
			return &headracev1.ListIntegrationsResponse{Integrations: named("a"), NextPageToken: "2"}, nil
		}
		return nil, status.Error(codes.InvalidArgument, "the page token is too old")
	}}
	var got []string
	for in, err := range dial(t, serve(t, p)).AllIntegrations(t.Context(), nil) {
		got = append(got, fmt.Sprint(in.GetId(), " ", status.Code(err)))
	}
	if diff := cmp.Diff([]string{"a OK", " InvalidArgument"}, got); diff != "" {
		t.Errorf("walked over (-want +got):\n%s", diff)
	}
}

func TestPagesNeverTurnInACircle(t *testing.T) {
	t.Parallel()
	p := &peer{list: func(*headracev1.ListIntegrationsRequest) (*headracev1.ListIntegrationsResponse, error) {
		return &headracev1.ListIntegrationsResponse{NextPageToken: "again"}, nil
	}}
	var last error
	for _, err := range dial(t, serve(t, p)).AllIntegrations(t.Context(), nil) {
		last = err
	}
	if last == nil || p.calls() != 2 {
		t.Errorf("%d pages, then %v, want an error at the second", p.calls(), last)
	}
}

func named(ids ...string) []*headracev1.Integration {
	var out []*headracev1.Integration
	for _, id := range ids {
		out = append(out, &headracev1.Integration{Id: id})
	}
	return out
}

func TestTail(t *testing.T) {
	t.Parallel()
	running := &headracev1.Execution{Id: "ex", State: headracev1.Execution_STATE_RUNNING}
	ended := &headracev1.Execution{Id: "ex", State: headracev1.Execution_STATE_FAILED}
	begin := &headracev1.TailExecutionResponse{Event: &headracev1.TailExecutionResponse_Execution{Execution: running}}
	step := &headracev1.TailExecutionResponse{Event: &headracev1.TailExecutionResponse_StepResult{StepResult: &headracev1.StepResult{Path: "trigger"}}}
	line := &headracev1.TailExecutionResponse{Event: &headracev1.TailExecutionResponse_Log{Log: &headracev1.Log{Message: "hello"}}}
	end := &headracev1.TailExecutionResponse{Event: &headracev1.TailExecutionResponse_Execution{Execution: ended}}
	unknown := &headracev1.TailExecutionResponse{}

	tests := []struct {
		name string
		sent []*headracev1.TailExecutionResponse
		fail error
		want []string
	}{
		{
			name: "to the end", sent: []*headracev1.TailExecutionResponse{begin, step, unknown, line, end},
			want: []string{"STATE_RUNNING", "trigger", "hello", "STATE_FAILED"},
		},
		{name: "cut off", sent: []*headracev1.TailExecutionResponse{begin, step}, want: []string{"STATE_RUNNING", "trigger", "unexpected EOF"}},
		{
			name: "refused", fail: status.Error(codes.NotFound, "no such execution"),
			want: []string{"no such execution"},
		},
		{
			name: "failing on the way", sent: []*headracev1.TailExecutionResponse{begin}, fail: status.Error(codes.ResourceExhausted, "too slow"),
			want: []string{"STATE_RUNNING", "too slow"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{tail: func(stream grpc.ServerStreamingServer[headracev1.TailExecutionResponse]) error {
				for _, message := range tt.sent {
					if err := stream.Send(message); err != nil {
						return err
					}
				}
				return tt.fail
			}}
			var got []string
			for event, err := range dial(t, serve(t, p)).Tail(t.Context(), "ex") {
				got = append(got, told(event, err))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func told(event client.Event, err error) string {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF.Error()
	case err != nil:
		return client.Message(err)
	case event.Execution != nil:
		return event.Execution.GetState().String()
	case event.StepResult != nil:
		return event.StepResult.GetPath()
	}
	return event.Log.GetMessage()
}

func TestLeavingATailEndsTheStream(t *testing.T) {
	t.Parallel()
	left := make(chan struct{})
	p := &peer{tail: func(stream grpc.ServerStreamingServer[headracev1.TailExecutionResponse]) error {
		err := stream.Send(&headracev1.TailExecutionResponse{
			Event: &headracev1.TailExecutionResponse_Log{Log: &headracev1.Log{Message: "hello"}},
		})
		<-stream.Context().Done()
		close(left)
		return err
	}}
	for _, err := range dial(t, serve(t, p)).Tail(t.Context(), "ex") {
		if err != nil {
			t.Error(err)
		}
		break
	}
	select {
	case <-left:
	case <-time.After(2 * time.Minute):
		t.Error("the stream goes on though nobody listens")
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p := &peer{deploy: func(ctx context.Context, _ *headracev1.DeployInstanceRequest) (*headracev1.DeployInstanceResponse, error) {
		if err := grpc.SetHeader(ctx, metadata.Pairs("x-request-id", "req_7")); err != nil {
			return nil, err
		}
		return nil, refusal(t, codes.FailedPrecondition, "config is incomplete",
			&errdetails.ErrorInfo{Reason: "CONFIG_INCOMPLETE", Domain: "headrace", Metadata: map[string]string{"instance": "smith"}},
			&errdetails.BadRequest_FieldViolation{Field: "configValues.progix-url", Reason: "REQUIRED", Description: "has no value"},
			&errdetails.BadRequest_FieldViolation{Field: "configValues.erp.apiKey", Reason: "REQUIRED", Description: "has no value"})
	}}
	_, err := dial(t, serve(t, p)).Deploy(t.Context(), "smith", client.DeployOptions{})
	err = fmt.Errorf("deploy smith: %w", err) // as a caller wraps it
	if got := client.ReasonOf(err); got != "CONFIG_INCOMPLETE" {
		t.Errorf("reason %q", got)
	}
	if got := client.ErrorInfo(err).GetMetadata()["instance"]; got != "smith" {
		t.Errorf("metadata %q", got)
	}
	if got := client.Message(err); got != "config is incomplete" {
		t.Errorf("message %q", got)
	}
	if got := client.RequestIDOf(err); got != "req_7" {
		t.Errorf("request id %q", got)
	}
	if client.Unreachable(err) {
		t.Error("unreachable, though it answered")
	}
	want := []client.Violation{
		{Field: "configValues.progix-url", Reason: "REQUIRED", Description: "has no value"},
		{Field: "configValues.erp.apiKey", Reason: "REQUIRED", Description: "has no value"},
	}
	if diff := cmp.Diff(want, client.Violations(err)); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestErrorsOfOthers(t *testing.T) {
	t.Parallel()
	proxy := refusal(t, codes.Unavailable, "bad gateway", &errdetails.ErrorInfo{Reason: "UPSTREAM", Domain: "proxy.example.com"})
	for _, err := range []error{nil, errors.New("local"), status.Error(codes.Internal, "boom"), proxy} {
		if got := client.ReasonOf(err); got != "" {
			t.Errorf("%v has the reason %q", err, got)
		}
		if got := client.Violations(err); len(got) > 0 {
			t.Errorf("%v has the violations %v", err, got)
		}
		if client.RequestIDOf(err) != "" {
			t.Errorf("%v has a request id", err)
		}
	}
	if !client.Unreachable(proxy) {
		t.Error("an UNAVAILABLE that no Headrace server gave must count as unreachable")
	}
	if got := client.Message(errors.New("local")); got != "local" {
		t.Errorf("message %q", got)
	}
	if got := client.Message(nil); got != "" {
		t.Errorf("message of nil %q", got)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := listener.Addr().String()
	conn, err := net.Dial("tcp", target) // keeps others from getting the port meanwhile
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	kept, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = dial(t, target).Integrations.ListIntegrations(t.Context(), nil)
	if !client.Unreachable(err) {
		t.Errorf("%v, want unreachable", err)
	}
}

func TestHelpersSend(t *testing.T) {
	t.Parallel()
	p := &peer{}
	c := dial(t, serve(t, p))
	component := &headracev1.Component{Id: "acme-erp", DisplayName: "Acme ERP"}
	if _, err := c.ApplyComponent(t.Context(), component); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ImportIntegration(t.Context(), "acme", "displayName: Acme"); err != nil {
		t.Fatal(err)
	}
	payload := &headracev1.TestPayload{Body: &headracev1.TestPayload_Text{Text: "hi"}}
	if _, err := c.TestFlow(t.Context(), "acme", "sync", client.TestOptions{Payload: payload, Save: true, RequestID: "once"}); err != nil {
		t.Fatal(err)
	}
	update := p.requests[0].(*headracev1.UpdateComponentRequest)
	if !update.GetAllowMissing() || !slices.Equal(update.GetUpdateMask().GetPaths(), []string{"*"}) || update.GetComponentId() != "acme-erp" {
		t.Errorf("applying asked for %v", update)
	}
	imported := p.requests[1].(*headracev1.ImportIntegrationRequest)
	if imported.GetIntegrationId() != "acme" || imported.GetDefinition() != "displayName: Acme" {
		t.Errorf("importing asked for %v", imported)
	}
	test := p.requests[2].(*headracev1.TestFlowRequest)
	if test.GetFlowId() != "sync" || test.GetPayload().GetText() != "hi" || !test.GetSavePayload() || test.GetRequestId() != "once" {
		t.Errorf("testing asked for %v", test)
	}
	if _, err := c.ApplyComponent(t.Context(), &headracev1.Component{DisplayName: "Acme"}); err == nil || p.calls() != 3 {
		t.Errorf("a component without id: %v after %d calls, want an error before the call", err, p.calls())
	}
}
