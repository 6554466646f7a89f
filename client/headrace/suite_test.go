package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// offline runs the program where there is no server.
func offline(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	args = append([]string{"--server", "127.0.0.1:1"}, args...)
	code = run(t.Context(), args, streams{in: strings.NewReader(""), out: &out, err: &errs})
	return code, out.String(), errs.String()
}

// folder makes a folder of files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The tutorial's own tests.
func TestExample(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := offline(t, "test", "../../examples")
	if code != exitOK || stderr != "" || !strings.Contains(stdout, "all passed") {
		t.Errorf("code %d, printed %s%s", code, stdout, stderr)
	}
}

const tested = `
kind: Integration
id: tested
displayName: Tested
configVariables:
  - {displayName: Hub, type: TYPE_CONNECTION, connectionType: hubSpot.oauth2, required: true}
  - {displayName: Token, secret: true, required: true}
flows:
  - displayName: Far
    synchronous: true
    steps:
      - {displayName: List Pages, action: hubSpot.list, inputs: {hub: {configVariable: Hub}}}
      - displayName: Each Page
        action: loop.loopOverItems
        inputs: {items: {reference: listPages.results}}
        steps:
          - {displayName: Say, action: log.writeLog, inputs: {message: {template: 'page {{$eachPage.currentItem.id}}'}}}
          - {displayName: Post, action: http.httpPost, inputs: {url: {template: 'https://a.example/{{$eachPage.index}}?key={{#Token}}'}, data: {reference: eachPage.currentItem}}}
  - displayName: Wrong
    steps:
      - {displayName: Odd, action: log.writeLog, inputs: {odd: {value: x}}}
`

const testedTests = `
config: {Token: a-token-for-tests}
defaultResult: [{id: 1.50, tags: [a, b]}, {id: 2, tags: []}]
cases:
  - name: as it should be
    flow: Far
    exchanges: [{request: {method: POST, url: 'https://a.example/0?key=a-token-for-tests'}}, {request: {method: POST, url: 'https://a.example/1?key=[redacted]'}}]
    expect:
      error: 'step "Post" (http.httpPost): POST https://a.example/0: the recorded exchange has no answer'
      order: [list-pages, Each Page, 'each-page[0].say', Post]
      steps:
        List Pages: {standIn: true, result: [{tags: [a, b], id: 1.5}, '${any}'], inputs: {hub: {configVariable: hub, type: hubSpot.oauth2}}}
        Say: {times: 1, result: null}
        Post: {standIn: false, inputsInclude: {data: {id: 1.5}}, errorIncludes: no answer}
        'each-page[1].post': {run: false, times: 0}
      requests: [{step: Post, url: 'https://a.example/${any}', jsonIncludes: {tags: [a, b]}}]
      response: {status: 400}
      logs: [{severity: INFO, message: page 1.5, step: say}]
  - name: all of it
    flow: far
    exchanges: exchanges.yaml
    expect:
      requests: [{times: 2, method: post}]
      requestsInclude: [{json: {id: 2, tags: []}, times: 1}, {textIncludes: '"b"'}]
      resultIncludes: [ok, '${any}']
      steps:
        each-page[1].post: {result: {nr: 2}}
      response: {status: 200, json: [ok, {nr: 2}]}
  - name: not run
    flow: Wrong
    expect: {refusedIncludes: has no input "odd"}
`

const testedExchanges = `
- request: {method: POST, url: 'https://a.example/0?key=[redacted]'}
  response: {text: ok}
- request: {method: POST, url: 'https://a.example/1?key=[redacted]', json: {tags: [], id: 2}}
  response: {json: {nr: 2}}
`

