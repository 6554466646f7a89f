package builtin

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/headrace/headrace/internal/value"
)

// This file compares values of unlike kinds as JavaScript does, since that is what conditions were written against. Numbers are
// compared exactly, though, where JavaScript would round them.

// truthy reports whether v counts as true: it is not nothing, false, zero or an empty text.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil, absent:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case value.Number:
		return !value.Equal(v, value.Number("0"))
	default:
		return true
	}
}

// primitive turns lists and objects into the texts they are compared as.
func primitive(v any) any {
	switch v.(type) {
	case []any, *value.Object:
		return text(v)
	default:
		return v
	}
}

// text returns how v reads inside a text: lists as their items between commas, objects as a word that says so.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case absent:
		return "undefined"
	case string:
		return v
	case value.Number:
		return numberText(v)
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			if item != nil {
				items[i] = text(item)
			}
		}
		return strings.Join(items, ",")
	case *value.Object:
		return "[object Object]"
	default:
		return value.Text(v)
	}
}

// numberText returns the shortest spelling of a number; whole ones keep all their digits.
func numberText(n value.Number) string {
	if i, ok := n.Int64(); ok {
		return strconv.FormatInt(i, 10)
	}
	if strings.Trim(string(n), "-0123456789") == "" {
		return string(n)
	}
	f, ok := n.Float64()
	if !ok {
		return string(n)
	}
	// Go writes at least two digits of an exponent, JavaScript as many as there are.
	digits, exponent, _ := strings.Cut(string(value.FromFloat(f)), "e")
	if exponent == "" {
		return digits
	}
	return digits + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
}

// number is what a value counts as.
type number struct {
	exact value.Number // empty: only the float is known
	float float64
}

func toNumber(v any) number {
	switch v := v.(type) {
	case nil:
		return number{exact: "0"}
	case bool:
		if v {
			return number{exact: "1", float: 1}
		}
		return number{exact: "0"}
	case value.Number:
		f, _ := strconv.ParseFloat(string(v), 64) // beyond all floats it is an infinity
		return number{exact: v, float: f}
	case string:
		return textToNumber(v)
	default:
		return textToNumber(text(v))
	}
}

// textToNumber reads a number as JavaScript's Number does: nothing is 0, and 0x10, 1., .5 and Infinity are numbers, too.
func textToNumber(s string) number {
	s = strings.TrimFunc(s, isSpace)
	if s == "" {
		return number{exact: "0"}
	}
	if n, ok := value.ParseNumber(s); ok {
		return toNumber(n)
	}
	if len(s) > 2 && s[0] == '0' && strings.ContainsRune("xXoObB", rune(s[1])) && !strings.Contains(s, "_") {
		if n, err := strconv.ParseUint(s, 0, 64); err == nil {
			return toNumber(value.Number(strconv.FormatUint(n, 10)))
		}
		return number{float: math.NaN()}
	}
	plain := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	if plain == "Infinity" && len(s)-len(plain) <= 1 {
		return number{float: math.Inf(1 - 2*strings.Count(s, "-"))}
	}
	if strings.Trim(s, "+-.0123456789eE") != "" {
		return number{float: math.NaN()} // Go also reads nan, inf, and hexadecimal fractions
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return number{float: math.NaN()}
	}
	return number{float: f}
}

func isSpace(r rune) bool {
	return strings.ContainsRune("\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff", r) || r >= '\u2000' && r <= '\u200a'
}

// compare orders two values; false: they have no order.
func compare(a, b any) (int, bool) {
	a, b = primitive(a), primitive(b)
	s, ok := a.(string)
	t, ok2 := b.(string)
	if ok && ok2 {
		// By UTF-16 units, which differs from the order of bytes for characters beyond them.
		return slices.Compare(utf16.Encode([]rune(s)), utf16.Encode([]rune(t))), true
	}
	return compareNumbers(toNumber(a), toNumber(b))
}

func compareNumbers(x, y number) (int, bool) {
	if x.exact != "" && y.exact != "" {
		if c, ok := x.exact.Compare(y.exact); ok {
			return c, true
		}
	}
	if math.IsNaN(x.float) || math.IsNaN(y.float) {
		return 0, false
	}
	return cmp.Compare(x.float, y.float), true
}

// looselyEqual is JavaScript's ==, for values that are not the same list or object.
func looselyEqual(a, b any) bool {
	if isNothing(a) || isNothing(b) {
		return isNothing(a) && isNothing(b)
	}
	if composite(a) && composite(b) {
		return false
	}
	a, b = primitive(a), primitive(b)
	s, ok := a.(string)
	t, ok2 := b.(string)
	if ok && ok2 {
		return s == t
	}
	c, ordered := compareNumbers(toNumber(a), toNumber(b))
	return ordered && c == 0
}

func isNothing(v any) bool { return v == nil || isAbsent(v) }

// deepEqual compares lists and objects item by item, what is in them loosely; but nothing equals nothing only.
func deepEqual(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, deepEqual)
	case *value.Object:
		b, ok := b.(*value.Object)
		return ok && deepEqualObjects(a, b)
	case nil:
		return b == nil
	default:
		return b != nil && !composite(b) && looselyEqual(a, b)
	}
}

func deepEqualObjects(a, b *value.Object) bool {
	if a.Len() != b.Len() {
		return false
	}
	for key, v := range a.All() {
		if w, ok := b.Get(key); !ok || !deepEqual(v, w) {
			return false
		}
	}
	return true
}

// same reports whether an item of a list is v: of one kind and equal. Lists and objects are never found in a list.
func same(item, v any) bool { return !composite(item) && value.Equal(item, v) }

func composite(v any) bool {
	switch v.(type) {
	case []any, *value.Object:
		return true
	default:
		return false
	}
}
