package builtin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// maxNumbers is how many numbers an action takes.
const maxNumbers = 1_000_000

func mathComponent() *component.Component {
	c := &component.Component{
		ID: "math", DisplayName: "Math",
		Description: "Reckon with numbers. They are decimals of up to 34 digits: 0.1 and 0.2 make 0.3. What has more digits, such as a third, is rounded, a half to the even neighbour. " +
			"Angles, hyperbolic functions and their inverses have the 15 digits of a double.",
	}
	c.Actions = append(c.Actions, mathOfMany()...)
	c.Actions = append(c.Actions, mathOfOne()...)
	c.Actions = append(c.Actions, mathOfTwo()...)
	c.Actions = append(c.Actions, pure("evaluate", "Evaluate Expression",
		"Reckons an expression such as `2 * (3 + 7)`. It knows + - * / %, ^ or ** for powers, brackets, the constants pi and e, and the functions "+strings.Join(functionNames(), ", ")+".",
		"The number that the expression comes to.",
		evaluateExpression, ipaas.InputField{
			Key: "expression", DisplayName: "Expression", Required: true, Example: "2 * 3 + 7",
			Description: "The expression, up to 10000 characters. Numbers of earlier steps come in by a template: `{{$order.results.total}} * 1.19`.",
		}))
	return c
}

func numbersInput(required bool) ipaas.InputField {
	return ipaas.InputField{
		Key: "numbers", DisplayName: "Numbers", Type: ipaas.FieldNumber, Collection: ipaas.CollectionList, Required: required, Example: `[1, 2.5]`,
		Description: "The numbers, in order.",
	}
}

// mathOfMany returns the actions on lists of numbers.
func mathOfMany() []component.Action {
	many := func(key, name, description, output string, step func(d, x, y *apd.Decimal) (apd.Condition, error)) component.Action {
		return pure(key, name, description, output, func(in component.Inputs) (any, error) { return foldNumbers(in, step) }, numbersInput(true))
	}
	dynamic := ipaas.InputField{
		Key: "dynamicNumbers", DisplayName: "Dynamic Numbers", Type: ipaas.FieldNumber, Collection: ipaas.CollectionList,
		Description: "A list of numbers from elsewhere, or JSON text of one. If it is given, `numbers` does not count.",
	}
	extreme := func(key, name, which string, sign int) component.Action {
		return pure(key, name, "Finds the "+which+" number.", "The "+which+" of the numbers.",
			func(in component.Inputs) (any, error) { return extremeOf(in, sign) }, numbersInput(false), dynamic)
	}
	return []component.Action{
		many("add", "Add Numbers", "Adds numbers.", "The sum.", reckoning.Add),
		many("subtract", "Subtract Numbers", "Takes all later numbers from the first.", "The difference.", reckoning.Sub),
		many("multiply", "Multiply Numbers", "Multiplies numbers.", "The product.", reckoning.Mul),
		many("divide", "Divide Numbers", "Divides the first number by all later ones, one after the other. The step fails where one of them is 0.",
			"The quotient, rounded to 34 digits where it has more.", reckoning.Quo),
		extreme("max", "Maximum", "largest", 1),
		extreme("min", "Minimum", "smallest", -1),
		pure("hypot", "Hypotenuse", "Gives the length of the diagonal: the square root of the sum of squares.", "The root.", hypotenuse, numbersInput(true)),
	}
}

func foldNumbers(in component.Inputs, step func(d, x, y *apd.Decimal) (apd.Condition, error)) (any, error) {
	numbers, err := decimals(in, "numbers")
	if err != nil {
		return nil, err
	}
	d, err := fold(numbers, step)
	if err != nil {
		return nil, err
	}
	return fromDecimal(d), nil
}

