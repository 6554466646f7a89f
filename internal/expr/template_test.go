package expr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/value"
)

// describe writes the parts of a template in a form that cannot be taken for another.
func describe(n *expr.TemplateNode) []string {
	var parts []string
	for _, part := range n.Parts() {
		switch part := part.(type) {
		case *expr.LiteralNode:
			parts = append(parts, fmt.Sprintf("text %q", part.Value))
		case *expr.ReferenceNode:
			parts = append(parts, fmt.Sprintf("reference %s %q", part.Key, part.Path()))
		case *expr.ConfigVariableNode:
			if part.Block != "" {
				parts = append(parts, fmt.Sprintf("block %q", part.Block))
				continue
			}
			parts = append(parts, fmt.Sprintf("config %q", part.Name))
		default:
			parts = append(parts, fmt.Sprintf("%T", part))
		}
	}
	return parts
}

func TestParseTemplate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text   string
		want   []string
		single bool
	}{
		{"", nil, false},
		{"plain", []string{`text "plain"`}, false},
		{"{{$a.b}}", []string{`reference a ["b"]`}, true},
		{"{{#API Key}}", []string{`config "API Key"`}, true},
		{" {{$a.b}}", []string{`text " "`, `reference a ["b"]`}, false},
		{"{{$a}}{{#b}}", []string{`reference a []`, `config "b"`}, false},
		{"/x/{{$a.b.0}}?k={{#Key}}&z", []string{`text "/x/"`, `reference a ["b" "0"]`, `text "?k="`, `config "Key"`, `text "&z"`}, false},
		{"{{$ a.MY FLOW }}", []string{`reference a ["MY FLOW"]`}, true},
		{"{{# Bob's [\"Key\"] }}", []string{`config "Bob's [\"Key\"]"`}, true},
		{"{{#a [\"b}}", []string{`config "a [\"b"`}, true},
		{"{{ticket.id}} {{ $a }} {{$a}}", []string{`text "{{ticket.id}} {{ $a }} "`, `reference a []`}, false},
		{"{{{$a}}}", []string{`text "{"`, `reference a []`, `text "}"`}, false},
		{"{{{{$a}}", []string{`text "{{"`, `reference a []`}, false},
		{"{{#if a}}x{{else}}y{{/if}}", []string{`block "{{#if a}}"`, `text "x{{else}}y{{/if}}"`}, false},
		{"{{#each as |a|~}}{{#if a}}{{#b}}{{~/ if }}{{/each~}}", []string{`block "{{#each as |a|~}}"`, `block "{{#if a}}"`, `config "b"`, `text "{{~/ if }}{{/each~}}"`}, false},
		{"{{#>card}}{{/card}}", []string{`block "{{#>card}}"`, `text "{{/card}}"`}, false},
		{"{{/if}}{{#if a}}", []string{`text "{{/if}}"`, `config "if a"`}, false},
		{"{{", []string{`text "{{"`}, false},
		{"{{x", []string{`text "{{x"`}, false},
		{"{$a} $b #c }}", []string{`text "{$a} $b #c }}"`}, false},
		{`{{$a["}}"]}}`, []string{`reference a ["}}"]`}, true},
		{`{{$a["{{\"}}"].b}}!`, []string{`reference a ["{{\"}}" "b"]`, `text "!"`}, false},
		{`{{$a['}}']}}`, []string{`reference a ["}}"]`}, true},
		{"{{$a.Bob's Flow}} {{$a.Al's}}", []string{`reference a ["Bob's Flow"]`, `text " "`, `reference a ["Al's"]`}, false},
		{"é{{$ü.ß}}é", []string{`text "é"`, `reference ü ["ß"]`, `text "é"`}, false},
	}
	for _, tt := range tests {
		n, err := expr.ParseTemplate(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.want, describe(n)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
		if single := n.Single() != nil; single != tt.single || n.Text != tt.text {
			t.Errorf("%s: single is %t, text %q", tt.text, single, n.Text)
		}
	}
}

func TestParseTemplateRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"é{{$a.b", "in the braces at character 2: they are not closed: end them with }}"},
		{"{{#a}", "they are not closed"},
		{"{{$", "they are not closed"},
		{"Hi {{$a.b and {{$c.d}}", "in the braces at character 4: they are not closed"},
		{"{{#a {{b}}", "in the braces at character 1: they are not closed"},
		{`{{$a["}}`, "they are not closed"},
		{"{{x}} {{$}}", "in the braces at character 7: the reference is malformed: it is empty"},
		{"{{$ \n}}", "the reference is malformed: it is empty"},
		{"{{#}}", "the name of the config variable is empty"},
		{"{{# }}", "the name of the config variable is empty"},
		{"{{$a}} {{$a..b}}", `in the braces at character 8: the reference is malformed: a segment is empty`},
	}
	for _, tt := range tests {
		n, err := expr.ParseTemplate(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %+v, %v; want %s", tt.text, n, err, tt.want)
		}
		if n, err := expr.Tmpl(tt.text); n != nil || err == nil {
			t.Errorf("%q: Tmpl gave %v, %v", tt.text, n, err)
		}
	}
}

