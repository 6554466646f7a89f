package compat_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/internal/component/builtin"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage/sqldb"
	"github.com/headrace/headrace/internal/storage/sqldb/sqldbtest"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
	"github.com/headrace/headrace/server/assembly"
	"github.com/headrace/headrace/server/webhook"
)

// partyKey is the secret by which connections of components that stand for unknown ones sign in.
const partyKey = "s3cret-of-the-party"

// plant is a Headrace that reaches this machine, with its hooks.
type plant struct {
	bench
	hooks string
}

func newPlant(t *testing.T) *plant {
	t.Helper()
	dir, silent := t.TempDir(), slog.New(slog.DiscardHandler)
	keys, err := secret.OpenKeyFile(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(dir, "headrace.db")
	sqldbtest.Empty(t, database)
	store, err := sqldb.Open(t.Context(), sqldb.Options{Path: database, Logger: silent, Keys: keys, Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	hooks := &webhook.Handler{Logger: silent}
	face := httptest.NewServer(hooks)
	public, err := url.Parse(face.URL)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := assembly.Assemble(t.Context(), assembly.Parts{
		Store: store, Keys: keys, Builtins: builtin.All(), Scripts: scripts, PublicURL: public, Logger: silent, Version: "compat", AllowLoopback: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	hooks.Plane = whole.Plane
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- whole.Plane.Run(ctx) }()
	t.Cleanup(func() {
		face.Close()
		cancel()
		err := <-ended
		whole.Plane.Close()
		whole.Client.CloseIdleConnections()
		if err := errors.Join(err, store.Close()); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return &plant{bench{t: t, client: client.Over(whole.API.Channel())}, face.URL + "/hooks/"}
}

// deploys is level 5: with a component in place of every unknown one, flows that run when an instance is deployed or removed register in
// another system, with exactly the URLs of their siblings that the file names, once; and nothing is left of them.
func deploys(t *testing.T, d *document) string {
	life := lifecycle(d)
	if len(life) == 0 {
		return "-"
	}
	results := map[string][]any{}
	for _, f := range d.flows {
		maps.Copy(results, worldOf(t, d, f.name).Results)
	}
	for _, f := range life {
		maps.Copy(results, worldOf(t, d, f.name).Deploy)
	}
	other := newParty(t, results)
	p := newPlant(t)
	p.inputs = map[string]string{"partyUrl": other.url, "partyKey": partyKey}
	imported, err := p.imports(integrationID, system.ReplaceAllString(d.text, other.url+"/http"))
	if err != nil {
		t.Fatal(everything(err))
	}
	for _, c := range components(imported.GetIntegration()) {
		if _, err := p.client.ApplyComponent(t.Context(), c); err != nil {
			t.Fatal(everything(err))
		}
	}
	instance := p.subscribe(d)
	if _, err := p.client.Deploy(t.Context(), instance, client.DeployOptions{}); err != nil {
		t.Fatal(everything(err))
	}
	urls := p.urls(instance)
	first, made := other.things()
	said := other.heard()
	for _, one := range first {
		said = append(said, texts(one.inputs)...)
	}
	sent := map[string]bool{}
	for _, u := range urls {
		if slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, u) }) {
			sent[u] = true
		}
	}
	if want := urlsOf(life, urls); !maps.Equal(sent, want) {
		t.Errorf("the other system was told the URLs %v, and the file says %v", sent, want)
	}

	if _, err := p.client.Deploy(t.Context(), instance, client.DeployOptions{}); err != nil {
		t.Fatal(everything(err))
	}
	again, _ := other.things()
	if len(again) != len(first) {
		t.Errorf("after another deployment there are %v, there were %v", again, first)
	}
	if again := p.urls(instance); !maps.Equal(urls, again) {
		t.Error("another deployment changed the URLs")
	}
	for u := range sent {
		if status := post(t, u); status != http.StatusOK {
			t.Errorf("the URL that was registered answers %d", status)
		}
	}
	p.settle(instance) // what those requests have started may make more

	gone, err := p.client.Instances.DeleteInstance(t.Context(), &headracev1.DeleteInstanceRequest{InstanceId: instance})
	if err != nil {
		t.Fatal(everything(err))
	}
	if left, _ := other.things(); len(left) > 0 || len(gone.GetRemainingRegistrations()) > 0 {
		t.Errorf("after the removal there are %v, and %v", left, gone.GetRemainingRegistrations())
	}
	for _, u := range urls {
		if status := post(t, u); status != http.StatusGone {
			t.Errorf("after the removal a URL answers %d", status)
		}
	}
	for _, complaint := range other.complaints() {
		t.Error(complaint)
	}
	return plural(made, "registration") + ", " + plural(len(sent), "URL")
}

// system is the beginning of a URL of another system, as it stands in a definition.
var system = regexp.MustCompile(`https?://[A-Za-z0-9.-]+`)

// subscribe publishes the draft and makes an instance of it.
func (p *plant) subscribe(d *document) string {
	p.t.Helper()
	ctx, given := p.t.Context(), map[string]any{}
	for _, f := range d.flows {
		maps.Copy(given, worldOf(p.t, d, f.name).Config)
	}
	values, err := p.values(integrationID, given)
	if err != nil {
		p.t.Fatal(everything(err))
	}
	if _, err := p.client.Integrations.PublishIntegration(ctx, &headracev1.PublishIntegrationRequest{IntegrationId: integrationID}); err != nil {
		p.t.Fatal(everything(err))
	}
	customer, err := p.client.Customers.CreateCustomer(ctx, &headracev1.CreateCustomerRequest{Customer: &headracev1.Customer{Id: "smith", DisplayName: "Smith Rockets"}})
	if err != nil {
		p.t.Fatal(everything(err))
	}
	instance, err := p.client.Instances.CreateInstance(ctx, &headracev1.CreateInstanceRequest{Instance: &headracev1.Instance{
		Id: "smith-compat", DisplayName: "Smith", CustomerId: customer.GetCustomer().GetId(), IntegrationId: integrationID, ConfigValues: values,
	}})
	if err != nil {
		p.t.Fatal(everything(err))
	}
	return instance.GetInstance().GetId()
}

// urls are the webhook URLs of an instance by the names of its flows.
func (p *plant) urls(instance string) map[string]string {
	p.t.Helper()
	res, err := p.client.Instances.GetInstance(p.t.Context(), &headracev1.GetInstanceRequest{InstanceId: instance})
	if err != nil {
		p.t.Fatal(everything(err))
	}
	urls := map[string]string{}
	for _, f := range res.GetInstance().GetFlows() {
		urls[f.GetDisplayName()] = f.GetWebhookUrl()
	}
	return urls
}

// settle waits for the end of all executions of an instance.
func (p *plant) settle(instance string) {
	p.t.Helper()
	under := &headracev1.ListExecutionsRequest{Filter: fmt.Sprintf(`instance_id = %q AND (state = "QUEUED" OR state = "RUNNING")`, instance)}
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		found, err := p.client.Executions.ListExecutions(p.t.Context(), under)
		if err != nil {
			p.t.Fatal(everything(err))
		}
		if len(found.GetExecutions()) == 0 {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("executions do not end: %v", found.GetExecutions())
		}
	}
}

// urlsOf are the URLs that flows which run when an instance is deployed name in inputs of steps, but for those that such steps call.
func urlsOf(flows []docFlow, urls map[string]string) map[string]bool {
	out := map[string]bool{}
	for _, f := range flows {
		if f.trigger != "management-triggers.instanceDeploy" {
			continue
		}
		each(f.steps, func(s docStep) {
			inputs := maps.Clone(s.inputs)
			if s.component == "http" {
				delete(inputs, "url")
			}
			for _, said := range texts(inputs) {
				for name, u := range urls {
					if _, named, ok := strings.Cut(said, ".results.webhookUrls."); ok && named == name || strings.Contains(said, ".results.webhookUrls."+name+"}}") {
						out[u] = true
					}
				}
			}
		})
	}
	return out
}

func post(t *testing.T, to string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// fieldOf is the path of an item.
func fieldOf(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

// lifecycle are the flows that run when an instance is deployed or removed.
func lifecycle(d *document) []docFlow {
	return slices.DeleteFunc(slices.Clone(d.flows), func(f docFlow) bool { return !strings.HasPrefix(f.trigger, "management-triggers.") })
}

// components makes a component in place of each that an integration names and that there is not. What it makes can be undone.
func components(in *headracev1.Integration) []*headracev1.Component {
	made := map[string]*headracev1.Component{}
	missing := map[string]bool{}
	for _, p := range in.GetProblems() {
		missing[p.GetField()] = slices.Contains(ofUnknowns, p.GetReason())
	}
	of := func(dotted string) (*headracev1.Component, string) {
		id, key, _ := strings.Cut(dotted, ".")
		if made[id] == nil {
			made[id] = &headracev1.Component{Id: id, DisplayName: id}
		}
		return made[id], key
	}
	connections := map[string]bool{}
	for i, v := range in.GetConfigVariables() {
		connections[v.GetDisplayName()] = v.GetType() == headracev1.ConfigVariable_TYPE_CONNECTION
		if !missing[fieldOf("configVariables", i)+".connectionType"] {
			continue
		}
		c, key := of(v.GetConnectionType())
		if slices.ContainsFunc(c.GetConnectionTypes(), func(t *headracev1.ConnectionType) bool { return t.GetKey() == key }) {
			continue
		}
		kind := &headracev1.ConnectionType{Key: key, DisplayName: key, Inputs: []*headracev1.InputField{
			{Key: "partyUrl", Required: true}, {Key: "partyKey", Required: true, Secret: true},
		}}
		for _, name := range slices.Sorted(maps.Keys(v.GetDefaultValue().GetStructValue().GetFields())) {
			kind.Inputs = append(kind.Inputs, &headracev1.InputField{Key: name})
		}
		c.ConnectionTypes = append(c.ConnectionTypes, kind)
	}
	inputs := func(known []*headracev1.InputField, given map[string]*headracev1.Input) []*headracev1.InputField {
		for _, key := range slices.Sorted(maps.Keys(given)) {
			if slices.ContainsFunc(known, func(f *headracev1.InputField) bool { return f.GetKey() == key }) {
				continue
			}
			f := &headracev1.InputField{Key: key, Type: headracev1.InputField_TYPE_DATA}
			if connections[given[key].GetConfigVariable()] {
				f.Type = headracev1.InputField_TYPE_CONNECTION
			}
			known = append(known, f)
		}
		return known
	}
	var walk func(string, []*headracev1.Step)
	walk = func(at string, steps []*headracev1.Step) {
		for i, s := range steps {
			path := fieldOf(at, i)
			if missing[path+".action"] {
				c, key := of(s.GetAction())
				n := slices.IndexFunc(c.GetActions(), func(a *headracev1.Action) bool { return a.GetKey() == key })
				if n < 0 {
					n = len(c.GetActions())
					c.Actions = append(c.Actions, &headracev1.Action{Key: key, DisplayName: key})
				}
				c.Actions[n].Inputs = inputs(c.GetActions()[n].GetInputs(), s.GetInputs())
			}
			walk(path+".steps", s.GetSteps())
			for j, b := range s.GetBranches() {
				walk(fieldOf(path+".branches", j)+".steps", b.GetSteps())
			}
		}
	}
	for i, f := range in.GetFlows() {
		path := fieldOf("flows", i)
		if missing[path+".trigger.type"] {
			c, key := of(f.GetTrigger().GetType())
			if !slices.ContainsFunc(c.GetTriggers(), func(t *headracev1.TriggerType) bool { return t.GetKey() == key }) {
				c.Triggers = append(c.Triggers, &headracev1.TriggerType{Key: key, DisplayName: key, Inputs: inputs(nil, f.GetTrigger().GetInputs())})
			}
		}
		walk(path+".steps", f.GetSteps())
	}
	out := slices.Collect(maps.Values(made))
	for _, c := range out {
		finish(c)
	}
	return out
}

// finish writes the requests of a component's actions.
func finish(c *headracev1.Component) {
	const undo = "undoWhatWasMade"
	made := false
	var connection *headracev1.InputField
	for _, a := range c.GetActions() {
		body := &structpb.Struct{Fields: map[string]*structpb.Value{}}
		signedIn := false
		for _, in := range a.GetInputs() {
			if in.GetType() == headracev1.InputField_TYPE_CONNECTION {
				signedIn, connection = true, in
				continue
			}
			body.Fields[in.GetKey()] = structpb.NewStringValue("{{$inputs." + in.GetKey() + "}}")
		}
		if !signedIn { // as old layouts have it: nothing says whom to ask
			a.Request = &headracev1.HttpRequest{Method: "POST", Url: "https://example.com/", Body: structpb.NewStructValue(body)}
			continue
		}
		a.Request = &headracev1.HttpRequest{
			Method: "POST", Url: "{{$connection.partyUrl}}/" + c.GetId() + "/" + a.GetKey(),
			Headers: map[string]string{"X-Api-Key": "{{$connection.partyKey}}"}, Body: structpb.NewStructValue(body),
		}
		if removes.MatchString(a.GetKey()) {
			a.Request.Method = "DELETE"
		}
		if makes.MatchString(a.GetKey()) {
			made = true
			a.Undo = &headracev1.Undo{Action: undo, Inputs: map[string]string{"id": "{{$result.id}}"}}
		}
	}
	if made {
		c.Actions = append(c.Actions, &headracev1.Action{
			Key: undo, DisplayName: undo, Inputs: []*headracev1.InputField{{Key: connection.GetKey(), Type: headracev1.InputField_TYPE_CONNECTION}, {Key: "id", Required: true}},
			Request: &headracev1.HttpRequest{
				Method: "DELETE", Url: "{{$connection.partyUrl}}/" + c.GetId() + "/things/{{$inputs.id}}",
				Headers: map[string]string{"X-Api-Key": "{{$connection.partyKey}}"}, SuccessStatuses: []int32{200, 404},
			},
		})
	}
}
