package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// TestEveryKindHasACode reads the kinds from the source, so that a new one is not forgotten here.
func TestEveryKindHasACode(t *testing.T) {
	t.Parallel()
	kinds := wordsOf(t, "../../internal/ipaas")["Kind"]
	if len(kinds) < 8 {
		t.Fatalf("found the kinds %v only", kinds)
	}
	for _, kind := range kinds {
		if _, ok := codeOf[ipaas.Kind(kind)]; !ok {
			t.Errorf("the kind %q has no code", kind)
		}
	}
	if len(codeOf) != len(kinds) {
		t.Errorf("the table has %d rows for %d kinds", len(codeOf), len(kinds))
	}
}

func TestStatusOf(t *testing.T) {
	t.Parallel()
	hidden := errors.New("password=hunter2")
	tests := []struct {
		name    string
		err     error
		code    codes.Code
		reason  string
		message string
		details int
		fault   bool
	}{
		{"absent", fmt.Errorf("get: %w", ipaas.Absent("customer", "a")), codes.NotFound, "NOT_FOUND", `customer "a" does not exist`, 1, false},
		{"gone", &ipaas.Error{Kind: ipaas.Gone, Reason: "INSTANCE_REMOVED", Message: "m"}, codes.NotFound, "INSTANCE_REMOVED", "m", 1, false},
		{"invalid", invalid(violation("display_name", ipaas.ReasonRequired, "is missing")), codes.InvalidArgument, "INVALID_ARGUMENT", "displayName: is missing", 2, false},
		{
			"precondition", &ipaas.Error{Kind: ipaas.Precondition, Reason: "CONFIG_INCOMPLETE", Message: "m", Violations: []ipaas.Violation{{Field: "x"}}},
			codes.FailedPrecondition, "CONFIG_INCOMPLETE", "m", 3, false,
		},
		{"unavailable", &ipaas.Error{Kind: ipaas.Unavailable, Reason: "INSTANCE_PAUSED", Message: "m"}, codes.Unavailable, "INSTANCE_PAUSED", "m", 2, false},
		{
			"exhausted", &ipaas.Error{Kind: ipaas.Exhausted, Reason: "TOO_MANY_HELD", Message: "m", RetryAfter: time.Minute, Err: hidden},
			codes.ResourceExhausted, "TOO_MANY_HELD", "m", 2, true,
		},
		{"an unknown kind", &ipaas.Error{Kind: "odd", Message: "secret"}, codes.Internal, "INTERNAL", "internal error", 1, true},
		{"anything else", hidden, codes.Internal, "INTERNAL", "internal error", 1, true},
		{"the caller left", fmt.Errorf("x: %w", context.Canceled), codes.Canceled, "CANCELED", "", 1, false},
		{"out of time", context.DeadlineExceeded, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "", 1, false},
		{"gRPC's own", status.Error(codes.Unimplemented, "no"), codes.Unimplemented, "UNKNOWN_METHOD", "no", 1, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			st, fault := statusOf(test.err, "req-1")
			info := errorInfo(st)
			if st.Code() != test.code || info.GetReason() != test.reason || info.GetDomain() != "headrace" || len(st.Details()) != test.details {
				t.Errorf("status %v %v", st, st.Details())
			}
			if test.message != "" && st.Message() != test.message {
				t.Errorf("message %q, want %q", st.Message(), test.message)
			}
			if (fault != nil) != test.fault {
				t.Errorf("to be logged: %v", fault)
			}
			if strings.Contains(st.String()+fmt.Sprint(st.Details()), "hunter2") {
				t.Error("the cause leaves the house")
			}
			if test.code == codes.Internal && info.GetMetadata()["request_id"] != "req-1" {
				t.Errorf("metadata %v", info.GetMetadata())
			}
		})
	}
}

