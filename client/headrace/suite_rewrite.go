package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// rewriter makes the nodes of an expectation say what came. What holds stays the node it is.
type rewriter struct {
	m       *matcher
	source  *yamlText
	splices []splice
}

func (r *rewriter) expectation(c *testCase, res *headracev1.TestFlowResponse) *yaml.Node {
	ex := res.GetExecution()
	return r.object(c.node, rewrites{
		"error":  r.text(ex.GetError().GetMessage()),
		"result": r.value(ex.GetResultJson()),
		"steps":  r.steps,
		"order":  func(node *yaml.Node) *yaml.Node { return r.order(node, c.expect.order) },
		"requests": func(node *yaml.Node) *yaml.Node {
			return r.requests(node, c.expect.requests, res.GetExchanges())
		},
		"response": func(node *yaml.Node) *yaml.Node { return r.response(node, res.GetResponse()) },
	})
}

// rewrites are the fields of an object that may change.
type rewrites map[string]func(*yaml.Node) *yaml.Node

// object rewrites fields of an object. Those that it shares with others by an anchor stay.
func (r *rewriter) object(node *yaml.Node, fields rewrites) *yaml.Node {
	out := node
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		rewrite, value := fields[node.Content[i].Value], node.Content[i+1]
		if rewrite == nil || shared(value) {
			continue
		}
		now := rewrite(value)
		if now == value {
			continue
		}
		if out == node {
			out = copyOf(node)
		}
		out.Content[i+1] = now
	}
	return out
}

func shared(n *yaml.Node) bool { return n.Kind == yaml.AliasNode || n.Anchor != "" }

