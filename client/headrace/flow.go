package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// flowCmd holds the commands about flows.
type flowCmd struct {
	List flowListCmd `cmd:"" help:"List the flows of an integration's draft."`
	Test flowTestCmd `cmd:"" help:"Run one flow of the draft on the test instance and show what each step did."`
}

type flowListCmd struct {
	Integration string `arg:"" help:"The integration's id."`
	listFlags
}

// Run carries out the command.
func (c *flowListCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllFlows(ctx, &headracev1.ListFlowsRequest{
		IntegrationId: c.Integration, PageSize: c.pageSize(), Filter: c.Filter, OrderBy: c.OrderBy,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListFlowsResponse{Flows: found}, func() { a.flows(found) })
}

type flowTestCmd struct {
	Integration string   `arg:"" help:"The integration's id."`
	Flow        string   `arg:"" help:"The flow, by id or display name."`
	Payload     string   `help:"File with the body to send; - reads the input. Default: the flow's saved payload." placeholder:"FILE"`
	ContentType string   `help:"Content type of the body. Default: by the file's name, else by what it holds." placeholder:"TYPE"`
	Header      []string `short:"H" sep:"none" help:"Header to send. May be given several times." placeholder:"NAME=VALUE"`
	Query       []string `sep:"none" help:"Query parameter to send. May be given several times." placeholder:"NAME=VALUE"`
	Method      string   `help:"HTTP method. Default: POST." placeholder:"METHOD"`
	Path        string   `help:"What follows the token in the URL." placeholder:"PATH"`
	Save        bool     `help:"Save the payload with the flow."`
	DryRun      bool     `help:"Check whether the test could run, and run nothing."`
	StepResults string   `help:"YAML file with stand-ins: results in place of what actions do." placeholder:"FILE"`
	Exchanges   string   `help:"YAML file with exchanges that answer the requests; no request leaves." placeholder:"FILE"`
	Offline     bool     `help:"Send no request to other systems."`
	Record      string   `help:"Write the requests with their answers, without secrets, to a file for --exchanges." placeholder:"FILE"`
}

// Run carries out the command. A flow that fails is the command's failure.
func (c *flowTestCmd) Run(ctx context.Context, a *app) error {
	payload, err := c.payload(a)
	if err != nil {
		return err
	}
	opts := client.TestOptions{Payload: payload, Save: c.Save, ValidateOnly: c.DryRun, Offline: c.Offline, Record: c.Record != ""}
	if c.StepResults != "" {
		if opts.StepResults, err = readResults(a, c.StepResults); err != nil {
			return err
		}
	}
	if c.Exchanges != "" {
		opts.Offline = true // a file with none is meant so
		if opts.Exchanges, err = readExchanges(a, c.Exchanges); err != nil {
			return err
		}
	}
	if c.Record != "" && !c.DryRun {
		if err := canWrite("--record", c.Record); err != nil {
			return err
		}
	}
	flowID, err := a.flowID(ctx, c.Integration, c.Flow)
	if err != nil {
		return err
	}
	res, err := a.client.TestFlow(ctx, c.Integration, flowID, opts)
	if err != nil {
		return err
	}
	recorded := c.Record != "" && !c.DryRun
	if recorded {
		if err := writeExchanges(c.Record, res.GetExchanges()); err != nil {
			return err
		}
	}
	err = a.show(res, func() {
		if res.GetExecution() == nil {
			a.did("flow", flowID, "tested", c.DryRun)
			return
		}
		a.execution(res.GetExecution())
		a.response(res.GetResponse())
		if recorded {
			a.recorded(c.Record, res)
		}
	})
	if err != nil {
		return err
	}
	if ex := res.GetExecution(); ex != nil && ex.GetState() != headracev1.Execution_STATE_SUCCEEDED {
		return &flowFailed{execution: ex.GetId()}
	}
	return nil
}

// recorded tells how much was recorded. An instance-deploy flow that was tested before asks for nothing that it finds registered.
func (p *printer) recorded(file string, res *headracev1.TestFlowResponse) {
	p.line("%s  %s in %s", p.the("recorded", dim), plural(len(res.GetExchanges()), "exchange"), clean(file))
	trigger := res.GetExecution().GetStepResults()
	if len(res.GetExchanges()) == 0 && len(trigger) > 0 && trigger[0].GetAction() == "management-triggers.instanceDeploy" {
		p.line("  %s", p.the("what an earlier test registered is kept and not asked for again: reset the test instance, then record", yellow))
	}
}

var idPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// flowID finds a flow by the name people see.
func (a *app) flowID(ctx context.Context, integrationID, name string) (string, error) {
	if idPattern.MatchString(name) {
		return name, nil
	}
	var known []string
	for flow, err := range a.client.AllFlows(ctx, &headracev1.ListFlowsRequest{IntegrationId: integrationID}) {
		if err != nil {
			return "", err
		}
		if flow.GetDisplayName() == name {
			return flow.GetId(), nil
		}
		known = append(known, flow.GetId())
	}
	return "", usage("integration %s has no flow %q: it has %s", integrationID, name, strings.Join(known, ", "))
}

// payload returns nil where nothing was said about it.
func (c *flowTestCmd) payload(a *app) (*headracev1.TestPayload, error) {
	headers, err := entries("--header", c.Header)
	if err != nil {
		return nil, err
	}
	query, err := entries("--query", c.Query)
	if err != nil {
		return nil, err
	}
	out := &headracev1.TestPayload{Headers: headers, Query: query, Method: c.Method, Path: c.Path, ContentType: c.ContentType}
	if c.Payload == "" {
		if len(headers) == 0 && len(query) == 0 && c.Method == "" && c.Path == "" && c.ContentType == "" {
			if c.Save {
				return nil, usage("--save saves a payload: give one, with --payload FILE")
			}
			return nil, nil
		}
		return out, nil
	}
	body, err := a.readFile(c.Payload)
	if err != nil {
		return nil, err
	}
	if out.ContentType == "" {
		out.ContentType = contentType(c.Payload, body)
	}
	if utf8.Valid(body) {
		out.Body = &headracev1.TestPayload_Text{Text: string(body)}
	} else {
		out.Body = &headracev1.TestPayload_Binary{Binary: body}
	}
	return out, nil
}

// contentType tells what a body is by the name of its file, else by looking at it.
func contentType(name string, body []byte) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json":
		return "application/json"
	case ".xml":
		return "application/xml"
	case ".csv":
		return "text/csv; charset=utf-8"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	}
	switch {
	case json.Valid(body):
		return "application/json"
	case utf8.Valid(body):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// entries reads NAME=VALUE texts.
func entries(flag string, texts []string) (map[string]string, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	out := make(map[string]string, len(texts))
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usage("%s wants NAME=VALUE", flag)
		}
		if _, twice := out[name]; twice {
			return nil, usage("%s names %s twice", flag, name)
		}
		out[name] = value
	}
	return out, nil
}

// response shows what the caller of the flow's webhook would have got.
func (p *printer) response(res *headracev1.WebhookResponse) {
	if res.GetStatus() == 0 {
		return
	}
	body := res.GetBody()
	if n := len(res.GetBodyBytes()); n > 0 {
		body = fmt.Sprintf("%d bytes", n)
	}
	p.line("%s %d  %s", p.the("answer", dim), res.GetStatus(), excerpt(body, 200))
}
