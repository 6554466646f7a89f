package builtin_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/value"
)

func bin(data, contentType string) value.Bytes {
	return value.Bytes{Data: []byte(data), ContentType: contentType}
}

func TestChangeDataFormat(t *testing.T) {
	t.Parallel()
	const (
		c     = "change-data-format."
		table = "name,qty\nBolt,2\nNut,007\n"
		order = `<order id="7"><item>Bolt</item><item>Nut</item><total>1.50</total></order>`
	)
	runCases(t, []actionCase{
		{action: c + "csvToJson", name: "rows", with: map[string]any{"data": table}, is: `[{"name":"Bolt","qty":"2"},{"name":"Nut","qty":"007"}]`},
		{action: c + "csvToJson", name: "without a header", in: `{"data":"a;b","isHeader":"false","delimiter":";","prettyPrint":true}`, is: "[\n  [\n    \"a\",\n    \"b\"\n  ]\n]"},
		{action: c + "csvToJson", name: "unflattened", in: `{"data":"p__a,p__b\n1,2","unFlattenCsvKeys":true}`, is: `[{"p":{"a":"1","b":"2"}}]`},
		{action: c + "csvToJson", name: "broken", in: `{"data":"a\n\"b"}`, fails: `input "data": line 2, column 3: a quoted cell does not end`},
		{action: c + "csvToXml", name: "rows", with: map[string]any{"data": bin("a\n1\n", "text/csv"), "rootElement": "rows"}, is: `<rows><item><a>1</a></item></rows>`},
		{action: c + "csvToXml", name: "a column that is no name", in: `{"data":"Column 1\n1"}`, fails: `input "data": root.item.Column 1: the key is no name that XML allows`},
		{action: c + "csvToYaml", name: "rows", with: map[string]any{"data": table}, is: "- name: Bolt\n  qty: \"2\"\n- name: Nut\n  qty: \"007\"\n"},
		{action: c + "jsonToCsv", name: "text", in: `{"data":"[{\"a\":1.0,\"b\":{\"c\":\"x,y\"}}]"}`, is: "a,b__c\n1.0,\"x,y\"\n"},
		{action: c + "jsonToCsv", name: "a number", in: `{"data":5}`, fails: `input "data": it is a number: a table is made of a list of objects`},
		{action: c + "jsonToXml", name: "an object of several keys", in: `{"data":{"Hydrazine":12.50,"O2":[0.1,1]}}`, is: `<Hydrazine>12.50</Hydrazine><O2>0.1</O2><O2>1</O2>`},
		{action: c + "jsonToXml", name: "several keys on lines", in: `{"data":{"a":{"b":1},"c":2},"prettyPrint":true}`, is: "<a>\n  <b>1</b>\n</a>\n<c>2</c>"},
		{action: c + "jsonToXml", name: "an attribute alone", in: `{"data":{"@a":1}}`, is: `<root a="1"></root>`},
		{action: c + "jsonToXml", name: "a key that is no name", in: `{"data":{"a":1,"b c":1}}`, fails: `input "data": b c: the key is no name that XML allows`},
		{action: c + "xmlToJson", name: "several roots", in: `{"data":"<dob>1990-01-01</dob>\n<person><first>Bob</first></person>\n<dob/>"}`, is: `{"dob":["1990-01-01",""],"person":{"first":"Bob"}}`},
		{action: c + "xmlToJson", name: "text beside roots", in: `{"data":"<a/>hidden<b/>"}`, fails: `input "data": line 1, column 5: text stands outside of the root`},
		{action: c + "jsonToXml", name: "one key", in: `{"data":"{\"order\":{\"@id\":7,\"item\":[1,2]}}"}`, is: `<order id="7"><item>1</item><item>2</item></order>`},
		{action: c + "jsonToXml", name: "a named root", in: `{"data":{"a":1},"rootElement":"fuel","prettyPrint":"true"}`, is: "<fuel>\n  <a>1</a>\n</fuel>"},
		{action: c + "jsonToXml", name: "no JSON", in: `{"data":"{\"a\": secret}"}`, fails: `input "data": line 1, column 7: this is no JSON`},
		{action: c + "jsonToXml", name: "nothing", in: `{}`, fails: "has no value, and it is required"},
		{action: c + "jsonToYaml", name: "object", in: `{"data":{"b":[1.50,"2"],"a":null}}`, is: "b:\n  - 1.50\n  - \"2\"\na: null\n"},
		{action: c + "xmlToCsv", name: "repeated elements are rows", in: `{"data":"<rows><row><a>1</a><b>x</b></row><row><a>2</a></row></rows>"}`, is: "a,b\n1,x\n2,\n"},
		{action: c + "xmlToJson", name: "order", with: map[string]any{"data": order}, is: `{"order":{"@id":"7","item":["Bolt","Nut"],"total":1.50}}`},
		{action: c + "xmlToJson", name: "numbers as texts", with: map[string]any{"data": order, "numbersAsStrings": "true"}, is: `{"order":{"@id":"7","item":["Bolt","Nut"],"total":"1.50"}}`},
		{action: c + "xmlToYaml", name: "order", in: `{"data":"<a><b>1</b></a>"}`, is: "a:\n  b: 1\n"},
		{action: c + "yamlToCsv", name: "rows", in: `{"data":"- a: 1\n- a: 2\n  b: 3\n"}`, is: "a,b\n1,\n2,3\n"},
		{action: c + "yamlToJson", name: "document", in: `{"data":"a: &x [1.50]\nb: *x"}`, is: `{"a":[1.50],"b":[1.50]}`},
		{action: c + "yamlToJson", name: "broken", in: `{"data":"a: [secret"}`, fails: `input "data": line`},
		{action: c + "yamlToXml", name: "document", in: `{"data":"a:\n  b: 1"}`, is: `<a><b>1</b></a>`},
		{action: c + "binaryToCsv", name: "objects", in: `{"data":[{"a":1}]}`, is: "a\n1\n"},
		{action: c + "binaryToJson", name: "a parsed body", in: `{"data":{"b":1.50,"a":[]}}`, is: `{"b":1.50,"a":[]}`},
		{action: c + "binaryToJson", name: "bytes of JSON", with: map[string]any{"data": bin(`{ "a": 1 }`, "application/octet-stream")}, is: `{"a":1}`},
		{action: c + "binaryToJson", name: "a text", in: `{"data":"hi"}`, is: `"hi"`},
		{action: c + "binaryToJson", name: "bytes that are no text", with: map[string]any{"data": bin("\xff", "")}, is: `"/w=="`},
		{action: c + "binaryToXml", name: "object", in: `{"data":{"a":{"b":true}}}`, is: `<a><b>true</b></a>`},
		{action: c + "binaryToYaml", name: "object", in: `{"data":{"a":"true"}}`, is: "a: \"true\"\n"},
	})
}