func copyOf(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = slices.Clone(n.Content)
	return &out
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// text returns what rewrites a text.
func (r *rewriter) text(got string) func(*yaml.Node) *yaml.Node {
	return func(node *yaml.Node) *yaml.Node {
		if r.m.like(node.Value, got) {
			return node
		}
		return scalar("!!str", r.m.urls.Replace(got))
	}
}

func (r *rewriter) number(got int) func(*yaml.Node) *yaml.Node {
	return func(node *yaml.Node) *yaml.Node {
		if node.Value == strconv.Itoa(got) {
			return node
		}
		return scalar("!!int", strconv.Itoa(got))
	}
}

// value returns what rewrites a value, which came as JSON.
func (r *rewriter) value(got string) func(*yaml.Node) *yaml.Node {
	return func(node *yaml.Node) *yaml.Node {
		if got == "" {
			got = "null"
		}
		if !json.Valid([]byte(got)) {
			return node
		}
		dec := json.NewDecoder(bytes.NewReader([]byte(r.m.urls.Replace(got))))
		dec.UseNumber()
		came, err := nodeOf(dec)
		if err != nil {
			return node
		}
		return r.merged(node, came)
	}
}

// merged returns what came, in the words of what was expected where that holds: wildcards, forms of numbers, orders of keys.
func (r *rewriter) merged(want, came *yaml.Node) *yaml.Node {
	switch {
	case shared(want) || r.holds(want, came):
		return want
	case want.Kind == yaml.MappingNode && came.Kind == yaml.MappingNode:
		return r.mergedObject(want, came)
	case want.Kind == yaml.SequenceNode && came.Kind == yaml.SequenceNode:
		out := copyOf(want)
		out.Content = slices.Clone(came.Content)
		for i := range min(len(want.Content), len(came.Content)) {
			out.Content[i] = r.merged(want.Content[i], came.Content[i])
		}
		return out
	}
	return came
}

func (r *rewriter) mergedObject(want, came *yaml.Node) *yaml.Node {
	out := copyOf(want)
	out.Content = nil
	left := map[string]*yaml.Node{}
	for i := 0; i+1 < len(came.Content); i += 2 {
		left[came.Content[i].Value] = came.Content[i+1]
	}
	for i := 0; i+1 < len(want.Content); i += 2 {
		key := want.Content[i]
		if key.ShortTag() == "!!merge" {
			return want
		}
		if value := left[key.Value]; value != nil {
			out.Content = append(out.Content, key, withComments(r.merged(want.Content[i+1], value), want.Content[i+1]))
			delete(left, key.Value)
		}
	}
	for i := 0; i+1 < len(came.Content); i += 2 {
		if left[came.Content[i].Value] != nil {
			out.Content = append(out.Content, came.Content[i], came.Content[i+1])
		}
	}
	return out
}

// withComments returns what came in the place of a single value, with the comment beside that.
func withComments(came, of *yaml.Node) *yaml.Node {
	if came == of || came.Kind != yaml.ScalarNode || of.Kind != yaml.ScalarNode {
		return came
	}
	out := copyOf(came)
	out.HeadComment, out.LineComment, out.FootComment = of.HeadComment, of.LineComment, of.FootComment
	return out
}

func (r *rewriter) holds(want, came *yaml.Node) bool {
	m := matcher{urls: r.m.urls, words: r.m.words}
	var values [2]any
	for i, node := range []*yaml.Node{want, came} {
		text, err := yamlToJSON(node)
		if err != nil {
			return false
		}
		if values[i], err = parseJSON(string(text)); err != nil {
			return false
		}
	}
	m.value("", values[0], values[1], false)
	return len(m.found) == 0
}

func (r *rewriter) steps(node *yaml.Node) *yaml.Node {
	fields := rewrites{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := node.Content[i].Value
		var found []*headracev1.StepResult
		for _, s := range r.m.ran {
			if named(s, name) {
				found = append(found, s)
			}
		}
		fields[name] = func(node *yaml.Node) *yaml.Node {
			known := rewrites{"times": r.number(len(found))}
			if len(found) == 1 {
				known["result"], known["inputs"] = r.value(found[0].GetResultJson()), r.value(found[0].GetInputsJson())
				known["error"], known["branch"] = r.text(found[0].GetError()), r.text(found[0].GetBranch())
			}
			return r.object(node, known)
		}
	}
	return r.object(node, fields)
}

func (r *rewriter) order(node *yaml.Node, want []string) *yaml.Node {
	ran := r.m.ran
	same := commonOrder(len(want), len(ran), func(i, j int) bool { return named(ran[j], want[i]) })
	if len(same) == len(want) && len(want) == len(ran) {
		return node
	}
	out := copyOf(node)
	out.Content = nil
	for j, s := range ran {
		item := scalar("!!str", s.GetDisplayName())
		if at := slices.IndexFunc(same, func(pair [2]int) bool { return pair[1] == j }); at >= 0 {
			item = node.Content[same[at][0]]
		}
		out.Content = append(out.Content, item)
	}
	return out
}

// requests rewrites the list of all requests. One that says times in a row stays: which of its requests would it be about?
func (r *rewriter) requests(node *yaml.Node, want []requestWant, made []*headracev1.Exchange) *yaml.Node {
	if slices.ContainsFunc(want, func(w requestWant) bool { return w.times != nil }) {
		return node
	}
	out, changed := copyOf(node), len(want) != len(made)
	out.Content = nil
	for i, e := range made {
		if i >= len(want) {
			out.Content = append(out.Content, r.madeRequest(e))
			continue
		}
		item := node.Content[i]
		if !shared(item) {
			item = r.request(item, e.GetRequest(), e.GetTruncated())
		}
		changed = changed || item != node.Content[i]
		out.Content = append(out.Content, item)
	}
	if !changed {
		return node
	}
	return out
}

func (r *rewriter) request(node *yaml.Node, got *headracev1.ExchangeRequest, truncated bool) *yaml.Node {
	fields := rewrites{"method": r.text(got.GetMethod()), "url": r.text(got.GetUrl())}
	if !truncated && got.GetBinary() == nil {
		fields["json"], fields["text"] = r.value(got.GetText()), r.text(got.GetText())
	}
	return r.object(node, fields)
}

// madeRequest is a request that nothing was expected of.
func (r *rewriter) madeRequest(e *headracev1.Exchange) *yaml.Node {
	shown := &objectWriter{}
	shownRequests(shown, []*headracev1.Exchange{e})
	list := r.value(shown.String())(scalar("!!null", "null")) // {requests: [the one]}
	return list.Content[1].Content[0]
}

func (r *rewriter) response(node *yaml.Node, got *headracev1.WebhookResponse) *yaml.Node {
	fields := rewrites{"status": r.number(int(got.GetStatus()))}
	if len(got.GetBodyBytes()) == 0 {
		fields["json"], fields["text"] = r.value(got.GetBody()), r.text(got.GetBody())
	}
	return r.object(node, fields)
}

// changes finds the smallest nodes in which two trees differ.
func (r *rewriter) changes(old, now *yaml.Node, inFlow bool) {
	if old == now || shared(old) {
		return
	}
	flow := inFlow || old.Style&yaml.FlowStyle != 0
	if old.Kind == now.Kind && old.Kind != yaml.ScalarNode && len(old.Content) == len(now.Content) && sameKeys(old, now) {
		for i := range old.Content {
			if old.Kind == yaml.SequenceNode || i%2 == 1 {
				r.changes(old.Content[i], now.Content[i], flow)
			}
		}
		return
	}
	s := splice{old: old, with: now, inFlow: inFlow}
	if !anyNode(old, shared) && (s.block() || !r.commented(old)) {
		r.splices = append(r.splices, s)
	}
}

func sameKeys(a, b *yaml.Node) bool {
	for i := 0; a.Kind == yaml.MappingNode && i < len(a.Content); i += 2 {
		if a.Content[i].Value != b.Content[i].Value {
			return false
		}
	}
	return true
}

// commented reports whether a comment stands within a node.
func (r *rewriter) commented(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode && n.Style&yaml.FlowStyle != 0 {
		at, err := r.source.begin(n)
		if err != nil {
			return true
		}
		_, commented, err := r.source.flowEnd(at)
		return commented || err != nil
	}
	return slices.ContainsFunc(n.Content, func(item *yaml.Node) bool {
		return anyNode(item, func(n *yaml.Node) bool { return n.HeadComment+n.LineComment+n.FootComment != "" })
	})
}

func anyNode(n *yaml.Node, is func(*yaml.Node) bool) bool {
	return is(n) || slices.ContainsFunc(n.Content, func(item *yaml.Node) bool { return anyNode(item, is) })
}
