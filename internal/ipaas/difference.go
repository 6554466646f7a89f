package ipaas

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Difference is one element in which two definitions differ.
type Difference struct {
	Kind    DifferenceKind
	Element ElementKind
	FlowID  string // of a flow and a step
	ID      string // of the element; empty for the integration itself
	Name    string // as it is, or for what is gone as it was
	OldName string // of a renamed element
	Path    string // in the definition where it is, e.g. flows[2].steps[0]; for what is gone in the one where it was
	Fields  []FieldDifference
}

// DifferenceKind says how an element differs. One that was renamed may have changed, too, and both may have moved: the first of
// RENAMED, CHANGED and MOVED that is true is given.
type DifferenceKind string

// The kinds of differences.
const (
	DifferenceAdded   DifferenceKind = "ADDED"
	DifferenceRemoved DifferenceKind = "REMOVED"
	DifferenceRenamed DifferenceKind = "RENAMED"
	DifferenceChanged DifferenceKind = "CHANGED"
	DifferenceMoved   DifferenceKind = "MOVED" // stands elsewhere among its siblings, or in another branch or loop
)

// ElementKind says what part of a definition something is.
type ElementKind string

// The parts of a definition.
const (
	ElementIntegration    ElementKind = "INTEGRATION"
	ElementFlow           ElementKind = "FLOW"
	ElementStep           ElementKind = "STEP"
	ElementConfigVariable ElementKind = "CONFIG_VARIABLE"
	ElementConfigPage     ElementKind = "CONFIG_PAGE"
)

// FieldDifference is a field of an element before and after, in a text for people. An empty text is no value.
type FieldDifference struct {
	Field  string // below the element, in the words of the API, e.g. inputs.url
	Before string
	After  string
}

// positionField is the field that tells where an element stood and stands.
const positionField = "position"

// Diff returns in what a definition differs from an earlier one: the integration itself first, then the flows, each followed by its
// steps, the config variables and the pages. Elements are the same if their ids are, whatever their names and places are. Both
// definitions are normalised.
func Diff(from, to *Definition) []Difference {
	d := &differ{}
	d.element(Difference{Element: ElementIntegration, Name: to.DisplayName}, &element{name: from.DisplayName, is: *from}, &element{name: to.DisplayName, is: *to})
	d.flows(from, to)
	d.elements(ElementConfigVariable, "", variableElements(from), variableElements(to), nil)
	d.elements(ElementConfigPage, "", pageElements(from), pageElements(to), nil)
	return d.found
}

// differ collects differences.
type differ struct{ found []Difference }

// element is a part of one definition.
type element struct {
	id, name  string
	path      string
	container string // what it stands in: the ids of the step and its branch; siblings have the same
	is        any    // a struct
}

func (d *differ) flows(from, to *Definition) {
	before := map[string]*Flow{}
	for i := range from.Flows {
		before[from.Flows[i].ID] = &from.Flows[i]
	}
	d.elements(ElementFlow, "", flowElements(from), flowElements(to), func(id string) {
		after, at := to.Flow(id)
		if after == nil || before[id] == nil {
			return // the steps came or went with their flow
		}
		_, was := from.Flow(id)
		d.elements(ElementStep, id, stepElements(before[id].Steps, fmt.Sprintf("flows[%d].steps", was), ""),
			stepElements(after.Steps, fmt.Sprintf("flows[%d].steps", at), ""), nil)
	})
}

// elements compares two lists. inside, if set, is called after each element.
func (d *differ) elements(kind ElementKind, flowID string, from, to []element, inside func(id string)) {
	before := make(map[string]*element, len(from))
	for i := range from {
		before[from[i].id] = &from[i]
	}
	after := make(map[string]bool, len(to))
	for i := range to {
		after[to[i].id] = true
	}
	stays := steady(from, to)
	describe := func(e *element) Difference {
		one := Difference{Element: kind, FlowID: flowID, ID: e.id, Name: e.name, Path: e.path}
		if kind == ElementFlow {
			one.FlowID = e.id
		}
		return one
	}
	for i := range to {
		e, was := &to[i], before[to[i].id]
		one := describe(e)
		if was == nil {
			one.Kind = DifferenceAdded
			d.found = append(d.found, one)
		} else {
			if !stays[e.id] || was.container != e.container {
				one.Kind = DifferenceMoved
				one.Fields = []FieldDifference{{Field: positionField, Before: was.path, After: e.path}}
			}
			d.element(one, was, e)
		}
		if inside != nil {
			inside(e.id)
		}
	}
	for i := range from {
		if !after[from[i].id] {
			one := describe(&from[i])
			one.Kind = DifferenceRemoved
			d.found = append(d.found, one)
		}
	}
}

// element adds what an element differs in, if it does.
func (d *differ) element(one Difference, from, to *element) {
	before, after := facts{}, facts{}
	before.of("", reflect.ValueOf(from.is))
	after.of("", reflect.ValueOf(to.is))
	changed := fieldDifferences(before, after)
	switch {
	case from.name != to.name:
		one.Kind, one.OldName = DifferenceRenamed, from.name
	case len(changed) > 0:
		one.Kind = DifferenceChanged
	}
	if one.Kind == "" {
		return
	}
	one.Fields = append(one.Fields, changed...)
	d.found = append(d.found, one)
}

// fieldDifferences compares facts, in the order of their names as they are, then of those that are gone.
func fieldDifferences(before, after facts) []FieldDifference {
	was := make(map[string]string, len(before))
	for _, f := range before {
		was[f.Field] = f.After
	}
	var found []FieldDifference
	for _, f := range after {
		old := was[f.Field]
		delete(was, f.Field)
		if old != f.After {
			found = append(found, FieldDifference{Field: f.Field, Before: shownFact(old), After: shownFact(f.After)})
		}
	}
	for _, f := range before {
		if old, gone := was[f.Field]; gone {
			found = append(found, FieldDifference{Field: f.Field, Before: shownFact(old)})
		}
	}
	return found
}

