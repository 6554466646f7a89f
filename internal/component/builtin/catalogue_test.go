package builtin_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/value"
)

// inputsOf returns every input of every action and trigger, by component.action.input.
func inputsOf() map[string]ipaas.InputField {
	all := map[string]ipaas.InputField{}
	for _, c := range registry().All() {
		for _, a := range c.Actions {
			for _, f := range a.Inputs {
				all[c.ID+"."+a.Key+"."+f.Key] = f
			}
		}
		for _, tr := range c.Triggers {
			for _, f := range tr.Inputs {
				all[c.ID+"."+tr.Key+"."+f.Key] = f
			}
		}
	}
	return all
}

// spellings returns the values that must be taken for one value of an input, and those that must not: what definitions give is often a
// text where it is meant as something else, and the other way about.
func spellings(f ipaas.InputField) (good, bad []any) {
	object := value.Obj(value.Field{Key: "a", Value: value.Number("1")})
	list := []any{value.Number("1"), "b"}
	switch {
	case f.Type == ipaas.FieldNumber:
		return []any{value.Number("7"), "7", " 7 ", "7.0", "1e2", "007", "+7", "-.5"}, []any{"many", true, object, list, value.Bytes{Data: []byte("7")}}
	case f.Type == ipaas.FieldBoolean:
		return []any{true, "true", "True", " FALSE ", "yes", "N", value.Number("1"), "0"}, []any{"maybe", value.Number("2"), object, list}
	case len(f.Choices) > 0:
		for _, choice := range f.Choices {
			good = append(good, choice, " "+strings.ToUpper(choice[:1])+choice[1:])
		}
		return good, []any{"no such choice", value.Number("7"), true, object}
	case f.Type == ipaas.FieldConnection:
		return []any{&component.Connection{}}, []any{"text", value.Number("7"), object, list}
	case f.Type == ipaas.FieldData, f.Type == ipaas.FieldConditions:
		return []any{"text", value.Number("7"), true, object, list, value.Bytes{Data: []byte{0xff}}}, []any{&component.Connection{}}
	default:
		return []any{"text", value.Number("7.50"), true, object, list, value.Bytes{Data: []byte("text")}}, []any{&component.Connection{}}
	}
}

// TestInputsAreTolerant gives every input of the catalogue every spelling that definitions have, alone and in lists, objects and JSON
// texts of them. What is refused is so with an error that says what was given and what to give.
func TestInputsAreTolerant(t *testing.T) {
	t.Parallel()
	helps := regexp.MustCompile(`^(item \d+ |"a" )?(has no value, and it is required|is .+: (give .+|connections may only be given to inputs of type CONNECTION)|has no key: give named values)$`)
	taken := func(name string, f ipaas.InputField, v any) {
		if _, wrong := component.Resolve([]ipaas.InputField{f}, map[string]any{f.Key: v}); len(wrong) > 0 {
			t.Errorf("%s does not take %#v: %s", name, v, wrong[0].Description)
		}
	}
	refused := func(name string, f ipaas.InputField, v any) {
		switch got, wrong := component.Resolve([]ipaas.InputField{f}, map[string]any{f.Key: v}); {
		case len(wrong) == 0:
			t.Errorf("%s takes %#v as %#v", name, v, got[f.Key])
		case wrong[0].Field != "inputs."+f.Key || !helps.MatchString(wrong[0].Description):
			t.Errorf("%s refuses %#v with %s %q, which does not help", name, v, wrong[0].Field, wrong[0].Description)
		}
	}
	for name, f := range inputsOf() {
		empty := taken
		if f.Required {
			empty = refused
		}
		empty(name, f, nil)
		switch {
		case f.Collection != "":
			taken(name, f, "")
		case f.Type != ipaas.FieldData:
			empty(name, f, "")
		}
		good, bad := spellings(f)
		switch f.Collection {
		case ipaas.CollectionList:
			for _, v := range good {
				taken(name, f, []any{v, nil})
				taken(name, f, string(value.JSON([]any{v})))
			}
			for _, v := range bad {
				refused(name, f, []any{v})
			}
			bad = []any{value.Number("7"), true, "text", value.Obj(), `{"a":1}`}
		case ipaas.CollectionKeyValueList:
			for _, v := range good {
				named := value.Obj(value.Field{Key: "a", Value: v}, value.Field{Key: "b", Value: nil})
				taken(name, f, named)
				taken(name, f, []any{value.Obj(value.Field{Key: "key", Value: value.Number("1")}, value.Field{Key: "value", Value: v})})
				taken(name, f, string(value.JSON(named)))
			}
			for _, v := range bad {
				refused(name, f, value.Obj(value.Field{Key: "a", Value: v}))
			}
			bad = []any{value.Number("7"), true, "text", []any{value.Number("7")}, []any{value.Obj()}, `[["a", 1]]`}
		default:
			for _, v := range good {
				taken(name, f, v)
			}
		}
		for _, v := range bad {
			refused(name, f, v)
		}
	}
}

