package liquid

import (
	"regexp"
	"strings"
)

// kind is what a piece of a template is.
type kind int

const (
	plain kind = iota
	output
	tag
)

// piece is a part of a template: text, or what stands between {{ and }} or {% and %}.
type piece struct {
	kind kind
	text string
	name string // of a tag
	line int
}

// split takes a template apart. Hyphens inside the marks take away the white space outside of them.
func split(source string) ([]piece, error) {
	var pieces []piece
	line, trim := 1, false
	for source != "" {
		open := nextMark(source)
		if open < 0 {
			open = len(source)
		}
		text := source[:open]
		rest := source[open:]
		after := text
		if trim {
			after = strings.TrimLeft(after, " \t\r\n\f\v")
		}
		if len(rest) > 2 && rest[2] == '-' {
			after = strings.TrimRight(after, " \t\r\n\f\v")
		}
		if after != "" {
			pieces = append(pieces, piece{kind: plain, text: after, line: line})
		}
		line += strings.Count(text, "\n")
		if rest == "" {
			break
		}
		p, length, trims, err := marked(rest, line)
		if err != nil {
			return nil, err
		}
		trim = trims
		line += strings.Count(rest[:length], "\n")
		source = rest[length:]
		if p.kind == tag && (p.name == "raw" || p.name == "comment") {
			var inner string
			if inner, source, trim, err = verbatim(p, source); err != nil {
				return nil, err
			}
			line += strings.Count(inner, "\n")
			if p.name == "raw" {
				pieces = append(pieces, piece{kind: plain, text: inner, line: p.line})
			}
			continue
		}
		pieces = append(pieces, p)
	}
	return pieces, nil
}

func nextMark(s string) int {
	from := 0
	for {
		i := strings.IndexByte(s[from:], '{')
		if i < 0 || from+i+1 >= len(s) {
			return -1
		}
		if c := s[from+i+1]; c == '{' || c == '%' {
			return from + i
		}
		from += i + 1
	}
}

// marked reads what begins with a mark, and returns how long it is and whether white space after it goes.
func marked(s string, line int) (p piece, length int, trims bool, err error) {
	end, what := "}}", output
	if s[1] == '%' {
		end, what = "%}", tag
	}
	i := strings.Index(s[2:], end)
	if i < 0 {
		return p, 0, false, &Error{Line: line, Message: s[:2] + " is not closed: add " + end}
	}
	inner := s[2 : 2+i]
	inner = strings.TrimPrefix(inner, "-")
	if strings.HasSuffix(inner, "-") {
		inner, trims = inner[:len(inner)-1], true
	}
	p = piece{kind: what, text: strings.TrimSpace(inner), line: line}
	if what == tag {
		p.name = p.text
		if j := strings.IndexAny(p.text, " \t\r\n"); j >= 0 {
			p.name, p.text = p.text[:j], strings.TrimSpace(p.text[j:])
		} else {
			p.text = ""
		}
		if strings.HasPrefix(p.name, "#") {
			p.name = "#"
		}
	}
	return p, 2 + i + 2, trims, nil
}

// ends is how blocks end whose inside is not read.
var ends = map[string]*regexp.Regexp{
	"raw":     regexp.MustCompile(`\{%-?\s*endraw\s*-?%\}`),
	"comment": regexp.MustCompile(`\{%-?\s*endcomment\s*-?%\}`),
}

// verbatim returns what stands before the end of a raw block or a comment, and what follows the end.
func verbatim(p piece, s string) (inner, rest string, trims bool, err error) {
	at := ends[p.name].FindStringIndex(s)
	if at == nil {
		return "", "", false, &Error{Line: p.line, Message: "{% " + p.name + " %} is not closed: add {% end" + p.name + " %}"}
	}
	return s[:at[0]], s[at[1]:], s[at[1]-3] == '-', nil
}
