package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// tutorial is a definition much like the tutorial's.
func tutorial() *ipaas.Definition {
	def := definition(
		ipaas.Flow{DisplayName: "Sync Customer Data", Steps: []ipaas.Step{step("Say", "tools.echo", "value", ref("trigger.results.body.data"))}},
		ipaas.Flow{DisplayName: "Initialization", Steps: []ipaas.Step{
			step("Create Customer Webhook", "acme-erp.createWebhook",
				"connection", config("Acme"), "url", ref("trigger.results.webhookUrls.Sync Customer Data")),
			loop("Each", ref("trigger.results.body.data"),
				step("Create Each", "acme-erp.createWebhook", "connection", config("acme"), "url", ref("each.currentItem"))),
		}},
		ipaas.Flow{DisplayName: "Events", Trigger: ipaas.Trigger{Type: "acme-erp.event", Inputs: map[string]ipaas.Input{
			"secret": config("Secret"), "strict": ipaas.Literal("true"),
		}}},
	)
	return def
}

// run runs a flow that the host does not refuse.
func run(t *testing.T, h *recorder, p *engine.Program) engine.Outcome {
	t.Helper()
	out, err := newEngine().Run(t.Context(), runOf(p), h)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// failure returns the error of a run that must have failed.
func failure(t *testing.T, out engine.Outcome) ipaas.ExecutionError {
	t.Helper()
	if out.State != ipaas.ExecutionFailed || out.Error == nil {
		t.Fatalf("outcome = %+v, want FAILED with an error", out)
	}
	return *out.Error
}

func TestRunEvaluatesInputs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		key   string
		input ipaas.Input
		want  string
	}{
		{"value", "value", ipaas.Literal(true), `true`},
		{"json keeps digits and order", "value", in(ipaas.InputJSON, `{"b":1.50,"a":[]}`), `{"b":1.50,"a":[]}`},
		{"config variable by name", "text", config("Base URL"), `"https://acme"`},
		{"config variable by a name with spaces", "text", tmpl("{{#Region}}"), `"eu"`},
		{"config variable by id", "text", config("base-url"), `"https://acme"`},
		{"reference by the alias", "value", ref("trigger.results.body.data.n"), `1.50`},
		{"reference by the trigger's own key", "value", ref("onHook.results.body.data.lines.1"), `"b"`},
		{"reference to a header in another case", "value", ref("trigger.results.headers.x-signature"), `"abc"`},
		{"greedy reference", "value", ref("trigger.results.webhookUrls.Flow"), `"https://hooks/1"`},
		{"reference to an earlier step", "value", ref("first.results.a"), `"x"`},
		{"reference to nothing", "value", ref("first.results.b.c"), `null`},
		{"template", "text", tmpl("{{$first.results.a}}-{{#Base URL}}-{{$trigger.results.body.data.n}} {{x}}"), `"x-https://acme-1.50 {{x}}"`},
		{"template of one reference keeps its type", "value", tmpl("{{$trigger.results.body.data.lines}}"), `["a","b","c"]`},
		{"list", "list", list(ipaas.Literal("1"), ref("first.results")), `["1",{"a":"x"}]`},
		{"named list", "pairs", list(ipaas.Input{Kind: ipaas.InputReference, Text: "first.results.a", NameFrom: new(config("Base URL"))}), `{"https://acme":"x"}`},
		{"text becomes a number", "number", ipaas.Literal(" 12 "), `12`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, step("First", "tools.echo", "value", in(ipaas.InputJSON, `{"a":"x"}`)), step("Second", "tools.echo", tt.key, tt.input))
			out := run(t, newRecorder(), p)
			if got := string(value.JSON(out.Result)); got != tt.want || out.State != ipaas.ExecutionSucceeded {
				t.Errorf("%s with result %s, want %s", out.State, got, tt.want)
			}
		})
	}
}

func TestActionsAreToldTheTimeOfTheEngine(t *testing.T) {
	t.Parallel()
	h := newRecorder()
	run(t, h, compile(t,
		step("Say", "tools.echo", "value", "x"),
		step("Create", "acme-erp.createWebhook", "connection", config("Acme"), "url", "https://hooks/1"),
	))
	for i, call := range h.calls {
		if !call.Now.Equal(noon) {
			t.Errorf("call %d is told %s, want %s", i, call.Now, noon)
		}
	}
	if len(h.calls) != 2 {
		t.Errorf("%d calls, want 2", len(h.calls))
	}
}

