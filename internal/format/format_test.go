package format

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/value"
)

func TestForms(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]string{
		"a=1&b=x+y%26&a=2&c&=d&&a=3":     `{"a":["1","2","3"],"b":"x y&","c":"","":"d"}`,
		"?payload=%7B%22a%22%3A1%7D\r\n": `{"payload":"{\"a\":1}"}`,
		"":                               `{}`,
		"a=%ff":                          "{\"a\":\"\ufffd\"}",
		"a=b=c;d=e":                      `{"a":"b=c;d=e"}`,
	} {
		o, err := ParseForm([]byte(form))
		if err != nil || string(value.JSON(o)) != want {
			t.Errorf("%q: got %s, %v; want %s", form, value.JSON(o), err, want)
		}
	}
	_, err := ParseForm([]byte("a=1&secret=%zz"))
	wantError(t, err, "field 2: a % is not followed by two hexadecimal digits")
	_, err = ParseForm(bytes.Repeat([]byte("&"), MaxItems+1))
	wantError(t, err, "more than 1000000 parts")
	text, err := Form(parsed(t, `{"a b":"x&y","n":1.50,"l":[1,"é"],"o":{"k":[true]},"nothing":null}`).(*value.Object))
	if want := "a+b=x%26y&n=1.50&l=1&l=%C3%A9&o=%7B%22k%22%3A%5Btrue%5D%7D&nothing="; err != nil || text != want {
		t.Errorf("got %s, %v", text, err)
	}
	_, err = Form(value.Obj(value.Field{Key: "a", Value: strings.Repeat("&", MaxBytes/2)}))
	wantError(t, err, "it is larger than 16 MiB")
}

func FuzzForm(f *testing.F) {
	for _, seed := range []string{"a=1&b=%41&a=2", "payload=%7B%7D", "&&=&%", "a=%ff&a"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := ParseForm(data)
		if err != nil {
			return
		}
		text, err := Form(o)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseForm([]byte(text))
		if err != nil || !value.Equal(o, again) {
			t.Errorf("%q became %s, and after writing and reading %s, %v", data, value.JSON(o), value.JSON(again), err)
		}
	})
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	list, err := ParseJSONLines([]byte("\xef\xbb\xbf{\"a\":1.0}\r\n\n 2\n[]"))
	if err != nil || string(value.JSON(list)) != `[{"a":1.0},2,[]]` {
		t.Errorf("got %s, %v", value.JSON(list), err)
	}
	_, err = ParseJSONLines([]byte("1\n\n{\"secret\" 5}\n"))
	if want := "line 3, column 11: this is no JSON"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	_, err = ParseJSONLines(bytes.Repeat([]byte("1\n"), MaxItems+1))
	wantError(t, err, "more than 1000000 parts")
	text, err := JSONLines(list)
	if err != nil || text != "{\"a\":1.0}\n2\n[]\n" {
		t.Errorf("got %q, %v", text, err)
	}
	_, err = ParseJSON([]byte(strings.Repeat("[", 65)))
	wantError(t, err, "it nests deeper than 64 levels")
}

