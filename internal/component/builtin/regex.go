package builtin

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/value"
)

// regexNote is what people must know of regular expressions here.
const regexNote = "It is of the kind that is matched without trying and going back (RE2); so it knows neither references back to a group nor looking ahead or behind."

// The bounds of regular expressions. One match takes time in proportion to the text and to the expression with its repetitions
// written out; but to find all, the text is gone through again after each match, in the worst case to its end.
const (
	maxRegex     = 1000        // bytes
	maxRegexSize = 5000        // of it with repetitions written out
	maxMatchWork = 500_000_000 // size times bytes of the text, of one match
	briefWork    = 50_000_000  // size times bytes squared, below which the worst case takes no time worth watching
	maxMatchTime = 3 * time.Second
)

// expression is a regular expression that is bounded.
type expression struct {
	*regexp.Regexp
	size int
}

// compileRegex compiles a regular expression in the syntax of RE2.
func compileRegex(pattern string) (expression, error) {
	if len(pattern) > maxRegex {
		return expression{}, fmt.Errorf("is longer than %d bytes: shorten it", maxRegex)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return expression{}, fmt.Errorf("is no regular expression that is known here: %s", value.Shorten(strings.TrimPrefix(err.Error(), "error parsing regexp: ")))
	}
	// Measured before it is compiled: that writes all repetitions out.
	size := sizeOf(parsed)
	if size > maxRegexSize {
		return expression{}, fmt.Errorf("repeats too much: written out it would have more than %d parts", maxRegexSize)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return expression{}, fmt.Errorf("is no regular expression that is known here: %s", value.Shorten(err.Error()))
	}
	return expression{Regexp: re, size: size}, nil
}

// sizeOf returns how many parts an expression has, with its repetitions written out; of what is far too large, some number that is.
func sizeOf(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		size += sizeOf(sub)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1)
	}
	return min(size, maxRegexSize+1)
}

// errMatchWork is the error of a match that would take too long.
var errMatchWork = errors.New("to match it takes too long: make the text smaller or the expression simpler")

// fits refuses a text that is too large for one match.
func (e expression) fits(text string) error {
	if e.size*len(text) > maxMatchWork {
		return errMatchWork
	}
	return nil
}

// fitsAll refuses a text in which to find all takes too long. Where it might, it tries: what the library calls back after each match
// can end it, and nothing else.
func (e expression) fitsAll(text string) (err error) {
	if err := e.fits(text); err != nil || e.size*len(text)*len(text) < briefWork {
		return err
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case endless:
			err = errMatchWork
		default:
			panic(p)
		}
	}()
	until := time.Now().Add(maxMatchTime)
	e.ReplaceAllStringFunc(text, func(string) string {
		if time.Now().After(until) {
			panic(endless{})
		}
		return ""
	})
	return nil
}

// endless is what ends something that nothing else can end, by a panic that is caught where it began.
type endless struct{}

// slashed takes /pattern/flags apart. There must be a flag: what only begins and ends with a slash may well be a path.
func slashed(text string) (pattern, flags string, ok bool) {
	end := strings.LastIndexByte(text, '/')
	if end < 2 || text[0] != '/' || end == len(text)-1 || strings.Trim(text[end+1:], "dgimsu") != "" {
		return "", "", false
	}
	return text[1:end], text[end+1:], true
}

// regex compiles a regular expression with the flags of JavaScript. It reports whether all matches are wanted.
func regex(pattern, flags string) (re expression, all bool, err error) {
	ours := ""
	for _, flag := range flags {
		switch flag {
		case 'g':
			all = true
		case 'i', 'm', 's':
			if !strings.ContainsRune(ours, flag) {
				ours += string(flag)
			}
		case 'd', 'u':
		default:
			return re, false, fmt.Errorf("has the flag %q: give some of g, i, m, s", flag)
		}
	}
	if ours != "" {
		pattern = "(?" + ours + ")" + pattern
	}
	re, err = compileRegex(pattern)
	return re, all, err
}

// replaceMatches puts a template in the place of every match.
func replaceMatches(re expression, text, template string) (string, error) {
	if err := re.fitsAll(text); err != nil {
		return "", err
	}
	var out []byte
	from := 0
	for _, m := range re.FindAllStringSubmatchIndex(text, maxPieces) {
		out = append(out, text[from:m[0]]...)
		var err error
		if out, err = expand(out, re, text, template, m); err != nil {
			return "", err
		}
		from = m[1]
	}
	return string(append(out, text[from:]...)), nil
}

// expand appends a template in which $1 to $99, $<name>, $& and $$ stand for what JavaScript has them stand for.
func expand(out []byte, re expression, text, template string, m []int) ([]byte, error) {
	group := func(n int) string {
		if 2*n+1 < len(m) && m[2*n] >= 0 {
			return text[m[2*n]:m[2*n+1]]
		}
		return ""
	}
	for {
		if len(out)+len(template) > maxTextBytes {
			return nil, errLargeText
		}
		dollar := strings.IndexByte(template, '$')
		if dollar < 0 || dollar == len(template)-1 {
			return append(out, template...), nil
		}
		out = append(out, template[:dollar]...)
		template = template[dollar+1:]
		switch c := template[0]; {
		case c == '$':
			out, template = append(out, '$'), template[1:]
		case c == '&':
			out, template = append(out, group(0)...), template[1:]
		case c >= '0' && c <= '9':
			n, digits := int(c-'0'), 1
			if len(template) > 1 && template[1] >= '0' && template[1] <= '9' && 10*n+int(template[1]-'0') <= re.NumSubexp() {
				n, digits = 10*n+int(template[1]-'0'), 2
			}
			if n == 0 || n > re.NumSubexp() {
				out = append(out, '$')
				continue
			}
			out, template = append(out, group(n)...), template[digits:]
		case c == '<' && re.SubexpIndex(bracketed(template)) > 0:
			name := bracketed(template)
			out, template = append(out, group(re.SubexpIndex(name))...), template[len(name)+2:]
		default:
			out = append(out, '$')
		}
	}
}

// bracketed returns the name in <name>, or nothing.
func bracketed(template string) string {
	if name, _, closed := strings.Cut(template[1:], ">"); closed {
		return name
	}
	return ""
}

func matchText(in component.Inputs) (any, error) {
	pattern, flags := in.Text("regex"), in.Text("regexFlags")
	if inner, own, ok := slashed(pattern); ok {
		pattern, flags = inner, flags+own
	} else if len(pattern) > 2 && pattern[0] == '/' && pattern[len(pattern)-1] == '/' {
		pattern = pattern[1 : len(pattern)-1]
	}
	re, all, err := regex(pattern, flags)
	if err != nil {
		return nil, fmt.Errorf("inputs %q and %q: the expression %w", "regex", "regexFlags", err)
	}
	text := in.Text("text")
	if all {
		if err := re.fitsAll(text); err != nil {
			return nil, err
		}
		found := re.FindAllString(text, maxPieces+1)
		if len(found) > maxPieces {
			return nil, fmt.Errorf("it is found more than %d times: look for something else", maxPieces)
		}
		if found == nil {
			return nil, nil
		}
		return texts(found), nil
	}
	if err := re.fits(text); err != nil {
		return nil, err
	}
	m := re.FindStringSubmatchIndex(text)
	if m == nil {
		return nil, nil
	}
	groups := make([]any, len(m)/2)
	for i := range groups {
		if m[2*i] >= 0 {
			groups[i] = text[m[2*i]:m[2*i+1]]
		}
	}
	return groups, nil
}
