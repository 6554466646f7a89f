package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func TestDocumentsOf(t *testing.T) {
	t.Parallel()
	type doc struct{ Kind, Text string }
	tests := []struct {
		name, text string
		want       []doc
	}{
		{
			name: "everything but the kind stays as it is written",
			text: "# first\nkind: Integration # the kind\nid:   acme\ntext: 'a'\nnumber: 0x10\n",
			want: []doc{{"Integration", "# first\n # the kind\nid:   acme\ntext: 'a'\nnumber: 0x10\n"}},
		},
		{
			name: "kind last",
			text: "id: acme\nkind: Integration",
			want: []doc{{"Integration", "id: acme\n"}},
		},
		{
			name: "kind in quotes",
			text: "\"kind\": 'Integration'\nid: acme\n",
			want: []doc{{"Integration", "\nid: acme\n"}},
		},
		{
			name: "several documents keep the lines of the file",
			text: "---\nkind: Component\nid: a\n---\n---\n# nothing\n--- # second\nkind: Integration\nid: b\n...\n",
			want: []doc{{"Component", "   \n\nid: a\n"}, {"Integration", "\n\n\n\n\n\n    # second\n\nid: b\n"}},
		},
		{
			name: "a marker inside a text does not divide",
			text: "kind: Integration\ndocumentation: |\n  a\n  ---\n  b\n",
			want: []doc{{"Integration", "\ndocumentation: |\n  a\n  ---\n  b\n"}},
		},
		{
			name: "a kind further down stays",
			text: "kind: Integration\nlabels:\n  kind: Component\n",
			want: []doc{{"Integration", "\nlabels:\n  kind: Component\n"}},
		},
		{
			name: "JSON",
			text: `{"id": "acme", "kind": "Integration", "version": 10000000000000000000000001}`,
			want: []doc{{"Integration", `{"id": "acme", "version": 10000000000000000000000001}` + "\n"}},
		},
		{
			name: "a kind that other things hang on",
			text: "kind: &k Integration\nlabels: {of: a}\n",
			want: []doc{{"Integration", "labels: {of: a}\n"}},
		},
		{
			name: "windows",
			text: "\ufeffkind: Component\r\nid: a\r\n---\r\nkind: Component\r\nid: b\r\n",
			want: []doc{{"Component", "\r\nid: a\r\n"}, {"Component", "\n\n   \r\n\r\nid: b\r\n"}},
		},
		{
			name: "as the API says it",
			text: "kind: KIND_DECLARATIVE\nid: a\n",
			want: []doc{{"Component", "\nid: a\n"}},
		},
		{name: "nothing", text: "# nothing\n---\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			docs, err := documentsOf("f.yaml", tt.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []doc
			for _, d := range docs {
				got = append(got, doc{d.kind, d.text})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDocumentsOfRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"no kind", "id: a\n---\nkind: Component\n", `f.yaml, document at line 1 has no kind: say "kind: Component" or "kind: Integration"`},
		{"another product's", "name: a\nflows: []\ndefinitionVersion: 7\n", `f.yaml has no kind: say "kind: Component" or "kind: Integration"; a definition of Prismatic is read by "headrace import"`},
		{"unknown kind", "kind: Flow\n", `f.yaml has the kind "Flow": say`},
		{"two kinds", "{kind: Component, 'kind': Integration}", "kind"},
		{"a list", "- kind: Component\n", "f.yaml does not describe anything"},
		{"no YAML, with the line of the file", "kind: Component\n---\n\nkind: [\n", "line 5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			docs, err := documentsOf("f.yaml", tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v, want an error with %q", docs, err, tt.want)
			}
		})
	}
}

func TestReadTextRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	a := &app{in: strings.NewReader("name: \xff\xfe")}
	if text, err := a.readText("-"); err == nil || !strings.Contains(err.Error(), "- is no text: it holds bytes that are no UTF-8") {
		t.Errorf("%q, %v, want it refused", text, err)
	}
}

