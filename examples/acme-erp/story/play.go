package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/examples/acme-erp/fake"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// patience is how long an execution may take. It ends a story that hangs; nothing waits for it otherwise.
const patience = 30 * time.Second

// play is the story under way: ways to speak to everybody, and what was learned so far.
type play struct {
	world World
	tell  Teller
	http  *http.Client
	api   *client.Client
	rest  *rest

	erp, otherERP *erp
	progix        *progix

	integration *headracev1.Integration
	smithID     string // the customers
	jonesID     string
	sandbox     *subscriber // the test instance
	smith       *subscriber
	jones       *subscriber

	ran map[string][]string // the executions that are to be expected, by instance
}

// subscriber is an instance of which an Acme ERP knows the URLs.
type subscriber struct {
	name   string // for people
	id     string
	urls   map[string]string // by flow name
	suffix string            // what its version adds to the URLs it registers
	source string            // the Source Name it serves with
}

// callback is the URL that the ERP calls for a flow.
func (s *subscriber) callback(flow string) string { return s.urls[flow] + s.suffix }

func newPlay(world World, tell Teller, api *client.Client) *play {
	httpClient := &http.Client{Timeout: 2 * time.Minute, Transport: http.DefaultTransport.(*http.Transport).Clone()}
	return &play{
		world: world, tell: tell, http: httpClient, api: api,
		rest:     &rest{base: world.REST, http: httpClient},
		erp:      &erp{remote: remote{name: "Smith Rockets' Acme ERP", at: world.ERP, http: httpClient}},
		otherERP: &erp{remote: remote{name: "Jones Anvils' Acme ERP", at: world.OtherERP, http: httpClient}},
		progix:   &progix{remote: remote{name: "Progix", at: world.Progix, http: httpClient}},
		ran:      map[string][]string{},
	}
}

// secrets are what no answer may hold.
func (p *play) secrets() []string {
	return []string{p.world.ERP.Key, p.world.OtherERP.Key, p.world.Progix.Key}
}

// flowID is the id of a flow by its name.
func (p *play) flowID(name string) string {
	for _, f := range p.integration.GetFlows() {
		if f.GetDisplayName() == name {
			return f.GetId()
		}
	}
	return ""
}

// variable is a config variable by its name.
func (p *play) variable(name string) *headracev1.ConfigVariable {
	for _, v := range p.integration.GetConfigVariables() {
		if v.GetDisplayName() == name {
			return v
		}
	}
	return nil
}

// settings are config values, by config variable id, for an instance that is to talk to an ERP. An empty source leaves the default.
func (p *play) settings(at System, source string) (map[string]*headracev1.ConfigValue, error) {
	connection, err := structpb.NewValue(map[string]any{"baseUrl": at.URL, "apiKey": at.Key})
	if err != nil {
		return nil, err
	}
	values := map[string]*headracev1.ConfigValue{
		p.variable(connectionVariable).GetId(): {Kind: &headracev1.ConfigValue_Value{Value: connection}},
		p.variable(urlVariable).GetId():        text(p.world.Progix.URL),
		p.variable(tokenVariable).GetId():      text(p.world.Progix.Key),
	}
	if source != "" {
		values[p.variable(sourceVariable).GetId()] = text(source)
	}
	return values, nil
}

func text(s string) *headracev1.ConfigValue {
	return &headracev1.ConfigValue{Kind: &headracev1.ConfigValue_Value{Value: structpb.NewStringValue(s)}}
}

// defaultSource is the Source Name of those who set none.
func (p *play) defaultSource() string {
	return p.variable(sourceVariable).GetDefaultValue().GetStringValue()
}

// urlsOf are the webhook URLs of an instance by flow name.
func urlsOf(in *headracev1.Instance) map[string]string {
	urls := map[string]string{}
	for _, f := range in.GetFlows() {
		urls[f.GetDisplayName()] = f.GetWebhookUrl()
	}
	return urls
}

