package client

import (
	"context"
	"crypto/rand"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// serviceConfig repeats a call on UNAVAILABLE only, three times at most: every other error would come again, or says that
// something has happened.
const serviceConfig = `{
	"methodConfig": [{
		"name": [{}],
		"retryPolicy": {
			"maxAttempts": 4,
			"initialBackoff": "0.2s",
			"maxBackoff": "2s",
			"backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}]
}`

const (
	// usual is how long a call may take that only reads or writes.
	usual = 30 * time.Second
	// running is how long a call may take that runs flows: the longest deployment, and a minute to undo it.
	running = 16 * time.Minute
)

// runs are the calls that run flows before they answer.
var runs = map[string]bool{
	headracev1.FlowService_TestFlow_FullMethodName:                  true,
	headracev1.InstanceService_DeployInstance_FullMethodName:        true,
	headracev1.InstanceService_RollbackInstance_FullMethodName:      true,
	headracev1.InstanceService_UndeployInstance_FullMethodName:      true,
	headracev1.InstanceService_DeleteInstance_FullMethodName:        true,
	headracev1.TestInstanceService_ResetTestInstance_FullMethodName: true,
	headracev1.IntegrationService_DeleteIntegration_FullMethodName:  true,
	headracev1.CleanupDebtService_RetryCleanupDebt_FullMethodName:   true,
}

// bounded gives a deadline to calls that have none.
func bounded(timeout time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if _, ok := ctx.Deadline(); !ok {
			limit := timeout
			if limit <= 0 {
				limit = usual
				if runs[method] {
					limit = running
				}
			}
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		return invoke(ctx, method, req, reply, conn, opts...)
	}
}

// identified gives a request id to changes that have none, so that a call whose answer was lost on the way can be repeated and
// still takes effect once. It stands above the repeating: all attempts carry the same id.
func identified(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if change, ok := req.(changing); ok && change.GetRequestId() == "" && !change.GetValidateOnly() && change.ProtoReflect().IsValid() {
		req = withText(change, "request_id", rand.Text())
	}
	return invoke(ctx, method, req, reply, conn, opts...)
}

// changing is a request that changes something.
type changing interface {
	proto.Message
	GetRequestId() string
	GetValidateOnly() bool
}

// withText returns a copy of a message with a text field set: the caller's message stays as it is.
func withText[M proto.Message](message M, field protoreflect.Name, text string) M {
	out := proto.CloneOf(message)
	reflected := out.ProtoReflect()
	reflected.Set(reflected.Descriptor().Fields().ByName(field), protoreflect.ValueOfString(text))
	return out
}

// requestIDHeader is where the server says under which id a call stands in its log.
const requestIDHeader = "x-request-id"

// traced keeps the id under which a failed call stands in the server's log with the error.
func traced(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	var header, trailer metadata.MD
	err := invoke(ctx, method, req, reply, conn, append(opts, grpc.Header(&header), grpc.Trailer(&trailer))...)
	if err == nil {
		return nil
	}
	ids := append(header.Get(requestIDHeader), trailer.Get(requestIDHeader)...)
	if len(ids) == 0 {
		return err
	}
	st, detailErr := status.Convert(err).WithDetails(&errdetails.RequestInfo{RequestId: ids[0]})
	if detailErr != nil {
		return err // the error itself matters more than its number
	}
	return st.Err()
}
