package storagetest

import (
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

func upgrade(id string) ipaas.Upgrade {
	return ipaas.Upgrade{
		ID: id, IntegrationID: "erp", Version: 1, Filter: "a filter", CanaryCount: 2, MaxFailures: 3, Parallelism: 4, IncludeUpToDate: true,
		State: ipaas.UpgradePending, Revision: 1, CreateTime: start, UpdateTime: start,
	}
}

func (w *world) upgrade(id string) ipaas.Upgrade {
	w.t.Helper()
	return got(w.s.CreateUpgrade(w.t.Context(), upgrade(id), nil, no))(w.t)
}

// upgradeResults are those of upgrade "u".
func (w *world) upgradeResults() []ipaas.UpgradeResult {
	w.t.Helper()
	return got(w.s.ListUpgradeResults(w.t.Context(), "u", storage.Query{Size: 10}))(w.t).Items
}

var upgradeSentences = []sentence{
	{"an_upgrade_is_about_the_instances_there_are", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("b")
		a := w.instance("a")
		w.instance("gone")
		w.delete("gone")
		u := w.upgrade("u")
		want := upgrade("u")
		want.Total = 2
		same(t, "upgrade", want, u)
		w.instance("late")
		results := w.upgradeResults()
		same(t, "instances", []string{"a", "b"}, ids(results, func(r ipaas.UpgradeResult) string { return r.InstanceID }))
		same(t, "first", ipaas.UpgradeResult{
			UpgradeID: "u", Sequence: 1, InstanceID: "a", InstanceUID: a.UID, CustomerID: "progix", State: ipaas.UpgradeResultPending,
		}, results[0])
		if results[1].FromVersion != 1 {
			t.Errorf("second: %+v", results[1])
		}
	}},
	{"a_filter_chooses_among_them", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("a")
		w.instance("b")
		u := got(s.CreateUpgrade(t.Context(), upgrade("u"), &storage.Filter{Field: "id", Operator: storage.Equal, Value: "b"}, no))(t)
		same(t, "instances", []string{"b"}, ids(w.upgradeResults(), func(r ipaas.UpgradeResult) string { return r.InstanceID }))
		if u.Total != 1 {
			t.Errorf("upgrade %+v", u)
		}
		other := upgrade("v")
		got(s.MoveUpgrade(t.Context(), "u", ipaas.UpgradeSucceeded, "", 0, at(1), no))(t)
		_, err := s.CreateUpgrade(t.Context(), other, &storage.Filter{Field: "colour", Operator: storage.Equal, Value: "b"}, no)
		wantViolation(t, err, "filter", ipaas.ReasonUnknownField)
	}},
	{"one_upgrade_of_an_integration_at_a_time", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.upgrade("u")
		_, err := s.CreateUpgrade(t.Context(), upgrade("v"), nil, no)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonUpgradeRunning)
		got(s.MoveUpgrade(t.Context(), "u", ipaas.UpgradeStopped, "why", 0, at(1), no))(t)
		w.upgrade("v")
		_, err = s.ResumeUpgrade(t.Context(), "u", 0, at(2), no)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonUpgradeRunning)
		same(t, "unfinished", []string{"v"}, ids(got(s.UnfinishedUpgrades(t.Context()))(t), func(u ipaas.Upgrade) string { return u.ID }))
		unknown := upgrade("x")
		unknown.Version = 7
		_, err = s.CreateUpgrade(t.Context(), unknown, nil, no)
		wantKind(t, err, ipaas.NotFound, "")
		unknown.IntegrationID = "nothing"
		_, err = s.CreateUpgrade(t.Context(), unknown, nil, no)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"what_has_ended_stays_where_it_is_until_it_is_resumed", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("a")
		w.instance("b")
		w.upgrade("u")
		_, err := s.MoveUpgrade(t.Context(), "u", ipaas.UpgradeCanary, "", 7, at(1), no)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonStaleEtag)
		failed := got(s.BeginUpgradeResult(t.Context(), "u", true, at(1)))(t)
		failed.State, failed.Reason, failed.Message, failed.EndTime = ipaas.UpgradeResultFailed, ipaas.ReasonInitFlowFailed, "it failed", at(2)
		failed.Problems = []ipaas.Violation{{Field: "configValues.x", Reason: ipaas.ReasonRequired, Description: "is missing"}}
		check(t, s.SaveUpgradeResult(t.Context(), failed))
		same(t, "result", failed, w.upgradeResults()[0])
		u := got(s.MoveUpgrade(t.Context(), "u", ipaas.UpgradeStopped, "why", 1, at(3), no))(t)
		if u.State != ipaas.UpgradeStopped || u.Message != "why" || !u.EndTime.Equal(at(3)) || u.Revision != 2 || u.Failed != 1 || u.Remaining() != 1 {
			t.Errorf("stopped: %+v", u)
		}
		same(t, "canceled after its end", u, got(s.MoveUpgrade(t.Context(), "u", ipaas.UpgradeCanceled, "", 0, at(4), no))(t))
		_, err = s.BeginUpgradeResult(t.Context(), "u", false, at(4))
		wantKind(t, err, ipaas.Conflict, "")

		u = got(s.ResumeUpgrade(t.Context(), "u", 2, at(5), no))(t)
		if u.State != ipaas.UpgradePending || u.Failed != 0 || !u.EndTime.IsZero() || u.Message != "" {
			t.Errorf("resumed: %+v", u)
		}
		same(t, "resumed again", u, got(s.ResumeUpgrade(t.Context(), "u", 0, at(6), no))(t))
		if r := w.upgradeResults()[0]; r.State != ipaas.UpgradeResultPending || r.Attempts != 1 || r.Reason != "" {
			t.Errorf("the failed one is %+v", r)
		}
	}},
	{"instances_are_taken_in_order_and_each_attempt_is_counted", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("a")
		w.instance("b")
		w.upgrade("u")
		first := got(s.BeginUpgradeResult(t.Context(), "u", true, at(1)))(t)
		if first.InstanceID != "a" || first.State != ipaas.UpgradeResultRunning || first.Attempts != 1 || !first.Canary || !first.StartTime.Equal(at(1)) {
			t.Errorf("first %+v", first)
		}
		second := got(s.BeginUpgradeResult(t.Context(), "u", false, at(2)))(t)
		if second.InstanceID != "b" || second.Canary {
			t.Errorf("second %+v", second)
		}
		_, err := s.BeginUpgradeResult(t.Context(), "u", false, at(3))
		wantKind(t, err, ipaas.NotFound, "")
		first.State = ipaas.UpgradeResultPending
		check(t, s.SaveUpgradeResult(t.Context(), first))
		if again := got(s.BeginUpgradeResult(t.Context(), "u", true, at(4)))(t); again.InstanceID != "a" || again.Attempts != 2 {
			t.Errorf("again %+v", again)
		}
		second.State, second.DeploymentID, second.EndTime = ipaas.UpgradeResultSucceeded, "dep", at(5)
		check(t, s.SaveUpgradeResult(t.Context(), second))
		if u := got(s.GetUpgrade(t.Context(), "u"))(t); u.Succeeded != 1 || u.Remaining() != 1 {
			t.Errorf("upgrade %+v", u)
		}
		for _, id := range []string{"nothing"} {
			_, err = s.BeginUpgradeResult(t.Context(), id, false, at(6))
			wantKind(t, err, ipaas.NotFound, "")
			wantKind(t, s.SaveUpgradeResult(t.Context(), ipaas.UpgradeResult{UpgradeID: id}), ipaas.NotFound, "")
			_, err = s.GetUpgrade(t.Context(), id)
			wantKind(t, err, ipaas.NotFound, "")
			_, err = s.ListUpgradeResults(t.Context(), id, storage.Query{Size: 1})
			wantKind(t, err, ipaas.NotFound, "")
		}
	}},
	{"upgrades_that_ended_long_ago_are_forgotten", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("a")
		w.upgrade("u")
		got(s.MoveUpgrade(t.Context(), "u", ipaas.UpgradeCanceled, "", 0, at(10), no))(t)
		w.upgrade("v")
		if n := got(s.ExpireUpgrades(t.Context(), at(10)))(t); n != 0 {
			t.Errorf("forgot %d too early", n)
		}
		if n := got(s.ExpireUpgrades(t.Context(), never))(t); n != 1 {
			t.Errorf("forgot %d, want 1", n)
		}
		_, err := s.GetUpgrade(t.Context(), "u")
		wantKind(t, err, ipaas.NotFound, "")
		got(s.GetUpgrade(t.Context(), "v"))(t)
	}},
	{"upgrades_are_listed_newest_first", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		for n, id := range []string{"u", "v"} {
			u := upgrade(id)
			u.CreateTime = at(n)
			got(s.CreateUpgrade(t.Context(), u, nil, no))(t)
			got(s.MoveUpgrade(t.Context(), id, ipaas.UpgradeCanceled, "", 0, at(9), no))(t)
		}
		w.upgrade("w")
		list := func(f *storage.Filter) []string {
			return ids(got(s.ListUpgrades(t.Context(), storage.Query{Size: 10, Filter: f}))(t).Items, func(u ipaas.Upgrade) string { return u.ID })
		}
		same(t, "all", []string{"v", "w", "u"}, list(nil))
		same(t, "canceled", []string{"v", "u"}, list(&storage.Filter{Field: "state", Operator: storage.Equal, Value: "CANCELED"}))
	}},
}
