package prismatic

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// configVariables reads the variables: a list, or in the oldest layout a map from key to default.
func (r *reader) configVariables(o *object) {
	at := o.path("requiredConfigVars")
	v := o.take("requiredConfigVars")
	headings := map[int]string{} // of the variables behind them
	switch v := v.(type) {
	case nil:
	case []any:
		if len(v) > ipaas.MaxConfigVariables {
			r.wrong(at, ipaas.ReasonTooLarge, "there are %d config variables: keep at most %d", len(v), ipaas.MaxConfigVariables)
			return
		}
		for i, one := range v {
			if key, bare := one.(string); bare {
				one = value.Obj(value.Field{Key: "key", Value: key}, value.Field{Key: "dataType", Value: "string"})
			}
			in := r.object(item(at, i), one)
			if heading := strings.Join(strings.Fields(in.text("header")), " "); heading != "" {
				headings[len(r.def.ConfigVariables)] = heading
			}
			r.configVariable(in, in.name("key"))
		}
	case *value.Object:
		if v.Len() > ipaas.MaxConfigVariables {
			r.wrong(at, ipaas.ReasonTooLarge, "there are %d config variables: keep at most %d", v.Len(), ipaas.MaxConfigVariables)
			return
		}
		for key, one := range v.All() {
			if _, described := one.(*value.Object); !described {
				one = value.Obj(value.Field{Key: "dataType", Value: "string"}, value.Field{Key: "defaultValue", Value: one})
			}
			in := r.object(keyed(at, key), one)
			in.skip("key")
			r.configVariable(in, key)
		}
	default:
		if !isNothing(v) {
			r.wrong(at, ipaas.ReasonWrongType, "is %s: give a list", value.Kind(v))
		}
	}
	r.oldPage(o, headings)
}

func (r *reader) configVariable(o *object, key string) {
	n := len(r.def.ConfigVariables)
	native := fmt.Sprintf("configVariables[%d]", n)
	r.places[native], r.places[native+".displayName"], r.places[native+".type"] = o.at, o.path("key"), o.path("dataType")
	v := ipaas.ConfigVariable{
		DisplayName: key, Description: o.text("description"), StableKey: o.text("stableKey"), OrgOnly: o.yes("orgOnly"),
		Type: r.configType(o), Collection: word(o, "collectionType", collections), CodeLanguage: o.text("codeLanguage"),
	}
	o.skip("hasDivider")
	r.visibility(o, &v)
	r.choices(o, native, &v)
	if v.Type == ipaas.ConfigConnection {
		r.connection(o, n, &v)
		o.drop("defaultValue", "a connection has its default in its inputs")
		o.drop("pickList", "a connection has no choices")
	} else {
		r.dataSource(o)
		r.defaultValue(o, &v)
		o.drop("connection", "only a variable of type connection has one")
	}
	r.scheduleZone(o, &v)
	v.Required = v.Default == "" && v.Type != ipaas.ConfigSchedule
	o.rest()
	r.def.ConfigVariables = append(r.def.ConfigVariables, v)
}

func (r *reader) configType(o *object) ipaas.ConfigType {
	if isNothing(o.take("dataType")) {
		if !isNothing(o.take("connection")) || !isNothing(o.take("useScopedConfigVar")) {
			return ipaas.ConfigConnection
		}
		r.notes.add(o.at, Assumed, "it has no dataType: it is taken for a string")
		return ipaas.ConfigString
	}
	kind := word(o, "dataType", configTypes)
	switch name := o.text("dataType"); name {
	case "objectSelection", "objectFieldMap":
		r.notes.add(o.path("dataType"), Changed, "a variable of type %s is one of type JSON here", name)
	}
	return kind
}

// visibility reads who sees a variable. One that no customer sees is set by those who run the server.
func (r *reader) visibility(o *object, v *ipaas.ConfigVariable) {
	meta := o.object("meta")
	for _, key := range []string{"visibleToCustomerDeployer", "isVisibleToCustomerDeployer"} {
		if meta.has(key) && !meta.yes(key) && !v.OrgOnly {
			v.OrgOnly = true
			r.notes.add(meta.path(key), Changed, "customers do not see it, so that only the organization sets it")
		}
	}
	for _, key := range []string{"visibleToOrgDeployer", "isVisibleToOrgDeployer"} {
		if meta.has(key) && !meta.yes(key) {
			r.notes.add(meta.path(key), Dropped, "the organization sees all variables")
		}
	}
	meta.skip("orgOnly")
	meta.rest()
}

