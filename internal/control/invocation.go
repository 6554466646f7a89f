package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/trigger"
	"github.com/headrace/headrace/internal/value"
)

// starting is what a step starts when it is completed.
type starting struct {
	invocations []storage.Invocation
	resultOf    string // the execution whose id is the step's result; empty: none
}

func (s *starting) all() []storage.Invocation {
	if s == nil {
		return nil
	}
	return s.invocations
}

// prepareStarts makes ready what the result of a step starts. An error fails the step.
func (h *host) prepareStarts(
	ctx context.Context, step engine.Step, action *component.Action, result *component.Result, log func(ipaas.Severity, string),
) error {
	if action.Undo != nil || action.Delegate != nil {
		return fmt.Errorf("action %s creates an object, and what creates one starts no flows: this is a fault in the component", step.Action)
	}
	if n := len(result.Invocations); n > ipaas.MaxInvocations {
		return fmt.Errorf("it would start %d executions, and a step may start %d: give each a part of the work, or start them in a loop", n, ipaas.MaxInvocations)
	}
	s := &starting{}
	for _, inv := range result.Invocations {
		flow, err := h.flowToStart(inv)
		if err != nil {
			return err
		}
		id := ""
		if h.onlyShows() {
			log(ipaas.SeverityInfo, fmt.Sprintf("flow %q would be started here; a test runs one flow only", flow.DisplayName))
		} else {
			started, err := h.prepareStart(ctx, flow, inv)
			if err != nil {
				return err
			}
			s.invocations = append(s.invocations, started)
			id = started.Execution.ID
		}
		if inv.AsResult {
			s.resultOf, result.Data = id, value.ObjOf("executionId", id)
		}
	}
	if len(s.invocations) > 0 {
		h.starts[step.Path] = s
	}
	return nil
}

// onlyShows reports whether the run starts no others: flows are tested one by one. What a test URL brings is no test but an event.
func (h *host) onlyShows() bool { return h.job.execution.Test && !h.job.execution.Invoke.Event() }

// flowToStart returns the flow that an invocation is of, if the run may start it.
func (h *host) flowToStart(inv component.Invocation) (*ipaas.Flow, error) {
	def, ex := h.job.program.Definition(), &h.job.execution
	flow := h.job.program.Flow(ex.FlowID)
	if inv.Flow != "" {
		if flow = def.FlowByName(inv.Flow); flow == nil {
			return nil, engine.UnknownFlow(def, inv.Flow)
		}
	}
	if !inv.Recursive && ex.Depth >= ipaas.MaxInvocationDepth {
		return nil, fmt.Errorf("flow %q would stand %d calls behind execution %s, which began the line, and a line may have %d: "+
			"find out whether flows start each other in a circle", flow.DisplayName, ex.Depth+1, ex.RootID, ipaas.MaxInvocationDepth)
	}
	return flow, nil
}

// prepareStart makes an execution of a flow, with its place among others.
func (h *host) prepareStart(ctx context.Context, flow *ipaas.Flow, inv component.Invocation) (storage.Invocation, error) {
	p, by := h.plane, &h.job.execution
	ex := newEvent(p.now(), ipaas.Execution{
		InstanceID: by.InstanceID, CustomerID: by.CustomerID, IntegrationID: by.IntegrationID, Test: by.Test,
	}, flow, ipaas.Payload{})
	ex.Invoke = ipaas.InvokeCrossFlow
	given := trigger.Gift{Hop: h.job.hop()}
	if inv.Recursive {
		ex.Invoke, given.Cursor = ipaas.InvokeRecursive, string(value.Encode(inv.Cursor))
		if h.job.given != nil {
			given.Round = h.job.given.Round + 1
		}
		if wait := recursionDelay(given.Round); wait > 0 {
			ex.WakeTime = ex.CreateTime.Add(wait)
		}
	} else {
		given.Data = string(value.Encode(inv.Data))
	}
	if size := len(given.Data) + len(given.Cursor); size > ipaas.MaxInvocationData {
		return storage.Invocation{}, fmt.Errorf("flow %q would be given %d bytes, and it can be given %d: give it less, or a place where to find it",
			flow.DisplayName, size, ipaas.MaxInvocationData)
	}
	var err error
	if ex.Payload.Invocation, err = p.triggers.SealGift(h.job.instance, given); err != nil {
		return storage.Invocation{}, err
	}
	a, err := p.admission(ctx, h.job, flow, &ex, true)
	return storage.Invocation{Execution: ex, Admission: a}, err
}

