// Package pagesum gives every page of an SQLite file a checksum, so that a bit that flipped on the disk is an error and not an
// answer: SQLite itself sees damage to its structure, never to what it keeps. The sum lies in bytes that SQLite leaves free at
// the end of each page of a file that was begun with FirstPage; it is written with the page and checked when the page is read
// through the VFS of this package.
// It must not know what is kept in a file.
package pagesum

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// PageSize is the size of a page in files that have sums.
const PageSize = 4096

// Reserved is how many bytes a sum takes: the number of the page, then the CRC-32C of what is before.
const Reserved = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal writes the sum of a page into it. Pages are numbered from 1.
func Seal(page []byte, number uint32) {
	end := page[PageSize-Reserved:]
	binary.BigEndian.PutUint32(end, number)
	binary.BigEndian.PutUint32(end[4:], crc32.Checksum(page[:PageSize-4], castagnoli))
}

// Intact reports whether a page is the one with the number and has the sum that it was sealed with.
func Intact(page []byte, number uint32) bool {
	end := page[PageSize-Reserved:]
	return binary.BigEndian.Uint32(end) == number &&
		binary.BigEndian.Uint32(end[4:]) == crc32.Checksum(page[:PageSize-4], castagnoli)
}

// Offsets in the first page of a file: https://sqlite.org/fileformat2.html#the_database_header
const (
	offsetPageSize      = 16
	offsetFormats       = 18 // one for writing, one for reading
	offsetReserved      = 20
	offsetFractions     = 21
	offsetChangeCounter = 24
	offsetPages         = 28
	offsetSchemaFormat  = 44
	offsetLargestRoot   = 52
	offsetEncoding      = 56
	offsetIncremental   = 64
	offsetApplication   = 68
	offsetValidFor      = 92
	offsetTree          = 100
)

// Room tells from the first bytes of a file whether its pages have room for sums. A damaged byte does not hide it.
func Room(head []byte) bool {
	if len(head) < PageSize || string(head[:len(magic)]) != magic {
		return false
	}
	if head[offsetReserved] == Reserved {
		return true
	}
	mended := bytes.Clone(head[:PageSize])
	mended[offsetReserved] = Reserved
	return Intact(mended, 1)
}

const magic = "SQLite format 3\x00"

// FirstPage is the whole of a database that has no tables yet: one with room for sums, in WAL mode, with incremental vacuum.
// There is no statement that would make SQLite leave room.
func FirstPage(application uint32) []byte {
	page := make([]byte, PageSize)
	number := func(offset int, n uint32) { binary.BigEndian.PutUint32(page[offset:], n) }
	copy(page, magic)
	binary.BigEndian.PutUint16(page[offsetPageSize:], PageSize)
	copy(page[offsetFormats:], []byte{2, 2, Reserved, 64, 32, 32})
	number(offsetChangeCounter, 1)
	number(offsetPages, 1)
	number(offsetSchemaFormat, 4)
	number(offsetLargestRoot, 1)
	number(offsetEncoding, 1) // UTF-8
	number(offsetIncremental, 1)
	number(offsetApplication, application)
	number(offsetValidFor, 1)
	page[offsetTree] = 0x0d // an empty leaf, whose cells would grow down from where the sum begins
	binary.BigEndian.PutUint16(page[offsetTree+5:], PageSize-Reserved)
	Seal(page, 1)
	return page
}
