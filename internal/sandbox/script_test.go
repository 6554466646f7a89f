package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/value"
)

// TestLanguage shows what of the language and of what is usual around it a script may use.
func TestLanguage(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{PerTenant: 8})
	tests := []struct{ name, code, want string }{
		{"optional_chaining", `const o = {a: null}; return [o?.a?.b ?? 'none', o.f?.()];`, `["none",null]`},
		{"async_generators", `async function* g() { yield 1; yield 2; } const all = []; for await (const n of g()) all.push(n); return all;`, `[1,2]`},
		{"group_by", `return Object.groupBy([1, 2, 3], (n) => n % 2 ? 'odd' : 'even');`, `{"odd":[1,3],"even":[2]}`},
		{"named_groups", `return '2026-01-31'.match(/(?<year>\d+)-(?<month>\d+)/).groups.month;`, `"01"`},
		{"regex_v_flag", `return /^[\p{L}--[a-z]]+$/v.test('ÄÖ');`, `true`},
		{"lookbehind", `return 'a1b2'.replace(/(?<=b)\d/, 'x');`, `"a1bx"`},
		{"private_fields", `class A { #n = 1; static s = 2; get n() { return this.#n; } } return new A().n + A.s;`, `3`},
		{"to_sorted", `return [3, 1, 2].toSorted().at(-1);`, `3`},
		{"iterator_helpers", `return [1, 2, 3].values().map((n) => n * 2).toArray();`, `[2,4,6]`},
		{"bigint", `return 2n ** 64n;`, `18446744073709551616`},
		{"template_strings", "return `${1 + 1}`;", `"2"`},
		{"dates", `return [new Date(Date.UTC(2026, 0, 31)), new Date(0).getTimezoneOffset(), new Date('2026-01-31T08:00:00+02:00').toISOString()];`, `["2026-01-31T00:00:00.000Z",0,"2026-01-31T06:00:00.000Z"]`},
		{
			"locales", `return [new Date(0).toLocaleDateString('en-US', {month: 'long', timeZone: 'America/New_York'}), (1234.5).toLocaleString('en-US', {style: 'currency', currency: 'USD'}), typeof Intl.NumberFormat];`,
			`["December","$1,234.50","function"]`,
		},
		{"timers", `const t = []; const b = new Promise((r) => setTimeout((x) => { t.push(x); r(); }, 200, 'b')); setTimeout(() => t.push('a')); const i = setInterval(() => t.push('i'), 1); await b; clearInterval(i); return [t[0], t.includes('b'), t.includes('i')];`, `["a",true,true]`},
		{"microtasks", `const t = []; queueMicrotask(() => t.push(2)); t.push(1); await null; return t;`, `[1,2]`},
		{
			"url", `const u = new URL('../b?x=1#h', 'https://user:pw@Example.com:8443/a/c/'); u.searchParams.append('y', 'ä b'); u.port = ''; return [u.href, u.origin, u.host, u.pathname, u.search, u.hash, u.username, URL.canParse('nope')];`,
			`["https://user:pw@example.com/a/b?x=1&y=%C3%A4+b#h","https://example.com","example.com","/a/b","?x=1&y=%C3%A4+b","#h","user",false]`,
		},
		{"url_search", `const u = new URL('https://a.example/'); u.search = '?q=1'; return [u.searchParams.get('q'), JSON.stringify({u}), String(u)];`, `["1","{\"u\":\"https://a.example/?q=1\"}","https://a.example/?q=1"]`},
		{"url_invalid", `try { new URL('nope'); } catch (e) { return [e.name, e.message]; }`, `["TypeError","Invalid URL"]`},
		{
			"search_params", `const p = new URLSearchParams('?a=1&a=2&b=%zz&c'); p.set('d', "x'y~"); p.delete('a', '1'); p.sort(); return [p.toString(), [...p.keys()], p.getAll('a'), p.has('b'), p.size, new URLSearchParams({x: 1}).toString(), new URLSearchParams([['x', 2]]).get('x')];`,
			`["a=2&b=%25zz&c=&d=x%27y%7E",["a","b","c","d"],["2"],true,4,"x=1","2"]`,
		},
		{"text_encoder", `return [[...new TextEncoder().encode('ä€')], new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0xc3, 0xa4, 0xff]))];`, `[[195,164,226,130,172],"ä�"]`},
		{"base64", `return [btoa('hällo'), atob('aGk='), Buffer.from('aGk', 'base64').toString(), Buffer.from('_-8', 'base64url').toString('hex')];`, `["aORsbG8=","hi","hi","ffef"]`},
		{
			"buffer", `const b = Buffer.concat([Buffer.from('ab'), Buffer.from([99, 100]), Buffer.alloc(2, 'z')]); return [b.toString(), b.toString('hex'), b.slice(1, 3).toString('base64'), b.length, Buffer.isBuffer(b), b.equals(Buffer.from('abcdzz')), b.indexOf('cd'), JSON.stringify(Buffer.from('a')), Buffer.byteLength('ä'), Buffer.from('ÿ', 'latin1')[0], b.subarray(0, 1) instanceof Buffer];`,
			`["abcdzz","616263647a7a","YmM=",6,true,true,2,"{\"type\":\"Buffer\",\"data\":[97]}",2,255,true]`,
		},
		{
			"structured_clone", `const o = {d: new Date(0), m: new Map([[1, {a: 1}]]), s: new Set([1]), a: [1, [2]], u: new Uint8Array([1])}; o.self = o; const c = structuredClone(o); return [c !== o, c.self === c, c.d.getTime(), c.m.get(1).a, c.s.has(1), c.a[1] !== o.a[1], c.u[0]];`,
			`[true,true,0,1,true,true,1]`,
		},
		{
			"crypto", `const {createHash, createHmac, timingSafeEqual, randomBytes} = require('node:crypto'); return [createHash('sha256').update('a').update('b').digest('hex').slice(0, 8), createHmac('sha1', 'key').update('x').digest('base64'), createHash('md5').update('').digest('hex'),
			timingSafeEqual(Buffer.from('a'), Buffer.from('a')), randomBytes(8).length, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())];`,
			`["fb8e20fc","KgDo6DQ9+GxMGIsmPuyjMa+jFUg=","d41d8cd98f00b204e9800998ecf8427e",true,8,true]`,
		},
		{"modules", `return [require('url').URL === URL, require('buffer').Buffer === Buffer, typeof require('util').TextEncoder];`, `[true,true,"function"]`},
		{"replaced", `Buffer = 7; globalThis.URL = class {}; return [Buffer, new URL().href === undefined, typeof TextEncoder, delete globalThis.atob, typeof atob, Object.keys(globalThis).includes('URL')];`, `[7,true,"function",true,"undefined",false]`},
		{
			"looked_at_late", `Object.defineProperty = Object.keys = JSON.parse = Array.isArray = () => { throw new Error('mine'); }; globalThis.host = () => 'mine'; return [new URL('https://a.example/b?c=1').searchParams.get('c'), Buffer.from('aGk=', 'base64').toString(), require('url').URL === URL, structuredClone({a: [1]}).a.length];`,
			`["1","hi",true,1]`,
		},
		{"replaced_before_it_is_looked_at", `const before = globalThis.URL; globalThis.URL = 1; return [typeof before, require('url').URL === before, URL];`, `["function",true,1]`},
		{"maps_and_sets", `return {m: new Map([['a', 1]]), s: new Set([1, 2]), e: new TypeError('no')};`, `{"m":{"a":1},"s":[1,2],"e":{"name":"TypeError","message":"no"}}`},
		{"no_values", `return {u: undefined, f() {}, n: NaN, i: Infinity, l: [undefined]};`, `{"n":null,"i":null,"l":[null]}`},
		{"proto_key", `return JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}');`, `{"__proto__":{"a":1},"constructor":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := step(t, pool, "smith", tt.code); err != nil || got != tt.want {
				t.Errorf("it gives\n%s, %v, want\n%s", got, err, tt.want)
			}
		})
	}
}

// TestMessages names the place and what is wrong.
func TestMessages(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{PerTenant: 8})
	for code, want := range map[string]string{
		"const a = ;":                              "the code cannot be read at line 1, column 11: SyntaxError: unexpected token in expression: ';'",
		"\n\n  const a = ;":                        "the code cannot be read at line 3, column 13: SyntaxError: unexpected token in expression: ';'",
		"null.x;":                                  "the code failed at line 1, column 5: TypeError: cannot read property 'x' of null",
		"\n  throw new Error('no stock');":         "the code failed at line 2, column 18: no stock",
		"throw {code: 7}":                          `the code failed: it threw {"code":7}`,
		"throw 'plain'":                            "the code failed: plain",
		"return require('axios')":                  `there is no module "axios" here: there are buffer, crypto, url, util; other systems are called by a step of their own`,
		"return fetch('https://a.example')":        "code has no network: call the other system in a step of its own, before or after this one",
		"return await new Promise(() => {})":       "the code failed: it waits for a promise that nothing will ever settle: resolve it, or return without it",
		"const o = {}; o.o = o; return o":          "its result has itself in it (a circular reference)",
		"return require('crypto').createHash('x')": `there is no hash "x": there are md5, sha1, sha224, sha256, sha384 and sha512`,
		"'use strict'; undeclared = 1":             "ReferenceError: 'undeclared' is not defined",
		"module.exports = 5":                       "module.exports is a number: set it to a function of context and stepResults",
		"import x from 'x'":                        "the code cannot be read at line 1",
	} {
		if _, err := step(t, pool, "smith", code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q fails with %v, want %q", code, err, want)
		}
	}
	_, err := pool.Run(t.Context(), sandbox.Script{Tenant: "smith", Form: sandbox.Step, Code: strings.Repeat(" ", sandbox.MaxCode+1)})
	if kindOf(t, err) != sandbox.TooMuch {
		t.Errorf("long code: %v", err)
	}
	_, err = pool.Run(t.Context(), sandbox.Script{
		Tenant: "smith", Form: sandbox.Step, Code: "return data.length", Values: []sandbox.Named{{Name: "data", Value: strings.Repeat("x", sandbox.MaxInput)}},
	})
	if kindOf(t, err) != sandbox.TooMuch || !strings.Contains(err.Error(), "more than 32 MB") {
		t.Errorf("large data: %v", err)
	}
}

// TestValuesCross sends values through a script that gives back what it got.
func TestValuesCross(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{PerTenant: 8})
	parse := func(text string) any {
		v, err := value.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := []struct {
		name, code string
		given      any
		want       any
	}{
		{"everything", "return data", parse(`{"z":null,"a":[true,false,1,-2.5,1e3,"ä€😀","",{}],"m":{"y":1,"b":2}}`), parse(`{"z":null,"a":[true,false,1,-2.5,1000,"ä€😀","",{}],"m":{"y":1,"b":2}}`)},
		{"large_numbers", "return data", parse(`[12345678901234567890,0.1234567890123456789,-9007199254740993,9007199254740992]`), parse(`[12345678901234567890,0.1234567890123456789,-9007199254740993,9007199254740992]`)},
		{"large_number_alone", "return {id: data.order.id, copy: {...data.order}}", parse(`{"order":{"id":12345678901234567890}}`), parse(`{"id":12345678901234567890,"copy":{"id":12345678901234567890}}`)},
		{"large_number_calculated", "return data + 1e6", parse(`12345678901234567890`), value.Number("12345678901235567000")},
		{"large_numbers_alike", "return data", parse(`[12345678901234567890,12345678901234567891]`), parse(`[12345678901234567000,12345678901234567000]`)},
		{
			"bytes", "return [data, data.toString(), data.contentType, Buffer.isBuffer(data)]",
			value.Bytes{Data: []byte("hi"), ContentType: "text/plain"},
			[]any{value.Bytes{Data: []byte("hi"), ContentType: "text/plain"}, "hi", "text/plain", true},
		},
		{"bytes_made", "return [new Uint8Array([1, 2]), new Uint16Array([1]).buffer]", nil, []any{value.Bytes{Data: []byte{1, 2}}, value.Bytes{Data: []byte{1, 0}}}},
		{
			"keys_like_marks", "return [data, Object.keys(data)]", value.Obj(value.Field{Key: "$bytes", Value: "x"}, value.Field{Key: "$$bytes", Value: value.Obj(value.Field{Key: "$bytes", Value: value.Number("1")})}),
			[]any{value.Obj(value.Field{Key: "$bytes", Value: "x"}, value.Field{Key: "$$bytes", Value: value.Obj(value.Field{Key: "$bytes", Value: value.Number("1")})}), []any{"$bytes", "$$bytes"}},
		},
		{"own_proto", "return data", value.Obj(value.Field{Key: "__proto__", Value: value.Bytes{Data: []byte{1}}}), value.Obj(value.Field{Key: "__proto__", Value: value.Bytes{Data: []byte{1}}})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			result, err := pool.Run(t.Context(), sandbox.Script{Tenant: "smith", Form: sandbox.Step, Code: tt.code, Values: []sandbox.Named{{Name: "data", Value: tt.given}}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(value.Encode(tt.want)), string(value.Encode(result.Data))); diff != "" {
				t.Errorf("what comes back (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFetchedWhenLookedAt sends a script only what it looks at, and each thing once.
func TestFetchedWhenLookedAt(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{})
	var fetched []string
	script := sandbox.Script{
		Tenant: "smith", Form: sandbox.Step, Steps: []string{"onOrder", "large", "small"}, Trigger: "onOrder", States: []string{"instanceState"},
		Code: `module.exports = async (context, stepResults) => ({data: [Object.keys(stepResults), stepResults.small.results, stepResults.small.results, 'instanceState' in context, stepResults.none]})`,
		Fetch: func(_ context.Context, name string) (any, error) {
			fetched = append(fetched, name)
			return value.Obj(value.Field{Key: "results", Value: "r"}), nil
		},
	}
	result, err := pool.Run(t.Context(), script)
	if want := `[["onOrder","large","small"],"r","r",true,null]`; err != nil || string(value.JSON(result.Data)) != want {
		t.Errorf("the script gives %s, %v, want %s", value.JSON(result.Data), err, want)
	}
	if !slices.Equal(fetched, []string{"step/small"}) {
		t.Errorf("it was sent %q", fetched)
	}
	broken := errors.New("no disk")
	script.Fetch = func(context.Context, string) (any, error) { return nil, broken }
	if _, err := pool.Run(t.Context(), script); !errors.Is(err, broken) {
		t.Errorf("what cannot be fetched gives %v", err)
	}
}

// TestLogs bounds what a script logs, and has it while the script runs: also that of one which does not end.
func TestLogs(t *testing.T) {
	t.Parallel()
	pool := open(t, sandbox.Options{Timeout: time.Minute})
	ctx, leave := context.WithCancelCause(t.Context())
	read := errors.New("the last line was read")
	var lines []string
	script := sandbox.Script{
		Tenant: "smith", Form: sandbox.Step, Log: func(level sandbox.Level, message string) {
			if lines = append(lines, fmt.Sprint(level, " ", message)); strings.Contains(message, "Buffer") {
				leave(read)
			}
		},
		Code: `console.log('a', 1, null, undefined, {b: [1n]}, [2], Symbol('s')); console.debug('d'); console.trace('t'); console.info('i'); console.warn('w'); console.error('e', 2n);
			const o = {}; o.o = o; console.log(o); console.assert(false, 'x'); console.log(Buffer.from('a')); for (;;);`,
	}
	if _, err := pool.Run(ctx, script); !errors.Is(err, read) {
		t.Fatal(err)
	}
	want := []string{
		`info a 1 null undefined {"b":[1]} [2] Symbol(s)`, "debug d", "debug t", "info i", "warn w", "error e 2n", "info [object Object]", "error Assertion failed x",
		`info {"type":"Buffer","data":[97]}`,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	lines = nil
	script.Code = `for (let i = 0; i < 2000; i++) console.log(i === 0 ? 'ä'.repeat(9000) : 'x'); return 1;`
	if _, err := pool.Run(t.Context(), script); err != nil {
		t.Fatal(err)
	}
	if len(lines) != sandbox.MaxLogs || len([]rune(lines[0])) != sandbox.MaxLogLine+len("info ") {
		t.Errorf("%d lines were logged, the first of %d characters", len(lines), len([]rune(lines[0])))
	}
}
