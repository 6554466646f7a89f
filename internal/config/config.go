// Package config makes the config of an instance ready for running its flows: it opens what is sealed, fills in defaults and checks every
// value, and it seals what is set anew. It must not know where configs are stored, nor who may change them.
package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/cache"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/value"
)

// Change is new values for an instance.
type Change struct {
	Values     map[string]Input // by config variable id or display name
	ReplaceAll bool             // what is not in Values goes back to its default
}

// Input is a value as a caller sent it.
type Input struct {
	JSON  string // empty: back to the default
	Typed bool   // it was sent as JSON text, and is shown so
}

// Keeper opens the configs of instances and seals what is secret in them.
type Keeper struct {
	keys   *secret.Keyring
	opened cache.Of[*Settings] // by instance, config revision and program
}

// NewKeeper returns a keeper that seals with these keys.
func NewKeeper(keys *secret.Keyring) *Keeper { return &Keeper{keys: keys} }

// Apply returns the config that a change makes of cfg, as of the first of the programs that has the variable and takes the value.
// Unknown variables and values of the wrong type are refused all at once; what is merely missing is not: it may come later.
func (k *Keeper) Apply(instanceUID string, programs []*engine.Program, cfg ipaas.Config, change Change) (ipaas.Config, error) {
	next := ipaas.Config{Revision: cfg.Revision, Values: map[string]ipaas.ConfigValue{}}
	if !change.ReplaceAll {
		maps.Copy(next.Values, cfg.Values)
	}
	var wrong []ipaas.Violation
	for _, name := range slices.Sorted(maps.Keys(change.Values)) {
		id, stored, bad := k.applyValue(instanceUID, programs, cfg, name, change.Values[name])
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
	if !Equal(cfg.Values, next.Values) {
		next.Revision++
	}
	return next, nil
}

// applyValue returns what is stored for one value; nil goes back to the default.
func (k *Keeper) applyValue(
	instanceUID string, programs []*engine.Program, cfg ipaas.Config, name string, given Input,
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
		sealed, bad := k.sealValue(instanceUID, v, program, cfg.Values[v.ID], given)
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
func (k *Keeper) sealValue(
	instanceUID string, v *ipaas.ConfigVariable, program *engine.Program, old ipaas.ConfigValue, given Input,
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
		return k.sealConnection(instanceUID, v, program, old, parsed)
	}
	if v.Secret {
		return k.sealText(given.JSON, configPlace(instanceUID, v.ID, ""), old), nil
	}
	return ipaas.ConfigValue{JSON: given.JSON, Typed: given.Typed}, nil
}

// sealText seals a secret. One that is what it was stays as it is: sealing it anew would make it look changed.
func (k *Keeper) sealText(text, place string, old ipaas.ConfigValue) ipaas.ConfigValue {
	if old.Sealed != "" {
		if was, err := k.keys.Open(old.Sealed, place); err == nil && string(was) == text {
			return old
		}
	}
	return ipaas.ConfigValue{Sealed: k.keys.Seal([]byte(text), place)}
}

// configPlace names the place a secret is sealed for, so that it opens nowhere else.
func configPlace(instanceUID, variableID, key string) string {
	return strings.Join([]string{"config", instanceUID, variableID, key}, "|")
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

// Equal reports whether two configs are the same as they are stored.
func Equal(a, b map[string]ipaas.ConfigValue) bool {
	if len(a) != len(b) {
		return false
	}
	for id, v := range a {
		w, ok := b[id]
		if !ok || v.JSON != w.JSON || v.Typed != w.Typed || v.Sealed != w.Sealed || !Equal(v.Inputs, w.Inputs) {
			return false
		}
	}
	return true
}
