package builtin

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/headrace/headrace/internal/component"
)

// regexNote is what people must know of regular expressions here.
const regexNote = "It is matched in time that grows with the text alone, whatever it says; so it knows neither references back to a group nor looking ahead or behind."

// maxRegex bounds a regular expression in bytes.
const maxRegex = 1000

// slashed takes /pattern/flags apart. There must be a flag: what only begins and ends with a slash may well be a path.
func slashed(text string) (pattern, flags string, ok bool) {
	end := strings.LastIndexByte(text, '/')
	if end < 2 || text[0] != '/' || end == len(text)-1 || strings.Trim(text[end+1:], "dgimsu") != "" {
		return "", "", false
	}
	return text[1:end], text[end+1:], true
}

// regex compiles a regular expression with the flags of JavaScript. It reports whether all matches are wanted.
func regex(pattern, flags string) (re *regexp.Regexp, all bool, err error) {
	if len(pattern) > maxRegex {
		return nil, false, fmt.Errorf("is longer than %d bytes: shorten it", maxRegex)
	}
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
			return nil, false, fmt.Errorf("has the flag %q: give some of g, i, m, s", flag)
		}
	}
	if ours != "" {
		pattern = "(?" + ours + ")" + pattern
	}
	re, err = regexp.Compile(pattern)
	if err != nil {
		return nil, false, fmt.Errorf("is no regular expression that is known here: %s", shorten(strings.TrimPrefix(err.Error(), "error parsing regexp: ")))
	}
	return re, all, nil
}

// replaceMatches puts a template in the place of every match.
func replaceMatches(re *regexp.Regexp, text, template string) (string, error) {
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
func expand(out []byte, re *regexp.Regexp, text, template string, m []int) ([]byte, error) {
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
		found := re.FindAllString(text, maxPieces+1)
		if len(found) > maxPieces {
			return nil, fmt.Errorf("it is found more than %d times: look for something else", maxPieces)
		}
		if found == nil {
			return nil, nil
		}
		return texts(found), nil
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
