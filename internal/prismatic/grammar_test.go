package prismatic_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/prismatic"
	"github.com/headrace/headrace/internal/value"
)

// grammar is what a definition of version 7 is, as far as is known of the files of the other product and of what its tools check. It knows
// nothing of how we write one: everything that is written is held against it.
type grammar struct {
	loose bool // of what was read from a hostile file: conditions and literals may be anything
	found []string
}

// rule says what a value may be.
type rule func(g *grammar, at string, v any)

// ungrammatical returns what of a definition is not as it should be.
func ungrammatical(v any, loose bool) []string {
	g := &grammar{loose: loose}
	definition(g, "", v)
	return g.found
}

func (g *grammar) wrong(at, format string, args ...any) {
	g.found = append(g.found, at+": "+fmt.Sprintf(format, args...))
}

// keys are those of an object; those with a star must be there.
func keys(fields map[string]rule) rule {
	return func(g *grammar, at string, v any) {
		o, ok := v.(*value.Object)
		if !ok {
			g.wrong(at, "is %s, not an object", value.Kind(v))
			return
		}
		known := map[string]rule{}
		for key, r := range fields {
			bare, must := strings.CutSuffix(key, "*")
			known[bare] = r
			if _, there := o.Get(bare); must && !there {
				g.wrong(at, "lacks %s", bare)
			}
		}
		for key, one := range o.All() {
			if r, ok := known[key]; ok {
				r(g, at+"."+key, one)
			} else {
				g.wrong(at, "has %q, which is no key of it", key)
			}
		}
	}
}

func listOf(r rule) rule {
	return func(g *grammar, at string, v any) {
		list, ok := v.([]any)
		if !ok {
			g.wrong(at, "is %s, not a list", value.Kind(v))
		}
		for i, one := range list {
			r(g, fmt.Sprintf("%s[%d]", at, i), one)
		}
	}
}

func mapOf(r rule) rule {
	return func(g *grammar, at string, v any) {
		o, ok := v.(*value.Object)
		if !ok {
			g.wrong(at, "is %s, not an object", value.Kind(v))
		}
		for key, one := range o.All() {
			r(g, at+"."+key, one)
		}
	}
}

func text(g *grammar, at string, v any) {
	if _, ok := v.(string); !ok {
		g.wrong(at, "is %s, not a text", value.Kind(v))
	}
}

func boolean(g *grammar, at string, v any) {
	if _, ok := v.(bool); !ok {
		g.wrong(at, "is %s, neither true nor false", value.Kind(v))
	}
}

func between(least, most int64) rule {
	return func(g *grammar, at string, v any) {
		n, _ := v.(value.Number)
		if i, ok := n.Int64(); !ok || i < least || i > most {
			g.wrong(at, "is %s, not a number from %d to %d", value.JSON(v), least, most)
		}
	}
}

func oneOf(words ...string) rule {
	return func(g *grammar, at string, v any) {
		if word, ok := v.(string); !ok || !slices.Contains(words, word) {
			g.wrong(at, "is %s, not one of %v", value.JSON(v), words)
		}
	}
}

var (
	component = keys(map[string]rule{"key*": text, "isPublic*": boolean, "version*": oneOf("LATEST")})
	qualified = keys(map[string]rule{"component*": component, "key*": text})
	endpoint  = keys(map[string]rule{"type*": func(g *grammar, at string, v any) {
		if v != "reference" && !g.loose {
			g.wrong(at, "is no reference")
		}
	}, "value*": func(g *grammar, at string, v any) {
		if path, _ := v.(string); !g.loose && !strings.HasPrefix(path, "payload.") && !strings.HasPrefix(path, "onExecution.results") {
			g.wrong(at, "is %s, a part of neither the payload nor the result of the preprocess flow", value.JSON(v))
		}
	}})
	schedule = keys(map[string]rule{
		"type*": oneOf("value", "configVar"), "value*": text,
		"meta": keys(map[string]rule{"scheduleType": oneOf("none", "once", "custom", "minute", "hour", "day", "week"), "timeZone": text}),
	})
	errorConfig = keys(map[string]rule{
		"errorHandlerType*": oneOf("fail", "ignore", "retry"), "maxAttempts": between(0, 5), "delaySeconds": between(0, 60),
		"usesExponentialBackoff": boolean, "ignoreFinalError": boolean,
	})
	retryConfig = keys(map[string]rule{
		"maxAttempts": between(0, 10), "delayMinutes": between(0, 60), "usesExponentialBackoff": boolean, "uniqueRequestIdField": expression,
	})
	queueConfig = keys(map[string]rule{
		"usesFifoQueue": boolean, "concurrencyLimit": between(1, 15), "dedupeIdField": expression, "singletonExecutions": boolean,
	})
	configPage = keys(map[string]rule{
		"name*": text, "tagline": text, "userLevelConfigured": boolean,
		"elements*": listOf(keys(map[string]rule{"type*": oneOf("configVar", "htmlElement", "jsonForm"), "value*": text})),
	})
)

