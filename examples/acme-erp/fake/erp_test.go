package fake_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/examples/acme-erp/fake"
)

// A listener is a callback URL that echoes challenges and keeps what is delivered to it.
type listener struct {
	url string

	mu       sync.Mutex
	requests []string // method, query without the challenge, body
	headers  []http.Header
}

func newListener(t testing.TB) *listener {
	t.Helper()
	l := &listener{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		query := r.URL.Query()
		challenge := query.Get("challenge")
		query.Del("challenge")
		l.mu.Lock()
		l.requests = append(l.requests, fmt.Sprintf("%s ?%s %s", r.Method, query.Encode(), body))
		l.headers = append(l.headers, r.Header.Clone())
		l.mu.Unlock()
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, challenge)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "taken")
	}))
	t.Cleanup(server.Close)
	l.url = server.URL + "/hook"
	return l
}

func (l *listener) got() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.requests...)
}

func (l *listener) header(i int, name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.headers[i].Get(name)
}

func registration(event, callback string) string {
	return fmt.Sprintf(`{"event":%q,"callbackUrl":%q}`, event, callback)
}

func TestERPKey(t *testing.T) {
	t.Parallel()
	routes := []string{
		"POST /api/webhooks", "GET /api/webhooks", "GET /api/webhooks/wh_1", "DELETE /api/webhooks/wh_1",
		"POST /api/customers", "GET /api/customers", "POST /api/inventory", "GET /api/inventory", "GET /api/no-such-thing",
	}
	for _, key := range []string{"", "wrong", apiKey + "x"} {
		t.Run("key "+key, func(t *testing.T) {
			t.Parallel()
			erp, acme := newERP(t)
			for _, route := range routes {
				acme.with("X-Api-Key", key).refused(route, `{"id":"c-1"}`, http.StatusUnauthorized, "UNAUTHORIZED")
			}
			if n := len(erp.Customers()) + len(erp.Inventory()); n != 0 {
				t.Errorf("%d records were stored without the key", n)
			}
		})
	}
	t.Run("no key admits nobody", func(t *testing.T) {
		t.Parallel()
		open := serve(t, fake.NewERP(""), nil)
		open.refused("GET /api/webhooks", "", http.StatusUnauthorized, "UNAUTHORIZED")
	})
}

func TestERPWebhook(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	hook := newListener(t)

	var created, fetched fake.Webhook
	answered := acme.do("POST /api/webhooks", registration("customer.updated", hook.url+"?a=1"), http.StatusCreated)
	answered.decode(t, &created)
	want := fake.Webhook{ID: "wh_1", Event: "customer.updated", CallbackURL: hook.url + "?a=1"}
	if diff := cmp.Diff(want, created, cmpopts.IgnoreFields(fake.Webhook{}, "CreatedAt")); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if age := time.Since(created.CreatedAt); age < -time.Second || age > time.Minute {
		t.Errorf("created at %s", created.CreatedAt)
	}
	if got := answered.header.Get("Location"); got != "/api/webhooks/wh_1" {
		t.Errorf("Location %q", got)
	}
	if diff := cmp.Diff([]string{"GET ?a=1 "}, hook.got()); diff != "" {
		t.Errorf("challenge (-want +got):\n%s", diff)
	}

	acme.do("GET /api/webhooks/wh_1", "", http.StatusOK).decode(t, &fetched)
	if diff := cmp.Diff(created, fetched); diff != "" {
		t.Errorf("fetched (-created +got):\n%s", diff)
	}
	if gone := acme.do("DELETE /api/webhooks/wh_1", "", http.StatusNoContent); gone.body != "" {
		t.Errorf("deleted with body %q", gone.body)
	}
	acme.refused("DELETE /api/webhooks/wh_1", "", http.StatusNotFound, "NOT_FOUND")
	acme.refused("GET /api/webhooks/wh_1", "", http.StatusNotFound, "NOT_FOUND")
	acme.do("POST /api/webhooks", registration("customer.updated", hook.url), http.StatusCreated)

	var ledger struct{ Entries []fake.Entry }
	acme.with("X-Api-Key", "").do("GET /admin/ledger", "", http.StatusOK).decode(t, &ledger)
	wantLedger := []fake.Entry{
		{Seq: 1, Op: fake.Create, ID: "wh_1", Event: "customer.updated", CallbackURL: hook.url + "?a=1"},
		{Seq: 2, Op: fake.Delete, ID: "wh_1", Event: "customer.updated", CallbackURL: hook.url + "?a=1"},
		{Seq: 3, Op: fake.Create, ID: "wh_2", Event: "customer.updated", CallbackURL: hook.url},
	}
	if diff := cmp.Diff(wantLedger, ledger.Entries); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantLedger, erp.Ledger()); diff != "" {
		t.Errorf("Ledger() (-want +got):\n%s", diff)
	}
}

