package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// flowOf returns the flow of a program that takes a request, or nil if the program has none: the flow whose URL it is, or at a URL that
// several share the one that looks at requests first, or the one that the request names.
func (p *Plane) flowOf(ctx context.Context, j *job, r *request) (*ipaas.Flow, error) {
	switch {
	case j == nil || !j.program.Serves(r.hook.FlowID):
		return nil, nil
	case !r.endpoint():
		return j.program.Flow(r.hook.FlowID), nil
	case j.program.PreprocessFlow() != nil:
		return j.program.PreprocessFlow(), nil
	}
	to, err := p.destination(ctx, j, r.payload)
	if err != nil {
		return nil, err
	}
	flow := j.program.FlowAt(to.Flow)
	if flow == nil {
		return nil, p.unrouted(j.instance, noFlow(to.Flow))
	}
	return flow, nil
}

// destination returns whom a request is for that no flow looks at first.
func (p *Plane) destination(ctx context.Context, j *job, payload ipaas.Payload) (engine.Destination, error) {
	ex := j.execution
	ex.Payload = payload
	results, err := p.triggers.Results(ctx, ex, j.instance, j.program.Definition(), nil, nil)
	if err != nil {
		return engine.Destination{}, err
	}
	return j.program.Destination(engine.EndpointRequest{Payload: results, Config: j.settings.Values}), nil
}

// receiveShared takes a request at the URL that all instances of an integration share. Whose it is, the newest version tells; what is
// done with it then, the version that the instance is on. Where a flow looks at it first, that runs for the integration: before it is
// known whose the request is there are no config values, and nothing of a customer's to be seen.
func (p *Plane) receiveShared(ctx context.Context, test ipaas.Instance, r *request) (Reply, error) {
	j, err := p.sharedJob(ctx, test)
	if err != nil {
		return Reply{}, err
	}
	if flow := j.program.PreprocessFlow(); flow != nil {
		return p.accept(ctx, j, flow, r)
	}
	to, err := p.destination(ctx, j, r.payload)
	if err != nil {
		return Reply{}, err
	}
	in, err := p.instanceOf(ctx, test.IntegrationID, to.Customer)
	if err != nil {
		return Reply{}, p.unrouted(test, err)
	}
	return p.receiveFor(ctx, in, r)
}

// sharedJob makes the newest version of an integration ready to run for no instance in particular: without config values.
func (p *Plane) sharedJob(ctx context.Context, test ipaas.Instance) (*job, error) {
	integration, err := p.store.GetIntegrationHead(ctx, test.IntegrationID)
	if err != nil {
		return nil, err
	}
	if integration.LatestVersion == 0 {
		return nil, unknownHook()
	}
	program, _, err := p.versionProgram(ctx, test.IntegrationID, integration.LatestVersion)
	if err != nil {
		return nil, err
	}
	if e := program.Definition().Endpoint; !e.Shares() || e.Type != ipaas.EndpointShared {
		return nil, unknownFlow()
	}
	s, err := p.configs.Settings(test.UID, program, ipaas.Config{})
	if err != nil {
		return nil, err
	}
	return &job{
		instance: test, program: program, settings: s,
		execution: ipaas.Execution{
			InstanceID: test.ID, IntegrationID: test.IntegrationID, Version: integration.LatestVersion, DefinitionHash: program.Hash(), Endpoint: true,
		},
	}, nil
}

// maxInstancesOfCustomer bounds the search for the one that a request is for.
const maxInstancesOfCustomer = 100