func definition(g *grammar, at string, v any) {
	keys(map[string]rule{
		"name*": text, "description": text, "category": text, "documentation": text, "labels": listOf(text), "definitionVersion*": between(7, 7),
		"endpointType": oneOf("flow_specific", "instance_specific", "shared_instance"), "preprocessFlowName": text, "flowNameField": endpoint,
		"externalCustomerIdField": endpoint, "externalCustomerUserIdField": endpoint, "requiredConfigVars*": listOf(configVariable),
		"configPages": listOf(configPage), "flows*": listOf(flowRule),
	})(g, at, v)
}

func configVariable(g *grammar, at string, v any) {
	o, _ := v.(*value.Object)
	all := map[string]rule{
		"key*": text, "stableKey": text, "description": text, "orgOnly*": boolean,
		"meta": mapOf(boolean), "dataType*": oneOf("string", "date", "timestamp", "picklist", "schedule", "code", "boolean", "number", "objectSelection",
			"objectFieldMap", "jsonForm", "connection"),
	}
	kind, _ := o.Get("dataType")
	switch _, shared := o.Get("useScopedConfigVar"); {
	case shared:
		delete(all, "orgOnly*")
		all["useScopedConfigVar"] = text
	case kind == "connection":
		all["connection*"] = qualified
		all["inputs"] = mapOf(keys(map[string]rule{"type*": oneOf("value"), "value*": scalar}))
	default:
		all["defaultValue"], all["collectionType"] = text, oneOf("valuelist", "keyvaluelist")
	}
	switch kind {
	case "picklist":
		all["pickList"] = listOf(text)
	case "schedule":
		all["scheduleType"], all["timeZone"] = oneOf("none", "once", "custom", "minute", "hour", "day", "week"), text
	case "code":
		all["codeLanguage"] = text
	}
	keys(all)(g, at, v)
}

func flowRule(g *grammar, at string, v any) {
	keys(map[string]rule{
		"name*": text, "stableKey": text, "description": text, "isSynchronous": boolean, "retryConfig": retryConfig, "queueConfig": queueConfig,
		"endpointSecurityType": oneOf("unsecured", "customer_optional", "customer_required", "organization"), "steps*": listOf(step7(false)),
	})(g, at, v)
	o, _ := v.(*value.Object)
	steps, _ := o.Get("steps")
	list, _ := steps.([]any)
	for i, s := range list {
		one, _ := s.(*value.Object)
		if is, _ := one.Get("isTrigger"); (is == true) != (i == 0) {
			g.wrong(fmt.Sprintf("%s.steps[%d]", at, i), "isTrigger is %v", is)
		}
	}
	if len(list) == 0 {
		g.wrong(at, "has no trigger")
		return
	}
	first, _ := list[0].(*value.Object)
	_, clocked := first.Get("schedule")
	queue, _ := o.Get("queueConfig")
	q, _ := queue.(*value.Object)
	fifo, _ := q.Get("usesFifoQueue")
	single, _ := q.Get("singletonExecutions")
	sync, _ := o.Get("isSynchronous")
	_, retries := o.Get("retryConfig")
	switch {
	case g.loose && sync == true && clocked: // which is not said to go together
	case fifo == true && (sync == true || clocked):
		g.wrong(at, "keeps an order though it is synchronous or runs by the clock")
	case single == true && !clocked:
		g.wrong(at, "skips times though it runs by no clock")
	case fifo == true && single == true:
		g.wrong(at, "keeps an order and skips times")
	case retries && sync == true:
		g.wrong(at, "is synchronous and tried again")
	}
}

