package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep lists and objects may nest.
const MaxDepth = 64

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	Offset       int64 // in bytes, from 0
	Line, Column int   // from 1
	TooDeep      bool  // it is JSON, but nests deeper than MaxDepth
	Message      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Parse reads JSON. Numbers keep their digits and objects their key order; of a key that stands twice the last value counts, at the
// place of the first. Errors are *SyntaxError.
func Parse(data []byte) (any, error) { return parse(data, MaxDepth) }

func parse(data []byte, maxDepth int) (any, error) {
	p := parser{data: data, maxDepth: maxDepth}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return nil, p.wrong(0, "a byte order mark is no JSON: remove it")
	}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.skipSpace(); p.pos < len(data) {
		return nil, p.wrong(p.pos, "there is more text after the JSON value")
	}
	return v, nil
}

type parser struct {
	data     []byte
	pos      int
	maxDepth int
}

// value reads a value that stands in depth lists and objects.
func (p *parser) value(depth int) (any, error) {
	p.skipSpace()
	switch c := p.peek(); {
	case c == '"':
		return p.text()
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.list(depth)
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return true, p.word("true")
	case c == 'f':
		return false, p.word("false")
	case c == 'n':
		return nil, p.word("null")
	default:
		return nil, p.unexpected("a value")
	}
}

func (p *parser) list(depth int) (any, error) {
	if err := p.enter(depth); err != nil {
		return nil, err
	}
	list := []any{}
	for !p.accept(']') {
		if len(list) > 0 && !p.accept(',') {
			return nil, p.unexpected("',' or ']' after an item of a list")
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (p *parser) object(depth int) (any, error) {
	if err := p.enter(depth); err != nil {
		return nil, err
	}
	o := &Object{}
	for !p.accept('}') {
		if o.Len() > 0 && !p.accept(',') {
			return nil, p.unexpected("',' or '}' after a value of an object")
		}
		if p.skipSpace(); p.peek() != '"' {
			return nil, p.unexpected("a key in double quotes")
		}
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		if !p.accept(':') {
			return nil, p.unexpected("':' after a key")
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.Set(key, v)
	}
	return o, nil
}

// enter steps over an opening bracket.
func (p *parser) enter(depth int) error {
	if depth >= p.maxDepth {
		err := p.wrong(p.pos, fmt.Sprintf("it nests deeper than %d levels", p.maxDepth))
		err.TooDeep = true
		return err
	}
	p.pos++
	return nil
}

func (p *parser) number() (any, error) {
	end, ok := scanNumber(p.data, p.pos)
	if !ok {
		p.pos = end
		return nil, p.unexpected("a digit of a number")
	}
	n := Number(p.data[p.pos:end])
	p.pos = end
	return n, nil
}

func (p *parser) word(word string) error {
	for i := range len(word) {
		if p.peek() != word[i] {
			return p.unexpected("the word " + word)
		}
		p.pos++
	}
	return nil
}

// text reads a text in quotes. What is plain is copied; escapes and broken UTF-8 are left to encoding/json, so that they mean here
// what they mean everywhere.
func (p *parser) text() (string, error) {
	start, plain, ascii := p.pos, true, true
	for i := start + 1; i < len(p.data); i++ {
		switch c := p.data[i]; {
		case c == '"':
			quoted := p.data[start : i+1]
			p.pos = i + 1
			if plain && (ascii || utf8.Valid(quoted)) {
				return string(quoted[1 : len(quoted)-1]), nil
			}
			var s string
			if err := json.Unmarshal(quoted, &s); err != nil {
				return "", p.wrong(start, "the text is not JSON: "+err.Error())
			}
			return s, nil
		case c == '\\':
			plain = false
			end, ok := scanEscape(p.data, i)
			if p.pos = end; !ok {
				return "", p.unexpected(`one of "\/bfnrt or u with four hexadecimal digits after \`)
			}
			i = end - 1
		case c < ' ':
			return "", p.wrong(i, fmt.Sprintf("the control character %q stands in a text: escape it", c))
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	p.pos = len(p.data)
	return "", p.unexpected(`a closing "`)
}

// scanEscape returns where the escape that begins at i ends, or where it goes wrong.
func scanEscape(data []byte, i int) (int, bool) {
	i++
	if i >= len(data) {
		return i, false
	}
	if strings.IndexByte(`"\/bfnrt`, data[i]) >= 0 {
		return i + 1, true
	}
	if data[i] != 'u' {
		return i, false
	}
	for range 4 {
		i++
		if i >= len(data) || !isHex(data[i]) {
			return i, false
		}
	}
	return i + 1, true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (p *parser) skipSpace() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end; no JSON has a 0 where it is asked for.
func (p *parser) peek() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

// accept steps over c if it comes next.
func (p *parser) accept(c byte) bool {
	p.skipSpace()
	if p.peek() != c {
		return false
	}
	p.pos++
	return true
}

func (p *parser) unexpected(wanted string) error {
	if p.pos >= len(p.data) {
		return p.wrong(len(p.data), "the JSON ends too soon: expected "+wanted)
	}
	r, _ := utf8.DecodeRune(p.data[p.pos:])
	return p.wrong(p.pos, fmt.Sprintf("expected %s, not %q", wanted, r))
}

func (p *parser) wrong(offset int, message string) *SyntaxError {
	before := p.data[:min(offset, len(p.data))]
	return &SyntaxError{
		Offset: int64(len(before)), Line: 1 + bytes.Count(before, []byte("\n")),
		Column:  1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]),
		Message: message,
	}
}
