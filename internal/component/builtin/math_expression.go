package builtin

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"github.com/headrace/headrace/internal/value"
)

// Expressions are read here and not by a library: those that are kept reckon with floats, where 0.1 + 0.2 is not 0.3.

// The bounds of an expression.
const (
	maxExpression      = 10_000 // bytes
	maxExpressionDepth = 100    // of brackets, signs and powers in one another
	maxArguments       = 100
)

// function is what a name in an expression stands for.
type function func(args []*apd.Decimal) (*apd.Decimal, error)

var functions = map[string]function{
	"abs":        ofOne(func(d *apd.Decimal) (*apd.Decimal, error) { return new(apd.Decimal).Abs(d), nil }),
	"ceil":       ofOne(ceilDecimal),
	"floor":      ofOne(floorDecimal),
	"trunc":      ofOne(truncDecimal),
	"round":      roundFunction,
	"fround":     ofFloat(func(f float64) float64 { return float64(float32(f)) }),
	"sqrt":       ofOne(func(d *apd.Decimal) (*apd.Decimal, error) { return root(d, reckoning.Sqrt) }),
	"cbrt":       ofOne(func(d *apd.Decimal) (*apd.Decimal, error) { return root(d, reckoning.Cbrt) }),
	"exp":        ofOne(exponential),
	"naturalLog": ofOne(func(d *apd.Decimal) (*apd.Decimal, error) { return root(d, reckoning.Ln) }),
	"ln":         ofOne(func(d *apd.Decimal) (*apd.Decimal, error) { return root(d, reckoning.Ln) }),
	"log10":      ofOne(func(d *apd.Decimal) (*apd.Decimal, error) { return root(d, reckoning.Log10) }),
	"log":        logarithm,
	"pow":        power,
	"sin":        ofFloat(math.Sin),
	"cos":        ofFloat(math.Cos),
	"tan":        ofFloat(math.Tan),
	"asin":       ofFloat(math.Asin),
	"acos":       ofFloat(math.Acos),
	"atan":       ofFloat(math.Atan),
	"sinh":       ofFloat(math.Sinh),
	"cosh":       ofFloat(math.Cosh),
	"tanh":       ofFloat(math.Tanh),
	"asinh":      ofFloat(math.Asinh),
	"acosh":      ofFloat(math.Acosh),
	"atanh":      ofFloat(math.Atanh),
	"max":        func(args []*apd.Decimal) (*apd.Decimal, error) { return slices.MaxFunc(args, (*apd.Decimal).Cmp), nil },
	"min":        func(args []*apd.Decimal) (*apd.Decimal, error) { return slices.MinFunc(args, (*apd.Decimal).Cmp), nil },
	"hypot":      hypot,
}

func functionNames() []string { return slices.Sorted(maps.Keys(functions)) }

func ofOne(f func(d *apd.Decimal) (*apd.Decimal, error)) function {
	return func(args []*apd.Decimal) (*apd.Decimal, error) {
		if len(args) != 1 {
			return nil, errors.New("takes one number")
		}
		return f(args[0])
	}
}

func ofFloat(f func(float64) float64) function {
	return ofOne(func(d *apd.Decimal) (*apd.Decimal, error) {
		x, err := d.Float64()
		if err != nil && !math.IsInf(x, 0) {
			return nil, err
		}
		n, err := fromFloat(f(x))
		if err != nil {
			return nil, err
		}
		return toDecimal(n)
	})
}

func roundFunction(args []*apd.Decimal) (*apd.Decimal, error) {
	switch len(args) {
	case 1:
		return roundDecimal(args[0], 0)
	case 2:
		if digits, err := args[1].Int64(); err == nil && digits >= -maxRounding && digits <= maxRounding {
			return roundDecimal(args[0], int32(digits))
		}
	}
	return nil, fmt.Errorf("takes a number and, if you like, digits from -%d to %d", maxRounding, maxRounding)
}