func TestDeserializing(t *testing.T) {
	t.Parallel()
	const c = "change-data-format."
	part := func(data any, contentType string) map[string]any {
		return map[string]any{"data": value.Obj(value.Field{Key: "data", Value: data}, value.Field{Key: "contentType", Value: contentType})}
	}
	payload := value.Obj(value.Field{Key: "payload", Value: `{"a":1}`})
	runCases(t, []actionCase{
		{action: c + "deserializeFromJson", name: "text", in: `{"data":"{\"b\":1.50,\"a\":12345678901234567890}"}`, want: `{"b":1.50,"a":12345678901234567890}`},
		{action: c + "deserializeFromJson", name: "bytes with a mark", with: map[string]any{"data": bin("\xef\xbb\xbf[1]", "")}, want: `[1]`},
		{action: c + "deserializeFromJson", name: "parsed before", in: `{"data":{"data":1}}`, want: `{"data":1}`},
		{action: c + "deserializeFromJson", name: "a whole body", with: part(`[2]`, "application/json"), want: `[2]`},
		{action: c + "deserializeFromJson", name: "no JSON", in: `{"data":"secret"}`, fails: `input "data": line 1, column 1: this is no JSON`},
		{action: c + "deserializeFromXml", name: "an order", with: part(bin(`<order><item><name>Bolt</name></item><qty>2</qty></order>`, "application/xml"), "application/xml"), want: `{"order":{"item":{"name":"Bolt"},"qty":2}}`},
		{action: c + "deserializeFromXml", name: "a document type", in: `{"data":"<!DOCTYPE a><a/>"}`, fails: `input "data": line 1, column 1: a document type stands here`},
		{action: c + "deserializeFromXml", name: "parsed before", in: `{"data":{"a":1}}`, want: `{"a":1}`},
		{action: c + "deserializeFromYaml", name: "text", in: `{"data":"a: 0x10"}`, want: `{"a":16}`},
		{action: c + "deserializeFromCsv", name: "text", in: `{"data":"a,b\n1,2"}`, want: `[{"a":"1","b":"2"}]`},
		{action: c + "deserializeFormData", name: "text", in: `{"data":"payload=%7B%22a%22%3A1%7D&b=x+y&b=z"}`, want: `{"payload":"{\"a\":1}","b":["x y","z"]}`},
		{action: c + "deserializeFormData", name: "a body that was parsed", with: part(payload, "application/x-www-form-urlencoded"), want: `{"payload":"{\"a\":1}"}`},
		{action: c + "deserializeFormData", name: "a body of text", with: part("a=1", "text/plain"), want: `{"a":"1"}`},
		{action: c + "deserializeFormData", name: "bytes", with: map[string]any{"data": bin("a=1", "")}, want: `{"a":"1"}`},
		{action: c + "deserializeFormData", name: "a list", in: `{"data":[1]}`, fails: `input "data" is a list: give a form as text`},
		{action: c + "deserializeFormData", name: "broken", in: `{"data":"a=%x"}`, fails: `input "data": field 1: a % is not followed by`},
		{action: c + "deserializeJsonl", name: "lines", in: `{"jsonl":"{\"a\":1}\n\n2\n"}`, want: `[{"a":1},2]`},
		{action: c + "deserializeJsonl", name: "a broken line", in: `{"jsonl":"1\n{secret}"}`, fails: `input "jsonl": line 2, column 2: this is no JSON`},
		{action: c + "deserializeJsonl", name: "a number", in: `{"jsonl":1}`, fails: `input "jsonl" is a number: give lines of JSON as text`},
		{action: c + "deserializeFromBinary", name: "JSON", with: map[string]any{"data": bin(`{"a":1}`, "")}, want: `{"a":1}`},
		{action: c + "deserializeFromBinary", name: "text", with: map[string]any{"data": bin(`hi`, "")}, want: `"hi"`},
		{action: c + "deserializeFromBinary", name: "neither", with: map[string]any{"data": bin("\xff", "image/png")}, is: bin("\xff", "image/png")},
		{action: c + "deserializeFromBinary", name: "a text", in: `{"data":"1"}`, want: `"1"`},
	})
}

