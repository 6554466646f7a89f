package declarative_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/component/declarative"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/value"
)

// sent is a request as a server got it.
type sent struct {
	Line, Body, ContentType string
	Header                  http.Header
}

// one makes a component with one action, its inputs a, b and c of any kind.
func one(r ipaas.HTTPRequest, result string) ipaas.Component {
	return ipaas.Component{
		ID: "acme-erp", DisplayName: "Acme ERP", ConnectionTypes: acme().ConnectionTypes,
		Actions: []ipaas.Action{{
			Key: "call", Request: &r, Result: result,
			Inputs: []ipaas.InputField{
				{Key: "connection", Type: ipaas.FieldConnection},
				{Key: "a", Type: ipaas.FieldData},
				{Key: "b", Type: ipaas.FieldData},
				{Key: "c", Type: ipaas.FieldData, Secret: true},
			},
		}},
	}
}

// exchange sends the request of a component and returns what the server got and what the action gave.
func exchange(t *testing.T, c ipaas.Component, inputs map[string]any, answer http.HandlerFunc) (*sent, any, error) {
	t.Helper()
	var got *sent
	var mu sync.Mutex
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		got = &sent{Line: r.Method + " " + r.RequestURI, Body: string(body), ContentType: r.Header.Get("Content-Type"), Header: r.Header}
		mu.Unlock()
		if err == nil && answer != nil {
			answer(w, r)
		}
	}))
	in := map[string]any{"connection": connect(server.URL+"/base/", "sesame")}
	for k, v := range inputs {
		in[k] = v
	}
	result, err := run(t, compile(t, c).Action("call"), component.Call{IdempotencyKey: "key"}, in)
	mu.Lock()
	defer mu.Unlock()
	return got, result, err
}

func parse(t *testing.T, text string) any {
	t.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestURLs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		query     map[string]string
		inputs    map[string]any
		want, err string
	}{
		{"base alone", "{{$connection.baseUrl}}", nil, nil, "GET /base/", ""},
		{"base and path", "{{$connection.baseUrl}}/x", nil, nil, "GET /base/x", ""},
		{"base and query", "{{$connection.baseUrl}}?x", nil, nil, "GET /base/?x", ""},
		{"segment", "{{$connection.baseUrl}}/x/{{$inputs.a}}/y", nil, map[string]any{"a": "a/b?c#d e;é%2F"}, "GET /base/x/a%2Fb%3Fc%23d%20e%3B%C3%A9%252F/y", ""},
		{"segment with text", "{{$connection.baseUrl}}/x-{{$inputs.a}}.json", nil, map[string]any{"a": value.Number("1.50")}, "GET /base/x-1.50.json", ""},
		{"query value", "{{$connection.baseUrl}}/x?a={{$inputs.a}}&b={{$inputs.b}}", nil, map[string]any{"a": "1&b=2/.."}, "GET /base/x?a=1%26b%3D2%2F..&b=", ""},
		{"query", "{{$connection.baseUrl}}/x?z=1", map[string]string{"a b": "{{$inputs.a}}", "n": "{{$inputs.b}}", "e": "", "p": "x{{$inputs.b}}"}, map[string]any{"a": "1 +&"}, "GET /base/x?z=1&a%20b=1%20%2B%26&e=&p=x", ""},
		{"query alone", "{{$connection.baseUrl}}/x", map[string]string{"a": "{{$inputs.a}}"}, map[string]any{"a": true}, "GET /base/x?a=true", ""},
		{"parent", "{{$connection.baseUrl}}/x/{{$inputs.a}}", nil, map[string]any{"a": ".."}, "", `action "call": {{$inputs.a}} holds the path segment . or .., which would lead to another resource`},
		{"hidden parent", "{{$connection.baseUrl}}/x/{{$inputs.a}}", nil, map[string]any{"a": `y\%2e%2E\z`}, "", `action "call": {{$inputs.a}} holds the path segment . or .., which would lead to another resource`},
		{"half a parent", "{{$connection.baseUrl}}/x/.{{$inputs.a}}", nil, map[string]any{"a": "."}, "", `action "call": {{$inputs.a}} holds the path segment . or .., which would lead to another resource`},
		{"parent in two", "{{$connection.baseUrl}}/x/{{$inputs.a}}.", nil, map[string]any{"a": ""}, "", `action "call": {{$inputs.a}} makes the path segment ., which would lead to another resource`},
		{"empty segment", "{{$connection.baseUrl}}/x/{{$inputs.a}}", nil, nil, "", `action "call": {{$inputs.a}} is empty, and without it the URL is that of another resource`},
		{"object in a segment", "{{$connection.baseUrl}}/x/{{$inputs.a}}", nil, map[string]any{"a": value.Obj()}, "", `action "call": {{$inputs.a}} is an object: a URL takes texts, numbers and booleans`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _, err := exchange(t, one(ipaas.HTTPRequest{Method: "GET", URL: tt.url, Query: tt.query}, ""), tt.inputs, nil)
			message, line := "", ""
			if err != nil {
				message = err.Error()
			}
			if got != nil {
				line = got.Line
			}
			if message != tt.err || line != tt.want {
				t.Errorf("got %q, %q; want %q, %q", line, message, tt.want, tt.err)
			}
		})
	}
}

