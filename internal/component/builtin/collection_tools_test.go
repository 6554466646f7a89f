package builtin_test

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/value"
)

func TestCollectionTools(t *testing.T) {
	t.Parallel()
	runCases(t, []actionCase{
		{action: "collection-tools.create", name: "anything", in: `{"items":[1,"a",null,{"b":2}]}`, want: `[1,"a",null,{"b":2}]`},
		{action: "collection-tools.combineCollections", name: "lists by key", in: `{"collections":{"a":[1],"b":[2]}}`, want: `{"a":[1],"b":[2]}`},
		{action: "collection-tools.addKey", name: "at the top", in: `{"object":{"a":1},"objectPath":"","key":"b.c","value":[2]}`, want: `{"a":1,"b.c":[2]}`},
		{action: "collection-tools.addKey", name: "in place of another", in: `{"object":"{\"a\":1,\"b\":2}","key":"a","value":null}`, want: `{"a":null,"b":2}`},
		{action: "collection-tools.addKey", name: "deep down", in: `{"object":{"items":[{"x":1}]},"objectPath":"items.0.more.still","key":"k","value":"v"}`, want: `{"items":[{"x":1,"more":{"still":{"k":"v"}}}]}`},
		{action: "collection-tools.addKey", name: "to nothing", in: `{"key":"k","value":1}`, want: `{"k":1}`},
		{action: "collection-tools.addKey", name: "no object", in: `{"object":[1],"key":"k"}`, fails: `input "object" is a list: give an object`},
		{action: "collection-tools.addKey", name: "no JSON", in: `{"object":"{","key":"k"}`, fails: `input "object" is a text that is not JSON: give an object`},
		{action: "collection-tools.addKey", name: "beyond a list", in: `{"object":{"items":[]},"objectPath":"items.0","key":"k"}`, fails: `input "objectPath": items.0 is no item of the list`},
		{action: "collection-tools.addKey", name: "through a text", in: `{"object":{"a":"b"},"objectPath":"a.b","key":"k"}`, fails: `a.b cannot be reached: there is a text before it`},
		{action: "collection-tools.addKey", name: "to a text", in: `{"object":{"a":"b"},"objectPath":"a","key":"k"}`, fails: `at a there is a text: name an object`},
		{action: "collection-tools.addKey", name: "too deep", in: `{"objectPath":"` + strings.Repeat("a.", 32) + `a","key":"k"}`, fails: `the path has more than 32 keys`},
		{action: "collection-tools.addMultipleKeys", name: "a list", in: `{"object":{"a":1},"keyValueListInput":[{"key":"b","value":2},{"key":"c","value":{"d":3}}],"objectPath":"","dynamicFields":""}`, want: `{"a":1,"b":2,"c":{"d":3}}`},
		{action: "collection-tools.addMultipleKeys", name: "dynamic ones count first", in: `{"object":{},"objectPath":"x","keyValueListInput":{"a":1},"dynamicFields":"{\"b\":2}"}`, want: `{"x":{"b":2}}`},
		{action: "collection-tools.addMultipleKeys", name: "an empty key", in: `{"keyValueListInput":[{"key":"","value":2}]}`, fails: `input "keyValueListInput": item 0 has an empty key`},
		{action: "collection-tools.first", name: "an element", in: `{"listInput":[3,2,1]}`, want: `3`},
		{action: "collection-tools.first", name: "of an empty list", in: `{"listInput":[]}`, want: `null`},
		{action: "collection-tools.first", name: "of no list", in: `{"listInput":{"a":1}}`, fails: `inputs.listInput is an object: give a list`},
		{action: "collection-tools.last", name: "an element", in: `{"listInput":"[3,2,1]"}`, want: `1`},
		{action: "collection-tools.length", name: "of a list", in: `{"listInput":[null,[],{}]}`, want: `3`},
		{action: "collection-tools.takeFirst", name: "two", in: `{"listInput":[1,2,3],"numberInput":"2"}`, want: `[1,2]`},
		{action: "collection-tools.takeFirst", name: "none", in: `{"listInput":[1,2,3],"numberInput":0}`, fails: `input "numberInput" is 0: give 1 or more`},
		{action: "collection-tools.takeLast", name: "more than there are", in: `{"listInput":[1,2,3],"numberInput":"9223372036854775807"}`, want: `[1,2,3]`},
		{action: "collection-tools.takeLast", name: "one", in: `{"listInput":[1,2,3]}`, want: `[3]`},
		{action: "collection-tools.chunks", name: "as in an export", in: `{"listInput":[1,2,3,4,5],"numberInput":"2"}`, want: `[[1,2],[3,4],[5]]`},
		{action: "collection-tools.chunks", name: "of nothing", in: `{"listInput":[],"numberInput":"9223372036854775807"}`, want: `[]`},
		{action: "collection-tools.chunks", name: "without end", in: `{"listInput":[1],"numberInput":-1}`, fails: `input "numberInput" is -1: give 1 or more`},
		{action: "collection-tools.flatten", name: "one level", in: `{"listInput":[[1,[2]],3,[]]}`, want: `[1,[2],3]`},
		{action: "collection-tools.create", name: "of nothing", in: `{}`, want: `[]`},
		{action: "collection-tools.concatenate", name: "two lists", in: `{"listInput":[1],"anotherListInput":[2,3]}`, want: `[1,2,3]`},
		{action: "collection-tools.append", name: "a list", in: `{"listInput":[1],"elementInput":[2]}`, want: `[1,[2]]`},
		{action: "collection-tools.remove", name: "a number given as text", in: `{"listInput":[1,2,"1",1.0,null,[1]],"elementInput":"1"}`, want: `[2,null,[1]]`},
		{action: "collection-tools.remove", name: "an object", in: `{"listInput":[{"a":1,"b":2},{"a":1}],"elementInput":{"b":2,"a":1.0}}`, want: `[{"a":1}]`},
		{action: "collection-tools.remove", name: "nothing", in: `{"listInput":[null,""],"elementInput":null}`, want: `[""]`},
		{action: "collection-tools.count", name: "texts", in: `{"listInput":["a","b","a"],"elementInput":"a"}`, want: `2`},
		{action: "collection-tools.deduplicate", name: "by what they count and hold", in: `{"listInput":[1,1.0,"1",{"a":1,"b":[1]},{"b":[1.0],"a":1},null,null]}`, want: `[1,"1",{"a":1,"b":[1]},null]`},
		{action: "collection-tools.deduplicate", name: "digits beyond those reckoned with", in: `{"listInput":[1234567890123456789012345678901234567.1,1234567890123456789012345678901234567.2]}`, want: `[1234567890123456789012345678901234567.1,1234567890123456789012345678901234567.2]`},
		{action: "collection-tools.selectItemFromList", name: "by number", in: `{"listInput":["a","b"],"indexInput":1}`, want: `"b"`},
		{action: "collection-tools.selectItemFromList", name: "in lists", in: `{"listInput":[[1,2],[3,4]],"indexInput":"0.-1"}`, want: `2`},
		{action: "collection-tools.selectItemFromList", name: "in lists by a list", in: `{"listInput":[[1,[5,6]],[3,4]],"indexInput":[0,"1",-1]}`, want: `6`},
		{action: "collection-tools.selectItemFromList", name: "in lists by a text of one", in: `{"listInput":[[1,2]],"indexInput":"[0,1]"}`, want: `2`},
		{action: "collection-tools.selectItemFromList", name: "none", in: `{"listInput":["a"],"indexInput":"5.1"}`, want: `null`},
		{action: "collection-tools.selectItemFromList", name: "no number", in: `{"listInput":["a"],"indexInput":"x"}`, fails: `input "indexInput" is no number of an element`},
		{action: "collection-tools.fromObject", name: "in order", in: `{"object":{"b":1,"a":[2]}}`, want: `[{"key":"b","value":1},{"key":"a","value":[2]}]`},
		{action: "collection-tools.fromObject", name: "of no object", in: `{"object":5}`, fails: `input "object" is a number: give an object`},
		{action: "collection-tools.toObject", name: "the last counts", in: `{"kvList":[{"key":"b","value":1},{"key":"a","value":2},{"key":"b","value":3}]}`, want: `{"b":3,"a":2}`},
		{action: "collection-tools.fieldValueMapping", name: "two mappings", in: `{"mappings":{"email":"E-Mail","phone":"Tel"},"values":{"email":"a@example.com"}}`, want: `[{"key":"E-Mail","value":"a@example.com"},{"key":"Tel","value":null}]`},
		{action: "collection-tools.aggregate", name: "average", in: `{"listInput":[1,"2",4],"aggregateFunctionInput":"AVERAGE"}`, want: `2.333333333333333333333333333333333`},
		{action: "collection-tools.aggregate", name: "count", in: `{"listInput":[1,"x"],"aggregateFunctionInput":"COUNT"}`, want: `2`},
		{action: "collection-tools.aggregate", name: "max", in: `{"listInput":[1,"20",4],"aggregateFunctionInput":"MAX"}`, want: `20`},
		{action: "collection-tools.aggregate", name: "min", in: `{"listInput":[1,"-20",4],"aggregateFunctionInput":"MIN"}`, want: `-20`},
		{action: "collection-tools.aggregate", name: "sum", in: `{"listInput":[0.1,0.2],"aggregateFunctionInput":"SUM"}`, want: `0.3`},
		{action: "collection-tools.aggregate", name: "product", in: `{"listInput":[2,3,4],"aggregateFunctionInput":"PRODUCT"}`, want: `24`},
		{action: "collection-tools.aggregate", name: "median", in: `{"listInput":[9,1,5],"aggregateFunctionInput":"MEDIAN"}`, want: `5`},
		{action: "collection-tools.aggregate", name: "median of two in the middle", in: `{"listInput":[9,1,5,2],"aggregateFunctionInput":"MEDIAN"}`, want: `3.5`},
		{action: "collection-tools.aggregate", name: "sum of nothing", in: `{"listInput":[],"aggregateFunctionInput":"SUM"}`, want: `0`},
		{action: "collection-tools.aggregate", name: "average of nothing", in: `{"listInput":[],"aggregateFunctionInput":"AVERAGE"}`, fails: `input "listInput" is empty`},
		{action: "collection-tools.aggregate", name: "no numbers", in: `{"listInput":["x"],"aggregateFunctionInput":"SUM"}`, fails: `input "listInput" item 0 is the text "x": give a number`},
		{action: "collection-tools.aggregate", name: "what a function likes", in: `{"listInput":[1,"20",4],"aggregateFunctionInput":"SUM","filterCodeInput":"(item, index) => index > 0 && item > 2"}`, want: `24`},
		{action: "collection-tools.aggregate", name: "digits of what is liked", in: `{"listInput":[12345678901234567890.5,1],"aggregateFunctionInput":"MAX","filterCodeInput":"(item) => item > 1"}`, want: `12345678901234567890.5`},
		{action: "collection-tools.aggregate", name: "nothing is liked", in: `{"listInput":[1],"aggregateFunctionInput":"COUNT","filterCodeInput":"(item, index) => { return false; }"}`, want: `0`},
		{action: "collection-tools.aggregate", name: "a function that throws", in: `{"listInput":[1],"aggregateFunctionInput":"COUNT","filterCodeInput":"(item) => item.a.b"}`, fails: "the function filter failed"},
		{action: "collection-tools.aggregate", name: "unknown", in: `{"listInput":[1],"aggregateFunctionInput":"MODE"}`, fails: `give one of AVERAGE`},
	})
}

