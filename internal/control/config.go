package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/value"
)

// ConfigChange is new values for an instance.
type ConfigChange struct {
	Values     map[string]ConfigInput // by config variable id or display name
	ReplaceAll bool                   // what is not in Values goes back to its default
}

// ConfigInput is a value as a caller sent it.
type ConfigInput struct {
	JSON  string // empty: back to the default
	Typed bool   // it was sent as JSON text, and is shown so
}

// redacted stands where a secret was.
const redacted = "[redacted]"

// settings is an instance's config made ready for running flows.
type settings struct {
	program  *engine.Program // that they were checked against; holding it keeps its address its own
	values   map[string]any  // by config variable id; connections are *component.Connection
	redactor *secret.Redactor
	problems []ipaas.Violation // what is missing or wrong, under configValues
}

// settings opens an instance's config, fills in defaults and checks every value, as of one definition. What it returns is shared.
func (p *Plane) settings(instanceUID string, program *engine.Program, cfg ipaas.Config) (*settings, error) {
	key := fmt.Sprintf("%s|%d|%p", instanceUID, cfg.Revision, program)
	if s, ok := p.opened.Get(key); ok && s.program == program {
		return s, nil
	}
	s, err := p.openSettings(instanceUID, program, cfg)
	if err == nil {
		p.opened.Put(key, s)
	}
	return s, err
}

func (p *Plane) openSettings(instanceUID string, program *engine.Program, cfg ipaas.Config) (*settings, error) {
	def := program.Definition()
	s := &settings{program: program, values: make(map[string]any, len(def.ConfigVariables)), redactor: &secret.Redactor{}}
	for i := range def.ConfigVariables {
		v := &def.ConfigVariables[i]
		given, err := p.openValue(instanceUID, v, cfg.Values[v.ID])
		if err != nil {
			return nil, fmt.Errorf("open the value of config variable %s: %w", v.ID, err)
		}
		if v.Type == ipaas.ConfigConnection {
			s.connection(v, given, program)
			continue
		}
		s.plain(v, given)
	}
	return s, nil
}

func (s *settings) plain(v *ipaas.ConfigVariable, given any) {
	if given == nil {
		given, _ = v.DefaultValue()
	}
	if isUnset(given) {
		if v.Required {
			s.missing(v.ID, v.DisplayName)
		}
		s.values[v.ID] = given
		return
	}
	if wrong := v.Check(given); len(wrong) > 0 {
		s.wrong(v.ID, wrong)
		return
	}
	s.values[v.ID] = given
	if v.Secret {
		s.hide(v.ID, given)
	}
}

func (s *settings) missing(id, name string) {
	s.problems = append(s.problems, ipaas.Violation{
		Field: "configValues." + id, Reason: ipaas.ReasonRequired,
		Description: fmt.Sprintf("%q has no value, and it is required", name),
	})
}

func (s *settings) wrong(id string, violations []ipaas.Violation) {
	for _, v := range violations {
		field := "configValues." + id
		if v.Field != "" {
			field += "." + strings.TrimPrefix(v.Field, ".")
		}
		s.problems = append(s.problems, ipaas.Violation{Field: field, Reason: v.Reason, Description: v.Description})
	}
}

// hide makes the redactor take out a secret, and every text inside one that is a list or an object.
func (s *settings) hide(name string, v any) {
	switch v := v.(type) {
	case nil, bool:
	case []any:
		for _, item := range v {
			s.hide(name, item)
		}
	case *value.Object:
		for _, item := range v.All() {
			s.hide(name, item)
		}
	default:
		s.redactor.Add(name, value.Text(v), redacted)
	}
}

// redact returns v without secrets.
func (s *settings) redact(v any) (any, bool) { return s.redactor.Value(v) }

// applyConfig returns the config that a change makes of cfg, as of the first of the programs that has the variable and takes the value.
// Unknown variables and values of the wrong type are refused all at once; what is merely missing is not: it may come later.
func (p *Plane) applyConfig(instanceUID string, programs []*engine.Program, cfg ipaas.Config, change ConfigChange) (ipaas.Config, error) {
	next := ipaas.Config{Revision: cfg.Revision, Values: map[string]ipaas.ConfigValue{}}
	if !change.ReplaceAll {
		maps.Copy(next.Values, cfg.Values)
	}
	var wrong []ipaas.Violation
	for _, name := range sortedKeys(change.Values) {
		id, stored, bad := p.applyValue(instanceUID, programs, cfg, name, change.Values[name])
		wrong = append(wrong, bad...)
		if stored == nil {
			delete(next.Values, id)
			continue
		}
		next.Values[id] = *stored
	}
	if len(wrong) > 0 {
		return cfg, ipaas.InvalidArgument("config values are not valid", wrong...)
	}
	if !equalConfig(cfg.Values, next.Values) {
		next.Revision++
	}
	return next, nil
}

