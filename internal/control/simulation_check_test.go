package control_test

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// finish begins a last process, whose store does not fail, gives it time to put things in order, and returns what does not hold then.
func (s *simulation) finish() []string {
	s.t.Helper()
	s.remote.mu.Lock()
	s.remote.moody = false
	s.remote.mu.Unlock()
	s.restart(newFaults(noFault, 0))
	for _, id := range simInstances {
		s.resume(id)
	}
	s.settle()
	s.end()
	s.observe()
	s.checkEvents()
	s.checkKeys()
	s.checkLanes()
	for _, id := range simInstances {
		s.checkLedger(id)
	}
	if err := s.store.Close(); err != nil {
		s.breaks("close: %v", err)
	}
	return s.broken
}

// look returns the answer of a question to the store itself, which may be too busy to give one at once.
func look[T any](s *simulation, what string, ask func(ctx context.Context) (T, error)) T {
	s.t.Helper()
	for deadline := time.Now().Add(patience()); ; {
		v, err := ask(s.t.Context())
		switch {
		case errors.Is(err, ipaas.Unavailable) && time.Now().Before(deadline):
		case err != nil && !errors.Is(err, ipaas.NotFound):
			s.t.Fatalf("%s: %v", what, err)
		default:
			return v
		}
	}
}

func (s *simulation) executions() []ipaas.Execution {
	s.t.Helper()
	return look(s, "executions", func(ctx context.Context) (storage.Page[ipaas.Execution], error) {
		return s.store.ListExecutions(ctx, storage.Query{Size: 1000})
	}).Items
}

// settle waits until nothing is under way any more.
func (s *simulation) settle() {
	s.t.Helper()
	if open := s.await(func() string { return cmp.Or(s.deploying(), s.removing(), s.executing()) }); open != "" {
		s.breaks("not put in order: %s", open)
	}
}

// await waits until nothing is told, and returns what is told after a long time. Many simulations wait side by side: one that looks leaves
// the others twice as long.
func (s *simulation) await(told func() string) (last string) {
	for deadline := time.Now().Add(patience()); time.Now().Before(deadline); {
		began := time.Now()
		if last = told(); last == "" {
			return ""
		}
		time.Sleep(max(time.Millisecond, 2*time.Since(began)))
	}
	return last
}

// checkHealed checks that a process that lives brings to their ends the deployments and deletions that a refusal of the store disturbed.
func (s *simulation) checkHealed() {
	s.t.Helper()
	if open := s.await(s.deploying); open != "" {
		s.breaks("without a restart %s", open)
	}
}

// deploying tells of a deployment or a deletion that is under way.
func (s *simulation) deploying() string {
	for _, d := range look(s, "deployments", s.store.UnfinishedDeployments) {
		return fmt.Sprintf("deployment %s of %s is %s", d.ID, d.InstanceID, d.State)
	}
	for _, id := range simInstances {
		if s.instance(id).State == ipaas.InstanceDeleting {
			return id + " is being deleted"
		}
	}
	return ""
}

// removing tells of something in the world that was to be removed, and that nobody has tried to remove.
func (s *simulation) removing() string {
	for _, id := range simInstances {
		rows := look(s, "removals", func(ctx context.Context) ([]ipaas.Registration, error) {
			return s.store.ListRegistrations(ctx, id, ipaas.RegistrationRemovePending)
		})
		for _, r := range rows {
			return fmt.Sprintf("%s of %s is still to be removed", r.StepID, id)
		}
	}
	return ""
}

func (s *simulation) instance(id string) ipaas.Instance {
	return look(s, "instance "+id, func(ctx context.Context) (ipaas.Instance, error) {
		return s.store.GetInstance(ctx, id)
	})
}

// executing tells of an execution that has not ended, unless it was left by a failed first deployment: that waits for the next one.
func (s *simulation) executing() string {
	for _, ex := range s.executions() {
		if ex.State.Ended() || ex.Held && s.instance(ex.InstanceID).State == ipaas.InstanceDeployFailed {
			continue
		}
		return fmt.Sprintf("execution %s of %s is %s", ex.ID, ex.InstanceID, ex.State)
	}
	return ""
}

// observe notes how executions ended, and that none that had ended was changed.
func (s *simulation) observe() {
	s.t.Helper()
	for _, ex := range s.executions() {
		if !ex.State.Ended() {
			if was := s.observed[ex.ID]; was != "" {
				s.breaks("execution %s had ended and is %s", ex.ID, ex.State)
			}
			continue
		}
		text, err := json.Marshal(ex)
		if err != nil {
			s.t.Fatal(err)
		}
		if was := s.observed[ex.ID]; was != "" && was != string(text) {
			s.breaks("execution %s had ended and was changed:\nwas %s\nis  %s", ex.ID, was, text)
		}
		s.observed[ex.ID] = string(text)
	}
}

// checkEvents checks that every event that was answered with 200 is there, has come to its end, and has had its effects.
func (s *simulation) checkEvents() {
	s.t.Helper()
	for id, e := range s.acked {
		n := e.number
		ex, err := s.store.GetExecution(context.WithoutCancel(s.t.Context()), id)
		if err != nil {
			s.breaks("event %d was answered with execution %s, and it is gone: %v", n, id, err)
			continue
		}
		for _, what := range []string{"one", "two"} {
			if done := len(s.remote.effects[fmt.Sprintf("%s of %d", what, n)]); ex.State == ipaas.ExecutionSucceeded && done != 1 {
				s.breaks("event %d succeeded, and its step %s had %d effects", n, what, done)
			}
		}
	}
}

