package sandbox_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/sandbox"
)

// hostile is scripts that want to harm. Each ends in one of the ways that are listed, "" being a result; what counts is that it ends, that
// the memory of this process does not notice, and that the next run does well.
var hostile = []struct {
	name, code string
	ends       []sandbox.Kind
}{
	{"endless_loop", `for (;;);`, []sandbox.Kind{sandbox.TooLong}},
	{"endless_loop_that_catches", `for (;;) { try { for (;;); } catch {} finally { for (;;); } }`, []sandbox.Kind{sandbox.TooLong}},
	{"endless_microtasks", `const next = () => Promise.resolve().then(next); await next();`, []sandbox.Kind{sandbox.TooLong}},
	{"endless_timers", `await new Promise(() => setInterval(() => {}, 1));`, []sandbox.Kind{sandbox.TooLong}},
	{"endless_async", `for (;;) await null;`, []sandbox.Kind{sandbox.TooLong}},
	{"never_settles", `await new Promise(() => {});`, []sandbox.Kind{sandbox.Thrown}},
	{"push_bomb", `const a = []; for (;;) a.push(1);`, bomb},
	{"map_bomb", `const m = new Map(); for (let i = 0; ; i++) m.set(i, {i});`, bomb},
	{"closure_bomb", `let f = () => 0; const all = []; for (;;) { const g = f; all.push(f = () => g()); }`, bomb},
	{"repeat", `return 'x'.repeat(2 ** 29).length;`, bomb},
	{"double", `let s = 'x'; for (;;) s += s;`, append(bomb, sandbox.Thrown)},
	{"array_buffer", `return new ArrayBuffer(4e9).byteLength;`, append(bomb, sandbox.Thrown)},
	{"array_buffers", `const all = []; for (;;) all.push(new ArrayBuffer(1e7));`, bomb},
	{"fill", `return new Array(3e7).fill(1).length;`, bomb},
	{"join", `return Array(1e8).join().length;`, append(bomb, "")},
	{"join_long", `return Array(2e7).join('xxxxxxxxxx').length;`, bomb},
	{"regex_backreference", `return /(a+)+\1b/.test('a'.repeat(64));`, []sandbox.Kind{sandbox.TooLong}},
	{"regex_lookahead", `return /^(?=(a+)+$)(a+)+b/.test('a'.repeat(64));`, []sandbox.Kind{sandbox.TooLong}},
	{"regex_captures", `return new RegExp('('.repeat(1e5) + ')'.repeat(1e5));`, []sandbox.Kind{sandbox.Thrown}},
	{"bigint_power", `return String(10n ** 10n ** 7n).length;`, append(bomb, sandbox.Thrown)},
	{"bigint_square", `let n = 3n; for (;;) n *= n;`, append(bomb, sandbox.Thrown)},
	{"shared_graph", `let o = {}; for (let i = 0; i < 26; i++) o = {a: o, b: o}; return JSON.stringify(o).length;`, bomb},
	{"shared_graph_result", `let o = {}; for (let i = 0; i < 26; i++) o = {a: o, b: o}; return o;`, bomb},
	{"recursion", `(function f() { return f() + 1; })();`, []sandbox.Kind{sandbox.Thrown}},
	{"recursion_that_catches", `(function f() { try { f(); } finally { f(); } })();`, []sandbox.Kind{sandbox.Thrown, sandbox.TooLong}},
	{"recursive_getter", `const o = {get x() { return this.x; }}; o.x;`, []sandbox.Kind{sandbox.Thrown}},
	{"recursive_proxy", `const p = new Proxy({}, {get(t, k, r) { return r[k]; }}); p.x;`, []sandbox.Kind{sandbox.Thrown}},
	{"deep_parse", `return JSON.parse('['.repeat(1e6) + ']'.repeat(1e6)).length;`, []sandbox.Kind{sandbox.Thrown}},
	{"deep_result", `let o = []; for (let i = 0; i < 1000; i++) o = [o]; return o;`, []sandbox.Kind{sandbox.Thrown}},
	{"deep_source", `eval('['.repeat(1e5) + ']'.repeat(1e5));`, []sandbox.Kind{sandbox.Thrown}},
	{"deep_bind", `let f = () => 0; for (let i = 0; i < 1e6; i++) f = f.bind(null); f();`, append(bomb, sandbox.Thrown, "")},
	{"large_result", `return 'x'.repeat(9e6);`, []sandbox.Kind{sandbox.TooMuch}},
	{"result_of_many", `return new Array(2e6).fill(0);`, bomb},
	{"cycle", `const o = {}; o.o = o; return o;`, []sandbox.Kind{sandbox.Thrown}},
	{"huge_logs", `for (let i = 0; i < 1e5; i++) console.log('x'.repeat(1e5)); return 1;`, []sandbox.Kind{"", sandbox.TooLong}},
	{"large_log", `console.log('x'.repeat(2e7)); return 1;`, []sandbox.Kind{"", sandbox.TooMuch}},
	{"thenable", `module.exports = () => ({get then() { return (f) => f({then: (g) => g({data: 1})}); }});`, []sandbox.Kind{""}},
	{"thenable_twice", `module.exports = () => ({then(f, r) { f({data: 1}); r(2); f({data: 3}); throw 4; }});`, []sandbox.Kind{""}},
	{"thenable_never", `module.exports = () => ({then() {}});`, []sandbox.Kind{sandbox.Thrown}},
	{"hostile_to_string", `const e = new Error('x'); e.toString = () => { for (;;); }; throw e;`, []sandbox.Kind{sandbox.Thrown}},
	{"hostile_message", `throw {get message() { throw 1; }, get name() { throw 2; }, get stack() { throw 3; }, toString() { throw 4; }, toJSON() { throw 5; }};`, []sandbox.Kind{sandbox.Thrown}},
	{"endless_message", `throw {get message() { for (;;); }};`, []sandbox.Kind{sandbox.TooLong}},
	{"long_message", `throw new Error('x'.repeat(1e6));`, []sandbox.Kind{sandbox.Thrown}},
	{"throws_nothing", `throw undefined;`, []sandbox.Kind{sandbox.Thrown}},
	{"throws_null", `throw null;`, []sandbox.Kind{sandbox.Thrown}},
	{"throws_symbol", `throw Symbol('s');`, []sandbox.Kind{sandbox.Thrown}},
	{"throwing_getter", `return {get a() { throw new Error('no'); }};`, []sandbox.Kind{sandbox.Thrown}},
	{"throwing_json", `return {toJSON() { throw new Error('no'); }};`, []sandbox.Kind{sandbox.Thrown}},
	{"revoked_proxy", `const {proxy, revoke} = Proxy.revocable({}, {}); revoke(); return proxy;`, []sandbox.Kind{sandbox.Thrown}},
	{"endless_proxy", `return new Proxy([], {get: (t, k) => k === 'length' ? 2 ** 40 : k === 'toJSON' ? undefined : 0});`, append(bomb, sandbox.Thrown)},
	{"broken_builtins", `JSON.stringify = JSON.parse = Promise.prototype.then = Object.keys = Array.isArray = String = Map.prototype.get = () => { throw 1; };
		Object.prototype.toJSON = () => 'polluted'; Array.prototype.map = null; return 1;`, []sandbox.Kind{"", sandbox.Thrown}},
	{"broken_promises", `globalThis.Promise = class { then() {} }; return 1;`, []sandbox.Kind{""}},
	{"frozen", `for (const k of Object.getOwnPropertyNames(globalThis)) { try { Object.freeze(globalThis[k]); Object.freeze(globalThis[k].prototype); } catch {} } return 1;`, []sandbox.Kind{"", sandbox.Thrown}},
	{"escape_by_constructor", `return [].constructor.constructor('return typeof process + typeof host + typeof std + typeof os + typeof Deno')();`, []sandbox.Kind{""}},
	{"escape_by_import", `return await import('os');`, []sandbox.Kind{sandbox.Thrown}},
	{"escape_by_file", `return await import('file:///etc/passwd');`, []sandbox.Kind{sandbox.Thrown}},
	{"break_out_of_wrapper", `}); }); (function () { return () => async () => { for (;;); } })(); (() => { (async () => {`, []sandbox.Kind{sandbox.Syntax, sandbox.Thrown, sandbox.TooLong}},
	{"nul", "return 'a\x00b'.length + `\x00`;", []sandbox.Kind{"", sandbox.Syntax}},
	{"no_utf8", "return '\xff\xfe';", []sandbox.Kind{""}},
	{"lone_surrogate", `return {['\ud800']: '\udfff'};`, []sandbox.Kind{""}},
	{"atomics", `const a = new Int32Array(new SharedArrayBuffer(8)); return Atomics.wait(a, 0, 0);`, []sandbox.Kind{sandbox.Thrown, sandbox.TooLong}},
	{"sort_that_shrinks", `const a = Array.from({length: 1e3}, (_, i) => i); a.sort(() => { a.length = 0; return 1; }); return a.length;`, []sandbox.Kind{""}},
	{"typed_array_detach", `const b = new ArrayBuffer(1e6); const u = new Uint8Array(b); b.transfer(); return u.length;`, []sandbox.Kind{""}},
	{"finalizers", `const r = new FinalizationRegistry(() => { for (;;); }); for (let i = 0; i < 1e4; i++) r.register({}, i); return 1;`, []sandbox.Kind{"", sandbox.TooLong}},
}

