package declarative_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/component/declarative"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/value"
)

// acme is the component of the tutorial.
func acme() ipaas.Component {
	connection := ipaas.InputField{Key: "connection", Type: ipaas.FieldConnection, Required: true, ConnectionTypes: []string{"apiKey"}}
	key := map[string]string{"X-Api-Key": "{{$connection.apiKey}}"}
	return ipaas.Component{
		ID: "acme-erp", DisplayName: "Acme ERP", Kind: ipaas.ComponentDeclarative, Version: 1,
		ConnectionTypes: []ipaas.ConnectionType{{Key: "apiKey", Inputs: []ipaas.InputField{
			{Key: "baseUrl", Required: true}, {Key: "apiKey", Required: true, Secret: true},
		}}},
		Actions: []ipaas.Action{
			{
				Key: "createWebhook", Effect: ipaas.EffectWrite,
				Inputs: []ipaas.InputField{connection, {Key: "event", Required: true}, {Key: "callbackUrl", Required: true}},
				Request: &ipaas.HTTPRequest{
					Method: "POST", URL: "{{$connection.baseUrl}}/api/webhooks", Headers: key,
					Body: `{"event":"{{$inputs.event}}","callbackUrl":"{{$inputs.callbackUrl}}"}`, SuccessStatuses: []int{201},
				},
				Undo: &ipaas.Undo{Action: "deleteWebhook", Inputs: map[string]string{"webhookId": "{{$result.id}}"}},
			},
			{
				Key: "listWebhooks", Effect: ipaas.EffectRead, Inputs: []ipaas.InputField{connection, {Key: "event"}},
				Request: &ipaas.HTTPRequest{
					Method: "GET", URL: "{{$connection.baseUrl}}/api/webhooks", Headers: key, Query: map[string]string{"event": "{{$inputs.event}}"},
				},
				Result: "{{$response.body.webhooks}}",
			},
			{
				Key: "deleteWebhook", Effect: ipaas.EffectWrite, Inputs: []ipaas.InputField{connection, {Key: "webhookId", Required: true}},
				Request: &ipaas.HTTPRequest{Method: "DELETE", URL: "{{$connection.baseUrl}}/api/webhooks/{{$inputs.webhookId}}", Headers: key},
			},
		},
	}
}

// erp is the system behind the component.
type erp struct {
	mu       sync.Mutex
	webhooks map[string]any
	order    []string
	keys     []string // Idempotency-Key of each write
	raw      []string // request lines
}

func (e *erp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.raw = append(e.raw, r.Method+" "+r.RequestURI)
	if r.Header.Get("X-Api-Key") != "sesame-open" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":"unknown key ` + r.Header.Get("X-Api-Key") + `"}`))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.Method {
	case http.MethodPost:
		var hook map[string]any
		if err := json.NewDecoder(r.Body).Decode(&hook); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		e.keys = append(e.keys, r.Header.Get("Idempotency-Key"))
		id := "wh/" + string(rune('1'+len(e.order))) // an id that has to be escaped
		hook["id"] = id
		e.webhooks[id], e.order = hook, append(e.order, id)
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(hook)
	case http.MethodDelete:
		e.keys = append(e.keys, r.Header.Get("Idempotency-Key"))
		id := strings.TrimPrefix(r.URL.Path, "/api/webhooks/")
		if _, ok := e.webhooks[id]; !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		delete(e.webhooks, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		list := []any{}
		for _, id := range e.order {
			if hook, ok := e.webhooks[id]; ok {
				list = append(list, hook)
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"webhooks": list})
	}
}

