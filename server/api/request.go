package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/headrace/headrace/internal/ipaas"
)

// checkRequest holds query and body against the request message before the gateway decodes them. The gateway would ignore unknown
// query parameters and stop at the first mistake in a body.
func (a *API) checkRequest(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, pathParams map[string]string) {
		pattern, _ := runtime.HTTPPattern(r.Context())
		route, ok := routeFor(r.Method, pattern.String())
		if !ok {
			// The routes and the gateway are made of the same annotations; a test walks over all of them.
			a.refuse(w, httpError{&ipaas.Error{Reason: ipaas.ReasonInternal, Message: "internal error"}, codes.Internal, 0})
			return
		}
		if verbs := ownVerbsAt(r.URL.EscapedPath()); !strings.Contains(route.template, ":") && len(verbs) > 0 {
			a.methodNotAllowed(w, r, verbs) // no id has a colon: GET …:deploy asks for no instance of that id
			return
		}
		body, refusal := readBody(w, r)
		if refusal != nil {
			a.refuse(w, *refusal)
			return
		}
		var d decoding
		d.path(pathParams, route)
		d.query(r.URL.RawQuery, route)
		d.body(body, route)
		if err := d.err(); err != nil {
			var ours *ipaas.Error
			errors.As(err, &ours)
			a.refuse(w, httpError{ours, codes.InvalidArgument, 0})
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		// What was sent as a form by a client that sets no type is JSON all the same; the gateway must not look for a form in it.
		r.Header.Set("Content-Type", "application/json")
		next(w, r, pathParams)
	}
}

// readBody reads the whole body.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *httpError) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, unsupported(fmt.Sprintf("a body in the encoding %q is not read: send it as it is", encoding))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &httpError{&ipaas.Error{
			Reason:  ipaas.ReasonPayloadTooLarge,
			Message: fmt.Sprintf("the body is larger than %d bytes: send less at a time", maxMessage),
		}, codes.InvalidArgument, http.StatusRequestEntityTooLarge}
	case err != nil:
		return nil, &httpError{&ipaas.Error{
			Reason: ipaas.ReasonMalformedPayload, Message: "the body could not be read to its end: send it again",
		}, codes.InvalidArgument, 0}
	}
	if len(bytes.TrimSpace(body)) > 0 && !jsonType(r.Header.Get("Content-Type")) {
		return nil, unsupported(fmt.Sprintf("a body of type %q is not read: send JSON with Content-Type: application/json",
			r.Header.Get("Content-Type")))
	}
	return body, nil
}

func unsupported(message string) *httpError {
	return &httpError{
		&ipaas.Error{Reason: ipaas.ReasonUnsupportedMediaType, Message: message},
		codes.InvalidArgument, http.StatusUnsupportedMediaType,
	}
}

// jsonType reports whether a body of a type is read as JSON. What curl -d says of every body is among them.
func jsonType(header string) bool {
	if header == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(header)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json") ||
		media == "application/x-www-form-urlencoded" || media == "text/plain" || media == "text/json")
}

// body checks the body of a request.
func (d *decoding) body(body []byte, r route) {
	md := r.bodyMessage()
	empty := len(bytes.TrimSpace(body)) == 0
	switch {
	case md == nil && !empty && string(bytes.TrimSpace(body)) != "{}":
		d.refuse("body", ipaas.ReasonMisplaced, "%s takes no body: send its fields in the query", r.rpc.Name())
	case empty && md != nil && r.body != "*":
		d.refuse(r.body, ipaas.ReasonRequired, "is missing: send it as the body, in JSON")
	case md != nil && !empty:
		d.violations = append(d.violations, checkShape(body, md, "body", false)...)
	}
}

// path checks the variables of a path. Their rules are those of the fields they stand for; only their types are checked here.
func (d *decoding) path(params map[string]string, r route) {
	for _, name := range r.pathFields() {
		fd := r.rpc.Input().Fields().ByName(protoreflect.Name(name))
		if trouble := queryTrouble(fd, params[name]); trouble != "" {
			d.refuse(fd.JSONName(), ipaas.ReasonWrongType, "%s", trouble)
		}
	}
}