func TestSerializing(t *testing.T) {
	t.Parallel()
	const c = "change-data-format."
	runCases(t, []actionCase{
		{action: c + "serializeToJson", name: "object", in: `{"data":{"b":1.50,"a":"x"}}`, is: `{"b":1.50,"a":"x"}`},
		{action: c + "serializeToJson", name: "indented", in: `{"data":[1],"prettyPrint":true}`, is: "[\n  1\n]"},
		{action: c + "serializeFormData", name: "object", in: `{"data":{"a b":"c&d","e":[1,2],"f":{"g":1}}}`, is: `a+b=c%26d&e=1&e=2&f=%7B%22g%22%3A1%7D`},
		{action: c + "serializeFormData", name: "a list", in: `{"data":[1]}`, fails: `input "data" is a list: give an object`},
		{action: c + "serializeJsonl", name: "list", in: `{"array":[{"a":1},2]}`, is: "{\"a\":1}\n2\n"},
		{action: c + "serializeJsonl", name: "a text", in: `{"array":"x"}`, fails: `input "array" is a text: give a list`},
		{action: c + "prettyPrint", name: "a text of JSON", in: `{"data":"{\"a\":[1.50,{}]}"}`, is: "{\n  \"a\": [\n    1.50,\n    {}\n  ]\n}"},
		{action: c + "prettyPrint", name: "another text", in: `{"data":"hi"}`, is: "hi"},
		{action: c + "convertToString", name: "number", in: `{"value":1.50}`, is: "1.50"},
		{action: c + "convertToString", name: "list", in: `{"value":[1,"a"]}`, is: `[1,"a"]`},
		{action: c + "convertToString", name: "bytes", with: map[string]any{"value": bin("hi", "")}, is: "hi"},
		{action: c + "convertToString", name: "nothing", in: `{}`, is: ""},
		{action: c + "convertToNumber", name: "digits", in: `{"value":" +1.50 "}`, want: `1.50`},
		{action: c + "convertToNumber", name: "boolean", in: `{"value":true}`, want: `1`},
		{action: c + "convertToNumber", name: "false", in: `{"value":false}`, want: `0`},
		{action: c + "convertToNumber", name: "empty", in: `{"value":""}`, want: `0`},
		{action: c + "convertToNumber", name: "nothing", in: `{}`, want: `0`},
		{action: c + "convertToNumber", name: "a text", in: `{"value":"secret"}`, fails: `input "value" is a text that is no number: give digits`},
		{action: c + "convertToNumber", name: "a list", in: `{"value":[]}`, fails: `input "value" is a list: give a number, a text or a boolean`},
		{action: c + "convertToInt", name: "cut", in: `{"value":"-2.9"}`, want: `-2`},
		{action: c + "convertToInt", name: "less than one", in: `{"value":-0.9}`, want: `0`},
		{action: c + "convertToInt", name: "many digits", in: `{"value":"12345678901234567890.9"}`, want: `12345678901234567890`},
		{action: c + "convertToInt", name: "exponent", in: `{"value":1.25e1}`, want: `12`},
		{action: c + "convertToInt", name: "huge exponent", in: `{"value":1e999999999}`, fails: `input "value" has an exponent too large`},
		{action: c + "convertToInt", name: "a text", in: `{"value":"x"}`, fails: `input "value" is a text that is no number`},
		{action: c + "convertToBoolean", name: "yes", in: `{"value":" Yes"}`, want: `true`},
		{action: c + "convertToBoolean", name: "off", in: `{"value":"OFF"}`, want: `false`},
		{action: c + "convertToBoolean", name: "zero", in: `{"value":0.0}`, want: `false`},
		{action: c + "convertToBoolean", name: "number", in: `{"value":-1}`, want: `true`},
		{action: c + "convertToBoolean", name: "nothing", in: `{}`, want: `false`},
		{action: c + "convertToBoolean", name: "another text", in: `{"value":"secret"}`, fails: `input "value" is a text that is neither true nor false`},
		{action: c + "convertToBoolean", name: "an object", in: `{"value":{}}`, fails: `input "value" is an object`},
	})
}

func TestXMLComponent(t *testing.T) {
	t.Parallel()
	const soap = `<soap:Envelope xmlns:soap="urn:s"><soap:Body><item>1</item></soap:Body></soap:Envelope>`
	in := func(pairs ...any) map[string]any {
		m := map[string]any{"xml": soap}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	}
	runCases(t, []actionCase{
		{action: "xml.parse", name: "as it is", with: in(), want: `{"soap:Envelope":{"@xmlns:soap":"urn:s","soap:Body":{"item":1}}}`},
		{action: "xml.parse", name: "without prefixes, with lists", with: in("dropPrefixes", true, "alwaysLists", []any{"item"}, "numbersAsStrings", true), want: `{"Envelope":{"Body":{"item":["1"]}}}`},
		{action: "xml.parse", name: "an object", in: `{"xml":{}}`, fails: `input "xml" is an object: give XML as a text or bytes`},
		{action: "xml.build", name: "data", in: `{"data":{"a":{"@b":1,"c":["x","y"]}},"includeDeclaration":false}`, is: `<a b="1"><c>x</c><c>y</c></a>`},
		{action: "xml.build", name: "a key that is no name", in: `{"data":{"a":{"1":1}}}`, fails: `input "data": a.1: the key is no name that XML allows`},
		{action: "xml.query", name: "elements", with: in("expression", "//item"), want: `[1]`},
		{action: "xml.query", name: "by namespace", with: in("expression", "count(//s:Body)", "namespaces", value.Obj(value.Field{Key: "s", Value: "urn:s"})), want: `1`},
		{action: "xml.query", name: "malformed", with: in("expression", "//item["), fails: `input "expression": the expression is no XPath 1.0`},
		{action: "xml.query", name: "no XML", in: `{"xml":"<a>","expression":"//a"}`, fails: `input "xml": line 1, column 4: the document ends within the element <a>`},
		{action: "xml.validate", name: "well-formed", with: in(), want: `{"valid":true,"root":"soap:Envelope"}`},
		{action: "xml.validate", name: "not well-formed", in: `{"xml":"<a>\n<b></a>"}`, want: `{"valid":false,"error":"</a> closes no element that is open last","line":2,"column":4}`},
		{action: "xml.validate", name: "a prefix of nowhere", in: `{"xml":"<s:a/>"}`, want: `{"valid":false,"error":"the prefix of s:a is declared nowhere: add xmlns:s","line":1,"column":1}`},
		{action: "xml.validate", name: "empty", in: `{"xml":" "}`, want: `{"valid":false,"error":"it holds no element"}`},
		{action: "xml.validate", name: "a number", in: `{"xml":1}`, fails: `input "xml" is a number`},
	})
}

