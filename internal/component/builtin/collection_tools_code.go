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
					"A function of an item and its index, async or not, that says whether to keep it.", "(item, index) => item.active", true)},
			},
			Lasts: true,
			Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
				return listCode(ctx, call, sandbox.Filter, map[string]string{"filter": "filterCodeInput"})
			},
		},
		{
			Action: ipaas.Action{
				Key: "map", DisplayName: "Map List", Effect: ipaas.EffectPure, Description: "Makes a new list by a function of each item.",
				Output: "What the function gave for each item, in their order.",
				Inputs: []ipaas.InputField{
					list,
					functionInput("transformCodeInput", "Transform Function", "A function of an item, its index and the context, async or not, that gives the new item.",
						"(item, index, context) => ({ ...item, name: item.name.trim() })", true),
					functionInput("filterCodeInput", "Filter Function", "A function of an item, its index and the context that says whether the item is taken. None: all are.",
						"(item, index) => item.active", false),
					{Key: "contextInput", DisplayName: "Context", Type: ipaas.FieldData, Description: "A value that the functions are given besides the item and its index."},
				},
			},
			Lasts: true,
			Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
				return listCode(ctx, call, sandbox.Map, map[string]string{"transform": "transformCodeInput", "filter": "filterCodeInput"})
			},
		},
		{
			Action: ipaas.Action{
				Key: "sort", DisplayName: "Sort List", Effect: ipaas.EffectPure, Description: "Orders a list. Items that compare as equal keep their order.",
				Output: "The items in their new order.",
				Inputs: []ipaas.InputField{list, functionInput("sortCodeInput", "Comparison Function",
					"A function of two items that gives a negative number if the first comes first, 0 if they are equal, else a positive one. None: items are compared as texts.",
					"(a, b) => a.price - b.price", false)},
			},
			Lasts: true,
			Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
				return listCode(ctx, call, sandbox.Sort, map[string]string{"compare": "sortCodeInput"})
			},
		},
	}
}

func functionInput(key, name, description, example string, required bool) ipaas.InputField {
	return ipaas.InputField{
		Key: key, DisplayName: name, Type: ipaas.FieldCode, Required: required, Example: example,
		Description: description + " A JavaScript expression; what is global besides the language is in docs/sandbox.md.",
	}
}

// compareTexts is how lists are sorted where nothing else is said: as JavaScript does it.
const compareTexts = `(a, b) => { const [x, y] = [a, b].map((v) => v !== null && typeof v === "object" ? JSON.stringify(v) : String(v)); return x < y ? -1 : x > y ? 1 : 0; }`

// listCode runs functions, given by their names with the inputs that hold them, over the list of a step.
func listCode(ctx context.Context, call component.Call, form sandbox.Form, functions map[string]string) (component.Result, error) {
	list, err := listOf(call.Inputs, "listInput")
	if err != nil {
		return component.Result{}, err
	}
	script := sandbox.Script{Form: form, Values: []sandbox.Named{{Name: "items", Value: list}, {Name: "context", Value: call.Inputs.Value("contextInput")}}}
	for _, name := range []string{"filter", "transform", "compare"} {
		code := strings.TrimSpace(call.Inputs.Text(functions[name]))
		switch {
		case code == "" && name == "compare" && form == sandbox.Sort:
			code = compareTexts
		case code == "":
			continue
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
