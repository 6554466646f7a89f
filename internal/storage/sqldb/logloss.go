package sqldb

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/headrace/headrace/internal/storage/sqldb/pagesum"
)

// SQLite ends its log where the first frame does not fit its sum, and forgets in silence what comes after: it cannot tell damage
// from a transaction that a crash cut off. Mostly one can. What follows reads the log before SQLite does and refuses one that held
// more than it holds. The formats: https://sqlite.org/walformat.html
const (
	logHeaderSize   = 32
	frameHeaderSize = 24
	logMagic        = 0x377f0682 // for little-endian sums; one more for big-endian ones
	saltSize        = 8
	indexSize       = 48 // of the header of the index, which is there twice
)

// writeAhead is what a log says of itself.
type writeAhead struct {
	salt      []byte          // tells its frames from those of earlier rounds; nil when there is no header that holds
	committed uint32          // frames up to the end of the last whole transaction
	pages     map[uint32]bool // that those frames hold
	size      uint32          // of the database after them, in pages
	later     int             // transactions behind the first frame that does not fit
	empty     bool            // no file, or only zeros: nothing was ever synced into it
}

// checkLog refuses a log that has certainly lost a transaction whose commit was answered, and a database that has lost pages which
// the log does not hold.
func checkLog(path string) error {
	log, err := readLog(path + "-wal")
	if err != nil {
		return err
	}
	frames, salt, err := readIndex(path + "-shm")
	if err != nil {
		return err
	}
	lost := func(format string, a ...any) error {
		return &FormatError{Path: path, Err: fmt.Errorf("its log %s-wal is damaged: "+format, append([]any{path}, a...)...)}
	}
	switch {
	case log.salt == nil && !log.empty:
		return lost("its header is not whole")
	case frames > log.committed && (log.salt == nil || bytes.Equal(salt, log.salt)):
		return lost("%d of %d frames can be read", log.committed, frames)
	case log.later > 1: // a crash cuts off one transaction at most, since every commit waits for the disk
		return lost("%d transactions stand behind a frame that cannot be read", log.later)
	case log.committed == 0:
		return nil // what there is besides is SQLite's to check
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	for page := uint32(info.Size()/pagesum.PageSize) + 1; page <= log.size; page++ {
		if !log.pages[page] {
			return &FormatError{Path: path, Err: fmt.Errorf("the file ends before page %d of %d", page, log.size)}
		}
	}
	return nil
}

// readLog reads a log from end to end.
func readLog(name string) (writeAhead, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return writeAhead{empty: true}, nil
	}
	if err != nil {
		return writeAhead{}, err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 1<<20)
	header := make([]byte, logHeaderSize)
	if _, err := io.ReadFull(r, header); err != nil {
		return writeAhead{empty: true}, unlessEnd(err)
	}
	var sum logSum
	if magic := binary.BigEndian.Uint32(header); magic&^1 == logMagic {
		sum.order = binary.ByteOrder(binary.LittleEndian)
		if magic&1 == 1 {
			sum.order = binary.BigEndian
		}
		sum.add(header[:24])
	}
	if sum.order == nil || !sum.is(header[24:]) || binary.BigEndian.Uint32(header[8:]) != pagesum.PageSize {
		empty, err := onlyZeros(header, r)
		return writeAhead{empty: empty}, err
	}
	return readFrames(r, header[16:24], sum)
}

// readFrames reads what comes after the header.
func readFrames(r io.Reader, salt []byte, sum logSum) (writeAhead, error) {
	log := writeAhead{salt: salt, pages: map[uint32]bool{}}
	frame, intact, pending := make([]byte, frameHeaderSize+pagesum.PageSize), true, []uint32(nil)
	for n := uint32(1); ; n++ {
		if _, err := io.ReadFull(r, frame); err != nil {
			return log, unlessEnd(err)
		}
		size, ours := binary.BigEndian.Uint32(frame[4:]), bytes.Equal(frame[8:16], salt)
		sum.add(frame[:8])
		sum.add(frame[frameHeaderSize:])
		intact = intact && ours && sum.is(frame[16:frameHeaderSize])
		switch {
		case !intact && ours && size != 0:
			log.later++
		case intact:
			pending = append(pending, binary.BigEndian.Uint32(frame))
		}
		if !intact || size == 0 { // a frame with a size ends a transaction
			continue
		}
		for _, page := range pending {
			log.pages[page] = true
		}
		log.committed, log.size, pending = n, size, pending[:0]
	}
}

// readIndex returns how many frames of which log SQLite had on disk when it was last heard of. The index is made anew when the
// file is opened; until then it is a witness, if the machine has not been off. One that is not whole says nothing.
func readIndex(name string) (frames uint32, salt []byte, err error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	defer file.Close()
	header := make([]byte, 2*indexSize)
	if _, err := io.ReadFull(file, header); err != nil {
		return 0, nil, unlessEnd(err)
	}
	one, two := header[:indexSize], header[indexSize:]
	sum := logSum{order: binary.NativeEndian}
	sum.add(one[:40])
	if !bytes.Equal(one, two) || one[12] == 0 || sum.s0 != binary.NativeEndian.Uint32(one[40:]) || sum.s1 != binary.NativeEndian.Uint32(one[44:]) {
		return 0, nil, nil
	}
	return binary.NativeEndian.Uint32(one[16:]), one[32 : 32+saltSize], nil
}

// logSum is the sum that runs through a log.
type logSum struct {
	order interface{ Uint32(b []byte) uint32 }
	s0    uint32
	s1    uint32
}

func (s *logSum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		s.s0 += s.order.Uint32(b) + s.s1
		s.s1 += s.order.Uint32(b[4:]) + s.s0
	}
}

// is reports whether the sum so far is the one that was written.
func (s *logSum) is(written []byte) bool {
	return s.s0 == binary.BigEndian.Uint32(written) && s.s1 == binary.BigEndian.Uint32(written[4:])
}

func onlyZeros(head []byte, r io.Reader) (bool, error) {
	for b := head; ; {
		if len(bytes.Trim(b, "\x00")) > 0 {
			return false, nil
		}
		b = make([]byte, pagesum.PageSize)
		n, err := r.Read(b)
		if err != nil {
			return true, unlessEnd(err)
		}
		b = b[:n]
	}
}

// unlessEnd drops the error of a file that ends.
func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
