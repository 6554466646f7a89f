package expr

import (
	"strings"
	"unicode"
)

// Key returns the key by which references name a step: its display name split at everything that is neither letter nor digit,
// every word in lower case, words after the first with a capital, joined. "POST to AcmeERP" is postToAcmeerp.
// The rule is Prismatic's, found by resolving the references of real definitions.
func Key(displayName string) string {
	words := strings.FieldsFunc(displayName, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	var b strings.Builder
	for i, word := range words {
		word = strings.ToLower(word)
		if i > 0 {
			runes := []rune(word)
			runes[0] = unicode.ToUpper(runes[0])
			word = string(runes)
		}
		b.WriteString(word)
	}
	return b.String()
}
