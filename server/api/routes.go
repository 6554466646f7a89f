package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// files are the protos whose services are served.
var files = []protoreflect.FileDescriptor{
	pb.File_headrace_v1_component_proto, pb.File_headrace_v1_integration_proto, pb.File_headrace_v1_flow_proto,
	pb.File_headrace_v1_config_variable_proto, pb.File_headrace_v1_integration_version_proto,
	pb.File_headrace_v1_test_instance_proto, pb.File_headrace_v1_customer_proto, pb.File_headrace_v1_instance_proto,
	pb.File_headrace_v1_deployment_proto, pb.File_headrace_v1_cleanup_debt_proto, pb.File_headrace_v1_upgrade_proto,
	pb.File_headrace_v1_execution_proto, pb.File_headrace_v1_state_proto, pb.File_headrace_v1_flow_key_proto,
}

// A route is one HTTP binding of an RPC, as the annotations in the protos say.
type route struct {
	verb     string // GET, POST, …
	template string // /v1/customers/{customer_id}
	rpc      protoreflect.MethodDescriptor
	body     string // name of the field that is the body, "*" for the whole request, "" for no body
	path     *regexp.Regexp
}

// bodyMessage returns what the body of a request on the route is.
func (r route) bodyMessage() protoreflect.MessageDescriptor {
	switch r.body {
	case "":
		return nil
	case "*":
		return r.rpc.Input()
	}
	return r.rpc.Input().Fields().ByName(protoreflect.Name(r.body)).Message()
}

// pathFields are the fields of the request that the path holds.
func (r route) pathFields() []string {
	var out []string
	for _, segment := range strings.Split(r.template, "{")[1:] {
		name, _, _ := strings.Cut(segment, "}")
		out = append(out, name)
	}
	return out
}

// queryFields are the fields of the request that may stand in the query.
func (r route) queryFields() []protoreflect.FieldDescriptor {
	if r.body == "*" {
		return nil
	}
	var out []protoreflect.FieldDescriptor
	taken := r.pathFields()
	for i := range r.rpc.Input().Fields().Len() {
		fd := r.rpc.Input().Fields().Get(i)
		if string(fd.Name()) != r.body && !slices.Contains(taken, string(fd.Name())) {
			out = append(out, fd)
		}
	}
	return out
}

// routes is every HTTP binding.
var routes = func() []route {
	var out []route
	for _, file := range files {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				out = append(out, routesOf(methods.Get(j))...)
			}
		}
	}
	return out
}()

func routesOf(rpc protoreflect.MethodDescriptor) []route {
	rule, _ := proto.GetExtension(rpc.Options(), annotations.E_Http).(*annotations.HttpRule)
	if rule == nil {
		return nil
	}
	var out []route
	for _, rule := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		r := route{rpc: rpc, body: rule.GetBody()}
		switch pattern := rule.GetPattern().(type) {
		case *annotations.HttpRule_Get:
			r.verb, r.template = http.MethodGet, pattern.Get
		case *annotations.HttpRule_Post:
			r.verb, r.template = http.MethodPost, pattern.Post
		case *annotations.HttpRule_Patch:
			r.verb, r.template = http.MethodPatch, pattern.Patch
		case *annotations.HttpRule_Put:
			r.verb, r.template = http.MethodPut, pattern.Put
		case *annotations.HttpRule_Delete:
			r.verb, r.template = http.MethodDelete, pattern.Delete
		}
		r.path = pathPattern(r.template)
		out = append(out, r)
	}
	return out
}

var variable = regexp.MustCompile(`\\\{[a-z_]+\\\}`)

// pathPattern makes a pattern of a template. A variable may hold anything but a slash.
func pathPattern(template string) *regexp.Regexp {
	return regexp.MustCompile("^" + variable.ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$")
}

// routeFor returns the route of a template as the gateway prints it: /v1/customers/{customer_id=*}.
func routeFor(verb, printed string) (route, bool) {
	template := strings.ReplaceAll(printed, "=*}", "}")
	i := slices.IndexFunc(routes, func(r route) bool { return r.verb == verb && r.template == template })
	if i < 0 {
		return route{}, false
	}
	return routes[i], true
}

// verbsAt returns the HTTP methods a path has.
func verbsAt(path string) []string { return verbsOf(path, func(route) bool { return true }) }

// ownVerbsAt returns the HTTP methods that a path has as that of a method of our own, e.g. …:deploy.
func ownVerbsAt(path string) []string {
	if !strings.Contains(path, ":") {
		return nil
	}
	return verbsOf(path, func(r route) bool { return strings.Contains(r.template, ":") })
}

func verbsOf(path string, counts func(route) bool) []string {
	var out []string
	for _, r := range routes {
		if counts(r) && r.path.MatchString(path) && !slices.Contains(out, r.verb) {
			out = append(out, r.verb)
		}
	}
	return out
}

// customVerbs returns what may stand behind the colon of a path whose own verb there is not, e.g. :deploy; nil for a path without
// a colon and for one whose verb is known.
func customVerbs(path string) []string {
	begin := strings.LastIndexByte(path, ':')
	if begin <= strings.LastIndexByte(path, '/') {
		return nil
	}
	var out []string
	for _, r := range routes {
		_, verb, ok := strings.Cut(r.template, ":")
		switch {
		case !ok || !r.path.MatchString(path[:begin]+":"+verb) || slices.Contains(out, ":"+verb):
		case path[begin+1:] == verb:
			return nil
		default:
			out = append(out, ":"+verb)
		}
	}
	return out
}

// bodyOf returns by RPC the name of the field that REST callers send as the body: paths of violations begin below it.
var bodyOf = func() map[string]string {
	out := map[string]string{}
	for _, r := range routes {
		if r.body != "*" && r.body != "" {
			out[string(r.rpc.Input().FullName())] = r.body
		}
	}
	return out
}()

// belowBody drops the name of the body's field from a path in a request: REST callers send the resource itself.
func belowBody(request protoreflect.MessageDescriptor, path string) string {
	body := bodyOf[string(request.FullName())]
	if body == "" {
		return path
	}
	for _, spelled := range []string{body, camel(body)} {
		if rest, ok := strings.CutPrefix(path, spelled+"."); ok {
			return rest
		}
	}
	return path
}
