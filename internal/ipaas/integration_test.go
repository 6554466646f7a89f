package ipaas_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func TestDefinitionFindsByNameAndID(t *testing.T) {
	t.Parallel()
	d := &ipaas.Definition{
		Flows:           []ipaas.Flow{{ID: "a"}, {ID: "b"}},
		ConfigVariables: []ipaas.ConfigVariable{{ID: "x", DisplayName: "One"}, {ID: "y", DisplayName: "x"}},
	}
	if f, i := d.Flow("b"); f != &d.Flows[1] || i != 1 {
		t.Errorf("flow b = %v at %d", f, i)
	}
	if f, i := d.Flow("c"); f != nil || i != -1 {
		t.Errorf("flow c = %v at %d", f, i)
	}
	for name, want := range map[string]int{"One": 0, "x": 1, "y": 1, "z": -1} {
		if _, got := d.ConfigVariable(name); got != want {
			t.Errorf("config variable %q is at %d, want %d: a display name goes before an id", name, got, want)
		}
	}
}

func TestDefinitionHashTellsDefinitionsApart(t *testing.T) {
	t.Parallel()
	in := ipaas.Integration{Draft: sound()}
	same := sound()
	in.PublishedHash = same.Hash()
	if in.UnpublishedChanges() {
		t.Error("equal definitions have different hashes")
	}
	in.Draft.Flows[0].Steps[1].Inputs["url"] = ipaas.Literal("x")
	if !in.UnpublishedChanges() {
		t.Error("different definitions have one hash")
	}
}

func TestInputParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   ipaas.Input
		want string // what it stands for where there is nothing; empty: an error
	}{
		{"literal", ipaas.Literal([]any{value.Number("1.50")}), `[1.50]`},
		{"list", complexInput(ipaas.Literal("a"), complexInput(ipaas.Literal(nil))), `["a",[null]]`},
		{
			"named list", complexInput(
				withName("a", ipaas.Literal("x")),
				ipaas.Input{Kind: ipaas.InputJSON, Text: "1", NameFrom: &ipaas.Input{Kind: ipaas.InputTemplate, Text: "b"}}),
			`[{"key":"a","value":"x"},{"key":"b","value":1}]`,
		},
		{"reference", reference("a.results"), `null`},
		{"config variable", ipaas.Input{Kind: ipaas.InputConfigVariable, Text: "A"}, `null`},
		{"half named", complexInput(withName("a", ipaas.Literal("x")), ipaas.Literal("y")), ""},
		{"malformed item", complexInput(reference("..")), ""},
		{"malformed name", complexInput(ipaas.Input{Kind: ipaas.InputValue, Text: "1", NameFrom: &ipaas.Input{}}), ""},
		{"too deep", nestedInput(17), ""},
		{"empty", ipaas.Input{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			node, err := tt.in.Parse()
			if (err != nil) != (tt.want == "") {
				t.Fatalf("Parse: %v", err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, string(value.JSON(expr.Eval(node, nowhere{})))); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

// nowhere is a scope with nothing in it.
type nowhere struct{}

func (nowhere) Step(string) (any, bool)           { return nil, false }
func (nowhere) ConfigVariable(string) (any, bool) { return nil, false }