// instanceOf returns the instance of an integration that the customer with an external id has: the one that is deployed, or else the
// one that is being deployed.
func (p *Plane) instanceOf(ctx context.Context, integrationID, externalID string) (ipaas.Instance, error) {
	// An asterisk would stand for others in a filter, and no external id that is told apart from others has one.
	if externalID == "" || strings.Contains(externalID, "*") {
		return ipaas.Instance{}, notRouted("the request names no customer")
	}
	is := func(field, text string) *storage.Filter {
		return &storage.Filter{Field: field, Operator: storage.Equal, Value: text}
	}
	customers, err := p.store.ListCustomers(ctx, storage.Query{Size: maxInstancesOfCustomer, Filter: is("external_id", externalID)})
	if err != nil {
		return ipaas.Instance{}, err
	}
	var active, others []ipaas.Instance
	for _, c := range customers.Items {
		instances, err := p.store.ListInstances(ctx, storage.Query{Size: maxInstancesOfCustomer, Filter: &storage.Filter{
			Join: storage.And, Filters: []*storage.Filter{is("customer_id", c.ID), is("integration_id", integrationID)},
		}})
		if err != nil {
			return ipaas.Instance{}, err
		}
		for _, in := range instances.Items {
			switch in.State {
			case ipaas.InstanceActive:
				active = append(active, in)
			case ipaas.InstanceDeploying, ipaas.InstanceDeployFailed:
				others = append(others, in)
			}
		}
	}
	if len(active) == 0 {
		active = others
	}
	switch len(active) {
	case 0:
		return ipaas.Instance{}, notRouted("there is no customer %q with a deployed instance of the integration", ipaas.Cut(externalID, maxShownKey))
	case 1:
		return active[0], nil
	default:
		err := notRouted("customer %q has several deployed instances of the integration: send to a URL of one of them", ipaas.Cut(externalID, maxShownKey))
		err.Kind = ipaas.Conflict
		return ipaas.Instance{}, err
	}
}

func notRouted(format string, args ...any) *ipaas.Error {
	return &ipaas.Error{Kind: ipaas.NotFound, Reason: ipaas.ReasonNotRouted, Message: fmt.Sprintf(format, args...)}
}

func noFlow(name string) *ipaas.Error {
	if name == "" {
		return notRouted("the request names no flow")
	}
	return notRouted("there is no flow %q behind this URL", ipaas.Cut(name, maxShownKey))
}

// unrouted logs that a request found nobody: who sends them is told, but those who run the server should be able to see it, too.
func (p *Plane) unrouted(in ipaas.Instance, err error) error {
	if ipaas.ReasonOf(err) == ipaas.ReasonNotRouted {
		p.logger.Warn("a request at an endpoint was for nobody", "instance", in.ID, "integration", in.IntegrationID, "error", err)
	}
	return err
}

// looksFirst reports whether an execution is of the flow that looks at requests first, and its request still has to go on.
func looksFirst(program *engine.Program, ex *ipaas.Execution) bool {
	flow := program.PreprocessFlow()
	return ex.Endpoint && ex.PreprocessedBy == "" && flow != nil && flow.ID == ex.FlowID
}

// route ends an execution that has looked at a request, and in the same step queues the one that the request becomes, as if it had come
// in at that flow's own URL. Where there is none, or it is refused there, the execution fails and says why.
func (p *Plane) route(ctx context.Context, h *host, ex ipaas.Execution, result any) (ipaas.Execution, error) {
	next, a, err := p.routed(ctx, h.job, ex, result)
	if err == nil {
		var routed ipaas.Execution
		if routed, err = p.store.RouteExecution(ctx, ex, next, a, h.checkpoint.progress); err == nil {
			ex.RoutedTo = routed.ID
			return ex, nil
		}
	}
	if !refusesRequest(err) {
		return ex, err
	}
	p.logger.Warn("a request could not be routed", "execution", ex.ID, "instance", ex.InstanceID, "integration", ex.IntegrationID, "error", err)
	ex.State, ex.Result, ex.Response = ipaas.ExecutionFailed, "", nil
	ex.Error = &ipaas.ExecutionError{Reason: ipaas.ExecutionNotRouted, Message: ipaas.Cut("the request could not go on: "+err.Error(), ipaas.MaxLogMessage)}
	return ex, p.store.FinishExecution(ctx, ex, h.checkpoint.progress)
}

// refusesRequest reports whether an error says something of a request, rather than of the store or of the execution that looked at it.
func refusesRequest(err error) bool {
	var e *ipaas.Error
	if !errors.As(err, &e) {
		var byTrigger interface{ HTTPStatus() int }
		return errors.As(err, &byTrigger)
	}
	switch e.Kind {
	case ipaas.Unavailable:
		return e.Reason == ipaas.ReasonInstancePaused || e.Reason == ipaas.ReasonDraftHasProblems
	case ipaas.Conflict:
		return e.Reason == ipaas.ReasonNotRouted || e.Reason == ipaas.ReasonDeduplicationKeyReused
	default:
		return true
	}
}

