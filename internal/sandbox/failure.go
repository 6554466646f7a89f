package sandbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// codeFrame is a call in the code, by the code's own lines.
type codeFrame struct {
	Name   string `json:"name,omitempty"` // of the function; "": it has none
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// maxFrames is how many calls are told of.
const maxFrames = 5

// failed takes what the prelude says of what was thrown.
func (m *machine) failed(text string) {
	m.ended = true
	var e struct {
		Name, Message, Stack, Made, In string
		Causes                         []string
		Item                           int
		Nothing                        bool // null was thrown
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		m.reply = reply{Kind: Broken, Text: err.Error(), Spent: true}
		return
	}
	m.reply = thrown(e.Name, e.Message, e.Stack)
	m.reply.In = e.In
	if f := m.reply.Frames; len(f) > 1 && f[0].Name == e.Made {
		m.reply.Frames = f[1:] // in the constructor of an error of the code's own nothing is wrong
	}
	if len(e.Causes) > 0 {
		m.reply.Text += " (caused by " + strings.Join(e.Causes, "; ") + ")"
	}
	if e.Nothing {
		m.outOfMemory(&m.reply)
	}
	head := exprHead
	if e.In == "" {
		head = codeHead
	} else if e.Item >= 0 && e.In != "compare" {
		m.reply.Text = fmt.Sprintf("item %d: %s", e.Item, m.reply.Text)
	}
	correct(&m.reply, len(head))
}

// outOfMemory says what it means that null was thrown, or that nothing will go on: the engine does that when there is not even memory for
// an error, and scripts may.
func (m *machine) outOfMemory(failed *reply) {
	if m.size == 0 || dataSize()-m.size > m.memory/2 {
		failed.Kind, failed.Text, failed.Frames, failed.Spent = TooMuch, "", nil, true
	}
}

// thrown says what it means that something was thrown.
func thrown(name, message, stack string) reply {
	failed := reply{Kind: Thrown, Name: name, Text: message, Frames: framesOf(stack)}
	if name != "InternalError" {
		return failed
	}
	switch message {
	case "out of memory", "": // there may be none for the message either
		failed.Kind, failed.Text, failed.Spent = TooMuch, "", true
	case "interrupted":
		failed.Kind, failed.Spent = TooLong, true
	case "string too long":
		failed.Kind, failed.Text = TooMuch, "a text grew longer than texts can be (1,073,741,823 characters): work on less at once"
	case "stack overflow":
		failed.Text = "stack overflow: functions call each other without an end, or too deep"
	}
	return failed
}

// framesOf returns the calls of a stack that are in the script, whose lines are "    at name (<eval>:12:5)". What the script made code
// of itself
// has lines of its own, which nobody can look up.
func framesOf(stack string) (frames []codeFrame) {
	for line := range strings.Lines(stack) {
		name, place, ok := strings.Cut(strings.TrimSpace(line), "(<eval>:")
		l, c, ok2 := strings.Cut(strings.TrimSuffix(place, ")"), ":")
		if !ok || !ok2 {
			continue
		}
		f := codeFrame{Name: strings.TrimSpace(strings.TrimPrefix(name, "at"))}
		var err, err2 error
		if f.Line, err = strconv.Atoi(l); err != nil || f.Line >= preludeLine {
			continue
		}
		if f.Column, err2 = strconv.Atoi(c); err2 != nil {
			continue
		}
		if f.Name == "<anonymous>" || f.Name == "<eval>" {
			f.Name = ""
		}
		if frames = append(frames, f); len(frames) > maxFrames {
			break
		}
	}
	return frames
}

// correct takes what we put before the code off places on its first line.
func correct(r *reply, head int) {
	for i := range r.Frames {
		if f := &r.Frames[i]; f.Line == 1 {
			f.Column = max(1, f.Column-head)
		}
	}
}

// unmatched says what it means that the engine stumbles over what we put behind the code.
func unmatched(r *reply, code string) {
	lines := strings.Count(code, "\n") + 1
	if r.Kind != Syntax || len(r.Frames) == 0 || r.Frames[0].Line <= lines {
		return
	}
	last := code[strings.LastIndexByte(code, '\n')+1:]
	r.Frames[0] = codeFrame{Line: lines, Column: len([]rune(last)) + 1}
	r.Text = "the code ends, and its brackets do not match: a ), ] or } is missing, or there is one too many"
}

// describe says what went wrong in words that name the place.
func describe(r reply, script Script) *Failure {
	text := strings.TrimSpace(strings.ToValidUTF8(r.Text, "\ufffd"))
	switch {
	case text == "":
		text = "it threw an error without a message"
		if r.Name != "" && r.Name != "Error" {
			text = "it threw " + r.Name + " without a message"
		}
	case r.Name == "TypeError" && text == "circular reference" && len(r.Frames) == 0:
		text = "its result has itself in it (a circular reference): return what can be written as JSON"
	case r.Name != "" && r.Name != "Error" && r.Name != "InternalError":
		text = r.Name + ": " + text
	}
	subject := "the code"
	if script.Form != Step {
		subject = string(script.Form)
	}
	if r.In != "" {
		subject = "the function " + r.In
	}
	verb := "failed"
	if r.Kind == Syntax {
		verb = "cannot be read"
	}
	f := &Failure{Kind: r.Kind, Message: fmt.Sprintf("%s %s%s: %s", subject, verb, where(r.Frames), text)}
	if len(r.Frames) > 0 {
		f.Line, f.Column = r.Frames[0].Line, r.Frames[0].Column
	}
	return f
}

// where says where in the code something went wrong, and how it came there.
func where(frames []codeFrame) string {
	var b strings.Builder
	for i, f := range frames {
		name := strings.ToValidUTF8(shownName(f.Name), "\ufffd")
		switch {
		case i == maxFrames:
			b.WriteString(", and so on")
			return b.String()
		case i == 0:
			fmt.Fprintf(&b, " at line %d, column %d", f.Line, f.Column)
			if name != "" {
				b.WriteString(" in " + name)
			}
		case name != "":
			fmt.Fprintf(&b, ", called by %s (line %d)", name, f.Line)
		default:
			fmt.Fprintf(&b, ", called at line %d", f.Line)
		}
	}
	return b.String()
}

// shownName returns the name of a function, unless it is too long to be read: such a one is not cut, since there may be a secret in it, and
// half of that would not be known for one.
func shownName(name string) string {
	if utf8.RuneCountInString(name) > 60 {
		return ""
	}
	return name
}
