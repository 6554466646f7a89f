package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// Channel returns a way to the services within the process, with the same chain as the gRPC listener: what is refused there is refused
// here.
func (a *API) Channel() grpc.ClientConnInterface {
	channel := new(inprocgrpc.Channel).WithServerUnaryInterceptor(a.unaryChain()).WithServerStreamInterceptor(a.streamChain())
	a.register(channel)
	return channel
}

// gateway returns the REST face. It reaches the services through a channel in the process.
func (a *API) gateway() http.Handler {
	channel := a.Channel()
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &marshaler{JSONPb: &runtime.JSONPb{
			// Scalars, lists and maps are always there, so that strict clients need not tell absent from empty. Messages that are
			// not set are left out: null would be one more case, and they have no default.
			MarshalOptions:   protojson.MarshalOptions{EmitDefaultValues: true},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: false},
		}}),
		runtime.WithIncomingHeaderMatcher(incomingHeader),
		runtime.WithOutgoingHeaderMatcher(outgoingHeader),
		runtime.WithOutgoingTrailerMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithMetadata(requestMetadata),
		runtime.WithForwardResponseOption(etagHeader),
		runtime.WithErrorHandler(a.restError),
		runtime.WithRoutingErrorHandler(a.routingError),
		runtime.WithStreamErrorHandler(func(_ context.Context, err error) *status.Status { return withErrorInfo(status.Convert(err)) }),
		runtime.WithMiddlewares(a.checkRequest),
		// A form must not become a GET, nor a header another method.
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
		// Each variable is one segment: an escaped slash belongs to it.
		runtime.WithUnescapingMode(runtime.UnescapingModeAllExceptReserved),
	)
	registerGateway(mux, channel)
	return mux
}

func registerGateway(mux *runtime.ServeMux, channel grpc.ClientConnInterface) {
	ctx := context.Background() // The clients do not keep it.
	for _, err := range []error{
		pb.RegisterComponentServiceHandlerClient(ctx, mux, pb.NewComponentServiceClient(channel)),
		pb.RegisterIntegrationServiceHandlerClient(ctx, mux, pb.NewIntegrationServiceClient(channel)),
		pb.RegisterFlowServiceHandlerClient(ctx, mux, pb.NewFlowServiceClient(channel)),
		pb.RegisterConfigVariableServiceHandlerClient(ctx, mux, pb.NewConfigVariableServiceClient(channel)),
		pb.RegisterIntegrationVersionServiceHandlerClient(ctx, mux, pb.NewIntegrationVersionServiceClient(channel)),
		pb.RegisterTestInstanceServiceHandlerClient(ctx, mux, pb.NewTestInstanceServiceClient(channel)),
		pb.RegisterCustomerServiceHandlerClient(ctx, mux, pb.NewCustomerServiceClient(channel)),
		pb.RegisterInstanceServiceHandlerClient(ctx, mux, pb.NewInstanceServiceClient(channel)),
		pb.RegisterFlowKeyServiceHandlerClient(ctx, mux, pb.NewFlowKeyServiceClient(channel)),
		pb.RegisterDeploymentServiceHandlerClient(ctx, mux, pb.NewDeploymentServiceClient(channel)),
		pb.RegisterCleanupDebtServiceHandlerClient(ctx, mux, pb.NewCleanupDebtServiceClient(channel)),
		pb.RegisterUpgradeServiceHandlerClient(ctx, mux, pb.NewUpgradeServiceClient(channel)),
		pb.RegisterStateServiceHandlerClient(ctx, mux, pb.NewStateServiceClient(channel)),
		pb.RegisterExecutionServiceHandlerClient(ctx, mux, &tailClient{pb.NewExecutionServiceClient(channel)}),
	} {
		if err != nil {
			// The generated code returns nil always.
			panic("api: the gateway does not start: " + err.Error())
		}
	}
}

// marshaler names the type of streams, which is not that of one JSON value.
type marshaler struct{ *runtime.JSONPb }

// StreamContentType implements runtime.StreamContentType.
func (*marshaler) StreamContentType(any) string { return "application/x-ndjson" }

