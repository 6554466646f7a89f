// Package access knows how the flows of an instance are reached: at which URLs, and with which keys. Both are secrets: it seals them, opens
// them where a flow or its owner has to see them, and takes them out of what is stored. It must not know who is let in, nor what happens then.
package access

import (
	"net/url"

	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
)

// Keeper makes the URLs and the keys of flows, and opens those that are stored.
type Keeper struct {
	store     storage.Store
	keys      *secret.Keyring
	publicURL *url.URL
}

// NewKeeper returns a keeper of what a store holds. publicURL is where hooks can be reached, e.g. https://hooks.example.com.
func NewKeeper(store storage.Store, keys *secret.Keyring, publicURL *url.URL) *Keeper {
	return &Keeper{store: store, keys: keys, publicURL: publicURL}
}
