package control

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/value"
)

// Rehearsal is what a test is given in place of the world. The zero value is nothing: the flow runs as it would.
type Rehearsal struct {
	Results   []ipaas.CannedResult // in place of what actions do
	Default   string               // JSON; what stands in for unknown actions that have no result of their own; "": nothing
	Exchanges []ipaas.Exchange     // that requests are answered from; with some the test is offline
	Offline   bool                 // no request leaves
	Record    bool                 // the requests made are returned with their answers
}

func (r *Rehearsal) offline() bool { return r.Offline || len(r.Exchanges) > 0 }

// supplies reports whether something is to stand in for actions.
func (r *Rehearsal) supplies() bool { return len(r.Results) > 0 || r.Default != "" }

// standIns is what a rehearsal supplies for the actions of one run. Of results for a path, a step and an action the first of these
// counts; those for the same are given call by call, and the last of them for all further calls.
type standIns struct {
	given    map[string]bool // a rehearsal's own results, by what they are for
	fallback *engine.StandIn

	mu    sync.Mutex
	queue map[string][]engine.StandIn
}

// What a result is for, as a key of standIns.
func forPath(path string) string   { return "path " + path }
func forStep(id string) string     { return "step " + id }
func forAction(name string) string { return "action " + name }

// Has implements engine.StandIns.
func (s *standIns) Has(at engine.Step) bool {
	return s.find(at) != "" || at.StandIn && s.fallback != nil
}

func (s *standIns) find(at engine.Step) string {
	for _, key := range []string{forPath(at.Path), forStep(at.ID), forAction(at.Action)} {
		if s.given[key] {
			return key
		}
	}
	return ""
}

