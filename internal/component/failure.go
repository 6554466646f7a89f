package component

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/headrace/headrace/internal/outbound"
)

// Failure is an error of an action that says more than its words.
type Failure struct {
	Message string // for people: the thing, the trouble, the way out
	Status  int    // the status the other system answered; 0: none
	// Unknown tells that the other system may have done what it was asked: the request was sent, and no usable answer came.
	Unknown bool
	Err     error
}

func (f *Failure) Error() string { return f.Message }
func (f *Failure) Unwrap() error { return f.Err }

// Gone reports whether the other system said that the thing is not there: for an undo, that is success.
func (f *Failure) Gone() bool { return f.Status == 404 || f.Status == 410 }

// Exists reports whether the refusal may mean that what was to be created is there already.
func (f *Failure) Exists() bool { return f.Status == 409 || f.Status == 422 }

// Passing reports whether the same call may do well later: the other system was out of reach, busy or failing, or nobody knows.
func (f *Failure) Passing() bool {
	if f.Status == 0 {
		var e *outbound.Error
		return f.Unknown || errors.As(f.Err, &e) && !slices.Contains([]outbound.Kind{outbound.Blocked, outbound.BadRequest, outbound.TooLarge, outbound.TLS}, e.Kind)
	}
	return f.Unknown || f.Status >= 500 || f.Status == http.StatusTooManyRequests || f.Status == http.StatusRequestTimeout
}

// Failf returns a failure with a formatted message.
func Failf(format string, args ...any) *Failure {
	err := fmt.Errorf(format, args...)
	return &Failure{Message: err.Error(), Err: err}
}
