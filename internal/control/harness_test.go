package control_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/component/builtin"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/storage/sqldb"
	"github.com/headrace/headrace/internal/storage/sqldb/sqldbtest"
)

// world is a plane with its worker over a store on disk, the address at which its hooks are reached, and an ERP to integrate with.
type world struct {
	*control.Plane
	t       testing.TB
	dir     string
	store   *sqldb.DB
	limits  control.Limits
	logs    *logBuffer
	probe   *probe
	scripts component.Scripts                 // nil: no code is run
	alter   func(*component.Action)           // of the built-in components, before they are registered; nil: nothing is altered
	wrap    func(storage.Store) storage.Store // between the plane and its store; nil: nothing
	cutter  atomic.Pointer[cutter]            // between the plane and the ERP; nil: nothing
	ahead   atomic.Int64                      // how much more time has passed for the plane, in nanoseconds
	moved   atomic.Int64                      // how far its clock was moved besides, in nanoseconds

	erp     *fake.ERP
	erpURL  string
	erpKeys atomic.Pointer[string]   // that the ERP admits
	slow    atomic.Int64             // what a DELETE at the ERP takes by the plane's clock, in nanoseconds
	upserts atomic.Pointer[sameness] // the ERP answers a creation with the webhook that is the same, as it was asked for; nil: never

	hooks   *httptest.Server
	current *atomic.Pointer[control.Plane] // that the hooks are of: the one that was started last, twins included
	client  *http.Client
	stop    func()
}

const erpKey = "canary-erp-key-7d1f"

// newWorld opens a world whose worker runs until the end of the test.
func newWorld(t testing.TB, limits ...control.Limits) *world {
	t.Helper()
	w := bareWorld(t, t.TempDir(), limits...)
	sqldbtest.Empty(t, filepath.Join(w.dir, "headrace.db"))
	w.erp = fake.NewERP(erpKey)
	w.changeKey(erpKey)
	erp := httptest.NewServer(http.HandlerFunc(w.serveERP))
	w.erpURL = erp.URL
	t.Cleanup(func() {
		w.erp.Close()
		erp.Close()
	})
	w.listen()
	w.start()
	return w
}

func bareWorld(t testing.TB, dir string, limits ...control.Limits) *world {
	t.Helper()
	w := &world{
		t: t, dir: dir, logs: &logBuffer{}, probe: newProbe(), client: &http.Client{Transport: &http.Transport{}},
		current: &atomic.Pointer[control.Plane]{},
	}
	if len(limits) > 0 {
		w.limits = limits[0]
	}
	if w.limits.Unrecorded == 0 {
		w.limits.Unrecorded = time.Hour // how many writes there are is then the same on each machine
	}
	if w.limits.SyncTimeout == 0 {
		w.limits.SyncTimeout = patience()
	}
	if w.limits.CutWithin == 0 {
		w.limits.CutWithin = patience()
	}
	if w.limits.LookAgain == nil {
		w.limits.LookAgain = []time.Duration{time.Millisecond, 10 * time.Millisecond}
	}
	t.Cleanup(w.client.CloseIdleConnections)
	return w
}

// listen opens the address of the hooks, which outlives restarts.
func (w *world) listen() {
	w.hooks = httptest.NewServer(http.HandlerFunc(w.serveHook))
	w.t.Cleanup(w.hooks.Close)
}

// start opens the store and starts the plane's work.
func (w *world) start() {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	logger := slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	keys, err := secret.OpenKeyFile(filepath.Join(w.dir, "keys"))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.store, err = sqldb.OpenSQLite(ctx, filepath.Join(w.dir, "headrace.db"), logger); err != nil {
		w.t.Fatal(err)
	}
	public, err := url.Parse(w.hooks.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	client, err := outbound.New(outbound.Options{AllowLoopback: true, SelfHooksURL: w.hooks.URL + "/hooks/"})
	if err != nil {
		w.t.Fatal(err)
	}
	var between storage.Store = w.store
	if w.wrap != nil {
		between = w.wrap(w.store)
	}
	builtins := append(builtin.All(), w.probe.component())
	if w.alter != nil {
		for _, c := range builtins {
			for i := range c.Actions {
				w.alter(&c.Actions[i])
			}
		}
	}
	begun, ahead := time.Now(), time.Duration(w.ahead.Load())
	w.Plane, err = control.New(ctx, control.Options{
		Store: between, Keys: keys, Builtins: builtins, Client: client, Scripts: w.scripts,
		PublicURL: public, Logger: logger,
		Now:     func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load() + w.moved.Load())) },
		Elapsed: func() time.Duration { return time.Since(begun) + time.Duration(w.ahead.Load()) - ahead },
		Limits:  w.limits,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.current.Store(w.Plane)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	plane, store := w.Plane, w.store
	go func() { ended <- plane.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the worker ended with: %v", err)
		}
		client.CloseIdleConnections()
		if err := store.Close(); err != nil {
			w.t.Errorf("close the store: %v", err)
		}
	})
	w.t.Cleanup(w.stop)
}

