package value

import "unicode/utf8"

// maxShown is how many characters of a text a message shows.
const maxShown = 60

// Shorten returns a text as a message may show it, whatever was sent: of a long one the beginning.
func Shorten(text string) string {
	end, n := 0, 0
	for end < len(text) && n < maxShown {
		_, size := utf8.DecodeRuneInString(text[end:])
		end, n = end+size, n+1
	}
	if end == len(text) {
		return text
	}
	return text[:end] + "…"
}
