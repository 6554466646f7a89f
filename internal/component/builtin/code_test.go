package builtin_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/value"
)

// pool is the processes that run the code of all tests of this package; opened by the first that needs them.
var pool struct {
	once sync.Once
	*sandbox.Pool
}

func scripts(t *testing.T) component.Scripts {
	t.Helper()
	pool.once.Do(func() {
		var err error
		if pool.Pool, err = sandbox.New(sandbox.Options{PerTenant: sandbox.DefaultProcesses}, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	})
	return pool.Pool
}

func closeScripts() {
	if pool.Pool != nil {
		pool.Pool.Close()
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	runCases(t, []actionCase{
		{action: "code.runCode", name: "module", in: `{"code":"module.exports = async (context, stepResults) => ({ data: [1, 'a', null] });"}`, want: `[1,"a",null]`},
		{action: "code.runCode", name: "sync", in: `{"code":"module.exports = (context) => { return { data: context.stepId } }"}`, want: `""`},
		{action: "code.runCode", name: "body", in: `{"code":"const apiKey = configVars.apiKey; return data;","data":{"b":1.50,"a":[]}}`, want: `{"b":1.5,"a":[]}`},
		{action: "code.runCode", name: "nothing", in: `{"code":"console.log('Setup complete');"}`, want: `null`},
		{action: "code.runCode", name: "data_as_own_name", in: `{"code":"const data = 2; const context = 3; module.exports = async () => ({ data: data + context })"}`, want: `5`},
		{action: "code.runCode", name: "default_export", in: `{"code":"exports.default = async () => ({ data: 1 })"}`, want: `1`},
		{action: "code.runCode", name: "no_data", in: `{"code":"module.exports = async () => ({ result: 1 })"}`, want: `null`},
		{action: "code.runCode", name: "says_that_it_failed", in: `{"code":"module.exports = async () => ({ failed: true, error: 'no stock' })"}`, fails: "the code says that it failed: no stock"},
		{
			action: "code.runCode", name: "throws", in: `{"code":"\n\nmodule.exports = async (context, stepResults) => {\n  return { data: stepResults.nothing.results };\n};"}`,
			fails: "the code failed at line 4, column 37: TypeError: cannot read property 'results' of undefined",
		},
		{action: "code.runCode", name: "syntax", in: `{"code":"module.exports = async () => {\n  const a = ;\n}"}`, fails: "the code cannot be read at line 2, column 13: SyntaxError"},
		{action: "code.runCode", name: "no_function", in: `{"code":"module.exports = { data: 1 };"}`, fails: "module.exports is an object: set it to a function of context and stepResults"},
		{action: "code.runCode", name: "no_object", in: `{"code":"module.exports = () => 1;"}`, fails: "the code returned a number: return an object with the result as data"},
		{action: "code.runCode", name: "none", in: `{}`, want: `null`},
		{action: "code.runCode", name: "empty", in: `{"code":"  "}`, fails: `input "code" is empty`},
		{
			action: "code.runCode", name: "bytes", in: `{"code":"module.exports = () => ({ data: Buffer.from('hi'), contentType: 'text/plain' });"}`,
			is: value.Bytes{Data: []byte("hi"), ContentType: "text/plain"},
		},

		{action: "collection-tools.filter", name: "keeps", in: `{"listInput":[{"n":1},{"n":2},{"n":3}],"filterCodeInput":"(item, index) => item.n !== 2 && index < 5;"}`, want: `[{"n":1},{"n":3}]`},
		{action: "collection-tools.filter", name: "without a function", in: `{"listInput":[1,0],"filterCodeInput":" "}`, want: `[1,0]`},
		{action: "collection-tools.map", name: "without functions", in: `{"listInput":[1,0],"filterCodeInput":""}`, want: `[1,0]`},
		{action: "collection-tools.filter", name: "async", in: `{"listInput":[1,2,3],"filterCodeInput":"async function (item) { return item > 1 }"}`, want: `[2,3]`},
		{action: "collection-tools.filter", name: "list_as_text", in: `{"listInput":"[1,2]","filterCodeInput":"(i) => i > 1"}`, want: `[2]`},
		{action: "collection-tools.filter", name: "no_list", in: `{"listInput":{"a":1},"filterCodeInput":"(i) => i"}`, fails: `input "listInput" is an object: give a list`},
		{action: "collection-tools.filter", name: "no_function", in: `{"listInput":[1],"filterCodeInput":"true"}`, fails: "the function filter failed: TypeError: it is a boolean: give a function"},
		{
			action: "collection-tools.filter", name: "throws", in: `{"listInput":[{"a":{"b":1}},{}],"filterCodeInput":"(item) => item.a.b"}`,
			fails: "the function filter failed at line 1, column 17: TypeError: item 1: cannot read property 'b' of undefined",
		},
		{action: "collection-tools.filter", name: "syntax", in: `{"listInput":[1],"filterCodeInput":"(item) =>"}`, fails: "the function filter cannot be read at line"},
		{action: "collection-tools.filter", name: "digits_are_kept", in: `{"listInput":[{"id":12345678901234567890},{"id":1}],"filterCodeInput":"(item) => item.id > 2"}`, want: `[{"id":12345678901234567890}]`},
		{
			action: "collection-tools.map", name: "transforms", in: `{"listInput":[1,2,3],"transformCodeInput":"(item, index, context) => ({ v: item * context.by, index })","filterCodeInput":"(item) => item !== 2","contextInput":{"by":10}}`,
			want: `[{"v":10,"index":0},{"v":30,"index":2}]`,
		},
		{action: "collection-tools.map", name: "async", in: `{"listInput":["a"],"transformCodeInput":"async (item) => item.toUpperCase()"}`, want: `["A"]`},
		{action: "collection-tools.sort", name: "compares", in: `{"list":[{"n":3},{"n":1},{"n":2}],"sortComparisonFunction":"(a, b) => a.n - b.n"}`, want: `[{"n":1},{"n":2},{"n":3}]`},
		{action: "collection-tools.sort", name: "as_texts", in: `{"list":[10,9,"1",null]}`, want: `["1",10,9,null]`},
		{action: "collection-tools.sort", name: "no_number", in: `{"list":[1,2],"sortComparisonFunction":"(a, b) => 'x'"}`, fails: "it gave a string for two items"},
	})
}

// surroundings is a run that has come somewhere.
type surroundings struct{ trigger, results, config *value.Object }

func (s surroundings) Trigger() *value.Object { return s.trigger }
func (s surroundings) Results() *value.Object { return s.results }
func (s surroundings) Config() *value.Object  { return s.config }

// state is what flows keep, by scope.
type state map[ipaas.StateScope]string

func (s state) Get(ctx context.Context, scope ipaas.StateScope, key string) (any, bool, error) {
	all, err := s.All(ctx, scope)
	if err != nil {
		return nil, false, err
	}
	v, ok := all.Get(key)
	return v, ok, nil
}

func (s state) Keys(ctx context.Context, scope ipaas.StateScope) ([]string, error) {
	all, err := s.All(ctx, scope)
	if err != nil {
		return nil, err
	}
	return all.Keys(), nil
}

var errUnreadable = errors.New("the disk is gone")

func (s state) All(_ context.Context, scope ipaas.StateScope) (*value.Object, error) {
	text := s[scope]
	if text == "" {
		return nil, errUnreadable
	}
	v, err := value.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	return v.(*value.Object), nil
}

func object(t *testing.T, text string) *value.Object {
	t.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(*value.Object)
}

// codeCall is a step with code in the midst of a run.
func codeCall(t *testing.T, code string) component.Call {
	t.Helper()
	trigger := object(t, `{"headers":{"X-Acme-Topic":"order"},"body":{"data":{"id":7}},"webhookUrls":{"Sync Orders":"https://h.example/hooks/1"},"webhookApiKeys":{"Sync Orders":[]},
		"invokeUrl":"https://h.example/hooks/1","executionId":"exe-1","customer":{"id":"smith","name":"Smith"},"instance":{"id":"i"},"user":{"id":""},
		"integration":{"id":"erp"},"flow":{"id":"f"},"startedAt":"2026-01-01T00:00:00.000Z","globalDebug":true}`)
	results := object(t, `{"getOrder":{"results":{"total":1.5}}}`)
	all := value.Obj(value.Field{Key: "onOrder", Value: value.Obj(value.Field{Key: "results", Value: trigger})})
	for key, v := range results.All() {
		all.Set(key, v)
	}
	return component.Call{
		Inputs:       inputs(t, actionNamed(t, "code.runCode").Inputs, string(value.JSON(value.Obj(value.Field{Key: "code", Value: code})))),
		Surroundings: surroundings{trigger: trigger, results: all, config: object(t, `{"Endpoint":"https://erp.example","Login":{"key":"erp.basic","fields":{"username":"u"}}}`)},
		Scripts:      scripts(t), StepID: "my-step",
		State: state{ipaas.StateFlow: `{"a":1,"b":{"deep":[1]},"c":12345678901234567890}`, ipaas.StateInstance: `{}`, ipaas.StateExecution: `{"x":1}`},
	}
}

// TestCodeSeesTheRun runs code that looks at everything there is.
func TestCodeSeesTheRun(t *testing.T) {
	t.Parallel()
	var logged []string
	call := codeCall(t, `module.exports = async (context, stepResults) => {
		context.logger.warn('look', {a: 1});
		console.error(new Error('no').message);
		return {data: [
			context.configVars.Endpoint, context.configVars.Login.fields.username, context.stepId, context.executionId, context.webhookUrls['Sync Orders'],
			context.webhookApiKeys, context.invokeUrl, context.customer.name, context.instance.id, context.user.id, context.integration.id, context.flow.id,
			context.startedAt, context.debug.enabled, stepResults.getOrder.results.total, stepResults.onOrder.results.body.data.id,
			stepResults.trigger.results.headers['x-acme-topic'], Object.keys(stepResults), typeof context.logger.metric,
		]};
	};`)
	call.Log = func(severity ipaas.Severity, message string) {
		logged = append(logged, fmt.Sprint(severity, " ", message))
	}
	result, err := actionNamed(t, "code.runCode").Perform(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	want := `["https://erp.example","u","my-step","exe-1","https://h.example/hooks/1",{"Sync Orders":[]},"https://h.example/hooks/1","Smith","i","","erp","f",` +
		`"2026-01-01T00:00:00.000Z",true,1.5,7,"order",["onOrder","getOrder"],"function"]`
	if got := string(value.JSON(result.Data)); got != want {
		t.Errorf("the code saw\n%s, want\n%s", got, want)
	}
	if diff := cmp.Diff([]string{`WARN look {"a":1}`, "ERROR no"}, logged); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// TestCodeKeeps shows what becomes of changes to what flows keep.
func TestCodeKeeps(t *testing.T) {
	t.Parallel()
	set := func(scope ipaas.StateScope, key, json string) component.StateChange {
		v, err := value.Parse([]byte(json))
		if err != nil {
			t.Fatal(err)
		}
		return component.StateChange{Scope: scope, Operation: ipaas.StateSet, Key: key, Value: v}
	}
	remove := component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateRemove}
	gone := func(key string) component.StateChange {
		c := remove
		c.Key = key
		return c
	}
	tests := []struct {
		name, code string
		want       []component.StateChange
	}{
		{"looked_at", `async ({instanceState, executionState}) => ({data: instanceState.a + executionState.x})`, nil},
		{"returned", `async () => ({crossFlowState: {cursor: 'c', n: 2}})`, []component.StateChange{set(ipaas.StateInstance, "cursor", `"c"`), set(ipaas.StateInstance, "n", `2`)}},
		{"returned_as_it_was", `async ({instanceState}) => ({instanceState: {...instanceState, d: 4}})`, []component.StateChange{set(ipaas.StateFlow, "d", `4`)}},
		{"changed_in_depth", `async ({instanceState}) => { instanceState.b.deep.push(2); return {} }`, []component.StateChange{set(ipaas.StateFlow, "b", `{"deep":[1,2]}`)}},
		{"deleted", `async (context) => { delete context.instanceState.a; context.instanceState.b = undefined; }`, []component.StateChange{gone("a"), gone("b")}},
		{"replaced", `async (context) => { context.instanceState = {a: 1, z: null}; return {data: 1} }`, []component.StateChange{set(ipaas.StateFlow, "z", `null`), gone("b"), gone("c")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			result, err := actionNamed(t, "code.runCode").Perform(t.Context(), codeCall(t, "module.exports = "+tt.code))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, result.State); diff != "" {
				t.Errorf("what is kept (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		t.Parallel()
		_, err := actionNamed(t, "code.runCode").Perform(t.Context(), codeCall(t, "module.exports = async ({integrationState}) => ({data: integrationState})"))
		if !errors.Is(err, errUnreadable) {
			t.Errorf("with a store that fails: %v", err)
		}
	})
	t.Run("long_key", func(t *testing.T) {
		t.Parallel()
		_, err := actionNamed(t, "code.runCode").Perform(t.Context(), codeCall(t, "module.exports = async () => ({instanceState: {['k'.repeat(2000)]: 1}})"))
		if err == nil || !strings.Contains(err.Error(), "a key of context.instanceState that has 2000 bytes") {
			t.Errorf("a long key: %v", err)
		}
	})
	t.Run("nowhere", func(t *testing.T) {
		t.Parallel()
		call := codeCall(t, "module.exports = async () => ({instanceState: {a: 1}})")
		call.State = nil
		if _, err := actionNamed(t, "code.runCode").Perform(t.Context(), call); err == nil || !strings.Contains(err.Error(), "nothing is kept where it runs") {
			t.Errorf("where nothing is kept: %v", err)
		}
	})
}

// TestCodeWithoutScripts fails clearly where no code is run.
func TestCodeWithoutScripts(t *testing.T) {
	t.Parallel()
	call := codeCall(t, "return 1")
	call.Scripts = nil
	_, err := actionNamed(t, "code.runCode").Perform(t.Context(), call)
	wantError(t, err, "this server runs no code: start one that does, or take the step out")
}
