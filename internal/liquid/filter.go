package liquid

import (
	"cmp"
	"encoding/base64"
	"html"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/value"
)

// filter makes something of a value.
type filter func(r *run, v any, args arguments) any

// arguments is what stands after the name of a filter.
type arguments struct {
	r          *run
	name       string
	list       []any
	allowFalse bool
}

// need returns the first argument, which must be there.
func (a arguments) need() any {
	if len(a.list) == 0 {
		a.r.fail("the filter %s wants an argument", a.name)
	}
	return a.list[0]
}

func (a arguments) text(i int, otherwise string) string {
	if i >= len(a.list) {
		return otherwise
	}
	return a.r.string(a.list[i])
}

func (a arguments) whole(i int, otherwise int64) int64 {
	if i >= len(a.list) {
		return otherwise
	}
	return a.r.whole(a.list[i])
}

// filters is every filter by name.
var filters = merged(textFilters, numberFilters, listFilters)

func merged(groups ...map[string]filter) map[string]filter {
	all := map[string]filter{}
	for _, group := range groups {
		maps.Copy(all, group)
	}
	return all
}

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

var numberFilters = map[string]filter{
	"plus":       arithmetic(func(a, b int64) (int64, bool) { c := a + b; return c, (c > a) == (b > 0) }, func(a, b float64) float64 { return a + b }),
	"minus":      arithmetic(func(a, b int64) (int64, bool) { c := a - b; return c, (c < a) == (b > 0) }, func(a, b float64) float64 { return a - b }),
	"times":      arithmetic(multiply, func(a, b float64) float64 { return a * b }),
	"divided_by": divide(floorDivide, func(a, b float64) float64 { return a / b }),
	"modulo":     divide(func(a, b int64) int64 { return a - floorDivide(a, b)*b }, func(a, b float64) float64 { return a - b*math.Floor(a/b) }),
	"abs":        rounding(math.Abs),
	"ceil":       rounding(math.Ceil),
	"floor":      rounding(math.Floor),
	"round": func(r *run, v any, a arguments) any {
		places := min(max(a.whole(0, 0), -15), 15)
		scale := math.Pow10(int(places))
		return r.number(math.Floor(r.float(v)*scale+0.5) / scale)
	},
	"at_least": func(r *run, v any, a arguments) any { return r.pick(v, a.need(), 1) },
	"at_most":  func(r *run, v any, a arguments) any { return r.pick(v, a.need(), -1) },
}

func (r *run) number(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		r.fail("a number is too large")
	}
	return value.FromFloat(f)
}

// whole64 returns a value as a whole number, if it is one; nothing counts as 0.
func whole64(v any) (int64, bool) {
	n, ok := asNumber(v)
	if !ok {
		return 0, true
	}
	if strings.ContainsAny(string(n), ".eE") {
		return 0, false
	}
	return n.Int64()
}

// arithmetic calculates exactly with whole numbers and else, or where those become too large, with floats.
func arithmetic(whole func(a, b int64) (int64, bool), float func(a, b float64) float64) filter {
	return func(r *run, v any, args arguments) any {
		w := args.need()
		a, ok := whole64(v)
		b, ok2 := whole64(w)
		if ok && ok2 {
			if c, fits := whole(a, b); fits {
				return value.FromInt(c)
			}
		}
		return r.number(float(r.float(v), r.float(w)))
	}
}

func multiply(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	c := a * b
	return c, c/b == a && (a != -1 || b != math.MinInt64) && (b != -1 || a != math.MinInt64)
}

