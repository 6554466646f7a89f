package compat_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// generated are definitions in every layout, which have what real ones have been seen to have, and more of it than one of them has alone:
// every built-in action with the inputs it is given, names as people choose them, every key at the top, of flows and of config variables.
func generated(t *testing.T) []document {
	t.Helper()
	content, err := os.ReadFile("testdata/actions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Actions  map[string][]map[string]any
		Triggers map[string]map[string]any
	}
	if err := yaml.Unmarshal(content, &seen); err != nil {
		t.Fatal(err)
	}
	g := &generator{actions: seen.Actions, triggers: seen.Triggers}
	var out []document
	add := func(name string, root map[string]any) {
		text, err := yaml.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, style := range []struct {
			name string
			in   func(string) string
		}{{"plain", func(s string) string { return s }}, {"quoted", requoted}} {
			d, err := readDocument(name+"-"+style.name, style.in(string(text)))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			out = append(out, d)
		}
	}
	add("version 7", g.version7())
	for _, version := range []int{4, 2} {
		add(fmt.Sprintf("version %d", version), g.older(version))
	}
	add("none, list", g.oldest(false))
	add("none, map", g.oldest(true))
	return out
}

// plainText is a text that YAML writes without quotes.
var plainText = regexp.MustCompile(`(?m)^(\s*(?:- )?[A-Za-z]+: )([A-Za-z][A-Za-z ]*)$`)

// requoted writes texts in quotes that need none, as some exports do.
func requoted(text string) string {
	return plainText.ReplaceAllStringFunc(text, func(line string) string {
		parts := plainText.FindStringSubmatch(line)
		if slices.Contains([]string{"true", "false", "null"}, parts[2]) {
			return line
		}
		return parts[1] + `"` + parts[2] + `"`
	})
}

type generator struct {
	actions  map[string][]map[string]any
	triggers map[string]map[string]any
	legacy   bool   // actions name their component beside their key
	first    string // the key of the flow's trigger
	loop     string // the key of the loop around a step
	target   string // the flow that others name
	n        int
	keys     int
}

// Names as people choose them.
const (
	oddFlow   = "Ünï côde 🚀 a.b"
	oddVar    = `API key: "it's" a.b {prod} #1`
	oddBranch = "Not found? (404) - a.b"
	signIn    = "My Connection"
)

func expression(kind string, v any) map[string]any { return map[string]any{"type": kind, "value": v} }

// input is an expression for what stands in the list of actions.
func (g *generator) input(v any) any {
	g.n++
	reference := g.first + ".results.body.data.items"
	switch v {
	case "ref":
		references := []string{
			reference, g.first + ".results.body.data[0].Id", g.first + ".results.webhookUrls." + g.target, g.first + ".results.webhookApiKeys.MY FLOW.0",
			g.first + ".results.headers.X-GitHub-Event", g.first + ".results",
		}
		if g.loop != "" {
			references = append(references, g.loop+".currentItem", g.loop+`.currentItem.[".tag"]`, g.loop+".index", g.loop+".currentItem.data.0.Id")
		}
		return expression("reference", references[g.n%len(references)])
	case "var":
		return expression("configVar", oddVar)
	case "con":
		return expression("configVar", signIn)
	case "tpl":
		templates := []string{
			"Hi {{$" + reference + "}}, {{#" + oddVar + "}} and {{ticket.id}} stay, as does {{ this", "{{$" + g.first + ".results.body.data[0].Id}}", "no braces", "${a} {b} }} {{}}",
		}
		return expression("template", templates[g.n%len(templates)])
	case "list":
		return expression("complex", []any{expression("value", "1"), expression("reference", reference), expression("configVar", oddVar), expression("template", "{{$"+g.first+".results.executionId}}")})
	case "pairs":
		named := expression("reference", reference)
		named["name"] = expression("value", "Content-Type")
		plain := expression("value", "x")
		plain["name"] = "plain name"
		nested := expression("complex", []any{expression("value", "deep")})
		nested["name"] = expression("reference", reference)
		blank := expression("value", "")
		blank["name"] = ""
		return expression("complex", []any{named, plain, nested, blank})
	case "conditions":
		unary := []any{"isEmpty", expression("reference", reference), map[string]any{"name": "", "type": "value", "value": ""}}
		group := []any{"or", []any{"greaterThanOrEqual", expression("reference", reference), expression("value", "3")}, []any{"in", expression("value", "a"), expression("configVar", oddVar)}, unary}
		whole := expression("complex", []any{"and", []any{"equal", expression("reference", reference), expression("value", "x")}, group})
		whole["name"] = oddBranch
		return expression("complex", []any{whole})
	case "mappings":
		to := expression("value", "404")
		to["name"] = oddBranch
		return expression("complex", []any{to})
	}
	if v == "flow" {
		v = g.target
	}
	if list, ok := v.([]any); ok {
		return expression("complex", list)
	}
	if v == "" && g.n%5 == 0 {
		return map[string]any{"meta": map[string]any{"visibleToOrgDeployer": true}, "type": "value", "value": ""}
	}
	return expression("value", v)
}

