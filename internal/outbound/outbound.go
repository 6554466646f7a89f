// Package outbound is the one HTTP client: every call that leaves the server
// passes it, so that its address guard, its limits and its timeouts hold for
// every call. No other package may dial.
//
// It does not know why a call is made, what a retry is worth, or which of its
// headers are secret.
package outbound

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// HopHeader carries how many of the server's own webhooks led to a call.
const HopHeader = "Headrace-Hop"

// Defaults of Options.
const (
	DefaultTimeout               = 30 * time.Second
	DefaultConnectTimeout        = 5 * time.Second
	DefaultTLSTimeout            = 5 * time.Second
	DefaultResponseHeaderTimeout = 10 * time.Second
	DefaultMaxResponseBytes      = 5 << 20
	DefaultMaxHops               = 5
)

// MaxRedirects is the most redirects a Request can ask to follow.
const MaxRedirects = 3

// Options say what a Client may do. The zero Options are the strictest: public
// addresses only. A zero duration or size means its default.
type Options struct {
	// Version is what the User-Agent "headrace/<version>" ends with.
	Version string

	// AllowPrivate lists address ranges that may be called although they are
	// not public.
	AllowPrivate []netip.Prefix
	// AllowLoopback adds 127.0.0.0/8 and ::1 to AllowPrivate.
	AllowLoopback bool
	// OwnPorts are the ports that the server itself listens on. They are
	// refused on every address of this machine, whatever AllowPrivate says;
	// of its own endpoints a flow may call its webhooks only.
	OwnPorts []uint16

	// SelfHooksURL is the "{public-url}/hooks/" under which the server's own
	// webhooks are. A request to a URL below it passes the guard, whatever
	// address it resolves to, up to MaxHops hooks in a row.
	SelfHooksURL string
	MaxHops      int

	Timeout               time.Duration // of a whole call, redirects and body included
	ConnectTimeout        time.Duration
	TLSTimeout            time.Duration
	ResponseHeaderTimeout time.Duration // from the request sent to the first byte of the answer
	MaxResponseBytes      int64         // of a body, inflated

	// RootCAs are the authorities trusted instead of the system's.
	RootCAs *x509.CertPool
	// Resolver looks up host names instead of the system's.
	Resolver *net.Resolver
}

// Request is one call to make.
//
// Headers that belong to the connection (Host, Content-Length, Connection and
// its like), Accept-Encoding and HopHeader are the Client's own and are left
// out of Header, so that the headers of a webhook can be passed on as they are.
type Request struct {
	Method string // empty: GET
	URL    string // http or https; its userinfo becomes Basic authorization
	Header http.Header
	Body   []byte

	// Timeout is that of the whole call instead of the Client's. It then
	// bounds the wait for the answer as well.
	Timeout time.Duration
	// MaxResponseBytes is instead of the Client's.
	MaxResponseBytes int64
	// FollowRedirects is how many redirects to follow, at most MaxRedirects.
	// With 0 a redirect is an answer like another.
	FollowRedirects int
	// InsecureSkipVerify accepts any certificate.
	InsecureSkipVerify bool
	// IdempotencyKey is sent as Idempotency-Key, unless Header has one.
	IdempotencyKey string
	// Hop is how many of the server's own webhooks led here: the HopHeader of
	// the request that began the execution, or 0.
	Hop int
}

// Response is the answer to a Request, whatever its status.
type Response struct {
	Status      int
	Header      http.Header
	Body        []byte // inflated
	ContentType string // as in Header
	FinalURL    string // after redirects; without userinfo
	Duration    time.Duration
}

// Client makes calls. It is safe for concurrent use and made by New.
type Client struct {
	opts       Options
	guard      *guard
	self       selfHooks
	transports map[route]*http.Transport

	tape  *Tape // nil: the world answers, and nothing is recorded
	label string
}

// route tells the connections apart that must not be used for one another: a
// connection let through to the own webhooks would otherwise serve a call that
// the guard refuses, and an unverified one a call that wants it verified.
type route struct{ exempt, insecure bool }

// New returns a Client. It fails where SelfHooksURL or AllowPrivate is not
// what it should be.
func New(opts Options) (*Client, error) {
	opts = opts.withDefaults()
	self, err := parseSelfHooks(opts.SelfHooksURL)
	if err != nil {
		return nil, err
	}
	g, err := newGuard(opts)
	if err != nil {
		return nil, err
	}
	c := &Client{opts: opts, guard: g, self: self, transports: map[route]*http.Transport{}}
	for _, r := range []route{{false, false}, {false, true}, {true, false}, {true, true}} {
		c.transports[r] = c.newTransport(r)
	}
	return c, nil
}

// CloseIdleConnections closes the connections kept for later calls.
func (c *Client) CloseIdleConnections() {
	for _, t := range c.transports {
		t.CloseIdleConnections()
	}
}

// Do makes the call. Every error is an *Error. The answer is read whole, so
// that there is nothing to close.
func (c *Client) Do(ctx context.Context, req Request) (*Response, error) {
	start := time.Now()
	call, err := c.newCall(req)
	if err != nil {
		return nil, err
	}
	resp, err := call.do(ctx)
	if err != nil {
		return nil, err
	}
	resp.Duration = time.Since(start)
	return resp, nil
}

func (o Options) withDefaults() Options {
	o.Timeout = positive(o.Timeout, DefaultTimeout)
	o.ConnectTimeout = positive(o.ConnectTimeout, DefaultConnectTimeout)
	o.TLSTimeout = positive(o.TLSTimeout, DefaultTLSTimeout)
	o.ResponseHeaderTimeout = positive(o.ResponseHeaderTimeout, DefaultResponseHeaderTimeout)
	o.MaxResponseBytes = positive(o.MaxResponseBytes, DefaultMaxResponseBytes)
	o.MaxHops = positive(o.MaxHops, DefaultMaxHops)
	if o.Version == "" {
		o.Version = "dev"
	}
	return o
}

func positive[T int | int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}
