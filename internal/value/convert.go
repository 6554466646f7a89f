package value

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode/utf8"
)

// FromGo turns an ordinary Go value, such as encoding/json or YAML gives, into a value of the closed set. Keys of maps are sorted.
func FromGo(v any) (any, error) { return fromGo(v, 0) }

func fromGo(v any, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("it nests deeper than %d levels", MaxDepth)
	}
	switch v := v.(type) {
	case nil, bool, string, Number, *Object, Bytes:
		return v, nil
	case int:
		return FromInt(int64(v)), nil
	case int32:
		return FromInt(int64(v)), nil
	case int64:
		return FromInt(v), nil
	case uint64:
		return Number(fmt.Sprint(v)), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%v is no JSON number", v)
		}
		return FromFloat(v), nil
	case json.Number:
		return Number(v), nil
	case []byte:
		return Bytes{Data: v}, nil
	case []string:
		list := make([]any, len(v))
		for i := range v {
			list[i] = v[i]
		}
		return list, nil
	case []any:
		return fromSlice(v, depth)
	case map[string]string:
		o := Obj()
		for _, k := range slices.Sorted(maps.Keys(v)) {
			o.Set(k, v[k])
		}
		return o, nil
	case map[string]any:
		return fromMap(v, depth)
	default:
		return nil, fmt.Errorf("a %T cannot be a value", v)
	}
}

func fromSlice(v []any, depth int) (any, error) {
	list := make([]any, len(v))
	for i := range v {
		item, err := fromGo(v[i], depth+1)
		if err != nil {
			return nil, err
		}
		list[i] = item
	}
	return list, nil
}

func fromMap(v map[string]any, depth int) (any, error) {
	o := Obj()
	for _, k := range slices.Sorted(maps.Keys(v)) {
		item, err := fromGo(v[k], depth+1)
		if err != nil {
			return nil, err
		}
		o.Set(k, item)
	}
	return o, nil
}

// MapStrings returns v with every text in it, keys of objects and bytes that are text included, replaced by what f makes of it, and
// whether anything changed. If nothing did, it is v itself.
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
		if !utf8.Valid(v.Data) {
			return v, false
		}
		if s := f(string(v.Data)); s != string(v.Data) {
			return Bytes{Data: []byte(s), ContentType: v.ContentType}, true
		}
		return v, false
	default:
		return v, false
	}
}

func mapList(v []any, f func(string) string) (any, bool) {
	var out []any
	for i := range v {
		item, changed := MapStrings(v[i], f)
		if changed && out == nil {
			out = slices.Clone(v)
		}
		if changed {
			out[i] = item
		}
	}
	if out == nil {
		return v, false
	}
	return out, true
}

func mapObject(o *Object, f func(string) string) (any, bool) {
	var fields []Field
	changed := false
	for k, v := range o.All() {
		key := f(k)
		item, itemChanged := MapStrings(v, f)
		changed = changed || itemChanged || key != k
		fields = append(fields, Field{Key: key, Value: item})
	}
	if !changed {
		return o, false
	}
	out := Obj(fields...)
	out.FoldKeys = o.FoldKeys
	return out, true
}
