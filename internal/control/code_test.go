package control_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/sandbox"
)

// newCodeWorld opens a world that runs code of steps.
func newCodeWorld(t *testing.T) *world {
	t.Helper()
	// Little memory: taking it is slow under the race detector.
	pool, err := sandbox.New(sandbox.Options{Timeout: patience(), Memory: 32 << 20}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.stop()
	w.scripts = pool
	w.start()
	t.Cleanup(func() {
		w.stop()
		pool.Close()
	})
	return w
}

func codeStep(name, code string) ipaas.Step {
	return step(name, "code.runCode", inputs{"code": lit(code)})
}

// coded is an integration whose steps are code.
func coded() ipaas.Definition {
	loop := step("Each", "loop.loopOverItems", inputs{"items": ref("prepare.results.items")})
	loop.Steps = []ipaas.Step{codeStep("Inner", `module.exports = async (context, stepResults) => ({data: [stepResults.each.currentItem, stepResults.each.index]});`)}
	return ipaas.Definition{
		DisplayName:     "Coded",
		ConfigVariables: []ipaas.ConfigVariable{{DisplayName: "Endpoint URL", Required: true}, {DisplayName: "Token", Required: true, Secret: true}},
		Flows: []ipaas.Flow{
			hookFlow("On Order",
				codeStep("Prepare", `module.exports = async ({logger, configVars}, stepResults) => {
					logger.info('token', configVars.Token);
					const {id} = stepResults.trigger.results.body.data;
					return {data: {url: configVars['Endpoint URL'] + '/orders/' + id, id, items: ['a', 'b']}};
				};`),
				loop,
				note("Note", ref("prepare.results")),
				codeStep("Last", `module.exports = async (context, stepResults) => ({data: [
					Object.keys(context.webhookUrls), context.webhookUrls['On Order'] === context.invokeUrl || context.invokeUrl === '', context.customer.id, context.instance.id,
					context.flow.name, context.stepId, typeof context.executionId, stepResults.prepare.results.id, Object.keys(stepResults),
				]});`),
			),
			hookFlow("On Trouble", codeStep("Fail", `module.exports = async ({configVars}) => { throw new Error('refused with ' + configVars.Token); };`)),
			hookFlow("On Greed", codeStep("Take", `const all = []; for (;;) all.push('x'.repeat(5e6) + all.length);`)),
		},
	}
}

// TestCodeRunsInFlows runs code in flows of a deployed instance: it sees config, results, loops and URLs, and gives results to other steps.
func TestCodeRunsInFlows(t *testing.T) {
	t.Parallel()
	w := newCodeWorld(t)
	const token = "canary-code-token-51c7"
	urls := w.deployed("smith", coded(), map[string]string{"Endpoint URL": `"https://erp.example.com"`, "Token": `"` + token + `"`})
	ex := w.succeeded(w.accepted(urls["On Order"], `{"id":12345678901234567890}`))
	results := map[string]string{}
	for _, s := range w.steps(ex.ID) {
		results[s.Path] = s.Result
	}
	for path, want := range map[string]string{
		"prepare":       `{"url":"https://erp.example.com/orders/12345678901234567000","id":12345678901234567890,"items":["a","b"]}`,
		"each[1].inner": `["b",1]`,
		"last":          `[["On Order","On Trouble","On Greed"],true,"cust-smith","smith","On Order","last","string",12345678901234567890,["trigger","prepare","each","note"]]`,
	} {
		if got := results[path]; got != want {
			t.Errorf("step %s has the result\n%s, want\n%s", path, got, want)
		}
	}

	failed := w.ended(w.accepted(urls["On Trouble"], `{}`))
	if failed.State != ipaas.ExecutionFailed || !strings.Contains(failed.Error.Message, "the code failed at line 1") || strings.Contains(failed.Error.Message, token) {
		t.Errorf("code that throws ended %s: %+v", failed.State, failed.Error)
	}
	greedy := w.ended(w.accepted(urls["On Greed"], `{}`))
	if greedy.State != ipaas.ExecutionFailed || !strings.Contains(greedy.Error.Message, "the code used more than 32 MB of memory") {
		t.Errorf("code that takes all memory ended %s: %+v", greedy.State, greedy.Error)
	}
	w.succeeded(w.accepted(urls["On Order"], `{"id":1}`))
	if found := w.leaks(map[string]string{"the token": token}); len(found) > 0 {
		t.Errorf("found in clear: %q", found)
	}
}

// TestCodeIsTested runs the code of a draft, and fails clearly on a server that runs none.
func TestCodeIsTested(t *testing.T) {
	t.Parallel()
	config := map[string]string{"Endpoint URL": `"https://erp.example.com"`, "Token": `"t0ken-of-tests"`}
	payload := &ipaas.TestPayload{Kind: ipaas.BodyJSON, Text: `{"id":1}`}
	run := func(w *world) control.TestResult {
		w.drafted("coded", coded(), config)
		return w.test("coded", "on-order", payload)
	}
	if ex := run(newCodeWorld(t)).Execution; ex.State != ipaas.ExecutionSucceeded {
		t.Errorf("the test ended %s: %+v", ex.State, ex.Error)
	}
	ex := run(newWorld(t)).Execution
	if ex.State != ipaas.ExecutionFailed || !strings.Contains(ex.Error.Message, "this server runs no code") {
		t.Errorf("where no code is run the test ended %s: %+v", ex.State, ex.Error)
	}
}

// TestSecretsAreNotCutInTwo has code put a secret where a text is cut: half of it is not known to be a secret any more.
func TestSecretsAreNotCutInTwo(t *testing.T) {
	t.Parallel()
	w := newCodeWorld(t)
	const token = "canary-code-token-51c7"
	def := ipaas.Definition{
		DisplayName:     "Cut",
		ConfigVariables: []ipaas.ConfigVariable{{DisplayName: "Token", Required: true, Secret: true}},
		Flows: []ipaas.Flow{hookFlow("On Event", codeStep("Fail", `module.exports = async ({logger, configVars}) => {
			logger.info('y'.repeat(4086) + configVars.Token + 'z');
			const name = 'y'.repeat(50) + configVars.Token;
			({[name]() { throw new Error('within'); }})[name]();
		};`))},
	}
	urls := w.deployed("smith", def, map[string]string{"Token": `"` + token + `"`})
	ex := w.ended(w.accepted(urls["On Event"], `{}`))
	logs, err := w.store.ListLogs(t.Context(), ex.ID, 0, 10)
	if err != nil || len(logs) == 0 || ex.Error == nil {
		t.Fatalf("logs %v, %v, and the error %v", logs, err, ex.Error)
	}
	for _, text := range []string{logs[0].Message, ex.Error.Message} {
		if strings.Contains(text, token[:6]) {
			t.Errorf("it shows half a secret: %s", text[max(0, len(text)-200):])
		}
	}
}