func TestCSVComponent(t *testing.T) {
	t.Parallel()
	runCases(t, []actionCase{
		{action: "csv.parse", name: "with a header", in: `{"csv":"a,b\n1,\"x,y\"","delimiter":","}`, want: `{"data":[{"a":"1","b":"x,y"}],"errors":[],"meta":{"delimiter":",","linebreak":"\n","aborted":false,"truncated":false,"cursor":11,"fields":["a","b"]}}`},
		{action: "csv.parse", name: "without", in: `{"csv":"a;b","delimiter":";","header":"false"}`, want: `{"data":[["a","b"]],"errors":[],"meta":{"delimiter":";","linebreak":"\n","aborted":false,"truncated":false,"cursor":3}}`},
		{action: "csv.parse", name: "bytes", with: map[string]any{"csv": bin("a\r\n1\r\n", "text/csv")}, want: `{"data":[{"a":"1"}],"errors":[],"meta":{"delimiter":",","linebreak":"\r\n","aborted":false,"truncated":false,"cursor":6,"fields":["a"]}}`},
		{action: "csv.parse", name: "nothing", in: `{"csv":"","delimiter":""}`, want: `{"data":[],"errors":[],"meta":{"delimiter":",","linebreak":"\n","aborted":false,"truncated":false,"cursor":0,"fields":[]}}`},
		{action: "csv.parse", name: "a header alone", in: `{"csv":"a, b"}`, want: `{"data":[],"errors":[],"meta":{"delimiter":",","linebreak":"\n","aborted":false,"truncated":false,"cursor":4,"fields":["a","b"]}}`},
		{action: "csv.parse", name: "a tab", in: `{"csv":"a\tb\n1\t2","delimiter":"\\t"}`, want: `{"data":[{"a":"1","b":"2"}],"errors":[],"meta":{"delimiter":"\t","linebreak":"\n","aborted":false,"truncated":false,"cursor":7,"fields":["a","b"]}}`},
		{action: "csv.parse", name: "too many cells", in: `{"csv":"a\n1,secret"}`, fails: `input "csv": line 2: it has 2 cells, but the header has 1 names`},
		{action: "csv.parse", name: "a list", in: `{"csv":[]}`, fails: `input "csv" is a list: give a table as a text or bytes`},
		{action: "csv.generateFromObject", name: "objects", in: `{"inputArray":[{"Column 1":"foo","Column 2":1.50},{"Column 2":null,"x":[1]}]}`, is: "Column 1,Column 2,x\nfoo,1.50,\n,,[1]\n"},
		{action: "csv.generateFromObject", name: "a text of JSON, no header", in: `{"inputArray":"[{\"a\":1,\"b\":2}]","includeHeader":"false","delimiter":"\\t"}`, is: "1\t2\n"},
		{action: "csv.generateFromObject", name: "a delimiter that is none", in: `{"inputArray":[{"a":1}],"delimiter":"ab"}`, fails: `input "inputArray": the delimiter is not one character`},
		{action: "csv.generateFromObject", name: "a number", in: `{"inputArray":1}`, fails: `input "inputArray" is a number: give a list`},
		{action: "csv.generate", name: "lists", in: `{"rowData":[["a","b"],[1]]}`, is: "a,b\n1\n"},
		{action: "csv.generate", name: "lists as texts", in: `{"rowData":["[\"a\",\"b\"]","[1]"],"delimiter":";"}`, is: "a;b\n1\n"},
		{action: "csv.generate", name: "a row that is none", in: `{"rowData":["a"]}`, fails: `input "rowData": row 0: it is a text: give an object or a list`},
	})
}

func TestMessagePackComponent(t *testing.T) {
	t.Parallel()
	runCases(t, []actionCase{
		{action: "messagepack.encodeMessage", name: "object", in: `{"data":{"a":[1,-1,"x",true,null,1.5]}}`, is: bin("\x81\xa1a\x96\x01\xff\xa1x\xc3\xc0\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", "application/msgpack")},
		{action: "messagepack.encodeMessage", name: "a number too large", in: `{"data":1e999}`, fails: `input "data": it holds a number too large`},
		{action: "messagepack.decodeMessage", name: "bytes", with: map[string]any{"message": bin("\x82\xa1b\x01\xa1a\xc4\x02\x00\xff", "")}, is: value.Obj(value.Field{Key: "b", Value: value.Number("1")}, value.Field{Key: "a", Value: bin("\x00\xff", "")})},
		{action: "messagepack.decodeMessage", name: "base64", in: `{"message":"gaFhAQ=="}`, want: `{"a":1}`},
		{action: "messagepack.decodeMessage", name: "cut", with: map[string]any{"message": bin("\x82\xa1b", "")}, fails: `input "message": byte 1: the message ends too soon`},
		{action: "messagepack.decodeMessage", name: "an object", in: `{"message":{}}`, fails: `input "message" is an object: give bytes`},
	})
}

func TestDataMapper(t *testing.T) {
	t.Parallel()
	const m = `"valueMap":{"1":"one","true":{"x":1}}`
	runCases(t, []actionCase{
		{action: "data-mapper.valueMapper", name: "number", in: `{"inputValue":1,` + m + `}`, want: `"one"`},
		{action: "data-mapper.valueMapper", name: "boolean", in: `{"inputValue":true,` + m + `}`, want: `{"x":1}`},
		{action: "data-mapper.valueMapper", name: "the last counts", in: `{"inputValue":"a","valueMap":[{"key":"a","value":1},{"key":"a","value":2}]}`, want: `2`},
		{action: "data-mapper.valueMapper", name: "not in the map", in: `{"inputValue":"secret",` + m + `}`, want: `null`},
		{action: "data-mapper.valueMapper", name: "default", in: `{"inputValue":"x","defaultValue":0,"failOnMissing":true,` + m + `}`, want: `0`},
		{action: "data-mapper.valueMapper", name: "strict", in: `{"inputValue":"secret","failOnMissing":"true",` + m + `}`, fails: `input "inputValue": the value is not in the map: add it, or give a default value`},
		{action: "data-mapper.valueListMapper", name: "list", in: `{"inputValueList":["1",2,true],` + m + `}`, want: `["one",null,{"x":1}]`},
		{action: "data-mapper.valueListMapper", name: "strict", in: `{"inputValueList":"[1,2]","failOnMissing":true,` + m + `}`, fails: `input "inputValueList": item 1: the value is not in the map`},
		{action: "data-mapper.valueListMapper", name: "a number", in: `{"inputValueList":1,` + m + `}`, fails: `input "inputValueList" is a number: give a list`},
	})
}

