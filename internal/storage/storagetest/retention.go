package storagetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// finished runs an execution of instance "i" with a step and a line of log to its end.
func (w *world) finished() ipaas.Execution {
	w.t.Helper()
	ex := w.running("i")
	ctx := w.t.Context()
	s := ipaas.StepResult{
		ExecutionID: ex.ID, Path: "post", StepID: "post", DisplayName: "Post", Action: "acme.post", State: ipaas.StepRunning,
		Inputs: "{}", StartTime: at(w.next()),
	}
	row, _, err := w.s.BeginStep(ctx, 1, s)
	check(w.t, err)
	row.State, row.Result, row.EndTime = ipaas.StepSucceeded, `{"a":1}`, at(w.next())
	logs := []ipaas.Log{{Severity: "INFO", Message: "a line", StepPath: "post", CreateTime: row.EndTime}}
	check(w.t, w.s.CompleteStep(ctx, 1, row, logs, nil))
	return w.finish(ex)
}

func (w *world) finish(ex ipaas.Execution) ipaas.Execution {
	w.t.Helper()
	ex.State, ex.Result, ex.EndTime = ipaas.ExecutionSucceeded, `{"a":1}`, at(w.next())
	ex.Response = &ipaas.Response{Status: 200}
	check(w.t, w.s.FinishExecution(w.t.Context(), ex))
	return w.execution(ex.ID)
}

// expired checks how many rows a method says it has cleared.
func expired(t *testing.T, n int, err error, want int) {
	t.Helper()
	check(t, err)
	if n != want {
		t.Errorf("cleared %d rows, want %d", n, want)
	}
}

func (w *world) gone(id string) bool {
	w.t.Helper()
	_, err := w.s.GetExecution(w.t.Context(), id)
	if err != nil && !isKind(err, ipaas.NotFound) {
		w.t.Fatal(err)
	}
	return err != nil
}