func TestBases(t *testing.T) {
	t.Parallel()
	tests := []struct{ base, want string }{
		{"", "is empty: give it a URL such as https://example.com"},
		{"acme.example", "is not absolute: it should begin with https:// or http://"},
		{"javascript:alert(1)", "is not absolute: it should begin with https:// or http://"},
		{"https://user:sesame@acme.example", "holds credentials: give them to inputs of their own"},
		{"https://acme.example/?tenant=1", "has a query, and more of the URL follows: remove what begins with ?"},
		{"https://acme.example/#x", "has a fragment: remove what begins with #"},
		{"https://acme.example/a b", "is no URL: give one such as https://example.com"},
		{"https://acme.example\\@evil.example", "is no URL: give one such as https://example.com"},
	}
	for _, tt := range tests {
		_, err := run(t, compile(t, acme()).Action("listWebhooks"), component.Call{}, map[string]any{"connection": connect(tt.base, "k")})
		want := `action "listWebhooks": {{$connection.baseUrl}}, which the URL begins with, ` + tt.want
		if tt.base == "" {
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, want)
			}
			continue
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", tt.base, err, want)
		}
	}
}

func TestHostsFromTheConnection(t *testing.T) {
	t.Parallel()
	for host, fine := range map[string]bool{"acme": true, "acme.eu": true, "a/b": false, "a@b": false, "x.evil.example#": false, "": false, "a..b": false, "-a": false, "acme:80": false, "é": false} {
		c := one(ipaas.HTTPRequest{Method: "GET", URL: "https://{{$connection.apiKey}}.headrace-test.invalid/x"}, "")
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // whether the host is called does not matter
		_, err := compile(t, c).Action("call").Perform(ctx, component.Call{Client: client(t), Inputs: component.Inputs{"connection": connect("", host)}})
		refused := err != nil && strings.Contains(err.Error(), "is no host name")
		if refused == fine {
			t.Errorf("%q: got %v", host, err)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body  string
		headers     map[string]string
		inputs      map[string]any
		want        string
		contentType string
	}{
		{"none", ``, nil, nil, "", ""},
		{"object", `{"t":"{{$inputs.a}}","x":"n={{$inputs.a}}","{{$inputs.a}}":[1.50,null,true,{}, []]}`, nil, map[string]any{"a": value.Number("1.0")}, `{"t":1.0,"x":"n=1.0","{{$inputs.a}}":[1.50,null,true,{},[]]}`, "application/json"},
		{"data is no template", `{"a":"{{$inputs.a}}"}`, nil, map[string]any{"a": `{{$connection.apiKey}}"},{"`}, `{"a":"{{$connection.apiKey}}\"},{\""}`, "application/json"},
		{"absent data", `{"a":"{{$inputs.a}}","b":"[{{$inputs.b}}]"}`, nil, nil, `{"a":null,"b":"[]"}`, "application/json"},
		{"text", `"a={{$inputs.a}}"`, map[string]string{"content-type": "application/x-www-form-urlencoded"}, map[string]any{"a": "1"}, "a=1", "application/x-www-form-urlencoded"},
		{"text without a type", `"hello"`, nil, nil, "hello", "text/plain; charset=utf-8"},
		{"one reference to an object", `"{{$inputs.a}}"`, nil, map[string]any{"a": parseMust(`{"z":1,"a":2.0}`)}, `{"z":1,"a":2.0}`, "application/json"},
		{"one reference to bytes", `"{{$inputs.a}}"`, nil, map[string]any{"a": value.Bytes{Data: []byte{0xff, 0}, ContentType: "image/png"}}, "\xff\x00", "image/png"},
		{"one reference to nothing", `"{{$inputs.a}}"`, nil, nil, "", ""},
		{"own JSON type", `[1]`, map[string]string{"Content-Type": "application/vnd.api+json"}, nil, "[1]", "application/vnd.api+json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _, err := exchange(t, one(ipaas.HTTPRequest{Method: "POST", URL: "{{$connection.baseUrl}}", Body: tt.body, Headers: tt.headers}, ""), tt.inputs, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tt.want, tt.contentType}, []string{got.Body, got.ContentType}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func parseMust(text string) any {
	v, err := value.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return v
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	c := one(ipaas.HTTPRequest{Method: "DELETE", URL: "{{$connection.baseUrl}}", Headers: map[string]string{
		"x-key": "Key {{$connection.apiKey}}", "X-None": "{{$inputs.b}}", "X-A": "{{$inputs.a}}",
	}}, "")
	got, _, err := exchange(t, c, map[string]any{"a": value.Number("7")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"X-Key": "Key sesame", "X-None": "", "X-A": "7", "Idempotency-Key": "key"} {
		if text := got.Header.Get(name); text != want {
			t.Errorf("%s is %q, want %q", name, text, want)
		}
	}
	_, _, err = exchange(t, c, map[string]any{"a": "secret\r\nX-Evil: 1"}, nil)
	if err == nil || err.Error() != `action "call": header X-A would hold a line break or another control character: look at what {{$inputs.a}} refers to` {
		t.Errorf("got %v", err)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	answer := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Total", "2")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"items":[{"id":12345678901234567890}],"next":null}`)
	}
	tests := []struct{ result, want string }{
		{"", `{"items":[{"id":12345678901234567890}],"next":null}`},
		{"{{$response.body.items[0].id}}", `12345678901234567890`},
		{"{{$response.status}}", `202`},
		{"{{$response.headers.x-total}} of {{$inputs.a}}", `"2 of x"`},
		{"{{$response.body.none}}", `null`},
		{"done", `"done"`},
	}
	for _, tt := range tests {
		_, got, err := exchange(t, one(ipaas.HTTPRequest{Method: "GET", URL: "{{$connection.baseUrl}}"}, tt.result), map[string]any{"a": "x"}, answer)
		if err != nil || string(value.JSON(got)) != tt.want {
			t.Errorf("%s: got %s, %v; want %s", tt.result, value.JSON(got), err, tt.want)
		}
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		request  ipaas.HTTPRequest
		statuses []int // the server's answers; the last one again and again
		attempts int
		status   int // of the failure; 0: none
		unknown  bool
	}{
		{"success", ipaas.HTTPRequest{Method: "POST"}, []int{299}, 1, 0, false},
		{"another success", ipaas.HTTPRequest{Method: "GET", SuccessStatuses: []int{200, 404}}, []int{404}, 1, 0, false},
		{"no success", ipaas.HTTPRequest{Method: "POST", SuccessStatuses: []int{201}}, []int{200}, 1, 200, false},
		{"redirect of a write", ipaas.HTTPRequest{Method: "POST"}, []int{307}, 1, 307, false},
		{"it says that it did nothing", ipaas.HTTPRequest{Method: "POST"}, []int{429, 503, 200}, 3, 0, false},
		{"it goes on saying so", ipaas.HTTPRequest{Method: "POST"}, []int{503}, 3, 503, false},
		{"it may have done it", ipaas.HTTPRequest{Method: "POST"}, []int{504, 200}, 1, 504, true},
		{"twice is once", ipaas.HTTPRequest{Method: "DELETE"}, []int{502, 204}, 2, 0, false},
		{"it failed", ipaas.HTTPRequest{Method: "DELETE"}, []int{500, 204}, 1, 500, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.request.URL = "{{$connection.baseUrl}}"
			attempts := 0
			_, _, err := exchange(t, one(tt.request, ""), nil, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.statuses[min(attempts, len(tt.statuses)-1)])
				attempts++
			})
			if attempts != tt.attempts {
				t.Errorf("%d attempts, want %d", attempts, tt.attempts)
			}
			if tt.status == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if f := failure(t, err); f.Status != tt.status || f.Unknown != tt.unknown {
				t.Errorf("got %#v", f)
			}
		})
	}
}

func TestLostAnswerOfAWriteIsUnknown(t *testing.T) {
	t.Parallel()
	for method, unknown := range map[string]bool{"POST": true, "GET": false} {
		_, _, err := exchange(t, one(ipaas.HTTPRequest{Method: method, URL: "{{$connection.baseUrl}}"}, ""), nil, func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.Close()
			}
		})
		if f := failure(t, err); f.Unknown != unknown {
			t.Errorf("%s: got %#v", method, f)
		}
	}
}

