// Package secret keeps what must not be seen: it seals values at rest, makes
// and hashes tokens, and takes secrets out of text before it is stored, logged
// or shown.
//
// It does not know where a sealed value is kept, whose it is, or who may read
// it: the place comes in as additional data, the rest is the caller's.
package secret
