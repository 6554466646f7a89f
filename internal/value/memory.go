package value

import (
	"math/bits"
	"unsafe"
)

// TextMemory is the memory of a long text or of bytes. Values share texts, which never change, and copy what they stand in: a step
// that passes on
// what it was given takes hardly anything. Two of them are the same memory if they are equal.
type TextMemory struct {
	at   *byte
	size int
}

// Size returns how many bytes it takes.
func (t TextMemory) Size() int { return t.size }

// longText is from where on it pays to find out who shares a text.
const longText = 4 << 10

// Memory returns about how many bytes v takes in memory besides its long texts, which are given to long, each as often as v has it.
// Size says how much
// there is to a value; a list of small things takes many times as much as that.
func Memory(v any, long func(TextMemory)) int {
	switch v := v.(type) {
	case string:
		return boxed + memoryOfText(v, long)
	case Number:
		return boxed + memoryOfText(string(v), long)
	case Bytes:
		return 3*boxed + memoryOfText(unsafe.String(unsafe.SliceData(v.Data), len(v.Data)), long)
	case []any:
		n := 2*boxed + allocated(len(v)*slot)
		for i := range v {
			n += Memory(v[i], long)
		}
		return n
	case *Object:
		return memoryOfObject(v, long)
	default:
		return 0
	}
}

// What Go takes on 64 bits for the header of a text, for a value where it stands in a list, and for an object besides its fields.
const (
	boxed  = 16
	slot   = 16
	object = 48
	field  = 32
	place  = 60 // of a key in the index of a large object, about
)

func memoryOfObject(o *Object, long func(TextMemory)) int {
	if o == nil {
		return 0
	}
	n := object + allocated(cap(o.fields)*field)
	if o.places != nil {
		n += len(o.fields) * place
	}
	for i := range o.fields {
		n += memoryOfText(o.fields[i].Key, long) + Memory(o.fields[i].Value, long)
	}
	return n
}

func memoryOfText(text string, long func(TextMemory)) int {
	if len(text) < longText {
		return allocated(len(text))
	}
	long(TextMemory{at: unsafe.StringData(text), size: allocated(len(text))})
	return 0
}

// allocated returns about what Go takes for so many bytes: its sizes are at most an eighth apart.
func allocated(n int) int {
	if n <= 8 {
		return n
	}
	step := max(8, 1<<max(0, bits.Len(uint(n))-4))
	return (n + step - 1) / step * step
}