func client(t *testing.T) *outbound.Client {
	t.Helper()
	c, err := outbound.New(outbound.Options{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func connect(baseURL, key string) *component.Connection {
	return &component.Connection{
		Type: "acme-erp.apiKey", ConfigVariable: "acme",
		Inputs: value.Obj(value.Field{Key: "baseUrl", Value: baseURL}, value.Field{Key: "apiKey", Value: key}),
		Public: value.Obj(value.Field{Key: "baseUrl", Value: baseURL}),
	}
}

func compile(t *testing.T, c ipaas.Component) *component.Component {
	t.Helper()
	compiled, err := declarative.Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// run resolves the inputs as a step does and performs the action.
func run(t *testing.T, a *component.Action, call component.Call, inputs map[string]any) (any, error) {
	t.Helper()
	in, wrong := component.Resolve(a.Inputs, inputs)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	call.Inputs = in
	if call.Client == nil {
		call.Client = client(t)
	}
	result, err := a.Perform(t.Context(), call)
	return result.Data, err
}

func TestWebhookLivesAndDies(t *testing.T) {
	t.Parallel()
	system := &erp{webhooks: map[string]any{}}
	server := serve(t, system)
	c := compile(t, acme())
	connection := connect(server.URL+"/", "sesame-open")
	create := map[string]any{"connection": connection, "event": "customer.updated", "callbackUrl": "https://headrace.example/hooks/t?a=1"}

	created, err := run(t, c.Action("createWebhook"), component.Call{IdempotencyKey: "k1"}, create)
	if err != nil {
		t.Fatal(err)
	}
	want := value.Obj(
		value.Field{Key: "id", Value: "wh/1"}, value.Field{Key: "event", Value: "customer.updated"},
		value.Field{Key: "callbackUrl", Value: "https://headrace.example/hooks/t?a=1"})
	if !value.Equal(created, want) {
		t.Errorf("result is %s, want %s", value.JSON(created), value.JSON(want))
	}
	if id := component.RemoteID(c.Action("createWebhook"), created, create); id != "wh/1" {
		t.Errorf("remote id is %q", id)
	}

	listed, err := run(t, c.Action("listWebhooks"), component.Call{IdempotencyKey: "k2"}, map[string]any{"connection": connection})
	if err != nil || !value.Equal(listed, []any{want}) {
		t.Errorf("list is %s, %v", value.JSON(listed), err)
	}

	undo, err := component.UndoInputs(c.Action("createWebhook"), created, create)
	if err != nil {
		t.Fatal(err)
	}
	undo["connection"] = connection
	if _, err := run(t, c.Action("deleteWebhook"), component.Call{IdempotencyKey: "k3"}, undo); err != nil {
		t.Fatal(err)
	}
	_, err = run(t, c.Action("deleteWebhook"), component.Call{IdempotencyKey: "k4"}, undo)
	if f := failure(t, err); !f.Gone() || f.Unknown {
		t.Errorf("deleting again: %#v", f)
	}
	if diff := cmp.Diff([]string{"k1", "k3", "k4"}, system.keys); diff != "" {
		t.Errorf("idempotency keys (-want +got):\n%s", diff)
	}
	wantLines := []string{"POST /api/webhooks", "GET /api/webhooks", "DELETE /api/webhooks/wh%2F1", "DELETE /api/webhooks/wh%2F1"}
	if diff := cmp.Diff(wantLines, system.raw); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestRefusalNamesTheCallAndNotTheSecret(t *testing.T) {
	t.Parallel()
	server := serve(t, &erp{})
	_, err := run(t, compile(t, acme()).Action("listWebhooks"), component.Call{}, map[string]any{
		"connection": connect(server.URL, "wrong-key-of-ours"), "event": "secret-in-query",
	})
	f := failure(t, err)
	want := "GET " + server.URL + `/api/webhooks answered 401 Unauthorized (check the connection's credentials and what they permit): {"error":"unknown key [secret]"}`
	if f.Message != want || f.Status != 401 || f.Unknown {
		t.Errorf("got  %#v\nwant %s", f, want)
	}
}

func failure(t *testing.T, err error) *component.Failure {
	t.Helper()
	var f *component.Failure
	if !errors.As(err, &f) {
		t.Fatalf("%v is no failure", err)
	}
	return f
}

func TestMissingConnectionIsSaid(t *testing.T) {
	t.Parallel()
	_, err := compile(t, acme()).Action("listWebhooks").Perform(context.Background(), component.Call{Inputs: component.Inputs{}})
	if err == nil || !strings.Contains(err.Error(), `input "connection" has no connection`) {
		t.Errorf("got %v", err)
	}
}
