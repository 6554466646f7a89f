package liquid

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/value"
)

// expr is an expression that can be evaluated.
type expr interface{ eval(r *run) any }

type literal struct{ v any }

// variable is a name and what is looked up in its value.
type variable struct {
	root expr // gives the name
	path []expr
}

// rangeOf is the numbers from one to another, both included. It is made into a list only where one is needed.
type rangeOf struct{ from, to expr }

type span struct{ from, to int64 }

func (s span) len() int64 { return max(s.to-s.from+1, 0) }

// special is `empty` or `blank`, to compare with.
type special string

type filtered struct {
	of      expr
	filters []call
	line    int
}

type call struct {
	name  string
	run   filter
	args  []expr
	named map[string]expr
}

type comparison struct {
	op          string
	left, right expr
}

type connective struct {
	or          bool
	left, right expr
}

// scanner reads the inside of marks.
type scanner struct {
	s     string
	pos   int
	line  int
	depth int
}

func (s *scanner) wrong(message string) error { return &Error{Line: s.line, Message: message} }

func (s *scanner) space() {
	for s.pos < len(s.s) && strings.IndexByte(" \t\r\n", s.s[s.pos]) >= 0 {
		s.pos++
	}
}

func (s *scanner) done() bool { s.space(); return s.pos >= len(s.s) }

// accept steps over a mark if it comes next.
func (s *scanner) accept(mark string) bool {
	s.space()
	if !strings.HasPrefix(s.s[s.pos:], mark) {
		return false
	}
	s.pos += len(mark)
	return true
}

// word steps over a name and returns it.
func (s *scanner) word() string {
	s.space()
	start := s.pos
	for s.pos < len(s.s) {
		r, size := utf8.DecodeRuneInString(s.s[s.pos:])
		if r != '_' && !unicode.IsLetter(r) && (s.pos == start || r != '-' && !unicode.IsDigit(r)) {
			break
		}
		s.pos += size
	}
	if s.pos > start && s.pos < len(s.s) && s.s[s.pos] == '?' {
		s.pos++
	}
	return s.s[start:s.pos]
}

// acceptWord steps over a certain name.
func (s *scanner) acceptWord(word string) bool {
	at := s.pos
	if s.word() == word {
		return true
	}
	s.pos = at
	return false
}

func (s *scanner) end() error {
	if s.done() {
		return nil
	}
	return s.wrong("the expression goes on where it should end")
}

// filtered reads a value and its filters.
func (s *scanner) filtered() (expr, error) {
	of, err := s.value()
	if err != nil {
		return nil, err
	}
	f := filtered{of: of, line: s.line}
	for s.accept("|") {
		c, err := s.call()
		if err != nil {
			return nil, err
		}
		f.filters = append(f.filters, c)
	}
	if len(f.filters) == 0 {
		return of, nil
	}
	return f, nil
}

func (s *scanner) call() (call, error) {
	c := call{name: s.word()}
	var ok bool
	if c.run, ok = filters[c.name]; !ok {
		return c, s.wrong("there is no filter " + quoteName(c.name))
	}
	if !s.accept(":") {
		return c, nil
	}
	for {
		at := s.pos
		if name := s.word(); name != "" && s.accept(":") {
			v, err := s.value()
			if err != nil {
				return c, err
			}
			if c.named == nil {
				c.named = map[string]expr{}
			}
			c.named[name] = v
		} else {
			s.pos = at
			v, err := s.value()
			if err != nil {
				return c, err
			}
			c.args = append(c.args, v)
		}
		if !s.accept(",") {
			return c, nil
		}
	}
}

// quoteName quotes a name of the template's own language.
func quoteName(name string) string {
	if len(name) > 40 {
		name = name[:40] + "…"
	}
	return `"` + strings.ToValidUTF8(name, "") + `"`
}

