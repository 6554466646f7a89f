package fake_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/headrace/headrace/examples/acme-erp/fake"
)

func TestServeTellsWhereItListensAndStops(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	progix := fake.NewProgix(apiKey)
	served := make(chan error, 1)
	go func() { served <- fake.Serve(ctx, "127.0.0.1:0", progix, in) }()

	line := make([]byte, 100)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	url, told := strings.CutPrefix(strings.TrimSuffix(string(line[:n]), "\n"), "listening on ")
	if !told || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("told %q", line[:n])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	api := caller{TB: t, url: url, client: client, header: map[string]string{"Authorization": "Bearer " + apiKey}}
	api.do("POST /api/customers", `{}`, http.StatusCreated)
	stop()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if got, err := api.send("GET /", ""); err == nil {
		t.Errorf("answered %d after the end", got.status)
	}
}

func TestServeAddressTaken(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var out strings.Builder
	err = fake.Serve(t.Context(), listener.Addr().String(), fake.NewERP(apiKey), &out)
	if err == nil || !strings.Contains(err.Error(), "address already in use") || out.Len() > 0 {
		t.Errorf("Serve: %v, told %q", err, out.String())
	}
}

func TestServeNobodyListensToTheLine(t *testing.T) {
	t.Parallel()
	out, in := io.Pipe()
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := fake.Serve(t.Context(), "127.0.0.1:0", fake.NewERP(apiKey), in); err == nil {
		t.Error("Serve goes on although nobody can know where")
	}
}
