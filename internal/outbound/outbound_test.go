package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/outbound"
)

func TestDo_sends_the_request_and_returns_the_answer(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	})
	c := local(t)
	req := outbound.Request{
		Method: "post", URL: strings.Replace(url, "http://", "http://ann:s3cret@", 1) + "/a%2Fb?q=1 2&ä#frag",
		Header: http.Header{
			"x-one": {"1", "2"}, "Host": {"evil"}, "Content-Length": {"999"}, "Connection": {"close, X-One"}, "Headrace-Hop": {"0"},
			"Transfer-Encoding": {"chunked"}, "Accept-Encoding": {"br"}, "Expect": {"100-continue"}, "Upgrade": {"websocket"},
		},
		Body: []byte("payload"), IdempotencyKey: "k1",
	}
	resp := do(t, c, req)
	if got.Method != "POST" || got.RequestURI != "/a%2Fb?q=1%202&%C3%A4" || got.Host != strings.TrimPrefix(url, "http://") || string(body) != "payload" {
		t.Errorf("request was %s %s to %s with body %q", got.Method, got.RequestURI, got.Host, body)
	}
	want := http.Header{
		"X-One": {"1", "2"}, "User-Agent": {"headrace/1.2.3"}, "Idempotency-Key": {"k1"}, "Content-Length": {"7"},
		"Authorization": {"Basic YW5uOnMzY3JldA=="}, "Accept-Encoding": {"gzip"},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if resp.Status != 418 || string(resp.Body) != "short and stout" || resp.ContentType != "text/plain; charset=utf-8" || resp.Duration <= 0 {
		t.Errorf("response is %+v", resp)
	}
	if strings.Contains(resp.FinalURL, "s3cret") || !strings.HasPrefix(resp.FinalURL, url) {
		t.Errorf("final URL is %s", resp.FinalURL)
	}
	if len(req.Header) != 9 {
		t.Error("the caller's header was changed")
	}
	do(t, c, outbound.Request{URL: url})
	if got.Method != "GET" || got.Header.Get("Cookie") != "" {
		t.Errorf("second request is %s with cookie %q", got.Method, got.Header.Get("Cookie"))
	}
	do(t, c, outbound.Request{Method: "DELETE", URL: url, IdempotencyKey: "k2", Header: http.Header{"User-Agent": {"mine"}, "Idempotency-Key": {"mine"}}})
	if got.Header.Get("User-Agent") != "mine" || got.Header.Get("Idempotency-Key") != "mine" || len(got.TransferEncoding) != 0 {
		t.Errorf("the caller's own headers are not kept: %v %v", got.Header, got.TransferEncoding)
	}
}