func TestLiquidTemplate(t *testing.T) {
	t.Parallel()
	const a = "liquid-template.transform"
	runCases(t, []actionCase{
		{action: a, name: "data", in: `{"data":{"name":"Ada","price":1.50,"items":[{"n":1},{"n":2}]},"liquidTemplate":"{{ name }} {{ price }}{% for i in items %} {{ i.n | times: 2 }}{% endfor %}"}`, is: "Ada 1.50 2 4"},
		{action: a, name: "a text of JSON", in: `{"data":"{\"a\":\"b\"}","liquidTemplate":"{{ a | upcase }}"}`, is: "B"},
		{action: a, name: "a body stays whole", in: `{"data":{"data":{"a":1},"contentType":"x"},"liquidTemplate":"{{ data.a }}"}`, is: "1"},
		{action: a, name: "malformed", in: `{"data":{},"liquidTemplate":"\n{{ a"}`, fails: `input "liquidTemplate": line 2: {{ is not closed: add }}`},
		{action: a, name: "without end", in: `{"data":{},"liquidTemplate":"{% for i in (1..1000000000) %}{% endfor %}"}`, fails: `input "liquidTemplate": line 1: rendering takes too much work`},
		{action: a, name: "a list", in: `{"data":[1],"liquidTemplate":"x"}`, fails: `input "data" is a list: give an object, whose keys the template can name`},
	})
}

func TestUUID(t *testing.T) {
	t.Parallel()
	const a = "uuid.generateUUID"
	made := func(key, in string) string {
		t.Helper()
		action := actionNamed(t, a)
		got, err := action.Perform(t.Context(), component.Call{Inputs: inputs(t, action.Inputs, in), IdempotencyKey: key})
		if err != nil {
			t.Fatal(err)
		}
		return got.Data.(string)
	}
	v4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	v7 := regexp.MustCompile(`^[0-9A-F]{12}7[0-9A-F]{3}[89AB][0-9A-F]{15}$`)
	first := made("k1", `{}`)
	if again := made("k1", `{}`); !v4.MatchString(first) || again != first {
		t.Errorf("an attempt gave %s and the next %s, want the same UUID of version 4", first, again)
	}
	if other := made("k2", `{}`); other == first || !v4.MatchString(other) {
		t.Errorf("another step gave %s, too", other)
	}
	if a, b := made("", `{}`), made("", `{}`); a == b || !v4.MatchString(a) {
		t.Errorf("without a key: %s and %s", a, b)
	}
	a1, a2 := made("k1", `{"version":"v7","casing":"upper","removeDashes":true}`), made("k1", `{"version":"v7","casing":"upper","removeDashes":"true"}`)
	if !v7.MatchString(a1) || a1 >= a2 {
		t.Errorf("version 7: %s, then %s", a1, a2)
	}
	runCases(t, []actionCase{
		{action: "uuid.emptyUUID", name: "plain", is: "00000000-0000-0000-0000-000000000000"},
		{action: "uuid.emptyUUID", name: "bare", in: `{"removeDashes":true}`, is: "00000000000000000000000000000000"},
	})
}

// hashed is what hashing gives.
func hashed(inHex string) *value.Object {
	sum, err := hex.DecodeString(inHex)
	if err != nil {
		panic(err)
	}
	return value.Obj(value.Field{Key: "hex", Value: inHex}, value.Field{Key: "base64", Value: base64.StdEncoding.EncodeToString(sum)})
}

// signed is what signing gives.
func signed(inHex string) *value.Object {
	o := hashed(inHex)
	sum, err := hex.DecodeString(inHex)
	if err != nil {
		panic(err)
	}
	o.Set("byteArray", bin(string(sum), "application/octet-stream"))
	return o
}

