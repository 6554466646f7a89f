package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func TestRefusedByTheGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := map[string]string{"Content-Type": "multipart/form-data; boundary=x"}
	tests := []struct {
		name, verb, path, body string
		headers                map[string]string
		http                   int
		code                   codes.Code
		reason                 string
		says                   string
		violations             []string
	}{
		{"an unknown path", "GET", "/v1/nothing", "", nil, 404, codes.NotFound, "NOT_FOUND", "/v1/nothing", nil},
		{"outside of the API", "GET", "/nothing", "", nil, 404, codes.NotFound, "NOT_FOUND", "/nothing", nil},
		{"an unknown verb", "POST", "/v1/instances/a:explode", "", nil, 404, codes.NotFound, "NOT_FOUND", ":deploy", nil},
		{"a wrong method", "PUT", "/v1/customers/a", "{}", nil, 405, codes.Unimplemented, "METHOD_NOT_ALLOWED", "use GET or PATCH or DELETE", nil},
		{"one of our own methods as a GET", "GET", "/v1/instances/a:deploy", "", nil, 405, codes.Unimplemented, "METHOD_NOT_ALLOWED", "GET is not what /v1/instances/a:deploy takes: use POST", nil},
		{"one of a collection as a GET", "GET", "/v1/integrations:import", "", nil, 405, codes.Unimplemented, "METHOD_NOT_ALLOWED", "use POST", nil},
		{"a deletion of one of our own methods", "DELETE", "/v1/instances/a:pause", "", nil, 405, codes.Unimplemented, "METHOD_NOT_ALLOWED", "use POST", nil},
		{"an overridden method", "POST", "/v1/customers/a", "", map[string]string{"X-HTTP-Method-Override": "DELETE"}, 405, codes.Unimplemented, "METHOD_NOT_ALLOWED", "", nil},
		{"a form that would be a GET", "POST", "/v1/executions", "x=y", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 405, codes.Unimplemented, "METHOD_NOT_ALLOWED", "", nil},
		{
			"unknown fields", "POST", "/v1/customers", `{"displayNme":"A","x":{}}`, nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "field violations",
			[]string{"displayNme UNKNOWN_FIELD", "x UNKNOWN_FIELD"},
		},
		{
			"one unknown field", "POST", "/v1/customers", `{"displayNme":"A"}`, nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "did you mean displayName?",
			[]string{"displayNme UNKNOWN_FIELD"},
		},
		{"malformed JSON", "POST", "/v1/customers", `{"displayName":}`, nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "line 1", []string{"body MALFORMED"}},
		{"a wrong type", "POST", "/v1/customers", `{"displayName":7}`, nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "put it in quotes", []string{"displayName WRONG_TYPE"}},
		{"no body", "POST", "/v1/customers", "", nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "send it as the body", []string{"customer REQUIRED"}},
		{
			"body and query at once", "POST", "/v1/customers?validateOnly=maybe&colour=red", `{"x":1}`, nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "",
			[]string{"colour UNKNOWN_FIELD", "validateOnly WRONG_TYPE", "x UNKNOWN_FIELD"},
		},
		{"an unknown parameter", "GET", "/v1/customers?pagesize=3", "", nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "it has pageSize", []string{"pagesize UNKNOWN_FIELD"}},
		{"a parameter twice", "GET", "/v1/customers?pageSize=3&page_size=4", "", nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "", []string{"pageSize DUPLICATE"}},
		{
			"a parameter of a wrong type", "GET", "/v1/integrations?pageSize=many&view=HUGE", "", nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "",
			[]string{"pageSize WRONG_TYPE", "view WRONG_TYPE"},
		},
		{
			"a parameter beside a whole body", "POST", "/v1/instances/a:deploy?version=3", "{}", nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "send version in the body",
			[]string{"version UNKNOWN_FIELD"},
		},
		{"a malformed query", "GET", "/v1/customers?a=%zz", "", nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "escape", []string{"query MALFORMED"}},
		{"a path that is no number", "GET", "/v1/integrations/a/versions/x", "", nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "whole number", []string{"version WRONG_TYPE"}},
		{"a body where none is read", "DELETE", "/v1/customers/a", `{"etag":"x"}`, nil, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "send its fields in the query", []string{"body MISPLACED"}},
		{"another type", "POST", "/v1/customers", "x", form, 415, codes.InvalidArgument, "UNSUPPORTED_MEDIA_TYPE", "application/json", nil},
		{"compressed", "POST", "/v1/customers", "x", map[string]string{"Content-Encoding": "gzip"}, 415, codes.InvalidArgument, "UNSUPPORTED_MEDIA_TYPE", "gzip", nil},
		{"too large", "POST", "/v1/customers", `{"description":"` + strings.Repeat("x", 5<<20) + `"}`, nil, 413, codes.InvalidArgument, "PAYLOAD_TOO_LARGE", "4194304", nil},
		{"from another site", "POST", "/v1/customers", `{}`, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, codes.PermissionDenied, "CROSS_ORIGIN", "", nil},
		{
			"two keys", "POST", "/v1/customers?requestId=a", `{"displayName":"A"}`,
			map[string]string{"Idempotency-Key": "b"},
			400, codes.InvalidArgument, "INVALID_ARGUMENT",
			"send one of them",
			[]string{"requestId MALFORMED"},
		},
		{"two etags", "PATCH", "/v1/customers/a", `{"etag":"x"}`, map[string]string{"If-Match": `"y"`}, 400, codes.InvalidArgument, "INVALID_ARGUMENT", "", []string{"etag MALFORMED"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resp, text := w.do(t, test.verb, test.path, []byte(test.body), test.headers)
			st := statusFrom(t, text)
			if resp.StatusCode != test.http || st.Code() != test.code || infoOf(st).GetReason() != test.reason || infoOf(st).GetDomain() != "headrace" {
				t.Errorf("%d %s", resp.StatusCode, text)
			}
			if !strings.Contains(string(text), test.says) {
				t.Errorf("%s does not say %q", text, test.says)
			}
			if got := fieldsOf(st); test.violations != nil && !slices.Equal(got, test.violations) {
				t.Errorf("violations %q, want %q", got, test.violations)
			}
			if resp.StatusCode == 405 && resp.Header.Get("Allow") == "" {
				t.Error("no Allow header")
			}
			if resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("type %q", resp.Header.Get("Content-Type"))
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := map[string]string{"Idempotency-Key": "k1"}
	resp, first := w.do(t, "POST", "/v1/customers", []byte(`{"displayName":"A"}`), key)
	tag := resp.Header.Get("ETag")
	if resp.StatusCode != 200 || tag != `"`+decode(t, first)["etag"].(string)+`"` || resp.Header.Get("X-Request-Id") == "" {
		t.Fatalf("%d %v\n%s", resp.StatusCode, resp.Header, first)
	}
	if _, second := w.do(t, "POST", "/v1/customers", []byte(`{"displayName":"A"}`), key); decode(t, second)["id"] != decode(t, first)["id"] {
		t.Errorf("the same key gave another customer: %s", second)
	}
	path := "/v1/customers/" + decode(t, first)["id"].(string)
	if resp, text := w.do(t, "PATCH", path, []byte(`{"displayName":"B"}`), map[string]string{"If-Match": "W/" + tag}); resp.StatusCode != 200 {
		t.Errorf("its own etag, made weak by a proxy: %s", text)
	}
	resp, text := w.do(t, "PATCH", path, []byte(`{"displayName":"C"}`), map[string]string{"If-Match": tag})
	if resp.StatusCode != 409 || infoOf(statusFrom(t, text)).GetReason() != "STALE_ETAG" || resp.Header.Get("X-Request-Id") == "" {
		t.Errorf("a stale etag: %d %s", resp.StatusCode, text)
	}
	if resp, text := w.do(t, "DELETE", path, nil, map[string]string{"If-Match": tag}); resp.StatusCode != 409 {
		t.Errorf("deleting with a stale etag: %s", text)
	}
	if resp, text := w.do(t, "DELETE", path, nil, map[string]string{"If-Match": "*"}); resp.StatusCode != 200 || strings.TrimSpace(string(text)) != "{}" {
		t.Errorf("deleting whatever is there: %d %s", resp.StatusCode, text)
	}
}

func TestMetadataCannotBeSetFromOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, created := w.do(t, "POST", "/v1/customers", []byte(`{"displayName":"A"}`), map[string]string{
		"Grpc-Metadata-Idempotency-Key": "k", "Grpc-Metadata-Headrace-Body-Mask": "1",
	})
	_, again := w.do(t, "POST", "/v1/customers", []byte(`{"displayName":"A"}`), map[string]string{"Grpc-Metadata-Idempotency-Key": "k"})
	if decode(t, created)["id"] == decode(t, again)["id"] {
		t.Error("a Grpc-Metadata header became metadata")
	}
}

func TestJSONOfAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, text := w.do(t, "POST", "/v1/customers?validate_only=true", []byte(`{"display_name":"A"}`), map[string]string{"Content-Type": "text/plain"})
	got := decode(t, text)
	for _, name := range []string{"displayName", "externalId", "labels", "etag", "createTime"} {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is missing: %s", name, text)
		}
	}
	resp, text := w.do(t, "GET", "/v1/customers", nil, nil)
	if resp.StatusCode != 200 || decode(t, text)["customers"] == nil {
		t.Errorf("an empty list: %s", text)
	}
	if resp, text := w.do(t, "HEAD", "/v1/customers", nil, nil); resp.StatusCode != 200 || len(text) != 0 {
		t.Errorf("HEAD: %d", resp.StatusCode)
	}
}

func TestPatchByKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(t, "POST", "/v1/integrations", []byte(`{"id":"a","displayName":"A","description":"d","documentation":"long"}`), nil)
	_, basic := w.do(t, "GET", "/v1/integrations/a?view=VIEW_BASIC", nil, nil)
	changed := decode(t, basic)
	changed["description"] = ""
	body, err := json.Marshal(changed)
	must(t, err)
	resp, text := w.do(t, "PATCH", "/v1/integrations/a", body, nil)
	got := decode(t, text)
	if resp.StatusCode != 200 || got["description"] != "" || got["documentation"] != "long" || len(got["flows"].([]any)) != 1 {
		t.Errorf("a BASIC view sent back with one change: %d %s", resp.StatusCode, text)
	}
	resp, text = w.do(t, "PATCH", "/v1/integrations/a?updateMask=documentation", []byte(`{}`), nil)
	if resp.StatusCode != 200 || decode(t, text)["documentation"] != "" {
		t.Errorf("a mask: %d %s", resp.StatusCode, text)
	}
}

func TestProbesAndPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, contentType := range map[string]string{
		"/": "text/html; charset=utf-8", "/api-page/page.js": "text/javascript; charset=utf-8", "/api-page/page.css": "text/css; charset=utf-8",
		"/api-page/icon.svg": "image/svg+xml", "/openapi.json": "application/json", "/healthz": "text/plain; charset=utf-8", "/readyz": "text/plain; charset=utf-8",
	} {
		resp, text := w.do(t, "GET", path, nil, nil)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != contentType || len(text) == 0 {
			t.Errorf("%s: %d %s, %d bytes", path, resp.StatusCode, resp.Header.Get("Content-Type"), len(text))
		}
		if policy := resp.Header.Get("Content-Security-Policy"); (path == "/" || strings.HasPrefix(path, "/api-page")) && !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	_, page := w.do(t, "GET", "/", nil, nil)
	for _, forbidden := range []string{"http://", "https://", "style=", "onclick", "<script>"} {
		if strings.Contains(string(page), forbidden) {
			t.Errorf("the page holds %q, which its policy forbids", forbidden)
		}
	}
	_, document := w.do(t, "GET", "/openapi.json", nil, nil)
	info, _ := decode(t, document)["info"].(map[string]any)
	if info["title"] != "Headrace API" || info["version"] != "1.2.3" {
		t.Errorf("info %v", info)
	}
	w.api.Drain()
	if resp, body := w.do(t, "GET", "/readyz", nil, nil); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "SHUTTING_DOWN") {
		t.Errorf("draining, but ready: %d %s", resp.StatusCode, body)
	}
	if resp, _ := w.do(t, "GET", "/healthz", nil, nil); resp.StatusCode != http.StatusOK {
		t.Errorf("draining, and not alive: %d", resp.StatusCode)
	}
}