func TestSuite(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tested.yaml": tested, "all.test.yaml": testedTests, "exchanges.yaml": testedExchanges, ".hidden/x.test.yaml": "{"})
	code, stdout, stderr := offline(t, "test", dir)
	if code != exitOK || stderr != "" || !strings.Contains(stdout, "3 tests, all passed") {
		t.Errorf("code %d, printed %s%s", code, stdout, stderr)
	}
}

const failing = `
integration: ../tested.yaml
config: {Token: a-token-for-tests}
stepResults: [{action: hubSpot.list, result: [{id: 7, name: "<&>\u0001"}]}]
exchanges: [{request: {method: POST, url: 'https://a.example/0?key=[redacted]'}, response: {json: {a: 1, b: [1, 2], d: 4}}}]
cases:
  - name: wrong in many ways
    flow: Far
    expect:
      result: [{a: 2, b: [1], c: 3}]
      order: [List Pages, Post]
      steps:
        Say: {run: false, branch: Left, inputs: {message: other}}
        'each-page[9].post': {result: 1}
      requests: [{method: PUT, url: 'https://b.example/', json: {id: 8}, headers: {X-None: x}}, {method: GET}]
      requestsInclude: [{json: {id: 9}}, {method: POST, times: 3}]
      response: {status: 201, textIncludes: zzz}
      logs: [{severity: WARN, message: page 7}]
  - {name: refused by itself, flow: Wrong}
  - {name: expected to be refused, flow: Far, expect: {refused: never}}
  - {name: a flow that there is not, flow: Near}
  - {name: another end, flow: Far, expect: {state: CANCELED}}
  - name: steps that there are not
    flow: Far
    expect: {steps: {Sya: {run: false}}, order: [List Pages, Each Pge], requests: [{step: nobody}], logs: [{step: 'each-page[0].sya', message: x}]}
  - {name: a result that is of nothing, flow: Far, stepResults: [{step: Lost, result: 1}]}
`

func TestSuiteThatFails(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tested.yaml": tested, "sub/failing.test.yaml": failing})
	junit := filepath.Join(dir, "junit.xml")
	code, stdout, stderr := offline(t, "test", dir, "--junit", junit)
	if code != exitRefused || !strings.Contains(stderr, "7 of 7 tests failed") {
		t.Errorf("code %d, printed %s", code, stderr)
	}
	for _, want := range []string{
		"result[0].a\n          - 2\n          + 1\n", "result[0].b[1]\n          + 2\n", "result[0].c\n          - 3\n", "result[0].d\n          + 4\n",
		"steps.Say.run\n          - false\n          + true\n", "steps.Say.branch\n          - Left\n", `- "other"`, "steps.each-page[9].post\n          - it ran\n          + it did not run\n",
		"order[1]\n          + Each Page (each-page)\n", "order[2]\n          + Say (each-page[0].say)\n", "FAIL  wrong in many ways  ", "failing.test.yaml:7)\n",
		"requests[0].method\n          - PUT\n          + POST\n", "requests[0].url\n          - https://b.example/\n          + https://a.example/0?key=[redacted]\n",
		"requests[0].json.id\n          - 8\n          + 7\n", "requests[0].headers.X-None\n", "requests[1]\n          - GET\n",
		"requestsInclude[0].json.id\n          - 9\n          + 7\n", "requestsInclude[1].times\n          - 3\n          + 1\n",
		"response.status\n          - 201\n          + 200\n", "- … zzz …", "- WARN page 7\n", `has no input "odd"`, "+ the flow was run", `there is no flow "Near": there are Far, Wrong`,
		"+ \"<&>\\u0001\"\n", "state\n          - CANCELED\n          + SUCCEEDED\n", `"Lost" is neither`,
		"        expect.steps.Sya: flow Far has no step \"Sya\": it has List Pages, Each Page, Say, Post\n        expect.order[1]: flow Far has no step \"Each Pge\"",
		`expect.requests[0].step: flow Far has no step "nobody"`, `expect.logs[0].step: flow Far has no step "each-page[0].sya"`,
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	if strings.Contains(stdout, "a-token-for-tests") {
		t.Errorf("a secret is shown")
	}
	if t.Failed() {
		t.Log(stdout)
	}
	text, err := os.ReadFile(junit)
	if err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got.Tests != 7 || got.Failures != 3 || got.Errors != 4 || len(got.Suites) != 1 || got.Suites[0].Cases[0].Failure == nil || got.Suites[0].Cases[1].Error == nil {
		t.Errorf("JUnit: %s", text)
	}
}

func TestSuiteForPrograms(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tested.yaml": tested, "sub/failing.test.yaml": failing})
	code, stdout, _ := offline(t, "-o", "json", "test", dir, "--run", "^(another|refused)")
	var got struct {
		Suites []suiteResult
		Tests  int
		Failed int
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitRefused {
		t.Fatalf("code %d, printed %s: %v", code, stdout, err)
	}
	if got.Tests != 2 || got.Failed != 2 || got.Suites[0].Cases[1].Mismatches[0] != (mismatch{"state", "CANCELED", "SUCCEEDED"}) || got.Suites[0].Cases[0].Error == "" {
		t.Errorf("printed %+v", got)
	}
}

const forked = `
kind: Integration
id: forked
displayName: Forked
flows:
  - displayName: Fork
    steps:
      - displayName: Which
        action: branch.branchOnValue
        inputs: {inputValue: {reference: trigger.results.body.data}, branchValueMappings: {complex: {items: [{name: Left, value: 1}, {name: Right, value: 2}]}}}
        branches:
          - {name: Left, steps: [{displayName: Go Left, action: log.writeLog, inputs: {message: {value: left}}}]}
          - {name: Right, steps: [{displayName: Go Right, action: log.writeLog, inputs: {message: {value: right}}}]}
          - {name: Else}
  - displayName: Alone
    steps: [{displayName: Say, action: log.writeLog, inputs: {message: {value: alone}}}]
`

// TestSuiteTellsWhatNoTestRan counts all tests of a definition, in whichever files they stand.
func TestSuiteTellsWhatNoTestRan(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"forked.yaml": forked, "a.test.yaml": "cases: [{name: left, flow: Fork, payload: {json: 1}}]", "b.test.yaml": "cases: [{name: else, flow: Fork, payload: {json: 3}}]",
	})
	code, stdout, stderr := offline(t, "test", dir, "--coverage")
	want := filepath.Join(dir, "forked.yaml") + "  2 of 4 steps ran\n  not run  branch Right of step Which of flow Fork\n" +
		"  not run  step Go Right of flow Fork\n  not run  flow Alone\n2 tests, all passed"
	if code != exitOK || !strings.Contains(stdout, want) {
		t.Errorf("code %d, printed %s%s, want %s", code, stdout, stderr, want)
	}
	_, stdout, _ = offline(t, "test", dir, "--coverage", "--run", "left", "-o", "json")
	var got struct{ Coverage []covered }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	missing := []string{"branch Right of step Which of flow Fork", "branch Else of step Which of flow Fork", "step Go Right of flow Fork", "flow Alone"}
	if diff := cmp.Diff([]covered{{File: filepath.Join(dir, "forked.yaml"), Steps: 4, Ran: 2, Missing: missing}}, got.Coverage); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
}

func TestSuitesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		bomb += string(rune('b'+i)) + ": &" + string(rune('b'+i)) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(rune('a'+i))+", ", 10), ", ") + "]\n"
	}
	tests := []struct {
		name  string
		files map[string]string
		says  []string
	}{
		{"nothing there", map[string]string{"a.yaml": tested}, []string{"no test file (*.test.yaml)"}},
		{"no YAML", map[string]string{"a.test.yaml": "{"}, []string{"a.test.yaml is not YAML"}},
		{"empty", map[string]string{"a.test.yaml": "# nothing"}, []string{"holds no test"}},
		{
			"several files",
			map[string]string{"a.test.yaml": "# nothing", "b.test.yaml": "cases: [{name: a, flow: 3}]", "a.yaml": tested},
			[]string{"error: 2 test files are wrong\n", "a.test.yaml holds no test", "b.test.yaml: cases[0].flow: line 1: is 3: give a text"},
		},
		{"no case", map[string]string{"a.test.yaml": "integration: a.yaml"}, []string{"cases: line 1: is not there"}},
		{"a list", map[string]string{"a.test.yaml": "- a"}, []string{"line 1: is a list: give an object with cases, components"}},
		{"no definition", map[string]string{"a.test.yaml": "cases: [{name: a, flow: b}]"}, []string{"there is no definition in"}},
		{"two definitions", map[string]string{"a.test.yaml": "cases: [{name: a, flow: b}]", "a.yaml": tested, "b.yml": "definitionVersion: 7\nname: x"}, []string{"there are several definitions", "b.yml"}},
		{"no integration in it", map[string]string{"a.test.yaml": "integration: c.yaml\ncases: [{name: a, flow: b}]", "c.yaml": "kind: Component\nid: c\ndisplayName: C"}, []string{"c.yaml holds no integration"}},
		{"a file that there is not", map[string]string{"a.test.yaml": "integration: c.yaml\ncases: [{name: a, flow: b}]"}, []string{"c.yaml"}},
		{"a name twice", map[string]string{"a.test.yaml": "cases: [{name: a, flow: b}, {name: a, flow: b}]"}, []string{`cases[1].name: line 1: is "a"`}},
		{
			"wrong in many ways",
			map[string]string{"a.test.yaml": `
colour: blue
config: [x]
components: x
cases:
  - name: 7
    flow: a
    payload: {json: {a: 1}, verb: GET}
    stepResults:
      - {action: a.b, outcome: 1}
    exchanges: [{request: {url: [x]}}]
    expect:
      state: DONE
      error: a
      errorIncludes: b
      steps: {a: {run: perhaps, times: -1, results: 1}}
      order: x
      requests: [{url: 7}]
      response: {status: ok}
`},
			[]string{
				"colour: line 2: is no field here: there are cases, components, config", "config: line 3: is a list: give an object", "components: line 4: is x: give a list",
				"cases[0].name: line 6: is 7: give a text", "cases[0].payload.verb: line 8: is no field here", "cases[0].stepResults[0].outcome: line 10:",
				"cases[0].exchanges[0].request.url: line 11: is a list", "cases[0].expect.state: line 13: is DONE: give one of", "cases[0].expect.errorIncludes: line 15: stands beside",
				"cases[0].expect.steps.a.run: line 16: is perhaps: give true or false", "steps.a.times: line 16: is -1", "steps.a.results: line 16: is no field here: there are branch, error",
				"cases[0].expect.order: line 17: is x: give a list", "requests[0].url: line 18: is 7: give a text", "response.status: line 19: is ok: give a whole number",
			},
		},
		{"a key twice", map[string]string{"a.test.yaml": "cases:\n- {name: a, flow: b, expect: {result: {c: 1,\n  c: 2}}}"}, []string{"cases[0].expect.result: line 3: c stands here a second time"}},
		{"bad exchanges", map[string]string{"a.test.yaml": "cases: [{name: a, flow: b, exchanges: e.yaml}]", "e.yaml": "- {request: {uri: x}}"}, []string{"exchanges[0].request.uri"}},
		{"exchanges of themselves", map[string]string{"a.test.yaml": "cases: [{name: a, flow: b, exchanges: e.yaml}]", "e.yaml": "e.yaml"}, []string{"is no list of exchanges"}},
		{"a bomb", map[string]string{"a.test.yaml": bomb + "cases: [{name: a, flow: b, expect: {result: *j}}]"}, []string{"grows too large"}},
		{"a bomb in the config", map[string]string{"a.test.yaml": bomb + "cases: [{name: a, flow: b, config: {x: *j}}]"}, []string{"grows too large"}},
		{"nested deep", map[string]string{"a.test.yaml": "cases: [{name: a, flow: b, expect: {result: " + strings.Repeat("[", 3000) + strings.Repeat("]", 3000) + "}}]"}, []string{"nested too deep"}},
		{"an alias of itself", map[string]string{"a.test.yaml": "cases: [{name: a, flow: b, expect: {result: &x [*x]}}]"}, []string{"line 1"}},
		{"too many cases", map[string]string{"a.test.yaml": "cases: [" + strings.Repeat("a, ", 1001) + "]"}, []string{"has 1001 items"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := offline(t, "test", folder(t, tt.files))
			if code != exitUsage || stdout != "" {
				t.Errorf("code %d, printed %q", code, stdout)
			}
			for _, want := range tt.says {
				if !strings.Contains(stderr, want) {
					t.Errorf("the error does not say %q:\n%s", want, stderr)
				}
			}
		})
	}
	dir := folder(t, map[string]string{"tested.yaml": tested, "a.test.yaml": "cases: [{name: a, flow: 3}]"})
	if _, _, stderr := offline(t, "test", dir); strings.Contains(stderr, "is not there") {
		t.Errorf("what is there but wrong is said not to be there: %s", stderr)
	}
	dir = folder(t, map[string]string{"tested.yaml": tested, "a.test.yaml": testedTests, "exchanges.yaml": testedExchanges})
	for _, args := range [][]string{{"--run", "("}, {"--run", "none of them"}, {"/nowhere"}} {
		if code, _, stderr := offline(t, append([]string{"test", dir}, args...)...); code != exitUsage {
			t.Errorf("%v: code %d, printed %s", args, code, stderr)
		}
	}
}

