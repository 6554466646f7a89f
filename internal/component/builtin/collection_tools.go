package builtin

import (
	"context"
	"fmt"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func collectionTools() *component.Component {
	c := &component.Component{
		ID: "collection-tools", DisplayName: "Collection Tools", Description: "Make and change lists and objects.",
	}
	c.Actions = append(c.Actions, objectActions()...)
	c.Actions = append(c.Actions, listActions()...)
	c.Actions = append(c.Actions, pairActions()...)
	c.Actions = append(c.Actions, codeListActions()...)
	c.Actions = append(c.Actions, aggregate(), processInOrder(), validateJSONSchema())
	return c
}

func objectInput(description string) ipaas.InputField {
	return ipaas.InputField{Key: "object", DisplayName: "Object", Type: ipaas.FieldData, Description: description}
}

func objectActions() []component.Action {
	path := ipaas.InputField{
		Key: "objectPath", DisplayName: "Insert Path", Example: "customer.address",
		Description: "Where in the object to add it, as keys with dots between them; an item of a list by its number. Objects that are missing on the way are made. None: at the top.",
	}
	object := objectInput("The object, or JSON text of one. None: an empty one. It is not changed itself.")
	return []component.Action{
		pure("createObject", "Create Object", "Makes an object out of named values.", "The object.", createObject, ipaas.InputField{
			Key: "keyValueInput", DisplayName: "Keys and Values", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList, Required: true,
			Description: "The keys and their values, in order. A key stands as it is: a dot in it makes no nested object. Of a key given twice the last value counts.",
		}),
		pure("combineCollections", "Combine Collections", "The old name of Create Object, for definitions that were written with it.", "The object.",
			func(in component.Inputs) (any, error) {
				o := value.Obj()
				return o, setAll(o, in, "collections")
			}, ipaas.InputField{
				Key: "collections", DisplayName: "Collections", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList, Required: true,
				Description: "What `keyValueInput` is to Create Object.",
			}),
		pure("addKey", "Add Key/Value to Object", "Adds a value to an object; one that is there under the key is replaced.", "The object with the value.", addKey, object, path,
			ipaas.InputField{Key: "key", DisplayName: "Key", Required: true, Description: "The key. It stands as it is: a dot in it makes no nested object."},
			ipaas.InputField{Key: "value", DisplayName: "Value", Type: ipaas.FieldData, Description: "The value."},
		),
		pure("addMultipleKeys", "Add Multiple Key/Value to Object", "Adds several values to an object; what is there under their keys is replaced.", "The object with the values.",
			addMultipleKeys, object, path,
			ipaas.InputField{
				Key: "keyValueListInput", DisplayName: "Key/Values", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList,
				Description: "The keys and their values, in order.",
			},
			ipaas.InputField{
				Key: "dynamicFields", DisplayName: "Dynamic Key/Values", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList, Example: `{"someProperty": "value"}`,
				Description: "Keys and values from elsewhere: an object, a list of {key, value}, or JSON text of either. If they are given, `keyValueListInput` does not count.",
			},
		),
	}
}

func createObject(in component.Inputs) (any, error) {
	o := value.Obj()
	return o, setAll(o, in, "keyValueInput")
}

// setAll sets the values of a key/value list.
func setAll(o *value.Object, in component.Inputs, input string) error {
	for i, p := range in.Pairs(input) {
		if p.Key == "" {
			return fmt.Errorf("input %q: item %d has an empty key: give it one", input, i)
		}
		o.Set(p.Key, p.Value)
	}
	return nil
}

func addKey(in component.Inputs) (any, error) {
	whole, place, err := placeInObject(in)
	if err != nil {
		return nil, err
	}
	place.Set(in.Text("key"), in.Value("value"))
	return whole, nil
}

func addMultipleKeys(in component.Inputs) (any, error) {
	whole, place, err := placeInObject(in)
	if err != nil {
		return nil, err
	}
	input := "keyValueListInput"
	if len(in.Pairs("dynamicFields")) > 0 {
		input = "dynamicFields"
	}
	return whole, setAll(place, in, input)
}

// asObject returns an input that is an object or JSON text of one.
func asObject(in component.Inputs, key string) (*value.Object, error) {
	v := in.Value(key)
	if text, ok := v.(string); ok {
		if text == "" {
			return value.Obj(), nil
		}
		parsed, err := value.Parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("input %q is a text that is not JSON: give an object", key)
		}
		v = parsed
	}
	switch v := v.(type) {
	case nil:
		return value.Obj(), nil
	case *value.Object:
		return v, nil
	default:
		return nil, fmt.Errorf("input %q is %s: give an object", key, value.Kind(v))
	}
}

// placeInObject returns a copy of the object of a step, and the object in it that the path leads to.
func placeInObject(in component.Inputs) (whole, place *value.Object, err error) {
	given, err := asObject(in, "object")
	if err != nil {
		return nil, nil, err
	}
	whole = given.Clone()
	place, err = walk(whole, in.Text("objectPath"))
	if err != nil {
		return nil, nil, fmt.Errorf("input %q: %w", "objectPath", err)
	}
	return whole, place, nil
}

