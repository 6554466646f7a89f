package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// executionCmd holds the commands about executions.
type executionCmd struct {
	List   executionListCmd   `cmd:"" default:"withargs" help:"List executions, newest first."`
	Get    executionGetCmd    `cmd:"" help:"Show one execution with what each step did."`
	Tail   executionTailCmd   `cmd:"" help:"Follow an execution to its end."`
	Cancel executionCancelCmd `cmd:"" help:"Cancel an execution, or release one that blocks its lane."`
	Replay executionReplayCmd `cmd:"" help:"Run executions again that have ended."`
}

type executionListCmd struct {
	Instance  string `help:"Only those of this instance." placeholder:"ID"`
	Flow      string `help:"Only those of this flow." placeholder:"ID"`
	State     string `help:"Only those in this state, e.g. FAILED." placeholder:"STATE"`
	InvokedBy string `help:"Only those that a step of this execution started." placeholder:"ID"`
	Filter    string `help:"Only what matches this expression (AIP-160), e.g. 'test = false'." placeholder:"EXPRESSION"`
	OrderBy   string `help:"Order by these fields. Default: create_time desc." placeholder:"FIELDS"`
	Limit     int    `help:"Show at most this many. 0: all." default:"50"`
}

// Validate is called by the parser.
func (c *executionListCmd) Validate() error {
	if c.Flow != "" && !idPattern.MatchString(c.Flow) {
		return usage("--flow wants the id of a flow, and %q is none: headrace flow list INTEGRATION shows the ids", c.Flow)
	}
	return listFlags{Limit: c.Limit}.Validate()
}

