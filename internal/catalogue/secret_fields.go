package catalogue

import (
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

// secretFields tells from what components declare which inputs are secrets.
type secretFields struct{ registry component.Registry }

func (s secretFields) SecretOfConnection(connectionType, key string) (secret, known bool) {
	kind := s.connectionType(connectionType)
	if kind == nil {
		return false, false
	}
	f := ipaas.Field(kind.Inputs, key)
	return f != nil && f.Secret, f != nil
}

func (s secretFields) connectionType(name string) *ipaas.ConnectionType {
	id, key, _ := strings.Cut(name, ".")
	c := s.registry.Component(id)
	if c == nil {
		return nil
	}
	return c.ConnectionType(key)
}

func (s secretFields) SecretOfAction(action, key string) bool {
	if _, a := s.registry.Action(action); a != nil {
		f := ipaas.Field(a.Inputs, key)
		return f != nil && f.Secret
	}
	if _, t := s.registry.Trigger(action); t != nil {
		f := ipaas.Field(t.Inputs, key)
		return f != nil && f.Secret
	}
	return false
}
