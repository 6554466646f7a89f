package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// parseTarget reads the URL of a call and gives its host the one spelling that
// everything after it goes by. Its errors do not quote the URL: where a URL
// went wrong, nobody knows which of its parts is a password.
func parseTarget(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("url is malformed: look for spaces, stray percent signs and characters of a password that need escaping")
	}
	return normalize(u)
}

func normalize(u *url.URL) (*url.URL, error) {
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("url is not absolute, or its scheme is not http or https")
	}
	if u.Opaque != "" || u.Hostname() == "" {
		return nil, errors.New("url has no host: it should begin like https://example.com/")
	}
	host, err := normalHost(u.Hostname())
	if err != nil {
		return nil, err
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return nil, errors.New("url has a port that is not between 1 and 65535")
		}
		host += ":" + p
	}
	out := *u
	out.Host = host
	out.Fragment, out.RawFragment = "", ""
	out.RawQuery = escapeQuery(u.RawQuery)
	return &out, nil
}

// escapeQuery escapes what would break the request line. It leaves escapes
// that are there alone.
func escapeQuery(q string) string {
	var b strings.Builder
	for i := range len(q) {
		if c := q[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// normalHost returns host in lower case and ASCII. It refuses the spellings of
// IPv4 addresses that some resolvers take and others do not (0x7f.1, 017700000001,
// 2130706433): the guard would stop them, but to nobody's understanding.
func normalHost(host string) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr = addr.Unmap(); addr.Is6() {
			return "[" + addr.String() + "]", nil
		}
		return addr.String(), nil
	}
	if strings.ContainsAny(host, ":%[]") {
		return "", errors.New("url has a host that is neither a name nor an address")
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil {
		if ascii, err = plainASCII(host); err != nil {
			return "", err
		}
	}
	if addr, err := netip.ParseAddr(ascii); err == nil {
		return addr.String(), nil
	}
	if last := ascii[strings.LastIndexByte(ascii, '.')+1:]; numeric(last) {
		return "", fmt.Errorf("host %s is an unusual spelling of an IPv4 address: write it as four decimal numbers", ascii)
	}
	return ascii, nil
}

// plainASCII lets names pass that DNS has although IDNA forbids them, such as
// those with an underscore.
func plainASCII(host string) (string, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return "", errors.New("url has a host that is not a valid name")
	}
	return host, nil
}

// numeric reports whether a resolver may take the last label of a name for a
// number.
func numeric(label string) bool {
	if label == "" {
		return true // "1.2.3.4.." and the like
	}
	if strings.Trim(label, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(label, "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

func sameHost(a, b *url.URL) bool { return a.Hostname() == b.Hostname() && port(a) == port(b) }

// selfHooks recognizes the URLs of the server's own webhooks. The zero one
// recognizes none.
type selfHooks struct{ base *url.URL }

func parseSelfHooks(raw string) (selfHooks, error) {
	if raw == "" {
		return selfHooks{}, nil
	}
	u, err := parseTarget(raw)
	if err != nil {
		return selfHooks{}, fmt.Errorf("public URL of the webhooks: %w", err)
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	if u.User != nil || u.RawQuery != "" || u.Path == "/" || !clean(u.Path) {
		return selfHooks{}, errors.New("public URL of the webhooks: it should look like https://headrace.example.com/hooks/")
	}
	return selfHooks{base: u}, nil
}

// match reports whether u, normalized, is the URL of an own webhook. The path
// has to be clean as it stands: what a proxy on the way would resolve (dots,
// doubled slashes, twice escaped ones) might lead out of the hooks.
func (s selfHooks) match(u *url.URL) bool {
	return s.base != nil &&
		u.Scheme == s.base.Scheme && sameHost(u, s.base) &&
		len(u.Path) > len(s.base.Path) && strings.HasPrefix(u.Path, s.base.Path) &&
		clean(u.Path)
}

func clean(p string) bool {
	return path.Clean(p) == strings.TrimSuffix(p, "/") && !strings.ContainsAny(p, `%\;`)
}
