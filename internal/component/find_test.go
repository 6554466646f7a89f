package component_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// orders is a component whose orders can be found, updated and removed.
func orders() *component.Component {
	connection := ipaas.InputField{Key: "shop", Type: ipaas.FieldConnection, Required: true}
	return &component.Component{ID: "orders", Actions: []component.Action{
		{Action: ipaas.Action{
			Key: "create", Inputs: []ipaas.InputField{connection, {Key: "name"}, {Key: "secret", Secret: true}},
			Undo: &ipaas.Undo{Action: "delete", Inputs: map[string]string{"id": "{{$result.id}}"}},
			Find: &ipaas.Find{
				Action: "list", Inputs: map[string]string{"prefix": "{{$inputs.name}}"}, Items: "{{$result.orders}}",
				Match: ipaas.Match{Item: "{{$item.name}}!", Equals: "{{$inputs.name}}!"}, Result: "{{$item.order}}",
			},
			Update: &ipaas.Update{
				Action: "change", Inputs: map[string]string{"id": "{{$result.id}}", "name": "{{$inputs.name}}"}, Result: "{{$updated.order}}",
			},
		}},
		{Action: ipaas.Action{Key: "list", Inputs: []ipaas.InputField{connection, {Key: "prefix"}}}},
		{Action: ipaas.Action{Key: "change", Inputs: []ipaas.InputField{connection, {Key: "id"}, {Key: "name"}}}},
		{Action: ipaas.Action{Key: "delete", Inputs: []ipaas.InputField{connection, {Key: "id", Required: true}}}},
	}}
}

// answering is a Do that answers, and tells what it was asked for.
func answering(t *testing.T, answer string, asked *[]string) component.Do {
	t.Helper()
	return func(a *component.Action, in component.Inputs) (any, error) {
		if in.Connection("shop") == nil {
			t.Errorf("action %s got no connection", a.Key)
		}
		*asked = append(*asked, a.Key+" "+string(value.JSON(in.Object())))
		return parse(t, answer), nil
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	c := orders()
	in := component.Inputs{"shop": &component.Connection{}, "name": "a.b"}
	tests := []struct{ answer, want, err string }{
		{`{"orders":[{"name":"a.b","order":{"id":1}},{"name":"A.B","order":{"id":2}},{"order":{"id":3}},{"name":"a.b","order":{"id":4.0}}]}`, `[{"id":1},{"id":4.0}]`, ""},
		{`{"orders":[]}`, `[]`, ""},
		{`{}`, `[]`, ""},
		{`{"orders":{"name":"a.b"}}`, `[]`, `find of action "create": {{$result.orders}} gives an object, not a list`},
	}
	for _, tt := range tests {
		var asked []string
		found, err := component.Find(c, c.Action("create"), in, answering(t, tt.answer, &asked))
		if found == nil {
			found = []any{}
		}
		if message(err) != tt.err || string(value.JSON(found)) != tt.want {
			t.Errorf("%s gives %s, %v", tt.answer, value.JSON(found), err)
		}
		if diff := cmp.Diff([]string{`list {"prefix":"a.b"}`}, asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	}
	in["name"] = nil
	c.Actions[0].Find.Match.Equals = "{{$inputs.name}}"
	var asked []string
	if _, err := component.Find(c, c.Action("create"), in, answering(t, `{}`, &asked)); message(err) != `find of action "create": {{$inputs.name}} gives nothing to look for` {
		t.Errorf("without a name: %v", err)
	}
	refused := errors.New("refused")
	if _, err := component.Find(c, c.Action("create"), in, func(*component.Action, component.Inputs) (any, error) { return nil, refused }); !errors.Is(err, refused) {
		t.Errorf("a list that fails gives %v", err)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestUpdateAndUndo(t *testing.T) {
	t.Parallel()
	c := orders()
	in := component.Inputs{"shop": &component.Connection{}, "name": "new"}
	recorded := parse(t, `{"id":7}`)
	var asked []string
	result, err := component.Update(c, c.Action("create"), in, recorded, answering(t, `{"order":{"id":8}}`, &asked))
	if err != nil || string(value.JSON(result)) != `{"id":8}` {
		t.Errorf("the update gives %s, %v", value.JSON(result), err)
	}
	c.Actions[0].Update.Result = ""
	result, err = component.Update(c, c.Action("create"), in, recorded, answering(t, `{}`, &asked))
	if err != nil || !value.Equal(result, recorded) {
		t.Errorf("by default the update gives %s, %v", value.JSON(result), err)
	}
	if err := component.Undo(c, c.Action("create"), in, recorded, answering(t, `{}`, &asked)); err != nil {
		t.Error(err)
	}
	want := []string{`change {"id":"7","name":"new"}`, `change {"id":"7","name":"new"}`, `delete {"id":"7"}`}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestHoldsSecret(t *testing.T) {
	t.Parallel()
	a := orders().Action("create")
	for secret, want := range map[string]bool{"": false, "s3cret": true} {
		if got := component.HoldsSecret(a, component.Inputs{"name": "x", "secret": secret, "shop": &component.Connection{}}); got != want {
			t.Errorf("with the secret %q: %v", secret, got)
		}
	}
}
