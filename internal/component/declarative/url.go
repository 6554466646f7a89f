package declarative

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/value"
)

// address is the template of a URL, cut into its parts when it is parsed: what a reference stands for can only be what its place
// allows, one segment of a path, one value of a query, part of a host name.
type address struct {
	base  expr.Node // the reference at the very beginning, inserted as it is; nil: scheme and host are spelled out
	root  string    // without base: https:// or http://
	host  []piece
	path  [][]piece // segments, each after a slash
	query []piece   // after the question mark
	asks  bool      // there is a question mark
}

// piece is a literal text or a reference.
type piece struct {
	text string
	ref  expr.Node
}

// place is where in a URL the parser is.
type place int

const (
	inHost place = iota
	afterBase
	inPath
	inQuery
)

// parseAddress cuts a template into the parts of a URL.
func parseAddress(t *expr.TemplateNode) (*address, error) {
	a, at := &address{}, inHost
	for i, part := range t.Parts() {
		literal, isText := part.(*expr.LiteralNode)
		var err error
		switch {
		case i == 0 && !isText:
			a.base, at = part, afterBase
		case isText:
			text, _ := literal.Value.(string)
			if i == 0 {
				text, err = a.cutRoot(text)
			}
			if err == nil {
				at, err = a.literal(at, text)
			}
		default:
			err = a.reference(at, part)
		}
		if err != nil {
			return nil, err
		}
	}
	if a.base == nil && len(a.host) == 0 {
		return nil, errors.New("has no host: begin with {{$connection.baseUrl}} or https://host")
	}
	if err := a.checkHost(); err != nil {
		return nil, err
	}
	return a, a.checkPath()
}

// checkHost refuses a host that is spelled out and is none; one with references in it is known when it is rendered.
func (a *address) checkHost() error {
	if len(a.host) != 1 || a.host[0].ref != nil {
		return nil
	}
	if u, err := url.Parse(a.root + a.host[0].text); err != nil || u.Hostname() == "" {
		return fmt.Errorf("has the malformed host %q", value.Shorten(a.host[0].text))
	}
	return nil
}

func (a *address) cutRoot(text string) (string, error) {
	for _, root := range []string{"https://", "http://"} {
		if len(text) >= len(root) && strings.EqualFold(text[:len(root)], root) {
			a.root = root
			return text[len(root):], nil
		}
	}
	return "", errors.New("is not absolute: begin with {{$connection.baseUrl}} or https://")
}

func (a *address) literal(at place, text string) (place, error) {
	if err := checkLiteral(text); err != nil {
		return at, err
	}
	if at == afterBase && text[0] != '/' && text[0] != '?' {
		return at, fmt.Errorf("goes on with %q after its base: what follows a base URL begins with / or ?", value.Shorten(text))
	}
	for text != "" {
		end := len(text)
		if at != inQuery {
			if i := strings.IndexAny(text, "/?"); i >= 0 {
				end = i
			}
		}
		if end > 0 {
			if err := a.put(at, piece{text: text[:end]}); err != nil {
				return at, err
			}
		}
		if end == len(text) {
			break
		}
		if text[end] == '?' {
			at, a.asks = inQuery, true
		} else {
			at, a.path = inPath, append(a.path, nil)
		}
		text = text[end+1:]
	}
	return at, nil
}

func (a *address) reference(at place, ref expr.Node) error {
	if at == afterBase {
		return errors.New("has two references one after the other at its beginning: put a / between them")
	}
	if r, ok := ref.(*expr.ReferenceNode); ok && at == inHost && r.Key != "connection" {
		return fmt.Errorf("takes part of its host from $%s: only $connection may say which host is called", r.Key)
	}
	return a.put(at, piece{ref: ref})
}

func (a *address) put(at place, p piece) error {
	switch at {
	case inHost:
		if strings.ContainsAny(p.text, "@") {
			return errors.New("has credentials before its host: send them in a header")
		}
		a.host = append(a.host, p)
	case inQuery:
		a.query = append(a.query, p)
	default:
		last := len(a.path) - 1
		a.path[last] = append(a.path[last], p)
	}
	return nil
}

// checkPath refuses segments that are dots: they would only be resolved by somebody else.
func (a *address) checkPath() error {
	for _, segment := range a.path {
		if len(segment) == 1 && segment[0].ref == nil && isDots(segment[0].text) {
			return fmt.Errorf("has the segment %q: spell the path out", segment[0].text)
		}
	}
	return nil
}

// checkLiteral refuses characters that stand in no URL, so that a template that was meant to hold a reference is found out.
func checkLiteral(text string) error {
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '#':
			return errors.New("has a fragment, which is never sent: remove it, or write %23")
		case c == '{' || c == '}':
			return errors.New("has braces that are no reference: write {{$inputs.key}} or {{$connection.key}}, or escape them as %7B and %7D")
		case c == '%':
			if i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2]) {
				return errors.New("has a percent sign that begins no escape: write %25")
			}
		case unreserved(c) || strings.IndexByte("!$&'()*+,;=:@/?[]", c) >= 0:
		default:
			return fmt.Errorf("has the character %q, which must be escaped in a URL", rune(c))
		}
	}
	return nil
}

