package sqldb

import (
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// disk knows whether there is room to write, and holds a ballast: a file that does nothing but take room. When the disk is full it
// is thrown off first, so that what makes room can still be done; what needs room is refused until the ballast can be laid again.
type disk struct {
	ballast string // the file
	size    int64  // 0: no ballast
	logger  *slog.Logger
	full    atomic.Pointer[fullError] // what the disk said when it was last found full; nil: there is room
}

type fullError struct{ error }

// probeSize is how much must fit on the disk for it to count as having room where there is no ballast.
const probeSize = 64 << 10

// ballastPath returns the file beside a database, e.g. headrace.ballast.
func ballastPath(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".ballast"
}

func newDisk(path string, size int64, logger *slog.Logger) *disk {
	return &disk{ballast: ballastPath(path), size: size, logger: logger}
}

// isFull notes that the disk has said so, and makes some room.
func (d *disk) isFull(err error) {
	if !d.full.CompareAndSwap(nil, &fullError{err}) {
		return
	}
	d.logger.Error("the disk is full or may not be written: what needs room is refused until there is some", "path", d.ballast, "error", err)
	d.throwOff()
}

// throwOff removes the ballast and reports whether there was one.
func (d *disk) throwOff() bool {
	err := os.Remove(d.ballast)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.logger.Error("throw off the ballast", "error", err)
	}
	return err == nil
}

// room is the error for what needs room while there is none. Without a ballast anything may try: there is no room set aside that
// it could take away from what makes room.
func (d *disk) room(reclaims bool) error {
	if reclaims || d.size == 0 {
		return nil
	}
	return d.state()
}

// state is the error that tells that the disk is full.
func (d *disk) state() error {
	if full := d.full.Load(); full != nil {
		return errFull(full.error)
	}
	return nil
}

// look finds out whether a full disk has room again: as much as the ballast takes and the same once more. That the ballast itself
// fits says nothing, since it was there when the disk was full.
func (d *disk) look() {
	if d.full.Load() == nil {
		return
	}
	if err := d.lay(max(d.size, probeSize)); err != nil {
		return // still full
	}
	d.full.Store(nil)
	d.logger.Info("the disk has room again", "path", d.ballast)
}

// lay makes sure that the ballast is there, and that so much more would fit. Without a ballast nothing stays.
func (d *disk) lay(more int64) error {
	file, err := os.OpenFile(d.ballast, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && (more > 0 || info.Size() != d.size) {
		err = fill(file, d.size+more)
	}
	if err == nil {
		err = file.Truncate(d.size)
	}
	if err = errors.Join(err, file.Close()); err != nil || d.size == 0 {
		return errors.Join(err, os.Remove(d.ballast)) // half a ballast is none
	}
	return nil
}

// fill writes noise, since a file system may keep zeros without giving them room.
func fill(file *os.File, size int64) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	noise := rand.NewChaCha8([32]byte{'b', 'a', 'l', 'l', 'a', 's', 't'})
	block := make([]byte, 64<<10)
	for at := int64(0); at < size; at += int64(len(block)) {
		block = block[:min(int64(len(block)), size-at)]
		_, _ = noise.Read(block) // never fails
		if _, err := file.WriteAt(block, at); err != nil {
			return err
		}
	}
	return file.Sync()
}
