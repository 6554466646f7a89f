package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// A Counterpart is what Serve serves: an ERP or a Progix.
type Counterpart interface {
	http.Handler
	// Close ends what is under way and waits for it.
	Close()
}

// Serve serves a counterpart at addr until ctx is done, then closes it. Once it listens it writes one line to out:
// "listening on http://127.0.0.1:PORT".
func Serve(ctx context.Context, addr string, counterpart Counterpart, out io.Writer) error {
	defer counterpart.Close()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: counterpart, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(out, "listening on http://%s\n", listener.Addr()); err != nil {
		return errors.Join(fmt.Errorf("tell where it listens: %w", err), server.Close(), ended(<-served))
	}
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	counterpart.Close() // first, so that nothing keeps the server waiting
	// What is left are answers on their way; a caller who does not read them is not waited for.
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err = server.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	return errors.Join(err, ended(<-served))
}

// ended drops the error that only says that the server was told to stop.
func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
