package value_test

import (
	"strconv"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/value"
)

// keys are such as tempt the encodings: markers of bytes, what looks escaped, what must be escaped.
var keys = rapid.OneOf(
	rapid.SampledFrom([]string{"", "a", "b", "$bytes", "$$bytes", "$$$bytes", "bytes", "$", "contentType", `"`, `\`, "\n", "\u2028", "<&>", "é", "\x00"}),
	rapid.String(),
)

var numbers = rapid.OneOf(
	rapid.SampledFrom([]value.Number{
		"0", "-0", "0.0", "1", "1.0", "1e0", "10e-1", "-1.50", "9223372036854775807", "9223372036854775808",
		"0.1", "1e400", "1E+400", "-1e-400", "123456789012345678901234567890.123456789",
	}),
	rapid.Custom(func(t *rapid.T) value.Number { return value.FromInt(rapid.Int64().Draw(t, "int")) }),
	rapid.Custom(func(t *rapid.T) value.Number { return value.FromFloat(rapid.Float64().Draw(t, "float")) }),
)

// values draws values of every kind that nest up to depth levels.
func values(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 7
		if depth == 0 {
			kinds = 5
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.String().Draw(t, "text")
		case 3:
			return numbers.Draw(t, "number")
		case 4:
			return value.Bytes{Data: rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "data"), ContentType: rapid.String().Draw(t, "contentType")}
		case 5:
			return rapid.SliceOfN(values(depth-1), 0, 4).Draw(t, "list")
		default:
			o := value.Obj()
			for range rapid.IntRange(0, 12).Draw(t, "len") {
				o.Set(keys.Draw(t, "key"), values(depth-1).Draw(t, "value"))
			}
			return o
		}
	})
}

// same tells whether two values are the same to the last digit, the order of keys and the content type. It shares no code with
// what is under test but the readers of objects.
func same(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case *value.Object:
		b, ok := b.(*value.Object)
		return ok && same(fields(a), fields(b))
	case value.Bytes:
		b, ok := b.(value.Bytes)
		return ok && string(a.Data) == string(b.Data) && a.ContentType == b.ContentType
	default:
		return a == b
	}
}

func fields(o *value.Object) []any {
	var list []any
	for k, v := range o.All() {
		list = append(list, k, v)
	}
	return list
}

// nest puts v into depth lists and objects.
func nest(v any, depth int) any {
	for i := range depth {
		if i%2 == 0 {
			v = []any{v}
		} else {
			v = value.Obj(value.Field{Key: strconv.Itoa(i), Value: v})
		}
	}
	return v
}