// Run carries out the command.
func (c *executionListCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllExecutions(ctx, &headracev1.ListExecutionsRequest{
		PageSize: listFlags{Limit: c.Limit}.pageSize(),
		Filter: allOf(
			equals("instance_id", c.Instance), equals("flow_id", c.Flow),
			equals("state", stateWord(c.State)), equals("invoked_by", c.InvokedBy), c.Filter,
		),
		OrderBy: c.OrderBy,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListExecutionsResponse{Executions: found}, func() { a.executions(found) })
}

// equals is a filter for one field, empty for an empty value.
func equals(field, value string) string {
	if value == "" {
		return ""
	}
	return field + ` = "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// allOf joins filters. Each keeps its own ORs to itself.
func allOf(filters ...string) string {
	var out []string
	for _, f := range filters {
		if f != "" {
			out = append(out, f)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	for i, f := range out {
		out[i] = "(" + f + ")"
	}
	return strings.Join(out, " AND ")
}

func (p *printer) executions(all []*headracev1.Execution) {
	var rows [][]cell
	for _, ex := range all {
		instance := ex.GetInstanceId()
		if ex.GetTest() {
			instance = "test of " + ex.GetIntegrationId()
		}
		rows = append(rows, []cell{
			text(ex.GetId()), executionState(ex), number(ex.GetTry()), text(ex.GetFlowDisplayName()), text(instance),
			{word(ex.GetInvokeType(), "INVOKE_TYPE_"), dim},
			p.ago(ex.GetCreateTime()), text(took(ex.GetDuration())),
			text(excerpt(ex.GetOrderingKey(), 20)),
			{excerpt(ex.GetError().GetMessage(), 60), red},
		})
	}
	p.list("no executions", []string{"ID", "STATE", "TRY", "FLOW", "INSTANCE", "BY", "WHEN", "TOOK", "ORDER", "ERROR"}, rows)
}

// executionState tells beside the state what an execution waits for, or who waits for it.
func executionState(ex *headracev1.Execution) cell {
	s := state(ex.GetState())
	switch {
	case ex.GetBlocking():
		s.text += ", blocking"
	case ex.GetBlocked():
		s.text += ", blocked"
	case ex.GetCanceling() && ex.GetState() == headracev1.Execution_STATE_RUNNING:
		s.text += ", canceling"
	}
	return s
}

type executionGetCmd struct {
	ID string `arg:"" help:"The execution's id."`
}

// Run carries out the command.
func (c *executionGetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Executions.GetExecution(ctx, &headracev1.GetExecutionRequest{ExecutionId: c.ID})
	if err != nil {
		return err
	}
	var started []*headracev1.Execution
	if a.format == "table" { // programs ask for what they want
		started, err = take(a.client.AllExecutions(ctx, &headracev1.ListExecutionsRequest{
			PageSize: listFlags{Limit: mostStarted}.pageSize(), Filter: equals("invoked_by", c.ID), OrderBy: "create_time",
		}), mostStarted)
		if err != nil {
			return err
		}
	}
	return a.show(res.GetExecution(), func() {
		a.execution(res.GetExecution())
		a.response(res.GetExecution().GetResponse())
		if len(started) > 0 {
			a.heading("Started")
			a.executions(started)
		}
		if len(started) == mostStarted {
			a.line("%s", a.the("there may be more: list them with --invoked-by", dim))
		}
	})
}

// mostStarted is how many executions are shown with the one that started them.
const mostStarted = 50

type executionCancelCmd struct {
	ID     string `arg:"" help:"The execution's id."`
	DryRun bool   `help:"Check whether it could be canceled, and change nothing."`
}

// Run carries out the command.
func (c *executionCancelCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Executions.CancelExecution(ctx, &headracev1.CancelExecutionRequest{ExecutionId: c.ID, ValidateOnly: c.DryRun})
	if err != nil {
		return err
	}
	ex := res.GetExecution()
	return a.show(ex, func() {
		switch {
		case c.DryRun || ex.GetState() == headracev1.Execution_STATE_CANCELED:
			a.did("execution", c.ID, "canceled", c.DryRun)
		case ex.GetCanceling():
			a.line("execution %s was told to stop, and is %s", clean(c.ID), word(ex.GetState(), "STATE_"))
		default:
			a.did("execution", c.ID, "let go", false)
		}
	})
}

type executionReplayCmd struct {
	ID         string `arg:"" optional:"" help:"The execution's id. Without one: those that match --filter."`
	FromStep   string `xor:"from" help:"Begin with this step; the results of the steps before it are kept." placeholder:"PATH"`
	FromFailed bool   `xor:"from" help:"Begin with the step that failed."`
	FreshKeys  bool   `help:"Send new idempotency keys, so that other systems carry everything out again."`
	Filter     string `help:"Replay what matches this expression (AIP-160), e.g. 'state = \"FAILED\"', and was neither retried nor replayed." placeholder:"EXPRESSION"`
	Max        int32  `help:"Replay at most this many." default:"100"`
	All        bool   `help:"Go on until none is left."`
	DryRun     bool   `help:"Check, or tell how many there are, and change nothing."`
}

// Validate is called by the parser.
func (c *executionReplayCmd) Validate() error {
	switch {
	case (c.ID == "") == (c.Filter == ""):
		return usage("give the id of an execution, or a --filter")
	case c.ID == "" && c.FromStep != "":
		return usage("--from-step is for one execution: give --from-failed with a --filter")
	case c.ID != "" && c.All:
		return usage("--all is for a --filter")
	case c.Max < 1 || c.Max > 1000:
		return usage("--max wants a number from 1 to 1000")
	}
	return nil
}

// Run carries out the command.
func (c *executionReplayCmd) Run(ctx context.Context, a *app) error {
	if c.ID == "" {
		return c.bulk(ctx, a)
	}
	res, err := a.client.Executions.ReplayExecution(ctx, &headracev1.ReplayExecutionRequest{
		ExecutionId: c.ID, FromStep: c.FromStep, FromFailed: c.FromFailed, FreshKeys: c.FreshKeys, ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res.GetExecution(), func() {
		a.did("execution", c.ID, "replayed", c.DryRun)
		if !c.DryRun {
			a.line("  as %s", clean(res.GetExecution().GetId()))
		}
	})
}

// bulk replays what fits the filter; with --all it asks until nothing is left that can be.
func (c *executionReplayCmd) bulk(ctx context.Context, a *app) error {
	all := &headracev1.ReplayExecutionsResponse{}
	for {
		res, err := a.client.Executions.ReplayExecutions(ctx, &headracev1.ReplayExecutionsRequest{
			Filter: c.Filter, Max: c.Max, FromFailed: c.FromFailed, FreshKeys: c.FreshKeys, ValidateOnly: c.DryRun,
		})
		if err != nil {
			return err
		}
		all.ExecutionIds = append(all.ExecutionIds, res.GetExecutionIds()...)
		all.Count, all.Skipped, all.More = all.GetCount()+res.GetCount(), res.GetSkipped(), res.GetMore()
		// One that had to be left out comes again each time.
		if !c.All || c.DryRun || !res.GetMore() || res.GetCount() == 0 {
			break
		}
	}
	return a.show(all, func() { a.replayed(all, c.DryRun) })
}

func (p *printer) replayed(res *headracev1.ReplayExecutionsResponse, dryRun bool) {
	p.did("executions", strconv.Itoa(int(res.GetCount())), "replayed", dryRun)
	for _, id := range res.GetExecutionIds() {
		p.line("  %s", clean(id))
	}
	for _, skipped := range res.GetSkipped() {
		p.line("  %s %s", p.the("left out", yellow), clean(skipped.GetMessage()))
	}
	if res.GetMore() {
		p.line("  %s", p.the("there are more: give --all, or ask again", dim))
	}
}

type executionTailCmd struct {
	ID string `arg:"" help:"The execution's id."`
}

// Run carries out the command. For programs every event is a line of JSON, or a document of YAML.
func (c *executionTailCmd) Run(ctx context.Context, a *app) error {
	for event, err := range a.client.Tail(ctx, c.ID) {
		if err != nil {
			return err
		}
		if a.format != "table" {
			if err := a.event(eventMessage(event.Execution, event.StepResult, event.Log)); err != nil {
				return err
			}
			continue
		}
		switch {
		case event.StepResult != nil:
			a.stepEvent(event.StepResult)
		case event.Log != nil:
			a.log(event.Log)
		default:
			a.executionEvent(event.Execution)
		}
	}
	return nil
}

func eventMessage(ex *headracev1.Execution, step *headracev1.StepResult, log *headracev1.Log) proto.Message {
	switch {
	case ex != nil:
		return &headracev1.TailExecutionResponse{Event: &headracev1.TailExecutionResponse_Execution{Execution: ex}}
	case step != nil:
		return &headracev1.TailExecutionResponse{Event: &headracev1.TailExecutionResponse_StepResult{StepResult: step}}
	}
	return &headracev1.TailExecutionResponse{Event: &headracev1.TailExecutionResponse_Log{Log: log}}
}

// event prints one message of a stream.
func (p *printer) event(message proto.Message) error {
	text, err := messageJSON(message)
	if err != nil {
		return err
	}
	if p.format == "yaml" {
		p.line("---")
		return p.document(text)
	}
	_, err = fmt.Fprintf(p.w, "%s\n", text)
	return err
}

// stateWord takes a state as people write it: dead-letter is DEAD_LETTER.
func stateWord(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }
