package value_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/headrace/headrace/internal/value"
)

// document is what a system of records may send: about 230 kB.
func document() []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range 2000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"name":"Customer %d","tags":["a","b"],"amount":12.50,"address":{"street":"Main St. %d","zip":"0%d"}}`, i, i, i, i)
	}
	b.WriteByte(']')
	return b.Bytes()
}

func BenchmarkParse(b *testing.B) {
	data := document()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := value.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	v, err := value.Parse(document())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(value.Encode(v))))
	b.ReportAllocs()
	for b.Loop() {
		value.Encode(v)
	}
}

func BenchmarkDecode(b *testing.B) {
	data := document()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := value.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
