package secret

import (
	"sync"
	"sync/atomic"
)

// Mask replaces tokens by placeholders such as {webhook-token:nightly-sync}
// and back again, so that text with tokens in it can be stored without them
// and shown with those that are valid at the time.
//
// Reveal(Hide(s)) is s for every s whose tokens are the current ones, and text
// that merely looks like a placeholder is kept apart from real ones: who writes
// "{webhook-token:x}" into his data does not get a token for it. All methods
// are safe for concurrent use; the zero Mask is of no use, see NewMask.
type Mask struct {
	stem string // "{webhook-token"

	mu     sync.Mutex
	hide   map[string]string
	reveal map[string]string

	pass atomic.Pointer[passes] // nil: to be built from the maps
}

type passes struct{ hide, reveal replacer }

type replacer interface{ Replace(string) string }

// NewMask returns a Mask whose placeholders are {kind:id}. The kind is made of
// letters and hyphens.
func NewMask(kind string) *Mask {
	return &Mask{stem: "{" + kind, hide: map[string]string{}, reveal: map[string]string{}}
}

// Add makes {kind:id} stand for token. An id may have several tokens, as one
// that was rotated has for a while: all of them are hidden, and the one added
// first is what Reveal shows. An id is made of letters, digits and hyphens; a
// token has no braces and is long enough not to be met by chance.
func (m *Mask) Add(id, token string) {
	if token == "" {
		return
	}
	placeholder := m.stem + ":" + id + "}"
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.hide[token]; !taken {
		m.hide[token] = placeholder
	}
	if _, taken := m.reveal[placeholder]; !taken {
		m.reveal[placeholder] = token
	}
	m.pass.Store(nil)
}

// Hide returns s with each token replaced by its placeholder. What looks like
// the beginning of a placeholder is escaped by a "!" after the kind, whether
// or not its id is known, because it may become known later.
func (m *Mask) Hide(s string) string { return m.compiled().hide.Replace(s) }

// Reveal returns s with each placeholder replaced by the current token of its
// id and the escapes of Hide removed. A placeholder whose id is unknown stays.
func (m *Mask) Reveal(s string) string { return m.compiled().reveal.Replace(s) }

func (m *Mask) compiled() *passes {
	if p := m.pass.Load(); p != nil {
		return p
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// In masked text the stem is followed by ":" in a placeholder and by "!"
	// everywhere else; a replacer never reads again what it wrote, so that
	// this holds however many escapes the text brings itself.
	m.hide[m.stem] = m.stem + "!"
	m.reveal[m.stem+"!"] = m.stem
	p := &passes{hide: longestFirst(m.hide), reveal: longestFirst(m.reveal)}
	m.pass.Store(p)
	return p
}
