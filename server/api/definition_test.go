package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

const acme = `id: acme-erp
displayName: Acme ERP
category: ERP
flows:
  - id: sync-customer-data
    displayName: Sync Customer Data
    trigger:
      type: webhook-triggers.webhook
    steps:
      - id: log
        displayName: Log
        action: log.writeLog
        inputs:
          level:
            value: 3
          message:
            template: '{{$trigger.results.body.data}}'
    synchronous: true
  - id: initialize
    displayName: Initialize
    description: |-
      Registers the webhooks.
      Once per deployment.
    trigger:
      type: management-triggers.instanceDeploy
configVariables:
  - id: endpoint
    displayName: Endpoint
    type: TYPE_STRING
    defaultValue: '2026-01-31'
  - id: ratio
    displayName: Ratio
    type: TYPE_NUMBER
    defaultValueJson: '1.000'
configPages:
  - title: Connection
    elements:
      - heading: Where?
      - configVariable: Endpoint
deploySettings:
  failurePolicy: FAILURE_POLICY_KEEP
  timeout: 90s
`

func read(t testing.TB, text string) (ipaas.Definition, string) {
	t.Helper()
	src, violations, err := New(Options{}).readDefinition(text)
	if err != nil || len(violations) > 0 {
		t.Fatalf("%v %v\n%s", err, violations, text)
	}
	return src.def, src.id
}

func TestExportOfAnImportIsTheSame(t *testing.T) {
	t.Parallel()
	def, id := read(t, acme)
	text, err := writeDefinition(id, def)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(acme, text); diff != "" {
		t.Errorf("exported (-imported +exported):\n%s", diff)
	}
}

// TestExportIsStable writes definitions that have everything, and texts that YAML might take for something else.
func TestExportIsStable(t *testing.T) {
	t.Parallel()
	awkward := []string{
		"", "yes", "No", "null", "~", "1", "0x1F", "1_000", "012", "1e3", ".5", "-.inf", "2026-01-31", "true", "- a", "a: b", "# c", "a #b", "'", `"`,
		"&a", "*a", "!a", "%a", "@a", "`a`", "{a}", "[a]", ">", "|", "?", ":", "<<", "=", " leading", "trailing ", "two\nlines", "two\nlines\n", "\n", "\n\nx",
		"  indented\nthen not", "tab\there", "carriage\r\nreturn", "nul\x00", "del\x7f", "nel\u0085", "line\u2028sep", "bom\ufeff", "emoji 😀", "tail \nspaces", strings.Repeat("long ", 60),
		"---", "...", "--- a", "#", "a\n# not a comment", "\t", "x:\n  - y", "\\", "\u00a0",
	}
	for i := range variants {
		in := &pb.Integration{}
		(&filler{variant: i}).message(in.ProtoReflect(), map[protoreflect.FullName]int{})
		in.Labels = map[string]string{}
		for n, text := range awkward {
			in.Labels[fmt.Sprintf("k%03d%s", n, text)] = text
		}
		checkStable(t, in)
	}
	// Each alone at the top, too.
	for _, text := range awkward {
		checkStable(t, &pb.Integration{DisplayName: "X", Description: text, Documentation: text})
	}
}

func checkStable(t *testing.T, in *pb.Integration) {
	t.Helper()
	var d decoding
	def := d.definition(in)
	first, err := writeDefinition("x", def)
	if err != nil {
		t.Fatal(err)
	}
	// The filler's texts break the rules of the protos; the words must come back all the same.
	exact, malformed := definitionJSON(first)
	if malformed != nil {
		t.Fatalf("%v\n%s", malformed, first)
	}
	if wrong := checkShape(exact.json, in.ProtoReflect().Descriptor(), "definition", true); len(wrong) > 0 {
		t.Fatalf("%v\n%s", wrong, first)
	}
	back := &pb.Integration{}
	if err := protojson.Unmarshal(exact.json, back); err != nil {
		t.Fatal(err)
	}
	again := d.definition(back)
	second, err := writeDefinition("x", again)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second export differs:\n%s", diff)
	}
	want := proto.CloneOf(in)
	if diff := cmp.Diff(want.GetLabels(), back.GetLabels()); diff != "" {
		t.Errorf("labels came back changed:\n%s", diff)
	}
	if want.GetDescription() != back.GetDescription() || want.GetDocumentation() != back.GetDocumentation() {
		t.Errorf("%q came back as %q", want.GetDescription(), back.GetDescription())
	}
}

func TestDefinitionMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string // field, reason, part of the description
	}{
		{
			"all unknown fields, with lines", "displayName: A\ncolour: red\nflows:\n  - displayName: F\n    steps:\n      - inputs:\n          url: {vlaue: 1}\n",
			[]string{"colour UNKNOWN_FIELD line 2:", "flows[0].steps[0].inputs.url.vlaue UNKNOWN_FIELD line 7:"},
		},
		{"wrong types", "displayName: 12\nflows: none\n", []string{"displayName WRONG_TYPE line 1:", "flows WRONG_TYPE line 2:"}},
		{"rules of the protos", "displayName: A\nflows:\n  - id: Not An Id\n    displayName: F\n", []string{"flows[0].id MALFORMED line 3:"}},
		{"something missing", "displayName: A\nconfigPages:\n  - tagline: x\n", []string{"configPages[0].title REQUIRED line 3:"}},
		{"an empty input", "displayName: A\nflows:\n  - steps:\n      - inputs:\n          url: {}\n", []string{"flows[0].steps[0].inputs.url REQUIRED line 5:"}},
		{"JSON text that is none", "displayName: A\nconfigVariables:\n  - defaultValueJson: '{'\n", []string{"configVariables[0].defaultValueJson MALFORMED line 3:"}},
		{
			"what the server sets", "displayName: A\netag: x\nuid: y\nflows:\n  - position: 1\n",
			[]string{"etag READ_ONLY line 2:", "uid READ_ONLY line 3:", "flows[0].position READ_ONLY line 5:"},
		},
		{"a key twice", "displayName: A\ndisplayName: B\n", []string{"displayName DUPLICATE line 2:"}},
		{"no YAML", "displayName: [\n", []string{"definition MALFORMED is no YAML: line 2, column 1: did not find expected node content, while parsing a flow node"}},
		{"tabs", "displayName: A\nflows:\n\t- x\n", []string{"definition MALFORMED is no YAML: line 3, column 1: found character that cannot start any token, while scanning for the next token"}},
		{"two documents", "displayName: A\n---\ndisplayName: B\n", []string{"definition MALFORMED line 2: a second document"}},
		{"empty", "# nothing\n", []string{"definition REQUIRED line 1: the definition is empty"}},
		{"a text", "hello", []string{"definition WRONG_TYPE line 1: must be an object"}},
		{"a list", "- a\n", []string{"definition WRONG_TYPE line 1: must be an object"}},
		{"a merge of a word", "a: &a x\nb:\n  <<: *a\n", []string{"definition MALFORMED line 1: << merges no mapping"}},
		{"a key that is a list", "? [a]\n: b\n", []string{"definition MALFORMED line 1: a key must be a word"}},
		{"a tag", "displayName: !secret x\n", []string{"definition MALFORMED line 1: the tag !secret"}},
		{"an old octal", "labels:\n  a: 0123\n", []string{`definition MALFORMED line 2: "0123" may be a number or a text`}},
		{"no number JSON has", "labels:\n  a: .inf\n", []string{"definition MALFORMED line 2:"}},
		{"broken JSON", `{"displayName": "A",, }`, []string{"definition MALFORMED is no YAML"}},
		{"too deep", "documentation: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), []string{"definition TOO_DEEP line 1, column 81: nests deeper than 64 levels: flatten it"}},
		{"an alias in itself", "displayName: A\nlabels: &a\n  x: *a\n", []string{"definition"}},
		{"billion laughs", laughs(), []string{"definition TOO_LARGE"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, got, err := New(Options{}).readDefinition(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(test.want) {
				t.Fatalf("violations %v, want %q", got, test.want)
			}
			for i, want := range test.want {
				if v := got[i]; !strings.HasPrefix(v.Field+" "+string(v.Reason)+" "+v.Description, want) {
					t.Errorf("violation %d is %+v, want %q", i, v, want)
				}
			}
		})
	}
}

func laughs() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [lol]\n")
	for i := range 12 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 9), ","))
	}
	return b.String()
}

func TestYAMLKeepsDigits(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"12345678901234567890123": "12345678901234567890123", "1.10": "1.10", "+7": "7", "0x1F": "31", "-0b101": "-5", "0o17": "15",
		".5": "0.5", "-.5e3": "-0.5e3", "1.": "1", "1.e5": "1e5", "6.02e23": "6.02e23", "0": "0", "-0.0": "-0.0", "yes": `"yes"`, "True": "true", "~": "null",
		"2026-01-31": `"2026-01-31"`, "1:30": `"1:30"`, `"12"`: `"12"`, "'true'": `"true"`, "12 apples": `"12 apples"`,
	}
	for text, want := range tests {
		got, malformed := yamlToJSON("x: " + text)
		if malformed != nil || string(got.json) != `{"x":`+want+`}` {
			t.Errorf("%s: %s %v, want %s", text, got.json, malformed, want)
		}
	}
}

func TestAliasesAreWrittenOut(t *testing.T) {
	t.Parallel()
	def, _ := read(t, "displayName: A\nlabels: &l {a: b}\nflows:\n  - displayName: F\n    testPayload: {headers: *l, query: *l}\n")
	if diff := cmp.Diff(map[string]string{"a": "b"}, def.Flows[0].TestPayload.Query); diff != "" {
		t.Error(diff)
	}
}

