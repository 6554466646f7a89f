package value_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/value"
)

func TestKindAndText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		v          any
		kind, text string
	}{
		{nil, "nothing", ""},
		{true, "a boolean", "true"},
		{false, "a boolean", "false"},
		{"<a> {{$b}}", "a text", "<a> {{$b}}"},
		{value.Number("1.50"), "a number", "1.50"},
		{[]any{value.Number("1"), "a"}, "a list", `[1,"a"]`},
		{value.Obj(value.Field{Key: "b", Value: nil}), "an object", `{"b":null}`},
		{value.Bytes{Data: []byte("é")}, "bytes", "é"},
		{value.Bytes{Data: []byte{0xff}}, "bytes", "/w=="},
		{struct{}{}, "not a value", `"not a value: struct {}"`},
	}
	for _, tt := range tests {
		if got := value.Kind(tt.v); got != tt.kind {
			t.Errorf("%#v is %s, want %s", tt.v, got, tt.kind)
		}
		if got := value.Text(tt.v); got != tt.text {
			t.Errorf("%#v reads %s, want %s", tt.v, got, tt.text)
		}
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	ab := value.Obj(value.Field{Key: "a", Value: value.Number("1")}, value.Field{Key: "b"})
	ba := value.Obj(value.Field{Key: "b"}, value.Field{Key: "a", Value: value.Number("1.0")})
	list := []any{ab, "x"}
	tests := []struct {
		name string
		a, b any
		want bool
	}{
		{"order", ab, ba, true},
		{"in lists", list, []any{ba, "x"}, true},
		{"other length", list, []any{ba}, false},
		{"key with nothing and no key", ab, value.Obj(value.Field{Key: "a", Value: value.Number("1")}, value.Field{Key: "c"}), false},
		{"fewer keys", ab, value.Obj(value.Field{Key: "b"}), false},
		{"number and text", value.Number("1"), "1", false},
		{"nothing and empty", nil, "", false},
		{"nothing and list", nil, []any{}, false},
		{"false and nothing", false, nil, false},
		{"list and object", []any{}, value.Obj(), false},
		{"bytes", value.Bytes{Data: []byte{1}}, value.Bytes{Data: []byte{1}}, true},
		{"other content type", value.Bytes{ContentType: "a"}, value.Bytes{}, false},
		{"bytes and text", value.Bytes{Data: []byte("a")}, "a", false},
		{"what is no value", struct{}{}, struct{}{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if value.Equal(tt.a, tt.b) != tt.want || value.Equal(tt.b, tt.a) != tt.want {
				t.Errorf("equal should be %t", tt.want)
			}
		})
	}
}

func TestEqualHoldsForEveryValueAndItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v, w := values(3).Draw(t, "v"), values(3).Draw(t, "w")
		if !value.Equal(v, value.Clone(v)) {
			t.Fatalf("%#v is not itself", v)
		}
		if value.Equal(v, w) != value.Equal(w, v) {
			t.Fatalf("%#v and %#v are equal one way", v, w)
		}
	})
}

func TestFromGo(t *testing.T) {
	t.Parallel()
	type name string
	var nothing map[string]any
	tests := []struct {
		in   any
		want string // in the storage form
	}{
		{nil, `null`},
		{true, `true`},
		{"a", `"a"`},
		{name("a"), `"a"`},
		{"a\xff", "\"a\ufffd\""},
		{1, `1`},
		{int8(-1), `-1`},
		{int32(1), `1`},
		{int64(math.MinInt64), `-9223372036854775808`},
		{uint(1), `1`},
		{uint64(math.MaxUint64), `18446744073709551615`},
		{1.5, `1.5`},
		{1e6, `1000000`},
		{float32(0.1), `0.1`},
		{json.Number("1.50"), `1.50`},
		{value.Number("1e2"), `1e2`},
		{[]byte{0xff}, `{"$bytes":"/w==","contentType":""}`},
		{value.Bytes{Data: []byte{1}, ContentType: "a"}, `{"$bytes":"AQ==","contentType":"a"}`},
		{json.RawMessage(`{"b":1.0,"a":2}`), `{"b":1.0,"a":2}`},
		{[]string{"a", "b"}, `["a","b"]`},
		{[]int{1}, `[1]`},
		{[2]bool{true}, `[true,false]`},
		{[]any{1, []any{}}, `[1,[]]`},
		{[]any(nil), `[]`},
		{map[string]any{"b": 1, "a": map[string]string{"d": "x", "c": "y"}, "c": nil}, `{"a":{"c":"y","d":"x"},"b":1,"c":null}`},
		{map[name]int{"a": 1}, `{"a":1}`},
		{nothing, `{}`},
		{[]map[string]any{{"a": 1}}, `[{"a":1}]`},
		{value.Obj(value.Field{Key: "b", Value: 1}, value.Field{Key: "a", Value: []int{2}}), `{"b":1,"a":[2]}`},
		{(*value.Object)(nil), `{}`},
	}
	for _, tt := range tests {
		v, err := value.FromGo(tt.in)
		if err != nil {
			t.Errorf("%#v: %v", tt.in, err)
			continue
		}
		if got := string(value.Encode(v)); got != tt.want {
			t.Errorf("%#v: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestFromGoRefuses(t *testing.T) {
	t.Parallel()
	loop := map[string]any{}
	loop["a"] = []any{loop}
	tests := []struct {
		in   any
		want string
	}{
		{math.NaN(), "NaN is no JSON number"},
		{math.Inf(-1), "-Inf is no JSON number"},
		{json.Number("0x1"), `"0x1" is no JSON number`},
		{value.Number(""), `"" is no JSON number`},
		{json.RawMessage(`{`), "line 1, column 2: the JSON ends too soon"},
		{map[int]any{}, "a map[int]interface {} cannot be a value"},
		{struct{}{}, "a struct {} cannot be a value"},
		{new(int), "a *int cannot be a value"},
		{map[string]any{"a": []any{1, func() {}}}, `["a"]: [1]: a func() cannot be a value`},
		{value.Obj(value.Field{Key: "a", Value: struct{}{}}), `["a"]: a struct {} cannot be a value`},
		{loop, "it nests deeper than 64 levels"},
		{nest("x", value.MaxDepth+1), "it nests deeper than 64 levels"},
	}
	for _, tt := range tests {
		v, err := value.FromGo(tt.in)
		if err == nil || v != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%T: got %v, %v; want %s", tt.in, v, err, tt.want)
		}
	}
}

func TestFromGoGoesAsDeepAsParse(t *testing.T) {
	t.Parallel()
	v, err := value.FromGo(nest("x", value.MaxDepth))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := value.Parse(value.JSON(v)); err != nil {
		t.Error(err)
	}
	raw := any(json.RawMessage(`[[1]]`))
	for range value.MaxDepth - 1 {
		raw = []any{raw}
	}
	_, err = value.FromGo(raw)
	var syntax *value.SyntaxError
	if !errors.As(err, &syntax) || !syntax.TooDeep {
		t.Errorf("got %v", err)
	}
}

func ExampleKind() {
	v, err := value.Parse([]byte(`{"amount": 12.50}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %s\n", value.Kind(v), value.JSON(v))
	// Output: an object: {"amount":12.50}
}