// expectURLs checks that there is a URL for each flow, each another one, and all at this server.
func (p *play) expectURLs(whose string, urls map[string]string) error {
	seen := map[string]bool{}
	var errs []error
	for _, flow := range flowNames {
		url := urls[flow]
		errs = append(errs, expectTrue(strings.HasPrefix(url, p.world.REST+"/hooks/"), "a URL below %s/hooks/ for flow %q of %s, found %q",
			p.world.REST, flow, whose, url))
		errs = append(errs, expectTrue(!seen[url], "a URL of its own for flow %q of %s, found one that another flow has", flow, whose))
		seen[url] = true
	}
	errs = append(errs, expect("the number of URLs of "+whose, len(urls), len(flowNames)))
	return errors.Join(errs...)
}

// note takes down an execution that is to be expected from now on.
func (p *play) note(instanceID, flow string, invoke headracev1.Execution_InvokeType, state headracev1.Execution_State) {
	p.ran[instanceID] = append(p.ran[instanceID], executionLine(flow, invoke, state))
}

func (p *play) noteSuccess(instanceID, flow string, invoke headracev1.Execution_InvokeType) {
	p.note(instanceID, flow, invoke, headracev1.Execution_STATE_SUCCEEDED)
}

func executionLine(flow string, invoke headracev1.Execution_InvokeType, state headracev1.Execution_State) string {
	return fmt.Sprintf("%s, %s, %s", flow, invoke, state)
}

// expectExecutions checks that everything that ran is what was to be expected, of each instance and of all.
func (p *play) expectExecutions(ctx context.Context) error {
	var errs []error
	total := 0
	for id, want := range p.ran {
		total += len(want)
		errs = append(errs, p.expectExecutionsOf(ctx, id, want))
	}
	all, err := p.executions(ctx, "")
	if err != nil {
		return err
	}
	return errors.Join(append(errs, expect("the number of all executions", len(all), total))...)
}

func (p *play) expectExecutionsOf(ctx context.Context, instanceID string, want []string) error {
	executions, err := p.executions(ctx, fmt.Sprintf("instance_id = %q", instanceID))
	if err != nil {
		return err
	}
	var found []string
	for _, ex := range executions {
		found = append(found, executionLine(ex.GetFlowDisplayName(), ex.GetInvokeType(), ex.GetState()))
	}
	return expectSame("executions of instance "+instanceID, found, want)
}

func (p *play) executions(ctx context.Context, filter string) ([]*headracev1.Execution, error) {
	var all []*headracev1.Execution
	// Pages of three, so that walking over pages is part of the story.
	for ex, err := range p.api.AllExecutions(ctx, &headracev1.ListExecutionsRequest{Filter: filter, PageSize: 3}) {
		if err != nil {
			return nil, err
		}
		all = append(all, ex)
	}
	return all, nil
}

// finished follows an execution until it has succeeded.
func (p *play) finished(ctx context.Context, executionID string) (*headracev1.Execution, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last *headracev1.Execution
	for event, err := range p.api.Tail(ctx, executionID) {
		if err != nil {
			return nil, fmt.Errorf("follow execution %s: %w", executionID, err)
		}
		if event.Execution != nil {
			last = event.Execution
		}
	}
	return last, expectSuccess(last)
}

func expectSuccess(ex *headracev1.Execution) error {
	if ex.GetState() == headracev1.Execution_STATE_SUCCEEDED {
		return nil
	}
	return fmt.Errorf("expected execution %s of flow %q to succeed, found %s at step %q: %s",
		ex.GetId(), ex.GetFlowDisplayName(), ex.GetState(), ex.GetError().GetStepId(), ex.GetError().GetMessage())
}

// change is a change of a record in an ERP, and what is to come of it at Progix.
type change struct {
	flow   string // the flow that is told
	path   string // where such records are, at the ERP and at Progix
	fields []field
}

// field is a field of a record under its name at the ERP and its name at Progix.
type field struct {
	atERP, atProgix string
	value           any
}

func customer(id, name string) change {
	return change{flow: customerFlow, path: "/api/customers", fields: []field{{"id", "externalId", id}, {"name", "name", name}}}
}

