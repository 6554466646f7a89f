package secret

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// hidden is what every printed form of a Text shows.
const hidden = "[secret]"

// Text is a secret string that does not print: fmt, encoding/json, encoding
// of text and log/slog all show "[secret]". Only Reveal gives the text. The
// zero Text is the empty secret.
type Text struct {
	// A pointer, because fmt prints the unexported fields of a surrounding
	// struct without asking for its String method; a nested pointer to a
	// string prints as an address.
	s *string
}

// NewText returns s as a Text.
func NewText(s string) Text { return Text{s: &s} }

// Reveal returns the secret itself. Every call of it is a place to review.
func (t Text) Reveal() string {
	if t.s == nil {
		return ""
	}
	return *t.s
}

// IsZero reports whether the secret is empty.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// Equal reports whether both hold the same secret, in a time that depends only
// on their lengths.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// String returns "[secret]".
func (t Text) String() string { return hidden }

// GoString returns "[secret]".
func (t Text) GoString() string { return hidden }

// Format writes "[secret]" whatever the verb and its flags are.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalJSON returns "[secret]" as a JSON string.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// MarshalText returns "[secret]".
func (t Text) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue returns "[secret]".
func (t Text) LogValue() slog.Value { return slog.StringValue(hidden) }
