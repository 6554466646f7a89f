package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/headrace/headrace/internal/component/builtin"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage/sqldb"
	"github.com/headrace/headrace/internal/storage/sqldb/sqldbtest"
	"github.com/headrace/headrace/server/api"
)

// world is the API on real listeners, over a plane and a store of its own.
type world struct {
	plane *control.Plane
	api   *api.API
	http  *httptest.Server
	conn  *grpc.ClientConn
	logs  *syncBuffer
}

// syncBuffer is a buffer that the server writes and the test reads.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{logs: &syncBuffer{}}
	logger := slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	database := filepath.Join(t.TempDir(), "headrace.db")
	sqldbtest.Empty(t, database)
	store, err := sqldb.OpenSQLite(t.Context(), database, logger)
	must(t, err)
	keys, err := secret.OpenKeyFile(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	client, err := outbound.New(outbound.Options{AllowLoopback: true})
	must(t, err)
	plane, err := control.New(t.Context(), control.Options{
		Store: store, Keys: keys, Builtins: builtin.All(), Client: client, Logger: logger,
		PublicURL: &url.URL{Scheme: "https", Host: "hooks.example.com"},
	})
	must(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- plane.Run(ctx) }()
	w.plane = plane
	w.api = api.New(api.Options{Plane: plane, Store: store, Logger: logger, PageTokenKey: []byte("a key"), Version: "1.2.3"})
	w.listen(t)
	t.Cleanup(func() {
		stop()
		must(t, <-done)
		must(t, store.Close())
	})
	return w
}

func (w *world) listen(t testing.TB) {
	t.Helper()
	w.http = httptest.NewServer(w.api.Handler())
	t.Cleanup(w.http.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := w.api.GRPCServer()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		must(t, <-served)
	})
	w.conn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { must(t, w.conn.Close()) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A face calls an RPC: over gRPC, or over the REST binding that the protos give it.
type face func(t testing.TB, req proto.Message) (proto.Message, *status.Status)

// eachFace runs a story over both faces, each in a world of its own.
func eachFace(t *testing.T, story func(t *testing.T, call face)) {
	t.Helper()
	t.Run("grpc", func(t *testing.T) {
		t.Parallel()
		story(t, newWorld(t).overGRPC)
	})
	t.Run("rest", func(t *testing.T) {
		t.Parallel()
		story(t, newWorld(t).overREST)
	})
}

func rpcOf(t testing.TB, req proto.Message) protoreflect.MethodDescriptor {
	t.Helper()
	name := protoreflect.Name(strings.TrimSuffix(string(req.ProtoReflect().Descriptor().Name()), "Request"))
	var found protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("headrace.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			if m := file.Services().Get(i).Methods().ByName(name); m != nil {
				found = m
			}
		}
		return found == nil
	})
	if found == nil {
		t.Fatalf("there is no method for %T", req)
	}
	return found
}

func newMessage(t testing.TB, md protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	typ, err := protoregistry.GlobalTypes.FindMessageByName(md.FullName())
	must(t, err)
	return typ.New().Interface()
}

func (w *world) overGRPC(t testing.TB, req proto.Message) (proto.Message, *status.Status) {
	t.Helper()
	rpc := rpcOf(t, req)
	resp := newMessage(t, rpc.Output())
	err := w.conn.Invoke(t.Context(), fmt.Sprintf("/%s/%s", rpc.Parent().FullName(), rpc.Name()), req, resp)
	return resp, status.Convert(err)
}

