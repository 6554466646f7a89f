package outbound

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// The bounds of what a Tape records.
const (
	MaxTapeExchanges = 1000
	MaxTapeBody      = 1 << 20 // of one body
	MaxTapeBytes     = 3 << 20 // of all bodies
)

// Exchange is one request that left, or was to, and what it was answered. On the way over a redirect each hop is one.
type Exchange struct {
	Label string // what the client was labelled with that made it

	Method        string
	URL           string
	RequestHeader http.Header
	RequestBody   []byte
	AnyBody       bool // of one to answer from: requests with whatever body are meant

	Status         int // 0: there was no answer
	ResponseHeader http.Header
	ResponseBody   []byte
	Error          string // why there was no answer

	Truncated bool // a body was too long to keep whole
}

// TapeOptions say what a Tape does.
type TapeOptions struct {
	// Exchanges are what requests are answered from, each once and in their order; the last one that fits a request answers it again.
	Exchanges []Exchange
	// Offline lets no request out: one that no exchange fits fails as Blocked.
	Offline bool
	// Record keeps what was asked and answered.
	Record bool
	// Hide takes out of a text what must not be shown, and Show puts in again what it can. Requests are held against exchanges as
	// they are and without what must not be shown. Nil: the text itself.
	Hide, Show func(string) string
}

// Tape answers requests in place of the world, or records what the world answered. It belongs to one run; its clients may call at once.
type Tape struct {
	opts TapeOptions

	mu    sync.Mutex
	used  []bool // guarded by mu
	made  []Exchange
	bytes int
	learn learned
}

// NewTape returns a Tape.
func NewTape(opts TapeOptions) *Tape {
	same := func(text string) string { return text }
	if opts.Hide == nil {
		opts.Hide = same
	}
	if opts.Show == nil {
		opts.Show = same
	}
	return &Tape{opts: opts, used: make([]bool, len(opts.Exchanges))}
}

// Through returns a client like c whose calls pass a tape, under a label. All limits of c hold; its guard has nothing to look at where
// the tape answers.
func (c *Client) Through(t *Tape, label string) *Client {
	if t == nil {
		return c
	}
	taped := *c
	taped.tape, taped.label = t, label
	return &taped
}

// Made returns what was recorded, in the order in which the requests were made.
func (t *Tape) Made() []Exchange {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.made)
}

// begin notes a request and answers it if the tape does. The place is where to note what it is answered.
func (t *Tape) begin(k *call) (resp *http.Response, place int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	place = t.note(k)
	at := t.find(k)
	if at < 0 {
		if !t.opts.Offline {
			return nil, place, nil
		}
		return nil, place, k.fail(Blocked, t.unanswered(k))
	}
	t.used[at] = true
	given := &t.opts.Exchanges[at]
	if given.Status == 0 {
		message := given.Error
		if message == "" {
			message = "the recorded exchange has no answer"
		}
		// Nobody knows whether it was done, as when it was recorded.
		failure := k.fail(Interrupted, errors.New(t.opts.Show(message)))
		failure.sent = true
		return nil, place, failure
	}
	return t.response(given), place, nil
}

// note records a request, and returns its place; -1 where nothing is recorded.
func (t *Tape) note(k *call) int {
	if !t.opts.Record || len(t.made) >= MaxTapeExchanges {
		return -1
	}
	e := Exchange{Label: k.client.label, Method: k.method, URL: t.hide(k.url.String()), RequestHeader: t.hidden(k.header)}
	e.RequestBody = t.keep(&e, k.body)
	t.made = append(t.made, e)
	return len(t.made) - 1
}

// answered records what a request was answered, or why it was not.
func (t *Tape) answered(place int, status int, header http.Header, body []byte, err error) {
	if place < 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	e := &t.made[place]
	if err != nil {
		var failure *Error
		if errors.As(err, &failure) {
			err = failure.Err // which request it was, the exchange says
		}
		e.Error = t.hide(err.Error())
		return
	}
	t.learn.from(t.opts.Hide(string(body)))
	e.Status, e.ResponseHeader = status, t.hidden(header)
	ofTheWay(e.ResponseHeader)
	e.ResponseBody = t.keep(e, body)
}

// hide takes out of a text what is not to be recorded.
func (t *Tape) hide(text string) string { return t.learn.hide(t.opts.Hide(text)) }

// keep returns a body as it is recorded.
func (t *Tape) keep(e *Exchange, body []byte) []byte {
	clean := []byte(t.hide(string(body)))
	if most := min(MaxTapeBody, MaxTapeBytes-t.bytes); len(clean) > most {
		clean, e.Truncated = clean[:max(most, 0)], true
	}
	t.bytes += len(clean)
	return clean
}