func item(sku string, quantity int) change {
	return change{flow: inventoryFlow, path: "/api/inventory", fields: []field{{"id", "sku", sku}, {"quantity", "quantity", quantity}}}
}

// record is what is entered at the ERP.
func (c change) record() map[string]any {
	fields := map[string]any{}
	for _, f := range c.fields {
		fields[f.atERP] = f.value
	}
	return fields
}

// arrival is the line of the record that Progix is to get from someone who calls himself source.
func (c change) arrival(source string) (string, error) {
	fields := map[string]any{"source": source}
	for _, f := range c.fields {
		fields[f.atProgix] = f.value
	}
	text, err := json.Marshal(fields) // with sorted keys
	return http.MethodPost + " " + c.path + " " + string(text), err
}

// post makes a change at an ERP and checks that it called exactly the subscribers, who all took it. It returns the executions
// that came of it, in the order of the subscribers.
func (p *play) post(ctx context.Context, e *erp, c change, subscribers ...*subscriber) ([]string, error) {
	deliveries, err := e.change(ctx, c.path, c.record())
	if err != nil {
		return nil, err
	}
	byURL := map[string]fake.Delivery{}
	var called, want []string
	for _, d := range deliveries {
		called = append(called, d.CallbackURL)
		byURL[d.CallbackURL] = d
	}
	for _, s := range subscribers {
		want = append(want, s.callback(c.flow))
	}
	if err := expectSame("calls by "+e.name, called, want); err != nil {
		return nil, err
	}
	ids := make([]string, len(subscribers))
	for i, s := range subscribers {
		if ids[i], err = accepted(byURL[s.callback(c.flow)]); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// accepted is the id of the execution that a delivery was answered with.
func accepted(d fake.Delivery) (string, error) {
	var answer struct{ ExecutionID string }
	err := json.Unmarshal([]byte(d.Body), &answer)
	if d.Status != http.StatusOK || err != nil || answer.ExecutionID == "" {
		return "", fmt.Errorf("expected the call of %s to be answered 200 with an execution id, found %d %s%s", d.CallbackURL, d.Status, d.Body, d.Error)
	}
	return answer.ExecutionID, nil
}

// hears makes a change at an ERP, waits for what comes of it, and checks that it is this and nothing else: one execution of the
// flow for each subscriber, and one record of each at Progix.
func (p *play) hears(ctx context.Context, e *erp, c change, subscribers ...*subscriber) error {
	ids, err := p.post(ctx, e, c, subscribers...)
	if err != nil {
		return err
	}
	for i, s := range subscribers {
		if err := p.ranFor(ctx, s, c.flow, ids[i]); err != nil {
			return err
		}
	}
	return errors.Join(p.expectAtProgix(ctx, c, subscribers...), p.expectExecutions(ctx))
}

// ranFor waits for an execution, which is to be one of a flow of a subscriber.
func (p *play) ranFor(ctx context.Context, s *subscriber, flow, executionID string) error {
	ex, err := p.finished(ctx, executionID)
	if err != nil {
		return err
	}
	p.noteSuccess(s.id, flow, byWebhook)
	return errors.Join(
		expect("the instance of execution "+ex.GetId(), ex.GetInstanceId(), s.id),
		expect("the flow of execution "+ex.GetId(), ex.GetFlowDisplayName(), flow),
	)
}

// expectAtProgix checks that Progix got a record from each subscriber since it was last looked at, and nothing else.
func (p *play) expectAtProgix(ctx context.Context, c change, subscribers ...*subscriber) error {
	var want []string
	for _, s := range subscribers {
		line, err := c.arrival(s.source)
		if err != nil {
			return err
		}
		want = append(want, line)
	}
	return p.expectRecords(ctx, want...)
}

func (p *play) expectRecords(ctx context.Context, want ...string) error {
	received, err := p.progix.news(ctx)
	if err != nil {
		return err
	}
	var found []string
	for _, r := range received {
		line, err := arrival(r)
		if err != nil {
			return err
		}
		found = append(found, line)
	}
	return expectSame("new records at Progix", found, want)
}
