package api

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/headrace/headrace/internal/ipaas"
)

// Every call passes the same chain, whether it came over gRPC or over REST, unary or stream:
//
//	observe    gives the call an id; turns its error into a status; writes its one log line
//	recover    turns a panic into an error
//	prepare    moves headers into fields, drops what only the server sets
//	validate   checks the request against the rules in the protos
//
// observe is outermost, so that nothing escapes the log; recover stands right below it, so that a panic anywhere is an ordinary
// error; prepare comes before validate, because what it moves must be checked, too.
func (a *API) unaryChain() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		var resp any
		err := a.observe(ctx, info.FullMethod, func() error {
			return recovered(func() (err error) {
				if err = a.admit(ctx, req); err == nil {
					resp, err = handler(ctx, req)
				}
				return err
			})
		})
		if err != nil {
			return nil, err
		}
		return resp, nil
	}
}

func (a *API) streamChain() grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return a.observe(ss.Context(), info.FullMethod, func() error {
			return recovered(func() error { return handler(srv, &admittedStream{ServerStream: ss, api: a}) })
		})
	}
}

// admittedStream admits each message that comes in.
type admittedStream struct {
	grpc.ServerStream
	api *API
}

func (s *admittedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return s.api.admit(s.Context(), m)
}

// observe runs a call and tells what came of it: to the caller as a status, to the log as one line.
func (a *API) observe(ctx context.Context, method string, call func() error) error {
	requestID := ipaas.NewID("req")
	// It fails when the headers are sent, and no call begins with sent headers.
	_ = grpc.SetHeader(ctx, metadata.Pairs(requestIDHeader, requestID))
	begin := time.Now()
	err := call()
	st, fault := status.New(codes.OK, ""), error(nil)
	if err != nil {
		st, fault = statusOf(err, requestID)
	}
	level := slog.LevelInfo
	switch {
	case st.Code() == codes.Internal:
		level = slog.LevelError
	case isProbe(method) && st.Code() == codes.OK:
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("method", strings.TrimPrefix(method, "/")), slog.String("code", st.Code().String()),
		slog.Duration("duration", time.Since(begin)), slog.String("request", requestID),
	}
	if info := errorInfo(st); info != nil {
		attrs = append(attrs, slog.String("reason", info.GetReason()))
	}
	if fault != nil {
		attrs = append(attrs, slog.Any("error", fault))
	}
	a.logger.LogAttrs(ctx, level, "call", attrs...)
	return st.Err()
}

// requestIDHeader tells the caller the id under which a call stands in the log.
const requestIDHeader = "x-request-id"

// isProbe reports whether a method is asked again and again by machines that watch.
func isProbe(method string) bool {
	return strings.HasPrefix(method, "/grpc.health.") || strings.HasPrefix(method, "/grpc.reflection.")
}

// recovered turns a panic into an error that holds the stack.
func recovered(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return call()
}

// admit makes a request ready for its handler, or says what is wrong with it.
func (a *API) admit(ctx context.Context, req any) error {
	m, ok := req.(proto.Message)
	if !ok || m.ProtoReflect().Descriptor().ParentFile().Package() != "headrace.v1" {
		return nil
	}
	if err := prepare(ctx, m); err != nil {
		return err
	}
	return a.rules.check(m)
}

// unknownMethod answers calls of services and methods that there are not.
func unknownMethod(_ any, ss grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(ss)
	return describe(codes.Unimplemented, &ipaas.Error{
		Reason:  reasonUnknownMethod,
		Message: fmt.Sprintf("there is no method %s: list them with reflection, e.g. grpcurl … list", strings.TrimPrefix(method, "/")),
	}).Err()
}