// restart stops the world in good order and opens it again.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// crashCopy returns a world that finds on disk what this one left there at this moment, as after kill -9. This one goes on.
func (w *world) crashCopy() *world {
	w.t.Helper()
	twin := bareWorld(w.t, w.t.TempDir(), w.limits)
	twin.erp, twin.erpURL, twin.hooks, twin.current = w.erp, w.erpURL, w.hooks, w.current
	twin.ahead.Store(w.ahead.Load())
	defer w.holdLog()()
	files, err := os.ReadDir(w.dir) // by name: the file before its log
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "-shm") || strings.HasSuffix(f.Name(), "lock") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(w.dir, f.Name()))
		if err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(twin.dir, f.Name()), data, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	return twin
}

// holdLog keeps the store, which brings its log into the file and empties it when nobody writes, from doing so until stop is called: who
// copies the file and then the log would else have neither of what was written last.
func (w *world) holdLog() (stop func()) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "headrace.db")+"?mode=ro")
	if err != nil {
		w.t.Fatal(err)
	}
	var n int
	reading, err := db.BeginTx(w.t.Context(), nil)
	if err == nil {
		err = reading.QueryRowContext(w.t.Context(), `SELECT count(*) FROM customers`).Scan(&n) // only now it reads
	}
	if err != nil {
		w.t.Fatal(errors.Join(err, db.Close()))
	}
	return func() {
		if err := errors.Join(reading.Rollback(), db.Close()); err != nil {
			w.t.Error(err)
		}
	}
}

// serveERP is the ERP under the key that it admits at the moment.
func (w *world) serveERP(rw http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		w.ahead.Add(w.slow.Load())
	}
	if r.Header.Get("X-Api-Key") == *w.erpKeys.Load() {
		r.Header.Set("X-Api-Key", erpKey)
	} else {
		r.Header.Del("X-Api-Key")
	}
	var erp http.Handler = w.erp
	if same := w.upserts.Load(); same != nil && r.Method == http.MethodPost && r.URL.Path == "/api/webhooks" {
		erp = upserting{w.erp, *same}
	}
	if c := w.cutter.Load(); c != nil {
		c.serve(erp, rw, r)
		return
	}
	erp.ServeHTTP(rw, r)
}

// changeKey has the ERP admit another key instead.
func (w *world) changeKey(key string) { w.erpKeys.Store(&key) }

// serveHook is as much of the webhook face as the plane needs to be called back.
func (w *world) serveHook(rw http.ResponseWriter, r *http.Request) {
	token, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/hooks/"), "/")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	payload := ipaas.Payload{Method: r.Method, Path: path, ContentType: r.Header.Get("Content-Type"), Body: body}
	for name, texts := range r.Header {
		for _, text := range texts {
			payload.Headers = append(payload.Headers, ipaas.NamedText{Name: name, Text: text})
		}
	}
	for name, texts := range r.URL.Query() {
		for _, text := range texts {
			payload.Query = append(payload.Query, ipaas.NamedText{Name: name, Text: text})
		}
	}
	reply, err := w.current.Load().ReceiveWebhook(r.Context(), token, payload, control.Preferences{})
	if err != nil {
		status := http.StatusInternalServerError
		switch {
		case errors.Is(err, ipaas.NotFound):
			status = http.StatusNotFound
		case errors.Is(err, ipaas.Gone):
			status = http.StatusGone
		case errors.Is(err, ipaas.Unavailable):
			status = http.StatusServiceUnavailable
		}
		http.Error(rw, err.Error(), status)
		return
	}
	for _, h := range reply.Response.Headers {
		rw.Header().Set(h.Name, h.Text)
	}
	rw.WriteHeader(reply.Response.Status)
	_, _ = rw.Write(reply.Response.Body) // the caller may have gone
}