func TestERPTakesDuplicateWebhooks(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	hook := newListener(t)
	for range 2 {
		acme.do("POST /api/webhooks", registration("customer.updated", hook.url), http.StatusCreated)
	}
	var list struct{ Webhooks []fake.Webhook }
	acme.do("GET /api/webhooks", "", http.StatusOK).decode(t, &list)
	if diff := cmp.Diff(erp.Webhooks(), list.Webhooks); diff != "" {
		t.Errorf("list (-Webhooks() +got):\n%s", diff)
	}
	if len(list.Webhooks) != 2 || list.Webhooks[0].ID == list.Webhooks[1].ID {
		t.Errorf("want two webhooks with different ids, got %+v", list.Webhooks)
	}

	acme.do("POST /api/customers", `{"id":"c-1"}`, http.StatusCreated)
	if n := len(hook.got()); n != 4 {
		t.Errorf("%d calls, want 2 challenges and 2 deliveries: %q", n, hook.got())
	}
	acme.do("DELETE /api/webhooks/wh_1", "", http.StatusNoContent)
	if left := erp.Webhooks(); len(left) != 1 || left[0].ID != "wh_2" {
		t.Errorf("left %+v, want wh_2", left)
	}
}

func TestERPUpdatesWebhook(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	hook := newListener(t)
	acme.do("POST /api/webhooks", fmt.Sprintf(`{"event":"customer.updated","callbackUrl":%q,"secret":"one"}`, hook.url), http.StatusCreated)
	first := erp.Webhooks()[0]
	acme.refused("PATCH /api/webhooks/wh_9", `{"event":"a.b"}`, http.StatusNotFound, "NOT_FOUND")
	acme.refused("PATCH /api/webhooks/wh_1", `{"event":"none"}`, http.StatusBadRequest, "INVALID_EVENT")
	acme.do("PATCH /api/webhooks/wh_1", `{"secret":"two"}`, http.StatusOK)
	if n := len(hook.got()); n != 1 {
		t.Errorf("%d challenges, want 1: the URL is the same", n)
	}
	acme.do("PATCH /api/webhooks/wh_1", fmt.Sprintf(`{"event":"inventory.updated","callbackUrl":%q}`, hook.url+"?b=2"), http.StatusOK)
	want := fake.Webhook{ID: "wh_1", Event: "inventory.updated", CallbackURL: hook.url + "?b=2", Secret: "two", CreatedAt: first.CreatedAt}
	if diff := cmp.Diff([]fake.Webhook{want}, erp.Webhooks()); diff != "" {
		t.Errorf("webhooks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET ? ", "GET ?b=2 "}, hook.got()); diff != "" {
		t.Errorf("challenges (-want +got):\n%s", diff)
	}
	var ops []fake.Op
	for _, entry := range erp.Ledger() {
		ops = append(ops, entry.Op)
	}
	if diff := cmp.Diff([]fake.Op{fake.Create, fake.Update, fake.Update}, ops); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestERPEmptyListIsAList(t *testing.T) {
	t.Parallel()
	_, acme := newERP(t)
	for route, want := range map[string]string{
		"GET /api/webhooks":     `{"webhooks":[]}`,
		"GET /api/customers":    `{"customers":[]}`,
		"GET /api/inventory":    `{"inventory":[]}`,
		"GET /admin/ledger":     `{"entries":[]}`,
		"GET /admin/deliveries": `{"deliveries":[]}`,
		"GET /admin/failures":   `{"failures":[]}`,
	} {
		if got := acme.do(route, "", http.StatusOK).body; strings.TrimSpace(got) != want {
			t.Errorf("%s: %s, want %s", route, got, want)
		}
	}
	if got := acme.do("POST /api/customers", `{"id":"c-1"}`, http.StatusCreated).body; strings.TrimSpace(got) != "[]" {
		t.Errorf("outcomes %s, want []", got)
	}
}

func TestERPWebhookInvalid(t *testing.T) {
	t.Parallel()
	hook := newListener(t)
	tests := []struct {
		name, body, code string
	}{
		{"no JSON", `event`, "INVALID_JSON"},
		{"no object", `["customer.updated"]`, "INVALID_JSON"},
		{"wrong type", `{"event":7}`, "INVALID_JSON"},
		{"no event", registration("", hook.url), "INVALID_EVENT"},
		{"no event name", registration("Customer Updated", hook.url), "INVALID_EVENT"},
		{"no URL", registration("customer.updated", ""), "INVALID_CALLBACK_URL"},
		{"relative URL", registration("customer.updated", "/hook"), "INVALID_CALLBACK_URL"},
		{"other scheme", registration("customer.updated", "ftp://example.com/hook"), "INVALID_CALLBACK_URL"},
		{"no host", registration("customer.updated", "http:///hook"), "INVALID_CALLBACK_URL"},
		{"fragment", registration("customer.updated", hook.url+"#x"), "INVALID_CALLBACK_URL"},
		{"broken URL", registration("customer.updated", "http://[::1/hook"), "INVALID_CALLBACK_URL"},
	}
	erp, acme := newERP(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := acme
			c.TB = t
			c.refused("POST /api/webhooks", tt.body, http.StatusBadRequest, tt.code)
		})
	}
	if len(hook.got()) != 0 || len(erp.Ledger()) != 0 {
		t.Errorf("calls %q, ledger %+v: want none", hook.got(), erp.Ledger())
	}
}