// recursionDelay returns how long the next of a recursive flow waits that so many came before in its line.
func recursionDelay(round int) time.Duration {
	if round < ipaas.QuickRecursions {
		return 0
	}
	return ipaas.RecursionDelay
}

// leaveOut takes out of what a step starts an execution that was started before, whose id the step's result then has.
func (s *starting) leaveOut(before *storage.AlreadyStarted, done *engine.Done) error {
	kept := slices.DeleteFunc(slices.Clone(s.all()), func(i storage.Invocation) bool { return i.Execution.ID == before.ID })
	if len(kept) == len(s.all()) {
		return before
	}
	s.invocations = kept
	if s.resultOf == before.ID {
		s.resultOf = before.First
		done.Result = value.ObjOf("executionId", before.First)
	}
	return nil
}

// refusesStart reports whether an error says that what a step starts is not taken. Other errors say nothing of it.
func refusesStart(err error) bool {
	switch ipaas.ReasonOf(err) {
	case ipaas.ReasonInstanceRemoved, ipaas.ReasonTooManyQueued, ipaas.ReasonDeduplicationKeyReused:
		return true
	default:
		return false
	}
}

// cursor returns where an execution of a recursive flow begins.
func (j *job) cursor() (any, error) {
	if j.given != nil && j.given.Cursor != "" {
		if cursor, err := value.Decode([]byte(j.given.Cursor)); err != nil || cursor != nil {
			return cursor, err
		}
	}
	flow := j.program.Flow(j.execution.FlowID)
	if flow == nil || flow.Trigger.Type != ipaas.TriggerRecursive {
		return nil, nil
	}
	inputs, wrong := j.program.TriggerInputs(flow.ID, j.settings.Values)
	if len(wrong) > 0 {
		return nil, ipaas.InvalidArgument(fmt.Sprintf("the inputs of the trigger of flow %q are not valid", flow.DisplayName), wrong...)
	}
	return inputs.Value(ipaas.InputDefaultCursor), nil
}

// cutPatience is how long is waited for runs that were cut: an action that does not listen holds up nobody.
const cutPatience = 10 * time.Second

// cutInvoked ends the runs that flows of a deployment have started, which is undone, and waits for their end: one that was past its last
// step would else succeed after the deployment has failed.
func (p *Plane) cutInvoked(ctx context.Context, deploymentID string) error {
	is := func(field, v string) *storage.Filter {
		return &storage.Filter{Field: field, Operator: storage.Equal, Value: v}
	}
	query := storage.Query{Size: 200, Filter: &storage.Filter{Join: storage.And, Filters: []*storage.Filter{
		is("deployment_id", deploymentID), is("state", string(ipaas.ExecutionRunning)),
	}}}
	var gone []<-chan struct{}
	for {
		page, err := p.store.ListExecutions(ctx, query)
		if err != nil {
			return err
		}
		for _, ex := range page.Items {
			if ex.Canceling {
				gone = append(gone, p.live.cut(ex.ID, errCanceled)...)
			}
		}
		if page.Next == "" {
			break
		}
		query.After = page.Next
	}
	late := time.NewTimer(cutPatience)
	defer late.Stop()
	for _, run := range gone {
		select {
		case <-run:
		case <-late.C:
			p.logger.Warn("what a deployment has started does not end", "deployment", deploymentID)
			return nil
		}
	}
	return nil
}
