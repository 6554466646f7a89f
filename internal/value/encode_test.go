package value_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/value"
)

func TestDecodeReturnsWhatWasEncoded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values(4).Draw(t, "value")
		encoded := value.Encode(v)
		if !json.Valid(encoded) {
			t.Fatalf("no JSON: %s", encoded)
		}
		got, err := value.Decode(encoded)
		if err != nil || !same(v, got) {
			t.Fatalf("%s became %#v, %v; was %#v", encoded, got, err, v)
		}
		if again := value.Encode(got); string(again) != string(encoded) {
			t.Fatalf("encoded again it is %s, was %s", again, encoded)
		}
	})
}

func TestDecodeReadsBytesAtTheDeepestPlace(t *testing.T) {
	t.Parallel()
	v := nest(value.Bytes{Data: []byte{0xff}, ContentType: "image/png"}, 4*value.MaxDepth)
	got, err := value.Decode(value.Encode(v))
	if err != nil || !same(v, got) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEncodeWritesBytesSoThatNoDataCanPassForThem(t *testing.T) {
	t.Parallel()
	forged, err := value.Parse([]byte(`{"$bytes":"QUJD","contentType":"text/plain","$$bytes":1,"$bytes2":2}`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"bytes", value.Bytes{Data: []byte("ABC"), ContentType: "text/plain"}, `{"$bytes":"QUJD","contentType":"text/plain"}`},
		{"empty bytes", value.Bytes{}, `{"$bytes":"","contentType":""}`},
		{"forged bytes", forged, `{"$$bytes":"QUJD","contentType":"text/plain","$$$bytes":1,"$bytes2":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(value.Encode(tt.v)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestDecodedObjectsFindTheirKeys(t *testing.T) {
	t.Parallel()
	o := value.Obj(value.Field{Key: "$bytes", Value: "mine"})
	for i := range 20 {
		o.Set(strconv.Itoa(i), nil)
	}
	v, err := value.Decode(value.Encode(o))
	if err != nil {
		t.Fatal(err)
	}
	decoded := v.(*value.Object)
	if got, ok := decoded.Get("$bytes"); !ok || got != "mine" {
		t.Errorf("got %v, %t", got, ok)
	}
	if got, ok := decoded.Get("$$bytes"); ok {
		t.Errorf("the escaped key is found: %v", got)
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `{`, `{"$bytes":5,"contentType":""}`, `{"$bytes":"QUJD"}`, `{"$bytes":"?","contentType":""}`, `[{"$bytes":"QUJD","contentType":5}]`,
		`{"a":{"$bytes":"QUJD","contentType":"","more":1}}`,
	} {
		if v, err := value.Decode([]byte(text)); err == nil {
			t.Errorf("%s became %v", text, v)
		}
	}
}

func TestJSONIsForTheOutside(t *testing.T) {
	t.Parallel()
	v := value.Obj(
		value.Field{Key: "z", Value: value.Bytes{Data: []byte{0xff, 0}, ContentType: "image/png"}},
		value.Field{Key: "$bytes", Value: "<a href='x'>&\u2028\"\\\b\x01\x7f"},
		value.Field{Key: "a", Value: []any{nil, true, value.Number("1.0"), (*value.Object)(nil), []any(nil)}},
	)
	want := `{"z":"/wA=","$bytes":"<a href='x'>&` + "\u2028" + `\"\\\u0008\u0001` + "\x7f" + `","a":[null,true,1.0,{},[]]}`
	if got := string(value.JSON(v)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(value.Append([]byte("x="), v)); got != "x="+want {
		t.Errorf("appended: %s", got)
	}
}

func TestJSONIsAlwaysJSON(t *testing.T) {
	t.Parallel()
	type connection struct{ Password string }
	for _, v := range []any{
		value.Number(""), value.Number("01"), value.Number("NaN"), value.Number(`1,"x":2`), "\xff\xc3\"", value.Obj(value.Field{Key: "\xff"}),
		&connection{Password: "s3cret"},
		[]any{connection{Password: "s3cret"}},
	} {
		for _, b := range [][]byte{value.JSON(v), value.Encode(v), value.Canonical(v)} {
			if !json.Valid(b) {
				t.Errorf("%#v became %s", v, b)
			}
		}
	}
	if got := string(value.JSON(&connection{Password: "s3cret"})); got != `"not a value: *value_test.connection"` {
		t.Errorf("got %s", got)
	}
}

func TestCanonicalIsOneFormForEachValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values(3).Draw(t, "value")
		shuffled := shuffle(t, v)
		if a, b := string(value.Canonical(v)), string(value.Canonical(shuffled)); a != b {
			t.Fatalf("other order, other form:\n%s\n%s", a, b)
		}
		if !value.Equal(v, shuffled) {
			t.Fatal("order makes a difference to Equal")
		}
		w := values(3).Draw(t, "other")
		if string(value.Canonical(v)) == string(value.Canonical(w)) && !value.Equal(v, w) {
			t.Fatalf("two values share the form %s", value.Canonical(v))
		}
	})
	v, err := value.Parse([]byte(`{"b":1.0,"a":{"d":[],"c":"x"},"$bytes":""}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(value.Canonical(v)), `{"$$bytes":"","a":{"c":"x","d":[]},"b":1.0}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// shuffle returns v with the keys of its objects in another order.
func shuffle(t *rapid.T, v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = shuffle(t, v[i])
		}
		return out
	case *value.Object:
		out := value.Obj()
		keys := v.Keys()
		if rapid.Bool().Draw(t, "reverse") {
			slices.Reverse(keys)
		}
		for _, k := range keys {
			item, _ := v.Get(k)
			out.Set(k, shuffle(t, item))
		}
		return out
	default:
		return v
	}
}
