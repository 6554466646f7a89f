package main

import (
	"bytes"
	"encoding/json"
	"strings"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// shownOutcome writes what a test came to as the expectation of just that, in YAML: to be pasted into the file, and cut down to what
// matters.
func (m *matcher) shownOutcome(res *headracev1.TestFlowResponse) (string, error) {
	w := &objectWriter{}
	ex := res.GetExecution()
	switch state := word(ex.GetState(), "STATE_"); {
	case ex == nil:
		w.text("state", "NONE")
	case ex.GetError().GetMessage() != "":
		w.text("error", ex.GetError().GetMessage())
	case state != "SUCCEEDED":
		w.text("state", state)
	case ex.GetResultJson() != "":
		w.raw("result", ex.GetResultJson())
	}
	ran := stepsOf(ex)
	if ex != nil {
		shownSteps(w, ran)
		shownRequests(w, res.GetExchanges())
	} else if r := res.GetResponse(); r != nil {
		response := &objectWriter{}
		response.number("status", int(r.GetStatus()))
		w.raw("response", response.String())
	}
	expect := &objectWriter{}
	expect.raw("expect", m.urls.Replace(w.String()))
	out, err := jsonToYAML([]byte(expect.String()))
	return string(out), err
}

// shownSteps writes the order of the steps, and what each came to. One is named by path where several have its name.
func shownSteps(w *objectWriter, ran []*headracev1.StepResult) {
	times := map[string]int{}
	for _, s := range ran {
		times[s.GetDisplayName()]++
	}
	order, steps := []string{}, &objectWriter{}
	for _, s := range ran {
		order = append(order, s.GetDisplayName())
		name := s.GetDisplayName()
		if times[name] > 1 {
			name = s.GetPath()
		}
		one := &objectWriter{}
		switch {
		case s.GetError() != "":
			one.text("error", s.GetError())
		case s.GetResultJson() != "":
			one.raw("result", s.GetResultJson())
		}
		if s.GetBranch() != "" {
			one.text("branch", s.GetBranch())
		}
		if one.Len() > 0 {
			steps.raw(name, one.String())
		}
	}
	w.raw("order", encoded(order))
	if steps.Len() > 0 {
		w.raw("steps", steps.String())
	}
}

func shownRequests(w *objectWriter, made []*headracev1.Exchange) {
	requests := []json.RawMessage{}
	for _, e := range made {
		one := &objectWriter{}
		one.text("method", e.GetRequest().GetMethod())
		one.text("url", e.GetRequest().GetUrl())
		switch body := e.GetRequest().GetText(); {
		case body == "" || e.GetTruncated():
		case json.Valid([]byte(body)):
			one.raw("json", body)
		default:
			one.text("text", body)
		}
		requests = append(requests, json.RawMessage(one.String()))
	}
	if len(requests) > 0 {
		w.raw("requests", encoded(requests))
	}
}

// objectWriter writes a JSON object, its fields in the order in which they come.
type objectWriter struct{ fields bytes.Buffer }

func (w *objectWriter) raw(key, text string) {
	if w.fields.Len() > 0 {
		w.fields.WriteByte(',')
	}
	w.fields.WriteString(encoded(key) + ":" + text)
}

func (w *objectWriter) text(key, text string)    { w.raw(key, encoded(text)) }
func (w *objectWriter) number(key string, n int) { w.raw(key, encoded(n)) }

// Len returns how long the fields are.
func (w *objectWriter) Len() int { return w.fields.Len() }

// String returns the object.
func (w *objectWriter) String() string { return "{" + w.fields.String() + "}" }

// shownCase prints what a test came to, below it.
func (p *printer) shownCase(text string) {
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if line != "" {
			p.line("    %s", clean(line))
		}
	}
}
