package ipaas_test

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
)

func TestValidID(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"a": true, "sync-customer-data": true, "2": true, strings.Repeat("a", 63): true,
		"": false, "A": false, "a--b": false, "-a": false, "a-": false, "a_b": false, "ä": false, strings.Repeat("a", 64): false,
		ipaas.TestInstanceID("acme"): false,
	}
	for id, want := range tests {
		if got := ipaas.ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %t, want %t", id, got, want)
		}
	}
}

func TestSlug(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Sync Customer Data": "sync-customer-data", " POST  to AcmeERP! ": "post-to-acmeerp", "Ärger 2": "rger-2", "東京": "flow", "": "flow",
	}
	for name, want := range tests {
		if got := ipaas.Slug(name, "flow"); got != want {
			t.Errorf("Slug(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestMadeIDsAreValid(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "x", strings.Repeat("long name ", 30), strings.Repeat("a", 54) + " b"} {
		if id := ipaas.Slug(name, "step"); !ipaas.ValidID(id) {
			t.Errorf("Slug(%q) = %q, which is malformed", name, id)
		}
		if id := ipaas.RandomID(name, "step"); !ipaas.ValidID(id) || id == ipaas.RandomID(name, "step") {
			t.Errorf("RandomID(%q) = %q, which is malformed or made twice", name, id)
		}
	}
	if a, b := ipaas.NewID("exe"), ipaas.NewID("exe"); a == b || !strings.HasPrefix(a, "exe-") {
		t.Errorf("NewID = %q and %q", a, b)
	}
}
