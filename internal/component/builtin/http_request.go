package builtin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/value"
)

// bodyOf makes the body of a request out of a step's inputs, and tells its content type.
type bodyOf func(in component.Inputs) (body []byte, contentType string, err error)

// dataBody is the body that the input data makes.
func dataBody(in component.Inputs) (body []byte, contentType string, err error) {
	body, contentType = encodeBody(in.Value("data"))
	return body, contentType, nil
}

// httpRequest makes the request that the inputs of a step describe.
func httpRequest(method string, in component.Inputs, body bodyOf) (outbound.Request, error) {
	r := outbound.Request{Method: method, Header: http.Header{}, InsecureSkipVerify: in.Bool("ignoreSslErrors")}
	redirects, err := in.Int("maxRedirects")
	if err != nil || redirects < 0 {
		return r, fmt.Errorf("input %q is no number of redirects: give 0 to %d", "maxRedirects", outbound.MaxRedirects)
	}
	r.FollowRedirects = min(redirects, outbound.MaxRedirects) // what is imported asks for 5
	if r.URL, err = httpURL(in); err != nil {
		return r, err
	}
	if r.Timeout, err = milliseconds(in, "timeout", maxTimeout); err != nil {
		return r, err
	}
	if err := httpHeaders(in, r.Header); err != nil {
		return r, err
	}
	if err := authorize(in.Connection("connection"), r.Header); err != nil {
		return r, err
	}
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json, text/plain, */*")
	}
	if !writes(method) {
		return r, nil
	}
	var contentType string
	if r.Body, contentType, err = body(in); err != nil {
		return r, err
	}
	if contentType != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r, nil
}

// httpURL returns the URL with the query parameters. No error quotes it: it may hold credentials.
func httpURL(in component.Inputs) (string, error) {
	raw := strings.TrimSpace(in.Text("url"))
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("input %q is no absolute URL: give one that begins with https:// or http://", "url")
	}
	raw, _, _ = strings.Cut(raw, "#")
	separator := "?"
	if strings.Contains(raw, "?") {
		separator = "&"
	}
	for _, p := range in.Pairs("queryParams") {
		if p.Value == nil || p.Key == "" {
			continue
		}
		raw += separator + url.QueryEscape(p.Key) + "=" + url.QueryEscape(value.Text(p.Value))
		separator = "&"
	}
	return raw, nil
}

func httpHeaders(in component.Inputs, h http.Header) error {
	for _, p := range in.Pairs("headers") {
		text := value.Text(p.Value)
		switch {
		case text == "":
		case !httpguts.ValidHeaderFieldName(p.Key):
			return fmt.Errorf("input %q has the header name %q: use letters, digits and hyphens", "headers", p.Key)
		case !httpguts.ValidHeaderFieldValue(text):
			return fmt.Errorf("input %q: header %s holds a line break or another control character: remove it", "headers", p.Key)
		default:
			h.Add(p.Key, text)
		}
	}
	return nil
}

// authorize adds the credentials of a connection, unless the step itself sets their header.
func authorize(c *component.Connection, h http.Header) error {
	if c == nil {
		return nil
	}
	input := func(key string) string {
		v, _ := c.Inputs.Get(key)
		return value.Text(v)
	}
	name, text := "Authorization", ""
	switch c.Type {
	case "http.basic":
		text = "Basic " + base64.StdEncoding.EncodeToString([]byte(input("username")+":"+input("password")))
	case "http.bearer":
		text = "Bearer " + input("token")
	case "http.apiKey":
		if header := input("header"); header != "" {
			name = header
		}
		scheme := input("authScheme")
		if scheme == "" && http.CanonicalHeaderKey(name) == "Authorization" {
			scheme = "Basic"
		}
		text = strings.TrimSpace(scheme + " " + input("apiKey"))
	default:
		return fmt.Errorf("input %q is a connection of type %s: give one of http.basic, http.apiKey, http.bearer", "connection", c.Type)
	}
	if !httpguts.ValidHeaderFieldName(name) {
		return errors.New("the connection's header is no header name: use letters, digits and hyphens")
	}
	if !httpguts.ValidHeaderFieldValue(text) {
		return errors.New("the connection's credentials hold a line break or another control character: enter them again")
	}
	if h.Get(name) == "" {
		h.Set(name, text)
	}
	return nil
}

func milliseconds(in component.Inputs, key string, most time.Duration) (time.Duration, error) {
	n, err := in.Int(key)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > int(most.Milliseconds()) {
		return 0, fmt.Errorf("input %q is %d: give 0 to %d milliseconds", key, n, most.Milliseconds())
	}
	return time.Duration(n) * time.Millisecond, nil
}