func TestRunOrderOfHostCalls(t *testing.T) {
	t.Parallel()
	h := newRecorder()
	p := compile(t,
		step("Create", "acme-erp.createWebhook", "connection", config("Acme"), "url", "https://hooks/1"),
		loop("Each", ref("trigger.results.body.data.groups"),
			loop("Inner", ref("each.currentItem"), step("Say", "tools.echo", "text", tmpl("{{$each.index}}.{{$inner.index}} {{$inner.currentItem}}")))),
		step("After", "tools.echo", "value", ref("each.results")),
	)
	out := run(t, h, p)
	want := []string{
		"begin create", "intent create", "call create", "complete create",
		"begin each", "decide each",
		"begin each[0].inner", "decide each[0].inner",
		"begin each[0].inner[0].say", "call each[0].inner[0].say", "complete each[0].inner[0].say",
		"begin each[0].inner[1].say", "call each[0].inner[1].say", "complete each[0].inner[1].say",
		"complete each[0].inner",
		"begin each[1].inner", "decide each[1].inner",
		"begin each[1].inner[0].say", "call each[1].inner[0].say", "complete each[1].inner[0].say",
		"complete each[1].inner",
		"complete each",
		"begin after", "call after", "complete after",
	}
	if diff := cmp.Diff(want, h.journal); diff != "" {
		t.Errorf("host calls (-want +got):\n%s", diff)
	}
	if got := string(value.JSON(out.Result)); got != `[["0.0 a","0.1 b"],["1.0 c"]]` {
		t.Errorf("result = %s", got)
	}
	if got := h.line("create"); got != `create: result {"id":"wh-customers"}, created true, log INFO "created https://hooks/1"` {
		t.Errorf("record = %s", got)
	}
	if s := h.steps["each[1].inner[0].say"]; s.ID != "say" || s.DisplayName != "Say" || s.Action != "tools.echo" || s.Effect != ipaas.EffectPure {
		t.Errorf("step = %+v", s)
	}
	for path, want := range map[string]bool{"each": true, "each[1].inner[0].say": true, "create": false, "after": true} {
		if h.steps[path].Quiet != want {
			t.Errorf("step %s is quiet: %v", path, !want)
		}
	}
	if s := h.steps["create"]; s.Effect != ipaas.EffectWrite {
		t.Errorf("effect of an action that declares none = %s, want WRITE", s.Effect)
	}
}

func TestRunBranches(t *testing.T) {
	t.Parallel()
	say := func(name string) ipaas.Step { return step(name, "tools.echo", "text", name) }
	tests := []struct {
		name     string
		on       string
		branches []ipaas.Branch
		want     string
		branch   string
	}{
		{"chosen", "b", []ipaas.Branch{when("a", say("In A")), when("b", say("In B")), when("Else", say("In Else"))}, `"|In B|"`, "b"},
		{"none matches, so Else", "x", []ipaas.Branch{when("a", say("In A")), when("Else", say("In Else"))}, `"||In Else"`, "Else"},
		{"none chosen, so Else", "", []ipaas.Branch{when("a", say("In A")), when("Else", say("In Else"))}, `"||In Else"`, "Else"},
		{"none matches, and no Else", "x", []ipaas.Branch{when("a", say("In A"))}, `"||"`, ""},
		{"chosen and empty", "a", []ipaas.Branch{when("a")}, `"||"`, "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newRecorder()
			text := "{{$inA.results}}|{{$inB.results}}|{{$inElse.results}}"
			branches := tt.branches
			// References must name steps, so those of the branches a case lacks stand in one that is never chosen.
			unused := when("never")
			for _, name := range []string{"In A", "In B", "In Else"} {
				if !hasStep(branches, name) {
					unused.Steps = append(unused.Steps, say(name))
				}
			}
			p := compile(t, branch("Choose", ipaas.Literal(tt.on), append(branches, unused)...), step("After", "tools.echo", "text", tmpl(text)))
			out := run(t, h, p)
			if got := string(value.JSON(out.Result)); got != tt.want {
				t.Errorf("result = %s, want %s", got, tt.want)
			}
			if got := h.done["choose"].Branch; got != tt.branch {
				t.Errorf("recorded branch = %q, want %q", got, tt.branch)
			}
		})
	}
}

func hasStep(branches []ipaas.Branch, name string) bool {
	for _, b := range branches {
		for _, s := range b.Steps {
			if s.DisplayName == name {
				return true
			}
		}
	}
	return false
}

