package ipaas_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/internal/ipaas"
)

func diffed() *ipaas.Definition {
	step := func(id string, more ...ipaas.Step) ipaas.Step {
		return ipaas.Step{ID: id, DisplayName: strings.ToUpper(id), Action: "log.writeLog", Steps: more}
	}
	return &ipaas.Definition{
		DisplayName: "Acme",
		Flows: []ipaas.Flow{
			{ID: "one", DisplayName: "One", Trigger: ipaas.Trigger{DisplayName: "Trigger", Type: ipaas.TriggerWebhook}, Steps: []ipaas.Step{step("a"), step("b"), step("c", step("d")), {
				ID: "fork", DisplayName: "Fork", Action: "branch.branchOnValue",
				Branches: []ipaas.Branch{{Name: "Yes", Steps: []ipaas.Step{step("e")}}, {Name: "Else"}},
			}}},
			{ID: "two", DisplayName: "Two"},
		},
		ConfigVariables: []ipaas.ConfigVariable{{ID: "url", DisplayName: "URL", Type: ipaas.ConfigString}},
		ConfigPages:     []ipaas.ConfigPage{{ID: "page", Title: "Page", Elements: []ipaas.ConfigElement{{ConfigVariable: "URL"}}}},
	}
}

// TestDiffTellsBytesApart compares payloads that have as many bytes.
func TestDiffTellsBytesApart(t *testing.T) {
	t.Parallel()
	from, to := diffed(), diffed()
	from.Flows[0].TestPayload = &ipaas.TestPayload{Kind: ipaas.BodyBinary, Binary: []byte{0, 1}}
	to.Flows[0].TestPayload = &ipaas.TestPayload{Kind: ipaas.BodyBinary, Binary: []byte{0, 2}}
	found := ipaas.Diff(from, to)
	if len(found) != 1 || len(found[0].Fields) != 1 {
		t.Fatalf("found %+v", found)
	}
	f := found[0].Fields[0]
	if f.Field != "testPayload.binary" || f.Before == f.After || !strings.HasPrefix(f.Before, "2 bytes, SHA-256 b413f47d13ee…") {
		t.Errorf("found %+v", f)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	type fields = []ipaas.FieldDifference
	tests := []struct {
		name   string
		change func(d *ipaas.Definition)
		want   []ipaas.Difference
	}{
		{"nothing", func(*ipaas.Definition) {}, nil},
		{"what the server sets", func(d *ipaas.Definition) {
			d.Flows[0].UID, d.Flows[0].UpdateTime = "another", time.Unix(5, 0)
		}, nil},
		{"the integration itself", func(d *ipaas.Definition) {
			d.DisplayName, d.Category, d.Labels = "Acme ERP", "ERP", map[string]string{"team": "", "tier": "1"}
		}, []ipaas.Difference{{
			Kind: ipaas.DifferenceRenamed, Element: ipaas.ElementIntegration, Name: "Acme ERP", OldName: "Acme",
			Fields: fields{{"category", "", "ERP"}, {"labels.team", "", `""`}, {"labels.tier", "", "1"}},
		}}},
		{"a flow that came and one that went", func(d *ipaas.Definition) {
			d.Flows = []ipaas.Flow{d.Flows[0], {ID: "three", DisplayName: "Three", Steps: []ipaas.Step{{ID: "x", DisplayName: "X"}}}}
		}, []ipaas.Difference{
			{Kind: ipaas.DifferenceAdded, Element: ipaas.ElementFlow, FlowID: "three", ID: "three", Name: "Three", Path: "flows[1]"},
			{Kind: ipaas.DifferenceRemoved, Element: ipaas.ElementFlow, FlowID: "two", ID: "two", Name: "Two", Path: "flows[1]"},
		}},
		{"a renamed flow that runs otherwise", func(d *ipaas.Definition) {
			f := &d.Flows[1]
			f.DisplayName, f.Synchronous, f.Timeout, f.Security = "Second", true, time.Minute, ipaas.SecurityUnsecured
			f.Trigger.Inputs = map[string]ipaas.Input{"body": ipaas.Literal("ok")}
		}, []ipaas.Difference{{
			Kind: ipaas.DifferenceRenamed, Element: ipaas.ElementFlow, FlowID: "two", ID: "two", Name: "Second", OldName: "Two", Path: "flows[1]",
			Fields: fields{{"trigger.inputs.body", "", `"ok"`}, {"synchronous", "", "true"}, {"security", "", "UNSECURED"}, {"timeout", "", "1m0s"}},
		}}},
		{"a test payload", func(d *ipaas.Definition) {
			d.Flows[0].TestPayload = &ipaas.TestPayload{Kind: ipaas.BodyJSON, Text: `{"a":1}`, Headers: map[string]string{"X-A": "b"}, Method: "PUT"}
			d.Flows[1].TestPayload = &ipaas.TestPayload{Kind: ipaas.BodyText}
		}, []ipaas.Difference{
			{
				Kind: ipaas.DifferenceChanged, Element: ipaas.ElementFlow, FlowID: "one", ID: "one", Name: "One", Path: "flows[0]",
				Fields: fields{{"testPayload.json", "", `{"a":1}`}, {"testPayload.headers.X-A", "", "b"}, {"testPayload.method", "", "PUT"}},
			},
			{
				Kind: ipaas.DifferenceChanged, Element: ipaas.ElementFlow, FlowID: "two", ID: "two", Name: "Two", Path: "flows[1]",
				Fields: fields{{"testPayload.text", "", `""`}},
			},
		}},
		{"flows in another order", func(d *ipaas.Definition) {
			d.Flows[0], d.Flows[1] = d.Flows[1], d.Flows[0]
		}, []ipaas.Difference{{
			Kind: ipaas.DifferenceMoved, Element: ipaas.ElementFlow, FlowID: "two", ID: "two", Name: "Two", Path: "flows[0]",
			Fields: fields{{"position", "flows[1]", "flows[0]"}},
		}}},
		{"a step that moved into a branch, one that changed, one that is new and one that is gone", func(d *ipaas.Definition) {
			f := &d.Flows[0]
			a, b, c, fork := f.Steps[0], f.Steps[1], f.Steps[2], f.Steps[3]
			b.Inputs = map[string]ipaas.Input{"message": {Kind: ipaas.InputTemplate, Text: "hi {{$trigger.results}}"}}
			b.OnError = &ipaas.ErrorHandling{Effect: ipaas.ErrorIgnore}
			c.Steps = []ipaas.Step{{ID: "n", DisplayName: "N"}}
			fork.Branches[1].Steps = []ipaas.Step{a}
			f.Steps = []ipaas.Step{b, c, fork}
		}, []ipaas.Difference{
			{
				Kind: ipaas.DifferenceChanged, Element: ipaas.ElementStep, FlowID: "one", ID: "b", Name: "B", Path: "flows[0].steps[0]",
				Fields: fields{{"inputs.message", "", "template hi {{$trigger.results}}"}, {"onError.effect", "", "IGNORE"}},
			},
			{Kind: ipaas.DifferenceAdded, Element: ipaas.ElementStep, FlowID: "one", ID: "n", Name: "N", Path: "flows[0].steps[1].steps[0]"},
			{
				Kind: ipaas.DifferenceMoved, Element: ipaas.ElementStep, FlowID: "one", ID: "a", Name: "A", Path: "flows[0].steps[2].branches[1].steps[0]",
				Fields: fields{{"position", "flows[0].steps[0]", "flows[0].steps[2].branches[1].steps[0]"}},
			},
			{Kind: ipaas.DifferenceRemoved, Element: ipaas.ElementStep, FlowID: "one", ID: "d", Name: "D", Path: "flows[0].steps[2].steps[0]"},
		}},
		{"a config variable of another type, and a page", func(d *ipaas.Definition) {
			d.ConfigVariables[0].Type, d.ConfigVariables[0].Required = ipaas.ConfigNumber, true
			d.ConfigPages[0].Elements = nil
		}, []ipaas.Difference{
			{
				Kind: ipaas.DifferenceChanged, Element: ipaas.ElementConfigVariable, ID: "url", Name: "URL", Path: "configVariables[0]",
				Fields: fields{{"type", "STRING", "NUMBER"}, {"required", "", "true"}},
			},
			{
				Kind: ipaas.DifferenceChanged, Element: ipaas.ElementConfigPage, ID: "page", Name: "Page", Path: "configPages[0]",
				Fields: fields{{"elements[0].configVariable", "URL", ""}},
			},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			to := diffed()
			tt.change(to)
			if diff := cmp.Diff(tt.want, ipaas.Diff(diffed(), to), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDiffOfEveryField changes one field after another of each kind of element: none is passed over, and what is shown names it.
func TestDiffOfEveryField(t *testing.T) {
	t.Parallel()
	elements := map[string]func(d *ipaas.Definition) any{
		"integration":     func(d *ipaas.Definition) any { return d },
		"flow":            func(d *ipaas.Definition) any { return &d.Flows[0] },
		"trigger":         func(d *ipaas.Definition) any { return &d.Flows[0].Trigger },
		"step":            func(d *ipaas.Definition) any { return &d.Flows[0].Steps[0] },
		"config variable": func(d *ipaas.Definition) any { return &d.ConfigVariables[0] },
		"config page":     func(d *ipaas.Definition) any { return &d.ConfigPages[0] },
	}
	for name, element := range elements {
		kind := reflect.TypeOf(element(diffed())).Elem()
		for i := range kind.NumField() {
			switch kind.Field(i).Name {
			case "ID", "UID", "CreateTime", "UpdateTime", "Flows", "Steps", "ConfigVariables", "ConfigPages":
				continue
			}
			t.Run(name+"/"+kind.Field(i).Name, func(t *testing.T) {
				t.Parallel()
				to := diffed()
				alter(t, reflect.ValueOf(element(to)).Elem().Field(i), 0)
				if got := ipaas.Diff(diffed(), to); len(got) != 1 {
					t.Errorf("%d differences, want one: %+v", len(got), got)
				}
			})
		}
	}
}

// alter gives a value another one.
func alter(t *testing.T, v reflect.Value, depth int) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		alter(t, v.Elem(), depth+1)
	case reflect.Struct:
		alter(t, v.Field(0), depth+1)
	case reflect.Slice:
		one := reflect.New(v.Type().Elem()).Elem()
		alter(t, one, depth+1)
		v.Set(reflect.Append(v, one))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		one := reflect.New(v.Type().Elem()).Elem()
		alter(t, one, depth+1)
		v.SetMapIndex(reflect.ValueOf("key"), one)
	default:
		t.Fatalf("do not know how to alter %s", v.Type())
	}
}

// TestDiffFindsItsWayBack proves that the differences of a large and wild change name every element that is not in both.
func TestDiffFindsItsWayBack(t *testing.T) {
	t.Parallel()
	from, to := &ipaas.Definition{}, &ipaas.Definition{}
	for i := range 1000 {
		step := ipaas.Step{ID: fmt.Sprintf("s-%d", i), DisplayName: fmt.Sprintf("S %d", i)}
		if i == 0 {
			from.Flows, to.Flows = []ipaas.Flow{{ID: "f"}}, []ipaas.Flow{{ID: "f"}}
		}
		if i%3 != 0 {
			from.Flows[0].Steps = append(from.Flows[0].Steps, step)
		}
		if i%5 != 0 {
			to.Flows[0].Steps = append([]ipaas.Step{step}, to.Flows[0].Steps...)
		}
	}
	kinds := map[ipaas.DifferenceKind]int{}
	for _, one := range ipaas.Diff(from, to) {
		kinds[one.Kind]++
	}
	// 333 or 334 of each third, and of those in both all but one have moved: the order is turned round.
	want := map[ipaas.DifferenceKind]int{ipaas.DifferenceAdded: 267, ipaas.DifferenceRemoved: 133, ipaas.DifferenceMoved: 532}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}