func (g *generator) inputs(given map[string]any) map[string]any {
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		out[key] = g.input(given[key])
	}
	return out
}

func (g *generator) action(dotted string) map[string]any {
	component, key, _ := strings.Cut(dotted, ".")
	if g.legacy {
		return map[string]any{"componentKey": component, "key": key}
	}
	of := map[string]any{"isPublic": true, "key": component, "version": "LATEST"}
	switch g.n % 4 {
	case 1:
		of["version"] = 12
	case 2:
		delete(of, "version")
		of["signature"] = "0123abcd"
		of["isPublic"] = false
	}
	return map[string]any{"key": key, "component": of}
}

func (g *generator) step(name, dotted string, given map[string]any) map[string]any {
	s := map[string]any{"name": name, "description": "", "action": g.action(dotted), "inputs": g.inputs(given)}
	if g.n%3 == 0 && !g.legacy {
		g.keys++
		s["stableKey"] = fmt.Sprintf("key-%d", g.keys)
		s["errorConfig"] = map[string]any{"errorHandlerType": []string{"ignore", "retry", "fail"}[g.n%9/3], "maxAttempts": 2, "delaySeconds": "5", "usesExponentialBackoff": true, "ignoreFinalError": true}
	}
	return s
}

// every has a step of every action in every way, those with steps inside of them around some of the others.
func (g *generator) every() []any {
	var steps []any
	for _, dotted := range slices.Sorted(maps.Keys(g.actions)) {
		for i, given := range g.actions[dotted] {
			name := fmt.Sprintf("%s %d - it's (%s)", dotted, i, []string{"ÄÖ", "日本", "a/b"}[i%3])
			switch {
			case dotted == "loop.breakLoop":
				continue
			case strings.HasPrefix(dotted, "loop."):
				s := g.step(name, dotted, given)
				outer := g.loop
				g.loop = stepKey(name)
				choice := g.step("Choice in "+name, "branch.branchOnExpression", map[string]any{"conditions": "conditions"})
				choice["branches"] = []any{
					map[string]any{"name": oddBranch, "steps": []any{g.step("Break "+name, "loop.breakLoop", nil)}},
					map[string]any{"name": "Else", "steps": []any{g.step("Say "+name, "log.writeLog", map[string]any{"level": "info", "message": "ref"})}},
				}
				s["steps"] = []any{choice}
				g.loop = outer
				steps = append(steps, s)
			case dotted == "branch.branchOnExpression" || dotted == "branch.branchOnValue" || dotted == "openai.classifyAndBranch":
				s := g.step(name, dotted, given)
				s["branches"] = []any{
					map[string]any{"name": oddBranch, "steps": []any{g.step("In "+name, "stop-execution.stopExecution", map[string]any{"statusCode": "200"})}},
					map[string]any{"name": "Else", "steps": []any{}},
				}
				steps = append(steps, s)
			default:
				steps = append(steps, g.step(name, dotted, given))
			}
		}
	}
	return append(steps, g.step("Empty loop", "loop.loopOverItems", map[string]any{"items": "ref"}))
}

// stepKey is what a name becomes in references.
func stepKey(name string) string {
	words := regexp.MustCompile(`[^\p{L}\p{N}]+`).Split(name, -1)
	words = slices.DeleteFunc(words, func(s string) bool { return s == "" })
	for i, w := range words {
		w = strings.ToLower(w)
		if i > 0 {
			first := []rune(w)[0]
			w = strings.ToUpper(string(first)) + w[len(string(first)):]
		}
		words[i] = w
	}
	return strings.Join(words, "")
}

