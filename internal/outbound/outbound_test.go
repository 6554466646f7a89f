package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/headrace/headrace/internal/outbound"
)

func client(t testing.TB, opts outbound.Options) *outbound.Client {
	t.Helper()
	c, err := outbound.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// local is a client that may call the servers of a test.
func local(t testing.TB) *outbound.Client {
	t.Helper()
	return client(t, outbound.Options{Version: "1.2.3", AllowLoopback: true})
}

func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func do(t testing.TB, c *outbound.Client, req outbound.Request) *outbound.Response {
	t.Helper()
	resp, err := c.Do(t.Context(), req)
	if err != nil {
		t.Fatalf("do: %v", err)
	}
	return resp
}

// fails is failure for who does not look closer.
func fails(t testing.TB, c *outbound.Client, req outbound.Request, kind outbound.Kind, sent bool) {
	t.Helper()
	_ = failure(t, c, req, kind, sent)
}

// failure makes a call that must fail in one way, and returns how it did.
func failure(t testing.TB, c *outbound.Client, req outbound.Request, kind outbound.Kind, sent bool) *outbound.Error {
	t.Helper()
	resp, err := c.Do(t.Context(), req)
	if err == nil {
		t.Fatalf("answered %d, want %s", resp.Status, kind)
	}
	return isError(t, err, kind, sent)
}

func isError(t testing.TB, err error, kind outbound.Kind, sent bool) *outbound.Error {
	t.Helper()
	var e *outbound.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is a %T: %v", err, err)
	}
	if e.Kind != kind || !errors.Is(err, kind) {
		t.Fatalf("kind %s, want %s: %v", e.Kind, kind, err)
	}
	if outbound.Sent(err) != sent {
		t.Fatalf("sent %t, want %t: %v", !sent, sent, err)
	}
	return e
}

// resolver answers every question for a name with what answer returns for it.
func resolver(answer func(name string) []netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go answerDNS(there, answer)
		return here, nil
	}}
}

func answerDNS(conn net.Conn, answer func(string) []netip.Addr) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		packet := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, packet); err != nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(packet); err != nil {
			return
		}
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		q := m.Questions[0]
		for _, a := range answer(strings.TrimSuffix(q.Name.String(), ".")) {
			head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type}
			switch {
			case a.Is4() && q.Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
			case a.Is6() && q.Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
		packet, err := m.AppendPack([]byte{0, 0})
		if err != nil {
			return
		}
		binary.BigEndian.PutUint16(packet, uint16(len(packet)-2))
		if _, err := conn.Write(packet); err != nil {
			return
		}
	}
}

func always(addrs ...string) func(string) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		out = append(out, netip.MustParseAddr(a))
	}
	return func(string) []netip.Addr { return out }
}

