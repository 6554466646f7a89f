package outbound

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"code.dny.dev/ssrf"
)

func mustGuard(t testing.TB, opts Options) *guard {
	t.Helper()
	g, err := newGuard(opts)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *guard) refuses(addr netip.Addr) bool {
	return asBlocked(g.check(netip.AddrPortFrom(addr, 443))) != nil
}

// special is what the standard library calls not public: a second opinion.
func special(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || !a.IsGlobalUnicast()
}

// embeddings are the IPv6 addresses that lead to an IPv4 one.
func embeddings(v4 netip.Addr) []netip.Addr {
	b := v4.As4()
	put := func(prefix string, at int, invert bool) netip.Addr {
		a := netip.MustParseAddr(prefix).As16()
		for i, octet := range b {
			if invert {
				octet = ^octet
			}
			a[at+i] = octet
		}
		return netip.AddrFrom16(a)
	}
	return []netip.Addr{
		put("::ffff:0:0", 12, false),   // mapped
		put("::", 12, false),           // compatible
		put("::ffff:0:0:0", 12, false), // translated
		put("64:ff9b::", 12, false),    // NAT64
		put("64:ff9b:1::", 12, false),  // local NAT64
		put("2002::", 2, false),        // 6to4
		put("2001::", 12, true),        // Teredo
	}
}

