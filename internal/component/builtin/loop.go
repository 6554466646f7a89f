package builtin

import (
	"context"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// maxIterations bounds a loop that counts.
const maxIterations = 1_000_000

func loop() *component.Component {
	return &component.Component{
		ID: "loop", DisplayName: "Loop", Description: "Run steps several times.",
		Actions: []component.Action{
			{
				Action: ipaas.Action{
					Key: "loopOverItems", DisplayName: "Loop Over Items", Effect: ipaas.EffectPure, Loops: true,
					Description: "Runs the inner steps once for each item. Inside, `currentItem` is the item and `index` its number from 0. " +
						"Steps after the loop refer to the step itself for what came of it.",
					Output: roundResults,
					Inputs: []ipaas.InputField{{
						Key: "items", DisplayName: "Items", Type: ipaas.FieldData, Required: true,
						Description: "A list, or JSON text of one. Of an object the items are its keys and values in order, each as `{\"key\": …, \"value\": …}`. " +
							"Where there is nothing when the loop begins (null, an empty text, a field that is not there), there are no rounds, and a warning in the log says so.",
					}},
				},
				Items: func(_ context.Context, call component.Call) ([]any, error) { return itemsOf(call, "items") },
			},
			{
				Action: ipaas.Action{
					Key: "loopNTimes", DisplayName: "Loop N Times", Effect: ipaas.EffectPure, Loops: true,
					Description: "Runs the inner steps a number of times. Inside, `currentItem` and `index` are the number of the round from 0.",
					Output:      roundResults,
					Inputs: []ipaas.InputField{{
						Key: "iterationCount", DisplayName: "Iteration Count", Type: ipaas.FieldNumber, Default: "1000",
						Description: "How often, 0 to 1000000. Break Loop ends it sooner.",
					}},
				},
				Items: loopNTimes,
			},
			{
				Action: ipaas.Action{
					Key: "loopOverCollection", DisplayName: "Loop Over Collection", Effect: ipaas.EffectPure, Loops: true,
					Description: "The old name of Loop Over Items, for definitions that were written with it.",
					Output:      roundResults,
					Inputs: []ipaas.InputField{{
						Key: "collection", DisplayName: "Collection", Type: ipaas.FieldData, Required: true,
						Description: "What `items` is to Loop Over Items.",
					}},
				},
				Items: func(_ context.Context, call component.Call) ([]any, error) { return itemsOf(call, "collection") },
			},
			{
				Action: ipaas.Action{
					Key: "breakLoop", DisplayName: "Break Loop", Effect: ipaas.EffectPure,
					Description: "Ends the innermost loop this step stands in. The flow goes on after the loop.",
					Output:      "Nothing.",
				},
				Breaks: true,
				Perform: func(context.Context, component.Call) (component.Result, error) {
					return component.Result{Break: true}, nil
				},
			},
		},
	}
}

// roundResults is what the step of a loop gives.
const roundResults = "The list of what the last inner step gave in each round."

// itemsOf returns what a loop goes over. Systems leave out a list that is empty, so nothing is one; a path that is misspelt gives
// nothing, too,
// so it is said.
func itemsOf(call component.Call, key string) ([]any, error) {
	items := call.Inputs.Value(key)
	if text, ok := items.(string); ok && strings.TrimSpace(text) == "" {
		items = nil
	}
	if text, ok := items.(string); ok {
		parsed, err := value.Parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("input %q is a text that is not JSON: give a list", key)
		}
		items = parsed
	}
	switch items := items.(type) {
	case nil:
		if call.Log != nil {
			call.Log(ipaas.SeverityWarn, fmt.Sprintf("input %q is nothing: the loop has no rounds; if there should be a list, look at what the input refers to", key))
		}
		return nil, nil
	case []any:
		return items, nil
	case *value.Object:
		list := make([]any, 0, items.Len())
		for key, v := range items.All() {
			list = append(list, value.Obj(value.Field{Key: "key", Value: key}, value.Field{Key: "value", Value: v}))
		}
		return list, nil
	default:
		return nil, fmt.Errorf("input %q is %s: give a list", key, value.Kind(items))
	}
}

func loopNTimes(_ context.Context, call component.Call) ([]any, error) {
	n, err := call.Inputs.Int("iterationCount")
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxIterations {
		return nil, fmt.Errorf("input %q is %d: give 0 to %d", "iterationCount", n, maxIterations)
	}
	list := make([]any, n)
	for i := range list {
		list[i] = value.FromInt(int64(i))
	}
	return list, nil
}
