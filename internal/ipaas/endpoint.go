package ipaas

import (
	"slices"

	"github.com/headrace/headrace/internal/value"
)

// Endpoint says at which URL requests for an integration's webhook flows come in, and how one that serves several flows, or several
// instances, tells whose a request is.
type Endpoint struct {
	Type EndpointType `json:"type,omitempty"`
	// PreprocessFlow is the display name or id of the flow that looks at each request first. The references below are then to its
	// result, else to the trigger's.
	PreprocessFlow string `json:"preprocess_flow,omitempty"`
	FlowName       *Input `json:"flow_name,omitempty"`        // the display name or id of the flow a request is for
	CustomerID     *Input `json:"customer_id,omitempty"`      // the customer's external id, for EndpointShared
	CustomerUserID *Input `json:"customer_user_id,omitempty"` // the external id of one of the customer's users, kept and not acted on
}

// EndpointType says how many flows and instances share a URL. The zero value means EndpointPerFlow.
type EndpointType string

// The types of endpoints.
const (
	EndpointPerFlow     EndpointType = "PER_FLOW"
	EndpointPerInstance EndpointType = "PER_INSTANCE"
	EndpointShared      EndpointType = "SHARED" // one for all instances of the integration
)

// Shares reports whether several flows, or several instances, share a URL.
func (e *Endpoint) Shares() bool {
	return e != nil && (e.Type == EndpointPerInstance || e.Type == EndpointShared)
}

// What stands in place of a flow's id at hooks that are no flow's.
const (
	InstanceEndpoint = ""  // at the endpoint of an instance
	SharedEndpoint   = "*" // at the endpoint of an integration, which hangs on its test instance: they live equally long
)

// URLOf returns, of the URLs of an instance by the ids of their flows, the one that several flows share; empty: they share none. A test
// instance has its own.
func (e *Endpoint) URLOf(urls map[string]string, test bool) string {
	switch {
	case !e.Shares():
		return ""
	case e.Type == EndpointShared && !test:
		return urls[SharedEndpoint]
	default:
		return urls[InstanceEndpoint]
	}
}

// endpoint checks how a URL that serves several tells whose a request is.
func (c *checker) endpoint(path string, d *Definition) {
	e := d.Endpoint
	if !slices.Contains(endpointTypes, e.Type) {
		c.add(path+".type", ReasonNotAChoice, "the type %q is unknown: give one of %s", e.Type, list(endpointTypes))
	}
	for _, ref := range []struct {
		name string
		in   *Input
	}{{"flowName", e.FlowName}, {"customerId", e.CustomerID}, {"customerUserId", e.CustomerUserID}} {
		if ref.in != nil {
			c.input(path+"."+ref.name, *ref.in, 0)
		}
	}
	shares := e.Shares()
	if shares && e.FlowName == nil {
		c.add(path+".flowName", ReasonRequired, "a URL for several flows needs to know whose a request is: give flowName, such as a reference to payload.headers.x-flow")
	}
	if e.Type == EndpointShared && e.CustomerID == nil {
		c.add(path+".customerId", ReasonRequired, "a URL for all instances needs to know whose a request is: give customerId, such as a reference to payload.body.data.account")
	}
	if !shares && e.PreprocessFlow != "" {
		c.add(path+".preprocessFlow", ReasonMisplaced, "only requests at a URL for several flows are looked at by a flow first: remove it, or give the type %s or %s", EndpointPerInstance, EndpointShared)
	}
	if e.PreprocessFlow != "" && d.FlowByName(e.PreprocessFlow) == nil {
		c.add(path+".preprocessFlow", ReasonMalformed, "there is no flow %q to look at requests first: give the display name or the id of one", value.Shorten(e.PreprocessFlow))
	}
}

var endpointTypes = []EndpointType{"", EndpointPerFlow, EndpointPerInstance, EndpointShared}
