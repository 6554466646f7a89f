// Package value holds exact JSON-like values: numbers keep their digits, objects their key order, bytes their content type.
// A value is a Go any out of a closed set: nil, bool, string, Number, []any, *Object, Bytes. Values are trees, their texts are
// UTF-8, and whoever is given one reads it: change a Clone.
// It must not know what values mean.
package value

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Bytes is a value that is no text: an upload, an image.
type Bytes struct {
	Data        []byte
	ContentType string
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

// Size returns about how many bytes v takes: those of its texts, and some for every value in it. It looks no further once there are more
// than most, so that a small value which holds another one many times over is soon done with.
func Size(v any, most int) int {
	m := measure{most: most}
	m.add(v)
	return m.size
}

// perValue is what a value counts besides its texts: less than it takes, so that large JSON is not refused for what it is made of.
const perValue = 8

type measure struct{ size, most int }

func (m *measure) add(v any) {
	m.size += perValue
	switch v := v.(type) {
	case string:
		m.size += len(v)
	case Number:
		m.size += len(v)
	case Bytes:
		m.size += len(v.Data) + len(v.ContentType)
	case []any:
		for i := range v {
			if m.size > m.most {
				return
			}
			m.add(v[i])
		}
	case *Object:
		for key, item := range v.All() {
			if m.size > m.most {
				return
			}
			m.size += len(key)
			m.add(item)
		}
	}
}

// Kind names what v is, for messages.
func Kind(v any) string {
	switch v.(type) {
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
		return ok && a.Equal(b)
	case Bytes:
		b, ok := b.(Bytes)
		return ok && a.ContentType == b.ContentType && bytes.Equal(a.Data, b.Data)
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
	c, ok := a.Compare(b)
	return ok && c == 0
}
