package value_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/value"
)

func TestShorten(t *testing.T) {
	t.Parallel()
	sixty := strings.Repeat("ä", 60)
	for text, want := range map[string]string{
		"":             "",
		"short":        "short",
		sixty:          sixty,
		sixty + "x":    sixty + "…",
		"\xff" + sixty: "\xff" + strings.Repeat("ä", 59) + "…",
	} {
		if got := value.Shorten(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		got := value.Shorten(text)
		if short := utf8.RuneCountInString(text) <= 60; short != (got == text) {
			t.Fatalf("%q became %q", text, got)
		}
		if begin := strings.TrimSuffix(got, "…"); got != text && (!strings.HasPrefix(text, begin) || utf8.RuneCountInString(begin) != 60) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
