package expr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ReferenceNode stands for a part of what a step key stands for.
type ReferenceNode struct {
	Key  string // the step key
	Text string // as written
	path path
}

// path is the segments of a reference after its step key.
type path struct {
	source   string // what the segments were cut from
	segments []segment
	spaces   string // behind the name of a flow at the end, which may be part of it
}

// segment is one part of a path. A quoted one is one key; a plain one and a number in brackets may be part of a longer key, since
// names hold dots, spaces and brackets.
type segment struct {
	text       string
	quoted     bool
	start, end int // in the source, quotes and brackets included
}

// ParseReference reads a path such as `trigger.results.webhookUrls.Sync Customer Data`, `data[0].Id` or `loop.currentItem.[".tag"]`.
func ParseReference(text string) (*ReferenceNode, error) {
	source := strings.TrimSpace(text)
	segments, err := split(source)
	if err != nil {
		return nil, err
	}
	p := path{source: source, segments: segments[1:]}
	if namesFlow(segments[:len(segments)-1]) {
		p.spaces = text[len(strings.TrimRightFunc(text, unicode.IsSpace)):]
	}
	return &ReferenceNode{Key: segments[0].text, Text: text, path: p}, nil
}

// Ref is ParseReference as an expression.
func Ref(text string) (Node, error) {
	n, err := ParseReference(text)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// Path returns the segments of the path after the step key. A name with dots in it makes several.
func (n *ReferenceNode) Path() []string {
	var texts []string
	for _, s := range n.path.segments {
		texts = append(texts, s.text)
	}
	return texts
}

func (n *ReferenceNode) eval(e *evaluation) any {
	root, ok := e.scope.Step(n.Key)
	if !ok {
		return nil
	}
	v, _ := n.path.resolve(root)
	return v
}

func (n *ReferenceNode) walk(path string, visit func(path string, n Node)) { visit(path, n) }

// maxSegments bounds a path: resolving tries the joins of its segments.
const maxSegments = 64

// split cuts a path into segments: at dots, and at brackets with a number or a quoted key.
func split(source string) ([]segment, error) {
	if source == "" {
		return nil, errors.New("it is empty: name a step key and a path, e.g. trigger.results.body.data")
	}
	var segments []segment
	for at := 0; ; {
		s, err := nextSegment(source, at, namesFlow(segments))
		if err != nil {
			return nil, fmt.Errorf("%w (character %d of %q)", err, utf8.RuneCountInString(source[:at])+1, source)
		}
		if len(segments) == 0 && source[at] == '[' {
			return nil, fmt.Errorf("%q must begin with a step key, e.g. trigger", source)
		}
		segments = append(segments, s)
		if len(segments) > maxSegments {
			return nil, fmt.Errorf("it has more than %d segments: put names with dots in quotes, as in [\"a.b\"]", maxSegments)
		}
		if at = s.end; at == len(source) {
			return segments, nil
		}
		if source[at] == '.' {
			at++
		}
	}
}

// namesFlow reports whether what follows these segments is the name of a flow, in which brackets and dots are what people wrote.
func namesFlow(segments []segment) bool {
	return len(segments) > 2 && segments[1].text == "results" && (segments[2].text == "webhookUrls" || segments[2].text == "webhookApiKeys")
}

// nextSegment reads the segment that begins at a place. In a name it may be empty, and begin with a bracket.
func nextSegment(source string, at int, inName bool) (segment, error) {
	rest := source[at:]
	bracketed := strings.HasPrefix(rest, "[")
	if bracketed {
		if s, err := bracket(source, at); err == nil || !inName {
			return s, err
		}
		rest = rest[1:]
	}
	end := strings.IndexAny(rest, ".[")
	if end < 0 {
		end = len(rest)
	}
	if bracketed {
		return segment{text: source[at : at+1+end], start: at, end: at + 1 + end}, nil
	}
	if end == 0 && !inName {
		return segment{}, errors.New(`a segment is empty: take the dot away, or put a name that ends in one in quotes, as in ["Acme Inc."]`)
	}
	return segment{text: rest[:end], start: at, end: at + end}, nil
}

// bracket reads `[0]`, `["key"]` or `['key']` at a place.
func bracket(source string, at int) (segment, error) {
	rest := source[at+1:]
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		key, n, ok := unquote(rest)
		switch {
		case !ok:
			return segment{}, errors.New("a quoted key is not closed: end it with its quote and ]")
		case n == len(rest) || rest[n] != ']':
			return segment{}, errors.New("a bracket is not closed after its quoted key: end it with ]")
		}
		return segment{text: key, quoted: true, start: at, end: at + 1 + n + 1}, nil
	}
	end := strings.IndexByte(rest, ']')
	if end < 0 {
		return segment{}, errors.New("a bracket is not closed: end it with ]")
	}
	if !isIndex(strings.TrimPrefix(rest[:end], "-")) {
		return segment{}, fmt.Errorf(`brackets hold a number or a quoted key, not %q: put a name with brackets in quotes, as in ["a[b]"]`, rest[:end])
	}
	return segment{text: rest[:end], start: at, end: at + 1 + end + 1}, nil
}

// unquote reads a quoted text and returns it with the place after it. A backslash makes the next character literal.
func unquote(text string) (key string, end int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case text[0]:
			return b.String(), i + 1, true
		case '\\':
			if i++; i == len(text) {
				return "", i, false
			}
		}
		b.WriteByte(text[i])
	}
	return "", len(text), false
}

// isIndex reports whether a text is digits alone.
func isIndex(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// index returns the place that a segment names in a list of n items.
func (s segment) index(n int) (int, bool) {
	if !isIndex(s.text) {
		return 0, false
	}
	i, err := strconv.Atoi(s.text)
	return i, err == nil && i < n
}