// render returns the URL for some data.
func (a *address) render(scope expr.Scope) (string, error) {
	prefix, err := a.prefix(scope)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(prefix)
	for _, segment := range a.path {
		text, err := renderSegment(segment, scope)
		if err != nil {
			return "", err
		}
		b.WriteByte('/')
		b.WriteString(text)
	}
	if a.asks {
		b.WriteByte('?')
	}
	for _, p := range a.query {
		text, err := p.escaped(scope)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), sameHost(prefix, b.String())
}

// sameHost makes sure, by reading the result as whoever sends it will, that data did not move the call to another host.
func sameHost(prefix, rendered string) error {
	want, err := url.Parse(prefix)
	if err != nil {
		return errors.New("the URL's base is malformed")
	}
	got, err := url.Parse(rendered)
	if err != nil {
		return errors.New("the URL is malformed: look at the inputs that are put into it")
	}
	if got.Scheme != want.Scheme || got.Host != want.Host || got.User.String() != want.User.String() {
		return errors.New("the URL does not stay with its base: look at the inputs that are put into it")
	}
	return nil
}

// prefix returns scheme and host, or the base.
func (a *address) prefix(scope expr.Scope) (string, error) {
	if a.base != nil {
		return a.renderBase(scope)
	}
	var b strings.Builder
	for i, p := range a.host {
		if p.ref == nil {
			b.WriteString(p.text)
			continue
		}
		text := value.Text(expr.Eval(p.ref, scope))
		if !hostPart.MatchString(text) || strings.Contains(text, "..") || strings.Contains(text, ":") && i < len(a.host)-1 {
			return "", fmt.Errorf("%s, which is part of the URL's host, is no host name: use letters, digits, hyphens and dots", spell(p.ref))
		}
		b.WriteString(text)
	}
	return a.root + b.String(), nil
}

var hostPart = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// renderBase returns the base URL as it is, but for slashes at its end that would be doubled.
func (a *address) renderBase(scope expr.Scope) (string, error) {
	name := spell(a.base)
	text := strings.TrimSpace(value.Text(expr.Eval(a.base, scope)))
	if text == "" {
		return "", fmt.Errorf("%s, which the URL begins with, is empty: give it a URL such as https://example.com", name)
	}
	u, err := url.Parse(text)
	if err != nil || strings.ContainsAny(text, " \\") {
		return "", fmt.Errorf("%s, which the URL begins with, is no URL: give one such as https://example.com", name)
	}
	follows := len(a.path) > 0 || a.asks
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Opaque != "":
		return "", fmt.Errorf("%s, which the URL begins with, is not absolute: it should begin with https:// or http://", name)
	case u.User != nil:
		return "", fmt.Errorf("%s, which the URL begins with, holds credentials: give them to inputs of their own", name)
	case u.Fragment != "" || strings.Contains(text, "#"):
		return "", fmt.Errorf("%s, which the URL begins with, has a fragment: remove what begins with #", name)
	case follows && (u.RawQuery != "" || u.ForceQuery):
		return "", fmt.Errorf("%s, which the URL begins with, has a query, and more of the URL follows: remove what begins with ?", name)
	}
	if len(a.path) > 0 {
		text = strings.TrimRight(text, "/")
	}
	return text, nil
}

// renderSegment returns one segment of a path. What data makes of it must not name another resource than the template does.
func renderSegment(segment []piece, scope expr.Scope) (string, error) {
	var b strings.Builder
	var ref expr.Node
	for _, p := range segment {
		text, err := p.escaped(scope)
		if err != nil {
			return "", err
		}
		if p.ref != nil {
			ref = p.ref
			if hasDots(value.Text(expr.Eval(p.ref, scope))) {
				return "", fmt.Errorf("%s holds the path segment . or .., which would lead to another resource", spell(p.ref))
			}
		}
		b.WriteString(text)
	}
	if ref == nil {
		return b.String(), nil
	}
	switch text := b.String(); {
	case text == "":
		return "", fmt.Errorf("%s is empty, and without it the URL is that of another resource", spell(ref))
	case isDots(text):
		return "", fmt.Errorf("%s makes the path segment %s, which would lead to another resource", spell(ref), text)
	default:
		return text, nil
	}
}

// escaped returns the piece as it stands in a URL.
func (p piece) escaped(scope expr.Scope) (string, error) {
	if p.ref == nil {
		return p.text, nil
	}
	switch v := expr.Eval(p.ref, scope).(type) {
	case []any, *value.Object, value.Bytes:
		return "", fmt.Errorf("%s is %s: a URL takes texts, numbers and booleans", spell(p.ref), value.Kind(v))
	default:
		return escape(value.Text(v)), nil
	}
}

// escape leaves only what means nothing in any part of a URL.
func escape(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; unreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// isDots reports whether a segment is one that is resolved instead of sent, however it is escaped.
func isDots(segment string) bool {
	plain, err := url.PathUnescape(segment)
	return err == nil && (plain == "." || plain == "..")
}

// hasDots reports whether data holds a dot segment: some systems undo the escaping of slashes before they look at a path.
func hasDots(text string) bool {
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '/' || r == '\\' }) {
		if isDots(part) {
			return true
		}
	}
	return false
}

// spell writes a reference as its author did.
func spell(ref expr.Node) string {
	if r, ok := ref.(*expr.ReferenceNode); ok {
		return "{{$" + r.Text + "}}"
	}
	return "a reference"
}
