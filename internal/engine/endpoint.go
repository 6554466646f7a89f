package engine

import (
	"fmt"
	"slices"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// The roots of what an endpoint's references are to: the request, or what the flow that looked at it first made of it.
const (
	endpointPayload   = "payload"
	endpointExecution = "onExecution"
)

// The references of an endpoint, as they stand in a definition.
const (
	endpointFlowName       = "flowName"
	endpointCustomerID     = "customerId"
	endpointCustomerUserID = "customerUserId"
)

// endpoint is a definition's endpoint made ready; nil: every flow has its own URL alone.
type endpoint struct {
	def        *ipaas.Endpoint
	preprocess *flow // nil: none
	refs       inputs
}

func (p *Program) compileEndpoint() *endpoint {
	e := p.def.Endpoint
	if !e.Shares() {
		return nil
	}
	given := map[string]ipaas.Input{}
	for name, in := range map[string]*ipaas.Input{
		endpointFlowName: e.FlowName, endpointCustomerID: e.CustomerID, endpointCustomerUserID: e.CustomerUserID,
	} {
		if in != nil {
			given[name] = *in
		}
	}
	out := &endpoint{def: e, refs: compileInputs(given)}
	if e.PreprocessFlow != "" {
		if f := p.def.FlowByName(e.PreprocessFlow); f != nil {
			out.preprocess = p.byID[f.ID]
		}
	}
	return out
}

// PreprocessFlow returns the flow that looks at each request at the endpoint first, or nil.
func (p *Program) PreprocessFlow() *ipaas.Flow {
	if p.endpoint == nil || p.endpoint.preprocess == nil {
		return nil
	}
	return p.endpoint.preprocess.def
}

// Serves reports whether requests at a hook are for the program: those for a flow that it has, and those at the endpoint if it has one.
func (p *Program) Serves(flowID string) bool {
	if flowID == ipaas.InstanceEndpoint || flowID == ipaas.SharedEndpoint {
		return p.endpoint != nil
	}
	return p.byID[flowID] != nil
}

// Destination is whom a request at an endpoint is for.
type Destination struct {
	Flow     string // as the request names it
	Customer string // its external id; empty where the instance is known
}

// EndpointRequest is what tells whom a request at an endpoint is for.
type EndpointRequest struct {
	Payload *value.Object  // the trigger's results, without a preprocess flow
	Result  any            // what the preprocess flow made of the request
	Config  map[string]any // resolved values by config variable id; nil: the instance is not known yet
}

// Destination evaluates whom a request at the endpoint is for. A flow is not looked up: see FlowAt.
func (p *Program) Destination(req EndpointRequest) Destination {
	if p.endpoint == nil {
		return Destination{}
	}
	s := &endpointScope{scope: scope{program: p, config: req.Config}}
	if p.endpoint.preprocess != nil {
		s.key, s.root = endpointExecution, value.Obj(value.Field{Key: results, Value: req.Result})
	} else {
		s.key, s.root = endpointPayload, foldHeaders(req.Payload)
	}
	eval := func(name string) string {
		node := p.endpoint.refs[name]
		if node == nil {
			return ""
		}
		v, err := expr.EvalWithin(node, s, maxDestination)
		if err != nil {
			return ""
		}
		return keyText(v)
	}
	return Destination{Flow: eval(endpointFlowName), Customer: eval(endpointCustomerID)}
}

// maxDestination bounds the names that a request gives: no flow and no customer has a longer one.
const maxDestination = 4 << 10

// FlowAt returns the flow behind the endpoint that a request names, by display name or id, or nil. The preprocess flow is none of them.
func (p *Program) FlowAt(name string) *ipaas.Flow {
	if p.endpoint == nil || name == "" {
		return nil
	}
	f := p.def.FlowByName(name)
	if f == nil || p.endpoint.preprocess != nil && p.endpoint.preprocess.def.ID == f.ID {
		return nil
	}
	return f
}

// endpointScope gives the references of an endpoint what they are to.
type endpointScope struct {
	scope
	key  string
	root *value.Object
}

// Step implements expr.Scope.
func (s *endpointScope) Step(key string) (any, bool) {
	if key == s.key {
		return s.root, true
	}
	return nil, false
}

// endpoint checks that whom a request is for can be told when it comes in.
func (c *check) endpoint() {
	e := c.program.endpoint
	if e == nil {
		return
	}
	for _, name := range []string{endpointFlowName, endpointCustomerID, endpointCustomerUserID} {
		at := "endpoint." + name
		expr.Walk(e.refs[name], func(path string, n expr.Node) {
			switch n := n.(type) {
			case *expr.ReferenceNode:
				c.endpointReference(at+path, n)
			case *expr.ConfigVariableNode:
				c.endpointVariable(at+path, n)
			}
		})
	}
	c.endpointFlow()
	if e.preprocess == nil || e.def.Type != ipaas.EndpointShared {
		return
	}
	if security := e.preprocess.def.Security; security == ipaas.SecurityCustomerRequired {
		c.add(e.preprocess.path+".security", ipaas.ReasonMisplaced, "flow %q looks at requests before it is known whose they are, so that no customer's key counts: give it the security %s or %s",
			e.preprocess.def.DisplayName, ipaas.SecurityOrganization, ipaas.SecurityUnsecured)
	}
	// It runs before the instance is known, so that there are no values.
	for _, used := range variablesOf(e.preprocess) {
		if _, known := c.program.variables[used.name]; !known {
			continue // that is told already, or it is text
		}
		c.add(used.at, ipaas.ReasonMisplaced, "flow %q looks at requests before it is known whose they are, and config variable %q has no value then: take it out",
			e.preprocess.def.DisplayName, used.name)
	}
}

// endpointFlow checks a flow that the endpoint names once for all.
func (c *check) endpointFlow() {
	named, ok := c.program.endpoint.refs[endpointFlowName].(*expr.LiteralNode)
	if !ok {
		return
	}
	name := keyText(named.Value)
	if c.program.FlowAt(name) != nil {
		return
	}
	var names []string
	for _, f := range c.program.flows {
		if c.program.FlowAt(f.def.ID) != nil {
			names = append(names, f.def.DisplayName)
		}
	}
	c.add("endpoint."+endpointFlowName, ipaas.ReasonUnknownField, "the endpoint is for flow %q, and there is no such flow behind it: %s", name, c.wayOut(name, names, "add it"))
}

func (c *check) endpointReference(at string, ref *expr.ReferenceNode) {
	path := ref.Path()
	switch {
	case c.program.endpoint.preprocess == nil && ref.Key != endpointPayload:
		c.add(at, ipaas.ReasonUnknownField, "%q refers to %q, and there is nothing but the request when it comes in: write %s.headers.… or %s.body.data.…",
			ref.Text, ref.Key, endpointPayload, endpointPayload)
	case c.program.endpoint.preprocess != nil && (ref.Key != endpointExecution || len(path) == 0 || path[0] != results):
		c.add(at, ipaas.ReasonUnknownField, "%q does not refer to what flow %q makes of the request: write %s.%s.…",
			ref.Text, c.program.endpoint.preprocess.def.DisplayName, endpointExecution, results)
	}
}

func (c *check) endpointVariable(at string, n *expr.ConfigVariableNode) {
	v, _ := c.program.def.ConfigVariable(n.Name)
	switch {
	case v == nil:
		c.unknownVariable(at, "the endpoint names", n.Name)
	case c.program.endpoint.def.Type == ipaas.EndpointShared:
		c.add(at, ipaas.ReasonMisplaced, "config variable %q has no value before it is known whose a request is: refer to the request", v.DisplayName)
	case v.Type == ipaas.ConfigConnection:
		c.add(at, ipaas.ReasonWrongType, "config variable %q is a connection, which names no flow: refer to the request", v.DisplayName)
	}
}

// usedVariable is where a flow uses a config variable.
type usedVariable struct{ at, name string }

// variablesOf returns the config variables that a flow uses, in the order of the document.
func variablesOf(f *flow) (used []usedVariable) {
	look := func(at string, in inputs) {
		keys := make([]string, 0, len(in))
		for key := range in {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			expr.Walk(in[key], func(path string, n expr.Node) {
				if v, ok := n.(*expr.ConfigVariableNode); ok {
					used = append(used, usedVariable{fmt.Sprintf("%s.%s%s", at, key, path), v.Name})
				}
			})
		}
	}
	look(f.path+".trigger.inputs", f.inputs)
	look(f.path, f.keys)
	for _, s := range f.all {
		look(s.path+".inputs", s.inputs)
	}
	return used
}