func TestHealthAndReflection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	health := healthpb.NewHealthClient(w.conn)
	for _, service := range []string{"", "headrace.v1.CustomerService", "headrace.v1.InstanceService"} {
		resp, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || resp.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v %v", service, resp, err)
		}
	}
	stream, err := reflectionpb.NewServerReflectionClient(w.conn).ServerReflectionInfo(t.Context())
	must(t, err)
	must(t, stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}))
	listed, err := stream.Recv()
	must(t, err)
	must(t, stream.CloseSend())
	ours := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("headrace.v1", func(file protoreflect.FileDescriptor) bool {
		ours += file.Services().Len()
		return true
	})
	if n := len(listed.GetListServicesResponse().GetService()); n != ours+3 { // and health, and reflection twice
		t.Errorf("%d services: %v", n, listed)
	}
	err = w.conn.Invoke(t.Context(), "/headrace.v1.CustomerService/Explode", &pb.GetCustomerRequest{}, &pb.GetCustomerResponse{})
	if st := status.Convert(err); st.Code() != codes.Unimplemented || infoOf(st).GetReason() != "UNKNOWN_METHOD" {
		t.Errorf("an unknown method: %v %v", st, st.Details())
	}
	w.api.Drain()
	resp, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || resp.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("draining: %v %v", resp, err)
	}
}

func TestCallerGoneOrLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	_, err := pb.NewCustomerServiceClient(w.conn).GetCustomer(ctx, &pb.GetCustomerRequest{CustomerId: "a"})
	if got := status.Code(err); got != codes.DeadlineExceeded {
		t.Errorf("late: %v", got)
	}
	resp, text := w.do(t, "GET", "/v1/customers/a", nil, map[string]string{"Grpc-Timeout": "1n"})
	if st := statusFrom(t, text); resp.StatusCode != 504 || st.Code() != codes.DeadlineExceeded || infoOf(st).GetReason() != "DEADLINE_EXCEEDED" {
		t.Errorf("late over REST: %d %s", resp.StatusCode, text)
	}
}