func (w *world) overREST(t testing.TB, req proto.Message) (proto.Message, *status.Status) {
	t.Helper()
	rpc := rpcOf(t, req)
	rule, _ := proto.GetExtension(rpc.Options(), annotations.E_Http).(*annotations.HttpRule)
	rest := proto.Clone(req).ProtoReflect()
	fields := rpc.Input().Fields()
	verb, path := bindingOf(rule)
	for _, other := range rule.GetAdditionalBindings() {
		// The one whose path names what the request is about.
		if otherVerb, otherPath := bindingOf(other); otherVerb == verb && strings.Contains(path, "{instance_id}") &&
			rest.Get(fields.ByName("instance_id")).String() == "" && rest.Get(fields.ByName("integration_id")).String() != "" {
			rule, path = other, otherPath
		}
	}
	var body []byte
	if name := rule.GetBody(); name != "" && name != "*" {
		fd := fields.ByName(protoreflect.Name(name))
		if rest.Has(fd) {
			body = marshal(t, rest.Get(fd).Message().Interface())
		}
		rest.Clear(fd)
	}
	query := url.Values{}
	for i := range fields.Len() {
		fd := fields.Get(i)
		if place := "{" + string(fd.Name()) + "}"; strings.Contains(path, place) {
			path = strings.ReplaceAll(path, place, url.PathEscape(rest.Get(fd).String()))
			rest.Clear(fd)
			continue
		}
		if rule.GetBody() != "*" && rest.Has(fd) {
			query.Set(fd.JSONName(), queryText(t, rest, fd))
		}
	}
	if rule.GetBody() == "*" {
		body = marshal(t, rest.Interface())
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	answer, text := w.do(t, verb, path, body, nil)
	resp := newMessage(t, rpc.Output())
	if answer.StatusCode != http.StatusOK {
		return resp, statusFrom(t, text)
	}
	target := resp.ProtoReflect()
	if name := rule.GetResponseBody(); name != "" {
		target = target.Mutable(rpc.Output().Fields().ByName(protoreflect.Name(name))).Message()
	}
	if err := protojson.Unmarshal(text, target.Interface()); err != nil {
		t.Fatalf("%s %s answered what is no %s: %v\n%s", verb, path, target.Descriptor().Name(), err, text)
	}
	return resp, status.New(codes.OK, "")
}

func bindingOf(rule *annotations.HttpRule) (verb, path string) {
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, pattern.Get
	case *annotations.HttpRule_Post:
		return http.MethodPost, pattern.Post
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, pattern.Patch
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, pattern.Delete
	}
	return "", ""
}

// queryText is a field as it stands in a query. An update mask goes in the words of JSON.
func queryText(t testing.TB, m protoreflect.Message, fd protoreflect.FieldDescriptor) string {
	t.Helper()
	if fd.Enum() != nil {
		return string(fd.Enum().Values().ByNumber(m.Get(fd).Enum()).Name())
	}
	if mask, ok := m.Get(fd).Interface().(protoreflect.Message); ok && fd.Message().Name() == "FieldMask" {
		var paths []string
		list := mask.Get(fd.Message().Fields().ByName("paths")).List()
		for i := range list.Len() {
			paths = append(paths, list.Get(i).String())
		}
		return strings.Join(paths, ",")
	}
	if fd.Message() != nil {
		return strings.Trim(string(marshal(t, m.Get(fd).Message().Interface())), `"`)
	}
	return m.Get(fd).String()
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	text, err := protojson.Marshal(m)
	must(t, err)
	return text
}

// do makes an HTTP call and returns the answer and its body.
func (w *world) do(t testing.TB, verb, path string, body []byte, headers map[string]string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), verb, w.http.URL+path, bytes.NewReader(body))
	must(t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, text := range headers {
		req.Header.Set(name, text)
	}
	resp, err := w.http.Client().Do(req)
	must(t, err)
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	must(t, resp.Body.Close())
	return resp, text
}

// statusFrom reads a google.rpc.Status and checks what every error has.
func statusFrom(t testing.TB, text []byte) *status.Status {
	t.Helper()
	st := &spb.Status{}
	if err := protojson.Unmarshal(text, st); err != nil {
		t.Fatalf("the error is no google.rpc.Status: %v\n%s", err, text)
	}
	return status.FromProto(st)
}

func infoOf(st *status.Status) *errdetails.ErrorInfo {
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

func fieldsOf(st *status.Status) []string {
	var out []string
	for _, detail := range st.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				out = append(out, v.GetField()+" "+v.GetReason())
			}
		}
	}
	return out
}

// ok calls and expects an answer.
func ok[T proto.Message](t testing.TB, call face, req proto.Message) T {
	t.Helper()
	resp, st := call(t, req)
	if st.Code() != codes.OK {
		t.Fatalf("%T: %v %v", req, st, st.Details())
	}
	out, is := resp.(T)
	if !is {
		t.Fatalf("%T answered with %T", req, resp)
	}
	return out
}

// refused calls and expects an error with code, reason and the violations given.
func refused(t testing.TB, call face, req proto.Message, code codes.Code, reason string, violations ...string) *status.Status {
	t.Helper()
	_, st := call(t, req)
	info := infoOf(st)
	if st.Code() != code || info.GetReason() != reason || info.GetDomain() != "headrace" {
		t.Errorf("%T: %v %v, want %v with reason %s", req, st, st.Details(), code, reason)
		return st
	}
	if got := fieldsOf(st); strings.Join(got, "; ") != strings.Join(violations, "; ") {
		t.Errorf("%T: violations %q, want %q", req, got, violations)
	}
	return st
}

func decode(t testing.TB, text []byte) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("no JSON object: %v\n%s", err, text)
	}
	return out
}
