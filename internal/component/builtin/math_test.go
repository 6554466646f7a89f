package builtin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/value"
)

func TestMath(t *testing.T) {
	t.Parallel()
	runCases(t, []actionCase{
		{action: "math.add", name: "exact", in: `{"numbers":[0.1,"0.2"]}`, want: `0.3`},
		{action: "math.add", name: "as in a count", in: `{"numbers":[41,"1"]}`, want: `42`},
		{action: "math.add", name: "large whole numbers", in: `{"numbers":[9007199254740993,9007199254740993]}`, want: `18014398509481986`},
		{action: "math.add", name: "JSON text", in: `{"numbers":"[1,2,3.50]"}`, want: `6.5`},
		{action: "math.add", name: "no zeros behind the point", in: `{"numbers":[1.10,2.20]}`, want: `3.3`},
		{action: "math.add", name: "whole tens stay plain", in: `{"numbers":[50,50]}`, want: `100`},
		{action: "math.add", name: "what is lost at 34 digits", in: `{"numbers":["1e34","0.4"]}`, want: `1e+34`},
		{action: "math.add", name: "no minus before 0", in: `{"numbers":[-1,1]}`, want: `0`},
		{action: "math.add", name: "nothing", in: `{"numbers":[]}`, fails: `input "numbers" is empty: give at least one number`},
		{action: "math.add", name: "a hole", in: `{"numbers":[1,null]}`, fails: `input "numbers": item 1 is nothing: give a number`},
		{action: "math.add", name: "no number", in: `{"numbers":[1,"one"]}`, fails: `item 1 is the text "one": give a number`},
		{action: "math.add", name: "a number beyond all", in: `{"numbers":["1e999999999",1]}`, fails: `item 0 is beyond what is reckoned with: give a number below 1e6144`},
		{action: "math.add", name: "an exponent beyond all", in: `{"numbers":["1e99999999999999999999",1]}`, fails: `item 0 is beyond what is reckoned with`},
		{action: "math.add", name: "a number that is next to nothing", in: `{"numbers":["1e-9999",1]}`, want: `1`},
		{action: "math.add", name: "too many digits", in: `{"numbers":["` + strings.Repeat("9", 1001) + `"]}`, fails: `item 0 is a number of more than 1000 digits`},
		{action: "math.subtract", name: "several", in: `{"numbers":[10,1.5,2]}`, want: `6.5`},
		{action: "math.multiply", name: "exact", in: `{"numbers":[1.1,1.1,1.1]}`, want: `1.331`},
		{action: "math.multiply", name: "too large", in: `{"numbers":["1e6000","1e6000"]}`, fails: `the result is beyond what is reckoned with: stay below 1e6144`},
		{action: "math.multiply", name: "too small is nothing", in: `{"numbers":["1e-6000","1e-6000"]}`, want: `0`},
		{action: "math.divide", name: "exact", in: `{"numbers":[1,8,2]}`, want: `0.0625`},
		{action: "math.divide", name: "rounded", in: `{"numbers":[2,3]}`, want: `0.6666666666666666666666666666666667`},
		{action: "math.divide", name: "by nothing", in: `{"numbers":[1,0]}`, fails: `a division by 0 has no result: check the divisor first`},
		{action: "math.divide", name: "nothing by nothing", in: `{"numbers":[0,0]}`, fails: `a division by 0 has no result`},
		{action: "math.max", name: "numbers", in: `{"numbers":[1,"30",4]}`, want: `30`},
		{action: "math.max", name: "dynamic ones count first", in: `{"numbers":[100],"dynamicNumbers":"[1,2.50]"}`, want: `2.5`},
		{action: "math.max", name: "none", in: `{}`, fails: `input "numbers" is empty`},
		{action: "math.min", name: "numbers", in: `{"numbers":[1,-30,4]}`, want: `-30`},
		{action: "math.hypot", name: "three and four", in: `{"numbers":[3,4]}`, want: `5`},
		{action: "math.abs", name: "negative", in: `{"number":"-1.50"}`, want: `1.5`},
		{action: "math.abs", name: "none", in: `{}`, fails: `inputs.number has no value`},
		{action: "math.ceil", name: "up", in: `{"number":-1.5}`, want: `-1`},
		{action: "math.ceil", name: "far away", in: `{"number":"1e6000"}`, want: `1e+6000`},
		{action: "math.floor", name: "down", in: `{"number":-1.5}`, want: `-2`},
		{action: "math.floor", name: "next to nothing", in: `{"number":"1e-6000"}`, want: `0`},
		{action: "math.round", name: "a half up", in: `{"number":2.5}`, want: `3`},
		{action: "math.round", name: "a negative half up", in: `{"number":-2.5}`, want: `-2`},
		{action: "math.round", name: "digits", in: `{"number":1.005,"digits":2}`, want: `1.01`},
		{action: "math.round", name: "tens", in: `{"number":1250,"digits":-2}`, want: `1300`},
		{action: "math.round", name: "nothing to round", in: `{"number":7,"digits":3}`, want: `7`},
		{action: "math.round", name: "all digits there are", in: `{"number":0.12345678901234567890123456789012345,"digits":34}`, want: `0.1234567890123456789012345678901234`},
		{action: "math.round", name: "too many", in: `{"number":1,"digits":101}`, fails: `input "digits" is 101: give -100 to 100`},
		{action: "math.trunc", name: "towards 0", in: `{"number":-1.9}`, want: `-1`},
		{action: "math.fround", name: "single", in: `{"number":0.1}`, want: `0.10000000149011612`},
		{action: "math.sqrt", name: "root", in: `{"number":2}`, want: `1.414213562373095048801688724209698`},
		{action: "math.sqrt", name: "none", in: `{"number":-2}`, fails: `the result is no number: the function is not defined there`},
		{action: "math.cbrt", name: "root", in: `{"number":-27}`, want: `-3`},
		{action: "math.exp", name: "one", in: `{"exponent":1}`, want: `2.718281828459045235360287471352662`},
		{action: "math.exp", name: "too large", in: `{"exponent":100000}`, fails: `the result is beyond what is reckoned with`},
		{action: "math.exp", name: "too small", in: `{"exponent":-100000}`, want: `0`},
		{action: "math.naturalLog", name: "of 1", in: `{"number":1}`, want: `0`},
		{action: "math.naturalLog", name: "of 0", in: `{"number":0}`, fails: `the result is no number`},
		{action: "math.log", name: "of a thousand", in: `{"number":1000}`, want: `3`},
		{action: "math.log", name: "to the base 2", in: `{"number":8,"base":2}`, want: `3`},
		{action: "math.log", name: "to the base 1", in: `{"number":8,"base":1}`, fails: `a division by 0 has no result`},
		{action: "math.pow", name: "whole", in: `{"base":1.1,"exponent":3}`, want: `1.331`},
		{action: "math.pow", name: "of nothing", in: `{"base":0,"exponent":0}`, want: `1`},
		{action: "math.pow", name: "none", in: `{"base":-8,"exponent":0.5}`, fails: `the result is no number`},
		{action: "math.pow", name: "one over nothing", in: `{"base":0,"exponent":-1}`, fails: `a division by 0`},
		{action: "math.pow", name: "too large", in: `{"base":10,"exponent":99999999}`, fails: `the result is beyond what is reckoned with`},
		{action: "math.pow", name: "an exponent beyond all", in: `{"base":2,"exponent":"1e100"}`, fails: `the exponent is 1e9 or more: give a smaller one`},
		{action: "math.sin", name: "of 0", in: `{"number":0}`, want: `0`},
		{action: "math.cos", name: "of 0", in: `{"number":0}`, want: `1`},
		{action: "math.tan", name: "of 1", in: `{"number":1}`, want: `1.557407724654902`},
		{action: "math.asin", name: "of 1", in: `{"number":1}`, want: `1.5707963267948966`},
		{action: "math.acos", name: "of 2", in: `{"number":2}`, fails: `the result is no number`},
		{action: "math.atan", name: "far out", in: `{"number":"1e6000"}`, want: `1.5707963267948966`},
		{action: "math.sinh", name: "of 0", in: `{"number":0}`, want: `0`},
		{action: "math.cosh", name: "too large", in: `{"number":10000}`, fails: `the result is no number`},
		{action: "math.tanh", name: "of 0", in: `{"number":0}`, want: `0`},
		{action: "math.asinh", name: "of 0", in: `{"number":0}`, want: `0`},
		{action: "math.acosh", name: "of 1", in: `{"number":1}`, want: `0`},
		{action: "math.atanh", name: "of 1", in: `{"number":1}`, fails: `the result is no number`},
		{action: "math.randomInt", name: "the only one", in: `{"min":7,"max":7}`, want: `7`},
		{action: "math.randomInt", name: "the wrong way round", in: `{"min":2,"max":1}`, fails: `are 2 and 1: give whole numbers of at most 16 digits, the smaller one first`},
		{action: "math.randomInt", name: "no whole one", in: `{"min":0.5,"max":1}`, fails: `input "min" is 0.5: give a whole number`},
		{action: "math.random", name: "the only one", in: `{"min":1.5,"max":1.5}`, want: `1.5`},
		{action: "math.random", name: "beyond all floats", in: `{"min":0,"max":"1e400"}`, fails: `give`},
	})
}

