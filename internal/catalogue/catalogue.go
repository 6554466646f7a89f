// Package catalogue has the components there are: those built in, and those that were described as data, in all their versions. It makes
// definitions ready to run with them, and definitions that were written elsewhere fit them. It must not know which definition an instance
// is on, nor what runs.
package catalogue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/cache"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/component/declarative"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// Catalogue is the components there are. Everything it keeps in memory is immutable and found by content.
type Catalogue struct {
	store    storage.Store
	builtins component.Registry

	components cache.Of[*component.Component] // declarative ones by uid and version
	programs   cache.Of[*engine.Program]      // by definition hash and component versions
}

// Open returns the catalogue of a store, which shows these built-in components from then on. What a declarative component hides of them
// is logged.
func Open(ctx context.Context, store storage.Store, builtins []*component.Component, now time.Time, logger *slog.Logger) (*Catalogue, error) {
	c := &Catalogue{store: store, builtins: component.NewRegistry(builtins...)}
	var described []ipaas.Component
	for _, b := range c.builtins.All() {
		described = append(described, b.Describe())
	}
	hidden, err := store.SyncBuiltinComponents(ctx, described, now)
	if err != nil {
		return nil, fmt.Errorf("list the built-in components: %w", err)
	}
	for _, id := range hidden {
		logger.Warn("a declarative component has the id of a built-in one and takes its place; delete it to use the built-in one", "component", id)
	}
	return c, nil
}

// Builtin reports whether a component of this id is built in.
func (c *Catalogue) Builtin(id string) bool { return c.builtins.Component(id) != nil }

// Pinned makes the definition of this hash ready to run with the versions of its declarative components that it goes with. The definition
// is read only if that was not done yet.
func (c *Catalogue) Pinned(ctx context.Context, hash string, versions map[string]int) (*engine.Program, map[string]int, error) {
	if versions == nil {
		versions = map[string]int{}
	}
	if program := c.kept(programKey(hash, versions)); program != nil {
		return program, versions, nil
	}
	def, err := c.store.GetDefinition(ctx, hash)
	if err != nil {
		return nil, nil, err
	}
	return c.Program(ctx, &def, hash, versions)
}

// Program makes a definition ready to run. With pinned versions the components are those; without, their latest ones.
// It returns the versions of the declarative components it used.
func (c *Catalogue) Program(ctx context.Context, def *ipaas.Definition, hash string, pinned map[string]int) (*engine.Program, map[string]int, error) {
	if pinned != nil {
		if program := c.kept(programKey(hash, pinned)); program != nil {
			return program, pinned, nil
		}
	}
	used, err := c.declarative(ctx, usedComponents(def), pinned)
	if err != nil {
		return nil, nil, err
	}
	registry, versions := c.builtins, map[string]int{}
	var uids []string
	for _, u := range used {
		registry = registry.With(u.Component)
		versions[u.ID] = u.version
		uids = append(uids, u.uid)
	}
	key := programKey(hash, versions)
	if pinned == nil {
		key += "|" + strings.Join(uids, ",") // a component may have been deleted and made anew under its id
	}
	if program := c.kept(key); program != nil {
		return program, versions, nil
	}
	program := engine.Compile(def, hash, registry)
	c.programs.Put(key, program)
	return program, versions, nil
}

// usedComponent is a declarative component in one of its versions.
type usedComponent struct {
	*component.Component
	uid     string
	version int
}

// declarative returns those of the components with these ids that are declarative, in pinned versions or else in their latest ones. Only
// which these are is asked for each time.
func (c *Catalogue) declarative(ctx context.Context, ids []string, pinned map[string]int) ([]usedComponent, error) {
	heads, err := c.store.DeclarativeComponents(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("components %s: %w", strings.Join(ids, ", "), err)
	}
	used := make([]usedComponent, 0, len(heads))
	for _, h := range heads {
		if v := pinned[h.ID]; v != 0 {
			h.Version = v
		}
		compiled, err := c.version(ctx, h)
		if errors.Is(err, ipaas.NotFound) {
			continue // compiling reports what is unknown
		}
		if err != nil {
			return nil, fmt.Errorf("component %s: %w", h.ID, err)
		}
		used = append(used, usedComponent{Component: compiled, uid: h.UID, version: h.Version})
	}
	return used, nil
}

// version returns a declarative component in a version.
func (c *Catalogue) version(ctx context.Context, h storage.ComponentHead) (*component.Component, error) {
	if compiled, ok := c.components.Get(componentKey(h.UID, h.Version)); ok {
		return compiled, nil
	}
	d, err := c.store.GetComponent(ctx, h.ID, h.Version)
	if err != nil {
		return nil, err
	}
	return c.compile(d)
}

func componentKey(uid string, version int) string { return fmt.Sprintf("%s@%d", uid, version) }

func (c *Catalogue) kept(key string) *engine.Program {
	program, _ := c.programs.Get(key)
	return program
}

func (c *Catalogue) compile(d ipaas.Component) (*component.Component, error) {
	key := componentKey(d.UID, d.Version)
	if compiled, ok := c.components.Get(key); ok {
		return compiled, nil
	}
	compiled, err := declarative.Compile(d)
	if err != nil {
		return nil, fmt.Errorf("component %s version %d: %w", d.ID, d.Version, err)
	}
	c.components.Put(key, compiled)
	return compiled, nil
}

// Latest asks for the latest version of a component.
const Latest = -1

// Component returns a component in the version that something was made with: 0 is a built-in one, Latest whatever there is now.
func (c *Catalogue) Component(ctx context.Context, id string, version int) (*component.Component, error) {
	if version == 0 {
		if b := c.builtins.Component(id); b != nil {
			return b, nil
		}
		return nil, ipaas.Absent("component", id)
	}
	d, err := c.store.GetComponent(ctx, id, max(version, 0))
	if err != nil {
		return nil, err
	}
	if d.Kind == ipaas.ComponentBuiltin {
		return c.Component(ctx, id, 0)
	}
	return c.compile(d)
}

func programKey(hash string, versions map[string]int) string {
	var b strings.Builder
	b.WriteString(hash)
	for _, id := range slices.Sorted(maps.Keys(versions)) {
		fmt.Fprintf(&b, "|%s=%d", id, versions[id])
	}
	return b.String()
}

// usedComponents returns the ids of the components that a definition names, sorted.
func usedComponents(def *ipaas.Definition) []string {
	used := map[string]bool{}
	name := func(dotted string) {
		if id, _, ok := strings.Cut(dotted, "."); ok {
			used[id] = true
		}
	}
	var steps func([]ipaas.Step)
	steps = func(list []ipaas.Step) {
		for i := range list {
			name(list[i].Action)
			steps(list[i].Steps)
			for _, b := range list[i].Branches {
				steps(b.Steps)
			}
		}
	}
	for i := range def.Flows {
		name(def.Flows[i].Trigger.Type)
		steps(def.Flows[i].Steps)
	}
	for i := range def.ConfigVariables {
		name(def.ConfigVariables[i].ConnectionType)
	}
	return slices.Sorted(maps.Keys(used))
}