// Whatever stands in a test file, reading it ends, in a suite or in an error.
func FuzzSuite(f *testing.F) {
	f.Add(testedTests)
	f.Add(failing)
	f.Add("cases: [{name: a, flow: b, expect: {result: &x [*x], steps: {<<: {a: {}}}}}]")
	a := &app{printer: &printer{}, in: strings.NewReader("")}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSuite(a, filepath.Join(t.TempDir(), "x.test.yaml"), []byte(text))
		if (s == nil) != (err != nil) {
			t.Errorf("read %v and %v", s, err)
		}
	})
}

func TestMatching(t *testing.T) {
	t.Parallel()
	flows := []*headracev1.InstanceFlow{{FlowId: "a-flow", DisplayName: "A Flow", WebhookUrl: "https://h.example/hooks/t0ken"}}
	tests := []struct {
		name, want, got string
		some, same      bool
	}{
		{"numbers by value", `{"a":1.50}`, `{"a":1.5}`, false, true},
		{"long numbers by digits", `12345678901234567890`, `12345678901234567891`, false, false},
		{"a huge exponent", `1e999999999`, `1e999999998`, false, false},
		{"order of keys", `{"a":1,"b":2}`, `{"b":2,"a":1}`, false, true},
		{"one too many", `{"a":1}`, `{"a":1,"b":2}`, false, false},
		{"more than is named", `{"a":{"x":1}}`, `{"a":{"x":1,"y":2},"b":2}`, true, true},
		{"items in their place", `[1,2]`, `[2,1]`, true, false},
		{"one item too many", `[1]`, `[1,2]`, true, false},
		{"null and nothing", `{"a":null}`, `{}`, true, false},
		{"any value", `["${any}","${any}"]`, `[{"a":1},7]`, false, true},
		{"any is not null", `["${any}"]`, `[null]`, false, false},
		{"any part", `"a ${any} c.d"`, `"a b\nb c.d"`, false, true},
		{"no pattern", `"a.c${any}"`, `"abc"`, false, false},
		{"a URL by name", `"${webhookUrls.A Flow}/x"`, `"https://h.example/hooks/t0ken/x"`, false, true},
		{"a URL by id", `["${webhookUrls.a-flow}"]`, `["https://h.example/hooks/t0ken"]`, false, true},
		{"a URL in a URL", `"?u=%24%7BwebhookUrls.a-flow%7D"`, `"?u=https%3A%2F%2Fh.example%2Fhooks%2Ft0ken"`, false, true},
		{"text and number", `"1"`, `1`, false, false},
		{"true and false", `true`, `false`, false, false},
	}
	for _, tt := range tests {
		want, err := parseJSON(tt.want)
		if err != nil {
			t.Fatal(err)
		}
		m := newMatcher(flows)
		m.json("x", valueWant{value: want, includes: want, is: !tt.some, some: tt.some}, tt.got)
		if same := len(m.found) == 0; same != tt.same {
			t.Errorf("%s: the same is %t: %+v", tt.name, same, m.found)
		}
	}
}

