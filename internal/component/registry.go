package component

import (
	"maps"
	"slices"
	"strings"
)

// Registry is a set of components by id. It never changes; With makes another one.
type Registry struct {
	components map[string]*Component
}

// NewRegistry returns a registry of components. Of two with the same id the later one is kept.
func NewRegistry(components ...*Component) Registry {
	return Registry{}.With(components...)
}

// With returns a registry that has these components, too; one with a taken id takes its place.
func (r Registry) With(components ...*Component) Registry {
	set := maps.Clone(r.components)
	if set == nil {
		set = make(map[string]*Component, len(components))
	}
	for _, c := range components {
		set[c.ID] = c
	}
	return Registry{components: set}
}

// Component returns the component with an id, or nil.
func (r Registry) Component(id string) *Component { return r.components[id] }

// Action returns the action that a step names as component.action, with its component; nil for what is unknown.
func (r Registry) Action(name string) (*Component, *Action) {
	c, key := r.split(name)
	if c == nil {
		return nil, nil
	}
	return c, c.Action(key)
}

// Trigger returns the trigger that a flow names as component.trigger, with its component; nil for what is unknown.
func (r Registry) Trigger(name string) (*Component, *Trigger) {
	c, key := r.split(name)
	if c == nil {
		return nil, nil
	}
	return c, c.Trigger(key)
}

// All returns the components in the order of their ids.
func (r Registry) All() []*Component {
	all := make([]*Component, 0, len(r.components))
	for _, id := range slices.Sorted(maps.Keys(r.components)) {
		all = append(all, r.components[id])
	}
	return all
}

func (r Registry) split(name string) (*Component, string) {
	id, key, _ := strings.Cut(name, ".")
	return r.components[id], key
}
