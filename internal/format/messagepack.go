package format

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/headrace/headrace/internal/value"
)

// ParseMessagePack reads one MessagePack value. Binary becomes bytes, a timestamp a text such as 2026-01-31T12:00:00Z, another extension
// an object with its type and data. Keys that are numbers or booleans become texts.
func ParseMessagePack(data []byte) (any, error) {
	if err := tooLarge(len(data)); err != nil {
		return nil, err
	}
	r := messagePackReader{in: bytes.NewReader(data), size: len(data)}
	r.dec = msgpack.NewDecoder(r.in)
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.in.Len() > 0 {
		return nil, r.wrong("more follows after the value: give one message")
	}
	return v, nil
}

type messagePackReader struct {
	in    *bytes.Reader // the decoder reads it byte by byte, so what is left tells the place
	dec   *msgpack.Decoder
	size  int
	items int
}

func (r *messagePackReader) wrong(message string) error {
	return &Error{At: fmt.Sprintf("byte %d", r.size-r.in.Len()), Message: message}
}

func (r *messagePackReader) value(depth int) (any, error) {
	if r.items++; r.items > MaxItems {
		return nil, tooMany()
	}
	code, err := r.dec.PeekCode()
	if err != nil {
		return nil, r.wrong("the message ends too soon")
	}
	switch {
	case code == msgpcode.Nil:
		return nil, r.after(r.dec.DecodeNil())
	case code == msgpcode.True, code == msgpcode.False:
		v, err := r.dec.DecodeBool()
		return v, r.after(err)
	case code == msgpcode.Float, code == msgpcode.Double:
		return r.float(code)
	case code == msgpcode.Uint64:
		v, err := r.dec.DecodeUint64()
		return value.Number(fmt.Sprint(v)), r.after(err)
	case msgpcode.IsFixedNum(code), code >= msgpcode.Uint8 && code <= msgpcode.Int64:
		v, err := r.dec.DecodeInt64()
		return value.FromInt(v), r.after(err)
	case msgpcode.IsString(code):
		data, err := r.bytes()
		return validText(data), err
	case msgpcode.IsBin(code):
		data, err := r.bytes()
		return value.Bytes{Data: data}, err
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		return r.list(depth)
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		return r.object(depth)
	case msgpcode.IsExt(code):
		return r.extension()
	default:
		return nil, r.wrong("no MessagePack value begins here")
	}
}

// after says where a value that began well went wrong.
func (r *messagePackReader) after(err error) error {
	if err == nil {
		return nil
	}
	return r.wrong("the message ends too soon")
}

// bytes reads as many bytes as a head says, if there are so many: the library would make room for all it is told of.
func (r *messagePackReader) bytes() ([]byte, error) {
	n, err := r.dec.DecodeBytesLen()
	if err != nil || n < 0 || n > r.in.Len() {
		return nil, r.wrong("the message ends too soon")
	}
	data := make([]byte, n)
	return data, r.after(r.dec.ReadFull(data))
}

func (r *messagePackReader) float(code byte) (any, error) {
	var f float64
	var err error
	if code == msgpcode.Float {
		var single float32
		single, err = r.dec.DecodeFloat32()
		v, convErr := value.FromGo(single)
		if err == nil && convErr == nil {
			return v, nil
		}
		f = float64(single)
	} else {
		f, err = r.dec.DecodeFloat64()
	}
	switch {
	case err != nil:
		return nil, r.after(err)
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, r.wrong("a number is infinite or none at all: JSON knows no such number")
	default:
		return value.FromFloat(f), nil
	}
}