// Next implements engine.StandIns.
func (s *standIns) Next(at engine.Step) engine.StandIn {
	key := s.find(at)
	if key == "" {
		return *s.fallback
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.queue[key][0]
	if len(s.queue[key]) > 1 {
		s.queue[key] = s.queue[key][1:]
	}
	return next
}

// newStandIns returns what a rehearsal supplies for a flow, or all that is wrong with it.
func newStandIns(program *engine.Program, flowID string, r *Rehearsal) (*standIns, []ipaas.Violation) {
	s := &standIns{given: map[string]bool{}, queue: map[string][]engine.StandIn{}}
	var wrong []ipaas.Violation
	if r.Default != "" {
		v, err := value.Parse([]byte(r.Default))
		if err != nil {
			wrong = append(wrong, ipaas.Violation{Field: "defaultResult", Reason: ipaas.ReasonMalformed, Description: "is not JSON: " + err.Error()})
		}
		s.fallback = &engine.StandIn{Result: v}
	}
	steps := program.Steps(flowID)
	for i := range r.Results {
		given := &r.Results[i]
		key, bad := place(program, steps, given)
		next := engine.StandIn{Branch: given.Branch, Error: given.Error}
		if given.Result != "" {
			var err error
			if next.Result, err = value.Parse([]byte(given.Result)); err != nil {
				bad = append(bad, ipaas.Violation{Field: "result", Reason: ipaas.ReasonMalformed, Description: "is not JSON: " + err.Error()})
			}
		}
		if given.Error != "" && (given.Result != "" || given.Branch != "") {
			bad = append(bad, ipaas.Violation{Field: "error", Reason: ipaas.ReasonMisplaced, Description: "stands beside a result: a step that fails has none, give one of them"})
		}
		for _, b := range bad {
			b.Field = fmt.Sprintf("stepResults[%d].%s", i, b.Field)
			wrong = append(wrong, b)
		}
		s.given[key] = true
		s.queue[key] = append(s.queue[key], next)
	}
	return s, wrong
}

var stepPath = regexp.MustCompile(`^(?:[a-z0-9-]+(?:\[[0-9]+\])?\.)*([a-z0-9-]+)$`)

// place returns what a canned result is for.
func place(program *engine.Program, steps []engine.Step, given *ipaas.CannedResult) (string, []ipaas.Violation) {
	switch {
	case (given.Action == "") == (given.Step == ""):
		return "", []ipaas.Violation{{Field: "step", Reason: ipaas.ReasonRequired, Description: "is not told, or more than one thing is: give a step or an action that this is the result of"}}
	case given.Action != "":
		if !slices.ContainsFunc(steps, func(s engine.Step) bool { return s.Action == given.Action }) {
			return "", unknownTarget("action", ipaas.ReasonUnknownAction, fmt.Sprintf("%q is an action that no step of the flow runs", given.Action), given.Action,
				names(steps, func(s engine.Step) []string { return []string{s.Action} }))
		}
		return forAction(given.Action), structural(program, "action", given.Action)
	}
	i := findStep(steps, given.Step)
	if i < 0 {
		return "", unknownTarget("step", ipaas.ReasonUnknownStep, fmt.Sprintf("%q is neither the id, the key, the name nor the path of a step of the flow", given.Step), given.Step,
			names(steps, func(s engine.Step) []string { return []string{s.ID, s.DisplayName} }))
	}
	key := forStep(steps[i].ID)
	if strings.ContainsAny(given.Step, "[") && given.Step != steps[i].DisplayName {
		key = forPath(given.Step)
	}
	return key, structural(program, "step", steps[i].Action)
}

func names(steps []engine.Step, of func(engine.Step) []string) []string {
	var out []string
	for _, s := range steps {
		for _, name := range of(s) {
			if name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// findStep returns the place of a step by its id, its name, its key or its path with loop rounds; -1 if there is none.
func findStep(steps []engine.Step, name string) int {
	for _, same := range []func(engine.Step) bool{
		func(s engine.Step) bool { return s.ID == name },
		func(s engine.Step) bool { return s.DisplayName == name },
		func(s engine.Step) bool { return s.Key == name },
	} {
		if i := slices.IndexFunc(steps, same); i >= 0 {
			return i
		}
	}
	found := stepPath.FindStringSubmatch(name)
	if found == nil {
		return -1
	}
	return slices.IndexFunc(steps, func(s engine.Step) bool { return s.ID == found[1] })
}

func unknownTarget(field string, reason ipaas.Reason, what, name string, known []string) []ipaas.Violation {
	wayOut := "it has no steps"
	if meant := ipaas.Nearest(name, known); meant != "" {
		wayOut = fmt.Sprintf("did you mean %q?", meant)
	} else if len(known) > 0 {
		const most = 20
		wayOut = "there are " + strings.Join(known[:min(len(known), most)], ", ")
	}
	return []ipaas.Violation{{Field: field, Reason: reason, Description: what + ": " + wayOut}}
}

func structural(program *engine.Program, field, action string) []ipaas.Violation {
	if !engine.Structural(program.Action(action)) {
		return nil
	}
	return []ipaas.Violation{{
		Field: field, Reason: ipaas.ReasonMisplaced,
		Description: fmt.Sprintf("runs %s, which decides which steps run, and nothing stands in for that: give results for the steps it decides by", action),
	}}
}

// rehearsed makes ready what a rehearsal supplies, and refuses while anything keeps the flow from running all the same.
func (p *Plane) rehearsed(j *job, integration ipaas.Integration, flowID string, r *Rehearsal) error {
	program := j.program
	given, wrong := newStandIns(program, flowID, r)
	if len(wrong) > 0 {
		return ipaas.InvalidArgument("what stands in for steps is not valid", wrong...)
	}
	if problems := program.Obstacles(flowID, given); len(problems) > 0 {
		return draftHasProblems(integration.ID, "tested", problems)
	}
	s, problems := j.settings.Rehearsed(program.Needs(flowID, given))
	if len(problems) > 0 {
		return configIncomplete(j.instance, problems)
	}
	j.settings, j.standIns, j.offline, j.supplied = s, given, r.offline(), r.supplies()
	if r.offline() || r.Record {
		hide, show := p.tapeWords(j)
		j.tape = outbound.NewTape(outbound.TapeOptions{
			Exchanges: exchangesToTape(r.Exchanges), Offline: r.offline(), Record: r.Record, Hide: hide, Show: show,
		})
	}
	return nil
}

// webhookURLWord stands in recorded exchanges for the URL of a flow: it is another one in every instance.
func webhookURLWord(flow string) string { return "${webhookUrls." + flow + "}" }

// tapeWords returns what takes secrets and URLs out of what is recorded, and what puts URLs in again.
func (p *Plane) tapeWords(j *job) (hide, show func(string) string) {
	mask := access.Mask(j.urls)
	var out, in []string
	def := j.program.Definition()
	for i := range def.Flows {
		f := &def.Flows[i]
		full := j.urls[f.ID]
		if full == "" {
			continue
		}
		word := webhookURLWord(f.ID)
		out = append(out, full, word, url.QueryEscape(full), url.QueryEscape(word))
		in = append(in, word, full, url.QueryEscape(word), url.QueryEscape(full), webhookURLWord(f.DisplayName), full)
	}
	hider, shower := strings.NewReplacer(out...), strings.NewReplacer(in...)
	hide = func(text string) string { return mask.Hide(j.settings.Redactor.Text(hider.Replace(text))) }
	show = func(text string) string { return mask.Reveal(shower.Replace(text)) }
	return hide, show
}

func exchangesToTape(exchanges []ipaas.Exchange) []outbound.Exchange {
	out := make([]outbound.Exchange, len(exchanges))
	for i := range exchanges {
		e := &exchanges[i]
		out[i] = outbound.Exchange{
			Method: e.Request.Method, URL: e.Request.URL, RequestBody: e.Request.Body, AnyBody: e.Request.AnyBody, Error: e.Error,
		}
		if r := e.Response; r != nil {
			out[i].Status, out[i].ResponseBody, out[i].ResponseHeader = r.Status, r.Body, map[string][]string{}
			for _, h := range r.Headers {
				out[i].ResponseHeader[h.Name] = append(out[i].ResponseHeader[h.Name], h.Text)
			}
		}
	}
	return out
}

func exchangesFromTape(made []outbound.Exchange) []ipaas.Exchange {
	out := make([]ipaas.Exchange, len(made))
	for i := range made {
		e := &made[i]
		out[i] = ipaas.Exchange{
			StepPath: e.Label, Error: e.Error, Truncated: e.Truncated,
			Request: ipaas.ExchangeRequest{Method: e.Method, URL: e.URL, Headers: headerTexts(e.RequestHeader), Body: e.RequestBody},
		}
		if e.Status != 0 {
			out[i].Response = &ipaas.Response{Status: e.Status, Headers: headerTexts(e.ResponseHeader), Body: e.ResponseBody}
		}
	}
	return out
}

// headerTexts returns the headers of a message, sorted by name.
func headerTexts(header map[string][]string) []ipaas.NamedText {
	var out []ipaas.NamedText
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, text := range header[name] {
			out = append(out, ipaas.NamedText{Name: name, Text: text})
		}
	}
	return out
}
