package builtin

import (
	byteorder "encoding/binary" // binary is a condition here
	"math/bits"
	"slices"
)

// blockSize is the bytes of a block of SM3 and of Whirlpool.
const blockSize = 64

// blockHash is a hash of eight words that takes in a message block by block. What is behind the message is a bit that is set, zeros, and
// how many bits the message has.
type blockHash[W uint32 | uint64] struct {
	compress func(state *[8]W, block []byte)
	begin    [8]W
	length   int // bytes of the number that ends the last block

	state [8]W
	rest  []byte // less than a block
	taken uint64 // bytes
}

func (h *blockHash[W]) Write(p []byte) (int, error) {
	n := len(p)
	h.taken += uint64(n)
	if len(h.rest) > 0 {
		k := min(blockSize-len(h.rest), n)
		h.rest, p = append(h.rest, p[:k]...), p[k:]
		if len(h.rest) < blockSize {
			return n, nil
		}
		h.compress(&h.state, h.rest)
		h.rest = h.rest[:0]
	}
	for ; len(p) >= blockSize; p = p[blockSize:] {
		h.compress(&h.state, p[:blockSize])
	}
	h.rest = append(h.rest, p...)
	return n, nil
}

// Sum implements hash.Hash: more may be written afterwards.
func (h *blockHash[W]) Sum(b []byte) []byte {
	end := append(slices.Clone(h.rest), 0x80)
	for (len(end)+h.length)%blockSize != 0 {
		end = append(end, 0)
	}
	end = append(end, make([]byte, h.length-8)...) // no message has 2^64 bits
	end = byteorder.BigEndian.AppendUint64(end, h.taken*8)
	state := h.state
	for block := range slices.Chunk(end, blockSize) {
		h.compress(&state, block)
	}
	for _, word := range state {
		for shift := h.Size() - 8; shift >= 0; shift -= 8 { // a word has as many bits as eight have bytes
			b = append(b, byte(word>>shift))
		}
	}
	return b
}

func (h *blockHash[W]) Reset() { h.state, h.rest, h.taken = h.begin, h.rest[:0], 0 }

func (h *blockHash[W]) Size() int { return byteorder.Size(h.state) }

func (h *blockHash[W]) BlockSize() int { return blockSize }

// newSM3 returns the hash that Chinese law asks for (GB/T 32905-2016).
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

// newWhirlpool returns the hash of ISO/IEC 10118-3.
func newWhirlpool() *blockHash[uint64] {
	return &blockHash[uint64]{compress: compressWhirlpool, length: 32}
}

// whirlpoolRows is what a byte of a block adds to its row, if it stands first there: what is substituted for it, times 1, 1, 4, 1, 8, 5, 2, 9
// in the field of x^8+x^4+x^3+x^2+1. Whatever is first is the substitute itself.
var whirlpoolRows = func() (rows [256]uint64) {
	forth := [16]byte{1, 11, 9, 12, 13, 6, 15, 3, 14, 8, 7, 4, 10, 2, 5, 0}
	mixed := [16]byte{7, 12, 11, 13, 14, 4, 9, 15, 6, 3, 8, 10, 2, 5, 1, 0}
	var back [16]byte
	for i, v := range forth {
		back[v] = byte(i)
	}
	for i := range rows {
		high, low := forth[i>>4], back[i&15]
		middle := mixed[high^low]
		substitute := forth[high^middle]<<4 | back[low^middle]
		for _, factor := range [8]byte{1, 1, 4, 1, 8, 5, 2, 9} {
			rows[i] = rows[i]<<8 | uint64(timesInField(substitute, factor))
		}
	}
	return rows
}()

func timesInField(a, b byte) (product byte) {
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			product ^= a
		}
		carry := a >> 7
		a = a<<1 ^ carry*0x1d
	}
	return product
}

func compressWhirlpool(state *[8]uint64, block []byte) {
	key := *state
	var text [8]uint64
	for i := range text {
		text[i] = byteorder.BigEndian.Uint64(block[8*i:]) ^ key[i]
		state[i] ^= byteorder.BigEndian.Uint64(block[8*i:])
	}
	for round := range 10 {
		key = mixWhirlpool(&key)
		for i := range 8 {
			key[0] ^= whirlpoolRows[8*round+i] >> 56 << (56 - 8*i)
		}
		text = mixWhirlpool(&text)
		for i := range text {
			text[i] ^= key[i]
		}
	}
	for i := range text {
		state[i] ^= text[i]
	}
}

// mixWhirlpool mixes the bytes of all rows. The one in a row's column n comes from n rows above.
func mixWhirlpool(rows *[8]uint64) (mixed [8]uint64) {
	for i := range mixed {
		var row uint64
		for column := range 8 {
			b := byte(rows[(i-column)&7] >> (56 - 8*column))
			row ^= bits.RotateLeft64(whirlpoolRows[b], -8*column)
		}
		mixed[i] = row
	}
	return mixed
}
