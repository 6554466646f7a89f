package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// outcome holds what a test came to against all that was expected of it.
func (m *matcher) outcome(e *expectation, res *headracev1.TestFlowResponse) {
	ex := res.GetExecution()
	m.state(e, ex)
	m.text("error", e.err, ex.GetError().GetMessage())
	m.json("result", e.result, ex.GetResultJson())
	ran := stepsOf(ex)
	m.ran = ran
	for i := range e.steps {
		m.step(&e.steps[i], ran)
	}
	m.order(e.order, ran)
	if e.all {
		m.requests(e.requests, res.GetExchanges())
	}
	for i := range e.some {
		m.someRequest(fmt.Sprintf("requestsInclude[%d]", i), &e.some[i], res.GetExchanges())
	}
	if e.response != nil {
		m.response(e.response, res.GetResponse())
	}
	for i := range e.logs {
		m.log(fmt.Sprintf("logs[%d]", i), &e.logs[i], ex.GetLogs())
	}
}

// stepsOf returns what steps did, without the trigger.
func stepsOf(ex *headracev1.Execution) []*headracev1.StepResult {
	ran := ex.GetStepResults()
	if len(ran) > 0 && ran[0].GetStepId() == "trigger" {
		ran = ran[1:]
	}
	return ran
}

func (m *matcher) state(e *expectation, ex *headracev1.Execution) {
	want := e.state
	if want == "" {
		want = "SUCCEEDED"
		if e.err.said {
			want = "FAILED"
		}
	}
	got := "NONE"
	if ex != nil {
		got = word(ex.GetState(), "STATE_")
	}
	if want == got {
		return
	}
	if said := ex.GetError().GetMessage(); said != "" {
		got += ": " + said
	}
	m.add("state", want, got)
}

// named reports whether a step result is of the step, or at the path, that a name says.
func named(s *headracev1.StepResult, name string) bool {
	return name == s.GetPath() || name == s.GetStepId() || name == s.GetDisplayName()
}

// at reports whether a path is that of the step, or the path, that a name says.
func (m *matcher) at(path, name string) bool {
	if name == path {
		return true
	}
	for _, s := range m.ran {
		if s.GetPath() == path && named(s, name) {
			return true
		}
	}
	return false
}

func (m *matcher) step(want *stepWant, ran []*headracev1.StepResult) {
	where := join("steps", want.name)
	var found []*headracev1.StepResult
	for _, s := range ran {
		if named(s, want.name) {
			found = append(found, s)
		}
	}
	if want.times != nil && *want.times != len(found) {
		m.add(where+".times", strconv.Itoa(*want.times), strconv.Itoa(len(found)))
	}
	if want.run != nil && *want.run != (len(found) > 0) {
		m.add(where+".run", strconv.FormatBool(*want.run), strconv.FormatBool(len(found) > 0))
	}
	if !want.looks() {
		return
	}
	switch len(found) {
	case 1:
		m.stepResult(where, want, found[0])
	case 0:
		m.add(where, "it ran", "it did not run")
	default:
		m.add(where, "it ran once", fmt.Sprintf("it ran %d times: name one by its path, e.g. %s", len(found), found[0].GetPath()))
	}
}

// looks reports whether anything is expected of what a step did.
func (w *stepWant) looks() bool {
	return w.result.is || w.result.some || w.inputs.is || w.inputs.some || w.err.said || w.branch != nil || w.standIn != nil
}

func (m *matcher) stepResult(where string, want *stepWant, got *headracev1.StepResult) {
	if (want.result.is || want.result.some) && got.GetError() != "" && !want.err.said {
		m.add(where+".error", "", got.GetError())
	}
	m.json(where+".result", want.result, got.GetResultJson())
	m.json(where+".inputs", want.inputs, got.GetInputsJson())
	m.text(where+".error", want.err, got.GetError())
	if want.branch != nil && *want.branch != got.GetBranch() {
		m.add(where+".branch", *want.branch, got.GetBranch())
	}
	if want.standIn != nil && *want.standIn != got.GetStandIn() {
		m.add(where+".standIn", strconv.FormatBool(*want.standIn), strconv.FormatBool(got.GetStandIn()))
	}
}

func (m *matcher) order(want []string, ran []*headracev1.StepResult) {
	if want == nil {
		return
	}
	got := func(i int) string { return fmt.Sprintf("%s (%s)", ran[i].GetDisplayName(), ran[i].GetPath()) }
	same := commonOrder(len(want), len(ran), func(i, j int) bool { return named(ran[j], want[i]) })
	i, j := 0, 0
	for _, next := range append(same, [2]int{len(want), len(ran)}) {
		for ; i < next[0] && j < next[1]; i, j = i+1, j+1 {
			m.add(fmt.Sprintf("order[%d]", i), want[i], got(j))
		}
		for ; i < next[0]; i++ {
			m.add(fmt.Sprintf("order[%d]", i), want[i], "")
		}
		for ; j < next[1]; j++ {
			m.add(fmt.Sprintf("order[%d]", j), "", got(j))
		}
		i, j = next[0]+1, next[1]+1
	}
}

// maxCompared is the most pairs that are looked at for what two orders have in common.
const maxCompared = 4_000_000

