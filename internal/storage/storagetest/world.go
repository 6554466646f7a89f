package storagetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// world puts into a store what most tests begin with.
type world struct {
	t *testing.T
	s storage.Store
	n int // makes ids and moments differ
}

// newWorld has an integration "erp" with the flows "orders" and "items", published as version 1, and a customer "progix".
func newWorld(t *testing.T, s storage.Store) *world {
	t.Helper()
	w := &world{t: t, s: s}
	w.integration("erp")
	w.publish(definition("ERP", "orders", "items"))
	w.customer("progix")
	return w
}

// next returns a fresh number.
func (w *world) next() int {
	w.n++
	return w.n
}

// definition returns a definition whose flows each have one step.
func definition(name string, flows ...string) ipaas.Definition {
	d := ipaas.Definition{DisplayName: name, Category: "erp", Labels: map[string]string{"tier": "gold"}, Flows: []ipaas.Flow{}}
	for _, id := range flows {
		d.Flows = append(d.Flows, ipaas.Flow{
			ID: id, UID: "uid-" + id, DisplayName: "Flow " + id,
			Trigger:    ipaas.Trigger{DisplayName: "Trigger", Type: ipaas.TriggerWebhook},
			Steps:      []ipaas.Step{{ID: "post", DisplayName: "Post", Action: "acme.post"}},
			CreateTime: start, UpdateTime: start,
		})
	}
	return d
}

func integration(id string, d ipaas.Definition) (ipaas.Integration, ipaas.Instance) {
	in := ipaas.Integration{ID: id, UID: "uid-" + id, Draft: d, Revision: 1, CreateTime: start, UpdateTime: start}
	test := ipaas.Instance{
		ID: ipaas.TestInstanceID(id), UID: "uid-test-" + id, Kind: ipaas.InstanceTest, DisplayName: "Test", IntegrationID: id,
		State: ipaas.InstanceActive, Revision: 1, CreateTime: start, UpdateTime: start,
	}
	return in, test
}

func (w *world) integration(id string) {
	w.t.Helper()
	in, test := integration(id, definition("Draft of "+id))
	check(w.t, w.s.CreateIntegration(w.t.Context(), in, test, no))
}

// publish makes a definition the draft and the next version of "erp".
func (w *world) publish(d ipaas.Definition) ipaas.IntegrationVersion {
	w.t.Helper()
	in := got(w.s.GetIntegration(w.t.Context(), "erp"))(w.t)
	in.Draft, in.UpdateTime = d, at(w.next())
	v := ipaas.IntegrationVersion{
		IntegrationID: "erp", Version: in.LatestVersion + 1, Comment: "a comment", Definition: d,
		ComponentVersions: map[string]int{"acme": 1}, CreateTime: at(w.n),
	}
	check(w.t, w.s.PublishIntegration(w.t.Context(), in, in.Revision, v, no))
	return v
}

func customer(id string) ipaas.Customer {
	return ipaas.Customer{
		ID: id, UID: "uid-" + id, DisplayName: "Customer " + id, ExternalID: "ext-" + id, Description: "A customer",
		Labels: map[string]string{"tier": "gold"}, Revision: 1, CreateTime: start, UpdateTime: start,
	}
}

func (w *world) customer(id string) {
	w.t.Helper()
	check(w.t, w.s.CreateCustomer(w.t.Context(), customer(id), no))
}

func instance(id, uid string) ipaas.Instance {
	return ipaas.Instance{
		ID: id, UID: uid, Kind: ipaas.InstanceStandard, DisplayName: "Instance " + id, Description: "An instance",
		CustomerID: "progix", IntegrationID: "erp", State: ipaas.InstanceCreated, Labels: map[string]string{"tier": "gold"},
		Config:   ipaas.Config{Revision: 1, Values: map[string]ipaas.ConfigValue{"url": {JSON: `"https://erp"`}, "key": {Sealed: "sealed"}}},
		Revision: 1, CreateTime: start, UpdateTime: start,
	}
}