// query checks the query of a request.
func (d *decoding) query(raw string, r route) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		d.refuse("query", ipaas.ReasonMalformed, "is malformed: escape what is no letter, digit or one of -._~ as %%XX")
		return
	}
	known := r.queryFields()
	seen := map[protoreflect.Name]bool{}
	for _, name := range slices.Sorted(keysOf(values)) {
		i := slices.IndexFunc(known, func(fd protoreflect.FieldDescriptor) bool {
			return fd.JSONName() == name || string(fd.Name()) == name
		})
		if i < 0 {
			d.refuse(shorten(name), ipaas.ReasonUnknownField, "is no query parameter of %s: %s", r.rpc.Name(), queryHint(name, r, known))
			continue
		}
		fd := known[i]
		if len(values[name]) > 1 || seen[fd.Name()] {
			d.refuse(fd.JSONName(), ipaas.ReasonDuplicate, "stands twice in the query: send it once")
			continue
		}
		seen[fd.Name()] = true
		if trouble := queryTrouble(fd, values[name][0]); trouble != "" {
			d.refuse(fd.JSONName(), ipaas.ReasonWrongType, "%s", trouble)
		}
	}
}

func keysOf(values url.Values) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range values {
			if !yield(key) {
				return
			}
		}
	}
}

func queryHint(name string, r route, known []protoreflect.FieldDescriptor) string {
	if fd, ok := fieldNamed(r.rpc.Input(), name); ok && r.body == "*" {
		return "send " + fd.JSONName() + " in the body"
	}
	if len(known) == 0 {
		return "it has none"
	}
	var names []string
	for _, fd := range known {
		names = append(names, fd.JSONName())
	}
	return "it has " + strings.Join(names, ", ")
}

// queryTrouble says why a text is no value of a field, "" if it is one.
func queryTrouble(fd protoreflect.FieldDescriptor, text string) string {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		if text != "true" && text != "false" {
			return "must be true or false"
		}
	case protoreflect.EnumKind:
		return enumTrouble(fd, text)
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		// JSON may write a whole number as 1e3, a query may not.
		if strings.ContainsAny(text, ".eE") {
			return "must be a whole number in digits, not " + tokenName(text)
		}
		return integerTrouble(fd, json.Number(text), "must be a whole number, not "+tokenName(text))
	}
	return ""
}

// routingError answers requests that belong to no route.
func (a *API) routingError(
	_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, httpStatus int,
) {
	verbs := verbsAt(r.URL.EscapedPath())
	if custom := customVerbs(r.URL.EscapedPath()); httpStatus == http.StatusMethodNotAllowed && len(verbs) > 0 && len(custom) == 0 {
		a.methodNotAllowed(w, r, verbs)
		return
	}
	if verbs := customVerbs(r.URL.EscapedPath()); len(verbs) > 0 {
		a.refuse(w, httpError{&ipaas.Error{
			Reason:  ipaas.ReasonNotFound,
			Message: fmt.Sprintf("there is nothing at %s: what stands before the colon has %s", shorten(r.URL.Path), strings.Join(verbs, ", ")),
		}, codes.NotFound, 0})
		return
	}
	a.notFound(w, r)
}

// methodNotAllowed answers requests for paths that take other HTTP methods.
func (a *API) methodNotAllowed(w http.ResponseWriter, r *http.Request, verbs []string) {
	w.Header().Set("Allow", strings.Join(verbs, ", "))
	a.refuse(w, httpError{&ipaas.Error{
		Reason:  reasonMethodNotAllowed,
		Message: fmt.Sprintf("%s is not what %s takes: use %s", r.Method, shorten(r.URL.Path), strings.Join(verbs, " or ")),
	}, codes.Unimplemented, http.StatusMethodNotAllowed})
}

// notFound answers requests for paths that there are not.
func (a *API) notFound(w http.ResponseWriter, r *http.Request) {
	a.refuse(w, httpError{&ipaas.Error{
		Reason:  ipaas.ReasonNotFound,
		Message: fmt.Sprintf("there is nothing at %s: the page at / lists every path", shorten(r.URL.Path)),
	}, codes.NotFound, 0})
}
