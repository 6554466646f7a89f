package builtin

import (
	"bytes"
	"encoding/hex"
	"hash"
	"strings"
	"testing"
)

// TestBlockHashes hashes messages of every length up to a few blocks, each at once and in pieces between which it looks at the sum. What is
// wanted is the hash of all the sums, by OpenSSL.
func TestBlockHashes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		new  func() hash.Hash
		want string
	}{
		{"sm3", func() hash.Hash { return newSM3() }, "3eceedcd0331ac6260cc5147206dcb8eeba6cf4a7d74fa26cbdb227969dc9385"},
		{
			"whirlpool", func() hash.Hash { return newWhirlpool() },
			"5fb709e973ce27f8217d1cb03ed166b4bd4674d3ed293f85702ba3d9bf45165db3f05135074d9244bb75f02c7c03e2d308c3e86a4f7d763a2788890c2ecd3e6f",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all, pieces := tt.new(), tt.new()
			for n := range 200 {
				message := []byte(strings.Repeat("x", n))
				whole := tt.new()
				whole.Write(message)
				sum := whole.Sum(nil)
				all.Write(sum)
				pieces.Reset()
				for rest := message; len(rest) > 0; {
					k := min(len(rest), 1+n*7%90)
					pieces.Write(rest[:k])
					pieces.Sum(nil)
					rest = rest[k:]
				}
				if got := pieces.Sum([]byte("before")); !bytes.Equal(got, append([]byte("before"), sum...)) {
					t.Errorf("%d bytes in pieces: %x, at once %x", n, got, sum)
				}
			}
			if got := hex.EncodeToString(all.Sum(nil)); got != tt.want {
				t.Errorf("the hash of all sums is %s, want %s", got, tt.want)
			}
		})
	}
}
