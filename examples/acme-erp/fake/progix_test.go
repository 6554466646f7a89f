package fake_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/examples/acme-erp/fake"
)

var ignoreHeader = cmpopts.IgnoreFields(fake.Received{}, "Header")

func TestProgixToken(t *testing.T) {
	t.Parallel()
	progix, api := newProgix(t)
	for _, value := range []string{"", apiKey, "Bearer", "Bearer wrong", "Basic " + apiKey} {
		refused := api.with("Authorization", value)
		for _, route := range []string{"POST /api/customers", "PUT /api/customers/1", "POST /api/inventory", "PUT /api/inventory/1", "GET /api/elsewhere"} {
			refused.refused(route, `{}`, http.StatusUnauthorized, "UNAUTHORIZED")
		}
	}
	if n := len(progix.Effects()); n != 0 {
		t.Errorf("%d effects without the token", n)
	}
	if got := api.with("Authorization", "").do("POST /api/customers", `{}`, 401).header.Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("WWW-Authenticate %q", got)
	}
	api.with("Authorization", "bearer "+apiKey).do("POST /api/customers", `{}`, http.StatusCreated)
	open := serve(t, fake.NewProgix(""), map[string]string{"Authorization": "Bearer "})
	open.refused("POST /api/customers", `{}`, http.StatusUnauthorized, "UNAUTHORIZED")
}

