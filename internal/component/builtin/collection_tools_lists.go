package builtin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/value"
)

// errNoState is the error of actions that remember, where nothing is remembered.
var errNoState = errors.New("nothing is kept here between executions: run the step in a flow of an instance")

func listInput(key, description string) ipaas.InputField {
	return ipaas.InputField{
		Key: key, DisplayName: "List", Type: ipaas.FieldData, Collection: ipaas.CollectionList, Required: true, Example: `[1, 2, 3]`, Description: description,
	}
}

func listActions() []component.Action {
	list := listInput("listInput", "The list, or JSON text of one. It is not changed itself.")
	element := ipaas.InputField{
		Key: "elementInput", DisplayName: "Element", Type: ipaas.FieldData,
		Description: "The element to look for. Values are compared as texts, numbers by what they count, lists and objects by what is in them.",
	}
	number := ipaas.InputField{
		Key: "numberInput", DisplayName: "Number of Elements", Type: ipaas.FieldNumber, Default: "1", Description: "How many elements, 1 or more.",
	}
	return []component.Action{
		pure("create", "Create List", "Makes a list.", "The list.", func(in component.Inputs) (any, error) { return slices.Concat([]any{}, in.List("items")), nil }, ipaas.InputField{
			Key: "items", DisplayName: "List Items", Type: ipaas.FieldData, Collection: ipaas.CollectionList, Description: "The items, in order. None: the list is empty.",
		}),
		pure("first", "First", "Takes the first element of a list.", "The element; nothing if the list is empty.", func(in component.Inputs) (any, error) { return itemAt(in.List("listInput"), 0), nil }, list),
		pure("last", "Last", "Takes the last element of a list.", "The element; nothing if the list is empty.", func(in component.Inputs) (any, error) { return itemAt(in.List("listInput"), -1), nil }, list),
		pure("length", "Length", "Counts the elements of a list.", "The number of elements.",
			func(in component.Inputs) (any, error) { return value.FromInt(int64(len(in.List("listInput")))), nil }, list),
		pure("takeFirst", "Take First", "Takes elements from the beginning of a list.", "The list of those elements; fewer, if the list has fewer.", takeFirst, list, number),
		pure("takeLast", "Take Last", "Takes elements from the end of a list.", "The list of those elements; fewer, if the list has fewer.", takeLast, list, number),
		pure("chunks", "Chunks", "Cuts a list into lists of the same length.", "The list of those lists. The last one has what is left.", chunks, list, number),
		pure("flatten", "Flatten", "Makes one list out of a list of lists.", "The list of all their elements. An element that is no list stays as it is, and so do lists in those lists.", flatten, list),
		pure("concatenate", "Concatenate", "Puts a list behind another one.", "The list of the elements of both.",
			func(in component.Inputs) (any, error) {
				return slices.Concat(in.List("listInput"), in.List("anotherListInput")), nil
			}, list, listInput("anotherListInput", "The list to put behind it.")),
		pure("append", "Append", "Adds an element to the end of a list.", "The list with the element.",
			func(in component.Inputs) (any, error) {
				return append(slices.Clone(in.List("listInput")), in.Value("elementInput")), nil
			}, list, ipaas.InputField{Key: "elementInput", DisplayName: "Element", Type: ipaas.FieldData, Description: "The element to add."}),
		pure("remove", "Remove", "Takes an element out of a list, wherever it stands.", "The list of all other elements.",
			func(in component.Inputs) (any, error) {
				return slices.DeleteFunc(slices.Clone(in.List("listInput")), func(item any) bool { return sameItem(item, in.Value("elementInput")) }), nil
			}, list, element),
		pure("count", "Count", "Counts how often an element stands in a list.", "The number of times.", countItems, list, element),
		pure("deduplicate", "De-duplicate", "Leaves out elements that stand earlier in the list, too. Numbers are equal by what they count, objects whatever the order of their keys.",
			"The list of different elements, in the order in which each comes first.", distinct, list),
		pure("selectItemFromList", "Select Item From List by Index", "Takes an element out of a list by its number.", "The element; nothing where there is none.", selectItem, list, ipaas.InputField{
			Key: "indexInput", DisplayName: "Index", Type: ipaas.FieldData, Required: true, Example: "[0, 2]",
			Description: "Its number, from 0; below 0 it is counted from the end. For lists in lists a list of numbers, or numbers with dots between them: 0.2 is the third element of the first list.",
		}),
	}
}

// itemAt returns an item by its number, counted from the end if that is below 0, or nothing.
func itemAt(list []any, i int) any {
	if i < 0 {
		i += len(list)
	}
	if i < 0 || i >= len(list) {
		return nil
	}
	return list[i]
}