// tailClient waits for the first event before the answer begins, so that an error before it is an ordinary one.
type tailClient struct{ pb.ExecutionServiceClient }

func (c *tailClient) TailExecution(
	ctx context.Context, req *pb.TailExecutionRequest, opts ...grpc.CallOption,
) (grpc.ServerStreamingClient[pb.TailExecutionResponse], error) {
	stream, err := c.ExecutionServiceClient.TailExecution(ctx, req, opts...)
	if err != nil {
		return nil, err
	}
	first, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	return &begunStream{ServerStreamingClient: stream, first: first}, nil
}

// begunStream is a stream whose first message was read already.
type begunStream struct {
	grpc.ServerStreamingClient[pb.TailExecutionResponse]
	first *pb.TailExecutionResponse
}

func (s *begunStream) Recv() (*pb.TailExecutionResponse, error) {
	if first := s.first; first != nil {
		s.first = nil
		return first, nil
	}
	return s.ServerStreamingClient.Recv()
}

// incomingHeader is the list of headers that reach the services. All others stay outside, those that would set metadata first of all.
func incomingHeader(name string) (string, bool) {
	switch name = strings.ToLower(name); name {
	case idempotencyKeyHeader, ifMatchHeader:
		return name, true
	}
	return "", false
}

// outgoingHeader is the list of metadata that reach the callers.
func outgoingHeader(name string) (string, bool) {
	if name == requestIDHeader {
		return "X-Request-Id", true
	}
	return "", false
}

// requestMetadata tells the services that the gateway made the update mask from the body.
func requestMetadata(_ context.Context, r *http.Request) metadata.MD {
	query := r.URL.Query()
	if r.Method != http.MethodPatch || query.Get("update_mask") != "" || query.Get("updateMask") != "" {
		return nil
	}
	return metadata.Pairs(bodyMask, "1")
}

// etagHeader gives an answer the ETag of the resource it is, or holds.
func etagHeader(_ context.Context, w http.ResponseWriter, resp proto.Message) error {
	if resp == nil {
		return nil
	}
	message := resp.ProtoReflect()
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Message() == nil || fd.IsList() || fd.IsMap() || !message.Has(fd) {
			continue
		}
		resource := message.Get(fd).Message()
		tag := resource.Descriptor().Fields().ByName("etag")
		if tag != nil && tag.Kind() == protoreflect.StringKind && resource.Get(tag).String() != "" {
			w.Header().Set("ETag", `"`+resource.Get(tag).String()+`"`)
			return nil
		}
	}
	return nil
}

// httpError is an error with an HTTP status that its code does not have.
type httpError struct {
	*ipaas.Error
	code   codes.Code
	status int
}

// restError answers with an error as a google.rpc.Status in JSON.
func (a *API) restError(
	ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error,
) {
	if md, ok := runtime.ServerMetadataFromContext(ctx); ok {
		for _, id := range md.HeaderMD.Get(requestIDHeader) {
			w.Header().Set("X-Request-Id", id)
		}
	}
	writeStatus(w, withErrorInfo(status.Convert(err)), 0)
}

// refuse answers a request that reached no service.
func (a *API) refuse(w http.ResponseWriter, e httpError) {
	writeStatus(w, describe(e.code, e.Error), e.status)
}

// writeStatus writes a status; httpStatus 0 means the one that belongs to its code.
func writeStatus(w http.ResponseWriter, st *status.Status, httpStatus int) {
	if httpStatus == 0 {
		httpStatus = runtime.HTTPStatusFromCode(st.Code())
	}
	for _, detail := range st.Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			// Rounded up: who comes earlier comes in vain.
			seconds := int64(retry.GetRetryDelay().AsDuration().Seconds() + 0.999)
			w.Header().Set("Retry-After", strconv.FormatInt(max(seconds, 1), 10))
		}
	}
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(st.Proto())
	if err != nil {
		// A detail of a type that is not linked in; none of ours is.
		text = []byte(`{"code":13,"message":"internal error","details":[]}`)
		httpStatus = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(httpStatus)
	_, _ = w.Write(append(text, '\n')) // Who has hung up does not miss it.
}
