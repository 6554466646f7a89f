package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/trigger"
)

// Preferences is what the caller of a webhook asks for.
type Preferences struct {
	Wait        time.Duration // how long it would wait for the flow's result; 0: as the flow says
	Synchronous *bool         // whether it wants the flow's result as its answer; nil: as the flow says
}

// synchronous reports whether the flow runs while its caller waits, and at once. A caller may do without, but not choose it: the
// event of an asynchronous flow is put on disk first, and its caller may wait for the result then.
func (p Preferences) synchronous(flow *ipaas.Flow) bool {
	return flow.Synchronous && (p.Synchronous == nil || *p.Synchronous)
}

// wait is how long the caller of an asynchronous flow waits for the result, and whether it takes nothing else for an answer.
func (p Preferences) wait(most time.Duration) (wait time.Duration, nothingElse bool) {
	switch {
	case p.Synchronous != nil && !*p.Synchronous:
		return 0, false
	case p.Synchronous != nil && p.Wait == 0:
		return most, true
	default:
		return min(p.Wait, most), p.Synchronous != nil
	}
}

// LookupWebhook tells whether a request is worth reading a body for: nil, NotFound, Gone, or Unauthenticated. keys are what came in the
// header for the flow's keys. It is a first look that costs nothing more: what it cannot tell yet, ReceiveWebhook does.
func (p *Plane) LookupWebhook(ctx context.Context, token string, keys ...string) error {
	hook, in, err := p.lookup(ctx, token)
	if err != nil || in.Generation == 0 || in.Kind == ipaas.InstanceTest || p.deploys.get(in.ID) != nil {
		return err
	}
	g, err := p.generation(ctx, in)
	if err != nil {
		return err
	}
	program, err := p.generationProgram(ctx, g)
	if err != nil {
		return err
	}
	flow := program.Flow(hook.FlowID)
	if flow == nil {
		return nil
	}
	payload := ipaas.Payload{}
	for _, key := range keys {
		payload.Headers = append(payload.Headers, ipaas.NamedText{Name: ipaas.FlowKeyHeader, Text: key})
	}
	offered := offeredKey(&payload)
	if _, in := flow.Security.LetsIn(offered.hash, hook.Keys, hook.SharedKeys); !in {
		return keyRequired(offered)
	}
	return nil
}

// generation returns the generation that serves an instance. One never changes, and its number is not given twice.
func (p *Plane) generation(ctx context.Context, in ipaas.Instance) (ipaas.Generation, error) {
	key := fmt.Sprintf("%s|%d", in.UID, in.Generation)
	if g, ok := p.generations.Get(key); ok {
		return g, nil
	}
	g, err := p.store.GetGeneration(ctx, in.ID, in.Generation)
	if err == nil {
		p.generations.Put(key, g)
	}
	return g, err
}

func (p *Plane) lookup(ctx context.Context, token string) (ipaas.Webhook, ipaas.Instance, error) {
	if len(token) != secret.TokenLength {
		return ipaas.Webhook{}, ipaas.Instance{}, unknownHook()
	}
	hook, in, err := p.store.LookupWebhook(ctx, secret.Hash(token), p.clock.atLeast())
	switch {
	case errors.Is(err, ipaas.NotFound):
		return hook, in, unknownHook()
	case err != nil:
		return hook, in, err
	}
	switch in.State {
	case ipaas.InstanceUndeployed, ipaas.InstanceDeleting, ipaas.InstanceDeleted:
		return hook, in, &ipaas.Error{
			Kind: ipaas.Gone, Reason: ipaas.ReasonInstanceRemoved,
			Message: "this webhook URL was removed: do not send to it any more",
		}
	case ipaas.InstanceCreated:
		return hook, in, unknownHook()
	default:
		return hook, in, nil
	}
}

func unknownHook() error {
	return &ipaas.Error{Kind: ipaas.NotFound, Reason: ipaas.ReasonNotFound, Message: "there is no such webhook URL"}
}

// request is what came in at a hook, on its way to a flow.
type request struct {
	hook    ipaas.Webhook // whose FlowID is none where several flows share the URL
	payload ipaas.Payload // without keys
	offered offer         // what came in the header for keys
	letInBy string        // the id of the key that let it in; empty: none was asked for
	prefs   Preferences
	release func() // lets go of the room for its payload
}

// endpoint reports whether the request came in at a URL that several flows share.
func (r *request) endpoint() bool {
	return r.hook.FlowID == ipaas.InstanceEndpoint || r.hook.FlowID == ipaas.SharedEndpoint
}

