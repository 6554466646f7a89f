package compat_test

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// older writes lookalikes in the layouts from before version 7: flows with their trigger beside their steps in version 4, one flow at the top
// before that, actions with their component beside their key, and credentials instead of connections.
type older struct {
	credentials map[string]string // the connections, with the kind of each
}

func olderThan(t *testing.T, d document, version string) []document {
	t.Helper()
	o := &older{credentials: map[string]string{}}
	root := mapOf(plainCopy(t, d.root))
	var variables []any
	values := map[string]any{}
	for _, one := range listOf(root["requiredConfigVars"]) {
		v := o.variable(mapOf(one))
		variables = append(variables, v)
		values[textOf(v["key"])] = v["defaultValue"]
		if v["dataType"] == "credential" {
			values[textOf(v["key"])] = v
		}
	}
	var flows []any
	for _, one := range listOf(root["flows"]) {
		flows = append(flows, o.flow(mapOf(one)))
	}
	out := map[string]any{"name": root["name"], "description": "", "requiredConfigVars": variables}
	if len(variables) == 0 {
		delete(out, "requiredConfigVars")
	}
	if version == "4" {
		out["definitionVersion"], out["flows"], out["componentVersions"] = 4, flows, map[string]any{"code": 52, "loop": 16}
		return []document{rewritten(t, d, out, nil)}
	}
	var all []document
	for _, one := range flows { // each may be the one that there is
		f := mapOf(one)
		if written := text(f); strings.Contains(written, "webhookUrls.") || strings.Contains(written, "webhookApiKeys.") || strings.Contains(written, "flowName") {
			continue
		}
		whole := map[string]any{"name": root["name"], "requiredConfigVars": variables, "trigger": f["trigger"], "steps": f["steps"]}
		switch version {
		case "2":
			whole["definitionVersion"], whole["isSynchronous"] = 2, f["isSynchronous"]
		case "map":
			whole["requiredConfigVars"] = values
		}
		all = append(all, rewritten(t, d, whole, d.worlds[textOf(f["name"])]))
	}
	return all
}

func plainCopy(t *testing.T, v any) any {
	t.Helper()
	var out any
	if err := yaml.Unmarshal([]byte(text(v)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// rewritten is a document of a root. only is the world of its flow, if there is but one.
func rewritten(t *testing.T, d document, root map[string]any, only *world) document {
	t.Helper()
	written, err := yaml.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	out, err := readDocument(d.name, string(written))
	if err != nil {
		t.Fatal(err)
	}
	if out.worlds = d.worlds; only != nil {
		out.worlds = map[string]*world{"Flow 1": only}
	}
	return out
}

func (o *older) variable(v map[string]any) map[string]any {
	out := map[string]any{"key": v["key"], "dataType": v["dataType"], "defaultValue": v["defaultValue"], "hasDivider": false, "header": "About " + textOf(v["key"]), "orgOnly": v["orgOnly"]}
	switch v["dataType"] {
	case "connection":
		kind := textOf(mapOf(v["connection"])["key"])
		o.credentials[textOf(v["key"])] = kind
		out["dataType"], out["credentialTypes"], out["defaultValue"] = "credential", []any{kind, "basic"}, ""
	case "picklist", "jsonForm":
		out["dataType"] = "string"
	}
	return out
}

func (o *older) flow(f map[string]any) map[string]any {
	steps := listOf(f["steps"])
	trigger := mapOf(steps[0])
	delete(trigger, "isTrigger")
	component := textOf(mapOf(mapOf(trigger["action"])["component"])["key"])
	o.step(trigger)
	if component == "webhook-triggers" || component == "schedule-triggers" {
		trigger["action"] = map[string]any{"componentKey": "Standard Triggers", "key": "trigger"}
		delete(trigger, "inputs")
	}
	if trigger["schedule"] == nil {
		trigger["schedule"] = nil // it is said to be none
	}
	for _, one := range steps[1:] {
		o.step(mapOf(one))
	}
	return map[string]any{"name": f["name"], "description": "", "isSynchronous": f["isSynchronous"], "trigger": trigger, "steps": steps[1:]}
}

func (o *older) step(s map[string]any) {
	action := mapOf(s["action"])
	component := textOf(mapOf(action["component"])["key"])
	if component == "change-data-format" && !slices.Contains([]string{"convertToString", "binaryToJson"}, textOf(action["key"])) {
		component = "reformat"
	}
	s["action"] = map[string]any{"componentKey": component, "key": action["key"]}
	inputs := mapOf(s["inputs"])
	for key, one := range inputs {
		if _, ok := o.credentials[textOf(mapOf(one)["value"])]; ok && mapOf(one)["type"] == "configVar" && s["credential"] == nil {
			s["credential"] = mapOf(one)["value"]
			delete(inputs, key)
		}
	}
	for _, one := range listOf(s["steps"]) {
		o.step(mapOf(one))
	}
	for _, b := range listOf(s["branches"]) {
		for _, one := range listOf(mapOf(b)["steps"]) {
			o.step(mapOf(one))
		}
	}
}

// TestOlderLookalikes takes lookalikes in older layouts through the levels.
func TestOlderLookalikes(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4", "2", "list", "map"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			for i, d := range lookalikes(t) {
				for j, d := range olderThan(t, d, version) {
					// A few in each layout, others in the next; all of them would take minutes.
					if every, first := map[string]int{"4": 6, "2": 12, "list": 12, "map": 12}[version], 4*len(version); (i+j+first)%every != 0 {
						continue
					}
					for _, l := range levels {
						if l.name == "L5" {
							continue
						}
						t.Run(d.name+"/"+l.name, func(t *testing.T) { t.Log(l.run(t, &d)) })
					}
				}
			}
		})
	}
}
