package component

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
)

// Secrets returns the texts among the inputs that nobody may see: what fields declare as secret, and the secret inputs of connections.
func (in Inputs) Secrets(fields []ipaas.InputField) []string {
	var secrets []string
	for i := range fields {
		if text, ok := in[fields[i].Key].(string); ok && fields[i].Secret {
			secrets = append(secrets, text)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(in)) {
		c, _ := in[key].(*Connection)
		if c == nil {
			continue
		}
		for key, v := range c.Inputs.All() {
			if _, public := c.Public.Get(key); public {
				continue
			}
			if text, ok := v.(string); ok {
				secrets = append(secrets, text)
			}
		}
	}
	return secrets
}

// minScrubbed is the length from which on a secret is taken out of text: a shorter one would be found in innocent words.
const minScrubbed = 4

// scrubber returns what takes secrets out of words for people. Text is redacted again before it is stored; but an excerpt may be cut
// in the middle of a secret, and half of one is found by nobody.
func scrubber(secrets []string) *strings.Replacer {
	var forms []string
	for _, s := range secrets {
		if len(s) >= minScrubbed {
			forms = append(forms, s, url.PathEscape(s), url.QueryEscape(s))
		}
	}
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, "[secret]")
	}
	return strings.NewReplacer(pairs...)
}
