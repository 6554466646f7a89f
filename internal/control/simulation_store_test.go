package control_test

import (
	"context"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// fault is what happens at the nth call of a store.
type fault int

const (
	noFault   fault = iota
	failOnce        // the call is refused, and the next one works
	dieBefore       // the process dies before the call
	dieAfter        // the process dies when the call is done and before its answer is heard
)

var faultNames = map[fault]string{noFault: "no fault", failOnce: "a refusal", dieBefore: "death before", dieAfter: "death after"}

// faults counts the calls of a store and lets one of them go wrong.
type faults struct {
	kind fault
	nth  int

	mu     sync.Mutex
	calls  int
	struck string        // the method of the call that went wrong
	dead   chan struct{} // closed when the process is dead: nothing of it reaches the store or the world any more
}

func newFaults(kind fault, nth int) *faults {
	return &faults{kind: kind, nth: nth, dead: make(chan struct{})}
}

func (f *faults) isDead() bool {
	select {
	case <-f.dead:
		return true
	default:
		return false
	}
}

// next counts a call and tells what is to happen to it.
func (f *faults) next(method string) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isDead() {
		return dieBefore
	}
	if f.calls++; f.calls != f.nth || f.kind == noFault {
		return noFault
	}
	f.struck = method
	if f.kind != failOnce {
		close(f.dead)
	}
	return f.kind
}

func (f *faults) hit() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.struck
}

// at makes a call, or what is to become of it.
func at[T any](s *frail, method string, call func() (T, error)) (T, error) {
	var none T
	switch s.faults.next(method) {
	case failOnce:
		return none, &ipaas.Error{Kind: ipaas.Unavailable, Reason: ipaas.ReasonStorageBusy, Message: "the simulated store is busy"}
	case dieBefore:
		return none, errDead()
	case dieAfter:
		if _, err := call(); err != nil {
			return none, err
		}
		return none, errDead()
	default:
		return call()
	}
}

func errDead() error {
	return &ipaas.Error{Kind: ipaas.Unavailable, Reason: ipaas.ReasonStorageFailed, Message: "the simulated process is dead"}
}

