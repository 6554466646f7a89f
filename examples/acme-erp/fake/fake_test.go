package fake_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/leaktest"
)

const apiKey = "s3cret"

func TestMain(m *testing.M) { leaktest.Main(m) }

// A caller speaks to one fake.
type caller struct {
	testing.TB
	url    string
	client *http.Client
	header map[string]string
}

func newERP(t testing.TB) (*fake.ERP, caller) {
	t.Helper()
	erp := fake.NewERP(apiKey)
	return erp, serve(t, erp, map[string]string{"X-Api-Key": apiKey})
}

func newProgix(t testing.TB) (*fake.Progix, caller) {
	t.Helper()
	progix := fake.NewProgix(apiKey)
	return progix, serve(t, progix, map[string]string{"Authorization": "Bearer " + apiKey})
}

func serve(t testing.TB, counterpart fake.Counterpart, header map[string]string) caller {
	t.Helper()
	server := httptest.NewServer(counterpart)
	t.Cleanup(server.Close)
	t.Cleanup(counterpart.Close)
	return caller{TB: t, url: server.URL, client: server.Client(), header: header}
}

// with is the same caller with one header changed; "" removes it.
func (c caller) with(name, value string) caller {
	header := map[string]string{name: value}
	for n, v := range c.header {
		if n != name {
			header[n] = v
		}
	}
	c.header = header
	return c
}

type reply struct {
	status int
	header http.Header
	body   string
}

// send calls a route, "POST /api/customers", and returns the error of the call.
func (c caller) send(route, body string) (reply, error) {
	c.Helper()
	method, path, _ := strings.Cut(route, " ")
	req, err := http.NewRequestWithContext(c.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	for name, value := range c.header {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	res, err := c.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(got)}, err
}

// do calls a route and wants this status.
func (c caller) do(route, body string, status int) reply {
	c.Helper()
	got, err := c.send(route, body)
	if err != nil {
		c.Fatalf("%s: %v", route, err)
	}
	if got.status != status {
		c.Fatalf("%s: status %d, want %d: %s", route, got.status, status, got.body)
	}
	return got
}

// refused calls a route and wants this status and error code.
func (c caller) refused(route, body string, status int, code string) string {
	c.Helper()
	got := c.do(route, body, status)
	var out struct {
		Error struct{ Code, Message string }
	}
	got.decode(c, &out)
	if out.Error.Code != code {
		c.Errorf("%s: error code %q, want %q: %s", route, out.Error.Code, code, got.body)
	}
	return out.Error.Message
}

// dropped calls a route and wants no answer.
func (c caller) dropped(route, body string) {
	c.Helper()
	if got, err := c.send(route, body); err == nil {
		c.Errorf("%s: status %d, want the connection to be dropped: %s", route, got.status, got.body)
	}
}

func (r reply) decode(t testing.TB, into any) {
	t.Helper()
	if kind := r.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("content type %q, want application/json", kind)
	}
	if err := json.Unmarshal([]byte(r.body), into); err != nil {
		t.Fatalf("answer %q: %v", r.body, err)
	}
}

// eventually waits until a thing holds that another goroutine brings about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); <-tick.C { // which only a test that fails waits
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
