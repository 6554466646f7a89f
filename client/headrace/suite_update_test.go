package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const updated = `
kind: Integration
id: updated
displayName: Updated
configVariables:
  - {displayName: Token, secret: true, required: true}
flows:
  - displayName: Greet
    synchronous: true
    steps:
      - displayName: Make Greeting
        action: collection-tools.createObject
        inputs: {keyValueInput: {complex: {items: [
          {name: greeting, template: 'Hello, {{$trigger.results.body.data.name}}!'},
          {name: token, configVariable: Token}, {name: url, reference: trigger.results.webhookUrls.Greet}, {name: nr, reference: trigger.results.body.data.nr}]}}}
      - {displayName: Send, action: http.httpPost, inputs: {url: {value: 'https://a.example/in'}, data: {reference: makeGreeting.results}}}
      - {displayName: Answer, action: collection-tools.createObject, inputs: {keyValueInput: {complex: {items: [{name: secret, configVariable: Token}, {name: nr, reference: send.results.nr}]}}}}
`

// updatedBefore expects what does not come, in all ways of YAML; updatedAfter is what has to become of it.
const updatedBefore = `# Of the whole file.
config: {Token: a-token-for-tests}
exchanges: [{request: {method: POST, url: 'https://a.example/in'}, response: {json: {nr: 7}}}]
cases:

  # Of the first.
  - name: all that was written is old
    flow: Greet
    payload: {json: {name: Ada, nr: 1.50}}
    expect:
      order: # of the order
        - Make Greeting   # the first

        # the last
        - answer # by id
      steps:
        Make Greeting:
          times: 2
          result: # of the result
            # by the template
            greeting: "Hi, Ada!"   # in quotes
            url: '${webhookUrls.Greet}'

            token: '${any}'
            gone: 1
            nr: 1.5
        Send: {result: {nr: 6}, inputsInclude: {data: {nr: 1.5}}}
        Answer:
          result: null
      requests:
        - method: PUT
          url: https://a.example/${any}
          jsonIncludes: {nr: 1.5} # says what matters
          headers: {content-type: '${any}'}
        - url: https://a.example/never
      response: {status: 201, json: {secret: '[redacted]', nr: 7.0}}

  - name: what matters is not rewritten
    flow: Greet
    expect:
      steps: {Send: {run: false}}
      resultIncludes: {nr: 8}
  - name: an end that was not expected is not rewritten
    flow: Greet
    exchanges: []
    expect: {result: {nr: 8}}
  - name: what is shared is not rewritten
    flow: Greet
    expect:
      result: &shared {nr: 8}
      steps: {Answer: {result: *shared}}
`

const updatedAfter = `# Of the whole file.
config: {Token: a-token-for-tests}
exchanges: [{request: {method: POST, url: 'https://a.example/in'}, response: {json: {nr: 7}}}]
cases:

  # Of the first.
  - name: all that was written is old
    flow: Greet
    payload: {json: {name: Ada, nr: 1.50}}
    expect:
      order: # of the order
        - Make Greeting # the first
        - Send
        # the last
        - answer # by id
      steps:
        Make Greeting:
          times: 1
          result: # of the result
            # by the template
            greeting: Hello, Ada! # in quotes
            url: '${webhookUrls.Greet}'
            token: '${any}'
            nr: 1.5
        Send: {result: {nr: 7}, inputsInclude: {data: {nr: 1.5}}}
        Answer:
          result: {secret: '[redacted]', nr: 7}
      requests:
        - method: POST
          url: https://a.example/${any}
          jsonIncludes: {nr: 1.5} # says what matters
          headers: {content-type: '${any}'}
      response: {status: 200, json: {secret: '[redacted]', nr: 7.0}}

  - name: what matters is not rewritten
`