func hook(flow, token string) ipaas.Webhook {
	return ipaas.Webhook{TokenHash: token, TokenSealed: "sealed-" + token, FlowID: flow, Current: true, CreateTime: start}
}

// instance adds an instance of "erp" for "progix" with hooks "<id>-orders" and "<id>-items".
func (w *world) instance(id string) ipaas.Instance {
	w.t.Helper()
	in := instance(id, fmt.Sprintf("uid-%s-%d", id, w.next()))
	hooks := []ipaas.Webhook{hook("orders", in.UID+"-orders"), hook("items", in.UID+"-items")}
	check(w.t, w.s.CreateInstance(w.t.Context(), in, hooks, no))
	return w.get(id)
}

func (w *world) get(id string) ipaas.Instance {
	w.t.Helper()
	return got(w.s.GetInstance(w.t.Context(), id))(w.t)
}

// deployment returns one that can be begun.
func (w *world) deployment(instanceID string, d ipaas.Definition) ipaas.Deployment {
	w.t.Helper()
	hash := got(w.s.SaveDefinition(w.t.Context(), d))(w.t)
	n := w.next()
	id := fmt.Sprintf("dep-%03d", n)
	return ipaas.Deployment{
		ID: id, InstanceID: instanceID, State: ipaas.DeploymentRunning, Deadline: never, CreateTime: at(n),
		Candidate: ipaas.Generation{
			InstanceID: instanceID, DeploymentID: id, Version: 1, DefinitionHash: hash, ComponentVersions: map[string]int{"acme": 1},
			ConfigRevision: 1, CreateTime: at(n),
		},
	}
}

// begin begins a deployment of a definition.
func (w *world) begin(instanceID string, d ipaas.Definition) ipaas.Deployment {
	w.t.Helper()
	dep := w.deployment(instanceID, d)
	_, _, err := w.s.BeginDeployment(w.t.Context(), dep, nil, 0)
	check(w.t, err)
	return got(w.s.GetDeployment(w.t.Context(), instanceID, dep.ID))(w.t)
}

// deploy brings an instance to a definition.
func (w *world) deploy(instanceID string, d ipaas.Definition) ipaas.Deployment {
	w.t.Helper()
	dep := w.begin(instanceID, d)
	_, err := w.s.CommitDeployment(w.t.Context(), dep.ID, at(w.next()), storage.Takeover{})
	check(w.t, err)
	return got(w.s.GetDeployment(w.t.Context(), instanceID, dep.ID))(w.t)
}

// active adds an instance that serves the flows "orders" and "items".
func (w *world) active(id string) ipaas.Instance {
	w.t.Helper()
	w.instance(id)
	w.deploy(id, definition("ERP", "orders", "items"))
	return w.get(id)
}

// fail ends a deployment badly.
func (w *world) fail(id string) {
	w.t.Helper()
	_, err := w.s.BeginRollback(w.t.Context(), id, ipaas.DeploymentError{Reason: ipaas.ReasonInitFlowFailed, Message: "it failed"}, false, at(w.next()))
	check(w.t, err)
	check(w.t, w.s.FinishRollback(w.t.Context(), id, at(w.next())))
}

// event returns an execution that a webhook could bring.
func (w *world) event(instanceID, flow string) ipaas.Execution {
	n := w.next()
	return ipaas.Execution{
		ID: fmt.Sprintf("exe-%05d", n), InstanceID: instanceID, CustomerID: "progix", IntegrationID: "erp", FlowID: flow,
		FlowDisplayName: "Flow " + flow, State: ipaas.ExecutionQueued, Invoke: ipaas.InvokeWebhook, CreateTime: at(n),
		OriginID: fmt.Sprintf("exe-%05d", n), RootID: fmt.Sprintf("exe-%05d", n), Try: 1,
		Payload: ipaas.Payload{
			Method: "POST", Path: "/a", Query: []ipaas.NamedText{{Name: "q", Text: "1"}, {Name: "q", Text: "2"}},
			Headers: []ipaas.NamedText{{Name: "X-Sig", Text: "abc"}}, ContentType: "application/json", Body: []byte("{\"n\":1}\x00\xff"),
		},
	}
}

