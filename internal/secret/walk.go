package secret

import (
	"github.com/headrace/headrace/internal/value"
)

// Value returns v without the secrets, and whether there was one in it; if
// there was none, it is v itself. Texts, keys of objects and bytes, text or
// not, are redacted as Text does, a number where a secret is all of it.
func (r *Redactor) Value(v any) (any, bool) {
	if r == nil || !r.any.Load() {
		return v, false
	}
	return walker{text: r.Text, number: r.compiled().number}.value(v)
}

// HideValue returns v with the tokens in it hidden as Hide does, and whether
// anything changed.
func (m *Mask) HideValue(v any) (any, bool) { return walker{text: m.Hide}.value(v) }

// walker changes the leaves of a value. It goes into bytes that are no text,
// too, where a secret is as readable as elsewhere, and into numbers.
type walker struct {
	text   func(string) string
	number func(value.Number) (string, bool) // nil: leave numbers alone
}

func (w walker) value(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		s := w.text(v)
		return s, s != v
	case value.Number:
		if w.number == nil {
			return v, false
		}
		if s, ok := w.number(v); ok {
			return s, true
		}
		return v, false
	case value.Bytes:
		before := string(v.Data)
		if after := w.text(before); after != before {
			return value.Bytes{Data: []byte(after), ContentType: v.ContentType}, true
		}
		return v, false
	case []any:
		return w.list(v)
	case *value.Object:
		return w.object(v)
	default: // nil, bool
		return v, false
	}
}

func (w walker) list(list []any) (any, bool) {
	var out []any
	for i, item := range list {
		item, changed := w.value(item)
		if changed && out == nil {
			out = append([]any(nil), list...)
		}
		if changed {
			out[i] = item
		}
	}
	if out == nil {
		return list, false
	}
	return out, true
}

func (w walker) object(o *value.Object) (any, bool) {
	var fields []value.Field
	changed := false
	for key, item := range o.All() {
		k := w.text(key)
		v, itemChanged := w.value(item)
		changed = changed || itemChanged || k != key
		fields = append(fields, value.Field{Key: k, Value: v})
	}
	if !changed {
		return o, false
	}
	out := value.Obj(fields...)
	out.FoldKeys = o.FoldKeys
	return out, true
}

// number returns the replacement of a number all of which is a secret. A
// secret inside a longer number is an accident.
func (ru *rules) number(n value.Number) (string, bool) {
	replacement, ok := ru.whole[string(n)]
	return replacement, ok
}
