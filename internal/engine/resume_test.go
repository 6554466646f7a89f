package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		steps   []ipaas.Step
		context func(ctx context.Context) (context.Context, context.CancelFunc)
		outcome engine.Outcome
		record  []string
	}{
		{
			"canceled in a step",
			[]ipaas.Step{step("Wait", "tools.wait")},
			canceledAfter(time.Minute, nil),
			engine.Outcome{State: ipaas.ExecutionCanceled},
			[]string{`wait: result null, error "the run was canceled", canceled`},
		},
		{
			"out of time in a step",
			[]ipaas.Step{step("Wait", "tools.wait")},
			timeout(time.Minute),
			engine.Outcome{State: ipaas.ExecutionFailed, Error: &ipaas.ExecutionError{
				Reason: ipaas.ExecutionTimeout, Message: `step "Wait" (tools.wait): the run took longer than it may`, StepID: "wait", StepPath: "wait",
			}},
			[]string{`wait: result null, error "the run took longer than it may", cause &{TIMEOUT   }`},
		},
		{
			"out of time by a cause",
			[]ipaas.Step{step("Wait", "tools.wait")},
			canceledAfter(time.Minute, context.DeadlineExceeded),
			engine.Outcome{State: ipaas.ExecutionFailed, Error: &ipaas.ExecutionError{
				Reason: ipaas.ExecutionTimeout, Message: `step "Wait" (tools.wait): the run took longer than it may`, StepID: "wait", StepPath: "wait",
			}},
			[]string{`wait: result null, error "the run took longer than it may", cause &{TIMEOUT   }`},
		},
		{
			"canceled before it began",
			[]ipaas.Step{step("Wait", "tools.wait")},
			canceledAfter(0, nil),
			engine.Outcome{State: ipaas.ExecutionCanceled},
			nil,
		},
		{
			"canceled in a loop",
			[]ipaas.Step{loop("Each", list(ipaas.Literal("x")), step("Wait", "tools.wait"))},
			canceledAfter(time.Minute, nil),
			engine.Outcome{State: ipaas.ExecutionCanceled},
			[]string{
				`each: result null, error "round 0: the run was canceled", canceled, log DEBUG "1 items"`,
				`each[0].wait: result null, error "the run was canceled", canceled`,
			},
		},
		{
			"a step that takes too long",
			[]ipaas.Step{step("Wait", "tools.wait")},
			timeout(time.Hour),
			engine.Outcome{State: ipaas.ExecutionFailed, Error: &ipaas.ExecutionError{
				Reason: ipaas.ExecutionStepFailed, Message: `step "Wait" (tools.wait): it did not end within 5m0s`, StepID: "wait", StepPath: "wait",
			}},
			[]string{`wait: result null, error "it did not end within 5m0s"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
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
				if diff := cmp.Diff(tt.outcome, out); diff != "" {
					t.Errorf("outcome (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.record, h.record()); diff != "" {
					t.Errorf("record (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func timeout(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
}

func canceledAfter(d time.Duration, cause error) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		if d == 0 {
			cancel(cause)
			return ctx, func() {}
		}
		timer := time.AfterFunc(d, func() { cancel(cause) })
		return ctx, func() { timer.Stop(); cancel(nil) }
	}
}

func TestRunInterruptedRecordsNothingMore(t *testing.T) {
	t.Parallel()
	p := compile(t, loop("Each", list(ipaas.Literal("x")), step("Wait", "tools.wait")))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := canceledAfter(time.Minute, fmt.Errorf("the server stops: %w", engine.ErrInterrupted))(t.Context())
		defer cancel()
		h := newRecorder()
		out, err := newEngine().Run(ctx, runOf(p), h)
		if !errors.Is(err, engine.ErrInterrupted) {
			t.Fatalf("outcome %+v, error %v, want ErrInterrupted", out, err)
		}
		if diff := cmp.Diff([]string{"begin each", "decide each", "begin each[0].wait", "call each[0].wait"}, h.journal); diff != "" {
			t.Errorf("host calls (-want +got):\n%s", diff)
		}
	})
}

// everyKind is a flow with all that a run can do: creations, one of them kept, loops in loops, branches, breaks, templates, logs.
func everyKind(t testing.TB, last ipaas.Step) *engine.Program {
	return compile(t,
		step("Create", "acme-erp.createWebhook", "connection", config("Acme"), "url", tmpl("{{#Base URL}}/1")),
		step("Kept", "acme-erp.createWebhook", "connection", config("Acme"), "url", "https://hooks/2", "topic", "inventory"),
		loop("Each", ref("trigger.results.body.data.groups"),
			loop("Inner", ref("each.currentItem"),
				branch("Choose", ref("inner.currentItem"),
					when("b", step("Found", "tools.echo", "text", tmpl("{{$create.results.id}} {{$inner.currentItem}}"))),
					when("c", step("Leave", "loop.breakLoop")),
					when("Else", step("Create Each", "acme-erp.createWebhook", "connection", config("Acme"), "url", tmpl("https://hooks/{{$each.index}}"))),
				),
				step("Say", "tools.echo", "pairs", list(
					ipaas.Input{Kind: ipaas.InputReference, Text: "found.results", Name: "found"},
					ipaas.Input{Kind: ipaas.InputReference, Text: "createEach.results", Name: "created"},
				)),
			)),
		step("Sum", "tools.echo", "list", list(ref("each.results"), ref("kept.results.id"))),
		last,
	)
}

// TestRunResumesFromAnywhere kills a run before and after every call to its host, resumes it with what was recorded, and demands
// the record and the outcome of a run that nobody killed.
func TestRunResumesFromAnywhere(t *testing.T) {
	t.Parallel()
	endings := map[string]ipaas.Step{
		"succeeds": step("Last", "tools.echo", "value", ref("sum.results")),
		"fails":    loop("Last", ref("trigger.results.body.data.groups"), loop("Deep", ref("last.currentItem"), step("Fail", "tools.fail", "message", "no"))),
		"stops":    loop("Last", ref("trigger.results.body.data.groups"), loop("Deep", ref("last.currentItem"), step("Stop", "tools.stop", "body", "done"))),
		"is ignored": handled(loop("Last", ref("trigger.results.body.data.groups"),
			handled(step("Fail", "tools.fail", "message", "no"), ignore()), step("No", "tools.fail", "message", "no")), ignore()),
		"is tried again":     handled(step("Last", "tools.fail", "message", "no"), retry(2, 0)),
		"is created again":   handled(step("Last", "acme-erp.createWebhook", "connection", config("Acme"), "url", "refused"), retry(2, 0)),
		"is decided again":   handled(loop("Last", list(ipaas.Literal("fail")), step("Say", "tools.echo")), retry(1, 0)),
		"is ignored at last": handled(step("Last", "tools.fail", "message", "no"), ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 1, IgnoreFinal: true}),
		"is refused":         step("Last", "acme-erp.createWebhook", "connection", config("Acme"), "url", "refused"),
	}
	for name, last := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := everyKind(t, last)
			whole := newRecorder()
			whole.kept["kept"] = value.Obj(value.Field{Key: "id", Value: "old"})
			out := run(t, whole, p)
			if whole.count < 40 {
				t.Fatalf("only %d host calls: the flow does not do what it should", whole.count)
			}
			for cut := 1; cut <= whole.count; cut++ {
				for _, after := range []bool{false, true} {
					h := killed(t, p, cut, after)
					again, err := newEngine().Run(t.Context(), runOf(p), h)
					if err != nil {
						t.Fatalf("resumed after call %d: %v", cut, err)
					}
					if diff := cmp.Diff(out, again); diff != "" {
						t.Errorf("killed at call %d (after: %t): outcome (-whole +resumed):\n%s", cut, after, diff)
					}
					if diff := cmp.Diff(whole.record(), h.record()); diff != "" {
						t.Errorf("killed at call %d (after: %t): record (-whole +resumed):\n%s", cut, after, diff)
					}
					onceEach(t, h)
				}
			}
		})
	}
}

// killed runs a flow until its process dies at a call to its host, and returns the host as another process would find it.
func killed(t *testing.T, p *engine.Program, cut int, after bool) *recorder {
	t.Helper()
	h := newRecorder()
	h.kept["kept"] = value.Obj(value.Field{Key: "id", Value: "old"})
	h.cut, h.cutAfter = cut, after
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	h.interrupt = cancel
	out, err := newEngine().Run(ctx, runOf(p), h)
	if !errors.Is(err, errCut) && !errors.Is(err, engine.ErrInterrupted) {
		t.Fatalf("killed at call %d: outcome %+v, error %v", cut, out, err)
	}
	if h.count != cut {
		t.Fatalf("killed at call %d, and %d were made: nothing may follow a refusal", cut, h.count)
	}
	h.cut = 0
	return h
}

// onceEach checks that no step that had completed was called again, and none completed twice.
func onceEach(t *testing.T, h *recorder) {
	t.Helper()
	completed := map[string]bool{}
	for _, line := range h.journal {
		verb, path, _ := strings.Cut(line, " ")
		if completed[path] && verb != "begin" {
			t.Errorf("%s, though it had completed", line)
		}
		if verb == "complete" {
			completed[path] = true
		}
	}
}
