package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/headrace/headrace/internal/ipaas"
)

// etagOwner is how many bytes of the digest of a uid an etag holds.
const etagOwner = 6

// etagOf returns the etag of a resource: opaque text made of whose it is and which revision.
func etagOf(uid string, revision int64) string {
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(owner(uid), uint64(revision)))
}

func owner(uid string) []byte {
	sum := sha256.Sum256([]byte(uid))
	return sum[:etagOwner:etagOwner]
}

// parseEtag returns the revision an etag stands for, and whose it is. ok is false for a text that is no etag.
func parseEtag(etag string) (revision int64, owner string, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(etag)
	if err != nil || len(raw) <= etagOwner {
		return 0, "", false
	}
	n, size := binary.Uvarint(raw[etagOwner:])
	if size != len(raw)-etagOwner || n == 0 || n > 1<<62 {
		return 0, "", false
	}
	return int64(n), string(raw[:etagOwner]), true
}

// A subject is the resource whose etag a caller sent.
type subject struct {
	noun string
	id   string
	uid  func() (string, error) // reads the resource
}

// base returns the revision that an etag stands for, 0 for none. An etag that is none, or is another resource's, is as stale as an
// old one. A resource that is not there is left to the plane to tell: the call may be the repetition of an answered request.
func base(etag string, s subject) (int64, error) {
	if etag == "" {
		return 0, nil
	}
	revision, whose, ok := parseEtag(etag)
	if !ok {
		return 0, ipaas.Stale(s.noun, s.id)
	}
	uid, err := s.uid()
	switch {
	case isNotFound(err):
		return revision, nil
	case err != nil:
		return 0, err
	case whose != string(owner(uid)):
		return 0, ipaas.Stale(s.noun, s.id)
	}
	return revision, nil
}