func TestTemplateJoinsWhatItsPartsStandFor(t *testing.T) {
	t.Parallel()
	s := scope{
		steps: map[string]any{"a": parse(t, `{"text":"x","number":1.50,"yes":true,"none":null,"list":[1,"a"],"object":{"b":1}}`)},
		config: map[string]any{
			"Key": "k", "Count": value.Number("7"), "Data": value.Bytes{Data: []byte("raw")}, "Image": value.Bytes{Data: []byte{0xff}},
			"Connection": &connection{Password: "s3cret"}, "Hidden": []any{&connection{Password: "s3cret"}},
		},
	}
	tests := map[string]any{
		"<{{$a.text}}>":                    "<x>",
		"{{$a.number}}/{{$a.yes}}":         "1.50/true",
		"[{{$a.none}}{{$a.absent}}{{$b}}]": "[]",
		"{{$a.list}} {{$a.object}}":        `[1,"a"] {"b":1}`,
		"{{#Key}}{{#Count}}{{#Absent}}":    "k7",
		"{{#Data}} {{#Image}}":             "raw /w==",
		"-{{#Connection}}-":                "--",
		"-{{#Hidden}}-":                    `-["not a value: *expr_test.connection"]-`,
		"":                                 "",
		"{{ticket.id}}":                    "{{ticket.id}}",
		// What opens a block of another language is text, unless there is a config variable of the name.
		"{{#if a}}{{$a.text}}{{/if}}": "{{#if a}}x{{/if}}",
		"{{#Key}}{{/Key}}":            "k{{/Key}}",
		// One reference alone keeps its type.
		"{{$a.number}}": value.Number("1.50"),
		"{{$a.yes}}":    true,
		"{{$a.absent}}": nil,
		"{{#Count}}":    value.Number("7"),
	}
	for text, want := range tests {
		if got := expr.Eval(tmpl(t, text), s); !value.Equal(got, want) {
			t.Errorf("%s: got %#v, want %#v", text, got, want)
		}
	}
	if got := expr.Eval(tmpl(t, "{{#Connection}}"), s); got != s.config["Connection"] {
		t.Errorf("a connection alone became %v", got)
	}
}

// TestTemplateTakesDataAsItIs fills templates with data that looks like templates.
func TestTemplateTakesDataAsItIs(t *testing.T) {
	t.Parallel()
	hostile := rapid.OneOf(rapid.SampledFrom([]string{"{{$secret.x}}", "{{#Secret}}", "{{", "}}", "$secret.x}}", "{{$", `"]}}`}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := hostile.Draw(t, "a"), hostile.Draw(t, "b"), hostile.Draw(t, "c")
		s := scope{
			steps:  map[string]any{"a": a, "b": value.Obj(value.Field{Key: b, Value: b}), "secret": value.Obj(value.Field{Key: "x", Value: "LEAKED"})},
			config: map[string]any{"C": c, "Secret": "LEAKED"},
		}
		n, err := expr.Tmpl("<{{$a}}{{#C}}|{{$b}}>{{$a}}")
		if err != nil {
			t.Fatal(err)
		}
		want := "<" + a + c + "|" + value.Text(s.steps["b"]) + ">" + a
		if got := expr.Eval(n, s); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func FuzzParseTemplate(f *testing.F) {
	for _, seed := range []string{
		"", "{{$a.b}}", "x {{#Config Var}} y", "{{ticket.id}}", "{{{$a}}}", `{{$a["}}"]}}`, "{{$", "{{#}}", "{{$a {{$b}}", "}}{{", "é{{$é.é}}",
	} {
		f.Add(seed, "{{$a.b}} {{#Config Var}}")
	}
	f.Fuzz(func(t *testing.T, text, data string) {
		n, err := expr.ParseTemplate(text)
		if err != nil {
			if n != nil || !strings.Contains(err.Error(), "at character ") {
				t.Fatalf("%q: %+v, %v", text, n, err)
			}
			return
		}
		got, err := expr.EvalWithin(n, everywhere{data}, 1<<20)
		if err != nil {
			return
		}
		if want := filled(n, data); value.Text(got) != want {
			t.Fatalf("%q filled with %q: got %v, want %q", text, data, got, want)
		}
	})
}

// everywhere gives the same text for every config variable and every step.
type everywhere struct{ data string }

func (e everywhere) Step(string) (any, bool)           { return e.data, true }
func (e everywhere) ConfigVariable(string) (any, bool) { return e.data, true }

// filled puts data, as it is, where the template has no text of its own.
func filled(n *expr.TemplateNode, data string) string {
	var b strings.Builder
	for _, part := range n.Parts() {
		switch part := part.(type) {
		case *expr.LiteralNode:
			b.WriteString(part.Value.(string))
		case *expr.ReferenceNode:
			if len(part.Path()) == 0 { // a text has no parts to lead to
				b.WriteString(data)
			}
		default:
			b.WriteString(data)
		}
	}
	return b.String()
}