// logarithm takes it to the base 10, or to that of a second number.
func logarithm(args []*apd.Decimal) (*apd.Decimal, error) {
	switch len(args) {
	case 1:
		return root(args[0], reckoning.Log10)
	case 2:
	default:
		return nil, errors.New("takes a number and, if you like, a base")
	}
	if args[1].Cmp(apd.New(10, 0)) == 0 {
		return root(args[0], reckoning.Log10) // exact for powers of ten
	}
	wide := reckoning.WithPrecision(maxDigits + 6) // so that log 8 to the base 2 is 3
	above, err := root(args[0], wide.Ln)
	if err != nil {
		return nil, err
	}
	below, err := root(args[1], wide.Ln)
	if err != nil {
		return nil, err
	}
	var out apd.Decimal
	if err := reckoned(reckoning.Quo(&out, above, below)); err != nil {
		return nil, err
	}
	return nearWhole(&out), nil
}

// nearWhole returns the whole number that d misses by no more than the last of its digits.
func nearWhole(d *apd.Decimal) *apd.Decimal {
	near, err := roundDecimal(d, 0)
	if err != nil {
		return d
	}
	var miss apd.Decimal
	if _, err := reckoning.Sub(&miss, d, near); err != nil {
		return d
	}
	if miss.Abs(&miss).Cmp(apd.New(1, -maxDigits+4)) > 0 {
		return d
	}
	return near
}

// maxReached is the power of e that leads to the largest number.
var maxReached = apd.New(14_150, 0)

func exponential(d *apd.Decimal) (*apd.Decimal, error) {
	var size, out apd.Decimal
	if size.Abs(d).Cmp(maxReached) > 0 {
		if d.Negative {
			return new(apd.Decimal), nil
		}
		return nil, reckoned(apd.Overflow, errTooFar)
	}
	return &out, reckoned(reckoning.Exp(&out, d))
}

// maxExponentDigits is how many digits an exponent has at most, since a power costs more the larger it is.
const maxExponentDigits = 9

func power(args []*apd.Decimal) (*apd.Decimal, error) {
	if len(args) != 2 {
		return nil, errors.New("takes a number and an exponent")
	}
	base, exponent := args[0], args[1]
	if exponent.IsZero() {
		return apd.New(1, 0), nil
	}
	if int64(exponent.Exponent)+exponent.NumDigits() > maxExponentDigits {
		return nil, fmt.Errorf("the exponent is 1e%d or more: give a smaller one", maxExponentDigits)
	}
	if base.IsZero() && exponent.Negative {
		return nil, reckoned(apd.DivisionByZero, errTooFar)
	}
	var out apd.Decimal
	condition, err := reckoning.Pow(&out, base, exponent)
	if err != nil {
		return nil, reckoned(condition, err)
	}
	if out.Form != apd.Finite {
		return nil, reckoned(apd.InvalidOperation, errTooFar)
	}
	return &out, nil
}

var constants = map[string]value.Number{
	"pi": "3.141592653589793238462643383279503", "e": "2.718281828459045235360287471352662",
}

// reckon reads an expression and works it out on the way.
func reckon(text string) (*apd.Decimal, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("is longer than %d bytes: split it up", maxExpression)
	}
	r := reckoner{text: text}
	d, err := r.sum(0)
	if err != nil {
		return nil, err
	}
	if r.skip(); r.at < len(text) {
		return nil, r.unexpected("an operator")
	}
	return d, nil
}

type reckoner struct {
	text string
	at   int
}

func (r *reckoner) skip() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

// operator steps over the first of some operators that comes next.
func (r *reckoner) operator(operators ...string) string {
	r.skip()
	for _, o := range operators {
		if strings.HasPrefix(r.text[r.at:], o) {
			r.at += len(o)
			return o
		}
	}
	return ""
}

func (r *reckoner) unexpected(wanted string) error {
	if r.skip(); r.at >= len(r.text) {
		return fmt.Errorf("it ends too soon: expected %s", wanted)
	}
	return fmt.Errorf("at character %d: expected %s", len([]rune(r.text[:r.at]))+1, wanted)
}

func (r *reckoner) sum(depth int) (*apd.Decimal, error) {
	left, err := r.product(depth)
	for err == nil {
		step := map[string]func(d, x, y *apd.Decimal) (apd.Condition, error){"+": reckoning.Add, "-": reckoning.Sub}[r.operator("+", "-")]
		if step == nil {
			break
		}
		left, err = r.apply(step, left, r.product, depth)
	}
	return left, err
}