func TestPrettyJSON(t *testing.T) {
	t.Parallel()
	got, err := PrettyJSON(parsed(t, `{"b":[1.50,{"c":[]},"x<y"],"a":{}}`))
	want := "{\n  \"b\": [\n    1.50,\n    {\n      \"c\": []\n    },\n    \"x<y\"\n  ],\n  \"a\": {}\n}"
	if err != nil || got != want {
		t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(want, got))
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, csv string
		how       CSV
		want, err string
	}{
		{"with a header", "name,qty\nBolt,2\n\"a,\"\"b\"\"\nc\",007\n", CSV{Header: true}, `[{"name":"Bolt","qty":"2"},{"name":"a,\"b\"\nc","qty":"007"}]`, ""},
		{"without", "a,b\r\nc\r\n", CSV{}, `[["a","b"],["c"]]`, ""},
		{"semicolons", "a;b\n1,5;2", CSV{Delimiter: ";", Header: true}, `[{"a":"1,5","b":"2"}]`, ""},
		{"tabs", "a\tb", CSV{Delimiter: `\t`}, `[["a","b"]]`, ""},
		{"byte order mark and spaces", "\xef\xbb\xbf a ,b\n1,2", CSV{Header: true}, `[{"a":"1","b":"2"}]`, ""},
		{"short lines and a last comma", "a,b,\n1\n1,2,\n1,2,,", CSV{Header: true}, `[{"a":"1"},{"a":"1","b":"2"},{"a":"1","b":"2"}]`, ""},
		{"objects in objects", "p__first,p__last,q\nAda,L,1", CSV{Header: true, Unflatten: true}, `[{"p":{"first":"Ada","last":"L"},"q":"1"}]`, ""},
		{"left flat", "p__first\nAda", CSV{Header: true}, `[{"p__first":"Ada"}]`, ""},
		{"nothing", "", CSV{Header: true}, `[]`, ""},
		{"only a header", "a,b\n", CSV{Header: true}, `[]`, ""},
		{"long line", "a,b\n1,2\nsecret,2,3\n", CSV{Header: true}, "", "line 3: it has 3 cells, but the header has 2 names"},
		{"name twice", "a,b,a\n", CSV{Header: true}, "", "line 1: column 3 has the name of an earlier one"},
		{"bare quote", "a\nsec\"ret\n", CSV{}, "", "line 2, column 4: a quote stands in a cell that is not quoted"},
		{"open quote", "a\n\"secret\n", CSV{}, "", "a quoted cell does not end where it should"},
		{"delimiter", "a", CSV{Delimiter: "ab"}, "", "the delimiter is not one character"},
		{"delimiter that is a quote", "a", CSV{Delimiter: `"`}, "", "the delimiter is not one character"},
		{"value and object", "a,a__b\n1,2", CSV{Header: true, Unflatten: true}, "", "line 2: a column stands for a value and, with a double underscore, for an object"},
		{"object and value", "a__b,a\n1,2", CSV{Header: true, Unflatten: true}, "", "line 2: a column stands for a value"},
		{"deep", strings.Repeat("a__", 70) + "b\n1", CSV{Header: true, Unflatten: true}, "", "line 2: the name of a column nests deeper"},
		{"many cells", strings.Repeat(",", MaxItems), CSV{}, "", "more than 1000000 parts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.how.Parse([]byte(tt.csv))
			wantError(t, err, tt.err)
			if tt.err == "" && string(value.JSON(got)) != tt.want {
				t.Errorf("got %s, want %s", value.JSON(got), tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes data: %v", err)
			}
		})
	}
}

func TestWriteCSV(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, rows string
		how        CSV
		want, err  string
	}{
		{"objects", `[{"a":"x,y","b":1.50},{"b":null,"c":true},{"a":{"k":1},"c":[1]}]`, CSV{Header: true}, "a,b,c\n\"x,y\",1.50,\n,,true\n\"{\"\"k\"\":1}\",,[1]\n", ""},
		{"without a header", `[{"a":1}]`, CSV{Delimiter: ";"}, "1\n", ""},
		{"lists", `[["a",1],["b"]]`, CSV{Header: true}, "a,1\nb\n", ""},
		{"flattened", `[{"p":{"first":"Ada","x":{}},"q":1}]`, CSV{Header: true, Unflatten: true}, "p__first,p__x,q\nAda,{},1\n", ""},
		{"nothing", `[]`, CSV{Header: true}, "", ""},
		{"a text", `["a"]`, CSV{}, "", "row 0: it is a text: give an object or a list"},
		{"two kinds", `[{"a":1},[2]]`, CSV{}, "", "some rows are objects and some are lists"},
	} {
		got, err := tt.how.Write(parsed(t, tt.rows).([]any))
		wantError(t, err, tt.err)
		if tt.err == "" && got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	wide := make([]any, 1500)
	for i := range wide {
		wide[i] = value.Obj(value.Field{Key: strings.Repeat("x", i), Value: "1"})
	}
	_, err := CSV{}.Write(wide)
	wantError(t, err, "more than 1000000 parts")
}

