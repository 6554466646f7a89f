package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

func TestBudget_bounds_the_bytes_of_large_bodies_in_work(t *testing.T) {
	t.Parallel()
	var inWork, most atomic.Int64
	const size = 6 << 20
	srv := httptest.NewServer(budget(size, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		now := inWork.Add(int64(len(body)))
		defer inWork.Add(-int64(len(body)))
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
	})))
	t.Cleanup(srv.Close)

	body := bytes.Repeat([]byte("x"), size)
	var senders sync.WaitGroup
	for i := range 24 {
		senders.Go(func() {
			var reader io.Reader = bytes.NewReader(body)
			if i%2 == 0 {
				reader = io.MultiReader(reader) // of unknown length
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, reader)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := srv.Client().Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("status %d, expected that every one has its turn", resp.StatusCode)
			}
		})
	}
	senders.Wait()
	if most.Load() > bodyBudget {
		t.Errorf("%d bytes were in work at once, the budget is %d", most.Load(), bodyBudget)
	}
	if most.Load() == 0 {
		t.Error("no body came through")
	}
}
