package builtin

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"github.com/headrace/headrace/internal/value"
)

// Numbers are reckoned as decimals with 34 digits, as IEEE 754 calls decimal128: what people write has few digits and stays exact,
// 0.1 and 0.2 are 0.3, and no number can grow beyond what a line holds.
const (
	maxDigits  = 34
	maxPower   = 6144 // of ten: numbers are smaller than 10^6145
	maxWritten = 1000 // digits of a number that is read
)

var reckoning = apd.Context{
	Precision: maxDigits, MaxExponent: maxPower, MinExponent: -maxPower, Rounding: apd.RoundHalfEven,
	Traps: apd.DefaultTraps &^ (apd.Subnormal | apd.Underflow), // what is that small is rounded, in the end to 0
}

// toDecimal reads a number, rounded to the digits that are reckoned with.
func toDecimal(n value.Number) (*apd.Decimal, error) {
	if len(n) > maxWritten {
		return nil, fmt.Errorf("is a number of more than %d digits: give a shorter one", maxWritten)
	}
	d, _, err := apd.NewFromString(string(n))
	if err == nil {
		_, err = reckoning.Round(d, d)
	}
	if err != nil {
		return nil, errTooFar
	}
	return d, nil
}

var errTooFar = fmt.Errorf("is beyond what is reckoned with: give a number below 1e%d", maxPower)

// reckoned turns an error of the arithmetic into words.
func reckoned(condition apd.Condition, err error) error {
	switch {
	case err == nil:
		return nil
	case condition.DivisionByZero(), condition.DivisionUndefined():
		return errors.New("a division by 0 has no result: check the divisor first")
	case condition.Overflow(), condition.SystemOverflow():
		return fmt.Errorf("the result is beyond what is reckoned with: stay below 1e%d", maxPower)
	default:
		return errors.New("the result is no number")
	}
}

// remainder is what a division leaves over, with the sign of x.
func remainder(d, x, y *apd.Decimal) (apd.Condition, error) {
	if y.IsZero() {
		return apd.DivisionByZero, errTooFar
	}
	return reckoning.Rem(d, x, y)
}

// fromDecimal returns the shortest spelling of a decimal, without an exponent where people would not write one.
func fromDecimal(d *apd.Decimal) value.Number {
	if d.Form != apd.Finite || d.IsZero() {
		return "0" // only ever finite ones are asked for
	}
	var short apd.Decimal
	short.Reduce(d)
	power := int64(short.Exponent) + short.NumDigits() // 0.digits × 10^power
	if power <= maxDigits && power > -6 {
		return value.Number(short.Text('f'))
	}
	return value.Number(strings.ToLower(short.Text('E')))
}

// fromFloat is for functions that are not reckoned with decimals.
func fromFloat(f float64) (value.Number, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "", errors.New("the result is no number: the function is not defined there")
	}
	if f == 0 {
		return "0", nil // -0 reads like a mistake
	}
	return value.FromFloat(f), nil
}

// alike returns v with every number in one spelling, so that values that are equal look the same, whatever they are compared by.
func alike(v any) any {
	switch v := v.(type) {
	case value.Number:
		if len(v) <= maxDigits { // else digits would be lost
			if d, err := toDecimal(v); err == nil {
				return fromDecimal(d)
			}
		}
		return v
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = alike(v[i])
		}
		return list
	case *value.Object:
		o := value.Obj()
		for key, item := range v.All() {
			o.Set(key, alike(item))
		}
		return o
	default:
		return v
	}
}

// whole functions: apd rounds only as far as its digits reach, so what has no fraction is left alone.

func floorDecimal(d *apd.Decimal) (*apd.Decimal, error) { return towards(d, reckoning.Floor) }
func ceilDecimal(d *apd.Decimal) (*apd.Decimal, error)  { return towards(d, reckoning.Ceil) }

func truncDecimal(d *apd.Decimal) (*apd.Decimal, error) {
	if d.Negative {
		return ceilDecimal(d)
	}
	return floorDecimal(d)
}

func towards(d *apd.Decimal, to func(d, x *apd.Decimal) (apd.Condition, error)) (*apd.Decimal, error) {
	if d.Exponent >= 0 {
		return d, nil
	}
	var out apd.Decimal
	if err := reckoned(to(&out, d)); err != nil {
		return nil, err
	}
	return &out, nil
}

// roundDecimal rounds to a number of digits behind the point; a half goes up, as JavaScript's Math.round has it: 2.5 is 3, -2.5 is -2.
func roundDecimal(d *apd.Decimal, digits int32) (*apd.Decimal, error) {
	if -d.Exponent <= digits {
		return d, nil
	}
	wide := reckoning.WithPrecision(3 * maxDigits) // the half must not be rounded away
	var shifted, up apd.Decimal
	shifted.Set(d)
	shifted.Exponent += digits
	if err := reckoned(wide.Add(&up, &shifted, apd.New(5, -1))); err != nil {
		return nil, err
	}
	out, err := towards(&up, wide.Floor)
	if err != nil {
		return nil, err
	}
	out.Exponent -= digits
	return out, reckoned(reckoning.Round(out, out))
}