func elements(in component.Inputs) (int, error) {
	n, err := in.Int("numberInput")
	if err == nil && n < 1 {
		err = fmt.Errorf("input %q is %d: give 1 or more", "numberInput", n)
	}
	return n, err
}

func takeFirst(in component.Inputs) (any, error) {
	list := in.List("listInput")
	n, err := elements(in)
	return list[:min(max(n, 0), len(list))], err
}

func takeLast(in component.Inputs) (any, error) {
	list := in.List("listInput")
	n, err := elements(in)
	return list[len(list)-min(max(n, 0), len(list)):], err
}

func chunks(in component.Inputs) (any, error) {
	n, err := elements(in)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for chunk := range slices.Chunk(in.List("listInput"), n) {
		out = append(out, chunk)
	}
	return out, nil
}

func flatten(in component.Inputs) (any, error) { return flattened(in.List("listInput")), nil }

// flattened puts the items of lists in place of the lists.
func flattened(list []any) []any {
	out := []any{}
	for _, item := range list {
		if inner, ok := item.([]any); ok {
			out = append(out, inner...)
			continue
		}
		out = append(out, item)
	}
	return out
}

func sameItem(a, b any) bool {
	if composite(a) || composite(b) {
		return value.Equal(a, b)
	}
	return (a == nil) == (b == nil) && sameText(a, b)
}

func countItems(in component.Inputs) (any, error) {
	n := int64(0)
	for _, item := range in.List("listInput") {
		if sameItem(item, in.Value("elementInput")) {
			n++
		}
	}
	return value.FromInt(n), nil
}

func distinct(in component.Inputs) (any, error) {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(in.List("listInput")), func(item any) bool {
		key := string(value.Canonical(alike(item)))
		before := seen[key]
		seen[key] = true
		return before
	}), nil
}

func selectItem(in component.Inputs) (any, error) {
	var at any = in.List("listInput")
	for _, part := range indices(looseJSON(in, "indexInput")) {
		i, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("input %q is no number of an element: give one such as 0, or a list of them for lists in lists", "indexInput")
		}
		list, _ := at.([]any)
		at = itemAt(list, i)
	}
	return at, nil
}

// indices takes a list of numbers, or numbers with dots between them, apart.
func indices(v any) []string {
	list, ok := v.([]any)
	if !ok {
		return strings.Split(value.Text(v), ".")
	}
	parts := make([]string, len(list))
	for i := range list {
		parts[i] = value.Text(list[i])
	}
	return parts
}

// maxPath bounds a path into an object.
const maxPath = 32

// walk follows a path with dots from an object to one in it, and makes what is missing. The object is changed.
func walk(o *value.Object, path string) (*value.Object, error) {
	if path == "" {
		return o, nil
	}
	keys := strings.Split(path, ".")
	if len(keys) > maxPath {
		return nil, fmt.Errorf("the path has more than %d keys: shorten it", maxPath)
	}
	var at any = o
	for i, key := range keys {
		so := strings.Join(keys[:i+1], ".")
		switch here := at.(type) {
		case *value.Object:
			next, ok := here.Get(key)
			if !ok || next == nil {
				next = value.Obj()
				here.Set(key, next)
			}
			at = next
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil || n < 0 || n >= len(here) {
				return nil, fmt.Errorf("%s is no item of the list: give its number, 0 to %d", so, len(here)-1)
			}
			if here[n] == nil {
				here[n] = value.Obj()
			}
			at = here[n]
		default:
			return nil, fmt.Errorf("%s cannot be reached: there is %s before it", so, value.Kind(here))
		}
	}
	end, ok := at.(*value.Object)
	if !ok {
		return nil, fmt.Errorf("at %s there is %s: name an object", path, value.Kind(at))
	}
	return end, nil
}

// pairActions turn objects into lists of keys and values, and back.
func pairActions() []component.Action {
	return []component.Action{
		pure("fromObject", "Object to Key Value Pair List", "Makes a list of the keys of an object and their values.", "The list, in the object's order, of objects with `key` and `value`.",
			func(in component.Inputs) (any, error) {
				o, err := asObject(in, "object")
				return pairsOf(o), err
			}, objectInput("The object, or JSON text of one.")),
		pure("toObject", "Key Value Pair List to Object", "Makes an object of a list of keys and values.", "The object. Of a key that stands twice the last value counts.",
			func(in component.Inputs) (any, error) {
				o := value.Obj()
				return o, setAll(o, in, "kvList")
			}, ipaas.InputField{
				Key: "kvList", DisplayName: "Key/Value List", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList, Required: true, Example: `[{"key": "a", "value": 1}]`,
				Description: "The list of objects with `key` and `value`.",
			}),
		pure("fieldValueMapping", "Field Value Mapping", "Joins two mappings by their keys: a field map says how a field is called elsewhere, values say what is in it.",
			"The list, in the order of `mappings`, of objects with `key`, the value of the first mapping, and `value`, that of the second; nothing where it has none.", mapFields,
			ipaas.InputField{Key: "mappings", DisplayName: "Key Mappings", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList, Description: "The fields, and how each is called elsewhere."},
			ipaas.InputField{Key: "values", DisplayName: "Value Mappings", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList, Description: "The fields, and what is in each."},
		),
	}
}

