package sqldb

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// fileLock keeps a second process away from a file. It is a lock on a file beside it, which stays: removing it would let two
// processes hold locks on two files of one name. It names the process that has the store open, and says so when that has closed it: the
// next one knows of a crash.
type fileLock struct {
	file      *os.File
	abandoned bool // whoever had the store before did not close it
}

func acquireLock(path string) (*fileLock, error) {
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	lock := &fileLock{file: file}
	taken, err := lockFile(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", file.Name(), err), file.Close())
	}
	if !taken {
		return nil, errors.Join(&InUseError{Path: path, PID: readPID(file)}, file.Close())
	}
	lock.abandoned = readPID(file) != 0
	if err := writeLine(file, strconv.Itoa(os.Getpid())); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", file.Name(), err), lock.release())
	}
	return lock, nil
}

// release lets go of the lock by name: closing the file alone would leave it with a child process that is just being started.
func (l *fileLock) release() error {
	var err error
	if !l.abandoned {
		err = writeLine(l.file, strconv.Itoa(os.Getpid())+" closed")
	}
	return errors.Join(err, unlockFile(l.file), l.file.Close())
}

// readPID returns the id of the process that has the store open, or 0 when it has not written it yet or has closed the store.
func readPID(file *os.File) int {
	text, err := io.ReadAll(io.LimitReader(file, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

func writeLine(file *os.File, line string) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(line+"\n"), 0)
	return err
}
