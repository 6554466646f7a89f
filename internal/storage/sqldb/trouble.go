package sqldb

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// trouble is a kind of error of the driver.
type trouble int

const (
	troubleOther     trouble = iota
	troubleStatement         // the statement makes no sense here, e.g. there is no transaction to end
	troubleBusy              // someone else holds the file
	troubleFull              // no room, or no permission to write
	troubleBroken            // a rule of the schema was broken
	troubleCorrupt           // the file is damaged
	troubleDisk              // the disk fails
)

// classify reads the driver's code, never its words.
func classify(err error) trouble {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return troubleOther
	}
	switch e.Code() {
	case sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP:
		return troubleFull // the index of the log could not grow
	case sqlite3.SQLITE_IOERR_NOMEM:
		return troubleOther
	case sqlite3.SQLITE_IOERR_DATA:
		return troubleCorrupt // a page that is not as it was written
	}
	switch e.Code() & 0xff { // the rest of the code tells more than anybody asks
	case sqlite3.SQLITE_ERROR:
		return troubleStatement
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return troubleBusy
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY:
		return troubleFull
	case sqlite3.SQLITE_CONSTRAINT:
		return troubleBroken
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return troubleCorrupt
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return troubleDisk
	default:
		return troubleOther
	}
}

// explained says in words what SQLite has only a number for.
func explained(err error) error {
	if e := new(sqlite.Error); errors.As(err, &e) && e.Code() == sqlite3.SQLITE_IOERR_DATA {
		return fmt.Errorf("a page is not as it was written: the disk has damaged it, or another program has changed the file: %w", err)
	}
	return err
}

// nothingDurable reports whether a commit that ended with err certainly left nothing on the disk. An error of the disk itself
// does not: the commit may have been written and only the answer lost.
func nothingDurable(err error) bool {
	switch classify(err) {
	case troubleStatement, troubleBusy, troubleFull, troubleBroken:
		return true
	default:
		return false
	}
}
