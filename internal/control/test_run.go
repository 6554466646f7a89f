package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/rehearsal"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/trigger"
)

// TestResult is what a test came to.
type TestResult struct {
	Execution *ipaas.Execution // nil when only checked, or when the trigger answered a handshake
	Response  *ipaas.Response  // what the caller of the flow's webhook would have been answered
	Exchanges []ipaas.Exchange // the requests it made, if they were to be recorded
}

// TestFlow runs one flow of the draft on the test instance, with its own URLs and config. No other flow runs. A request id that
// comes again while its test runs joins it.
func (p *Plane) TestFlow(
	ctx context.Context, integrationID, flowID string, payload *ipaas.TestPayload, save bool, m Mutation,
) (TestResult, error) {
	return p.RehearseFlow(ctx, integrationID, flowID, payload, save, rehearsal.Rehearsal{}, m)
}

// RehearseFlow is TestFlow with something in place of the world.
func (p *Plane) RehearseFlow(
	ctx context.Context, integrationID, flowID string, payload *ipaas.TestPayload, save bool, r rehearsal.Rehearsal, m Mutation,
) (TestResult, error) {
	test := func(ctx context.Context) (TestResult, error) {
		return p.testFlow(ctx, integrationID, flowID, payload, save, &r, m)
	}
	var result TestResult
	var err error
	if m.RequestID == "" || m.ValidateOnly {
		result, err = test(ctx)
	} else {
		result, err = joining(ctx, p, &p.tests, "test", m, func(ctx context.Context) (TestResult, error) { return p.rememberTest(ctx, m, test) })
	}
	if err != nil || result.Execution == nil || result.Response == nil {
		return result, err
	}
	urls, err := p.access.ShownURLs(ctx, ipaas.TestInstanceID(integrationID))
	if err != nil {
		return result, err
	}
	result.Response = revealed(result.Response, access.Mask(urls))
	return result, nil
}

func (p *Plane) testFlow(
	ctx context.Context, integrationID, flowID string, payload *ipaas.TestPayload, save bool, r *rehearsal.Rehearsal, m Mutation,
) (TestResult, error) {
	integration, err := p.store.GetIntegration(ctx, integrationID)
	if err != nil {
		return TestResult{}, err
	}
	if flow, _ := integration.Draft.Flow(flowID); flow == nil {
		return TestResult{}, absentPart("flow", flowID, integrationID)
	}
	if save && payload != nil {
		if integration, err = p.saveTestPayload(ctx, integrationID, flowID, payload, m); err != nil {
			return TestResult{}, err
		}
	}
	j, err := p.testJob(ctx, integration, flowID, r, m.ValidateOnly)
	if err != nil {
		return TestResult{}, err
	}
	flow := j.program.Flow(flowID)
	if payload == nil {
		payload = flow.TestPayload
	}
	j.execution.Payload = trigger.PayloadOf(payload)
	if _, _, err := trigger.ParseBody(j.execution.Payload); err != nil {
		return TestResult{}, err
	}
	reception, err := p.receive(ctx, j, flow, j.execution.Payload)
	if err != nil {
		return TestResult{}, err
	}
	if m.ValidateOnly || reception.Answer != nil {
		return TestResult{Response: reception.Answer}, nil
	}
	return p.runTest(ctx, j, flow, reception)
}

// rememberTest carries out a test, unless the same request was answered before, and keeps its answer. A test that did not come to an
// execution left nothing behind, and may be asked for again.
func (p *Plane) rememberTest(ctx context.Context, m Mutation, test func(context.Context) (TestResult, error)) (TestResult, error) {
	return once(ctx, p, m, func(write func(TestResult) (storage.Write, error)) (TestResult, error) {
		result, err := test(ctx)
		if err != nil {
			return result, err
		}
		w, err := write(result)
		if err != nil {
			return result, err
		}
		return result, p.store.SaveReceipt(ctx, *w.Receipt)
	})
}

func (p *Plane) saveTestPayload(
	ctx context.Context, integrationID, flowID string, payload *ipaas.TestPayload, m Mutation,
) (ipaas.Integration, error) {
	return p.UpdateFlow(ctx, integrationID, flowID, nil, Mutation{Caller: m.Caller, Method: m.Method, ValidateOnly: m.ValidateOnly},
		func(f *ipaas.Flow) error {
			f.TestPayload = payload
			return nil
		})
}

// testJob makes one flow of the draft ready to run on the test instance, and refuses while anything keeps it from running. What only
// other flows need may be missing.
func (p *Plane) testJob(
	ctx context.Context, integration ipaas.Integration, flowID string, r *rehearsal.Rehearsal, validateOnly bool,
) (*job, error) {
	program, _, err := p.catalogue.Program(ctx, &integration.Draft, integration.Draft.Hash(), nil)
	if err != nil {
		return nil, err
	}
	in, err := p.store.GetInstance(ctx, ipaas.TestInstanceID(integration.ID))
	if err != nil {
		return nil, err
	}
	s, err := p.configs.Settings(in.UID, program, in.Config)
	if err != nil {
		return nil, err
	}
	var urls map[string]string // what only checks needs none
	if !validateOnly {
		hooks, err := p.store.AddWebhooks(ctx, in.ID, p.access.NewWebhooks(in, program.Definition(), p.now()))
		if err != nil {
			return nil, err
		}
		if urls, err = p.access.URLsOf(hooks); err != nil {
			return nil, err
		}
	}
	j := &job{
		instance: in, program: program, settings: s, urls: urls,
		execution: ipaas.Execution{
			ID: ipaas.NewID("exe"), InstanceID: in.ID, IntegrationID: integration.ID, DefinitionHash: program.Hash(),
			ConfigRevision: in.Config.Revision, State: ipaas.ExecutionRunning, Invoke: ipaas.InvokeTest, Test: true, Inline: true, Attempts: 1,
		},
	}
	return j, p.rehearsed(j, integration, flowID, r)
}

