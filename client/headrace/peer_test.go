package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// peer is the far end of a connection. It answers every call with what a test gave it for the method, and keeps the requests.
type peer struct {
	answers map[string]any // by method: a response, or what makes one, or an error

	mu       sync.Mutex
	requests []proto.Message
}

// call takes every call there is: the peer needs no method of its own for any.
func (p *peer) call(_ any, stream grpc.ServerStream) error {
	full, _ := grpc.Method(stream.Context())
	method := full[strings.LastIndexByte(full, '/')+1:]
	request := requestOf(method)
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	p.mu.Lock()
	p.requests = append(p.requests, request)
	p.mu.Unlock()
	if err := stream.SetHeader(metadata.Pairs("x-request-id", "req-1")); err != nil {
		return err
	}
	switch answer := p.answers[method].(type) {
	case error:
		return answer
	case []proto.Message:
		for _, message := range answer {
			if err := stream.SendMsg(message); err != nil {
				return err
			}
		}
		return nil
	case func() proto.Message:
		return stream.SendMsg(answer())
	case proto.Message:
		return stream.SendMsg(answer)
	}
	return status.Errorf(codes.Unimplemented, "the test has no answer to %s", method)
}

// requestOf returns an empty request of a method: it is named after it.
func requestOf(method string) proto.Message {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("headrace.v1." + method + "Request"))
	if err != nil {
		panic("no request of " + method + ": " + err.Error())
	}
	return kind.New().Interface()
}

// headrace runs the program against a peer and returns what it leaves behind.
func headrace(t *testing.T, p *peer, input string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(p.call))
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		// Where nothing is sent the server may be stopped before it has begun.
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Errorf("serve: %v", err)
		}
	}()
	var out, errs bytes.Buffer
	args = append([]string{"--server", listener.Addr().String()}, args...)
	code = run(t.Context(), args, streams{in: strings.NewReader(input), out: &out, err: &errs})
	return code, out.String(), errs.String()
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// asked are the requests without the ids that differ from call to call.
func (p *peer) asked() []proto.Message {
	for _, request := range p.requests {
		message := request.ProtoReflect()
		if fd := message.Descriptor().Fields().ByName("request_id"); fd != nil {
			message.Clear(fd)
		}
	}
	return p.requests
}
