package control

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

// RemoveSecrets takes out of a definition what is a secret by the components it uses, in their latest versions, or looks like one.
func (p *Plane) RemoveSecrets(ctx context.Context, def *ipaas.Definition) ([]ipaas.Violation, error) {
	registry := p.catalogue.builtins
	for _, id := range usedComponents(def) {
		c, err := p.catalogue.component(ctx, id, latestVersion)
		if errors.Is(err, ipaas.NotFound) {
			continue // nobody knows its secrets: what looks like one is one
		}
		if err != nil {
			return nil, fmt.Errorf("component %s: %w", id, err)
		}
		registry = registry.With(c)
	}
	return def.RemoveSecrets(secretFields{registry}), nil
}

// secretFields answers from what components declare.
type secretFields struct{ registry component.Registry }

func (s secretFields) SecretOfConnection(connectionType, key string) (secret, known bool) {
	id, name, _ := strings.Cut(connectionType, ".")
	c := s.registry.Component(id)
	if c == nil {
		return false, false
	}
	kind := c.ConnectionType(name)
	if kind == nil {
		return false, false
	}
	f := ipaas.Field(kind.Inputs, key)
	return f != nil && f.Secret, f != nil
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
