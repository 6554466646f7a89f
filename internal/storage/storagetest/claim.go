package storagetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// owned adds an instance of another customer that serves the flows "orders" and "items".
func (w *world) owned(id, customerID string) {
	w.t.Helper()
	if _, err := w.s.GetCustomer(w.t.Context(), customerID); err != nil {
		w.customer(customerID)
	}
	in := instance(id, "uid-"+id)
	in.CustomerID = customerID
	check(w.t, w.s.CreateInstance(w.t.Context(), in, nil, no))
	w.deploy(id, definition("ERP", "orders", "items"))
}

// limitCustomer sets how many executions of a customer may run.
func (w *world) limitCustomer(id string, most int) {
	w.t.Helper()
	c := got(w.s.GetCustomer(w.t.Context(), id))(w.t)
	c.MaxConcurrency = most
	check(w.t, w.s.UpdateCustomer(w.t.Context(), c, 0, no))
	if got := got(w.s.GetCustomer(w.t.Context(), id))(w.t).MaxConcurrency; got != most {
		w.t.Errorf("the customer's limit is %d, want %d", got, most)
	}
}

func (w *world) limitInstance(id string, most int) {
	w.t.Helper()
	in := w.get(id)
	in.MaxConcurrency = most
	check(w.t, w.s.UpdateInstance(w.t.Context(), in, 0, no))
	if got := w.get(id).MaxConcurrency; got != most {
		w.t.Errorf("the instance's limit is %d, want %d", got, most)
	}
}

// inline returns an event for whose result somebody waits.
func (w *world) inline(instanceID string) ipaas.Execution {
	w.t.Helper()
	in := w.get(instanceID)
	g := got(w.s.GetGeneration(w.t.Context(), instanceID, in.Generation))(w.t)
	ex := w.event(instanceID, "orders")
	ex.Inline, ex.StartTime, ex.LeaseTime = true, ex.CreateTime, never
	ex.Generation, ex.Version, ex.DefinitionHash, ex.ConfigRevision = g.Number, g.Version, g.DefinitionHash, g.ConfigRevision
	return ex
}

