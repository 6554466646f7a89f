package sandbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/sandbox"
)

// failures is what people are told of code that fails, in the lines of the code they wrote.
var failures = []struct {
	name, code, want string
	kind             sandbox.Kind
}{
	{
		"in functions of its own", "function validate(order) {\n  return order.lines.length;\n}\nconst total = (o) => validate(o);\nreturn total({});",
		"the code failed at line 2, column 21 in validate, called by total (line 4), called at line 5: TypeError: cannot read property 'length' of undefined", sandbox.Thrown,
	},
	{
		"in a callback", "return [1, 2].map((n) => {\n  return n.foo.bar;\n});",
		"the code failed at line 2, column 15, called at line 1: TypeError: cannot read property 'bar' of undefined", sandbox.Thrown,
	},
	{
		"in a module", "module.exports = async (context, stepResults) => {\n  return {data: stepResults.nope.results};\n};",
		"the code failed at line 2, column 33: TypeError: cannot read property 'results' of undefined", sandbox.Thrown,
	},
	{"in a timer", "await new Promise((r) => setTimeout(() => {\n  throw new Error('late');\n}, 1));", "the code failed at line 2, column 18: late", sandbox.Thrown},
	{"a rejected promise", "return Promise.reject(new RangeError('no'));", "the code failed at line 1, column 37: RangeError: no", sandbox.Thrown},
	{
		"a cause", "throw new Error('outer', {cause: new TypeError('inner', {cause: 'root'})});",
		"the code failed at line 1, column 16: outer (caused by TypeError: inner; root)", sandbox.Thrown,
	},
	{
		"errors together", "throw new AggregateError([new Error('a'), {code: 7}], 'all failed');",
		`the code failed at line 1, column 25: AggregateError: all failed (caused by Error: a; {"code":7})`, sandbox.Thrown,
	},
	{
		"causes in a circle", "const e = new Error('round'); e.cause = e; throw e;",
		"the code failed at line 1, column 20: round (caused by " + strings.Repeat("Error: round; ", 5) + "Error: round)", sandbox.Thrown,
	},
	{
		"an error of its own", "class NoStock extends Error { constructor(m) { super(m); this.name = 'NoStock'; } }\nthrow new NoStock('none left');",
		"the code failed at line 2, column 18: NoStock: none left", sandbox.Thrown,
	},
	{"an error without a message", "throw new Error();", "the code failed at line 1, column 16: it threw an error without a message", sandbox.Thrown},
	{"another one", "throw new TypeError('');", "the code failed at line 1, column 20: it threw TypeError without a message", sandbox.Thrown},
	{"undefined", "throw undefined;", "the code failed: it threw undefined", sandbox.Thrown},
	{"null", "throw null;", "the code failed: it threw null", sandbox.Thrown},
	{"a number", "throw 42;", "the code failed: it threw 42", sandbox.Thrown},
	{"a symbol", "throw Symbol('s');", "the code failed: it threw Symbol(s)", sandbox.Thrown},
	{"a text", "throw 'no stock';", "the code failed: no stock", sandbox.Thrown},
	{"an object", "throw {code: 7};", `the code failed: it threw {"code":7}`, sandbox.Thrown},
	{"what looks like an error", "throw {name: 'Oops', message: 'm'};", "the code failed: Oops: m", sandbox.Thrown},
	{
		"recursion", "function f(n) {\n  return f(n + 1) + 1;\n}\nreturn f(0);",
		"the code failed at line 2, column 11 in f, called by f (line 2), called by f (line 2), called by f (line 2), called by f (line 2), and so on: " +
			"stack overflow: functions call each other without an end, or too deep", sandbox.Thrown,
	},
	{"a promise that never settles", "await new Promise(() => {});", "the code failed: it waits for a promise that nothing will ever settle: resolve it, or return without it", sandbox.Thrown},
	{"a circle", "const o = {}; o.o = o; return o;", "the code failed: its result has itself in it (a circular reference): return what can be written as JSON", sandbox.Thrown},
	{"a circle that it writes itself", "const o = {}; o.o = o;\nreturn JSON.stringify(o);", "the code failed at line 2, column 22: TypeError: circular reference", sandbox.Thrown},
	{"code that it makes of a text", "\nreturn eval('1 +');", "the code failed at line 2, column 12: SyntaxError: unexpected token in expression: ''", sandbox.Thrown},
	{"a text that is no JSON", "const text = '{bad';\nreturn JSON.parse(text);", "the code failed at line 2, column 18: SyntaxError: expecting property name", sandbox.Thrown},
	{"a text that is no pattern", "return new RegExp('[');", "the code failed at line 1, column 18: SyntaxError: unexpected end", sandbox.Thrown},
	{"a word too many", "return 1;\n\n  let y = 2 +* 3;", "the code cannot be read at line 3, column 14: SyntaxError: unexpected token in expression: '*'", sandbox.Syntax},
	{"a bracket too few", "if (true) {\n  return 1;", "the code cannot be read at line 2, column 12: SyntaxError: the code ends, and its brackets do not match: a ), ] or } is missing, or there is one too many", sandbox.Syntax},
	{"a bracket too many", "return 1; }", "the code cannot be read at line 1, column 12: SyntaxError: the code ends, and its brackets do not match: a ), ] or } is missing, or there is one too many", sandbox.Syntax},
	{"a text without an end", "const s = 'abc\nreturn s;", "the code cannot be read at line 1, column 11: SyntaxError: unexpected end of string", sandbox.Syntax},
	{"a name twice", "const a = 1;\nconst a = 2;", "the code cannot be read at line 2, column 9: SyntaxError: invalid redefinition of lexical identifier", sandbox.Syntax},
	{"a text too long", "let s = 'x';\nfor (;;) s += s;", "the code failed at line 2, column 12: a text grew longer than texts can be (1,073,741,823 characters): work on less at once", sandbox.TooMuch},
	{"a number too long", "let n = 3n;\nfor (;;) n *= n;", "the code failed at line 2, column 12: RangeError: BigInt is too large to allocate", sandbox.Thrown},
	{"a result too large", "return 'x'.repeat(9e6);", "the code failed: its result is 9000023 bytes: return at most 8388608", sandbox.TooMuch},
}

func TestFailureSaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{Timeout: time.Minute, Memory: 32 << 20})
	for _, tt := range failures {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			result, err := step(t, pool, "smith", tt.code)
			if err == nil {
				t.Fatalf("it gives %s", result)
			}
			if kind := kindOf(t, err); err.Error() != tt.want || kind != tt.kind {
				t.Errorf("%s\n%s\nwant %s\n%s", kind, err, tt.kind, tt.want)
			}
			var f *sandbox.Failure
			if place := ""; errors.As(err, &f) && f.Line > 0 {
				if place = fmt.Sprintf("at line %d, column %d", f.Line, f.Column); !strings.Contains(tt.want, place) {
					t.Errorf("it failed %s, want what the message says", place)
				}
			}
		})
	}
}

// TestMemoryThatIsUsedUpIsSaid takes memory in all the ways there are. None ends as an error of the engine that nobody understands.
func TestMemoryThatIsUsedUpIsSaid(t *testing.T) {
	t.Parallel()
	const want = "the code used more than 32 MB of memory: work on less at once, or start the server with more --script-memory"
	ways := map[string]string{
		"lists":              "const all = []; for (;;) all.push([1]);",
		"objects":            "const all = []; for (let i = 0; ; i++) all.push({i});",
		"maps":               "const m = new Map(); for (let i = 0; ; i++) m.set(i, {i});",
		"texts":              "const all = []; for (let i = 0; ; i++) all.push('x'.repeat(1e5) + i);",
		"a text":             "return 'x'.repeat(2 ** 29).length;",
		"numbers":            "const all = []; for (let n = 3n ** 100000n; ; n++) all.push(n);",
		"buffers":            "const all = []; for (;;) all.push(new ArrayBuffer(1e7));",
		"one buffer":         "return new ArrayBuffer(1e9).byteLength;",
		"typed arrays":       "const all = []; for (;;) all.push(new Float64Array(1e5).fill(1));",
		"small typed arrays": "const all = []; for (;;) all.push(new Uint8Array(100));",
		"typed arrays later": "const all = []; for (;;) { await null; all.push([new Uint8Array(1e4), {}]); }",
		"small ones later":   "const all = []; for (;;) { await null; all.push([new Uint8Array(10), {}]); }",
		"copies":             "const all = []; for (;;) all.push(new Float64Array(4e5).map((x) => x + 1));",
		"patterns":           "const all = []; for (let i = 0; ; i++) all.push(new RegExp('a{1,9}' + 'b'.repeat(1e4) + i));",
		"functions":          "let f = () => 0; const all = []; for (;;) { const g = f; all.push(f = () => g()); }",
		"and it catches":     "const all = []; for (;;) { try { all.push(new Uint8Array(1e5)); } catch (e) { throw e; } }",
	}
	pool := open(t, sandbox.Options{Timeout: time.Minute, Memory: 32 << 20, Processes: 2})
	for name, code := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := step(t, pool, name, code); err == nil || err.Error() != want || kindOf(t, err) != sandbox.TooMuch {
				t.Errorf("it ends with %v, want %s", err, want)
			}
		})
	}
}
