package outbound

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
)

// learned is what a Tape has seen in answers that must not be recorded: the tokens that RFC 6749 and OpenID Connect name. Nobody could
// know them before.
type learned struct {
	words  []string
	hidden *strings.Replacer
}

const (
	tokenNames = `(?:access_token|refresh_token|id_token|client_secret)`
	minToken   = 8   // shorter texts are no tokens, and would be taken out of where they mean something else
	maxTokens  = 100 // of one tape
)

var (
	tokenInJSON = regexp.MustCompile(`"` + tokenNames + `"\s*:\s*("(?:[^"\\]|\\.)+")`)
	tokenInForm = regexp.MustCompile(`(?:^|&)` + tokenNames + `=([^&\s]+)`)
)

// from learns what an answer holds.
func (l *learned) from(body string) {
	before := len(l.words)
	defer func() {
		if len(l.words) > before {
			l.hidden = strings.NewReplacer(l.words...)
		}
	}()
	for _, found := range tokenInJSON.FindAllStringSubmatch(body, -1) {
		var token string
		if json.Unmarshal([]byte(found[1]), &token) == nil {
			l.add(token, found[1][1:len(found[1])-1])
		}
	}
	if strings.HasPrefix(strings.TrimSpace(body), "{") {
		return
	}
	for _, found := range tokenInForm.FindAllStringSubmatch(body, -1) {
		if token, err := url.QueryUnescape(found[1]); err == nil {
			l.add(token, found[1])
		}
	}
}

// add notes a token as it is and as it stands in a text.
func (l *learned) add(token, written string) {
	forms := []string{token, written, url.QueryEscape(token), url.PathEscape(token)}
	if len(token) < minToken || token == HiddenHeader || len(l.words) >= maxTokens*2*len(forms) {
		return
	}
	for _, form := range forms {
		l.words = append(l.words, form, HiddenHeader)
	}
}

func (l *learned) hide(text string) string {
	if l.hidden == nil {
		return text
	}
	return l.hidden.Replace(text)
}
