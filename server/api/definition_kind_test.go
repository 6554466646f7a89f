package api

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
)

// TestDefinitionKind lets a file say what it describes, once and rightly.
func TestDefinitionKind(t *testing.T) {
	t.Parallel()
	a := &API{rules: newRules()}
	for _, tt := range []struct {
		name, text string
		want       string // the field of the only violation; "": none
		reason     ipaas.Reason
	}{
		{name: "yaml", text: "kind: Integration\nid: a\ndisplayName: A\n"},
		{name: "json", text: `{"kind": "Integration", "id": "a", "displayName": "A"}`},
		{name: "another kind", text: "id: a\nkind: Component\n", want: "kind", reason: ipaas.ReasonNotAChoice},
		{name: "no name", text: `{"kind": {"a": ["Integration"]}, "id": "a"}`, want: "kind", reason: ipaas.ReasonNotAChoice},
		{name: "not at the top", text: "id: a\nflows: [{displayName: F, kind: Flow}]\n", want: "flows[0].kind", reason: ipaas.ReasonUnknownField},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src, violations, err := a.readDefinition(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if len(violations) > 0 || src.id != "a" || src.def.DisplayName != "A" {
					t.Errorf("read id %q, name %q, violations %v: want a, A and none", src.id, src.def.DisplayName, violations)
				}
				return
			}
			if len(violations) != 1 || violations[0].Field != tt.want || violations[0].Reason != tt.reason {
				t.Errorf("violations are %v, want one of field %s with reason %s", violations, tt.want, tt.reason)
			}
			if strings.Contains(tt.text, "\n") && !strings.Contains(violations[0].Description, "line ") {
				t.Errorf("the violation names no line: %s", violations[0].Description)
			}
		})
	}
}