func TestGuard_refuses_every_address_that_is_not_public(t *testing.T) {
	t.Parallel()
	g := mustGuard(t, Options{})
	plain := ssrf.New(ssrf.WithAnyPort())
	rnd := rand.New(rand.NewPCG(1, 2))
	check := func(a netip.Addr) {
		refused := g.refuses(a)
		if special(a) && !refused {
			t.Fatalf("%s passes although it is special", a)
		}
		if known := plain.SafeAddr(a) != nil; known != refused && !azureWire.Contains(a) {
			t.Fatalf("%s: refused %t, by the library alone %t", a, refused, known)
		}
		if a.Is4() {
			for _, e := range embeddings(a) {
				if !g.refuses(e) {
					t.Fatalf("%s, which embeds %s, passes", e, a)
				}
			}
		}
	}
	tries := 150_000 // with embeddings more than a million
	if underRace {
		tries /= 10 // one goroutine computes: nothing here can race
	}
	for range tries {
		var v4 [4]byte
		binary.BigEndian.PutUint32(v4[:], rnd.Uint32())
		check(netip.AddrFrom4(v4))
		var v6 [16]byte
		binary.BigEndian.PutUint64(v6[:], rnd.Uint64())
		binary.BigEndian.PutUint64(v6[8:], rnd.Uint64())
		check(netip.AddrFrom16(v6))
	}
	prefixes := append(append([]netip.Prefix{ssrf.IPv6GlobalUnicast, azureWire}, ssrf.IPv4DeniedPrefixes...), ssrf.IPv6DeniedPrefixes...)
	for _, c := range classes {
		prefixes = append(prefixes, c.prefix)
	}
	for _, p := range prefixes {
		first, last := p.Masked().Addr(), lastOf(p)
		for _, a := range []netip.Addr{first, first.Prev(), first.Next(), last, last.Prev(), last.Next()} {
			if a.IsValid() {
				check(a)
			}
		}
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func TestGuard_names_the_trouble_and_the_way_out(t *testing.T) {
	t.Parallel()
	g := mustGuard(t, Options{})
	for addr, want := range map[string]string{
		"127.0.0.1":       "loopback",
		"::1":             "loopback",
		"10.0.0.5":        "private",
		"fd00:ec2::254":   "private",
		"100.100.100.200": "shared",
		"169.254.169.254": "link-local",
		"fe80::1%eth0":    "link-local",
		"168.63.129.16":   "metadata",
		"224.0.0.1":       "multicast",
		"0.0.0.0":         "unspecified",
		"255.255.255.255": "reserved",
		"64:ff9b::7f00:1": "NAT64",
		"2002:7f00:1::":   "6to4",
		"2001:0:1::1":     "Teredo",
		"::ffff:8.8.8.8":  "disguise",
	} {
		err := g.check(netip.AddrPortFrom(netip.MustParseAddr(addr), 443))
		if err == nil {
			t.Errorf("%s passes", addr)
			continue
		}
		flag := "--allow-private"
		if want == "loopback" {
			flag = "--allow-loopback"
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %q lacks %q or the way out", addr, err, want)
		}
	}
	for _, addr := range []string{"8.8.8.8", "2606:4700::1", "168.63.129.17", "172.32.0.1", "11.0.0.1"} {
		if g.refuses(netip.MustParseAddr(addr)) {
			t.Errorf("%s, which is public, is refused", addr)
		}
	}
}

func TestGuard_lets_pass_exactly_the_allowed_ranges(t *testing.T) {
	t.Parallel()
	g := mustGuard(t, Options{AllowPrivate: []netip.Prefix{
		netip.MustParsePrefix("10.1.2.3/16"), netip.MustParsePrefix("fd12::/16"), netip.MustParsePrefix("fe80::/64"),
	}})
	for addr, refused := range map[string]bool{
		"10.1.0.1": false, "10.1.255.255": false, "10.2.0.0": true, "10.0.255.255": true,
		"fd12::1": false, "fd13::1": true, "fe80::1%eth0": false, "fe80:0:0:1::1%eth0": true,
		"127.0.0.1": true, "::ffff:10.1.0.1": true,
	} {
		if got := g.refuses(netip.MustParseAddr(addr)); got != refused {
			t.Errorf("%s: refused %t, want %t", addr, got, refused)
		}
	}
	for _, bad := range []netip.Prefix{{}, netip.MustParsePrefix("::ffff:10.0.0.0/104")} {
		if _, err := New(Options{AllowPrivate: []netip.Prefix{bad}}); err == nil {
			t.Errorf("range %s is accepted", bad)
		}
	}
}

func TestGuard_refuses_what_it_cannot_read(t *testing.T) {
	t.Parallel()
	g := mustGuard(t, Options{AllowLoopback: true})
	for _, c := range []struct{ network, address string }{
		{"udp4", "127.0.0.1:1"}, {"unix", "/run/x"}, {"tcp4", "localhost:80"}, {"tcp4", ""}, {"tcp", "127.0.0.1:80"},
	} {
		if asBlocked(g.control(c.network, c.address, nil)) == nil {
			t.Errorf("%s %q passes", c.network, c.address)
		}
	}
	if err := g.control("tcp4", "127.0.0.1:80", nil); err != nil {
		t.Errorf("allowed loopback is refused: %v", err)
	}
}

func TestGuard_keeps_the_servers_own_ports_shut(t *testing.T) {
	t.Parallel()
	g := mustGuard(t, Options{AllowLoopback: true, OwnPorts: []uint16{8080}})
	for _, c := range []struct {
		address string
		refused bool
	}{
		{"127.0.0.1:8080", true},
		{"127.9.9.9:8080", true},
		{"[::1]:8080", true},
		{"127.0.0.1:8081", false},
		{"8.8.8.8:8080", false},
	} {
		if got := g.check(netip.MustParseAddrPort(c.address)) != nil; got != c.refused {
			t.Errorf("%s: refused %t, want %t", c.address, got, c.refused)
		}
	}
}

func TestTransports_take_no_proxy_and_do_not_share_connections(t *testing.T) {
	t.Parallel()
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for r, tr := range c.transports {
		if tr.Proxy != nil {
			t.Errorf("route %+v takes a proxy", r)
		}
		if tr.TLSClientConfig.InsecureSkipVerify != r.insecure {
			t.Errorf("route %+v has InsecureSkipVerify %t", r, tr.TLSClientConfig.InsecureSkipVerify)
		}
	}
	if len(c.transports) != 4 {
		t.Errorf("%d transports, want one for each route", len(c.transports))
	}
}

func TestSelfHooks_match_only_clean_URLs_below_them(t *testing.T) {
	t.Parallel()
	self, err := parseSelfHooks("https://Headrace.example.com/base/hooks")
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]bool{
		"https://headrace.example.com/base/hooks/abc":                true,
		"https://HEADRACE.example.com:443/base/hooks/abc/more?x=../": true,
		"https://headrace.example.com./base/hooks/abc/":              true,
		"https://headrace.example.com/base/hooks/":                   false,
		"https://headrace.example.com/base/hooks":                    false,
		"https://headrace.example.com/base/hooksx/abc":               false,
		"https://headrace.example.com/hooks/abc":                     false,
		"http://headrace.example.com/base/hooks/abc":                 false,
		"http://headrace.example.com:443/base/hooks/abc":             false,
		"https://headrace.example.com:8443/base/hooks/abc":           false,
		"https://headrace.example.com.evil.com/base/hooks/abc":       false,
		"https://evil.com#@headrace.example.com/base/hooks/abc":      false,
		"https://headrace.example.com@evil.com/base/hooks/abc":       false,
		"https://headrace.example.com/base/hooks/../../v1/flows":     false,
		"https://headrace.example.com/base/hooks/%2e%2e/v1":          false,
		"https://headrace.example.com/base/hooks/..%2f..%2fv1":       false,
		"https://headrace.example.com/base/hooks/%252e%252e/v1":      false,
		"https://headrace.example.com/base/hooks//v1":                false,
		"https://headrace.example.com/base/hooks/./abc":              false,
		`https://headrace.example.com/base/hooks/..\v1`:              false,
		"https://headrace.example.com/base/hooks/..%5cv1":            false,
		"https://headrace.example.com/base/hooks/..;/v1":             false,
		"https://headrace.example.com//base/hooks/abc":               false,
		"https://headrace.example.com/base/Hooks/abc":                false,
	} {
		u, err := parseTarget(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if got := self.match(u); got != want {
			t.Errorf("%s: match %t, want %t", raw, got, want)
		}
	}
	for _, bad := range []string{"https://h.example.com/", "https://h.example.com", "ftp://h/hooks", "https://u:p@h/hooks/", "https://h/hooks/?x", "/hooks/", "https://h/a/../hooks/"} {
		if _, err := New(Options{SelfHooksURL: bad}); err == nil {
			t.Errorf("webhooks at %q are accepted", bad)
		}
	}
}

func TestSent_assumes_the_worst_of_unknown_errors(t *testing.T) {
	t.Parallel()
	if !Sent(errors.New("what")) || !Sent(nil) || Sent(&Error{}) || !Sent(&Error{sent: true}) {
		t.Error("Sent is wrong")
	}
}
