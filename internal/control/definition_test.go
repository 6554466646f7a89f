package control_test

import (
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

type inputs map[string]ipaas.Input

func lit(v any) ipaas.Input { return ipaas.Literal(v) }

func num(n string) ipaas.Input { return ipaas.Literal(value.Number(n)) }

func ref(path string) ipaas.Input { return ipaas.Input{Kind: ipaas.InputReference, Text: path} }

func tmpl(text string) ipaas.Input { return ipaas.Input{Kind: ipaas.InputTemplate, Text: text} }

func cfg(name string) ipaas.Input { return ipaas.Input{Kind: ipaas.InputConfigVariable, Text: name} }

func step(name, action string, in inputs) ipaas.Step {
	return ipaas.Step{DisplayName: name, Action: action, Inputs: in}
}

// hookFlow is an asynchronous webhook flow, which answers the handshake of the ERP.
func hookFlow(name string, steps ...ipaas.Step) ipaas.Flow {
	return ipaas.Flow{
		DisplayName: name, Steps: steps,
		Trigger: ipaas.Trigger{Inputs: inputs{"handshake": lit("query"), "handshakeKey": lit("challenge")}},
	}
}

func syncFlow(name string, steps ...ipaas.Step) ipaas.Flow {
	f := hookFlow(name, steps...)
	f.Synchronous = true
	return f
}

func deployFlow(name string, steps ...ipaas.Step) ipaas.Flow {
	return ipaas.Flow{DisplayName: name, Steps: steps, Trigger: ipaas.Trigger{Type: ipaas.TriggerInstanceDeploy}}
}

func removeFlow(name string, steps ...ipaas.Step) ipaas.Flow {
	return ipaas.Flow{DisplayName: name, Steps: steps, Trigger: ipaas.Trigger{Type: ipaas.TriggerInstanceRemove}}
}

// register is a step that has the ERP call a flow.
func register(name, event, flow string) ipaas.Step {
	return step(name, "acme-erp.createWebhook", inputs{
		"connection": cfg("ERP"), "event": lit(event), "callbackUrl": ref("trigger.results.webhookUrls." + flow),
	})
}

// note is a step that shows a value to the test.
func note(name string, in ipaas.Input) ipaas.Step {
	return step(name, "probe.note", inputs{"value": in})
}

func erpVariable() ipaas.ConfigVariable {
	return ipaas.ConfigVariable{DisplayName: "ERP", Type: ipaas.ConfigConnection, ConnectionType: "acme-erp.apiKey", Required: true}
}

// tutorial is an integration of two flows that an initialization registers.
func tutorial() ipaas.Definition {
	return ipaas.Definition{
		DisplayName:     "Acme",
		ConfigVariables: []ipaas.ConfigVariable{erpVariable(), {DisplayName: "Source", Default: `"acme"`}},
		Flows: []ipaas.Flow{
			hookFlow("Customers", note("Note", ref("trigger.results.body.data"))),
			hookFlow("Inventory", note("Note", ref("trigger.results.body.data"))),
			deployFlow("Initialization",
				register("Customer Webhook", "customer.updated", "Customers"),
				register("Inventory Webhook", "inventory.updated", "Inventory"),
			),
		},
	}
}

// acme is the component of the ERP.
func acme() ipaas.Component {
	connection := ipaas.InputField{Key: "connection", Type: ipaas.FieldConnection, Required: true, ConnectionTypes: []string{"apiKey"}}
	key := map[string]string{"X-Api-Key": "{{$connection.apiKey}}"}
	return ipaas.Component{
		ID: "acme-erp", DisplayName: "Acme ERP",
		ConnectionTypes: []ipaas.ConnectionType{{Key: "apiKey", Inputs: []ipaas.InputField{
			{Key: "baseUrl", Required: true}, {Key: "apiKey", Required: true, Secret: true}, {Key: "account", Default: `"main"`},
		}}},
		Actions: []ipaas.Action{
			{
				Key: "createWebhook", Effect: ipaas.EffectWrite,
				Inputs: []ipaas.InputField{connection, {Key: "event", Required: true}, {Key: "callbackUrl", Required: true}},
				Request: &ipaas.HTTPRequest{
					Method: "POST", URL: "{{$connection.baseUrl}}/api/webhooks", Headers: key,
					Body: `{"event":"{{$inputs.event}}","callbackUrl":"{{$inputs.callbackUrl}}"}`,
				},
				Undo: &ipaas.Undo{Action: "deleteWebhook", Inputs: map[string]string{"webhookId": "{{$result.id}}"}},
			},
			{
				Key: "listWebhooks", Effect: ipaas.EffectRead, Inputs: []ipaas.InputField{connection},
				Request: &ipaas.HTTPRequest{Method: "GET", URL: "{{$connection.baseUrl}}/api/webhooks", Headers: key},
				Result:  "{{$response.body.webhooks}}",
			},
			{
				Key: "deleteWebhook", Effect: ipaas.EffectWrite, Inputs: []ipaas.InputField{connection, {Key: "webhookId", Required: true}},
				Request: &ipaas.HTTPRequest{Method: "DELETE", URL: "{{$connection.baseUrl}}/api/webhooks/{{$inputs.webhookId}}", Headers: key},
			},
		},
	}
}

// publish makes the component and a definition version of an integration; it may be called again with another definition.
func (w *world) publish(id string, def ipaas.Definition) int {
	w.t.Helper()
	if _, err := w.store.GetComponent(w.t.Context(), "acme-erp", 0); err != nil {
		must[ipaas.Component](w.t)(w.CreateComponent(w.t.Context(), acme(), plain))
	}
	if _, _, err := w.ImportIntegration(w.t.Context(), id, def, plain); err != nil {
		w.t.Fatalf("import: %v %+v", err, violationsOf(err))
	}
	v := must[ipaas.IntegrationVersion](w.t)(w.PublishIntegration(w.t.Context(), id, "", plain))
	return v.Version
}

// instance creates an instance for a customer of its own.
func (w *world) instance(id, integrationID string, values map[string]string) ipaas.Instance {
	w.t.Helper()
	must[ipaas.Customer](w.t)(w.CreateCustomer(w.t.Context(), ipaas.Customer{ID: "cust-" + id, DisplayName: "Customer of " + id}, plain))
	return must[ipaas.Instance](w.t)(w.CreateInstance(w.t.Context(), ipaas.Instance{
		ID: id, DisplayName: "Instance " + id, CustomerID: "cust-" + id, IntegrationID: integrationID,
	}, change(values), plain))
}

func change(values map[string]string) config.Change {
	c := config.Change{Values: map[string]config.Input{}}
	for name, json := range values {
		c.Values[name] = config.Input{JSON: json}
	}
	return c
}

// configure sets values of an instance.
func (w *world) configure(id string, values map[string]string) ipaas.Instance {
	w.t.Helper()
	return must[ipaas.Instance](w.t)(w.UpdateInstance(w.t.Context(), id, change(values), plain, func(*ipaas.Instance) error { return nil }))
}

// erpConfig is the connection to the world's ERP.
func (w *world) erpConfig() map[string]string {
	return map[string]string{"ERP": `{"baseUrl":"` + w.erpURL + `","apiKey":"` + erpKey + `"}`}
}

// deploy deploys an instance, which must succeed.
func (w *world) deploy(id string) control.DeployResult {
	w.t.Helper()
	return must[control.DeployResult](w.t)(w.DeployInstance(w.t.Context(), id, 0, plain))
}

// deployed publishes a definition and deploys an instance of it; it returns the URLs by the flows' names.
func (w *world) deployed(id string, def ipaas.Definition, values map[string]string) map[string]string {
	w.t.Helper()
	w.publish("int-"+id, def)
	w.instance(id, "int-"+id, values)
	return urlsOf(w.deploy(id))
}

func urlsOf(r control.DeployResult) map[string]string {
	urls := map[string]string{}
	for _, u := range r.URLs {
		urls[u.DisplayName] = u.URL
	}
	return urls
}

// acmeFinding is the component of the ERP that can look for what it creates, and update it.
func acmeFinding() ipaas.Component {
	c := acme()
	c.Actions[0].Find = &ipaas.Find{Action: "listWebhooks", Match: ipaas.Match{
		Item: "{{$item.event}} {{$item.callbackUrl}}", Equals: "{{$inputs.event}} {{$inputs.callbackUrl}}",
	}}
	given := map[string]string{"webhookId": "{{$result.id}}", "event": "{{$inputs.event}}", "callbackUrl": "{{$inputs.callbackUrl}}"}
	c.Actions[0].Update = &ipaas.Update{Action: "updateWebhook", Inputs: given, Result: "{{$updated}}"}
	c.Actions = append(c.Actions, ipaas.Action{
		Key: "updateWebhook", Effect: ipaas.EffectWrite,
		Inputs: append([]ipaas.InputField{{Key: "webhookId", Required: true}}, c.Actions[0].Inputs...),
		Request: &ipaas.HTTPRequest{
			Method: "PATCH", URL: "{{$connection.baseUrl}}/api/webhooks/{{$inputs.webhookId}}",
			Headers: map[string]string{"X-Api-Key": "{{$connection.apiKey}}"}, Body: c.Actions[0].Request.Body,
		},
	})
	return c
}
