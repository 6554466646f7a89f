package outbound

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// harmlessHeaders may follow a redirect to another host. Every other one may
// be a credential, whatever its name is, and is left behind.
var harmlessHeaders = []string{
	"Accept", "Accept-Charset", "Accept-Language", "Cache-Control", "Content-Encoding", "Content-Language", "Content-Type",
	"If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Pragma", "Range", "User-Agent",
}

// location returns where resp redirects to, or nil where it is the answer.
func (k *call) location(resp *http.Response) (*url.URL, error) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	raw := resp.Header.Get("Location")
	if raw == "" || k.redirects == 0 && !k.redirected {
		return nil, nil
	}
	if k.redirects == 0 {
		return nil, k.fail(Blocked, errors.New("too many redirects: call the final URL, or allow more of them"))
	}
	u, err := k.url.Parse(raw)
	if err != nil {
		return nil, k.fail(Blocked, errors.New("redirect to a malformed URL"))
	}
	if u, err = normalize(u); err != nil {
		return nil, k.fail(Blocked, fmt.Errorf("redirect: %w", err))
	}
	u.User = nil
	return u, nil
}

// redirect turns the call into the one that status and next ask for.
func (k *call) redirect(status int, next *url.URL) error {
	if next.Scheme != k.url.Scheme {
		return k.fail(Blocked, fmt.Errorf("redirect from %s to %s is not followed: call %s directly", k.url.Scheme, next.Scheme, safeURL(next)))
	}
	if rewrites(status, k.method) {
		k.method, k.body = http.MethodGet, nil
		for _, name := range []string{"Content-Encoding", "Content-Language", "Content-Type", "Idempotency-Key"} {
			k.header.Del(name)
		}
	}
	if !sameHost(k.url, next) {
		if len(k.body) > 0 {
			return k.fail(Blocked, fmt.Errorf("redirect would send the request's body to another host: call %s directly if it is the right one", safeURL(next)))
		}
		for name := range k.header {
			if !slices.Contains(harmlessHeaders, name) {
				k.header.Del(name)
			}
		}
	}
	k.url, k.redirected = next, true
	k.redirects--
	return nil
}

// rewrites reports whether a redirect is to be followed by GET: of 301 and 302
// only a POST is, by custom; of 303 everything, by its meaning.
func rewrites(status int, method string) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound:
		return method == http.MethodPost
	case http.StatusSeeOther:
		return method != http.MethodGet && method != http.MethodHead
	}
	return false
}