// FuzzDocumentsOf proves that cutting the kind out changes nothing else, whatever the text.
func FuzzDocumentsOf(f *testing.F) {
	f.Add("kind: Component\nid: a\n")
	f.Add("{\"kind\": \"Integration\", \"a\": [1, 2]}")
	f.Add("a: &x 1\nkind: Integration\nb: *x\n---\nkind: Component\n")
	f.Add("? kind\n: Component\n? b\n: |\n  kind: x\n")
	f.Fuzz(func(t *testing.T, text string) {
		docs, err := documentsOf("f", text)
		if err != nil {
			return
		}
		parts := split(text)
		at := 0
		for _, doc := range docs {
			var before []pair
			for ; before == nil; at++ {
				root, err := parseYAML([]byte(parts[at].text))
				if err != nil {
					t.Fatal(err)
				}
				if root != nil {
					if before, err = pairsOf(root, 0); err != nil {
						return // what cannot be read is the receiver's to refuse
					}
				}
			}
			root, err := parseYAML([]byte(doc.text))
			if err != nil {
				t.Fatalf("%q became %q: %v", text, doc.text, err)
			}
			var after []pair
			if root != nil {
				if after, err = pairsOf(root, 0); err != nil {
					t.Fatal(err)
				}
			}
			if len(after) != len(before)-1 {
				t.Fatalf("%q became %q", text, doc.text)
			}
			for i, j := 0, 0; i < len(before); i++ {
				if before[i].key.Value == "kind" {
					continue
				}
				if !sameTree(before[i].value, after[j].value) {
					t.Fatalf("%q became %q", text, doc.text)
				}
				j++
			}
		}
	})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const text = `
id: acme-erp
display_name: Acme ERP # the words of the proto are read as well
description:
base: &input {key: event, displayName: Event}
actions:
  - key: createWebhook
    effect: EFFECT_WRITE
    inputs:
      - {<<: *input, required: true, defaultValue: {big: 12345678901234567890, at: 2026-01-31, hex: 0x1f}}
    request:
      method: POST
      url: '{{$connection.baseUrl}}/api'
      headers: {X-Day: 2026-01-31}
      successStatuses: [200, 0b11001001]
`
	root, err := parseYAML([]byte(strings.Replace(text, "base: &input {key: event, displayName: Event}\n", "", 1)))
	if err == nil {
		t.Fatalf("an unknown anchor was read: %v", root)
	}
	root, err = parseYAML([]byte(strings.Replace(text, "base: &input", "connectionTypes:\n  - &input", 1)))
	if err != nil {
		t.Fatal(err)
	}
	got := &headracev1.Component{}
	if err := decode("f.yaml", root, got); err != nil {
		t.Fatal(err, client.Violations(err))
	}
	want := &headracev1.Component{
		Id: "acme-erp", DisplayName: "Acme ERP",
		ConnectionTypes: []*headracev1.ConnectionType{{Key: "event", DisplayName: "Event"}},
		Actions: []*headracev1.Action{{
			Key: "createWebhook", Effect: headracev1.Action_EFFECT_WRITE,
			Inputs: []*headracev1.InputField{{
				Key: "event", DisplayName: "Event", Required: true,
				DefaultValue: structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
					"big": structpb.NewNumberValue(12345678901234567890), "at": structpb.NewStringValue("2026-01-31"),
					"hex": structpb.NewNumberValue(31),
				}}),
			}},
			Request: &headracev1.HttpRequest{
				Method: "POST", Url: "{{$connection.baseUrl}}/api", Headers: map[string]string{"X-Day": "2026-01-31"},
				SuccessStatuses: []int32{200, 201},
			},
		}},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("component (-want +got):\n%s", diff)
	}
}