func portOf(t testing.TB, url string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

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
	c := client(t, outbound.Options{Resolver: resolver(always("127.0.0.1", "::1")), ConnectTimeout: time.Second})
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
	for range 50 {
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
	if hits.Load() != 0 || blocked == 0 {
		t.Errorf("%d calls came through, %d were blocked", hits.Load(), blocked)
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

func TestDo_on_its_own_webhooks(t *testing.T) {
	t.Parallel()
	var hops []string
	var elsewhere atomic.Int32
	var base string
	base = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/hooks/away"):
			http.Redirect(w, r, base+"/v1/flows", http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/hooks/round"):
			http.Redirect(w, r, base+"/hooks/again", http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/hooks/"):
			hops = append(hops, r.Header.Get(outbound.HopHeader))
		default:
			elsewhere.Add(1)
		}
	})
	c := client(t, outbound.Options{SelfHooksURL: base + "/hooks/", OwnPorts: []uint16{netip.MustParseAddrPort(strings.TrimPrefix(base, "http://")).Port()}})
	for hop := -1; hop < 5; hop++ {
		do(t, c, outbound.Request{URL: base + "/hooks/token/x", Hop: hop, Header: http.Header{"headrace-hop": {"-7"}}})
	}
	if diff := cmp.Diff([]string{"1", "1", "2", "3", "4", "5"}, hops); diff != "" {
		t.Errorf("hops (-want +got):\n%s", diff)
	}
	fails(t, c, outbound.Request{URL: base + "/hooks/token", Hop: 5}, outbound.Blocked, false)

	// Each of these follows calls that left a connection open to be reused.
	for _, path := range []string{"/", "/v1/flows", "/hooks/", "/hooks", "/hooks/../v1/flows", "/hooks/%2e%2e/v1", "/hooks//x", "/Hooks/x"} {
		fails(t, c, outbound.Request{URL: base + path}, outbound.Blocked, false)
	}
	for _, path := range []string{"/hooks/away", "/hooks/round"} {
		fails(t, c, outbound.Request{URL: base + path, FollowRedirects: 3}, outbound.Blocked, true)
	}
	if resp := do(t, c, outbound.Request{URL: base + "/hooks/away"}); resp.Status != http.StatusFound {
		t.Errorf("redirect not asked to be followed is a %d", resp.Status)
	}
	if elsewhere.Load() != 0 || len(hops) != 6 {
		t.Errorf("%d calls went beside the webhooks, %d to them", elsewhere.Load(), len(hops))
	}
}

func TestDo_counts_hops_through_a_redirect(t *testing.T) {
	t.Parallel()
	var hop string
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { hop = r.Header.Get(outbound.HopHeader) })
	third := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, base+"/hooks/x", http.StatusFound) })
	c := client(t, outbound.Options{SelfHooksURL: base + "/hooks/", AllowLoopback: true})
	do(t, c, outbound.Request{URL: third, FollowRedirects: 1, Hop: 2})
	if hop != "3" {
		t.Errorf("hop is %q, want 3", hop)
	}
	fails(t, c, outbound.Request{URL: third, FollowRedirects: 1, Hop: 5}, outbound.Blocked, true)
}

func TestDo_redirects(t *testing.T) {
	t.Parallel()
	type seen struct {
		Method, Path, Body string
		Header             http.Header
	}
	var last seen
	record := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := r.Header.Clone()
		h.Del("Accept-Encoding")
		h.Del("User-Agent")
		h.Del("Content-Length")
		last = seen{r.Method, r.URL.Path, string(body), h}
	}
	other := serve(t, record)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		var to string
		if n, _ := fmt.Sscanf(r.URL.Query().Get("to"), "%d,%s", &status, &to); n == 2 {
			w.Header().Set("Location", to)
			w.WriteHeader(status)
			return
		}
		record(w, r)
	})
	c := local(t)
	credentials := http.Header{"Authorization": {"Bearer x"}, "Cookie": {"a=b"}, "X-Api-Key": {"x"}, "Accept": {"text/html"}}
	kept := http.Header{"Accept": {"text/html"}}
	all := credentials.Clone()
	all.Set("Idempotency-Key", "k")
	withType := all.Clone()
	withType.Set("Content-Type", "text/x")
	for _, tt := range []struct {
		name, method, body, query string
		want                      seen
	}{
		{"same host keeps everything", "GET", "", "307,/b", seen{"GET", "/b", "", all}},
		{"307 repeats a post", "POST", "p", "307,/b", seen{"POST", "/b", "p", withType}},
		{"308 repeats a put", "PUT", "p", "308,/b", seen{"PUT", "/b", "p", withType}},
		{"301 repeats a put", "PUT", "p", "301,/b", seen{"PUT", "/b", "p", withType}},
		{"302 turns a post into a get", "POST", "p", "302,/b", seen{"GET", "/b", "", credentials}},
		{"303 turns a delete into a get", "DELETE", "", "303,/b", seen{"GET", "/b", "", credentials}},
		{"303 keeps a head", "HEAD", "", "303,/b", seen{"HEAD", "/b", "", all}},
		{"other host gets no credentials", "GET", "", "302," + other + "/c", seen{"GET", "/c", "", kept}},
		{"userinfo of a location is dropped", "GET", "", "302," + strings.Replace(other, "//", "//a:b@", 1) + "/c", seen{"GET", "/c", "", kept}},
		{"nor do they come back", "GET", "", "302," + other + "/c", seen{"GET", "/c", "", kept}},
	} {
		last = seen{}
		req := outbound.Request{Method: tt.method, URL: url + "/a?to=" + tt.query, Header: credentials.Clone(), FollowRedirects: 3, IdempotencyKey: "k"}
		if tt.body != "" {
			req.Body = []byte(tt.body)
			req.Header.Set("Content-Type", "text/x")
		}
		resp := do(t, c, req)
		if diff := cmp.Diff(tt.want, last); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if !strings.HasSuffix(resp.FinalURL, tt.want.Path) || resp.Status != 200 {
			t.Errorf("%s: final URL %s, status %d", tt.name, resp.FinalURL, resp.Status)
		}
	}
	for name, query := range map[string]string{
		"metadata":      "302,http://169.254.169.254/latest/meta-data/",
		"other scheme":  "302,https://example.com/",
		"file":          "302,file:///etc/passwd",
		"malformed":     "302,http://[::1",
		"odd spelling":  "302,http://0x7f.1/",
		"body to other": "307," + other,
	} {
		last = seen{}
		fails(t, c, outbound.Request{Method: "PUT", Body: []byte("x"), URL: url + "/a?to=" + query, FollowRedirects: 3}, outbound.Blocked, true)
		if last.Method != "" {
			t.Errorf("%s: followed to %s", name, last.Path)
		}
	}
	if resp := do(t, c, outbound.Request{URL: url + "/a?to=302,/b"}); resp.Status != 302 || resp.Header.Get("Location") != "/b" {
		t.Errorf("redirect was followed unasked: %+v", resp)
	}
}

