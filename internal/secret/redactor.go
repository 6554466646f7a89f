package secret

import (
	"strings"
	"sync"
	"sync/atomic"
)

// MinRedacted is the length in bytes from which on a secret is replaced inside
// longer text. A shorter one would be found in innocent words; it is replaced
// only where it is the whole text.
const MinRedacted = 4

// Redacted stands where a secret was of which nobody needs to know which one.
const Redacted = "[redacted]"

// Redactor takes known secrets out of text by their value. It finds them as
// they are and in the encodings they travel in: base64 in every alphabet and
// alignment (so also inside a Basic Authorization header), hex, URL, JSON,
// HTML and XML escapes.
//
// The zero Redactor and the nil one change nothing. All methods are safe for
// concurrent use; a secret is taken out of what comes after its Add.
type Redactor struct {
	mu      sync.Mutex
	secrets []redaction // guarded by mu
	known   map[string]bool
	rules   atomic.Pointer[rules] // nil: to be built from secrets
	any     atomic.Bool           // whether there is a secret at all
}

type redaction struct{ plaintext, replacement string }

// rules are what a set of secrets was compiled to. They never change.
type rules struct {
	whole  map[string]string // every secret, for texts that are nothing else
	inside *strings.Replacer
}

// Add makes the Redactor replace plaintext by replacement, or by
// "[secret:name]" where replacement is empty. An empty plaintext is no secret.
// Of two secrets with the same plaintext the first one names it.
func (r *Redactor) Add(name, plaintext, replacement string) {
	if plaintext == "" {
		return
	}
	if replacement == "" {
		replacement = "[secret:" + name + "]"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[plaintext] {
		return
	}
	if r.known == nil {
		r.known = map[string]bool{}
	}
	r.known[plaintext] = true
	r.secrets = append(r.secrets, redaction{plaintext, replacement})
	r.rules.Store(nil)
	r.any.Store(true)
}

// Text returns s without the secrets. It returns s itself, at no cost but one
// look at it, when there is nothing to replace. Redacting again changes
// nothing more.
func (r *Redactor) Text(s string) string {
	if r == nil || s == "" || !r.any.Load() {
		return s
	}
	ru := r.compiled()
	if replacement, ok := ru.whole[s]; ok {
		return replacement
	}
	return ru.inside.Replace(s)
}

// Bytes returns b without the secrets: b itself when there was none in it.
func (r *Redactor) Bytes(b []byte) []byte {
	if r == nil || len(b) == 0 || !r.any.Load() {
		return b
	}
	s := string(b)
	if clean := r.Text(s); clean != s {
		return []byte(clean)
	}
	return b
}

func (r *Redactor) compiled() *rules {
	if ru := r.rules.Load(); ru != nil {
		return ru
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	ru := compile(r.secrets)
	r.rules.Store(ru)
	return ru
}

func compile(secrets []redaction) *rules {
	ru := &rules{whole: map[string]string{}}
	inside := map[string]string{}
	// Secrets as they are go first: one secret may be the encoding of another.
	for _, s := range secrets {
		ru.whole[s.plaintext] = s.replacement
		if len(s.plaintext) >= MinRedacted {
			inside[s.plaintext] = s.replacement
		}
	}
	for _, s := range secrets {
		for _, form := range forms(s.plaintext) {
			if _, taken := inside[form]; !taken {
				inside[form] = s.replacement
			}
		}
	}
	// A replacement stands for itself, so that a secret such as "secret" does
	// not eat the words put in its place by an earlier pass.
	for _, s := range secrets {
		if _, taken := inside[s.replacement]; !taken {
			inside[s.replacement] = s.replacement
		}
	}
	ru.inside = longestFirst(inside)
	return ru
}