func TestProgixTakesRecords(t *testing.T) {
	t.Parallel()
	progix, api := newProgix(t)
	calls := []struct {
		route, body string
		status      int
		want        string
	}{
		{"POST /api/customers", `{"id":"c-1","debt":1234567890123456789.50}`, 201, `{"id":"cus_1","data":{"id":"c-1","debt":1234567890123456789.50}}`},
		{"POST /api/customers", `{"id":"c-1"}`, 201, `{"id":"cus_2","data":{"id":"c-1"}}`},
		{"POST /api/inventory", `{"sku":"A"}`, 201, `{"id":"inv_1","data":{"sku":"A"}}`},
		{"PUT /api/customers/cus_1", `{"v":2}`, 200, `{"id":"cus_1","data":{"v":2}}`},
		{"PUT /api/customers/own", `{"v":1}`, 201, `{"id":"own","data":{"v":1}}`},
		{"PUT /api/customers/own", `{"v":2}`, 200, `{"id":"own","data":{"v":2}}`},
		{"PUT /api/inventory/own", `{"v":3}`, 201, `{"id":"own","data":{"v":3}}`},
	}
	for _, call := range calls {
		if got := strings.TrimSpace(api.do(call.route, call.body, call.status).body); got != call.want {
			t.Errorf("%s %s: %s, want %s", call.route, call.body, got, call.want)
		}
	}
	number := func(s string) map[string]any { return map[string]any{"v": json.Number(s)} }
	want := []fake.Effect{
		{Seq: 1, Method: "POST", Path: "/api/customers", ID: "cus_1", Body: map[string]any{"id": "c-1", "debt": json.Number("1234567890123456789.50")}},
		{Seq: 2, Method: "POST", Path: "/api/customers", ID: "cus_2", Body: map[string]any{"id": "c-1"}},
		{Seq: 3, Method: "POST", Path: "/api/inventory", ID: "inv_1", Body: map[string]any{"sku": "A"}},
		{Seq: 4, Method: "PUT", Path: "/api/customers/cus_1", ID: "cus_1", Body: number("2")},
		{Seq: 5, Method: "PUT", Path: "/api/customers/own", ID: "own", Body: number("1")},
		{Seq: 6, Method: "PUT", Path: "/api/customers/own", ID: "own", Body: number("2")},
		{Seq: 7, Method: "PUT", Path: "/api/inventory/own", ID: "own", Body: number("3")},
	}
	if diff := cmp.Diff(want, progix.Effects()); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

func TestProgixReceived(t *testing.T) {
	t.Parallel()
	progix, api := newProgix(t)
	api.with("x-flow", "sync").with("Idempotency-Key", "k1").do("POST /api/customers", `{"n":1.0}`, http.StatusCreated)
	api.with("Authorization", "").do("POST /api/customers", `{}`, http.StatusUnauthorized)
	api.refused("POST /api/customers", `{} x`, http.StatusBadRequest, "INVALID_JSON")
	api.refused("PUT /api/inventory/1", `[1]`, http.StatusBadRequest, "INVALID_JSON")
	api.do("GET /api/nothing", "", http.StatusNotFound)
	api.do("GET /admin/effects", "", http.StatusOK) // not of the API

	want := []fake.Received{
		{Seq: 1, Method: "POST", Path: "/api/customers", Body: map[string]any{"n": json.Number("1.0")}, Raw: `{"n":1.0}`, IdempotencyKey: "k1", Status: 201},
		{Seq: 2, Method: "POST", Path: "/api/customers", Body: map[string]any{}, Raw: `{}`, Status: 401},
		{Seq: 3, Method: "POST", Path: "/api/customers", Raw: `{} x`, Status: 400},
		{Seq: 4, Method: "PUT", Path: "/api/inventory/1", Body: []any{json.Number("1")}, Raw: `[1]`, Status: 400},
		{Seq: 5, Method: "GET", Path: "/api/nothing", Status: 404},
	}
	if diff := cmp.Diff(want, progix.Received(), ignoreHeader); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	if got := progix.Received()[0].Header["X-Flow"]; !cmp.Equal(got, []string{"sync"}) {
		t.Errorf("header X-Flow %q, want its canonical name and value", got)
	}
	var list struct {
		Received []struct {
			Seq    int
			Header http.Header
			Body   json.RawMessage
		}
	}
	api.do("GET /admin/received", "", http.StatusOK).decode(t, &list)
	if len(list.Received) != 5 || string(list.Received[0].Body) != `{"n":1.0}` || list.Received[0].Header.Get("X-Flow") != "sync" {
		t.Errorf("received over HTTP: %+v", list.Received)
	}
	if n := len(progix.Effects()); n != 1 {
		t.Errorf("%d effects, want 1", n)
	}
}

func TestProgixIdempotencyKey(t *testing.T) {
	t.Parallel()
	progix, api := newProgix(t)
	k1, k2 := api.with("Idempotency-Key", "k1"), api.with("Idempotency-Key", "k2")
	first := k1.do("POST /api/customers", `{"a":1,"b":2}`, http.StatusCreated)
	again := k1.do("POST /api/customers", `{"b":2, "a":1}`, http.StatusCreated)
	if again.body != first.body {
		t.Errorf("answered %s, want the first answer %s", again.body, first.body)
	}
	k2.do("POST /api/customers", `{"a":1,"b":2}`, http.StatusCreated)
	for range 2 {
		api.do("POST /api/customers", `{"a":1,"b":2}`, http.StatusCreated) // no key, no memory
	}
	k1.refused("POST /api/customers", `{"a":1,"b":3}`, http.StatusUnprocessableEntity, "IDEMPOTENCY_KEY_REUSED")
	k1.refused("POST /api/inventory", `{"a":1,"b":2}`, http.StatusUnprocessableEntity, "IDEMPOTENCY_KEY_REUSED")

	type line struct {
		ID, Key    string
		Duplicates int
	}
	var got []line
	for _, effect := range progix.Effects() {
		got = append(got, line{effect.ID, effect.IdempotencyKey, effect.Duplicates})
	}
	if diff := cmp.Diff([]line{{"cus_1", "k1", 1}, {"cus_2", "k2", 0}, {"cus_3", "", 0}, {"cus_4", "", 0}}, got); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	var duplicates []bool
	for _, received := range progix.Received() {
		duplicates = append(duplicates, received.Duplicate)
	}
	if diff := cmp.Diff([]bool{false, true, false, false, false, false, false}, duplicates); diff != "" {
		t.Errorf("duplicates among the received (-want +got):\n%s", diff)
	}
	var list struct{ Effects []struct{ Duplicates int } }
	api.do("GET /admin/effects", "", http.StatusOK).decode(t, &list)
	if len(list.Effects) != 4 || list.Effects[0].Duplicates != 1 {
		t.Errorf("effects over HTTP: %+v", list.Effects)
	}
}

func TestProgixOneKeyAtOnce(t *testing.T) {
	t.Parallel()
	progix, api := newProgix(t)
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			got, err := api.with("Idempotency-Key", "k").send("POST /api/inventory", `{"sku":"A"}`)
			if err != nil || strings.TrimSpace(got.body) != `{"id":"inv_1","data":{"sku":"A"}}` {
				t.Errorf("answered %+v, %v", got, err)
			}
		})
	}
	callers.Wait()
	effects := progix.Effects()
	if len(effects) != 1 || effects[0].Duplicates != 15 {
		t.Errorf("effects %+v, want one that was asked for 15 times again", effects)
	}
}