func TestRunLoopForgetsTheRoundBefore(t *testing.T) {
	t.Parallel()
	p := compile(t, loop("Each", ref("trigger.results.body.data.lines"),
		branch("Choose", ref("each.currentItem"), when("b", step("Found", "tools.echo", "text", "found"))),
		step("Say", "tools.echo", "text", tmpl("{{$each.currentItem}}:{{$found.results}}")),
	))
	out := run(t, newRecorder(), p)
	if got := string(value.JSON(out.Result)); got != `["a:","b:found","c:"]` {
		t.Errorf("result = %s: what a step did in one round must not be seen in the next", got)
	}
}

func TestRunLoopWithoutStepsGoesThroughItsItems(t *testing.T) {
	t.Parallel()
	p := compile(t, loop("Each", ref("trigger.results.body.data.lines")), step("Say", "tools.echo", "value", ref("each.results")))
	if problems := p.Problems(); len(problems) > 0 {
		t.Errorf("a loop without steps is a problem: %v", problems)
	}
	out := run(t, newRecorder(), p)
	if got := string(value.JSON(out.Result)); got != `[null,null,null]` {
		t.Errorf("result = %s", got)
	}
}

func TestRunBreakEndsTheInnermostLoop(t *testing.T) {
	t.Parallel()
	h := newRecorder()
	p := compile(t, loop("Each", ref("trigger.results.body.data.groups"),
		loop("Inner", ref("each.currentItem"),
			branch("Choose", ref("inner.currentItem"), when("b", step("Leave", "loop.breakLoop"))),
			step("Say", "tools.echo", "value", ref("inner.currentItem"))),
	))
	out := run(t, h, p)
	if got := string(value.JSON(out.Result)); got != `[["a"],["c"]]` {
		t.Errorf("result = %s", got)
	}
	if _, ok := h.done["each[0].inner[1].say"]; ok {
		t.Error("a step ran after the loop was left")
	}
}

