package builtin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// memory keeps what actions change, by scope and key: each change is carried out as the plane does it.
type memory map[ipaas.StateScope]*value.Object

func (m memory) Get(_ context.Context, scope ipaas.StateScope, key string) (any, bool, error) {
	if err := component.CheckStateKey(key); err != nil {
		return nil, false, err
	}
	v, there := m.of(scope).Get(key)
	return v, there, nil
}

func (m memory) All(_ context.Context, scope ipaas.StateScope) (*value.Object, error) {
	return m.of(scope), nil
}

func (m memory) Keys(_ context.Context, scope ipaas.StateScope) ([]string, error) {
	return m.of(scope).Keys(), nil
}

func (m memory) of(scope ipaas.StateScope) *value.Object {
	if m[scope] == nil {
		m[scope] = value.Obj()
	}
	return m[scope]
}

// complete carries out the changes of a step, one of which may make its result.
func (m memory) complete(result *component.Result) error {
	for _, c := range result.State {
		o := m.of(c.Scope)
		if c.Operation == ipaas.StateClear {
			m[c.Scope] = nil
			continue
		}
		v, there := o.Get(c.Key)
		v, keep, err := c.Apply(v, there)
		if err != nil {
			return err
		}
		if o.Set(c.Key, v); !keep {
			o.Delete(c.Key)
		}
		if c.AsResult {
			result.Data = v
		}
	}
	return nil
}

// TestPersistData tells a story of every action in every scope, one after the other.
func TestPersistData(t *testing.T) {
	t.Parallel()
	story := []struct {
		action string // %s: the scope
		in     string
		want   string // the result
		fails  string
	}{
		{"get%sValue", `{"keyInput":"k"}`, `null`, ""},
		{"get%sValue", `{"keyInput":"k","defaultValueInput":"[]"}`, `"[]"`, ""},
		{"get%sValue", `{"keyInput":"k","defaultValueInput":""}`, `""`, ""},
		{"save%sValue", `{"keyInput":"k","valueInput":{"b":1.50,"a":null}}`, `{"key":"k","value":{"b":1.50,"a":null}}`, ""},
		{"get%sValue", `{"keyInput":"k","defaultValueInput":"x"}`, `{"b":1.50,"a":null}`, ""},
		{"save%sValue", `{"keyInput":"text","valueInput":"0","dynamicValues":{"":""}}`, `{"key":"text","value":"0"}`, ""},
		{"save%sValue", `{"keyInput":"unseen","valueInput":"0","dynamicValues":{"one":"1","two":[2],"":""}}`, `{"key":null,"value":null}`, ""},
		{"get%sValue", `{"keyInput":"text"}`, `"0"`, ""},
		{"get%sValue", `{"keyInput":"two"}`, `[2]`, ""},
		{"save%sValue", `{"dynamicValues":{"three":3}}`, `{"key":null,"value":null}`, ""},
		{"list%sKeys", `{}`, `["k","text","one","two","three"]`, ""},
		{"save%sValue", `{"valueInput":"x"}`, ``, "give no key"},
		{"save%sValue", `{"dynamicValues":{"":"x"}}`, ``, "the key is empty"},
		{"save%sValue", `{"keyInput":"none"}`, `{"key":"none","value":null}`, ""},
		{"get%sValue", `{"keyInput":"none","defaultValueInput":7}`, `7`, ""},
		{"list%sKeys", `{}`, `["k","text","one","two","three","none"]`, ""},
		{"remove%sValue", `{"keyInput":"k"}`, `null`, ""},
		{"remove%sValue", `{"keyInput":"k","dynamicKeys":[""]}`, `null`, ""},
		{"remove%sValue", `{"keyInput":"two","dynamicKeys":"[\"one\",\"three\"]"}`, `null`, ""},
		{"remove%sValue", `{"dynamicKeys":[]}`, ``, "give no key"},
		{"list%sKeys", `{}`, `["text","two","none"]`, ""},
		{"get%sValue", `{"keyInput":"k"}`, `null`, ""},
		{"increment%sValue", `{"keyInput":"n"}`, `1`, ""},
		{"increment%sValue", `{"keyInput":"n","amountInput":"50"}`, `51`, ""},
		{"decrement%sValue", `{"keyInput":"n","amountInput":0.5}`, `50.5`, ""},
		{"decrement%sValue", `{"keyInput":"n","amountInput":"-1"}`, `51.5`, ""},
		{"increment%sValue", `{"keyInput":"text"}`, `1`, ""},
		{"increment%sValue", `{"keyInput":"two"}`, ``, "cannot be counted up"},
		{"append%sValueToList", `{"keyInput":"list","valueInput":{"a":1}}`, `{"a":1}`, ""},
		{"append%sValueToList", `{"keyInput":"list","valueInput":[2]}`, `[2]`, ""},
		{"append%sValueToList", `{"keyInput":"n","valueInput":1}`, ``, "no list"},
		{"append%sValuesToList", `{"keyInput":"list","valuesInput":[3,"3",[2]]}`, `[3,"3",[2]]`, ""},
		{"get%sValue", `{"keyInput":"list"}`, `[{"a":1},[2],3,"3",[2]]`, ""},
		{"append%sValuesToList", `{"keyInput":"more","valuesInput":[1],"dynamicValues":"[[2,[3]],4]","flattenValues":"true"}`, `[2,[3],4]`, ""},
		{"append%sValuesToList", `{"keyInput":"more","valuesInput":[[5]],"dynamicValues":""}`, `[[5]]`, ""},
		{"append%sValuesToList", `{"keyInput":"empty"}`, `[]`, ""},
		{"get%sValue", `{"keyInput":"more"}`, `[2,[3],4,[5]]`, ""},
		{"remove%sValueFromList", `{"keyInput":"list","valueInput":[2]}`, `[2]`, ""},
		{"add%sValueToSet", `{"keyInput":"list","valueInput":3.0}`, `3.0`, ""},
		{"add%sValueToSet", `{"keyInput":"list","valueInput":4}`, `4`, ""},
		{"remove%sValueFromSet", `{"keyInput":"list","valueInput":"3"}`, `"3"`, ""},
		{"get%sValue", `{"keyInput":"list"}`, `[{"a":1},3,4]`, ""},
		{"remove%sState", `{}`, `null`, ""},
		{"list%sKeys", `{}`, `[]`, ""},
		{"save%sValue", `{"keyInput":"last","valueInput":1}`, `{"key":"last","value":1}`, ""},
	}
	kept := memory{}
	for _, scope := range []string{"Execution", "Instance", "CrossFlow", "Integration"} {
		for i, s := range story {
			result, err := persist(t, kept, fmt.Sprintf(s.action, scope), s.in)
			what := fmt.Sprintf("%d: %s %s in %s", i, s.action, s.in, scope)
			switch {
			case s.fails != "":
				if err == nil || !strings.Contains(err.Error(), s.fails) {
					t.Errorf("%s ends with %v, want an error with %q", what, err, s.fails)
				}
			case err != nil:
				t.Errorf("%s: %v", what, err)
			case string(value.Encode(result)) != s.want:
				t.Errorf("%s gives %s, want %s", what, value.Encode(result), s.want)
			}
		}
	}
	for scope, o := range kept {
		if string(value.Encode(o)) != `{"last":1}` {
			t.Errorf("scope %s has %s at the end: each has what it alone was given", scope, value.Encode(o))
		}
	}
	for _, scope := range []string{"Execution", "Instance", "CrossFlow", "Integration"} {
		result, err := persist(t, kept, "save"+scope+"CurrentTime", `{"keyInput":"at"}`)
		if err != nil {
			t.Fatal(err)
		}
		if result != "2026-01-31T08:30:00.007Z" {
			t.Errorf("the time is %v, want when the step began", result)
		}
		if got, err := persist(t, kept, "get"+scope+"Value", `{"keyInput":"at"}`); err != nil || got != result {
			t.Errorf("it kept %v (%v), want %v", got, err, result)
		}
	}
}