func (g *generator) version7() map[string]any {
	g.target = oddFlow
	var flows []any
	for i, dotted := range slices.Sorted(maps.Keys(g.triggers)) {
		name := []string{oddFlow, "MY FLOW", "flow: with \"quotes\"", "Flow - 4", "5"}[i%5]
		if i >= 5 {
			name += fmt.Sprintf(" (%d)", i)
		}
		g.first = stepKey("Receive " + name + " Trigger")
		trigger := g.step("Receive "+name+" Trigger", dotted, g.triggers[dotted])
		delete(trigger, "errorConfig")
		trigger["isTrigger"] = true
		switch dotted {
		case "schedule-triggers.schedule":
			trigger["schedule"] = map[string]any{"type": "value", "value": "00 00 * * 0", "meta": map[string]any{"scheduleType": "week", "timeZone": "America/Chicago"}}
		case "recursive-flow.recursiveTrigger", "http.webhook":
			trigger["schedule"] = map[string]any{"type": "value", "value": "", "meta": map[string]any{"scheduleType": "none", "timeZone": ""}}
		case "salesforce.pollChangesTrigger":
			trigger["schedule"] = map[string]any{"type": "configVar", "value": "When", "meta": map[string]any{"scheduleType": "custom", "timeZone": ""}}
		case "management-triggers.instanceDeploy":
			delete(trigger, "inputs")
		}
		f := map[string]any{"name": name, "description": "", "steps": []any{trigger}}
		if i == 0 || dotted == "webhook-triggers.webhook" {
			f["steps"] = append([]any{trigger}, g.every()...)
		}
		switch i % 4 {
		case 0:
			f["isSynchronous"] = "false"
			f["retryConfig"] = map[string]any{"delayMinutes": "1", "maxAttempts": "3", "usesExponentialBackoff": "true", "uniqueRequestIdField": expression("reference", "body.data.id")}
			f["queueConfig"] = map[string]any{"usesFifoQueue": false, "concurrencyLimit": "2", "dedupeIdField": "", "singletonExecutions": false}
		case 1:
			f["isSynchronous"] = true
			f["endpointSecurityType"] = "organization"
			f["organizationApiKeys"] = []any{"s3cret-key"}
			f["queueConfig"] = map[string]any{"usesFifoQueue": true}
		case 2:
			f["endpointSecurityType"] = "customer_required"
			f["stableKey"] = fmt.Sprintf("flow-%d", i)
			f["triggerResolver"] = map[string]any{"enabled": true, "batchSize": 10, "concurrentBatchLimit": 2, "runInitialSyncOnDeploy": true}
		case 3:
			f["isAgentFlow"] = true
			f["schemas"] = map[string]any{"invoke": map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": map[string]any{"a": map[string]any{"type": "string"}}}}
			f["supplementalComponents"] = []any{map[string]any{"component": map[string]any{"key": "slack", "isPublic": true, "version": "LATEST"}}}
		}
		flows = append(flows, f)
	}
	return map[string]any{
		"name": "Everything", "description": "", "definitionVersion": 7, "category": "", "labels": []any{"One label", "zwei"}, "documentation": "# Docs\n", "version": 3,
		"isCodeNative": false, "endpointType": "flow_specific", "preprocessFlowName": "", "flowNameField": map[string]any{"type": "reference", "value": ""},
		"externalCustomerIdField": map[string]any{"type": "value", "value": ""}, "externalCustomerUserIdField": nil, "defaultInstanceProfile": "Default Instance Profile",
		"importMetadata": map[string]any{"by": "x"}, "requiredConfigVars": g.variables(), "configPages": []any{
			map[string]any{"name": "Configuration", "tagline": "", "userLevelConfigured": false, "elements": []any{
				map[string]any{"type": "configVar", "value": signIn},
				map[string]any{"type": "htmlElement", "value": "<h2>Hello &amp; <b>welcome</b></h2>"},
				map[string]any{"type": "configVar", "value": oddVar},
				map[string]any{"type": "jsonForm", "value": "Mapping"},
			}},
			map[string]any{"name": "User", "userLevelConfigured": true, "elements": []any{}},
		},
		"flows": flows,
	}
}

func (g *generator) variables() []any {
	from := map[string]any{"component": map[string]any{"key": "slack", "isPublic": true, "version": "LATEST"}, "key": "selectChannels"}
	to := func(component, key string) map[string]any {
		return map[string]any{"component": map[string]any{"key": component, "isPublic": true, "version": 3}, "key": key}
	}
	return []any{
		map[string]any{
			"key": signIn, "dataType": "connection", "orgOnly": false, "connection": to("http", "basic"), "onPremiseConnectionConfig": "disallowed",
			"inputs": map[string]any{"username": map[string]any{"type": "value", "value": "", "meta": map[string]any{"visibleToOrgDeployer": true}}, "password": expression("value", "hunter2"), "scopes": expression("value", "a b")},
		},
		map[string]any{"key": "Shared", "dataType": "connection", "useScopedConfigVar": "acme-api-key"},
		map[string]any{"key": "Third", "connection": to("slack", "oauth2"), "dataType": "connection", "meta": map[string]any{"oAuthSuccessRedirectUri": "https://example.com", "isVisibleToOrgDeployer": true}, "inputs": nil},
		map[string]any{"key": oddVar, "dataType": "string", "defaultValue": "gh-", "description": "", "orgOnly": true},
		map[string]any{"key": "Channel", "dataType": "picklist", "dataSource": from, "defaultValue": "", "inputs": map[string]any{"connection": expression("configVar", "Third")}},
		map[string]any{"key": "Choice", "dataType": "picklist", "pickList": []any{"a", "b", 3, true}, "defaultValue": "a"},
		map[string]any{"key": "Number", "dataType": "number", "defaultValue": "1.50"},
		map[string]any{"key": "Flag", "dataType": "boolean", "defaultValue": "true"},
		map[string]any{"key": "Date", "dataType": "date", "defaultValue": "2026-01-31"},
		map[string]any{"key": "Moment", "dataType": "timestamp", "defaultValue": "2026-01-31T12:00:00Z"},
		map[string]any{"key": "Code", "dataType": "code", "codeLanguage": "json", "defaultValue": "{\"a\": 1}"},
		map[string]any{"key": "When", "dataType": "schedule", "scheduleType": "custom", "timeZone": "", "defaultValue": "*/5 * * * *"},
		map[string]any{"key": "Mapping", "dataType": "jsonForm", "dataSource": from, "defaultValue": "", "meta": map[string]any{"visibleToCustomerDeployer": false}},
		map[string]any{"key": "List", "dataType": "string", "collectionType": "valuelist", "defaultValue": `["a","b"]`},
		map[string]any{"key": "Pairs", "dataType": "string", "collectionType": "keyvaluelist", "defaultValue": `[{"key":"a","value":"b"}]`},
		map[string]any{"key": "Object", "dataType": "objectSelection"},
		map[string]any{"key": "Map", "dataType": "objectFieldMap"},
	}
}

// older are the layouts with versions before 7.
func (g *generator) older(version int) map[string]any {
	if g.legacy, g.target = true, oddFlow; version == 2 {
		g.target = "Flow 1"
	}
	versions := map[string]any{}
	for dotted := range g.actions {
		component, _, _ := strings.Cut(dotted, ".")
		versions[component] = 3
	}
	variables := []any{
		map[string]any{"key": oddVar, "dataType": "string", "defaultValue": "", "hasDivider": false, "header": "First", "orgOnly": false},
		map[string]any{"key": signIn, "dataType": "credential", "credentialTypes": []any{"privateKey"}, "defaultValue": "", "hasDivider": true, "orgOnly": false},
		map[string]any{"key": "MY VAR", "dataType": "string", "defaultValue": 7},
	}
	name := "Receive it"
	g.first = stepKey(name)
	root := map[string]any{"name": "Older", "definitionVersion": version, "componentVersions": versions, "description": "", "requiredConfigVars": variables}
	if version == 2 {
		root["trigger"] = map[string]any{"name": name, "description": "", "schedule": nil, "action": map[string]any{"componentKey": "Standard Triggers", "key": "trigger"}}
		root["steps"], root["isSynchronous"] = g.every(), false
		return root
	}
	trigger := map[string]any{"name": name, "isTrigger": true, "schedule": "0 8 * * *", "action": map[string]any{"componentKey": "Standard Triggers", "key": "trigger"}}
	root["flows"] = []any{
		map[string]any{"name": oddFlow, "steps": append([]any{trigger}, g.every()...), "isSynchronous": false},
		map[string]any{"name": "MY FLOW", "steps": []any{map[string]any{"name": name, "isTrigger": true, "action": map[string]any{"componentKey": "webhook-triggers", "key": "webhook"}}}},
	}
	return root
}

// oldest are the layouts without a version.
func (g *generator) oldest(asMap bool) map[string]any {
	g.legacy, g.target = true, "Flow 1"
	g.first = stepKey("trigger")
	root := map[string]any{"name": "Oldest", "description": "", "trigger": map[string]any{"name": "trigger", "description": "x", "schedule": nil}, "steps": g.every()}
	if asMap {
		root["requiredConfigVars"] = map[string]any{oddVar: "https://example.com", signIn: map[string]any{"dataType": "credential"}, "count": 3, "nothing": nil}
	} else {
		root["requiredConfigVars"] = []any{map[string]any{"key": oddVar, "dataType": "string"}, map[string]any{"key": signIn, "dataType": "credential"}, "bare"}
	}
	return root
}

// TestGenerated takes generated definitions through the levels that need no world. Their only problems are components that there are not.
func TestGenerated(t *testing.T) {
	t.Parallel()
	for _, d := range generated(t) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			for _, l := range levels {
				if l.name == "L3" || l.name == "L4" || l.name == "L5" || strings.HasSuffix(d.name, "quoted") && l.name != "L0" {
					continue
				}
				t.Run(l.name, func(t *testing.T) {
					if said := l.run(t, &d); l.name == "L2" && said != "all" {
						t.Errorf("references: %s", said)
					}
				})
			}
		})
	}
}
