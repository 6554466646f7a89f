package outbound_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/outbound"
)

// TestTapeNamesWhatItIsAskedOnce: an error begins with the request.
func TestTapeNamesWhatItIsAskedOnce(t *testing.T) {
	t.Parallel()
	one := []outbound.Exchange{{Method: "GET", URL: "https://a.example/a", Status: 200}}
	for _, tt := range []struct {
		exchanges []outbound.Exchange
		url, want string
	}{
		{nil, "https://a.example/x", "GET https://a.example/x: the test is offline, and was given no exchange to answer it from: give one, or a result for the step"},
		{one, "https://a.example/x", "GET https://a.example/x: the test is offline, and its only exchange is not for it: give one, or a result for the step"},
		{one, "https://a.example/a?b=1", "GET https://a.example/a: the test is offline, and its only exchange is not for GET https://a.example/a?b=1: give one, or a result for the step"},
	} {
		tape := outbound.NewTape(outbound.TapeOptions{Exchanges: tt.exchanges, Offline: true})
		_, err := local(t).Through(tape, "").Do(t.Context(), outbound.Request{URL: tt.url})
		if err == nil || err.Error() != tt.want {
			t.Errorf("failed with %v, want %s", err, tt.want)
		}
	}
}

// TestTapeRecordsWhyThereWasNoAnswer so that it is told the same when it is answered from what was recorded.
func TestTapeRecordsWhyThereWasNoAnswer(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.Close() // that is what it is for
	})
	call := func(tape *outbound.Tape) string {
		_, err := local(t).Through(tape, "").Do(t.Context(), outbound.Request{URL: url})
		if !errors.Is(err, outbound.Interrupted) {
			t.Fatalf("failed with %v", err)
		}
		return err.Error()
	}
	recording := outbound.NewTape(outbound.TapeOptions{Record: true})
	want := call(recording)
	if got := call(outbound.NewTape(outbound.TapeOptions{Exchanges: recording.Made()})); got != want {
		t.Errorf("failed with %q, and answered from what was recorded with %q", want, got)
	}
}

// TestTapeRecordsNoTokens: what a token endpoint answers is recorded nowhere, and the flow runs with what stands in its place.
func TestTapeRecordsNoTokens(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/token":
			_, _ = fmt.Fprint(w, `{"token_type": "Bearer", "access_token": "ya29.a0\/long", "refresh_token":"1\/\/refresh","expires_in":3599,"id_token":"short"}`)
		case "/form":
			_, _ = fmt.Fprint(w, `scope=repo&access_token=gho_16C7e42F292c`)
		default:
			_, _ = fmt.Fprintf(w, "saw %s", r.URL.Query().Get("t"))
		}
	})
	run := func(tape *outbound.Tape, token string) {
		c := local(t).Through(tape, "")
		for _, path := range []string{"/token", "/form", "/use?t=" + token} {
			do(t, c, outbound.Request{URL: url + path})
		}
	}
	recording := outbound.NewTape(outbound.TapeOptions{Record: true})
	run(recording, "ya29.a0%2Flong")
	made := recording.Made()
	var all strings.Builder
	for _, e := range made {
		fmt.Fprintln(&all, e.URL, string(e.ResponseBody))
	}
	for _, token := range []string{"ya29", "refresh\"", "gho_"} {
		if strings.Contains(all.String(), token) {
			t.Errorf("%s is recorded:\n%s", token, all.String())
		}
	}
	if want := `{"token_type": "Bearer", "access_token": "[redacted]", "refresh_token":"[redacted]","expires_in":3599,"id_token":"short"}`; string(made[0].ResponseBody) != want {
		t.Errorf("recorded %s", made[0].ResponseBody)
	}
	if got := string(made[1].ResponseBody) + " " + string(made[2].ResponseBody); got != "scope=repo&access_token=[redacted] saw [redacted]" {
		t.Errorf("recorded %s", got)
	}
	run(outbound.NewTape(outbound.TapeOptions{Exchanges: made, Offline: true}), "[redacted]")
}

