package value

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// JSON returns v as JSON for the outside: compact, keys in their order, bytes as base64 text.
func JSON(v any) []byte { return Append(nil, v) }

// Append appends what JSON returns.
func Append(dst []byte, v any) []byte { return appendValue(dst, v, outward) }

// Encode returns v in the storage form: JSON that Decode turns back into the very same value, bytes included.
func Encode(v any) []byte { return appendValue(nil, v, stored) }

// Canonical returns a form of v that does not depend on the order of keys, and that no other value shares: for hashes. Numbers stay
// as written, so 1 and 1.0 differ.
func Canonical(v any) []byte { return appendValue(nil, v, canonical) }

// maxStoredDepth is how deep what Encode wrote may nest: far deeper than what comes from outside, since lists of loops and of inputs
// are put around it.
const maxStoredDepth = 16 * MaxDepth

// Decode reads what Encode wrote.
func Decode(data []byte) (any, error) {
	v, err := parse(data, maxStoredDepth)
	if err != nil {
		return nil, err
	}
	return unescape(v)
}

type form int

const (
	outward form = iota
	stored
	canonical
)

// bytesKey marks bytes in the storage form. Keys of objects that look like it get one more dollar sign, so that no data can
// pass for bytes.
const (
	bytesKey       = "$bytes"
	contentTypeKey = "contentType"
)

func marker(key string) bool {
	return strings.HasPrefix(key, "$") && strings.TrimLeft(key, "$") == "bytes"
}

func appendValue(dst []byte, v any, f form) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		if v {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case string:
		return appendString(dst, v)
	case Number:
		if _, ok := ParseNumber(string(v)); !ok {
			return appendString(dst, string(v)) // better a text than broken JSON
		}
		return append(dst, v...)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, item, f)
		}
		return append(dst, ']')
	case *Object:
		return appendObject(dst, v, f)
	case Bytes:
		return appendBytes(dst, v, f)
	default:
		// Whoever put it here is wrong, but a server must neither fall over it nor show what is in it: it may be a connection.
		return appendString(dst, fmt.Sprintf("not a value: %T", v))
	}
}

func appendObject(dst []byte, o *Object, f form) []byte {
	if o == nil {
		return append(dst, "{}"...)
	}
	fields := o.fields
	if f == canonical {
		fields = slices.SortedFunc(slices.Values(fields), func(a, b Field) int { return strings.Compare(a.Key, b.Key) })
	}
	dst = append(dst, '{')
	for i := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		key := fields[i].Key
		if f != outward && marker(key) {
			key = "$" + key
		}
		dst = appendString(dst, key)
		dst = append(dst, ':')
		dst = appendValue(dst, fields[i].Value, f)
	}
	return append(dst, '}')
}

func appendBytes(dst []byte, b Bytes, f form) []byte {
	if f != outward {
		dst = append(dst, `{"`+bytesKey+`":`...)
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b.Data)
	dst = append(dst, '"')
	if f == outward {
		return dst
	}
	dst = append(dst, `,"`+contentTypeKey+`":`...)
	dst = appendString(dst, b.ContentType)
	return append(dst, '}')
}

const hex = "0123456789abcdef"

// appendString appends s as JSON text without escaping HTML. Bytes that are no UTF-8 become the replacement character.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// unescape turns what was just parsed, and is nobody else's yet, into what was encoded.
func unescape(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = unescape(v[i]); err != nil {
				return nil, err
			}
		}
	case *Object:
		if _, ok := v.Get(bytesKey); ok {
			return decodeBytes(v)
		}
		renamed := false
		for i := range v.fields {
			f := &v.fields[i]
			if f.Value, err = unescape(f.Value); err != nil {
				return nil, err
			}
			if marker(f.Key) {
				f.Key = f.Key[1:]
				renamed = true
			}
		}
		if renamed {
			v.index()
		}
	}
	return v, nil
}

func decodeBytes(o *Object) (any, error) {
	encoded, _ := o.Get(bytesKey)
	contentType, _ := o.Get(contentTypeKey)
	text, ok := encoded.(string)
	ct, ok2 := contentType.(string)
	if !ok || !ok2 || o.Len() != 2 {
		return nil, errors.New(`stored bytes are damaged: an object with the key "$bytes" must hold base64 text and a content type`)
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("stored bytes are damaged: %w", err)
	}
	return Bytes{Data: data, ContentType: ct}, nil
}