// step7 is a step; inner ones are no triggers, and run by no clock.
func step7(inner bool) rule {
	return func(g *grammar, at string, v any) {
		fields := map[string]rule{
			"name*": text, "stableKey": text, "description": text, "action*": qualified, "inputs*": inputsRule, "errorConfig": errorConfig,
			"branches": listOf(keys(map[string]rule{"name*": text, "steps*": listOf(step7(true))})), "steps": listOf(step7(true)),
		}
		if !inner {
			fields["isTrigger"], fields["schedule"] = boolean, schedule
		}
		keys(fields)(g, at, v)
	}
}

func inputsRule(g *grammar, at string, v any) {
	o, ok := v.(*value.Object)
	if !ok {
		g.wrong(at, "is %s, not an object", value.Kind(v))
	}
	for key, in := range o.All() {
		if key == "conditions" && !g.loose {
			conditions(g, at+"."+key, in)
			continue
		}
		expression(g, at+"."+key, in)
	}
}

var expressionTypes = []string{"value", "reference", "configVar", "template", "complex"}

func expression(g *grammar, at string, v any) { named(g, at, v, false) }

// named is an expression, in a list with a name that is a text or another expression.
func named(g *grammar, at string, v any, inList bool) {
	o, ok := v.(*value.Object)
	if _, bare := v.([]any); bare && inList { // a list in a list
		listOf(func(g *grammar, at string, v any) { named(g, at, v, true) })(g, at, v)
		return
	}
	if _, bare := v.(string); bare && inList { // an operator
		return
	}
	if !ok {
		g.wrong(at, "is %s, not an expression", value.Kind(v))
		return
	}
	kind, _ := o.Get("type")
	fields := map[string]rule{"type*": oneOf(expressionTypes...), "value*": text}
	switch kind {
	case "value":
		fields["value*"] = scalar
	case "complex":
		fields["value*"] = listOf(func(g *grammar, at string, v any) { named(g, at, v, true) })
	}
	if inList {
		fields["name"] = func(g *grammar, at string, v any) {
			if _, plain := v.(string); !plain {
				expression(g, at, v)
			}
		}
	}
	keys(fields)(g, at, v)
}

// scalar is a literal: a text, though files also hold numbers, booleans and nulls.
func scalar(g *grammar, at string, v any) {
	switch v.(type) {
	case []any, *value.Object:
		if !g.loose {
			g.wrong(at, "is %s, not a text", value.Kind(v))
		}
	}
}

// conditions is a list of conditions with the names of branches.
func conditions(g *grammar, at string, v any) {
	keys(map[string]rule{"type*": oneOf("complex"), "value*": listOf(keys(map[string]rule{"name*": text, "type*": oneOf("complex"), "value*": condition}))})(g, at, v)
}

// condition is and/or with more conditions, or an operator with one or two terms.
func condition(g *grammar, at string, v any) {
	list, _ := v.([]any)
	if len(list) == 0 {
		g.wrong(at, "is no condition: %s", value.JSON(v))
		return
	}
	operator, ok := list[0].(string)
	if !ok {
		g.wrong(at, "begins with %s, not with an operator", value.JSON(list[0]))
	}
	inner := expression
	if operator == "and" || operator == "or" {
		inner = condition
	} else if len(list) > 3 {
		g.wrong(at, "has %d terms", len(list)-1)
	}
	for i, one := range list[1:] {
		inner(g, fmt.Sprintf("%s[%d]", at, i+1), one)
	}
}

func checkGrammar(t *testing.T, written *value.Object, loose bool) {
	t.Helper()
	for _, wrong := range ungrammatical(written, loose) {
		t.Errorf("the export is no definition of version 7: %s", wrong)
	}
}