func TestActionsLeaveTheirInputsAlone(t *testing.T) {
	t.Parallel()
	list := []any{value.Number("3"), value.Number("1"), value.Number("3")}
	object := value.Obj(value.Field{Key: "a", Value: value.Obj()})
	before := string(value.JSON(list)) + string(value.JSON(object))
	for _, c := range []struct {
		action string
		in     map[string]any
	}{
		{"collection-tools.append", map[string]any{"listInput": list[:2], "elementInput": "x"}},
		{"collection-tools.remove", map[string]any{"listInput": list, "elementInput": "3"}},
		{"collection-tools.deduplicate", map[string]any{"listInput": list}},
		{"collection-tools.concatenate", map[string]any{"listInput": list[:1], "anotherListInput": []any{"x"}}},
		{"collection-tools.aggregate", map[string]any{"listInput": list, "aggregateFunctionInput": "MEDIAN"}},
		{"collection-tools.addKey", map[string]any{"object": object, "objectPath": "a.b", "key": "k", "value": true}},
	} {
		if _, err := run(t, c.action, c.in); err != nil {
			t.Errorf("%s: %v", c.action, err)
		}
		if after := string(value.JSON(list)) + string(value.JSON(object)); after != before {
			t.Fatalf("%s has changed its input to %s", c.action, after)
		}
	}
}

