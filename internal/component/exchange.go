package component

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
)

// Exchange is one call of another system, as an action makes it.
type Exchange struct {
	Request outbound.Request
	Write   bool                  // it changes the other system: the step's idempotency key is sent, and a lost answer is an unknown outcome
	Success func(status int) bool // nil: 200 to 299
	Retry   Retry
	Secrets []string // kept out of every error and log line
}

// Send makes the call, again where that may help, and returns the answer if its status is a success. Every error is a *Failure
// that names method, address without query, and what went wrong; the last answer, if there was one, comes with it.
func Send(ctx context.Context, call Call, e Exchange) (*outbound.Response, error) {
	e.Request.Hop = call.Hop
	if e.Write {
		e.Request.IdempotencyKey = call.IdempotencyKey
	}
	words := scrubber(e.Secrets)
	unknown := false // once an answer was lost, a later refusal does not say what became of the first attempt
	for attempt := 0; ; attempt++ {
		resp, err := call.Client.Do(ctx, e.Request)
		failure := e.judge(resp, err, words)
		if failure == nil {
			return resp, nil
		}
		unknown = unknown || failure.Unknown
		failure.Unknown = unknown
		most := e.Retry.most(resp, err)
		if attempt >= most || !e.Retry.helps(e.Request.Method, resp, err) {
			return resp, failure
		}
		wait := e.Retry.wait(attempt, resp)
		call.log(ipaas.SeverityWarn, "%s: repeating it in %s (%d of %d)", failure.Message, wait.Round(time.Millisecond), attempt+1, most)
		if !Pause(ctx, wait) {
			return resp, failure
		}
	}
}

// judge returns what is wrong with the outcome of an attempt, or nil.
func (e *Exchange) judge(resp *outbound.Response, err error, words *strings.Replacer) *Failure {
	if err != nil {
		return &Failure{Message: words.Replace(err.Error()), Unknown: e.Write && outbound.Sent(err), Err: err}
	}
	success := e.Success
	if success == nil {
		success = func(status int) bool { return status >= 200 && status <= 299 }
	}
	if success(resp.Status) {
		return nil
	}
	text := fmt.Sprintf("%s %s answered %d %s", e.Request.Method, place(resp.FinalURL), resp.Status, http.StatusText(resp.Status))
	message := words.Replace(strings.TrimSpace(text)) + advice(resp.Status)
	if excerpt := excerpt(resp, words); excerpt != "" {
		message += ": " + excerpt
	}
	return &Failure{Message: message, Status: resp.Status, Unknown: e.Write && passedOn(resp.Status)}
}

// passedOn reports whether a status is that of a gateway that lost the answer of the system behind it.
func passedOn(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

// advice is the way out, where the status tells one.
func advice(status int) string {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return " (check the connection's credentials and what they permit)"
	case status == http.StatusTooManyRequests:
		return " (it wants to be called less often)"
	case status >= 300 && status <= 399 && status != http.StatusNotModified:
		return " (a redirect that is not followed: give the address it leads to)"
	default:
		return ""
	}
}

// place is a URL as it may be shown: userinfo, query and fragment are where credentials are put.
func place(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "the URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// maxExcerpt is how many characters of an answer an error shows.
const maxExcerpt = 300

// excerpt returns the beginning of an answer in one line, if it is text.
func excerpt(resp *outbound.Response, words *strings.Replacer) string {
	if !utf8.Valid(resp.Body) {
		return ""
	}
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, words.Replace(string(resp.Body)))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxExcerpt {
		return string(runes[:maxExcerpt]) + "…"
	}
	return text
}

// log writes a line, if the caller takes them.
func (c Call) log(severity ipaas.Severity, format string, args ...any) {
	if c.Log != nil {
		c.Log(severity, fmt.Sprintf(format, args...))
	}
}
