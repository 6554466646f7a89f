package value

import (
	"slices"
	"unicode/utf8"
)

// MapStrings returns v with every text in it, keys of objects and bytes that are text included, replaced by what f makes of it, and
// whether anything changed. If nothing did, it is v itself. Of keys that become the same the last value counts.
func MapStrings(v any, f func(string) string) (any, bool) {
	switch t := v.(type) {
	case string:
		if s := f(t); s != t {
			return s, true
		}
	case []any:
		if out := mapList(t, f); out != nil {
			return out, true
		}
	case *Object:
		if out := mapObject(t, f); out != nil {
			return out, true
		}
	case Bytes:
		return mapBytes(t, f)
	}
	return v, false
}

func mapBytes(v Bytes, f func(string) string) (any, bool) {
	out := Bytes{Data: v.Data, ContentType: f(v.ContentType)}
	changed := out.ContentType != v.ContentType
	if utf8.Valid(v.Data) {
		text := string(v.Data)
		if s := f(text); s != text {
			out.Data, changed = []byte(s), true
		}
	}
	if !changed {
		return v, false
	}
	return out, true
}

// mapList returns nil if nothing changes.
func mapList(v []any, f func(string) string) []any {
	var out []any
	for i := range v {
		item, changed := MapStrings(v[i], f)
		if !changed {
			continue
		}
		if out == nil {
			out = slices.Clone(v)
		}
		out[i] = item
	}
	return out
}

// mapObject returns nil if nothing changes.
func mapObject(o *Object, f func(string) string) *Object {
	var out *Object
	for i := range o.Len() {
		k := o.fields[i].Key
		key := f(k)
		item, changed := MapStrings(o.fields[i].Value, f)
		if out == nil && (changed || key != k) {
			out = Obj(o.fields[:i]...)
			out.FoldKeys = o.FoldKeys
		}
		if out != nil {
			out.Set(key, item)
		}
	}
	return out
}
