package webhook_test

import (
	"bufio"
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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/component/builtin"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/leaktest"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage/sqldb"
	"github.com/headrace/headrace/internal/storage/sqldb/sqldbtest"
	"github.com/headrace/headrace/server/webhook"
)

// Every goroutine of a handler and its plane ends with it.
func TestMain(m *testing.M) { leaktest.Main(m) }

// maxBody is the most bytes of a body in these tests.
const maxBody = 1 << 10

// face is the handler on a port, over a plane with a store on disk.
type face struct {
	t      *testing.T
	plane  *control.Plane
	store  *sqldb.DB
	server *httptest.Server
	client *http.Client
	logs   *bytes.Buffer
	gate   chan struct{} // steps of hold.wait pass when it is closed
	urls   map[string]string
}

// newFace serves an instance of a definition.
func newFace(t *testing.T, limits control.Limits, flows ...ipaas.Flow) *face {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	f := &face{t: t, client: &http.Client{Transport: &http.Transport{}}, logs: &bytes.Buffer{}, gate: make(chan struct{})}
	logger := slog.New(slog.NewTextHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelError}))
	dir := t.TempDir()
	keys, err := secret.OpenKeyFile(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(dir, "headrace.db")
	sqldbtest.Empty(t, database)
	if f.store, err = sqldb.OpenSQLite(ctx, database, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	handler := &webhook.Handler{Logger: logger, MaxBody: maxBody}
	mux := http.NewServeMux()
	mux.Handle(webhook.Prefix, handler)
	f.server = httptest.NewUnstartedServer(mux)
	public, err := url.Parse("http://" + f.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client, err := outbound.New(outbound.Options{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	f.plane, err = control.New(ctx, control.Options{
		Store: f.store, Keys: keys, Builtins: append(builtin.All(), hold(f.gate)), Client: client, PublicURL: public,
		Logger: slog.New(slog.DiscardHandler), Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler.Plane = f.plane
	f.server.Start()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- f.plane.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		f.client.CloseIdleConnections()
		client.CloseIdleConnections()
		f.server.Close()
		if err := f.store.Close(); err != nil {
			t.Error(err)
		}
	})
	f.deploy(flows)
	return f
}

// hold is a component whose step waits at a gate.
func hold(gate chan struct{}) *component.Component {
	return &component.Component{ID: "hold", Actions: []component.Action{{
		Action: ipaas.Action{Key: "wait"},
		Perform: func(ctx context.Context, _ component.Call) (component.Result, error) {
			select {
			case <-gate:
				return component.Result{Data: "passed"}, nil
			case <-ctx.Done():
				return component.Result{}, ctx.Err()
			}
		},
	}}}
}

func (f *face) deploy(flows []ipaas.Flow) {
	f.t.Helper()
	var m control.Mutation
	check := func(err error) {
		f.t.Helper()
		if err != nil {
			f.t.Fatal(err)
		}
	}
	_, err := f.plane.CreateIntegration(f.t.Context(), "one", ipaas.Definition{DisplayName: "One", Flows: flows}, m)
	check(err)
	_, err = f.plane.PublishIntegration(f.t.Context(), "one", "", m)
	check(err)
	_, err = f.plane.CreateCustomer(f.t.Context(), ipaas.Customer{ID: "c", DisplayName: "C"}, m)
	check(err)
	in := ipaas.Instance{ID: "one", DisplayName: "One", CustomerID: "c", IntegrationID: "one"}
	_, err = f.plane.CreateInstance(f.t.Context(), in, config.Change{}, m)
	check(err)
	result, err := f.plane.DeployInstance(f.t.Context(), "one", 0, m)
	check(err)
	f.urls = map[string]string{}
	for _, u := range result.URLs {
		f.urls[u.DisplayName] = u.URL
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are names and values in turn.
func (f *face) do(method, target string, body io.Reader, headers ...string) answer {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, target, body)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := f.client.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func flow(name string, synchronous bool, trigger map[string]ipaas.Input, steps ...ipaas.Step) ipaas.Flow {
	return ipaas.Flow{DisplayName: name, Synchronous: synchronous, Trigger: ipaas.Trigger{Inputs: trigger}, Steps: steps}
}

func stop(inputs map[string]ipaas.Input) ipaas.Step {
	return ipaas.Step{DisplayName: "Stop", Action: "stop-execution.stopExecution", Inputs: inputs}
}

func lit(v any) ipaas.Input { return ipaas.Literal(v) }

func ref(path string) ipaas.Input { return ipaas.Input{Kind: ipaas.InputReference, Text: path} }

func pairs(items ...string) ipaas.Input {
	in := ipaas.Input{Kind: ipaas.InputComplex}
	for i := 0; i < len(items); i += 2 {
		item := lit(items[i+1])
		item.Name = items[i]
		in.Items = append(in.Items, item)
	}
	return in
}

// mirror answers with one of the trigger's results.
func mirror(name, path string) ipaas.Flow {
	return flow(name, true, nil, stop(map[string]ipaas.Input{"jsonBody": ref("trigger.results." + path), "contentType": lit("text/plain")}))
}

// errorOf reads the JSON of an error.
func errorOf(t *testing.T, a answer) (message, reason string) {
	t.Helper()
	var e struct{ Error, Reason string }
	if a.header.Get("Content-Type") != "application/json" {
		t.Errorf("an error comes as %s", a.header.Get("Content-Type"))
	}
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || e.Error == "" {
		t.Errorf("an error reads %q: %v", a.body, err)
	}
	return e.Error, e.Reason
}

func TestRequestReachesTheFlowAsItIs(t *testing.T) {
	t.Parallel()
	f := newFace(t, control.Limits{}, mirror("Body", "rawBody.data"), mirror("Path", "pathFragment"), mirror("Query", "queryParameters.q"),
		mirror("Header", "headers.x-multi"), mirror("Method", "method"), mirror("Type", "body.contentType"))
	tests := []struct{ flow, method, suffix, body, want string }{
		{"Body", "POST", "", "{\"a\" : 1.0}\n", "{\"a\" : 1.0}\n"},
		{"Path", "POST", "/a/b%20c/d", "", "a/b c/d"},
		{"Path", "POST", "", "", ""},
		{"Path", "POST", "/%ff", "", "\ufffd"},
		{"Query", "GET", "?q=1&x=2", "", "1"},
		{"Header", "POST", "", "", "one, two"},
		{"Method", "PATCH", "", "", "PATCH"},
		{"Type", "POST", "", "x", "text/csv"},
	}
	for _, tt := range tests {
		got := f.do(tt.method, f.urls[tt.flow]+tt.suffix, strings.NewReader(tt.body), "X-Multi", "one", "X-Multi", "two", "Content-Type", "text/csv")
		if got.status != 200 || got.body != tt.want {
			t.Errorf("%s %s%s: answered %d %q, want %q", tt.method, tt.flow, tt.suffix, got.status, got.body, tt.want)
		}
		if id := got.header.Get("Headrace-Execution-Id"); !strings.HasPrefix(id, "exe-") {
			t.Errorf("%s: the execution is %q", tt.flow, id)
		}
	}
}

func TestEveryAnswerIsHarmlessInABrowser(t *testing.T) {
	t.Parallel()
	f := newFace(t, control.Limits{},
		flow("Page", true, nil, stop(map[string]ipaas.Input{"jsonBody": lit("<script>alert(1)</script>"), "contentType": lit("text/html"), "headers": pairs(
			"X-Own", "yes", "Set-Cookie", "a=b", "Content-Security-Policy", "none", "X-Content-Type-Options", "off", "Cache-Control", "max-age=5",
		)})),
		flow("Async", false, nil))
	page := f.do("GET", f.urls["Page"], nil)
	if page.status != 200 || page.header.Get("Content-Type") != "text/html" || page.header.Get("X-Own") != "yes" || page.header.Get("Cache-Control") != "max-age=5" {
		t.Errorf("answered %d with %v", page.status, page.header)
	}
	for _, a := range []answer{page, f.do("POST", f.urls["Async"], nil), f.do("POST", f.server.URL+"/hooks/nothing", nil)} {
		if got := a.header.Values("Content-Security-Policy"); !cmp.Equal(got, []string{"sandbox; default-src 'none'"}) {
			t.Errorf("%d: policy %v", a.status, got)
		}
		if got := a.header.Values("X-Content-Type-Options"); !cmp.Equal(got, []string{"nosniff"}) || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%d: headers %v", a.status, a.header)
		}
	}
	if got := f.do("POST", f.urls["Async"], nil).header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("an acknowledgement may be cached: %q", got)
	}
}

func TestStatusesOfWhatIsNotAccepted(t *testing.T) {
	t.Parallel()
	keyed, key := flow("Keyed", false, nil), ref("trigger.results.headers.x-event-id")
	keyed.DeduplicationKey = &key
	signed := flow("Signed", false, map[string]ipaas.Input{"hmacHeaderName": lit("X-Signature"), "secretKey": lit("key")})
	signed.Trigger.Type = "hash.hmacWebhookTrigger"
	f := newFace(t, control.Limits{MaxHeld: 1},
		flow("Async", false, nil), flow("Sync", true, nil), keyed, signed,
		flow("Meta", false, map[string]ipaas.Input{"handshake": lit("meta"), "verifyToken": lit("right")}),
		flow("Fail", true, nil, ipaas.Step{DisplayName: "Stop", Action: "stop-execution.stopExecution", Inputs: map[string]ipaas.Input{"statusCode": ref("trigger.results.body.data.status")}}))
	token := strings.TrimPrefix(f.urls["Async"], f.server.URL+"/hooks/")
	refuse := func(name string, a answer, status int, reason string) {
		t.Helper()
		_, got := errorOf(t, a)
		if a.status != status || got != reason {
			t.Errorf("%s: answered %d %s, want %d with reason %q", name, a.status, a.body, status, reason)
		}
		if strings.Contains(a.body, token) {
			t.Errorf("%s: the answer tells the token", name)
		}
	}
	for _, path := range []string{"", "x", strings.Repeat("a", 32), strings.ToUpper(token), token + "x", strings.Repeat("z", 4000), "%00", "%ff", token[:31] + "%2F"} {
		refuse("token "+path[:min(40, len(path))], f.do("POST", f.server.URL+"/hooks/"+path, nil), 404, "NOT_FOUND")
	}
	refuse("malformed JSON", f.do("POST", f.urls["Async"], strings.NewReader("{"), "Content-Type", "application/json"), 400, "MALFORMED_PAYLOAD")
	refuse("compressed body", f.do("POST", f.urls["Async"], strings.NewReader("x"), "Content-Encoding", "gzip"), 415, "UNSUPPORTED_MEDIA_TYPE")
	refuse("large body", f.do("POST", f.urls["Async"], strings.NewReader(strings.Repeat("x", maxBody+1))), 413, "PAYLOAD_TOO_LARGE")
	refuse("wrong verify token", f.do("GET", f.urls["Meta"]+"?hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=c", nil), 403, "TRIGGER_FAILED")
	refuse("no signature", f.do("POST", f.urls["Signed"], strings.NewReader("x")), 401, "TRIGGER_FAILED")
	refuse("wrong signature", f.do("POST", f.urls["Signed"], strings.NewReader("x"), "X-Signature", "00"), 401, "TRIGGER_FAILED")
	failed := f.do("POST", f.urls["Fail"], strings.NewReader(`{"status":99}`), "Content-Type", "application/json")
	if refuse("a flow that fails", failed, 400, "STEP_FAILED"); !strings.Contains(failed.body, `"executionId"`) {
		t.Errorf("a flow that fails: answered %s", failed.body)
	}
	if a := f.do("POST", f.urls["Async"], strings.NewReader(strings.Repeat("x", maxBody)), "Content-Encoding", "identity"); a.status != 200 {
		t.Errorf("a body of the most bytes: answered %d %s", a.status, a.body)
	}

	first := f.do("POST", f.urls["Keyed"], strings.NewReader("a"), "X-Event-Id", "1")
	if again := f.do("POST", f.urls["Keyed"], strings.NewReader("a"), "X-Event-Id", "1"); again.status != 200 || again.body != first.body {
		t.Errorf("an event that comes again: answered %d %s, at first %s", again.status, again.body, first.body)
	}
	refuse("another event with its key", f.do("POST", f.urls["Keyed"], strings.NewReader("b"), "X-Event-Id", "1"), 409, "DEDUPLICATION_KEY_REUSED")

	if _, err := f.plane.PauseInstance(t.Context(), "one", ipaas.PauseHold, control.Mutation{}); err != nil {
		t.Fatal(err)
	}
	if a := f.do("POST", f.urls["Async"], nil); a.status != 200 {
		t.Errorf("a paused instance answers %d %s", a.status, a.body)
	}
	full := f.do("POST", f.urls["Async"], nil)
	refuse("too many held", full, 429, "TOO_MANY_HELD")
	paused := f.do("POST", f.urls["Sync"], nil)
	refuse("synchronous while paused", paused, 503, "INSTANCE_PAUSED")
	if _, err := f.plane.PauseInstance(t.Context(), "one", ipaas.PauseRefuse, control.Mutation{}); err != nil {
		t.Fatal(err)
	}
	refused := f.do("POST", f.urls["Async"], nil)
	refuse("refused while paused", refused, 503, "INSTANCE_PAUSED")
	for _, a := range []answer{full, paused, refused} {
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%d: when to come again is not said", a.status)
		}
	}
	if _, err := f.plane.UndeployInstance(t.Context(), "one", control.Mutation{}); err != nil {
		t.Fatal(err)
	}
	refuse("undeployed", f.do("POST", f.urls["Async"], nil), 410, "INSTANCE_REMOVED")
	if f.logs.Len() != 0 {
		t.Errorf("what others did wrong was logged as ours: %s", f.logs)
	}
}

func TestHEADGetsHeadersOnly(t *testing.T) {
	t.Parallel()
	f := newFace(t, control.Limits{}, flow("Sync", true, nil, stop(map[string]ipaas.Input{"jsonBody": lit("long answer")})))
	if a := f.do("HEAD", f.urls["Sync"], nil); a.status != 200 || a.body != "" || a.header.Get("Headrace-Execution-Id") == "" {
		t.Errorf("answered %d %q with %v", a.status, a.body, a.header)
	}
	if a := f.do("HEAD", f.server.URL+"/hooks/nothing", nil); a.status != 404 || a.body != "" {
		t.Errorf("answered %d %q", a.status, a.body)
	}
}

func TestHandshakeIsAnsweredWithoutAnExecution(t *testing.T) {
	t.Parallel()
	f := newFace(t, control.Limits{}, flow("Slack", false, map[string]ipaas.Input{"handshake": lit("slack")}))
	a := f.do("POST", f.urls["Slack"], strings.NewReader(`{"type":"url_verification","challenge":"c-1"}`), "Content-Type", "application/json")
	if a.status != 200 || a.body != "c-1" || a.header.Get("Headrace-Execution-Id") != "" {
		t.Errorf("answered %d %q with %v", a.status, a.body, a.header)
	}
}

func TestPreferredWait(t *testing.T) {
	t.Parallel()
	f := newFace(t, control.Limits{SyncTimeout: 300 * time.Millisecond}, flow("Slow", true, nil, ipaas.Step{DisplayName: "Wait", Action: "hold.wait"}))
	for _, prefer := range []string{"wait=60000", "respond-async, wait=1", `WAIT="9"`, "wait=-1", "wait=x", ""} {
		a := f.do("POST", f.urls["Slow"], nil, "Prefer", prefer)
		if a.status != 504 || a.header.Get("Headrace-Execution-Id") == "" {
			t.Errorf("%q: answered %d", prefer, a.status)
		}
	}
	close(f.gate)
	if a := f.do("POST", f.urls["Slow"], nil, "Prefer", "wait=20"); a.status != 200 && a.status != 504 || a.status == 200 && a.body != "passed" {
		t.Errorf("answered %d %s", a.status, a.body)
	}
}

// TestACallerChoosesWhetherItWaits sends the headers by which a caller says so.
func TestACallerChoosesWhetherItWaits(t *testing.T) {
	t.Parallel()
	stop := ipaas.Step{DisplayName: "Stop", Action: "stop-execution.stopExecution", Inputs: map[string]ipaas.Input{
		"statusCode": ipaas.Literal("202"), "contentType": ipaas.Literal("text/csv"), "jsonBody": ipaas.Literal("a,b"),
	}}
	f := newFace(t, control.Limits{}, flow("Async", false, nil, stop), flow("Sync", true, nil, stop))
	for _, c := range []struct {
		flow, header, value string
		result              bool
	}{
		{"Async", "Prefer", "wait=20", true},
		{"Async", "Prefer", "respond-async", false},
		{"Async", "Prefer", "wait=0", false},
		{"Async", "Prismatic-Synchronous", "true", true},
		{"Async", "prismatic-synchronous", " TRUE ", true},
		{"Async", "prismatic-synchronous", "false", false},
		{"Async", "prismatic-synchronous", "maybe", false},
		{"Sync", "prismatic-synchronous", "false", false},
		{"Sync", "prismatic-synchronous", "maybe", true},
	} {
		a := f.do("POST", f.urls[c.flow], nil, c.header, c.value)
		result := a.status == 202 && a.body == "a,b" && a.header.Get("Content-Type") == "text/csv"
		if result != c.result || !result && a.status != 200 || a.header.Get("Headrace-Execution-Id") == "" {
			t.Errorf("%s with %s: %q: answered %d %q with %v", c.flow, c.header, c.value, a.status, a.body, a.header)
		}
	}
}

// TestStrangersCannotMakeTheServerRead sends headers only: an unknown token is answered before the body comes, and a body that is too
// long before it has come whole.
func TestStrangersCannotMakeTheServerRead(t *testing.T) {
	t.Parallel()
	f := newFace(t, control.Limits{}, flow("Async", false, nil))
	tests := []struct {
		target string
		sent   int
		status int
	}{
		{"/hooks/" + strings.Repeat("a", 32), 0, 404},
		{strings.TrimPrefix(f.urls["Async"], f.server.URL), maxBody + 1, 413},
	}
	for _, tt := range tests {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", f.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		send(t, conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n%s", tt.target, strings.Repeat("x", tt.sent))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if resp.StatusCode != tt.status {
			t.Errorf("%.20s: answered %d, want %d", tt.target, resp.StatusCode, tt.status)
		}
	}
}

func send(t *testing.T, conn io.Writer, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, format, args...); err != nil {
		t.Fatal(err)
	}
}

func TestBodyThatBreaksOffIsNotAccepted(t *testing.T) {
	t.Parallel()
	f := newFace(t, control.Limits{}, flow("Async", false, nil))
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", f.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send(t, conn, "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", strings.TrimPrefix(f.urls["Async"], f.server.URL))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("answered %d", resp.StatusCode)
	}
}