// rehearsed makes ready what a rehearsal supplies, and refuses while anything keeps the flow from running all the same.
func (p *Plane) rehearsed(j *job, integration ipaas.Integration, flowID string, r *rehearsal.Rehearsal) error {
	program := j.program
	given, wrong := r.StandIns(program, flowID)
	if len(wrong) > 0 {
		return ipaas.InvalidArgument("what stands in for steps is not valid", wrong...)
	}
	if problems := program.Obstacles(flowID, given); len(problems) > 0 {
		return draftHasProblems(integration.ID, "tested", problems)
	}
	s, problems := j.settings.Rehearsed(program.Needs(flowID, given))
	if len(problems) > 0 {
		return configIncomplete(j.instance, problems)
	}
	j.settings, j.standIns, j.offline, j.supplied = s, given, r.Isolated(), r.Supplies()
	j.tape = r.Tape(program.Definition(), j.urls, s.Redactor)
	return nil
}

// runTest runs the flow and waits for its end. A test of an instance-deploy flow is a transaction like a deployment: what it has
// registered before is kept, and what a failed one registered is removed again.
func (p *Plane) runTest(ctx context.Context, j *job, flow *ipaas.Flow, reception component.Reception) (TestResult, error) {
	leave := func() {}
	if j.reconcile = flow.Trigger.Type == ipaas.TriggerInstanceDeploy && !j.offline; j.reconcile {
		// Of two side by side each would remove what the other registered.
		var err error
		if leave, err = p.testing.Take(ctx, j.instance.ID); err != nil {
			return TestResult{}, err
		}
	}
	now := p.now()
	j.execution.FlowID, j.execution.FlowDisplayName = flow.ID, flow.DisplayName
	j.execution.CreateTime, j.execution.StartTime, j.execution.LeaseTime = now, now, now.Add(p.limits.Lease)
	if err := p.start(j, func() (ipaas.Execution, error) { return j.execution, p.store.StartExecution(ctx, j.execution) }); err != nil {
		leave()
		return TestResult{}, err
	}
	done := p.runAlone(j, func(e *ended) {
		defer leave()
		if e.err == nil && j.reconcile {
			e.err = p.settleTest(j, e.h, e.ex)
		}
	})
	select {
	case e := <-done:
		if e.err != nil {
			return TestResult{}, e.err
		}
		// It is shown to who tests, and may be remembered: without secrets and tokens, unlike what the flow's URL answers.
		response := answerOf(e.ex, e.h.outcome, flow.Synchronous, reception)
		result := TestResult{Execution: &e.ex, Response: e.h.storedResponse(&response)}
		result.Exchanges = rehearsal.Made(j.tape)
		return result, nil
	case <-ctx.Done():
		return TestResult{}, fmt.Errorf("execution %s goes on without you: %w", j.execution.ID, ctx.Err())
	}
}

// settleTest ends the transaction of a test of an instance-deploy flow.
func (p *Plane) settleTest(j *job, h *host, ex ipaas.Execution) error {
	ctx := context.WithoutCancel(p.stop)
	if ex.State != ipaas.ExecutionSucceeded {
		return p.removeAll(ctx, j.instance, h.created)
	}
	if j.supplied {
		return nil // a step that something stood in for may want what is there, and did not say so
	}
	rows, err := p.store.ListRegistrations(ctx, ex.InstanceID, ipaas.RegistrationCreated)
	if err != nil {
		return err
	}
	var superseded []ipaas.Registration
	for _, r := range rows {
		if r.FlowID == ex.FlowID && !h.used[r.ID] {
			superseded = append(superseded, r)
		}
	}
	return p.removeAll(ctx, j.instance, superseded)
}

// removeAll removes what a test has left over.
func (p *Plane) removeAll(ctx context.Context, in ipaas.Instance, rows []ipaas.Registration) error {
	err := p.ledger.Condemn(ctx, rows)
	if err == nil {
		_, _, err = p.ledger.UndoAll(ctx, in, rows)
	}
	return err
}

// receive lets the flow's trigger look at what came in.
func (p *Plane) receive(ctx context.Context, j *job, flow *ipaas.Flow, payload ipaas.Payload) (component.Reception, error) {
	trigger := j.program.Trigger(flow.ID)
	if trigger == nil || trigger.Receive == nil {
		return component.Reception{}, nil
	}
	inputs, wrong := j.program.TriggerInputs(flow.ID, j.settings.Values)
	if len(wrong) > 0 {
		return component.Reception{}, ipaas.InvalidArgument(fmt.Sprintf("the inputs of the trigger of flow %q are not valid", flow.DisplayName), wrong...)
	}
	reception, err := trigger.Receive(ctx, component.Request{Payload: payload, Inputs: inputs})
	var refuse *component.Refuse
	if err != nil && !errors.As(err, &refuse) {
		return reception, fmt.Errorf("trigger of flow %s: %w", flow.ID, err)
	}
	return reception, err
}
