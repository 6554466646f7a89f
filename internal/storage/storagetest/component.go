package storagetest

import (
	"fmt"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

func component(id string, version int) ipaas.Component {
	return ipaas.Component{
		ID: id, UID: "uid-" + id, DisplayName: fmt.Sprintf("Component %s %d", id, version), Kind: ipaas.ComponentDeclarative, Version: version,
		Actions:    []ipaas.Action{{Key: "post", Request: &ipaas.HTTPRequest{Method: "POST", URL: "https://x", Headers: map[string]string{"A": "b"}}}},
		CreateTime: start, UpdateTime: at(version),
	}
}

func builtin(id, name string) ipaas.Component {
	return ipaas.Component{ID: id, UID: id, DisplayName: name, Kind: ipaas.ComponentBuiltin, Version: 1, Actions: []ipaas.Action{{Key: "a"}}}
}

func componentIDs(t *testing.T, s storage.Store) []string {
	t.Helper()
	return ids(got(s.ListComponents(t.Context(), storage.Query{Size: 100}))(t).Items, func(c ipaas.Component) string { return c.ID })
}

var componentSentences = []sentence{
	{"a_component_comes_back_as_it_was_given", func(t *testing.T, s storage.Store) {
		check(t, s.CreateComponent(t.Context(), component("acme", 1), no))
		same(t, "component", component("acme", 1), got(s.GetComponent(t.Context(), "acme", 0))(t))
		wantKind(t, s.CreateComponent(t.Context(), component("acme", 1), no), ipaas.Exists, "")
		_, err := s.GetComponent(t.Context(), "other", 0)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"an_update_adds_a_version_and_earlier_ones_stay_readable", func(t *testing.T, s storage.Store) {
		check(t, s.CreateComponent(t.Context(), component("acme", 1), no))
		check(t, s.UpdateComponent(t.Context(), component("acme", 2), 1, no))
		check(t, s.UpdateComponent(t.Context(), component("acme", 3), 0, no))
		for version, want := range []int{3, 1, 2, 3} {
			same(t, fmt.Sprint(version), component("acme", want), got(s.GetComponent(t.Context(), "acme", version))(t))
		}
		_, err := s.GetComponent(t.Context(), "acme", 4)
		wantKind(t, err, ipaas.NotFound, "")
		same(t, "list", []ipaas.Component{component("acme", 3)}, got(s.ListComponents(t.Context(), storage.Query{Size: 9}))(t).Items)
	}},
	{"which_components_are_declarative_and_in_which_version_is_told_at_once", func(t *testing.T, s storage.Store) {
		heads := func(ids ...string) []storage.ComponentHead {
			t.Helper()
			return got(s.DeclarativeComponents(t.Context(), ids))(t)
		}
		got(s.SyncBuiltinComponents(t.Context(), []ipaas.Component{builtin("a", "A")}, at(1)))(t)
		check(t, s.CreateComponent(t.Context(), component("other", 1), no))
		same(t, "before", nil, heads("a", "acme"))
		check(t, s.CreateComponent(t.Context(), component("acme", 1), no))
		check(t, s.UpdateComponent(t.Context(), component("acme", 2), 1, no))
		want := []storage.ComponentHead{{ID: "other", UID: "uid-other", Version: 1}, {ID: "acme", UID: "uid-acme", Version: 2}}
		same(t, "both", want, heads("other", "unknown", "a", "acme"))
		check(t, s.DeleteComponent(t.Context(), "acme", 0, no))
		same(t, "deleted", want[:1], heads("other", "acme"))
		again := component("acme", 1)
		again.UID = "another"
		check(t, s.CreateComponent(t.Context(), again, no))
		same(t, "another one", []storage.ComponentHead{{ID: "acme", UID: "another", Version: 1}}, heads("acme"))
	}},
	{"an_update_must_follow_the_latest_version", func(t *testing.T, s storage.Store) {
		check(t, s.CreateComponent(t.Context(), component("acme", 1), no))
		wantKind(t, s.UpdateComponent(t.Context(), component("acme", 3), 1, no), ipaas.Conflict, "")
		wantKind(t, s.UpdateComponent(t.Context(), component("acme", 1), 1, no), ipaas.Conflict, "")
		wantKind(t, s.UpdateComponent(t.Context(), component("acme", 2), 2, no), ipaas.Conflict, ipaas.ReasonStaleEtag)
		wantKind(t, s.UpdateComponent(t.Context(), component("other", 1), 0, no), ipaas.NotFound, "")
	}},
	{"built_in_components_are_exactly_those_given", func(t *testing.T, s storage.Store) {
		sync := func(now int, list ...ipaas.Component) {
			t.Helper()
			same(t, "skipped", nil, got(s.SyncBuiltinComponents(t.Context(), list, at(now)))(t))
		}
		sync(1, builtin("a", "A"), builtin("b", "B"))
		sync(2, builtin("b", "B"), builtin("c", "C"))
		same(t, "ids", []string{"b", "c"}, componentIDs(t, s))
		sync(3, builtin("b", "B"), builtin("c", "C changed"))
		b, c := got(s.GetComponent(t.Context(), "b", 0))(t), got(s.GetComponent(t.Context(), "c", 1))(t)
		if !b.CreateTime.Equal(at(1)) || !b.UpdateTime.Equal(at(1)) {
			t.Errorf("b, which never changed, was changed: %+v", b)
		}
		if c.DisplayName != "C changed" || !c.CreateTime.Equal(at(2)) || !c.UpdateTime.Equal(at(3)) {
			t.Errorf("c did not change: %+v", c)
		}
		changed := builtin("c", "C 2")
		changed.Version = 2
		sync(4, changed)
		_, err := s.GetComponent(t.Context(), "c", 1)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_declarative_component_keeps_its_id_from_a_built_in_one", func(t *testing.T, s storage.Store) {
		check(t, s.CreateComponent(t.Context(), component("acme", 1), no))
		skipped := got(s.SyncBuiltinComponents(t.Context(), []ipaas.Component{builtin("acme", "A"), builtin("b", "B")}, start))(t)
		same(t, "skipped", []string{"acme"}, skipped)
		same(t, "component", component("acme", 1), got(s.GetComponent(t.Context(), "acme", 0))(t))
		got(s.SyncBuiltinComponents(t.Context(), nil, start))(t)
		same(t, "left", []string{"acme"}, componentIDs(t, s))
	}},
	{"a_built_in_component_is_read_only", func(t *testing.T, s storage.Store) {
		got(s.SyncBuiltinComponents(t.Context(), []ipaas.Component{builtin("b", "B")}, start))(t)
		wantKind(t, s.UpdateComponent(t.Context(), component("b", 2), 0, no), ipaas.Precondition, ipaas.ReasonReadOnly)
		wantKind(t, s.DeleteComponent(t.Context(), "b", 0, no), ipaas.Precondition, ipaas.ReasonReadOnly)
		wantKind(t, s.CreateComponent(t.Context(), component("b", 1), no), ipaas.Exists, "")
	}},
	{"a_deleted_component_is_forgotten_with_all_versions", func(t *testing.T, s storage.Store) {
		check(t, s.CreateComponent(t.Context(), component("acme", 1), no))
		check(t, s.UpdateComponent(t.Context(), component("acme", 2), 0, no))
		wantKind(t, s.DeleteComponent(t.Context(), "acme", 1, no), ipaas.Conflict, ipaas.ReasonStaleEtag)
		check(t, s.DeleteComponent(t.Context(), "acme", 2, no))
		_, err := s.GetComponent(t.Context(), "acme", 1)
		wantKind(t, err, ipaas.NotFound, "")
		wantKind(t, s.DeleteComponent(t.Context(), "acme", 0, no), ipaas.NotFound, "")
		check(t, s.CreateComponent(t.Context(), component("acme", 1), no))
	}},
	{"a_component_that_a_draft_or_version_names_is_not_deleted", func(t *testing.T, s storage.Store) {
		newWorld(t, s) // version 1 and the draft have steps of acme
		check(t, s.CreateComponent(t.Context(), component("acme", 1), no))
		wantKind(t, s.DeleteComponent(t.Context(), "acme", 0, no), ipaas.Precondition, ipaas.ReasonInUse)
		in := got(s.GetIntegration(t.Context(), "erp"))(t)
		in.Draft = definition("Empty")
		check(t, s.UpdateIntegration(t.Context(), in, 0, no))
		wantKind(t, s.DeleteComponent(t.Context(), "acme", 0, no), ipaas.Precondition, ipaas.ReasonInUse)
		check(t, s.DeleteIntegration(t.Context(), "erp", 0, no))
		check(t, s.DeleteComponent(t.Context(), "acme", 0, no))
	}},
	{"inner_steps_branches_triggers_and_connections_name_components", func(t *testing.T, s storage.Store) {
		d := definition("Deep", "a")
		d.Flows[0].Trigger.Type = "in-trigger.t"
		d.Flows[0].Steps = []ipaas.Step{{
			ID: "l", Action: "loops.each",
			Steps:    []ipaas.Step{{ID: "i", Action: "in-loop.x"}},
			Branches: []ipaas.Branch{{Name: "b", Steps: []ipaas.Step{{ID: "j", Action: "in-branch.x"}}}},
		}}
		d.ConfigVariables = []ipaas.ConfigVariable{{ID: "c", Type: ipaas.ConfigConnection, ConnectionType: "in-connection.key"}}
		in, test := integration("deep", d)
		check(t, s.CreateIntegration(t.Context(), in, test, no))
		for _, id := range []string{"in-trigger", "in-loop", "in-branch", "in-connection"} {
			check(t, s.CreateComponent(t.Context(), component(id, 1), no))
			wantKind(t, s.DeleteComponent(t.Context(), id, 0, no), ipaas.Precondition, ipaas.ReasonInUse)
		}
	}},
	{"a_component_that_a_registration_was_made_with_is_not_deleted", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		check(t, s.CreateComponent(t.Context(), component("other", 1), no))
		r := ipaas.Registration{ID: "r", InstanceID: "i", FlowID: "orders", Action: "other.post", ComponentVersion: 1, CreateTime: start, UpdateTime: start}
		got(s.BeginRegistration(t.Context(), r))(t)
		for _, state := range []ipaas.RegistrationState{
			ipaas.RegistrationIntent, ipaas.RegistrationCreated, ipaas.RegistrationRemovePending, ipaas.RegistrationRemoveFailed,
		} {
			check(t, s.SettleRegistration(t.Context(), "r", state, "", start))
			wantKind(t, s.DeleteComponent(t.Context(), "other", 0, no), ipaas.Precondition, ipaas.ReasonInUse)
		}
		check(t, s.SettleRegistration(t.Context(), "r", ipaas.RegistrationRemoved, "", start))
		check(t, s.DeleteComponent(t.Context(), "other", 0, no))
	}},
}
