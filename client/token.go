package client

import (
	"context"
	"errors"
	"net"
	"strings"
)

// bearer sends a token with every call. Whether it may travel as plain text is decided when the client is made.
type bearer string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (b bearer) RequireTransportSecurity() bool { return false }

// String keeps the token out of whatever prints the client.
func (b bearer) String() string { return "bearer token" }

// GoString keeps the token out of whatever prints the client.
func (b bearer) GoString() string { return b.String() }

// checkToken refuses what cannot stand in a header, without showing it.
func checkToken(token string) error {
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return errors.New("the token holds a space, a line break or another character that no token has: check where it was read from")
		}
	}
	return nil
}

// onThisMachine reports whether what is sent to a target surely stays on this machine.
func onThisMachine(target string) bool {
	if scheme, rest, ok := strings.Cut(target, ":"); ok && (scheme == "unix" || scheme == "unix-abstract") {
		return rest != ""
	}
	if _, rest, ok := strings.Cut(target, "://"); ok {
		// An authority, as in dns://192.0.2.1/name, decides itself what a name means.
		authority, endpoint, _ := strings.Cut(rest, "/")
		if authority != "" {
			return false
		}
		target = endpoint
	} else {
		for _, scheme := range []string{"dns:", "passthrough:"} {
			target = strings.TrimPrefix(target, scheme)
		}
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		host = strings.Trim(target, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
