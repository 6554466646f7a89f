package prismatic

import (
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// Reading is what became of a file.
type Reading struct {
	Definition ipaas.Definition  // without ids: Normalize makes them. Of a file with violations it is as much as could be read
	Violations []ipaas.Violation // everything that cannot be read, each with its path in the file
	Notes      []Note            // everything that was dropped, assumed or changed
	Guessed    []string          // the connections whose type is a guess, by display name
	places     places
}

// InFile spells the paths of violations of the definition in the words of the file that it was read from.
func (r *Reading) InFile(violations []ipaas.Violation) []ipaas.Violation {
	return r.places.inFile(violations)
}

// Is reports whether a value is a definition in one of the layouts that Read reads, rather than one in our own words.
func Is(v any) bool {
	root, ok := v.(*value.Object)
	if !ok {
		return false
	}
	for _, key := range []string{"definitionVersion", "requiredConfigVars", "steps", "trigger"} {
		if _, ok := root.Get(key); ok {
			return true
		}
	}
	if _, ours := root.Get("displayName"); ours {
		return false
	}
	flows, _ := root.Get("flows")
	list, _ := flows.([]any)
	for _, flow := range list {
		if f, ok := flow.(*value.Object); ok && flowIs(f) {
			return true
		}
	}
	return false
}

// flowIs reports whether a flow is in the words of the other product: its steps begin with the trigger, and actions are objects.
func flowIs(flow *value.Object) bool {
	steps, _ := flow.Get("steps")
	list, _ := steps.([]any)
	for _, step := range list {
		s, ok := step.(*value.Object)
		if !ok {
			continue
		}
		if _, ok := s.Get("isTrigger"); ok {
			return true
		}
		action, _ := s.Get("action")
		if _, ok := action.(*value.Object); ok {
			return true
		}
	}
	return false
}

// reader reads one file.
type reader struct {
	def     ipaas.Definition
	found   []ipaas.Violation
	notes   notes
	places  places
	users   map[string]string // the component that uses a config variable first, for those that do not say which
	scoped  []scoped
	guessed []string
}

// Read reads a definition. Secrets that stand in it stay: Definition.RemoveSecrets takes them out.
func Read(v any) *Reading {
	r := &reader{places: places{}, users: map[string]string{}}
	r.definition(r.object("", v))
	return &Reading{Definition: r.def, Violations: r.found, Notes: r.notes.list(), Guessed: r.guessed, places: r.places}
}

func (r *reader) wrong(at string, reason ipaas.Reason, format string, args ...any) {
	if at == "" {
		at = "definition"
	}
	r.found = append(r.found, violation(at, reason, format, args...))
}

func (r *reader) definition(o *object) {
	if version := o.whole("definitionVersion"); version > CurrentVersion || version < 0 {
		r.wrong("definitionVersion", ipaas.ReasonNotAChoice, "version %d of the layout is not known here: give at most %d", version, CurrentVersion)
	}
	r.def.DisplayName = o.name("name")
	r.def.Description = o.text("description")
	r.def.Category = o.text("category")
	r.def.Documentation = o.text("documentation")
	r.labels(o)
	// Steps and pages name config variables, and those without a type of their own take it from the steps.
	r.configVariables(o)
	r.flows(o)
	r.scopedConnections()
	r.configPages(o)
	r.endpoint(o)
	r.leftovers(o)
	o.rest()
}

func (r *reader) labels(o *object) {
	for i, v := range o.list("labels") {
		at, text := item(o.path("labels"), i), ""
		switch v.(type) {
		case []any, *value.Object:
			if !isNothing(v) {
				r.wrong(at, ipaas.ReasonWrongType, "is %s: give a text", value.Kind(v))
			}
		default:
			text = value.Text(v)
		}
		if strings.TrimSpace(text) != "" {
			if r.def.Labels == nil {
				r.def.Labels = map[string]string{}
			}
			if _, twice := r.def.Labels[text]; twice {
				r.notes.add(at, Dropped, "the label %q stands there already", value.Shorten(text))
			}
			r.def.Labels[text] = ""
			r.places[joined("labels", text)] = at
		}
	}
}

// leftovers are what an integration says beside its parts.
func (r *reader) leftovers(o *object) {
	if profile := o.text("defaultInstanceProfile"); profile != "" && profile != "Default Instance Profile" {
		r.notes.add("defaultInstanceProfile", Dropped, "there are no instance profiles: pause, limit and configure instances one by one")
	}
	if o.yes("isCodeNative") {
		r.notes.add("isCodeNative", Dropped, "what the integration does in code of its own is not in the file: describe it in steps")
	}
	o.drop("version", "the number of a version is given when one is published")
	o.drop("importMetadata", "where the file came from is not kept")
	o.drop("componentVersions", "components are taken in their latest version, and pinned when a version is published")
}

// endpoint reads at which URLs requests come in.
func (r *reader) endpoint(o *object) {
	e := ipaas.Endpoint{Type: word(o, "endpointType", endpointTypes), PreprocessFlow: o.text("preprocessFlowName")}
	refs := []struct {
		key, name string
		into      **ipaas.Input
	}{
		{"flowNameField", "flowName", &e.FlowName},
		{"externalCustomerIdField", "customerId", &e.CustomerID},
		{"externalCustomerUserIdField", "customerUserId", &e.CustomerUserID},
	}
	for _, ref := range refs {
		*ref.into = r.reference(o, ref.key, "")
		r.places["endpoint."+ref.name] = o.path(ref.key)
	}
	r.places["endpoint"], r.places["endpoint.type"] = "endpointType", "endpointType"
	r.places["endpoint.preprocessFlow"] = "preprocessFlowName"
	if e.Type != "" && e.Type != ipaas.EndpointPerFlow {
		r.def.Endpoint = &e
		return
	}
	// Each flow has its own URL, so that nobody asks whose a request is.
	if e.PreprocessFlow != "" {
		r.notes.add("preprocessFlowName", Dropped, "requests at the URLs of single flows go to the flow itself; the flow %q stays", value.Shorten(e.PreprocessFlow))
	}
	for _, ref := range refs {
		if *ref.into != nil {
			r.notes.add(ref.key, Dropped, "requests at the URLs of single flows need not say whose they are")
		}
	}
}
