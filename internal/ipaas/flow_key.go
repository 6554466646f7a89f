package ipaas

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"time"
)

// FlowKey is a key that lets its holder in at a flow's URL: of one instance, or of an integration and so of all its instances. Of
// InstanceID and IntegrationID one is set. The JSON of this type is the format on disk.
type FlowKey struct {
	ID            string    `json:"id"`
	InstanceID    string    `json:"instance_id,omitempty"`
	IntegrationID string    `json:"integration_id,omitempty"`
	FlowID        string    `json:"flow_id,omitempty"`
	DisplayName   string    `json:"display_name,omitempty"`
	Hash          string    `json:"hash"`   // of the key, to know it by
	Sealed        string    `json:"sealed"` // the key, since flows and the API must show it again
	LastFour      string    `json:"last_four"`
	CreateTime    time.Time `json:"create_time"`
}

// The bounds of keys.
const (
	MaxFlowKeys      = 20 // of one flow of one instance, and of one flow of an integration
	MinFlowKeyLength = 16 // a shorter one could be guessed
	MaxFlowKeyLength = 200
)

// FlowKeyHeader is the header in which callers send a key.
const FlowKeyHeader = "Api-Key"

// ValidFlowKey reports whether a text can be a key: long enough not to be guessed, and fit for a header.
func ValidFlowKey(key string) bool {
	if len(key) < MinFlowKeyLength || len(key) > MaxFlowKeyLength {
		return false
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

// HashFlowKey returns what a key is known by: its SHA-256 in hex.
func HashFlowKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// HasFlowKey reports whether a key with a hash is among some.
func HasFlowKey(keys []FlowKey, hash string) bool { return findFlowKey(keys, hash) >= 0 }

// findFlowKey returns the place of the key with a hash among some, -1 for none. How long it takes tells nothing of them but how many
// there are.
func findFlowKey(keys []FlowKey, hash string) int {
	found := -1
	for i := range keys {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare([]byte(keys[i].Hash), []byte(hash)), i, found)
	}
	return found
}

// LetsIn reports whether a flow lets in a request that brought a key with a hash, empty for none, and by which of its keys: the id,
// empty where it asks for none. own are the keys of the instance's flow, shared those of the integration's.
func (s FlowSecurity) LetsIn(hash string, own, shared []FlowKey) (by string, in bool) {
	keys := s.Keys(own, shared)
	switch {
	case s == SecurityUnsecured:
		return "", true
	case len(keys) == 0 && (s == "" || s == SecurityCustomerOptional):
		return "", true
	}
	at := findFlowKey(keys, hash)
	if at < 0 {
		return "", false
	}
	return keys[at].ID, true
}

// CountsFor reports whether a key of a flow is among those that count as the flow is now; nil: it is gone, and none does.
func (k FlowKey) CountsFor(f *Flow) bool {
	return f != nil && (f.Security == SecurityOrganization) == (k.IntegrationID != "")
}

// Keys returns those of a flow's keys that count: the instance's, or for ORGANIZATION the integration's.
func (s FlowSecurity) Keys(own, shared []FlowKey) []FlowKey {
	if s == SecurityOrganization {
		return shared
	}
	return own
}

// Locked reports whether a flow that has so many keys that count lets nobody in.
func (s FlowSecurity) Locked(keys int) bool {
	return keys == 0 && (s == SecurityCustomerRequired || s == SecurityOrganization)
}