func TestTapeRecords(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new?secret=s3cret-text", http.StatusTemporaryRedirect)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Set-Cookie", "session=1")
		w.Header().Set("X-Saw", "s3cret-text")
		_, _ = fmt.Fprintf(w, "saw %s", body) // the caller may have gone
	})
	tape := outbound.NewTape(outbound.TapeOptions{
		Record: true, Hide: func(text string) string { return strings.ReplaceAll(text, "s3cret-text", "[secret]") },
	})
	c := local(t).Through(tape, "step")
	resp := do(t, c, outbound.Request{
		Method: "POST", URL: url + "/old", Body: []byte("s3cret-text"), FollowRedirects: 1,
		Header: http.Header{"Authorization": {"Bearer other"}, "X-Mine": {"s3cret-text"}},
	})
	if string(resp.Body) != "saw s3cret-text" {
		t.Errorf("the caller was answered %q", resp.Body)
	}
	fails(t, c, outbound.Request{URL: "http://127.0.0.1:1/s3cret-text"}, outbound.Connect, false)
	made := tape.Made()
	if len(made) != 3 {
		t.Fatalf("recorded %d exchanges, want 3", len(made))
	}
	type short struct {
		method, url, asked, answered string
		status                       int
	}
	var got []short
	for _, e := range made[:2] {
		got = append(got, short{e.Method, strings.TrimPrefix(e.URL, url), string(e.RequestBody), string(e.ResponseBody), e.Status})
	}
	want := []short{{"POST", "/old", "[secret]", "", 307}, {"POST", "/new?secret=[secret]", "[secret]", "saw [secret]", 200}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(short{})); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	if made[1].Label != "step" || made[1].RequestHeader.Get("Authorization") != outbound.HiddenHeader || made[1].RequestHeader.Get("X-Mine") != "[secret]" ||
		made[1].ResponseHeader.Get("Set-Cookie") != outbound.HiddenHeader || made[1].ResponseHeader.Get("X-Saw") != "[secret]" ||
		made[1].ResponseHeader.Get("Content-Length") != "" {
		t.Errorf("the headers were recorded as %+v", made[1])
	}
	if made[2].Status != 0 || made[2].Error == "" || strings.Contains(made[2].Error+made[2].URL, "s3cret-text") {
		t.Errorf("what failed was recorded as %+v", made[2])
	}
}

