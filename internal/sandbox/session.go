package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/value"
)

// session is what the program knows of a run that is under way.
type session struct {
	script Script
	exact  exact
	size   int // bytes of values that it was given
	lines  int // of its log
	asked  map[string]bool
	err    error // of Fetch
}

// newSession makes a request of a script.
func newSession(script Script) (*session, request, error) {
	s := &session{script: script, asked: map[string]bool{}}
	r := request{
		Form: script.Form, Code: script.Code, Functions: script.Functions, Steps: script.Steps, Trigger: script.Trigger, States: script.States,
	}
	size := len(script.Code)
	for _, f := range script.Functions {
		size += len(f.Code)
	}
	if size > MaxCode {
		return nil, r, failf(TooMuch, "the code is longer than %s: shorten it", megabytes(MaxCode))
	}
	for _, v := range script.Values {
		text, err := s.encode(v.Value)
		if err != nil {
			return nil, r, err
		}
		r.Values = append(r.Values, valueText{Name: v.Name, Text: string(text)})
	}
	return s, r, nil
}

// encode makes of a value what goes over the pipe.
func (s *session) encode(v any) ([]byte, error) {
	s.exact.note(v)
	text := value.Encode(v)
	if s.size += len(text); s.size > MaxInput {
		return nil, failf(TooMuch, "the code is given, or looks at, more than %s of values: let it look at less", megabytes(MaxInput))
	}
	return text, nil
}

// answer fetches what the script looks at. It looks at each thing once: the prelude keeps it.
func (s *session) answer(ctx context.Context, name string) ([]byte, error) {
	kind, key, _ := strings.Cut(name, "/")
	known := kind == "step" && slices.Contains(s.script.Steps, key) || kind == "state" && slices.Contains(s.script.States, key)
	if !known || s.asked[name] || s.script.Fetch == nil {
		return nil, fmt.Errorf("it asks for %q", name)
	}
	s.asked[name] = true
	v, err := s.script.Fetch(ctx, name)
	if err != nil {
		s.err = err
		return nil, err
	}
	text, err := s.encode(v)
	if err != nil {
		s.err = err
	}
	return text, err
}

var levels = map[byte]Level{'d': Debug, 'i': Info, 'w': Warn, 'e': Error}

func (s *session) log(letter byte, message string) {
	level, ok := levels[letter]
	if s.lines++; !ok || s.script.Log == nil || s.lines > MaxLogs {
		return
	}
	s.script.Log(level, cutLine(strings.ToValidUTF8(message, "\ufffd")))
}

// result reads a reply.
func (p *Pool) result(r reply, s *session, timeout time.Duration) (Result, error) {
	switch {
	case r.Kind == TooLong:
		return Result{}, p.tooLong(timeout)
	case r.Kind == TooMuch && r.Text == "" || r.Kind == TooMuch && r.Text == "out of memory":
		return Result{}, p.tooMuch()
	case r.Kind != "":
		return Result{}, describe(r, s.script)
	}
	if err := tooMany(r.Result); err != nil {
		return Result{}, err
	}
	decoded, err := value.Decode([]byte(r.Result))
	if err != nil {
		return Result{}, failf(Thrown, "the code's result is no value: %v", err)
	}
	o, ok := decoded.(*value.Object)
	if !ok {
		return Result{}, failf(Thrown, "the code left %s where its result was to be: it changes what all objects share", value.Kind(decoded))
	}
	return s.result(o)
}

// tooMany refuses results of so many small values that reading them would take many times the memory of the text.
func tooMany(text string) error {
	n := strings.Count(text, ",") + strings.Count(text, "[") + strings.Count(text, "{")
	if len(text) > MaxOutput || n > MaxValues {
		return failf(TooMuch, "the code's result is larger than %s or has more than %d values in it: return less", megabytes(MaxOutput), MaxValues)
	}
	return nil
}

func (s *session) result(o *value.Object) (Result, error) {
	if failed, _ := o.Get("failed"); failed == true {
		reason, _ := o.Get("error")
		if value.Text(reason) == "" {
			reason = "it returned failed: true, and no error"
		}
		return Result{}, failf(Thrown, "the code says that it failed: %s", value.Text(reason))
	}
	data, _ := o.Get("data")
	branch, _ := o.Get("branch")
	result := Result{}
	var err error
	if result.Data, err = s.take(data); err != nil {
		return Result{}, failf(Thrown, "the code's result is no value: %v", err)
	}
	result.Branch, _ = branch.(string)
	states, _ := o.Get("states")
	list, _ := states.([]any)
	for _, item := range list {
		change, err := s.change(item)
		if err != nil {
			return Result{}, err
		}
		result.State = append(result.State, change)
	}
	return result, nil
}

func (s *session) change(item any) (Change, error) {
	o, _ := item.(*value.Object)
	name, _ := o.Get("state")
	key, _ := o.Get("key")
	removed, _ := o.Get("removed")
	v, _ := o.Get("value")
	c := Change{State: value.Text(name), Key: value.Text(key), Removed: removed == true}
	if !slices.Contains(s.script.States, c.State) {
		return c, failf(Broken, "the code's process changes %q, which is none of what flows keep", c.State)
	}
	var err error
	if c.Value, err = s.take(v); err != nil {
		return c, failf(Thrown, "the code sets %s.%s to what is no value: %v", c.State, c.Key, err)
	}
	return c, nil
}

// take checks a value that came out of a process, and gives its numbers their digits back.
func (s *session) take(v any) (any, error) {
	checked, err := value.FromGo(v)
	if err != nil {
		return nil, err
	}
	return s.exact.restore(checked), nil
}