func TestValidateJSONSchema(t *testing.T) {
	t.Parallel()
	const person = `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0},"mail":{"type":"string","pattern":"@"}},"required":["name"],"additionalProperties":false}`
	schema := func(text string) map[string]any { return map[string]any{"jsonSchema": text} }
	refs := func(depth int) string {
		var b strings.Builder
		b.WriteString(`{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/a0","definitions":{`)
		for i := range depth {
			n := string(rune('a')) + strings.Repeat("x", i)
			next := n + "x"
			if i == 0 {
				n = "a0"
				next = "ax"
			}
			b.WriteString(`"` + n + `":{"allOf":[{"$ref":"#/definitions/` + next + `"},{"$ref":"#/definitions/` + next + `"}]},`)
		}
		b.WriteString(`"a` + strings.Repeat("x", depth) + `":{"type":"object"}}}`)
		return b.String()
	}
	runCases(t, []actionCase{
		{action: "collection-tools.validateJsonSchema", name: "valid", in: `{"jsonInput":{"age":7,"name":"Ada"}}`, with: schema(person), want: `{"age":7,"name":"Ada"}`},
		{action: "collection-tools.validateJsonSchema", name: "valid JSON text", in: `{"jsonInput":"{\"name\":\"Ada\",\"age\":1.50e1}"}`, with: schema(person), want: `{"name":"Ada","age":1.50e1}`},
		{action: "collection-tools.validateJsonSchema", name: "a schema that is an object", in: `{"jsonInput":5,"jsonSchema":{"const":5.0}}`, want: `5`},
		{action: "collection-tools.validateJsonSchema", name: "bytes", with: map[string]any{"jsonInput": value.Bytes{Data: []byte(`[1]`)}, "jsonSchema": `{"type":"array"}`}, want: `[1]`},
		{
			action: "collection-tools.validateJsonSchema", name: "every violation", in: `{"jsonInput":{"age":-1,"mail":"s3cret","x":1}}`, with: schema(person),
			fails: `the value is not as the schema wants it: /: additional properties 'x' not allowed; /: missing property 'name'; /age: minimum: got -1, want 0; /mail: does not match the pattern @`,
		},
		{action: "collection-tools.validateJsonSchema", name: "too many to tell", in: `{"jsonInput":[` + strings.Repeat("1,", 150) + `1]}`, with: schema(`{"items":{"type":"string"}}`), fails: `and 51 more`},
		{action: "collection-tools.validateJsonSchema", name: "draft 4", in: `{"jsonInput":5}`, with: schema(`{"$schema":"http://json-schema.org/draft-04/schema#","maximum":5,"exclusiveMaximum":true}`), fails: `/: `},
		{action: "collection-tools.validateJsonSchema", name: "a format of draft 7", in: `{"jsonInput":"\"s3cret\""}`, with: schema(`{"$schema":"http://json-schema.org/draft-07/schema#","format":"email"}`), fails: `/: is no valid email`},
		{action: "collection-tools.validateJsonSchema", name: "a key that is not allowed", in: `{"jsonInput":{"a1":1}}`, with: schema(`{"propertyNames":{"pattern":"^[a-z]$"}}`), fails: `/: `},
		{action: "collection-tools.validateJsonSchema", name: "no JSON", in: `{"jsonInput":"{"}`, with: schema(person), fails: `input "jsonInput" is a text that is not JSON: line 1`},
		{action: "collection-tools.validateJsonSchema", name: "a schema that is no JSON", in: `{"jsonInput":1}`, with: schema(`{`), fails: `input "jsonSchema" is a text that is not JSON`},
		{action: "collection-tools.validateJsonSchema", name: "a schema that is none", in: `{"jsonInput":1}`, with: schema(`{"type":"strnig","minimum":"0"}`), fails: `input "jsonSchema" is no JSON schema`},
		{action: "collection-tools.validateJsonSchema", name: "a schema of another system", in: `{"jsonInput":1}`, with: schema(`{"$ref":"https://example.com/schema.json"}`), fails: `$ref to "https://example.com/schema.json" is not followed: put what it leads to into the schema`},
		{action: "collection-tools.validateJsonSchema", name: "a schema in a file", in: `{"jsonInput":1}`, with: schema(`{"$ref":"file:///etc/passwd"}`), fails: `is not followed`},
		{action: "collection-tools.validateJsonSchema", name: "a schema of its own place", in: `{"jsonInput":{"a":{"a":1}}}`, with: schema(`{"$defs":{"n":{"type":"object","properties":{"a":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"}`), fails: `/a/a: got number, want object`},
		{action: "collection-tools.validateJsonSchema", name: "a pattern beyond RE2", in: `{"jsonInput":"\"a\""}`, with: schema(`{"pattern":"(?=a)"}`), fails: `input "jsonSchema" is no JSON schema`},
		{action: "collection-tools.validateJsonSchema", name: "a pattern that is too long", in: `{"jsonInput":"\"a\""}`, with: schema(`{"pattern":"` + strings.Repeat("a", 1001) + `"}`), fails: `input "jsonSchema" is no JSON schema`},
		{action: "collection-tools.validateJsonSchema", name: "a number of a billion digits", in: `{"jsonInput":1e999999999}`, with: schema(`{"minimum":0}`), fails: `input "jsonInput" holds a number with an exponent beyond 400`},
		{action: "collection-tools.validateJsonSchema", name: "such a number in a schema", in: `{"jsonInput":1}`, with: schema(`{"minimum":-1e-999999999}`), fails: `input "jsonSchema" holds a number with an exponent beyond 400`},
		{action: "collection-tools.validateJsonSchema", name: "a number with an exponent", in: `{"jsonInput":1E+002}`, with: schema(`{"const":100}`), want: `1E+002`},
		{action: "collection-tools.validateJsonSchema", name: "a schema that is too large", in: `{"jsonInput":1}`, with: schema(`{"title":"` + strings.Repeat("a", 256<<10) + `"}`), fails: `input "jsonSchema" is larger than 256 KiB`},
		{action: "collection-tools.validateJsonSchema", name: "a schema of too many objects", in: `{"jsonInput":1}`, with: schema(`{"allOf":[` + strings.Repeat(`{},`, 5000) + `{}]}`), fails: `input "jsonSchema" has 5002 objects in it`},
		{action: "collection-tools.validateJsonSchema", name: "work without end", in: `{"jsonInput":{}}`, with: schema(refs(40)), fails: `the schema asks for more work than is done for one step`},
	})
}

// FuzzJSONSchema proves that no schema makes the process hang or fall.
func FuzzJSONSchema(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"$ref":"#"}}}`, `{"a":{"a":{}}}`)
	f.Add(`{"$id":"urn:x","$defs":{"b":{"$anchor":"c"}},"$ref":"#c"}`, `1`)
	f.Add(`{"$schema":"http://json-schema.org/draft-04/schema#","id":"#a","pattern":"(a+)+$","uniqueItems":true}`, `["aaaaaaaa!",1e400]`)
	f.Add(`{"$dynamicRef":"#x","$dynamicAnchor":"x","unevaluatedProperties":false}`, `{"a":1}`)
	f.Fuzz(func(t *testing.T, schema, document string) {
		_, err := run(t, "collection-tools.validateJsonSchema", map[string]any{"jsonSchema": schema, "jsonInput": document})
		if err != nil && err.Error() == "" {
			t.Fatal("an error without words")
		}
	})
}