func TestHashes(t *testing.T) {
	t.Parallel()
	const abc = `{"message":"abc"}`
	runCases(t, []actionCase{
		{action: "hash.computeHash", name: "by default", in: abc, is: hashed("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")},
		{action: "hash.computeHash", name: "sha1", in: `{"message":"abc","hashFunction":"sha1"}`, want: `{"hex":"a9993e364706816aba3e25717850c26c9cd0d89d","base64":"qZk+NkcGgWq6PiVxeFDCbJzQ2J0="}`},
		{action: "hash.computeHash", name: "as a form leaves it", in: `{"message":"abc","hashFunction":""}`, is: hashed("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")},
		{action: "hash.computeHash", name: "bytes", with: map[string]any{"message": bin("abc", "")}, in: `{"hashFunction":"md5"}`, is: hashed("900150983cd24fb0d6963f7d28e17f72")},
		{action: "hash.computeHash", name: "an object as JSON", in: `{"message":{"a":1.0},"hashFunction":"md5"}`, is: hashed("e47e54c5e61e4f0a318e2f1a9296c49f")},
		{action: "hash.computeHash", name: "an unknown function", in: `{"message":"abc","hashFunction":"crc"}`, fails: "give one of blake2b512, blake2s256, md4, md5"},
		{action: "hash.computeblake2b512", name: "abc", in: abc, is: hashed("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923")},
		{action: "hash.computeblake2s256", name: "abc", in: abc, is: hashed("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982")},
		{action: "hash.computemd4", name: "abc", in: abc, is: hashed("a448017aaf21d8525fc10ae87aa6729d")},
		{action: "hash.computemd5-sha1", name: "abc", in: abc, is: hashed("900150983cd24fb0d6963f7d28e17f72a9993e364706816aba3e25717850c26c9cd0d89d")},
		{action: "hash.computeripemd160", name: "abc", in: abc, is: hashed("8eb208f7e05d987a9b044a8e98c6b087f15a0bfc")},
		{action: "hash.computemd5", name: "abc", in: abc, is: hashed("900150983cd24fb0d6963f7d28e17f72")},
		{action: "hash.computesha1", name: "abc", in: abc, is: hashed("a9993e364706816aba3e25717850c26c9cd0d89d")},
		{action: "hash.computesha224", name: "abc", in: abc, is: hashed("23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7")},
		{action: "hash.computesha256", name: "abc", in: abc, is: hashed("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")},
		{action: "hash.computesha384", name: "abc", in: abc, is: hashed("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7")},
		{action: "hash.computesha512", name: "abc", in: abc, is: hashed("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")},
		{action: "hash.computesha512-224", name: "abc", in: abc, is: hashed("4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa")},
		{action: "hash.computesha512-256", name: "abc", in: abc, is: hashed("53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23")},
		{action: "hash.computesha3-224", name: "abc", in: abc, is: hashed("e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf")},
		{action: "hash.computesha3-256", name: "abc", in: abc, is: hashed("3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532")},
		{action: "hash.computesha3-384", name: "abc", in: abc, is: hashed("ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25")},
		{action: "hash.computesha3-512", name: "abc", in: abc, is: hashed("b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0")},
		{action: "hash.computesm3", name: "abc", in: abc, is: hashed("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")},
		{action: "hash.computewhirlpool", name: "abc", in: abc, is: hashed("4e2448a4c6f486bb16b6562c73b4020bf3043e3a731bce721ae1b303d97e6d4c7181eebdb6c57e277d0e34957114cbd6c797fc9d95d8b582d225292076d4eef5")},
		{action: "hash.computewhirlpool", name: "two blocks", in: `{"message":"12345678901234567890123456789012345678901234567890123456789012345678901234567890"}`, is: hashed("466ef18babb0154d25b9d38a6414f5c08784372bccb204d6549c4afadb6014294d5bd8df2a6c44e538cd047b2681a51a2c60481e88c5a20b2c2a80cf3a9a083b")},
		{action: "hash.computeHmac", name: "sm3", in: `{"message":"what do ya want for nothing?","secretKey":"Jefe","hashFunction":"sm3"}`, is: signed("2e87f1d16862e6d964b50a5200bf2b10b764faa9680a296a2405f24bec39f882")},
		{action: "hash.computeHmac", name: "whirlpool", in: `{"message":"abc","secretKey":"k","hashFunction":"whirlpool"}`, is: signed("7d3d5c051832d2c551fb7c17c85bd0f79d5e94f6209a1c5521259904054399e824a7c1881364ccb73b2afbfc69758b7e0aacb559bf59efe507a1fd50b4e04c3c")},
		{action: "hash.computeHmac", name: "sha256", in: `{"message":"what do ya want for nothing?","secretKey":"Jefe"}`, is: signed("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")},
		{action: "hash.computeHmac", name: "md5 and sha1", in: `{"message":"abc","secretKey":"k","hashFunction":"md5-sha1"}`, is: signed("97cfbb1d0da23504b735e2eef8d66b6e3dbc979d1772d6058e8c63b9950eb9227f472173")},
		{action: "hash.computeHmac", name: "a key in hex", in: `{"message":"what do ya want for nothing?","secretKey":"4a656665","secretKeyEncoding":"hex"}`, is: signed("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")},
		{action: "hash.computeHmac", name: "a key that is no hex", in: `{"message":"x","secretKey":"secret","secretKeyEncoding":"hex"}`, fails: `input "secretKey" is not hex: correct it, or its encoding`},
		{action: "hash.computeHmac", name: "no key", in: `{"message":"x"}`, fails: "has no value, and it is required"},
		{action: "hash.computeHmac", name: "a key of nothing", with: map[string]any{"secretKey": bin("", "")}, in: `{"message":"x"}`, fails: `input "secretKey" is empty`},
		{action: "hash.verifyHmac", name: "right", in: `{"message":"what do ya want for nothing?","secretKey":"Jefe","prefix":"sha256=","signature":"sha256=5BDCC146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}`, want: `true`},
		{action: "hash.verifyHmac", name: "base64 for URLs", in: `{"message":"what do ya want for nothing?","secretKey":"SmVmZQ==","secretKeyEncoding":"base64","encoding":"base64","signature":"W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM"}`, want: `true`},
		{action: "hash.verifyHmac", name: "wrong", in: `{"message":"what do ya want for nothing!","secretKey":"Jefe","signature":"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}`, want: `false`},
		{action: "hash.verifyHmac", name: "without its prefix", in: `{"message":"what do ya want for nothing?","secretKey":"Jefe","prefix":"sha256=","signature":"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}`, want: `false`},
		{action: "hash.verifyHmac", name: "no signature", in: `{"message":"x","secretKey":"Jefe"}`, want: `false`},
		{action: "hash.verifyHmac", name: "no key", in: `{"message":"x","signature":"y"}`, fails: "has no value, and it is required"},
	})
}