func TestYAML(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, yaml, want, err string }{
		{"values", "b: [1.50, -3, 1e5, true, null, ~, 'x', 12345678901234567890]\na: {c: text}\nd: |\n  two\n  lines\n", `{"b":[1.50,-3,1e5,true,null,null,"x",12345678901234567890],"a":{"c":"text"},"d":"two\nlines\n"}`, ""},
		{"other numbers", "[0x1f, 0o17, 1_000, +5, .5, 5., -.5e3, 007]", `[31,15,1000,5,0.5,5,-0.5e3,7]`, ""},
		{"what is a text", "[yes, '1', 2026-01-31, 1.2.3, \"null\"]", `["yes","1","2026-01-31","1.2.3","null"]`, ""},
		{"aliases", "a: &x {k: 1}\nb: *x\nc: {<<: *x, k: 2, l: 3}\nd: {<<: [*x, {m: 4}]}", `{"a":{"k":1},"b":{"k":1},"c":{"k":2,"l":3},"d":{"k":1,"m":4}}`, ""},
		{"keys", "1: a\ntrue: b", `{"1":"a","true":"b"}`, ""},
		{"binary", "!!binary aGk=", `"aGk="`, ""},
		{"nothing", "", `null`, ""},
		{"broken", "a: 1\nb: [secret", "", "this is no YAML"},
		{"key twice", "a: 1\na: 2", "", "line 2, column 1: a key stands here for the second time"},
		{"a list as key", "[1]: 2", "", "a key is a list or an object"},
		{"infinity", "a: .inf", "", "line 1, column 4: a number is none that JSON knows"},
		{"two documents", "a: 1\n---\nb: 2", "", "a second document begins"},
		{"an alias of itself", "a: &x [*x]", "", "an alias holds itself"},
		{"merged with a text", "a: {<<: x}", "", "what << merges is no object"},
		{"bad binary", "!!binary '%'", "", "no base64"},
		{"deep", strings.Repeat("[", 100) + strings.Repeat("]", 100), "", "it nests deeper than 64 levels"},
		{"very deep", strings.Repeat("[", 300_000), "", "this is no YAML"},
		{"large", strings.Repeat("x", maxYAMLBytes+1), "", "it is larger than 4 MiB"},
		{"many parts", "[" + strings.Repeat("1,", maxYAMLMarks) + "]", "", "it may have more than 400000 parts"},
		{"bomb", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]", "", "more than 1000000 parts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseYAML([]byte(tt.yaml))
			wantError(t, err, tt.err)
			if tt.err == "" && string(value.JSON(got)) != tt.want {
				t.Errorf("got %s, want %s", value.JSON(got), tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes data: %v", err)
			}
		})
	}
}

func TestYAMLRoundTrip(t *testing.T) {
	t.Parallel()
	v := parsed(t, `{"b":[1.50,-3,1e5,true,null,12345678901234567890],"a":{"1":"1","true":"true","null":"null","":"","~":"~"},"t":["yes","0x1f","1_000",".5","2026-01-31","a: b","- x","#","two\nlines\n"," x ","\u0000\u0085é","<<","=","!","&a","*a"],"e":[{},[]]}`)
	text, err := YAML(v)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseYAML([]byte(text))
	if err != nil || string(value.JSON(again)) != string(value.JSON(v)) {
		t.Errorf("%v\n%s\n(-want +got):\n%s", err, text, cmp.Diff(string(value.JSON(v)), string(value.JSON(again))))
	}
	text, err = YAML(value.Bytes{Data: []byte("hi")})
	if err != nil || text != "!!binary aGk=\n" {
		t.Errorf("bytes: %q, %v", text, err)
	}
}

func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"a: [1, &x {b: 2}, *x]", "<<: {a: 1}", "- |\n x\n- >-\n y", "{? a : b}", "!!binary aGk=", "--- 1\n...\n", "0x_1", "+.5e+"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseYAML(data)
		if err != nil {
			return
		}
		if _, err := value.FromGo(v); err != nil {
			t.Fatalf("%q becomes what is no value: %v", data, err)
		}
		text, err := YAML(v)
		if err != nil {
			t.Fatalf("%q became %s, which cannot be written: %v", data, value.JSON(v), err)
		}
		again, err := ParseYAML([]byte(text))
		if err != nil || string(value.Encode(v)) != string(value.Encode(again)) {
			t.Errorf("%q became %s, and after writing and reading %s, %v\n%s", data, value.JSON(v), value.JSON(again), err, text)
		}
	})
}