// processBranches are the ways on from Process In Order.
var processBranches = []string{"Process", "Skip"}

// What items that wait for their turn may fill.
const (
	maxOutOfOrder   = 1000
	maxCollection   = 1_000_000
	inOrderState    = "collection-tools:in-order:"
	maxCollectionID = 256
)

func processInOrder() component.Action {
	return component.Action{
		Action: ipaas.Action{
			Key: "processInOrder", DisplayName: "Process In Order", Effect: ipaas.EffectPure, Branches: true,
			Description: "Brings items into order that executions of the flow get one by one and out of order. An item whose turn it is takes the branch `Process`, with those behind it that came " +
				"before; any other is kept, up to 1000 of them, and takes the branch `Skip`. Give the flow a queue that runs one execution after the other: executions that " +
				"run at the same time do not see each other's items.",
			Output: "On `Process` the list of the items whose turn it is, in order; on `Skip` the item.",
			Inputs: []ipaas.InputField{
				{Key: "collectionId", DisplayName: "Collection ID", Required: true, Description: "What tells this collection from others, up to 256 bytes."},
				{
					Key: "collectionLength", DisplayName: "Collection Length", Type: ipaas.FieldNumber, Required: true,
					Description: "How many items it has, up to 1000000. After the last one nothing is kept any more.",
				},
				{Key: "item", DisplayName: "Item", Type: ipaas.FieldData, Description: "The item."},
				{
					Key: "itemIndex", DisplayName: "Item Index", Type: ipaas.FieldNumber, Required: true,
					Description: "Its number in the order, from 0. One whose turn is over is skipped.",
				},
			},
		},
		Perform:     inOrder,
		BranchNames: func(map[string]ipaas.Input) []string { return processBranches },
	}
}

func inOrder(ctx context.Context, call component.Call) (component.Result, error) {
	if call.State == nil {
		return component.Result{}, errNoState
	}
	length, index, err := orderInputs(call.Inputs)
	if err != nil {
		return component.Result{}, err
	}
	key := inOrderState + call.Inputs.Text("collectionId")
	kept, _, err := call.State.Get(ctx, ipaas.StateFlow, key)
	if err != nil {
		return component.Result{}, err
	}
	state, _ := kept.(*value.Object)
	next, waiting := waitingItems(state)
	item := call.Inputs.Value("item")
	change := component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateSet, Key: key}
	switch {
	case index < next:
		return component.Result{Data: item, Branch: "Skip"}, nil // it comes twice
	case index > next:
		waiting.Set(fmt.Sprint(index), item)
		if waiting.Len() > maxOutOfOrder {
			return component.Result{}, fmt.Errorf("%d items of the collection wait for item %d: they cannot be more", maxOutOfOrder, next)
		}
		change.Value = orderState(next, waiting)
		return component.Result{Data: item, Branch: "Skip", State: []component.StateChange{change}}, nil
	}
	ready := []any{item}
	for next++; ; next++ {
		v, ok := waiting.Get(fmt.Sprint(next))
		if !ok {
			break
		}
		ready = append(ready, v)
		waiting.Delete(fmt.Sprint(next))
	}
	change.Value = orderState(next, waiting)
	if next >= length {
		change.Operation, change.Value = ipaas.StateRemove, nil
	}
	return component.Result{Data: ready, Branch: "Process", State: []component.StateChange{change}}, nil
}

func orderInputs(in component.Inputs) (length, index int, err error) {
	if length, err = in.Int("collectionLength"); err != nil {
		return 0, 0, err
	}
	if index, err = in.Int("itemIndex"); err != nil {
		return 0, 0, err
	}
	switch {
	case length < 1 || length > maxCollection:
		return 0, 0, fmt.Errorf("input %q is %d: give 1 to %d", "collectionLength", length, maxCollection)
	case index < 0 || index >= length:
		return 0, 0, fmt.Errorf("input %q is %d: give 0 to %d, one less than the collection's length", "itemIndex", index, length-1)
	case len(in.Text("collectionId")) > maxCollectionID:
		return 0, 0, fmt.Errorf("input %q is longer than %d bytes: shorten it", "collectionId", maxCollectionID)
	}
	return length, index, nil
}

func orderState(next int, waiting *value.Object) *value.Object {
	return value.Obj(value.Field{Key: "next", Value: value.FromInt(int64(next))}, value.Field{Key: "waiting", Value: waiting})
}

// waitingItems reads what orderState made, and an empty one as that of a new collection.
func waitingItems(state *value.Object) (next int, waiting *value.Object) {
	waiting = value.Obj()
	if n, ok := state.Get("next"); ok {
		number, _ := n.(value.Number)
		i, _ := number.Int64()
		next = int(i)
	}
	if w, ok := state.Get("waiting"); ok {
		if o, ok := w.(*value.Object); ok {
			waiting = o.Clone()
		}
	}
	return next, waiting
}