// bomb is how a script ends that wants too much: it is a matter of the machine what it meets first.
var bomb = []sandbox.Kind{sandbox.TooMuch, sandbox.TooLong}

// TestHostileScripts runs them all, for customers of their own, and each of them again behind another.
func TestHostileScripts(t *testing.T) {
	// On a machine that has other things to do, only the clock that is to end a script may be short.
	short := open(t, sandbox.Options{Timeout: 600 * time.Millisecond, Memory: 32 << 20, Processes: 4})
	long := open(t, sandbox.Options{Timeout: time.Minute, Memory: 32 << 20, Processes: 4})
	for _, pool := range []*sandbox.Pool{short, long} {
		if _, err := step(t, pool, "warm", "return 1"); err != nil {
			t.Fatal(err)
		}
	}
	peak := memoryPeak(t)
	var all sync.WaitGroup
	slots := make(chan struct{}, 3)
	for i, h := range hostile {
		if sandbox.RaceDetector && i%4 != 0 {
			continue // the engine is ten times slower, and its races are not what is looked for
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			pool := long
			if slices.Contains(h.ends, sandbox.TooLong) {
				pool = short
			}
			result, err := step(t, pool, h.name, h.code)
			if kind := kindOf(t, err); !slices.Contains(h.ends, kind) {
				t.Errorf("%s ended with %q, %v and the result %.100s, want one of %q", h.name, kind, err, result, h.ends)
			}
			if err != nil && (len(err.Error()) > 5000 || strings.Contains(err.Error(), "prelude")) {
				t.Errorf("%s: the message is %.200s", h.name, err)
			}
			if result, err := again(t, pool, h.name, "return [typeof {}.toJSON, [].map.name, JSON.stringify({a: 1})]"); err != nil || result != `["undefined","map","{\"a\":1}"]` {
				t.Errorf("after %s the next run gives %s, %v", h.name, result, err)
			}
		})
	}
	all.Wait()
	if grown := peak(); grown > 200<<20 {
		t.Errorf("the program grew by %d MB", grown>>20)
	}
}

