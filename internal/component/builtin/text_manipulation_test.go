package builtin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/value"
)

func TestTextManipulation(t *testing.T) {
	t.Parallel()
	runCases(t, []actionCase{
		{action: "text-manipulation.split", name: "at a slash", in: `{"text":"acme/orders/","separator":"/"}`, want: `["acme","orders",""]`},
		{action: "text-manipulation.split", name: "literally", in: `{"text":"a.b.c","separator":"."}`, want: `["a","b","c"]`},
		{action: "text-manipulation.split", name: "into characters", in: `{"text":"añb","separator":""}`, want: `["a","ñ","b"]`},
		{action: "text-manipulation.split", name: "nothing", in: `{"text":"","separator":","}`, want: `[""]`},
		{action: "text-manipulation.split", name: "nothing into characters", in: `{}`, want: `[]`},
		{action: "text-manipulation.split", name: "into too many", with: map[string]any{"text": strings.Repeat("x", 1_000_001)}, fails: `input "text" has more than 1000000 pieces`},
		{action: "text-manipulation.splitLines", name: "without blank ones", in: `{"text":"a\r\n\n b\n"}`, want: `["a"," b"]`},
		{action: "text-manipulation.splitLines", name: "with blank ones", in: `{"text":"a\r\n\nb\n","filterBlankLines":"false"}`, want: `["a","","b",""]`},
		{action: "text-manipulation.join", name: "texts and others", in: `{"strings":["a",1.50,true,null,{"x":1}],"separator":"-"}`, want: `"a-1.50-true--{\"x\":1}"`},
		{action: "text-manipulation.join", name: "without a separator", in: `{"strings":["a","b"]}`, want: `"ab"`},
		{action: "text-manipulation.join", name: "no list", in: `{"strings":"a"}`, fails: `inputs.strings is a text: give a list`},
		{action: "text-manipulation.join", name: "too large", with: map[string]any{"strings": []any{"", "", "", "", "", ""}, "separator": strings.Repeat("x", 8<<20)}, fails: `the text would be larger than 32 MiB`},
		{action: "text-manipulation.joinLines", name: "as in an export", in: `{"strings":["a","b"],"newlineType":"newline","numberOfNewlines":"1"}`, want: `"a\nb"`},
		{action: "text-manipulation.joinLines", name: "two of Windows", in: `{"strings":["a","b"],"newlineType":"crlf","numberOfNewlines":2}`, want: `"a\r\n\r\nb"`},
		{action: "text-manipulation.joinLines", name: "of HTML", in: `{"strings":["a","b"],"newlineType":"br"}`, want: `"a<br />b"`},
		{action: "text-manipulation.joinLines", name: "the line end itself", in: `{"strings":["a","b"],"newlineType":"\r\n"}`, want: `"a\r\nb"`},
		{action: "text-manipulation.joinLines", name: "the line end as it is typed", in: `{"strings":["a","b"],"newlineType":"\\n","numberOfNewlines":""}`, want: `"a\nb"`},
		{action: "text-manipulation.joinLines", name: "no line end", in: `{"strings":["a","b"],"newlineType":"cr"}`, fails: `input "newlineType" is no end of a line: give newline, crlf or br`},
		{action: "text-manipulation.joinLines", name: "too many", in: `{"strings":["a"],"numberOfNewlines":101}`, fails: `input "numberOfNewlines" is 101: give 0 to 100`},
		{action: "text-manipulation.replace", name: "everywhere", in: `{"text":"a-b-c","find":"-","replace":"+"}`, want: `"a+b+c"`},
		{action: "text-manipulation.replace", name: "a folder", in: `{"text":"/x/unprocessed/a.xml","find":"/unprocessed/","replace":"/processed/"}`, want: `"/x/processed/a.xml"`},
		{action: "text-manipulation.replace", name: "literally", in: `{"text":"a.c abc $1","find":"a.c","replace":"$1"}`, want: `"$1 abc $1"`},
		{action: "text-manipulation.replace", name: "with nothing", in: `{"text":"gh-42","find":"gh-"}`, want: `"42"`},
		{action: "text-manipulation.replace", name: "an expression", in: `{"text":"A1 b22","find":"/([a-z])(\\d+)/gi","replace":"<$2$1|$&|$$|$3|$0|$x>"}`, want: `"<1A|A1|$|$3|$0|$x> <22b|b22|$|$3|$0|$x>"`},
		{action: "text-manipulation.replace", name: "a named group", in: `{"text":"ada lovelace","find":"/(?<first>\\w+) (?<last>\\w+)/g","replace":"$<last>, $<first>$<none>$"}`, want: `"lovelace, ada$<none>$"`},
		{action: "text-manipulation.replace", name: "groups beyond nine", in: `{"text":"abcdefghijk","find":"/(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)/g","replace":"$11$10$1$12"}`, want: `"kjaa2"`},
		{action: "text-manipulation.replace", name: "an expression that is none", in: `{"text":"a","find":"/(/g","replace":"b"}`, fails: `input "find" is no regular expression that is known here: missing closing )`},
		{action: "text-manipulation.replace", name: "looking ahead", in: `{"text":"a","find":"/a(?=b)/g"}`, fails: `input "find" is no regular expression that is known here`},
		{action: "text-manipulation.replace", name: "too large", with: map[string]any{"text": strings.Repeat("x", 10_000), "find": "x", "replace": strings.Repeat("y", 10_000)}, fails: `the text would be larger than 32 MiB`},
		{action: "text-manipulation.replace", name: "an expression, too large", with: map[string]any{"text": strings.Repeat("x", 40_000), "find": "/x+/g", "replace": strings.Repeat("$&", 1000)}, fails: `the text would be larger than 32 MiB`},
		{action: "text-manipulation.replace", name: "an expression that would take for ever", with: map[string]any{"text": strings.Repeat("a", 20_000) + "!", "find": "/(a+)+$/g"}, is: strings.Repeat("a", 20_000) + "!"},
		{action: "text-manipulation.replaceMultipleSubstring", name: "in one go", in: `{"text":"a b","replaceMultiple":{"a":"b","b":"a"}}`, want: `"b a"`},
		{action: "text-manipulation.replaceMultipleSubstring", name: "nothing to look for", in: `{"text":"a","replaceMultiple":{"":"b"}}`, fails: `item 0 looks for an empty text`},
		{action: "text-manipulation.replaceMultipleSubstring", name: "too large", with: map[string]any{"text": strings.Repeat("x", 10_000), "replaceMultiple": value.Obj(value.Field{Key: "x", Value: strings.Repeat("y", 10_000)})}, fails: `the text would be larger than 32 MiB`},
		{action: "text-manipulation.upperCase", name: "letters", in: `{"text":"straße é1"}`, want: `"STRASSE É1"`},
		{action: "text-manipulation.lowerCase", name: "letters", in: `{"text":"ABC É1"}`, want: `"abc é1"`},
		{action: "text-manipulation.slice", name: "as in an export", in: `{"text":"héllo","sliceStart":"0","sliceStop":"4"}`, want: `"héll"`},
		{action: "text-manipulation.slice", name: "to the end", in: `{"text":"hello","sliceStart":2}`, want: `"llo"`},
		{action: "text-manipulation.slice", name: "from the end", in: `{"text":"hello","sliceStart":-3,"sliceStop":-1}`, want: `"ll"`},
		{action: "text-manipulation.slice", name: "beyond", in: `{"text":"hello","sliceStart":-99,"sliceStop":99}`, want: `"hello"`},
		{action: "text-manipulation.slice", name: "the wrong way round", in: `{"text":"hello","sliceStart":3,"sliceStop":1}`, want: `""`},
		{action: "text-manipulation.slice", name: "far beyond", in: `{"text":"hello","sliceStart":"-9223372036854775808","sliceStop":"9223372036854775807"}`, want: `"hello"`},
		{action: "text-manipulation.slice", name: "no number", in: `{"text":"hello","sliceStop":1.5}`, fails: `input "sliceStop" is 1.5: give a whole number`},
		{action: "text-manipulation.trim", name: "both ends", in: `{"text":" \ta b\r\n"}`, want: `"a b"`},
		{action: "text-manipulation.stringLength", name: "characters", in: `{"text":"añ😀"}`, want: `3`},
		{action: "text-manipulation.match", name: "all", in: `{"text":"DE-1 FR-22","regex":"[A-Z]{2}-(\\d+)"}`, want: `["DE-1","FR-22"]`},
		{action: "text-manipulation.match", name: "groups", in: `{"text":"x DE-1","regex":"/([a-z]+)-(\\d+)|(q)/","regexFlags":"i"}`, want: `["DE-1","DE","1",null]`},
		{action: "text-manipulation.match", name: "none", in: `{"text":"x","regex":"y"}`, want: `null`},
		{action: "text-manipulation.match", name: "none, without g", in: `{"text":"x","regex":"y","regexFlags":"d"}`, want: `null`},
		{action: "text-manipulation.match", name: "flags of its own", in: `{"text":"X\nx","regex":"/^x$/m","regexFlags":"gi"}`, want: `["X","x"]`},
		{action: "text-manipulation.match", name: "unknown flag", in: `{"text":"x","regex":"y","regexFlags":"gy"}`, fails: `the expression has the flag 'y': give some of g, i, m, s`},
		{action: "text-manipulation.match", name: "too long", with: map[string]any{"text": "x", "regex": strings.Repeat("x", 1001)}, fails: `is longer than 1000 bytes`},
		{action: "text-manipulation.match", name: "too much at once", with: map[string]any{"text": strings.Repeat("a", 1<<20), "regex": "(a?){480}b"}, fails: `to match it takes too long`},
		{action: "text-manipulation.match", name: "too much again and again", with: map[string]any{"text": strings.Repeat("a", 400_000), "regex": "a(?:[^q]*b)?"}, fails: `to match it takes too long`},
		{action: "text-manipulation.match", name: "repeated too often", in: `{"text":"x","regex":"(?:abcdefghij){900}"}`, fails: `repeats too much: written out it would have more than 5000 parts`},
		{action: "text-manipulation.match", name: "too large", in: `{"text":"x","regex":"((a{100}){100}){100}"}`, fails: `is no regular expression that is known here`},
		{action: "text-manipulation.encodeBase64", name: "a text", in: `{"text":"héllo"}`, want: `"aMOpbGxv"`},
		{action: "text-manipulation.encodeBase64", name: "bytes", with: map[string]any{"text": value.Bytes{Data: []byte{0xff, 0}}}, want: `"/wA="`},
		{action: "text-manipulation.decodeBase64", name: "a text", in: `{"text":" aMOp\nbGxv "}`, want: `"héllo"`},
		{action: "text-manipulation.decodeBase64", name: "of URLs, without padding", in: `{"text":"_wA"}`, is: value.Bytes{Data: []byte{0xff, 0}, ContentType: "application/octet-stream"}},
		{action: "text-manipulation.decodeBase64", name: "none", in: `{"text":"?"}`, fails: `input "text" is no base64`},
		{action: "text-manipulation.htmlEncode", name: "all of them", in: `{"text":"<a href='x'>&\"</a>"}`, want: `"&#x3C;a href=&#x27;x&#x27;&#x3E;&#x26;&#x22;&#x3C;/a&#x3E;"`},
		{action: "text-manipulation.htmlEncode", name: "beyond ASCII", in: `{"text":"© ≠ 𝌆\n\u0001"}`, want: `"&#xA9; &#x2260; &#x1D306;\n&#x1;"`},
		{action: "text-manipulation.htmlEncode", name: "too large", with: map[string]any{"text": strings.Repeat("\u2260", 5<<20)}, fails: `the text would be larger than 32 MiB`},
		{action: "text-manipulation.htmlDecode", name: "named and numbered", in: `{"text":"&lt;&eacute;&#39;&#x27;&unknown;"}`, want: `"<é''&unknown;"`},
	})
}

// FuzzRegex proves that no expression and no template brings the process down or makes too much.
func FuzzRegex(f *testing.F) {
	f.Add("aXbX", "/(X)|(y)/g", "$1$2$<n>$&$$$")
	f.Add("a", "/(?P<n>a)/gi", "$<n")
	f.Add("", "/()/m", "$11$1$")
	replace, match := registry().Component("text-manipulation").Action("replace"), registry().Component("text-manipulation").Action("match")
	f.Fuzz(func(t *testing.T, text, find, with string) {
		start := time.Now()
		defer func() {
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("%d bytes of text and %q took %s", len(text), find, took)
			}
		}()
		result, err := replace.Perform(t.Context(), component.Call{Inputs: component.Inputs{"text": text, "find": find, "replace": with}})
		if s, ok := result.Data.(string); err == nil && (!ok || len(s) > 32<<20) {
			t.Fatalf("got %d bytes of %T", len(s), result.Data)
		}
		if _, err := match.Perform(t.Context(), component.Call{Inputs: component.Inputs{"text": text, "regex": find, "regexFlags": "g"}}); err != nil {
			return
		}
	})
}
