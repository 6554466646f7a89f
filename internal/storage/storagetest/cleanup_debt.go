package storagetest

import (
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// owe makes a registration a debt that is tried again at a time, zero for never.
func (w *world) owe(instanceID string, state ipaas.RegistrationState, next time.Time) ipaas.Registration {
	w.t.Helper()
	r := w.created(instanceID, "")
	n := at(w.next())
	r.State, r.Error, r.Tries, r.FailTime, r.LastTryTime, r.NextTryTime, r.UpdateTime = state, "503", 1, n, n, next, n
	check(w.t, w.s.FailRemoval(w.t.Context(), r))
	return r
}

func debtIDs(debts []ipaas.CleanupDebt) []string {
	return ids(debts, func(d ipaas.CleanupDebt) string { return d.ID })
}

func allDebts(t *testing.T, s storage.Store, filter *storage.Filter) []string {
	t.Helper()
	return debtIDs(got(s.ListCleanupDebts(t.Context(), storage.Query{Size: 10, Filter: filter}))(t).Items)
}

var cleanupDebtSentences = []sentence{
	{"a_failed_removal_is_recorded_as_it_is", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		r := w.owe("i", ipaas.RegistrationRemoveFailed, at(500))
		same(t, "registration", r, w.registration("i", r.ID))
		wantKind(t, s.FailRemoval(t.Context(), ipaas.Registration{ID: "nothing"}), ipaas.NotFound, "")
	}},
	{"a_debt_tells_whose_it_is_and_why", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		failed := w.owe("i", ipaas.RegistrationRemoveFailed, at(500))
		unknown := w.owe("i", ipaas.RegistrationUnconfirmed, time.Time{})
		want := ipaas.CleanupDebt{Registration: failed, CustomerID: "progix", IntegrationID: "erp", Reason: ipaas.DebtRemoveFailed}
		same(t, "debt", want, got(s.GetCleanupDebt(t.Context(), failed.ID))(t))
		want.Registration, want.Reason = unknown, ipaas.DebtUnconfirmed
		same(t, "unconfirmed", want, got(s.GetCleanupDebt(t.Context(), unknown.ID))(t))
		w.delete("i")
		check(t, s.FailRemoval(t.Context(), unknown)) // which was tried once more
		if d := got(s.GetCleanupDebt(t.Context(), unknown.ID))(t); !d.InstanceDeleted {
			t.Error("it does not tell that its instance is deleted")
		}
	}},
	{"what_is_no_debt_is_not_found", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		r := w.owe("i", ipaas.RegistrationRemoveFailed, at(500))
		check(t, s.SettleRegistration(t.Context(), r.ID, ipaas.RegistrationRemoved, "", at(100)))
		for _, id := range []string{r.ID, w.created("i", "").ID, "nothing"} {
			_, err := s.GetCleanupDebt(t.Context(), id)
			wantKind(t, err, ipaas.NotFound, "")
			_, err = s.ForgiveCleanupDebt(t.Context(), id, "", "", 0, at(100), no)
			wantKind(t, err, ipaas.NotFound, "")
		}
		if next := w.registration("i", r.ID).NextTryTime; !next.IsZero() {
			t.Errorf("what was settled is tried again at %v", next)
		}
	}},
	{"debts_of_tombstones_are_listed_and_found_by_their_fields", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		one := w.owe("i", ipaas.RegistrationUnconfirmed, time.Time{})
		w.delete("i")
		check(t, s.FailRemoval(t.Context(), one)) // which was tried once more
		w.active("j")
		two := w.owe("j", ipaas.RegistrationRemoveFailed, at(500))
		w.created("j", "")
		same(t, "all", []string{one.ID, two.ID}, allDebts(t, s, nil))
		equal := func(field string, v any) *storage.Filter {
			return &storage.Filter{Field: field, Operator: storage.Equal, Value: v}
		}
		for _, f := range []*storage.Filter{equal("instance_id", "j"), equal("reason", "REMOVE_FAILED"), equal("next_try_time", storage.Time(at(500)))} {
			same(t, f.Field, []string{two.ID}, allDebts(t, s, f))
		}
		for _, f := range []*storage.Filter{equal("customer_id", "progix"), equal("integration_id", "erp"), equal("state", "OWED")} {
			same(t, f.Field, []string{one.ID, two.ID}, allDebts(t, s, f))
		}
		same(t, "forgiven", nil, allDebts(t, s, equal("state", "FORGIVEN")))
	}},
	{"forgiving_remembers_who_why_and_what", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		r := w.owe("i", ipaas.RegistrationUnconfirmed, at(500))
		_, err := s.ForgiveCleanupDebt(t.Context(), r.ID, "gone", "me", 1, at(600), no)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonStaleEtag)
		d := got(s.ForgiveCleanupDebt(t.Context(), r.ID, "gone", "me", r.UpdateTime.UnixMicro(), at(600), no))(t)
		r.State, r.NextTryTime, r.UpdateTime = ipaas.RegistrationForgiven, time.Time{}, at(600)
		same(t, "forgiven", ipaas.CleanupDebt{
			Registration: r, CustomerID: "progix", IntegrationID: "erp", Reason: ipaas.DebtUnconfirmed, Comment: "gone", ForgivenBy: "me",
			ForgiveTime: at(600),
		}, d)
		d = got(s.ForgiveCleanupDebt(t.Context(), r.ID, "again", "you", 0, at(601), no))(t)
		if d.Comment != "again" || d.ForgivenBy != "you" || d.Reason != ipaas.DebtUnconfirmed {
			t.Errorf("forgiven again: %+v", d)
		}
	}},
	{"what_was_settled_or_forgiven_while_it_was_tried_stays_so", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		forgiven, removed := w.owe("i", ipaas.RegistrationRemoveFailed, at(500)), w.owe("i", ipaas.RegistrationRemoveFailed, at(500))
		got(s.ForgiveCleanupDebt(t.Context(), forgiven.ID, "", "me", 0, at(600), no))(t)
		check(t, s.SettleRegistration(t.Context(), removed.ID, ipaas.RegistrationRemoved, "", at(600)))
		for _, r := range []ipaas.Registration{forgiven, removed} {
			before := w.registration("i", r.ID)
			r.Tries, r.UpdateTime = 2, at(601)
			check(t, s.FailRemoval(t.Context(), r)) // by a try that began before
			same(t, "registration", before, w.registration("i", r.ID))
		}
	}},
	{"a_forgiven_debt_holds_nothing", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		check(t, s.CreateComponent(t.Context(), ipaas.Component{ID: "acme", Kind: ipaas.ComponentDeclarative, Version: 1}, no))
		w.active("i")
		r := w.owe("i", ipaas.RegistrationRemoveFailed, at(500))
		w.delete("i")
		check(t, s.SettleRegistration(t.Context(), r.ID, ipaas.RegistrationRemoveFailed, "", at(501)))
		check(t, s.DeleteIntegration(t.Context(), "erp", 0, no))
		wantKind(t, s.DeleteComponent(t.Context(), "acme", 0, no), ipaas.Precondition, ipaas.ReasonInUse)
		got(s.ForgiveCleanupDebt(t.Context(), r.ID, "", "", 0, at(600), no))(t)
		check(t, s.DeleteComponent(t.Context(), "acme", 0, no))
	}},
	{"those_that_are_due_come_longest_waiting_first", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		later := w.owe("i", ipaas.RegistrationRemoveFailed, at(502))
		first := w.owe("i", ipaas.RegistrationUnconfirmed, at(500))
		second := w.owe("i", ipaas.RegistrationRemoveFailed, at(501))
		w.owe("i", ipaas.RegistrationRemoveFailed, time.Time{})
		forgiven := w.owe("i", ipaas.RegistrationRemoveFailed, at(500))
		got(s.ForgiveCleanupDebt(t.Context(), forgiven.ID, "", "", 0, at(400), no))(t)
		due, next, err := s.DueRemovals(t.Context(), at(501), 10)
		check(t, err)
		same(t, "due", []ipaas.Registration{first, second}, due)
		same(t, "next", at(502), next)
		due, _, err = s.DueRemovals(t.Context(), at(501), 1)
		check(t, err)
		same(t, "at most one", []string{first.ID}, registrationIDs(due))
		_, next, err = s.DueRemovals(t.Context(), later.NextTryTime, 10)
		check(t, err)
		same(t, "none after the last", time.Time{}, next)
	}},
	{"an_object_that_came_too_late_is_due_at_once", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		r := w.intent("i", "")
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, at(w.next()), no))(t)
		step := ipaas.StepResult{ExecutionID: ex.ID, Path: "post", StepID: "post", State: ipaas.StepRunning, StartTime: at(w.next())}
		_, _, err := s.BeginStep(t.Context(), 1, step)
		check(t, err)
		step.State, step.EndTime = ipaas.StepSucceeded, at(600)
		r.State, r.RemoteID, r.ResultSealed = ipaas.RegistrationCreated, "wh_1", "result"
		check(t, s.CompleteStep(t.Context(), 1, step, nil, &r))
		due, _, err := s.DueRemovals(t.Context(), at(600), 10)
		check(t, err)
		same(t, "due", []string{r.ID}, registrationIDs(due))
		if d := got(s.GetCleanupDebt(t.Context(), r.ID))(t); d.Reason != ipaas.DebtRemoveFailed || d.Standing() != ipaas.DebtOwed {
			t.Errorf("debt %+v", d)
		}
	}},
	{"postponing_passes_over_what_is_no_longer_due", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		due, settled := w.owe("i", ipaas.RegistrationRemoveFailed, at(500)), w.owe("i", ipaas.RegistrationRemoveFailed, at(500))
		check(t, s.SettleRegistration(t.Context(), settled.ID, ipaas.RegistrationRemoved, "", at(501)))
		check(t, s.PostponeRemovals(t.Context(), []string{due.ID, settled.ID, "nothing"}, at(700)))
		same(t, "due", at(700), w.registration("i", due.ID).NextTryTime)
		same(t, "settled", time.Time{}, w.registration("i", settled.ID).NextTryTime)
	}},
	{"removals_that_nobody_carries_out_any_more_are_due", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		left := w.created("i", "")
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, at(w.next()), no))(t)

		w.active("deleting")
		own := w.created("deleting", "")
		got(s.BeginRemoval(t.Context(), "deleting", ipaas.InstanceDeleting, 0, at(w.next()), no))(t)
		w.instance("j")
		d := w.begin("j", definition("ERP", "orders"))
		rolledBack := w.created("j", d.ID)
		got(s.BeginRollback(t.Context(), d.ID, ipaas.DeploymentError{}, false, at(w.next())))(t)

		if n := got(s.RecoverRemovals(t.Context(), at(900), at(900)))(t); n != 0 {
			t.Errorf("recovered %d while all were being removed", n)
		}
		check(t, s.FinishUndeployment(t.Context(), "i"))
		if n := got(s.RecoverRemovals(t.Context(), at(900), at(900)))(t); n != 1 {
			t.Errorf("recovered %d, want 1", n)
		}
		due, _, err := s.DueRemovals(t.Context(), at(900), 10)
		check(t, err)
		same(t, "due", []string{left.ID}, registrationIDs(due))
		w.wantState("i", left.ID, ipaas.RegistrationRemoveFailed)
		w.wantState("deleting", own.ID, ipaas.RegistrationRemovePending)
		w.wantState("j", rolledBack.ID, ipaas.RegistrationRemovePending)
	}},
	{"a_debtor_is_known_by_its_registration_even_as_a_tombstone", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		before := w.active("i")
		r := w.owe("i", ipaas.RegistrationRemoveFailed, at(500))
		w.delete("i")
		w.instance("i") // the next of this id
		in, hooks, err := s.GetDebtor(t.Context(), r.ID)
		check(t, err)
		same(t, "uid", before.UID, in.UID)
		same(t, "config", before.Config, in.Config)
		same(t, "hooks", []string{before.UID + "-items", before.UID + "-orders"}, ids(hooks, func(h ipaas.Webhook) string { return h.TokenHash }))
		same(t, "a revision", before.Config, got(s.GetDebtorConfig(t.Context(), r.ID, 1))(t))
		same(t, "revision 0", ipaas.Config{}, got(s.GetDebtorConfig(t.Context(), r.ID, 0))(t))
		_, err = s.GetDebtorConfig(t.Context(), r.ID, 7)
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.GetDebtorConfig(t.Context(), "nothing", 1)
		wantKind(t, err, ipaas.NotFound, "")
		_, _, err = s.GetDebtor(t.Context(), "nothing")
		wantKind(t, err, ipaas.NotFound, "")
	}},
}