// do is at for a call without an answer.
func (s *frail) do(method string, call func() error) error {
	_, err := at(s, method, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// frail is a store that goes wrong at one call. Methods that are not here work always: what a simulation calls is here.
type frail struct {
	storage.Store
	faults *faults
}

func (s *frail) SyncBuiltinComponents(ctx context.Context, components []ipaas.Component, now time.Time) ([]string, error) {
	return at(s, "SyncBuiltinComponents", func() ([]string, error) { return s.Store.SyncBuiltinComponents(ctx, components, now) })
}

func (s *frail) GetInstance(ctx context.Context, id string) (ipaas.Instance, error) {
	return at(s, "GetInstance", func() (ipaas.Instance, error) { return s.Store.GetInstance(ctx, id) })
}

func (s *frail) PauseInstance(ctx context.Context, id string, mode ipaas.PauseMode, base int64, now time.Time, w storage.Write) (ipaas.Instance, error) {
	return at(s, "PauseInstance", func() (ipaas.Instance, error) { return s.Store.PauseInstance(ctx, id, mode, base, now, w) })
}

func (s *frail) ResumeInstance(ctx context.Context, id string, base int64, now time.Time, w storage.Write) (ipaas.Instance, error) {
	return at(s, "ResumeInstance", func() (ipaas.Instance, error) { return s.Store.ResumeInstance(ctx, id, base, now, w) })
}

func (s *frail) BeginRemoval(
	ctx context.Context, id string, state ipaas.InstanceState, base int64, now time.Time, w storage.Write,
) (ipaas.Instance, error) {
	return at(s, "BeginRemoval", func() (ipaas.Instance, error) { return s.Store.BeginRemoval(ctx, id, state, base, now, w) })
}

func (s *frail) FinishDeletion(ctx context.Context, id string, now time.Time) error {
	return s.do("FinishDeletion", func() error { return s.Store.FinishDeletion(ctx, id, now) })
}

func (s *frail) ListWebhooks(ctx context.Context, instanceID string) ([]ipaas.Webhook, error) {
	return at(s, "ListWebhooks", func() ([]ipaas.Webhook, error) { return s.Store.ListWebhooks(ctx, instanceID) })
}

func (s *frail) GetConfig(ctx context.Context, instanceID string, revision int64) (ipaas.Config, error) {
	return at(s, "GetConfig", func() (ipaas.Config, error) { return s.Store.GetConfig(ctx, instanceID, revision) })
}

func (s *frail) GetDefinition(ctx context.Context, hash string) (ipaas.Definition, error) {
	return at(s, "GetDefinition", func() (ipaas.Definition, error) { return s.Store.GetDefinition(ctx, hash) })
}

func (s *frail) UnfinishedDeployments(ctx context.Context) ([]ipaas.Deployment, error) {
	return at(s, "UnfinishedDeployments", func() ([]ipaas.Deployment, error) { return s.Store.UnfinishedDeployments(ctx) })
}

func (s *frail) GetDeployment(ctx context.Context, instanceID, id string) (ipaas.Deployment, error) {
	return at(s, "GetDeployment", func() (ipaas.Deployment, error) { return s.Store.GetDeployment(ctx, instanceID, id) })
}

func (s *frail) GetGeneration(ctx context.Context, instanceID string, number int) (ipaas.Generation, error) {
	return at(s, "GetGeneration", func() (ipaas.Generation, error) { return s.Store.GetGeneration(ctx, instanceID, number) })
}

func (s *frail) CommitDeployment(
	ctx context.Context, id string, now time.Time, t storage.Takeover,
) ([]ipaas.Registration, error) {
	return at(s, "CommitDeployment", func() ([]ipaas.Registration, error) { return s.Store.CommitDeployment(ctx, id, now, t) })
}

func (s *frail) BeginRollback(ctx context.Context, id string, cause ipaas.DeploymentError, keep bool, now time.Time) ([]ipaas.Registration, error) {
	return at(s, "BeginRollback", func() ([]ipaas.Registration, error) { return s.Store.BeginRollback(ctx, id, cause, keep, now) })
}

func (s *frail) FinishRollback(ctx context.Context, id string, now time.Time) error {
	return s.do("FinishRollback", func() error { return s.Store.FinishRollback(ctx, id, now) })
}

func (s *frail) RecordChanges(ctx context.Context, id string, changes []ipaas.RegistrationChange) error {
	return s.do("RecordChanges", func() error { return s.Store.RecordChanges(ctx, id, changes) })
}

func (s *frail) BeginDeployment(ctx context.Context, d ipaas.Deployment, hooks []ipaas.Webhook, base int64) (ipaas.Instance, []ipaas.Webhook, error) {
	var all []ipaas.Webhook
	in, err := at(s, "BeginDeployment", func() (in ipaas.Instance, err error) {
		in, all, err = s.Store.BeginDeployment(ctx, d, hooks, base)
		return in, err
	})
	return in, all, err
}

func (s *frail) BeginRegistration(ctx context.Context, r ipaas.Registration) (ipaas.Registration, error) {
	return at(s, "BeginRegistration", func() (ipaas.Registration, error) { return s.Store.BeginRegistration(ctx, r) })
}

func (s *frail) UseRegistration(ctx context.Context, id, deploymentID string) error {
	return s.do("UseRegistration", func() error { return s.Store.UseRegistration(ctx, id, deploymentID) })
}

func (s *frail) FindRegistration(ctx context.Context, instanceID, flowID, key string) (ipaas.Registration, error) {
	return at(s, "FindRegistration", func() (ipaas.Registration, error) { return s.Store.FindRegistration(ctx, instanceID, flowID, key) })
}

func (s *frail) SettleRegistration(ctx context.Context, id string, state ipaas.RegistrationState, message string, now time.Time) error {
	return s.do("SettleRegistration", func() error { return s.Store.SettleRegistration(ctx, id, state, message, now) })
}

func (s *frail) ListRegistrations(ctx context.Context, instanceID string, states ...ipaas.RegistrationState) ([]ipaas.Registration, error) {
	return at(s, "ListRegistrations", func() ([]ipaas.Registration, error) { return s.Store.ListRegistrations(ctx, instanceID, states...) })
}

func (s *frail) LookupWebhook(ctx context.Context, tokenHash string, now time.Time) (ipaas.Webhook, ipaas.Instance, error) {
	var in ipaas.Instance
	hook, err := at(s, "LookupWebhook", func() (hook ipaas.Webhook, err error) {
		hook, in, err = s.Store.LookupWebhook(ctx, tokenHash, now)
		return hook, err
	})
	return hook, in, err
}

func (s *frail) AcceptExecution(ctx context.Context, ex ipaas.Execution, a storage.Admission) (ipaas.Execution, error) {
	return at(s, "AcceptExecution", func() (ipaas.Execution, error) { return s.Store.AcceptExecution(ctx, ex, a) })
}

func (s *frail) StartExecution(ctx context.Context, ex ipaas.Execution) error {
	return s.do("StartExecution", func() error { return s.Store.StartExecution(ctx, ex) })
}

func (s *frail) ClaimExecutions(ctx context.Context, now, lease time.Time, most int, w storage.Workers) ([]ipaas.Execution, error) {
	return at(s, "ClaimExecutions", func() ([]ipaas.Execution, error) { return s.Store.ClaimExecutions(ctx, now, lease, most, w) })
}

func (s *frail) ReleaseExecution(ctx context.Context, id string, attempt int, now time.Time) error {
	return s.do("ReleaseExecution", func() error { return s.Store.ReleaseExecution(ctx, id, attempt, now) })
}

func (s *frail) BeginStep(ctx context.Context, attempt int, step ipaas.StepResult) (ipaas.StepResult, bool, error) {
	var done bool
	recorded, err := at(s, "BeginStep", func() (recorded ipaas.StepResult, err error) {
		recorded, done, err = s.Store.BeginStep(ctx, attempt, step)
		return recorded, err
	})
	return recorded, done, err
}

func (s *frail) CompleteStep(ctx context.Context, attempt int, step ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration, effects ...storage.StepEffects) error {
	return s.do("CompleteStep", func() error { return s.Store.CompleteStep(ctx, attempt, step, logs, created, effects...) })
}

func (s *frail) RecordProgress(ctx context.Context, executionID string, attempt int, p storage.Progress) error {
	return s.do("RecordProgress", func() error { return s.Store.RecordProgress(ctx, executionID, attempt, p) })
}

func (s *frail) FinishExecution(ctx context.Context, ex ipaas.Execution, before ...storage.Progress) error {
	return s.do("FinishExecution", func() error { return s.Store.FinishExecution(ctx, ex, before...) })
}

func (s *frail) RecoverExecutions(ctx context.Context, now time.Time, r storage.Recovery) (storage.Recovered, error) {
	return at(s, "RecoverExecutions", func() (storage.Recovered, error) { return s.Store.RecoverExecutions(ctx, now, r) })
}

func (s *frail) GetExecution(ctx context.Context, id string) (ipaas.Execution, error) {
	return at(s, "GetExecution", func() (ipaas.Execution, error) { return s.Store.GetExecution(ctx, id) })
}
