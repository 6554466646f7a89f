package builtin

import (
	byteorder "encoding/binary"
	"math/bits"
)

// newWhirlpool returns the hash of ISO/IEC 10118-3.
func newWhirlpool() *blockHash[uint64] {
	return &blockHash[uint64]{compress: compressWhirlpool, length: 32}
}

// whirlpoolRows is what each byte adds to a row if it stands first there: the byte that is put in its place, times 1, 1, 4, 1, 8, 5, 2 and 9
// in the field of x^8+x^4+x^3+x^2+1. Elsewhere in the row it adds the same, turned by as many bytes.
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
		placed := forth[high^middle]<<4 | back[low^middle]
		for _, factor := range [8]byte{1, 1, 4, 1, 8, 5, 2, 9} {
			rows[i] = rows[i]<<8 | uint64(timesInField(placed, factor))
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
		for i := range 8 { // what differs from round to round: the bytes that are put in the place of others, in their order
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
