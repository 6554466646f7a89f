package declarative

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// The bounds of a component.
const (
	maxConnectionTypes  = 20
	maxActions          = 500
	maxTriggers         = 50
	maxInputs           = 100
	maxConnectionInputs = 50
	maxKeyLength        = 63
	maxDescription      = 10_000
)

// builder compiles a component and collects what is wrong with it.
type builder struct {
	component *ipaas.Component
	found     []ipaas.Violation
}

func (b *builder) add(path string, reason ipaas.Reason, format string, args ...any) {
	b.found = append(b.found, ipaas.Violation{Field: path, Reason: reason, Description: fmt.Sprintf(format, args...)})
}

func (b *builder) head() {
	c := b.component
	if !ipaas.ValidComponentID(c.ID) {
		b.add("id", ipaas.ReasonMalformed, "the id %q is malformed: use letters, digits, and single hyphens and underscores between them, at most %d", value.Shorten(c.ID), ipaas.MaxIDLength)
	}
	if c.DisplayName == "" {
		b.add("displayName", ipaas.ReasonRequired, "the component has no name: give it one")
	}
	b.texts("", c.DisplayName, c.Description)
}

func (b *builder) texts(at, displayName, description string) {
	if hasControl(displayName) {
		b.add(join(at, "displayName"), ipaas.ReasonMalformed, "the name %q holds a line break or another control character: remove it", value.Shorten(displayName))
	}
	if utf8.RuneCountInString(displayName) > ipaas.MaxNameLength {
		b.add(join(at, "displayName"), ipaas.ReasonTooLarge, "the name %q has more than %d characters: shorten it", value.Shorten(displayName), ipaas.MaxNameLength)
	}
	if utf8.RuneCountInString(description) > maxDescription {
		b.add(join(at, "description"), ipaas.ReasonTooLarge, "the description has more than %d characters: shorten it", maxDescription)
	}
}

// keyPattern is how connection types, actions and inputs are named.
var keyPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

func (b *builder) key(at, key string) {
	switch {
	case key == "":
		b.add(at, ipaas.ReasonRequired, "a key is missing: give one of letters and digits, e.g. createWebhook")
	case !keyPattern.MatchString(key) || len(key) > maxKeyLength:
		b.add(at, ipaas.ReasonMalformed, "the key %q is malformed: use letters, digits, hyphens and underscores, a letter first, at most %d",
			value.Shorten(key), maxKeyLength)
	}
}

// unique remembers what was seen.
type unique map[string]bool

func (b *builder) unique(seen unique, at, name string) {
	if name != "" && seen[name] {
		b.add(at, ipaas.ReasonDuplicate, "%q is there already: choose another", value.Shorten(name))
	}
	seen[name] = true
}

func (b *builder) atMost(at, what string, n, most int) {
	if n > most {
		b.add(at, ipaas.ReasonTooLarge, "there are %d %s: keep at most %d", n, what, most)
	}
}

func (b *builder) connectionTypes() {
	keys := unique{}
	b.atMost("connectionTypes", "connection types", len(b.component.ConnectionTypes), maxConnectionTypes)
	for i := range b.component.ConnectionTypes {
		t, at := &b.component.ConnectionTypes[i], fmt.Sprintf("connectionTypes[%d]", i)
		b.key(at+".key", t.Key)
		b.unique(keys, at+".key", t.Key)
		b.texts(at, t.DisplayName, t.Description)
		b.fields(at+".inputs", t.Inputs, inConnection)
	}
}

// owner tells whose inputs are declared.
type owner int

const (
	inAction owner = iota
	inConnection
)

func (b *builder) fields(at string, fields []ipaas.InputField, whose owner) {
	most := maxInputs
	if whose == inConnection {
		most = maxConnectionInputs
	}
	b.atMost(at, "inputs", len(fields), most)
	keys, connections := unique{}, 0
	for i := range fields {
		f, at := &fields[i], fmt.Sprintf("%s[%d]", at, i)
		b.key(at+".key", f.Key)
		b.unique(keys, at+".key", f.Key)
		b.texts(at, f.DisplayName, f.Description)
		b.field(at, f, whose)
		if f.Type == ipaas.FieldConnection {
			if connections++; connections == 2 && whose == inAction {
				b.add(at+".type", ipaas.ReasonDuplicate, "the action has a connection already, and $connection must be one of them: keep one")
			}
		}
	}
}

var (
	fieldTypes = []ipaas.FieldType{
		ipaas.FieldString, ipaas.FieldText, ipaas.FieldNumber, ipaas.FieldBoolean, ipaas.FieldCode, ipaas.FieldData, ipaas.FieldConnection,
		ipaas.FieldConditions, ipaas.FieldDate, ipaas.FieldTimestamp,
	}
	collections = []ipaas.Collection{ipaas.CollectionList, ipaas.CollectionKeyValueList}
)

