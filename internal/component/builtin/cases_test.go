package builtin_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/leaktest"
	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/value"
)

// actionCase is one thing that an action must do. Inputs and result are JSON, so that a case reads as what a person would enter and see;
// an input that is not JSON is given as a value.
type actionCase struct {
	action string         // component.action
	name   string         // what it shows
	in     string         // the inputs as a JSON object
	with   map[string]any // further inputs, as values
	want   string         // the result as JSON
	is     any            // the result as a value, where JSON cannot say it
	fails  string         // a part of the error
}

// covered is the tests that have run an action, by its name. What they are is written down in testdata/action_tests.txt, out of which
// the page of actions is made; so that page cannot name a test that does not run the action.
var covered = struct {
	sync.Mutex
	tests map[string]map[string]bool
}{tests: map[string]map[string]bool{}}

// cover notes that a test runs an action: the test, and the part of it that is named after the action.
func cover(t *testing.T, action string) {
	t.Helper()
	test, rest, _ := strings.Cut(t.Name(), "/")
	_, key, _ := strings.Cut(action, ".")
	if part, _, _ := strings.Cut(rest, "/"); part == key {
		test += "/" + part
	}
	covered.Lock()
	defer covered.Unlock()
	if covered.tests[action] == nil {
		covered.tests[action] = map[string]bool{}
	}
	covered.tests[action][test] = true
}

// runCases runs the cases of a component, each as a subtest named after its action and what it shows.
func runCases(t *testing.T, cases []actionCase) {
	t.Helper()
	for _, c := range cases {
		_, key, _ := strings.Cut(c.action, ".")
		t.Run(key+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			result, err := run(t, c.action, caseInputs(t, c))
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("%s ended with %v and the result %v, want an error with %q", c.action, err, result.Data, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", c.action, err)
			}
			want := c.is
			if c.want != "" {
				if want, err = value.Parse([]byte(c.want)); err != nil {
					t.Fatalf("the case wants %q, which is not JSON: %v", c.want, err)
				}
			}
			got, err := value.FromGo(result.Data)
			if err != nil {
				t.Fatalf("%s gave a result that is no value: %v", c.action, err)
			}
			if diff := cmp.Diff(string(value.Encode(want)), string(value.Encode(got))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.action, diff)
			}
		})
	}
}

func caseInputs(t *testing.T, c actionCase) map[string]any {
	t.Helper()
	in := map[string]any{}
	if c.in != "" {
		parsed, err := value.Parse([]byte(c.in))
		if err != nil {
			t.Fatalf("the inputs %q are not JSON: %v", c.in, err)
		}
		o, ok := parsed.(*value.Object)
		if !ok {
			t.Fatalf("the inputs %q are no object", c.in)
		}
		for key, v := range o.All() {
			in[key] = v
		}
	}
	for key, v := range c.with {
		in[key] = v
	}
	return in
}

// actionNamed returns a built-in action for a test that runs it.
func actionNamed(t *testing.T, name string) *component.Action {
	t.Helper()
	_, action := registry().Action(name)
	if action == nil {
		t.Fatalf("there is no action %s", name)
	}
	cover(t, name)
	return action
}

// caseTime is what the clock says when a case runs.
var caseTime = time.Date(2026, 1, 31, 12, 30, 15, 678_900_000, time.UTC)

// run runs an action as the engine does: with its inputs checked and defaults filled in.
func run(t *testing.T, name string, in map[string]any) (component.Result, error) {
	t.Helper()
	action := actionNamed(t, name)
	inputs, wrong := component.Resolve(action.Inputs, in)
	if len(wrong) > 0 {
		return component.Result{}, fmt.Errorf("%s %s", wrong[0].Field, wrong[0].Description)
	}
	call := component.Call{Inputs: inputs, Log: func(ipaas.Severity, string) {}, Now: caseTime, Scripts: scripts(t)}
	if action.Items != nil {
		items, err := action.Items(context.Background(), call)
		return component.Result{Data: items}, err
	}
	return action.Perform(context.Background(), call)
}

// TestMain refuses a built-in action that no test has run, and goroutines that tests leave behind.
func TestMain(m *testing.M) {
	sandbox.Main()
	flag.Parse()
	code := m.Run()
	closeScripts()
	if all := !slices.ContainsFunc(os.Args, func(arg string) bool {
		return strings.HasPrefix(arg, "-test.run") || strings.HasPrefix(arg, "-test.skip") || strings.HasPrefix(arg, "-test.fuzz=") || strings.HasPrefix(arg, "-test.bench") || strings.HasPrefix(arg, "-test.list")
	}); all && code == 0 {
		code = uncovered()
	}
	if err := leaktest.Await(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// actionTests is where the tests of each action are written down.
const actionTests = "testdata/action_tests.txt"

var update = flag.Bool("update", false, "write down which tests run which action")

// uncovered names the actions that no test has run, and fails where other tests than those written down run one.
func uncovered() int {
	code := 0
	var lines strings.Builder
	for _, c := range registry().All() {
		for i := range c.Actions {
			name := c.ID + "." + c.Actions[i].Key
			tests := slices.Sorted(maps.Keys(covered.tests[name]))
			if len(tests) == 0 {
				fmt.Fprintf(os.Stderr, "no test runs the action %s: give it a case\n", name)
				code = 1
			}
			fmt.Fprintln(&lines, name, strings.Join(tests, " "))
		}
	}
	if *update {
		if err := os.WriteFile(actionTests, []byte(lines.String()), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	written, err := os.ReadFile(actionTests)
	if err != nil || string(written) != lines.String() {
		fmt.Fprintf(os.Stderr, "%s does not say which tests run which action (%v): go test ./internal/component/builtin -update, then make generate\n", actionTests, err)
		code = 1
	}
	return code
}
