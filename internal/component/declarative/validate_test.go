package declarative_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component/declarative"
	"github.com/headrace/headrace/internal/ipaas"
)

// found is a violation without its words.
type found struct {
	Field  string
	Reason ipaas.Reason
}

func violations(c ipaas.Component) []found {
	var out []found
	for _, v := range declarative.Validate(c) {
		out = append(out, found{v.Field, v.Reason})
	}
	return out
}

func TestTheTutorialsComponentIsValid(t *testing.T) {
	t.Parallel()
	if wrong := declarative.Validate(acme()); len(wrong) > 0 {
		t.Error(wrong)
	}
	found := acme()
	lookedFor(&found)
	if wrong := declarative.Validate(found); len(wrong) > 0 {
		t.Error(wrong)
	}
}

// lookedFor makes the tutorial's component one that finds and updates webhooks. It returns the action that creates them.
func lookedFor(c *ipaas.Component) *ipaas.Action {
	c.Actions = append(c.Actions, ipaas.Action{
		Key: "updateWebhook", Inputs: append([]ipaas.InputField{{Key: "webhookId", Required: true}}, c.Actions[0].Inputs[:2]...),
		Request: &ipaas.HTTPRequest{
			Method: "PATCH", URL: "{{$connection.baseUrl}}/api/webhooks/{{$inputs.webhookId}}", Body: `{"event":"{{$inputs.event}}"}`,
		},
	})
	create := &c.Actions[0]
	create.Find = &ipaas.Find{Action: "listWebhooks", Match: ipaas.Match{Item: "{{$item.callbackUrl}}", Equals: "{{$inputs.callbackUrl}}"}}
	create.Update = &ipaas.Update{Action: "updateWebhook", Inputs: map[string]string{"webhookId": "{{$result.id}}", "event": "{{$inputs.event}}"}}
	return create
}

