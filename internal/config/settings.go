package config

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

// Settings is an instance's config made ready for running flows.
type Settings struct {
	Values   map[string]any    // by config variable id; connections are *component.Connection
	Redactor *secret.Redactor  // takes out every secret among the values
	Problems []ipaas.Violation // what is missing or wrong, under configValues

	program *engine.Program // that they were checked against; holding it keeps its address its own
}

// Settings opens an instance's config, fills in defaults and checks every value, as of one definition. What it returns is shared.
func (k *Keeper) Settings(instanceUID string, program *engine.Program, cfg ipaas.Config) (*Settings, error) {
	key := fmt.Sprintf("%s|%d|%p", instanceUID, cfg.Revision, program)
	if s, ok := k.opened.Get(key); ok && s.program == program {
		return s, nil
	}
	s, err := k.Open(instanceUID, program, cfg)
	if err == nil {
		k.opened.Put(key, s)
	}
	return s, err
}

// Open is Settings for what is looked at once: nothing of it is kept.
func (k *Keeper) Open(instanceUID string, program *engine.Program, cfg ipaas.Config) (*Settings, error) {
	def := program.Definition()
	s := &Settings{program: program, Values: make(map[string]any, len(def.ConfigVariables)), Redactor: &secret.Redactor{}}
	for i := range def.ConfigVariables {
		v := &def.ConfigVariables[i]
		given, err := k.openValue(instanceUID, v, cfg.Values[v.ID])
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

func (s *Settings) plain(v *ipaas.ConfigVariable, given any) {
	if given == nil {
		given, _ = v.DefaultValue()
	}
	if isUnset(given) {
		if v.Required {
			s.missing(v.ID, v.DisplayName)
		}
		s.Values[v.ID] = given
		return
	}
	if wrong := v.Check(given); len(wrong) > 0 {
		s.wrong(v.ID, wrong)
		return
	}
	s.Values[v.ID] = given
	if v.Secret {
		s.hide(v.ID, given)
	}
}

func (s *Settings) missing(id, name string) {
	s.Problems = append(s.Problems, ipaas.Violation{
		Field: "configValues." + id, Reason: ipaas.ReasonRequired,
		Description: fmt.Sprintf("%q has no value, and it is required", name),
	})
}

func (s *Settings) wrong(id string, violations []ipaas.Violation) {
	for _, v := range violations {
		field := "configValues." + id
		if v.Field != "" {
			field += "." + strings.TrimPrefix(v.Field, ".")
		}
		s.Problems = append(s.Problems, ipaas.Violation{Field: field, Reason: v.Reason, Description: v.Description})
	}
}

// hide makes the redactor take out a secret, and every text inside one that is a list or an object.
func (s *Settings) hide(name string, v any) {
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
		s.Redactor.Add(name, value.Text(v), secret.Redacted)
	}
}

// Redact returns v without secrets, and whether there were any.
func (s *Settings) Redact(v any) (any, bool) { return s.Redactor.Value(v) }

// Connection returns the connection that is the value of a config variable; nil: it has none that is valid.
func (s *Settings) Connection(id string) *component.Connection {
	c, _ := s.Values[id].(*component.Connection)
	return c
}

// Rehearsed returns settings as a test takes them: what it does not need may be missing or wrong. Connections it does not need, and
// those whose type is unknown, stand for themselves.
func (s *Settings) Rehearsed(needs map[string]bool) (*Settings, []ipaas.Violation) {
	out := &Settings{program: s.program, Values: maps.Clone(s.Values), Redactor: s.Redactor}
	var problems []ipaas.Violation
	for _, problem := range s.Problems {
		id, _, _ := strings.Cut(strings.TrimPrefix(problem.Field, "configValues."), ".")
		if needs[id] {
			problems = append(problems, problem)
		}
	}
	def := s.program.Definition()
	for i := range def.ConfigVariables {
		v := &def.ConfigVariables[i]
		if v.Type != ipaas.ConfigConnection || out.Values[v.ID] != nil {
			continue
		}
		if _, kind := s.program.ConnectionType(v.ConnectionType); kind == nil || !needs[v.ID] {
			out.Values[v.ID] = &component.Connection{Type: v.ConnectionType, ConfigVariable: v.ID, Inputs: value.Obj(), Public: value.Obj()}
		}
	}
	return out, problems
}

// openValue returns what an instance set, or nil.
func (k *Keeper) openValue(instanceUID string, v *ipaas.ConfigVariable, stored ipaas.ConfigValue) (any, error) {
	if stored.Inputs == nil {
		return k.openText(instanceUID, v.ID, "", stored)
	}
	o := value.Obj()
	for _, key := range slices.Sorted(maps.Keys(stored.Inputs)) {
		item, err := k.openText(instanceUID, v.ID, key, stored.Inputs[key])
		if err != nil {
			return nil, err
		}
		o.Set(key, item)
	}
	return o, nil
}

func (k *Keeper) openText(instanceUID, variableID, key string, stored ipaas.ConfigValue) (any, error) {
	text := []byte(stored.JSON)
	if stored.Sealed != "" {
		var err error
		if text, err = k.keys.Open(stored.Sealed, configPlace(instanceUID, variableID, key)); err != nil {
			return nil, err
		}
	}
	if len(text) == 0 {
		return nil, nil
	}
	return value.Parse(text)
}

// isUnset reports whether a value is none: nothing was entered.
func isUnset(v any) bool { return v == nil || v == "" }
