package value

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// FromGo turns an ordinary Go value, such as encoding/json or YAML gives, into a value of the closed set. Keys of maps are sorted,
// bytes that are no UTF-8 in texts become the replacement character. What already is a value is checked and copied where it nests.
func FromGo(v any) (any, error) { return fromGo(v, 0) }

// fromGo turns v, which stands in depth lists and objects.
func fromGo(v any, depth int) (any, error) {
	switch v := v.(type) {
	case nil, bool:
		return v, nil
	case string:
		return validText(v), nil
	case Number:
		return fromNumber(string(v))
	case json.Number:
		return fromNumber(string(v))
	case Bytes:
		return Bytes{Data: v.Data, ContentType: validText(v.ContentType)}, nil
	case []byte:
		return Bytes{Data: v}, nil
	case json.RawMessage:
		return parse(v, MaxDepth-depth)
	case *Object:
		return fromObject(v, depth)
	default:
		return fromKind(reflect.ValueOf(v), depth)
	}
}

// fromKind goes by what v is made of, so that named types and any width of number will do.
func fromKind(v reflect.Value, depth int) (any, error) {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.String:
		return validText(v.String()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return FromInt(v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Number(strconv.FormatUint(v.Uint(), 10)), nil
	case reflect.Float32, reflect.Float64:
		return fromFloat(v)
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return Bytes{Data: v.Bytes()}, nil
		}
		return fromList(v, depth)
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String {
			return fromMap(v, depth)
		}
	}
	return nil, fmt.Errorf("a %s cannot be a value: give text, numbers, booleans, bytes, or lists and maps of them", v.Type())
}

func fromNumber(text string) (any, error) {
	n, ok := ParseNumber(text)
	if !ok {
		return nil, fmt.Errorf("%q is no JSON number", text)
	}
	return n, nil
}

func fromFloat(v reflect.Value) (any, error) {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%v is no JSON number", f)
	}
	if v.Kind() == reflect.Float32 {
		// As the float64 that it is, 0.1 would grow digits nobody wrote.
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', -1, 32), 64)
	}
	return FromFloat(f), nil
}

func fromList(v reflect.Value, depth int) (any, error) {
	if depth >= MaxDepth {
		return nil, errDeep()
	}
	list := make([]any, v.Len())
	for i := range list {
		item, err := fromGo(v.Index(i).Interface(), depth+1)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		list[i] = item
	}
	return list, nil
}

func fromMap(v reflect.Value, depth int) (any, error) {
	if depth >= MaxDepth {
		return nil, errDeep()
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	o := &Object{}
	for _, k := range keys {
		item, err := fromGo(v.MapIndex(k).Interface(), depth+1)
		if err != nil {
			return nil, fmt.Errorf("[%q]: %w", k.String(), err)
		}
		o.Set(validText(k.String()), item)
	}
	return o, nil
}

func fromObject(v *Object, depth int) (any, error) {
	if depth >= MaxDepth {
		return nil, errDeep()
	}
	o := &Object{}
	for k, item := range v.All() {
		item, err := fromGo(item, depth+1)
		if err != nil {
			return nil, fmt.Errorf("[%q]: %w", k, err)
		}
		o.Set(validText(k), item)
	}
	o.FoldKeys = v != nil && v.FoldKeys
	return o, nil
}

func errDeep() error {
	return fmt.Errorf("it nests deeper than %d levels: flatten it", MaxDepth)
}

func validText(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
