package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func handled(s ipaas.Step, h ipaas.ErrorHandling) ipaas.Step {
	s.OnError = &h
	return s
}

func ignore() ipaas.ErrorHandling { return ipaas.ErrorHandling{Effect: ipaas.ErrorIgnore} }

func retry(most int, delay time.Duration) ipaas.ErrorHandling {
	return ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: most, Delay: delay}
}

func TestRunIgnoresFailures(t *testing.T) {
	t.Parallel()
	fail := handled(step("Fail", "tools.fail", "message", "no such customer"), ignore())
	say := step("Say", "tools.echo", "list", list(ref("fail.error"), ref("fail.results"), tmpl("sorry: {{$fail.error}}")))
	tests := []struct {
		name   string
		steps  []ipaas.Step
		result string
		record []string
	}{
		{
			"the flow goes on, and sees the error",
			[]ipaas.Step{fail, say},
			`["no such customer",null,"sorry: no such customer"]`,
			[]string{`fail: result null, error "no such customer", ignored`, `say: result ["no such customer",null,"sorry: no such customer"]`},
		},
		{
			"the last step gives nothing",
			[]ipaas.Step{step("Say", "tools.echo", "text", "hello"), fail},
			`null`,
			[]string{`fail: result null, error "no such customer", ignored`, `say: result "hello"`},
		},
		{
			"a step that went well has no error",
			[]ipaas.Step{
				handled(step("Fail", "tools.echo", "text", "well"), ignore()), say,
			},
			`[null,"well","sorry: "]`,
			[]string{`fail: result "well"`, `say: result [null,"well","sorry: "]`},
		},
		{
			"inputs that are not there",
			[]ipaas.Step{handled(step("Fail", "tools.need", "number", ref("trigger.results.nothing"), "text", "x"), ignore()), say},
			`["inputs.number has no value, and it is required",null,"sorry: inputs.number has no value, and it is required"]`, nil,
		},
		{
			"a panic", []ipaas.Step{handled(step("Fail", "tools.panic"), ignore()), step("Say", "tools.echo", "text", "hello")}, `"hello"`, nil,
		},
		{
			"a step of a loop: its round goes on",
			[]ipaas.Step{loop("Each", list(ipaas.Literal("a"), ipaas.Literal("b")), fail, step("Say", "tools.echo", "text", tmpl("{{$fail.error}} {{$each.currentItem}}")))},
			`["no such customer a","no such customer b"]`, nil,
		},
		{
			"a loop: the rounds end",
			[]ipaas.Step{
				handled(loop("Fail", list(ipaas.Literal("a"), ipaas.Literal("b")), step("No", "tools.fail", "message", "no")), ignore()),
				step("Say", "tools.echo", "text", ref("fail.error")),
			},
			`"round 0: step \"No\" (tools.fail): no"`,
			[]string{
				`fail: result null, error "round 0: step \"No\" (tools.fail): no", ignored, cause &{STEP_FAILED step "No" (tools.fail): no no fail[0].no}, log DEBUG "2 items"`,
				`fail[0].no: result null, error "no"`, `say: result "round 0: step \"No\" (tools.fail): no"`,
			},
		},
		{
			"the items of a loop",
			[]ipaas.Step{handled(loop("Fail", list(ipaas.Literal("fail")), step("No", "tools.echo")), ignore()), step("Say", "tools.echo", "text", ref("fail.error"))},
			`"the items cannot be had"`, nil,
		},
		{
			"a creation", []ipaas.Step{
				handled(step("Fail", "acme-erp.createWebhook", "connection", config("Acme"), "url", "refused"), ignore()), step("Say", "tools.echo", "text", ref("fail.error")),
			}, `"acme refused the webhook: give another URL"`, nil,
		},
		{
			"after the last try",
			[]ipaas.Step{
				handled(step("Fail", "tools.fail", "message", "no"), ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 2, IgnoreFinal: true}),
				step("Say", "tools.echo", "text", ref("fail.error")),
			},
			`"no"`,
			[]string{`fail: result null, error "no", ignored, tries 3`, `say: result "no"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newRecorder()
			out := run(t, h, compile(t, tt.steps...))
			if out.State != ipaas.ExecutionSucceeded || out.Error != nil || out.Passing {
				t.Fatalf("outcome = %+v, want SUCCEEDED", out)
			}
			if diff := cmp.Diff(tt.result, string(value.Encode(out.Result))); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if tt.record == nil {
				return
			}
			if diff := cmp.Diff(tt.record, h.record()); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRunNeverIgnoresItsEnd: who ignores failures of a step does not ignore that the run is over.
func TestRunNeverIgnoresItsEnd(t *testing.T) {
	t.Parallel()
	always := ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 10, Delay: time.Minute, IgnoreFinal: true}
	for name, tt := range map[string]struct {
		steps   []ipaas.Step
		context func(ctx context.Context) (context.Context, context.CancelFunc)
		state   ipaas.ExecutionState
		reason  ipaas.ExecutionReason
		calls   int
	}{
		"canceled in a step":          {[]ipaas.Step{handled(step("Wait", "tools.wait"), ignore())}, canceledAfter(time.Second, nil), ipaas.ExecutionCanceled, "", 1},
		"canceled in a step to retry": {[]ipaas.Step{handled(step("Wait", "tools.wait"), always)}, canceledAfter(time.Second, nil), ipaas.ExecutionCanceled, "", 1},
		"canceled in a wait":          {[]ipaas.Step{handled(step("Fail", "tools.fail"), always)}, canceledAfter(time.Second, nil), ipaas.ExecutionCanceled, "", 1},
		"out of time":                 {[]ipaas.Step{handled(step("Wait", "tools.wait"), always)}, timeout(time.Second), ipaas.ExecutionFailed, ipaas.ExecutionTimeout, 1},
		"out of time in a loop": {
			[]ipaas.Step{handled(loop("Each", list(ipaas.Literal("x")), step("Wait", "tools.wait")), ignore())}, timeout(time.Second), ipaas.ExecutionFailed, ipaas.ExecutionTimeout, 1,
		},
		"canceled in a loop": {
			[]ipaas.Step{handled(loop("Each", list(ipaas.Literal("x")), step("Wait", "tools.wait")), ignore())}, canceledAfter(time.Second, nil), ipaas.ExecutionCanceled, "", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, append(tt.steps, step("After", "tools.echo"))...)
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := tt.context(t.Context())
				defer cancel()
				h := newRecorder()
				out, err := newEngine().Run(ctx, runOf(p), h)
				if err != nil {
					t.Fatal(err)
				}
				if out.State != tt.state || tt.reason != "" && (out.Error == nil || out.Error.Reason != tt.reason) {
					t.Errorf("outcome = %+v (%+v), want %s %s", out, out.Error, tt.state, tt.reason)
				}
				if len(h.calls) != tt.calls {
					t.Errorf("%d calls, want %d: %v", len(h.calls), tt.calls, h.journal)
				}
			})
		})
	}
}

func TestRunTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newRecorder()
		p := compile(t, handled(step("Post", "tools.flaky", "failures", "3"), ipaas.ErrorHandling{
			Effect: ipaas.ErrorRetry, MaxAttempts: 5, Delay: time.Minute, Multiplier: 3,
		}))
		var at []time.Duration
		start := time.Now()
		h.called = func() { at = append(at, time.Since(start)) }
		out := run(t, h, p)
		if out.State != ipaas.ExecutionSucceeded || out.Result != "well" {
			t.Fatalf("outcome = %+v (%+v)", out, out.Error)
		}
		// A minute, three, and five where nine would be too many, each by a fifth more or less.
		var spent time.Duration
		for i, want := range []time.Duration{0, time.Minute, 3 * time.Minute, 5 * time.Minute} {
			wait := at[i] - spent
			if spent = at[i]; wait < want-want/5 || wait > want+want/5 {
				t.Errorf("try %d came after %s, want about %s", i+1, wait, want)
			}
		}
		for i, c := range h.calls {
			if c.IdempotencyKey != h.calls[0].IdempotencyKey || c.IdempotencyKey == "" {
				t.Errorf("try %d sends the key %q, and the first %q", i+1, c.IdempotencyKey, h.calls[0].IdempotencyKey)
			}
		}
		want := []string{"begin post", "call post", "tried post", "call post", "tried post", "call post", "tried post", "call post", "complete post"}
		if diff := cmp.Diff(want, h.journal); diff != "" {
			t.Errorf("host calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{`post: result "well", tries 4`}, h.record()); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestRunTriesNotForEver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		step  ipaas.Step
		calls int
		says  string
	}{
		"as often as it may":     {handled(step("Post", "tools.fail", "message", "no"), retry(2, 0)), 3, `step "Post" (tools.fail): no`},
		"never":                  {handled(step("Post", "tools.fail", "message", "no"), retry(0, 0)), 1, `step "Post" (tools.fail): no`},
		"not what it cannot see": {handled(step("Post", "acme-erp.createWebhook", "connection", config("Acme"), "url", "lost"), retry(2, 0)), 1, "look in the other system"},
		"not with wrong inputs":  {handled(step("Post", "tools.need", "number", ref("trigger.results.nothing"), "text", "x"), retry(2, 0)), 0, "has no value"},
		"not for inner steps":    {handled(loop("Post", list(ipaas.Literal("x")), step("No", "tools.fail", "message", "no")), retry(2, 0)), 1, `step "No" (tools.fail): no`},
		"not beyond its time":    {handled(step("Post", "tools.fail", "message", "no"), retry(2, 5*time.Minute)), 1, "would last longer than the run may"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			h := newRecorder()
			out, err := newEngine().Run(ctx, runOf(compile(t, tt.step)), h)
			if err != nil {
				t.Fatal(err)
			}
			if e := failure(t, out); !strings.Contains(e.Message, tt.says) {
				t.Errorf("it failed with %q, want %q in it", e.Message, tt.says)
			}
			if len(h.calls) != tt.calls {
				t.Errorf("%d calls, want %d: %v", len(h.calls), tt.calls, h.journal)
			}
		})
	}
}

// TestRunInterruptedInAWait stops a run between two tries: nothing more is recorded, and who resumes it has the tries that are left.
func TestRunInterruptedInAWait(t *testing.T) {
	t.Parallel()
	p := compile(t, handled(step("Post", "tools.fail", "message", "no"), retry(3, time.Minute)))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := canceledAfter(90*time.Second, engine.ErrInterrupted)(t.Context())
		defer cancel()
		h := newRecorder()
		if out, err := newEngine().Run(ctx, runOf(p), h); !errors.Is(err, engine.ErrInterrupted) {
			t.Fatalf("outcome %+v, error %v, want ErrInterrupted", out, err)
		}
		if len(h.calls) != 2 {
			t.Fatalf("%d calls before, want 2: %v", len(h.calls), h.journal)
		}
		failure(t, run(t, h, p))
		if len(h.calls) != 4 {
			t.Errorf("%d calls in all, want 4: %v", len(h.calls), h.journal)
		}
		if diff := cmp.Diff([]string{`post: result null, error "no", tries 4`}, h.record()); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestRunPassesOnWhatStepsKeep(t *testing.T) {
	t.Parallel()
	keep := func(changes ...component.StateChange) []component.StateChange { return changes }
	set := component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateSet, Key: "a", Value: 1.5}
	for name, tt := range map[string]struct {
		changes []component.StateChange
		record  string
		fails   string
	}{
		"a value":           {changes: keep(set), record: `keep: result null, FLOW SET a 1.5`},
		"two":               {changes: keep(set, component.StateChange{Scope: ipaas.StateExecution, Operation: ipaas.StateClear}), record: `keep: result null, FLOW SET a 1.5, EXECUTION CLEAR  null`},
		"no scope":          {changes: keep(component.StateChange{Operation: ipaas.StateSet, Key: "a"}), fails: "there is no scope"},
		"no value":          {changes: keep(component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateSet, Key: "a", Value: struct{}{}}), fails: `the value of key "a" is none`},
		"no key":            {changes: keep(component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateSet}), fails: "the key is empty"},
		"too many":          {changes: make([]component.StateChange, component.MaxStateChanges+1), fails: "it changes 1001 keys at once"},
		"two of the result": {changes: keep(component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateRemove, Key: "a", AsResult: true}, component.StateChange{Scope: ipaas.StateFlow, Operation: ipaas.StateRemove, Key: "b", AsResult: true}), fails: "more than one key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper := &component.Component{ID: "keeper", Actions: []component.Action{{
				Action: ipaas.Action{Key: "keep"},
				Perform: func(context.Context, component.Call) (component.Result, error) {
					return component.Result{State: tt.changes}, nil
				},
			}}}
			def := definition(ipaas.Flow{DisplayName: "Flow", Steps: []ipaas.Step{step("Keep", "keeper.keep")}})
			h := newRecorder()
			out := run(t, h, engine.Compile(def, def.Hash(), component.NewRegistry(keeper, triggers(), acme())))
			if tt.fails != "" {
				if e := failure(t, out); !strings.Contains(e.Message, tt.fails) {
					t.Errorf("it failed with %q, want %q in it", e.Message, tt.fails)
				}
				return
			}
			if diff := cmp.Diff([]string{tt.record}, h.record()); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRunTakesWhatTheHostMakesOfAStep: what a step keeps may be its result, and may be refused, and only the host knows.
func TestRunTakesWhatTheHostMakesOfAStep(t *testing.T) {
	t.Parallel()
	p := compile(t, handled(step("First", "tools.echo", "text", "one"), ignore()), step("Say", "tools.echo", "list", list(ref("first.results"), ref("first.error"))))
	for name, tt := range map[string]struct {
		made   func(*engine.Done)
		result string
	}{
		"a result":  {func(d *engine.Done) { d.Result = "two" }, `["two",null]`},
		"a refusal": {func(d *engine.Done) { d.Result, d.Error, d.Ignored = nil, "it is too large", true }, `[null,"it is too large"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newRecorder()
			h.completed = func(at engine.Step, d *engine.Done) {
				if at.ID == "first" {
					tt.made(d)
				}
				if want := at.ID == "first"; at.Ignores != want {
					t.Errorf("step %s ignores failures: %t", at.ID, at.Ignores)
				}
			}
			if out := run(t, h, p); string(value.Encode(out.Result)) != tt.result {
				t.Errorf("result %s, want %s", value.Encode(out.Result), tt.result)
			}
		})
	}
}
