package storagetest

import (
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

var instanceSentences = []sentence{
	{"an_undeployment_is_unfinished_until_it_ends_or_a_deployment_succeeds", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		unfinished := func() []string {
			var found []string
			for _, in := range got(s.UnfinishedUndeployments(t.Context()))(t) {
				if in.Generation != 1 || in.State != ipaas.InstanceUndeployed {
					t.Errorf("unfinished: %+v", in)
				}
				found = append(found, in.ID)
			}
			return found
		}
		for _, id := range []string{"i", "j", "k", "never"} {
			if w.instance(id); id != "never" {
				w.deploy(id, definition("ERP", "orders"))
			}
			got(s.BeginRemoval(t.Context(), id, ipaas.InstanceUndeployed, 0, at(w.next()), no))(t)
		}
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, at(w.next()), no))(t) // again
		same(t, "begun", []string{"i", "j", "k"}, unfinished())
		check(t, s.FinishUndeployment(t.Context(), "i"))
		w.deploy("j", definition("ERP", "orders"))
		same(t, "ended or deployed", []string{"k"}, unfinished())
		got(s.BeginRemoval(t.Context(), "k", ipaas.InstanceDeleting, 0, at(w.next()), no))(t)
		same(t, "deleting", nil, unfinished())
		wantKind(t, s.FinishUndeployment(t.Context(), "nothing"), ipaas.NotFound, "")
	}},
	{"an_instance_comes_back_as_it_was_given", func(t *testing.T, s storage.Store) {
		newWorld(t, s)
		in := instance("i", "uid-i")
		check(t, s.CreateInstance(t.Context(), in, nil, no))
		same(t, "instance", in, got(s.GetInstance(t.Context(), "i"))(t))
		wantKind(t, s.CreateInstance(t.Context(), instance("i", "other"), nil, no), ipaas.Exists, "")
		_, err := s.GetInstance(t.Context(), "j")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"an_unknown_customer_or_integration_is_not_found", func(t *testing.T, s storage.Store) {
		newWorld(t, s)
		in := instance("i", "uid-i")
		in.CustomerID = "nobody"
		wantKind(t, s.CreateInstance(t.Context(), in, nil, no), ipaas.NotFound, "")
		in.CustomerID, in.IntegrationID = "progix", "nothing"
		wantKind(t, s.CreateInstance(t.Context(), in, nil, no), ipaas.NotFound, "")
	}},
	{"an_update_replaces_names_labels_and_config_only", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		want := w.active("i")
		in := want
		in.DisplayName, in.Description, in.Labels, in.UpdateTime = "New", "", nil, at(99)
		in.Config = ipaas.Config{Revision: 2, Values: map[string]ipaas.ConfigValue{"url": {JSON: `"https://new"`}}}
		want.DisplayName, want.Description, want.Labels, want.UpdateTime, want.Config = in.DisplayName, in.Description, nil, at(99), in.Config
		want.Revision++
		in.State, in.Paused, in.Version, in.Generation = ipaas.InstanceCreated, true, 9, 9
		check(t, s.UpdateInstance(t.Context(), in, in.Revision, no))
		same(t, "instance", want, w.get("i"))
		if !want.NeedsDeploy() {
			t.Error("the instance does not need to be deployed though its config has changed")
		}
	}},
	{"earlier_configs_stay_readable", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.instance("i")
		first := in.Config
		in.Config = ipaas.Config{Revision: 2, Values: map[string]ipaas.ConfigValue{"a": {Inputs: map[string]ipaas.ConfigValue{"k": {Sealed: "x"}}}}}
		check(t, s.UpdateInstance(t.Context(), in, 0, no))
		same(t, "first", first, got(s.GetConfig(t.Context(), "i", 1))(t))
		same(t, "second", in.Config, got(s.GetConfig(t.Context(), "i", 2))(t))
		same(t, "none", ipaas.Config{}, got(s.GetConfig(t.Context(), "i", 0))(t))
		_, err := s.GetConfig(t.Context(), "i", 3)
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.GetConfig(t.Context(), "j", 0)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_config_revision_that_someone_else_has_taken_is_stale", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.instance("i")
		mine := in
		mine.Config = ipaas.Config{Revision: 2, Values: map[string]ipaas.ConfigValue{"a": {JSON: "1"}}}
		check(t, s.UpdateInstance(t.Context(), mine, 0, no))
		theirs := in
		theirs.Config = ipaas.Config{Revision: 2, Values: map[string]ipaas.ConfigValue{"a": {JSON: "2"}}}
		wantKind(t, s.UpdateInstance(t.Context(), theirs, 0, no), ipaas.Conflict, ipaas.ReasonStaleEtag)
		wantKind(t, s.UpdateInstance(t.Context(), in, 0, no), ipaas.Conflict, ipaas.ReasonStaleEtag)
		check(t, s.UpdateInstance(t.Context(), mine, 0, no))
		same(t, "config", mine.Config, w.get("i").Config)
	}},
	{"standard_instances_are_listed_by_id_without_tombstones", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		for _, id := range []string{"c", "a", "b"} {
			w.instance(id)
		}
		w.delete("b")
		page := got(s.ListInstances(t.Context(), storage.Query{Size: 9}))(t)
		same(t, "list", []ipaas.Instance{w.get("a"), w.get("c")}, page.Items)
	}},
	{"pausing_sets_or_changes_the_mode", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		want := w.active("i")
		for n, mode := range []ipaas.PauseMode{ipaas.PauseHold, ipaas.PauseRefuse, ipaas.PauseRefuse} {
			in := got(s.PauseInstance(t.Context(), "i", mode, want.Revision, at(100+n), no))(t)
			if want.PauseMode != mode { // else nothing changes
				want.Revision, want.UpdateTime = want.Revision+1, at(100+n)
			}
			want.Paused, want.PauseMode = true, mode
			same(t, "returned", want, in)
			same(t, "stored", want, w.get("i"))
		}
		_, err := s.PauseInstance(t.Context(), "i", ipaas.PauseHold, want.Revision-1, at(200), no)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonStaleEtag)
		_, err = s.PauseInstance(t.Context(), "j", ipaas.PauseHold, 0, at(200), no)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"resuming_ends_the_pause_and_releases_what_was_held", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		before := w.accept("i", "orders")
		paused := got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, at(100), no))(t)
		held := w.accept("i", "orders")
		if !held.Held {
			t.Error("an event for a paused instance is not held")
		}
		in := got(s.ResumeInstance(t.Context(), "i", paused.Revision, at(101), no))(t)
		if in.Paused || in.PauseMode != "" || in.Revision != paused.Revision+1 {
			t.Errorf("instance is %+v", in)
		}
		for _, want := range []string{before.ID, held.ID} {
			if ex := w.claim(); ex.ID != want || ex.Held {
				t.Errorf("claimed %s (held %v), want %s", ex.ID, ex.Held, want)
			}
		}
	}},
	{"resuming_one_that_is_not_paused_changes_nothing", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		want := w.active("i")
		same(t, "returned", want, got(s.ResumeInstance(t.Context(), "i", 0, at(100), no))(t))
		same(t, "stored", want, w.get("i"))
		_, err := s.ResumeInstance(t.Context(), "i", want.Revision+1, at(100), no)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonStaleEtag)
		_, err = s.ResumeInstance(t.Context(), "j", 0, at(100), no)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"resuming_releases_nothing_that_no_generation_serves", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		w.fail(w.begin("i", definition("ERP", "orders")).ID)
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, at(100), no))(t)
		held := w.accept("i", "orders")
		got(s.ResumeInstance(t.Context(), "i", 0, at(101), no))(t)
		if ex := w.execution(held.ID); !ex.Held {
			t.Error("it was released")
		}
		w.wantNothingToClaim()
	}},
	{"removal_takes_an_instance_out_of_service", func(t *testing.T, s storage.Store) {
		for _, state := range []ipaas.InstanceState{ipaas.InstanceUndeployed, ipaas.InstanceDeleting} {
			id := map[ipaas.InstanceState]string{ipaas.InstanceUndeployed: "u", ipaas.InstanceDeleting: "d"}[state]
			w := &world{t: t, s: s, n: 1000 * len(state)}
			if state == ipaas.InstanceUndeployed {
				w = newWorld(t, s)
			}
			before := w.active(id)
			in := got(s.BeginRemoval(t.Context(), id, state, before.Revision, at(5000), no))(t)
			want := before
			want.State, want.Revision, want.UpdateTime = state, before.Revision+1, at(5000)
			if state == ipaas.InstanceUndeployed { // the remove flows of one being deleted still need to know what served
				want.Generation, want.ServingConfig, want.DeployTime = 0, 0, in.DeployTime
			}
			same(t, "instance", want, in)
			_, err := s.AcceptExecution(t.Context(), w.event(id, "orders"), storage.Admission{ServingHasFlow: true, MaxHeld: 10})
			wantKind(t, err, ipaas.Gone, ipaas.ReasonInstanceRemoved)
			_, err = s.BeginRemoval(t.Context(), id, state, before.Revision, at(5001), no)
			wantKind(t, err, ipaas.Conflict, ipaas.ReasonStaleEtag)
		}
		_, err := s.BeginRemoval(t.Context(), "nobody", ipaas.InstanceDeleting, 0, start, no)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"removal_cancels_what_has_not_started", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		started := w.claimAt(at(10), at(20))
		queued := w.accept("i", "orders")
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, at(30), no))(t)
		held := w.accept("i", "orders")
		_, err := s.RecoverExecutions(t.Context(), at(40), storage.Recovery{})
		check(t, err)
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, at(50), no))(t)
		for _, id := range []string{queued.ID, held.ID} {
			if ex := w.execution(id); ex.State != ipaas.ExecutionCanceled || ex.Held || !ex.EndTime.Equal(at(50)) {
				t.Errorf("execution %s is %+v", id, ex)
			}
		}
		if ex := w.execution(started.ID); ex.State == ipaas.ExecutionCanceled {
			t.Error("an execution that had started was canceled")
		}
	}},
	{"removal_makes_all_registrations_pending", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		states := []ipaas.RegistrationState{
			ipaas.RegistrationIntent, ipaas.RegistrationCreated, ipaas.RegistrationRemovePending, ipaas.RegistrationRemoved,
			ipaas.RegistrationRemoveFailed, ipaas.RegistrationAbandoned,
		}
		var list []string
		for _, state := range states {
			r := w.intent("i", "")
			check(t, s.SettleRegistration(t.Context(), r.ID, state, "", start))
			list = append(list, r.ID)
		}
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, at(50), no))(t)
		for i, state := range states {
			if state != ipaas.RegistrationRemoved && state != ipaas.RegistrationAbandoned {
				state = ipaas.RegistrationRemovePending
			}
			w.wantState("i", list[i], state)
		}
	}},
	{"removal_waits_for_a_deployment", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		_, err := s.BeginRemoval(t.Context(), "i", ipaas.InstanceDeleting, 0, start, no)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonDeploymentRunning)
		got(s.BeginRollback(t.Context(), d.ID, ipaas.DeploymentError{}, false, start))(t)
		_, err = s.BeginRemoval(t.Context(), "i", ipaas.InstanceDeleting, 0, start, no)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonDeploymentRunning)
	}},
	{"removal_of_a_test_instance_changes_its_registrations_only", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		id := ipaas.TestInstanceID("erp")
		r := w.created(id, "")
		want := w.get(id)
		same(t, "returned", want, got(s.BeginRemoval(t.Context(), id, ipaas.InstanceActive, 0, start, no))(t))
		same(t, "stored", want, w.get(id))
		w.wantState(id, r.ID, ipaas.RegistrationRemovePending)
	}},
	{"what_is_being_deleted_is_not_undeployed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceDeleting, 0, start, no))(t)
		_, err := s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, start, no)
		wantKind(t, err, ipaas.Precondition, ipaas.ReasonInstanceDeleting)
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceDeleting, 0, start, no))(t)
		if _, err = s.BeginRemoval(t.Context(), "i", ipaas.InstanceActive, 0, start, no); err == nil {
			t.Error("ACTIVE was taken for a state of removal")
		}
	}},
	{"a_tombstone_is_known_to_hooks_registrations_and_executions_only", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.active("i")
		r := w.created("i", "")
		ex := w.running("i")
		w.delete("i")
		hook, dead, err := s.LookupWebhook(t.Context(), in.UID+"-orders", start)
		check(t, err)
		if hook.InstanceID != "i" || dead.State != ipaas.InstanceDeleted || dead.UID != in.UID {
			t.Errorf("looked up %+v of %+v", hook, dead)
		}
		w.wantState("i", r.ID, ipaas.RegistrationRemovePending)
		check(t, s.SettleRegistration(t.Context(), r.ID, ipaas.RegistrationRemoveFailed, "no", start))
		w.wantState("i", r.ID, ipaas.RegistrationRemoveFailed)
		w.execution(ex.ID)
		_, err = s.AcceptExecution(t.Context(), w.event("i", "orders"), storage.Admission{ServingHasFlow: true, MaxHeld: 10})
		wantKind(t, err, ipaas.Gone, ipaas.ReasonInstanceRemoved)
		for name, call := range map[string]func() error{
			"get":    func() error { _, err := s.GetInstance(t.Context(), "i"); return err },
			"update": func() error { return s.UpdateInstance(t.Context(), in, 0, no) },
			"config": func() error { _, err := s.GetConfig(t.Context(), "i", 1); return err },
			"pause":  func() error { _, err := s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no); return err },
			"resume": func() error { _, err := s.ResumeInstance(t.Context(), "i", 0, start, no); return err },
			"remove": func() error {
				_, err := s.BeginRemoval(t.Context(), "i", ipaas.InstanceDeleting, 0, start, no)
				return err
			},
			"hooks":     func() error { _, err := s.ListWebhooks(t.Context(), "i"); return err },
			"add_hooks": func() error { _, err := s.AddWebhooks(t.Context(), "i", nil); return err },
			"rotate":    func() error { _, err := s.RotateWebhooks(t.Context(), "i", nil, start, 0, start, no); return err },
			"deploy": func() error {
				_, _, err := s.BeginDeployment(t.Context(), w.deployment("i", definition("E")), nil, 0)
				return err
			},
			"deployment":  func() error { _, err := s.GetDeployment(t.Context(), "i", "dep"); return err },
			"deployments": func() error { _, err := s.ListDeployments(t.Context(), "i", storage.Query{Size: 1}); return err },
			"generation":  func() error { _, err := s.GetGeneration(t.Context(), "i", 1); return err },
			"register": func() error {
				_, err := s.BeginRegistration(t.Context(), ipaas.Registration{ID: "r2", InstanceID: "i"})
				return err
			},
			"start": func() error { return s.StartExecution(t.Context(), w.event("i", "orders")) },
		} {
			if err := call(); !isKind(err, ipaas.NotFound) {
				t.Errorf("%s: error is %v, want NotFound", name, err)
			}
		}
	}},
	{"the_id_of_a_tombstone_is_free_and_its_rows_stay_apart", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		old := w.active("i")
		debt := w.created("i", "")
		w.delete("i")
		fresh := w.instance("i")
		if fresh.UID == old.UID || fresh.State != ipaas.InstanceCreated {
			t.Fatalf("the fresh instance is %+v", fresh)
		}
		same(t, "registrations", nil, got(s.ListRegistrations(t.Context(), "i"))(t))
		page := got(s.ListDeployments(t.Context(), "i", storage.Query{Size: 9}))(t)
		same(t, "deployments", nil, page.Items)
		_, dead, err := s.LookupWebhook(t.Context(), old.UID+"-orders", start)
		check(t, err)
		if dead.UID != old.UID {
			t.Errorf("the old hook leads to %s", dead.UID)
		}
		w.delete("i")
		r := got(s.ListRegistrations(t.Context(), "i"))(t)
		same(t, "registrations of the tombstone that had the id last", nil, r)
		check(t, s.SettleRegistration(t.Context(), debt.ID, ipaas.RegistrationRemoved, "", start))
	}},
	{"finishing_a_deletion_twice_is_fine", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		if err := s.FinishDeletion(t.Context(), "i", start); !isKind(err, ipaas.Conflict) {
			t.Errorf("finishing what was not begun gives %v, want Conflict", err)
		}
		w.delete("i")
		check(t, s.FinishDeletion(t.Context(), "i", start))
		w.instance("i")
		check(t, s.FinishDeletion(t.Context(), "i", start))
		if in := w.get("i"); in.State != ipaas.InstanceCreated {
			t.Errorf("the fresh instance is %s", in.State)
		}
		wantKind(t, s.FinishDeletion(t.Context(), "j", start), ipaas.NotFound, "")
	}},
}
