package builtin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/value"
)

// seen is a request as a server got it.
type seen struct {
	Line, Body string
	Header     http.Header
}

// recorder keeps what it was asked and answers with the next of its handlers, the last one again and again.
type recorder struct {
	mu      sync.Mutex
	answers []http.HandlerFunc
	got     []seen
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	n := min(len(r.got), len(r.answers)-1)
	r.got = append(r.got, seen{Line: req.Method + " " + req.RequestURI, Body: string(body), Header: req.Header})
	r.mu.Unlock()
	r.answers[n](w, req)
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

func serve(t *testing.T, answers ...http.HandlerFunc) (*recorder, string) {
	t.Helper()
	r := &recorder{answers: answers}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return r, s.URL
}

// call performs an HTTP action; %s in the inputs is the server's URL.
func call(t *testing.T, action, url, given string, more ...func(*component.Call)) (any, error) {
	t.Helper()
	client, err := outbound.New(outbound.Options{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	a := actionNamed(t, action)
	c := component.Call{
		Inputs: inputs(t, a.Inputs, strings.ReplaceAll(given, "%s", url)), Client: client, IdempotencyKey: "key-1", Log: func(ipaas.Severity, string) {},
	}
	for _, f := range more {
		f(&c)
	}
	got, err := a.Perform(t.Context(), c)
	return got.Data, err
}

func TestHTTPSends(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, action, inputs string
		line, body           string
		header               map[string]string
	}{
		{"get", "http.httpGet", `{"url":"%s/a?x=1#f","queryParams":[{"key":"q","value":"a b&c"},{"key":"n","value":1.50},{"key":"none","value":null}]}`, "GET /a?x=1&q=a+b%26c&n=1.50", "", map[string]string{"Idempotency-Key": "", "Content-Type": ""}},
		{"post object", "http.httpPost", `{"url":"%s/a","data":{"n":1.50}}`, "POST /a", `{"n":1.50}`, map[string]string{"Idempotency-Key": "key-1", "Content-Type": "application/json"}},
		{"post text of JSON", "http.httpPost", `{"url":"%s","data":"[1]"}`, "POST /", `[1]`, map[string]string{"Content-Type": "application/json"}},
		{"put text", "http.httpPut", `{"url":"%s","data":"hello"}`, "PUT /", "hello", map[string]string{"Idempotency-Key": "key-1", "Content-Type": "text/plain; charset=utf-8"}},
		{"patch with a content type", "http.httpPatch", `{"url":"%s","data":"a=1","headers":{"content-type":"application/x-www-form-urlencoded","X-None":""}}`, "PATCH /", "a=1", map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-None": ""}},
		{"delete", "http.httpDelete", `{"url":" %s/a/b "}`, "DELETE /a/b", "", map[string]string{"Idempotency-Key": "key-1"}},
		{"head", "http.httpHead", `{"url":"%s/a"}`, "HEAD /a", "", map[string]string{"Idempotency-Key": "", "Content-Type": ""}},
		{"a method given in small letters", "http.httpRequest", `{"method":"post","url":"%s/a","data":[1]}`, "POST /a", "[1]", map[string]string{"Idempotency-Key": "key-1", "Content-Type": "application/json"}},
		{"a method without a body", "http.httpRequest", `{"method":"OPTIONS","url":"%s/a","data":[1]}`, "OPTIONS /a", "", map[string]string{"Idempotency-Key": ""}},
		{"no method", "http.httpRequest", `{"method":"","url":"%s/a"}`, "GET /a", "", nil},
		{"raw with data", "http.rawRequest", `{"method":"PATCH","url":"%s/a","data":"x","formData":"","fileData":""}`, "PATCH /a", "x", map[string]string{"Idempotency-Key": "key-1"}},
		{"as forms leave it", "http.httpPost", `{"url":"%s","connection":"","data":"","headers":[],"queryParams":[],"timeout":"","maxRetries":"","responseType":"","ignoreSslErrors":""}`, "POST /", "", map[string]string{"Content-Type": "", "Authorization": ""}},
		{"own key", "http.httpPost", `{"url":"%s","headers":{"Idempotency-Key":"mine"}}`, "POST /", "", map[string]string{"Idempotency-Key": "mine"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, url := serve(t, answer(200, "text/plain", "ok"))
			if _, err := call(t, tt.action, url, tt.inputs); err != nil {
				t.Fatal(err)
			}
			if got := server.got[0]; got.Line != tt.line || got.Body != tt.body {
				t.Errorf("got %q with %q, want %q with %q", got.Line, got.Body, tt.line, tt.body)
			}
			for name, want := range tt.header {
				if got := server.got[0].Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestHTTPReads(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, kind  string
		contentType string
		body        string
		want        any
	}{
		{"json", "json", "application/vnd.api+json; charset=utf-8", `{"a":1.50}`, value.Obj(value.Field{Key: "a", Value: value.Number("1.50")})},
		{"json by its looks", "", "text/plain", ` [1]`, []any{value.Number("1")}},
		{"a number in plain text stays text", "json", "text/plain", "007", "007"},
		{"a declared number", "json", "application/json", "7", value.Number("7")},
		{"not the JSON it claims to be", "json", "application/json", "OK", "OK"},
		{"html", "json", "text/html", "<p>", "<p>"},
		{"nothing", "json", "application/json", "", nil},
		{"bytes", "json", "image/png", "\x89PNG\xff", value.Bytes{Data: []byte("\x89PNG\xff"), ContentType: "image/png"}},
		{"broken text", "json", "text/plain", "a\xff", value.Bytes{Data: []byte("a\xff"), ContentType: "text/plain"}},
		{"text", "text", "application/json", `{"a":1}`, `{"a":1}`},
		{"binary", "binary", "application/json", `{}`, value.Bytes{Data: []byte(`{}`), ContentType: "application/json"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, url := serve(t, answer(200, tt.contentType, tt.body))
			got, err := call(t, "http.httpGet", url, fmt.Sprintf(`{"url":"%%s","responseType":%q}`, tt.kind))
			if err != nil || !value.Equal(got, tt.want) {
				t.Errorf("got %#v, %v; want %#v", got, err, tt.want)
			}
		})
	}
}

func TestHTTPFullResponse(t *testing.T) {
	t.Parallel()
	_, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", "b")
		w.WriteHeader(http.StatusCreated)
	})
	got, err := call(t, "http.httpPost", url, `{"url":"%s","includeFullResponse":"true"}`)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := got.(*value.Object)
	headers, _ := o.Get("headers")
	h, _ := headers.(*value.Object)
	if two, _ := h.Find("x-two"); two != "a, b" {
		t.Errorf("header is %v", two)
	}
	if status, _ := o.Get("status"); status != value.Number("201") {
		t.Errorf("status is %v", status)
	}
	if diff := cmp.Diff([]string{"data", "status", "headers"}, o.Keys()); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func connection(kind string, public, secret map[string]string) func(*component.Call) {
	c := &component.Connection{Type: kind, Inputs: value.Obj(), Public: value.Obj()}
	for k, v := range public {
		c.Inputs.Set(k, v)
		c.Public.Set(k, v)
	}
	for k, v := range secret {
		c.Inputs.Set(k, v)
	}
	return func(call *component.Call) { call.Inputs["connection"] = c }
}

func TestHTTPConnections(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		connection func(*component.Call)
		header     string
		want, err  string
	}{
		{"basic", connection("http.basic", map[string]string{"username": "ada"}, map[string]string{"password": "pw:1"}), "Authorization", "Basic YWRhOnB3OjE=", ""},
		{"bearer", connection("http.bearer", nil, map[string]string{"token": "t0k"}), "Authorization", "Bearer t0k", ""},
		{"key", connection("http.apiKey", map[string]string{"header": "X-Key"}, map[string]string{"apiKey": "k3y"}), "X-Key", "k3y", ""},
		{"key without a scheme", connection("http.apiKey", nil, map[string]string{"apiKey": "k3y"}), "Authorization", "Basic k3y", ""},
		{"key with a scheme", connection("http.apiKey", map[string]string{"authScheme": "Token"}, map[string]string{"apiKey": "k3y"}), "Authorization", "Token k3y", ""},
		{"of another component", connection("acme.apiKey", nil, nil), "", "", `GET: input "connection" is a connection of type acme.apiKey: give one of http.basic, http.apiKey, http.bearer`},
		{"with a line break", connection("http.bearer", nil, map[string]string{"token": "a\r\nX-B: c"}), "", "", `GET: the connection's credentials hold a line break or another control character: enter them again`},
		{"with a wrong header", connection("http.apiKey", map[string]string{"header": "X:Y"}, map[string]string{"apiKey": "k"}), "", "", `GET: the connection's header is no header name: use letters, digits and hyphens`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, url := serve(t, answer(200, "", ""))
			_, err := call(t, "http.httpGet", url, `{"url":"%s"}`, tt.connection)
			wantError(t, err, tt.err)
			if err == nil && server.got[0].Header.Get(tt.header) != tt.want {
				t.Errorf("%s is %q, want %q", tt.header, server.got[0].Header.Get(tt.header), tt.want)
			}
		})
	}
}

func TestHTTPHeaderOfTheStepCountsBeforeTheConnection(t *testing.T) {
	t.Parallel()
	server, url := serve(t, answer(200, "", ""))
	_, err := call(t, "http.httpGet", url, `{"url":"%s","headers":{"authorization":"mine"}}`, connection("http.bearer", nil, map[string]string{"token": "t"}))
	if got := server.got[0].Header.Values("Authorization"); err != nil || len(got) != 1 || got[0] != "mine" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestHTTPErrorsNameTheCall(t *testing.T) {
	t.Parallel()
	_, url := serve(t, answer(422, "application/json", "{\"error\":\n \"no\tname\"}"))
	_, err := call(t, "http.httpPost", url, `{"url":"%s/v1/c?api_key=hidden"}`)
	wantError(t, err, "POST "+url+`/v1/c answered 422 Unprocessable Entity: {"error": "no name"}`)
	var f *component.Failure
	if !errors.As(err, &f) || f.Status != 422 || f.Unknown || f.Gone() {
		t.Errorf("got %#v", f)
	}
}

// TestHTTPErrorsHideTheConnection checks the excerpt at every place it may be cut: half a secret is one, too.
func TestHTTPErrorsHideTheConnection(t *testing.T) {
	t.Parallel()
	const token = "very/secret+token"
	for pad := 280; pad < 301; pad++ {
		_, url := serve(t, answer(500, "text/plain", strings.Repeat("x", pad)+token))
		_, err := call(t, "http.httpGet", url, `{"url":"%s/very%2Fsecret+token"}`, connection("http.bearer", nil, map[string]string{"token": token}))
		if err == nil || strings.Contains(err.Error(), "very") || strings.Contains(err.Error(), "secret+") {
			t.Fatalf("got %v", err)
		}
	}
}

func TestHTTPRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ inputs, want string }{
		{`{"url":"/relative"}`, `GET: input "url" is no absolute URL: give one that begins with https:// or http://`},
		{`{"url":"ftp://a/b"}`, `GET: input "url" is no absolute URL: give one that begins with https:// or http://`},
		{`{"url":"https://user:pass word@x"}`, `GET: input "url" is no absolute URL: give one that begins with https:// or http://`},
		{`{"url":"http://x","headers":{"A":"b\r\nc"}}`, `GET: input "headers": header A holds a line break or another control character: remove it`},
		{`{"url":"http://x","headers":{"A b":"c"}}`, `GET: input "headers" has the header name "A b": use letters, digits and hyphens`},
		{`{"url":"http://x","timeout":-1}`, `GET: input "timeout" is -1: give 0 to 900000 milliseconds`},
		{`{"url":"http://x","maxRetries":11}`, `GET: input "maxRetries" is 11: give 0 to 10`},
		{`{"url":"http://x","retryDelayMS":60001}`, `GET: input "retryDelayMS" is 60001: give 0 to 60000 milliseconds`},
		{`{"url":"http://x","maxRedirects":-1}`, `GET: input "maxRedirects" is no number of redirects: give 0 to 3`},
	}
	for _, tt := range tests {
		_, err := call(t, "http.httpGet", "", tt.inputs)
		wantError(t, err, tt.want)
	}
}

func TestHTTPRetries(t *testing.T) {
	t.Parallel()
	ok, busy := answer(200, "", "ok"), answer(503, "", "")
	tests := []struct {
		name, action, inputs string
		answers              []http.HandlerFunc
		attempts             int
		err                  string
	}{
		{"not unless asked", "http.httpGet", `{"url":"%s"}`, []http.HandlerFunc{busy, ok}, 1, "answered 503"},
		{"server error", "http.httpPost", `{"url":"%s","maxRetries":2}`, []http.HandlerFunc{answer(500, "", ""), busy, ok}, 3, ""},
		{"too many requests", "http.httpGet", `{"url":"%s","maxRetries":1}`, []http.HandlerFunc{answer(429, "", ""), ok}, 2, ""},
		{"lost answer", "http.httpPost", `{"url":"%s","maxRetries":1}`, []http.HandlerFunc{hangUp, ok}, 2, ""},
		{"given up", "http.httpGet", `{"url":"%s","maxRetries":"2","retryDelayMS":"1","useExponentialBackoff":true}`, []http.HandlerFunc{busy}, 3, "answered 503"},
		{"client error", "http.httpGet", `{"url":"%s","maxRetries":2}`, []http.HandlerFunc{answer(404, "", ""), ok}, 1, "answered 404"},
		{"client error, all errors", "http.httpGet", `{"url":"%s","maxRetries":2,"retryOnAllErrors":true}`, []http.HandlerFunc{answer(404, "", ""), ok}, 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, url := serve(t, tt.answers...)
			_, err := call(t, tt.action, url, tt.inputs)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
			if len(server.got) != tt.attempts {
				t.Errorf("%d attempts, want %d", len(server.got), tt.attempts)
			}
			for _, s := range server.got {
				if want := server.got[0].Header.Get("Idempotency-Key"); s.Header.Get("Idempotency-Key") != want {
					t.Errorf("the keys of the attempts differ")
				}
			}
		})
	}
}

func TestHTTPLostAnswerIsUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		action  string
		answers []http.HandlerFunc
		unknown bool
	}{
		{"http.httpPost", []http.HandlerFunc{hangUp}, true},
		{"http.httpPost", []http.HandlerFunc{answer(504, "", "")}, true},
		{"http.httpPost", []http.HandlerFunc{answer(500, "", "")}, false},
		{"http.httpPost", []http.HandlerFunc{hangUp, answer(400, "", "")}, true}, // the second answer says nothing of the first attempt
		{"http.httpGet", []http.HandlerFunc{hangUp}, false},
	}
	for i, tt := range tests {
		_, url := serve(t, tt.answers...)
		_, err := call(t, tt.action, url, `{"url":"%s","maxRetries":1}`)
		var f *component.Failure
		if !errors.As(err, &f) || f.Unknown != tt.unknown {
			t.Errorf("%d: got %#v, want unknown %t", i, err, tt.unknown)
		}
	}
}

