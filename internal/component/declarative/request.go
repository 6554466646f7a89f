package declarative

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/value"
)

// request is a compiled request template.
type request struct {
	method  string
	address *address
	headers []named
	query   []named
	body    *body // nil: none
	success []int
	write   bool
}

// named is a template with a name: a header, a query parameter.
type named struct {
	name string
	text *expr.TemplateNode
}

var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func (b *builder) request(at string, r *ipaas.HTTPRequest, names *names) request {
	if r == nil {
		b.add(at, ipaas.ReasonRequired, "the action says no request: give it a method and a URL")
		return request{}
	}
	out := request{method: r.Method, success: r.SuccessStatuses}
	switch {
	case r.Method == "":
		b.add(at+".method", ipaas.ReasonRequired, "the request has no method: give one of %s", strings.Join(methods, ", "))
	case !slices.Contains(methods, r.Method):
		b.add(at+".method", ipaas.ReasonNotAChoice, "the method %q is unknown: give one of %s", value.Shorten(r.Method), strings.Join(methods, ", "))
	}
	out.address = b.url(at+".url", r.URL, names)
	out.headers = b.headers(at+".headers", r.Headers, names)
	out.query = b.query(at+".query", r.Query, names)
	out.body = b.body(at+".body", r, names)
	for i, status := range r.SuccessStatuses {
		if status < 100 || status > 599 {
			b.add(fmt.Sprintf("%s.successStatuses[%d]", at, i), ipaas.ReasonMalformed, "%d is no status code: give 100 to 599", status)
		}
	}
	return out
}

func (b *builder) url(at, text string, names *names) *address {
	if strings.TrimSpace(text) == "" {
		b.add(at, ipaas.ReasonRequired, "the request has no URL: begin one with {{$connection.baseUrl}} or https://")
		return nil
	}
	t := b.template(at, text, names.inRequest())
	if t == nil {
		return nil
	}
	a, err := parseAddress(t)
	if err != nil {
		b.add(at, ipaas.ReasonMalformed, "the URL %v", err)
	}
	return a
}

// ownHeaders are made by the client for the connection; a template that sets them would only seem to.
var ownHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Length", "Expect", outbound.HopHeader, "Host", "Keep-Alive", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func (b *builder) headers(at string, headers map[string]string, names *names) []named {
	var out []named
	seen := unique{}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		at, text := at+"."+name, headers[name]
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			b.add(at, ipaas.ReasonMalformed, "the header name %q has a character that none may have: use letters, digits and hyphens", value.Shorten(name))
		case slices.Contains(ownHeaders, canonical):
			b.add(at, ipaas.ReasonMisplaced, "the header %s is set by the server itself: remove it", canonical)
		case !httpguts.ValidHeaderFieldValue(text):
			b.add(at, ipaas.ReasonMalformed, "the header %s holds a line break or another control character: remove it", canonical)
		default:
			b.unique(seen, at, canonical)
			out = append(out, named{name: canonical, text: b.template(at, text, names.inRequest())})
		}
	}
	return out
}

func (b *builder) query(at string, query map[string]string, names *names) []named {
	var out []named
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if name == "" {
			b.add(at, ipaas.ReasonRequired, "a query parameter has no name: give it one")
		}
		out = append(out, named{name: name, text: b.template(at+"."+name, query[name], names.inRequest())})
	}
	return out
}

// render makes the request for some data. No error quotes data: it may be a secret.
func (r *request) render(scope expr.Scope) (outbound.Request, error) {
	out := outbound.Request{Method: r.method, Header: http.Header{}}
	var err error
	if out.URL, err = r.renderURL(scope); err != nil {
		return out, err
	}
	for _, h := range r.headers {
		text, given := h.render(scope)
		if !httpguts.ValidHeaderFieldValue(text) {
			return out, fmt.Errorf("header %s would hold a line break or another control character: look at what %s refers to", h.name, h.text.Text)
		}
		if given {
			out.Header.Set(h.name, text)
		}
	}
	if r.body != nil {
		var contentType string
		out.Body, contentType = r.body.encode(scope)
		if contentType != "" && out.Header.Get("Content-Type") == "" {
			out.Header.Set("Content-Type", contentType)
		}
	}
	if r.method == http.MethodGet || r.method == http.MethodHead {
		out.FollowRedirects = outbound.MaxRedirects
	}
	return out, nil
}

func (r *request) renderURL(scope expr.Scope) (string, error) {
	text, err := r.address.render(scope)
	if err != nil {
		return "", err
	}
	separator := "?"
	if strings.Contains(text, "?") {
		separator = "&"
	}
	var b strings.Builder
	b.WriteString(text)
	for _, q := range r.query {
		v, given := q.render(scope)
		if !given {
			continue
		}
		b.WriteString(separator + escape(q.name) + "=" + escape(v))
		separator = "&"
	}
	return b.String(), nil
}

// render returns the text, and whether there is one: a template of references that all give nothing is left out.
func (n *named) render(scope expr.Scope) (string, bool) {
	text := value.Text(expr.Eval(n.text, scope))
	return text, text != "" || n.text.Text == ""
}

// response is what a result template sees of an answer.
func response(resp *outbound.Response) *value.Object {
	return value.Obj(
		value.Field{Key: "body", Value: component.ParseBody(resp)},
		value.Field{Key: "status", Value: value.FromInt(int64(resp.Status))},
		value.Field{Key: "headers", Value: component.Headers(resp.Header)},
	)
}
