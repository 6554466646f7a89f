package liquid

import (
	"math"
	"strings"

	"github.com/headrace/headrace/internal/value"
)

var numberFilters = map[string]filter{
	"plus":       arithmetic(func(a, b int64) (int64, bool) { c := a + b; return c, (c > a) == (b > 0) }, func(a, b float64) float64 { return a + b }),
	"minus":      arithmetic(func(a, b int64) (int64, bool) { c := a - b; return c, (c < a) == (b > 0) }, func(a, b float64) float64 { return a - b }),
	"times":      arithmetic(multiply, func(a, b float64) float64 { return a * b }),
	"divided_by": divide(floorDivide, func(a, b float64) float64 { return a / b }),
	"modulo":     divide(func(a, b int64) int64 { return a - floorDivide(a, b)*b }, func(a, b float64) float64 { return a - b*math.Floor(a/b) }),
	"abs":        rounding(math.Abs),
	"ceil":       rounding(math.Ceil),
	"floor":      rounding(math.Floor),
	"round": func(r *run, v any, a arguments) any {
		places := min(max(a.whole(0, 0), -15), 15)
		scale := math.Pow10(int(places))
		return r.number(math.Floor(r.float(v)*scale+0.5) / scale)
	},
	"at_least": func(r *run, v any, a arguments) any { return r.pick(v, a.need(), 1) },
	"at_most":  func(r *run, v any, a arguments) any { return r.pick(v, a.need(), -1) },
}

func (r *run) number(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		r.fail("a number is too large")
	}
	return value.FromFloat(f)
}

// whole64 returns a value as a whole number, if it is one; nothing counts as 0.
func whole64(v any) (int64, bool) {
	n, ok := value.NumberOf(v)
	if !ok {
		return 0, true
	}
	if strings.ContainsAny(string(n), ".eE") {
		return 0, false
	}
	return n.Int64()
}

// arithmetic calculates exactly with whole numbers and else, or where those become too large, with floats.
func arithmetic(whole func(a, b int64) (int64, bool), float func(a, b float64) float64) filter {
	return func(r *run, v any, args arguments) any {
		w := args.need()
		a, ok := whole64(v)
		b, ok2 := whole64(w)
		if ok && ok2 {
			if c, fits := whole(a, b); fits {
				return value.FromInt(c)
			}
		}
		return r.number(float(r.float(v), r.float(w)))
	}
}

func multiply(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	c := a * b
	return c, c/b == a && (a != -1 || b != math.MinInt64) && (b != -1 || a != math.MinInt64)
}

func floorDivide(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// divide divides whole numbers to whole ones, as Liquid does.
func divide(whole func(a, b int64) int64, float func(a, b float64) float64) filter {
	return func(r *run, v any, args arguments) any {
		w := args.need()
		if r.float(w) == 0 {
			r.fail("the filter %s divides by zero", args.name)
		}
		a, ok := whole64(v)
		b, ok2 := whole64(w)
		if ok && ok2 && b != -1 {
			return value.FromInt(whole(a, b))
		}
		return r.number(float(r.float(v), r.float(w)))
	}
}

// rounding keeps the digits of whole numbers that are not changed.
func rounding(f func(float64) float64) filter {
	return func(r *run, v any, _ arguments) any {
		if n, ok := value.NumberOf(v); ok && !strings.ContainsAny(string(n), ".eE-") {
			return n
		}
		return r.number(f(r.float(v)))
	}
}

// pick returns the larger or the smaller of two numbers, digit for digit.
func (r *run) pick(a, b any, sign int) any {
	x, ok := value.NumberOf(a)
	if !ok {
		x = "0"
	}
	y, ok := value.NumberOf(b)
	if !ok {
		y = "0"
	}
	if c, ok := x.Compare(y); ok && c*sign < 0 {
		return y
	}
	return x
}