// TestGrammar finds what is wrong with definitions that nearly are of version 7.
func TestGrammar(t *testing.T) {
	t.Parallel()
	const right = `{"definitionVersion": 7, "name": "A", "requiredConfigVars": [], "flows": [{"name": "F", "steps": [
		{"name": "T", "isTrigger": true, "action": {"key": "k", "component": {"key": "c", "isPublic": true, "version": "LATEST"}}, "inputs": {}}]}]}`
	parsed := func(text string) any {
		v, err := value.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if wrong := ungrammatical(parsed(right), false); len(wrong) > 0 {
		t.Errorf("%v", wrong)
	}
	for from, to := range map[string]string{
		`7`: `"7"`, `"name": "A"`: `"nam": "A"`, `"isTrigger": true`: `"isTrigger": false`, `"LATEST"`: `3`, `"inputs": {}`: `"inputs": []`,
		`"requiredConfigVars": []`: `"requiredConfigVars": [{"key": "K", "dataType": "text", "orgOnly": false}]`, `"key": "k", `: ``,
		`{"name": "F", `: `{"name": "F", "queueConfig": {"usesFifoQueue": true}, "isSynchronous": true, `,
		`"inputs": {} `:  `"inputs": {"a": {"type": "reference", "value": 1}}`,
	} {
		if wrong := ungrammatical(parsed(strings.Replace(right, strings.TrimSpace(from), to, 1)), false); len(wrong) == 0 {
			t.Errorf("%s in place of %s is not found", to, from)
		}
	}
}

// TestExportsAreGrammatical writes definitions of ours that have what version 7 has no word or no room for.
func TestExportsAreGrammatical(t *testing.T) {
	t.Parallel()
	ours := ipaas.Definition{
		DisplayName: "A", Labels: map[string]string{"a": "b"}, Endpoint: &ipaas.Endpoint{},
		ConfigVariables: []ipaas.ConfigVariable{
			{DisplayName: "L", Type: ipaas.ConfigNumber, Collection: ipaas.CollectionList, Default: `[1, 2]`},
			{DisplayName: "K", Type: ipaas.ConfigBoolean, Collection: ipaas.CollectionKeyValueList, Default: `{"a": true}`},
			{DisplayName: "J", Type: ipaas.ConfigJSON, Default: `{"a": [1]}`},
			{DisplayName: "S", Type: ipaas.ConfigSchedule, Default: `"every 2h"`},
			{DisplayName: "C", Type: ipaas.ConfigConnection, ConnectionType: "acme.basic", SharedConnection: "acme", Description: "d", Default: `{"host": "h"}`, OrgOnly: true},
			{DisplayName: "D", Type: ipaas.ConfigConnection, ConnectionType: "acme.basic", Default: `{"port": 22}`},
		},
		ConfigPages: []ipaas.ConfigPage{{Title: "P", Elements: []ipaas.ConfigElement{{Heading: "<h>"}, {ConfigVariable: "L"}}}},
	}
	every := []*ipaas.Schedule{
		nil, {Cron: "CRON_TZ=Europe/Berlin 0 8 * * *"}, {Cron: "0 8 * * *", TimeZone: "Asia/Tokyo", Singleton: true}, {Every: 7 * 24 * 3600e9}, {ConfigVariable: "S"},
	}
	for i, s := range every {
		kind := ipaas.TriggerSchedule
		if s == nil {
			kind = ipaas.TriggerWebhook
		}
		ours.Flows = append(ours.Flows, ipaas.Flow{
			DisplayName: fmt.Sprint("F", i), Trigger: ipaas.Trigger{DisplayName: "T", Type: kind, Schedule: s}, Concurrency: 500,
			Ordering: &ipaas.Ordering{Scope: ipaas.OrderByFlow}, Retry: &ipaas.Retry{MaxAttempts: 10, Delay: ipaas.MaxRetryDelay},
			Steps: []ipaas.Step{{
				DisplayName: "B", Action: "branch.branchOnExpression", OnError: &ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 10, Delay: ipaas.MaxStepDelay},
				Branches: []ipaas.Branch{{Name: "X"}, {Name: "Else"}},
				Inputs: map[string]ipaas.Input{"conditions": {Kind: ipaas.InputComplex, Items: []ipaas.Input{{
					Name: "X", Kind: ipaas.InputComplex, Items: []ipaas.Input{ipaas.Literal("or"), {Kind: ipaas.InputComplex, Items: []ipaas.Input{
						ipaas.Literal("equal"), ipaas.Literal(true), {Kind: ipaas.InputComplex, Items: []ipaas.Input{ipaas.Literal("in")}},
					}}},
				}}}},
			}},
		})
	}
	written, notes := prismatic.Write(ours)
	checkGrammar(t, written, false)
	want := map[string]string{
		"flows[0].concurrency": "CHANGED", "flows[0].retry.delay": "CHANGED", "flows[0].steps[0].onError.maxAttempts": "CHANGED",
		"flows[0].steps[0].onError.delay": "CHANGED", "flows[1].ordering": "DROPPED", "configVariables[4].defaultValue": "DROPPED",
	}
	for _, n := range notes {
		if want[n.Path] == string(n.Kind) {
			delete(want, n.Path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		t.Errorf("nothing is told of %s", path)
	}
}
