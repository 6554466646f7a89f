package expr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/value"
)

func TestEvalOfEachKind(t *testing.T) {
	t.Parallel()
	s := scope{
		steps:  map[string]any{"trigger": parse(t, `{"results":{"webhookUrls":{"Sync Customer Data":"https://host/u1"},"body":{"data":{"id":1.0}}}}`)},
		config: map[string]any{"Region": "EU"},
	}
	tests := []struct {
		name string
		n    expr.Node
		want string // JSON
	}{
		{"nothing at all", nil, `null`},
		{"literal", expr.Literal(parse(t, `{"a":"{{$trigger.results}}"}`)), `{"a":"{{$trigger.results}}"}`},
		{"config variable", expr.ConfigVariable("Region"), `"EU"`},
		{"absent config variable", expr.ConfigVariable("Zone"), `null`},
		{"reference", ref(t, "trigger.results.webhookUrls.Sync Customer Data"), `"https://host/u1"`},
		{"template", tmpl(t, "{{#Region}}-{{$trigger.results.body.data.id}}"), `"EU-1.0"`},
		{"empty list", list(t), `[]`},
		{
			"list", list(t, expr.Item{Value: ref(t, "trigger.results.body.data.id")}, expr.Item{Value: list(t, expr.Item{Value: expr.Literal("x")})}),
			`[1.0,["x"]]`,
		},
		{
			"named list", list(t,
				expr.Item{Name: expr.Literal("b"), Value: expr.ConfigVariable("Region")},
				expr.Item{Name: tmpl(t, "a-{{#Region}}"), Value: ref(t, "absent.x")},
				expr.Item{Name: expr.Literal("b"), Value: list(t)}),
			`[{"key":"b","value":"EU"},{"key":"a-EU","value":null},{"key":"b","value":[]}]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(value.JSON(expr.Eval(tt.n, s))); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	deep := expr.Literal("x")
	for range value.MaxDepth {
		deep = list(t, expr.Item{Value: deep})
	}
	tests := []struct {
		name  string
		items []expr.Item
		want  string
	}{
		{"some names", []expr.Item{{Name: expr.Literal("a"), Value: expr.Literal("x")}, {Value: expr.Literal("y")}}, "1 of 2 items have a name"},
		{"no value", []expr.Item{{Value: expr.Literal("x")}, {Name: expr.Literal("a")}}, "items[1] has no value"},
		{"too deep", []expr.Item{{Value: deep}}, "nests too deep"},
		{"too deep in a name", []expr.Item{{Name: deep, Value: expr.Literal("x")}}, "nests too deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n, err := expr.List(tt.items)
			if n != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want %s", n, err, tt.want)
			}
		})
	}
}

func TestWalkNamesEveryExpressionWithItsPath(t *testing.T) {
	t.Parallel()
	n := list(t,
		expr.Item{Name: tmpl(t, "x{{#Name}}"), Value: ref(t, "a.b")},
		expr.Item{Name: expr.Literal("k"), Value: list(t,
			expr.Item{Value: tmpl(t, "{{$c.d}}{{#E}}{{$f}}")},
			expr.Item{Value: expr.ConfigVariable("G")},
		)},
	)
	var got []string
	expr.Walk(n, func(path string, n expr.Node) {
		switch n := n.(type) {
		case *expr.ReferenceNode:
			got = append(got, fmt.Sprintf("%s = $%s", path, n.Text))
		case *expr.ConfigVariableNode:
			got = append(got, fmt.Sprintf("%s = #%s", path, n.Name))
		default:
			got = append(got, fmt.Sprintf("%s %s", path, strings.TrimPrefix(fmt.Sprintf("%T", n), "*expr.")))
		}
	})
	want := []string{
		" ListNode",
		".complex.items[0].nameFrom TemplateNode",
		".complex.items[0].nameFrom = #Name",
		".complex.items[0] = $a.b",
		".complex.items[1].nameFrom LiteralNode",
		".complex.items[1] ListNode",
		".complex.items[1].complex.items[0] TemplateNode",
		".complex.items[1].complex.items[0] = $c.d",
		".complex.items[1].complex.items[0] = #E",
		".complex.items[1].complex.items[0] = $f",
		".complex.items[1].complex.items[1] = #G",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	expr.Walk(nil, func(path string, n expr.Node) { t.Errorf("nothing has %s %v", path, n) })
}

func TestEvalWithinBoundsTheTextsOfTemplatesTogether(t *testing.T) {
	t.Parallel()
	s := scope{steps: map[string]any{"a": strings.Repeat("x", 100)}}
	twice := tmpl(t, "{{$a}}{{$a}}")
	tests := []struct {
		name  string
		n     expr.Node
		limit int
		fits  bool
	}{
		{"as large as allowed", twice, 200, true},
		{"larger by one", twice, 199, false},
		{"a reference is no new text", list(t, expr.Item{Value: ref(t, "a")}, expr.Item{Value: tmpl(t, "{{$a}}")}), 0, true},
		{"several templates", list(t, expr.Item{Value: twice}, expr.Item{Value: twice}), 399, false},
		{"names count", list(t, expr.Item{Name: twice, Value: twice}), 399, false},
		{"several templates that fit", list(t, expr.Item{Name: twice, Value: twice}), 400, true},
		{"much", tmpl(t, strings.Repeat("{{$a}}", 100_000)), 1 << 20, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := expr.EvalWithin(tt.n, s, tt.limit)
			if tt.fits && err != nil || !tt.fits && (!errors.Is(err, expr.ErrTooLarge) || v != nil) {
				t.Errorf("got a value of kind %s, %v", value.Kind(v), err)
			}
			if want := expr.Eval(tt.n, s); tt.fits && !value.Equal(v, want) {
				t.Error("with the bound it is another value")
			}
		})
	}
}

func ExampleEval() {
	n, err := expr.Tmpl("Hello {{$trigger.results.body.data.name}}, {{ticket.id}} stays as it is.")
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := value.Parse([]byte(`{"results":{"body":{"data":{"name":"{{#Secret}}"}}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(expr.Eval(n, scope{steps: map[string]any{"trigger": body}}))
	// Output: Hello {{#Secret}}, {{ticket.id}} stays as it is.
}
