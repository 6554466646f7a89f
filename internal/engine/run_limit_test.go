package engine

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// payloadScope offers one large text as the results of the trigger.
type payloadScope struct{ text string }

func (s payloadScope) Step(string) (any, bool) {
	return value.Obj(value.Field{Key: "results", Value: s.text}), true
}
func (s payloadScope) ConfigVariable(string) (any, bool) { return nil, false }

func TestInputs_refuse_a_template_that_multiplies_a_payload(t *testing.T) {
	t.Parallel()
	node, err := expr.Tmpl(strings.Repeat("{{$trigger.results}}", 200))
	if err != nil {
		t.Fatal(err)
	}
	in := inputs{"data": node}
	_, wrong := in.resolve([]ipaas.InputField{{Key: "data", Type: ipaas.FieldText}}, payloadScope{strings.Repeat("x", 1<<20)})
	if len(wrong) != 1 || wrong[0].Reason != ipaas.ReasonTooLarge || wrong[0].Field != "inputs.data" {
		t.Errorf("violations = %v, expected one TOO_LARGE at inputs.data", wrong)
	}
}

func TestInputs_refuse_more_than_a_step_may_be_given(t *testing.T) {
	t.Parallel()
	part, err := expr.Ref("trigger.results")
	if err != nil {
		t.Fatal(err)
	}
	several := func(n int) expr.Node {
		items := make([]expr.Item, n)
		for i := range items {
			items[i].Value = part
		}
		list, err := expr.List(items)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	in := inputs{"few": several(3), "many": several(100)}
	_, wrong := in.evaluate(payloadScope{strings.Repeat("x", 1<<20)})
	if len(wrong) != 1 || wrong[0].Reason != ipaas.ReasonTooLarge || wrong[0].Field != "inputs.many" {
		t.Errorf("violations = %v, expected one TOO_LARGE at inputs.many", wrong)
	}
}
