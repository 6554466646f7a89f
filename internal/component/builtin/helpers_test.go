package builtin_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func TestHelpers(t *testing.T) {
	t.Parallel()
	runCases(t, []actionCase{
		{action: "branch.selectExecutedStepResult", name: "the first that is there", in: `{"stepResults":[null,{"a":1},{"b":2}]}`, want: `{"a":1}`},
		{action: "branch.selectExecutedStepResult", name: "false is a result", in: `{"stepResults":[null,false]}`, want: `false`},
		{action: "branch.selectExecutedStepResult", name: "none", in: `{"stepResults":[null,null]}`, want: `null`},
		{action: "branch.selectExecutedStepResult", name: "no list", in: `{"stepResults":{"a":1}}`, fails: `inputs.stepResults is an object: give a list`},
		{action: "branch.branchOnValue", name: "a number as text", in: `{"inputValue":0.0,"branchValueMappings":{"Some":"1","None":"0"}}`, want: `"None"`},
		{action: "branch.branchOnValue", name: "none", in: `{"inputValue":null,"branchValueMappings":{"Zero":"0"}}`, want: `"Else"`},
		{action: "branch.branchOnExpression", name: "an unused empty term", in: `{"conditions":[{"key":"A","value":["and",["isEmpty","x",""]]},{"key":"B","value":["or",["isTrue","yes",""],["doesNotExist",1]]}]}`, want: `"B"`},
		{action: "branch.branchOnExpression", name: "none holds", in: `{"conditions":[{"key":"A","value":["and",["equal",1,2]]}]}`, want: `"Else"`},
		{action: "loop.loopOverCollection", name: "a list", in: `{"collection":[1,2]}`, want: `[1,2]`},
		{action: "loop.loopOverCollection", name: "an object", in: `{"collection":{"a":1}}`, want: `[{"key":"a","value":1}]`},
		{action: "loop.loopOverCollection", name: "no list", in: `{"collection":1}`, fails: `input "collection" is a number: give a list`},
		{action: "result-placeholder.actions", name: "JSON", in: `{"code":"{\"id\": 4.0}"}`, want: `{"id":4.0}`},
		{action: "result-placeholder.actions", name: "text", in: `{"code":"{id}"}`, want: `"{id}"`},
		{action: "result-placeholder.actions", name: "a value", in: `{"code":[1]}`, want: `[1]`},
		{action: "result-placeholder.actions", name: "nothing", in: `{}`, want: `null`},
		{action: "sleep.sleep", name: "a little", in: `{"ms":"1"}`, want: `null`},
		{action: "sleep.sleep", name: "too long", in: `{"ms":900001}`, fails: `input "ms" is 900001: give 0 to 900000 milliseconds`},
		{action: "sleep.sleep", name: "backwards", in: `{"ms":-1}`, fails: `input "ms" is -1: give 0 to 900000 milliseconds`},
		{action: "log.writeMetric", name: "has no result", in: `{"metrics":{"a":1}}`, want: `null`},
		{action: "log.writeMetric", name: "no number", in: `{"metrics":{"a":"x"}}`, fails: `inputs.metrics "a" is the text "x": give a number`},
		{action: "log.writeMetric", name: "no value", in: `{"metrics":{"a":""}}`, fails: `input "metrics": "a" has no value: give it a number`},
		{action: "log.writeMetric", name: "no name", in: `{"metrics":{"":1}}`, fails: `input "metrics": item 0 has no name: give it one`},
		{action: "log.writeMetric", name: "too long a name", in: `{"metrics":{"` + strings.Repeat("x", 5000) + `":1}}`, fails: `fills more than a line of 4096 bytes`},
		{action: "process-data.deDuplicate", name: "outside of a flow", in: `{"dataInput":[]}`, fails: `nothing is kept here between executions`},
		{action: "collection-tools.processInOrder", name: "outside of a flow", in: `{"collectionId":"a","collectionLength":1,"itemIndex":0}`, fails: `nothing is kept here between executions`},
	})
}

