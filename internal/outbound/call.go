package outbound

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// ownHeaders are the Client's business and never taken from a Request.
var ownHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Length", "Expect", HopHeader, "Host", "Keep-Alive", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// call is one Request on its way through its redirects.
type call struct {
	client        *Client
	method        string
	url           *url.URL
	header        http.Header
	body          []byte
	timeout       time.Duration
	headerTimeout time.Duration
	maxBytes      int64
	redirects     int // still to be followed
	insecure      bool
	hop           int
	redirected    bool
	progress      progress
}

func (c *Client) newCall(req Request) (*call, error) {
	k := &call{
		client:        c,
		method:        strings.ToUpper(req.Method),
		body:          req.Body,
		timeout:       positive(req.Timeout, c.opts.Timeout),
		headerTimeout: positive(req.Timeout, c.opts.ResponseHeaderTimeout),
		maxBytes:      positive(req.MaxResponseBytes, c.opts.MaxResponseBytes),
		redirects:     req.FollowRedirects,
		insecure:      req.InsecureSkipVerify,
		hop:           max(req.Hop, 0),
	}
	if k.method == "" {
		k.method = http.MethodGet
	}
	var err error
	if k.url, err = parseTarget(req.URL); err != nil {
		return nil, k.fail(BadRequest, err)
	}
	if err = checkRequest(req, k.method); err != nil {
		return nil, k.fail(BadRequest, err)
	}
	k.header = c.headers(req, k.url)
	k.url.User = nil
	return k, nil
}

// checkRequest quotes no header's value: it may be a credential.
func checkRequest(req Request, method string) error {
	// The grammar of a method is that of a header's name.
	if !httpguts.ValidHeaderFieldName(method) || method == http.MethodConnect {
		return errors.New("method is not one that can be sent")
	}
	if req.FollowRedirects < 0 || req.FollowRedirects > MaxRedirects {
		return fmt.Errorf("%d redirects to follow: choose 0 to %d", req.FollowRedirects, MaxRedirects)
	}
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("header name %q has a character that is not allowed", name)
		}
		if slices.ContainsFunc(values, invalidValue) {
			return fmt.Errorf("header %s has a value with a line break or another control character", name)
		}
	}
	if invalidValue(req.IdempotencyKey) {
		return errors.New("idempotency key has a line break or another control character")
	}
	return nil
}

func invalidValue(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }

func (c *Client) headers(req Request, u *url.URL) http.Header {
	h := make(http.Header, len(req.Header)+3)
	for name, values := range req.Header {
		name = textproto.CanonicalMIMEHeaderKey(name)
		h[name] = append(h[name], values...)
	}
	for _, name := range ownHeaders {
		h.Del(name)
	}
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", "headrace/"+c.opts.Version)
	}
	if req.IdempotencyKey != "" && h.Get("Idempotency-Key") == "" {
		h.Set("Idempotency-Key", req.IdempotencyKey)
	}
	if u.User != nil && h.Get("Authorization") == "" {
		password, _ := u.User.Password()
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
	}
	return h
}

func (k *call) do(ctx context.Context) (*Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, k.timeout, timeoutError{"no complete answer", k.timeout})
	defer cancel()
	for {
		resp, next, err := k.hopOnce(ctx)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return resp, nil
		}
		if err := k.redirect(resp.Status, next); err != nil {
			return nil, err
		}
	}
}

// hopOnce makes one round trip and reads its answer, or returns where the
// answer leads to.
func (k *call) hopOnce(ctx context.Context) (*Response, *url.URL, error) {
	exempt, err := k.enterSelf()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if t := k.client.tape; t != nil {
		return k.hopTaped(ctx, cancel, t, route{exempt: exempt, insecure: k.insecure})
	}
	resp, err := k.roundTrip(ctx, cancel, route{exempt: exempt, insecure: k.insecure})
	if err != nil {
		return nil, nil, k.classify(ctx, err)
	}
	return k.answer(ctx, resp)
}