func TestMessagePack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`null`, `true`, `[0,1,127,128,255,256,65535,65536,4294967295,4294967296,9223372036854775807,18446744073709551615]`,
		`[-1,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-9223372036854775808]`, `[0.5,-1.25,1e+300]`, `"é"`, `{"b":{"a":[]},"a":""}`,
	} {
		v := parsed(t, text)
		data, err := MessagePack(v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseMessagePack(data)
		if err != nil || string(value.JSON(again)) != text {
			t.Errorf("%s: got %s, %v", text, value.JSON(again), err)
		}
	}
	data, err := MessagePack([]any{value.Bytes{Data: []byte{0, 255}}, value.Bytes{}, value.Number("1.0"), value.Number("2e3")})
	if err != nil || !bytes.Equal(data, []byte{0x94, 0xc4, 2, 0, 255, 0xc4, 0, 1, 0xcd, 0x07, 0xd0}) {
		t.Errorf("got % x, %v", data, err)
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"float32", []byte{0xca, 0x3d, 0xcc, 0xcc, 0xcd}, `0.1`},
		{"keys that are numbers", []byte{0x82, 0x01, 0xa1, 'a', 0xc3, 0xa1, 'b'}, `{"1":"a","true":"b"}`},
		{"timestamp 32", []byte{0xd6, 0xff, 0, 0, 0, 60}, `"1970-01-01T00:01:00Z"`},
		{"timestamp 64", []byte{0xd7, 0xff, 0x77, 0x35, 0x94, 0x00, 0, 0, 0, 60}, `"1970-01-01T00:01:00.5Z"`},
		{"timestamp 96", []byte{0xc7, 12, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, `"1969-12-31T23:59:59Z"`},
		{"extension", []byte{0xd4, 5, 7}, `{"type":5,"data":"Bw=="}`},
		{"text that is no UTF-8", []byte{0xa1, 0xff}, "\"\ufffd\""},
	} {
		v, err := ParseMessagePack(tt.data)
		if err != nil || string(value.JSON(v)) != tt.want {
			t.Errorf("%s: got %s, %v; want %s", tt.name, value.JSON(v), err, tt.want)
		}
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "byte 0: the message ends too soon"},
		{"cut", []byte{0x92, 1}, "byte 1: the message ends too soon"},
		{"cut text", []byte{0xa5, 'a'}, "the message ends too soon"},
		{"more", []byte{1, 2}, "byte 1: more follows after the value"},
		{"unknown code", []byte{0xc1}, "no MessagePack value begins here"},
		{"not a number", []byte{0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1}, "a number is infinite or none at all"},
		{"infinite", []byte{0xca, 0x7f, 0x80, 0, 0}, "a number is infinite"},
		{"a list as key", []byte{0x81, 0x90, 1}, "a key is a list"},
		{"a huge list", []byte{0xdd, 0xff, 0xff, 0xff, 0xff}, "the message ends too soon"},
		{"a huge object", []byte{0xdf, 0x7f, 0xff, 0xff, 0xff}, "the message ends too soon"},
		{"a huge text", []byte{0xdb, 0xff, 0xff, 0xff, 0xff}, "the message ends too soon"},
		{"a huge extension", []byte{0xc9, 0xff, 0xff, 0xff, 0xff, 1}, "the message ends too soon"},
		{"deep", bytes.Repeat([]byte{0x91}, 100), "it nests deeper than 64 levels"},
		{"many", append([]byte{0xdd, 0, 0x20, 0, 0}, bytes.Repeat([]byte{1}, 0x200000)...), "more than 1000000 parts"},
	} {
		_, err := ParseMessagePack(tt.data)
		wantError(t, err, tt.want)
	}
	_, err := MessagePack(value.Number("1e999"))
	wantError(t, err, "a number too large for MessagePack")
	_, err = MessagePack(struct{}{})
	wantError(t, err, "it holds not a value")
}

// TestHugePromisesCostNothing reads some bytes that promise gigabytes. It is not parallel, so that what it counts is its own.
func TestHugePromisesCostNothing(t *testing.T) {
	for _, code := range []byte{0xc6, 0xc9, 0xdb, 0xdd, 0xdf} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ParseMessagePack([]byte{code, 0x7f, 0xff, 0xff, 0xff, 1})
		runtime.ReadMemStats(&after)
		wantError(t, err, "the message ends too soon")
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("reading 0x%x took %d bytes", code, n)
		}
	}
}

func FuzzMessagePack(f *testing.F) {
	for _, seed := range [][]byte{{0x93, 1, 0xa1, 'a', 0xc0}, {0x81, 0xa1, 'a', 0xcb, 0, 0, 0, 0, 0, 0, 0, 0}, {0xd6, 0xff, 0, 0, 0, 60}, {0xdd, 0xff, 0xff, 0xff, 0xff}, {0xc4, 2, 1, 2}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseMessagePack(data)
		if err != nil {
			return
		}
		if _, err := value.FromGo(v); err != nil {
			t.Fatalf("% x becomes what is no value: %v", data, err)
		}
		written, err := MessagePack(v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseMessagePack(written)
		if err != nil || !value.Equal(v, again) {
			t.Errorf("% x became %s, and after writing and reading %s, %v", data, value.JSON(v), value.JSON(again), err)
		}
	})
}