func TestStateUsage(t *testing.T) {
	t.Parallel()
	kept := memory{}
	for action, in := range map[string]string{
		"saveInstanceValue": `{"keyInput":"é","valueInput":"abc"}`, "saveCrossFlowValue": `{"keyInput":"k","valueInput":[1]}`,
		"saveExecutionValue": `{"keyInput":"k","valueInput":1}`,
	} {
		if _, err := persist(t, kept, action, in); err != nil {
			t.Fatal(err)
		}
	}
	got, err := persist(t, kept, "getUsage", `{}`)
	want := `{"flowStateBytes":7,"crossFlowStateBytes":4,"integrationFlowStateBytes":0,"totalBytes":11,"maxAllowedBytes":67108864}`
	if err != nil || string(value.Encode(got)) != want {
		t.Errorf("got %s, %v; want %s", value.Encode(got), err, want)
	}
}

var persistNow = time.Date(2026, 1, 31, 9, 30, 0, 7_000_000, time.FixedZone("", 3600))

// persist runs an action with what is kept, and carries out its changes.
func persist(t *testing.T, kept memory, key, given string) (any, error) {
	t.Helper()
	a := actionNamed(t, "persist-data."+key)
	result, err := a.Perform(t.Context(), component.Call{Inputs: inputs(t, a.Inputs, given), State: kept, Now: persistNow})
	if err == nil {
		err = kept.complete(&result)
	}
	if err != nil {
		return nil, err
	}
	return value.FromGo(result.Data)
}

func TestPersistDataWhereNothingIsKept(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{"getExecutionValue": `{"keyInput":"k"}`, "listInstanceKeys": `{}`} {
		_, err := perform(t, "persist-data."+name, in)
		wantError(t, err, "nothing is kept where this step runs")
	}
	_, err := persist(t, memory{}, "getExecutionValue", `{"keyInput":"`+strings.Repeat("k", 2000)+`"}`)
	wantError(t, err, `input "keyInput": the key has 2000 bytes, and may have 1024: give a shorter one`)
}