// oddValue is a value of any kind, often one that something nearly is.
func oddValue(r *rand.Rand, depth int) any {
	texts := []string{
		"", " ", "0", "-1", "1e400", "true", "null", "[]", "{}", `[{"a":1}]`, `{"key":"a","value":1}`, "a,b\n1,2\n\"", "<a b='1'>x</a>", "<a><a>", "---\na: [1", "a=1&b=%zz",
		"\x00", "\xff\xfe", "😀é\u2028", "2026-01-31T12:00:00Z", "Europe/Berlin", "((((", `\1(?=a)`, "/[0-9]+/g", "{{ a | upcase }}", "{% for i in (1..1000000000) %}x{% endfor %}",
		"1 / 0 + sqrt(-1)", "(a, b) => a - b", "() => { throw new Error('x') }", "module.exports = async () => ({ data: [undefined, NaN, 1n] })", "http://127.0.0.1:1/", "file:///etc/passwd",
		"H4sIAAAAAAAA", "UEsDBA==", "kw==", "//count(", strings.Repeat("x", 5000), strings.Repeat("[", 200), "a.b.c.0.-1", `{"type":"object","required":["a"]}`, `{"$ref":"#"}`, "Z", "POST",
	}
	kinds := 10
	if depth > 2 {
		kinds = 7
	}
	switch r.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return value.Number([]string{"0", "-1", "1.50", "1e300", "99999999999999999999", "3", "1e-400", "-0"}[r.IntN(8)])
	case 3:
		return value.Bytes{Data: []byte(texts[r.IntN(len(texts))]), ContentType: []string{"", "application/json", "text/csv; charset=x", "\r\n"}[r.IntN(4)]}
	case 7:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, oddValue(r, depth+1))
		}
		return list
	case 8, 9:
		o := value.Obj()
		for range r.IntN(4) {
			o.Set([]string{"a", "", "key", "value", "data", "contentType", "@a", "#text", "a__b", "../x", "é"}[r.IntN(11)], oddValue(r, depth+1))
		}
		return o
	default:
		return texts[r.IntN(len(texts))]
	}
}

// oddInputs gives some of the inputs a value that they take, and others any.
func oddInputs(r *rand.Rand, fields []ipaas.InputField) map[string]any {
	given := map[string]any{}
	for _, f := range fields {
		good, _ := spellings(f)
		switch v := oddValue(r, 0); {
		case r.IntN(4) == 0 && f.Collection == "":
			v = good[r.IntN(len(good))]
			fallthrough
		case r.IntN(5) > 0 || f.Required:
			given[f.Key] = v
		}
	}
	return given
}

// blames finds what an error of an action is about.
var blames = regexp.MustCompile(`^(inputs? "|condition "|the |a )`)

// tryAction runs an action with odd inputs. It must neither panic nor hang, what it gives must be a value, and an error must say what is
// wrong, and never be empty.
func tryAction(t *testing.T, name string, seed uint64, client *outbound.Client) {
	t.Helper()
	_, action := registry().Action(name) // that it runs here shows nothing of what it does, so it is not noted
	given := oddInputs(rand.New(rand.NewPCG(seed, 1)), action.Inputs)
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s with the inputs of seed %d panics: %v\n%#v", name, seed, p, given)
		}
	}()
	in, wrong := component.Resolve(action.Inputs, given)
	if len(wrong) > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	call := component.Call{Inputs: in, Client: client, State: memory{}, Scripts: scripts(t), Now: caseTime, StepID: "s", Log: func(ipaas.Severity, string) {}}
	var result component.Result
	var err error
	switch {
	case action.Items != nil:
		var items []any
		items, err = action.Items(ctx, call)
		result.Data = items
	case action.Perform != nil:
		result, err = action.Perform(ctx, call)
	}
	var failure *component.Failure
	switch {
	case err == nil:
		if _, err := value.FromGo(result.Data); err != nil {
			t.Errorf("%s with the inputs of seed %d gives what is no value: %v", name, seed, err)
		}
	case strings.TrimSpace(err.Error()) == "":
		t.Errorf("%s with the inputs of seed %d fails without a word", name, seed)
	case errors.As(err, &failure), ctx.Err() != nil:
	case !blames.MatchString(err.Error()):
		t.Errorf("%s with the inputs of seed %d fails with %q, which does not say what is wrong", name, seed, err)
	}
}

// TestActionsTakeAnything runs every action with odd values of every kind.
func TestActionsTakeAnything(t *testing.T) {
	t.Parallel()
	client, err := outbound.New(outbound.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	for _, c := range registry().All() {
		for _, a := range c.Actions {
			for seed := range uint64(20) {
				tryAction(t, c.ID+"."+a.Key, seed+uint64(len(a.Key))<<32, client)
			}
		}
	}
}

// FuzzActions goes on with other values.
func FuzzActions(f *testing.F) {
	client, err := outbound.New(outbound.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(client.CloseIdleConnections)
	var names []string
	for _, c := range registry().All() {
		for _, a := range c.Actions {
			names = append(names, fmt.Sprint(c.ID, ".", a.Key))
		}
	}
	f.Add(uint(0), uint64(0))
	f.Fuzz(func(t *testing.T, action uint, seed uint64) {
		tryAction(t, names[action%uint(len(names))], seed, client)
	})
}