// TestFlowTestRecordsNothing says why where that is no wonder, and does not run what it could not record.
func TestFlowTestRecordsNothing(t *testing.T) {
	t.Parallel()
	p := &peer{answers: map[string]any{"TestFlow": &headracev1.TestFlowResponse{Execution: &headracev1.Execution{
		State: headracev1.Execution_STATE_SUCCEEDED, StepResults: []*headracev1.StepResult{{Action: "management-triggers.instanceDeploy"}},
	}}}}
	record := filepath.Join(t.TempDir(), "exchanges.yaml")
	if code, stdout, _ := headrace(t, p, "", "flow", "test", "acme", "init", "--record", record); code != exitOK || !strings.Contains(stdout, "reset the test instance, then record") {
		t.Errorf("code %d, printed %s", code, stdout)
	}
	p = &peer{}
	record = filepath.Join(t.TempDir(), "no", "folder.yaml")
	code, _, stderr := headrace(t, p, "", "flow", "test", "acme", "init", "--record", record)
	if code != exitUsage || len(p.requests) > 0 || !strings.Contains(stderr, "--record: open "+record) {
		t.Errorf("code %d, %d requests, printed %s", code, len(p.requests), stderr)
	}
}

func TestFlowTestRecords(t *testing.T) {
	t.Parallel()
	answer := &headracev1.TestFlowResponse{
		Execution: &headracev1.Execution{Id: "exe-1", State: headracev1.Execution_STATE_SUCCEEDED},
		Exchanges: []*headracev1.Exchange{
			{
				StepPath: "post",
				Request: &headracev1.ExchangeRequest{
					Method: "POST", Url: "https://a.example/?key=[redacted]", Headers: map[string]string{"Accept": "*/*"},
					Body: &headracev1.ExchangeRequest_Text{Text: "{\"n\": 1.50,\n \"url\": \"${webhookUrls.a-flow}\"}"},
				},
				Response: &headracev1.ExchangeResponse{Status: 201, Body: &headracev1.ExchangeResponse_Binary{Binary: []byte{0xff, 0}}},
			},
			{
				Request: &headracev1.ExchangeRequest{Method: "GET", Url: "https://b.example/", Body: &headracev1.ExchangeRequest_Text{}},
				Error:   "it did not answer: 7", Truncated: true,
			},
		},
	}
	p := &peer{answers: map[string]any{"TestFlow": answer}}
	record := filepath.Join(t.TempDir(), "exchanges.yaml")
	answer.Exchanges[0].Request.Headers["Idempotency-Key"] = "another one each time"
	answer.Exchanges[0].Response.Headers = map[string]string{"Date": "Fri, 27 Nov 2026 07:00:00 GMT", "X-Request-Id": "r-1", "Link": "next"}
	code, stdout, stderr := headrace(t, p, "", "flow", "test", "acme", "a-flow", "--record", record)
	if code != exitOK || !strings.HasSuffix(stdout, "recorded  2 exchanges in "+record+"\n") {
		t.Fatalf("code %d, printed %s%s", code, stdout, stderr)
	}
	if text, err := os.ReadFile(record); err != nil || strings.Contains(string(text), "Idempotency-Key") || strings.Contains(string(text), "Date") {
		t.Errorf("recorded %s, %v", text, err)
	}
	delete(answer.Exchanges[0].Request.Headers, "Idempotency-Key")
	delete(answer.Exchanges[0].Response.Headers, "Date")
	delete(answer.Exchanges[0].Response.Headers, "X-Request-Id")
	results := file(t, "results.yaml", "- {step: post, result: {a: 1.50}}\n- {action: a.b, error: no}\n")
	code, _, stderr = headrace(t, p, "", "flow", "test", "acme", "a-flow", "--exchanges", record, "--step-results", results)
	if code != exitOK {
		t.Fatalf("code %d, printed %s", code, stderr)
	}
	want := []*headracev1.TestFlowRequest{
		{IntegrationId: "acme", FlowId: "a-flow", Record: true},
		{
			IntegrationId: "acme", FlowId: "a-flow", Offline: true, Exchanges: answer.GetExchanges(), StepResults: []*headracev1.CannedResult{
				{Target: &headracev1.CannedResult_Step{Step: "post"}, ResultJson: `{"a":1.50}`},
				{Target: &headracev1.CannedResult_Action{Action: "a.b"}, Error: "no"},
			},
		},
	}
	for i, request := range p.asked() {
		if diff := cmp.Diff(want[i], request, protocmp.Transform()); diff != "" {
			t.Errorf("request %d (-want +got):\n%s", i, diff)
		}
	}
	for _, args := range [][]string{{"--exchanges", results}, {"--step-results", file(t, "x.yaml", "a: b")}, {"--exchanges", file(t, "x.yaml", "[{request: {url: 7}}]")}} {
		if code, _, _ := headrace(t, p, "", append([]string{"flow", "test", "acme", "a-flow"}, args...)...); code != exitUsage {
			t.Errorf("%v: code %d", args, code)
		}
	}
}
