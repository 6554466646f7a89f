// Package value holds exact JSON-like values: numbers keep their digits, objects their key order, bytes their content type.
// A value is a Go any out of a closed set: nil, bool, string, Number, []any, *Object, Bytes.
// It must not know what values mean.
package value

import (
	"encoding/base64"
	"iter"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Number is a JSON number, kept digit for digit.
type Number string

// FromInt returns the number n.
func FromInt(n int64) Number { return Number(strconv.FormatInt(n, 10)) }

// FromFloat returns the number f in its shortest form. f must be finite.
func FromFloat(f float64) Number { return Number(strconv.FormatFloat(f, 'g', -1, 64)) }

// String returns the digits.
func (n Number) String() string { return string(n) }

// Int64 returns the number if it is a whole one that fits; 3.0 and 3e2 are whole.
func (n Number) Int64() (int64, bool) {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, true
	}
	r, ok := n.rat()
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return r.Num().Int64(), true
}

// Float64 returns the nearest float, and whether the number is one that a float can come near to.
func (n Number) Float64() (float64, bool) {
	f, err := strconv.ParseFloat(string(n), 64)
	return f, err == nil
}

// maxExponent bounds exact arithmetic: a few bytes of text must not become megabytes of digits.
const maxExponent = 1000

func (n Number) rat() (*big.Rat, bool) {
	if i := strings.IndexAny(string(n), "eE"); i >= 0 {
		exp, err := strconv.Atoi(string(n[i+1:]))
		if err != nil || exp > maxExponent || exp < -maxExponent {
			return nil, false
		}
	}
	return new(big.Rat).SetString(string(n))
}

// Bytes is a value that is no text: an upload, an image.
type Bytes struct {
	Data        []byte
	ContentType string
}

// Field is a key of an object and its value.
type Field struct {
	Key   string
	Value any
}

// Object is a JSON object that keeps the order in which its keys were set. A nil Object reads as an empty one.
type Object struct {
	keys   []string
	values map[string]any

	// FoldKeys makes Find fall back to keys that differ in case only: HTTP headers. It is no part of any encoding.
	FoldKeys bool
}

// Obj returns an object with these fields.
func Obj(fields ...Field) *Object {
	o := &Object{keys: make([]string, 0, len(fields)), values: make(map[string]any, len(fields))}
	for _, f := range fields {
		o.Set(f.Key, f.Value)
	}
	return o
}

// Get returns the value of a key.
func (o *Object) Get(key string) (any, bool) {
	if o == nil {
		return nil, false
	}
	v, ok := o.values[key]
	return v, ok
}

// Find returns the value of a key, in any case if the object folds keys and has no exact one.
func (o *Object) Find(key string) (any, bool) {
	if v, ok := o.Get(key); ok || o == nil || !o.FoldKeys {
		return v, ok
	}
	for _, k := range o.keys {
		if strings.EqualFold(k, key) {
			return o.values[k], true
		}
	}
	return nil, false
}

// Set sets the value of a key. A key that is there keeps its place.
func (o *Object) Set(key string, v any) {
	if o.values == nil {
		o.values = map[string]any{}
	}
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = v
}

// Delete removes a key.
func (o *Object) Delete(key string) {
	if _, ok := o.Get(key); !ok {
		return
	}
	delete(o.values, key)
	o.keys = slices.Delete(o.keys, slices.Index(o.keys, key), slices.Index(o.keys, key)+1)
}

// Len returns the number of keys.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.keys)
}

// Keys returns the keys in their order.
func (o *Object) Keys() []string {
	if o == nil {
		return nil
	}
	return slices.Clone(o.keys)
}

// All ranges over keys and values in their order.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if o == nil {
			return
		}
		for _, k := range o.keys {
			if !yield(k, o.values[k]) {
				return
			}
		}
	}
}

// Clone returns a copy that shares nothing with o.
func (o *Object) Clone() *Object {
	if o == nil {
		return nil
	}
	c := &Object{keys: slices.Clone(o.keys), values: make(map[string]any, len(o.values)), FoldKeys: o.FoldKeys}
	for k, v := range o.values {
		c.values[k] = Clone(v)
	}
	return c
}

// Clone returns a copy of v that shares nothing with it.
func Clone(v any) any {
	switch v := v.(type) {
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = Clone(v[i])
		}
		return c
	case *Object:
		return v.Clone()
	case Bytes:
		return Bytes{Data: slices.Clone(v.Data), ContentType: v.ContentType}
	default:
		return v
	}
}

// Kind names what v is, for messages.
func Kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "a boolean"
	case string:
		return "a text"
	case Number:
		return "a number"
	case []any:
		return "a list"
	case *Object:
		if v == nil {
			return "nothing"
		}
		return "an object"
	case Bytes:
		return "bytes"
	default:
		return "not a value"
	}
}

// Text returns how v reads inside a text: texts as they are, numbers by their digits, nothing as "", lists and objects as JSON,
// bytes as text if they are UTF-8 and else as base64.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case Number:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	case Bytes:
		if utf8.Valid(v.Data) {
			return string(v.Data)
		}
		return base64.StdEncoding.EncodeToString(v.Data)
	default:
		return string(JSON(v))
	}
}

// Equal reports whether a and b are the same value: numbers by what they count, objects whatever their order.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case Number:
		b, ok := b.(Number)
		return ok && equalNumbers(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Equal)
	case *Object:
		b, ok := b.(*Object)
		return ok && equalObjects(a, b)
	case Bytes:
		b, ok := b.(Bytes)
		return ok && a.ContentType == b.ContentType && slices.Equal(a.Data, b.Data)
	case nil, bool, string:
		return a == b
	default:
		return false
	}
}

func equalNumbers(a, b Number) bool {
	if a == b {
		return true
	}
	x, ok := a.rat()
	y, ok2 := b.rat()
	return ok && ok2 && x.Cmp(y) == 0
}

func equalObjects(a, b *Object) bool {
	if a.Len() != b.Len() {
		return false
	}
	for k, v := range a.All() {
		if w, ok := b.Get(k); !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}
