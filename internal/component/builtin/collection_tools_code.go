package builtin

import (
	"context"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/value"
)

// codeListActions are those that do to a list what a JavaScript function says. All items are looked at in one run of the sandbox.
func codeListActions() []component.Action {
	list := ipaas.InputField{
		Key: "listInput", DisplayName: "List", Type: ipaas.FieldData, Required: true, Description: "The list, or JSON text of one. It is not changed itself.",
	}
	return []component.Action{
		{
			Action: ipaas.Action{
				Key: "filter", DisplayName: "Filter List", Effect: ipaas.EffectPure, Description: "Keeps those items of a list that a function likes.",
				Output: "The items for which the function gave something true, in their order.",
				Inputs: []ipaas.InputField{list, functionInput("filterCodeInput", "Filter Function",
					"A function of an item and its index, async or not, that says whether to keep it.", "(item, index) => item.active", everyItem)},
			},
			Lasts: true,
			Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
				return listCode(ctx, call, "listInput", sandbox.Filter, map[string]string{"filter": "filterCodeInput"})
			},
		},
		{
			Action: ipaas.Action{
				Key: "map", DisplayName: "Map List", Effect: ipaas.EffectPure, Description: "Makes a new list by a function of each item.",
				Output: "What the function gave for each item, in their order.",
				Inputs: []ipaas.InputField{
					list,
					functionInput("transformCodeInput", "Transform Function", "A function of an item, its index and the context, async or not, that gives the new item.",
						"(item, index, context) => ({ ...item, name: item.name.trim() })", sameItems),
					functionInput("filterCodeInput", "Filter Function", "A function of an item, its index and the context that says whether the item is taken.",
						"(item, index) => item.active", everyItem),
					{Key: "contextInput", DisplayName: "Context", Type: ipaas.FieldData, Description: "A value that the functions are given besides the item and its index."},
				},
			},
			Lasts: true,
			Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
				return listCode(ctx, call, "listInput", sandbox.Map, map[string]string{"transform": "transformCodeInput", "filter": "filterCodeInput"})
			},
		},
		{
			Action: ipaas.Action{
				Key: "sort", DisplayName: "Sort List", Effect: ipaas.EffectPure, Description: "Orders a list. Items that compare as equal keep their order.",
				Output: "The items in their new order.",
				Inputs: []ipaas.InputField{named(list, "list"), functionInput("sortComparisonFunction", "Sort Comparison Function",
					"A function of two items that gives a negative number if the first comes first, 0 if they are equal, else a positive one. None: items are compared as texts.",
					"(a, b) => a.price - b.price", "")},
			},
			Lasts: true,
			Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
				return listCode(ctx, call, "list", sandbox.Sort, map[string]string{"compare": "sortComparisonFunction"})
			},
		},
	}
}

// The functions that change nothing: what is run where none is given.
const (
	everyItem = "(item, index) => true"
	sameItems = "(item, index) => item"
)

func named(f ipaas.InputField, key string) ipaas.InputField {
	f.Key = key
	return f
}

// functionInput is an input that holds a function; otherwise is run where it is left empty, "": what the description says.
func functionInput(key, name, description, example, otherwise string) ipaas.InputField {
	defaults := ""
	if otherwise != "" {
		defaults = `"` + otherwise + `"`
	}
	return ipaas.InputField{
		Key: key, DisplayName: name, Type: ipaas.FieldCode, Default: defaults, Example: example,
		Description: description + " A JavaScript expression; what is global besides the language is in docs/sandbox.md.",
	}
}

// compareTexts is how lists are sorted where nothing else is said: as JavaScript does it.
const compareTexts = `(a, b) => { const [x, y] = [a, b].map((v) => v !== null && typeof v === "object" ? JSON.stringify(v) : String(v)); return x < y ? -1 : x > y ? 1 : 0; }`

// listCode runs functions, given by their names with the inputs that hold them, over the list of a step.
func listCode(ctx context.Context, call component.Call, key string, form sandbox.Form, functions map[string]string) (component.Result, error) {
	list, err := listOf(call.Inputs, key)
	if err != nil {
		return component.Result{}, err
	}
	script := sandbox.Script{Form: form, Values: []sandbox.Named{{Name: "items", Value: list}, {Name: "context", Value: call.Inputs.Value("contextInput")}}}
	for _, name := range []string{"filter", "transform", "compare"} {
		input, given := functions[name]
		if !given {
			continue
		}
		code := strings.TrimSpace(call.Inputs.Text(input))
		if code == "" {
			code = map[string]string{"filter": everyItem, "transform": sameItems, "compare": compareTexts}[name]
		}
		script.Functions = append(script.Functions, sandbox.Function{Name: name, Code: code})
	}
	result, err := runScript(ctx, call, script)
	return component.Result{Data: result.Data}, err
}

// listOf returns an input that is a list, or JSON text of one.
func listOf(in component.Inputs, key string) ([]any, error) {
	v := in.Value(key)
	if text, ok := v.(string); ok {
		parsed, err := value.Parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("input %q is a text that is not JSON: give a list", key)
		}
		v = parsed
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("input %q is %s: give a list", key, value.Kind(v))
	}
	return list, nil
}