func TestRunStopEndsWell(t *testing.T) {
	t.Parallel()
	h := newRecorder()
	p := compile(t, loop("Each", ref("trigger.results.body.data.lines"), step("Stop", "tools.stop", "body", tmpl("at {{$each.currentItem}}"))), step("After", "tools.fail"))
	out := run(t, h, p)
	want := engine.Outcome{State: ipaas.ExecutionSucceeded, Result: "at a", Response: &ipaas.Response{Status: 202, Body: []byte("at a")}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		`each: result "at a", stop, log DEBUG "3 items"`, `each[0].stop: result "at a", stop`,
	}, h.record()); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestRunWithoutStepsSucceeds(t *testing.T) {
	t.Parallel()
	out := run(t, newRecorder(), compile(t))
	if diff := cmp.Diff(engine.Outcome{State: ipaas.ExecutionSucceeded}, out); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestRunFailures(t *testing.T) {
	t.Parallel()
	connection := config("Acme")
	tests := []struct {
		name    string
		step    ipaas.Step
		path    string
		message string
		line    string // what is recorded of the step; empty: not looked at
	}{
		{
			"an action fails", step("Post Item", "tools.fail", "message", "the item has no id: give one"), "post-item",
			`step "Post Item" (tools.fail): the item has no id: give one`,
			`post-item: result null, error "the item has no id: give one"`,
		},
		{
			"every input that is wrong", step("Need", "tools.need", "number", ref("trigger.results.body.data.lines.0"), "text", ref("trigger.results.nothing")), "need",
			`step "Need" (tools.need): inputs.number is the text "a": give a number; inputs.text has no value, and it is required`, "",
		},
		{
			"an action panics", step("Panic", "tools.panic"), "panic",
			`step "Panic" (tools.panic): action tools.panic panicked: runtime error: index out of range [0] with length 0: this is a fault in the component`, "",
		},
		{
			"an action gives no value", step("Odd", "tools.odd"), "odd",
			`step "Odd" (tools.odd): action tools.odd gave a result that is no value: …`, "",
		},
		{
			"a break outside a loop", step("Leave", "loop.secretBreak"), "leave",
			`step "Leave" (loop.secretBreak): action loop.secretBreak ends a loop, but the step stands in none: move it into one`, "",
		},
		{
			"items panic", loop("Each", list(ipaas.Literal("panic")), step("Say", "tools.echo")), "each",
			`step "Each" (loop.overItems): action loop.overItems panicked: no items: this is a fault in the component`, "",
		},
		{
			"items fail", loop("Each", list(ipaas.Literal("fail")), step("Say", "tools.echo")), "each",
			`step "Each" (loop.overItems): the items cannot be had`,
			`each: result null, error "the items cannot be had", log DEBUG "1 items"`,
		},
		{
			"a creation is refused", step("Create", "acme-erp.createWebhook", "connection", connection, "url", "refused"), "create",
			`step "Create" (acme-erp.createWebhook): acme refused the webhook: give another URL`,
			`create: result null, error "acme refused the webhook: give another URL", created true`,
		},
		{
			"a creation whose answer is lost", step("Create", "acme-erp.createWebhook", "connection", connection, "url", "lost"), "create",
			`step "Create" (acme-erp.createWebhook): acme did not answer; what acme-erp.createWebhook was to create may exist, and cannot be looked up: look in the other system`,
			`create: result null, error "acme did not answer; what acme-erp.createWebhook was to create may exist, and cannot be looked up: look in the other system", created true, unknown`,
		},
		{
			"a creation panics", step("Create", "acme-erp.createWebhook", "connection", connection, "url", "panic"), "create",
			`step "Create" (acme-erp.createWebhook): action acme-erp.createWebhook panicked: boom: this is a fault in the component; what acme-erp.createWebhook was to create may exist, and cannot be looked up: look in the other system`,
			`create: result null, error "action acme-erp.createWebhook panicked: boom: this is a fault in the component; what acme-erp.createWebhook was to create may exist, and cannot be looked up: look in the other system", created true, unknown`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newRecorder()
			p := compile(t, tt.step, step("After", "tools.echo"))
			got := failure(t, run(t, h, p))
			want := ipaas.ExecutionError{Reason: ipaas.ExecutionStepFailed, Message: tt.message, StepID: tt.path, StepPath: tt.path}
			if start, cut := strings.CutSuffix(tt.message, "…"); cut && strings.HasPrefix(got.Message, start) {
				want.Message = got.Message // how it goes on is for others to say
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if tt.line != "" && h.line(tt.path) != tt.line {
				t.Errorf("record:\n got %s\nwant %s", h.line(tt.path), tt.line)
			}
			if _, ok := h.done["after"]; ok {
				t.Error("a step ran after one that failed")
			}
		})
	}
}

func TestRunFailureInALoopNamesTheInnerStep(t *testing.T) {
	t.Parallel()
	h := newRecorder()
	p := compile(t, loop("Each", ref("trigger.results.body.data.lines"),
		branch("Choose", ref("each.currentItem"), when("b", step("Post Item", "tools.fail", "message", "no")))))
	got := failure(t, run(t, h, p))
	want := ipaas.ExecutionError{
		Reason: ipaas.ExecutionStepFailed, Message: `step "Post Item" (tools.fail): no`, StepID: "post-item", StepPath: "each[1].post-item",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if got := h.done["each"].Error; got != `round 1: step "Post Item" (tools.fail): no` {
		t.Errorf("error of the loop = %q", got)
	}
}

func TestRunOfBrokenStepsFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		step ipaas.Step
		want string
	}{
		{"no action", step("A", ""), `step "A" (no action): has no action: choose one`},
		{"unknown component", step("A", "x.y"), `step "A" (x.y): runs x.y, and there is no such component: create it, or choose another`},
		{"unknown action", step("A", "tools.y"), `step "A" (tools.y): runs tools.y, and its component has no such action: choose another`},
		{"malformed input", step("A", "tools.echo", "text", tmpl("{{$}}")), `step "A" (tools.echo): has a malformed input text: `},
		{
			"a connection where none belongs", step("A", "tools.echo", "value", list(config("Acme"))),
			`step "A" (tools.echo): has the connection "Acme" in input "value", which takes none: take it out`,
		},
		{
			"a connection in a template", step("A", "tools.echo", "text", tmpl("{{#Acme}}")),
			`step "A" (tools.echo): has the connection "Acme" in a template: take it out`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := compileAnyway(tt.step)
			if len(p.Problems()) == 0 {
				t.Error("the definition has no problems")
			}
			if got := failure(t, run(t, newRecorder(), p)); !strings.HasPrefix(got.Message, tt.want) {
				t.Errorf("message = %q, want %q", got.Message, tt.want)
			}
		})
	}
	out, err := newEngine().Run(t.Context(), engine.Run{Program: compileAnyway(), FlowID: "none"}, newRecorder())
	if err != nil || failure(t, out).Message != `the definition has no flow "none"` {
		t.Errorf("unknown flow: %+v, %v", out, err)
	}
}

