package component

import (
	"net/http"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/outbound"
)

func TestWaits(t *testing.T) {
	t.Parallel()
	asks := func(after string) *outbound.Response {
		return &outbound.Response{Header: http.Header{"Retry-After": {after}}}
	}
	tests := []struct {
		name        string
		retry       Retry
		attempt     int
		resp        *outbound.Response
		least, most time.Duration
	}{
		{"none", Retry{}, 3, nil, 0, 0},
		{"even", Retry{Delay: time.Second}, 5, nil, 800 * time.Millisecond, 1200 * time.Millisecond},
		{"growing", Retry{Delay: time.Second, Exponential: true}, 3, nil, 6400 * time.Millisecond, 9600 * time.Millisecond},
		{"growing to the bound", Retry{Delay: time.Second, Exponential: true}, 1000, nil, 48 * time.Second, MaxRetryDelay},
		{"as asked", Retry{}, 0, asks("7"), 7 * time.Second, 7 * time.Second},
		{"longer than asked", Retry{Delay: 10 * time.Second}, 0, asks("7"), 8 * time.Second, 12 * time.Second},
		{"asked for too much", Retry{}, 0, asks("86400"), MaxRetryDelay, MaxRetryDelay},
		{"asked for nonsense", Retry{}, 0, asks("soon"), 0, 0},
	}
	for _, tt := range tests {
		for range 50 {
			if got := tt.retry.wait(tt.attempt, tt.resp); got < tt.least || got > tt.most {
				t.Fatalf("%s: waits %s, want %s to %s", tt.name, got, tt.least, tt.most)
			}
		}
	}
}

func TestWhenAnotherAttemptHelps(t *testing.T) {
	t.Parallel()
	safe := Retry{Cautious: true}
	sent := http.ErrHandlerTimeout // an error that is not outbound's may mean anything
	notSent := &outbound.Error{Kind: outbound.Connect}
	tests := []struct {
		name   string
		retry  Retry
		method string
		status int
		err    error
		want   bool
	}{
		{"nothing sent", safe, "POST", 0, notSent, true},
		{"sent", Retry{}, "POST", 0, sent, true},
		{"sent, cautious", safe, "POST", 0, sent, false},
		{"sent, twice is once", safe, "PUT", 0, sent, true},
		{"blocked", Retry{All: true}, "GET", 0, &outbound.Error{Kind: outbound.Blocked}, false},
		{"too large", Retry{All: true}, "GET", 0, &outbound.Error{Kind: outbound.TooLarge}, false},
		{"canceled", Retry{All: true}, "GET", 0, &outbound.Error{Kind: outbound.Canceled}, false},
		{"no secure connection", Retry{}, "GET", 0, &outbound.Error{Kind: outbound.TLS}, false},
		{"no secure connection, all", Retry{All: true}, "GET", 0, &outbound.Error{Kind: outbound.TLS}, true},
		{"429", safe, "POST", 429, nil, true},
		{"500", Retry{}, "POST", 500, nil, true},
		{"500, cautious", safe, "GET", 500, nil, false},
		{"504, cautious", safe, "PATCH", 504, nil, false},
		{"504, cautious, twice is once", safe, "GET", 504, nil, true},
		{"408", Retry{}, "GET", 408, nil, true},
		{"404", Retry{}, "GET", 404, nil, false},
		{"404, all", Retry{All: true}, "GET", 404, nil, true},
	}
	for _, tt := range tests {
		if got := tt.retry.helps(tt.method, &outbound.Response{Status: tt.status}, tt.err); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
