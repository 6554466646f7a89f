package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// execution prints what happened in an execution: its steps, those in loops below their loop, each with its time, what came of it and
// what went wrong.
func (p *printer) execution(ex *headracev1.Execution) {
	p.executionHead(ex)
	width := 0
	for _, step := range ex.GetStepResults() {
		width = max(width, utf8.RuneCountInString(stepName(step)))
	}
	for _, step := range ex.GetStepResults() {
		p.step(step, width)
	}
	if len(ex.GetLogs()) > 0 {
		p.heading("Log")
		for _, log := range ex.GetLogs() {
			p.log(log)
		}
	}
	p.executionError(ex)
}

// executionHead tells which execution of what it is, and how it stands.
func (p *printer) executionHead(ex *headracev1.Execution) {
	s := executionState(ex)
	head := p.the(clean(ex.GetFlowDisplayName()), bold) + "  " + p.the(s.text, s.style)
	if t := took(ex.GetDuration()); t != "" {
		head += "  " + t
	}
	p.line("%s", head)
	of := "instance " + ex.GetInstanceId()
	if ex.GetTest() {
		of = "test of " + ex.GetIntegrationId()
	}
	about := []string{ex.GetId(), of}
	if at := moment(ex.GetCreateTime()); at != "" {
		about = append(about, at)
	}
	if ex.GetTry() > 1 {
		about = append(about, fmt.Sprintf("try %d", ex.GetTry()))
	}
	for _, link := range []struct{ word, id string }{
		{"retry of", ex.GetRetryOf()},
		{"replay of", ex.GetReplayOf()},
		{"superseded by", ex.GetSupersededBy()},
		{"let in by key", ex.GetFlowKeyId()},
		{"preprocessed by", ex.GetPreprocessedBy()},
		{"routed to", ex.GetRoutedTo()},
		{"order", ex.GetOrderingKey()},
		{"started by", ex.GetInvokedBy()},
		{"for", moment(ex.GetScheduleTime())},
	} {
		if link.id != "" {
			about = append(about, link.word+" "+link.id)
		}
	}
	p.line("%s", p.the(clean(strings.Join(about, " · ")), dim))
}

// executionError prints why an execution failed unless one of its steps has told it.
func (p *printer) executionError(ex *headracev1.Execution) {
	failed := ex.GetError()
	if failed == nil {
		return
	}
	for _, step := range ex.GetStepResults() {
		if step.GetPath() == failed.GetStepPath() && step.GetError() != "" {
			return
		}
	}
	p.line("%s %s", p.the(clean(failed.GetReason()), red), clean(failed.GetMessage()))
}

// step prints one step, its name padded to a width.
func (p *printer) step(step *headracev1.StepResult, width int) {
	mark := cell{"…", yellow}
	switch step.GetState() {
	case headracev1.StepResult_STATE_SUCCEEDED:
		mark = cell{"✓", green}
	case headracev1.StepResult_STATE_FAILED:
		mark = cell{"✗", red}
	default:
	}
	name := stepName(step)
	indent := name[:len(name)-len(strings.TrimLeft(name, " "))]
	line := indent + p.the(mark.text, mark.style) + " " + name[len(indent):] + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(name)))
	if t := took(step.GetDuration()); t != "" {
		line += "  " + p.the(t, dim)
	}
	line += "  " + p.the(clean(step.GetAction()), dim)
	if step.GetTries() > 1 {
		line += p.the(fmt.Sprintf("  %d tries", step.GetTries()), yellow)
	}
	if step.GetIgnored() {
		line += p.the("  ignored", yellow)
	}
	p.line("%s", strings.TrimRight(line, " "))
	if step.GetBranch() != "" {
		p.line("%s    %s %s", indent, p.the("branch", dim), clean(step.GetBranch()))
	}
	if text := stepResult(step); text != "" {
		p.line("%s    %s", indent, p.the(text, dim))
	}
	if step.GetError() != "" {
		p.line("%s    %s", indent, p.the(clean(step.GetError()), red))
	}
}

// stepName is the name of a step, indented by the loops around it and with the round it ran in.
func stepName(step *headracev1.StepResult) string {
	name := clean(step.GetDisplayName())
	if name == "" {
		name = clean(step.GetPath())
	}
	loops := strings.Split(step.GetPath(), ".")
	if len(loops) == 1 {
		return name
	}
	around := loops[len(loops)-2]
	if at := strings.LastIndexByte(around, '['); at >= 0 {
		name = clean(around[at:]) + " " + name
	}
	return strings.Repeat("  ", len(loops)-1) + name
}

func stepResult(step *headracev1.StepResult) string {
	const most = 160
	switch {
	case step.GetPath() == "trigger":
		return triggerBody(step)
	case step.GetError() != "" && step.GetResultJson() == "null":
		return ""
	case step.GetContentType() != "" && step.GetResultJson() != "":
		return clean(step.GetContentType()) + ", base64 " + excerpt(step.GetResultJson(), 40)
	case step.GetResultJson() != "":
		return excerpt(step.GetResultJson(), most)
	case step.GetResult() != nil:
		text, err := messageJSON(step.GetResult())
		if err != nil {
			return err.Error()
		}
		return excerpt(string(text), most)
	}
	return ""
}

// triggerBody is what a trigger brought: of all that is in its result the one thing that differs from call to call.
func triggerBody(step *headracev1.StepResult) string {
	var result struct {
		Body struct {
			Data json.RawMessage `json:"data"`
		} `json:"body"`
	}
	if json.Unmarshal([]byte(step.GetResultJson()), &result) != nil || len(result.Body.Data) == 0 || string(result.Body.Data) == "null" {
		return ""
	}
	return "body " + excerpt(string(result.Body.Data), 155)
}

// excerpt is the beginning of a text, in one line.
func excerpt(text string, most int) string {
	text = clean(text)
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// stepEvent prints a step of an execution that is followed, when it has ended.
func (p *printer) stepEvent(step *headracev1.StepResult) {
	if step.GetState() == headracev1.StepResult_STATE_RUNNING {
		return
	}
	const width = 32 // what comes next is not known yet
	p.step(step, width)
}

// executionEvent prints the beginning and the end of an execution that is followed.
func (p *printer) executionEvent(ex *headracev1.Execution) {
	p.executionHead(ex)
	if failed := ex.GetError(); failed != nil {
		p.line("%s %s", p.the(clean(failed.GetReason()), red), clean(failed.GetMessage()))
	}
}

func (p *printer) log(log *headracev1.Log) {
	s := plain
	switch log.GetSeverity() {
	case headracev1.Log_SEVERITY_WARN:
		s = yellow
	case headracev1.Log_SEVERITY_ERROR:
		s = red
	case headracev1.Log_SEVERITY_DEBUG:
		s = dim
	default:
	}
	at := log.GetCreateTime().AsTime().Format("15:04:05.000")
	p.line("  %s %s %s", p.the(at, dim), p.the(word(log.GetSeverity(), "SEVERITY_"), s), clean(log.GetMessage()))
}