func TestTapeAnswers(t *testing.T) {
	t.Parallel()
	exchange := func(method, url, asked, answer string) outbound.Exchange {
		return outbound.Exchange{Method: method, URL: url, RequestBody: []byte(asked), AnyBody: asked == "", Status: 200, ResponseBody: []byte(answer)}
	}
	given := []outbound.Exchange{
		exchange("GET", "https://a.example/x?b=2&a=1", "", "first"),
		exchange("get", "https://A.example:443/x?a=1&b=2", "", "second"),
		exchange("POST", "https://a.example", `{"a":1,"b":[2]}`, "json"),
		exchange("POST", "https://a.example/", "text", "text of {secret}"),
		exchange("POST", "https://a.example/hidden/[secret]", "of [secret]", "hidden"),
		{Method: "GET", URL: "https://a.example/lost", AnyBody: true, Error: "it did not answer"},
		{Method: "GET", URL: "https://a.example/moved", AnyBody: true, Status: 302, ResponseHeader: http.Header{"Location": {"/x?a=1&b=2"}}},
	}
	tape := outbound.NewTape(outbound.TapeOptions{
		Exchanges: given, Offline: true,
		Hide: func(text string) string { return strings.ReplaceAll(text, "s3cret-text", "[secret]") },
		Show: func(text string) string { return strings.ReplaceAll(text, "{secret}", "shown") },
	})
	c := client(t, outbound.Options{}).Through(tape, "step")
	tests := []struct {
		name, method, url, body, want string
	}{
		{"the first that fits", "GET", "https://a.example/x?a=1&b=2", "", "first"},
		{"the next one", "GET", "https://a.example/x?a=1&b=2#part", "", "second"},
		{"the last one again", "GET", "https://a.example/x?b=2&a=1", "", "second"},
		{"JSON by its value", "POST", "https://a.example/", ` {"b": [2], "a": 1} `, "json"},
		{"text as it is", "POST", "https://a.example", "text", "text of shown"},
		{"without what is hidden", "POST", "https://a.example/hidden/s3cret-text", "of s3cret-text", "hidden"},
		{"over a redirect", "GET", "https://a.example/moved", "", "second"},
	}
	for _, test := range tests { // in this order
		resp, err := c.Do(t.Context(), outbound.Request{Method: test.method, URL: test.url, Body: []byte(test.body), FollowRedirects: 1})
		if err != nil || string(resp.Body) != test.want {
			t.Errorf("%s: answered %v %v, want %q", test.name, resp, err, test.want)
		}
	}
	unfit := []struct {
		name string
		req  outbound.Request
		says string
	}{
		{"another method", outbound.Request{Method: "PUT", URL: "https://a.example/x?a=1&b=2"}, "PUT https://a.example/x: the test is offline, and none of its 7 exchanges is for PUT https://a.example/x?a=1&b=2: give one"},
		{"another parameter", outbound.Request{URL: "https://a.example/x?a=1"}, "none of its 7 exchanges"},
		{"another body", outbound.Request{Method: "POST", URL: "https://a.example", Body: []byte("s3cret-text")}, `is for another body than "[secret]"`},
	}
	for _, test := range unfit {
		err := failure(t, c, test.req, outbound.Blocked, false)
		if !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want one with %q", test.name, err, test.says)
		}
	}
	_, err := c.Do(t.Context(), outbound.Request{URL: "https://a.example/lost"})
	if !errors.Is(err, outbound.Interrupted) || !outbound.Sent(err) || !strings.Contains(err.Error(), "it did not answer") {
		t.Errorf("a lost answer is %v", err)
	}
	if made := tape.Made(); len(made) != 0 {
		t.Errorf("recorded without being told: %+v", made)
	}
}

// The guard looks at requests that leave, whatever a tape answers besides; and an answer is bounded as ever.
func TestTapeLeavesTheRestAsItIs(t *testing.T) {
	t.Parallel()
	tape := outbound.NewTape(outbound.TapeOptions{Record: true, Exchanges: []outbound.Exchange{
		{Method: "GET", URL: "http://a.example/large", AnyBody: true, Status: 200, ResponseBody: make([]byte, 100)},
	}})
	c := client(t, outbound.Options{MaxResponseBytes: 10}).Through(tape, "")
	fails(t, c, outbound.Request{URL: "http://127.0.0.1:1/"}, outbound.Blocked, false)
	fails(t, c, outbound.Request{URL: "http://a.example/large"}, outbound.TooLarge, false)
	if made := tape.Made(); len(made) != 2 || made[1].Error == "" || made[1].Status != 0 {
		t.Errorf("recorded %+v", made)
	}
}

func TestTapeIsBounded(t *testing.T) {
	t.Parallel()
	body := make([]byte, 2*outbound.MaxTapeBody)
	tape := outbound.NewTape(outbound.TapeOptions{Record: true, Exchanges: []outbound.Exchange{
		{Method: "POST", URL: "http://a.example/", AnyBody: true, Status: 200, ResponseBody: body[:10]},
	}})
	c := client(t, outbound.Options{}).Through(tape, "")
	for i := range outbound.MaxTapeExchanges + 5 {
		sent := body[:10]
		if i < 5 {
			sent = body
		}
		do(t, c, outbound.Request{Method: "POST", URL: "http://a.example/", Body: sent})
	}
	made, total := tape.Made(), 0
	for _, e := range made {
		total += len(e.RequestBody) + len(e.ResponseBody)
	}
	if len(made) != outbound.MaxTapeExchanges || total > outbound.MaxTapeBytes || !made[0].Truncated || len(made[0].RequestBody) != outbound.MaxTapeBody {
		t.Errorf("recorded %d exchanges of %d bytes, the first of them %d, truncated: %t", len(made), total, len(made[0].RequestBody), made[0].Truncated)
	}
}
