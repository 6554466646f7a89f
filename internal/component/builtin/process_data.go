package builtin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// What a deduplication remembers is small and is bounded: the oldest is forgotten first.
const (
	maxRemembered  = 5000
	processedState = "process-data:processed"
)

func processData() *component.Component {
	return &component.Component{
		ID: "process-data", DisplayName: "Process Data", Description: "Tell what was processed before from what is new.",
		Actions: []component.Action{{
			Action: ipaas.Action{
				Key: "deDuplicate", DisplayName: "Deduplicate", Effect: ipaas.EffectPure,
				Description: "Leaves out the items that an earlier execution of the flow, or an earlier item of the list, had already. What they are known by is remembered once the " +
					"step is done, 5000 items for each flow of an instance; then the oldest is forgotten. Executions that run at the same time may both take an item for new.",
				Output: "The list of the items that are new, in their order.",
				Inputs: []ipaas.InputField{
					{
						Key: "keyFieldNamesInput", DisplayName: "Key Field Names", Collection: ipaas.CollectionList, Example: `["id"]`,
						Description: "The fields that together tell one item from another. None: the whole item does.",
					},
					{
						Key: "dataInput", DisplayName: "Data", Type: ipaas.FieldData, Collection: ipaas.CollectionList, Required: true,
						Description: "The items, at most 5000: objects if there are key fields.",
					},
					{
						Key: "memory", DisplayName: "Memory", Example: "orders",
						Description: "A name for what is remembered. Steps of one flow that give the same name share it.",
					},
				},
			},
			Perform: deduplicateAcross,
		}},
	}
}

func deduplicateAcross(ctx context.Context, call component.Call) (component.Result, error) {
	if call.State == nil {
		return component.Result{}, errNoState
	}
	items := call.Inputs.List("dataInput")
	if len(items) > maxRemembered {
		return component.Result{}, fmt.Errorf("input %q has %d items: give %d at most", "dataInput", len(items), maxRemembered)
	}
	key := processedState
	if name := call.Inputs.Text("memory"); name != "" {
		key += ":" + name
	}
	if len(key) > ipaas.MaxStateKey {
		return component.Result{}, fmt.Errorf("input %q is longer than %d bytes: shorten it", "memory", ipaas.MaxStateKey-len(processedState)-1)
	}
	kept, _, err := call.State.Get(ctx, ipaas.StateFlow, key)
	if err != nil {
		return component.Result{}, err
	}
	before, _ := kept.([]any)
	known := make(map[any]bool, len(before))
	for _, mark := range before {
		known[value.Text(mark)] = true
	}
	fresh, marks := []any{}, []any{}
	for i, item := range items {
		mark, err := markOf(item, call.Inputs.List("keyFieldNamesInput"))
		if err != nil {
			return component.Result{}, fmt.Errorf("input %q: item %d %w", "dataInput", i, err)
		}
		if known[mark] {
			continue
		}
		known[mark] = true
		fresh, marks = append(fresh, item), append(marks, mark)
	}
	result := component.Result{Data: fresh}
	switch all := len(before) + len(marks); {
	case len(marks) == 0:
	case all > maxRemembered:
		result.State = []component.StateChange{{
			Scope: ipaas.StateFlow, Operation: ipaas.StateSet, Key: key, Value: append(before[all-maxRemembered:len(before):len(before)], marks...),
		}}
	default:
		// What another execution has added meanwhile stays.
		result.State = []component.StateChange{{Scope: ipaas.StateFlow, Operation: ipaas.StateAddToSet, Key: key, Value: marks}}
	}
	return result, nil
}

// markOf returns a short text that tells an item from others: a hash, so that no data is kept for longer than its execution.
func markOf(item any, fields []any) (string, error) {
	known := item
	if len(fields) > 0 {
		o, ok := item.(*value.Object)
		if !ok {
			return "", fmt.Errorf("is %s: give objects, or no key fields", value.Kind(item))
		}
		values := make([]any, len(fields))
		for i, field := range fields {
			v, ok := o.Get(value.Text(field))
			if !ok {
				return "", fmt.Errorf("has no field %q: give fields that every item has", value.Text(field))
			}
			values[i] = v
		}
		known = values
	}
	sum := sha256.Sum256(value.Canonical(alike(known)))
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}
