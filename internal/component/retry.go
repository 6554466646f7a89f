package component

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/outbound"
)

// Retry says whether and when a call that failed is made again.
type Retry struct {
	Most        int           // how often, after the first time
	Delay       time.Duration // before the first time again
	Exponential bool          // every next delay is twice as long
	All         bool          // also after an answer that says the call itself is wrong
	// Busy is how often, at least, after an answer that asks to come again. 0: Most says it.
	Busy int
	// Cautious calls again only where the call was certainly not processed, or may be processed twice without harm.
	Cautious bool
}

// The bounds of waiting.
const (
	MaxRetryDelay = time.Minute // between two attempts, whatever the other system asks for
	MaxRetries    = 10
)

// asksAgain reports whether an answer says that nothing was done, and to come again.
func asksAgain(resp *outbound.Response) bool {
	return resp != nil && (resp.Status == http.StatusTooManyRequests || resp.Status == http.StatusServiceUnavailable)
}

// most returns how often the call is made again after an outcome.
func (r Retry) most(resp *outbound.Response, err error) int {
	if err == nil && asksAgain(resp) {
		return max(r.Most, r.Busy)
	}
	return r.Most
}

// helps reports whether another attempt may succeed and may be made.
func (r Retry) helps(method string, resp *outbound.Response, err error) bool {
	if err != nil {
		return r.helpsAfter(method, err)
	}
	switch {
	case asksAgain(resp):
		return true
	case r.Cautious:
		return harmlessTwice(method) && passedOn(resp.Status)
	case resp.Status >= 500, resp.Status == http.StatusRequestTimeout:
		return true
	default:
		return r.All
	}
}

func (r Retry) helpsAfter(method string, err error) bool {
	switch {
	case errors.Is(err, outbound.Blocked), errors.Is(err, outbound.BadRequest), errors.Is(err, outbound.Canceled), errors.Is(err, outbound.TooLarge):
		return false // it will end the same way
	case !outbound.Sent(err):
		return !errors.Is(err, outbound.TLS) || r.All
	default:
		return !r.Cautious || harmlessTwice(method)
	}
}

// harmlessTwice reports whether a method promises that doing it twice is doing it once.
func harmlessTwice(method string) bool {
	return slices.Contains([]string{"", http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete}, method)
}

// wait returns how long to wait before the attempt after this one, counted from 0.
func (r Retry) wait(attempt int, resp *outbound.Response) time.Duration {
	delay := r.Delay
	if r.Exponential {
		for range attempt {
			delay = min(2*delay, MaxRetryDelay)
		}
	}
	delay = Spread(delay)
	if resp != nil {
		if asked, ok := outbound.RetryAfter(resp.Header, time.Now()); ok {
			delay = max(delay, asked)
		}
	}
	return min(delay, MaxRetryDelay)
}

// Pause waits. It reports false, at once, where the caller will not have the time.
func Pause(ctx context.Context, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// Spread lets chance add to a wait or take from it up to a fifth: those that failed together do not come back together.
func Spread(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d - d/5 + rand.N(2*(d/5)+1) //nolint:gosec // G404: a wait is no secret
}