// routed makes the execution that a request becomes.
func (p *Plane) routed(ctx context.Context, j *job, ex ipaas.Execution, result any) (next ipaas.Execution, a storage.Admission, err error) {
	to := j.program.Destination(engine.EndpointRequest{Result: result, Config: j.settings.Values})
	var in ipaas.Instance
	if ex.Unowned() {
		in, err = p.instanceOf(ctx, ex.IntegrationID, to.Customer)
	} else {
		in, err = p.store.GetInstance(ctx, ex.InstanceID)
	}
	if err != nil {
		return next, a, err
	}
	target, err := p.hookJob(ctx, in)
	if err != nil {
		return next, a, err
	}
	serving := target != nil
	if c := p.deploys.get(in.ID); c != nil && (!serving || target.program.FlowAt(to.Flow) == nil) {
		target, serving = c.job(), false
	}
	if target == nil {
		if target, err = p.triedJob(ctx, in); err != nil {
			return next, a, err
		}
	}
	flow := target.program.FlowAt(to.Flow)
	if flow == nil {
		return next, a, noFlow(to.Flow)
	}
	r := &request{payload: ex.Payload, offered: offeredKey(&ex.Payload)}
	r.offered.hash = ex.Payload.KeyHash // of the key itself only this was kept
	reception, err := p.letIn(ctx, target, flow, r)
	if err != nil {
		return next, a, err
	}
	if reception.Answer != nil {
		return next, a, notRouted("it is a handshake of flow %q, whose sender has its answer already: let it register the flow's own URL", flow.DisplayName)
	}
	r.payload.KeyHash = ""
	next = newEvent(p.now(), target.execution, flow, r.payload)
	next.Endpoint, next.FlowKeyID, next.PreprocessedBy = true, r.letInBy, ex.ID
	if a, err = p.admission(ctx, target, flow, &next, serving); err == nil && !next.Test {
		next.Generation, next.DefinitionHash, next.Version, next.ConfigRevision = 0, "", 0, 0 // bound when it first starts
	}
	return next, a, err
}

// urlsFor returns the URLs that a run of an instance sees. One that runs for no instance sees the one that all share.
func (p *Plane) urlsFor(ctx context.Context, in ipaas.Instance, ex ipaas.Execution) (map[string]string, error) {
	urls, err := p.access.URLs(ctx, in.ID)
	if err == nil && ex.Unowned() {
		urls = map[string]string{ipaas.SharedEndpoint: urls[ipaas.SharedEndpoint]}
	}
	return urls, err
}

// addSharedEndpoint makes the URL that all instances of an integration share, if they share one and there is none yet.
func (p *Plane) addSharedEndpoint(ctx context.Context, integrationID string, def *ipaas.Definition) error {
	if def.Endpoint == nil || def.Endpoint.Type != ipaas.EndpointShared {
		return nil
	}
	test := ipaas.TestInstanceID(integrationID)
	_, err := p.store.AddWebhooks(ctx, test, []ipaas.Webhook{p.access.NewWebhook(test, ipaas.SharedEndpoint, p.now())})
	return err
}

// EndpointURL returns the URL that all instances of an integration share; empty if they share none, or none was deployed yet.
func (p *Plane) EndpointURL(ctx context.Context, integrationID string) (string, error) {
	urls, err := p.access.ShownURLs(ctx, ipaas.TestInstanceID(integrationID))
	return urls[ipaas.SharedEndpoint], err
}

// RotateEndpointToken gives the instances of an integration another URL to share.
func (p *Plane) RotateEndpointToken(ctx context.Context, integrationID string, overlap time.Duration, m Mutation) (ipaas.Integration, error) {
	return once(ctx, p, m, func(write func(ipaas.Integration) (storage.Write, error)) (ipaas.Integration, error) {
		integration, err := p.store.GetIntegration(ctx, integrationID)
		if err != nil {
			return integration, err
		}
		if m.Base != 0 && integration.Revision != m.Base {
			return integration, ipaas.Stale("integration", integrationID)
		}
		url, err := p.EndpointURL(ctx, integrationID)
		if err != nil {
			return integration, err
		}
		if url == "" {
			absent := ipaas.Absent("endpoint", integrationID)
			absent.Message = fmt.Sprintf("the instances of integration %q share no URL: publish it with an endpoint of type %s, and deploy an instance first",
				integrationID, ipaas.EndpointShared)
			return integration, absent
		}
		w, err := write(integration)
		if err != nil {
			return integration, err
		}
		now, test := p.now(), ipaas.TestInstanceID(integrationID)
		hook := p.access.NewWebhook(test, ipaas.SharedEndpoint, p.now())
		_, err = p.store.RotateWebhooks(ctx, test, []ipaas.Webhook{hook}, now.Add(overlap), 0, now, w)
		return integration, err
	})
}