func TestHMACWebhook(t *testing.T) {
	t.Parallel()
	const (
		body = `{"a": 1.0 }` // signed byte for byte: another spacing has another signature
		good = "f8a06bbc1de4bbb3ec95ba6fe4c1e8a6f8d0c3f1"
	)
	_, tr := registry().Trigger("hash.hmacWebhookTrigger")
	signed := func(function, encoding, body string) string {
		t.Helper()
		got, err := run(t, "hash.computeHmac", map[string]any{"message": body, "secretKey": "s3cr3t-key", "hashFunction": function})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := got.Data.(*value.Object).Get(encoding)
		return text.(string)
	}
	hexed := signed("sha256", "hex", body)
	const setup = `"hmacHeaderName":"X-Signature","secretKey":"s3cr3t-key"`
	for _, tt := range []struct {
		name, inputs string
		headers      []ipaas.NamedText
		body         string
		refused      string // a part of the message; "": let in
	}{
		{"signed", `{` + setup + `}`, named("x-signature", hexed), body, ""},
		{"signed with a prefix", `{` + setup + `,"prefix":"sha256="}`, named("X-Signature", "sha256="+hexed), body, ""},
		{"signed with sha1 in base64", `{` + setup + `,"hashFunction":"sha1","encoding":"base64"}`, named("X-Signature", signed("sha1", "base64", body)), body, ""},
		{"one of two", `{` + setup + `}`, named("X-Signature", good, "X-Signature", hexed), body, ""},
		{"nothing signed", `{` + setup + `}`, named("X-Signature", signed("sha256", "hex", "")), "", ""},
		{"another body", `{` + setup + `}`, named("X-Signature", hexed), `{"a":1.0}`, "the signature is not that of the body"},
		{"another key", `{"hmacHeaderName":"X-Signature","secretKey":"other"}`, named("X-Signature", hexed), body, "the signature is not that of the body"},
		{"another function", `{` + setup + `,"hashFunction":"sha512"}`, named("X-Signature", hexed), body, "the signature is not"},
		{"without the prefix", `{` + setup + `,"prefix":"sha256="}`, named("X-Signature", hexed), body, "the signature is not"},
		{"cut", `{` + setup + `}`, named("X-Signature", hexed[:32]), body, "the signature is not"},
		{"empty", `{` + setup + `}`, named("X-Signature", ""), body, "the signature is not"},
		{"no header", `{` + setup + `}`, named("X-Other", hexed), body, "the request has no header X-Signature"},
		{"a key that is no base64", `{` + setup + `,"secretKeyEncoding":"base64"}`, named("X-Signature", hexed), body, "the trigger has no usable secret key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tr.Receive(t.Context(), component.Request{
				Payload: ipaas.Payload{Method: "POST", Headers: tt.headers, Body: []byte(tt.body)}, Inputs: inputs(t, tr.Inputs, tt.inputs),
			})
			if tt.refused == "" {
				if err != nil || got.Answer != nil || got.Acknowledge != nil {
					t.Fatalf("got %+v, %v; want it let in", got, err)
				}
				return
			}
			var refuse *component.Refuse
			if !errors.As(err, &refuse) || refuse.Status != http.StatusUnauthorized || !strings.Contains(err.Error(), tt.refused) {
				t.Fatalf("got %v, want a refusal with 401 and %q", err, tt.refused)
			}
			if strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), hexed) {
				t.Errorf("the refusal tells a secret: %v", err)
			}
		})
	}
	// What was set for the answer and for handshakes counts as for every webhook.
	got, err := tr.Receive(t.Context(), component.Request{
		Payload: ipaas.Payload{Headers: named("X-Signature", hexed), Body: []byte(body)}, Inputs: inputs(t, tr.Inputs, `{`+setup+`,"statusCode":202}`),
	})
	if err != nil || got.Acknowledge == nil || got.Acknowledge.Status != 202 {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = tr.Receive(t.Context(), component.Request{
		Payload: ipaas.Payload{Method: "GET", Query: named("challenge", "c")}, Inputs: inputs(t, tr.Inputs, `{`+setup+`,"handshake":"query"}`),
	})
	if err != nil || got.Answer == nil || string(got.Answer.Body) != "c" {
		t.Errorf("a handshake: got %+v, %v", got, err)
	}
	// Without a key nothing is genuine, not even what is signed with an empty one.
	_, err = tr.Receive(t.Context(), component.Request{Payload: ipaas.Payload{Headers: named("X-Signature", hexed)}, Inputs: component.Inputs{"hmacHeaderName": "X-Signature"}})
	if err == nil || !strings.Contains(err.Error(), "no usable secret key") {
		t.Errorf("without a key: %v", err)
	}
}