func TestProgixFails(t *testing.T) {
	t.Parallel()
	progix, api := newProgix(t)
	api.do("POST /admin/fail", `{"route":"POST /api/customers","status":429}`, http.StatusNoContent)
	api.do("POST /api/customers", `{"n":1}`, http.StatusTooManyRequests)
	progix.Fail(fake.Failure{Route: "POST /api/customers", Mode: fake.HangUp})
	api.dropped("POST /api/customers", `{"n":2}`)
	progix.Fail(fake.Failure{Route: "PUT /api/customers/{id}", Mode: fake.HangUpAfterCommit})
	api.dropped("PUT /api/customers/7", `{"n":3}`)
	api.do("PUT /api/customers/7", `{"n":3}`, http.StatusOK)

	want := []fake.Received{
		{Seq: 1, Method: "POST", Path: "/api/customers", Body: map[string]any{"n": json.Number("1")}, Raw: `{"n":1}`, Status: 429},
		{Seq: 2, Method: "POST", Path: "/api/customers", Body: map[string]any{"n": json.Number("2")}, Raw: `{"n":2}`},
		{Seq: 3, Method: "PUT", Path: "/api/customers/7", Body: map[string]any{"n": json.Number("3")}, Raw: `{"n":3}`},
		{Seq: 4, Method: "PUT", Path: "/api/customers/7", Body: map[string]any{"n": json.Number("3")}, Raw: `{"n":3}`, Status: 200},
	}
	if diff := cmp.Diff(want, progix.Received(), ignoreHeader); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	if n := len(progix.Effects()); n != 2 {
		t.Errorf("%d effects, want the lost one and the answered one", n)
	}
	if got := progix.Failures(); len(got) != 3 {
		t.Errorf("failures %+v, want 3", got)
	}
	progix.Heal()
	if got := progix.Failures(); len(got) != 0 {
		t.Errorf("failures after Heal: %+v", got)
	}
}

func TestProgixLostResponseIsOneEffect(t *testing.T) {
	t.Parallel()
	progix, api := newProgix(t)
	progix.Fail(fake.Failure{Route: "POST /api/customers", Mode: fake.HangUpAfterCommit})
	// A fresh connection each: on one that was kept alive Go's client would repeat a request with a key by itself.
	lonely := api.with("Idempotency-Key", "k").with("Connection", "close")
	lonely.dropped("POST /api/customers", `{}`)
	lonely.do("POST /api/customers", `{}`, http.StatusCreated)
	effects := progix.Effects()
	if len(effects) != 1 || effects[0].Duplicates != 1 {
		t.Errorf("effects %+v, want one that was asked for once again", effects)
	}
}

func TestProgixPage(t *testing.T) {
	t.Parallel()
	_, api := newProgix(t)
	anybody := api.with("Authorization", "")
	if page := anybody.do("GET /", "", http.StatusOK).body; !strings.Contains(page, "None yet") {
		t.Errorf("empty page:\n%s", page)
	}
	for range 2 {
		api.with("Idempotency-Key", "key-1").do("POST /api/customers", `{"name":"<b>Ada"}`, http.StatusCreated)
	}
	page := anybody.do("GET /", "", http.StatusOK).body
	for _, want := range []string{"cus_1", "POST /api/customers", "key-1", "201, again", "&lt;b&gt;Ada"} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, apiKey) || strings.Contains(page, "<b>Ada") {
		t.Errorf("page shows what it must not:\n%s", page)
	}
}

func TestProgixClose(t *testing.T) {
	t.Parallel()
	progix, api := newProgix(t)
	progix.Close()
	api.refused("POST /api/customers", `{}`, http.StatusServiceUnavailable, "CLOSED")
	if n := len(progix.Received()); n != 0 {
		t.Errorf("%d received after Close, want none", n)
	}
}
