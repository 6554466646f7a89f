package builtin

import (
	byteorder "encoding/binary" // binary is a condition here
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