func TestMathExpressions(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }
	cases := []actionCase{}
	for expression, want := range map[string]string{
		"2 * 3 + 7":                   "13",
		"2 + 3 * 7":                   "23",
		"0.1+0.2":                     "0.3",
		"(1 + 2)*3":                   "9",
		"2 ^ 3 ^ 2":                   "512",
		"2**10":                       "1024",
		"-2 ^ 2":                      "-4",
		"2 ^ -1":                      "0.5",
		"7 % 4":                       "3",
		"-7 % 4":                      "-3",
		"1 - 2 - 3":                   "-4",
		"100 / 10 / 5":                "2",
		"--1":                         "1",
		"+.5e1":                       "5",
		"1.":                          "1",
		"max(1, 2.5, -3)":             "2.5",
		"min(1,2)":                    "1",
		"round(2.345, 2)":             "2.35",
		"sqrt(16) + abs(-1)":          "5",
		"hypot(3,4)":                  "5",
		"log(100)":                    "2",
		"log(8, 2)":                   "3",
		"floor(pi) + ceil(E)":         "6",
		"pow(2, 0.5) * pow(2, 0.5)":   "2",
		deep(99):                      "1",
		"\t1\n+\r1 ":                  "2",
		"ln(1) + log10(10) + exp(0)":  "2",
		"123456789012345678901234 -1": "123456789012345678901233",
	} {
		cases = append(cases, actionCase{action: "math.evaluate", name: expression, in: string(value.JSON(value.Obj(value.Field{Key: "expression", Value: expression}))), want: want})
	}
	for expression, fails := range map[string]string{
		"1 +":              `input "expression": it ends too soon: expected a number, a name or a bracket`,
		"1 2":              `at character 3: expected an operator`,
		"(1":               `expected ")"`,
		"foo(1)":           `it has the unknown name "foo"`,
		"max":              `expected "(" after the function max`,
		"max()":            `expected a number`,
		"max(1":            `expected "," or ")"`,
		"abs(1,2)":         `function abs: takes one number`,
		"round(1, 2, 3)":   `function round: takes a number and`,
		"1/0":              `a division by 0 has no result`,
		"1 % 0":            `a division by 0 has no result`,
		"sqrt(-1)":         `function sqrt: the result is no number`,
		"1e999999999":      `the number at byte 1 is beyond what is reckoned with`,
		"9^9^9^9":          `power:`,
		"9^999999":         `power: the result is beyond what is reckoned with`,
		".":                `expected a digit`,
		"1e":               `expected an operator`,
		"process.exit()":   `it has the unknown name "process"`,
		"2 × 3":            `at character 3: expected an operator`,
		deep(200):          `it nests deeper than 100 levels`,
		"log(1,2,3)":       `function log: takes a number and`,
		"pow(1)":           `function pow: takes a number and an exponent`,
		"-" + deep(150):    `it nests deeper than 100 levels`,
		"1e6000 % 0.00001": `the result is no number`,
		"max(" + strings.Repeat("1,", 200) + "1)": `function max has more than 100 numbers`,
		strings.Repeat("-", 200) + "1":            `it nests deeper than 100 levels`,
		strings.Repeat("2^", 200) + "1":           `it nests deeper than 100 levels`,
		strings.Repeat("1+", 10_000/2) + "1":      `is longer than 10000 bytes`,
		"{{$step.results}} + 1":                   `expected a number`,
		strings.Repeat("9", 1001):                 `is a number of more than 1000 digits`,
	} {
		name := expression
		if len(name) > 30 {
			name = name[:30]
		}
		cases = append(cases, actionCase{action: "math.evaluate", name: name, in: string(value.JSON(value.Obj(value.Field{Key: "expression", Value: expression}))), fails: fails})
	}
	runCases(t, cases)
}