// commonOrder returns the pairs of a longest part that two lists have in common, so that one that is missing or too many does not make
// all behind it differ. Of very long lists only what stands at the same place is.
func commonOrder(want, got int, same func(i, j int) bool) (pairs [][2]int) {
	if want*got > maxCompared {
		for i := range min(want, got) {
			if same(i, i) {
				pairs = append(pairs, [2]int{i, i})
			}
		}
		return pairs
	}
	longest := make([][]int, want+1) // from i and j on
	longest[want] = make([]int, got+1)
	for i := want - 1; i >= 0; i-- {
		longest[i] = make([]int, got+1)
		for j := got - 1; j >= 0; j-- {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if same(i, j) {
				longest[i][j] = max(longest[i][j], 1+longest[i+1][j+1])
			}
		}
	}
	for i, j := 0, 0; i < want && j < got; {
		switch {
		case same(i, j) && longest[i][j] == 1+longest[i+1][j+1]:
			pairs = append(pairs, [2]int{i, j})
			i, j = i+1, j+1
		case longest[i][j] == longest[i+1][j]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// requests holds the requests that were made against those that were to be, which are all.
func (m *matcher) requests(want []requestWant, made []*headracev1.Exchange) {
	next := 0
	for i := range want {
		where := fmt.Sprintf("requests[%d]", i)
		times := 1
		if want[i].times != nil {
			times = *want[i].times
		}
		for range times {
			if next >= len(made) {
				m.add(where, want[i].String(), "")
				break
			}
			m.request(where, &want[i], made[next])
			next++
		}
	}
	for ; next < len(made); next++ {
		m.add(fmt.Sprintf("requests[%d]", next), "", m.shownRequest(made[next]))
	}
}

func (w *requestWant) String() string { return strings.TrimSpace(w.method + " " + w.url) }

func (m *matcher) shownRequest(e *headracev1.Exchange) string {
	text := e.GetRequest().GetMethod() + " " + e.GetRequest().GetUrl()
	if e.GetStepPath() != "" {
		text += " of " + e.GetStepPath()
	}
	return text
}

// someRequest looks for a request among those that were made.
func (m *matcher) someRequest(where string, want *requestWant, made []*headracev1.Exchange) {
	count := 0
	var nearest []mismatch
	for _, e := range made {
		one := matcher{urls: m.urls, words: m.words, ran: m.ran}
		one.request(where, want, e)
		if len(one.found) == 0 {
			count++
		} else if nearest == nil || len(one.found) < len(nearest) {
			nearest = one.found
		}
	}
	switch {
	case want.times != nil && count != *want.times:
		m.add(where+".times", strconv.Itoa(*want.times), strconv.Itoa(count))
	case want.times == nil && count == 0 && nearest != nil:
		for _, one := range nearest {
			m.add(one.Where, one.Want, one.Got)
		}
	case want.times == nil && count == 0:
		m.add(where, want.String(), "no request was made")
	}
}

func (m *matcher) request(where string, want *requestWant, made *headracev1.Exchange) {
	got := made.GetRequest()
	if want.method != "" && !strings.EqualFold(want.method, got.GetMethod()) {
		m.add(where+".method", want.method, got.GetMethod())
	}
	if want.url != "" && !m.like(want.url, got.GetUrl()) {
		m.add(where+".url", want.url, got.GetUrl())
	}
	if want.step != "" && !m.at(made.GetStepPath(), want.step) {
		m.add(where+".step", want.step, made.GetStepPath())
	}
	body := got.GetText()
	if b := got.GetBinary(); b != nil {
		body = string(b)
	}
	m.json(where+".json", want.json, body)
	m.text(where+".text", want.text, body)
	m.headers(where+".headers", want.headers, got.GetHeaders())
}

func (m *matcher) headers(where string, want, got map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		is, there := "", false
		for key, text := range got {
			if strings.EqualFold(key, name) {
				is, there = text, true
			}
		}
		if !there || !m.like(want[name], is) {
			m.add(join(where, name), want[name], is)
		}
	}
}

func (m *matcher) response(want *responseWant, got *headracev1.WebhookResponse) {
	if want.status != nil && *want.status != int(got.GetStatus()) {
		m.add("response.status", strconv.Itoa(*want.status), strconv.Itoa(int(got.GetStatus())))
	}
	body := got.GetBody()
	if b := got.GetBodyBytes(); len(b) > 0 {
		body = string(b)
	}
	m.json("response.json", want.json, body)
	m.text("response.text", want.text, body)
	m.headers("response.headers", want.headers, got.GetHeaders())
}

func (m *matcher) log(where string, want *logWant, lines []*headracev1.Log) {
	for _, line := range lines {
		one := matcher{urls: m.urls, words: m.words}
		one.text(where, want.message, line.GetMessage())
		same := want.severity == "" || strings.EqualFold(want.severity, word(line.GetSeverity(), "SEVERITY_"))
		if same && len(one.found) == 0 && (want.step == "" || m.at(line.GetStepPath(), want.step)) {
			return
		}
	}
	wanted := want.message.is + want.message.includes
	if want.severity != "" {
		wanted = want.severity + " " + wanted
	}
	m.add(where, wanted, fmt.Sprintf("none of %s is like that", plural(len(lines), "line")))
}