func pair(key, v any) *value.Object {
	return value.Obj(value.Field{Key: "key", Value: key}, value.Field{Key: "value", Value: v})
}

func pairsOf(o *value.Object) []any {
	list := make([]any, 0, o.Len())
	for key, v := range o.All() {
		list = append(list, pair(key, v))
	}
	return list
}

func mapFields(in component.Inputs) (any, error) {
	values := map[string]any{}
	for _, p := range in.Pairs("values") {
		values[p.Key] = p.Value
	}
	out := []any{}
	for _, p := range in.Pairs("mappings") {
		out = append(out, pair(p.Value, values[p.Key]))
	}
	return out, nil
}

func aggregate() component.Action {
	a := pure("aggregate", "Aggregate", "Makes one number of a list of numbers, or of those that a function likes, reckoned as Math does.",
		"The number. Of an empty list COUNT and SUM are 0 and PRODUCT is 1; the others have no result, and the step fails.",
		nil, listInput("listInput", "The numbers; texts that are numbers count as such. For COUNT anything may be in it."), ipaas.InputField{
			Key: "aggregateFunctionInput", DisplayName: "Aggregate Function", Required: true, Choices: []string{"AVERAGE", "COUNT", "MAX", "MIN", "SUM", "PRODUCT", "MEDIAN"},
			Description: "What to make of them.",
		},
		functionInput("filterCodeInput", "Filter Function", "A function of an item and its index that says whether it counts.", "(item, index) => item > 0", everyItem))
	a.Perform = func(ctx context.Context, call component.Call) (component.Result, error) {
		list := call.Inputs.List("listInput")
		if code := strings.TrimSpace(call.Inputs.Text("filterCodeInput")); code != "" && code != everyItem {
			liked, err := listCode(ctx, call, "listInput", sandbox.Filter, map[string]string{"filter": "filterCodeInput"})
			if err != nil {
				return component.Result{}, err
			}
			list, _ = liked.Data.([]any) // the sandbox's filter gives nothing else
		}
		data, err := aggregateList(list, call.Inputs.Text("aggregateFunctionInput"))
		return component.Result{Data: data}, err
	}
	return a
}

func aggregateList(list []any, what string) (any, error) {
	if what == "COUNT" {
		return value.FromInt(int64(len(list))), nil
	}
	if len(list) == 0 && (what == "SUM" || what == "PRODUCT") {
		return map[string]value.Number{"SUM": "0", "PRODUCT": "1"}[what], nil
	}
	counted, wrong := component.Resolve([]ipaas.InputField{{Key: "listInput", Type: ipaas.FieldNumber, Collection: ipaas.CollectionList}}, map[string]any{"listInput": list})
	if len(wrong) > 0 {
		return nil, fmt.Errorf("input %q %s", "listInput", wrong[0].Description)
	}
	numbers, err := decimals(counted, "listInput")
	if err != nil {
		return nil, err
	}
	d, err := aggregateNumbers(numbers, what)
	if err != nil {
		return nil, err
	}
	return fromDecimal(d), nil
}

func aggregateNumbers(numbers []*apd.Decimal, what string) (*apd.Decimal, error) {
	switch what {
	case "MAX":
		return slices.MaxFunc(numbers, (*apd.Decimal).Cmp), nil
	case "MIN":
		return slices.MinFunc(numbers, (*apd.Decimal).Cmp), nil
	case "PRODUCT":
		return fold(numbers, reckoning.Mul)
	case "SUM":
		return fold(numbers, reckoning.Add)
	case "MEDIAN":
		slices.SortFunc(numbers, (*apd.Decimal).Cmp)
		middle := len(numbers) / 2
		if len(numbers)%2 == 1 {
			return numbers[middle], nil
		}
		return average(numbers[middle-1 : middle+1])
	default:
		return average(numbers)
	}
}

func average(numbers []*apd.Decimal) (*apd.Decimal, error) {
	sum, err := fold(numbers, reckoning.Add)
	if err != nil {
		return nil, err
	}
	var out apd.Decimal
	return &out, reckoned(reckoning.Quo(&out, sum, apd.New(int64(len(numbers)), 0)))
}
