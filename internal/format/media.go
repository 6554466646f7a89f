package format

import (
	"mime"
	"strings"
)

// MediaType takes a content type apart into its kind, in small letters, and its parameters. It is lenient: one that does not parse
// counts by what stands before its first semicolon.
func MediaType(contentType string) (kind string, params map[string]string) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind, _, _ = strings.Cut(contentType, ";")
		return strings.ToLower(strings.TrimSpace(kind)), nil
	}
	return kind, params
}

// IsJSON reports whether data of a kind says that it is JSON.
func IsJSON(kind string) bool {
	return kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")
}
