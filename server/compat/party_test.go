package compat_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// party is all other systems in one: it keeps a ledger of what was made in it. An action that by its name makes something adds to the
// ledger, one that removes takes out what it names, or all that its component made. All others are answered what a world says. What plain
// requests say it keeps, too.
type party struct {
	url string

	mu      sync.Mutex
	ledger  []thing
	made    int
	removed int
	results map[string][]any // by action
	calls   map[string]int
	said    []string // in the bodies of plain requests
	wrong   []string
}

// thing is what was made in the other system.
type thing struct {
	id, component, action string
	inputs                map[string]any
}

var (
	makes   = regexp.MustCompile(`^(create|subscribe|register|add)[A-Z]|[a-z](Create|Subscribe|Register|Add)[A-Z]`)
	removes = regexp.MustCompile(`^(delete|remove|unsubscribe|deregister)[A-Z]|[a-z](Delete|Remove|Unsubscribe|Deregister)[A-Z]`)
	sweeps  = regexp.MustCompile(`All|Instance`) // removes whatever was made for this instance
)

func newParty(t *testing.T, results map[string][]any) *party {
	t.Helper()
	p := &party{results: results, calls: map[string]int{}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

// ServeHTTP answers /{component}/{action}, /{component}/things/{id} and /http/….
func (p *party) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	p.mu.Lock()
	defer p.mu.Unlock()
	var answer any
	switch {
	case len(parts) > 0 && parts[0] == "http": // a system that the definition calls by its URL
		p.said = append(p.said, string(body))
		answer = map[string]any{}
	case err != nil || r.Header.Get("X-Api-Key") != partyKey:
		p.wrong = append(p.wrong, fmt.Sprintf("%s %s with the key %q: %v", r.Method, r.URL, r.Header.Get("X-Api-Key"), err))
		w.WriteHeader(http.StatusUnauthorized)
		return
	case r.Method == http.MethodDelete && len(parts) == 3:
		if !p.remove(func(t thing) bool { return t.component == parts[0] && t.id == parts[2] }) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		answer = map[string]any{}
	case (r.Method == http.MethodPost || r.Method == http.MethodDelete) && len(parts) == 2:
		var inputs map[string]any
		if err := json.Unmarshal(body, &inputs); err != nil {
			p.wrong = append(p.wrong, fmt.Sprintf("%s: %v in %s", r.URL, err, body))
		}
		answer = p.call(parts[0], parts[1], inputs)
	default:
		p.wrong = append(p.wrong, r.Method+" "+r.URL.String())
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (p *party) call(component, action string, inputs map[string]any) any {
	switch {
	case makes.MatchString(action):
		p.made++
		made := thing{fmt.Sprintf("thing-%d", p.made), component, action, inputs}
		p.ledger = append(p.ledger, made)
		return map[string]any{"id": made.id, "resourceId": "resource-of-" + made.id}
	case removes.MatchString(action):
		named := p.remove(func(t thing) bool {
			return t.component == component && slices.ContainsFunc(texts(inputs), func(s string) bool { return s == t.id })
		})
		if !named && sweeps.MatchString(action) {
			p.remove(func(t thing) bool { return t.component == component })
		}
		return map[string]any{}
	}
	key := component + "." + action
	results := p.results[key]
	if len(results) == 0 {
		return map[string]any{}
	}
	i := min(p.calls[key], len(results)-1)
	p.calls[key]++
	return results[i]
}

func (p *party) remove(which func(thing) bool) bool {
	before := len(p.ledger)
	p.ledger = slices.DeleteFunc(p.ledger, which)
	p.removed += before - len(p.ledger)
	return before > len(p.ledger)
}

// things returns what is in the ledger, and how much was made in all.
func (p *party) things() ([]thing, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ledger), p.made
}

// heard returns the bodies of plain requests.
func (p *party) heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.said)
}

// complaints are requests that nobody should have sent.
func (p *party) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.wrong)
}

// texts are all texts in a value.
func texts(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, one := range v {
			out = append(out, texts(one)...)
		}
	case map[string]any:
		for _, one := range v {
			out = append(out, texts(one)...)
		}
	}
	return out
}
