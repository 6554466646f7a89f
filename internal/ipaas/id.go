package ipaas

import (
	"crypto/rand"
	"regexp"
	"strings"
	"unicode"

	"github.com/oklog/ulid/v2"
)

// MaxIDLength is the most characters an id chosen by a person may have.
const MaxIDLength = 63

var idPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// ValidID reports whether id may be chosen by a person: lower-case letters, digits and single hyphens, at most 63.
// That of a test instance holds a double hyphen, so it never collides with a chosen one.
func ValidID(id string) bool { return len(id) <= MaxIDLength && idPattern.MatchString(id) }

var componentIDPattern = regexp.MustCompile(`^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$`)

// ValidComponentID reports whether id may be that of a component: one that is imported definitions' own has capital letters.
func ValidComponentID(id string) bool {
	return len(id) <= MaxIDLength && componentIDPattern.MatchString(id)
}

// NewID returns a fresh id with a prefix that says what it is of, e.g. exe-01j…; ids with the same prefix sort by birth.
func NewID(prefix string) string {
	return prefix + "-" + strings.ToLower(ulid.Make().String())
}

// NewUID returns a fresh unique id for a resource whose id people choose.
func NewUID() string { return strings.ToLower(ulid.Make().String()) }

// Slug makes an id from a display name: "Sync Customer Data" becomes sync-customer-data. It returns fallback when the name
// holds nothing an id may hold.
func Slug(displayName, fallback string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(displayName) {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
			continue
		}
		gap = true
	}
	slug := strings.Trim(b.String()[:min(b.Len(), MaxIDLength-8)], "-")
	if slug == "" {
		return fallback
	}
	return slug
}

// RandomID makes an id from a display name with a random ending, for when the plain one is taken.
func RandomID(displayName, fallback string) string {
	return Slug(displayName, fallback) + "-" + strings.ToLower(rand.Text()[:6])
}

// TestInstanceID is the id of the test instance of an integration.
func TestInstanceID(integrationID string) string { return integrationID + "--test" }
