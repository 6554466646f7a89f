package builtin_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func TestStartingFlows(t *testing.T) {
	t.Parallel()
	orders := value.Obj(value.Field{Key: "orders", Value: []any{value.FromInt(1)}})
	for name, c := range map[string]struct {
		action string
		in     map[string]any
		cursor any
		want   component.Result
		fails  string
	}{
		"with data": {
			action: "cross-flow.invokeFlow", in: map[string]any{"flowName": " Process Records ", "data": orders},
			want: component.Result{Invocations: []component.Invocation{{Flow: "Process Records", Data: orders, AsResult: true}}},
		},
		"without data":    {action: "cross-flow.invokeFlow", in: map[string]any{"flowName": "b"}, want: component.Result{Invocations: []component.Invocation{{Flow: "b", AsResult: true}}}},
		"of nothing":      {action: "cross-flow.invokeFlow", in: map[string]any{"flowName": "  "}, fails: `input "flowName" is empty: give the display name or the id of a flow`},
		"by its old name": {action: "cross-flow.triggerFlow", in: map[string]any{"flowName": "Customer Sync"}, want: component.Result{Invocations: []component.Invocation{{Flow: "Customer Sync", AsResult: true}}}},
		"itself": {
			action: "recursive-flow.invokeRecursive", cursor: "page 2",
			want: component.Result{Invocations: []component.Invocation{{Cursor: "page 2", Recursive: true, AsResult: true}}},
		},
		"get":            {action: "recursive-flow.getCursor", cursor: "page 2", want: component.Result{Data: "page 2"}},
		"get none":       {action: "recursive-flow.getCursor", want: component.Result{}},
		"set":            {action: "recursive-flow.setCursor", cursor: "page 2", in: map[string]any{"cursor": orders}, want: component.Result{Data: orders}},
		"set to nothing": {action: "recursive-flow.setCursor", cursor: "page 2", want: component.Result{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			action := actionNamed(t, c.action)
			in, wrong := component.Resolve(action.Inputs, c.in)
			if len(wrong) > 0 {
				t.Fatalf("the inputs are wrong: %+v", wrong)
			}
			got, err := action.Perform(t.Context(), component.Call{Inputs: in, Cursor: c.cursor, Log: func(ipaas.Severity, string) {}})
			wantError(t, err, c.fails)
			if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b *value.Object) bool { return string(value.Encode(a)) == string(value.Encode(b)) })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
