package ipaas

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of wrong an error is. The set is closed: a new Kind needs a row in every face's table.
type Kind string

// The kinds.
const (
	NotFound        Kind = "not found"
	Unauthenticated Kind = "unauthenticated" // who asks did not show that he may
	Gone            Kind = "gone"            // it was here, and will not be again under this name
	Invalid         Kind = "invalid"
	Exists          Kind = "already exists"
	Conflict        Kind = "conflict" // someone else was quicker: stale or busy
	Precondition    Kind = "failed precondition"
	Exhausted       Kind = "resource exhausted" // a limit; later may work
	Unavailable     Kind = "unavailable"        // not now; the same call may work in a moment
)

// Error lets a Kind stand as the target of errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is the only error whose words may leave the house.
type Error struct {
	Kind       Kind
	Reason     Reason            // stable, for machines
	Message    string            // for people: the thing, the trouble, the way out
	Meta       map[string]string // more for machines
	Violations []Violation       // everything that is wrong, each with its path
	RetryAfter time.Duration     // when a retry helps; 0: unknown or never
	Err        error             // the cause: logged, never sent
}

// Violation is one thing that is wrong with what a caller sent or with a definition.
type Violation struct {
	Field       string `json:"field"`       // path as the caller wrote it, e.g. flows[2].steps[0].inputs.url
	Reason      Reason `json:"reason"`      // stable, e.g. UNKNOWN_ACTION
	Description string `json:"description"` // the trouble and the way out
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for i, v := range e.Violations {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		if v.Field != "" {
			b.WriteString(v.Field)
			b.WriteString(": ")
		}
		b.WriteString(v.Description)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the error's kind, so that errors.Is(err, ipaas.NotFound) reads as English.
func (e *Error) Is(target error) bool { return target == error(e.Kind) }

// ReasonOf returns the reason of err, or "" when err is none of ours.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// Absent is the error for an unknown id.
func Absent(noun, id string) *Error {
	return &Error{
		Kind: NotFound, Reason: ReasonNotFound,
		Message: fmt.Sprintf("%s %q does not exist", noun, id),
		Meta:    map[string]string{"resource": noun, "id": id},
	}
}

// Taken is the error for an id that is in use.
func Taken(noun, id string) *Error {
	return &Error{
		Kind: Exists, Reason: ReasonAlreadyExists,
		Message: fmt.Sprintf("%s %q exists already: choose another id, or update the existing one", noun, id),
		Meta:    map[string]string{"resource": noun, "id": id},
	}
}

// Stale is the error for an etag that is not the stored one.
func Stale(noun, id string) *Error {
	return &Error{
		Kind: Conflict, Reason: ReasonStaleEtag,
		Message: fmt.Sprintf("%s %q was changed since you read it: read it again and send its new etag", noun, id),
		Meta:    map[string]string{"resource": noun, "id": id},
	}
}

// InvalidArgument is the error that carries every violation of a request at once.
func InvalidArgument(message string, violations ...Violation) *Error {
	return &Error{Kind: Invalid, Reason: ReasonInvalidArgument, Message: message, Violations: violations}
}
