package expr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/headrace/headrace/internal/value"
)

// ReferenceNode stands for a part of what a step key stands for.
type ReferenceNode struct {
	Key      string // the step key
	Text     string // as written
	segments []segment
}

// segment is one part of a path. A quoted one, or a number in brackets, is one key; a plain one may be part of a longer key,
// since names hold dots and spaces.
type segment struct {
	text  string
	exact bool
}

// ParseReference reads a path such as `trigger.results.webhookUrls.Sync Customer Data`, `data[0].Id` or `loop.currentItem.[".tag"]`.
func ParseReference(text string) (*ReferenceNode, error) {
	segments, err := split(text)
	if err != nil {
		return nil, err
	}
	return &ReferenceNode{Key: segments[0].text, Text: text, segments: segments[1:]}, nil
}

// Ref is ParseReference as an expression.
func Ref(text string) (Node, error) {
	n, err := ParseReference(text)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// Path returns the first segments of the path after the step key, as far as they are plain.
func (n *ReferenceNode) Path() []string {
	var path []string
	for _, s := range n.segments {
		path = append(path, s.text)
	}
	return path
}

func (n *ReferenceNode) walk(path string, visit func(path string, n Node)) { visit(path, n) }

func (n *ReferenceNode) eval(scope Scope) any {
	root, ok := scope.Step(n.Key)
	if !ok {
		return nil
	}
	v, _ := find(root, n.segments)
	return v
}

// find follows a path. At an object the longest text that is a key wins, so that the name `a.b` is found before `b` in `a`.
func find(v any, path []segment) (any, bool) {
	if len(path) == 0 {
		return v, true
	}
	switch v := v.(type) {
	case *value.Object:
		return findKey(v, path)
	case []any:
		i, err := strconv.Atoi(path[0].text)
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		return find(v[i], path[1:])
	case value.Bytes:
		if len(path) == 1 && path[0].text == "contentType" {
			return v.ContentType, true
		}
		if len(path) == 1 && path[0].text == "data" {
			return v, true
		}
	}
	return nil, false
}

func findKey(o *value.Object, path []segment) (any, bool) {
	if path[0].exact {
		v, ok := o.Find(path[0].text)
		if !ok {
			return nil, false
		}
		return find(v, path[1:])
	}
	for n := plainPrefix(path); n > 0; n-- {
		v, ok := o.Find(join(path[:n]))
		if !ok {
			continue
		}
		if found, ok := find(v, path[n:]); ok {
			return found, true
		}
	}
	return nil, false
}

// plainPrefix returns how many segments from the first on may be joined to one key.
func plainPrefix(path []segment) int {
	for i, s := range path {
		if s.exact {
			return i
		}
	}
	return len(path)
}

func join(path []segment) string {
	if len(path) == 1 {
		return path[0].text
	}
	var b strings.Builder
	for i, s := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.text)
	}
	return b.String()
}

// maxSegments bounds a path: resolving tries the joins of its plain segments.
const maxSegments = 64

// split cuts a path into segments: at dots, and at brackets with a number or a quoted key.
func split(text string) ([]segment, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("the reference is empty: name a step key and a path, e.g. trigger.results.body.data")
	}
	var segments []segment
	for rest := text; ; {
		var s segment
		var err error
		switch {
		case strings.HasPrefix(rest, "["):
			s, rest, err = bracket(rest)
		default:
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			s, rest = segment{text: rest[:end]}, rest[end:]
			if s.text == "" {
				err = errors.New("a segment is empty")
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%w, at character %d of %q", err, len(text)-len(rest)+1, text)
		}
		segments = append(segments, s)
		if len(segments) > maxSegments {
			return nil, fmt.Errorf("the reference has more than %d segments", maxSegments)
		}
		if rest == "" {
			break
		}
		if rest[0] == '.' {
			rest = rest[1:]
		}
	}
	if segments[0].exact {
		return nil, fmt.Errorf("the reference %q must begin with a step key", text)
	}
	return segments, nil
}

// bracket reads `[0]`, `["key"]` or `['key']`. In quotes a backslash makes the next character literal.
func bracket(text string) (segment, string, error) {
	if len(text) < 2 {
		return segment{}, "", errors.New("a bracket is not closed")
	}
	quote := text[1]
	if quote != '"' && quote != '\'' {
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return segment{}, "", errors.New("a bracket is not closed")
		}
		if _, err := strconv.Atoi(text[1:end]); err != nil {
			return segment{}, text, fmt.Errorf("brackets hold a number or a quoted key, not %q", text[1:end])
		}
		return segment{text: text[1:end], exact: true}, text[end+1:], nil
	}
	var key strings.Builder
	for i := 2; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if i++; i < len(text) {
				key.WriteByte(text[i])
			}
		case quote:
			if i+1 >= len(text) || text[i+1] != ']' {
				return segment{}, text[i:], errors.New("a bracket is not closed after its quoted key")
			}
			return segment{text: key.String(), exact: true}, text[i+2:], nil
		default:
			key.WriteByte(text[i])
		}
	}
	return segment{}, "", errors.New("a quoted key is not closed")
}
