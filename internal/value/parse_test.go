package value_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/value"
)

func TestParseKeepsDigitsAndOrder(t *testing.T) {
	t.Parallel()
	const text = `{"z":1.50,"a":[1e400,-0,12345678901234567890],"m":{"":null,"y":true,"b":false},"t":"<é\n\u2028>"}`
	v, err := value.Parse([]byte(" \t\r\n" + text + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"z":1.50,"a":[1e400,-0,12345678901234567890],"m":{"":null,"y":true,"b":false},"t":"<é\n` + "\u2028" + `>"}`
	if got := string(value.JSON(v)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseTakesTheLastOfEqualKeysAtTheFirstPlace(t *testing.T) {
	t.Parallel()
	v, err := value.Parse([]byte(`{"a":1,"b":2,"a":3}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(value.JSON(v)); got != `{"a":3,"b":2}` {
		t.Errorf("got %s", got)
	}
}

func TestParseReadsTextsAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`""`, `"a"`, `"\"\\\/\b\f\n\r\t"`, `"\u00e9\u00E9"`, `"\ud83d\ude00"`, `"\ud800"`, `"\ud800\u0041"`, `"\udc00"`, `"\u0000"`,
		"\"\xff\"", "\"a\xc3\"", "\"\xed\xa0\x80\"", "\"\x7f\"", `"é😀"`, "\"\u2028\"",
	} {
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		got, err := value.Parse([]byte(text))
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       value.SyntaxError
	}{
		{"nothing", "", value.SyntaxError{Offset: 0, Line: 1, Column: 1, Message: "the JSON ends too soon: expected a value"}},
		{"space only", " \n", value.SyntaxError{Offset: 2, Line: 2, Column: 1, Message: "the JSON ends too soon: expected a value"}},
		{"byte order mark", "\xef\xbb\xbf{}", value.SyntaxError{Line: 1, Column: 1, Message: "a byte order mark is no JSON: remove it"}},
		{"more text", "{}\n x", value.SyntaxError{Offset: 4, Line: 2, Column: 2, Message: "there is more text after the JSON value"}},
		{"leading zero", "01", value.SyntaxError{Offset: 1, Line: 1, Column: 2, Message: "there is more text after the JSON value"}},
		{"no fraction", "[1.]", value.SyntaxError{Offset: 3, Line: 1, Column: 4, Message: "expected a digit of a number, not ']'"}},
		{"no exponent", "1e+", value.SyntaxError{Offset: 3, Line: 1, Column: 4, Message: "the JSON ends too soon: expected a digit of a number"}},
		{"sign only", "-x", value.SyntaxError{Offset: 1, Line: 1, Column: 2, Message: "expected a digit of a number, not 'x'"}},
		{"half a word", "[tru]", value.SyntaxError{Offset: 4, Line: 1, Column: 5, Message: "expected the word true, not ']'"}},
		{"other word", "NaN", value.SyntaxError{Line: 1, Column: 1, Message: "expected a value, not 'N'"}},
		{"comma before bracket", "[1,]", value.SyntaxError{Offset: 3, Line: 1, Column: 4, Message: "expected a value, not ']'"}},
		{"comma before brace", `{"a":1,}`, value.SyntaxError{Offset: 7, Line: 1, Column: 8, Message: "expected a key in double quotes, not '}'"}},
		{"comma first", "[,1]", value.SyntaxError{Offset: 1, Line: 1, Column: 2, Message: "expected a value, not ','"}},
		{"no comma", "[1 2]", value.SyntaxError{Offset: 3, Line: 1, Column: 4, Message: "expected ',' or ']' after an item of a list, not '2'"}},
		{"no comma in object", `{"a":1 "b":2}`, value.SyntaxError{Offset: 7, Line: 1, Column: 8, Message: `expected ',' or '}' after a value of an object, not '"'`}},
		{"no colon", `{"a" 1}`, value.SyntaxError{Offset: 5, Line: 1, Column: 6, Message: "expected ':' after a key, not '1'"}},
		{"bare key", "{a:1}", value.SyntaxError{Offset: 1, Line: 1, Column: 2, Message: "expected a key in double quotes, not 'a'"}},
		{"wrong bracket", "[1}", value.SyntaxError{Offset: 2, Line: 1, Column: 3, Message: "expected ',' or ']' after an item of a list, not '}'"}},
		{"open text", `"é`, value.SyntaxError{Offset: 3, Line: 1, Column: 3, Message: `the JSON ends too soon: expected a closing "`}},
		{"open list", "[\n", value.SyntaxError{Offset: 2, Line: 2, Column: 1, Message: "the JSON ends too soon: expected a value"}},
		{"line break in text", "\"a\nb\"", value.SyntaxError{Offset: 2, Line: 1, Column: 3, Message: `the control character '\n' stands in a text: escape it`}},
		{"unknown escape", `"\x"`, value.SyntaxError{Offset: 2, Line: 1, Column: 3, Message: `expected one of "\/bfnrt or u with four hexadecimal digits after \, not 'x'`}},
		{"short escape", `"\u12"`, value.SyntaxError{Offset: 5, Line: 1, Column: 6, Message: `expected one of "\/bfnrt or u with four hexadecimal digits after \, not '"'`}},
		{"too deep", strings.Repeat("[", 65), value.SyntaxError{Offset: 64, Line: 1, Column: 65, TooDeep: true, Message: "it nests deeper than 64 levels"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := value.Parse([]byte(tt.text))
			var syntax *value.SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v, %v; want a *SyntaxError", v, err)
			}
			if diff := cmp.Diff(tt.want, *syntax); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if v != nil {
				t.Errorf("a value came with the error: %v", v)
			}
		})
	}
}

