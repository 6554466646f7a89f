package storagetest

import (
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

var registrationSentences = []sentence{
	{"rivals_are_what_may_exist_of_the_same_customer_action_and_target", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		for _, id := range []string{"i", "j", "gone"} {
			w.active(id)
		}
		w.owned("other", "another")
		one, own, others, left := w.created("i", ""), w.created("i", ""), w.created("j", ""), w.created("gone", "")
		w.created("other", "")
		settled := w.created("j", "")
		check(t, s.SettleRegistration(t.Context(), settled.ID, ipaas.RegistrationRemoved, "", at(900)))
		w.delete("gone")
		rivals := ids(got(s.ListRivals(t.Context(), one.ID))(t), func(r ipaas.Registration) string { return r.ID })
		same(t, "rivals", []string{own.ID, others.ID, left.ID}, rivals)
		_, err := s.ListRivals(t.Context(), "nothing")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"twins_may_stand_for_the_same_object_of_a_customer_or_a_test", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		for _, id := range []string{"i", "j"} {
			w.active(id)
		}
		w.owned("other", "another")
		one, own, others, strangers := w.created("i", ""), w.created("i", ""), w.created("j", ""), w.created("other", "")
		tests := w.created(ipaas.TestInstanceID("erp"), "")
		intent, settled, unlike := w.intent("j", ""), w.created("i", ""), w.created("i", "")
		check(t, s.SettleRegistration(t.Context(), settled.ID, ipaas.RegistrationRemovePending, "", at(900)))
		unlike.RemoteID = "unlike"
		check(t, s.RestoreRegistration(t.Context(), unlike, at(900)))
		twins := ids(got(s.ListTwins(t.Context(), one.ID, one.RemoteID))(t), func(r ipaas.Registration) string { return r.ID })
		same(t, "twins", []string{own.ID, others.ID, tests.ID, intent.ID}, twins)
		twins = ids(got(s.ListTwins(t.Context(), tests.ID, ""))(t), func(r ipaas.Registration) string { return r.ID })
		same(t, "twins of a test's", []string{one.ID, own.ID, others.ID, strangers.ID, intent.ID}, twins)
		twins = ids(got(s.ListTwins(t.Context(), one.ID, "unlike"))(t), func(r ipaas.Registration) string { return r.ID })
		same(t, "twins of another remote id", []string{intent.ID, unlike.ID}, twins)
		_, err := s.ListTwins(t.Context(), "nothing", "")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"an_intent_comes_back_as_it_was_given_with_the_next_sequence", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.active("j")
		for n := range 3 {
			r := w.intent("i", "")
			if r.Sequence != int64(n+1) || r.State != ipaas.RegistrationIntent {
				t.Errorf("registration is %+v, want sequence %d", r, n+1)
			}
			same(t, "stored", r, w.registration("i", r.ID))
		}
		if r := w.intent("j", ""); r.Sequence != 1 {
			t.Errorf("another instance counts on from %d", r.Sequence)
		}
		_, err := s.BeginRegistration(t.Context(), ipaas.Registration{ID: "r", InstanceID: "nobody"})
		wantKind(t, err, ipaas.NotFound, "")
		taken := w.intent("i", "")
		_, err = s.BeginRegistration(t.Context(), ipaas.Registration{ID: taken.ID, InstanceID: "i"})
		wantKind(t, err, ipaas.Exists, "")
	}},
	{"an_intent_of_a_deployment_is_used_by_it", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		w.intent("i", "")
		one, two := w.intent("i", d.ID), w.intent("i", d.ID)
		same(t, "used", []ipaas.Registration{one, two}, got(s.UsedRegistrations(t.Context(), d.ID))(t))
		_, err := s.UsedRegistrations(t.Context(), "nothing")
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.BeginRegistration(t.Context(), ipaas.Registration{ID: "r", InstanceID: "i", DeploymentID: "nothing"})
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_deployment_that_does_not_run_creates_nothing", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		got(s.BeginRollback(t.Context(), d.ID, ipaas.DeploymentError{}, false, start))(t)
		_, err := s.BeginRegistration(t.Context(), ipaas.Registration{ID: "r", InstanceID: "i", DeploymentID: d.ID})
		wantKind(t, err, ipaas.Conflict, "")
	}},
	{"only_a_created_one_is_used", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		r := w.intent("i", "")
		d := w.begin("i", definition("ERP", "orders"))
		wantKind(t, s.UseRegistration(t.Context(), r.ID, d.ID), ipaas.Conflict, "")
		check(t, s.SettleRegistration(t.Context(), r.ID, ipaas.RegistrationCreated, "", start))
		check(t, s.UseRegistration(t.Context(), r.ID, d.ID))
		check(t, s.UseRegistration(t.Context(), r.ID, d.ID))
		same(t, "used", []string{r.ID}, registrationIDs(got(s.UsedRegistrations(t.Context(), d.ID))(t)))
		wantKind(t, s.UseRegistration(t.Context(), r.ID, "nothing"), ipaas.NotFound, "")
		wantKind(t, s.UseRegistration(t.Context(), "nothing", d.ID), ipaas.NotFound, "")
	}},
	{"the_newest_created_one_under_a_key_is_found", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		_, err := s.FindRegistration(t.Context(), "i", "orders", "post")
		wantKind(t, err, ipaas.NotFound, "")
		w.created("i", "")
		newer := w.created("i", "")
		w.intent("i", "")
		same(t, "found", newer, got(s.FindRegistration(t.Context(), "i", "orders", "post"))(t))
		for _, other := range [][2]string{{"items", "post"}, {"orders", "other"}} {
			_, err = s.FindRegistration(t.Context(), "i", other[0], other[1])
			wantKind(t, err, ipaas.NotFound, "")
		}
		_, err = s.FindRegistration(t.Context(), "nobody", "orders", "post")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"settling_moves_it_and_keeps_the_error", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		want := w.intent("i", "")
		check(t, s.SettleRegistration(t.Context(), want.ID, ipaas.RegistrationRemoveFailed, "403", at(99)))
		want.State, want.Error, want.UpdateTime = ipaas.RegistrationRemoveFailed, "403", at(99)
		same(t, "registration", want, w.registration("i", want.ID))
		check(t, s.SettleRegistration(t.Context(), want.ID, ipaas.RegistrationRemoved, "", at(100)))
		want.State, want.Error, want.UpdateTime = ipaas.RegistrationRemoved, "", at(100)
		same(t, "registration", want, w.registration("i", want.ID))
		wantKind(t, s.SettleRegistration(t.Context(), "nothing", ipaas.RegistrationRemoved, "", start), ipaas.NotFound, "")
	}},
	{"an_update_keeps_what_was_before_and_loses_the_hash", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		want := w.created("i", "")
		w.created("i", "")
		d := w.begin("i", definition("ERP", "orders"))
		begun := got(s.BeginUpdate(t.Context(), want.ID, d.ID, "before", at(900)))(t)
		want.ChangedBy, want.BeforeImage, want.InputsHash, want.Sequence, want.UpdateTime = d.ID, "before", "", 3, at(900)
		same(t, "begun", want, begun)
		same(t, "stored", want, w.registration("i", want.ID))
		same(t, "used", []string{want.ID}, registrationIDs(got(s.UsedRegistrations(t.Context(), d.ID))(t)))
		again := got(s.BeginUpdate(t.Context(), want.ID, d.ID, "later", at(901)))(t)
		if again.BeforeImage != "before" {
			t.Errorf("a second update replaced the first image by %q", again.BeforeImage)
		}
		intent := w.intent("i", "")
		_, err := s.BeginUpdate(t.Context(), intent.ID, d.ID, "before", start)
		wantKind(t, err, ipaas.Conflict, "")
		_, err = s.BeginUpdate(t.Context(), "nothing", d.ID, "before", start)
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.BeginUpdate(t.Context(), want.ID, "nothing", "before", start)
		wantKind(t, err, ipaas.NotFound, "")
		got(s.BeginRollback(t.Context(), d.ID, ipaas.DeploymentError{}, true, start))(t)
		_, err = s.BeginUpdate(t.Context(), want.ID, d.ID, "before", start)
		wantKind(t, err, ipaas.Conflict, "")
	}},
	{"restoring_makes_it_what_it_was", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		r := w.created("i", "")
		d := w.begin("i", definition("ERP", "orders"))
		want := got(s.BeginUpdate(t.Context(), r.ID, d.ID, "before", at(900)))(t)
		check(t, s.SettleRegistration(t.Context(), r.ID, ipaas.RegistrationCreated, "it failed once", at(901)))
		want.ComponentVersion, want.ExecutionID, want.ConfigRevision, want.InputsHash = 7, "exe-7", 7, "hash-7"
		want.InputsSealed, want.ResultSealed, want.RemoteID = "inputs-7", "result-7", "remote-7"
		check(t, s.RestoreRegistration(t.Context(), want, at(902)))
		want.BeforeImage, want.Error, want.UpdateTime = "", "", at(902)
		same(t, "restored", want, w.registration("i", r.ID))
		wantKind(t, s.RestoreRegistration(t.Context(), ipaas.Registration{ID: "nothing"}, start), ipaas.NotFound, "")
	}},
	{"what_could_not_be_restored_is_changed_by_whoever_uses_it_next", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		r, untouched := w.created("i", ""), w.created("i", "")
		first := w.begin("i", definition("ERP", "orders"))
		got(s.BeginUpdate(t.Context(), r.ID, first.ID, "before", start))(t)
		w.fail(first.ID)
		second := w.begin("i", definition("ERP", "orders"))
		check(t, s.UseRegistration(t.Context(), r.ID, second.ID))
		check(t, s.UseRegistration(t.Context(), untouched.ID, second.ID))
		if r := w.registration("i", r.ID); r.ChangedBy != second.ID || r.BeforeImage != "before" {
			t.Errorf("registration is %+v", r)
		}
		if r := w.registration("i", untouched.ID); r.ChangedBy != "" {
			t.Errorf("a registration that was only used is changed by %s", r.ChangedBy)
		}
		got(s.CommitDeployment(t.Context(), second.ID, start, storage.Takeover{}))(t)
		if r := w.registration("i", r.ID); r.ChangedBy != second.ID || r.BeforeImage != "" {
			t.Errorf("after the commit the registration is %+v", r)
		}
	}},
	{"they_are_listed_in_their_order_by_state", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one, two, three := w.intent("i", ""), w.created("i", ""), w.intent("i", "")
		list := func(states ...ipaas.RegistrationState) []string {
			return registrationIDs(got(s.ListRegistrations(t.Context(), "i", states...))(t))
		}
		same(t, "all", []string{one.ID, two.ID, three.ID}, list())
		same(t, "intents", []string{one.ID, three.ID}, list(ipaas.RegistrationIntent))
		same(t, "two states", []string{one.ID, two.ID, three.ID}, list(ipaas.RegistrationCreated, ipaas.RegistrationIntent))
		same(t, "none", nil, list(ipaas.RegistrationRemoved))
		_, err := s.ListRegistrations(t.Context(), "nobody")
		wantKind(t, err, ipaas.NotFound, "")
	}},
}
