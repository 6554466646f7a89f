package outbound

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	idleTimeout = 60 * time.Second
	idlePerHost = 8
	idleTotal   = 256
	maxHeader   = 1 << 20
)

// newTransport sets every field that matters itself: the default transport
// takes a proxy from the environment and dials whatever it is told.
//
// HTTP/2 stays off. It would share one connection between customers, and the
// moment a request is sent, which tells a lost call from one that never left,
// is exact in HTTP/1 only.
func (c *Client) newTransport(r route) *http.Transport {
	dialer := &net.Dialer{Timeout: c.opts.ConnectTimeout, Resolver: c.opts.Resolver}
	if !r.exempt {
		dialer.Control = c.guard.control
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:       nil,
		DialContext: dialer.DialContext,
		Protocols:   &protocols,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            c.opts.RootCAs,
			InsecureSkipVerify: r.insecure, //nolint:gosec // asked for by the request
		},
		TLSHandshakeTimeout:    c.opts.TLSTimeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           idleTotal,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
	}
}
