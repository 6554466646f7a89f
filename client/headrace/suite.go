package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/internal/sandbox"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
	"github.com/headrace/headrace/server/assembly"
)

// testCmd runs the tests of flows that stand in files, without a server: each on a Headrace of its own in this process, which no
// request leaves.
type testCmd struct {
	Path   []string      `arg:"" optional:"" help:"Test files, or folders with *.test.yaml in them. Default: this folder."`
	Only   string        `name:"run" help:"Only the tests whose names match this expression." placeholder:"REGEX"`
	Update bool          `help:"Rewrite expectations in the test files that differ from what came." xor:"how"`
	Cover  bool          `name:"coverage" help:"Tell which flows, steps and branches no test ran."`
	Show   bool          `help:"Print what each test came to, as an expectation for its file." xor:"how"`
	JUnit  string        `name:"junit" help:"Write the results as JUnit XML, too." placeholder:"FILE"`
	Limit  time.Duration `name:"case-timeout" help:"Longest time one test may take." default:"1m" placeholder:"DURATION"`
}

// testsFailed says that tests failed: everything about them has been printed.
type testsFailed struct{ failed, all int }

func (e *testsFailed) Error() string {
	return fmt.Sprintf("%d of %s failed", e.failed, plural(e.all, "test"))
}

// suiteResult is what the tests of a file came to.
type suiteResult struct {
	File  string       `json:"file"`
	Cases []caseResult `json:"cases"`
	took  time.Duration

	updating error // why the file could not be updated
}

// caseResult is what one test came to.
type caseResult struct {
	Name       string     `json:"name"`
	Flow       string     `json:"flow"`
	Line       int        `json:"line"` // of the file
	Passed     bool       `json:"passed"`
	Error      string     `json:"error,omitempty"` // why it could not be run
	Mismatches []mismatch `json:"mismatches"`
	Shown      string     `json:"shown,omitempty"` // what it came to, as YAML
	Seconds    float64    `json:"seconds"`
	Updated    bool       `json:"updated,omitempty"` // the file says now what came; the mismatches are those of before

	res   *headracev1.TestFlowResponse // kept for an update; nil where nothing was run
	flows []*headracev1.InstanceFlow
}

// Run carries out the command.
func (c *testCmd) Run(ctx context.Context, a *app) error {
	begin := time.Now()
	suites, err := c.suites(a)
	if err != nil {
		return err
	}
	definitions, err := definitionsOf(a, suites)
	if err != nil {
		return err
	}
	// The code of steps runs as it does in a server. Where one test ran another runs: no test has secrets that are any.
	scripts, err := sandbox.New(sandbox.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer scripts.Close()
	bench := &workbench{definitions: definitions, scripts: scripts}
	if c.Cover {
		bench.coverage = &coverage{}
	}
	results, err := c.runSuites(ctx, a, suites, bench)
	if err != nil {
		return err
	}
	if c.JUnit != "" {
		if err := writeJUnit(c.JUnit, results); err != nil {
			return err
		}
	}
	sum := tally(results)
	if err := c.sum(a, results, bench.coverage.report(), sum, time.Since(begin)); err != nil {
		return err
	}
	if sum.failed > 0 {
		return &testsFailed{failed: sum.failed, all: sum.all}
	}
	return ctx.Err()
}

// suites reads all test files before anything runs.
func (c *testCmd) suites(a *app) ([]*suite, error) {
	only, err := regexp.Compile(c.Only)
	if err != nil {
		return nil, usage("--run: %v", err)
	}
	paths := c.Path
	if len(paths) == 0 {
		paths = []string{"."}
	}
	files, err := suiteFiles(paths)
	if err != nil {
		return nil, err
	}
	var out []*suite
	var wrong []error
	for _, file := range files {
		s, err := readSuite(a, file)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		var chosen []testCase
		for _, one := range s.cases {
			if only.MatchString(one.name) {
				chosen = append(chosen, one)
			}
		}
		if s.cases = chosen; len(chosen) > 0 {
			out = append(out, s)
		}
	}
	if len(wrong) > 0 {
		return nil, together(wrong)
	}
	if len(out) == 0 {
		return nil, usage("no test is named like %q", c.Only)
	}
	return out, nil
}

// together is what is wrong with all test files, each mistake with its file.
func together(wrong []error) error {
	if len(wrong) == 1 {
		return wrong[0]
	}
	all := &usageError{message: plural(len(wrong), "test file") + " are wrong"}
	for _, err := range wrong {
		var one *usageError
		if !errors.As(err, &one) || len(one.violations) == 0 {
			all.violations = append(all.violations, client.Violation{Description: err.Error()})
			continue
		}
		for _, v := range one.violations {
			v.Field = strings.TrimSuffix(one.file+": "+v.Field, ": ")
			all.violations = append(all.violations, v)
		}
	}
	return all
}

// workbench is what all tests have in common.
type workbench struct {
	definitions map[string]*definitionFile
	scripts     *sandbox.Pool
	coverage    *coverage // nil: nobody asks
}

// definitionsOf reads the definitions and components that suites name, by file.
func definitionsOf(a *app, suites []*suite) (map[string]*definitionFile, error) {
	out := map[string]*definitionFile{}
	for _, s := range suites {
		for _, name := range append([]string{s.integration}, s.components...) {
			if out[name] != nil {
				continue
			}
			d, err := readDefinition(a, name)
			if err != nil {
				return nil, err
			}
			out[name] = d
		}
		if out[s.integration].definition == "" {
			return nil, usage("%s holds no integration: name the file of one in %s", s.integration, s.file)
		}
	}
	return out, nil
}

// runSuites runs suites side by side, those of one definition one after the other, and prints them in their order.
func (c *testCmd) runSuites(ctx context.Context, a *app, suites []*suite, bench *workbench) ([]suiteResult, error) {
	results := make([]suiteResult, len(suites))
	done := make([]chan struct{}, len(suites))
	for i := range done {
		done[i] = make(chan struct{})
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, max(runtime.GOMAXPROCS(0), 1))
	for _, group := range grouped(suites) {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			for _, i := range group {
				results[i] = c.runSuite(ctx, a, suites[i], bench)
				close(done[i])
			}
		})
	}
	for i := range suites {
		<-done[i]
		if a.format == "table" {
			a.suite(results[i])
		}
		if err := results[i].updating; err != nil {
			return nil, err
		}
	}
	return results, nil
}

