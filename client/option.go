package client

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"
)

// Option changes how a client connects and calls.
type Option func(*options)

type options struct {
	token    string
	insecure bool
	tls      *tls.Config
	caFile   string
	timeout  time.Duration
}

// WithToken sends a token with every call. The empty token is none.
func WithToken(token string) Option { return func(o *options) { o.token = token } }

// WithInsecure allows a token to be sent as plain text to another machine: over a network where nobody listens, or through a
// tunnel that encrypts by itself.
func WithInsecure() Option { return func(o *options) { o.insecure = true } }

// WithTLS connects by TLS. A nil config stands for the defaults: the roots of the system.
func WithTLS(config *tls.Config) Option {
	return func(o *options) {
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		o.tls = config
	}
}

// WithCA connects by TLS to a server whose certificate was signed by one of the authorities in a PEM file.
func WithCA(file string) Option { return func(o *options) { o.caFile = file } }

// WithTimeout bounds every call that comes without a deadline; streams are not bounded. Without this option a call may take 30
// seconds, and one that runs flows, such as Deploy, as long as the longest deployment.
func WithTimeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// tlsConfig returns nil for plain text.
func (o *options) tlsConfig() (*tls.Config, error) {
	if o.caFile == "" {
		return o.tls, nil
	}
	pem, err := os.ReadFile(o.caFile)
	if err != nil {
		return nil, fmt.Errorf("certificate authorities: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("certificate authorities: %s holds no certificate in PEM", o.caFile)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.tls != nil {
		config = o.tls.Clone()
	}
	config.RootCAs = roots
	return config, nil
}
