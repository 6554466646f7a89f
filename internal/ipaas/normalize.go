package ipaas

import (
	"encoding/json"
	"strconv"
	"time"
)

// Normalize fills in what people may leave out: ids, the trigger's type and name, and for a new definition a first flow.
//
// prev is the definition this one takes the place of, or nil for a new one. An element stands for the one in prev with its id or,
// where it was sent without an id, with its stable key, else with its display name: it keeps that one's id, uid and create time, and
// its update time, too, unless something in it changed. Elements of d must not share memory with those of prev.
//
// Normalize changes nothing that a person wrote, and refuses nothing: that is Validate's part.
func (d *Definition) Normalize(prev *Definition, now time.Time) {
	// The monotonic part of a clock's reading is lost on disk and must not make two equal definitions differ.
	now = now.UTC().Round(0)
	if prev == nil {
		prev = &Definition{}
		if len(d.Flows) == 0 {
			d.Flows = []Flow{{DisplayName: "Flow 1"}}
		}
	}
	d.normalizeFlows(prev, now)
	d.normalizeConfigVariables(prev, now)
	d.normalizeConfigPages(prev)
}

func (d *Definition) normalizeFlows(prev *Definition, now time.Time) {
	fillIDs(named(d.Flows, (*Flow).name), named(prev.Flows, (*Flow).name), "flow", nil)
	old := make(map[string]*Flow, len(prev.Flows))
	for i := range prev.Flows {
		old[prev.Flows[i].ID] = &prev.Flows[i]
	}
	for i := range d.Flows {
		f := &d.Flows[i]
		before := old[f.ID]
		delete(old, f.ID) // of two flows with the same id, which Validate refuses, one at most is the old one
		f.normalize(before)
		if before == nil {
			f.UID, f.CreateTime, f.UpdateTime = NewUID(), now, now
			continue
		}
		f.UID, f.CreateTime, f.UpdateTime = before.UID, before.CreateTime, before.UpdateTime
		if !same(f, before) {
			f.UpdateTime = now
		}
	}
}

// normalize fills in the trigger and the ids of the steps. before is the flow this one stands for, or nil.
func (f *Flow) normalize(before *Flow) {
	if f.Trigger.Type == "" {
		f.Trigger.Type = TriggerWebhook
	}
	if f.Trigger.DisplayName == "" {
		f.Trigger.DisplayName = "Trigger"
	}
	var old []identity
	if before != nil {
		old = stepIdentities(before.Steps)
	}
	fillIDs(stepIdentities(f.Steps), old, "step", nil, TriggerStepID)
}

func (d *Definition) normalizeConfigVariables(prev *Definition, now time.Time) {
	names := make(map[string]bool, len(d.ConfigVariables)) // inputs name variables by them, or by ids
	for i := range d.ConfigVariables {
		names[d.ConfigVariables[i].DisplayName] = true
	}
	fillIDs(named(d.ConfigVariables, (*ConfigVariable).name), named(prev.ConfigVariables, (*ConfigVariable).name), "config-variable", names)
	old := make(map[string]*ConfigVariable, len(prev.ConfigVariables))
	for i := range prev.ConfigVariables {
		old[prev.ConfigVariables[i].ID] = &prev.ConfigVariables[i]
	}
	for i := range d.ConfigVariables {
		v := &d.ConfigVariables[i]
		before := old[v.ID]
		delete(old, v.ID)
		if v.Type == "" {
			v.Type = ConfigString
		}
		if before == nil {
			v.UID, v.CreateTime, v.UpdateTime = NewUID(), now, now
			continue
		}
		v.UID, v.CreateTime, v.UpdateTime = before.UID, before.CreateTime, before.UpdateTime
		if !same(v, before) {
			v.UpdateTime = now
		}
	}
}

func (d *Definition) normalizeConfigPages(prev *Definition) {
	fillIDs(named(d.ConfigPages, (*ConfigPage).name), named(prev.ConfigPages, (*ConfigPage).name), "page", nil)
}

func (f *Flow) name() identity           { return identity{&f.ID, f.StableKey, f.DisplayName} }
func (v *ConfigVariable) name() identity { return identity{&v.ID, v.StableKey, v.DisplayName} }
func (p *ConfigPage) name() identity     { return identity{&p.ID, "", p.Title} }

// identity is what makes an element itself: its id, which may still have to be filled in, its stable key if it has one, and its name.
type identity struct {
	id     *string
	stable string
	name   string
}

func named[T any](elements []T, name func(*T) identity) []identity {
	all := make([]identity, len(elements))
	for i := range elements {
		all[i] = name(&elements[i])
	}
	return all
}

// stepIdentities lists steps and those inside them in the order of the document.
func stepIdentities(steps []Step) []identity {
	var all []identity
	for i := range steps {
		s := &steps[i]
		all = append(all, identity{&s.ID, s.StableKey, s.DisplayName})
		for j := range s.Branches {
			all = append(all, stepIdentities(s.Branches[j].Steps)...)
		}
		all = append(all, stepIdentities(s.Steps)...)
	}
	return all
}

// fillIDs gives an id to each element without one: that of the old element of the same stable key or else of the same name if nobody
// has it, else one made of its name. A text that is kept is given to the element of that name only, a reserved one to none.
func fillIDs(elements, old []identity, fallback string, kept map[string]bool, reserved ...string) {
	taken := make(map[string]bool, len(elements)+len(reserved))
	for _, id := range reserved {
		taken[id] = true
	}
	for _, e := range elements {
		if *e.id != "" {
			taken[*e.id] = true
		}
	}
	stable, name := make(map[string]string), make(map[string][]string, len(old)) // of namesakes the first goes to the first
	for _, o := range old {
		name[o.name] = append(name[o.name], *o.id)
		if o.stable != "" {
			stable[o.stable] = *o.id
		}
	}
	// Old ids go first, so that a new element cannot snatch the id of one that was there. Stable keys go before names: when two elements
	// swap their names, each stays itself.
	for _, e := range elements {
		if id := stable[e.stable]; *e.id == "" && id != "" && !taken[id] {
			*e.id, taken[id] = id, true
		}
	}
	for _, e := range elements {
		for _, id := range name[e.name] {
			if *e.id == "" && !taken[id] {
				*e.id, taken[id] = id, true
			}
		}
	}
	tried := make(map[string]int)
	for _, e := range elements {
		if *e.id != "" {
			continue
		}
		slug := Slug(e.name, fallback)
		id, n := slug, max(tried[slug], 1) // where the last one of this slug stopped: a thousand namesakes are quick, too
		for taken[id] || kept[id] && id != e.name {
			n++
			id = slug + "-" + strconv.Itoa(n)
		}
		*e.id, taken[id], tried[slug] = id, true, n
	}
}

// same reports whether two elements that have the same uid and times hold the same.
func same(a, b any) bool {
	// These types hold texts, numbers, times and maps with text keys only: they always marshal.
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