func (r *reader) choices(o *object, native string, v *ipaas.ConfigVariable) {
	if v.Type != ipaas.ConfigPicklist {
		if v.Type != ipaas.ConfigConnection {
			o.drop("pickList", "only a variable of type picklist has choices")
		}
		return
	}
	for i, one := range o.list("pickList") {
		at := item(o.path("pickList"), i)
		switch one.(type) {
		case []any, *value.Object:
			r.wrong(at, ipaas.ReasonWrongType, "is %s: give a text", value.Kind(one))
			continue
		}
		switch text := value.Text(one); {
		case strings.TrimSpace(text) == "":
			r.notes.add(at, Dropped, "an empty choice chooses nothing")
		case slices.Contains(v.Choices, text):
			r.notes.add(at, Dropped, "the choice %q stands there already", value.Shorten(text))
		default:
			r.places[item(native+".choices", len(v.Choices))] = at
			v.Choices = append(v.Choices, text)
		}
	}
	if len(v.Choices) == 0 {
		v.Type = ipaas.ConfigString
		r.notes.add(o.path("dataType"), Changed, "no choices stand in the file: it is a string that can be anything")
	}
}

// dataSource notes what would have filled a form.
func (r *reader) dataSource(o *object) {
	if !isNothing(o.take("dataSource")) {
		r.notes.add(o.path("dataSource"), Dropped, "values are typed in, not fetched from a data source")
	} else if !isNothing(o.take("inputs")) {
		r.notes.add(o.path("inputs"), Dropped, "only a connection has inputs")
	}
	o.skip("inputs")
}

// defaultValue reads a default, which is text in the file, whatever the type. Collections and what is JSON here is read as such.
func (r *reader) defaultValue(o *object, v *ipaas.ConfigVariable) {
	at := o.path("defaultValue")
	given := o.take("defaultValue")
	if isNothing(given) {
		return
	}
	if v.Type == ipaas.ConfigCode || v.Type == ipaas.ConfigString && v.Collection == "" {
		if _, plain := given.(string); !plain {
			given = value.Text(given)
		}
	}
	text, isText := given.(string)
	if isText && (v.Collection != "" || v.Type == ipaas.ConfigJSON) {
		parsed, err := value.Parse([]byte(text))
		switch {
		case err == nil:
			given = parsed
		case v.Collection != "":
			r.wrong(at, ipaas.ReasonMalformed, "the default of a %s is JSON text, and this is none: %v", o.text("collectionType"), err)
			return
		}
	}
	switch v.Collection {
	case ipaas.CollectionKeyValueList:
		given = r.pairs(at, given)
	case "":
		switch given.(type) {
		case []any, *value.Object:
			if v.Type != ipaas.ConfigJSON {
				r.wrong(at, ipaas.ReasonWrongType, "is %s: give a text", value.Kind(given))
				return
			}
		case bool, value.Number:
			if v.Type != ipaas.ConfigJSON {
				given = value.Text(given) // all defaults are texts where they come from
			}
		}
	}
	if given == nil || given == "" {
		return
	}
	if text, ok := given.(string); ok && v.Type == ipaas.ConfigString && strings.ContainsAny(text, "\r\n") {
		v.Type = ipaas.ConfigText
		r.notes.add(at, Changed, "the default has several lines: the variable is of type TEXT")
	}
	v.Default = string(value.JSON(given))
}

// pairs turns a list of objects with key and value into the object that key/value lists are here.
func (r *reader) pairs(at string, given any) any {
	list, ok := given.([]any)
	if !ok {
		return given // an object says the same; all else is found when the definition is checked
	}
	out := value.Obj()
	for i, one := range list {
		pair, ok := one.(*value.Object)
		if !ok {
			r.wrong(item(at, i), ipaas.ReasonWrongType, "is %s: give an object with key and value", value.Kind(one))
			continue
		}
		key, _ := pair.Get("key")
		val, _ := pair.Get("value")
		if _, twice := out.Get(value.Text(key)); twice {
			r.notes.add(item(at, i), Dropped, "the key %q stands there already: its last value counts", value.Shorten(value.Text(key)))
		}
		out.Set(value.Text(key), val)
	}
	if out.Len() == 0 {
		return nil
	}
	return out
}

// scheduleZone reads the time zone of a schedule, which stands in the value here.
func (r *reader) scheduleZone(o *object, v *ipaas.ConfigVariable) {
	r.scheduleType(o)
	if d, ok := v.DefaultValue(); ok && v.Type == ipaas.ConfigSchedule {
		if every, ok := ipaas.Interval(value.Text(d)); ok && everyCron(every) != "" {
			v.Default = string(value.JSON(everyCron(every)))
			r.notes.add(o.path("defaultValue"), Changed, "every %s is %s", every, everyCron(every))
		}
	}
	zone := strings.TrimSpace(o.text("timeZone"))
	switch {
	case zone == "":
	case v.Type != ipaas.ConfigSchedule || v.Default == "":
		r.notes.add(o.path("timeZone"), Dropped, "each value of a schedule names its own time zone, as in %s%s 0 8 * * *", ipaas.ZonePrefix, value.Shorten(zone))
	default:
		if d, ok := v.DefaultValue(); ok && !strings.HasPrefix(value.Text(d), ipaas.ZonePrefix) {
			v.Default = string(value.JSON(ipaas.ZonePrefix + zone + " " + value.Text(d)))
		}
	}
}