func TestNothingSentIsNotUnknown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c := compile(t, one(ipaas.HTTPRequest{Method: "POST", URL: "{{$connection.baseUrl}}/x?key={{$inputs.c}}"}, ""))
	_, err := run(t, c.Action("call"), component.Call{}, map[string]any{"connection": connect(server.URL, "sesame"), "c": "hidden"})
	if f := failure(t, err); f.Unknown || strings.Contains(f.Message, "hidden") || !strings.HasPrefix(f.Message, "POST "+server.URL+"/x: ") {
		t.Errorf("got %#v", f)
	}
}

func TestASecretInThePathIsNotShown(t *testing.T) {
	t.Parallel()
	_, _, err := exchange(t, one(ipaas.HTTPRequest{Method: "GET", URL: "{{$connection.baseUrl}}/bot{{$inputs.c}}/{{$connection.apiKey}}"}, ""),
		map[string]any{"c": "123:ABC"}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	if f := failure(t, err); strings.Contains(f.Message, "ABC") || strings.Contains(f.Message, "sesame") {
		t.Errorf("got %s", f.Message)
	}
}

// TestDataNeverLeavesTheHost puts hostile data everywhere and looks at where the call goes.
func TestDataNeverLeavesTheHost(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var lines []string
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		lines = append(lines, r.RequestURI)
		mu.Unlock()
	}))
	c := compile(t, one(ipaas.HTTPRequest{
		Method: "POST", URL: "{{$connection.baseUrl}}/p/{{$inputs.a}}/q/x{{$inputs.b}}?f={{$inputs.c}}", Query: map[string]string{"g": "{{$inputs.a}}"}, Body: `{"a":"{{$inputs.a}}"}`,
	}, ""))
	own := client(t)
	hostile := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[./\\%2eEfF@:?#&=;+ a-c\r\n\x00-]{0,12}`),
		rapid.SampledFrom([]string{"..", "/..", "../../admin", "//evil.example", "@evil.example", ":80@evil.example/", "\\..\\", "%2e%2e", "%252e", "https://evil.example", "?x", "#x", "{{$connection.apiKey}}", "\r\nHost: evil.example"}),
	)
	rapid.Check(t, func(rt *rapid.T) {
		in := component.Inputs{"connection": connect(server.URL+"/base", "sesame-open")}
		for _, key := range []string{"a", "b", "c"} {
			in[key] = strings.ToValidUTF8(hostile.Draw(rt, key), "")
		}
		mu.Lock()
		lines = nil
		mu.Unlock()
		_, err := c.Action("call").Perform(t.Context(), component.Call{Inputs: in, Client: own})
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			if len(lines) > 0 {
				rt.Fatalf("it was sent and failed: %v", err)
			}
			return
		}
		u, err := url.ParseRequestURI(lines[0])
		if err != nil {
			rt.Fatal(err)
		}
		segments := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
		if len(segments) != 5 || segments[0] != "base" || segments[1] != "p" || segments[3] != "q" {
			rt.Fatalf("the path became %q", u.EscapedPath())
		}
		a, _ := url.PathUnescape(segments[2])
		b, _ := url.PathUnescape(segments[4])
		if query := u.Query(); a != in["a"] || b != "x"+in["b"].(string) || query.Get("f") != in["c"] || query.Get("g") != in["a"] || len(query) > 2 {
			rt.Fatalf("data was changed on its way: %q", lines[0])
		}
	})
}

