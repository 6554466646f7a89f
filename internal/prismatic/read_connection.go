package prismatic

import (
	"fmt"
	"regexp"
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
