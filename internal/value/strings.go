package value

import (
	"slices"
	"unicode/utf8"
)

// MapStrings returns v with every text in it, keys of objects and bytes that are text included, replaced by what f makes of it, and
// whether anything changed. If nothing did, it is v itself. Of keys that become the same the last value counts.
func MapStrings(v any, f func(string) string) (any, bool) {
	switch v := v.(type) {
	case string:
		s := f(v)
		return s, s != v
	case []any:
		return mapList(v, f)
	case *Object:
		return mapObject(v, f)
	case Bytes:
		return mapBytes(v, f)
	default:
		return v, false
	}
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

func mapList(v []any, f func(string) string) (any, bool) {
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
	if out == nil {
		return v, false
	}
	return out, true
}

func mapObject(o *Object, f func(string) string) (any, bool) {
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
	if out == nil {
		return o, false
	}
	return out, true
}
