package prismatic_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/prismatic"
	"github.com/headrace/headrace/internal/value"
)

// sound checks what must hold of every reading, whatever was read: violations and notes have places, what can be read can be checked,
// and what has no violation goes out and comes in again.
func sound(t *testing.T, v any) {
	t.Helper()
	read := prismatic.Read(v)
	for _, wrong := range read.Violations {
		if wrong.Field == "" || wrong.Reason == "" || wrong.Description == "" {
			t.Errorf("a violation says too little: %+v", wrong)
		}
	}
	if len(read.Notes) > prismatic.MaxNotes {
		t.Errorf("%d notes", len(read.Notes))
	}
	d := read.Definition
	d.RemoveSecrets(nobodyKnows{})
	written, _ := prismatic.Write(d)
	checked := prismatic.Read(v).Definition
	checked.Normalize(nil, time.Unix(0, 0))
	wrong := slices.Concat(read.Violations, read.InFile(checked.Validate()))
	if len(wrong) > 0 {
		return
	}
	checkGrammar(t, written, true)
	again := prismatic.Read(written)
	if len(again.Violations) > 0 {
		t.Fatalf("what was written cannot be read: %v\n%s", again.Violations, value.JSON(written))
	}
	if twice, _ := prismatic.Write(again.Definition); !value.Equal(twice, written) {
		t.Errorf("a second export differs:\n%s\n%s", value.JSON(written), value.JSON(twice))
	}
}

type nobodyKnows struct{}

func (nobodyKnows) SecretOfConnection(string, string) (secret, known bool) { return false, false }
func (nobodyKnows) SecretOfAction(string, string) bool                     { return false }

const everything = `definitionVersion: 7
name: Acme
labels: [a]
endpointType: instance_specific
preprocessFlowName: F
flowNameField: {type: reference, value: onExecution.results.flow}
requiredConfigVars:
  - {key: P, stableKey: p, dataType: picklist, pickList: [a, b], defaultValue: a, meta: {visibleToOrgDeployer: true}}
  - {key: K, dataType: string, collectionType: keyvaluelist, defaultValue: '[{"key": "a", "value": "b"}]'}
  - {key: S, dataType: schedule, defaultValue: 0 8 * * *, timeZone: UTC, scheduleType: day}
  - {key: C, dataType: connection, connection: {key: basic, component: {key: http, version: LATEST}}, inputs: {username: {type: value, value: ada}}}
  - {key: Z, dataType: connection, useScopedConfigVar: shared}
configPages: [{name: P, elements: [{type: configVar, value: P}, {type: htmlElement, value: <b>x</b>}]}]
flows:
  - name: F
    stableKey: f
    endpointSecurityType: organization
    retryConfig: {maxAttempts: 3, delayMinutes: 1, usesExponentialBackoff: true, uniqueRequestIdField: {type: reference, value: body.data}}
    queueConfig: {usesFifoQueue: true, concurrencyLimit: 2, dedupeIdField: body.id, singletonExecutions: false}
    triggerResolver: {enabled: true}
    steps:
      - {name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, schedule: {type: value, value: 0 8 * * *, meta: {timeZone: UTC}}, inputs: {}}
      - name: L
        action: {key: loopOverItems, component: {key: loop}}
        errorConfig: {errorHandlerType: retry, maxAttempts: 2, delaySeconds: 3}
        inputs: {items: {type: reference, value: t.results.list}}
        steps:
          - name: B
            action: {key: branchOnExpression, component: {key: branch}}
            inputs: {conditions: {type: complex, value: [{name: X, type: complex, value: [and, [equal, {type: value, value: 1}, {type: template, value: '{{#P}}'}]]}]}}
            branches: [{name: X, steps: []}, {name: Else, steps: [{name: E, action: {key: breakLoop, component: {key: loop}}}]}]
`

// TestWrongTypesEverywhere puts a value of every kind in the place of every part of definitions, one at a time.
func TestWrongTypesEverywhere(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"everything": everything,
		"old":        "name: A\ntrigger: {name: T, schedule: {type: value, value: 0 8 * * *}}\nsteps: [{name: S, action: {componentKey: a, key: b}, inputs: {x: y}}]\nrequiredConfigVars: {a: 1}\n",
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := parse(t, text)
			if read := prismatic.Read(root); len(read.Violations) > 0 {
				t.Fatalf("it is wrong by itself: %v", read.Violations)
			}
			replacements := []any{
				nil, true, "", "text", value.Number("-1"), value.Number("1e99"),
				[]any{},
				[]any{nil, "x", []any{}},
				value.Obj(),
				value.Obj(value.Field{Key: "type", Value: "value"}), value.Obj(value.Field{Key: "", Value: ""}),
			}
			mutate(root, func(replace func(any)) {
				for _, v := range replacements {
					replace(v)
					sound(t, root)
				}
			})
			sound(t, root) // everything is back in its place
		})
	}
}