func floorDivide(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// divide divides whole numbers to whole ones, as Liquid does.
func divide(whole func(a, b int64) int64, float func(a, b float64) float64) filter {
	return func(r *run, v any, args arguments) any {
		w := args.need()
		if r.float(w) == 0 {
			r.fail("the filter %s divides by zero", args.name)
		}
		a, ok := whole64(v)
		b, ok2 := whole64(w)
		if ok && ok2 && b != -1 {
			return value.FromInt(whole(a, b))
		}
		return r.number(float(r.float(v), r.float(w)))
	}
}

// rounding keeps the digits of whole numbers that are not changed.
func rounding(f func(float64) float64) filter {
	return func(r *run, v any, _ arguments) any {
		if n, ok := asNumber(v); ok && !strings.ContainsAny(string(n), ".eE-") {
			return n
		}
		return r.number(f(r.float(v)))
	}
}

// pick returns the larger or the smaller of two numbers, digit for digit.
func (r *run) pick(a, b any, sign int) any {
	x, ok := asNumber(a)
	if !ok {
		x = "0"
	}
	y, ok := asNumber(b)
	if !ok {
		y = "0"
	}
	if c, ok := x.Compare(y); ok && c*sign < 0 {
		return y
	}
	return x
}

var listFilters = map[string]filter{
	"size": func(r *run, v any, _ arguments) any {
		switch v := v.(type) {
		case string:
			r.spend(len(v) / textUnit)
			return value.FromInt(int64(utf8.RuneCountInString(v)))
		case []any:
			return value.FromInt(int64(len(v)))
		case *value.Object:
			return value.FromInt(int64(v.Len()))
		case span:
			return value.FromInt(v.len())
		default:
			return value.Number("0")
		}
	},
	"first":   func(r *run, v any, _ arguments) any { return r.property(v, "first") },
	"last":    func(r *run, v any, _ arguments) any { return r.property(v, "last") },
	"join":    joinList,
	"reverse": func(r *run, v any, _ arguments) any { l := r.copy(v); slices.Reverse(l); return l },
	"concat":  func(r *run, v any, a arguments) any { return append(r.copy(v), r.copy(a.need())...) },
	"compact": func(r *run, v any, a arguments) any {
		return r.keep(v, func(item any) bool { return r.of(item, a) != nil })
	},
	"map": func(r *run, v any, a arguments) any {
		l, key := r.copy(v), a.need()
		for i := range l {
			l[i] = r.property(l[i], key)
		}
		return l
	},
	"where": func(r *run, v any, a arguments) any {
		return r.keep(v, func(item any) bool { return r.matches(item, a) })
	},
	"reject": func(r *run, v any, a arguments) any {
		return r.keep(v, func(item any) bool { return !r.matches(item, a) })
	},
	"find": func(r *run, v any, a arguments) any {
		for _, item := range r.list(v) {
			if r.matches(item, a) {
				return item
			}
		}
		return nil
	},
	"has": func(r *run, v any, a arguments) any {
		return slices.ContainsFunc(r.list(v), func(item any) bool { return r.matches(item, a) })
	},
	"sum": func(r *run, v any, a arguments) any {
		plus, total := numberFilters["plus"], any(value.Number("0"))
		for _, item := range r.list(v) {
			r.spend(1)
			total = plus(r, total, arguments{r: r, name: "sum", list: []any{r.of(item, a)}})
		}
		return total
	},
	"uniq":         uniq,
	"slice":        slice,
	"sort":         func(r *run, v any, a arguments) any { return r.sorted(v, a, false) },
	"sort_natural": func(r *run, v any, a arguments) any { return r.sorted(v, a, true) },
}

// copy returns a list that a filter may change.
func (r *run) copy(v any) []any {
	l := r.list(v)
	r.spend(len(l) + 1)
	return slices.Clone(l)
}

// of returns an item, or its property where the filter is given the name of one.
func (r *run) of(item any, a arguments) any {
	if len(a.list) == 0 {
		return item
	}
	return r.property(item, a.list[0])
}

func (r *run) matches(item any, a arguments) bool {
	r.spend(1)
	v := r.property(item, a.need())
	if len(a.list) > 1 {
		return r.equal(v, a.list[1])
	}
	return truth(v)
}

func (r *run) keep(v any, keeps func(any) bool) []any {
	list := []any{}
	for _, item := range r.list(v) {
		r.spend(1)
		if keeps(item) {
			list = append(list, item)
		}
	}
	return list
}

func joinList(r *run, v any, a arguments) any {
	t, by := &builder{r: r}, a.text(0, " ")
	for i, item := range r.list(v) {
		if i > 0 {
			t.put(by)
		}
		t.value(item)
	}
	return t.b.String()
}

func uniq(r *run, v any, a arguments) any {
	list, keys := []any{}, []any{}
	seen := map[any]bool{}
	for _, item := range r.list(v) {
		r.spend(1)
		key := r.of(item, a)
		switch key.(type) {
		case string, bool, nil:
			if seen[key] {
				continue
			}
			seen[key] = true
		default:
			if slices.ContainsFunc(keys, func(k any) bool { return r.equal(k, key) }) {
				continue
			}
			keys = append(keys, key)
		}
		list = append(list, item)
	}
	return list
}

func slice(r *run, v any, a arguments) any {
	start, length := r.whole(a.need()), a.whole(1, 1)
	cut := func(n int64) (int64, int64) {
		from := start
		if from < 0 {
			from += n
		}
		if from < 0 || from > n || length < 0 {
			return 0, 0
		}
		return from, min(from+length, n)
	}
	if list, ok := v.([]any); ok {
		from, to := cut(int64(len(list)))
		return r.copy(list[from:to])
	}
	runes := r.runes(r.string(v))
	from, to := cut(int64(len(runes)))
	return string(runes[from:to])
}

// sorted sorts numbers by what they count and texts by their characters; what cannot be compared stands at the end, as it stood.
func (r *run) sorted(v any, a arguments, fold bool) []any {
	list := r.copy(v)
	key := func(item any) any {
		k := r.of(item, a)
		if s, ok := k.(string); ok && fold {
			return r.text(strings.ToLower(s))
		}
		return k
	}
	slices.SortStableFunc(list, func(x, y any) int {
		r.spend(1)
		a, b := key(x), key(y)
		if c := cmp.Compare(rank(a), rank(b)); c != 0 {
			return c
		}
		c, _ := r.compare(a, b)
		return c
	})
	return list
}

// rank groups what can be compared with each other.
func rank(v any) int {
	switch v.(type) {
	case value.Number:
		return 0
	case string:
		return 1
	default:
		return 2
	}
}
