package sandbox

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // other systems still ask for it
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // other systems still ask for it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strings"
	"unicode/utf8"

	whatwg "github.com/nlnwa/whatwg-url/url"
	"modernc.org/quickjs/intl"
)

// assist does for the prelude what is better done in Go. It reads and writes nothing.
func assist(text func(int) string, arguments []any) (any, error) {
	switch text(0) {
	case "utf8":
		return base64.StdEncoding.EncodeToString([]byte(text(1))), nil
	case "text":
		return fromUTF8(text(1), text(2) == "fatal")
	case "unescape":
		return unescapeForm(text(1)), nil
	case "url":
		return parseURL(text(1), text(2), text(3) == "base"), nil
	case "urlset":
		return changeURL(text(1), text(2), text(3)), nil
	case "uuid":
		return newUUID(), nil
	case "random":
		return randomBytes(arguments)
	case "hash":
		return sum(text(1), text(2), text(3), text(4) == "keyed")
	default:
		return nil, fmt.Errorf("there is no %q here", text(0))
	}
}

func fromUTF8(encoded string, fatal bool) (any, error) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	if fatal && !utf8.Valid(data) {
		return nil, errors.New("the bytes are no UTF-8")
	}
	return strings.ToValidUTF8(string(data), "\ufffd"), nil
}

// unescapeForm decodes what can be decoded of a text with stray percent signs.
func unescapeForm(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if decoded, err := url.PathUnescape(text[i : i+3]); err == nil {
				out.WriteString(decoded)
				i += 2
				continue
			}
		}
		out.WriteByte(text[i])
	}
	return strings.ToValidUTF8(out.String(), "\ufffd")
}

// parseURL returns the parts of an address as JSON; "": it is none.
func parseURL(text, base string, hasBase bool) string {
	var u *whatwg.Url
	var err error
	if hasBase {
		u, err = whatwg.ParseRef(base, text)
	} else {
		u, err = whatwg.Parse(text)
	}
	if err != nil {
		return ""
	}
	return urlParts(u)
}

func urlParts(u *whatwg.Url) string {
	origin := "null"
	switch u.Protocol() {
	case "http:", "https:", "ws:", "wss:", "ftp:":
		origin = u.Protocol() + "//" + u.Host()
	}
	text, err := json.Marshal(map[string]string{
		"href": u.Href(false), "protocol": u.Protocol(), "username": u.Username(), "password": u.Password(), "host": u.Host(),
		"hostname": u.Hostname(), "port": u.Port(), "pathname": u.Pathname(), "search": u.Search(), "hash": u.Hash(), "origin": origin,
	})
	if err != nil {
		return ""
	}
	return string(text)
}

// changeURL returns the parts of an address of which one was set. What cannot be set stays as it is, as in browsers; an address as a
// whole that is none gives "".
func changeURL(href, part, text string) string {
	if part == "href" {
		return parseURL(text, "", false)
	}
	u, err := whatwg.Parse(href)
	if err != nil {
		return ""
	}
	switch part {
	case "protocol":
		u.SetProtocol(text)
	case "username":
		u.SetUsername(text)
	case "password":
		u.SetPassword(text)
	case "host":
		u.SetHost(text)
	case "hostname":
		u.SetHostname(text)
	case "port":
		u.SetPort(text)
	case "pathname":
		u.SetPathname(text)
	case "search":
		u.SetSearch(text)
	case "hash":
		u.SetHash(text)
	}
	return urlParts(u)
}

// newUUID returns a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// maxRandom bounds what a script gets at once, as browsers do.
const maxRandom = 65536

func randomBytes(arguments []any) (any, error) {
	n := -1
	if len(arguments) > 1 {
		switch given := arguments[1].(type) {
		case int:
			n = given
		case float64:
			n = int(given)
		}
	}
	if n < 0 || n > maxRandom {
		return nil, fmt.Errorf("ask for 0 to %d random bytes", maxRandom)
	}
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return base64.StdEncoding.EncodeToString(b), nil
}

var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

func sum(name, data, key string, keyed bool) (any, error) {
	made, ok := hashes[strings.ReplaceAll(strings.ToLower(name), "-", "")]
	if !ok {
		return nil, fmt.Errorf("there is no hash %q: there are md5, sha1, sha224, sha256, sha384 and sha512", name)
	}
	content, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, err
	}
	h := made()
	if keyed {
		secret, err := base64.StdEncoding.DecodeString(key)
		if err != nil {
			return nil, err
		}
		h = hmac.New(made, secret)
	}
	h.Write(content)
	return base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// addIntl gives the machine Intl and the methods that go with it.
func (m *machine) addIntl() error { return intl.Register(m.vm, intl.TimeZone("UTC")) }
