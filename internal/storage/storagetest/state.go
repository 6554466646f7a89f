package storagetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// kept is where an instance keeps what its flows share.
func kept(in ipaas.Instance) ipaas.StatePlace {
	return ipaas.StatePlace{Scope: ipaas.StateInstance, Owner: in.UID}
}

// put sets a key.
func put(place ipaas.StatePlace, key, text string) storage.StateChange {
	return storage.StateChange{Place: place, Key: key, Next: func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) {
		return &storage.StateValue{Sealed: text, Size: len(text)}, nil
	}}
}

// mark adds a mark to what a key has.
func mark(place ipaas.StatePlace, key string) storage.StateChange {
	return storage.StateChange{Place: place, Key: key, Next: func(v *storage.StateValue, _ *ipaas.StepResult) (*storage.StateValue, error) {
		if v == nil {
			v = &storage.StateValue{}
		}
		return &storage.StateValue{Sealed: v.Sealed + "x", Size: v.Size + 1}, nil
	}}
}

// drop removes a key.
func drop(place ipaas.StatePlace, key string) storage.StateChange {
	return storage.StateChange{Place: place, Key: key, Next: func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) {
		return nil, nil
	}}
}

// keeping makes changes effects of a step.
func keeping(changes ...storage.StateChange) storage.StepEffects {
	return storage.StepEffects{State: changes}
}

// changed carries out changes as a person would.
func (w *world) changed(changes ...storage.StateChange) {
	w.t.Helper()
	check(w.t, w.s.ChangeState(w.t.Context(), changes, 0, at(w.next()), no))
}

// keeps returns what is kept in a place, as key=value.
func (w *world) keeps(place ipaas.StatePlace) []string {
	w.t.Helper()
	return ids(got(w.s.ListState(w.t.Context(), place, "", 1000))(w.t), func(e ipaas.StateEntry) string { return e.Key + "=" + e.Sealed })
}

var errRefused = errors.New("refused")