func TestWriteMetric(t *testing.T) {
	t.Parallel()
	a := actionNamed(t, "log.writeMetric")
	var lines []string
	call := component.Call{
		Inputs: inputs(t, a.Inputs, `{"metrics":[{"key":"orders","value":"12"},{"key":"","value":""},{"key":"share","value":0.10}]}`),
		Log:    func(s ipaas.Severity, m string) { lines = append(lines, string(s)+" "+m) },
	}
	if _, err := a.Perform(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`INFO {"metrics":{"orders":12,"share":0.10}}`}, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSleepHeedsTheTimeThereIs(t *testing.T) {
	t.Parallel()
	a := actionNamed(t, "sleep.sleep")
	call := component.Call{Inputs: inputs(t, a.Inputs, `{"ms":600000}`)}
	late, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := a.Perform(late, call); err == nil || late.Err() != nil || !strings.Contains(err.Error(), `input "ms" is 600000, and the step has only`) {
		t.Errorf("got %v", err)
	}
	cut := errors.New("the execution was canceled")
	ctx, stop := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() {
		_, err := a.Perform(ctx, call)
		ended <- err
	}()
	stop(cut)
	if err := <-ended; !errors.Is(err, cut) {
		t.Errorf("got %v, want it cut short", err)
	}
}

// run runs an action that keeps something, and carries out what it changes.
func (m memory) run(t *testing.T, name, given string) (component.Result, error) {
	t.Helper()
	a := actionNamed(t, name)
	result, err := a.Perform(t.Context(), component.Call{Inputs: inputs(t, a.Inputs, given), State: m})
	if err != nil {
		return result, err
	}
	return result, m.complete(&result)
}

func TestDeduplicateAcrossExecutions(t *testing.T) {
	t.Parallel()
	k := memory{}
	for i, tt := range []struct{ in, want, fails string }{
		{in: `{"keyFieldNamesInput":["id"],"dataInput":[{"id":3,"v":"a"},{"id":2,"v":"b"},{"id":3.0,"v":"c"}]}`, want: `[{"id":3,"v":"a"},{"id":2,"v":"b"}]`},
		{in: `{"keyFieldNamesInput":["id"],"dataInput":[{"id":4},{"id":3}]}`, want: `[{"id":4}]`},
		{in: `{"keyFieldNamesInput":["id"],"dataInput":[{"id":4},{"id":3}]}`, want: `[]`},
		{in: `{"keyFieldNamesInput":["id"],"dataInput":[{"id":4}],"memory":"other"}`, want: `[{"id":4}]`},
		{in: `{"dataInput":[1,"1",1.0,{"b":1,"a":2},{"a":2,"b":1}]}`, want: `[1,"1",{"b":1,"a":2}]`},
		{in: `{"keyFieldNamesInput":["id","at"],"dataInput":[{"id":1,"at":2}]}`, want: `[{"id":1,"at":2}]`},
		{in: `{"keyFieldNamesInput":["id"],"dataInput":[{"id":9},{"di":1}]}`, fails: `input "dataInput": item 1 has no field "id": give fields that every item has`},
		{in: `{"keyFieldNamesInput":["id"],"dataInput":[7]}`, fails: `input "dataInput": item 0 is a number: give objects, or no key fields`},
		{in: `{"dataInput":[1],"memory":"` + strings.Repeat("x", 1024) + `"}`, fails: `input "memory" is longer than`},
	} {
		got, err := k.run(t, "process-data.deDuplicate", tt.in)
		wantPart(t, i, err, tt.fails)
		if err == nil && string(value.JSON(got.Data)) != tt.want {
			t.Errorf("%d: got %s, want %s", i, value.JSON(got.Data), tt.want)
		}
	}
	for scope, kept := range k {
		if text := string(value.JSON(kept)); strings.Contains(text, `"id"`) || scope != ipaas.StateFlow {
			t.Errorf("%s keeps %s: only hashes may be kept", scope, text)
		}
	}
}

func wantPart(t *testing.T, i int, err error, part string) {
	t.Helper()
	if (err != nil) != (part != "") || err != nil && !strings.Contains(err.Error(), part) {
		t.Errorf("%d: got %v, want %q", i, err, part)
	}
}

func TestDeduplicateForgetsTheOldest(t *testing.T) {
	t.Parallel()
	k := memory{}
	list := func(from, to int) string {
		var items []any
		for i := from; i < to; i++ {
			items = append(items, value.FromInt(int64(i)))
		}
		return `{"dataInput":` + string(value.JSON(items)) + `}`
	}
	fresh := func(in string) int {
		got, err := k.run(t, "process-data.deDuplicate", in)
		if err != nil {
			t.Fatal(err)
		}
		items, _ := got.Data.([]any)
		return len(items)
	}
	if n := fresh(list(0, 4000)); n != 4000 {
		t.Errorf("%d of 4000 are new", n)
	}
	if n := fresh(list(3000, 6000)); n != 2000 {
		t.Errorf("%d of 3000 are new, want 2000", n)
	}
	if n := fresh(list(1000, 6000)); n != 0 {
		t.Errorf("%d of the last 5000 are new again", n)
	}
	if n := fresh(list(0, 1000)); n != 1000 {
		t.Errorf("%d of the 1000 that were forgotten are new", n)
	}
	if _, err := k.run(t, "process-data.deDuplicate", list(0, 5001)); err == nil {
		t.Error("5001 items are taken")
	}
}

func TestProcessInOrder(t *testing.T) {
	t.Parallel()
	k := memory{}
	item := func(index, name string) string {
		return `{"collectionId":"batch","collectionLength":"5","itemIndex":` + index + `,"item":"` + name + `"}`
	}
	for i, tt := range []struct{ in, branch, want, fails string }{
		{in: item("2", "c"), branch: "Skip", want: `"c"`},
		{in: item("1", "b"), branch: "Skip", want: `"b"`},
		{in: item("0", "a"), branch: "Process", want: `["a","b","c"]`},
		{in: item("1", "b"), branch: "Skip", want: `"b"`},
		{in: item("4", "e"), branch: "Skip", want: `"e"`},
		{in: item("3", "d"), branch: "Process", want: `["d","e"]`},
		{in: item("5", "f"), fails: `input "itemIndex" is 5: give 0 to 4`},
		{in: item("-1", "f"), fails: `input "itemIndex" is -1: give 0 to 4`},
		{in: item("0.5", "f"), fails: `input "itemIndex" is 0.5: give a whole number`},
		{in: `{"collectionId":"x","collectionLength":1000001,"itemIndex":0}`, fails: `input "collectionLength" is 1000001: give 1 to 1000000`},
		{in: `{"collectionId":"` + strings.Repeat("x", 257) + `","collectionLength":1,"itemIndex":0}`, fails: `input "collectionId" is longer than 256 bytes`},
	} {
		got, err := k.run(t, "collection-tools.processInOrder", tt.in)
		wantPart(t, i, err, tt.fails)
		if err == nil && (got.Branch != tt.branch || string(value.JSON(got.Data)) != tt.want) {
			t.Errorf("%d: got %s with %s, want %s with %s", i, got.Branch, value.JSON(got.Data), tt.branch, tt.want)
		}
	}
	if kept := k.of(ipaas.StateFlow); kept.Len() != 0 {
		t.Errorf("after the last item %s is kept", value.JSON(kept))
	}
	if names := actionNamed(t, "collection-tools.processInOrder").BranchNames(nil); !cmp.Equal(names, []string{"Process", "Skip"}) {
		t.Errorf("its branches are %v", names)
	}
}

func TestProcessInOrderKeepsSoManyAndNoMore(t *testing.T) {
	t.Parallel()
	waiting := value.Obj()
	for i := range 1000 {
		waiting.Set(string(value.FromInt(int64(i+1))), nil)
	}
	k := memory{ipaas.StateFlow: value.Obj(value.Field{Key: "collection-tools:in-order:x", Value: value.Obj(value.Field{Key: "next", Value: value.Number("0")}, value.Field{Key: "waiting", Value: waiting})})}
	_, err := k.run(t, "collection-tools.processInOrder", `{"collectionId":"x","collectionLength":5000,"itemIndex":3000}`)
	wantError(t, err, "1000 items of the collection wait for item 0: they cannot be more")
	got, err := k.run(t, "collection-tools.processInOrder", `{"collectionId":"x","collectionLength":5000,"itemIndex":0}`)
	if items, _ := got.Data.([]any); err != nil || len(items) != 1001 {
		t.Errorf("%d items are processed, %v", len(items), err)
	}
}