func TestHTTPDoesNotWaitPastTheDeadline(t *testing.T) {
	t.Parallel()
	server, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	a := actionNamed(t, "http.httpGet")
	client, err := outbound.New(outbound.Options{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = a.Perform(ctx, component.Call{Inputs: inputs(t, a.Inputs, strings.ReplaceAll(`{"url":"%s","maxRetries":3}`, "%s", url)), Client: client})
	if ctx.Err() != nil || len(server.got) != 1 {
		t.Errorf("it waited: %d attempts", len(server.got))
	}
	wantError(t, err, "GET "+url+" answered 429 Too Many Requests (it wants to be called less often)")
}

func TestHTTPTimesOut(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	var came atomic.Int32
	_, url := serve(t, func(http.ResponseWriter, *http.Request) {
		came.Add(1)
		<-done
	})
	t.Cleanup(func() { close(done) })
	var err error
	for timeout := 50; came.Load() == 0; timeout *= 2 { // on a busy machine it may be over before the request is sent
		_, err = call(t, "http.httpPost", url, fmt.Sprintf(`{"url":"%%s","timeout":%d}`, timeout))
	}
	var f *component.Failure
	if !errors.As(err, &f) || !f.Unknown || !errors.Is(err, outbound.Timeout) {
		t.Errorf("got %#v", err)
	}
}

func TestHTTPDebugLogsNoSecrets(t *testing.T) {
	t.Parallel()
	_, url := serve(t, answer(200, "text/plain", "secret-body"))
	var lines []string
	_, err := call(t, "http.httpPost", url, `{"url":"%s/a?key=secret-query","data":"secret-data","debugRequest":true}`,
		connection("http.bearer", nil, map[string]string{"token": "secret-token"}),
		func(c *component.Call) {
			c.Log = func(s ipaas.Severity, m string) { lines = append(lines, string(s)+" "+m) }
		})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(lines, "\n")
	if len(lines) != 2 || strings.Contains(all, "secret") || !strings.Contains(all, "POST "+url+"/a, headers Accept Authorization Content-Type, 11 bytes") {
		t.Errorf("got:\n%s", all)
	}
}

func TestHTTPCountsHops(t *testing.T) {
	t.Parallel()
	server, url := serve(t, answer(200, "", ""))
	client, err := outbound.New(outbound.Options{SelfHooksURL: url + "/hooks/", MaxHops: 3})
	if err != nil {
		t.Fatal(err)
	}
	use := func(hop int) func(*component.Call) {
		return func(c *component.Call) { c.Client, c.Hop = client, hop }
	}
	if _, err := call(t, "http.httpPost", url, `{"url":"%s/hooks/x"}`, use(2)); err != nil || server.got[0].Header.Get(outbound.HopHeader) != "3" {
		t.Errorf("got %v, %v", server.got, err)
	}
	if _, err := call(t, "http.httpPost", url, `{"url":"%s/hooks/x"}`, use(3)); !errors.Is(err, outbound.Blocked) {
		t.Errorf("got %v, want it blocked", err)
	}
}

func TestHTTPMethodsAreKnown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ action, inputs, want string }{
		{"http.httpRequest", `{"method":"TRACE","url":"http://x"}`, `input "method" is no method that can be sent: give one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS`},
		{"http.rawRequest", `{"method":"GET /\r\n","url":"http://x"}`, `input "method" is no method that can be sent: give one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS`},
		{"http.httpPostFormData", `{"httpMethod":"get","url":"http://x"}`, `input "httpMethod" is no method that can be sent: give one of POST, PUT, PATCH`},
		{"http.rawRequest", `{"method":"POST","url":"http://x","data":"x","formData":{"a":"b"}}`, `inputs "data" and "formData" are both given: a request has one body, so give one of them`},
	} {
		_, err := call(t, tt.action, "", tt.inputs)
		wantError(t, err, tt.want)
	}
}

