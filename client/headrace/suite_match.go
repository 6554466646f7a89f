package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// wildcard stands in an expected text for whatever may be there; a text that is nothing else stands for any value.
const wildcard = "${any}"

// mismatch is one thing that came otherwise than it was expected.
type mismatch struct {
	Where string `json:"where"`
	Want  string `json:"want,omitempty"`
	Got   string `json:"got,omitempty"`
}

// most of what is shown of a case that failed, and of one text in it.
const (
	maxMismatches = 50
	maxShown      = 500
)

// matcher holds what a test came to against what was expected.
type matcher struct {
	urls  *strings.Replacer // makes webhook URLs words, which are the same in every run
	words *strings.Replacer // gives flows that an expectation names by display name their ids
	ran   []*headracev1.StepResult
	found []mismatch
}

// newMatcher returns a matcher for the flows of a test instance.
func newMatcher(flows []*headracev1.InstanceFlow) *matcher {
	var urls, words []string
	for _, f := range flows {
		word := "${webhookUrls." + f.GetFlowId() + "}"
		if full := f.GetWebhookUrl(); full != "" {
			urls = append(urls, full, word, url.QueryEscape(full), url.QueryEscape(word))
		}
		words = append(words, "${webhookUrls."+f.GetDisplayName()+"}", word)
	}
	return &matcher{urls: strings.NewReplacer(urls...), words: strings.NewReplacer(words...)}
}

func (m *matcher) add(where, want, got string) {
	if len(m.found) < maxMismatches {
		m.found = append(m.found, mismatch{Where: where, Want: shortened(want), Got: shortened(got)})
	}
}

func shortened(text string) string {
	if len(text) <= maxShown {
		return text
	}
	cut := maxShown
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

func (m *matcher) text(where string, want textWant, got string) {
	switch {
	case !want.said:
	case want.includes != "":
		if !m.holds(want.includes, got) {
			m.add(where, "… "+want.includes+" …", got)
		}
	case !m.like(want.is, got):
		m.add(where, want.is, got)
	}
}

// like reports whether a text is what an expected one says.
func (m *matcher) like(want, got string) bool {
	want, got = m.words.Replace(want), m.urls.Replace(got)
	if !strings.Contains(want, wildcard) {
		return want == got
	}
	return m.pattern(`\A`, want, `\z`).MatchString(got)
}

func (m *matcher) holds(want, got string) bool {
	want, got = m.words.Replace(want), m.urls.Replace(got)
	if !strings.Contains(want, wildcard) {
		return strings.Contains(got, want)
	}
	return m.pattern("", want, "").MatchString(got)
}

func (m *matcher) pattern(before, want, after string) *regexp.Regexp {
	parts := strings.Split(want, wildcard)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("(?s)" + before + strings.Join(parts, ".*") + after)
}

// json holds a value as JSON text against what was expected of it.
func (m *matcher) json(where string, want valueWant, got string) {
	if !want.is && !want.some {
		return
	}
	var value any
	if got != "" {
		var err error
		if value, err = parseJSON(got); err != nil {
			m.add(where, shownJSON(want), got+" (which is not JSON)")
			return
		}
	}
	if want.is {
		m.value(where, want.value, value, false)
	}
	if want.some {
		m.value(where, want.includes, value, true)
	}
}

func shownJSON(want valueWant) string {
	if want.is {
		return encoded(want.value)
	}
	return encoded(want.includes)
}

func encoded(v any) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// value holds one value against another. some: an object may have more fields than are expected.
func (m *matcher) value(where string, want, got any, some bool) {
	if want == wildcard && got != nil {
		return
	}
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			break
		}
		m.fields(where, want, got, some)
		return
	case []any:
		got, ok := got.([]any)
		if !ok {
			break
		}
		m.items(where, want, got, some)
		return
	case string:
		if got, ok := got.(string); ok && m.like(want, got) {
			return
		}
	case json.Number:
		if got, ok := got.(json.Number); ok && sameNumber(want, got) {
			return
		}
	default:
		if want == got { // null, true, false
			return
		}
	}
	m.add(where, encoded(want), encoded(m.shown(got)))
}

// shown is a value with words in place of URLs where it is a text.
func (m *matcher) shown(v any) any {
	if text, ok := v.(string); ok {
		return m.urls.Replace(text)
	}
	return v
}

func (m *matcher) fields(where string, want, got map[string]any, some bool) {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		at := join(where, key)
		item, ok := got[key]
		if !ok {
			m.add(at, encoded(want[key]), "")
			continue
		}
		m.value(at, want[key], item, some)
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, expected := want[key]; !expected && !some {
			m.add(join(where, key), "", encoded(got[key]))
		}
	}
}

func (m *matcher) items(where string, want, got []any, some bool) {
	for i := range max(len(want), len(got)) {
		at := fmt.Sprintf("%s[%d]", where, i)
		switch {
		case i >= len(got):
			m.add(at, encoded(want[i]), "")
		case i >= len(want):
			m.add(at, "", encoded(got[i]))
		default:
			m.value(at, want[i], got[i], some)
		}
	}
}

// sameNumber reports whether two numbers are the same, however they are written.
func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	if !strings.ContainsAny(a.String()+b.String(), ".eE") {
		return false // whole numbers of whatever length
	}
	x, err1 := strconv.ParseFloat(a.String(), 64)
	y, err2 := strconv.ParseFloat(b.String(), 64)
	return err1 == nil && err2 == nil && x == y
}