func TestERPChallengeFailed(t *testing.T) {
	t.Parallel()
	plain := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
	tests := []struct {
		name    string
		handler func(w http.ResponseWriter, r *http.Request, challenge string)
		says    string
	}{
		{"wrong body", func(w http.ResponseWriter, _ *http.Request, _ string) { plain(w, 200, "ok") }, "body is not the challenge"},
		{"empty body", func(w http.ResponseWriter, _ *http.Request, _ string) { plain(w, 200, "") }, "body is not the challenge"},
		{"more than the challenge", func(w http.ResponseWriter, _ *http.Request, c string) { plain(w, 200, c+"\n") }, "body is not the challenge"},
		{"not found", func(w http.ResponseWriter, _ *http.Request, c string) { plain(w, 404, c) }, "status 404, not 200"},
		{"created", func(w http.ResponseWriter, _ *http.Request, c string) { plain(w, 201, c) }, "status 201, not 200"},
		{"redirect", func(w http.ResponseWriter, r *http.Request, c string) {
			if r.URL.Path == "/there" {
				plain(w, 200, c)
				return
			}
			http.Redirect(w, r, "/there?challenge="+c, http.StatusFound)
		}, "status 302, not 200"},
		{"JSON", func(w http.ResponseWriter, _ *http.Request, c string) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, c)
		}, `content type "application/json", not text/plain`},
		{"dropped", func(http.ResponseWriter, *http.Request, string) { panic(http.ErrAbortHandler) }, "EOF"},
		{"half an answer", func(w http.ResponseWriter, _ *http.Request, c string) {
			w.Header().Set("Content-Length", "99")
			plain(w, 200, c[:3])
		}, "unexpected EOF"},
		{"too late", func(_ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() }, "deadline exceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			erp, acme := newERP(t)
			erp.SetChallengeTimeout(time.Hour)
			if tt.name == "too late" {
				erp.SetChallengeTimeout(50 * time.Millisecond)
			}
			hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				tt.handler(w, r, r.URL.Query().Get("challenge"))
			}))
			t.Cleanup(hook.Close)
			said := acme.refused("POST /api/webhooks", registration("customer.updated", hook.URL), http.StatusUnprocessableEntity, "CHALLENGE_FAILED")
			if !strings.Contains(said, tt.says) {
				t.Errorf("message %q does not say %q", said, tt.says)
			}
			if len(erp.Webhooks()) != 0 || len(erp.Ledger()) != 0 {
				t.Errorf("webhooks %+v, ledger %+v: want none", erp.Webhooks(), erp.Ledger())
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		_, acme := newERP(t)
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		acme.refused("POST /api/webhooks", registration("customer.updated", gone.URL), http.StatusUnprocessableEntity, "CHALLENGE_FAILED")
	})
}

