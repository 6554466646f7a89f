package main

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// executionsCmd holds the commands about executions.
type executionsCmd struct {
	List executionsListCmd `cmd:"" default:"withargs" help:"List executions, newest first."`
	Get  executionsGetCmd  `cmd:"" help:"Show one execution with what each step did."`
	Tail executionsTailCmd `cmd:"" help:"Follow an execution to its end."`
}

type executionsListCmd struct {
	Instance string `help:"Only those of this instance." placeholder:"ID"`
	Flow     string `help:"Only those of this flow." placeholder:"ID"`
	State    string `help:"Only those in this state, e.g. FAILED." placeholder:"STATE"`
	Filter   string `help:"Only what fits this expression (AIP-160), e.g. 'test = false'." placeholder:"EXPRESSION"`
	OrderBy  string `help:"Order by these fields. Default: create_time desc." placeholder:"FIELDS"`
	Limit    int    `help:"Show at most so many. 0: all." default:"50"`
}

// Validate is called by the parser.
func (c *executionsListCmd) Validate() error { return listFlags{Limit: c.Limit}.Validate() }

// Run carries out the command.
func (c *executionsListCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllExecutions(ctx, &headracev1.ListExecutionsRequest{
		PageSize: listFlags{Limit: c.Limit}.pageSize(),
		Filter: allOf(
			equals("instance_id", c.Instance), equals("flow_id", c.Flow),
			equals("state", stateWord(c.State)), c.Filter,
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
			text(ex.GetId()), state(ex.GetState()), text(ex.GetFlowDisplayName()), text(instance),
			{word(ex.GetInvokeType(), "INVOKE_TYPE_"), dim},
			p.ago(ex.GetCreateTime()), text(took(ex.GetDuration())),
			{excerpt(ex.GetError().GetMessage(), 60), red},
		})
	}
	p.list("no executions", []string{"ID", "STATE", "FLOW", "INSTANCE", "BY", "WHEN", "TOOK", "ERROR"}, rows)
}

type executionsGetCmd struct {
	ID string `arg:"" help:"The execution's id."`
}

// Run carries out the command.
func (c *executionsGetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Executions.GetExecution(ctx, &headracev1.GetExecutionRequest{ExecutionId: c.ID})
	if err != nil {
		return err
	}
	return a.show(res.GetExecution(), func() {
		a.execution(res.GetExecution())
		a.response(res.GetExecution().GetResponse())
	})
}

type executionsTailCmd struct {
	ID string `arg:"" help:"The execution's id."`
}

// Run carries out the command. For programs every event is a line of JSON, or a document of YAML.
func (c *executionsTailCmd) Run(ctx context.Context, a *app) error {
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