func TestValidate(t *testing.T) {
	t.Parallel()
	request := func(c *ipaas.Component) *ipaas.HTTPRequest { return c.Actions[0].Request }
	tests := []struct {
		name   string
		change func(c *ipaas.Component)
		want   []found
	}{
		{"id", func(c *ipaas.Component) { c.ID = "Acme ERP" }, []found{{"id", "MALFORMED"}}},
		{"no display name", func(c *ipaas.Component) { c.DisplayName = "" }, []found{{"displayName", "REQUIRED"}}},
		{"display name", func(c *ipaas.Component) { c.DisplayName = "a\nb" }, []found{{"displayName", "MALFORMED"}}},
		{"triggers", func(c *ipaas.Component) {
			c.Triggers = []ipaas.TriggerType{{Key: "x"}, {Key: "x"}, {Key: "a b", Inputs: []ipaas.InputField{{Key: "i", Type: "INT"}}}}
		}, []found{{"triggers[1].key", "DUPLICATE"}, {"triggers[2].key", "MALFORMED"}, {"triggers[2].inputs[0].type", "NOT_A_CHOICE"}}},
		{"too many triggers", func(c *ipaas.Component) {
			for i := range 51 {
				c.Triggers = append(c.Triggers, ipaas.TriggerType{Key: fmt.Sprintf("t%d", i)})
			}
		}, []found{{"triggers", "TOO_LARGE"}}},
		{"connection type twice", func(c *ipaas.Component) { c.ConnectionTypes = append(c.ConnectionTypes, c.ConnectionTypes[0]) }, []found{{"connectionTypes[1].key", "DUPLICATE"}}},
		{"connection type in a connection", func(c *ipaas.Component) {
			c.ConnectionTypes[0].Inputs = append(c.ConnectionTypes[0].Inputs, ipaas.InputField{Key: "other", Type: ipaas.FieldConnection})
		}, []found{{"connectionTypes[0].inputs[2].type", "MISPLACED"}}},
		{"action keys", func(c *ipaas.Component) { c.Actions[0].Key, c.Actions[1].Key = "", "delete Webhook" }, []found{{"actions[0].key", "REQUIRED"}, {"actions[1].key", "MALFORMED"}}},
		{"action twice", func(c *ipaas.Component) { c.Actions[1].Key = "createWebhook" }, []found{{"actions[1].key", "DUPLICATE"}}},
		{"input twice", func(c *ipaas.Component) { c.Actions[0].Inputs[2].Key = "event" }, []found{{"actions[0].inputs[2].key", "DUPLICATE"}, {"actions[0].request.body.callbackUrl", "UNKNOWN_INPUT"}}},
		{"two connections", func(c *ipaas.Component) {
			c.Actions[1].Inputs = append(c.Actions[1].Inputs, ipaas.InputField{Key: "second", Type: ipaas.FieldConnection})
		}, []found{{"actions[1].inputs[2].type", "DUPLICATE"}}},
		{"unknown connection type", func(c *ipaas.Component) { c.Actions[2].Inputs[0].ConnectionTypes = []string{"oauth"} }, []found{{"actions[2].inputs[0].connectionTypes[0]", "UNKNOWN_CONNECTION_TYPE"}}},
		{"connection types of a text", func(c *ipaas.Component) { c.Actions[2].Inputs[1].ConnectionTypes = []string{"apiKey"} }, []found{{"actions[2].inputs[1].connectionTypes", "MISPLACED"}}},
		{"list of connections", func(c *ipaas.Component) { c.Actions[2].Inputs[0].Collection = ipaas.CollectionList }, []found{{"actions[2].inputs[0].collection", "MISPLACED"}}},
		{"field types", func(c *ipaas.Component) {
			c.Actions[1].Inputs[1].Type, c.Actions[1].Inputs[1].Collection = "INT", "SET"
		}, []found{{"actions[1].inputs[1].type", "NOT_A_CHOICE"}, {"actions[1].inputs[1].collection", "NOT_A_CHOICE"}}},
		{"conditions", func(c *ipaas.Component) { c.Actions[1].Inputs[1].Type = ipaas.FieldConditions }, []found{{"actions[1].inputs[1].type", "MISPLACED"}}},
		{"default not JSON", func(c *ipaas.Component) { c.Actions[1].Inputs[1].Default = "x" }, []found{{"actions[1].inputs[1].defaultValue", "MALFORMED"}}},
		{"default of the wrong type", func(c *ipaas.Component) {
			c.Actions[1].Inputs[1].Type, c.Actions[1].Inputs[1].Default = ipaas.FieldNumber, `"x"`
		}, []found{{"actions[1].inputs[1].defaultValue", "WRONG_TYPE"}}},
		{"default of a secret", func(c *ipaas.Component) {
			c.Actions[1].Inputs[1].Secret, c.Actions[1].Inputs[1].Default = true, `"x"`
		}, []found{{"actions[1].inputs[1].defaultValue", "MISPLACED"}}},
		{"default no choice", func(c *ipaas.Component) {
			c.Actions[1].Inputs[1].Choices, c.Actions[1].Inputs[1].Default = []string{"a", "a", ""}, `"x"`
		}, []found{{"actions[1].inputs[1].choices[1]", "DUPLICATE"}, {"actions[1].inputs[1].choices[2]", "REQUIRED"}, {"actions[1].inputs[1].defaultValue", "NOT_A_CHOICE"}}},
		{"effects", func(c *ipaas.Component) {
			c.Actions[0].Effect, c.Actions[1].Effect, c.Actions[2].Effect = ipaas.EffectRead, ipaas.EffectPure, "SOME"
		}, []found{{"actions[0].effect", "MISPLACED"}, {"actions[1].effect", "MISPLACED"}, {"actions[2].effect", "NOT_A_CHOICE"}}},
		{"no request", func(c *ipaas.Component) { c.Actions[2].Request = nil }, []found{{"actions[2].request", "REQUIRED"}}},
		{"method", func(c *ipaas.Component) { request(c).Method = "post" }, []found{{"actions[0].request.method", "NOT_A_CHOICE"}}},
		{"no method", func(c *ipaas.Component) { request(c).Method = "" }, []found{{"actions[0].request.method", "REQUIRED"}}},
		{"no URL", func(c *ipaas.Component) { request(c).URL = " " }, []found{{"actions[0].request.url", "REQUIRED"}}},
		{"URL template", func(c *ipaas.Component) { request(c).URL = "{{$connection.baseUrl/x" }, []found{{"actions[0].request.url", "MALFORMED"}}},
		{"unknown names", func(c *ipaas.Component) {
			request(c).URL = "{{$connection.url}}/{{$inputs.id}}/{{$trigger.results}}/{{#Base URL}}"
		}, []found{{"actions[0].request.url", "UNKNOWN_INPUT"}, {"actions[0].request.url", "UNKNOWN_INPUT"}, {"actions[0].request.url", "MISPLACED"}, {"actions[0].request.url", "MISPLACED"}}},
		{"the connection as an input", func(c *ipaas.Component) {
			request(c).Headers["A"], request(c).Headers["B"] = "{{$inputs.connection}}", "{{$connection}}"
		}, []found{{"actions[0].request.headers.A", "MISPLACED"}, {"actions[0].request.headers.B", "MISPLACED"}}},
		{"no connection", func(c *ipaas.Component) { c.Actions[1].Inputs = c.Actions[1].Inputs[1:] }, []found{{"actions[1].request.url", "REQUIRED"}, {"actions[1].request.headers.X-Api-Key", "REQUIRED"}}},
		{"headers", func(c *ipaas.Component) {
			request(c).Headers = map[string]string{"A B": "", "Host": "x", "X": "a\r\nb", "y": "1", "Y": "2"}
		}, []found{{"actions[0].request.headers.A B", "MALFORMED"}, {"actions[0].request.headers.Host", "MISPLACED"}, {"actions[0].request.headers.X", "MALFORMED"}, {"actions[0].request.headers.y", "DUPLICATE"}}},
		{"query", func(c *ipaas.Component) {
			c.Actions[1].Request.Query = map[string]string{"": "", "a": "{{$inputs.nope}}"}
		}, []found{{"actions[1].request.query", "REQUIRED"}, {"actions[1].request.query.a", "UNKNOWN_INPUT"}}},
		{"body not JSON", func(c *ipaas.Component) { request(c).Body = "{" }, []found{{"actions[0].request.body", "MALFORMED"}}},
		{"body too deep", func(c *ipaas.Component) { request(c).Body = strings.Repeat("[", 65) + strings.Repeat("]", 65) }, []found{{"actions[0].request.body", "TOO_DEEP"}}},
		{"deep in the body", func(c *ipaas.Component) { request(c).Body = `{"a":[1,{"b.c":"{{$inputs.nope}}"}]}` }, []found{{"actions[0].request.body.a[1].b.c", "UNKNOWN_INPUT"}}},
		{"body of HEAD", func(c *ipaas.Component) { request(c).Method = "HEAD" }, []found{{"actions[0].request.body", "MISPLACED"}}},
		{"statuses", func(c *ipaas.Component) { request(c).SuccessStatuses = []int{200, 99, 600} }, []found{{"actions[0].request.successStatuses[1]", "MALFORMED"}, {"actions[0].request.successStatuses[2]", "MALFORMED"}}},
		{"result", func(c *ipaas.Component) { c.Actions[1].Result = "{{$response.code}}{{$connection.apiKey}}" }, []found{{"actions[1].result", "UNKNOWN_FIELD"}, {"actions[1].result", "MISPLACED"}}},
		{"undo of nothing known", func(c *ipaas.Component) { c.Actions[0].Undo.Action = "remove" }, []found{{"actions[0].undo.action", "UNKNOWN_ACTION"}}},
		{"undo of nothing", func(c *ipaas.Component) { c.Actions[0].Undo.Action = "" }, []found{{"actions[0].undo.action", "REQUIRED"}}},
		{"undo of itself", func(c *ipaas.Component) { c.Actions[0].Undo.Action = "createWebhook" }, []found{{"actions[0].undo.action", "MISPLACED"}}},
		{"undo that creates", func(c *ipaas.Component) {
			c.Actions[2].Undo = &ipaas.Undo{Action: "listWebhooks"}
		}, []found{{"actions[0].undo.action", "MISPLACED"}}},
		{"undo inputs", func(c *ipaas.Component) {
			c.Actions[0].Undo.Inputs = map[string]string{"connection": "x", "id": "{{$response.body}}"}
			c.Actions[0].Undo.RemoteID = "{{$inputs.nope}}"
		}, []found{
			{"actions[0].undo.remoteId", "UNKNOWN_INPUT"},
			{"actions[0].undo.inputs.id", "MISPLACED"},
			{"actions[0].undo.inputs.connection", "MISPLACED"},
			{"actions[0].undo.inputs.id", "UNKNOWN_INPUT"},
			{"actions[0].undo.inputs.webhookId", "REQUIRED"},
		}},
		{"find without an undo", func(c *ipaas.Component) {
			lookedFor(c)
			c.Actions[0].Undo, c.Actions[0].Update = nil, nil
		}, []found{{"actions[0].find", "MISPLACED"}}},
		{"find of nothing", func(c *ipaas.Component) { lookedFor(c).Find = &ipaas.Find{} }, []found{
			{"actions[0].find.match.item", "REQUIRED"}, {"actions[0].find.match.equals", "REQUIRED"}, {"actions[0].find.action", "REQUIRED"},
		}},
		{"find that matches all", func(c *ipaas.Component) {
			lookedFor(c).Find.Match = ipaas.Match{Item: "x", Equals: "x"}
		}, []found{{"actions[0].find.match.item", "MALFORMED"}, {"actions[0].find.match.equals", "MALFORMED"}}},
		{"find by what is not known", func(c *ipaas.Component) {
			f := lookedFor(c).Find
			f.Inputs, f.Items, f.Result = map[string]string{"event": "{{$item.event}}", "nope": "x", "connection": "x"}, "{{$item}}", "{{$result}}"
			f.Match = ipaas.Match{Item: "{{$result.id}}", Equals: "{{$inputs.nope}}"}
		}, []found{
			{"actions[0].find.inputs.event", "MISPLACED"},
			{"actions[0].find.items", "MISPLACED"},
			{"actions[0].find.result", "MISPLACED"},
			{"actions[0].find.match.item", "MISPLACED"},
			{"actions[0].find.match.equals", "UNKNOWN_INPUT"},
			{"actions[0].find.inputs.connection", "MISPLACED"},
			{"actions[0].find.inputs.nope", "UNKNOWN_INPUT"},
		}},
		{"find by an action that writes", func(c *ipaas.Component) { lookedFor(c); c.Actions[1].Effect = "" }, []found{{"actions[0].find.action", "MISPLACED"}}},
		{"find by itself", func(c *ipaas.Component) { lookedFor(c).Find.Action = "createWebhook" }, []found{{"actions[0].find.action", "MISPLACED"}}},
		{"update by nothing known", func(c *ipaas.Component) { lookedFor(c).Update.Action = "nope" }, []found{{"actions[0].update.action", "UNKNOWN_ACTION"}}},
		{"update without its inputs", func(c *ipaas.Component) { lookedFor(c).Update.Inputs = nil }, []found{{"actions[0].update.inputs.webhookId", "REQUIRED"}, {"actions[0].update.inputs.event", "REQUIRED"}}},
		{"update by what is not known", func(c *ipaas.Component) {
			u := lookedFor(c).Update
			u.Inputs["event"], u.Result = "{{$updated.event}}", "{{$response.body}}"
		}, []found{{"actions[0].update.inputs.event", "MISPLACED"}, {"actions[0].update.result", "MISPLACED"}}},
		{"update that creates", func(c *ipaas.Component) {
			lookedFor(c)
			c.Actions[3].Undo = &ipaas.Undo{Action: "deleteWebhook", Inputs: map[string]string{"webhookId": "{{$result.id}}"}}
		}, []found{{"actions[0].update.action", "MISPLACED"}}},
		{"undo without a connection to pass on", func(c *ipaas.Component) {
			c.Actions[0].Inputs = c.Actions[0].Inputs[1:]
			c.Actions[0].Request.URL, c.Actions[0].Request.Headers = "https://acme.example/webhooks", nil
		}, []found{{"actions[0].undo.inputs.connection", "REQUIRED"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := acme()
			// Every action has headers of its own, so that a change of one is no change of all.
			for i := range c.Actions {
				c.Actions[i].Request.Headers = map[string]string{"X-Api-Key": "{{$connection.apiKey}}"}
			}
			tt.change(&c)
			if diff := cmp.Diff(tt.want, violations(c)); diff != "" {
				t.Errorf("(-want +got):\n%s\n%v", diff, declarative.Validate(c))
			}
			compiled, err := declarative.Compile(c)
			var invalid *ipaas.Error
			if compiled != nil || !errors.As(err, &invalid) || len(invalid.Violations) != len(tt.want) {
				t.Errorf("it compiles: %v, %v", compiled, err)
			}
		})
	}
}

func TestValidateURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, want string }{
		{"{{$connection.baseUrl}}", ""},
		{"{{$connection.baseUrl}}?a={{$inputs.a}}&b=c[0]", ""},
		{"HTTPS://api.example.com:8443/v1/{{$inputs.a}}.json?x=%20", ""},
		{"https://{{$connection.baseUrl}}.example.com", ""},
		{"https://[::1]/x", ""},
		{"/relative", "the URL is not absolute: begin with {{$connection.baseUrl}} or https://"},
		{"ftp://example.com", "the URL is not absolute: begin with {{$connection.baseUrl}} or https://"},
		{"https://", "the URL has no host: begin with {{$connection.baseUrl}} or https://host"},
		{"https:///x", "the URL has no host: begin with {{$connection.baseUrl}} or https://host"},
		{"https://:80/x", `the URL has the malformed host ":80"`},
		{"https://a:b/x", `the URL has the malformed host "a:b"`},
		{"https://user:pw@example.com", "the URL has credentials before its host: send them in a header"},
		{"{{$connection.baseUrl}}.evil.example/x", `the URL goes on with ".evil.example/x" after its base: what follows a base URL begins with / or ?`},
		{"{{$connection.baseUrl}}{{$inputs.a}}", "the URL has two references one after the other at its beginning: put a / between them"},
		{"https://{{$inputs.a}}/x", "the URL takes part of its host from $inputs: only $connection may say which host is called"},
		{"https://example.com{{$inputs.a}}/x", "the URL takes part of its host from $inputs: only $connection may say which host is called"},
		{"https://example.com/a#b", "the URL has a fragment, which is never sent: remove it, or write %23"},
		{"https://example.com/{{id}}", "the URL has braces that are no reference: write {{$inputs.key}} or {{$connection.key}}, or escape them as %7B and %7D"},
		{"https://example.com/a b", `the URL has the character ' ', which must be escaped in a URL`},
		{"https://example.com/a\r\nb", `the URL has the character '\r', which must be escaped in a URL`},
		{"https://example.com/100%", "the URL has a percent sign that begins no escape: write %25"},
		{"https://example.com/a/../b", `the URL has the segment "..": spell the path out`},
		{"https://example.com/%2e/b", `the URL has the segment "%2e": spell the path out`},
	}
	for _, tt := range tests {
		c := acme()
		c.Actions[1].Inputs = append(c.Actions[1].Inputs, ipaas.InputField{Key: "a"})
		c.Actions[1].Request.URL = tt.url
		got := ""
		if wrong := declarative.Validate(c); len(wrong) > 0 {
			got = wrong[0].Description
		}
		if got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.url, got, tt.want)
		}
	}
}

func TestViolationsSayTheWayOut(t *testing.T) {
	t.Parallel()
	c := acme()
	c.Triggers = []ipaas.TriggerType{{Key: "on change"}}
	c.Actions[0].Request.URL = "{{$connection.url}}/x"
	want := []ipaas.Violation{{
		Field: "actions[0].request.url", Reason: "UNKNOWN_INPUT",
		Description: `the connection has no input "url": declare it in the connection type, or refer to $connection.apiKey, $connection.baseUrl`,
	}, {
		Field: "triggers[0].key", Reason: "MALFORMED",
		Description: `the key "on change" is malformed: use letters, digits, hyphens and underscores, a letter first, at most 63`,
	}}
	if diff := cmp.Diff(want, declarative.Validate(c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