func TestRunBoundsSteps(t *testing.T) {
	t.Parallel()
	h := newRecorder()
	e := newEngine()
	e.MaxSteps = 3
	out, err := e.Run(t.Context(), runOf(compile(t, loop("Each", ref("trigger.results.body.data.lines"), step("Say", "tools.echo")))), h)
	if err != nil {
		t.Fatal(err)
	}
	want := ipaas.ExecutionError{
		Reason: ipaas.ExecutionStepFailed, StepID: "say", StepPath: "each[2].say",
		Message: `step "Say" (tools.echo): was to be the 4th step of the run, and a run may take 3: split the work over several executions`,
	}
	if diff := cmp.Diff(want, failure(t, out)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestRunCutsLogs(t *testing.T) {
	t.Parallel()
	var late func(ipaas.Severity, string)
	chatty := &component.Component{ID: "chatty", Actions: []component.Action{{
		Action: ipaas.Action{Key: "talk"},
		Perform: func(_ context.Context, call component.Call) (component.Result, error) {
			call.Log(ipaas.SeverityWarn, strings.Repeat("ä", 9000))
			late = call.Log
			return component.Result{}, nil
		},
	}}}
	def := definition(ipaas.Flow{DisplayName: "Flow", Steps: []ipaas.Step{step("Talk", "chatty.talk")}})
	h := newRecorder()
	run(t, h, engine.Compile(def, "", registry().With(chatty)))
	late(ipaas.SeverityInfo, "after the end")
	want := []ipaas.Log{{Severity: ipaas.SeverityWarn, Message: strings.Repeat("ä", 2*ipaas.MaxLogMessage), StepPath: "talk", CreateTime: noon}}
	if diff := cmp.Diff(want, h.done["talk"].Logs); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

func TestRunIsSafeSideBySide(t *testing.T) {
	t.Parallel()
	p := compile(t, step("A", "tools.echo", "value", ref("trigger.results.headers.x-signature")), step("B", "tools.echo", "text", tmpl("{{$a.results}}{{#Secret}}")))
	r := runOf(p)
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for range 100 {
				out, err := newEngine().Run(t.Context(), r, newRecorder())
				if err != nil || out.Result != "abcs3cret" {
					t.Fatalf("outcome = %+v, %v", out, err)
				}
			}
		})
	}
}

// silent is a host that records nothing, so that a benchmark measures the engine.
type silent struct{}

func (silent) Begin(context.Context, engine.Step) (*engine.Done, error) { return nil, nil }
func (silent) Decide(context.Context, engine.Step, engine.Done) error   { return nil }
func (silent) Remove(context.Context, engine.Step, string) (any, error) { return nil, nil }

func (silent) Tried(context.Context, engine.Step, engine.Done) error { return nil }
func (silent) Complete(_ context.Context, _ engine.Step, done engine.Done) (engine.Done, error) {
	return done, nil
}

func (silent) Intent(context.Context, engine.Creation) (engine.Decision, error) {
	return engine.Decision{}, nil
}

func (silent) Call(ctx context.Context, _ engine.Step, a *component.Action, c component.Call) (component.Result, error) {
	return a.Perform(ctx, c)
}

func BenchmarkRunTenPureSteps(b *testing.B) {
	var steps []ipaas.Step
	for i := range 10 {
		text := tmpl("{{$trigger.results.body.data.n}} {{#Base URL}}")
		if i > 0 {
			text = tmpl(fmt.Sprintf("{{$step%d.results}}", i-1))
		}
		steps = append(steps, step(fmt.Sprint("Step", i), "tools.echo", "text", text))
	}
	p := compile(b, steps...)
	r := runOf(p)
	e := newEngine()
	b.ReportAllocs()
	for b.Loop() {
		if out, err := e.Run(b.Context(), r, silent{}); err != nil || out.State != ipaas.ExecutionSucceeded {
			b.Fatal(out, err)
		}
	}
}

func BenchmarkCompileThousandSteps(b *testing.B) {
	var steps []ipaas.Step
	for i := range 1000 {
		steps = append(steps, step(fmt.Sprint("Step", i), "tools.echo", "text", tmpl("{{$trigger.results.body.data.n}} {{#Base URL}}")))
	}
	def := definition(ipaas.Flow{DisplayName: "Flow", Steps: steps})
	reg := registry()
	for b.Loop() {
		engine.Compile(def, "", reg)
	}
}