var retentionSentences = []sentence{
	{"expire_deletes_receipts_whose_time_has_come", func(t *testing.T, s storage.Store) {
		for _, key := range []string{"a", "b"} {
			check(t, s.SaveReceipt(t.Context(), storage.Receipt{Key: key, RequestHash: "h", ExpireTime: at(60)}))
		}
		check(t, s.SaveReceipt(t.Context(), storage.Receipt{Key: "c", RequestHash: "h", ExpireTime: at(61)}))
		if n := got(s.Expire(t.Context(), at(60), start))(t); n != 2 {
			t.Errorf("expired %d rows, want 2", n)
		}
		_, err := s.GetReceipt(t.Context(), "a", start)
		wantKind(t, err, ipaas.NotFound, "")
		check(t, s.SaveReceipt(t.Context(), storage.Receipt{Key: "a", RequestHash: "h", ExpireTime: at(90)}))
		_, err = s.GetReceipt(t.Context(), "c", start)
		check(t, err)
	}},
	{"expire_gives_up_what_was_held_too_long", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, at(w.next()), no))(t)
		old := w.accept("i", "orders")
		fresh := w.accept("i", "orders")
		if n := got(s.Expire(t.Context(), at(1000), fresh.CreateTime))(t); n != 1 {
			t.Errorf("expired %d rows, want 1", n)
		}
		ex := w.execution(old.ID)
		if ex.State != ipaas.ExecutionDeadLetter || ex.Held || ex.Error == nil || ex.Error.Reason != ipaas.ExecutionExpired || !ex.EndTime.Equal(at(1000)) {
			t.Errorf("the old execution is %+v (%+v)", ex, ex.Error)
		}
		if ex := w.execution(fresh.ID); ex.State != ipaas.ExecutionQueued || !ex.Held {
			t.Errorf("the fresh execution is %+v", ex)
		}
	}},
	{"expire_goes_through_more_rows_than_one_step_takes", func(t *testing.T, s storage.Store) {
		const many = 1203
		var all sync.WaitGroup
		for n := range many {
			all.Go(func() {
				r := storage.Receipt{Key: time.Duration(n).String(), RequestHash: "h", ExpireTime: at(60)}
				if err := s.SaveReceipt(t.Context(), r); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := got(s.Expire(t.Context(), at(60), start))(t); n != many {
			t.Errorf("expired %d rows, want %d", n, many)
		}
	}},
	{"payloads_of_executions_that_ended_before_are_emptied_and_all_else_stays", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		old, fresh := w.finished(), w.finished()
		n, err := s.ExpirePayloads(t.Context(), fresh.EndTime)
		expired(t, n, err, 1)
		want := old
		want.Payload, want.Result, want.Response, want.PayloadExpired = ipaas.Payload{}, "", nil, true
		same(t, "the old execution", want, w.execution(old.ID))
		same(t, "the fresh execution", fresh, w.execution(fresh.ID))
		for id, want := range map[string]int{old.ID: 0, fresh.ID: 1} {
			if got := len(got(s.ListStepResults(t.Context(), id, 0, 10))(t)); got != want {
				t.Errorf("execution %s has %d step results, want %d", id, got, want)
			}
			if got := len(got(s.ListLogs(t.Context(), id, 0, 10))(t)); got != want {
				t.Errorf("execution %s has %d lines of log, want %d", id, got, want)
			}
		}
		n, err = s.ExpirePayloads(t.Context(), fresh.EndTime)
		expired(t, n, err, 0)
	}},
	{"a_large_execution_is_emptied_in_steps", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		row, _, err := s.BeginStep(t.Context(), 1, ipaas.StepResult{ExecutionID: ex.ID, Path: "a", StepID: "a", State: ipaas.StepRunning, StartTime: at(1)})
		check(t, err)
		logs := make([]ipaas.Log, 1234)
		for i := range logs {
			logs[i] = ipaas.Log{Severity: "INFO", Message: fmt.Sprint(i), CreateTime: at(1)}
		}
		row.State, row.EndTime = ipaas.StepSucceeded, at(2)
		check(t, s.CompleteStep(t.Context(), 1, row, logs, nil))
		w.finish(ex)
		n, err := s.ExpirePayloads(t.Context(), never)
		expired(t, n, err, 1)
		if left := got(s.ListLogs(t.Context(), ex.ID, 0, 10))(t); len(left) > 0 {
			t.Errorf("lines are left: %v", left)
		}
	}},
	{"executions_are_forgotten_once_their_payload_has_expired", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		old, fresh := w.finished(), w.finished()
		n, err := s.ExpireExecutions(t.Context(), never)
		expired(t, n, err, 0)
		n, err = s.ExpirePayloads(t.Context(), never)
		expired(t, n, err, 2)
		n, err = s.ExpireExecutions(t.Context(), fresh.EndTime)
		expired(t, n, err, 1)
		if !w.gone(old.ID) || w.gone(fresh.ID) {
			t.Errorf("gone: the old one %v, the fresh one %v", w.gone(old.ID), w.gone(fresh.ID))
		}
	}},
	{"work_that_has_not_ended_is_not_touched", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		running, queued := w.running("i"), w.accept("i", "orders")
		was := w.execution(running.ID)
		n, err := s.ExpirePayloads(t.Context(), never)
		expired(t, n, err, 0)
		n, err = s.ExpireExecutions(t.Context(), never)
		expired(t, n, err, 0)
		same(t, "the running execution", was, w.execution(running.ID))
		same(t, "the queued execution", queued, w.execution(queued.ID))
	}},
	{"an_execution_that_made_an_open_registration_is_not_touched", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		ex := w.running("i")
		r := got(s.BeginRegistration(t.Context(), ipaas.Registration{
			ID: "reg", InstanceID: "i", FlowID: "orders", StepID: "post", Key: "post", Action: "acme.post", ExecutionID: ex.ID,
			State: ipaas.RegistrationIntent, CreateTime: at(1), UpdateTime: at(1),
		}))(t)
		was := w.finish(ex)
		n, err := s.ExpirePayloads(t.Context(), never)
		expired(t, n, err, 0)
		same(t, "the execution", was, w.execution(ex.ID))
		check(t, s.SettleRegistration(t.Context(), r.ID, ipaas.RegistrationRemoved, "", at(w.next())))
		n, err = s.ExpirePayloads(t.Context(), never)
		expired(t, n, err, 1)
	}},
	{"generations_beyond_the_newest_are_forgotten_if_nothing_points_at_them", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i") // generation 1
		bound := w.accept("i", "orders")
		if ex := w.claim(); ex.ID != bound.ID || ex.Generation != 1 {
			t.Fatalf("claimed %s in generation %d", ex.ID, ex.Generation)
		}
		for range 4 {
			w.deploy("i", definition("ERP", "orders", "items"))
		}
		dep := w.begin("i", definition("ERP", "orders", "items")) // a candidate is none yet
		n, err := s.ExpireGenerations(t.Context(), 2)
		expired(t, n, err, 2) // 2 and 3
		for number, want := range map[int]bool{1: true, 2: false, 3: false, 4: true, 5: true} {
			if _, err := s.GetGeneration(t.Context(), "i", number); (err == nil) != want {
				t.Errorf("generation %d is there: %v", number, !want)
			}
		}
		check(t, failed(s.CommitDeployment(t.Context(), dep.ID, at(w.next()), storage.Takeover{})))
	}},
	{"deployments_that_ended_before_are_forgotten_if_nothing_points_at_them", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		broken := w.begin("i", definition("Failed", "orders"))
		w.fail(broken.ID)
		last := w.deploy("i", definition("ERP", "orders"))
		n, err := s.ExpireDeployments(t.Context(), at(0))
		expired(t, n, err, 0)
		n, err = s.ExpireDeployments(t.Context(), never)
		expired(t, n, err, 1)
		_, err = s.GetDeployment(t.Context(), "i", broken.ID)
		wantKind(t, err, ipaas.NotFound, "")
		check(t, failed(s.GetDeployment(t.Context(), "i", last.ID)))
	}},
	{"tombstones_are_forgotten_once_no_registration_is_open", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		token := got(s.ListWebhooks(t.Context(), "i"))(t)[0].TokenHash
		r := w.created("i", "")
		ex := w.finished()
		w.delete("i")
		n, err := s.ExpireTombstones(t.Context(), never)
		expired(t, n, err, 0)
		check(t, s.SettleRegistration(t.Context(), r.ID, ipaas.RegistrationAbandoned, "", at(w.next())))
		check(t, failed(s.LookupWebhook(t.Context(), token, start)))
		n, err = s.ExpireTombstones(t.Context(), at(0))
		expired(t, n, err, 0)
		n, err = s.ExpireTombstones(t.Context(), never)
		expired(t, n, err, 1)
		_, _, err = s.LookupWebhook(t.Context(), token, start)
		wantKind(t, err, ipaas.NotFound, "")
		same(t, "the execution", ex, w.execution(ex.ID))
	}},
	{"definitions_without_use_are_forgotten_after_a_while", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i")
		unused := got(s.SaveDefinition(t.Context(), definition("Unused", "a")))(t)
		again := got(s.SaveDefinition(t.Context(), definition("Again", "a")))(t)
		tested := got(s.SaveDefinition(t.Context(), definition("Tested", "a")))(t)
		ex := w.event("i", "orders")
		ex.State, ex.Inline, ex.Attempts, ex.StartTime, ex.LeaseTime, ex.DefinitionHash = ipaas.ExecutionRunning, true, 1, ex.CreateTime, never, tested
		check(t, s.StartExecution(t.Context(), ex))
		serving := got(s.GetGeneration(t.Context(), "i", 1))(t).DefinitionHash

		n, err := s.ExpireDefinitions(t.Context(), at(1000), at(999))
		expired(t, n, err, 0) // none was seen before
		got(s.SaveDefinition(t.Context(), definition("Again", "a")))(t)
		n, err = s.ExpireDefinitions(t.Context(), at(2000), at(1000))
		if err != nil || n < 1 {
			t.Errorf("cleared %d rows: %v", n, err)
		}
		for hash, want := range map[string]bool{unused: false, again: true, tested: true, serving: true} {
			if _, err := s.GetDefinition(t.Context(), hash); (err == nil) != want {
				t.Errorf("definition %s is there: %v (%v)", hash, !want, err)
			}
		}
		check(t, failed(s.GetIntegration(t.Context(), "erp")))
		check(t, failed(s.GetIntegrationVersion(t.Context(), "erp", 1)))
	}},
	{"config_revisions_beyond_the_newest_are_forgotten_if_nothing_points_at_them", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.active("i") // serves revision 1
		for revision := int64(2); revision <= 6; revision++ {
			in := w.get("i")
			in.Config = ipaas.Config{Revision: revision, Values: map[string]ipaas.ConfigValue{"url": {JSON: fmt.Sprint(revision)}}}
			check(t, s.UpdateInstance(t.Context(), in, in.Revision, no))
		}
		n, err := s.ExpireConfigs(t.Context(), 2)
		expired(t, n, err, 3) // 2, 3 and 4
		for revision, want := range map[int64]bool{1: true, 2: false, 3: false, 4: false, 5: true, 6: true} {
			if _, err := s.GetConfig(t.Context(), "i", revision); (err == nil) != want {
				t.Errorf("revision %d is there: %v (%v)", revision, !want, err)
			}
		}
	}},
}

// failed is the error that comes with a value.
func failed(results ...any) error {
	err, _ := results[len(results)-1].(error)
	return err
}