func TestManyViolations(t *testing.T) {
	t.Parallel()
	var many []ipaas.Violation
	for i := range 250 {
		many = append(many, violation(fmt.Sprintf("a[%d].b_c", i), ipaas.ReasonMalformed, "bad \xff"))
	}
	st, _ := statusOf(invalid(many...), "")
	bad, _ := st.Details()[1].(*errdetails.BadRequest)
	if n := len(bad.GetFieldViolations()); n != maxViolations {
		t.Fatalf("%d violations", n)
	}
	if got := bad.GetFieldViolations()[0]; got.GetField() != "a[0].bC" || got.GetDescription() != "bad \uFFFD" {
		t.Errorf("first: %v", got)
	}
	if got := bad.GetFieldViolations()[maxViolations-1].GetDescription(); !strings.Contains(got, "151 more") {
		t.Errorf("last: %s", got)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"display_name": "displayName", "flows[2].test_payload": "flows[2].testPayload", `labels["a_b"].x_y`: `labels["a_b"].xY`,
		"labels.a_b": "labels.a_b", "config_values.my-id.json": "configValues.my-id.json", "inputs.a_b.name_from": "inputs.a_b.nameFrom",
		"inputs[0].display_name": "inputs[0].displayName", "alreadyCamel": "alreadyCamel", "": "", "config_values.`a.b_c`": "configValues.`a.b_c`",
	}
	for path, want := range tests {
		if got := restPath(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	if got := keyPath("labels", "a b"); got != `labels["a b"]` {
		t.Errorf("key: %s", got)
	}
	if got := parentPath(`flows[0].inputs["x"]`); got != "flows[0].inputs" {
		t.Errorf("parent: %s", got)
	}
}

// testAPI is an API whose log goes to lines.
func testAPI(lines *strings.Builder) *API {
	return New(Options{Logger: slog.New(slog.NewTextHandler(lines, nil))})
}

func TestPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	chain := testAPI(&lines).unaryChain()
	_, err := chain(t.Context(), &pb.GetCustomerRequest{CustomerId: "a"}, &grpc.UnaryServerInfo{FullMethod: "/headrace.v1.CustomerService/GetCustomer"},
		func(context.Context, any) (any, error) { panic("a bug") })
	st := status.Convert(err)
	if st.Code() != codes.Internal || st.Message() != "internal error" || errorInfo(st) == nil {
		t.Errorf("status %v", st)
	}
	log := lines.String()
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, "a bug") || !strings.Contains(log, "TestPanicIsAnInternalError") ||
		!strings.Contains(log, errorInfo(st).GetMetadata()["request_id"]) {
		t.Errorf("the log must name panic, stack and request in one line:\n%s", log)
	}
}

func TestOneLogLinePerCall(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	chain := testAPI(&lines).unaryChain()
	info := &grpc.UnaryServerInfo{FullMethod: "/headrace.v1.CustomerService/GetCustomer"}
	answer := func(err error) grpc.UnaryHandler {
		return func(context.Context, any) (any, error) { return &pb.GetCustomerResponse{}, err }
	}
	for _, err := range []error{nil, ipaas.Absent("customer", "a"), errors.New("the disk is gone")} {
		_, _ = chain(t.Context(), &pb.GetCustomerRequest{CustomerId: "a"}, info, answer(err))
	}
	_, err := chain(t.Context(), &pb.GetCustomerRequest{}, info, answer(nil))
	if got := status.Code(err); got != codes.InvalidArgument {
		t.Errorf("an empty id: %v", got)
	}
	got := strings.Split(strings.TrimSpace(lines.String()), "\n")
	for i, want := range []string{"code=OK", "code=NotFound", "the disk is gone", "code=InvalidArgument"} {
		if i >= len(got) || !strings.Contains(got[i], want) || !strings.Contains(got[i], "duration=") {
			t.Errorf("line %d lacks %q:\n%s", i, want, lines.String())
		}
	}
	if len(got) != 4 || !strings.Contains(got[2], "level=ERROR") || strings.Contains(got[1], "level=ERROR") {
		t.Errorf("log:\n%s", lines.String())
	}
}

func TestRulePathsBeginBelowTheBody(t *testing.T) {
	t.Parallel()
	err := newRules().check(&pb.UpdateFlowRequest{IntegrationId: "a", Flow: &pb.Flow{
		Steps: []*pb.Step{{Id: "a", Inputs: map[string]*pb.Input{"url": {}}}, {Id: "B"}},
	}})
	var ours *ipaas.Error
	if !errors.As(err, &ours) {
		t.Fatal(err)
	}
	var got []string
	for _, v := range ours.Violations {
		got = append(got, v.Field+" "+string(v.Reason))
	}
	slices.Sort(got)
	want := []string{"flowId REQUIRED", "steps[0].inputs.url REQUIRED", "steps[1].id MALFORMED"}
	if !slices.Equal(got, want) {
		t.Errorf("violations %q, want %q", got, want)
	}
}