func TestHTTPRedirects(t *testing.T) {
	t.Parallel()
	there := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/there", http.StatusFound) }
	for _, tt := range []struct{ inputs, err string }{
		{`{"url":"%s"}`, ""},
		{`{"url":"%s","maxRedirects":"5"}`, ""},
		{`{"url":"%s","maxRedirects":1}`, ""},
		{`{"url":"%s","maxRedirects":0}`, "a redirect that is not followed"},
	} {
		_, url := serve(t, there, answer(200, "text/plain", "there"))
		got, err := call(t, "http.httpGet", url, tt.inputs)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || err == nil && got != "there" {
			t.Errorf("%s: got %v, %v", tt.inputs, got, err)
		}
	}
}

func TestHTTPBackoffBeginsByItself(t *testing.T) {
	t.Parallel()
	_, url := serve(t, answer(503, "", ""), answer(200, "text/plain", "ok"))
	var lines []string
	_, err := call(t, "http.httpGet", url, `{"url":"%s","maxRetries":1,"useExponentialBackoff":true}`, func(c *component.Call) {
		c.Log = func(_ ipaas.Severity, m string) { lines = append(lines, m) }
	})
	if err != nil || len(lines) != 1 || strings.Contains(lines[0], "in 0s") {
		t.Errorf("got %q, %v", lines, err)
	}
}

