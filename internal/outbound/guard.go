package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// azureWire is the metadata service of Azure: the one of its sort that hides
// behind a public address.
var azureWire = netip.MustParsePrefix("168.63.129.16/32")

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// guard decides which addresses may be dialed. It is asked with the address
// that is about to be connected to, after every look-up, so that a name that
// changes its mind between a check and its use gains nothing.
type guard struct {
	known    *ssrf.Guardian
	ownPorts []uint16
}

// blocked is a refusal; its text says what to do about it.
type blocked struct{ reason string }

func (b *blocked) Error() string { return b.reason }

func newGuard(opts Options) (*guard, error) {
	var v4, v6 []netip.Prefix
	allow := opts.AllowPrivate
	if opts.AllowLoopback {
		allow = slices.Concat(allow, loopback)
	}
	for _, p := range allow {
		if !p.IsValid() || p.Addr().Is4In6() {
			return nil, fmt.Errorf("allowed private range %s: write it as an IPv4 or IPv6 prefix such as 10.0.0.0/8", p)
		}
		if p.Addr().Is4() {
			v4 = append(v4, p.Masked())
		} else {
			v6 = append(v6, p.Masked())
		}
	}
	return &guard{
		ownPorts: opts.OwnPorts,
		known: ssrf.New(
			ssrf.WithAnyPort(),
			ssrf.WithAllowedV4Prefixes(v4...),
			ssrf.WithAllowedV6Prefixes(v6...),
			ssrf.WithDeniedV4Prefixes(azureWire),
		),
	}, nil
}

// control is for net.Dialer.Control.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return &blocked{fmt.Sprintf("network %s is not allowed", network)}
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return &blocked{fmt.Sprintf("address %q cannot be checked", address)}
	}
	return g.check(ap)
}

func (g *guard) check(ap netip.AddrPort) error {
	// A zone would keep every prefix from matching. It only chooses an
	// interface; what the address is does not depend on it.
	addr := ap.Addr().WithZone("")
	if err := g.known.SafeAddr(addr); err != nil {
		flag := "--allow-private"
		if addr.IsLoopback() {
			flag = "--allow-loopback"
		}
		return &blocked{fmt.Sprintf("address %s is %s; the operator may allow it with %s", addr, describe(addr), flag)}
	}
	if slices.Contains(g.ownPorts, ap.Port()) {
		own, err := ownAddress(addr)
		if err != nil {
			return &blocked{fmt.Sprintf("address %s cannot be told from this server's own: %v", ap, err)}
		}
		if own {
			return &blocked{fmt.Sprintf("address %s is this server itself, of which only the webhooks may be called, by their public URL", ap)}
		}
	}
	return nil
}

func ownAddress(addr netip.Addr) (bool, error) {
	if addr.IsLoopback() || addr.IsUnspecified() {
		return true, nil
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(own, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && p.Addr().WithZone("") == addr
	}), nil
}

// describe says in a word why an address is not public. It decides nothing.
func describe(addr netip.Addr) string {
	if addr.Is4In6() {
		return "an IPv4 address in disguise"
	}
	for _, class := range classes {
		if class.prefix.Contains(addr) {
			return class.name
		}
	}
	return "reserved"
}

var classes = []struct {
	prefix netip.Prefix
	name   string
}{
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("0.0.0.0/32"), "unspecified"},
	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared by a carrier's customers"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{azureWire, "a metadata service"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("64:ff9b::/96"), "an embedded IPv4 address (NAT64)"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "an embedded IPv4 address (NAT64)"},
	{netip.MustParsePrefix("2002::/16"), "an embedded IPv4 address (6to4)"},
	{netip.MustParsePrefix("2001::/32"), "an embedded IPv4 address (Teredo)"},
}

// asBlocked returns the refusal that err holds, or nil.
func asBlocked(err error) *blocked {
	var b *blocked
	if errors.As(err, &b) {
		return b
	}
	return nil
}