// FuzzComponent makes components of random parts: checking, compiling and running them never panics, and what is called is the host
// that the template names.
func FuzzComponent(f *testing.F) {
	f.Add("https://acme.example/{{$inputs.a}}", "X-A", "{{$inputs.b}}", `{"a":"{{$inputs.c}}"}`, "{{$response.body.x}}", "..", "{{$result.id}}")
	f.Add("{{$connection.baseUrl}}?{{$inputs.a}}", "Host", "\r\n", `"{{$inputs}}"`, "{{$response}}", "//evil.example", "{{$inputs[\"a\"]}}")
	f.Add("https://{{$connection.apiKey}}:1/a{{$inputs.a}}/..", "", "{{", "[[", "{{#x}}", "\x00", "")
	f.Fuzz(func(t *testing.T, address, name, header, body, result, data, undo string) {
		c := one(ipaas.HTTPRequest{Method: "POST", URL: address, Headers: map[string]string{name: header}, Query: map[string]string{name: header}, Body: body}, result)
		c.Actions[0].Undo = &ipaas.Undo{Action: "remove", Inputs: map[string]string{"id": undo}, RemoteID: undo}
		c.Actions = append(c.Actions, ipaas.Action{
			Key: "remove", Request: &ipaas.HTTPRequest{Method: "DELETE", URL: "https://acme.example"}, Inputs: []ipaas.InputField{{Key: "id", Default: data}},
		})
		compiled, err := declarative.Compile(c)
		if (err == nil) != (len(declarative.Validate(c)) == 0) {
			t.Fatal("what is valid does not compile, or the other way round")
		}
		if err != nil {
			return
		}
		strict, err := outbound.New(outbound.Options{}) // loopback is refused: nothing leaves
		if err != nil {
			t.Fatal(err)
		}
		in := component.Inputs{"connection": connect("http://127.0.0.1:1", "127.0.0.1"), "a": data, "b": value.Obj(value.Field{Key: data, Value: data}), "c": []any{data, nil}}
		if !strings.HasPrefix(address, "{{$connection.baseUrl}}") {
			return // another host would be looked up
		}
		action := compiled.Action("call")
		_, err = action.Perform(t.Context(), component.Call{Inputs: in, Client: strict})
		if err == nil {
			t.Fatal("nothing can have answered")
		}
		if strings.Contains(err.Error(), "no such host") || strings.Contains(err.Error(), "evil") && !strings.Contains(address+name+header, "evil") {
			t.Fatalf("data chose the host: %v", err)
		}
		_, _ = component.UndoInputs(action, parse(t, `{"id":1}`), in)
		_ = component.RemoteID(action, nil, in)
	})
}
