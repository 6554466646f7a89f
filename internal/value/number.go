package value

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Number is a JSON number, kept digit for digit.
type Number string

// FromInt returns the number n.
func FromInt(n int64) Number { return Number(strconv.FormatInt(n, 10)) }

// FromFloat returns the shortest number that reads back as f, without an exponent where people would not write one. f must be
// finite: JSON knows no other numbers.
func FromFloat(f float64) Number {
	format := byte('f')
	if size := math.Abs(f); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	return Number(strconv.FormatFloat(f, format, -1, 64))
}

// ParseNumber returns the number that a text is, if it is one as JSON writes them: 1e5 is, 0x10 and 1_000 are not.
func ParseNumber(text string) (Number, bool) {
	end, ok := scanNumber(text, 0)
	return Number(text), ok && end == len(text)
}

// NumberOf returns a number, or the number that a text is but for white space around it.
func NumberOf(v any) (Number, bool) {
	switch v := v.(type) {
	case Number:
		return v, true
	case string:
		return ParseNumber(strings.TrimSpace(v))
	default:
		return "", false
	}
}

// String returns the digits.
func (n Number) String() string { return string(n) }

// Int64 returns the number if it is a whole one that fits; 3.0 and 3e2 are whole.
func (n Number) Int64() (int64, bool) {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, true
	}
	d, ok := n.decimal()
	switch {
	case !ok || d.point > 19 || d.point < int64(len(d.digits)):
		return 0, false
	case d.digits == "":
		return 0, true
	}
	text := d.digits + strings.Repeat("0", int(d.point)-len(d.digits))
	if d.negative {
		text = "-" + text
	}
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, false
	}
	return i, true
}

// Float64 returns the nearest float, and whether the number is one that a float can come near to.
func (n Number) Float64() (float64, bool) {
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return 0, false
	}
	return f, true
}

// Compare returns -1, 0 or 1 as n counts less than, as much as or more than m, exactly. It is false for what is no JSON number and
// for exponents beyond a million million, which no data holds but an attack may.
func (n Number) Compare(m Number) (int, bool) {
	a, ok := n.decimal()
	b, ok2 := m.decimal()
	if !ok || !ok2 {
		return 0, false
	}
	if a.sign() != b.sign() {
		return cmp.Compare(a.sign(), b.sign()), true
	}
	c := cmp.Compare(a.point, b.point)
	if c == 0 {
		c = strings.Compare(a.digits, b.digits)
	}
	return c * a.sign(), true
}

// MarshalJSON makes encoding/json write the digits instead of a text.
func (n Number) MarshalJSON() ([]byte, error) {
	if _, ok := ParseNumber(string(n)); !ok {
		return nil, fmt.Errorf("%q is no JSON number", string(n))
	}
	return []byte(n), nil
}

// decimal is a number as 0.digits × 10^point. Digits neither begin nor end with 0, so that equal numbers are equal decimals; zero
// has none. Unlike big numbers it stays as small as its text, whatever the exponent.
type decimal struct {
	negative bool
	digits   string
	point    int64
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	default:
		return 1
	}
}

const maxExponent = 1_000_000_000_000

func (n Number) decimal() (decimal, bool) {
	text, exponent := string(n), int64(0)
	if _, ok := ParseNumber(text); !ok {
		return decimal{}, false
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		var err error
		exponent, err = strconv.ParseInt(text[i+1:], 10, 64)
		if err != nil || exponent > maxExponent || exponent < -maxExponent {
			return decimal{}, false
		}
		text = text[:i]
	}
	text, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(text, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	point := int64(len(whole)) + exponent - int64(len(whole)+len(fraction)-len(digits))
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return decimal{}, true
	}
	return decimal{negative: negative, digits: digits, point: point}, true
}

// scanNumber returns where the JSON number that begins at i ends, or where it goes wrong.
func scanNumber[T string | []byte](s T, i int) (int, bool) {
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else {
		var ok bool
		if i, ok = scanDigits(s, i); !ok {
			return i, false
		}
	}
	if i < len(s) && s[i] == '.' {
		var ok bool
		if i, ok = scanDigits(s, i+1); !ok {
			return i, false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		return scanDigits(s, i)
	}
	return i, true
}

func scanDigits[T string | []byte](s T, i int) (int, bool) {
	start := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i, i > start
}