// maxFact is the most bytes of a field that a difference shows: code and documentation can be long.
const maxFact = 2000

func shownFact(text string) string {
	if len(text) <= maxFact {
		return text
	}
	return strings.ToValidUTF8(text[:maxFact], "") + "…"
}

// facts is what an element says of itself, field by field, as After.
type facts []FieldDifference

// apart is the fields that are no facts of an element: what it is told by, what only the server sets, and what is compared by itself.
var apart = map[string]bool{
	"ID": true, "UID": true, "CreateTime": true, "UpdateTime": true, "DisplayName": true, "Title": true,
	"Flows": true, "Steps": true, "ConfigVariables": true, "ConfigPages": true,
}

// of adds what a value says. Of the parts of an element only those in apart are left out.
func (f *facts) of(field string, v reflect.Value) {
	if v.IsZero() {
		return
	}
	switch is := v.Interface().(type) {
	case Input:
		f.add(field, is.String())
		return
	case time.Duration:
		f.add(field, is.String())
		return
	case []byte:
		sum := sha256.Sum256(is) // others may be as many
		f.add(field, fmt.Sprintf("%d bytes, SHA-256 %x…", len(is), sum[:6]))
		return
	case TestPayload:
		f.body(field, is)
		is.Kind, is.Text, is.Binary = "", "", nil
		v = reflect.ValueOf(is)
	}
	switch v.Kind() {
	case reflect.Pointer:
		f.of(field, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			// A trigger's name is a fact of its flow.
			if !apart[name] || name == "DisplayName" && field != "" {
				f.of(join(field, apiName(v.Type().Field(i))), v.Field(i))
			}
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			at := join(field, key.String())
			if f.of(at, v.MapIndex(key)); v.MapIndex(key).IsZero() {
				f.add(at, `""`) // the key alone says something: a label
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			f.of(fmt.Sprintf("%s[%d]", field, i), v.Index(i))
		}
	default:
		f.add(field, fmt.Sprint(v.Interface()))
	}
}

// body adds the body of a test payload under the name of its kind, as it is written.
func (f *facts) body(field string, payload TestPayload) {
	at := join(field, string(payload.Kind))
	switch payload.Kind {
	case "":
	case BodyBinary:
		f.of(at, reflect.ValueOf(payload.Binary))
	default:
		f.add(at, cmp.Or(payload.Text, `""`))
	}
}

func (f *facts) add(field, text string) { *f = append(*f, FieldDifference{Field: field, After: text}) }

// apiName returns the name of a field in the words of the API: what it is called on disk, in lowerCamelCase.
func apiName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

func flowElements(d *Definition) []element {
	out := make([]element, len(d.Flows))
	for i, f := range d.Flows {
		out[i] = element{id: f.ID, name: f.DisplayName, path: fmt.Sprintf("flows[%d]", i), is: f}
	}
	return out
}

// stepElements lists steps and those inside them, in the order of the document.
func stepElements(steps []Step, path, container string) []element {
	var out []element
	for i, s := range steps {
		at := fmt.Sprintf("%s[%d]", path, i)
		out = append(out, element{id: s.ID, name: s.DisplayName, path: at, container: container, is: s})
		for j, b := range s.Branches {
			out = append(out, stepElements(b.Steps, fmt.Sprintf("%s.branches[%d].steps", at, j), s.ID+"/"+b.Name)...)
		}
		out = append(out, stepElements(s.Steps, at+".steps", s.ID)...)
	}
	return out
}

func variableElements(d *Definition) []element {
	out := make([]element, len(d.ConfigVariables))
	for i, v := range d.ConfigVariables {
		out[i] = element{id: v.ID, name: v.DisplayName, path: fmt.Sprintf("configVariables[%d]", i), is: v}
	}
	return out
}

func pageElements(d *Definition) []element {
	out := make([]element, len(d.ConfigPages))
	for i, p := range d.ConfigPages {
		out[i] = element{id: p.ID, name: p.Title, path: fmt.Sprintf("configPages[%d]", i), is: p}
	}
	return out
}

// steady returns the elements that keep their place among their siblings: the most that can stay where they are while the others move.
func steady(from, to []element) map[string]bool {
	place := make(map[string]int, len(from))
	for i := range from {
		place[from[i].id] = i
	}
	byContainer := map[string][]int{} // in the order of to, the places in from
	for i := range to {
		if at, ok := place[to[i].id]; ok && from[at].container == to[i].container {
			byContainer[to[i].container] = append(byContainer[to[i].container], at)
		}
	}
	stays := make(map[string]bool, len(to))
	for _, places := range byContainer {
		for _, at := range longestRise(places) {
			stays[from[at].id] = true
		}
	}
	return stays
}

// longestRise returns a longest part of numbers, not necessarily without gaps, that rises.
func longestRise(numbers []int) []int {
	var ends []int // of the rises of each length, the index of the one that ends lowest
	before := make([]int, len(numbers))
	for i, n := range numbers {
		at, _ := slices.BinarySearchFunc(ends, n, func(end, n int) int { return numbers[end] - n })
		before[i] = -1
		if at > 0 {
			before[i] = ends[at-1]
		}
		if at == len(ends) {
			ends = append(ends, i)
		} else {
			ends[at] = i
		}
	}
	if len(ends) == 0 {
		return nil
	}
	rise := make([]int, 0, len(ends))
	for i := ends[len(ends)-1]; i >= 0; i = before[i] {
		rise = append(rise, numbers[i])
	}
	slices.Reverse(rise)
	return rise
}
