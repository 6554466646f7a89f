package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func recorded(contentType, body string) *headracev1.Exchange {
	headers := map[string]string{"Content-Type": contentType}
	return &headracev1.Exchange{
		Request:  &headracev1.ExchangeRequest{Method: "GET", Url: "https://a.example/", Body: &headracev1.ExchangeRequest_Text{}},
		Response: &headracev1.ExchangeResponse{Status: 200, Headers: headers, Body: &headracev1.ExchangeResponse_Text{Text: body}},
	}
}

// TestRecordedJSONIsYAML writes bodies that are JSON as YAML and reads them again: digits, order and texts are as they were. What YAML
// does not say exactly stays text.
func TestRecordedJSONIsYAML(t *testing.T) {
	t.Parallel()
	const json = "application/json; charset=utf-8"
	for _, c := range []struct{ name, contentType, body, written, sent string }{
		{"an object", json, "{\"z\": 1.50,\n \"a\": [12345678901234567890123, true, null, \"no\", \"1\", \"a\\nb\\u0000\"]}\n", "json:\n      z: 1.50", `{"z":1.50,"a":[12345678901234567890123,true,null,"no","1","a\nb\u0000"]}`},
		{"numbers", json, `[-5, 0.10, 1.0, 2.5e3]`, "json:\n    - -5", `[-5,0.10,1.0,2.5e3]`},
		{"numbers that YAML takes for something else", json, `[-0, 1E+400]`, "text: '[-0, 1E+400]'", `[-0, 1E+400]`},
		{"keys like others", "application/vnd.a+json", `{"<<": {"a": 1}, "null": 1, "": 2, "1": 3}`, "json:\n", `{"<<":{"a":1},"null":1,"":2,"1":3}`},
		{"nothing", json, `null`, "text: 'null'", `null`},
		{"a key that stands there twice", json, `{"a": 1, "a": 2}`, "text: '{\"a\": 1, \"a\": 2}'", `{"a": 1, "a": 2}`},
		{"no JSON", json, `{"a": `, "text: '{\"a\": '", `{"a": `},
		{"another type", "text/plain", `{"a": 1}`, "text: '{\"a\": 1}'", `{"a": 1}`},
		{"an empty body", json, ``, "text: ''", ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "exchanges.yaml")
			if err := writeExchanges(path, []*headracev1.Exchange{recorded(c.contentType, c.body)}); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			read, err := readExchanges(&app{}, path)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff([]*headracev1.Exchange{recorded(c.contentType, c.sent)}, read, protocmp.Transform()); diff != "" {
				t.Errorf("read again (-want +got):\n%s\n%s", diff, text)
			}
			if !strings.Contains(string(text), c.written) {
				t.Errorf("written without %q:\n%s", c.written, text)
			}
		})
	}
}

// TestExchangesByHandAreExact reads JSON that somebody wrote into exchanges without losing digits or order, and answers it as JSON.
func TestExchangesByHandAreExact(t *testing.T) {
	t.Parallel()
	path := file(t, "exchanges.yaml", `
- request: {url: 'https://a.example/', json: {z: 1.50, a: 1}}
  response: &answer {json: {z: 12345678901234567890, a: [yes, 2026-01-31]}}
- request: {url: 'https://b.example/'}
  response: *answer
- request: {url: 'https://c.example/'}
  response: {json: x, headers: {content-type: text/json, X-Own: a}}
`)
	read, err := readExchanges(&app{}, path)
	if err != nil {
		t.Fatal(err)
	}
	const exact = `{"z":12345678901234567890,"a":["yes","2026-01-31"]}`
	answer := &headracev1.ExchangeResponse{Headers: map[string]string{"Content-Type": "application/json"}, Body: &headracev1.ExchangeResponse_Text{Text: exact}}
	want := []*headracev1.Exchange{
		{Request: &headracev1.ExchangeRequest{Url: "https://a.example/", Body: &headracev1.ExchangeRequest_Text{Text: `{"z":1.50,"a":1}`}}, Response: answer},
		{Request: &headracev1.ExchangeRequest{Url: "https://b.example/"}, Response: answer},
		{Request: &headracev1.ExchangeRequest{Url: "https://c.example/"}, Response: &headracev1.ExchangeResponse{
			Headers: map[string]string{"content-type": "text/json", "X-Own": "a"}, Body: &headracev1.ExchangeResponse_Text{Text: `"x"`},
		}},
	}
	if diff := cmp.Diff(want, read, protocmp.Transform()); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}