// TestMergesAreWrittenOut reads what << merges: a mapping's own keys count before it, wherever they stand, and the first of several before
// the others.
func TestMergesAreWrittenOut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n":                 `{"a":{"x":1,"y":2},"b":{"y":3,"x":1}}`,
		"a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a}\n":                 `{"a":{"x":1,"y":2},"b":{"y":3,"x":1}}`,
		"a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}\n":   `{"a":{"x":1},"b":{"x":2,"y":2},"c":{"x":1,"y":2}}`,
		"a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}\n": `{"a":{"x":1},"b":{"y":2,"x":1},"c":{"z":3,"y":2,"x":1}}`,
		"a: {<<: {x: 1}}\n": `{"a":{"x":1}}`,
		"a: {<<: []}\n":     `{"a":{}}`,
		"a: {'<<': 1}\n":    `{"a":{"<<":1}}`,
		"a: &a {x: [1]}\nb: {<<: *a}\nc: {<<: *a}\n": `{"a":{"x":[1]},"b":{"x":[1]},"c":{"x":[1]}}`,
		"%YAML 1.2\n---\na: 1\n...\n":                `{"a":1}`,
		"# a comment\n\n%YAML 1.1\n---\na: 1\n":      `{"a":1}`,
		"a: |\n  %YAML 1.2\n":                        `{"a":"%YAML 1.2\n"}`,
		"a: 1\n---\n":                                `{"a":1}`,
		"a: 1\n---\n# the end\n":                     `{"a":1}`,
		"a: &x {k: v}\nb: [" + strings.Repeat("*x, ", 999) + "*x]\nc: 1\n": `{"a":{"k":"v"},"b":[` + strings.Repeat(`{"k":"v"},`, 999) + `{"k":"v"}],"c":1}`,
	} {
		got, malformed := yamlToJSON(text)
		if malformed != nil || string(got.json) != want {
			t.Errorf("%.100s: %.200s %v, want %.200s", text, got.json, malformed, want)
		}
	}
}

func TestJSONDefinition(t *testing.T) {
	t.Parallel()
	def, id := read(t, ` { "id":"a", "displayName":"\ud83d\ude00 \/", "flows":[{"displayName":"F","steps":[{"inputs":{"x":{"json":"1.0"}}}]}] }`)
	if id != "a" || def.DisplayName != "😀 /" || def.Flows[0].Steps[0].Inputs["x"].Text != "1.0" {
		t.Errorf("definition %+v", def)
	}
}

// foreignSeed is a definition in the words of others.
const foreignSeed = `definitionVersion: 7
name: 012
requiredConfigVars: [{key: V, dataType: picklist, pickList: [a, 1_0]}, {key: C, dataType: connection, connection: {key: k, component: {key: c}}, inputs: {a: {type: value, value: no}}}]
configPages: [{name: P, elements: [{type: htmlElement, value: <b>x</b>}, {type: configVar, value: V}]}]
flows:
  - name: F
    steps:
      - {name: T, isTrigger: true, action: {key: webhook, component: {key: webhook-triggers}}}
      - {name: S, action: {key: a, component: {key: x}}, inputs: {a: {type: template, value: "{{#V}}"}, b: {type: complex, value: [and, [equal, {type: value, value: 1}]]}}}
`

func FuzzDefinition(f *testing.F) {
	for _, seed := range []string{acme, "a: &a [*a]", "{", "---\n---\n", "? a\n", "a: !!binary aGk=", "\ufeffa: b", "a: |\n  x\n", "%YAML 1.2\n---\na: 1", foreignSeed} {
		f.Add(seed)
	}
	a := New(Options{})
	f.Fuzz(func(t *testing.T, text string) {
		src, violations, err := a.readDefinition(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(violations) > 0 {
			return
		}
		first, err := writeDefinition(src.id, src.def)
		if err != nil {
			t.Fatalf("%q does not export: %v", text, err)
		}
		again, violations, err := a.readDefinition(first)
		if err != nil || len(violations) > 0 {
			t.Fatalf("%q does not import again: %v %v\n%s", text, err, violations, first)
		}
		second, err := writeDefinition(again.id, again.def)
		if err != nil || first != second {
			t.Errorf("%q: the second export differs (%v):\n%s\n%s", text, err, first, second)
		}
	})
}

// TestForeignJSON tells lines of a definition that is JSON, too.
func TestForeignJSON(t *testing.T) {
	t.Parallel()
	src, violations, err := New(Options{}).readDefinition(`{
  "name": "A",
  "trigger": {
    "name": "t",
    "odd": [
      1, {"a": 2}
    ]
  },
  "steps": [{"name": "s",
    "action": 5}]
}`)
	if err != nil {
		t.Fatal(err)
	}
	if len(violations) != 1 || !strings.HasPrefix(violations[0].Description, "line 10: ") {
		t.Errorf("the violations are %v, want one of line 10", violations)
	}
	lines := map[string]int{}
	for _, n := range src.notes {
		lines[n.Path] = src.lines.of(n.Path)
	}
	if lines["trigger.odd"] != 5 || lines["trigger"] != 3 || lines["steps"] != 9 {
		t.Errorf("the notes stand at %v", lines)
	}
}
