package outbound_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/outbound"
)

// raw accepts connections and hands each to handle, which has read the head of
// the request where read is true.
func raw(t testing.TB, read bool, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if read {
					buf := make([]byte, 64<<10)
					if _, err := conn.Read(buf); err != nil {
						return
					}
				}
				handle(conn)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// nobody returns an address where nobody listens. A connection that was made there keeps others from getting the port meanwhile.
func nobody(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = kept.Close()
		_ = conn.Close()
	})
	return l.Addr().String()
}

func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func TestDo_tells_nothing_sent_from_outcome_unknown(t *testing.T) {
	t.Parallel()
	say := func(words string) func(net.Conn) {
		return func(conn net.Conn) { _, _ = io.WriteString(conn, words) }
	}
	refused := "http://" + nobody(t)
	plain := raw(t, true, say("not tls at all, sorry"))
	for _, tt := range []struct {
		name, url string
		kind      outbound.Kind
		sent      bool
	}{
		{"connection refused", refused, outbound.Connect, false},
		{"no tls", strings.Replace(plain, "http:", "https:", 1), outbound.TLS, false},
		{"hang-up in tls", strings.Replace(raw(t, true, func(net.Conn) {}), "http:", "https:", 1), outbound.TLS, false},
		{"silence in tls", strings.Replace(raw(t, false, silent), "http:", "https:", 1), outbound.Timeout, false},
		{"hang-up after request", raw(t, true, func(net.Conn) {}), outbound.Interrupted, true},
		{"reset after request", raw(t, true, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }), outbound.Interrupted, true},
		{"hang-up in header", raw(t, true, say("HTTP/1.1 200 OK\r\nContent-")), outbound.Interrupted, true},
		{"hang-up in body", raw(t, true, say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")), outbound.Interrupted, true},
		{"hang-up in chunk", raw(t, true, say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc")), outbound.Interrupted, true},
		{"broken gzip", raw(t, true, say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")), outbound.Interrupted, true},
		{"not http", raw(t, true, say("220 smtp.example.com ESMTP\r\n")), outbound.Interrupted, true},
		{"endless header", raw(t, true, say("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 2<<20))), outbound.Interrupted, true},
		{"switch of protocols", raw(t, true, say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")), outbound.Interrupted, true},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(tt.name+" "+method, func(t *testing.T) {
				t.Parallel()
				c := client(t, outbound.Options{AllowLoopback: true})
				timeout := 20 * time.Second // never reached
				if tt.kind == outbound.Timeout {
					timeout = 500 * time.Millisecond
				}
				err := failure(t, c, outbound.Request{Method: method, Body: []byte("x"), URL: tt.url, Timeout: timeout}, tt.kind, tt.sent)
				if tt.sent != strings.Contains(err.Error(), "may have been processed") {
					t.Errorf("error does not say the outcome: %v", err)
				}
			})
		}
	}
	for name, words := range map[string]string{
		"silence after request": "", "silence in header": "HTTP/1.1 200 OK\r\n", "silence in body": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				ctx := late{t.Context(), make(chan struct{})}
				url := raw(t, true, func(conn net.Conn) {
					say(words)(conn)
					close(ctx.over)
					silent(conn)
				})
				_, err := local(t).Do(ctx, outbound.Request{Method: method, Body: []byte("x"), URL: url, Timeout: time.Minute})
				if err := isError(t, err, outbound.Timeout, true); !strings.Contains(err.Error(), "may have been processed") {
					t.Errorf("error does not say the outcome: %v", err)
				}
			})
		}
	}
	t.Run("unknown host", func(t *testing.T) {
		t.Parallel()
		c := client(t, outbound.Options{Resolver: resolver(always())})
		fails(t, c, outbound.Request{URL: "http://nobody.example.com"}, outbound.Connect, false)
	})
}

func TestDo_sends_a_write_only_once_over_a_connection_that_dies(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			return
		}
		posts.Add(1)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	t.Cleanup(s.Close)
	c := local(t)
	for _, body := range [][]byte{nil, []byte("x")} {
		posts.Store(0)
		do(t, c, outbound.Request{URL: s.URL}) // leaves a connection behind
		fails(t, c, outbound.Request{Method: "POST", URL: s.URL, Body: body, IdempotencyKey: "k"}, outbound.Interrupted, true)
		if posts.Load() != 1 {
			t.Errorf("post with body %q was sent %d times", body, posts.Load())
		}
	}
}

func TestDo_waits_for_the_answer_as_long_as_it_was_told(t *testing.T) {
	t.Parallel()
	const patience = 50 * time.Millisecond
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := client(t, outbound.Options{AllowLoopback: true, ResponseHeaderTimeout: patience})
	err := failure(t, c, outbound.Request{URL: url}, outbound.Timeout, true)
	if !strings.Contains(err.Error(), "no answer within 50ms") {
		t.Error(err)
	}
	// A timeout of the request's own is for slow systems: it goes before that
	// of the header.
	slow := serve(t, func(http.ResponseWriter, *http.Request) { time.Sleep(patience + patience/5) })
	if resp := do(t, c, outbound.Request{URL: slow, Timeout: time.Minute}); resp.Duration < patience {
		t.Errorf("answered after %s", resp.Duration)
	}
}

// late is a context whose deadline passes when over is closed.
type late struct {
	context.Context //nolint:containedctx // it is one

	over chan struct{}
}

func (l late) Done() <-chan struct{} { return l.over }

func (l late) Err() error {
	select {
	case <-l.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestDo_tells_the_callers_end_from_a_timeout(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 2)
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	c := local(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := c.Do(ctx, outbound.Request{URL: url})
	_ = isError(t, err, outbound.Canceled, true)
	_, err = c.Do(ctx, outbound.Request{URL: url})
	_ = isError(t, err, outbound.Canceled, false)

	late := late{t.Context(), make(chan struct{})}
	go func() { <-arrived; close(late.over) }()
	_, err = c.Do(late, outbound.Request{URL: url})
	_ = isError(t, err, outbound.Timeout, true)

	why := errors.New("shutting down")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(why)
	_, err = c.Do(ctx, outbound.Request{URL: url})
	_ = isError(t, err, outbound.Canceled, false)
}
