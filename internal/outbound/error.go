package outbound

import (
	"errors"
	"fmt"
	"net/url"
)

// Kind says why a call gave no answer. The set is closed.
type Kind string

// The kinds of Error. A kind stands as the target of errors.Is.
const (
	// Blocked: the address guard, the hop limit or a redirect rule refused.
	Blocked Kind = "blocked"
	// BadRequest: the call cannot be made as it is written.
	BadRequest Kind = "bad request"
	// Connect: the host was not found or not reached; nothing was sent.
	Connect Kind = "connect"
	// TLS: no secure connection came about; nothing was sent.
	TLS Kind = "tls"
	// Timeout: a time limit passed, in whichever phase.
	Timeout Kind = "timeout"
	// Canceled: the caller gave up.
	Canceled Kind = "canceled"
	// TooLarge: the answer is larger than the cap.
	TooLarge Kind = "too large"
	// Interrupted: the request was sent, and the answer did not come whole. It
	// may or may not have been processed.
	Interrupted Kind = "interrupted"
)

// Error lets a Kind stand as the target of errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is why a call gave no answer.
type Error struct {
	Kind   Kind
	Method string
	URL    string // without userinfo, query and fragment; empty where malformed
	Err    error
	sent   bool
}

// Error names the call, the trouble and, where there is one, the way out.
func (e *Error) Error() string {
	if e.URL == "" {
		return fmt.Sprintf("%s: %v", e.Method, e.Err)
	}
	return fmt.Sprintf("%s %s: %v", e.Method, e.URL, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the Kind of e.
func (e *Error) Is(target error) bool { return target == error(e.Kind) }

// Sent reports whether the other side may have processed the call that failed
// with err; where it is false, calling again cannot do anything twice. An error
// that is not of this package may mean anything: true.
func Sent(err error) bool {
	if err == nil {
		return true
	}
	var e *Error
	return !errors.As(err, &e) || e.sent
}

// safeURL is u as it may be shown: userinfo, query and fragment are where
// credentials are put.
func safeURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}