// applyValue returns what is stored for one value; nil goes back to the default.
func (p *Plane) applyValue(
	instanceUID string, programs []*engine.Program, cfg ipaas.Config, name string, given ConfigInput,
) (id string, stored *ipaas.ConfigValue, wrong []ipaas.Violation) {
	field := "configValues." + name
	for _, program := range programs {
		v, _ := program.Definition().ConfigVariable(name)
		if v == nil {
			continue
		}
		if given.JSON == "" {
			return v.ID, nil, nil
		}
		sealed, bad := p.sealValue(instanceUID, v, program, cfg.Values[v.ID], given)
		if len(bad) == 0 {
			return v.ID, &sealed, nil
		}
		if wrong == nil {
			id, wrong = v.ID, bad
		}
	}
	if wrong == nil {
		def := programs[len(programs)-1].Definition()
		return "", nil, []ipaas.Violation{{
			Field: field, Reason: ipaas.ReasonUnknownConfigVariable,
			Description: fmt.Sprintf("the integration has no config variable %q: it has %s", name, variableIDs(def)),
		}}
	}
	for i := range wrong {
		wrong[i].Field = strings.TrimSuffix(field+"."+strings.TrimPrefix(wrong[i].Field, "."), ".")
	}
	return id, nil, wrong
}

// sealValue checks a value and makes it what is stored.
func (p *Plane) sealValue(
	instanceUID string, v *ipaas.ConfigVariable, program *engine.Program, old ipaas.ConfigValue, given ConfigInput,
) (ipaas.ConfigValue, []ipaas.Violation) {
	parsed, err := value.Parse([]byte(given.JSON))
	if err != nil {
		return old, []ipaas.Violation{{Reason: ipaas.ReasonMalformed, Description: "is not JSON: " + err.Error()}}
	}
	if parsed == nil {
		return ipaas.ConfigValue{JSON: "null", Typed: given.Typed}, nil
	}
	if wrong := v.Check(parsed); len(wrong) > 0 {
		return old, wrong
	}
	if v.Type == ipaas.ConfigConnection {
		return p.sealConnection(instanceUID, v, program, old, parsed)
	}
	if v.Secret {
		return p.sealText(given.JSON, configPlace(instanceUID, v.ID, ""), old), nil
	}
	return ipaas.ConfigValue{JSON: given.JSON, Typed: given.Typed}, nil
}

// sealText seals a secret. One that is what it was stays as it is: sealing it anew would make it look changed.
func (p *Plane) sealText(text, place string, old ipaas.ConfigValue) ipaas.ConfigValue {
	if old.Sealed != "" {
		if was, err := p.keys.Open(old.Sealed, place); err == nil && string(was) == text {
			return old
		}
	}
	return ipaas.ConfigValue{Sealed: p.keys.Seal([]byte(text), place)}
}

// openValue returns what an instance set, or nil.
func (p *Plane) openValue(instanceUID string, v *ipaas.ConfigVariable, stored ipaas.ConfigValue) (any, error) {
	if stored.Inputs == nil {
		return p.openText(instanceUID, v.ID, "", stored)
	}
	o := value.Obj()
	for _, key := range sortedKeys(stored.Inputs) {
		item, err := p.openText(instanceUID, v.ID, key, stored.Inputs[key])
		if err != nil {
			return nil, err
		}
		o.Set(key, item)
	}
	return o, nil
}

func (p *Plane) openText(instanceUID, variableID, key string, stored ipaas.ConfigValue) (any, error) {
	text := []byte(stored.JSON)
	if stored.Sealed != "" {
		var err error
		if text, err = p.keys.Open(stored.Sealed, configPlace(instanceUID, variableID, key)); err != nil {
			return nil, err
		}
	}
	if len(text) == 0 {
		return nil, nil
	}
	return value.Parse(text)
}

// configPlace names the place a secret is sealed for, so that it opens nowhere else.
func configPlace(instanceUID, variableID, key string) string {
	return strings.Join([]string{"config", instanceUID, variableID, key}, "|")
}

// isUnset reports whether a value is none: nothing was entered.
func isUnset(v any) bool { return v == nil || v == "" }

func pairsObject(pairs []component.Pair) *value.Object {
	o := value.Obj()
	for _, pair := range pairs {
		o.Set(pair.Key, pair.Value)
	}
	return o
}

func fieldKeys(fields []ipaas.InputField) string {
	keys := make([]string, len(fields))
	for i := range fields {
		keys[i] = fields[i].Key
	}
	if len(keys) == 0 {
		return "none"
	}
	return strings.Join(keys, ", ")
}

func variableIDs(def *ipaas.Definition) string {
	ids := make([]string, len(def.ConfigVariables))
	for i := range def.ConfigVariables {
		ids[i] = def.ConfigVariables[i].ID
	}
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}

func equalConfig(a, b map[string]ipaas.ConfigValue) bool {
	if len(a) != len(b) {
		return false
	}
	for id, v := range a {
		w, ok := b[id]
		if !ok || v.JSON != w.JSON || v.Typed != w.Typed || v.Sealed != w.Sealed || !equalConfig(v.Inputs, w.Inputs) {
			return false
		}
	}
	return true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
