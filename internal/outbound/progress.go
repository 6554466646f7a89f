package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// flag is raised once, by any goroutine.
type flag struct{ b atomic.Bool }

func (f *flag) raise()       { f.b.Store(true) }
func (f *flag) raised() bool { return f.b.Load() }

// progress is how far a call has come. The transport reports it from
// goroutines of its own.
type progress struct {
	sent      flag // over all redirects: a request's head has left
	handshake atomic.Bool
}

func (p *progress) begin() { p.handshake.Store(false) }

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart: func() { p.handshake.Store(true) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				p.handshake.Store(false)
			}
		},
		// Called after the head was written to the buffer and before the
		// buffer is flushed: without it no server has a request to process.
		WroteHeaders: p.sent.raise,
	}
}

type timeoutError struct {
	what  string // did not happen
	limit time.Duration
}

func (e timeoutError) Error() string {
	return fmt.Sprintf("%s within %s: raise the timeout if the system is known to be slow", e.what, e.limit)
}

type tooLargeError struct{ limit int64 }

func (e tooLargeError) Error() string {
	return fmt.Sprintf("answer is larger than the cap of %d bytes: ask for less at a time, or raise the cap", e.limit)
}

// classify gives an error of the transport its Kind.
func (k *call) classify(ctx context.Context, err error) *Error {
	var large tooLargeError
	var limit timeoutError
	var network net.Error
	switch {
	case asBlocked(err) != nil:
		return k.fail(Blocked, asBlocked(err))
	case errors.As(err, &large):
		return k.fail(TooLarge, large)
	case errors.As(context.Cause(ctx), &limit) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return k.fail(Timeout, k.outcome(context.Cause(ctx)))
	case ctx.Err() != nil:
		return k.fail(Canceled, k.outcome(context.Cause(ctx)))
	case errors.As(err, &network) && network.Timeout():
		return k.fail(Timeout, k.outcome(err))
	case k.progress.sent.raised():
		return k.fail(Interrupted, k.outcome(err))
	case k.progress.handshake.Load():
		return k.fail(TLS, fmt.Errorf("no secure connection: %w", err))
	}
	return k.fail(Connect, fmt.Errorf("no connection: %w", err))
}

// outcome adds what the reader of the error has to know before he tries again.
func (k *call) outcome(err error) error {
	if k.progress.sent.raised() {
		return fmt.Errorf("%w (the request was sent and may have been processed)", err)
	}
	return fmt.Errorf("%w (nothing was sent)", err)
}

func (k *call) fail(kind Kind, err error) *Error {
	return &Error{Kind: kind, Method: k.method, URL: safeURL(k.url), Err: err, sent: k.progress.sent.raised()}
}
