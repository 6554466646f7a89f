package secret

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// forms returns the spellings, other than its own, in which a secret is met.
func forms(secret string) []string {
	if len(secret) < MinRedacted {
		return nil
	}
	var out []string
	// Systems trim what people paste with a newline at the end.
	plain := []string{secret}
	if trimmed := strings.TrimSpace(secret); trimmed != secret && len(trimmed) >= MinRedacted {
		plain = append(plain, trimmed)
		out = append(out, trimmed)
	}
	for _, s := range plain {
		for _, form := range slices.Concat(base64Forms(s), hexForms(s), urlForms(s), jsonForms(s), markupForms(s)) {
			if len(form) >= MinRedacted {
				out = append(out, form)
			}
		}
	}
	return out
}

// base64Forms returns the secret encoded alone, and the part of its encoding
// that is the same whatever stands before and after it, for each of the three
// ways it may lie in the groups of three bytes. That part lacks at most a
// character at either end, which tells a few bits of the neighbouring byte.
func base64Forms(s string) []string {
	var out []string
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		out = append(out, enc.EncodeToString([]byte(s)), enc.WithPadding(base64.NoPadding).EncodeToString([]byte(s)))
		for before := range 3 {
			encoded := enc.EncodeToString(append(make([]byte, before), s...))
			first := (before*8 + 5) / 6
			last := (before + len(s)) * 8 / 6
			out = append(out, encoded[first:last])
		}
	}
	return out
}

func hexForms(s string) []string {
	lower := hex.EncodeToString([]byte(s))
	return []string{lower, strings.ToUpper(lower)}
}

var percentEscape = regexp.MustCompile(`%[0-9A-F]{2}`)

func urlForms(s string) []string {
	escaped := []string{
		url.PathEscape(s),
		url.QueryEscape(s),
		strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), // encodeURIComponent, nearly
		(&url.URL{Path: "/" + s}).EscapedPath()[1:],
		url.UserPassword("", s).String()[1:],
		percentEveryByte(s),
	}
	for _, e := range slices.Clone(escaped) {
		escaped = append(escaped, percentEscape.ReplaceAllStringFunc(e, strings.ToLower))
	}
	return escaped
}

func percentEveryByte(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// jsonForms returns the inside of a JSON string with and without the escapes
// for HTML and with those for everything beyond ASCII, and each of them once
// more, for JSON within a JSON string.
func jsonForms(s string) []string {
	if !utf8.ValidString(s) {
		return nil // its escape is that of every other invalid text
	}
	var out []string
	for _, once := range []string{jsonInside(s, true), jsonInside(s, false), jsonASCII(jsonInside(s, false))} {
		// Some serializers escape the slash.
		slashed := strings.ReplaceAll(once, "/", `\/`)
		out = append(out, once, slashed, jsonInside(once, false), jsonInside(slashed, false))
	}
	return out
}

func jsonInside(s string, escapeHTML bool) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	if err := enc.Encode(s); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String()[1:], "\"\n")
}

func jsonASCII(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String()
}

var namedEntities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

func markupForms(s string) []string {
	if !utf8.ValidString(s) {
		return nil
	}
	out := []string{
		html.EscapeString(s),
		namedEntities.Replace(s),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s),
	}
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err == nil {
		out = append(out, b.String())
	}
	return out
}

// longestFirst makes the one pass that, of the patterns that begin at the same
// place, takes the longest.
func longestFirst(patterns map[string]string) *strings.Replacer {
	olds := slices.SortedFunc(maps.Keys(patterns), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	pairs := make([]string, 0, 2*len(olds))
	for _, old := range olds {
		pairs = append(pairs, old, patterns[old])
	}
	return strings.NewReplacer(pairs...)
}