// hopTaped is hopOnce on a tape.
func (k *call) hopTaped(ctx context.Context, cancel context.CancelCauseFunc, t *Tape, r route) (*Response, *url.URL, error) {
	given, place, err := t.begin(k) //nolint:bodyclose // answer does
	if given == nil && err == nil {
		if given, err = k.roundTrip(ctx, cancel, r); err != nil { //nolint:bodyclose // answer does
			err = k.classify(ctx, err)
		}
	}
	if err != nil {
		t.answered(place, 0, nil, nil, err)
		return nil, nil, err
	}
	status, header := given.StatusCode, given.Header
	resp, next, err := k.answer(ctx, given)
	switch {
	case err != nil:
		t.answered(place, 0, nil, nil, err)
	case next != nil:
		t.answered(place, status, header, nil, nil)
	default:
		t.answered(place, status, header, resp.Body, nil)
	}
	return resp, next, err
}

// answer reads an answer, or returns where it leads to.
func (k *call) answer(ctx context.Context, resp *http.Response) (*Response, *url.URL, error) {
	defer resp.Body.Close()
	if next, err := k.location(resp); next != nil || err != nil {
		return &Response{Status: resp.StatusCode}, next, err
	}
	body, err := k.read(resp)
	if err != nil {
		return nil, nil, k.classify(ctx, err)
	}
	return &Response{
		Status:      resp.StatusCode,
		Header:      resp.Header,
		Body:        body,
		ContentType: resp.Header.Get("Content-Type"),
		FinalURL:    k.url.String(),
	}, nil, nil
}

// enterSelf counts a call of an own webhook and reports whether it passes the
// guard. A redirect never does: it was chosen by whoever answered.
func (k *call) enterSelf() (exempt bool, err error) {
	k.header.Del(HopHeader)
	if !k.client.self.match(k.url) {
		return false, nil
	}
	if k.hop++; k.hop > k.client.opts.MaxHops {
		return false, k.fail(Blocked, fmt.Errorf(
			"webhooks of this server called one another %d times in a row: look for a flow that triggers itself", k.client.opts.MaxHops))
	}
	k.header.Set(HopHeader, strconv.Itoa(k.hop))
	return !k.redirected, nil
}

func (k *call) roundTrip(ctx context.Context, cancel context.CancelCauseFunc, r route) (*http.Response, error) {
	k.progress.begin()
	var answered flag
	waited := timeoutError{"no answer", k.headerTimeout}
	timer := time.AfterFunc(time.Hour, func() {
		if !answered.raised() {
			cancel(waited)
		}
	})
	defer timer.Stop()
	defer answered.raise()
	timer.Stop()
	trace := k.progress.trace()
	trace.WroteRequest = func(httptrace.WroteRequestInfo) { timer.Reset(k.headerTimeout) }

	req, err := k.request(httptrace.WithClientTrace(ctx, trace))
	if err != nil {
		return nil, err
	}
	return k.client.transports[r].RoundTrip(req)
}

func (k *call) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if len(k.body) > 0 {
		body = bytes.NewReader(k.body)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, k.url.String(), body)
	if err != nil {
		return nil, errors.New("request cannot be built from its method and URL")
	}
	req.Header = k.header.Clone()
	hideKey(req.Header)
	req.Close = connectionBound(k.header.Get("Authorization"))
	return req, nil
}

// hideKey spells the keys of a write so that the transport does not see them:
// given one, it sends the request again by itself when a kept connection dies.
// Whether a key means anything to the other side is for the caller to know.
func hideKey(h http.Header) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = values
		}
	}
}

// connectionBound reports whether a credential authenticates the connection
// instead of the request: such a connection must serve nobody else.
func connectionBound(authorization string) bool {
	scheme, _, _ := strings.Cut(authorization, " ")
	return strings.EqualFold(scheme, "NTLM") || strings.EqualFold(scheme, "Negotiate")
}

func (k *call) read(resp *http.Response) ([]byte, error) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, errors.New("answer switches to a protocol that was not asked for")
	}
	if k.method != http.MethodHead && resp.ContentLength > k.maxBytes {
		return nil, tooLargeError{k.maxBytes}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, max(k.maxBytes, k.maxBytes+1)))
	if int64(len(body)) > k.maxBytes {
		return nil, tooLargeError{k.maxBytes}
	}
	if err != nil {
		return nil, fmt.Errorf("answer broke off after %d bytes: %w", len(body), err)
	}
	return body, nil
}
