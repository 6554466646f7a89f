// Command fake-acme-erp serves the tutorial's fake Acme ERP until it is interrupted.
// When it is ready it prints one line, "listening on http://127.0.0.1:PORT".
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/headrace/headrace/examples/acme-erp/fake"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`address` to listen on; port 0 takes a free one")
	key := flag.String("api-key", "", "`key` that callers must show (X-Api-Key); required")
	flag.Parse()
	if *key == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "fake-acme-erp: it takes --api-key KEY and, if you like, --addr ADDRESS, and nothing else")
		os.Exit(2)
	}
	if err := run(*addr, *key); err != nil {
		fmt.Fprintln(os.Stderr, "fake-acme-erp:", err)
		os.Exit(1)
	}
}

func run(addr, key string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return fake.Serve(ctx, addr, fake.NewERP(key), os.Stdout)
}