func (r *reckoner) product(depth int) (*apd.Decimal, error) {
	left, err := r.signed(depth)
	for err == nil {
		step := map[string]func(d, x, y *apd.Decimal) (apd.Condition, error){"*": reckoning.Mul, "/": reckoning.Quo, "%": remainder}[r.operator("*", "/", "%")]
		if step == nil {
			break
		}
		left, err = r.apply(step, left, r.signed, depth)
	}
	return left, err
}

func (r *reckoner) apply(
	step func(d, x, y *apd.Decimal) (apd.Condition, error), left *apd.Decimal, next func(depth int) (*apd.Decimal, error), depth int,
) (*apd.Decimal, error) {
	right, err := next(depth)
	if err != nil {
		return nil, err
	}
	var out apd.Decimal
	return &out, reckoned(step(&out, left, right))
}

func (r *reckoner) signed(depth int) (*apd.Decimal, error) {
	if depth > maxExpressionDepth {
		return nil, fmt.Errorf("it nests deeper than %d levels: split it up", maxExpressionDepth)
	}
	switch r.operator("-", "+") {
	case "-":
		d, err := r.signed(depth + 1)
		if err != nil {
			return nil, err
		}
		return new(apd.Decimal).Neg(d), nil
	case "+":
		return r.signed(depth + 1)
	}
	base, err := r.atom(depth)
	if err != nil || r.operator("**", "^") == "" {
		return base, err
	}
	exponent, err := r.signed(depth + 1) // powers of powers are worked out from the right
	if err != nil {
		return nil, err
	}
	out, err := power([]*apd.Decimal{base, exponent})
	if err != nil {
		return nil, fmt.Errorf("power: %w", err)
	}
	return out, nil
}

func (r *reckoner) atom(depth int) (*apd.Decimal, error) {
	r.skip()
	start := r.at
	switch c := r.peek(); {
	case c == '(':
		r.at++
		d, err := r.sum(depth + 1)
		if err == nil && r.operator(")") == "" {
			return nil, r.unexpected(`")"`)
		}
		return d, err
	case c >= '0' && c <= '9' || c == '.':
		return r.number()
	case isLetter(c):
		for isLetter(r.peek()) || r.peek() >= '0' && r.peek() <= '9' {
			r.at++
		}
		return r.named(r.text[start:r.at], depth)
	default:
		return nil, r.unexpected("a number, a name or a bracket")
	}
}

func (r *reckoner) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// number reads 1, 1.5, .5 and 1e3.
func (r *reckoner) number() (*apd.Decimal, error) {
	start := r.at
	digits := func() {
		for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
			r.at++
		}
	}
	digits()
	if r.peek() == '.' {
		r.at++
		digits()
	}
	if end := r.at; r.peek() == 'e' || r.peek() == 'E' {
		r.at++
		if r.peek() == '+' || r.peek() == '-' {
			r.at++
		}
		from := r.at
		if digits(); r.at == from {
			r.at = end // the constant e may not follow a number: what comes next says so
		}
	}
	text := r.text[start:r.at]
	if text == "." {
		return nil, r.unexpected("a digit")
	}
	d, err := toDecimal(value.Number(text))
	if err != nil {
		return nil, fmt.Errorf("the number at byte %d %w", start+1, err)
	}
	return d, nil
}

// named works out a constant or the call of a function.
func (r *reckoner) named(name string, depth int) (*apd.Decimal, error) {
	if n, ok := constants[strings.ToLower(name)]; ok {
		return toDecimal(n)
	}
	f := functions[name]
	if f == nil {
		return nil, fmt.Errorf("it has the unknown name %q: use numbers, pi, e or one of %s", value.Shorten(name), strings.Join(functionNames(), ", "))
	}
	if r.operator("(") == "" {
		return nil, r.unexpected(`"(" after the function ` + name)
	}
	var args []*apd.Decimal
	for {
		arg, err := r.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		if args = append(args, arg); len(args) > maxArguments {
			return nil, fmt.Errorf("function %s has more than %d numbers: split it up", name, maxArguments)
		}
		if r.operator(",") != "" {
			continue
		}
		if r.operator(")") == "" {
			return nil, r.unexpected(`"," or ")"`)
		}
		break
	}
	d, err := f(args)
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", name, err)
	}
	return d, nil
}