func TestRandomNumbersStayWithin(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		got, err := run(t, "math.randomInt", map[string]any{"min": "-1", "max": value.Number("1")})
		n, _ := got.Data.(value.Number)
		if err != nil || n != "-1" && n != "0" && n != "1" {
			t.Fatalf("got %v, %v", got.Data, err)
		}
		seen[string(n)] = true
		got, err = run(t, "math.random", map[string]any{"min": "1", "max": "2"})
		n, _ = got.Data.(value.Number)
		if f, ok := n.Float64(); err != nil || !ok || f < 1 || f >= 2 {
			t.Fatalf("got %v, %v", got.Data, err)
		}
	}
	if len(seen) != 3 {
		t.Errorf("of three numbers only %v were drawn", seen)
	}
}

// FuzzMathExpression proves that no expression takes long, brings the process down or gives what is no number.
func FuzzMathExpression(f *testing.F) {
	for _, seed := range []string{"2*(3+7)", "9^9^9", "pow(1.0000001, 999999999)", "exp(14149)", "log(1e-6000, 1.0000000001)", "hypot(1e3000,1)", "tan(1e400)", "cbrt(1e-6000)", "1e6144*1e6144", "((((", "-1%0.1", "round(5e-6143,-100)"} {
		f.Add(seed)
	}
	action := registry().Component("math").Action("evaluate")
	f.Fuzz(func(t *testing.T, expression string) {
		start := time.Now()
		result, err := action.Perform(context.Background(), component.Call{Inputs: component.Inputs{"expression": expression}})
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("%q took %s", expression, took)
		}
		if err != nil {
			return
		}
		n, _ := result.Data.(value.Number)
		if _, ok := value.ParseNumber(string(n)); !ok || len(n) > 100 {
			t.Fatalf("%q gave %q", expression, n)
		}
	})
}
