package builtin

import (
	"context"
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// persistScope is one of the scopes that flows keep values in, with what its actions are called.
type persistScope struct {
	scope   ipaas.StateScope
	key     string // in the middle of the actions' keys
	display string // at the beginning of their names
	shared  string // who sees what is kept
}

var persistScopes = []persistScope{
	{ipaas.StateExecution, "Execution", "Execution", "the steps of one execution, loops included; it is gone with the execution"},
	{ipaas.StateFlow, "Instance", "Flow", "all executions of the flow of one instance, until it is removed or the instance is deleted"},
	{ipaas.StateInstance, "CrossFlow", "Cross Flow", "all flows of one instance, until it is removed or the instance is deleted"},
	{
		ipaas.StateIntegration, "Integration", "Integration",
		"all instances of the integration, of whichever customer, until it is removed or the integration is deleted; a test instance has its own",
	},
}

func persistData() *component.Component {
	c := &component.Component{
		ID: "persist-data", DisplayName: "Persist Data",
		Description: fmt.Sprintf("Keep values beyond a step, by key. Each operation is carried out once, on what is there when the step ends: executions "+
			"that count or collect at the same time lose nothing. What a deployment's flows keep, and those that these start, is seen by others when it has succeeded. "+
			"A value has at most %d bytes as JSON, a key %d; a scope holds at most %d keys and %d bytes.",
			ipaas.MaxStateValue, ipaas.MaxStateKey, ipaas.MaxStateKeys, ipaas.MaxStateSize),
	}
	for _, s := range persistScopes {
		c.Actions = append(c.Actions, s.actions()...)
	}
	c.Actions = append(c.Actions, stateUsage())
	return c
}

// actions returns the actions of a scope.
func (s persistScope) actions() []component.Action {
	kept := ipaas.InputField{
		Key: "valueInput", DisplayName: "Value", Type: ipaas.FieldData, Example: "2026-01-31",
		Description: "The value: anything. A text is kept as it is given, also where it reads as a number or a list.",
	}
	item := kept
	item.DisplayName, item.Description = "Item", "The item: anything."
	amount := ipaas.InputField{
		Key: "amountInput", DisplayName: "Amount", Type: ipaas.FieldNumber, Default: "1", Description: "By how much. It may be negative or a fraction, and is added digit for digit.",
	}
	const listNote = " A text that reads as a list counts as one; anything else that is no list fails the step."
	const numberNote = " It is 0 where there is none. A text that reads as a number counts as one; anything else fails the step."
	return []component.Action{
		s.action("get%sValue", "Get Value", ipaas.EffectRead, "Reads the value of a key.",
			"The value, exactly as it was kept; the default value where the key has none or null.", s.get,
			s.keyField(), ipaas.InputField{
				Key: "defaultValueInput", DisplayName: "Default Value", Type: ipaas.FieldData, Example: "0",
				Description: "The result where the key has no value. It is given as it is, and not kept: a text such as [] stays a text, which counts as a list wherever one is needed.",
			}),
		s.action("save%sValue", "Save Value", ipaas.EffectWrite, "Keeps a value under a key, in place of the one there is; or several at once.",
			"`key` and `value`, as they were given; nothing in them where there are several.", s.save,
			s.optionalKeyField(), kept, ipaas.InputField{
				Key: "dynamicValues", DisplayName: "Key/Values", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList,
				Description: fmt.Sprintf("Several keys with their values, up to %d; all of them are kept at once, or none. If there are any, `keyInput` and `valueInput` do not count.",
					component.MaxStateChanges),
			}),
		s.action("remove%sValue", "Remove Value", ipaas.EffectWrite, "Removes a key with its value. Removing one that is not there is no failure.",
			"Nothing.", s.remove, s.optionalKeyField(), ipaas.InputField{
				Key: "dynamicKeys", DisplayName: "Multiple Keys", Collection: ipaas.CollectionList, Example: `["last-sync", "cursor"]`,
				Description: fmt.Sprintf("Several keys, up to %d; all of them are removed at once, or none. If there are any, `keyInput` does not count.", component.MaxStateChanges),
			}),
		s.action("append%sValueToList", "Append Value to List", ipaas.EffectWrite, "Adds an item at the end of the list of a key, which is made if it is not there."+listNote,
			"The item.", s.change(ipaas.StateAppend, oneItem), s.keyField(), item),
		s.action("append%sValuesToList", "Append Multiple Values to List", ipaas.EffectWrite, "Adds items at the end of the list of a key, which is made if it is not there."+listNote,
			"The items.", s.change(ipaas.StateAppend, allItems), s.keyField(),
			ipaas.InputField{
				Key: "valuesInput", DisplayName: "Values", Type: ipaas.FieldData, Collection: ipaas.CollectionList,
				Description: "The items, in order. An empty list changes nothing, but makes the list be there.",
			},
			ipaas.InputField{
				Key: "dynamicValues", DisplayName: "Dynamic Values", Type: ipaas.FieldData, Collection: ipaas.CollectionList, Example: `[1, 2]`,
				Description: "The items from elsewhere: a list, or JSON text of one. If there are any, `valuesInput` does not count.",
			},
			ipaas.InputField{
				Key: "flattenValues", DisplayName: "Flatten Values", Type: ipaas.FieldBoolean, Default: "false",
				Description: "Whether an item that is a list adds its own items instead of itself.",
			}),
		s.action("remove%sValueFromList", "Remove Value from List", ipaas.EffectWrite, "Takes every item that equals a value out of the list of a key."+listNote,
			"The value that was taken out.", s.change(ipaas.StateTakeOut, oneItem), s.keyField(), item),
		s.action("add%sValueToSet", "Add Value to Set", ipaas.EffectWrite, "Adds an item to the list of a key, unless the list has it already."+listNote,
			"The item.", s.change(ipaas.StateAddToSet, oneItem), s.keyField(), item),
		s.action("remove%sValueFromSet", "Remove Value from Set", ipaas.EffectWrite, "Takes an item out of the list of a key."+listNote,
			"The item.", s.change(ipaas.StateTakeOut, oneItem), s.keyField(), item),
		s.action("increment%sValue", "Increment Value", ipaas.EffectWrite, "Adds to the number of a key."+numberNote,
			"The number after that. Of executions that count at the same time each gets its own.", s.count(false), s.keyField(), amount),
		s.action("decrement%sValue", "Decrement Value", ipaas.EffectWrite, "Takes from the number of a key."+numberNote,
			"The number after that. Of executions that count at the same time each gets its own.", s.count(true), s.keyField(), amount),
		s.action("list%sKeys", "List Keys", ipaas.EffectRead, "Lists the keys there are, those whose value is null included.", "The keys, sorted.", s.keys),
		s.action("remove%sState", "Remove All Values", ipaas.EffectWrite, "Removes every key of the scope.", "Nothing.", s.clear),
		s.action("save%sCurrentTime", "Save Current Time", ipaas.EffectWrite, "Keeps the time under a key, in place of the value there is.",
			"The time, as a text in UTC such as 2026-01-31T08:30:00.000Z.", s.saveTime, s.keyField()),
	}
}

// action makes an action of the scope: its key has the scope's in place of %s.
func (s persistScope) action(
	key, name string, effect ipaas.Effect, description, output string,
	perform func(context.Context, component.Call) (component.Result, error), inputs ...ipaas.InputField,
) component.Action {
	return component.Action{
		Action: ipaas.Action{
			Key: fmt.Sprintf(key, s.key), DisplayName: s.display + " - " + name, Effect: effect, Inputs: inputs, Output: output,
			Description: description + " Kept for " + s.shared + ".",
		},
		Perform: perform,
	}
}

func (s persistScope) keyField() ipaas.InputField {
	f := s.optionalKeyField()
	f.Required = true
	return f
}

func (s persistScope) optionalKeyField() ipaas.InputField {
	return ipaas.InputField{
		Key: "keyInput", DisplayName: "Key", Example: "last-sync",
		Description: fmt.Sprintf("The key, up to %d bytes. Upper and lower case differ.", ipaas.MaxStateKey),
	}
}

var errNothingKept = errors.New("nothing is kept where this step runs")

func (s persistScope) get(ctx context.Context, call component.Call) (component.Result, error) {
	if call.State == nil {
		return component.Result{}, errNothingKept
	}
	v, there, err := call.State.Get(ctx, s.scope, call.Inputs.Text("keyInput"))
	if err != nil {
		return component.Result{}, keyError(err)
	}
	if !there || v == nil {
		v = call.Inputs.Value("defaultValueInput")
	}
	return component.Result{Data: v}, nil
}

func (s persistScope) keys(ctx context.Context, call component.Call) (component.Result, error) {
	if call.State == nil {
		return component.Result{}, errNothingKept
	}
	keys, err := call.State.Keys(ctx, s.scope)
	if err != nil {
		return component.Result{}, err
	}
	list := make([]any, len(keys))
	for i, key := range keys {
		list[i] = key
	}
	return component.Result{Data: list}, nil
}

func (s persistScope) save(_ context.Context, call component.Call) (component.Result, error) {
	var changes []component.StateChange
	set := func(key string, v any) {
		changes = append(changes, component.StateChange{Scope: s.scope, Operation: ipaas.StateSet, Key: key, Value: v})
	}
	for _, p := range call.Inputs.Pairs("dynamicValues") {
		if p.Key == "" && (p.Value == nil || p.Value == "") {
			continue // a row of a form that was left empty
		}
		set(p.Key, p.Value)
	}
	if len(changes) > component.MaxStateChanges {
		return component.Result{}, fmt.Errorf("input %q has %d keys: give %d at most", "dynamicValues", len(changes), component.MaxStateChanges)
	}
	key, v := any(nil), any(nil)
	if len(changes) == 0 {
		if call.Inputs.Text("keyInput") == "" {
			return component.Result{}, errors.New(`inputs "keyInput" and "dynamicValues" give no key: give one`)
		}
		key, v = call.Inputs.Value("keyInput"), call.Inputs.Value("valueInput")
		set(call.Inputs.Text("keyInput"), v)
	}
	return kept(value.Obj(value.Field{Key: "key", Value: key}, value.Field{Key: "value", Value: v}), changes...)
}

func (s persistScope) remove(_ context.Context, call component.Call) (component.Result, error) {
	var changes []component.StateChange
	for _, key := range call.Inputs.List("dynamicKeys") {
		if text := value.Text(key); text != "" { // else a row of a form that was left empty
			changes = append(changes, component.StateChange{Scope: s.scope, Operation: ipaas.StateRemove, Key: text})
		}
	}
	if len(changes) > component.MaxStateChanges {
		return component.Result{}, fmt.Errorf("input %q has %d keys: give %d at most", "dynamicKeys", len(changes), component.MaxStateChanges)
	}
	if len(changes) == 0 {
		if call.Inputs.Text("keyInput") == "" {
			return component.Result{}, errors.New(`inputs "keyInput" and "dynamicKeys" give no key: give one`)
		}
		changes = append(changes, component.StateChange{Scope: s.scope, Operation: ipaas.StateRemove, Key: call.Inputs.Text("keyInput")})
	}
	return kept(nil, changes...)
}

func (s persistScope) clear(context.Context, component.Call) (component.Result, error) {
	return kept(nil, component.StateChange{Scope: s.scope, Operation: ipaas.StateClear})
}

func (s persistScope) saveTime(_ context.Context, call component.Call) (component.Result, error) {
	now := call.Now.UTC().Format(isoUTC)
	return kept(now, component.StateChange{Scope: s.scope, Operation: ipaas.StateSet, Key: call.Inputs.Text("keyInput"), Value: now})
}

// what an operation takes from the inputs, and what the step gives.
func oneItem(in component.Inputs) (operand, result any) {
	item := in.Value("valueInput")
	return []any{item}, item
}

func allItems(in component.Inputs) (operand, result any) {
	items := in.List("dynamicValues")
	if len(items) == 0 {
		items = in.List("valuesInput")
	}
	if items == nil {
		items = []any{}
	}
	if in.Bool("flattenValues") {
		items = flattened(items)
	}
	return items, items
}

// change returns what carries an operation out. The whole list is never the result: a loop that collects would store it again and again.
func (s persistScope) change(
	operation ipaas.StateOperation, of func(component.Inputs) (operand, result any),
) func(context.Context, component.Call) (component.Result, error) {
	return func(_ context.Context, call component.Call) (component.Result, error) {
		operand, result := of(call.Inputs)
		return kept(result, component.StateChange{Scope: s.scope, Operation: operation, Key: call.Inputs.Text("keyInput"), Value: operand})
	}
}

// count returns what adds to a number, or takes from it.
func (s persistScope) count(down bool) func(context.Context, component.Call) (component.Result, error) {
	return func(_ context.Context, call component.Call) (component.Result, error) {
		by, ok := call.Inputs.Value("amountInput").(value.Number)
		if !ok {
			by = "1"
		}
		if down {
			by = negative(by)
		}
		return kept(nil, component.StateChange{
			Scope: s.scope, Operation: ipaas.StateIncrement, Key: call.Inputs.Text("keyInput"), Value: by, AsResult: true,
		})
	}
}

func negative(n value.Number) value.Number {
	if n[0] == '-' {
		return n[1:]
	}
	return "-" + n
}

// kept makes a result of changes, unless one is wrong in itself.
func kept(result any, changes ...component.StateChange) (component.Result, error) {
	for _, c := range changes {
		if err := c.Check(); err != nil {
			return component.Result{}, keyError(err)
		}
	}
	return component.Result{Data: result, State: changes}, nil
}

func keyError(err error) error { return fmt.Errorf("input %q: %w", "keyInput", err) }

// stateUsage tells how much is kept. It reads everything for that: there is no other action that needs to know.
func stateUsage() component.Action {
	return component.Action{
		Action: ipaas.Action{
			Key: "getUsage", DisplayName: "Get Persist Data Usage Metrics", Effect: ipaas.EffectRead,
			Description: "Measures what is kept for the flow, the instance and the integration. It reads all of it.",
			Output: fmt.Sprintf("An object with numbers of bytes, of keys and of values as JSON: `flowStateBytes`, `crossFlowStateBytes`, `integrationFlowStateBytes`, their sum `totalBytes`, and "+
				"`maxAllowedBytes`, which is %d, for each of the three.", ipaas.MaxStateSize),
		},
		Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
			if call.State == nil {
				return component.Result{}, errNothingKept
			}
			result, total := value.Obj(), int64(0)
			for _, s := range []struct {
				key   string
				scope ipaas.StateScope
			}{{"flowStateBytes", ipaas.StateFlow}, {"crossFlowStateBytes", ipaas.StateInstance}, {"integrationFlowStateBytes", ipaas.StateIntegration}} {
				all, err := call.State.All(ctx, s.scope)
				if err != nil {
					return component.Result{}, err
				}
				size := int64(0)
				for key, v := range all.All() {
					size += int64(len(key) + len(value.Encode(v)))
				}
				total += size
				result.Set(s.key, value.FromInt(size))
			}
			result.Set("totalBytes", value.FromInt(total))
			result.Set("maxAllowedBytes", value.FromInt(ipaas.MaxStateSize))
			return component.Result{Data: result}, nil
		},
	}
}