func TestStoreThatIsClosedIsUnavailable(t *testing.T) {
	t.Parallel()
	f := newFace(t, control.Limits{}, flow("Async", false, nil))
	handler := &webhook.Handler{Plane: f.plane, Logger: slog.New(slog.NewTextHandler(f.logs, nil))}
	store := f.store
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "POST", strings.TrimPrefix(f.urls["Async"], f.server.URL), nil))
	if rec.Code != 503 || rec.Header().Get("Retry-After") == "" {
		t.Errorf("a store that is closed: answered %d %s", rec.Code, rec.Body)
	}
}

func TestRepeatedHeadersOfAFlowAreAllSent(t *testing.T) {
	t.Parallel()
	f := newFace(t, control.Limits{}, flow("Links", true, nil, stop(map[string]ipaas.Input{"headers": pairs("Link", "<a>", "Cache-Control", "private", "Link", "<b>")})))
	a := f.do("GET", f.urls["Links"], nil)
	if !cmp.Equal(a.header.Values("Link"), []string{"<a>", "<b>"}) || !cmp.Equal(a.header.Values("Cache-Control"), []string{"private"}) {
		t.Errorf("answered with %v", a.header)
	}
}

// TestKeysAreAskedForBeforeABodyIsRead calls a flow that lets in only who has one of its keys, as a stranger, as a vandal and as a friend.
func TestKeysAreAskedForBeforeABodyIsRead(t *testing.T) {
	t.Parallel()
	f := newFace(t, control.Limits{},
		ipaas.Flow{DisplayName: "Keyed", Security: ipaas.SecurityCustomerRequired},
		ipaas.Flow{DisplayName: "Open", Security: ipaas.SecurityUnsecured},
	)
	const key = "a-key-that-the-caller-brought"
	if _, err := f.plane.CreateFlowKey(t.Context(), ipaas.FlowKey{InstanceID: "one", FlowID: "keyed"}, key, control.Mutation{}); err != nil {
		t.Fatal(err)
	}
	send := func(flow string, body io.Reader, keys ...string) (int, string, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.urls[flow], body)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			req.Header.Add("api-key", k)
		}
		resp, err := f.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text), resp.Header
	}
	flood := make([]string, 2000)
	for i := range flood {
		flood[i] = key
	}
	for _, tt := range []struct {
		name, flow string
		keys       []string
		want       int
	}{
		{"no key", "Keyed", nil, http.StatusUnauthorized},
		{"an empty key", "Keyed", []string{""}, http.StatusUnauthorized},
		{"a wrong key", "Keyed", []string{key + "x"}, http.StatusUnauthorized},
		{"two keys, one of them right", "Keyed", []string{key, key + "x"}, http.StatusUnauthorized},
		{"a flood of keys", "Keyed", flood, http.StatusUnauthorized},
		{"a long key", "Keyed", []string{strings.Repeat("k", 10_000)}, http.StatusUnauthorized},
		{"two in one", "Keyed", []string{key + ", " + key}, http.StatusUnauthorized},
		{"its key", "Keyed", []string{key}, http.StatusOK},
		{"no key where none is asked for", "Open", nil, http.StatusOK},
	} {
		status, body, header := send(tt.flow, strings.NewReader("{}"), tt.keys...)
		if status != tt.want {
			t.Errorf("%s: answered %d %s, want %d", tt.name, status, body, tt.want)
		}
		if tt.want == http.StatusUnauthorized && (!strings.Contains(body, "Api-Key") || !strings.Contains(body, `"reason":"API_KEY_REQUIRED"`) ||
			!strings.Contains(header.Get("WWW-Authenticate"), "Api-Key") || strings.Contains(body, key)) {
			t.Errorf("%s: answered %s %v", tt.name, body, header)
		}
	}
	// Who has no key is not read: a body over the limit, which would be 413, does not come so far.
	if status, body, _ := send("Keyed", strings.NewReader(strings.Repeat("x", maxBody+1))); status != http.StatusUnauthorized {
		t.Errorf("a large body without a key is answered %d %s", status, body)
	}
	if status, body, _ := send("Keyed", strings.NewReader(strings.Repeat("x", maxBody+1)), key); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body with a key is answered %d %s", status, body)
	}
}
