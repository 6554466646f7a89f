package control_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// noDeletes makes the ERP refuse to delete webhooks until it is healed.
func (w *world) noDeletes() {
	w.erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Status: 503, Times: -1})
}

// debts returns what is owed or forgiven, in the order of creation.
func (w *world) debts() []ipaas.CleanupDebt {
	w.t.Helper()
	return must[storage.Page[ipaas.CleanupDebt]](w.t)(w.ListCleanupDebts(w.t.Context(), storage.Query{Size: 100})).Items
}

func remoteIDs(debts []ipaas.CleanupDebt) []string {
	var ids []string
	for _, d := range debts {
		ids = append(ids, d.RemoteID)
	}
	return ids
}

// owing is a world in which an instance was deleted while the ERP refused to delete its webhooks.
func owing(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.deployed("gone", tutorial(), w.erpConfig())
	w.noDeletes()
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "gone", plain))
	return w
}

func TestDebtsOfDeletedInstanceAreSettledWhenTheOtherSystemComesBack(t *testing.T) {
	t.Parallel()
	w := owing(t)
	debts := w.debts()
	if diff := cmp.Diff([]string{"wh_1", "wh_2"}, remoteIDs(debts)); diff != "" {
		t.Fatalf("debts (-want +got):\n%s", diff)
	}
	for _, d := range debts {
		if d.Standing() != ipaas.DebtOwed || d.Reason != ipaas.DebtRemoveFailed || !d.InstanceDeleted || d.InstanceID != "gone" ||
			d.CustomerID == "" || d.IntegrationID == "" || d.Tries != 1 || d.Error == "" {
			t.Errorf("debt %+v", d)
		}
		if wait := d.NextTryTime.Sub(d.LastTryTime); wait < 48*time.Second || wait > 72*time.Second {
			t.Errorf("tried again after %s", wait)
		}
	}

	w.ahead.Add(int64(80 * time.Second))
	w.eventually("each was tried a second time", func() bool {
		return !slices.ContainsFunc(w.debts(), func(d ipaas.CleanupDebt) bool { return d.Tries != 2 })
	})
	w.erp.Heal()
	w.ahead.Add(int64(150 * time.Second))
	w.eventually("nothing is owed", func() bool { return len(w.debts()) == 0 })
	if left := w.erp.Webhooks(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestDebtsOutliveRestartsAndTheNextInstanceOfTheirID(t *testing.T) {
	t.Parallel()
	w := owing(t)
	w.erp.Heal()
	w.restart()
	before := must[ipaas.Instance](t)(w.instanceOf("gone"))
	must[ipaas.Instance](t)(w.CreateInstance(t.Context(), ipaas.Instance{
		ID: "gone", DisplayName: "The next one", CustomerID: before.CustomerID, IntegrationID: before.IntegrationID,
	}, change(map[string]string{"ERP": `{"baseUrl":"` + w.erpURL + `","apiKey":"another key"}`}), plain))
	w.ahead.Add(int64(80 * time.Second))
	w.eventually("nothing is owed", func() bool { return len(w.debts()) == 0 })
	if left := w.erp.Webhooks(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// instanceOf returns the instance by whose debts an id is remembered.
func (w *world) instanceOf(id string) (ipaas.Instance, error) {
	for _, d := range w.debts() {
		if d.InstanceID == id {
			in, _, err := w.store.GetDebtor(w.t.Context(), d.ID)
			return in, err
		}
	}
	return ipaas.Instance{}, errors.New("nobody owes anything as " + id)
}

func TestDebtIsRetriedByItselfForADay(t *testing.T) {
	t.Parallel()
	w := owing(t)
	w.ahead.Add(int64(25 * time.Hour))
	w.eventually("each was tried for the last time", func() bool {
		return !slices.ContainsFunc(w.debts(), func(d ipaas.CleanupDebt) bool { return d.Tries != 2 || !d.NextTryTime.IsZero() })
	})
	w.erp.Heal()
	for _, d := range w.debts() {
		if r := must[control.RetryResult](t)(w.RetryCleanupDebt(t.Context(), d.ID, plain)); !r.Removed {
			t.Errorf("by hand it was not removed: %+v", r.Debt)
		}
	}
}

func TestRetryOfADebtTellsWhatCameOfIt(t *testing.T) {
	t.Parallel()
	w := owing(t)
	id := w.debts()[0].ID
	checked := must[control.RetryResult](t)(w.RetryCleanupDebt(t.Context(), id, control.Mutation{ValidateOnly: true}))
	if checked.Removed || checked.Debt.Tries != 1 {
		t.Errorf("only checked: %+v", checked)
	}
	first := must[control.RetryResult](t)(w.RetryCleanupDebt(t.Context(), id, as("RetryCleanupDebt", "r", "h")))
	if first.Removed || first.Debt.Tries != 2 || first.Debt.Standing() != ipaas.DebtOwed || !strings.Contains(first.Debt.Error, "503") {
		t.Errorf("refused: %+v", first)
	}
	w.erp.Heal()
	again := must[control.RetryResult](t)(w.RetryCleanupDebt(t.Context(), id, as("RetryCleanupDebt", "r", "h")))
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same request (-first +again):\n%s", diff)
	}
	_, err := w.RetryCleanupDebt(t.Context(), id, control.Mutation{Base: 1})
	refused(t, err, ipaas.ReasonStaleEtag)
	last := must[control.RetryResult](t)(w.RetryCleanupDebt(t.Context(), id, control.Mutation{Base: first.Debt.UpdateTime.UnixMicro()}))
	if !last.Removed || last.Debt.Standing() != ipaas.DebtSettled {
		t.Errorf("removed: %+v", last)
	}
	_, err = w.RetryCleanupDebt(t.Context(), id, plain)
	refused(t, err, ipaas.ReasonNotFound)
	_, err = w.GetCleanupDebt(t.Context(), id)
	refused(t, err, ipaas.ReasonNotFound)
}

func TestForgivenDebtIsNotTriedAndHoldsNothing(t *testing.T) {
	t.Parallel()
	w := owing(t)
	in := must[ipaas.Instance](t)(w.instanceOf("gone"))
	if err := w.DeleteIntegration(t.Context(), in.IntegrationID, plain); err != nil {
		t.Fatal(err)
	}
	refused(t, w.DeleteComponent(t.Context(), acme().ID, plain), ipaas.ReasonInUse)
	for _, d := range w.debts() {
		m := as("ForgiveCleanupDebt", "r-"+d.ID, "h")
		forgiven := must[ipaas.CleanupDebt](t)(w.ForgiveCleanupDebt(t.Context(), d.ID, "by hand", m))
		if forgiven.Standing() != ipaas.DebtForgiven || forgiven.Comment != "by hand" || forgiven.ForgivenBy != "tester" ||
			forgiven.Reason != ipaas.DebtRemoveFailed || !forgiven.NextTryTime.IsZero() || forgiven.ForgiveTime.IsZero() {
			t.Errorf("forgiven: %+v", forgiven)
		}
		again := must[ipaas.CleanupDebt](t)(w.ForgiveCleanupDebt(t.Context(), d.ID, "by hand", m))
		if diff := cmp.Diff(forgiven, again); diff != "" {
			t.Errorf("the same request (-first +again):\n%s", diff)
		}
	}
	if err := w.DeleteComponent(t.Context(), acme().ID, plain); err != nil {
		t.Errorf("a component that only forgiven debts were made with: %v", err)
	}
}

func TestSystemThatDoesNotAnswerHoldsUpNoRemoval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("mute", tutorial(), w.erpConfig())
	w.noDeletes()
	w.slow.Store(int64(10 * time.Second))
	result := must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "mute", plain))
	w.slow.Store(0)
	if len(result.Remaining) != 2 || result.Remaining[0].Tries != 1 || result.Remaining[1].Tries != 0 {
		t.Errorf("remaining: %+v", result.Remaining)
	}
	w.erp.Heal()
	w.ahead.Add(int64(80 * time.Second))
	w.eventually("nothing is owed", func() bool { return len(w.debts()) == 0 })
}

func TestErrorOfADebtKeepsNoToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("token", tutorial(), w.erpConfig())
	w.noDeletes()
	must[control.RemovalResult](t)(w.DeleteInstance(t.Context(), "token", plain))
	for name, url := range urls {
		if strings.Contains(w.dump(), tokenOf(url)) {
			t.Errorf("the token of %s is stored in clear", name)
		}
	}
}

func TestWhatACrashLeftUnremovedIsRemovedAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("cut", tutorial(), w.erpConfig())
	in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "cut"))
	must[ipaas.Instance](t)(w.store.BeginRemoval(t.Context(), "cut", ipaas.InstanceUndeployed, in.Revision, time.Now(), storage.Write{}))
	twin := w.crashCopy()
	w.stop()
	twin.start()
	twin.eventually("nothing is left in the ERP", func() bool { return len(w.erp.Webhooks()) == 0 })
	twin.eventually("nothing is owed", func() bool { return len(twin.debts()) == 0 })
}