// TestUpdate writes what came into a file and finds the rest of it as it was.
func TestUpdate(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"updated.yaml": updated, "all.test.yaml": updatedBefore})
	file := filepath.Join(dir, "all.test.yaml")
	code, stdout, stderr := offline(t, "-o", "json", "test", dir, "--update")
	if code != exitRefused {
		t.Errorf("code %d, printed %s, want the tests to fail that are not rewritten", code, stderr)
	}
	var out struct {
		Suites []struct {
			Cases []struct {
				Name            string
				Passed, Updated bool
				Mismatches      []mismatch
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &out); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	for i, one := range out.Suites[0].Cases {
		if one.Passed != (i == 0) || one.Updated != (i == 0) || len(one.Mismatches) == 0 {
			t.Errorf("%s: passed %t, updated %t, %v", one.Name, one.Passed, one.Updated, one.Mismatches)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(updatedBefore, "  - name: what matters is not rewritten\n")
	if diff := cmp.Diff(strings.Split(updatedAfter+rest, "\n"), strings.Split(string(text), "\n")); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	if _, stdout, _ = offline(t, "test", dir, "--update", "--run", "old"); !strings.Contains(stdout, "1 test, all passed") || strings.Contains(stdout, "  new ") {
		t.Errorf("what is up to date is updated again: %s", stdout)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != string(text) {
		t.Errorf("%v, the file is another one after nothing was to do:\n%s", err, again)
	}
}

// TestUpdateShows tells on a terminal what was written.
func TestUpdateShows(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"updated.yaml": updated, "all.test.yaml": `{"config": {"Token": "a-token-for-tests"},
		"defaultResult": {}, "stepResults": [{"step": "Send", "result": {"nr": 2}}],
		"cases": [{"name": "in JSON", "flow": "Greet", "expect": {"result": {"nr": 1}, "requests": [{"url": "https://a.example/in"}]}}]}`})
	code, stdout, stderr := offline(t, "test", dir, "--update")
	const want = "  new   in JSON  "
	if code != exitOK || !strings.Contains(stdout, want) || !strings.Contains(stdout, "- 1\n") || !strings.Contains(stdout, "+ 2\n") || !strings.Contains(stdout, "all passed, 1 of them updated") {
		t.Errorf("code %d, printed %s%s, want %q and what differed", code, stdout, stderr, want)
	}
	text, err := os.ReadFile(filepath.Join(dir, "all.test.yaml"))
	if err != nil || !strings.Contains(string(text), `"requests": []`) {
		t.Errorf("%v, the file is %s", err, text)
	}
	if err := os.WriteFile(filepath.Join(dir, "all.test.yaml"), []byte(strings.Replace(string(text), "2", "3", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := offline(t, "test", dir, "--update", "--show"); code != exitUsage || !strings.Contains(stderr, "--show") {
		t.Errorf("code %d, printed %s, want one of the two to be refused", code, stderr)
	}
}

// TestUpdateRefuses leaves a file alone that it cannot rewrite, and says so.
func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	const head = "config: {Token: a-token-for-tests}\nstepResults: [{step: Send, result: {nr: 2}}]\ncases:\n- name: one\n  flow: Greet\n  expect:\n    result:\n"
	for name, tt := range map[string]struct {
		value string
		code  int
		want  string
	}{
		"a tag":                 {"      nr: !!int 1\n", exitUsage, "line 8: is written in a way that cannot be replaced"},
		"a text over lines":     {"      nr: one\n        two\n", exitUsage, "line 8: is written in a way that cannot be replaced"},
		"a comment in flow":     {"      { # why\n        one: 1}\n", exitRefused, "1 failed"},
		"what is merged in":     {"      <<: {nr: 1}\n", exitRefused, "1 failed"},
		"what others stand for": {"      nr: &nr 1\n", exitRefused, "1 failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, map[string]string{"updated.yaml": updated, "all.test.yaml": head + tt.value})
			code, stdout, stderr := offline(t, "test", dir, "--update")
			if code != tt.code || !strings.Contains(stdout+stderr, tt.want) {
				t.Errorf("code %d, printed %s%s, want %d and %q", code, stdout, stderr, tt.code, tt.want)
			}
			if text, err := os.ReadFile(filepath.Join(dir, "all.test.yaml")); err != nil || string(text) != head+tt.value {
				t.Errorf("%v, the file is\n%s", err, text)
			}
		})
	}
}

const updatedOld = "config: {Token: a-token-for-tests}\nstepResults: [{step: Send, result: {nr: 2}}]\ncases:\n- name: one\n  flow: Greet\n  expect:\n    result:\n" +
	"      nr: 1 # beside\n      gone: 2\n    order:\n    - Make Greeting\n"

// TestUpdateKeepsLineBreaks writes what it adds with the line breaks that the file has.
func TestUpdateKeepsLineBreaks(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"updated.yaml": updated, "all.test.yaml": strings.ReplaceAll(updatedOld, "\n", "\r\n")})
	if code, stdout, stderr := offline(t, "test", dir, "--update"); code != exitOK {
		t.Fatalf("code %d, printed %s%s", code, stdout, stderr)
	}
	text, err := os.ReadFile(filepath.Join(dir, "all.test.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), "\n") != strings.Count(string(text), "\r\n") || !strings.Contains(string(text), "    - Send\r\n    - Answer\r\n") {
		t.Errorf("the file is %q", text)
	}
}

// TestUpdateLeavesOthersWork writes nothing into a file that may not be written, or that has become another one since it was read.
func TestUpdateLeavesOthersWork(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		meanwhile func(file string) error
		want      string
	}{
		"write protected": {func(file string) error { return os.Chmod(file, 0o400) }, "all.test.yaml is not updated: it is read-only"},
		"edited": {
			func(file string) error { return os.WriteFile(file, []byte(updatedOld+"# more\n"), 0o600) },
			"all.test.yaml is not updated: it was changed while its tests ran",
		},
		"removed": {os.Remove, "all.test.yaml is not updated: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(folder(t, map[string]string{"all.test.yaml": updatedOld}), "all.test.yaml")
			if err := tt.meanwhile(file); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(file)
			err := replaceFile(file, []byte(updatedOld), []byte("new"))
			if err == nil || !strings.Contains(file+" is not updated: "+err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
			if after, _ := os.ReadFile(file); string(after) != string(before) {
				t.Errorf("the file is %q", after)
			}
		})
	}
}
