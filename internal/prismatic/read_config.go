package prismatic

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// scoped is a connection whose type the file does not say, since it is kept elsewhere.
type scoped struct {
	variable int
	at       string
	key      string // what the file calls it
}

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

// oldPage makes a page of the headings that layouts without pages have among the variables.
func (r *reader) oldPage(o *object, headings map[int]string) {
	if len(headings) == 0 {
		return
	}
	at := o.path("requiredConfigVars")
	if o.has("configPages") {
		r.notes.add(at, Dropped, "headings stand on the config pages")
		return
	}
	page := ipaas.ConfigPage{Title: defaultPage}
	for i := range r.def.ConfigVariables {
		if heading, ok := headings[i]; ok {
			page.Elements = append(page.Elements, ipaas.ConfigElement{Heading: heading})
		}
		page.Elements = append(page.Elements, ipaas.ConfigElement{ConfigVariable: r.def.ConfigVariables[i].DisplayName})
	}
	r.notes.add(at, Changed, "the headings among the variables make the config page %q", page.Title)
	r.places["configPages[0]"] = at
	r.def.ConfigPages = []ipaas.ConfigPage{page}
}

const defaultPage = "Configuration"

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

// zonePrefix is how a cron expression says its time zone.
const zonePrefix = "CRON_TZ="

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
		r.notes.add(o.path("timeZone"), Dropped, "each value of a schedule names its own time zone, as in %s%s 0 8 * * *", zonePrefix, value.Shorten(zone))
	default:
		if d, ok := v.DefaultValue(); ok && !strings.HasPrefix(value.Text(d), zonePrefix) {
			v.Default = string(value.JSON(zonePrefix + zone + " " + value.Text(d)))
		}
	}
}

// connection reads a connection: its type, and what its inputs are before anybody enters something.
func (r *reader) connection(o *object, n int, v *ipaas.ConfigVariable) {
	if v.Collection != "" {
		r.notes.add(o.path("collectionType"), Dropped, "a connection is always single")
		v.Collection = ""
	}
	in := o.object("connection")
	if !isNothing(in.fields) {
		v.ConnectionType = r.qualified(in, "connection")
		in.drop("template", "connections are made without a template")
		in.rest()
	}
	shared, credentials := o.text("useScopedConfigVar"), o.list("credentialTypes")
	switch {
	case v.ConnectionType != "" || !isNothing(in.fields):
		if shared != "" {
			r.notes.add(o.path("useScopedConfigVar"), Dropped, "connections are not shared between integrations: each instance has its own")
		}
	case shared != "":
		v.SharedConnection = shared
		r.scoped = append(r.scoped, scoped{n, o.path("useScopedConfigVar"), shared})
	case len(credentials) > 0:
		if len(credentials) > 1 {
			r.notes.add(o.path("credentialTypes"), Dropped, "a connection has one type: the first is taken")
		}
		r.scoped = append(r.scoped, scoped{n, o.path("credentialTypes"), value.Text(credentials[0])})
	default:
		r.scoped = append(r.scoped, scoped{n, o.at, "connection"})
	}
	if on := o.text("onPremiseConnectionConfig"); on != "" && on != "disallowed" {
		r.notes.add(o.path("onPremiseConnectionConfig"), Dropped, "there is no agent on premises: open the way to the other system, or run the server there")
	}
	o.drop("dataSource", "values are typed in, not fetched from a data source")
	if v.SharedConnection != "" {
		o.drop("inputs", "a shared connection has its inputs where it is kept")
		return
	}
	r.connectionInputs(o, n, v)
}

func (r *reader) connectionInputs(o *object, n int, v *ipaas.ConfigVariable) {
	native := fmt.Sprintf("configVariables[%d]", n)
	inputs := o.object("inputs")
	given := value.Obj()
	hidden := false
	for key, one := range inputs.fields.All() {
		at := inputs.path(key)
		fields, isObject := one.(*value.Object)
		if !isObject || !isExpression(fields) {
			fields = value.Obj(value.Field{Key: "value", Value: one})
		}
		in := r.object(at, fields)
		kind, val := in.text("type"), in.take("value")
		hidden = !isNothing(in.take("meta")) || hidden
		in.rest()
		switch {
		case isNothing(val):
		case kind != "" && kind != "value":
			r.notes.add(at, Dropped, "an input of a connection is a value: this is a %s", value.Shorten(kind))
		default:
			given.Set(key, val)
			r.places[native+".defaultValue."+key] = at
		}
	}
	if hidden {
		r.notes.add(inputs.at, Dropped, "all inputs of a connection are seen by whoever sets it")
	}
	if given.Len() > 0 {
		v.Default = string(value.JSON(given))
	}
}

