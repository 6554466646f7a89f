package ipaas_test

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	candidates := []string{"displayName", "description", "id", "flows"}
	tests := map[string]string{
		"dispalyName": "displayName", "DESCRIPTION": "description", "flow": "flows", "colour": "", "": "", "x": "",
		strings.Repeat("displayName", 10): "",
	}
	for name, want := range tests {
		if got := ipaas.Nearest(name, candidates); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
