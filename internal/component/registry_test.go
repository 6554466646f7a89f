package component_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	old := &component.Component{ID: "acme", Version: 1}
	acme := &component.Component{
		ID: "acme", DisplayName: "Acme", Version: 2, ConnectionTypes: []ipaas.ConnectionType{{Key: "apiKey"}},
		Actions:  []component.Action{{Action: ipaas.Action{Key: "first"}}, {Action: ipaas.Action{Key: "second"}}},
		Triggers: []component.Trigger{{TriggerType: ipaas.TriggerType{Key: "hook"}}},
	}
	before := component.NewRegistry(&component.Component{ID: "zeta"}, old)
	r := before.With(acme)
	if c, a := r.Action("acme.second"); c != acme || a != &acme.Actions[1] {
		t.Error("the action is not found")
	}
	if c, tr := r.Trigger("acme.hook"); c != acme || tr != &acme.Triggers[0] {
		t.Error("the trigger is not found")
	}
	for _, name := range []string{"", "acme", "acme.", "acme.third", "beta.first", "acme.first.x"} {
		if _, a := r.Action(name); a != nil {
			t.Errorf("%q is an action", name)
		}
		if _, tr := r.Trigger(name); tr != nil {
			t.Errorf("%q is a trigger", name)
		}
	}
	if acme.ConnectionType("apiKey") == nil || acme.ConnectionType("basic") != nil {
		t.Error("connection types are not found by their keys")
	}
	if before.Component("acme") != old {
		t.Error("With changed the registry it was called on")
	}
	var ids []string
	for _, c := range r.All() {
		ids = append(ids, c.ID)
	}
	if diff := cmp.Diff([]string{"acme", "zeta"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	want := ipaas.Component{
		ID: "acme", UID: "acme", DisplayName: "Acme", Kind: ipaas.ComponentBuiltin, Version: 2, ConnectionTypes: acme.ConnectionTypes,
		Actions: []ipaas.Action{{Key: "first"}, {Key: "second"}}, Triggers: []ipaas.TriggerType{{Key: "hook"}},
	}
	if diff := cmp.Diff(want, acme.Describe()); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
}