var stateSentences = []sentence{
	{"a_key_has_what_was_set_last", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.active("i"))
		_, err := s.GetState(t.Context(), place, "k")
		wantKind(t, err, ipaas.NotFound, "")
		first := put(place, "k", "one")
		first.ExecutionID = "exe"
		check(t, s.ChangeState(t.Context(), []storage.StateChange{first}, 0, at(100), no))
		want := ipaas.NewStateEntry(place, "k")
		want.Sealed, want.Size, want.Revision, want.ExecutionID, want.CreateTime, want.UpdateTime = "one", 3, 1, "exe", at(100), at(100)
		same(t, "entry", want, got(s.GetState(t.Context(), place, "k"))(t))
		check(t, s.ChangeState(t.Context(), []storage.StateChange{put(place, "k", "three")}, 0, at(200), no))
		want.Sealed, want.Size, want.Revision, want.ExecutionID, want.UpdateTime = "three", 5, 2, "", at(200)
		same(t, "entry", want, got(s.GetState(t.Context(), place, "k"))(t))
		w.changed(drop(place, "k"), drop(place, "never"))
		_, err = s.GetState(t.Context(), place, "k")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_value_that_is_known_beforehand_is_kept_whatever_there_was", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.active("i"))
		known := storage.StateChange{
			Place: place, Key: "k", Value: &storage.StateValue{Sealed: "known", Size: ipaas.MaxStateSize - 1},
			Next: func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) { return nil, errRefused },
		}
		w.changed(known)
		w.changed(put(place, "k", "other"), known)
		same(t, "kept", []string{"k=known"}, w.keeps(place))
		want := got(s.GetState(t.Context(), place, "k"))(t)
		if want.Revision != 3 || want.Size != ipaas.MaxStateSize-1 {
			t.Errorf("revision %d of %d bytes", want.Revision, want.Size)
		}
		// It takes the room that its size tells, in place of what was there.
		wantKind(t, s.ChangeState(t.Context(), []storage.StateChange{put(place, "more", "1")}, 0, start, no), ipaas.Exhausted, ipaas.ReasonStateFull)
		known.Value = &storage.StateValue{Sealed: "less", Size: 4}
		w.changed(known, put(place, "more", "1"))
		same(t, "kept", []string{"k=less", "more=1"}, w.keeps(place))
	}},
	{"places_know_nothing_of_each_other", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in, other := w.active("i"), w.active("j")
		integration := got(s.GetIntegration(t.Context(), "erp"))(t)
		places := []ipaas.StatePlace{
			kept(in), kept(other),
			{Scope: ipaas.StateFlow, Owner: in.UID, FlowID: "orders"},
			{Scope: ipaas.StateFlow, Owner: in.UID, FlowID: "items"},
			{Scope: ipaas.StateIntegration, Owner: integration.UID},
			{Scope: ipaas.StateIntegration, Owner: in.UID},
		}
		for i, place := range places {
			w.changed(put(place, "k", fmt.Sprint(i)))
		}
		w.changed(storage.StateChange{Place: places[2]}, storage.StateChange{Place: places[4]})
		for i, place := range places {
			want := []string{fmt.Sprintf("k=%d", i)}
			if i == 2 || i == 4 {
				want = nil
			}
			same(t, fmt.Sprintf("place %d", i), want, w.keeps(place))
		}
	}},
	{"a_place_is_listed_by_key_in_pages", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.active("i"))
		w.changed(put(place, "b", "2"), put(place, "a b", "1"), put(place, "ä", "4"), put(place, "c", "3"))
		same(t, "all", []string{"a b=1", "b=2", "c=3", "ä=4"}, w.keeps(place))
		page := got(s.ListState(t.Context(), place, "a b", 2))(t)
		same(t, "after the first, two", []string{"b", "c"}, ids(page, func(e ipaas.StateEntry) string { return e.Key }))
		same(t, "all keys", []string{"a b", "b", "c", "ä"}, got(s.ListStateKeys(t.Context(), place, "", 10))(t))
		same(t, "two keys after the first", []string{"b", "c"}, got(s.ListStateKeys(t.Context(), place, "a b", 2))(t))
	}},
	{"changes_are_carried_out_in_order_on_what_is_there_then", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.active("i"))
		w.changed(put(place, "a", "1"), mark(place, "a"), put(place, "gone", "1"), storage.StateChange{Place: place}, mark(place, "b"), mark(place, "b"))
		same(t, "kept", []string{"b=xx"}, w.keeps(place))
	}},
	{"two_changes_that_come_at_once_are_one_after_the_other", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.active("i"))
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := s.ChangeState(t.Context(), []storage.StateChange{mark(place, "k")}, 0, start, no); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		same(t, "marks", []string{"k=" + strings.Repeat("x", 50)}, w.keeps(place))
	}},
	{"if_a_change_is_refused_nothing_happens", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.active("i"))
		refusing := storage.StateChange{Place: place, Key: "b", Next: func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) {
			return nil, errRefused
		}}
		changes := []storage.StateChange{put(place, "a", "1"), refusing}
		if err := s.ChangeState(t.Context(), changes, 0, start, no); !errors.Is(err, errRefused) {
			t.Errorf("it says %v", err)
		}
		ex := w.running("i")
		r := w.begun(ex.ID, "post")
		if err := s.CompleteStep(t.Context(), 1, ended(r), nil, nil, keeping(changes...)); !errors.Is(err, errRefused) {
			t.Errorf("the step says %v", err)
		}
		same(t, "kept", nil, w.keeps(place))
		same(t, "steps", []ipaas.StepResult{r}, got(s.ListStepResults(t.Context(), ex.ID, 0, 10))(t))
		check(t, s.ChangeState(t.Context(), changes[:1], 0, start, storage.Write{DryRun: true}))
		same(t, "kept after a trial", nil, w.keeps(place))
	}},
	{"a_place_has_bounds", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.active("i")
		place := kept(in)
		var many []storage.StateChange
		for i := range ipaas.MaxStateKeys {
			many = append(many, put(place, fmt.Sprint(i), "x"))
		}
		w.changed(many...)
		err := s.ChangeState(t.Context(), []storage.StateChange{put(place, "more", "x")}, 0, start, no)
		wantKind(t, err, ipaas.Exhausted, ipaas.ReasonStateFull)
		w.changed(put(place, "7", "y"), drop(place, "8"), put(place, "more", "x")) // one for another
		w.changed(storage.StateChange{Place: place}, put(place, "more", "x"))      // none is left that counts
		large := func(key string) storage.StateChange {
			return storage.StateChange{Place: place, Key: key, Next: func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) {
				return &storage.StateValue{Sealed: "as good as large", Size: ipaas.MaxStateSize / 2}, nil
			}}
		}
		w.changed(large("a"))
		err = s.ChangeState(t.Context(), []storage.StateChange{large("b")}, 0, start, no)
		wantKind(t, err, ipaas.Exhausted, ipaas.ReasonStateFull)
		w.changed(large("a"), put(place, "a", "small"), large("b")) // it may shrink, and grow again
	}},
	{"nothing_is_kept_for_a_deleted_owner", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in, other := w.active("i"), w.active("j")
		flow := ipaas.StatePlace{Scope: ipaas.StateFlow, Owner: in.UID, FlowID: "orders"}
		w.changed(put(kept(in), "k", "1"), put(flow, "k", "2"), put(kept(other), "k", "3"))
		w.delete("i")
		same(t, "instance", nil, w.keeps(kept(in)))
		same(t, "flow", nil, w.keeps(flow))
		same(t, "another", []string{"k=3"}, w.keeps(kept(other)))
		for _, owner := range []string{in.UID, "nobody"} {
			err := s.ChangeState(t.Context(), []storage.StateChange{put(ipaas.StatePlace{Scope: ipaas.StateInstance, Owner: owner}, "k", "1")}, 0, start, no)
			wantKind(t, err, ipaas.Gone, ipaas.ReasonInstanceRemoved)
		}
	}},
	{"an_integration_takes_what_is_kept_for_it_along", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.integration("lone")
		integration := got(s.GetIntegration(t.Context(), "lone"))(t)
		place := ipaas.StatePlace{Scope: ipaas.StateIntegration, Owner: integration.UID}
		tests := ipaas.StatePlace{Scope: ipaas.StateIntegration, Owner: w.get(ipaas.TestInstanceID("lone")).UID}
		w.changed(put(place, "k", "1"), put(tests, "k", "2"))
		check(t, s.DeleteIntegration(t.Context(), "lone", 0, no))
		same(t, "integration", nil, w.keeps(place))
		same(t, "test instance", nil, w.keeps(tests))
	}},
	{"forgetting_leaves_nothing_of_an_owner", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in, other := w.active("i"), w.active("j")
		w.changed(put(kept(in), "k", "1"), put(kept(other), "k", "2"))
		check(t, s.ForgetState(t.Context(), in.UID))
		check(t, s.ForgetState(t.Context(), "nobody"))
		same(t, "forgotten", nil, w.keeps(kept(in)))
		same(t, "another", []string{"k=2"}, w.keeps(kept(other)))
	}},
	{"a_step_is_completed_with_its_changes", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.active("i"))
		ex := w.running("i")
		own := ipaas.StatePlace{Scope: ipaas.StateExecution, Owner: ex.ID}
		r := ended(w.begun(ex.ID, "post"))
		finish := storage.StateChange{Place: place, Key: "n", ExecutionID: ex.ID, Next: func(_ *storage.StateValue, step *ipaas.StepResult) (*storage.StateValue, error) {
			step.Result += " and more"
			return &storage.StateValue{Sealed: "n", Size: 1}, nil
		}}
		check(t, s.CompleteStep(t.Context(), 1, r, nil, nil, keeping(mark(own, "k"), finish)))
		r.Result += " and more"
		same(t, "steps", []ipaas.StepResult{r}, got(s.ListStepResults(t.Context(), ex.ID, 0, 10))(t))
		same(t, "its own", []string{"k=x"}, w.keeps(own))
		e := got(s.GetState(t.Context(), place, "n"))(t)
		if e.ExecutionID != ex.ID || !e.UpdateTime.Equal(r.EndTime) {
			t.Errorf("the entry is %+v", e)
		}
		wantKind(t, s.CompleteStep(t.Context(), 1, r, nil, nil, keeping(mark(own, "k"))), ipaas.Conflict, "")
		same(t, "its own, unchanged", []string{"k=x"}, w.keeps(own))
	}},
	{"a_step_keeps_how_often_it_was_tried_and_that_its_failure_is_ignored", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		r := w.begun(ex.ID, "post")
		r.Tries, r.Error = 2, "not yet"
		check(t, s.CompleteStep(t.Context(), 1, r, nil, nil)) // RUNNING still
		again, done, err := s.BeginStep(t.Context(), 1, step(ex.ID, "post"))
		check(t, err)
		if done {
			t.Error("a step that is tried again is done")
		}
		same(t, "begun again", r, again)
		r.State, r.Tries, r.Ignored, r.EndTime = ipaas.StepFailed, 3, true, at(9)
		check(t, s.CompleteStep(t.Context(), 1, r, nil, nil))
		same(t, "ended", []ipaas.StepResult{r}, got(s.ListStepResults(t.Context(), ex.ID, 0, 10))(t))
	}},
	{"changes_wait_for_the_commit_of_the_deployment", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.instance("i")
		place := kept(in)
		dep := w.begin("i", definition("ERP", "orders"))
		ex := w.event("i", "orders")
		ex.State, ex.Inline, ex.Attempts, ex.DeploymentID, ex.LeaseTime = ipaas.ExecutionRunning, true, 1, dep.ID, never
		check(t, s.StartExecution(t.Context(), ex))
		waits := []storage.StateChange{
			{Place: place, Key: "a", ExecutionID: ex.ID, Sealed: "first"}, {Place: place, ExecutionID: ex.ID, Sealed: "second"},
		}
		carried := mark(place, "a") // in place of the first, once nothing waits any more
		carried.ExecutionID, carried.Sealed = ex.ID, "first"
		check(t, s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "one")), nil, nil, keeping(carried)))
		check(t, s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "two")), nil, nil, keeping(waits[1], waits[0])))
		want := []storage.StateChange{waits[0], waits[1], waits[0]}
		for i := range want {
			want[i].Sequence = int64(i + 1)
		}
		same(t, "waiting", want, got(s.ListStateChanges(t.Context(), dep.ID, 0))(t))
		same(t, "waiting after the first", want[1:], got(s.ListStateChanges(t.Context(), dep.ID, 1))(t))
		same(t, "kept", nil, w.keeps(place))
		got(s.CommitDeployment(t.Context(), dep.ID, at(w.next()), storage.Takeover{State: func(waiting []storage.StateChange) ([]storage.StateChange, error) {
			same(t, "waiting at the commit", want, waiting)
			return []storage.StateChange{put(place, "a", "1"), mark(place, "a")}, nil
		}}))(t)
		same(t, "kept after the commit", []string{"a=1x"}, w.keeps(place))
		same(t, "waiting after the commit", nil, got(s.ListStateChanges(t.Context(), dep.ID, 0))(t))
		check(t, s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "three")), nil, nil, keeping(put(place, "b", "2"), carried, mark(place, "b"))))
		same(t, "kept once nothing waits", []string{"a=1xx", "b=2x"}, w.keeps(place))
		same(t, "waiting then", nil, got(s.ListStateChanges(t.Context(), dep.ID, 0))(t))
		same(t, "of none", nil, got(s.ListStateChanges(t.Context(), "nothing", 0))(t))
	}},
	{"a_change_that_knew_of_fewer_that_wait_is_overtaken", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.instance("i"))
		dep := w.begin("i", definition("ERP", "orders"))
		ex := w.event("i", "orders")
		ex.State, ex.Inline, ex.Attempts, ex.DeploymentID, ex.LeaseTime = ipaas.ExecutionRunning, true, 1, dep.ID, never
		check(t, s.StartExecution(t.Context(), ex))
		change := func(sequence int64) storage.StateChange {
			c := mark(place, "a")
			c.Sealed, c.Sequence = "sealed", sequence
			return c
		}
		check(t, s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "one")), nil, nil, keeping(change(0), change(2))))
		for _, wrong := range []int64{1, 2, 4} {
			err := s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "two")), nil, nil, keeping(change(wrong)))
			if !errors.Is(err, storage.ErrOvertaken) {
				t.Errorf("one that expects to be the %d.: %v", wrong, err)
			}
		}
		check(t, s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "two")), nil, nil, keeping(change(3))))
		if n := len(got(s.ListStateChanges(t.Context(), dep.ID, 0))(t)); n != 3 {
			t.Errorf("%d wait, want 3", n)
		}
	}},
	{"a_commit_that_is_refused_a_change_has_not_happened", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.instance("i"))
		dep := w.begin("i", definition("ERP", "orders"))
		bad := storage.StateChange{
			Place: place, Key: "b", Next: func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) { return nil, errRefused },
		}
		for _, state := range []func([]storage.StateChange) ([]storage.StateChange, error){
			func([]storage.StateChange) ([]storage.StateChange, error) {
				return []storage.StateChange{put(place, "a", "1"), bad}, nil
			},
			func([]storage.StateChange) ([]storage.StateChange, error) { return nil, errRefused },
		} {
			if _, err := s.CommitDeployment(t.Context(), dep.ID, at(w.next()), storage.Takeover{State: state}); !errors.Is(err, errRefused) {
				t.Errorf("it says %v", err)
			}
		}
		same(t, "kept", nil, w.keeps(place))
		if d := got(s.GetDeployment(t.Context(), "i", dep.ID))(t); d.State != ipaas.DeploymentRunning {
			t.Errorf("the deployment is %s", d.State)
		}
	}},
	{"changes_that_waited_are_gone_with_the_rollback", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.instance("i"))
		for _, keep := range []bool{false, true} {
			dep := w.begin("i", definition("ERP", "orders"))
			ex := w.event("i", "orders")
			ex.State, ex.Inline, ex.Attempts, ex.DeploymentID, ex.LeaseTime = ipaas.ExecutionRunning, true, 1, dep.ID, never
			check(t, s.StartExecution(t.Context(), ex))
			waits := put(place, "a", "1")
			waits.Sealed = "sealed"
			check(t, s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "one")), nil, nil, keeping(waits)))
			got(s.BeginRollback(t.Context(), dep.ID, ipaas.DeploymentError{Reason: ipaas.ReasonInitFlowFailed}, keep, at(w.next())))(t)
			same(t, "waiting", nil, got(s.ListStateChanges(t.Context(), dep.ID, 0))(t))
			err := s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "two")), nil, nil, keeping(waits))
			wantKind(t, err, ipaas.Gone, ipaas.ReasonInstanceRemoved)
			same(t, "kept", nil, w.keeps(place))
			check(t, s.FinishRollback(t.Context(), dep.ID, at(w.next())))
		}
	}},
	{"what_waits_for_a_deployment_is_bounded", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.instance("i"))
		dep := w.begin("i", definition("ERP", "orders"))
		ex := w.event("i", "orders")
		ex.State, ex.Inline, ex.Attempts, ex.DeploymentID, ex.LeaseTime = ipaas.ExecutionRunning, true, 1, dep.ID, never
		check(t, s.StartExecution(t.Context(), ex))
		third := storage.StateChange{Place: place, Key: "a", Sealed: strings.Repeat("x", ipaas.MaxStateSize/3)}
		check(t, s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "one")), nil, nil, keeping(third, third)))
		err := s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "two")), nil, nil, keeping(third))
		wantKind(t, err, ipaas.Exhausted, ipaas.ReasonStateFull)
	}},
	{"a_replay_has_what_it_is_given_to_keep", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.accept("i", "orders")
		old := w.claim()
		w.conclude(old, ipaas.ExecutionFailed)
		ex := w.after(old)
		ex.ReplayOf = old.ID
		own := ipaas.StatePlace{Scope: ipaas.StateExecution, Owner: ex.ID}
		got(s.ReplayExecution(t.Context(), ex, nil, admission, no, put(own, "k", "1")))(t)
		same(t, "its own", []string{"k=1"}, w.keeps(own))
	}},
	{"an_execution_keeps_as_long_as_its_payload", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.active("i"))
		ex := w.running("i")
		own := ipaas.StatePlace{Scope: ipaas.StateExecution, Owner: ex.ID}
		var many []storage.StateChange
		for i := range 700 { // more than are cleared at a time
			many = append(many, put(own, fmt.Sprint(i), "x"))
		}
		check(t, s.CompleteStep(t.Context(), 1, ended(w.begun(ex.ID, "one")), nil, nil, keeping(append(many, put(place, "k", "1"))...)))
		w.conclude(ex, ipaas.ExecutionSucceeded)
		if n := got(s.ExpirePayloads(t.Context(), never))(t); n != 1 {
			t.Errorf("expired %d", n)
		}
		same(t, "its own", nil, w.keeps(own))
		same(t, "the instance's", []string{"k=1"}, w.keeps(place))
	}},
	{"an_entry_is_found_by_its_id_by_its_owners", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in, other := w.active("i"), w.active("j")
		w.changed(put(kept(in), "k", "1"))
		want := got(s.GetState(t.Context(), kept(in), "k"))(t)
		same(t, "entry", want, got(s.GetStateEntry(t.Context(), want.ID, []string{"x", in.UID}))(t))
		_, err := s.GetStateEntry(t.Context(), want.ID, []string{other.UID})
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.GetStateEntry(t.Context(), "nothing", []string{in.UID})
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"entries_of_two_owners_are_listed_without_their_values", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in, other := w.active("i"), w.active("j")
		integration := got(s.GetIntegration(t.Context(), "erp"))(t)
		flow := ipaas.StatePlace{Scope: ipaas.StateFlow, Owner: in.UID, FlowID: "orders"}
		shared := ipaas.StatePlace{Scope: ipaas.StateIntegration, Owner: integration.UID}
		w.changed(put(kept(in), "c", "1"), put(flow, "a", "22"), put(shared, "b", "333"), put(kept(other), "d", "4"))
		owners := [2]string{in.UID, integration.UID}
		var keys []string
		for q := (storage.Query{Size: 2}); ; {
			page := got(s.ListStateEntries(t.Context(), owners, q))(t)
			for _, e := range page.Items {
				if e.Sealed != "" || e.Size != map[string]int{"a": 2, "b": 3, "c": 1}[e.Key] {
					t.Errorf("listed is %+v", e)
				}
				keys = append(keys, e.Key)
			}
			if q.After = page.Next; page.Next == "" {
				break
			}
		}
		same(t, "keys", []string{"a", "b", "c"}, keys)
		for field, want := range map[string]struct {
			value any
			key   string
		}{"scope": {"FLOW", "a"}, "flow_id": {"orders", "a"}, "key": {"b", "b"}, "size": {int64(1), "c"}} {
			page := got(s.ListStateEntries(t.Context(), owners, storage.Query{Size: 5, Filter: &storage.Filter{Field: field, Operator: storage.Equal, Value: want.value}}))(t)
			same(t, field, []string{want.key}, ids(page.Items, func(e ipaas.StateEntry) string { return e.Key }))
		}
		for _, field := range []string{"create_time", "update_time"} {
			page := got(s.ListStateEntries(t.Context(), owners, storage.Query{Size: 5, OrderBy: []storage.Order{{Field: field, Desc: true}}}))(t)
			if len(page.Items) != 3 {
				t.Errorf("by %s: %+v", field, page.Items)
			}
		}
	}},
	{"a_change_by_hand_fits_the_revision_that_was_seen", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		place := kept(w.active("i"))
		err := s.ChangeState(t.Context(), []storage.StateChange{put(place, "k", "1")}, 1, start, no)
		wantKind(t, err, ipaas.NotFound, "")
		w.changed(put(place, "k", "1"))
		err = s.ChangeState(t.Context(), []storage.StateChange{put(place, "k", "2")}, 7, start, no)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonStaleEtag)
		receipt := &storage.Receipt{Key: "r", RequestHash: "h", Answer: []byte("a"), ExpireTime: never}
		check(t, s.ChangeState(t.Context(), []storage.StateChange{put(place, "k", "2")}, 1, start, storage.Write{Receipt: receipt}))
		err = s.ChangeState(t.Context(), []storage.StateChange{put(place, "k", "3")}, 0, start, storage.Write{Receipt: receipt})
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonRequestIDReused)
		same(t, "kept", []string{"k=2"}, w.keeps(place))
	}},
}