// ReceiveWebhook takes what came in at a URL. First it is received: let in, verified, a handshake answered, and, for an asynchronous
// flow, put on disk before it is acknowledged. Then the flow runs.
func (p *Plane) ReceiveWebhook(ctx context.Context, token string, payload ipaas.Payload, prefs Preferences) (Reply, error) {
	hook, in, err := p.lookup(ctx, token)
	if err != nil {
		return Reply{}, err
	}
	r := &request{hook: hook, payload: access.WithoutKeys(payload, hook.Keys, hook.SharedKeys), offered: offeredKey(&payload), prefs: prefs}
	if r.release, err = p.room(in, payload); err != nil {
		return Reply{}, err
	}
	defer func() { r.release() }() // or what the run that it is for has let go of
	if hook.FlowID == ipaas.SharedEndpoint {
		return p.receiveShared(ctx, in, r)
	}
	return p.receiveFor(ctx, in, r)
}

// receiveFor takes a request for an instance.
func (p *Plane) receiveFor(ctx context.Context, in ipaas.Instance, r *request) (Reply, error) {
	c := p.deploys.get(in.ID)
	if c != nil {
		// The candidate answers handshakes first: what it is registering may differ from what serves.
		if answer := p.handshake(ctx, c, r); answer != nil {
			return Reply{Response: *answer}, nil
		}
	}
	serving, err := p.hookJob(ctx, in)
	if err != nil {
		return Reply{}, err
	}
	flow, err := p.flowOf(ctx, serving, r)
	if err != nil && (c == nil || ipaas.ReasonOf(err) != ipaas.ReasonNotRouted) {
		return Reply{}, err
	}
	switch {
	case flow != nil:
		return p.accept(ctx, serving, flow, r)
	case c != nil && c.program.Serves(r.hook.FlowID):
		return p.acceptByCandidate(ctx, c, r)
	case err != nil:
		return Reply{}, err
	case in.Generation == 0 && in.Kind == ipaas.InstanceStandard:
		return p.holdForDeployment(ctx, in, r)
	default:
		return Reply{}, unknownFlow()
	}
}

// letIn lets a flow receive a request: one that brought the key that it asks for, and whose body is what it is said to be.
func (p *Plane) letIn(ctx context.Context, j *job, flow *ipaas.Flow, r *request) (component.Reception, error) {
	own, shared := r.hook.Keys, r.hook.SharedKeys
	if r.endpoint() {
		var err error
		if own, shared, err = p.keysOfFlow(ctx, j.instance, flow.ID); err != nil {
			return component.Reception{}, err
		}
		r.payload = access.WithoutKeys(r.payload, own, shared)
	}
	if j.execution.Unowned() {
		own = nil // there is no customer yet
	}
	var in bool
	if r.letInBy, in = flow.Security.LetsIn(r.offered.hash, own, shared); !in {
		return component.Reception{}, keyRequired(r.offered)
	}
	if _, _, err := trigger.ParseBody(r.payload); err != nil {
		return component.Reception{}, err
	}
	return p.receive(ctx, j, flow, r.payload)
}

// newEvent makes an execution of a request.
func (p *Plane) newEvent(j *job, flow *ipaas.Flow, r *request) ipaas.Execution {
	ex := newEvent(p.now(), j.execution, flow, r.payload)
	ex.FlowKeyID = r.letInBy
	if ex.Endpoint = r.endpoint(); looksFirst(j.program, &ex) {
		ex.Payload.KeyHash = r.offered.hash // the flow that the request is for may ask for it
	}
	return ex
}

func unknownFlow() error {
	return &ipaas.Error{
		Kind: ipaas.Gone, Reason: ipaas.ReasonInstanceRemoved,
		Message: "this webhook URL belongs to a flow that the integration no longer has: do not send to it any more",
	}
}

// hookJob is servingJob for what came in at a hook; nil if nothing serves.
func (p *Plane) hookJob(ctx context.Context, in ipaas.Instance) (*job, error) {
	j, err := p.servingJob(ctx, in)
	if err == nil && j == nil && in.Kind == ipaas.InstanceTest {
		return nil, &ipaas.Error{
			Kind: ipaas.Unavailable, Reason: ipaas.ReasonDraftHasProblems, RetryAfter: time.Minute,
			Message: "the draft has problems, or the test instance's config is incomplete: mend them, then send again",
		}
	}
	return j, err
}

// accept takes what is for a flow that serves.
func (p *Plane) accept(ctx context.Context, j *job, flow *ipaas.Flow, r *request) (Reply, error) {
	reception, err := p.letIn(ctx, j, flow, r)
	if err != nil {
		return Reply{}, err
	}
	if reception.Answer != nil {
		return Reply{Response: *reception.Answer}, nil
	}
	if r.prefs.synchronous(flow) {
		return p.runSynchronously(ctx, j, flow, r, reception)
	}
	ex := p.newEvent(j, flow, r)
	a, err := p.admission(ctx, j, flow, &ex, true)
	if err != nil {
		return Reply{}, err
	}
	if !ex.Test && !ex.Unowned() {
		ex.Generation, ex.DefinitionHash, ex.Version, ex.ConfigRevision = 0, "", 0, 0 // bound when it first starts
	}
	if wait, nothingElse := r.prefs.wait(p.limits.SyncTimeout); wait > 0 {
		return p.enqueueAndWait(ctx, ex, a, reception, wait, nothingElse)
	}
	return p.enqueue(ctx, ex, a, reception)
}

