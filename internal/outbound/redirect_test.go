package outbound_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/outbound"
)

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
