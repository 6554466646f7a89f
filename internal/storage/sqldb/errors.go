package sqldb

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// LibraryError says that the SQLite that was linked in is one that can damage files.
type LibraryError struct {
	Have, Need string
}

func (e *LibraryError) Error() string {
	return fmt.Sprintf("the linked SQLite %s can damage files: build with %s or later", e.Have, e.Need)
}

// SchemaError says that a newer version of the product has written the file.
type SchemaError struct {
	Path        string
	Have, Known int64 // schema versions
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("%s has schema version %d, and this binary knows versions up to %d: start a newer binary, or restore a backup made before the upgrade, "+
		"such as %s: %s", e.Path, e.Have, e.Known, beforeUpgrade(e.Path, e.Have), howToRestore(beforeUpgrade(e.Path, e.Have), e.Path))
}

// FormatError says that a file is no database, not one of ours, or damaged.
type FormatError struct {
	Path string
	Err  error // may be nil
}

func (e *FormatError) Error() string {
	if e.Err == nil {
		return e.Path + " is no database of Headrace: name another file, or restore a backup: " + howToRestore("BACKUP", e.Path)
	}
	return fmt.Sprintf("%s cannot be read as a database: restore a backup: %s: %v", e.Path, howToRestore("BACKUP", e.Path), e.Err)
}

// howToRestore is the command that puts a backup in the place of a file.
func howToRestore(backup, path string) string {
	return fmt.Sprintf("headrace-server restore %s --data-dir %s --force", backup, filepath.Dir(path))
}

func (e *FormatError) Unwrap() error { return e.Err }

// InUseError says that another process works on the file.
type InUseError struct {
	Path string
	PID  int // 0: unknown
}

func (e *InUseError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("%s is in use by %s: stop it first, or name another file", e.Path, who)
}

// KeyError says that the key file does not open what is sealed in the file.
type KeyError struct {
	Path string
	Err  error
}

func (e *KeyError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

func (e *KeyError) Unwrap() error { return e.Err }

// DiskError says that the disk does not let the file be read, written or synced.
type DiskError struct {
	Path string
	Err  error
}

func (e *DiskError) Error() string {
	return fmt.Sprintf("%s cannot be used: check the disk, its free space, and that the directory may be written: %v", e.Path, e.Err)
}

func (e *DiskError) Unwrap() error { return e.Err }

// UnfinishedError says that a restore was cut short after it had begun to replace the file.
type UnfinishedError struct{ Path string }

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("%s was being replaced by a backup when that was cut short: restore it again: %s", e.Path, howToRestore("BACKUP", e.Path))
}

// panicError is what the caller of a step that panicked gets. Its neighbours never hear of it.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("a storage step panicked: %v\n%s", e.value, e.stack)
}

func errClosed() error {
	return &ipaas.Error{Kind: ipaas.Unavailable, Reason: ipaas.ReasonShuttingDown, Message: "the store is closed: the server is shutting down"}
}

func errFailed(cause error) error {
	return &ipaas.Error{
		Kind: ipaas.Unavailable, Reason: ipaas.ReasonStorageFailed,
		Message: "the store has failed and refuses all work until the server is started again", Err: cause,
	}
}

func errFull(cause error) error {
	return &ipaas.Error{
		Kind: ipaas.Unavailable, Reason: ipaas.ReasonStorageFull, RetryAfter: retryWhenFull,
		Message: "the disk is full or the file may not be written: free some space, nothing was changed", Err: cause,
	}
}

func errBusy(cause error) error {
	return &ipaas.Error{
		Kind: ipaas.Unavailable, Reason: ipaas.ReasonStorageBusy, RetryAfter: retryWhenBusy,
		Message: "the store has more to write than it can take: try again in a moment, nothing was changed", Err: cause,
	}
}

// errSlow is what a read gets that took longer than reads may: while it goes on, the log cannot be brought into the file.
func errSlow(limit time.Duration) error {
	return &ipaas.Error{
		Kind: ipaas.Unavailable, Reason: ipaas.ReasonStorageBusy, RetryAfter: retryWhenBusy,
		Message: fmt.Sprintf("the store did not answer within %v: ask for less, or try again in a moment", limit), Err: context.DeadlineExceeded,
	}
}

// moved is the error for a step that would go on from a state the row is not in any more.
func moved(noun, id, is, should string) error {
	return &ipaas.Error{
		Kind: ipaas.Conflict, Reason: ipaas.ReasonStaleEtag,
		Message: fmt.Sprintf("%s %q is %s, not %s: read it again", noun, id, is, should),
		Meta:    map[string]string{"resource": noun, "id": id, "state": is},
	}
}

func inUse(noun, id, by string) error {
	return &ipaas.Error{
		Kind: ipaas.Precondition, Reason: ipaas.ReasonInUse,
		Message: fmt.Sprintf("%s %q is in use by %s: remove that first", noun, id, by),
		Meta:    map[string]string{"resource": noun, "id": id, "used_by": by},
	}
}

// checkRevision compares the revision a caller has seen with the stored one; 0 fits always.
func checkRevision(noun, id string, stored, base int64) error {
	if base != 0 && base != stored {
		return ipaas.Stale(noun, id)
	}
	return nil
}