// call sends a request to a hook over HTTP and returns the status and the body of the answer.
func (w *world) call(method, hook, contentType, body string) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, hook, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// receive hands a JSON event to the hook of a URL.
func (w *world) receive(hook, json string) (control.Reply, error) {
	return w.ReceiveWebhook(w.t.Context(), tokenOf(hook), jsonPayload(json), control.Preferences{})
}

// accepted is receive for an event that must be accepted; it returns the id of the execution.
func (w *world) accepted(hook, json string) string {
	w.t.Helper()
	reply, err := w.receive(hook, json)
	if err != nil {
		w.t.Fatalf("event %s: %v", json, err)
	}
	if reply.Response.Status != 200 || reply.ExecutionID == "" {
		w.t.Fatalf("event %s: answered %d %s", json, reply.Response.Status, reply.Response.Body)
	}
	return reply.ExecutionID
}

func jsonPayload(json string) ipaas.Payload {
	return ipaas.Payload{Method: "POST", ContentType: "application/json", Body: []byte(json)}
}

func tokenOf(hook string) string { return hook[strings.LastIndexByte(hook, '/')+1:] }

// ended waits for the end of an execution.
func (w *world) ended(id string) ipaas.Execution {
	w.t.Helper()
	var ex ipaas.Execution
	w.eventually("execution "+id+" ends", func() bool {
		var err error
		if ex, err = w.store.GetExecution(w.t.Context(), id); err != nil {
			w.t.Fatal(err)
		}
		return ex.State.Ended()
	})
	return ex
}

// succeeded waits for the end of an execution, which must be a good one.
func (w *world) succeeded(id string) ipaas.Execution {
	w.t.Helper()
	ex := w.ended(id)
	if ex.State != ipaas.ExecutionSucceeded {
		w.t.Fatalf("execution %s ended %s: %+v", id, ex.State, ex.Error)
	}
	return ex
}

// eventually waits until something holds.
func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience())
	for {
		began := time.Now()
		if holds() {
			return
		}
		if began.After(deadline) {
			w.t.Fatalf("waited in vain until %s\n%s", what, w.logs)
		}
		// A look that takes long comes less often: it takes its time from what is waited for.
		time.Sleep(max(5*time.Millisecond, 2*time.Since(began)))
	}
}

// patience is how long is waited for what will not come: only a test that fails takes so long. Under the race detector all is many times
// slower, and machines are busy.
func patience() time.Duration {
	if underRace {
		return 2 * time.Minute
	}
	return time.Minute
}

// steps returns the step results of an execution, which are not many.
func (w *world) steps(executionID string) []ipaas.StepResult {
	w.t.Helper()
	steps, more, err := w.StepResults(w.t.Context(), executionID, 0, 1000)
	if err != nil || more {
		w.t.Fatalf("the step results of %s: more %v, %v", executionID, more, err)
	}
	return steps
}

// must returns v, and ends the test if there is an error.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v (%+v)", err, violationsOf(err))
		}
		return v
	}
}

func violationsOf(err error) []ipaas.Violation {
	var e *ipaas.Error
	if errors.As(err, &e) {
		return e.Violations
	}
	return nil
}

// refused checks that an error has a reason, and returns what else it says.
func refused(t testing.TB, err error, reason ipaas.Reason) ipaas.Error {
	t.Helper()
	var e *ipaas.Error
	if !errors.As(err, &e) || e.Reason != reason {
		t.Fatalf("got error %v, want one with reason %s", err, reason)
	}
	return *e
}

// plain is a mutation about which nothing is special.
var plain = control.Mutation{Caller: "tester"}

// as is a mutation with a request id.
func as(method, requestID, hash string) control.Mutation {
	return control.Mutation{Caller: "tester", Method: method, RequestID: requestID, RequestHash: hash}
}

// logBuffer keeps what was logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
