package ipaas_test

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
)

func TestSecurityLetsInWhoHasAKeyThatCounts(t *testing.T) {
	t.Parallel()
	key := func(text string) ipaas.FlowKey { return ipaas.FlowKey{ID: text, Hash: ipaas.HashFlowKey(text)} }
	none, own, shared := []ipaas.FlowKey(nil), []ipaas.FlowKey{key("own-1"), key("own-2")}, []ipaas.FlowKey{key("shared-1")}
	for _, tt := range []struct {
		name        string
		security    ipaas.FlowSecurity
		own, shared []ipaas.FlowKey
		in, out     []string // keys that are let in and refused; empty: none was sent
		locked      bool
	}{
		{name: "unsecured", security: ipaas.SecurityUnsecured, own: own, shared: shared, in: []string{"", "own-1", "nonsense"}},
		{name: "default without keys", own: none, shared: shared, in: []string{"", "nonsense"}},
		{name: "optional without keys", security: ipaas.SecurityCustomerOptional, in: []string{"", "nonsense"}},
		{
			name: "optional with keys", security: ipaas.SecurityCustomerOptional, own: own, shared: shared,
			in: []string{"own-1", "own-2"}, out: []string{"", "nonsense", "shared-1", "own-1 ", "OWN-1"},
		},
		{name: "default with keys", own: own, in: []string{"own-2"}, out: []string{""}},
		{name: "required without keys", security: ipaas.SecurityCustomerRequired, shared: shared, out: []string{"", "shared-1"}, locked: true},
		{name: "required with keys", security: ipaas.SecurityCustomerRequired, own: own, in: []string{"own-1"}, out: []string{"", "x"}},
		{name: "organization without keys", security: ipaas.SecurityOrganization, own: own, out: []string{"", "own-1"}, locked: true},
		{name: "organization with keys", security: ipaas.SecurityOrganization, own: own, shared: shared, in: []string{"shared-1"}, out: []string{"", "own-1"}},
	} {
		hash := func(key string) string {
			if key == "" {
				return ""
			}
			return ipaas.HashFlowKey(key)
		}
		for _, key := range tt.in {
			by, in := tt.security.LetsIn(hash(key), tt.own, tt.shared)
			if !in {
				t.Errorf("%s: %q is refused", tt.name, key)
			}
			want := key
			if len(tt.security.Keys(tt.own, tt.shared)) == 0 || tt.security == ipaas.SecurityUnsecured {
				want = "" // no key was looked at
			}
			if by != want {
				t.Errorf("%s: %q is let in by %q", tt.name, key, by)
			}
		}
		for _, key := range tt.out {
			if by, in := tt.security.LetsIn(hash(key), tt.own, tt.shared); in || by != "" {
				t.Errorf("%s: %q is let in by %q", tt.name, key, by)
			}
		}
		if locked := tt.security.Locked(len(tt.security.Keys(tt.own, tt.shared))); locked != tt.locked {
			t.Errorf("%s: locked is %t", tt.name, locked)
		}
	}
}

func TestKeysAreLongEnoughAndFitForAHeader(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		"sixteen-letters!":                   true,
		strings.Repeat("k", 200):             true,
		"":                                   false,
		"fifteen-letters":                    false,
		strings.Repeat("k", 201):             false,
		"a space between them":               false,
		"a-line\nbreak-in-it":                false,
		"umlauts-äöü-are-no-header":          false,
		"a-control-character\x7f-is-no-text": false,
	} {
		if got := ipaas.ValidFlowKey(key); got != want {
			t.Errorf("%q: %t", key, got)
		}
	}
}