// checkLanes checks that of events in order one had all its effects before the next one had any, and that those that were sent one
// after another came in that order.
func (s *simulation) checkLanes() {
	first, lanes := map[int]int{}, map[string][]*simEvent{}
	for at, what := range s.remote.log {
		var n int
		if _, err := fmt.Sscanf(what, "one of %d", &n); err != nil {
			if _, err := fmt.Sscanf(what, "two of %d", &n); err != nil {
				continue
			}
		}
		e := s.sent[n]
		if e == nil || e.flow != "Lane" {
			continue
		}
		lane := lanes[e.instance]
		if len(lane) > 0 && lane[len(lane)-1] == e {
			continue
		}
		if _, before := first[n]; before {
			s.breaks("event %d of %s had effects before and after those of event %d of the same lane", n, e.instance, lane[len(lane)-1].number)
			continue
		}
		for _, earlier := range lane {
			if e.ended != 0 && earlier.ended != 0 && e.ended < earlier.begun {
				s.breaks("event %d of %s was sent after event %d was answered, and had its effects first", earlier.number, e.instance, n)
			}
		}
		first[n], lanes[e.instance] = at, append(lane, e)
	}
}

// checkKeys checks that nothing was asked of the world under two keys: then a world that honours keys did it once.
func (s *simulation) checkKeys() {
	for what, keys := range s.remote.effects {
		if len(keys) > 1 {
			s.breaks("%s was asked for under %d keys", what, len(keys))
		}
	}
}

// checkLedger checks that the world holds what the serving generation of an instance created, whole, and nothing else but what the
// ledger says it still owes.
func (s *simulation) checkLedger(id string) {
	s.t.Helper()
	rows := look(s, "registrations of "+id, func(ctx context.Context) ([]ipaas.Registration, error) {
		return s.store.ListRegistrations(ctx, id)
	})
	serving, want := s.serving(id)
	var have []string
	covered := map[string]bool{} // objects of the world that the ledger names
	blind := map[string]int{}    // debts whose object is not known, by what they created
	for _, r := range rows {
		name := strings.TrimPrefix(r.StepID, "create-")
		switch {
		case r.State == ipaas.RegistrationCreated:
			if !serving[r.ID] {
				s.breaks("registration %s of %s is CREATED, and the serving generation does not use it", r.ID, id)
			}
			if s.remote.objects[r.RemoteID] != (remoteObject{id, name}) {
				s.breaks("registration %s of %s says that %s is %s, and it is not there", r.ID, id, name, r.RemoteID)
			}
			have, covered[r.RemoteID] = append(have, name), true
		case r.State == ipaas.RegistrationRemoved || r.State == ipaas.RegistrationAbandoned:
		case r.RemoteID != "":
			covered[r.RemoteID] = true
		default:
			blind[name]++
		}
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		s.breaks("%s serves %v, and its registrations are %v", id, want, have)
	}
	for object, o := range s.remote.objects {
		if o.instance != id || covered[object] {
			continue
		}
		if blind[o.name]--; blind[o.name] < 0 {
			s.breaks("%s of %s (%s) is in the world, and nobody knows of it", o.name, id, object)
		}
	}
}

// serving returns the registrations that the serving generation of an instance uses, and what they should be of.
func (s *simulation) serving(id string) (used map[string]bool, want []string) {
	s.t.Helper()
	in := s.instance(id)
	if in.State != ipaas.InstanceActive {
		return nil, nil
	}
	g := look(s, "generation of "+id, func(ctx context.Context) (ipaas.Generation, error) {
		return s.store.GetGeneration(ctx, id, in.Generation)
	})
	used = map[string]bool{}
	rows := look(s, "used registrations", func(ctx context.Context) ([]ipaas.Registration, error) {
		return s.store.UsedRegistrations(ctx, g.DeploymentID)
	})
	for _, r := range rows {
		used[r.ID] = true
	}
	return used, simVersions[g.Version]
}

// The stores that lie, for TestSimulationSeesWhatIsBroken.

// absentMinded answers for an event that it did not store.
type absentMinded struct{ storage.Store }

func (s *absentMinded) AcceptExecution(_ context.Context, ex ipaas.Execution, _ storage.Admission) (ipaas.Execution, error) {
	ex.State = ipaas.ExecutionQueued
	return ex, nil
}

// rewriting lets executions that ended well have failed, as soon as another process begins.
type rewriting struct {
	storage.Store
	path string
}

func (s *rewriting) RecoverExecutions(ctx context.Context, now time.Time, r storage.Recovery) (done storage.Recovered, err error) {
	pool, err := sql.Open("sqlite", "file:"+s.path+"?vfs=pagesum&_pragma=busy_timeout(5000)")
	if err != nil {
		return done, err
	}
	defer pool.Close()
	if _, err := pool.ExecContext(ctx, `UPDATE executions SET state = 'FAILED' WHERE state = 'SUCCEEDED'`); err != nil {
		return done, err
	}
	return s.Store.RecoverExecutions(ctx, now, r)
}

// ledgerless forgets what a step created.
type ledgerless struct{ storage.Store }

func (s *ledgerless) CompleteStep(ctx context.Context, attempt int, step ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration, effects ...storage.StepEffects) error {
	if created != nil {
		forgotten := *created
		forgotten.State, forgotten.RemoteID, forgotten.ResultSealed = ipaas.RegistrationAbandoned, "", ""
		created = &forgotten
	}
	return s.Store.CompleteStep(ctx, attempt, step, logs, created, effects...)
}
