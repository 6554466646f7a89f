package value

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep lists and objects may nest.
const MaxDepth = 64

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	Offset       int64 // in bytes, from 0
	Line, Column int   // from 1
	TooDeep      bool  // it is JSON, but nests deeper than MaxDepth
	Message      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Parse reads JSON. Numbers keep their digits and objects their key order; of a key that stands twice the last value counts, at the
// place of the first. Errors are *SyntaxError.
func Parse(data []byte) (any, error) {
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return nil, syntaxError(data, 0, "a byte order mark is no JSON: remove it")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	p := parser{data: data, d: d}
	v, err := p.value(0)
	if err != nil {
		return nil, p.explain(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, syntaxError(data, d.InputOffset(), "there is more text after the JSON value")
	}
	return v, nil
}

type parser struct {
	data []byte
	d    *json.Decoder
}

var errTooDeep = errors.New("too deep")

func (p *parser) value(depth int) (any, error) {
	token, err := p.d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Number:
		return Number(t), nil
	case json.Delim:
		if depth >= MaxDepth {
			return nil, errTooDeep
		}
		if t == '[' {
			return p.list(depth)
		}
		return p.object(depth)
	default:
		return token, nil
	}
}

func (p *parser) list(depth int) (any, error) {
	list := []any{}
	for p.d.More() {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := p.d.Token()
	return list, err
}

func (p *parser) object(depth int) (any, error) {
	o := &Object{values: map[string]any{}}
	for p.d.More() {
		key, err := p.d.Token()
		if err != nil {
			return nil, err
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.Set(key.(string), v) // the decoder refuses any other key
	}
	_, err := p.d.Token()
	return o, err
}

func (p *parser) explain(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errTooDeep):
		e := syntaxError(p.data, p.d.InputOffset(), fmt.Sprintf("it nests deeper than %d levels", MaxDepth))
		e.TooDeep = true
		return e
	case errors.As(err, &syntax):
		return syntaxError(p.data, syntax.Offset, strings.TrimPrefix(syntax.Error(), "json: "))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return syntaxError(p.data, int64(len(p.data)), "the JSON ends too soon")
	default:
		return syntaxError(p.data, p.d.InputOffset(), strings.TrimPrefix(err.Error(), "json: "))
	}
}

func syntaxError(data []byte, offset int64, message string) *SyntaxError {
	offset = min(max(offset, 0), int64(len(data)))
	before := data[:offset]
	return &SyntaxError{
		Offset: offset, Line: 1 + bytes.Count(before, []byte("\n")),
		Column:  1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]),
		Message: message,
	}
}

// JSON returns v as JSON for the outside: compact, keys in their order, bytes as base64 text.
func JSON(v any) []byte { return Append(nil, v) }

// Append appends what JSON returns.
func Append(dst []byte, v any) []byte { return appendValue(dst, v, outward) }

// Encode returns v in the storage form: JSON that Decode turns back into the very same value, bytes included.
func Encode(v any) []byte { return appendValue(nil, v, stored) }

// Canonical returns a form of v that equal values share, whatever the order of their keys: for hashes. Numbers stay as written.
func Canonical(v any) []byte { return appendValue(nil, v, canonical) }

// Decode reads what Encode wrote.
func Decode(data []byte) (any, error) {
	v, err := Parse(data)
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
const bytesKey = "$bytes"

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
		panic(fmt.Sprintf("value: %T is outside the closed set of values", v))
	}
}

func appendObject(dst []byte, o *Object, f form) []byte {
	if o == nil {
		return append(dst, "null"...)
	}
	keys := o.keys
	if f == canonical {
		keys = slices.Sorted(slices.Values(keys))
	}
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		if f != outward && marker(k) {
			dst = appendString(dst, "$"+k)
		} else {
			dst = appendString(dst, k)
		}
		dst = append(dst, ':')
		dst = appendValue(dst, o.values[k], f)
	}
	return append(dst, '}')
}

func appendBytes(dst []byte, b Bytes, f form) []byte {
	text := base64.StdEncoding.EncodeToString(b.Data)
	if f == outward {
		return appendString(dst, text)
	}
	dst = append(dst, `{"`+bytesKey+`":`...)
	dst = appendString(dst, text)
	dst = append(dst, `,"contentType":`...)
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

func unescape(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			item, err := unescape(v[i])
			if err != nil {
				return nil, err
			}
			v[i] = item
		}
		return v, nil
	case *Object:
		return unescapeObject(v)
	default:
		return v, nil
	}
}

func unescapeObject(o *Object) (any, error) {
	if text, ok := o.Get(bytesKey); ok {
		encoded, _ := text.(string)
		contentType, _ := o.Get("contentType")
		data, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("stored bytes are not base64: %w", err)
		}
		ct, _ := contentType.(string)
		return Bytes{Data: data, ContentType: ct}, nil
	}
	out := &Object{keys: make([]string, 0, o.Len()), values: make(map[string]any, o.Len())}
	for k, v := range o.All() {
		item, err := unescape(v)
		if err != nil {
			return nil, err
		}
		if marker(k) {
			k = k[1:]
		}
		out.Set(k, item)
	}
	return out, nil
}
