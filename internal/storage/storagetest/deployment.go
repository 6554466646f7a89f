package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

func registrationIDs(list []ipaas.Registration) []string {
	return ids(list, func(r ipaas.Registration) string { return r.ID })
}

var deploymentSentences = []sentence{
	{"a_rollback_makes_an_earlier_config_the_next_revision", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		first := w.active("i")
		edited := first
		edited.Config = ipaas.Config{Revision: 2, Values: map[string]ipaas.ConfigValue{"url": {JSON: `"https://new"`}}}
		check(t, s.UpdateInstance(t.Context(), edited, first.Revision, no))
		back := func(revision int64) ipaas.Deployment {
			d := w.deployment("i", definition("ERP", "orders"))
			d.SourceID, d.Candidate.ConfigRevision = first.DeploymentID, revision
			_, _, err := s.BeginDeployment(t.Context(), d, nil, 0)
			check(t, err)
			return d
		}
		d := back(1)
		if stored := got(s.GetDeployment(t.Context(), "i", d.ID))(t); stored.SourceID != first.DeploymentID {
			t.Errorf("source is %q", stored.SourceID)
		}
		same(t, "config before the commit", edited.Config, w.get("i").Config)
		got(s.CommitDeployment(t.Context(), d.ID, at(w.next()), storage.Takeover{}))(t)
		in := w.get("i")
		same(t, "config", ipaas.Config{Revision: 3, Values: first.Config.Values}, in.Config)
		if g := got(s.GetGeneration(t.Context(), "i", in.Generation))(t); g.ConfigRevision != 3 || in.ServingConfig != 3 {
			t.Errorf("generation %+v of instance %+v", g, in)
		}
		same(t, "the edit", edited.Config, got(s.GetConfig(t.Context(), "i", 2))(t))

		got(s.CommitDeployment(t.Context(), back(3).ID, at(w.next()), storage.Takeover{}))(t)
		if in := w.get("i"); in.Config.Revision != 3 || in.ServingConfig != 3 {
			t.Errorf("the current revision became %d", in.Config.Revision)
		}
		got(s.CommitDeployment(t.Context(), back(0).ID, at(w.next()), storage.Takeover{}))(t)
		same(t, "the empty config", ipaas.Config{Revision: 4}, w.get("i").Config)
	}},
	{"a_deployment_comes_back_as_it_was_given", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.deployment("i", definition("ERP", "orders"))
		d.RequestID, d.RequestHash = "request", "hash"
		_, _, err := s.BeginDeployment(t.Context(), d, nil, 0)
		check(t, err)
		d.Candidate.Number = 1
		same(t, "deployment", d, got(s.GetDeployment(t.Context(), "i", d.ID))(t))
		same(t, "found", d, got(s.FindDeployment(t.Context(), "i", "request"))(t))
		same(t, "unfinished", []ipaas.Deployment{d}, got(s.UnfinishedDeployments(t.Context()))(t))
		w.active("j")
		_, err = s.GetDeployment(t.Context(), "j", d.ID)
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.FindDeployment(t.Context(), "j", "request")
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.FindDeployment(t.Context(), "j", "")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"beginning_makes_an_unserved_instance_deploying_and_adds_hooks", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		before := w.instance("i")
		d := w.deployment("i", definition("ERP", "orders", "new"))
		in, hooks, err := s.BeginDeployment(t.Context(), d, []ipaas.Webhook{hook("orders", "other"), hook("new", "new")}, before.Revision)
		check(t, err)
		want := before
		want.State, want.DeploymentID, want.Revision, want.UpdateTime = ipaas.InstanceDeploying, d.ID, before.Revision+1, d.CreateTime
		same(t, "instance", want, in)
		same(t, "stored", want, w.get("i"))
		same(t, "hooks", map[string]string{"orders": before.UID + "-orders", "items": before.UID + "-items", "new": "new"}, tokens(hooks))
	}},
	{"an_active_instance_stays_active_while_it_is_deployed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		d := w.begin("i", definition("ERP", "orders"))
		if in := w.get("i"); in.State != ipaas.InstanceActive || in.DeploymentID != d.ID || in.Generation != 1 {
			t.Errorf("instance is %+v", in)
		}
		w.fail(d.ID)
		if in := w.get("i"); in.State != ipaas.InstanceActive || in.Generation != 1 {
			t.Errorf("instance is %+v after the deployment failed", in)
		}
	}},
	{"a_test_instance_keeps_its_state", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		id := ipaas.TestInstanceID("erp")
		d := w.deployment(id, definition("ERP", "orders"))
		d.Candidate.ConfigRevision, d.Candidate.Version = 0, 0
		in, _, err := s.BeginDeployment(t.Context(), d, nil, 0)
		check(t, err)
		if in.State != ipaas.InstanceActive {
			t.Errorf("the test instance is %s", in.State)
		}
		w.fail(d.ID)
		if in := w.get(id); in.State != ipaas.InstanceActive {
			t.Errorf("the test instance is %s after the deployment failed", in.State)
		}
	}},
	{"a_second_deployment_is_refused_and_told_of_the_first", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		for _, base := range []int64{0, in.Revision} {
			_, _, err := s.BeginDeployment(t.Context(), w.deployment("i", definition("ERP", "orders")), nil, base)
			wantKind(t, err, ipaas.Conflict, ipaas.ReasonDeploymentRunning)
			var e *ipaas.Error
			if !errors.As(err, &e) || e.Meta["deployment_id"] != d.ID {
				t.Errorf("the error does not name deployment %s: %+v", d.ID, e)
			}
		}
		got(s.BeginRollback(t.Context(), d.ID, ipaas.DeploymentError{}, false, start))(t)
		_, _, err := s.BeginDeployment(t.Context(), w.deployment("i", definition("ERP", "orders")), nil, 0)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonDeploymentRunning)
		check(t, s.FinishRollback(t.Context(), d.ID, start))
		w.begin("i", definition("ERP", "orders"))
	}},
	{"of_many_deployments_at_once_one_wins", oneDeploymentWins},
	{"what_cannot_be_deployed_is_refused", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.instance("i")
		begin := func(change func(*ipaas.Deployment), base int64) error {
			d := w.deployment("i", definition("ERP", "orders"))
			change(&d)
			_, _, err := s.BeginDeployment(t.Context(), d, nil, base)
			return err
		}
		wantKind(t, begin(func(*ipaas.Deployment) {}, in.Revision+1), ipaas.Conflict, ipaas.ReasonStaleEtag)
		wantKind(t, begin(func(d *ipaas.Deployment) { d.InstanceID = "j" }, 0), ipaas.NotFound, "")
		wantKind(t, begin(func(d *ipaas.Deployment) { d.Candidate.DefinitionHash = "x" }, 0), ipaas.NotFound, "")
		wantKind(t, begin(func(d *ipaas.Deployment) { d.Candidate.ConfigRevision = 9 }, 0), ipaas.NotFound, "")
		w.active("j")
		taken := got(s.ListDeployments(t.Context(), "j", storage.Query{Size: 1}))(t).Items[0].ID
		wantKind(t, begin(func(d *ipaas.Deployment) { d.ID = taken }, 0), ipaas.Exists, "")
		same(t, "instance", in, w.get("i"))
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceDeleting, 0, start, no))(t)
		wantKind(t, begin(func(*ipaas.Deployment) {}, 0), ipaas.Precondition, ipaas.ReasonInstanceDeleting)
	}},
	{"committing_switches_the_instance_to_the_candidate", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.deployment("i", definition("ERP", "orders"))
		d.Candidate.Version = 7
		before, _, err := s.BeginDeployment(t.Context(), d, nil, 0)
		check(t, err)
		got(s.CommitDeployment(t.Context(), d.ID, at(500), storage.Takeover{}))(t)
		want := before
		want.State, want.Version, want.Generation, want.ServingConfig = ipaas.InstanceActive, 7, 1, 1
		want.DeployTime, want.UpdateTime, want.Revision = at(500), at(500), before.Revision+1
		same(t, "instance", want, w.get("i"))
		g := d.Candidate
		g.Number, g.CreateTime = 1, at(500)
		same(t, "generation", g, got(s.GetGeneration(t.Context(), "i", 1))(t))
		d.Candidate.Number, d.State, d.EndTime = 1, ipaas.DeploymentSucceeded, at(500)
		same(t, "deployment", d, got(s.GetDeployment(t.Context(), "i", d.ID))(t))
		same(t, "unfinished", nil, got(s.UnfinishedDeployments(t.Context()))(t))
		_, err = s.GetGeneration(t.Context(), "i", 2)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_deployment_ends_once", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		wantKind(t, s.FinishRollback(t.Context(), d.ID, start), ipaas.Conflict, "")
		got(s.CommitDeployment(t.Context(), d.ID, start, storage.Takeover{}))(t)
		_, err := s.CommitDeployment(t.Context(), d.ID, start, storage.Takeover{})
		wantKind(t, err, ipaas.Conflict, "")
		_, err = s.BeginRollback(t.Context(), d.ID, ipaas.DeploymentError{}, false, start)
		wantKind(t, err, ipaas.Conflict, "")
		second := w.begin("i", definition("ERP", "orders"))
		w.fail(second.ID)
		_, err = s.CommitDeployment(t.Context(), second.ID, start, storage.Takeover{})
		wantKind(t, err, ipaas.Conflict, "")
		_, err = s.CommitDeployment(t.Context(), "nothing", start, storage.Takeover{})
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.BeginRollback(t.Context(), "nothing", ipaas.DeploymentError{}, false, start)
		wantKind(t, err, ipaas.NotFound, "")
		wantKind(t, s.FinishRollback(t.Context(), "nothing", start), ipaas.NotFound, "")
		wantKind(t, s.RecordChanges(t.Context(), "nothing", nil), ipaas.NotFound, "")
	}},
	{"committing_releases_what_was_held_for_its_flows", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		orders, other := w.accept("i", "orders"), w.accept("i", "other")
		if !orders.Held {
			t.Error("an event for a deploying instance is not held")
		}
		got(s.CommitDeployment(t.Context(), d.ID, start, storage.Takeover{}))(t)
		if ex := w.claim(); ex.ID != orders.ID || ex.Held {
			t.Errorf("claimed %+v, want %s", ex, orders.ID)
		}
		if ex := w.execution(other.ID); !ex.Held {
			t.Error("an event of a flow that the new generation does not have was released")
		}
	}},
	{"committing_releases_nothing_of_a_paused_instance", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		held := w.accept("i", "orders")
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no))(t)
		got(s.CommitDeployment(t.Context(), d.ID, start, storage.Takeover{}))(t)
		w.wantNothingToClaim()
		got(s.ResumeInstance(t.Context(), "i", 0, start, no))(t)
		if ex := w.claim(); ex.ID != held.ID {
			t.Errorf("claimed %s, want %s", ex.ID, held.ID)
		}
	}},
	{"committing_supersedes_what_earlier_deployments_made_and_this_one_did_not_use", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		first := w.begin("i", definition("ERP", "orders"))
		kept, old, lost := w.created("i", first.ID), w.created("i", first.ID), w.intent("i", first.ID)
		gone := w.created("i", first.ID)
		check(t, s.SettleRegistration(t.Context(), gone.ID, ipaas.RegistrationRemoved, "", start))
		ordinary := w.created("i", "")
		got(s.CommitDeployment(t.Context(), first.ID, start, storage.Takeover{}))(t)
		second := w.begin("i", definition("ERP", "orders"))
		check(t, s.UseRegistration(t.Context(), kept.ID, second.ID))
		fresh := w.created("i", second.ID)
		superseded := got(s.CommitDeployment(t.Context(), second.ID, at(900), storage.Takeover{}))(t)
		same(t, "superseded, last created first", []string{lost.ID, old.ID}, registrationIDs(superseded))
		same(t, "as stored", w.registration("i", old.ID), superseded[1])
		for _, r := range []ipaas.Registration{kept, ordinary, fresh} {
			w.wantState("i", r.ID, ipaas.RegistrationCreated)
		}
		w.wantState("i", old.ID, ipaas.RegistrationRemovePending)
		w.wantState("i", gone.ID, ipaas.RegistrationRemoved)
	}},
	{"rolling_back_drops_what_was_created_and_leaves_what_was_used", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		first := w.begin("i", definition("ERP", "orders"))
		kept := w.created("i", first.ID)
		got(s.CommitDeployment(t.Context(), first.ID, start, storage.Takeover{}))(t)
		second := w.begin("i", definition("ERP", "orders"))
		check(t, s.UseRegistration(t.Context(), kept.ID, second.ID))
		one, two := w.created("i", second.ID), w.intent("i", second.ID)
		sure := w.intent("i", second.ID)
		check(t, s.SettleRegistration(t.Context(), sure.ID, ipaas.RegistrationAbandoned, "", start))
		cause := ipaas.DeploymentError{Reason: ipaas.ReasonInitFlowFailed, Message: "m", FlowID: "f", StepID: "s", ExecutionID: "e"}
		created := got(s.BeginRollback(t.Context(), second.ID, cause, false, start))(t)
		same(t, "created, last first", []string{two.ID, one.ID}, registrationIDs(created))
		w.wantState("i", one.ID, ipaas.RegistrationRemovePending)
		w.wantState("i", sure.ID, ipaas.RegistrationAbandoned)
		w.wantState("i", kept.ID, ipaas.RegistrationCreated)
		d := got(s.GetDeployment(t.Context(), "i", second.ID))(t)
		same(t, "cause", &cause, d.Error)
		if d.State != ipaas.DeploymentRollingBack {
			t.Errorf("deployment is %s", d.State)
		}
	}},
	{"rolling_back_with_keep_leaves_everything", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		one, two := w.created("i", d.ID), w.intent("i", d.ID)
		same(t, "created", nil, got(s.BeginRollback(t.Context(), d.ID, ipaas.DeploymentError{}, true, start))(t))
		w.wantState("i", one.ID, ipaas.RegistrationCreated)
		w.wantState("i", two.ID, ipaas.RegistrationIntent)
	}},
	{"rolling_back_returns_what_was_updated_to_be_restored", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		first := w.begin("i", definition("ERP", "orders"))
		updated, kept := w.created("i", first.ID), w.created("i", first.ID)
		got(s.CommitDeployment(t.Context(), first.ID, start, storage.Takeover{}))(t)
		second := w.begin("i", definition("ERP", "orders"))
		one := w.created("i", second.ID)
		got(s.BeginUpdate(t.Context(), updated.ID, second.ID, "before", start))(t)
		check(t, s.UseRegistration(t.Context(), kept.ID, second.ID))
		two := w.created("i", second.ID)
		_, err := s.RollbackLeft(t.Context(), second.ID)
		wantKind(t, err, ipaas.Conflict, "")
		left := got(s.BeginRollback(t.Context(), second.ID, ipaas.DeploymentError{}, false, start))(t)
		same(t, "to undo, last first", []string{two.ID, updated.ID, one.ID}, registrationIDs(left))
		w.wantState("i", updated.ID, ipaas.RegistrationCreated)
		same(t, "left", left, got(s.RollbackLeft(t.Context(), second.ID))(t))
		check(t, s.SettleRegistration(t.Context(), two.ID, ipaas.RegistrationRemoved, "", start))
		check(t, s.RestoreRegistration(t.Context(), updated, start))
		same(t, "still left", []string{one.ID}, registrationIDs(got(s.RollbackLeft(t.Context(), second.ID))(t)))
		_, err = s.RollbackLeft(t.Context(), "nothing")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"keeping_and_committing_forget_what_was_before", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		r := w.created("i", "")
		kept := w.begin("i", definition("ERP", "orders"))
		got(s.BeginUpdate(t.Context(), r.ID, kept.ID, "before", start))(t)
		same(t, "to undo", nil, got(s.BeginRollback(t.Context(), kept.ID, ipaas.DeploymentError{}, true, start))(t))
		if r := w.registration("i", r.ID); r.BeforeImage != "" || r.ChangedBy != kept.ID {
			t.Errorf("registration is %+v", r)
		}
		check(t, s.FinishRollback(t.Context(), kept.ID, start))
		done := w.begin("i", definition("ERP", "orders"))
		got(s.BeginUpdate(t.Context(), r.ID, done.ID, "before", start))(t)
		got(s.CommitDeployment(t.Context(), done.ID, start, storage.Takeover{}))(t)
		if r := w.registration("i", r.ID); r.BeforeImage != "" || r.ChangedBy != done.ID {
			t.Errorf("registration is %+v", r)
		}
	}},
	{"carrying_on_is_counted", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		for n := 1; n <= 2; n++ {
			if d := got(s.ResumeDeployment(t.Context(), d.ID))(t); d.Resumes != n {
				t.Errorf("it was carried on %d times, want %d", d.Resumes, n)
			}
		}
		same(t, "stored", 2, got(s.GetDeployment(t.Context(), "i", d.ID))(t).Resumes)
		w.fail(d.ID)
		_, err := s.ResumeDeployment(t.Context(), d.ID)
		wantKind(t, err, ipaas.Conflict, "")
		_, err = s.ResumeDeployment(t.Context(), "nothing")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_first_deployment_that_fails_leaves_the_instance_failed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		got(s.BeginRollback(t.Context(), d.ID, ipaas.DeploymentError{}, false, start))(t)
		if in := w.get("i"); in.State != ipaas.InstanceDeploying {
			t.Errorf("instance is %s during the rollback", in.State)
		}
		check(t, s.FinishRollback(t.Context(), d.ID, at(700)))
		if in := w.get("i"); in.State != ipaas.InstanceDeployFailed || in.Generation != 0 || !in.UpdateTime.Equal(at(700)) {
			t.Errorf("instance is %+v", in)
		}
		if d := got(s.GetDeployment(t.Context(), "i", d.ID))(t); d.State != ipaas.DeploymentFailed || !d.EndTime.Equal(at(700)) {
			t.Errorf("deployment is %+v", d)
		}
		wantKind(t, s.FinishRollback(t.Context(), d.ID, start), ipaas.Conflict, "")
	}},
	{"generations_are_numbered_upwards", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		first := w.active("i").DeploymentID
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, start, no))(t)
		w.fail(w.begin("i", definition("ERP", "orders")).ID)
		d := w.deploy("i", definition("ERP", "orders"))
		if d.Candidate.Number != 3 || w.get("i").Generation != 3 {
			t.Errorf("the third deployment makes generation %d, the instance serves %d", d.Candidate.Number, w.get("i").Generation)
		}
		next := w.deployment("i", definition("ERP", "orders"))
		next.Candidate.Number = 10
		_, _, err := s.BeginDeployment(t.Context(), next, nil, 0)
		check(t, err)
		got(s.CommitDeployment(t.Context(), next.ID, start, storage.Takeover{}))(t)
		if in := w.get("i"); in.Generation != 10 {
			t.Errorf("the instance serves generation %d, want the number asked for", in.Generation)
		}
		same(t, "first", first, got(s.GetGeneration(t.Context(), "i", 1))(t).DeploymentID)
	}},
	{"changes_are_kept", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		changes := []ipaas.RegistrationChange{{Kind: ipaas.ChangeCreated, RegistrationID: "r"}, {Kind: ipaas.ChangeKept, RegistrationID: "q"}}
		check(t, s.RecordChanges(t.Context(), d.ID, changes))
		same(t, "changes", changes, got(s.GetDeployment(t.Context(), "i", d.ID))(t).Changes)
	}},
	{"a_deployment_lists_its_executions_in_their_order", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		d := w.begin("i", definition("ERP", "orders"))
		var want []string
		for range 3 {
			ex := w.event("i", "orders")
			ex.Attempts, ex.DeploymentID, ex.LeaseTime = 1, d.ID, never
			check(t, s.StartExecution(t.Context(), ex))
			want = append(want, ex.ID)
		}
		same(t, "executions", want, got(s.GetDeployment(t.Context(), "i", d.ID))(t).ExecutionIDs)
		ex := w.event("i", "orders")
		ex.DeploymentID = "nothing"
		wantKind(t, s.StartExecution(t.Context(), ex), ipaas.NotFound, "")
	}},
	{"deployments_are_listed_newest_first", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		var want []string
		for range 3 {
			want = append([]string{w.deploy("i", definition("ERP", "orders")).ID}, want...)
		}
		w.active("j")
		page := got(s.ListDeployments(t.Context(), "i", storage.Query{Size: 9}))(t)
		same(t, "ids", want, ids(page.Items, func(d ipaas.Deployment) string { return d.ID }))
		_, err := s.ListDeployments(t.Context(), "nothing", storage.Query{Size: 9})
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"unfinished_deployments_come_oldest_first", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		var want []string
		for _, id := range []string{"b", "a", "c"} {
			w.instance(id)
			want = append(want, w.begin(id, definition("ERP", "orders")).ID)
		}
		got(s.BeginRollback(t.Context(), want[1], ipaas.DeploymentError{}, false, start))(t)
		same(t, "unfinished", want, ids(got(s.UnfinishedDeployments(t.Context()))(t), func(d ipaas.Deployment) string { return d.ID }))
	}},
	{"the_newest_deployment_of_a_request_is_found", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		for range 2 {
			d := w.deployment("i", definition("ERP", "orders"))
			d.RequestID = "r"
			_, _, err := s.BeginDeployment(t.Context(), d, nil, 0)
			check(t, err)
			if found := got(s.FindDeployment(t.Context(), "i", "r"))(t); found.ID != d.ID {
				t.Errorf("found %s, want %s", found.ID, d.ID)
			}
			w.fail(d.ID)
		}
	}},
}

func oneDeploymentWins(t *testing.T, s storage.Store) {
	w := newWorld(t, s)
	in := w.instance("i")
	const many = 32
	var list []ipaas.Deployment
	for range many {
		list = append(list, w.deployment("i", definition("ERP", "orders")))
	}
	var won atomic.Int32
	var all sync.WaitGroup
	for _, d := range list {
		all.Go(func() {
			_, _, err := s.BeginDeployment(t.Context(), d, []ipaas.Webhook{hook("fresh", "fresh-"+d.ID)}, in.Revision)
			switch {
			case err == nil:
				won.Add(1)
			case ipaas.ReasonOf(err) != ipaas.ReasonDeploymentRunning:
				t.Errorf("a loser learns %v", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of %d began", won.Load(), many)
	}
	page := got(s.ListDeployments(t.Context(), "i", storage.Query{Size: many}))(t)
	if len(page.Items) != 1 || len(got(s.ListWebhooks(t.Context(), "i"))(t)) != 3 {
		t.Error(fmt.Sprint("the losers left traces: ", page.Items))
	}
}
