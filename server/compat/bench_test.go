package compat_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
	"github.com/headrace/headrace/server/assembly"
)

// bench is a Headrace of its own, which no request leaves.
type bench struct {
	t       *testing.T
	client  *client.Client
	offline *assembly.Offline
	inputs  map[string]string // of connections, by key, where what is plausible is not enough
}

// newBench makes one for the time of the test.
func newBench(t *testing.T) *bench {
	t.Helper()
	b, err := openBench(t)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

func openBench(t *testing.T) (*bench, error) {
	t.Helper()
	offline, err := assembly.OpenOffline(t.Context(), scripts)
	if err != nil {
		return nil, err
	}
	return &bench{t: t, client: client.Over(offline.Conn()), offline: offline}, nil
}

func (b *bench) close() {
	if err := b.offline.Close(); err != nil {
		b.t.Error(err)
	}
}

// catalogue returns the actions and triggers that are known.
func (b *bench) catalogue() map[string]bool {
	known := map[string]bool{}
	for c, err := range b.client.AllComponents(b.t.Context(), &headracev1.ListComponentsRequest{View: headracev1.View_VIEW_FULL}) {
		if err != nil {
			b.t.Fatal(err)
		}
		for _, a := range c.GetActions() {
			known[c.GetId()+"."+a.GetKey()] = true
		}
		for _, tr := range c.GetTriggers() {
			known[c.GetId()+"."+tr.GetKey()] = true
		}
	}
	return known
}

// integrationID is what a file is imported as.
const integrationID = "compat"

func (b *bench) imports(id, text string) (*headracev1.ImportIntegrationResponse, error) {
	return b.client.Integrations.ImportIntegration(b.t.Context(), &headracev1.ImportIntegrationRequest{IntegrationId: id, Definition: text})
}

func (b *bench) exports(id string, format headracev1.DefinitionFormat) (string, error) {
	res, err := b.client.Integrations.ExportIntegration(b.t.Context(), &headracev1.ExportIntegrationRequest{IntegrationId: id, Format: format})
	return res.GetDefinition(), err
}

// everything is an error with all its violations.
func everything(err error) string {
	lines := []string{err.Error()}
	for _, v := range client.Violations(err) {
		lines = append(lines, v.Field+": "+v.Description)
	}
	return strings.Join(lines, "\n")
}

// values are plausible ones for every config variable that has none, and those that are given by display name.
func (b *bench) values(id string, given map[string]any) (map[string]*headracev1.ConfigValue, error) {
	values := map[string]*headracev1.ConfigValue{}
	for v, err := range b.client.AllConfigVariables(b.t.Context(), &headracev1.ListConfigVariablesRequest{IntegrationId: id}) {
		if err != nil {
			return nil, err
		}
		one, known := given[v.GetDisplayName()]
		switch {
		case known:
		case v.GetType() == headracev1.ConfigVariable_TYPE_CONNECTION:
			inputs, err := b.signIn(v.GetConnectionType())
			if err != nil {
				return nil, err
			}
			if inputs == nil {
				continue
			}
			one = inputs
		case v.GetDefaultValue() != nil:
			continue
		default:
			one = plausible(v)
		}
		values[v.GetId()] = &headracev1.ConfigValue{Kind: &headracev1.ConfigValue_Json{Json: text(one)}}
	}
	return values, nil
}

// configure gives the test instance its values.
func (b *bench) configure(id string, given map[string]any) error {
	values, err := b.values(id, given)
	if err != nil || len(values) == 0 {
		return err
	}
	_, err = b.client.TestInstances.UpdateTestInstance(b.t.Context(), &headracev1.UpdateTestInstanceRequest{
		IntegrationId: id, TestInstance: &headracev1.Instance{ConfigValues: values},
	})
	return err
}

// signIn returns values for a connection of a type, nil for one that is unknown.
func (b *bench) signIn(connectionType string) (map[string]any, error) {
	component, key, _ := strings.Cut(connectionType, ".")
	res, err := b.client.Components.GetComponent(b.t.Context(), &headracev1.GetComponentRequest{ComponentId: component})
	if err != nil {
		if client.ReasonOf(err) == "NOT_FOUND" {
			return nil, nil
		}
		return nil, err
	}
	for _, kind := range res.GetComponent().GetConnectionTypes() {
		if kind.GetKey() != key {
			continue
		}
		values := map[string]any{}
		for _, in := range kind.GetInputs() {
			given, ok := b.inputs[in.GetKey()]
			switch {
			case ok:
				values[in.GetKey()] = given
			case len(in.GetChoices()) > 0:
				values[in.GetKey()] = in.GetChoices()[0]
			case strings.HasSuffix(strings.ToLower(in.GetKey()), "url"):
				values[in.GetKey()] = "https://example.com/" + in.GetKey()
			case in.GetRequired():
				values[in.GetKey()] = "test-" + in.GetKey()
			}
		}
		return values, nil
	}
	return nil, nil
}

// plausible is a value for a config variable. A text is one that is a URL, too.
func plausible(v *headracev1.ConfigVariable) any {
	one := any("https://example.com/" + v.GetId())
	switch v.GetType() {
	case headracev1.ConfigVariable_TYPE_NUMBER:
		one = 1
	case headracev1.ConfigVariable_TYPE_BOOLEAN:
		one = true
	case headracev1.ConfigVariable_TYPE_PICKLIST:
		one = v.GetChoices()[0]
	case headracev1.ConfigVariable_TYPE_DATE:
		one = "2026-01-31"
	case headracev1.ConfigVariable_TYPE_TIMESTAMP:
		one = "2026-01-31T12:00:00Z"
	case headracev1.ConfigVariable_TYPE_SCHEDULE:
		one = "0 8 * * *"
	case headracev1.ConfigVariable_TYPE_JSON:
		one = map[string]any{}
	default: // all others are texts
	}
	switch v.GetCollection() {
	case headracev1.ConfigVariable_COLLECTION_LIST:
		one = []any{one}
	case headracev1.ConfigVariable_COLLECTION_KEY_VALUE_LIST:
		one = map[string]any{"key": one}
	default:
	}
	return one
}

func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// world is what a flow finds around it: what comes in, and what other systems answer.
type world struct {
	Payload any               `yaml:"payload"` // sent as JSON
	Text    *string           `yaml:"text"`    // or sent as it is
	Headers map[string]string `yaml:"headers"`
	Config  map[string]any    `yaml:"config"` // by display name
	Before  string            `yaml:"before"` // a flow of the same definition that has run, in its own world
	// What stands in, by action or, in stepResults, by step. A list is call by call.
	Results map[string][]any `yaml:"results"`
	Steps   map[string][]any `yaml:"steps"`
	Answers []answer         `yaml:"answers"`
	Deploy  map[string][]any `yaml:"deploy"` // results by action where the flow runs in a deployment
	// Fails is what the error says of a run without stand-ins, where the definition itself is wrong.
	Fails string `yaml:"fails"`
}

// answer is what another system answers at a URL.
type answer struct {
	URL  string `yaml:"url"`
	JSON any    `yaml:"json"`
}

// payload is what the flow is tested with.
func (w *world) payload() (*headracev1.TestPayload, error) {
	p := &headracev1.TestPayload{Headers: w.Headers}
	if w.Text != nil {
		p.Body = &headracev1.TestPayload_Text{Text: *w.Text}
		p.ContentType = w.Headers["Content-Type"]
		return p, nil
	}
	body, err := structpb.NewValue(w.Payload)
	p.Body = &headracev1.TestPayload_Json{Json: body}
	return p, err
}

// standIns are the results of actions and steps.
func (w *world) standIns() ([]*headracev1.CannedResult, error) {
	var out []*headracev1.CannedResult
	add := func(results []any, aim func(*headracev1.CannedResult)) error {
		for _, one := range results {
			v, err := structpb.NewValue(one)
			if err != nil {
				return err
			}
			canned := &headracev1.CannedResult{Result: v}
			aim(canned)
			out = append(out, canned)
		}
		return nil
	}
	for action, results := range w.Results {
		if err := add(results, func(c *headracev1.CannedResult) { c.Target = &headracev1.CannedResult_Action{Action: action} }); err != nil {
			return nil, err
		}
	}
	for step, results := range w.Steps {
		if err := add(results, func(c *headracev1.CannedResult) { c.Target = &headracev1.CannedResult_Step{Step: step} }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// most is how many different requests a flow may make before a test gives up.
const most = 50

// tested is what a run of a flow came to.
type tested struct {
	*headracev1.Execution
	requests []*headracev1.Exchange
}

// run tests a flow, each time on a Headrace of its own. Other systems answer what the world says, and {} where it says nothing: what they
// are asked shows in a first run, so that a flow is run again until nothing of what it asks is without an answer.
func run(t *testing.T, d *document, flow string, w *world, standIns bool) (*tested, error) {
	t.Helper()
	var answers []*headracev1.Exchange
	for range most {
		out, err := runOnce(t, d, flow, w, standIns, answers)
		if err != nil {
			return nil, err
		}
		asked := w.unanswered(out.requests)
		if asked == nil {
			return out, nil
		}
		answers = append(answers, asked)
	}
	return nil, fmt.Errorf("the flow makes more than %d different requests", most)
}

func runOnce(t *testing.T, d *document, flow string, w *world, standIns bool, answers []*headracev1.Exchange) (*tested, error) {
	b, err := openBench(t)
	if err != nil {
		return nil, err
	}
	defer b.close()
	imported, err := b.imports(integrationID, d.text)
	if err != nil {
		return nil, err
	}
	if err := b.configure(integrationID, w.Config); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if w.Before != "" {
		before, err := b.test(imported.GetIntegration(), w.Before, worldOf(t, d, w.Before), standIns, answers)
		if err != nil || before.GetState() != headracev1.Execution_STATE_SUCCEEDED {
			return before, err
		}
	}
	return b.test(imported.GetIntegration(), flow, w, standIns, answers)
}

func (b *bench) test(in *headracev1.Integration, flow string, w *world, standIns bool, answers []*headracev1.Exchange) (*tested, error) {
	payload, err := w.payload()
	if err != nil {
		return nil, err
	}
	opts := client.TestOptions{Payload: payload, Offline: true, Record: true, Exchanges: answers}
	if standIns {
		if opts.StepResults, err = w.standIns(); err != nil {
			return nil, err
		}
		opts.DefaultResult, _ = structpb.NewValue(map[string]any{})
	}
	for _, f := range in.GetFlows() {
		if f.GetDisplayName() != flow {
			continue
		}
		res, err := b.client.TestFlow(b.t.Context(), in.GetId(), f.GetId(), opts)
		if err != nil {
			return nil, err
		}
		return &tested{res.GetExecution(), res.GetExchanges()}, nil
	}
	return nil, fmt.Errorf("there is no flow %q", flow)
}

// unanswered is the first request that nothing answered, with an answer.
func (w *world) unanswered(made []*headracev1.Exchange) *headracev1.Exchange {
	for _, x := range made {
		if x.GetResponse() != nil {
			continue
		}
		body := any(map[string]any{})
		for _, a := range w.Answers {
			if strings.HasPrefix(x.GetRequest().GetUrl(), a.URL) {
				body = a.JSON
				break
			}
		}
		v, err := structpb.NewValue(body)
		if err != nil {
			panic(err)
		}
		return &headracev1.Exchange{
			Request:  &headracev1.ExchangeRequest{Method: x.GetRequest().GetMethod(), Url: x.GetRequest().GetUrl()},
			Response: &headracev1.ExchangeResponse{Status: 200, Body: &headracev1.ExchangeResponse_Json{Json: v}},
		}
	}
	return nil
}
