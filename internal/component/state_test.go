package component_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func TestStateChangesAreCarriedOut(t *testing.T) {
	t.Parallel()
	const none = ""
	long := strings.Repeat("9", 500)
	tests := []struct {
		operation ipaas.StateOperation
		value     string
		current   string // none: nothing is there
		want      string // none: nothing is there
		fails     string
	}{
		{ipaas.StateSet, `{"b":1.50,"a":[]}`, `1`, `{"b":1.50,"a":[]}`, ""},
		{ipaas.StateSet, `null`, none, `null`, ""},
		{ipaas.StateRemove, `null`, `1`, none, ""},
		{ipaas.StateRemove, `null`, none, none, ""},
		{ipaas.StateIncrement, `1`, none, `1`, ""},
		{ipaas.StateIncrement, `1`, `null`, `1`, ""},
		{ipaas.StateIncrement, `2`, `40`, `42`, ""},
		{ipaas.StateIncrement, `-2`, `1`, `-1`, ""},
		{ipaas.StateIncrement, `-1.5`, `1.5`, `0`, ""},
		{ipaas.StateIncrement, `0.2`, `0.1`, `0.3`, ""},
		{ipaas.StateIncrement, `1e-3`, `1.5e2`, `150.001`, ""},
		{ipaas.StateIncrement, `"2"`, `" 40 "`, `42`, ""},
		{ipaas.StateIncrement, `1`, `9223372036854775807`, `9223372036854775808`, ""},
		{ipaas.StateIncrement, `-1`, `-9223372036854775808`, `-9223372036854775809`, ""},
		{ipaas.StateIncrement, `0`, `5`, `5`, ""},
		{ipaas.StateIncrement, `1`, `1e999999999`, none, "cannot be counted up"},
		{ipaas.StateIncrement, `1`, `1e-999999999`, none, "cannot be counted up"},
		{ipaas.StateIncrement, `1`, long, none, "cannot be counted up"},
		{ipaas.StateIncrement, `1`, `"soon"`, none, "holds a text, which cannot be counted up"},
		{ipaas.StateIncrement, `1`, `[1]`, none, "cannot be counted up"},
		{ipaas.StateAppend, `[1,[2]]`, none, `[1,[2]]`, ""},
		{ipaas.StateAppend, `[1]`, `[1]`, `[1,1]`, ""},
		{ipaas.StateAppend, `[1]`, `"[]"`, `[1]`, ""},
		{ipaas.StateAppend, `[1]`, `""`, `[1]`, ""},
		{ipaas.StateAppend, `[1]`, `"[2]"`, `[2,1]`, ""},
		{ipaas.StateAppend, `[]`, none, `[]`, ""},
		{ipaas.StateAppend, `[1]`, `{"a":1}`, none, "and no list"},
		{ipaas.StateAppend, `[1]`, `"[1"`, none, "and no list"},
		{ipaas.StateTakeOut, `[1]`, `[1,2,1.0,"1"]`, `[2,"1"]`, ""},
		{ipaas.StateTakeOut, `[1]`, none, none, ""},
		{ipaas.StateTakeOut, `[{"b":2,"a":1}]`, `[{"a":1,"b":2},3]`, `[3]`, ""},
		{ipaas.StateAddToSet, `[1,2,2]`, `[1]`, `[1,2]`, ""},
		{ipaas.StateAddToSet, `["x"]`, none, `["x"]`, ""},
		{ipaas.StateClear, `null`, `1`, none, "cannot be done to one key"},
	}
	for _, tt := range tests {
		t.Run(string(tt.operation)+" "+tt.value+" on "+tt.current, func(t *testing.T) {
			t.Parallel()
			var current any
			if tt.current != none {
				current = parsed(t, tt.current)
			}
			before := string(value.Encode(current))
			c := component.StateChange{Scope: ipaas.StateFlow, Operation: tt.operation, Key: "k", Value: parsed(t, tt.value)}
			next, keep, err := c.Apply(current, tt.current != none)
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Fatalf("it gives %v and the error %v, want %q in that", next, err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Keeps(tt.current != none) != keep {
				t.Errorf("Keeps says %t, and Apply %t", !keep, keep)
			}
			got := none
			if keep {
				got = string(value.Encode(next))
			}
			if got != tt.want {
				t.Errorf("it gives %s, want %s", got, tt.want)
			}
			if diff := cmp.Diff(before, string(value.Encode(current))); diff != "" {
				t.Errorf("what was there has changed:\n%s", diff)
			}
		})
	}
}

func parsed(t *testing.T, text string) any {
	t.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestStateChangesThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change component.StateChange
		want   string
	}{
		"scope":              {component.StateChange{Scope: "WORLD", Operation: ipaas.StateSet, Key: "k"}, `no scope "WORLD"`},
		"operation":          {component.StateChange{Scope: ipaas.StateFlow, Operation: "SWAP", Key: "k"}, `no operation "SWAP"`},
		"empty key":          {component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateSet}, "the key is empty"},
		"long key":           {component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateSet, Key: strings.Repeat("k", 1025)}, "has 1025 bytes"},
		"key of bytes":       {component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateSet, Key: "k\xff"}, "no proper text"},
		"key with a zero":    {component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateSet, Key: "k\x00"}, "no proper text"},
		"count by a list":    {component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateIncrement, Key: "k", Value: []any{}}, "give a number"},
		"append a text":      {component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateAppend, Key: "k", Value: "secret"}, "are a text: give a list"},
		"clear a key":        {component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateClear, Key: "k"}, "give no key"},
		"clear for a result": {component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateClear, AsResult: true}, "ask for no result"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := tt.change.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it says %v, want %q in it", err, tt.want)
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("it quotes a value: %v", err)
			}
		})
	}
}
