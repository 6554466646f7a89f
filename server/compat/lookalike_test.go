package compat_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// lookalike is a definition in short, as testdata/lookalikes.yaml has them.
type lookalike struct {
	Name  string      `yaml:"name"`
	Like  string      `yaml:"like"`
	Pages yaml.Node   `yaml:"pages"`
	Vars  yaml.Node   `yaml:"vars"`
	Flows []shortFlow `yaml:"flows"`
}

type shortFlow struct {
	Name  string         `yaml:"name"`
	Sync  bool           `yaml:"sync"`
	Queue map[string]any `yaml:"queue"`
	Agent map[string]any `yaml:"agent"` // the schemas of a flow that agents run
	More  map[string]any `yaml:"more"`
	On    yaml.Node      `yaml:"on"`
	Steps []yaml.Node    `yaml:"steps"`
	World world          `yaml:"world"`
}

// lookalikes are written out as the documents that they stand for.
func lookalikes(t *testing.T) []document {
	t.Helper()
	content, err := os.ReadFile("testdata/lookalikes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var short []lookalike
	if err := yaml.Unmarshal(content, &short); err != nil {
		t.Fatal(err)
	}
	var out []document
	for _, l := range short {
		text, err := yaml.Marshal(l.whole())
		if err != nil {
			t.Fatal(err)
		}
		d, err := readDocument(l.Like, string(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		d.worlds = l.worlds()
		out = append(out, d)
	}
	return out
}

func (l lookalike) whole() map[string]any {
	vars := variablesOf(&l.Vars)
	out := map[string]any{
		"name": l.Name, "definitionVersion": 7, "description": "", "documentation": "", "category": "", "endpointType": "flow_specific",
		"defaultInstanceProfile": "Default Instance Profile", "configPages": pagesOf(&l.Pages, vars), "requiredConfigVars": vars,
	}
	var flows []any
	for _, f := range l.Flows {
		trigger := stepOf(&f.On)
		trigger["isTrigger"] = true
		flow := map[string]any{
			"name": f.Name, "description": "", "isSynchronous": f.Sync, "endpointSecurityType": "customer_optional",
			"steps": append([]any{trigger}, stepsOf(f.Steps)...),
		}
		if f.Queue != nil {
			flow["queueConfig"] = f.Queue
		}
		if f.Agent != nil {
			flow["isAgentFlow"], flow["schemas"] = true, f.Agent
		}
		for key, v := range f.More {
			flow[key] = v
		}
		flows = append(flows, flow)
	}
	out["flows"] = flows
	return out
}

// worlds are those of the flows, with what stands in for their steps.
func (l lookalike) worlds() map[string]*world {
	out := map[string]*world{}
	for _, f := range l.Flows {
		w := f.World
		if w.Results == nil {
			w.Results = map[string][]any{}
		}
		if text, ok := w.Payload.(string); ok {
			w.Payload, w.Text = nil, &text
			w.Headers = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		}
		for _, s := range f.Steps {
			standsIn(&s, w.Results)
		}
		out[f.Name] = &w
	}
	return out
}

func standsIn(n *yaml.Node, into map[string][]any) {
	if len(n.Content) > 4 {
		var more struct{ Result any }
		if n.Content[4].Decode(&more) == nil && more.Result != nil {
			into[n.Content[1].Value] = append(into[n.Content[1].Value], more.Result)
		}
	}
	if len(n.Content) < 4 {
		return
	}
	for _, inner := range n.Content[3].Content {
		if inner.Kind != yaml.SequenceNode {
			continue
		}
		if n.Content[3].Kind == yaml.SequenceNode {
			standsIn(inner, into)
			continue
		}
		for _, s := range inner.Content {
			standsIn(s, into)
		}
	}
}

func stepsOf(nodes []yaml.Node) []any {
	out := []any{}
	for i := range nodes {
		out = append(out, stepOf(&nodes[i]))
	}
	return out
}

func stepOf(n *yaml.Node) map[string]any {
	at := func(i int) *yaml.Node {
		if i < len(n.Content) {
			return n.Content[i]
		}
		return &yaml.Node{}
	}
	name, dotted := at(0).Value, at(1).Value
	out := map[string]any{"name": name, "description": "", "action": reach(dotted)}
	inputs := map[string]any{}
	for key, v := range fieldsOf(at(2)) {
		inputs[key] = inputOf(key, v)
	}
	if len(inputs) > 0 || len(name)%2 == 0 { // exports have an empty one or none
		out["inputs"] = inputs
	}
	switch inner := at(3); inner.Kind {
	case yaml.SequenceNode:
		steps := []any{}
		for _, s := range inner.Content {
			steps = append(steps, stepOf(s))
		}
		out["steps"] = steps
	case yaml.MappingNode:
		branches := []any{}
		for branch, steps := range fieldsOf(inner) {
			of := []any{}
			for _, s := range steps.Content {
				of = append(of, stepOf(s))
			}
			branches = append(branches, map[string]any{"name": branch, "steps": of})
		}
		out["branches"] = branches
	}
	for key, v := range fieldsOf(at(4)) {
		if key != "result" {
			out[key] = plain(v)
		}
	}
	return out
}

func reach(dotted string) map[string]any {
	component, key, _ := strings.Cut(dotted, ".")
	return map[string]any{"key": key, "component": map[string]any{"isPublic": true, "key": component, "version": "LATEST"}}
}

func plain(n *yaml.Node) any {
	var v any
	if err := n.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

// fieldsOf goes through a map in its order.
func fieldsOf(n *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

func inputOf(key string, n *yaml.Node) map[string]any {
	if n.Kind != yaml.MappingNode || key != "conditions" && key != "branchValueMappings" && key != "branches" {
		return expressionOf(n)
	}
	items := []any{}
	for branch, v := range fieldsOf(n) {
		item := map[string]any{"type": "complex"}
		if key == "conditions" {
			item["value"] = conditionOf(v)
		} else {
			item = expressionOf(v)
		}
		item["name"] = branch
		items = append(items, item)
	}
	return expression("complex", items)
}

// conditionOf is a list whose first item is an operator, and whose others are lists or expressions.
func conditionOf(n *yaml.Node) []any {
	out := []any{n.Content[0].Value}
	for i, one := range n.Content[1:] {
		if one.Kind == yaml.SequenceNode {
			out = append(out, conditionOf(one))
			continue
		}
		e := expressionOf(one)
		if i%2 == 0 {
			e["name"] = ""
		}
		out = append(out, e)
	}
	return out
}

func expressionOf(n *yaml.Node) map[string]any {
	switch n.Kind {
	case yaml.SequenceNode:
		items := []any{}
		for _, one := range n.Content {
			items = append(items, expressionOf(one))
		}
		return expression("complex", items)
	case yaml.MappingNode:
		items := []any{}
		for name, v := range fieldsOf(n) {
			if name == "type" {
				return mapOf(plain(n))
			}
			item := expressionOf(v)
			item["name"] = short(name)
			items = append(items, item)
		}
		return expression("complex", items)
	default:
		if n.Tag == "!!str" {
			return short(n.Value)
		}
		return expression("value", plain(n))
	}
}

func short(text string) map[string]any {
	for mark, kind := range map[string]string{"=": "reference", "$": "configVar", "~": "template"} {
		if after, ok := strings.CutPrefix(text, mark); ok {
			return expression(kind, after)
		}
	}
	return expression("value", text)
}

func variablesOf(n *yaml.Node) []any {
	out := []any{}
	for key, fields := range fieldsOf(n) {
		v := map[string]any{"key": key, "orgOnly": false}
		for name, field := range fieldsOf(fields) {
			switch name {
			case "connection", "dataSource":
				v[name] = reach(field.Value)
			case "inputs":
				inputs := map[string]any{}
				for input, given := range fieldsOf(field) {
					e := expressionOf(given)
					e["meta"] = map[string]any{"orgOnly": true, "visibleToCustomerDeployer": false, "visibleToOrgDeployer": len(input)%2 == 0}
					inputs[input] = e
				}
				v[name] = inputs
			default:
				v[name] = plain(field)
			}
		}
		if v["useScopedConfigVar"] != nil {
			delete(v, "orgOnly")
		}
		out = append(out, v)
	}
	return out
}

func pagesOf(n *yaml.Node, vars []any) []any {
	elements := func(names []string) []any {
		out := []any{}
		for _, name := range names {
			kind := "configVar"
			if strings.HasPrefix(name, "<") {
				kind = "htmlElement"
			}
			out = append(out, map[string]any{"type": kind, "value": name})
		}
		return out
	}
	out := []any{}
	for name, page := range fieldsOf(n) {
		var given struct {
			User     bool
			Elements []string
		}
		if page.Kind == yaml.SequenceNode {
			_ = page.Decode(&given.Elements)
		} else {
			_ = page.Decode(&given)
		}
		out = append(out, map[string]any{"name": name, "tagline": "", "userLevelConfigured": given.User, "elements": elements(given.Elements)})
	}
	if len(out) == 0 {
		var names []string
		for _, v := range vars {
			names = append(names, fmt.Sprint(mapOf(v)["key"]))
		}
		out = append(out, map[string]any{"name": "Configuration", "elements": elements(names)})
	}
	return out
}

// TestLookalikes takes what looks like public definitions through all levels.
func TestLookalikes(t *testing.T) {
	t.Parallel()
	for _, d := range lookalikes(t) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			for _, l := range levels {
				t.Run(l.name, func(t *testing.T) {
					said := l.run(t, &d)
					t.Log(said)
				})
			}
		})
	}
}

// spellings are ways to write the same document.
var spellings = []struct {
	name string
	in   func(document) string
}{
	{"quoted", func(d document) string { return requoted(d.text) }},
	{"JSON", func(d document) string { return text(d.root) }},
	{"line ends of Windows and a mark in front", func(d document) string { return "\ufeff" + strings.ReplaceAll(d.text, "\n", "\r\n") }},
	{"in braces", func(d document) string { return restyled(d, func(n *yaml.Node) { n.Style = yaml.FlowStyle }) }},
	{"all in quotes that needs some", func(d document) string {
		return restyled(d, func(n *yaml.Node) {
			if n.Tag == "!!str" {
				n.Style = yaml.SingleQuotedStyle
			}
		})
	}},
	{"folded and literal", func(d document) string {
		return restyled(d, func(n *yaml.Node) {
			switch {
			case n.Tag != "!!str" || strings.TrimSpace(n.Value) != n.Value || n.Value == "":
			case strings.Contains(n.Value, "\n"):
				n.Style = yaml.LiteralStyle
			default:
				n.Style = yaml.FoldedStyle
			}
		})
	}},
	{"one thing for all that is alike", func(d document) string {
		seen := map[string]*yaml.Node{}
		aliases := 0
		return restyled(d, func(n *yaml.Node) {
			for i, one := range n.Content {
				if one.Kind != yaml.MappingNode || len(one.Content) != 4 || one.Content[1].Kind != yaml.ScalarNode || one.Content[3].Kind != yaml.ScalarNode {
					continue
				}
				key, err := yaml.Marshal(one)
				if err != nil {
					panic(err)
				}
				first := seen[string(key)]
				switch {
				case first == nil:
					seen[string(key)] = one
				case aliases < 50:
					aliases++
					first.Anchor = fmt.Sprintf("a%d-%d", first.Line, first.Column)
					n.Content[i] = &yaml.Node{Kind: yaml.AliasNode, Alias: first, Value: first.Anchor}
				}
			}
		})
	}},
}

// restyled writes a document with something done to each of its nodes.
func restyled(d document, do func(*yaml.Node)) string {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(d.text), &root); err != nil {
		panic(err)
	}
	var each func(*yaml.Node)
	each = func(n *yaml.Node) {
		do(n)
		for _, one := range n.Content {
			each(one)
		}
	}
	each(root.Content[0])
	out, err := yaml.Marshal(&root)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// TestSpellings imports each definition however it is written, and it is the same one: comparing it with its export says nothing.
func TestSpellings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, d := range lookalikes(t) {
		if _, err := b.imports(d.name, d.text); err != nil {
			t.Fatalf("%s: %s", d.name, everything(err))
		}
		first := b.native(d.name)
		for _, s := range spellings {
			if _, err := b.imports(d.name, s.in(d)); err != nil {
				t.Errorf("%s, %s: %s", d.name, s.name, everything(err))
				continue
			}
			if diff := cmp.Diff(first, b.native(d.name)); diff != "" {
				t.Errorf("%s, %s: it is another definition (-plain +this):\n%s", d.name, s.name, diff)
			}
		}
		for _, format := range []headracev1.DefinitionFormat{headracev1.DefinitionFormat_DEFINITION_FORMAT_NATIVE, headracev1.DefinitionFormat_DEFINITION_FORMAT_V7} {
			written, err := b.exports(d.name, format)
			if err != nil {
				t.Fatal(everything(err))
			}
			res, err := b.client.Versions.DiffIntegrationVersions(t.Context(), &headracev1.DiffIntegrationVersionsRequest{
				IntegrationId: d.name,
				From:          &headracev1.DiffSide{Side: &headracev1.DiffSide_Draft{Draft: true}},
				To:            &headracev1.DiffSide{Side: &headracev1.DiffSide_Definition{Definition: written}},
			})
			if err != nil || len(res.GetDifferences()) > 0 {
				t.Errorf("%s: its export as %s differs: %v %v", d.name, format, err, res.GetDifferences())
			}
		}
	}
}
