package prismatic

import (
	"html"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func (w *writer) pages() []any {
	pages := make([]any, len(w.def.ConfigPages))
	for i, p := range w.def.ConfigPages {
		elements := make([]any, len(p.Elements))
		for j, e := range p.Elements {
			one := newObj()
			if e.ConfigVariable != "" {
				one.Set("type", "configVar")
				one.Set("value", w.variableName(e.ConfigVariable))
			} else {
				one.Set("type", "htmlElement")
				one.Set("value", html.EscapeString(e.Heading))
			}
			elements[j] = one.Object
		}
		page := newObj()
		page.Set("elements", elements)
		page.Set("name", p.Title)
		page.Set("tagline", p.Tagline)
		pages[i] = page.Object
	}
	return pages
}

// variableName is the key of a config variable, which may be named by its id.
func (w *writer) variableName(name string) string {
	if v, _ := w.def.ConfigVariable(name); v != nil {
		return v.DisplayName
	}
	return name
}

// variable writes a config variable.
func (w *writer) variable(at string, v *ipaas.ConfigVariable) *value.Object {
	o := newObj()
	kind := v.Type
	switch kind {
	case "":
		kind = ipaas.ConfigString
	case ipaas.ConfigText:
		kind = ipaas.ConfigString
		w.notes.add(at+".type", Changed, "a text of several lines is a string")
	}
	o.some("codeLanguage", v.CodeLanguage)
	o.some("collectionType", wordFor(collections, v.Collection))
	component, key, ok := strings.Cut(v.ConnectionType, ".")
	shared := kind == ipaas.ConfigConnection && v.SharedConnection != ""
	if ok && !shared {
		connection := newObj()
		connection.Set("component", componentRef(component))
		connection.Set("key", key)
		o.Set("connection", connection.Object)
	}
	o.Set("dataType", variableWord(kind))
	switch {
	case shared:
		w.sharedConnection(at, o, v)
	case kind != ipaas.ConfigConnection:
		text, zone := w.defaultText(at, v)
		o.Set("defaultValue", text)
		o.some("description", v.Description)
		w.variableRest(o, v)
		if kind == ipaas.ConfigSchedule {
			o.Set("scheduleType", "custom")
		}
		o.some("stableKey", v.StableKey)
		o.some("timeZone", zone)
	default:
		o.some("description", v.Description)
		o.Set("inputs", w.connectionInputs(v))
		w.variableRest(o, v)
		o.some("stableKey", v.StableKey)
	}
	if v.Secret {
		w.notes.add(at+".secret", Dropped, "only connections have secrets: %q is a plain string there", v.DisplayName)
	}
	if required := v.Default == "" && v.Type != ipaas.ConfigSchedule; required != v.Required {
		w.notes.add(at+".required", Dropped, "what has no default is required there, and what has one is not")
	}
	return o.Object
}

// sharedConnection writes a connection that stands elsewhere. Besides what it is called there, little may be said of it.
func (w *writer) sharedConnection(at string, o obj, v *ipaas.ConfigVariable) {
	o.some("description", v.Description)
	if v.Default != "" {
		w.notes.add(at+"."+v.DefaultField(), Dropped, "a shared connection has its inputs where it is kept")
	}
	o.Set("key", v.DisplayName)
	if v.OrgOnly {
		o.Set("meta", value.Obj(value.Field{Key: "visibleToCustomerDeployer", Value: false}))
	}
	o.some("stableKey", v.StableKey)
	o.Set("useScopedConfigVar", v.SharedConnection)
	w.notes.add(at+".connectionType", Assumed, "the shared connection %q is there already, and is a %s",
		value.Shorten(v.SharedConnection), v.ConnectionType)
}

func (w *writer) variableRest(o obj, v *ipaas.ConfigVariable) {
	o.Set("key", v.DisplayName)
	o.Set("orgOnly", v.OrgOnly)
	if len(v.Choices) > 0 {
		choices := make([]any, len(v.Choices))
		for i, choice := range v.Choices {
			choices[i] = choice
		}
		o.Set("pickList", choices)
	}
}

// variableWord is the word for a type. Several words mean what is JSON here.
func variableWord(kind ipaas.ConfigType) string {
	switch kind {
	case ipaas.ConfigJSON:
		return "jsonForm"
	case ipaas.ConfigConnection:
		return "connection"
	default:
		return wordFor(configTypes, kind)
	}
}

// defaultText writes a default as the text that it is in the file, and the time zone that stands in front of a schedule.
func (w *writer) defaultText(at string, v *ipaas.ConfigVariable) (text, zone string) {
	given, ok := v.DefaultValue()
	if !ok {
		return "", ""
	}
	if pairs, ok := given.(*value.Object); ok && v.Collection == ipaas.CollectionKeyValueList {
		list := []any{}
		for key, one := range pairs.All() {
			list = append(list, value.Obj(value.Field{Key: "key", Value: key}, value.Field{Key: "value", Value: one}))
		}
		return string(value.JSON(list)), ""
	}
	if v.Type == ipaas.ConfigJSON && v.Collection == "" {
		return string(value.JSON(given)), ""
	}
	text = value.Text(given)
	if rest, ok := strings.CutPrefix(text, ipaas.ZonePrefix); ok && v.Type == ipaas.ConfigSchedule {
		zone, text, _ = strings.Cut(rest, " ")
	}
	if every, ok := ipaas.Interval(text); ok && v.Type == ipaas.ConfigSchedule && v.Collection == "" {
		return w.everyText(at+"."+v.DefaultField(), every), ""
	}
	if _, ok := given.(string); !ok && v.Collection == "" {
		w.notes.add(at+"."+v.DefaultField(), Changed, "all defaults are texts there")
	}
	return text, zone
}

func (w *writer) connectionInputs(v *ipaas.ConfigVariable) *value.Object {
	out := value.Obj()
	given, _ := v.DefaultValue()
	inputs, _ := given.(*value.Object)
	for key, one := range inputs.All() {
		out.Set(key, expression("value", one))
	}
	return out
}