// mutate calls visit with a function that replaces a part of a value, for every part of it, and puts the part back.
func mutate(v any, visit func(replace func(any))) {
	switch v := v.(type) {
	case *value.Object:
		for _, key := range v.Keys() {
			was, _ := v.Get(key)
			visit(func(now any) { v.Set(key, now) })
			v.Set(key, was)
			mutate(was, visit)
		}
	case []any:
		for i, was := range v {
			visit(func(now any) { v[i] = now })
			v[i] = was
			mutate(was, visit)
		}
	}
}

// TestLargeDefinitions reads as many things as a request may hold, and none takes more than its share.
func TestLargeDefinitions(t *testing.T) {
	t.Parallel()
	step := "{name: S%d, action: {key: a, component: {key: x, version: 3}}, inputs: {a: {type: reference, value: s0.results}}, colour: red}"
	tests := []struct {
		name  string
		text  func() string
		wrong bool
	}{
		{"10,000 steps", func() string {
			var b strings.Builder
			b.WriteString("name: A\nflows:\n")
			for f := range 10 {
				fmt.Fprintf(&b, "  - name: F%d\n    steps:\n", f)
				for i := range 1000 {
					fmt.Fprintf(&b, "      - "+step+"\n", i)
				}
			}
			return b.String()
		}, false},
		{"1,001 steps in a flow", func() string {
			var b strings.Builder
			b.WriteString("name: A\nflows:\n  - name: F\n    steps:\n")
			for i := range 1001 {
				fmt.Fprintf(&b, "      - "+step+"\n", i)
			}
			return b.String()
		}, true},
		{"1,000 flows", func() string {
			return "name: A\nflows:\n" + strings.Repeat("  - {name: F, steps: [{isTrigger: true}]}\n", 1000)
		}, true},
		{"1,000 config variables", func() string { return "name: A\nrequiredConfigVars:\n" + strings.Repeat("  - {key: V}\n", 1000) }, true},
		{"1,000 config pages", func() string { return "name: A\nsteps: []\nconfigPages:\n" + strings.Repeat("  - {name: P}\n", 1000) }, true},
		{"steps within steps", func() string {
			return "name: A\nflows: [{name: F, steps: " + strings.Repeat("[{name: S, action: {key: a, component: {key: x}}, steps: ", 20) + "[]" + strings.Repeat("}]", 20) + "}]\n"
		}, true},
		{"lists within lists", func() string {
			return "name: A\nsteps: [{name: S, action: {key: a, component: {key: x}}, inputs: {x: {type: complex, value: " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}}}]\n"
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := parse(t, tt.text())
			read := prismatic.Read(v)
			d := prismatic.Read(v).Definition
			d.Normalize(nil, time.Now())
			wrong := slices.Concat(read.Violations, read.InFile(d.Validate()))
			if tt.wrong == (len(wrong) == 0) {
				t.Errorf("violations: %v", wrong)
			}
			if len(read.Notes) > prismatic.MaxNotes {
				t.Errorf("%d notes", len(read.Notes))
			}
			if !tt.wrong && len(read.Notes) == prismatic.MaxNotes && !strings.Contains(read.Notes[len(read.Notes)-1].Description, "more notes") {
				t.Error("notes are left out, and nobody says so")
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	seeds := []string{everything, "name: A\ntrigger: {name: T}\nsteps: []\nrequiredConfigVars: {a: b}\n", "definitionVersion: 4\nflows: [{trigger: {action: {componentKey: a, key: b}}}]\n"}
	for _, seed := range seeds {
		f.Add(value.JSON(parse(f, seed)))
	}
	for _, text := range filesOrNone(f) {
		if len(text) < 4<<10 { // minimising large ones takes all the time there is
			f.Add(value.JSON(parse(f, text)))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := value.Parse(text)
		if err != nil {
			return
		}
		sound(t, v)
	})
}

func BenchmarkRead(b *testing.B) {
	for name, text := range files(b) {
		if !strings.HasPrefix(name, "hubspot") {
			continue // the largest
		}
		v := parse(b, text)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if read := prismatic.Read(v); len(read.Violations) > 0 {
					b.Fatal(read.Violations)
				}
			}
		})
	}
}