// fold goes from the first number to the last.
func fold(numbers []*apd.Decimal, step func(d, x, y *apd.Decimal) (apd.Condition, error)) (*apd.Decimal, error) {
	out := new(apd.Decimal).Set(numbers[0])
	for _, n := range numbers[1:] {
		if err := reckoned(step(out, out, n)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// decimals returns a list of numbers with at least one.
func decimals(in component.Inputs, key string) ([]*apd.Decimal, error) {
	return decimalsOf(in.List(key), key)
}

func decimalsOf(list []any, key string) ([]*apd.Decimal, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("input %q is empty: give at least one number", key)
	}
	if len(list) > maxNumbers {
		return nil, fmt.Errorf("input %q has %d numbers: give %d at most", key, len(list), maxNumbers)
	}
	numbers := make([]*apd.Decimal, len(list))
	for i, item := range list {
		n, ok := item.(value.Number)
		if !ok {
			return nil, fmt.Errorf("input %q: item %d is %s: give a number", key, i, value.Kind(item))
		}
		var err error
		if numbers[i], err = toDecimal(n); err != nil {
			return nil, fmt.Errorf("input %q: item %d %w", key, i, err)
		}
	}
	return numbers, nil
}

// decimalInput returns an input of type NUMBER that is required.
func decimalInput(in component.Inputs, key string) (*apd.Decimal, error) {
	n, _ := in.Value(key).(value.Number) // what is no number, or none, is refused before
	d, err := toDecimal(n)
	if err != nil {
		return nil, fmt.Errorf("input %q %w", key, err)
	}
	return d, nil
}

func extremeOf(in component.Inputs, sign int) (any, error) {
	key := "numbers"
	if in.Value("dynamicNumbers") != nil {
		key = "dynamicNumbers"
	}
	numbers, err := decimals(in, key)
	if err != nil {
		return nil, err
	}
	best := numbers[0]
	for _, n := range numbers[1:] {
		if n.Cmp(best)*sign > 0 {
			best = n
		}
	}
	return fromDecimal(best), nil
}

func hypotenuse(in component.Inputs) (any, error) {
	numbers, err := decimals(in, "numbers")
	if err != nil {
		return nil, err
	}
	d, err := hypot(numbers)
	if err != nil {
		return nil, err
	}
	return fromDecimal(d), nil
}

func hypot(numbers []*apd.Decimal) (*apd.Decimal, error) {
	var sum, square apd.Decimal
	for _, n := range numbers {
		if err := reckoned(reckoning.Mul(&square, n, n)); err != nil {
			return nil, err
		}
		if err := reckoned(reckoning.Add(&sum, &sum, &square)); err != nil {
			return nil, err
		}
	}
	return root(&sum, reckoning.Sqrt)
}

// mathOfOne returns the actions on one number: they are the functions of expressions, too.
func mathOfOne() []component.Action {
	number := ipaas.InputField{Key: "number", DisplayName: "Number", Type: ipaas.FieldNumber, Required: true, Description: "The number."}
	takes := func(of ipaas.InputField, key, name, description, output string) component.Action {
		return pure(key, name, description, output, func(in component.Inputs) (any, error) {
			d, err := decimalInput(in, of.Key)
			if err != nil {
				return nil, err
			}
			out, err := functions[key]([]*apd.Decimal{d})
			if err != nil {
				return nil, err
			}
			return fromDecimal(out), nil
		}, of)
	}
	one := func(key, name, description, output string) component.Action {
		return takes(number, key, name, description, output)
	}
	exponent := number
	exponent.Key, exponent.DisplayName = "exponent", "Exponent"
	round := pure("round", "Round", "Rounds a number. A half goes up: 2.5 is 3, and -2.5 is -2.", "The rounded number.", roundNumber, number,
		ipaas.InputField{
			Key: "digits", DisplayName: "Digits", Type: ipaas.FieldNumber, Default: "0",
			Description: "How many digits to keep behind the point, -100 to 100; below 0 tens, hundreds and so on are rounded to.",
		})
	return []component.Action{
		one("abs", "Absolute Value", "Leaves a number's sign out.", "The number without its sign."),
		one("ceil", "Ceiling", "Rounds up to a whole number.", "The smallest whole number that is not less."),
		one("floor", "Floor", "Rounds down to a whole number.", "The largest whole number that is not more."),
		round,
		one("fround", "Float-round", "Rounds to a float of single precision.", "The nearest one."),
		one("trunc", "Truncate Number", "Cuts off what is behind the point.", "The whole number that is left."),
		one("sqrt", "Square Root", "Takes the square root.", "The root that is not negative. A negative number has none: the step fails."),
		one("cbrt", "Cube Root", "Takes the cube root.", "The root."),
		takes(exponent, "exp", "e^x", "Raises e, 2.718…, to a power.", "The power."),
		one("naturalLog", "Natural Log", "Takes the logarithm to the base e.", "The logarithm. Numbers that are not above 0 have none: the step fails."),
		one("sin", "Sine", "Takes the sine of an angle in radians.", "The sine."),
		one("cos", "Cosine", "Takes the cosine of an angle in radians.", "The cosine."),
		one("tan", "Tangent", "Takes the tangent of an angle in radians.", "The tangent."),
		one("asin", "Arcsine", "Finds the angle whose sine a number is.", "The angle in radians."),
		one("acos", "Arccosine", "Finds the angle whose cosine a number is.", "The angle in radians."),
		one("atan", "Arctangent", "Finds the angle whose tangent a number is.", "The angle in radians."),
		one("sinh", "Hyperbolic Sine", "Takes the hyperbolic sine.", "The hyperbolic sine."),
		one("cosh", "Hyperbolic Cosine", "Takes the hyperbolic cosine.", "The hyperbolic cosine."),
		one("tanh", "Hyperbolic Tangent", "Takes the hyperbolic tangent.", "The hyperbolic tangent."),
		one("asinh", "Hyperbolic Arcsine", "Undoes the hyperbolic sine.", "The number whose hyperbolic sine it is."),
		one("acosh", "Hyperbolic Arccosine", "Undoes the hyperbolic cosine.", "The number whose hyperbolic cosine it is."),
		one("atanh", "Hyperbolic Arctangent", "Undoes the hyperbolic tangent.", "The number whose hyperbolic tangent it is."),
	}
}

// maxRounding bounds the digits that are rounded to.
const maxRounding = 100

func roundNumber(in component.Inputs) (any, error) {
	d, err := decimalInput(in, "number")
	if err != nil {
		return nil, err
	}
	digits, err := in.Int("digits")
	if err != nil {
		return nil, err
	}
	if digits < -maxRounding || digits > maxRounding {
		return nil, fmt.Errorf("input %q is %d: give -%d to %d", "digits", digits, maxRounding, maxRounding)
	}
	if d, err = roundDecimal(d, int32(digits)); err != nil {
		return nil, err
	}
	return fromDecimal(d), nil
}

// mathOfTwo returns the actions on two numbers.
func mathOfTwo() []component.Action {
	number := func(key, name, description, otherwise string) ipaas.InputField {
		return ipaas.InputField{Key: key, DisplayName: name, Type: ipaas.FieldNumber, Required: otherwise == "", Default: otherwise, Description: description}
	}
	two := func(function, first, second string) func(in component.Inputs) (any, error) {
		return func(in component.Inputs) (any, error) {
			x, err := decimalInput(in, first)
			if err != nil {
				return nil, err
			}
			y, err := decimalInput(in, second)
			if err != nil {
				return nil, err
			}
			d, err := functions[function]([]*apd.Decimal{x, y})
			if err != nil {
				return nil, err
			}
			return fromDecimal(d), nil
		}
	}
	low, high := number("min", "Min", "The smallest number that may come out.", ""), number("max", "Max", "The largest one.", "")
	return []component.Action{
		pure("pow", "Power", "Raises a number to a power.", "The power. Where there is none, as of a negative number and a fraction, the step fails.", two("pow", "base", "exponent"),
			number("base", "Base", "The number.", ""), number("exponent", "Exponent", "The power it is raised to.", "")),
		pure("log", "Logarithm", "Takes the logarithm to a base.", "The logarithm. Numbers that are not above 0 have none: the step fails.", two("log", "number", "base"),
			number("number", "Number", "The number.", ""), number("base", "Exponent Base", "The base.", "10")),
		pure("randomInt", "Random Integer", "Draws a whole number, each as likely as any other.", "A whole number from `min` to `max`, both included.", randomInt, low, high),
		pure("random", "Random Number", "Draws a number.", "A number from `min` up to, but not including, `max`.", randomNumber, low, high),
	}
}

// maxRandom bounds the whole numbers that are drawn from.
const maxRandom = 1 << 53

func randomInt(in component.Inputs) (any, error) {
	low, err := in.Int("min")
	if err != nil {
		return nil, err
	}
	high, err := in.Int("max")
	if err != nil {
		return nil, err
	}
	if low > high || low < -maxRandom || high > maxRandom {
		return nil, fmt.Errorf("inputs %q and %q are %d and %d: give whole numbers of at most 16 digits, the smaller one first", "min", "max", low, high)
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(high)-int64(low)+1))
	if err != nil {
		return nil, err
	}
	return value.FromInt(int64(low) + n.Int64()), nil
}

func randomNumber(in component.Inputs) (any, error) {
	bounds := [2]float64{}
	for i, key := range []string{"min", "max"} {
		d, err := decimalInput(in, key)
		if err != nil {
			return nil, err
		}
		if bounds[i], err = d.Float64(); err != nil {
			return nil, fmt.Errorf("input %q %w", key, errTooFar)
		}
	}
	if bounds[0] > bounds[1] || math.IsInf(bounds[1]-bounds[0], 0) {
		return nil, fmt.Errorf("inputs %q and %q: give the smaller number first, and none beyond 1e307", "min", "max")
	}
	n, err := rand.Int(rand.Reader, big.NewInt(maxRandom))
	if err != nil {
		return nil, err
	}
	return fromFloat(bounds[0] + (bounds[1]-bounds[0])*(float64(n.Int64())/maxRandom))
}

// evaluateExpression is the action evaluate.
func evaluateExpression(in component.Inputs) (any, error) {
	d, err := reckon(in.Text("expression"))
	if err != nil {
		return nil, fmt.Errorf("input %q: %w", "expression", err)
	}
	return fromDecimal(d), nil
}

// root takes a root; negative numbers have no even one.
func root(d *apd.Decimal, of func(d, x *apd.Decimal) (apd.Condition, error)) (*apd.Decimal, error) {
	var out apd.Decimal
	if _, err := of(&out, d); err != nil {
		return nil, errors.New("the result is no number: the function is not defined there")
	}
	if _, err := reckoning.Round(&out, &out); err != nil || out.Form != apd.Finite {
		return nil, errors.New("the result is no number: the function is not defined there")
	}
	return &out, nil
}