// again runs a script that is done at once. On a loaded machine even that may take too long for a short clock; then it is not said to be
// wrong.
func again(t *testing.T, pool *sandbox.Pool, tenant, code string) (result string, err error) {
	t.Helper()
	for range 20 {
		if result, err = step(t, pool, tenant, code); kindOf(t, err) != sandbox.TooLong {
			break
		}
	}
	return result, err
}

// memoryPeak returns what tells how far the memory of this process has grown at most since then.
func memoryPeak(t *testing.T) func() int64 {
	t.Helper()
	// Forget the peak there was.
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Logf("the peak of memory cannot be told here: %v", err)
		return func() int64 { return 0 }
	}
	before := statusBytes(t, "VmRSS")
	return func() int64 { return statusBytes(t, "VmHWM") - before }
}

func statusBytes(t *testing.T, key string) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatalf("/proc/self/status has no %s", key)
	return 0
}

// TestNothingIsLeft shows that what a script does to the world of scripts is gone with it.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{})
	for _, code := range []string{
		`Object.prototype.polluted = 1; globalThis.mine = 2; var own = 3; Array.prototype.map = () => 'no'; JSON.stringify = () => 'no'; return 1;`,
		`Buffer.from = () => 'no'; console.log = null; URL.prototype.toString = null; delete globalThis.Map; setInterval(() => {}, 1); return 1;`,
	} {
		_, _ = step(t, pool, "smith", code) // it may break itself
		result, err := step(t, pool, "smith", `return [typeof {}.polluted, typeof mine, typeof own, [1].map((n) => n + 1), JSON.stringify([1]),
			Buffer.from('a').length, typeof console.log, new URL('http://a/').toString(), typeof Map];`)
		if want := `["undefined","undefined","undefined",[2],"[1]",1,"function","http://a/","function"]`; err != nil || result != want {
			t.Errorf("the next script finds %s, %v, want %s", result, err, want)
		}
	}
	if tenants := pool.Tenants(); len(tenants) != 2 {
		t.Errorf("there are processes %v, want the one that served and one ahead", tenants)
	}
}

// TestGlobals lists all that a script can reach, so that nothing comes in unseen with a new engine.
func TestGlobals(t *testing.T) {
	t.Parallel()
	result, err := step(t, open(t, sandbox.Options{}), "smith", `return Object.getOwnPropertyNames(globalThis).sort().join(' ');`)
	want := "AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean Buffer DataView Date Error EvalError FinalizationRegistry " +
		"Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array InternalError Intl Iterator JSON Map Math NaN Number Object Promise Proxy " +
		"RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer String Symbol SyntaxError TextDecoder TextEncoder TypeError URIError URL URLSearchParams " +
		"Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet atob btoa clearImmediate clearInterval clearTimeout console crypto decodeURI " +
		"decodeURIComponent encodeURI encodeURIComponent escape eval fetch global globalThis isFinite isNaN parseFloat parseInt queueMicrotask setImmediate setInterval " +
		"setTimeout structuredClone undefined unescape"
	if err != nil || result != strconv.Quote(want) {
		t.Errorf("a script finds\n%s, %v, want\n%q", result, err, want)
	}
}
