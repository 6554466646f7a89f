package config

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// connection makes the value of a connection: what the instance entered over the defaults of the variable and of the inputs.
func (s *Settings) connection(v *ipaas.ConfigVariable, given any, program *engine.Program) {
	_, kind := program.ConnectionType(v.ConnectionType)
	if kind == nil {
		return // a problem of the definition, reported there
	}
	merged := value.Obj()
	if d, ok := v.DefaultValue(); ok {
		if o, ok := d.(*value.Object); ok {
			merged = o.Clone()
		}
	}
	entered, _ := given.(*value.Object)
	if given != nil && entered == nil {
		s.wrong(v.ID, []ipaas.Violation{{Reason: ipaas.ReasonWrongType, Description: "is " + value.Kind(given) + ": give an object with the connection's inputs"}})
		return
	}
	for key, item := range entered.All() {
		merged.Set(key, item)
	}
	if merged.Len() == 0 && !v.Required {
		return
	}
	fields := make(map[string]any, merged.Len())
	var wrong []ipaas.Violation
	for key, item := range merged.All() {
		if ipaas.Field(kind.Inputs, key) == nil {
			wrong = append(wrong, ipaas.Violation{
				Field: key, Reason: ipaas.ReasonUnknownInput,
				Description: fmt.Sprintf("is no input of connection type %s: it has %s", v.ConnectionType, fieldKeys(kind.Inputs)),
			})
			continue
		}
		fields[key] = item
	}
	inputs, bad := component.Resolve(kind.Inputs, fields)
	for _, b := range bad {
		b.Field = strings.TrimPrefix(b.Field, "inputs.")
		wrong = append(wrong, b)
	}
	if len(wrong) > 0 {
		s.wrong(v.ID, wrong)
		return
	}
	c := &component.Connection{Type: v.ConnectionType, ConfigVariable: v.ID, Inputs: value.Obj(), Public: value.Obj()}
	for _, f := range kind.Inputs {
		item := inputs[f.Key]
		if pairs, ok := item.([]component.Pair); ok {
			item = component.PairsObject(pairs)
		}
		c.Inputs.Set(f.Key, item)
		if f.Secret {
			s.hide(v.ID+"."+f.Key, item)
			continue
		}
		c.Public.Set(f.Key, item)
	}
	s.Values[v.ID] = c
}

// sealConnection keeps a connection's inputs one by one, the secret ones sealed. A secret input that is not sent again stays as it
// was, since nobody can read it to send it.
func (k *Keeper) sealConnection(
	instanceUID string, v *ipaas.ConfigVariable, program *engine.Program, old ipaas.ConfigValue, parsed any,
) (ipaas.ConfigValue, []ipaas.Violation) {
	_, kind := program.ConnectionType(v.ConnectionType)
	entered, _ := parsed.(*value.Object)
	if kind == nil {
		return old, []ipaas.Violation{{
			Reason:      ipaas.ReasonUnknownConnectionType,
			Description: fmt.Sprintf("its connection type %q does not exist: create the component first", v.ConnectionType),
		}}
	}
	out := ipaas.ConfigValue{Inputs: map[string]ipaas.ConfigValue{}}
	for _, f := range kind.Inputs {
		if kept, ok := old.Inputs[f.Key]; ok && f.Secret {
			out.Inputs[f.Key] = kept
		}
	}
	var wrong []ipaas.Violation
	for key, item := range entered.All() {
		f := ipaas.Field(kind.Inputs, key)
		if f == nil {
			wrong = append(wrong, ipaas.Violation{
				Field: key, Reason: ipaas.ReasonUnknownInput,
				Description: fmt.Sprintf("is no input of connection type %s: it has %s", v.ConnectionType, fieldKeys(kind.Inputs)),
			})
			continue
		}
		optional := *f
		optional.Required = false // it may come later
		if _, bad := component.Resolve([]ipaas.InputField{optional}, map[string]any{key: item}); len(bad) > 0 {
			wrong = append(wrong, ipaas.Violation{Field: key, Reason: bad[0].Reason, Description: bad[0].Description})
			continue
		}
		text := string(value.JSON(item))
		if f.Secret {
			out.Inputs[key] = k.sealText(text, configPlace(instanceUID, v.ID, key), old.Inputs[key])
			continue
		}
		out.Inputs[key] = ipaas.ConfigValue{JSON: text}
	}
	return out, append(wrong, givenForElsewhere(kind.Inputs, old, out, entered)...)
}

// givenForElsewhere refuses to send secrets to another host than they were given for: who may change an address need not know them.
func givenForElsewhere(fields []ipaas.InputField, old, next ipaas.ConfigValue, entered *value.Object) []ipaas.Violation {
	from := ""
	for _, f := range fields {
		if was := address(old.Inputs[f.Key]); !f.Secret && was != "" && was != address(next.Inputs[f.Key]) {
			from = was
		}
	}
	if from == "" {
		return nil
	}
	var wrong []ipaas.Violation
	for _, f := range fields {
		_, kept := old.Inputs[f.Key]
		_, sent := entered.Get(f.Key)
		if f.Secret && kept && !sent {
			wrong = append(wrong, ipaas.Violation{
				Field: f.Key, Reason: ipaas.ReasonRequired,
				Description: fmt.Sprintf("was given for %s: send it again together with another address", from),
			})
		}
	}
	return wrong
}

// address returns the scheme and host of a stored text that is a URL, or "".
func address(stored ipaas.ConfigValue) string {
	v, err := value.Parse([]byte(stored.JSON))
	if err != nil {
		return ""
	}
	text, _ := v.(string)
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}
