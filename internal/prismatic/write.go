package prismatic

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// writer writes one definition.
type writer struct {
	def   *ipaas.Definition
	notes notes
}

// Write writes a definition in the layout of CurrentVersion, its keys in the order of the alphabet as in the files of the other product.
// The notes tell what has no place there, with paths spelled as in the JSON of the API. Secrets that stand in the definition stay:
// Definition.RemoveSecrets takes them out.
func Write(d ipaas.Definition) (*value.Object, []Note) {
	w := &writer{def: &d}
	return w.definition(), w.notes.list()
}

// obj is an object under construction: what is empty is left out by those who say so.
type obj struct{ *value.Object }

func newObj() obj { return obj{value.Obj()} }

// some sets a text unless it is empty.
func (o obj) some(key, text string) {
	if text != "" {
		o.Set(key, text)
	}
}

func (w *writer) definition() *value.Object {
	d, o := w.def, newObj()
	o.Set("category", d.Category)
	o.Set("configPages", w.pages())
	o.Set("definitionVersion", count(CurrentVersion))
	o.Set("description", d.Description)
	o.Set("documentation", d.Documentation)
	w.endpoint(o)
	flows := make([]any, len(d.Flows))
	for i := range d.Flows {
		flows[i] = w.flow(item("flows", i), &d.Flows[i])
	}
	o.Set("flows", flows)
	if labels := w.labels(); len(labels) > 0 {
		o.Set("labels", labels)
	}
	o.Set("name", d.DisplayName)
	if d.Endpoint != nil && d.Endpoint.PreprocessFlow != "" {
		o.Set("preprocessFlowName", flowName(d, d.Endpoint.PreprocessFlow))
	}
	variables := make([]any, len(d.ConfigVariables))
	for i := range d.ConfigVariables {
		variables[i] = w.variable(item("configVariables", i), &d.ConfigVariables[i])
	}
	o.Set("requiredConfigVars", variables)
	if d.Deploy.Policy != "" && d.Deploy.Policy != ipaas.Rollback {
		w.notes.add("deploySettings.failurePolicy", Dropped, "what a failed deployment leaves behind cannot be said")
	}
	if d.Deploy.Timeout != 0 {
		w.notes.add("deploySettings.timeout", Dropped, "how long a deployment may take cannot be said")
	}
	return o.Object
}

func count(n int) value.Number { return value.Number(fmt.Sprint(n)) }

func (w *writer) labels() []any {
	var labels []any
	for _, key := range slices.Sorted(maps.Keys(w.def.Labels)) {
		labels = append(labels, key)
		if w.def.Labels[key] != "" {
			w.notes.add(joined("labels", key), Dropped, "a label has no value: %q is left out", value.Shorten(w.def.Labels[key]))
		}
	}
	return labels
}

func (w *writer) endpoint(o obj) {
	e := w.def.Endpoint
	if e == nil {
		o.Set("endpointType", wordFor(endpointTypes, ipaas.EndpointPerFlow))
		return
	}
	kind := e.Type
	if kind == "" {
		kind = ipaas.EndpointPerFlow
	}
	o.Set("endpointType", wordFor(endpointTypes, kind))
	for _, ref := range []struct {
		key string
		in  *ipaas.Input
	}{{"externalCustomerIdField", e.CustomerID}, {"externalCustomerUserIdField", e.CustomerUserID}, {"flowNameField", e.FlowName}} {
		if ref.in != nil {
			o.Set(ref.key, w.input("endpoint", *ref.in, false))
		}
	}
}

// wordFor is the word of the file for a value of a closed set.
func wordFor[T comparable](set map[string]T, is T) string {
	for _, word := range slices.Sorted(maps.Keys(set)) {
		if set[word] == is && word != "" {
			return word
		}
	}
	return ""
}

func componentRef(key string) *value.Object {
	return value.Obj(value.Field{Key: "isPublic", Value: true}, value.Field{Key: "key", Value: key}, value.Field{Key: "version", Value: "LATEST"})
}

func action(name string) *value.Object {
	component, key, _ := strings.Cut(name, ".")
	return value.Obj(value.Field{Key: "component", Value: componentRef(component)}, value.Field{Key: "key", Value: key})
}

func expression(kind string, v any) *value.Object {
	return value.Obj(value.Field{Key: "type", Value: kind}, value.Field{Key: "value", Value: v})
}
