package builtin

import (
	byteorder "encoding/binary"
	"math/bits"
)

// newSM3 returns the hash of the Chinese standard GB/T 32905-2016.
func newSM3() *blockHash[uint32] {
	h := &blockHash[uint32]{compress: compressSM3, length: 8, begin: [8]uint32{
		0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
	}}
	h.Reset()
	return h
}

func compressSM3(state *[8]uint32, block []byte) {
	var words [68]uint32
	for i := range 16 {
		words[i] = byteorder.BigEndian.Uint32(block[4*i:])
	}
	for i := 16; i < len(words); i++ {
		x := words[i-16] ^ words[i-9] ^ bits.RotateLeft32(words[i-3], 15)
		x ^= bits.RotateLeft32(x, 15) ^ bits.RotateLeft32(x, 23)
		words[i] = x ^ bits.RotateLeft32(words[i-13], 7) ^ words[i-6]
	}
	a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
	for i := range 64 {
		constant, one, two := uint32(0x79cc4519), a^b^c, e^f^g
		if i >= 16 {
			constant, one, two = 0x7a879d8a, a&b|a&c|b&c, e&f|^e&g
		}
		turned := bits.RotateLeft32(a, 12)
		s := bits.RotateLeft32(turned+e+bits.RotateLeft32(constant, i), 7)
		one += d + (s ^ turned) + (words[i] ^ words[i+4])
		two += h + s + words[i]
		a, b, c, d = one, a, bits.RotateLeft32(b, 9), c
		e, f, g, h = two^bits.RotateLeft32(two, 9)^bits.RotateLeft32(two, 17), e, bits.RotateLeft32(f, 19), g
	}
	for i, word := range [8]uint32{a, b, c, d, e, f, g, h} {
		state[i] ^= word
	}
}