func (s *scanner) value() (expr, error) {
	s.space()
	if s.pos >= len(s.s) {
		return nil, s.wrong("an expression ends too soon: a value is missing")
	}
	if s.depth++; s.depth > maxDepth {
		return nil, s.wrong("an expression nests too deep")
	}
	defer func() { s.depth-- }()
	switch c := s.s[s.pos]; {
	case c == '"' || c == '\'':
		return s.quoted(c)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == '(':
		return s.span()
	case c == '[':
		s.pos++
		root, err := s.value()
		if err != nil {
			return nil, err
		}
		if !s.accept("]") {
			return nil, s.wrong("a [ is not closed")
		}
		return s.path(root)
	}
	name := s.word()
	switch name {
	case "":
		return nil, s.wrong("a value is missing, or begins with a character that none begins with")
	case "nil", "null":
		return literal{}, nil
	case "true":
		return literal{true}, nil
	case "false":
		return literal{false}, nil
	case "empty", "blank":
		return literal{special(name)}, nil
	}
	return s.path(literal{name})
}

func (s *scanner) quoted(mark byte) (expr, error) {
	i := strings.IndexByte(s.s[s.pos+1:], mark)
	if i < 0 {
		return nil, s.wrong("a quote is not closed")
	}
	text := s.s[s.pos+1 : s.pos+1+i]
	s.pos += i + 2
	return literal{strings.ToValidUTF8(text, "\ufffd")}, nil
}

func (s *scanner) number() (expr, error) {
	start := s.pos
	s.pos++
	for s.pos < len(s.s) && (s.s[s.pos] >= '0' && s.s[s.pos] <= '9' || s.s[s.pos] == '.') {
		if strings.HasPrefix(s.s[s.pos:], "..") {
			break // of a range
		}
		s.pos++
	}
	n, ok := value.ParseNumber(s.s[start:s.pos])
	if !ok {
		return nil, s.wrong("a number is malformed")
	}
	return literal{n}, nil
}

func (s *scanner) span() (expr, error) {
	s.pos++
	from, err := s.value()
	if err != nil {
		return nil, err
	}
	if !s.accept("..") {
		return nil, s.wrong("a range has no two dots: write (1..5)")
	}
	to, err := s.value()
	if err != nil {
		return nil, err
	}
	if !s.accept(")") {
		return nil, s.wrong("a range is not closed: write (1..5)")
	}
	return rangeOf{from, to}, nil
}

func (s *scanner) path(root expr) (expr, error) {
	v := variable{root: root}
	for s.pos < len(s.s) {
		switch {
		case s.s[s.pos] == '.' && !strings.HasPrefix(s.s[s.pos:], ".."):
			s.pos++
			start := s.pos
			name := s.word()
			if name == "" {
				// a.0 is a[0]
				for s.pos < len(s.s) && s.s[s.pos] >= '0' && s.s[s.pos] <= '9' {
					s.pos++
				}
				name = s.s[start:s.pos]
			}
			if name == "" {
				return nil, s.wrong("a name is missing after a dot")
			}
			v.path = append(v.path, literal{name})
		case s.s[s.pos] == '[':
			s.pos++
			key, err := s.value()
			if err != nil {
				return nil, err
			}
			if !s.accept("]") {
				return nil, s.wrong("a [ is not closed")
			}
			v.path = append(v.path, key)
		default:
			return v, nil
		}
	}
	return v, nil
}

var operators = []string{"==", "!=", "<>", "<=", ">=", "<", ">"}

// condition reads comparisons with `and` and `or` between them, which Liquid groups from the right.
func (s *scanner) condition() (expr, error) {
	var terms []expr
	var ors []bool
	for {
		term, err := s.comparison()
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
		switch {
		case s.acceptWord("and"):
			ors = append(ors, false)
		case s.acceptWord("or"):
			ors = append(ors, true)
		default:
			if err := s.end(); err != nil {
				return nil, err
			}
			whole := terms[len(terms)-1]
			for i := len(ors) - 1; i >= 0; i-- {
				whole = connective{or: ors[i], left: terms[i], right: whole}
			}
			if len(terms) > maxTerms {
				return nil, s.wrong("a condition has too many parts")
			}
			return whole, nil
		}
	}
}

// maxTerms bounds the parts of a condition: each is a level of evaluation.
const maxTerms = 1000

func (s *scanner) comparison() (expr, error) {
	left, err := s.filtered()
	if err != nil {
		return nil, err
	}
	op := ""
	for _, o := range operators {
		if s.accept(o) {
			op = o
			break
		}
	}
	if op == "" && s.acceptWord("contains") {
		op = "contains"
	}
	if op == "" {
		return left, nil
	}
	right, err := s.filtered()
	return comparison{op, left, right}, err
}
