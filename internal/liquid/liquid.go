// Package liquid renders templates of the Liquid language over exact values. Templates may be hostile: their size is bounded when they are
// parsed; rendering has a budget of work, out of which every step of a loop, every item and every text is paid, and a bound of text.
//
// It is our own because no library lets the work be counted: ranges of a billion, texts that double and lists that hold themselves
// twice would each take the server down. Values also keep their digits and the order of their keys.
// It must not know where data comes from: a template sees it and nothing else, no files, no environment.
package liquid

import (
	"context"
	"fmt"

	"github.com/headrace/headrace/internal/value"
)

// The bounds of a template and of its rendering.
const (
	MaxSource = 256 << 10 // bytes of a template
	MaxOutput = 4 << 20   // bytes of what is rendered, and of every text on the way
	maxDepth  = 64        // blocks within each other
	maxWork   = 5_000_000 // about a second
	textUnit  = 16        // bytes of text that are one piece of work
)

// Error says what is wrong with a template, and where.
type Error struct {
	Line    int // from 1
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// Template is a template that was parsed. Any number may render it at once.
type Template struct{ body []node }

// Parse reads a template. The error is an *Error.
func Parse(source string) (*Template, error) {
	if len(source) > MaxSource {
		return nil, &Error{Line: 1, Message: fmt.Sprintf("the template is larger than %d KiB: take it apart", MaxSource>>10)}
	}
	pieces, err := split(source)
	if err != nil {
		return nil, err
	}
	p := parser{pieces: pieces}
	body, err := p.block(nil)
	if err != nil {
		return nil, err
	}
	return &Template{body: body}, nil
}

// Render renders the template; the keys of data are its variables. The error is an *Error, or the context's.
func (t *Template) Render(ctx context.Context, data *value.Object) (text string, err error) {
	r := &run{ctx: ctx, data: data, vars: map[string]any{}, counters: map[string]int64{}, cycles: map[string]int{}, work: maxWork, line: 1}
	defer func() {
		if p := recover(); p != nil {
			s, ok := p.(*stop)
			if !ok {
				panic(p)
			}
			text, err = "", s.err
		}
	}()
	out := &builder{r: r}
	r.render(t.body, out)
	return out.b.String(), nil
}

// run is one rendering.
type run struct {
	ctx      context.Context //nolint:containedctx // it lives as long as the call of Render
	data     *value.Object
	vars     map[string]any
	counters map[string]int64
	cycles   map[string]int
	work     int
	line     int // of what is rendered
	leave    leave
}

// leave tells that a loop is left by break or continue.
type leave int

const (
	stays leave = iota
	breaks
	continues
)

// stop is what rendering panics with, to be returned as an error: it may have to end in the middle of a comparison.
type stop struct{ err error }

func (r *run) fail(format string, args ...any) {
	panic(&stop{err: &Error{Line: r.line, Message: fmt.Sprintf(format, args...)}})
}

// spend takes work from the budget.
func (r *run) spend(n int) {
	if n < 0 || n > r.work {
		r.fail("rendering takes too much work: loop over less, or build smaller texts")
	}
	if (r.work-n)>>12 != r.work>>12 {
		if err := context.Cause(r.ctx); err != nil {
			panic(&stop{err: err})
		}
	}
	r.work -= n
}

// text pays for a text that was made.
func (r *run) text(s string) string {
	if len(s) > MaxOutput {
		r.fail("a text grows larger than %d MiB", MaxOutput>>20)
	}
	r.spend(1 + len(s)/textUnit)
	return s
}

func (r *run) lookUp(name string) any {
	if v, ok := r.vars[name]; ok {
		return v
	}
	if v, ok := r.data.Find(name); ok {
		return v
	}
	if n, ok := r.counters[name]; ok {
		return value.FromInt(n)
	}
	return nil
}
