package engine

import (
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
)

// mostSuggestions bounds the work that a definition with thousands of unknown names makes.
const mostSuggestions = 100

// wayOut ends a message about an unknown name: the one that was probably meant, else those there are, else advice.
func (c *check) wayOut(name string, candidates []string, advice string) string {
	if c.suggestions++; c.suggestions > mostSuggestions {
		return advice
	}
	if meant := ipaas.Nearest(name, candidates); meant != "" {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	const most = 12
	switch n := len(candidates); {
	case n == 0:
		return advice
	case n == 1:
		return fmt.Sprintf("there is only %q", candidates[0])
	case n > most:
		return fmt.Sprintf("use one of %s and %d more", strings.Join(candidates[:most], ", "), n-most)
	default:
		return "use one of " + strings.Join(candidates, ", ")
	}
}
