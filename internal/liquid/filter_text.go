package liquid

import (
	"encoding/base64"
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// textFilter is a filter that makes a text of a text.
func textFilter(f func(string) string) filter {
	return func(r *run, v any, _ arguments) any {
		s := r.string(v)
		r.spend(len(s) / textUnit)
		return r.text(f(s))
	}
}

// stripped is what strip_html takes out, in the order in which it is looked for.
var stripped = []struct{ open, close string }{{"<script", "</script>"}, {"<!--", "-->"}, {"<style", "</style>"}, {"<", ">"}}

// stripHTML takes tags out, and scripts, styles and comments whole. An end that was missing once is not looked for again, so that a
// text of nothing but beginnings is read once.
func stripHTML(s string) string {
	var b strings.Builder
	var missing [4]bool
	for {
		at := strings.IndexByte(s, '<')
		if at < 0 {
			break
		}
		b.WriteString(s[:at])
		s = s[at:]
		end := 0
		for i, p := range stripped {
			if missing[i] || !strings.HasPrefix(s, p.open) {
				continue
			}
			if j := strings.Index(s[len(p.open):], p.close); j >= 0 {
				end = len(p.open) + j + len(p.close)
				break
			}
			missing[i] = true
		}
		if end == 0 {
			b.WriteByte('<')
			end = 1
		}
		s = s[end:]
	}
	b.WriteString(s)
	return b.String()
}

func stripLeft(s string) string  { return strings.TrimLeftFunc(s, unicode.IsSpace) }
func stripRight(s string) string { return strings.TrimRightFunc(s, unicode.IsSpace) }

var textFilters = map[string]filter{
	"append":         func(r *run, v any, a arguments) any { return r.join(r.string(v), r.string(a.need())) },
	"prepend":        func(r *run, v any, a arguments) any { return r.join(r.string(a.need()), r.string(v)) },
	"upcase":         textFilter(strings.ToUpper),
	"downcase":       textFilter(strings.ToLower),
	"capitalize":     textFilter(capitalize),
	"strip":          textFilter(strings.TrimSpace),
	"lstrip":         textFilter(stripLeft),
	"rstrip":         textFilter(stripRight),
	"strip_html":     textFilter(stripHTML),
	"strip_newlines": textFilter(func(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }),
	"newline_to_br": textFilter(func(s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "<br />\n")
	}),
	"escape":        textFilter(html.EscapeString),
	"escape_once":   textFilter(func(s string) string { return html.EscapeString(html.UnescapeString(s)) }),
	"url_encode":    textFilter(url.QueryEscape),
	"url_decode":    urlDecode,
	"base64_encode": textFilter(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
	"base64_decode": base64Decode,
	"remove":        func(r *run, v any, a arguments) any { return r.replace(r.string(v), r.string(a.need()), "", -1) },
	"remove_first":  func(r *run, v any, a arguments) any { return r.replace(r.string(v), r.string(a.need()), "", 1) },
	"replace": func(r *run, v any, a arguments) any {
		return r.replace(r.string(v), r.string(a.need()), a.text(1, ""), -1)
	},
	"replace_first": func(r *run, v any, a arguments) any {
		return r.replace(r.string(v), r.string(a.need()), a.text(1, ""), 1)
	},
	"remove_last": func(r *run, v any, a arguments) any { return r.replaceLast(r.string(v), r.string(a.need()), "") },
	"replace_last": func(r *run, v any, a arguments) any {
		return r.replaceLast(r.string(v), r.string(a.need()), a.text(1, ""))
	},
	"truncate":      truncate,
	"truncatewords": truncateWords,
	"split":         splitText,
	"json":          toJSON,
	"jsonify":       toJSON,
	"date":          date,
	"default": func(r *run, v any, a arguments) any {
		if v == nil || v == false && !a.allowFalse || r.is(v, "empty") {
			return a.need()
		}
		return v
	},
}

func (r *run) join(a, b string) string {
	if len(a)+len(b) > MaxOutput {
		r.fail("a text grows larger than %d MiB", MaxOutput>>20)
	}
	return r.text(a + b)
}

func capitalize(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + strings.ToLower(s[size:])
}

func urlDecode(r *run, v any, _ arguments) any {
	s, err := url.QueryUnescape(r.string(v))
	if err != nil {
		r.fail("what url_decode gets is not encoded for a URL")
	}
	return r.text(strings.ToValidUTF8(s, "\ufffd"))
}

func base64Decode(r *run, v any, _ arguments) any {
	data, err := base64.StdEncoding.DecodeString(r.string(v))
	if err != nil {
		r.fail("what base64_decode gets is no base64")
	}
	return r.text(strings.ToValidUTF8(string(data), "\ufffd"))
}

// replace pays for what it makes before it makes it.
func (r *run) replace(s, old, by string, most int) string {
	r.spend(len(s)/textUnit + 1)
	times := strings.Count(s, old)
	if most >= 0 {
		times = min(times, most)
	}
	if len(s)+times*max(len(by)-len(old), 0) > MaxOutput {
		r.fail("a text grows larger than %d MiB", MaxOutput>>20)
	}
	return r.text(strings.Replace(s, old, by, most))
}

func (r *run) replaceLast(s, old, by string) string {
	r.spend(len(s)/textUnit + 1)
	i := strings.LastIndex(s, old)
	if i < 0 {
		return s
	}
	return r.join(r.join(s[:i], by), s[i+len(old):])
}

func truncate(r *run, v any, a arguments) any {
	runes := r.runes(r.string(v))
	most, ellipsis := int(min(max(a.whole(0, 50), 0), MaxOutput)), a.text(1, "...")
	if len(runes) <= most {
		return string(runes)
	}
	return r.join(string(runes[:max(most-utf8.RuneCountInString(ellipsis), 0)]), ellipsis)
}

func truncateWords(r *run, v any, a arguments) any {
	s := r.string(v)
	most, ellipsis := int(min(max(a.whole(0, 15), 1), MaxOutput)), a.text(1, "...")
	r.spend(len(s))
	words := strings.Fields(s)
	if len(words) <= most {
		return s
	}
	return r.join(strings.Join(words[:most], " "), ellipsis)
}

func (r *run) runes(s string) []rune {
	r.spend(len(s) / 4)
	return []rune(s)
}

func splitText(r *run, v any, a arguments) any {
	s, by := r.string(v), r.string(a.need())
	r.spend(len(s)/textUnit + 1)
	if s == "" {
		return []any{}
	}
	var parts []string
	if by == " " {
		r.spend(len(s) / 2)
		parts = strings.Fields(s)
	} else {
		r.spend(strings.Count(s, by) + 1)
		parts = strings.Split(s, by)
	}
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	list := make([]any, len(parts))
	for i, p := range parts {
		list[i] = p
	}
	return list
}

func toJSON(r *run, v any, _ arguments) any {
	t := &builder{r: r}
	t.json(v)
	return t.b.String()
}