var claimSentences = []sentence{
	{"customers_take_turns", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.owned("noisy", "a-noisy")
		w.owned("quiet", "b-quiet")
		w.owned("calm", "c-calm")
		var noisy []string
		for range 6 {
			noisy = append(noisy, w.accept("noisy", "orders").ID)
		}
		quiet, calm := w.accept("quiet", "orders").ID, w.accept("calm", "orders").ID
		same(t, "all at once", []string{noisy[0], quiet, calm, noisy[1]}, w.claimed(4))
		quiet = w.accept("quiet", "orders").ID
		same(t, "the next goes on where the last stopped", []string{quiet}, w.claimed(1))
		quiet = w.accept("quiet", "orders").ID
		same(t, "and so on", []string{noisy[2], quiet, noisy[3], noisy[4]}, w.claimed(4))
	}},
	{"a_customer_whose_executions_hang_keeps_no_other_from_running", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		workers := storage.Workers{Size: 4, Busy: map[string]int{}}
		claimed := func() map[string]int {
			t.Helper()
			begun := map[string]int{}
			for _, ex := range got(s.ClaimExecutions(t.Context(), at(w.next()), never, 100, workers))(t) {
				begun[ex.InstanceID]++
				workers.Busy[ex.CustomerID]++
			}
			return begun
		}
		send := func(n int, ids ...string) {
			for _, id := range ids {
				for range n {
					w.accept(id, "orders")
				}
			}
		}
		for _, id := range []string{"hog", "pig", "rat", "ox", "ass", "elk", "cow", "ram", "hen"} {
			w.owned(id, "of-"+id)
		}
		send(9, "hog")
		same(t, "one alone has all workers", map[string]int{"hog": 4}, claimed())
		send(9, "pig")
		same(t, "another one has three at once", map[string]int{"pig": 3}, claimed())
		send(1, "rat")
		same(t, "a third one, too", map[string]int{"rat": 1}, claimed())
		send(9, "ox")
		same(t, "with twice as many at work two", map[string]int{"ox": 2}, claimed())
		send(9, "ass", "elk")
		same(t, "until there are three times as many", map[string]int{"ass": 1, "elk": 1}, claimed())
		send(9, "cow", "ram")
		same(t, "then one each", map[string]int{"cow": 1, "ram": 1}, claimed())
		workers.Busy["of-pig"], workers.Busy["of-ass"] = 0, 0
		same(t, "of what is given back each has a share", map[string]int{"elk": 1, "pig": 1, "ass": 1}, claimed())
		workers.Busy["of-hog"] = 0
		send(1, "hen")
		same(t, "whoever had it before", map[string]int{"cow": 1, "hen": 1, "hog": 1}, claimed())
	}},
	{"of_a_flow_of_which_some_wait_nothing_is_taken", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.active("j")
		w.accept("i", "orders")
		items, other := w.accept("i", "items"), w.accept("j", "orders")
		workers := storage.Workers{Size: 4, Waiting: map[storage.Group]int{{InstanceUID: w.get("i").UID, FlowID: "orders"}: 1}}
		taken := ids(got(s.ClaimExecutions(t.Context(), at(w.next()), never, 9, workers))(t), func(ex ipaas.Execution) string { return ex.ID })
		slices.Sort(taken)
		same(t, "the others", []string{items.ID, other.ID}, taken)
		same(t, "when none waits", 1, len(w.claimed(9)))
	}},
	{"the_flows_and_instances_of_a_customer_take_turns", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.active("j")
		var orders, items, other []string
		for range 3 {
			orders = append(orders, w.accept("i", "orders").ID)
		}
		for range 2 {
			items = append(items, w.accept("i", "items").ID)
			other = append(other, w.accept("j", "items").ID)
		}
		same(t, "claimed one by one", []string{items[0], orders[0], other[0], items[1], orders[1], other[1], orders[2]}, func() (all []string) {
			for range 7 {
				all = append(all, w.claimed(1)...)
			}
			return all
		}())
	}},
	{"no_more_of_a_customer_an_instance_or_a_flow_run_than_may", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.active("j")
		d := definition("ERP", "orders", "items")
		d.Flows[0].Concurrency = 1
		w.deploy("i", d)
		for range 5 {
			w.accept("i", "orders")
			w.accept("i", "items")
			w.accept("j", "orders")
		}
		count := func() map[string]int {
			n := map[string]int{}
			for _, id := range w.claimed(100) {
				ex := w.execution(id)
				n[ex.InstanceID+"/"+ex.FlowID]++
			}
			return n
		}
		w.limitInstance("i", 3)
		w.limitCustomer("progix", 5)
		same(t, "under all three limits", map[string]int{"i/orders": 1, "i/items": 2, "j/orders": 2}, count())
		w.limitCustomer("progix", 0)
		same(t, "without the customer's", map[string]int{"j/orders": 3}, count())
		w.limitInstance("i", 0)
		same(t, "without the instance's", map[string]int{"i/items": 3}, count())
		w.deploy("i", definition("ERP", "orders", "items"))
		same(t, "without the flow's", map[string]int{"i/orders": 4}, count())
	}},
	{"one_for_which_somebody_waits_runs_at_once_or_is_refused", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.limitInstance("i", 2)
		first := w.inline("i")
		want := first
		want.State, want.Attempts = ipaas.ExecutionRunning, 1
		same(t, "accepted", want, got(s.AcceptExecution(t.Context(), first, admission))(t))
		same(t, "stored", want, w.execution(first.ID))
		waits := w.accept("i", "orders")
		w.wantClaimed("beside it", waits)
		_, err := s.AcceptExecution(t.Context(), w.inline("i"), admission)
		wantKind(t, err, ipaas.Exhausted, ipaas.ReasonTooManyRunning)
		w.conclude(want, ipaas.ExecutionSucceeded)
		got(s.AcceptExecution(t.Context(), w.inline("i"), admission))(t)
		w.active("p")
		ex := w.inline("p")
		got(s.PauseInstance(t.Context(), "p", ipaas.PauseHold, 0, start, no))(t)
		_, err = s.AcceptExecution(t.Context(), ex, admission)
		wantKind(t, err, ipaas.Unavailable, ipaas.ReasonInstancePaused)
	}},
	{"no_more_of_a_customer_wait_than_may_and_others_do_not_notice", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.owned("other", "someone")
		bounded := storage.Admission{ServingHasFlow: true, MaxHeld: 10, MaxQueued: 5}
		accept := func(id string) error {
			_, err := s.AcceptExecution(t.Context(), func() ipaas.Execution {
				ex := w.event(id, "orders")
				ex.CustomerID = w.get(id).CustomerID
				return ex
			}(), bounded)
			return err
		}
		for range 5 {
			check(t, accept("i"))
		}
		wantKind(t, accept("i"), ipaas.Exhausted, ipaas.ReasonTooManyQueued)
		check(t, accept("other"))
		w.claimed(3)
		check(t, accept("i")) // a second later, by its own clock
	}},
	{"one_that_is_bound_already_stays_so", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.event("i", "orders")
		ex.DefinitionHash, ex.Version = "its own", 4
		got(s.AcceptExecution(t.Context(), ex, admission))(t)
		if ex := w.claim(); ex.DefinitionHash != "its own" || ex.Version != 4 {
			t.Errorf("it is bound to %s, version %d", ex.DefinitionHash, ex.Version)
		}
	}},
	{"an_event_that_is_known_again_adds_nothing", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		w.active("j")
		accept := func(instance, flow, body string) (ipaas.Execution, error) {
			a := admission
			ex := w.event(instance, flow)
			a.Deduplication = &storage.Deduplication{KeyHash: "k", BodyHash: body, ExpireTime: ex.CreateTime.Add(50_000_000_000)}
			return s.AcceptExecution(t.Context(), ex, a)
		}
		first := got(accept("i", "orders", "b"))(t)
		same(t, "the same event", w.execution(first.ID), got(accept("i", "orders", "b"))(t))
		_, err := accept("i", "orders", "another body")
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonDeduplicationKeyReused)
		for _, apart := range [][2]string{{"i", "items"}, {"j", "orders"}} {
			if ex := got(accept(apart[0], apart[1], "b"))(t); ex.ID == first.ID {
				t.Errorf("the key holds for %v, too", apart)
			}
		}
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseRefuse, 0, start, no))(t)
		if ex := got(accept("i", "orders", "b"))(t); ex.ID != first.ID {
			t.Error("the event is not known while the instance is paused")
		}
		got(s.ResumeInstance(t.Context(), "i", 0, start, no))(t)
		w.n += 60
		second := got(accept("i", "orders", "another body"))(t) // the key has had its time
		if second.ID == first.ID {
			t.Error("the key is known for too long")
		}
		if n := len(executionIDs(t, s, storage.Query{Size: 9})); n != 4 {
			t.Errorf("there are %d executions, want 4", n)
		}
		if n := got(s.Expire(t.Context(), at(w.n+1000), start))(t); n != 3 {
			t.Errorf("%d keys expired, want 3", n)
		}
	}},
	{"what_was_refused_may_come_again_with_its_key", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		a := admission
		a.Deduplication = &storage.Deduplication{KeyHash: "k", BodyHash: "b", ExpireTime: never}
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseRefuse, 0, start, no))(t)
		_, err := s.AcceptExecution(t.Context(), w.event("i", "orders"), a)
		wantKind(t, err, ipaas.Unavailable, ipaas.ReasonInstancePaused)
		got(s.ResumeInstance(t.Context(), "i", 0, start, no))(t)
		ex := w.event("i", "orders")
		if got := got(s.AcceptExecution(t.Context(), ex, a))(t); got.ID != ex.ID {
			t.Errorf("it is taken for %s", got.ID)
		}
	}},
	{"a_known_event_that_is_sent_by_many_at_once_is_one", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		a := admission
		a.Deduplication = &storage.Deduplication{KeyHash: "k", BodyHash: "b", ExpireTime: never}
		answers := make(chan string, 32)
		for n := range 32 {
			ex := w.event("i", "orders")
			ex.ID = fmt.Sprintf("exe-many-%02d", n)
			go func() {
				accepted, err := s.AcceptExecution(t.Context(), ex, a)
				if err != nil {
					t.Error(err)
				}
				answers <- accepted.ID
			}()
		}
		first := <-answers
		for range 31 {
			if id := <-answers; id != first {
				t.Errorf("answered %s and %s", first, id)
			}
		}
		same(t, "executions", []string{first}, executionIDs(t, s, storage.Query{Size: 99}))
	}},
}