func TestParseAllowsMaxDepth(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("[", value.MaxDepth) + strings.Repeat("]", value.MaxDepth)
	if _, err := value.Parse([]byte(text)); err != nil {
		t.Error(err)
	}
	text = strings.Repeat(`{"a":`, value.MaxDepth) + "1" + strings.Repeat("}", value.MaxDepth)
	if _, err := value.Parse([]byte(text)); err != nil {
		t.Error(err)
	}
}

// TestParseTakesLinearTime parses what would take minutes if anything in it were quadratic.
func TestParseTakesLinearTime(t *testing.T) {
	t.Parallel()
	var object bytes.Buffer
	object.WriteByte('{')
	for i := range 300_000 {
		fmt.Fprintf(&object, "\"k%d\":\"\\n\",", i)
	}
	object.WriteString(`"end":1}`)
	texts := map[string][]byte{
		"keys":         object.Bytes(),
		"escapes":      []byte(`"` + strings.Repeat(`\n`, 2_000_000) + `"`),
		"digits":       []byte(strings.Repeat("9", 4_000_000)),
		"lines":        []byte(strings.Repeat("\n", 4_000_000) + "x"),
		"open objects": []byte(strings.Repeat(`{"a":`, 1_000_000)),
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			v, err := value.Parse(text)
			if err == nil {
				value.Equal(v, v)
				value.Encode(v)
			}
			if took := time.Since(start); took > 2*time.Minute { // what is not linear takes hours
				t.Errorf("%d bytes took %v", len(text), took)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `[1,2.5e-3,"a\u00e9\ud83d\ude00",{"a":{"a":[]},"a":1}]`, "\xef\xbb\xbf1", "\"\xff\"", `{"a":1,"b":2,"a":3}`, `-`, `1.`, `[1,]`, `"\`,
		`[[[[`, "0 0", `{"":""}`, `tru`, "\x00", "1e999999999999999999999",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := value.Parse(data)
		var syntax *value.SyntaxError
		if err != nil {
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > int64(len(data)) || syntax.Line < 1 || syntax.Column < 1 {
				t.Fatalf("a poor error: %#v", err)
			}
			if json.Valid(data) && !syntax.TooDeep {
				t.Fatalf("refused JSON: %v", err)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatal("accepted what is no JSON")
		}
		again, err := value.Parse(value.JSON(v))
		if err != nil || !same(v, again) || !value.Equal(v, again) {
			t.Fatalf("parsed again it is %v, %v; want %v", again, err, v)
		}
		sameAsEncodingJSON(t, data, v)
	})
}

// sameAsEncodingJSON compares what was parsed with what encoding/json reads.
func sameAsEncodingJSON(t *testing.T, data []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		t.Fatal(err)
	}
	want, err := value.FromGo(plain)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(value.Canonical(want), value.Canonical(v)) {
		t.Fatalf("got %s\nwant %s", value.Canonical(v), value.Canonical(want))
	}
}
