package value_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/value"
)

// shapes are values as they come in, and as large as is told by how many there are of something.
var shapes = []struct {
	name string
	of   func(n int) string
	n    int
}{
	{"one text", func(n int) string { return `"` + strings.Repeat("x", n) + `"` }, 8 << 20},
	{"long texts", list(`"` + strings.Repeat("x", 10_000) + `"`), 800},
	{"texts", list(`"a line of some forty letters or a few more"`), 100_000},
	{"small numbers", list("7"), 400_000},
	{"nothing", list("null"), 400_000},
	{"empty objects", list("{}"), 200_000},
	{"empty lists", list("[]"), 200_000},
	{"records", list(`{"id": 123456, "name": "Ada Lovelace", "email": "ada@example.com", "active": true, "tags": ["a", "b"]}`), 30_000},
	{"wide records", list(wide(30)), 8000},
}

func list(item string) func(n int) string {
	return func(n int) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
}

func wide(keys int) string {
	fields := make([]string, keys)
	for i := range fields {
		fields[i] = fmt.Sprintf(`"field_%d": "value %d"`, i, i)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// TestMemoryIsWhatGoTakes compares what is counted with what the heap has.
func TestMemoryIsWhatGoTakes(t *testing.T) {
	for _, s := range shapes {
		text := []byte(s.of(s.n))
		before := heap()
		v, err := value.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		taken := heap() - before
		long := 0
		counted := value.Memory(v, func(m value.TextMemory) { long += m.Size() })
		counted += long
		runtime.KeepAlive(text)
		size := value.Size(v, 1<<40)
		t.Logf("%s: %d MB taken, counted %.2f of it; %.1f times its size", s.name, taken>>20, float64(counted)/float64(taken), float64(taken)/float64(size))
		if ratio := float64(counted) / float64(taken); ratio < 0.8 || ratio > 1.3 {
			t.Errorf("%s: counted as %d bytes, and takes %d", s.name, counted, taken)
		}
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