func TestERPDelivers(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	customers, inventory := newListener(t), newListener(t)
	acme.do("POST /api/webhooks", registration("customer.updated", customers.url+"?tenant=7"), http.StatusCreated)
	acme.do("POST /api/webhooks", registration("inventory.updated", inventory.url), http.StatusCreated)

	var outcomes, accounts []fake.Delivery
	const record = `{"z":1.50,"id":"c-1","debt":12345678901234567890.10,"name":"A <b> & c"}`
	acme.do("POST /api/customers", " "+record+"\n", http.StatusCreated).decode(t, &outcomes)
	want := []fake.Delivery{{
		ID: "dlv_1", WebhookID: "wh_1", Event: "customer.updated", CallbackURL: customers.url + "?tenant=7", Status: http.StatusAccepted, Body: "taken",
	}}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	acme.do("POST /api/inventory", `{"sku":"A-1","quantity":3}`, http.StatusCreated).decode(t, &outcomes)
	want = append(want, fake.Delivery{
		ID: "dlv_2", WebhookID: "wh_2", Event: "inventory.updated", CallbackURL: inventory.url, Status: http.StatusAccepted, Body: "taken",
	})
	if diff := cmp.Diff(want[1:], outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff([]string{"GET ?tenant=7 ", "POST ?tenant=7 " + `{"event":"customer.updated","data":` + record + "}\n"}, customers.got()); diff != "" {
		t.Errorf("customers' calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET ? ", `POST ? {"event":"inventory.updated","data":{"sku":"A-1","quantity":3}}` + "\n"}, inventory.got()); diff != "" {
		t.Errorf("inventory's calls (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Acme-Event": "customer.updated", "X-Acme-Delivery": "dlv_1", "User-Agent": "Acme-ERP", "X-Api-Key": "",
	} {
		if got := customers.header(1, name); got != want {
			t.Errorf("header %s: %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff(want, erp.Deliveries()); diff != "" {
		t.Errorf("Deliveries() (-want +got):\n%s", diff)
	}
	var list struct{ Deliveries []fake.Delivery }
	acme.do("GET /admin/deliveries", "", http.StatusOK).decode(t, &list)
	accounts = list.Deliveries
	if diff := cmp.Diff(want, accounts); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

func TestERPDeliveryFails(t *testing.T) {
	t.Parallel()
	_, acme := newERP(t)
	var broken bool
	var mu sync.Mutex
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, r.URL.Query().Get("challenge"))
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if broken {
			panic(http.ErrAbortHandler)
		}
		broken = true
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(hook.Close)
	healthy := newListener(t)
	for _, callback := range []string{hook.URL + "/1", hook.URL + "/2", healthy.url} {
		acme.do("POST /api/webhooks", registration("customer.updated", callback), http.StatusCreated)
	}

	var outcomes []fake.Delivery
	acme.do("POST /api/customers", `{"id":"c-1"}`, http.StatusCreated).decode(t, &outcomes)
	if len(outcomes) != 3 {
		t.Fatalf("outcomes %+v, want one per webhook", outcomes)
	}
	if got := outcomes[0]; got.Status != http.StatusTemporaryRedirect || got.Error != "" {
		t.Errorf("redirect: %+v, want status 307 as it is", got)
	}
	if got := outcomes[1]; got.Status != 0 || !strings.Contains(got.Error, "EOF") {
		t.Errorf("dropped connection: %+v, want status 0 and why", got)
	}
	if got := outcomes[2]; got.Status != http.StatusAccepted {
		t.Errorf("the third webhook: %+v, want it to be called in spite of the others", got)
	}
}

func TestERPRecords(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	acme.do("POST /api/customers", `{"id":"c-1","v":1}`, http.StatusCreated)
	acme.do("POST /api/customers", `{"v":2}`, http.StatusCreated)
	acme.do("POST /api/customers", `{}`, http.StatusCreated)
	acme.do("POST /api/customers", `{"id":7}`, http.StatusCreated)
	acme.do("POST /api/customers", `{"id":"c-1","v":3}`, http.StatusOK)
	acme.do("POST /api/inventory", `{"sku":"A-1","n":1}`, http.StatusCreated)
	acme.do("POST /api/inventory", `{"sku":"A-1","n":2}`, http.StatusOK)
	acme.do("POST /api/inventory", `{"id":"i-1","sku":"A-1"}`, http.StatusCreated)

	for route, want := range map[string]string{
		"GET /api/customers": `{"customers":[{"id":"c-1","v":3},{"id":"cust_1","v":2},{"id":"cust_2"},{"id":7}]}`,
		"GET /api/inventory": `{"inventory":[{"sku":"A-1","n":2},{"id":"i-1","sku":"A-1"}]}`,
	} {
		if got := strings.TrimSpace(acme.do(route, "", http.StatusOK).body); got != want {
			t.Errorf("%s: %s, want %s", route, got, want)
		}
	}
	for _, body := range []string{``, `null`, `[]`, `"c"`, `{"id":`, `{} {}`} {
		acme.refused("POST /api/customers", body, http.StatusBadRequest, "INVALID_JSON")
	}
	for _, body := range []string{`{"id":null}`, `{"id":""}`, `{"id":{}}`, `{"id":true}`} {
		acme.refused("POST /api/customers", body, http.StatusBadRequest, "INVALID_RECORD")
	}
	acme.refused("POST /api/customers", `{"id":"`+strings.Repeat("x", 1<<20)+`"}`, http.StatusRequestEntityTooLarge, "TOO_LARGE")
	if got := len(erp.Customers()) + len(erp.Inventory()); got != 6 {
		t.Errorf("%d records, want the 6 valid ones", got)
	}
}

func TestERPUnknownRoutes(t *testing.T) {
	t.Parallel()
	_, acme := newERP(t)
	acme.refused("GET /api/no-such-thing", "", http.StatusNotFound, "NOT_FOUND")
	acme.refused("GET /elsewhere", "", http.StatusNotFound, "NOT_FOUND")
	acme.refused("PUT /api/webhooks/wh_1", "", http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	if got := acme.do("PUT /api/webhooks", "", http.StatusMethodNotAllowed).header.Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow %q, want GET, POST", got)
	}
}

func TestERPPage(t *testing.T) {
	t.Parallel()
	_, acme := newERP(t)
	anybody := acme.with("X-Api-Key", "")
	if page := anybody.do("GET /", "", http.StatusOK); !strings.Contains(page.body, "None is registered") || page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("empty page %v:\n%s", page.header, page.body)
	}
	hook := newListener(t)
	acme.do("POST /api/webhooks", registration("customer.updated", hook.url+"?a=<script>"), http.StatusCreated)
	acme.do("POST /api/customers", `{"id":"c-1"}`, http.StatusCreated)
	page := anybody.do("GET /", "", http.StatusOK).body
	for _, want := range []string{"wh_1", "customer.updated", hook.url + "?a=&lt;script&gt;", "dlv_1", "taken", "create", "1 customers"} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, apiKey) || strings.Contains(page, "<script") {
		t.Errorf("page shows what it must not:\n%s", page)
	}
}

func TestERPConcurrently(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	hook := newListener(t)
	var callers sync.WaitGroup
	for i := range 16 {
		callers.Go(func() {
			got, err := acme.send("POST /api/webhooks", registration("customer.updated", hook.url))
			if err != nil || got.status != http.StatusCreated {
				t.Errorf("register: %+v, %v", got, err)
				return
			}
			path := got.header.Get("Location")
			if got, err = acme.send("POST /api/customers", fmt.Sprintf(`{"id":%d}`, i)); err != nil || got.status != http.StatusCreated {
				t.Errorf("change: %+v, %v", got, err)
			}
			if got, err = acme.send("DELETE "+path, ""); err != nil || got.status != http.StatusNoContent {
				t.Errorf("delete: %+v, %v", got, err)
			}
		})
	}
	callers.Wait()
	balance := map[string]int{}
	for i, entry := range erp.Ledger() {
		if entry.Seq != i+1 {
			t.Errorf("entry %d has seq %d", i, entry.Seq)
		}
		if entry.Op == fake.Create {
			balance[entry.ID]++
		} else {
			balance[entry.ID]--
		}
	}
	if len(balance) != 16 || len(erp.Webhooks()) != 0 || len(erp.Customers()) != 16 {
		t.Errorf("%d ids, %d webhooks left, %d customers: want 16, 0, 16", len(balance), len(erp.Webhooks()), len(erp.Customers()))
	}
	for id, n := range balance {
		if n != 0 {
			t.Errorf("%s: creates less deletes is %d", id, n)
		}
	}
}
