package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
)

// TokenLength is the number of characters of a Token.
const TokenLength = 32

// tokenEncoding is base32 in lower case: safe in a URL, a host name and a
// spreadsheet, and the same after a system has changed its case.
var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Token returns 160 random bits as 32 lower-case letters and digits.
func Token() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime aborts when there is no randomness
	return tokenEncoding.EncodeToString(b[:])
}

// Hash returns the SHA-256 of a token in hex: what is stored to look it up by.
// It is fit for tokens, which are random and long, and not for passwords.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
