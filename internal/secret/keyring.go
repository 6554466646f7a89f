package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Errors of Open and Verify, to be asked for with errors.Is.
var (
	// ErrUnknownKey says that a value was sealed with a key that this keyring
	// does not hold.
	ErrUnknownKey = errors.New("sealed with a key that is not in the key file")
	// ErrTampered says that a sealed value is damaged, altered, or was moved
	// from the place it was sealed for.
	ErrTampered = errors.New("sealed value is damaged or belongs to another place")
	// ErrMalformed says that a text is not a sealed value at all.
	ErrMalformed = errors.New("not a sealed value")
)

const (
	sealVersion = "v1"
	keySize     = 32
	// checkPlace is the place the key-check value is sealed for. No other
	// place may have this name.
	checkPlace = "headrace|key-check"
	checkWord  = "headrace"
)

// sealEncoding is strict, so that each sealed value has exactly one spelling.
var sealEncoding = base64.RawURLEncoding.Strict()

// Keyring seals values with its primary key and opens what any of its keys
// sealed. It is safe for concurrent use.
//
// A sealed value is text: version, key id, and the nonce with the AES-256-GCM
// ciphertext in base64. Nonces are random, 96 bits wide; a key is good for 2^32
// values.
type Keyring struct {
	path    string
	primary string
	root    []byte // of the primary key, for Derive
	keys    map[string]cipher.AEAD
}

type key struct {
	id  string
	key []byte
}

func newKeyring(path string, keys []key) (*Keyring, error) {
	kr := &Keyring{path: path, primary: keys[0].id, root: keys[0].key, keys: make(map[string]cipher.AEAD, len(keys))}
	for _, k := range keys {
		block, err := aes.NewCipher(k.key)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.id, err)
		}
		if kr.keys[k.id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("key %s: %w", k.id, err)
		}
	}
	return kr, nil
}

// Derive returns 32 bytes for a purpose other than sealing, such as signing
// page tokens. The same key file and purpose give the same bytes.
func (kr *Keyring) Derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, kr.root, nil, "headrace|"+purpose, sha256.Size)
}

// Seal encrypts plaintext for the place that aad names, such as
// "instance|field|revision". Only Open with the same aad gives it back, so a
// sealed value copied to another place is of no use there.
func (kr *Keyring) Seal(plaintext []byte, aad string) string {
	head := sealVersion + "." + kr.primary
	ciphertext := kr.keys[kr.primary].Seal(nil, nil, plaintext, place(head, aad))
	return head + "." + sealEncoding.EncodeToString(ciphertext)
}

// Open decrypts what Seal made for the same aad. Its error never holds a part
// of the value and is one of ErrMalformed, ErrUnknownKey and ErrTampered.
func (kr *Keyring) Open(sealed, aad string) ([]byte, error) {
	id, ciphertext, err := parseSealed(sealed)
	if err != nil {
		return nil, fmt.Errorf("open sealed value: %w", err)
	}
	aead, ok := kr.keys[id]
	if !ok {
		return nil, fmt.Errorf("open sealed value: key %s: %w", id, ErrUnknownKey)
	}
	plaintext, err := aead.Open(nil, nil, ciphertext, place(sealVersion+"."+id, aad))
	if err != nil {
		return nil, fmt.Errorf("open sealed value: key %s: %w", id, ErrTampered)
	}
	return plaintext, nil
}

// Check returns a key-check value: kept beside the sealed values, it lets
// Verify tell at the next start whether the key file is the right one.
func (kr *Keyring) Check() string { return kr.Seal([]byte(checkWord), checkPlace) }

// Verify reports whether the keyring can open what was sealed by the keyring
// that made check.
func (kr *Keyring) Verify(check string) error {
	plaintext, err := kr.Open(check, checkPlace)
	switch {
	case errors.Is(err, ErrMalformed):
		return fmt.Errorf("key-check value of the database is damaged: restore the database from a backup: %w", err)
	case err != nil:
		return fmt.Errorf("key file %s does not fit the database: restore the key file that was in use when the database was made: %w", kr.path, err)
	case string(plaintext) != checkWord:
		return fmt.Errorf("key file %s: key-check value: %w", kr.path, ErrTampered)
	}
	return nil
}

// place binds the version and the key id to the ciphertext as well; the head
// has no "|", hence no other pair of head and aad makes the same bytes.
func place(head, aad string) []byte { return []byte(head + "|" + aad) }

func parseSealed(sealed string) (id string, ciphertext []byte, err error) {
	version, rest, ok := strings.Cut(sealed, ".")
	if !ok {
		return "", nil, ErrMalformed
	}
	if version != sealVersion {
		return "", nil, fmt.Errorf("unknown version: it may come from a newer release: %w", ErrMalformed)
	}
	id, encoded, ok := strings.Cut(rest, ".")
	if !ok || !validKeyID(id) || strings.ContainsAny(encoded, "\r\n") {
		return "", nil, ErrMalformed
	}
	if ciphertext, err = sealEncoding.DecodeString(encoded); err != nil {
		return "", nil, ErrMalformed
	}
	return id, ciphertext, nil
}

func newKey() key {
	k := key{key: make([]byte, keySize)}
	var id [5]byte
	_, _ = rand.Read(k.key) // never fails, see Token
	_, _ = rand.Read(id[:])
	k.id = tokenEncoding.EncodeToString(id[:])
	return k
}

// validKeyID keeps ids to what is safe in a sealed value and in an error.
func validKeyID(id string) bool {
	if id == "" || len(id) > 32 {
		return false
	}
	return strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