func newEvent(now time.Time, ex ipaas.Execution, flow *ipaas.Flow, payload ipaas.Payload) ipaas.Execution {
	ex.ID, ex.FlowID, ex.FlowDisplayName, ex.Try = ipaas.NewID("exe"), flow.ID, flow.DisplayName, 1
	ex.OriginID, ex.RootID = ex.ID, ex.ID
	ex.State, ex.Invoke, ex.Payload, ex.CreateTime = ipaas.ExecutionQueued, ipaas.InvokeWebhook, payload, now
	return ex
}

// enqueue puts an event on disk and only then acknowledges it. One that came before gets the same acknowledgement once more.
func (p *Plane) enqueue(ctx context.Context, ex ipaas.Execution, a storage.Admission, reception component.Reception) (Reply, error) {
	ex, err := p.putOnDisk(ctx, ex, a)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Response: acknowledgement(ex.ID, reception), ExecutionID: ex.ID}, nil
}

func (p *Plane) putOnDisk(ctx context.Context, ex ipaas.Execution, a storage.Admission) (ipaas.Execution, error) {
	fault.Point("accept-begin")
	ex, err := p.store.AcceptExecution(ctx, ex, a)
	if err != nil {
		return ex, err
	}
	fault.Point("accept-committed")
	if !ex.Held {
		p.wake()
	}
	return ex, nil
}

// enqueueAndWait puts an event on disk, and answers with the flow's result if that comes in time. One that failed and is tried again has
// none yet. Else the answer is the acknowledgement, or, where the caller takes no other than the result, that it has waited in vain.
func (p *Plane) enqueueAndWait(
	ctx context.Context, ex ipaas.Execution, a storage.Admission, reception component.Reception, wait time.Duration, nothingElse bool,
) (Reply, error) {
	results, forget := p.waiters.expect(ex.ID)
	defer forget()
	accepted, err := p.putOnDisk(ctx, ex, a)
	if err != nil {
		return Reply{}, err
	}
	acknowledged := Reply{Response: acknowledgement(accepted.ID, reception), ExecutionID: accepted.ID}
	if accepted.Held || accepted.ID != ex.ID {
		return acknowledged, nil // it waits for somebody to resume or deploy the instance, or came before
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	select {
	case r := <-results:
		return Reply{Response: answerOf(r.execution, r.outcome, true, reception), ExecutionID: ex.ID}, nil
	case <-timeout.C:
		if nothingElse {
			return waitedInVain(ex.ID, wait), nil
		}
		return acknowledged, nil
	case <-p.stop.Done():
		return acknowledged, nil // the next start goes on with it
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
}

// runSynchronously runs the flow while the caller waits. When the caller has waited long enough the flow goes on alone.
func (p *Plane) runSynchronously(
	ctx context.Context, j *job, flow *ipaas.Flow, r *request, reception component.Reception,
) (Reply, error) {
	urls, err := p.urlsFor(ctx, j.instance, j.execution)
	if err != nil {
		return Reply{}, err
	}
	now := p.now()
	ex := p.newEvent(j, flow, r)
	ex.CreateTime = now
	ex.Inline, ex.StartTime, ex.LeaseTime = true, now, now.Add(p.limits.Lease)
	j.urls = urls
	a, err := p.admission(ctx, j, flow, &ex, true)
	if err != nil {
		return Reply{}, err
	}
	j.execution = ex
	if err := p.start(j, func() (ipaas.Execution, error) { return p.store.AcceptExecution(ctx, ex, a) }); err != nil {
		return Reply{}, err
	}
	if j.execution.ID != ex.ID {
		return p.answerAgain(j.execution, urls, reception)
	}
	j.release, r.release = r.release, nothing // the run goes on where the caller goes
	done := p.runAlone(j, nil)
	wait := p.limits.SyncTimeout
	if r.prefs.Wait > 0 && r.prefs.Wait < wait {
		wait = r.prefs.Wait
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	select {
	case e := <-done:
		if e.err != nil {
			return Reply{}, e.err
		}
		return Reply{Response: answerOf(e.ex, e.h.outcome, true, reception), ExecutionID: e.ex.ID}, nil
	case <-timeout.C:
		return waitedInVain(j.execution.ID, wait), nil
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
}