func (b *builder) field(at string, f *ipaas.InputField, whose owner) {
	if f.Type != "" && !slices.Contains(fieldTypes, f.Type) {
		b.add(at+".type", ipaas.ReasonNotAChoice, "the type %q is unknown: give STRING, TEXT, NUMBER, BOOLEAN, CODE, DATA, CONNECTION, DATE or TIMESTAMP", value.Shorten(string(f.Type)))
	}
	if f.Type == ipaas.FieldConditions {
		b.add(at+".type", ipaas.ReasonMisplaced, "only the built-in branch decides on conditions: use another type")
	}
	if f.Collection != "" && !slices.Contains(collections, f.Collection) {
		b.add(at+".collection", ipaas.ReasonNotAChoice, "the collection %q is unknown: give LIST or KEY_VALUE_LIST, or none for one value", value.Shorten(string(f.Collection)))
	}
	b.connectionField(at, f, whose)
	b.fieldChoices(at, f)
	b.fieldDefault(at, f)
}

func (b *builder) connectionField(at string, f *ipaas.InputField, whose owner) {
	if f.Type != ipaas.FieldConnection {
		if len(f.ConnectionTypes) > 0 {
			b.add(at+".connectionTypes", ipaas.ReasonMisplaced, "input %q names connection types, but is no CONNECTION: remove them, or make it one", value.Shorten(f.Key))
		}
		return
	}
	if whose == inConnection {
		b.add(at+".type", ipaas.ReasonMisplaced, "a connection cannot hold another: use another type")
	}
	if f.Collection != "" {
		b.add(at+".collection", ipaas.ReasonMisplaced, "input %q is a CONNECTION, and a connection is always single: remove the collection", value.Shorten(f.Key))
	}
	for i, key := range f.ConnectionTypes {
		known := slices.ContainsFunc(b.component.ConnectionTypes, func(t ipaas.ConnectionType) bool { return t.Key == key })
		if !known {
			b.add(fmt.Sprintf("%s.connectionTypes[%d]", at, i), ipaas.ReasonUnknownConnectionType,
				"the component has no connection type %q: declare it, or name another", value.Shorten(key))
		}
	}
}

func (b *builder) fieldChoices(at string, f *ipaas.InputField) {
	if len(f.Choices) == 0 {
		return
	}
	switch f.Type {
	case "", ipaas.FieldString, ipaas.FieldText, ipaas.FieldCode:
	default:
		b.add(at+".choices", ipaas.ReasonMisplaced, "input %q has choices, but only texts can: remove them, or make it a STRING", value.Shorten(f.Key))
	}
	seen := unique{}
	for i, choice := range f.Choices {
		item := fmt.Sprintf("%s.choices[%d]", at, i)
		if choice == "" {
			b.add(item, ipaas.ReasonRequired, "a choice of input %q is empty: remove it, or say what can be chosen", value.Shorten(f.Key))
		}
		b.unique(seen, item, choice)
	}
}

func (b *builder) fieldDefault(at string, f *ipaas.InputField) {
	if f.Default == "" {
		return
	}
	at += ".defaultValue"
	if f.Secret {
		b.add(at, ipaas.ReasonMisplaced, "input %q is a secret, and a secret has no default: remove one of them", value.Shorten(f.Key))
		return
	}
	v, err := value.Parse([]byte(f.Default))
	if err != nil {
		b.add(at, ipaas.ReasonMalformed, "the default of input %q is not JSON: %v", value.Shorten(f.Key), err)
		return
	}
	plain := *f
	plain.Default, plain.Required = "", false
	if _, wrong := component.Resolve([]ipaas.InputField{plain}, map[string]any{f.Key: v}); len(wrong) > 0 {
		b.add(at, wrong[0].Reason, "the default of input %q %s", value.Shorten(f.Key), wrong[0].Description)
	}
}

func (b *builder) undo(at string, a *ipaas.Action, names *names) {
	if a.Undo == nil {
		return
	}
	b.template(at+".remoteId", a.Undo.RemoteID, names.inUndo())
	for _, key := range slices.Sorted(maps.Keys(a.Undo.Inputs)) {
		b.template(at+".inputs."+key, a.Undo.Inputs[key], names.inUndo())
	}
	target := b.find(a.Undo.Action)
	switch {
	case a.Undo.Action == "":
		b.add(at+".action", ipaas.ReasonRequired, "the undo names no action: name the one that removes what %q creates", value.Shorten(a.Key))
		return
	case target == nil:
		b.add(at+".action", ipaas.ReasonUnknownAction, "the component has no action %q: declare it, or name another", value.Shorten(a.Undo.Action))
		return
	case target.Key == a.Key:
		b.add(at+".action", ipaas.ReasonMisplaced, "action %q cannot undo itself: name the one that removes what it creates", value.Shorten(a.Key))
		return
	case target.Undo != nil:
		b.add(at+".action", ipaas.ReasonMisplaced, "action %q creates something itself: name one that only removes", value.Shorten(target.Key))
	}
	b.relatedInputs(at+".inputs", a, a.Undo.Inputs, target, names, component.DefaultRemoteID)
}