func TestDecodeNamesEveryMistake(t *testing.T) {
	t.Parallel()
	root, err := parseYAML([]byte(`
id: 5
displayNam: x
connectionTypes: {a: b}
actions:
  - key: a
    effect: WRITE
    loops: 1
    inputs: [{key: [b]}, text]
    request: {method: GET, url: x, headers: {A: 5}, successStatuses: [2.5, 99999999999], bdy: 1}
`))
	if err != nil {
		t.Fatal(err)
	}
	err = decode("f.yaml", root, &headracev1.Component{})
	var wrong *usageError
	if !errors.As(err, &wrong) {
		t.Fatalf("%v, want a list of mistakes", err)
	}
	var got []string
	for _, v := range wrong.violations {
		got = append(got, v.Reason+" "+v.Field)
	}
	want := []string{
		"WRONG_TYPE id", "UNKNOWN_FIELD displayNam", "WRONG_TYPE connectionTypes", "NOT_A_CHOICE actions[0].effect",
		"WRONG_TYPE actions[0].loops", "WRONG_TYPE actions[0].inputs[0].key", "WRONG_TYPE actions[0].inputs[1]",
		"WRONG_TYPE actions[0].request.headers.A", "WRONG_TYPE actions[0].request.successStatuses[0]",
		"WRONG_TYPE actions[0].request.successStatuses[1]", "UNKNOWN_FIELD actions[0].request.bdy",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestDecodeOfWhatOnlyTheDecoderReads(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"createTime: yesterday\n", "id: a\nid: b\n", "connectionTypes: [null]\n", "<<: 5\n"} {
		root, err := parseYAML([]byte(text))
		if err != nil {
			continue // refused even earlier
		}
		if err := decode("f.yaml", root, &headracev1.Component{}); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestYAMLToJSON(t *testing.T) {
	t.Parallel()
	tests := []struct{ yaml, want string }{
		{"{b: 1, a: 2}", `{"b":1,"a":2}`},
		{"1.10", "1.10"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"0x1F", "31"},
		{"+5", "5"},
		{".5", "0.5"},
		{"2026-01-31", `"2026-01-31"`},
		{"'5'", `"5"`},
		{"true", "true"},
		{"~", "null"},
		{"<a&b>", `"<a&b>"`},
		{"\"a\\nb\"", `"a\nb"`},
		{"[&x {a: 1}, *x]", `[{"a":1},{"a":1}]`},
		{"{<<: [{a: 1, b: 1}, {b: 2, c: 2}], a: 0}", `{"a":0,"b":1,"c":2}`},
	}
	for _, tt := range tests {
		root, err := parseYAML([]byte("v: " + tt.yaml))
		if err != nil {
			t.Errorf("%s: %v", tt.yaml, err)
			continue
		}
		got, err := yamlToJSON(root)
		if want := `{"v":` + tt.want + `}`; err != nil || string(got) != want {
			t.Errorf("%s became %s, %v, want %s", tt.yaml, got, err, want)
		}
	}
	for _, text := range []string{"v: .inf", "v: .nan", "v: {a: 1, a: 2}", "v: {[1]: 2}", "v: &a [*a]", bomb()} {
		root, err := parseYAML([]byte(text))
		if err != nil {
			continue // refused even earlier
		}
		if got, err := yamlToJSON(root); err == nil {
			t.Errorf("%.40s became %.40s, want an error", text, got)
		}
	}
}

// bomb is a small text that aliases make large.
func bomb() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		alias := "*a" + string(rune('0'+i))
		text += "a" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.Repeat(alias+", ", 9) + alias + "]\n"
	}
	return text
}

func TestMessagesSurviveYAML(t *testing.T) {
	t.Parallel()
	want := &headracev1.Component{
		Id: "yes", DisplayName: "1.5", Description: "two\nlines \n", Version: 3,
		Actions: []*headracev1.Action{{Key: "a", Result: "{{$response.body}}", Request: &headracev1.HttpRequest{
			Url: "# no comment", Headers: map[string]string{"A": "null", "B": "", "C": "ümläut \u2028 \x7f 😀"},
			Body: structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewNumberValue(1e21), structpb.NewNullValue()}}),
		}}},
	}
	text, err := messageJSON(want)
	if err != nil {
		t.Fatal(err)
	}
	yaml, err := jsonToYAML(text)
	if err != nil {
		t.Fatal(err)
	}
	root, err := parseYAML(yaml)
	if err != nil {
		t.Fatalf("%v:\n%s", err, yaml)
	}
	got := &headracev1.Component{}
	if err := decode("f", root, got); err != nil {
		t.Fatalf("%v:\n%s", err, yaml)
	}
	if !proto.Equal(want, got) {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, got, protocmp.Transform()))
	}
}
