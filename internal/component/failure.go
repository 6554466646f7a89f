package component

import "fmt"

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

// Failf returns a failure with a formatted message.
func Failf(format string, args ...any) *Failure {
	err := fmt.Errorf(format, args...)
	return &Failure{Message: err.Error(), Err: err}
}