func TestDo_refuses_what_cannot_be_sent(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	url := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	c := local(t)
	for name, req := range map[string]outbound.Request{
		"no url":                 {},
		"relative":               {URL: "/x"},
		"no scheme":              {URL: "s3cret.example.com/x"},
		"file":                   {URL: "file:///etc/s3cret"},
		"gopher":                 {URL: "gopher://s3cret/"},
		"opaque":                 {URL: "http:s3cret"},
		"no host":                {URL: "http:///s3cret"},
		"userinfo only":          {URL: "http://s3cret@/"},
		"password with slash":    {URL: "http://user:s3cret/pass@example.com/"},
		"password with percent":  {URL: "http://user:s3cret%zz@example.com/"},
		"line break in url":      {URL: url + "/\r\ns3cret: 1"},
		"port 0":                 {URL: "http://127.0.0.1:0/s3cret"},
		"port too large":         {URL: "http://127.0.0.1:65536/s3cret"},
		"line break in value":    {URL: url, Header: http.Header{"X-A": {"b\r\ns3cret: 1"}}},
		"line break in name":     {URL: url, Header: http.Header{"X-A\r\nB": {"s3cret"}}},
		"empty name":             {URL: url, Header: http.Header{"": {"s3cret"}}},
		"nul in value":           {URL: url, Header: http.Header{"X-A": {"s3cret\x00"}}},
		"line break in key":      {URL: url, IdempotencyKey: "s3cret\n"},
		"method with space":      {URL: url, Method: "GET / HTTP/1.1"},
		"connect":                {URL: url, Method: "connect"},
		"too many redirects":     {URL: url, FollowRedirects: 4},
		"negative redirects":     {URL: url, FollowRedirects: -1},
		"host with a space":      {URL: "http://a b/s3cret"},
		"host of invalid labels": {URL: "http://a..b!/s3cret"},
	} {
		err := failure(t, c, req, outbound.BadRequest, false)
		if strings.Contains(err.Error(), "s3cret") && !strings.Contains(name, "port") {
			t.Errorf("%s: error shows what it should not: %v", name, err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("server was called %d times", hits.Load())
	}
}

func TestDo_reaches_loopback_in_no_spelling(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	port := portOf(t, serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	// The worst resolver: it finds loopback behind every name.
	c := client(t, outbound.Options{Resolver: resolver(always("127.0.0.1", "::1"))})
	hosts := strings.Fields(`
		127.0.0.1 127.0.0.2 127.255.255.254 127.1 127.0.1 127.0.0.1. 127.1. 0 0.0.0.0 0. 00000 0x0 localhost LOCALHOST localhost. localhost..
		foo.localhost localhost.localdomain ip6-localhost 2130706433 2130706433. 017700000001 0177.0.0.1 0177.0.0.01 0177.00.00.01 00177.0.0.1
		0x7f000001 0x7F000001 0x7f.0.0.1 0x7f.0x0.0x0.0x1 0x7f.1 0x7f.0.1 0X7F.0.0.1 127.0x1 127.0.0.0x1 0x7f000001. 0x 0x. 0x.0x.0 127.0.0.001 0127.0.0.1
		127.000.000.001 000127.0.0.1 4294967296 6425673729 18446744071562067969 127.0.0.257 383.0.0.1 256.0.0.1 127.0.0.1.nip.io 127-0-0-1.sslip.io
		[::1] [::] [0:0:0:0:0:0:0:1] [0000::0001] [::0001] [::127.0.0.1] [::7f00:1] [::ffff:127.0.0.1] [::FFFF:127.0.0.1] [::ffff:7f00:1] [::ffff:7f00:0001]
		[0:0:0:0:0:ffff:127.0.0.1] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2002:7f00:0001::1]
		[2001:0:7f00:1::] [2001::80ff:fffe] [fe80::1] [fe80::1%25lo] [::1%25lo] [fec0::1] [fc00::1] [fd00:ec2::254] [ff02::1] [100::1] [::ffff:0.0.0.0]
		[::ffff:169.254.169.254] [127.0.0.1] [localhost] [::1 ::1] []::1 [[::1]] [::1].example.com 169.254.169.254 169.254.169.254. 2852039166 0xa9fea9fe
		0251.0376.0251.0376 0xa9.0xfe.0xa9.0xfe 169.254.43518 metadata.google.internal 10.0.0.1 10.1 172.16.0.1 192.168.0.1 100.64.0.1 100.100.100.200
		198.18.0.1 192.0.0.192 168.63.129.16 224.0.0.1 240.0.0.1 255.255.255.255 127。0。0。1 127．0．0．1 127｡0｡0｡1 １２７.0.0.1 ①②⑦.⓪.⓪.①
		⑯⑨.254.169.254 ｌｏｃａｌｈｏｓｔ ⓛⓞⓒⓐⓛⓗⓞⓢⓣ loc%61lhost 127.0.0.%31 %31%32%37.0.0.1 127%2e0%2e0%2e1 [::%66fff:127.0.0.1] 0x7f%2e1 a_b.example.com
		xn--127-0-0-1 xn--a -127.0.0.1 127.0.0.1- localtest.me user@127.0.0.1 user:pass@127.0.0.1 example.com@127.0.0.1 127.0.0.1@127.0.0.1
		example.com:80@127.0.0.1 example.com%40127.0.0.1 example.com%23@127.0.0.1 example.com%00.127.0.0.1 127.0.0.1%09 127.0.0.1%20 %20127.0.0.1 example.com\@127.0.0.1`)
	suffixes := []string{":" + port + "/", "/", ":" + port + "?x", ":" + port + "#@example.com/"}
	tried := 0
	for _, scheme := range []string{"http://", "https://", "HTTP://"} {
		for _, host := range hosts {
			for _, suffix := range suffixes {
				if (scheme != "http://" || suffix != suffixes[0]) && tried%5 != 0 { // a sample of the less telling ones
					tried++
					continue
				}
				tried++
				raw := scheme + host + suffix
				resp, err := c.Do(t.Context(), outbound.Request{URL: raw, FollowRedirects: 3})
				if err == nil {
					t.Errorf("%s answered %d", raw, resp.Status)
					continue
				}
				// A few are no names to the resolver either, before it asks.
				if !errors.Is(err, outbound.Blocked) && !errors.Is(err, outbound.BadRequest) && !strings.Contains(err.Error(), "no such host") {
					t.Errorf("%s: neither blocked nor refused: %v", raw, err)
				}
				if outbound.Sent(err) {
					t.Errorf("%s: something was sent: %v", raw, err)
				}
			}
		}
	}
	if len(hosts) < 100 || hits.Load() != 0 {
		t.Errorf("%d spellings, %d calls came through", len(hosts), hits.Load())
	}
}

func TestDo_checks_the_address_that_it_dials(t *testing.T) {
	t.Parallel()
	var hits, asked atomic.Int32
	port := portOf(t, serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	// First public, then loopback: whoever checks first and dials later is
	// fooled. The public address is one that nobody announces.
	rebinding := func(string) []netip.Addr {
		if asked.Add(1)%4 < 2 { // two questions a look-up
			return []netip.Addr{netip.MustParseAddr("11.255.255.254")}
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	}
	c := client(t, outbound.Options{Resolver: resolver(rebinding), ConnectTimeout: 20 * time.Millisecond})
	blocked := 0
	for n := 0; n < 50 || blocked == 0; n++ { // a machine that is busy does not always come to dial in this time
		_, err := c.Do(t.Context(), outbound.Request{URL: "http://rebind.example.com:" + port + "/"})
		if err == nil || outbound.Sent(err) {
			t.Fatalf("a call came through: %v", err)
		}
		if errors.Is(err, outbound.Blocked) {
			blocked++
		}
	}
	mixed := client(t, outbound.Options{Resolver: resolver(always("11.255.255.254", "127.0.0.1", "::1", "::ffff:127.0.0.1")), ConnectTimeout: 20 * time.Millisecond})
	if _, err := mixed.Do(t.Context(), outbound.Request{URL: "http://mixed.example.com:" + port + "/"}); err == nil {
		t.Error("a name with a public and a private address came through")
	}
	if hits.Load() != 0 {
		t.Errorf("%d calls came through", hits.Load())
	}
}

func TestDo_blocks_and_says_the_way_out(t *testing.T) {
	t.Parallel()
	c := client(t, outbound.Options{Resolver: resolver(always("10.0.0.5"))})
	err := failure(t, c, outbound.Request{Method: "PUT", URL: "https://u:s3cret@erp.example.com/a?key=s3cret#s3cret"}, outbound.Blocked, false)
	want := "PUT https://erp.example.com/a: address 10.0.0.5 is private; the operator may allow it with --allow-private"
	if err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
}

func TestDo_caps_the_answer_inflated(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	gz := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 20 { // four times the cap
		_, _ = gz.Write(zeros)
	}
	_ = gz.Close()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/long":
			w.Header().Set("Content-Length", "10000000000")
			w.WriteHeader(200)
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		case "/exact":
			_, _ = w.Write(zeros)
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			small := gzip.NewWriter(w)
			_, _ = io.WriteString(small, "hello")
			_ = small.Close()
		}
	})
	c := local(t)
	for _, path := range []string{"/bomb", "/endless", "/long"} {
		err := failure(t, c, outbound.Request{URL: url + path}, outbound.TooLarge, true)
		if !strings.Contains(err.Error(), "5242880") {
			t.Errorf("%s: error does not name the cap: %v", path, err)
		}
	}
	if resp := do(t, c, outbound.Request{URL: url + "/exact", MaxResponseBytes: 1 << 20}); len(resp.Body) != 1<<20 {
		t.Errorf("answer as large as the cap has %d bytes", len(resp.Body))
	}
	fails(t, c, outbound.Request{URL: url + "/exact", MaxResponseBytes: 1<<20 - 1}, outbound.TooLarge, true)
	if resp := do(t, c, outbound.Request{URL: url + "/gzip", MaxResponseBytes: 1<<63 - 1}); string(resp.Body) != "hello" {
		t.Errorf("inflated answer is %q", resp.Body)
	}
	if resp := do(t, c, outbound.Request{Method: "HEAD", URL: url + "/long"}); resp.Status != 200 {
		t.Errorf("head of a long answer is %d", resp.Status)
	}
}

func TestDo_verifies_certificates_unless_told_otherwise(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	c := local(t)
	fails(t, c, outbound.Request{URL: s.URL}, outbound.TLS, false)
	do(t, c, outbound.Request{URL: s.URL, InsecureSkipVerify: true})
	// The unverified connection is still open, and must not serve this one.
	fails(t, c, outbound.Request{URL: s.URL}, outbound.TLS, false)

	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	do(t, client(t, outbound.Options{AllowLoopback: true, RootCAs: pool}), outbound.Request{URL: s.URL})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              -1,
		"0":                             0,
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"1.5":                           1500 * time.Millisecond,
		"-1":                            -1,
		"NaN":                           -1,
		"Inf":                           -1,
		"1e999":                         -1,
		"soon":                          -1,
		"999999999999999999999":         time.Hour,
		"3601":                          time.Hour,
		"Sun, 01 Mar 2026 12:00:30 GMT": 30 * time.Second,
		"Sun, 01 Mar 2026 11:00:00 GMT": 0,
		"Sun, 01 Mar 2099 11:00:00 GMT": time.Hour,
	} {
		h := http.Header{}
		if value != "" {
			h.Set("Retry-After", value)
		}
		got, ok := outbound.RetryAfter(h, now)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}