// hiddenHeaders hold credentials whatever they are.
var hiddenHeaders = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "Api-Key", "X-Api-Key", "X-Auth-Token", "X-Access-Token", "Apikey",
}

// HiddenHeader stands in place of the value of a header that holds a credential.
const HiddenHeader = "[redacted]"

func (t *Tape) hidden(header http.Header) http.Header {
	out := make(http.Header, len(header))
	for name, values := range header {
		for _, v := range values {
			if slices.Contains(hiddenHeaders, http.CanonicalHeaderKey(name)) {
				v = HiddenHeader
			}
			out[name] = append(out[name], t.hide(v))
		}
	}
	return out
}

// find returns the exchange to answer a request from: the first that fits and has not answered one, else the last that fits; else -1.
func (t *Tape) find(k *call) int {
	last := -1
	for i := range t.opts.Exchanges {
		if !t.fits(&t.opts.Exchanges[i], k) {
			continue
		}
		if !t.used[i] {
			return i
		}
		last = i
	}
	return last
}

func (t *Tape) fits(e *Exchange, k *call) bool {
	if !strings.EqualFold(e.Method, k.method) || !t.sameURL(e.URL, k.url) {
		return false
	}
	return e.AnyBody || t.sameBody(e.RequestBody, k.body)
}

// sameURL compares URLs without their fragments, and their queries whatever the order of the parameters.
func (t *Tape) sameURL(want string, u *url.URL) bool {
	is := plainURL(u.String())
	want = plainURL(want)
	return want == is || want == plainURL(t.opts.Hide(u.String())) || plainURL(t.opts.Show(want)) == is
}

// plainURL returns a URL in one form, as far as it can be read.
func plainURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	u.Fragment, u.RawFragment, u.User = "", "", nil
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	u.Host = strings.TrimSuffix(strings.TrimSuffix(u.Host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme]), ":")
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = u.Query().Encode()
	return u.String()
}

// sameBody compares bodies, those that are JSON as the values they are.
func (t *Tape) sameBody(want, is []byte) bool {
	hidden := []byte(t.opts.Hide(string(is)))
	shown := []byte(t.opts.Show(string(want)))
	return bytes.Equal(want, hidden) || bytes.Equal(shown, is) || sameJSON(want, hidden) || sameJSON(shown, is)
}

func sameJSON(a, b []byte) bool {
	x, ok := plainJSON(a)
	if !ok {
		return false
	}
	y, ok := plainJSON(b)
	return ok && bytes.Equal(x, y)
}

// plainJSON returns JSON in one form: without space, keys sorted, numbers as they stand.
func plainJSON(text []byte) ([]byte, bool) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil || dec.More() {
		return nil, false
	}
	out, err := json.Marshal(v)
	return out, err == nil
}

// response is what an exchange answers.
func (t *Tape) response(e *Exchange) *http.Response {
	body := []byte(t.opts.Show(string(e.ResponseBody)))
	header := make(http.Header, len(e.ResponseHeader))
	for name, values := range e.ResponseHeader {
		for _, v := range values {
			header.Add(name, t.opts.Show(v))
		}
	}
	ofTheWay(header)
	return &http.Response{
		StatusCode: e.Status, Status: fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// ofTheWay leaves out the headers that tell of a body as it travelled: that of a tape is whole, and not packed.
func ofTheWay(header http.Header) {
	for _, name := range []string{"Content-Length", "Content-Encoding", "Transfer-Encoding"} {
		header.Del(name)
	}
}

// unanswered says that nothing answers a request, and what comes near.
func (t *Tape) unanswered(k *call) error {
	asked := "it" // the error begins with the request, but for its query
	if k.url.RawQuery != "" {
		asked = fmt.Sprintf("%s %s", k.method, t.opts.Hide(k.url.String()))
	}
	if len(t.opts.Exchanges) == 0 {
		return fmt.Errorf("the test is offline, and was given no exchange to answer %s from: give one, or a result for the step", asked)
	}
	for i := range t.opts.Exchanges {
		e := t.opts.Exchanges[i]
		if e.AnyBody = true; t.fits(&e, k) {
			return fmt.Errorf("the test is offline, and the exchange for %s is for another body than %s", asked, t.excerpt(k.body))
		}
	}
	if len(t.opts.Exchanges) == 1 {
		return fmt.Errorf("the test is offline, and its only exchange is not for %s: give one, or a result for the step", asked)
	}
	return fmt.Errorf("the test is offline, and none of its %d exchanges is for %s: give one, or a result for the step", len(t.opts.Exchanges), asked)
}

// excerpt is the beginning of a body, for an error.
func (t *Tape) excerpt(body []byte) string {
	const most = 200
	text := strings.ToValidUTF8(t.opts.Hide(string(body)), "\ufffd")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