func TestDo_never_gives_credentials_back_after_another_host(t *testing.T) {
	t.Parallel()
	var home string
	var got string
	away := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, home+"/back", http.StatusFound) })
	home = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			got = r.Header.Get("Authorization")
			return
		}
		http.Redirect(w, r, away, http.StatusFound)
	})
	do(t, local(t), outbound.Request{URL: home, FollowRedirects: 2, Header: http.Header{"Authorization": {"Bearer x"}}})
	if got != "" {
		t.Errorf("authorization came back: %q", got)
	}
}

func TestDo_follows_no_more_redirects_than_asked(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		http.Redirect(w, r, "/again", http.StatusFound)
	})
	err := failure(t, local(t), outbound.Request{URL: url, FollowRedirects: 3}, outbound.Blocked, true)
	if hits.Load() != 4 || !strings.Contains(err.Error(), "too many redirects") {
		t.Errorf("%d calls: %v", hits.Load(), err)
	}
}

func TestDo_caps_the_answer_inflated(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	gz := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 100 {
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

// raw accepts connections and hands each to handle, which has read the head of
// the request where read is true.
func raw(t testing.TB, read bool, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if read {
					buf := make([]byte, 64<<10)
					if _, err := conn.Read(buf); err != nil {
						return
					}
				}
				handle(conn)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func TestDo_tells_nothing_sent_from_outcome_unknown(t *testing.T) {
	t.Parallel()
	say := func(words string) func(net.Conn) {
		return func(conn net.Conn) { _, _ = io.WriteString(conn, words) }
	}
	drip := func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
		silent(conn)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + l.Addr().String()
	_ = l.Close()
	plain := raw(t, true, say("not tls at all, sorry"))
	for _, tt := range []struct {
		name, url string
		kind      outbound.Kind
		sent      bool
	}{
		{"connection refused", refused, outbound.Connect, false},
		{"no tls", strings.Replace(plain, "http:", "https:", 1), outbound.TLS, false},
		{"hang-up in tls", strings.Replace(raw(t, true, func(net.Conn) {}), "http:", "https:", 1), outbound.TLS, false},
		{"silence in tls", strings.Replace(raw(t, false, silent), "http:", "https:", 1), outbound.Timeout, false},
		{"hang-up after request", raw(t, true, func(net.Conn) {}), outbound.Interrupted, true},
		{"reset after request", raw(t, true, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }), outbound.Interrupted, true},
		{"hang-up in header", raw(t, true, say("HTTP/1.1 200 OK\r\nContent-")), outbound.Interrupted, true},
		{"hang-up in body", raw(t, true, say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")), outbound.Interrupted, true},
		{"hang-up in chunk", raw(t, true, say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc")), outbound.Interrupted, true},
		{"broken gzip", raw(t, true, say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")), outbound.Interrupted, true},
		{"not http", raw(t, true, say("220 smtp.example.com ESMTP\r\n")), outbound.Interrupted, true},
		{"endless header", raw(t, true, say("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 2<<20))), outbound.Interrupted, true},
		{"switch of protocols", raw(t, true, say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")), outbound.Interrupted, true},
		{"silence after request", raw(t, true, silent), outbound.Timeout, true},
		{"silence in header", raw(t, true, func(c net.Conn) { say("HTTP/1.1 200 OK\r\n")(c); silent(c) }), outbound.Timeout, true},
		{"silence in body", raw(t, true, drip), outbound.Timeout, true},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(tt.name+" "+method, func(t *testing.T) {
				t.Parallel()
				c := client(t, outbound.Options{AllowLoopback: true})
				timeout := 20 * time.Second // never reached
				if tt.kind == outbound.Timeout {
					timeout = 500 * time.Millisecond
				}
				err := failure(t, c, outbound.Request{Method: method, Body: []byte("x"), URL: tt.url, Timeout: timeout}, tt.kind, tt.sent)
				if tt.sent != strings.Contains(err.Error(), "may have been processed") {
					t.Errorf("error does not say the outcome: %v", err)
				}
			})
		}
	}
	t.Run("unknown host", func(t *testing.T) {
		t.Parallel()
		c := client(t, outbound.Options{Resolver: resolver(always())})
		fails(t, c, outbound.Request{URL: "http://nobody.example.com"}, outbound.Connect, false)
	})
}

func TestDo_sends_a_write_only_once_over_a_connection_that_dies(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			return
		}
		posts.Add(1)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	t.Cleanup(s.Close)
	c := local(t)
	for _, body := range [][]byte{nil, []byte("x")} {
		posts.Store(0)
		do(t, c, outbound.Request{URL: s.URL}) // leaves a connection behind
		fails(t, c, outbound.Request{Method: "POST", URL: s.URL, Body: body, IdempotencyKey: "k"}, outbound.Interrupted, true)
		if posts.Load() != 1 {
			t.Errorf("post with body %q was sent %d times", body, posts.Load())
		}
	}
}

func TestDo_waits_for_the_answer_as_long_as_it_was_told(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	c := client(t, outbound.Options{AllowLoopback: true, ResponseHeaderTimeout: 50 * time.Millisecond})
	start := time.Now()
	err := failure(t, c, outbound.Request{URL: url}, outbound.Timeout, true)
	if time.Since(start) > 5*time.Second || !strings.Contains(err.Error(), "no answer within 50ms") {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
	// A timeout of the request's own is for slow systems: it goes before that
	// of the header.
	time.AfterFunc(150*time.Millisecond, func() { close(release) })
	if resp := do(t, c, outbound.Request{URL: url, Timeout: 10 * time.Second}); resp.Duration < 50*time.Millisecond {
		t.Errorf("answered after %s", resp.Duration)
	}
}

func TestDo_tells_the_callers_end_from_a_timeout(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 2)
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	c := local(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := c.Do(ctx, outbound.Request{URL: url})
	_ = isError(t, err, outbound.Canceled, true)
	_, err = c.Do(ctx, outbound.Request{URL: url})
	_ = isError(t, err, outbound.Canceled, false)

	ctx, cancel = context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = c.Do(ctx, outbound.Request{URL: url})
	_ = isError(t, err, outbound.Timeout, true)

	why := errors.New("shutting down")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(why)
	_, err = c.Do(ctx, outbound.Request{URL: url})
	_ = isError(t, err, outbound.Canceled, false)
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
