package builtin_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

func receive(t *testing.T, given string, p ipaas.Payload) (component.Reception, error) {
	t.Helper()
	_, tr := registry().Trigger(ipaas.TriggerWebhook)
	return tr.Receive(t.Context(), component.Request{Payload: p, Inputs: inputs(t, tr.Inputs, given)})
}

func named(pairs ...string) []ipaas.NamedText {
	var out []ipaas.NamedText
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, ipaas.NamedText{Name: pairs[i], Text: pairs[i+1]})
	}
	return out
}

func echoed(contentType, body string) *ipaas.Response {
	return &ipaas.Response{Status: 200, Headers: named("Content-Type", contentType, "X-Content-Type-Options", "nosniff"), Body: []byte(body)}
}

func TestHandshakes(t *testing.T) {
	t.Parallel()
	const text, object = "text/plain; charset=utf-8", "application/json"
	meta := named("hub.mode", "subscribe", "hub.verify_token", "tök", "hub.challenge", "42")
	tests := []struct {
		name, inputs string
		payload      ipaas.Payload
		want         *ipaas.Response // nil: it is none, and the flow runs
		refused      int
	}{
		{"none", `{}`, ipaas.Payload{Query: named("challenge", "x")}, nil, 0},
		{"query", `{"handshake":"query"}`, ipaas.Payload{Method: "GET", Query: named("a", "b", "challenge", "<x> y")}, echoed(text, "<x> y"), 0},
		{"query with a name", `{"handshake":"query","handshakeKey":"crc"}`, ipaas.Payload{Query: named("crc", "z")}, echoed(text, "z"), 0},
		{"query with the default name", `{"handshake":"query","handshakeKey":""}`, ipaas.Payload{Query: named("challenge", "z")}, echoed(text, "z"), 0},
		{"query and a body", `{"handshake":"query"}`, ipaas.Payload{Query: named("challenge", "x"), Body: []byte("{}")}, nil, 0},
		{"query without the parameter", `{"handshake":"query"}`, ipaas.Payload{Query: named("Challenge", "x")}, nil, 0},
		{"query too long", `{"handshake":"query"}`, ipaas.Payload{Query: named("challenge", strings.Repeat("x", 1025))}, nil, 400},
		{"query as long as may be", `{"handshake":"query"}`, ipaas.Payload{Query: named("challenge", strings.Repeat("x", 1024))}, echoed(text, strings.Repeat("x", 1024)), 0},
		{"query empty", `{"handshake":"query"}`, ipaas.Payload{Query: named("challenge", "")}, nil, 400},
		{"json", `{"handshake":"json"}`, ipaas.Payload{Body: []byte(`{"challenge":"a\"b"}`)}, echoed(object, `{"challenge":"a\"b"}`), 0},
		{"json with a path", `{"handshake":"json","handshakeKey":"event.token"}`, ipaas.Payload{Body: []byte(`{"event":{"token":"t"}}`)}, echoed(object, `{"token":"t"}`), 0},
		{"json of another kind", `{"handshake":"json"}`, ipaas.Payload{Body: []byte(`{"challenge":7}`)}, nil, 0},
		{"json without it", `{"handshake":"json"}`, ipaas.Payload{Body: []byte(`[1]`)}, nil, 0},
		{"no json", `{"handshake":"json"}`, ipaas.Payload{Body: []byte(`{`)}, nil, 0},
		{"no body", `{"handshake":"json"}`, ipaas.Payload{}, nil, 0},
		{
			"header", `{"handshake":"header","handshakeKey":"X-Challenge"}`,
			ipaas.Payload{Headers: named("x-challenge", "c")},
			&ipaas.Response{Status: 200, Headers: named("X-Challenge", "c", "X-Content-Type-Options", "nosniff")}, 0,
		},
		{"header with a line break", `{"handshake":"header"}`, ipaas.Payload{Headers: named("Challenge", "c\r\nSet-Cookie: a=b")}, nil, 400},
		{"header absent", `{"handshake":"header"}`, ipaas.Payload{}, nil, 0},
		{"slack", `{"handshake":"slack"}`, ipaas.Payload{Body: []byte(`{"token":"t","challenge":"c","type":"url_verification"}`)}, echoed(text, "c"), 0},
		{"slack event", `{"handshake":"slack"}`, ipaas.Payload{Body: []byte(`{"challenge":"c","type":"event_callback"}`)}, nil, 0},
		{"slack without challenge", `{"handshake":"slack"}`, ipaas.Payload{Body: []byte(`{"type":"url_verification"}`)}, nil, 400},
		{"microsoft", `{"handshake":"microsoft-graph"}`, ipaas.Payload{Method: "POST", Query: named("validationToken", "Validation: Testing")}, echoed(text, "Validation: Testing"), 0},
		{"microsoft event", `{"handshake":"microsoft-graph"}`, ipaas.Payload{Method: "POST", Body: []byte(`{"value":[]}`)}, nil, 0},
		{"meta", `{"handshake":"meta","verifyToken":"tök"}`, ipaas.Payload{Method: "GET", Query: meta}, echoed(text, "42"), 0},
		{"meta with another token", `{"handshake":"meta","verifyToken":"other"}`, ipaas.Payload{Query: meta}, nil, 403},
		{"meta fails closed", `{"handshake":"meta"}`, ipaas.Payload{Query: named("hub.mode", "subscribe", "hub.verify_token", "", "hub.challenge", "42")}, nil, 403},
		{"meta without challenge", `{"handshake":"meta","verifyToken":"tök"}`, ipaas.Payload{Query: meta[:2]}, nil, 400},
		{"meta event", `{"handshake":"meta","verifyToken":"tök"}`, ipaas.Payload{Body: []byte(`{"object":"page"}`)}, nil, 0},
		{
			"asana", `{"handshake":"asana"}`,
			ipaas.Payload{Headers: named("X-Hook-Secret", "s"), Body: []byte(`{}`)},
			&ipaas.Response{Status: 200, Headers: named("X-Hook-Secret", "s", "X-Content-Type-Options", "nosniff")}, 0,
		},
		{"asana event", `{"handshake":"asana"}`, ipaas.Payload{Headers: named("X-Hook-Signature", "s")}, nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := receive(t, tt.inputs, tt.payload)
			var refuse *component.Refuse
			if tt.refused != 0 {
				if !errors.As(err, &refuse) || refuse.Status != tt.refused {
					t.Fatalf("got %+v, %v; want a refusal with %d", got, err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Answer); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if got.Acknowledge != nil {
				t.Errorf("it also acknowledges: %+v", got.Acknowledge)
			}
		})
	}
}

func TestAcknowledgement(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, inputs string
		want         *ipaas.Response
		err          string
	}{
		{"nothing said", `{}`, nil, ""},
		{"as forms leave it", `{"statusCode":"","contentType":"","headers":[],"body":""}`, nil, ""},
		{"status alone", `{"statusCode":"204"}`, &ipaas.Response{Status: 204}, ""},
		{"text", `{"body":"ok"}`, &ipaas.Response{Status: 200, Headers: named("Content-Type", "text/plain; charset=utf-8"), Body: []byte("ok")}, ""},
		{"text of JSON", `{"body":"{\"a\":1}"}`, &ipaas.Response{Status: 200, Headers: named("Content-Type", "application/json"), Body: []byte(`{"a":1}`)}, ""},
		{"object", `{"statusCode":201,"body":{"a":1.0},"headers":{"X-A":"b"}}`, &ipaas.Response{Status: 201, Headers: named("Content-Type", "application/json", "X-A", "b"), Body: []byte(`{"a":1.0}`)}, ""},
		{"content type", `{"contentType":"text/xml","body":"<a/>"}`, &ipaas.Response{Status: 200, Headers: named("Content-Type", "text/xml"), Body: []byte("<a/>")}, ""},
		{"false is a body", `{"body":false}`, &ipaas.Response{Status: 200, Headers: named("Content-Type", "application/json"), Body: []byte("false")}, ""},
		{"status", `{"statusCode":600}`, nil, `answer of the trigger: input "statusCode" is 600: give a status from 200 to 599`},
		{"header", `{"headers":{"A":"b\nc"}}`, nil, `answer of the trigger: input "headers": header A holds a line break or another control character: remove it`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := receive(t, tt.inputs, ipaas.Payload{})
			wantError(t, err, tt.err)
			if diff := cmp.Diff(tt.want, got.Acknowledge); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
