package component_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func creating(undo *ipaas.Undo) *component.Action {
	return &component.Action{Action: ipaas.Action{Key: "create", Undo: undo}}
}

func TestUndoInputs(t *testing.T) {
	t.Parallel()
	a := creating(&ipaas.Undo{Action: "remove", Inputs: map[string]string{
		"id": "{{$result.webhook.id}}", "path": "{{$inputs.account}}/{{$result.webhook.id}}", "optional": "{{$inputs.none}}", "fixed": "x", "empty": "",
	}})
	got, err := component.UndoInputs(a, parse(t, `{"webhook":{"id":7.0}}`), component.Inputs{"account": "acc"})
	want := map[string]any{"id": value.Number("7.0"), "path": "acc/7.0", "optional": nil, "fixed": "x", "empty": ""}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestUndoInputsSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		action *component.Action
		result string
		want   string
	}{
		{creating(nil), `{}`, `action "create" declares no undo`},
		{
			creating(&ipaas.Undo{Inputs: map[string]string{"id": "{{$result.id}}"}}), `{"ID":1}`,
			`undo of action "create": input "id": {{$result.id}} gives nothing: the result does not tell what to remove; correct the template, or what the action takes for its result`,
		},
		{
			creating(&ipaas.Undo{Inputs: map[string]string{"id": "{{$result.id"}}), `{}`,
			`undo of action "create": input "id": `, // and what is malformed
		},
	}
	for _, tt := range tests {
		got, err := component.UndoInputs(tt.action, parse(t, tt.result), nil)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || got != nil {
			t.Errorf("got %v, %v; want %s", got, err, tt.want)
		}
	}
}

func TestRemoteID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		undo         *ipaas.Undo
		result, want string
	}{
		{nil, `{"id":1}`, ""},
		{&ipaas.Undo{}, `{"id":"wh_1"}`, "wh_1"},
		{&ipaas.Undo{}, `{"id":12345678901234567890}`, "12345678901234567890"},
		{&ipaas.Undo{}, `"text"`, ""},
		{&ipaas.Undo{RemoteID: "{{$inputs.account}}/{{$result.hook.key}}"}, `{"hook":{"key":"k"}}`, "acc/k"},
		{&ipaas.Undo{RemoteID: "{{$result"}, `{}`, ""},
	}
	for _, tt := range tests {
		if got := component.RemoteID(creating(tt.undo), parse(t, tt.result), component.Inputs{"account": "acc"}); got != tt.want {
			t.Errorf("%+v of %s: got %q, want %q", tt.undo, tt.result, got, tt.want)
		}
	}
}
