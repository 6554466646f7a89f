package component_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func parse(t *testing.T, text string) any {
	t.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestResolve(t *testing.T) {
	t.Parallel()
	number := ipaas.InputField{Type: ipaas.FieldNumber}
	boolean := ipaas.InputField{Type: ipaas.FieldBoolean}
	choice := ipaas.InputField{Choices: []string{"a", "b"}, Default: `"b"`}
	list := ipaas.InputField{Collection: ipaas.CollectionList, Type: ipaas.FieldNumber}
	pairs := ipaas.InputField{Collection: ipaas.CollectionKeyValueList}
	tests := []struct {
		name  string
		field ipaas.InputField
		given string // JSON
		want  any
	}{
		{"text", ipaas.InputField{}, `"a"`, "a"},
		{"text of a number", ipaas.InputField{}, `1.50`, "1.50"},
		{"text of an object", ipaas.InputField{Type: ipaas.FieldText}, `{"b":1,"a":2}`, `{"b":1,"a":2}`},
		{"nothing", ipaas.InputField{}, `null`, nil},
		{"default", ipaas.InputField{Default: `"d"`}, `null`, "d"},
		{"an empty text is a text", ipaas.InputField{Default: `"d"`}, `""`, ""},
		{"data", ipaas.InputField{Type: ipaas.FieldData, Required: true}, `""`, ""},
		{"number", number, `1.50`, value.Number("1.50")},
		{"number in a text", number, `" 1e3 "`, value.Number("1e3")},
		{"number left empty", number, `""`, nil},
		{"number left empty with a default", ipaas.InputField{Type: ipaas.FieldNumber, Default: "200"}, `""`, value.Number("200")},
		{"default as a text", ipaas.InputField{Type: ipaas.FieldNumber, Default: `"7"`}, `null`, value.Number("7")},
		{"boolean", boolean, `false`, false},
		{"boolean in a text", boolean, `"TRUE"`, true},
		{"boolean left empty with a default", ipaas.InputField{Type: ipaas.FieldBoolean, Default: "true", Required: true}, `""`, true},
		{"boolean as SDKs take it", boolean, `" Yes"`, true},
		{"boolean of one letter", boolean, `"F"`, false},
		{"boolean as a number", boolean, `1.0`, true},
		{"boolean as a number in a text", boolean, `"0"`, false},
		{"number with a sign", number, `"+7"`, value.Number("7")},
		{"number with zeros", number, `"-007.50e+2"`, value.Number("-7.50e+2")},
		{"number without what is before the point", number, `"-.5"`, value.Number("-0.5")},
		{"number without what is behind the point", number, `"5."`, value.Number("5")},
		{"zeros alone", number, `"000"`, value.Number("0")},
		{"choice", choice, `"a"`, "a"},
		{"choice in capitals", choice, `" A"`, "a"},
		{"choice left empty", choice, `""`, "b"},
		{"date", ipaas.InputField{Type: ipaas.FieldDate}, `"2024-02-29"`, "2024-02-29"},
		{"timestamp", ipaas.InputField{Type: ipaas.FieldTimestamp}, `"2026-01-31T12:00:00.5+02:00"`, "2026-01-31T12:00:00.5+02:00"},
		{"list", list, `[1,"2"]`, []any{value.Number("1"), value.Number("2")}},
		{"list in a text", list, `"[1]"`, []any{value.Number("1")}},
		{"list left empty", list, `" "`, []any{}},
		{"list left empty with a default", ipaas.InputField{Collection: ipaas.CollectionList, Default: `["x"]`}, `""`, []any{"x"}},
		{"required list left empty", ipaas.InputField{Collection: ipaas.CollectionList, Required: true}, `""`, []any{}},
		{"pairs", pairs, `[{"key":"a","value":1},{"key":"a","value":null},{"key":2}]`, []component.Pair{{Key: "a", Value: "1"}, {Key: "a"}, {Key: "2"}}},
		{"pairs of an object", pairs, `{"b":true,"a":"x"}`, []component.Pair{{Key: "b", Value: "true"}, {Key: "a", Value: "x"}}},
		{"pairs in a text", pairs, `"{\"b\":1}"`, []component.Pair{{Key: "b", Value: "1"}}},
		{"pairs left empty", pairs, `""`, []component.Pair{}},
		{"connection left empty", ipaas.InputField{Type: ipaas.FieldConnection}, `""`, nil},
		{"conditions", ipaas.InputField{Type: ipaas.FieldConditions}, `["and"]`, []any{"and"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.field.Key = "x"
			got, wrong := component.Resolve([]ipaas.InputField{tt.field}, map[string]any{"x": parse(t, tt.given), "unknown": "ignored"})
			if diff := cmp.Diff(component.Inputs{"x": tt.want}, got); len(wrong) > 0 || diff != "" {
				t.Errorf("%v (-want +got):\n%s", wrong, diff)
			}
		})
	}
}

func TestResolveReadsFiles(t *testing.T) {
	t.Parallel()
	fields := []ipaas.InputField{
		{Key: "list", Collection: ipaas.CollectionList, Type: ipaas.FieldNumber},
		{Key: "pairs", Collection: ipaas.CollectionKeyValueList},
		{Key: "none", Collection: ipaas.CollectionList},
	}
	got, wrong := component.Resolve(fields, map[string]any{
		"list": value.Bytes{Data: []byte("[1]"), ContentType: "application/json"}, "pairs": value.Bytes{Data: []byte(`{"a":1}`)}, "none": value.Bytes{Data: []byte("\xff[]")},
	})
	want := component.Inputs{"list": []any{value.Number("1")}, "pairs": []component.Pair{{Key: "a", Value: "1"}}}
	if diff := cmp.Diff(want, got); diff != "" || len(wrong) != 1 || wrong[0].Description != "is bytes: give a list" {
		t.Errorf("%v (-want +got):\n%s", wrong, diff)
	}
}

func TestResolveRefusesWhatIsNoNumber(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1,000", "1_000", "0x10", "--1", "+", "-", ".", "e1", ".e1", "1e", "NaN", "Infinity", "1 2", "١", "true"} {
		_, wrong := component.Resolve([]ipaas.InputField{{Key: "x", Type: ipaas.FieldNumber}}, map[string]any{"x": text})
		if len(wrong) != 1 || wrong[0].Description != "is the text "+strconv.Quote(text)+": give a number" {
			t.Errorf("%q: got %v", text, wrong)
		}
	}
}

func TestResolveTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	fields := []ipaas.InputField{
		{Key: "a", Required: true},
		{Key: "b", Required: true, Type: ipaas.FieldNumber},
		{Key: "c", Type: ipaas.FieldNumber},
		{Key: "d", Type: ipaas.FieldBoolean},
		{Key: "e", Choices: []string{"x", "y"}},
		{Key: "f", Collection: ipaas.CollectionList, Choices: []string{"x"}},
		{Key: "g", Collection: ipaas.CollectionKeyValueList, Type: ipaas.FieldNumber},
		{Key: "h", Type: ipaas.FieldConnection},
		{Key: "i"},
		{Key: "j", Type: ipaas.FieldDate},
		{Key: "k", Type: ipaas.FieldTimestamp},
		{Key: "l", Type: ipaas.FieldNumber, Secret: true},
		{Key: "m", Choices: []string{"x"}, Secret: true},
		{Key: "n", Collection: ipaas.CollectionKeyValueList},
		{Key: "o", Collection: ipaas.CollectionList},
		{Key: "p", Type: ipaas.FieldData},
	}
	connection := &component.Connection{}
	given := map[string]any{
		"a": "", "b": "", "c": "many", "d": value.Number("2"), "e": "z", "f": []any{"x", "z"}, "g": parse(t, `{"k":"v"}`), "h": "text", "i": connection,
		"j": "2026-02-30", "k": "2026-01-31", "l": "hunter2", "m": "hunter2", "n": parse(t, `[{"a":1}]`), "o": "x", "p": connection,
	}
	_, got := component.Resolve(fields, given)
	want := []ipaas.Violation{
		{Field: "inputs.a", Reason: "REQUIRED", Description: "has no value, and it is required"},
		{Field: "inputs.b", Reason: "REQUIRED", Description: "has no value, and it is required"},
		{Field: "inputs.c", Reason: "WRONG_TYPE", Description: `is the text "many": give a number`},
		{Field: "inputs.d", Reason: "WRONG_TYPE", Description: "is a number: give true or false"},
		{Field: "inputs.e", Reason: "NOT_A_CHOICE", Description: `is "z": give one of x, y`},
		{Field: "inputs.f", Reason: "NOT_A_CHOICE", Description: `item 1 is "z": give one of x`},
		{Field: "inputs.g", Reason: "WRONG_TYPE", Description: `"k" is the text "v": give a number`},
		{Field: "inputs.h", Reason: "WRONG_TYPE", Description: "is a text: give a config variable of type CONNECTION"},
		{Field: "inputs.i", Reason: "WRONG_TYPE", Description: "is a connection: connections may only be given to inputs of type CONNECTION"},
		{Field: "inputs.j", Reason: "WRONG_TYPE", Description: `is the text "2026-02-30": give a date such as 2026-01-31`},
		{Field: "inputs.k", Reason: "WRONG_TYPE", Description: `is the text "2026-01-31": give a moment such as 2026-01-31T12:00:00Z`},
		{Field: "inputs.l", Reason: "WRONG_TYPE", Description: "is some text: give a number"},
		{Field: "inputs.m", Reason: "NOT_A_CHOICE", Description: "is none of its choices: give one of them"},
		{Field: "inputs.n", Reason: "WRONG_TYPE", Description: "item 0 has no key: give named values"},
		{Field: "inputs.o", Reason: "WRONG_TYPE", Description: "is a text: give a list"},
		{Field: "inputs.p", Reason: "WRONG_TYPE", Description: "is a connection: connections may only be given to inputs of type CONNECTION"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInputsAreReadByTheirKind(t *testing.T) {
	t.Parallel()
	in := component.Inputs{"n": value.Number("3.0"), "half": value.Number("0.5"), "t": "x", "b": true}
	if n, err := in.Int("n"); n != 3 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := in.Int("none"); n != 0 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	for _, key := range []string{"half", "t"} {
		if n, err := in.Int(key); err == nil {
			t.Errorf("%s is %d", key, n)
		}
	}
	if !in.Bool("b") || in.Bool("t") || in.Text("n") != "3.0" || in.Text("none") != "" || in.List("t") != nil || in.Pairs("t") != nil || in.Connection("t") != nil {
		t.Error("inputs are not read by their kind")
	}
}

func TestObjectHasNoConnections(t *testing.T) {
	t.Parallel()
	in := component.Inputs{
		"b": []component.Pair{{Key: "y", Value: "1"}, {Key: "x", Value: "2"}}, "a": []any{"z"},
		"c": &component.Connection{Inputs: value.Obj(value.Field{Key: "key", Value: "secret"})},
	}
	if got := string(value.JSON(in.Object())); got != `{"a":["z"],"b":{"y":"1","x":"2"}}` {
		t.Errorf("got %s", got)
	}
}

func TestSecretsAreThoseNotPublic(t *testing.T) {
	t.Parallel()
	public := value.Obj(value.Field{Key: "url", Value: "u"})
	in := component.Inputs{
		"pin": "1234", "plain": "p",
		"c": &component.Connection{Inputs: value.Obj(value.Field{Key: "url", Value: "u"}, value.Field{Key: "key", Value: "k"}), Public: public},
	}
	got := in.Secrets([]ipaas.InputField{{Key: "pin", Secret: true}, {Key: "plain"}})
	if diff := cmp.Diff([]string{"1234", "k"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