// typeKey is what the key of a connection type must look like.
var typeKey = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// scopedConnections gives a type to connections that the file leaves without one: that of the component which takes them.
func (r *reader) scopedConnections() {
	for _, s := range r.scoped {
		v := &r.def.ConfigVariables[s.variable]
		component := r.users[v.DisplayName]
		if component == "" {
			component = "shared"
		}
		key := strings.TrimLeft(typeKey.ReplaceAllString(s.key, "-"), "-_0123456789")
		if key == "" {
			key = "connection"
		}
		v.ConnectionType = component + "." + key
		r.guessed = append(r.guessed, v.DisplayName)
		r.notes.add(s.at, Assumed, "the file does not say what signs in: the connection type is taken for %s", v.ConnectionType)
	}
}

// configPages reads the pages of the configuration wizard.
func (r *reader) configPages(o *object) {
	list := o.list("configPages")
	if len(list) > ipaas.MaxConfigPages {
		r.wrong(o.path("configPages"), ipaas.ReasonTooLarge, "there are %d config pages: keep at most %d", len(list), ipaas.MaxConfigPages)
		return
	}
	for i, v := range list {
		in := r.object(item(o.path("configPages"), i), v)
		native := fmt.Sprintf("configPages[%d]", i)
		r.places[native] = in.at
		page := ipaas.ConfigPage{Title: in.name("name"), Tagline: in.text("tagline")}
		if strings.TrimSpace(page.Title) == "" {
			page.Title = defaultPage
			r.notes.add(in.at, Assumed, "the page has no name: it is called %q", defaultPage)
		}
		if in.yes("userLevelConfigured") {
			r.notes.add(in.path("userLevelConfigured"), Dropped, "an instance has one configuration: users do not have their own")
		}
		for j, v := range in.list("elements") {
			e := r.object(item(in.path("elements"), j), v)
			if element, ok := r.element(e); ok {
				r.places[item(native+".elements", len(page.Elements))] = e.at
				page.Elements = append(page.Elements, element)
			}
			e.rest()
		}
		in.rest()
		r.def.ConfigPages = append(r.def.ConfigPages, page)
	}
}

func (r *reader) element(o *object) (ipaas.ConfigElement, bool) {
	kind := word(o, "type", map[string]string{"": "configVar", "configVar": "configVar", "htmlElement": "htmlElement", "jsonForm": "jsonForm"})
	text := o.text("value")
	if kind == "htmlElement" {
		heading := plainText(text)
		whole := []rune(heading)
		switch {
		case heading == "" && strings.TrimSpace(text) != "":
			r.notes.add(o.path("value"), Dropped, "a page shows plain text, and there is none in it")
		case len(whole) > maxHeading:
			heading = strings.TrimSpace(string(whole[:maxHeading-1])) + "…"
			r.notes.add(o.path("value"), Changed, "it is shown as a heading of plain text, of its first %d characters", maxHeading-1)
		case heading != strings.TrimSpace(html.UnescapeString(text)):
			r.notes.add(o.path("value"), Changed, "it is shown as a heading of plain text: %q", value.Shorten(heading))
		}
		return ipaas.ConfigElement{Heading: heading}, heading != ""
	}
	if strings.TrimSpace(text) == "" {
		return ipaas.ConfigElement{}, false
	}
	v, _ := r.def.ConfigVariable(text)
	if kind == "jsonForm" {
		if v == nil {
			r.notes.add(o.at, Dropped, "the form belongs to no config variable")
			return ipaas.ConfigElement{}, false
		}
		r.notes.add(o.path("type"), Changed, "the form is shown as its config variable")
	}
	return ipaas.ConfigElement{ConfigVariable: text}, true
}

// maxHeading bounds a heading, as the API does.
const maxHeading = 1000

var (
	htmlTag    = regexp.MustCompile(`(?s)<!--.*?-->|</?[A-Za-z][^<>]*>`)
	htmlScript = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>`)
)

// plainText is what a person reads of HTML.
func plainText(text string) string {
	text = htmlScript.ReplaceAllString(text, " ")
	text = htmlTag.ReplaceAllString(text, " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}
