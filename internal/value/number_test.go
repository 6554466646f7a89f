package value_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/value"
)

func TestNumberInt64(t *testing.T) {
	t.Parallel()
	tests := []struct {
		n    value.Number
		want int64
		ok   bool
	}{
		{"0", 0, true},
		{"-0", 0, true},
		{"0.0", 0, true},
		{"0e99999999999999999999", 0, false},
		{"0e9", 0, true},
		{"3.0", 3, true},
		{"3e2", 300, true},
		{"-1200e-2", -12, true},
		{"0.5", 0, false},
		{"1e-1", 0, false},
		{"12.5", 0, false},
		{"9223372036854775807", math.MaxInt64, true},
		{"9223372036854775807.0", math.MaxInt64, true},
		{"9223372036854775808", 0, false},
		{"-9223372036854775808", math.MinInt64, true},
		{"-9.223372036854775808e18", math.MinInt64, true},
		{"1e19", 0, false},
		{"1e999999999999", 0, false},
		{"1e1000000000", 0, false},
		{"1e-1000000000", 0, false},
		{"", 0, false},
		{"x", 0, false},
		{"0x10", 0, false},
	}
	for _, tt := range tests {
		if got, ok := tt.n.Int64(); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %d, %t; want %d, %t", tt.n, got, ok, tt.want, tt.ok)
		}
	}
}

func TestNumberFloat64(t *testing.T) {
	t.Parallel()
	if f, ok := value.Number("1.25e2").Float64(); !ok || f != 125 {
		t.Errorf("got %v, %t", f, ok)
	}
	if f, ok := value.Number("1e400").Float64(); ok {
		t.Errorf("1e400 became %v", f)
	}
}

func TestFromFloatWritesWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	tests := map[float64]value.Number{
		0: "0", 1: "1", -2.5: "-2.5", 1e6: "1000000", 123456789: "123456789", 0.1: "0.1", 1e-6: "0.000001", 1e-7: "1e-07", 1e21: "1e+21", 1e20: "100000000000000000000",
	}
	for f, want := range tests {
		if got := value.FromFloat(f); got != want {
			t.Errorf("%v: got %s, want %s", f, got, want)
		}
	}
}

func TestNumbersMadeAreJSONNumbersAndReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.Int64().Draw(t, "int")
		if got, ok := value.FromInt(i).Int64(); !ok || got != i {
			t.Fatalf("%d became %d, %t", i, got, ok)
		}
		f := rapid.Float64().Draw(t, "float")
		n := value.FromFloat(f)
		if _, ok := value.ParseNumber(n.String()); !ok {
			t.Fatalf("%v became %s", f, n)
		}
		if got, ok := n.Float64(); !ok || got != f {
			t.Fatalf("%v became %v, %t", f, got, ok)
		}
	})
}

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0", "-0", "10", "1.5", "1e5", "1E-05", "-0.0e+0"} {
		if n, ok := value.ParseNumber(text); !ok || string(n) != text {
			t.Errorf("%q: %s, %t", text, n, ok)
		}
	}
	for _, text := range []string{"", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x10", "1_000", " 1", "1 ", "Inf", "NaN", "--1", "1e5.5", "١"} {
		if n, ok := value.ParseNumber(text); ok {
			t.Errorf("%q passes for the number %s", text, n)
		}
	}
}

func TestNumberCompareIsExact(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b value.Number
		want int
		ok   bool
	}{
		{"1", "1.0", 0, true},
		{"100", "1e2", 0, true},
		{"-0", "0.000", 0, true},
		{"0", "0e5", 0, true},
		{"0.1", "0.10000000000000000000000001", -1, true},
		{"1e5000", "10e4999", 0, true},
		{"1e999999999", "1e999999998", 1, true},
		{"-1e999999999", "1", -1, true},
		{"1e-999999999", "0", 1, true},
		{"-2", "-3", 1, true},
		{"9", "10", -1, true},
		{"-1", "1", -1, true},
		{"0.09", "0.1", -1, true},
		{"123", "12", 1, true},
		{"1e99999999999999999999", "1", 0, false},
		{"1e9223372036854775807", "1", 0, false},
		{"1e-9223372036854775808", "1", 0, false},
		{"x", "1", 0, false},
		{"1", "", 0, false},
	}
	for _, tt := range tests {
		if got, ok := tt.a.Compare(tt.b); got != tt.want || ok != tt.ok {
			t.Errorf("%s to %s: got %d, %t; want %d, %t", tt.a, tt.b, got, ok, tt.want, tt.ok)
		}
		if got, _ := tt.b.Compare(tt.a); got != -tt.want {
			t.Errorf("%s to %s: got %d, want %d", tt.b, tt.a, got, -tt.want)
		}
		if got, want := value.Equal(tt.a, tt.b), tt.ok && tt.want == 0; got != want {
			t.Errorf("%s equal to %s: %t", tt.a, tt.b, got)
		}
	}
}

func TestNumberCompareAgreesWithFractions(t *testing.T) {
	t.Parallel()
	decimals := rapid.Custom(func(t *rapid.T) value.Number {
		return value.Number(rapid.StringMatching(`-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals.Draw(t, "a"), decimals.Draw(t, "b")
		x, ok := new(big.Rat).SetString(string(a))
		y, ok2 := new(big.Rat).SetString(string(b))
		if !ok || !ok2 {
			t.Fatalf("no fractions: %s, %s", a, b)
		}
		if got, ok := a.Compare(b); !ok || got != x.Cmp(y) {
			t.Fatalf("%s to %s: got %d, %t; want %d", a, b, got, ok, x.Cmp(y))
		}
		whole, ok := a.Int64()
		if fits := x.IsInt() && x.Num().IsInt64(); ok != fits || ok && whole != x.Num().Int64() {
			t.Fatalf("%s is the whole number %d, %t", a, whole, ok)
		}
	})
}