func (w *world) accept(instanceID, flow string) ipaas.Execution {
	w.t.Helper()
	return got(w.s.AcceptExecution(w.t.Context(), w.event(instanceID, flow), storage.Admission{ServingHasFlow: true, MaxHeld: 1000}))(w.t)
}

// running starts an execution for which somebody waits.
func (w *world) running(instanceID string) ipaas.Execution {
	w.t.Helper()
	ex := w.event(instanceID, "orders")
	ex.State, ex.Inline, ex.Attempts, ex.StartTime, ex.LeaseTime = ipaas.ExecutionRunning, true, 1, ex.CreateTime, never
	check(w.t, w.s.StartExecution(w.t.Context(), ex))
	return ex
}

func (w *world) claim() ipaas.Execution {
	w.t.Helper()
	return w.claimAt(at(w.next()), never)
}

// claimAt claims one execution, which must be there.
func (w *world) claimAt(now, lease time.Time) ipaas.Execution {
	w.t.Helper()
	claimed := got(w.s.ClaimExecutions(w.t.Context(), now, lease, 1, storage.Workers{}))(w.t)
	if len(claimed) != 1 {
		w.t.Fatalf("claimed %d executions, want 1", len(claimed))
	}
	return claimed[0]
}

// claimed returns the ids of at most so many executions that may run.
func (w *world) claimed(most int) []string {
	w.t.Helper()
	all := got(w.s.ClaimExecutions(w.t.Context(), at(w.next()), never, most, storage.Workers{}))(w.t)
	return ids(all, func(ex ipaas.Execution) string { return ex.ID })
}

func (w *world) execution(id string) ipaas.Execution {
	w.t.Helper()
	return got(w.s.GetExecution(w.t.Context(), id))(w.t)
}

// intent begins a registration.
func (w *world) intent(instanceID, deploymentID string) ipaas.Registration {
	w.t.Helper()
	n := w.next()
	return got(w.s.BeginRegistration(w.t.Context(), ipaas.Registration{
		ID: fmt.Sprintf("reg-%03d", n), InstanceID: instanceID, FlowID: "orders", StepID: "post", Key: "post", Action: "acme.post",
		ComponentVersion: 1, DeploymentID: deploymentID, ExecutionID: "exe-0", Generation: 1, ConfigRevision: 1, ConfigVariable: "conn",
		Target: "target", InputsHash: "hash", InputsSealed: "inputs", State: ipaas.RegistrationIntent,
		CreateTime: at(n), UpdateTime: at(n),
	}))(w.t)
}

// created adds a registration of an object that exists.
func (w *world) created(instanceID, deploymentID string) ipaas.Registration {
	w.t.Helper()
	r := w.intent(instanceID, deploymentID)
	check(w.t, w.s.SettleRegistration(w.t.Context(), r.ID, ipaas.RegistrationCreated, "", at(w.next())))
	return w.registration(instanceID, r.ID)
}

func (w *world) registration(instanceID, id string) ipaas.Registration {
	w.t.Helper()
	for _, r := range got(w.s.ListRegistrations(w.t.Context(), instanceID))(w.t) {
		if r.ID == id {
			return r
		}
	}
	w.t.Fatalf("registration %s of instance %s is not listed", id, instanceID)
	return ipaas.Registration{}
}

func (w *world) wantState(instanceID, id string, want ipaas.RegistrationState) {
	w.t.Helper()
	if r := w.registration(instanceID, id); r.State != want {
		w.t.Errorf("registration %s is %s, want %s", id, r.State, want)
	}
}

// delete makes an instance a tombstone.
func (w *world) delete(id string) {
	w.t.Helper()
	_, err := w.s.BeginRemoval(w.t.Context(), id, ipaas.InstanceDeleting, 0, at(w.next()), no)
	check(w.t, err)
	check(w.t, w.s.FinishDeletion(w.t.Context(), id, at(w.next())))
}

func ids[T any](items []T, id func(T) string) []string {
	var list []string
	for _, item := range items {
		list = append(list, id(item))
	}
	return list
}
