package sandbox

import (
	"math"
	"strconv"

	"github.com/headrace/headrace/internal/value"
)

// exact remembers numbers that JavaScript cannot hold: it gets the nearest that it can. Where a script gives that one back, it gets
// the digits back that it came with; of two that JavaScript cannot tell apart nobody knows which it is, and it stays as it is.
type exact map[uint64]value.Number

// note looks for such numbers in what a script is given.
func (e *exact) note(v any) {
	switch v := v.(type) {
	case value.Number:
		e.noteNumber(v)
	case []any:
		for _, item := range v {
			e.note(item)
		}
	case *value.Object:
		for _, item := range v.All() {
			e.note(item)
		}
	}
}

func (e *exact) noteNumber(n value.Number) {
	if len(n) < 16 && !hasExponent(n) {
		return // so few digits always fit
	}
	f := nearest(n)
	if !math.IsInf(f, 0) {
		if c, ok := n.Compare(value.FromFloat(f)); ok && c == 0 {
			return
		}
	}
	if *e == nil {
		*e = exact{}
	}
	key := math.Float64bits(f)
	if known, ok := (*e)[key]; ok && known != n {
		n = "" // two of them
	}
	(*e)[key] = n
}

func hasExponent(n value.Number) bool {
	for i := range len(n) {
		if n[i] == 'e' || n[i] == 'E' {
			return true
		}
	}
	return false
}

// nearest returns the number as JavaScript reads it: infinite if it is beyond what it knows.
func nearest(n value.Number) float64 {
	f, _ := strconv.ParseFloat(string(n), 64)
	return f
}

// restore puts the digits back into what a script gave.
func (e exact) restore(v any) any {
	if len(e) == 0 {
		return v
	}
	switch v := v.(type) {
	case value.Number:
		if n := e[math.Float64bits(nearest(v))]; n != "" {
			return n
		}
		return v
	case []any:
		for i := range v {
			v[i] = e.restore(v[i])
		}
		return v
	case *value.Object:
		for key, item := range v.All() {
			v.Set(key, e.restore(item))
		}
		return v
	default:
		return v
	}
}