func (r *messagePackReader) list(depth int) (any, error) {
	n, err := r.dec.DecodeArrayLen()
	if err := r.enter(n, 1, depth, err); err != nil {
		return nil, err
	}
	list := make([]any, 0, n)
	for range n {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (r *messagePackReader) object(depth int) (any, error) {
	n, err := r.dec.DecodeMapLen()
	if err := r.enter(n, 2, depth, err); err != nil {
		return nil, err
	}
	o := value.Obj()
	for range n {
		key, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		switch key.(type) {
		case string, value.Number, bool:
		default:
			return nil, r.wrong("a key is " + value.Kind(key) + ": keys are texts, numbers or booleans")
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.Set(value.Text(key), v)
	}
	return o, nil
}

// enter checks the head of a list or an object: n parts of at least so many bytes each must follow.
func (r *messagePackReader) enter(n, each, depth int, err error) error {
	switch {
	case err != nil || n < 0 || n > r.in.Len()/each:
		return r.wrong("the message ends too soon")
	case depth >= value.MaxDepth:
		return tooDeep("")
	case r.items+n*each > MaxItems:
		return tooMany()
	default:
		return nil
	}
}

func (r *messagePackReader) extension() (any, error) {
	id, size, err := r.dec.DecodeExtHeader()
	if err != nil || size < 0 || size > r.in.Len() {
		return nil, r.wrong("the message ends too soon")
	}
	data := make([]byte, size)
	if err := r.dec.ReadFull(data); err != nil {
		return nil, r.after(err)
	}
	if id == -1 {
		if at, ok := timestamp(data); ok {
			return at.UTC().Format(time.RFC3339Nano), nil
		}
	}
	return value.Obj(
		value.Field{Key: "type", Value: value.FromInt(int64(id))},
		value.Field{Key: "data", Value: value.Bytes{Data: data}},
	), nil
}

// timestamp reads the three forms of a timestamp.
func timestamp(data []byte) (time.Time, bool) {
	var seconds int64
	var nano uint32
	switch len(data) {
	case 4:
		seconds = int64(binary.BigEndian.Uint32(data))
	case 8:
		both := binary.BigEndian.Uint64(data)
		seconds, nano = int64(both&(1<<34-1)), uint32(both>>34)
	case 12:
		nano, seconds = binary.BigEndian.Uint32(data), int64(binary.BigEndian.Uint64(data[4:]))
	default:
		return time.Time{}, false
	}
	at := time.Unix(seconds, int64(nano)).UTC()
	return at, nano < 1e9 && at.Year() >= 0 && at.Year() <= 9999
}

// MessagePack writes a value. A whole number becomes an integer if 64 bits hold it, any other number the nearest double.
func MessagePack(v any) ([]byte, error) {
	var b bounded
	w := messagePackWriter{enc: msgpack.NewEncoder(&b)}
	w.enc.UseCompactInts(true)
	if err := w.value(v, 0); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

type messagePackWriter struct{ enc *msgpack.Encoder }

func (w *messagePackWriter) value(v any, depth int) error {
	if depth > value.MaxDepth {
		return tooDeep("")
	}
	switch v := v.(type) {
	case nil:
		return w.enc.EncodeNil()
	case bool:
		return w.enc.EncodeBool(v)
	case string:
		return w.enc.EncodeString(v)
	case value.Number:
		return w.number(v)
	case value.Bytes:
		if v.Data == nil {
			return w.enc.EncodeBytes([]byte{}) // a nil slice would become nil
		}
		return w.enc.EncodeBytes(v.Data)
	case []any:
		if err := w.enc.EncodeArrayLen(len(v)); err != nil {
			return err
		}
		for _, item := range v {
			if err := w.value(item, depth+1); err != nil {
				return err
			}
		}
		return nil
	case *value.Object:
		if err := w.enc.EncodeMapLen(v.Len()); err != nil {
			return err
		}
		for key, item := range v.All() {
			if err := w.enc.EncodeString(key); err != nil {
				return err
			}
			if err := w.value(item, depth+1); err != nil {
				return err
			}
		}
		return nil
	default:
		return &Error{Message: "it holds " + value.Kind(v)}
	}
}

func (w *messagePackWriter) number(n value.Number) error {
	if i, ok := n.Int64(); ok {
		return w.enc.EncodeInt(i)
	}
	var u uint64
	if _, err := fmt.Sscanf(string(n), "%d", &u); err == nil && fmt.Sprint(u) == string(n) {
		return w.enc.EncodeUint(u)
	}
	f, ok := n.Float64()
	if !ok {
		return &Error{Message: "it holds a number too large for MessagePack: write it as a text"}
	}
	return w.enc.EncodeFloat64(f)
}
