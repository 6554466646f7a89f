package control_test

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// TestWhatAnExecutionWritesIsBounded has loops write what comes in, 50 KB, in every round: as results, as errors that are ignored, and
// as items of loops in loops. Each ends soon after the bound, and says so.
func TestWhatAnExecutionWritesIsBounded(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	body := tmpl("{{$trigger.results.body.data.text}}")
	rounds := lit([]any{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
	each := func(name string, items ipaas.Input, steps ...ipaas.Step) ipaas.Step {
		s := step(name, "loop.loopOverItems", inputs{"items": items})
		s.Steps = steps
		return s
	}
	log := step("Log", "log.writeLog", inputs{"message": body})
	tests := map[string]ipaas.Step{
		"results": each("Each", rounds, note("Write", body), note("Small", lit("x"))),
		"errors":  each("Each", rounds, ignored(step("Write", "probe.fail", inputs{"value": body})), note("Small", lit("x"))),
		"ignored": ignored(each("Each", rounds, ignored(note("Write", body)), note("Small", lit("x")))),
		"logs":    each("Each", rounds, each("Inner", rounds, log)),
		"items":   each("Each", rounds, each("Write", ref("trigger.results.body.data.list"), note("Small", lit("x")), step("Break", "loop.breakLoop", nil))),
	}
	payload := `{"text": "` + strings.Repeat("x", 50_000) + `", "list": ["` + strings.Repeat("y", 100_000) + `"]}`
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, control.Limits{MaxHistory: most})
			flow := hookFlow("Fill", s, note("After", lit("after")))
			flow.Retry = &ipaas.Retry{MaxAttempts: 1}
			hook := w.deployed("fill", ipaas.Definition{DisplayName: "Fill", Flows: []ipaas.Flow{flow}}, nil)["Fill"]
			ex := w.ended(w.accepted(hook, payload))
			if ex.State != ipaas.ExecutionFailed || ex.Error.Reason != ipaas.ExecutionTooLarge ||
				!strings.Contains(ex.Error.Message, "larger than 1 MiB: let steps give and log less, or split the work") || ex.Error.StepPath == "" {
				t.Fatalf("it ends %s, %+v", ex.State, ex.Error)
			}
			if all := must[storage.Page[ipaas.Execution]](t)(w.store.ListExecutions(t.Context(), storage.Query{Size: 9})); len(all.Items) != 1 {
				t.Errorf("there are %d executions: it is tried again", len(all.Items))
			}
			written := 0
			for _, s := range w.steps(ex.ID) {
				if s.State == ipaas.StepRunning {
					t.Errorf("step %s has no end", s.Path)
				}
				written += len(s.Inputs) + len(s.Result) + len(s.Exact) + len(s.Error)
			}
			if written > most*11/10 || name != "logs" && written < most/2 {
				t.Errorf("its steps have %d bytes, want about %d", written, most)
			}
		})
	}
}

// TestWhatAnExecutionWroteCountsAfterACrash has an execution write a good half of what it may, twice, with a crash between.
func TestWhatAnExecutionWroteCountsAfterACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{MaxHistory: 1 << 20})
	text := ref("trigger.results.body.data.text")
	hook := w.deployed("fill", ipaas.Definition{DisplayName: "Fill", Flows: []ipaas.Flow{hookFlow("Fill",
		note("First", text), step("Wait", "probe.wait", inputs{"value": lit("gate")}), note("Second", text),
	)}}, nil)["Fill"]
	id := w.accepted(hook, `{"text": "`+strings.Repeat("x", 200_000)+`"}`)
	<-w.probe.gate("gate").reached
	twin := w.crashCopy()
	twin.start()
	twin.probe.gate("gate").pass()
	if ex := twin.ended(id); ex.State != ipaas.ExecutionFailed || ex.Error.Reason != ipaas.ExecutionTooLarge || ex.Error.StepID != "second" {
		t.Errorf("it ends %s, %+v", ex.State, ex.Error)
	}
}
