package outbound_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/headrace/headrace/internal/outbound"
)

func client(t testing.TB, opts outbound.Options) *outbound.Client {
	t.Helper()
	c, err := outbound.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// local is a client that may call the servers of a test.
func local(t testing.TB) *outbound.Client {
	t.Helper()
	return client(t, outbound.Options{Version: "1.2.3", AllowLoopback: true})
}

func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func do(t testing.TB, c *outbound.Client, req outbound.Request) *outbound.Response {
	t.Helper()
	resp, err := c.Do(t.Context(), req)
	if err != nil {
		t.Fatalf("do: %v", err)
	}
	return resp
}

// fails is failure for who does not look closer.
func fails(t testing.TB, c *outbound.Client, req outbound.Request, kind outbound.Kind, sent bool) {
	t.Helper()
	_ = failure(t, c, req, kind, sent)
}

// failure makes a call that must fail in one way, and returns how it did.
func failure(t testing.TB, c *outbound.Client, req outbound.Request, kind outbound.Kind, sent bool) *outbound.Error {
	t.Helper()
	resp, err := c.Do(t.Context(), req)
	if err == nil {
		t.Fatalf("answered %d, want %s", resp.Status, kind)
	}
	return isError(t, err, kind, sent)
}

func isError(t testing.TB, err error, kind outbound.Kind, sent bool) *outbound.Error {
	t.Helper()
	var e *outbound.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is a %T: %v", err, err)
	}
	if e.Kind != kind || !errors.Is(err, kind) {
		t.Fatalf("kind %s, want %s: %v", e.Kind, kind, err)
	}
	if outbound.Sent(err) != sent {
		t.Fatalf("sent %t, want %t: %v", !sent, sent, err)
	}
	return e
}

// resolver answers every question for a name with what answer returns for it.
func resolver(answer func(name string) []netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go answerDNS(there, answer)
		return here, nil
	}}
}

func answerDNS(conn net.Conn, answer func(string) []netip.Addr) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		packet := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, packet); err != nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(packet); err != nil {
			return
		}
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		q := m.Questions[0]
		for _, a := range answer(strings.TrimSuffix(q.Name.String(), ".")) {
			head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type}
			switch {
			case a.Is4() && q.Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
			case a.Is6() && q.Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
		packet, err := m.AppendPack([]byte{0, 0})
		if err != nil {
			return
		}
		binary.BigEndian.PutUint16(packet, uint16(len(packet)-2))
		if _, err := conn.Write(packet); err != nil {
			return
		}
	}
}

func always(addrs ...string) func(string) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		out = append(out, netip.MustParseAddr(a))
	}
	return func(string) []netip.Addr { return out }
}

func portOf(t testing.TB, url string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return port
}