// grouped returns the places of suites by the definition they test: those of one run one after the other.
func grouped(suites []*suite) [][]int {
	var out [][]int
	at := map[string]int{}
	for i, s := range suites {
		g, ok := at[s.integration]
		if !ok {
			g = len(out)
			at[s.integration] = g
			out = append(out, nil)
		}
		out[g] = append(out[g], i)
	}
	return out
}

// runSuite runs the tests of a file, one after the other.
func (c *testCmd) runSuite(ctx context.Context, a *app, s *suite, bench *workbench) suiteResult {
	begin := time.Now()
	out := suiteResult{File: s.file}
	for i := range s.cases {
		start := time.Now()
		one := caseResult{Name: s.cases[i].name, Flow: s.cases[i].flow, Line: s.cases[i].line, Mismatches: []mismatch{}}
		found, err := c.runCase(ctx, s, &s.cases[i], bench, &one)
		one.Mismatches = append(one.Mismatches, found...)
		if err != nil {
			one.Error = wholly(err)
		}
		one.Passed = err == nil && len(found) == 0
		one.Seconds = time.Since(start).Seconds()
		out.Cases = append(out.Cases, one)
	}
	if c.Update {
		out.updating = s.update(a, out.Cases)
	}
	out.took = time.Since(begin)
	return out
}

// wholly is an error with all that it says, in one text.
func wholly(err error) string {
	lines := []string{message(err)}
	for _, v := range client.Violations(err) {
		if !strings.Contains(lines[0], v.Description) {
			lines = append(lines, strings.TrimPrefix(v.Field+": ", ": ")+v.Description)
		}
	}
	return strings.Join(lines, "\n")
}

// runCase runs one test on a Headrace of its own, so that no test sees what another one did.
func (c *testCmd) runCase(ctx context.Context, s *suite, one *testCase, bench *workbench, into *caseResult) (_ []mismatch, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	offline, err := assembly.OpenOffline(ctx, bench.scripts)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := offline.Close(); err == nil {
			err = closing
		}
	}()
	stage := &stage{client: client.Over(offline.Conn())}
	if err := stage.build(ctx, s, bench.definitions); err != nil {
		return nil, err
	}
	if err := stage.configure(ctx, one); err != nil {
		return nil, err
	}
	flowID, err := stage.flow(one.flow)
	if err != nil {
		return nil, err
	}
	steps, err := stage.steps(ctx, flowID)
	if err != nil {
		return nil, err
	}
	if err := steps.knows(one.flow, &one.expect); err != nil {
		return nil, err
	}
	shared := steps.about(one.shared)
	res, err := stage.client.TestFlow(ctx, stage.integration, flowID, client.TestOptions{
		Payload: one.payload, StepResults: append(shared, one.results...), DefaultResult: one.defaultResult, Exchanges: one.exchanges, Offline: true, Record: true,
	})
	m := newMatcher(stage.instance.GetFlows())
	if one.expect.refused.said {
		if err == nil {
			m.add("refused", one.expect.refused.is+one.expect.refused.includes, "the flow was run")
			return m.found, nil
		}
		m.text("refused", one.expect.refused, wholly(err))
		return m.found, nil
	}
	if client.ReasonOf(err) == "CONFIG_INCOMPLETE" {
		return nil, &located{where: "config", err: err} // the word that sets it in the file
	}
	if err != nil {
		return nil, err
	}
	if err := bench.coverage.add(ctx, s.integration, stage, res.GetExecution()); err != nil {
		return nil, err
	}
	m.outcome(&one.expect, res)
	if c.Update {
		into.res, into.flows = res, stage.instance.GetFlows()
	}
	if c.Show {
		into.Shown, err = m.shownOutcome(res)
	}
	return m.found, err
}
