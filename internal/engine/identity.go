package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// canonical returns a form of resolved inputs that equal ones share. Connections stand in it by their config variable, so that
// neither a new password nor a secret makes a difference. Inputs without a value are left out: a component that grows an
// optional input must not make every object look changed.
func canonical(in component.Inputs) []byte {
	o := value.Obj()
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if in[key] != nil {
			o.Set(key, plain(in[key]))
		}
	}
	return value.Canonical(o)
}

// plain turns what an input may hold into a value.
func plain(v any) any {
	switch v := v.(type) {
	case *component.Connection:
		if v == nil {
			return nil
		}
		return value.Obj(value.Field{Key: "connection", Value: v.ConfigVariable})
	case []component.Pair:
		list := make([]any, len(v))
		for i, pair := range v {
			list[i] = []any{pair.Key, plain(pair.Value)}
		}
		return list
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	default:
		return v
	}
}

// digest returns the SHA-256 of parts in hex; no other parts have the same.
func digest(parts ...[]byte) string {
	h := sha256.New()
	var size [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// idempotencyKey is equal for every attempt of the same step in the same round with the same inputs, and for no other. The path holds
// the step's id and the rounds.
func idempotencyKey(executionID, path string, inputs []byte) string {
	return digest([]byte(executionID), []byte(path), inputs)
}

// creation describes the remote object that a step is about to create, or to have created by another action.
func (r *runner) creation(s *step, at Step) (*Creation, error) {
	c := &Creation{Step: at, FlowID: r.flow.def.ID, Component: s.component, Action: s.action, Key: at.Path}
	if s.action.Delegate != nil {
		d, err := s.action.Delegate(at.Inputs, r.run.Program.registry)
		if err != nil {
			return nil, err
		}
		c.Component, c.Action, c.Ensure = d.Component, d.Action, true
		c.Step.Action, c.Step.Inputs = d.Component.ID+"."+d.Action.Key, d.Inputs
		if d.Key != "" {
			c.Key = d.Key
		}
	}
	c.ConfigVariableID, c.Target = target(c.Action, c.Step.Inputs)
	c.InputsHash = digest(canonical(c.Step.Inputs))
	return c, nil
}

// target says where an object will live: a digest of the connections, and of what the action says or else of what is no secret in
// them. It returns the config variable of the first connection, too.
func target(action *component.Action, in component.Inputs) (variable, sum string) {
	var parts [][]byte
	for i := range action.Inputs {
		f := &action.Inputs[i]
		if f.Type != ipaas.FieldConnection {
			continue
		}
		for _, c := range connections(in[f.Key]) {
			if variable == "" {
				variable = c.ConfigVariable
			}
			parts = append(parts, []byte(c.Type), []byte(c.ConfigVariable))
			if action.Target == nil {
				parts = append(parts, value.Canonical(c.Public))
			}
		}
	}
	if action.Target != nil {
		parts = append(parts, []byte(action.Target(in)))
	}
	return variable, digest(parts...)
}

func connections(v any) []*component.Connection {
	switch v := v.(type) {
	case *component.Connection:
		if v != nil {
			return []*component.Connection{v}
		}
	case []any:
		var all []*component.Connection
		for _, item := range v {
			all = append(all, connections(item)...)
		}
		return all
	}
	return nil
}