func TestZip(t *testing.T) {
	t.Parallel()
	gz := func(data []byte) value.Bytes {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return value.Bytes{Data: b.Bytes()}
	}
	archive := func(files ...string) map[string]any {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for i := 0; i < len(files); i += 2 {
			f, err := w.Create(files[i])
			if err == nil {
				_, err = f.Write([]byte(files[i+1]))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return map[string]any{"file": value.Bytes{Data: b.Bytes(), ContentType: "application/zip"}}
	}
	const key = `input "file"`
	many := make([]string, 2002)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)[:i/2+1]
	}
	zeros := make([]byte, 33<<20)
	var stored bytes.Buffer
	w := zip.NewWriter(&stored)
	for _, name := range []string{"a", "b"} {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = f.Write(zeros[:17<<20])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := gz([]byte("hello world"))
	damaged.Data[len(damaged.Data)-6]++ // in the checksum
	runCases(t, []actionCase{
		{action: "zip.decompressGzip", name: "text", with: map[string]any{"file": gz([]byte("hi"))}, is: bin("hi", "text/plain; charset=utf-8")},
		{action: "zip.decompressGzip", name: "no gzip", with: map[string]any{"file": bin("secret", "")}, fails: `input "file" is not what gzip makes`},
		{action: "zip.decompressGzip", name: "damaged", with: map[string]any{"file": damaged}, fails: `input "file": the packed data is damaged`},
		{action: "zip.decompressGzip", name: "a text that is no base64", in: `{"file":"%"}`, fails: `input "file" is a text that is no base64`},
		{action: "zip.decompressGzip", name: "a bomb", with: map[string]any{"file": gz(zeros[:8<<20])}, fails: "more than 200 times as large: it is refused as a bomb"},
		{action: "zip.decompressGzip", name: "small and of one letter", with: map[string]any{"file": gz(zeros[:1<<20])}, is: value.Bytes{Data: zeros[:1<<20], ContentType: "application/octet-stream"}},
		{action: "zip.unzip", name: "files and folders", with: archive("dir/", "", "dir/a.txt", "A", "b.json", `{"x":1}`), is: []any{unzipped("dir/", "a.txt", "A"), unzipped("", "b.json", `{"x":1}`)}},
		{action: "zip.unzip", name: "no archive", with: map[string]any{"file": bin("x", "")}, fails: key + " is no Zip archive"},
		{action: "zip.unzip", name: "absolute", with: archive("/etc/passwd", "x"), fails: key + ": file 1: a name of a file is absolute"},
		{action: "zip.unzip", name: "a drive", with: archive("c:x", "x"), fails: "a name of a file is absolute"},
		{action: "zip.unzip", name: "out of its folder", with: archive("a", "", "a/../../b", "x"), fails: key + ": file 2: a name of a file leads out of its folder"},
		{action: "zip.unzip", name: "backslash", with: archive(`..\b`, "x"), fails: "a name of a file holds a backslash"},
		{action: "zip.unzip", name: "a name twice", with: archive("a", "1", "a", "2"), fails: "its name stands twice"},
		{action: "zip.unzip", name: "many files", with: archive(many...), fails: key + " has more than 1000 files"},
		{action: "zip.unzip", name: "a bomb", with: archive("a", string(zeros[:8<<20])), fails: "file 1: unpacked it is more than 200 times as large"},
		{action: "zip.unzip", name: "too large in sum", with: map[string]any{"file": value.Bytes{Data: stored.Bytes()}}, fails: key + ": file 2: unpacked it is larger than 32 MiB in sum"},
		{action: "zip.zip", name: "a list", in: `{"files":[1]}`, fails: `input "files" is a list: give an object with names of files as keys, or a list of objects`},
		{action: "zip.zip", name: "a file twice", in: `{"files":[{"name":"a","data":"1"},{"name":"a","path":"","data":"2"}]}`, fails: `each file once`},
		{action: "zip.zip", name: "a list with a name that leads out", in: `{"files":[{"name":"a","path":"../","data":"1"}]}`, fails: `leads out of its folder`},
		{action: "zip.zip", name: "a name that leads out", in: `{"files":{"../a":"x"}}`, fails: `input "files": a name of a file leads out of its folder`},
		{action: "zip.compressGzip", name: "too large", with: map[string]any{"file": value.Bytes{Data: zeros}}, fails: `input "file" is larger than 32 MiB`},
		{action: "zip.zip", name: "too large", with: map[string]any{"files": value.Obj(value.Field{Key: "a", Value: value.Bytes{Data: zeros}})}, fails: `input "files" is larger than 32 MiB in sum`},
	})
}

func unzipped(path, name, text string) *value.Object {
	return value.Obj(
		value.Field{Key: "name", Value: name}, value.Field{Key: "path", Value: path},
		value.Field{Key: "data", Value: bin(text, "text/plain; charset=utf-8")},
	)
}

func TestPackingIsRepeatable(t *testing.T) {
	t.Parallel()
	pack := func(action string, in map[string]any) value.Bytes {
		t.Helper()
		a, err := run(t, action, in)
		if err != nil {
			t.Fatal(err)
		}
		b, err := run(t, action, in)
		if err != nil || !value.Equal(a.Data, b.Data) {
			t.Fatalf("%s gives other bytes for the same input (%v)", action, err)
		}
		return a.Data.(value.Bytes)
	}
	files := value.Obj(value.Field{Key: "a/b.txt", Value: "hi"}, value.Field{Key: "c.json", Value: value.Obj(value.Field{Key: "x", Value: value.Number("1.50")})})
	packed := pack("zip.zip", map[string]any{"files": files})
	if packed.ContentType != "application/zip" {
		t.Errorf("content type %q", packed.ContentType)
	}
	got, err := run(t, "zip.unzip", map[string]any{"file": packed})
	want := []any{unzipped("a/", "b.txt", "hi"), unzipped("", "c.json", `{"x":1.50}`)}
	if diff := cmp.Diff(any(want), got.Data); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if again := pack("zip.zip", map[string]any{"files": got.Data}); !value.Equal(again, packed) {
		t.Error("what was unpacked is packed into another archive")
	}
	zipped := pack("zip.compressGzip", map[string]any{"file": "hi"})
	got, err = run(t, "zip.decompressGzip", map[string]any{"file": zipped})
	if err != nil || !value.Equal(got.Data, bin("hi", "text/plain; charset=utf-8")) {
		t.Errorf("got %v, %v", got.Data, err)
	}
}

func TestHTMLUtils(t *testing.T) {
	t.Parallel()
	const page = `<!DOCTYPE html><html><head><title>T</title><style>p{x:1}</style></head><body><h1>Hi &amp; <b>you</b></h1><p>One<br>two</p><ul><li>a</li><li>b</li></ul>` +
		`<table><tr><td>1</td><td>2</td></tr></table><script>if (a<b) {}</script><!-- x --><pre>
 x
  y</pre></body></html>`
	with := map[string]any{"html": page}
	runCases(t, []actionCase{
		{action: "html-utils.stripHtmlTags", name: "page", with: with, is: "THi &amp; youOnetwoab12\n x\n  y"},
		{action: "html-utils.stripHtmlTags", name: "nothing", in: `{}`, is: ""},
		{action: "html-utils.stripHtmlTags", name: "no HTML", in: `{"html":"1 < 2"}`, is: "1 < 2"},
		{action: "html-utils.stripHtmlTags", name: "broken", in: `{"html":"a<b"}`, is: "a"},
		{action: "html-utils.htmlToPlaintext", name: "page", with: with, is: "Hi & you\n\nOne\ntwo\n\n- a\n- b\n1 2\n\n x\n  y"},
		{action: "html-utils.htmlToPlaintext", name: "white space", in: `{"html":"<p> a\n b <i>c</i>,d </p> e"}`, is: "a b c,d\n\ne"},
		{action: "html-utils.formatHtml", name: "page", in: `{"html":"<div><p>a <b>b</b></p><pre>\n x</pre><br>c</div><!--d-->"}`, is: "<div>\n  <p>\n    a <b>b</b>\n  </p>\n  <pre>\n x</pre>\n  <br>\n  c\n</div>\n<!--d-->\n"},
		{action: "html-utils.formatHtml", name: "deep", with: map[string]any{"html": strings.Repeat("<div>", 200_000)}, fails: `input "html": it grows larger than 8 MiB`},
		{action: "html-utils.escapeHtml", name: "characters", in: `{"html":"<a href='x'>\"&"}`, is: "&lt;a href=&#39;x&#39;&gt;&#34;&amp;"},
		{action: "html-utils.unescapeHtml", name: "characters", in: `{"html":"&lt;&eacute;&#65;&amp;amp;"}`, is: "<éA&amp;"},
		{action: "html-utils.unescapeHtml", name: "a list", in: `{"html":[]}`, fails: `input "html" is a list: give HTML as a text`},
		{action: "html-utils.escapeHtml", name: "too large", with: map[string]any{"html": strings.Repeat("x", 8<<20+1)}, fails: `input "html" is larger than 8 MiB`},
	})
}

func TestGetHTML(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/page" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
		_, _ = w.Write([]byte("<p>caf\xe9</p>"))
	}))
	t.Cleanup(server.Close)
	client, err := outbound.New(outbound.Options{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	action := actionNamed(t, "html-utils.getHtmlFromUrl")
	get := func(address string) (component.Result, error) {
		return action.Perform(t.Context(), component.Call{Inputs: component.Inputs{"url": address}, Client: client, Log: func(ipaas.Severity, string) {}})
	}
	got, err := get(server.URL + "/page")
	if err != nil || got.Data != "<p>café</p>" {
		t.Errorf("got %q, %v", got.Data, err)
	}
	if _, err = get(server.URL + "/none"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
	if _, err = get("ftp://x"); err == nil || !strings.Contains(err.Error(), `input "url" is no absolute URL`) {
		t.Errorf("got %v", err)
	}
}