func TestHTTPForms(t *testing.T) {
	t.Parallel()
	type file struct{ Name, Type, Data string }
	for _, action := range []string{"http.httpPostFormData", "http.rawRequest"} {
		var method string
		fields, files := map[string][]string{}, map[string]file{}
		bodies := []string{}
		handler := func(w http.ResponseWriter, r *http.Request) {
			whole, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(whole))
			r.Body = io.NopCloser(strings.NewReader(string(whole)))
			if err := r.ParseMultipartForm(1 << 20); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			method, fields = r.Method, r.MultipartForm.Value
			for key, list := range r.MultipartForm.File {
				f, _ := list[0].Open()
				data, _ := io.ReadAll(f)
				files[key] = file{list[0].Filename, list[0].Header.Get("Content-Type"), string(data)}
			}
		}
		server := httptest.NewServer(http.HandlerFunc(handler))
		t.Cleanup(server.Close)
		in := `{"url":"%s","httpMethod":"put","formData":[{"key":"title","value":"Invoice"},{"key":"n","value":{"a":1.50}},{"key":"","value":""}],
			"fileData":{"a\"b\r\n":"text","none":null},"fileDataFileNames":{"a\"b\r\n":"x\"; y.txt","pdf":"invoice.pdf"}}`
		if action == "http.rawRequest" {
			in = strings.Replace(in, "httpMethod", "method", 1)
		}
		for range 2 {
			_, err := call(t, action, server.URL, in, func(c *component.Call) {
				c.Inputs["fileData"] = append(c.Inputs.Pairs("fileData"), component.Pair{Key: "pdf", Value: value.Bytes{Data: []byte("%PDF\xff"), ContentType: "application/pdf"}})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if method != "PUT" {
			t.Errorf("%s: the method is %s", action, method)
		}
		if diff := cmp.Diff(map[string][]string{"title": {"Invoice"}, "n": {`{"a":1.50}`}}, fields); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", action, diff)
		}
		want := map[string]file{"a%22b%0D%0A": {"x%22; y.txt", "text/plain; charset=utf-8", "text"}, "pdf": {"invoice.pdf", "application/pdf", "%PDF\xff"}}
		if diff := cmp.Diff(want, files); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", action, diff)
		}
		if bodies[0] != bodies[1] {
			t.Errorf("%s: the same form is sent as other bytes", action)
		}
	}
}

func TestHTTPFormsAreBounded(t *testing.T) {
	t.Parallel()
	_, err := call(t, "http.httpPostFormData", "http://127.0.0.1:1", `{"url":"%s"}`, func(c *component.Call) {
		c.Inputs["fileData"] = []component.Pair{{Key: "a", Value: value.Bytes{Data: make([]byte, 40<<20)}}, {Key: "b", Value: value.Bytes{Data: make([]byte, 40<<20)}}}
	})
	wantError(t, err, "POST: the form is larger than 64 MiB: send less at once")
}

// TestLegacyWebhook proves that the old trigger does what the one does that took its place.
func TestLegacyWebhook(t *testing.T) {
	t.Parallel()
	_, legacy := registry().Trigger("http.webhook")
	_, now := registry().Trigger(ipaas.TriggerWebhook)
	if diff := cmp.Diff(now.Inputs, legacy.Inputs); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	request := component.Request{Inputs: inputs(t, legacy.Inputs, `{"statusCode":202,"contentType":"application/json","body":{"received":true}}`)}
	want, err := now.Receive(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	got, err := legacy.Receive(t.Context(), request)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