// relatedInputs checks what an action gives to another one that works on what it creates.
func (b *builder) relatedInputs(at string, a *ipaas.Action, given map[string]string, target *ipaas.Action, names *names, example string) {
	for _, key := range slices.Sorted(maps.Keys(given)) {
		f := ipaas.Field(target.Inputs, key)
		switch {
		case f == nil:
			b.add(at+"."+key, ipaas.ReasonUnknownInput, "action %q has no input %q", value.Shorten(target.Key), value.Shorten(key))
		case f.Type == ipaas.FieldConnection:
			b.add(at+"."+key, ipaas.ReasonMisplaced, "the connection is passed on by itself: remove it here")
		}
	}
	for i := range target.Inputs {
		f := &target.Inputs[i]
		if f.Type == ipaas.FieldConnection && f.Required && !names.connected {
			b.add(at+"."+f.Key, ipaas.ReasonRequired, "action %q requires a connection, and %q has none to pass on: declare one there", value.Shorten(target.Key), value.Shorten(a.Key))
		}
		_, set := given[f.Key]
		if f.Required && f.Default == "" && f.Type != ipaas.FieldConnection && !set {
			b.add(at+"."+f.Key, ipaas.ReasonRequired, "action %q requires the input %q: give it a template such as %s", value.Shorten(target.Key), value.Shorten(f.Key), example)
		}
	}
}

// related returns the action that an action names for its find or update, if it is there and may be named.
func (b *builder) related(at, what string, a *ipaas.Action, key string) *ipaas.Action {
	if a.Undo == nil {
		b.add(at, ipaas.ReasonMisplaced, "action %q has a %s and no undo: only what can be removed again is remembered; declare an undo, or remove the %s", value.Shorten(a.Key), what, what)
	}
	target := b.find(key)
	switch {
	case key == "":
		b.add(at+".action", ipaas.ReasonRequired, "the %s names no action: name one of this component", what)
	case target == nil:
		b.add(at+".action", ipaas.ReasonUnknownAction, "the component has no action %q: declare it, or name another", value.Shorten(key))
	case target.Key == a.Key:
		b.add(at+".action", ipaas.ReasonMisplaced, "action %q cannot be its own %s: name another", value.Shorten(a.Key), what)
	case target.Undo != nil:
		b.add(at+".action", ipaas.ReasonMisplaced, "action %q creates something itself: name one that does not", value.Shorten(target.Key))
	default:
		return target
	}
	return nil
}

func (b *builder) findings(at string, a *ipaas.Action, names *names) {
	find := a.Find
	if find == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(find.Inputs)) {
		b.template(at+".inputs."+key, find.Inputs[key], names.inLookup())
	}
	b.template(at+".items", find.Items, names.inListed())
	b.template(at+".result", find.Result, names.inItem())
	b.required(at+".match.item", find.Match.Item, "{{$item.callbackUrl}}", names.inItem())
	b.required(at+".match.equals", find.Match.Equals, "{{$inputs.callbackUrl}}", names.inLookup())
	target := b.related(at, "find", a, find.Action)
	if target == nil {
		return
	}
	if target.Effect != ipaas.EffectRead {
		b.add(at+".action", ipaas.ReasonMisplaced, "action %q is not READ, and looking changes nothing: name one that is", value.Shorten(target.Key))
	}
	b.relatedInputs(at+".inputs", a, find.Inputs, target, names, "{{$inputs.key}}")
}

func (b *builder) update(at string, a *ipaas.Action, names *names) {
	update := a.Update
	if update == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(update.Inputs)) {
		b.template(at+".inputs."+key, update.Inputs[key], names.inUndo())
	}
	b.template(at+".result", update.Result, names.inUpdated())
	if target := b.related(at, "update", a, update.Action); target != nil {
		b.relatedInputs(at+".inputs", a, update.Inputs, target, names, component.DefaultRemoteID)
	}
}

// required checks a template that must be there and depend on data: one that does not would match everything, or nothing.
func (b *builder) required(at, text, example string, allowed roots) {
	if text == "" {
		b.add(at, ipaas.ReasonRequired, "a template is missing: give one such as %s", example)
		return
	}
	b.template(at, text, allowed)
	if !strings.Contains(text, "{{") {
		b.add(at, ipaas.ReasonMalformed, "%q is the same for all: refer to data, as in %s", value.Shorten(text), example)
	}
}

func (b *builder) find(key string) *ipaas.Action {
	for i := range b.component.Actions {
		if b.component.Actions[i].Key == key {
			return &b.component.Actions[i]
		}
	}
	return nil
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
